#include "chat/room/call.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "chat/room/room.h"

#include <stdlib.h>

void call_init(struct call *call, size_t ok_max)
{
    buf_init(&call->ok, ok_max);
    json_out_init(&call->out, &call->ok);
}

static void detail_free(struct call *call)
{
    free((void *)(uintptr_t)call->detail.p);
    call->detail = (struct str){0};
}

void call_fini(struct call *call)
{
    assert(call->forget == NULL && call->room == NULL);
    command_fini(&call->cmd);
    buf_fini(&call->ok);
    frame_unref(call->ret.token);
    free(call->state);
    call->state = NULL;
    free(call->said);
    call->said = NULL;
    free(call->text);
    call->text = NULL;
    detail_free(call);
}

static void call_end(struct call *call)
{
    assert((call->keeper != NULL) == (call->room != NULL));
    if (call->keeper != NULL)
        call->keeper->end(call);
    else
        call->done(call);
}

void call_forget(struct call *call)
{
    if (call->forget != NULL)
        call->forget(call);
    assert(call->forget == NULL);
}

void call_again(struct call *call)
{
    assert(call->room != NULL && call->keeper != NULL);
    call_forget(call);
    free(call->state);
    call->state = NULL;
    buf_clear(&call->ok);
    json_out_init(&call->out, &call->ok);
    call->retry_after_ms = 0;
    detail_free(call);
    call->param = NULL;
}

void call_ok(struct call *call)
{
    if (call->ok.failed)
        call->error = ERROR_internal;
    call_end(call);
}

void call_fail(struct call *call, enum error_code code)
{
    assert(code != ERROR_NONE);
    if (call->keeper != NULL && call->keeper->doubts != NULL && call->keeper->doubts(call, code))
        return;
    call->error = code;
    call_end(call);
}

void call_fail_until(struct call *call, enum error_code code, uint64_t retry_after_ms)
{
    call->retry_after_ms = retry_after_ms;
    call_fail(call, code);
}

void call_fail_store(struct call *call, enum store_result result)
{
    assert(result != STORE_OK);
    call_fail(call, result == STORE_FULL     ? ERROR_store_full
                    : result == STORE_BEHIND ? ERROR_store_behind
                                             : ERROR_store_failed);
}

void call_detail(struct call *call, struct str detail)
{
    uint8_t *copy = mem_bytes(detail.n);

    assert(call->error == ERROR_NONE);
    if (detail.n > 0)
        memcpy(copy, detail.p, detail.n);
    detail_free(call);
    call->detail = (struct str){copy, detail.n};
}

/* Requests to the store. */

const char *call_store_error(enum store_result result)
{
    static const char *const errors[] = {
        [STORE_CONFLICT] = "conflict",       [STORE_FULL] = "store_full",
        [STORE_BEHIND] = "store_behind",     [STORE_FAILED] = "store_failed",
        [STORE_CANCELED] = "store_canceled",
    };

    assert(result < COUNTOF(errors));
    return errors[result];
}

/* The span of a request that was answered. That a record is there already is what a put asks. */
static void call_traced(struct store_req *req)
{
    static const char *const names[] = {
        [STORE_LOG] = "log", [STORE_READ] = "read", [STORE_AMENDS] = "amends", [STORE_GET] = "get",
        [STORE_PUT] = "put", [STORE_LIST] = "list", [STORE_NEXT] = "next",
    };
    struct call *call = call_of(req);
    struct owner *o = call->asking.owner;
    bool answered = req->op == STORE_PUT && req->result == STORE_CONFLICT;
    struct trace_span span = {.kind = TRACE_CLIENT,
                              .error = answered ? NULL : call_store_error(req->result),
                              .began_us = call->asking.began_us,
                              .ended_us = owner_clock_us(o)};

    assert(req->op < COUNTOF(names) && names[req->op] != NULL);
    span.name = names[req->op];
    if (call->room != NULL)
        trace_room(&span, room_id(call->room));
    o->ops->span(o, &call->trace, &span);
    call->asking.done(req);
}

