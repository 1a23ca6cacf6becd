/* Writes src/chat/model/looks.inc, by ICU, on standard output:
 *   cc tools/gen-looks.c -o build/gen-looks -licui18n -licuuc && build/gen-looks \
 *     > src/chat/model/looks.inc
 * The Debian package libicu-dev has ICU. Of each letter, mark and digit: what it looks like (the
 * confusable skeleton of UTS #39), if that is anything else; and the scripts that it is of, each
 * set augmented as UTS #39 says. docs/decisions/0022-names-by-a-table.md says why it is a table. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/uspoof.h>
#include <unicode/ustring.h>
#include <unicode/uversion.h>

#define WORDS 4 /* of a set: 256 bits */
#define SETS_MAX 512

struct set {
    uint64_t words[WORDS];
};

static struct set sets[SETS_MAX];
static unsigned sets_n;
static char pool[1 << 16];
static size_t pool_n;

/* In a name: as names_check in src/chat/model/names.c. */
static int in_name(UChar32 c)
{
    uint32_t mask = U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK;

    return (U_MASK(u_charType(c)) & mask) != 0 || (c < 128 && c > 0 && strchr(" ._-", c) != NULL);
}

static void add(struct set *s, int script)
{
    if (script < 64 * WORDS)
        s->words[script / 64] |= 1ULL << (script % 64);
}

/* Nothing: of any script. */
static struct set scripts_of(UChar32 c)
{
    UScriptCode codes[64];
    UErrorCode e = U_ZERO_ERROR;
    struct set s = {{0}};
    int n = uscript_getScriptExtensions(c, codes, 64, &e);

    for (int i = 0; i < n; i++) {
        if (codes[i] == USCRIPT_COMMON || codes[i] == USCRIPT_INHERITED)
            return (struct set){{0}};
        add(&s, codes[i]);
        if (codes[i] == USCRIPT_HAN || codes[i] == USCRIPT_BOPOMOFO)
            add(&s, USCRIPT_HAN_WITH_BOPOMOFO);
        if (codes[i] == USCRIPT_HAN || codes[i] == USCRIPT_HIRAGANA || codes[i] == USCRIPT_KATAKANA)
            add(&s, USCRIPT_JAPANESE);
        if (codes[i] == USCRIPT_HAN || codes[i] == USCRIPT_HANGUL)
            add(&s, USCRIPT_KOREAN);
    }
    return s;
}

static unsigned set_index(struct set s)
{
    unsigned i = 0;

    while (i < sets_n && memcmp(&sets[i], &s, sizeof(s)) != 0)
        i++;
    if (i == sets_n)
        sets[sets_n++] = s;
    return i;
}

static void write_ranges(void)
{
    int from = -1, now = -1;

    for (UChar32 c = 0; c <= UCHAR_MAX_VALUE + 1; c++) {
        int set = c <= UCHAR_MAX_VALUE && in_name(c) ? (int)set_index(scripts_of(c)) : -1;

        if (set == now)
            continue;
        if (now >= 0)
            printf("LOOKS_RANGE(0x%X, 0x%X, %d)\n", (unsigned)from, (unsigned)c - 1, now);
        from = c;
        now = set;
    }
    for (unsigned i = 0; i < sets_n; i++)
        printf("LOOKS_SET(0x%llX, 0x%llX, 0x%llX, 0x%llX)\n", (unsigned long long)sets[i].words[0],
               (unsigned long long)sets[i].words[1], (unsigned long long)sets[i].words[2],
               (unsigned long long)sets[i].words[3]);
}

static size_t pool_at(const char *text, size_t n)
{
    for (size_t i = 0; i + n <= pool_n; i++)
        if (memcmp(pool + i, text, n) == 0)
            return i;
    memcpy(pool + pool_n, text, n);
    pool_n += n;
    return pool_n - n;
}

static void write_look(const USpoofChecker *checker, const UNormalizer2 *nfd, UChar32 c)
{
    UChar in[2], decomposed[64], out[64];
    char text[256];
    int32_t in_n = 0, n, out_n, text_n = 0;
    UErrorCode e = U_ZERO_ERROR;

    U16_APPEND_UNSAFE(in, in_n, c);
    n = unorm2_normalize(nfd, in, in_n, decomposed, 64, &e);
    if (n != in_n || u_memcmp(in, decomposed, n) != 0)
        return; /* looked up is what is decomposed */
    out_n = uspoof_getSkeleton(checker, 0, in, in_n, out, 64, &e);
    if (out_n == in_n && u_memcmp(in, out, in_n) == 0)
        return;
    u_strToUTF8(text, sizeof(text), &text_n, out, out_n, &e);
    if (U_FAILURE(e))
        return;
    printf("LOOKS_LIKE(0x%X, %zu, %d)\n", (unsigned)c, pool_at(text, (size_t)text_n), text_n);
}

int main(void)
{
    UErrorCode e = U_ZERO_ERROR;
    USpoofChecker *checker = uspoof_open(&e);
    const UNormalizer2 *nfd = unorm2_getNFDInstance(&e);

    if (U_FAILURE(e))
        return 1;
    printf("/* Made by tools/gen-looks.c by ICU " U_ICU_VERSION ", of Unicode " U_UNICODE_VERSION
           ". Copyright Unicode, Inc.;\n"
           " * terms of use: https://www.unicode.org/terms_of_use.html. */\n");
    printf("#define LOOKS_LATIN %d\n#define LOOKS_WITH_LATIN %d, %d, %d\n", USCRIPT_LATIN,
           USCRIPT_HAN_WITH_BOPOMOFO, USCRIPT_JAPANESE, USCRIPT_KOREAN);
    for (UChar32 c = 0; c <= UCHAR_MAX_VALUE; c++)
        if (in_name(c))
            write_look(checker, nfd, c);
    write_ranges();
    printf("LOOKS_POOL(");
    for (size_t i = 0; i < pool_n; i++)
        printf("%s\\%03o%s", i % 20 == 0 ? "\n\"" : "", (unsigned char)pool[i],
               i % 20 == 19 || i + 1 == pool_n ? "\"" : "");
    printf(")\n");
    uspoof_close(checker);
    return 0;
}
