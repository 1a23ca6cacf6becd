#include "lib/dynamo_expr.h"

#include "base/base64.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

#define NUMBER_MAX 38

static const char *const reserved[] = {
    "BYTES", "COUNT",  "COUNTER", "DATA",     "DATE",  "FIRST",  "HASH",   "ITEM",
    "ITEMS", "KEY",    "KEYS",    "LAST",     "LEVEL", "NAME",   "NUMBER", "OWNER",
    "RANGE", "RECORD", "ROLE",    "SEQUENCE", "SIZE",  "STATE",  "STATUS", "TIME",
    "TOKEN", "TTL",    "TYPE",    "USER",     "VALUE", "VALUES", "YEAR",   "ZONE",
};

static uint8_t *copy(const uint8_t *p, size_t n)
{
    uint8_t *to = malloc(n + 1);

    if (to == NULL)
        abort();
    if (n > 0)
        memcpy(to, p, n);
    return to;
}

static const char *read_value(struct dynamo_value *v, const struct dynamo_node *n)
{
    const struct dynamo_node *one = n->first;
    struct str key;

    if (n->kind != JSON_OBJECT || one == NULL || one->next != NULL || one->kind != JSON_STRING ||
        one->key.n != 1)
        return "a value is not of one type";
    if (n->key.n == 0 || n->key.n >= sizeof(v->name))
        return "a name is too long for the model";
    key = n->key;
    *v = (struct dynamo_value){.type = (char)one->key.p[0]};
    memcpy(v->name, key.p, key.n);
    v->p = copy(one->text.p, one->text.n);
    v->n = one->text.n;
    if (v->type == 'B' && !base64_decode(BASE64_STANDARD, one->text, v->p, &v->n))
        return "binary data is not base64";
    if (v->type == 'N' && (v->n == 0 || v->n > NUMBER_MAX))
        return "a number is none";
    for (size_t i = 0; v->type == 'N' && i < v->n; i++)
        if (v->p[i] < '0' || v->p[i] > '9' || (i == 0 && v->n > 1 && v->p[0] == '0'))
            return "a number is none";
    return v->type == 'B' || v->type == 'N' || v->type == 'S' ? NULL : "a type is not known";
}

const char *dynamo_values_read(struct dynamo_values *to, const struct dynamo_node *from)
{
    const char *why = NULL;

    *to = (struct dynamo_values){0};
    if (from == NULL)
        return NULL;
    if (from->kind != JSON_OBJECT)
        return "attributes are not an object";
    for (const struct dynamo_node *n = from->first; n != NULL && why == NULL; n = n->next) {
        if (to->n == DYNAMO_VALUES_MAX)
            return "more attributes than the model keeps";
        if (dynamo_values_get(to, n->key) != NULL)
            return "an attribute occurs twice";
        why = read_value(&to->v[to->n], n);
        to->n++;
    }
    return why;
}

void dynamo_values_copy(struct dynamo_values *to, const struct dynamo_values *from)
{
    *to = *from;
    for (unsigned i = 0; i < to->n; i++)
        to->v[i].p = copy(from->v[i].p, from->v[i].n);
}

void dynamo_values_fini(struct dynamo_values *v)
{
    for (unsigned i = 0; i < v->n; i++)
        free(v->v[i].p);
    v->n = 0;
}

struct dynamo_value *dynamo_values_get(const struct dynamo_values *v, struct str name)
{
    for (unsigned i = 0; i < v->n; i++)
        if (str_eq(str_of(v->v[i].name), name))
            return (struct dynamo_value *)(uintptr_t)&v->v[i];
    return NULL;
}

void dynamo_values_set(struct dynamo_values *v, struct str name, const struct dynamo_value *value)
{
    struct dynamo_value *to = dynamo_values_get(v, name);
    uint8_t *p = copy(value->p, value->n);

    if (to == NULL) {
        assert(v->n < DYNAMO_VALUES_MAX && name.n < sizeof(to->name));
        to = &v->v[v->n++];
        *to = (struct dynamo_value){0};
        memcpy(to->name, name.p, name.n);
    }
    free(to->p);
    to->p = p;
    to->n = value->n;
    to->type = value->type;
}

size_t dynamo_values_bytes(const struct dynamo_values *v)
{
    size_t n = 0;

    for (unsigned i = 0; i < v->n; i++)
        n += strlen(v->v[i].name) + (v->v[i].type == 'N' ? v->v[i].n / 2 + 1 : v->v[i].n);
    return n;
}

void dynamo_values_write(const struct dynamo_values *v, struct json_out *o)
{
    json_out_object(o);
    for (unsigned i = 0; i < v->n; i++) {
        const struct dynamo_value *at = &v->v[i];
        struct str bytes = {at->p, at->n};

        json_out_key(o, at->name);
        json_out_object(o);
        json_out_key(o, at->type == 'S' ? "S" : at->type == 'N' ? "N" : "B");
        if (at->type == 'B') {
            buf_append_byte(o->buf, '"');
            base64_append(o->buf, BASE64_STANDARD, bytes);
            buf_append_byte(o->buf, '"');
            o->comma = true;
        } else {
            json_out_str(o, bytes);
        }
        json_out_object_end(o);
    }
    json_out_object_end(o);
}

int dynamo_value_order(const struct dynamo_value *a, const struct dynamo_value *b)
{
    int order;

    if (a->type == 'N' && a->n != b->n)
        return a->n < b->n ? -1 : 1;
    order = memcmp(a->p, b->p, MIN(a->n, b->n));
    return order != 0 ? order : (a->n > b->n) - (a->n < b->n);
}

