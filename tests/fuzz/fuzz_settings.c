/* Any bytes as a room's settings: what decodes encodes to the same bytes, and what clients are
 * shown of it is an object. */
#include "base/str.h"
#include "base/utf8.h"
#include "chat/model/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool is_text(const struct settings *s)
{
    return utf8_valid(s->topic) && utf8_valid(s->description) && utf8_valid(s->icon);
}

static void check_shown(const struct settings *s)
{
    struct buf b CLEANUP(buf_fini);
    struct json_out o;
    struct json j;
    enum json_token t;

    buf_init(&b, 1 << 20);
    json_out_init(&o, &b);
    json_out_object(&o);
    settings_put(s, true, &o);
    json_out_object_end(&o);
    json_init(&j, (uint8_t *)(uintptr_t)buf_peek(&b).p, buf_len(&b), 4);
    while ((t = json_next(&j)) != JSON_END)
        assert(t != JSON_ERROR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf b CLEANUP(buf_fini);
    struct settings s;

    buf_init(&b, 1 << 20);
    if (!settings_decode((struct str){data, n}, &s))
        return 0;
    settings_encode(&s, &b);
    assert(str_eq(str_skip(buf_peek(&b), 1), str_skip((struct str){data, n}, 1)));
    if (is_text(&s))
        check_shown(&s);
    return 0;
}
