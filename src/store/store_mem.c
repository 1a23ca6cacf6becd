#include "store/store_mem.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "base/str.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ROWS_CAP_MIN 8

/* What has a name: first member of rooms, partitions and counters. */
struct named {
    struct map_node node;
    struct str name;
};

struct mem_amend {
    uint64_t target;
    struct frame *state;
};

struct mem_room {
    struct named named;
    uint64_t epoch;
    struct frame **entries; /* seq 1 is the first; NULL: lost */
    size_t entries_n, entries_cap;
    struct mem_amend *amends; /* in order of target */
    size_t amends_n, amends_cap;
};

struct record {
    struct str sk;
    uint64_t rev, expires_ms;
    struct frame *body;
};

struct partition {
    struct named named;
    struct record *records; /* in order of sk */
    size_t records_n, records_cap;
};

struct counter {
    struct named named;
    uint64_t next;
};

struct store_mem_disk {
    struct map rooms, partitions, counters;
    uint8_t key[16];
    bool keyed;
    uint64_t rev; /* the last one given */
};

struct store_mem {
    struct store store;
    struct store_mem_disk *disk, *own;
    struct io_helper *helper;
    _Atomic uint64_t appends, entries, entry_bytes, conflicts, puts, reads, records_read, commits;
    _Atomic uint64_t batch_max;
};

static void *grown(void *rows, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return rows;
    *cap = MAX(*cap * 2, (size_t)ROWS_CAP_MIN);
    rows = mem_resize_array(rows, *cap, size);
    return rows;
}

static bool named_eq(const struct map_node *node, const void *key)
{
    const struct named *a = (const struct named *)(const void *)node;

    return str_eq(a->name, *(const struct str *)key);
}

static void *named_get(const struct store_mem_disk *d, const struct map *m, struct str name)
{
    return map_find(m, siphash(d->key, name), named_eq, &name);
}

static void *named_make(struct store_mem_disk *d, struct map *m, struct str name, size_t size)
{
    struct named *a = named_get(d, m, name);

    if (a != NULL)
        return a;
    a = mem_zeroed(1, size);
    a->name = (struct str){(uint8_t *)str_dup(name), name.n};
    map_add(m, &a->node, siphash(d->key, name));
    return a;
}

static void named_free(struct named *a)
{
    free((void *)(uintptr_t)a->name.p);
    free(a);
}

