#include "server/run/accept.h"

#include "base/mem.h"
#include "base/str.h"
#include "io/addr.h"
#include "io/usage.h"
#include "server/conn/conn.h"
#include "server/conn/limits.h"
#include "server/http/door_http.h"
#include "server/node/bucket.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LISTENERS_MAX 16
#define RETRY_MS 100
#define URL_MAX 160

struct listener {
    struct accept *accept;
    struct io_op op;
    struct io_addr addr;
    bool secure, open;
    bool spare;               /* what comes next has the descriptor that was held back */
    struct wheel_timer retry; /* when descriptors ran out, or too many came at once */
    char url[URL_MAX];
};

struct accept {
    struct worker *worker;
    struct listener listeners[LISTENERS_MAX];
    int reserve; /* a descriptor held back; -1: it is in use */
    unsigned n;  /* that are open, in the order of the settings */
    unsigned at; /* where accept_open is */
    bool busy;   /* it failed because another process has the address */
    struct bucket pace;
    char why[400];
};

struct accepted {
    int fd;
    bool secure;
};

static unsigned conns_in_all(const struct server *s)
{
    unsigned n = 0;

    assert(s->workers_n > 0 && s->workers_n <= WORKERS_MAX);
    for (unsigned i = 0; i < s->workers_n; i++)
        n += __atomic_load_n(&s->workers[i].conns_n, __ATOMIC_RELAXED);
    return n;
}

static void accept_refuse(struct worker *w, int fd, enum metric reason)
{
    assert(fd >= 0);
    metrics_add(w->metrics, reason, 1);
    io_close(w->io, fd);
}

static void handed_over(struct worker *w, const void *arg)
{
    const struct accepted *a = arg;

    assert(a->fd >= 0 && w->index > 0);
    door_http_open(w, a->fd, a->secure);
}

/* To the worker that has the fewest connections. */
static void hand_over(struct worker *w, int fd, bool secure)
{
    struct accepted a = {fd, secure};
    struct worker *to = w;

    assert(w->index == 0 && fd >= 0);
    for (unsigned i = 1; i < w->server->workers_n; i++)
        if (__atomic_load_n(&w->server->workers[i].conns_n, __ATOMIC_RELAXED) <
            __atomic_load_n(&to->conns_n, __ATOMIC_RELAXED))
            to = &w->server->workers[i];
    if (to == w)
        door_http_open(w, fd, secure);
    else
        worker_run(w, to->index, handed_over, &a, sizeof(a));
}

static void accept_take(struct listener *l, int fd)
{
    struct worker *w = l->accept->worker;
    const struct conf *c = w->server->conf;
    struct io_addr peer = {0};

    assert(l->open && !l->spare);
    if (c->connects_per_address > 0)
        io_peer(w->io, fd, &peer);
    if (c->connections_max > 0 && conns_in_all(w->server) >= c->connections_max)
        accept_refuse(w, fd, METRIC_refused_full);
    else if (limits_accept(w, &peer) > 0)
        accept_refuse(w, fd, METRIC_refused_rate);
    else
        hand_over(w, fd, l->secure);
}

/* Takes the next one, when it may: until then it waits in the backlog. */
static void accept_go_on(struct listener *l)
{
    struct worker *w = l->accept->worker;
    uint64_t rate = w->server->conf->accept_rate, wait_ms = 0;

    assert(l->open && !l->op.in_flight && !wheel_armed(&l->retry));
    if (rate > 0)
        wait_ms = bucket_take(&l->accept->pace, (struct bucket_rate){.rate = rate},
                              worker_now_ms(w), 1000);
    if (wait_ms == 0) {
        io_accept(w->io, &l->op);
        return;
    }
    metrics_add(w->metrics, METRIC_accept_waits, 1);
    wheel_set(&w->wheel, &l->retry, worker_now_ms(w) + wait_ms);
}

/* With no descriptor left, one after another is asked what it wants: a balancer or an
 * operator is answered. */
