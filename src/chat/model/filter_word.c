#include "chat/model/filter_word.h"

#include "base/str.h"
#include "chat/model/looks.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static_assert(FILTER_KEY_MAX >= LOOKS_MAX, "a skeleton is a key");

/* A longer word is none of a list, nor is it one that looks like such. */
#define WORD_BYTES_MAX 2048

enum letter {
    APART, /* it ends a word */
    INNER, /* of a word with others */
    ALONE, /* a word by itself */
    MARK,  /* of the word that it stands behind */
};

/* Scripts that put no space between words. */
static const struct {
    int32_t first, last;
} unspaced[] = {
    {0x0e00, 0x0eff}, /* Thai, Lao */
    {0x1000, 0x109f}, /* Myanmar */
    {0x1780, 0x17ff}, /* Khmer */
    {0x3040, 0x30ff}, /* Hiragana, Katakana */
    {0x3400, 0x4dbf}, {0x4e00, 0x9fff}, {0xf900, 0xfaff}, {0x20000, 0x3fffd}, /* Han */
};

static bool is_unspaced(int32_t c)
{
    for (size_t i = 0; i < COUNTOF(unspaced) && c >= unspaced[i].first; i++)
        if (c <= unspaced[i].last)
            return true;
    return false;
}

/* A letter in a circle or a square, which Unicode has among the symbols. */
static bool is_framed(int32_t c)
{
    return (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149);
}

static enum letter letter_of(int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);
    bool letter = k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
    bool number = k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO;

    if (letter || number || is_framed(c))
        return is_unspaced(c) ? ALONE : INNER;
    if ((k >= UTF8PROC_CATEGORY_MN && k <= UTF8PROC_CATEGORY_ME) || k == UTF8PROC_CATEGORY_CF)
        return MARK;
    return k >= UTF8PROC_CATEGORY_SM && k <= UTF8PROC_CATEGORY_SO ? ALONE : APART;
}

/* The next character, of which there is one; the text is valid. */
static int32_t take_char(struct str *s)
{
    int32_t c = -1;
    utf8proc_ssize_t n;

    assert(s->n > 0);
    if (s->p[0] < 0x80) {
        c = s->p[0];
        n = 1;
    } else {
        n = utf8proc_iterate(s->p, (utf8proc_ssize_t)s->n, &c);
    }
    *s = str_skip(*s, n > 0 ? (size_t)n : 1);
    return c;
}

bool filter_word_next(struct str *rest, struct str *ret_word)
{
    enum letter word = APART;
    struct str from = *rest;

    while (rest->n > 0) {
        struct str next = *rest;
        enum letter l = letter_of(take_char(&next));

        if (word == APART && (l == INNER || l == ALONE)) {
            from = *rest;
            word = l;
        } else if (word != APART && l != MARK && !(word == INNER && l == INNER)) {
            break;
        }
        *rest = next;
    }
    assert(from.n >= rest->n);
    *ret_word = (struct str){from.p, from.n - rest->n};
    return word != APART;
}

static bool is_small(struct str word)
{
    for (size_t i = 0; i < word.n; i++)
        if (word.p[i] >= 0x80 || (word.p[i] >= 'A' && word.p[i] <= 'Z'))
            return false;
    return true;
}

static void key_of(struct str word, struct filter_key *ret)
{
    char skeleton[LOOKS_MAX];
    size_t n;

    ret->n = 0;
    if (word.n > WORD_BYTES_MAX || !looks_skeleton(word, skeleton, &n))
        return;
    assert(n <= sizeof(ret->bytes));
    memcpy(ret->bytes, skeleton, n);
    ret->n = n;
}

/* By another form of the word, which Unicode has as the same: wide and framed letters are plain
 * ones. */
static void key_of_form(struct str word, utf8proc_option_t more, struct filter_key *ret)
{
    utf8proc_uint8_t *form = NULL;
    utf8proc_ssize_t n = 0;

    if (word.n <= WORD_BYTES_MAX)
        n = utf8proc_map(word.p, (utf8proc_ssize_t)word.n, &form,
                         UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_IGNORE |
                             more);
    ret->n = 0;
    if (n > 0)
        key_of((struct str){form, (size_t)n}, ret);
    free(form);
}

void filter_word_key(struct str word, struct filter_key *ret)
{
    if (is_small(word))
        key_of(word, ret);
    else
        key_of_form(word, UTF8PROC_CASEFOLD, ret);
}

bool filter_word_key_shown(struct str word, struct filter_key *ret)
{
    if (is_small(word))
        return false;
    key_of_form(word, 0, ret);
    return true;
}
