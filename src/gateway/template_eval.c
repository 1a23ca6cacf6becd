#include "gateway/template_eval.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/str.h"
#include "gateway/template_ref.h"

void template_eval_init(struct template_eval *e, const struct doc_value *root,
                        const struct api_load_options *o, struct notes *ns)
{
    *e = (struct template_eval){
        .parameters = doc_get(root, STR("Parameters")),
        .mappings = doc_get(root, STR("Mappings")),
        .conditions = doc_get(root, STR("Conditions")),
        .resources = doc_get(root, STR("Resources")),
        .transformed = doc_get(root, STR("Transform")) != NULL,
        .options = o,
        .notes = ns,
        .region = o->region != NULL ? o->region : "us-east-1",
        .account = o->account != NULL ? o->account : "123456789012",
        .stack = o->stack != NULL ? o->stack : "local",
    };
}

static bool fail(struct template_eval *e, enum note_code code, const struct doc_value *v,
                 const char *what)
{
    notes_add(e->notes, code, v->at, "%s", what);
    return false;
}

/* Begins a step; false if there were too many. Ends with e->depth--. */
static bool step(struct template_eval *e, const struct doc_value *v)
{
    if (++e->steps <= TEMPLATE_EVAL_STEPS_MAX && e->bytes <= TEMPLATE_EVAL_BYTES_MAX &&
        e->depth < TEMPLATE_EVAL_DEPTH_MAX) {
        e->depth++;
        return true;
    }
    return fail(e, NOTE_circle, v,
                "values refer to each other in a circle, or too much is to be evaluated");
}

/* The n-th of a list, from 0, or NULL. */
static const struct doc_value *item(const struct doc_value *list, size_t n)
{
    const struct doc_value *v = list->kind == DOC_LIST ? list->first : NULL;

    while (v != NULL && n-- > 0)
        v = v->next;
    return v;
}

struct str template_eval_type(const struct doc_value *resource)
{
    const struct doc_value *type = doc_get(resource, STR("Type"));

    return type != NULL && type->kind == DOC_SCALAR ? type->text : STR("");
}

/* Conditions */

static bool condition(struct template_eval *e, const struct doc_value *v, bool *ret);

static bool equals(struct template_eval *e, const struct doc_value *args, bool *ret)
{
    struct buf a CLEANUP(buf_fini), b CLEANUP(buf_fini);

    buf_init(&a, TEMPLATE_EVAL_TEXT_MAX);
    buf_init(&b, TEMPLATE_EVAL_TEXT_MAX);
    if (args->kind != DOC_LIST || args->n != 2)
        return fail(e, NOTE_bad_function, args, "Fn::Equals has a list of two values");
    if (!template_eval_text(e, item(args, 0), &a) || !template_eval_text(e, item(args, 1), &b))
        return false;
    *ret = str_eq(buf_peek(&a), buf_peek(&b));
    return true;
}

/* And, Or: all are looked at, as CloudFormation does. */
static bool combine(struct template_eval *e, const struct doc_value *args, bool all, bool *ret)
{
    *ret = all;
    if (args->kind != DOC_LIST || args->n < 2)
        return fail(e, NOTE_bad_function, args, "Fn::And and Fn::Or have a list of conditions");
    for (const struct doc_value *v = args->first; v != NULL; v = v->next) {
        bool one;

        if (!condition(e, v, &one))
            return false;
        *ret = all ? *ret && one : *ret || one;
    }
    return true;
}

static bool call_condition(struct template_eval *e, const struct doc_value *v, bool *ret)
{
    const struct doc_value *args = v->first;

    if (str_eq(args->key, STR("Fn::Equals")))
        return equals(e, args, ret);
    if (str_eq(args->key, STR("Fn::And")))
        return combine(e, args, true, ret);
    if (str_eq(args->key, STR("Fn::Or")))
        return combine(e, args, false, ret);
    if (str_eq(args->key, STR("Condition")) && args->kind == DOC_SCALAR)
        return template_eval_holds(e, args->text, args->at, ret);
    if (str_eq(args->key, STR("Fn::Not"))) {
        if (args->kind != DOC_LIST || args->n != 1)
            return fail(e, NOTE_bad_function, args, "Fn::Not has a list of one condition");
        if (!condition(e, args->first, ret))
            return false;
        *ret = !*ret;
        return true;
    }
    return fail(e, NOTE_bad_function, v,
                "a condition is Fn::Equals, And, Or, Not or the name of another");
}

