/* What the SQLite store does beyond the contract: folding, a full or damaged
 * disk, one owner of a directory, leaving nothing of what was redacted. */
#include "base/rng.h"
#include "base/str.h"
#include "lib/store_rig.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAMAGES 60
#define EXIT_DISK 74

static const unsigned lengths[] = {1, 31, 33, 63, 64, 65, 100, 128, 129};

static struct store_stats stats(struct store_rig *r)
{
    struct store_stats s;

    store_stats(r->store, &s);
    return s;
}

static void name_room(char name[static 16], unsigned n)
{
    (void)snprintf(name, 16, "room-%u", n);
}

/* Until nothing is left in memory. */
static void fold_all(struct store_rig *r)
{
    unsigned fold_n = r->options.fold_n;

    r->options.fold_n = 1;
    store_rig_reopen(r);
    assert_int_equal(store_rig_put(r, STR("any"), STR("v"), STORE_REV_ANY, NULL), STORE_OK);
    store_rig_sleep(r, 200);
    assert_int_equal(stats(r).unfolded, 0);
    r->options.fold_n = fold_n;
    store_rig_reopen(r);
}

static void check_lengths(struct store_rig *r, unsigned more)
{
    static const unsigned steps[] = {1, 7, 32, 1000};

    for (size_t i = 0; i < COUNTOF(lengths); i++) {
        char name[16];

        name_room(name, lengths[i]);
        for (size_t k = 0; k < COUNTOF(steps); k++)
            store_rig_check_filled(r, str_of(name), lengths[i] + more, steps[k]);
    }
}

/* Rooms of lengths around a page's, folded, added to, folded again, reopened. */
static void pages_and_memory_are_one_log(void **state)
{
    struct store_rig *r = *state;
    char name[16];

    for (size_t i = 0; i < COUNTOF(lengths); i++) {
        name_room(name, lengths[i]);
        store_rig_fill(r, str_of(name), lengths[i]);
    }
    check_lengths(r, 0);
    fold_all(r);
    check_lengths(r, 0);
    for (size_t i = 0; i < COUNTOF(lengths); i++) {
        name_room(name, lengths[i]);
        store_rig_fill(r, str_of(name), 3);
    }
    check_lengths(r, 3);
    store_rig_reopen(r);
    check_lengths(r, 3);
    fold_all(r);
    check_lengths(r, 3);
    store_rig_reopen(r);
    check_lengths(r, 3);
}

/* The log's head, and the last entry, where it is in a page only. */
static void log_of_a_folded_room(void **state)
{
    struct store_rig *r = *state;
    struct store_log log = {.room = STR("room")};

    store_rig_fill(r, STR("room"), 40);
    fold_all(r);
    for (int i = 0; i < 2; i++) {
        log.req = store_rig_req(r);
        store_log(r->store, &log);
        assert_int_equal(store_rig_wait(r, &log.req), STORE_OK);
        assert_int_equal(log.ret_head, 40);
        assert_int_equal(log.ret_epoch, 77);
        assert_true(str_eq(frame_str(log.ret_last), STR("room/40")));
        frame_unref(log.ret_last);
        store_rig_reopen(r);
    }
}

static void redact(struct store_rig *r, uint64_t target, uint64_t head)
{
    struct str entry = STR("e");
    struct store_amend amend = {target, STR("deleted"), STR("-")};
    struct store_append req = {
        .req = store_rig_req(r),
        .room = STR("room"),
        .head = head,
        .entries = &entry,
        .entries_n = 1,
        .amends = &amend,
        .amends_n = 1,
    };

    store_append(r->store, &req);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
}

/* Wherever it was: in the journal, in a page, in SQLite's log. */
static void nothing_is_left_of_what_was_redacted(void **state)
{
    struct store_rig *r = *state;

    store_rig_fill(r, STR("room"), 5);
    fold_all(r);
    assert_int_equal(store_rig_append(r, STR("room"), 5, STR("unfolded"), NULL), STORE_OK);
    assert_true(vfs_lossy_holds(r->vfs, STR("room/3")));
    assert_true(vfs_lossy_holds(r->vfs, STR("unfolded")));
    redact(r, 3, 6);
    redact(r, 6, 7);
    assert_string_equal(store_rig_read(r, STR("room"), 2, 9, 999),
                        "2=room/2 3=- 4=room/4 5=room/5 6=- 7=e 8=e");
    store_rig_sleep(r, 500);
    assert_false(vfs_lossy_holds(r->vfs, STR("room/3")));
    assert_false(vfs_lossy_holds(r->vfs, STR("unfolded")));
    assert_true(vfs_lossy_holds(r->vfs, STR("room/4")));
    fold_all(r);
    store_rig_reopen(r);
    assert_string_equal(store_rig_read(r, STR("room"), 2, 9, 999),
                        "2=room/2 3=- 4=room/4 5=room/5 6=- 7=e 8=e");
}

