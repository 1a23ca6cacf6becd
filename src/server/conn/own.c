#include "server/conn/own.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/room/owner.h"
#include "server/conn/conn.h"
#include "server/conn/person.h"
#include "server/node/worker.h"

#include <stdio.h>
#include <stdlib.h>

#define AGAIN_MS 5000
#define ID_MAX 32

/* The way to the owner and back. */
struct errand {
    struct call call;
    struct worker *worker;
    struct list node;         /* of the worker, while the timer runs */
    struct wheel_timer timer; /* when the store failed */
    uint64_t user;
    char room[ID_MAX];
};

static void name_of(uint64_t user, char ret_room[static ID_MAX])
{
    assert(user != 0);
    (void)snprintf(ret_room, ID_MAX, "@%llu", (unsigned long long)user);
}

static void follow(struct room *r, struct call *call)
{
    owner_follow(r, call->worker);
    call_ok(call);
}

static void go(struct worker *w, uint64_t user);

static void again(struct wheel_timer *t)
{
    struct errand *e = CONTAINER_OF(t, struct errand, timer);
    struct worker *w = e->worker;
    uint64_t user = e->user;
    const struct person *p = person_find(w, user);

    assert(!wheel_armed(t));
    list_remove(&e->node);
    free(e);
    if (p != NULL && p->conns != NULL && lifecycle_at(&w->life) < LIFE_CLOSING)
        go(w, user);
}

static void returned(struct call *call)
{
    struct errand *e = CONTAINER_OF(call, struct errand, call);
    struct worker *w = e->worker;
    bool failed = call->error != ERROR_NONE;

    assert(w->owner.errands_n > 0 && list_empty(&e->node));
    w->owner.errands_n--;
    call_fini(call);
    if (failed && lifecycle_at(&w->life) < LIFE_CLOSING) {
        e->timer.fire = again;
        list_push(&w->owns, &e->node);
        wheel_set(&w->wheel, &e->timer, worker_now_ms(w) + AGAIN_MS);
        return;
    }
    if (!own_is_here(w, str_of(e->room))) /* they have gone meanwhile */
        worker_unfollowed(w, str_of(e->room));
    free(e);
}

static void go(struct worker *w, uint64_t user)
{
    struct errand *e = mem_zeroed(1, sizeof(*e));

    assert(lifecycle_at(&w->life) < LIFE_CLOSING);
    e->worker = w;
    e->user = user;
    list_init(&e->node);
    name_of(user, e->room);
    call_init(&e->call, 1);
    e->call.handler = follow;
    e->call.returned = returned;
    w->owner.errands_n++;
    worker_route(w, &e->call, str_of(e->room));
}

void own_came(struct worker *w, const struct person *p)
{
    assert(p->conns != NULL);
    if (!bus_is_alone(w->owner.bus) && lifecycle_at(&w->life) < LIFE_CLOSING)
        go(w, p->id);
}

void own_gone(struct worker *w, const struct person *p)
{
    char room[ID_MAX];

    if (p->conns != NULL || bus_is_alone(w->owner.bus))
        return;
    name_of(p->id, room);
    if (feed_get(&w->feeds, str_of(room)) == NULL) /* else it says so when it goes */
        worker_unfollowed(w, str_of(room));
}

void own_news(struct worker *w, const struct news *news)
{
    struct person *p = own_person(w, news->room);
    struct feed *feed;

    assert(news->first > 0);
    if (p == NULL || p->conns == NULL)
        return;
    feed = feed_make(&w->feeds, news->room);
    feed_hold(feed);
    feed_start(feed, 0, news->first - 1);
    for (struct conn *c = p->conns; c != NULL; c = c->next_of_person)
        if (c->state == CONN_OPEN && !c->door->one_room && conn_follower(c, feed) == NULL)
            (void)conn_follow(c, feed, news->first - 1);
    if (feed_release(feed)) /* all of them are closing */
        worker_unfollowed(w, news->room);
}

struct person *own_person(struct worker *w, struct str room)
{
    uint64_t id;

    if (room.n < 2 || room.p[0] != '@' || !str_to_u64(str_skip(room, 1), &id))
        return NULL;
    return person_find(w, id);
}

bool own_is_here(struct worker *w, struct str room)
{
    const struct person *p = bus_is_alone(w->owner.bus) ? NULL : own_person(w, room);

    return p != NULL && p->conns != NULL;
}

void own_fini(struct worker *w)
{
    struct list *node;

    while ((node = list_pop(&w->owns)) != NULL) {
        struct errand *e = CONTAINER_OF(node, struct errand, node);

        wheel_cancel(&w->wheel, &e->timer);
        free(e);
    }
}
