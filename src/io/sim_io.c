#include "io/sim_world.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Mail that is left for a later turn. */
#define LATER_PER_MILLE 125

struct sim_loop *sim_io_loop(struct io *io)
{
    return CONTAINER_OF(io, struct sim_loop, io);
}

static uint64_t loop_now_ms(struct io *io)
{
    return sim_io_loop(io)->now_us / 1000;
}

static uint64_t loop_wall_ms(struct io *io)
{
    const struct sim_host *h = sim_io_loop(io)->host;
    int64_t now = (int64_t)loop_now_ms(io);
    int64_t gained = (now - (int64_t)h->clock_set_ms) * h->clock_ppm / 1000000;

    return SIM_WALL_MS + (uint64_t)(now + h->clock_ms + gained);
}

static uint64_t loop_clock_us(struct io *io)
{
    return sim_io_loop(io)->sim->now_us;
}

static void loop_random(struct io *io, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)sim_below(sim_io_loop(io)->sim, 256);
}

static int loop_listen(struct io *io, const struct io_addr *addr, int *ret_fd)
{
    return sim_net_listen(sim_io_loop(io), addr, ret_fd);
}

static int loop_adopt(struct io *io, int fd)
{
    return sim_net_adopt(sim_io_loop(io), fd);
}

static int loop_release(struct io *io, int fd)
{
    return sim_net_release(sim_io_loop(io), fd);
}

static void loop_accept(struct io *io, struct io_op *op)
{
    sim_net_wait_in(sim_io_loop(io), op, OP_ACCEPT);
}

static void loop_connect(struct io *io, struct io_op *op, const struct io_addr *addr)
{
    sim_net_connect(sim_io_loop(io), op, addr);
}

static void loop_recv(struct io *io, struct io_op *op)
{
    sim_net_wait_in(sim_io_loop(io), op, OP_RECV);
}

static void loop_send(struct io *io, struct io_op *op)
{
    sim_net_send(sim_io_loop(io), op);
}

static void loop_cancel(struct io *io, struct io_op *op)
{
    sim_net_cancel(sim_io_loop(io), op);
}

static void loop_shutdown(struct io *io, int fd)
{
    sim_net_shutdown(sim_io_loop(io), fd);
}

static void loop_close(struct io *io, int fd)
{
    sim_net_close(sim_io_loop(io), fd);
}

static void loop_peer(struct io *io, int fd, struct io_addr *ret_addr)
{
    *ret_addr = sim_net_sock(sim_io_loop(io)->sim, fd)->remote;
}

static void loop_local(struct io *io, int fd, struct io_addr *ret_addr)
{
    *ret_addr = sim_net_sock(sim_io_loop(io)->sim, fd)->local;
}

/* Tells, in any order, most of the ops that have their result. */
static void run_done(struct sim_loop *l)
{
    struct op_queue *q = &l->running;

    *q = l->done;
    l->done = (struct op_queue){0};
    while (q->n > 0) {
        size_t i = sim_below(l->sim, q->n);
        struct io_op *op = q->ops[i];

        q->ops[i] = q->ops[--q->n];
        if (sim_chance(l->sim, l->sim->later)) {
            op_queue_push(&l->done, op, op->result);
            continue;
        }
        l->awake = true;
        op->in_flight = false;
        op->done(op, op->result, NULL);
    }
    op_queue_fini(q);
}

/* Cuts the first n of box off as a box of its own. */
static struct sim_box cut(struct sim_box *box, size_t n)
{
    struct sim_box head = {.first = box->first, .n = n};
    struct io_mail *last = box->first;

    for (size_t i = 1; i < n; i++)
        last = last->next;
    box->first = last->next;
    box->n -= n;
    last->next = NULL;
    return head;
}

/* Takes some, mostly all, of every box. Returns how many boxes had mail. */
static size_t take_mail(struct sim_loop *l, struct sim_box **ret_taken)
{
    struct sim_box *taken;
    size_t n = 0, boxes_n = 0;

    for (struct sim_box *b = l->boxes; b != NULL; b = b->next)
        boxes_n += b->n > 0;
    taken = mem_zeroed(boxes_n + 1, sizeof(*taken));
    for (struct sim_box *b = l->boxes; b != NULL; b = b->next) {
        if (b->n == 0)
            continue;
        if (sim_chance(l->sim, LATER_PER_MILLE)) {
            size_t some = sim_below(l->sim, b->n + 1);

            if (some > 0)
                taken[n++] = cut(b, some);
        } else {
            taken[n++] = cut(b, b->n);
        }
    }
    *ret_taken = taken;
    return n;
}