/* Nor in pages of the file that are no longer used. */
static void nothing_is_left_where_the_journal_was(void **state)
{
    struct store_rig *r = *state;
    char text[400], secret[32];

    for (unsigned i = 0; i < 120; i++) {
        (void)snprintf(text, sizeof(text), "secret-%03u%0*d", i, 350, 0);
        assert_int_equal(store_rig_append(r, STR("room"), i, str_of(text), NULL), STORE_OK);
    }
    fold_all(r);
    for (unsigned i = 0; i < 120; i += 3)
        redact(r, i + 1, 120 + i / 3);
    store_rig_sleep(r, 500);
    for (unsigned i = 0; i < 120; i++) {
        (void)snprintf(secret, sizeof(secret), "secret-%03u", i);
        assert_int_equal(vfs_lossy_holds(r->vfs, str_of(secret)), i % 3 != 0);
    }
}

static void expired_records_are_removed(void **state)
{
    struct store_rig *r = *state;
    struct store_put req = {
        .req = store_rig_req(r),
        .pk = STR("p"),
        .sk = STR("k"),
        .body = STR("a secret that expires"),
        .expires_ms = io_wall_ms(r->io) + 1000,
    };

    store_put(r->store, &req);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
    store_rig_sleep(r, 120000);
    assert_true(vfs_lossy_holds(r->vfs, STR("a secret that expires")));
    assert_int_equal(store_rig_put(r, STR("l"), STR("x"), 0, NULL), STORE_OK);
    store_rig_reopen(r);
    assert_false(vfs_lossy_holds(r->vfs, STR("a secret that expires")));
}

/* Appends until the store is full; what was acknowledged stays readable. */
static unsigned fill_up(struct store_rig *r)
{
    char big[4000];
    unsigned n = 0;
    enum store_result result;

    memset(big, 'x', sizeof(big));
    do {
        struct str entry = {(uint8_t *)big, sizeof(big)};

        result = store_rig_append(r, STR("big"), n, entry, NULL);
        n += result == STORE_OK;
        assert_true(n < 10000);
    } while (result == STORE_OK);
    assert_int_equal(result, STORE_FULL);
    assert_int_equal(store_rig_head(r, STR("big")), n);
    return n;
}

static void a_full_store_reads_and_removes(void **state)
{
    struct store_rig *r = *state;
    struct store_put remove = {
        .pk = STR("p"), .sk = STR("k"), .expect = STORE_REV_ANY, .remove = true};
    struct store_next next = {.req = store_rig_req(r), .counter = STR("c"), .n = 1};
    unsigned n;

    assert_int_equal(store_rig_put(r, STR("k"), STR("v"), 0, NULL), STORE_OK);
    r->options.bytes_max = 1 << 20;
    store_rig_reopen(r);
    n = fill_up(r);
    assert_true(n > 50);
    assert_int_equal(store_rig_append(r, STR("big"), n + 7, STR("x"), NULL), STORE_BEHIND);
    assert_int_equal(store_rig_put(r, STR("l"), STR("v"), 0, NULL), STORE_FULL);
    store_next(r->store, &next);
    assert_int_equal(store_rig_wait(r, &next.req), STORE_FULL);
    assert_string_equal(store_rig_get(r, STR("k"), NULL), "v");
    remove.req = store_rig_req(r);
    store_put(r->store, &remove);
    assert_int_equal(store_rig_wait(r, &remove.req), STORE_OK);
    assert_string_equal(store_rig_get(r, STR("k"), NULL), "-");
    store_rig_reopen(r);
    assert_int_equal(store_rig_append(r, STR("big"), n, STR("x"), NULL), STORE_FULL);
    r->options.bytes_max = 0;
    store_rig_reopen(r);
    assert_int_equal(store_rig_append(r, STR("big"), n, STR("x"), NULL), STORE_OK);
}

