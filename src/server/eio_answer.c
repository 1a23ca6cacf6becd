#include "server/eio_answer.h"

#include "base/str.h"
#include "server/door_http.h"
#include "server/far_there.h"

#define ERROR_BODY_MAX 512

static void answer_http(struct conn *h, int status, const char *type, struct str body)
{
    struct http1_header extra = {STR("Cache-Control"), STR("no-store")};

    door_http_answer(
        h,
        &(struct http_answer){
            .status = status, .type = str_of(type), .body = body, .extra = &extra, .extra_n = 1});
}

static void refuse_http(struct conn *h, enum engineio_error error)
{
    struct buf body CLEANUP(buf_fini);

    buf_init(&body, ERROR_BODY_MAX);
    engineio_append_error(&body, error);
    answer_http(h, engineio_error_status(error), "application/json", buf_peek(&body));
}

void eio_answer(struct conn *h, const struct eio_answer *answer)
{
    if (far_there_is(h))
        far_there_answer(h, answer);
    else if (answer->kind == EIO_PACKETS)
        answer_http(h, 200, "text/plain; charset=UTF-8", answer->body);
    else if (answer->kind == EIO_TAKEN)
        answer_http(h, 200, "text/html", STR("ok"));
    else
        refuse_http(h, answer->error);
}

void eio_answer_error(struct conn *h, enum engineio_error error)
{
    eio_answer(h, &(struct eio_answer){.kind = EIO_REFUSED, .error = error});
}
