#include "gateway/doc_json.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

/* Where the reader is. Strings are unescaped in place, so lines are counted in
 * the text. */
struct reader {
    struct doc_build *build;
    struct str text;
    uint8_t *copy;
    struct json json;
    size_t counted; /* bytes of the text whose lines are counted */
    size_t line_at; /* where the line begins */
    unsigned line;
};

/* The place of a pointer into the copy; places are asked for in the order of
 * the text. */
static struct note_place place_of(struct reader *r, const uint8_t *p)
{
    size_t at = (size_t)(p - r->copy);

    for (; r->counted < at; r->counted++)
        if (r->text.p[r->counted] == '\n') {
            r->line++;
            r->line_at = r->counted + 1;
        }
    return (struct note_place){r->line, (unsigned)(at - r->line_at) + 1};
}

static const char *error_text(enum json_error e)
{
    switch (e) {
    case JSON_OK:
    case JSON_BAD_SYNTAX:
        return "this is not JSON: a value, a comma or the end of a list or an "
               "object was expected";
    case JSON_BAD_UTF8:
        return "a text has an escape or bytes that are not valid UTF-8";
    case JSON_TOO_DEEP:
        return "lists and objects are nested too deeply";
    case JSON_BAD_NUMBER:
        return "this is not a number";
    case JSON_TOO_MANY:
        return "there are too many values";
    }
    return "?";
}

static enum note_code error_code(enum json_error e)
{
    return e == JSON_BAD_UTF8   ? NOTE_bad_text
           : e == JSON_TOO_DEEP ? NOTE_too_deep
           : e == JSON_TOO_MANY ? NOTE_too_big
                                : NOTE_syntax;
}

static bool is_end(enum json_token t)
{
    return t == JSON_OBJECT_END || t == JSON_ARRAY_END;
}

/* Where the token t, just read, begins. */
static const uint8_t *begins(const struct reader *r, enum json_token t)
{
    switch (t) {
    case JSON_STRING:
        return r->json.str.p - 1;
    case JSON_INT:
    case JSON_NUMBER:
        return r->json.str.p;
    case JSON_TRUE:
    case JSON_NULL:
        return r->json.p - 4;
    case JSON_FALSE:
        return r->json.p - 5;
    case JSON_OBJECT:
    case JSON_OBJECT_END:
    case JSON_ARRAY:
    case JSON_ARRAY_END:
        return r->json.p - 1;
    case JSON_END:
    case JSON_ERROR:
        break;
    }
    return r->json.p;
}

static bool add(struct reader *r, enum json_token t, struct note_place at)
{
    switch (t) {
    case JSON_OBJECT:
        return doc_build_open(r->build, DOC_MAP, at);
    case JSON_ARRAY:
        return doc_build_open(r->build, DOC_LIST, at);
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
        doc_build_close(r->build);
        return true;
    case JSON_STRING:
    case JSON_INT:
    case JSON_NUMBER:
        return doc_build_scalar(r->build, r->json.str, at);
    case JSON_TRUE:
        return doc_build_scalar(r->build, STR("true"), at);
    case JSON_FALSE:
        return doc_build_scalar(r->build, STR("false"), at);
    case JSON_NULL:
        return doc_build_null(r->build, at);
    case JSON_END:
    case JSON_ERROR:
        break;
    }
    return true;
}

/* Where the error is: a bad number has been read over. */
static const uint8_t *error_at(const struct reader *r)
{
    const uint8_t *p = r->json.p;

    if (r->json.error == JSON_BAD_NUMBER)
        while (p > r->copy && strchr("+-.0123456789eE", p[-1]) != NULL && p[-1] != 0)
            p--;
    return p;
}

static bool read_all(struct reader *r)
{
    enum json_token t;

    while ((t = json_next(&r->json)) != JSON_END && t != JSON_ERROR) {
        if (!is_end(t) && doc_build_wants_key(r->build) &&
            !doc_build_key(r->build, r->json.key, place_of(r, r->json.key.p - 1)))
            return false;
        if (!add(r, t, place_of(r, begins(r, t))))
            return false;
    }
    if (t == JSON_END)
        return true;
    notes_add(r->build->notes, error_code(r->json.error), place_of(r, error_at(r)), "%s",
              error_text(r->json.error));
    return false;
}

bool doc_json_read(struct doc_build *b, struct str text)
{
    struct reader r = {.build = b, .text = text, .line = 1};
    bool good;

    r.copy = mem_bytes(text.n + 1);
    memcpy(r.copy, text.p, text.n);
    json_init(&r.json, r.copy, text.n, DOC_DEPTH_MAX);
    good = read_all(&r);
    free(r.copy);
    return good;
}
