#include "server/gw/gw_home.h"

#include "base/str.h"
#include "chat/command/dispatch.h"
#include "server/conn/identify.h"
#include "server/conn/origin.h"
#include "server/conn/request.h"
#include "server/conn/session.h"
#include "server/conn/work.h"
#include "server/gw/door_gw.h"
#include "server/gw/gw_keep.h"
#include "server/gw/gw_order.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/sio/eio_answer.h"
#include "wire/field.h"

#define ANSWER_BOUND ((size_t)32 * 1024 * 1024)
#define ERROR_MAX 4096
#define PROTOCOL STR("polylog.v1")

/* Answers. */

void gw_home_answer(struct exchange *x, const struct gw_answer *a)
{
    struct http1_header extra[] = {{STR("Cache-Control"), STR("no-store")},
                                   {STR("Sec-WebSocket-Protocol"), PROTOCOL}};
    struct buf bytes CLEANUP(buf_fini);

    assert(a->body.n <= GW_BODY_MAX);
    if (x->conn != NULL) {
        exchange_answer(x, &(struct exchange_answer){.status = (int)a->status,
                                                     .type = STR("application/json"),
                                                     .body = a->body,
                                                     .extra = extra,
                                                     .extra_n = a->protocol ? 2 : 1});
        return;
    }
    buf_init(&bytes, GW_BODY_MAX + ERROR_MAX);
    gw_event_answer_encode(a, &bytes);
    eio_answer(x, &(struct eio_answer){.kind = EIO_PACKETS, .body = buf_peek(&bytes)});
}

static void answer_call(struct exchange *x, const struct call *call)
{
    struct buf body CLEANUP(buf_fini);
    struct json_out o;

    assert(call->error != ERROR_NONE);
    buf_init(&body, ERROR_MAX);
    json_out_init(&o, &body);
    json_out_object(&o);
    json_out_key(&o, "error");
    call_error_body(call, &o);
    json_out_object_end(&o);
    gw_home_answer(x, &(struct gw_answer){.status = (unsigned)command_error_status(call->error),
                                          .body = buf_peek(&body)});
}

void gw_home_fail(struct exchange *x, enum error_code code)
{
    answer_call(x, &(struct call){.error = code});
}

void gw_home_refuse(struct exchange *x, const struct gw_event *e, enum error_code code)
{
    struct command_limits limits = session_limits(x->worker);
    struct buf frame CLEANUP(buf_fini), body CLEANUP(buf_fini);
    struct command_problem problem;
    struct call call = {.error = code};

    assert(code != ERROR_NONE);
    buf_init(&frame, GW_BODY_MAX);
    buf_init(&body, ERROR_MAX);
    buf_append(&frame, e->body);
    if (e->kind != GW_MESSAGE || frame.failed || buf_len(&frame) == 0) {
        gw_home_fail(x, code);
        return;
    }
    (void)!command_parse(&call.cmd, frame.bytes, buf_len(&frame), &limits, &problem);
    call_answer(&call, &body);
    command_fini(&call.cmd);
    gw_home_answer(x, &(struct gw_answer){.status = 200, .body = buf_peek(&body)});
}

/* connect. */

static bool offers_protocol(struct str offered)
{
    struct str one;

    while (field_list_next(&offered, &one))
        if (str_eq(one, PROTOCOL))
            return true;
    return false;
}

static void connect_answered(struct request *r)
{
    struct conn *c = r->conn;

    if (r->call.error == ERROR_NONE) {
        gw_home_answer(r->exchange,
                       &(struct gw_answer){.status = 200, .protocol = r->wants_answer});
        return;
    }
    answer_call(r->exchange, &r->call);
    conn_finish(c, METRIC_close_unauthenticated);
}

static void connect_identified(struct request *r)
{
    struct conn *c = r->conn;

    if (r->call.error == ERROR_NONE && c->state == CONN_OPEN && c->person == NULL)
        r->call.error = session_begin(c, &r->call.who);
    request_end(r);
}

static bool is_refused(struct exchange *x, const struct gw_event *e)
{
    uint64_t wait_ms;

    if (e->origin.n > 0 && !origin_is_listed(x->worker->server->conf, e->origin)) {
        gw_home_fail(x, ERROR_bad_origin);
        return true;
    }
    wait_ms = e->token.n == 0 && e->principal.n == 0 ? origin_wait_ms(x) : 0;
    if (wait_ms > 0)
        answer_call(x, &(struct call){.error = ERROR_rate_limited, .retry_after_ms = wait_ms});
    return wait_ms > 0;
}

static void identify_by_gateway(struct request *r)
{
    const struct gw_conn *g = gw_conn_of(r->conn);
    struct str title = {r->bytes, r->n};
    struct identity_voucher v = {.principal = str_cut(&title, '\n'),
                                 .title = title,
                                 .connection = {(const uint8_t *)g->id, g->id_n},
                                 .now_ms = worker_wall_ms(r->worker)};

    v.expires_ms = v.now_ms + GW_ROW_LIFE_MS;
    identify_vouched(r, &v, connect_identified);
}

