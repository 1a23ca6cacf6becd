/* typing, read, presence: what is not in a log. */
#include "chat/commands.h"
#include "chat/event.h"
#include "chat/presence.h"
#include "chat/reads.h"

#define CAST_MAX 4096

static void cast(struct room *r, struct buf *b, uint64_t not_user)
{
    if (b->failed)
        return;
    r->owner->ops->cast(r->owner, r->followers, room_id(r), buf_peek(b), not_user);
    bus_cast(r->owner->bus, room_id(r), buf_peek(b));
}

void cmd_typing_run(struct room *r, struct call *call)
{
    bool on = !command_has(&call->cmd, PARAM_on) || call->cmd.on;
    struct buf b CLEANUP(buf_fini);
    uint64_t until_ms;
    enum error_code e = access_write(&r->access, call->who.user, call->who.super,
                                     owner_wall_ms(r->owner), &until_ms);

    buf_init(&b, CAST_MAX);
    if (e == ERROR_NONE && !room_exists(r))
        e = ERROR_no_such_room;
    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    event_typing(&b, room_id(r), call->who.user, call->who.name, on);
    cast(r, &b, call->who.user);
    call_ok(call);
}

void cmd_typing_read(struct room *r, struct call *call)
{
    uint64_t seq = MIN(call->cmd.seq, r->head), count = MIN(call->cmd.count, r->count);
    struct buf b CLEANUP(buf_fini);
    enum error_code e =
        access_read(&r->access, call->who.user, call->who.super, owner_wall_ms(r->owner));

    buf_init(&b, CAST_MAX);
    if (e == ERROR_NONE && !room_exists(r))
        e = ERROR_no_such_room;
    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    if (seq == r->head)
        count = r->count; /* all of it, also when the client did not say */
    reads_mark(r, call->who.user, seq, count);
    (void)reads_get(r, call->who.user, &seq, &count);
    event_read(&b, room_id(r), call->who.user, seq, count);
    cast(r, &b, 0);
    json_out_field_u64(&call->out, "seq", seq);
    json_out_field_u64(&call->out, "count", count);
    call_ok(call);
}

void cmd_typing_presence(struct room *r, struct call *call)
{
    enum error_code e =
        access_read(&r->access, call->who.user, call->who.super, owner_wall_ms(r->owner));

    if (e == ERROR_NONE && !room_exists(r))
        e = ERROR_no_such_room;
    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    presence_describe(r, &call->out);
    call_ok(call);
}
