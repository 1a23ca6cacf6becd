/* presence.h: who is in a room now, put together from what the workers with followers say of
 * theirs, and other nodes of theirs. State, not a log: only the latest matters, at most one cast a
 * second, and above the roster's limit a count every few seconds.
 *
 * A node tells the others when its part changes, when it is asked, and again after
 * PRESENCE_TOLD_MS, then after twice as long each time, up to PRESENCE_TOLD_MAX_MS: what is new is
 * what may have been lost, and telling of every room all the time is most of what nodes would say
 * to each other. A person who is not told of again for PRESENCE_LEASE_MS has gone; once all were
 * asked, as when something was lost, for PRESENCE_ANSWER_MS. */
#ifndef CHAT_ROOM_PRESENCE_H
#define CHAT_ROOM_PRESENCE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/wheel.h"

struct room;
struct presence;
struct crowd;

enum {
    PRESENCE_TOLD_MS = 20000,
    PRESENCE_TOLD_MAX_MS = 160000,
    PRESENCE_LEASE_MS = 3 * PRESENCE_TOLD_MAX_MS,
    PRESENCE_ANSWER_MS = 60000,
};

/* A person who is present. */
struct presence_person {
    uint64_t user;
    struct str name;
};

/* What worker has now: n people, listed if there are few enough (people NULL:
 * only counted). Copies. */
void presence_here(struct room *r, unsigned worker, unsigned n,
                   const struct presence_person *people);

/* The worker has no followers any more. New ones may come in a moment, so the others are told only
 * after limits.presence_leave_ms. */
void presence_gone(struct room *r, unsigned worker);

/* What another node has. */
void presence_heard(struct room *r, uint64_t node, struct crowd *crowd);

/* A node is gone: who is there too, unless they come back or are told of again
 * within limits.presence_leave_ms. */
void presence_node_down(struct room *r, uint64_t node);

/* What others say of the room is heard from now on, or may not have been: they are asked. */
void presence_ask(struct room *r);

/* Nobody here follows the room, so that nothing is known of others' people: true if there are other
 * nodes; they are asked, and then the call's handler runs again. Once for each call. */
struct call;
bool presence_fetch(struct room *r, struct call *call) MUST_CHECK;

/* Returns true if there are more than are listed: what would be said of each to all is then not. */
bool presence_is_many(const struct room *r) MUST_CHECK;

/* Writes count and, if there are few enough, users. */
void presence_describe(const struct room *r, struct json_out *o);

/* NULL is fine. */
void presence_free(struct presence *p);

#endif
