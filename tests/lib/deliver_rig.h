/* deliver_rig.h: rooms, connections and their followers in a store of memory on one simulated
 * loop, and @connections that answer what the test says: for src/serverless. */
#ifndef LIB_DELIVER_RIG_H
#define LIB_DELIVER_RIG_H

#include "base/entry.h"
#include "io/io_sim.h"
#include "lib/check.h"
#include "lib/store_gate.h"
#include "serverless/deliver.h"
#include "serverless/join.h"
#include "serverless/leave.h"
#include "store/store_mem.h"

#define DELIVER_RIG_BASE "https://api.test/prod"
#define DELIVER_RIG_ROOM "general"

struct deliver_rig;

/* What a POST is answered; n: how many there were before. 0: nothing. */
typedef unsigned deliver_rig_answer_f(struct deliver_rig *r, struct str id, struct str body,
                                      unsigned n);

struct deliver_rig {
    struct sim *sim;
    struct io_host *host;
    struct io *io;
    struct store *mem;
    struct store_gate gate;
    struct wheel wheel;
    struct poster poster;
    deliver_rig_answer_f *answer; /* NULL: 200 */
    unsigned posts_n, flying_n, flying_max;
    size_t body_max;
    char sent[1024 * 1024]; /* "id=seq,seq id=seq ...": of each POST that was answered 200 */
    const char *room;
};

/* For cmocka: *state is a struct deliver_rig. */
int deliver_rig_setup(void **state);
int deliver_rig_teardown(void **state);

void deliver_rig_turn(struct deliver_rig *r);
void deliver_rig_sleep(struct deliver_rig *r, uint64_t ms);

/* Appends n messages with texts of that length to the room. Returns the new head. */
uint64_t deliver_rig_say(struct deliver_rig *r, unsigned n, size_t length);

/* Appends an entry: one that gives user a role, or any. Returns the new head. */
uint64_t deliver_rig_member(struct deliver_rig *r, uint64_t user, const char *role);
uint64_t deliver_rig_append(struct deliver_rig *r, const struct entry *e);

/* Puts the row of a connection of user's. */
void deliver_rig_connect(struct deliver_rig *r, const char *id, uint64_t user, unsigned flags);

/* The connection joins the room behind `after`. Returns the seqs that it was answered, "1 2 3";
 * valid until the next call. */
const char *deliver_rig_join(struct deliver_rig *r, const char *id, uint64_t after, uint64_t since,
                             struct join *ret_join);

/* Delivers the room's shard 0 from what is set in *d; the caller's store, home, ... need not. */
enum deliver_result deliver_rig_run(struct deliver_rig *r, struct deliver *d);

/* Does the same without waiting: d->done is NULL when it is over; deliver_rig_wait waits. */
void deliver_rig_start(struct deliver_rig *r, struct deliver *d);
enum deliver_result deliver_rig_wait(struct deliver_rig *r, struct deliver *d);

/* Returns a row's value, "-" if there is none; valid until the next call. put sets it. */
const char *deliver_rig_row(struct deliver_rig *r, struct str pk, struct str sk);
void deliver_rig_put(struct deliver_rig *r, struct str pk, struct str sk, const char *value);

#endif
