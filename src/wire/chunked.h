/* chunked.h: the chunked transfer coding, RFC 9112 7.1, strict.
 *
 *   size -- CRLF --> data -- CRLF --> size ... size 0 -- CRLF --> trailers -- empty line --> done
 */
#ifndef WIRE_CHUNKED_H
#define WIRE_CHUNKED_H

#include "base/base.h"

enum chunked_event {
    CHUNKED_MORE, /* all bytes were taken */
    CHUNKED_DATA, /* some bytes of the body */
    CHUNKED_DONE, /* the body is complete; what follows is the next message's */
    CHUNKED_BAD,  /* answer with the status and close */
};

/* Zero-initialised but for the limits. */
struct chunked {
    uint64_t body_max; /* bytes of data in all (0: none at all); beyond: 413 */
    uint64_t left;     /* of the chunk */
    uint64_t body_n;
    uint32_t line_n, extra_n;
    uint8_t state;
};

/* Bytes of chunk extensions, and of trailers, that a body may have. */
#define CHUNKED_EXTENSIONS_MAX 1024
#define CHUNKED_TRAILERS_MAX 4096

/* Takes bytes of in up to the next event; always sets *ret_used. CHUNKED_DATA:
 * *ret_data lies within in. CHUNKED_BAD: *ret_status is 400 or 413. Extensions
 * and trailers are checked and dropped. */
enum chunked_event chunked_decode(struct chunked *c, struct str in, size_t *ret_used,
                                  struct str *ret_data, int *ret_status) MUST_CHECK;

#endif
