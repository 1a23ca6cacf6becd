#include "server/run/loop.h"

#include "base/mem.h"
#include "base/siphash.h"
#include "base/str.h"
#include "chat/model/lost.h"
#include "chat/people/people_password.h"
#include "chat/room/owner.h"
#include "chat/room/presence.h"
#include "io/io_tls.h"
#include "server/conn/audience.h"
#include "server/conn/conn.h"
#include "server/conn/limits.h"
#include "server/conn/move.h"
#include "server/conn/own.h"
#include "server/conn/person.h"
#include "server/conn/refusal.h"
#include "server/conn/request.h"
#include "server/conn/session.h"
#include "server/gw/door_gw.h"
#include "server/gw/gw_http.h"
#include "server/health/guard.h"
#include "server/health/health.h"
#include "server/health/report.h"
#include "server/http/door_tail.h"
#include "server/node/alarms.h"
#include "server/node/checker.h"
#include "server/node/issuer.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/run/drain.h"
#include "server/sio/far.h"
#include "server/sio/sio.h"
#include "server/ws/door_ws.h"
#include "trace/tracer.h"

#include <stdatomic.h>
#include <stdlib.h>

#define IDLE_ROOMS 4096
#define SEARCH_MAX 10000
#define READ_EVERY_DYNAMODB_MS 30000
#define PRESENCE_LIST_MS 1000
#define FLUSH_CHECK 32 /* connections between two looks at the clock */

/* Mail between workers: what it is begins with the mail itself. */

struct mail_news {
    struct io_mail mail;
    struct worker *to;
    struct news news;
    char room[KEYS_ROOM_MAX];
    struct news_entry entries[];
};

struct mail_cast {
    struct io_mail mail;
    struct worker *to;
    uint64_t not_user;
    size_t room_n, n;
    uint8_t bytes[]; /* the room's id, then the event */
};

/* What the owner's rooms ask for. */

static struct worker *worker_of(struct owner *o)
{
    return CONTAINER_OF(o, struct worker, owner);
}

static uint64_t ops_wall_ms(struct owner *o)
{
    return worker_wall_ms(worker_of(o));
}

static uint64_t ops_random(struct owner *o)
{
    uint64_t v;

    io_random(o->home, (uint8_t *)&v, sizeof(v));
    return v;
}

static void ops_route(struct owner *o, struct call *call, struct str room)
{
    worker_route(worker_of(o), call, room);
}

static void feeds_news(struct worker *w, const struct news *news)
{
    feed_news(&w->feeds, news);
}

/* A delivery lasts until the turn has sent what sockets take. */
static void trace_entry(struct worker *w, const struct feed *feed, struct str bytes)
{
    struct trace_span span = {.kind = TRACE_CONSUMER,
                              .name = "deliver",
                              .began_us = io_clock_us(w->io),
                              .entries = 1,
                              .followers = feed->followers_n};
    struct trace parent;
    struct entry e;

    if (entry_decode(bytes, &e) != ENTRY_OK || !entry_trace(&e, &parent))
        return;
    trace_room(&span, feed_room(feed));
    tracer_below(w->tracer, &parent, &span);
    tracer_until_turn(w->tracer, &span);
}

static void trace_news(struct worker *w, const struct news *news)
{
    const struct feed *feed = w->tracer != NULL ? feed_get(&w->feeds, news->room) : NULL;

    if (feed == NULL || feed->followers_n == 0)
        return;
    for (unsigned i = 0; i < news->n; i++)
        trace_entry(w, feed, frame_str(news->entries[i].entry));
}

/* Who is told of news that come to a worker, in this order. */
static void (*const taps[])(struct worker *w, const struct news *news) = {
    own_news,      /* a person's own log: whoever is to follow it does from here on */
    feeds_news,    /* followers */
    audience_news, /* who is here */
    trace_news,    /* whoever traces */
};

static void take_news(struct worker *w, const struct news *news)
{
    for (unsigned i = 0; i < COUNTOF(taps); i++)
        taps[i](w, news);
}