static void survive_a_full_disk(struct store_rig *r, uint64_t capacity)
{
    unsigned n;

    store_rig_fill(r, STR("room"), 40);
    vfs_lossy_set_capacity(r->vfs, capacity);
    n = fill_up(r);
    store_rig_check_filled(r, STR("room"), 40, 9);
    store_rig_sleep(r, 5000);
    vfs_lossy_set_capacity(r->vfs, 0);
    assert_int_equal(store_rig_append(r, STR("big"), n, STR("x"), NULL), STORE_OK);
    store_rig_fill(r, STR("room"), 40);
    store_rig_sleep(r, 5000);
    store_rig_reopen(r);
    store_rig_check_filled(r, STR("room"), 80, 9);
    assert_int_equal(store_rig_head(r, STR("big")), n + 1);
}

static void a_full_disk_is_survived(void **state)
{
    survive_a_full_disk(*state, 1 << 20);
}

/* SQLite's log is long by then, and cannot go into the database. */
static void a_full_larger_disk_is_survived(void **state)
{
    survive_a_full_disk(*state, 12 << 20);
}

/* A page that is no block fails its own room's requests and no others, also
 * those of the same transaction. */
static void a_damaged_page_fails_alone(void **state)
{
    struct store_rig *r = *state;
    struct str entry = STR("x");
    struct store_append bad = {.room = STR("bad"), .head = 3, .entries = &entry, .entries_n = 1};
    struct store_append good = {.room = STR("good"), .head = 3, .entries = &entry, .entries_n = 1};
    struct store_read read = {.room = STR("bad"), .from = 1, .count_max = 9, .bytes_max = 99};
    char path[128];
    sqlite3 *db;

    store_rig_fill(r, STR("bad"), 3);
    store_rig_fill(r, STR("good"), 3);
    fold_all(r);
    store_rig_close(r);
    (void)snprintf(path, sizeof(path), "%s/polylog.db", r->dir);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "lossy"), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE page SET block = x'0103ffff' WHERE id >> 35 ="
                                  " (SELECT id FROM room WHERE name = CAST('bad' AS BLOB))",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_changes(db), 1);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    store_rig_open(r);
    bad.req = good.req = read.req = store_rig_req(r);
    store_append(r->store, &bad);
    store_append(r->store, &good);
    store_read(r->store, &read);
    assert_int_equal(store_rig_wait(r, &bad.req), STORE_FAILED);
    assert_int_equal(store_rig_wait(r, &good.req), STORE_OK);
    assert_int_equal(store_rig_wait(r, &read.req), STORE_FAILED);
    assert_string_equal(store_rig_read(r, STR("good"), 3, 9, 99), "3=good/3 4=x");
}

/* What store_rig_fill has appended, or that it is lost, and nothing else. */
static void check_entries(const struct frame *block)
{
    struct store_item item;
    size_t at = 0;

    while (store_block_next(block, &at, &item)) {
        char text[32];

        (void)snprintf(text, sizeof(text), "room/%llu", (unsigned long long)item.key);
        if (!str_eq(item.body, STORE_LOST))
            assert_true(str_eq(item.body, str_of(text)));
    }
}

static void check_records(const struct frame *block)
{
    struct store_item item;
    size_t at = 0;

    while (store_block_next(block, &at, &item)) {
        assert_true(str_eq(item.name, STR("k")));
        assert_true(str_eq(item.body, STR("v")));
    }
}

static void try_everything(struct store_rig *r)
{
    struct str entry = STR("x");
    struct store_append append = {
        .req = store_rig_req(r), .room = STR("room"), .entries = &entry, .entries_n = 1};
    struct store_read read = {
        .req = store_rig_req(r), .room = STR("room"), .count_max = 999, .bytes_max = 99999};
    struct store_log log = {.req = store_rig_req(r), .room = STR("room")};
    struct store_list list = {.req = store_rig_req(r), .pk = STR("p"), .limit = 99};

    store_append(r->store, &append);
    store_read(r->store, &read);
    store_log(r->store, &log);
    store_list(r->store, &list);
    (void)store_rig_wait(r, &append.req);
    if (store_rig_wait(r, &read.req) == STORE_OK) {
        check_entries(read.ret_block);
        frame_unref(read.ret_block);
    }
    if (store_rig_wait(r, &log.req) == STORE_OK)
        frame_unref(log.ret_last);
    if (store_rig_wait(r, &list.req) == STORE_OK) {
        check_records(list.ret_block);
        frame_unref(list.ret_block);
    }
}

