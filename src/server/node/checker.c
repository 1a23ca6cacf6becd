#include "server/node/checker.h"

#include "base/hex.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/http_client.h"
#include "server/node/log.h"
#include "server/node/metrics.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "wire/url.h"
#include "wire/webhook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TRIES_MAX 3
#define AGAIN_MS 100u
#define ANSWER_MAX (64 * 1024)
/* Bytes that a character of a text may take in JSON. */
#define CHAR_BYTES_MAX 6
#define BODY_MAX (32 * 1024 * 1024)
#define WHY_MAX 120

struct checker {
    struct hook hook;
    struct worker *worker;
    struct hmac key;
    size_t answer_max;
    unsigned asked_n;
};

/* A message that is asked about. */
struct checking {
    struct checker *checker;
    struct hook_ask *ask;
    struct http_request req;
    struct buf body;
    uint64_t until_ms;
    unsigned tries;
    char id[4 + 32 + 1]; /* the same at each try */
    char id_line[64], time_line[64], signature_line[96];
    const char *headers[6];
};

const char *checker_wrong(const struct conf *c)
{
    struct str url = str_of(c->check_url), host, path;
    struct hmac key = {0};
    bool ok;

    if (url.n == 0)
        return c->check_secret[0] != '\0' || c->check_ca[0] != '\0'
                   ? "check-secret and check-ca need check-url"
                   : NULL;
    if ((!str_starts(url, STR("http://")) && !str_starts(url, STR("https://"))) ||
        !url_split(url, &host, &path) || host.n == 0)
        return "check-url must be an address such as https://example.org/check";
    if (memchr(host.p, '@', host.n) != NULL)
        return "check-url must not have a name or a password in it: requests are signed by "
               "check-secret";
    if (memchr(url.p, '#', url.n) != NULL || str_printable(url) < url.n / 8 * 8 ||
        memchr(url.p, ' ', url.n) != NULL)
        return "check-url must not have spaces or a # in it";
    ok = webhook_secret(str_of(c->check_secret), &key);
    hmac_fini(&key);
    return ok ? NULL : "check-url needs check-secret: whsec_ and 24 to 64 bytes in base64";
}

static const struct conf *checker_conf(const struct checker *c)
{
    return c->worker->server->conf;
}

static void count(struct checker *c, enum hook_verdict v)
{
    static const enum metric ids[] = {
        [HOOK_ALLOWED] = METRIC_checks_allowed,
        [HOOK_CHANGED] = METRIC_checks_changed,
        [HOOK_REFUSED] = METRIC_checks_refused,
        [HOOK_FAILED] = METRIC_checks_failed,
    };

    assert(v < COUNTOF(ids));
    metrics_add(c->worker->metrics, ids[v], 1);
}

static void checking_end(struct checking *k, enum hook_verdict v, struct str text)
{
    struct checker *c = k->checker;
    struct hook_ask *ask = k->ask;

    assert(c->asked_n > 0);
    c->asked_n--;
    count(c, v);
    ask->ret_verdict = v;
    ask->ret_text = text;
    ask->done(ask);
    http_client_request_fini(&k->req);
    buf_fini(&k->body);
    free(k);
}

/* The text is shown; of the answer nothing is, and of the URL neither. */
static void checking_fail(struct checking *k, const char *why)
{
    log_warn(k->checker->worker->log, "check_failed", LOG_TEXT("id", k->id), LOG_TEXT("why", why),
             LOG_U64("tries", k->tries));
    checking_end(k, HOOK_FAILED, (struct str){0});
}

static void checking_came(struct http_request *req);

static void checking_post(struct checking *k, unsigned delay_ms)
{
    struct checker *c = k->checker;
    const struct conf *conf = checker_conf(c);
    uint64_t now = worker_now_ms(c->worker), s = (io_wall_ms(c->worker->io) + delay_ms) / 1000;
    char signature[WEBHOOK_SIGNATURE_N];

    assert(k->tries < TRIES_MAX && now + delay_ms < k->until_ms);
    k->tries++;
    webhook_sign(&c->key, str_of(k->id), s, buf_peek(&k->body), signature);
    (void)snprintf(k->id_line, sizeof(k->id_line), "webhook-id: %s", k->id);
    (void)snprintf(k->time_line, sizeof(k->time_line), "webhook-timestamp: %llu",
                   (unsigned long long)s);
    (void)snprintf(k->signature_line, sizeof(k->signature_line), "webhook-signature: %.*s",
                   (int)sizeof(signature), signature);
    k->headers[0] = k->id_line;
    k->headers[1] = k->time_line;
    k->headers[2] = k->signature_line;
    k->headers[3] = "Content-Type: application/json";
    k->headers[4] = "Accept: application/json";
    http_client_request_fini(&k->req);
    k->req = (struct http_request){
        .home = c->worker->io,
        .done = checking_came,
        .method = "POST",
        .url = conf->check_url,
        .headers = k->headers,
        .body = buf_peek(&k->body),
        .delay_ms = delay_ms,
        .timeout_ms = (unsigned)(k->until_ms - now - delay_ms),
        .response_max = c->answer_max,
        .ca_file = conf->check_ca[0] != '\0' ? conf->check_ca : NULL,
    };
    http_client_submit(c->worker->server->o.http, &k->req);
}

