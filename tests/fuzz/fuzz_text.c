/* Any bytes as what people write: what is accepted is valid UTF-8 within its limits, and
 * what it was made is accepted again, and stays as it is. */
#include "base/str.h"
#include "base/utf8.h"
#include "chat/model/command.h"
#include "chat/model/names.h"
#include "chat/model/text.h"

#include <string.h>

#define INPUT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_message(struct str s)
{
    enum error_code e = text_message(s);

    assert(e == ERROR_NONE || e == ERROR_bad_utf8 || e == ERROR_empty || e == ERROR_bad_text);
    assert(utf8_valid(s) == (e != ERROR_bad_utf8));
    assert(e != ERROR_NONE || (s.n > 0 && memchr(s.p, 0, s.n) == NULL));
}

static void check_title(struct str s)
{
    struct str title = s, again;

    if (text_title(&title) != ERROR_NONE)
        return;
    again = title;
    assert(title.n == 0 || (title.p >= s.p && title.p + title.n <= s.p + s.n));
    assert(utf8_valid(title) && (title.n == 0 || memchr(title.p, '\n', title.n) == NULL));
    assert(text_title(&again) == ERROR_NONE && str_eq(again, title));
    assert(title.n == 0 || text_message(title) == ERROR_NONE);
}

static void check_name(struct str s)
{
    char key[NAMES_KEY_MAX], again[NAMES_KEY_MAX], made[4 * NAMES_CHARS_MAX];
    size_t n, again_n;

    if (names_fold(s, key, &n)) {
        assert(n > 0 && n <= sizeof(key) && utf8_valid((struct str){(uint8_t *)key, n}));
        if (names_fold((struct str){(uint8_t *)key, n}, again, &again_n)) /* no (5) of a \u2478 */
            assert(again_n == n && memcmp(again, key, n) == 0);
        if (text_name(s))
            assert(text_message(s) == ERROR_NONE);
    }
    n = names_make(s, made, sizeof(made));
    assert(n <= sizeof(made) && names_new((struct str){(uint8_t *)made, n}, key, &again_n));
}

static void check_emoji(struct str s)
{
    char emoji[TEXT_EMOJI_MAX], again[TEXT_EMOJI_MAX];
    size_t n, again_n;

    if (text_emoji(s, emoji, &n) != ERROR_NONE)
        return;
    assert(n > 0 && n <= sizeof(emoji) && utf8_valid((struct str){(uint8_t *)emoji, n}));
    assert(text_emoji((struct str){(uint8_t *)emoji, n}, again, &again_n) == ERROR_NONE);
    assert(again_n == n && memcmp(emoji, again, n) == 0);
}

/* The id is one, and in any case of ASCII the name has it. */
static void check_room(struct str s)
{
    uint8_t upper[INPUT_MAX], folded[TEXT_ROOM_MAX];
    char id[TEXT_ROOM_MAX], again[TEXT_ROOM_MAX];
    struct str room = {folded, 0};
    size_t n, again_n;

    if (!text_room(s, id, &n))
        return;
    assert(n > 0 && n <= sizeof(id));
    memcpy(folded, id, n);
    room.n = n;
    assert(command_fold_room(&room) && room.n == n && memcmp(room.p, id, n) == 0);
    for (size_t i = 0; i < s.n; i++)
        upper[i] = s.p[i] >= 'a' && s.p[i] <= 'z' ? (uint8_t)(s.p[i] - 32) : s.p[i];
    assert(text_room((struct str){upper, s.n}, again, &again_n));
    assert(again_n == n && memcmp(again, id, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str s = {data, n};

    if (n == 0 || n > INPUT_MAX)
        return 0;
    check_message(s);
    check_title(s);
    check_emoji(s);
    check_name(s);
    check_room(s);
    return 0;
}
