#include "chat/room/append.h"

#include "base/mem.h"
#include "chat/model/doorbell.h"
#include "chat/room/load.h"
#include "chat/room/order.h"
#include "chat/room/screen.h"
#include "chat/room/slow.h"
#include "chat/room/turn.h"

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
    bool traced;           /* one of the calls is */
    unsigned n, passed_n;  /* in it; in the queue, that wait for one that is parked */
    uint64_t count, ts_ms; /* after the last entry in it */
    uint64_t began_us;
    size_t offsets[BATCH_MAX + 1];
    struct str entries[BATCH_MAX];
};

static void queue_push(struct room *r, struct call *call)
{
    assert(call->order.state == ORDER_OUT || call->order.whole);
    call->next = NULL;
    *r->queue_end = call;
    r->queue_end = &call->next;
    r->queue_n++;
}

static struct call *queue_pop(struct room *r)
{
    struct call *call = r->queue;

    assert(call != NULL && r->queue_n > 0);
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
    assert(n > 0 && end != NULL);
    if (r->queue == NULL)
        r->queue_end = end;
    *end = r->queue;
    r->queue = first;
    r->queue_n += n;
}

void append_propose(struct room *r, struct call *call)
{
    bool was_there = call->order.state == ORDER_PARKED;
    struct call *behind = NULL;

    assert(call->room == r && call->propose != NULL && call->appended != NULL);
    if (!call->order.whole || was_there)
        behind = order_leave(r, call);
    if (was_there)
        queue_unpop(r, call, &call->next, 1);
    else
        queue_push(r, call);
    room_mark(r);
    order_run(r, behind);
}

bool append_forming(const struct room *r, uint64_t user, uint64_t cid_hash)
{
    assert(r->batch != NULL);
    for (const struct call *c = r->batch->calls; c != NULL; c = c->next)
        if (c->who.user == user && c->cid_hash == cid_hash)
            return true;
    return false;
}

uint64_t append_next_seq(const struct room *r)
{
    return r->head + 1 + (r->batch != NULL ? r->batch->n : 0);
}

static struct batch *batch_new(struct room *r)
{
    struct batch *b = mem_bytes(sizeof(*b));

    assert(r->batch == NULL);
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

    assert(b->n < BATCH_MAX && call->room == b->room);
    b->ts_ms = now > b->ts_ms ? now : b->ts_ms;
    if (call->entry.kind == ENTRY_MESSAGE)
        b->count++;
    call->entry.ts_ms = b->ts_ms;
    call->entry.count = b->count;
    if (call->trace.sampled) {
        static_assert(offsetof(struct trace, span) == TRACE_ID_N, "the ids follow each other");
        call->entry.trace = (struct str){(const uint8_t *)&call->trace, TRACE_ID_N + TRACE_SPAN_N};
        b->traced = true;
    }
    entry_encode(&call->entry, &b->bytes);
    call->next = NULL;
    *b->calls_end = call;
    b->calls_end = &call->next;
    b->n++;
    b->offsets[b->n] = buf_len(&b->bytes);
}

/* Proposals that are passed over, to be put back in front. */
struct passed {
    struct call *first, **end;
    unsigned n;
};

/* Asks the next proposal. False if the batch has to end. */
static bool batch_ask(struct batch *b, struct passed *passed)
{
    struct room *r = b->room;
    struct call *call = queue_pop(r);
    enum call_proposal p;

    assert(r->batch == b);
    call->next = NULL;
    if (order_passes_over(r, call)) {
        *passed->end = call;
        passed->end = &call->next;
        passed->n++;
        return true;
    }
    p = call->propose(r, call);
    if (p == CALL_LATER) {
        call->next = NULL;
        queue_unpop(r, call, &call->next, 1);
        return false;
    }
    if (p != CALL_APPEND)
        return true;
    batch_add(b, call);
    return !call->alone && !call->changes;
}

/* Asks proposals in their order until the batch is full or has to end. */
static void batch_fill(struct batch *b)
{
    struct room *r = b->room;
    unsigned left = r->queue_n, max = r->owner->limits.batch_max;
    struct passed passed = {.end = &passed.first};

    if (max == 0 || max > BATCH_MAX)
        max = BATCH_MAX;
    while (left-- > 0 && b->n < max && buf_len(&b->bytes) < BATCH_BYTES_MAX)
        if (!batch_ask(b, &passed))
            break;
    queue_unpop(r, passed.first, passed.end, passed.n);
    b->passed_n = passed.n;
}

