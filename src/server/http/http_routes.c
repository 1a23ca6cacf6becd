#include "server/http/http_routes.h"

#include "base/str.h"
#include "chat/command/dispatch.h"
#include "chat/model/command.h"
#include "server/conn/http_key.h"
#include "server/conn/identify.h"
#include "server/conn/origin.h"
#include "server/conn/request.h"
#include "server/conn/request_trace.h"
#include "server/conn/session.h"
#include "server/gw/gw_http.h"
#include "server/http/assets.h"
#include "server/http/door_tail.h"
#include "server/http/http_operators.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/sio/eio_http.h"
#include "server/ws/door_echo.h"
#include "server/ws/door_ws.h"
#include "wire/field.h"
#include "wire/url.h"
#include "wire/ws.h"

#include <stdio.h>

#define TOKEN_MAX 4096
#define VALUE_MAX 512
#define API_PREFIX "/api/v1/"

/* The page may use another server, which people name and their browser remembers: over WebSocket,
 * and over HTTP for what needs no connection, without encryption on this machine only. */
#define CSP                                                                      \
    "default-src 'self'; "                                                       \
    "connect-src 'self' ws: wss: https: http://localhost:* http://127.0.0.1:*; " \
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

static const struct str csp = {(const uint8_t *)CSP, sizeof(CSP) - 1};

/* RFC 9110 15.5.6: a 405 says which methods there are. */
static enum error_code refuse_method(struct exchange *x, const char *allow)
{
    x->allow = allow;
    return ERROR_method_not_allowed;
}

static void fail_method(struct exchange *x, const char *allow)
{
    exchange_fail(x, refuse_method(x, allow), 0);
}

/* Tokens: Authorization: Bearer, ?token=, or the cookie. */

enum source { SOURCE_NONE, SOURCE_HEADER, SOURCE_QUERY, SOURCE_COOKIE };

static enum source find_token(struct exchange *x, uint8_t buf[static TOKEN_MAX],
                              struct str *ret_token)
{
    const struct http1_request *r = x->request;
    struct str value;
    size_t n;

    if (http1_get(&r->headers, STR("authorization"), &value) && value.n > 7 &&
        str_eq_nocase((struct str){value.p, 7}, STR("bearer "))) {
        *ret_token = str_trim(str_skip(value, 7));
        return SOURCE_HEADER;
    }
    if (url_query_get(r->query, STR("token"), buf, TOKEN_MAX, &n)) {
        *ret_token = (struct str){buf, n};
        return SOURCE_QUERY;
    }
    if (field_cookie_token(&r->headers, ret_token))
        return SOURCE_COOKIE;
    return SOURCE_NONE;
}

/* The API. */

/* Takes the cookie away that FIELD_TOKEN_HOST stands in the place of. */
#define COOKIE_OLD "polylog_token=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"

static void set_cookie(struct request *r, char *buf, size_t max, struct http1_header *ret)
{
    const struct exchange *x = r->exchange;

    if (r->call.ret.token != NULL)
        (void)snprintf(buf, max, "%.*s=%.*s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%llu%s",
                       STR_ARGS(x->secure ? FIELD_TOKEN_HOST : FIELD_TOKEN),
                       STR_ARGS(frame_str(r->call.ret.token)),
                       (unsigned long long)x->worker->server->conf->token_ttl_ms / 1000,
                       x->secure ? "; Secure" : "");
    else
        (void)snprintf(buf, max, "%.*s=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0%s",
                       STR_ARGS(x->secure ? FIELD_TOKEN_HOST : FIELD_TOKEN),
                       x->secure ? "; Secure" : "");
    *ret = (struct http1_header){STR("Set-Cookie"), str_of(buf)};
}

static bool is_json(const struct exchange *x)
{
    struct str type;

    return http1_get(&x->request->headers, STR("content-type"), &type) &&
           str_eq_nocase(str_trim(str_cut(&type, ';')), STR("application/json"));
}

