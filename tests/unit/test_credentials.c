/* The chain of credentials, against endpoints of a test's own on the loopback. */
#include "aws/credentials.h"
#include "base/str.h"
#include "base/utc.h"
#include "io/file.h"
#include "lib/check.h"
#include "lib/http_peer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, STALE_MS = 50, VARIABLES_MAX = 16 };

struct rig {
    struct io_host *host;
    struct io *io;
    struct wheel wheel;
    struct http_peer *peer;
    struct http_client *client;
    struct credentials *c;
    struct aws_env env;
    char variables[VARIABLES_MAX][128];
    char *environ[VARIABLES_MAX + 1];
    unsigned variables_n;
    char dir[64], url[64];
    /* What the endpoints say. */
    const char *status, *key, *body;
    char token[32]; /* that they want, or last gave out */
    unsigned asked_n, tokens_n;
    bool hangs, forgets; /* never answers; does not know its first token */
    int64_t lasts_s;
    char last[1024];
    /* What was told. */
    unsigned news_n, failures_n;
    char why[CREDENTIALS_WHY_MAX];
};

static void set(struct rig *r, const char *name, const char *value)
{
    assert_true(r->variables_n < VARIABLES_MAX);
    (void)snprintf(r->variables[r->variables_n], sizeof(r->variables[0]), "%s=%s", name, value);
    r->environ[r->variables_n] = r->variables[r->variables_n];
    r->variables_n++;
}

static void write_file(struct rig *r, const char *name, const char *variable, const char *text)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", r->dir, name);
    assert_int_equal(file_replace(path, str_of(text)), 0);
    if (variable != NULL)
        set(r, variable, path);
}

static void say(struct rig *r, struct buf *ret, const char *body)
{
    buf_printf(ret, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", r->status, strlen(body), body);
}

static void end_of(struct rig *r, char text[static 32])
{
    struct utc u = utc_of((int64_t)(io_wall_ms(r->io) / 1000) + r->lasts_s);

    (void)snprintf(text, 32, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)u.year, (int)u.month,
                   (int)u.day, (int)u.hour, (int)u.minute, (int)u.second);
}

static void say_keys(struct rig *r, struct buf *ret)
{
    char body[512], end[32];

    end_of(r, end);
    (void)snprintf(body, sizeof(body),
                   "{\"Code\":\"Success\",\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"hidden%s\","
                   "\"Token\":\"tok\",\"Expiration\":\"%s\"}",
                   r->key, r->key, end);
    say(r, ret, body);
}

static void say_identity(struct rig *r, struct buf *ret)
{
    char body[512], end[32];

    end_of(r, end);
    (void)snprintf(body, sizeof(body),
                   "<R><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>hidden"
                   "</SecretAccessKey><SessionToken>tok</SessionToken><Expiration>%s"
                   "</Expiration></Credentials></R>",
                   r->key, end);
    say(r, ret, body);
}

static bool has(struct str s, const char *what)
{
    return memmem(s.p, s.n, what, strlen(what)) != NULL;
}

/* A machine's endpoint. */
static void say_instance(struct rig *r, struct str head, struct buf *ret)
{
    char header[80];

    if (str_starts(head, STR("PUT /latest/api/token "))) {
        assert_true(has(head, "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"));
        (void)snprintf(r->token, sizeof(r->token), "session%u", ++r->tokens_n);
        say(r, ret, r->token);
        return;
    }
    (void)snprintf(header, sizeof(header), "x-aws-ec2-metadata-token: %s\r\n", r->token);
    assert_true(has(head, header));
    if (r->forgets && r->tokens_n == 1)
        buf_printf(ret, "HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n");
    else if (str_starts(head, STR("GET /latest/meta-data/iam/security-credentials/ ")))
        say(r, ret, "a-role\n");
    else if (str_starts(head, STR("GET /latest/meta-data/iam/security-credentials/a-role ")))
        say_keys(r, ret);
    else if (str_starts(head, STR("GET /latest/meta-data/placement/region ")))
        say(r, ret, "eu-north-1");
    else
        buf_printf(ret, "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n");
}

