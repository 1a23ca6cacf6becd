/* room_pref: how the caller likes to see a room. It runs at the room's owner, which knows how many
 * messages the room has; all connections of the caller are told by an entry of their own log. */
#include "chat/model/pref.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/room/commands.h"
#include "chat/room/invite.h"
#include "chat/room/order.h"

#include <stdlib.h>

/* The call's state. */
struct choosing {
    struct pref pref;
    char body[PREF_BYTES_MAX];
    size_t body_n;
};

static void pref_answer(struct room *r, struct call *call)
{
    struct choosing *c = call->state;

    assert(call->room == r && c != NULL);
    json_out_field_str(&call->out, "room", room_id(r));
    pref_put(&c->pref, &call->out);
    call_ok(call);
}

static void pref_read(struct store_req *req);

static void pref_ask(struct call *call)
{
    (void)call_request(call, call->room->owner, pref_read);
    call->q.get.pk = keys_of_user(call->who.user, call->key);
    call->q.get.sk = keys_pref(room_id(call->room), call->key2);
    store_get(call->room->owner->store, &call->q.get);
}

static void pref_done(struct store_req *req)
{
    struct call *call = call_of(req);
    struct choosing *c = call->state;

    assert(call->room != NULL && c != NULL);
    if (req->result == STORE_CONFLICT) {
        pref_ask(call); /* two devices at once: what each gave is taken */
        return;
    }
    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    invite_pref(call->room, call, (struct str){(const uint8_t *)c->body, c->body_n}, pref_answer);
}

static struct pref pref_merge(const struct call *call, struct pref p)
{
    const struct command *cmd = &call->cmd;

    if (command_has(cmd, PARAM_favourite))
        p.favourite = cmd->favourite;
    if (command_has(cmd, PARAM_muted))
        p.muted = cmd->muted;
    if (command_has(cmd, PARAM_notify))
        p.notify = pref_notify_find(cmd->notify);
    if (command_has(cmd, PARAM_hidden)) {
        p.hidden = cmd->hidden;
        p.count = cmd->hidden ? call->room->count : 0;
    }
    return p;
}

static void pref_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct choosing *c = call->state;
    struct frame *old = call->q.get.ret_body;
    uint64_t rev = call->q.get.ret_rev;
    struct str body;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    c->pref = pref_merge(call, pref_decode(old != NULL ? frame_str(old) : (struct str){0}));
    frame_unref(old);
    body = pref_encode(&c->pref, c->body);
    c->body_n = body.n;
    if (body.n == 0 && rev == 0) {
        pref_answer(call->room, call); /* nothing is chosen, nor was */
        return;
    }
    (void)call_request(call, call->room->owner, pref_done);
    call->q.put.pk = keys_of_user(call->who.user, call->key);
    call->q.put.sk = keys_pref(room_id(call->room), call->key2);
    call->q.put.body = body;
    call->q.put.expect = rev;
    call->q.put.remove = body.n == 0;
    store_put(call->room->owner->store, &call->q.put);
}

void cmd_pref_run(struct room *r, struct call *call)
{
    enum error_code e = room_readable(r, &call->who);

    assert(call->room == r && call->state == NULL);
    order_prepares(r, call, true);
    if (command_has(&call->cmd, PARAM_notify) &&
        pref_notify_find(call->cmd.notify) == PREF_UNKNOWN) {
        call->param = "notify";
        call_fail(call, ERROR_bad_value);
    } else if (e != ERROR_NONE) {
        call_fail(call, e);
    } else {
        call->state = mem_zeroed(1, sizeof(struct choosing));
        pref_ask(call);
    }
}
