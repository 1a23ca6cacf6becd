/* `polylog store repair` on each engine: what it finds, what it puts there, that it changes
 * nothing else. */
#include "admin/store_repair.h"

#include "base/entry.h"
#include "base/str.h"
#include "lib/store_rig.h"

#include <sqlite3.h>
#include <stdio.h>

enum { ENTRIES = 199, TS_MS = 1000 };

struct lines {
    char all[8000];
};

static void said(void *ctx, const char *line)
{
    struct lines *l = ctx;
    size_t at = strlen(l->all);

    (void)snprintf(l->all + at, sizeof(l->all) - at, "%s\n", line);
}

static struct store_repair repair(struct store_rig *r, struct lines *l, bool dry_run)
{
    struct store_repair p = {
        .io = r->io, .store = r->store, .dry_run = dry_run, .said = said, .ctx = l};
    char why[STORE_REPAIR_WHY_MAX];

    l->all[0] = '\0';
    assert_int_equal(store_repair(&p, why), 0);
    return p;
}

/* Messages, of which seq's count is seq and time TS_MS + seq, one batch each. */
static void write_log(struct store_rig *r, struct str room, unsigned n)
{
    for (unsigned seq = 1; seq <= n; seq++) {
        struct entry e = {
            .kind = ENTRY_MESSAGE, .count = seq, .ts_ms = TS_MS + seq, .text = STR("hello")};
        struct buf bytes CLEANUP(buf_fini);

        buf_init(&bytes, 100);
        entry_encode(&e, &bytes);
        assert_int_equal(store_rig_append(r, room, seq - 1, buf_peek(&bytes), NULL), STORE_OK);
    }
}

static void read_entry(struct store_rig *r, uint64_t seq, struct entry *ret)
{
    struct store_read read = {
        .req = store_rig_req(r), .room = STR("room"), .from = seq, .count_max = 1, .bytes_max = 1};
    struct store_item item;
    size_t at = 0;

    store_read(r->store, &read);
    assert_int_equal(store_rig_wait(r, &read.req), STORE_OK);
    assert_true(store_block_next(read.ret_block, &at, &item));
    assert_int_equal(item.key, seq);
    assert_int_equal(entry_decode(item.body, ret), ENTRY_OK);
    ret->text = ret->text.n > 0 ? STR("text") : STR("");
    frame_unref(read.ret_block);
}

static void check_entries(struct store_rig *r, uint64_t first, uint64_t n)
{
    struct entry e;

    for (uint64_t seq = 1; seq <= ENTRIES; seq++) {
        bool lost = seq >= first && seq < first + n;
        uint64_t before = lost ? MAX(first - 1, 1) : seq;

        read_entry(r, seq, &e);
        assert_int_equal(e.kind, lost ? ENTRY_LOST : ENTRY_MESSAGE);
        assert_int_equal(e.text.n > 0, !lost);
        if (first > 1 || !lost) {
            assert_int_equal(e.count, before);
            assert_int_equal(e.ts_ms, TS_MS + before);
        } else { /* nothing is before it */
            assert_int_equal(e.count, 0);
            assert_int_equal(e.ts_ms, TS_MS + first + n);
        }
    }
}

static void tell(struct store_rig *r, uint64_t lose)
{
    struct store_repair p;
    struct lines l;
    char line[200];
    uint64_t first, n;

    write_log(r, STR("room"), ENTRIES);
    write_log(r, STR("whole"), 3);
    p = repair(r, &l, false);
    assert_true(p.ret_rooms == 2 && p.ret_entries == ENTRIES + 3 && p.ret_lost == 0);
    store_rig_lose(r, STR("room"), lose, &first, &n);
    (void)snprintf(line, sizeof(line), "room room: entries %u to %u are lost", (unsigned)first,
                   (unsigned)(first + n - 1));
    p = repair(r, &l, true);
    assert_true(p.ret_lost == n && p.ret_filled == 0 && p.ret_failed == 0);
    assert_non_null(strstr(l.all, line));
    assert_non_null(strstr(l.all, "nothing was changed"));
    p = repair(r, &l, false);
    assert_true(p.ret_lost == n && p.ret_filled == n && p.ret_failed == 0);
    assert_non_null(strstr(l.all, line));
    check_entries(r, first, n);
    p = repair(r, &l, false);
    assert_true(p.ret_lost == 0 && p.ret_filled == 0 && p.ret_entries == ENTRIES + 3);
}

