/* sio_space.h: the namespaces of a session that are connected, or about to be. The
 * first is the session's own connection; each other has one without a socket, whose
 * bytes leave with the session's. */
#ifndef SERVER_SIO_SIO_SPACE_H
#define SERVER_SIO_SIO_SPACE_H

#include "server/sio/eio.h"
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

/* eio_user.opened, ended and closed. */
void sio_space_open(struct conn *session);
void sio_space_leave_all(struct conn *session);
void sio_space_close(struct conn *session);

struct sio_space *sio_space_first(struct conn *session);

/* eio_user.is_busy: has one of them a command in hand? */
bool sio_space_is_busy(struct conn *session);

/* Returns true if somebody is logged in on the session, in whatever namespace. */
bool sio_space_is_known(struct conn *session);

/* The namespace whose connection it is. */
struct sio_space *sio_space_of(struct conn *c);

/* NULL: neither connected nor about to be. */
struct sio_space *sio_space_find(struct conn *session, struct str nsp);

/* Adds one for a namespace that there is none of; NULL: there are too many. */
struct sio_space *sio_space_add(struct conn *session, struct str nsp);

/* What stands before the id and the JSON: "", or "/custom,". */
struct str sio_space_prefix(const struct sio_space *s);

/* Sends a packet; head without its namespace. */
void sio_space_send(struct sio_space *s, const struct socketio_packet *head, struct str json);

/* Sends the cursors alone: ["offset","..."]. */
void sio_space_cursors(struct sio_space *s);

/* Sends an event whose JSON names it: with the cursors of all rooms, if the namespace is
 * connected; without them; as a cast, if the session has nothing to send, else it is dropped. */
void sio_space_event(struct sio_space *s, struct str json);
void sio_space_tell(struct sio_space *s, struct str json);
void sio_space_cast(struct sio_space *s, struct str json);

/* Its connection is nobody's, and follows nothing. */
void sio_space_forget(struct sio_space *s);

/* Disconnects the namespace. tell: the client did not wish it, and is told; but of the last
 * namespace by the session's end: then the client comes again, with another token, or is told what
 * is wrong with this one. A client that is told that a namespace is over does not come again. */
void sio_space_leave(struct sio_space *s, bool tell);

#endif
