#include "chat/append.h"

#include "chat/change.h"
#include "chat/doorbell.h"
#include "chat/load.h"

#include <stdlib.h>

#define BATCH_MAX 256
#define BATCH_BYTES_MAX (256 * 1024)
/* And one more entry, of the largest frame that there may be. */
#define BATCH_BYTES_LIMIT (32 * 1024 * 1024)

struct batch {
    struct room *room;
    struct store_append req;
    struct buf bytes;
    struct call *calls, **calls_end;
    unsigned n;
    uint64_t count, ts_ms; /* after the last entry in it */
    uint64_t began_us;
    size_t offsets[BATCH_MAX + 1];
    struct str entries[BATCH_MAX];
    struct store_amend amends[CHANGE_AMENDS_MAX]; /* of a change, which goes alone */
};

static void queue_push(struct room *r, struct call *call)
{
    call->next = NULL;
    *r->queue_end = call;
    r->queue_end = &call->next;
    r->queue_n++;
}

static struct call *queue_pop(struct room *r)
{
    struct call *call = r->queue;

    r->queue = call->next;
    if (r->queue == NULL)
        r->queue_end = &r->queue;
    r->queue_n--;
    return call;
}

/* Puts what was popped back in front. */
static void queue_unpop(struct room *r, struct call *first, struct call **end, unsigned n)
{
    if (first == NULL)
        return;
    if (r->queue == NULL)
        r->queue_end = end;
    *end = r->queue;
    r->queue = first;
    r->queue_n += n;
}

void append_propose(struct room *r, struct call *call)
{
    queue_push(r, call);
    room_mark(r);
}

bool append_forming(const struct room *r, uint64_t user, uint64_t cid_hash)
{
    for (const struct call *c = r->batch->calls; c != NULL; c = c->next)
        if (c->who.user == user && c->cid_hash == cid_hash && c->entry.kind == ENTRY_MESSAGE)
            return true;
    return false;
}

uint64_t append_next_seq(const struct room *r)
{
    return r->head + 1 + (r->batch != NULL ? r->batch->n : 0);
}

static struct batch *batch_new(struct room *r)
{
    struct batch *b = malloc(sizeof(*b));

    if (b == NULL)
        abort();
    memset(b, 0, offsetof(struct batch, offsets));
    b->room = r;
    b->calls_end = &b->calls;
    b->count = r->count;
    b->ts_ms = r->ts_ms;
    b->offsets[0] = 0;
    buf_init(&b->bytes, BATCH_BYTES_LIMIT);
    return b;
}

static void batch_free(struct batch *b)
{
    buf_fini(&b->bytes);
    free(b);
}

/* The call's entry becomes the batch's next. */
static void batch_add(struct batch *b, struct call *call)
{
    uint64_t now = owner_wall_ms(b->room->owner);

    b->ts_ms = now > b->ts_ms ? now : b->ts_ms;
    if (call->entry.kind == ENTRY_MESSAGE)
        b->count++;
    call->entry.ts_ms = b->ts_ms;
    call->entry.count = b->count;
    entry_encode(&call->entry, &b->bytes);
    call->next = NULL;
    *b->calls_end = call;
    b->calls_end = &call->next;
    b->n++;
    b->offsets[b->n] = buf_len(&b->bytes);
}

/* Asks proposals in their order until the batch is full or has to end. */
static void batch_fill(struct batch *b)
{
    struct room *r = b->room;
    unsigned left = r->queue_n;

    while (left-- > 0 && b->n < BATCH_MAX && buf_len(&b->bytes) < BATCH_BYTES_MAX) {
        struct call *call = queue_pop(r);
        enum call_proposal p = call->propose(r, call);

        if (p == CALL_LATER) {
            call->next = NULL;
            queue_unpop(r, call, &call->next, 1);
            return;
        }
        if (p != CALL_APPEND)
            continue;
        batch_add(b, call);
        if (call->alone || call->changes)
            return;
    }
}

/* Other nodes are told, and given the entries, if each fits a doorbell. */
static void batch_ring(const struct batch *b)
{
    const struct room *r = b->room;
    struct bus *bus = r->owner->bus;
    struct buf bytes CLEANUP(buf_fini);
    unsigned n = 0;

    if (bus_is_alone(bus))
        return;
    buf_init(&bytes, BUS_BYTES_MAX);
    for (unsigned i = 0; i < b->n; i += n) {
        n = doorbell_fits(r->epoch, b->entries + i, b->n - i, BUS_BYTES_MAX);
        if (n == 0)
            break; /* they have to look, which gives them all the rest */
        buf_clear(&bytes);
        doorbell_write(&bytes, r->epoch, b->entries + i, n);
        bus_ring(bus, room_id(r), b->req.head + i + n, buf_peek(&bytes));
    }
    if (n == 0)
        bus_ring(bus, room_id(r), r->head, (struct str){0});
}

