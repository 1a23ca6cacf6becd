/* ROUND: each room that something was appended to is delivered to its followers, shard by shard;
 * and the one shard that the event is about, or the rooms of a stream's records. */
#include "lambda/lambda_impl.h"

#define AGAIN_MS 200
#define ROUNDS_MAX 20 /* of one shard */

static void lambda_shard_start(struct lambda *l);
static void lambda_round_next(struct lambda *l);

static void lambda_shard_again(struct wheel_timer *t)
{
    lambda_shard_start(CONTAINER_OF(t, struct lambda, visit.again));
}

/* Once more, in ms, if there is time. */
static bool lambda_shard_waits(struct lambda *l, uint64_t ms)
{
    struct lambda_visit *v = &l->visit;
    uint64_t at_ms = io_now_ms(l->o.io) + ms;

    if (at_ms >= v->until_ms || ++v->rounds > ROUNDS_MAX)
        return false;
    v->again.fire = lambda_shard_again;
    wheel_set(l->o.wheel, &v->again, at_ms);
    return true;
}

static void lambda_shard_over(struct lambda *l)
{
    l->visit.shard++;
    lambda_later(l, lambda_round_next);
}

/* Another instance delivers the shard; or this one, if none can be had. */
static void lambda_asked(void *ctx, bool taken)
{
    struct lambda *l = ctx;

    if (taken)
        lambda_shard_over(l);
    else
        lambda_shard_start(l);
}

static void lambda_shard_ask(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    const struct bell *b = v->bell;

    if (l->o.invoker == NULL || v->shard == 0) {
        lambda_shard_start(l);
        return;
    }
    buf_clear(&v->payload);
    gateway_event_deliver(bell_room(b), v->shard, b->repeats ? b->head : 0, &v->payload);
    invoker_ask(l->o.invoker, buf_peek(&v->payload), lambda_asked, l);
}

/* Another instance delivers what this one has no time for, and Lambda calls that again if it fails;
 * or what it has come to is left to the next delivery. */

static void lambda_left_over(void *ctx, bool taken)
{
    (void)taken; /* else it is left to the next delivery */
    lambda_shard_over(ctx);
}

static void lambda_shard_leave(struct lambda *l, uint64_t sent)
{
    struct lambda_visit *v = &l->visit;
    struct bell *b = v->bell;

    if (l->o.invoker == NULL || b->asked) {
        b->fails = true;
        lambda_shard_over(l);
        return;
    }
    buf_clear(&v->payload);
    gateway_event_deliver(bell_room(b), v->shard, sent < b->head ? b->head : 0, &v->payload);
    invoker_ask(l->o.invoker, buf_peek(&v->payload), lambda_left_over, l);
}

static void lambda_round_next(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    v->rounds = 0;
    if (v->shard < v->shards_n) {
        lambda_shard_ask(l);
        return;
    }
    v->bell = bells_next(&l->bells);
    if (v->bell == NULL) {
        if (l->bells.begun > 0)
            lambda_trace_delivered(l);
        lambda_next(l);
        return;
    }
    v->shard = v->bell->asked && !v->streams ? v->bell->of : 0;
    v->shards_n = v->shard + 1;
    lambda_shard_start(l);
}

static void lambda_delivered(struct deliver *d)
{
    struct lambda *l = CONTAINER_OF(d, struct lambda, visit.deliver);
    struct lambda_visit *v = &l->visit;
    struct bell *b = v->bell;
    /* Who has the lease may have been killed, as who was asked before was. */
    bool waits =
        d->ret_result == DELIVER_TAKEN && b->repeats && (v->streams || d->ret_head < b->head);
    bool again = d->ret_result == DELIVER_MORE || d->ret_result == DELIVER_FAILED;

    if (d->ret_result == DELIVER_FORBIDDEN)
        lambda_tell_forbidden(l);
    if (v->shard == 0 && (v->streams || !b->asked))
        v->shards_n = MAX(v->shards_n, MAX(d->ret_shards, 1u)); /* a look that failed says none */
    if (again) /* others may have left to it what is up to there, or beyond */
        bells_again(b, d->ret_run_to);
    if (waits || again) {
        if (!lambda_shard_waits(l, waits ? d->ret_lease_ms + 1 : AGAIN_MS))
            lambda_shard_leave(l, d->ret_head);
        return;
    }
    lambda_shard_over(l);
}

/* An event to deliver may be an old one: others have left to it what is there now. So they have to
 * one that did not come to its end. */
static void lambda_shard_start(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    struct bell *b = v->bell;

    v->deliver = (struct deliver){.store = l->o.store,
                                  .home = l->o.io,
                                  .wheel = l->o.wheel,
                                  .poster = l->o.poster,
                                  .room = bell_room(b),
                                  .shard = v->shard,
                                  .head = b->asked || b->again ? 0 : b->head,
                                  .last = b->last,
                                  .until_ms = v->until_ms,
                                  .mistake = l->o.deliver_mistake,
                                  .done = lambda_delivered};
    deliver_start(&v->deliver);
}

/* What the event asks for, if it is no message. */
static void lambda_round_own(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    if (v->streams) {
        for (unsigned i = 0; i < v->stream.rooms_n; i++)
            bells_ask(&l->bells, v->stream.rooms[i].room, i, 0);
        return;
    }
    bells_ask(&l->bells, v->event.room, v->event.shard, v->event.head);
}

void lambda_round(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    static_assert((int)BELLS_ASKED_MAX >= (int)STREAM_EVENT_ROOMS_MAX,
                  "each of its rooms has a bell");
    /* What is long and of nobody (chat/room/retain.h) ends after the step in hand, and goes on with
     * the next event that asks for its room: else this one would deliver all its steps first. */
    l->owner.settles = true;
    if (v->call.error != ERROR_NONE && !lambda_is(l, GATEWAY_EVENT_MESSAGE)) {
        lambda_next(l);
        return;
    }
    if (l->o.conf->lambda_fanout == CONF_LAMBDA_FANOUT_STREAM)
        bells_clear(&l->bells); /* the table's stream tells who does it */
    if (lambda_is(l, GATEWAY_EVENT_DELIVER))
        lambda_round_own(l);
    if (l->bells.n > 0)
        lambda_trace_round(l);
    lambda_round_next(l);
}
