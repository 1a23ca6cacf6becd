/* typing, read, presence: what is not in a log. */
#include "chat/model/event.h"
#include "chat/model/keys.h"
#include "chat/room/commands.h"
#include "chat/room/owner.h"
#include "chat/room/presence.h"
#include "chat/room/reads.h"

#define CAST_MAX 4096

static void cmd_typing_cast(struct room *r, struct buf *b, uint64_t not_user)
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
    cmd_typing_cast(r, &b, call->who.user);
    call_ok(call);
}

static void read_to(struct room *r, struct call *call, uint64_t seq, uint64_t count)
{
    assert(call->room == r);
    if (reads_mark(r, call->who.user, seq, count))
        reads_tell(r, call->who.user);
    (void)reads_get(r, call->who.user, &seq, &count);
    json_out_field_u64(&call->out, "seq", seq);
    json_out_field_u64(&call->out, "count", count);
    call_ok(call);
}

/* The position as it is stored may be further on. */
static void position_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct frame *body = call->q.get.ret_body;
    uint64_t seq = 0, count = 0;

    assert(call->room != NULL);
    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    if (body == NULL || !reads_decode(frame_str(body), &seq, &count))
        seq = count = 0;
    frame_unref(body);
    read_to(call->room, call, MAX(seq, call->cmd.seq), MAX(count, call->cmd.count));
}

void cmd_typing_read(struct room *r, struct call *call)
{
    struct command *c = &call->cmd;
    uint64_t seq, count;
    enum error_code e = room_readable(r, &call->who);

    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    if (owner_is_ahead(r, call, c->seq))
        return;
    c->seq = MIN(c->seq, r->head);
    c->count = MIN(c->count, r->count);
    if (c->seq == r->head)
        c->count = r->count; /* all of it, also when the client did not say */
    if (c->seq == r->head || reads_get(r, call->who.user, &seq, &count)) {
        read_to(r, call, c->seq, c->count);
        return;
    }
    (void)call_request(call, r->owner, position_read);
    call->q.get.pk = keys_of_user(call->who.user, call->key);
    call->q.get.sk = keys_listed(room_id(r), call->key2);
    store_get(r->owner->store, &call->q.get);
}

void cmd_typing_presence(struct room *r, struct call *call)
{
    enum error_code e = room_readable(r, &call->who);

    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    if (presence_fetch(r, call))
        return;
    presence_describe(r, &call->out);
    call_ok(call);
}
