#include "chat/call.h"

#include "base/str.h"
#include "chat/change.h"
#include "chat/room.h"

#include <stdlib.h>

/* The text of the largest frame that there may be, and reactions. */
#define AMEND_MAX (32 * 1024 * 1024)

void call_init(struct call *call, size_t ok_max)
{
    buf_init(&call->ok, ok_max);
    buf_init(&call->amend, AMEND_MAX);
    buf_init(&call->redacted, AMEND_MAX);
    json_out_init(&call->out, &call->ok);
}

void call_fini(struct call *call)
{
    command_fini(&call->cmd);
    buf_fini(&call->ok);
    buf_fini(&call->amend);
    buf_fini(&call->redacted);
    free(call->state);
    call->state = NULL;
}

/* The call leaves the room's hands, and then ours. */
static void end(struct call *call)
{
    struct room *r = call->room;
    bool changed = r != NULL && call->changes;

    call->room = NULL;
    if (changed)
        change_ended(call);
    call->done(call);
    if (changed)
        change_next(r);
    if (r != NULL)
        room_release(r);
}

void call_again(struct call *call)
{
    if (call->changes)
        change_ended(call);
    free(call->state);
    call->state = NULL;
    buf_clear(&call->ok);
    json_out_init(&call->out, &call->ok);
    call->retry_after_ms = 0;
    call->param = NULL;
}

void call_ok(struct call *call)
{
    if (call->ok.failed)
        call->error = ERROR_internal;
    end(call);
}

void call_fail(struct call *call, enum error_code code)
{
    struct room *r = call->room;
    bool changes = call->changes;

    assert(code != ERROR_NONE);
    if (r != NULL && room_doubts(r, call, code)) {
        if (changes)
            change_next(r);
        return;
    }
    call->error = code;
    end(call);
}

void call_fail_until(struct call *call, enum error_code code, uint64_t retry_after_ms)
{
    call->retry_after_ms = retry_after_ms;
    call_fail(call, code);
}

void call_fail_store(struct call *call, enum store_result result)
{
    call_fail(call, result == STORE_FULL ? ERROR_store_full : ERROR_store_failed);
}

struct store_req *call_request(struct call *call, struct io *home, store_done_f *done)
{
    memset(&call->q, 0, sizeof(call->q));
    call->q.req.home = home;
    call->q.req.done = done;
    return &call->q.req;
}

void call_error_body(const struct call *call, struct json_out *o)
{
    json_out_object(o);
    json_out_field_str(o, "code", str_of(command_error_name(call->error)));
    json_out_field_str(o, "message", str_of(command_error_text(call->error)));
    if (call->param != NULL)
        json_out_field_str(o, "parameter", str_of(call->param));
    if (call->retry_after_ms > 0)
        json_out_field_u64(o, "retry_after_ms", call->retry_after_ms);
    json_out_object_end(o);
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

void call_answer(const struct call *call, struct buf *out)
{
    struct json_out o;

    json_out_init(&o, out);
    json_out_object(&o);
    put_reply_id(&call->cmd, &o);
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
