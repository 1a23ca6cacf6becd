/* settings.h: what a room's people have chosen for it, besides its title and kind. They are facts
 * of its log, as the title is: an ENTRY_ROOM carries all of them, as they are after it, in its
 * field `settings`:
 *
 *   offset 0   version   u8, 1 or higher
 *          1   fields, as base/entry.h has them:
 *
 *   no. form  field            no. form  field              no. form  field
 *    1   1    topic             5   0    slow_s              9   0    archived (1)
 *    2   1    description       6   0    members_invite (1) 10   0    deleted (1)
 *    3   1    icon              7   0    moderators_pin (1) 11   0    wiped
 *    4   0    announcement (1)  8   0    moderators_mention (1)  12  1    filter
 *   13   0    first            15   0    blanked          17   0    retain_n
 *   14   0    first_count      16   0    retain_s
 *
 * An entry without the field leaves the settings as they are: it is one that made the room, or
 * that a node wrote which knows titles only. An entry that has it has the title as well, so that
 * such a node takes nothing away. A new setting takes the next number; what is not known is kept,
 * and goes into the next entry. Pure. */
#ifndef CHAT_MODEL_SETTINGS_H
#define CHAT_MODEL_SETTINGS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/json.h"

/* Characters of a description; seconds of slow mode. */
#define SETTINGS_TEXT_MAX 1000
#define SETTINGS_SLOW_MAX 21600
/* Least and most seconds that messages are kept, and most messages. */
#define SETTINGS_RETAIN_S_MIN 60
#define SETTINGS_RETAIN_S_MAX 315360000
#define SETTINGS_RETAIN_N_MAX 1000000000

/* Zeroed: a room whose people have chosen nothing. */
struct settings {
    struct str topic;        /* of one line */
    struct str description;  /* of several */
    struct str icon;         /* an emoji */
    bool announcement;       /* moderators and owners write, others read */
    uint64_t slow_s;         /* between two messages of one person; 0: none */
    bool members_invite;     /* not moderators alone */
    bool moderators_pin;     /* not everybody who writes */
    bool moderators_mention; /* likewise */
    bool archived;           /* nobody writes; it can be undone */
    bool deleted;            /* there is no such room any more, and will not be again */
    uint64_t wiped;          /* of a deleted one: up to here nothing of its content is left */
    struct str filter;       /* chat/model/filter.h; only who may set it is shown it */
    uint64_t first;       /* nothing before it is shown any more (chat/room/retain.h); 0: all is */
    uint64_t first_count; /* messages before it */
    uint64_t blanked;     /* up to here nothing of their content is left */
    uint64_t retain_s;    /* seconds that messages are kept; 0: for ever */
    uint64_t retain_n;    /* messages that are kept; 0: all */
    struct str unknown;   /* fields with numbers above 17, as they were read */
};

/* Appends the bytes; failure is b's. */
void settings_encode(const struct settings *s, struct buf *b);

/* Strings are borrowed from bytes. False if they are no settings. */
bool settings_decode(struct str bytes, struct settings *ret) MUST_CHECK;

/* Appends the member "settings": an object of those that are not as they are at first; `whole`:
 * with the description. */
void settings_put(const struct settings *s, bool whole, struct json_out *o);

/* Returns true if nothing was chosen. */
bool settings_are_default(const struct settings *s);

#endif
