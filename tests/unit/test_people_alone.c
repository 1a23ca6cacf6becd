/* Commands about people on a store alone (admin/people_alone.h). */
#include "admin/people_alone.h"

#include "base/str.h"
#include "lib/store_rig.h"

#include <stdio.h>

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

static void begin(struct store_rig *r)
{
    put(r, "names", "ana", "7 Ana");
    put(r, "u:7", "user", "uAna");
    put(r, "names", "cron", "8 cron");
    put(r, "u:8", "user", "bcron");
    put(r, "names", "left", "9 left"); /* by a crash, without a record */
}

static struct people_alone alone_of(struct store_rig *r)
{
    return (struct people_alone){.host = r->host, .io = r->io, .store = r->store};
}

static int run(struct people_alone *a, enum command_id id, const char *params, char to[static 400],
               char why[static PEOPLE_ALONE_WHY_MAX])
{
    struct buf in CLEANUP(buf_fini), out CLEANUP(buf_fini);
    int code;

    buf_init(&in, 1000);
    buf_init(&out, 1000);
    buf_append(&in, str_of(params));
    code = people_alone_run(a, 8, id, &in, &out, why);
    (void)snprintf(to, 400, "%.*s", STR_ARGS(buf_peek(&out)));
    return code;
}

static void names_are_found_as_people_write_them(void **state)
{
    struct store_rig *r = *state;
    struct people_alone a = alone_of(r);
    struct people_alone_user user;
    char why[PEOPLE_ALONE_WHY_MAX];

    begin(r);
    assert_int_equal(people_alone_open(&a, why), 0);
    assert_int_equal(people_alone_find(&a, "ANA", &user, why), 0);
    assert_int_equal(user.id, 7);
    assert_int_equal(user.kind, 'u');
    assert_string_equal(user.name, "Ana");
    assert_int_equal(people_alone_find(&a, "cron", &user, why), 0);
    assert_int_equal(user.kind, 'b');
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(people_alone_find(&a, i == 0 ? "left" : "nobody", &user, why), -1);
        assert_string_equal(why, "There is no such user.");
    }
    assert_int_equal(people_alone_find(&a, "a/b", &user, why), -1);
    assert_int_equal(user.id, 8); /* what was found last */
    people_alone_close(&a);
}

static void a_command_is_run_and_its_refusal_told(void **state)
{
    struct store_rig *r = *state;
    struct people_alone a = alone_of(r);
    char why[PEOPLE_ALONE_WHY_MAX], answer[400];

    begin(r);
    assert_int_equal(people_alone_open(&a, why), 0);
    assert_int_equal(run(&a, COMMAND_recover, "{\"name\":\"ana\"}", answer, why), 0);
    assert_memory_equal(answer, "{\"code\":\"7-", 11);
    assert_int_equal(
        run(&a, COMMAND_key_create, "{\"name\":\"k\",\"scope\":\"read\"}", answer, why), 0);
    assert_memory_equal(answer, "{\"key\":\"plk_8_", 14);
    assert_int_equal(run(&a, COMMAND_recover, "{\"name\":\"none\"}", answer, why), -1);
    assert_string_equal(why, "There is no such user.");
    assert_int_equal(run(&a, COMMAND_key_create, "{\"name\":\"k\",\"scope\":\"x\"}", answer, why),
                     -1);
    assert_string_equal(why, "scope: A parameter has a value that is not allowed.");
    assert_int_equal(run(&a, COMMAND_recover, "{\"name\":", answer, why), -1);
    people_alone_close(&a);
}

static void a_store_that_is_half_adopted_is_refused(void **state)
{
    struct store_rig *r = *state;
    struct people_alone a = alone_of(r), b = alone_of(r);
    char why[PEOPLE_ALONE_WHY_MAX], answer[400], record[400];
    struct store_list keys = {
        .req = store_rig_req(r), .pk = STR("u:8"), .prefix = STR("key:"), .limit = 2};
    struct store_item item;
    size_t at = 0;

    begin(r);
    put(r, "server", "adopted", "3 77 unfinished");
    assert_int_equal(people_alone_open(&a, why), -1);
    assert_non_null(strstr(why, "polylog store adopt"));
    people_alone_close(&a);
    put(r, "server", "adopted", "3 77");
    assert_int_equal(people_alone_open(&b, why), 0);
    assert_int_equal(
        run(&b, COMMAND_key_create, "{\"name\":\"k\",\"scope\":\"read\"}", answer, why), 0);
    people_alone_close(&b);
    store_list(r->store, &keys);
    assert_int_equal(store_rig_wait(r, &keys.req), STORE_OK);
    assert_true(store_block_next(keys.ret_block, &at, &item));
    (void)snprintf(record, sizeof(record), "%.*s", STR_ARGS(item.body));
    frame_unref(keys.ret_block);
    assert_non_null(strstr(record, " 3 1 0 ")); /* the generation, scopes, used */
}

#define ON(test)                                                              \
    cmocka_unit_test_setup_teardown(test, store_rig_mem, store_rig_teardown), \
        cmocka_unit_test_setup_teardown(test, store_rig_sqlite, store_rig_teardown)

CHECK_MAIN(ON(names_are_found_as_people_write_them), ON(a_command_is_run_and_its_refusal_told),
           ON(a_store_that_is_half_adopted_is_refused))
