#include "server/drain.h"

#include "base/str.h"
#include "chat/event.h"
#include "server/accept.h"
#include "server/conn.h"
#include "server/door_ws.h"
#include "server/server.h"
#include "server/worker.h"

#define BYE_MAX 256

static void say_bye(struct worker *w, struct conn *c, uint64_t delay_ms)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, BYE_MAX);
    event_bye(&b, STR("draining"), delay_ms);
    if (door_ws_is(c))
        door_ws_send(c, buf_peek(&b));
    conn_timer(c, worker_now_ms(w) + delay_ms);
    c->leaving = true;
}

void drain_begin(struct worker *w)
{
    uint64_t span = w->server->conf->drain_ms, i = 0;

    w->draining = true;
    for (struct list *n = w->conns.next, *next; n != &w->conns; n = next, i++) {
        struct conn *c = CONTAINER_OF(n, struct conn, node);

        next = n->next;
        if (c->state != CONN_OPEN)
            continue;
        if (!door_ws_is(c) && c->calls_n == 0 && c->flight == NULL)
            conn_drop(c, METRIC_close_draining);
        else
            say_bye(w, c, i * (span / 2) / (w->conns_n + 1));
    }
    room_owner_settle(&w->owner);
}

static bool is_settled(struct worker *w)
{
    if (w->index == 0 && (!accept_closed(w->server) || server_is_asking(w->server)))
        return false;
    if (w->conns_n > 0 || room_owner_busy(&w->owner) || w->feeds.reads_n > 0)
        return false;
    if (!w->settling) { /* what the last connections left in memory */
        w->settling = true;
        room_owner_settle(&w->owner);
        return false;
    }
    return true;
}

void drain_turn(struct worker *w)
{
    if (w->settled || !is_settled(w))
        return;
    w->settled = true;
    server_worker_settled(w->server, w);
}
