#include "aws/signer.h"
#include "base/str.h"
#include "lib/check.h"
#include "trace/tracer.h"

#include <errno.h>
#include <string.h>

/* A loop and a client by hand. */
static uint64_t now_ms;
static struct http_request *asked;
static unsigned asked_n;
static uint8_t drawn;

static uint64_t clock_ms(struct io *io)
{
    (void)io;
    return now_ms;
}

static uint64_t clock_us(struct io *io)
{
    (void)io;
    return now_ms * 1000;
}

static uint64_t wall_ms(struct io *io)
{
    (void)io;
    return 1700000000000 + now_ms;
}

static void draw(struct io *io, uint8_t *p, size_t n)
{
    (void)io;
    memset(p, ++drawn, n);
}

static void submit(struct http_client *c, struct http_request *req)
{
    (void)c;
    asked = req;
    asked_n++;
}

static const struct io_ops io_ops = {
    .now_ms = clock_ms, .clock_us = clock_us, .wall_ms = wall_ms, .random = draw};
static const struct http_client_ops client_ops = {.name = "by hand", .submit = submit};

struct rig {
    struct io io;
    struct http_client client;
    struct trace_outlet outlet;
    struct tracer *t;
};

static void begin(struct rig *r, unsigned share)
{
    *r = (struct rig){.io = {.ops = &io_ops}, .client = {.ops = &client_ops}};
    now_ms = 5000;
    asked = NULL;
    asked_n = 0;
    r->outlet = (struct trace_outlet){
        .client = &r->client, .url = "http://127.0.0.1:4318/v1/traces", .share = share};
    r->t = tracer_new(&r->io, &r->outlet,
                      &(struct otlp_resource){STR("chat"), STR("1.2.3"), STR("node-1")});
}

static void answer(int error, unsigned status)
{
    struct http_request *req = asked;

    assert_non_null(req);
    asked = NULL;
    req->ret_error = error;
    req->ret_status = status;
    req->done(req);
}

static void put(struct rig *r, const struct trace *at)
{
    struct trace_span span = {.at = *at, .kind = TRACE_SERVER, .name = "send"};

    tracer_end(r->t, &span);
}

static const char first_body[] =
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\","
    "\"value\":{\"stringValue\":\"chat\"}},{\"key\":\"service.version\",\"value\":{"
    "\"stringValue\":\"1.2.3\"}},{\"key\":\"host.name\",\"value\":{\"stringValue\":"
    "\"node-1\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"polylog\"},\"spans\":[{"
    "\"traceId\":\"10101010101010101010101010101011\",\"spanId\":\"1212121212121213\","
    "\"parentSpanId\":\"1111111111111111\",\"name\":\"append\",\"kind\":3,"
    "\"startTimeUnixNano\":\"1700000004000000000\",\"endTimeUnixNano\":"
    "\"1700000004000500000\",\"attributes\":[{\"key\":\"polylog.room\",\"value\":{"
    "\"stringValue\":\"general\"}},{\"key\":\"polylog.entries\",\"value\":{"
    "\"intValue\":\"3\"}},{\"key\":\"error.type\",\"value\":{\"stringValue\":"
    "\"store_full\"}}],\"status\":{\"code\":2}}]}]}]}";

static void one_request_at_a_time(void **state)
{
    struct rig r;
    struct trace at;
    struct trace_span span = {.kind = TRACE_CLIENT,
                              .name = "append",
                              .began_us = 4000000,
                              .ended_us = 4000500,
                              .entries = 3,
                              .error = "store_full"};

    (void)state;
    begin(&r, 1000);
    tracer_second(r.t);
    assert_int_equal(asked_n, 0);
    drawn = 0x0f;
    tracer_begin(r.t, NULL, &at);
    assert_true(at.sampled);
    trace_room(&span, STR("general"));
    tracer_below(r.t, &at, &span);
    tracer_end(r.t, &span);
    tracer_second(r.t);
    assert_int_equal(asked_n, 1);
    assert_string_equal(asked->headers[0], "Content-Type: application/json");
    assert_null(asked->headers[1]);
    assert_int_equal(asked->body.n, strlen(first_body));
    assert_memory_equal(asked->body.p, first_body, asked->body.n);
    put(&r, &at);
    tracer_second(r.t);
    assert_int_equal(asked_n, 1);
    answer(0, 200);
    tracer_second(r.t);
    assert_int_equal(asked_n, 2);
    answer(0, 503);
    put(&r, &at);
    tracer_second(r.t);
    answer(-ECONNREFUSED, 0);
    tracer_second(r.t);
    assert_int_equal(asked_n, 3);
    assert_int_equal(tracer_stats(r.t).sent, 1);
    assert_int_equal(tracer_stats(r.t).lost, 2);
    assert_int_equal(tracer_stats(r.t).dropped, 0);
    tracer_free(r.t);
}

static void flushed(void *ctx)
{
    unsigned *n = ctx;

    (*n)++;
}

