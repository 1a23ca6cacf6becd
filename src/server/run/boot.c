#include "server/run/boot.h"

#include "base/hex.h"
#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/room/wipe.h"
#include "server/health/guard.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "wire/jws.h"

#include <stdio.h>
#include <stdlib.h>

#define SECRET_BYTES 32
#define CODE_BYTES 12
#define ID_BYTES 8
#define REVOKED_PAGE 1000

/* A store that has not answered for so long is waited for. */
#define LATE_MS 3000
#define AGAIN_MS 1000

struct boot;

/* What the first node makes, and all others read. */
struct boot_value {
    struct str sk;
    size_t bytes; /* that are drawn for it, and stored as digits */
    /* Copies it, if it is one. */
    bool (*take)(struct server *s, struct str body);
    void (*known)(struct boot *b);
};

struct boot {
    struct server *server;
    struct wheel_timer timer; /* to begin again; or to see that the store is late */
    uint64_t until_ms;        /* of worker 0's time: then it is given up */
    store_done_f *done;       /* of the request under way */
    struct frame **lent;      /* what that is given, if it is a read */
    bool asking, over;
    union {
        struct store_req req;
        struct store_get get;
        struct store_put put;
        struct store_list list;
    } q;
    char body[SERVER_SECRET_MAX];
    char after[64];
    size_t after_n;
    struct boot_value value; /* that is read or made */
    bool retried;
};

static void read_value(struct boot *b);
static void read_revoked(struct boot *b);

static struct boot *boot_of(struct store_req *req)
{
    return CONTAINER_OF(req, struct boot, q.req);
}

static void boot_answered(struct store_req *req)
{
    struct boot *b = boot_of(req);

    assert(b->asking);
    b->asking = false;
    if (!b->over)
        b->done(req);
    else if (b->lent != NULL) /* nobody waits for it any more */
        frame_unref(*b->lent);
}

static struct io *boot_home(const struct boot *b)
{
    return server_first(b->server)->io;
}

static void boot_prepare(struct boot *b, store_done_f *done, struct frame **lent)
{
    assert(!b->asking && !b->over);
    memset(&b->q, 0, sizeof(b->q));
    b->lent = lent;
    b->q.req.home = boot_home(b);
    b->q.req.done = boot_answered;
    b->done = done;
    b->asking = true;
}

static uint64_t boot_now_ms(const struct boot *b)
{
    return worker_now_ms(server_first(b->server));
}

static void boot_set_timer(struct boot *b, uint64_t after_ms)
{
    wheel_set(&server_first(b->server)->wheel, &b->timer, boot_now_ms(b) + after_ms);
}

static void boot_end(struct boot *b, const char *why)
{
    assert(!b->over && !b->asking);
    b->over = true;
    wheel_cancel(&server_first(b->server)->wheel, &b->timer);
    if (why == NULL)
        wipe_start(&server_first(b->server)->owner);
    b->server->ops->booted(b->server, why);
}

/* The store does not answer, or says that it fails: it is waited for, up to `patience`. */
static void wait_for_store(struct boot *b, const char *why)
{
    assert(!b->over);
    if (boot_now_ms(b) >= b->until_ms) {
        boot_end(b, why);
        return;
    }
    b->server->ops->waits(b->server, why);
    boot_set_timer(b, AGAIN_MS);
}

static void boot_fail(struct boot *b)
{
    wait_for_store(b, "the store could not be read");
}

static size_t random_hex(struct boot *b, size_t bytes, char *to)
{
    uint8_t raw[SECRET_BYTES];

    assert(bytes <= SECRET_BYTES);
    io_random(boot_home(b), raw, bytes);
    (void)hex_write(to, raw, bytes);
    return bytes * 2;
}

/* The owner link. */

static void code_put(struct store_req *req)
{
    struct boot *b = boot_of(req);

    if (req->result == STORE_OK)
        memcpy(b->server->owner_code, b->body, CODE_BYTES * 2);
    boot_end(b, NULL);
}

static void put_code(struct boot *b, uint64_t expect)
{
    boot_prepare(b, code_put, NULL);
    b->q.put.pk = KEYS_SERVER;
    b->q.put.sk = KEYS_OWNER_CODE;
    b->q.put.expect = expect;
    b->q.put.body = (struct str){(const uint8_t *)b->body, random_hex(b, CODE_BYTES, b->body)};
    store_put(b->server->o.store, &b->q.put);
}

