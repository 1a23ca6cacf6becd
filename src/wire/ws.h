/* ws.h: WebSocket, RFC 6455 with the compression of RFC 7692, both roles.
 * Bytes in, messages out: no I/O, no clock.
 *
 *   feed:
 *       do {
 *           event = ws_decode(&d, &rules, p, n, &used, &m);
 *           p += used, n -= used;
 *           ... act on event and m ...
 *       } while (event != WS_MORE);
 *
 * The bytes may be cut anywhere. An idle decoder is 16 bytes and owns nothing;
 * while a frame or a fragmented message is incomplete it owns what arrived of
 * it, never what a length announced. A message whose only frame lies in the
 * given bytes as a whole is lent from there, unmasked in place.
 *
 *         data frame with fin
 *        +-------------------+
 *        v                   |
 *     between -- data frame without fin --> in a message -- continuation
 *        ^                                      |   ^       without fin
 *        +------- continuation with fin --------+   +-----------+
 *
 *     control frames may stand anywhere; close and every violation end it. */
#ifndef WIRE_WS_H
#define WIRE_WS_H

#include "base/base.h"

struct deflate_codec;
struct frame;
struct http1_request;
struct ws_progress;

/* RFC 6455 5.2. */
enum ws_opcode {
    WS_OP_CONTINUATION = 0x0,
    WS_OP_TEXT = 0x1,
    WS_OP_BINARY = 0x2,
    WS_OP_CLOSE = 0x8,
    WS_OP_PING = 0x9,
    WS_OP_PONG = 0xa,
};

/* RFC 6455 7.4.1 and the IANA registry. */
enum ws_close_code {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL_ERROR = 1002,
    WS_CLOSE_UNSUPPORTED = 1003,
    WS_CLOSE_NO_STATUS = 1005, /* never sent: a close frame without a code */
    WS_CLOSE_INVALID_DATA = 1007,
    WS_CLOSE_POLICY = 1008,
    WS_CLOSE_TOO_BIG = 1009,
    WS_CLOSE_INTERNAL_ERROR = 1011,
    WS_CLOSE_SERVICE_RESTART = 1012,
    WS_CLOSE_TRY_AGAIN_LATER = 1013,
};

enum ws_role {
    WS_SERVER, /* what is decoded must be masked */
    WS_CLIENT, /* must not be masked */
};

enum ws_event {
    WS_MORE,    /* all bytes were taken; feed more when there are more */
    WS_MESSAGE, /* text or binary, complete, inflated, UTF-8 checked */
    WS_PING,    /* to be answered by a pong with the same payload */
    WS_PONG,
    WS_CLOSED, /* the peer's close frame: close_code and the reason as payload */
    WS_BAD,    /* a violation: close with close_code; the payload says why */
};

struct ws_message {
    enum ws_opcode opcode; /* WS_OP_TEXT or WS_OP_BINARY for WS_MESSAGE */
    uint16_t close_code;   /* WS_CLOSED and WS_BAD only */
    /* Lent until the next call for the decoder, the end of the given bytes, or,
     * if it was compressed, the codec's next use: whichever is first. */
    struct str payload;
    bool unpacked; /* WS_MESSAGE only: it was compressed */
};

/* What a thread's decoders share. */
struct ws_rules {
    size_t message_max;          /* payload bytes, also after inflating; 0 = no limit */
    size_t frame_max;            /* payload bytes of one data frame; 0 = no limit */
    size_t unpack_max;           /* bytes after inflating; 0 = as message_max */
    uint32_t fragments_max;      /* frames of one message; 0 = no limit */
    struct deflate_codec *codec; /* inflates; may be NULL if no decoder has deflate */
};

/* One per connection. Private, but for ws_idle. */
struct ws_decoder {
    struct ws_progress *progress;
    bool client, deflate, ended;
};

/* deflate: permessage-deflate was negotiated, so that RSV1 has its meaning. */
void ws_decoder_init(struct ws_decoder *d, enum ws_role role, bool deflate);

