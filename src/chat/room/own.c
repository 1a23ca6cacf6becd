#include "chat/room/own.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/room/note.h"

#include <stdio.h>
#include <stdlib.h>

struct own {
    struct note note;
    struct call *call; /* whose caller is told */
    own_told_f *told;
};

static void own_noted(struct note *n)
{
    struct own *own = CONTAINER_OF(n, struct own, note);
    struct call *call = own->call;
    own_told_f *told = own->told;
    enum error_code error = n->ret_error;

    assert(call->who.user != 0);
    free(own);
    if (error != ERROR_NONE)
        call_fail(call, ERROR_store_failed); /* no other error is true of what was done */
    else
        told(call);
}

void own_tell(struct owner *o, struct call *call, struct entry *e, own_told_f *told)
{
    struct own *own = mem_zeroed(1, sizeof(*own));
    char room[KEYS_ROOM_MAX], cid[40];

    assert(call->who.user != 0 && e->kind != 0 && e->cid.n == 0);
    own->call = call;
    own->told = told;
    own->note.done = own_noted;
    (void)snprintf(room, sizeof(room), "@%llu", (unsigned long long)call->who.user);
    (void)snprintf(cid, sizeof(cid), "own:%llx", (unsigned long long)o->ops->random(o));
    e->from_id = call->who.user;
    e->from_name = call->who.name;
    e->cid = str_of(cid);
    note_send(&own->note, o, str_of(room), e);
}
