#include "base/mem.h"
#include "io/addr.h"
#include "io/sim_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_FD 3
#define FIRST_PORT 20000
#define BLOCKED_MAX_MS 200
/* A send is tried in the submitting call, or left for a turn. */
#define AT_ONCE_PER_MILLE 500
/* Of connections with records: sends that wait for a receive, receives that are
 * not kept waiting by a send, and the longest record. */
#define AFTER_READ_PER_MILLE 150
#define MEANWHILE_PER_MILLE 200
#define RECORD_MAX 16384
/* The part of a full pipe that must come free before it takes more. */
#define PIPE_PART 4
/* An operation that was submitted again completes once more in the same turn. */
#define PASSES 2

struct sim_sock *sim_net_sock(struct sim *s, int fd)
{
    assert(fd >= 0 && fd < s->socks_n && s->socks[fd] != NULL);
    return s->socks[fd];
}

static int free_fd(struct sim *s)
{
    int fd = FIRST_FD, n;

    while (fd < s->socks_n && s->socks[fd] != NULL)
        fd++;
    if (fd < s->socks_n)
        return fd;
    n = MAX(64, s->socks_n * 2);
    s->socks = mem_resize(s->socks, (size_t)n * sizeof(struct sim_sock *));
    for (int i = s->socks_n; i < n; i++)
        s->socks[i] = NULL;
    s->socks_n = n;
    return fd;
}

static struct sim_sock *sock_new(struct sim_host *h, struct sim_loop *l)
{
    struct sim_sock *k = mem_zeroed(1, sizeof(*k));

    k->fd = free_fd(h->sim);
    k->host = h;
    k->loop = l;
    if (l != NULL)
        l->socks_n++;
    buf_init(&k->bytes, SIZE_MAX / 2);
    list_init(&k->backlog);
    list_init(&k->node);
    h->sim->socks[k->fd] = k;
    return k;
}

static void sock_free(struct sim *s, struct sim_sock *k)
{
    assert(k->in == NULL && k->out == NULL);
    list_remove(&k->node);
    if (k->loop != NULL)
        k->loop->socks_n--;
    s->socks[k->fd] = NULL;
    buf_fini(&k->bytes);
    free(k->segments);
    free(k);
}

/* The stream towards k ends; what is already on its way arrives before. */
static void end_towards(struct sim *s, struct sim_sock *k, int end)
{
    uint64_t at = sim_later_ms(s, s->faults.latency_ms);

    if (k->end != SIM_OPEN)
        return;
    k->end = end == SIM_EOF ? SIM_EOF : SIM_RESET;
    k->end_ms = k->segments_n > 0 ? MAX(at, k->segments[k->segments_n - 1].at_ms) : at;
}

/* The connection breaks at both ends, and what is on its way is lost. */
static void break_off(struct sim *s, struct sim_sock *k)
{
    for (int i = 0; i < 2 && k != NULL; i++, k = k->peer) {
        buf_clear(&k->bytes);
        k->segments_n = 0;
        k->end = SIM_RESET;
        k->end_ms = sim_now_ms(s);
    }
}

static bool same_place(const struct io_addr *a, const struct io_addr *b)
{
    if (a->family == IO_ADDR_NONE || (a->family == IO_ADDR_UNIX) != (b->family == IO_ADDR_UNIX))
        return false;
    return a->family == IO_ADDR_UNIX ? strcmp(a->path, b->path) == 0 : a->port == b->port;
}

static struct sim_sock *find_listener(struct sim *s, const struct io_addr *addr)
{
    for (int fd = 0; fd < s->socks_n; fd++) {
        struct sim_sock *k = s->socks[fd];

        if (k != NULL && k->listening && same_place(&k->local, addr))
            return k;
    }
    return NULL;
}

static uint16_t free_port(struct sim *s)
{
    struct io_addr addr = {.family = IO_ADDR_IP4};

    do {
        s->port =
            s->port < FIRST_PORT || s->port == UINT16_MAX ? FIRST_PORT : (uint16_t)(s->port + 1);
        addr.port = s->port;
    } while (find_listener(s, &addr) != NULL);
    return s->port;
}

