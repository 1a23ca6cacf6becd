#include "server/sio/eio_far.h"

#include "base/mem.h"
#include "server/sio/eio_relay.h"

#include <stdlib.h>

struct eio_far {
    struct far_ask ask;
    struct exchange *x;
};

/* The exchange waits no more. */
static struct exchange *stop(struct eio_far *f)
{
    struct exchange *x = f->x;

    assert(x->waits_for == f);
    exchange_wait_end(x);
    return x;
}

static void far_free(struct eio_far *f)
{
    far_cancel(&f->ask);
    free(f);
}

static void eio_far_answered(struct far_ask *a, const struct eio_answer *answer)
{
    struct eio_far *f = CONTAINER_OF(a, struct eio_far, ask);
    struct eio_answer with_body = *answer;

    with_body.body = buf_peek(&a->body);
    eio_answer(stop(f), &with_body);
    far_free(f);
}

/* What x asks for is looked at again: it is held. */
static void may_probe(struct far_ask *a, const struct eio_answer *answer)
{
    struct eio_far *f = CONTAINER_OF(a, struct eio_far, ask);
    struct eio_sid sid = f->ask.to;
    struct exchange *x = stop(f);
    struct conn *c = NULL;

    far_free(f);
    if (answer->kind != EIO_TAKEN)
        eio_answer(x, answer);
    else
        c = eio_answer_upgrade(x);
    if (c != NULL)
        eio_relay_begin(c, &sid);
    exchange_release(x);
}

/* Who asks is told that nobody waits for it any more. */
static void eio_far_gone(struct exchange *x)
{
    struct eio_far *f = x->waits_for;
    bool held = f->ask.done == may_probe;

    assert(f->x == x);
    (void)stop(f);
    far_free(f);
    if (held)
        exchange_release(x);
}

static void eio_far_hurry(struct exchange *x)
{
    struct eio_far *f = x->waits_for;

    assert(f->x == x);
    far_enough(&f->ask);
}

static const struct exchange_wait exchange_wait_far = {
    .gone = eio_far_gone,
    .hurry = eio_far_hurry,
    .stayed = exchange_ignore,
};

void eio_far_send(struct exchange *x, const struct eio_sid *sid, enum far_type type)
{
    struct eio_far *f = mem_zeroed(1, sizeof(*f));

    assert(type == FAR_GET || type == FAR_POST || type == FAR_PROBE);
    f->x = x;
    f->ask.done = type == FAR_PROBE ? may_probe : eio_far_answered;
    if (type == FAR_PROBE)
        exchange_hold(x);
    exchange_wait_begin(x, &exchange_wait_far, f);
    far_ask(x->worker, &f->ask, sid, type, buf_peek(&x->body));
    x->ops->watch(x);
}
