/* The contract of store.h, one body over every engine and host. */
#include "base/rng.h"
#include "base/str.h"
#include "lib/store_rig.h"

#include <stdio.h>

#define ROOMS 500
#define RACERS 40
#define ROUNDS 60
#define KEYS 8

static void append_numbers_entries(void **state)
{
    struct store_rig *r = *state;
    const struct str entries[] = {STR("b"), STR(""), STR("d")};
    struct store_append req = {
        .req = store_rig_req(r),
        .room = STR("room"),
        .epoch = 12,
        .head = 1,
        .entries = entries,
        .entries_n = 3,
    };
    struct store_log log = {.req = store_rig_req(r), .room = STR("room")};
    uint64_t head = 99;

    store_log(r->store, &log);
    assert_non_null(log.req.done);
    assert_int_equal(store_rig_wait(r, &log.req), STORE_OK);
    assert_true(log.ret_head == 0 && log.ret_epoch == 0 && log.ret_last == NULL);
    assert_int_equal(store_rig_append(r, STR("room"), 0, STR("a"), &head), STORE_OK);
    assert_int_equal(head, 1);
    store_append(r->store, &req);
    assert_non_null(req.req.done);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
    assert_int_equal(req.ret_head, 4);
    assert_string_equal(store_rig_read(r, STR("room"), 1, 100, 1000), "1=a 2=b 3= 4=d");
    assert_string_equal(store_rig_read(r, STR("other"), 1, 100, 1000), "");
    log.req = store_rig_req(r);
    store_log(r->store, &log);
    assert_int_equal(store_rig_wait(r, &log.req), STORE_OK);
    assert_int_equal(log.ret_head, 4);
    assert_int_equal(log.ret_first, 1);
    assert_int_equal(log.ret_epoch, 77);
    assert_true(str_eq(frame_str(log.ret_last), STR("d")));
    frame_unref(log.ret_last);
}

static void append_behind_another_head_conflicts(void **state)
{
    struct store_rig *r = *state;
    struct str entry = STR("x");
    struct store_amend amend = {1, STR("state"), STR("gone")};
    struct store_append req = {
        .room = STR("room"),
        .head = 1,
        .entries = &entry,
        .entries_n = 1,
        .amends = &amend,
        .amends_n = 1,
    };
    uint64_t head = 0;

    assert_int_equal(store_rig_append(r, STR("room"), 3, STR("a"), &head), STORE_BEHIND);
    assert_int_equal(head, 0);
    assert_int_equal(store_rig_head(r, STR("room")), 0);
    assert_int_equal(store_rig_append(r, STR("room"), 0, STR("a"), &head), STORE_OK);
    assert_int_equal(store_rig_append(r, STR("room"), 1, STR("b"), &head), STORE_OK);
    assert_int_equal(store_rig_append(r, STR("room"), 0, STR("c"), &head), STORE_CONFLICT);
    assert_int_equal(head, 2);
    assert_int_equal(store_rig_append(r, STR("room"), 5, STR("c"), &head), STORE_BEHIND);
    assert_int_equal(head, 2);
    req.req = store_rig_req(r);
    store_append(r->store, &req);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_CONFLICT);
    assert_int_equal(req.ret_head, 2);
    assert_string_equal(store_rig_read(r, STR("room"), 1, 100, 1000), "1=a 2=b");
    assert_string_equal(store_rig_amends(r, STR("room"), 1, 9), "");
}

/* What is written is not answered as done while nobody knows which store this is; what proves
 * it is. */
static void nothing_is_done_that_is_not_believed(void **state)
{
    struct store_rig *r = *state;
    struct store_put put = {.pk = STR("p"), .sk = STR("proof"), .body = STR("1"), .proves = true};
    uint64_t head = 0, rev = 0;

    store_believe(r->store, io_now_ms(r->io) + 60000);
    assert_int_equal(store_rig_append(r, STR("room"), 0, STR("a"), &head), STORE_OK);
    store_believe(r->store, MAX(io_now_ms(r->io), (uint64_t)2));
    assert_false(store_is_believed(r->store, io_now_ms(r->io)));
    assert_int_equal(store_rig_append(r, STR("room"), 1, STR("b"), &head), STORE_FAILED);
    assert_int_equal(store_rig_put(r, STR("k"), STR("x"), STORE_REV_ANY, &rev), STORE_FAILED);
    put.req = store_rig_req(r);
    store_put(r->store, &put);
    assert_int_equal(store_rig_wait(r, &put.req), STORE_OK);
    assert_int_equal(store_rig_append(r, STR("room"), 1, STR("b"), &head), STORE_CONFLICT);
    assert_int_equal(head, 2); /* it was done */
    store_believe(r->store, UINT64_MAX);
    assert_int_equal(store_rig_append(r, STR("room"), 2, STR("c"), &head), STORE_OK);
}

