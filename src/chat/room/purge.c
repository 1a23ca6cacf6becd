#include "chat/room/purge.h"

#include "base/amend.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/varint.h"
#include "chat/model/keys.h"
#include "chat/room/again.h"
#include "chat/room/append.h"

#include <stdlib.h>

/* With their states they fit a transaction of DynamoDB. */
#define STEP 40
#define PAGE 256
#define PAGE_BYTES (1024 * 1024)
#define BYTES_MAX (32 * 1024 * 1024)

_Static_assert(STEP <= STORE_AMENDS_MAX, "what a step takes is one append");

/* An entry that loses its text. */
struct purged {
    uint64_t seq;
    size_t end; /* of what is kept of it, in the buffer */
    bool message;
};

struct purge {
    struct call call; /* of nobody */
    struct room *room;
    struct access_purge what; /* as it was when the step began */
    uint64_t to;              /* looked through up to here */
    struct purged at[STEP];
    unsigned n, most; /* entries of a step; fewer, if they were too much for the store */
    struct buf entries, states, seqs;
    size_t state_ends[STEP];
    struct store_amend amends[STEP];
};

static void purge_step(struct purge *p);

static void purge_end(struct purge *p)
{
    struct room *r = p->room;

    assert(r->purging);
    r->purging = false;
    p->call.room = NULL;
    p->call.keeper = NULL;
    buf_fini(&p->entries);
    buf_fini(&p->states);
    buf_fini(&p->seqs);
    call_fini(&p->call);
    free(p);
    room_release(r);
}

/* The store failed, or the log has no more, though it should. */
static void purge_fail(struct purge *p)
{
    again_later(p->room);
    purge_end(p);
}

/* A deleted room is wiped, and needs the record. */
static bool purge_is_done(const struct room *r)
{
    return r->access.purges_n == 0 || access_settings(&r->access)->deleted;
}

static void purge_record(struct purge *p, bool remove, store_done_f *done)
{
    struct room *r = p->room;

    assert(r->purging);
    (void)call_request(&p->call, r->owner, done);
    p->call.q.put.pk = KEYS_DELETING;
    p->call.q.put.sk = room_id(r);
    p->call.q.put.body = remove ? (struct str){0} : STR("1");
    p->call.q.put.expect = STORE_REV_ANY;
    p->call.q.put.remove = remove;
    store_put(r->owner->store, &p->call.q.put);
}

static void purge_record_back(struct store_req *req)
{
    struct purge *p = CONTAINER_OF(call_of(req), struct purge, call);

    if (req->result == STORE_OK)
        purge_step(p);
    else
        purge_fail(p);
}

/* Another purge may have come meanwhile, whose record this was as well. */
static void purge_record_gone(struct store_req *req)
{
    struct purge *p = CONTAINER_OF(call_of(req), struct purge, call);

    if (purge_is_done(p->room))
        purge_end(p);
    else
        purge_record(p, false, purge_record_back);
}

static void purge_finish(struct purge *p)
{
    assert(purge_is_done(p->room));
    if (access_settings(&p->room->access)->deleted)
        purge_end(p);
    else
        purge_record(p, true, purge_record_gone);
}

/* The proposal. */

static void purge_fill(struct purge *p, uint64_t seq)
{
    struct call *call = &p->call;
    unsigned messages = 0;

    buf_clear(&p->states);
    buf_clear(&p->seqs);
    for (unsigned i = 0; i < p->n; i++) {
        struct amend amend = {.deleted = true, .target = p->at[i].seq, .rev = seq};

        if (p->at[i].message)
            amend_encode(&amend, &p->states);
        p->state_ends[i] = buf_len(&p->states);
    }
    for (unsigned turn = 0; turn < 2; turn++) /* messages first */
        for (unsigned i = 0; i < p->n; i++)
            if (p->at[i].message == (turn == 0)) {
                buf_append_varint(&p->seqs, p->at[i].seq);
                messages += turn == 0;
            }
    for (unsigned i = 0; i < p->n; i++) {
        size_t entry = i > 0 ? p->at[i - 1].end : 0, state = i > 0 ? p->state_ends[i - 1] : 0;

        p->amends[i] = (struct store_amend){
            .target = p->at[i].seq,
            .redacted = {buf_peek(&p->entries).p + entry, p->at[i].end - entry}};
        if (p->state_ends[i] > state)
            p->amends[i].state =
                (struct str){buf_peek(&p->states).p + state, p->state_ends[i] - state};
    }
    call->entry = (struct entry){.kind = ENTRY_PURGE,
                                 .user_id = p->what.user,
                                 .target = p->to,
                                 .reply_to = messages,
                                 .redacts = buf_peek(&p->seqs)};
    call->amends = p->amends;
    call->amends_n = p->n;
}

