#include "server/far_there.h"

#include "base/str.h"
#include "server/door_http.h"
#include "server/far.h"
#include "server/server.h"
#include "server/worker.h"

#include <stdlib.h>

/* A body must have come within this. */
#define BODY_MS 10000
#define BODY_SLACK 1024

static const struct door door_there;

/*   its body comes --last piece--> CONN --answered, lost--> freed with it
 *         '---- lost, late, too long ----> freed */
struct far_there {
    struct map_node node;
    struct wheel_timer timer;
    struct worker *at;
    uint64_t from, id;
    unsigned worker; /* of that node */
    uint8_t session[EIO_ID_LEN];
    struct buf body;
    uint32_t pieces;
    struct conn *conn; /* NULL: its body is not complete */
    bool answered;
};

struct key {
    uint64_t from, id;
    unsigned worker;
};

static bool there_eq(const struct map_node *node, const void *key)
{
    const struct far_there *t =
        CONTAINER_OF((struct map_node *)(uintptr_t)node, struct far_there, node);
    const struct key *k = key;

    return t->from == k->from && t->id == k->id && t->worker == k->worker;
}

static uint64_t hash_of(const struct key *k)
{
    return map_hash_id(k->from ^ (k->id << 8) ^ k->worker);
}

static struct far_there *find(struct worker *w, uint64_t from, const struct far_message *m)
{
    struct key k = {from, m->id, m->worker};
    struct map_node *n = map_find(&w->far.theres, hash_of(&k), there_eq, &k);

    return n != NULL ? CONTAINER_OF(n, struct far_there, node) : NULL;
}

static void there_free(struct far_there *t)
{
    map_remove(&t->at->far.theres, &t->node);
    wheel_cancel(&t->at->wheel, &t->timer);
    buf_fini(&t->body);
    free(t);
}

static void say(struct far_there *t, const struct eio_answer *answer)
{
    struct far_message m = {.type = FAR_ANSWER,
                            .worker = t->at->index,
                            .id = t->id,
                            .answer = *answer,
                            .bytes = answer->body};

    memcpy(m.session, t->session, sizeof(m.session));
    far_send(t->at, t->from, t->worker, &m);
}

static void refuse(struct far_there *t, enum engineio_error error)
{
    say(t, &(struct eio_answer){.kind = EIO_REFUSED, .error = error});
    there_free(t);
}

static void too_late(struct wheel_timer *timer)
{
    there_free(CONTAINER_OF(timer, struct far_there, timer)); /* the asker has given up */
}

static struct far_there *there_new(struct worker *w, uint64_t from, const struct far_message *m)
{
    struct key k = {from, m->id, m->worker};
    struct far_there *t = calloc(1, sizeof(*t));

    if (t == NULL)
        abort();
    t->at = w;
    t->from = from;
    t->id = m->id;
    t->worker = m->worker;
    memcpy(t->session, m->session, sizeof(t->session));
    /* What was bytes on a WebSocket is base64 in a body. */
    buf_init(&t->body, 2 * w->server->conf->sio_max_payload + BODY_SLACK);
    t->timer.fire = too_late;
    wheel_set(&w->wheel, &t->timer, worker_now_ms(w) + BODY_MS);
    map_add(&w->far.theres, &t->node, hash_of(&k));
    return t;
}

/* It is complete: the session is asked. */
static void run(struct far_there *t, bool post)
{
    struct conn *session = eio_find(t->at, t->session), *h;

    if (session == NULL) {
        refuse(t, ENGINEIO_UNKNOWN_SID);
        return;
    }
    wheel_cancel(&t->at->wheel, &t->timer);
    h = conn_make(t->at, &door_there);
    h->own = t;
    t->conn = h;
    h->http = calloc(1, sizeof(*h->http));
    if (h->http == NULL)
        abort();
    h->http->state = HTTP_BUSY;
    h->http->body = t->body;
    buf_init(&t->body, 0);
    if (post)
        eio_post(session, h);
    else
        eio_poll(session, h);
}

