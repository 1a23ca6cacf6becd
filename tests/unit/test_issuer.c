/* When an issuer's keys are fetched, kept and dropped; requests and time are the
 * test's. */
#include "server/node/issuer.h"

#include "base/str.h"
#include "io/http_client.h"
#include "lib/jwk_samples.h"
#include "lib/worker_rig.h"

#include <errno.h>
#include <stdio.h>

#define ISSUER "https://id.example.org"
#define KEYS "{\"keys\":[" JWK_SAMPLES_OKP "]}"
#define CONFIG "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://keys.example.org/k\"}"
#define MINUTE_MS (60 * 1000u)

struct rig {
    struct worker_rig worker;
    struct http_client http;
    struct http_request *asked; /* and not answered */
    unsigned asked_n;
    struct issuer *issuer;
    char *audience;
};

static struct rig *rig;

static void submit(struct http_client *c, struct http_request *req)
{
    struct rig *r = CONTAINER_OF(c, struct rig, http);

    assert_null(r->asked);
    r->asked = req;
    r->asked_n++;
}

static void no_close(struct http_client *c)
{
    (void)c;
}

static const struct http_client_ops http_ops = {.name = "rig", .submit = submit, .close = no_close};

static uint64_t now_ms(struct io *io)
{
    (void)io;
    return rig->worker.now_ms;
}

static void highest(struct io *io, uint8_t *p, size_t n)
{
    (void)io;
    memset(p, 0xff, n);
}

static const struct io_ops io_ops = {.now_ms = now_ms, .wall_ms = now_ms, .random = highest};

static void deliver(struct rig *r)
{
    struct worker *w = &r->worker.worker;
    struct io_mail *m = w->out_first[0], *next;

    w->out_first[0] = w->out_last[0] = NULL;
    for (; m != NULL; m = next) {
        next = m->next;
        m->deliver(m);
    }
}

/* Time passes, in steps of at most a second, until something is asked or ms are over;
 * how many passed. */
static uint64_t pass(struct rig *r, uint64_t ms)
{
    uint64_t start = r->worker.now_ms, end = start + ms;

    while (r->asked == NULL && r->worker.now_ms < end) {
        r->worker.now_ms += MIN(end - r->worker.now_ms, (uint64_t)1000);
        wheel_advance(&r->worker.worker.wheel, r->worker.now_ms);
        deliver(r);
    }
    return r->worker.now_ms - start;
}

static void answer(struct rig *r, int error, unsigned status, const char *cache, const char *body)
{
    struct http_request *req = r->asked;

    assert_non_null(req);
    r->asked = NULL;
    req->ret_error = error;
    req->ret_status = status;
    if (cache != NULL)
        buf_printf(&req->ret_headers, "cache-control: %s\n", cache);
    buf_append(&req->ret_body, str_of(body));
    req->done(req);
    deliver(r);
}

/* The two answers to a whole fetch. */
static void answer_keys(struct rig *r, const char *cache)
{
    assert_string_equal(r->asked->url, ISSUER "/.well-known/openid-configuration");
    answer(r, 0, 200, NULL, CONFIG);
    assert_string_equal(r->asked->url, "https://keys.example.org/k");
    answer(r, 0, 200, cache, KEYS);
    assert_null(r->asked);
}

static bool has_keys(const struct rig *r)
{
    return r->worker.worker.people.identity.keys != NULL;
}

static void want(struct rig *r)
{
    struct identity *id = &r->worker.worker.people.identity;

    id->o->want_keys(id);
    id->o->want_keys(id);
    deliver(r);
}

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    char why[ISSUER_WHY_MAX];
    struct worker *w;

    assert_non_null(r);
    rig = r;
    worker_rig_init(&r->worker);
    r->worker.io.ops = &io_ops;
    r->http.ops = &http_ops;
    r->audience = strdup("chat");
    w = &r->worker.worker;
    wheel_init(&w->wheel, r->worker.now_ms);
    w->log = log_new(NULL, &r->worker.io, (enum log_level)(LOG_LEVEL_ERROR + 1), 0);
    r->worker.server.workers = w;
    r->worker.server.workers_n = 1;
    r->worker.server.o.http = &r->http;
    r->worker.conf.issuer = ISSUER;
    r->worker.conf.jwks = "";
    r->worker.conf.issuer_ca = "";
    r->worker.conf.audience = (struct conf_list){&r->audience, 1};
    r->worker.conf.jwks_again_ms = 30 * 1000;
    r->worker.conf.jwks_stale_ms = 24 * 60 * MINUTE_MS;
    assert_int_equal(issuer_new(&r->worker.server, &r->issuer, why), 0);
    r->worker.server.issuer = r->issuer;
    people_init(&w->people, &w->owner, NULL, 1000, issuer_options(r->issuer));
    assert_null(issuer_start(r->issuer));
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    issuer_stop(r->issuer);
    if (r->asked != NULL)
        answer(r, -ECANCELED, 0, NULL, "");
    people_fini(&r->worker.worker.people);
    log_free(r->worker.worker.log);
    issuer_free(r->issuer);
    free(r->audience);
    worker_rig_fini(&r->worker);
    free(r);
    return 0;
}

