#include "chat/room/invite.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/room/append.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 160

struct invite {
    struct call call;
    struct call *asker;   /* whose entry it follows */
    call_handler_f *then; /* of the asker */
    char room[KEYS_ROOM_MAX], title[TEXT_MAX * 4 + 1], name[TEXT_MAX + 1], cid[KEYS_ROOM_MAX + 32];
};

static void returned(struct call *call)
{
    struct invite *i = CONTAINER_OF(call, struct invite, call);
    struct call *asker = i->asker;
    call_handler_f *then = i->then;
    enum error_code error = call->error;

    assert(asker->room != NULL && asker->room->owner->errands_n > 0);
    asker->room->owner->errands_n--;
    call_fini(call);
    free(i);
    if (error != ERROR_NONE)
        call_fail(asker, ERROR_store_failed); /* its own entry is there: no other error is true */
    else
        then(asker->room, asker);
}

static void appended(struct room *r, struct call *call)
{
    (void)r;
    call_ok(call);
}

static enum call_proposal propose(struct room *r, struct call *call)
{
    const struct tail_slot *slot;

    if (append_forming(r, call->who.user, call->cid_hash))
        return CALL_LATER;
    if (tail_find(&r->tail, 0, call->who.user, call->cid_hash, &slot) != 0) {
        call_ok(call);
        return CALL_ANSWERED;
    }
    return CALL_APPEND;
}

static void invite_run(struct room *r, struct call *call)
{
    assert(call->room == r);
    call->cid_hash = room_hash(r, call->entry.cid);
    call->propose = propose;
    call->appended = appended;
    append_propose(r, call);
}

static struct str invite_keep(char *to, size_t max, struct str s)
{
    size_t n = MIN(s.n, max);

    if (n > 0)
        memcpy(to, s.p, n);
    return (struct str){(const uint8_t *)to, n};
}

static struct invite *invite_new(struct room *r, struct call *call, call_handler_f *then)
{
    struct invite *i = mem_zeroed(1, sizeof(*i));

    assert(call->room == r);
    i->asker = call;
    i->then = then;
    r->owner->errands_n++;
    call_init(&i->call, 1);
    i->call.returned = returned;
    i->call.handler = invite_run;
    i->call.who = (struct caller){.user = call->who.user};
    i->call.entry = (struct entry){
        .from_id = call->who.user,
        .from_name = invite_keep(i->name, TEXT_MAX, call->who.name),
        .room = invite_keep(i->room, sizeof(i->room), room_id(r)),
    };
    return i;
}

/* The entry goes into the log of user, under the cid. */
static void invite_send(struct invite *i, struct owner *o, uint64_t user)
{
    char own[KEYS_ROOM_MAX];

    assert(i->cid[0] != '\0' && user > 0);
    i->call.entry.cid = str_of(i->cid);
    (void)snprintf(own, sizeof(own), "@%llu", (unsigned long long)user);
    o->ops->route(o, &i->call, str_of(own));
}

void invite_tell(struct room *r, struct call *call, uint64_t user, call_handler_f *then)
{
    struct invite *i = invite_new(r, call, then);
    struct str title = str_of(r->access.title != NULL ? r->access.title : "");

    assert(call->seq > 0);
    (void)snprintf(i->cid, sizeof(i->cid), "invite:%.*s:%llu", STR_ARGS(room_id(r)),
                   (unsigned long long)call->seq);
    i->call.entry.kind = ENTRY_INVITE;
    i->call.entry.room_kind = str_of(access_kind_name(r->access.kind));
    i->call.entry.title = invite_keep(i->title, sizeof(i->title) - 1, title);
    if (call->cmd.id == COMMAND_member_set) /* one of our own names of roles */
        i->call.entry.role = str_of(access_role_name(access_role_find(call->cmd.role)));
    invite_send(i, r->owner, user);
}

void invite_pref(struct room *r, struct call *call, struct str pref, call_handler_f *then)
{
    struct invite *i = invite_new(r, call, then);

    (void)snprintf(i->cid, sizeof(i->cid), "pref:%.*s:%llx", STR_ARGS(room_id(r)),
                   (unsigned long long)r->owner->ops->random(r->owner));
    i->call.entry.kind = ENTRY_PREF;
    i->call.entry.text = invite_keep(i->title, sizeof(i->title) - 1, pref);
    invite_send(i, r->owner, call->who.user);
}
