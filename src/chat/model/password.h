/* password.h: the text of a password: prepared, so that one password is the same bytes on every
 * keyboard, and judged where it is new. By the profile OpaqueString (RFC 8265 4.2): NFC, other
 * spaces become the space, upper and lower case differ. Of what it is made nothing is demanded
 * (NIST SP 800-63B 5.1.1.2), but its length, and that it is not the name. Pure, by utf8proc. */
#ifndef CHAT_MODEL_PASSWORD_H
#define CHAT_MODEL_PASSWORD_H

#include "base/base.h"

/* In characters; and the prepared text's bytes at most. */
#define PASSWORD_MIN 8
#define PASSWORD_MAX 256
#define PASSWORD_BYTES_MAX 1024

/* Writes the prepared text and its length. Returns false if text is no password: not UTF-8, with
 * control characters or unassigned ones, shorter than PASSWORD_MIN, or longer than PASSWORD_MAX. */
bool password_prepare(struct str text, char ret_text[static PASSWORD_BYTES_MAX],
                      size_t *ret_n) MUST_CHECK;

/* Returns true if the text is the name, whatever the case. */
bool password_is_name(struct str text, struct str name) MUST_CHECK;

#endif
