#include "server/conn/conn.h"

#include "base/mem.h"
#include "base/str.h"
#include "server/conn/person.h"
#include "server/node/flight.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <errno.h>
#include <stdlib.h>

#define OUT_MAX ((size_t)8 * 1024 * 1024)
/* How long a connection that ends may send nothing, and then wait for the other end. */
#define FLUSH_MS 5000
#define LINGER_MS 2000

static void conn_received(struct io_op *op, int result, uint8_t *data);
static void sent(struct io_op *op, int result, uint8_t *data);

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
    c->recv = (struct io_op){.done = conn_received, .fd = fd};
    c->timer.fire = timer_fired;
    list_init(&c->dirty);
    list_init(&c->behind);
    list_push(&w->conns, &c->node);
    __atomic_store_n(&w->conns_n, w->conns_n + 1, __ATOMIC_RELAXED);
    c->opened_s = (uint32_t)(worker_now_ms(w) / 1000);
    c->heard_ms = (uint32_t)worker_now_ms(w);
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

static bool is_idle(const struct conn *c)
{
    return !c->recv.in_flight && c->flight == NULL && (c->out == NULL || buf_len(c->out) == 0);
}

void conn_settle(struct conn *c)
{
    assert(c->state == CONN_OPEN && c->door->settled != NULL);
    c->settling = true;
    c->paused = true;
    io_cancel(conn_io(c), &c->recv); /* if it had bytes already, received is told of them */
    conn_mark(c);
}

/* True if the connection settles, and what it was to send has been sent. */
static bool try_settle(struct conn *c)
{
    if (!c->settling || c->state != CONN_OPEN || (c->out != NULL && buf_len(c->out) > 0))
        return false;
    if (is_idle(c)) {
        c->settling = false;
        c->door->settled(c);
    }
    return true;
}

void conn_take_socket(struct conn *c, struct conn *from)
{
    assert(c->recv.fd < 0 && is_idle(from));
    c->recv.fd = from->recv.fd;
    c->secure = from->secure;
    c->heard_ms = (uint32_t)worker_now_ms(c->worker);
    from->recv.fd = -1;
    if (c->paused)
        conn_stall(c);
    else
        io_recv(conn_io(c), &c->recv);
}

bool conn_may_give(const struct conn *c)
{
    return !c->secure;
}

int conn_give_socket(struct conn *c, int *ret_fd)
{
    int r;

    assert(is_idle(c));
    r = io_release(conn_io(c), c->recv.fd);
    if (r < 0)
        return r;
    *ret_fd = c->recv.fd;
    c->recv.fd = -1;
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

void conn_fini(struct worker *w)
{
    flight_fini(&w->flights);
    pool_fini(&w->conn_pool);
    pool_fini(&w->follower_pool);
}

void conn_mark(struct conn *c)
{
    if (c->state == CONN_CLOSED || !list_empty(&c->dirty))
        return;
    list_push(&c->worker->dirty, &c->dirty);
}

void conn_mark_all(struct worker *w)
{
    for (struct list *l = w->conns.next; l != &w->conns; l = l->next)
        conn_mark(CONTAINER_OF(l, struct conn, node));
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
        c->out = mem_bytes(sizeof(*c->out));
        buf_init(c->out, out_max(c));
        c->out->failed = c->failed;
    }
    return c->out;
}

static size_t kept_by(const struct conn *c)
{
    size_t n = (c->out != NULL ? c->out->cap : 0) + (c->rest != NULL ? c->rest->cap : 0);

    if (c->flight != NULL && c->flight->out != NULL)
        n += c->flight->out->cap;
    if (c->door->kept != NULL)
        n += c->door->kept(c);
    return n;
}

void conn_count(struct conn *c)
{
    uint32_t n = (uint32_t)MIN(kept_by(c), (size_t)UINT32_MAX);

    assert(c->worker->kept >= c->kept);
    c->worker->kept += n - (uint64_t)c->kept;
    c->kept = n;
}

