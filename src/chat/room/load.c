#include "chat/room/load.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/doorbell.h"
#include "chat/model/keys.h"
#include "chat/model/lost.h"

#include <stdlib.h>

#define CHUNK 256
#define CHUNK_BYTES (1024 * 1024)
/* A write of unknown outcome is looked for after this, then after twice as long each
 * time: a store that is far away may do it yet. */
#define LOOK_MS 500
#define LOOK_MAX_MS 8000
/* Newest entries looked at when a room is loaded, for repeats of sends. */
#define TAIL_LOADED 64

/* What a room needs while it reads; most rooms at rest have none. */
struct load {
    struct room *room;
    union call_request q;
    char key[KEYS_MAX];
};

static struct room *room_of(struct store_req *req)
{
    return CONTAINER_OF(req, struct load, q.req)->room;
}

static void request(struct room *r, store_done_f *done)
{
    assert(done != NULL);
    if (r->load == NULL)
        r->load = mem_bytes(sizeof(*r->load));
    memset(r->load, 0, sizeof(*r->load));
    r->load->room = r;
    r->load->q.req.home = r->owner->home;
    r->load->q.req.done = done;
}

/* The request is over, and what points into it. */
static void load_free(struct room *r)
{
    free(r->load);
    r->load = NULL;
}

static void finish(struct room *r, enum store_result result)
{
    assert(r->loading && r->state == ROOM_LOADING);
    r->loading = false;
    load_free(r);
    r->owner->engine->loaded(r, result);
    if (r->unlisted && result == STORE_OK)
        room_save(r, true);
    room_release(r);
}

static void read_next(struct room *r, store_done_f *done)
{
    request(r, done);
    r->load->q.read.room = room_id(r);
    r->load->q.read.from = r->replay;
    r->load->q.read.count_max = CHUNK;
    r->load->q.read.bytes_max = CHUNK_BYTES;
    store_read(r->owner->store, &r->load->q.read);
}

static void read_log(struct room *r, store_done_f *done)
{
    request(r, done);
    r->load->q.log.room = room_id(r);
    store_log(r->owner->store, &r->load->q.log);
}

static void replay_entry(struct room *r, uint64_t seq, const struct entry *e)
{
    struct tail_slot slot = {0};

    room_note(r, e);
    slot.ts_ms = r->ts_ms;
    slot.count = r->count;
    if (seq > r->at) {
        access_apply(&r->access, e);
        access_note(&r->access, seq, e);
        gone_apply(&r->gone, e);
        room_first(r);
        r->unlisted = r->unlisted || e->kind == ENTRY_ROOM;
    }
    if (e->cid.n > 0) {
        slot.from = e->from_id;
        slot.cid = room_hash(r, e->cid);
        slot.content = room_hash_content(r, e);
    }
    tail_push(&r->tail, &slot);
}

static void replayed(struct store_req *req)
{
    struct room *r = room_of(req);
    struct frame *block = r->load->q.read.ret_block;
    struct store_item item;
    struct entry e;
    struct lost lost = {0};
    size_t at = 0;
    bool broken = false;

    assert(r->loading);
    if (req->result != STORE_OK) {
        finish(r, req->result);
        return;
    }
    while (!broken && store_block_next(block, &at, &item) && item.key <= r->head) {
        broken = entry_decode(item.body, &e) != ENTRY_OK || item.key != r->replay;
        if (!broken) {
            lost_note(&lost, item.key, &e);
            replay_entry(r, item.key, &e);
            r->replay++;
        }
    }
    broken = broken || r->load->q.read.ret_n == 0;
    frame_unref(block);
    room_lost(r, &lost);
    if (broken)
        finish(r, STORE_FAILED);
    else if (r->replay <= r->head)
        read_next(r, replayed);
    else
        finish(r, STORE_OK);
}

static void record_read(struct store_req *req);

static void read_record(struct room *r, struct str sk)
{
    request(r, record_read);
    r->load->q.get.pk = keys_of_room(room_id(r), r->load->key);
    r->load->q.get.sk = sk;
    store_get(r->owner->store, &r->load->q.get);
}

