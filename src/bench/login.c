#include "bench/login.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "bench/secure.h"
#include "wire/http1.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEAD_MAX = 8192, BODY_MAX = 65536, RETRIES_MAX = 20, DEPTH_MAX = 8 };

enum lane_state { LANE_DOWN, LANE_CONNECTING, LANE_WAITING, LANE_CLOSING, LANE_RESTING };

/* One connection, with one person's login on it at a time. */
struct lane {
    struct bench_login *login;
    enum lane_state state;
    struct io_op in, out;
    struct str part;
    struct buf said, heard;
    struct wheel_timer timer;
    uint32_t person;
    bool has_person;
};

struct bench_login {
    struct bench_crowd *crowd;
    uint32_t next, done_n, retries;
    bool failed;
    char why[PLAN_WHY_N];
    struct lane lanes[LOGIN_LANES];
};

static void login_fail(struct bench_login *l, const char *what, const char *why, const char *hint)
{
    if (l->failed)
        return;
    l->failed = true;
    (void)snprintf(l->why, sizeof(l->why), "%s%s%s", what, why, hint);
}

static void lane_close(struct lane *lane)
{
    struct io *io = lane->login->crowd->io;

    lane->state = LANE_CLOSING;
    io_cancel(io, &lane->in);
    io_cancel(io, &lane->out);
}

/* The connection went: the person's login is tried again on another. */
static void lane_lost(struct lane *lane, int error)
{
    struct bench_login *l = lane->login;

    if (error == -EPROTO && lane->state == LANE_CONNECTING) {
        char why[PLAN_WHY_N];

        secure_why(l->crowd->io, why);
        login_fail(l, why, "", "");
    } else if (error == -ECONNREFUSED || error == -EHOSTUNREACH || error == -ENETUNREACH)
        login_fail(l, "cannot connect: ", strerrordesc_np(-error),
                   "; is the server running there?");
    else if (++l->retries > RETRIES_MAX + l->done_n / 10)
        login_fail(l, "connections for logins are closed again and again: ",
                   error == 0 ? "end of stream" : strerrordesc_np(-error),
                   "; --connects-per-address 0 lifts the server's limit");
    lane_close(lane);
}

static void login_say(struct lane *lane)
{
    const struct plan *plan = lane->login->crowd->plan;
    static const struct http1_header type = {.name = {(const uint8_t *)"Content-Type", 12},
                                             .value = {(const uint8_t *)"application/json", 16}};
    char name[PLAN_NAME_N], body[PLAN_NAME_N + 16], target[PLAN_HOST_N + 16], length[8];
    int n;

    plan_person_name(plan, lane->person, name);
    n = snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
    (void)snprintf(length, sizeof(length), "%d", n);
    (void)snprintf(target, sizeof(target), "%s/api/v1/login", plan->base);
    struct http1_header extra[] = {type, {STR("Content-Length"), str_of(length)}};

    buf_clear(&lane->said);
    buf_clear(&lane->heard);
    if (!http1_write_request(&lane->said, STR("POST"), str_of(target), str_of(plan->host), extra,
                             COUNTOF(extra))) {
        login_fail(lane->login, "the URL's host cannot be written as a header", "", "");
        return;
    }
    buf_append(&lane->said, str_of(body));
    lane->state = LANE_WAITING;
    lane->part = buf_peek(&lane->said);
    io_send(lane->login->crowd->io, &lane->out, &lane->part, 1);
    if (!lane->in.in_flight)
        io_recv(lane->login->crowd->io, &lane->in);
}

static bool take_person(struct lane *lane)
{
    struct bench_login *l = lane->login;

    if (!lane->has_person && l->next < l->crowd->plan->people) {
        lane->person = l->next++;
        lane->has_person = true;
    }
    return lane->has_person && !l->failed;
}

static void login_go_on(struct lane *lane)
{
    if (take_person(lane))
        login_say(lane);
    else
        lane_close(lane);
}

/* Finds the token, or what is wrong: code and how long to wait. */
static bool answer_read(struct str body, struct str *ret_token, struct str *ret_code,
                        uint64_t *ret_wait_ms)
{
    union {
        const uint8_t *from;
        uint8_t *to;
    } bytes = {.from = body.p}; /* they are the lane's own buffer */
    enum json_token t;
    struct json j;

    *ret_token = *ret_code = (struct str){0};
    *ret_wait_ms = 0;
    json_init(&j, bytes.to, body.n, DEPTH_MAX);
    while ((t = json_next(&j)) != JSON_END && t != JSON_ERROR) {
        if (t == JSON_STRING && str_eq(j.key, STR("token")))
            *ret_token = j.str;
        else if (t == JSON_STRING && str_eq(j.key, STR("code")))
            *ret_code = j.str;
        else if (t == JSON_INT && str_eq(j.key, STR("retry_after_ms")) && j.i64 > 0)
            *ret_wait_ms = (uint64_t)j.i64;
    }
    return ret_token->n > 0;
}

static void rest(struct lane *lane, uint64_t ms)
{
    struct bench_crowd *c = lane->login->crowd;

    lane->state = LANE_RESTING;
    wheel_set(&c->wheel, &lane->timer, io_now_ms(c->io) + ms);
}

