#include "server/worker.h"

#include "base/siphash.h"
#include "base/str.h"
#include "chat/presence.h"
#include "io/io_tls.h"
#include "server/conn.h"
#include "server/door_ws.h"
#include "server/issuer.h"
#include "server/own.h"
#include "server/request.h"
#include "server/server.h"
#include "server/session.h"
#include "server/sio.h"

#include <stdatomic.h>
#include <stdlib.h>

#define IDLE_ROOMS 4096
#define SEARCH_MAX 10000
/* Who came is told when nobody came for a moment, but no later than this: a
 * storm of joins is one cast, not thousands. */
#define PRESENCE_QUIET_MS 250
#define PRESENCE_LATEST_MS 5000
#define PRESENCE_LIST_MS 1000
#define FLUSH_CHECK 32 /* connections between two looks at the clock */

/* Mail between workers: what it is begins with the mail itself. */

struct mail_news {
    struct io_mail mail;
    struct worker *to;
    struct news news;
    char room[ROOM_KEY_MAX];
    struct news_entry entries[];
};

struct mail_cast {
    struct io_mail mail;
    struct worker *to;
    uint64_t not_user;
    size_t room_n, n;
    uint8_t bytes[]; /* the room's id, then the event */
};

struct mail_room {
    struct io_mail mail;
    struct worker *to;
    unsigned from;
    size_t room_n;
    char room[ROOM_KEY_MAX];
    unsigned n;
    bool listed;
    struct presence_person *people; /* one block with their names, or NULL */
};

struct mail_session {
    struct io_mail mail;
    struct worker *to;
    uint64_t session, expires_ms;
};

static struct worker *worker_at(const struct worker *w, unsigned i)
{
    return &w->server->workers[i];
}

static void *letter(size_t n)
{
    void *p = malloc(n);

    if (p == NULL)
        abort();
    return p;
}

void worker_mail(struct worker *w, unsigned to, struct io_mail *mail)
{
    mail->next = NULL;
    metrics_add(w->metrics, METRIC_mails, 1);
    if (w->out_last[to] == NULL)
        w->out_first[to] = mail;
    else
        w->out_last[to]->next = mail;
    w->out_last[to] = mail;
}

static void post_mail(struct worker *w)
{
    for (unsigned i = 0; i < w->server->workers_n; i++) {
        if (w->out_first[i] == NULL)
            continue;
        io_post(worker_at(w, i)->io, w->out_first[i], w->out_last[i]);
        w->out_first[i] = w->out_last[i] = NULL;
    }
}

/* Calls: to the room's owner and back. */

unsigned worker_of_room(const struct worker *w, struct str room)
{
    if (w->server->workers_n == 1)
        return 0;
    return (unsigned)(siphash(w->server->hash_key, room) % w->server->workers_n);
}

static void call_back(struct io_mail *mail)
{
    struct call *call = CONTAINER_OF(mail, struct call, mail);

    call->returned(call);
}

/* On the owner's loop. */
static void call_done(struct call *call)
{
    struct worker *at = call->router;

    if (call->worker == at->index) {
        call->returned(call);
        return;
    }
    call->mail.deliver = call_back;
    worker_mail(at, call->worker, &call->mail);
}

static void call_arrived(struct io_mail *mail)
{
    struct call *call = CONTAINER_OF(mail, struct call, mail);
    struct worker *at = call->router;

    room_run(&at->owner, call->routed_to, call);
}

void worker_route(struct worker *w, struct call *call, struct str room)
{
    unsigned to = worker_of_room(w, room);

    call->worker = w->index;
    call->router = worker_at(w, to);
    call->done = call_done;
    if (to == w->index) {
        room_run(&w->owner, room, call);
        return;
    }
    memcpy(call->route, room.p, room.n);
    call->routed_to = (struct str){(const uint8_t *)call->route, room.n};
    call->mail.deliver = call_arrived;
    worker_mail(w, to, &call->mail);
}

/* What the owner's rooms ask for. */

static struct worker *worker_of(struct owner *o)
{
    return CONTAINER_OF(o, struct worker, owner);
}

static uint64_t ops_now_ms(struct owner *o)
{
    return io_now_ms(o->home);
}