void conn_fail(struct conn *c, enum metric reason)
{
    if (c->state != CONN_OPEN || c->failed)
        return;
    if (c->reason == 0)
        c->reason = reason;
    c->failed = true;
    c->paused = true;
    if (c->out != NULL) {
        buf_fini(c->out);
        c->out->failed = true;
    }
    conn_count(c);
    conn_mark(c);
}

void conn_sent(struct conn *c)
{
    uint64_t max = c->worker->server->conf->unsent_replies_max;

    assert(c->out != NULL);
    if (c->out->failed) {
        conn_fail(c, METRIC_close_memory);
        return;
    }
    if (max > 0 && buf_len(c->out) > max)
        c->paused = true; /* nothing more is taken from it until it reads */
    conn_count(c);
    conn_mark(c);
}

void conn_trim(struct conn *c)
{
    if (c->out == NULL || buf_len(c->out) > 0)
        return;
    flight_out_free(c->out);
    c->out = NULL;
    conn_count(c);
}

bool conn_send(struct conn *c, struct str bytes)
{
    struct buf *out = conn_out(c);

    if (out == NULL)
        return false;
    buf_append(out, bytes);
    conn_sent(c);
    return !c->failed;
}

/* The moves that conn.h draws: only forward, and to LINGERING only from FLUSHING. */
static void set_state(struct conn *c, enum conn_state to)
{
    assert(to == CONN_LINGERING ? c->state == CONN_FLUSHING : c->state < to);
    c->state = to & 15u;
}

static void linger(struct conn *c)
{
    assert(c->state == CONN_FLUSHING && c->flight == NULL && c->out == NULL);
    if (c->over) {
        conn_drop(c, c->reason);
        return;
    }
    set_state(c, CONN_LINGERING);
    io_shutdown(conn_io(c), c->recv.fd);
    conn_timer(c, worker_now_ms(c->worker) + LINGER_MS);
}

static void fly(struct conn *c, struct flight *f)
{
    assert(c->flight == NULL && c->recv.fd >= 0);
    c->flight = f;
    f->conn = c;
    f->op = (struct io_op){.done = sent, .fd = c->recv.fd};
    io_send(conn_io(c), &f->op, f->parts, f->parts_n);
}

/* Is there something that its cursors allow, and may it be shown now? */
static bool has_runs(const struct conn *c)
{
    return !list_empty(&c->behind) && !worker_is_unproven(c->worker);
}

/* Takes what the cursors allow, rotating over the rooms. */
static void take_runs(struct conn *c, struct flight *f)
{
    size_t max = c->worker->server->conf->flush_turn_max, total = 0;
    struct conn_taken taken = {0};

    assert(c->state == CONN_OPEN && !c->failed);
    if (max == 0)
        max = OUT_MAX;
    while (f->frames_n < FLIGHT_FRAMES_MAX && total < max && has_runs(c)) {
        struct frame *run = conn_take(c, c->encoding, max - total, &taken);

        if (run == NULL)
            continue;
        total += run->n;
        flight_add_frame(f, run);
    }
    conn_take_count(c, &taken);
}

void conn_flush(struct conn *c)
{
    bool filled = false;
    struct flight *f;

    if (c->failed) {
        conn_drop(c, c->reason);
        return;
    }
    if (c->ending)
        conn_retire(c);
    if (c->flight != NULL || c->state == CONN_CLOSED)
        return;
    if (c->door->flush != NULL) {
        c->door->flush(c);
        return;
    }
    if (try_settle(c))
        return;
    if (c->state == CONN_OPEN && c->door->fill != NULL)
        filled = c->door->fill(c);
    if (c->failed) {
        conn_drop(c, c->reason);
        return;
    }
    conn_trim(c);
    f = flight_get(&c->worker->flights);
    if (c->out != NULL && buf_len(c->out) > 0) {
        flight_add_out(f, c->out);
        c->out = NULL;
    }
    if (c->state == CONN_OPEN && !filled)
        take_runs(c, f);
    if (f->parts_n == 0) {
        flight_put(&c->worker->flights, f);
        if (c->state == CONN_FLUSHING)
            linger(c);
        else if (c->stalled)
            conn_resume(c);
        return;
    }
    fly(c, f);
    conn_count(c);
}

