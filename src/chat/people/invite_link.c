#include "chat/people/invite_link.h"

#include "base/hex.h"
#include "base/str.h"

#include <openssl/sha.h>
#include <stdio.h>

/* Two at once are common, so many are an attack. */
#define TRIES_MAX 16

void invite_link_hash(struct str code, char ret_hash[static INVITE_LINK_HASH])
{
    uint8_t hash[SHA256_DIGEST_LENGTH];

    (void)SHA256(code.p, code.n, hash);
    (void)hex_write(ret_hash, hash, sizeof(hash));
}

struct str invite_link_encode(const struct invite_link *l, char *to, size_t max)
{
    int n =
        snprintf(to, max, "%llu %d %llu %llu %llu %llu %.*s", (unsigned long long)l->by, l->super,
                 (unsigned long long)l->created_ms, (unsigned long long)l->expires_ms,
                 (unsigned long long)l->uses, (unsigned long long)l->used, (int)l->room_n, l->room);

    assert(n > 0 && (size_t)n < max);
    return (struct str){(const uint8_t *)to, (size_t)n};
}

bool invite_link_decode(struct str body, struct invite_link *ret)
{
    struct invite_link l = {0};
    uint64_t *const numbers[] = {&l.created_ms, &l.expires_ms, &l.uses, &l.used};
    struct str super;

    if (!str_to_u64(str_cut(&body, ' '), &l.by))
        return false;
    super = str_cut(&body, ' ');
    l.super = str_eq(super, STR("1"));
    for (unsigned i = 0; i < COUNTOF(numbers); i++)
        if (!str_to_u64(str_cut(&body, ' '), numbers[i]))
            return false;
    if (body.n > sizeof(l.room))
        return false;
    l.room_n = body.n;
    if (body.n > 0)
        memcpy(l.room, body.p, body.n);
    *ret = l;
    return true;
}

bool invite_link_is_good(const struct invite_link *l, uint64_t now_ms)
{
    return (l->expires_ms == 0 || l->expires_ms > now_ms) && (l->uses == 0 || l->used < l->uses);
}

static void use_end(struct invite_link_use *u, enum error_code e)
{
    assert(u->done != NULL);
    u->ret_error = e;
    u->done(u);
}

static void use_fail(struct invite_link_use *u, enum store_result r)
{
    use_end(u, r == STORE_FULL     ? ERROR_store_full
               : r == STORE_BEHIND ? ERROR_store_behind
                                   : ERROR_store_failed);
}

static void use_read(struct invite_link_use *u);

static void use_put(struct store_req *req)
{
    struct invite_link_use *u = CONTAINER_OF(req, struct invite_link_use, q.req);

    if (req->result == STORE_OK)
        use_end(u, ERROR_NONE);
    else if (req->result == STORE_CONFLICT && ++u->tries < TRIES_MAX)
        use_read(u);
    else if (req->result == STORE_CONFLICT)
        use_end(u, ERROR_rate_limited);
    else
        use_fail(u, req->result);
}

static void use_write(struct invite_link_use *u, uint64_t rev)
{
    struct str body = invite_link_encode(&u->ret_link, u->body, sizeof(u->body));

    u->q.put = (struct store_put){
        .req = {.home = u->owner->home, .done = use_put},
        .pk = keys_of_link((struct str){(const uint8_t *)u->hash, INVITE_LINK_HASH}, u->pk),
        .sk = KEYS_LINK,
        .body = body,
        .expect = rev,
        .expires_ms = u->ret_link.expires_ms};
    store_put(u->owner->store, &u->q.put);
}

static void use_take(struct invite_link_use *u, uint64_t rev)
{
    struct invite_link *l = &u->ret_link;

    if (u->what == INVITE_LINK_GIVES) {
        l->used -= MIN(l->used, (uint64_t)1);
        use_write(u, rev);
        return;
    }
    if (!invite_link_is_good(l, owner_wall_ms(u->owner)) || (l->room_n == 0) != u->signup) {
        use_end(u, ERROR_no_such_invite);
        return;
    }
    if (u->what == INVITE_LINK_LOOKS) {
        use_end(u, ERROR_NONE);
        return;
    }
    l->used++;
    use_write(u, rev);
}

static void use_got(struct store_req *req)
{
    struct invite_link_use *u = CONTAINER_OF(req, struct invite_link_use, q.req);
    struct frame *body = u->q.get.ret_body;
    uint64_t rev = u->q.get.ret_rev;
    bool found;

    if (req->result != STORE_OK) {
        use_fail(u, req->result);
        return;
    }
    found = body != NULL && invite_link_decode(frame_str(body), &u->ret_link);
    frame_unref(body);
    if (found)
        use_take(u, rev);
    else
        use_end(u, ERROR_no_such_invite);
}

static void use_read(struct invite_link_use *u)
{
    u->q.get = (struct store_get){
        .req = {.home = u->owner->home, .done = use_got},
        .pk = keys_of_link((struct str){(const uint8_t *)u->hash, INVITE_LINK_HASH}, u->pk),
        .sk = KEYS_LINK};
    store_get(u->owner->store, &u->q.get);
}

void invite_link_look(struct invite_link_use *u, struct str code)
{
    invite_link_hash(code, u->hash);
    u->what = INVITE_LINK_LOOKS;
    u->tries = 0;
    use_read(u);
}

void invite_link_take(struct invite_link_use *u, struct str code)
{
    assert(u->owner != NULL);
    invite_link_hash(code, u->hash);
    u->what = INVITE_LINK_TAKES;
    u->tries = 0;
    use_read(u);
}

void invite_link_give_back(struct invite_link_use *u)
{
    assert(u->what == INVITE_LINK_TAKES && u->ret_error == ERROR_NONE);
    u->what = INVITE_LINK_GIVES;
    u->tries = 0;
    use_read(u);
}
