/* join, room_create, leave: a room is made by its first entry; following it is
 * the session's matter, being on a person's list is a record. */
#include "chat/model/event.h"
#include "chat/model/keys.h"
#include "chat/room/append.h"
#include "chat/room/audit.h"
#include "chat/room/commands.h"
#include "chat/room/direct.h"
#include "chat/room/order.h"
#include "chat/room/owner.h"
#include "chat/room/reads.h"

#include "base/str.h"

#include <stdio.h>

/* Between the cursor and `first` something is gone; who reads the whole log begins with what there
 * is. */
static bool is_before_first(const struct room *r, const struct call *call)
{
    uint64_t after = call->cmd.after;

    return after + 1 < r->first && !(after == 0 && call->follow.unlisted);
}

static void join_follow(struct room *r, struct call *call)
{
    struct call_follow *f = &call->follow;
    const struct command *c = &call->cmd;

    assert(call->room == r);
    f->epoch = r->epoch;
    f->first = r->first;
    f->head = r->head;
    f->count = r->count;
    f->cursor = r->head;
    if (command_has(c, PARAM_after)) {
        f->reset = c->after > r->head || is_before_first(r, call) ||
                   (command_has(c, PARAM_epoch) && c->epoch != r->epoch &&
                    !(c->epoch == 0 && c->after == 0));
        if (!f->reset)
            f->cursor = MAX(c->after, r->first - 1);
    } else if (command_has(c, PARAM_last)) {
        f->cursor = r->head - MIN(c->last, r->head + 1 - r->first);
    }
    if (f->on)
        owner_follow(r, call->worker);
}

static void cmd_join_answer(struct room *r, struct call *call, uint64_t seq, uint64_t count)
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
    if (command_has(&call->cmd, PARAM_after) && owner_is_ahead(r, call, call->cmd.after))
        return;
    if (reads_get(r, call->who.user, &read_seq, &read_count)) {
        seq = MAX(seq, read_seq);
        count = MAX(count, read_count);
    }
    join_follow(r, call);
    room_describe(r, o);
    event_position(o, "read", seq, count);
    json_out_field_u64(o, "unread", room_unread(r, seq, count));
    if (role != ACCESS_NONE)
        json_out_field_str(o, "role", str_of(access_role_name(role)));
    if (call->follow.reset)
        json_out_field_bool(o, "reset", true);
    if (call->follow.reset)
        event_first(o, r->first);
    call_ok(call);
}

/* The room is on their list now: from here on they may hear of it. */
static void cmd_join_listed(struct store_req *req)
{
    struct call *call = call_of(req);

    if (reads_listed(call))
        cmd_join_answer(call->room, call, call->cmd.seq, call->cmd.count);
}

static void position_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct room *r = call->room;
    struct frame *body = call->q.get.ret_body;
    uint64_t seq = 0, count = 0;

    assert(r != NULL);
    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    if (body == NULL) {
        if (!reads_get(r, call->who.user, &seq, &count)) {
            seq = r->head; /* new here: nothing said before is unread */
            count = r->count;
        }
        call->cmd.seq = seq;
        call->cmd.count = count;
        reads_list(r, call, call->who.user, seq, count, cmd_join_listed);
        return;
    }
    if (!reads_decode(frame_str(body), &seq, &count))
        seq = count = 0;
    frame_unref(body);
    cmd_join_answer(r, call, seq, count);
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
    if (r->access.kind == ACCESS_SELF || r->access.kind == ACCESS_AUDIT || call->follow.unlisted) {
        cmd_join_answer(r, call, 0, 0);
        return;
    }
    (void)call_request(call, r->owner, position_read);
    call->q.get.pk = keys_of_user(call->who.user, call->key);
    call->q.get.sk = keys_listed(room_id(r), call->key2);
    store_get(r->owner->store, &call->q.get);
}

/* Rooms that a person creates are counted, where they are limited. */
static bool is_counted(const struct room *r, const struct call *call)
{
    return r->owner->limits.rooms_per_user > 0 && !call->who.super && !r->access.open;
}

/* Somebody else has made the room. */
static void lost(struct call *call)
{
    assert(room_exists(call->room));
    if (call->cmd.id == COMMAND_room_create)
        call_fail(call, ERROR_room_exists);
    else
        join_existing(call->room, call);
}

static void write_count(struct call *call, uint64_t n, uint64_t rev, store_done_f *done)
{
    struct owner *o = call->room->owner;
    int len;

    (void)call_request(call, o, done);
    len = snprintf(call->key2, sizeof(call->key2), "%llu", (unsigned long long)n);
    call->q.put.pk = keys_of_user(call->who.user, call->key);
    call->q.put.sk = KEYS_ROOMS_CREATED;
    call->q.put.body = (struct str){(const uint8_t *)call->key2, (size_t)len};
    call->q.put.expect = rev;
    store_put(o->store, &call->q.put);
}

