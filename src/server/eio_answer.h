/* eio_answer.h: how requests of Engine.IO are answered. */
#ifndef SERVER_EIO_ANSWER_H
#define SERVER_EIO_ANSWER_H

#include "wire/engineio.h"

struct conn;

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

/* Answers h, which may stand for a request elsewhere (server/far.h). */
void eio_answer(struct conn *h, const struct eio_answer *answer);
void eio_answer_error(struct conn *h, enum engineio_error error);

#endif
