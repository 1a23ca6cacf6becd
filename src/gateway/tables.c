#include "gateway/tables.h"

#include "base/str.h"
#include "gateway/json_path.h"
#include "io/http_client.h"
#include "wire/url.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TRY_MS = 10000,
    ANSWER_MAX = 1024 * 1024,
    HEADERS_MAX = 64 * 1024,
    URL_MAX = 1024,
    LINES_MAX = 8,
};

#define TARGET "X-Amz-Target: DynamoDB_20120810.CreateTable"
#define TYPE "Content-Type: application/x-amz-json-1.0"

struct table_call {
    struct http_request http;
    bool done;
};

static void call_done(struct http_request *req)
{
    CONTAINER_OF(req, struct table_call, http)->done = true;
}

/* The headers of the call; those of the signature are in text. */
static bool sign(struct gateway *g, struct str host, struct str body, struct buf *text,
                 const char *lines[static LINES_MAX])
{
    struct str own[] = {STR(TARGET), STR(TYPE)};
    struct sigv4_key key = {0};
    struct sigv4_credentials who = {.access_key = str_of(g->keys[0].id),
                                    .secret_key = str_of(g->keys[0].secret)};
    struct sigv4_request r = {.method = STR("POST"),
                              .host = host,
                              .path = STR("/"),
                              .headers = own,
                              .headers_n = COUNTOF(own),
                              .body = body,
                              .region = str_of(g->about.region),
                              .service = STR("dynamodb"),
                              .now_s = io_wall_ms(g->io) / 1000};
    bool ok = sigv4_headers(&key, &who, &r, text) && !text->failed;

    sigv4_key_fini(&key);
    if (!ok)
        return false;
    lines[0] = TARGET;
    lines[1] = TYPE;
    sigv4_lines(buf_peek(text), lines, 2, LINES_MAX);
    return true;
}

static void say_answer(const struct gateway *g, const char *name, const char *endpoint,
                       const struct http_request *req)
{
    struct str body = buf_peek(&req->ret_body);
    struct buf type CLEANUP(buf_fini);

    buf_init(&type, ANSWER_MAX);
    (void)!json_path_text(body, STR("__type"), &type);
    if (req->ret_error != 0)
        (void)fprintf(stderr, "polylog gateway: the table %s cannot be made at %s: %s\n", name,
                      endpoint, http_client_error(req));
    else if (req->ret_status == 200)
        gateway_say(g, "made the table %s at %s", name, endpoint);
    else if (buf_len(&type) < 22 ||
             !str_eq(str_skip(buf_peek(&type), buf_len(&type) - 22), STR("ResourceInUseException")))
        (void)fprintf(stderr, "polylog gateway: the table %s cannot be made at %s: %u %.*s\n", name,
                      endpoint, req->ret_status, STR_ARGS(body));
}

/* False: nobody answers there. */
static bool make_one(struct gateway *g, const char *endpoint, const struct api_pair *table)
{
    struct table_call c = {0};
    struct str host = {0}, path;
    struct buf text CLEANUP(buf_fini);
    const char *lines[LINES_MAX];
    char url[URL_MAX];
    bool answered;

    buf_init(&text, HEADERS_MAX);
    (void)!url_split(str_of(endpoint), &host, &path); /* without a host the call fails */
    (void)snprintf(url, sizeof(url), "http://%.*s/", STR_ARGS(host));
    if (!sign(g, host, str_of(table->value), &text, lines))
        return false;
    c.http = (struct http_request){.home = g->io,
                                   .done = call_done,
                                   .method = "POST",
                                   .url = url,
                                   .headers = lines,
                                   .body = str_of(table->value),
                                   .timeout_ms = TRY_MS,
                                   .response_max = ANSWER_MAX};
    http_client_submit(g->http, &c.http);
    while (!c.done)
        io_wait(g->io, IO_FOREVER);
    say_answer(g, table->name, endpoint, &c.http);
    answered = c.http.ret_error == 0;
    http_client_request_fini(&c.http);
    return answered;
}

void tables_make(struct gateway *g, const char *endpoint)
{
    if (!str_starts(str_of(endpoint), STR("http://")))
        return; /* AWS, where nothing is made by accident */
    for (size_t i = 0; i < g->api->tables.n && !g->ended; i++)
        if (!make_one(g, endpoint, &g->api->tables.at[i]))
            return;
}