static void code_read(struct store_req *req)
{
    struct boot *b = boot_of(req);
    struct frame *body = b->q.get.ret_body;

    if (req->result != STORE_OK) {
        boot_fail(b);
        return;
    }
    if (body != NULL) {
        bool used = body->n != CODE_BYTES * 2;

        b->server->restarted = true;
        if (used && b->server->conf->owner_link) {
            uint64_t rev = b->q.get.ret_rev;

            frame_unref(body);
            put_code(b, rev);
            return;
        }
        if (body->n >= CODE_BYTES * 2) /* else somebody has used it */
            memcpy(b->server->owner_code, body->bytes, CODE_BYTES * 2);
        frame_unref(body);
        boot_end(b, NULL);
        return;
    }
    put_code(b, 0);
}

static void read_code(struct boot *b)
{
    boot_prepare(b, code_read, &b->q.get.ret_body);
    b->q.get.pk = KEYS_SERVER;
    b->q.get.sk = KEYS_OWNER_CODE;
    store_get(b->server->o.store, &b->q.get);
}

/* Ended sessions. */

static void tell_workers(struct boot *b, uint64_t session, uint64_t expires_ms)
{
    struct owner *o = &server_first(b->server)->owner;

    o->ops->revoke(o, session, expires_ms);
}

static void revoked_read(struct store_req *req)
{
    struct boot *b = boot_of(req);
    struct store_item item;
    size_t at = 0;
    unsigned n;

    if (req->result != STORE_OK) {
        boot_fail(b);
        return;
    }
    n = b->q.list.ret_n;
    while (store_block_next(b->q.list.ret_block, &at, &item)) {
        uint64_t session, expires_ms;

        b->after_n = MIN(item.name.n, sizeof(b->after));
        memcpy(b->after, item.name.p, b->after_n);
        if (str_to_u64(item.name, &session) && str_to_u64(item.body, &expires_ms))
            tell_workers(b, session, expires_ms);
    }
    frame_unref(b->q.list.ret_block);
    if (n == REVOKED_PAGE)
        read_revoked(b);
    else
        read_code(b);
}

static void read_revoked(struct boot *b)
{
    assert(b->after_n <= sizeof(b->after));
    if (b->after_n == 0) {
        b->server->revoked_ms = boot_now_ms(b);
        b->server->revoked_minute = worker_wall_ms(server_first(b->server)) / 60000;
    }
    boot_prepare(b, revoked_read, &b->q.list.ret_block);
    b->q.list.pk = KEYS_REVOKED;
    b->q.list.after = (struct str){(const uint8_t *)b->after, b->after_n};
    b->q.list.limit = REVOKED_PAGE;
    store_list(b->server->o.store, &b->q.list);
}

static void value_put(struct store_req *req)
{
    struct boot *b = boot_of(req);

    assert(!b->asking && b->value.sk.n > 0);
    if (b->retried && req->result != STORE_OK) {
        boot_fail(b);
        return;
    }
    b->retried = true;
    read_value(b); /* ours, or that of a node that was faster */
}

static void value_read(struct store_req *req)
{
    struct boot *b = boot_of(req);
    struct frame *body = b->q.get.ret_body;
    bool taken;

    assert(!b->asking && b->value.take != NULL && b->value.known != NULL);
    if (req->result != STORE_OK) {
        boot_fail(b);
        return;
    }
    taken = body != NULL && b->value.take(b->server, frame_str(body));
    frame_unref(body);
    if (taken) {
        b->value.known(b);
        return;
    }
    boot_prepare(b, value_put, NULL);
    b->q.put.pk = KEYS_SERVER;
    b->q.put.sk = b->value.sk;
    b->q.put.body = (struct str){(const uint8_t *)b->body, random_hex(b, b->value.bytes, b->body)};
    store_put(b->server->o.store, &b->q.put);
}

static void read_value(struct boot *b)
{
    boot_prepare(b, value_read, &b->q.get.ret_body);
    b->q.get.pk = KEYS_SERVER;
    b->q.get.sk = b->value.sk;
    store_get(b->server->o.store, &b->q.get);
}

static void find_value(struct boot *b, const struct boot_value *value)
{
    assert(value->bytes * 2 <= sizeof(b->body));
    b->value = *value;
    b->retried = false;
    read_value(b);
}

