/* names.h: what a user's name may be, and the key under which it is unique. */
#ifndef CHAT_MODEL_NAMES_H
#define CHAT_MODEL_NAMES_H

#include "base/base.h"

#define NAMES_KEY_MAX 200

/* The key: NFKC, case folded (Unicode 3.13), at most NAMES_KEY_MAX bytes. False if the text is no
 * name: letters, marks, digits and " ._-" only, with a letter or digit at both ends. */
bool names_fold(struct str name, char key[static NAMES_KEY_MAX], size_t *ret_n) MUST_CHECK;

/* The same for somebody new: a name that can also be told from others (chat/model/text.h), and
 * whose scripts go together (chat/model/looks.h). */
bool names_new(struct str name, char key[static NAMES_KEY_MAX], size_t *ret_n) MUST_CHECK;

/* The same for somebody who has the name already, in another system: its scripts are as they are.
 */
bool names_had(struct str name, char key[static NAMES_KEY_MAX], size_t *ret_n) MUST_CHECK;

#define NAMES_CHARS_MAX 32

/* Writes a name that is like text, which may be anything, such as an address of mail: its first
 * part then. Its length; at most max bytes, which are at least 4 * NAMES_CHARS_MAX. */
size_t names_make(struct str text, char *ret_name, size_t max);

/* The name with "-<number>" behind it, and less of it if it would be too long. */
size_t names_number(struct str name, uint64_t number, char *ret_name, size_t max);

/* The key of a name's beginning, for searching; may be empty. */
bool names_fold_prefix(struct str text, char key[static NAMES_KEY_MAX], size_t *ret_n) MUST_CHECK;

#endif