static void record_read(struct store_req *req)
{
    struct room *r = room_of(req);
    struct frame *body = r->load->q.get.ret_body;
    bool old = str_eq(r->load->q.get.sk, KEYS_ACCESS);
    uint64_t tail_from;

    assert(r->loading && r->head > 0);
    if (req->result != STORE_OK) {
        finish(r, req->result);
        return;
    }
    if (body == NULL && !old) {
        read_record(r, KEYS_ACCESS);
        return;
    }
    r->unlisted = old; /* a room of before there was a directory */
    r->at = 0;
    if (body != NULL &&
        (!access_decode(&r->access, &r->gone, frame_str(body), &r->at) || r->at > r->head)) {
        access_fini(&r->access); /* broken, or another log's: the log is the truth */
        access_init(&r->access, room_id(r));
        gone_fini(&r->gone);
        r->at = 0;
    }
    frame_unref(body);
    room_first(r);
    tail_from = r->head > TAIL_LOADED ? r->head - TAIL_LOADED + 1 : 1;
    r->replay = MIN(r->at + 1, tail_from);
    r->replay = MAX(r->replay, r->kept);
    tail_fini(&r->tail);
    tail_init(&r->tail, r->replay - 1);
    if (r->replay > r->head)
        finish(r, STORE_OK);
    else
        read_next(r, replayed);
}

static void log_read(struct store_req *req)
{
    struct room *r = room_of(req);

    assert(r->loading);
    if (req->result != STORE_OK) {
        finish(r, req->result);
        return;
    }
    r->epoch = room_epoch(r->owner, r->load->q.log.ret_epoch);
    r->first = r->kept = MAX(r->load->q.log.ret_first, (uint64_t)1);
    r->head = r->stored = r->load->q.log.ret_head;
    r->heard = 0;
    frame_unref(r->load->q.log.ret_last);
    if (r->head == 0) {
        tail_fini(&r->tail);
        tail_init(&r->tail, 0);
        finish(r, STORE_OK);
        return;
    }
    read_record(r, KEYS_STATE);
}

void load_room(struct room *r)
{
    if (r->loading)
        return;
    assert(r->state == ROOM_LOADING && r->load == NULL);
    r->loading = true;
    room_looks(r);
    room_hold(r);
    access_fini(&r->access);
    access_init(&r->access, room_id(r));
    gone_fini(&r->gone);
    read_log(r, log_read);
}

/* Catching up: the same reads, but followers are told. */

static void caught_up(struct room *r, enum store_result result)
{
    assert(r->catching && r->batch == NULL);
    load_free(r);
    r->foreign++;
    r->unsure = false;
    /* What was rung before the look was stored before it: it was seen, or is not there. */
    r->rung = MAX(r->late, r->head);
    if (result != STORE_OK) {
        r->owner->engine->fail_queue(r, result); /* no other look begins in the midst of it */
        load_unsure(r);
        r->look = false;
        r->rung = r->head;
    }
    r->catching = false;
    r->owner->engine->looked(r, result);
    load_on(r);
    if (r->queue_n > 0)
        room_mark(r);
    room_release(r);
}

static void look(struct wheel_timer *t)
{
    struct room *r = CONTAINER_OF(t, struct room, look_timer);

    assert(r->look_ms > 0);
    if (!r->unsure && (r->head > r->late_head || r->look_ms >= LOOK_MAX_MS)) {
        r->look_ms = 0; /* it has landed, or can no more */
        return;
    }
    if (r->followers == 0 && bus_is_alone(r->owner->bus))
        return; /* whoever follows begins anew */
    r->look_ms = MIN(2 * r->look_ms, (unsigned)LOOK_MAX_MS);
    wheel_set(r->owner->wheel, &r->look_timer, owner_now_ms(r->owner) + r->look_ms);
    load_catch_up(r);
}

void load_unsure(struct room *r)
{
    r->unsure = true;
    r->owner->doubt_ms = owner_now_ms(r->owner) + LOAD_DOUBT_MS;
    r->late_head = r->head;
    r->look_ms = LOOK_MS;
    r->look_timer.fire = look;
    wheel_set(r->owner->wheel, &r->look_timer, owner_now_ms(r->owner) + LOOK_MS);
}

