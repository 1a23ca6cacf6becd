#include "lambda/invoker.h"

#include "base/mem.h"
#include "base/str.h"
#include "wire/url.h"

#include <stdio.h>
#include <stdlib.h>

#define URL_MAX 1024
#define SIGNATURE_MAX 8192
#define ANSWER_MAX (64 * 1024)
#define HEADERS 10
#define REGION_MAX 64

struct invoker_lambda {
    struct invoker invoker;
    struct invoker_options o;
    char url[URL_MAX];
    char region[REGION_MAX];
    struct str host, path; /* of url */
    struct http_request http;
    struct buf signature;
    const char *headers[HEADERS];
    bool busy;
    invoker_done_f *done;
    void *ctx;
};

static struct invoker_lambda *invoker_of(struct invoker *i)
{
    return CONTAINER_OF(i, struct invoker_lambda, invoker);
}

static void invoker_answered(struct http_request *http)
{
    struct invoker_lambda *i = CONTAINER_OF(http, struct invoker_lambda, http);

    i->busy = false;
    i->done(i->ctx, http->ret_error == 0 && http->ret_status == 202);
}

static void invoker_refuse(struct io_mail *mail)
{
    struct invoker_lambda *i = CONTAINER_OF(mail, struct invoker_lambda, http.mail);

    i->busy = false;
    i->done(i->ctx, false);
}

static bool invoker_sign(struct invoker_lambda *i, struct str payload)
{
    struct sigv4_request r = {.method = STR("POST"),
                              .host = i->host,
                              .path = i->path,
                              .body = payload,
                              .region = str_of(i->region),
                              .service = STR("lambda"),
                              .now_s = io_wall_ms(i->o.home) / 1000};

    buf_clear(&i->signature);
    if (!i->o.sign(i->o.ctx, &r, &i->signature) || i->signature.failed)
        return false;
    i->headers[0] = "Content-Type: application/json";
    i->headers[1] = "X-Amz-Invocation-Type: Event";
    sigv4_lines(buf_peek(&i->signature), i->headers, 2, HEADERS);
    return true;
}

static void invoker_lambda_ask(struct invoker *invoker, struct str payload, invoker_done_f *done,
                               void *ctx)
{
    struct invoker_lambda *i = invoker_of(invoker);
    struct http_request *http = &i->http;

    assert(!i->busy);
    i->busy = true;
    i->done = done;
    i->ctx = ctx;
    http->home = i->o.home;
    http->done = invoker_answered;
    http->method = "POST";
    http->url = i->url;
    http->headers = i->headers;
    http->body = payload;
    http->timeout_ms = i->o.timeout_ms;
    http->response_max = ANSWER_MAX;
    if (invoker_sign(i, payload)) {
        http_client_submit(i->o.client, http);
        return;
    }
    http->mail.deliver = invoker_refuse;
    io_post(i->o.home, &http->mail, &http->mail);
}

static const struct invoker_ops invoker_lambda_ops = {.ask = invoker_lambda_ask};

/* Host and path are found in the url. */
static bool invoker_set_url(struct invoker_lambda *i)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, sizeof(i->url) - 1);
    if (i->o.endpoint != NULL)
        buf_append(&b, str_of(i->o.endpoint));
    else
        buf_printf(&b, "https://lambda.%s.amazonaws.com%s", i->region,
                   strncmp(i->region, "cn-", 3) == 0 ? ".cn" : "");
    while (buf_len(&b) > 0 && b.bytes[b.wpos - 1] == '/')
        b.wpos--;
    buf_append(&b, STR("/2015-03-31/functions/"));
    url_encode(&b, str_of(i->o.name));
    buf_append(&b, STR("/invocations"));
    if (b.failed)
        return false;
    memcpy(i->url, buf_peek(&b).p, buf_len(&b));
    return url_split(str_of(i->url), &i->host, &i->path);
}

struct invoker *invoker_new(const struct invoker_options *o)
{
    struct invoker_lambda *i = mem_zeroed(1, sizeof(*i));

    i->invoker.ops = &invoker_lambda_ops;
    i->o = *o;
    (void)snprintf(i->region, sizeof(i->region), "%s", o->region);
    buf_init(&i->signature, SIGNATURE_MAX);
    if (invoker_set_url(i))
        return &i->invoker;
    invoker_free(&i->invoker);
    return NULL;
}

void invoker_free(struct invoker *invoker)
{
    struct invoker_lambda *i = invoker != NULL ? invoker_of(invoker) : NULL;

    if (i == NULL)
        return;
    assert(!i->busy);
    http_client_request_fini(&i->http);
    buf_fini(&i->signature);
    free(i);
}
