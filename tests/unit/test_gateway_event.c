#include "serverless/gateway_event.h"

#include "base/str.h"
#include "lib/check.h"

#include <string.h>

#define CONTEXT(type, rest)                                                                 \
    "{\"requestContext\":{\"routeKey\":\"$default\",\"eventType\":\"" type "\","            \
    "\"extendedRequestId\":\"R1knPH17NjMFftw=\",\"requestTime\":\"20/Jan/2024:11:55:00 "    \
    "+0000\",\"messageDirection\":\"IN\",\"stage\":\"prod\",\"connectedAt\":1705751697419," \
    "\"requestTimeEpoch\":1705751700453,\"identity\":{\"userAgent\":\"Mozilla/5.0\","       \
    "\"sourceIp\":\"49.105.91.154\"},\"requestId\":\"R1knPH17NjMFftw=\",\"domainName\":"    \
    "\"dl7ptocha9.execute-api.ap-northeast-1.amazonaws.com\",\"connectionId\":"             \
    "\"R1kmxc2VNjMCFIA=\",\"apiId\":\"dl7ptocha9\"" rest

static uint8_t bytes[GATEWAY_EVENT_MAX + 2];
static struct gateway_event event;

static enum gateway_event_result parse(const char *text)
{
    size_t n = strlen(text);

    assert_true(n <= sizeof(bytes));
    memcpy(bytes, text, n);
    return gateway_event_read(bytes, n, &event);
}

static void is(struct str s, const char *text)
{
    assert_int_equal(s.n, strlen(text));
    assert_true(str_eq(s, str_of(text)));
}

static void a_message(void **state)
{
    struct buf b;

    (void)state;
    assert_int_equal(parse(CONTEXT("MESSAGE", ",\"messageId\":\"R1knPc2ntjMCFIA=\"},"
                                              "\"body\":\"{\\\"action\\\":\\\"x\\\"}\","
                                              "\"isBase64Encoded\":false}")),
                     GATEWAY_EVENT_OK);
    assert_int_equal(event.kind, GATEWAY_EVENT_MESSAGE);
    is(event.connection, "R1kmxc2VNjMCFIA=");
    is(event.route, "$default");
    is(event.request, "R1knPH17NjMFftw=");
    is(event.source_ip, "49.105.91.154");
    is(event.user_agent, "Mozilla/5.0");
    is(event.body, "{\"action\":\"x\"}");
    assert_true(event.connected_ms == 1705751697419 && event.time_ms == 1705751700453);
    buf_init(&b, 1024);
    gateway_event_base(&event, &b);
    is(buf_peek(&b), "https://dl7ptocha9.execute-api.ap-northeast-1.amazonaws.com/prod");
    buf_fini(&b);
    assert_int_equal(parse(CONTEXT("MESSAGE", "},\"isBase64Encoded\":true,\"body\":\"aGk=\"}")),
                     GATEWAY_EVENT_OK);
    is(event.body, "hi");
}

static void a_connection_comes(void **state)
{
    (void)state;
    assert_int_equal(
        parse(CONTEXT("CONNECT",
                      ",\"authorizer\":{\"principalId\":\"7\",\"integrationLatency\":12,"
                      "\"admin\":true,\"x\":null,\"y\":[1,{}]}},\"multiValueHeaders\":{\"Host\":"
                      "[\"a\"]},\"headers\":{\"Host\":\"a.example\",\"sec-websocket-PROTOCOL\":"
                      "\"polylog.v1\",\"Cookie\":\"t=1\"},\"queryStringParameters\":{\"token\":"
                      "\"abc\"},\"isBase64Encoded\":false}")),
        GATEWAY_EVENT_OK);
    assert_int_equal(event.kind, GATEWAY_EVENT_CONNECT);
    is(gateway_event_find(&event.headers, STR("Sec-WebSocket-Protocol")), "polylog.v1");
    is(gateway_event_find(&event.headers, STR("Origin")), "");
    is(gateway_event_find(&event.query, STR("token")), "abc");
    is(gateway_event_find(&event.principal, STR("principalId")), "7");
    is(gateway_event_find(&event.principal, STR("admin")), "true");
    is(gateway_event_find(&event.principal, STR("integrationLatency")), "12");
    assert_int_equal(event.principal.n, 3);
}

static void a_connection_goes(void **state)
{
    (void)state;
    assert_int_equal(
        parse(CONTEXT("DISCONNECT", ",\"disconnectStatusCode\":1001,"
                                    "\"disconnectReason\":\"Going away\"},"
                                    "\"headers\":{\"Host\":\"\",\"x-api-key\":\"\"}}")),
        GATEWAY_EVENT_OK);
    assert_int_equal(event.kind, GATEWAY_EVENT_DISCONNECT);
    assert_int_equal(event.status, 1001);
    is(event.reason, "Going away");
    is(event.body, "");
}

static void what_it_says_to_itself(void **state)
{
    char text[256];
    struct buf b;

    (void)state;
    buf_init(&b, sizeof(text));
    gateway_event_deliver(STR("general"), 4000000000u, 0, &b);
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARGS(buf_peek(&b)));
    buf_fini(&b);
    assert_string_equal(text, "{\"deliver\":{\"room\":\"general\",\"shard\":4000000000}}");
    assert_int_equal(parse(text), GATEWAY_EVENT_OK);
    assert_int_equal(event.kind, GATEWAY_EVENT_DELIVER);
    is(event.room, "general");
    assert_int_equal(event.shard, 4000000000u);
    assert_int_equal(parse("{\"deliver\":{\"shard\":1}}"), GATEWAY_EVENT_BAD_DELIVER);
    assert_int_equal(parse("{\"deliver\":3}"), GATEWAY_EVENT_NO_CONTEXT);
}

