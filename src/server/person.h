/* person.h: a person as one worker knows them: shared by their connections here;
 * what they may still spend of their limit. */
#ifndef SERVER_PERSON_H
#define SERVER_PERSON_H

#include "base/map.h"
#include "chat/call.h"
#include "server/bucket.h"

struct conn;
struct worker;

struct person {
    struct map_node node;
    uint64_t id;
    struct conn *conns;   /* linked by next_of_person */
    struct bucket bucket; /* of messages (server/limits.h) */
    uint8_t name_n;
    char name[];
};

/* The person, made at their first connection or request here. One that has no
 * connection is kept until the bucket is full again. */
struct person *person_get(struct worker *w, const struct caller *who);

/* NULL if they have nothing here. */
struct person *person_find(struct worker *w, uint64_t id);

static inline struct str person_name(const struct person *p)
{
    return (struct str){(const uint8_t *)p->name, p->name_n};
}

void person_add(struct person *p, struct conn *c);
void person_remove(struct worker *w, struct conn *c);

/* Of their buckets; rate 0: there is no limit. */
struct bucket_rate person_rate(const struct worker *w);

/* Takes cost, in tenths of a message, from the person's bucket: 0, or after how many ms there
 * will be enough. */
uint64_t person_spend(struct worker *w, struct person *p, unsigned cost);

/* Forgets people without connections whose bucket is full. */
void person_sweep(struct worker *w);
void person_fini(struct worker *w);

#endif
