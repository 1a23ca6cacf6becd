#include "chat/model/guise.h"

#include "base/str.h"
#include "chat/model/names.h"
#include "chat/model/text.h"

#include <stdio.h>
#include <string.h>

/* https://host..., of characters that a URL has as they are (RFC 3986), so that nothing of it ends
 * an attribute or a style wherever it is shown. */
static bool is_picture_url(struct str s)
{
    static const char more[] = "-._~:/?#[]@!$&*+,;=%";
    struct str host = str_skip(s, MIN(s.n, sizeof("https://") - 1));

    if (!str_starts(s, STR("https://")) || s.n > GUISE_PICTURE_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!alnum && (c == '\0' || strchr(more, c) == NULL))
            return false;
    }
    host = str_cut(&host, '/');
    return host.n > 0 && memchr(host.p, '@', host.n) == NULL && host.p[0] != ':';
}

enum error_code guise_check(const struct guise *g, const char **ret_param)
{
    char key[NAMES_KEY_MAX], emoji[TEXT_EMOJI_MAX];
    size_t n;

    *ret_param = "as";
    if (g->name.n > 0 && !names_new(g->name, key, &n))
        return ERROR_bad_name;
    *ret_param = "picture";
    if (g->picture.n > 0 && !is_picture_url(g->picture) &&
        text_emoji(g->picture, emoji, &n) != ERROR_NONE)
        return ERROR_bad_picture;
    return ERROR_NONE;
}

struct str guise_encode(const struct guise *g, char buf[static GUISE_MAX])
{
    int n = snprintf(buf, GUISE_MAX, "%.*s\n%.*s", STR_ARGS(g->name), STR_ARGS(g->picture));

    assert(n > 0 && n < GUISE_MAX);
    return (struct str){(const uint8_t *)buf, (size_t)n};
}

struct guise guise_decode(struct str field)
{
    struct guise g = {.name = str_cut(&field, '\n')};

    g.picture = field;
    return g;
}

void guise_put(struct str field, struct json_out *o)
{
    struct guise g = guise_decode(field);

    if (field.n == 0)
        return;
    json_out_field_bool(o, "bot", true);
    if (g.name.n > 0)
        json_out_field_str(o, "as", g.name);
    if (g.picture.n > 0)
        json_out_field_str(o, "picture", g.picture);
}