static void answer(struct request *r)
{
    struct exchange *x = r->exchange;
    struct buf body CLEANUP(buf_fini);
    struct http1_header extra[4] = {{STR("Cache-Control"), STR("no-store")}};
    char cookie[TOKEN_MAX], trace[TRACE_PARENT_N + 1];
    size_t extra_n = 1;
    bool enters = dispatch_enters(r->call.cmd.id) || dispatch_renews(r->call.cmd.id);
    bool sets = (enters && is_json(x)) ||
                (r->call.cmd.id == COMMAND_logout && !command_has(&r->call.cmd, PARAM_session) &&
                 !(command_has(&r->call.cmd, PARAM_others) && r->call.cmd.others));

    if (r->call.error != ERROR_NONE) {
        exchange_fail_call(x, &r->call);
        return;
    }
    buf_init(&body, 32 * 1024 * 1024);
    buf_append_byte(&body, '{');
    buf_append(&body, buf_peek(&r->call.ok));
    buf_append_byte(&body, '}');
    if (sets)
        set_cookie(r, cookie, sizeof(cookie), &extra[extra_n++]);
    if (sets && x->secure) /* the one of before there was TLS, or of an older node */
        extra[extra_n++] = (struct http1_header){STR("Set-Cookie"), STR(COOKIE_OLD)};
    if (r->call.trace.sampled) {
        trace_format(&r->call.trace, trace);
        extra[extra_n++] = (struct http1_header){STR("traceparent"), str_of(trace)};
    }
    exchange_answer(x, &(struct exchange_answer){.status = 200,
                                                 .type = STR("application/json"),
                                                 .body = buf_peek(&body),
                                                 .extra = extra,
                                                 .extra_n = extra_n});
}

/* A cookie goes where its owner did not send it: what changes something needs an
 * origin that is allowed. */
static bool is_forged(struct exchange *x, enum source source)
{
    return source == SOURCE_COOKIE && !exchange_is_get(x) &&
           (http1_count(&x->request->headers, STR("origin")) == 0 || !origin_allowed(x));
}

/* A browser does not tell a page why its WebSocket was refused: ping does, by refusing
 * what /ws refuses. */
static bool is_refused_ping(const struct exchange *x, enum command_id id)
{
    return id == COMMAND_ping && !origin_allowed(x);
}

/* It is known who asks, or why that cannot be told. */
static void go_on(struct request *r, bool follows)
{
    if (r->call.error != ERROR_NONE && r->lenient) {
        r->call.error = ERROR_NONE;
        r->call.retry_after_ms = 0;
    }
    if (r->call.error != ERROR_NONE || !request_is_open(r))
        request_end(r);
    else
        session_run(r, follows);
}

static void identified(struct request *r)
{
    go_on(r, false);
}

static void identified_follower(struct request *r)
{
    go_on(r, true);
}

/* Runs the command as whoever asks. follows: entries are sent to the connection. */
static void authenticate(struct exchange *x, struct request *r, bool follows)
{
    request_f *done = follows ? identified_follower : identified;
    uint8_t buf[TOKEN_MAX];
    struct str token;
    enum source source = find_token(x, buf, &token);
    bool is_login = dispatch_enters(r->call.cmd.id), forged = is_forged(x, source);
    bool is_public = command_is_public(r->call.cmd.id);

    if (x->worker->tracer != NULL)
        request_trace_header(r, &x->request->headers);
    if (is_login ? !origin_same_site(x)
                 : (forged && !is_public) || is_refused_ping(x, r->call.cmd.id))
        r->call.error = ERROR_bad_origin;
    /* What is wrong with a cookie is forgiven, and nothing else. */
    r->lenient = source == SOURCE_COOKIE && is_public && r->call.error == ERROR_NONE;
    if (is_login || forged || source == SOURCE_NONE || r->call.error != ERROR_NONE)
        done(r); /* some commands want nobody in particular */
    else
        identify(r, token, done);
}

static void run_api(struct exchange *x, enum command_id id)
{
    struct request *r = request_for(x, buf_peek(&x->body), answer);
    struct command_limits limits = session_limits(x->worker);
    struct command_problem problem;

    r->command = true;
    if (!command_parse_params(&r->call.cmd, id, r->bytes, r->n, &limits, &problem) ||
        !http_key_take(&x->request->headers, &r->call.cmd, r->room, &limits, &problem)) {
        session_fail(r, problem);
        return;
    }
    authenticate(x, r, false);
}

/* A command about the room of the path, with the parameters that the query has. NULL: it is
 * answered. */
