#include "gateway/client.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "base/str.h"
#include "base/utc.h"
#include "gateway/authorizer.h"
#include "gateway/dispatch.h"
#include "gateway/mapping.h"
#include "gateway/selection.h"
#include "io/addr.h"
#include "wire/field.h"
#include "wire/ws.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 64 * 1024, CODE_ABNORMAL = 1006 };

enum client_state { CLIENT_ASKED, CLIENT_OPEN, CLIENT_LEAVING, CLIENT_GONE };

struct client {
    struct gateway *g;
    struct inlet *inlet; /* NULL: gone */
    enum client_state state;
    struct map_node node; /* of g->clients, while is_known */
    struct list open;     /* of g->open */
    bool is_known, is_counted, rests;
    struct occasion_link link;
    char source_ip[IO_ADDR_TEXT_MAX];
    char *user_agent;
    struct buf head, authorizer; /* of the handshake, until it is answered */
    struct http1_request request;
    struct ws_decoder ws;
    struct wheel_timer idle, life;
    uint64_t active_ms; /* by the gateway's clock */
    unsigned flying;    /* events at integrations */
    uint16_t close_code;
    char close_reason[WS_CONTROL_PAYLOAD_MAX + 1];
};

/* An event of a client. */
struct errand {
    struct dispatch d;
    struct client *c;
    bool answers; /* its route has a RouteResponse */
    bool repeat;  /* a fault made it: nothing comes of it */
};

static const struct inlet_ops stream_ops;

static bool has_id(const struct map_node *node, const void *key)
{
    const struct client *c = CONTAINER_OF((struct map_node *)(uintptr_t)node, struct client, node);

    return str_eq(str_of(c->link.id), *(const struct str *)key);
}

static uint64_t hash_id(struct str id)
{
    static const uint8_t key[16]; /* whoever asks for ids has signed with a key that is known */

    return siphash(key, id);
}

/* The end. */

static void client_forget(struct client *c)
{
    if (!c->is_known)
        return;
    c->is_known = false;
    map_remove(&c->g->clients, &c->node);
}

static void client_free(struct client *c)
{
    client_forget(c);
    wheel_cancel(&c->g->wheel, &c->idle);
    wheel_cancel(&c->g->wheel, &c->life);
    list_remove(&c->open);
    ws_decoder_fini(&c->ws);
    buf_fini(&c->head);
    buf_fini(&c->authorizer);
    free(c->user_agent);
    free(c);
}

static void client_settle(struct client *c)
{
    if (c->flying > 0 || c->inlet != NULL || c->state < CLIENT_LEAVING || wheel_armed(&c->life))
        return;
    c->state = CLIENT_GONE;
    client_free(c);
}

static void errand_free(struct errand *e)
{
    struct client *c = e->c;

    dispatch_fini(&e->d);
    free(e);
    c->flying--;
    c->g->flying--;
    if (c->rests && c->flying < c->g->limits.flying_max && c->inlet != NULL) {
        c->rests = false;
        inlet_pause(c->inlet, false);
    }
    client_settle(c);
}

static struct errand *errand_new(struct client *c, const struct api_route *r, struct str body)
{
    struct errand *e = mem_zeroed(1, sizeof(*e));

    dispatch_init(&e->d, c->g, r, body);
    e->c = c;
    e->answers = r->answers;
    e->d.occasion.link = &c->link;
    c->flying++;
    c->g->flying++;
    return e;
}

/* Sets out, with the faults that were asked for. */
static void errand_start(struct errand *e)
{
    const struct gateway_faults *f = &e->c->g->faults;
    struct rng *rng = &e->c->g->rng;
    uint64_t delay_ms = 0;

    if (f->reorder > 0 && rng_chance(rng, f->reorder))
        delay_ms = 1 + rng_below(rng, MAX(f->reorder_ms, 1));
    dispatch_start(&e->d, delay_ms);
}

static void repeat_done(struct dispatch *d)
{
    errand_free(CONTAINER_OF(d, struct errand, d));
}

