#include "chat/feed/feed.h"

#include "base/entry.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "base/str.h"
#include "base/varint.h"
#include "chat/feed/chunk.h"
#include "chat/model/event.h"
#include "chat/model/settings.h"

#include <stdlib.h>

#define RING_MIN 1
#define RING_MAX 1024
#define RUN_ENTRIES 512
#define JSON_KEPT (64 * 1024) /* what is longer is freed after the turn */

void feed_set_init(struct feed_set *s)
{
    map_init(&s->feeds);
    list_init(&s->rings);
    list_init(&s->chunks);
    list_init(&s->reading);
    buf_init(&s->json, SIZE_MAX / 2);
    s->retry.fire = chunk_retry;
}

/* Forgets the entries before `from`; all of them with from > head. */
static void ring_drop(struct feed *f, uint64_t from)
{
    assert(f->first <= f->head + 1);
    for (; f->first < from && f->first <= f->head; f->first++) {
        struct feed_slot *slot = &f->slots[f->first & (f->cap - 1)];

        f->set->ring_bytes -= chunk_slot_size(slot);
        chunk_slot_free(slot);
    }
    if (f->first > f->head) {
        free(f->slots);
        f->slots = NULL;
        f->cap = 0;
        list_remove(&f->ring_node);
    }
}

static void feed_free(struct feed *f)
{
    assert(list_empty(&f->followers));
    ring_drop(f, f->head + 1);
    chunk_drop_all(f);
    wheel_cancel(f->set->wheel, &f->timer);
    map_remove(&f->set->feeds, &f->node);
    for (unsigned i = 0; i < FEED_RUNS; i++)
        if (f->set->runs[i].feed == f)
            f->set->runs[i].feed = NULL;
    if (f->set->json_feed == f)
        f->set->json_feed = NULL;
    free(f);
}

void feed_set_fini(struct feed_set *s)
{
    struct map_iter it;

    feed_end_turn(s);
    wheel_cancel(s->wheel, &s->retry);
    for (struct map_node *n = map_first(&s->feeds, &it); n != NULL; n = map_next(&it)) {
        struct feed *f = CONTAINER_OF(n, struct feed, node);

        assert(f->followers_n == 0);
        feed_free(f);
    }
    map_fini(&s->feeds);
    buf_fini(&s->json);
}

static bool feed_eq(const struct map_node *node, const void *key)
{
    return str_eq(feed_room(CONTAINER_OF((struct map_node *)(uintptr_t)node, struct feed, node)),
                  *(const struct str *)key);
}

struct feed *feed_get(struct feed_set *s, struct str room)
{
    struct map_node *n = map_find(&s->feeds, siphash(s->hash_key, room), feed_eq, &room);

    return n != NULL ? CONTAINER_OF(n, struct feed, node) : NULL;
}

struct feed *feed_make(struct feed_set *s, struct str room)
{
    struct feed *f = feed_get(s, room);

    assert(room.n > 0 && room.n <= UINT8_MAX);
    if (f != NULL)
        return f;
    f = mem_zeroed(1, sizeof(*f) + room.n);
    f->set = s;
    f->first = 1;
    f->id_n = (uint8_t)room.n;
    memcpy(f->id, room.p, room.n);
    list_init(&f->followers);
    list_init(&f->ring_node);
    list_init(&f->chunks);
    map_add(&s->feeds, &f->node, siphash(s->hash_key, room));
    return f;
}

void feed_hold(struct feed *f)
{
    f->holds++;
}

static bool maybe_free(struct feed *f)
{
    if (f->holds > 0 || f->followers_n > 0)
        return false;
    feed_free(f);
    return true;
}

bool feed_release(struct feed *f)
{
    assert(f->holds > 0);
    f->holds--;
    return maybe_free(f);
}

void feed_start(struct feed *f, uint64_t epoch, uint64_t head)
{
    if (f->live)
        return;
    assert(f->cap == 0 && list_empty(&f->chunks));
    f->live = true;
    f->epoch = epoch;
    f->head = head;
    f->first = head + 1;
}