static bool condition(struct template_eval *e, const struct doc_value *v, bool *ret)
{
    bool good;

    if (v->kind != DOC_MAP || v->n != 1)
        return fail(e, NOTE_bad_function, v,
                    "a condition is Fn::Equals, And, Or, Not or the name of another");
    if (!step(e, v))
        return false;
    good = call_condition(e, v, ret);
    e->depth--;
    return good;
}

bool template_eval_holds(struct template_eval *e, struct str name, struct note_place at, bool *ret)
{
    const struct doc_value *v = doc_get(e->conditions, name);

    if (v != NULL)
        return condition(e, v, ret);
    notes_add(e->notes, NOTE_unresolved, at, "there is no condition \"%.*s\"", STR_ARGS(name));
    return false;
}

const struct doc_value *template_eval_resource(struct template_eval *e, struct str id)
{
    const struct doc_value *r = doc_get(e->resources, id);
    const struct doc_value *name = doc_get(r, STR("Condition"));
    bool holds = true;

    if (name != NULL && name->kind == DOC_SCALAR)
        return template_eval_holds(e, name->text, name->at, &holds) && holds ? r : NULL;
    return r;
}

/* Values */

/* Fn::If: the branch, or NULL after a failure. */
static const struct doc_value *branch(struct template_eval *e, const struct doc_value *args)
{
    const struct doc_value *name = item(args, 0);
    bool holds;

    if (args->n != 3 || name == NULL || name->kind != DOC_SCALAR) {
        (void)fail(e, NOTE_bad_function, args,
                   "Fn::If has a list: a condition's name, and two values");
        return NULL;
    }
    if (!template_eval_holds(e, name->text, name->at, &holds))
        return NULL;
    return item(args, holds ? 1 : 2);
}

/* The value of the key that v gives, in the map. */
static const struct doc_value *find_key(struct template_eval *e, const struct doc_value *map,
                                        const struct doc_value *v, struct buf *key)
{
    buf_clear(key);
    return template_eval_text(e, v, key) ? doc_get(map, buf_peek(key)) : NULL;
}

/* Fn::FindInMap: what it finds, or NULL after a failure. */
static const struct doc_value *find(struct template_eval *e, const struct doc_value *args)
{
    const struct doc_value *map = e->mappings, *otherwise;
    struct buf key CLEANUP(buf_fini);
    size_t errors = e->notes->errors;

    buf_init(&key, TEMPLATE_EVAL_TEXT_MAX);
    if (args->kind != DOC_LIST || args->n < 3 || args->n > 4) {
        (void)fail(e, NOTE_bad_function, args,
                   "Fn::FindInMap has a list: the map's name and two keys");
        return NULL;
    }
    if (map == NULL) {
        (void)fail(e, NOTE_unresolved, args, "Fn::FindInMap finds nothing: there are no Mappings");
        return NULL;
    }
    for (size_t i = 0; i < 3 && map != NULL; i++)
        map = find_key(e, map, item(args, i), &key);
    if (map != NULL)
        return map;
    otherwise = args->n == 4 ? doc_get(item(args, 3), STR("DefaultValue")) : NULL;
    if (otherwise == NULL && errors == e->notes->errors)
        notes_add(e->notes, NOTE_unresolved, args->at,
                  "Fn::FindInMap finds nothing: there is no \"%.*s\"", STR_ARGS(buf_peek(&key)));
    return otherwise;
}

bool template_eval_is_call(const struct doc_value *v)
{
    return v != NULL && v->kind == DOC_MAP && v->n == 1 &&
           (str_eq(v->first->key, STR("Ref")) || str_starts(v->first->key, STR("Fn::")));
}

const struct doc_value *template_eval_value(struct template_eval *e, const struct doc_value *v)
{
    while (template_eval_is_call(v)) {
        const struct doc_value *args = v->first;

        if (str_eq(args->key, STR("Ref")) && args->kind == DOC_SCALAR &&
            str_eq(args->text, STR("AWS::NoValue")))
            return NULL;
        if (!str_eq(args->key, STR("Fn::If")) && !str_eq(args->key, STR("Fn::FindInMap")))
            return v;
        if (!step(e, v))
            return NULL;
        v = str_eq(args->key, STR("Fn::If")) ? branch(e, args) : find(e, args);
        e->depth--;
    }
    return v != NULL && v->kind == DOC_NULL ? NULL : v;
}

