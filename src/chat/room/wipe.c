#include "chat/room/wipe.h"

#include "base/amend.h"
#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/room/append.h"
#include "chat/room/purge.h"

#include <stdlib.h>

/* With their states they fit a transaction of DynamoDB. */
#define STEP 40
#define STEP_BYTES (1024 * 1024)
/* More go on at the next start. */
#define ROOMS_MAX 500
#define BYTES_MAX (32 * 1024 * 1024)

_Static_assert(STEP <= STORE_AMENDS_MAX, "what a step takes is one append");

/* An entry that loses its content, and its message's state, if it has one. */
struct wiped {
    uint64_t seq;
    size_t entry_end, state_end; /* in the buffers */
    bool has_state;
};

struct wipe {
    struct call call; /* of nobody */
    struct room *room;
    uint64_t from, to;
    struct wiped at[STEP];
    unsigned n;
    struct buf entries, states, settings;
    struct store_amend amends[STEP];
};

static void wipe_step(struct wipe *w);

static void wipe_end(struct wipe *w)
{
    struct room *r = w->room;

    assert(r->wiping);
    r->wiping = false;
    w->call.room = NULL;
    w->call.keeper = NULL;
    buf_fini(&w->entries);
    buf_fini(&w->states);
    buf_fini(&w->settings);
    call_fini(&w->call);
    free(w);
    room_release(r);
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
    return MAX(access_settings(&r->access)->wiped + 1, r->first);
}

static void wipe_finish(struct wipe *w)
{
    assert(wipe_is_done(w->room));
    (void)call_request(&w->call, w->room->owner, wipe_record_gone);
    w->call.q.put.pk = KEYS_DELETING;
    w->call.q.put.sk = room_id(w->room);
    w->call.q.put.expect = STORE_REV_ANY;
    w->call.q.put.remove = true;
    store_put(w->room->owner->store, &w->call.q.put);
}

/* The proposal. */

static struct str wipe_part(const struct buf *b, size_t from, size_t to)
{
    return (struct str){buf_peek(b).p + from, to - from};
}

static void wipe_fill(struct wipe *w)
{
    struct settings s = *access_settings(&w->room->access);
    struct call *call = &w->call;

    s = (struct settings){.deleted = true, .wiped = w->to, .unknown = s.unknown};
    buf_clear(&w->settings);
    settings_encode(&s, &w->settings);
    call->entry = (struct entry){.kind = ENTRY_ROOM, .settings = buf_peek(&w->settings)};
    for (unsigned i = 0; i < w->n; i++) {
        size_t entry = i > 0 ? w->at[i - 1].entry_end : 0;
        size_t state = i > 0 ? w->at[i - 1].state_end : 0;

        w->amends[i] = (struct store_amend){
            .target = w->at[i].seq, .redacted = wipe_part(&w->entries, entry, w->at[i].entry_end)};
        if (w->at[i].has_state)
            w->amends[i].state = wipe_part(&w->states, state, w->at[i].state_end);
    }
    call->amends = w->amends;
    call->amends_n = w->n;
}

static enum call_proposal wipe_propose(struct room *r, struct call *call)
{
    struct wipe *w = CONTAINER_OF(call, struct wipe, call);

    assert(w->room == r && r->wiping);
    if (append_next_seq(r) != r->head + 1)
        return CALL_LATER; /* it goes alone: its amends are its batch's */
    if (wipe_from(r) != w->from) {
        wipe_step(w); /* another node has done it */
        return CALL_PARKED;
    }
    wipe_fill(w);
    return CALL_APPEND;
}

static void wipe_appended(struct room *r, struct call *call)
{
    struct wipe *w = CONTAINER_OF(call, struct wipe, call);

    assert(w->room == r && r->wiping);
    call->amends = NULL;
    call->amends_n = 0;
    if (wipe_is_done(r)) {
        room_save(r, true);
        wipe_finish(w);
    } else {
        wipe_step(w);
    }
}

/* What is taken away. */

static void wipe_blank(struct wipe *w, uint64_t seq, const struct entry *e)
{
    struct entry kept = *e;
    struct settings s;

    assert(w->n < STEP);
    entry_redact(&kept);
    kept.cid = kept.emoji = kept.title = kept.unknown = (struct str){0};
    if (!settings_decode(e->settings, &s) || !s.deleted)
        kept.settings = (struct str){0};
    entry_encode(&kept, &w->entries);
    w->at[w->n++] = (struct wiped){
        .seq = seq, .entry_end = buf_len(&w->entries), .state_end = buf_len(&w->states)};
}

