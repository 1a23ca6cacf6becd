#include "chat/feed/chunk.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/lost.h"

#include <stdlib.h>

#define READS_MAX 4
#define READ_BYTES (4 * 1024 * 1024)
#define RETRY_MS 500

static void read_start(struct chunk *c);

size_t chunk_frame_size(const struct frame *f)
{
    return f != NULL ? sizeof(*f) + f->n : 0;
}

size_t chunk_slot_size(const struct feed_slot *slot)
{
    size_t size = chunk_frame_size(slot->entry);

    for (unsigned i = 0; i < FEED_ENCODINGS; i++)
        size += chunk_frame_size(slot->encoded[i]);
    return size;
}

void chunk_slot_free(struct feed_slot *slot)
{
    frame_unref(slot->entry);
    for (unsigned i = 0; i < FEED_ENCODINGS; i++)
        frame_unref(slot->encoded[i]);
    *slot = (struct feed_slot){0};
}

static void clear(struct chunk *c)
{
    assert(c->set->chunk_bytes >= c->bytes);
    for (unsigned i = 0; i < c->n; i++)
        chunk_slot_free(&c->slots[i]);
    c->n = 0;
    c->set->chunk_bytes -= c->bytes;
    c->bytes = 0;
    c->ready = false;
}

static void chunk_free(struct chunk *c)
{
    assert(!c->in_flight);
    clear(c);
    list_remove(&c->node);
    list_remove(&c->lru);
    free(c);
}

/* Out of its feed; while it is being read it is freed afterwards. */
static void detach(struct chunk *c)
{
    struct list *node;

    assert(c->feed != NULL);
    while ((node = list_pop(&c->waiting)) != NULL)
        ;
    list_remove(&c->node);
    c->feed = NULL;
    if (!c->in_flight)
        chunk_free(c);
}

void chunk_drop_all(struct feed *f)
{
    while (!list_empty(&f->chunks))
        detach(CONTAINER_OF(f->chunks.next, struct chunk, node));
}

static struct chunk *chunk_find(struct feed *f, uint64_t from)
{
    for (struct list *n = f->chunks.prev; n != &f->chunks; n = n->prev) {
        struct chunk *c = CONTAINER_OF(n, struct chunk, node);

        if (c->from == from)
            return c;
    }
    return NULL;
}

static uint64_t aligned(uint64_t seq)
{
    return (seq - 1) / FEED_CHUNK * FEED_CHUNK + 1;
}

static void forget(struct chunk *c)
{
    if (c->in_flight)
        c->stale = true; /* read again: this answer may be of before */
    else if (c->ready)
        detach(c);
}

void chunk_forget(struct feed *f, uint64_t seq)
{
    struct chunk *c = chunk_find(f, aligned(seq));

    if (c != NULL)
        forget(c);
}

void chunk_forget_all(struct feed *f)
{
    for (struct list *n = f->chunks.next, *next; n != &f->chunks; n = next) {
        next = n->next;
        forget(CONTAINER_OF(n, struct chunk, node));
    }
}

/* Chunks with waiters are not ready yet, and not in this list. */
void chunk_trim(struct feed_set *s)
{
    while (s->chunk_budget > 0 && s->chunk_bytes > s->chunk_budget && !list_empty(&s->chunks)) {
        struct chunk *c = CONTAINER_OF(s->chunks.next, struct chunk, lru);

        assert(c->ready && list_empty(&c->waiting));
        c->feed = NULL;
        chunk_free(c);
    }
}

static void next_read(struct feed_set *s)
{
    while (s->reads_n < READS_MAX && !list_empty(&s->reading) && !wheel_armed(&s->retry)) {
        struct list *node = list_pop(&s->reading);

        read_start(CONTAINER_OF(node, struct chunk, lru));
    }
}

void chunk_retry(struct wheel_timer *t)
{
    next_read(CONTAINER_OF(t, struct feed_set, retry));
}

/* False if the block does not begin with what somebody waits for. */
static bool fill(struct chunk *c, const struct frame *block)
{
    struct store_item item;
    struct entry e;
    struct lost lost = {0};
    size_t at = 0;

    assert(c->feed != NULL && !c->ready && c->n == 0 && c->bytes == 0);
    while (c->n < FEED_CHUNK && store_block_next(block, &at, &item)) {
        if (item.key != c->first + c->n || entry_decode(item.body, &e) != ENTRY_OK)
            break;
        lost_note(&lost, item.key, &e);
        c->slots[c->n].entry = frame_copy(item.body);
        c->bytes += chunk_slot_size(&c->slots[c->n]);
        c->n++;
    }
    c->set->chunk_bytes += c->bytes;
    if (lost.first > 0)
        c->set->ops->lost(c->set, feed_room(c->feed), &lost);
    if (c->n == 0)
        return false;
    c->cut = c->cut || c->first + c->n <= c->expected;
    c->ready = true;
    list_push(&c->set->chunks, &c->lru);
    return true;
}