static void a_store_that_is_shut_takes_nothing(void **state)
{
    struct store_rig *r = *state;
    struct store_put put = {.pk = STR("p"), .sk = STR("proof"), .body = STR("1"), .proves = true};
    struct store_next next = {.counter = STR("users"), .n = 1};
    uint64_t head = 0, rev = 0;

    assert_int_equal(store_rig_append(r, STR("room"), 0, STR("a"), &head), STORE_OK);
    store_believe(r->store, UINT64_MAX);
    store_shut(r->store);
    store_believe(r->store, UINT64_MAX); /* comes too late */
    assert_true(store_is_shut(r->store));
    assert_int_equal(store_rig_append(r, STR("room"), 1, STR("b"), &head), STORE_BEHIND);
    assert_int_equal(store_rig_put(r, STR("k"), STR("x"), STORE_REV_ANY, &rev), STORE_BEHIND);
    next.req = store_rig_req(r);
    store_next(r->store, &next);
    assert_int_equal(store_rig_wait(r, &next.req), STORE_BEHIND);
    put.req = store_rig_req(r);
    store_put(r->store, &put);
    assert_int_equal(store_rig_wait(r, &put.req), STORE_BEHIND);
    assert_string_equal(store_rig_read(r, STR("room"), 1, 100, 1000), "1=a");
    assert_string_equal(store_rig_get(r, STR("k"), &rev), "-");
}

static void read_keeps_its_bounds(void **state)
{
    struct store_rig *r = *state;
    uint64_t head = 0;

    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(store_rig_append(r, STR("r"), head, STR("0123456789"), &head), STORE_OK);
    assert_string_equal(store_rig_read(r, STR("r"), 4, 100, 1000), "4=0123456789 5=0123456789");
    assert_string_equal(store_rig_read(r, STR("r"), 2, 1, 1000), "2=0123456789");
    assert_string_equal(store_rig_read(r, STR("r"), 0, 1, 1000), "1=0123456789");
    assert_string_equal(store_rig_read(r, STR("r"), 2, 9, 20), "2=0123456789 3=0123456789");
    assert_string_equal(store_rig_read(r, STR("r"), 2, 9, 0), "2=0123456789");
    assert_string_equal(store_rig_read(r, STR("r"), 6, 9, 1000), "");
    assert_string_equal(store_rig_read(r, STR("r"), UINT64_MAX, 9, 1000), "");
    assert_string_equal(store_rig_read(r, STR("r"), 1, 0, 1000), "");
}

/* One entry with n amends. */
static void amend_many(struct store_rig *r, uint64_t head, const struct store_amend *a, unsigned n)
{
    struct str entry = STR("e");
    struct store_append req = {
        .req = store_rig_req(r),
        .room = STR("room"),
        .head = head,
        .entries = &entry,
        .entries_n = 1,
        .amends = a,
        .amends_n = n,
    };

    store_append(r->store, &req);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
}

static void amend(struct store_rig *r, uint64_t head, struct store_amend a)
{
    amend_many(r, head, &a, 1);
}

static void amends_are_the_latest_state(void **state)
{
    struct store_rig *r = *state;

    store_rig_fill(r, STR("room"), 4);
    store_rig_fill(r, STR("roon"), 4);
    amend(r, 4, (struct store_amend){.target = 3, .state = STR("three")});
    amend(r, 5, (struct store_amend){.target = 1, .state = STR("one")});
    amend(r, 6, (struct store_amend){.target = 3, .state = STR("drei")});
    assert_string_equal(store_rig_amends(r, STR("room"), 0, UINT64_MAX), "1=one 3=drei");
    assert_string_equal(store_rig_amends(r, STR("room"), 2, 3), "3=drei");
    assert_string_equal(store_rig_amends(r, STR("room"), 4, 9), "");
    assert_string_equal(store_rig_amends(r, STR("room"), 3, 1), "");
    assert_string_equal(store_rig_amends(r, STR("roon"), 0, 9), "");
    assert_string_equal(store_rig_amends(r, STR("none"), 0, 9), "");
    assert_string_equal(store_rig_read(r, STR("room"), 3, 3, 1000), "3=room/3 4=room/4 5=e");
}

