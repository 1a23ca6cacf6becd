/* guard.h: is the node's store still the one that it was? A record of the node's own, its
 * heartbeat, goes forward by one every GUARD_EVERY_MS, on the condition that it is as this node
 * left it. In another store, an empty one or an older copy it is not: then the store is shut
 * (store_shut) until the process ends, and ALARM_store_changed is raised. What is written is
 * believed for GUARD_BELIEVED_MS from when a beat that succeeded set out. See docs/decisions/0017.
 *
 *   boot --guard_enter--> BEATING --guard_leave--> gone, with a clean mark
 *                            |
 *                            +--a beat conflicts, or a log ends before what was known--> shut
 *
 * | pk | sk | value | |
 * | `nodes` | run | `<n> <wall ms> <mark> ...` | a node that runs, or did not end in order |
 * | `server` | `stopped` | `<wall ms>` | when the last node ended in order |
 * | `server` | `store-id` | hex | the store's identity |
 *
 * The mark is drawn for each beat: a record that went on with another's is of a process with the
 * same run, as a machine that was cloned has it (alarm node_twice). What follows is peers_text
 * (server/health/peers.h). The beats are the node's probe of the store as well
 * (server/health/watch.h). Worker 0's, but for what is marked. */
#ifndef SERVER_HEALTH_GUARD_H
#define SERVER_HEALTH_GUARD_H

#include "store/store.h"

#define GUARD_EVERY_MS 2000
#define GUARD_BELIEVED_MS 5000
/* A node that was not heard for so long does not run. */
#define GUARD_GONE_MS 60000

struct guard;
struct server;

typedef void guard_f(void *ctx, bool ok);

struct guard *guard_new(struct server *s) MUST_CHECK;

/* When the loop of worker 0 has been freed. NULL is fine. */
void guard_free(struct guard *g);

/* Looks who has used the store, says so if that looks like a copy, and begins to beat; then done,
 * perhaps at once, with whether the store answered. After a failure it may be called again. */
void guard_enter(struct guard *g, guard_f *done, void *ctx);

/* Beats no more, leaves the mark of an ordered end if it had begun, then done, perhaps at once:
 * within 3 s, whatever the store does. */
void guard_leave(struct guard *g, guard_f *done, void *ctx);

/* Returns true while a request of guard_enter or a beat is under way. */
bool guard_is_asking(const struct guard *g) MUST_CHECK;

/* What the last beat came to. */
enum store_result guard_result(const struct guard *g) MUST_CHECK;

/* Any worker: is a beat late by more than late_ms? now_ms is that worker's time. */
bool guard_is_late(const struct guard *g, uint64_t now_ms, uint64_t late_ms) MUST_CHECK;

/* Any worker: the room's log ends at found, and this node knew it up to known. Shuts. */
void guard_behind(struct guard *g, struct str room, uint64_t known, uint64_t found);

#endif
