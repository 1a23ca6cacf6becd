/* person.h: a person as one worker knows them: shared by their connections here;
 * what they may still spend of their limit. */
#ifndef SERVER_CONN_PERSON_H
#define SERVER_CONN_PERSON_H

#include "base/map.h"
#include "chat/room/call.h"
#include "server/node/bucket.h"

struct conn;
struct worker;

/* The size of a person with a short name, which a pool holds. */
#define PERSON_SHORT 64

struct person {
    struct map_node node;
    uint64_t id;
    struct conn *conns;   /* linked by next_of_person */
    struct bucket bucket; /* of messages (server/conn/limits.h) */
    uint8_t name_n;
    char name[];
};

/* Returns the person, made at their first connection or request here. A person without a connection
 * is kept until the bucket is full again. */
struct person *person_get(struct worker *w, const struct caller *who);

/* NULL if they have nothing here. */
struct person *person_find(struct worker *w, uint64_t id);

static inline struct str person_name(const struct person *p)
{
    return (struct str){(const uint8_t *)p->name, p->name_n};
}

/* Of their buckets; rate 0: there is no limit. */
struct bucket_rate person_rate(const struct worker *w);

/* Takes cost, in tenths of a message, from the person's bucket: 0, or after how many ms there
 * will be enough. */
uint64_t person_spend(struct worker *w, struct person *p, unsigned cost);

/* The person was sent n bytes that they asked for: each PERSON_BYTES of them cost a tenth
 * of a message, afterwards. What is in debt answers person_spend with a wait. */
enum { PERSON_BYTES = 64 * 1024 };
void person_served(struct worker *w, struct person *p, size_t n);

/* Forgets people without connections whose bucket is full. */
void person_sweep(struct worker *w);

/* Sets up, and frees, what the worker keeps of people. */
void person_init(struct worker *w);
void person_fini(struct worker *w);

#endif
