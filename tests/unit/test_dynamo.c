#include "wire/dynamo.h"

#include "base/str.h"
#include "lib/check.h"

#include <stdio.h>
#include <string.h>

static char text[4096];

static bool parse(const char *json, struct dynamo_answer *ret)
{
    (void)snprintf(text, sizeof(text), "%s", json);
    return dynamo_answer_parse((uint8_t *)text, strlen(text), ret);
}

static bool fails(const char *json)
{
    struct dynamo_answer a;
    bool whole = parse(json, &a);

    dynamo_answer_fini(&a);
    return !whole;
}

static void items_are_read_with_their_types(void **state)
{
    struct dynamo_answer a;
    struct str s;
    uint64_t v;

    (void)state;
    assert_true(
        parse("{\"Count\":2,\"Items\":[{\"room\":{\"S\":\"a\\u00e9\"},\"seq\":{\"N\":\"12\"},"
              "\"e\":{\"B\":\"AAEC\"},\"l\":{\"L\":[{\"S\":\"x\"}]},\"t\":{\"BOOL\":true}},"
              "{}],\"LastEvaluatedKey\":{\"seq\":{\"N\":\"12\"}}}",
              &a));
    assert_int_equal(a.items_n, 2);
    assert_int_equal(a.items[0].n, 3);
    assert_true(dynamo_get(&a.items[0], "room", DYNAMO_S, &s) && str_eq(s, STR("a\xc3\xa9")));
    assert_false(dynamo_get(&a.items[0], "room", DYNAMO_B, &s));
    assert_true(dynamo_get(&a.items[0], "e", DYNAMO_B, &s) && str_eq(s, STR("\0\1\2")));
    assert_true(dynamo_get_u64(&a.items[0], "seq", &v) && v == 12);
    assert_false(dynamo_get_u64(&a.items[0], "e", &v));
    assert_true(dynamo_get_u64(&a.last, "seq", &v) && v == 12);
    assert_int_equal(a.items[1].n, 0);
    dynamo_answer_fini(&a);
}

static void what_is_malformed_is_refused(void **state)
{
    (void)state;
    assert_true(fails(""));
    assert_true(fails("[]"));
    assert_true(fails("{} {}"));
    assert_true(fails("{\"Item\":{\"a\":1}}"));
    assert_true(fails("{\"Item\":{\"a\":{}}}"));
    assert_true(fails("{\"Item\":{\"a\":{\"S\":\"x\",\"N\":\"1\"}}}"));
    assert_true(fails("{\"Item\":{\"a\":{\"B\":\"A\"}}}"));
    assert_true(fails("{\"Items\":[1]}"));
    assert_true(fails("{\"CancellationReasons\":[\"x\"]}"));
    assert_true(fails("{\"Items\":[{\"a\":{\"S\":\"x\"}}"));
    assert_false(fails("{}"));
}

static enum dynamo_verdict judged(unsigned status, const char *error)
{
    struct dynamo_answer a;
    enum dynamo_verdict v;
    char json[512];

    (void)snprintf(json, sizeof(json), "{\"__type\":\"com.amazon.coral.validate#%s\"}", error);
    assert_true(parse(json, &a));
    v = dynamo_judge(status, &a);
    dynamo_answer_fini(&a);
    return v;
}

static void each_error_has_its_verdict(void **state)
{
    (void)state;
    assert_int_equal(judged(200, ""), DYNAMO_FINE);
    assert_int_equal(judged(400, "ConditionalCheckFailedException"), DYNAMO_REFUSED);
    assert_int_equal(judged(400, "ProvisionedThroughputExceededException"), DYNAMO_THROTTLED);
    assert_int_equal(judged(400, "ThrottlingException"), DYNAMO_THROTTLED);
    assert_int_equal(judged(503, "RequestLimitExceeded"), DYNAMO_THROTTLED);
    assert_int_equal(judged(500, "InternalServerError"), DYNAMO_AGAIN);
    assert_int_equal(judged(502, ""), DYNAMO_AGAIN);
    assert_int_equal(judged(400, "TransactionInProgressException"), DYNAMO_AGAIN);
    assert_int_equal(judged(409, "ReplicatedWriteConflictException"), DYNAMO_AGAIN);
    assert_int_equal(judged(400, "InvalidSignatureException"), DYNAMO_CLOCK);
    assert_int_equal(judged(400, "ExpiredTokenException"), DYNAMO_CREDENTIALS);
    assert_int_equal(judged(400, "UnrecognizedClientException"), DYNAMO_CREDENTIALS);
    assert_int_equal(judged(400, "ValidationException"), DYNAMO_WRONG);
    assert_int_equal(judged(400, "AccessDeniedException"), DYNAMO_WRONG);
    assert_int_equal(judged(400, "ResourceNotFoundException"), DYNAMO_WRONG);
    assert_int_equal(judged(400, "IdempotentParameterMismatchException"), DYNAMO_WRONG);
    assert_int_equal(judged(400, ""), DYNAMO_WRONG);
}

