#include "chat/room/room.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/room/listing.h"

#include <stdlib.h>

#define RECORD_MAX (1024 * 1024)
/* The record is written again when this many entries are not in it. */
#define SAVE_EVERY 512
#define READ_ENTRIES 256
#define READ_BYTES (1024 * 1024)

struct save {
    union {
        struct store_req req;
        struct store_get get;
        struct store_read read;
        struct store_put put;
    } q;
    struct room *room;
    struct access access; /* as the store has it, up to at */
    struct gone gone;
    uint64_t at, to, rev, expect;
    struct listing listing;
    bool older; /* it is KEYS_ACCESS that is read */
    struct buf body;
    char key[KEYS_MAX];
};

static struct save *save_of(struct store_req *req)
{
    return CONTAINER_OF(req, struct save, q.req);
}

static struct save *save_new(struct room *r)
{
    struct save *s = mem_zeroed(1, sizeof(*s));

    assert(!r->saving && r->state == ROOM_READY);
    buf_init(&s->body, RECORD_MAX);
    access_init(&s->access, room_id(r));
    gone_init(&s->gone);
    s->room = r;
    s->to = r->head;
    r->saving = true;
    room_hold(r);
    return s;
}

static void save_end(struct save *s)
{
    struct room *r = s->room;

    assert(r->saving);
    r->saving = false;
    access_fini(&s->access);
    gone_fini(&s->gone);
    buf_fini(&s->body);
    free(s);
    if (r->save_again) {
        r->save_again = false;
        room_save(r, true);
    }
    room_release(r);
}

static void room_save_prepare(struct save *s, store_done_f *done)
{
    memset(&s->q, 0, sizeof(s->q));
    s->q.req.home = s->room->owner->home;
    s->q.req.done = done;
}

static void save_done(struct store_req *req)
{
    struct save *s = save_of(req);

    if (req->result == STORE_OK)
        s->room->unlisted = false;
    save_end(s);
}

static void save_listed(struct listing *l, bool ok)
{
    struct save *s = CONTAINER_OF(l, struct save, listing);

    if (!ok) {
        save_end(s);
        return;
    }
    room_save_prepare(s, save_done);
    s->q.put.pk = keys_of_room(room_id(s->room), s->key);
    s->q.put.sk = KEYS_STATE;
    s->q.put.body = buf_peek(&s->body);
    s->q.put.expect = s->expect;
    s->room->at = s->to;
    store_put(s->room->owner->store, &s->q.put);
}

/* The body, unless there are too many people for a record: the log has them. Before it, what the
 * directory has of the room, which is then of a. */
static void room_save_put(struct save *s, const struct access *a, uint64_t expect)
{
    assert(s->to <= s->room->head);
    if (s->body.failed) {
        save_end(s);
        return;
    }
    s->expect = expect;
    s->listing.done = save_listed;
    listing_write(&s->listing, s->room, a, s->to);
}

/* From the store. */

static void room_save_read_next(struct save *s);

/* Applies one page. False if it is not what comes next. */
static bool apply(struct save *s, const struct frame *block)
{
    struct store_item item;
    struct entry e;
    size_t n = 0;

    assert(s->at < s->to);
    while (s->at < s->to && store_block_next(block, &n, &item)) {
        if (item.key != s->at + 1 || entry_decode(item.body, &e) != ENTRY_OK)
            return false;
        access_apply(&s->access, &e);
        access_note(&s->access, item.key, &e);
        gone_apply(&s->gone, &e);
        s->at++;
    }
    return true;
}

static void room_save_entries_read(struct store_req *req)
{
    struct save *s = save_of(req);
    bool goes_on;

    if (req->result != STORE_OK) {
        save_end(s);
        return;
    }
    goes_on = s->q.read.ret_n > 0 && apply(s, s->q.read.ret_block);
    frame_unref(s->q.read.ret_block);
    if (!goes_on)
        save_end(s); /* the store does not have what was heard */
    else
        room_save_read_next(s);
}

static void room_save_read_next(struct save *s)
{
    struct room *r = s->room;

    assert(s->at <= s->to);
    if (s->at < s->to) {
        room_save_prepare(s, room_save_entries_read);
        s->q.read.room = room_id(r);
        s->q.read.from = s->at + 1;
        s->q.read.count_max = READ_ENTRIES;
        s->q.read.bytes_max = READ_BYTES;
        store_read(r->owner->store, &s->q.read);
        return;
    }
    if (r->heard <= s->to)
        r->heard = 0;
    access_encode(&s->access, &s->gone, s->to, &s->body);
    room_save_put(s, &s->access, s->rev);
}

static void record_read(struct store_req *req);

static void save_read_record(struct save *s, struct str sk)
{
    room_save_prepare(s, record_read);
    s->q.get.pk = keys_of_room(room_id(s->room), s->key);
    s->q.get.sk = sk;
    store_get(s->room->owner->store, &s->q.get);
}

static void record_read(struct store_req *req)
{
    struct save *s = save_of(req);
    struct frame *body = s->q.get.ret_body;
    struct room *r = s->room;

    if (req->result != STORE_OK) {
        save_end(s);
        return;
    }
    if (!s->older)
        s->rev = s->q.get.ret_rev;
    if (body == NULL && !s->older) {
        s->older = true;
        save_read_record(s, KEYS_ACCESS);
        return;
    }
    if (body != NULL && !access_decode(&s->access, &s->gone, frame_str(body), &s->at)) {
        access_fini(&s->access); /* broken: the log is the truth */
        access_init(&s->access, room_id(r));
        gone_fini(&s->gone);
        s->at = 0;
    }
    frame_unref(body);
    s->at = MAX(s->at + 1, r->kept) - 1;
    if (s->at < s->to) {
        room_save_read_next(s);
        return;
    }
    r->at = MAX(r->at, MIN(s->at, r->head)); /* another node has stored it */
    save_end(s);
}

static void save_read(struct room *r)
{
    save_read_record(save_new(r), KEYS_STATE);
}

/* From memory. */

static void save_known(struct room *r)
{
    struct save *s = save_new(r);

    access_encode(&r->access, &r->gone, r->head, &s->body);
    room_save_put(s, &r->access, STORE_REV_ANY);
}

static bool is_due(const struct room *r, bool force)
{
    return !r->saving && r->access.kind != ACCESS_SELF && (r->head != r->at || r->unlisted) &&
           (force || r->head - r->at >= SAVE_EVERY);
}

static bool is_heard(const struct room *r)
{
    return r->heard > r->at;
}

void room_save(struct room *r, bool force)
{
    r->save_again = r->save_again || (force && r->saving);
    if (!is_due(r, force))
        return;
    if (is_heard(r))
        save_read(r);
    else
        save_known(r);
}

void room_save_last(struct room *r)
{
    if (is_due(r, true) && !is_heard(r))
        save_known(r);
}