static void refused(struct lane *lane, int status, struct str code, uint64_t wait_ms)
{
    char why[CROWD_WHY_N / 2];

    if (wait_ms > 0 && ++lane->login->retries <= RETRIES_MAX) {
        rest(lane, wait_ms);
        return;
    }
    (void)snprintf(why, sizeof(why), "%d %.*s", status, STR_ARGS(code));
    login_fail(
        lane->login, "a login was refused: ", why,
        str_eq(code, STR("login_closed"))
            ? "; start the server with --open"
            : "; --messages-per-user 0 and --connects-per-address 0 lift the server's limits");
    lane_close(lane);
}

static void login_answered(struct lane *lane, const struct http1_response *r, struct str body)
{
    struct bench_login *l = lane->login;
    struct str token, code;
    uint64_t wait_ms;

    if (!answer_read(body, &token, &code, &wait_ms) || r->status != 200) {
        refused(lane, r->status, code, wait_ms);
        return;
    }
    l->crowd->tokens[lane->person] = str_dup(token);
    l->done_n++;
    lane->has_person = false;
    if (r->keep_alive)
        login_go_on(lane);
    else
        lane_close(lane);
}

static void heard(struct lane *lane)
{
    struct http1_limits limits = HTTP1_LIMITS_DEFAULT;
    struct http1_response r;
    struct str all = buf_peek(&lane->heard);
    size_t used = 0;
    enum http1_result result = http1_parse_response(all, &limits, false, &r, &used);

    if (result == HTTP1_BAD || (result == HTTP1_OK && r.body != HTTP1_BODY_LENGTH)) {
        login_fail(lane->login, "the answer to a login is not one of polylog", "", "");
        lane_close(lane);
    } else if (result == HTTP1_OK && all.n - used >= r.content_length) {
        struct str body = {all.p + used, (size_t)r.content_length};

        login_answered(lane, &r, body);
    } else
        io_recv(lane->login->crowd->io, &lane->in);
}

static void in_done(struct io_op *op, int result, uint8_t *data)
{
    struct lane *lane = CONTAINER_OF(op, struct lane, in);

    if (lane->state == LANE_CLOSING)
        return;
    if (result <= 0) {
        lane_lost(lane, result);
        return;
    }
    buf_append(&lane->heard, (struct str){data, (size_t)result});
    if (lane->state == LANE_WAITING && !lane->out.in_flight)
        heard(lane);
}

static void out_done(struct io_op *op, int result, uint8_t *data)
{
    struct lane *lane = CONTAINER_OF(op, struct lane, out);

    (void)data;
    if (lane->state == LANE_CLOSING)
        return;
    if (result < 0)
        lane_lost(lane, result);
    else if (lane->state == LANE_CONNECTING) {
        lane->in.fd = lane->out.fd;
        login_go_on(lane);
    } else if ((size_t)result < lane->part.n) {
        lane->part = str_skip(lane->part, (size_t)result);
        io_send(lane->login->crowd->io, &lane->out, &lane->part, 1);
    } else if (buf_len(&lane->heard) > 0)
        heard(lane); /* the answer was faster */
}

static void rested(struct wheel_timer *t)
{
    struct lane *lane = CONTAINER_OF(t, struct lane, timer);

    if (lane->state == LANE_RESTING)
        login_go_on(lane);
}

struct bench_login *login_new(struct bench_crowd *c)
{
    struct bench_login *l = mem_zeroed(1, sizeof(*l));

    l->crowd = c;
    for (size_t i = 0; i < LOGIN_LANES; i++) {
        struct lane *lane = &l->lanes[i];

        *lane = (struct lane){.login = l, .in.fd = -1, .out.fd = -1};
        lane->in.done = in_done;
        lane->out.done = out_done;
        lane->timer.fire = rested;
        buf_init(&lane->said, HEAD_MAX);
        buf_init(&lane->heard, HEAD_MAX + BODY_MAX);
    }
    return l;
}

void login_free(struct bench_login *l)
{
    for (size_t i = 0; i < LOGIN_LANES; i++) {
        assert(l->lanes[i].state == LANE_DOWN);
        buf_fini(&l->lanes[i].said);
        buf_fini(&l->lanes[i].heard);
    }
    free(l);
}

uint32_t login_done_n(const struct bench_login *l)
{
    return l->done_n;
}

void login_stop(struct bench_login *l, const char *why)
{
    login_fail(l, why, "", "");
}

const char *login_failure(const struct bench_login *l)
{
    return l->failed ? l->why : NULL;
}

/* Closed for good, or, if there is still something to do, connected anew. */
static void lane_turn(struct lane *lane)
{
    struct io *io = lane->login->crowd->io;

    if (lane->login->failed && lane->state != LANE_DOWN && lane->state != LANE_CLOSING)
        lane_close(lane);
    if (lane->state == LANE_CLOSING && !lane->in.in_flight && !lane->out.in_flight) {
        wheel_cancel(&lane->login->crowd->wheel, &lane->timer);
        if (lane->out.fd >= 0)
            io_close(io, lane->out.fd);
        lane->in.fd = lane->out.fd = -1;
        lane->state = LANE_DOWN;
    }
    if (lane->state == LANE_DOWN && take_person(lane)) {
        lane->state = LANE_CONNECTING;
        io_connect(io, &lane->out, &lane->login->crowd->plan->addr);
    }
}

bool login_turn(struct bench_login *l)
{
    bool down = true;

    for (size_t i = 0; i < LOGIN_LANES; i++) {
        lane_turn(&l->lanes[i]);
        down = down && l->lanes[i].state == LANE_DOWN;
    }
    return down;
}