/* Followers are told, and other nodes; then the calls are answered. The answers
 * travel before the news, so that an acknowledgement precedes its own event. */
static void batch_landed(struct batch *b)
{
    struct room *r = b->room;
    struct news_entry *entries = malloc(b->n * sizeof(*entries));
    struct news news = {.room = room_id(r),
                        .first = r->head + 1,
                        .n = b->n,
                        .entries = entries,
                        .began_us = b->began_us};
    struct call *call = b->calls, *next;

    if (entries == NULL)
        abort();
    r->epoch = b->req.epoch;
    for (unsigned i = 0; i < b->n; i++, call = call->next) {
        call->seq = r->head + 1;
        room_apply(r, &call->entry, call->cid_hash, call->content_hash, &entries[i]);
    }
    r->owner->stats.appends++;
    r->owner->stats.entries += b->n;
    batch_ring(b);
    for (call = b->calls; call != NULL; call = next) {
        next = call->next;
        call->appended(r, call);
    }
    r->owner->ops->publish(r->owner, r->followers, &news);
    free(entries);
    room_save(r, false);
}

static void batch_failed(struct batch *b, enum store_result result)
{
    struct call *call = b->calls, *next;

    for (; call != NULL; call = next) {
        next = call->next;
        call_fail_store(call, result);
    }
}

static void batch_done(struct store_req *req)
{
    struct batch *b = CONTAINER_OF(req, struct batch, req.req);
    struct room *r = b->room;

    r->batch = NULL;
    switch (req->result) {
    case STORE_OK:
        turn_won(r);
        batch_landed(b);
        break;
    case STORE_CONFLICT:
        r->owner->stats.conflicts++;
        turn_lost(r);
        queue_unpop(r, b->calls, b->calls_end, b->n);
        load_catch_up(r);
        break;
    case STORE_FULL:
        batch_failed(b, req->result);
        break;
    case STORE_FAILED:
    case STORE_CANCELED:
        batch_failed(b, req->result);
        load_unsure(r);
        break;
    }
    batch_free(b);
    load_on(r);
    if (r->queue_n > 0)
        room_mark(r);
    room_release(r);
}

static void batch_submit(struct batch *b)
{
    struct room *r = b->room;
    const uint8_t *bytes = buf_peek(&b->bytes).p;
    const struct call *first = b->calls;

    assert(!b->bytes.failed);
    for (unsigned i = 0; i < b->n; i++)
        b->entries[i] = (struct str){bytes + b->offsets[i], b->offsets[i + 1] - b->offsets[i]};
    b->req = (struct store_append){
        .req = {.home = r->owner->home, .done = batch_done},
        .room = room_id(r),
        .epoch = r->epoch != 0 ? r->epoch : 1 + rng_below(&r->owner->rng, (uint64_t)JSON_INT_MAX),
        .head = r->head,
        .entries = b->entries,
        .entries_n = b->n,
    };
    if (first->changes) {
        b->req.amends = b->amends;
        b->req.amends_n = change_amends(first, b->amends);
    }
    room_hold(r);
    turn_submitted(r);
    b->began_us = r->owner->ops->clock_us(r->owner);
    store_append(r->owner->store, &b->req);
}

void append_fail_all(struct room *r, enum store_result result)
{
    unsigned n = r->queue_n; /* what is queued meanwhile gets its own try */

    room_hold(r);
    while (n-- > 0)
        call_fail_store(queue_pop(r), result);
    room_release(r);
}

void append_pump(struct room *r)
{
    if (r->batch != NULL || r->catching || r->state != ROOM_READY || r->queue_n == 0 ||
        turn_is_anothers(r))
        return;
    if (r->unsure) {
        load_catch_up(r);
        return;
    }
    room_hold(r); /* ended calls release theirs */
    r->batch = batch_new(r);
    batch_fill(r->batch);
    if (r->batch->n > 0) {
        batch_submit(r->batch);
    } else {
        batch_free(r->batch);
        r->batch = NULL;
        load_on(r);
        if (r->queue_n > 0 && r->state == ROOM_READY)
            room_mark(r);
    }
    room_release(r);
}