static void take_piece(struct far_there *t, const struct far_message *m)
{
    buf_append(&t->body, m->bytes);
    if (m->piece != t->pieces++ || t->body.failed)
        refuse(t, ENGINEIO_BAD_REQUEST);
    else if (m->last)
        run(t, true);
}

static void lost(struct far_there *t)
{
    if (t->conn == NULL) {
        there_free(t);
        return;
    }
    t->answered = true; /* nobody waits for it */
    conn_drop(t->conn, METRIC_close_gone);
}

static void probe(struct worker *w, uint64_t from, const struct far_message *m)
{
    struct conn *session = eio_find(w, m->session);
    struct far_there *t = there_new(w, from, m);

    if (session != NULL && eio_may_probe(session)) {
        say(t, &(struct eio_answer){.kind = EIO_TAKEN});
        there_free(t);
        return;
    }
    refuse(t, session == NULL ? ENGINEIO_UNKNOWN_SID : ENGINEIO_BAD_REQUEST);
}

static void request(struct worker *w, uint64_t from, const struct far_message *m)
{
    if (find(w, from, m) != NULL)
        return; /* it came twice */
    if (m->type == FAR_PROBE)
        probe(w, from, m);
    else if (m->type == FAR_GET)
        run(there_new(w, from, m), false);
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
static void go_on(struct far_there *t, const struct far_message *m)
{
    if (m->type == FAR_LOST)
        lost(t);
    else if (m->type == FAR_MORE && t->conn == NULL)
        take_piece(t, m);
    else if (m->type == FAR_ENOUGH && t->conn != NULL)
        eio_poll_release(t->conn);
}

void far_there_heard(struct worker *w, uint64_t node, const struct far_message *m)
{
    struct far_there *t;

    switch (m->type) {
    case FAR_GET:
    case FAR_POST:
    case FAR_PROBE:
        request(w, node, m);
        break;
    case FAR_MORE:
    case FAR_LOST:
    case FAR_ENOUGH:
        t = find(w, node, m);
        if (t != NULL)
            go_on(t, m);
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

/* One that is lost may end another: from the beginning each time. */
void far_there_lost(struct worker *w, uint64_t node)
{
    struct map_iter it;
    struct map_node *n = map_first(&w->far.theres, &it);

    while (n != NULL) {
        struct far_there *t = CONTAINER_OF(n, struct far_there, node);

        if (t->from == node && !t->answered) {
            lost(t);
            n = map_first(&w->far.theres, &it);
        } else {
            n = map_next(&it);
        }
    }
}

void far_there_fini(struct worker *w)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&w->far.theres, &it); n != NULL; n = map_next(&it))
        there_free(CONTAINER_OF(n, struct far_there, node));
}

/* The connection that stands for it. */

bool far_there_is(const struct conn *h)
{
    return h->door == &door_there;
}

void far_there_answer(struct conn *h, const struct eio_answer *answer)
{
    struct far_there *t = h->own;

    if (t == NULL || t->answered)
        return;
    t->answered = true;
    say(t, answer);
    conn_mark(h);
}

/* Who answers may still look at h: it goes at the end of the turn. */
static void flush(struct conn *h)
{
    struct far_there *t = h->own;

    if (t->answered)
        conn_drop(h, METRIC_close_client);
}

static void closed(struct conn *h)
{
    struct far_there *t = h->own;

    if (h->http->session != NULL)
        eio_poll_lost(h);
    h->own = NULL;
    buf_fini(&h->http->body);
    free(h->http);
    h->http = NULL;
    if (t->answered)
        there_free(t);
    else
        refuse(t, ENGINEIO_UNKNOWN_SID);
}

static void received(struct conn *h, uint8_t *p, size_t n)
{
    (void)h;
    (void)p;
    (void)n;
}

static void timeout(struct conn *h)
{
    (void)h; /* who asks has one */
}

static const struct door door_there = {
    .name = "eio-there",
    .received = received,
    .timeout = timeout,
    .closed = closed,
    .flush = flush,
};
