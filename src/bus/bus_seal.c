#include "bus/bus_seal.h"

#include "base/str.h"

#include <sodium.h>
#include <string.h>

#define PURPOSE "polylog bus 2:"

enum {
    NAME_AT = 1,
    TAG_AT = NAME_AT + BUS_SEAL_NAME_N,
    TAG_N = crypto_shorthash_siphashx24_BYTES,
    KIND_AT = TAG_AT + TAG_N,
    NODE_AT = KIND_AT + 1,
    COUNT_AT = NODE_AT + 8,
    SEQ_AT = COUNT_AT + 8,
    AT_AT = SEQ_AT + 8,
};

static_assert(AT_AT + 8 == BUS_SEAL_N, "the parts of a seal");
static_assert(BUS_SEAL_KEY_N == crypto_shorthash_siphashx24_KEYBYTES, "SipHash's key");
static_assert(BUS_SEAL_KEY_N == crypto_shorthash_siphashx24_BYTES, "a channel's key");

static void put_u64(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_u64(const uint8_t *p)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

void bus_seal_init(struct bus_seal *s, struct str secret, struct str system)
{
    crypto_auth_hmacsha256_state state;
    uint8_t made[crypto_auth_hmacsha256_BYTES];

    crypto_auth_hmacsha256_init(&state, secret.p, secret.n);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)PURPOSE, sizeof(PURPOSE) - 1);
    crypto_auth_hmacsha256_update(&state, system.p, system.n);
    crypto_auth_hmacsha256_final(&state, made);
    memcpy(s->key, made, sizeof(s->key));
    memcpy(s->name, made + sizeof(s->key), sizeof(s->name));
    sodium_memzero(made, sizeof(made));
    sodium_memzero(&state, sizeof(state));
}

void bus_seal_channel(const struct bus_seal *s, struct str channel, struct bus_seal_channel *ret)
{
    (void)crypto_shorthash_siphashx24(ret->key, channel.p, channel.n, s->key);
}

/* Of the message from its kind on. */
static void make_tag(const struct bus_seal_channel *c, const uint8_t *message, size_t n,
                     uint8_t ret_tag[static TAG_N])
{
    (void)crypto_shorthash_siphashx24(ret_tag, message + KIND_AT, n - KIND_AT, c->key);
}

void bus_seal_write(const struct bus_seal *s, const struct bus_seal_channel *c,
                    const struct bus_head *h, uint8_t *message, size_t n)
{
    assert(n >= BUS_SEAL_N);
    message[0] = BUS_SEAL_VERSION;
    memcpy(message + NAME_AT, s->name, sizeof(s->name));
    message[KIND_AT] = h->kind;
    put_u64(message + NODE_AT, h->node);
    put_u64(message + COUNT_AT, h->count);
    put_u64(message + SEQ_AT, h->seq);
    put_u64(message + AT_AT, h->at_ms);
    make_tag(c, message, n, message + TAG_AT);
}

uint64_t bus_seal_node(struct str message)
{
    return message.n >= BUS_SEAL_N ? get_u64(message.p + NODE_AT) : 0;
}

enum bus_seal_result bus_seal_read(const struct bus_seal *s, const struct bus_seal_channel *c,
                                   struct str message, struct bus_head *ret_head,
                                   struct str *ret_bytes)
{
    const uint8_t *p = message.p;
    uint8_t tag[TAG_N];

    if (message.n < BUS_SEAL_N)
        return BUS_SEAL_FORGED;
    if (p[0] != BUS_SEAL_VERSION || memcmp(p + NAME_AT, s->name, sizeof(s->name)) != 0)
        return BUS_SEAL_OTHER;
    make_tag(c, p, message.n, tag);
    if (sodium_memcmp(tag, p + TAG_AT, sizeof(tag)) != 0)
        return BUS_SEAL_FORGED;
    *ret_head = (struct bus_head){p[KIND_AT], get_u64(p + NODE_AT), get_u64(p + COUNT_AT),
                                  get_u64(p + SEQ_AT), get_u64(p + AT_AT)};
    *ret_bytes = str_skip(message, BUS_SEAL_N);
    return BUS_SEAL_GOOD;
}
