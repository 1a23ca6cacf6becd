/* send: appends a message, once, however often it is repeated (design: section
 * 1, idempotent sends). */
#include "base/mem.h"
#include "base/str.h"
#include "chat/model/guise.h"
#include "chat/room/append.h"
#include "chat/room/commands.h"
#include "chat/room/direct.h"
#include "chat/room/hooked.h"
#include "chat/room/order.h"
#include "chat/room/reads.h"
#include "chat/room/screen.h"
#include "chat/room/slow.h"

#include "base/str.h"

#define CHUNK 256
#define CHUNK_BYTES (512 * 1024)

static void cmd_send_answer(struct call *call, uint64_t seq, uint64_t ts_ms, uint64_t count,
                            bool duplicate)
{
    assert(seq > 0);
    json_out_field_u64(&call->out, "seq", seq);
    json_out_field_u64(&call->out, "ts", ts_ms);
    json_out_field_u64(&call->out, "count", count);
    if (duplicate)
        json_out_field_bool(&call->out, "duplicate", true);
    call_ok(call);
}

static void send_told(struct room *r, struct call *call)
{
    if (direct_tells(r, call, send_told))
        return;
    if (call->entry.changed)
        json_out_field_bool(&call->out, "changed", true);
    cmd_send_answer(call, call->seq, call->entry.ts_ms, call->entry.count, false);
}

static void send_appended(struct room *r, struct call *call)
{
    assert(call->room == r && call->seq > 0);
    (void)reads_mark(r, call->who.user, call->seq, call->entry.count);
    send_told(r, call);
}

static call_propose_f send_propose;

/* Looking through the log, between what the client had seen and the tail. */

static bool is_repeat(const struct call *call, const struct entry *e)
{
    return e->kind == ENTRY_MESSAGE && e->from_id == call->who.user &&
           str_eq(e->cid, call->cmd.cid);
}

/* Of what was sent: the command has the text that the service made of it. A deleted message has no
 * text any more, and one that was changed on its way not the one that was sent: it is the same all
 * the same. */
static bool same_content(const struct call *call, const struct entry *e)
{
    uint64_t content = room_hash_content(call->room, e);

    assert(call->content_hash != 0);
    return content == 0 || content == call->content_hash;
}

static void search_read(struct store_req *req);

static void search_next(struct room *r, struct call *call)
{
    assert(call->room == r && call->cmd.cid.n > 0);
    (void)call_request(call, r->owner, search_read);
    call->q.read.room = room_id(r);
    call->q.read.from = call->searched + 1;
    call->q.read.count_max = CHUNK;
    call->q.read.bytes_max = CHUNK_BYTES;
    store_read(r->owner->store, &call->q.read);
}

/* What is remembered, or read, of a store that may have become another acknowledges nothing. */
static bool fails_unbelieved(struct room *r, struct call *call)
{
    struct store *store = r->owner->store;

    if (store_is_believed(store, owner_now_ms(r->owner)))
        return false;
    call_fail_store(call, store_is_shut(store) ? STORE_BEHIND : STORE_FAILED);
    return true;
}

/* Ends the call if an entry of the block is its first attempt. */
static bool search_block(struct call *call, const struct frame *block)
{
    struct store_item item;
    struct entry e;
    size_t at = 0;

    while (store_block_next(block, &at, &item)) {
        call->searched = item.key;
        if (entry_decode(item.body, &e) != ENTRY_OK || !is_repeat(call, &e))
            continue;
        if (!same_content(call, &e))
            call_fail(call, ERROR_cid_conflict);
        else if (!fails_unbelieved(call->room, call))
            cmd_send_answer(call, item.key, e.ts_ms, e.count, true);
        return true;
    }
    return false;
}

static void search_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct room *r = call->room;
    struct frame *block = call->q.read.ret_block;
    bool ended, empty;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    empty = call->q.read.ret_n == 0;
    ended = search_block(call, block);
    frame_unref(block);
    if (ended)
        return;
    if (call->searched + 1 >= r->tail.first)
        append_propose(r, call);
    else if (empty) /* though the log goes on */
        call_fail(call, ERROR_store_failed);
    else
        search_next(r, call);
}

