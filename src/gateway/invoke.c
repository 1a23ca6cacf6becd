#include "gateway/invoke.h"

#include "base/mem.h"
#include "base/str.h"
#include "wire/url.h"

#include <stdlib.h>

enum { NAME_MAX_BYTES = 512 };

/* A request that waits for its function. */
struct invoke_call {
    struct inlet *l;             /* NULL: it has gone */
    const struct inlet_ops *ops; /* as they were */
    void *owner;
};

struct str invoke_path(struct str path)
{
    static const struct str begin = {(const uint8_t *)"/2015-03-31/functions/", 22},
                            end = {(const uint8_t *)"/invocations", 12};

    if (!str_starts(path, begin) || path.n <= begin.n + end.n ||
        !str_eq(str_skip(path, path.n - end.n), end))
        return (struct str){0};
    return (struct str){path.p + begin.n, path.n - begin.n - end.n};
}

static void invoke_answer(struct inlet *l, int status, const char *header, const char *value,
                          struct str body)
{
    struct http1_header extra[] = {{str_of(header), str_of(value)},
                                   {STR("X-Amz-Executed-Version"), STR("$LATEST")}};

    inlet_answer(l,
                 &(struct http1_reply){.status = status,
                                       .content_type = STR("application/json"),
                                       .extra = extra,
                                       .extra_n = COUNTOF(extra)},
                 body);
}

static void invoke_done(void *ctx, enum invocation_result result, struct str answer)
{
    struct invoke_call *c = ctx;
    struct inlet *l = c->l;

    if (l != NULL) {
        l->ops = c->ops;
        l->owner = c->owner;
        if (result == INVOCATION_OK)
            invoke_answer(l, 200, "X-Amz-Log-Type", "None", answer);
        else if (result == INVOCATION_UNKNOWN)
            invoke_answer(l, 404, "x-amzn-ErrorType", "ResourceNotFoundException",
                          STR("{\"Type\":\"User\",\"Message\":\"Function not found\"}"));
        else if (result == INVOCATION_THROTTLED)
            invoke_answer(l, 429, "x-amzn-ErrorType", "TooManyRequestsException",
                          STR("{\"Type\":\"User\",\"message\":\"Rate Exceeded.\"}"));
        else
            invoke_answer(l, 200, "X-Amz-Function-Error", "Unhandled", answer);
    }
    free(c);
}

static void invoke_gone(struct inlet *l)
{
    struct invoke_call *c = l->owner;

    c->l = NULL;
}

/* Nobody waits for what an event comes to. */
static void event_done(void *ctx, enum invocation_result result, struct str answer)
{
    struct gateway *g = ctx;

    if (result != INVOCATION_OK)
        gateway_say(g, "an event failed: %.*s", STR_ARGS(answer));
}

void invoke_run(struct gateway *g, struct inlet *l, const struct http1_request *r, struct str name,
                struct str body)
{
    static const struct inlet_ops waiting_ops = {.closed = invoke_gone};
    uint8_t decoded[NAME_MAX_BYTES];
    struct str type = STR("RequestResponse"), payload = body.n > 0 ? body : STR("{}");
    struct invoke_call *c;
    size_t n = 0;

    (void)http1_get(&r->headers, STR("X-Amz-Invocation-Type"), &type);
    if (!str_eq(r->method, STR("POST")) || g->functions == NULL || name.n > sizeof(decoded) ||
        !url_decode(name, URL_PLUS_IS_PLUS, decoded, &n)) {
        invoke_answer(l, 404, "x-amzn-ErrorType", "ResourceNotFoundException",
                      STR("{\"Type\":\"User\",\"Message\":\"Function not found\"}"));
        return;
    }
    name = (struct str){decoded, n};
    if (str_eq(type, STR("DryRun"))) {
        invoke_answer(l, 204, "X-Amz-Log-Type", "None", (struct str){0});
        return;
    }
    if (str_eq(type, STR("Event"))) {
        (void)functions_invoke(g->functions, name, payload, event_done, g);
        invoke_answer(l, 202, "X-Amz-Log-Type", "None", (struct str){0});
        return;
    }
    c = mem_zeroed(1, sizeof(*c));
    *c = (struct invoke_call){.l = l, .ops = l->ops, .owner = l->owner};
    l->ops = &waiting_ops;
    l->owner = c;
    (void)functions_invoke(g->functions, name, payload, invoke_done, c);
}