static void take_spare(struct listener *l, int fd)
{
    struct worker *w = l->accept->worker;

    assert(l->open && !l->op.in_flight);
    l->spare = false;
    door_http_open_spare(w, fd, l->secure);
    wheel_set(&w->wheel, &l->retry, worker_now_ms(w) + RETRY_MS);
}

static void out_of_descriptors(struct listener *l, int error)
{
    struct accept *a = l->accept;
    struct worker *w = a->worker;

    assert(error < 0 && l->open && !l->op.in_flight);
    metrics_add(w->metrics, METRIC_refused_descriptors, 1);
    log_warn(w->log, "accept", LOG_TEXT("error", "no descriptors or memory left"),
             LOG_I64("errno", error));
    if (a->reserve < 0) {
        l->spare = false; /* another has what was held back */
        wheel_set(&w->wheel, &l->retry, worker_now_ms(w) + RETRY_MS);
        return;
    }
    usage_release(a->reserve);
    a->reserve = -1;
    l->spare = true;
    io_accept(w->io, &l->op);
}

static void accepted(struct io_op *op, int result, uint8_t *data)
{
    struct listener *l = CONTAINER_OF(op, struct listener, op);
    struct worker *w = l->accept->worker;

    assert(!wheel_armed(&l->retry));
    (void)data;
    if (!l->open && result >= 0)
        io_close(w->io, result);
    if (result == -ECANCELED || !l->open)
        return;
    if (result >= 0 && l->spare) {
        take_spare(l, result);
        return;
    }
    if (result >= 0) {
        accept_take(l, result);
        accept_go_on(l);
        return;
    }
    if (result == -EMFILE || result == -ENFILE || result == -ENOBUFS || result == -ENOMEM) {
        out_of_descriptors(l, result);
        return;
    }
    io_accept(w->io, op); /* that connection was gone already */
}

static void retry(struct wheel_timer *t)
{
    struct listener *l = CONTAINER_OF(t, struct listener, retry);

    if (l->accept->reserve < 0)
        l->accept->reserve = usage_reserve();
    if (!l->open || l->op.in_flight)
        return;
    /* Without it a client would have the last descriptor for as long as it likes. */
    if (l->accept->reserve < 0)
        wheel_set(&l->accept->worker->wheel, t, worker_now_ms(l->accept->worker) + RETRY_MS);
    else
        accept_go_on(l);
}

struct accept *accept_new(struct worker *w)
{
    struct accept *a = mem_zeroed(1, sizeof(*a));

    assert(w->index == 0);
    a->worker = w;
    a->reserve = usage_reserve();
    if (w->server->conf->accept_rate > 0)
        bucket_init(&a->pace, (struct bucket_rate){.rate = w->server->conf->accept_rate},
                    worker_now_ms(w));
    return a;
}

void accept_free(struct accept *a)
{
    if (a != NULL && a->reserve >= 0)
        usage_release(a->reserve);
    free(a);
}

static void describe(struct listener *l)
{
    static const uint8_t any[16]; /* every interface: one of them is the loopback */
    char text[IO_ADDR_TEXT_MAX];

    (void)addr_format(&l->addr, text);
    if (l->addr.family == IO_ADDR_UNIX)
        (void)snprintf(l->url, sizeof(l->url), "%s", text);
    else if (addr_is_loopback(&l->addr) || memcmp(l->addr.ip, any, sizeof(any)) == 0)
        (void)snprintf(l->url, sizeof(l->url), "%s://localhost:%u", l->secure ? "https" : "http",
                       l->addr.port);
    else
        (void)snprintf(l->url, sizeof(l->url), "%s://%s", l->secure ? "https" : "http", text);
}

/* "fd:3": a descriptor that whoever started us has opened. */
static int open_fd(struct listener *l, struct str text)
{
    uint64_t fd;
    int r;

    if (!str_to_u64(text, &fd) || fd > INT32_MAX)
        return -EINVAL;
    r = io_adopt(l->accept->worker->io, (int)fd);
    if (r < 0)
        return r;
    l->op.fd = (int)fd;
    return 0;
}

