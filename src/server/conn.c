#include "server/conn.h"

#include "base/str.h"
#include "server/door_ws.h"
#include "server/own.h"
#include "server/server.h"
#include "server/worker.h"

#include <errno.h>
#include <stdlib.h>

/* Frames that one send carries besides the answers. */
#define RUNS_MAX (IO_PARTS_MAX - 1)
#define OUT_MAX ((size_t)8 * 1024 * 1024)
#define FLIGHTS_KEPT 1024
/* How long a connection that ends may send nothing, and then wait for the other end. */
#define FLUSH_MS 5000
#define LINGER_MS 2000

/* A send under way: what its parts point to. */
struct flight {
    struct flight *next; /* of the unused ones */
    struct buf *out;
    struct frame *frames[RUNS_MAX];
    unsigned frames_n, parts_n;
    struct str parts[IO_PARTS_MAX];
};

static void received(struct io_op *op, int result, uint8_t *data);
static void sent(struct io_op *op, int result, uint8_t *data);

static uint32_t now_s(const struct conn *c)
{
    return (uint32_t)(worker_now_ms(c->worker) / 1000);
}

static void timer_fired(struct wheel_timer *t)
{
    struct conn *c = CONTAINER_OF(t, struct conn, timer);

    if (c->state == CONN_OPEN)
        c->door->timeout(c);
    else
        conn_drop(c, c->reason);
}

void conn_timer(struct conn *c, uint64_t at_ms)
{
    assert(c->state != CONN_CLOSED);
    wheel_set(&c->worker->wheel, &c->timer, at_ms);
}

static struct conn *conn_new(struct worker *w, int fd)
{
    struct conn *c = pool_get(&w->conn_pool);

    c->worker = w;
    c->recv = (struct io_op){.done = received, .fd = fd};
    c->send = (struct io_op){.done = sent, .fd = fd};
    c->timer.fire = timer_fired;
    list_init(&c->dirty);
    list_init(&c->behind);
    list_push(&w->conns, &c->node);
    __atomic_store_n(&w->conns_n, w->conns_n + 1, __ATOMIC_RELAXED);
    c->opened_s = c->heard_s = now_s(c);
    return c;
}

struct conn *conn_open(struct worker *w, int fd, bool secure, const struct door *door)
{
    struct io *io = secure ? w->tls : w->io;
    struct conn *c;

    if (io_adopt(io, fd) < 0) {
        io_close(w->io, fd);
        return NULL;
    }
    c = conn_new(w, fd);
    c->secure = secure;
    c->door = door;
    io_recv(io, &c->recv);
    return c;
}

struct conn *conn_make(struct worker *w, const struct door *door)
{
    struct conn *c = conn_new(w, -1);

    c->door = door;
    return c;
}

void conn_take_socket(struct conn *c, struct conn *from)
{
    assert(c->recv.fd < 0 && from->flight == NULL && !from->recv.in_flight);
    c->recv.fd = c->send.fd = from->recv.fd;
    c->secure = from->secure;
    c->heard_s = now_s(c);
    from->recv.fd = from->send.fd = -1;
    io_recv(conn_io(c), &c->recv);
}

int conn_give_socket(struct conn *c, int *ret_fd)
{
    int r;

    assert(c->flight == NULL && !c->recv.in_flight);
    r = io_release(conn_io(c), c->recv.fd);
    if (r < 0)
        return r;
    *ret_fd = c->recv.fd;
    c->recv.fd = c->send.fd = -1;
    return 0;
}

struct io *conn_io(const struct conn *c)
{
    return c->secure ? c->worker->tls : c->worker->io;
}

struct io_addr conn_peer(const struct conn *c)
{
    struct io_addr addr = {0};

    if (c->recv.fd >= 0)
        io_peer(conn_io(c), c->recv.fd, &addr);
    else if (c->door->peer != NULL)
        addr = c->door->peer(c);
    return addr;
}

/* Sending. */

static struct flight *flight_get(struct worker *w)
{
    struct flight *f = w->flights;

    if (f == NULL) {
        f = malloc(sizeof(*f));
        if (f == NULL)
            abort();
    } else {
        w->flights = f->next;
        w->flights_n--;
    }
    f->out = NULL;
    f->frames_n = f->parts_n = 0;
    return f;
}

static void out_free(struct buf *out)
{
    if (out == NULL)
        return;
    buf_fini(out);
    free(out);
}

