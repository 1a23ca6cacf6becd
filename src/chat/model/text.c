#include "chat/model/text.h"

#include "base/str.h"
#include "base/utf8.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define MARKS_MAX 10
#define NAME_MARKS_MAX 4
#define ROOM_CHARS_MAX 128
#define ROOM_READABLE_MAX 40
#define ROOM_HASH_CHARS 16

/* Of UTS #51, as tools/gen-emoji writes them. */
enum { EMOJI = 1, PRESENTATION = 2, MODIFIER = 4, MODIFIER_BASE = 8, PICTOGRAPHIC = 16 };

#define JOINER 0x200d
#define KEYCAP 0x20e3
#define VARIATION_TEXT 0xfe0e
#define VARIATION_EMOJI 0xfe0f
#define BLACK_FLAG 0x1f3f4
#define REGION_A 0x1f1e6
#define REGION_Z 0x1f1ff
#define TAG_FIRST 0xe0020
#define TAG_LAST 0xe007e
#define TAG_END 0xe007f
#define TAGS_MAX 6
#define BRAILLE_BLANK 0x2800
#define PLANE_1 0x10000

static const struct {
    int32_t first, last;
    uint8_t flags;
} emoji[] = {
#include "chat/model/emoji.inc"
};

/* The next code point of a valid text; -1 at the end. */
static int32_t take_char(struct str *s)
{
    utf8proc_int32_t c = -1;
    utf8proc_ssize_t n;

    if (s->n == 0)
        return -1;
    n = utf8proc_iterate(s->p, (utf8proc_ssize_t)s->n, &c);
    assert(n > 0);
    *s = str_skip(*s, (size_t)n);
    return c;
}

static int32_t peek_char(struct str s)
{
    return take_char(&s);
}

static bool is_mark(int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);

    return k == UTF8PROC_CATEGORY_MN || k == UTF8PROC_CATEGORY_ME;
}

static bool is_ignorable(int32_t c)
{
    return utf8proc_get_property(c)->ignorable;
}

static bool is_letter(int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);

    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO) ||
           (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO);
}

/* Is there something to see by itself? What is not assigned yet may be the next emoji. */
static bool is_visible(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
        return false;
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
    case UTF8PROC_CATEGORY_CO:
        break;
    }
    return c != BRAILLE_BLANK && !is_ignorable(c);
}

/* Embeddings, overrides and isolates: they reach beyond the text that they stand in. */
static bool turns_direction(int32_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static bool is_line_end(int32_t c)
{
    return c == '\n' || c == '\r' || c == 0x2028 || c == 0x2029;
}

static bool may_stand(int32_t c, bool one_line)
{
    if (one_line && (turns_direction(c) || is_line_end(c) || c == '\t'))
        return false;
    return utf8proc_category(c) != UTF8PROC_CATEGORY_CC || c == '\t' || is_line_end(c);
}

/* ASCII without control characters, of which something can be seen: most texts. */
static bool is_plain(struct str s)
{
    bool seen = false;

    for (size_t i = str_printable(s); i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] >= 0x7f)
            return false;
    for (size_t i = 0; i < s.n && !seen; i++)
        seen = s.p[i] != ' ';
    return seen;
}

static enum error_code text_check(struct str s, bool one_line)
{
    unsigned marks = 0;
    bool seen = false;
    int32_t c;

    if (is_plain(s))
        return ERROR_NONE;
    if (!utf8_valid(s))
        return ERROR_bad_utf8;
    while ((c = take_char(&s)) >= 0) {
        if (!may_stand(c, one_line))
            return ERROR_bad_text;
        marks = is_mark(c) ? marks + 1 : 0;
        if (marks > MARKS_MAX)
            return ERROR_bad_text;
        seen = seen || is_visible(c);
    }
    return seen ? ERROR_NONE : ERROR_empty;
}

enum error_code text_message(struct str s)
{
    return text_check(s, false);
}