/* The fault duplicate: the same event a second time, whose answer nobody sees. */
static void errand_repeat(const struct errand *e, const struct api_route *r)
{
    struct gateway *g = e->c->g;
    struct errand *again;

    if (g->faults.duplicate == 0 || !rng_chance(&g->rng, g->faults.duplicate))
        return;
    again = errand_new(e->c, r, e->d.occasion.body);
    again->d.done = repeat_done;
    again->d.occasion.kind = e->d.occasion.kind;
    again->d.occasion.close_code = e->d.occasion.close_code;
    again->d.occasion.close_reason = e->d.occasion.close_reason;
    memcpy(again->d.occasion.request_id, e->d.occasion.request_id, OCCASION_ID_N);
    memcpy(again->d.occasion.message_id, e->d.occasion.message_id, OCCASION_ID_N);
    g->meter.repeated++;
    errand_start(again);
}

static void disconnect_done(struct dispatch *d)
{
    errand_free(CONTAINER_OF(d, struct errand, d));
}

static void start_disconnect(struct client *c)
{
    struct gateway *g = c->g;
    const struct api_route *r = api_route(g->api, STR("$disconnect"));
    struct errand *e;

    if (r == NULL || r->integration == API_NONE)
        return;
    if (g->faults.lose_disconnect > 0 && rng_chance(&g->rng, g->faults.lose_disconnect)) {
        g->meter.lost++;
        return;
    }
    e = errand_new(c, r, (struct str){0});
    e->d.done = disconnect_done;
    e->d.occasion.kind = OCCASION_DISCONNECT;
    e->d.occasion.close_code = c->close_code;
    e->d.occasion.close_reason = str_of(c->close_reason);
    errand_repeat(e, r);
    errand_start(e);
}

/* It was open and is not any more; why was noted. */
static void client_leave(struct client *c)
{
    struct gateway *g = c->g;

    if (c->state != CLIENT_OPEN)
        return;
    c->state = CLIENT_LEAVING;
    list_remove(&c->open);
    g->meter.disconnects++;
    g->open_n--;
    g->opened_sum_ms -= c->link.connected_ms;
    g->meter.connected_ms += gateway_wall_ms(g) - c->link.connected_ms;
    wheel_cancel(&g->wheel, &c->idle);
    wheel_cancel(&g->wheel, &c->life);
    if (g->faults.gone_late_ms > 0)
        gateway_after(g, &c->life, g->faults.gone_late_ms);
    else
        client_forget(c);
    gateway_say(g, "%s left, %u %s", c->link.id, c->close_code, c->close_reason);
    start_disconnect(c);
}

static void note_close(struct client *c, uint16_t code, struct str reason)
{
    size_t n = MIN(reason.n, sizeof(c->close_reason) - 1);

    c->close_code = code;
    if (n > 0)
        memcpy(c->close_reason, reason.p, n);
    c->close_reason[n] = '\0';
}

void client_close(struct client *c, uint16_t code, struct str reason)
{
    uint8_t frame[WS_CONTROL_MAX];

    if (c->state != CLIENT_OPEN)
        return;
    note_close(c, code, reason);
    if (c->inlet != NULL) {
        (void)!inlet_send(c->inlet, (struct str){frame, ws_encode_close(frame, code, reason, NULL)},
                          (struct str){0}, SIZE_MAX);
        inlet_finish(c->inlet);
    }
    client_leave(c);
}

static void stream_closed(struct inlet *l)
{
    struct client *c = l->owner;

    c->inlet = NULL;
    if (c->state == CLIENT_OPEN) {
        note_close(c, CODE_ABNORMAL, (struct str){0});
        client_leave(c);
    }
    client_settle(c);
}

/* The handshake's socket went away before it was answered. */
static void asked_closed(struct inlet *l)
{
    struct client *c = l->owner;

    if (c == NULL)
        return;
    c->inlet = NULL;
    c->link.request = NULL;
    c->state = CLIENT_LEAVING;
    client_settle(c);
}

void client_close_all(struct gateway *g)
{
    while (!list_empty(&g->open))
        client_close(CONTAINER_OF(g->open.next, struct client, open), WS_CLOSE_GOING_AWAY,
                     STR("Going away"));
}

void client_fini(struct gateway *g)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&g->clients, &it); n != NULL; n = map_next(&it)) {
        struct client *c = CONTAINER_OF(n, struct client, node);

        wheel_cancel(&g->wheel, &c->life);
        client_forget(c);
        client_settle(c);
    }
    map_fini(&g->clients);
}

