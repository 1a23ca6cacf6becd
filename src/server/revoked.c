#include "server/revoked.h"

#include "base/str.h"
#include "server/server.h"

#include <stdatomic.h>
#include <stdlib.h>

/* With the time that a list takes, a session ends within 5 s everywhere. */
#define EVERY_MS 4000
#define PAGE 1000
#define MINUTE_MS 60000
/* The minute before, this, and the next: clocks may differ by as much. */
#define MINUTES 3

struct revoked {
    struct server *server;
    struct wheel_timer timer;
    struct store_list list;
    bool asking;
    uint64_t minute;
    unsigned left; /* minutes still to be listed after this one */
    char pk[PEOPLE_RECENT_MAX];
    char after[32];
    size_t after_n;
};

static void ask(struct revoked *r);

static void take(struct revoked *r, const struct store_item *item)
{
    struct worker *w = &r->server->workers[0];
    uint64_t session, expires_ms;

    r->after_n = MIN(item->name.n, sizeof(r->after));
    memcpy(r->after, item->name.p, r->after_n);
    if (str_to_u64(item->name, &session) && str_to_u64(item->body, &expires_ms) &&
        !people_is_revoked(&w->people, session))
        w->owner.ops->revoke(&w->owner, session, expires_ms);
}

static void listed(struct store_req *req)
{
    struct revoked *r = CONTAINER_OF(req, struct revoked, list.req);
    struct store_item item;
    size_t at = 0;

    r->asking = false;
    if (req->result != STORE_OK)
        return; /* the next time */
    while (store_block_next(r->list.ret_block, &at, &item))
        take(r, &item);
    frame_unref(r->list.ret_block);
    if (r->list.ret_n < PAGE) {
        if (r->left == 0)
            return;
        r->left--;
        r->minute++;
        r->after_n = 0;
    }
    if (atomic_load(&r->server->phase) <= SERVER_MOVING)
        ask(r);
}

static void ask(struct revoked *r)
{
    r->asking = true;
    r->list = (struct store_list){
        .req = {.home = r->server->workers[0].io, .done = listed},
        .pk = people_recent_pk(r->minute, r->pk),
        .after = {(const uint8_t *)r->after, r->after_n},
        .limit = PAGE,
    };
    store_list(r->server->o.store, &r->list);
}

static void due(struct wheel_timer *t)
{
    struct revoked *r = CONTAINER_OF(t, struct revoked, timer);
    struct worker *w = &r->server->workers[0];

    wheel_set(&w->wheel, t, worker_now_ms(w) + EVERY_MS);
    if (r->asking)
        return;
    r->minute = io_wall_ms(w->io) / MINUTE_MS - 1;
    r->left = MINUTES - 1;
    r->after_n = 0;
    ask(r);
}

struct revoked *revoked_start(struct server *s)
{
    struct revoked *r;

    if (bus_is_alone(s->o.bus))
        return NULL;
    r = calloc(1, sizeof(*r));
    if (r == NULL)
        abort();
    r->server = s;
    r->timer.fire = due;
    due(&r->timer);
    return r;
}

void revoked_stop(struct revoked *r)
{
    if (r != NULL)
        wheel_cancel(&r->server->workers[0].wheel, &r->timer);
}

bool revoked_is_asking(const struct revoked *r)
{
    return r != NULL && r->asking;
}

void revoked_free(struct revoked *r)
{
    free(r);
}
