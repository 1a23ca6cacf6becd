#include "io/sim_world.h"

#include "base/mem.h"

#include <stdlib.h>

#define PIPE_MAX (64 * 1024)
#define START_US 1000000000
#define TURN_US_MAX 40

/* xorshift64*. */
static uint64_t next_random(struct sim *s)
{
    s->rng ^= s->rng >> 12;
    s->rng ^= s->rng << 25;
    s->rng ^= s->rng >> 27;
    return s->rng * 0x2545f4914f6cdd1dULL;
}

uint64_t sim_below(struct sim *s, uint64_t n)
{
    return (next_random(s) >> 16) % n;
}

bool sim_chance(struct sim *s, unsigned per_mille)
{
    return per_mille > 0 && sim_below(s, 1000) < per_mille;
}

uint64_t sim_later_ms(struct sim *s, unsigned max_ms)
{
    return sim_now_ms(s) + (max_ms > 0 ? sim_below(s, (uint64_t)max_ms + 1) : 0);
}

/* How patient the world is. */
static void draw_temper(struct sim *s)
{
    static const unsigned ready[] = {250, 500, 800}, later[] = {30, 125, 500, 850};

    s->ready = ready[sim_below(s, COUNTOF(ready))];
    s->later = later[sim_below(s, COUNTOF(later))];
}

struct sim *sim_new(uint64_t seed, struct sim_faults faults)
{
    struct sim *s = mem_zeroed(1, sizeof(*s));

    s->rng = (seed + 1) * 0x9e3779b97f4a7c15ULL;
    if (s->rng == 0)
        s->rng = 1;
    draw_temper(s);
    s->now_us = START_US;
    s->faults = faults;
    s->pipe_max = PIPE_MAX;
    list_init(&s->loops);
    list_init(&s->helpers);
    return s;
}

void sim_free(struct sim *s)
{
    if (s == NULL)
        return;
    assert(s->hosts_alive == 0);
    sim_net_fini(s);
    free(s);
}

void sim_set_faults(struct sim *s, struct sim_faults faults)
{
    s->faults = faults;
}

uint64_t sim_now_ms(const struct sim *s)
{
    return s->now_us / 1000;
}

void sim_set_pipe_max(struct sim *s, size_t bytes)
{
    assert(bytes > 0);
    s->pipe_max = bytes;
}

static void run_loop(struct sim *s, struct sim_loop *l)
{
    s->poster = l->id;
    if (!l->turn(l->arg))
        l->turn = NULL;
    s->poster = 0;
    s->now_us += sim_below(s, TURN_US_MAX);
}

static struct sim_loop *loop_at(struct list *node)
{
    return CONTAINER_OF(node, struct sim_loop, node);
}

static struct sim_helper *helper_at(struct list *node)
{
    return CONTAINER_OF(node, struct sim_helper, node);
}

static uint64_t loop_next_ms(struct list *node)
{
    const struct sim_loop *l = loop_at(node);

    return l->turn == NULL ? IO_FOREVER
                           : MAX(sim_io_next_ms(loop_at(node)), l->host->frozen_until_ms);
}

/* Counts what can run now, and runs the one with number `chosen` (counted from
 * 0) if there is one. *ret_next_ms is when the next could run. */
static size_t visit(struct sim *s, size_t chosen, uint64_t *ret_next_ms)
{
    uint64_t now = sim_now_ms(s), next = IO_FOREVER;
    size_t n = 0;

    for (struct list *at = s->loops.next; at != &s->loops; at = at->next) {
        uint64_t when = loop_next_ms(at);

        next = MIN(next, when);
        if (when <= now && n++ == chosen) {
            run_loop(s, loop_at(at));
            return n;
        }
    }
    for (struct list *at = s->helpers.next; at != &s->helpers; at = at->next) {
        uint64_t when = sim_host_next_ms(helper_at(at));

        next = MIN(next, when);
        if (when <= now && n++ == chosen) {
            sim_host_run(helper_at(at));
            return n;
        }
    }
    *ret_next_ms = next;
    return n;
}

bool sim_step(struct sim *s)
{
    uint64_t next_ms = IO_FOREVER;
    size_t n = visit(s, SIZE_MAX, &next_ms);

    if (n == 0 && next_ms == IO_FOREVER)
        return false;
    if (n == 0)
        s->now_us = next_ms * 1000;
    else
        (void)visit(s, sim_below(s, n), &next_ms);
    return true;
}
