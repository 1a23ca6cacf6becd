/* engineio.h: packets of Engine.IO, revision 4, as the protocol text has them
 * (github.com/socketio/engine.io-protocol): on WebSocket one packet is one
 * message, in a body of HTTP long-polling several are records:
 *
 *   WebSocket, text     <type><data>           binary      the data of a message
 *   polling             <record> 0x1e <record> ...   record: <type><data>
 *                                                    or     b<base64 of a message>
 *
 * Bytes in, packets out: no I/O, no clock, nothing allocated. */
#ifndef WIRE_ENGINEIO_H
#define WIRE_ENGINEIO_H

#include "base/base.h"
#include "base/buf.h"

#define ENGINEIO_SEPARATOR 0x1e

enum engineio_type {
    ENGINEIO_OPEN,
    ENGINEIO_CLOSE,
    ENGINEIO_PING,
    ENGINEIO_PONG,
    ENGINEIO_MESSAGE,
    ENGINEIO_UPGRADE,
    ENGINEIO_NOOP,
};

struct engineio_packet {
    enum engineio_type type;
    bool binary;     /* of a message: its data is not text */
    struct str data; /* borrowed from what was decoded; text is valid UTF-8 */
};

/* Reads the payload of a WebSocket message, whose text the WebSocket has found to
 * be UTF-8. False if it is no packet. */
bool engineio_decode(struct str payload, bool binary, struct engineio_packet *ret) MUST_CHECK;

enum engineio_next {
    ENGINEIO_END,
    ENGINEIO_PACKET,
    ENGINEIO_BAD,
};

/* Takes the next packet off a polling body: p[*at .. n-1], where *at is 0 at first.
 * Base64 is decoded in place. An empty body, an empty record, text that is not
 * UTF-8 and base64 that is not in its one spelling are bad. */
enum engineio_next engineio_next(uint8_t *p, size_t n, size_t *at,
                                 struct engineio_packet *ret) MUST_CHECK;

/* Appends a packet as a record, behind a separator if out holds something. Text
 * must not hold a separator: JSON never does. Fails as buf_append does. */
void engineio_append_record(struct buf *out, const struct engineio_packet *packet);

/* What the server says at first. */
struct engineio_open {
    struct str sid;
    bool upgrades; /* to WebSocket */
    uint64_t ping_interval_ms, ping_timeout_ms, max_payload;
};

/* Appends the data of the first packet, a JSON object. */
void engineio_append_open(struct buf *out, const struct engineio_open *open);

/* The errors that a request is answered with, by their number. */
enum engineio_error {
    ENGINEIO_UNKNOWN_TRANSPORT,
    ENGINEIO_UNKNOWN_SID,
    ENGINEIO_BAD_HANDSHAKE_METHOD,
    ENGINEIO_BAD_REQUEST,
    ENGINEIO_FORBIDDEN,
    ENGINEIO_UNSUPPORTED_VERSION,
};

/* The HTTP status of an error, and {"code":n,"message":"..."}. */
int engineio_error_status(enum engineio_error error);
void engineio_append_error(struct buf *out, enum engineio_error error);

#endif
