/* loss.h: which entries of a log took somebody's right to read it. Only a member's entry can;
 * whether it does depends on the room's kind and on the entries before: the derived record
 * (`r:<room>`, chat/model/access.h) is read, and the log behind it. Of entries that the record
 * reflects already, what the record says counts.
 *
 * loss_add for each member's entry, loss_start, loss_reads within `reached`, then loss_find. On
 * one loop. */
#ifndef SERVERLESS_LOSS_H
#define SERVERLESS_LOSS_H

#include "chat/model/access.h"
#include "chat/model/keys.h"
#include "store/store.h"

enum { LOSS_MAX = 256 };

struct loss;
typedef void loss_done_f(struct loss *l);

struct loss_member {
    uint64_t user, seq;
    bool kick; /* it ends that they follow the room, whatever they may */
    bool lost;
};

/* Embedded in the caller's object, who sets what stands before ret_result. */
struct loss {
    struct store *store;
    struct io *home;
    struct str room;
    loss_done_f *reached; /* loss_reads answers for `base` now */
    loss_done_f *done;    /* never inside loss_start */

    enum store_result ret_result;
    /* Private. */
    struct loss_member members[LOSS_MAX]; /* in order of seq */
    unsigned members_n;
    struct access access;
    uint64_t base, at;
    uint64_t reflected; /* by the record: all up to there */
    bool told;          /* that base was reached */
    char pk[KEYS_MAX];
    union {
        struct store_req req;
        struct store_get get;
        struct store_read read;
    } q;
};

/* Forgets what was added. Nothing may be under way. */
void loss_clear(struct loss *l);

/* The entry seq is one about user; in order of seq, LOSS_MAX at most. kick: it takes the right to
 * follow the room on. */
void loss_add(struct loss *l, uint64_t user, uint64_t seq, bool kick);

/* Finds out who may read behind the entry base, and which of those that were added took the
 * right to; then done. After a failure it may be called again. */
void loss_start(struct loss *l, uint64_t base);

/* Within `reached`: may the user read? */
bool loss_reads(const struct loss *l, uint64_t user) MUST_CHECK;

/* Within `reached`: behind which entry that holds; base, or one behind it. */
uint64_t loss_known(const struct loss *l) MUST_CHECK;

/* Which entries somebody is to be sent. */
struct loss_range {
    uint64_t from; /* none before this one */
    uint64_t end;  /* this is the last, since it took the right to read; 0: none did */
    bool unsure;   /* perhaps another did, which is yet to come */
    bool told;     /* there is one about the user */
};

/* Which of the entries up to `last`, the newest that there is to send, the user is to be sent:
 * those up to the first behind `since` that took the right. Of several that the record reflects
 * already only the last counts, and the user is sent that alone: nobody can tell whether those
 * before it might be read; nor, if the record is newer than `last`, whether one took it. */
struct loss_range loss_find(const struct loss *l, uint64_t user, uint64_t since,
                            uint64_t last) MUST_CHECK;

#endif
