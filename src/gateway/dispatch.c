#include "gateway/dispatch.h"

#include "base/mem.h"
#include "base/str.h"
#include "gateway/event.h"
#include "gateway/functions.h"
#include "gateway/json_path.h"
#include "gateway/mapping.h"
#include "gateway/selection.h"
#include "wire/url.h"

#include <errno.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BODY_MAX = 8 * 1024 * 1024,
    TEXT_MAX = 1024 * 1024,
    ANSWER_MAX = 10 * 1024 * 1024,
    CONNECT_MS = 10000,
    HEADERS_MORE = 4, /* besides those that are mapped */
};

static void fired(struct wheel_timer *t);

void dispatch_init(struct dispatch *d, struct gateway *g, const struct api_route *route,
                   struct str body)
{
    *d = (struct dispatch){.g = g};
    if (route->integration != API_NONE)
        d->integration = &g->api->integrations[route->integration];
    buf_init(&d->body, BODY_MAX);
    buf_init(&d->mapped, BODY_MAX);
    buf_init(&d->text, TEXT_MAX);
    buf_init(&d->answer, BODY_MAX);
    buf_init(&d->protocol, TEXT_MAX);
    buf_append(&d->body, body);
    d->timer.fire = fired;
    d->occasion.api = &g->about;
    d->occasion.body = buf_peek(&d->body);
    d->occasion.route_key = route->key;
    d->occasion.now_ms = gateway_wall_ms(g);
    gateway_make_id(g, d->occasion.request_id);
    gateway_make_id(g, d->occasion.message_id);
}

void dispatch_fini(struct dispatch *d)
{
    wheel_cancel(&d->g->wheel, &d->timer);
    buf_fini(&d->body);
    buf_fini(&d->mapped);
    buf_fini(&d->text);
    buf_fini(&d->answer);
    buf_fini(&d->protocol);
    free(d->headers);
    http_client_request_fini(&d->http);
}

static void dispatch_end(struct dispatch *d, enum dispatch_result result)
{
    d->result = result;
    if (result != DISPATCH_OK)
        d->g->meter.failures++;
    if (result == DISPATCH_TIMEOUT)
        d->g->meter.timeouts++;
    d->done(d);
}

/* Templates. */

/* Which of the templates is meant: that under the expression's value, or $default. NULL: none. */
static const char *choose(const struct api_pairs *templates, const char *expression,
                          struct str body)
{
    struct buf key CLEANUP(buf_fini);
    const char *t = NULL;

    buf_init(&key, TEXT_MAX);
    if (expression != NULL && selection_evaluate(str_of(expression), body, &key))
        t = api_pairs_get(templates, buf_peek(&key));
    if (t == NULL)
        t = api_pairs_get(templates, STR("$default"));
    return t != NULL || expression != NULL || templates->n != 1 ? t : templates->at[0].value;
}

