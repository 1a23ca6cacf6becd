/* job_batch.h: the jobs of one chain that somebody is told about. A chain's
 * links pass through jobs that run may have freed, so they are noted before it
 * runs. For src/io only. */
#ifndef IO_JOB_BATCH_H
#define IO_JOB_BATCH_H

#include "io/host.h"

struct job_batch {
    struct io_job **jobs;
    size_t n, cap;
};

/* Replaces what b holds by the chain's jobs that have a home. */
void job_batch_note(struct job_batch *b, struct io_job *chain);

/* Mails them home, those of one home as one chain, and empties b. */
void job_batch_post(struct job_batch *b);

void job_batch_fini(struct job_batch *b);

/* The job behind job in its chain, or NULL. */
static inline struct io_job *job_batch_next(struct io_job *job)
{
    struct io_mail *next = job->mail.next;

    return next == NULL ? NULL : CONTAINER_OF(next, struct io_job, mail);
}

#endif