static void news_arrived(struct io_mail *mail)
{
    struct mail_news *m = CONTAINER_OF(mail, struct mail_news, mail);

    take_news(m->to, &m->news);
    for (unsigned i = 0; i < m->news.n; i++)
        frame_unref(m->entries[i].entry);
    free(m);
}

static void mail_news(struct worker *w, unsigned to, const struct news *news)
{
    struct mail_news *m = mem_bytes(sizeof(*m) + news->n * sizeof(m->entries[0]));

    assert(to != w->index && news->room.n <= KEYS_ROOM_MAX);
    m->mail.deliver = news_arrived;
    m->to = worker_at(w, to);
    m->news = *news;
    memcpy(m->room, news->room.p, news->room.n);
    m->news.room.p = (const uint8_t *)m->room;
    m->news.entries = m->entries;
    for (unsigned i = 0; i < news->n; i++) {
        m->entries[i] = news->entries[i];
        (void)frame_ref(m->entries[i].entry);
    }
    worker_mail(w, to, &m->mail);
}

/* Mail has references of its own. */
static void ops_publish(struct owner *o, uint64_t workers, const struct news *news)
{
    struct worker *w = worker_of(o);
    bool own_log = news->room.p[0] == '@';

    assert(news->n > 0 && news->room.n > 0);
    if (news->began_us != 0) {
        metrics_add(w->metrics, METRIC_entries_appended, news->n);
        metrics_observe(w->metrics, METRIC_HIST_batch, news->n);
        metrics_observe(w->metrics, METRIC_HIST_append, owner_clock_us(o) - news->began_us);
    }
    for (unsigned i = 0; i < w->server->workers_n; i++)
        if (i != w->index && (own_log || (workers >> i & 1) != 0))
            mail_news(w, i, news);
    take_news(w, news);
}

/* Who is told of connections that come and go. */
static const struct conn_watch watch = {
    .followed = audience_changed,
    .forsaken = audience_gone,
    .came = own_came,
    .gone = own_gone,
};

/* To whom access has ended nothing is cast, though they have yet to be sent what came
 * before: they may be slow, or poll. */
static void cast_to_followers(struct feed *feed, struct str event, struct frame *bytes,
                              uint64_t not_user)
{
    for (struct list *n = feed->followers.next; n != &feed->followers; n = n->next) {
        struct follower *f = CONTAINER_OF(n, struct follower, node);
        struct conn *c = CONTAINER_OF(f, struct conn_follower, f)->conn;

        if (f->end == 0 && (not_user == 0 || c->person == NULL || c->person->id != not_user))
            conn_cast(c, event, bytes);
    }
}

/* Of a person's own log: to all of their connections, whether or not it has a feed. */
static void give_cast(struct worker *w, struct str room, struct str event, uint64_t not_user)
{
    struct feed *feed = feed_get(&w->feeds, room);
    const struct person *p = own_person(w, room);
    struct conn *own = p != NULL ? p->conns : NULL;
    struct frame *bytes;

    if (feed == NULL && own == NULL)
        return;
    bytes = ws_text(WS_FIN, event);
    if (own == NULL)
        cast_to_followers(feed, event, bytes, not_user);
    for (struct conn *c = own; c != NULL; c = c->next_of_person)
        if (c->state == CONN_OPEN)
            conn_cast(c, event, bytes);
    frame_unref(bytes);
}

static void cast_arrived(struct io_mail *mail)
{
    struct mail_cast *m = CONTAINER_OF(mail, struct mail_cast, mail);

    give_cast(m->to, (struct str){m->bytes, m->room_n}, (struct str){m->bytes + m->room_n, m->n},
              m->not_user);
    free(m);
}

