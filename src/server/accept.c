#include "server/accept.h"

#include "base/str.h"
#include "io/addr.h"
#include "server/bucket.h"
#include "server/conn.h"
#include "server/limits.h"

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
    struct wheel_timer retry; /* when descriptors ran out, or too many came at once */
    char url[URL_MAX];
};

struct accept {
    struct worker *worker;
    struct listener listeners[LISTENERS_MAX];
    unsigned n;
    struct bucket pace;
    char why[400];
};

static unsigned conns_in_all(const struct server *s)
{
    unsigned n = 0;

    for (unsigned i = 0; i < s->workers_n; i++)
        n += __atomic_load_n(&s->workers[i].conns_n, __ATOMIC_RELAXED);
    return n;
}

static void refuse(struct worker *w, int fd, enum metric reason)
{
    metrics_add(w->metrics, reason, 1);
    io_close(w->io, fd);
}

static void take(struct listener *l, int fd)
{
    struct worker *w = l->accept->worker;
    const struct conf *c = w->server->conf;
    struct io_addr peer;

    io_peer(w->io, fd, &peer);
    if (c->connections_max > 0 && conns_in_all(w->server) >= c->connections_max)
        refuse(w, fd, METRIC_refused_full);
    else if (limits_connect(w, &peer) > 0)
        refuse(w, fd, METRIC_refused_rate);
    else
        server_hand_over(w->server, fd, l->secure);
}

/* Takes the next one, when it may: until then it waits in the backlog. */
static void go_on(struct listener *l)
{
    struct worker *w = l->accept->worker;
    uint64_t rate = w->server->conf->accept_rate, wait_ms = 0;

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

static void accepted(struct io_op *op, int result, uint8_t *data)
{
    struct listener *l = CONTAINER_OF(op, struct listener, op);
    struct worker *w = l->accept->worker;

    (void)data;
    if (!l->open && result >= 0)
        io_close(w->io, result);
    if (result == -ECANCELED || !l->open)
        return;
    if (result >= 0) {
        take(l, result);
        go_on(l);
        return;
    }
    if (result == -EMFILE || result == -ENFILE || result == -ENOBUFS || result == -ENOMEM) {
        metrics_add(w->metrics, METRIC_refused_descriptors, 1);
        log_warn(w->log, "accept", LOG_TEXT("error", "no descriptors or memory left"),
                 LOG_I64("errno", result));
        wheel_set(&w->wheel, &l->retry, worker_now_ms(w) + RETRY_MS);
        return;
    }
    io_accept(w->io, op); /* that connection was gone already */
}

static void retry(struct wheel_timer *t)
{
    struct listener *l = CONTAINER_OF(t, struct listener, retry);

    if (l->open && !l->op.in_flight)
        go_on(l);
}

struct accept *accept_new(struct worker *w)
{
    struct accept *a = calloc(1, sizeof(*a));

    if (a == NULL)
        abort();
    a->worker = w;
    if (w->server->conf->accept_rate > 0)
        bucket_init(&a->pace, (struct bucket_rate){.rate = w->server->conf->accept_rate},
                    worker_now_ms(w));
    return a;
}

void accept_free(struct accept *a)
{
    free(a);
}

static void describe(struct listener *l)
{
    char text[IO_ADDR_TEXT_MAX];

    (void)addr_format(&l->addr, text);
    if (l->addr.family == IO_ADDR_UNIX)
        (void)snprintf(l->url, sizeof(l->url), "%s", text);
    else if (addr_is_loopback(&l->addr))
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

    (void)snprintf(a->why, sizeof(a->why), "cannot listen: %s %s; choose another with --%s", text,
                   what, setting);
    return a->why;
}

static const char *open_list(struct accept *a, const struct conf_list *list, bool secure)
{
    for (size_t i = 0; i < list->n; i++) {
        struct listener *l = &a->listeners[a->n];
        int r = -E2BIG;

        if (a->n < LISTENERS_MAX) {
            *l = (struct listener){.accept = a, .secure = secure};
            r = open_listener(l, list->items[i]);
        }
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
    const char *why =
        s->o.inherited_n > 0 ? open_inherited(a, &s->o) : open_list(a, &s->conf->listen, false);

    if (why == NULL)
        why = open_list(a, &s->conf->tls_listen, true);
    return why;
}

void accept_close(struct server *s)
{
    struct accept *a = s->accept;

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
