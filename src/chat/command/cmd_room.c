/* room_set, filter_set, room_delete: a room's title and settings, as an entry of its log that has
 * all of them; the entry that ends it. */
#include "chat/command/cmd_filter.h"
#include "chat/room/append.h"
#include "chat/room/audit.h"
#include "chat/room/commands.h"
#include "chat/room/order.h"
#include "chat/room/wipe.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

#define SETTINGS_BYTES_MAX 65536

static bool sets(const struct command *c)
{
    return command_has(c, PARAM_title) || command_has(c, PARAM_topic) ||
           command_has(c, PARAM_description) || command_has(c, PARAM_icon) ||
           command_has(c, PARAM_announcement) || command_has(c, PARAM_slow) ||
           command_has(c, PARAM_invite) || command_has(c, PARAM_pin) ||
           command_has(c, PARAM_mention) || cmd_filter_sets(c);
}

/* What its owners alone may change. */
static bool sets_as_owner(const struct command *c)
{
    return command_has(c, PARAM_archived) || command_has(c, PARAM_retain_age) ||
           command_has(c, PARAM_retain_count);
}

static void choose(const struct command *c, struct settings *s)
{
    if (command_has(c, PARAM_topic))
        s->topic = c->topic;
    if (command_has(c, PARAM_description))
        s->description = c->description;
    if (command_has(c, PARAM_icon))
        s->icon = c->icon;
    if (command_has(c, PARAM_announcement))
        s->announcement = c->announcement;
    if (command_has(c, PARAM_slow))
        s->slow_s = c->slow;
    if (command_has(c, PARAM_invite))
        s->members_invite = str_eq(c->invite, STR("members"));
    if (command_has(c, PARAM_pin))
        s->moderators_pin = str_eq(c->pin, STR("moderators"));
    if (command_has(c, PARAM_mention))
        s->moderators_mention = str_eq(c->mention, STR("moderators"));
    if (command_has(c, PARAM_archived))
        s->archived = c->archived;
    if (command_has(c, PARAM_retain_age))
        s->retain_s = c->retain_age;
    if (command_has(c, PARAM_retain_count))
        s->retain_n = c->retain_count;
}

static void fail_param(struct call *call, const char *param, enum error_code e)
{
    call->param = param;
    call_fail(call, e);
}

/* The entry has the title and the settings as they are then. They are copies: the room's own go
 * when the entry is taken in. False, and what to say of it, if they are too long: a later version
 * stores more in them. */
static bool room_fill(const struct room *r, struct call *call, struct command_problem *ret)
{
    struct settings s = *access_settings(&r->access);
    struct str title = str_of(r->access.title != NULL ? r->access.title : "");
    struct buf bytes CLEANUP(buf_fini), filter CLEANUP(buf_fini);
    uint8_t *copy;

    choose(&call->cmd, &s);
    buf_init(&filter, SETTINGS_BYTES_MAX);
    if (cmd_filter_sets(&call->cmd)) {
        if (!cmd_filter_change(s.filter, &call->cmd, &filter, ret))
            return false;
        s.filter = buf_peek(&filter);
    }
    if (command_has(&call->cmd, PARAM_title))
        title = call->cmd.title;
    buf_init(&bytes, SETTINGS_BYTES_MAX);
    settings_encode(&s, &bytes);
    if (bytes.failed) {
        *ret = (struct command_problem){ERROR_too_long, NULL};
        return false;
    }
    free(call->state);
    call->state = copy = mem_bytes(title.n + buf_len(&bytes));
    if (title.n > 0)
        memcpy(copy, title.p, title.n);
    memcpy(copy + title.n, buf_peek(&bytes).p, buf_len(&bytes));
    call->entry.title = (struct str){copy, title.n};
    call->entry.settings = (struct str){copy + title.n, buf_len(&bytes)};
    return true;
}

static enum error_code check(const struct room *r, const struct call *call, enum access_right right)
{
    return access_may(&r->access, call->who.user, call->who.super, right, owner_wall_ms(r->owner));
}

static enum call_proposal room_propose(struct room *r, struct call *call)
{
    enum error_code e = room_readable(r, &call->who);
    struct command_problem problem;

    assert(call->room == r && call->entry.kind == ENTRY_ROOM);
    if (e == ERROR_NONE && sets(&call->cmd))
        e = check(r, call, ACCESS_TO_set);
    if (e == ERROR_NONE && sets_as_owner(&call->cmd))
        e = check(r, call, ACCESS_TO_archive);
    if (e != ERROR_NONE) {
        call_fail(call, e);
        return CALL_ANSWERED;
    }
    if (!room_fill(r, call, &problem)) {
        fail_param(call, problem.param, problem.code);
        return CALL_ANSWERED;
    }
    audit_mark(r, call,
               call->cmd.id == COMMAND_filter_set         ? "filter"
               : !command_has(&call->cmd, PARAM_archived) ? "settings"
               : call->cmd.archived                       ? "archive"
                                                          : "unarchive");
    return CALL_APPEND;
}

