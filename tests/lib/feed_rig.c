#include "lib/feed_rig.h"

#include "base/str.h"
#include "base/varint.h"
#include "chat/event.h"

#include <stdio.h>

static uint64_t no_time(struct io *io)
{
    (void)io;
    return 0;
}

static const struct io_ops io_ops = {.name = "none", .now_ms = no_time, .wall_ms = no_time};

static struct feed_rig *rig_of(struct feed_set *s)
{
    return CONTAINER_OF(s, struct feed_rig, set);
}

/* The event and a line's end: short, or twice as long. */
static struct frame *encode(struct feed_set *s, unsigned encoding, struct frame *event)
{
    struct frame *f = frame_new(event->n + 1 + (encoding > 0 ? event->n : 0));

    rig_of(s)->encoded++;
    memcpy(f->bytes, event->bytes, event->n);
    memset(f->bytes + event->n, ' ', f->n - event->n);
    f->bytes[f->n - 1] = '\n';
    return f;
}

static void wake(struct follower *f)
{
    CONTAINER_OF(f, struct feed_rig_follower, f)->woken = true;
}

static bool is_person(const struct follower *f, uint64_t user)
{
    return CONTAINER_OF((struct follower *)(uintptr_t)f, struct feed_rig_follower, f)->user == user;
}

static const struct feed_ops feed_ops = {.encode = encode, .wake = wake, .is_person = is_person};

static void entry_at(const struct feed_rig *r, uint64_t seq, char text[static 32],
                     struct entry *ret_entry)
{
    const struct feed_rig_entry *e = &r->log[seq];

    (void)snprintf(text, 32, "text-%llu.", (unsigned long long)seq);
    *ret_entry = (struct entry){.kind = e->kind,
                                .from_id = 1,
                                .target = e->target,
                                .user_id = e->user,
                                .role = e->kind == ENTRY_MEMBER ? STR("none") : (struct str){0}};
    if ((e->kind == ENTRY_MESSAGE || e->kind == ENTRY_EDIT) && !e->blank)
        ret_entry->text = str_of(text);
}

static struct frame *block_of(const struct feed_rig *r, const struct store_read *req)
{
    struct buf block CLEANUP(buf_fini), bytes CLEANUP(buf_fini);
    char text[32];
    struct entry e;

    buf_init(&block, 1 << 24);
    buf_init(&bytes, 1 << 16);
    for (uint64_t seq = req->from; seq <= r->head && seq < req->from + req->count_max; seq++) {
        entry_at(r, seq, text, &e);
        buf_clear(&bytes);
        entry_encode(&e, &bytes);
        store_block_add(&block, &(struct store_item){.key = seq, .body = buf_peek(&bytes)});
    }
    return frame_copy(buf_peek(&block));
}

static void submit(struct store *s, struct store_req *req)
{
    struct feed_rig *r = CONTAINER_OF(s, struct feed_rig, store);
    struct store_read *read = CONTAINER_OF(req, struct store_read, req);

    assert_int_equal(req->op, STORE_READ);
    assert_true(r->reads_n < FEED_RIG_READS);
    r->reads_all++;
    r->reads[r->reads_n++] = (struct feed_rig_read){read, block_of(r, read)};
}

static const struct store_ops store_ops = {.name = "rig", .submit = submit};

void feed_rig_init(struct feed_rig *r, size_t ring_budget, size_t chunk_budget)
{
    memset(r, 0, sizeof(*r));
    r->store.ops = &store_ops;
    r->io.ops = &io_ops;
    r->room = "room";
    wheel_init(&r->wheel, 1000);
    r->set.ops = &feed_ops;
    r->set.store = &r->store;
    r->set.home = &r->io;
    r->set.wheel = &r->wheel;
    r->set.ring_budget = ring_budget;
    r->set.chunk_budget = chunk_budget;
    feed_set_init(&r->set);
}

void feed_rig_fini(struct feed_rig *r)
{
    while (r->reads_n > 0)
        feed_rig_answer(r, 0, STORE_CANCELED);
    feed_set_fini(&r->set);
    assert_int_equal(r->set.ring_bytes, 0);
    assert_int_equal(r->set.chunk_bytes, 0);
}

/* The edits that went with a deletion. */
static struct frame *redacts_of(const struct feed_rig *r, uint64_t target)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, 1 << 16);
    for (uint64_t seq = 1; seq <= r->head; seq++) {
        uint8_t *p;

        if (r->log[seq].kind != ENTRY_EDIT || r->log[seq].target != target)
            continue;
        p = buf_reserve(&b, VARINT_N_MAX);
        buf_commit(&b, (size_t)(varint_put(p, seq) - p));
    }
    return buf_len(&b) > 0 ? frame_copy(buf_peek(&b)) : NULL;
}