static void redaction_replaces_the_entry(void **state)
{
    struct store_rig *r = *state;
    struct store_log log = {.room = STR("room")};

    store_rig_fill(r, STR("room"), 3);
    amend(r, 3, (struct store_amend){2, STR("s"), STR("a much longer text than before")});
    amend(r, 4, (struct store_amend){3, STR("t"), STR("")});
    amend(r, 5, (struct store_amend){99, STR("u"), STR("nobody")});
    amend(r, 6, (struct store_amend){7, STR("v"), STR("itself")});
    assert_string_equal(store_rig_read(r, STR("room"), 1, 9, 1000),
                        "1=room/1 2=a much longer text than before 3= 4=e 5=e 6=e 7=itself");
    assert_string_equal(store_rig_amends(r, STR("room"), 1, 9), "2=s 3=t 7=v");
    log.req = store_rig_req(r);
    store_log(r->store, &log);
    assert_int_equal(store_rig_wait(r, &log.req), STORE_OK);
    assert_true(str_eq(frame_str(log.ret_last), STR("itself")));
    frame_unref(log.ret_last);
}

/* Without a state an amend leaves the one that there is. */
static void an_amend_may_only_redact(void **state)
{
    struct store_rig *r = *state;
    struct store_amend many[STORE_AMENDS_MAX];

    store_rig_fill(r, STR("room"), 4);
    amend(r, 4, (struct store_amend){.target = 2, .state = STR("two")});
    amend_many(r, 5,
               (struct store_amend[]){{.target = 1, .state = STR("one"), .redacted = STR("a")},
                                      {.target = 2, .redacted = STR("b")},
                                      {.target = 4, .redacted = STR("c")},
                                      {.target = 6, .redacted = STR("d")},
                                      {.target = 99, .redacted = STR("e")},
                                      {.target = 3}},
               6);
    assert_string_equal(store_rig_read(r, STR("room"), 1, 9, 1000), "1=a 2=b 3=room/3 4=c 5=e 6=d");
    assert_string_equal(store_rig_amends(r, STR("room"), 0, 99), "1=one 2=two");
    amend(r, 6, (struct store_amend){.target = 1, .redacted = STR("")});
    assert_string_equal(store_rig_read(r, STR("room"), 1, 1, 1000), "1=");

    store_rig_fill(r, STR("room"), 200); /* the first are folded */
    for (unsigned i = 0; i < STORE_AMENDS_MAX; i++)
        many[i] = (struct store_amend){.target = 2 * i + 1, .redacted = STR("x")};
    amend_many(r, 207, many, STORE_AMENDS_MAX);
    for (unsigned i = 0; i < STORE_AMENDS_MAX; i++) {
        char one[16];

        (void)snprintf(one, sizeof(one), "%u=x", 2 * i + 1);
        assert_string_equal(store_rig_read(r, STR("room"), 2 * i + 1, 1, 1000), one);
    }
    assert_string_equal(store_rig_amends(r, STR("room"), 0, 999), "1=one 2=two");
}

static void put_is_conditional(void **state)
{
    struct store_rig *r = *state;
    uint64_t rev = 5, first, second;

    assert_string_equal(store_rig_get(r, STR("k"), &rev), "-");
    assert_int_equal(rev, 0);
    assert_int_equal(store_rig_put(r, STR("k"), STR("a"), 1, &rev), STORE_CONFLICT);
    assert_int_equal(rev, 0);
    assert_int_equal(store_rig_put(r, STR("k"), STR("a"), 0, &first), STORE_OK);
    assert_string_equal(store_rig_get(r, STR("k"), &rev), "a");
    assert_true(rev == first && first != 0);
    assert_int_equal(store_rig_put(r, STR("k"), STR("b"), 0, &rev), STORE_CONFLICT);
    assert_int_equal(rev, first);
    assert_int_equal(store_rig_put(r, STR("k"), STR("b"), first, &second), STORE_OK);
    assert_true(second != first && second != 0);
    assert_int_equal(store_rig_put(r, STR("k"), STR("c"), first, &rev), STORE_CONFLICT);
    assert_int_equal(rev, second);
    assert_string_equal(store_rig_get(r, STR("k"), &rev), "b");
    assert_int_equal(rev, second);
    assert_int_equal(store_rig_put(r, STR("k"), STR(""), STORE_REV_ANY, &rev), STORE_OK);
    assert_string_equal(store_rig_get(r, STR("k"), &rev), "");
    assert_int_equal(store_rig_put(r, STR("l"), STR("any"), STORE_REV_ANY, &rev), STORE_OK);
    assert_string_equal(store_rig_get(r, STR("l"), &rev), "any");
}

