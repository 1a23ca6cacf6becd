#include "chat/room/note.h"

#include "base/str.h"
#include "chat/room/append.h"

#define BYTES_MAX (64 * 1024)

static void note_returned(struct call *call)
{
    struct note *n = CONTAINER_OF(call, struct note, call);

    assert(n->owner->errands_n > 0 && n->bytes != NULL);
    n->owner->errands_n--;
    n->ret_error = call->error;
    call_fini(call);
    frame_unref(n->bytes);
    n->bytes = NULL;
    n->done(n);
}

static void note_appended(struct room *r, struct call *call)
{
    (void)r;
    assert(call->seq > 0);
    call_ok(call);
}

/* An act of a room's log is there once the log of moderators is beyond it, and the role that
 * somebody had when that log began once they have it there. */
static bool note_is_there(const struct room *r, const struct call *call)
{
    const struct entry *e = &call->entry;
    const struct tail_slot *slot;

    if (r->access.kind == ACCESS_AUDIT && e->act_seq > 0)
        return r->access.act >= e->act_seq;
    if (r->access.kind == ACCESS_AUDIT && e->from_id == 0 && str_eq(e->act, STR("role"))) {
        const struct access_member *m = access_get(&r->access, e->user_id);

        return m != NULL && str_eq(str_of(access_role_name(m->role)), e->role);
    }
    return tail_find(&r->tail, 0, call->who.user, call->cid_hash, &slot) != 0;
}

static enum call_proposal note_propose(struct room *r, struct call *call)
{
    assert(call->room == r && call->cid_hash != 0);
    if (append_forming(r, call->who.user, call->cid_hash))
        return CALL_LATER;
    if (note_is_there(r, call)) {
        call_ok(call);
        return CALL_ANSWERED;
    }
    return CALL_APPEND;
}

static void note_run(struct room *r, struct call *call)
{
    assert(call->room == r && call->entry.cid.n > 0);
    call->cid_hash = room_hash(r, call->entry.cid);
    call->alone = true;
    call->propose = note_propose;
    call->appended = note_appended;
    append_propose(r, call);
}

void note_send(struct note *n, struct owner *o, struct str room, const struct entry *e)
{
    struct buf bytes CLEANUP(buf_fini);
    enum entry_result read;

    assert(n->done != NULL && n->bytes == NULL);
    assert(room.n > 0 && room.n <= sizeof(n->room) && e->cid.n > 0);
    n->owner = o;
    memset(&n->call, 0, sizeof(n->call));
    buf_init(&bytes, BYTES_MAX);
    entry_encode(e, &bytes);
    assert(!bytes.failed); /* what is in it was checked as parameters */
    n->bytes = frame_copy(buf_peek(&bytes));
    memcpy(n->room, room.p, room.n);
    call_init(&n->call, 1);
    read = entry_decode(frame_str(n->bytes), &n->call.entry);
    assert(read == ENTRY_OK);
    n->call.returned = note_returned;
    n->call.handler = note_run;
    n->call.who = (struct caller){.user = e->from_id};
    o->errands_n++;
    o->ops->route(o, &n->call, (struct str){(const uint8_t *)n->room, room.n});
}
