#include "server/issuer.h"

#include "base/str.h"
#include "io/file.h"
#include "io/http_client.h"
#include "io/tls_context.h"
#include "server/server.h"
#include "server/worker.h"
#include "wire/oidc.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_MS 5000
#define OLD_MIN_MS (5 * 60 * 1000u)
#define OLD_MS (60 * 60 * 1000u)
#define OLD_MAX_MS (24 * 60 * 60 * 1000u)
#define AGAIN_MAX_MS (5 * 60 * 1000u)
#define DOUBLED_MAX 10

struct issuer {
    struct server *server;
    struct identity_options options;
    struct str *audiences, *names;
    struct http_request req;
    struct io_mail wanted_mail;
    _Atomic bool mailed;  /* wanted_mail is on its way */
    _Atomic bool failing; /* the last attempt */
    bool wanted;          /* a worker has asked for newer keys */
    bool asking, stopped;
    bool from_file;
    bool have;                             /* the workers have a set */
    unsigned failed_n;                     /* attempts since the last success */
    uint64_t tried_ms, fetched_ms, old_ms; /* monotonic: the last attempt, the last success,
                                              when the next is due */
    struct wheel_timer timer;
    char url[OIDC_URL_MAX]; /* of what is asked for */
    char why[ISSUER_WHY_MAX];
};

struct mail_keys {
    struct io_mail mail;
    struct worker *to;
    struct jwks *keys;
    uint64_t from_s;
};

static void ask(struct issuer *i);

static const struct conf *conf_of(const struct issuer *i)
{
    return i->server->conf;
}

static struct worker *home(const struct issuer *i)
{
    return &i->server->workers[0];
}

/* To the workers. */

static void keys_arrived(struct io_mail *mail)
{
    struct mail_keys *m = CONTAINER_OF(mail, struct mail_keys, mail);

    if (m->to->ended)
        jwks_unref(m->keys);
    else
        identity_keys_take(&m->to->people.identity, m->keys, m->from_s);
    free(m);
}

/* keys: NULL, or a set that becomes the workers'. */
static void hand_out_take(struct issuer *i, struct jwks *keys)
{
    uint64_t from_s = io_wall_ms(home(i)->io) / 1000;

    i->have = keys != NULL;
    for (unsigned w = 0; w < i->server->workers_n; w++) {
        struct mail_keys *m = calloc(1, sizeof(*m));

        if (m == NULL)
            abort();
        m->mail.deliver = keys_arrived;
        m->to = &i->server->workers[w];
        m->keys = keys != NULL ? jwks_ref(keys) : NULL;
        m->from_s = from_s;
        worker_mail(home(i), w, &m->mail);
    }
    jwks_unref(keys);
}

/* When something is to be done next. */

static void set_timer(struct issuer *i)
{
    uint64_t now = worker_now_ms(home(i)), at = i->old_ms;

    if (i->stopped || i->from_file)
        return;
    if (i->wanted)
        at = MIN(at, i->tried_ms + conf_of(i)->jwks_again_ms);
    if (i->have)
        at = MIN(at, i->fetched_ms + conf_of(i)->jwks_stale_ms);
    wheel_set(&home(i)->wheel, &i->timer, MAX(at, now + 1));
}

static void due(struct wheel_timer *t)
{
    struct issuer *i = CONTAINER_OF(t, struct issuer, timer);
    uint64_t now = worker_now_ms(home(i));

    if (i->have && now >= i->fetched_ms + conf_of(i)->jwks_stale_ms) {
        log_error(home(i)->log, "jwks_stale", LOG_TEXT("issuer", conf_of(i)->issuer));
        hand_out_take(i, NULL);
    }
    if (!i->asking &&
        (now >= i->old_ms || (i->wanted && now >= i->tried_ms + conf_of(i)->jwks_again_ms)))
        ask(i);
    else if (!i->asking)
        set_timer(i);
}

/* Answers. */

static void ended(struct issuer *i)
{
    http_client_request_fini(&i->req);
    i->asking = false;
    i->wanted = false;
    set_timer(i);
}

/* It is tried again after a while that doubles, and is spread over nodes. */
static void failed(struct issuer *i, const char *what, const char *why)
{
    struct worker *w = home(i);
    uint64_t ms = conf_of(i)->jwks_again_ms << MIN(i->failed_n, (unsigned)DOUBLED_MAX);
    uint64_t random;

    i->failed_n++;
    atomic_store(&i->failing, true);
    metrics_add(w->metrics, METRIC_jwks_failures, 1);
    log_warn(w->log, "jwks_failed", LOG_TEXT("url", what), LOG_TEXT("error", why));
    ms = MIN(ms, MIN((uint64_t)AGAIN_MAX_MS, conf_of(i)->jwks_stale_ms / 2));
    io_random(w->io, (uint8_t *)&random, sizeof(random));
    i->old_ms = worker_now_ms(w) + ms / 2 + random % (ms / 2 + 1);
    ended(i);
}

