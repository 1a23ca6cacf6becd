#include "server/sio/far.h"

#include "base/mem.h"
#include "base/str.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/sio/far_there.h"

#include <stdlib.h>

/* How long an answer may take, beside what a GET waits. */
#define PATIENCE_MS 10000
#define HURRY_MS 1000
#define ANSWER_MAX ((size_t)64 * 1024 * 1024)
#define PIECE_MAX (BUS_CAST_MAX - FAR_HEAD_MAX)

struct mail_far {
    struct io_mail mail;
    struct worker *to;
    uint64_t node;
    size_t n;
    uint8_t bytes[];
};

struct far_peer {
    struct map_node node;
    uint64_t id;
};

static uint64_t self_of(const struct worker *w)
{
    return bus_self(w->server->o.bus);
}

/* Sending. */

static void mail_arrived(struct io_mail *mail)
{
    struct mail_far *m = CONTAINER_OF(mail, struct mail_far, mail);

    far_heard(m->to, m->node, (struct str){m->bytes, m->n});
    free(m);
}

static void send_mail(struct worker *w, unsigned worker, struct str bytes)
{
    struct mail_far *m = mem_bytes(sizeof(*m) + bytes.n);

    m->mail.deliver = mail_arrived;
    m->to = &w->server->workers[worker];
    m->node = self_of(w);
    m->n = bytes.n;
    memcpy(m->bytes, bytes.p, bytes.n);
    worker_mail(w, worker, &m->mail);
}

static void send_piece(struct worker *w, uint64_t node, unsigned worker,
                       const struct far_message *m)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, SIZE_MAX / 2);
    far_message_write(&b, m);
    if (node == self_of(w))
        send_mail(w, worker, buf_peek(&b));
    else
        bus_direct(w->server->o.bus, node, worker, buf_peek(&b));
}

void far_send(struct worker *w, uint64_t node, unsigned worker, const struct far_message *m)
{
    size_t max = node == self_of(w) ? SIZE_MAX : PIECE_MAX;
    struct far_message piece = *m;
    struct str rest = m->bytes;

    assert(node != self_of(w) || worker < w->server->workers_n);
    do {
        piece.bytes = (struct str){rest.p, MIN(rest.n, max)};
        rest = str_skip(rest, piece.bytes.n);
        piece.last = rest.n == 0;
        send_piece(w, node, worker, &piece);
        piece.piece++;
        if (piece.type == FAR_POST || piece.type == FAR_EVENT || piece.type == FAR_HOME)
            piece.type = FAR_MORE;
    } while (rest.n > 0);
}

void far_tell(struct worker *w, const struct eio_sid *to, enum far_type type)
{
    struct far_message m = {.type = type, .worker = w->index};

    memcpy(m.session, to->id, sizeof(m.session));
    far_send(w, to->node, to->worker, &m);
}

/* Asking. */

static bool ask_eq(const struct map_node *node, const void *key)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct far_ask, node)->id ==
           *(const uint64_t *)key;
}

static void close_ask(struct far_ask *a)
{
    assert(a->open);
    a->open = false;
    map_remove(&a->worker->far->asks, &a->node);
    wheel_cancel(&a->worker->wheel, &a->timer);
}

static void far_refuse(struct far_ask *a)
{
    close_ask(a);
    buf_clear(&a->body);
    a->done(a, &(struct eio_answer){.kind = EIO_REFUSED, .error = ENGINEIO_UNKNOWN_SID});
}

static void timed_out(struct wheel_timer *t)
{
    far_refuse(CONTAINER_OF(t, struct far_ask, timer));
}

void far_ask(struct worker *w, struct far_ask *a, const struct eio_sid *to, enum far_type type,
             struct str body)
{
    const struct conf *c = w->server->conf;
    uint64_t ms = PATIENCE_MS;
    struct far_message m = {.type = type, .worker = w->index, .bytes = body};

    assert(!a->open);
    if (type == FAR_GET || type == FAR_POST) /* which waits until its client has read */
        ms += c->sio_ping_interval_ms + c->sio_ping_timeout_ms;
    buf_fini(&a->body);
    buf_init(&a->body, ANSWER_MAX);
    a->worker = w;
    a->to = *to;
    a->id = m.id = ++w->far->last_id;
    a->pieces = 0;
    a->open = true;
    a->timer.fire = timed_out;
    wheel_set(&w->wheel, &a->timer, worker_now_ms(w) + ms);
    map_add(&w->far->asks, &a->node, map_hash_id(a->id));
    memcpy(m.session, to->id, sizeof(m.session));
    metrics_add(w->metrics, METRIC_sio_forwarded, 1);
    far_send(w, to->node, to->worker, &m);
}