/* False if the store failed; the call stays as it is. */
static bool read_count(const struct call *call, uint64_t *ret_n)
{
    struct frame *body = call->q.get.ret_body;

    if (call->q.req.result != STORE_OK)
        return false;
    if (body == NULL || !str_to_u64(frame_str(body), ret_n))
        *ret_n = 0;
    frame_unref(body);
    return true;
}

static void ask_count(struct call *call, store_done_f *done)
{
    struct owner *o = call->room->owner;

    (void)call_request(call, o, done);
    call->q.get.pk = keys_of_user(call->who.user, call->key);
    call->q.get.sk = KEYS_ROOMS_CREATED;
    store_get(o->store, &call->q.get);
}

/* Giving back what was counted for a room that somebody else has made. A store that
 * fails at it keeps one room too many counted. */

static void give_back(struct store_req *req);

static void given_back(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result == STORE_CONFLICT)
        ask_count(call, give_back);
    else
        lost(call);
}

static void give_back(struct store_req *req)
{
    struct call *call = call_of(req);
    uint64_t n, rev = call->q.get.ret_rev;

    if (read_count(call, &n) && n > 0)
        write_count(call, n - 1, rev, given_back);
    else
        lost(call);
}

static enum call_proposal create_propose(struct room *r, struct call *call)
{
    assert(call->room == r && call->alone);
    if (!room_exists(r))
        return CALL_APPEND;
    if (is_counted(r, call))
        ask_count(call, give_back);
    else
        lost(call);
    return CALL_PARKED;
}

static void created(struct room *r, struct call *call)
{
    assert(room_exists(r) && call->seq > 0);
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
    audit_mark(r, call, "create");
    if (!r->access.open) { /* which is nobody's */
        call->entry.from_id = call->who.user;
        call->entry.from_name = call->who.name;
    }
    call->alone = true;
    call->propose = create_propose;
    call->appended = created;
    append_propose(r, call);
}

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
    uint64_t n, rev = call->q.get.ret_rev;

    if (!read_count(call, &n))
        call_fail_store(call, req->result);
    else if (n >= call->room->owner->limits.rooms_per_user)
        call_fail(call, ERROR_rooms_limit);
    else
        write_count(call, n + 1, rev, counted);
}

static void create_counted(struct room *r, struct call *call)
{
    if (is_counted(r, call))
        ask_count(call, count_read);
    else
        create(r, call);
}

void cmd_join_run(struct room *r, struct call *call)
{
    bool may_create = !command_has(&call->cmd, PARAM_create) || call->cmd.create;
    enum error_code e =
        access_read(&r->access, call->who.user, call->who.super, owner_wall_ms(r->owner));

    order_prepares(r, call, true);
    if (e != ERROR_NONE)
        call_fail(call, e);
    else if (room_exists(r) || r->access.kind == ACCESS_SELF || r->access.kind == ACCESS_AUDIT)
        join_existing(r, call);
    else if (!may_create || r->access.kind > ACCESS_PRIVATE) /* which dm makes */
        call_fail(call, ERROR_no_such_room);
    else
        create_counted(r, call);
}

void cmd_join_create(struct room *r, struct call *call)
{
    order_prepares(r, call, true);
    if (r->access.kind > ACCESS_PRIVATE)
        call_fail(call, ERROR_bad_room);
    else if (room_exists(r) || r->access.open) /* general is nobody's to make */
        call_fail(call, ERROR_room_exists);
    else
        create_counted(r, call);
}

static void unlisted(struct store_req *req)
{
    struct call *call = call_of(req);

    direct_left(call->room);
    if (call->room->access.kind == ACCESS_DIRECT || call->room->access.kind == ACCESS_GROUP)
        bus_cast(call->room->owner->bus, room_id(call->room), DIRECT_LEFT);
    if (req->result != STORE_OK && req->result != STORE_CONFLICT) {
        call_fail_store(call, req->result);
        return;
    }
    json_out_field_str(&call->out, "room", room_id(call->room));
    call_ok(call);
}

void cmd_join_leave(struct room *r, struct call *call)
{
    order_prepares(r, call, true);
    reads_drop(r, call->who.user);
    direct_left(r);
    (void)call_request(call, r->owner, unlisted);
    call->q.put.pk = keys_of_user(call->who.user, call->key);
    call->q.put.sk = keys_listed(room_id(r), call->key2);
    call->q.put.expect = STORE_REV_ANY;
    call->q.put.remove = true;
    store_put(r->owner->store, &call->q.put);
}