static bool answer(void *ctx, struct str head, struct str body, struct buf *ret)
{
    struct rig *r = ctx;

    r->asked_n++;
    (void)snprintf(r->last, sizeof(r->last), "%.*s%.*s", STR_ARGS(head), STR_ARGS(body));
    if (r->hangs)
        return true;
    if (r->body != NULL)
        say(r, ret, r->body);
    else if (str_starts(head, STR("POST / ")))
        say_identity(r, ret);
    else if (has(head, " /latest/"))
        say_instance(r, head, ret);
    else
        say_keys(r, ret);
    return true;
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    assert_int_equal(host_epoll_new(&r->host), 0);
    assert_int_equal(host_io_new(r->host, &r->io), 0);
    assert_int_equal(http_client_curl_new(&(struct http_options){0}, &r->client), 0);
    wheel_init(&r->wheel, io_now_ms(r->io));
    r->peer = http_peer_new(r->io);
    http_peer_answer(r->peer, answer, r);
    (void)snprintf(r->url, sizeof(r->url), "http://127.0.0.1:%u", http_peer_port(r->peer));
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/test_credentials.XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    r->env = aws_env_of(r->environ);
    r->status = "200 OK";
    r->key = "AK1";
    r->lasts_s = 3600;
    *state = r;
    return 0;
}

static void turn(struct rig *r)
{
    io_wait(r->io, MIN(wheel_next_ms(&r->wheel), io_now_ms(r->io) + 20));
    wheel_advance(&r->wheel, io_now_ms(r->io));
}

