#include "serverless/gateway_event.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/str.h"
#include "chat/model/keys.h"

#define DEPTH_MAX 16

static const struct {
    const char *code, *why;
} texts[GATEWAY_EVENT_RESULTS] = {
    [GATEWAY_EVENT_OK] = {"ok", "The event was taken."},
    [GATEWAY_EVENT_TOO_BIG] = {"too_big", "The event has more than 1 MB, or its body more than "
                                          "128 KB."},
    [GATEWAY_EVENT_NOT_JSON] = {"not_json", "The event is not a JSON object."},
    [GATEWAY_EVENT_TOO_MANY] = {"too_many", "The event has more than 100 headers, parameters or "
                                            "claims, or more than 4096 values."},
    [GATEWAY_EVENT_OTHER_VERSION] = {"other_version",
                                     "The event is of a REST or HTTP API; this function is for a "
                                     "WebSocket API with AWS_PROXY integrations."},
    [GATEWAY_EVENT_NO_CONTEXT] = {"no_context", "The event has no requestContext."},
    [GATEWAY_EVENT_BAD_TYPE] = {"bad_type", "The event's eventType is none of CONNECT, MESSAGE and "
                                            "DISCONNECT."},
    [GATEWAY_EVENT_BAD_CONNECTION] = {"bad_connection", "The event's connectionId is missing or "
                                                        "malformed."},
    [GATEWAY_EVENT_BAD_ADDRESS] = {"bad_address", "The event's domainName or stage is missing or "
                                                  "malformed."},
    [GATEWAY_EVENT_BAD_BODY] = {"bad_body", "The event's body is not the base64 that it says it "
                                            "is."},
    [GATEWAY_EVENT_BAD_DELIVER] = {"bad_deliver", "The event names no room and shard to deliver."},
};

/* What is known while an event is read. */
struct reading {
    struct json j;
    struct gateway_event *e;
    enum gateway_event_result result;
    struct str type;
    bool context, delivers, base64, other;
};

static bool reading_fails(struct reading *r, enum gateway_event_result why)
{
    if (r->result == GATEWAY_EVENT_OK)
        r->result = why;
    return false;
}

static bool reading_broken(struct reading *r)
{
    return reading_fails(r, r->j.error == JSON_TOO_MANY ? GATEWAY_EVENT_TOO_MANY
                                                        : GATEWAY_EVENT_NOT_JSON);
}

static bool skip(struct reading *r, enum json_token t)
{
    return json_skip(&r->j, t) || reading_broken(r);
}

/* Members of an object that was just begun, each given to take with its token. False: broken. */
static bool members(struct reading *r, bool (*take)(struct reading *r, enum json_token t))
{
    enum json_token t;

    while ((t = json_next(&r->j)) != JSON_OBJECT_END)
        if (t == JSON_ERROR || !take(r, t))
            return reading_broken(r);
    return true;
}

static bool token_is_text(enum json_token t)
{
    return t == JSON_STRING || t == JSON_INT || t == JSON_NUMBER || t == JSON_TRUE ||
           t == JSON_FALSE;
}

/* An object of texts. null is as good as none; what is not a text is passed over. */
static bool pairs(struct reading *r, enum json_token t, struct gateway_event_pairs *to)
{
    if (t != JSON_OBJECT)
        return skip(r, t);
    to->n = 0;
    while ((t = json_next(&r->j)) != JSON_OBJECT_END) {
        struct gateway_event_pair pair = {.name = r->j.key, .value = r->j.str};

        if (t == JSON_ERROR)
            return reading_broken(r);
        if (!token_is_text(t)) {
            if (!skip(r, t))
                return false;
            continue;
        }
        if (t == JSON_TRUE || t == JSON_FALSE)
            pair.value = t == JSON_TRUE ? STR("true") : STR("false");
        if (to->n == GATEWAY_EVENT_PAIRS_MAX)
            return reading_fails(r, GATEWAY_EVENT_TOO_MANY);
        to->at[to->n++] = pair;
    }
    return true;
}

static bool identity_member(struct reading *r, enum json_token t)
{
    if (t != JSON_STRING)
        return skip(r, t);
    if (str_eq(r->j.key, STR("sourceIp")))
        r->e->source_ip = r->j.str;
    else if (str_eq(r->j.key, STR("userAgent")))
        r->e->user_agent = r->j.str;
    return true;
}

