#include "server/server.h"

#include "aws/ecs.h"
#include "base/str.h"
#include "io/addr.h"
#include "io/file.h"
#include "server/accept.h"
#include "server/boot.h"
#include "server/conn.h"
#include "server/door_http.h"
#include "server/drain.h"
#include "server/issuer.h"
#include "server/reload.h"
#include "server/revoked.h"
#include "server/task.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define PROBE_EVERY_MS 5000
#define PROBE_LATE_MS 3000
#define STUCK_MS 20000
#define LAST_WORDS_MS 500
#define MOVED_EVERY_MS 50
#define TICKET_SECRET_MIN 32
#define TICKET_SECRET_MAX 4096

struct mail_to_server {
    struct io_mail mail;
    struct server *server;
    struct worker *worker;
    int fd;
    bool secure;
};

static struct mail_to_server *letter(struct server *s, struct worker *w,
                                     void (*deliver)(struct io_mail *mail))
{
    struct mail_to_server *m = calloc(1, sizeof(*m));

    if (m == NULL)
        abort();
    m->mail.deliver = deliver;
    m->server = s;
    m->worker = w;
    return m;
}

/* From which keys of tickets the workers start. They do without it afterwards: who reads
 * the process's memory is to find no key of before. */
static int draw_tickets(struct server *s, struct tls_tickets *ret_tickets,
                        char ret_why[static SERVER_WHY_MAX])
{
    const char *path = s->conf->tls_ticket_key;
    uint64_t wall_s = io_wall_ms(s->workers[0].io) / 1000;
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
        r = worker_tls(&s->workers[i], &tickets, ret_why);
    tls_tickets_fini(&tickets);
    return r;
}

bool server_needs_http(const struct conf *c, const struct aws_env *aws)
{
    if (aws != NULL && ecs_is_there(aws))
        return true;
    return c->issuer[0] != '\0' && (c->jwks[0] == '\0' || strstr(c->jwks, "://") != NULL);
}

int server_new(const struct server_options *o, struct server **ret_server,
               char ret_why[static SERVER_WHY_MAX])
{
    struct server *s = calloc(1, sizeof(*s));
    int r;

    if (s == NULL)
        abort();
    s->o = *o;
    s->conf = o->conf;
    s->workers_n = o->workers;
    static_assert(SERVER_WHY_MAX >= ISSUER_WHY_MAX, "");
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
        r = worker_init(&s->workers[i], s, i);
        if (r == 0)
            people_init(&s->workers[i].people, &s->workers[i].owner, &s->keys.keys,
                        s->conf->token_ttl_ms, issuer_options(s->issuer));
    }
    if (r == 0 && s->conf->tls_cert[0] != '\0') /* else no tls-listen: conf sees to it */
        r = open_tls(s, ret_why);
    if (r == 0)
        r = reload_new(s, &s->reload);
    if (r < 0) {
        server_free(s);
        return r;
    }
    io_random(s->workers[0].io, s->hash_key, sizeof(s->hash_key));
    for (unsigned i = 0; i < s->workers_n; i++) {
        memcpy(s->workers[i].owner.hash_key, s->hash_key, sizeof(s->hash_key));
        memcpy(s->workers[i].feeds.hash_key, s->hash_key, sizeof(s->hash_key));
    }
    s->accept = accept_new(&s->workers[0]);
    s->started_ms = io_wall_ms(s->workers[0].io);
    *ret_server = s;
    return 0;
}

void server_free(struct server *s)
{
    if (s == NULL)
        return;
    reload_stop(s->reload);
    boot_free(s->boot);
    revoked_free(s->revoked);
    accept_free(s->accept);
    for (unsigned i = 0; i < s->workers_n; i++)
        worker_fini(&s->workers[i]);
    token_keys_close(&s->keys);
    reload_free(s->reload);
    issuer_free(s->issuer);
    task_free(s->task);
    free(s->workers);
    free(s);
}

