/* door_echo.h: the WebSocket code of the server with nothing behind it: every
 * message is sent back as it came. For conformance runs (`polylog echo`). */
#ifndef SERVER_WS_DOOR_ECHO_H
#define SERVER_WS_DOOR_ECHO_H

#include "server/conn/conn.h"

/* The connection, upgraded, echoes from now on. window_bits: of
 * permessage-deflate, 0 if it was not agreed on. */
void door_echo_begin(struct conn *c, uint8_t window_bits);

#endif