static int open_listener(struct listener *l, const char *text)
{
    struct io *io = l->accept->worker->io;
    int r;

    assert(!l->open && l->accept != NULL);
    if (str_starts(str_of(text), STR("fd:"))) {
        r = open_fd(l, str_skip(str_of(text), 3));
    } else {
        r = addr_parse(str_of(text), &l->addr);
        if (r == 0)
            r = io_listen(io, &l->addr, &l->op.fd);
    }
    if (r < 0)
        return r;
    io_local(io, l->op.fd, &l->addr);
    l->op.done = accepted;
    l->retry.fire = retry;
    l->open = true;
    describe(l);
    io_accept(io, &l->op);
    return 0;
}

static const char *explain(struct accept *a, const char *setting, const char *text, int error)
{
    const char *what = error == -EADDRINUSE      ? "is in use by another program"
                       : error == -EACCES        ? "needs more rights than this user has"
                       : error == -EADDRNOTAVAIL ? "is no address of this machine"
                       : error == -EINVAL        ? "is no address"
                                                 : strerror(-error);

    assert(error < 0);
    (void)snprintf(a->why, sizeof(a->why), "cannot listen: %s %s; choose another with --%s", text,
                   what, setting);
    return a->why;
}

static const char *open_list(struct accept *a, const struct conf_list *list, bool secure)
{
    assert(a->n <= LISTENERS_MAX);
    for (size_t i = 0; i < list->n; i++) {
        struct listener *l = &a->listeners[a->n];
        int r = -E2BIG;

        if (a->at++ < a->n)
            continue; /* by an earlier call */
        if (a->n < LISTENERS_MAX) {
            *l = (struct listener){.accept = a, .secure = secure};
            r = open_listener(l, list->items[i]);
        }
        a->busy = r == -EADDRINUSE;
        if (r < 0)
            return explain(a, secure ? "tls-listen" : "listen", list->items[i], r);
        a->n++;
    }
    return NULL;
}

/* Descriptors from systemd take the place of --listen. */
static const char *open_inherited(struct accept *a, const struct server_options *o)
{
    const char *why = NULL;

    for (unsigned i = 0; i < o->inherited_n && why == NULL; i++) {
        char text[16];
        char *item = text;
        struct conf_list one = {&item, 1};

        (void)snprintf(text, sizeof(text), "fd:%d", o->inherited + (int)i);
        why = open_list(a, &one, false);
    }
    return why;
}

const char *accept_open(struct server *s)
{
    struct accept *a = s->accept;
    const char *why;

    assert(lifecycle_at(&s->life) <= LIFE_OPENING);
    a->at = 0;
    a->busy = false;
    why = s->o.inherited_n > 0 ? open_inherited(a, &s->o) : open_list(a, &s->conf->listen, false);

    if (why == NULL)
        why = open_list(a, &s->conf->tls_listen, true);
    return why;
}

bool accept_is_busy(const struct server *s)
{
    return s->accept->busy;
}

void accept_close(struct server *s)
{
    struct accept *a = s->accept;

    assert(lifecycle_at(&s->life) == LIFE_CLOSING);
    for (unsigned i = 0; i < a->n; i++) {
        struct listener *l = &a->listeners[i];

        l->open = false;
        wheel_cancel(&a->worker->wheel, &l->retry);
        io_cancel(a->worker->io, &l->op);
    }
}

bool accept_closed(struct server *s)
{
    struct accept *a = s->accept;

    assert(lifecycle_at(&s->life) >= LIFE_CLOSING);
    for (unsigned i = 0; i < a->n; i++) {
        if (a->listeners[i].op.in_flight)
            return false;
        if (a->listeners[i].op.fd >= 0)
            io_close(a->worker->io, a->listeners[i].op.fd);
        a->listeners[i].op.fd = -1;
    }
    return true;
}

const char *accept_url(const struct server *s, unsigned i)
{
    return i < s->accept->n ? s->accept->listeners[i].url : NULL;
}
