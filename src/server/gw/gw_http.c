#include "server/gw/gw_http.h"

#include "base/mem.h"
#include "base/str.h"
#include "server/conn/refusal.h"
#include "server/gw/door_gw.h"
#include "server/gw/gw_give.h"
#include "server/gw/gw_home.h"
#include "server/gw/gw_seek.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/sio/far.h"

#include <stdlib.h>

#define EVENT_BOUND ((size_t)256 * 1024)

bool gw_http_takes(const struct worker *w, struct str path)
{
    struct str ours = str_of(w->server->conf->gw_path);

    return ours.n > 0 && str_starts(path, ours) && (path.n == ours.n || path.p[ours.n] == '/');
}

uint64_t gw_http_body_max(const struct worker *w)
{
    uint64_t max = w->server->conf->frame_max;

    return max > 0 ? MIN(max, (uint64_t)GW_BODY_MAX) : GW_BODY_MAX;
}

/* The request. */

static bool knows_secret(const struct exchange *x)
{
    const struct conf *conf = x->worker->server->conf;
    struct str given = {0}, old = str_of(conf->gw_secret_old);
    bool is_new, is_old;

    assert(conf->gw_secret[0] != '\0');
    (void)http1_get(&x->request->headers, STR("x-ws-secret"), &given);
    is_new = str_eq_secret(given, str_of(conf->gw_secret));
    is_old = old.n > 0 && str_eq_secret(given, old);
    return is_new || is_old;
}

static bool read_kind(const struct exchange *x, enum gw_kind *ret_kind)
{
    struct str rest = str_skip(x->request->path, strlen(x->worker->server->conf->gw_path));

    if (str_eq(rest, STR("/connect")))
        *ret_kind = GW_CONNECT;
    else if (str_eq(rest, STR("/message")))
        *ret_kind = GW_MESSAGE;
    else if (str_eq(rest, STR("/disconnect")))
        *ret_kind = GW_DISCONNECT;
    else
        return false;
    return true;
}

static void refuse_field(struct exchange *x, const char *field)
{
    struct call call = {.error = ERROR_bad_value, .param = field};

    exchange_fail_call(x, &call);
}

/* Where the connection's POSTs go. */
static bool find_base(const struct exchange *x, struct buf *out)
{
    const char *callback = x->worker->server->conf->gw_callback;

    if (callback[0] == '\0')
        return gw_event_base(&x->request->headers, out);
    buf_append(out, str_of(callback));
    return !out->failed;
}

/* To another worker. */

struct gw_ask {
    struct far_ask ask;
    struct exchange *x;
    enum gw_kind kind;
};

static struct exchange *ask_end(struct gw_ask *a)
{
    struct exchange *x = a->x;

    assert(x->waits_for == a);
    exchange_wait_end(x);
    return x;
}

static void ask_free(struct gw_ask *a)
{
    far_cancel(&a->ask);
    free(a);
}

static void gw_ask_answered(struct far_ask *ask, const struct eio_answer *answer)
{
    struct gw_ask *a = CONTAINER_OF(ask, struct gw_ask, ask);
    struct exchange *x = ask_end(a);
    struct gw_answer told;

    if (answer->kind == EIO_PACKETS && gw_event_answer_decode(buf_peek(&ask->body), &told) &&
        told.body.n <= GW_BODY_MAX)
        gw_home_answer(x, &told);
    else
        gw_home_refuse(x, &(struct gw_event){.kind = a->kind, .body = buf_peek(&x->body)},
                       ERROR_store_failed); /* it ends, or is lost: to be tried again */
    ask_free(a);
}

/* Whether the worker is home of it now, to who gives it. */
static void gw_ask_passed(struct far_ask *ask, const struct eio_answer *answer)
{
    struct gw_ask *a = CONTAINER_OF(ask, struct gw_ask, ask);

    eio_answer(ask_end(a), answer);
    ask_free(a);
}

