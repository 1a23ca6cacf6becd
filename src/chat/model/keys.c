#include "chat/model/keys.h"

#include "base/hex.h"
#include "base/str.h"

#include <stdio.h>

static struct str join(struct str prefix, struct str rest, char buf[static KEYS_MAX])
{
    assert(rest.n <= KEYS_MAX - prefix.n);
    if (prefix.n > 0)
        memcpy(buf, prefix.p, prefix.n);
    if (rest.n > 0)
        memcpy(buf + prefix.n, rest.p, rest.n);
    return (struct str){(const uint8_t *)buf, prefix.n + rest.n};
}

static struct str number(struct str prefix, uint64_t v, char buf[static KEYS_MAX])
{
    char digits[20];

    return join(prefix, (struct str){(const uint8_t *)digits, str_from_u64(v, digits)}, buf);
}

struct str keys_of_user(uint64_t user, char buf[static KEYS_MAX])
{
    return number(STR("u:"), user, buf);
}

struct str keys_of_room(struct str room, char buf[static KEYS_MAX])
{
    return join(STR("r:"), room, buf);
}

struct str keys_of_subject(const uint8_t hash[static 32], char buf[static KEYS_MAX])
{
    char hex[64];

    (void)hex_write(hex, hash, 32);
    return join(STR("subject:"), (struct str){(const uint8_t *)hex, sizeof(hex)}, buf);
}

struct str keys_of_challenge(const uint8_t nonce[static 16], char buf[static KEYS_MAX])
{
    char hex[32];

    (void)hex_write(hex, nonce, 16);
    return join(STR("challenge:"), (struct str){(const uint8_t *)hex, sizeof(hex)}, buf);
}

struct str keys_of_minute(uint64_t minute, char buf[static KEYS_MAX])
{
    return number(STR("revoked:"), minute, buf);
}

struct str keys_of_directory(uint64_t minute, char buf[static KEYS_MAX])
{
    return number(STR("directory:"), minute, buf);
}

struct str keys_changed(uint64_t ms, struct str room, char buf[static KEYS_MAX])
{
    char time[KEYS_CHANGED_N + 1];

    (void)snprintf(time, sizeof(time), "%016llu:", (unsigned long long)(ms % 10000000000000000u));
    return join((struct str){(const uint8_t *)time, KEYS_CHANGED_N}, room, buf);
}

struct str keys_of_link(struct str hash, char buf[static KEYS_MAX])
{
    assert(hash.n == 64);
    return join(KEYS_OF_LINKS, hash, buf);
}

struct str keys_link(struct str id, char buf[static KEYS_MAX])
{
    assert(id.n > 0 && id.n <= 64);
    return join(KEYS_OF_LINKS, id, buf);
}

struct str keys_of_conn(struct str id, char buf[static KEYS_MAX])
{
    assert(id.n > 0 && id.n <= KEYS_CONN_MAX);
    return join(KEYS_OF_CONNS, id, buf);
}

struct str keys_of_limit(struct str who, char buf[static KEYS_MAX])
{
    assert(who.n > 0 && who.n <= 64);
    return join(STR("l:"), who, buf);
}

struct str keys_of_homes(struct str run, char buf[static KEYS_MAX])
{
    assert(run.n > 0 && run.n <= 32);
    return join(STR("g:"), run, buf);
}

/* A room's id has no '#'. */
static struct str sharded(const char *prefix, struct str room, uint32_t shard,
                          char buf[static KEYS_MAX])
{
    struct str pk = join((struct str){(const uint8_t *)prefix, 2}, room, buf);
    char digits[20];
    size_t n = str_from_u64(shard, digits);

    assert(pk.n + 1 + n <= KEYS_MAX);
    buf[pk.n] = '#';
    memcpy(buf + pk.n + 1, digits, n);
    return (struct str){pk.p, pk.n + 1 + n};
}

struct str keys_of_followers(struct str room, uint32_t shard, char buf[static KEYS_MAX])
{
    return sharded("f:", room, shard, buf);
}

struct str keys_of_shard(struct str room, uint32_t shard, char buf[static KEYS_MAX])
{
    return sharded("s:", room, shard, buf);
}

struct str keys_session(uint64_t session, char buf[static KEYS_MAX])
{
    return number(KEYS_SESSIONS, session, buf);
}

struct str keys_api_key(uint64_t id, char buf[static KEYS_MAX])
{
    return number(KEYS_API_KEYS, id, buf);
}

struct str keys_seen(uint64_t session, char buf[static KEYS_MAX])
{
    return number(KEYS_SEEN, session, buf);
}

struct str keys_listed(struct str room, char buf[static KEYS_MAX])
{
    return join(KEYS_ROOMS, room, buf);
}

struct str keys_pref(struct str room, char buf[static KEYS_MAX])
{
    return join(KEYS_PREFS, room, buf);
}

struct str keys_conn(struct str id, char buf[static KEYS_MAX])
{
    assert(id.n > 0 && id.n <= KEYS_CONN_MAX);
    return join(KEYS_CONNS, id, buf);
}

struct str keys_bot(uint64_t bot, char buf[static KEYS_MAX])
{
    return number(KEYS_BOTS, bot, buf);
}

struct str keys_block(uint64_t user, char buf[static KEYS_MAX])
{
    return number(KEYS_BLOCKS, user, buf);
}

struct str keys_ended(uint64_t session, char buf[static KEYS_MAX])
{
    return number((struct str){0}, session, buf);
}
