#include "server/sio/eio_answer.h"

#include "base/str.h"
#include "wire/ws.h"

#define ERROR_BODY_MAX 512

static void eio_answer_refuse(struct exchange *x, enum engineio_error error)
{
    struct buf body CLEANUP(buf_fini);

    buf_init(&body, ERROR_BODY_MAX);
    engineio_append_error(&body, error);
    exchange_text(x, engineio_error_status(error), "application/json", buf_peek(&body));
}

struct conn *eio_answer_upgrade(struct exchange *x)
{
    struct str key;

    if (x->conn != NULL && ws_handshake(x->request, &key) == 0)
        return exchange_upgrade(x, key, NULL, 0);
    eio_answer_error(x, ENGINEIO_BAD_REQUEST);
    return NULL;
}

void eio_answer_http(struct exchange *x, const struct eio_answer *answer)
{
    if (answer->kind == EIO_PACKETS)
        exchange_text(x, 200, "text/plain; charset=UTF-8", answer->body);
    else if (answer->kind == EIO_TAKEN)
        exchange_text(x, 200, "text/html", STR("ok"));
    else
        eio_answer_refuse(x, answer->error);
}
