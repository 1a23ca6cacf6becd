/* What events say: the context's variables, mapping templates, the events of functions. */
#include "base/buf.h"
#include "base/str.h"
#include "gateway/event.h"
#include "gateway/json_path.h"
#include "gateway/mapping.h"
#include "lib/check.h"

static const struct occasion_api about = {.id = "abcdef1234",
                                          .stage = "prod",
                                          .domain = "abcdef1234.execute-api.example",
                                          .region = "us-east-1",
                                          .account = "123456789012"};
static struct occasion_link person = {.id = "L0SM9cOFvHcCIhw=",
                                      .connected_ms = 1705751697419,
                                      .source_ip = "49.105.91.154",
                                      .user_agent = "a \"browser\""};
static struct occasion message = {.kind = OCCASION_MESSAGE,
                                  .api = &about,
                                  .link = &person,
                                  .route_key = "$default",
                                  .request_id = "R1knPH17NjMFftw=",
                                  .message_id = "R1knPc2ntjMCFIA=",
                                  .now_ms = 1705751700453,
                                  .body = {(const uint8_t *)"{\"a\":\"it's\"}", 12}};

static bool is_text(struct buf *b, const char *want)
{
    bool same = str_eq(buf_peek(b), str_of(want));

    if (!same)
        print_error("%.*s\ninstead of %s\n", STR_ARGS(buf_peek(b)), want);
    buf_clear(b);
    return same;
}

static void occasion_ids_look_as_they_should(void **state)
{
    static const uint8_t bytes[11] = {0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8};
    char id[OCCASION_ID_N];

    (void)state;
    occasion_make_id(bytes, id);
    assert_int_equal(strlen(id), OCCASION_ID_LEN);
    assert_true(occasion_is_id(str_of(id)));
    assert_true(occasion_is_id(STR("L0SM9cOFvHcCIhw=")));
    assert_false(occasion_is_id(STR("L0SM9cOFvHcCIhw")));
    assert_false(occasion_is_id(STR("L0SM9cOFvHcCIhwa")));
    assert_false(occasion_is_id(STR("L0SM9cOFv.cCIhw=")));
    assert_false(occasion_is_id(STR("")));
}

static void event_of_a_message(void **state)
{
    struct api *a = api_new();
    struct buf b;

    (void)state;
    buf_init(&b, 10000);
    person.authorizer = STR("\"principalId\":\"ana\",\"level\":3");
    api_pairs_add(&a->stage.variables, STR("table"), STR("chat"));
    event_write(&message, a, &b);
    assert_true(is_text(
        &b,
        "{\"stageVariables\":{\"table\":\"chat\"},\"requestContext\":{\"routeKey\":\"$default\","
        "\"messageId\":\"R1knPc2ntjMCFIA=\",\"authorizer\":{\"principalId\":\"ana\",\"level\":3},"
        "\"eventType\":\"MESSAGE\",\"extendedRequestId\":\"R1knPH17NjMFftw=\","
        "\"requestTime\":\"20/Jan/2024:11:55:00 +0000\",\"messageDirection\":\"IN\","
        "\"stage\":\"prod\",\"connectedAt\":1705751697419,\"requestTimeEpoch\":1705751700453,"
        "\"identity\":{\"userAgent\":\"a \\\"browser\\\"\",\"sourceIp\":\"49.105.91.154\"},"
        "\"requestId\":\"R1knPH17NjMFftw=\",\"domainName\":\"abcdef1234.execute-api.example\","
        "\"connectionId\":\"L0SM9cOFvHcCIhw=\",\"apiId\":\"abcdef1234\"},"
        "\"body\":\"{\\\"a\\\":\\\"it's\\\"}\",\"isBase64Encoded\":false}"));
    buf_fini(&b);
    api_free(a);
}

