/* op_queue.h: ops that have their result and wait for the next io_wait to be
 * told. Shared by the implementations of io.h; for src/io only.
 *
 * An array, not a list: a broadcast completes a thousand ops per turn, and
 * linking them would touch each one's memory once more. */
#ifndef IO_OP_QUEUE_H
#define IO_OP_QUEUE_H

#include "io/io.h"

/* io_op.kind. */
enum { OP_RECV, OP_ACCEPT, OP_SEND, OP_CONNECT };

struct op_queue {
    struct io_op **ops, **spare;
    size_t n, cap, spare_cap;
};

void op_queue_fini(struct op_queue *q);

/* Doubles q. Aborts when memory is out: it holds one pointer per op in flight. */
void op_queue_grow(struct op_queue *q);

/* op is done with result once q runs. */
static inline void op_queue_push(struct op_queue *q, struct io_op *op, int result)
{
    op->result = result;
    if (q->n == q->cap)
        op_queue_grow(q);
    q->ops[q->n++] = op;
}

/* Calls done of what was pushed so far, in that order; what is pushed meanwhile
 * waits for the next run. Not to be called from inside done. */
void op_queue_run(struct op_queue *q);

#endif