/* Time. */

static void touch(struct client *c)
{
    c->active_ms = gateway_wall_ms(c->g);
    if (c->state == CLIENT_OPEN && c->g->limits.idle_ms > 0)
        gateway_after(c->g, &c->idle, c->g->limits.idle_ms);
}

static void idle_fired(struct wheel_timer *t)
{
    struct client *c = CONTAINER_OF(t, struct client, idle);

    client_close(c, c->g->limits.idle_code, STR("Going away"));
}

static void life_fired(struct wheel_timer *t)
{
    struct client *c = CONTAINER_OF(t, struct client, life);

    if (c->state == CLIENT_OPEN) {
        client_close(c, c->g->limits.life_code, STR("Going away"));
        return;
    }
    client_forget(c); /* gone, as late as the fault wants it */
    client_settle(c);
}

/* Sending. */

static bool send_frame(struct client *c, enum ws_opcode opcode, struct str payload)
{
    uint8_t head[WS_HEADER_MAX];
    size_t n = ws_encode_header(head, opcode, WS_FIN, payload.n, NULL);

    return c->inlet != NULL && c->state == CLIENT_OPEN &&
           inlet_send(c->inlet, (struct str){head, n}, payload, c->g->limits.buffer_max);
}

bool client_send(struct client *c, struct str text)
{
    if (!send_frame(c, WS_OP_TEXT, text))
        return false;
    c->g->meter.messages_out++;
    c->g->meter.bytes_out += text.n;
    meter_message(&c->g->meter, text.n);
    touch(c);
    return true;
}

/* {"message":…,"connectionId":…,"requestId":…} */
static void append_error(const struct client *c, const char *message, const char *request_id,
                         struct buf *out)
{
    struct json_out o;

    json_out_init(&o, out);
    json_out_object(&o);
    json_out_field_str(&o, "message", str_of(message));
    json_out_field_str(&o, "connectionId", str_of(c->link.id));
    json_out_field_str(&o, "requestId", str_of(request_id));
    json_out_object_end(&o);
}

static void send_error(struct client *c, const char *message, const char *request_id)
{
    struct buf text CLEANUP(buf_fini);

    buf_init(&text, TEXT_MAX);
    append_error(c, message, request_id, &text);
    (void)!client_send(c, buf_peek(&text));
}

/* Messages. */

static void message_done(struct dispatch *d)
{
    struct errand *e = CONTAINER_OF(d, struct errand, d);

    switch (d->result) {
    case DISPATCH_FAILED:
        send_error(e->c, "Internal server error", d->occasion.request_id);
        break;
    case DISPATCH_TIMEOUT:
        send_error(e->c, "Endpoint request timed out", d->occasion.request_id);
        break;
    case DISPATCH_OK:
        if (e->answers && buf_len(&d->answer) > 0)
            (void)!client_send(e->c, buf_peek(&d->answer));
        break;
    }
    errand_free(e);
}

/* The message's route, if it has one; false if that is throttled. */
static bool select_route(struct gateway *g, struct str body, const struct api_route **ret_route)
{
    *ret_route = selection_route(g->api, body);
    return *ret_route == NULL || gateway_take_route(g, *ret_route);
}

static void client_take_message(struct client *c, struct str body)
{
    struct gateway *g = c->g;
    const struct api_route *r = NULL;
    char request_id[OCCASION_ID_N];
    struct errand *e;

    g->meter.messages_in++;
    g->meter.bytes_in += body.n;
    touch(c);
    gateway_make_id(g, request_id);
    if (!gateway_take(g, &g->calls) || !select_route(g, body, &r)) {
        g->meter.throttled++;
        send_error(c, "Too Many Requests", request_id);
        return;
    }
    meter_message(&g->meter, body.n);
    if (r == NULL || r->integration == API_NONE) {
        send_error(c, "Forbidden", request_id);
        return;
    }
    e = errand_new(c, r, body);
    e->d.done = message_done;
    e->d.occasion.kind = OCCASION_MESSAGE;
    errand_repeat(e, r);
    errand_start(e);
    if (c->flying >= g->limits.flying_max && !c->rests) {
        c->rests = true;
        inlet_pause(c->inlet, true);
    }
}

