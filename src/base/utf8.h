/* utf8.h: strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing
 * above U+10FFFF. A streaming validator that refuses at the first byte which
 * no valid text can have there, and helpers for whole strings. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/base.h"

/* What a text fed in pieces still needs. All zero at the start of a text. */
struct utf8 {
    uint32_t state;
};

/* Goes on with s. False as soon as a byte cannot continue the text; u is then
 * of no further use until it is zeroed. */
bool utf8_feed(struct utf8 *u, struct str s) MUST_CHECK;

/* Whether what was fed so far ends with a whole code point. */
static inline bool utf8_complete(const struct utf8 *u)
{
    return u->state == 0;
}

/* Whether s is valid in full. */
bool utf8_valid(struct str s);

/* The number of code points of s, which must be valid. */
size_t utf8_count(struct str s);

/* The longest prefix of s, which must be valid, that has at most n_max bytes
 * and does not end within a code point. */
struct str utf8_prefix(struct str s, size_t n_max);

#endif