static void they_are_fetched_at_the_start_and_when_due(void **state)
{
    static const struct {
        const char *cache;
        unsigned minutes;
    } all[] = {{NULL, 60},
               {"public", 60},
               {"max-age=600", 10},
               {"max-age=1", 5},
               {"no-cache", 5},
               {"max-age=86400", 12 * 60},
               {"max-age=99999999999999999", 12 * 60}};
    struct rig *r = *state;

    assert_false(has_keys(r));
    for (size_t i = 0; i < COUNTOF(all); i++) {
        uint64_t passed;

        answer_keys(r, all[i].cache);
        assert_true(has_keys(r) && !issuer_is_failing(r->issuer));
        passed = pass(r, 48 * 60 * MINUTE_MS); /* no later than half of jwks-stale */
        if (passed / MINUTE_MS != all[i].minutes)
            fail_msg("%s: after %llu ms", all[i].cache, (unsigned long long)passed);
    }
}

static void an_unknown_key_makes_it_sooner_but_not_too_soon(void **state)
{
    struct rig *r = *state;

    want(r); /* it is under way already */
    answer_keys(r, NULL);
    assert_int_equal(pass(r, 10 * 1000), 10 * 1000);
    want(r);
    assert_null(r->asked);
    assert_int_equal(pass(r, MINUTE_MS), 20 * 1000);
    answer_keys(r, NULL);
    assert_int_equal(pass(r, 40 * 1000), 40 * 1000); /* once is enough */
    want(r);
    assert_int_equal(pass(r, MINUTE_MS), 1000);
    answer_keys(r, NULL);
    assert_int_equal(r->asked_n, 6);
}

static void what_fails_is_tried_again_more_and_more_seldom(void **state)
{
    static const unsigned seconds[] = {30, 60, 120, 240, 300, 300};
    struct rig *r = *state;

    for (size_t i = 0; i < COUNTOF(seconds); i++) {
        answer(r, i % 2 ? -ETIMEDOUT : 0, 503, NULL, KEYS);
        assert_true(issuer_is_failing(r->issuer) && !has_keys(r));
        assert_in_range(pass(r, 60 * MINUTE_MS), seconds[i] * 500u, seconds[i] * 1000u);
    }
    answer_keys(r, NULL);
    assert_true(has_keys(r) && !issuer_is_failing(r->issuer));
    assert_int_equal(worker_rig_metric(&r->worker, METRIC_jwks_failures), COUNTOF(seconds));
    assert_int_equal(worker_rig_metric(&r->worker, METRIC_jwks_fetches), 1);
}

static void the_last_good_keys_stay_until_they_are_stale(void **state)
{
    struct rig *r = *state;
    uint64_t start = r->worker.now_ms;

    answer_keys(r, NULL);
    while (r->worker.now_ms < start + 24 * 60 * MINUTE_MS - 1000) {
        assert_true(has_keys(r));
        (void)pass(r, start + 24 * 60 * MINUTE_MS - 1000 - r->worker.now_ms);
        if (r->asked != NULL)
            answer(r, -ECONNREFUSED, 0, NULL, "");
    }
    issuer_second(r->issuer);
    assert_int_equal(worker_rig_metric(&r->worker, METRIC_jwks_age), 24 * 60 * 60 - 1);
    for (unsigned i = 0; i < 3; i++) {
        (void)pass(r, 1000);
        if (r->asked != NULL)
            answer(r, -ECONNREFUSED, 0, NULL, "");
    }
    assert_false(has_keys(r));
    while (r->asked == NULL)
        (void)pass(r, MINUTE_MS);
    answer_keys(r, NULL);
    assert_true(has_keys(r));
}

