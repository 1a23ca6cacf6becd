#include "admin/store_adopt.h"

#include "base/hex.h"
#include "base/json.h"
#include "base/str.h"
#include "chat/model/keys.h"

#include <stdarg.h>
#include <stdio.h>

#define ID_BYTES 8
#define SECRET_BYTES 32
#define HEX_MAX ((size_t)2 * SECRET_BYTES)
#define PAGE 500
/* A node beats more often by far (server/health/guard.h). */
#define GONE_MS 60000
/* Numbers of users: they follow the time since 2023 in ms (chat/people/people_number.h), and a
 * restart leaves some out; so many more have been given by nobody. */
#define NUMBERS_FROM_MS 1672531200000u
#define NUMBERS_AHEAD 1000000000u

/* What was found of the nodes that use the store, or have. */
struct nodes {
    unsigned n;
    uint64_t newest_ms, sum; /* of heartbeats: it changes when one beats */
};

static void done(struct store_req *req)
{
    req->done = NULL;
}

static enum store_result wait(const struct store_adopt *a, struct store_req *req)
{
    while (req->done != NULL)
        io_wait(a->io, IO_FOREVER);
    return req->result;
}

static struct store_req adopt_request(const struct store_adopt *a)
{
    return (struct store_req){.home = a->io, .done = done};
}

