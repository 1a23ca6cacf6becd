#include "gateway/json_path.h"

#include "base/json.h"
#include "base/str.h"

enum { TEXT_MAX = 8 * 1024 * 1024 };

/* The next step of a path: a member's name, or an element's number. */
struct step {
    struct str name;
    uint64_t index;
    bool is_index;
};

/* False at the end, or with *bad set. */
static bool next_step(struct str *path, struct step *ret, bool *bad)
{
    size_t n = 0;

    if (path->n > 0 && path->p[0] == '.')
        *path = str_skip(*path, 1);
    if (path->n == 0)
        return false;
    if (path->p[0] == '[') {
        struct str rest = str_skip(*path, 1), inner = str_cut(&rest, ']');

        *path = rest;
        ret->is_index = str_to_u64(inner, &ret->index);
        if (!ret->is_index && inner.n >= 2 && (inner.p[0] == '\'' || inner.p[0] == '"'))
            ret->name = (struct str){inner.p + 1, inner.n - 2};
        else if (!ret->is_index)
            *bad = true;
        return !*bad;
    }
    while (n < path->n && path->p[n] != '.' && path->p[n] != '[')
        n++;
    *ret = (struct step){.name = {path->p, n}};
    *path = str_skip(*path, n);
    return true;
}

/* Reads on until what the step names has been read; its token, or JSON_ERROR. */
static enum json_token enter(struct json *j, enum json_token t, const struct step *s)
{
    enum json_token end = t == JSON_OBJECT ? JSON_OBJECT_END : JSON_ARRAY_END;
    uint64_t at = 0;

    if (t != (s->is_index ? JSON_ARRAY : JSON_OBJECT))
        return JSON_ERROR;
    while ((t = json_next(j)) != end) {
        if (s->is_index ? at++ == s->index : str_eq(j->key, s->name))
            return t;
        if (!json_skip(j, t))
            return JSON_ERROR;
    }
    return JSON_ERROR;
}

static void write_scalar(const struct json *j, enum json_token t, struct json_out *o)
{
    if (t == JSON_STRING)
        json_out_str(o, j->str);
    else if (t == JSON_INT || t == JSON_NUMBER)
        json_out_raw(o, j->str);
    else if (t == JSON_TRUE || t == JSON_FALSE)
        json_out_bool(o, t == JSON_TRUE);
    else
        json_out_null(o);
}

/* The value that t begins; bit d of objects: what is open at depth d is an object. */
static void write_value(struct json *j, enum json_token t, struct json_out *o)
{
    uint64_t objects = 0;
    unsigned depth = 0;

    for (;; t = json_next(j)) {
        bool end = t == JSON_OBJECT_END || t == JSON_ARRAY_END;

        if (t == JSON_ERROR || t == JSON_END)
            return;
        if (!end && depth > 0 && (objects >> depth & 1) != 0)
            json_out_key_str(o, j->key);
        if (t == JSON_OBJECT || t == JSON_ARRAY) {
            depth++;
            objects = (objects & ~((uint64_t)1 << depth)) | (uint64_t)(t == JSON_OBJECT) << depth;
        }
        if (t == JSON_OBJECT)
            json_out_object(o);
        else if (t == JSON_ARRAY)
            json_out_array(o);
        else if (t == JSON_OBJECT_END)
            json_out_object_end(o);
        else if (t == JSON_ARRAY_END)
            json_out_array_end(o);
        else
            write_scalar(j, t, o);
        if (end)
            depth--;
        if (depth == 0)
            return;
    }
}

/* "[a, b]", as Java's lists print. */
static void write_list(struct json *j, struct buf *out)
{
    struct json_out o;
    enum json_token t;
    bool first = true;

    buf_append_byte(out, '[');
    while ((t = json_next(j)) != JSON_ARRAY_END && t != JSON_ERROR) {
        if (!first)
            buf_append(out, STR(", "));
        first = false;
        json_out_init(&o, out);
        if (t == JSON_STRING)
            buf_append(out, j->str);
        else
            write_value(j, t, &o);
    }
    buf_append_byte(out, ']');
}

static void write_text(struct json *j, enum json_token t, struct buf *out)
{
    struct json_out o;

    json_out_init(&o, out);
    if (t == JSON_STRING)
        buf_append(out, j->str);
    else if (t == JSON_ARRAY)
        write_list(j, out);
    else if (t != JSON_NULL)
        write_value(j, t, &o);
}

/* Stands behind what the path names: its token, JSON_ERROR if there is none. */
static enum json_token json_path_find(struct json *j, struct str path)
{
    enum json_token t = json_next(j);
    struct step s = {0};
    bool bad = false;

    if (path.n > 0 && path.p[0] == '$')
        path = str_skip(path, 1);
    while (t != JSON_ERROR && next_step(&path, &s, &bad))
        t = enter(j, t, &s);
    return bad ? JSON_ERROR : t;
}

/* Is what is left of the text the end of one JSON value? */
static bool ends_well(struct json *j)
{
    enum json_token t;

    do
        t = json_next(j);
    while (t != JSON_END && t != JSON_ERROR);
    return t == JSON_END;
}

static bool get(struct str text, struct str path, struct buf *out, bool raw)
{
    struct buf copy CLEANUP(buf_fini);
    size_t before = buf_len(out);
    struct json_out o;
    enum json_token t;
    struct json j;

    buf_init(&copy, TEXT_MAX);
    buf_append(&copy, text);
    if (copy.failed || text.n == 0)
        return false;
    json_init(&j, copy.bytes, buf_len(&copy), JSON_DEPTH_MAX);
    t = json_path_find(&j, path);
    if (t == JSON_ERROR)
        return false;
    json_out_init(&o, out);
    if (raw)
        write_value(&j, t, &o);
    else
        write_text(&j, t, out);
    if (ends_well(&j))
        return true;
    buf_truncate(out, before);
    return false;
}

bool json_path_text(struct str text, struct str path, struct buf *out)
{
    return get(text, path, out, false);
}

bool json_path_raw(struct str text, struct str path, struct buf *out)
{
    return get(text, path, out, true);
}