/* Is the response's key, "$default" or "/REGEX/", for that status? */
static bool key_fits(const char *key, unsigned status, bool otherwise)
{
    struct buf pattern CLEANUP(buf_fini);
    char text[16];
    struct str k = str_of(key);
    regex_t re;
    bool fits;

    buf_init(&pattern, TEXT_MAX);
    if (str_eq(k, STR("$default")))
        return otherwise;
    if (otherwise || k.n < 2 || k.p[0] != '/' || k.p[k.n - 1] != '/')
        return false;
    buf_append(&pattern, STR("^("));
    for (size_t i = 1; i + 1 < k.n; i++) {
        if (k.p[i] == '\\' && k.p[i + 1] == 'd') {
            buf_append(&pattern, STR("[0-9]"));
            i++;
        } else {
            buf_append_byte(&pattern, k.p[i]);
        }
    }
    buf_append(&pattern, STR(")$"));
    buf_append_byte(&pattern, 0);
    if (pattern.failed || regcomp(&re, (const char *)pattern.bytes, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    (void)snprintf(text, sizeof(text), "%u", status);
    fits = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return fits;
}

static const struct api_response *find_response(const struct api_integration *in, unsigned status)
{
    for (int otherwise = 0; otherwise < 2; otherwise++)
        for (size_t i = 0; i < in->responses_n; i++)
            if (in->responses[i].key != NULL &&
                key_fits(in->responses[i].key, status, otherwise != 0))
                return &in->responses[i];
    return NULL;
}

/* What an integration that is no proxy answers with, of what came. */
static void answer_mapped(struct dispatch *d, struct str came)
{
    const struct api_response *r = find_response(d->integration, d->status);
    const char *t = r != NULL ? choose(&r->templates, r->template_selection, came) : NULL;

    buf_clear(&d->answer);
    if (t != NULL)
        mapping_render(&d->occasion, d->g->api, str_of(t), came, &d->answer);
    else if (d->integration->type == API_HTTP)
        buf_append(&d->answer, came);
}

/* What an integration that is no proxy is asked with. False: it must not be asked. */
static bool request_mapped(struct dispatch *d, struct buf *out)
{
    const struct api_integration *in = d->integration;
    const char *t = choose(&in->templates, in->template_selection, d->occasion.body);

    if (t != NULL) {
        mapping_render(&d->occasion, d->g->api, str_of(t), d->occasion.body, out);
        return true;
    }
    if (in->passthrough == API_NEVER ||
        (in->passthrough == API_WHEN_NO_TEMPLATES && in->templates.n > 0))
        return false;
    buf_append(out, d->occasion.body);
    return true;
}

/* MOCK. */

static void run_mock(struct dispatch *d)
{
    struct buf asked CLEANUP(buf_fini), status CLEANUP(buf_fini);
    uint64_t v = 200;

    buf_init(&asked, BODY_MAX);
    buf_init(&status, TEXT_MAX);
    if (!request_mapped(d, &asked)) {
        dispatch_end(d, DISPATCH_FAILED);
        return;
    }
    if (json_path_text(buf_peek(&asked), STR("statusCode"), &status) &&
        !str_to_u64(buf_peek(&status), &v))
        v = 500;
    d->status = v < 1000 ? (unsigned)v : 500;
    answer_mapped(d, buf_peek(&asked));
    dispatch_end(d, DISPATCH_OK);
}

/* HTTP. */

static void http_done(struct http_request *req)
{
    struct dispatch *d = CONTAINER_OF(req, struct dispatch, http);

    if (req->ret_error == -ETIMEDOUT) {
        dispatch_end(d, DISPATCH_TIMEOUT);
        return;
    }
    if (req->ret_error != 0) {
        gateway_say(d->g, "%s: %s", req->url, http_client_error(req));
        dispatch_end(d, DISPATCH_FAILED);
        return;
    }
    d->status = req->ret_status;
    buf_append(&d->protocol, http_client_header(req, "sec-websocket-protocol"));
    if (d->integration->type == API_HTTP)
        answer_mapped(d, buf_peek(&req->ret_body));
    else
        buf_append(&d->answer, buf_peek(&req->ret_body));
    dispatch_end(d, DISPATCH_OK);
}

/* What a parameter's name says it becomes; false if it is of another kind. */
static bool is_param(const char *name, struct str kind, struct str *ret)
{
    struct str n = str_of(name);

    if (!str_starts(n, STR("integration.request.")))
        return false;
    n = str_skip(n, 20);
    if (!str_starts(n, kind))
        return false;
    *ret = str_skip(n, kind.n);
    return ret->n > 0;
}

/* A value that breaks a line would begin another header. */
static bool is_line(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 && s.p[i] != '\t')
            return false;
    return true;
}

static void add_text(struct dispatch *d, size_t *at, size_t *n, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* One more header: text that ends in NUL, and where it begins. */
static void add_text(struct dispatch *d, size_t *at, size_t *n, const char *format, ...)
{
    char line[16 * 1024];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    at[(*n)++] = buf_len(&d->text);
    buf_append(&d->text, (struct str){(const uint8_t *)line, strlen(line) + 1});
}

static void add_headers(struct dispatch *d, size_t *at, size_t *n)
{
    const struct api_integration *in = d->integration;
    struct buf value CLEANUP(buf_fini);
    struct str name;

    buf_init(&value, TEXT_MAX);
    add_text(d, at, n, "User-Agent: AmazonAPIGateway_%s", d->g->about.id);
    add_text(d, at, n, "X-Amzn-Apigateway-Api-Id: %s", d->g->about.id);
    for (size_t i = 0; i < in->parameters.n; i++) {
        buf_clear(&value);
        if (is_param(in->parameters.at[i].name, STR("header."), &name) &&
            mapping_source(&d->occasion, d->g->api, str_of(in->parameters.at[i].value), &value) &&
            is_line(buf_peek(&value)))
            add_text(d, at, n, "%.*s: %.*s", STR_ARGS(name), STR_ARGS(buf_peek(&value)));
    }
}

/* Each {NAME} of the address becomes the parameter of that name, encoded. */
static void append_address(struct dispatch *d, struct str uri, struct buf *out)
{
    const struct api_pairs *p = &d->integration->parameters;
    struct buf value CLEANUP(buf_fini);

    buf_init(&value, TEXT_MAX);
    while (uri.n > 0) {
        struct str rest = str_skip(uri, 1), name = str_cut(&rest, '}'), n;
        bool found = false;

        for (size_t i = 0; uri.p[0] == '{' && i < p->n && !found; i++)
            found = is_param(p->at[i].name, STR("path."), &n) && str_eq(n, name) &&
                    mapping_source(&d->occasion, d->g->api, str_of(p->at[i].value), &value);
        if (found) {
            url_encode(out, buf_peek(&value));
            buf_clear(&value);
            uri = rest;
        } else {
            buf_append(out, (struct str){uri.p, 1});
            uri = str_skip(uri, 1);
        }
    }
}

static void append_query(struct dispatch *d, struct buf *out)
{
    const struct api_pairs *p = &d->integration->parameters;
    struct buf value CLEANUP(buf_fini);
    struct str name;

    buf_init(&value, TEXT_MAX);
    for (size_t i = 0; i < p->n; i++) {
        buf_clear(&value);
        if (!is_param(p->at[i].name, STR("querystring."), &name) ||
            !mapping_source(&d->occasion, d->g->api, str_of(p->at[i].value), &value))
            continue;
        buf_append_byte(out, memchr(buf_peek(out).p, '?', buf_len(out)) != NULL ? '&' : '?');
        url_encode(out, name);
        buf_append_byte(out, '=');
        url_encode(out, buf_peek(&value));
    }
}

static unsigned timeout_of(const struct dispatch *d)
{
    uint64_t most = d->g->limits.timeout_max_ms, own = d->integration->timeout_ms;

    return (unsigned)(own == API_TIMEOUT_MAX_MS ? most : MIN(most, own));
}

static void run_http(struct dispatch *d)
{
    const struct api_integration *in = d->integration;
    struct buf uri CLEANUP(buf_fini), whole CLEANUP(buf_fini);
    size_t *at = mem_zeroed(in->parameters.n + HEADERS_MORE, sizeof(*at)), n = 0, url_at;
    struct str body = d->occasion.body;

    buf_init(&uri, TEXT_MAX);
    buf_init(&whole, TEXT_MAX);
    api_expand(d->g->api, in->uri, &uri);
    append_address(d, buf_peek(&uri), &whole);
    append_query(d, &whole);
    url_at = buf_len(&d->text);
    buf_append(&d->text, buf_peek(&whole));
    buf_append_byte(&d->text, 0);
    add_headers(d, at, &n);
    if (body.n > 0)
        add_text(d, at, &n, "Content-Type: application/json");
    d->headers = mem_zeroed(n + 1, sizeof(*d->headers));
    for (size_t i = 0; i < n; i++)
        d->headers[i] = (const char *)d->text.bytes + at[i];
    free(at);
    if (in->type == API_HTTP) {
        if (!request_mapped(d, &d->mapped)) {
            dispatch_end(d, DISPATCH_FAILED);
            return;
        }
        body = buf_peek(&d->mapped);
    }
    d->http = (struct http_request){
        .home = d->g->io,
        .done = http_done,
        .method = in->method != NULL ? in->method : "POST",
        .url = (const char *)d->text.bytes + url_at,
        .headers = d->headers,
        .body = body.n > 0 ? body : (struct str){0},
        .timeout_ms = timeout_of(d),
        .connect_timeout_ms = MIN(timeout_of(d), CONNECT_MS),
        .response_max = ANSWER_MAX,
    };
    http_client_submit(d->g->http, &d->http);
}

/* AWS_PROXY. */

static void function_late(struct wheel_timer *t)
{
    struct dispatch *d = CONTAINER_OF(t, struct dispatch, timer);

    functions_abandon(d->invocation);
    d->invocation = NULL;
    dispatch_end(d, DISPATCH_TIMEOUT);
}

static void function_done(void *ctx, enum invocation_result result, struct str answer)
{
    struct dispatch *d = ctx;
    struct event_answer a = {.body = &d->answer, .protocol = &d->protocol};

    wheel_cancel(&d->g->wheel, &d->timer);
    d->invocation = NULL;
    if (result != INVOCATION_OK) {
        gateway_say(d->g, "%s: %.*s", d->integration->function, STR_ARGS(answer));
        dispatch_end(d, DISPATCH_FAILED);
        return;
    }
    (void)!event_read_answer(answer, &a);
    d->status = a.status;
    dispatch_end(d, DISPATCH_OK);
}

static void run_function(struct dispatch *d)
{
    struct buf name CLEANUP(buf_fini), event CLEANUP(buf_fini);

    buf_init(&name, TEXT_MAX);
    buf_init(&event, BODY_MAX);
    api_expand(d->g->api, d->integration->function, &name);
    event_write(&d->occasion, d->g->api, &event);
    d->timer.fire = function_late;
    wheel_set(&d->g->wheel, &d->timer, io_now_ms(d->g->io) + timeout_of(d));
    d->invocation =
        functions_invoke(d->g->functions, buf_peek(&name), buf_peek(&event), function_done, d);
}

static void dispatch_run(struct dispatch *d)
{
    d->g->meter.calls++;
    switch (d->integration->type) {
    case API_MOCK:
        run_mock(d);
        break;
    case API_HTTP:
    case API_HTTP_PROXY:
        run_http(d);
        break;
    case API_AWS_PROXY:
        run_function(d);
        break;
    }
}

static void fired(struct wheel_timer *t)
{
    dispatch_run(CONTAINER_OF(t, struct dispatch, timer));
}

void dispatch_start(struct dispatch *d, uint64_t delay_ms)
{
    wheel_set(&d->g->wheel, &d->timer, delay_ms > 0 ? io_now_ms(d->g->io) + delay_ms : 0);
}