static void event_of_a_handshake(void **state)
{
    static const char head[] = "GET /prod?a=1&b=x%20y&a=2 HTTP/1.1\r\nHost: h\r\nX-One: 1\r\n"
                               "x-one: 2\r\nConnection: Upgrade\r\n\r\n";
    struct http1_limits limits = HTTP1_LIMITS_DEFAULT;
    struct http1_request r;
    struct occasion o = message;
    struct api *a = api_new();
    struct buf b, whole CLEANUP(buf_fini);
    size_t used;
    int status;

    (void)state;
    buf_init(&b, 10000);
    buf_init(&whole, 10000);
    assert_int_equal(http1_parse_request(str_of(head), &limits, &r, &used, &status), HTTP1_OK);
    person.request = &r;
    o.kind = OCCASION_CONNECT;
    event_write(&o, a, &b);
    assert_true(
        str_starts(buf_peek(&b),
                   STR("{\"headers\":{\"Host\":\"h\",\"X-One\":\"2\"},"
                       "\"multiValueHeaders\":{\"Host\":[\"h\"],\"X-One\":[\"1\",\"2\"]},"
                       "\"queryStringParameters\":{\"a\":\"2\",\"b\":\"x y\"},"
                       "\"multiValueQueryStringParameters\":{\"a\":[\"1\",\"2\"],\"b\":[\"x y\"]},"
                       "\"requestContext\":{\"routeKey\"")));
    buf_clear(&b);
    event_write_authorizer(&o, a, &b);
    assert_true(json_path_raw(buf_peek(&b), STR("$"), &whole));
    assert_true(str_starts(
        buf_peek(&b), STR("{\"type\":\"REQUEST\",\"methodArn\":\"arn:aws:execute-api:us-east-1:"
                          "123456789012:abcdef1234/prod/$connect\",")));
    buf_clear(&b);
    assert_true(mapping_source(&o, a, STR("route.request.querystring.b"), &b));
    assert_true(is_text(&b, "x y"));
    assert_true(mapping_source(&o, a, STR("route.request.multivalueheader.x-one"), &b));
    assert_true(is_text(&b, "1,2"));
    assert_false(mapping_source(&o, a, STR("route.request.header.none"), &b));
    person.request = NULL;
    buf_fini(&b);
    api_free(a);
}

static void mapping_of_sources_and_templates(void **state)
{
    static const struct {
        const char *template, *want; /* NULL: it cannot be evaluated */
    } cases[] = {
        {"{\"id\":\"$context.connectionId\",\"body\":$input.body}",
         "{\"id\":\"L0SM9cOFvHcCIhw=\",\"body\":{\"a\":\"it's\"}}"},
        {"$input.json('$.a') $input.path(\"$.a\") ${context.stage}s", "\"it's\" it's prods"},
        {"$util.escapeJavaScript($input.body)", "{\\\"a\\\":\\\"it\\'s\\\"}"},
        {"$util.base64Encode($context.stage).", "cHJvZA==."},
        {"$stageVariables.none|$context.authorizer.principalId|$context.what", "|ana|"},
        {"\\$5 # 1", "$5 # 1"},
        {"#set($x = 1)", NULL},
        {"$x", NULL},
        {"$input.params('x')", NULL},
        {"$util.escapeJavaScript($context.stage", NULL},
        {"${context.stage", NULL},
    };
    struct api *a = api_new();
    struct str bad;
    struct buf b;

    (void)state;
    buf_init(&b, 10000);
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        bool ok = mapping_valid(str_of(cases[i].template), &bad);

        if (ok != (cases[i].want != NULL))
            fail_msg("%s", cases[i].template);
        if (!ok)
            continue;
        mapping_render(&message, a, str_of(cases[i].template), message.body, &b);
        assert_true(is_text(&b, cases[i].want));
    }
    assert_true(mapping_source(&message, a, STR("'a text'"), &b));
    assert_true(is_text(&b, "a text"));
    assert_true(mapping_source(&message, a, STR("route.request.body.a"), &b));
    assert_true(is_text(&b, "it's"));
    assert_false(mapping_source(&message, a, STR("stageVariables.none"), &b));
    assert_int_equal(mapping_source_uses(STR("contxt.stage")), 0);
    assert_int_equal(mapping_source_uses(STR("context.")), 0);
    assert_int_equal(mapping_source_uses(STR("''")), MAPPING_EVENT | MAPPING_CONNECT);
    assert_int_equal(mapping_source_uses(STR("route.request.multivalueheader.a")), MAPPING_CONNECT);
    assert_int_equal(mapping_source_uses(STR("route.request.header.a")),
                     MAPPING_CONNECT | MAPPING_IDENTITY);
    buf_fini(&b);
    api_free(a);
}