static enum call_proposal purge_propose(struct room *r, struct call *call)
{
    struct purge *p = CONTAINER_OF(call, struct purge, call);

    assert(p->room == r && r->purging);
    if (append_next_seq(r) != r->head + 1)
        return CALL_LATER; /* it goes alone: its amends are its batch's */
    if (purge_is_done(r) || r->access.purges[0].user != p->what.user ||
        r->access.purges[0].done != p->what.done) {
        purge_step(p); /* another node has done it */
        return CALL_PARKED;
    }
    purge_fill(p, r->head + 1);
    return CALL_APPEND;
}

static void purge_appended(struct room *r, struct call *call)
{
    struct purge *p = CONTAINER_OF(call, struct purge, call);

    assert(p->room == r && r->purging);
    call->amends = NULL;
    call->amends_n = 0;
    again_worked(r);
    if (r->access.purges_n == 0)
        room_save(r, true);
    purge_step(p);
}

/* What is taken away. */

static void purge_take(struct purge *p, uint64_t seq, const struct entry *e)
{
    struct entry kept = *e;

    assert(p->n < STEP);
    entry_redact(&kept);
    entry_encode(&kept, &p->entries);
    p->at[p->n++] = (struct purged){
        .seq = seq, .end = buf_len(&p->entries), .message = e->kind == ENTRY_MESSAGE};
}

static void purge_read(struct purge *p);

static void purge_is_ready(struct purge *p);

static void purge_page_read(struct store_req *req)
{
    struct purge *p = CONTAINER_OF(call_of(req), struct purge, call);
    struct frame *block = p->call.q.read.ret_block;
    uint64_t before = p->to;
    struct store_item item;
    struct entry e;
    size_t at = 0;

    if (req->result != STORE_OK) {
        purge_fail(p);
        return;
    }
    while (p->n < p->most && p->to < p->what.upto && store_block_next(block, &at, &item) &&
           item.key == p->to + 1) {
        p->to = item.key;
        if (entry_decode(item.body, &e) == ENTRY_OK && e.from_id == p->what.user &&
            (e.kind == ENTRY_MESSAGE || e.kind == ENTRY_EDIT) && e.text.n > 0)
            purge_take(p, item.key, &e);
    }
    frame_unref(block);
    if (p->to == before || p->entries.failed)
        purge_fail(p);
    else if (p->n < p->most && p->to < p->what.upto)
        purge_read(p);
    else
        purge_is_ready(p);
}

static void purge_is_ready(struct purge *p)
{
    p->call.alone = true;
    p->call.changes = false;
    p->call.propose = purge_propose;
    p->call.appended = purge_appended;
    append_propose(p->room, &p->call);
}

static void purge_read(struct purge *p)
{
    struct owner *o = p->room->owner;

    (void)call_request(&p->call, o, purge_page_read);
    p->call.q.read.room = room_id(p->room);
    p->call.q.read.from = p->to + 1;
    p->call.q.read.count_max = PAGE;
    p->call.q.read.bytes_max = PAGE_BYTES;
    store_read(o->store, &p->call.q.read);
}

static void purge_step(struct purge *p)
{
    struct room *r = p->room;

    assert(r->purging && r->state == ROOM_READY);
    if (r->owner->settles) {
        again_settled(r);
        purge_end(p);
        return;
    }
    if (purge_is_done(r)) {
        purge_finish(p);
        return;
    }
    p->what = r->access.purges[0];
    p->to = MIN(MAX(p->what.done, r->first - 1), p->what.upto);
    p->n = 0;
    buf_clear(&p->entries);
    if (p->to < p->what.upto)
        purge_read(p);
    else
        purge_is_ready(p); /* the room need not keep any of it */
}

/* The store failed while it was queued. Entries may lie in as many items of the store as they are,
 * each of which is written anew: that may be too much for one transaction. */
static void purge_keeper_end(struct call *call)
{
    struct purge *p = CONTAINER_OF(call, struct purge, call);

    call->amends = NULL;
    call->amends_n = 0;
    if (call->error == ERROR_store_full && p->n > 1) {
        call->error = ERROR_NONE;
        p->most = p->n / 2;
        purge_step(p);
    } else {
        purge_fail(p);
    }
}

static const struct call_keeper purge_keeper = {.end = purge_keeper_end};

void purge_on(struct room *r)
{
    struct purge *p;

    if (r->purging || r->owner->settles || r->state != ROOM_READY || purge_is_done(r))
        return;
    p = mem_zeroed(1, sizeof(*p));
    call_init(&p->call, 1);
    buf_init(&p->entries, BYTES_MAX);
    buf_init(&p->states, BYTES_MAX);
    buf_init(&p->seqs, BYTES_MAX);
    p->room = r;
    p->most = STEP;
    p->call.room = r;
    p->call.keeper = &purge_keeper;
    r->purging = true;
    room_hold(r);
    purge_step(p);
}
