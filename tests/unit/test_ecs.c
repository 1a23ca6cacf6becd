/* A task of ECS, beside an agent of the test's own on the loopback. */
#include "aws/ecs.h"
#include "base/str.h"
#include "lib/check.h"
#include "lib/http_peer.h"

#include <stdio.h>
#include <string.h>

enum { PATIENCE_MS = 60000 };

struct rig {
    struct io_host *host;
    struct io *io;
    struct wheel wheel;
    struct http_peer *peer;
    struct http_client *client;
    struct ecs *e;
    struct aws_env env;
    char variables[2][96];
    char *environ[3];
    /* What the agent says. */
    const char *task, *state; /* bodies; state NULL: as it was asked */
    bool hangs;
    unsigned asked_n, on_n, off_n;
    uint64_t leaving;
    /* What was told. */
    unsigned news[ECS_NOT_SET + 1];
    char why[96];
};

static bool has(struct str s, const char *what)
{
    return memmem(s.p, s.n, what, strlen(what)) != NULL;
}

static bool answer(void *ctx, struct str head, struct str body, struct buf *ret)
{
    struct rig *r = ctx;
    const char *said = r->task;

    r->asked_n++;
    if (r->hangs)
        return true;
    if (str_starts(head, STR("PUT /agent/task-protection/v1/state "))) {
        bool on = str_eq(body, STR("{\"ProtectionEnabled\":true,\"ExpiresInMinutes\":60}"));

        if (!on)
            assert_true(str_eq(body, STR("{\"ProtectionEnabled\":false}")));
        assert_true(has(head, "Content-Type: application/json\r\n"));
        *(on ? &r->on_n : &r->off_n) += 1;
        said = on ? "{\"protection\":{\"ProtectionEnabled\":true,\"TaskArn\":\"a\"}}"
                  : "{\"protection\":{\"TaskArn\":\"a\",\"ProtectionEnabled\":false}}";
        said = r->state != NULL ? r->state : said;
    } else {
        assert_true(str_starts(head, STR("GET /v4/x/task ")));
    }
    buf_printf(ret, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(said), said);
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
    (void)snprintf(r->variables[0], sizeof(r->variables[0]),
                   "ECS_CONTAINER_METADATA_URI_V4=http://127.0.0.1:%u/v4/x",
                   http_peer_port(r->peer));
    (void)snprintf(r->variables[1], sizeof(r->variables[1]),
                   "ECS_AGENT_URI=http://127.0.0.1:%u/agent", http_peer_port(r->peer));
    r->env = aws_env_of(r->environ);
    r->task = "{\"DesiredStatus\":\"RUNNING\",\"Containers\":[{\"DesiredStatus\":\"STOPPED\"}]}";
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
    struct rig *r = *state;

    ecs_stop(r->e);
    http_client_close(r->client);
    while (r->e != NULL && ecs_is_busy(r->e))
        turn(r);
    ecs_free(r->e);
    http_peer_free(r->peer);
    io_free(r->io);
    host_free(r->host);
    free(r);
    return 0;
}

static void told(void *ctx, enum ecs_news news, const char *why)
{
    struct rig *r = ctx;

    r->news[news]++;
    if (why != NULL)
        (void)snprintf(r->why, sizeof(r->why), "%s", why);
}

static uint64_t leaving(void *ctx)
{
    return ((struct rig *)ctx)->leaving;
}

static void start(struct rig *r, unsigned renew_ms)
{
    struct ecs_options o = {
        .io = r->io,
        .wheel = &r->wheel,
        .http = r->client,
        .env = &r->env,
        .told = told,
        .leaving = leaving,
        .ctx = r,
        .poll_ms = 10,
        .renew_ms = renew_ms,
    };

    r->e = ecs_new(&o);
}

static void wait_until(struct rig *r, const unsigned *count, unsigned n)
{
    uint64_t end = io_now_ms(r->io) + PATIENCE_MS;

    while (*count < n) {
        turn(r);
        if (io_now_ms(r->io) > end)
            fail_msg("in vain; asked %u times; told: %s", r->asked_n, r->why);
    }
}