/* True if a send could begin at once. Counts the cast. */
static bool takes_cast(struct conn *c)
{
    bool takes =
        c->state == CONN_OPEN && c->flight == NULL && !c->paused && !worker_is_unproven(c->worker);

    metrics_add(c->worker->metrics, takes ? METRIC_casts : METRIC_casts_dropped, 1);
    return takes;
}

void conn_cast(struct conn *c, struct str event, struct frame *frame)
{
    if (c->door->cast != NULL)
        c->door->cast(c, event, frame);
    else if (c->door->event != NULL && takes_cast(c))
        c->door->event(c, event);
}

void conn_cast_frame(struct conn *c, struct frame *bytes)
{
    struct flight *f;

    if (!takes_cast(c))
        return;
    if (c->out != NULL || !list_empty(&c->dirty)) {
        (void)conn_send(c, frame_str(bytes)); /* with what goes out in this turn anyway */
        return;
    }
    f = flight_get(&c->worker->flights);
    flight_add_frame(f, frame_ref(bytes));
    fly(c, f);
}

void conn_keep(struct conn *c, struct str bytes)
{
    struct buf *fed = c->worker->fed;

    if (c->state != CONN_OPEN || bytes.n == 0)
        return;
    if (c->rest == NULL && fed != NULL && bytes.p + bytes.n == fed->bytes + fed->wpos) {
        c->rest = fed; /* its end is what is left */
        c->worker->fed = NULL;
        buf_consume(c->rest, buf_len(c->rest) - bytes.n);
        conn_count(c);
        return;
    }
    if (c->rest == NULL) {
        c->rest = mem_bytes(sizeof(*c->rest));
        buf_init(c->rest, SIZE_MAX / 2);
    }
    buf_append(c->rest, bytes);
    conn_count(c);
}

/* Tells the door of what was kept; it may keep some of it again. */
static void feed_rest(struct conn *c)
{
    struct worker *w = c->worker;
    struct buf *rest = c->rest, *outer = w->fed;

    assert(c->state == CONN_OPEN && rest != NULL);
    c->rest = NULL;
    w->fed = rest;
    c->door->received(c, rest->bytes != NULL ? rest->bytes + rest->rpos : NULL, buf_len(rest));
    flight_out_free(w->fed);
    w->fed = outer;
    conn_count(c);
}

void conn_feed(struct conn *c, struct buf *bytes)
{
    struct buf *own = mem_bytes(sizeof(*own));

    assert(c->rest == NULL && c->state == CONN_OPEN);
    *own = *bytes;
    buf_init(bytes, bytes->max);
    c->rest = own;
    conn_count(c);
    if (!c->paused)
        feed_rest(c);
}

void conn_stall(struct conn *c)
{
    c->paused = c->stalled = true;
    conn_mark(c);
}

/* False if it is to read no more for now. */
static bool unpause(struct conn *c)
{
    if (!c->paused || c->settling || c->failed || c->ending || c->state != CONN_OPEN)
        return false;
    c->paused = c->stalled = c->large_n >= CONN_LARGE_MAX; /* then request_end goes on */
    if (c->paused)
        return false;
    if (c->rest != NULL)
        feed_rest(c);
    return true;
}

static void read_on(struct conn *c)
{
    if (c->state == CONN_OPEN && !c->paused && !c->recv.in_flight && c->recv.fd >= 0)
        io_recv(conn_io(c), &c->recv);
}

uint64_t conn_heard_ms(const struct conn *c)
{
    uint64_t now = worker_now_ms(c->worker);

    return now - (uint32_t)((uint32_t)now - c->heard_ms);
}

void conn_resume(struct conn *c)
{
    if (unpause(c))
        read_on(c);
}

