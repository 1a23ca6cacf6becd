#include "io/sim_world.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

static struct sim_host *sim_host_self(struct io_host *h)
{
    return CONTAINER_OF(h, struct sim_host, host);
}

static struct sim_helper *helper_of(struct io_helper *helper)
{
    return CONTAINER_OF(helper, struct sim_helper, helper);
}

static int host_io(struct io_host *h, struct io **ret_io)
{
    return sim_io_new(sim_host_self(h), ret_io);
}

static int host_begin(struct io_host *h, struct io *io, bool (*turn)(void *arg), void *arg)
{
    struct sim_loop *l = sim_io_loop(io);

    assert(l->host == sim_host_self(h) && l->turn == NULL);
    l->turn = turn;
    l->arg = arg;
    l->awake = true;
    return 0;
}

static bool is_running(struct sim_host *h)
{
    for (struct list *at = h->sim->loops.next; at != &h->sim->loops; at = at->next) {
        const struct sim_loop *l = CONTAINER_OF(at, struct sim_loop, node);

        if (l->host == h && l->turn != NULL)
            return true;
    }
    return false;
}

static void host_end(struct io_host *h)
{
    while (is_running(sim_host_self(h)))
        if (!sim_step(sim_host_self(h)->sim))
            abort(); /* a loop that sleeps for ever is never joined */
}

static int host_helper(struct io_host *h, const struct io_helper_options *o,
                       struct io_helper **ret_helper)
{
    struct sim_helper *p = calloc(1, sizeof(*p));

    assert(o->threads > 0);
    if (p == NULL)
        return -ENOMEM;
    p->helper.host = h;
    p->host = sim_host_self(h);
    p->o = *o;
    p->id = p->host->sim->ids + 1;
    p->host->sim->ids += o->threads;
    p->idle_ms = IO_FOREVER;
    list_push(&p->host->sim->helpers, &p->node);
    p->host->helpers_n++;
    *ret_helper = &p->helper;
    return 0;
}

static void host_submit_job(struct io_helper *helper, struct io_job *job)
{
    struct sim_helper *p = helper_of(helper);

    job->mail.next = NULL;
    if (p->jobs_n++ > 0) {
        p->last->mail.next = &job->mail;
    } else {
        p->first = job;
        p->start_ms = sim_later_ms(p->host->sim, p->host->sim->faults.job_ms) + p->host->far_ms;
    }
    p->last = job;
}

/* Takes n jobs behind the first `skip` out of the queue. */
static struct io_job *sim_host_take(struct sim_helper *p, size_t skip, size_t n)
{
    struct io_job *before = NULL, *chain = p->first, *end, *rest;

    for (size_t i = 0; i < skip; i++) {
        before = chain;
        chain = job_batch_next(chain);
    }
    end = chain;
    for (size_t i = 1; i < n; i++)
        end = job_batch_next(end);
    rest = job_batch_next(end);
    end->mail.next = NULL;
    if (before == NULL)
        p->first = rest;
    else
        before->mail.next = rest == NULL ? NULL : &rest->mail;
    if (rest == NULL)
        p->last = before;
    p->jobs_n -= n;
    return chain;
}

/* Cuts out what one call of run gets: of one thread a beginning of the queue;
 * of several whatever another may have left. */
static struct io_job *take_some(struct sim_helper *p)
{
    struct sim *s = p->host->sim;
    size_t skip = p->o.threads > 1 ? sim_below(s, MIN((size_t)p->o.threads, p->jobs_n)) : 0;
    size_t n = p->jobs_n - skip;

    if (p->o.chain_max > 0)
        n = MIN(n, (size_t)p->o.chain_max);
    if (sim_chance(s, 300))
        n = 1 + sim_below(s, n);
    return sim_host_take(p, skip, n);
}

/* After a crash nothing is done any more, but for jobs that only run can free. */
static void run_chain(struct sim_helper *p, struct io_job *chain)
{
    uint64_t idle;

    job_batch_note(&p->batch, chain);
    if (p->host->crashed) {
        while (chain != NULL) {
            struct io_job *next = job_batch_next(chain);

            chain->mail.next = NULL;
            if (chain->home == NULL)
                (void)p->o.run(p->o.ctx, chain);
            chain = next;
        }
        p->idle_ms = IO_FOREVER;
    } else {
        idle = p->o.run(p->o.ctx, chain);
        p->idle_ms = idle == IO_FOREVER ? IO_FOREVER : sim_now_ms(p->host->sim) + idle;
    }
    job_batch_post(&p->batch);
}

void sim_host_run(struct sim_helper *p)
{
    struct sim *s = p->host->sim;
    uint64_t poster = s->poster;

    s->poster = p->id + sim_below(s, p->o.threads);
    run_chain(p, p->jobs_n > 0 ? take_some(p) : NULL);
    if (p->jobs_n > 0)
        p->start_ms = sim_later_ms(s, s->faults.job_ms) + p->host->far_ms;
    s->poster = poster;
}

uint64_t sim_host_next_ms(const struct sim_helper *p)
{
    return MAX(p->jobs_n > 0 ? p->start_ms : p->idle_ms, p->host->frozen_until_ms);
}

static void host_close_helper(struct io_helper *helper)
{
    struct sim_helper *p = helper_of(helper);

    while (p->jobs_n > 0)
        sim_host_run(p);
    list_remove(&p->node);
    p->host->helpers_n--;
    job_batch_fini(&p->batch);
    free(p);
}

static void host_free_sim(struct io_host *h)
{
    struct sim_host *host = sim_host_self(h);

    assert(host->loops_n == 0 && host->helpers_n == 0);
    host->sim->hosts_alive--;
    free(host);
}

static const struct io_host_ops sim_ops = {
    .name = "sim",
    .io_new = host_io,
    .start = host_begin,
    .join = host_end,
    .helper_new = host_helper,
    .submit = host_submit_job,
    .helper_close = host_close_helper,
    .free = host_free_sim,
};

struct io_host *sim_host_new(struct sim *s)
{
    struct sim_host *h = mem_zeroed(1, sizeof(*h));

    h->host.ops = &sim_ops;
    h->sim = s;
    h->number = ++s->hosts_n;
    s->hosts_alive++;
    return &h->host;
}

void sim_host_far(struct io_host *h, unsigned ms)
{
    sim_host_self(h)->far_ms = ms;
}

void sim_host_freeze(struct io_host *h, uint64_t ms)
{
    sim_host_self(h)->frozen_until_ms = sim_now_ms(sim_host_self(h)->sim) + ms;
}

void sim_host_clock(struct io_host *h, int64_t ms, int ppm)
{
    struct sim_host *host = sim_host_self(h);

    host->clock_ms = ms;
    host->clock_ppm = ppm;
    host->clock_set_ms = sim_now_ms(host->sim);
}

void sim_host_crash(struct io_host *h)
{
    struct sim_host *host = sim_host_self(h);

    host->crashed = true;
    sim_net_crash(host);
    for (struct list *at = host->sim->helpers.next; at != &host->sim->helpers; at = at->next) {
        struct sim_helper *p = CONTAINER_OF(at, struct sim_helper, node);

        while (p->host == host && p->jobs_n > 0)
            sim_host_run(p);
    }
}
