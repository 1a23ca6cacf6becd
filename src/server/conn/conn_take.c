/* What a connection takes of what it follows: a part of conn.h. */
#include "server/conn/conn.h"

#include "server/conn/person.h"
#include "server/node/node.h"
#include "server/node/worker.h"

struct frame *conn_take(struct conn *c, unsigned encoding, size_t max, struct conn_taken *taken)
{
    struct follower *f = CONTAINER_OF(list_pop(&c->behind), struct follower, work);
    uint64_t before = f->cursor;
    bool pulls = f->pulls;
    struct frame *run = NULL;

    switch (feed_take(f, encoding, max, &run)) {
    case FEED_RUN:
        taken->pulled += pulls ? run->n : 0;
        taken->entries += f->cursor - before;
        if (feed_behind(f))
            list_push(&c->behind, &f->work);
        break;
    case FEED_END:
        conn_unfollow(c, CONTAINER_OF(f, struct conn_follower, f));
        break;
    case FEED_NOTHING:
    case FEED_WAIT:
        break;
    }
    return run;
}

void conn_take_count(struct conn *c, const struct conn_taken *taken)
{
    if (taken->pulled > 0 && c->person != NULL)
        person_served(c->worker, c->person, taken->pulled);
    if (taken->entries > 0) {
        metrics_add(c->worker->metrics, METRIC_deliveries, taken->entries);
        metrics_observe(c->worker->metrics, METRIC_HIST_joined, taken->entries);
    }
}