static void tell(struct feed_rig *r, uint64_t first, unsigned n)
{
    struct news_entry *entries = test_calloc(n, sizeof(*entries));
    struct news news = {.room = str_of(r->room), .first = first, .n = n, .entries = entries};

    for (unsigned i = 0; i < n; i++) {
        const struct feed_rig_entry *e = &r->log[first + i];
        char text[32];
        struct entry entry;

        entry_at(r, first + i, text, &entry);
        entries[i] = (struct news_entry){.kind = e->kind, .target = e->target};
        if (e->kind == ENTRY_DELETE)
            entries[i].redacts = redacts_of(r, e->target);
        if (e->kind == ENTRY_MEMBER) {
            entries[i].target = e->user;
            entries[i].lost = true;
        }
        entries[i].event = event_frame(str_of(r->room), first + i, &entry);
    }
    feed_news(&r->set, &news);
    test_free(entries);
}

void feed_rig_append(struct feed_rig *r, unsigned n, bool told)
{
    uint64_t first = r->head + 1;

    assert_true(r->head + n <= FEED_RIG_LOG);
    for (unsigned i = 0; i < n; i++)
        r->log[++r->head] = (struct feed_rig_entry){.kind = ENTRY_MESSAGE};
    if (told)
        tell(r, first, n);
}

void feed_rig_edit(struct feed_rig *r, uint64_t target)
{
    r->log[++r->head] = (struct feed_rig_entry){.kind = ENTRY_EDIT, .target = target};
    tell(r, r->head, 1);
}

void feed_rig_delete(struct feed_rig *r, uint64_t target)
{
    for (uint64_t seq = 1; seq <= r->head; seq++)
        if (seq == target || (r->log[seq].kind == ENTRY_EDIT && r->log[seq].target == target))
            r->log[seq].blank = true;
    r->log[++r->head] = (struct feed_rig_entry){.kind = ENTRY_DELETE, .target = target};
    tell(r, r->head, 1);
}

void feed_rig_remove(struct feed_rig *r, uint64_t user)
{
    r->log[++r->head] = (struct feed_rig_entry){.kind = ENTRY_MEMBER, .user = user};
    tell(r, r->head, 1);
}

void feed_rig_follow(struct feed_rig *r, struct feed_rig_follower *f, uint64_t cursor)
{
    struct feed *feed = feed_make(&r->set, str_of(r->room));
    uint64_t user = f->user;

    memset(f, 0, sizeof(*f));
    f->rig = r;
    f->user = user;
    f->shown = cursor;
    feed_start(feed, 1, r->head);
    feed_follow(feed, &f->f, cursor);
}

bool feed_rig_unfollow(struct feed_rig_follower *f)
{
    return feed_unfollow(&f->f);
}

/* Every line of what was taken. */
static void look(struct feed_rig_follower *f, struct str bytes)
{
    while (bytes.n > 0) {
        struct str line = str_cut(&bytes, '\n');
        char copy[512], text[32];
        const char *seq;

        assert_true(line.n < sizeof(copy));
        memcpy(copy, line.p, line.n);
        copy[line.n] = '\0';
        seq = strstr(copy, "\"seq\":");
        assert_non_null(seq);
        assert_int_equal(strtoull(seq + 6, NULL, 10), f->shown + 1);
        f->shown++;
        (void)snprintf(text, sizeof(text), "text-%llu.", (unsigned long long)f->shown);
        f->texts[f->shown] = strstr(copy, text) != NULL;
    }
}

enum feed_taken feed_rig_take(struct feed_rig_follower *f, unsigned encoding, size_t bytes_max)
{
    struct frame *bytes = NULL;
    enum feed_taken t = feed_take(&f->f, encoding, bytes_max, &bytes);

    f->woken = false;
    f->ended = f->ended || t == FEED_END;
    if (t == FEED_RUN) {
        look(f, frame_str(bytes));
        assert_int_equal(f->f.cursor, f->shown);
        frame_unref(bytes);
    }
    return t;
}

void feed_rig_drain(struct feed_rig_follower *f)
{
    struct feed_rig *r = f->rig;

    for (int i = 0; i < 100000; i++) {
        enum feed_taken t = feed_rig_take(f, 0, 4096);

        if (t == FEED_NOTHING || t == FEED_END)
            return;
        if (t != FEED_WAIT)
            continue;
        if (r->reads_n == 0)
            wheel_advance(&r->wheel, r->wheel.now_ms + 1000);
        assert_true(r->reads_n > 0);
        feed_rig_answer(r, 0, STORE_OK);
    }
    fail_msg("a follower does not come to the end");
}

void feed_rig_answer(struct feed_rig *r, unsigned i, enum store_result result)
{
    struct feed_rig_read read = r->reads[i];

    assert_true(i < r->reads_n);
    memmove(r->reads + i, r->reads + i + 1, (--r->reads_n - i) * sizeof(r->reads[0]));
    assert_true(str_eq(read.req->room, str_of(r->room)));
    read.req->req.result = result;
    if (result == STORE_OK) {
        struct store_item item;

        read.req->ret_block = read.block;
        read.req->ret_n = 0;
        for (size_t at = 0; store_block_next(read.block, &at, &item);)
            read.req->ret_n++;
    } else {
        frame_unref(read.block);
    }
    read.req->req.done(&read.req->req);
}
