#include "server/run/server.h"

#include "aws/ecs.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/str.h"
#include "chat/people/hasher.h"
#include "chat/people/people_signup.h"
#include "io/addr.h"
#include "io/file.h"
#include "server/conn/conn.h"
#include "server/conn/move.h"
#include "server/conn/origin.h"
#include "server/conn/revoked.h"
#include "server/gw/gw_share.h"
#include "server/health/guard.h"
#include "server/health/peers.h"
#include "server/health/report.h"
#include "server/health/watch.h"
#include "server/http/http_routes.h"
#include "server/node/alarms.h"
#include "server/node/checker.h"
#include "server/node/issuer.h"
#include "server/node/task.h"
#include "server/run/accept.h"
#include "server/run/boot.h"
#include "server/run/drain.h"
#include "server/run/gw_heir.h"
#include "server/run/loop.h"
#include "server/run/reload.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define DOORS_AGAIN_MS 100
#define LAST_WORDS_MS 500
#define MOVED_EVERY_MS 50
#define TICKET_SECRET_MIN 32
#define TICKET_SECRET_MAX 4096

/* What a worker is to run on its loop. */
struct mail_letter {
    struct io_mail mail;
    struct worker *worker;
    void (*run)(struct worker *w);
};

static void deliver_run(struct io_mail *mail)
{
    struct mail_letter *m = CONTAINER_OF(mail, struct mail_letter, mail);

    m->run(m->worker);
    free(m);
}

static struct io_mail *letter(struct worker *w, void (*run)(struct worker *w))
{
    struct mail_letter *m = mem_bytes(sizeof(*m));

    *m = (struct mail_letter){.mail.deliver = deliver_run, .worker = w, .run = run};
    return &m->mail;
}

/* From which keys of tickets the workers start. They do without it afterwards: who reads
 * the process's memory is to find no key of before. */
static int draw_tickets(struct server *s, struct tls_tickets *ret_tickets,
                        char ret_why[static SERVER_WHY_MAX])
{
    const char *path = s->conf->tls_ticket_key;
    uint64_t wall_s = io_wall_ms(server_first(s)->io) / 1000;
    struct buf secret CLEANUP(buf_fini);
    int r = 0;

    buf_init(&secret, TICKET_SECRET_MAX);
    if (path[0] == '\0') {
        tls_tickets_init(ret_tickets, s->conf->tls_ticket_ttl_ms / 1000, wall_s);
        return 0;
    }
    r = file_read(path, &secret);
    if (r < 0)
        (void)snprintf(ret_why, SERVER_WHY_MAX, "tls-ticket-key: %.400s: %s", path, strerror(-r));
    else if (buf_len(&secret) < TICKET_SECRET_MIN) {
        (void)snprintf(ret_why, SERVER_WHY_MAX, "tls-ticket-key: %.400s has less than %d bytes",
                       path, TICKET_SECRET_MIN);
        r = -EINVAL;
    } else
        tls_tickets_init_shared(ret_tickets, buf_peek(&secret), s->conf->tls_ticket_ttl_ms / 1000,
                                wall_s);
    if (secret.bytes != NULL)
        explicit_bzero(secret.bytes, secret.cap);
    return r;
}

static int open_tls(struct server *s, char ret_why[static SERVER_WHY_MAX])
{
    struct tls_tickets tickets;
    int r = draw_tickets(s, &tickets, ret_why);

    for (unsigned i = 0; i < s->workers_n && r == 0; i++)
        r = loop_tls(&s->workers[i], &tickets, ret_why);
    tls_tickets_fini(&tickets);
    return r;
}

bool server_needs_http(const struct conf *c, const struct aws_env *aws)
{
    if (aws != NULL && ecs_is_there(aws))
        return true;
    if (c->check_url[0] != '\0')
        return true;
    return c->issuer[0] != '\0' && (c->jwks[0] == '\0' || strstr(c->jwks, "://") != NULL);
}

static const struct node_ops node_ops;

static bool is_ours(void *ctx, struct str origin)
{
    return origin_is_ours(ctx, origin);
}

/* How people log in, the same at all workers. */
static int open_ways(struct server *s)
{
    const struct conf *c = s->conf;
    struct hasher_options o = {.memory = c->password_memory,
                               .passes = c->password_passes,
                               .threads = (unsigned)c->password_threads,
                               .queue_max = (unsigned)c->password_queue};
    bool password = conf_logs_in(c, "password"), passkey = conf_logs_in(c, "passkey");
    int r = password || passkey ? hasher_new(s->o.host, &o, &s->hasher) : 0;

    for (unsigned i = 0; i < s->workers_n && r == 0; i++)
        s->workers[i].people.ways =
            (struct people_ways){.hasher = password ? s->hasher : NULL,
                                 .passkeys = {passkey ? s->hasher : NULL, str_of(c->passkey_rp),
                                              is_ours, &s->workers[i]},
                                 .name = conf_logs_in(c, "name"),
                                 .signup = people_signup_of(c->signup == CONF_SIGNUP_OPEN,
                                                            c->signup == CONF_SIGNUP_INVITE),
                                 .issuer = s->issuer != NULL};
    return r;
}