static void succeeded_take(struct issuer *i, struct jwks *keys)
{
    struct worker *w = home(i);
    uint64_t ms = OLD_MS, said_s;

    if (oidc_max_age(http_client_header(&i->req, "cache-control"), &said_s))
        ms = said_s >= OLD_MAX_MS / 1000 ? OLD_MAX_MS : MAX(said_s * 1000, (uint64_t)OLD_MIN_MS);
    i->failed_n = 0;
    i->fetched_ms = worker_now_ms(w);
    i->old_ms = i->fetched_ms + MIN(ms, conf_of(i)->jwks_stale_ms / 2);
    atomic_store(&i->failing, false);
    metrics_add(w->metrics, METRIC_jwks_fetches, 1);
    if (!i->have)
        log_info(w->log, "jwks", LOG_TEXT("url", i->url), LOG_U64("keys", jwks_count(keys)));
    hand_out_take(i, keys);
    ended(i);
}

/* NULL: a whole answer with status 200 came; else what went wrong. */
static const char *wrong_with(struct issuer *i)
{
    if (i->req.ret_error < 0)
        return http_client_error(&i->req);
    if (i->req.ret_status == 200)
        return NULL;
    (void)snprintf(i->why, sizeof(i->why), "it answered %u", i->req.ret_status);
    return i->why;
}

static void submit(struct issuer *i, http_done_f *done)
{
    static const char *const headers[] = {"Accept: application/json", NULL};
    const char *ca = conf_of(i)->issuer_ca;

    http_client_request_fini(&i->req);
    i->req = (struct http_request){.home = home(i)->io,
                                   .done = done,
                                   .method = "GET",
                                   .url = i->url,
                                   .headers = headers,
                                   .timeout_ms = TIMEOUT_MS,
                                   .response_max = JWKS_SIZE_MAX,
                                   .ca_file = ca[0] != '\0' ? ca : NULL};
    http_client_submit(i->server->o.http, &i->req);
}

/* The loop may have ended meanwhile: then nobody wants to know. */
static bool is_over(struct issuer *i)
{
    if (i->stopped)
        http_client_request_fini(&i->req);
    return i->stopped;
}

static void keys_came(struct http_request *req)
{
    struct issuer *i = CONTAINER_OF(req, struct issuer, req);
    enum jwks_result r;
    struct jwks *keys;
    const char *why;

    if (is_over(i))
        return;
    why = wrong_with(i);
    if (why != NULL) {
        failed(i, i->url, why);
        return;
    }
    r = jwks_parse(buf_peek(&req->ret_body), &keys);
    if (r == JWKS_OK)
        succeeded_take(i, keys);
    else
        failed(i, i->url, jwks_why(r));
}

static void description_came(struct http_request *req)
{
    struct issuer *i = CONTAINER_OF(req, struct issuer, req);
    char url[OIDC_URL_MAX];
    const char *why;

    if (is_over(i))
        return;
    why = wrong_with(i);
    if (why == NULL && !oidc_config_read(buf_peek(&req->ret_body), i->options.rules.issuer, url))
        why = "it does not describe this issuer, with a jwks_uri over https";
    if (why != NULL) {
        failed(i, i->url, why);
        return;
    }
    memcpy(i->url, url, sizeof(i->url));
    submit(i, keys_came);
}

static void ask(struct issuer *i)
{
    const char *url = conf_of(i)->jwks;

    i->asking = true;
    i->tried_ms = worker_now_ms(home(i));
    if (url[0] == '\0') {
        oidc_config_url(i->options.rules.issuer, i->url);
        submit(i, description_came);
        return;
    }
    (void)snprintf(i->url, sizeof(i->url), "%s", url);
    submit(i, keys_came);
}

/* On worker 0: somebody had a token with an unknown key. */
static void was_wanted(struct io_mail *mail)
{
    struct issuer *i = CONTAINER_OF(mail, struct issuer, wanted_mail);

    atomic_store(&i->mailed, false);
    i->wanted = true;
    if (!i->asking)
        set_timer(i);
}

/* Any worker. */
static void want_keys(struct identity *id)
{
    struct people *p = CONTAINER_OF(id, struct people, identity);
    struct worker *w = CONTAINER_OF(p, struct worker, people);
    struct issuer *i = w->server->issuer;

    if (!i->from_file && !atomic_exchange(&i->mailed, true))
        worker_mail(w, 0, &i->wanted_mail);
}

/* From a file. */

struct jwks *issuer_read(const struct issuer *i, char ret_why[static ISSUER_WHY_MAX])
{
    struct buf text CLEANUP(buf_fini);
    enum jwks_result result;
    struct jwks *keys;
    int r;

