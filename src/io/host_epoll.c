#include "io/host.h"
#include "io/io_epoll.h"
#include "io/job_batch.h"
#include "io/thread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Helpers that one turn gives jobs to before some are handed over early. */
#define OUTBOXES 4

/* Jobs for one helper, handed over in one piece at the end of a loop's turn: one
 * lock and one wake for all, and a larger batch for the store to commit. */
struct outbox {
    struct helper_epoll *to;
    struct io_job *first, *last;
};

struct epoll_loop {
    struct epoll_loop *next;
    struct outbox outboxes[OUTBOXES];
    pthread_t thread;
    bool (*turn)(void *arg);
    void *arg;
};

struct host_epoll {
    struct io_host host;
    pthread_mutex_t mutex; /* of the loops: one may start another */
    struct epoll_loop *loops;
    unsigned loops_n, helpers_n;
};

struct helper_epoll {
    struct io_helper helper;
    struct io_helper_options o;
    pthread_mutex_t mutex;
    pthread_cond_t posted;
    struct io_job *first, *last; /* what waits, linked by mail.next */
    size_t waiting_n;            /* counted where several threads share them */
    unsigned idle_n;             /* threads that are in no call of run: those that start, too */
    bool closing;
    unsigned threads_n;
    pthread_t threads[];
};

/* The loop that this thread runs; NULL in every other thread. */
static _Thread_local struct epoll_loop *current;

static struct host_epoll *host_epoll_self(struct io_host *h)
{
    return CONTAINER_OF(h, struct host_epoll, host);
}

static struct helper_epoll *helper_of(struct io_helper *helper)
{
    return CONTAINER_OF(helper, struct helper_epoll, helper);
}

static int host_new_io(struct io_host *h, struct io **ret_io)
{
    (void)h;
    return io_epoll_new(ret_io);
}

static size_t jobs_in(struct io_job *chain)
{
    size_t n = 0;

    for (; chain != NULL; chain = job_batch_next(chain))
        n++;
    return n;
}

/* Appends a chain to what the helper has to do. Who takes of it wakes the next. */
static void hand_over(struct helper_epoll *p, struct io_job *first, struct io_job *last)
{
    size_t n = p->o.threads > 1 ? jobs_in(first) : 0;
    bool wake;

    (void)pthread_mutex_lock(&p->mutex);
    assert(!p->closing);
    if (p->last != NULL)
        p->last->mail.next = &first->mail;
    else
        p->first = first;
    p->last = last;
    p->waiting_n += n;
    wake = p->idle_n > 0;
    (void)pthread_mutex_unlock(&p->mutex);
    if (wake)
        (void)pthread_cond_signal(&p->posted);
}

static void empty(struct outbox *b)
{
    if (b->to != NULL)
        hand_over(b->to, b->first, b->last);
    b->to = NULL;
}

static void *loop_run(void *arg)
{
    struct epoll_loop *l = arg;
    bool going_on = true;

    current = l;
    while (going_on) {
        going_on = l->turn(l->arg);
        for (unsigned i = 0; i < OUTBOXES; i++)
            empty(&l->outboxes[i]);
    }
    current = NULL;
    return NULL;
}

static int host_start_loop(struct io_host *h, struct io *io, bool (*turn)(void *arg), void *arg)
{
    struct host_epoll *host = host_epoll_self(h);
    struct epoll_loop *l = calloc(1, sizeof(*l));
    char name[32];
    int r;

    (void)io;
    if (l == NULL)
        return -ENOMEM;
    l->turn = turn;
    l->arg = arg;
    (void)pthread_mutex_lock(&host->mutex);
    (void)snprintf(name, sizeof(name), "worker-%u", host->loops_n);
    r = thread_start(&l->thread, name, loop_run, l);
    if (r == 0) {
        l->next = host->loops;
        host->loops = l;
        host->loops_n++;
    }
    (void)pthread_mutex_unlock(&host->mutex);
    if (r < 0)
        free(l);
    return r;
}

/* NULL: there is none, any more. */
static struct epoll_loop *pop_loop(struct host_epoll *host)
{
    struct epoll_loop *l;

    (void)pthread_mutex_lock(&host->mutex);
    l = host->loops;
    if (l != NULL)
        host->loops = l->next;
    else
        host->loops_n = 0;
    (void)pthread_mutex_unlock(&host->mutex);
    return l;
}

static void host_join_loops(struct io_host *h)
{
    struct epoll_loop *l;

    while ((l = pop_loop(host_epoll_self(h))) != NULL) {
        (void)pthread_join(l->thread, NULL);
        free(l);
    }
}

/* How many jobs one call of run gets: all threads that are idle get as many. */
static size_t share(const struct helper_epoll *p)
{
    size_t max = p->o.chain_max > 0 ? p->o.chain_max : SIZE_MAX;

    if (p->o.threads == 1)
        return max;
    return MIN((p->waiting_n + p->idle_n) / (p->idle_n + 1), max);
}

/* Cuts off what one call of run gets. Under the mutex. */
static struct io_job *host_epoll_take(struct helper_epoll *p)
{
    struct io_job *chain = p->first, *end = chain;
    size_t max = share(p), n = 1;

    if (max == SIZE_MAX) {
        p->first = p->last = NULL;
        return chain;
    }
    for (; n < max && end->mail.next != NULL; n++)
        end = job_batch_next(end);
    if (p->o.threads > 1)
        p->waiting_n -= n;
    p->first = job_batch_next(end);
    if (p->first == NULL)
        p->last = NULL;
    end->mail.next = NULL;
    return chain;
}

static struct timespec after_ms(uint64_t ms)
{
    struct timespec ts;
    uint64_t ns;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    ns = (uint64_t)ts.tv_nsec + ms % 1000 * 1000000;
    ts.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
    ts.tv_nsec = (long)(ns % 1000000000);
    return ts;
}

