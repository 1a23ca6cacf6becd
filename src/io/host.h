/* host.h: the machine below the loops: makes them, runs each on a thread of its
 * own, and keeps helper threads for what may block.
 *
 * A helper runs jobs: the store's writer, its readers, password hashing, log
 * output. It takes everything that waits as one chain, so that one transaction
 * can carry it, and mails each job home when the chain has been run, the
 * completions for one loop as one chain.
 *
 *     worker --host_submit--> [ jobs ] --run(chain)--> --io_post--> home loop
 *
 * The simulator's host has no threads: it steps the loops, and runs jobs, one at
 * a time in an order drawn from its seed (io/io_sim.h). */
#ifndef IO_HOST_H
#define IO_HOST_H

#include "io/io.h"

struct io_host;
struct io_helper;

/* Embedded in the caller's request, who keeps it alive until mail.deliver runs
 * on home: exactly once, also when the helper is closed. */
struct io_job {
    struct io_mail mail; /* while it waits, mail.next links the chain */
    struct io *home;     /* NULL: nobody is told; run owns the job from then on */
};

/* Runs the chain (linked by mail.next, oldest first, ended by NULL) on the
 * helper's thread. Called with NULL when it had asked to be called again and
 * nothing arrived. Returns after how many ms without work it wants that call,
 * or IO_FOREVER. */
typedef uint64_t io_run_f(void *ctx, struct io_job *chain);

struct io_helper_options {
    const char *name;   /* of its threads; at most 15 characters */
    unsigned threads;   /* with more than one, chains of at most `chain_max` */
    unsigned chain_max; /* jobs that one call of run gets at most; 0: all */
    int nice;           /* how far its threads give way to the others, as nice(1) has it */
    io_run_f *run;
    void *ctx;
};

struct io_host_ops {
    const char *name;
    int (*io_new)(struct io_host *h, struct io **ret_io);
    int (*start)(struct io_host *h, struct io *io, bool (*turn)(void *arg), void *arg);
    void (*join)(struct io_host *h);
    int (*helper_new)(struct io_host *h, const struct io_helper_options *o,
                      struct io_helper **ret_helper);
    void (*submit)(struct io_helper *helper, struct io_job *job);
    void (*helper_close)(struct io_helper *helper);
    void (*free)(struct io_host *h);
};

/* First member of every implementation's own struct; of io_helper as well. */
struct io_host {
    const struct io_host_ops *ops;
};
struct io_helper {
    struct io_host *host;
};

/* A new loop, to be freed with io_free. 0 or -errno. */
static inline int host_io_new(struct io_host *h, struct io **ret_io)
{
    return h->ops->io_new(h, ret_io);
}

/* Runs turn(arg) again and again on a thread of io's own until it returns
 * false. turn calls io_wait once. Any thread, one of these too. 0 or -errno. */
static inline int host_start(struct io_host *h, struct io *io, bool (*turn)(void *arg), void *arg)
{
    return h->ops->start(h, io, turn, arg);
}

/* Returns when every started loop has ended. */
static inline void host_join(struct io_host *h)
{
    h->ops->join(h);
}

/* 0 or -errno. */
static inline int host_helper_new(struct io_host *h, const struct io_helper_options *o,
                                  struct io_helper **ret_helper)
{
    return h->ops->helper_new(h, o, ret_helper);
}

/* Any thread. */
static inline void host_submit(struct io_helper *helper, struct io_job *job)
{
    helper->host->ops->submit(helper, job);
}

/* Runs what waits, then ends the threads and frees. NULL is fine. */
static inline void host_helper_close(struct io_helper *helper)
{
    if (helper != NULL)
        helper->host->ops->helper_close(helper);
}

/* Every io, helper and loop of it must be gone. NULL is fine. */
static inline void host_free(struct io_host *h)
{
    if (h != NULL)
        h->ops->free(h);
}

/* The real machine, with epoll. 0 or -errno. */
int host_epoll_new(struct io_host **ret_host) MUST_CHECK;

/* A mutex for the threads of helpers, which may wait; a worker never takes it. */
struct host_lock;
struct host_lock *host_lock_new(void) MUST_CHECK;
void host_lock_free(struct host_lock *l);
void host_lock_take(struct host_lock *l);
void host_lock_drop(struct host_lock *l);

#endif
