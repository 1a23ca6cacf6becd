/* An outside issuer: its keys are fetched when a token of it comes and there are none, or old ones,
 * or the token names another one; the event waits. And who the gateway's authorizer says it is. */
#include "base/mem.h"
#include "base/str.h"
#include "lambda/lambda_impl.h"

#include <stdlib.h>

/* Of the wall clock: the other stands still while the instance is frozen. */
static uint64_t lambda_issuer_now_ms(const struct lambda *l)
{
    return io_wall_ms(l->o.io);
}

/* Told by people_verify, while a token is looked at. */
static void lambda_issuer_wanted(struct identity *id)
{
    struct people *p = CONTAINER_OF(id, struct people, identity);
    struct lambda *l = CONTAINER_OF(p, struct lambda, people);

    l->issuer.wanted = true;
}

static bool lambda_issuer_may_try(const struct lambda *l)
{
    const struct lambda_issuer *i = &l->issuer;
    uint64_t now = lambda_issuer_now_ms(l);

    return l->o.http != NULL &&
           (i->tried_ms == 0 || now < i->tried_ms || now >= i->tried_ms + l->o.conf->jwks_again_ms);
}

void lambda_issuer_mind(struct lambda *l)
{
    struct lambda_issuer *i = &l->issuer;
    uint64_t now = lambda_issuer_now_ms(l);

    i->wanted = false;
    if (i->keys != NULL && now >= i->fetched_ms + l->o.conf->jwks_stale_ms) {
        jwks_unref(i->keys);
        i->keys = NULL;
        l->o.told(l->o.ctx, "jwks_stale", l->o.conf->issuer);
    }
    /* A token of the issuer finds none, and new ones are asked for. */
    if (i->keys == NULL || (now >= i->old_ms && lambda_issuer_may_try(l)))
        identity_keys_take(&l->people.identity, NULL, 0);
}

/* Those that there are. */
static void lambda_issuer_use(struct lambda *l)
{
    struct lambda_issuer *i = &l->issuer;

    if (i->keys != NULL)
        identity_keys_take(&l->people.identity, jwks_ref(i->keys), i->fetched_ms / 1000);
}

static void lambda_issuer_fetched(struct issuer_keys *fetch)
{
    struct lambda *l = CONTAINER_OF(fetch, struct lambda, issuer.fetch);
    struct lambda_issuer *i = &l->issuer;
    uint64_t now = lambda_issuer_now_ms(l);

    if (fetch->ret_keys != NULL) {
        jwks_unref(i->keys);
        i->keys = fetch->ret_keys;
        i->fetched_ms = now;
        i->old_ms = now + MIN(fetch->ret_old_ms, l->o.conf->jwks_stale_ms / 2);
    } else {
        l->o.told(l->o.ctx, "jwks_failed", fetch->ret_why);
    }
    lambda_issuer_use(l);
    lambda_later(l, i->fetched);
}

bool lambda_issuer_fetch(struct lambda *l, lambda_done_f *done)
{
    struct lambda_issuer *i = &l->issuer;

    if (!i->wanted || !lambda_issuer_may_try(l))
        return false;
    i->wanted = false;
    i->tried_ms = lambda_issuer_now_ms(l);
    i->fetched = done;
    i->fetch = (struct issuer_keys){.client = l->o.http,
                                    .home = l->o.io,
                                    .issuer = i->options.rules.issuer,
                                    .url = l->o.conf->jwks,
                                    .ca_file = l->o.conf->issuer_ca,
                                    .done = lambda_issuer_fetched};
    issuer_keys_start(&i->fetch);
    return true;
}

const struct identity_options *lambda_issuer_init(struct lambda *l)
{
    const struct conf *c = l->o.conf;
    struct lambda_issuer *i = &l->issuer;

    if (c->issuer[0] == '\0')
        return NULL;
    issuer_rules_init(&i->rules, c);
    i->options =
        (struct identity_options){.rules = i->rules.jwt, .want_keys = lambda_issuer_wanted};
    return &i->options;
}

void lambda_issuer_fini(struct lambda *l)
{
    issuer_keys_fini(&l->issuer.fetch);
    jwks_unref(l->issuer.keys);
    issuer_rules_fini(&l->issuer.rules);
}

bool lambda_issuer_vouched(struct lambda *l, struct caller *ret_who, struct identity_stranger *ret)
{
    struct lambda_visit *v = &l->visit;
    uint64_t now = store_wall_ms(l->o.store, l->o.io);
    uint64_t since = v->event.connected_ms > 0 ? v->event.connected_ms : now;
    struct identity_voucher voucher = {
        .principal = gateway_event_find(&v->event.principal, STR("principalId")),
        .title = gateway_event_find(&v->event.principal, STR("name")),
        .connection = v->event.connection,
        .now_ms = now,
        .expires_ms = since + ROWS_LIFE_MS};

    if (!l->o.conf->gw_principal || voucher.principal.n == 0)
        return false;
    identity_vouched(&l->people.identity, &voucher, ret_who, ret);
    return true;
}
