/* sio_connect.h: a client connects to a namespace: who it is, and, if it comes back, where it was.
 *
 *   CONNECT --token, name or cookie--> logged in --pid, offset--> rooms resumed --> CONNECT
 *      |                                                      `-- not to be had: a new pid
 *      +--> CONNECT_ERROR {message, data {code}} */
#ifndef SERVER_SIO_SIO_CONNECT_H
#define SERVER_SIO_SIO_CONNECT_H

#include "wire/socketio.h"

struct conn;

void sio_connect(struct conn *session, const struct socketio_packet *p);

#endif
