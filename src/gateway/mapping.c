#include "gateway/mapping.h"

#include "base/base64.h"
#include "base/str.h"
#include "gateway/json_path.h"
#include "wire/url.h"

enum { VALUE_MAX = 1024 * 1024 };

/* Sources of request parameters: each appends what stands behind its prefix, and is false,
 * with nothing appended, if there is no such value. */

static bool source_context(const struct occasion *o, const struct api *a, struct str name,
                           struct buf *out)
{
    (void)a;
    return occasion_context(o, name, out);
}

static bool source_variable(const struct occasion *o, const struct api *a, struct str name,
                            struct buf *out)
{
    const char *variable = api_pairs_get(&a->stage.variables, name);

    (void)o;
    buf_append(out, str_of(variable != NULL ? variable : ""));
    return variable != NULL;
}

static bool source_member(const struct occasion *o, const struct api *a, struct str name,
                          struct buf *out)
{
    (void)a;
    return json_path_text(o->body, name, out);
}

static bool append_headers(const struct occasion *o, struct str name, bool all, struct buf *out)
{
    const struct http1_headers *h;
    bool any = false;

    if (o->link->request == NULL)
        return false;
    h = &o->link->request->headers;
    for (size_t i = 0; i < h->n; i++) {
        if (!str_eq_nocase(h->at[i].name, name))
            continue;
        if (any && all)
            buf_append_byte(out, ',');
        if (!any || all)
            buf_append(out, h->at[i].value);
        any = true;
    }
    return any;
}

static bool source_header(const struct occasion *o, const struct api *a, struct str name,
                          struct buf *out)
{
    (void)a;
    return append_headers(o, name, false, out);
}

static bool source_headers(const struct occasion *o, const struct api *a, struct str name,
                           struct buf *out)
{
    (void)a;
    return append_headers(o, name, true, out);
}

static bool source_query(const struct occasion *o, const struct api *a, struct str name,
                         struct buf *out)
{
    uint8_t value[8192];
    size_t n;

    (void)a;
    if (o->link->request == NULL ||
        !url_query_get(o->link->request->query, name, value, sizeof(value), &n))
        return false;
    buf_append(out, (struct str){value, n});
    return true;
}

/* What begins with the prefix and has a name behind it. */
static const struct source {
    const char *prefix;
    bool (*append)(const struct occasion *o, const struct api *a, struct str name, struct buf *out);
    unsigned uses;
} sources[] = {
    {"context.", source_context, MAPPING_EVENT | MAPPING_CONNECT | MAPPING_IDENTITY},
    {"stageVariables.", source_variable, MAPPING_EVENT | MAPPING_CONNECT | MAPPING_IDENTITY},
    {"route.request.body.", source_member, MAPPING_EVENT | MAPPING_CONNECT},
    {"route.request.header.", source_header, MAPPING_CONNECT | MAPPING_IDENTITY},
    {"route.request.multivalueheader.", source_headers, MAPPING_CONNECT},
    {"route.request.querystring.", source_query, MAPPING_CONNECT | MAPPING_IDENTITY},
    {"route.request.multivaluequerystring.", source_query, MAPPING_CONNECT},
};

static const struct source *find_source(struct str source)
{
    for (size_t i = 0; i < COUNTOF(sources); i++)
        if (str_starts(source, str_of(sources[i].prefix)) && source.n > strlen(sources[i].prefix))
            return &sources[i];
    return NULL;
}

static bool is_static(struct str source)
{
    return source.n >= 2 && source.p[0] == '\'' && source.p[source.n - 1] == '\'';
}

bool mapping_source(const struct occasion *o, const struct api *a, struct str source,
                    struct buf *out)
{
    const struct source *s = find_source(source);

    if (is_static(source)) {
        buf_append(out, (struct str){source.p + 1, source.n - 2});
        return true;
    }
    if (str_eq(source, STR("route.request.body"))) {
        buf_append(out, o->body);
        return o->body.n > 0;
    }
    return s != NULL && s->append(o, a, str_skip(source, strlen(s->prefix)), out);
}

unsigned mapping_source_uses(struct str source)
{
    const struct source *s = find_source(source);

    if (is_static(source) || str_eq(source, STR("route.request.body")))
        return MAPPING_EVENT | MAPPING_CONNECT;
    return s != NULL ? s->uses : 0;
}

/* Templates. */

struct rendering {
    const struct occasion *o; /* NULL: only whether it can be evaluated */
    const struct api *a;
    struct str input;
};