static void flight_put(struct worker *w, struct flight *f)
{
    out_free(f->out);
    for (unsigned i = 0; i < f->frames_n; i++)
        frame_unref(f->frames[i]);
    if (w->flights_n >= FLIGHTS_KEPT) {
        free(f);
        return;
    }
    f->next = w->flights;
    w->flights = f;
    w->flights_n++;
}

void conn_fini(struct worker *w)
{
    while (w->flights != NULL) {
        struct flight *f = w->flights;

        w->flights = f->next;
        free(f);
    }
    pool_fini(&w->conn_pool);
    pool_fini(&w->follower_pool);
}

void conn_mark(struct conn *c)
{
    if (c->state == CONN_CLOSED || !list_empty(&c->dirty))
        return;
    list_push(&c->worker->dirty, &c->dirty);
}

/* Answers that may wait, whatever the limit at which reading stops. */
static size_t out_max(const struct conn *c)
{
    const struct server *s = c->worker->server;

    if (!s->o.echo)
        return OUT_MAX + s->conf->history_max;
    return s->conf->message_max > 0 ? OUT_MAX + 2 * s->conf->message_max : SIZE_MAX / 2;
}

struct buf *conn_out(struct conn *c)
{
    if (c->state != CONN_OPEN)
        return NULL;
    if (c->out == NULL) {
        c->out = malloc(sizeof(*c->out));
        if (c->out == NULL)
            abort();
        buf_init(c->out, out_max(c));
    }
    return c->out;
}

void conn_sent(struct conn *c)
{
    uint64_t max = c->worker->server->conf->unsent_replies_max;

    if (c->out->failed) {
        conn_drop(c, METRIC_close_memory);
        return;
    }
    if (max > 0 && buf_len(c->out) > max)
        c->paused = true; /* nothing more is taken from it until it reads */
    conn_mark(c);
}

void conn_trim(struct conn *c)
{
    if (c->out == NULL || buf_len(c->out) > 0)
        return;
    out_free(c->out);
    c->out = NULL;
}

bool conn_send(struct conn *c, struct str bytes)
{
    struct buf *out = conn_out(c);

    if (out == NULL)
        return false;
    buf_append(out, bytes);
    conn_sent(c);
    return c->state == CONN_OPEN;
}

size_t conn_held(const struct conn *c)
{
    size_t n = c->out != NULL ? buf_len(c->out) : 0;

    if (c->flight == NULL)
        return n;
    if (c->flight->out != NULL)
        n += buf_len(c->flight->out);
    for (unsigned i = 0; i < c->flight->frames_n; i++)
        n += c->flight->frames[i]->n;
    return n;
}

static void linger(struct conn *c)
{
    if (c->over) {
        conn_drop(c, c->reason);
        return;
    }
    c->state = CONN_LINGERING;
    io_shutdown(conn_io(c), c->send.fd);
    conn_timer(c, worker_now_ms(c->worker) + LINGER_MS);
}

static void add_part(struct flight *f, struct str bytes)
{
    f->parts[f->parts_n++] = bytes;
}

/* Takes what the cursors allow, rotating over the rooms. */
static void take_runs(struct conn *c, struct flight *f)
{
    size_t max = c->worker->server->conf->flush_turn_max, total = 0;
    uint64_t before, taken = 0;

    if (max == 0)
        max = OUT_MAX;
    while (f->frames_n < RUNS_MAX && total < max && !list_empty(&c->behind)) {
        struct follower *follower = CONTAINER_OF(list_pop(&c->behind), struct follower, work);
        struct frame *bytes;

        before = follower->cursor;
        switch (feed_take(follower, c->encoding, max - total, &bytes)) {
        case FEED_RUN:
            total += bytes->n;
            f->frames[f->frames_n++] = bytes;
            add_part(f, frame_str(bytes));
            taken += follower->cursor - before;
            if (feed_behind(follower))
                list_push(&c->behind, &follower->work);
            break;
        case FEED_END:
            conn_unfollow(c, CONTAINER_OF(follower, struct conn_follower, f));
            break;
        case FEED_NOTHING:
        case FEED_WAIT:
            break;
        }
    }
    if (taken > 0) {
        metrics_add(c->worker->metrics, METRIC_deliveries, taken);
        metrics_observe(c->worker->metrics, METRIC_HIST_joined, taken);
    }
}

