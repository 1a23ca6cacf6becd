/* `polylog store adopt`: what it writes, whom it refuses, and that it can end half way. */
#include "admin/store_adopt.h"

#include "base/str.h"
#include "lib/store_fault.h"
#include "lib/store_rig.h"

#include <stdio.h>
#include <stdlib.h>

struct lines {
    char all[2000];
    unsigned n;
};

static void said(void *ctx, const char *line)
{
    struct lines *l = ctx;
    size_t at = strlen(l->all);

    (void)snprintf(l->all + at, sizeof(l->all) - at, "%s\n", line);
    l->n++;
}

static int adopt(struct store_rig *r, struct lines *l, char why[static STORE_ADOPT_WHY_MAX])
{
    struct store_adopt a = {.io = r->io, .store = r->store, .wait_ms = 1, .said = said, .ctx = l};

    return store_adopt(&a, why);
}

static void put(struct store_rig *r, const char *pk, const char *sk, const char *body)
{
    struct store_put req = {.req = store_rig_req(r),
                            .pk = str_of(pk),
                            .sk = str_of(sk),
                            .body = str_of(body),
                            .expect = STORE_REV_ANY};

    store_put(r->store, &req);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
}

/* The record's body, "-" if there is none; valid until the next of that buffer. */
static const char *get(struct store_rig *r, const char *pk, const char *sk, char to[static 200])
{
    struct store_get req = {.req = store_rig_req(r), .pk = str_of(pk), .sk = str_of(sk)};

    store_get(r->store, &req);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
    if (req.ret_body == NULL)
        return "-";
    (void)snprintf(to, 200, "%.*s", STR_ARGS(frame_str(req.ret_body)));
    frame_unref(req.ret_body);
    return to;
}

static uint64_t next(struct store_rig *r)
{
    struct store_next req = {.req = store_rig_req(r), .counter = STR("users"), .n = 1};

    store_next(r->store, &req);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
    return req.ret_first;
}

static void the_store_is_another_afterwards(void **state)
{
    struct store_rig *r = *state;
    struct lines l = {0};
    char why[STORE_ADOPT_WHY_MAX], a[200], b[200], first[200];
    uint64_t before = next(r);

    put(r, "server", "store-id", "0123");
    put(r, "server", "token-secret", "secret");
    put(r, "server", "owner-code", "used");
    put(r, "nodes", "one", "7 1000");
    put(r, "nodes", "two", "9 1000 and more");
    put(r, "u:1", "user", "uana");
    assert_int_equal(adopt(r, &l, why), 0);
    assert_int_equal(strlen(get(r, "server", "store-id", a)), 16);
    assert_int_equal(strlen(get(r, "server", "token-secret", a)), 64);
    assert_string_equal(get(r, "nodes", "one", a), "-");
    assert_string_equal(get(r, "nodes", "two", a), "-");
    assert_string_equal(get(r, "server", "owner-code", a), "used");
    assert_string_equal(get(r, "u:1", "user", a), "uana");
    assert_true(strlen(get(r, "server", "stopped", a)) >= 13);
    assert_true(next(r) > before + 1000000000u);
    (void)get(r, "server", "adopted", first);
    assert_memory_equal(first, "1 ", 2);
    assert_null(strstr(first, "unfinished"));
    assert_true(l.n >= 5);
    assert_non_null(strstr(l.all, "heartbeats of the nodes that it was copied under: 2"));
    /* and once more */
    (void)get(r, "server", "store-id", a);
    before = next(r);
    assert_int_equal(adopt(r, &l, why), 0);
    assert_string_not_equal(get(r, "server", "store-id", b), a);
    assert_true(next(r) > before + 1000000000u);
    assert_memory_equal(get(r, "server", "adopted", b), "2 ", 2);
    assert_string_not_equal(b + 2, first + 2);
}

static void beat(void *ctx, const char *line)
{
    struct store_rig *r = ctx;
    char body[40];

    if (strstr(line, "looking for") == NULL)
        return;
    (void)snprintf(body, sizeof(body), "8 %llu", (unsigned long long)io_wall_ms(r->io));
    put(r, "nodes", "one", body);
}

static void a_store_in_use_is_refused(void **state)
{
    struct store_rig *r = *state;
    struct store_adopt a = {.io = r->io, .store = r->store, .wait_ms = 1, .said = beat, .ctx = r};
    char why[STORE_ADOPT_WHY_MAX], body[200];
    struct lines l = {0};

    (void)snprintf(body, sizeof(body), "7 %llu", (unsigned long long)io_wall_ms(r->io));
    put(r, "nodes", "one", body);
    assert_int_equal(store_adopt(&a, why), -1);
    assert_string_equal(why, "a node runs on this store: stop all nodes first");
    assert_string_equal(get(r, "server", "adopted", body), "-");
    assert_int_equal(adopt(r, &l, why), 0); /* it does not beat any more */
}

/* Whatever fails, a run that succeeds later ends as one that never failed. */
static void what_ended_half_way_goes_on(void **state)
{
    struct store_rig *r = *state;
    struct store_fault *f = store_fault_new(r->store, check_seed(3),
                                            (struct store_fault_options){.fail = 150, .lose = 100});
    char why[STORE_ADOPT_WHY_MAX], a[200];
    unsigned halves = 0;
    unsigned long last = 0;

    r->store = store_fault_store(f);
    for (unsigned round = 1; round <= 20; round++) {
        struct lines l = {0};

        while (adopt(r, &l, why) < 0) {
            store_fault_set(f, (struct store_fault_options){0});
            halves += strstr(get(r, "server", "adopted", a), " unfinished") != NULL;
            store_fault_set(f, (struct store_fault_options){.fail = 150, .lose = 100});
        }
        store_fault_set(f, (struct store_fault_options){0});
        assert_null(strstr(get(r, "server", "adopted", a), "unfinished"));
        assert_true(strtoul(a, NULL, 10) > last); /* an end that was not heard counts as one */
        last = strtoul(a, NULL, 10);
        store_fault_set(f, (struct store_fault_options){.fail = 150, .lose = 100});
    }
    assert_true(halves > 3);
}

CHECK_MAIN(cmocka_unit_test_setup_teardown(the_store_is_another_afterwards, store_rig_mem,
                                           store_rig_teardown),
           cmocka_unit_test_setup_teardown(a_store_in_use_is_refused, store_rig_mem,
                                           store_rig_teardown),
           cmocka_unit_test_setup_teardown(what_ended_half_way_goes_on, store_rig_mem,
                                           store_rig_teardown))
