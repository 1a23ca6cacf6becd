/* What lambda/invoker.h asks, over an HTTP client of the test's, and what it makes of answers. */
#include "lambda/invoker.h"

#include "base/str.h"
#include "lib/check.h"
#include "lib/http_rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct rig {
    struct http_rig http;
    struct invoker *invoker;
    char signed_for[256];
    bool unsigned_;
    /* What came of it. */
    bool done, taken;
};

static bool sign(void *ctx, const struct sigv4_request *r, struct buf *out)
{
    struct rig *rig = ctx;

    (void)snprintf(rig->signed_for, sizeof(rig->signed_for), "%.*s %.*s %.*s %.*s %.*s",
                   STR_ARGS(r->method), STR_ARGS(r->host), STR_ARGS(r->path), STR_ARGS(r->service),
                   STR_ARGS(r->region));
    buf_append(out, (struct str){(const uint8_t *)"Authorization: it", 18});
    return !rig->unsigned_;
}

static struct invoker *open_at(struct rig *r, const char *endpoint, const char *region)
{
    return invoker_new(&(struct invoker_options){.home = r->http.io,
                                                 .client = &r->http.client,
                                                 .endpoint = endpoint,
                                                 .region = region,
                                                 .name = "chat prod",
                                                 .timeout_ms = 1000,
                                                 .sign = sign,
                                                 .ctx = r});
}

static int setup(void **state)
{
    static struct rig rig;
    struct rig *r = &rig;

    memset(r, 0, sizeof(*r));
    http_rig_init(&r->http, 202);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    invoker_free(r->invoker);
    http_rig_fini(&r->http);
    return 0;
}

static void done(void *ctx, bool taken)
{
    struct rig *r = ctx;

    assert_false(r->done);
    r->done = true;
    r->taken = taken;
}

static bool takes(struct rig *r)
{
    r->done = false;
    invoker_ask(r->invoker, STR("{\"deliver\":1}"), done, r);
    assert_false(r->done);
    while (!r->done)
        http_rig_step(&r->http);
    return r->taken;
}

static void asks_as_an_event(void **state)
{
    struct rig *r = *state;

    r->invoker = open_at(r, NULL, "eu-central-1");
    assert_true(takes(r));
    assert_string_equal(r->http.url,
                        "https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/"
                        "chat%20prod/invocations");
    assert_string_equal(r->signed_for,
                        "POST lambda.eu-central-1.amazonaws.com "
                        "/2015-03-31/functions/chat%20prod/invocations lambda eu-central-1");
    assert_string_equal(r->http.headers,
                        "Content-Type: application/json\nX-Amz-Invocation-Type: Event\n"
                        "Authorization: it\n");
    assert_string_equal(r->http.method, "POST");
    assert_string_equal(r->http.body, "{\"deliver\":1}");
}

static void another_endpoint(void **state)
{
    struct rig *r = *state;

    r->invoker = open_at(r, "http://127.0.0.1:3001/", "us-east-1");
    assert_true(takes(r));
    assert_string_equal(r->http.url,
                        "http://127.0.0.1:3001/2015-03-31/functions/chat%20prod/invocations");
    assert_non_null(strstr(r->signed_for, " 127.0.0.1:3001 /2015"));
    invoker_free(r->invoker);
    r->invoker = open_at(r, NULL, "cn-north-1");
    assert_true(takes(r));
    assert_non_null(strstr(r->http.url, "//lambda.cn-north-1.amazonaws.com.cn/"));
    assert_null(open_at(r, "127.0.0.1:3001", "us-east-1"));
}

/* Whatever is not 202 means that nobody else does it. */
static void what_is_not_taken(void **state)
{
    struct rig *r = *state;

    r->invoker = open_at(r, NULL, "us-east-1");
    r->http.status = 429;
    assert_false(takes(r));
    r->http.status = 202;
    r->http.error = -ETIMEDOUT;
    assert_false(takes(r));
    r->http.error = 0;
    r->unsigned_ = true;
    assert_false(takes(r));
    assert_int_equal(r->http.asked_n, 2); /* unsigned it is not sent */
    r->unsigned_ = false;
    assert_true(takes(r));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

CHECK_MAIN(TEST(asks_as_an_event), TEST(another_endpoint), TEST(what_is_not_taken))