static void deliver_some(struct sim_loop *l)
{
    struct sim_box *taken;
    size_t n = take_mail(l, &taken);

    while (n > 0) {
        size_t i = sim_below(l->sim, n);
        struct io_mail *mail = taken[i].first;

        taken[i].first = mail->next;
        if (taken[i].first == NULL)
            taken[i] = taken[--n];
        l->awake = true;
        mail->deliver(mail);
    }
    free(taken);
}

/* Results, what is ready on sockets, and mail. */
static void run_in_any_order(struct sim_loop *l)
{
    void (*parts[])(struct sim_loop *) = {run_done, sim_net_turn, deliver_some};

    for (size_t n = COUNTOF(parts); n > 0; n--) {
        size_t i = sim_below(l->sim, n);

        parts[i](l);
        parts[i] = parts[n - 1];
    }
}

static void loop_wait(struct io *io, uint64_t until_ms)
{
    struct sim_loop *l = sim_io_loop(io);
    uint64_t poster = l->sim->poster;

    l->sim->poster = l->id;
    l->until_ms = until_ms;
    l->now_us = l->sim->now_us;
    l->awake = until_ms <= l->now_us / 1000;
    run_in_any_order(l);
    l->sim->poster = poster;
}

static void loop_post(struct io *io, struct io_mail *first, struct io_mail *last)
{
    struct sim_loop *l = sim_io_loop(io);
    struct sim_box **at = &l->boxes;

    while (*at != NULL && (*at)->poster != l->sim->poster)
        at = &(*at)->next;
    if (*at == NULL) {
        *at = mem_zeroed(1, sizeof(**at));
        (*at)->poster = l->sim->poster;
    }
    last->next = NULL;
    if ((*at)->n > 0)
        (*at)->last->next = first;
    else
        (*at)->first = first;
    (*at)->last = last;
    for (struct io_mail *m = first; m != NULL; m = m->next)
        (*at)->n++;
}

static void free_boxes(struct sim_loop *l)
{
    while (l->boxes != NULL) {
        struct sim_box *b = l->boxes;

        l->boxes = b->next;
        free(b);
    }
}

static bool has_mail(const struct sim_loop *l)
{
    for (const struct sim_box *b = l->boxes; b != NULL; b = b->next)
        if (b->n > 0)
            return true;
    return false;
}

static void loop_free(struct io *io)
{
    struct sim_loop *l = sim_io_loop(io);

    while (has_mail(l))
        deliver_some(l);
    assert(l->done.n == 0 && l->socks_n == 0);
    free_boxes(l);
    op_queue_fini(&l->done);
    list_remove(&l->node);
    l->host->loops_n--;
    free(l);
}

uint64_t sim_io_next_ms(struct sim_loop *l)
{
    if (l->awake || l->done.n > 0 || has_mail(l))
        return 0;
    return MIN(l->until_ms, sim_net_next_ms(l));
}

static bool holds(const struct op_queue *q, int fd)
{
    for (size_t i = 0; i < q->n; i++)
        if (q->ops[i]->fd == fd)
            return true;
    return false;
}

bool sim_io_is_done_pending(const struct sim_loop *l, int fd)
{
    return holds(&l->done, fd) || holds(&l->running, fd);
}

static const struct io_ops sim_ops = {
    .name = "sim",
    .now_ms = loop_now_ms,
    .wall_ms = loop_wall_ms,
    .clock_us = loop_clock_us,
    .random = loop_random,
    .listen = loop_listen,
    .adopt = loop_adopt,
    .release = loop_release,
    .accept = loop_accept,
    .connect = loop_connect,
    .recv = loop_recv,
    .send = loop_send,
    .cancel = loop_cancel,
    .shutdown = loop_shutdown,
    .close = loop_close,
    .peer = loop_peer,
    .local = loop_local,
    .wait = loop_wait,
    .post = loop_post,
    .free = loop_free,
};

int sim_io_new(struct sim_host *h, struct io **ret_io)
{
    struct sim_loop *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return -ENOMEM;
    l->io.ops = &sim_ops;
    l->sim = h->sim;
    l->host = h;
    l->id = ++h->sim->ids;
    l->now_us = h->sim->now_us;
    list_push(&h->sim->loops, &l->node);
    h->loops_n++;
    *ret_io = &l->io;
    return 0;
}
