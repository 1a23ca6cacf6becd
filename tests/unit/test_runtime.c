/* serverless/runtime.h against a runtime API of the test's, in the simulator. */
#include "serverless/runtime.h"

#include "base/str.h"
#include "io/io_sim.h"
#include "lib/check.h"
#include "lib/http_peer.h"

#include <string.h>

#define TURNS_MAX 4000000

struct place {
    struct io_host *host;
    struct io *io;
    struct wheel wheel;
};

struct rig {
    struct sim *sim;
    struct place api, function;
    struct http_peer *peer;
    struct runtime rt;
    /* The API: an invocation is given again until it was answered. */
    unsigned given, answered_n, answered, refused;
    bool chunked, closes;
    int next_status, answer_status;
    size_t event_n;
    char answer[256], type[64], host[32];
    /* The function. */
    unsigned invoked_n;
    bool fails;
    size_t answer_n;
    const char *why;
};

static char big[RUNTIME_BODY_MAX + 2];

static bool place_turn(void *arg)
{
    struct place *p = arg;

    io_wait(p->io, wheel_next_ms(&p->wheel));
    wheel_advance(&p->wheel, io_now_ms(p->io));
    return true;
}

static void place_init(struct place *p, struct sim *sim)
{
    p->host = sim_host_new(sim);
    assert_int_equal(host_io_new(p->host, &p->io), 0);
    wheel_init(&p->wheel, io_now_ms(p->io));
    assert_int_equal(host_start(p->host, p->io, place_turn, p), 0);
}

/* The API. */

static void write_body(struct rig *r, struct str body, struct buf *ret)
{
    if (!r->chunked) {
        buf_printf(ret, "Content-Length: %zu\r\n\r\n", body.n);
        buf_append(ret, body);
        return;
    }
    buf_append(ret, STR("Transfer-Encoding: chunked\r\n\r\n"));
    for (size_t n; body.n > 0; body = str_skip(body, n)) {
        n = MIN(body.n, (size_t)7000);
        buf_printf(ret, "%zx\r\n", n);
        buf_append(ret, (struct str){body.p, n});
        buf_append(ret, STR("\r\n"));
    }
    buf_append(ret, STR("0\r\n\r\n"));
}

static void give(struct rig *r, struct buf *ret)
{
    size_t n = r->event_n > 0 ? r->event_n : 20;

    if (r->given == r->answered)
        r->given++;
    memset(big, 'e', n);
    (void)snprintf(big, 16, "%08u", r->given);
    big[8] = 'e';
    buf_printf(ret,
               "HTTP/1.1 %d OK\r\nLambda-Runtime-Aws-Request-Id: id-%u\r\n"
               "lambda-runtime-deadline-ms: 1700000000123\r\nLambda-Runtime-Trace-Id: Root=1-2\r\n"
               "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:x:1:function:f\r\n%s",
               r->next_status > 0 ? r->next_status : 200, r->given,
               r->closes ? "Connection: close\r\n" : "");
    write_body(r, (struct str){(uint8_t *)big, n}, ret);
}

static void take_answer(struct rig *r, struct str head, struct str body)
{
    static const char name[] = "Lambda-Runtime-Function-Error-Type: ";
    const uint8_t *at = memmem(head.p, head.n, name, sizeof(name) - 1);
    char mine[32];

    (void)snprintf(mine, sizeof(mine), "/id-%u/", r->given);
    r->answered_n++;
    if (memmem(head.p, head.n, mine, strlen(mine)) != NULL)
        r->answered = r->given;
    (void)snprintf(r->answer, sizeof(r->answer), "%.*s", (int)MIN(body.n, (size_t)200), body.p);
    r->type[0] = '\0';
    if (at != NULL)
        (void)snprintf(r->type, sizeof(r->type), "%.*s",
                       (int)strcspn((const char *)at, "\r") - (int)sizeof(name) + 1,
                       at + sizeof(name) - 1);
}