static void ops_cast(struct owner *o, uint64_t workers, struct str room, struct str event,
                     uint64_t not_user)
{
    struct worker *w = worker_of(o);

    assert(room.n > 0 && room.n <= KEYS_ROOM_MAX);
    for (unsigned i = 0; i < w->server->workers_n; i++) {
        struct mail_cast *m;

        if ((workers >> i & 1) == 0)
            continue;
        if (i == w->index) {
            give_cast(w, room, event, not_user);
            continue;
        }
        m = mem_bytes(sizeof(*m) + room.n + event.n);
        *m = (struct mail_cast){.mail.deliver = cast_arrived,
                                .to = worker_at(w, i),
                                .not_user = not_user,
                                .room_n = room.n,
                                .n = event.n};
        memcpy(m->bytes, room.p, room.n);
        memcpy(m->bytes + room.n, event.p, event.n);
        worker_mail(w, i, &m->mail);
    }
}

struct ended {
    uint64_t session, expires_ms;
};

static void end_session(struct worker *w, const void *arg)
{
    const struct ended *e = arg;

    people_revoke(&w->people, e->session, e->expires_ms);
    session_revoked(w, e->session);
}

static void ops_revoke(struct owner *o, uint64_t session, uint64_t expires_ms)
{
    struct worker *w = worker_of(o);
    struct ended e = {session, expires_ms};

    for (unsigned i = 0; i < w->server->workers_n; i++)
        worker_run(w, i, end_session, &e, sizeof(e));
}

static void ops_alarm(struct owner *o, enum alarm id, struct str detail)
{
    alarms_raise(worker_of(o)->server->alarms, id, detail);
}

static void ops_behind(struct owner *o, struct str room, uint64_t known, uint64_t found)
{
    guard_behind(worker_of(o)->server->guard, room, known, found);
}

static void ops_span(struct owner *o, const struct trace *parent, struct trace_span *span)
{
    struct tracer *t = worker_of(o)->tracer;

    tracer_below(t, parent, span);
    tracer_end(t, span);
}

static const struct owner_ops owner_ops = {
    .publish = ops_publish,
    .cast = ops_cast,
    .route = ops_route,
    .wall_ms = ops_wall_ms,
    .random = ops_random,
    .revoke = ops_revoke,
    .alarm = ops_alarm,
    .span = ops_span,
    .behind = ops_behind,
};

static void say_lost(struct feed_set *s, struct str room, const struct lost *lost)
{
    struct worker *w = CONTAINER_OF(s, struct worker, feeds);
    char text[LOST_TEXT_MAX];

    alarms_raise(w->server->alarms, ALARM_hole, lost_text(lost, room, text));
}

static const struct feed_ops feed_ops = {
    .encode =
        {
#define ENCODING(id, function, doors) [FEED_##id] = function,
#include "chat/feed/encoding.tbl"
#undef ENCODING
        },
    .wake = conn_wake,
    .is_person = conn_is_person,
    .lost = say_lost,
};

/* Once a second. */
static void second_of_tls(struct worker *w)
{
    struct io_tls_stats stats;

    assert(w->tls != NULL && w->tls_context != NULL);
    tls_context_turn(w->tls_context, io_wall_ms(w->io) / 1000);
    io_tls_stats(w->tls, &stats);
    metrics_set(w->metrics, METRIC_tls_handshakes, stats.handshakes);
    metrics_set(w->metrics, METRIC_tls_resumed, stats.resumed);
    metrics_set(w->metrics, METRIC_tls_failures, stats.failures);
    if (w->index == 0)
        metrics_set(w->metrics, METRIC_tls_expires, tls_context_expires_s(w->tls_context));
}

static void second_of_traces(struct worker *w)
{
    struct tracer_stats stats = tracer_stats(w->tracer);

    tracer_second(w->tracer);
    metrics_set(w->metrics, METRIC_spans_sent, stats.sent);
    metrics_set(w->metrics, METRIC_spans_dropped, stats.dropped);
    metrics_set(w->metrics, METRIC_spans_lost, stats.lost);
}

static void second_of_passwords(struct worker *w)
{
    struct hasher_stats stats = hasher_stats(w->server->hasher);

    metrics_set(w->metrics, METRIC_passwords_hashed, stats.hashed);
    metrics_set(w->metrics, METRIC_logins_wrong, stats.wrong);
    metrics_set(w->metrics, METRIC_logins_held, stats.held);
}