int server_start(struct server *s)
{
    s->booting = true;
    s->boot = boot_start(s);
    for (unsigned i = 0; i < s->workers_n; i++) {
        int r = host_start(s->o.host, s->workers[i].io, worker_turn, &s->workers[i]);

        if (r < 0)
            return r;
    }
    return 0;
}

/* The probe: a record written every few seconds shows that the store's threads
 * live, and how long a commit takes. */

static void probe_done(struct store_req *req)
{
    struct server *s = CONTAINER_OF(req, struct server, probe.req);
    struct worker *w = &s->workers[0];

    atomic_store(&s->probe_ms, 0);
    atomic_store(&s->probe_failed, req->result != STORE_OK);
    metrics_observe(w->metrics, METRIC_HIST_probe, io_clock_us(w->io) - s->probe_us);
}

static void probe_due(struct wheel_timer *t)
{
    struct server *s = CONTAINER_OF(t, struct server, probe_timer);
    struct worker *w = &s->workers[0];

    wheel_set(&w->wheel, t, worker_now_ms(w) + PROBE_EVERY_MS);
    if (atomic_load(&s->probe_ms) > 0 || atomic_load(&s->phase) > SERVER_MOVING)
        return;
    atomic_store(&s->probe_ms, worker_now_ms(w));
    s->probe_us = io_clock_us(w->io);
    s->probe = (struct store_put){.req = {.home = w->io, .done = probe_done},
                                  .pk = STR("server"),
                                  .sk = STR("probe"),
                                  .body = STR("alive"),
                                  .expect = STORE_REV_ANY};
    store_put(s->o.store, &s->probe);
}

bool server_is_asking(const struct server *s)
{
    return s->booting || atomic_load(&s->probe_ms) > 0 || revoked_is_asking(s->revoked);
}

static bool probe_is_late(const struct server *s, uint64_t now_ms, uint64_t late_ms)
{
    uint64_t since = atomic_load(&s->probe_ms);

    return since > 0 && now_ms > since + late_ms;
}

bool server_is_degraded(const struct server *s, uint64_t now_ms)
{
    return atomic_load(&s->probe_failed) || issuer_is_failing(s->issuer) ||
           bus_degraded(s->o.bus) || probe_is_late(s, now_ms, PROBE_LATE_MS);
}

const char *server_stuck(const struct server *s, uint64_t now_ms)
{
    for (unsigned i = 0; i < s->workers_n; i++) {
        uint64_t turned = atomic_load_explicit(&s->workers[i].turned_ms, memory_order_relaxed);

        if (turned > 0 && now_ms > turned + STUCK_MS)
            return "a worker";
    }
    if (s->conf->store == CONF_STORE_SQLITE && probe_is_late(s, now_ms, STUCK_MS))
        return "the store's threads";
    return NULL;
}

void server_booted(struct server *s, const char *why)
{
    if (why == NULL)
        why = token_keys_open(&s->keys, s->conf,
                              (struct str){(const uint8_t *)s->secret, s->secret_n});
    if (why == NULL)
        why = issuer_start(s->issuer);
    s->booting = false;
    if (atomic_load(&s->phase) >= SERVER_DRAINING)
        return; /* it was told to stop before it had started */
    if (why == NULL)
        why = accept_open(s);
    if (why != NULL) {
        s->o.failed(s->o.ctx, why);
        server_stop(s);
        return;
    }
    s->probe_timer.fire = probe_due;
    probe_due(&s->probe_timer);
    atomic_store(&s->phase, SERVER_SERVING);
    s->revoked = revoked_start(s);
    s->task = task_start(s);
    s->o.serving(s->o.ctx, s);
}

/* Connections for the worker that has the fewest. */

static void handed_over(struct io_mail *mail)
{
    struct mail_to_server *m = CONTAINER_OF(mail, struct mail_to_server, mail);

    door_http_open(m->worker, m->fd, m->secure);
    free(m);
}

