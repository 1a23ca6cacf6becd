#include "wire/cbor.h"

#include "base/str.h"
#include "base/utf8.h"

enum {
    INFO_BITS = 5,
    INFO_MASK = 31,
    INFO_ONE_BYTE = 24, /* then 1, 2, 4 or 8 bytes of the value follow */
    INFO_EIGHT_BYTES = 27,
};

/* RFC 8949 §3. */
static bool cbor_head(struct str *rest, struct cbor_item *ret)
{
    unsigned info, n;

    if (rest->n == 0)
        return false;
    ret->kind = (enum cbor_kind)(rest->p[0] >> INFO_BITS);
    info = rest->p[0] & INFO_MASK;
    ret->value = info;
    *rest = str_skip(*rest, 1);
    if (info < INFO_ONE_BYTE)
        return true;
    if (info > INFO_EIGHT_BYTES)
        return false;
    n = 1u << (info - INFO_ONE_BYTE);
    if (rest->n < n)
        return false;
    ret->value = 0;
    for (unsigned i = 0; i < n; i++)
        ret->value = ret->value << 8 | rest->p[i];
    *rest = str_skip(*rest, n);
    return true;
}

bool cbor_next(struct str *rest, struct cbor_item *ret_item)
{
    struct cbor_item item = {0};

    if (!cbor_head(rest, &item))
        return false;
    if (item.kind == CBOR_BYTES || item.kind == CBOR_TEXT) {
        if (item.value > rest->n)
            return false;
        item.str = (struct str){rest->p, (size_t)item.value};
        *rest = str_skip(*rest, item.str.n);
    }
    if (item.kind == CBOR_TEXT && !utf8_valid(item.str))
        return false;
    *ret_item = item;
    return true;
}

/* How many items are within that one, at least; each has a byte or more. */
static uint64_t cbor_within(const struct cbor_item *item)
{
    switch (item->kind) {
    case CBOR_ARRAY:
    case CBOR_MAP:
        return item->value;
    case CBOR_TAG:
        return 1;
    case CBOR_UINT:
    case CBOR_NEGATIVE:
    case CBOR_BYTES:
    case CBOR_TEXT:
    case CBOR_OTHER:
        break;
    }
    return 0;
}

bool cbor_skip(struct str *rest)
{
    uint64_t todo = 1;

    while (todo > 0) {
        struct cbor_item item;
        uint64_t within;

        if (!cbor_next(rest, &item))
            return false;
        within = cbor_within(&item);
        if (within > rest->n)
            return false;
        todo += within * (item.kind == CBOR_MAP ? 2 : 1) - 1;
        if (todo > rest->n)
            return false;
    }
    return true;
}

bool cbor_int(const struct cbor_item *item, int64_t *ret_v)
{
    if ((item->kind != CBOR_UINT && item->kind != CBOR_NEGATIVE) ||
        item->value > (uint64_t)INT64_MAX)
        return false;
    *ret_v = item->kind == CBOR_UINT ? (int64_t)item->value : -1 - (int64_t)item->value;
    return true;
}
