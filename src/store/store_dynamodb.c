#include "store/store_dynamodb.h"

#include "base/siphash.h"
#include "base/str.h"
#include "store/store_dynamodb_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUOTA 500

static struct store_dynamodb *dynamodb_self(struct store *s)
{
    return CONTAINER_OF(s, struct store_dynamodb, store);
}

void store_dynamodb_unref(struct store_dynamodb *d)
{
    if (atomic_fetch_sub(&d->refs, 1) == 1)
        free(d);
}

static uint64_t fingerprint(const struct store_dynamodb *d, struct str room, uint64_t seq)
{
    uint8_t bytes[STORE_KEY_MAX + sizeof(seq)];

    memcpy(bytes, room.p, room.n);
    memcpy(bytes + room.n, &seq, sizeof(seq));
    return siphash(d->key, (struct str){bytes, room.n + sizeof(seq)});
}

static _Atomic uint64_t *place(struct store_dynamodb *d, struct str room)
{
    return &d->ends[siphash(d->key, room) % STORE_DYNAMODB_ENDS];
}

/* A mark is a fingerprint of (room, seq), and below it when the end was seen. */
#define SEEN_BITS 24
#define SEEN_MASK ((1u << SEEN_BITS) - 1)
#define SEEN_UNIT_US 250000
#define SEEN_UNITS 20 /* 5 s */

static uint64_t seen_at(uint64_t us)
{
    return us / SEEN_UNIT_US & SEEN_MASK;
}

bool store_dynamodb_ends_at(struct store_dynamodb *d, struct str room, uint64_t seq)
{
    return seq == 0 || (*place(d, room) | SEEN_MASK) == (fingerprint(d, room, seq) | SEEN_MASK);
}

bool store_dynamodb_ended_lately(struct store_dynamodb *d, struct str room, uint64_t seq,
                                 uint64_t now_us)
{
    uint64_t mark = *place(d, room);

    return seq == 0 || ((mark | SEEN_MASK) == (fingerprint(d, room, seq) | SEEN_MASK) &&
                        ((seen_at(now_us) - mark) & SEEN_MASK) < SEEN_UNITS);
}

void store_dynamodb_note_end(const struct chain *c, struct str room, uint64_t seq)
{
    *place(c->d, room) =
        (fingerprint(c->d, room, seq) & ~(uint64_t)SEEN_MASK) | seen_at(c->started_us);
}

static void dynamodb_submit(struct store *s, struct store_req *req)
{
    struct chain *c = store_dynamodb_call_chain(dynamodb_self(s), req);

    switch (req->op) {
    case STORE_LOG:
        store_dynamodb_log_head(c);
        break;
    case STORE_APPEND:
        store_dynamodb_append(c);
        break;
    case STORE_READ:
        store_dynamodb_log_read(c);
        break;
    case STORE_AMENDS:
        store_dynamodb_log_amends(c);
        break;
    case STORE_GET:
        store_dynamodb_record_get(c);
        break;
    case STORE_PUT:
        store_dynamodb_record_put(c);
        break;
    case STORE_LIST:
        store_dynamodb_record_list(c);
        break;
    case STORE_NEXT:
        store_dynamodb_record_next(c);
        break;
    case STORE_WALK:
        store_dynamodb_walk(c);
        break;
    case STORE_FILL:
        store_dynamodb_fill(c);
        break;
    }
}

static void dynamodb_stats(struct store *s, struct store_stats *ret_stats)
{
    const struct store_dynamodb *d = dynamodb_self(s);

    *ret_stats = (struct store_stats){
        .appends = d->appends,
        .entries = d->entries,
        .entry_bytes = d->entry_bytes,
        .conflicts = d->conflicts,
        .puts = d->puts,
        .reads = d->reads,
        .records_read = d->records_read,
        .commits = d->commits,
        .commit_us = d->commit_us,
        .commit_max_us = d->commit_max_us,
        .batch_max = d->batch_max,
        .failures = d->failures,
        .retries = d->retries,
        .throttles = d->throttles,
    };
}

