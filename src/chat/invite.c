#include "chat/invite.h"

#include "base/str.h"
#include "chat/append.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 160

struct invite {
    struct call call;
    struct owner *owner; /* of the room that it is to */
    char room[ROOM_KEY_MAX], title[TEXT_MAX * 4 + 1], name[TEXT_MAX + 1], cid[ROOM_KEY_MAX + 32];
};

static void returned(struct call *call)
{
    struct invite *i = CONTAINER_OF(call, struct invite, call);

    i->owner->errands_n--;
    call_fini(call);
    free(i);
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

static void run(struct room *r, struct call *call)
{
    call->cid_hash = room_hash(r, call->entry.cid);
    call->propose = propose;
    call->appended = appended;
    append_propose(r, call);
}

static struct str keep(char *to, size_t max, struct str s)
{
    size_t n = MIN(s.n, max);

    if (n > 0)
        memcpy(to, s.p, n);
    return (struct str){(const uint8_t *)to, n};
}

void invite_send(struct room *r, uint64_t user, const struct caller *from, uint64_t seq)
{
    struct invite *i = calloc(1, sizeof(*i));
    char own[ROOM_KEY_MAX];
    struct str title = str_of(r->access.title != NULL ? r->access.title : "");

    if (i == NULL)
        abort();
    i->owner = r->owner;
    r->owner->errands_n++;
    call_init(&i->call, 1);
    i->call.returned = returned;
    i->call.handler = run;
    i->call.who = (struct caller){.user = from->user};
    (void)snprintf(i->cid, sizeof(i->cid), "invite:%.*s:%llu", STR_ARGS(room_id(r)),
                   (unsigned long long)seq);
    i->call.entry = (struct entry){
        .kind = ENTRY_INVITE,
        .from_id = from->user,
        .from_name = keep(i->name, TEXT_MAX, from->name),
        .cid = str_of(i->cid),
        .room = keep(i->room, sizeof(i->room), room_id(r)),
        .room_kind = str_of(access_kind_name(r->access.kind)),
        .title = keep(i->title, sizeof(i->title) - 1, title),
    };
    (void)snprintf(own, sizeof(own), "@%llu", (unsigned long long)user);
    r->owner->ops->route(r->owner, &i->call, str_of(own));
}