/* Frees what an incomplete message holds. Idempotent. */
void ws_decoder_fini(struct ws_decoder *d);

/* True when d stands between two messages and owns nothing: its connection
 * could be handed to another process here. */
static inline bool ws_idle(const struct ws_decoder *d)
{
    return d->progress == NULL && !d->ended;
}

/* Bytes of memory that d owns now. */
size_t ws_held(const struct ws_decoder *d);

/* Takes up to n bytes from p, at most to the end of the next event, and
 * unmasks them in place. Always sets *ret_used (<= n; n with WS_MORE) and, for
 * every event but WS_MORE, *ret. After WS_CLOSED and WS_BAD everything is
 * swallowed with WS_MORE. Violations are seen as early as the bytes allow it,
 * bad UTF-8 also in the middle of a frame.
 * RFC 6455 5 (framing), 7.4 (close codes), 8.1 (UTF-8); RFC 7692 6. */
enum ws_event ws_decode(struct ws_decoder *d, const struct ws_rules *rules, uint8_t *p, size_t n,
                        size_t *ret_used, struct ws_message *ret) MUST_CHECK;

/* Flags of ws_encode_header, or-ed. */
#define WS_FIN 0x80u
#define WS_RSV1 0x40u /* the message is compressed; on its first frame only */

#define WS_MASK_LEN 4
#define WS_HEADER_MAX 14
#define WS_CONTROL_PAYLOAD_MAX 125
#define WS_CONTROL_MAX (2 + WS_MASK_LEN + WS_CONTROL_PAYLOAD_MAX)

/* Writes the header of a frame and returns its length: 2, 4 or 10 bytes, and 4
 * more with a mask. mask is NULL for a server; a client gives 4 random bytes
 * and masks the payload by ws_mask. RFC 6455 5.2. */
size_t ws_encode_header(uint8_t out[static WS_HEADER_MAX], enum ws_opcode opcode, uint32_t flags,
                        uint64_t payload_n, const uint8_t *mask);

/* A text message of a server, in one frame: a reference for the caller. RFC 6455 5.6. */
struct frame *ws_text(uint32_t flags, struct str payload) MUST_CHECK;

/* Masks, or unmasks, n bytes in place; the first one is byte `at` of the frame's
 * payload. RFC 6455 5.3. */
void ws_mask(uint8_t *p, size_t n, const uint8_t mask[static WS_MASK_LEN], size_t at);

/* Writes a whole ping, pong or close frame and returns its length. payload has
 * at most WS_CONTROL_PAYLOAD_MAX bytes. mask as above. RFC 6455 5.5. */
size_t ws_encode_control(uint8_t out[static WS_CONTROL_MAX], enum ws_opcode opcode,
                         struct str payload, const uint8_t *mask);

/* Writes a close frame and returns its length. The reason is valid UTF-8 and is
 * cut to 123 bytes between code points. code 0 or WS_CLOSE_NO_STATUS: an empty
 * payload. RFC 6455 5.5.1. */
size_t ws_encode_close(uint8_t out[static WS_CONTROL_MAX], uint16_t code, struct str reason,
                       const uint8_t *mask);

/* Whether a close frame may carry the code. RFC 6455 7.4. */
bool ws_close_code_valid(uint16_t code);

#define WS_KEY_LEN 24
#define WS_ACCEPT_LEN 28

/* Whether the value of Sec-WebSocket-Key is the base64 of 16 bytes.
 * RFC 6455 4.2.1. */
bool ws_key_valid(struct str key);

/* Checks an opening handshake (RFC 6455 4.2.1, 4.4). Returns 0 and *ret_key, which
 * borrows the request's bytes, or the status to answer with: 400, 405, or 426 (with
 * Sec-WebSocket-Version: 13). */
int ws_handshake(const struct http1_request *r, struct str *ret_key) MUST_CHECK;

/* The value of Sec-WebSocket-Accept for a key; no NUL. RFC 6455 4.2.2. */
void ws_accept(struct str key, char out[static WS_ACCEPT_LEN]);

#endif