static void wake_all(struct chunk *c)
{
    struct list *node;
    struct list woken;

    assert(c->ready);
    list_init(&woken);
    list_splice(&woken, &c->waiting);
    while ((node = list_pop(&woken)) != NULL)
        c->set->ops->wake(CONTAINER_OF(node, struct follower, work));
}

static void read_done(struct store_req *req)
{
    struct chunk *c = CONTAINER_OF(req, struct chunk, read.req);
    struct feed_set *s = c->set;
    struct frame *block = req->result == STORE_OK ? c->read.ret_block : NULL;

    assert(c->in_flight && s->reads_n > 0);
    c->in_flight = false;
    s->reads_n--;
    if (c->feed == NULL) {
        chunk_free(c);
    } else if (c->stale) {
        c->stale = false;
        list_push(&s->reading, &c->lru);
    } else if (req->result == STORE_OK && fill(c, block)) {
        wake_all(c);
    } else if (req->result != STORE_CANCELED) {
        list_push(&s->reading, &c->lru);
        wheel_set(s->wheel, &s->retry, s->wheel->now_ms + RETRY_MS);
    }
    frame_unref(block);
    next_read(s);
}

/* What the follower that is furthest behind waits for. */
static uint64_t lowest(const struct chunk *c)
{
    uint64_t seq = c->from + FEED_CHUNK;

    for (const struct list *n = c->waiting.next; n != &c->waiting; n = n->next)
        seq =
            MIN(seq, CONTAINER_OF((struct list *)(uintptr_t)n, struct follower, work)->cursor + 1);
    return seq < c->from + FEED_CHUNK ? MAX(seq, c->from) : c->from;
}

static void read_start(struct chunk *c)
{
    struct str room = feed_room(c->feed);

    assert(c->feed != NULL && !c->in_flight && !c->ready);
    c->first = c->cut ? lowest(c) : c->from;
    c->expected = MIN(c->feed->head, c->from + FEED_CHUNK - 1);
    memcpy(c->room, room.p, room.n);
    c->in_flight = true;
    c->set->reads_n++;
    c->set->chunk_reads++;
    c->read = (struct store_read){
        .req = {.home = c->set->home, .done = read_done},
        .room = {(const uint8_t *)c->room, room.n},
        .from = c->first,
        .count_max = (unsigned)(c->from + FEED_CHUNK - c->first),
        .bytes_max = READ_BYTES,
    };
    store_read(c->set->store, &c->read);
}

static struct chunk *chunk_new(struct feed *f, uint64_t from)
{
    struct chunk *c = mem_zeroed(1, sizeof(*c));

    assert(from % FEED_CHUNK == 1);
    c->feed = f;
    c->set = f->set;
    c->from = from;
    list_init(&c->waiting);
    list_init(&c->lru);
    list_push(&f->chunks, &c->node);
    return c;
}

/* A follower has gone through a chunk to its end: if it was the only one that
 * ever asked for it, the cache is not for it. */
static void passed(struct feed *f, uint64_t from)
{
    struct chunk *c = from > FEED_CHUNK ? chunk_find(f, from - FEED_CHUNK) : NULL;

    if (c != NULL && c->ready && c->readers_n <= 1)
        detach(c);
}

struct chunk *chunk_get(struct feed *f, uint64_t seq, struct follower *waiter)
{
    struct chunk *c = chunk_find(f, aligned(seq));

    assert(f->live && waiter->feed == f && seq > 0 && seq <= f->head);
    if (c == NULL) {
        passed(f, aligned(seq));
        c = chunk_new(f, aligned(seq));
    }
    if (c->ready) {
        list_remove(&c->lru);
        if (seq >= c->first && seq < c->first + c->n) {
            list_push(&c->set->chunks, &c->lru);
            c->set->chunk_hits++;
            return c;
        }
        clear(c); /* more has been appended since it was read, or it is cut */
    }
    list_remove(&waiter->work);
    list_push(&c->waiting, &waiter->work);
    c->readers_n++;
    if (!c->in_flight && list_empty(&c->lru)) {
        list_push(&c->set->reading, &c->lru);
        next_read(c->set);
    }
    return NULL;
}
