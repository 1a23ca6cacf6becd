#include "lib/sim_holes.h"

#include "base/str.h"

enum { HOLES_MAX = 3, HOLE_MAX = 20, PAGE_N = 50, BEFORE_MAX = 5 };

struct holes {
    const struct sim_disk *disk;
    struct rng *rng;
    uint64_t n;
};

/* How many entries go with the one at seq; 0: they may not, or seq is within an item. */
static uint64_t loses(const struct holes *h, const struct sim_log *log, struct str room,
                      uint64_t seq)
{
    uint64_t n = h->disk->dynamo == NULL ? 1 : dynamo_model_item(h->disk->dynamo, room, seq);

    for (uint64_t i = 0; i < n; i++)
        if (!sim_check_may_lose(log, seq + i))
            return 0;
    return n;
}

/* From there on, as many as may go, up to some number. */
static void make_hole(struct holes *h, struct sim_log *log, struct str room, uint64_t from)
{
    uint64_t most = 1 + rng_below(h->rng, HOLE_MAX), n;

    for (uint64_t seq = from; seq < from + most; seq += n) {
        if (sim_check_is_lost(log, seq))
            return;
        n = loses(h, log, room, seq);
        if (n == 0)
            return;
        if (h->disk->dynamo == NULL)
            store_mem_disk_lose(h->disk->mem, room, seq, n);
        else
            dynamo_model_lose(h->disk->dynamo, room, seq);
        sim_check_lost(log, seq, n);
        h->n += n;
    }
}

static void make_some(void *ctx, struct sim_log *log, struct str room)
{
    struct holes *h = ctx;

    for (uint64_t i = rng_below(h->rng, HOLES_MAX + 1); i > 0; i--)
        make_hole(h, log, room, 1 + rng_below(h->rng, sim_check_head(log) + 1));
}

uint64_t sim_holes_make(struct sim_check *check, const struct sim_disk *disk, struct rng *rng)
{
    struct holes h = {.disk = disk, .rng = rng};

    assert(disk->dynamo != NULL || disk->mem != NULL);
    sim_check_each(check, make_some, &h);
    return h.n;
}

void sim_holes_look(struct sim_client *c)
{
    for (unsigned i = 0; i < SIM_CLIENT_ROOMS; i++) {
        const struct sim_log *log = c->rooms[i].follow.log;
        uint64_t from = log != NULL ? sim_check_first_lost(log) : 0;
        struct sim_op *op = from > 0 ? sim_client_ask(c, SIM_OP_LOG, i) : NULL;

        if (op == NULL)
            continue;
        op->target = from - MIN(from, UINT64_C(1) + rng_below(&c->crowd->rng, BEFORE_MAX));
        op->text_n = PAGE_N;
    }
}