int sim_net_listen(struct sim_loop *l, const struct io_addr *addr, int *ret_fd)
{
    struct sim_sock *k;

    if (addr->family == IO_ADDR_NONE)
        return -EINVAL;
    if (l->host->crashed)
        return -ENETDOWN;
    if ((addr->family == IO_ADDR_UNIX || addr->port != 0) && find_listener(l->sim, addr) != NULL)
        return -EADDRINUSE;
    k = sock_new(l->host, l);
    k->local = *addr;
    if (addr->family != IO_ADDR_UNIX && addr->port == 0)
        k->local.port = free_port(l->sim);
    k->listening = true;
    *ret_fd = k->fd;
    return 0;
}

int sim_net_adopt(struct sim_loop *l, int fd)
{
    struct sim_sock *k = sim_net_sock(l->sim, fd);

    assert(k->loop == NULL && k->host == l->host && list_empty(&k->node));
    k->loop = l;
    l->socks_n++;
    return 0;
}

int sim_net_release(struct sim_loop *l, int fd)
{
    struct sim_sock *k = sim_net_sock(l->sim, fd);

    assert(k->loop == l && k->in == NULL && k->out == NULL);
    assert(!sim_io_is_done_pending(l, fd));
    if (k->records)
        return -ENOTSUP;
    k->loop = NULL;
    l->socks_n--;
    return 0;
}

void sim_net_wait_in(struct sim_loop *l, struct io_op *op, uint8_t kind)
{
    struct sim_sock *k = sim_net_sock(l->sim, op->fd);

    assert(k->loop == l && k->in == NULL);
    assert(k->listening == (kind == OP_ACCEPT) && !k->connecting);
    op->in_flight = true;
    op->kind = kind;
    k->in = op;
}

/* The client's own address: loopback towards loopback, else its node's. */
static struct io_addr client_addr(struct sim_loop *l, const struct io_addr *to)
{
    struct io_addr a = {.family = IO_ADDR_IP4, .ip = {127, 0, 0, 1}};

    if (to->family == IO_ADDR_UNIX)
        return (struct io_addr){.family = IO_ADDR_UNIX};
    a.port = free_port(l->sim);
    if (!addr_is_loopback(to)) {
        a.ip[0] = 10;
        a.ip[3] = (uint8_t)l->host->number;
    }
    return a;
}

void sim_net_connect(struct sim_loop *l, struct io_op *op, const struct io_addr *addr)
{
    struct sim *s = l->sim;
    struct sim_sock *k, *server, *listener;

    op->in_flight = true;
    op->kind = OP_CONNECT;
    op->fd = -1;
    if (addr->family == IO_ADDR_NONE) {
        op_queue_push(&l->done, op, -EINVAL);
        return;
    }
    k = sock_new(l->host, l);
    op->fd = k->fd;
    k->out = op;
    k->connecting = true;
    k->local = client_addr(l, addr);
    k->remote = *addr;
    k->arrives_ms = sim_later_ms(s, s->faults.latency_ms);
    listener = l->host->crashed ? NULL : find_listener(s, addr);
    if (listener == NULL) {
        k->connect_result = -ECONNREFUSED;
        return;
    }
    server = sock_new(listener->host, NULL);
    server->local = listener->local;
    server->remote = k->local;
    server->peer = k;
    server->arrives_ms = k->arrives_ms;
    server->records = k->records = sim_chance(s, s->faults.records);
    k->peer = server;
    k->arrives_ms += sim_later_ms(s, s->faults.latency_ms) - sim_now_ms(s);
    list_push(&listener->backlog, &server->node);
}

