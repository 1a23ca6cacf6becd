#include "server/conn/audience.h"

#include "base/mem.h"
#include "chat/room/presence.h"
#include "server/conn/conn.h"
#include "server/conn/own.h"
#include "server/conn/person.h"
#include "server/node/node.h"
#include "server/node/worker.h"

/* Who came is told when nobody came for a moment, but no later than this: a
 * storm of joins is one cast, not thousands. */
#define PRESENCE_QUIET_MS 250
/* The same while more than STORM_N come in a second, as after a restart: to each of a
 * thousand rooms somebody comes twice a second then. */
#define PRESENCE_STORM_MS 1000
#define STORM_N 500
#define PRESENCE_LATEST_MS 5000

static bool is_listed(const struct presence_person *people, unsigned n, uint64_t user)
{
    for (unsigned i = 0; i < n; i++)
        if (people[i].user == user)
            return true;
    return false;
}

static size_t names_n(struct list *l)
{
    struct follower *f = CONTAINER_OF(l, struct follower, node);
    const struct person *p = CONTAINER_OF(f, struct conn_follower, f)->conn->person;

    return p != NULL ? p->name_n : 0;
}

/* The distinct people among the feed's followers, with their names behind them
 * in one block; NULL if there are too many to be listed. */
static struct presence_person *people_of(const struct feed *feed, unsigned max, unsigned *ret_n)
{
    struct presence_person *people;
    size_t names = 0;
    uint8_t *at;
    unsigned n = 0;

    *ret_n = feed->followers_n;
    if (feed->followers_n > max)
        return NULL;
    for (struct list *l = feed->followers.next; l != &feed->followers; l = l->next)
        names += names_n(l);
    people = mem_bytes((size_t)feed->followers_n * sizeof(*people) + names + 1);
    assert(n <= feed->followers_n);
    at = (uint8_t *)(people + feed->followers_n);
    for (struct list *l = feed->followers.next; l != &feed->followers; l = l->next) {
        struct follower *f = CONTAINER_OF(l, struct follower, node);
        const struct person *p = CONTAINER_OF(f, struct conn_follower, f)->conn->person;

        if (p == NULL || f->end > 0 || is_listed(people, n, p->id))
            continue;
        memcpy(at, p->name, p->name_n);
        people[n++] = (struct presence_person){p->id, {at, p->name_n}};
        at += p->name_n;
    }
    *ret_n = n;
    return people;
}

static void presence_due(struct wheel_timer *t)
{
    struct feed *feed = CONTAINER_OF(t, struct feed, timer);
    struct worker *w = CONTAINER_OF(feed->set, struct worker, feeds);
    unsigned max = (unsigned)w->server->conf->presence_roster;
    struct presence_person *people;
    unsigned n;

    assert(feed->id[0] != '@' && !wheel_armed(t));
    feed->changed_ms = 0;
    people = people_of(feed, max > 0 ? max : UINT32_MAX, &n);
    worker_present(w, feed_room(feed), people, n);
}

/* Somebody came: do more come in a second, to all rooms, than a calm worker sees? */
static bool storm(struct worker *w, uint64_t now)
{
    struct worker_storm *s = &w->storm;

    assert(now >= s->since_ms);
    if (now - s->since_ms >= 1000) {
        s->before_n = now - s->since_ms < 2000 ? s->n : 0;
        s->n = 0;
        s->since_ms = now;
    }
    s->n++;
    return MAX(s->n, s->before_n) > STORM_N;
}

void audience_changed(struct worker *w, struct feed *feed, bool came)
{
    uint64_t now = worker_now_ms(w), at = now + w->server->conf->presence_leave_ms, quiet_ms;

    assert(feed->set == &w->feeds);
    if (feed->id[0] == '@' || lifecycle_at(&w->life) >= LIFE_CLOSING)
        return;
    feed->timer.fire = presence_due;
    if (came) {
        if (feed->changed_ms == 0)
            feed->changed_ms = now + 1;
        quiet_ms = storm(w, now) ? PRESENCE_STORM_MS : PRESENCE_QUIET_MS;
        at = MIN(now + quiet_ms, feed->changed_ms + PRESENCE_LATEST_MS);
        wheel_set(&w->wheel, &feed->timer, at);
    } else if (!wheel_armed(&feed->timer)) {
        wheel_set(&w->wheel, &feed->timer, at);
    }
}

void audience_news(struct worker *w, const struct news *news)
{
    struct feed *feed;

    for (unsigned i = 0; i < news->n; i++)
        if (news->entries[i].lost && (feed = feed_get(&w->feeds, news->room)) != NULL)
            audience_changed(w, feed, false);
}

void audience_gone(struct worker *w, struct str room)
{
    if (!own_is_here(w, room))
        worker_unfollowed(w, room);
}
