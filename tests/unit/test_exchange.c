/* The contract of server/conn/exchange.h, by exchanges that have no connection: what routes and
 * Engine.IO do with them, and what becomes of those that nobody waits for. */
#include "server/conn/exchange.h"

#include "base/str.h"
#include "lib/check.h"
#include "lib/sim_scene.h"
#include "server/conn/origin.h"
#include "server/node/worker.h"

#include <stdio.h>
#include <string.h>

enum { WAIT_MS = 10000, TEXT_MAX = 64 * 1024 };

/* An exchange, its request, and what it was answered. */
struct asked {
    struct exchange x;
    struct http1_request request;
    char head[4096];
    bool gone, watched;
    unsigned tries_n, answers_n, released_n;
    int status;
    char body[TEXT_MAX];
};

static struct sim_scene scene;

static struct asked *asked_of(const struct exchange *x)
{
    return CONTAINER_OF((struct exchange *)(uintptr_t)x, struct asked, x);
}

static bool asked_is_open(const struct exchange *x)
{
    return !asked_of(x)->gone && asked_of(x)->answers_n == 0;
}

static void asked_answer(struct exchange *x, const struct exchange_answer *a)
{
    struct asked *q = asked_of(x);

    q->tries_n++;
    if (!asked_is_open(x))
        return;
    q->answers_n++;
    q->status = a->status;
    (void)snprintf(q->body, sizeof(q->body), "%.*s", STR_ARGS(a->body));
}

static void asked_watch(struct exchange *x)
{
    asked_of(x)->watched = true;
}

static void asked_released(struct exchange *x)
{
    asked_of(x)->released_n++;
}

static const struct exchange_ops ops = {.name = "asked",
                                        .is_open = asked_is_open,
                                        .answer = asked_answer,
                                        .watch = asked_watch,
                                        .released = asked_released};

/* Asks worker 0, as a door does. fields: lines, or "". */
static void ask(struct asked *q, const char *method_path, const char *fields, const char *body)
{
    struct http1_limits limits = HTTP1_LIMITS_DEFAULT;
    size_t used;
    int status;

    memset(q, 0, sizeof(*q));
    (void)snprintf(q->head, sizeof(q->head),
                   "%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n%s\r\n", method_path,
                   strlen(body), fields);
    assert_int_equal(http1_parse_request(str_of(q->head), &limits, &q->request, &used, &status),
                     HTTP1_OK);
    q->x.ops = &ops;
    q->x.worker = &scene.nodes[0]->server->workers[0];
    q->x.request = &q->request;
    q->x.peer = (struct io_addr){.family = IO_ADDR_IP4, .ip = {127, 0, 0, 1}};
    q->x.body_max = TEXT_MAX;
    buf_init(&q->x.body, TEXT_MAX);
    buf_append(&q->x.body, str_of(body));
    origin_find(&q->x);
    origin_note(&q->x);
    exchange_hold(&q->x);
    if (!http1_has_body(&q->request) || q->x.worker->taker->admit(&q->x))
        q->x.worker->taker->run(&q->x);
    exchange_release(&q->x);
}

/* As a maker does when nobody waits any more. */
static void lose(struct asked *q)
{
    q->gone = true;
    if (q->x.wait != NULL)
        q->x.wait->gone(&q->x);
}

static void until_released(struct asked *q)
{
    uint64_t until = sim_now_ms(scene.sim) + WAIT_MS;

    while (q->x.holds > 0 && sim_now_ms(scene.sim) < until)
        sim_scene_step(&scene);
    assert_int_equal(q->x.holds, 0);
    assert_int_equal(q->released_n, 1);
}

static void until_answered(struct asked *q)
{
    uint64_t until = sim_now_ms(scene.sim) + WAIT_MS;

    while (q->answers_n == 0 && sim_now_ms(scene.sim) < until)
        sim_scene_step(&scene);
    until_released(q);
    assert_int_equal(q->answers_n, 1);
    assert_int_equal(q->tries_n, 1);
    assert_null(q->x.wait);
    buf_fini(&q->x.body);
}

static void expect(struct asked *q, int status, const char *part)
{
    until_answered(q);
    assert_int_equal(q->status, status);
    if (strstr(q->body, part) == NULL)
        fail_msg("%s is not in %s", part, q->body);
}

static int begin(void **state)
{
    (void)state;
    sim_scene_begin(&scene, 1, 1, (struct sim_faults){.job_ms = 5});
    sim_scene_start(&scene, NULL, 1);
    while (!scene.nodes[0]->serving)
        sim_scene_step(&scene);
    return 0;
}

static int end(void **state)
{
    (void)state;
    sim_scene_end(&scene);
    return 0;
}