static void sent(struct io_op *op, int result, uint8_t *data)
{
    struct flight *f = CONTAINER_OF(op, struct flight, op);
    struct conn *c = f->conn;
    struct worker *w = c->worker;

    (void)data;
    assert(c->flight == f);
    if (result >= 0) {
        metrics_add(w->metrics, METRIC_sends, 1);
        metrics_add(w->metrics, METRIC_bytes_out, (uint64_t)result);
    }
    if (result >= 0 && flight_advance(f, (size_t)result) && c->state != CONN_CLOSED) {
        if (c->state == CONN_FLUSHING)
            conn_timer(c, worker_now_ms(w) + FLUSH_MS);
        io_send(conn_io(c), op, f->parts, f->parts_n);
        return;
    }
    flight_put(&w->flights, f);
    c->flight = NULL;
    conn_count(c);
    if (result < 0 || c->state == CONN_CLOSED) {
        conn_drop(c, METRIC_close_gone);
        return;
    }
    if (c->out != NULL || has_runs(c) || c->state == CONN_FLUSHING || c->settling) {
        conn_mark(c);
        return;
    }
    (void)unpause(c);
    if (c->state == CONN_OPEN && c->door->drained != NULL)
        c->door->drained(c);
    read_on(c); /* unless what came before is being answered */
}

/* Receiving. */

/* The other end says no more; what is on its way to it may still be wanted. */
static void conn_ended(struct conn *c)
{
    if (c->state == CONN_OPEN && (c->out != NULL || c->flight != NULL))
        conn_finish(c, METRIC_close_gone);
    else if (c->state != CONN_FLUSHING)
        conn_drop(c, METRIC_close_gone);
}

static void conn_received(struct io_op *op, int result, uint8_t *data)
{
    struct conn *c = CONTAINER_OF(op, struct conn, recv);

    if (result == -ECANCELED && c->state != CONN_CLOSED) { /* conn_settle did that */
        if (c->settling)
            conn_mark(c);
        else if (!c->over)
            io_recv(conn_io(c), op); /* but then the connection was finished */
        return;
    }
    if (c->state == CONN_CLOSED || result < 0) {
        conn_drop(c, METRIC_close_gone);
        return;
    }
    if (result == 0) {
        c->over = true;
        conn_ended(c);
        return;
    }
    metrics_add(c->worker->metrics, METRIC_receives, 1);
    metrics_add(c->worker->metrics, METRIC_bytes_in, (uint64_t)result);
    c->heard_ms = (uint32_t)worker_now_ms(c->worker);
    if (c->pinged) { /* the next ping is due earlier than what the timer waits for */
        c->pinged = false;
        if (c->state == CONN_OPEN)
            conn_timer(c, worker_now_ms(c->worker));
    }
    if (c->state == CONN_OPEN && c->rest == NULL) {
        c->door->received(c, data, (size_t)result);
    } else if (c->state == CONN_OPEN) {
        conn_keep(c, (struct str){data, (size_t)result});
        if (!c->paused)
            feed_rest(c);
    }
    if (c->settling)
        conn_mark(c);
    else if (c->state != CONN_CLOSED && !(c->state == CONN_OPEN && c->paused) && !op->in_flight)
        io_recv(conn_io(c), op);
}

/* The end. */

void conn_finish(struct conn *c, enum metric reason)
{
    if (c->state != CONN_OPEN)
        return;
    c->reason = reason;
    c->settling = false;
    conn_mark(c);
    set_state(c, CONN_FLUSHING);
    conn_timer(c, worker_now_ms(c->worker) + FLUSH_MS);
    if (!c->recv.in_flight && !c->over && c->recv.fd >= 0)
        io_recv(conn_io(c), &c->recv); /* it may write before it reads */
}

void conn_end(struct conn *c, uint16_t code, struct str reason, enum metric why)
{
    if (c->door->end != NULL)
        c->door->end(c, code, reason, why);
    else
        conn_finish(c, why);
}

void conn_retire(struct conn *c)
{
    assert(c->door->event != NULL && conn_socket(c) == c);
    if (c->state != CONN_OPEN)
        return;
    c->ending = c->paused = true;
    if (c->calls_n == 0 && (c->door->is_busy == NULL || !c->door->is_busy(c)))
        conn_end(c, WS_CLOSE_SERVICE_RESTART, STR("draining"), METRIC_close_draining);
}

struct conn *conn_socket(struct conn *c)
{
    return c->state == CONN_OPEN && c->door->socket != NULL ? c->door->socket(c) : c;
}

static bool is_free(const struct conn *c)
{
    return c->calls_n == 0 && !c->recv.in_flight && c->flight == NULL;
}