/* A span of each traced call, from began_us until now. error: static, or NULL. */
static void batch_trace(const struct batch *b, enum trace_kind kind, const char *name,
                        uint64_t began_us, const char *error)
{
    struct owner *o = b->room->owner;
    uint64_t ended_us;

    if (!b->traced)
        return;
    ended_us = owner_clock_us(o);
    for (const struct call *c = b->calls; c != NULL; c = c->next) {
        struct trace_span span = {.kind = kind,
                                  .name = name,
                                  .error = error,
                                  .began_us = began_us,
                                  .ended_us = ended_us,
                                  .entries = b->n};

        if (!c->trace.sampled)
            continue;
        trace_room(&span, room_id(b->room));
        o->ops->span(o, &c->trace, &span);
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
    struct news_entry *entries = mem_bytes(b->n * sizeof(*entries));
    struct news news = {.room = room_id(r),
                        .first = r->head + 1,
                        .n = b->n,
                        .entries = entries,
                        .began_us = b->began_us};
    struct call *call = b->calls, *next;
    uint64_t began_us;

    assert(b->n > 0 && r->batch == NULL && r->head == b->req.head);
    r->epoch = room_epoch(r->owner, b->req.epoch);
    for (unsigned i = 0; i < b->n; i++, call = call->next) {
        call->seq = r->head + 1;
        room_apply(r, b->entries[i], &call->entry, call->cid_hash, call->content_hash, &entries[i]);
    }
    r->stored = r->head;
    r->owner->stats.appends++;
    r->owner->stats.entries += b->n;
    began_us = b->traced ? owner_clock_us(r->owner) : 0;
    batch_ring(b);
    if (!bus_is_alone(r->owner->bus))
        batch_trace(b, TRACE_PRODUCER, "doorbell", began_us, NULL);
    for (call = b->calls; call != NULL; call = next) {
        next = call->next;
        call->appended(r, call);
    }
    room_publish(r, &news);
    free(entries);
    room_save(r, false);
    r->owner->engine->go_on(r);
}

static void batch_failed(struct batch *b, enum store_result result)
{
    struct call *call = b->calls, *next;

    for (; call != NULL; call = next) {
        next = call->next;
        call_fail_store(call, result);
    }
}

/* Somebody else's entries, where nobody else should be? */
static void check_foreign(struct room *r)
{
    struct owner *o = r->owner;

    if (bus_is_alone(o->bus) && owner_now_ms(o) >= o->doubt_ms)
        o->ops->alarm(o, ALARM_foreign, room_id(r));
}

static void batch_done(struct store_req *req)
{
    struct batch *b = CONTAINER_OF(req, struct batch, req.req);
    struct room *r = b->room;

    assert(r->batch == b && !r->catching);
    r->batch = NULL;
    batch_trace(b, TRACE_CLIENT, "append", b->began_us, call_store_error(req->result));
    switch (req->result) {
    case STORE_OK:
        turn_won(r);
        batch_landed(b);
        break;
    case STORE_CONFLICT:
        r->owner->stats.conflicts++;
        check_foreign(r);
        turn_lost(r);
        queue_unpop(r, b->calls, b->calls_end, b->n);
        load_catch_up(r);
        break;
    case STORE_FULL:
        batch_failed(b, req->result);
        break;
    case STORE_BEHIND:
        if (b->req.ret_head < r->stored)
            r->owner->ops->behind(r->owner, room_id(r), r->stored, b->req.ret_head);
        else
            r->owner->ops->alarm(r->owner, ALARM_bus_ahead, room_id(r));
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

    assert(b->n > 0 && r->batch == b && !r->catching);
    assert(!b->bytes.failed);
    for (unsigned i = 0; i < b->n; i++)
        b->entries[i] = (struct str){bytes + b->offsets[i], b->offsets[i + 1] - b->offsets[i]};
    b->req = (struct store_append){
        .req = {.home = r->owner->home, .done = batch_done},
        .room = room_id(r),
        .epoch = r->epoch != 0 ? room_epoch_kept(r->owner, r->epoch)
                               : 1 + rng_below(&r->owner->rng, (uint64_t)JSON_INT_MAX),
        .head = r->head,
        .entries = b->entries,
        .entries_n = b->n,
        .amends = first->amends, /* of a change, which goes alone */
        .amends_n = first->amends_n,
    };
    room_hold(r);
    turn_submitted(r);
    b->began_us = owner_clock_us(r->owner);
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
        r->direct.looking || slow_is_looking(r) || screen_is_looking(r) || turn_is_anothers(r))
        return;
    if (r->unsure) {
        load_catch_up(r);
        return;
    }
    assert(r->queue != NULL);
    room_hold(r); /* ended calls release theirs */
    r->batch = batch_new(r);
    batch_fill(r->batch);
    if (r->batch->n > 0) {
        batch_submit(r->batch);
    } else {
        bool more = r->queue_n > r->batch->passed_n;

        batch_free(r->batch);
        r->batch = NULL;
        load_on(r);
        if (more && r->state == ROOM_READY)
            room_mark(r);
    }
    room_release(r);
}
