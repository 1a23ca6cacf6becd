#include "serverless/runtime.h"

#include "base/json.h"
#include "base/str.h"
#include "wire/http1.h"

#include <errno.h>
#include <stdio.h>

#define BASE "/2018-06-01/runtime/"
#define AGAIN_MS 20 /* doubled with each try */
#define HEAD_MAX 16384

static void link_open(struct runtime *rt);
static void link_close(struct runtime *rt);

static void runtime_end(struct runtime *rt, const char *why)
{
    assert(rt->state != RUNTIME_ENDED);
    rt->state = RUNTIME_ENDED;
    link_close(rt);
    rt->ops->ended(rt, why);
}

/* Requests. */

/* Sends what is in out, from its beginning, over the link or a new one. */
static void request(struct runtime *rt)
{
    rt->rest = buf_peek(&rt->out);
    rt->headed = rt->whole = false;
    buf_clear(&rt->head);
    buf_clear(&rt->body);
    if (rt->link == RUNTIME_CLOSED)
        link_open(rt);
    else if (rt->link == RUNTIME_OPEN)
        io_send(rt->io, &rt->send, &rt->rest, 1);
}

static void write_request(struct runtime *rt, const char *method, const char *target,
                          const char *error, struct str body)
{
    char length[24];
    struct http1_header extra[3];
    size_t n = 0;

    buf_clear(&rt->out);
    if (body.p != NULL) {
        (void)snprintf(length, sizeof(length), "%zu", body.n);
        extra[n++] = (struct http1_header){STR("Content-Type"), STR("application/json")};
        extra[n++] = (struct http1_header){STR("Content-Length"), str_of(length)};
    }
    if (error != NULL)
        extra[n++] =
            (struct http1_header){STR("Lambda-Runtime-Function-Error-Type"), str_of(error)};
    if (!http1_write_request(&rt->out, str_of(method), str_of(target), rt->host, extra, n)) {
        runtime_end(rt, "a request cannot be written");
        return;
    }
    buf_append(&rt->out, body);
    assert(!rt->out.failed);
    request(rt);
}

static void runtime_ask(struct runtime *rt)
{
    rt->state = RUNTIME_ASKS;
    write_request(rt, "GET", BASE "invocation/next", NULL, (struct str){0});
}

static void runtime_tell(struct runtime *rt, const char *what, const char *error, struct str body)
{
    char target[RUNTIME_TEXT_MAX + 64];

    assert(rt->state == RUNTIME_RUNS);
    rt->state = RUNTIME_TELLS;
    rt->tries = 0;
    (void)snprintf(target, sizeof(target), BASE "invocation/%s/%s", rt->id, what);
    write_request(rt, "POST", target, error, body);
}

/* {"errorMessage":...,"errorType":...,"stackTrace":[]} */
static void error_text(const char *type, const char *message, struct buf *to)
{
    struct json_out o;

    json_out_init(&o, to);
    json_out_object(&o);
    json_out_field_str(&o, "errorMessage", str_of(message));
    json_out_field_str(&o, "errorType", str_of(type));
    json_out_key(&o, "stackTrace");
    json_out_array(&o);
    json_out_array_end(&o);
    json_out_object_end(&o);
}

void runtime_fail(struct runtime *rt, const char *type, const char *message)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, HEAD_MAX);
    error_text(type, message, &b);
    runtime_tell(rt, "error", type, buf_peek(&b));
}

void runtime_answer(struct runtime *rt, struct str body)
{
    if (body.n > RUNTIME_BODY_MAX)
        runtime_fail(rt, "Function.ResponseSizeTooLarge", "the answer has more than 6 MB");
    else
        runtime_tell(rt, "response", NULL, body.n > 0 ? body : STR("{}"));
}

/* Answers. */

/* The link is of no more use: what is under way begins anew, over another one. */
static void link_lost(struct runtime *rt)
{
    rt->lost++;
    link_close(rt);
}

static void runtime_answered(struct runtime *rt)
{
    enum runtime_state was = rt->state;

    rt->tries = 0;
    rt->whole = false;
    if (!rt->keeps)
        link_close(rt);
    if (was == RUNTIME_REFUSES) {
        runtime_end(rt, "the function cannot start");
    } else if (rt->status == 500) {
        runtime_end(rt, "the runtime API says that the container is broken");
    } else if (was == RUNTIME_TELLS && rt->status == 413) {
        rt->state = RUNTIME_RUNS;
        runtime_fail(rt, "Function.ResponseSizeTooLarge", "the answer is too long");
    } else if (was == RUNTIME_TELLS) {
        runtime_ask(rt); /* 400, 403: it has an answer, or its time is up */
    } else if (rt->status != 200 || rt->id[0] == '\0') {
        runtime_end(rt, "the runtime API gave no invocation");
    } else {
        struct str body = buf_peek(&rt->body);

        rt->state = RUNTIME_RUNS;
        rt->invocations++;
        rt->invocation.body = (uint8_t *)(uintptr_t)body.p;
        rt->invocation.body_n = body.n;
        rt->ops->invoked(rt, &rt->invocation);
    }
}

