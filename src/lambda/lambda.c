#include "lambda/lambda.h"

#include "base/hex.h"
#include "base/mem.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "chat/people/people_signup.h"
#include "chat/room/owner.h"
#include "lambda/lambda_impl.h"

#include <stdio.h>
#include <stdlib.h>

#define SEARCH_MAX 10000
#define IDLE_ROOMS 256
/* Each position that is written is paid for. */
#define READ_EVERY_MS 30000
#define ROSTER_MAX 20
#define ANSWER_MAX (1024 * 1024)
#define TEXTS_MAX (16 * 1024)
#define BODY_MAX (512 * 1024)

static lambda_stage_f *const stages[] = {
    lambda_boot, lambda_enter_know, lambda_run, lambda_follow, lambda_round,
    lambda_cast, lambda_rest,       lambda_say, lambda_close,  lambda_trace};

void lambda_later(struct lambda *l, void (*f)(struct lambda *l))
{
    assert(l->later == NULL && l->visit.busy);
    l->later = f;
}

static void lambda_visit_end(struct lambda *l);

static void lambda_begin_stage(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    assert(v->busy && v->stage <= COUNTOF(stages));
    if (v->stage == COUNTOF(stages))
        lambda_visit_end(l);
    else
        stages[v->stage](l);
}

void lambda_next(struct lambda *l)
{
    l->visit.stage++;
    lambda_later(l, lambda_begin_stage);
}

void lambda_fail(struct lambda *l, enum error_code code)
{
    assert(code != ERROR_NONE);
    if (l->visit.call.error == ERROR_NONE)
        l->visit.call.error = code;
}

void lambda_request(struct lambda *l, store_done_f *done)
{
    struct lambda_visit *v = &l->visit;

    assert(v->busy);
    memset(&v->q, 0, sizeof(v->q));
    v->q.req.home = l->o.io;
    v->q.req.done = done;
}

void lambda_get(struct lambda *l, struct str pk, struct str sk, store_done_f *done)
{
    struct store_get *get = &l->visit.q.get;

    lambda_request(l, done);
    get->pk = pk;
    get->sk = sk;
    store_get(l->o.store, get);
}

void lambda_tell_forbidden(const struct lambda *l)
{
    l->o.told(l->o.ctx, "connections_forbidden",
              "@connections refuses this function: it needs execute-api:ManageConnections");
}

/* REST: nothing of this event is under way any more. */

static bool lambda_is_quiet(struct lambda *l)
{
    struct owner *o = &l->owner;
    struct map_iter it;

    if (o->errands_n > 0 || o->reads_n > 0 || !list_empty(&o->dirty))
        return false;
    for (struct map_node *n = map_first(&o->rooms, &it); n != NULL; n = map_next(&it)) {
        const struct room *r = CONTAINER_OF(n, struct room, node);

        if (r->uses > 0 || r->queue_n > 0)
            return false;
    }
    return true;
}

void lambda_rest(struct lambda *l)
{
    assert(stages[l->visit.stage] == lambda_rest);
    assert(l->owner.settles);
    if (lambda_is_quiet(l))
        lambda_next(l); /* else lambda_turn looks again */
}

/* SAY. */

static void lambda_said(struct reply *r)
{
    struct lambda *l = CONTAINER_OF(r, struct lambda, reply);

    if (r->forbidden)
        lambda_tell_forbidden(l);
    if (r->gone)
        guests_drop(&l->guests, l->visit.event.connection);
    lambda_next(l);
}

/* An answer that no frame can carry. */
static void lambda_too_long(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, 4096);
    v->call.error = ERROR_answer_too_long;
    call_answer(&v->call, &b);
    reply_clear(&l->reply);
    (void)!reply_add(&l->reply, buf_peek(&b));
}

/* With which code another door would close the connection. */
static void lambda_put_closing(struct lambda *l)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, 4096);
    event_closing(&b, l->visit.code, l->visit.closing);
    (void)!reply_add(&l->reply, buf_peek(&b));
}

/* Events of rooms that were joined are in the reply already, behind this. */
static void lambda_put_answer(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    struct buf events = l->reply.text;
    struct buf b CLEANUP(buf_fini);
    struct str rest = buf_peek(&events);

    buf_init(&b, REPLY_ONE_MAX);
    /* Success without an id is not answered. */
    if (v->call.error != ERROR_NONE || v->call.cmd.reply_kind != COMMAND_REPLY_NONE)
        call_answer(&v->call, &b);
    buf_init(&l->reply.text, REPLY_MAX);
    if (b.failed) {
        lambda_too_long(l);
    } else {
        if (buf_len(&b) > 0)
            (void)!reply_add(&l->reply, buf_peek(&b));
        while (rest.n > 0)
            (void)!reply_add(&l->reply, str_cut(&rest, '\0'));
    }
    buf_fini(&events);
    if (v->closing.n > 0 && v->call.error != ERROR_NONE)
        lambda_put_closing(l);
}