/* Texts */

static bool call_get_att(struct template_eval *e, const struct doc_value *args, struct buf *out)
{
    struct buf name CLEANUP(buf_fini);

    buf_init(&name, TEMPLATE_EVAL_TEXT_MAX);
    if (args->kind == DOC_SCALAR && memchr(args->text.p, '.', args->text.n) != NULL)
        return template_ref_attribute(e, args->text, args->at, out);
    if (args->kind != DOC_LIST || args->n != 2)
        return fail(e, NOTE_bad_function, args,
                    "Fn::GetAtt has Resource.Attribute, or a list of the two");
    if (!template_eval_text(e, item(args, 0), &name))
        return false;
    buf_append_byte(&name, '.');
    return template_eval_text(e, item(args, 1), &name) &&
           template_ref_attribute(e, buf_peek(&name), args->at, out);
}

/* One ${...} of Fn::Sub, without the braces. */
static bool sub_one(struct template_eval *e, struct str name, const struct doc_value *values,
                    struct note_place at, struct buf *out)
{
    const struct doc_value *v;

    if (name.n > 0 && name.p[0] == '!') {
        buf_append(out, STR("${"));
        buf_append(out, str_skip(name, 1));
        buf_append_byte(out, '}');
        return true;
    }
    name = str_trim(name);
    v = doc_get(values, name);
    if (v != NULL)
        return template_eval_text(e, v, out);
    return memchr(name.p, '.', name.n) != NULL ? template_ref_attribute(e, name, at, out)
                                               : template_ref(e, name, at, out);
}

static bool sub(struct template_eval *e, const struct doc_value *args, struct buf *out)
{
    const struct doc_value *text = args->kind == DOC_LIST ? item(args, 0) : args;
    const struct doc_value *values = item(args, 1);
    struct str rest;

    if (text == NULL || text->kind != DOC_SCALAR || (args->kind == DOC_LIST && args->n > 2))
        return fail(e, NOTE_bad_function, args, "Fn::Sub has a text, or a list: a text and a map");
    for (rest = text->text; rest.n > 0;) {
        if (!str_starts(rest, STR("${"))) {
            buf_append_byte(out, rest.p[0]);
            rest = str_skip(rest, 1);
            continue;
        }
        if (memchr(rest.p, '}', rest.n) == NULL)
            return fail(e, NOTE_bad_function, text, "a ${ of Fn::Sub is not closed by }");
        rest = str_skip(rest, 2);
        if (++e->steps > TEMPLATE_EVAL_STEPS_MAX)
            return step(e, text);
        if (!sub_one(e, str_cut(&rest, '}'), values, text->at, out))
            return false;
    }
    return true;
}

static bool join(struct template_eval *e, const struct doc_value *args, struct buf *out)
{
    struct template_eval_list l = {0};
    struct buf by CLEANUP(buf_fini);
    bool good;

    buf_init(&by, TEMPLATE_EVAL_TEXT_MAX);
    if (args->kind != DOC_LIST || args->n != 2)
        return fail(e, NOTE_bad_function, args, "Fn::Join has a list: a separator and a list");
    good = template_eval_text(e, item(args, 0), &by) && template_eval_texts(e, item(args, 1), &l);
    for (size_t i = 0; good && i < l.n; i++) {
        if (i > 0)
            buf_append(out, buf_peek(&by));
        buf_append(out, str_of(l.at[i]));
    }
    template_eval_list_fini(&l);
    return good;
}

static bool select_one(struct template_eval *e, const struct doc_value *args, struct buf *out)
{
    struct template_eval_list l = {0};
    struct buf index CLEANUP(buf_fini);
    uint64_t i;
    bool good;

    buf_init(&index, TEMPLATE_EVAL_TEXT_MAX);
    if (args->kind != DOC_LIST || args->n != 2)
        return fail(e, NOTE_bad_function, args, "Fn::Select has a list: a number and a list");
    good =
        template_eval_text(e, item(args, 0), &index) && template_eval_texts(e, item(args, 1), &l);
    if (good && (!str_to_u64(buf_peek(&index), &i) || i >= l.n))
        good = fail(e, NOTE_bad_function, args, "Fn::Select's number is not within the list");
    if (good)
        buf_append(out, str_of(l.at[i]));
    template_eval_list_fini(&l);
    return good;
}

