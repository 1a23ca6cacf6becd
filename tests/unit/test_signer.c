/* Requests signed from several threads while credentials change. */
#include "aws/signer.h"
#include "base/str.h"
#include "lib/check.h"
#include "lib/http_peer.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_MS = 60000, SIGNERS = 4 };

/* The endpoint: a loop and a thread of its own. */
struct rig {
    struct io_host *host;
    struct io *io;
    struct http_peer *peer;
    _Atomic bool ends, works;
    _Atomic unsigned asked_n;
    char variable[64], url[64];
    char *environ[2];
    struct aws_env env;
    struct signer *signer;
    _Atomic unsigned failures_n, recoveries_n;
};

static bool answer(void *ctx, struct str head, struct str body, struct buf *ret)
{
    struct rig *r = ctx;
    unsigned n = atomic_fetch_add(&r->asked_n, 1) + 1;
    char text[160];

    (void)head;
    (void)body;
    (void)snprintf(text, sizeof(text),
                   "{\"AccessKeyId\":\"AK%u\",\"SecretAccessKey\":\"hidden%u\",\"Token\":\"t%u\","
                   "\"Expiration\":\"9999-01-01T00:00:00Z\"}",
                   n, n, n);
    buf_printf(ret, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s",
               atomic_load(&r->works) ? 200 : 500, strlen(text), text);
    return true;
}

static bool peer_turn(void *arg)
{
    struct rig *r = arg;

    io_wait(r->io, io_now_ms(r->io) + 10);
    return !atomic_load(&r->ends);
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    assert_int_equal(host_epoll_new(&r->host), 0);
    assert_int_equal(host_io_new(r->host, &r->io), 0);
    r->peer = http_peer_new(r->io);
    http_peer_answer(r->peer, answer, r);
    (void)snprintf(r->url, sizeof(r->url), "http://127.0.0.1:%u", http_peer_port(r->peer));
    (void)snprintf(r->variable, sizeof(r->variable), "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x");
    r->environ[0] = r->variable;
    r->env = aws_env_of(r->environ);
    atomic_store(&r->works, true);
    assert_int_equal(host_start(r->host, r->io, peer_turn, r), 0);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    signer_close(r->signer);
    atomic_store(&r->ends, true);
    host_join(r->host);
    http_peer_free(r->peer);
    io_free(r->io);
    host_free(r->host);
    free(r);
    return 0;
}

static void told(void *ctx, const char *why)
{
    struct rig *r = ctx;

    atomic_fetch_add(why != NULL ? &r->failures_n : &r->recoveries_n, 1);
}

static int start(struct rig *r, unsigned patience_ms, char why[static CREDENTIALS_WHY_MAX])
{
    struct signer_options o = {
        .env = &r->env,
        .patience_ms = patience_ms,
        .told = told,
        .ctx = r,
        .container_url = r->url,
        .retry_ms = 10,
        .stale_ms = 300,
    };

    return signer_open(&o, &r->signer, why);
}

/* Which key signed: all that is said of it must belong together. */
static unsigned sign(struct signer *s)
{
    struct sigv4_request r = {.method = STR("POST"),
                              .host = STR("h"),
                              .region = STR("r"),
                              .service = STR("s"),
                              .now_s = 1440938160};
    struct buf b CLEANUP(buf_fini);
    struct str lines;
    unsigned key = 0, token = 0;

    buf_init(&b, 4096);
    if (!signer_sign(s, &r, &b))
        return 0;
    for (lines = buf_peek(&b); lines.n > 0;) {
        struct str line = str_cut(&lines, 0);

        (void)sscanf((const char *)line.p, "X-Amz-Security-Token: t%u", &token);
        (void)sscanf((const char *)line.p, "Authorization: AWS4-HMAC-SHA256 Credential=AK%u/",
                     &key);
    }
    return key == token ? key : 0;
}

struct thread {
    struct rig *rig;
    struct io *io;
    _Atomic unsigned key, signed_n, bad_n;
};

static bool signs(void *arg)
{
    struct thread *t = arg;
    unsigned key = sign(t->rig->signer);

    io_wait(t->io, 0);
    if (key == 0 || key < atomic_load(&t->key))
        atomic_fetch_add(&t->bad_n, 1);
    else
        atomic_store(&t->key, key);
    atomic_fetch_add(&t->signed_n, 1);
    signer_refresh(t->rig->signer);
    return key < 2 && atomic_load(&t->bad_n) == 0;
}

/* Every thread comes to sign with the new ones; none with a mixture. They are looked for
 * again a while after the first time. */
static void signs_on_many_threads(void **state)
{
    struct rig *r = *state;
    struct thread threads[SIGNERS] = {0};
    char why[CREDENTIALS_WHY_MAX] = "";
    struct io_host *host;

    if (start(r, PATIENCE_MS, why) != 0)
        fail_msg("%s", why);
    assert_string_equal(signer_source(r->signer), "container");
    assert_string_equal(signer_region(r->signer), "");
    assert_int_equal(sign(r->signer), 1);
    assert_int_equal(host_epoll_new(&host), 0);
    for (int i = 0; i < SIGNERS; i++) {
        threads[i].rig = r;
        assert_int_equal(host_io_new(host, &threads[i].io), 0);
        assert_int_equal(host_start(host, threads[i].io, signs, &threads[i]), 0);
    }
    host_join(host);
    for (int i = 0; i < SIGNERS; i++) {
        assert_int_equal(threads[i].bad_n, 0);
        assert_true(threads[i].signed_n > 1);
        io_free(threads[i].io);
    }
    host_free(host);
    assert_int_equal(r->failures_n, 0);
}

static void says_why_there_are_none(void **state)
{
    struct rig *r = *state;
    char why[CREDENTIALS_WHY_MAX] = "";

    atomic_store(&r->works, false);
    assert_int_equal(start(r, 300, why), -ENOENT);
    assert_string_equal(why, "container: status 500, not credentials");
    assert_null(r->signer);
}

/* With nobody to ask it does not wait, however patient it may be. */
static void ends_at_once_without_a_place_to_ask(void **state)
{
    struct rig *r = *state;
    char why[CREDENTIALS_WHY_MAX] = "";
    time_t before = time(NULL);

    (void)snprintf(r->variable, sizeof(r->variable), "AWS_EC2_METADATA_DISABLED=true");
    assert_int_equal(start(r, 30000, why), -ENOENT);
    assert_non_null(strstr(why, "no credentials in the environment"));
    assert_true(time(NULL) < before + 15);
    assert_null(r->signer);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

CHECK_MAIN(TEST(signs_on_many_threads), TEST(says_why_there_are_none),
           TEST(ends_at_once_without_a_place_to_ask))
