/* people_name.h: a name, claimed for a new person: nobody else has it, nor one that looks like it.
 *
 * Two records say so: `names <folded>`, whose the name is, and `looks <skeleton>`, which of the
 * names that look alike is the one (chat/model/looks.h).
 *
 *   put the name ----> put its look ----> put the name again, as it was read ----> claimed
 *    | there is one     | there is one     | it is another one
 *    v                  v                  +--> from the beginning
 *   ours? else taken   ours? else: does that one's name exist?
 *                       yes: the name is given back; alike     no: its look is taken over
 *
 * Any number of nodes may do this at once, and each step may be the last before a crash. The look
 * decides between names that look alike, by one record. The last step is for those that claim one
 * name at once: it and the giving back are conditional on one revision, so that only one of them
 * is done. What a crash leaves is a name without its look, which whoever comes by that name claims
 * again, for the same person; or a look without a name, which is whoever's wants it.
 *
 * A name that was had before there were looks is never asked for one. */
#ifndef CHAT_PEOPLE_PEOPLE_NAME_H
#define CHAT_PEOPLE_PEOPLE_NAME_H

#include "chat/model/looks.h"
#include "chat/model/names.h"
#include "chat/people/people.h"

enum people_name_result {
    PEOPLE_NAME_CLAIMED,
    PEOPLE_NAME_TAKEN, /* the name is another's, whoever that is */
    PEOPLE_NAME_ALIKE, /* another's name looks like it */
};

/* Told on the loop of the call, unless that has ended: the store failed. */
typedef void people_name_f(struct call *call, enum people_name_result result);

/* First member of what call->state points to. */
struct people_name {
    struct people *people;
    people_name_f *done;
    struct str name, key; /* borrowed */
    uint64_t user;
    uint64_t rev, look_rev; /* of the records as they were read */
    unsigned tries;
    size_t look_n;
    char look[LOOKS_MAX];
    char holder[NAMES_KEY_MAX]; /* the folded name of who has the look */
    size_t holder_n;
    uint64_t holder_user;
    char body[300];
};

/* Claims the name, which names_new accepts and folds to key, for the user, who may have it already.
 * On p's loop; done is told later, never inside. name and key have to live until then. */
void people_name_claim(struct people *p, struct call *call, uint64_t user, struct str name,
                       struct str key, people_name_f *done);

#endif
