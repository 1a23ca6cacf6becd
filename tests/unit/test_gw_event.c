/* Events of API Gateway as an HTTP integration tells them, and as nodes relay them. */
#include "server/gw/gw_event.h"

#include "base/str.h"
#include "lib/check.h"

static struct http1_headers headers;

static void field(const char *name, const char *value)
{
    headers.at[headers.n].name = str_of(name);
    headers.at[headers.n++].value = str_of(value);
}

static int begin(void **state)
{
    (void)state;
    headers.n = 0;
    return 0;
}

static void is(struct str s, const char *text)
{
    assert_true(str_eq(s, str_of(text)));
}

static void fields_are_read(void **state)
{
    struct buf base CLEANUP(buf_fini);
    struct gw_event e = {0};

    (void)state;
    buf_init(&base, GW_BASE_MAX);
    field("X-Ws-Connection-Id", "L0SM9cOFvHcCIhw=");
    field("X-Ws-Domain", "abc.execute-api.eu-central-1.amazonaws.com");
    field("X-Ws-Stage", "prod");
    field("X-Ws-Source-Ip", "2001:db8::1");
    field("X-Ws-Connected-At", "1705751697419");
    field("X-Ws-Token", "a.b.c");
    field("X-Ws-Principal", "user-7");
    field("X-Ws-Principal-Name", "J\xc3\xb6rg");
    assert_null(gw_event_read(&headers, &e));
    is(e.id, "L0SM9cOFvHcCIhw=");
    is(e.source, "2001:db8::1");
    is(e.token, "a.b.c");
    is(e.principal, "user-7");
    is(e.title, "J\xc3\xb6rg");
    assert_int_equal(e.origin.n, 0);
    assert_true(e.connected_ms == 1705751697419);
    assert_true(gw_event_base(&headers, &base));
    is(buf_peek(&base), "https://abc.execute-api.eu-central-1.amazonaws.com/prod");
}

static void a_stage_may_have_no_name(void **state)
{
    struct buf base CLEANUP(buf_fini);

    (void)state;
    buf_init(&base, GW_BASE_MAX);
    field("X-Ws-Domain", "chat.example.org");
    field("X-Ws-Stage", "$default");
    assert_true(gw_event_base(&headers, &base));
    is(buf_peek(&base), "https://chat.example.org");
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *name, *value;
    } wrong[] = {
        {"X-Ws-Connection-Id", ""},
        {"X-Ws-Connection-Id", "a b"},
        {"X-Ws-Connection-Id", "../../v1"},
        {"X-Ws-Connection-Id", "01234567890123456789012345678901234567890123456789012345678901234"},
        {"X-Ws-Source-Ip", "0123456789012345678901234567890123456789012345678901234567890123"},
        {"X-Ws-Connected-At", "yesterday"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(wrong); i++) {
        struct gw_event e = {0};

        headers.n = 0;
        field(wrong[i].name, wrong[i].value);
        if (strcmp(wrong[i].name, "X-Ws-Connection-Id") != 0)
            field("X-Ws-Connection-Id", "abc=");
        assert_string_equal(gw_event_read(&headers, &e), wrong[i].name);
    }
}

static void a_base_is_a_host_and_a_stage(void **state)
{
    static const char *const domains[] = {"", "a/b", "user@host", "host?x", "host#x", "a b"};

    (void)state;
    for (size_t i = 0; i < COUNTOF(domains); i++) {
        struct buf base CLEANUP(buf_fini);

        buf_init(&base, GW_BASE_MAX);
        headers.n = 0;
        field("X-Ws-Domain", domains[i]);
        field("X-Ws-Stage", "prod");
        assert_false(gw_event_base(&headers, &base));
    }
}