static void second(struct wheel_timer *t)
{
    struct worker *w = CONTAINER_OF(t, struct worker, second);
    uint64_t now = worker_now_ms(w);

    assert(!wheel_armed(t));
    metrics_observe(w->metrics, METRIC_HIST_lag, (now - MIN(now, t->at_ms)) * 1000);
    metrics_set(w->metrics, METRIC_rooms_loaded, w->owner.stats.rooms);
    metrics_set(w->metrics, METRIC_duplicates, w->owner.stats.duplicates);
    metrics_set(w->metrics, METRIC_conflicts, w->owner.stats.conflicts);
    metrics_set(w->metrics, METRIC_buffers, w->kept);
    if (w->relieved_n > 0)
        log_warn(w->log, "buffers_full", LOG_TEXT("setting", "buffers-budget"),
                 LOG_U64("closed", w->relieved_n), LOG_U64("bytes", w->kept));
    w->relieved_n = 0;
    metrics_set(w->metrics, METRIC_tail_bytes, w->feeds.ring_bytes);
    metrics_set(w->metrics, METRIC_chunk_misses, w->feeds.chunk_reads);
    metrics_set(w->metrics, METRIC_chunk_hits, w->feeds.chunk_hits);
    if (w->tls != NULL)
        second_of_tls(w);
    if (w->tracer != NULL)
        second_of_traces(w);
    for (unsigned r = JWT_BAD; r < IDENTITY_REASONS; r++)
        metrics_set(w->metrics, (enum metric)(METRIC_token_bad + r - JWT_BAD),
                    w->people.identity.refused[r]);
    if (w->index == 0 && w->server->hasher != NULL)
        second_of_passwords(w);
    if (w->index == 0) {
        issuer_second(w->server->issuer);
        health_second(w->server);
        metrics_set(w->metrics, METRIC_log_dropped, log_dropped(w->server->o.log));
        report_second(w->server->report);
    }
    log_tick(w->log);
    limits_second(w);
    person_sweep(w);
    wheel_set(&w->wheel, t, now + 1000);
}

/* On DynamoDB each position that is written is paid for. */
static uint64_t read_every_ms(const struct conf *c)
{
    return c->store == CONF_STORE_DYNAMODB && !conf_is_given(c, CONF_ID_read_every_ms)
               ? READ_EVERY_DYNAMODB_MS
               : c->read_every_ms;
}

static void set_limits(struct worker *w)
{
    const struct conf *c = w->server->conf;
    unsigned n = w->server->workers_n;

    w->owner.limits = (struct owner_limits){
        .rooms_per_user = c->rooms_per_user,
        .history_max = c->history_max,
        .search_max = SEARCH_MAX,
        .retain_age_ms = c->retain_age_ms,
        .retain_count = c->retain_count,
        .read_every_ms = read_every_ms(c),
        .read_told_ms = c->read_told_ms,
        .roster_max = c->presence_roster > 0 ? c->presence_roster : UINT32_MAX,
        .presence_list_ms = PRESENCE_LIST_MS,
        .presence_count_ms = c->presence_count_ms,
        .presence_leave_ms = c->presence_leave_ms,
        .idle_max = IDLE_ROOMS,
    };
    w->feeds.ring_budget = c->tail_budget / n;
    w->feeds.chunk_budget = c->chunk_cache / n;
    w->rules = (struct ws_rules){.message_max = w->server->o.echo ? c->message_max : c->frame_max,
                                 .fragments_max = (uint32_t)c->fragments_max,
                                 .codec = w->codec};
    w->first_rules = w->rules;
    w->first_rules.unpack_max = c->unpack_before_login;
    if (c->frame_max > 0)
        w->first_rules.unpack_max = MIN(w->first_rules.unpack_max, (size_t)c->frame_max);
    w->sio_rules = w->rules;
    w->sio_rules.message_max = c->sio_max_payload;
}