static bool base64(struct template_eval *e, const struct doc_value *args, struct buf *out)
{
    struct buf text CLEANUP(buf_fini);

    buf_init(&text, TEMPLATE_EVAL_TEXT_MAX);
    if (!template_eval_text(e, args, &text))
        return false;
    base64_append(out, BASE64_STANDARD, buf_peek(&text));
    return true;
}

static bool import(struct template_eval *e, const struct doc_value *args, struct buf *out)
{
    struct buf name CLEANUP(buf_fini);

    buf_init(&name, TEMPLATE_EVAL_TEXT_MAX);
    if (!template_eval_text(e, args, &name))
        return false;
    template_ref_import(e, buf_peek(&name), args->at, out);
    return true;
}

static bool call(struct template_eval *e, const struct doc_value *v, struct buf *out)
{
    static const struct {
        const char *name;
        bool (*f)(struct template_eval *e, const struct doc_value *args, struct buf *out);
    } calls[] = {
        {"Fn::Sub", sub},           {"Fn::GetAtt", call_get_att}, {"Fn::Join", join},
        {"Fn::Select", select_one}, {"Fn::Base64", base64},       {"Fn::ImportValue", import},
    };
    const struct doc_value *args = v->first;

    if (str_eq(args->key, STR("Ref"))) {
        if (args->kind == DOC_SCALAR)
            return template_ref(e, args->text, args->at, out);
        return fail(e, NOTE_bad_function, args, "Ref has the name of a parameter or a resource");
    }
    for (size_t i = 0; i < COUNTOF(calls); i++)
        if (str_eq(args->key, str_of(calls[i].name)))
            return calls[i].f(e, args, out);
    if (str_eq(args->key, STR("Fn::Split")) || str_eq(args->key, STR("Fn::GetAZs")))
        return fail(e, NOTE_wrong_kind, v, "a text is expected, and this function gives a list");
    notes_add(e->notes, NOTE_unknown_function, v->at, "%.*s is not evaluated here",
              STR_ARGS(args->key));
    return false;
}

bool template_eval_text(struct template_eval *e, const struct doc_value *v, struct buf *out)
{
    size_t before, errors = e->notes->errors;
    const struct doc_value *was = v;
    bool good;

    v = template_eval_value(e, v);
    if (v == NULL) {
        if (errors == e->notes->errors && was != NULL)
            return fail(e, NOTE_wrong_kind, was, "a text is expected, and there is nothing");
        return false;
    }
    if (!template_eval_is_call(v) && v->kind != DOC_SCALAR) {
        notes_add(e->notes, NOTE_wrong_kind, v->at, "a text is expected, and this is %s",
                  doc_kind_name(v));
        return false;
    }
    if (!step(e, v))
        return false;
    good = true;
    before = buf_len(out);
    if (v->kind == DOC_SCALAR)
        buf_append(out, v->text);
    else
        good = call(e, v, out);
    e->depth--;
    e->bytes += buf_len(out) - before;
    if (out->failed)
        return fail(e, NOTE_too_big, v, "the text is longer than 1 MB once it is evaluated");
    return good;
}

/* Lists */

void template_eval_list_fini(struct template_eval_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->at[i]);
    free(l->at);
    *l = (struct template_eval_list){0};
}

static bool push(struct template_eval *e, struct template_eval_list *l, struct str text,
                 const struct doc_value *v)
{
    if (l->n == TEMPLATE_EVAL_LIST_MAX)
        return fail(e, NOTE_too_big, v, "the list has more than 1,000 texts");
    l->at = mem_resize_array(l->at, l->n + 1, sizeof(*l->at));
    l->at[l->n++] = str_dup(text);
    return true;
}

/* Pushes what lies between the separators. */
static bool push_parts(struct template_eval *e, struct template_eval_list *l, struct str text,
                       struct str by, const struct doc_value *v)
{
    for (size_t i = 0; i + by.n <= text.n;) {
        if (!str_starts(str_skip(text, i), by)) {
            i++;
            continue;
        }
        if (!push(e, l, (struct str){text.p, i}, v))
            return false;
        text = str_skip(text, i + by.n);
        i = 0;
    }
    return push(e, l, text, v);
}