/* Whatever the disk gives back, nothing crashes, and nothing is served but what was
 * written. */
static void damage_anywhere_is_survived(void **state)
{
    struct store_rig *r = *state;
    unsigned refused = 0;

    for (unsigned i = 0; i < DAMAGES; i++) {
        char why[256];

        store_rig_close(r);
        vfs_lossy_free(r->vfs);
        r->vfs = vfs_lossy_new("lossy", check_seed(0) + i);
        store_rig_open(r);
        store_rig_fill(r, STR("room"), 100);
        assert_int_equal(store_rig_put(r, STR("k"), STR("v"), 0, NULL), STORE_OK);
        store_rig_sleep(r, 200);
        store_rig_close(r);
        vfs_lossy_damage(r->vfs, "polylog.db", 1 + i * 4);
        if (store_sqlite_open(r->host, &r->options, &r->store, why) == 0)
            try_everything(r);
        else
            refused++;
    }
    assert_true(refused < DAMAGES);
}

static void a_failed_sync_ends_the_process(void **state)
{
    struct store_rig *r = *state;
    int status;
    pid_t child;

    assert_int_equal(store_rig_append(r, STR("room"), 0, STR("a"), NULL), STORE_OK);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(STDERR_FILENO);
        vfs_lossy_fail_syncs(r->vfs, true);
        (void)store_rig_append(r, STR("room"), 1, STR("b"), NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_DISK);
}

static void a_directory_has_one_owner(void **state)
{
    struct store_rig *r = *state;
    struct store *other;
    char why[256] = "";

    assert_int_equal(store_sqlite_open(r->host, &r->options, &other, why), -EEXIST);
    assert_non_null(strstr(why, r->dir));
    store_rig_close(r);
    assert_int_equal(store_sqlite_open(r->host, &r->options, &other, why), 0);
    store_close(other);
}

static void refuse(struct store_rig *r, const char *change)
{
    char path[128], why[256] = "";
    sqlite3 *db;

    store_rig_close(r);
    (void)snprintf(path, sizeof(path), "%s/polylog.db", r->dir);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "lossy"), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, change, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(store_sqlite_open(r->host, &r->options, &r->store, why), -EPROTO);
    assert_true(strlen(why) > 0);
}

static void a_newer_schema_is_refused(void **state)
{
    refuse(*state, "PRAGMA user_version=1000");
}

static void change(struct store_rig *r, const char *what)
{
    char path[128];
    sqlite3 *db;

    store_rig_close(r);
    (void)snprintf(path, sizeof(path), "%s/polylog.db", r->dir);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "lossy"), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, what, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    store_rig_open(r);
}

/* One byte of a page or a record has changed, whichever: its reads fail, and the rest is
 * read. */
static void no_changed_byte_is_served(void **state)
{
    struct store_rig *r = *state;
    struct store_read read = {.room = STR("room"), .from = 1, .count_max = 9, .bytes_max = 999};
    struct store_get get = {.pk = STR("p"), .sk = STR("k")};

    store_rig_fill(r, STR("room"), 2);
    store_rig_fill(r, STR("good"), 2);
    fold_all(r);
    assert_int_equal(store_rig_put(r, STR("k"), STR("body"), 0, NULL), STORE_OK);
    change(
        r,
        "CREATE TABLE pages AS SELECT * FROM page; CREATE TABLE records AS SELECT * FROM record");
    for (unsigned at = 1; at <= 20; at++) {
        static const char flip[] =
            "REPLACE INTO page SELECT * FROM pages; REPLACE INTO record SELECT * FROM records;"
            "UPDATE page SET block = CAST(substr(block, 1, %u) || x'f5' || substr(block, %u)"
            " AS BLOB) WHERE id >> 35 = (SELECT id FROM room WHERE name = CAST('room' AS BLOB));"
            "UPDATE record SET body = CAST(substr(body, 1, %u) || x'f5' || substr(body, %u)"
            " AS BLOB) WHERE pk = CAST('p' AS BLOB)";
        char what[600];

        (void)snprintf(what, sizeof(what), flip, at - 1, at + 1, at % 8, at % 8 + 2);
        change(r, what);
        read.req = get.req = store_rig_req(r);
        store_read(r->store, &read);
        store_get(r->store, &get);
        assert_int_equal(store_rig_wait(r, &read.req), STORE_FAILED);
        assert_int_equal(store_rig_wait(r, &get.req), STORE_FAILED);
        assert_string_equal(store_rig_read(r, STR("good"), 1, 9, 999), "1=good/1 2=good/2");
    }
}