void feed_follow(struct feed *f, struct follower *follower, uint64_t cursor)
{
    assert(f->live);
    follower->feed = f;
    follower->cursor = cursor;
    follower->end = 0;
    follower->shut = false;
    follower->pulls = cursor < f->head;
    list_init(&follower->work);
    list_push(&f->followers, &follower->node);
    f->followers_n++;
    if (feed_behind(follower))
        f->set->ops->wake(follower);
}

void feed_shut(struct follower *follower)
{
    assert(follower->feed != NULL);
    follower->shut = true;
    list_remove(&follower->work);
}

void feed_open(struct follower *follower)
{
    assert(follower->feed != NULL);
    follower->shut = false;
    if (feed_behind(follower))
        follower->feed->set->ops->wake(follower);
}

bool feed_unfollow(struct follower *follower)
{
    struct feed *f = follower->feed;

    assert(f->followers_n > 0);
    list_remove(&follower->node);
    list_remove(&follower->work);
    follower->feed = NULL;
    f->followers_n--;
    return maybe_free(f);
}

static void ring_grow(struct feed *f)
{
    unsigned cap = f->cap == 0 ? RING_MIN : f->cap * 2;
    struct feed_slot *slots = mem_zeroed(cap, sizeof(*slots));

    assert(f->cap < RING_MAX);
    for (uint64_t seq = f->first; seq <= f->head; seq++)
        slots[seq & (cap - 1)] = f->slots[seq & (f->cap - 1)];
    free(f->slots);
    f->slots = slots;
    f->cap = cap;
}

static void ring_push(struct feed *f, struct frame *entry)
{
    struct feed_slot slot = {.entry = frame_ref(entry)};
    uint64_t n = f->head + 1 - f->first;

    if (n >= f->cap && f->cap < RING_MAX)
        ring_grow(f);
    else if (n >= f->cap)
        ring_drop(f, f->first + 1);
    f->head++;
    f->slots[f->head & (f->cap - 1)] = slot;
    f->set->ring_bytes += chunk_slot_size(&slot);
}

/* The least recently used rings go, until the budget is kept. */
static void trim(struct feed_set *s)
{
    while (s->ring_budget > 0 && s->ring_bytes > s->ring_budget && !list_empty(&s->rings)) {
        struct feed *f = CONTAINER_OF(s->rings.next, struct feed, ring_node);

        ring_drop(f, f->head + 1);
    }
}

/* user 0: everybody's. */
static void end_access(struct feed *f, uint64_t user, uint64_t seq)
{
    assert(seq == f->head);
    for (struct list *n = f->followers.next; n != &f->followers; n = n->next) {
        struct follower *follower = CONTAINER_OF(n, struct follower, node);

        if (follower->end == 0 && (user == 0 || f->set->ops->is_person(follower, user)))
            follower->end = seq & (UINT64_MAX >> 2);
    }
}

static void read_entry(const struct frame *bytes, struct entry *ret)
{
    enum entry_result result = entry_decode(frame_str(bytes), ret);

    assert(result == ENTRY_OK); /* it was read before, or made here */
}

/* The entry's text is gone from the store, and goes here. */
static void forget(struct feed *f, uint64_t seq)
{
    if (seq == 0)
        return;
    f->set->json_feed = NULL;
    chunk_forget(f, seq);
    if (seq >= f->first && seq < f->head)
        ring_drop(f, seq + 1);
}

/* The same of all before the room's `first` (chat/room/retain.h). */
static void forget_before(struct feed *f, const struct entry *e)
{
    struct settings s;

    assert(e->kind == ENTRY_ROOM);
    if (!settings_decode(e->settings, &s) || s.first == 0)
        return;
    f->set->json_feed = NULL;
    chunk_forget_all(f);
    if (s.first > f->first)
        ring_drop(f, MIN(s.first, f->head + 1));
}

static void take_in(struct feed *f, const struct news_entry *news)
{
    struct entry e;
    uint64_t seq;

    assert(f->live);
    ring_push(f, news->entry);
    if (news->kind == ENTRY_MESSAGE)
        return; /* which changes nothing */
    read_entry(news->entry, &e);
    if (e.kind == ENTRY_ROOM)
        forget_before(f, &e);
    if (e.kind == ENTRY_DELETE)
        forget(f, e.target);
    while (varint_get(&e.redacts, &seq))
        forget(f, seq);
    if (news->lost)
        end_access(f, e.user_id, f->head);
}

