#include "server/node/issuer.h"

#include "base/mem.h"
#include "base/str.h"
#include "io/file.h"
#include "io/tls_context.h"
#include "issuer/issuer_keys.h"
#include "issuer/issuer_rules.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define AGAIN_MAX_MS (5 * 60 * 1000u)
#define DOUBLED_MAX 10

struct issuer {
    struct server *server;
    struct identity_options options;
    struct issuer_rules rules;
    struct issuer_keys fetch;
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
    char why[ISSUER_WHY_MAX];
};

struct new_keys {
    struct jwks *keys;
    uint64_t from_s;
};

static void issuer_ask(struct issuer *i);

static const struct conf *conf_of(const struct issuer *i)
{
    return i->server->conf;
}

static struct worker *issuer_home(const struct issuer *i)
{
    return server_first(i->server);
}

/* To the workers. */

static void keys_arrived(struct worker *w, const void *arg)
{
    const struct new_keys *k = arg;

    if (lifecycle_at(&w->life) == LIFE_ENDED)
        jwks_unref(k->keys);
    else
        identity_keys_take(&w->people.identity, k->keys, k->from_s);
}

/* keys: NULL, or a set that becomes the workers'. */
static void hand_out_take(struct issuer *i, struct jwks *keys)
{
    struct new_keys k = {keys, worker_wall_ms(issuer_home(i)) / 1000};

    i->have = keys != NULL;
    for (unsigned w = 0; w < i->server->workers_n; w++) {
        if (keys != NULL)
            (void)jwks_ref(keys);
        worker_run(issuer_home(i), w, keys_arrived, &k, sizeof(k));
    }
    jwks_unref(keys);
}

/* When something is to be done next. */

static void issuer_set_timer(struct issuer *i)
{
    uint64_t now = worker_now_ms(issuer_home(i)), at = i->old_ms;

    if (i->stopped || i->from_file)
        return;
    if (i->wanted)
        at = MIN(at, i->tried_ms + conf_of(i)->jwks_again_ms);
    if (i->have)
        at = MIN(at, i->fetched_ms + conf_of(i)->jwks_stale_ms);
    wheel_set(&issuer_home(i)->wheel, &i->timer, MAX(at, now + 1));
}

static void issuer_due(struct wheel_timer *t)
{
    struct issuer *i = CONTAINER_OF(t, struct issuer, timer);
    uint64_t now = worker_now_ms(issuer_home(i));

    assert(!i->stopped && !i->from_file);
    if (i->have && now >= i->fetched_ms + conf_of(i)->jwks_stale_ms) {
        log_error(issuer_home(i)->log, "jwks_stale", LOG_TEXT("issuer", conf_of(i)->issuer));
        hand_out_take(i, NULL);
    }
    if (!i->asking &&
        (now >= i->old_ms || (i->wanted && now >= i->tried_ms + conf_of(i)->jwks_again_ms)))
        issuer_ask(i);
    else if (!i->asking)
        issuer_set_timer(i);
}

/* Answers. */

static void issuer_ended(struct issuer *i)
{
    assert(i->asking);
    i->asking = false;
    i->wanted = false;
    issuer_set_timer(i);
}

/* It is tried again after a while that doubles, and is spread over nodes. */
static void issuer_failed(struct issuer *i)
{
    struct worker *w = issuer_home(i);
    uint64_t ms = conf_of(i)->jwks_again_ms << MIN(i->failed_n, (unsigned)DOUBLED_MAX);
    uint64_t random;

    i->failed_n++;
    atomic_store(&i->failing, true);
    metrics_add(w->metrics, METRIC_jwks_failures, 1);
    log_warn(w->log, "jwks_failed", LOG_TEXT("url", i->fetch.ret_url),
             LOG_TEXT("error", i->fetch.ret_why));
    ms = MIN(ms, MIN((uint64_t)AGAIN_MAX_MS, conf_of(i)->jwks_stale_ms / 2));
    io_random(w->io, (uint8_t *)&random, sizeof(random));
    i->old_ms = worker_now_ms(w) + ms / 2 + random % (ms / 2 + 1);
    issuer_ended(i);
}