void conn_flush(struct conn *c)
{
    bool filled = false;
    struct flight *f;

    if (c->flight != NULL || c->state == CONN_CLOSED)
        return;
    if (c->door->flush != NULL) {
        c->door->flush(c);
        return;
    }
    if (c->state == CONN_OPEN && c->door->fill != NULL)
        filled = c->door->fill(c);
    if (c->state == CONN_CLOSED)
        return;
    conn_trim(c);
    f = flight_get(c->worker);
    if (c->out != NULL && buf_len(c->out) > 0) {
        f->out = c->out;
        c->out = NULL;
        add_part(f, buf_peek(f->out));
    }
    if (c->state == CONN_OPEN && !filled)
        take_runs(c, f);
    if (f->parts_n == 0) {
        flight_put(c->worker, f);
        if (c->state == CONN_FLUSHING)
            linger(c);
        return;
    }
    c->flight = f;
    io_send(conn_io(c), &c->send, f->parts, f->parts_n);
}

void conn_cast(struct conn *c, struct frame *bytes)
{
    struct flight *f;

    if (c->state != CONN_OPEN || c->flight != NULL || c->paused) {
        metrics_add(c->worker->metrics, METRIC_casts_dropped, 1);
        return;
    }
    metrics_add(c->worker->metrics, METRIC_casts, 1);
    if (c->out != NULL || !list_empty(&c->dirty)) {
        (void)conn_send(c, frame_str(bytes)); /* with what goes out in this turn anyway */
        return;
    }
    f = flight_get(c->worker);
    f->frames[f->frames_n++] = frame_ref(bytes);
    add_part(f, frame_str(bytes));
    c->flight = f;
    io_send(conn_io(c), &c->send, f->parts, f->parts_n);
}

/* Drops the first n bytes of the parts; true if some are left. */
static bool advance(struct flight *f, size_t n)
{
    unsigned gone = 0;

    while (gone < f->parts_n && n >= f->parts[gone].n)
        n -= f->parts[gone++].n;
    f->parts_n -= gone;
    if (gone > 0)
        memmove(f->parts, f->parts + gone, f->parts_n * sizeof(f->parts[0]));
    if (f->parts_n > 0)
        f->parts[0] = str_skip(f->parts[0], n);
    return f->parts_n > 0;
}

void conn_resume(struct conn *c)
{
    if (!c->paused || c->state != CONN_OPEN)
        return;
    c->paused = false;
    if (!c->recv.in_flight && c->recv.fd >= 0)
        io_recv(conn_io(c), &c->recv);
}

static void sent(struct io_op *op, int result, uint8_t *data)
{
    struct conn *c = CONTAINER_OF(op, struct conn, send);
    struct worker *w = c->worker;

    (void)data;
    if (result < 0) {
        flight_put(w, c->flight);
        c->flight = NULL;
        conn_drop(c, METRIC_close_gone);
        return;
    }
    metrics_add(w->metrics, METRIC_sends, 1);
    metrics_add(w->metrics, METRIC_bytes_out, (uint64_t)result);
    if (advance(c->flight, (size_t)result) && c->state != CONN_CLOSED) {
        if (c->state == CONN_FLUSHING)
            conn_timer(c, worker_now_ms(w) + FLUSH_MS);
        io_send(conn_io(c), op, c->flight->parts, c->flight->parts_n);
        return;
    }
    flight_put(w, c->flight);
    c->flight = NULL;
    if (c->state == CONN_CLOSED) {
        conn_drop(c, c->reason);
        return;
    }
    if (c->out != NULL || !list_empty(&c->behind) || c->state == CONN_FLUSHING) {
        conn_mark(c);
        return;
    }
    conn_resume(c);
    if (c->state == CONN_OPEN && c->door->drained != NULL)
        c->door->drained(c);
}

/* Receiving. */

/* The other end says no more; what is on its way to it may still be wanted. */
static void ended(struct conn *c)
{
    if (c->state == CONN_OPEN && (c->out != NULL || c->flight != NULL))
        conn_finish(c, METRIC_close_gone);
    else if (c->state != CONN_FLUSHING)
        conn_drop(c, METRIC_close_gone);
}

static void received(struct io_op *op, int result, uint8_t *data)
{
    struct conn *c = CONTAINER_OF(op, struct conn, recv);

    if (c->state == CONN_CLOSED || result < 0) {
        conn_drop(c, METRIC_close_gone);
        return;
    }
    if (result == 0) {
        c->over = true;
        ended(c);
        return;
    }
    metrics_add(c->worker->metrics, METRIC_receives, 1);
    metrics_add(c->worker->metrics, METRIC_bytes_in, (uint64_t)result);
    c->heard_s = now_s(c);
    c->pinged = false;
    if (c->state == CONN_OPEN)
        c->door->received(c, data, (size_t)result);
    if (c->state != CONN_CLOSED && !(c->state == CONN_OPEN && c->paused) && !op->in_flight)
        io_recv(conn_io(c), op);
}

