/* What of the engine the contract of all stores does not ask. */
#include "lib/store_rig.h"

#include "base/str.h"

#include <stdio.h>

#define BIG 300000
#define BIG_N 3

static enum store_result append_n(struct store_rig *r, uint64_t head, const struct str *entries,
                                  unsigned n, uint64_t *ret_head)
{
    struct store_append req = {
        .req = store_rig_req(r),
        .room = STR("room"),
        .epoch = 5,
        .head = head,
        .entries = entries,
        .entries_n = n,
    };

    store_append(r->store, &req);
    (void)store_rig_wait(r, &req.req);
    *ret_head = req.ret_head;
    return req.req.result;
}

/* A head within an item collides with no other item's key: it must be found out. */
static void a_head_within_an_item_conflicts(void **state)
{
    const struct str four[] = {STR("a"), STR("b"), STR("c"), STR("d")};
    struct store_rig *r = *state;
    uint64_t head;

    assert_int_equal(append_n(r, 0, four, 4, &head), STORE_OK);
    assert_int_equal(head, 4);
    for (uint64_t at = 1; at < 4; at++) {
        assert_int_equal(append_n(r, at, four, 1, &head), STORE_CONFLICT);
        assert_int_equal(head, 4);
        store_rig_reopen(r); /* one that remembers nothing */
        assert_int_equal(append_n(r, at, four, 1, &head), STORE_CONFLICT);
        assert_int_equal(head, 4);
    }
    store_rig_reopen(r);
    assert_string_equal(store_rig_read(r, STR("room"), 2, 2, 100), "2=b 3=c");
    assert_int_equal(append_n(r, 3, four, 1, &head), STORE_CONFLICT);
    assert_int_equal(append_n(r, 4, four, 1, &head), STORE_OK);
    assert_string_equal(store_rig_read(r, STR("room"), 1, 9, 100), "1=a 2=b 3=c 4=d 5=a");
}

/* A read that has all it wants where a lost item began asked for no more items at all, which
 * the service refuses: that page of the log failed for ever. */
static void a_read_may_end_before_what_is_lost(void **state)
{
    const struct str three[] = {STR("a"), STR("b"), STR("c")};
    struct store_rig *r = *state;
    uint64_t head = 0;

    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(append_n(r, head, three, 3, &head), STORE_OK);
    dynamo_model_lose(r->dynamo, STR("room"), 7);
    for (unsigned i = 0; i < 2; i++) {
        assert_string_equal(store_rig_read(r, STR("room"), 1, 6, 1000), "1=a 2=b 3=c 4=a 5=b 6=c");
        assert_string_equal(store_rig_read(r, STR("room"), 4, 3, 1000), "4=a 5=b 6=c");
        assert_string_equal(store_rig_read(r, STR("room"), 11, 2, 1000), "11=b 12=c");
        store_rig_reopen(r); /* one that remembers nothing */
    }
}

/* More than one item holds is several items, or none. */
static void a_large_batch_is_atomic(void **state)
{
    static char bytes[BIG_N][BIG];
    struct store_rig *r = *state;
    struct str big[BIG_N];
    uint64_t head;

    for (unsigned i = 0; i < BIG_N; i++) {
        memset(bytes[i], 'a' + (int)i, BIG);
        big[i] = (struct str){(const uint8_t *)bytes[i], BIG};
    }
    assert_int_equal(append_n(r, 0, big, BIG_N, &head), STORE_OK);
    assert_int_equal(head, BIG_N);
    assert_int_equal(store_rig_head(r, STR("room")), BIG_N);
    assert_int_equal(strlen(store_rig_read(r, STR("room"), 2, 1, 10)), BIG + 2);
    assert_int_equal(append_n(r, 1, big, 1, &head), STORE_CONFLICT);
    assert_int_equal(head, BIG_N);
}

static void what_no_item_holds_is_refused(void **state)
{
    static char bytes[500 * 1024];
    struct store_rig *r = *state;
    struct str one = {(const uint8_t *)bytes, sizeof(bytes)};
    uint64_t head, rev;

    memset(bytes, 'x', sizeof(bytes));
    assert_int_equal(append_n(r, 0, &one, 1, &head), STORE_FULL);
    assert_int_equal(store_rig_put(r, STR("k"), one, 0, &rev), STORE_FULL);
    assert_int_equal(store_rig_head(r, STR("room")), 0);
    assert_string_equal(store_rig_get(r, STR("k"), &rev), "-");
}

/* Redactions of two nodes in one item: neither is lost. */
static void rewrites_that_meet_are_both_done(void **state)
{
    const struct str four[] = {STR("a"), STR("b"), STR("c"), STR("d")};
    struct store_rig *r = *state;
    struct store_append reqs[2];
    struct store_amend amends[2] = {{.target = 1, .redacted = STR("A")},
                                    {.target = 3, .redacted = STR("C")}};
    uint64_t head;
    unsigned done = 0;

    assert_int_equal(append_n(r, 0, four, 4, &head), STORE_OK);
    for (unsigned round = 0; done < 2; round++) {
        assert_true(round < 2);
        for (unsigned i = 0; i < 2; i++) {
            reqs[i] = (struct store_append){
                .req = store_rig_req(r),
                .room = STR("room"),
                .head = 4 + done,
                .entries = four,
                .entries_n = 1,
                .amends = &amends[i],
                .amends_n = 1,
            };
            store_append(r->store, &reqs[i]);
        }
        for (unsigned i = 0; i < 2; i++)
            done += store_rig_wait(r, &reqs[i].req) == STORE_OK;
        amends[0] = amends[reqs[0].req.result == STORE_OK ? 1 : 0];
        amends[1] = amends[0];
    }
    assert_string_equal(store_rig_read(r, STR("room"), 1, 4, 100), "1=A 2=b 3=C 4=d");
}

