/* names.h: what a user's name may be, and the key under which it is unique. */
#ifndef CHAT_NAMES_H
#define CHAT_NAMES_H

#include "base/base.h"

#define NAMES_KEY_MAX 200

/* The key: NFKC, case folded (Unicode 3.13), at most NAMES_KEY_MAX bytes. False
 * if the text is no name: letters, marks, digits and " ._-" only, with a letter
 * or digit at both ends. */
bool names_fold(struct str name, char key[static NAMES_KEY_MAX], size_t *ret_n) MUST_CHECK;

/* The key of a name's beginning, for searching; may be empty. */
bool names_fold_prefix(struct str text, char key[static NAMES_KEY_MAX], size_t *ret_n) MUST_CHECK;

#endif