/* Where a text of the context goes, or NULL. */
static struct str *context_text(struct reading *r)
{
    struct gateway_event *e = r->e;
    const struct {
        struct str key;
        struct str *to;
    } rows[] = {
        {STR("connectionId"), &e->connection},
        {STR("domainName"), &e->domain},
        {STR("stage"), &e->stage},
        {STR("apiId"), &e->api},
        {STR("routeKey"), &e->route},
        {STR("requestId"), &e->request},
        {STR("eventType"), &r->type},
        {STR("disconnectReason"), &e->reason},
    };

    for (size_t i = 0; i < COUNTOF(rows); i++)
        if (str_eq(r->j.key, rows[i].key))
            return rows[i].to;
    return NULL;
}

static bool context_member(struct reading *r, enum json_token t)
{
    struct gateway_event *e = r->e;
    struct str key = r->j.key, *to = context_text(r);

    if (t == JSON_STRING && to != NULL) {
        *to = r->j.str;
    } else if (t == JSON_INT && r->j.i64 >= 0) {
        if (str_eq(key, STR("connectedAt")))
            e->connected_ms = (uint64_t)r->j.i64;
        else if (str_eq(key, STR("requestTimeEpoch")))
            e->time_ms = (uint64_t)r->j.i64;
        else if (str_eq(key, STR("disconnectStatusCode")) && r->j.i64 < 65536)
            e->status = (unsigned)r->j.i64;
    } else if (str_eq(key, STR("authorizer"))) {
        return pairs(r, t, &e->principal);
    } else if (str_eq(key, STR("identity")) && t == JSON_OBJECT) {
        return members(r, identity_member);
    } else {
        r->other = r->other || (str_eq(key, STR("http")) && t == JSON_OBJECT);
        return skip(r, t);
    }
    return true;
}

static bool deliver_member(struct reading *r, enum json_token t)
{
    if (str_eq(r->j.key, STR("room")) && t == JSON_STRING)
        r->e->room = r->j.str;
    else if (str_eq(r->j.key, STR("shard")) && t == JSON_INT && r->j.i64 >= 0 &&
             r->j.i64 <= UINT32_MAX)
        r->e->shard = (uint32_t)r->j.i64;
    else if (str_eq(r->j.key, STR("head")) && t == JSON_INT && r->j.i64 >= 0)
        r->e->head = (uint64_t)r->j.i64;
    else
        return skip(r, t);
    return true;
}

static bool event_member(struct reading *r, enum json_token t)
{
    struct str key = r->j.key;

    if (str_eq(key, STR("requestContext")) && t == JSON_OBJECT) {
        r->context = true;
        return members(r, context_member);
    }
    if (str_eq(key, STR("deliver")) && t == JSON_OBJECT) {
        r->delivers = true;
        return members(r, deliver_member);
    }
    if (str_eq(key, STR("headers")))
        return pairs(r, t, &r->e->headers);
    if (str_eq(key, STR("queryStringParameters")))
        return pairs(r, t, &r->e->query);
    if (str_eq(key, STR("body")) && t == JSON_STRING)
        r->e->body = r->j.str;
    else if (str_eq(key, STR("isBase64Encoded")) && (t == JSON_TRUE || t == JSON_FALSE))
        r->base64 = t == JSON_TRUE;
    else {
        r->other = r->other || str_eq(key, STR("httpMethod")) || str_eq(key, STR("rawPath"));
        return skip(r, t);
    }
    return true;
}

/* All characters are letters, digits, or of `also`. */
static bool is_made_of(struct str s, struct str also)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');

        if (!alnum && memchr(also.p, c, also.n) == NULL)
            return false;
    }
    return true;
}

/* The body is overwritten by what it stands for. */
static bool decode_body(struct gateway_event *e)
{
    uint8_t *p = (uint8_t *)(uintptr_t)e->body.p;
    uint8_t *out = p;
    size_t n;

    if (!base64_decode(BASE64_STANDARD, e->body, out, &n))
        return false;
    e->body.n = n;
    return true;
}

static enum gateway_event_result check_context(struct reading *r)
{
    static const struct str types[] = {[GATEWAY_EVENT_CONNECT] = STR("CONNECT"),
                                       [GATEWAY_EVENT_MESSAGE] = STR("MESSAGE"),
                                       [GATEWAY_EVENT_DISCONNECT] = STR("DISCONNECT")};
    struct gateway_event *e = r->e;
    unsigned kind = 0;