void server_hand_over(struct server *s, int fd, bool secure)
{
    struct mail_to_server *m;
    struct worker *to = &s->workers[0];

    for (unsigned i = 1; i < s->workers_n; i++)
        if (__atomic_load_n(&s->workers[i].conns_n, __ATOMIC_RELAXED) <
            __atomic_load_n(&to->conns_n, __ATOMIC_RELAXED))
            to = &s->workers[i];
    if (to == &s->workers[0]) {
        door_http_open(to, fd, secure);
        return;
    }
    m = letter(s, to, handed_over);
    m->fd = fd;
    m->secure = secure;
    worker_mail(&s->workers[0], to->index, &m->mail);
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

    m->say(m->server->workers[0].log, m);
    free(m);
}

static void tell(struct server *s, void (*say)(struct log *log, const struct mail_told *m),
                 const char *what, bool well, const char *why)
{
    size_t n = strlen(why) + 1;
    struct mail_told *m = malloc(sizeof(*m) + n);

    if (m == NULL)
        abort();
    *m = (struct mail_told){
        .mail.deliver = deliver_told, .server = s, .say = say, .what = what, .well = well};
    memcpy(m->why, why, n);
    io_post(s->workers[0].io, &m->mail, &m->mail);
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
    tell(s, say_bus, s->o.bus->ops->name, up, why);
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
    tell(s, say_engine, what, why == NULL, why != NULL ? why : "");
}

/* Stopping: worker 0 closes the doors, all drain, and when all have settled, all
 * end. */

static void end_worker(struct io_mail *mail)
{
    struct mail_to_server *m = CONTAINER_OF(mail, struct mail_to_server, mail);

    m->worker->ended = true;
    free(m);
}

static void drain_worker(struct io_mail *mail)
{
    struct mail_to_server *m = CONTAINER_OF(mail, struct mail_to_server, mail);

    drain_begin(m->worker);
    free(m);
}

static void settle_again(struct io_mail *mail)
{
    struct mail_to_server *m = CONTAINER_OF(mail, struct mail_to_server, mail);

    drain_again(m->worker);
    free(m);
}

static void mail_all(struct server *s, void (*deliver)(struct io_mail *mail))
{
    for (unsigned i = 0; i < s->workers_n; i++)
        worker_mail(&s->workers[0], i, &letter(s, &s->workers[i], deliver)->mail);
}

/* Twice: the last connections of one worker may leave work with another that
 * had settled before; after the first time no worker has any. */
static void settled(struct io_mail *mail)
{
    struct mail_to_server *m = CONTAINER_OF(mail, struct mail_to_server, mail);
    struct server *s = m->server;

    free(m);
    s->settled_n++;
    if (s->settled_n == s->workers_n)
        mail_all(s, settle_again);
    if (s->settled_n < 2 * s->workers_n)
        return;
    bus_stop(s->o.bus); /* its loop ends too */
    atomic_store(&s->phase, SERVER_ENDED);
    mail_all(s, end_worker);
}

void server_worker_settled(struct server *s, struct worker *w)
{
    worker_mail(w, 0, &letter(s, w, settled)->mail);
}

/* What the log was given last is being written. */
static void last_words_written(struct wheel_timer *t)
{
    struct server *s = CONTAINER_OF(t, struct server, stuck_timer);

    s->o.stuck(s->o.ctx);
}

static void stuck(struct io_mail *mail)
{
    struct mail_to_server *m = CONTAINER_OF(mail, struct mail_to_server, mail);
    struct server *s = m->server;
    struct worker *w = &s->workers[0];

    free(m);
    s->stuck_timer.fire = last_words_written;
    if (!wheel_armed(&s->stuck_timer))
        wheel_set(&w->wheel, &s->stuck_timer, worker_now_ms(w) + LAST_WORDS_MS);
}

void server_worker_stuck(struct server *s, struct worker *w)
{
    worker_mail(w, 0, &letter(s, w, stuck)->mail);
}

static void end(struct server *s)
{
    atomic_store(&s->phase, SERVER_DRAINING);
    accept_close(s);
    issuer_stop(s->issuer);
    task_stop(s->task);
    wheel_cancel(&s->workers[0].wheel, &s->probe_timer);
    wheel_cancel(&s->workers[0].wheel, &s->stop_timer);
    revoked_stop(s->revoked);
    mail_all(s, drain_worker);
}

