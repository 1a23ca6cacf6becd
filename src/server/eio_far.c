#include "server/eio_far.h"

#include "server/door_http.h"
#include "server/eio_http.h"
#include "server/eio_relay.h"
#include "server/worker.h"

#include <stdlib.h>

struct eio_far {
    struct far_ask ask;
    struct conn *h;
};

static void far_free(struct eio_far *f)
{
    f->h->http->far = NULL;
    far_cancel(&f->ask);
    free(f);
}

static void answered(struct far_ask *a, const struct eio_answer *answer)
{
    struct eio_far *f = CONTAINER_OF(a, struct eio_far, ask);
    struct eio_answer with_body = *answer;

    with_body.body = buf_peek(&a->body);
    eio_answer(f->h, &with_body);
    far_free(f);
}

static void may_probe(struct far_ask *a, const struct eio_answer *answer)
{
    struct eio_far *f = CONTAINER_OF(a, struct eio_far, ask);
    struct eio_sid sid = f->ask.to;
    struct conn *h = f->h;

    far_free(f);
    if (answer->kind != EIO_TAKEN)
        eio_answer(h, answer);
    else if (eio_http_upgrade(h))
        eio_relay_begin(h, &sid);
    door_http_routed(h);
}

void eio_far_send(struct conn *h, const struct eio_sid *sid, enum far_type type)
{
    struct eio_far *f = calloc(1, sizeof(*f));

    if (f == NULL)
        abort();
    f->h = h;
    f->ask.done = type == FAR_PROBE ? may_probe : answered;
    h->http->far = f;
    h->http->asked = type == FAR_PROBE; /* what it asks for is looked at again */
    far_ask(h->worker, &f->ask, sid, type, buf_peek(&h->http->body));
    h->paused = true;
    conn_resume(h); /* so that its end is noticed */
}

void eio_far_hurry(struct conn *h)
{
    far_enough(&h->http->far->ask);
}

void eio_far_lost(struct conn *h)
{
    far_free(h->http->far);
}
