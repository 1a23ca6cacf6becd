#include "lib/feed_rig.h"

#include "base/str.h"
#include "chat/model/lost.h"

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
static struct frame *encode(const struct feed_event *e, size_t more)
{
    struct frame *f = frame_new(e->json.n + more + 1);

    rig_of(e->feed->set)->encoded++;
    memcpy(f->bytes, e->json.p, e->json.n);
    memset(f->bytes + e->json.n, ' ', f->n - e->json.n);
    f->bytes[f->n - 1] = '\n';
    return f;
}

static struct frame *encode_short(const struct feed_event *e)
{
    return encode(e, 0);
}

static struct frame *encode_long(const struct feed_event *e)
{
    return encode(e, e->json.n);
}

static void wake(struct follower *f)
{
    CONTAINER_OF(f, struct feed_rig_follower, f)->woken = true;
}

static bool is_person(const struct follower *f, uint64_t user)
{
    return CONTAINER_OF((struct follower *)(uintptr_t)f, struct feed_rig_follower, f)->user == user;
}

static void lost(struct feed_set *s, struct str room, const struct lost *found)
{
    (void)room;
    assert(found->first > 0);
    CONTAINER_OF(s, struct feed_rig, set)->lost_n++;
}

static const struct feed_ops feed_ops = {.encode = {encode_short, encode_long, encode_long},
                                         .wake = wake,
                                         .is_person = is_person,
                                         .lost = lost};

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
    unsigned count_max = r->fit > 0 ? MIN(r->fit, req->count_max) : req->count_max;
    struct buf block CLEANUP(buf_fini), bytes CLEANUP(buf_fini);
    char text[32];
    struct entry e;

    buf_init(&block, 1 << 24);
    buf_init(&bytes, 1 << 16);
    for (uint64_t seq = req->from; seq <= r->head && seq < req->from + count_max; seq++) {
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

static const struct store_ops store_ops = {
    .name = "rig", .submit = submit, .wall_ms = store_own_wall_ms};

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

/* The edits that go with a deletion. */
static void put_redacts(const struct feed_rig *r, uint64_t target, struct buf *out)
{
    for (uint64_t seq = 1; seq <= r->head; seq++)
        if (r->log[seq].kind == ENTRY_EDIT && r->log[seq].target == target)
            buf_append_varint(out, seq);
}

static struct frame *stored_at(const struct feed_rig *r, uint64_t seq)
{
    struct buf redacts CLEANUP(buf_fini), bytes CLEANUP(buf_fini);
    char text[32];
    struct entry e;

    buf_init(&redacts, 1 << 16);
    buf_init(&bytes, 1 << 17);
    entry_at(r, seq, text, &e);
    if (e.kind == ENTRY_DELETE)
        put_redacts(r, e.target, &redacts);
    e.redacts = buf_peek(&redacts);
    entry_encode(&e, &bytes);
    return frame_copy(buf_peek(&bytes));
}

static void tell(struct feed_rig *r, uint64_t first, unsigned n)
{
    struct news_entry *entries = test_calloc(n, sizeof(*entries));
    struct news news = {.room = str_of(r->room), .first = first, .n = n, .entries = entries};

    for (unsigned i = 0; i < n; i++) {
        uint8_t kind = r->log[first + i].kind;

        entries[i] = (struct news_entry){stored_at(r, first + i), kind, kind == ENTRY_MEMBER};
    }
    feed_news(&r->set, &news);
    for (unsigned i = 0; i < n; i++)
        frame_unref(entries[i].entry);
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
