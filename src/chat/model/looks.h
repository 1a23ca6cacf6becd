/* looks.h: what a name looks like, so that nobody has one that is taken for another's (UTS #39).
 * The tables are Unicode's, as ICU has them (tools/gen-looks.c). They are a part of the program,
 * not of a library: a skeleton is stored, and every node must make the same one. Pure. */
#ifndef CHAT_MODEL_LOOKS_H
#define CHAT_MODEL_LOOKS_H

#include "base/base.h"

#define LOOKS_MAX 200

/* Writes the confusable skeleton of a name that names_fold has accepted, case folded: of two names
 * that look alike as they are shown it is the same. Returns false if it is longer than LOOKS_MAX.
 */
bool looks_skeleton(struct str name, char ret_skeleton[static LOOKS_MAX], size_t *ret_n) MUST_CHECK;

/* Returns true if the scripts of a name go together: it is of one script; or of Latin and of what
 * is written in Chinese, Japanese or Korean. UTS #39 calls this "highly restrictive". A letter that
 * the table does not know goes with none. */
bool looks_of_one_hand(struct str name) MUST_CHECK;

#endif