static void maybe_bury(struct conn *c)
{
    if (c->state == CONN_CLOSED && is_free(c) && list_empty(&c->dirty))
        list_push(&c->worker->dead, &c->dirty);
}

void conn_drop(struct conn *c, enum metric reason)
{
    if (c->state == CONN_CLOSED) {
        maybe_bury(c);
        return;
    }
    if (c->reason == 0)
        c->reason = reason;
    set_state(c, CONN_CLOSED);
    c->settling = false;
    wheel_cancel(&c->worker->wheel, &c->timer);
    list_remove(&c->dirty);
    while (c->followers != NULL)
        conn_unfollow(c, c->followers);
    assert(c->followers_n == 0);
    if (c->person != NULL)
        conn_drop_person(c);
    if (c->door->closed != NULL)
        c->door->closed(c);
    flight_out_free(c->out);
    flight_out_free(c->rest);
    c->out = c->rest = NULL;
    conn_count(c);
    io_cancel(conn_io(c), &c->recv);
    if (c->flight != NULL)
        io_cancel(conn_io(c), &c->flight->op);
    maybe_bury(c);
}

void conn_take_person(struct conn *c, struct person *p)
{
    assert(c->person == NULL && c->state == CONN_OPEN);
    c->person = p;
    c->next_of_person = p->conns;
    p->conns = c;
    if (c->next_of_person == NULL)
        c->worker->watch->came(c->worker, p);
}

void conn_drop_person(struct conn *c)
{
    struct person *p = c->person;
    struct conn **at = &p->conns;

    assert(p->conns != NULL);
    while (*at != c)
        at = &(*at)->next_of_person;
    *at = c->next_of_person;
    c->person = NULL;
    c->worker->watch->gone(c->worker, p);
}

void conn_release(struct conn *c)
{
    assert(c->calls_n > 0);
    c->calls_n--;
    maybe_bury(c);
}

unsigned conn_relieve(struct worker *w, uint64_t budget)
{
    unsigned n = 0;
    uint32_t most;

    while (w->kept > budget) {
        most = 0;
        for (struct list *l = w->conns.next; l != &w->conns; l = l->next)
            most = MAX(most, CONTAINER_OF(l, struct conn, node)->kept);
        for (struct list *l = w->conns.next; l != &w->conns && w->kept > budget; l = l->next) {
            struct conn *c = CONTAINER_OF(l, struct conn, node);

            if (c->state == CONN_CLOSED || c->kept <= most / 2)
                continue;
            conn_drop(c, METRIC_close_memory); /* its node stays until conn_bury */
            n++;
        }
        if (most == 0)
            break;
    }
    return n;
}

void conn_bury(struct worker *w)
{
    struct list *node;

    while ((node = list_pop(&w->dead)) != NULL) {
        struct conn *c = CONTAINER_OF(node, struct conn, dirty);

        assert(c->state == CONN_CLOSED && is_free(c) && c->person == NULL && c->kept == 0);
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

    assert(c->state != CONN_CLOSED);
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

    assert(c->state == CONN_OPEN);
    cf->conn = c;
    cf->next = c->followers;
    c->followers = cf;
    c->followers_n++;
    metrics_add(c->worker->metrics, METRIC_cursors, 1);
    feed_follow(feed, &cf->f, cursor);
    c->worker->watch->followed(c->worker, feed, true);
    return cf;
}

void conn_unfollow(struct conn *c, struct conn_follower *cf)
{
    struct conn_follower **at = &c->followers;
    struct feed *feed = cf->f.feed;
    char id[KEYS_ROOM_MAX];
    struct str room = {(const uint8_t *)id, feed->id_n};

    assert(cf->conn == c && c->followers_n > 0);
    while (*at != cf)
        at = &(*at)->next;
    *at = cf->next;
    c->followers_n--;
    metrics_sub(c->worker->metrics, METRIC_cursors, 1);
    memcpy(id, feed->id, feed->id_n);
    c->worker->watch->followed(c->worker, feed, false);
    if (feed_unfollow(&cf->f))
        c->worker->watch->forsaken(c->worker, room);
    pool_put(&c->worker->follower_pool, cf);
}
