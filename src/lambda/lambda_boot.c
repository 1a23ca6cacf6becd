/* BOOT: what is read from the store before the first event, and who was logged out since the one
 * before. */
#include "base/hex.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "lambda/lambda_impl.h"

#include <stdio.h>

#define SECRET_BYTES 32
#define CODE_BYTES 12
#define REVOKED_EVERY_MS 4000
#define REVOKED_PAGE 1000
#define MINUTES_MAX 8 /* of ended sessions that are listed one by one; they are kept for 10 */

static void lambda_boot_failed(struct lambda *l, const char *why)
{
    l->o.told(l->o.ctx, "store_trouble", why);
    lambda_fail(l, ERROR_store_failed);
    lambda_next(l);
}

static void lambda_boot_get(struct lambda *l, struct str sk, store_done_f *done)
{
    lambda_get(l, KEYS_SERVER, sk, done);
}

/* A random value, for whoever is first. */
static void lambda_boot_put(struct lambda *l, struct str sk, size_t bytes, store_done_f *done)
{
    struct lambda_visit *v = &l->visit;
    uint8_t raw[SECRET_BYTES];

    assert(bytes <= sizeof(raw));
    io_random(l->o.io, raw, bytes);
    static_assert(sizeof(v->sk) > 2 * SECRET_BYTES, "");
    (void)hex_write(v->sk, raw, bytes);
    lambda_request(l, done);
    v->q.put.pk = KEYS_SERVER;
    v->q.put.sk = sk;
    v->q.put.body = (struct str){(const uint8_t *)v->sk, 2 * bytes};
    store_put(l->o.store, &v->q.put);
}

/* Ended sessions. */

static void lambda_list_revoked(struct lambda *l);

/* The next page, or the next minute, or the end. */
static void lambda_revoked_read(struct store_req *req)
{
    struct lambda *l = lambda_of(req);
    struct lambda_visit *v = &l->visit;
    uint64_t session, expires_ms, now = store_wall_ms(l->o.store, l->o.io) / 60000;
    unsigned n = v->q.list.ret_n;
    struct store_item item;
    size_t at = 0;

    if (req->result != STORE_OK) {
        lambda_boot_failed(l, "which sessions have ended could not be read");
        return;
    }
    while (store_block_next(v->q.list.ret_block, &at, &item)) {
        buf_clear(&v->body);
        buf_append(&v->body, item.name);
        if (str_to_u64(item.name, &session) && str_to_u64(item.body, &expires_ms))
            people_revoke(&l->people, session, expires_ms);
    }
    frame_unref(v->q.list.ret_block);
    if (n == REVOKED_PAGE) {
        lambda_list_revoked(l);
    } else if (l->revoked_minute > 0 && l->revoked_minute < now) {
        l->revoked_minute++;
        buf_clear(&v->body);
        lambda_list_revoked(l);
    } else {
        l->revoked_minute = now;
        l->revoked_ms = io_now_ms(l->o.io);
        l->booted = true;
        lambda_next(l);
    }
}

/* Of the minute, behind what v->body holds; without a minute: all. */
static void lambda_list_revoked(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    lambda_request(l, lambda_revoked_read);
    v->q.list.pk = l->revoked_minute > 0 ? keys_of_minute(l->revoked_minute, v->pk) : KEYS_REVOKED;
    v->q.list.after = buf_peek(&v->body);
    v->q.list.limit = REVOKED_PAGE;
    store_list(l->o.store, &v->q.list);
}

static void lambda_list_ended(struct lambda *l)
{
    uint64_t now = store_wall_ms(l->o.store, l->o.io) / 60000;

    buf_clear(&l->visit.body);
    if (now - MIN(l->revoked_minute, now) > MINUTES_MAX)
        l->revoked_minute = 0;
    lambda_list_revoked(l);
}

/* The code of the owner link: made, and said once, if no start has made one. */

static void lambda_code_put(struct store_req *req)
{
    struct lambda *l = lambda_of(req);
    char text[2 * SECRET_BYTES + 64];

    (void)snprintf(text, sizeof(text), "whoever logs in with owner=%.*s first is the owner",
                   2 * CODE_BYTES, l->visit.sk);
    if (req->result == STORE_OK)
        l->o.told(l->o.ctx, "owner_code", text);
    lambda_list_ended(l);
}

static void lambda_code_read(struct store_req *req)
{
    struct lambda *l = lambda_of(req);
    bool there = req->result == STORE_OK && l->visit.q.get.ret_body != NULL;

    if (there)
        frame_unref(l->visit.q.get.ret_body);
    if (req->result != STORE_OK)
        lambda_boot_failed(l, "the owner's code could not be read");
    else if (there)
        lambda_list_ended(l);
    else
        lambda_boot_put(l, KEYS_OWNER_CODE, CODE_BYTES, lambda_code_put);
}

/* The key of tokens. */

static void lambda_use_secret(struct lambda *l, struct str secret)
{
    struct jws_key *key = jws_key_secret(secret);

    jwks_unref(l->keys.all);
    l->keys.all = jwks_new();
    jwks_add_take(l->keys.all, (struct str){0}, key);
    l->keys.signer = key;
    lambda_boot_get(l, KEYS_OWNER_CODE, lambda_code_read);
}

static void lambda_secret_read(struct store_req *req);

static void lambda_secret_put(struct store_req *req)
{
    struct lambda *l = lambda_of(req);

    if (++l->visit.tries > 2)
        lambda_boot_failed(l, "the secret of tokens could not be made");
    else
        lambda_boot_get(l, KEYS_TOKEN_SECRET, lambda_secret_read);
}

static void lambda_secret_read(struct store_req *req)
{
    struct lambda *l = lambda_of(req);
    struct frame *body = l->visit.q.get.ret_body;

    if (req->result != STORE_OK) {
        lambda_boot_failed(l, "the secret of tokens could not be read");
    } else if (body != NULL && body->n >= JWS_SECRET_MIN) {
        lambda_use_secret(l, frame_str(body));
        frame_unref(body);
    } else {
        frame_unref(body);
        lambda_boot_put(l, KEYS_TOKEN_SECRET, SECRET_BYTES, lambda_secret_put);
    }
}

/* How often the store was adopted: "<n> <shift>", perhaps with " unfinished" behind it. */
static void lambda_adopted_read(struct store_req *req)
{
    struct lambda *l = lambda_of(req);
    struct frame *body = l->visit.q.get.ret_body;
    const char *given = l->o.conf->token_secret;
    struct str rest = {0};

    if (req->result != STORE_OK) {
        lambda_boot_failed(l, "the store could not be read");
        return;
    }
    if (body != NULL) {
        rest = frame_str(body);
        (void)!str_to_u64(str_cut(&rest, ' '), &l->keys.generation);
        (void)!str_to_u64(str_cut(&rest, ' '), &l->owner.epoch_shift);
    }
    frame_unref(body);
    if (rest.n > 0)
        lambda_boot_failed(l, "`polylog store adopt` has begun on this store and has not ended");
    else if (given[0] != '\0')
        lambda_use_secret(l, str_of(given));
    else
        lambda_boot_get(l, KEYS_TOKEN_SECRET, lambda_secret_read);
}

void lambda_boot(struct lambda *l)
{
    if (!l->booted)
        lambda_boot_get(l, KEYS_ADOPTED, lambda_adopted_read);
    else if (lambda_is(l, GATEWAY_EVENT_MESSAGE) &&
             io_now_ms(l->o.io) - l->revoked_ms >= REVOKED_EVERY_MS)
        lambda_list_ended(l);
    else
        lambda_next(l);
}