/* Each worker hears it; what worker 0 knows all have been told, so that it need not be told
 * of what is listed again (server/conn/revoked.h). */
static void heard_revoked(struct worker *w, struct str bytes)
{
    struct ended e;

    if (!people_revoked_read(bytes, &e.session, &e.expires_ms))
        return;
    if (w->index == 0)
        ops_revoke(&w->owner, e.session, e.expires_ms);
    else
        end_session(w, &e);
}

/* All workers have one hasher. */
static void heard_guess(struct worker *w, struct str bytes)
{
    if (w->index == 0 && w->server->hasher != NULL && lifecycle_at(&w->life) < LIFE_SETTLED)
        hasher_heard(w->server->hasher, bytes, worker_now_ms(w));
}

static void bus_heard(void *ctx, const struct bus_event *event)
{
    struct worker *w = ctx;

    if (event->kind == BUS_NODE_UP || event->kind == BUS_NODE_DOWN)
        far_node(w, event->node, event->kind == BUS_NODE_UP);
    if (event->kind == BUS_CAST && str_eq(event->room, PEOPLE_REVOKED))
        heard_revoked(w, event->bytes);
    else if (event->kind == BUS_CAST && str_eq(event->room, PEOPLE_GUESSED))
        heard_guess(w, event->bytes);
    else if (event->kind == BUS_CAST && str_eq(event->room, LIMITS_TOPIC))
        limits_heard(w, event->bytes);
    else if (event->kind == BUS_DIRECT)
        far_heard(w, event->node, event->bytes);
    else if (lifecycle_at(&w->life) <
             LIFE_SETTLED) /* else nobody is here any more who would want to know */
        owner_heard(&w->owner, event);
}

int loop_init(struct worker *w, struct server *server, unsigned index)
{
    uint64_t seed;
    int r;

    assert(index < server->workers_n);
    *w = (struct worker){.server = server, .index = index, .unproven_ms = UINT64_MAX};
    lifecycle_init(&w->life, LIFECYCLE_WORKER);
    r = host_io_new(server->o.host, &w->io);
    if (r < 0)
        return r;
    w->move = mem_zeroed(1, sizeof(*w->move));
    w->drain = mem_zeroed(1, sizeof(*w->drain));
    w->refusals = mem_zeroed(1, sizeof(*w->refusals));
    w->log = log_new(server->o.log, w->io, (enum log_level)server->conf->log_level, (int)index);
    w->metrics = metrics_new();
    w->codec = deflate_new(1);
    if (server->o.traces != NULL)
        w->tracer = tracer_new(w->io, server->o.traces,
                               &(struct otlp_resource){str_of(server->conf->metrics_service),
                                                       str_of(server->o.version),
                                                       str_of(server->o.hostname)});
    wheel_init(&w->wheel, io_now_ms(w->io));
    list_init(&w->conns);
    list_init(&w->requests);
    list_init(&w->dirty);
    list_init(&w->dead);
    list_init(&w->owns);
    person_init(w);
    map_init(&w->sessions);
    far_init(w);
    if (server->conf->gw_path[0] != '\0') {
        door_gw_init(w, server->o.outlet);
        gw_http_init(w);
    }
    buf_init(&w->scratch, SIZE_MAX / 2);
    limits_init(w);
    pool_init(&w->conn_pool, sizeof(struct conn));
    pool_init(&w->follower_pool, sizeof(struct conn_follower));
    set_limits(w);
    w->watch = &watch;
    w->owner.ops = &owner_ops;
    w->owner.store = server->o.store;
    w->owner.bus = server->o.bus;
    w->owner.home = w->io;
    w->owner.wheel = &w->wheel;
    io_random(w->io, (uint8_t *)&seed, sizeof(seed));
    owner_init(&w->owner, seed);
    w->checker = checker_new(w);
    w->owner.hook = checker_hook(w->checker);
    bus_attach(server->o.bus, w->io, bus_heard, w);
    w->feeds.ops = &feed_ops;
    w->feeds.store = server->o.store;
    w->feeds.home = w->io;
    w->feeds.wheel = &w->wheel;
    feed_set_init(&w->feeds);
    w->second.fire = second;
    wheel_set(&w->wheel, &w->second, io_now_ms(w->io) + 1000);
    return 0;
}

