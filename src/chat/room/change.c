#include "chat/room/change.h"

#include "base/amend.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/varint.h"
#include "chat/room/append.h"
#include "chat/room/audit.h"
#include "chat/room/direct.h"
#include "chat/room/hooked.h"
#include "chat/room/order.h"
#include "chat/room/screen.h"

#include <stdlib.h>

/* An entry that is to lose its text; change.redacted holds what remains of it up
 * to `end`. */
struct blank {
    uint64_t seq;
    size_t end;
};

/* What a change was prepared from. */
struct change {
    struct frame *message, *state; /* what the next two borrow from */
    struct entry target;
    struct amend old;
    bool has_old;
    unsigned foreign;   /* of the room, when it was read */
    struct str redacts; /* edits that lose their text with this change: part of old.edits */
    struct str left;    /* of them, those still to be read */
    struct blank blanks[CHANGE_AMENDS_MAX];
    unsigned blanks_n;
    struct buf amend, redacted;                   /* the merged state; what is kept of the blanks */
    struct store_amend amends[CHANGE_AMENDS_MAX]; /* what goes with the entry */
};

_Static_assert(CHANGE_AMENDS_MAX <= STORE_AMENDS_MAX, "what goes with a change is one append");

/* The text of the largest frame that there may be, and reactions. */
#define AMEND_MAX (32 * 1024 * 1024)
/* More than reactions can come to (base/amend.h). */
#define LIST_MAX (1 << 20)

static void change_prepare(struct room *r, struct call *call);

static struct change *change_new(void)
{
    struct change *c = mem_zeroed(1, sizeof(*c));

    buf_init(&c->amend, AMEND_MAX);
    buf_init(&c->redacted, AMEND_MAX);
    return c;
}

static void change_free(struct change *c)
{
    buf_fini(&c->amend);
    buf_fini(&c->redacted);
    frame_unref(c->message);
    frame_unref(c->state);
    free(c);
}

/* A change that ends at once makes room for the next: one after the other here,
 * not one within the other. */
static void start_next(struct room *r)
{
    struct call *call;

    if (r->change_starts)
        return;
    r->change_starts = true;
    room_hold(r);
    while (!r->change_busy && (call = r->changing) != NULL) {
        r->changing = call->next;
        if (r->changing == NULL)
            r->changing_end = &r->changing;
        r->change_busy = true;
        assert(call->room == r && call->changes);
        change_prepare(r, call);
    }
    r->change_starts = false;
    room_release(r);
}

static void change_forget(struct call *call)
{
    assert(call->changes && call->state != NULL);
    change_free(call->state);
    call->state = NULL;
    call->amends = NULL;
    call->amends_n = 0;
    call->changes = false;
    call->forget = NULL;
}

void change_next(struct room *r)
{
    assert(r->change_busy);
    r->change_busy = false;
    start_next(r);
}

/* May the caller do it to this message, as it is now? */
static enum error_code change_check(const struct room *r, const struct call *call)
{
    const struct change *c = call->state;
    bool own = c->target.from_id == call->who.user;
    uint64_t now = owner_wall_ms(r->owner), until_ms;
    enum error_code e = access_write(&r->access, call->who.user, call->who.super, now, &until_ms);

    assert(call->changes && c->message != NULL);
    if (e != ERROR_NONE)
        return e;
    if (c->target.kind != ENTRY_MESSAGE)
        return ERROR_no_such_message;
    if ((c->has_old && c->old.deleted) ||
        access_purged(&r->access, c->target.from_id, call->cmd.target) != NULL)
        return ERROR_deleted;
    if (call->cmd.id == COMMAND_edit && !own)
        return ERROR_forbidden;
    if (call->cmd.id == COMMAND_delete && !own &&
        !access_moderates(&r->access, call->who.user, call->who.super, now))
        return ERROR_forbidden;
    return ERROR_NONE;
}

/* The edits that still have a text, when the one with the seq rev has joined
 * them and those that it redacts have gone. */
static void merge_edits(const struct change *c, uint64_t rev, struct buf *out)
{
    buf_append(out, str_skip(c->old.edits, c->redacts.n));
    buf_append_varint(out, rev);
}

/* The merged state after this change, which will have the seq `rev`. */
static enum error_code merge(struct room *r, struct call *call, uint64_t rev)
{
    struct change *c = call->state;
    struct amend merged = c->old;
    struct buf list CLEANUP(buf_fini); /* of edits, or of reactions */
    bool on = !command_has(&call->cmd, PARAM_on) || call->cmd.on;