static void a_flush_ends_in_time_and_says_so(void **state)
{
    struct rig r;
    struct trace at;
    unsigned n = 0;

    (void)state;
    begin(&r, 1000);
    assert_false(tracer_flush(r.t, 500, flushed, &n));
    tracer_begin(r.t, NULL, &at);
    put(&r, &at);
    assert_true(tracer_flush(r.t, 500, flushed, &n));
    assert_int_equal(asked->timeout_ms, 500);
    assert_int_equal(n, 0);
    answer(0, 200);
    assert_int_equal(n, 1);
    put(&r, &at);
    assert_true(tracer_flush(r.t, 500, flushed, &n));
    answer(-ETIMEDOUT, 0);
    assert_int_equal(n, 2);
    assert_int_equal(tracer_stats(r.t).sent, 1);
    assert_int_equal(tracer_stats(r.t).lost, 1);
    put(&r, &at);
    tracer_second(r.t);
    assert_int_equal(asked->timeout_ms, 10000);
    assert_false(tracer_flush(r.t, 500, flushed, &n)); /* a request is under way */
    answer(0, 200);
    r.outlet.client = NULL; /* nothing can be sent */
    put(&r, &at);
    assert_false(tracer_flush(r.t, 500, flushed, &n));
    assert_int_equal(n, 2);
    assert_int_equal(tracer_stats(r.t).lost, 2);
    tracer_free(r.t);
}

static void what_waits_is_bounded(void **state)
{
    struct rig r;
    struct trace at;

    (void)state;
    begin(&r, 1000);
    tracer_begin(r.t, NULL, &at);
    for (unsigned i = 0; i < TRACER_WAITING_MAX + 3; i++)
        put(&r, &at);
    assert_int_equal(tracer_stats(r.t).dropped, 3);
    for (unsigned i = 0; i < TRACER_WAITING_MAX / TRACER_POST_MAX; i++) {
        tracer_second(r.t);
        answer(0, 200);
    }
    tracer_second(r.t);
    assert_null(asked);
    assert_int_equal(tracer_stats(r.t).sent, TRACER_WAITING_MAX);
    tracer_free(r.t);
}

static void a_client_asks_for_so_many_a_second(void **state)
{
    struct trace parent = {.id = {[0] = 7}, .span = {[0] = 9}, .sampled = true}, at;
    struct rig r;

    (void)state;
    begin(&r, 0);
    tracer_begin(r.t, NULL, &at);
    assert_false(at.sampled);
    for (unsigned i = 0; i < TRACER_ASKED_MAX; i++) {
        tracer_begin(r.t, &parent, &at);
        assert_true(at.sampled);
    }
    assert_memory_equal(at.id, parent.id, TRACE_ID_N);
    assert_memory_not_equal(at.span, parent.span, TRACE_SPAN_N);
    tracer_begin(r.t, &parent, &at);
    assert_false(at.sampled);
    now_ms += 1000;
    tracer_begin(r.t, &parent, &at);
    assert_true(at.sampled);
    parent.sampled = false;
    tracer_begin(r.t, &parent, &at);
    assert_false(at.sampled);
    tracer_free(r.t);
}

static void requests_to_xray_are_signed(void **state)
{
    static char key[] = "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", secret[] = "AWS_SECRET_ACCESS_KEY=hidden",
                token[] = "AWS_SESSION_TOKEN=passing";
    static char *environ[] = {key, secret, token, NULL};
    struct aws_env env = aws_env_of(environ);
    struct signer_options o = {.env = &env};
    char why[CREDENTIALS_WHY_MAX];
    struct rig r;
    struct trace at;

    (void)state;
    begin(&r, 1000);
    r.outlet.url = "https://xray.eu-central-1.amazonaws.com/v1/traces";
    assert_true(trace_outlet_region(r.outlet.url, r.outlet.region));
    assert_int_equal(signer_open(&o, &r.outlet.signer, why), 0);
    tracer_begin(r.t, NULL, &at);
    put(&r, &at);
    tracer_second(r.t);
    assert_string_equal(asked->headers[1], "X-Amz-Date: 20231114T221325Z");
    assert_string_equal(asked->headers[2], "X-Amz-Security-Token: passing");
    assert_non_null(strstr(asked->headers[3],
                           "Credential=AKIDEXAMPLE/20231114/eu-central-1/xray/aws4_request"));
    assert_non_null(
        strstr(asked->headers[3], "SignedHeaders=host;x-amz-date;x-amz-security-token"));
    assert_null(strstr(asked->headers[3], "hidden"));
    assert_null(asked->headers[4]);
    answer(0, 200);
    tracer_free(r.t);
    signer_close(r.outlet.signer);
}

static void which_addresses_are_xrays(void **state)
{
    char region[64];

    (void)state;
    assert_true(trace_outlet_region("https://xray.eu-central-1.amazonaws.com/v1/traces", region));
    assert_string_equal(region, "eu-central-1");
    assert_true(trace_outlet_region("https://xray.cn-north-1.amazonaws.com.cn/v1/traces", region));
    assert_string_equal(region, "cn-north-1");
    assert_false(trace_outlet_region("http://xray.eu-central-1.amazonaws.com/v1/traces", region));
    assert_false(trace_outlet_region("https://xray.a.b.amazonaws.com/v1/traces", region));
    assert_false(trace_outlet_region("https://xray.amazonaws.com/v1/traces", region));
    assert_false(trace_outlet_region("https://xray.x.amazonaws.com.evil.org/v1/traces", region));
    assert_false(trace_outlet_region("https://collector:4318/v1/traces", region));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_at_a_time),
        cmocka_unit_test(a_flush_ends_in_time_and_says_so),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(a_client_asks_for_so_many_a_second),
        cmocka_unit_test(requests_to_xray_are_signed),
        cmocka_unit_test(which_addresses_are_xrays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
