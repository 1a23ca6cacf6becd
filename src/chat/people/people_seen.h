/* people_seen.h: where a session was last used, when, and by what: for its person, who recognises
 * it by that. A record beside the session's (chat/model/keys.h), so that older nodes read theirs.
 *
 * The record is written when the session is used, at most once in PEOPLE_SEEN_MS by each worker;
 * of more than PEOPLE_SEEN_MAX sessions in that time the rest are not written. Nobody waits for a
 * write, and one that fails is forgotten. On the people's loop. */
#ifndef CHAT_PEOPLE_PEOPLE_SEEN_H
#define CHAT_PEOPLE_PEOPLE_SEEN_H

#include "base/json.h"
#include "base/list.h"
#include "base/map.h"
#include "chat/room/call.h"

#define PEOPLE_SEEN_MS 300000u
#define PEOPLE_SEEN_MAX 4096

#define PEOPLE_SEEN_PLACE_MAX 64

/* By what and from where. Program and system are words of wire/agent.h; each may be empty. */
struct people_from {
    struct str place; /* the address, as the server sees it */
    struct str program, system;
};

struct people_seen {
    struct map known;
    struct list recent; /* those that were written longest ago first */
    unsigned writing_n; /* writes under way */
};

void people_seen_init(struct people_seen *s);
void people_seen_fini(struct people_seen *s);

/* The session is being used. begins: it was made just now, and is written whatever there is. */
void people_seen_note(struct people_seen *s, struct owner *o, const struct caller *who,
                      const struct people_from *from, bool begins);

/* Appends the members seen, place, program and system that the record of the session has to the
 * object that o is in. The block is of records by keys_seen, in the order of their names; *at and
 * *item go along with sessions that are asked for in that order. *item is empty at first. */
void people_seen_put(struct json_out *o, const struct frame *block, size_t *at,
                     struct store_item *item, struct str session);

#endif
