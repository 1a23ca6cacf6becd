#include "chat/room/slow.h"

#include "base/mem.h"

#include <stdlib.h>

#define CHUNK 256
#define CHUNK_BYTES (512 * 1024)
#define PEOPLE_MIN 64

struct slow_person {
    struct map_node node;
    uint64_t user, ts_ms;
};

/* Reads low..high, from next on, then what is before it. */
struct slow_look {
    struct call call; /* its requests; it is nobody's */
    struct room *room;
    uint64_t least, low, next, high;
    uint64_t since_ms; /* what is older does not matter */
    uint64_t slow_s;   /* the slow mode that this is for */
    uint64_t oldest_ms;
};

struct slow {
    struct map people; /* who sent, by id */
    unsigned trim_n;   /* so many are looked through for those to forget */
    uint64_t covers_s; /* the slow mode that it is known for */
    struct slow_look *look;
};

static bool person_eq(const struct map_node *node, const void *key)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct slow_person, node)->user ==
           *(const uint64_t *)key;
}

static struct slow_person *person_get(const struct slow *s, uint64_t user)
{
    struct map_node *n = map_find(&s->people, map_hash_id(user), person_eq, &user);

    return n != NULL ? CONTAINER_OF(n, struct slow_person, node) : NULL;
}

static uint64_t slow_ms(const struct room *r)
{
    return access_settings(&r->access)->slow_s * 1000;
}

static void trim(struct room *r)
{
    struct slow *s = r->slow;
    uint64_t now = owner_wall_ms(r->owner), ms = slow_ms(r);
    struct map_iter it;

    for (struct map_node *n = map_first(&s->people, &it); n != NULL; n = map_next(&it)) {
        struct slow_person *p = CONTAINER_OF(n, struct slow_person, node);

        if (p->ts_ms + ms > now)
            continue;
        map_remove(&s->people, n);
        free(p);
    }
    s->trim_n = MAX(2 * (unsigned)map_n(&s->people), (unsigned)PEOPLE_MIN);
}

static void sent(struct room *r, uint64_t user, uint64_t ts_ms)
{
    struct slow *s = r->slow;
    struct slow_person *p = person_get(s, user);

    if (p == NULL) {
        if (map_n(&s->people) >= s->trim_n)
            trim(r);
        p = mem_zeroed(1, sizeof(*p));
        p->user = user;
        map_add(&s->people, &p->node, map_hash_id(user));
    }
    p->ts_ms = MAX(p->ts_ms, ts_ms);
}

static void look_end(struct slow_look *l, enum store_result result)
{
    struct room *r = l->room;

    assert(r->slow->look == l);
    r->slow->look = NULL;
    r->slow->covers_s =
        result == STORE_OK ? MIN(l->slow_s, access_settings(&r->access)->slow_s) : 0;
    call_fini(&l->call);
    free(l);
    if (result != STORE_OK)
        r->owner->engine->fail_queue(r, result);
    if (r->queue_n > 0)
        room_mark(r);
    room_release(r);
}

static void look_read(struct store_req *req);

static void look_next(struct slow_look *l)
{
    (void)call_request(&l->call, l->room->owner, look_read);
    l->call.q.read.room = room_id(l->room);
    l->call.q.read.from = l->next;
    l->call.q.read.count_max = (unsigned)(l->high + 1 - l->next);
    l->call.q.read.bytes_max = CHUNK_BYTES;
    store_read(l->room->owner->store, &l->call.q.read);
}

static void look_back(struct slow_look *l, uint64_t high)
{
    assert(l->least > 0 && high >= l->least);
    l->high = high;
    l->low = high - l->least >= CHUNK ? high - CHUNK + 1 : l->least;
    l->next = l->low;
    l->oldest_ms = UINT64_MAX;
    look_next(l);
}

static void look_take(struct slow_look *l, const struct frame *block)
{
    struct store_item item;
    struct entry e;
    size_t at = 0;

    while (l->next <= l->high && store_block_next(block, &at, &item) && item.key == l->next) {
        l->next++;
        if (entry_decode(item.body, &e) != ENTRY_OK || e.ts_ms == 0)
            continue;
        l->oldest_ms = MIN(l->oldest_ms, e.ts_ms);
        if (e.kind == ENTRY_MESSAGE)
            sent(l->room, e.from_id, e.ts_ms);
    }
}

static void look_read(struct store_req *req)
{
    struct slow_look *l = CONTAINER_OF(call_of(req), struct slow_look, call);
    uint64_t before = l->next;

    assert(l->low <= l->next && l->next <= l->high);
    if (req->result != STORE_OK) {
        look_end(l, req->result);
        return;
    }
    look_take(l, l->call.q.read.ret_block);
    frame_unref(l->call.q.read.ret_block);
    if (l->next == before)
        look_end(l, STORE_FAILED);
    else if (l->next <= l->high)
        look_next(l);
    else if (l->low == l->least || l->oldest_ms < l->since_ms)
        look_end(l, STORE_OK);
    else
        look_back(l, l->low - 1);
}

bool slow_is_known(struct room *r)
{
    uint64_t now = owner_wall_ms(r->owner), most = r->owner->limits.search_max;
    struct slow_look *l;

    if (r->slow == NULL) {
        r->slow = mem_zeroed(1, sizeof(*r->slow));
        map_init(&r->slow->people);
        r->slow->trim_n = PEOPLE_MIN;
    }
    if (r->slow->covers_s >= access_settings(&r->access)->slow_s)
        return true;
    assert(r->slow->look == NULL && r->head > 0);
    l = mem_zeroed(1, sizeof(*l));
    l->room = r;
    l->slow_s = access_settings(&r->access)->slow_s;
    l->since_ms = now - MIN(now, slow_ms(r));
    l->least = MAX(r->head > most ? r->head - most + 1 : 1, r->first);
    call_init(&l->call, 1);
    r->slow->look = l;
    room_hold(r);
    look_back(l, r->head);
    return false;
}

bool slow_is_looking(const struct room *r)
{
    return r->slow != NULL && r->slow->look != NULL;
}

uint64_t slow_wait_ms(const struct room *r, uint64_t user)
{
    const struct slow_person *p = person_get(r->slow, user);
    uint64_t now = owner_wall_ms(r->owner), end = p != NULL ? p->ts_ms + slow_ms(r) : 0;

    return end > now ? end - now : 0;
}

void slow_note(struct room *r, const struct entry *e)
{
    if (r->slow == NULL)
        return;
    r->slow->covers_s = MIN(r->slow->covers_s, access_settings(&r->access)->slow_s);
    if (e->kind == ENTRY_MESSAGE && (r->slow->covers_s > 0 || r->slow->look != NULL))
        sent(r, e->from_id, e->ts_ms);
}

void slow_fini(struct room *r)
{
    struct map_iter it;

    if (r->slow == NULL)
        return;
    assert(r->slow->look == NULL);
    for (struct map_node *n = map_first(&r->slow->people, &it); n != NULL; n = map_next(&it))
        free(CONTAINER_OF(n, struct slow_person, node));
    map_fini(&r->slow->people);
    free(r->slow);
    r->slow = NULL;
}
