#include "lib/store_fault.h"

#include "base/list.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

union any_req {
    struct store_req req;
    struct store_log log;
    struct store_append append;
    struct store_read read;
    struct store_amends amends;
    struct store_get get;
    struct store_put put;
    struct store_list list;
    struct store_next next;
    struct store_walk walk;
};

static const size_t sizes[] = {
    [STORE_LOG] = sizeof(struct store_log),   [STORE_APPEND] = sizeof(struct store_append),
    [STORE_READ] = sizeof(struct store_read), [STORE_AMENDS] = sizeof(struct store_amends),
    [STORE_GET] = sizeof(struct store_get),   [STORE_PUT] = sizeof(struct store_put),
    [STORE_LIST] = sizeof(struct store_list), [STORE_NEXT] = sizeof(struct store_next),
    [STORE_WALK] = sizeof(struct store_walk), [STORE_FILL] = sizeof(struct store_fill),
};

struct store_fault {
    struct store store;
    struct store *inner; /* NULL: closed */
    struct rng rng;
    struct store_fault_options o;
    struct store_fault_counts counts;
    struct list held;
    bool clocked;
    uint64_t clock_ms;
};

/* A request under way: the inner store gets a copy of it. */
struct held {
    union any_req copy;
    struct io_mail mail;
    struct list node;
    struct store_fault *fault;
    struct store_req *req;
    enum store_result result;
    unsigned turns;
    bool loses, answered;
};

static void finish(struct held *h)
{
    struct store_fault *f = h->fault;
    struct store_req *req = h->req;

    req->result = h->result;
    list_remove(&h->node);
    free(h);
    if (f->inner == NULL && list_empty(&f->held))
        free(f);
    req->done(req);
}

static void turn(struct io_mail *mail)
{
    struct held *h = CONTAINER_OF(mail, struct held, mail);
    struct store *inner = h->fault->inner;

    if (h->turns > 0 && inner != NULL) {
        h->turns--;
        io_post(h->req->home, &h->mail, &h->mail);
    } else if (h->answered || inner == NULL) {
        finish(h);
    } else {
        inner->ops->submit(inner, &h->copy.req);
    }
}

/* What comes next waits at least until the loop's next turn. */
static void hold(struct held *h)
{
    struct store_fault *f = h->fault;

    h->turns = 0;
    if (rng_chance(&f->rng, f->o.delay)) {
        h->turns = 1 + (unsigned)rng_below(&f->rng, f->o.turns_max);
        f->counts.held++;
    }
    h->mail.deliver = turn;
    io_post(h->req->home, &h->mail, &h->mail);
}

static void answered(struct store_req *req)
{
    struct held *h = CONTAINER_OF(req, struct held, copy.req);
    size_t size = sizes[req->op];

    memcpy((char *)h->req + sizeof(*req), (char *)&h->copy + sizeof(*req), size - sizeof(*req));
    h->answered = true;
    h->result = req->result;
    if (h->loses && h->result == STORE_OK) {
        h->result = STORE_FAILED;
        h->fault->counts.lost++;
    }
    hold(h);
}

static void fault_submit(struct store *s, struct store_req *req)
{
    struct store_fault *f = CONTAINER_OF(s, struct store_fault, store);
    bool writes = req->op == STORE_APPEND || req->op == STORE_PUT || req->op == STORE_NEXT;
    struct held *h = calloc(1, sizeof(*h));

    if (h == NULL)
        abort();
    memcpy(&h->copy, req, sizes[req->op]);
    h->copy.req.done = answered;
    h->fault = f;
    h->req = req;
    h->result = STORE_CANCELED;
    h->loses = writes && rng_chance(&f->rng, f->o.lose);
    h->answered = rng_chance(&f->rng, f->o.fail) || (f->o.lists && req->op == STORE_LIST);
    if (h->answered) {
        h->result = STORE_FAILED;
        f->counts.failed++;
    }
    if (writes && f->o.full) {
        h->answered = true;
        h->result = STORE_FULL;
    }
    list_push(&f->held, &h->node);
    hold(h);
}

static void fault_stats(struct store *s, struct store_stats *ret_stats)
{
    store_stats(CONTAINER_OF(s, struct store_fault, store)->inner, ret_stats);
}

static uint64_t fault_wall_ms(struct store *s, struct io *io)
{
    const struct store_fault *f = CONTAINER_OF(s, struct store_fault, store);

    return f->clocked ? io_now_ms(io) + f->clock_ms : store_wall_ms(f->inner, io);
}

void store_fault_clock(struct store_fault *f, uint64_t clock_ms)
{
    f->clocked = true;
    f->clock_ms = clock_ms;
}

static void fault_close(struct store *s)
{
    struct store_fault *f = CONTAINER_OF(s, struct store_fault, store);

    store_close(f->inner);
    f->inner = NULL;
    if (list_empty(&f->held))
        free(f);
}

static const struct store_ops fault_ops = {
    .name = "fault",
    .submit = fault_submit,
    .stats = fault_stats,
    .wall_ms = fault_wall_ms,
    .close = fault_close,
};

struct store_fault *store_fault_new(struct store *inner, uint64_t seed,
                                    struct store_fault_options o)
{
    struct store_fault *f = calloc(1, sizeof(*f));

    if (f == NULL)
        abort();
    f->store.ops = &fault_ops;
    f->inner = inner;
    rng_init(&f->rng, seed);
    list_init(&f->held);
    store_fault_set(f, o);
    return f;
}

struct store *store_fault_store(struct store_fault *f)
{
    return &f->store;
}

void store_fault_set(struct store_fault *f, struct store_fault_options o)
{
    assert(o.delay == 0 || o.turns_max > 0);
    f->o = o;
}

struct store_fault_counts store_fault_count(const struct store_fault *f)
{
    return f->counts;
}