static int checks_right(const struct conf *c, char ret_why[static SERVER_WHY_MAX])
{
    const char *wrong = checker_wrong(c);

    if (wrong == NULL)
        return 0;
    (void)snprintf(ret_why, SERVER_WHY_MAX, "%s", wrong);
    return -EINVAL;
}

static void name_run(struct server *s)
{
    uint8_t raw[SERVER_RUN_N / 2];

    io_random(server_first(s)->io, raw, sizeof(raw));
    (void)hex_write(s->run, raw, sizeof(raw));
}

int server_new(const struct server_options *o, struct server **ret_server,
               char ret_why[static SERVER_WHY_MAX])
{
    struct server *s = mem_zeroed(1, sizeof(*s));
    int r;

    s->ops = &node_ops;
    lifecycle_init(&s->life, LIFECYCLE_NODE);
    s->o = *o;
    s->conf = o->conf;
    s->workers_n = o->workers;
    static_assert(SERVER_WHY_MAX >= ISSUER_WHY_MAX, "");
    r = s->o.echo ? 0 : checks_right(s->conf, ret_why);
    if (r == 0)
        r = issuer_new(s, &s->issuer, ret_why);
    if (r < 0) {
        free(s);
        return r;
    }
    assert(s->workers_n > 0 && s->workers_n <= WORKERS_MAX);
    s->workers = aligned_alloc(64, (sizeof(*s->workers) * s->workers_n + 63) / 64 * 64);
    if (s->workers == NULL)
        abort();
    memset(s->workers, 0, sizeof(*s->workers) * s->workers_n);
    (void)snprintf(ret_why, SERVER_WHY_MAX, "cannot make a worker");
    for (unsigned i = 0; i < s->workers_n && r == 0; i++) {
        r = loop_init(&s->workers[i], s, i);
        s->workers[i].taker = &http_routes;
        if (r == 0)
            people_init(&s->workers[i].people, &s->workers[i].owner, &s->keys.keys,
                        s->conf->token_ttl_ms, issuer_options(s->issuer));
    }
    if (r == 0 && s->conf->tls_cert[0] != '\0') /* else no tls-listen: conf sees to it */
        r = open_tls(s, ret_why);
    if (r == 0)
        r = open_ways(s);
    if (r == 0)
        r = reload_new(s, &s->reload);
    if (r < 0) {
        server_free(s);
        return r;
    }
    io_random(server_first(s)->io, s->hash_key, sizeof(s->hash_key));
    for (unsigned i = 0; i < s->workers_n; i++) {
        memcpy(s->workers[i].owner.hash_key, s->hash_key, sizeof(s->hash_key));
        memcpy(s->workers[i].feeds.hash_key, s->hash_key, sizeof(s->hash_key));
    }
    s->accept = accept_new(server_first(s));
    s->guard = guard_new(s);
    s->watch = watch_new(s);
    s->alarms = alarms_new(s);
    s->report = report_new(s);
    name_run(s);
    s->started_ms = io_wall_ms(server_first(s)->io);
    *ret_server = s;
    return 0;
}

void server_free(struct server *s)
{
    if (s == NULL)
        return;
    reload_stop(s->reload);
    hasher_stop(s->hasher);
    boot_free(s->boot);
    revoked_free(s->revoked);
    watch_free(s->watch);
    accept_free(s->accept);
    for (unsigned i = 0; i < s->workers_n; i++)
        loop_fini(&s->workers[i]);
    guard_free(s->guard); /* what it no longer waited for has come back with its loop */
    token_keys_close(&s->keys);
    reload_free(s->reload);
    hasher_free(s->hasher);
    issuer_free(s->issuer);
    task_free(s->task);
    alarms_free(s->alarms);
    report_free(s->report);
    peers_free(s->peers);
    gw_heir_free(s->heir);
    free(s->workers);
    free(s);
}

int server_start(struct server *s)
{
    assert(s->boot == NULL);
    s->boot = boot_start(s);
    for (unsigned i = 0; i < s->workers_n; i++) {
        int r = host_start(s->o.host, s->workers[i].io, loop_turn, &s->workers[i]);

        if (r < 0)
            return r;
    }
    return 0;
}