/* Worth another try, and is there time? */
static bool tries_again(struct checking *k)
{
    const struct http_request *req = &k->req;
    bool passing = req->ret_error < 0
                       ? req->ret_error != -EKEYREJECTED && req->ret_error != -EMSGSIZE &&
                             req->ret_error != -ECANCELED && req->ret_error != -ETIMEDOUT
                       : req->ret_status == 429 || req->ret_status >= 500;
    unsigned delay_ms = AGAIN_MS << k->tries;

    if (!passing || k->tries >= TRIES_MAX ||
        worker_now_ms(k->checker->worker) + delay_ms >= k->until_ms)
        return false;
    checking_post(k, delay_ms);
    return true;
}

static bool is_json(struct str type)
{
    struct str kind = str_trim(str_cut(&type, ';'));

    return str_eq_nocase(kind, STR("application/json"));
}

static void checking_came(struct http_request *req)
{
    struct checking *k = CONTAINER_OF(req, struct checking, req);
    struct str body = buf_peek(&req->ret_body), text;
    char why[WHY_MAX];
    enum hook_verdict v;

    if (tries_again(k))
        return;
    if (req->ret_error < 0) {
        checking_fail(k, http_client_error(req));
        return;
    }
    if (req->ret_status != 200 || !is_json(http_client_header(req, "content-type"))) {
        (void)snprintf(why, sizeof(why), "it answered %u, %s", req->ret_status,
                       req->ret_status == 200 ? "which is not application/json"
                                              : "which is not 200");
        checking_fail(k, why);
        return;
    }
    v = hook_read((uint8_t *)(uintptr_t)body.p, body.n, checker_conf(k->checker)->text_max, &text);
    if (v == HOOK_FAILED)
        checking_fail(k, "its answer is no verdict");
    else
        checking_end(k, v, text);
}

static bool checker_ask(struct hook *h, struct hook_ask *ask)
{
    struct checker *c = CONTAINER_OF(h, struct checker, hook);
    struct checking *k;

    if (c->asked_n >= CHECKER_ASKED_MAX)
        return false;
    k = mem_zeroed(1, sizeof(*k));
    k->checker = c;
    k->ask = ask;
    k->until_ms = worker_now_ms(c->worker) + h->timeout_ms;
    (void)snprintf(k->id, sizeof(k->id), "msg_%016llx%016llx", (unsigned long long)ask->random[0],
                   (unsigned long long)ask->random[1]);
    buf_init(&k->body, BODY_MAX);
    hook_write(ask->message, &k->body);
    c->asked_n++;
    checking_post(k, 0);
    return true;
}

static void checker_missed(struct hook *h)
{
    struct checker *c = CONTAINER_OF(h, struct checker, hook);

    log_warn(c->worker->log, "check_failed", LOG_TEXT("why", "too many messages wait for it"));
    count(c, HOOK_FAILED);
}

struct checker *checker_new(struct worker *w)
{
    const struct conf *conf = w->server->conf;
    struct checker *c;

    if (conf->check_url[0] == '\0')
        return NULL;
    assert(checker_wrong(conf) == NULL && w->server->o.http != NULL);
    c = mem_zeroed(1, sizeof(*c));
    c->worker = w;
    c->hook = (struct hook){.ask = checker_ask,
                            .missed = checker_missed,
                            .open = conf->check_fail == CONF_CHECK_FAIL_OPEN,
                            .timeout_ms = conf->check_timeout_ms};
    c->answer_max = ANSWER_MAX + CHAR_BYTES_MAX * conf->text_max;
    if (!webhook_secret(str_of(conf->check_secret), &c->key))
        abort();
    return c;
}

void checker_free(struct checker *c)
{
    if (c == NULL)
        return;
    assert(c->asked_n == 0);
    hmac_fini(&c->key);
    free(c);
}

struct hook *checker_hook(struct checker *c)
{
    return c != NULL ? &c->hook : NULL;
}
