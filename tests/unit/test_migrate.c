#include "migrate/migrate.h"

#include "base/str.h"
#include "lib/store_fault.h"
#include "lib/store_rig.h"

#include <stdio.h>

#define LONG_N 700
#define BIG_N 5
#define BIG_BYTES 100000
#define RUNS_MAX 500

/* r->store is the source; r->model, in memory, the target. */
static void open_target(struct store_rig *r)
{
    assert_int_equal(store_mem_open(r->host, NULL, &r->model), 0);
}

static struct migrate_options options(struct store_rig *r)
{
    return (struct migrate_options){
        .io = r->io, .from = r->store, .to = r->model, .lanes = 4, .verify = true};
}

static enum migrate_code run(struct store_rig *r, struct migrate_options o,
                             struct migrate_progress *ret_progress)
{
    struct migrate *m = migrate_new(&o);
    const char *why;
    enum migrate_code code;

    while (!migrate_ended(m))
        store_rig_turn(r);
    code = migrate_result(m, &why);
    assert_true((code == MIGRATE_OK) == (why[0] == '\0'));
    if (ret_progress != NULL)
        *ret_progress = *migrate_progress(m);
    migrate_free(m);
    return code;
}

static void append(struct store_rig *r, struct store *s, struct store_append a)
{
    a.req = store_rig_req(r);
    store_append(s, &a);
    assert_int_equal(store_rig_wait(r, &a.req), STORE_OK);
}

static void put(struct store_rig *r, struct store *s, struct store_put p)
{
    p.req = store_rig_req(r);
    p.expect = STORE_REV_ANY;
    store_put(s, &p);
    assert_int_equal(store_rig_wait(r, &p.req), STORE_OK);
}

static uint64_t next(struct store_rig *r, struct store *s, struct str counter, unsigned n)
{
    struct store_next q = {.req = store_rig_req(r), .counter = counter, .n = n};

    store_next(s, &q);
    assert_int_equal(store_rig_wait(r, &q.req), STORE_OK);
    return q.ret_first;
}

/* One entry behind head, which changes target: all of its first 200 are changed. */
static void change(struct store_rig *r, struct str room, uint64_t head, uint64_t target)
{
    struct str entry = STR("change");
    struct store_amend amend = {.target = target, .state = STR("state")};

    if (target % 10 == 0)
        amend.redacted = STR("gone");
    append(r, r->store,
           (struct store_append){.room = room,
                                 .head = head,
                                 .entries = &entry,
                                 .entries_n = 1,
                                 .amends = &amend,
                                 .amends_n = 1});
}

static void fill_source(struct store_rig *r)
{
    static uint8_t big[BIG_BYTES];
    struct str entry = {big, sizeof(big)};

    store_rig_fill(r, STR("short"), 1);
    store_rig_fill(r, STR("changed"), 300);
    for (uint64_t i = 0; i < 200; i++)
        change(r, STR("changed"), 300 + i, i + 1);
    store_rig_fill(r, STR("long"), LONG_N);
    for (uint64_t i = 0; i < BIG_N; i++)
        append(r, r->store,
               (struct store_append){
                   .room = STR("big"), .epoch = 5, .head = i, .entries = &entry, .entries_n = 1});
    for (unsigned i = 0; i < 600; i++) {
        char sk[16];

        (void)snprintf(sk, sizeof(sk), "k%u", i);
        put(r, r->store, (struct store_put){.pk = STR("p"), .sk = str_of(sk), .body = str_of(sk)});
    }
    put(r, r->store,
        (struct store_put){
            .pk = STR("p"), .sk = STR("expired"), .body = STR("x"), .expires_ms = 1});
    put(r, r->store,
        (struct store_put){.pk = STR("q"),
                           .sk = STR("expires"),
                           .body = STR("y"),
                           .expires_ms = io_wall_ms(r->io) + 3600000});
    assert_int_equal(next(r, r->store, STR("user"), 41), 1);
}

/* Looks at the target with the rig's functions. */
static void swap(struct store_rig *r)
{
    struct store *s = r->store;

    r->store = r->model;
    r->model = s;
}

