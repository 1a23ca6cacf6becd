/* door_ws.h: the native protocol, polylog.v1, over WebSocket: frames to commands,
 * answers and events to frames. */
#ifndef SERVER_DOOR_WS_H
#define SERVER_DOOR_WS_H

#include "base/frame.h"
#include "server/conn.h"

/* Close codes of our own (RFC 6455 7.4.2: 4000 to 4999 are private). */
enum {
    DOOR_WS_CLOSE_AUTH = 4401, /* not authenticated in time, expired, revoked */
};

/* How events are encoded: feed encodings. */
enum {
    DOOR_WS_PLAIN,
    DOOR_WS_DEFLATED,
};

/* The connection, upgraded, speaks WebSocket from now on. window_bits: of
 * permessage-deflate, 0 if it was not agreed on. */
void door_ws_begin(struct conn *c, uint8_t window_bits);

/* Takes the frames in what was received: messages go to `message`; pings, close
 * frames and violations are answered here. For the doors that speak WebSocket. */
typedef void door_ws_message_f(struct conn *c, const struct ws_message *m);
void door_ws_read(struct conn *c, const struct ws_rules *rules, uint8_t *p, size_t n,
                  door_ws_message_f *message);

/* Sends one text message. */
void door_ws_send(struct conn *c, struct str text);

/* Ends a connection of any door; one that speaks WebSocket says why. */
void door_ws_close(struct conn *c, uint16_t code, struct str reason, enum metric why);

/* feed_ops.encode. */
struct frame *door_ws_encode(struct feed_set *s, unsigned encoding, struct frame *event);

/* Is it a connection of this very door? */
bool door_ws_is(const struct conn *c);

#endif
