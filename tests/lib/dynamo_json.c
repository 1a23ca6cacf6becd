#include "lib/dynamo_json.h"

#include "base/str.h"

#include <stdlib.h>

static struct dynamo_node *add(struct dynamo_tree *t, struct dynamo_node *parent,
                               const struct json *j, enum json_token kind)
{
    struct dynamo_node *n = &t->nodes[t->n++];

    assert(t->n <= t->max);
    *n = (struct dynamo_node){.key = j->key, .text = j->str, .kind = kind, .parent = parent};
    if (parent == NULL)
        return n;
    if (parent->last != NULL)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
    return n;
}

bool dynamo_tree_parse(struct dynamo_tree *t, struct str bytes)
{
    struct dynamo_node *at = NULL;
    enum json_token kind;
    struct json j;

    *t = (struct dynamo_tree){.max = 2, .bytes = malloc(bytes.n + 1)};
    for (size_t i = 0; i < bytes.n; i++)
        t->max += bytes.p[i] == ',' || bytes.p[i] == '{' || bytes.p[i] == '[';
    t->nodes = calloc(t->max, sizeof(*t->nodes));
    if (t->nodes == NULL || t->bytes == NULL)
        abort();
    if (bytes.n > 0)
        memcpy(t->bytes, bytes.p, bytes.n);
    json_init(&j, t->bytes, bytes.n, 16);
    while ((kind = json_next(&j)) != JSON_END) {
        if (kind == JSON_ERROR || (at == NULL && kind != JSON_OBJECT))
            return false;
        if (kind == JSON_OBJECT || kind == JSON_ARRAY)
            at = add(t, at, &j, kind);
        else if (kind == JSON_OBJECT_END || kind == JSON_ARRAY_END)
            at = at->parent != NULL ? at->parent : at;
        else
            (void)add(t, at, &j, kind);
    }
    return true;
}

void dynamo_tree_fini(struct dynamo_tree *t)
{
    free(t->nodes);
    free(t->bytes);
    *t = (struct dynamo_tree){0};
}

struct dynamo_node *dynamo_tree_get(const struct dynamo_node *n, const char *key)
{
    for (struct dynamo_node *at = n != NULL ? n->first : NULL; at != NULL; at = at->next)
        if (str_eq(at->key, str_of(key)))
            return at;
    return NULL;
}

struct str dynamo_tree_text(const struct dynamo_node *n, const char *key)
{
    const struct dynamo_node *at = dynamo_tree_get(n, key);

    return at != NULL ? at->text : (struct str){0};
}

bool dynamo_tree_only(const struct dynamo_node *n, const char *names)
{
    for (const struct dynamo_node *at = n->first; at != NULL; at = at->next) {
        struct str rest = str_of(names), name;
        bool known = false;

        while (rest.n > 0 && !known) {
            name = str_cut(&rest, ' ');
            known = str_eq(name, at->key);
        }
        if (!known)
            return false;
    }
    return true;
}
