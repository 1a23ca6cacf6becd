#include "gateway/doc_build.h"

#include "base/str.h"
#include "base/utf8.h"

void doc_build_init(struct doc_build *b, struct doc *d, struct notes *ns)
{
    memset(b, 0, sizeof(*b));
    d->root = NULL;
    d->blocks = NULL;
    b->doc = d;
    b->notes = ns;
}

bool doc_build_wants_key(const struct doc_build *b)
{
    return b->depth > 0 && b->open[b->depth - 1]->kind == DOC_MAP && !b->has_key;
}

/* Copies a text into the tree. */
static bool keep(struct doc_build *b, struct str text, struct note_place at, struct str *ret)
{
    uint8_t *p;

    if (memchr(text.p, 0, text.n) != NULL || !utf8_valid(text)) {
        notes_add(b->notes, NOTE_bad_text, at, "the text has a zero byte or is not UTF-8");
        return false;
    }
    p = doc_allot(b->doc, text.n + 1);
    memcpy(p, text.p, text.n);
    p[text.n] = 0;
    *ret = (struct str){p, text.n};
    return true;
}

bool doc_build_key(struct doc_build *b, struct str key, struct note_place at)
{
    const struct doc_value *map;
    const struct doc_value *same;

    assert(doc_build_wants_key(b));
    map = b->open[b->depth - 1];
    same = doc_get(map, key);
    if (same != NULL) {
        notes_add(b->notes, NOTE_duplicate_key, at, "the key \"%.*s\" is already in line %u",
                  STR_ARGS(key), same->key_at.line);
        return false;
    }
    if (map->n == DOC_KEYS_MAX) {
        notes_add(b->notes, NOTE_too_big, at, "a map has more than %d keys", DOC_KEYS_MAX);
        return false;
    }
    b->has_key = true;
    b->key_at = at;
    return keep(b, key, at, &b->key);
}

/* A new value, at its place in the tree. NULL if a bound is passed. */
static struct doc_value *add(struct doc_build *b, enum doc_kind kind, struct note_place at)
{
    struct doc_value *in = b->depth > 0 ? b->open[b->depth - 1] : NULL;
    struct doc_value *v;

    assert(in == NULL || in->kind == DOC_LIST || b->has_key);
    if (b->values_n++ == DOC_VALUES_MAX) {
        notes_add(b->notes, NOTE_too_big, at, "the file has more than %d values", DOC_VALUES_MAX);
        return NULL;
    }
    v = doc_allot(b->doc, sizeof(*v));
    *v = (struct doc_value){.kind = kind, .at = at, .key_at = at};
    if (b->has_key) {
        v->key = b->key;
        v->key_at = b->key_at;
        b->has_key = false;
    }
    if (in == NULL) {
        b->doc->root = v;
        return v;
    }
    *(in->first == NULL ? &in->first : &in->last->next) = v;
    in->last = v;
    in->n++;
    return v;
}

/* The value is complete, and so are the wraps around it. */
static void complete(struct doc_build *b)
{
    while (b->depth > 0 && b->wraps[b->depth - 1])
        b->depth--;
}

bool doc_build_scalar(struct doc_build *b, struct str text, struct note_place at)
{
    struct doc_value *v = add(b, DOC_SCALAR, at);

    if (v == NULL || !keep(b, text, at, &v->text))
        return false;
    complete(b);
    return true;
}

bool doc_build_null(struct doc_build *b, struct note_place at)
{
    if (add(b, DOC_NULL, at) == NULL)
        return false;
    complete(b);
    return true;
}

bool doc_build_open(struct doc_build *b, enum doc_kind kind, struct note_place at)
{
    struct doc_value *v;

    if (b->depth == DOC_DEPTH_MAX) {
        notes_add(b->notes, NOTE_too_deep, at, "lists and maps are nested more than %d deep",
                  DOC_DEPTH_MAX);
        return false;
    }
    v = add(b, kind, at);
    if (v == NULL)
        return false;
    b->wraps[b->depth] = false;
    b->open[b->depth++] = v;
    return true;
}

void doc_build_close(struct doc_build *b)
{
    assert(b->depth > 0 && !b->has_key);
    b->depth--;
    complete(b);
}

bool doc_build_wrap(struct doc_build *b, struct str key, struct note_place at)
{
    if (!doc_build_open(b, DOC_MAP, at))
        return false;
    b->wraps[b->depth - 1] = true;
    return doc_build_key(b, key, at);
}