static bool split(struct template_eval *e, const struct doc_value *args,
                  struct template_eval_list *l)
{
    struct buf by CLEANUP(buf_fini), text CLEANUP(buf_fini);

    buf_init(&by, TEMPLATE_EVAL_TEXT_MAX);
    buf_init(&text, TEMPLATE_EVAL_TEXT_MAX);
    if (args->kind != DOC_LIST || args->n != 2)
        return fail(e, NOTE_bad_function, args, "Fn::Split has a list: a separator and a text");
    if (!template_eval_text(e, item(args, 0), &by) || !template_eval_text(e, item(args, 1), &text))
        return false;
    if (buf_len(&by) == 0)
        return fail(e, NOTE_bad_function, args, "Fn::Split's separator is empty");
    return push_parts(e, l, buf_peek(&text), buf_peek(&by), args);
}

static bool zones(struct template_eval *e, const struct doc_value *args,
                  struct template_eval_list *l)
{
    struct buf zone CLEANUP(buf_fini);

    buf_init(&zone, 256);
    for (char c = 'a'; c <= 'c'; c++) {
        buf_clear(&zone);
        buf_printf(&zone, "%s%c", e->region, c);
        if (!push(e, l, buf_peek(&zone), args))
            return false;
    }
    return true;
}

/* Ref of a parameter that is a list. */
static bool is_list_ref(const struct template_eval *e, const struct doc_value *args)
{
    struct str type;

    if (!str_eq(args->key, STR("Ref")) || args->kind != DOC_SCALAR)
        return false;
    type = template_eval_type(doc_get(e->parameters, args->text));
    return str_eq(type, STR("CommaDelimitedList")) || str_starts(type, STR("List<")) ||
           str_starts(type, STR("AWS::SSM::Parameter::Value<List<"));
}

static bool push_text(struct template_eval *e, const struct doc_value *v,
                      struct template_eval_list *l)
{
    struct buf text CLEANUP(buf_fini);

    buf_init(&text, TEMPLATE_EVAL_TEXT_MAX);
    if (!template_eval_text(e, v, &text))
        return false;
    if (template_eval_is_call(v) && is_list_ref(e, v->first))
        return push_parts(e, l, buf_peek(&text), STR(","), v);
    return push(e, l, buf_peek(&text), v);
}

static bool push_items(struct template_eval *e, const struct doc_value *list,
                       struct template_eval_list *l)
{
    for (const struct doc_value *i = list->first; i != NULL; i = i->next) {
        size_t errors = e->notes->errors;
        const struct doc_value *v = template_eval_value(e, i);

        if (errors != e->notes->errors || (v != NULL && !push_text(e, v, l)))
            return false;
    }
    return true;
}

bool template_eval_texts(struct template_eval *e, const struct doc_value *v,
                         struct template_eval_list *l)
{
    bool good;

    v = template_eval_value(e, v);
    if (v == NULL)
        return true;
    if (!step(e, v))
        return false;
    if (v->kind == DOC_LIST)
        good = push_items(e, v, l);
    else if (doc_is_call(v, STR("Fn::Split")))
        good = split(e, v->first, l);
    else if (doc_is_call(v, STR("Fn::GetAZs")))
        good = zones(e, v, l);
    else
        good = push_text(e, v, l);
    e->depth--;
    return good;
}

struct str template_eval_function_name(struct str text)
{
    static const struct str mark = {(const uint8_t *)":function:", 10};
    static const struct str path = {(const uint8_t *)"/functions/", 11};
    struct str name;
    size_t i;

    for (i = 0; i + path.n <= text.n && !str_starts(str_skip(text, i), path); i++)
        ;
    if (i + path.n <= text.n)
        text = str_skip(text, i + path.n);
    for (i = 0; i + mark.n <= text.n && !str_starts(str_skip(text, i), mark); i++)
        ;
    if (i + mark.n <= text.n)
        text = str_skip(text, i + mark.n);
    else if (str_starts(text, STR("arn:")))
        return (struct str){text.p, 0};
    name = str_cut(&text, '/');
    return str_cut(&name, ':');
}
