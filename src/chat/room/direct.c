#include "chat/room/direct.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/room/append.h"
#include "chat/room/invite.h"
#include "chat/room/reads.h"

#include <stdlib.h>

#define KNOWN_MS 60000
/* Without followers here: of what is done at other nodes nothing is heard. */
#define UNHEARD_MS 1000

/* A look at all lists, or at both blocks, one after the other. */
struct look {
    struct call call; /* its requests and their keys; it is nobody's */
    struct room *room;
    uint64_t people[GROUP_MAX];
    unsigned people_n, person; /* whose is looked at */
    bool blocks;               /* it is whether they block each other that is looked at */
    bool blocked;
};

static struct look *look_of(struct store_req *req)
{
    return CONTAINER_OF(call_of(req), struct look, call);
}

static void look_end(struct look *look, enum store_result result)
{
    struct room *r = look->room;

    assert(r->direct.looking);
    r->direct.looking = false;
    if (look->blocks) {
        r->direct.blocks_known = result == STORE_OK && !r->direct.left;
        r->direct.blocked = look->blocked;
        r->direct.blocks_ms = owner_now_ms(r->owner);
    } else {
        r->direct.listed = result == STORE_OK && !r->direct.left;
        r->direct.at_ms = owner_now_ms(r->owner);
    }
    call_fini(&look->call);
    free(look);
    if (result != STORE_OK)
        append_fail_all(r, result);
    if (r->queue_n > 0)
        room_mark(r);
    room_release(r);
}

static void look_next(struct look *look);

static void look_put(struct store_req *req)
{
    struct look *look = look_of(req);

    assert(look->person < look->people_n);
    if (req->result != STORE_OK && req->result != STORE_CONFLICT) {
        look_end(look, req->result);
        return;
    }
    look->room->direct.back[look->person] = req->result == STORE_OK;
    look->person++;
    look_next(look);
}

static uint64_t look_user(const struct look *look)
{
    assert(look->person < look->people_n);
    return look->people[look->person];
}

static void look_read(struct store_req *req)
{
    struct look *look = look_of(req);
    struct room *r = look->room;

    assert(r->direct.looking && look->person < look->people_n);
    if (req->result != STORE_OK) {
        look_end(look, req->result);
        return;
    }
    if (look->blocks) {
        look->blocked = look->blocked || look->call.q.get.ret_body != NULL;
    } else if (look->call.q.get.ret_body == NULL) {
        reads_list(r, &look->call, look_user(look), r->head, r->count, look_put);
        return;
    }
    frame_unref(look->call.q.get.ret_body);
    look->person++;
    look_next(look);
}

static void look_next(struct look *look)
{
    struct room *r = look->room;

    assert(r->direct.looking && look->person <= look->people_n);
    if (look->person == look->people_n) {
        look_end(look, STORE_OK);
        return;
    }
    (void)call_request(&look->call, r->owner, look_read);
    look->call.q.get.pk = keys_of_user(look_user(look), look->call.key);
    look->call.q.get.sk = look->blocks ? keys_block(look->people[1 - look->person], look->call.key2)
                                       : keys_listed(room_id(r), look->call.key2);
    store_get(r->owner->store, &look->call.q.get);
}

/* Is what was seen then still so? */
static bool holds(const struct room *r, uint64_t at_ms)
{
    uint64_t max = r->followers != 0 ? KNOWN_MS : UNHEARD_MS;

    return bus_is_alone(r->owner->bus) || owner_now_ms(r->owner) - at_ms <= max;
}

static void look_begin(struct room *r, bool blocks)
{
    struct look *look = mem_zeroed(1, sizeof(*look));

    assert(!r->direct.looking);
    look->room = r;
    look->people_n = access_people(&r->access, look->people);
    assert(!blocks || look->people_n == 2);
    look->blocks = blocks;
    r->direct.left = false;
    call_init(&look->call, 1);
    r->direct.looking = true;
    room_hold(r);
    look_next(look);
}

bool direct_listed(struct room *r)
{
    assert(!r->direct.looking);
    if (r->direct.listed && holds(r, r->direct.at_ms))
        return true;
    look_begin(r, false);
    return false;
}

enum direct_block direct_block(struct room *r)
{
    assert(r->access.kind == ACCESS_DIRECT);
    if (r->direct.blocks_known && holds(r, r->direct.blocks_ms))
        return r->direct.blocked ? DIRECT_BLOCKED : DIRECT_FREE;
    if (!r->direct.looking)
        look_begin(r, true);
    return DIRECT_UNKNOWN;
}

enum call_proposal direct_propose(struct room *r, struct call *call)
{
    enum direct_block block = r->access.kind == ACCESS_DIRECT ? direct_block(r) : DIRECT_FREE;

    if (block == DIRECT_BLOCKED)
        call_fail(call, ERROR_blocked);
    return block == DIRECT_FREE      ? CALL_APPEND
           : block == DIRECT_BLOCKED ? CALL_ANSWERED
                                     : CALL_LATER;
}

bool direct_tells(struct room *r, struct call *call, call_handler_f *then)
{
    uint64_t ids[GROUP_MAX];
    unsigned n;

    assert(call->room == r && call->seq > 0);
    if (r->access.kind != ACCESS_DIRECT && r->access.kind != ACCESS_GROUP)
        return false;
    n = access_people(&r->access, ids);
    for (unsigned i = 0; i < n; i++) {
        if (!r->direct.back[i] || ids[i] == call->who.user)
            continue;
        r->direct.back[i] = false;
        invite_tell(r, call, ids[i], then);
        return true;
    }
    return false;
}

void direct_left(struct room *r)
{
    r->direct.listed = false;
    r->direct.blocks_known = false;
    r->direct.left = true;
}
