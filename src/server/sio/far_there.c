#include "server/sio/far_there.h"

#include "base/mem.h"
#include "base/str.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/sio/eio.h"
#include "server/sio/far.h"

#include <stdlib.h>

/* A body must have come within this. */
#define BODY_MS 10000
#define BODY_SLACK 1024

/*   its body comes --last piece--> ASKED --answered, lost--> freed
 *         '---- lost, late, too long ----> freed */
struct far_there {
    struct exchange x;
    struct map_node node;
    struct wheel_timer timer;
    uint64_t from, id;
    unsigned worker; /* of that node */
    uint8_t session[EIO_ID_LEN];
    uint32_t pieces;
    bool event, home; /* of API Gateway: no session is asked */
    bool asked;       /* the session; the body is complete */
    bool over;
};

struct there_key {
    uint64_t from, id;
    unsigned worker;
};

static bool there_eq(const struct map_node *node, const void *key)
{
    const struct far_there *t =
        CONTAINER_OF((struct map_node *)(uintptr_t)node, struct far_there, node);
    const struct there_key *k = key;

    return t->from == k->from && t->id == k->id && t->worker == k->worker;
}

static uint64_t far_there_hash_of(const struct there_key *k)
{
    return map_hash_id(k->from ^ (k->id << 8) ^ k->worker);
}

static struct far_there *far_there_find(struct worker *w, uint64_t from,
                                        const struct far_message *m)
{
    struct there_key k = {from, m->id, m->worker};
    struct map_node *n = map_find(&w->far->theres, far_there_hash_of(&k), there_eq, &k);

    return n != NULL ? CONTAINER_OF(n, struct far_there, node) : NULL;
}

static void there_free(struct far_there *t)
{
    map_remove(&t->x.worker->far->theres, &t->node);
    wheel_cancel(&t->x.worker->wheel, &t->timer);
    buf_fini(&t->x.body);
    free(t);
}

static void far_there_say(struct far_there *t, const struct eio_answer *answer)
{
    struct far_message m = {.type = FAR_ANSWER,
                            .worker = t->x.worker->index,
                            .id = t->id,
                            .answer = *answer,
                            .bytes = answer->body};

    assert(!t->over);
    memcpy(m.session, t->session, sizeof(m.session));
    far_send(t->x.worker, t->from, t->worker, &m);
}

static void far_there_refuse(struct far_there *t, enum engineio_error error)
{
    assert(!t->over && t->x.holds == 0);
    far_there_say(t, &(struct eio_answer){.kind = EIO_REFUSED, .error = error});
    there_free(t);
}

static void too_late(struct wheel_timer *timer)
{
    struct far_there *t = CONTAINER_OF(timer, struct far_there, timer);

    assert(!t->asked);
    there_free(t); /* the asker has given up */
}

/* The exchange. */

static struct far_there *there_of(const struct exchange *x)
{
    return CONTAINER_OF((struct exchange *)(uintptr_t)x, struct far_there, x);
}

static void there_end(struct far_there *t)
{
    assert(!t->over);
    t->over = true;
    if (t->x.holds == 0)
        there_free(t);
}

static void there_answer_eio(struct exchange *x, const struct eio_answer *answer)
{
    struct far_there *t = there_of(x);

    if (t->over)
        return;
    far_there_say(t, answer);
    there_end(t);
}

static bool there_is_open(const struct exchange *x)
{
    return !there_of(x)->over;
}

/* Who asks understands answers of Engine.IO alone. */
static void there_answer(struct exchange *x, const struct exchange_answer *a)
{
    (void)a;
    there_answer_eio(x, &(struct eio_answer){.kind = EIO_REFUSED, .error = ENGINEIO_BAD_REQUEST});
}

static void there_released(struct exchange *x)
{
    assert(x->holds == 0);
    if (there_of(x)->over)
        there_free(there_of(x));
}

static const struct exchange_ops exchange_there = {
    .name = "there",
    .is_open = there_is_open,
    .answer = there_answer,
    .watch = exchange_ignore, /* who asks says if nobody waits */
    .released = there_released,
};

static struct far_there *there_new(struct worker *w, uint64_t from, const struct far_message *m)
{
    struct there_key k = {from, m->id, m->worker};
    struct far_there *t = mem_zeroed(1, sizeof(*t));

    assert(far_there_find(w, from, m) == NULL);
    t->x.ops = &exchange_there;
    t->x.worker = w;
    t->x.answer_eio = there_answer_eio;
    t->from = from;
    t->id = m->id;
    t->worker = m->worker;
    t->event = m->type == FAR_EVENT;
    t->home = m->type == FAR_HOME;
    memcpy(t->session, m->session, sizeof(t->session));
    /* What was bytes on a WebSocket is base64 in a body. */
    buf_init(&t->x.body, 2 * w->server->conf->sio_max_payload + BODY_SLACK);
    t->timer.fire = too_late;
    wheel_set(&w->wheel, &t->timer, worker_now_ms(w) + BODY_MS);
    map_add(&w->far->theres, &t->node, far_there_hash_of(&k));
    return t;
}