/* The row is kept: other nodes find the connection by it. */
static void connect_kept(struct conn *c, bool ok)
{
    struct gw_conn *g = gw_conn_of(c);
    struct request *r = g->opening;

    assert(r != NULL);
    g->opening = NULL;
    if (!ok)
        r->call.error = ERROR_store_failed;
    if (ok && g->vouched)
        identify_by_gateway(r);
    else if (ok && r->n > 0)
        identify(r, (struct str){r->bytes, r->n}, connect_identified);
    else
        request_end(r);
}

static void home_connect(struct exchange *x, const struct gw_event *e)
{
    struct conn *c = door_gw_find(x->worker, e->id);
    bool protocol = offers_protocol(e->protocol);
    struct buf who CLEANUP(buf_fini);
    struct request *r;

    buf_init(&who, GW_TOKEN_MAX);
    if (c != NULL) { /* the event has come twice, or behind a message */
        gw_home_answer(x, &(struct gw_answer){.status = 200, .protocol = protocol});
        return;
    }
    if (is_refused(x, e))
        return;
    c = door_gw_open(x->worker, e);
    gw_conn_of(c)->next_n = 1;
    buf_append(&who, e->principal.n > 0 ? e->principal : e->token);
    if (e->principal.n > 0) {
        buf_append_byte(&who, '\n');
        buf_append(&who, e->title);
        gw_conn_of(c)->vouched = true;
    }
    r = request_by(c, x, buf_peek(&who), connect_answered);
    r->wants_answer = protocol;
    gw_conn_of(c)->opening = r;
    gw_keep_begin(c, connect_kept);
}

/* message. */

/* Whose it is, or what it follows. */
static bool changes_row(enum command_id id)
{
    return id == COMMAND_auth || dispatch_enters(id) || id == COMMAND_join ||
           id == COMMAND_resume || id == COMMAND_leave;
}

static void message_answered(struct request *r)
{
    struct buf body CLEANUP(buf_fini);

    assert(r->exchange != NULL);
    if (r->call.cmd.id == COMMAND_auth && r->call.error == ERROR_NONE && r->conn->own != NULL)
        gw_conn_of(r->conn)->array = command_has(&r->call.cmd, PARAM_array) && r->call.cmd.array;
    buf_init(&body, ANSWER_BOUND);
    if (r->call.error != ERROR_NONE || r->call.cmd.reply_kind != COMMAND_REPLY_NONE)
        call_answer(&r->call, &body);
    if (body.failed || buf_len(&body) > GW_BODY_MAX) {
        r->call.error = ERROR_answer_too_long;
        buf_clear(&body);
        call_answer(&r->call, &body);
    }
    gw_home_answer(r->exchange, &(struct gw_answer){.status = 200, .body = buf_peek(&body)});
    if (r->conn->state == CONN_OPEN && changes_row(r->call.cmd.id))
        gw_keep_mark(r->conn);
}

static void home_message(struct exchange *x, const struct gw_event *e)
{
    struct command_limits limits = session_limits(x->worker);
    struct conn *c = door_gw_find(x->worker, e->id);
    struct command_problem problem;
    struct request *r;

    if (c == NULL || c->state != CONN_OPEN || work_is_over(c)) {
        if (c != NULL && c->state == CONN_OPEN)
            conn_end(c, WS_CLOSE_POLICY, WORK_CLOSE_WHY, METRIC_close_work);
        gw_home_refuse(x, e, ERROR_unauthenticated);
        return;
    }
    metrics_add(x->worker->metrics, METRIC_gw_messages, 1);
    metrics_add(x->worker->metrics, METRIC_bytes_in, e->body.n);
    door_gw_heard(c);
    r = request_by(c, x, e->body, message_answered);
    r->enters = true; /* there is no HTTP for it at such an address */
    if (!command_parse(&r->call.cmd, r->bytes, r->n, &limits, &problem)) {
        r->call.error = problem.code;
        r->call.param = problem.param;
    }
    gw_order_take(r);
}

/* disconnect. */

static void home_disconnect(struct exchange *x, const struct gw_event *e)
{
    struct conn *c = door_gw_find(x->worker, e->id);

    if (c != NULL)
        conn_drop(c, METRIC_close_client);
    gw_home_answer(x, &(struct gw_answer){.status = 200});
}

void gw_home_take(struct exchange *x, const struct gw_event *e)
{
    size_t n = MIN(e->source.n, sizeof(x->address) - 1);

    assert(x->worker->gw != NULL && e->id.n > 0);
    if (n > 0) {
        memcpy(x->address, e->source.p, n);
        x->address[n] = '\0';
    }
    x->local = false; /* whoever stands on this machine: the client is elsewhere */
    switch (e->kind) {
    case GW_CONNECT:
        home_connect(x, e);
        break;
    case GW_MESSAGE:
        home_message(x, e);
        break;
    case GW_DISCONNECT:
        home_disconnect(x, e);
        break;
    }
}