    buf_init(&list, LIST_MAX);
    merged.rev = rev;
    merged.target = call->cmd.target;
    if (call->cmd.id == COMMAND_edit) {
        merge_edits(c, rev, &list);
        merged.edited = true;
        merged.edited_ts_ms = owner_wall_ms(r->owner);
        merged.text = call->entry.text;
        merged.edits = buf_peek(&list);
    } else if (call->cmd.id == COMMAND_delete) {
        merged.deleted = true;
        merged.text = merged.reactions = merged.edits = (struct str){0};
    } else {
        if (!amend_react(c->has_old ? &c->old : NULL, call->cmd.emoji, call->who.user, on,
                         AMEND_LIMITS, &list))
            return ERROR_too_many_reactions;
        merged.reactions = buf_peek(&list);
    }
    buf_clear(&c->amend);
    amend_encode(&merged, &c->amend);
    return c->amend.failed || list.failed ? ERROR_too_many_reactions : ERROR_NONE;
}

/* What goes with the call's entry. */
static void put_amends(struct call *call)
{
    struct change *c = call->state;
    struct store_amend *to = c->amends;
    struct str bytes = buf_peek(&c->redacted);
    size_t from = 0;

    assert(call->entry.target == call->cmd.target);
    *to++ = (struct store_amend){.target = call->entry.target, .state = buf_peek(&c->amend)};
    for (unsigned i = 0; i < c->blanks_n; i++) {
        struct str kept = {bytes.p + from, c->blanks[i].end - from};

        from = c->blanks[i].end;
        if (c->blanks[i].seq == call->entry.target)
            c->amends[0].redacted = kept;
        else
            *to++ = (struct store_amend){.target = c->blanks[i].seq, .redacted = kept};
    }
    call->amends = c->amends;
    call->amends_n = (unsigned)(to - c->amends);
}

static enum call_proposal change_propose(struct room *r, struct call *call)
{
    struct change *c = call->state;
    enum call_proposal free;
    enum error_code e;

    assert(call->changes && r->change_busy);
    if (append_next_seq(r) != r->head + 1)
        return CALL_LATER; /* it goes alone: its amend is its batch's */
    if (c->foreign != r->foreign) {
        order_parks(r, call);
        change_prepare(r, call); /* another node may have changed the message */
        return CALL_PARKED;
    }
    if (call->cmd.target < r->first) {
        call_fail(call, ERROR_no_such_message); /* meanwhile */
        return CALL_ANSWERED;
    }
    free = call->cmd.id == COMMAND_delete ? CALL_APPEND : direct_propose(r, call);
    if (free != CALL_APPEND)
        return free;
    e = change_check(r, call);
    if (e == ERROR_NONE && call->cmd.id == COMMAND_edit) {
        free = screen_propose(r, call);
        if (free != CALL_APPEND)
            return free;
    }
    if (e == ERROR_NONE)
        e = merge(r, call, append_next_seq(r));
    if (e != ERROR_NONE) {
        call_fail(call, e);
        return CALL_ANSWERED;
    }
    put_amends(call);
    if (call->entry.kind == ENTRY_DELETE && c->target.from_id != call->who.user) {
        audit_mark(r, call, "delete");
        call->entry.user_id = c->target.from_id;
        call->entry.user_name = c->target.from_name;
        call->entry.text = call->cmd.reason;
    }
    return CALL_APPEND;
}

static void change_answer(struct room *r, struct call *call)
{
    assert(call->changes && call->seq > 0);
    (void)r;
    if (call->entry.changed)
        json_out_field_bool(&call->out, "changed", true);
    json_out_field_u64(&call->out, "seq", call->seq);
    json_out_field_u64(&call->out, "ts", call->entry.ts_ms);
    call_ok(call);
}

static void change_appended(struct room *r, struct call *call)
{
    if (call->entry.act.n > 0)
        audit_then(r, call, change_answer);
    else
        change_answer(r, call);
}

/* Puts what is kept of the entry into c->redacted. */
static void redact(struct call *call, uint64_t seq, const struct entry *e)
{
    struct change *c = call->state;
    struct entry blank = *e;

    assert(c->blanks_n < COUNTOF(c->blanks));
    entry_redact(&blank);
    entry_encode(&blank, &c->redacted);
    c->blanks[c->blanks_n++] = (struct blank){seq, buf_len(&c->redacted)};
}

static void propose(struct room *r, struct call *call)
{
    const struct change *c = call->state;

    assert(call->changes && !c->redacted.failed);
    call->entry = (struct entry){.from_id = call->who.user,
                                 .from_name = call->who.name,
                                 .target = call->cmd.target,
                                 .redacts = c->redacts};
    if (call->cmd.id == COMMAND_edit) {
        call->entry.kind = ENTRY_EDIT;
        call->entry.text = call->cmd.text;
    } else if (call->cmd.id == COMMAND_delete) {
        call->entry.kind = ENTRY_DELETE;
    } else {
        call->entry.kind = ENTRY_REACT;
        call->entry.emoji = call->cmd.emoji;
        call->entry.on = !command_has(&call->cmd, PARAM_on) || call->cmd.on;
    }
    call->propose = change_propose;
    call->appended = change_appended;
    append_propose(r, call);
}

