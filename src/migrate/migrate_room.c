#include "migrate/migrate_impl.h"

#include <string.h>

#include "base/str.h"

#define BATCH_BYTES (256 * 1024)

static void copy_batch(struct migrate_lane *l);

/* --- Both logs. --- */

static void take_log(struct migrate_lane *l, enum migrate_side side)
{
    const struct store_log *q = &l->q.log;

    l->logs[side] = (struct migrate_log){q->ret_epoch, q->ret_first, q->ret_head, q->ret_last};
}

static void read_log(struct migrate_lane *l, enum migrate_side side, store_done_f *done)
{
    migrate_ask(l, done);
    l->q.log.room = l->kept.name;
    store_log(migrate_store(l, side), &l->q.log);
}

static void to_read(struct store_req *req)
{
    struct migrate_lane *l = migrate_lane_of(req);

    if (!migrate_answered(l, MIGRATE_TO))
        return;
    take_log(l, MIGRATE_TO);
    l->then(l);
}

static void from_read(struct store_req *req)
{
    struct migrate_lane *l = migrate_lane_of(req);

    if (!migrate_answered(l, MIGRATE_FROM))
        return;
    take_log(l, MIGRATE_FROM);
    if (l->logs[MIGRATE_FROM].first > 1) {
        migrate_fail(l, MIGRATE_LOG_TRIMMED, "its first entries are not kept any more");
        migrate_end(l);
        return;
    }
    read_log(l, MIGRATE_TO, to_read);
}

static void read_logs(struct migrate_lane *l, migrate_lane_f *then)
{
    l->then = then;
    read_log(l, MIGRATE_FROM, from_read);
}

/* --- Whether the target has the beginning of the source's log. --- */

static void is_other(struct migrate_lane *l)
{
    migrate_fail(l, MIGRATE_TARGET_OTHER, "the target has other entries");
    migrate_end(l);
}

static void entry_read(struct store_req *req)
{
    struct migrate_lane *l = migrate_lane_of(req);
    struct store_item item;
    size_t at = 0;
    bool same;

    if (!migrate_answered(l, MIGRATE_FROM))
        return;
    same = store_block_next(l->q.read.ret_block, &at, &item) &&
           str_eq(item.body, frame_str(l->logs[MIGRATE_TO].last));
    frame_unref(l->q.read.ret_block);
    if (same)
        l->compared(l);
    else
        is_other(l);
}

static void compare(struct migrate_lane *l)
{
    const struct migrate_log *from = &l->logs[MIGRATE_FROM], *to = &l->logs[MIGRATE_TO];

    if (to->head == 0) {
        l->compared(l);
        return;
    }
    if (to->epoch != from->epoch || to->head > from->head) {
        is_other(l);
        return;
    }
    migrate_ask(l, entry_read);
    l->q.read.room = l->kept.name;
    l->q.read.from = to->head;
    l->q.read.count_max = 1;
    store_read(migrate_store(l, MIGRATE_FROM), &l->q.read);
}

void migrate_room_check(struct migrate_lane *l)
{
    l->compared = migrate_end;
    read_logs(l, compare);
}

/* --- Counting. --- */

static void counted(struct store_req *req)
{
    struct migrate_lane *l = migrate_lane_of(req);

    if (!migrate_answered(l, MIGRATE_FROM))
        return;
    take_log(l, MIGRATE_FROM);
    l->m->progress.rooms++;
    l->m->progress.entries += l->q.log.ret_head;
    migrate_end(l);
}

void migrate_room_count(struct migrate_lane *l)
{
    read_log(l, MIGRATE_FROM, counted);
}

/* --- Copying. --- */

static void drop_batch(struct migrate_lane *l)
{
    frame_unref(l->block);
    frame_unref(l->states);
    l->block = l->states = NULL;
}

static void appended(struct store_req *req)
{
    struct migrate_lane *l = migrate_lane_of(req);
    struct migrate_progress *p = &l->m->progress;

    drop_batch(l);
    if (req->result == STORE_CONFLICT) {
        migrate_fail(l, MIGRATE_TARGET_MOVED, "somebody else writes to the target");
        migrate_end(l);
        return;
    }
    if (!migrate_answered(l, MIGRATE_TO))
        return;
    p->done += l->entries_n;
    p->entries_copied += l->entries_n;
    p->rooms_copied += !l->copied;
    l->copied = true;
    l->next += l->entries_n;
    copy_batch(l);
}

/* The states of the batch's entries: all of them, by how far the batch goes. */
static void take_states(struct migrate_lane *l)
{
    struct store_item item;
    size_t at = 0;

    l->amends_n = 0;
    while (store_block_next(l->states, &at, &item) && item.key < l->next + l->entries_n)
        l->amends[l->amends_n++] = (struct store_amend){.target = item.key, .state = item.body};
}

