/* sio_space.h: the namespaces of a session that are connected, or about to be. The
 * first is the session's own connection; each other has one without a socket, whose
 * bytes leave with the session's. */
#ifndef SERVER_SIO_SPACE_H
#define SERVER_SIO_SPACE_H

#include "server/eio.h"
#include "wire/socketio.h"

#define SIO_SPACES_MAX 8

struct sio_space {
    struct conn *conn, *session; /* the same: the first */
    struct sio_space *next;
    bool connected;
    bool connecting;  /* its login or its rooms are being looked up */
    unsigned missing; /* of the first: attachments that a packet announced */
    uint32_t idle_s;  /* of the first: monotonic; since when no namespace was connected */
    char *nsp;        /* with a comma: "/custom,"; NULL: "/" */
};

/* eio_user.opened and closed. */
void sio_space_open(struct conn *session);
void sio_space_close(struct conn *session);

struct sio_space *sio_space_first(struct conn *session);

/* The namespace whose connection it is. */
struct sio_space *sio_space_of(struct conn *c);

/* NULL: neither connected nor about to be. */
struct sio_space *sio_space_find(struct conn *session, struct str nsp);

/* One for a namespace that there is none of; NULL: there are too many. */
struct sio_space *sio_space_add(struct conn *session, struct str nsp);

/* What stands before the id and the JSON: "", or "/custom,". */
struct str sio_space_prefix(const struct sio_space *s);

/* Sends a packet; head without its namespace. */
void sio_space_send(struct sio_space *s, const struct socketio_packet *head, struct str json);

/* Sends the cursors alone: ["offset","..."]. */
void sio_space_cursors(struct sio_space *s);

/* The connection that has the socket: of a namespace, its session's; else itself. */
struct conn *sio_space_socket(struct conn *c);

/* The session of whoever is on the connection ends at another time. Nothing, if it is of
 * another door. */
void sio_space_renewed(struct conn *c);

/* Its connection is nobody's, and follows nothing. */
void sio_space_forget(struct sio_space *s);

/* It is no longer connected. If that was not the client's wish it is told; but of the last
 * one by the session's end: then it comes again, with another token, or is told what is
 * wrong with this one. Who is told that a namespace is over does not. */
void sio_space_leave(struct sio_space *s, bool tell);

#endif
