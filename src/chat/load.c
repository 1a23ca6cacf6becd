#include "chat/load.h"

#include "chat/append.h"
#include "chat/doorbell.h"

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
    char key[ROOM_KEY_MAX];
};

static struct room *room_of(struct store_req *req)
{
    return CONTAINER_OF(req, struct load, q.req)->room;
}

static void request(struct room *r, store_done_f *done)
{
    if (r->load == NULL)
        r->load = malloc(sizeof(*r->load));
    if (r->load == NULL)
        abort();
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
    r->loading = false;
    load_free(r);
    room_loaded(r, result);
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
    struct tail_slot slot = {.ts_ms = e->ts_ms, .count = e->count};

    if (seq > r->at)
        access_apply(&r->access, e);
    if (e->kind == ENTRY_MESSAGE && e->cid.n > 0) {
        slot.from = e->from_id;
        slot.cid = room_hash(r, e->cid);
        slot.content = room_hash_content(r, e);
    }
    tail_push(&r->tail, &slot);
    r->ts_ms = e->ts_ms;
    r->count = e->count;
}

static void replayed(struct store_req *req)
{
    struct room *r = room_of(req);
    struct frame *block = r->load->q.read.ret_block;
    struct store_item item;
    struct entry e;
    size_t at = 0;
    bool broken = false;

    if (req->result != STORE_OK) {
        finish(r, req->result);
        return;
    }
    while (!broken && store_block_next(block, &at, &item) && item.key <= r->head) {
        broken = entry_decode(item.body, &e) != ENTRY_OK || item.key != r->replay;
        if (!broken) {
            replay_entry(r, item.key, &e);
            r->replay++;
        }
    }
    broken = broken || r->load->q.read.ret_n == 0;
    frame_unref(block);
    if (broken)
        finish(r, STORE_FAILED);
    else if (r->replay <= r->head)
        read_next(r, replayed);
    else
        finish(r, STORE_OK);
}

static void record_read(struct store_req *req)
{
    struct room *r = room_of(req);
    struct frame *body = r->load->q.get.ret_body;
    uint64_t tail_from;

    if (req->result != STORE_OK) {
        finish(r, req->result);
        return;
    }
    r->at = 0;
    if (body != NULL && (!access_decode(&r->access, frame_str(body), &r->at) || r->at > r->head)) {
        access_fini(&r->access); /* broken, or another log's: the log is the truth */
        access_init(&r->access, room_id(r));
        r->at = 0;
    }
    frame_unref(body);
    tail_from = r->head > TAIL_LOADED ? r->head - TAIL_LOADED + 1 : 1;
    r->replay = MIN(r->at + 1, tail_from);
    r->replay = MAX(r->replay, r->first);
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

    if (req->result != STORE_OK) {
        finish(r, req->result);
        return;
    }
    r->epoch = r->load->q.log.ret_epoch;
    r->first = MAX(r->load->q.log.ret_first, (uint64_t)1);
    r->head = r->load->q.log.ret_head;
    frame_unref(r->load->q.log.ret_last);
    if (r->head == 0) {
        tail_fini(&r->tail);
        tail_init(&r->tail, 0);
        finish(r, STORE_OK);
        return;
    }
    request(r, record_read);
    r->load->q.get.pk = room_key(r, r->load->key);
    r->load->q.get.sk = STR("access");
    store_get(r->owner->store, &r->load->q.get);
}

void load_room(struct room *r)
{
    if (r->loading)
        return;
    r->loading = true;
    room_looks(r);
    room_hold(r);
    access_fini(&r->access);
    access_init(&r->access, room_id(r));
    read_log(r, log_read);
}

/* Catching up: the same reads, but followers are told. */

static void caught_up(struct room *r, enum store_result result)
{
    load_free(r);
    r->foreign++;
    r->unsure = false;
    if (result != STORE_OK) {
        append_fail_all(r, result); /* no other look begins in the midst of it */
        load_unsure(r);
        r->look = false;
        r->rung = r->head;
    }
    r->catching = false;
    room_looked(r, result);
    load_on(r);
    if (r->queue_n > 0)
        room_mark(r);
    room_release(r);
}

static void look(struct wheel_timer *t)
{
    struct room *r = CONTAINER_OF(t, struct room, look_timer);

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
    r->late_head = r->head;
    r->look_ms = LOOK_MS;
    r->look_timer.fire = look;
    wheel_set(r->owner->wheel, &r->look_timer, owner_now_ms(r->owner) + LOOK_MS);
}

static bool take_in(struct room *r, struct str body, struct news_entry *ret_news)
{
    struct entry e;
    bool named;

    if (entry_decode(body, &e) != ENTRY_OK)
        return false;
    named = e.kind == ENTRY_MESSAGE && e.cid.n > 0;
    room_apply(r, &e, named ? room_hash(r, e.cid) : 0, room_hash_content(r, &e), ret_news);
    return true;
}

static void missed_read(struct store_req *req);

/* Another node made the log: its identity comes before its entries. */
static void missed_log(struct store_req *req)
{
    struct room *r = room_of(req);

    if (req->result != STORE_OK) {
        caught_up(r, req->result);
        return;
    }
    frame_unref(r->load->q.log.ret_last);
    r->epoch = r->load->q.log.ret_epoch;
    read_next(r, missed_read);
}

static void missed_read(struct store_req *req)
{
    struct room *r = room_of(req);
    struct news_entry entries[CHUNK];
    struct news news = {.room = room_id(r), .first = r->head + 1, .entries = entries};
    struct store_item item;
    size_t at = 0;
    bool broken = false, more;

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
        broken = item.key != r->head + 1 || !take_in(r, item.body, &entries[news.n]);
        news.n += !broken;
    }
    more = news.n == CHUNK || at > CHUNK_BYTES / 2; /* else that was all there is */
    frame_unref(r->load->q.read.ret_block);
    if (r->head > r->rung && news.n > 0)
        bus_found(r->owner->bus, news.room);
    if (news.n > 0 && r->look_ms > 0) /* they may be our own, of which nobody heard */
        bus_ring(r->owner->bus, news.room, r->head, (struct str){0});
    if (news.n > 0)
        r->owner->ops->publish(r->owner, r->followers, &news);
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
    r->catching = true;
    r->look = false;
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

    r->epoch = d->epoch;
    r->foreign++;
    while (news.n < d->n && take_in(r, doorbell_next(d), &entries[news.n]))
        news.n++;
    if (news.n > 0)
        r->owner->ops->publish(r->owner, r->followers, &news);
}

void load_rung(struct room *r, uint64_t seq, struct str bytes)
{
    bool idle = !r->catching && r->state == ROOM_READY && r->batch == NULL;
    struct doorbell d;

    if (seq <= r->head)
        return;
    r->rung = MAX(r->rung, seq);
    room_hold(r);
    if (idle && doorbell_read(bytes, &d) && d.n <= CHUNK && d.n <= seq && seq - d.n == r->head &&
        (r->epoch == 0 || d.epoch == r->epoch))
        take_rung(r, &d);
    load_on(r);
    room_release(r);
}