/* A service that says no to everything: the request ends within its deadline. */
static void a_request_ends_at_its_deadline(void **state)
{
    struct store_rig *r = *state;
    uint64_t rev, began = io_now_ms(r->io);
    struct store_stats stats;

    dynamo_model_set_faults(r->dynamo, (struct dynamo_model_faults){.throttle = 1000});
    assert_int_equal(store_rig_put(r, STR("k"), STR("v"), 0, &rev), STORE_FAILED);
    assert_true(io_now_ms(r->io) - began <= STORE_RIG_DEADLINE_MS);
    store_stats(r->store, &stats);
    assert_true(stats.throttles > 1 && stats.retries == 0 && stats.failures == 1);
    dynamo_model_set_faults(r->dynamo, (struct dynamo_model_faults){.lost = 1000});
    assert_int_equal(store_rig_put(r, STR("k"), STR("v"), 0, &rev), STORE_FAILED);
    store_stats(r->store, &stats);
    assert_true(stats.retries > 1);
    dynamo_model_set_faults(r->dynamo, (struct dynamo_model_faults){0});
    assert_int_equal(store_rig_put(r, STR("l"), STR("v"), 0, &rev), STORE_OK);
}

/* An outage uses up what may be tried again; then requests fail at once. */
static void the_quota_bounds_what_is_tried_again(void **state)
{
    struct store_rig *r = *state;
    struct dynamo_model_counts counts;
    uint64_t rev;

    dynamo_model_set_faults(r->dynamo, (struct dynamo_model_faults){.fail = 1000});
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(store_rig_put(r, STR("k"), STR("v"), 0, &rev), STORE_FAILED);
    counts = dynamo_model_count(r->dynamo);
    assert_in_range(counts.requests, 101, 100 + 500 / 14);
}

static void a_wrong_clock_is_put_right(void **state)
{
    struct store_rig *r = *state;
    struct store_stats stats;
    uint64_t rev;

    dynamo_model_set_faults(r->dynamo, (struct dynamo_model_faults){.clock = 1000});
    assert_int_equal(store_rig_put(r, STR("k"), STR("v"), 0, &rev), STORE_FAILED);
    store_stats(r->store, &stats);
    assert_int_equal(stats.retries, 1); /* once with the service's time */
}

/* By how much the store's time is wrong. */
static int64_t time_error_ms(struct store_rig *r)
{
    return (int64_t)(store_wall_ms(r->store, r->io) - SIM_WALL_MS - io_now_ms(r->io));
}

/* A node whose clock was an hour ahead stamped an hour ahead. */
static void the_time_is_that_of_the_service(void **state)
{
    struct store_rig *r = *state;
    uint64_t rev;

    sim_host_clock(r->host, 3600000, 0);
    assert_int_equal(time_error_ms(r), 3600000); /* nothing was heard yet */
    for (unsigned i = 0; i < 50; i++) {
        (void)store_rig_put(r, STR("k"), STR("v"), STORE_REV_ANY, &rev);
        assert_in_range(time_error_ms(r) + 1500, 0, 3000); /* a second, and the way */
        store_rig_sleep(r, 1230 + i);
    }
    assert_in_range(time_error_ms(r) + 100, 0, 200); /* many answers know it better */
    sim_host_clock(r->host, -2 * 86400000, 0);
    assert_in_range(time_error_ms(r) + 100, 0, 200);
}

/* What is within the bounds is not touched. */
static void a_right_clock_stays_as_it_is(void **state)
{
    struct store_rig *r = *state;
    uint64_t rev;

    dynamo_model_set_faults(r->dynamo, (struct dynamo_model_faults){.latency_ms = 300});
    for (unsigned i = 0; i < 50; i++) {
        (void)store_rig_put(r, STR("k"), STR("v"), STORE_REV_ANY, &rev);
        assert_in_range(time_error_ms(r) + 1, 0, 2);
        store_rig_sleep(r, 123 + i);
    }
}

/* Canceled between two calls, it let what the first had found leak. */
static void a_head_is_canceled_on_its_way(void **state)
{
    struct store_rig *r = *state;
    struct store_log req = {.req = store_rig_req(r), .room = STR("room")};
    unsigned before;

    store_rig_fill(r, STR("room"), 2);
    before = dynamo_model_count(r->dynamo).requests;
    store_log(r->store, &req);
    while (dynamo_model_count(r->dynamo).requests < before + 2)
        store_rig_turn(r);
    store_rig_reopen(r);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_CANCELED);
}

#define ON(test) cmocka_unit_test_setup_teardown(test, store_rig_dynamo_sim, store_rig_teardown)

CHECK_MAIN(ON(a_head_within_an_item_conflicts), ON(a_read_may_end_before_what_is_lost),
           ON(a_large_batch_is_atomic), ON(what_no_item_holds_is_refused),
           ON(rewrites_that_meet_are_both_done), ON(a_request_ends_at_its_deadline),
           ON(the_quota_bounds_what_is_tried_again), ON(a_wrong_clock_is_put_right),
           ON(the_time_is_that_of_the_service), ON(a_right_clock_stays_as_it_is),
           ON(a_head_is_canceled_on_its_way))
