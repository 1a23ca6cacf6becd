#include "gateway/event.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/url.h"

#include <stdlib.h>

enum { TEXT_MAX = 8 * 1024 * 1024, DEPTH_MAX = 16, PARAM_MAX = 8192 };

/* The context. */

static void write_text_as(struct json_out *o, const char *key, const char *z)
{
    if (z != NULL)
        json_out_field_str(o, key, str_of(z));
}

static void write_identity(const struct occasion *oc, struct json_out *o)
{
    json_out_key(o, "identity");
    json_out_object(o);
    write_text_as(o, "userAgent", oc->link->user_agent);
    write_text_as(o, "sourceIp", oc->link->source_ip);
    json_out_object_end(o);
}

static void write_authorizer(const struct occasion *oc, struct json_out *o)
{
    if (oc->link->authorizer.n == 0)
        return;
    json_out_key(o, "authorizer");
    json_out_object(o);
    json_out_raw(o, oc->link->authorizer);
    json_out_object_end(o);
}

static void write_context(const struct occasion *oc, struct json_out *o)
{
    struct buf time CLEANUP(buf_fini);

    buf_init(&time, 64);
    occasion_time(oc->now_ms, &time);
    json_out_key(o, "requestContext");
    json_out_object(o);
    write_text_as(o, "routeKey", oc->route_key);
    if (oc->kind == OCCASION_MESSAGE)
        write_text_as(o, "messageId", oc->message_id);
    if (oc->kind == OCCASION_DISCONNECT) {
        json_out_field_u64(o, "disconnectStatusCode", oc->close_code);
        json_out_field_str(o, "disconnectReason", oc->close_reason);
    }
    write_authorizer(oc, o);
    write_text_as(o, "eventType", occasion_name(oc->kind));
    write_text_as(o, "extendedRequestId", oc->request_id);
    json_out_field_str(o, "requestTime", buf_peek(&time));
    write_text_as(o, "messageDirection", "IN");
    write_text_as(o, "stage", oc->api->stage);
    json_out_field_u64(o, "connectedAt", oc->link->connected_ms);
    json_out_field_u64(o, "requestTimeEpoch", oc->now_ms);
    write_identity(oc, o);
    write_text_as(o, "requestId", oc->request_id);
    write_text_as(o, "domainName", oc->api->domain);
    write_text_as(o, "connectionId", oc->link->id);
    write_text_as(o, "apiId", oc->api->id);
    json_out_object_end(o);
}

static void write_variables(const struct api *a, struct json_out *o, bool always)
{
    if (a->stage.variables.n == 0 && !always)
        return;
    json_out_key(o, "stageVariables");
    json_out_object(o);
    for (size_t i = 0; i < a->stage.variables.n; i++) {
        json_out_key_str(o, str_of(a->stage.variables.at[i].name));
        json_out_str(o, str_of(a->stage.variables.at[i].value));
    }
    json_out_object_end(o);
}

/* Headers and query of the handshake. */

static bool seen_before(const struct http1_headers *h, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (str_eq_nocase(h->at[i].name, h->at[at].name))
            return true;
    return false;
}

/* Those that do not travel any further. */
static bool is_hop(struct str name)
{
    return str_eq_nocase(name, STR("Connection")) || str_eq_nocase(name, STR("Upgrade"));
}

/* With several values the last one counts, but for the multi-value form. */
static void write_headers(const struct http1_headers *h, struct json_out *o, bool multi)
{
    json_out_key(o, multi ? "multiValueHeaders" : "headers");
    json_out_object(o);
    for (size_t i = 0; i < h->n; i++) {
        struct str last = h->at[i].value;

        if (seen_before(h, i) || is_hop(h->at[i].name))
            continue;
        json_out_key_str(o, h->at[i].name);
        if (multi)
            json_out_array(o);
        for (size_t k = i; k < h->n; k++) {
            if (!str_eq_nocase(h->at[k].name, h->at[i].name))
                continue;
            last = h->at[k].value;
            if (multi)
                json_out_str(o, last);
        }
        if (multi)
            json_out_array_end(o);
        else
            json_out_str(o, last);
    }
    json_out_object_end(o);
}

/* A name or a value of the query, decoded; text that cannot be stays as it is. */
static void decode(struct str s, struct buf *out)
{
    uint8_t *text = mem_bytes(s.n + 1);
    size_t n = 0;

    buf_clear(out);
    if (url_decode(s, URL_PLUS_IS_SPACE, text, &n))
        buf_append(out, (struct str){text, n});
    else
        buf_append(out, s);
    free(text);
}

static bool name_came(struct str query, struct str until, struct str name)
{
    struct str n, v;

    while (url_query_next(&query, &n, &v) && n.p != until.p)
        if (str_eq(n, name))
            return true;
    return false;
}

