#include "admin/token_command.h"

#include "admin/asker.h"
#include "admin/bearer.h"
#include "base/json.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_MS = 30000, URL_MAX = 600, TEXT_MAX = 16 * 1024, DEPTH_MAX = 8 };

static int token_failed(const char *what, const char *why)
{
    (void)fprintf(stderr, "polylog token: %s: %s\n", what, why);
    return EXIT_FAILURE;
}

static int misused(const char *what, const char *why)
{
    (void)token_failed(what, why);
    return CONF_EXIT_USAGE;
}

/* Prints the answer's token, or says what the server said instead. The exit code. */
static int print_answer(const struct conf *c, struct http_request *req)
{
    struct str token = {0}, message = {0};
    struct buf *body = &req->ret_body;
    enum json_token t;
    struct json j;

    if (req->ret_error < 0)
        return token_failed(c->at, http_client_error(req));
    json_init(&j, body->bytes + body->rpos, buf_peek(body).n, DEPTH_MAX);
    while ((t = json_next(&j)) != JSON_END && t != JSON_ERROR) {
        if (t == JSON_STRING && str_eq(j.key, STR("token")))
            token = j.str;
        else if (t == JSON_STRING && str_eq(j.key, STR("message")))
            message = j.str;
    }
    if (t == JSON_END && req->ret_status == 200 && token.n > 0) {
        printf("%.*s\n", STR_ARGS(token));
        return fflush(stdout) == 0 ? EXIT_SUCCESS : token_failed("stdout", "cannot be written");
    }
    if (t == JSON_ERROR || message.n == 0)
        return token_failed(c->at, "its answer is not a Polylog server's");
    (void)fprintf(stderr, "polylog token: %s: %.*s\n", c->at, STR_ARGS(message));
    return EXIT_FAILURE;
}

static int token_ask(const struct conf *c, const struct buf *bearer, struct asker *asker)
{
    struct buf body CLEANUP(buf_fini);
    const char *headers[] = {(const char *)buf_peek(bearer).p, "Content-Type: application/json",
                             NULL};
    struct http_request *req;
    char url[URL_MAX];
    struct json_out o;
    int code;

    buf_init(&body, TEXT_MAX);
    json_out_init(&o, &body);
    json_out_object(&o);
    json_out_field_str(&o, "name", str_of(c->name));
    json_out_field_u64(&o, "ttl", c->ttl_ms);
    json_out_object_end(&o);
    if (body.failed || snprintf(url, sizeof(url), "%s/api/v1/token", c->at) >= (int)sizeof(url))
        return misused("settings", "at or name is too long");
    req = asker_ask(asker, &(struct http_request){.method = "POST",
                                                  .url = url,
                                                  .headers = headers,
                                                  .body = buf_peek(&body),
                                                  .timeout_ms = ASK_MS,
                                                  .response_max = TEXT_MAX});
    code = print_answer(c, req);
    bearer_wipe(&req->ret_body);
    http_client_request_fini(req);
    return code;
}

int token_command(const struct conf *c)
{
    struct buf bearer CLEANUP(bearer_wipe);
    struct asker asker;
    int code, r;

    buf_init(&bearer, 0);
    if (c->name[0] == '\0')
        return misused("name", "say whose the token is to be: --name cron");
    if (!bearer_header(c->token, &bearer))
        return misused("token", "the owner's is needed, in POLYLOG_TOKEN: docs/bots.md says how "
                                "to get it");
    r = asker_open(&(struct http_options){0}, &asker);
    code = r == 0 ? token_ask(c, &bearer, &asker) : token_failed("cannot ask", strerror(-r));
    asker_close(&asker);
    return code;
}
