#include "gateway/selection.h"

#include "base/buf.h"
#include "base/str.h"
#include "gateway/json_path.h"

enum { VALUE_MAX = 4096 };

static bool is_path(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '[' || c == ']';
}

/* Takes a variable of the request's body off the expression; false if there is none. */
static bool take_variable(struct str *e, struct str *ret_path)
{
    static const struct str plain = {(const uint8_t *)"$request.body.", 14};
    static const struct str braced = {(const uint8_t *)"${request.body.", 15};
    size_t n = 0;

    if (str_starts(*e, braced) && memchr(e->p, '}', e->n) != NULL) {
        *ret_path = str_skip(str_cut(e, '}'), braced.n);
        return true;
    }
    if (!str_starts(*e, plain))
        return false;
    *e = str_skip(*e, plain.n);
    while (n < e->n && is_path(e->p[n]))
        n++;
    *ret_path = (struct str){e->p, n};
    *e = str_skip(*e, n);
    return true;
}

bool selection_evaluate(struct str expression, struct str body, struct buf *out)
{
    struct str e = expression;
    struct str path;

    while (e.n > 0) {
        if (take_variable(&e, &path)) {
            if (path.n == 0)
                return false;
            (void)!json_path_text(body, path, out);
            continue;
        }
        if (e.p[0] == '$')
            return false;
        if (e.p[0] == '\\' && e.n > 1)
            e = str_skip(e, 1);
        buf_append(out, (struct str){e.p, 1});
        e = str_skip(e, 1);
    }
    return true;
}

bool selection_valid(const char *expression)
{
    struct buf out CLEANUP(buf_fini);

    buf_init(&out, VALUE_MAX);
    return expression[0] != '\0' && selection_evaluate(str_of(expression), STR("{}"), &out);
}

const struct api_route *selection_route(const struct api *a, struct str body)
{
    struct buf key CLEANUP(buf_fini);
    const struct api_route *r = NULL;

    buf_init(&key, VALUE_MAX);
    if (selection_evaluate(str_of(a->selection), body, &key) && !key.failed && buf_len(&key) > 0 &&
        (buf_peek(&key).p[0] != '$' || str_eq(buf_peek(&key), STR("$default"))))
        r = api_route(a, buf_peek(&key));
    return r != NULL ? r : api_route(a, STR("$default"));
}
