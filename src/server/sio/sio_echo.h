/* sio_echo.h: Engine.IO and Socket.IO with nothing behind them, for conformance
 * runs (`polylog echo`). */
#ifndef SERVER_SIO_SIO_ECHO_H
#define SERVER_SIO_SIO_ECHO_H

#include "server/sio/eio.h"

/* Every message of Engine.IO is sent back. */
extern const struct eio_user sio_echo_raw;

/* Socket.IO with the namespaces / and /custom: who connects is sent `auth` with what
 * they gave; `message` comes back as `message-back`, `message-with-ack` as its ack,
 * with the same arguments, attachments included. */
extern const struct eio_user sio_echo;

#endif