static struct request *ask_about(struct exchange *x, struct str room, enum command_id id,
                                 void (*done)(struct request *r))
{
    struct str query = x->request->query, name, value;
    struct request *r = request_for(x, (struct str){0}, done);
    struct command_limits limits = session_limits(x->worker);
    struct command_problem problem;
    uint8_t buf[VALUE_MAX], room_buf[VALUE_MAX];
    size_t n;
    bool ok = room.n <= sizeof(room_buf) && url_decode(room, URL_PLUS_IS_PLUS, room_buf, &n);

    r->command = true;
    r->call.cmd.id = id;
    if (!ok) {
        session_fail(r, (struct command_problem){ERROR_bad_room, "room"});
        return NULL;
    }
    ok = command_set(&r->call.cmd, STR("room"), (struct str){room_buf, n}, &limits, &problem);
    while (ok && url_query_next(&query, &name, &value)) {
        if (str_eq(name, STR("room")))
            continue; /* the path says which */
        if (value.n > sizeof(buf) || !url_decode(value, URL_PLUS_IS_SPACE, buf, &n))
            continue;
        /* The view is the only text: it is kept as one of its two names. */
        struct str text = {buf, n};

        if (str_eq(name, STR("view")) && str_eq(text, STR("log")))
            text = STR("log");
        ok = command_set(&r->call.cmd, name, text, &limits, &problem);
    }
    if (!ok || !command_complete(&r->call.cmd, &problem)) {
        session_fail(r, problem);
        return NULL;
    }
    memcpy(r->room, r->call.cmd.room.p, r->call.cmd.room.n); /* it fits: it was checked */
    r->call.cmd.room.p = (const uint8_t *)r->room;
    return r;
}

/* GET /api/v1/rooms/<room>/messages?before=&limit=... */
static void run_messages(struct exchange *x, struct str room)
{
    struct request *r = ask_about(x, room, COMMAND_history, answer);

    if (r == NULL)
        return;
    if (!str_eq(r->call.cmd.view, STR("log")))
        r->call.cmd.view = STR("messages");
    authenticate(x, r, false);
}

/* GET /api/v1/rooms/<room>/tail?after=&epoch=&last=: the log, and what is appended to it
 * from then on. */

static void answer_tail(struct request *r)
{
    struct exchange *x = r->exchange;
    struct conn *c = x->conn;
    const struct http1_headers *h = &x->request->headers;
    bool events = http1_has(h, STR("accept"), STR("text/event-stream"));
    bool chunked = x->request->minor > 0;
    char cursor[48];
    struct http1_header extra[] = {{STR("Cache-Control"), STR("no-store")},
                                   {STR("Polylog-Cursor"), {0}}};

    if (r->call.error == ERROR_NONE && c->person == NULL)
        r->call.error = session_begin(c, &r->call.who);
    if (r->call.error != ERROR_NONE) {
        exchange_fail_call(x, &r->call);
        return;
    }
    (void)snprintf(cursor, sizeof(cursor), "%llu:%llu", (unsigned long long)r->call.follow.epoch,
                   (unsigned long long)r->call.follow.cursor);
    extra[1].value = str_of(cursor);
    c = exchange_give(x, &(struct exchange_answer){.status = 200,
                                                   .type = events ? STR("text/event-stream")
                                                                  : STR("application/x-ndjson"),
                                                   .extra = extra,
                                                   .extra_n = COUNTOF(extra),
                                                   .endless = true});
    if (c != NULL)
        door_tail_begin(c, events ? DOOR_TAIL_EVENTS : DOOR_TAIL_LINES, chunked);
}

/* Nothing but the cursor comes from the client: no room is made, none comes onto a list. */
static void run_tail(struct exchange *x, struct str room)
{
    struct request *r = ask_about(x, room, COMMAND_join, answer_tail);
    struct command *cmd;
    struct str last_id;

    if (r == NULL)
        return;
    cmd = &r->call.cmd;
    command_give(cmd, PARAM_create);
    cmd->create = false;
    if (http1_get(&x->request->headers, STR("last-event-id"), &last_id) && last_id.n > 0) {
        if (!door_tail_id(last_id, &cmd->epoch, &cmd->after)) {
            session_fail(r, (struct command_problem){ERROR_bad_value, "Last-Event-ID"});
            return;
        }
        command_give(cmd, PARAM_epoch);
        command_give(cmd, PARAM_after);
    }
    r->call.follow.unlisted = true;
    r->whole = true;
    authenticate(x, r, true);
}