/* What a reader of the log needs to know of this start. */
static void say_started(const struct server *s)
{
    struct log *log = server_first(s)->log;
    struct buf where CLEANUP(buf_fini), given CLEANUP(buf_fini);
    const char *url;

    assert(lifecycle_at(&s->life) == LIFE_SERVING);
    buf_init(&where, 4096);
    buf_init(&given, 64 * 1024);
    for (unsigned i = 0; (url = accept_url(s, i)) != NULL; i++)
        buf_printf(&where, "%s%s", i > 0 ? " " : "", url);
    conf_given(s->conf, &given);
    log_info(log, "started", LOG_TEXT("version", s->o.version), LOG_STR("at", buf_peek(&where)),
             LOG_TEXT("store", s->o.store->ops->name), LOG_TEXT("bus", s->o.bus->ops->name),
             LOG_STR("settings", buf_peek(&given)));
    if (s->conf->unknown[0] != '\0')
        log_warn(log, "setting_unknown", LOG_TEXT("variable", s->conf->unknown),
                 LOG_TEXT("see", "polylog serve --help lists all settings"));
}

static void begin_serving(struct server *s)
{
    assert(s->revoked == NULL && s->peers == NULL && s->task == NULL);
    watch_start(s->watch);
    lifecycle_go(&s->life, LIFE_SERVING);
    if (atomic_load(&s->waits) != NULL)
        log_info(server_first(s)->log, "store_answers");
    s->revoked = revoked_start(s);
    s->peers = peers_start(s);
    s->task = task_start(s);
    s->heir = gw_heir_start(s);
    say_started(s);
    if (conf_logs_in(s->conf, "name") && s->conf->open && !s->o.echo)
        log_warn(server_first(s)->log, "open",
                 LOG_TEXT("risk", "a name protects nothing: who types a name is that person"));
    s->o.serving(s->o.ctx, s);
}

/* What is too late is told, and ends the server. */
static void server_give_up(struct server *s, const char *why)
{
    assert(lifecycle_at(&s->life) < LIFE_SERVING);
    s->o.failed(s->o.ctx, why);
    server_stop(s);
}

/* Listens, and serves if the store has answered: what another process still holds, which
 * may be ending, is waited for. */
static void open_doors(struct wheel_timer *t)
{
    struct server *s = CONTAINER_OF(t, struct server, doors_timer);
    struct worker *w = server_first(s);
    const char *why = accept_open(s);
    uint64_t now = worker_now_ms(w);

    assert(lifecycle_at(&s->life) <= LIFE_OPENING);
    if (why != NULL && accept_is_busy(s) && now < s->doors_until_ms) {
        if (!s->doors_told)
            log_warn(w->log, "address_waits", LOG_TEXT("why", why));
        s->doors_told = true;
        wheel_set(&w->wheel, t, now + DOORS_AGAIN_MS);
    } else if (why != NULL) {
        server_give_up(s, why);
    } else if (lifecycle_at(&s->life) == LIFE_OPENING) {
        begin_serving(s);
    }
}

static void doors_are_due(struct server *s)
{
    assert(lifecycle_at(&s->life) <= LIFE_OPENING);
    if (s->doors_until_ms == 0)
        s->doors_until_ms = worker_now_ms(server_first(s)) +
                            MIN(s->conf->patience_ms, (uint64_t)SERVER_PREDECESSOR_MS);
    s->doors_timer.fire = open_doors;
    if (!wheel_armed(&s->doors_timer))
        open_doors(&s->doors_timer);
}

static void node_waits(struct server *s, const char *why)
{
    bool first = atomic_load(&s->waits) == NULL;

    assert(lifecycle_at(&s->life) == LIFE_STARTING && why != NULL);
    atomic_store(&s->waits, why);
    if (!first)
        return;
    log_warn(server_first(s)->log, "store_waits", LOG_TEXT("why", why),
             LOG_U64("patience_ms", s->conf->patience_ms));
    doors_are_due(s);
}

static void node_booted(struct server *s, const char *why)
{
    assert(lifecycle_at(&s->life) == LIFE_STARTING);
    if (why == NULL)
        why = token_keys_open(&s->keys, s->conf,
                              (struct str){(const uint8_t *)s->secret, s->secret_n});
    s->keys.keys.run = (struct str){(const uint8_t *)s->run, sizeof(s->run)};
    s->keys.keys.restarted = s->restarted;
    s->keys.keys.generation = s->adopted_n;
    for (unsigned i = 0; i < s->workers_n; i++)
        s->workers[i].owner.epoch_shift = s->epoch_shift;
    if (why == NULL)
        why = issuer_start(s->issuer);
    if (why != NULL) {
        server_give_up(s, why);
        return;
    }
    lifecycle_go(&s->life, LIFE_OPENING);
    doors_are_due(s);
}

