/* door_ws.h: the native protocol, polylog.v1, over WebSocket: frames to commands,
 * answers and events to frames. */
#ifndef SERVER_WS_DOOR_WS_H
#define SERVER_WS_DOOR_WS_H

#include "server/conn/conn.h"

/* As many times longer than dead-after is silence borne of a client that has stopped reading. */
#define DOOR_WS_STOPPED_READING 10

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

/* FEED_ws, FEED_ws_deflated. */
struct frame *door_ws_encode(const struct feed_event *e) MUST_CHECK;
struct frame *door_ws_encode_deflated(const struct feed_event *e) MUST_CHECK;

#endif