/* The key. */

/* The bus needs both: who the nodes on this store are, and what they alone know. */
static void secret_known(struct boot *b)
{
    struct server *s = b->server;

    assert(s->secret_n > 0 && s->secret_n <= sizeof(s->secret));
    if (s->o.identified != NULL && !s->identified)
        s->o.identified(s->o.ctx, (struct str){(const uint8_t *)s->store_id, s->store_id_n},
                        (struct str){(const uint8_t *)s->secret, s->secret_n});
    s->identified = true;
    read_revoked(b);
}

static bool take_secret(struct server *s, struct str body)
{
    if (body.n < JWS_SECRET_MIN || body.n > sizeof(s->secret))
        return false;
    memcpy(s->secret, body.p, body.n);
    s->secret_n = body.n;
    return true;
}

static void find_secret(struct boot *b)
{
    struct server *s = b->server;
    const char *given = s->conf->token_secret;

    if (given[0] == '\0') {
        find_value(
            b, &(struct boot_value){KEYS_TOKEN_SECRET, SECRET_BYTES, take_secret, secret_known});
        return;
    }
    s->secret_n = MIN(strlen(given), sizeof(s->secret));
    memcpy(s->secret, given, s->secret_n);
    secret_known(b);
}

/* How often the store was adopted: "<n> <shift>", perhaps with " unfinished" behind it. */
static void adopted_read(struct store_req *req)
{
    struct boot *b = boot_of(req);
    struct frame *body = b->q.get.ret_body;
    struct server *s = b->server;
    struct str rest;
    bool unfinished;

    if (req->result != STORE_OK) {
        boot_fail(b);
        return;
    }
    if (body == NULL) {
        find_secret(b);
        return;
    }
    rest = frame_str(body);
    (void)!str_to_u64(str_cut(&rest, ' '), &s->adopted_n);
    (void)!str_to_u64(str_cut(&rest, ' '), &s->epoch_shift);
    unfinished = rest.n > 0;
    frame_unref(body);
    if (unfinished)
        boot_end(b,
                 "`polylog store adopt` has begun on this store and has not ended: run it again");
    else
        find_secret(b);
}

static void read_adopted(struct boot *b)
{
    boot_prepare(b, adopted_read, &b->q.get.ret_body);
    b->q.get.pk = KEYS_SERVER;
    b->q.get.sk = KEYS_ADOPTED;
    store_get(b->server->o.store, &b->q.get);
}

static void guarded(void *ctx, bool ok)
{
    struct boot *b = ctx;

    assert(b->asking);
    b->asking = false;
    if (b->over)
        return;
    if (ok)
        read_adopted(b);
    else
        boot_fail(b);
}

/* The store's id: by it the nodes on one store find each other on the bus. */

static bool take_id(struct server *s, struct str body)
{
    s->store_id_n = MIN(body.n, sizeof(s->store_id));
    memcpy(s->store_id, body.p, s->store_id_n);
    return true;
}

static void id_known(struct boot *b)
{
    assert(!b->asking && !b->over);
    b->asking = true;
    guard_enter(b->server->guard, guarded, b);
}

static void boot_begin(struct boot *b)
{
    assert(!b->asking && !b->over);
    b->after_n = 0;
    boot_set_timer(b, LATE_MS);
    find_value(b, &(struct boot_value){KEYS_STORE_ID, ID_BYTES, take_id, id_known});
}

static void boot_due(struct wheel_timer *t)
{
    struct boot *b = CONTAINER_OF(t, struct boot, timer);

    if (b->asking)
        wait_for_store(b, "the store does not answer");
    else
        boot_begin(b);
}

struct boot *boot_start(struct server *s)
{
    struct boot *b = mem_zeroed(1, sizeof(*b));

    assert(lifecycle_at(&s->life) == LIFE_STARTING && s->boot == NULL);
    b->server = s;
    b->timer.fire = boot_due;
    b->until_ms = boot_now_ms(b) + s->conf->patience_ms;
    boot_begin(b);
    return b;
}

void boot_stop(struct boot *b)
{
    b->over = true;
    wheel_cancel(&server_first(b->server)->wheel, &b->timer);
}

bool boot_is_asking(const struct boot *b)
{
    return b->asking;
}

void boot_free(struct boot *b)
{
    free(b);
}