static bool take_in(struct room *r, struct str body, struct news_entry *ret_news, struct lost *lost)
{
    struct entry e;
    bool named;

    if (entry_decode(body, &e) != ENTRY_OK)
        return false;
    named = e.cid.n > 0;
    room_apply(r, body, &e, named ? room_hash(r, e.cid) : 0, room_hash_content(r, &e), ret_news);
    lost_note(lost, r->head, &e);
    return true;
}

static void missed_read(struct store_req *req);

/* Another node made the log: its identity comes before its entries. */
static void missed_log(struct store_req *req)
{
    struct room *r = room_of(req);

    assert(r->catching);
    if (req->result != STORE_OK) {
        caught_up(r, req->result);
        return;
    }
    frame_unref(r->load->q.log.ret_last);
    r->epoch = room_epoch(r->owner, r->load->q.log.ret_epoch);
    read_next(r, missed_read);
}

static void missed_read(struct store_req *req)
{
    struct room *r = room_of(req);
    struct news_entry entries[CHUNK];
    struct news news = {.room = room_id(r), .first = r->head + 1, .entries = entries};
    struct store_item item;
    struct lost lost = {0};
    size_t at = 0;
    bool broken = false, more;

    assert(r->catching && r->batch == NULL);
    if (req->result != STORE_OK) {
        caught_up(r, req->result);
        return;
    }
    if (r->epoch == 0 && r->load->q.read.ret_n > 0) {
        frame_unref(r->load->q.read.ret_block);
        read_log(r, missed_log);
        return;
    }
    while (!broken && news.n < CHUNK && store_block_next(r->load->q.read.ret_block, &at, &item)) {
        broken = item.key != r->head + 1 || !take_in(r, item.body, &entries[news.n], &lost);
        news.n += !broken;
    }
    room_lost(r, &lost);
    more = news.n == CHUNK || at > CHUNK_BYTES / 2; /* else that was all there is */
    frame_unref(r->load->q.read.ret_block);
    if (news.n > 0)
        r->stored = r->head;
    if (r->head > r->rung && news.n > 0)
        bus_found(r->owner->bus, news.room);
    if (news.n > 0 && r->look_ms > 0) /* they may be our own, of which nobody heard */
        bus_ring(r->owner->bus, news.room, r->head, (struct str){0});
    room_publish(r, &news);
    if (broken || !more) {
        caught_up(r, broken ? STORE_FAILED : STORE_OK);
        return;
    }
    r->replay = r->head + 1;
    read_next(r, missed_read);
}

void load_catch_up(struct room *r)
{
    if (r->catching || r->state != ROOM_READY || r->batch != NULL) {
        r->look = true;
        return;
    }
    assert(r->load == NULL);
    r->catching = true;
    r->look = false;
    r->late = 0;
    room_looks(r);
    room_hold(r);
    r->replay = r->head + 1;
    read_next(r, missed_read);
}

void load_on(struct room *r)
{
    bool idle = !r->catching && r->state == ROOM_READY && r->batch == NULL;

    if (idle && (r->look || r->rung > r->head || r->waiting != NULL))
        load_catch_up(r);
}

/* The entries of a doorbell that are next. */
static void take_rung(struct room *r, struct doorbell *d)
{
    struct news_entry entries[CHUNK];
    struct news news = {.room = room_id(r), .first = r->head + 1, .entries = entries};
    struct lost lost = {0}; /* a doorbell brings what it is said to bring */

    assert(!r->catching && r->batch == NULL && d->n <= CHUNK);
    r->epoch = d->epoch;
    r->foreign++;
    while (news.n < d->n && take_in(r, doorbell_next(d), &entries[news.n], &lost))
        news.n++;
    r->heard = news.n > 0 ? r->head : r->heard;
    room_publish(r, &news);
}

void load_rung(struct room *r, uint64_t seq, struct str bytes)
{
    bool idle = !r->catching && r->state == ROOM_READY && r->batch == NULL;
    struct doorbell d;

    if (seq <= r->head)
        return;
    r->rung = MAX(r->rung, seq);
    r->late = MAX(r->late, seq);
    room_hold(r);
    if (idle && doorbell_read(bytes, &d) && d.n <= CHUNK && d.n <= seq && seq - d.n == r->head &&
        (r->epoch == 0 || d.epoch == r->epoch))
        take_rung(r, &d);
    load_on(r);
    room_release(r);
}