static enum store_result remove_k(struct store_rig *r, uint64_t expect, uint64_t *ret_rev)
{
    struct store_put req = {
        .req = store_rig_req(r),
        .pk = STR("p"),
        .sk = STR("k"),
        .expect = expect,
        .remove = true,
    };

    store_put(r->store, &req);
    (void)store_rig_wait(r, &req.req);
    *ret_rev = req.ret_rev;
    return req.req.result;
}

static void put_removes(void **state)
{
    struct store_rig *r = *state;
    uint64_t rev, other;

    assert_int_equal(remove_k(r, STORE_REV_ANY, &rev), STORE_OK);
    assert_int_equal(store_rig_put(r, STR("k"), STR("a"), 0, &rev), STORE_OK);
    assert_int_equal(remove_k(r, rev + 1, &other), STORE_CONFLICT);
    assert_int_equal(other, rev);
    assert_int_equal(remove_k(r, rev, &other), STORE_OK);
    assert_int_equal(other, 0);
    assert_string_equal(store_rig_get(r, STR("k"), &other), "-");
    assert_int_equal(remove_k(r, rev, &other), STORE_CONFLICT);
    assert_int_equal(store_rig_put(r, STR("k"), STR("b"), 0, &rev), STORE_OK);
    assert_string_equal(store_rig_get(r, STR("k"), &other), "b");
}

static void list_is_in_bytewise_order(void **state)
{
    struct store_rig *r = *state;
    static const struct str names[] = {STR("b"), STR("a/2"), STR("\xff"), STR("a/10"),
                                       STR("a"), STR("a/1"), STR("B"),    STR("a0")};
    struct store_put other = {.req = store_rig_req(r),
                              .pk = STR("p2"),
                              .sk = STR("a/3"),
                              .body = STR("no"),
                              .expect = STORE_REV_ANY};

    for (size_t i = 0; i < COUNTOF(names); i++)
        assert_int_equal(store_rig_put(r, names[i], STR("v"), 0, NULL), STORE_OK);
    store_put(r->store, &other);
    assert_int_equal(store_rig_wait(r, &other.req), STORE_OK);
    assert_string_equal(store_rig_list(r, STR(""), STR(""), 99),
                        "B=v a=v a/1=v a/10=v a/2=v a0=v b=v \xff=v");
    assert_string_equal(store_rig_list(r, STR("a/"), STR(""), 99), "a/1=v a/10=v a/2=v");
    assert_string_equal(store_rig_list(r, STR("a/"), STR("a/1"), 99), "a/10=v a/2=v");
    assert_string_equal(store_rig_list(r, STR("a/"), STR("a"), 2), "a/1=v a/10=v");
    assert_string_equal(store_rig_list(r, STR(""), STR("a/3"), 2), "a0=v b=v");
    assert_string_equal(store_rig_list(r, STR("a/"), STR("b"), 2), "");
    assert_string_equal(store_rig_list(r, STR("\xff"), STR(""), 2), "\xff=v");
    assert_string_equal(store_rig_list(r, STR("\xff"), STR("\xff"), 2), "");
    assert_string_equal(store_rig_list(r, STR("a"), STR(""), 0), "");
    assert_int_equal(store_rig_put(r, STR("b"), STR("w"), STORE_REV_ANY, NULL), STORE_OK);
    assert_string_equal(store_rig_list(r, STR("b"), STR(""), 9), "b=w");
}

static void one_of_many_racers_wins(void **state)
{
    struct store_rig *r = *state;
    struct store_put puts[RACERS];
    struct store_append appends[RACERS];
    struct str entry = STR("e");
    unsigned put_n = 0, append_n = 0;

    for (unsigned i = 0; i < RACERS; i++) {
        puts[i] = (struct store_put){
            .req = store_rig_req(r), .pk = STR("p"), .sk = STR("k"), .body = STR("v")};
        appends[i] = (struct store_append){
            .req = store_rig_req(r), .room = STR("room"), .entries = &entry, .entries_n = 1};
        store_put(r->store, &puts[i]);
        store_append(r->store, &appends[i]);
    }
    for (unsigned i = 0; i < RACERS; i++) {
        enum store_result put = store_rig_wait(r, &puts[i].req);
        enum store_result append = store_rig_wait(r, &appends[i].req);

        put_n += put == STORE_OK;
        append_n += append == STORE_OK;
        assert_true(put == STORE_OK || put == STORE_CONFLICT);
        assert_true(append == STORE_OK || append == STORE_CONFLICT);
        assert_int_equal(appends[i].ret_head, 1);
    }
    assert_int_equal(put_n, 1);
    assert_int_equal(append_n, 1);
    assert_int_equal(store_rig_head(r, STR("room")), 1);
}

