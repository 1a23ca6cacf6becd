#include "chat/room/wipe.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/room/again.h"
#include "chat/room/append.h"
#include "chat/room/blank.h"
#include "chat/room/purge.h"

#include <stdlib.h>

/* More go on at the next start. */
#define ROOMS_MAX 500

struct wipe {
    struct call call; /* of nobody */
    struct blank blank;
    struct buf settings;
};

static void wipe_step(struct wipe *w);

static void wipe_end(struct wipe *w)
{
    struct room *r = w->blank.room;

    assert(r->wiping);
    r->wiping = false;
    w->call.room = NULL;
    w->call.keeper = NULL;
    blank_fini(&w->blank);
    buf_fini(&w->settings);
    call_fini(&w->call);
    free(w);
    room_release(r);
}

/* The store failed, or the log has no more, though it should. */
static void wipe_fail(struct wipe *w)
{
    again_later(w->blank.room);
    wipe_end(w);
}

static void wipe_record_gone(struct store_req *req)
{
    wipe_end(CONTAINER_OF(call_of(req), struct wipe, call));
}

static bool wipe_is_done(const struct room *r)
{
    const struct settings *s = access_settings(&r->access);

    return !s->deleted || s->wiped + 1 >= r->head;
}

/* The first entry that has its content. */
static uint64_t wipe_from(const struct room *r)
{
    return MAX(access_settings(&r->access)->wiped + 1, r->kept);
}

/* By the call's request. */
static void wipe_remove_record(struct room *r, struct call *call)
{
    assert(wipe_is_done(r));
    call->q.put.pk = KEYS_DELETING;
    call->q.put.sk = room_id(r);
    call->q.put.expect = STORE_REV_ANY;
    call->q.put.remove = true;
    store_put(r->owner->store, &call->q.put);
}

static void wipe_finish(struct wipe *w)
{
    (void)call_request(&w->call, w->blank.room->owner, wipe_record_gone);
    wipe_remove_record(w->blank.room, &w->call);
}

/* The proposal. */

static void wipe_fill(struct wipe *w)
{
    struct settings s = *access_settings(&w->blank.room->access);
    struct call *call = &w->call;

    s = (struct settings){.deleted = true, .wiped = w->blank.to, .unknown = s.unknown};
    buf_clear(&w->settings);
    settings_encode(&s, &w->settings);
    call->entry = (struct entry){.kind = ENTRY_ROOM, .settings = buf_peek(&w->settings)};
    call->amends_n = blank_amends(&w->blank);
    call->amends = w->blank.amends;
}

static enum call_proposal wipe_propose(struct room *r, struct call *call)
{
    struct wipe *w = CONTAINER_OF(call, struct wipe, call);

    assert(w->blank.room == r && r->wiping);
    if (append_next_seq(r) != r->head + 1)
        return CALL_LATER; /* it goes alone: its amends are its batch's */
    if (wipe_from(r) != w->blank.from) {
        wipe_step(w); /* another node has done it */
        return CALL_PARKED;
    }
    wipe_fill(w);
    return CALL_APPEND;
}

static void wipe_appended(struct room *r, struct call *call)
{
    struct wipe *w = CONTAINER_OF(call, struct wipe, call);

    assert(w->blank.room == r && r->wiping);
    call->amends = NULL;
    call->amends_n = 0;
    again_worked(r);
    if (wipe_is_done(r)) {
        room_save(r, true);
        wipe_finish(w);
    } else {
        wipe_step(w);
    }
}

/* What is taken away. */

static bool wipe_takes(struct blank *b, uint64_t seq, struct entry *kept, bool *ret_stays)
{
    struct settings s;

    assert(b->room->wiping && seq > b->to);
    if (*ret_stays)
        return true;
    entry_redact(kept);
    kept->cid = kept->emoji = kept->title = kept->unknown = (struct str){0};
    if (!settings_decode(kept->settings, &s) || !s.deleted)
        kept->settings = (struct str){0};
    return true;
}