/* Entries were not told: what is in memory no longer reaches the head, and
 * followers read the rest from the store. */
static void skip_to(struct feed *f, uint64_t head)
{
    assert(head > f->head);
    ring_drop(f, f->head + 1);
    f->set->json_feed = NULL; /* deletions may be among what was not told */
    chunk_forget_all(f);
    f->head = head;
    f->first = head + 1;
}

void feed_news(struct feed_set *s, const struct news *news)
{
    struct feed *f = feed_get(s, news->room);

    if (f == NULL)
        return;
    if (f->live && news->first > f->head + 1)
        skip_to(f, news->first - 1);
    for (unsigned i = 0; i < news->n; i++)
        if (f->live && news->first + i == f->head + 1)
            take_in(f, &news->entries[i]);
    if (f->cap > 0) {
        list_remove(&f->ring_node);
        list_push(&s->rings, &f->ring_node);
    }
    for (struct list *n = f->followers.next; n != &f->followers; n = n->next)
        s->ops->wake(CONTAINER_OF(n, struct follower, node));
    trim(s);
}

/* A run that another follower was given in this turn. */
static struct frame *run_find(const struct follower *f, unsigned encoding, uint64_t last,
                              uint64_t *ret_to)
{
    const struct feed_set *s = f->feed->set;

    for (unsigned i = 0; i < FEED_RUNS; i++) {
        const struct feed_run *r = &s->runs[i];

        if (r->feed == f->feed && r->from == f->cursor + 1 && r->encoding == encoding &&
            r->to <= last) {
            *ret_to = r->to;
            return frame_ref(r->bytes);
        }
    }
    return NULL;
}

static void run_keep(struct feed_set *s, const struct feed_run *run)
{
    struct feed_run *r = &s->runs[s->run_next];

    assert(run->from <= run->to && run->bytes != NULL);
    s->run_next = (s->run_next + 1) % FEED_RUNS;
    frame_unref(r->bytes);
    *r = *run;
    frame_ref(r->bytes);
}

void feed_end_turn(struct feed_set *s)
{
    for (unsigned i = 0; i < FEED_RUNS; i++) {
        frame_unref(s->runs[i].bytes);
        s->runs[i] = (struct feed_run){0};
    }
    s->json_feed = NULL;
    if (s->json.cap > JSON_KEPT)
        buf_fini(&s->json);
    trim(s);
    chunk_trim(s);
}

/* The entry's event: made for the first of its encodings that is asked for in a turn. */
static struct str json_of(const struct feed *feed, const struct frame *entry, uint64_t seq)
{
    struct feed_set *s = feed->set;
    struct entry e;

    if (s->json_feed != feed || s->json_seq != seq) {
        read_entry(entry, &e);
        buf_clear(&s->json);
        event_encode(&s->json, feed_room(feed), seq, &e, NULL);
        assert(!s->json.failed);
        s->json_feed = feed;
        s->json_seq = seq;
    }
    return buf_peek(&s->json);
}

/* In a call of its own: `encoded`, which seldom needs it, is to have no locals. */
static __attribute__((noinline)) struct frame *
encode(const struct feed *feed, const struct frame *entry, uint64_t seq, unsigned encoding)
{
    struct feed_event e = {feed, seq, json_of(feed, entry, seq)};

    return feed->set->ops->encode[encoding](&e);
}

/* The entry's bytes, made when they are first asked for. Of the ring, or of c. */
static struct frame *encoded(struct feed *feed, struct chunk *c, uint64_t seq, unsigned encoding)
{
    struct feed_slot *slot =
        c != NULL ? &c->slots[seq - c->first] : &feed->slots[seq & (feed->cap - 1)];
    struct feed_set *s = feed->set;
    size_t size;

