#include "admin/bearer.h"

#include <stdlib.h>
#include <string.h>

static bool is_token(const char *s)
{
    for (const char *p = s; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~')
            return false;
    return s[0] != '\0';
}

bool bearer_header(const char *token, struct buf *b)
{
    buf_init(b, BEARER_MAX);
    if (!is_token(token))
        return false;
    if (buf_reserve(b, BEARER_MAX) == NULL) /* it never moves, and leaves no copy behind */
        abort();
    buf_printf(b, "Authorization: Bearer %s", token);
    buf_append_byte(b, '\0');
    return !b->failed;
}

void bearer_wipe(struct buf *b)
{
    if (b->bytes != NULL)
        explicit_bzero(b->bytes, b->cap);
    buf_fini(b);
}
