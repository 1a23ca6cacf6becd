/* Unicode's whole confusables file, as ICU has it: of two names that look alike by it one
 * alone can be had: they share the key by which names are unique (chat/model/names.h), or that by
 * which their looks are (chat/model/looks.h). */
#include "chat/model/looks.h"

#include "base/str.h"
#include "chat/model/names.h"
#include "lib/check.h"

#include <stdlib.h>
#include <unicode/uchar.h>
#include <unicode/uspoof.h>
#include <utf8proc.h>

#define PAIRS_MIN 10000
/* Of which src/chat/model/looks.inc was made: another has other pairs. */
#define UNICODE_VERSION 15

/* Looks like U+0439 with a comma, which by itself looks like another letter again. Skeletons are
 * stored, so that this one stays as it is. */
#define KNOWN_GAP 0x048b

static size_t put_char(UChar32 c, char to[static 8])
{
    return (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)to);
}

/* What a person is known by: nobody else may have either of the two. */
struct known {
    char key[NAMES_KEY_MAX], skeleton[LOOKS_MAX];
    size_t key_n, skeleton_n;
};

/* False if the name is not permitted. */
static bool known_by(struct str name, struct known *ret)
{
    return names_new(name, ret->key, &ret->key_n) &&
           looks_skeleton(name, ret->skeleton, &ret->skeleton_n);
}

static bool same(const struct known *a, const struct known *b)
{
    return (a->key_n == b->key_n && memcmp(a->key, b->key, a->key_n) == 0) ||
           (a->skeleton_n == b->skeleton_n && memcmp(a->skeleton, b->skeleton, a->skeleton_n) == 0);
}

/* What ICU says that a character looks like, by itself; 0: like nothing else. */
static size_t looks_like(const USpoofChecker *icu, UChar32 c, char to[static 128])
{
    char name[8];
    size_t n = put_char(c, name);
    UErrorCode e = U_ZERO_ERROR;
    int32_t like = uspoof_getSkeletonUTF8(icu, 0, name, (int32_t)n, to, 128, &e);

    assert_true(U_SUCCESS(e) && like >= 0);
    return (size_t)like == n && memcmp(name, to, n) == 0 ? 0 : (size_t)like;
}

/* Compares a name of the character alone with one of what it looks like; 1: both are permitted. */
static unsigned compare_pair(UChar32 c, struct str like)
{
    char one[8];
    struct str alone = {(const uint8_t *)one, put_char(c, one)};
    struct known a, b;

    if (!known_by(alone, &a) || !known_by(like, &b))
        return 0;
    if (!same(&a, &b))
        fail_msg("U+%04X and \"%.*s\" look alike, and both can be had: \"%.*s\", \"%.*s\"",
                 (unsigned)c, (int)like.n, (const char *)like.p, (int)a.skeleton_n, a.skeleton,
                 (int)b.skeleton_n, b.skeleton);
    return 1;
}

static void each_confusable_pair_of_names_collides(void **state)
{
    UErrorCode e = U_ZERO_ERROR;
    USpoofChecker *icu = uspoof_open(&e);
    unsigned pairs = 0;
    UVersionInfo version;
    char like[128];

    (void)state;
    assert_true(U_SUCCESS(e));
    u_getUnicodeVersion(version);
    if (version[0] != UNICODE_VERSION)
        skip();
    for (UChar32 c = 0x21; c <= UCHAR_MAX_VALUE; c++) {
        size_t n = u_charType(c) == U_SURROGATE || !u_isdefined(c) ? 0 : looks_like(icu, c, like);

        if (n > 0 && c != KNOWN_GAP)
            pairs += compare_pair(c, (struct str){(const uint8_t *)like, n});
    }
    uspoof_close(icu);
    if (pairs < PAIRS_MIN)
        fail_msg("%u pairs alone were compared", pairs);
    print_message("%u pairs\n", pairs);
}

CHECK_MAIN(cmocka_unit_test(each_confusable_pair_of_names_collides))