    assert(encoding < FEED_ENCODINGS && slot->entry != NULL);
    if (slot->encoded[encoding] != NULL)
        return slot->encoded[encoding];
    slot->encoded[encoding] = encode(feed, slot->entry, seq, encoding);
    size = chunk_frame_size(slot->encoded[encoding]);
    if (c != NULL)
        c->bytes += size;
    *(c != NULL ? &s->chunk_bytes : &s->ring_bytes) += size;
    return slot->encoded[encoding];
}

/* Joins the entries from the cursor up to `to`, as far as bytes_max goes. */
static struct frame *run_join(struct follower *f, unsigned encoding, size_t bytes_max,
                              struct chunk *c, uint64_t to)
{
    struct frame *parts[RUN_ENTRIES], *joined;
    struct feed *feed = f->feed;
    uint64_t from = f->cursor + 1, seq;
    size_t total = 0, at = 0;
    unsigned n = 0;

    for (seq = from; seq <= to && n < RUN_ENTRIES; seq++) {
        struct frame *part = encoded(feed, c, seq, encoding);

        if (n > 0 && total + part->n > bytes_max)
            break;
        parts[n++] = part;
        total += part->n;
    }
    assert(n > 0);
    f->cursor = seq - 1;
    joined = frame_new(total);
    for (unsigned i = 0; i < n; i++) {
        memcpy(joined->bytes + at, parts[i]->bytes, parts[i]->n);
        at += parts[i]->n;
    }
    run_keep(feed->set, &(struct feed_run){feed, from, seq - 1, encoding, joined});
    return joined;
}

/* One entry needs no joining: its own frame is the run. */
static struct frame *run_build(struct follower *f, unsigned encoding, size_t bytes_max,
                               struct chunk *c, uint64_t to)
{
    if (f->cursor + 1 < to)
        return run_join(f, encoding, bytes_max, c, to);
    f->cursor = to;
    return frame_ref(encoded(f->feed, c, to, encoding));
}

/* From where the next entries are to be had: *ret_c NULL is the ring; up to *ret_to. */
static enum feed_taken find_next(struct follower *f, struct chunk **ret_c, uint64_t *ret_to)
{
    struct feed *feed = f->feed;
    uint64_t last = f->end > 0 ? f->end : feed->head;

    assert(f->cursor < last);
    *ret_c = NULL;
    *ret_to = last;
    if (f->cursor + 1 >= feed->first)
        return FEED_RUN;
    *ret_c = chunk_get(feed, f->cursor + 1, f);
    if (*ret_c == NULL)
        return FEED_WAIT;
    *ret_to = MIN(last, (*ret_c)->first + (*ret_c)->n - 1);
    return FEED_RUN;
}

/* Is there nothing to take, now or ever? */
static enum feed_taken look(const struct follower *f)
{
    uint64_t last = f->end > 0 ? f->end : f->feed->head;

    if (f->shut)
        return FEED_NOTHING;
    if (f->cursor >= last)
        return f->end > 0 ? FEED_END : FEED_NOTHING;
    return FEED_RUN;
}

/* It has what it asked for once it is at the head. */
static enum feed_taken feed_moved(struct follower *f)
{
    assert(f->cursor <= f->feed->head);
    if (f->cursor >= f->feed->head)
        f->pulls = false;
    return FEED_RUN;
}

enum feed_taken feed_take(struct follower *f, unsigned encoding, size_t bytes_max,
                          struct frame **ret_bytes)
{
    struct feed *feed = f->feed;
    enum feed_taken taken = look(f);
    struct chunk *c;
    uint64_t to;

    assert(feed != NULL && encoding < FEED_ENCODINGS);
    if (taken != FEED_RUN)
        return taken;
    if (bytes_max > 0 && f->cursor + 1 < feed->head) {
        *ret_bytes = run_find(f, encoding, f->end > 0 ? f->end : feed->head, &to);
        if (*ret_bytes != NULL) {
            f->cursor = to;
            return feed_moved(f);
        }
    }
    taken = find_next(f, &c, &to);
    if (taken != FEED_RUN)
        return taken;
    *ret_bytes = run_build(f, encoding, bytes_max, c, bytes_max > 0 ? to : f->cursor + 1);
    return feed_moved(f);
}