void lambda_say(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    if (!lambda_is(l, GATEWAY_EVENT_MESSAGE)) {
        lambda_next(l);
        return;
    }
    lambda_put_answer(l);
    l->reply.arrays = (v->flags & ROWS_ARRAYS) != 0;
    l->reply.posts = v->ends || l->o.conf->lambda_posts;
    reply_start(&l->reply, v->base, v->event.connection, v->until_ms);
}

/* The end. */

static unsigned lambda_status(const struct lambda *l)
{
    enum error_code e = l->visit.call.error;

    if (e == ERROR_NONE || !lambda_is(l, GATEWAY_EVENT_CONNECT))
        return 200;
    return (unsigned)command_error_status(e);
}

static void lambda_visit_fini(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    for (unsigned i = 0; i < v->casts_n; i++)
        frame_unref(v->casts[i].json);
    frame_unref(v->row);
    v->row = NULL;
    v->casts_n = 0;
    call_fini(&v->call);
    bells_end(&l->bells);
    v->busy = false;
}

/* The first room that the event asks for and that could not be delivered; NULL: all were. */
static const struct bell *lambda_undelivered(const struct lambda *l)
{
    for (unsigned i = 0; i < l->bells.begun; i++)
        if (l->bells.at[i].asked && l->bells.at[i].fails)
            return &l->bells.at[i];
    return NULL;
}

/* What was asked for is in the order of the records. */
static struct str lambda_again_from(const struct lambda *l)
{
    const struct bell *b = lambda_undelivered(l);

    if (l->visit.call.error != ERROR_NONE)
        return l->visit.stream.rooms_n > 0 ? l->visit.stream.rooms[0].number : (struct str){0};
    return b != NULL ? l->visit.stream.rooms[b->of].number : l->visit.stream.rest;
}

static void lambda_count(struct lambda *l, bool failed)
{
    const struct call *call = &l->visit.call;
    struct lambda_stats *s = &l->stats;

    s->events++;
    s->failed += failed;
    if (!lambda_is(l, GATEWAY_EVENT_MESSAGE))
        return;
    s->commands += call->cmd.id != COMMAND_NONE;
    s->errors += call->error != ERROR_NONE;
    s->errors_internal += call->error == ERROR_internal;
}

static void lambda_visit_end(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    bool failed = lambda_is(l, GATEWAY_EVENT_DELIVER) && !v->streams &&
                  (lambda_undelivered(l) != NULL || v->call.error != ERROR_NONE);
    struct buf answer CLEANUP(buf_fini);

    buf_init(&answer, ANSWER_MAX);
    if (v->streams)
        stream_event_answer(lambda_again_from(l), &answer);
    else
        gateway_event_answer(lambda_status(l), v->protocol, buf_peek(&l->reply.frame), &answer);
    lambda_count(l, failed);
    lambda_visit_fini(l);
    reply_clear(&l->reply);
    if (failed)
        l->o.failed(l->o.ctx, "Deliver.unfinished", "not all was delivered: to be called again");
    else
        l->o.answered(l->o.ctx, buf_peek(&answer));
}

/* What was no event never was one. */
static void lambda_refuse(struct lambda *l, enum gateway_event_result result)
{
    char type[64];

    l->stats.events++;
    l->stats.failed++;
    (void)snprintf(type, sizeof(type), "Event.%s", gateway_event_code(result));
    l->o.failed(l->o.ctx, type, gateway_event_why(result));
}

/* As an event to deliver, of no shard in particular. */
static enum gateway_event_result lambda_read_stream(struct lambda *l, uint8_t *p, size_t n)
{
    struct lambda_visit *v = &l->visit;

    v->event.kind = GATEWAY_EVENT_DELIVER;
    if (!stream_event_read(p, n, &v->stream))
        return GATEWAY_EVENT_NOT_JSON;
    if (v->stream.passed_over > 0)
        l->o.told(l->o.ctx, "records_passed_over", "records of the stream name no room");
    return GATEWAY_EVENT_OK;
}

struct lambda_stats lambda_stats(const struct lambda *l)
{
    struct lambda_stats s = l->stats;

    s.entries = l->owner.stats.entries;
    s.conflicts = l->owner.stats.conflicts;
    return s;
}

void lambda_invoke(struct lambda *l, uint8_t *p, size_t n, uint64_t until_ms, struct str amzn)
{
    struct lambda_visit *v = &l->visit;
    struct buf texts = v->texts, body = v->body, frame = v->frame, payload = v->payload;
    enum gateway_event_result result;

    assert(!v->busy && l->later == NULL);
    memset(v, 0, sizeof(*v));
    v->texts = texts;
    v->body = body;
    v->frame = frame;
    v->payload = payload;
    buf_clear(&v->texts);
    v->streams = stream_event_is((struct str){p, n});
    result = v->streams ? lambda_read_stream(l, p, n) : gateway_event_read(p, n, &v->event);
    if (result != GATEWAY_EVENT_OK) {
        lambda_refuse(l, result);
        return;
    }
    if (v->event.kind != GATEWAY_EVENT_DELIVER)
        gateway_event_base(&v->event, &v->texts);
    v->base = buf_peek(&v->texts);
    v->busy = true;
    l->owner.settles = false;
    v->until_ms = until_ms;
    lambda_trace_came(l, amzn);
    bells_begin(&l->bells);
    call_init(&v->call, REPLY_ONE_MAX);
    lambda_later(l, lambda_begin_stage);
}