static void segment_push(struct sim *s, struct sim_sock *k, size_t n)
{
    uint64_t at = MAX(sim_later_ms(s, s->faults.latency_ms), k->arrives_ms);
    struct sim_segment *last = k->segments_n > 0 ? &k->segments[k->segments_n - 1] : NULL;

    if (last != NULL && last->at_ms >= at) {
        at = last->at_ms;
        if (!k->records) {
            last->n += n;
            return;
        }
    }
    if (k->segments_n == k->segments_cap) {
        k->segments_cap = MAX(k->segments_cap * 2, (size_t)8);
        k->segments = mem_resize(k->segments, k->segments_cap * sizeof(struct sim_segment));
    }
    k->segments[k->segments_n++] = (struct sim_segment){at, n};
}

/* Moves the first n bytes of op's parts into the pipe towards k. */
static void sim_net_put(struct sim *s, struct sim_sock *k, const struct io_op *op, size_t n)
{
    size_t left = n;

    for (unsigned i = 0; i < op->parts_n && left > 0; i++) {
        struct str part = {op->parts[i].p, MIN(op->parts[i].n, left)};

        buf_append(&k->bytes, part);
        left -= part.n;
    }
    assert(!k->bytes.failed);
    for (size_t part; n > 0; n -= part) {
        part = k->records ? 1 + (size_t)sim_below(s, MIN(n, (size_t)RECORD_MAX)) : n;
        segment_push(s, k, part);
    }
}

static size_t parts_len(const struct io_op *op)
{
    size_t n = 0;

    for (unsigned i = 0; i < op->parts_n; i++)
        n += op->parts[i].n;
    return n;
}

/* n, or by the given chance some length in 1 .. n. */
static size_t maybe_fewer(struct sim *s, size_t n, unsigned per_mille)
{
    return n > 1 && sim_chance(s, per_mille) ? 1 + (size_t)sim_below(s, n) : n;
}

/* Room in the pipe towards k's peer: none until a part of it has come free, as a
 * system does, so that no sender trickles. 1 where a send would fail at once. */
static size_t room(const struct sim *s, const struct sim_sock *k)
{
    size_t held = k->peer == NULL ? 0 : buf_len(&k->peer->bytes);

    if (k->peer == NULL || k->end == SIM_RESET)
        return 1;
    return held > s->pipe_max - s->pipe_max / PIPE_PART ? 0 : s->pipe_max - held;
}

/* Who sends to a closed end is told so the next time. */
static int send_to_closed(struct sim *s, struct sim_sock *k, size_t n)
{
    if (k->broken)
        return -EPIPE;
    k->broken = true;
    if (k->end == SIM_EOF)
        k->end = SIM_OPEN;
    end_towards(s, k, SIM_RESET);
    return (int)n;
}

/* Bytes moved, -EAGAIN if the pipe is full, or -errno. */
static int try_send(struct sim *s, struct sim_sock *k, const struct io_op *op)
{
    size_t n = MIN(parts_len(op), (size_t)INT32_MAX);

    if (k->end == SIM_RESET && k->end_ms <= sim_now_ms(s))
        return k->broken ? -EPIPE : -ECONNRESET;
    if (k->peer == NULL)
        return send_to_closed(s, k, n);
    if (k->blocked_ms > sim_now_ms(s) || room(s, k) == 0)
        return -EAGAIN;
    if (sim_chance(s, s->faults.reset)) {
        break_off(s, k);
        return -ECONNRESET;
    }
    n = maybe_fewer(s, MIN(n, room(s, k)), s->faults.short_send);
    if (n > 0)
        sim_net_put(s, k->peer, op, n);
    return (int)n;
}

void sim_net_send(struct sim_loop *l, struct io_op *op)
{
    struct sim_sock *k = sim_net_sock(l->sim, op->fd);
    bool waits = k->records && l->sim->faults.records > 0; /* until it receives, perhaps */
    int result = -EAGAIN;

    assert(k->loop == l && k->out == NULL && !k->listening);
    op->in_flight = true;
    op->kind = OP_SEND;
    if (sim_chance(l->sim, l->sim->faults.blocked) ||
        (waits && sim_chance(l->sim, AFTER_READ_PER_MILLE)))
        k->blocked_ms = sim_later_ms(l->sim, BLOCKED_MAX_MS);
    if (sim_chance(l->sim, AT_ONCE_PER_MILLE))
        result = try_send(l->sim, k, op);
    if (result == -EAGAIN)
        k->out = op;
    else
        op_queue_push(&l->done, op, result);
}