static enum dynamo_verdict canceled(const char *codes)
{
    struct dynamo_answer a;
    enum dynamo_verdict v;
    char json[512];

    (void)snprintf(json, sizeof(json),
                   "{\"__type\":\"x#TransactionCanceledException\",\"CancellationReasons\":[%s]}",
                   codes);
    assert_true(parse(json, &a));
    v = dynamo_judge(400, &a);
    dynamo_answer_fini(&a);
    return v;
}

static void a_transaction_is_judged_by_its_reasons(void **state)
{
    (void)state;
    assert_int_equal(canceled("{\"Code\":\"None\"},{\"Code\":\"ConditionalCheckFailed\"}"),
                     DYNAMO_REFUSED);
    assert_int_equal(canceled("{\"Code\":\"TransactionConflict\"},{\"Code\":\"None\"}"),
                     DYNAMO_AGAIN);
    assert_int_equal(canceled("{\"Code\":\"TransactionConflict\"},{\"Code\":\"ThrottlingError\"}"),
                     DYNAMO_THROTTLED);
    assert_int_equal(
        canceled("{\"Code\":\"TransactionConflict\"},{\"Code\":\"ConditionalCheckFailed\"}"),
        DYNAMO_REFUSED);
    assert_int_equal(canceled("{\"Code\":\"ValidationError\"}"), DYNAMO_WRONG);
}

/* The service's own examples. */
static void the_checksum_is_that_of_the_body(void **state)
{
    (void)state;
    assert_true(dynamo_crc_is(STR("{}"), STR("2745614147")));
    assert_true(dynamo_crc_is(STR("{\"Item\":{\"username\":{\"S\":\"ada\"}}}"), STR("1585442404")));
    assert_false(dynamo_crc_is(STR("{ }"), STR("2745614147")));
    assert_false(dynamo_crc_is(STR("{}"), STR("x")));
    assert_true(dynamo_crc_is(STR("{}"), (struct str){0}));
}

static void values_are_written_with_their_types(void **state)
{
    struct json_out o;
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    json_out_init(&o, &b);
    json_out_object(&o);
    dynamo_put_s(&o, "a", STR("x\"y"));
    dynamo_put_u64(&o, "b", UINT64_MAX);
    dynamo_put_b(&o, "c", STR("\0\1\2"));
    json_out_object_end(&o);
    assert_true(str_eq(buf_peek(&b), STR("{\"a\":{\"S\":\"x\\\"y\"},\"b\":{\"N\":"
                                         "\"18446744073709551615\"},\"c\":{\"B\":\"AAEC\"}}")));
    buf_clear(&b);
    dynamo_escape(&b, STR("a:b/c#d%e \xff~"));
    assert_true(str_eq(buf_peek(&b), STR("a:b/c%23d%25e%20%FF~")));
    buf_clear(&b);
    assert_true(dynamo_unescape(&b, STR("a:b/c%23d%25e%20%FF~")));
    assert_true(str_eq(buf_peek(&b), STR("a:b/c#d%e \xff~")));
    assert_false(dynamo_unescape(&b, STR("a#a")));
    assert_false(dynamo_unescape(&b, STR("%2")));
    assert_false(dynamo_unescape(&b, STR("%41")));
    assert_false(dynamo_unescape(&b, STR("%ff")));
    buf_fini(&b);
}

CHECK_MAIN(cmocka_unit_test(items_are_read_with_their_types),
           cmocka_unit_test(what_is_malformed_is_refused),
           cmocka_unit_test(each_error_has_its_verdict),
           cmocka_unit_test(a_transaction_is_judged_by_its_reasons),
           cmocka_unit_test(the_checksum_is_that_of_the_body),
           cmocka_unit_test(values_are_written_with_their_types))