/* The end. */

void conn_finish(struct conn *c, enum metric reason)
{
    if (c->state != CONN_OPEN)
        return;
    c->reason = reason;
    conn_mark(c);
    c->state = CONN_FLUSHING;
    conn_timer(c, worker_now_ms(c->worker) + FLUSH_MS);
    if (!c->recv.in_flight && !c->over && c->recv.fd >= 0)
        io_recv(conn_io(c), &c->recv); /* it may write before it reads */
}

static bool is_free(const struct conn *c)
{
    return c->calls_n == 0 && !c->recv.in_flight && !c->send.in_flight;
}

static void maybe_bury(struct conn *c)
{
    if (c->state == CONN_CLOSED && is_free(c) && list_empty(&c->dirty))
        list_push(&c->worker->dead, &c->dirty);
}

void conn_drop(struct conn *c, enum metric reason)
{
    const struct person *p = c->person;

    if (c->state == CONN_CLOSED) {
        maybe_bury(c);
        return;
    }
    if (c->reason == 0)
        c->reason = reason;
    c->state = CONN_CLOSED;
    wheel_cancel(&c->worker->wheel, &c->timer);
    list_remove(&c->dirty);
    while (c->followers != NULL)
        conn_unfollow(c, c->followers);
    if (p != NULL) {
        person_remove(c->worker, c);
        own_gone(c->worker, p);
    }
    c->door->closed(c);
    out_free(c->out);
    c->out = NULL;
    io_cancel(conn_io(c), &c->recv);
    io_cancel(conn_io(c), &c->send);
    maybe_bury(c);
}

void conn_release(struct conn *c)
{
    assert(c->calls_n > 0);
    c->calls_n--;
    maybe_bury(c);
}

void conn_bury(struct worker *w)
{
    struct list *node;

    while ((node = list_pop(&w->dead)) != NULL) {
        struct conn *c = CONTAINER_OF(node, struct conn, dirty);

        if (c->recv.fd >= 0)
            io_close(conn_io(c), c->recv.fd);
        list_remove(&c->node);
        __atomic_store_n(&w->conns_n, w->conns_n - 1, __ATOMIC_RELAXED);
        pool_put(&w->conn_pool, c);
    }
}

/* Following. */

void conn_wake(struct follower *f)
{
    struct conn *c = CONTAINER_OF(f, struct conn_follower, f)->conn;

    if (list_empty(&f->work))
        list_push(&c->behind, &f->work);
    if (c->flight == NULL)
        conn_mark(c);
}

bool conn_is_person(const struct follower *f, uint64_t user)
{
    const struct conn *c =
        CONTAINER_OF((struct follower *)(uintptr_t)f, struct conn_follower, f)->conn;

    return c->person != NULL && c->person->id == user && !c->super;
}

struct conn_follower *conn_follower(const struct conn *c, const struct feed *feed)
{
    for (struct conn_follower *cf = c->followers; cf != NULL; cf = cf->next)
        if (cf->f.feed == feed)
            return cf;
    return NULL;
}

struct conn_follower *conn_follow(struct conn *c, struct feed *feed, uint64_t cursor)
{
    struct conn_follower *cf = pool_get(&c->worker->follower_pool);

    cf->conn = c;
    cf->next = c->followers;
    c->followers = cf;
    c->followers_n++;
    metrics_add(c->worker->metrics, METRIC_cursors, 1);
    feed_follow(feed, &cf->f, cursor);
    worker_presence(c->worker, feed, true);
    return cf;
}

void conn_unfollow(struct conn *c, struct conn_follower *cf)
{
    struct conn_follower **at = &c->followers;
    struct feed *feed = cf->f.feed;
    char id[ROOM_KEY_MAX];
    struct str room = {(const uint8_t *)id, feed->id_n};

    while (*at != cf)
        at = &(*at)->next;
    *at = cf->next;
    c->followers_n--;
    metrics_sub(c->worker->metrics, METRIC_cursors, 1);
    memcpy(id, feed->id, feed->id_n);
    worker_presence(c->worker, feed, false);
    if (feed_unfollow(&cf->f))
        worker_unfollowed(c->worker, room);
    pool_put(&c->worker->follower_pool, cf);
}
