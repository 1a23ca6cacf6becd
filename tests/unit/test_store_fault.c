/* The decorator of tests/lib: it breaks what it says, and nothing else. */
#include "base/str.h"
#include "lib/store_fault.h"
#include "lib/store_rig.h"

#define APPENDS 300
#define ROOMS 20

static struct store_fault *wrap(struct store_rig *r, struct store_fault_options o)
{
    struct store_fault *f = store_fault_new(r->store, check_seed(5), o);

    r->store = store_fault_store(f);
    return f;
}

static void failed_is_not_done_and_lost_is(void **state)
{
    struct store_rig *r = *state;
    struct store_fault *f = wrap(
        r, (struct store_fault_options){.fail = 100, .lose = 100, .delay = 300, .turns_max = 5});
    uint64_t head = 0, ok = 0;

    for (unsigned i = 0; i < APPENDS; i++) {
        uint64_t now = head;
        enum store_result result = store_rig_append(r, STR("room"), head, STR("x"), &now);

        assert_true(result == STORE_OK || result == STORE_FAILED || result == STORE_CONFLICT);
        ok += result == STORE_OK;
        head = result == STORE_FAILED ? head : now;
    }
    assert_true(store_fault_count(f).failed > 0 && store_fault_count(f).lost > 0);
    assert_true(store_fault_count(f).held > 0);
    head = ok + store_fault_count(f).lost;
    store_fault_set(f, (struct store_fault_options){0});
    assert_int_equal(store_rig_head(r, STR("room")), head);
}

static unsigned order_n, order[ROOMS];
static struct store_append appends[ROOMS];

static void append_done(struct store_req *req)
{
    order[order_n++] = (unsigned)(CONTAINER_OF(req, struct store_append, req) - appends);
    req->done = NULL;
}

static void requests_overtake_each_other(void **state)
{
    struct store_rig *r = *state;
    struct str entry = STR("x");
    unsigned overtaken = 0;

    (void)wrap(r, (struct store_fault_options){.delay = 500, .turns_max = 9});
    order_n = 0;
    for (unsigned i = 0; i < ROOMS; i++) {
        appends[i] = (struct store_append){.req = {.home = r->io, .done = append_done},
                                           .room = {(const uint8_t *)"abcdefghijklmnopqrst" + i, 1},
                                           .entries = &entry,
                                           .entries_n = 1};
        store_append(r->store, &appends[i]);
    }
    assert_int_equal(order_n, 0);
    for (unsigned i = 0; i < ROOMS; i++)
        assert_int_equal(store_rig_wait(r, &appends[i].req), STORE_OK);
    for (unsigned i = 1; i < ROOMS; i++)
        overtaken += order[i] < order[i - 1];
    assert_true(overtaken > 0);
}

static void close_ends_what_is_held(void **state)
{
    struct store_rig *r = *state;
    struct str entry = STR("x");
    struct store_append req = {
        .req = store_rig_req(r), .room = STR("room"), .entries = &entry, .entries_n = 1};

    (void)wrap(r, (struct store_fault_options){.delay = 1000, .turns_max = 50});
    store_append(r->store, &req);
    store_rig_close(r);
    assert_non_null(req.req.done);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_CANCELED);
    store_rig_open(r);
    assert_int_equal(store_rig_head(r, STR("room")), 0);
}

#define ON_SIM(test) cmocka_unit_test_setup_teardown(test, store_rig_mem_sim, store_rig_teardown)

CHECK_MAIN(ON_SIM(failed_is_not_done_and_lost_is), ON_SIM(requests_overtake_each_other),
           ON_SIM(close_ends_what_is_held))