static void preflight(struct exchange *x)
{
    struct http1_header extra[] = {
        {STR("Access-Control-Allow-Methods"), STR("GET, POST")},
        {STR("Access-Control-Allow-Headers"), STR("authorization, content-type, idempotency-key")},
        {STR("Access-Control-Max-Age"), STR("600")},
    };

    exchange_answer(
        x, &(struct exchange_answer){
               .status = 204, .no_length = true, .extra = extra, .extra_n = COUNTOF(extra)});
}

/* /api/v1/drain, for the server's owner: GET tells, POST begins, DELETE ends. */

static bool is_owner(struct request *r)
{
    if (r->call.error == ERROR_NONE && !r->call.who.super)
        r->call.error = ERROR_forbidden;
    return r->call.error == ERROR_NONE;
}

static void say_draining(struct request *r, bool draining)
{
    if (r->call.error == ERROR_NONE) {
        json_out_field_bool(&r->call.out, "draining", draining);
        json_out_field_u64(&r->call.out, "connections", worker_sockets(r->worker->server));
    }
    request_end(r);
}

static void drain_get(struct request *r)
{
    (void)is_owner(r);
    say_draining(r, lifecycle_at(&r->worker->server->life) != LIFE_SERVING);
}

static void drain_post(struct request *r)
{
    if (is_owner(r))
        r->worker->server->ops->drain(r->worker->server);
    say_draining(r, true);
}

static void drain_delete(struct request *r)
{
    if (is_owner(r))
        r->worker->server->ops->undrain(r->worker->server);
    say_draining(r, false);
}

static void drain(struct exchange *x)
{
    struct request *r = request_for(x, (struct str){0}, answer);
    uint8_t buf[TOKEN_MAX];
    struct str token;
    enum source source = find_token(x, buf, &token);
    request_f *run = exchange_is_get(x)                ? drain_get
                     : exchange_is_method(x, "POST")   ? drain_post
                     : exchange_is_method(x, "DELETE") ? drain_delete
                                                       : NULL;

    if (run == NULL)
        r->call.error = refuse_method(x, "GET, HEAD, POST, DELETE, OPTIONS");
    else if (source == SOURCE_NONE)
        r->call.error = ERROR_unauthenticated;
    else if (is_forged(x, source))
        r->call.error = ERROR_bad_origin;
    if (r->call.error != ERROR_NONE)
        request_end(r);
    else
        identify(r, token, run);
}

static void api(struct exchange *x, struct str path)
{
    struct str rest = path;
    struct str first = str_cut(&rest, '/');
    enum command_id id;

    if (exchange_is_method(x, "OPTIONS")) {
        preflight(x);
        return;
    }
    if (str_eq(first, STR("rooms")) && rest.n > 0) {
        struct str room = str_cut(&rest, '/');

        if (str_eq(rest, STR("messages")) && exchange_is_get(x))
            run_messages(x, room);
        else if (str_eq(rest, STR("messages")))
            fail_method(x, "GET, HEAD, OPTIONS");
        else if (str_eq(rest, STR("tail")) && x->conn != NULL && exchange_is_method(x, "GET"))
            run_tail(x, room);
        else if (str_eq(rest, STR("tail")))
            fail_method(x, "GET, OPTIONS");
        else
            exchange_fail(x, ERROR_no_such_path, 0);
        return;
    }
    if (rest.n == 0 && str_eq(first, STR("drain"))) {
        drain(x);
        return;
    }
    if (rest.n == 0 && str_eq(first, STR("issuer"))) {
        http_operators_issuer(x);
        return;
    }
    id = rest.n == 0 ? command_find(first) : COMMAND_NONE;
    if (id == COMMAND_NONE)
        exchange_fail(x, ERROR_unknown_command, 0);
    else if (id == COMMAND_ways && exchange_is_get(x))
        run_api(x, id);
    else if (!exchange_is_method(x, "POST"))
        fail_method(x, id == COMMAND_ways ? "GET, HEAD, POST, OPTIONS" : "POST, OPTIONS");
    else
        run_api(x, id);
}

/* The upgrade. */

