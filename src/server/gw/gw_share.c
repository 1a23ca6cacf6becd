#include "server/gw/gw_share.h"

#include "server/gw/gw_give.h"
#include "server/node/worker.h"

/* A part of a connection is one by chance: on average it comes out right. */
static unsigned part_of(struct worker *w, unsigned n, unsigned percent)
{
    uint64_t hundredths = (uint64_t)n * percent;
    uint16_t r;

    io_random(w->io, (uint8_t *)&r, sizeof(r));
    return (unsigned)(hundredths / 100) + (r % 100 < hundredths % 100);
}

void gw_share_stay(struct worker *w)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&w->gw->conns, &it); n != NULL; n = map_next(&it))
        CONTAINER_OF(n, struct gw_conn, node)->conn->leaving = false;
}

void gw_share_give(struct worker *w, unsigned percent)
{
    unsigned left = part_of(w, (unsigned)map_n(&w->gw->conns), percent);
    struct map_iter it;

    assert(percent <= 100);
    gw_share_stay(w);
    for (struct map_node *n = map_first(&w->gw->conns, &it); n != NULL && left > 0;
         n = map_next(&it)) {
        struct conn *c = CONTAINER_OF(n, struct gw_conn, node)->conn;

        if (c->state != CONN_OPEN)
            continue;
        left--;
        c->leaving = true;
        metrics_add(w->metrics, METRIC_moves, 1);
        gw_give_begin(c);
    }
}
