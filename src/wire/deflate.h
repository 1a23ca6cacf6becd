/* deflate.h: permessage-deflate, RFC 7692, over zlib, without context takeover
 * in either direction: one codec serves all connections of a thread, and a
 * message compressed once is good for every receiver with the same window.
 *
 * A codec belongs to one thread. It lends its output until its next use. */
#ifndef WIRE_DEFLATE_H
#define WIRE_DEFLATE_H

#include "base/base.h"

#define DEFLATE_WINDOW_MIN 8
#define DEFLATE_WINDOW_MAX 15

/* What was agreed with one peer. */
struct deflate_params {
    uint8_t window_bits;  /* of what we send: 8 to 15 */
    bool window_answered; /* the answer has to name window_bits */
};

#define DEFLATE_ANSWER_MAX 128

/* Server: picks the first acceptable offer of a Sec-WebSocket-Extensions value
 * (RFC 7692 5, 7.1). False: none is, so the connection goes on uncompressed.
 * An offer with an unknown, repeated or invalid parameter is declined. Several
 * header fields are tried one after the other, in order. */
bool deflate_negotiate(struct str offers, struct deflate_params *ret) MUST_CHECK;

/* Server: writes the value that answers the offer, without a NUL; returns its
 * length. */
size_t deflate_answer(const struct deflate_params *params, char out[static DEFLATE_ANSWER_MAX]);

/* What every answer begins with. */
#define DEFLATE_BASE "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

struct deflate_codec;

/* level: zlib's, 1 to 9. States are allocated when first needed, one compressor
 * per window size in use. Aborts when memory is out. */
struct deflate_codec *deflate_new(int level) MUST_CHECK;

/* NULL is fine. */
void deflate_free(struct deflate_codec *c);

/* The compressed payload of a message (RFC 7692 7.2.1): RSV1 goes on its first
 * frame. Never fails; may be longer than s, which the caller may then rather
 * send as it is. s must not be what c lent. */
struct str deflate_compress(struct deflate_codec *c, uint8_t window_bits, struct str s);

enum deflate_result {
    DEFLATE_OK,
    DEFLATE_TOO_BIG, /* more than out_max bytes */
    DEFLATE_CORRUPT,
};

/* Inflates the payload of a compressed message (RFC 7692 7.2.2). Memory grows
 * with what comes out and never beyond out_max (0 = no limit). s must not be
 * what c lent. */
enum deflate_result deflate_inflate(struct deflate_codec *c, struct str s, size_t out_max,
                                    struct str *ret) MUST_CHECK;

#endif