static void take_close(struct client *c, const struct ws_message *m)
{
    uint8_t frame[WS_CONTROL_MAX];
    uint16_t code = m->close_code == WS_CLOSE_NO_STATUS ? 0 : m->close_code;

    note_close(c, m->close_code, m->payload);
    (void)!inlet_send(c->inlet,
                      (struct str){frame, ws_encode_close(frame, code, (struct str){0}, NULL)},
                      (struct str){0}, SIZE_MAX);
    inlet_finish(c->inlet);
    client_leave(c);
}

static void take_event(struct client *c, enum ws_event event, const struct ws_message *m)
{
    switch (event) {
    case WS_MESSAGE:
        if (m->opcode == WS_OP_BINARY)
            client_close(c, WS_CLOSE_UNSUPPORTED, STR("Binary frames are not supported"));
        else
            client_take_message(c, m->payload);
        break;
    case WS_PING:
        (void)!send_frame(c, WS_OP_PONG, m->payload);
        if (c->g->limits.ping_counts)
            touch(c);
        break;
    case WS_CLOSED:
        take_close(c, m);
        break;
    case WS_BAD:
        client_close(c, m->close_code, m->payload);
        break;
    case WS_MORE:
    case WS_PONG:
        break;
    }
}

static void stream_received(struct inlet *l, uint8_t *p, size_t n)
{
    struct client *c = l->owner;
    struct ws_rules rules = {.message_max = c->g->limits.message_max,
                             .frame_max = c->g->limits.frame_max};
    enum ws_event event;
    struct ws_message m;
    size_t used;

    do {
        event = ws_decode(&c->ws, &rules, p, n, &used, &m);
        p += used;
        n -= used;
        if (c->state == CLIENT_OPEN)
            take_event(c, event, &m);
    } while (event != WS_MORE);
}

static const struct inlet_ops stream_ops = {.received = stream_received, .closed = stream_closed};

/* The handshake. */

static void client_refuse(struct client *c, int status, const char *message, const char *request_id)
{
    struct buf text CLEANUP(buf_fini);
    struct inlet *l = c->inlet;
    struct http1_header extra = {STR("x-amzn-RequestId"), str_of(request_id)};

    c->g->meter.refused++;
    c->state = CLIENT_LEAVING;
    c->inlet = NULL;
    c->link.request = NULL;
    gateway_say(c->g, "%s refused, %d %s", c->link.id, status, message);
    if (l != NULL) {
        buf_init(&text, TEXT_MAX);
        append_error(c, message, request_id, &text);
        l->owner = NULL;
        l->close = true;
        inlet_answer(l,
                     &(struct http1_reply){.status = status,
                                           .content_type = STR("application/json"),
                                           .extra = &extra,
                                           .extra_n = 1},
                     buf_peek(&text));
    }
}

/* RFC 6455 4.2.2. */
static void client_accept(struct client *c, struct str protocol)
{
    char accept[WS_ACCEPT_LEN];
    struct str key = {0};
    struct http1_header extra[4] = {
        {STR("Upgrade"), STR("websocket")},
        {STR("Connection"), STR("Upgrade")},
        {STR("Sec-WebSocket-Accept"), {(const uint8_t *)accept, WS_ACCEPT_LEN}},
        {STR("Sec-WebSocket-Protocol"), protocol},
    };
    struct gateway *g = c->g;
    int status = ws_handshake(&c->request, &key);

    assert(status == 0); /* it was looked at when it came */
    ws_accept(key, accept);
    c->state = CLIENT_OPEN;
    c->is_known = true;
    map_add(&g->clients, &c->node, hash_id(str_of(c->link.id)));
    list_push(&g->open, &c->open);
    g->meter.connections++;
    g->open_n++;
    g->opened_sum_ms += c->link.connected_ms;
    touch(c);
    if (g->limits.life_ms > 0)
        gateway_after(g, &c->life, g->limits.life_ms);
    gateway_say(g, "%s connected from %s", c->link.id, c->source_ip);
    c->link.request = NULL;
    inlet_upgrade(c->inlet, extra, protocol.n > 0 ? 4 : 3, &stream_ops, c);
    buf_fini(&c->head);
}

