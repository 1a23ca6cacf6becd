#include "gateway/doc.h"

#include "base/mem.h"
#include "base/str.h"

enum { BLOCK_MIN = 64 * 1024, ALIGN = 16 };

/* A piece of the tree's memory. */
struct doc_block {
    struct doc_block *next;
    size_t used, cap;
    _Alignas(ALIGN) uint8_t bytes[];
};

void *doc_allot(struct doc *d, size_t n)
{
    struct doc_block *block = d->blocks;
    void *p;

    n = (n + ALIGN - 1) / ALIGN * ALIGN;
    if (block == NULL || block->cap - block->used < n) {
        size_t cap = MAX(n, (size_t)BLOCK_MIN);

        block = mem_bytes(sizeof(*block) + cap);
        block->next = d->blocks;
        block->used = 0;
        block->cap = cap;
        d->blocks = block;
    }
    p = block->bytes + block->used;
    block->used += n;
    return p;
}

void doc_free(struct doc *d)
{
    while (d->blocks != NULL) {
        struct doc_block *block = d->blocks;

        d->blocks = block->next;
        free(block);
    }
    d->root = NULL;
}

const struct doc_value *doc_get(const struct doc_value *v, struct str key)
{
    if (v == NULL || v->kind != DOC_MAP)
        return NULL;
    for (const struct doc_value *i = v->first; i != NULL; i = i->next)
        if (str_eq(i->key, key))
            return i;
    return NULL;
}

bool doc_is_call(const struct doc_value *v, struct str key)
{
    return v != NULL && v->kind == DOC_MAP && v->n == 1 && str_eq(v->first->key, key);
}

const char *doc_kind_name(const struct doc_value *v)
{
    static const char *const names[] = {
        [DOC_NULL] = "nothing",
        [DOC_SCALAR] = "a text",
        [DOC_LIST] = "a list",
        [DOC_MAP] = "a map",
    };

    return names[v != NULL ? v->kind : DOC_NULL];
}

bool doc_to_bool(struct str text, bool *ret)
{
    if (str_eq_nocase(text, STR("true")))
        *ret = true;
    else if (str_eq_nocase(text, STR("false")))
        *ret = false;
    else
        return false;
    return true;
}
