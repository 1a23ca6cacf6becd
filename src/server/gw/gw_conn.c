#include "server/gw/gw_conn.h"

#include <stdlib.h>

void gw_conn_free(struct gw_conn *g)
{
    struct conn *c = g->conn;

    assert(c->state == CONN_CLOSED && g->waits == NULL && g->early == NULL && !g->giving);
    if (g->posting || g->keep.asking)
        return;
    c->own = NULL;
    conn_count(c);
    buf_fini(&g->frame);
    buf_fini(&g->body);
    buf_fini(&g->keep.body);
    free(g->restore);
    free(g->source);
    free(g->base);
    free(g);
}

bool gw_conn_is_exact(const struct conn *c)
{
    const struct gw_conn *g = gw_conn_of(c);

    return !g->posting && g->events_n == 0 && (c->out == NULL || buf_len(c->out) == 0);
}