static bool agree_deflate(struct exchange *x, struct deflate_params *ret)
{
    const struct http1_headers *h = &x->request->headers;

    for (size_t i = 0; i < h->n; i++)
        if (str_eq_nocase(h->at[i].name, STR("sec-websocket-extensions")) &&
            deflate_negotiate(h->at[i].value, ret))
            return true;
    return false;
}

static void switch_protocols(struct exchange *x, struct str key)
{
    struct http1_header fields[2];
    char deflate[DEFLATE_ANSWER_MAX];
    struct deflate_params params = {0};
    struct conn *c;
    size_t n = 0;

    if (http1_has(&x->request->headers, STR("sec-websocket-protocol"), STR("polylog.v1")))
        fields[n++] = (struct http1_header){STR("Sec-WebSocket-Protocol"), STR("polylog.v1")};
    if (x->worker->server->conf->compress && agree_deflate(x, &params))
        fields[n++] =
            (struct http1_header){STR("Sec-WebSocket-Extensions"),
                                  {(const uint8_t *)deflate, deflate_answer(&params, deflate)}};
    c = exchange_upgrade(x, key, fields, n);
    if (c != NULL && x->worker->server->o.echo)
        door_echo_begin(c, params.window_bits);
    else if (c != NULL)
        door_ws_begin(c, params.window_bits);
}

static void upgrade_answer(struct request *r)
{
    struct str key;

    if (r->call.error != ERROR_NONE)
        exchange_fail_call(r->exchange, &r->call);
    else if (ws_handshake(r->exchange->request, &key) == 0)
        switch_protocols(r->exchange, key);
}

static void upgrade_identified(struct request *r)
{
    struct exchange *x = r->exchange;

    if (r->call.error == ERROR_NONE && exchange_is_open(x)) {
        r->call.error = session_begin(x->conn, &r->call.who);
    } else if (exchange_is_open(x)) {
        uint64_t wait_ms = origin_wait_ms(x);

        if (wait_ms > 0)
            r->call.error = ERROR_rate_limited;
        else if (r->lenient)
            r->call.error = ERROR_NONE;
        if (wait_ms > 0)
            r->call.retry_after_ms = wait_ms;
    }
    request_end(r);
}

static void refuse_upgrade(struct exchange *x, int status)
{
    struct http1_header extra[] = {{STR("Sec-WebSocket-Version"), STR("13")},
                                   {STR("Upgrade"), STR("websocket")},
                                   {STR("Connection"), STR("Upgrade")}};

    exchange_answer(x, &(struct exchange_answer){.status = status,
                                                 .type = STR("text/plain"),
                                                 .body = STR("This address speaks WebSocket.\n"),
                                                 .extra = extra,
                                                 .extra_n = status == 426 ? 3 : 1});
}

static void upgrade(struct exchange *x)
{
    uint8_t buf[TOKEN_MAX];
    struct str key, token;
    int status = ws_handshake(x->request, &key);
    enum source source;
    struct request *r;

    if (status != 0 || x->conn == NULL) {
        refuse_upgrade(x, status != 0 ? status : 426);
        return;
    }
    if (x->worker->server->o.echo) { /* nothing here is anybody's: all may come */
        switch_protocols(x, key);
        return;
    }
    if (!origin_allowed(x)) {
        exchange_fail(x, ERROR_bad_origin, 0);
        return;
    }
    source = find_token(x, buf, &token);
    if (source == SOURCE_NONE) {
        uint64_t wait_ms = origin_wait_ms(x);

        if (wait_ms > 0)
            exchange_fail(x, ERROR_rate_limited, wait_ms);
        else
            switch_protocols(x, key);
        return;
    }
    r = request_for(x, (struct str){0}, upgrade_answer);
    r->lenient = source == SOURCE_COOKIE;
    identify(r, token, upgrade_identified);
}

/* The web app. */

