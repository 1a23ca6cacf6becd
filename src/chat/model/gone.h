/* gone.h: which of a room's messages were deleted: what is unread does not count them.
 * Derived from the log, and kept with the record of who may read (chat/model/access.h), so
 * that a restart knows it. Pure; owned by the room.
 *
 * The newest GONE_SEQS_MAX deleted messages are known. A person with more deleted ones
 * unread is told of as many too many; nobody is told of too few. */
#ifndef CHAT_MODEL_GONE_H
#define CHAT_MODEL_GONE_H

#include "base/entry.h"
#include "base/json.h"

enum { GONE_SEQS_MAX = 1024 };

struct gone {
    uint64_t *seqs; /* of deleted messages, ascending; NULL: none is known */
    unsigned n, cap;
};

void gone_init(struct gone *g);
void gone_fini(struct gone *g);

/* Takes in an entry of the log: ENTRY_DELETE, ENTRY_PURGE; others change nothing. */
void gone_apply(struct gone *g, const struct entry *e);

/* The message at seq was deleted; the same again changes nothing. */
void gone_add(struct gone *g, uint64_t seq);

/* How many of them are behind seq. */
unsigned gone_after(const struct gone *g, uint64_t seq);

/* An array of the first seq and the distances to the next; reading stands behind its
 * beginning, and g is empty. False if it is broken. */
void gone_encode(const struct gone *g, struct json_out *o);
bool gone_decode(struct gone *g, struct json *j) MUST_CHECK;

#endif
