#include "chat/people/identity.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/names.h"

#include <stdio.h>
#include <stdlib.h>

struct identity_known {
    struct map_node node;
    struct list recent;
    uint8_t subject[JWS_HASH_N];
    uint64_t user, session, expires_ms;
    size_t name_n;
    char name[IDENTITY_NAME_MAX];
};

static struct identity_known *known_of(struct list *node)
{
    return CONTAINER_OF(node, struct identity_known, recent);
}

static bool known_eq(const struct map_node *node, const void *key)
{
    return memcmp(CONTAINER_OF((struct map_node *)(uintptr_t)node, struct identity_known, node)
                      ->subject,
                  key, JWS_HASH_N) == 0;
}

/* It is a hash already. */
static uint64_t identity_hash_of(const uint8_t subject[static JWS_HASH_N])
{
    uint64_t h;

    memcpy(&h, subject, sizeof(h));
    return h;
}

void identity_init(struct identity *id, const struct identity_options *o)
{
    *id = (struct identity){.o = o};
    map_init(&id->known);
    list_init(&id->recent);
}

static void identity_forget(struct identity *id, struct identity_known *k)
{
    map_remove(&id->known, &k->node);
    list_remove(&k->recent);
    free(k);
}

void identity_fini(struct identity *id)
{
    while (!list_empty(&id->recent))
        identity_forget(id, known_of(id->recent.next));
    map_fini(&id->known);
    jwks_unref(id->keys);
}

void identity_keys_take(struct identity *id, struct jwks *keys, uint64_t from_s)
{
    jwks_unref(id->keys);
    id->keys = keys;
    id->keys_from_s = from_s;
}

enum error_code identity_refuse(struct identity *id, enum jwt_result r)
{
    id->refused[r]++;
    return r == JWT_EXPIRED ? ERROR_expired : ERROR_bad_token;
}

static enum error_code refuse_for_now(struct identity *id)
{
    assert(id->o != NULL);
    id->refused[IDENTITY_NO_KEYS]++;
    id->o->want_keys(id);
    return ERROR_issuer_unavailable;
}

/* Sessions are numbers, as those of own tokens are. */
static uint64_t number_of_session(const uint8_t hash[static JWS_HASH_N])
{
    return 1 + (identity_hash_of(hash) >> 12);
}

/* What has no session of its own is
 * one by itself. */
static uint64_t session_of(const struct identity *id, const struct jwt_issued *c)
{
    char issued[24];
    int n = snprintf(issued, sizeof(issued), "%llu", (unsigned long long)c->issued_s);
    const struct str parts[] = {
        STR("session"), id->o->rules.issuer, c->subject,
        c->session.n > 0 ? c->session : (struct str){(const uint8_t *)issued, (size_t)n}};
    uint8_t hash[JWS_HASH_N];

    jws_hash(parts, COUNTOF(parts), hash);
    return number_of_session(hash);
}

static struct identity_known *identity_find(struct identity *id,
                                            const uint8_t subject[static JWS_HASH_N])
{
    struct map_node *n = map_find(&id->known, identity_hash_of(subject), known_eq, subject);
    struct identity_known *k = n != NULL ? CONTAINER_OF(n, struct identity_known, node) : NULL;

    if (k != NULL) {
        list_remove(&k->recent);
        list_push(&id->recent, &k->recent);
    }
    return k;
}

/* What the store must be asked or told about it, if anything. ret->subject is set, and what the
 * session is. */
static void recognize(struct identity *id, struct str name, struct caller *ret_who,
                      struct identity_stranger *ret)
{
    const struct identity_known *k = identity_find(id, ret->subject);

    ret->name_n = names_make(name, ret->name, sizeof(ret->name));
    *ret_who = (struct caller){.session = ret->session, .expires_ms = ret->expires_ms};
    if (k == NULL)
        return;
    ret->user = k->user;
    ret->name_n = k->name_n;
    memcpy(ret->name, k->name, k->name_n);
    if (k->session != ret->session || k->expires_ms < ret->expires_ms)
        return; /* the session's record must be written */
    ret_who->user = k->user;
    ret_who->name = (struct str){(const uint8_t *)k->name, k->name_n};
}

static void recognize_issued(struct identity *id, const struct jwt_issued *c,
                             struct caller *ret_who, struct identity_stranger *ret)
{
    const struct str subject[] = {STR("subject"), id->o->rules.issuer, c->subject};

    *ret = (struct identity_stranger){.session = session_of(id, c),
                                      .issued_ms = c->issued_s * 1000,
                                      .expires_ms = (c->expires_s + id->o->rules.skew_s) * 1000,
                                      .lasting = c->lasting};
    jws_hash(subject, COUNTOF(subject), ret->subject);
    recognize(id, c->name, ret_who, ret);
}

enum error_code identity_verify(struct identity *id, struct str token, uint64_t now_s,
                                uint8_t *scratch, struct caller *ret_who,
                                struct identity_stranger *ret)
{
    struct jwt_issued c;
    enum jwt_result r;

    if (id->keys == NULL)
        return refuse_for_now(id);
    r = jwt_verify_issued(&id->o->rules, id->keys, token, now_s, scratch, JWT_SCRATCH_MIN, &c);
    if (r == JWT_NO_KEY && c.issued_s + id->o->rules.skew_s >= id->keys_from_s &&
        c.issued_s <= now_s + id->o->rules.skew_s)
        return refuse_for_now(id);
    if (r != JWT_OK)
        return identity_refuse(id, r);
    recognize_issued(id, &c, ret_who, ret);
    return ERROR_NONE;
}

void identity_vouched(struct identity *id, const struct identity_voucher *v, struct caller *ret_who,
                      struct identity_stranger *ret)
{
    const struct str subject[] = {STR("subject"), STR("gateway"), v->principal};
    const struct str session[] = {STR("session"), STR("gateway"), v->principal, v->connection};
    uint8_t hash[JWS_HASH_N];

    assert(v->principal.n > 0 && v->connection.n > 0);
    jws_hash(session, COUNTOF(session), hash);
    *ret = (struct identity_stranger){
        .session = number_of_session(hash), .issued_ms = v->now_ms, .expires_ms = v->expires_ms};
    jws_hash(subject, COUNTOF(subject), ret->subject);
    recognize(id, v->title.n > 0 ? v->title : v->principal, ret_who, ret);
}

void identity_learn(struct identity *id, const struct identity_stranger *s, uint64_t user,
                    struct str name)
{
    struct identity_known *k = identity_find(id, s->subject);

    assert(name.n <= sizeof(k->name));
    if (k == NULL) {
        if (map_n(&id->known) >= IDENTITY_KNOWN_MAX)
            identity_forget(id, known_of(id->recent.next));
        k = mem_zeroed(1, sizeof(*k));
        memcpy(k->subject, s->subject, sizeof(k->subject));
        map_add(&id->known, &k->node, identity_hash_of(s->subject));
        list_init(&k->recent);
        list_push(&id->recent, &k->recent);
    }
    k->user = user;
    k->session = s->session;
    k->expires_ms = s->expires_ms;
    k->name_n = name.n;
    memcpy(k->name, name.p, name.n);
}