static void counters_never_repeat(void **state)
{
    struct store_rig *r = *state;
    struct store_next reqs[RACERS];
    bool given[RACERS * 6 + 1] = {false};
    const uint64_t most = RACERS * (r->gaps ? 6 : 3);

    for (unsigned i = 0; i < RACERS; i++) {
        reqs[i] = (struct store_next){.req = store_rig_req(r), .counter = STR("c"), .n = i % 5 + 1};
        store_next(r->store, &reqs[i]);
    }
    for (unsigned i = 0; i < RACERS; i++) {
        assert_int_equal(store_rig_wait(r, &reqs[i].req), STORE_OK);
        for (uint64_t v = reqs[i].ret_first; v < reqs[i].ret_first + reqs[i].n; v++) {
            assert_true(v >= 1 && v <= most);
            assert_false(given[v]);
            given[v] = true;
        }
    }
    reqs[0].req = store_rig_req(r);
    reqs[0].counter = STR("d");
    store_next(r->store, &reqs[0]);
    assert_int_equal(store_rig_wait(r, &reqs[0].req), STORE_OK);
    assert_true(reqs[0].ret_first == 1 || r->gaps);
}

static void records_expire(void **state)
{
    struct store_rig *r = *state;
    struct store_put req = {
        .req = store_rig_req(r),
        .pk = STR("p"),
        .sk = STR("k"),
        .body = STR("v"),
        .expires_ms = io_wall_ms(r->io) + 3600 * 1000, /* however slow this machine is */
    };
    uint64_t rev;

    store_put(r->store, &req);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
    assert_int_equal(store_rig_put(r, STR("l"), STR("w"), 0, NULL), STORE_OK);
    assert_string_equal(store_rig_get(r, STR("k"), &rev), "v");
    assert_string_equal(store_rig_list(r, STR(""), STR(""), 9), "k=v l=w");
    req.req = store_rig_req(r);
    req.expect = req.ret_rev;
    req.expires_ms = io_wall_ms(r->io) + 300;
    store_put(r->store, &req);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
    store_rig_sleep(r, 400);
    assert_string_equal(store_rig_list(r, STR(""), STR(""), 9), "l=w");
    assert_string_equal(store_rig_get(r, STR("k"), &rev), "-");
    assert_int_equal(rev, 0);
    assert_int_equal(store_rig_put(r, STR("k"), STR("x"), req.ret_rev, &rev), STORE_CONFLICT);
    assert_int_equal(rev, 0);
    assert_int_equal(store_rig_put(r, STR("k"), STR("x"), 0, &rev), STORE_OK);
    assert_string_equal(store_rig_get(r, STR("k"), &rev), "x");
}

/* ROOMS appends at once, three times, and all of them are found. */
static void many_rooms_at_once(void **state)
{
    struct store_rig *r = *state;
    static struct store_append reqs[ROOMS];
    static char names[ROOMS][16], bodies[ROOMS][3][32];
    static struct str entries[ROOMS];

    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < ROOMS; i++) {
            (void)snprintf(names[i], sizeof(names[i]), "many%u", i);
            (void)snprintf(bodies[i][round], sizeof(bodies[i][round]), "many%u/%u", i, round + 1);
            entries[i] = str_of(bodies[i][round]);
            reqs[i] = (struct store_append){
                .req = store_rig_req(r),
                .room = str_of(names[i]),
                .epoch = i + 1,
                .head = round,
                .entries = &entries[i],
                .entries_n = 1,
            };
            store_append(r->store, &reqs[i]);
        }
        for (unsigned i = 0; i < ROOMS; i++) {
            assert_int_equal(store_rig_wait(r, &reqs[i].req), STORE_OK);
            assert_int_equal(reqs[i].ret_head, round + 1);
        }
    }
    for (unsigned i = 0; i < ROOMS; i += 7)
        store_rig_check_filled(r, str_of(names[i]), 3, 2);
}