enum error_code text_title(struct str *s)
{
    if (s->n == 0)
        return ERROR_NONE;
    while (s->n > 0 && s->p[0] == ' ')
        *s = str_skip(*s, 1);
    while (s->n > 0 && s->p[s->n - 1] == ' ')
        s->n--;
    return text_check(*s, true);
}

bool text_in_name(int32_t c, bool begins)
{
    bool mark = is_mark(c) || utf8proc_category(c) == UTF8PROC_CATEGORY_MC;

    return !is_ignorable(c) && (is_letter(c) || (mark && !begins));
}

bool text_name(struct str s)
{
    int32_t c, last = -1;
    unsigned marks = 0;

    while ((c = take_char(&s)) >= 0) {
        bool letter = is_letter(c);

        if ((last < 0 && !letter) || (c == ' ' && last == ' ') || is_ignorable(c))
            return false;
        marks = letter || c < 0x80 ? 0 : marks + 1;
        if (marks > NAME_MARKS_MAX)
            return false;
        last = c;
    }
    return last >= 0;
}

/* Emoji. */

/* A new emoji, of a Unicode that is younger than the table, is one of the characters that
 * are kept for them. */
static unsigned emoji_flags(int32_t c)
{
    size_t low = 0, high = COUNTOF(emoji);

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (c > emoji[middle].last)
            low = middle + 1;
        else if (c < emoji[middle].first)
            high = middle;
        else if (emoji[middle].flags == PICTOGRAPHIC && c > PLANE_1 &&
                 utf8proc_category(c) == UTF8PROC_CATEGORY_CN)
            return EMOJI | PRESENTATION | MODIFIER_BASE;
        else
            return emoji[middle].flags;
    }
    return 0;
}

struct speller {
    struct str rest;
    char *to;
    size_t n;
    bool full; /* it would be too long */
};

static void spell(struct speller *s, int32_t c)
{
    utf8proc_uint8_t bytes[4];
    size_t n = (size_t)utf8proc_encode_char(c, bytes);

    s->full = s->full || s->n + n > TEXT_EMOJI_MAX;
    if (s->full)
        return;
    memcpy(s->to + s->n, bytes, n);
    s->n += n;
}

static bool skip_char(struct speller *s, int32_t c)
{
    if (peek_char(s->rest) != c)
        return false;
    (void)take_char(&s->rest);
    return true;
}

static bool is_region(int32_t c)
{
    return c >= REGION_A && c <= REGION_Z;
}

/* emoji_tag_sequence: what stands behind a flag, with its end. */
static bool take_tags(struct speller *s)
{
    unsigned n = 0;

    while (peek_char(s->rest) >= TAG_FIRST && peek_char(s->rest) <= TAG_LAST && n++ < TAGS_MAX)
        spell(s, take_char(&s->rest));
    if (n == 0)
        return true;
    spell(s, TAG_END);
    return skip_char(s, TAG_END);
}

/* emoji_keycap_sequence. */
static bool take_keycap(struct speller *s, int32_t c)
{
    (void)skip_char(s, VARIATION_EMOJI);
    spell(s, c);
    spell(s, VARIATION_EMOJI);
    spell(s, KEYCAP);
    return skip_char(s, KEYCAP);
}

/* emoji_zwj_element, in its full spelling: U+FE0F where it is text without. */
static bool take_element(struct speller *s)
{
    int32_t c = take_char(&s->rest), next;
    unsigned flags = c >= 0 ? emoji_flags(c) : 0;

    if (c < 0x80)
        return c >= 0 && (flags & EMOJI) != 0 && take_keycap(s, c);
    if (is_region(c)) {
        next = take_char(&s->rest);
        spell(s, c);
        if (is_region(next))
            spell(s, next);
        return is_region(next);
    }
    if ((flags & EMOJI) == 0 || (flags & MODIFIER) != 0)
        return false;
    spell(s, c);
    (void)skip_char(s, VARIATION_EMOJI);
    next = peek_char(s->rest);
    if (next >= 0 && (flags & MODIFIER_BASE) != 0 && (emoji_flags(next) & MODIFIER) != 0)
        spell(s, take_char(&s->rest));
    else if ((flags & PRESENTATION) == 0)
        spell(s, VARIATION_EMOJI);
    return c != BLACK_FLAG || take_tags(s);
}