static uint64_t dynamodb_wall_ms(struct store *s, struct io *io)
{
    return store_dynamodb_call_wall_ms(dynamodb_self(s), io);
}

static void signer_close(const struct store_dynamodb_signer *s)
{
    if (s->close != NULL)
        s->close(s->ctx);
}

/* Chains under way end when their loops run next. */
static void dynamodb_close(struct store *s)
{
    struct store_dynamodb *d = dynamodb_self(s);

    d->closed = true;
    http_client_close(d->client);
    signer_close(&d->signer);
    store_dynamodb_unref(d);
}

static const struct store_ops dynamodb_ops = {
    .name = "dynamodb",
    .submit = dynamodb_submit,
    .stats = dynamodb_stats,
    .wall_ms = dynamodb_wall_ms,
    .close = dynamodb_close,
};

/* "https://host:port", perhaps with '/' behind it. */
static bool set_endpoint(struct store_dynamodb *d, struct str endpoint)
{
    struct str rest = endpoint, host;

    if (str_starts(rest, STR("https://")))
        rest = str_skip(rest, 8);
    else if (str_starts(rest, STR("http://")))
        rest = str_skip(rest, 7);
    else
        return false;
    host = str_cut(&rest, '/');
    if (host.n == 0 || rest.n > 0 || endpoint.n + 2 > sizeof(d->url))
        return false;
    (void)snprintf(d->host, sizeof(d->host), "%.*s", STR_ARGS(host));
    (void)snprintf(d->url, sizeof(d->url), "%.*s/", (int)(host.p + host.n - endpoint.p),
                   (const char *)endpoint.p);
    return true;
}

/* What the names of tables may have. */
static bool name_is_good(const char *prefix)
{
    size_t n = strlen(prefix);

    return n > 0 && n <= STORE_DYNAMODB_NAME_MAX &&
           strspn(prefix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == n;
}

static int set_up(struct store_dynamodb *d, struct io_host *host,
                  const struct store_dynamodb_options *o)
{
    bool has_apart = o->apart.table != NULL && o->apart.table[0] != '\0';
    struct io *io;
    int r;

    if (!name_is_good(o->prefix) || (has_apart && !name_is_good(o->apart.table)) ||
        strlen(o->region) >= sizeof(d->region) || !set_endpoint(d, str_of(o->endpoint)))
        return -EINVAL;
    (void)snprintf(d->region, sizeof(d->region), "%s", o->region);
    (void)snprintf(d->logs, sizeof(d->logs), "%s-log", o->prefix);
    (void)snprintf(d->records, sizeof(d->records), "%s-record", o->prefix);
    d->apart = o->apart;
    d->apart.table = d->apart_table;
    if (has_apart)
        (void)snprintf(d->apart_table, sizeof(d->apart_table), "%s", o->apart.table);
    r = host_io_new(host, &io);
    if (r < 0)
        return r;
    io_random(io, d->key, sizeof(d->key));
    io_free(io);
    return 0;
}

int store_dynamodb_open(struct io_host *host, const struct store_dynamodb_options *o,
                        struct store **ret_store)
{
    struct store_dynamodb *d = calloc(1, sizeof(*d));
    int r = d != NULL ? set_up(d, host, o) : -ENOMEM;

    if (r < 0) {
        http_client_close(o->client);
        signer_close(&o->signer);
        free(d);
        return r;
    }
    assert(o->deadline_ms > 0 && o->try_ms > 0);
    d->store.ops = &dynamodb_ops;
    d->client = o->client;
    d->deadline_ms = o->deadline_ms;
    d->try_ms = o->try_ms;
    d->signer = o->signer;
    d->told = o->told;
    d->told_ctx = o->told_ctx;
    d->quota = QUOTA;
    d->refs = 1;
    d->clock_ms = STORE_DYNAMODB_NO_CLOCK;
    *ret_store = &d->store;
    return 0;
}