static void write_query(struct str query, struct json_out *o, bool multi)
{
    struct str all = query, name, value, n, v;
    struct buf text CLEANUP(buf_fini);

    buf_init(&text, PARAM_MAX);
    json_out_key(o, multi ? "multiValueQueryStringParameters" : "queryStringParameters");
    json_out_object(o);
    while (url_query_next(&query, &name, &value)) {
        struct str rest = all, last = value;

        if (name_came(all, name, name))
            continue;
        decode(name, &text);
        json_out_key_str(o, buf_peek(&text));
        if (multi)
            json_out_array(o);
        while (url_query_next(&rest, &n, &v)) {
            if (!str_eq(n, name))
                continue;
            last = v;
            decode(v, &text);
            if (multi)
                json_out_str(o, buf_peek(&text));
        }
        decode(last, &text);
        if (multi)
            json_out_array_end(o);
        else
            json_out_str(o, buf_peek(&text));
    }
    json_out_object_end(o);
}

static void write_handshake(const struct occasion *oc, struct json_out *o)
{
    const struct http1_request *r = oc->link->request;

    write_headers(&r->headers, o, false);
    write_headers(&r->headers, o, true);
    if (r->query.n > 0) {
        write_query(r->query, o, false);
        write_query(r->query, o, true);
    }
}

/* What a disconnect has in the place of headers. */
static void write_no_headers(const struct occasion *oc, struct json_out *o)
{
    struct http1_headers h = {.n = 4,
                              .at = {{STR("Host"), str_of(oc->api->domain)},
                                     {STR("x-api-key"), {0}},
                                     {STR("X-Forwarded-For"), {0}},
                                     {STR("x-restapi"), {0}}}};

    write_headers(&h, o, false);
    write_headers(&h, o, true);
}

void event_write(const struct occasion *oc, const struct api *a, struct buf *out)
{
    struct json_out o;

    json_out_init(&o, out);
    json_out_object(&o);
    if (oc->kind == OCCASION_CONNECT && oc->link->request != NULL)
        write_handshake(oc, &o);
    else if (oc->kind == OCCASION_DISCONNECT)
        write_no_headers(oc, &o);
    write_variables(a, &o, false);
    write_context(oc, &o);
    if (oc->kind == OCCASION_MESSAGE)
        json_out_field_str(&o, "body", oc->body);
    json_out_field_bool(&o, "isBase64Encoded", false);
    json_out_object_end(&o);
}

void event_method_arn(const struct occasion *o, struct buf *out)
{
    buf_printf(out, "arn:aws:execute-api:%s:%s:%s/%s/$connect", o->api->region, o->api->account,
               o->api->id, o->api->stage);
}

void event_write_authorizer(const struct occasion *oc, const struct api *a, struct buf *out)
{
    struct buf arn CLEANUP(buf_fini);
    struct json_out o;

    buf_init(&arn, PARAM_MAX);
    event_method_arn(oc, &arn);
    json_out_init(&o, out);
    json_out_object(&o);
    json_out_field_str(&o, "type", STR("REQUEST"));
    json_out_field_str(&o, "methodArn", buf_peek(&arn));
    write_handshake(oc, &o);
    if (oc->link->request->query.n == 0) {
        write_query((struct str){0}, &o, false);
        write_query((struct str){0}, &o, true);
    }
    write_variables(a, &o, true);
    write_context(oc, &o);
    json_out_object_end(&o);
}

/* Answers. */

/* The header that a subprotocol comes back in; t began the object, or array, of headers. */
static bool read_protocol(struct json *j, enum json_token t, struct buf *out)
{
    if (t != JSON_OBJECT)
        return json_skip(j, t);
    while ((t = json_next(j)) != JSON_OBJECT_END) {
        bool is = str_eq_nocase(j->key, STR("Sec-WebSocket-Protocol"));

        if (is && t == JSON_ARRAY)
            t = json_next(j);
        if (is && t == JSON_STRING) {
            buf_clear(out);
            buf_append(out, j->str);
        } else if (!json_skip(j, t)) {
            return false;
        }
    }
    return true;
}

static bool read_member(struct json *j, enum json_token t, struct event_answer *ret, bool *base64)
{
    uint64_t status;

    if (str_eq(j->key, STR("statusCode"))) {
        if ((t == JSON_STRING || t == JSON_INT) && str_to_u64(j->str, &status) && status < 1000)
            ret->status = (unsigned)status;
        return json_skip(j, t);
    }
    if (str_eq(j->key, STR("isBase64Encoded")))
        *base64 = t == JSON_TRUE;
    if (str_eq(j->key, STR("body")) && t == JSON_STRING) {
        buf_clear(ret->body);
        buf_append(ret->body, j->str);
        return true;
    }
    if (str_eq(j->key, STR("headers")) || str_eq(j->key, STR("multiValueHeaders")))
        return read_protocol(j, t, ret->protocol);
    return json_skip(j, t);
}

/* Of a body in base64, the bytes that it stands for; what is no base64 stays. */
static void decode_body(struct buf *body)
{
    size_t n;

    if (!base64_decode(BASE64_STANDARD, buf_peek(body), body->bytes, &n))
        return;
    body->rpos = 0;
    body->wpos = n;
}