static void the_middle(void **state)
{
    tell(*state, 100);
}

static void the_beginning(void **state)
{
    tell(*state, 1);
}

/* More than is read at once. */
static void a_long_log(void **state)
{
    enum { LONG = 2100 };
    struct store_rig *r = *state;
    struct store_repair p;
    struct lines l;
    uint64_t first, n;

    write_log(r, STR("long"), LONG);
    store_rig_lose(r, STR("long"), LONG - 50, &first, &n);
    p = repair(r, &l, false);
    assert_true(p.ret_lost == n && p.ret_filled == n && p.ret_entries == LONG);
}

static void damage(struct store_rig *r, const char *sql, int rows)
{
    char path[128];
    sqlite3 *db;

    store_rig_close(r);
    (void)snprintf(path, sizeof(path), "%s/polylog.db", r->dir);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(db), rows);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    store_rig_open(r);
}

/* What a message was changed to cannot be read: that is said, and nothing is put there. */
static void a_damaged_change(void **state)
{
    struct store_rig *r = *state;
    struct store_amend change = {.target = 1, .state = STR("state")};
    struct str entry = STR("");
    struct buf bytes CLEANUP(buf_fini);
    struct store_append req = {.req = store_rig_req(r),
                               .room = STR("room"),
                               .epoch = 77,
                               .head = ENTRIES,
                               .entries = &entry,
                               .entries_n = 1,
                               .amends = &change,
                               .amends_n = 1};
    struct store_repair p;
    struct lines l;
    uint64_t first, n;

    write_log(r, STR("room"), ENTRIES);
    buf_init(&bytes, 100);
    entry_encode(&(struct entry){.kind = ENTRY_MESSAGE, .count = ENTRIES + 1, .ts_ms = TS_MS},
                 &bytes);
    entry = buf_peek(&bytes);
    store_append(r->store, &req);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
    store_rig_lose(r, STR("room"), 100, &first, &n); /* folds */
    damage(r, "UPDATE amend SET state = x'00' || substr(state, 2)", 1);
    p = repair(r, &l, true);
    assert_int_equal(p.ret_failed, 1);
    assert_non_null(strstr(l.all, "changes of its messages are damaged: only a backup has them"));
}

/* A page that is there, and cannot be read; the last one is not mended. */
static void a_damaged_page(void **state)
{
    struct store_rig *r = *state;
    struct store_repair p;
    struct lines l;
    uint64_t first, n;

    write_log(r, STR("room"), ENTRIES);
    write_log(r, STR("short"), 3);
    store_rig_lose(r, STR("room"), 100, &first, &n); /* folds; and a first hole */
    damage(r,
           "UPDATE page SET block = x'00' || substr(block, 2) WHERE id IN"
           " (SELECT min(id) FROM page GROUP BY id >> 35)",
           2);
    p = repair(r, &l, false);
    assert_int_equal(p.ret_failed, 1);
    assert_non_null(strstr(l.all, "room short, before entry 0: its end is damaged"));
    assert_true(p.ret_filled == p.ret_lost && p.ret_lost > n);
    p = repair(r, &l, false);
    assert_int_equal(p.ret_lost, 0);
}

#define ON(setup, test)                                                                  \
    {                                                                                    \
        .name = #test "_on_" #setup, .test_func = test, .setup_func = store_rig_##setup, \
        .teardown_func = store_rig_teardown,                                             \
    }
#define EACH(test) ON(mem, test), ON(sqlite, test)

CHECK_MAIN(EACH(the_middle), EACH(the_beginning), ON(sqlite, a_damaged_page), ON(mem, a_long_log),
           ON(sqlite, a_damaged_change))
