/* plan.h: what one run of the load generator is to do: its settings, checked
 * against each other, and how people, rooms and connections belong together.
 *
 *   connection i   is person i mod people
 *                  follows rooms i, i+1, … i+rooms_each-1 (mod rooms)
 *                  publishes to room i mod rooms if i < rooms * publishers
 *                  reads slowly if it is one of the last slow_readers
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "base/base.h"
#include "conf/conf.h"
#include "io/io.h"

enum { PLAN_WHY_N = 512, PLAN_HOST_N = 256, PLAN_NAME_N = 40, PLAN_PREFIX_MAX = 20 };
enum { PLAN_PIDS_MAX = 16, PLAN_SUFFIX_N = 6 /* -00012 */ };

struct plan {
    const struct conf *conf;
    struct io_addr addr;
    char host[PLAN_HOST_N];        /* for the Host header */
    char server_name[PLAN_HOST_N]; /* without the port: whom the certificate must name */
    char base[PLAN_HOST_N];        /* path before /ws and /api/v1; often empty */
    char prefix[PLAN_PREFIX_MAX + 1];
    size_t prefix_n;
    uint32_t run; /* makes cids unlike those of other runs */
    uint32_t connections, people, rooms, rooms_each, publishers, slow;
    uint32_t window, rate, reconnects;
    size_t payload;
    bool floor, resume, seen, tls;
    enum conf_option window_on;
    int pids[PLAN_PIDS_MAX];
    size_t pids_n;
    int pin, pin_server; /* -1: not */
};

/* run names this run's people and rooms if the settings do not. Looks host
 * names up. False: why says what cannot be. */
bool plan_init(struct plan *p, const struct conf *c, uint64_t run,
               char why[static PLAN_WHY_N]) MUST_CHECK;

/* NUL-terminated. */
void plan_room_name(const struct plan *p, uint32_t room, char ret_name[static PLAN_NAME_N]);
void plan_person_name(const struct plan *p, uint32_t person, char ret_name[static PLAN_NAME_N]);

static inline uint32_t plan_person(const struct plan *p, uint32_t connection)
{
    return connection % p->people;
}

/* The room that is the slot-th of a connection; slot < rooms_each. */
static inline uint32_t plan_room(const struct plan *p, uint32_t connection, uint32_t slot)
{
    return (connection % p->rooms + slot) % p->rooms;
}

/* The slot of a room of this run among those that a connection follows; false
 * if it follows it not, or the id is not one of this run. */
bool plan_slot(const struct plan *p, uint32_t connection, struct str room, uint32_t *ret_slot);

/* How many connections follow a room. */
uint32_t plan_followers(const struct plan *p, uint32_t room);

static inline bool plan_publishes(const struct plan *p, uint32_t connection)
{
    return connection / p->rooms < p->publishers;
}

static inline bool plan_slow(const struct plan *p, uint32_t connection)
{
    return connection >= p->connections - p->slow;
}

#endif