static void wipe_states_read(struct store_req *req)
{
    struct wipe *w = CONTAINER_OF(call_of(req), struct wipe, call);
    struct frame *block = w->call.q.amends.ret_block;
    struct store_item item;
    size_t at = 0;
    bool more;

    if (req->result != STORE_OK) {
        wipe_end(w);
        return;
    }
    more = store_block_next(block, &at, &item);
    for (unsigned i = 0; i < w->n; i++) {
        struct amend amend = {.deleted = true, .target = w->at[i].seq, .rev = w->to};

        while (more && item.key < w->at[i].seq)
            more = store_block_next(block, &at, &item);
        w->at[i].has_state = more && item.key == w->at[i].seq;
        if (w->at[i].has_state)
            amend_encode(&amend, &w->states);
        w->at[i].state_end = buf_len(&w->states);
    }
    frame_unref(block);
    if (w->entries.failed || w->states.failed) {
        wipe_end(w);
        return;
    }
    w->call.alone = true;
    w->call.propose = wipe_propose;
    w->call.appended = wipe_appended;
    append_propose(w->room, &w->call);
}

static void wipe_entries_read(struct store_req *req)
{
    struct wipe *w = CONTAINER_OF(call_of(req), struct wipe, call);
    struct frame *block = w->call.q.read.ret_block;
    struct store_item item;
    struct entry e;
    size_t at = 0;

    if (req->result != STORE_OK) {
        wipe_end(w);
        return;
    }
    while (w->n < STEP && store_block_next(block, &at, &item) && item.key == w->to + 1) {
        w->to = item.key;
        if (entry_decode(item.body, &e) == ENTRY_OK && e.kind != ENTRY_LOST)
            wipe_blank(w, item.key, &e);
    }
    frame_unref(block);
    if (w->to < w->from) { /* the log has no more, though it should */
        wipe_end(w);
        return;
    }
    (void)call_request(&w->call, w->room->owner, wipe_states_read);
    w->call.q.amends.room = room_id(w->room);
    w->call.q.amends.from = w->from;
    w->call.q.amends.to = w->to;
    store_amends(w->room->owner->store, &w->call.q.amends);
}

static void wipe_step(struct wipe *w)
{
    struct room *r = w->room;

    assert(r->wiping && r->state == ROOM_READY);
    if (r->owner->settles) { /* whoever starts next goes on */
        wipe_end(w);
        return;
    }
    if (wipe_is_done(r)) {
        wipe_finish(w);
        return;
    }
    w->n = 0;
    buf_clear(&w->entries);
    buf_clear(&w->states);
    w->from = wipe_from(r);
    w->to = w->from - 1;
    (void)call_request(&w->call, r->owner, wipe_entries_read);
    w->call.q.read.room = room_id(r);
    w->call.q.read.from = w->from;
    w->call.q.read.count_max = STEP;
    w->call.q.read.bytes_max = STEP_BYTES;
    store_read(r->owner->store, &w->call.q.read);
}

/* The store failed while it was queued: whoever loads the room next goes on. */
static void wipe_keeper_end(struct call *call)
{
    wipe_end(CONTAINER_OF(call, struct wipe, call));
}

static bool wipe_keeper_doubts(struct call *call, enum error_code code)
{
    (void)call;
    (void)code;
    return false;
}

static const struct call_keeper wipe_keeper = {.doubts = wipe_keeper_doubts,
                                               .end = wipe_keeper_end};

void wipe_on(struct room *r)
{
    struct wipe *w;

    if (r->wiping || r->owner->settles || r->state != ROOM_READY || wipe_is_done(r))
        return;
    w = mem_zeroed(1, sizeof(*w));
    call_init(&w->call, 1);
    buf_init(&w->entries, BYTES_MAX);
    buf_init(&w->states, BYTES_MAX);
    buf_init(&w->settings, 65536);
    w->room = r;
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

/* Loading the room has begun it, if there was anything to do; else the record is left over. */
static void wipe_errand_run(struct room *r, struct call *call)
{
    wipe_on(r);
    purge_on(r);
    call_ok(call);
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
