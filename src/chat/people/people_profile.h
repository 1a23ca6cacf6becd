/* people_profile.h: what a person says of themselves besides their name: a name to show, a line of
 * status, a time zone, whether they are away. The handle, by which others find and mention them,
 * stays the name. It is in `u:<id> profile`; who has none has never said anything.
 *
 * What has an end (status, state) is over by the store's clock when it is read: nothing is written
 * then. */
#ifndef CHAT_PEOPLE_PEOPLE_PROFILE_H
#define CHAT_PEOPLE_PEOPLE_PROFILE_H

#include "chat/people/people.h"

#define PEOPLE_PROFILE_USERS_MAX 20

/* A profile, as it is kept. Strings are borrowed; empty: nothing was said. */
struct people_profile {
    struct str display, status, zone;
    struct str state;                   /* "away" or "dnd" */
    uint64_t status_until, state_until; /* Unix time in ms; 0: without an end */
};

/* Appends the record's body. No string has a line end. */
void people_profile_encode(const struct people_profile *p, struct buf *out);

/* Reads a record's body, also of a version that kept more. False if it is none. */
bool people_profile_decode(struct str body, struct people_profile *ret_p) MUST_CHECK;

/* Writes the profile's members, but those that are over at now_ms. */
void people_profile_describe(const struct people_profile *p, uint64_t now_ms, struct json_out *o);

/* The commands. */
void people_profile_set(struct people *p, struct call *call);
void people_profile_list(struct people *p, struct call *call);

#endif