/* Moving: clients go to other nodes while this one serves. */

uint64_t server_sockets(const struct server *s)
{
    const struct metrics *sets[WORKERS_MAX];

    for (unsigned i = 0; i < s->workers_n; i++)
        sets[i] = s->workers[i].metrics;
    return metrics_sum(sets, s->workers_n, METRIC_open_ws) +
           metrics_sum(sets, s->workers_n, METRIC_open_sio);
}

static void move_worker(struct io_mail *mail)
{
    struct mail_to_server *m = CONTAINER_OF(mail, struct mail_to_server, mail);

    move_begin(m->worker);
    free(m);
}

static void stay_worker(struct io_mail *mail)
{
    struct mail_to_server *m = CONTAINER_OF(mail, struct mail_to_server, mail);

    move_end(m->worker);
    free(m);
}

static void begin_moving(struct server *s)
{
    struct worker *w = &s->workers[0];

    log_info(w->log, "moving", LOG_U64("connections", server_sockets(s)),
             LOG_U64("drain_ms", s->conf->drain_ms));
    s->moving_ms = worker_now_ms(w);
    atomic_store(&s->phase, SERVER_MOVING);
    mail_all(s, move_worker);
}

static void drain(struct io_mail *mail)
{
    struct mail_to_server *m = CONTAINER_OF(mail, struct mail_to_server, mail);
    struct server *s = m->server;

    free(m);
    if (atomic_load(&s->phase) == SERVER_SERVING)
        begin_moving(s);
}

static void undrain(struct io_mail *mail)
{
    struct mail_to_server *m = CONTAINER_OF(mail, struct mail_to_server, mail);
    struct server *s = m->server;

    free(m);
    if (atomic_load(&s->phase) != SERVER_MOVING || s->stopping)
        return;
    log_info(s->workers[0].log, "staying", LOG_U64("connections", server_sockets(s)));
    atomic_store(&s->phase, SERVER_SERVING);
    mail_all(s, stay_worker);
}

static void have_they_moved(struct wheel_timer *t)
{
    struct server *s = CONTAINER_OF(t, struct server, stop_timer);
    struct worker *w = &s->workers[0];
    uint64_t now = worker_now_ms(w);

    if (server_sockets(s) == 0 || now >= s->moving_ms + s->conf->drain_ms)
        end(s);
    else
        wheel_set(&w->wheel, t, now + MOVED_EVERY_MS);
}

static void stop(struct io_mail *mail)
{
    struct mail_to_server *m = CONTAINER_OF(mail, struct mail_to_server, mail);
    struct server *s = m->server;
    int phase = atomic_load(&s->phase);
    bool again = s->stopping;

    free(m);
    if (phase >= SERVER_DRAINING)
        return;
    s->stopping = true;
    if (phase == SERVER_STARTING || again) {
        end(s);
        return;
    }
    log_info(s->workers[0].log, "draining", LOG_U64("connections", server_sockets(s)));
    if (phase == SERVER_SERVING && bus_is_alone(s->o.bus)) {
        end(s); /* there is nowhere to go */
        return;
    }
    if (phase == SERVER_SERVING)
        begin_moving(s);
    s->stop_timer.fire = have_they_moved;
    have_they_moved(&s->stop_timer);
}

static void tell_server(struct server *s, void (*deliver)(struct io_mail *mail))
{
    struct mail_to_server *m = letter(s, &s->workers[0], deliver);

    io_post(s->workers[0].io, &m->mail, &m->mail);
}

static void reload(struct io_mail *mail)
{
    struct mail_to_server *m = CONTAINER_OF(mail, struct mail_to_server, mail);

    reload_ask(m->server->reload);
    free(m);
}

void server_reload(struct server *s)
{
    tell_server(s, reload);
}

void server_drain(struct server *s)
{
    tell_server(s, drain);
}

void server_undrain(struct server *s)
{
    tell_server(s, undrain);
}

void server_stop(struct server *s)
{
    tell_server(s, stop);
}