enum error_code text_emoji(struct str text, char ret_emoji[static TEXT_EMOJI_MAX], size_t *ret_n)
{
    struct speller s = {.rest = text, .to = ret_emoji};
    unsigned elements = 0;

    if (text.n == 0)
        return ERROR_empty;
    if (text.n > TEXT_EMOJI_MAX)
        return ERROR_too_long;
    if (!utf8_valid(text))
        return ERROR_bad_utf8;
    do {
        if (elements > 0)
            spell(&s, JOINER);
        if (++elements > 4 || !take_element(&s))
            return ERROR_bad_emoji;
    } while (skip_char(&s, JOINER));
    if (s.rest.n > 0 || s.full)
        return ERROR_bad_emoji;
    *ret_n = s.n;
    return ERROR_NONE;
}

/* Rooms. */

uint8_t *text_fold(struct str name, size_t *ret_n)
{
    utf8proc_uint8_t *folded = NULL;
    utf8proc_ssize_t n = utf8proc_map(name.p, (utf8proc_ssize_t)name.n, &folded,
                                      UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE |
                                          UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    size_t kept = 0;

    for (utf8proc_ssize_t i = 0; i < n; i++)
        if (folded[i] != ' ' || (kept > 0 && folded[kept - 1] != ' '))
            folded[kept++] = folded[i];
    while (kept > 0 && folded[kept - 1] == ' ')
        kept--;
    *ret_n = kept;
    if (kept > 0)
        return folded;
    free(folded);
    return NULL;
}

/* To be freed; NULL: it has no letter or digit. */
static uint8_t *fold_room(struct str name, size_t *ret_n)
{
    uint8_t *folded = text_fold(name, ret_n);
    bool lettered = false;
    struct str rest = {folded, *ret_n};

    while (folded != NULL && rest.n > 0)
        if (is_letter(take_char(&rest)))
            lettered = true;
    if (lettered)
        return folded;
    free(folded);
    return NULL;
}

static bool is_reserved(struct str folded)
{
    return folded.p[0] == '@' || (folded.n > 2 && memcmp(folded.p, "dm:", 3) == 0);
}

bool text_room(struct str name, char ret_id[static TEXT_ROOM_MAX], size_t *ret_n)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t hash[SHA256_DIGEST_LENGTH], *folded;
    size_t folded_n = 0, n = 0;

    if (text_title(&name) != ERROR_NONE || name.n == 0 || utf8_count(name) > ROOM_CHARS_MAX)
        return false;
    folded = fold_room(name, &folded_n);
    if (folded == NULL)
        return false;
    if (is_reserved((struct str){folded, folded_n})) {
        free(folded);
        return false;
    }
    for (size_t i = 0; i < folded_n && n < ROOM_READABLE_MAX; i++) {
        bool ok = (folded[i] >= 'a' && folded[i] <= 'z') || (folded[i] >= '0' && folded[i] <= '9');

        if (ok)
            ret_id[n++] = (char)folded[i];
        else if (n > 0 && ret_id[n - 1] != '-')
            ret_id[n++] = '-';
    }
    if (n > 0 && ret_id[n - 1] != '-')
        ret_id[n++] = '-';
    (void)SHA256(folded, folded_n, hash);
    free(folded);
    for (unsigned i = 0; i < ROOM_HASH_CHARS; i++)
        ret_id[n++] = digits[hash[i] % 32];
    *ret_n = n;
    return true;
}
