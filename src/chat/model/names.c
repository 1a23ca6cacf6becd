#include "chat/model/names.h"

#include "base/str.h"
#include "chat/model/looks.h"
#include "chat/model/text.h"

#include <stdio.h>
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

static bool names_check(struct str name)
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
    return name.n > 0 && names_check(name) && names_fold_prefix(name, key, ret_n);
}

bool names_new(struct str name, char key[static NAMES_KEY_MAX], size_t *ret_n)
{
    char look[LOOKS_MAX];
    size_t n;

    return names_had(name, key, ret_n) && looks_of_one_hand(name) && looks_skeleton(name, look, &n);
}

bool names_had(struct str name, char key[static NAMES_KEY_MAX], size_t *ret_n)
{
    return names_fold(name, key, ret_n) && text_name(name);
}

/* The longest beginning of name that ends with a letter or digit and has at most that
 * many characters. */
static size_t beginning(struct str name, size_t chars)
{
    size_t at = 0, end = 0;

    while (at < name.n && chars-- > 0) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n = utf8proc_iterate(name.p + at, (utf8proc_ssize_t)(name.n - at), &c);

        if (n <= 0)
            break;
        at += (size_t)n;
        if (is_word(c))
            end = at;
    }
    return end;
}

/* Letters and digits stay, and " ._-" between them; everything else is "_". */
static size_t cleaned(struct str text, char *to, size_t max)
{
    size_t at = 0, n = 0;

    while (at < text.n) {
        utf8proc_int32_t c;
        utf8proc_ssize_t len = utf8proc_iterate(text.p + at, (utf8proc_ssize_t)(text.n - at), &c);
        size_t taken = len > 0 ? (size_t)len : 1;
        bool word = len > 0 && (text_in_name(c, n == 0));
        bool twice = len == 1 && text.p[at] == ' ' && n > 0 && to[n - 1] == ' ';
        bool stays = word || (len == 1 && memchr(" .-", text.p[at], 3) != NULL);

        if (n + taken > max)
            break;
        if (stays)
            memcpy(to + n, text.p + at, taken);
        else
            to[n] = '_';
        if ((word || n > 0) && !twice)
            n += stays ? taken : 1;
        at += taken;
    }
    return n;
}

size_t names_make(struct str text, char *ret_name, size_t max)
{
    struct str rest = text, first = str_cut(&rest, '@');
    char key[NAMES_KEY_MAX];
    size_t n, key_n;

    assert(max >= 4 * NAMES_CHARS_MAX);
    n = cleaned(first.n > 0 ? first : text, ret_name, max);
    n = beginning((struct str){(const uint8_t *)ret_name, n}, NAMES_CHARS_MAX);
    if (names_new((struct str){(const uint8_t *)ret_name, n}, key, &key_n))
        return n;
    memcpy(ret_name, "user", 4);
    return 4;
}

size_t names_number(struct str name, uint64_t number, char *ret_name, size_t max)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "-%llu", (unsigned long long)number);
    size_t chars = NAMES_CHARS_MAX - (size_t)n, kept, key_n;
    char key[NAMES_KEY_MAX];

    do { /* a character may fold to many */
        assert(chars > 0);
        kept = beginning(name, chars--);
        assert(kept + (size_t)n <= max);
        memmove(ret_name, name.p, kept);
        memcpy(ret_name + kept, digits, (size_t)n);
    } while (!names_new((struct str){(const uint8_t *)ret_name, kept + (size_t)n}, key, &key_n));
    return kept + (size_t)n;
}