PRINTF_LIKE(2, 3)
static void adopt_say(const struct store_adopt *a, const char *format, ...)
{
    char line[256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    a->said(a->ctx, line);
}

static int adopt_failed(char why[STORE_ADOPT_WHY_MAX], const char *what)
{
    (void)snprintf(why, STORE_ADOPT_WHY_MAX, "%s", what);
    return -1;
}

static int adopt_put(const struct store_adopt *a, struct str sk, struct str body)
{
    struct store_put req = {.req = adopt_request(a),
                            .pk = KEYS_SERVER,
                            .sk = sk,
                            .body = body,
                            .expect = STORE_REV_ANY};

    store_put(a->store, &req);
    return wait(a, &req.req) == STORE_OK ? 0 : -1;
}

static int put_random(const struct store_adopt *a, struct str sk, size_t bytes)
{
    uint8_t raw[SECRET_BYTES];
    char hex[HEX_MAX];

    io_random(a->io, raw, bytes);
    (void)hex_write(hex, raw, bytes);
    return adopt_put(a, sk, (struct str){(const uint8_t *)hex, bytes * 2});
}

/* The nodes' heartbeats; with `remove` they go. */
static int adopt_look(const struct store_adopt *a, bool remove, struct nodes *ret)
{
    struct store_list list = {.pk = KEYS_NODES, .limit = PAGE};
    char after[STORE_KEY_MAX];
    struct store_item item;
    size_t at;

    *ret = (struct nodes){0};
    do {
        list.req = adopt_request(a);
        store_list(a->store, &list);
        if (wait(a, &list.req) != STORE_OK)
            return -1;
        at = 0;
        while (store_block_next(list.ret_block, &at, &item)) {
            struct str rest = item.body;
            uint64_t n = 0, wall = 0;
            struct store_put gone = {.req = adopt_request(a),
                                     .pk = list.pk,
                                     .sk = item.name,
                                     .expect = STORE_REV_ANY,
                                     .remove = true};

            (void)!str_to_u64(str_cut(&rest, ' '), &n);
            (void)!str_to_u64(str_cut(&rest, ' '), &wall);
            ret->n++;
            ret->sum += n;
            ret->newest_ms = MAX(ret->newest_ms, wall);
            if (remove) {
                store_put(a->store, &gone);
                (void)wait(a, &gone.req);
            }
            memcpy(after, item.name.p, item.name.n);
            list.after = (struct str){(const uint8_t *)after, item.name.n};
        }
        frame_unref(list.ret_block);
    } while (list.ret_n == PAGE);
    return 0;
}

/* A node that beats makes the sum another. */
static int look_who_runs(const struct store_adopt *a, char why[STORE_ADOPT_WHY_MAX])
{
    struct nodes before, now;
    uint64_t until;

    if (adopt_look(a, false, &before) < 0)
        return adopt_failed(why, "the store could not be read");
    if (store_wall_ms(a->store, a->io) > before.newest_ms + GONE_MS)
        return 0;
    adopt_say(a, "looking for %u s whether a node runs on it", (unsigned)(a->wait_ms / 1000));
    for (until = io_now_ms(a->io) + a->wait_ms; io_now_ms(a->io) < until;)
        io_wait(a->io, until);
    if (adopt_look(a, false, &now) < 0)
        return adopt_failed(why, "the store could not be read");
    if (now.n > before.n || now.sum != before.sum)
        return adopt_failed(why, "a node runs on this store: stop all nodes first");
    return 0;
}

/* What an earlier run has left. */
static int read_adopted(const struct store_adopt *a, uint64_t *ret_n, uint64_t *ret_shift)
{
    struct store_get get = {.req = adopt_request(a), .pk = KEYS_SERVER, .sk = KEYS_ADOPTED};
    struct str rest;
    bool unfinished;

    *ret_n = *ret_shift = 0;
    store_get(a->store, &get);
    if (wait(a, &get.req) != STORE_OK)
        return -1;
    if (get.ret_body != NULL) {
        rest = frame_str(get.ret_body);
        (void)!str_to_u64(str_cut(&rest, ' '), ret_n);
        (void)!str_to_u64(str_cut(&rest, ' '), ret_shift);
        unfinished = rest.n > 0;
        frame_unref(get.ret_body);
        if (unfinished)
            return 0;
    }
    (*ret_n)++;
    io_random(a->io, (uint8_t *)ret_shift, sizeof(*ret_shift));
    *ret_shift = 1 + *ret_shift % ((uint64_t)JSON_INT_MAX - 1);
    return 0;
}

static int put_adopted(const struct store_adopt *a, uint64_t n, uint64_t shift, bool unfinished)
{
    char body[80];
    int len = snprintf(body, sizeof(body), "%llu %llu%s", (unsigned long long)n,
                       (unsigned long long)shift, unfinished ? " unfinished" : "");

    return adopt_put(a, KEYS_ADOPTED, (struct str){(const uint8_t *)body, (size_t)len});
}

static int next(const struct store_adopt *a, uint64_t n, uint64_t *ret_first)
{
    struct store_next req = {.req = adopt_request(a), .counter = KEYS_USERS, .n = n};

    store_next(a->store, &req);
    if (wait(a, &req.req) != STORE_OK)
        return -1;
    *ret_first = req.ret_first;
    return 0;
}

static int jump(const struct store_adopt *a, uint64_t *ret_from)
{
    uint64_t wall = store_wall_ms(a->store, a->io), first, by;

    if (next(a, 1, &first) < 0)
        return -1;
    by = wall > NUMBERS_FROM_MS ? wall - NUMBERS_FROM_MS : 0;
    by = (by > first ? by - first : 0) + NUMBERS_AHEAD;
    *ret_from = first + 1 + by;
    return next(a, by, &first);
}

static int leave_mark(const struct store_adopt *a)
{
    char body[24];
    int n =
        snprintf(body, sizeof(body), "%llu", (unsigned long long)store_wall_ms(a->store, a->io));

    return adopt_put(a, KEYS_STOPPED, (struct str){(const uint8_t *)body, (size_t)n});
}

/* In an order in which nothing is worse if it ends half way. */
static int take_over(const struct store_adopt *a, char why[STORE_ADOPT_WHY_MAX])
{
    static const char *const failing =
        "the store fails: what was begun is not ended; run `polylog store adopt` again";
    uint64_t n, shift, from;
    struct nodes nodes;

    if (read_adopted(a, &n, &shift) < 0)
        return adopt_failed(why, "the store could not be read");
    if (put_adopted(a, n, shift, true) < 0)
        return adopt_failed(why, "the store cannot be written");
    if (jump(a, &from) < 0)
        return adopt_failed(why, failing);
    adopt_say(a, "numbers of users: from %llu on", (unsigned long long)from);
    if (put_random(a, KEYS_TOKEN_SECRET, SECRET_BYTES) < 0)
        return adopt_failed(why, failing);
    adopt_say(a, "tokens and sessions: those of before have ended");
    adopt_say(a, "rooms: cursors of before are answered with `reset`");
    if (adopt_look(a, true, &nodes) < 0 || leave_mark(a) < 0)
        return adopt_failed(why, failing);
    adopt_say(a, "heartbeats of the nodes that it was copied under: %u, removed", nodes.n);
    if (put_random(a, KEYS_STORE_ID, ID_BYTES) < 0 || put_adopted(a, n, shift, false) < 0)
        return adopt_failed(why, failing);
    adopt_say(a, "the store is one of its own now; it was adopted %llu times",
              (unsigned long long)n);
    return 0;
}

int store_adopt(const struct store_adopt *a, char ret_why[static STORE_ADOPT_WHY_MAX])
{
    int r = look_who_runs(a, ret_why);

    return r < 0 ? r : take_over(a, ret_why);
}