void sim_net_cancel(struct sim_loop *l, struct io_op *op)
{
    struct sim_sock *k;

    if (op->fd < 0)
        return; /* a connect that failed at once */
    k = sim_net_sock(l->sim, op->fd);
    if (k->in == op)
        k->in = NULL;
    else if (k->out == op)
        k->out = NULL;
    else
        return; /* it has its result */
    op_queue_push(&l->done, op, -ECANCELED);
}

void sim_net_shutdown(struct sim_loop *l, int fd)
{
    struct sim_sock *k = sim_net_sock(l->sim, fd);

    assert(k->loop == l && k->out == NULL);
    if (k->peer != NULL)
        end_towards(l->sim, k->peer, SIM_EOF);
}

/* Nobody will accept k any more. */
static void refuse_backlog(struct sim *s, struct sim_sock *listener)
{
    struct list *node;

    while ((node = list_pop(&listener->backlog)) != NULL) {
        struct sim_sock *k = CONTAINER_OF(node, struct sim_sock, node);

        if (k->peer != NULL) {
            k->peer->peer = NULL;
            end_towards(s, k->peer, SIM_RESET);
        }
        sock_free(s, k);
    }
}

void sim_net_close(struct sim_loop *l, int fd)
{
    struct sim *s = l->sim;
    struct sim_sock *k = sim_net_sock(s, fd);

    assert(k->host == l->host && (k->loop == l || k->loop == NULL));
    assert(!sim_io_is_done_pending(l, fd));
    refuse_backlog(s, k);
    if (k->peer != NULL) {
        k->peer->peer = NULL;
        end_towards(s, k->peer, k->segments_n > 0 ? SIM_RESET : SIM_EOF);
    }
    sock_free(s, k);
}

static void complete(struct sim_sock *k, struct io_op **at, int result, uint8_t *data)
{
    struct io_op *op = *at;

    *at = NULL;
    k->loop->awake = true;
    op->in_flight = false;
    op->done(op, result, data);
}

static void turn_accept(struct sim_sock *listener)
{
    struct list *node = list_pop(&listener->backlog);

    complete(listener, &listener->in, CONTAINER_OF(node, struct sim_sock, node)->fd, NULL);
}

static size_t sim_net_arrived(struct sim *s, const struct sim_sock *k)
{
    size_t n = 0;

    for (size_t i = 0; i < k->segments_n && k->segments[i].at_ms <= sim_now_ms(s); i++)
        n += k->segments[i].n;
    return n;
}

static void segments_drop(struct sim_sock *k, size_t n)
{
    size_t gone = 0;

    while (n > 0) {
        size_t part = MIN(n, k->segments[gone].n);

        k->segments[gone].n -= part;
        n -= part;
        gone += k->segments[gone].n == 0;
    }
    k->segments_n -= gone;
    if (gone > 0)
        memmove(k->segments, k->segments + gone, k->segments_n * sizeof(struct sim_segment));
}

static void turn_recv(struct sim *s, struct sim_sock *k)
{
    size_t n = MIN(sim_net_arrived(s, k), (size_t)IO_RECV_MAX);
    uint8_t *lent;

    if (n > 0 && sim_chance(s, s->faults.reset)) {
        break_off(s, k);
        n = 0;
    }
    if (n == 0) {
        complete(k, &k->in, k->end == SIM_RESET ? -ECONNRESET : 0, NULL);
        return;
    }
    if (k->records) {
        n = MIN(n, k->segments[0].n);
        k->blocked_ms = 0; /* what a send may have waited for */
    }
    n = maybe_fewer(s, n, s->faults.split_recv);
    lent = mem_bytes(n); /* its own block: overruns are caught */
    memcpy(lent, buf_peek(&k->bytes).p, n);
    buf_consume(&k->bytes, n);
    segments_drop(k, n);
    complete(k, &k->in, (int)n, lent);
    free(lent);
}