static const char *reason_of(unsigned status)
{
    if (status == 401)
        return "Unauthorized";
    return status >= 500 ? "Internal server error" : http1_reason((int)status);
}

static void connect_done(struct dispatch *d)
{
    struct errand *e = CONTAINER_OF(d, struct errand, d);
    struct client *c = e->c;
    const struct gateway_limits *limits = &c->g->limits;
    const char *id = d->occasion.request_id;

    if (c->inlet == NULL)
        c->g->meter.refused++; /* nobody waits any more */
    else if (d->result == DISPATCH_TIMEOUT)
        client_refuse(c, (int)limits->connect_late, "Endpoint request timed out", id);
    else if (d->result == DISPATCH_FAILED || d->status < 100)
        client_refuse(c, (int)limits->connect_failed, "Internal server error", id);
    else if (d->status < 200 || d->status > 299)
        client_refuse(c, (int)d->status, reason_of(d->status), id);
    else
        client_accept(c, buf_peek(&d->protocol));
    errand_free(e);
}

/* A connect, as those see it who are asked before the integration. */
static struct occasion occasion_of(struct client *c)
{
    struct occasion o = {.kind = OCCASION_CONNECT,
                         .api = &c->g->about,
                         .link = &c->link,
                         .route_key = "$connect",
                         .now_ms = gateway_wall_ms(c->g)};

    gateway_make_id(c->g, o.request_id);
    return o;
}

/* "token" of "route.request.querystring.token". */
static struct str name_of_parameter(struct str parameter)
{
    for (int dots = 0; dots < 3; dots++)
        (void)str_cut(&parameter, '.');
    return parameter;
}

/* The name of the first parameter that the route requires and that did not come; else empty. */
static struct str missing_parameter(const struct occasion *o, const struct api *a,
                                    const struct api_route *r)
{
    struct buf value CLEANUP(buf_fini);

    buf_init(&value, TEXT_MAX);
    for (size_t i = 0; i < r->required.n; i++) {
        struct str parameter = str_of(r->required.at[i].name);

        if (strcmp(r->required.at[i].value, "true") == 0 &&
            !mapping_source(o, a, parameter, &value))
            return name_of_parameter(parameter);
    }
    return (struct str){0};
}

/* False: it has been refused. */
static bool is_complete(struct client *c, const struct api_route *r)
{
    struct occasion o = occasion_of(c);
    struct str missing = missing_parameter(&o, c->g->api, r);
    char message[256];

    if (missing.n == 0)
        return true;
    (void)snprintf(message, sizeof(message), "Missing required request parameters: [%.*s]",
                   STR_ARGS(missing));
    client_refuse(c, (int)c->g->limits.connect_incomplete, message, o.request_id);
    return false;
}

/* Whoever decides has decided, or nobody had to. */
static void start_connect(struct client *c)
{
    const struct api_route *r = api_route(c->g->api, STR("$connect"));
    struct errand *e;

    if (r != NULL && !is_complete(c, r))
        return;
    if (r == NULL || r->integration == API_NONE) {
        client_accept(c, (struct str){0});
        return;
    }
    e = errand_new(c, r, (struct str){0});
    e->d.done = connect_done;
    e->d.occasion.kind = OCCASION_CONNECT;
    errand_repeat(e, r);
    errand_start(e);
}

static void authorized(void *ctx, enum authorizer_verdict verdict, struct str members)
{
    struct client *c = ctx;
    char id[OCCASION_ID_N];

    gateway_make_id(c->g, id);
    if (c->inlet == NULL) {
        c->g->meter.refused++; /* nobody waits any more */
    } else if (verdict == AUTHORIZER_ALLOWS) {
        buf_append(&c->authorizer, members);
        c->link.authorizer = buf_peek(&c->authorizer);
        start_connect(c);
    } else if (verdict == AUTHORIZER_UNKNOWN) {
        client_refuse(c, 401, "Unauthorized", id);
    } else if (verdict == AUTHORIZER_DENIES) {
        client_refuse(c, 403, "Forbidden", id);
    } else {
        client_refuse(c, 500, "Internal server error", id);
    }
    c->flying--;
    c->g->flying--;
    client_settle(c);
}

