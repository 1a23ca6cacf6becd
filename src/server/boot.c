#include "server/boot.h"

#include "base/str.h"
#include "server/server.h"
#include "wire/jws.h"

#include <stdio.h>
#include <stdlib.h>

#define SECRET_BYTES 32
#define CODE_BYTES 12
#define ID_BYTES 8
#define REVOKED_PAGE 1000

struct boot {
    struct server *server;
    union {
        struct store_req req;
        struct store_get get;
        struct store_put put;
        struct store_list list;
    } q;
    char body[SERVER_SECRET_MAX];
    char after[64];
    size_t after_n;
    bool retried;
};

static void read_secret(struct boot *b);
static void read_revoked(struct boot *b);

static struct boot *boot_of(struct store_req *req)
{
    return CONTAINER_OF(req, struct boot, q.req);
}

static struct io *home(const struct boot *b)
{
    return b->server->workers[0].io;
}

static void prepare(struct boot *b, store_done_f *done)
{
    memset(&b->q, 0, sizeof(b->q));
    b->q.req.home = home(b);
    b->q.req.done = done;
}

static void fail(struct boot *b)
{
    server_booted(b->server, "the store could not be read");
}

static size_t random_hex(struct boot *b, size_t bytes, char *to)
{
    uint8_t raw[SECRET_BYTES];

    io_random(home(b), raw, bytes);
    for (size_t i = 0; i < bytes; i++) {
        to[i * 2] = "0123456789abcdef"[raw[i] >> 4];
        to[i * 2 + 1] = "0123456789abcdef"[raw[i] & 15];
    }
    return bytes * 2;
}

/* The owner link. */

static void code_put(struct store_req *req)
{
    struct boot *b = boot_of(req);

    if (req->result == STORE_OK)
        memcpy(b->server->owner_code, b->body, CODE_BYTES * 2);
    server_booted(b->server, NULL);
}

static void code_read(struct store_req *req)
{
    struct boot *b = boot_of(req);
    struct frame *body = b->q.get.ret_body;

    if (req->result != STORE_OK) {
        fail(b);
        return;
    }
    if (body != NULL) {
        if (body->n == CODE_BYTES * 2) /* else somebody has used it */
            memcpy(b->server->owner_code, body->bytes, body->n);
        frame_unref(body);
        server_booted(b->server, NULL);
        return;
    }
    prepare(b, code_put);
    b->q.put.pk = STR("server");
    b->q.put.sk = STR("owner-code");
    b->q.put.body = (struct str){(const uint8_t *)b->body, random_hex(b, CODE_BYTES, b->body)};
    store_put(b->server->o.store, &b->q.put);
}

static void read_code(struct boot *b)
{
    prepare(b, code_read);
    b->q.get.pk = STR("server");
    b->q.get.sk = STR("owner-code");
    store_get(b->server->o.store, &b->q.get);
}

/* Ended sessions. */

static void tell_workers(struct boot *b, uint64_t session, uint64_t expires_ms)
{
    struct owner *o = &b->server->workers[0].owner;

    o->ops->revoke(o, session, expires_ms);
}

static void revoked_read(struct store_req *req)
{
    struct boot *b = boot_of(req);
    struct store_item item;
    size_t at = 0;
    unsigned n;

    if (req->result != STORE_OK) {
        fail(b);
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
    prepare(b, revoked_read);
    b->q.list.pk = STR("revoked");
    b->q.list.after = (struct str){(const uint8_t *)b->after, b->after_n};
    b->q.list.limit = REVOKED_PAGE;
    store_list(b->server->o.store, &b->q.list);
}

/* The key. */

static void secret_put(struct store_req *req)
{
    struct boot *b = boot_of(req);

    if (b->retried && req->result != STORE_OK) {
        fail(b);
        return;
    }
    b->retried = true;
    read_secret(b); /* ours, or that of a node that was faster */
}

static void secret_read(struct store_req *req)
{
    struct boot *b = boot_of(req);
    struct frame *body = b->q.get.ret_body;
    struct server *s = b->server;

    if (req->result != STORE_OK) {
        fail(b);
        return;
    }
    if (body != NULL && body->n >= JWS_SECRET_MIN && body->n <= sizeof(s->secret)) {
        memcpy(s->secret, body->bytes, body->n);
        s->secret_n = body->n;
        frame_unref(body);
        read_revoked(b);
        return;
    }
    frame_unref(body);
    prepare(b, secret_put);
    b->q.put.pk = STR("server");
    b->q.put.sk = STR("token-secret");
    b->q.put.body = (struct str){(const uint8_t *)b->body, random_hex(b, SECRET_BYTES, b->body)};
    store_put(s->o.store, &b->q.put);
}

static void read_secret(struct boot *b)
{
    prepare(b, secret_read);
    b->q.get.pk = STR("server");
    b->q.get.sk = STR("token-secret");
    store_get(b->server->o.store, &b->q.get);
}

static void find_secret(struct boot *b)
{
    struct server *s = b->server;
    const char *given = s->conf->token_secret;

    b->retried = false;
    if (given[0] == '\0') {
        read_secret(b);
        return;
    }
    s->secret_n = MIN(strlen(given), sizeof(s->secret));
    memcpy(s->secret, given, s->secret_n);
    read_revoked(b);
}

/* The store's id: by it the nodes on one store find each other on the bus. */

static void read_id(struct boot *b);

static void id_put(struct store_req *req)
{
    struct boot *b = boot_of(req);

    if (b->retried && req->result != STORE_OK) {
        fail(b);
        return;
    }
    b->retried = true;
    read_id(b);
}

static void id_read(struct store_req *req)
{
    struct boot *b = boot_of(req);
    struct frame *body = b->q.get.ret_body;
    struct server *s = b->server;

    if (req->result != STORE_OK) {
        fail(b);
        return;
    }
    if (body != NULL) {
        s->o.identified(s->o.ctx, frame_str(body));
        frame_unref(body);
        find_secret(b);
        return;
    }
    prepare(b, id_put);
    b->q.put.pk = STR("server");
    b->q.put.sk = STR("store-id");
    b->q.put.body = (struct str){(const uint8_t *)b->body, random_hex(b, ID_BYTES, b->body)};
    store_put(s->o.store, &b->q.put);
}

static void read_id(struct boot *b)
{
    prepare(b, id_read);
    b->q.get.pk = STR("server");
    b->q.get.sk = STR("store-id");
    store_get(b->server->o.store, &b->q.get);
}

struct boot *boot_start(struct server *s)
{
    struct boot *b = calloc(1, sizeof(*b));

    if (b == NULL)
        abort();
    b->server = s;
    if (s->o.identified != NULL)
        read_id(b);
    else
        find_secret(b);
    return b;
}

void boot_free(struct boot *b)
{
    free(b);
}