static void check_target(struct store_rig *r)
{
    struct store_log log = {.room = STR("big")};
    uint64_t rev;

    swap(r);
    store_rig_check_filled(r, STR("long"), LONG_N, 50);
    assert_string_equal(store_rig_read(r, STR("changed"), 9, 3, 999),
                        "9=changed/9 10=gone 11=changed/11");
    assert_string_equal(store_rig_amends(r, STR("changed"), 79, 82),
                        "79=state 80=state 81=state 82=state");
    assert_string_equal(store_rig_amends(r, STR("changed"), 199, 500), "199=state 200=state");
    assert_int_equal(store_rig_head(r, STR("changed")), 500);
    log.req = store_rig_req(r);
    store_log(r->store, &log);
    assert_int_equal(store_rig_wait(r, &log.req), STORE_OK);
    assert_true(log.ret_epoch == 5 && log.ret_head == BIG_N && log.ret_last->n == BIG_BYTES);
    frame_unref(log.ret_last);
    assert_string_equal(store_rig_get(r, STR("k599"), &rev), "k599");
    assert_string_equal(store_rig_get(r, STR("expired"), &rev), "-");
    assert_int_equal(next(r, r->store, STR("user"), 1), 42);
    swap(r);
}

static void all_is_brought_over(void **state)
{
    struct store_rig *r = *state;
    struct migrate_progress p;

    open_target(r);
    fill_source(r);
    assert_int_equal(run(r, options(r), &p), MIGRATE_OK);
    assert_true(p.rooms == 4 && p.rooms_copied == 4 && p.rooms_verified == 4);
    assert_int_equal(p.entries, 1 + 500 + LONG_N + BIG_N);
    assert_int_equal(p.entries_copied, p.entries);
    assert_true(p.records == 601 && p.records_copied == 601 && p.counters_raised == 1);
    assert_true(p.done == p.all && p.all == p.entries + p.records);
    check_target(r);
}

/* Also back again, from the engine that is the target. */
static void nothing_is_brought_twice(void **state)
{
    struct store_rig *r = *state;
    struct migrate_progress p;

    open_target(r);
    fill_source(r);
    assert_int_equal(run(r, options(r), NULL), MIGRATE_OK);
    assert_int_equal(run(r, options(r), &p), MIGRATE_OK);
    assert_true(p.rooms_copied == 0 && p.entries_copied == 0 && p.rooms_kept == 4);
    assert_true(p.records_copied == 0 && p.records_kept == 601 && p.counters_raised == 0);
    swap(r);
    assert_int_equal(run(r, options(r), &p), MIGRATE_OK);
    assert_true(p.entries_copied == 0 && p.records_copied == 0);
    swap(r);
    check_target(r);
}

static void a_dry_run_writes_nothing(void **state)
{
    struct store_rig *r = *state;
    struct migrate_options o;
    struct migrate_progress p;

    open_target(r);
    store_rig_fill(r, STR("room"), 3);
    assert_int_equal(store_rig_put(r, STR("k"), STR("v"), 0, NULL), STORE_OK);
    o = options(r);
    o.dry_run = true;
    assert_int_equal(run(r, o, &p), MIGRATE_OK);
    assert_true(p.rooms == 1 && p.entries == 3 && p.records == 1);
    swap(r);
    assert_int_equal(store_rig_head(r, STR("room")), 0);
    assert_string_equal(store_rig_get(r, STR("k"), NULL), "-");
    swap(r);
}

/* Each kind of other data, alone; the source is not written behind it. */
static void other_data_is_refused(void **state)
{
    struct store_rig *r = *state;
    struct str entry = STR("room/1");
    struct store_append other = {.room = STR("other"), .entries = &entry, .entries_n = 1};
    struct store_append epoch = {
        .room = STR("room"), .epoch = 78, .entries = &entry, .entries_n = 1};
    struct str text = STR("text"), two[] = {STR("room/1"), STR("room/2")};
    struct store_append content = {
        .room = STR("room"), .epoch = 77, .entries = &text, .entries_n = 1};
    struct store_append longer = {.room = STR("room"), .epoch = 77, .entries = two, .entries_n = 2};
    const struct store_append *const appends[] = {&other, &epoch, &content, &longer};
    struct store_put puts[] = {{.pk = STR("p"), .sk = STR("k"), .body = STR("w")},
                               {.pk = STR("p"), .sk = STR("l"), .body = STR("v")}};

    store_rig_fill(r, STR("room"), 1);
    store_rig_fill(r, STR("first"), 1);
    assert_int_equal(store_rig_put(r, STR("k"), STR("v"), 0, NULL), STORE_OK);
    for (size_t i = 0; i < COUNTOF(appends) + COUNTOF(puts); i++) {
        open_target(r);
        if (i < COUNTOF(appends))
            append(r, r->model, *appends[i]);
        else
            put(r, r->model, puts[i - COUNTOF(appends)]);
        assert_int_equal(run(r, options(r), NULL), MIGRATE_TARGET_OTHER);
        swap(r);
        assert_int_equal(store_rig_head(r, STR("first")), 0);
        swap(r);
        store_close(r->model);
        r->model = NULL;
    }
}

