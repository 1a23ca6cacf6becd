#include "store/store_sqlite_tail.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/siphash.h"
#include "base/str.h"

#define CAP_MIN 1

static bool room_eq(const struct map_node *node, const void *key)
{
    const struct store_sqlite_room *r = (const struct store_sqlite_room *)(const void *)node;

    return str_eq(r->name, *(const struct str *)key);
}

static void room_free(struct store_sqlite_room *r)
{
    for (size_t i = 0; i < r->n; i++)
        frame_unref(r->batch[r->at + i].block);
    free(r->batch);
    free(r);
}

void store_sqlite_tail_init(struct store_sqlite_tail *t, const uint8_t key[static 16])
{
    *t = (struct store_sqlite_tail){.lock = host_lock_new()};
    map_init(&t->rooms);
    list_init(&t->idle);
    memcpy(t->key, key, sizeof(t->key));
}

void store_sqlite_tail_fini(struct store_sqlite_tail *t)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&t->rooms, &it); n != NULL; n = map_next(&it))
        room_free(CONTAINER_OF(n, struct store_sqlite_room, node));
    map_fini(&t->rooms);
    free(t->row);
    host_lock_free(t->lock);
}

struct store_sqlite_room *store_sqlite_tail_get(const struct store_sqlite_tail *t, struct str name)
{
    struct map_node *n = map_find(&t->rooms, siphash(t->key, name), room_eq, &name);

    return n != NULL ? CONTAINER_OF(n, struct store_sqlite_room, node) : NULL;
}

struct store_sqlite_batch *store_sqlite_tail_find(const struct store_sqlite_room *r, uint64_t seq)
{
    size_t from = 0, to = r->n;
    struct store_sqlite_batch *b;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        b = &r->batch[r->at + mid];
        if (b->first + b->n <= seq)
            from = mid + 1;
        else
            to = mid;
    }
    if (from == r->n || r->batch[r->at + from].first > seq)
        return NULL;
    return &r->batch[r->at + from];
}

uint64_t store_sqlite_tail_first(const struct store_sqlite_room *r)
{
    return r->n > 0 ? r->batch[r->at].first : r->head + 1;
}

struct store_sqlite_room *store_sqlite_tail_add(struct store_sqlite_tail *t, struct str name,
                                                uint64_t id, uint64_t head)
{
    struct store_sqlite_room *r = mem_zeroed(1, sizeof(*r) + name.n);
    uint8_t *bytes;

    bytes = (uint8_t *)(r + 1);
    memcpy(bytes, name.p, name.n);
    r->name = (struct str){bytes, name.n};
    r->id = id;
    r->head = r->staged = head;
    list_push(&t->idle, &r->idle);
    t->idle_n++;
    host_lock_take(t->lock);
    map_add(&t->rooms, &r->node, siphash(t->key, name));
    host_lock_drop(t->lock);
    return r;
}

void store_sqlite_tail_spoil(struct store_sqlite_tail *t, struct store_sqlite_room *r)
{
    if (!r->damaged && r->n == 0) {
        list_remove(&r->idle);
        t->idle_n--;
    }
    r->damaged = true;
}

void store_sqlite_tail_remove(struct store_sqlite_tail *t, struct store_sqlite_room *r)
{
    assert(r->n == 0);
    list_remove(&r->idle);
    t->idle_n--;
    host_lock_take(t->lock);
    map_remove(&t->rooms, &r->node);
    host_lock_drop(t->lock);
    room_free(r);
}

void store_sqlite_tail_use(struct store_sqlite_tail *t, struct store_sqlite_room *r)
{
    if (r->n > 0 || r->damaged)
        return;
    list_remove(&r->idle);
    list_push(&t->idle, &r->idle);
}

/* Room for one more behind at + n: what was dropped in front is used again. */
static void *make_room(void *items, size_t *at, size_t n, size_t *cap, size_t size)
{
    if (*at + n < *cap)
        return items;
    if (*at > 0 && *at >= *cap / 2) {
        memmove(items, (char *)items + *at * size, n * size);
        *at = 0;
        return items;
    }
    *cap = MAX(*cap * 2, (size_t)CAP_MIN);
    items = mem_resize_array(items, *cap, size);
    return items;
}

void store_sqlite_tail_push(struct store_sqlite_tail *t, struct store_sqlite_room *r,
                            struct store_sqlite_batch batch)
{
    assert(!r->damaged && (r->n == 0 || batch.first == r->head + 1));
    if (r->n == 0) {
        list_remove(&r->idle);
        t->idle_n--;
    }
    r->batch = make_room(r->batch, &r->at, r->n, &r->cap, sizeof(*r->batch));
    t->row = make_room(t->row, &t->at, t->n, &t->cap, sizeof(*t->row));
    r->batch[r->at + r->n++] = batch;
    t->row[t->at + t->n++] = (struct store_sqlite_row){r, batch.id};
    r->head = batch.first + batch.n - 1;
    t->entries += batch.n;
    t->bytes += batch.block->n;
}

void store_sqlite_tail_replace(struct store_sqlite_tail *t, struct store_sqlite_room *r,
                               uint64_t seq, struct frame *block)
{
    struct store_sqlite_batch *b = store_sqlite_tail_find(r, seq);

    if (b == NULL) {
        frame_unref(block);
        return;
    }
    t->bytes += block->n;
    t->bytes -= b->block->n;
    frame_unref(b->block);
    b->block = block;
}

static void drop_first_row(struct store_sqlite_tail *t)
{
    struct store_sqlite_room *r = t->row[t->at].room;
    struct store_sqlite_batch *b = &r->batch[r->at];

    assert(r->n > 0 && b->id == t->row[t->at].id);
    t->entries -= b->n;
    t->bytes -= b->block->n;
    frame_unref(b->block);
    t->at++;
    t->n--;
    r->at++;
    if (--r->n > 0)
        return;
    free(r->batch);
    r->batch = NULL;
    r->at = r->cap = 0;
    if (r->damaged)
        return;
    list_push(&t->idle, &r->idle);
    t->idle_n++;
}

void store_sqlite_tail_cut(struct store_sqlite_tail *t, uint64_t id)
{
    while (t->n > 0 && t->row[t->at].id <= id)
        drop_first_row(t);
}

void store_sqlite_tail_trim(struct store_sqlite_tail *t, size_t max)
{
    while (t->idle_n > max)
        store_sqlite_tail_remove(t, CONTAINER_OF(t->idle.next, struct store_sqlite_room, idle));
}