/* Requests in flight at the close are done all the same. */
static void close_completes_what_is_in_flight(void **state)
{
    struct store_rig *r = *state;
    struct str entry = STR("e");
    struct store_append append = {
        .req = store_rig_req(r), .room = STR("room"), .entries = &entry, .entries_n = 1};
    struct store_put put = {
        .req = store_rig_req(r), .pk = STR("p"), .sk = STR("k"), .body = STR("v")};
    struct store_get get = {.req = store_rig_req(r), .pk = STR("p"), .sk = STR("none")};
    struct store_read read = {
        .req = store_rig_req(r), .room = STR("none"), .count_max = 9, .bytes_max = 9};

    store_believe(r->store, UINT64_MAX); /* what asks it ends after it */
    store_append(r->store, &append);
    store_put(r->store, &put);
    store_get(r->store, &get);
    store_read(r->store, &read);
    store_rig_close(r);
    assert_true(append.req.done != NULL && get.req.done != NULL);
    assert_true(store_rig_wait(r, &append.req) == STORE_OK || append.req.result == STORE_CANCELED);
    assert_true(store_rig_wait(r, &put.req) == STORE_OK || put.req.result == STORE_CANCELED);
    if (store_rig_wait(r, &get.req) == STORE_OK)
        frame_unref(get.ret_body);
    if (store_rig_wait(r, &read.req) == STORE_OK)
        frame_unref(read.ret_block);
    store_rig_open(r);
    if (!r->remote || append.req.result == STORE_OK) /* else nobody knows */
        assert_int_equal(store_rig_head(r, STR("room")), append.req.result == STORE_OK);
}

static void all_is_there_after_reopening(void **state)
{
    struct store_rig *r = *state;
    struct store_next next = {.req = store_rig_req(r), .counter = STR("c"), .n = 3};
    uint64_t rev, again;

    store_rig_fill(r, STR("room"), 5);
    amend(r, 5, (struct store_amend){2, STR("s"), STR("gone")});
    assert_int_equal(store_rig_put(r, STR("k"), STR("v"), 0, &rev), STORE_OK);
    store_next(r->store, &next);
    assert_int_equal(store_rig_wait(r, &next.req), STORE_OK);
    store_rig_reopen(r);
    assert_string_equal(store_rig_read(r, STR("room"), 2, 2, 99), "2=gone 3=room/3");
    assert_int_equal(store_rig_append(r, STR("room"), 6, STR("on"), NULL), STORE_OK);
    assert_string_equal(store_rig_read(r, STR("room"), 5, 9, 99), "5=room/5 6=e 7=on");
    assert_string_equal(store_rig_amends(r, STR("room"), 0, 9), "2=s");
    assert_string_equal(store_rig_get(r, STR("k"), &again), "v");
    assert_int_equal(again, rev);
    assert_int_equal(store_rig_put(r, STR("k"), STR("w"), rev, &again), STORE_OK);
    assert_int_not_equal(again, rev);
    next.req = store_rig_req(r);
    store_next(r->store, &next);
    assert_int_equal(store_rig_wait(r, &next.req), STORE_OK);
    assert_true(next.ret_first == 4 || (r->gaps && next.ret_first > 4));
}

/* A page of a walk: "name/sk@number=body ..." added to text; the cursor, or NULL. */
static struct frame *walk_page(struct store_rig *r, enum store_walk_kind kind, unsigned limit,
                               struct frame *cursor, char text[static 4096])
{
    struct store_walk req = {.req = store_rig_req(r), .kind = kind, .limit = limit};
    struct store_kept k;
    size_t at = 0, n = strlen(text);
    unsigned items = 0;

    if (cursor != NULL)
        req.cursor = frame_str(cursor);
    store_walk(r->store, &req);
    assert_non_null(req.req.done);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
    for (; store_walk_next(req.ret_block, &at, &k); items++)
        n += (size_t)snprintf(text + n, 4096 - n, "%.*s/%.*s@%llu=%.*s ", STR_ARGS(k.name),
                              STR_ARGS(k.sk), (unsigned long long)k.number, STR_ARGS(k.body));
    assert_true(n < 4096);
    assert_int_equal(items, req.ret_n);
    if (req.ret_cursor != NULL)
        assert_true(req.ret_cursor->n > 0 && req.ret_cursor->n <= STORE_CURSOR_MAX);
    frame_unref(req.ret_block);
    frame_unref(cursor);
    return req.ret_cursor;
}

/* Checks that a walk in pages of limit gives exactly the `n` wanted, each once. */
static void check_walk(struct store_rig *r, enum store_walk_kind kind, unsigned limit,
                       const char *const *wanted, size_t n)
{
    char text[4096] = " ";
    struct frame *cursor = NULL;
    size_t bytes = 1;

    do
        cursor = walk_page(r, kind, limit, cursor, text);
    while (cursor != NULL);
    for (size_t i = 0; i < n; i++) {
        const char *found = strstr(text, wanted[i]);

        if (found == NULL || strstr(found + 1, wanted[i]) != NULL)
            fail_msg("'%s' is not once in '%s'", wanted[i], text);
        bytes += strlen(wanted[i]) - 1;
    }
    if (strlen(text) != bytes)
        fail_msg("there is more in '%s'", text);
}

