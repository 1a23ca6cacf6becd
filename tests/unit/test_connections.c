/* serverless/connections.h over an HTTP client of the test's. */
#include "serverless/connections.h"

#include "base/str.h"
#include "lib/check.h"
#include "lib/http_rig.h"

#include <errno.h>
#include <string.h>

#define BASE "https://abcdef1234.execute-api.us-east-1.amazonaws.com/prod"
#define AT_2015_MS UINT64_C(1440938160000)

struct rig {
    struct http_rig http;
    struct poster *poster;
    struct sigv4_key key;
    unsigned refreshed_n;
    bool unsigned_;
};

static bool sign(void *ctx, const struct sigv4_request *r, struct buf *out)
{
    static const struct sigv4_credentials keys = {
        .access_key = {(const uint8_t *)"AKIDEXAMPLE", 11},
        .secret_key = {(const uint8_t *)"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 40},
    };
    struct rig *rig = ctx;

    return !rig->unsigned_ && sigv4_headers(&rig->key, &keys, r, out);
}

static void refresh(void *ctx)
{
    ((struct rig *)ctx)->refreshed_n++;
}

static int setup(void **state)
{
    static struct rig rig;
    struct rig *r = &rig;

    memset(r, 0, sizeof(*r));
    http_rig_init(&r->http, 200);
    sim_host_clock(r->http.host, (int64_t)AT_2015_MS - (int64_t)io_wall_ms(r->http.io), 0);
    r->poster = connections_new(&(struct connections_options){.home = r->http.io,
                                                              .client = &r->http.client,
                                                              .region = "us-east-1",
                                                              .timeout_ms = 1000,
                                                              .sign = sign,
                                                              .refresh = refresh,
                                                              .ctx = r});
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    connections_free(r->poster);
    sigv4_key_fini(&r->key);
    http_rig_fini(&r->http);
    return 0;
}

static void done(struct poster_req *req)
{
    req->done = NULL;
}

static unsigned post_to(struct rig *r, struct str base)
{
    struct poster_req req = {
        .base = base, .id = STR("L0SM9cOFvHcCIhw="), .body = STR("hello world"), .done = done};

    poster_post(r->poster, &req);
    assert_non_null(req.done);
    while (req.done != NULL)
        http_rig_step(&r->http);
    return req.ret_status;
}

/* The signature that AWS' SDKs make of the same, computed twice by others. */
static void is_signed_as_the_sdks_do(void **state)
{
    struct rig *r = *state;

    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(post_to(r, STR(BASE)), 200);
        assert_string_equal(r->http.url, BASE "/@connections/L0SM9cOFvHcCIhw%3D");
        assert_string_equal(r->http.body, "hello world");
        assert_string_equal(r->http.method, "POST");
        assert_non_null(strstr(r->http.headers, "X-Amz-Date: 20150830T123600Z\n"));
        assert_non_null(strstr(r->http.headers, "SignedHeaders=host;x-amz-date, "));
        assert_non_null(
            strstr(r->http.headers,
                   "=c92a8b65e3bf491fbe1250404db2b48f7873ca0d02466e1165ef93b4b1166819\n"));
    }
}

/* Without a body, and so without its type. */
static void a_connection_is_ended(void **state)
{
    struct rig *r = *state;
    struct poster_req req = {
        .base = STR(BASE), .id = STR("L0SM9cOFvHcCIhw="), .ends = true, .done = done};

    r->http.status = 204;
    poster_post(r->poster, &req);
    while (req.done != NULL)
        http_rig_step(&r->http);
    assert_int_equal(req.ret_status, 204);
    assert_string_equal(r->http.method, "DELETE");
    assert_string_equal(r->http.url, BASE "/@connections/L0SM9cOFvHcCIhw%3D");
    assert_string_equal(r->http.body, "");
    assert_null(strstr(r->http.headers, "Content-Type"));
    assert_non_null(strstr(r->http.headers, "SignedHeaders=host;x-amz-date, "));
}

static void answers_are_passed_on(void **state)
{
    static const unsigned statuses[] = {400, 410, 413, 429, 500};
    struct rig *r = *state;

    for (size_t i = 0; i < COUNTOF(statuses); i++) {
        r->http.status = statuses[i];
        r->http.answer_headers =
            "date: today\nx-amzn-errortype: GoneException:http://internal.amazon.com/x\n";
        assert_int_equal(post_to(r, STR(BASE)), statuses[i]);
        assert_string_equal(connections_error(r->poster), "GoneException");
    }
    r->http.error = -ETIMEDOUT;
    assert_int_equal(post_to(r, STR(BASE)), 0);
}

static void only_old_credentials_are_tried_again(void **state)
{
    struct rig *r = *state;

    r->http.status = 403;
    r->http.answer_headers = "date: today\nx-amzn-errortype: ForbiddenException\n";
    assert_int_equal(post_to(r, STR(BASE)), 403);
    assert_int_equal(r->refreshed_n, 0);
    assert_string_equal(connections_error(r->poster), "ForbiddenException");
    r->http.answer_headers = "date: today\nx-amzn-errortype: ExpiredTokenException\n";
    assert_int_equal(post_to(r, STR(BASE)), 503);
    assert_int_equal(r->refreshed_n, 1);
}

static void what_cannot_be_asked_has_no_answer(void **state)
{
    struct rig *r = *state;

    assert_int_equal(post_to(r, STR("abcdef")), 0);
    assert_int_equal(post_to(r, STR("https:///prod")), 0);
    r->unsigned_ = true;
    assert_int_equal(post_to(r, STR(BASE)), 0);
    assert_int_equal(r->http.asked_n, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

CHECK_MAIN(CASE(is_signed_as_the_sdks_do), CASE(a_connection_is_ended), CASE(answers_are_passed_on),
           CASE(only_old_credentials_are_tried_again), CASE(what_cannot_be_asked_has_no_answer))
