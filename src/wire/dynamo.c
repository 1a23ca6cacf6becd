#include "wire/dynamo.h"

#include "base/base64.h"
#include "base/str.h"

#include <stdlib.h>
#include <zlib.h>

#define DEPTH_MAX 16
#define CAP_MIN 16

/* A value: {"S": "..."}. What is of another type is skipped: *ret_known is false. */
static bool read_value(struct json *j, struct dynamo_attr *a, bool *ret_known)
{
    enum json_token t;
    unsigned n = 0;

    *ret_known = false;
    while ((t = json_next(j)) != JSON_OBJECT_END) {
        struct str type = j->key;

        if (n++ > 0 || t == JSON_ERROR)
            return false;
        if (t != JSON_STRING || type.n != 1) {
            if (!json_skip(j, t))
                return false;
            continue;
        }
        a->value = j->str;
        *ret_known = true;
        if (type.p[0] == 'S')
            a->type = DYNAMO_S;
        else if (type.p[0] == 'N')
            a->type = DYNAMO_N;
        else if (type.p[0] == 'B')
            a->type = DYNAMO_B;
        else
            *ret_known = false;
        if (type.p[0] == 'B' && !base64_decode(BASE64_STANDARD, a->value,
                                               (uint8_t *)(uintptr_t)a->value.p, &a->value.n))
            return false;
    }
    return n == 1;
}

/* An item, whose '{' was read. */
static bool read_item(struct json *j, struct dynamo_item *item)
{
    enum json_token t;

    item->n = 0;
    while ((t = json_next(j)) != JSON_OBJECT_END) {
        struct dynamo_attr a = {.name = j->key};
        bool known;

        if (t != JSON_OBJECT || !read_value(j, &a, &known))
            return false;
        if (!known)
            continue;
        if (item->n == DYNAMO_ATTRS_MAX)
            return false;
        item->attrs[item->n++] = a;
    }
    return true;
}

static void *grown(void *rows, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return rows;
    *cap = MAX(*cap * 2, (size_t)CAP_MIN);
    rows = reallocarray(rows, *cap, size);
    if (rows == NULL)
        abort(); /* a response is bounded */
    return rows;
}

static bool read_items(struct json *j, struct dynamo_answer *a)
{
    enum json_token t;

    while ((t = json_next(j)) != JSON_ARRAY_END) {
        a->items = grown(a->items, a->items_n, &a->items_cap, sizeof(*a->items));
        if (t != JSON_OBJECT || !read_item(j, &a->items[a->items_n]))
            return false;
        a->items_n++;
    }
    return true;
}

static bool read_reason(struct json *j, struct dynamo_reason *r)
{
    enum json_token t;

    *r = (struct dynamo_reason){0};
    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if (t == JSON_STRING && str_eq(j->key, STR("Code")))
            r->code = j->str;
        else if (t == JSON_OBJECT && str_eq(j->key, STR("Item"))) {
            if (!read_item(j, &r->item))
                return false;
        } else if (!json_skip(j, t)) {
            return false;
        }
    }
    return true;
}

static bool read_reasons(struct json *j, struct dynamo_answer *a)
{
    enum json_token t;

    while ((t = json_next(j)) != JSON_ARRAY_END) {
        if (a->reasons_n == DYNAMO_REASONS_MAX)
            return false;
        a->reasons = grown(a->reasons, a->reasons_n, &a->reasons_cap, sizeof(*a->reasons));
        if (t != JSON_OBJECT || !read_reason(j, &a->reasons[a->reasons_n]))
            return false;
        a->reasons_n++;
    }
    return true;
}

static void table_member(struct dynamo_table *t, unsigned depth, const struct json *j,
                         struct str *name, struct str *role)
{
    if (depth == 1 && str_eq(j->key, STR("TableStatus")))
        t->status = j->str;
    else if (depth == 1 && str_eq(j->key, STR("TimeToLiveStatus")))
        t->ttl = j->str;
    else if (depth == 2 && str_eq(j->key, STR("PointInTimeRecoveryStatus")))
        t->recovery = j->str;
    else if (depth == 3 && str_eq(j->key, STR("AttributeName")))
        *name = j->str;
    else if (depth == 3 && (str_eq(j->key, STR("KeyType")) || str_eq(j->key, STR("AttributeType"))))
        *role = j->str;
}