/* The same of the counters c and d, which are at least at those numbers: an attempt whose
 * answer was lost takes numbers too, perhaps later. */
static void check_counters(struct store_rig *r, unsigned limit, const uint64_t least[static 2])
{
    unsigned long long c, d;
    char text[4096] = " ", again[64];
    struct frame *cursor = NULL;

    do
        cursor = walk_page(r, STORE_WALK_COUNTERS, limit, cursor, text);
    while (cursor != NULL);
    assert_int_equal(sscanf(text, " c/@%llu= d/@%llu= ", &c, &d), 2);
    (void)snprintf(again, sizeof(again), " c/@%llu= d/@%llu= ", c, d);
    assert_string_equal(text, again); /* and nothing besides */
    assert_true(c >= least[0] && d >= least[1]);
}

static void walk_gives_all_that_is_kept(void **state)
{
    struct store_rig *r = *state;
    static const char *const rooms[] = {" a/@0= ", " b/@0= ", " bb/@0= ", " room/@0= "};
    static const char *const records[] = {" p/a@0=1 ", " p/b@0=2 ", " p/bb@0= ", " q/a@0=4 ",
                                          " pp/b@4102444800000=5 "};
    uint64_t after[2];
    struct store_put put = {.pk = STR("q"), .sk = STR("a"), .body = STR("4")};
    struct store_put gone = {.pk = STR("q"), .sk = STR("b"), .body = STR("x"), .expires_ms = 1};
    struct store_put later = {
        .pk = STR("pp"), .sk = STR("b"), .body = STR("5"), .expires_ms = 4102444800000};
    struct store_put *const puts[] = {&put, &gone, &later};
    struct store_next next = {.counter = STR("c"), .n = 3};

    check_walk(r, STORE_WALK_ROOMS, 3, NULL, 0);
    check_walk(r, STORE_WALK_RECORDS, 3, NULL, 0);
    check_walk(r, STORE_WALK_COUNTERS, 3, NULL, 0);
    store_rig_fill(r, STR("room"), 80); /* folded */
    store_rig_fill(r, STR("b"), 1);
    store_rig_fill(r, STR("a"), 2);
    store_rig_fill(r, STR("bb"), 3);
    assert_int_equal(store_rig_put(r, STR("b"), STR("2"), 0, NULL), STORE_OK);
    assert_int_equal(store_rig_put(r, STR("a"), STR("1"), 0, NULL), STORE_OK);
    assert_int_equal(store_rig_put(r, STR("bb"), STR(""), 0, NULL), STORE_OK);
    for (size_t i = 0; i < COUNTOF(puts); i++) {
        puts[i]->req = store_rig_req(r);
        store_put(r->store, puts[i]);
        assert_int_equal(store_rig_wait(r, &puts[i]->req), STORE_OK);
    }
    for (unsigned i = 0; i < 2; i++) {
        next.req = store_rig_req(r);
        store_next(r->store, &next);
        assert_int_equal(store_rig_wait(r, &next.req), STORE_OK);
        after[i] = next.ret_first + next.n;
        next = (struct store_next){.counter = STR("d"), .n = 1};
    }
    for (unsigned limit = 1; limit < 9; limit++) {
        check_walk(r, STORE_WALK_ROOMS, limit, rooms, COUNTOF(rooms));
        check_walk(r, STORE_WALK_RECORDS, limit, records, COUNTOF(records));
        check_counters(r, limit, after);
    }
}

/* Checks that the log reads as n entries "room/seq", but that first .. first + lost - 1 are
 * lost, or, if filled, "filled". */
static void check_lost(struct store_rig *r, unsigned n, uint64_t first, uint64_t lost, bool filled,
                       unsigned step)
{
    uint64_t seq = 1;

    while (seq <= n) {
        struct store_read read = {.req = store_rig_req(r),
                                  .room = STR("room"),
                                  .from = seq,
                                  .count_max = (unsigned)MIN(step, n - seq + 1),
                                  .bytes_max = 1 << 20};
        struct store_item item;
        size_t at = 0;

        store_read(r->store, &read);
        assert_int_equal(store_rig_wait(r, &read.req), STORE_OK);
        assert_int_equal(read.ret_n, read.count_max);
        while (store_block_next(read.ret_block, &at, &item)) {
            bool is_lost = seq >= first && seq < first + lost;
            char text[32];

            assert_int_equal(item.key, seq);
            (void)snprintf(text, sizeof(text), "room/%u", (unsigned)seq);
            assert_true(str_eq(item.body, !is_lost ? str_of(text)
                                          : filled ? STR("filled")
                                                   : STORE_LOST));
            seq++;
        }
        frame_unref(read.ret_block);
    }
}

