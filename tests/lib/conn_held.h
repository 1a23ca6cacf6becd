/* conn_held.h: the bytes that a connection keeps from going away. */
#ifndef LIB_CONN_HELD_H
#define LIB_CONN_HELD_H

#include "server/conn/conn.h"
#include "server/node/flight.h"

/* Answers, and what a send is under way for. */
static inline size_t conn_held(const struct conn *c)
{
    size_t n = c->out != NULL ? buf_len(c->out) : 0;
    const struct flight *f = c->flight;

    if (f == NULL)
        return n;
    n += f->out != NULL ? buf_len(f->out) : 0;
    for (unsigned i = 0; i < f->frames_n; i++)
        n += f->frames[i]->n;
    return n;
}

#endif
