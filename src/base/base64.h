/* base64.h: RFC 4648 section 4 (standard, padded) and section 5 (url, not
 * padded). Decoding is strict: one spelling for each value. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/base.h"
#include "base/buf.h"

enum base64_alphabet {
    BASE64_STANDARD, /* + and /, padded with = */
    BASE64_URL,      /* - and _, never padded */
};

/* Enough characters for n bytes in either alphabet; there is no NUL. */
#define BASE64_ENCODED_MAX(n) (((n) + 2) / 3 * 4)

/* Enough bytes for n characters. */
#define BASE64_DECODED_MAX(n) (((n) + 3) / 4 * 3)

/* Writes s to out, which has BASE64_ENCODED_MAX(s.n) bytes; returns how many
 * characters were written. No NUL is added. */
size_t base64_encode(enum base64_alphabet alphabet, struct str s, char *out);

/* The same, behind what b holds; fails as buf_append does. */
void base64_append(struct buf *b, enum base64_alphabet alphabet, struct str s);

/* Decodes s into out, which has BASE64_DECODED_MAX(s.n) bytes, or is s.p itself. False, with out
 * undefined, for a character outside of the alphabet, missing, superfluous or
 * (url) any padding, or bits left over that are not zero. */
bool base64_decode(enum base64_alphabet alphabet, struct str s, uint8_t *out,
                   size_t *ret_n) MUST_CHECK;

#endif