/* What a thread that is none of the workers has to tell goes into worker 0's log. */

struct mail_told {
    struct io_mail mail;
    struct server *server;
    void (*say)(struct log *log, const struct mail_told *m);
    const char *what;
    bool well;
    char why[];
};

static void deliver_told(struct io_mail *mail)
{
    struct mail_told *m = CONTAINER_OF(mail, struct mail_told, mail);

    m->say(server_first(m->server)->log, m);
    free(m);
}

static void server_tell(struct server *s, void (*say)(struct log *log, const struct mail_told *m),
                        const char *what, bool well, const char *why)
{
    size_t n = strlen(why) + 1;
    struct mail_told *m = mem_bytes(sizeof(*m) + n);

    *m = (struct mail_told){
        .mail.deliver = deliver_told, .server = s, .say = say, .what = what, .well = well};
    memcpy(m->why, why, n);
    io_post(server_first(s)->io, &m->mail, &m->mail);
}

static void say_bus(struct log *log, const struct mail_told *m)
{
    if (m->well)
        log_info(log, "bus_up", LOG_TEXT("bus", m->what));
    else
        log_warn(log, "bus_down", LOG_TEXT("bus", m->what), LOG_TEXT("why", m->why));
}

void server_bus_changed(struct server *s, bool up, const char *why)
{
    server_tell(s, say_bus, s->o.bus->ops->name, up, why);
}

void server_bus_refused(struct server *s, bool other_key)
{
    alarms_raise(s->alarms, other_key ? ALARM_bus_secret : ALARM_bus_forged, (struct str){0});
}

static void say_engine(struct log *log, const struct mail_told *m)
{
    if (m->well)
        log_info(log, "engine_well", LOG_TEXT("what", m->what));
    else
        log_warn(log, "engine_trouble", LOG_TEXT("what", m->what), LOG_TEXT("why", m->why));
}

void server_engine_told(struct server *s, const char *what, const char *why)
{
    server_tell(s, say_engine, what, why == NULL, why != NULL ? why : "");
}

/* Stopping: worker 0 closes the doors, all drain, and when all have settled, all
 * end. */

static void end_worker(struct worker *w)
{
    lifecycle_go(&w->life, LIFE_ENDED);
}

static void mail_all(struct server *s, void (*run)(struct worker *w))
{
    for (unsigned i = 0; i < s->workers_n; i++)
        worker_mail(server_first(s), i, letter(&s->workers[i], run));
}

static void left_store(void *ctx, bool ok)
{
    struct server *s = ctx;

    (void)ok;
    report_end(s->report);
    bus_stop(s->o.bus); /* its loop ends too */
    lifecycle_go(&s->life, LIFE_ENDED);
    mail_all(s, end_worker);
}

/* Twice: the last connections of one worker may leave work with another that
 * had settled before; after the first time no worker has any. */
static void settled(struct worker *first)
{
    struct server *s = first->server;

    assert(s->settled_n < 2 * s->workers_n);
    s->settled_n++;
    if (s->settled_n == s->workers_n) {
        lifecycle_go(&s->life, LIFE_SETTLED);
        mail_all(s, drain_again);
    }
    if (s->settled_n == 2 * s->workers_n) {
        lifecycle_go(&s->life, LIFE_PARTING);
        guard_leave(s->guard, left_store, s);
    }
}

static void node_settled(struct server *s, struct worker *w)
{
    assert(lifecycle_at(&w->life) == LIFE_SETTLED);
    worker_mail(w, 0, letter(server_first(s), settled));
}

/* What the log was given last is being written. */
static void last_words_written(struct wheel_timer *t)
{
    struct server *s = CONTAINER_OF(t, struct server, stuck_timer);

    s->o.stuck(s->o.ctx);
}

static void stuck(struct worker *w)
{
    struct server *s = w->server;

    assert(lifecycle_at(&s->life) >= LIFE_CLOSING);
    s->stuck_timer.fire = last_words_written;
    if (!wheel_armed(&s->stuck_timer))
        wheel_set(&w->wheel, &s->stuck_timer, worker_now_ms(w) + LAST_WORDS_MS);
}

static void node_stuck(struct server *s, struct worker *w)
{
    assert(lifecycle_at(&w->life) >= LIFE_CLOSING);
    worker_mail(w, 0, letter(server_first(s), stuck));
}

