#include "io/op_queue.h"

#include "base/mem.h"

#include <stdlib.h>

#define CAP_MIN 64

void op_queue_fini(struct op_queue *q)
{
    free(q->ops);
    free(q->spare);
    *q = (struct op_queue){0};
}

void op_queue_grow(struct op_queue *q)
{
    size_t cap = MAX(q->cap * 2, (size_t)CAP_MIN);
    struct io_op **ops = mem_resize(q->ops, cap * sizeof(struct io_op *));

    q->ops = ops;
    q->cap = cap;
}

void op_queue_run(struct op_queue *q)
{
    struct io_op **ops = q->ops;
    size_t n = q->n, cap = q->cap;

    q->ops = q->spare;
    q->cap = q->spare_cap;
    q->n = 0;
    q->spare = NULL;
    q->spare_cap = 0;
    for (size_t i = 0; i < n; i++) {
        struct io_op *op = ops[i];

        op->in_flight = false;
        op->done(op, op->result, NULL);
    }
    q->spare = ops;
    q->spare_cap = cap;
}
