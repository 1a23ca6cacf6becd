/* join, room_create, leave: a room is made by its first entry; following it is
 * the session's matter, being on a person's list is a record. */
#include "chat/append.h"
#include "chat/commands.h"
#include "chat/reads.h"

#include "base/str.h"

#include <stdio.h>

static const struct str general = {(const uint8_t *)"general", 7};

static void follow(struct room *r, struct call *call)
{
    struct call_follow *f = &call->follow;
    const struct command *c = &call->cmd;

    f->epoch = r->epoch;
    f->head = r->head;
    f->count = r->count;
    f->cursor = r->head;
    if (command_has(c, PARAM_after)) {
        f->reset = c->after > r->head || (command_has(c, PARAM_epoch) && c->epoch != r->epoch &&
                                          !(c->epoch == 0 && c->after == 0));
        if (!f->reset)
            f->cursor = MAX(c->after, r->first - 1);
    } else if (command_has(c, PARAM_last)) {
        f->cursor = r->head - MIN(c->last, r->head + 1 - r->first);
    }
    if (f->on)
        room_follow(r, call->worker);
}

static void answer(struct room *r, struct call *call, uint64_t seq, uint64_t count)
{
    enum access_role role = access_role(&r->access, call->who.user, owner_wall_ms(r->owner));
    enum error_code e =
        access_read(&r->access, call->who.user, call->who.super, owner_wall_ms(r->owner));
    struct json_out *o = &call->out;
    uint64_t read_seq, read_count;

    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    if (command_has(&call->cmd, PARAM_after) && room_is_ahead(r, call, call->cmd.after))
        return;
    if (reads_get(r, call->who.user, &read_seq, &read_count)) {
        seq = MAX(seq, read_seq);
        count = MAX(count, read_count);
    }
    follow(r, call);
    room_describe(r, o);
    json_out_key(o, "read");
    json_out_object(o);
    json_out_field_u64(o, "seq", seq);
    json_out_field_u64(o, "count", count);
    json_out_object_end(o);
    if (role != ACCESS_NONE)
        json_out_field_str(o, "role", str_of(access_role_name(role)));
    if (call->follow.reset)
        json_out_field_bool(o, "reset", true);
    call_ok(call);
}

static void position_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct room *r = call->room;
    struct frame *body = call->q.get.ret_body;
    uint64_t seq = 0, count = 0;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    if (body == NULL && !reads_get(r, call->who.user, &seq, &count)) {
        (void)reads_mark(r, call->who.user, r->head, r->count);
        answer(r, call, r->head, r->count); /* new here: nothing said before is unread */
        return;
    }
    if (body != NULL && !reads_decode(frame_str(body), &seq, &count))
        seq = count = 0;
    frame_unref(body);
    answer(r, call, seq, count);
}

/* The room exists: where has the person read to? */
static void join_existing(struct room *r, struct call *call)
{
    enum error_code e =
        access_read(&r->access, call->who.user, call->who.super, owner_wall_ms(r->owner));

    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    if (r->access.kind == ACCESS_SELF) {
        answer(r, call, 0, 0);
        return;
    }
    (void)call_request(call, r->owner->home, position_read);
    call->q.get.pk = reads_pk(call->who.user, call->key);
    call->q.get.sk = reads_sk(room_id(r), call->key2);
    store_get(r->owner->store, &call->q.get);
}

static enum call_proposal create_propose(struct room *r, struct call *call)
{
    if (!room_exists(r))
        return CALL_APPEND;
    if (call->cmd.id == COMMAND_room_create)
        call_fail(call, ERROR_room_exists);
    else
        join_existing(r, call);
    return CALL_PARKED;
}

static void created(struct room *r, struct call *call)
{
    room_save(r, true);
    join_existing(r, call);
}

static void create(struct room *r, struct call *call)
{
    call->entry = (struct entry){
        .kind = ENTRY_ROOM,
        .title = call->cmd.title,
        .room_kind = str_eq(call->cmd.kind, STR("private")) ? STR("private") : STR("public"),
    };
    if (!str_eq(room_id(r), general)) { /* which is nobody's */
        call->entry.from_id = call->who.user;
        call->entry.from_name = call->who.name;
    }
    call->alone = true;
    call->propose = create_propose;
    call->appended = created;
    append_propose(r, call);
}

/* Counting the rooms that a person creates, where that is limited. */

static void counted(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result == STORE_CONFLICT)
        call_fail_until(call, ERROR_rate_limited, 1000); /* two at once */
    else if (req->result != STORE_OK)
        call_fail_store(call, req->result);
    else
        create(call->room, call);
}

static void count_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct room *r = call->room;
    struct frame *body = call->q.get.ret_body;
    uint64_t n = 0, rev = call->q.get.ret_rev;
    int len;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    if (body != NULL && !str_to_u64(frame_str(body), &n))
        n = 0;
    frame_unref(body);
    if (n >= r->owner->limits.rooms_per_user) {
        call_fail(call, ERROR_rooms_limit);
        return;
    }
    (void)call_request(call, r->owner->home, counted);
    len = snprintf(call->key2, sizeof(call->key2), "%llu", (unsigned long long)n + 1);
    call->q.put.pk = reads_pk(call->who.user, call->key);
    call->q.put.sk = STR("rooms-created");
    call->q.put.body = (struct str){(const uint8_t *)call->key2, (size_t)len};
    call->q.put.expect = rev;
    store_put(r->owner->store, &call->q.put);
}

static void create_counted(struct room *r, struct call *call)
{
    if (r->owner->limits.rooms_per_user == 0 || call->who.super || str_eq(room_id(r), general)) {
        create(r, call);
        return;
    }
    (void)call_request(call, r->owner->home, count_read);
    call->q.get.pk = reads_pk(call->who.user, call->key);
    call->q.get.sk = STR("rooms-created");
    store_get(r->owner->store, &call->q.get);
}

void cmd_join_run(struct room *r, struct call *call)
{
    bool may_create = !command_has(&call->cmd, PARAM_create) || call->cmd.create;
    enum error_code e =
        access_read(&r->access, call->who.user, call->who.super, owner_wall_ms(r->owner));

    if (e != ERROR_NONE)
        call_fail(call, e);
    else if (room_exists(r) || r->access.kind == ACCESS_SELF)
        join_existing(r, call);
    else if (!may_create || r->access.kind == ACCESS_DIRECT) /* which dm makes */
        call_fail(call, ERROR_no_such_room);
    else
        create_counted(r, call);
}

void cmd_join_create(struct room *r, struct call *call)
{
    if (r->access.kind > ACCESS_PRIVATE)
        call_fail(call, ERROR_bad_room);
    else if (room_exists(r))
        call_fail(call, ERROR_room_exists);
    else
        create_counted(r, call);
}

static void unlisted(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result != STORE_OK && req->result != STORE_CONFLICT) {
        call_fail_store(call, req->result);
        return;
    }
    json_out_field_str(&call->out, "room", room_id(call->room));
    call_ok(call);
}

void cmd_join_leave(struct room *r, struct call *call)
{
    reads_drop(r, call->who.user);
    (void)call_request(call, r->owner->home, unlisted);
    call->q.put.pk = reads_pk(call->who.user, call->key);
    call->q.put.sk = reads_sk(room_id(r), call->key2);
    call->q.put.expect = STORE_REV_ANY;
    call->q.put.remove = true;
    store_put(r->owner->store, &call->q.put);
}
