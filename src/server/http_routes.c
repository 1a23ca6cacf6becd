#include "server/http_routes.h"

#include "base/str.h"
#include "chat/command.h"
#include "server/assets.h"
#include "server/door_echo.h"
#include "server/door_http.h"
#include "server/door_ws.h"
#include "server/eio_http.h"
#include "server/identify.h"
#include "server/request.h"
#include "server/server.h"
#include "server/session.h"
#include "server/worker.h"
#include "wire/field.h"
#include "wire/url.h"

#include <stdatomic.h>
#include <stdio.h>

#define TOKEN_MAX 4096
#define VALUE_MAX 512
#define API_PREFIX "/api/v1/"

static const struct str csp = {
    (const uint8_t *)"default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
                     "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    sizeof("default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
           "frame-ancestors 'none'; base-uri 'none'; form-action 'self'") -
        1};

static struct http1_request *request_in(struct conn *c)
{
    return &c->http->message->request;
}

static bool is_method(const struct conn *c, const char *method)
{
    return str_eq(c->http->message->request.method, str_of(method));
}

static bool is_get(const struct conn *c)
{
    return is_method(c, "GET") || is_method(c, "HEAD");
}

static void answer_text(struct conn *c, int status, const char *type, struct str body)
{
    struct http1_header extra = {STR("Cache-Control"), STR("no-store")};

    door_http_answer(
        c,
        &(struct http_answer){
            .status = status, .type = str_of(type), .body = body, .extra = &extra, .extra_n = 1});
}

/* Tokens: Authorization: Bearer, ?token=, or the cookie. */

enum source { SOURCE_NONE, SOURCE_HEADER, SOURCE_QUERY, SOURCE_COOKIE };

static enum source find_token(struct conn *c, uint8_t buf[static TOKEN_MAX], struct str *ret_token)
{
    struct http1_request *r = request_in(c);
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
    if (field_cookie(&r->headers, STR("polylog_token"), ret_token))
        return SOURCE_COOKIE;
    return SOURCE_NONE;
}

/* The API. */

static bool login_allowed(const struct conn *c)
{
    return c->worker->server->conf->open || c->http->loopback;
}

