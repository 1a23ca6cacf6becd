#include "migrate/migrate_impl.h"

#include "base/str.h"

#define COUNTERS_PAGE 256

static void find_counter(struct migrate_lane *l);

/* Puts pass over no time: what has expired since it was walked over may have gone. */
static bool may_have_gone(const struct migrate_lane *l)
{
    return l->kept.number != 0 && l->kept.number <= io_wall_ms(l->m->o.io);
}

static void get(struct migrate_lane *l, enum migrate_side side, store_done_f *done)
{
    migrate_ask(l, done);
    l->q.get.pk = l->kept.name;
    l->q.get.sk = l->kept.sk;
    store_get(migrate_store(l, side), &l->q.get);
}

/* Whether the record that was got is the one walked over. */
static bool is_same(struct migrate_lane *l)
{
    struct frame *body = l->q.get.ret_body;
    bool same = body != NULL ? str_eq(frame_str(body), l->kept.body) : may_have_gone(l);

    frame_unref(body);
    return same;
}

/* --- Counting, looking at the target. --- */

void migrate_record_count(struct migrate_lane *l)
{
    l->m->progress.records++;
    migrate_end(l);
}

static void checked(struct store_req *req)
{
    struct migrate_lane *l = migrate_lane_of(req);

    if (!migrate_answered(l, MIGRATE_FROM))
        return;
    if (!is_same(l))
        migrate_fail(l, MIGRATE_TARGET_OTHER, "the target has a record that the source has not");
    migrate_end(l);
}

void migrate_record_check(struct migrate_lane *l)
{
    get(l, MIGRATE_FROM, checked);
}

/* --- Copying. --- */

static void compared(struct store_req *req)
{
    struct migrate_lane *l = migrate_lane_of(req);

    if (!migrate_answered(l, MIGRATE_TO))
        return;
    if (is_same(l))
        l->m->progress.records_kept++;
    else
        migrate_fail(l, MIGRATE_TARGET_OTHER, "the target has another record in its place");
    l->m->progress.done++;
    migrate_end(l);
}

static void put_done(struct store_req *req)
{
    struct migrate_lane *l = migrate_lane_of(req);

    if (req->result == STORE_CONFLICT) {
        get(l, MIGRATE_TO, compared);
        return;
    }
    if (!migrate_answered(l, MIGRATE_TO))
        return;
    l->m->progress.records_copied++;
    l->m->progress.done++;
    migrate_end(l);
}

void migrate_record_copy(struct migrate_lane *l)
{
    migrate_ask(l, put_done);
    l->q.put.pk = l->kept.name;
    l->q.put.sk = l->kept.sk;
    l->q.put.body = l->kept.body;
    l->q.put.expires_ms = l->kept.number;
    store_put(migrate_store(l, MIGRATE_TO), &l->q.put);
}

/* --- Verifying. --- */

static void verified(struct store_req *req)
{
    struct migrate_lane *l = migrate_lane_of(req);

    if (!migrate_answered(l, MIGRATE_TO))
        return;
    if (!is_same(l))
        migrate_fail(l, MIGRATE_DIFFERS, "the record differs");
    l->m->progress.done++;
    migrate_end(l);
}

void migrate_record_verify(struct migrate_lane *l)
{
    get(l, MIGRATE_TO, verified);
}

/* --- Counters: there are few, and a look at one does not take a number of it. --- */

static void counters_read(struct store_req *req)
{
    struct migrate_lane *l = migrate_lane_of(req);
    struct store_kept kept;
    size_t at = 0;

    frame_unref(l->cursor);
    l->cursor = NULL;
    if (!migrate_answered(l, MIGRATE_TO))
        return;
    while (store_walk_next(l->q.walk.ret_block, &at, &kept))
        if (str_eq(kept.name, l->kept.name))
            l->counter_next = kept.number;
    frame_unref(l->q.walk.ret_block);
    l->cursor = l->q.walk.ret_cursor;
    if (l->cursor != NULL)
        find_counter(l);
    else
        l->then(l);
}

static void find_counter(struct migrate_lane *l)
{
    migrate_ask(l, counters_read);
    l->q.walk.kind = STORE_WALK_COUNTERS;
    l->q.walk.limit = COUNTERS_PAGE;
    if (l->cursor != NULL)
        l->q.walk.cursor = frame_str(l->cursor);
    store_walk(migrate_store(l, MIGRATE_TO), &l->q.walk);
}

static void find_counter_then(struct migrate_lane *l, migrate_lane_f *then)
{
    l->then = then;
    l->counter_next = 1;
    find_counter(l);
}

static void raise_counter(struct migrate_lane *l);

static void raised(struct store_req *req)
{
    struct migrate_lane *l = migrate_lane_of(req);

    if (!migrate_answered(l, MIGRATE_TO))
        return;
    l->counter_next = l->q.next.ret_first + l->q.next.n;
    l->m->progress.counters_raised += l->counter_next >= l->kept.number;
    raise_counter(l);
}

static void raise_counter(struct migrate_lane *l)
{
    if (l->counter_next >= l->kept.number) {
        migrate_end(l);
        return;
    }
    migrate_ask(l, raised);
    l->q.next.counter = l->kept.name;
    l->q.next.n = (unsigned)MIN(l->kept.number - l->counter_next, (uint64_t)UINT32_MAX);
    store_next(migrate_store(l, MIGRATE_TO), &l->q.next);
}

void migrate_record_raise(struct migrate_lane *l)
{
    find_counter_then(l, raise_counter);
}

static void verify_counter(struct migrate_lane *l)
{
    if (l->counter_next < l->kept.number)
        migrate_fail(l, MIGRATE_DIFFERS, "the counter is behind");
    migrate_end(l);
}

void migrate_record_verify_counter(struct migrate_lane *l)
{
    find_counter_then(l, verify_counter);
}
