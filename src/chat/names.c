#include "chat/names.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static bool is_word(utf8proc_int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);

    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO) ||
           (k >= UTF8PROC_CATEGORY_MN && k <= UTF8PROC_CATEGORY_ME) ||
           (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO);
}

static bool check(struct str name)
{
    bool first = true, last_word = false;
    size_t at = 0;

    while (at < name.n) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n = utf8proc_iterate(name.p + at, (utf8proc_ssize_t)(name.n - at), &c);

        if (n <= 0)
            return false;
        last_word = is_word(c);
        if (!last_word && (first || (c != ' ' && c != '.' && c != '_' && c != '-')))
            return false;
        first = false;
        at += (size_t)n;
    }
    return last_word;
}

bool names_fold_prefix(struct str text, char key[static NAMES_KEY_MAX], size_t *ret_n)
{
    utf8proc_uint8_t *folded = NULL;
    utf8proc_ssize_t n;
    bool ok;

    if (text.n == 0) {
        *ret_n = 0;
        return true;
    }
    n = utf8proc_map(text.p, (utf8proc_ssize_t)text.n, &folded,
                     UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD |
                         UTF8PROC_IGNORE);
    ok = n > 0 && n <= NAMES_KEY_MAX;
    if (ok) {
        memcpy(key, folded, (size_t)n);
        *ret_n = (size_t)n;
    }
    free(folded);
    return ok;
}

bool names_fold(struct str name, char key[static NAMES_KEY_MAX], size_t *ret_n)
{
    return name.n > 0 && check(name) && names_fold_prefix(name, key, ret_n);
}