/* A description, whose '{' was read. The keys of a table are in arrays of it; those of
 * an index are deeper. */
static bool read_table(struct json *j, struct dynamo_table *t)
{
    struct str name = {0}, role = {0};
    unsigned depth = 1;

    while (depth > 0) {
        enum json_token token = json_next(j);

        if (token == JSON_ERROR)
            return false;
        if (token == JSON_OBJECT || token == JSON_ARRAY) {
            depth++;
        } else if (token == JSON_STRING) {
            table_member(t, depth, j, &name, &role);
        } else if (token == JSON_OBJECT_END || token == JSON_ARRAY_END) {
            if (depth == 3 && role.n > 0 && t->roles_n < DYNAMO_ROLES_MAX) {
                t->roles[t->roles_n].name = name;
                t->roles[t->roles_n++].role = role;
            }
            if (depth <= 3)
                name = role = (struct str){0};
            depth--;
        }
    }
    return true;
}

/* "prefix#Name", of which the prefix differs from service to service. */
static struct str after_hash(struct str s)
{
    for (size_t i = s.n; i > 0; i--)
        if (s.p[i - 1] == '#')
            return str_skip(s, i);
    return s;
}

static bool read_member(struct json *j, enum json_token t, struct dynamo_answer *a)
{
    if (t == JSON_ARRAY && str_eq(j->key, STR("Items")))
        return read_items(j, a);
    if (t == JSON_ARRAY && str_eq(j->key, STR("CancellationReasons")))
        return read_reasons(j, a);
    if (t == JSON_OBJECT && (str_eq(j->key, STR("Item")) || str_eq(j->key, STR("Attributes"))))
        return read_item(j, &a->item);
    if (t == JSON_OBJECT && str_eq(j->key, STR("LastEvaluatedKey")))
        return read_item(j, &a->last);
    if (t == JSON_OBJECT &&
        (str_eq(j->key, STR("Table")) || str_eq(j->key, STR("TableDescription")) ||
         str_eq(j->key, STR("TimeToLiveDescription")) ||
         str_eq(j->key, STR("ContinuousBackupsDescription"))))
        return read_table(j, &a->table);
    if (t == JSON_STRING && str_eq(j->key, STR("__type")))
        a->error = after_hash(j->str);
    else if (t == JSON_STRING && str_eq_nocase(j->key, STR("message")))
        a->message = j->str;
    else
        return json_skip(j, t);
    return true;
}

bool dynamo_answer_parse(uint8_t *p, size_t n, struct dynamo_answer *ret_answer)
{
    enum json_token t;
    struct json j;

    *ret_answer = (struct dynamo_answer){0};
    json_init(&j, p, n, DEPTH_MAX);
    if (json_next(&j) != JSON_OBJECT)
        return false;
    while ((t = json_next(&j)) != JSON_OBJECT_END)
        if (!read_member(&j, t, ret_answer))
            return false;
    return json_next(&j) == JSON_END;
}

void dynamo_answer_fini(struct dynamo_answer *a)
{
    free(a->items);
    free(a->reasons);
    *a = (struct dynamo_answer){0};
}

bool dynamo_get(const struct dynamo_item *item, const char *name, enum dynamo_type type,
                struct str *ret_value)
{
    for (unsigned i = 0; i < item->n; i++) {
        if (item->attrs[i].type != type || !str_eq(item->attrs[i].name, str_of(name)))
            continue;
        *ret_value = item->attrs[i].value;
        return true;
    }
    return false;
}

bool dynamo_get_u64(const struct dynamo_item *item, const char *name, uint64_t *ret_v)
{
    struct str s;

    return dynamo_get(item, name, DYNAMO_N, &s) && str_to_u64(s, ret_v);
}

bool dynamo_table_has(const struct dynamo_table *t, const char *name, const char *role)
{
    for (unsigned i = 0; i < t->roles_n; i++)
        if (str_eq(t->roles[i].name, str_of(name)) && str_eq(t->roles[i].role, str_of(role)))
            return true;
    return false;
}

static bool is_one_of(struct str s, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(s, str_of(names[i])))
            return true;
    return false;
}