static void set_cookie(struct request *r, char *buf, size_t max, struct http1_header *ret)
{
    const struct conn *c = r->conn;
    struct str ok = buf_peek(&r->call.ok);
    const uint8_t *begin = ok.p + sizeof("\"token\":\"") - 1;
    const uint8_t *end = memchr(begin, '"', ok.n);

    if (r->call.cmd.id == COMMAND_login)
        (void)snprintf(buf, max,
                       "polylog_token=%.*s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%llu%s",
                       (int)(end - begin), (const char *)begin,
                       (unsigned long long)c->worker->server->conf->token_ttl_ms / 1000,
                       c->http->secure ? "; Secure" : "");
    else
        (void)snprintf(buf, max, "polylog_token=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    *ret = (struct http1_header){STR("Set-Cookie"), str_of(buf)};
}

static void answer(struct request *r)
{
    struct conn *c = r->conn;
    struct buf body CLEANUP(buf_fini);
    struct http1_header extra[2] = {{STR("Cache-Control"), STR("no-store")}};
    char cookie[TOKEN_MAX];
    bool sets = r->call.cmd.id == COMMAND_login ||
                (r->call.cmd.id == COMMAND_logout && !command_has(&r->call.cmd, PARAM_session));

    if (r->call.error != ERROR_NONE) {
        door_http_fail_call(c, &r->call);
        return;
    }
    buf_init(&body, 32 * 1024 * 1024);
    buf_append_byte(&body, '{');
    buf_append(&body, buf_peek(&r->call.ok));
    buf_append_byte(&body, '}');
    if (sets)
        set_cookie(r, cookie, sizeof(cookie), &extra[1]);
    door_http_answer(c, &(struct http_answer){.status = 200,
                                              .type = STR("application/json"),
                                              .body = buf_peek(&body),
                                              .extra = extra,
                                              .extra_n = sets ? 2 : 1});
}

/* A cookie goes where its owner did not send it: what changes something needs an
 * origin that is allowed. */
static bool is_forged(struct conn *c, enum source source)
{
    return source == SOURCE_COOKIE && !is_get(c) &&
           (http1_count(&request_in(c)->headers, STR("origin")) == 0 ||
            !door_http_origin_allowed(c));
}

/* It is known who asks, or why that cannot be told. */
static void identified(struct request *r)
{
    if (r->call.error != ERROR_NONE && r->lenient) {
        r->call.error = ERROR_NONE;
        r->call.retry_after_ms = 0;
    }
    if (r->call.error != ERROR_NONE || r->conn->state != CONN_OPEN)
        request_end(r);
    else
        session_run(r, false);
}

/* Runs the command as whoever asks. */
static void authenticate(struct conn *c, struct request *r)
{
    uint8_t buf[TOKEN_MAX];
    struct str token;
    enum source source = find_token(c, buf, &token);
    bool is_login = r->call.cmd.id == COMMAND_login;

    r->lenient = source == SOURCE_COOKIE && command_is_public(r->call.cmd.id);
    r->call.local = c->http->loopback;
    if (is_login)
        r->call.error = login_allowed(c) ? ERROR_NONE : ERROR_login_closed;
    else if (is_forged(c, source))
        r->call.error = ERROR_bad_origin;
    if (is_login || source == SOURCE_NONE || r->call.error != ERROR_NONE)
        identified(r); /* some commands want nobody in particular */
    else
        identify(r, token, identified);
}

static void run_api(struct conn *c, enum command_id id)
{
    struct request *r = request_new(c, buf_peek(&c->http->body), answer);
    struct command_limits limits = session_limits(c->worker);
    struct command_problem problem;

    if (!command_parse_params(&r->call.cmd, id, r->bytes, r->n, &limits, &problem)) {
        session_fail(r, problem);
        return;
    }
    authenticate(c, r);
}

/* GET /api/v1/rooms/<room>/messages?before=&limit=... */
static void run_messages(struct conn *c, struct str room)
{
    struct str query = request_in(c)->query, name, value;
    struct request *r = request_new(c, (struct str){0}, answer);
    struct command_limits limits = session_limits(c->worker);
    struct command_problem problem;
    uint8_t buf[VALUE_MAX], room_buf[VALUE_MAX];
    size_t n;
    bool ok = room.n <= sizeof(room_buf) && url_decode(room, URL_PLUS_IS_PLUS, room_buf, &n);

    r->call.cmd.id = COMMAND_history;
    if (!ok) {
        session_fail(r, (struct command_problem){ERROR_bad_room, "room"});
        return;
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
        return;
    }
    memcpy(r->room, r->call.cmd.room.p, r->call.cmd.room.n); /* it fits: it was checked */
    r->call.cmd.room.p = (const uint8_t *)r->room;
    if (!str_eq(r->call.cmd.view, STR("log")))
        r->call.cmd.view = STR("messages");
    authenticate(c, r);
}

static void preflight(struct conn *c)
{
    struct http1_header extra[] = {
        {STR("Access-Control-Allow-Methods"), STR("GET, POST")},
        {STR("Access-Control-Allow-Headers"), STR("authorization, content-type")},
        {STR("Access-Control-Max-Age"), STR("600")},
    };

    door_http_answer(
        c, &(struct http_answer){
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
        json_out_field_u64(&r->call.out, "connections", server_sockets(r->worker->server));
    }
    request_end(r);
}

static void drain_get(struct request *r)
{
    (void)is_owner(r);
    say_draining(r, atomic_load(&r->worker->server->phase) != SERVER_SERVING);
}

static void drain_post(struct request *r)
{
    if (is_owner(r))
        server_drain(r->worker->server);
    say_draining(r, true);
}

static void drain_delete(struct request *r)
{
    if (is_owner(r))
        server_undrain(r->worker->server);
    say_draining(r, false);
}

static void drain(struct conn *c)
{
    struct request *r = request_new(c, (struct str){0}, answer);
    uint8_t buf[TOKEN_MAX];
    struct str token;
    enum source source = find_token(c, buf, &token);
    identify_done_f *run = is_get(c)                ? drain_get
                           : is_method(c, "POST")   ? drain_post
                           : is_method(c, "DELETE") ? drain_delete
                                                    : NULL;

    if (run == NULL)
        r->call.error = ERROR_method_not_allowed;
    else if (source == SOURCE_NONE)
        r->call.error = ERROR_unauthenticated;
    else if (is_forged(c, source))
        r->call.error = ERROR_bad_origin;
    if (r->call.error != ERROR_NONE)
        request_end(r);
    else
        identify(r, token, run);
}

static void api(struct conn *c, struct str path)
{
    struct str rest = path;
    struct str first = str_cut(&rest, '/');
    enum command_id id;

    if (is_method(c, "OPTIONS")) {
        preflight(c);
        return;
    }
    if (str_eq(first, STR("rooms")) && rest.n > 0) {
        struct str room = str_cut(&rest, '/');

        if (!str_eq(rest, STR("messages")))
            door_http_fail(c, ERROR_no_such_path, 0);
        else if (!is_get(c))
            door_http_fail(c, ERROR_method_not_allowed, 0);
        else
            run_messages(c, room);
        return;
    }
    if (rest.n == 0 && str_eq(first, STR("drain"))) {
        drain(c);
        return;
    }
    id = rest.n == 0 ? command_find(first) : COMMAND_NONE;
    if (id == COMMAND_NONE)
        door_http_fail(c, ERROR_unknown_command, 0);
    else if (!is_method(c, "POST"))
        door_http_fail(c, ERROR_method_not_allowed, 0);
    else
        run_api(c, id);
}

/* The upgrade. */

static bool agree_deflate(struct conn *c, struct deflate_params *ret)
{
    const struct http1_headers *h = &request_in(c)->headers;

    for (size_t i = 0; i < h->n; i++)
        if (str_eq_nocase(h->at[i].name, STR("sec-websocket-extensions")) &&
            deflate_negotiate(h->at[i].value, ret))
            return true;
    return false;
}

static void switch_protocols(struct conn *c, struct str key)
{
    struct http1_header extra[5];
    struct http1_reply reply = {.status = 101, .content_length = HTTP1_NO_LENGTH, .extra = extra};
    char accept[WS_ACCEPT_LEN], deflate[DEFLATE_ANSWER_MAX];
    struct deflate_params params = {0};
    struct buf *out = conn_out(c);
    size_t n;

    ws_accept(key, accept);
    extra[reply.extra_n++] = (struct http1_header){STR("Upgrade"), STR("websocket")};
    extra[reply.extra_n++] = (struct http1_header){STR("Connection"), STR("Upgrade")};
    extra[reply.extra_n++] = (struct http1_header){STR("Sec-WebSocket-Accept"),
                                                   {(const uint8_t *)accept, sizeof(accept)}};
    if (http1_has(&request_in(c)->headers, STR("sec-websocket-protocol"), STR("polylog.v1")))
        extra[reply.extra_n++] =
            (struct http1_header){STR("Sec-WebSocket-Protocol"), STR("polylog.v1")};
    if (c->worker->server->conf->compress && agree_deflate(c, &params)) {
        n = deflate_answer(&params, deflate);
        extra[reply.extra_n++] =
            (struct http1_header){STR("Sec-WebSocket-Extensions"), {(const uint8_t *)deflate, n}};
    }
    if (!http1_write_reply(out, &reply)) {
        conn_drop(c, METRIC_close_memory);
        return;
    }
    conn_sent(c);
    door_http_upgraded(c);
    if (c->worker->server->o.echo)
        door_echo_begin(c, params.window_bits);
    else
        door_ws_begin(c, params.window_bits);
}

static void upgrade_answer(struct request *r)
{
    struct str key;

    if (r->call.error != ERROR_NONE)
        door_http_fail_call(r->conn, &r->call);
    else if (http1_websocket(request_in(r->conn), &key) == 0)
        switch_protocols(r->conn, key);
}

static void upgrade_identified(struct request *r)
{
    struct conn *c = r->conn;

    if (r->call.error == ERROR_NONE && c->state == CONN_OPEN)
        r->call.error = session_begin(c, &r->call.who);
    else if (r->lenient)
        r->call.error = ERROR_NONE;
    request_end(r);
    door_http_routed(c);
}

static void refuse_upgrade(struct conn *c, int status)
{
    struct http1_header extra = {STR("Sec-WebSocket-Version"), STR("13")};

    door_http_answer(c, &(struct http_answer){.status = status,
                                              .type = STR("text/plain"),
                                              .body = STR("This address speaks WebSocket.\n"),
                                              .extra = &extra,
                                              .extra_n = 1});
}

static void upgrade(struct conn *c)
{
    uint8_t buf[TOKEN_MAX];
    struct str key, token;
    int status = http1_websocket(request_in(c), &key);
    enum source source;
    struct request *r;

    if (status != 0) {
        refuse_upgrade(c, status);
        return;
    }
    if (c->worker->server->o.echo) { /* nothing here is anybody's: all may come */
        switch_protocols(c, key);
        return;
    }
    if (!door_http_origin_allowed(c)) {
        door_http_fail(c, ERROR_bad_origin, 0);
        return;
    }
    source = find_token(c, buf, &token);
    if (source == SOURCE_NONE) {
        switch_protocols(c, key);
        return;
    }
    r = request_new(c, (struct str){0}, upgrade_answer);
    r->lenient = source == SOURCE_COOKIE;
    c->http->asked = true;
    identify(r, token, upgrade_identified);
}

/* The web app. */

static void asset(struct conn *c, struct str path)
{
    const struct asset *a = assets_find(path);
    struct str accept = {0}, match, body;
    struct http1_header extra[6] = {{STR("Vary"), STR("Accept-Encoding")},
                                    {STR("Content-Security-Policy"), csp},
                                    {STR("Referrer-Policy"), STR("no-referrer")}};
    struct http_answer answer_to = {.status = 200, .extra = extra, .extra_n = 3};
    enum field_coding coding;

    if (a == NULL) {
        door_http_fail(c, ERROR_no_such_path, 0);
        return;
    }
    extra[answer_to.extra_n++] = (struct http1_header){STR("ETag"), str_of(a->etag)};
    extra[answer_to.extra_n++] = (struct http1_header){
        STR("Cache-Control"),
        a->immutable ? STR("public, max-age=31536000, immutable") : STR("no-cache")};
    if (http1_get(&request_in(c)->headers, STR("if-none-match"), &match) &&
        field_etag_match(match, str_of(a->etag))) {
        answer_to.status = 304;
        answer_to.no_length = true;
        door_http_answer(c, &answer_to);
        return;
    }
    (void)http1_get(&request_in(c)->headers, STR("accept-encoding"), &accept);
    coding = field_accept_encoding(accept, (a->gzip.n > 0 ? 1u << FIELD_GZIP : 0) |
                                               (a->brotli.n > 0 ? 1u << FIELD_BR : 0));
    body = coding == FIELD_BR ? a->brotli : coding == FIELD_GZIP ? a->gzip : a->plain;
    answer_to.type = str_of(a->type);
    answer_to.body = body;
    if (coding != FIELD_IDENTITY)
        extra[answer_to.extra_n++] = (struct http1_header){
            STR("Content-Encoding"), coding == FIELD_BR ? STR("br") : STR("gzip")};
    door_http_answer(c, &answer_to);
}

/* For operators. */

static void health(struct conn *c)
{
    struct server *s = c->worker->server;
    const char *stuck = server_stuck(s, worker_now_ms(c->worker));
    bool degraded = server_is_degraded(s, worker_now_ms(c->worker));
    struct buf body CLEANUP(buf_fini);
    struct json_out o;

    buf_init(&body, 4096);
    json_out_init(&o, &body);
    json_out_object(&o);
    json_out_field_str(&o, "status",
                       str_of(stuck != NULL ? "stuck"
                              : degraded    ? "degraded"
                                            : "ok"));
    if (stuck != NULL)
        json_out_field_str(&o, "stuck", str_of(stuck));
    json_out_field_bool(&o, "degraded", degraded);
    json_out_field_str(&o, "version", str_of(s->o.version));
    json_out_object_end(&o);
    buf_append_byte(&body, '\n');
    answer_text(c, stuck != NULL ? 503 : 200, "application/json", buf_peek(&body));
}

static void ready(struct conn *c)
{
    bool serving = atomic_load(&c->worker->server->phase) == SERVER_SERVING;

    answer_text(c, serving ? 200 : 503, "text/plain", serving ? STR("ready\n") : STR("draining\n"));
}

static void show_metrics(struct conn *c)
{
    struct server *s = c->worker->server;
    const struct metrics *sets[WORKERS_MAX];
    struct store_stats stats;
    struct bus_stats bus;
    struct buf body CLEANUP(buf_fini);

    for (unsigned i = 0; i < s->workers_n; i++)
        sets[i] = s->workers[i].metrics;
    store_stats(s->o.store, &stats);
    bus_stats(s->o.bus, &bus);
    buf_init(&body, 1 << 20);
    metrics_render(&body, sets, s->workers_n, &stats, &bus);
    metrics_render_one(&body, "gauge", METRICS_UNITS, "polylog_degraded",
                       "1 while a shared dependency fails.",
                       server_is_degraded(s, worker_now_ms(c->worker)));
    metrics_render_one(&body, "gauge", METRICS_UNITS, "polylog_draining",
                       "1 while clients are asked to go to other nodes.",
                       atomic_load(&s->phase) >= SERVER_MOVING);
    answer_text(c, 200, "text/plain; version=0.0.4; charset=utf-8", buf_peek(&body));
}

/* RFC 7517 §5: what other services need to verify own tokens. */
static void show_keys(struct conn *c)
{
    struct http1_header extra = {STR("Cache-Control"), STR("public, max-age=300")};
    struct buf body CLEANUP(buf_fini);

    buf_init(&body, JWKS_SIZE_MAX);
    jwks_publish(c->worker->server->keys.keys.all, &body);
    door_http_answer(c, &(struct http_answer){.status = 200,
                                              .type = STR("application/jwk-set+json"),
                                              .body = buf_peek(&body),
                                              .extra = &extra,
                                              .extra_n = 1});
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

void http_routes_authenticate(struct conn *c, struct conn *session)
{
    uint8_t buf[TOKEN_MAX];
    struct str token;

    if (find_token(c, buf, &token) != SOURCE_NONE)
        identify(request_new(session, (struct str){0}, request_answered), token, brought);
}

void http_routes_run(struct conn *c)
{
    struct str path = request_in(c)->path;

    if (eio_http_takes(c, path)) {
        if (is_method(c, "OPTIONS"))
            preflight(c);
        else
            eio_http_run(c);
    } else if (str_starts(path, STR(API_PREFIX))) {
        api(c, str_skip(path, sizeof(API_PREFIX) - 1));
    } else if (str_eq(path, STR("/ws")) || c->worker->server->o.echo) {
        upgrade(c);
    } else if (!is_get(c)) {
        door_http_fail(c, ERROR_method_not_allowed, 0);
    } else if (str_eq(path, STR("/health"))) {
        health(c);
    } else if (str_eq(path, STR("/ready"))) {
        ready(c);
    } else if (str_eq(path, STR("/metrics"))) {
        show_metrics(c);
    } else if (str_eq(path, STR("/.well-known/jwks.json"))) {
        show_keys(c);
    } else {
        asset(c, path);
    }
}