/* What is of API Gateway is complete. */
static void far_there_take_event(struct far_there *t)
{
    struct worker *w = t->x.worker;
    void (*take)(struct exchange * x) = t->event ? w->far->event : w->far->home;

    assert((t->event || t->home) && !t->over);
    if (take == NULL) {
        far_there_refuse(t, ENGINEIO_UNKNOWN_SID);
        return;
    }
    wheel_cancel(&w->wheel, &t->timer);
    t->asked = true;
    exchange_hold(&t->x);
    take(&t->x);
    exchange_release(&t->x);
}

/* It is complete: the session is asked. */
static void far_there_run(struct far_there *t, bool post)
{
    struct conn *session = eio_find(t->x.worker, t->session);

    assert(!t->asked && !t->over);
    if (session == NULL) {
        far_there_refuse(t, ENGINEIO_UNKNOWN_SID);
        return;
    }
    wheel_cancel(&t->x.worker->wheel, &t->timer);
    t->asked = true;
    exchange_hold(&t->x);
    if (post)
        eio_post(session, &t->x);
    else
        eio_poll(session, &t->x);
    exchange_release(&t->x);
}

static void take_piece(struct far_there *t, const struct far_message *m)
{
    assert(!t->asked);
    buf_append(&t->x.body, m->bytes);
    if (m->piece != t->pieces++ || t->x.body.failed)
        far_there_refuse(t, ENGINEIO_BAD_REQUEST);
    else if (m->last && (t->event || t->home))
        far_there_take_event(t);
    else if (m->last)
        far_there_run(t, true);
}

/* Nobody waits for it. */
static void lost(struct far_there *t)
{
    exchange_hold(&t->x);
    t->over = true;
    if (t->x.wait != NULL)
        t->x.wait->gone(&t->x);
    exchange_release(&t->x);
}

static void probe(struct worker *w, uint64_t from, const struct far_message *m)
{
    struct conn *session = eio_find(w, m->session);
    struct far_there *t = there_new(w, from, m);

    if (session != NULL && eio_may_probe(session)) {
        far_there_say(t, &(struct eio_answer){.kind = EIO_TAKEN});
        there_free(t);
        return;
    }
    far_there_refuse(t, session == NULL ? ENGINEIO_UNKNOWN_SID : ENGINEIO_BAD_REQUEST);
}

static void far_there_request(struct worker *w, uint64_t from, const struct far_message *m)
{
    if (far_there_find(w, from, m) != NULL)
        return; /* it came twice */
    if (m->type == FAR_PROBE)
        probe(w, from, m);
    else if (m->type == FAR_GET)
        far_there_run(there_new(w, from, m), false);
    else
        take_piece(there_new(w, from, m), m);
}

/* Of a WebSocket elsewhere. */
static void tell_session(struct worker *w, const struct far_message *m)
{
    struct conn *session = eio_find(w, m->session);

    if (session == NULL)
        return;
    if (m->type == FAR_GONE)
        conn_drop(session, METRIC_close_gone);
    else
        eio_probed(session, m->type == FAR_PROBED);
}

/* More is said of a request. */
static void far_there_go_on(struct far_there *t, const struct far_message *m)
{
    if (m->type == FAR_LOST)
        lost(t);
    else if (m->type == FAR_MORE && !t->asked)
        take_piece(t, m);
    else if (m->type == FAR_ENOUGH)
        eio_release(&t->x);
}

void far_there_heard(struct worker *w, uint64_t node, const struct far_message *m)
{
    struct far_there *t;

    switch (m->type) {
    case FAR_GET:
    case FAR_POST:
    case FAR_PROBE:
    case FAR_EVENT:
    case FAR_HOME:
        far_there_request(w, node, m);
        break;
    case FAR_MORE:
    case FAR_LOST:
    case FAR_ENOUGH:
        t = far_there_find(w, node, m);
        if (t != NULL)
            far_there_go_on(t, m);
        break;
    case FAR_PROBED:
    case FAR_UNPROBED:
    case FAR_GONE:
        tell_session(w, m);
        break;
    case FAR_ANSWER:
        break;
    }
}

/* Those of a node, or of all if node is 0. One that is lost may end another: from the beginning
 * each time. */
static void lose(struct worker *w, uint64_t node)
{
    struct map_iter it;
    struct map_node *n = map_first(&w->far->theres, &it);

    while (n != NULL) {
        struct far_there *t = CONTAINER_OF(n, struct far_there, node);

        if ((node == 0 || t->from == node) && !t->over) {
            lost(t);
            n = map_first(&w->far->theres, &it);
        } else {
            n = map_next(&it);
        }
    }
}

void far_there_lost(struct worker *w, uint64_t node)
{
    assert(node != 0);
    lose(w, node);
}

void far_there_end(struct worker *w)
{
    lose(w, 0);
}

void far_there_fini(struct worker *w)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&w->far->theres, &it); n != NULL; n = map_next(&it))
        there_free(CONTAINER_OF(n, struct far_there, node));
}
