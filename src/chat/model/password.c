#include "chat/model/password.h"

#include "base/str.h"
#include "chat/model/names.h"

#include <sodium.h>
#include <stdlib.h>
#include <utf8proc.h>

/* Copies a character of the normal form, a space of any kind as the space. False if no password
 * has it. */
static bool put_char(utf8proc_int32_t c, const uint8_t *p, size_t n, char *to, size_t *at)
{
    utf8proc_category_t k = utf8proc_category(c);

    if (k == UTF8PROC_CATEGORY_CC || k == UTF8PROC_CATEGORY_CN || k == UTF8PROC_CATEGORY_CS)
        return false;
    if (k == UTF8PROC_CATEGORY_ZS) {
        p = (const uint8_t *)" ";
        n = 1;
    }
    if (*at + n > PASSWORD_BYTES_MAX)
        return false;
    memcpy(to + *at, p, n);
    *at += n;
    return true;
}

bool password_prepare(struct str text, char ret_text[static PASSWORD_BYTES_MAX], size_t *ret_n)
{
    utf8proc_uint8_t *composed = NULL;
    utf8proc_ssize_t n = -1;
    size_t chars = 0, from = 0, to = 0;
    bool ok = true;

    if (text.n > 0 && text.n <= 4 * PASSWORD_BYTES_MAX)
        n = utf8proc_map(text.p, (utf8proc_ssize_t)text.n, &composed,
                         UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    while (ok && n > 0 && from < (size_t)n) {
        utf8proc_int32_t c;
        utf8proc_ssize_t taken = utf8proc_iterate(composed + from, n - (utf8proc_ssize_t)from, &c);

        ok = taken > 0 && put_char(c, composed + from, (size_t)taken, ret_text, &to);
        from += taken > 0 ? (size_t)taken : 0;
        chars++;
    }
    if (composed != NULL)
        sodium_memzero(composed, n > 0 ? (size_t)n : 0);
    free(composed);
    *ret_n = to;
    return ok && chars >= PASSWORD_MIN && chars <= PASSWORD_MAX;
}

bool password_is_name(struct str text, struct str name)
{
    char a[NAMES_KEY_MAX], b[NAMES_KEY_MAX];
    size_t a_n, b_n;

    return names_fold_prefix(text, a, &a_n) && names_fold_prefix(name, b, &b_n) &&
           str_eq((struct str){(uint8_t *)a, a_n}, (struct str){(uint8_t *)b, b_n});
}
