#include "aws/signer.h"

#include "base/str.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_MS = 10000, TURN_MS = 1000, SLOTS = 16 };

/* A signing key, and what it is made of; one thread's while taken is set. */
struct slot {
    _Alignas(64) atomic_flag taken;
    struct sigv4_key key;
    struct credentials_snapshot *snapshot;
};

struct signer {
    struct signer_options o;
    struct io_host *host;
    struct io *io;
    struct wheel wheel;
    struct http_client *http;
    struct credentials *credentials;
    struct credentials_snapshot *first;
    struct io_mail stop;
    bool opened, stopped, failing;
    char why[CREDENTIALS_WHY_MAX];
    struct slot slots[SLOTS];
};

static void told(void *ctx, const struct credentials_snapshot *snapshot, const char *why)
{
    struct signer *s = ctx;
    bool news = s->opened && (why != NULL || s->failing);

    (void)snapshot;
    s->failing = why != NULL;
    (void)snprintf(s->why, sizeof(s->why), "%s", why != NULL ? why : "");
    if (news && s->o.told != NULL)
        s->o.told(s->o.ctx, why);
}

static void stop(struct io_mail *mail)
{
    struct signer *s = CONTAINER_OF(mail, struct signer, stop);

    s->stopped = true;
    credentials_stop(s->credentials);
}

static bool turn(void *arg)
{
    struct signer *s = arg;

    io_wait(s->io, MIN(wheel_next_ms(&s->wheel), io_now_ms(s->io) + TURN_MS));
    wheel_advance(&s->wheel, io_now_ms(s->io));
    return !s->stopped || credentials_is_busy(s->credentials);
}

static void release(struct signer *s)
{
    http_client_close(s->http);
    credentials_free(s->credentials);
    for (unsigned i = 0; i < SLOTS; i++) {
        sigv4_key_fini(&s->slots[i].key);
        credentials_unref(s->slots[i].snapshot);
    }
    credentials_unref(s->first);
    if (s->io != NULL)
        io_free(s->io);
    host_free(s->host);
    free(s);
}

/* Turns on the caller's thread until there are credentials, or there will be none. */
static bool wait_for_first(struct signer *s)
{
    uint64_t end = io_now_ms(s->io) + (s->o.patience_ms > 0 ? s->o.patience_ms : PATIENCE_MS);

    while (!credentials_get(s->credentials, &s->first) && io_now_ms(s->io) < end &&
           !credentials_is_hopeless(s->credentials)) {
        io_wait(s->io, MIN(MIN(wheel_next_ms(&s->wheel), io_now_ms(s->io) + TURN_MS), end));
        wheel_advance(&s->wheel, io_now_ms(s->io));
    }
    return s->first != NULL;
}

static int start(struct signer *s)
{
    int r = host_epoll_new(&s->host);

    if (r == 0)
        r = host_io_new(s->host, &s->io);
    if (r == 0)
        r = http_client_curl_new(&(struct http_options){.ca_file = s->o.ca_file}, &s->http);
    if (r < 0)
        return r;
    wheel_init(&s->wheel, io_now_ms(s->io));
    s->credentials = credentials_new(&(struct credentials_options){
        .io = s->io,
        .wheel = &s->wheel,
        .http = s->http,
        .env = s->o.env,
        .told = told,
        .ctx = s,
        .container_url = s->o.container_url,
        .instance_url = s->o.instance_url,
        .retry_ms = s->o.retry_ms,
        .stale_ms = s->o.stale_ms,
    });
    if (wait_for_first(s)) {
        s->opened = true;
        return host_start(s->host, s->io, turn, s);
    }
    return -ENOENT;
}

int signer_open(const struct signer_options *o, struct signer **ret_signer,
                char ret_why[static CREDENTIALS_WHY_MAX])
{
    size_t n = (sizeof(struct signer) + 63) / 64 * 64;
    struct signer *s = aligned_alloc(64, n);
    int r;

    if (s == NULL)
        abort();
    memset(s, 0, n);
    s->o = *o;
    s->stop.deliver = stop;
    for (unsigned i = 0; i < SLOTS; i++)
        atomic_flag_clear(&s->slots[i].taken);
    r = start(s);
    if (r == 0) {
        *ret_signer = s;
        return 0;
    }
    (void)snprintf(ret_why, CREDENTIALS_WHY_MAX, "%s", s->why[0] != '\0' ? s->why : strerror(-r));
    if (s->credentials != NULL) {
        credentials_stop(s->credentials);
        while (credentials_is_busy(s->credentials))
            io_wait(s->io, io_now_ms(s->io) + TURN_MS);
    }
    release(s);
    return r;
}

const char *signer_region(const struct signer *s)
{
    return s->first->region;
}

const char *signer_source(const struct signer *s)
{
    return s->first->source;
}

/* With a slot's key; false if all are in use. */
static bool sign_with_slot(struct signer *s, const struct sigv4_request *r, struct buf *out,
                           bool *ret_signed)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        struct slot *slot = &s->slots[i];

        if (atomic_flag_test_and_set_explicit(&slot->taken, memory_order_acquire))
            continue;
        *ret_signed = credentials_get(s->credentials, &slot->snapshot) &&
                      sigv4_headers(&slot->key, &slot->snapshot->keys, r, out);
        atomic_flag_clear_explicit(&slot->taken, memory_order_release);
        return true;
    }
    return false;
}

bool signer_sign(void *ctx, const struct sigv4_request *r, struct buf *out)
{
    struct credentials_snapshot *snapshot;
    struct sigv4_key key = {0};
    struct signer *s = ctx;
    bool is_signed;

    if (sign_with_slot(s, r, out, &is_signed))
        return is_signed;
    snapshot = signer_snapshot(s);
    is_signed = sigv4_headers(&key, &snapshot->keys, r, out);
    sigv4_key_fini(&key);
    credentials_unref(snapshot);
    return is_signed;
}

struct credentials_snapshot *signer_snapshot(struct signer *s)
{
    struct credentials_snapshot *snapshot = NULL;
    bool there = credentials_get(s->credentials, &snapshot);

    assert(there);
    return snapshot;
}

void signer_refresh(void *ctx)
{
    struct signer *s = ctx;
    struct credentials_snapshot *snapshot = signer_snapshot(s);

    credentials_stale(s->credentials, snapshot->version);
    credentials_unref(snapshot);
}

void signer_close(struct signer *s)
{
    if (s == NULL)
        return;
    io_post(s->io, &s->stop, &s->stop);
    host_join(s->host);
    release(s);
}