/* True if the repeat was recognised and answered, or may not be decided. */
static bool answer_repeat(struct room *r, struct call *call, uint64_t after)
{
    const struct tail_slot *slot;
    uint64_t seq = tail_find(&r->tail, after, call->who.user, call->cid_hash, &slot);

    if (seq == 0)
        return false;
    r->owner->stats.duplicates++;
    if (slot->content != 0 && slot->content != call->content_hash)
        call_fail(call, ERROR_cid_conflict);
    else if (!fails_unbelieved(r, call))
        cmd_send_answer(call, seq, slot->ts_ms, slot->count, true);
    return true;
}

static enum call_proposal check_repeat(struct room *r, struct call *call)
{
    uint64_t seen = command_has(&call->cmd, PARAM_seen) ? MIN(call->cmd.seen, r->head) : 0;
    bool bounded = command_has(&call->cmd, PARAM_seen);

    if (append_forming(r, call->who.user, call->cid_hash))
        return CALL_LATER;
    if (answer_repeat(r, call, seen))
        return CALL_ANSWERED;
    if (bounded && (seen + 1 < r->first || r->head - seen > r->owner->limits.search_max)) {
        call_fail(call, ERROR_unconfirmed);
        return CALL_ANSWERED;
    }
    if (!bounded || MAX(seen, call->searched) + 1 >= r->tail.first)
        return CALL_APPEND;
    call->searched = MAX(seen, call->searched);
    order_parks(r, call);
    search_next(r, call);
    return CALL_PARKED;
}

/* Whom slow mode holds goes alone: what follows is checked against it. */
static enum call_proposal check_slow(struct room *r, struct call *call)
{
    uint64_t wait_ms;

    if (access_settings(&r->access)->slow_s == 0 ||
        access_may(&r->access, call->who.user, call->who.super, ACCESS_TO_hurry,
                   owner_wall_ms(r->owner)) == ERROR_NONE)
        return CALL_APPEND;
    if (!slow_is_known(r))
        return CALL_LATER;
    wait_ms = slow_wait_ms(r, call->who.user);
    call->alone = true;
    if (wait_ms == 0)
        return CALL_APPEND;
    call_fail_until(call, ERROR_slow_mode, wait_ms);
    return CALL_ANSWERED;
}

static enum call_proposal send_propose(struct room *r, struct call *call)
{
    enum call_proposal p;

    if (!room_writable(r, call))
        return CALL_ANSWERED;
    p = direct_propose(r, call);
    if (p != CALL_APPEND)
        return p;
    if ((r->access.kind == ACCESS_DIRECT || r->access.kind == ACCESS_GROUP) && !direct_listed(r))
        return CALL_LATER;
    p = call->cmd.cid.n > 0 ? check_repeat(r, call) : CALL_APPEND;
    if (p == CALL_APPEND)
        p = screen_propose(r, call);
    return p == CALL_APPEND ? check_slow(r, call) : p;
}

/* What a bot's message carries, into call->state. False: the call has ended. */
static bool send_guise(struct call *call)
{
    const struct guise g = {.name = str_trim(call->cmd.as), .picture = call->cmd.picture};
    enum error_code e = guise_check(&g, &call->param);
    char *text;

    assert(call->state == NULL);
    if (command_has(&call->cmd, PARAM_as) && g.name.n == 0) {
        call->param = "as";
        e = ERROR_bad_name;
    }
    if (e != ERROR_NONE) {
        call_fail(call, e);
        return false;
    }
    text = mem_zeroed(1, GUISE_MAX);
    (void)guise_encode(&g, text);
    call->param = NULL;
    call->state = text;
    return true;
}

void cmd_send_run(struct room *r, struct call *call)
{
    if (call->bot && call->state == NULL && !send_guise(call)) /* the service may have been asked */
        return;
    call->entry = (struct entry){
        .kind = ENTRY_MESSAGE,
        .from_id = call->who.user,
        .from_name = call->who.name,
        .cid = call->cmd.cid,
        .text = call->cmd.text,
        .reply_to = call->cmd.reply_to,
        .bot = call->bot ? str_of(call->state) : (struct str){0},
    };
    if (call->cmd.cid.n > 0 && !call->hooked) { /* of what was sent */
        call->cid_hash = room_hash(r, call->cmd.cid);
        call->content_hash = room_hash_content(r, &call->entry);
    }
    if (hooked_asks(r, call))
        return;
    call->propose = send_propose;
    call->appended = send_appended;
    append_propose(r, call);
}