/* Asks the authorizer, if there is one, then $connect. */
static void ask_authorizer(struct client *c, const struct api_route *r)
{
    struct occasion o = occasion_of(c);

    if (r == NULL || authorizer_ask(c->g, r, &o, authorized, c) == NULL) {
        start_connect(c);
        return;
    }
    c->flying++;
    c->g->flying++;
}

static bool key_is_good(const struct gateway *g, const struct http1_request *r)
{
    struct str key;

    if (!http1_get(&r->headers, STR("x-api-key"), &key))
        return false;
    for (size_t i = 0; i < g->api->keys_n; i++)
        if (str_eq(key, str_of(g->api->keys[i])))
            return true;
    return false;
}

static struct client *client_new(struct gateway *g, struct inlet *l, const struct http1_request *r)
{
    struct client *c = mem_zeroed(1, sizeof(*c));
    struct io_addr peer;
    struct str agent;

    c->g = g;
    c->inlet = l;
    c->idle.fire = idle_fired;
    c->life.fire = life_fired;
    list_init(&c->open);
    ws_decoder_init(&c->ws, WS_SERVER, false);
    buf_init(&c->head, TEXT_MAX);
    buf_init(&c->authorizer, TEXT_MAX);
    io_peer(l->io, l->recv.fd, &peer);
    (void)addr_format_ip(&peer, c->source_ip);
    gateway_make_id(g, c->link.id);
    c->link.connected_ms = gateway_wall_ms(g);
    c->link.source_ip = c->source_ip;
    if (http1_get(&r->headers, STR("User-Agent"), &agent))
        c->link.user_agent = c->user_agent = str_dup(agent);
    c->request = *r; /* its inlet keeps the head until it is answered */
    c->link.request = &c->request;
    return c;
}

void client_ask(struct gateway *g, struct inlet *l, const struct http1_request *r)
{
    static const struct inlet_ops asked_ops = {.closed = asked_closed};
    const struct api_route *route = api_route(g->api, STR("$connect"));
    struct client *c = client_new(g, l, r);
    char request_id[OCCASION_ID_N];

    gateway_make_id(g, request_id);
    l->ops = &asked_ops;
    l->owner = c;
    c->flying++; /* until this is over */
    g->flying++;
    if (!gateway_take(g, &g->connects) || (route != NULL && !gateway_take_route(g, route))) {
        g->meter.throttled++;
        client_refuse(c, 429, "Too Many Requests", request_id);
    } else if (route != NULL && route->api_key_required && !key_is_good(g, r)) {
        client_refuse(c, 403, "Forbidden", request_id);
    } else {
        ask_authorizer(c, route);
    }
    c->flying--;
    c->g->flying--;
    client_settle(c);
}

/* Of @connections. */

enum client_found client_find(struct gateway *g, struct str id, struct client **ret_client)
{
    struct map_node *n = map_find(&g->clients, hash_id(id), has_id, &id);

    if (n == NULL)
        return CLIENT_NONE;
    *ret_client = CONTAINER_OF(n, struct client, node);
    return (*ret_client)->state == CLIENT_OPEN ? CLIENT_FOUND : CLIENT_LATE;
}

/* "2026-11-29T10:15:00Z" */
static void write_time(struct json_out *o, const char *key, uint64_t unix_ms)
{
    struct utc u = utc_of((int64_t)(unix_ms / 1000));
    char text[40];
    int n = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)u.year,
                     (int)u.month, (int)u.day, (int)u.hour, (int)u.minute, (int)u.second);

    json_out_field_str(o, key, (struct str){(const uint8_t *)text, (size_t)n});
}

void client_describe(const struct client *c, struct buf *out)
{
    struct json_out o;

    json_out_init(&o, out);
    json_out_object(&o);
    write_time(&o, "connectedAt", c->link.connected_ms);
    json_out_key(&o, "identity");
    json_out_object(&o);
    json_out_field_str(&o, "sourceIp", str_of(c->source_ip));
    json_out_field_str(&o, "userAgent", str_of(c->user_agent != NULL ? c->user_agent : ""));
    json_out_object_end(&o);
    write_time(&o, "lastActiveAt", c->active_ms);
    json_out_object_end(&o);
}
