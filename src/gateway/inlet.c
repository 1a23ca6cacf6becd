#include "gateway/inlet.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>

enum { HEAD_MAX = 16 * 1024, TARGET_MAX = 8192, LINGER_MS = 2000, QUEUED_MAX = 16 * 1024 * 1024 };

static void inlet_take(struct inlet *l);

void inlet_set_init(struct inlet_set *s, struct wheel *wheel)
{
    *s = (struct inlet_set){.wheel = wheel};
    list_init(&s->open);
    list_init(&s->dead);
}

static void inlet_read(struct inlet *l)
{
    if (!l->recv.in_flight && !l->paused && (l->state == INLET_READING || l->state == INLET_STREAM))
        io_recv(l->io, &l->recv);
}

void inlet_drop(struct inlet *l)
{
    if (l->state == INLET_CLOSED)
        return;
    l->state = INLET_CLOSED;
    wheel_cancel(l->set->wheel, &l->timer);
    io_cancel(l->io, &l->recv);
    io_cancel(l->io, &l->send);
    list_remove(&l->node);
    list_push(&l->set->dead, &l->node);
    l->set->open_n--;
    if (l->ops->closed != NULL)
        l->ops->closed(l);
}

static void inlet_flush(struct inlet *l)
{
    if (l->send.in_flight || l->state == INLET_CLOSED)
        return;
    l->part = buf_turn(&l->sending, &l->queued);
    if (l->part.n > 0)
        io_send(l->io, &l->send, &l->part, 1);
    else if (l->state == INLET_FLUSHING)
        io_shutdown(l->io, l->recv.fd); /* until the other end has closed, or the timer fires */
}

void inlet_finish(struct inlet *l)
{
    if (l->state == INLET_CLOSED || l->state == INLET_FLUSHING)
        return;
    l->state = INLET_FLUSHING;
    wheel_set(l->set->wheel, &l->timer, l->set->wheel->now_ms + LINGER_MS);
    if (!l->recv.in_flight)
        io_recv(l->io, &l->recv);
    inlet_flush(l);
}

/* It has lingered long enough; or what was pipelined is taken up, outside of whatever
 * answered. */
static void inlet_fired(struct wheel_timer *t)
{
    struct inlet *l = CONTAINER_OF(t, struct inlet, timer);

    if (l->state == INLET_FLUSHING) {
        inlet_drop(l);
        return;
    }
    inlet_take(l);
    inlet_read(l);
}

static void sent(struct io_op *op, int result, uint8_t *data)
{
    struct inlet *l = CONTAINER_OF(op, struct inlet, send);

    (void)data;
    if (l->state == INLET_CLOSED)
        return;
    if (result < 0) {
        inlet_drop(l);
        return;
    }
    buf_consume(&l->sending, (size_t)result);
    inlet_flush(l);
}

static void received(struct io_op *op, int result, uint8_t *data)
{
    struct inlet *l = CONTAINER_OF(op, struct inlet, recv);

    if (l->state == INLET_CLOSED)
        return;
    if (result == -ECANCELED) { /* it was paused, and perhaps reads again by now */
        if (!l->paused)
            inlet_read(l);
        return;
    }
    if (result <= 0) {
        inlet_drop(l);
        return;
    }
    if (l->state == INLET_STREAM) {
        l->ops->received(l, data, (size_t)result);
    } else if (l->state == INLET_READING || l->state == INLET_BUSY) {
        buf_append(&l->in, (struct str){data, (size_t)result});
        inlet_take(l);
    } else {
        io_recv(l->io, &l->recv); /* FLUSHING: for nothing */
        return;
    }
    inlet_read(l);
}

struct inlet *inlet_open(struct inlet_set *s, struct io *io, int fd, const struct inlet_ops *ops,
                         void *owner, size_t body_max)
{
    struct inlet *l;

    if (io_adopt(io, fd) < 0) {
        io_close(io, fd);
        return NULL;
    }
    l = mem_zeroed(1, sizeof(*l));
    l->set = s;
    l->io = io;
    l->ops = ops;
    l->owner = owner;
    l->recv = (struct io_op){.done = received, .fd = fd};
    l->send = (struct io_op){.done = sent, .fd = fd};
    l->timer.fire = inlet_fired;
    l->body_max = body_max;
    buf_init(&l->in, HEAD_MAX + IO_RECV_MAX);
    buf_init(&l->head, HEAD_MAX);
    buf_init(&l->body, body_max);
    buf_init(&l->queued, QUEUED_MAX);
    buf_init(&l->sending, QUEUED_MAX);
    list_push(&s->open, &l->node);
    s->open_n++;
    inlet_read(l);
    return l;
}

/* A violation of HTTP: what follows cannot be told apart. */
static void inlet_refuse(struct inlet *l, int status)
{
    l->close = true;
    l->head_only = false;
    l->state = INLET_BUSY;
    inlet_answer(l, &(struct http1_reply){.status = status, .content_type = STR("text/plain")},
                 str_of(http1_reason(status)));
}