static int teardown(void **state)
{
    static const char *const files[] = {"credentials", "config", "token"};
    struct rig *r = *state;
    char path[128];

    if (r->c != NULL)
        credentials_stop(r->c);
    http_client_close(r->client);
    while (r->c != NULL && credentials_is_busy(r->c))
        turn(r);
    credentials_free(r->c);
    http_peer_free(r->peer);
    io_free(r->io);
    host_free(r->host);
    for (size_t i = 0; i < COUNTOF(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", r->dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(r->dir);
    free(r);
    return 0;
}

static void told(void *ctx, const struct credentials_snapshot *s, const char *why)
{
    struct rig *r = ctx;

    if (why == NULL) {
        assert_non_null(s);
        r->news_n++;
        return;
    }
    r->failures_n++;
    if (strstr(why, "hidden") != NULL)
        fail_msg("a secret is told: %s", why);
    (void)snprintf(r->why, sizeof(r->why), "%s", why);
}

static void start(struct rig *r, unsigned ahead_ms)
{
    struct credentials_options o = {
        .io = r->io,
        .wheel = &r->wheel,
        .http = r->client,
        .env = &r->env,
        .told = told,
        .ctx = r,
        .ahead_ms = ahead_ms,
        .retry_ms = 10,
        .stale_ms = STALE_MS,
        .timeout_ms = 300,
        .container_url = r->url,
        .instance_url = r->url,
    };

    r->c = credentials_new(&o);
}

static void wait_until(struct rig *r, const unsigned *count, unsigned n)
{
    uint64_t end = io_now_ms(r->io) + PATIENCE_MS;

    while (*count < n) {
        turn(r);
        if (io_now_ms(r->io) > end)
            fail_msg("in vain; asked %u times, last: %.200s; told: %s", r->asked_n, r->last,
                     r->why);
    }
}

static void assert_now(struct rig *r, const char *key, const char *source, const char *region)
{
    struct credentials_snapshot *s = NULL;

    assert_true(credentials_get(r->c, &s));
    assert_true(str_eq(s->keys.access_key, str_of(key)));
    assert_string_equal(s->source, source);
    assert_string_equal(s->region, region);
    credentials_unref(s);
}

static void assert_fails(struct rig *r, const char *why)
{
    struct credentials_snapshot *s = NULL;

    start(r, 0);
    assert_false(credentials_get(r->c, &s));
    wait_until(r, &r->failures_n, 2); /* it tries again */
    if (strstr(r->why, why) == NULL)
        fail_msg("%s", r->why);
    assert_false(credentials_get(r->c, &s));
    assert_null(s);
}

static void from_environment(void **state)
{
    struct rig *r = *state;
    struct credentials_snapshot *s = NULL, *again;

    set(r, "AWS_ACCESS_KEY_ID", "AKENV");
    set(r, "AWS_SECRET_ACCESS_KEY", "hidden");
    set(r, "AWS_SESSION_TOKEN", "tok");
    set(r, "AWS_DEFAULT_REGION", "eu-west-3");
    set(r, "AWS_ENDPOINT_URL", "http://all");
    set(r, "AWS_ENDPOINT_URL_DYNAMODB", "http://one");
    start(r, 0);
    wait_until(r, &r->news_n, 1);
    assert_now(r, "AKENV", "environment", "eu-west-3");
    assert_true(credentials_get(r->c, &s));
    again = s;
    assert_true(credentials_get(r->c, &again));
    assert_ptr_equal(again, s);
    assert_true(str_eq(s->keys.token, STR("tok")));
    assert_int_equal(s->expires_s, 0);
    assert_int_equal(r->asked_n, 0);
    credentials_unref(s);
    assert_string_equal(aws_env_endpoint(&r->env, "DYNAMODB"), "http://one");
    assert_string_equal(aws_env_endpoint(&r->env, "STS"), "http://all");
}

static void from_half_an_environment(void **state)
{
    struct rig *r = *state;

    set(r, "AWS_ACCESS_KEY_ID", "AKENV");
    assert_fails(r, "AWS_SECRET_ACCESS_KEY");
}

static void from_files(void **state)
{
    struct rig *r = *state;

    write_file(r, "credentials", "AWS_SHARED_CREDENTIALS_FILE",
               "[default]\naws_access_key_id=NO\n[p]\naws_access_key_id=AKFILE\n"
               "aws_secret_access_key=hidden\n");
    write_file(r, "config", "AWS_CONFIG_FILE", "[profile p]\nregion = ap-south-1\n");
    set(r, "AWS_PROFILE", "p");
    start(r, 0);
    wait_until(r, &r->news_n, 1);
    assert_now(r, "AKFILE", "files", "ap-south-1");
}

static void from_a_profile_that_is_not(void **state)
{
    struct rig *r = *state;

    write_file(r, "credentials", "AWS_SHARED_CREDENTIALS_FILE", "[default]\nregion=x\n");
    set(r, "AWS_PROFILE", "p");
    assert_fails(r, "no profile that AWS_PROFILE names");
    assert_int_equal(r->asked_n, 0);
}

static void from_a_profile_with_a_role(void **state)
{
    struct rig *r = *state;

    write_file(r, "config", "AWS_CONFIG_FILE", "[default]\nrole_arn = arn:x\n");
    assert_fails(r, "not supported");
}

static void from_web_identity(void **state)
{
    struct rig *r = *state;

    write_file(r, "token", "AWS_WEB_IDENTITY_TOKEN_FILE", "jwt.one\n");
    set(r, "AWS_ROLE_ARN", "arn:aws:iam::1:role/x");
    set(r, "AWS_ENDPOINT_URL_STS", r->url);
    set(r, "AWS_REGION", "us-east-2");
    r->lasts_s = 2;
    start(r, 1000);
    wait_until(r, &r->news_n, 1);
    assert_now(r, "AK1", "web identity", "us-east-2");
    assert_non_null(strstr(r->last, "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx"
                                    "&RoleSessionName=polylog&WebIdentityToken=jwt.one"));
    /* The next time the file is read again. */
    write_file(r, "token", NULL, "jwt.two\n");
    r->key = "AK2";
    wait_until(r, &r->news_n, 2);
    assert_now(r, "AK2", "web identity", "us-east-2");
    assert_non_null(strstr(r->last, "WebIdentityToken=jwt.two"));
}

static void from_a_refused_identity(void **state)
{
    struct rig *r = *state;

    write_file(r, "token", "AWS_WEB_IDENTITY_TOKEN_FILE", "jwt");
    set(r, "AWS_ROLE_ARN", "arn");
    set(r, "AWS_ENDPOINT_URL_STS", r->url);
    r->status = "400 Bad";
    r->body = "<Error><Code>ExpiredTokenException</Code></Error>";
    assert_fails(r, "web identity: status 400, not credentials: ExpiredTokenException");
}

static void from_a_container(void **state)
{
    struct rig *r = *state;

    set(r, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x");
    start(r, 0);
    wait_until(r, &r->news_n, 1);
    assert_now(r, "AK1", "container", "");
    assert_non_null(strstr(r->last, "GET /v2/credentials/x HTTP/1.1\r\n"));
    assert_null(strstr(r->last, "Authorization"));
}

static void from_a_container_by_token(void **state)
{
    struct rig *r = *state;
    char url[128];

    (void)snprintf(url, sizeof(url), "%s/full", r->url);
    set(r, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    set(r, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "loses");
    write_file(r, "token", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "Bearer one\n");
    r->lasts_s = 1;
    start(r, 500);
    wait_until(r, &r->news_n, 1);
    assert_non_null(strstr(r->last, "GET /full HTTP/1.1\r\n"));
    assert_non_null(strstr(r->last, "Authorization: Bearer one\r\n"));
    write_file(r, "token", NULL, "Bearer two");
    r->key = "AK2";
    wait_until(r, &r->news_n, 2);
    assert_non_null(strstr(r->last, "Authorization: Bearer two\r\n"));
}

static void from_a_token_with_a_break(void **state)
{
    struct rig *r = *state;
    char url[128];

    (void)snprintf(url, sizeof(url), "%s/full", r->url);
    set(r, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    set(r, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nX-Other: b");
    assert_fails(r, "line break");
    credentials_stop(r->c);
    credentials_free(r->c);
    write_file(r, "token", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "a\r\nX-Other: b\n");
    r->failures_n = 0;
    assert_fails(r, "holds no token");
    assert_int_equal(r->asked_n, 0);
}

static void from_a_host_that_is_not_allowed(void **state)
{
    struct rig *r = *state;

    set(r, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/steal");
    assert_fails(r, "neither https nor of this machine");
}

static void from_an_instance(void **state)
{
    struct rig *r = *state;

    set(r, "AWS_EC2_METADATA_SERVICE_ENDPOINT", r->url);
    r->forgets = true;
    start(r, 0);
    wait_until(r, &r->news_n, 1);
    assert_now(r, "AK1", "instance", "eu-north-1");
    assert_int_equal(r->tokens_n, 2);
    assert_int_equal(r->failures_n, 0);
}

/* Where it has looked before it asks the instance. */
#define LOOKED                                                                                \
    "no credentials in the environment (AWS_ACCESS_KEY_ID), the profile (~/.aws/credentials)" \
    ", of a container (AWS_CONTAINER_CREDENTIALS_...)"

static void from_nowhere(void **state)
{
    struct rig *r = *state;

    set(r, "AWS_EC2_METADATA_DISABLED", "True");
    assert_fails(r, LOOKED "; the instance is not asked: AWS_EC2_METADATA_DISABLED");
    assert_int_equal(r->asked_n, 0);
}

static void from_an_endpoint_that_hangs(void **state)
{
    struct rig *r = *state;

    r->hangs = true;
    assert_fails(r, LOOKED "; instance: no answer: ");
    r->hangs = false;
    wait_until(r, &r->news_n, 1);
    assert_now(r, "AK1", "instance", "eu-north-1");
}

static void from_an_endpoint_that_talks_nonsense(void **state)
{
    static const char *const bodies[] = {
        "", "{", "<html>", "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"hidden\\r\\n\"}"};
    struct rig *r = *state;

    set(r, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x");
    r->body = bodies[0];
    start(r, 0);
    for (unsigned i = 0; i < COUNTOF(bodies); i++) {
        r->body = bodies[i];
        r->failures_n = 0;
        wait_until(r, &r->failures_n, 2);
        assert_string_equal(r->why, "container: status 200, not credentials");
    }
    r->body = NULL;
    wait_until(r, &r->news_n, 1);
}

/* What was found stays while looking again fails, past its end too. */
static void keeps_what_it_has(void **state)
{
    struct rig *r = *state;

    set(r, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x");
    r->lasts_s = 1;
    start(r, 500);
    wait_until(r, &r->news_n, 1);
    r->status = "500 Broken";
    wait_until(r, &r->failures_n, 5);
    assert_now(r, "AK1", "container", "");
    /* An endpoint that is behind is no news, and is asked again. */
    r->status = "200 OK";
    r->lasts_s = -100;
    r->asked_n = 0;
    r->key = "AKOLD";
    wait_until(r, &r->asked_n, 2);
    assert_now(r, "AK1", "container", "");
    assert_int_equal(r->news_n, 1);
    r->key = "AK2";
    r->lasts_s = 3600;
    wait_until(r, &r->news_n, 2);
    assert_now(r, "AK2", "container", "");
}

/* Refused ones are looked for again at once, but not again and again. */
static void looks_again_when_they_are_refused(void **state)
{
    struct rig *r = *state;
    struct credentials_snapshot *s = NULL;
    uint64_t start_ms;

    set(r, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x");
    start(r, 0);
    wait_until(r, &r->news_n, 1);
    assert_true(credentials_get(r->c, &s));
    credentials_stale(r->c, s->version + 1); /* there is none */
    credentials_stale(r->c, 0);
    start_ms = io_now_ms(r->io);
    while (r->asked_n < 6 && io_now_ms(r->io) < start_ms + PATIENCE_MS) {
        credentials_stale(r->c, s->version);
        turn(r);
    }
    assert_true(r->asked_n >= 6);
    assert_true(io_now_ms(r->io) >= start_ms + 4 * STALE_MS); /* not all the time */
    r->key = "AK2";
    start_ms = io_now_ms(r->io);
    while (r->news_n < 2 && io_now_ms(r->io) < start_ms + PATIENCE_MS) {
        credentials_stale(r->c, s->version); /* once is lost if a look is under way */
        turn(r);
    }
    assert_int_equal(r->news_n, 2);
    assert_true(str_eq(s->keys.access_key, STR("AK1"))); /* still the reader's */
    assert_true(credentials_get(r->c, &s));
    assert_true(str_eq(s->keys.access_key, STR("AK2")));
    credentials_unref(s);
}

/* It ends while a request is under way. */
static void ends_while_it_asks(void **state)
{
    struct rig *r = *state;

    r->hangs = true;
    start(r, 0);
    wait_until(r, &r->asked_n, 1);
    assert_true(credentials_is_busy(r->c));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

CHECK_MAIN(TEST(from_environment), TEST(from_half_an_environment), TEST(from_files),
           TEST(from_a_profile_that_is_not), TEST(from_a_profile_with_a_role),
           TEST(from_web_identity), TEST(from_a_refused_identity), TEST(from_a_container),
           TEST(from_a_container_by_token), TEST(from_a_token_with_a_break),
           TEST(from_a_host_that_is_not_allowed), TEST(from_an_instance), TEST(from_nowhere),
           TEST(from_an_endpoint_that_hangs), TEST(from_an_endpoint_that_talks_nonsense),
           TEST(keeps_what_it_has), TEST(looks_again_when_they_are_refused),
           TEST(ends_while_it_asks))