/* It says nothing for so long that the keys grow stale in between. */
static void they_grow_stale_while_it_is_asked(void **state)
{
    struct rig *r = *state;
    struct http_request *asked;

    answer_keys(r, NULL);
    (void)pass(r, 60 * MINUTE_MS);
    asked = r->asked;
    assert_non_null(asked);
    r->asked = NULL;
    (void)pass(r, 24 * 60 * MINUTE_MS);
    r->asked = asked;
    answer(r, -ETIMEDOUT, 0, NULL, "");
    (void)pass(r, 2000);
    assert_false(has_keys(r));
}

static void wrong_answers_change_nothing(void **state)
{
    static const char *const configs[] = {
        "", "{}", "{\"issuer\":\"https://evil\",\"jwks_uri\":\"https://keys.example.org/k\"}",
        "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"http://keys.example.org/k\"}"};
    static const char *const keys[] = {"", "{}", "{\"keys\":[]}",
                                       "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AQAB\"}]}"};
    struct rig *r = *state;

    answer_keys(r, NULL);
    for (size_t i = 0; i < COUNTOF(configs); i++) {
        (void)pass(r, 60 * MINUTE_MS);
        answer(r, 0, 200, NULL, configs[i]);
        assert_null(r->asked);
        assert_true(has_keys(r) && issuer_is_failing(r->issuer));
    }
    for (size_t i = 0; i < COUNTOF(keys); i++) {
        (void)pass(r, 60 * MINUTE_MS);
        answer(r, 0, 200, NULL, CONFIG);
        answer(r, 0, 200, NULL, keys[i]);
        assert_true(has_keys(r) && issuer_is_failing(r->issuer));
    }
    (void)pass(r, 60 * MINUTE_MS);
    answer(r, 0, 302, NULL, CONFIG);
    assert_null(r->asked);
}

static void an_answer_may_come_after_the_end(void **state)
{
    struct rig *r = *state;

    issuer_stop(r->issuer);
    answer(r, 0, 200, NULL, CONFIG);
    assert_null(r->asked);
    want(r);
    assert_int_equal(pass(r, 60 * MINUTE_MS), 60 * MINUTE_MS);
    assert_false(has_keys(r));
}

static void only_with_an_issuer_is_anything_asked(void **state)
{
    struct worker_rig w;
    struct issuer *none = (struct issuer *)&w;
    char why[ISSUER_WHY_MAX];

    (void)state;
    worker_rig_init(&w);
    w.conf.issuer = "";
    w.conf.jwks = "";
    w.conf.issuer_ca = "";
    assert_int_equal(issuer_new(&w.server, &none, why), 0);
    assert_null(none);
    assert_null(issuer_options(none));
    assert_null(issuer_start(none));
    issuer_refresh(none);
    issuer_stop(none);
    issuer_second(none);
    assert_false(issuer_is_failing(none));
    issuer_free(none);
    w.conf.issuer = "http://id.example.org";
    assert_int_equal(issuer_new(&w.server, &none, why), -EINVAL);
    assert_non_null(strstr(why, "https://"));
    w.conf.issuer = ISSUER;
    w.conf.jwks = "http://id.example.org/k";
    assert_int_equal(issuer_new(&w.server, &none, why), -EINVAL);
    assert_non_null(strstr(why, "jwks must be"));
    w.conf.jwks = "";
    w.conf.issuer_ca = "/nowhere.pem";
    assert_int_equal(issuer_new(&w.server, &none, why), -EINVAL);
    assert_non_null(strstr(why, "issuer-ca: /nowhere.pem"));
    worker_rig_fini(&w);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

CHECK_MAIN(EACH(they_are_fetched_at_the_start_and_when_due),
           EACH(an_unknown_key_makes_it_sooner_but_not_too_soon),
           EACH(what_fails_is_tried_again_more_and_more_seldom),
           EACH(the_last_good_keys_stay_until_they_are_stale),
           EACH(they_grow_stale_while_it_is_asked), EACH(wrong_answers_change_nothing),
           EACH(an_answer_may_come_after_the_end),
           cmocka_unit_test(only_with_an_issuer_is_anything_asked))