    buf_init(&text, JWKS_SIZE_MAX);
    if (i == NULL || !i->from_file)
        return NULL;
    r = file_read(conf_of(i)->jwks, &text);
    if (r < 0) {
        (void)snprintf(ret_why, ISSUER_WHY_MAX, "cannot read the keys in %.400s: %s",
                       conf_of(i)->jwks, strerror(-r));
        return NULL;
    }
    result = jwks_parse(buf_peek(&text), &keys);
    if (result == JWKS_OK)
        return keys;
    (void)snprintf(ret_why, ISSUER_WHY_MAX, "the keys in %.400s: %s", conf_of(i)->jwks,
                   jwks_why(result));
    return NULL;
}

void issuer_take(struct issuer *i, struct jwks *keys)
{
    i->fetched_ms = worker_now_ms(home(i));
    hand_out_take(i, keys);
}

const char *issuer_start(struct issuer *i)
{
    struct jwks *keys;

    if (i == NULL)
        return NULL;
    if (!i->from_file) {
        ask(i);
        return NULL;
    }
    keys = issuer_read(i, i->why);
    if (keys == NULL)
        return i->why;
    issuer_take(i, keys);
    return NULL;
}

void issuer_refresh(struct issuer *i)
{
    if (i != NULL && !i->stopped && !i->from_file && !i->asking)
        ask(i);
}

void issuer_stop(struct issuer *i)
{
    if (i == NULL)
        return;
    i->stopped = true;
    wheel_cancel(&home(i)->wheel, &i->timer);
}

void issuer_second(struct issuer *i)
{
    if (i != NULL && i->have)
        metrics_set(home(i)->metrics, METRIC_jwks_age,
                    (worker_now_ms(home(i)) - i->fetched_ms) / 1000);
}

bool issuer_is_failing(const struct issuer *i)
{
    return i != NULL && atomic_load(&i->failing);
}

/* Settings. */

static struct str *texts_of(const struct conf_list *list)
{
    struct str *texts = calloc(list->n + 1, sizeof(*texts));

    if (texts == NULL)
        abort();
    for (size_t n = 0; n < list->n; n++)
        texts[n] = str_of(list->items[n]);
    return texts;
}

static bool is_url(const char *text)
{
    return strstr(text, "://") != NULL;
}

const struct identity_options *issuer_options(const struct issuer *i)
{
    return i != NULL ? &i->options : NULL;
}

static int check(const struct conf *c, char ret_why[static ISSUER_WHY_MAX])
{
    char error[TLS_CONTEXT_ERROR_MAX];
    struct tls_context *ctx;
    const char *wrong;

    if (!oidc_url_right(str_of(c->issuer)))
        wrong = "issuer must be an address with https://, or http:// on this machine";
    else if (is_url(c->jwks) && !oidc_url_right(str_of(c->jwks)))
        wrong = "jwks must be a file, or an address with https://, or http:// on this machine";
    else if (c->issuer_ca[0] == '\0')
        return 0;
    else if (tls_context_new(&(struct tls_options){.ca_file = c->issuer_ca}, &ctx, error) < 0)
        wrong = error;
    else {
        tls_context_free(ctx);
        return 0;
    }
    (void)snprintf(ret_why, ISSUER_WHY_MAX, "%s%s", wrong == error ? "issuer-ca: " : "", wrong);
    return -EINVAL;
}

int issuer_new(struct server *s, struct issuer **ret_issuer, char ret_why[static ISSUER_WHY_MAX])
{
    const struct conf *c = s->conf;
    struct issuer *i;
    int r;

    *ret_issuer = NULL;
    if (c->issuer[0] == '\0' || s->o.echo)
        return 0;
    r = check(c, ret_why);
    if (r < 0)
        return r;
    i = calloc(1, sizeof(*i));
    if (i == NULL)
        abort();
    i->server = s;
    i->from_file = c->jwks[0] != '\0' && !is_url(c->jwks);
    assert(i->from_file || s->o.http != NULL);
    i->audiences = texts_of(&c->audience);
    i->names = texts_of(&c->issuer_name_claim);
    i->options = (struct identity_options){.rules = {.issuer = str_of(c->issuer),
                                                     .audiences = i->audiences,
                                                     .audiences_n = c->audience.n,
                                                     .names = i->names,
                                                     .names_n = c->issuer_name_claim.n,
                                                     .skew_s = c->issuer_skew_ms / 1000},
                                           .want_keys = want_keys};
    i->timer.fire = due;
    i->wanted_mail.deliver = was_wanted;
    *ret_issuer = i;
    return 0;
}

void issuer_free(struct issuer *i)
{
    if (i == NULL)
        return;
    http_client_request_fini(&i->req);
    free(i->audiences);
    free(i->names);
    free(i);
}