/* The head, kept where nothing moves it. False: there is none yet, or it was refused. */
static bool take_head(struct inlet *l)
{
    struct http1_limits limits = {
        .head_max = HEAD_MAX, .target_max = TARGET_MAX, .body_max = UINT64_MAX};
    size_t used = 0;
    int status = 0;

    switch (http1_parse_request(buf_peek(&l->in), &limits, &l->request, &used, &status)) {
    case HTTP1_MORE:
        return false;
    case HTTP1_BAD:
        inlet_refuse(l, status);
        return false;
    case HTTP1_OK:
        break;
    }
    buf_clear(&l->head);
    buf_append(&l->head, (struct str){buf_peek(&l->in).p, used});
    buf_consume(&l->in, used);
    if (l->head.failed ||
        http1_parse_request(buf_peek(&l->head), &limits, &l->request, &used, &status) != HTTP1_OK) {
        inlet_refuse(l, 431);
        return false;
    }
    if (l->request.body == HTTP1_BODY_LENGTH && l->request.content_length > l->body_max) {
        inlet_refuse(l, 413);
        return false;
    }
    l->has_head = true;
    l->close = !l->request.keep_alive;
    l->head_only = str_eq(l->request.method, STR("HEAD"));
    http1_body_init(&l->reading, &l->request, l->body_max);
    buf_clear(&l->body);
    if (l->request.expect_continue && http1_has_body(&l->request) && buf_len(&l->in) == 0)
        (void)!inlet_send(l, STR("HTTP/1.1 100 Continue\r\n\r\n"), (struct str){0}, QUEUED_MAX);
    return true;
}

static bool take_body(struct inlet *l)
{
    int status = 0;
    enum http1_body_step step = http1_body_take(&l->reading, &l->in, &l->body, &status);

    if (step == HTTP1_STEP_BAD)
        inlet_refuse(l, status);
    return step == HTTP1_STEP_DONE;
}

/* Goes on as far as what came allows; answers that come at once do not nest. */
static void inlet_take(struct inlet *l)
{
    while (l->state == INLET_READING) {
        if (!l->has_head && (buf_len(&l->in) == 0 || !take_head(l)))
            break;
        if (!take_body(l))
            break;
        l->has_head = false;
        l->state = INLET_BUSY;
        l->ops->request(l, &l->request, buf_peek(&l->body));
    }
    if (l->in.failed && l->state == INLET_READING)
        inlet_refuse(l, 431);
}

void inlet_answer(struct inlet *l, const struct http1_reply *reply, struct str body)
{
    struct http1_reply r = *reply;

    if (l->state != INLET_BUSY)
        return;
    r.content_length = body.n;
    if (r.status == 204 || r.status == 304)
        r.content_length = HTTP1_NO_LENGTH;
    r.close = l->close;
    if (!http1_write_reply(&l->queued, &r)) {
        inlet_drop(l);
        return;
    }
    if (!l->head_only)
        buf_append(&l->queued, body);
    if (l->close) {
        inlet_finish(l);
        return;
    }
    l->state = INLET_READING;
    inlet_flush(l);
    if (buf_len(&l->in) > 0)
        wheel_set(l->set->wheel, &l->timer, 0);
    else
        inlet_read(l);
}

void inlet_upgrade(struct inlet *l, const struct http1_header *extra, size_t extra_n,
                   const struct inlet_ops *ops, void *owner)
{
    struct buf rest CLEANUP(buf_fini) = l->in;

    assert(l->state == INLET_BUSY);
    buf_init(&l->in, 0);
    if (!http1_write_reply(&l->queued, &(struct http1_reply){.status = 101,
                                                             .content_length = HTTP1_NO_LENGTH,
                                                             .extra = extra,
                                                             .extra_n = extra_n})) {
        inlet_drop(l);
        return;
    }
    l->ops = ops;
    l->owner = owner;
    l->state = INLET_STREAM;
    buf_fini(&l->head);
    buf_fini(&l->body);
    inlet_flush(l);
    if (buf_len(&rest) > 0)
        ops->received(l, rest.bytes + rest.rpos, buf_len(&rest));
    inlet_read(l);
}

bool inlet_send(struct inlet *l, struct str head, struct str payload, size_t max)
{
    size_t waits = buf_len(&l->queued) + buf_len(&l->sending);

    if (l->state == INLET_CLOSED || l->state == INLET_FLUSHING ||
        (waits > 0 && waits + head.n + payload.n > max))
        return false;
    buf_append(&l->queued, head);
    buf_append(&l->queued, payload);
    inlet_flush(l);
    return !l->queued.failed;
}

void inlet_pause(struct inlet *l, bool pause)
{
    l->paused = pause;
    if (pause)
        io_cancel(l->io, &l->recv);
    else
        inlet_read(l);
}

void inlet_drop_of(struct inlet_set *s, const void *owner)
{
    static const struct inlet_ops nobody = {0};

    for (struct list *n = s->open.next, *next; n != &s->open; n = next) {
        struct inlet *l = CONTAINER_OF(n, struct inlet, node);

        next = n->next;
        if (l->owner != owner)
            continue;
        l->ops = &nobody;
        inlet_drop(l);
    }
}

void inlet_drop_all(struct inlet_set *s)
{
    while (!list_empty(&s->open))
        inlet_drop(CONTAINER_OF(s->open.next, struct inlet, node));
}

void inlet_bury(struct inlet_set *s)
{
    for (struct list *n = s->dead.next, *next; n != &s->dead; n = next) {
        struct inlet *l = CONTAINER_OF(n, struct inlet, node);

        next = n->next;
        if (l->recv.in_flight || l->send.in_flight)
            continue;
        list_remove(n);
        io_close(l->io, l->recv.fd);
        buf_fini(&l->in);
        buf_fini(&l->head);
        buf_fini(&l->body);
        buf_fini(&l->queued);
        buf_fini(&l->sending);
        free(l);
    }
}