/* A database of before there were checksums: all of it is read, and sealed from then on. */
static void an_older_database_is_sealed(void **state)
{
    static const char unsealed[] = "UPDATE page SET block = substr(block, 1, length(block) - 4);"
                                   "UPDATE journal SET block = substr(block, 1, length(block) - 4);"
                                   "UPDATE amend SET state = substr(state, 1, length(state) - 4);"
                                   "UPDATE record SET body = substr(body, 1, length(body) - 4);"
                                   "ALTER TABLE room DROP COLUMN sum;"
                                   "ALTER TABLE counter DROP COLUMN sum;"
                                   "ALTER TABLE meta DROP COLUMN sum;"
                                   "PRAGMA user_version=1";
    static const char spoilt[] = "UPDATE record SET body = x'00' || substr(body, 2)";
    struct store_rig *r = *state;
    struct str body = STR("body");
    struct store_get get = {.pk = STR("p"), .sk = STR("k")};

    store_rig_fill(r, STR("room"), 3);
    fold_all(r);
    assert_int_equal(store_rig_append(r, STR("room"), 3, STR("in the journal"), NULL), STORE_OK);
    assert_int_equal(store_rig_put(r, STR("k"), body, 0, NULL), STORE_OK);
    for (int i = 0; i < 2; i++) {
        change(r, i == 0 ? unsealed : spoilt);
        assert_string_equal(store_rig_read(r, STR("room"), 1, 9, 999),
                            "1=room/1 2=room/2 3=room/3 4=in the journal");
        get.req = store_rig_req(r);
        store_get(r->store, &get);
        assert_int_equal(store_rig_wait(r, &get.req), i == 0 ? STORE_OK : STORE_FAILED);
        if (i == 0) {
            assert_true(str_eq(frame_str(get.ret_body), body));
            frame_unref(get.ret_body);
        }
    }
}

struct damage_heard {
    unsigned n;
    char last[256];
};

static void hear_damage(void *ctx, const char *why)
{
    struct damage_heard *h = ctx;

    h->n++;
    (void)snprintf(h->last, sizeof(h->last), "%s", why);
}

/* The id of the nth row of the room's journal. */
static unsigned journal_row(struct store_rig *r, const char *room, unsigned n)
{
    char path[128], what[160];
    sqlite3_stmt *stmt;
    sqlite3 *db;
    unsigned id;

    (void)snprintf(path, sizeof(path), "%s/polylog.db", r->dir);
    (void)snprintf(what, sizeof(what),
                   "SELECT id FROM journal WHERE name = CAST('%s' AS BLOB)"
                   " ORDER BY id LIMIT 1 OFFSET %u",
                   room, n - 1);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "lossy"), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, what, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    id = (unsigned)sqlite3_column_int(stmt, 0);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return id;
}

static enum store_result append_to(struct store_rig *r, struct str room, uint64_t head)
{
    struct str entry = STR("x");
    struct store_append req = {
        .req = store_rig_req(r), .room = room, .head = head, .entries = &entry, .entries_n = 1};

    store_append(r->store, &req);
    return store_rig_wait(r, &req.req);
}

static void assert_room_fails(struct store_rig *r, struct str room)
{
    struct store_log log = {.req = store_rig_req(r), .room = room};
    struct store_read read = {
        .req = store_rig_req(r), .room = room, .from = 1, .count_max = 9, .bytes_max = 999};

    store_log(r->store, &log);
    store_read(r->store, &read);
    assert_int_equal(store_rig_wait(r, &log.req), STORE_FAILED);
    assert_int_equal(store_rig_wait(r, &read.req), STORE_FAILED);
    for (uint64_t head = 0; head < 5; head++)
        assert_int_equal(append_to(r, room, head), STORE_FAILED);
}

/* A row of the journal is damaged, wherever: the start names it, its room fails, also for
 * writers, and the others go on. Nothing of that room's journal is removed by folding. */