int loop_tls(struct worker *w, const struct tls_tickets *tickets,
             char ret_why[static TLS_CONTEXT_ERROR_MAX])
{
    const struct conf *c = w->server->conf;
    struct tls_options o = {.cert_file = c->tls_cert, .key_file = c->tls_key, .tickets = tickets};
    int r = tls_context_new(&o, &w->tls_context, ret_why);

    assert(w->tls == NULL);
    if (r < 0)
        return r;
    return io_tls_new(w->io, w->tls_context, (unsigned)c->handshakes_per_turn, &w->tls);
}

void loop_fini(struct worker *w)
{
    if (w->io == NULL)
        return;
    wheel_cancel(&w->wheel, &w->second);
    wheel_cancel(&w->wheel, &w->move->tick);
    wheel_cancel(&w->wheel, &w->drain->limit);
    own_fini(w);
    feed_set_fini(&w->feeds);
    owner_fini(&w->owner);
    checker_free(w->checker);
    people_fini(&w->people);
    person_fini(w);
    far_fini(w);
    map_fini(&w->sessions);
    buf_fini(&w->scratch);
    limits_fini(w);
    conn_fini(w);
    gw_http_fini(w);
    door_gw_fini(w, w->server->o.outlet);
    deflate_free(w->codec);
    log_end(w->log);
    io_free(w->tls);
    tls_context_free(w->tls_context);
    io_free(w->io); /* what another thread has mailed last is counted and logged */
    tracer_free(w->tracer);
    metrics_free(w->metrics);
    log_free(w->log);
    free(w->far);
    free(w->move);
    free(w->drain);
    free(w->refusals);
}

static void flush_dirty(struct worker *w)
{
    uint64_t budget_us = w->server->conf->flush_ms * 1000, start = io_clock_us(w->io);
    unsigned n = 0;
    struct list *node;

    while ((node = list_pop(&w->dirty)) != NULL) {
        conn_flush(CONTAINER_OF(node, struct conn, dirty));
        if (++n % FLUSH_CHECK == 0 && budget_us > 0 && io_clock_us(w->io) - start > budget_us)
            break; /* the others after a look at what came in */
    }
}

static void relieve(struct worker *w)
{
    uint64_t budget = w->server->conf->buffers_budget / w->server->workers_n;

    if (budget > 0 && w->kept > budget)
        w->relieved_n += conn_relieve(w, budget);
}

static uint64_t wait_until(const struct worker *w)
{
    if (!list_empty(&w->dirty) || !list_empty(&w->owner.dirty))
        return 0;
    return wheel_next_ms(&w->wheel);
}

bool loop_turn(void *arg)
{
    struct worker *w = arg;
    uint64_t start;

    assert(lifecycle_at(&w->life) != LIFE_ENDED);
    io_wait(w->tls != NULL ? w->tls : w->io, wait_until(w));
    start = io_clock_us(w->io);
    wheel_advance(&w->wheel, io_now_ms(w->io));
    owner_flush(&w->owner);
    worker_post(w); /* others work while this one sends; and what a client is told of, such as
                     the end of a session, they know before the client does */
    flush_dirty(w);
    if (w->tracer != NULL)
        tracer_turn(w->tracer);
    relieve(w);
    feed_end_turn(&w->feeds);
    conn_bury(w);
    if (lifecycle_at(&w->life) >= LIFE_CLOSING)
        drain_turn(w);
    if (lifecycle_at(&w->life) == LIFE_ENDED)
        far_end(w);
    worker_post(w);
    atomic_store_explicit(&w->turned_ms, io_now_ms(w->io), memory_order_relaxed);
    metrics_observe(w->metrics, METRIC_HIST_turn, io_clock_us(w->io) - start);
    return lifecycle_at(&w->life) != LIFE_ENDED;
}