void cmd_room_changed(struct room *r, struct call *call)
{
    assert(call->room == r && call->seq > 0);
    room_save(r, true);
    json_out_field_u64(&call->out, "seq", call->seq);
    json_out_field_u64(&call->out, "ts", call->entry.ts_ms);
    call_ok(call);
}

static void room_set(struct room *r, struct call *call)
{
    audit_then(r, call, cmd_room_changed);
}

/* An entry about the room, which goes alone: what follows is checked against it. */
static void propose_entry(struct room *r, struct call *call, call_propose_f *propose,
                          call_handler_f *appended)
{
    assert(call->room == r);
    call->entry = (struct entry){
        .kind = ENTRY_ROOM,
        .from_id = call->who.user,
        .from_name = call->who.name,
    };
    call->alone = true;
    call->propose = propose;
    call->appended = appended;
    append_propose(r, call);
}

void cmd_room_set(struct room *r, struct call *call)
{
    if (!sets(&call->cmd) && !sets_as_owner(&call->cmd)) {
        fail_param(call, "title", ERROR_missing_parameter);
        return;
    }
    if (call->cmd.slow > SETTINGS_SLOW_MAX) {
        fail_param(call, "slow", ERROR_bad_value);
        return;
    }
    if (call->cmd.retain_age > SETTINGS_RETAIN_S_MAX ||
        (call->cmd.retain_age > 0 && call->cmd.retain_age < SETTINGS_RETAIN_S_MIN)) {
        fail_param(call, "retain_age", ERROR_bad_value);
        return;
    }
    if (call->cmd.retain_count > SETTINGS_RETAIN_N_MAX) {
        fail_param(call, "retain_count", ERROR_bad_value);
        return;
    }
    propose_entry(r, call, room_propose, room_set);
}

void cmd_room_filter(struct room *r, struct call *call)
{
    struct buf b CLEANUP(buf_fini);
    struct command_problem problem = {ERROR_missing_parameter, "words"};

    assert(call->room == r);
    buf_init(&b, SETTINGS_BYTES_MAX);
    if (!cmd_filter_sets(&call->cmd) ||
        !cmd_filter_change((struct str){0}, &call->cmd, &b, &problem))
        fail_param(call, problem.param, problem.code);
    else
        propose_entry(r, call, room_propose, room_set);
}

/* room_delete: that content is to go is written down first, so that whoever comes after a crash
 * sees to it; nobody deletes general, which is nobody's. */

static enum error_code may_delete(struct room *r, const struct call *call)
{
    enum error_code e = room_readable(r, &call->who);

    if (e == ERROR_NONE)
        e = check(r, call, ACCESS_TO_delete);
    return e == ERROR_NONE && r->access.open ? ERROR_forbidden : e;
}

static enum call_proposal delete_propose(struct room *r, struct call *call)
{
    enum error_code e = may_delete(r, call);
    struct settings s = {.deleted = true};
    struct buf bytes CLEANUP(buf_fini);

    if (e != ERROR_NONE) {
        call_fail(call, e);
        return CALL_ANSWERED;
    }
    buf_init(&bytes, SETTINGS_BYTES_MAX);
    settings_encode(&s, &bytes);
    free(call->state);
    call->state = mem_bytes(buf_len(&bytes));
    memcpy(call->state, buf_peek(&bytes).p, buf_len(&bytes));
    call->entry.settings = (struct str){call->state, buf_len(&bytes)};
    audit_mark(r, call, "room_delete");
    return CALL_APPEND;
}

static void room_delete_noted(struct room *r, struct call *call)
{
    room_hold(r); /* the call's end may free it */
    cmd_room_changed(r, call);
    wipe_on(r);
    room_release(r);
}

/* It is noted before what was said goes. */
static void room_deleted(struct room *r, struct call *call)
{
    assert(access_settings(&r->access)->deleted);
    audit_then(r, call, room_delete_noted);
}

static void delete_noted(struct store_req *req)
{
    struct call *call = call_of(req);

    assert(call->room != NULL && call->cmd.id == COMMAND_room_delete);
    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    propose_entry(call->room, call, delete_propose, room_deleted);
}

void cmd_room_delete(struct room *r, struct call *call)
{
    enum error_code e = may_delete(r, call);

    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    order_prepares(r, call, false);
    (void)call_request(call, r->owner, delete_noted);
    call->q.put.pk = KEYS_DELETING;
    call->q.put.sk = room_id(r);
    call->q.put.body = STR("1");
    call->q.put.expect = STORE_REV_ANY;
    store_put(r->owner->store, &call->q.put);
}