/* A header's value, copied; empty if there is none, it is too long, or could not be in a path. */
static struct str keep(const struct http1_response *r, struct str name, char to[RUNTIME_TEXT_MAX])
{
    struct str value;

    to[0] = '\0';
    if (!http1_get(&r->headers, name, &value) || value.n >= RUNTIME_TEXT_MAX)
        return (struct str){0};
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] <= ' ' || value.p[i] > '~')
            return (struct str){0};
    memcpy(to, value.p, value.n);
    to[value.n] = '\0';
    return (struct str){(const uint8_t *)to, value.n};
}

static void head_read(struct runtime *rt, const struct http1_response *r)
{
    struct str value;

    rt->headed = true;
    rt->status = r->status;
    rt->keeps = r->keep_alive;
    rt->is_chunked = r->body == HTTP1_BODY_CHUNKED;
    rt->chunked = (struct chunked){.body_max = RUNTIME_BODY_MAX};
    rt->length = r->body == HTTP1_BODY_LENGTH ? r->content_length : 0;
    if (rt->state != RUNTIME_ASKS)
        return;
    rt->invocation = (struct runtime_invocation){
        .id = keep(r, STR("lambda-runtime-aws-request-id"), rt->id),
        .function = keep(r, STR("lambda-runtime-invoked-function-arn"), rt->function),
        .trace = keep(r, STR("lambda-runtime-trace-id"), rt->trace)};
    if (!http1_get(&r->headers, STR("lambda-runtime-deadline-ms"), &value) ||
        !str_to_u64(value, &rt->invocation.deadline_ms))
        rt->invocation.deadline_ms = UINT64_MAX;
}

enum progress { MORE, WHOLE, BROKEN };

static enum progress take_chunks(struct runtime *rt, struct str in)
{
    for (;;) {
        struct str data;
        size_t used;
        int status;
        enum chunked_event e = chunked_decode(&rt->chunked, in, &used, &data, &status);

        in = str_skip(in, used);
        if (e == CHUNKED_DATA)
            buf_append(&rt->body, data);
        else if (e == CHUNKED_DONE)
            return in.n == 0 ? WHOLE : BROKEN;
        else
            return e == CHUNKED_MORE ? MORE : BROKEN;
    }
}

static enum progress take_reply_body(struct runtime *rt, struct str in)
{
    if (rt->is_chunked)
        return take_chunks(rt, in);
    if (in.n > rt->length - buf_len(&rt->body))
        return BROKEN;
    buf_append(&rt->body, in);
    return buf_len(&rt->body) == rt->length ? WHOLE : MORE;
}

static enum progress take_reply(struct runtime *rt, struct str in)
{
    const struct http1_limits limits = {
        .head_max = HEAD_MAX, .target_max = HEAD_MAX, .body_max = RUNTIME_BODY_MAX};
    struct http1_response r;
    enum http1_result result;
    size_t used;

    if (rt->whole)
        return BROKEN;
    if (rt->headed)
        return take_reply_body(rt, in);
    if (rt->state == RUNTIME_RUNS || rt->state == RUNTIME_ENDED)
        return BROKEN; /* nothing was asked */
    buf_append(&rt->head, in);
    for (;;) {
        result = http1_parse_response(buf_peek(&rt->head), &limits, false, &r, &used);
        if (result == HTTP1_MORE)
            return MORE;
        if (result == HTTP1_BAD || r.body == HTTP1_BODY_UNTIL_END)
            return BROKEN;
        if (r.status >= 200)
            break;
        buf_consume(&rt->head, used);
    }
    head_read(rt, &r);
    return take_reply_body(rt, str_skip(buf_peek(&rt->head), used));
}

/* The link. */

static void link_closed(struct runtime *rt)
{
    if (rt->recv.in_flight || rt->send.in_flight)
        return;
    if (rt->send.fd >= 0)
        io_close(rt->io, rt->send.fd);
    rt->send.fd = rt->recv.fd = -1;
    rt->link = RUNTIME_CLOSED;
    if (rt->state == RUNTIME_RUNS || rt->state == RUNTIME_ENDED)
        return;
    wheel_set(rt->wheel, &rt->again,
              io_now_ms(rt->io) + ((uint64_t)AGAIN_MS << rt->tries) - AGAIN_MS);
}

