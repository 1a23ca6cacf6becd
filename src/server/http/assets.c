#include "server/http/assets.h"

#include "base/str.h"

/* STR() cannot stand in a constant initialiser. */
#define STR_INIT(literal)                               \
    {                                                   \
        (const uint8_t *)(literal), sizeof(literal) - 1 \
    }

static const struct asset table[] = {
#include "assets.gen.inc"
};

const struct asset *assets_find(struct str path)
{
    for (size_t i = 0; i < COUNTOF(table); i++) {
        if (str_eq(path, str_of(table[i].path)))
            return &table[i];
    }
    return NULL;
}

const struct asset *assets_at(size_t i)
{
    return i < COUNTOF(table) ? &table[i] : NULL;
}