/* The place of target among the amends, or where it would be. */
static size_t amend_place(const struct mem_room *r, uint64_t target)
{
    size_t from = 0, to = r->amends_n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (r->amends[mid].target < target)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static void set_state(struct mem_room *r, const struct store_amend *amend)
{
    size_t at = amend_place(r, amend->target);

    if (at == r->amends_n || r->amends[at].target != amend->target) {
        r->amends = grown(r->amends, r->amends_n, &r->amends_cap, sizeof(*r->amends));
        memmove(r->amends + at + 1, r->amends + at, (r->amends_n - at) * sizeof(*r->amends));
        r->amends_n++;
        r->amends[at] = (struct mem_amend){.target = amend->target};
    }
    frame_unref(r->amends[at].state);
    r->amends[at].state = frame_copy(amend->state);
}

static void set_amend(struct mem_room *r, const struct store_amend *amend)
{
    if (amend->target == 0)
        return;
    if (amend->state.p != NULL)
        set_state(r, amend);
    if (amend->redacted.p == NULL || amend->target > r->entries_n ||
        r->entries[amend->target - 1] == NULL)
        return;
    frame_unref(r->entries[amend->target - 1]);
    r->entries[amend->target - 1] = frame_copy(amend->redacted);
}

static enum store_result run_append(struct store_mem *m, struct store_append *req)
{
    struct mem_room *r = named_get(m->disk, &m->disk->rooms, req->room);
    uint64_t head = r != NULL ? r->entries_n : 0;

    if (req->head != head) {
        m->conflicts++;
        req->ret_head = head;
        return head > req->head ? STORE_CONFLICT : STORE_BEHIND;
    }
    r = named_make(m->disk, &m->disk->rooms, req->room, sizeof(*r));
    if (head == 0)
        r->epoch = req->epoch;
    for (unsigned i = 0; i < req->entries_n; i++) {
        r->entries = grown(r->entries, r->entries_n, &r->entries_cap, sizeof(*r->entries));
        r->entries[r->entries_n++] = frame_copy(req->entries[i]);
        m->entry_bytes += req->entries[i].n;
    }
    for (unsigned i = 0; i < req->amends_n; i++)
        set_amend(r, &req->amends[i]);
    m->appends++;
    m->entries += req->entries_n;
    req->ret_head = r->entries_n;
    return STORE_OK;
}

static enum store_result run_log(struct store_mem *m, struct store_log *req)
{
    const struct mem_room *r = named_get(m->disk, &m->disk->rooms, req->room);

    m->reads++;
    req->ret_epoch = r != NULL ? r->epoch : 0;
    req->ret_head = r != NULL ? r->entries_n : 0;
    req->ret_first = 1;
    req->ret_last = r != NULL ? frame_ref(r->entries[r->entries_n - 1]) : NULL;
    return STORE_OK;
}

static struct frame *block_take(struct buf *b)
{
    struct frame *f;

    if (b->failed)
        abort();
    f = frame_copy(buf_peek(b));
    buf_fini(b);
    return f;
}

static enum store_result run_read(struct store_mem *m, struct store_read *req)
{
    const struct mem_room *r = named_get(m->disk, &m->disk->rooms, req->room);
    uint64_t seq = MAX(req->from, 1);
    size_t bytes = 0;
    struct buf b;

    buf_init(&b, UINT32_MAX);
    req->ret_n = 0;
    for (; r != NULL && seq <= r->entries_n && req->ret_n < req->count_max; seq++) {
        const struct frame *entry = r->entries[seq - 1];
        struct str body = entry != NULL ? frame_str(entry) : STORE_LOST;

        bytes += body.n;
        if (req->ret_n > 0 && bytes > req->bytes_max)
            break;
        store_block_add(&b, &(struct store_item){.key = seq, .body = body});
        req->ret_n++;
    }
    m->reads++;
    m->records_read += req->ret_n;
    req->ret_block = block_take(&b);
    return STORE_OK;
}

static enum store_result run_fill(struct store_mem *m, struct store_fill *req)
{
    struct mem_room *r = named_get(m->disk, &m->disk->rooms, req->room);

    if (r == NULL || req->from - 1 > r->entries_n || req->entries_n > r->entries_n - req->from + 1)
        return STORE_CONFLICT;
    for (unsigned i = 0; i < req->entries_n; i++)
        if (r->entries[req->from - 1 + i] != NULL)
            return STORE_CONFLICT;
    for (unsigned i = 0; i < req->entries_n; i++)
        r->entries[req->from - 1 + i] = frame_copy(req->entries[i]);
    return STORE_OK;
}

void store_mem_disk_lose(struct store_mem_disk *d, struct str name, uint64_t from, uint64_t n)
{
    struct mem_room *r = named_get(d, &d->rooms, name);

    assert(r != NULL && from > 0 && from + n <= r->entries_n);
    for (uint64_t seq = from; seq < from + n; seq++) {
        frame_unref(r->entries[seq - 1]);
        r->entries[seq - 1] = NULL;
    }
}

static enum store_result run_amends(struct store_mem *m, struct store_amends *req)
{
    const struct mem_room *r = named_get(m->disk, &m->disk->rooms, req->room);
    size_t at = r != NULL ? amend_place(r, req->from) : 0;
    struct buf b;

    buf_init(&b, UINT32_MAX);
    req->ret_n = 0;
    for (; r != NULL && at < r->amends_n && r->amends[at].target <= req->to; at++, req->ret_n++)
        store_block_add(&b, &(struct store_item){.key = r->amends[at].target,
                                                 .body = frame_str(r->amends[at].state)});
    m->reads++;
    m->records_read += req->ret_n;
    req->ret_block = block_take(&b);
    return STORE_OK;
}

static int by_order(const void *a, const void *b)
{
    return str_order(*(const struct str *)a, *(const struct str *)b);
}

/* The place of sk among the records, or where it would be. */
static size_t record_place(const struct partition *p, struct str sk)
{
    size_t from = 0, to = p->records_n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (str_order(p->records[mid].sk, sk) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static void record_fini(struct record *r)
{
    free((void *)(uintptr_t)r->sk.p);
    frame_unref(r->body);
}

static void record_remove(struct partition *p, size_t at)
{
    record_fini(&p->records[at]);
    p->records_n--;
    memmove(p->records + at, p->records + at + 1, (p->records_n - at) * sizeof(*p->records));
}

static bool record_expired(const struct record *r, uint64_t now_ms)
{
    return r->expires_ms != 0 && r->expires_ms <= now_ms;
}

/* The record of that key, at its place; NULL if there is none. */
static struct record *record_get(struct partition *p, struct str sk, uint64_t now_ms,
                                 size_t *ret_at)
{
    size_t at = p != NULL ? record_place(p, sk) : 0;

    *ret_at = at;
    if (p == NULL || at == p->records_n || !str_eq(p->records[at].sk, sk))
        return NULL;
    if (!record_expired(&p->records[at], now_ms))
        return &p->records[at];
    record_remove(p, at);
    return NULL;
}

static enum store_result run_get(struct store_mem *m, struct store_get *req)
{
    size_t at;
    const struct record *r = record_get(named_get(m->disk, &m->disk->partitions, req->pk), req->sk,
                                        req->req.now_ms, &at);

    m->reads++;
    m->records_read += r != NULL;
    req->ret_rev = r != NULL ? r->rev : 0;
    req->ret_body = r != NULL ? frame_ref(r->body) : NULL;
    return STORE_OK;
}

static enum store_result run_put(struct store_mem *m, struct store_put *req)
{
    struct partition *p = named_make(m->disk, &m->disk->partitions, req->pk, sizeof(*p));
    size_t at;
    struct record *r = record_get(p, req->sk, req->req.now_ms, &at);
    uint64_t rev = r != NULL ? r->rev : 0;

    if (req->expect != STORE_REV_ANY && req->expect != rev) {
        m->conflicts++;
        req->ret_rev = rev;
        return STORE_CONFLICT;
    }
    m->puts++;
    req->ret_rev = 0;
    if (req->remove) {
        if (r != NULL)
            record_remove(p, at);
        return STORE_OK;
    }
    if (r == NULL) {
        p->records = grown(p->records, p->records_n, &p->records_cap, sizeof(*p->records));
        r = p->records + at;
        memmove(r + 1, r, (p->records_n - at) * sizeof(*r));
        p->records_n++;
        *r = (struct record){.sk = {(uint8_t *)str_dup(req->sk), req->sk.n}};
    }
    frame_unref(r->body);
    r->body = frame_copy(req->body);
    r->expires_ms = req->expires_ms;
    req->ret_rev = r->rev = ++m->disk->rev;
    return STORE_OK;
}

static enum store_result run_list(struct store_mem *m, struct store_list *req)
{
    const struct partition *p = named_get(m->disk, &m->disk->partitions, req->pk);
    size_t at = 0;
    struct buf b;

    buf_init(&b, UINT32_MAX);
    req->ret_n = 0;
    if (p != NULL)
        at = record_place(p, str_order(req->prefix, req->after) > 0 ? req->prefix : req->after);
    for (; p != NULL && at < p->records_n && req->ret_n < req->limit; at++) {
        const struct record *r = &p->records[at];

        if (req->after.n > 0 && str_eq(r->sk, req->after))
            continue;
        if (!str_starts(r->sk, req->prefix))
            break;
        if (record_expired(r, req->req.now_ms))
            continue;
        store_block_add(&b, &(struct store_item){r->rev, r->sk, frame_str(r->body)});
        req->ret_n++;
    }
    m->reads++;
    m->records_read += req->ret_n;
    req->ret_block = block_take(&b);
    return STORE_OK;
}

static enum store_result run_next(struct store_mem *m, struct store_next *req)
{
    struct counter *c = named_make(m->disk, &m->disk->counters, req->counter, sizeof(*c));

    req->ret_first = c->next + 1;
    c->next += req->n;
    return STORE_OK;
}

/* The names behind after, in order; to be freed. */
static struct str *names_after(const struct map *m, struct str after, size_t *ret_n)
{
    struct str *names = mem_zeroed(map_n(m) + 1, sizeof(*names));
    struct map_iter it;
    size_t n = 0;

    for (struct map_node *node = map_first(m, &it); node != NULL; node = map_next(&it)) {
        struct str name = ((struct named *)(void *)node)->name;

        if (str_order(name, after) > 0)
            names[n++] = name;
    }
    qsort(names, n, sizeof(*names), by_order);
    *ret_n = n;
    return names;
}

static void walk_add(struct buf *b, struct store_walk *req, struct store_kept kept)
{
    store_walk_add(b, &kept);
    frame_unref(req->ret_cursor);
    req->ret_cursor = store_cursor_make(kept.name, kept.sk);
    req->ret_n++;
}

static void walk_records(struct partition *p, struct store_walk *req, struct str after,
                         struct buf *b)
{
    size_t at = after.n > 0 ? record_place(p, after) : 0;

    for (; at < p->records_n && req->ret_n < req->limit; at++) {
        const struct record *r = &p->records[at];

        if (!str_eq(r->sk, after) && !record_expired(r, req->req.now_ms))
            walk_add(b, req,
                     (struct store_kept){p->named.name, r->sk, frame_str(r->body), r->expires_ms});
    }
}

static void walk_names(struct store_mem *m, struct store_walk *req, struct buf *b)
{
    const struct map *map = req->kind == STORE_WALK_ROOMS ? &m->disk->rooms : &m->disk->counters;
    struct str after, sk;
    size_t n;
    struct str *names;

    store_cursor_open(req->cursor, &after, &sk);
    names = names_after(map, after, &n);
    for (size_t i = 0; i < n && req->ret_n < req->limit; i++) {
        const struct counter *c = named_get(m->disk, map, names[i]);
        uint64_t next = req->kind == STORE_WALK_COUNTERS ? c->next + 1 : 0;

        walk_add(b, req, (struct store_kept){.name = names[i], .number = next});
    }
    free(names);
}

static void walk_partitions(struct store_mem *m, struct store_walk *req, struct buf *b)
{
    struct str after, sk;
    struct partition *p;
    struct str *names;
    size_t n;

    store_cursor_open(req->cursor, &after, &sk);
    p = named_get(m->disk, &m->disk->partitions, after);
    if (p != NULL)
        walk_records(p, req, sk, b);
    names = names_after(&m->disk->partitions, after, &n);
    for (size_t i = 0; i < n && req->ret_n < req->limit; i++)
        walk_records(named_get(m->disk, &m->disk->partitions, names[i]), req, STR(""), b);
    free(names);
}

static enum store_result run_walk(struct store_mem *m, struct store_walk *req)
{
    struct buf b;

    buf_init(&b, UINT32_MAX);
    req->ret_n = 0;
    req->ret_cursor = NULL;
    if (req->kind == STORE_WALK_RECORDS)
        walk_partitions(m, req, &b);
    else
        walk_names(m, req, &b);
    if (req->ret_n < req->limit) {
        frame_unref(req->ret_cursor);
        req->ret_cursor = NULL;
    }
    m->reads++;
    m->records_read += req->ret_n;
    req->ret_block = block_take(&b);
    return STORE_OK;
}

static enum store_result run_one(struct store_mem *m, struct store_req *req)
{
    switch (req->op) {
    case STORE_LOG:
        return run_log(m, CONTAINER_OF(req, struct store_log, req));
    case STORE_APPEND:
        return run_append(m, CONTAINER_OF(req, struct store_append, req));
    case STORE_READ:
        return run_read(m, CONTAINER_OF(req, struct store_read, req));
    case STORE_AMENDS:
        return run_amends(m, CONTAINER_OF(req, struct store_amends, req));
    case STORE_GET:
        return run_get(m, CONTAINER_OF(req, struct store_get, req));
    case STORE_PUT:
        return run_put(m, CONTAINER_OF(req, struct store_put, req));
    case STORE_LIST:
        return run_list(m, CONTAINER_OF(req, struct store_list, req));
    case STORE_NEXT:
        return run_next(m, CONTAINER_OF(req, struct store_next, req));
    case STORE_WALK:
        return run_walk(m, CONTAINER_OF(req, struct store_walk, req));
    case STORE_FILL:
        return run_fill(m, CONTAINER_OF(req, struct store_fill, req));
    }
    return STORE_FAILED;
}

static uint64_t mem_run(void *ctx, struct io_job *chain)
{
    struct store_mem *m = ctx;
    uint64_t n = 0;

    while (chain != NULL) {
        struct io_mail *next = chain->mail.next;
        struct store_req *req = CONTAINER_OF(chain, struct store_req, job);

        req->result = run_one(m, req);
        n++;
        chain = next != NULL ? CONTAINER_OF(next, struct io_job, mail) : NULL;
    }
    m->commits++;
    m->batch_max = MAX(m->batch_max, n);
    return IO_FOREVER;
}

static void mem_submit(struct store *s, struct store_req *req)
{
    struct store_mem *m = CONTAINER_OF(s, struct store_mem, store);

    host_submit(m->helper, &req->job);
}

static void mem_stats(struct store *s, struct store_stats *ret_stats)
{
    struct store_mem *m = CONTAINER_OF(s, struct store_mem, store);

    *ret_stats = (struct store_stats){
        .appends = m->appends,
        .entries = m->entries,
        .entry_bytes = m->entry_bytes,
        .conflicts = m->conflicts,
        .puts = m->puts,
        .reads = m->reads,
        .records_read = m->records_read,
        .commits = m->commits,
        .batch_max = m->batch_max,
    };
}

static void mem_close(struct store *s)
{
    struct store_mem *m = CONTAINER_OF(s, struct store_mem, store);

    host_helper_close(m->helper);
    store_mem_disk_free(m->own);
    free(m);
}

struct store_mem_disk *store_mem_disk_new(void)
{
    struct store_mem_disk *d = mem_zeroed(1, sizeof(*d));

    map_init(&d->rooms);
    map_init(&d->partitions);
    map_init(&d->counters);
    return d;
}

static void room_free(struct mem_room *r)
{
    for (size_t i = 0; i < r->entries_n; i++)
        frame_unref(r->entries[i]);
    for (size_t i = 0; i < r->amends_n; i++)
        frame_unref(r->amends[i].state);
    free(r->entries);
    free(r->amends);
    named_free(&r->named);
}

static void partition_free(struct partition *p)
{
    for (size_t i = 0; i < p->records_n; i++)
        record_fini(&p->records[i]);
    free(p->records);
    named_free(&p->named);
}

static void disk_clear(struct store_mem_disk *d)
{
    struct map_node *n;
    struct map_iter it;

    for (n = map_first(&d->rooms, &it); n != NULL; n = map_next(&it))
        room_free((struct mem_room *)(void *)n);
    for (n = map_first(&d->partitions, &it); n != NULL; n = map_next(&it))
        partition_free((struct partition *)(void *)n);
    for (n = map_first(&d->counters, &it); n != NULL; n = map_next(&it))
        named_free((struct named *)(void *)n);
    map_fini(&d->rooms);
    map_fini(&d->partitions);
    map_fini(&d->counters);
}

void store_mem_disk_free(struct store_mem_disk *d)
{
    if (d == NULL)
        return;
    disk_clear(d);
    free(d);
}

/* Copies share the frames, which nobody changes. */

static void room_copy(struct store_mem_disk *d, const struct mem_room *from)
{
    struct mem_room *r = named_make(d, &d->rooms, from->named.name, sizeof(*r));

    r->epoch = from->epoch;
    r->entries_n = r->entries_cap = from->entries_n;
    r->entries = mem_resize_array(NULL, r->entries_cap, sizeof(*r->entries));
    for (size_t i = 0; i < r->entries_n; i++)
        r->entries[i] = from->entries[i] != NULL ? frame_ref(from->entries[i]) : NULL;
    r->amends_n = r->amends_cap = from->amends_n;
    r->amends = mem_resize_array(NULL, MAX(r->amends_cap, (size_t)1), sizeof(*r->amends));
    for (size_t i = 0; i < r->amends_n; i++)
        r->amends[i] = (struct mem_amend){.target = from->amends[i].target,
                                          .state = frame_ref(from->amends[i].state)};
}

static void partition_copy(struct store_mem_disk *d, const struct partition *from)
{
    struct partition *p = named_make(d, &d->partitions, from->named.name, sizeof(*p));

    p->records_n = from->records_n;
    p->records_cap = MAX(p->records_n, (size_t)1);
    p->records = mem_resize_array(NULL, p->records_cap, sizeof(*p->records));
    for (size_t i = 0; i < p->records_n; i++) {
        p->records[i] = from->records[i];
        p->records[i].sk.p = (uint8_t *)str_dup(from->records[i].sk);
        p->records[i].body = frame_ref(from->records[i].body);
    }
}

void store_mem_disk_put_back(struct store_mem_disk *d, const struct store_mem_disk *from)
{
    struct map_node *n;
    struct map_iter it;

    assert(d != from && from->keyed);
    disk_clear(d);
    memcpy(d->key, from->key, sizeof(d->key));
    d->keyed = true;
    d->rev = from->rev;
    for (n = map_first(&from->rooms, &it); n != NULL; n = map_next(&it))
        room_copy(d, (const struct mem_room *)(void *)n);
    for (n = map_first(&from->partitions, &it); n != NULL; n = map_next(&it))
        partition_copy(d, (const struct partition *)(void *)n);
    for (n = map_first(&from->counters, &it); n != NULL; n = map_next(&it)) {
        const struct counter *c = (const struct counter *)(void *)n;
        struct counter *copy = named_make(d, &d->counters, c->named.name, sizeof(*copy));

        copy->next = c->next;
    }
}

struct store_mem_disk *store_mem_disk_copy(const struct store_mem_disk *d)
{
    struct store_mem_disk *copy = store_mem_disk_new();

    store_mem_disk_put_back(copy, d);
    return copy;
}

static bool room_is(const struct mem_room *a, const struct mem_room *b)
{
    bool is = b != NULL && a->entries_n == b->entries_n && a->amends_n == b->amends_n;

    for (size_t i = 0; is && i < a->entries_n; i++)
        is = a->entries[i] == b->entries[i];
    for (size_t i = 0; is && i < a->amends_n; i++)
        is = a->amends[i].state == b->amends[i].state;
    return is;
}

static bool partition_is(const struct partition *a, const struct partition *b)
{
    bool is = b != NULL && a->records_n == b->records_n;

    for (size_t i = 0; is && i < a->records_n; i++)
        is = a->records[i].body == b->records[i].body;
    return is;
}

bool store_mem_disk_same(const struct store_mem_disk *a, const struct store_mem_disk *b)
{
    bool same = map_n(&a->rooms) == map_n(&b->rooms) &&
                map_n(&a->partitions) == map_n(&b->partitions) &&
                map_n(&a->counters) == map_n(&b->counters);
    struct map_node *n;
    struct map_iter it;

    for (n = map_first(&a->rooms, &it); same && n != NULL; n = map_next(&it))
        same = room_is((const struct mem_room *)(void *)n,
                       named_get(b, &b->rooms, ((const struct named *)(void *)n)->name));
    for (n = map_first(&a->partitions, &it); same && n != NULL; n = map_next(&it))
        same = partition_is((const struct partition *)(void *)n,
                            named_get(b, &b->partitions, ((const struct named *)(void *)n)->name));
    for (n = map_first(&a->counters, &it); same && n != NULL; n = map_next(&it)) {
        const struct counter *c = (const struct counter *)(void *)n;
        const struct counter *other = named_get(b, &b->counters, c->named.name);

        same = other != NULL && other->next == c->next;
    }
    return same;
}

/* The key of the tables' hash, drawn once: the names in them are a peer's. */
static int draw_key(struct io_host *host, struct store_mem_disk *d)
{
    struct io *io;
    int r;

    if (d->keyed)
        return 0;
    r = host_io_new(host, &io);
    if (r < 0)
        return r;
    io_random(io, d->key, sizeof(d->key));
    io_free(io);
    d->keyed = true;
    return 0;
}

static const struct store_ops mem_ops = {
    .name = "mem",
    .submit = mem_submit,
    .stats = mem_stats,
    .wall_ms = store_own_wall_ms,
    .close = mem_close,
};

int store_mem_open(struct io_host *host, struct store_mem_disk *disk, struct store **ret_store)
{
    struct store_mem *m = calloc(1, sizeof(*m));
    struct io_helper_options o = {.name = "store", .threads = 1, .run = mem_run, .ctx = m};
    int r;

    if (m == NULL)
        return -ENOMEM;
    m->store.ops = &mem_ops;
    if (disk == NULL)
        disk = m->own = store_mem_disk_new();
    m->disk = disk;
    r = draw_key(host, disk);
    if (r == 0)
        r = host_helper_new(host, &o, &m->helper);
    if (r < 0) {
        store_mem_disk_free(m->own);
        free(m);
        return r;
    }
    *ret_store = &m->store;
    return 0;
}