/* Something of an ask that is open. */
static void say_of(struct far_ask *a, enum far_type type)
{
    struct far_message m = {.type = type, .id = a->id, .worker = a->worker->index};

    memcpy(m.session, a->to.id, sizeof(m.session));
    far_send(a->worker, a->to.node, a->to.worker, &m);
}

void far_enough(struct far_ask *a)
{
    if (!a->open)
        return;
    say_of(a, FAR_ENOUGH);
    wheel_set(&a->worker->wheel, &a->timer, worker_now_ms(a->worker) + HURRY_MS);
}

void far_cancel(struct far_ask *a)
{
    if (a->open) {
        close_ask(a);
        say_of(a, FAR_LOST);
    }
    buf_fini(&a->body);
}

static void far_answered(struct worker *w, uint64_t node, const struct far_message *m)
{
    struct map_node *n = map_find(&w->far->asks, map_hash_id(m->id), ask_eq, &m->id);
    struct far_ask *a = n != NULL ? CONTAINER_OF(n, struct far_ask, node) : NULL;

    if (a == NULL || a->to.node != node)
        return;
    assert(a->open);
    buf_append(&a->body, m->bytes);
    if (m->piece != a->pieces++ || a->body.failed) {
        far_refuse(a);
        return;
    }
    if (!m->last)
        return;
    close_ask(a);
    a->done(a, &m->answer);
}

/* Hearing. */

void far_heard(struct worker *w, uint64_t node, struct str bytes)
{
    struct far_message m;

    if (lifecycle_at(&w->life) >= LIFE_SETTLED || !far_message_read(bytes, &m))
        return;
    if (m.type == FAR_ANSWER)
        far_answered(w, node, &m);
    else if (node != self_of(w) || m.worker < w->server->workers_n)
        far_there_heard(w, node, &m);
}

static bool peer_eq(const struct map_node *node, const void *key)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct far_peer, node)->id ==
           *(const uint64_t *)key;
}

static struct far_peer *find_peer(struct worker *w, uint64_t id)
{
    struct map_node *n = map_find(&w->far->nodes, map_hash_id(id), peer_eq, &id);

    return n != NULL ? CONTAINER_OF(n, struct far_peer, node) : NULL;
}

bool far_knows(struct worker *w, uint64_t node)
{
    return node == self_of(w) || (find_peer(w, node) != NULL && !bus_degraded(w->server->o.bus));
}

uint64_t far_any(struct worker *w, uint64_t random)
{
    size_t n = map_n(&w->far->nodes);
    size_t skip = n > 0 ? random % n : 0;
    struct map_iter it;

    if (bus_degraded(w->server->o.bus))
        return 0;
    for (struct map_node *at = map_first(&w->far->nodes, &it); at != NULL; at = map_next(&it))
        if (skip-- == 0)
            return CONTAINER_OF(at, struct far_peer, node)->id;
    return 0;
}

/* Those of a node, or all if node is 0. Refusing one may close another: from the beginning each
 * time. */
static void refuse(struct worker *w, uint64_t node)
{
    struct map_iter it;
    struct map_node *n = map_first(&w->far->asks, &it);

    while (n != NULL) {
        struct far_ask *a = CONTAINER_OF(n, struct far_ask, node);

        if (node == 0 || a->to.node == node) {
            far_refuse(a);
            n = map_first(&w->far->asks, &it);
        } else {
            n = map_next(&it);
        }
    }
}

void far_node(struct worker *w, uint64_t node, bool up)
{
    struct far_peer *p = find_peer(w, node);

    if (up && p == NULL) {
        p = mem_zeroed(1, sizeof(*p));
        p->id = node;
        map_add(&w->far->nodes, &p->node, map_hash_id(node));
    } else if (!up && p != NULL) {
        map_remove(&w->far->nodes, &p->node);
        free(p);
        refuse(w, node);
        far_there_lost(w, node);
    }
}

void far_end(struct worker *w)
{
    far_there_end(w);
    refuse(w, 0);
}

void far_init(struct worker *w)
{
    struct far *f = mem_zeroed(1, sizeof(*f));

    w->far = f;
    map_init(&f->asks);
    map_init(&f->theres);
    map_init(&f->nodes);
}

void far_fini(struct worker *w)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&w->far->nodes, &it); n != NULL; n = map_next(&it))
        free(CONTAINER_OF(n, struct far_peer, node));
    map_fini(&w->far->nodes);
    far_there_fini(w);
    map_fini(&w->far->theres);
    map_fini(&w->far->asks);
}