static void read_edit(struct call *call);

static void edit_read(struct store_req *req)
{
    struct call *call = call_of(req);
    const struct change *c = call->state;
    struct frame *block = call->q.read.ret_block;
    struct store_item item;
    struct entry e;
    size_t at = 0;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    /* A damaged store may name more edits than there can be. */
    if (c->blanks_n == COUNTOF(c->blanks) || !store_block_next(block, &at, &item) ||
        item.key != call->q.read.from || entry_decode(item.body, &e) != ENTRY_OK ||
        e.kind != ENTRY_EDIT) {
        frame_unref(block);
        call_fail(call, ERROR_internal);
        return;
    }
    redact(call, item.key, &e);
    frame_unref(block);
    read_edit(call);
}

static void read_entry(struct call *call, uint64_t seq, store_done_f *done)
{
    (void)call_request(call, call->room->owner, done);
    call->q.read.room = room_id(call->room);
    call->q.read.from = seq;
    call->q.read.count_max = 1;
    call->q.read.bytes_max = 1;
    store_read(call->room->owner->store, &call->q.read);
}

/* The next of the edits that lose their text; after the last, on. */
static void read_edit(struct call *call)
{
    struct change *c = call->state;
    uint64_t seq;

    if (varint_get(&c->left, &seq))
        read_entry(call, seq, edit_read);
    else if (c->redacted.failed)
        call_fail(call, ERROR_internal);
    else
        propose(call->room, call);
}

/* Which edits go with this change: all with a deletion, the oldest with one edit
 * too many. */
static struct str choose_edits(const struct call *call)
{
    const struct change *c = call->state;
    struct str rest = c->old.edits;
    unsigned n = 0;
    uint64_t seq;

    if (call->cmd.id == COMMAND_delete)
        return rest;
    while (varint_get(&rest, &seq))
        n++;
    rest = c->old.edits;
    if (call->cmd.id != COMMAND_edit || n < CHANGE_EDITS_MAX || !varint_get(&rest, &seq))
        return (struct str){0};
    return (struct str){c->old.edits.p, c->old.edits.n - rest.n};
}

static void state_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct change *c = call->state;
    struct store_item item;
    enum error_code e;
    size_t at = 0;

    assert(call->changes && c->message != NULL);
    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    c->state = call->q.amends.ret_block;
    c->has_old = store_block_next(c->state, &at, &item);
    if (c->has_old && amend_decode(item.body, &c->old) != AMEND_OK) {
        call_fail(call, ERROR_internal);
        return;
    }
    e = change_check(call->room, call);
    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    if (call->cmd.id == COMMAND_delete)
        redact(call, call->cmd.target, &c->target);
    c->redacts = c->left = choose_edits(call);
    read_edit(call);
}

static void message_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct room *r = call->room;
    struct change *c = call->state;
    struct store_item item;
    size_t at = 0;

    assert(call->changes && r->change_busy);
    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    c->message = call->q.read.ret_block;
    if (!store_block_next(c->message, &at, &item) || item.key != call->cmd.target ||
        entry_decode(item.body, &c->target) != ENTRY_OK) {
        call_fail(call, ERROR_no_such_message);
        return;
    }
    (void)call_request(call, r->owner, state_read);
    call->q.amends.room = room_id(r);
    call->q.amends.from = call->q.amends.to = call->cmd.target;
    store_amends(r->owner->store, &call->q.amends);
}

/* Reads the message and its state. */
static void change_prepare(struct room *r, struct call *call)
{
    struct change *c = call->state;

    assert(call->room == r && r->change_busy);
    frame_unref(c->message);
    frame_unref(c->state);
    *c = (struct change){.foreign = r->foreign, .amend = c->amend, .redacted = c->redacted};
    buf_clear(&c->redacted);
    if (call->cmd.target < MAX(r->first, (uint64_t)1) || call->cmd.target > r->head) {
        call_fail(call, ERROR_no_such_message);
        return;
    }
    read_entry(call, call->cmd.target, message_read);
}

/* Who may not is answered the same, whatever the room holds, before anything is read. */
void change_run(struct room *r, struct call *call)
{
    if (!room_writable(r, call) || (call->cmd.id == COMMAND_edit && hooked_asks(r, call)))
        return;
    call->state = change_new();
    call->changes = true;
    call->forget = change_forget;
    order_prepares(r, call, false);
    if (call->keeps) { /* it runs again, before those that wait */
        call->keeps = r->change_busy = false;
        call->next = r->changing;
        if (r->changing == NULL)
            r->changing_end = &call->next;
        r->changing = call;
    } else {
        call->next = NULL;
        *r->changing_end = call;
        r->changing_end = &call->next;
    }
    start_next(r);
}