/* What the source has lost is not to be lost a second time, unsaid. */
static bool has_lost(const struct migrate_lane *l)
{
    for (unsigned i = 0; i < l->entries_n; i++)
        if (str_eq(l->entries[i], STORE_LOST))
            return true;
    return false;
}

static void batch_read(struct store_req *req)
{
    struct migrate_lane *l = migrate_lane_of(req);
    struct store_item item;
    size_t at = 0;

    if (!migrate_answered(l, MIGRATE_FROM)) {
        return;
    }
    l->block = l->q.read.ret_block;
    l->entries_n = 0;
    while (store_block_next(l->block, &at, &item))
        l->entries[l->entries_n++] = item.body;
    if (has_lost(l)) {
        migrate_fail(l, MIGRATE_SOURCE_FAILED,
                     "entries of it are lost: run `polylog store repair` there first");
        migrate_end(l);
        return;
    }
    if (l->entries_n == 0) {
        migrate_fail(l, MIGRATE_SOURCE_FAILED, "the log ends before its head");
        migrate_end(l);
        return;
    }
    take_states(l);
    migrate_ask(l, appended);
    l->q.append.room = l->kept.name;
    l->q.append.epoch = l->logs[MIGRATE_FROM].epoch;
    l->q.append.head = l->next - 1;
    l->q.append.entries = l->entries;
    l->q.append.entries_n = l->entries_n;
    l->q.append.amends = l->amends;
    l->q.append.amends_n = l->amends_n;
    store_append(migrate_store(l, MIGRATE_TO), &l->q.append);
}

/* How many entries may go into the batch: an append has a limit of states. */
static unsigned batch_n(const struct migrate_lane *l)
{
    uint64_t n = MIN(l->logs[MIGRATE_FROM].head - l->next + 1, (uint64_t)MIGRATE_BATCH_MAX);
    struct store_item item;
    unsigned states = 0;
    size_t at = 0;

    while (store_block_next(l->states, &at, &item))
        if (++states > STORE_AMENDS_MAX)
            return (unsigned)(item.key - l->next);
    return (unsigned)n;
}

static void states_read(struct store_req *req)
{
    struct migrate_lane *l = migrate_lane_of(req);

    if (!migrate_answered(l, MIGRATE_FROM))
        return;
    l->states = l->q.amends.ret_block;
    migrate_ask(l, batch_read);
    l->q.read.room = l->kept.name;
    l->q.read.from = l->next;
    l->q.read.count_max = batch_n(l);
    l->q.read.bytes_max = BATCH_BYTES;
    store_read(migrate_store(l, MIGRATE_FROM), &l->q.read);
}

static void copy_batch(struct migrate_lane *l)
{
    uint64_t head = l->logs[MIGRATE_FROM].head;

    if (l->next > head || l->m->stopped) {
        l->m->progress.rooms_kept += !l->copied && l->next > head;
        migrate_end(l);
        return;
    }
    migrate_ask(l, states_read);
    l->q.amends.room = l->kept.name;
    l->q.amends.from = l->next;
    l->q.amends.to = MIN(l->next + MIGRATE_BATCH_MAX - 1, head);
    store_amends(migrate_store(l, MIGRATE_FROM), &l->q.amends);
}

static void copy_compared(struct migrate_lane *l)
{
    l->next = l->logs[MIGRATE_TO].head + 1;
    l->m->progress.done += l->logs[MIGRATE_TO].head;
    copy_batch(l);
}

void migrate_room_copy(struct migrate_lane *l)
{
    l->copied = false;
    l->compared = copy_compared;
    read_logs(l, compare);
}

/* --- Verifying. --- */

static void differs(struct migrate_lane *l, const char *what)
{
    migrate_fail(l, MIGRATE_DIFFERS, what);
    migrate_end(l);
}

static void to_summed(struct migrate_lane *l)
{
    if (memcmp(l->first_sum, l->sum.ret, MIGRATE_SUM_N) != 0) {
        differs(l, "its content differs");
        return;
    }
    l->m->progress.rooms_verified++;
    migrate_end(l);
}

static void from_summed(struct migrate_lane *l)
{
    memcpy(l->first_sum, l->sum.ret, MIGRATE_SUM_N);
    migrate_sum(l, MIGRATE_TO, l->logs[MIGRATE_TO].head, to_summed);
}

static void verify_logs(struct migrate_lane *l)
{
    const struct migrate_log *from = &l->logs[MIGRATE_FROM], *to = &l->logs[MIGRATE_TO];

    if (from->head != to->head)
        differs(l, "its head differs");
    else if (from->epoch != to->epoch || from->first != to->first)
        differs(l, "its identity differs");
    else
        migrate_sum(l, MIGRATE_FROM, from->head, from_summed);
}

void migrate_room_verify(struct migrate_lane *l)
{
    read_logs(l, verify_logs);
}