static void run(struct rig *r, unsigned ms)
{
    uint64_t end = io_now_ms(r->io) + ms;

    while (io_now_ms(r->io) < end)
        turn(r);
}

/* Not what a container is to become, but the task; once. */
static void hears_that_it_ends(void **state)
{
    struct rig *r = *state;
    unsigned asked;

    r->environ[0] = r->variables[0];
    assert_true(ecs_is_there(&r->env));
    start(r, 0);
    wait_until(r, &r->asked_n, 3);
    assert_int_equal(r->news[ECS_STOPPING], 0);
    r->task = "{\"KnownStatus\":\"RUNNING\",\"DesiredStatus\":\"STOPPED\"}";
    wait_until(r, &r->news[ECS_STOPPING], 1);
    asked = r->asked_n;
    run(r, 100);
    assert_int_equal(r->asked_n, asked);
    assert_int_equal(r->news[ECS_STOPPING], 1);
    assert_int_equal(r->news[ECS_UNKNOWN], 0);
}

static void says_once_that_it_cannot_ask(void **state)
{
    struct rig *r = *state;

    r->environ[0] = r->variables[0];
    r->task = "{\"DesiredStatus\":\"STOPPED\"";
    start(r, 0);
    wait_until(r, &r->asked_n, 5);
    assert_int_equal(r->news[ECS_UNKNOWN], 1);
    assert_string_equal(r->why, "status 200, not understood");
    r->task = "{\"DesiredStatus\":\"STOPPED\"}";
    wait_until(r, &r->news[ECS_STOPPING], 1);
}

static void is_protected_while_some_are_to_leave(void **state)
{
    struct rig *r = *state;

    r->environ[0] = r->variables[1];
    start(r, 50);
    run(r, 60);
    assert_int_equal(r->asked_n, 0); /* it is not protected, and need not be */
    r->leaving = 2;
    wait_until(r, &r->news[ECS_PROTECTED], 1);
    wait_until(r, &r->on_n, 3); /* renewed */
    assert_int_equal(r->news[ECS_PROTECTED], 1);
    assert_int_equal(r->off_n, 0);
    r->leaving = 0;
    wait_until(r, &r->news[ECS_OPEN], 1);
    run(r, 100);
    assert_int_equal(r->off_n, 1);
}

/* An agent that refuses is asked again, but less and less. */
static void protects_when_it_can(void **state)
{
    struct rig *r = *state;

    r->environ[0] = r->variables[1];
    r->leaving = 1;
    r->state = "{\"failure\":{\"Arn\":\"a\",\"Reason\":\"DEPLOYMENT_BLOCKED\"}}";
    start(r, 60000);
    wait_until(r, &r->on_n, 3);
    assert_int_equal(r->news[ECS_NOT_SET], 1);
    assert_int_equal(r->news[ECS_PROTECTED], 0);
    run(r, 200);
    assert_in_range(r->on_n, 3, 8);
    r->state = NULL;
    wait_until(r, &r->news[ECS_PROTECTED], 1);
}

static void ends_while_it_asks(void **state)
{
    struct rig *r = *state;

    r->environ[0] = r->variables[0];
    r->environ[1] = r->variables[1];
    r->leaving = 1;
    r->hangs = true;
    start(r, 0);
    wait_until(r, &r->asked_n, 2);
    assert_true(ecs_is_busy(r->e));
}

static void is_not_everywhere(void **state)
{
    struct rig *r = *state;
    char bad[] = "ECS_AGENT_URI=file:///etc/passwd";

    assert_false(ecs_is_there(&r->env));
    start(r, 0);
    assert_null(r->e);
    r->environ[0] = bad;
    start(r, 0);
    assert_null(r->e);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

CHECK_MAIN(TEST(hears_that_it_ends), TEST(says_once_that_it_cannot_ask),
           TEST(is_protected_while_some_are_to_leave), TEST(protects_when_it_can),
           TEST(ends_while_it_asks), TEST(is_not_everywhere))
