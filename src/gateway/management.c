#include "gateway/management.h"

#include "base/json.h"
#include "base/str.h"
#include "gateway/client.h"
#include "gateway/signature.h"
#include "wire/url.h"

enum { TEXT_MAX = 4096, ID_MAX = 128 };

struct str management_path(const struct gateway *g, struct str path)
{
    static const char *const names[] = {"@connections/", "%40connections/"};
    struct str stage = str_of(g->about.stage);

    if (path.n > 0 && path.p[0] == '/')
        path = str_skip(path, 1);
    if (!str_eq(stage, STR("$default"))) {
        if (!str_starts(path, stage) || path.n == stage.n || path.p[stage.n] != '/')
            return (struct str){0};
        path = str_skip(path, stage.n + 1);
    }
    for (size_t i = 0; i < COUNTOF(names); i++)
        if (str_starts(path, str_of(names[i])))
            return str_skip(path, strlen(names[i]));
    return (struct str){0};
}

/* type: of x-amzn-ErrorType; empty: no error. */
static void management_answer(struct gateway *g, struct inlet *l, int status, const char *type,
                              struct str body)
{
    char id[OCCASION_ID_N];
    struct http1_header extra[2] = {{STR("x-amzn-RequestId"), {0}},
                                    {STR("x-amzn-ErrorType"), str_of(type)}};

    gateway_make_id(g, id);
    extra[0].value = str_of(id);
    inlet_answer(l,
                 &(struct http1_reply){.status = status,
                                       .content_type = STR("application/json"),
                                       .extra = extra,
                                       .extra_n = type[0] != '\0' ? 2 : 1},
                 body);
}

static void management_refuse(struct gateway *g, struct inlet *l, int status, const char *type,
                              const char *message)
{
    struct buf text CLEANUP(buf_fini);
    struct json_out o;

    buf_init(&text, TEXT_MAX);
    json_out_init(&o, &text);
    json_out_object(&o);
    json_out_field_str(&o, "message", str_of(message));
    json_out_object_end(&o);
    management_answer(g, l, status, type, buf_peek(&text));
}

/* Who asks. */

/* False: it has been refused. */
static bool is_allowed(struct gateway *g, struct inlet *l, const struct http1_request *r,
                       struct str body)
{
    static const struct {
        const char *type, *message;
    } refusals[] = {
        [SIGV4_NONE] = {"MissingAuthenticationTokenException", "Missing Authentication Token"},
        [SIGV4_BROKEN] = {"IncompleteSignatureException",
                          "Authorization header requires 'Credential', 'Signature' and "
                          "'SignedHeaders' parameters, 'Host' and 'X-Amz-Date' signed."},
        [SIGV4_UNKNOWN] = {"UnrecognizedClientException",
                           "The security token included in the request is invalid."},
        [SIGV4_SCOPE] = {"InvalidSignatureException",
                         "Credential should be scoped to this region, to service 'execute-api' "
                         "and to the day of X-Amz-Date."},
        [SIGV4_LATE] = {"InvalidSignatureException",
                        "Signature expired, or not yet current: the clocks differ by more than "
                        "5 min."},
        [SIGV4_WRONG] = {"InvalidSignatureException",
                         "The request signature we calculated does not match the signature you "
                         "provided. Check your AWS Secret Access Key and signing method. Consult "
                         "the service documentation for details."},
    };
    enum sigv4_verdict verdict;
    bool denied = false;

    if (!g->limits.check_signatures)
        return true;
    verdict = signature_judge(g, r, body, &denied);
    if (verdict == SIGV4_GOOD && !denied)
        return true;
    g->meter.unsigned_calls++;
    if (verdict == SIGV4_GOOD)
        management_refuse(g, l, 403, "ForbiddenException", "Forbidden");
    else
        management_refuse(g, l, 403, refusals[verdict].type, refusals[verdict].message);
    gateway_say(g, "@connections: refused: %s",
                verdict == SIGV4_GOOD ? "this access key may not" : refusals[verdict].message);
    return false;
}

/* What is asked. */

static void run_post(struct gateway *g, struct inlet *l, enum client_found found, struct client *c,
                     struct str body)
{
    if (found == CLIENT_LATE || client_send(c, body)) { /* late: by the fault gone-late */
        management_answer(g, l, 200, "", (struct str){0});
        return;
    }
    g->meter.throttled++;
    management_refuse(g, l, 429, "LimitExceededException", "Too Many Requests");
}

static void run_get(struct gateway *g, struct inlet *l, const struct client *c)
{
    struct buf text CLEANUP(buf_fini);

    buf_init(&text, TEXT_MAX);
    client_describe(c, &text);
    management_answer(g, l, 200, "", buf_peek(&text));
}

static void management_act(struct gateway *g, struct inlet *l, struct str method, struct str id,
                           struct str body)
{
    struct client *c = NULL;
    enum client_found found = client_find(g, id, &c);

    if (str_eq(method, STR("POST")) && body.n > g->limits.post_max) {
        management_refuse(g, l, 413, "PayloadTooLargeException", "Message too long");
    } else if (found == CLIENT_NONE) {
        g->meter.gone++;
        management_answer(g, l, 410, "GoneException", (struct str){0});
    } else if (str_eq(method, STR("POST"))) {
        run_post(g, l, found, c, body);
    } else if (str_eq(method, STR("GET"))) {
        run_get(g, l, c);
    } else if (str_eq(method, STR("DELETE"))) {
        management_answer(g, l, 204, "", (struct str){0});
        client_close(c, 1000, STR("Connection Closed Normally"));
    } else {
        management_refuse(g, l, 403, "MissingAuthenticationTokenException",
                          "Missing Authentication Token");
    }
}

void management_run(struct gateway *g, struct inlet *l, const struct http1_request *r,
                    struct str id, struct str body)
{
    uint8_t text[ID_MAX];
    size_t n = 0;

    g->meter.posts++;
    if (!is_allowed(g, l, r, body))
        return;
    if (!gateway_take(g, &g->calls) ||
        (g->faults.throttle > 0 && rng_chance(&g->rng, g->faults.throttle))) {
        g->meter.throttled++;
        management_refuse(g, l, 429, "LimitExceededException", "Too Many Requests");
        return;
    }
    if (id.n > sizeof(text) || !url_decode(id, URL_PLUS_IS_PLUS, text, &n) ||
        !occasion_is_id((struct str){text, n})) {
        management_refuse(g, l, 400, "BadRequestException", "Invalid connectionId");
        return;
    }
    management_act(g, l, r->method, (struct str){text, n}, body);
}