static void server_end(struct server *s)
{
    lifecycle_go(&s->life, LIFE_CLOSING);
    accept_close(s);
    issuer_stop(s->issuer);
    task_stop(s->task);
    watch_stop(s->watch);
    wheel_cancel(&server_first(s)->wheel, &s->doors_timer);
    boot_stop(s->boot);
    wheel_cancel(&server_first(s)->wheel, &s->stop_timer);
    revoked_stop(s->revoked);
    peers_stop(s->peers);
    gw_heir_stop(s->heir);
    mail_all(s, drain_begin);
}

/* Moving: clients go to other nodes while this one serves. */

/* to: MOVING or LEAVING. */
static void begin_moving(struct server *s, enum lifecycle_phase to)
{
    struct worker *w = server_first(s);

    assert(to == LIFE_MOVING || to == LIFE_LEAVING);
    log_info(w->log, "moving", LOG_U64("connections", worker_sockets(s)),
             LOG_U64("drain_ms", s->conf->drain_ms));
    s->moving_ms = worker_now_ms(w);
    lifecycle_go(&s->life, to);
    mail_all(s, move_begin);
}

static void drain(struct worker *w)
{
    if (lifecycle_at(&w->server->life) == LIFE_SERVING)
        begin_moving(w->server, LIFE_MOVING);
}

/* Homes: given away in part, while the node serves. */

static void share_homes(struct worker *w)
{
    if (w->gw != NULL && lifecycle_at(&w->life) == LIFE_SERVING)
        gw_share_give(w, w->server->share);
}

static void keep_homes(struct worker *w)
{
    if (w->gw != NULL && lifecycle_at(&w->life) == LIFE_SERVING)
        gw_share_stay(w);
}

void server_share(struct server *s, unsigned percent)
{
    assert(percent > 0 && percent <= 100);
    if (lifecycle_at(&s->life) != LIFE_SERVING)
        return;
    log_info(s->workers[0].log, "sharing", LOG_U64("percent", percent));
    s->share = percent;
    mail_all(s, share_homes);
}

static void undrain(struct worker *w)
{
    struct server *s = w->server;

    if (lifecycle_at(&s->life) == LIFE_SERVING)
        mail_all(s, keep_homes);
    if (lifecycle_at(&s->life) != LIFE_MOVING)
        return;
    log_info(w->log, "staying", LOG_U64("connections", worker_sockets(s)));
    lifecycle_go(&s->life, LIFE_SERVING);
    mail_all(s, move_end);
}

static void have_they_moved(struct wheel_timer *t)
{
    struct server *s = CONTAINER_OF(t, struct server, stop_timer);
    struct worker *w = server_first(s);
    uint64_t now = worker_now_ms(w);

    assert(lifecycle_at(&s->life) == LIFE_LEAVING);
    if (worker_sockets(s) == 0 || now >= s->moving_ms + s->conf->drain_ms)
        server_end(s);
    else
        wheel_set(&w->wheel, t, now + MOVED_EVERY_MS);
}

static void stop(struct worker *w)
{
    struct server *s = w->server;
    enum lifecycle_phase at = lifecycle_at(&s->life);

    assert(w->index == 0);
    if (at >= LIFE_CLOSING)
        return;
    if (at < LIFE_SERVING || at == LIFE_LEAVING) {
        server_end(s);
        return;
    }
    log_info(w->log, "draining", LOG_U64("connections", worker_sockets(s)));
    if (at == LIFE_SERVING && bus_is_alone(s->o.bus)) {
        server_end(s); /* there is nowhere to go */
        return;
    }
    if (at == LIFE_SERVING)
        begin_moving(s, LIFE_LEAVING);
    else
        lifecycle_go(&s->life, LIFE_LEAVING);
    s->stop_timer.fire = have_they_moved;
    have_they_moved(&s->stop_timer);
}

static void reload(struct worker *w)
{
    reload_ask(w->server->reload);
}

/* Any thread. */
static void server_ask(struct server *s, void (*run)(struct worker *first))
{
    struct io_mail *mail = letter(server_first(s), run);

    io_post(server_first(s)->io, mail, mail);
}

void server_reload(struct server *s)
{
    server_ask(s, reload);
}

void server_drain(struct server *s)
{
    server_ask(s, drain);
}

void server_undrain(struct server *s)
{
    server_ask(s, undrain);
}

void server_stop(struct server *s)
{
    server_ask(s, stop);
}

static const struct node_ops node_ops = {
    .booted = node_booted,
    .waits = node_waits,
    .drain = server_drain,
    .undrain = server_undrain,
    .settled = node_settled,
    .stuck = node_stuck,
};