/* Waits for jobs until idle_ms have passed. Sets *ret_chain to the jobs, or to
 * NULL if none came; false if the helper is closed and nothing is left. The thread,
 * which comes from run if `ran`, is idle until then. */
static bool next_chain(struct helper_epoll *p, bool ran, uint64_t idle_ms,
                       struct io_job **ret_chain)
{
    struct timespec until = after_ms(idle_ms == IO_FOREVER ? 0 : idle_ms);
    bool going_on = true, more;
    int r = 0;

    *ret_chain = NULL;
    (void)pthread_mutex_lock(&p->mutex);
    p->idle_n += ran;
    while (p->first == NULL && !p->closing && r != ETIMEDOUT)
        r = idle_ms == IO_FOREVER ? pthread_cond_wait(&p->posted, &p->mutex)
                                  : pthread_cond_timedwait(&p->posted, &p->mutex, &until);
    assert(p->idle_n > 0);
    p->idle_n--;
    if (p->first != NULL)
        *ret_chain = host_epoll_take(p);
    else
        going_on = !p->closing;
    more = p->first != NULL && p->idle_n > 0;
    (void)pthread_mutex_unlock(&p->mutex);
    if (more)
        (void)pthread_cond_signal(&p->posted);
    return going_on;
}

static void *helper_run(void *arg)
{
    struct helper_epoll *p = arg;
    struct job_batch batch = {0};
    struct io_job *chain;
    uint64_t idle_ms = IO_FOREVER;
    bool ran = false;

    if (p->o.nice > 0)
        (void)!nice(p->o.nice); /* on Linux: of this thread alone */
    while (next_chain(p, ran, idle_ms, &chain)) {
        ran = true;
        job_batch_note(&batch, chain);
        idle_ms = p->o.run(p->o.ctx, chain);
        job_batch_post(&batch);
    }
    job_batch_fini(&batch);
    return NULL;
}

/* The outbox for that helper: its own, an unused one, or one that is emptied. */
static struct outbox *outbox_for(struct epoll_loop *l, struct helper_epoll *p)
{
    struct outbox *free = NULL;

    for (unsigned i = 0; i < OUTBOXES; i++) {
        if (l->outboxes[i].to == p)
            return &l->outboxes[i];
        if (l->outboxes[i].to == NULL)
            free = &l->outboxes[i];
    }
    if (free == NULL) {
        free = &l->outboxes[0];
        empty(free);
    }
    *free = (struct outbox){.to = p};
    return free;
}

static void host_submit_job(struct io_helper *helper, struct io_job *job)
{
    struct helper_epoll *p = helper_of(helper);
    struct outbox *b;

    job->mail.next = NULL;
    if (current == NULL) {
        hand_over(p, job, job);
        return;
    }
    b = outbox_for(current, p);
    if (b->first == NULL)
        b->first = job;
    else
        b->last->mail.next = &job->mail;
    b->last = job;
}

static void host_close_helper(struct io_helper *helper)
{
    struct helper_epoll *p = helper_of(helper);

    (void)pthread_mutex_lock(&p->mutex);
    p->closing = true;
    (void)pthread_cond_broadcast(&p->posted);
    (void)pthread_mutex_unlock(&p->mutex);
    for (unsigned i = 0; i < p->threads_n; i++)
        (void)pthread_join(p->threads[i], NULL);
    assert(p->first == NULL || p->threads_n == 0);
    host_epoll_self(p->helper.host)->helpers_n--;
    (void)pthread_cond_destroy(&p->posted);
    (void)pthread_mutex_destroy(&p->mutex);
    free(p);
}

static void init_locks(struct helper_epoll *p)
{
    pthread_condattr_t attr;

    if (pthread_condattr_init(&attr) != 0 ||
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
        pthread_cond_init(&p->posted, &attr) != 0 || pthread_mutex_init(&p->mutex, NULL) != 0)
        abort();
    (void)pthread_condattr_destroy(&attr);
}

static int host_new_helper(struct io_host *h, const struct io_helper_options *o,
                           struct io_helper **ret_helper)
{
    struct helper_epoll *p;

    assert(o->threads > 0);
    p = calloc(1, sizeof(*p) + o->threads * sizeof(p->threads[0]));
    if (p == NULL)
        return -ENOMEM;
    p->helper.host = h;
    p->o = *o;
    p->idle_n = o->threads;
    init_locks(p);
    host_epoll_self(h)->helpers_n++;
    for (; p->threads_n < o->threads; p->threads_n++) {
        int r = thread_start(&p->threads[p->threads_n], o->name, helper_run, p);

        if (r < 0) {
            host_close_helper(&p->helper);
            return r;
        }
    }
    *ret_helper = &p->helper;
    return 0;
}

static void host_free_epoll(struct io_host *h)
{
    struct host_epoll *host = host_epoll_self(h);

    assert(host->loops == NULL && host->helpers_n == 0);
    (void)pthread_mutex_destroy(&host->mutex);
    free(host);
}

static const struct io_host_ops epoll_ops = {
    .name = "epoll",
    .io_new = host_new_io,
    .start = host_start_loop,
    .join = host_join_loops,
    .helper_new = host_new_helper,
    .submit = host_submit_job,
    .helper_close = host_close_helper,
    .free = host_free_epoll,
};

int host_epoll_new(struct io_host **ret_host)
{
    struct host_epoll *host = calloc(1, sizeof(*host));

    if (host == NULL)
        return -ENOMEM;
    (void)pthread_mutex_init(&host->mutex, NULL);
    host->host.ops = &epoll_ops;
    *ret_host = &host->host;
    return 0;
}
