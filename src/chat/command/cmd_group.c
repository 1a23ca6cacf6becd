#include "chat/command/cmd_group.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/group.h"
#include "chat/people/people.h"
#include "chat/room/append.h"
#include "chat/room/invite.h"
#include "chat/room/order.h"
#include "chat/room/reads.h"

#include <stdlib.h>

#define PEOPLE_BYTES_MAX 4096

/* The call's state while the room is made. */
struct making {
    struct group group;
    unsigned at; /* whose turn it is */
    struct buf people;
};

static struct making *making_of(struct call *call)
{
    assert(call->state != NULL);
    return call->state;
}

static void making_forget(struct call *call)
{
    struct making *m = making_of(call);

    buf_fini(&m->people);
    free(m);
    call->state = NULL;
    call->forget = NULL;
}

static void cmd_group_answer(struct room *r, struct call *call)
{
    assert(call->room == r && room_exists(r));
    room_describe(r, &call->out);
    call_ok(call);
}

/* It is there, or landed: the lists. */

static void group_self_listed(struct store_req *req)
{
    struct call *call = call_of(req);

    if (reads_listed(call))
        cmd_group_answer(call->room, call);
}

static void tell_next(struct room *r, struct call *call);

static void group_listed(struct store_req *req)
{
    struct call *call = call_of(req);

    if (!reads_listed(call))
        return;
    making_of(call)->at++;
    tell_next(call->room, call);
}

static void list_next(struct room *r, struct call *call)
{
    struct making *m = making_of(call);

    assert(m->at < m->group.n);
    reads_list(r, call, m->group.ids[m->at], 0, 0, group_listed);
}

static void tell_next(struct room *r, struct call *call)
{
    struct making *m = making_of(call);

    assert(call->seq > 0 && m->at <= m->group.n);
    if (m->at == m->group.n)
        cmd_group_answer(r, call);
    else
        invite_tell(r, call, m->group.ids[m->at], list_next);
}

static void group_appended(struct room *r, struct call *call)
{
    assert(r->access.kind == ACCESS_GROUP);
    making_of(call)->at = 0;
    room_save(r, true);
    tell_next(r, call);
}

static enum call_proposal group_propose(struct room *r, struct call *call)
{
    assert(call->room == r && r->access.kind == ACCESS_GROUP);
    if (!room_exists(r))
        return CALL_APPEND;
    reads_list(r, call, call->who.user, 0, 0, group_self_listed);
    return CALL_PARKED;
}

static void group_append(struct call *call)
{
    struct making *m = making_of(call);

    call->entry = (struct entry){.kind = ENTRY_ROOM,
                                 .room_kind = STR("private"),
                                 .from_id = call->who.user,
                                 .from_name = call->who.name,
                                 .people = buf_peek(&m->people)};
    call->alone = true;
    call->propose = group_propose;
    call->appended = group_appended;
    append_propose(call->room, call);
}

/* Who they are, and whether one of them blocks the caller, or the other way round. */

static void ask_next(struct call *call);

static void group_get(struct call *call, uint64_t user, struct str sk, store_done_f *done)
{
    (void)call_request(call, call->room->owner, done);
    call->q.get.pk = keys_of_user(user, call->key);
    call->q.get.sk = sk;
    store_get(call->room->owner->store, &call->q.get);
}

/* Takes the record that was asked for; false if the call has failed: the store has, or it is there
 * and says that one blocks the other. */
static bool group_is_free(struct call *call)
{
    bool blocked = call->q.get.ret_body != NULL;

    if (call->q.req.result != STORE_OK) {
        call_fail_store(call, call->q.req.result);
        return false;
    }
    frame_unref(call->q.get.ret_body);
    if (blocked)
        call_fail(call, ERROR_blocked);
    return !blocked;
}

static void blocks_read(struct store_req *req)
{
    struct call *call = call_of(req);

    if (!group_is_free(call))
        return;
    making_of(call)->at++;
    ask_next(call);
}

static void group_blocked_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct making *m = making_of(call);

    if (group_is_free(call))
        group_get(call, call->who.user, keys_block(m->group.ids[m->at], call->key2), blocks_read);
}

static void group_person_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct making *m = making_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str name;
    bool there;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    there = body != NULL && people_decode(frame_str(body), &name, NULL);
    if (there)
        group_put(&m->people, m->group.ids[m->at], name);
    frame_unref(body);
    if (there)
        group_get(call, m->group.ids[m->at], keys_block(call->who.user, call->key2),
                  group_blocked_read);
    else
        call_fail(call, ERROR_no_such_user);
}

static void ask_next(struct call *call)
{
    struct making *m = making_of(call);

    assert(m->at <= m->group.n);
    if (m->at < m->group.n && m->group.ids[m->at] == call->who.user) {
        group_put(&m->people, call->who.user, call->who.name);
        m->at++;
    }
    if (m->at < m->group.n)
        group_get(call, m->group.ids[m->at], KEYS_USER, group_person_read);
    else
        group_append(call);
}

void cmd_group_run(struct room *r, struct call *call)
{
    struct making *m = mem_zeroed(1, sizeof(*m));

    assert(call->room == r && r->access.kind == ACCESS_GROUP && call->state == NULL);
    buf_init(&m->people, PEOPLE_BYTES_MAX);
    call->state = m;
    call->forget = making_forget;
    order_prepares(r, call, true);
    if (!group_parse(call->cmd.users, call->who.user, &m->group))
        call_fail(call, ERROR_internal); /* its id was made of them */
    else if (room_exists(r))
        group_append(call); /* to find that nothing is to be appended */
    else
        ask_next(call);
}
