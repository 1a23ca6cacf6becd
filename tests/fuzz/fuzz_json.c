/* Any bytes as JSON: what is read is written, and read again as the same; and
 * skipping a text accepts it exactly if walking through it does. */
#include "base/json.h"
#include "base/str.h"

#include <stdlib.h>

enum { DEPTH_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static uint8_t *copy(const uint8_t *data, size_t n)
{
    uint8_t *p = malloc(n > 0 ? n : 1);

    assert(p != NULL);
    if (n > 0)
        memcpy(p, data, n);
    return p;
}

static void write_token(struct json_out *o, const struct json *j, enum json_token t)
{
    switch (t) {
    case JSON_OBJECT:
        json_out_object(o);
        break;
    case JSON_OBJECT_END:
        json_out_object_end(o);
        break;
    case JSON_ARRAY:
        json_out_array(o);
        break;
    case JSON_ARRAY_END:
        json_out_array_end(o);
        break;
    case JSON_STRING:
        json_out_str(o, j->str);
        break;
    case JSON_INT:
        json_out_i64(o, j->i64);
        break;
    case JSON_NUMBER:
        json_out_raw(o, j->str);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        json_out_bool(o, t == JSON_TRUE);
        break;
    case JSON_NULL:
        json_out_null(o);
        break;
    case JSON_END:
    case JSON_ERROR:
        break;
    }
}

/* Writes what data holds to out. Whether it was JSON. */
static bool rewrite(const uint8_t *data, size_t n, struct buf *out)
{
    bool objects[DEPTH_MAX + 1] = {false};
    uint8_t *text = copy(data, n);
    unsigned depth = 0;
    struct json_out o;
    enum json_token t;
    struct json j;

    json_out_init(&o, out);
    json_init(&j, text, n, DEPTH_MAX);
    do {
        t = json_next(&j);
        if (objects[depth] && t != JSON_OBJECT_END && t != JSON_ERROR)
            json_out_key_str(&o, j.key);
        write_token(&o, &j, t);
        if (t == JSON_OBJECT || t == JSON_ARRAY)
            objects[++depth] = t == JSON_OBJECT;
        if (t == JSON_OBJECT_END || t == JSON_ARRAY_END)
            depth--;
    } while (t != JSON_END && t != JSON_ERROR);
    assert((t == JSON_ERROR) == (j.error != JSON_OK));
    free(text);
    return t == JSON_END;
}

static bool skip_all(const uint8_t *data, size_t n)
{
    uint8_t *text = copy(data, n);
    struct json j;
    bool good;

    json_init(&j, text, n, DEPTH_MAX);
    good = json_skip(&j, json_next(&j)) && json_next(&j) == JSON_END;
    free(text);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf first CLEANUP(buf_fini), second CLEANUP(buf_fini);
    bool good;

    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    good = rewrite(data, n, &first);
    assert(good == skip_all(data, n));
    if (!good)
        return 0;
    assert(!first.failed);
    good = rewrite(first.bytes, buf_len(&first), &second);
    assert(good && str_eq(buf_peek(&first), buf_peek(&second)));
    return 0;
}
