#include "server/accept.h"

#include "base/siphash.h"
#include "base/str.h"
#include "io/addr.h"
#include "server/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LISTENERS_MAX 16
#define RETRY_MS 100
#define SWEEP_MS 10000
#define URL_MAX 160

struct listener {
    struct accept *accept;
    struct io_op op;
    struct io_addr addr;
    bool secure, open;
    struct wheel_timer retry; /* when descriptors ran out */
    char url[URL_MAX];
};

/* How fast one address connects. */
struct address {
    struct map_node node;
    struct io_addr addr;
    uint64_t filled_ms;
    uint64_t level; /* thousandths of a connection */
};

struct accept {
    struct worker *worker;
    struct listener listeners[LISTENERS_MAX];
    unsigned n;
    struct map addresses;
    struct wheel_timer sweep;
    char why[400];
};

static bool address_eq(const struct map_node *node, const void *key)
{
    const struct address *a =
        CONTAINER_OF((struct map_node *)(uintptr_t)node, struct address, node);
    const struct io_addr *addr = key;

    return a->addr.family == addr->family && memcmp(a->addr.ip, addr->ip, sizeof(addr->ip)) == 0;
}

static uint64_t burst(const struct conf *c)
{
    return MAX(c->connects_burst, c->connects_per_address) * 1000;
}

static void fill(struct address *a, const struct conf *c, uint64_t now)
{
    a->level = MIN(a->level + (now - a->filled_ms) * c->connects_per_address, burst(c));
    a->filled_ms = now;
}

static bool is_trusted(const struct conf *c, const struct io_addr *addr)
{
    for (size_t i = 0; i < c->trusted_proxies.n; i++)
        if (addr_matches(addr, str_of(c->trusted_proxies.items[i])))
            return true;
    return false;
}

/* May the address open one more connection? */
static bool admit(struct accept *a, const struct io_addr *addr)
{
    struct worker *w = a->worker;
    const struct conf *c = w->server->conf;
    uint64_t hash = siphash(w->server->hash_key, (struct str){addr->ip, sizeof(addr->ip)});
    struct map_node *n;
    struct address *at;

    if (c->connects_per_address == 0 || addr->family == IO_ADDR_UNIX ||
        addr->family == IO_ADDR_NONE || is_trusted(c, addr))
        return true;
    n = map_find(&a->addresses, hash, address_eq, addr);
    if (n == NULL) {
        at = calloc(1, sizeof(*at));
        if (at == NULL)
            return false;
        at->addr = *addr;
        at->level = burst(c);
        at->filled_ms = worker_now_ms(w);
        map_add(&a->addresses, &at->node, hash);
    } else {
        at = CONTAINER_OF(n, struct address, node);
    }
    fill(at, c, worker_now_ms(w));
    if (at->level < 1000)
        return false;
    at->level -= 1000;
    return true;
}

/* Forgets the addresses that may open as many as anybody. */
static void sweep(struct wheel_timer *t)
{
    struct accept *a = CONTAINER_OF(t, struct accept, sweep);
    const struct conf *c = a->worker->server->conf;
    uint64_t now = worker_now_ms(a->worker);
    struct map_iter it;

    for (struct map_node *n = map_first(&a->addresses, &it); n != NULL; n = map_next(&it)) {
        struct address *at = CONTAINER_OF(n, struct address, node);

        fill(at, c, now);
        if (at->level < burst(c))
            continue;
        map_remove(&a->addresses, n);
        free(at);
    }
    wheel_set(&a->worker->wheel, t, now + SWEEP_MS);
}

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
    else if (!admit(l->accept, &peer))
        refuse(w, fd, METRIC_refused_rate);
    else
        server_hand_over(w->server, fd, l->secure);
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
        io_accept(w->io, op);
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
        io_accept(l->accept->worker->io, &l->op);
}

struct accept *accept_new(struct worker *w)
{
    struct accept *a = calloc(1, sizeof(*a));

    if (a == NULL)
        abort();
    a->worker = w;
    map_init(&a->addresses);
    a->sweep.fire = sweep;
    return a;
}

void accept_free(struct accept *a)
{
    struct map_iter it;

    if (a == NULL)
        return;
    wheel_cancel(&a->worker->wheel, &a->sweep);
    for (struct map_node *n = map_first(&a->addresses, &it); n != NULL; n = map_next(&it))
        free(CONTAINER_OF(n, struct address, node));
    map_fini(&a->addresses);
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
    wheel_set(&a->worker->wheel, &a->sweep, worker_now_ms(a->worker) + SWEEP_MS);
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
    wheel_cancel(&a->worker->wheel, &a->sweep);
    return true;
}

const char *accept_url(const struct server *s, unsigned i)
{
    return i < s->accept->n ? s->accept->listeners[i].url : NULL;
}
