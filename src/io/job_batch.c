#include "io/job_batch.h"

#include "base/mem.h"

#include <stdlib.h>

#define CAP_MIN 64

void job_batch_note(struct job_batch *b, struct io_job *chain)
{
    b->n = 0;
    for (; chain != NULL; chain = job_batch_next(chain)) {
        if (chain->home == NULL)
            continue;
        if (b->n == b->cap) {
            b->cap = MAX(b->cap * 2, (size_t)CAP_MIN);
            b->jobs = mem_resize(b->jobs, b->cap * sizeof(*b->jobs));
        }
        b->jobs[b->n++] = chain;
    }
}

/* Mails all jobs of the first one's home; keeps the others. */
static void post_one_home(struct job_batch *b)
{
    struct io *home = b->jobs[0]->home;
    struct io_mail *first = &b->jobs[0]->mail, *last = first;
    size_t kept = 0;

    for (size_t i = 1; i < b->n; i++) {
        if (b->jobs[i]->home == home) {
            last->next = &b->jobs[i]->mail;
            last = last->next;
        } else {
            b->jobs[kept++] = b->jobs[i];
        }
    }
    b->n = kept;
    io_post(home, first, last);
}

void job_batch_post(struct job_batch *b)
{
    while (b->n > 0)
        post_one_home(b);
}

void job_batch_fini(struct job_batch *b)
{
    free(b->jobs);
    *b = (struct job_batch){0};
}