    while (kind < COUNTOF(types) && !str_eq(types[kind], r->type))
        kind++;
    if (kind == COUNTOF(types))
        return r->other || r->type.n == 0 ? GATEWAY_EVENT_OTHER_VERSION : GATEWAY_EVENT_BAD_TYPE;
    e->kind = (enum gateway_event_kind)kind;
    if (e->connection.n == 0 || e->connection.n > KEYS_CONN_MAX ||
        !is_made_of(e->connection, STR("+/=-_")))
        return GATEWAY_EVENT_BAD_CONNECTION;
    if (e->domain.n == 0 || e->domain.n > 253 || !is_made_of(e->domain, STR(".-:")) ||
        e->stage.n == 0 || e->stage.n > 128 || !is_made_of(e->stage, STR("-_$")))
        return GATEWAY_EVENT_BAD_ADDRESS;
    if (r->base64 && !decode_body(e))
        return GATEWAY_EVENT_BAD_BODY;
    return e->body.n > GATEWAY_EVENT_BODY_MAX ? GATEWAY_EVENT_TOO_BIG : GATEWAY_EVENT_OK;
}

enum gateway_event_result gateway_event_read(uint8_t *p, size_t n, struct gateway_event *ret_event)
{
    struct reading r = {.e = ret_event};

    if (n > GATEWAY_EVENT_MAX)
        return GATEWAY_EVENT_TOO_BIG;
    *ret_event = (struct gateway_event){0};
    json_init(&r.j, p, n, DEPTH_MAX);
    json_limit(&r.j, GATEWAY_EVENT_VALUES_MAX);
    if (json_next(&r.j) != JSON_OBJECT)
        return GATEWAY_EVENT_NOT_JSON;
    if (!members(&r, event_member))
        return r.result;
    if (json_next(&r.j) != JSON_END)
        return GATEWAY_EVENT_NOT_JSON;
    if (r.context)
        return check_context(&r);
    if (!r.delivers)
        return r.other ? GATEWAY_EVENT_OTHER_VERSION : GATEWAY_EVENT_NO_CONTEXT;
    ret_event->kind = GATEWAY_EVENT_DELIVER;
    return ret_event->room.n > 0 && ret_event->room.n <= KEYS_ROOM_MAX ? GATEWAY_EVENT_OK
                                                                       : GATEWAY_EVENT_BAD_DELIVER;
}

const char *gateway_event_code(enum gateway_event_result r)
{
    assert(r < GATEWAY_EVENT_RESULTS);
    return texts[r].code;
}

const char *gateway_event_why(enum gateway_event_result r)
{
    assert(r < GATEWAY_EVENT_RESULTS);
    return texts[r].why;
}

struct str gateway_event_find(const struct gateway_event_pairs *all, struct str name)
{
    for (unsigned i = 0; i < all->n; i++)
        if (str_eq_nocase(all->at[i].name, name))
            return all->at[i].value;
    return (struct str){0};
}

void gateway_event_base(const struct gateway_event *e, struct buf *out)
{
    buf_append(out, STR("https://"));
    buf_append(out, e->domain);
    buf_append_byte(out, '/');
    buf_append(out, e->stage);
}

void gateway_event_answer(unsigned status, struct str protocol, struct str body, struct buf *out)
{
    struct json_out o;

    json_out_init(&o, out);
    json_out_object(&o);
    json_out_field_u64(&o, "statusCode", status);
    if (protocol.n > 0) {
        json_out_key(&o, "headers");
        json_out_object(&o);
        json_out_field_str(&o, "Sec-WebSocket-Protocol", protocol);
        json_out_object_end(&o);
    }
    if (body.n > 0)
        json_out_field_str(&o, "body", body);
    json_out_object_end(&o);
}

void gateway_event_deliver(struct str room, uint32_t shard, uint64_t head, struct buf *out)
{
    struct json_out o;

    json_out_init(&o, out);
    json_out_object(&o);
    json_out_key(&o, "deliver");
    json_out_object(&o);
    json_out_field_str(&o, "room", room);
    json_out_field_u64(&o, "shard", shard);
    if (head > 0)
        json_out_field_u64(&o, "head", head);
    json_out_object_end(&o);
    json_out_object_end(&o);
}