bool lambda_hurries(const struct lambda *l)
{
    return l->later != NULL || !list_empty(&l->owner.dirty);
}

void lambda_turn(struct lambda *l)
{
    void (*later)(struct lambda * l) = l->later;

    owner_flush(&l->owner);
    if (later != NULL) {
        l->later = NULL;
        later(l);
        return;
    }
    if (l->visit.busy && l->visit.stage < COUNTOF(stages) &&
        stages[l->visit.stage] == lambda_rest && lambda_is_quiet(l))
        lambda_next(l);
}

/* An instance. */

static uint64_t lambda_read_every_ms(const struct conf *c)
{
    return conf_is_given(c, CONF_ID_read_every_ms) ? c->read_every_ms : READ_EVERY_MS;
}

static void lambda_set_owner(struct lambda *l)
{
    const struct conf *c = l->o.conf;
    struct owner *o = &l->owner;
    uint64_t seed;

    o->ops = &lambda_owner;
    o->store = l->o.store;
    o->bus = &l->bells.bus;
    o->home = l->o.io;
    o->wheel = l->o.wheel;
    o->limits =
        (struct owner_limits){.rooms_per_user = c->rooms_per_user,
                              .history_max = MIN(c->history_max, (uint64_t)REPLY_ONE_MAX / 2),
                              .search_max = SEARCH_MAX,
                              .retain_age_ms = c->retain_age_ms,
                              .retain_count = c->retain_count,
                              .read_every_ms = lambda_read_every_ms(c),
                              .read_told_ms = 0,
                              .roster_max = ROSTER_MAX,
                              .presence_list_ms = 1000,
                              .presence_count_ms = 5000,
                              .presence_leave_ms = 15000,
                              .idle_max = IDLE_ROOMS};
    io_random(l->o.io, o->hash_key, sizeof(o->hash_key));
    io_random(l->o.io, (uint8_t *)&seed, sizeof(seed));
    owner_init(o, seed);
}

struct lambda *lambda_new(const struct lambda_options *o)
{
    struct lambda *l = mem_zeroed(1, sizeof(*l));
    uint8_t key[16], run[LAMBDA_RUN_N / 2];
    uint64_t self;

    assert(o->answered != NULL && o->failed != NULL && o->told != NULL);
    l->o = *o;
    io_random(o->io, (uint8_t *)&self, sizeof(self));
    io_random(o->io, key, sizeof(key));
    io_random(o->io, run, sizeof(run));
    (void)hex_write(l->run, run, sizeof(run));
    bells_init(&l->bells, self);
    guests_init(&l->guests, key);
    lambda_set_owner(l);
    l->keys.all = jwks_new();
    l->keys.run = (struct str){(const uint8_t *)l->run, sizeof(l->run)};
    people_init(&l->people, &l->owner, &l->keys, o->conf->token_ttl_ms, lambda_issuer_init(l));
    l->people.ways = (struct people_ways){
        .hasher = conf_logs_in(o->conf, "password") ? o->hasher : NULL,
        .passkeys = {.guard = conf_logs_in(o->conf, "passkey") ? o->hasher : NULL,
                     .rp = str_of(o->conf->passkey_rp)},
        .name = conf_logs_in(o->conf, "name"),
        .signup = people_signup_of(o->conf->signup == CONF_SIGNUP_OPEN,
                                   o->conf->signup == CONF_SIGNUP_INVITE),
        .issuer = o->conf->issuer[0] != '\0'};
    l->reply.poster = o->poster;
    l->reply.home = o->io;
    l->reply.wheel = o->wheel;
    l->reply.done = lambda_said;
    reply_init(&l->reply);
    buf_init(&l->visit.texts, TEXTS_MAX);
    buf_init(&l->visit.body, BODY_MAX);
    buf_init(&l->visit.payload, TEXTS_MAX);
    buf_init(&l->visit.frame, GATEWAY_EVENT_BODY_MAX);
    return l;
}

bool lambda_is_idle(struct lambda *l)
{
    return !l->visit.busy && l->later == NULL && lambda_is_quiet(l);
}

void lambda_free(struct lambda *l)
{
    if (l == NULL)
        return;
    assert(!l->visit.busy);
    people_fini(&l->people);
    lambda_issuer_fini(l);
    owner_fini(&l->owner);
    bells_clear(&l->bells);
    guests_fini(&l->guests);
    reply_fini(&l->reply);
    buf_fini(&l->visit.texts);
    buf_fini(&l->visit.body);
    buf_fini(&l->visit.payload);
    buf_fini(&l->visit.frame);
    jwks_unref(l->keys.all);
    free(l);
}
