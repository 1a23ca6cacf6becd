#include "trace/trace_outlet.h"

#include "aws/signer.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Each worker has one request under way. */
#define CONNECTIONS_MAX 8
#define SIGNATURE_MAX 8192
/* The offset of the clocks is kept while it is right to this. */
#define APART_US 20000

static bool ends(struct str s, struct str with)
{
    return s.n > with.n && memcmp(s.p + s.n - with.n, with.p, with.n) == 0;
}

bool trace_outlet_region(const char *url, char ret_region[static 64])
{
    struct str host, path, region;
    static const struct str before = {(const uint8_t *)"xray.", 5};
    static const struct str after = {(const uint8_t *)".amazonaws.com", 14};
    static const struct str china = {(const uint8_t *)".amazonaws.com.cn", 17};

    if (strncmp(url, "https://", 8) != 0 || !url_split(str_of(url), &host, &path))
        return false;
    if (!str_starts(host, before))
        return false;
    region = (struct str){host.p + before.n, host.n - before.n};
    if (ends(region, china))
        region.n -= china.n;
    else if (ends(region, after))
        region.n -= after.n;
    else
        return false;
    if (region.n >= 64 || memchr(region.p, '.', region.n) != NULL)
        return false;
    memcpy(ret_region, region.p, region.n);
    ret_region[region.n] = '\0';
    return true;
}

static int outlet_begin(struct trace_outlet *o, const struct conf *c, const struct aws_env *env,
                        char *why)
{
    const char *ca = aws_env_get(env, "AWS_CA_BUNDLE");
    struct http_options ho = {
        .connections_max = CONNECTIONS_MAX,
        .ca_file = ca,
        .idle_max_s = c->command == CONF_LAMBDA ? HTTP_IDLE_FUNCTION_S : 0,
    };
    struct signer_options so = {.env = env, .ca_file = ca};
    char text[CREDENTIALS_WHY_MAX];
    int r = 0;

    if (trace_outlet_region(o->url, o->region))
        r = signer_open(&so, &o->signer, text);
    if (r < 0) {
        (void)snprintf(why, TRACE_OUTLET_WHY_MAX, "--traces to X-Ray needs credentials: %.180s",
                       text);
        return r;
    }
    r = http_client_curl_new(&ho, &o->client);
    if (r < 0)
        (void)snprintf(why, TRACE_OUTLET_WHY_MAX, "the client for --traces cannot start");
    return r;
}

int trace_outlet_open(const struct conf *c, const struct aws_env *env,
                      struct trace_outlet **ret_outlet, char ret_why[static TRACE_OUTLET_WHY_MAX])
{
    struct trace_outlet *o;
    int r;

    if (c->traces[0] == '\0')
        return 0;
    o = mem_zeroed(1, sizeof(*o));
    o->url = c->traces;
    o->share = (unsigned)c->trace_share;
    r = outlet_begin(o, c, env, ret_why);
    if (r < 0)
        trace_outlet_free(o);
    else
        *ret_outlet = o;
    return r;
}

void trace_outlet_close(struct trace_outlet *o)
{
    if (o == NULL)
        return;
    http_client_close(o->client);
    o->client = NULL;
}

void trace_outlet_free(struct trace_outlet *o)
{
    if (o == NULL)
        return;
    trace_outlet_close(o);
    signer_close(o->signer);
    free(o);
}

int64_t trace_outlet_offset(struct trace_outlet *o, struct io *io)
{
    int64_t is = (int64_t)(io_wall_ms(io) * 1000) - (int64_t)io_clock_us(io);
    int64_t was = __atomic_load_n(&o->offset_us, __ATOMIC_RELAXED);

    if (was != 0 && is <= was + APART_US && is >= was - APART_US)
        return was;
    if (__atomic_compare_exchange_n(&o->offset_us, &was, is, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED))
        return is;
    return was;
}

void trace_outlet_post_init(struct trace_post *p)
{
    *p = (struct trace_post){0};
    buf_init(&p->signature, SIGNATURE_MAX);
}

void trace_outlet_post_fini(struct trace_post *p)
{
    http_client_request_fini(&p->http);
    buf_fini(&p->signature);
}

/* 403: credentials that are no longer good are looked for again. */
static void outlet_answered(struct http_request *http)
{
    struct trace_post *p = CONTAINER_OF(http, struct trace_post, http);
    bool answered = http->ret_error == 0;

    if (answered && http->ret_status == 403 && p->outlet->signer != NULL)
        signer_refresh(p->outlet->signer);
    p->done(p, answered && http->ret_status / 100 == 2);
}

static bool outlet_sign(struct trace_outlet *o, struct trace_post *p)
{
    struct sigv4_request r = {.method = STR("POST"),
                              .body = p->body,
                              .region = str_of(o->region),
                              .service = STR("xray"),
                              .now_s = io_wall_ms(p->home) / 1000};

    if (o->signer == NULL)
        return true;
    if (!url_split(str_of(o->url), &r.host, &r.path))
        return false;
    return signer_sign(o->signer, &r, &p->signature) && !p->signature.failed;
}

bool trace_outlet_post(struct trace_outlet *o, struct trace_post *p)
{
    assert(p->home != NULL && p->done != NULL && p->timeout_ms > 0);
    buf_clear(&p->signature);
    if (o->client == NULL || !outlet_sign(o, p))
        return false;
    p->outlet = o;
    p->headers[0] = "Content-Type: application/json";
    sigv4_lines(buf_peek(&p->signature), p->headers, 1, TRACE_HEADERS_MAX);
    p->http.home = p->home;
    p->http.done = outlet_answered;
    p->http.method = "POST";
    p->http.url = o->url;
    p->http.headers = p->headers;
    p->http.body = p->body;
    p->http.timeout_ms = p->timeout_ms;
    p->http.response_max = p->answer_max;
    http_client_submit(o->client, &p->http);
    return true;
}