static bool api(void *ctx, struct str head, struct str body, struct buf *ret)
{
    struct rig *r = ctx;
    int status = r->answer_status;

    if (str_starts(head, STR("GET /2018-06-01/runtime/invocation/next "))) {
        give(r, ret);
        return true;
    }
    if (str_starts(head, STR("POST /2018-06-01/runtime/init/error ")))
        r->refused++;
    else
        assert_true(str_starts(head, STR("POST /2018-06-01/runtime/invocation/id-")));
    take_answer(r, head, body);
    r->answer_status = 0;
    buf_printf(ret, "HTTP/1.1 %d Whatever\r\nContent-Length: 2\r\n\r\nok",
               status > 0 ? status : 202);
    return true;
}

/* The function. */

static void invoked(struct runtime *rt, const struct runtime_invocation *i)
{
    struct rig *r = CONTAINER_OF(rt, struct rig, rt);
    char id[16], start[16];

    (void)snprintf(id, sizeof(id), "id-%u", r->given);
    (void)snprintf(start, sizeof(start), "%08ue", r->given);
    assert_true(str_eq(i->id, str_of(id)));
    assert_true(str_eq(i->trace, STR("Root=1-2")) && i->deadline_ms == 1700000000123);
    assert_true(str_eq(i->function, STR("arn:aws:lambda:x:1:function:f")));
    assert_int_equal(i->body_n, r->event_n > 0 ? r->event_n : 20);
    assert_memory_equal(i->body, start, 9);
    r->invoked_n++;
    if (r->fails)
        runtime_fail(rt, "Function.Broken", "it is \"broken\"");
    else if (r->answer_n > 0)
        runtime_answer(rt, (struct str){(uint8_t *)big, r->answer_n});
    else
        runtime_answer(rt, STR("{\"statusCode\":200}"));
    r->answer_n = 0;
}

static void ended(struct runtime *rt, const char *why)
{
    CONTAINER_OF(rt, struct rig, rt)->why = why;
}

static const struct runtime_ops ops = {.invoked = invoked, .ended = ended};

static void begin(struct rig *r, uint64_t seed, struct sim_faults faults)
{
    memset(r, 0, sizeof(*r));
    r->sim = sim_new(seed, faults);
    place_init(&r->api, r->sim);
    place_init(&r->function, r->sim);
    r->peer = http_peer_new(r->api.io);
    http_peer_answer(r->peer, api, r);
    (void)snprintf(r->host, sizeof(r->host), "127.0.0.1:%u", http_peer_port(r->peer));
    r->rt.ops = &ops;
    r->rt.io = r->function.io;
    r->rt.wheel = &r->function.wheel;
    r->rt.host = str_of(r->host);
    r->rt.addr = (struct io_addr){.family = IO_ADDR_IP4, .port = http_peer_port(r->peer)};
    memcpy(r->rt.addr.ip, (uint8_t[]){127, 0, 0, 1}, 4);
}

static void turn(struct rig *r)
{
    if (!sim_step(r->sim))
        fail_msg("nothing can happen any more");
}

static void until_answered(struct rig *r, unsigned n)
{
    for (unsigned turns = 0; r->answered < n && r->why == NULL; turns++) {
        if (turns > TURNS_MAX)
            fail_msg("it is never answered");
        turn(r);
    }
}

static void until_ended(struct rig *r)
{
    while (r->why == NULL)
        turn(r);
}

static void end(struct rig *r)
{
    runtime_stop(&r->rt);
    while (!runtime_is_closed(&r->rt))
        turn(r);
    runtime_fini(&r->rt);
    http_peer_free(r->peer);
    io_free(r->api.io);
    host_free(r->api.host);
    io_free(r->function.io);
    host_free(r->function.host);
    sim_free(r->sim);
}

