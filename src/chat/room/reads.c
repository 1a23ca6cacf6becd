#include "chat/room/reads.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "chat/model/keys.h"
#include "chat/room/presence.h"

#include <stdio.h>
#include <stdlib.h>

#define BODY_MAX 80
/* Positions of all an owner's rooms on their way to the store at once: the rest
 * a moment later, so that a storm of joins is no heap of requests. */
#define WRITES_MAX 64
#define AGAIN_MS 5
#define CAST_MAX 4096
#define OWN_MAX 32

struct write;

struct position {
    struct map_node node;
    uint64_t user, seq, count;
    uint64_t told_ms;    /* when followers were last told of it; 0: never */
    bool untold;         /* they are to be told once limits.read_told_ms are over */
    struct write *write; /* NULL: none is under way */
};

/* A position on its way to the store: read what is there, write the larger. */
struct write {
    union {
        struct store_req req;
        struct store_get get;
        struct store_put put;
    } q;
    struct room *room;
    uint64_t user, seq, count;
    bool left; /* the person left the room meanwhile */
    char pk[KEYS_MAX], sk[KEYS_MAX], body[BODY_MAX];
};

static bool position_eq(const struct map_node *node, const void *key)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct position, node)->user ==
           *(const uint64_t *)key;
}

static struct position *reads_find(const struct room *r, uint64_t user)
{
    struct map_node *n = map_find(&r->reads, map_hash_id(user), position_eq, &user);

    return n != NULL ? CONTAINER_OF(n, struct position, node) : NULL;
}

bool reads_decode(struct str body, uint64_t *ret_seq, uint64_t *ret_count)
{
    struct str rest = body;
    struct str seq = str_cut(&rest, ' ');

    return str_to_u64(seq, ret_seq) && str_to_u64(rest, ret_count);
}

void reads_list(struct room *r, struct call *call, uint64_t user, uint64_t seq, uint64_t count,
                store_done_f *done)
{
    size_t n = str_from_u64(seq, call->list);

    call->list[n++] = ' ';
    n += str_from_u64(count, call->list + n);
    assert(user != 0);
    (void)call_request(call, r->owner, done);
    call->q.put.pk = keys_of_user(user, call->key);
    call->q.put.sk = keys_listed(room_id(r), call->key2);
    call->q.put.body = (struct str){(const uint8_t *)call->list, n};
    store_put(r->owner->store, &call->q.put); /* expect 0: only if there is none */
}

bool reads_listed(struct call *call)
{
    enum store_result result = call->q.req.result;

    if (result == STORE_OK || result == STORE_CONFLICT)
        return true;
    call_fail_store(call, result);
    return false;
}

/* The timer fires then, or earlier. */
static void arm(struct room *r, uint64_t at_ms)
{
    if (!wheel_armed(&r->reads_timer) || r->reads_timer.at_ms > at_ms)
        wheel_set(r->owner->wheel, &r->reads_timer, at_ms);
}

/* Positions that are not stored yet will be. */
static void store_soon(struct room *r)
{
    if (r->reads_due_ms == 0)
        r->reads_due_ms = owner_now_ms(r->owner) + r->owner->limits.read_every_ms;
    arm(r, r->reads_due_ms);
}

static void write_end(struct write *w)
{
    struct room *r = w->room;

    assert(r->owner->reads_n > 0);
    r->owner->reads_n--;
    free(w);
    room_release(r);
}

static void removed(struct store_req *req)
{
    write_end(CONTAINER_OF(req, struct write, q.req));
}

/* What moved on meanwhile, or could not be written, is for the next time. */
static void write_done(struct store_req *req)
{
    struct write *w = CONTAINER_OF(req, struct write, q.req);
    struct room *r = w->room;
    struct position *p = w->left ? NULL : reads_find(r, w->user);

    assert(r->owner->reads_n > 0);
    if (p != NULL) {
        p->write = NULL;
        if (req->result == STORE_CANCELED || req->result == STORE_BEHIND ||
            (req->result == STORE_OK && p->seq == w->seq && p->count == w->count)) {
            map_remove(&r->reads, &p->node);
            pool_put(&r->owner->positions, p);
        } else {
            store_soon(r);
        }
    }
    write_end(w);
}

/* The person left while it was written: perhaps before, perhaps after their room
 * was taken off the list. What was written here goes, and nothing newer. */
static void put_done(struct store_req *req)
{
    struct write *w = CONTAINER_OF(req, struct write, q.req);
    uint64_t rev = w->q.put.ret_rev;

    if (!w->left || req->result != STORE_OK) {
        write_done(req);
        return;
    }
    w->q.put = (struct store_put){
        .req = {.home = w->room->owner->home, .done = removed},
        .pk = str_of(w->pk),
        .sk = str_of(w->sk),
        .expect = rev,
        .remove = true,
    };
    store_put(w->room->owner->store, &w->q.put);
}

static void write_read(struct store_req *req)
{
    struct write *w = CONTAINER_OF(req, struct write, q.req);
    struct room *r = w->room;
    struct frame *old = w->q.get.ret_body;
    uint64_t rev = w->q.get.ret_rev, seq = 0, count = 0;
    int n;

    assert(r->owner->reads_n > 0);
    if (req->result != STORE_OK) {
        write_done(req);
        return;
    }
    if (old != NULL && !reads_decode(frame_str(old), &seq, &count))
        seq = count = 0;
    frame_unref(old);
    if (w->left || (rev > 0 && seq >= w->seq && count >= w->count)) {
        write_done(req); /* nothing is new */
        return;
    }
    n = snprintf(w->body, sizeof(w->body), "%llu %llu", (unsigned long long)MAX(seq, w->seq),
                 (unsigned long long)MAX(count, w->count));
    w->q.put = (struct store_put){
        .req = {.home = r->owner->home, .done = put_done},
        .pk = str_of(w->pk),
        .sk = str_of(w->sk),
        .body = {(const uint8_t *)w->body, (size_t)n},
        .expect = rev, /* another node may write it, too */
    };
    store_put(r->owner->store, &w->q.put);
}