/* A later change of an entry that was brought over before is not seen by
 * copying, but by verifying. */
static void what_changed_since_is_noticed(void **state)
{
    struct store_rig *r = *state;
    struct migrate_options o;

    open_target(r);
    store_rig_fill(r, STR("room"), 20);
    assert_int_equal(run(r, options(r), NULL), MIGRATE_OK);
    store_rig_fill(r, STR("room"), 1);
    assert_int_equal(run(r, options(r), NULL), MIGRATE_OK);
    change(r, STR("room"), 21, 10);
    o = options(r);
    o.verify = false;
    assert_int_equal(run(r, o, NULL), MIGRATE_OK);
    assert_int_equal(run(r, options(r), NULL), MIGRATE_DIFFERS);
}

static void counters_are_at_least_as_high(void **state)
{
    struct store_rig *r = *state;

    open_target(r);
    assert_int_equal(next(r, r->store, STR("a"), 10), 1);
    assert_int_equal(next(r, r->store, STR("b"), 10), 1);
    assert_int_equal(next(r, r->model, STR("a"), 4), 1);
    assert_int_equal(next(r, r->model, STR("b"), 40), 1);
    assert_int_equal(run(r, options(r), NULL), MIGRATE_OK);
    assert_int_equal(next(r, r->model, STR("a"), 1), 11);
    assert_int_equal(next(r, r->model, STR("b"), 1), 41);
}

/* Requests to the target fail, or are carried out and reported as failed: each
 * run ends at the first of them, and the next goes on from there. */
static void a_failed_run_goes_on(void **state)
{
    struct store_rig *r = *state;
    struct store_fault *f;
    enum migrate_code code;
    struct migrate_progress p = {.step = NULL};
    uint64_t copied = 0;
    unsigned runs = 0;

    open_target(r);
    fill_source(r);
    f = store_fault_new(
        r->model, check_seed(11),
        (struct store_fault_options){.fail = 8, .lose = 8, .delay = 200, .turns_max = 20});
    r->model = store_fault_store(f);
    do {
        code = run(r, options(r), &p);
        copied += p.entries_copied;
        if (runs++ > RUNS_MAX)
            store_fault_set(f, (struct store_fault_options){.fail = 0});
        assert_true(code == MIGRATE_OK || code == MIGRATE_TARGET_FAILED);
    } while (code != MIGRATE_OK);
    assert_true(runs > 2);
    assert_true(p.entries_copied < p.entries);
    assert_true(copied <= p.entries); /* those of a lost answer are not counted */
    store_fault_set(f, (struct store_fault_options){.fail = 0});
    check_target(r);
}

static void stopping_ends_it_soon(void **state)
{
    struct store_rig *r = *state;
    struct migrate_options o;
    struct migrate *m;
    const char *why;

    open_target(r);
    fill_source(r);
    o = options(r);
    m = migrate_new(&o);
    while (migrate_progress(m)->entries_copied < 100)
        store_rig_turn(r);
    migrate_stop(m);
    while (!migrate_ended(m))
        store_rig_turn(r);
    assert_int_equal(migrate_result(m, &why), MIGRATE_INTERRUPTED);
    assert_true(migrate_progress(m)->entries_copied < migrate_progress(m)->entries);
    assert_string_equal(migrate_code_text(MIGRATE_INTERRUPTED), "interrupted");
    migrate_free(m);
    assert_int_equal(run(r, options(r), NULL), MIGRATE_OK);
    check_target(r);
}

#define ON(setup, test)                                                                    \
    {                                                                                      \
        .name = #test "_from_" #setup, .test_func = test, .setup_func = store_rig_##setup, \
        .teardown_func = store_rig_teardown,                                               \
    }
#define EACH(test) ON(mem_sim, test), ON(sqlite, test), ON(sqlite_sim, test)

CHECK_MAIN(EACH(all_is_brought_over), EACH(nothing_is_brought_twice),
           EACH(a_dry_run_writes_nothing), EACH(other_data_is_refused),
           EACH(what_changed_since_is_noticed), EACH(counters_are_at_least_as_high),
           ON(mem_sim, a_failed_run_goes_on), ON(sqlite_sim, a_failed_run_goes_on),
           EACH(stopping_ends_it_soon))