static enum store_result fill_in(struct store_rig *r, uint64_t from, unsigned n)
{
    struct str entries[64];
    struct store_fill fill = {
        .req = store_rig_req(r), .room = STR("room"), .from = from, .entries = entries};

    assert_true(n <= COUNTOF(entries));
    for (unsigned i = 0; i < n; i++)
        entries[i] = STR("filled");
    fill.entries_n = n;
    store_fill(r->store, &fill);
    return store_rig_wait(r, &fill.req);
}

/* What the store has lost is given as lost, wherever one reads from; the log goes on, and
 * what is put there stays. */
static void what_is_lost_is_said(void **state)
{
    struct store_rig *r = *state;
    const struct store_amend amend = {70, STR("state"), STR("gone")};
    uint64_t first, n, head;

    store_rig_fill(r, STR("room"), 199);
    store_rig_lose(r, STR("room"), 70, &first, &n);
    for (unsigned step = 1; step < 200; step += 33)
        check_lost(r, 199, first, n, false, step);
    assert_string_equal(store_rig_read(r, STR("room"), 200, 9, 1000), "");
    assert_int_equal(store_rig_head(r, STR("room")), 199);
    store_rig_fill(r, STR("room"), 1);
    amend_many(r, 200, &amend, 1); /* and what is not there is not redacted */
    store_rig_reopen(r);
    check_lost(r, 200, first, n, false, 100);
    assert_int_equal(fill_in(r, first - 1, 2), STORE_CONFLICT);
    assert_int_equal(fill_in(r, first + n - 1, 2), STORE_CONFLICT);
    assert_int_equal(fill_in(r, 201, 1), STORE_CONFLICT);
    assert_int_equal(fill_in(r, 300, 1), STORE_CONFLICT);
    for (uint64_t at = 0; at < n; at += 40)
        assert_int_equal(fill_in(r, first + at, (unsigned)MIN(n - at, 40)), STORE_OK);
    assert_int_equal(fill_in(r, first, 1), STORE_CONFLICT);
    check_lost(r, 200, first, n, true, 33);
    store_rig_reopen(r);
    check_lost(r, 200, first, n, true, 200);
    store_rig_lose(r, STR("room"), 1, &first, &n); /* and with it the epoch, perhaps */
    head = store_rig_head(r, STR("room"));
    assert_int_equal(head, 201);
    assert_int_equal(fill_in(r, 1, (unsigned)n), STORE_OK);
    assert_int_equal(store_rig_head(r, STR("room")), head);
}

#define ON(setup, test)                                                                  \
    {                                                                                    \
        .name = #test "_on_" #setup, .test_func = test, .setup_func = store_rig_##setup, \
        .teardown_func = store_rig_teardown,                                             \
    }
#define EACH(on)                                                                                \
    on(append_numbers_entries), on(append_behind_another_head_conflicts),                       \
        on(nothing_is_done_that_is_not_believed), on(a_store_that_is_shut_takes_nothing),       \
        on(read_keeps_its_bounds), on(amends_are_the_latest_state),                             \
        on(redaction_replaces_the_entry), on(an_amend_may_only_redact), on(put_is_conditional), \
        on(put_removes), on(list_is_in_bytewise_order), on(one_of_many_racers_wins),            \
        on(counters_never_repeat), on(records_expire), on(many_rooms_at_once),                  \
        on(close_completes_what_is_in_flight), on(all_is_there_after_reopening),                \
        on(walk_gives_all_that_is_kept)
#define HERE(test)                                                            \
    ON(mem, test), ON(mem_sim, test), ON(sqlite, test), ON(sqlite_sim, test), \
        ON(sqlite_lossy, test), ON(dynamo_sim, test), ON(dynamo_faults, test)
/* Those that can be made to lose something. */
#define LOSES(test)                                                           \
    ON(mem, test), ON(mem_sim, test), ON(sqlite, test), ON(sqlite_sim, test), \
        ON(dynamo_sim, test), ON(dynamo_faults, test)
#define LIVE(test) ON(dynamo_live, test)

/* With $DYNAMODB, the URL of an emulator: on that, and nothing else. */
int main(void)
{
    const struct CMUnitTest here[] = {EACH(HERE), LOSES(what_is_lost_is_said)},
                            live[] = {EACH(LIVE)};

    cmocka_set_test_filter(getenv("CASE"));
    if (getenv("DYNAMODB") != NULL)
        return cmocka_run_group_tests(live, NULL, NULL);
    return cmocka_run_group_tests(here, NULL, NULL);
}