static void it_is_answered_at_once(void **state)
{
    struct asked q;

    (void)state;
    ask(&q, "GET /health", "", "");
    assert_int_equal(q.answers_n, 1);
    expect(&q, 200, "\"status\":\"ok\"");
    ask(&q, "GET /nowhere", "", "");
    expect(&q, 404, "no_such_path");
    ask(&q, "GET /api/v1/send", "", "");
    expect(&q, 405, "method_not_allowed");
    ask(&q, "POST /api/v1/send", "", "{}");
    expect(&q, 400, "missing");
}

/* The token of an answer to a login. */
static void take_field(const struct asked *login, char ret_field[static 1024])
{
    const char *token = strstr(login->body, "\"token\":\"");

    assert_non_null(token);
    token += strlen("\"token\":\"");
    (void)snprintf(ret_field, 1024, "Authorization: Bearer %.*s\r\n",
                   (int)(strchr(token, '"') - token), token);
}

static void it_waits_for_the_store(void **state)
{
    char field[1024];
    struct asked q;

    (void)state;
    ask(&q, "POST /api/v1/login", "Content-Type: application/json\r\n", "{\"name\":\"eve\"}");
    assert_int_equal(q.answers_n, 0);
    assert_true(q.x.holds > 0);
    expect(&q, 200, "\"name\":\"eve\"");
    take_field(&q, field);
    ask(&q, "POST /api/v1/room_create", field, "{\"room\":\"tea\"}");
    expect(&q, 200, "tea");
    ask(&q, "POST /api/v1/send", field, "{\"room\":\"tea\",\"text\":\"hello\"}");
    expect(&q, 200, "\"seq\":");
    ask(&q, "GET /api/v1/rooms/tea/messages", field, "");
    expect(&q, 200, "hello");
    ask(&q, "POST /api/v1/leave", field, "{\"room\":\"tea\"}");
    expect(&q, 200, "{");
}

/* The call goes on; its answer goes nowhere. */
static void nobody_waits_for_a_call(void **state)
{
    struct asked q;

    (void)state;
    ask(&q, "POST /api/v1/login", "", "{\"name\":\"eve\"}");
    lose(&q);
    assert_true(q.x.holds > 0);
    until_released(&q);
    assert_int_equal(q.tries_n, 0);
    buf_fini(&q.x.body);
    ask(&q, "POST /api/v1/login", "", "{\"name\":\"eve\"}");
    expect(&q, 200, "\"name\":\"eve\"");
}

/* What follows, or is no HTTP any more, needs a connection. */
static void it_has_no_connection_to_give(void **state)
{
    struct asked q;

    (void)state;
    ask(&q, "GET /ws",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "");
    expect(&q, 426, "WebSocket");
    ask(&q, "GET /api/v1/rooms/tea/tail", "", "");
    expect(&q, 405, "method_not_allowed");
    ask(&q, "POST /api/v1/resume", "", "{\"rooms\":{}}");
    expect(&q, 401, "unauthenticated");
}

#define POLL "/socket.io/?EIO=4&transport=polling"

/* What asks the session that the handshake opened. */
static void about_session(const struct asked *handshake, const char *method, char ret[static 256])
{
    const char *sid = strstr(handshake->body, "\"sid\":\"");

    assert_non_null(sid);
    sid += strlen("\"sid\":\"");
    (void)snprintf(ret, 256, "%s " POLL "&sid=%.*s", method, (int)(strchr(sid, '"') - sid), sid);
}

/* Opens a session; writes the requests that wait for its packets, and that bring some. */
static void open_session(char ret_asks[static 256], char ret_brings[static 256])
{
    struct asked open;

    ask(&open, "GET " POLL, "", "");
    expect(&open, 200, "0{\"sid\":");
    about_session(&open, "GET", ret_asks);
    about_session(&open, "POST", ret_brings);
}

static void a_session_is_polled(void **state)
{
    struct asked get, post;
    char asks[256], brings[256];

    (void)state;
    open_session(asks, brings);
    ask(&get, asks, "", "");
    assert_int_equal(get.answers_n, 0);
    assert_true(get.watched && get.x.wait != NULL);
    ask(&post, brings, "", "40{}");
    expect(&post, 200, "ok");
    expect(&get, 200, "4");
    ask(&post, brings, "", "nonsense");
    expect(&post, 400, "Bad request");
}

/* Without its GET a session ends, and its POST is refused. */
static void nobody_waits_for_a_session(void **state)
{
    struct asked get, post;
    char asks[256], brings[256];

    (void)state;
    open_session(asks, brings);
    ask(&get, asks, "", "");
    lose(&get);
    assert_null(get.x.wait);
    assert_int_equal(get.answers_n, 0);
    assert_int_equal(get.x.holds, 0);
    buf_fini(&get.x.body);
    ask(&post, brings, "", "40{}");
    expect(&post, 400, "Session ID unknown");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, begin, end)

CHECK_MAIN(EACH(it_is_answered_at_once), EACH(it_waits_for_the_store),
           EACH(nobody_waits_for_a_call), EACH(it_has_no_connection_to_give),
           EACH(a_session_is_polled), EACH(nobody_waits_for_a_session))
