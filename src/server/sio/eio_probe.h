/* eio_probe.h: a WebSocket on probation: a polled session of Engine.IO is upgraded to
 * it once it has proven itself (section "Upgrade" of the protocol text).
 *
 *   WAITS --"2probe"--> PROVEN --"5"--> settles (server/conn/conn.h) --> the session has its socket
 */
#ifndef SERVER_SIO_EIO_PROBE_H
#define SERVER_SIO_EIO_PROBE_H

struct conn;

/* The connection, upgraded to WebSocket, wants to become that of the session, which no
 * other one does (eio_may_probe). */
void eio_probe_begin(struct conn *c, struct conn *session);

/* The connection, upgraded, asks for a session that has one, or is none: it is closed. (A
 * refused handshake is an exception to some clients, of the protocol's suite for one.) */
void eio_probe_turn_away(struct conn *c);

/* The session is over. */
void eio_probe_close(struct conn *probe);

#endif