struct store_req *call_request(struct call *call, struct owner *o, store_done_f *done)
{
    assert(o != NULL && done != NULL);
    memset(&call->q, 0, sizeof(call->q));
    call->q.req.home = o->home;
    call->q.req.done = done;
    if (call->trace.sampled) {
        call->asking = (struct call_asking){o, done, owner_clock_us(o)};
        call->q.req.done = call_traced;
    }
    return &call->q.req;
}

/* "A word is not wanted here: leave it out." and a detail: the word, in quotation marks. */
static void put_message(const struct call *call, struct json_out *o)
{
    struct str text = str_of(command_error_text(call->error));
    struct buf b CLEANUP(buf_fini);

    assert(text.n > 0);
    buf_init(&b, text.n + call->detail.n + 1);
    buf_append(&b, text);
    if (call->detail.n > 0) {
        buf_append_byte(&b, ' ');
        buf_append(&b, call->detail);
    }
    json_out_field_str(o, "message", buf_peek(&b));
}

void call_error_body(const struct call *call, struct json_out *o)
{
    json_out_object(o);
    json_out_field_str(o, "code", str_of(command_error_name(call->error)));
    put_message(call, o);
    if (call->detail.n > 0)
        json_out_field_str(o, "detail", call->detail);
    if (call->param != NULL)
        json_out_field_str(o, "parameter", str_of(call->param));
    if (call->unknown.n > 0)
        json_out_field_str(o, "event", call->unknown);
    if (call->retry_after_ms > 0)
        json_out_field_u64(o, "retry_after_ms", call->retry_after_ms);
    json_out_object_end(o);
}

void call_put_resumed(struct json_out *o, const struct call *join)
{
    const struct call_follow *f = &join->follow;

    if (join->error == ERROR_NONE && !f->reset && f->head == join->cmd.after)
        return;
    json_out_key_str(o, join->cmd.room);
    json_out_object(o);
    if (join->error != ERROR_NONE) {
        json_out_key(o, "error");
        call_error_body(join, o);
    } else {
        if (f->reset) {
            json_out_field_bool(o, "reset", true);
            event_first(o, f->first);
        }
        json_out_field_u64(o, "epoch", f->epoch);
        event_position(o, "head", f->head, f->count);
    }
    json_out_object_end(o);
}

void call_put_session(struct json_out *o, const struct call_ret *ret)
{
    const struct caller *who = &ret->who;

    assert(who->user != 0);
    event_self(o, who->user, who->name, who->super);
    json_out_key(o, "session");
    buf_append_byte(o->buf, '"');
    buf_append_u64(o->buf, who->session);
    buf_append_byte(o->buf, '"');
    o->comma = true;
    json_out_field_u64(o, "expires", who->expires_ms);
    if (ret->lifetime_ms > 0)
        json_out_field_u64(o, "lifetime", ret->lifetime_ms);
}

static void put_reply_id(const struct command *c, struct json_out *o)
{
    json_out_key(o, "id");
    switch (c->reply_kind) {
    case COMMAND_REPLY_NUMBER:
        json_out_raw(o, c->reply);
        break;
    case COMMAND_REPLY_STRING:
        json_out_str(o, c->reply);
        break;
    case COMMAND_REPLY_NONE:
        json_out_null(o);
        break;
    }
}

void call_put_trace(const struct call *call, struct json_out *o)
{
    char text[TRACE_PARENT_N + 1];

    if (!call->trace.sampled)
        return;
    trace_format(&call->trace, text);
    json_out_field_str(o, "traceparent", str_of(text));
}

void call_answer(const struct call *call, struct buf *out)
{
    struct json_out o;

    json_out_init(&o, out);
    json_out_object(&o);
    put_reply_id(&call->cmd, &o);
    call_put_trace(call, &o);
    if (call->error != ERROR_NONE) {
        json_out_key(&o, "error");
        call_error_body(call, &o);
    } else {
        json_out_key(&o, "ok");
        json_out_object(&o);
        buf_append(out, buf_peek(&call->ok));
        json_out_object_end(&o);
    }
    json_out_object_end(&o);
}