/* Words: names, :values, operators; parentheses and commas are spaces. */
static struct str word(struct str *rest)
{
    static const char spaces[] = " (),";
    size_t n = 0;
    struct str w;

    while (rest->n > 0 && strchr(spaces, rest->p[0]) != NULL)
        *rest = str_skip(*rest, 1);
    while (n < rest->n && strchr(spaces, rest->p[n]) == NULL)
        n++;
    w = (struct str){rest->p, n};
    *rest = str_skip(*rest, n);
    return w;
}

const char *dynamo_expr_check(struct str expr, const struct dynamo_values *values)
{
    static const char *const known[] = {"AND",
                                        "OR",
                                        "BETWEEN",
                                        "SET",
                                        "ADD",
                                        "attribute_exists",
                                        "attribute_not_exists",
                                        "begins_with",
                                        "=",
                                        "<",
                                        "<=",
                                        ">",
                                        ">=",
                                        "<>"};
    struct str rest = expr, w;

    while ((w = word(&rest)).n > 0) {
        bool fine = false;

        for (size_t i = 0; i < COUNTOF(known) && !fine; i++)
            fine = str_eq(w, str_of(known[i]));
        if (fine)
            continue;
        if (w.p[0] == ':') {
            if (dynamo_values_get(values, w) == NULL)
                return "a value in an expression is not defined";
            continue;
        }
        for (size_t i = 0; i < COUNTOF(reserved); i++)
            if (str_eq_nocase(w, str_of(reserved[i])))
                return "an attribute's name is a reserved word";
        for (size_t i = 0; i < w.n; i++)
            if (!((w.p[i] >= 'a' && w.p[i] <= 'z') || w.p[i] == '_'))
                return "a word in an expression is not known";
    }
    return NULL;
}

static bool compare(const struct dynamo_value *a, struct str op, const struct dynamo_value *b)
{
    int order;

    if (a == NULL || b == NULL || a->type != b->type)
        return str_eq(op, STR("<>"));
    order = dynamo_value_order(a, b);
    if (str_eq(op, STR("=")))
        return order == 0;
    if (str_eq(op, STR("<>")))
        return order != 0;
    if (str_eq(op, STR("<")))
        return order < 0;
    if (str_eq(op, STR("<=")))
        return order <= 0;
    if (str_eq(op, STR(">")))
        return order > 0;
    assert(str_eq(op, STR(">=")));
    return order >= 0;
}

static bool term(struct str *rest, const struct dynamo_values *item,
                 const struct dynamo_values *values)
{
    struct str w = word(rest), op = word(rest);
    const struct dynamo_value *a = dynamo_values_get(item, w), *b, *c;

    if (str_eq(w, STR("attribute_exists")))
        return dynamo_values_get(item, op) != NULL;
    if (str_eq(w, STR("attribute_not_exists")))
        return dynamo_values_get(item, op) == NULL;
    if (str_eq(w, STR("begins_with"))) {
        a = dynamo_values_get(item, op);
        b = dynamo_values_get(values, word(rest));
        return a != NULL && b != NULL && a->type == b->type &&
               str_starts((struct str){a->p, a->n}, (struct str){b->p, b->n});
    }
    b = dynamo_values_get(values, word(rest));
    if (!str_eq(op, STR("BETWEEN")))
        return compare(a, op, b);
    w = word(rest);
    assert(str_eq(w, STR("AND")));
    c = dynamo_values_get(values, word(rest));
    return compare(a, STR(">="), b) && compare(a, STR("<="), c);
}

bool dynamo_expr_holds(struct str expr, const struct dynamo_values *item,
                       const struct dynamo_values *values)
{
    bool any = false, all = true;
    struct str rest = expr, w;

    while (rest.n > 0) {
        bool one = term(&rest, item, values);

        all = all && one;
        w = word(&rest);
        if (str_eq(w, STR("AND")))
            continue;
        any = any || all;
        all = true;
    }
    return any;
}

static const char *add_number(struct dynamo_values *item, struct str name,
                              const struct dynamo_value *by)
{
    const struct dynamo_value *old = dynamo_values_get(item, name);
    uint64_t a = 0, b;
    char text[24];
    struct dynamo_value sum = {.type = 'N', .p = (uint8_t *)text};

    if (by->type != 'N' || (old != NULL && old->type != 'N'))
        return "ADD of what is no number";
    if (!str_to_u64((struct str){by->p, by->n}, &b) ||
        (old != NULL && !str_to_u64((struct str){old->p, old->n}, &a)))
        return "a number is too large for the model";
    sum.n = (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)(a + b));
    dynamo_values_set(item, name, &sum);
    return NULL;
}

const char *dynamo_expr_update(struct str expr, struct dynamo_values *item,
                               const struct dynamo_values *values,
                               struct dynamo_values *ret_changed)
{
    struct str rest = expr, kind = word(&rest), name;
    const char *why = NULL;

    *ret_changed = (struct dynamo_values){0};
    while (why == NULL && (name = word(&rest)).n > 0) {
        struct str w = word(&rest);
        const struct dynamo_value *value;

        if (str_eq(kind, STR("SET"))) {
            if (!str_eq(w, STR("=")))
                return "SET without =";
            w = word(&rest);
        }
        value = dynamo_values_get(values, w);
        if (value == NULL)
            return "an update's value is not defined";
        if (str_eq(kind, STR("ADD")))
            why = add_number(item, name, value);
        else if (str_eq(kind, STR("SET")))
            dynamo_values_set(item, name, value);
        else
            return "an update of another kind";
        if (why == NULL)
            dynamo_values_set(ret_changed, name, dynamo_values_get(item, name));
    }
    return why;
}