static void link_close(struct runtime *rt)
{
    if (rt->link == RUNTIME_CLOSED || rt->link == RUNTIME_CLOSES)
        return;
    rt->link = RUNTIME_CLOSES;
    io_cancel(rt->io, &rt->recv);
    io_cancel(rt->io, &rt->send);
    if (!rt->recv.in_flight && !rt->send.in_flight)
        link_closed(rt);
}

/* Another link, for what is under way. */
static void open_again(struct wheel_timer *t)
{
    struct runtime *rt = CONTAINER_OF(t, struct runtime, again);

    if (rt->link == RUNTIME_CLOSED && rt->state != RUNTIME_RUNS && rt->state != RUNTIME_ENDED)
        request(rt);
}

/* True if there is to be another try. */
static bool tries_again(struct runtime *rt)
{
    if (rt->state == RUNTIME_ENDED || rt->state == RUNTIME_RUNS || ++rt->tries < RUNTIME_TRIES_MAX)
        return true;
    runtime_end(rt, "the runtime API cannot be reached");
    return false;
}

/* What was asked may be known to be sent only after it was answered. */
static void answered_if_whole(struct runtime *rt)
{
    if (rt->whole && rt->rest.n == 0)
        runtime_answered(rt);
}

static void reply_received(struct io_op *op, int result, uint8_t *data)
{
    struct runtime *rt = CONTAINER_OF(op, struct runtime, recv);
    enum progress p;

    if (rt->link == RUNTIME_CLOSES) {
        link_closed(rt);
        return;
    }
    p = result > 0 ? take_reply(rt, (struct str){data, (size_t)result}) : BROKEN;
    if (p == BROKEN || rt->body.failed || rt->head.failed) {
        if (tries_again(rt))
            link_lost(rt);
        return;
    }
    io_recv(rt->io, &rt->recv);
    rt->whole = p == WHOLE;
    answered_if_whole(rt);
}

static void request_sent(struct io_op *op, int result, uint8_t *data)
{
    struct runtime *rt = CONTAINER_OF(op, struct runtime, send);

    (void)data;
    if (rt->link == RUNTIME_CLOSES) {
        link_closed(rt);
    } else if (result < 0) {
        if (tries_again(rt))
            link_lost(rt);
    } else {
        rt->rest = str_skip(rt->rest, (size_t)result);
        if (rt->rest.n > 0)
            io_send(rt->io, &rt->send, &rt->rest, 1);
        else
            answered_if_whole(rt);
    }
}

static void connected(struct io_op *op, int result, uint8_t *data)
{
    struct runtime *rt = CONTAINER_OF(op, struct runtime, send);

    (void)data;
    if (rt->link == RUNTIME_CLOSES) {
        link_closed(rt);
        return;
    }
    if (result < 0) {
        if (tries_again(rt))
            link_lost(rt);
        return;
    }
    rt->link = RUNTIME_OPEN;
    rt->recv.fd = rt->send.fd;
    rt->recv.done = reply_received;
    rt->send.done = request_sent;
    io_recv(rt->io, &rt->recv);
    io_send(rt->io, &rt->send, &rt->rest, 1);
}

static void link_open(struct runtime *rt)
{
    rt->link = RUNTIME_OPENS;
    rt->send.done = connected;
    io_connect(rt->io, &rt->send, &rt->addr);
}

static void runtime_begin(struct runtime *rt)
{
    assert(rt->ops != NULL && rt->io != NULL && rt->wheel != NULL && rt->host.n > 0);
    rt->recv.fd = rt->send.fd = -1;
    rt->again.fire = open_again;
    buf_init(&rt->out, RUNTIME_BODY_MAX + HEAD_MAX);
    buf_init(&rt->head, HEAD_MAX + IO_RECV_MAX);
    buf_init(&rt->body, RUNTIME_BODY_MAX);
}

void runtime_start(struct runtime *rt)
{
    runtime_begin(rt);
    runtime_ask(rt);
}

void runtime_refuse(struct runtime *rt, const char *type, const char *message)
{
    struct buf b CLEANUP(buf_fini);

    runtime_begin(rt);
    rt->state = RUNTIME_REFUSES;
    buf_init(&b, HEAD_MAX);
    error_text(type, message, &b);
    write_request(rt, "POST", BASE "init/error", type, buf_peek(&b));
}

void runtime_stop(struct runtime *rt)
{
    rt->state = RUNTIME_ENDED;
    wheel_cancel(rt->wheel, &rt->again);
    link_close(rt);
}

bool runtime_is_closed(const struct runtime *rt)
{
    return rt->link == RUNTIME_CLOSED;
}

void runtime_fini(struct runtime *rt)
{
    assert(rt->link == RUNTIME_CLOSED);
    wheel_cancel(rt->wheel, &rt->again);
    buf_fini(&rt->out);
    buf_fini(&rt->head);
    buf_fini(&rt->body);
}