static void wipe_ready(struct blank *b, bool ok)
{
    struct wipe *w = CONTAINER_OF(b, struct wipe, blank);

    if (!ok || b->to < b->from) {
        wipe_fail(w);
        return;
    }
    w->call.alone = true;
    w->call.propose = wipe_propose;
    w->call.appended = wipe_appended;
    append_propose(b->room, &w->call);
}

static void wipe_step(struct wipe *w)
{
    struct room *r = w->blank.room;

    assert(r->wiping && r->state == ROOM_READY);
    if (r->owner->settles) {
        again_settled(r);
        wipe_end(w);
        return;
    }
    if (wipe_is_done(r)) {
        wipe_finish(w);
        return;
    }
    blank_read(&w->blank, wipe_from(r));
}

/* The store failed while it was queued. */
static void wipe_keeper_end(struct call *call)
{
    wipe_fail(CONTAINER_OF(call, struct wipe, call));
}

static const struct call_keeper wipe_keeper = {.end = wipe_keeper_end};

void wipe_on(struct room *r)
{
    struct wipe *w;

    if (r->wiping || r->owner->settles || r->state != ROOM_READY || wipe_is_done(r))
        return;
    w = mem_zeroed(1, sizeof(*w));
    call_init(&w->call, 1);
    blank_init(&w->blank, r, &w->call);
    w->blank.takes = wipe_takes;
    w->blank.ready = wipe_ready;
    buf_init(&w->settings, 65536);
    w->call.room = r;
    w->call.keeper = &wipe_keeper;
    r->wiping = true;
    room_hold(r);
    wipe_step(w);
}

/* After the start: the rooms that were being wiped, one call to each. */

struct wipe_seek {
    struct store_list list;
    struct owner *owner;
};

struct wipe_errand {
    struct call call;
    struct owner *owner;
    char room[KEYS_ROOM_MAX];
};

static void wipe_errand_back(struct call *call)
{
    struct wipe_errand *e = CONTAINER_OF(call, struct wipe_errand, call);

    assert(e->owner->errands_n > 0);
    e->owner->errands_n--;
    call_fini(call);
    free(e);
}

/* If that failed, the next start removes it. */
static void wipe_errand_gone(struct store_req *req)
{
    call_ok(call_of(req));
}

/* Loading the room has begun it, if there was anything to do; else the record is left over, and
 * goes. A deletion whose entry another node is about to append is begun by that node, or when the
 * room is loaded. */
static void wipe_errand_run(struct room *r, struct call *call)
{
    wipe_on(r);
    purge_on(r);
    if (r->wiping || r->purging || !wipe_is_done(r) || r->access.purges_n > 0) {
        call_ok(call);
        return;
    }
    (void)call_request(call, r->owner, wipe_errand_gone);
    wipe_remove_record(r, call);
}

static void wipe_send(struct owner *o, struct str room)
{
    struct wipe_errand *e;

    if (room.n == 0 || room.n > sizeof(e->room))
        return;
    e = mem_zeroed(1, sizeof(*e));
    e->owner = o;
    memcpy(e->room, room.p, room.n);
    call_init(&e->call, 1);
    e->call.handler = wipe_errand_run;
    e->call.returned = wipe_errand_back;
    o->errands_n++;
    o->ops->route(o, &e->call, (struct str){(const uint8_t *)e->room, room.n});
}

static void wipe_listed(struct store_req *req)
{
    struct wipe_seek *s = CONTAINER_OF(req, struct wipe_seek, list.req);
    struct store_item item;
    size_t at = 0;

    s->owner->errands_n--;
    if (req->result == STORE_OK) {
        while (store_block_next(s->list.ret_block, &at, &item))
            wipe_send(s->owner, item.name);
        frame_unref(s->list.ret_block);
    }
    free(s);
}

void wipe_start(struct owner *o)
{
    struct wipe_seek *s = mem_zeroed(1, sizeof(*s));

    s->owner = o;
    o->errands_n++;
    s->list = (struct store_list){
        .req = {.home = o->home, .done = wipe_listed}, .pk = KEYS_DELETING, .limit = ROOMS_MAX};
    store_list(o->store, &s->list);
}
