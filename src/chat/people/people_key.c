#include "chat/people/people_key.h"

#include "base/base64.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/str.h"
#include "chat/model/scope.h"
#include "wire/jws.h"

#include <stdio.h>
#include <stdlib.h>

#define PREFIX STR("plk_")
#define SECRET_CHARS 43 /* of PEOPLE_KEY_SECRET_N bytes */

struct known_key {
    struct map_node node;
    struct list recent;
    struct people_key_claim claim;
    uint64_t expires_ms, until_ms;
    unsigned scopes;
    size_t name_n;
    char name[];
};

bool people_key_read(struct str token, struct people_key_claim *ret)
{
    uint8_t secret[BASE64_DECODED_MAX(SECRET_CHARS)];
    struct str rest, part;
    size_t n;

    if (!str_starts(token, PREFIX))
        return false;
    rest = str_skip(token, PREFIX.n);
    if (!str_to_u64(str_cut(&rest, '_'), &ret->user) || !str_to_u64(str_cut(&rest, '_'), &ret->id))
        return false;
    if (ret->user == 0 || ret->id == 0 || rest.n != SECRET_CHARS ||
        !base64_decode(BASE64_URL, rest, secret, &n) || n != PEOPLE_KEY_SECRET_N)
        return false;
    part = (struct str){secret, n};
    jws_hash(&part, 1, ret->hash);
    return true;
}

struct str people_key_write(uint64_t user, uint64_t id,
                            const uint8_t secret[static PEOPLE_KEY_SECRET_N],
                            char buf[static PEOPLE_KEY_TEXT_MAX], uint8_t ret_hash[static 32])
{
    struct str part = {secret, PEOPLE_KEY_SECRET_N};
    int n = snprintf(buf, PEOPLE_KEY_TEXT_MAX, "plk_%llu_%llu_", (unsigned long long)user,
                     (unsigned long long)id);

    assert(n > 0 && (size_t)n + BASE64_ENCODED_MAX(PEOPLE_KEY_SECRET_N) < PEOPLE_KEY_TEXT_MAX);
    assert(user != 0 && id != 0);
    jws_hash(&part, 1, ret_hash);
    return (struct str){(const uint8_t *)buf, (size_t)n + base64_encode(BASE64_URL, part, buf + n)};
}

struct str people_key_encode(const struct people_key *k, char buf[static PEOPLE_KEY_BODY_MAX])
{
    char hash[2 * sizeof(k->hash) + 1];
    int n;

    assert(k->scopes != 0 && k->scopes <= SCOPE_ALL);
    *hex_write(hash, k->hash, sizeof(k->hash)) = '\0';
    n = snprintf(buf, PEOPLE_KEY_BODY_MAX, "%llu %llu %llu %u %llu %s %.*s",
                 (unsigned long long)k->created_ms, (unsigned long long)k->expires_ms,
                 (unsigned long long)k->generation, k->scopes, (unsigned long long)k->used_ms, hash,
                 STR_ARGS(k->name));
    assert(n > 0 && n < PEOPLE_KEY_BODY_MAX);
    return (struct str){(const uint8_t *)buf, (size_t)n};
}

static bool read_hash(struct str digits, uint8_t ret[static 32])
{
    if (digits.n != 64)
        return false;
    for (size_t i = 0; i < 32; i++) {
        uint64_t byte;

        if (!hex_number((struct str){digits.p + 2 * i, 2}, &byte))
            return false;
        ret[i] = (uint8_t)byte;
    }
    return true;
}

bool people_key_decode(struct str body, struct people_key *ret)
{
    struct people_key k = {0};
    uint64_t scopes;

    if (!str_to_u64(str_cut(&body, ' '), &k.created_ms) ||
        !str_to_u64(str_cut(&body, ' '), &k.expires_ms) ||
        !str_to_u64(str_cut(&body, ' '), &k.generation) ||
        !str_to_u64(str_cut(&body, ' '), &scopes) || !str_to_u64(str_cut(&body, ' '), &k.used_ms) ||
        !read_hash(str_cut(&body, ' '), k.hash) || scopes == 0 || scopes > SCOPE_ALL)
        return false;
    k.scopes = (unsigned)scopes;
    k.name = body;
    *ret = k;
    return true;
}

/* Those that were looked up last. */

static bool known_eq(const struct map_node *node, const void *key)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct known_key, node)->claim.id ==
           *(const uint64_t *)key;
}

static struct known_key *known_of(struct list *node)
{
    return CONTAINER_OF(node, struct known_key, recent);
}

void people_key_init(struct people_keyring *k)
{
    map_init(&k->known);
    list_init(&k->recent);
}

static void key_forget(struct people_keyring *k, struct known_key *known)
{
    map_remove(&k->known, &known->node);
    list_remove(&known->recent);
    free(known);
}

void people_key_fini(struct people_keyring *k)
{
    while (!list_empty(&k->recent))
        key_forget(k, known_of(k->recent.next));
    map_fini(&k->known);
}

bool people_key_same(const uint8_t a[static 32], const uint8_t b[static 32])
{
    return str_eq_secret((struct str){a, 32}, (struct str){b, 32});
}

struct caller people_key_caller(const struct people_key_claim *c, const struct people_key *k,
                                struct str name)
{
    assert(k->scopes != 0);
    return (struct caller){.user = c->user,
                           .name = name,
                           .session = c->id,
                           .expires_ms = k->expires_ms,
                           .scopes = (uint8_t)k->scopes,
                           .super = (k->scopes & SCOPE_ADMIN) != 0};
}

bool people_key_known(struct people_keyring *ring, const struct people_key_claim *c,
                      uint64_t now_ms, struct caller *ret_who)
{
    struct map_node *n = map_find(&ring->known, c->id, known_eq, &c->id);
    struct known_key *k = n != NULL ? CONTAINER_OF(n, struct known_key, node) : NULL;

    if (k == NULL)
        return false;
    assert(k->claim.id == c->id);
    if (k->until_ms <= now_ms) {
        key_forget(ring, k);
        return false;
    }
    if (k->claim.user != c->user || !people_key_same(k->claim.hash, c->hash))
        return false;
    *ret_who =
        people_key_caller(c, &(struct people_key){.expires_ms = k->expires_ms, .scopes = k->scopes},
                          (struct str){(const uint8_t *)k->name, k->name_n});
    return true;
}

void people_key_learn(struct people_keyring *ring, const struct people_key_claim *c,
                      const struct caller *who, uint64_t now_ms)
{
    struct map_node *n = map_find(&ring->known, c->id, known_eq, &c->id);
    struct str name = who->name;
    struct known_key *k;

    assert(who->scopes != 0 && who->session == c->id);
    if (n != NULL)
        key_forget(ring, CONTAINER_OF(n, struct known_key, node));
    if (map_n(&ring->known) >= PEOPLE_KEY_KNOWN_MAX)
        key_forget(ring, known_of(ring->recent.next));
    assert(map_n(&ring->known) < PEOPLE_KEY_KNOWN_MAX);
    k = mem_zeroed(1, sizeof(*k) + name.n);
    k->claim = *c;
    k->expires_ms = who->expires_ms;
    k->until_ms = MIN(now_ms + PEOPLE_KEY_KNOWN_MS, k->expires_ms);
    k->scopes = who->scopes;
    k->name_n = name.n;
    if (name.n > 0)
        memcpy(k->name, name.p, name.n);
    map_add(&ring->known, &k->node, c->id);
    list_init(&k->recent);
    list_push(&ring->recent, &k->recent);
}
