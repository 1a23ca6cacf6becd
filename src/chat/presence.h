/* presence.h: who is in a room now, put together from what the workers with
 * followers say of theirs. State, not a log: only the latest matters, at most
 * one cast a second, and above the roster's limit a count every few seconds. */
#ifndef CHAT_PRESENCE_H
#define CHAT_PRESENCE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/wheel.h"

struct room;
struct presence;

/* One person present. */
struct presence_person {
    uint64_t user;
    struct str name;
};

/* What worker has now: n people, listed if there are few enough (people NULL:
 * only counted). Copies. */
void presence_here(struct room *r, unsigned worker, unsigned n,
                   const struct presence_person *people);

/* The worker has no followers any more. It may have again in a moment, so that the
 * others are told only after limits.presence_leave_ms. */
void presence_gone(struct room *r, unsigned worker);

/* Writes count and, if there are few enough, users. */
void presence_describe(const struct room *r, struct json_out *o);

/* NULL is fine. */
void presence_free(struct presence *p);

#endif