static void asset(struct exchange *x, struct str path)
{
    const struct asset *a = assets_find(path);
    struct str accept = {0}, match, body;
    struct http1_header extra[6] = {{STR("Vary"), STR("Accept-Encoding")},
                                    {STR("Content-Security-Policy"), csp},
                                    {STR("Referrer-Policy"), STR("no-referrer")}};
    struct exchange_answer answer_to = {.status = 200, .extra = extra, .extra_n = 3};
    enum field_coding coding;

    if (a == NULL) {
        exchange_fail(x, ERROR_no_such_path, 0);
        return;
    }
    extra[answer_to.extra_n++] = (struct http1_header){STR("ETag"), str_of(a->etag)};
    extra[answer_to.extra_n++] = (struct http1_header){
        STR("Cache-Control"),
        a->immutable ? STR("public, max-age=31536000, immutable") : STR("no-cache")};
    if (http1_get(&x->request->headers, STR("if-none-match"), &match) &&
        field_etag_match(match, str_of(a->etag))) {
        answer_to.status = 304;
        answer_to.no_length = true;
        exchange_answer(x, &answer_to);
        return;
    }
    (void)http1_get(&x->request->headers, STR("accept-encoding"), &accept);
    coding = field_accept_encoding(accept, (a->gzip.n > 0 ? 1u << FIELD_GZIP : 0) |
                                               (a->brotli.n > 0 ? 1u << FIELD_BR : 0));
    body = coding == FIELD_BR ? a->brotli : coding == FIELD_GZIP ? a->gzip : a->plain;
    answer_to.type = str_of(a->type);
    answer_to.body = body;
    if (coding != FIELD_IDENTITY)
        extra[answer_to.extra_n++] = (struct http1_header){
            STR("Content-Encoding"), coding == FIELD_BR ? STR("br") : STR("gzip")};
    exchange_answer(x, &answer_to);
}

/* If the token is not good the client may say who it is in another way. */
static void brought(struct request *r)
{
    struct conn *c = r->conn;

    if (r->call.error == ERROR_NONE && c->state == CONN_OPEN && c->person == NULL)
        r->call.error = session_begin(c, &r->call.who);
    r->call.error = ERROR_NONE;
    request_end(r);
}

static void bring_token(struct exchange *x, struct conn *session)
{
    uint8_t buf[TOKEN_MAX];
    struct str token;

    if (find_token(x, buf, &token) != SOURCE_NONE)
        identify(request_new(session, (struct str){0}, request_answered), token, brought);
}

static void run_eio(struct exchange *x)
{
    struct conn *session;

    if (exchange_is_method(x, "OPTIONS")) {
        preflight(x);
        return;
    }
    session = eio_http_run(x);
    if (session != NULL && session->state == CONN_OPEN && !x->worker->server->o.echo)
        bring_token(x, session);
}

/* There are no keys yet, nor anything else of the store's. */
static bool is_too_early(const struct exchange *x)
{
    return lifecycle_at(&x->worker->server->life) < LIFE_SERVING &&
           (!http_operators_takes(x) || str_starts(x->request->path, STR("/.well-known")));
}

static uint64_t body_max(const struct worker *w, struct str path)
{
    const struct conf *conf = w->server->conf;
    uint64_t max = eio_http_takes(w, path)  ? conf->sio_max_payload
                   : gw_http_takes(w, path) ? gw_http_body_max(w)
                                            : conf->body_max;

    return max > 0 ? max : UINT64_MAX;
}

static bool admit(struct exchange *x)
{
    return !eio_http_takes(x->worker, x->request->path) || eio_http_admits(x);
}

static void run(struct exchange *x)
{
    struct str path = x->request->path;
    bool spare = x->conn != NULL && x->conn->spare, echo = x->worker->server->o.echo;

    if (spare)
        x->close = true;
    if (spare && !http_operators_takes(x))
        exchange_text(x, 503, "text/plain", STR("no descriptor is left for this connection\n"));
    else if (is_too_early(x))
        exchange_fail(x, ERROR_store_failed, 0);
    else if (!echo && gw_http_takes(x->worker, path))
        gw_http_run(x); /* by whatever name: it has a secret */
    else if (!echo && !http_operators_takes(x) && !origin_host_allowed(x))
        exchange_fail(x, ERROR_bad_host, 0);
    else if (eio_http_takes(x->worker, path))
        run_eio(x);
    else if (str_starts(path, STR(API_PREFIX)))
        api(x, str_skip(path, sizeof(API_PREFIX) - 1));
    else if (str_eq(path, STR("/ws")) || echo)
        upgrade(x);
    else if (http_operators_takes(x))
        http_operators_run(x);
    else if (!exchange_is_get(x))
        fail_method(x, "GET, HEAD");
    else
        asset(x, path);
}

const struct exchange_taker http_routes = {.body_max = body_max, .admit = admit, .run = run};