static void event_reads_answers(void **state)
{
    static const struct {
        const char *json;
        bool ok;
        unsigned status;
        const char *body, *protocol;
    } cases[] = {
        {"{\"statusCode\":200,\"body\":\"hi\"}", true, 200, "hi", ""},
        {"{\"statusCode\":\"403\"}", true, 403, "", ""},
        {"{\"statusCode\":200,\"headers\":{\"sec-websocket-protocol\":\"p\",\"X\":[1]}}", true, 200,
         "", "p"},
        {"{\"body\":\"aGk=\",\"isBase64Encoded\":true,\"more\":{\"x\":[]}}", true, 0, "hi", ""},
        {"{}", true, 0, "", ""},
        {"null", false, 0, "", ""},
        {"\"text\"", false, 0, "", ""},
        {"{\"statusCode\":200", false, 0, "", ""},
        {"{\"statusCode\":200,\"body\":\"x\",\"headers\":{\"sec-websocket-protocol\":\"p\"},",
         false, 0, "", ""},
        {"", false, 0, "", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct buf body CLEANUP(buf_fini), protocol CLEANUP(buf_fini);
        struct event_answer a = {.status = 7, .body = &body, .protocol = &protocol};

        buf_init(&body, 1000);
        buf_init(&protocol, 1000);
        assert_int_equal(event_read_answer(str_of(cases[i].json), &a), cases[i].ok);
        assert_int_equal(a.status, cases[i].status);
        assert_true(is_text(&body, cases[i].body));
        assert_true(is_text(&protocol, cases[i].protocol));
    }
}

static void event_reads_verdicts(void **state)
{
#define POLICY(statements)                                                     \
    "{\"principalId\":\"ana\",\"policyDocument\":{\"Version\":\"2012-10-17\"," \
    "\"Statement\":" statements "},\"context\":{\"n\":1,\"t\":true,\"s\":\"x\"}}"
#define ALLOW "{\"Action\":\"execute-api:Invoke\",\"Effect\":\"Allow\",\"Resource\":"
#define ARN "arn:aws:execute-api:us-east-1:1:api/prod/$connect"
    static const struct {
        const char *json;
        enum event_verdict verdict;
    } cases[] = {
        {POLICY("[" ALLOW "\"" ARN "\"}]"), EVENT_ALLOW},
        {POLICY(ALLOW "[\"x\",\"*\"]}"), EVENT_ALLOW},
        {POLICY("[" ALLOW "\"arn:aws:execute-api:*:1:api/*/$connect\"}]"), EVENT_ALLOW},
        {POLICY("[" ALLOW "\"arn:aws:execute-api:us-east-1:1:api/prod/*/*\"}]"), EVENT_DENY},
        {POLICY("[]"), EVENT_DENY},
        {POLICY("[" ALLOW "\"*\"},{\"Action\":\"execute-api:*\",\"Effect\":\"Deny\","
                "\"Resource\":\"*\"}]"),
         EVENT_DENY},
        {"{\"policyDocument\":{}}", EVENT_BROKEN},
        {"{\"principalId\":\"a\",\"context\":{\"x\":{}}}", EVENT_BROKEN},
        {"null", EVENT_BROKEN},
        {"", EVENT_BROKEN},
    };
    struct buf members;

    (void)state;
    buf_init(&members, 1000);
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        if (event_read_verdict(str_of(cases[i].json), STR(ARN), &members) != cases[i].verdict)
            fail_msg("%s", cases[i].json);
        if (i == 0)
            assert_true(
                is_text(&members, "\"principalId\":\"ana\",\"n\":1,\"t\":true,\"s\":\"x\""));
        buf_clear(&members);
    }
    buf_fini(&members);
}

CHECK_MAIN(cmocka_unit_test(occasion_ids_look_as_they_should), cmocka_unit_test(event_of_a_message),
           cmocka_unit_test(event_of_a_handshake),
           cmocka_unit_test(mapping_of_sources_and_templates),
           cmocka_unit_test(event_reads_answers), cmocka_unit_test(event_reads_verdicts))