static void succeeded_take(struct issuer *i, struct jwks *keys)
{
    struct worker *w = issuer_home(i);

    i->failed_n = 0;
    i->fetched_ms = worker_now_ms(w);
    i->old_ms = i->fetched_ms + MIN(i->fetch.ret_old_ms, conf_of(i)->jwks_stale_ms / 2);
    atomic_store(&i->failing, false);
    metrics_add(w->metrics, METRIC_jwks_fetches, 1);
    if (!i->have)
        log_info(w->log, "jwks", LOG_TEXT("url", i->fetch.ret_url),
                 LOG_U64("keys", jwks_count(keys)));
    hand_out_take(i, keys);
    issuer_ended(i);
}

static void issuer_fetched(struct issuer_keys *fetch)
{
    struct issuer *i = CONTAINER_OF(fetch, struct issuer, fetch);

    assert(i->asking);
    if (fetch->ret_keys != NULL)
        succeeded_take(i, fetch->ret_keys);
    else
        issuer_failed(i);
}

static void issuer_ask(struct issuer *i)
{
    assert(!i->asking && !i->stopped && !i->from_file);
    i->asking = true;
    i->tried_ms = worker_now_ms(issuer_home(i));
    i->fetch = (struct issuer_keys){.client = i->server->o.http,
                                    .home = issuer_home(i)->io,
                                    .issuer = i->options.rules.issuer,
                                    .url = conf_of(i)->jwks,
                                    .ca_file = conf_of(i)->issuer_ca,
                                    .done = issuer_fetched};
    issuer_keys_start(&i->fetch);
}

/* On worker 0: somebody had a token with an unknown key. */
static void was_wanted(struct io_mail *mail)
{
    struct issuer *i = CONTAINER_OF(mail, struct issuer, wanted_mail);

    assert(!i->from_file);
    atomic_store(&i->mailed, false);
    i->wanted = true;
    if (!i->asking)
        issuer_set_timer(i);
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
    assert(i->from_file && keys != NULL);
    i->fetched_ms = worker_now_ms(issuer_home(i));
    hand_out_take(i, keys);
}

const char *issuer_start(struct issuer *i)
{
    struct jwks *keys;

    if (i == NULL)
        return NULL;
    assert(i->tried_ms == 0 && !i->have);
    if (!i->from_file) {
        issuer_ask(i);
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
        issuer_ask(i);
}

void issuer_stop(struct issuer *i)
{
    if (i == NULL)
        return;
    i->stopped = true;
    issuer_keys_stop(&i->fetch); /* the loop may have ended by then */
    wheel_cancel(&issuer_home(i)->wheel, &i->timer);
}

void issuer_second(struct issuer *i)
{
    if (i != NULL && i->have)
        metrics_set(issuer_home(i)->metrics, METRIC_jwks_age,
                    (worker_now_ms(issuer_home(i)) - i->fetched_ms) / 1000);
}

bool issuer_is_failing(const struct issuer *i)
{
    return i != NULL && atomic_load(&i->failing);
}

/* Settings. */

const struct identity_options *issuer_options(const struct issuer *i)
{
    return i != NULL ? &i->options : NULL;
}

static int issuer_check(const struct conf *c, char ret_why[static ISSUER_WHY_MAX])
{
    char error[TLS_CONTEXT_ERROR_MAX];
    struct tls_context *ctx;
    const char *wrong = issuer_keys_wrong(c->issuer, c->jwks);

    if (wrong == NULL && c->issuer_ca[0] == '\0')
        return 0;
    if (wrong == NULL &&
        tls_context_new(&(struct tls_options){.ca_file = c->issuer_ca}, &ctx, error) == 0) {
        tls_context_free(ctx);
        return 0;
    }
    if (wrong == NULL)
        wrong = error;
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
    r = issuer_check(c, ret_why);
    if (r < 0)
        return r;
    i = mem_zeroed(1, sizeof(*i));
    i->server = s;
    i->from_file = c->jwks[0] != '\0' && !issuer_keys_is_url(c->jwks);
    assert(i->from_file || s->o.http != NULL);
    issuer_rules_init(&i->rules, c);
    i->options = (struct identity_options){.rules = i->rules.jwt, .want_keys = want_keys};
    i->timer.fire = issuer_due;
    i->wanted_mail.deliver = was_wanted;
    *ret_issuer = i;
    return 0;
}

void issuer_free(struct issuer *i)
{
    if (i == NULL)
        return;
    issuer_keys_fini(&i->fetch);
    issuer_rules_fini(&i->rules);
    free(i);
}
