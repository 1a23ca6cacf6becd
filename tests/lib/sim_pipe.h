/* sim_pipe.h: an HTTP connection of a simulated client that asks again before it
 * was answered, and whose requests leave in pieces: a head without its body, half
 * a head, or many requests at once.
 *
 *   ask --> out --piece by piece--> link          tags of what was asked, in order
 *                                     |                        |
 *   answered(tag) <----------------- its answers, in order ----+ */
#ifndef LIB_SIM_PIPE_H
#define LIB_SIM_PIPE_H

#include "lib/sim_link.h"

struct sim_pipe;

struct sim_pipe_ops {
    void (*answered)(struct sim_pipe *p, unsigned tag, int status, struct str body);
    /* The connection went before it was answered; called from sim_pipe_turn. */
    void (*lost)(struct sim_pipe *p, unsigned tag);
};

enum { SIM_PIPE_MAX = 32 };

enum sim_pipe_form {
    SIM_PIPE_PLAIN,   /* with its length */
    SIM_PIPE_EXPECT,  /* and Expect: 100-continue; the body does not wait for it always */
    SIM_PIPE_CHUNKED, /* in chunks */
    SIM_PIPE_FORMS,
};

struct sim_pipe {
    struct sim_link link;
    const struct sim_pipe_ops *ops;
    void *ctx; /* of whoever asks */
    struct buf out;
    uint64_t due_ms, asked_ms; /* asked_ms: the first that is not answered, or its turn */
    unsigned tags[SIM_PIPE_MAX];
    unsigned first, n;
};

void sim_pipe_init(struct sim_pipe *p, const struct sim_pipe_ops *ops, struct io *io,
                   struct rng *rng);
void sim_pipe_fini(struct sim_pipe *p);

/* Opens it, if it is down. */
void sim_pipe_open(struct sim_pipe *p, const struct io_addr *addr);

/* Asks; ops->answered or ops->lost follows. False if it is not open, or too much is
 * unanswered. A NULL body is a GET. */
bool sim_pipe_ask(struct sim_pipe *p, unsigned tag, const char *target, const struct str *body,
                  enum sim_pipe_form form) MUST_CHECK;

/* Lets some of what waits go, perhaps, and says what was lost. When it wants to be
 * called next. */
uint64_t sim_pipe_turn(struct sim_pipe *p);

#endif