static void answers_one_after_the_other(void **state)
{
    struct rig r;

    (void)state;
    begin(&r, 1, (struct sim_faults){0});
    runtime_start(&r.rt);
    until_answered(&r, 5);
    assert_string_equal(r.answer, "{\"statusCode\":200}");
    assert_string_equal(r.type, "");
    assert_int_equal(http_peer_count(r.peer).connections, 1);
    r.fails = true;
    until_answered(&r, 6);
    assert_string_equal(r.type, "Function.Broken");
    assert_string_equal(r.answer, "{\"errorMessage\":\"it is \\\"broken\\\"\",\"errorType\":"
                                  "\"Function.Broken\",\"stackTrace\":[]}");
    assert_null(r.why);
    end(&r);
}

static void events_and_answers_may_be_long(void **state)
{
    struct rig r;

    (void)state;
    for (unsigned chunked = 0; chunked < 2; chunked++) {
        begin(&r, 2, (struct sim_faults){0});
        r.chunked = chunked;
        r.event_n = 900000;
        r.answer_n = 900000;
        runtime_start(&r.rt);
        until_answered(&r, 3);
        assert_int_equal(r.invoked_n, 3);
        r.answer_n = sizeof(big);
        until_answered(&r, 4);
        assert_string_equal(r.type, "Function.ResponseSizeTooLarge");
        end(&r);
    }
}

/* Pieces, delays, connections that break in between; those that the API closes. */
static void lost_connections_lose_nothing(void **state)
{
    (void)state;
    CHECK_EACH_SEED (seed, 200) {
        struct rig r;

        begin(&r, seed,
              (struct sim_faults){.short_send = 200,
                                  .split_recv = 200,
                                  .reset = seed % 3 == 0 ? 15 : 0,
                                  .blocked = 50,
                                  .latency_ms = 20});
        r.chunked = seed % 2;
        r.closes = seed % 5 == 0;
        r.event_n = 20000;
        runtime_start(&r.rt);
        until_answered(&r, 20);
        if (r.why != NULL) /* three in a row */
            assert_true(seed % 3 == 0 && r.rt.lost >= RUNTIME_TRIES_MAX - 1);
        else
            assert_int_equal(r.answered, 20);
        if (seed % 3 != 0)
            assert_true(r.why == NULL && r.invoked_n == 20 && r.rt.lost == 0);
        sim_set_faults(r.sim, (struct sim_faults){0});
        end(&r);
    }
}

static void what_the_api_refuses(void **state)
{
    static const int statuses[] = {400, 403, 413};
    struct rig r;

    (void)state;
    begin(&r, 3, (struct sim_faults){0});
    runtime_start(&r.rt);
    for (size_t i = 0; i < COUNTOF(statuses); i++) {
        unsigned n = r.answered_n;

        r.answer_status = statuses[i];
        until_answered(&r, r.answered + 3);
        assert_null(r.why);
        assert_true(r.answered_n >= n + 3);
    }
    r.answer_status = 500;
    until_ended(&r);
    assert_non_null(strstr(r.why, "broken"));
    end(&r);
    begin(&r, 4, (struct sim_faults){0});
    r.next_status = 403;
    runtime_start(&r.rt);
    until_ended(&r);
    assert_int_equal(r.invoked_n, 0);
    end(&r);
}

static void nobody_there(void **state)
{
    struct rig r;

    (void)state;
    begin(&r, 5, (struct sim_faults){0});
    r.rt.addr.port++;
    runtime_start(&r.rt);
    until_ended(&r);
    assert_non_null(strstr(r.why, "reached"));
    end(&r);
}

static void cannot_start(void **state)
{
    struct rig r;

    (void)state;
    begin(&r, 6, (struct sim_faults){0});
    runtime_refuse(&r.rt, "Runtime.NoTable", "the table is missing");
    until_ended(&r);
    assert_int_equal(r.refused, 1);
    assert_string_equal(r.type, "Runtime.NoTable");
    assert_non_null(strstr(r.answer, "the table is missing"));
    end(&r);
}

CHECK_MAIN(cmocka_unit_test(answers_one_after_the_other),
           cmocka_unit_test(events_and_answers_may_be_long),
           cmocka_unit_test(lost_connections_lose_nothing), cmocka_unit_test(what_the_api_refuses),
           cmocka_unit_test(nobody_there), cmocka_unit_test(cannot_start))
