/* eio_answer.h: how requests of Engine.IO are answered: by an op of whoever asked. */
#ifndef SERVER_SIO_EIO_ANSWER_H
#define SERVER_SIO_EIO_ANSWER_H

#include "server/conn/exchange.h"
#include "wire/engineio.h"

enum eio_answer_kind {
    EIO_PACKETS, /* a GET */
    EIO_TAKEN,   /* a POST; a WebSocket may prove itself */
    EIO_REFUSED,
};

struct eio_answer {
    enum eio_answer_kind kind;
    enum engineio_error error; /* EIO_REFUSED */
    struct str body;           /* EIO_PACKETS */
};

/* Answers an exchange whose answer_eio is set. */
static inline void eio_answer(struct exchange *x, const struct eio_answer *answer)
{
    assert(x->wait == NULL);
    x->answer_eio(x, answer);
}

static inline void eio_answer_error(struct exchange *x, enum engineio_error error)
{
    eio_answer(x, &(struct eio_answer){.kind = EIO_REFUSED, .error = error});
}

/* Answers the handshake of a WebSocket. Returns the connection, which is to be another
 * door's; NULL if the handshake is refused, or nobody waits for it. */
struct conn *eio_answer_upgrade(struct exchange *x) MUST_CHECK;

/* An answer_eio: as HTTP has it. */
void eio_answer_http(struct exchange *x, const struct eio_answer *answer);

#endif