static bool is_name(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* A run of names and dots; a dot at its end is text ("$context.stage."). */
static struct str take_name(struct str *t)
{
    size_t n = 0;
    struct str name;

    while (n < t->n &&
           (is_name(t->p[n]) || (t->p[n] == '.' && n + 1 < t->n && is_name(t->p[n + 1]))))
        n++;
    name = (struct str){t->p, n};
    *t = str_skip(*t, n);
    return name;
}

static bool take(struct str *t, struct str what)
{
    if (!str_starts(*t, what))
        return false;
    *t = str_skip(*t, what.n);
    return true;
}

/* ('PATH') or ("PATH"). */
static bool take_path(struct str *t, struct str *ret)
{
    uint8_t quote;
    const uint8_t *end;

    if (!take(t, STR("(")) || t->n == 0 || (t->p[0] != '\'' && t->p[0] != '"'))
        return false;
    quote = t->p[0];
    end = memchr(t->p + 1, quote, t->n - 1);
    if (end == NULL)
        return false;
    *ret = (struct str){t->p + 1, (size_t)(end - t->p) - 1};
    *t = str_skip(*t, ret->n + 2);
    return take(t, STR(")"));
}

/* As Velocity's $util.escapeJavaScript. */
static void append_escaped(struct str s, struct buf *out)
{
    static const char from[] = "\"\\/\b\f\n\r\t'", to[] = "\"\\/bfnrt'";

    for (size_t i = 0; i < s.n; i++) {
        const char *at = s.p[i] != 0 ? strchr(from, s.p[i]) : NULL;

        if (at != NULL) {
            buf_append_byte(out, '\\');
            buf_append_byte(out, (uint8_t)to[at - from]);
        } else if (s.p[i] < 0x20) {
            buf_printf(out, "\\u%04x", s.p[i]);
        } else {
            buf_append_byte(out, s.p[i]);
        }
    }
}

static bool render_input(const struct rendering *r, struct str *t, struct buf *out)
{
    struct str path = {0};

    if (take(t, STR("body"))) {
        buf_append(out, r->input);
        return true;
    }
    if (take(t, STR("json"))) {
        if (!take_path(t, &path))
            return false;
        if (r->o != NULL && !json_path_raw(r->input, path, out))
            buf_append(out, STR("\"\""));
        return true;
    }
    if (!take(t, STR("path")) || !take_path(t, &path))
        return false;
    if (r->o != NULL)
        (void)!json_path_text(r->input, path, out);
    return true;
}

/* A reference without the function around it; *t stands behind its $. */
static bool render_plain(const struct rendering *r, struct str *t, struct buf *out)
{
    struct str name;
    const char *variable;

    if (take(t, STR("input.")))
        return render_input(r, t, out);
    if (take(t, STR("context."))) {
        name = take_name(t);
        if (r->o != NULL)
            (void)!occasion_context(r->o, name, out);
        return name.n > 0;
    }
    if (!take(t, STR("stageVariables.")))
        return false;
    name = take_name(t);
    variable = r->a != NULL ? api_pairs_get(&r->a->stage.variables, name) : NULL;
    buf_append(out, str_of(variable != NULL ? variable : ""));
    return name.n > 0;
}

static bool render_braced(const struct rendering *r, struct str *t, struct buf *out)
{
    bool braces = take(t, STR("{"));

    return render_plain(r, t, out) && (!braces || take(t, STR("}")));
}

/* *t stands behind the $ of a reference. */
static bool render_reference(const struct rendering *r, struct str *t, struct buf *out)
{
    struct buf inner CLEANUP(buf_fini);
    bool escape = take(t, STR("util.escapeJavaScript($"));
    bool encode = !escape && take(t, STR("util.base64Encode($"));

    buf_init(&inner, VALUE_MAX);
    if (!escape && !encode)
        return render_braced(r, t, out);
    if (!render_braced(r, t, &inner) || !take(t, STR(")")))
        return false;
    if (escape)
        append_escaped(buf_peek(&inner), out);
    else
        base64_append(out, BASE64_STANDARD, buf_peek(&inner));
    return true;
}

/* False: *t stands where what cannot be evaluated begins. */
static bool render(const struct rendering *r, struct str *t, struct buf *out)
{
    while (t->n > 0) {
        struct str at = *t;

        if (take(t, STR("$"))) {
            if (!render_reference(r, t, out)) {
                *t = at;
                return false;
            }
            continue;
        }
        if (t->p[0] == '#' && t->n > 1 && (is_name(t->p[1]) || t->p[1] == '#' || t->p[1] == '*'))
            return false;
        if (t->p[0] == '\\' && t->n > 1 && t->p[1] == '$')
            *t = str_skip(*t, 1);
        buf_append(out, (struct str){t->p, 1});
        *t = str_skip(*t, 1);
    }
    return true;
}

void mapping_render(const struct occasion *o, const struct api *a, struct str template,
                    struct str input, struct buf *out)
{
    struct rendering r = {.o = o, .a = a, .input = input};

    if (!render(&r, &template, out))
        buf_append(out, template); /* it was refused at the start; here it stays text */
}

bool mapping_valid(struct str template, struct str *ret_bad)
{
    struct buf out CLEANUP(buf_fini);
    struct rendering r = {0};

    buf_init(&out, VALUE_MAX);
    if (render(&r, &template, &out))
        return true;
    *ret_bad = template;
    return false;
}