static void a_damaged_row_of_the_journal_fails_its_room(void **state)
{
    static const char *const damages[] = {
        "block = x'00' || substr(block, 2)",
        "block = x''",
        "name = CAST('bat' AS BLOB)",
        "room = 999999",
        "first = 7",
    };
    struct store_rig *r = *state;
    struct damage_heard heard = {0};
    uint64_t good_head = 3;

    r->options.told = hear_damage;
    r->options.ctx = &heard;
    for (unsigned i = 0; i < COUNTOF(damages); i++) {
        char what[160], name[16];
        struct str room;

        name_room(name, i);
        room = str_of(name);
        for (uint64_t head = 0; head < 3; head++)
            assert_int_equal(append_to(r, room, head), STORE_OK);
        if (i == 0)
            store_rig_fill(r, STR("good"), 3);
        (void)snprintf(what, sizeof(what), "UPDATE journal SET %s WHERE id = %u", damages[i],
                       journal_row(r, name, 1 + i % 3));
        heard.n = 0;
        change(r, what);
        assert_true(heard.n > i && strstr(heard.last, name) != NULL);
        assert_room_fails(r, room);
        assert_int_equal(append_to(r, STR("good"), good_head++), STORE_OK);
    }
    fold_all(r);
    for (unsigned i = 0; i < COUNTOF(damages); i++) {
        char name[16];

        name_room(name, i);
        assert_room_fails(r, str_of(name));
    }
    assert_int_equal(append_to(r, STR("good"), good_head), STORE_OK);
}

/* Rows that have no value: of a room, of a counter, of the numbers. */
static void a_damaged_head_fails_alone(void **state)
{
    struct store_rig *r = *state;
    struct store_next next = {.counter = STR("user"), .n = 1};
    struct damage_heard heard = {0};

    r->options.told = hear_damage;
    r->options.ctx = &heard;
    store_rig_fill(r, STR("bad"), 3);
    store_rig_fill(r, STR("good"), 3);
    next.req = store_rig_req(r);
    store_next(r->store, &next);
    assert_int_equal(store_rig_wait(r, &next.req), STORE_OK);
    fold_all(r);
    change(r, "UPDATE room SET epoch = epoch + 1 WHERE name = CAST('bad' AS BLOB)");
    assert_int_equal(heard.n, 1);
    assert_non_null(strstr(heard.last, "bad"));
    assert_room_fails(r, STR("bad"));
    assert_int_equal(append_to(r, STR("good"), 3), STORE_OK);
    change(r, "UPDATE counter SET next = 1");
    next.req = store_rig_req(r);
    store_next(r->store, &next);
    assert_int_equal(store_rig_wait(r, &next.req), STORE_FAILED);
    change(r, "UPDATE meta SET value = 1");
    assert_int_equal(append_to(r, STR("new"), 0), STORE_OK);
    assert_string_equal(store_rig_read(r, STR("good"), 3, 9, 99), "3=good/3 4=x");
    assert_string_equal(store_rig_read(r, STR("new"), 1, 9, 99), "1=x");
}

static void another_programs_data_is_refused(void **state)
{
    refuse(*state, "PRAGMA application_id=1");
}

#define ON_LOSSY(test) \
    cmocka_unit_test_setup_teardown(test, store_rig_sqlite_lossy, store_rig_teardown)

CHECK_MAIN(ON_LOSSY(pages_and_memory_are_one_log), ON_LOSSY(log_of_a_folded_room),
           ON_LOSSY(nothing_is_left_of_what_was_redacted),
           ON_LOSSY(nothing_is_left_where_the_journal_was), ON_LOSSY(expired_records_are_removed),
           ON_LOSSY(a_full_store_reads_and_removes), ON_LOSSY(a_full_disk_is_survived),
           ON_LOSSY(a_full_larger_disk_is_survived), ON_LOSSY(a_damaged_page_fails_alone),
           ON_LOSSY(damage_anywhere_is_survived), ON_LOSSY(an_older_database_is_sealed),
           ON_LOSSY(no_changed_byte_is_served), ON_LOSSY(a_failed_sync_ends_the_process),
           ON_LOSSY(a_damaged_row_of_the_journal_fails_its_room),
           ON_LOSSY(a_damaged_head_fails_alone), ON_LOSSY(a_directory_has_one_owner),
           ON_LOSSY(a_newer_schema_is_refused), ON_LOSSY(another_programs_data_is_refused))