static void bad_input_has_an_error_each(void **state)
{
    static const struct {
        const char *text;
        enum gateway_event_result result;
    } rows[] = {
        {"", GATEWAY_EVENT_NOT_JSON},
        {"hello", GATEWAY_EVENT_NOT_JSON},
        {"[]", GATEWAY_EVENT_NOT_JSON},
        {"{\"requestContext\":{}} x", GATEWAY_EVENT_NOT_JSON},
        {"{\"body\":\"\\ud800\"}", GATEWAY_EVENT_NOT_JSON},
        {CONTEXT("MESSAGE", "}"), GATEWAY_EVENT_NOT_JSON},
        {"{}", GATEWAY_EVENT_NO_CONTEXT},
        {"{\"requestContext\":null}", GATEWAY_EVENT_NO_CONTEXT},
        {"{\"httpMethod\":\"GET\",\"path\":\"/\"}", GATEWAY_EVENT_OTHER_VERSION},
        {"{\"version\":\"2.0\",\"rawPath\":\"/"
         "\",\"requestContext\":{\"http\":{\"method\":\"GET\"}}}",
         GATEWAY_EVENT_OTHER_VERSION},
        {"{\"requestContext\":{}}", GATEWAY_EVENT_OTHER_VERSION},
        {CONTEXT("GREET", "}}"), GATEWAY_EVENT_BAD_TYPE},
        {CONTEXT("MESSAGE", ",\"connectionId\":\"\"}}"), GATEWAY_EVENT_BAD_CONNECTION},
        {CONTEXT("MESSAGE", ",\"connectionId\":\"a b\"}}"), GATEWAY_EVENT_BAD_CONNECTION},
        {CONTEXT("MESSAGE", ",\"connectionId\":\"../../x\"}}"), GATEWAY_EVENT_BAD_CONNECTION},
        {CONTEXT("MESSAGE",
                 ",\"connectionId\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}"),
         GATEWAY_EVENT_BAD_CONNECTION},
        {CONTEXT("MESSAGE", ",\"domainName\":\"a/b\"}}"), GATEWAY_EVENT_BAD_ADDRESS},
        {CONTEXT("MESSAGE", ",\"stage\":\"\"}}"), GATEWAY_EVENT_BAD_ADDRESS},
        {CONTEXT("MESSAGE", "},\"isBase64Encoded\":true,\"body\":\"a\"}"), GATEWAY_EVENT_BAD_BODY},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(rows); i++)
        if (parse(rows[i].text) != rows[i].result)
            fail_msg("row %zu: %s", i, gateway_event_code(parse(rows[i].text)));
    for (unsigned r = 0; r < GATEWAY_EVENT_RESULTS; r++)
        assert_true(gateway_event_code(r) != NULL && gateway_event_why(r) != NULL);
}

/* A body of n bytes behind a context. */
static enum gateway_event_result of_length(size_t n)
{
    static const char head[] = CONTEXT("MESSAGE", "},\"body\":\"");
    size_t at = sizeof(head) - 1;

    memcpy(bytes, head, at);
    memset(bytes + at, 'x', n);
    memcpy(bytes + at + n, "\"}", 2);
    return gateway_event_read(bytes, at + n + 2, &event);
}

static void limits(void **state)
{
    struct buf b;

    (void)state;
    assert_int_equal(of_length(GATEWAY_EVENT_BODY_MAX), GATEWAY_EVENT_OK);
    assert_int_equal(of_length(GATEWAY_EVENT_BODY_MAX + 1), GATEWAY_EVENT_TOO_BIG);
    assert_int_equal(gateway_event_read(bytes, GATEWAY_EVENT_MAX + 1, &event),
                     GATEWAY_EVENT_TOO_BIG);
    for (unsigned over = 0; over < 2; over++) {
        buf_init(&b, 64 * 1024);
        buf_append(&b, STR("{\"headers\":{"));
        for (unsigned i = 0; i < GATEWAY_EVENT_PAIRS_MAX + over; i++)
            buf_printf(&b, "%s\"h%u\":\"\"", i > 0 ? "," : "", i);
        buf_append(&b, STR("}}"));
        buf_append_byte(&b, 0);
        assert_int_equal(parse((const char *)buf_peek(&b).p),
                         over ? GATEWAY_EVENT_TOO_MANY : GATEWAY_EVENT_NO_CONTEXT);
        buf_fini(&b);
    }
    buf_init(&b, 64 * 1024);
    buf_append(&b, STR("{\"x\":["));
    for (unsigned i = 0; i < GATEWAY_EVENT_VALUES_MAX; i++)
        buf_append(&b, STR("1,"));
    buf_append(&b, STR("1]}\0"));
    assert_int_equal(parse((const char *)buf_peek(&b).p), GATEWAY_EVENT_TOO_MANY);
    buf_fini(&b);
}

static void answers(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1024);
    gateway_event_answer(200, (struct str){0}, (struct str){0}, &b);
    is(buf_peek(&b), "{\"statusCode\":200}");
    buf_clear(&b);
    gateway_event_answer(200, STR("polylog.v1"), STR("{\"id\":1}"), &b);
    is(buf_peek(&b), "{\"statusCode\":200,\"headers\":{\"Sec-WebSocket-Protocol\":\"polylog.v1\"},"
                     "\"body\":\"{\\\"id\\\":1}\"}");
    buf_fini(&b);
}

CHECK_MAIN(cmocka_unit_test(a_message), cmocka_unit_test(a_connection_comes),
           cmocka_unit_test(a_connection_goes), cmocka_unit_test(what_it_says_to_itself),
           cmocka_unit_test(bad_input_has_an_error_each), cmocka_unit_test(limits),
           cmocka_unit_test(answers))