static bool is_throttle(struct str code)
{
    static const char *const names[] = {
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "ThrottlingException",
        "ThrottlingError",
        "RequestLimitExceeded",
        "LimitExceededException",
    };

    return is_one_of(code, names, COUNTOF(names));
}

static bool is_passing(struct str code)
{
    static const char *const names[] = {
        "TransactionInProgressException",
        "ReplicatedWriteConflictException",
        "TransactionConflictException",
        "TransactionConflict",
        "ItemCollectionSizeLimitExceededException",
        "InternalServerError",
        "InternalServerErrorException",
        "ServiceUnavailable",
    };

    return is_one_of(code, names, COUNTOF(names));
}

/* A transaction is canceled by its worst reason; a condition is one that stays. */
static enum dynamo_verdict judge_reasons(const struct dynamo_answer *a)
{
    enum dynamo_verdict v = DYNAMO_WRONG;

    for (size_t i = 0; i < a->reasons_n; i++) {
        struct str code = a->reasons[i].code;

        if (str_eq(code, STR("ConditionalCheckFailed")))
            return DYNAMO_REFUSED;
        if (is_throttle(code))
            v = DYNAMO_THROTTLED;
        else if (is_passing(code) && v == DYNAMO_WRONG)
            v = DYNAMO_AGAIN;
    }
    return v;
}

enum dynamo_verdict dynamo_judge(unsigned status, const struct dynamo_answer *a)
{
    static const char *const clock[] = {"InvalidSignatureException", "RequestTimeTooSkewed",
                                        "RequestExpired"};
    static const char *const credentials[] = {"UnrecognizedClientException",
                                              "ExpiredTokenException", "ExpiredToken"};

    if (status == 200)
        return DYNAMO_FINE;
    if (is_throttle(a->error))
        return DYNAMO_THROTTLED;
    if (status >= 500 || is_passing(a->error))
        return DYNAMO_AGAIN;
    if (str_eq(a->error, STR("ConditionalCheckFailedException")))
        return DYNAMO_REFUSED;
    if (str_eq(a->error, STR("TransactionCanceledException")))
        return judge_reasons(a);
    if (is_one_of(a->error, clock, COUNTOF(clock)))
        return DYNAMO_CLOCK;
    if (is_one_of(a->error, credentials, COUNTOF(credentials)))
        return DYNAMO_CREDENTIALS;
    return DYNAMO_WRONG;
}

bool dynamo_crc_is(struct str body, struct str header)
{
    uint64_t crc;

    if (header.n == 0)
        return true;
    return str_to_u64(header, &crc) && crc == crc32_z(0, body.p, body.n);
}

void dynamo_put_s(struct json_out *o, const char *name, struct str value)
{
    json_out_key(o, name);
    json_out_object(o);
    json_out_field_str(o, "S", value);
    json_out_object_end(o);
}

void dynamo_put_b(struct json_out *o, const char *name, struct str value)
{
    json_out_key(o, name);
    json_out_object(o);
    json_out_key(o, "B");
    buf_append_byte(o->buf, '"');
    base64_append(o->buf, BASE64_STANDARD, value);
    buf_append_byte(o->buf, '"');
    o->comma = true;
    json_out_object_end(o);
}

void dynamo_put_u64(struct json_out *o, const char *name, uint64_t value)
{
    json_out_key(o, name);
    json_out_object(o);
    json_out_key(o, "N");
    buf_append_byte(o->buf, '"');
    buf_append_u64(o->buf, value);
    buf_append_byte(o->buf, '"');
    o->comma = true;
    json_out_object_end(o);
}

static bool is_plain(uint8_t c)
{
    return c > ' ' && c < 0x7f && c != '#' && c != '%';
}

void dynamo_escape(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];

        if (is_plain(c))
            buf_append_byte(b, c);
        else
            buf_printf(b, "%%%02X", c);
    }
}

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool dynamo_unescape(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];

        if (c == '%') {
            int high = s.n - i > 2 ? hex(s.p[i + 1]) : -1;
            int low = s.n - i > 2 ? hex(s.p[i + 2]) : -1;

            if (high < 0 || low < 0 || is_plain((uint8_t)(high * 16 + low)))
                return false;
            c = (uint8_t)(high * 16 + low);
            i += 2;
        } else if (!is_plain(c)) {
            return false;
        }
        buf_append_byte(b, c);
    }
    return true;
}
