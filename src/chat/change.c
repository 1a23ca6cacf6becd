#include "chat/change.h"

#include "base/amend.h"
#include "base/str.h"
#include "chat/append.h"

#include <stdlib.h>

/* What a change was prepared from. */
struct change {
    struct frame *message, *state; /* what the next two borrow from */
    struct entry target;
    struct amend old;
    bool has_old;
    unsigned foreign; /* of the room, when it was read */
};

static void prepare(struct room *r, struct call *call);

static void change_free(struct change *c)
{
    frame_unref(c->message);
    frame_unref(c->state);
    free(c);
}

static void start_next(struct room *r)
{
    struct call *call = r->changing;

    if (call == NULL || r->change_busy)
        return;
    r->changing = call->next;
    if (r->changing == NULL)
        r->changing_end = &r->changing;
    r->change_busy = true;
    prepare(r, call);
}

void change_ended(struct room *r, struct call *call)
{
    change_free(call->state);
    call->state = NULL;
    call->changes = false;
    r->change_busy = false;
    start_next(r);
}

/* May the caller do it to this message, as it is now? */
static enum error_code check(const struct room *r, const struct call *call)
{
    const struct change *c = call->state;
    bool own = c->target.from_id == call->who.user;
    uint64_t now = owner_wall_ms(r->owner), until_ms;
    enum error_code e = access_write(&r->access, call->who.user, call->who.super, now, &until_ms);

    if (e != ERROR_NONE)
        return e;
    if (c->target.kind != ENTRY_MESSAGE)
        return ERROR_no_such_message;
    if (c->has_old && c->old.deleted)
        return ERROR_deleted;
    if (call->cmd.id == COMMAND_edit && !own)
        return ERROR_forbidden;
    if (call->cmd.id == COMMAND_delete && !own &&
        !access_moderates(&r->access, call->who.user, call->who.super, now))
        return ERROR_forbidden;
    return ERROR_NONE;
}

/* The merged state after this change, which will have the seq `rev`. */
static enum error_code merge(struct room *r, struct call *call, uint64_t rev)
{
    const struct change *c = call->state;
    struct amend merged = c->has_old ? c->old : (struct amend){0};
    struct buf reactions CLEANUP(buf_fini);
    bool on = !command_has(&call->cmd, PARAM_on) || call->cmd.on;

    buf_init(&reactions, 1 << 20);
    merged.rev = rev;
    merged.target = call->cmd.target;
    if (call->cmd.id == COMMAND_edit) {
        merged.edited = true;
        merged.edited_ts_ms = owner_wall_ms(r->owner);
        merged.text = call->cmd.text;
    } else if (call->cmd.id == COMMAND_delete) {
        merged.deleted = true;
        merged.text = (struct str){0};
        merged.reactions = (struct str){0};
    } else {
        if (!amend_react(c->has_old ? &c->old : NULL, call->cmd.emoji, call->who.user, on,
                         AMEND_LIMITS, &reactions))
            return ERROR_too_many_reactions;
        merged.reactions = buf_peek(&reactions);
    }
    buf_clear(&call->amend);
    amend_encode(&merged, &call->amend);
    return call->amend.failed || reactions.failed ? ERROR_too_many_reactions : ERROR_NONE;
}

static enum call_proposal change_propose(struct room *r, struct call *call)
{
    struct change *c = call->state;
    enum error_code e;

    if (append_next_seq(r) != r->head + 1)
        return CALL_LATER; /* it goes alone: its amend is its batch's */
    if (c->foreign != r->foreign) {
        prepare(r, call); /* another node may have changed the message */
        return CALL_PARKED;
    }
    e = check(r, call);
    if (e == ERROR_NONE)
        e = merge(r, call, append_next_seq(r));
    if (e != ERROR_NONE) {
        call_fail(call, e);
        return CALL_ANSWERED;
    }
    return CALL_APPEND;
}

static void change_appended(struct room *r, struct call *call)
{
    (void)r;
    json_out_field_u64(&call->out, "seq", call->seq);
    json_out_field_u64(&call->out, "ts", call->entry.ts_ms);
    call_ok(call);
}

/* The message as it is kept once it is deleted: all but what was said. */
static void redact(struct call *call)
{
    const struct change *c = call->state;
    struct entry blank = c->target;

    blank.text = (struct str){0};
    buf_clear(&call->redacted);
    entry_encode(&blank, &call->redacted);
}

static void propose(struct room *r, struct call *call)
{
    call->entry = (struct entry){
        .from_id = call->who.user, .from_name = call->who.name, .target = call->cmd.target};
    if (call->cmd.id == COMMAND_edit) {
        call->entry.kind = ENTRY_EDIT;
        call->entry.text = call->cmd.text;
    } else if (call->cmd.id == COMMAND_delete) {
        call->entry.kind = ENTRY_DELETE;
        redact(call);
    } else {
        call->entry.kind = ENTRY_REACT;
        call->entry.emoji = call->cmd.emoji;
        call->entry.on = !command_has(&call->cmd, PARAM_on) || call->cmd.on;
    }
    call->propose = change_propose;
    call->appended = change_appended;
    append_propose(r, call);
}

static void state_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct change *c = call->state;
    struct store_item item;
    size_t at = 0;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    c->state = call->q.amends.ret_block;
    c->has_old = store_block_next(c->state, &at, &item);
    if (c->has_old && amend_decode(item.body, &c->old) != AMEND_OK)
        call_fail(call, ERROR_internal);
    else
        propose(call->room, call);
}

static void message_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct room *r = call->room;
    struct change *c = call->state;
    struct store_item item;
    size_t at = 0;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    c->message = call->q.read.ret_block;
    if (!store_block_next(c->message, &at, &item) || item.key != call->cmd.target ||
        entry_decode(item.body, &c->target) != ENTRY_OK) {
        call_fail(call, ERROR_no_such_message);
        return;
    }
    (void)call_request(call, r->owner->home, state_read);
    call->q.amends.room = room_id(r);
    call->q.amends.from = call->q.amends.to = call->cmd.target;
    store_amends(r->owner->store, &call->q.amends);
}

/* Reads the message and its state. */
static void prepare(struct room *r, struct call *call)
{
    struct change *c = call->state;

    frame_unref(c->message);
    frame_unref(c->state);
    *c = (struct change){.foreign = r->foreign};
    if (call->cmd.target == 0 || call->cmd.target > r->head) {
        call_fail(call, ERROR_no_such_message);
        return;
    }
    (void)call_request(call, r->owner->home, message_read);
    call->q.read.room = room_id(r);
    call->q.read.from = call->cmd.target;
    call->q.read.count_max = 1;
    call->q.read.bytes_max = 1;
    store_read(r->owner->store, &call->q.read);
}

void change_run(struct room *r, struct call *call)
{
    call->state = calloc(1, sizeof(struct change));
    if (call->state == NULL)
        abort();
    call->changes = true;
    call->next = NULL;
    *r->changing_end = call;
    r->changing_end = &call->next;
    start_next(r);
}