static bool read_object(struct str json, struct event_answer *ret, bool *base64)
{
    struct buf copy CLEANUP(buf_fini);
    enum json_token t;
    struct json j;

    buf_init(&copy, TEXT_MAX);
    buf_append(&copy, json);
    if (copy.failed || json.n == 0)
        return false;
    json_init(&j, copy.bytes, buf_len(&copy), DEPTH_MAX);
    if (json_next(&j) != JSON_OBJECT)
        return false;
    while ((t = json_next(&j)) != JSON_OBJECT_END)
        if (!read_member(&j, t, ret, base64))
            return false;
    return json_next(&j) == JSON_END;
}

bool event_read_answer(struct str json, struct event_answer *ret)
{
    bool base64 = false;

    ret->status = 0;
    if (!read_object(json, ret, &base64)) {
        ret->status = 0;
        buf_clear(ret->body);
        buf_clear(ret->protocol);
        return false;
    }
    if (base64)
        decode_body(ret->body);
    return true;
}

/* "*" is any run of characters, "?" any one. */
static bool wildcard(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == text.p[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

/* A text or a list of them: does one fit? */
static bool read_match(struct json *j, enum json_token t, struct str text, bool *ret)
{
    *ret = false;
    if (t == JSON_STRING) {
        *ret = wildcard(j->str, text);
        return true;
    }
    if (t != JSON_ARRAY)
        return json_skip(j, t);
    while ((t = json_next(j)) != JSON_ARRAY_END) {
        if (t == JSON_STRING && wildcard(j->str, text))
            *ret = true;
        if (!json_skip(j, t))
            return false;
    }
    return true;
}

/* One statement of a policy. */
static bool read_statement(struct json *j, enum json_token t, struct str arn, bool *allow,
                           bool *deny)
{
    bool action = false, resource = false, allows = false, denies = false;

    if (t != JSON_OBJECT)
        return json_skip(j, t);
    while ((t = json_next(j)) != JSON_OBJECT_END) {
        bool ok = true;

        if (str_eq(j->key, STR("Effect")) && t == JSON_STRING) {
            allows = str_eq_nocase(j->str, STR("Allow"));
            denies = str_eq_nocase(j->str, STR("Deny"));
        } else if (str_eq(j->key, STR("Action"))) {
            ok = read_match(j, t, STR("execute-api:Invoke"), &action);
        } else if (str_eq(j->key, STR("Resource"))) {
            ok = read_match(j, t, arn, &resource);
        } else {
            ok = json_skip(j, t);
        }
        if (!ok)
            return false;
    }
    *allow |= action && resource && allows;
    *deny |= action && resource && denies;
    return true;
}

static bool read_policy(struct json *j, enum json_token t, struct str arn, bool *allow, bool *deny)
{
    if (t != JSON_OBJECT)
        return json_skip(j, t);
    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if (!str_eq(j->key, STR("Statement")) || t != JSON_ARRAY) {
            if (!(str_eq(j->key, STR("Statement")) ? read_statement(j, t, arn, allow, deny)
                                                   : json_skip(j, t)))
                return false;
            continue;
        }
        while ((t = json_next(j)) != JSON_ARRAY_END)
            if (!read_statement(j, t, arn, allow, deny))
                return false;
    }
    return true;
}

/* Members that are text, numbers or truth values; others make the answer unusable. */
static bool read_members(struct json *j, enum json_token t, struct json_out *o)
{
    if (t != JSON_OBJECT)
        return t == JSON_NULL;
    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if (t == JSON_OBJECT || t == JSON_ARRAY || t == JSON_ERROR)
            return false;
        json_out_key_str(o, j->key);
        if (t == JSON_STRING)
            json_out_str(o, j->str);
        else if (t == JSON_INT || t == JSON_NUMBER)
            json_out_raw(o, j->str);
        else if (t == JSON_NULL)
            json_out_null(o);
        else
            json_out_bool(o, t == JSON_TRUE);
    }
    return true;
}

enum event_verdict event_read_verdict(struct str json, struct str arn, struct buf *members)
{
    struct buf copy CLEANUP(buf_fini);
    bool allow = false, deny = false, principal = false;
    enum json_token t;
    struct json_out o;
    struct json j;

    buf_init(&copy, TEXT_MAX);
    buf_append(&copy, json);
    json_init(&j, copy.bytes, buf_len(&copy), DEPTH_MAX);
    json_out_init(&o, members);
    if (copy.failed || json.n == 0 || json_next(&j) != JSON_OBJECT)
        return EVENT_BROKEN;
    while ((t = json_next(&j)) != JSON_OBJECT_END) {
        bool ok = true;

        if (str_eq(j.key, STR("principalId")) && t == JSON_STRING) {
            json_out_field_str(&o, "principalId", j.str);
            principal = true;
        } else if (str_eq(j.key, STR("policyDocument"))) {
            ok = read_policy(&j, t, arn, &allow, &deny);
        } else if (str_eq(j.key, STR("context"))) {
            ok = read_members(&j, t, &o);
        } else {
            ok = json_skip(&j, t);
        }
        if (!ok)
            return EVENT_BROKEN;
    }
    if (!principal || json_next(&j) != JSON_END)
        return EVENT_BROKEN;
    return allow && !deny ? EVENT_ALLOW : EVENT_DENY;
}
