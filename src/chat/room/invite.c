#include "chat/room/invite.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/room/note.h"

#include <stdio.h>
#include <stdlib.h>

struct invite {
    struct note note;
    struct call *asker;   /* whose entry it follows */
    call_handler_f *then; /* of the asker */
};

static void invite_noted(struct note *n)
{
    struct invite *i = CONTAINER_OF(n, struct invite, note);
    struct call *asker = i->asker;
    call_handler_f *then = i->then;
    enum error_code error = n->ret_error;

    assert(asker->room != NULL);
    free(i);
    if (error != ERROR_NONE)
        call_fail(asker, ERROR_store_failed); /* its own entry is there: no other error is true */
    else
        then(asker->room, asker);
}

/* The entry is the caller's about the room r, and goes into the log of user. */
static void invite_send(struct room *r, struct call *call, uint64_t user, struct entry *e,
                        call_handler_f *then)
{
    struct invite *i = mem_zeroed(1, sizeof(*i));
    char own[KEYS_ROOM_MAX];

    assert(call->room == r && user > 0);
    i->asker = call;
    i->then = then;
    i->note.done = invite_noted;
    e->from_id = call->who.user;
    e->from_name = call->who.name;
    e->room = room_id(r);
    (void)snprintf(own, sizeof(own), "@%llu", (unsigned long long)user);
    note_send(&i->note, r->owner, str_of(own), e);
}

void invite_tell(struct room *r, struct call *call, uint64_t user, call_handler_f *then)
{
    char cid[KEYS_ROOM_MAX + 32];
    struct entry e = {
        .kind = ENTRY_INVITE,
        .room_kind = str_of(access_kind_name(r->access.kind)),
        .title = str_of(r->access.title != NULL ? r->access.title : ""),
    };

    assert(call->seq > 0);
    (void)snprintf(cid, sizeof(cid), "invite:%.*s:%llu", STR_ARGS(room_id(r)),
                   (unsigned long long)call->seq);
    e.cid = str_of(cid);
    if (call->cmd.id == COMMAND_member_set) /* one of our own names of roles */
        e.role = str_of(access_role_name(access_role_find(call->cmd.role)));
    invite_send(r, call, user, &e, then);
}

void invite_pref(struct room *r, struct call *call, struct str pref, call_handler_f *then)
{
    char cid[KEYS_ROOM_MAX + 32];
    struct entry e = {.kind = ENTRY_PREF, .text = pref};

    (void)snprintf(cid, sizeof(cid), "pref:%.*s:%llx", STR_ARGS(room_id(r)),
                   (unsigned long long)r->owner->ops->random(r->owner));
    e.cid = str_of(cid);
    invite_send(r, call, call->who.user, &e, then);
}
