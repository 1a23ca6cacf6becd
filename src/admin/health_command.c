#include "admin/health_command.h"

#include "admin/asker.h"
#include "base/json.h"
#include "base/str.h"
#include "io/addr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URL_MAX = 600, TEXT_MAX = 64 * 1024, DEPTH_MAX = 8 };

static int health_failed(const char *what, const char *why)
{
    (void)fprintf(stderr, "polylog health: %s: %s\n", what, why);
    return EXIT_FAILURE;
}

static bool first_of_tcp(const struct conf_list *list, struct io_addr *ret)
{
    for (size_t i = 0; i < list->n; i++)
        if (addr_parse(str_of(list->items[i]), ret) == 0 && ret->family != IO_ADDR_UNIX)
            return true;
    return false;
}

bool health_command_url(const struct conf *c, struct buf *url)
{
    static const uint8_t any[16];
    char text[IO_ADDR_TEXT_MAX];
    struct io_addr at;

    if (c->at[0] != '\0') {
        buf_printf(url, "%s", c->at);
    } else if (!first_of_tcp(&c->listen, &at)) {
        return false;
    } else if (memcmp(at.ip, any, sizeof(any)) == 0) {
        buf_printf(url, "http://127.0.0.1:%u", at.port);
    } else {
        (void)addr_format(&at, text);
        buf_printf(url, "http://%s", text);
    }
    buf_printf(url, "%s", c->ready ? "/ready" : "/health");
    buf_append_byte(url, '\0');
    return true;
}

/* Has the object a status? */
static bool has_status(struct buf *body)
{
    enum json_token t;
    struct json j;
    bool found = false;

    if (buf_len(body) == 0)
        return false;
    json_init(&j, body->bytes + body->rpos, buf_len(body), DEPTH_MAX);
    while ((t = json_next(&j)) != JSON_END && t != JSON_ERROR)
        found |= t == JSON_STRING && j.depth == 1 && str_eq(j.key, STR("status"));
    return t == JSON_END && found;
}

bool health_command_is_answer(bool ready, unsigned status, struct buf *body)
{
    struct str text = buf_peek(body), line = str_cut(&text, '\n');

    if (status != 200 && status != 503)
        return false;
    if (!ready)
        return has_status(body);
    if (status == 200)
        return str_eq(line, STR("ready")) && text.n == 0;
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] < ' ' || line.p[i] > '~')
            return false;
    return line.n > 0 && text.n == 0;
}

/* Prints what was answered, or says why there is nothing. The exit code. */
static int health_show(const struct conf *c, const char *url, struct http_request *req)
{
    struct buf body CLEANUP(buf_fini);

    buf_init(&body, TEXT_MAX);
    if (req->ret_error < 0)
        return health_failed(url, http_client_error(req));
    buf_append(&body, buf_peek(&req->ret_body)); /* it is read in place */
    if (!health_command_is_answer(c->ready, req->ret_status, &req->ret_body))
        return health_failed(url, "its answer is not a Polylog server's");
    printf("%.*s", STR_ARGS(buf_peek(&body)));
    if (fflush(stdout) != 0)
        return health_failed("stdout", "cannot be written");
    return req->ret_status == 200 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int health_ask(const struct conf *c, const char *url, struct asker *asker)
{
    struct http_request *req =
        asker_ask(asker, &(struct http_request){.method = "GET",
                                                .url = url,
                                                .timeout_ms = (unsigned)c->within_ms,
                                                .response_max = TEXT_MAX});
    int code = health_show(c, url, req);

    http_client_request_fini(req);
    return code;
}

int health_command(const struct conf *c)
{
    struct buf url CLEANUP(buf_fini);
    struct asker asker;
    int code, r;

    buf_init(&url, URL_MAX);
    if (!health_command_url(c, &url) || url.failed) {
        (void)health_failed("at", "say where the server answers over HTTP: listen has no address "
                                  "of TCP, or at is too long");
        return CONF_EXIT_USAGE;
    }
    r = asker_open(&(struct http_options){.ca_file = c->ca[0] != '\0' ? c->ca : NULL}, &asker);
    code = r == 0 ? health_ask(c, (const char *)buf_peek(&url).p, &asker)
                  : health_failed("cannot ask", strerror(-r));
    asker_close(&asker);
    return code;
}