static void check_relayed(const struct gw_event *e, uint8_t version)
{
    struct buf b CLEANUP(buf_fini);
    struct gw_event got;

    buf_init(&b, 1024);
    gw_event_encode(e, &b);
    assert_int_equal(b.bytes[0], version);
    assert_true(gw_event_decode(buf_peek(&b), &got));
    assert_true(str_eq(got.protocol, e->protocol) && str_eq(got.body, e->body));
    assert_true(str_eq(got.principal, e->principal) && str_eq(got.title, e->title));
    for (size_t n = 0; n < buf_len(&b) - e->body.n; n++)
        assert_false(gw_event_decode((struct str){b.bytes, n}, &got));
}

/* Nodes of before know version 1 alone, and need not know another where nobody is vouched for. */
static void who_is_vouched_for_is_relayed(void **state)
{
    struct gw_event e = {.kind = GW_CONNECT,
                         .id = STR("abc="),
                         .base = STR("https://host/prod"),
                         .protocol = STR("p"),
                         .body = STR("{}")};

    (void)state;
    check_relayed(&e, 1);
    e.principal = STR("user-7");
    check_relayed(&e, 2);
    e.title = STR("J\xc3\xb6rg");
    check_relayed(&e, 2);
}

static void an_event_is_relayed(void **state)
{
    struct gw_event e = {.kind = GW_DISCONNECT,
                         .relayed = true,
                         .connected_ms = UINT64_MAX,
                         .id = STR("abc="),
                         .base = STR("https://host/prod"),
                         .source = STR("10.0.0.1"),
                         .token = STR("t"),
                         .origin = STR("https://o"),
                         .protocol = STR("p, q"),
                         .body = STR("{\"a\":\0}")};
    struct buf b CLEANUP(buf_fini);
    struct gw_event got;

    (void)state;
    buf_init(&b, 1024);
    gw_event_encode(&e, &b);
    assert_true(gw_event_decode(buf_peek(&b), &got));
    assert_int_equal(got.kind, GW_DISCONNECT);
    assert_true(got.relayed && got.connected_ms == UINT64_MAX);
    assert_true(str_eq(got.id, e.id) && str_eq(got.base, e.base) && str_eq(got.source, e.source));
    assert_true(str_eq(got.token, e.token) && str_eq(got.origin, e.origin));
    assert_true(str_eq(got.protocol, e.protocol) && str_eq(got.body, e.body));
    for (size_t n = 0; n < buf_len(&b) - e.body.n; n++)
        assert_false(gw_event_decode((struct str){b.bytes, n}, &got));
    for (size_t i = 0; i < 3; i++) {
        uint8_t was = b.bytes[i];

        b.bytes[i] = 9;
        assert_false(gw_event_decode(buf_peek(&b), &got));
        b.bytes[i] = was;
    }
}

static void an_answer_is_relayed(void **state)
{
    struct gw_answer a = {.status = 401, .protocol = true, .body = STR("{\n}")}, got;
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 1024);
    gw_event_answer_encode(&a, &b);
    assert_true(gw_event_answer_decode(buf_peek(&b), &got));
    assert_true(got.status == 401 && got.protocol && str_eq(got.body, a.body));
    assert_true(gw_event_answer_decode(STR("200 0\n"), &got));
    assert_true(got.body.n == 0 && !got.protocol);
    assert_false(gw_event_answer_decode(STR(""), &got));
    assert_false(gw_event_answer_decode(STR("99 0\n"), &got));
    assert_false(gw_event_answer_decode(STR("200 2\n"), &got));
}

CHECK_MAIN(cmocka_unit_test_setup(fields_are_read, begin),
           cmocka_unit_test_setup(a_stage_may_have_no_name, begin),
           cmocka_unit_test_setup(what_is_wrong_is_named, begin),
           cmocka_unit_test_setup(a_base_is_a_host_and_a_stage, begin),
           cmocka_unit_test(an_event_is_relayed), cmocka_unit_test(who_is_vouched_for_is_relayed),
           cmocka_unit_test(an_answer_is_relayed))