static void write_start(struct room *r, struct position *p)
{
    struct write *w = mem_zeroed(1, sizeof(*w));

    assert(p->write == NULL && p->user > 0);
    w->room = r;
    w->user = p->user;
    w->seq = p->seq;
    w->count = p->count;
    w->q.get = (struct store_get){
        .req = {.home = r->owner->home, .done = write_read},
        .pk = keys_of_user(p->user, w->pk),
        .sk = keys_listed(room_id(r), w->sk),
    };
    p->write = w;
    r->owner->reads_n++;
    room_hold(r);
    store_get(r->owner->store, &w->q.get);
}

/* In a room of many the person's own connections only: all told of all would be their
 * square. */
static void tell(struct room *r, struct position *p)
{
    struct buf b CLEANUP(buf_fini);
    struct str to = room_id(r);
    char own[OWN_MAX];

    assert(p->user > 0);
    if (presence_is_many(r)) {
        (void)snprintf(own, sizeof(own), "@%llu", (unsigned long long)p->user);
        to = str_of(own);
    }

    p->told_ms = owner_now_ms(r->owner);
    p->untold = false;
    buf_init(&b, CAST_MAX);
    event_read(&b, room_id(r), p->user, p->seq, p->count);
    r->owner->ops->cast(r->owner, r->followers, to, buf_peek(&b), 0);
    bus_cast(r->owner->bus, to, buf_peek(&b));
}

/* When followers may be told of the position again. */
static uint64_t tell_at_ms(const struct room *r, const struct position *p)
{
    return p->told_ms == 0 ? 0 : p->told_ms + r->owner->limits.read_told_ms;
}

void reads_tell(struct room *r, uint64_t user)
{
    struct position *p = reads_find(r, user);

    if (p == NULL)
        return;
    if (owner_now_ms(r->owner) >= tell_at_ms(r, p)) {
        tell(r, p);
    } else {
        p->untold = true;
        arm(r, tell_at_ms(r, p));
    }
}

static void tell_due(struct room *r)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&r->reads, &it); n != NULL; n = map_next(&it)) {
        struct position *p = CONTAINER_OF(n, struct position, node);

        if (p->untold && owner_now_ms(r->owner) >= tell_at_ms(r, p))
            tell(r, p);
        else if (p->untold)
            arm(r, tell_at_ms(r, p));
    }
}

void reads_flush(struct room *r)
{
    struct map_iter it;

    r->reads_due_ms = 0;
    if (map_n(&r->reads) == 0)
        return;
    room_hold(r);
    for (struct map_node *n = map_first(&r->reads, &it); n != NULL; n = map_next(&it)) {
        struct position *p = CONTAINER_OF(n, struct position, node);

        if (p->write != NULL)
            continue;
        if (r->owner->reads_n >= WRITES_MAX) {
            r->reads_due_ms = owner_now_ms(r->owner) + AGAIN_MS;
            arm(r, r->reads_due_ms);
            break;
        }
        if (p->untold)
            tell(r, p);
        write_start(r, p);
    }
    room_release(r);
}

static void fired(struct wheel_timer *t)
{
    struct room *r = CONTAINER_OF(t, struct room, reads_timer);

    tell_due(r);
    if (r->reads_due_ms == 0)
        return;
    if (owner_now_ms(r->owner) >= r->reads_due_ms)
        reads_flush(r);
    else
        arm(r, r->reads_due_ms);
}

void reads_owner_init(struct owner *o)
{
    pool_init(&o->positions, sizeof(struct position));
}

void reads_init(struct room *r)
{
    map_init(&r->reads);
    r->reads_timer.fire = fired;
}

void reads_fini(struct room *r)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&r->reads, &it); n != NULL; n = map_next(&it))
        pool_put(&r->owner->positions, CONTAINER_OF(n, struct position, node));
    map_fini(&r->reads);
}

bool reads_mark(struct room *r, uint64_t user, uint64_t seq, uint64_t count)
{
    struct position *p = reads_find(r, user);
    bool moved = p == NULL || seq > p->seq || count > p->count;

    if (user == 0)
        return false;
    if (p == NULL) {
        p = pool_get(&r->owner->positions);
        p->user = user;
        map_add(&r->reads, &p->node, map_hash_id(user));
    }
    p->seq = MAX(p->seq, seq);
    p->count = MAX(p->count, count);
    store_soon(r);
    return moved;
}

bool reads_get(const struct room *r, uint64_t user, uint64_t *ret_seq, uint64_t *ret_count)
{
    const struct position *p = reads_find(r, user);

    if (p == NULL)
        return false;
    *ret_seq = p->seq;
    *ret_count = p->count;
    return true;
}

void reads_drop(struct room *r, uint64_t user)
{
    struct position *p = reads_find(r, user);

    if (p == NULL)
        return;
    if (p->write != NULL)
        p->write->left = true;
    map_remove(&r->reads, &p->node);
    pool_put(&r->owner->positions, p);
}