static uint64_t ops_wall_ms(struct owner *o)
{
    return io_wall_ms(o->home);
}

static uint64_t ops_clock_us(struct owner *o)
{
    return io_clock_us(o->home);
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

static void take_news(struct worker *w, const struct news *news)
{
    own_news(w, news);
    feed_news(&w->feeds, news);
}

static void news_arrived(struct io_mail *mail)
{
    struct mail_news *m = CONTAINER_OF(mail, struct mail_news, mail);

    take_news(m->to, &m->news);
    free(m);
}

static void mail_news(struct worker *w, unsigned to, const struct news *news)
{
    struct mail_news *m = letter(sizeof(*m) + news->n * sizeof(m->entries[0]));

    m->mail.deliver = news_arrived;
    m->to = worker_at(w, to);
    m->news = *news;
    memcpy(m->room, news->room.p, news->room.n);
    m->news.room.p = (const uint8_t *)m->room;
    m->news.entries = m->entries;
    for (unsigned i = 0; i < news->n; i++) {
        m->entries[i] = news->entries[i];
        (void)frame_ref(m->entries[i].event);
        if (m->entries[i].redacts != NULL)
            (void)frame_ref(m->entries[i].redacts);
    }
    worker_mail(w, to, &m->mail);
}

/* Each worker is given references of its own; ours go with our own news, or now. */
static void ops_publish(struct owner *o, uint64_t workers, const struct news *news)
{
    struct worker *w = worker_of(o);
    bool own_log = news->room.p[0] == '@';

    if (news->began_us != 0) {
        metrics_add(w->metrics, METRIC_entries_appended, news->n);
        metrics_observe(w->metrics, METRIC_HIST_batch, news->n);
        metrics_observe(w->metrics, METRIC_HIST_append, ops_clock_us(o) - news->began_us);
    }
    for (unsigned i = 0; i < w->server->workers_n; i++)
        if (i != w->index && (own_log || (workers >> i & 1) != 0))
            mail_news(w, i, news);
    take_news(w, news);
}

static struct frame *encode(struct feed_set *s, unsigned encoding, struct frame *event)
{
    return encoding >= SIO_SHARED ? sio_encode(s, encoding, event)
                                  : door_ws_encode(s, encoding, event);
}

static void cast_to(struct conn *c, struct str event, struct frame *bytes)
{
    if (c->door->cast != NULL)
        c->door->cast(c, event);
    else
        conn_cast(c, bytes);
}

static void cast_to_followers(struct feed *feed, struct str event, struct frame *bytes,
                              uint64_t not_user)
{
    for (struct list *n = feed->followers.next; n != &feed->followers; n = n->next) {
        struct follower *f = CONTAINER_OF(n, struct follower, node);
        struct conn *c = CONTAINER_OF(f, struct conn_follower, f)->conn;

        if (not_user == 0 || c->person == NULL || c->person->id != not_user)
            cast_to(c, event, bytes);
    }
}

/* Of a person's own log: to all of their connections, whether or not it has a feed. */
static void give_cast(struct worker *w, struct str room, struct str event, uint64_t not_user)
{
    struct feed *feed = feed_get(&w->feeds, room);
    struct conn *own = own_conns(w, room);
    struct frame *text, *bytes;

    if (feed == NULL && own == NULL)
        return;
    text = frame_copy(event);
    bytes = door_ws_encode(&w->feeds, DOOR_WS_PLAIN, text);
    if (own == NULL)
        cast_to_followers(feed, event, bytes, not_user);
    for (struct conn *c = own; c != NULL; c = c->next_of_person)
        if (c->state == CONN_OPEN)
            cast_to(c, event, bytes);
    frame_unref(bytes);
    frame_unref(text);
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

    for (unsigned i = 0; i < w->server->workers_n; i++) {
        struct mail_cast *m;

        if ((workers >> i & 1) == 0)
            continue;
        if (i == w->index) {
            give_cast(w, room, event, not_user);
            continue;
        }
        m = letter(sizeof(*m) + room.n + event.n);
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

static void revoke_arrived(struct io_mail *mail)
{
    struct mail_session *m = CONTAINER_OF(mail, struct mail_session, mail);

    people_revoke(&m->to->people, m->session, m->expires_ms);
    session_revoked(m->to, m->session);
    free(m);
}

static void ops_revoke(struct owner *o, uint64_t session, uint64_t expires_ms)
{
    struct worker *w = worker_of(o);

    for (unsigned i = 0; i < w->server->workers_n; i++) {
        struct mail_session *m = letter(sizeof(*m));

        *m = (struct mail_session){.mail.deliver = revoke_arrived,
                                   .to = worker_at(w, i),
                                   .session = session,
                                   .expires_ms = expires_ms};
        worker_mail(w, i, &m->mail);
    }
}

static const struct owner_ops owner_ops = {
    .publish = ops_publish,
    .cast = ops_cast,
    .route = ops_route,
    .now_ms = ops_now_ms,
    .wall_ms = ops_wall_ms,
    .clock_us = ops_clock_us,
    .random = ops_random,
    .revoke = ops_revoke,
};

static const struct feed_ops feed_ops = {
    .encode = encode,
    .wake = conn_wake,
    .is_person = conn_is_person,
};

/* What the owners of rooms are told by the workers of followers. */

static void unfollow_arrived(struct io_mail *mail)
{
    struct mail_room *m = CONTAINER_OF(mail, struct mail_room, mail);

    room_unfollow(&m->to->owner, (struct str){(const uint8_t *)m->room, m->room_n}, m->from);
    free(m);
}

static struct mail_room *mail_room(struct worker *w, struct str room)
{
    struct mail_room *m = letter(sizeof(*m));

    *m = (struct mail_room){.from = w->index, .room_n = room.n};
    m->to = worker_at(w, worker_of_room(w, room));
    memcpy(m->room, room.p, room.n);
    return m;
}

void worker_unfollowed(struct worker *w, struct str room)
{
    struct mail_room *m;

    if (own_is_here(w, room))
        return;
    if (worker_of_room(w, room) == w->index) {
        room_unfollow(&w->owner, room, w->index);
        return;
    }
    m = mail_room(w, room);
    m->mail.deliver = unfollow_arrived;
    worker_mail(w, m->to->index, &m->mail);
}

static void presence_arrived(struct io_mail *mail)
{
    struct mail_room *m = CONTAINER_OF(mail, struct mail_room, mail);

    room_present(&m->to->owner, (struct str){(const uint8_t *)m->room, m->room_n}, m->from, m->n,
                 m->people);
    free(m->people);
    free(m);
}

static bool is_listed(const struct presence_person *people, unsigned n, uint64_t user)
{
    for (unsigned i = 0; i < n; i++)
        if (people[i].user == user)
            return true;
    return false;
}

static size_t names_n(struct list *l)
{
    struct follower *f = CONTAINER_OF(l, struct follower, node);
    const struct person *p = CONTAINER_OF(f, struct conn_follower, f)->conn->person;

    return p != NULL ? p->name_n : 0;
}

/* The distinct people among the feed's followers, with their names behind them
 * in one block; NULL if there are too many to be listed. */
static struct presence_person *people_of(const struct feed *feed, unsigned max, unsigned *ret_n)
{
    struct presence_person *people;
    size_t names = 0;
    uint8_t *at;
    unsigned n = 0;

    *ret_n = feed->followers_n;
    if (feed->followers_n > max)
        return NULL;
    for (struct list *l = feed->followers.next; l != &feed->followers; l = l->next)
        names += names_n(l);
    people = letter((size_t)feed->followers_n * sizeof(*people) + names + 1);
    at = (uint8_t *)(people + feed->followers_n);
    for (struct list *l = feed->followers.next; l != &feed->followers; l = l->next) {
        struct follower *f = CONTAINER_OF(l, struct follower, node);
        const struct person *p = CONTAINER_OF(f, struct conn_follower, f)->conn->person;

        if (p == NULL || is_listed(people, n, p->id))
            continue;
        memcpy(at, p->name, p->name_n);
        people[n++] = (struct presence_person){p->id, {at, p->name_n}};
        at += p->name_n;
    }
    *ret_n = n;
    return people;
}

static void presence_due(struct wheel_timer *t)
{
    struct feed *feed = CONTAINER_OF(t, struct feed, timer);
    struct worker *w = CONTAINER_OF(feed->set, struct worker, feeds);
    unsigned max = (unsigned)w->server->conf->presence_roster;
    struct mail_room *m = mail_room(w, feed_room(feed));

    feed->changed_ms = 0;
    m->mail.deliver = presence_arrived;
    m->people = people_of(feed, max > 0 ? max : UINT32_MAX, &m->n);
    worker_mail(w, m->to->index, &m->mail);
}

void worker_presence(struct worker *w, struct feed *feed, bool came)
{
    uint64_t now = worker_now_ms(w), at = now + w->server->conf->presence_leave_ms;

    if (feed->id[0] == '@' || w->draining)
        return;
    feed->timer.fire = presence_due;
    if (came) {
        if (feed->changed_ms == 0)
            feed->changed_ms = now + 1;
        at = MIN(now + PRESENCE_QUIET_MS, feed->changed_ms + PRESENCE_LATEST_MS);
        wheel_set(&w->wheel, &feed->timer, at);
    } else if (!wheel_armed(&feed->timer)) {
        wheel_set(&w->wheel, &feed->timer, at);
    }
}

/* Once a second. */
static void second_of_tls(struct worker *w)
{
    struct io_tls_stats stats;

    tls_context_turn(w->tls_context, io_wall_ms(w->io) / 1000);
    io_tls_stats(w->tls, &stats);
    metrics_set(w->metrics, METRIC_tls_handshakes, stats.handshakes);
    metrics_set(w->metrics, METRIC_tls_resumed, stats.resumed);
    metrics_set(w->metrics, METRIC_tls_failures, stats.failures);
    if (w->index == 0)
        metrics_set(w->metrics, METRIC_tls_expires, tls_context_expires_s(w->tls_context));
}

static void second(struct wheel_timer *t)
{
    struct worker *w = CONTAINER_OF(t, struct worker, second);
    uint64_t now = worker_now_ms(w);

    metrics_observe(w->metrics, METRIC_HIST_lag, (now - MIN(now, t->at_ms)) * 1000);
    metrics_set(w->metrics, METRIC_rooms_loaded, w->owner.stats.rooms);
    metrics_set(w->metrics, METRIC_duplicates, w->owner.stats.duplicates);
    metrics_set(w->metrics, METRIC_conflicts, w->owner.stats.conflicts);
    metrics_set(w->metrics, METRIC_tail_bytes, w->feeds.ring_bytes);
    metrics_set(w->metrics, METRIC_chunk_misses, w->feeds.chunk_reads);
    metrics_set(w->metrics, METRIC_chunk_hits, w->feeds.chunk_hits);
    if (w->tls != NULL)
        second_of_tls(w);
    for (unsigned r = JWT_BAD; r < IDENTITY_REASONS; r++)
        metrics_set(w->metrics, (enum metric)(METRIC_token_bad + r - JWT_BAD),
                    w->people.identity.refused[r]);
    if (w->index == 0) {
        issuer_second(w->server->issuer);
        metrics_set(w->metrics, METRIC_log_dropped, log_dropped(w->server->o.log));
    }
    log_tick(w->log);
    limits_second(w);
    person_sweep(w);
    wheel_set(&w->wheel, t, now + 1000);
}

static void set_limits(struct worker *w)
{
    const struct conf *c = w->server->conf;
    unsigned n = w->server->workers_n;

    w->owner.limits = (struct owner_limits){
        .rooms_per_user = c->rooms_per_user,
        .history_max = c->history_max,
        .search_max = SEARCH_MAX,
        .read_every_ms = c->read_every_ms,
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
    w->sio_rules = w->rules;
    w->sio_rules.message_max = c->sio_max_payload;
}

static void heard_revoked(struct worker *w, struct str bytes)
{
    uint64_t session, expires_ms;

    if (!people_revoked_read(bytes, &session, &expires_ms))
        return;
    people_revoke(&w->people, session, expires_ms);
    session_revoked(w, session);
}

static void bus_heard(void *ctx, const struct bus_event *event)
{
    struct worker *w = ctx;

    if (event->kind == BUS_NODE_UP || event->kind == BUS_NODE_DOWN)
        far_node(w, event->node, event->kind == BUS_NODE_UP);
    if (event->kind == BUS_CAST && str_eq(event->room, PEOPLE_REVOKED))
        heard_revoked(w, event->bytes);
    else if (event->kind == BUS_CAST && str_eq(event->room, LIMITS_TOPIC))
        limits_heard(w, event->bytes);
    else if (event->kind == BUS_DIRECT)
        far_heard(w, event->node, event->bytes);
    else if (!w->drain.settled) /* else nobody is here any more who would want to know */
        room_heard(&w->owner, event);
}

int worker_init(struct worker *w, struct server *server, unsigned index)
{
    uint64_t seed;
    int r;

    *w = (struct worker){.server = server, .index = index};
    r = host_io_new(server->o.host, &w->io);
    if (r < 0)
        return r;
    w->log = log_new(server->o.log, w->io, (enum log_level)server->conf->log_level, (int)index);
    w->metrics = metrics_new();
    w->codec = deflate_new(1);
    wheel_init(&w->wheel, io_now_ms(w->io));
    list_init(&w->conns);
    list_init(&w->dirty);
    list_init(&w->dead);
    list_init(&w->owns);
    map_init(&w->persons);
    map_init(&w->sessions);
    far_init(&w->far);
    buf_init(&w->scratch, SIZE_MAX / 2);
    limits_init(w);
    pool_init(&w->conn_pool, sizeof(struct conn));
    pool_init(&w->follower_pool, sizeof(struct conn_follower));
    set_limits(w);
    w->owner.ops = &owner_ops;
    w->owner.store = server->o.store;
    w->owner.bus = server->o.bus;
    w->owner.home = w->io;
    w->owner.wheel = &w->wheel;
    io_random(w->io, (uint8_t *)&seed, sizeof(seed));
    room_owner_init(&w->owner, seed);
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

int worker_tls(struct worker *w, const struct tls_tickets *tickets,
               char ret_why[static TLS_CONTEXT_ERROR_MAX])
{
    const struct conf *c = w->server->conf;
    struct tls_options o = {.cert_file = c->tls_cert, .key_file = c->tls_key, .tickets = tickets};
    int r = tls_context_new(&o, &w->tls_context, ret_why);

    if (r < 0)
        return r;
    return io_tls_new(w->io, w->tls_context, (unsigned)c->handshakes_per_turn, &w->tls);
}

void worker_fini(struct worker *w)
{
    if (w->io == NULL)
        return;
    wheel_cancel(&w->wheel, &w->second);
    wheel_cancel(&w->wheel, &w->move.tick);
    wheel_cancel(&w->wheel, &w->drain.limit);
    own_fini(w);
    feed_set_fini(&w->feeds);
    room_owner_fini(&w->owner);
    people_fini(&w->people);
    person_fini(w);
    far_fini(w);
    map_fini(&w->sessions);
    buf_fini(&w->scratch);
    limits_fini(w);
    conn_fini(w);
    deflate_free(w->codec);
    metrics_free(w->metrics);
    log_free(w->log);
    io_free(w->tls);
    tls_context_free(w->tls_context);
    io_free(w->io);
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

static uint64_t wait_until(const struct worker *w)
{
    if (!list_empty(&w->dirty) || !list_empty(&w->owner.dirty))
        return 0;
    return wheel_next_ms(&w->wheel);
}

bool worker_turn(void *arg)
{
    struct worker *w = arg;
    uint64_t start;

    io_wait(w->tls != NULL ? w->tls : w->io, wait_until(w));
    start = io_clock_us(w->io);
    wheel_advance(&w->wheel, io_now_ms(w->io));
    room_owner_flush(&w->owner);
    post_mail(w); /* others work while this one sends; and what a client is told of, such as
                     the end of a session, they know before the client does */
    flush_dirty(w);
    feed_end_turn(&w->feeds);
    conn_bury(w);
    if (w->draining)
        drain_turn(w);
    post_mail(w);
    atomic_store_explicit(&w->turned_ms, io_now_ms(w->io), memory_order_relaxed);
    metrics_observe(w->metrics, METRIC_HIST_turn, io_clock_us(w->io) - start);
    return !w->ended;
}