static void gw_ask_gone(struct exchange *x)
{
    struct gw_ask *a = x->waits_for;

    (void)ask_end(a);
    ask_free(a);
}

static const struct exchange_wait exchange_wait_gw = {
    .gone = gw_ask_gone,
    .hurry = exchange_ignore,
    .stayed = exchange_ignore,
};

static void ask_worker(struct exchange *x, enum far_type type, enum gw_kind kind, struct str bytes,
                       unsigned worker)
{
    struct eio_sid to = {.node = bus_self(x->worker->server->o.bus), .worker = worker};
    struct gw_ask *a = mem_zeroed(1, sizeof(*a));

    a->x = x;
    a->kind = kind;
    a->ask.done = type == FAR_EVENT ? gw_ask_answered : gw_ask_passed;
    exchange_wait_begin(x, &exchange_wait_gw, a);
    far_ask(x->worker, &a->ask, &to, type, bytes);
    x->ops->watch(x);
}

void gw_http_run(struct exchange *x)
{
    struct worker *w = x->worker;
    struct buf base CLEANUP(buf_fini), bytes CLEANUP(buf_fini);
    struct gw_event e = {0};
    const char *field;
    unsigned home;

    assert(gw_http_takes(w, x->request->path));
    buf_init(&base, GW_BASE_MAX);
    buf_init(&bytes, EVENT_BOUND);
    if (!knows_secret(x)) {
        refusal_say(w, REFUSAL_GATEWAY, str_of(x->address));
        exchange_fail(x, ERROR_bad_secret, 0);
        return;
    }
    if (!read_kind(x, &e.kind)) {
        exchange_fail(x, ERROR_no_such_path, 0);
        return;
    }
    if (!exchange_is_method(x, "POST")) {
        x->allow = "POST";
        exchange_fail(x, ERROR_method_not_allowed, 0);
        return;
    }
    field = gw_event_read(&x->request->headers, &e);
    if (field == NULL && !find_base(x, &base))
        field = "X-Ws-Domain";
    if (field != NULL) {
        refuse_field(x, field);
        return;
    }
    e.base = buf_peek(&base);
    e.body = buf_peek(&x->body);
    if (!w->server->conf->gw_principal) /* whoever can set the field is not trusted with it */
        e.principal = e.title = (struct str){0};
    gw_event_encode(&e, &bytes);
    assert(!bytes.failed);
    home = door_gw_worker(w, e.id);
    if (home == w->index)
        gw_seek_take(x, &e);
    else
        ask_worker(x, FAR_EVENT, e.kind, buf_peek(&bytes), home);
}

/* From another worker. */

static void gw_http_heard(struct exchange *x)
{
    struct gw_event e;

    assert(x->conn == NULL);
    if (x->worker->gw != NULL && gw_event_decode(buf_peek(&x->body), &e))
        gw_seek_take(x, &e);
    else
        eio_answer_error(x, ENGINEIO_BAD_REQUEST);
}

/* Which worker would be home here, only this node knows. */
static void gw_http_given(struct exchange *x)
{
    struct str id, row, bytes = buf_peek(&x->body);
    unsigned worker;
    uint64_t rev;

    assert(x->conn == NULL);
    if (x->worker->gw == NULL || !gw_give_read(bytes, &rev, &id, &row)) {
        eio_answer_error(x, ENGINEIO_BAD_REQUEST);
        return;
    }
    worker = door_gw_worker(x->worker, id);
    if (worker == x->worker->index)
        gw_seek_given(x);
    else
        ask_worker(x, FAR_HOME, GW_CONNECT, bytes, worker);
}

void gw_http_init(struct worker *w)
{
    w->far->event = gw_http_heard;
    w->far->home = gw_http_given;
    gw_seek_init(w);
}

void gw_http_fini(struct worker *w)
{
    if (w->gw != NULL)
        gw_seek_fini(w);
}