static void turn_out(struct sim *s, struct sim_sock *k)
{
    int result;

    if (k->connecting) {
        k->connecting = false;
        if (k->connect_result == 0 && sim_chance(s, s->faults.reset))
            break_off(s, k);
        complete(k, &k->out, k->end == SIM_RESET ? -ECONNRESET : k->connect_result, NULL);
        return;
    }
    result = try_send(s, k, k->out);
    if (result != -EAGAIN)
        complete(k, &k->out, result, NULL);
}

static uint64_t in_next_ms(const struct sim_sock *k)
{
    if (k->in == NULL)
        return IO_FOREVER;
    if (k->listening)
        return list_empty(&k->backlog)
                   ? IO_FOREVER
                   : CONTAINER_OF(k->backlog.next, struct sim_sock, node)->arrives_ms;
    if (k->segments_n > 0)
        return k->segments[0].at_ms;
    return k->end == SIM_OPEN ? IO_FOREVER : k->end_ms;
}

static uint64_t out_next_ms(const struct sim *s, const struct sim_sock *k)
{
    if (k->out == NULL)
        return IO_FOREVER;
    if (k->connecting)
        return k->arrives_ms;
    if (k->end == SIM_RESET)
        return k->end_ms;
    return room(s, k) > 0 ? k->blocked_ms : IO_FOREVER;
}

/* Does what is ready at one end, if it is its turn. */
static void turn_in(struct sim *s, struct sim_sock *k)
{
    bool waits = k->records && k->out != NULL && !sim_chance(s, MEANWHILE_PER_MILLE);

    if (in_next_ms(k) > sim_now_ms(s) || !sim_chance(s, s->ready) || waits)
        return;
    if (k->listening)
        turn_accept(k);
    else
        turn_recv(s, k);
}

static void turn_sock(struct sim *s, struct sim_sock *k)
{
    int fd = k->fd;
    bool out_first = sim_chance(s, 500);

    for (int i = 0; i < 2 && s->socks[fd] == k; i++) {
        if ((i == 0) != out_first)
            turn_in(s, k);
        else if (out_next_ms(s, k) <= sim_now_ms(s) && sim_chance(s, s->ready))
            turn_out(s, k);
    }
}

void sim_net_turn(struct sim_loop *l)
{
    struct sim *s = l->sim;
    int n = s->socks_n, first = n > 0 ? (int)sim_below(s, (uint64_t)n) : 0;

    for (int i = 0; i < n * PASSES; i++) {
        struct sim_sock *k = s->socks[(first + i) % n];

        if (k != NULL && k->loop == l && (k->in != NULL || k->out != NULL))
            turn_sock(s, k);
    }
}

uint64_t sim_net_next_ms(const struct sim_loop *l)
{
    const struct sim *s = l->sim;
    uint64_t next = IO_FOREVER;

    for (int fd = 0; fd < s->socks_n; fd++) {
        const struct sim_sock *k = s->socks[fd];

        if (k == NULL || k->loop != l || (k->in == NULL && k->out == NULL))
            continue;
        next = MIN(next, MIN(in_next_ms(k), out_next_ms(s, k)));
    }
    return next;
}

void sim_net_crash(struct sim_host *h)
{
    for (int fd = 0; fd < h->sim->socks_n; fd++) {
        struct sim_sock *k = h->sim->socks[fd];

        if (k == NULL || k->host != h)
            continue;
        refuse_backlog(h->sim, k);
        if (k->listening)
            k->local.family = IO_ADDR_NONE; /* nobody finds it any more */
        else
            break_off(h->sim, k);
    }
}

void sim_net_fini(struct sim *s)
{
    for (int fd = 0; fd < s->socks_n; fd++)
        assert(s->socks[fd] == NULL);
    free(s->socks);
}
