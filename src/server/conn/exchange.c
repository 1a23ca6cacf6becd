#include "server/conn/exchange.h"

#include "base/str.h"
#include "chat/room/call.h"
#include "wire/ws.h"

#include <stdio.h>

#define UPGRADE_FIELDS_MAX 8

void exchange_release(struct exchange *x)
{
    assert(x->holds > 0);
    if (--x->holds == 0)
        x->ops->released(x);
}

void exchange_wait_begin(struct exchange *x, const struct exchange_wait *wait, void *waits_for)
{
    assert(x->wait == NULL);
    x->wait = wait;
    x->waits_for = waits_for;
}

void exchange_wait_end(struct exchange *x)
{
    assert(x->wait != NULL);
    x->wait = NULL;
    x->waits_for = NULL;
}

void exchange_ignore(struct exchange *x)
{
    (void)x;
}

void exchange_answer(struct exchange *x, const struct exchange_answer *a)
{
    assert(!a->endless && x->wait == NULL);
    x->ops->answer(x, a);
}

void exchange_text(struct exchange *x, int status, const char *type, struct str body)
{
    struct http1_header extra = {STR("Cache-Control"), STR("no-store")};

    exchange_answer(
        x,
        &(struct exchange_answer){
            .status = status, .type = str_of(type), .body = body, .extra = &extra, .extra_n = 1});
}

void exchange_fail(struct exchange *x, enum error_code code, uint64_t retry_after_ms)
{
    struct call call = {.error = code, .retry_after_ms = retry_after_ms};

    exchange_fail_call(x, &call);
}

void exchange_fail_call(struct exchange *x, const struct call *call)
{
    uint64_t retry_after_ms = call->retry_after_ms;
    struct buf body CLEANUP(buf_fini);
    struct json_out o;
    char seconds[24];
    struct http1_header extra[3];
    size_t n = 0;
    int status = command_error_status(call->error);

    buf_init(&body, 4096);
    json_out_init(&o, &body);
    json_out_object(&o);
    json_out_key(&o, "error");
    call_error_body(call, &o);
    json_out_object_end(&o);
    (void)snprintf(seconds, sizeof(seconds), "%llu",
                   (unsigned long long)((retry_after_ms + 999) / 1000));
    if (retry_after_ms > 0)
        extra[n++] = (struct http1_header){STR("Retry-After"), str_of(seconds)};
    if (status == 401) /* RFC 6750 3 */
        extra[n++] = (struct http1_header){STR("WWW-Authenticate"), STR("Bearer")};
    if (status == 405 && x->allow != NULL)
        extra[n++] = (struct http1_header){STR("Allow"), str_of(x->allow)};
    exchange_answer(x, &(struct exchange_answer){.status = status,
                                                 .type = STR("application/json"),
                                                 .body = buf_peek(&body),
                                                 .extra = extra,
                                                 .extra_n = n});
}

struct conn *exchange_give(struct exchange *x, const struct exchange_answer *a)
{
    assert((a->endless || a->status == 101) && x->wait == NULL);
    return x->conn != NULL ? x->ops->give(x, a) : NULL;
}

bool exchange_move(struct exchange *x, unsigned worker)
{
    assert(x->wait == NULL);
    return x->conn != NULL && x->ops->move(x, worker);
}

struct conn *exchange_upgrade(struct exchange *x, struct str key, const struct http1_header *fields,
                              size_t n)
{
    char accept[WS_ACCEPT_LEN];
    struct http1_header extra[UPGRADE_FIELDS_MAX] = {
        {STR("Upgrade"), STR("websocket")},
        {STR("Connection"), STR("Upgrade")},
        {STR("Sec-WebSocket-Accept"), {(const uint8_t *)accept, sizeof(accept)}}};

    assert(n + 3 <= COUNTOF(extra));
    ws_accept(key, accept);
    for (size_t i = 0; i < n; i++)
        extra[3 + i] = fields[i];
    return exchange_give(
        x, &(struct exchange_answer){.status = 101, .extra = extra, .extra_n = 3 + n});
}

bool exchange_is_method(const struct exchange *x, const char *method)
{
    return str_eq(x->request->method, str_of(method));
}

bool exchange_is_get(const struct exchange *x)
{
    return exchange_is_method(x, "GET") || exchange_is_method(x, "HEAD");
}
