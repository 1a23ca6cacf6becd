#include "chat/room/listing.h"

#include "base/siphash.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/model/listed.h"

#define BODY_MAX 4096
/* So many messages more, or fewer than it tells, are worth a write. */
#define MESSAGES 512

static struct listed listing_of(const struct access *a)
{
    const struct settings *s = access_settings(a);

    if (s->archived || s->deleted)
        return (struct listed){.gone = true};
    return (struct listed){
        .title = str_of(a->title != NULL ? a->title : ""), .topic = s->topic, .icon = s->icon};
}

static uint64_t listing_hash(const struct room *r, const struct access *a)
{
    struct listed listed = listing_of(a);
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, BODY_MAX);
    listed_encode(&listed, &b);
    return siphash(r->owner->hash_key, buf_peek(&b)) | 1;
}

bool listing_is_due(const struct room *r, const struct access *a)
{
    if (a->kind != ACCESS_PUBLIC || !room_exists(r))
        return false;
    return r->listed != listing_hash(r, a) || r->count >= r->listed_count + MESSAGES;
}

static void listing_end(struct listing *l, bool ok)
{
    assert(l->hash != 0);
    if (ok) {
        l->room->listed = l->hash;
        l->room->listed_count = l->room->count;
    }
    buf_fini(&l->body);
    l->done(l, ok);
}

static void listing_read(struct listing *l);

static void news_put(struct store_req *req)
{
    listing_end(CONTAINER_OF(req, struct listing, q.req), req->result == STORE_OK);
}

static void record_put(struct store_req *req)
{
    struct listing *l = CONTAINER_OF(req, struct listing, q.req);
    struct owner *o = l->room->owner;
    uint64_t now = owner_wall_ms(o);

    if (req->result == STORE_CONFLICT) {
        listing_read(l); /* of another node's, which may be newer */
        return;
    }
    if (req->result != STORE_OK) {
        listing_end(l, false);
        return;
    }
    l->q.put = (struct store_put){.req = {.home = o->home, .done = news_put},
                                  .pk = keys_of_directory(now / 60000, l->pk),
                                  .sk = keys_changed(now, room_id(l->room), l->sk),
                                  .body = buf_peek(&l->body),
                                  .expect = STORE_REV_ANY,
                                  .expires_ms = now + LISTING_KEPT_MS};
    store_put(o->store, &l->q.put);
}

static void record_got(struct store_req *req)
{
    struct listing *l = CONTAINER_OF(req, struct listing, q.req);
    struct owner *o = l->room->owner;
    struct frame *body = l->q.get.ret_body;
    uint64_t rev = l->q.get.ret_rev;
    struct listed old;
    bool newer;

    if (req->result != STORE_OK) {
        listing_end(l, false);
        return;
    }
    newer = body != NULL && listed_decode(frame_str(body), &old) && old.at > l->at;
    frame_unref(body);
    if (newer) {
        listing_end(l, true);
        return;
    }
    l->q.put = (struct store_put){.req = {.home = o->home, .done = record_put},
                                  .pk = KEYS_DIRECTORY,
                                  .sk = room_id(l->room),
                                  .body = buf_peek(&l->body),
                                  .expect = rev};
    store_put(o->store, &l->q.put);
}

static void listing_read(struct listing *l)
{
    struct owner *o = l->room->owner;

    assert(buf_len(&l->body) > 0);
    l->q.get = (struct store_get){
        .req = {.home = o->home, .done = record_got}, .pk = KEYS_DIRECTORY, .sk = room_id(l->room)};
    store_get(o->store, &l->q.get);
}

void listing_write(struct listing *l, struct room *r, const struct access *a, uint64_t at)
{
    struct listed listed = listing_of(a);

    assert(l->done != NULL);
    buf_init(&l->body, BODY_MAX);
    l->room = r;
    l->at = at;
    if (!listing_is_due(r, a)) {
        l->hash = r->listed;
        buf_fini(&l->body);
        l->done(l, true);
        return;
    }
    l->hash = listing_hash(r, a);
    listed.at = at;
    listed.messages = r->count;
    listed.active_ms = r->ts_ms;
    listed_encode(&listed, &l->body);
    listing_read(l);
}
