/* The contract of io/http_client.h, clause by clause, over libcurl. */
#include "base/str.h"
#include "io/file.h"
#include "io/http_client.h"
#include "io/io_tls.h"
#include "lib/certs.h"
#include "lib/check.h"
#include "lib/http_peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PATIENCE_MS = 60000, MANY = 40 };

struct rig {
    struct io_host *host;
    struct io *io;
    struct http_peer *peer;
    struct http_client *client;
};

struct ask {
    struct http_request req;
    struct rig *rig;
    char url[80];
    unsigned done_n;
    uint64_t done_ms;
};

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct http_options o = {.connections_max = 4};

    assert_non_null(r);
    assert_int_equal(host_epoll_new(&r->host), 0);
    assert_int_equal(host_io_new(r->host, &r->io), 0);
    r->peer = http_peer_new(r->io);
    assert_int_equal(http_client_curl_new(&o, &r->client), 0);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    http_client_close(r->client);
    http_peer_free(r->peer);
    io_free(r->io);
    host_free(r->host);
    free(r);
    return 0;
}

static void done(struct http_request *req)
{
    struct ask *a = CONTAINER_OF(req, struct ask, req);

    a->done_n++;
    a->done_ms = io_now_ms(a->rig->io);
}

static void ask_at(struct rig *r, struct ask *a, uint16_t port, const char *path, const char *body)
{
    a->rig = r;
    (void)snprintf(a->url, sizeof(a->url), "http://127.0.0.1:%u%s", port, path);
    a->req.home = r->io;
    a->req.done = done;
    a->req.method = body != NULL ? "POST" : "GET";
    a->req.url = a->url;
    if (body != NULL)
        a->req.body = str_of(body);
    if (a->req.timeout_ms == 0)
        a->req.timeout_ms = PATIENCE_MS;
    if (a->req.response_max == 0)
        a->req.response_max = 2 * HTTP_PEER_LONG;
    http_client_submit(r->client, &a->req);
    assert_int_equal(a->done_n, 0);
}

static void ask(struct rig *r, struct ask *a, const char *path, const char *body)
{
    ask_at(r, a, http_peer_port(r->peer), path, body);
}

static void wait_for(struct rig *r, const struct ask *a)
{
    uint64_t end = io_now_ms(r->io) + 2 * PATIENCE_MS;

    while (a->done_n == 0) {
        io_wait(r->io, io_now_ms(r->io) + 100);
        if (io_now_ms(r->io) > end)
            fail_msg("%s was not completed", a->url);
    }
    assert_int_equal(a->done_n, 1);
}

static int error_of(struct rig *r, const char *path, size_t response_max, unsigned timeout_ms)
{
    struct ask a = {.req = {.response_max = response_max, .timeout_ms = timeout_ms}};
    int error;

    ask(r, &a, path, "body");
    wait_for(r, &a);
    error = a.req.ret_error;
    http_client_request_fini(&a.req);
    return error;
}

static void assert_body(const struct ask *a, unsigned status, const char *body)
{
    struct str got = buf_peek(&a->req.ret_body);

    assert_int_equal(a->req.ret_error, 0);
    assert_int_equal(a->req.ret_status, status);
    if (!str_eq(got, str_of(body)))
        fail_msg("%.*s instead of %s", STR_ARGS(got), body);
}

/* 1, 2: a whole answer is no error, whatever its status. */
static void answers(void **state)
{
    struct rig *r = *state;
    struct ask a = {0}, b = {0}, c = {0};

    ask(r, &a, "/echo", "what was asked");
    wait_for(r, &a);
    assert_body(&a, 200, "what was asked");
    assert_true(str_eq(http_client_header(&a.req, "x-peer"), STR("Yes")));
    assert_int_equal(http_client_header(&a.req, "x-pee").n, 0);
    ask(r, &b, "/503", "");
    wait_for(r, &b);
    assert_body(&b, 503, "not now");
    ask(r, &c, "/chunked", NULL);
    wait_for(r, &c);
    assert_body(&c, 200, "in pieces.");
    a.done_n = 0; /* again, with what it was used for before */
    ask(r, &a, "/echo", "more");
    wait_for(r, &a);
    assert_body(&a, 200, "more");
    http_client_request_fini(&a.req);
    http_client_request_fini(&b.req);
    http_client_request_fini(&c.req);
}

/* 2: what came to nothing, each by its name. */
static void failures(void **state)
{
    struct rig *r = *state;
    struct ask nobody = {0};

    assert_int_equal(error_of(r, "/hang", 0, 200), -ETIMEDOUT);
    assert_int_equal(error_of(r, "/reset", 0, 0), -ECONNRESET);
    assert_int_equal(error_of(r, "/cut", 0, 0), -ECONNRESET);
    assert_int_equal(error_of(r, "/junk", 0, 0), -EPROTO);
    assert_int_equal(error_of(r, "/long", HTTP_PEER_LONG - 1, 0), -EMSGSIZE);
    assert_int_equal(error_of(r, "/long", HTTP_PEER_LONG, 0), 0);
    ask_at(r, &nobody, 1, "/echo", NULL);
    wait_for(r, &nobody);
    assert_int_equal(nobody.req.ret_error, -ECONNREFUSED);
    http_client_request_fini(&nobody.req);
}

static char pieces[HTTP_PEER_LONG + 1];
static size_t pieces_n, pieces_max;

static bool take_piece(struct http_request *req, struct str bytes)
{
    assert_int_equal(req->ret_status, 200);
    assert_true(bytes.n > 0 && bytes.n <= sizeof(pieces) - 1 - pieces_n);
    memcpy(pieces + pieces_n, bytes.p, bytes.n);
    pieces_n += bytes.n;
    pieces[pieces_n] = '\0';
    return pieces_n < pieces_max;
}

/* 5: a body that is taken as it comes, or refused; of a refusal all is kept. */
static void pieces_of_a_body(void **state)
{
    struct rig *r = *state;
    struct ask a = {.req = {.piece = take_piece}}, b = a, c = a, d = a;

    pieces_n = 0;
    pieces_max = SIZE_MAX;
    ask(r, &a, "/chunked", NULL);
    wait_for(r, &a);
    assert_body(&a, 200, "");
    assert_string_equal(pieces, "in pieces.");
    ask(r, &b, "/503", "");
    wait_for(r, &b);
    assert_body(&b, 503, "not now");
    assert_string_equal(pieces, "in pieces.");
    ask(r, &c, "/cut", NULL);
    wait_for(r, &c);
    assert_int_equal(c.req.ret_error, -ECONNRESET);
    pieces_n = 0;
    pieces_max = 1;
    ask(r, &d, "/long", NULL);
    wait_for(r, &d);
    assert_int_equal(d.req.ret_error, -ECANCELED);
    assert_true(pieces_n > 0 && pieces_n < HTTP_PEER_LONG);
    http_client_request_fini(&a.req);
    http_client_request_fini(&b.req);
    http_client_request_fini(&c.req);
    http_client_request_fini(&d.req);
}

/* 3: nothing is followed, nothing is added. */
static void nothing_of_its_own(void **state)
{
    static const char *const headers[] = {"X-One: 1", "Content-Type: application/x-amz-json-1.0",
                                          NULL};
    struct rig *r = *state;
    struct ask moved = {0}, a = {.req = {.headers = headers}};
    char head[200];

    ask(r, &moved, "/moved", NULL);
    wait_for(r, &moved);
    assert_body(&moved, 302, "");
    assert_true(str_eq(http_client_header(&moved.req, "location"), STR("/echo")));
    ask(r, &a, "/head", "{}");
    wait_for(r, &a);
    (void)snprintf(head, sizeof(head),
                   "POST /head HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nX-One: 1\r\n"
                   "Content-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n",
                   http_peer_port(r->peer));
    assert_body(&a, 200, head);
    http_client_request_fini(&moved.req);
    http_client_request_fini(&a.req);
}

/* 5: and a connection serves one after the other. */
static void connections_are_kept(void **state)
{
    struct rig *r = *state;
    struct ask many[MANY];

    memset(many, 0, sizeof(many));
    for (unsigned i = 0; i < MANY; i++)
        ask(r, &many[i], "/echo", "x");
    for (unsigned i = 0; i < MANY; i++) {
        wait_for(r, &many[i]);
        assert_body(&many[i], 200, "x");
        http_client_request_fini(&many[i].req);
    }
    assert_int_equal(http_peer_count(r->peer).requests, MANY);
    assert_true(http_peer_count(r->peer).connections <= 4);
    assert_true(http_peer_count(r->peer).at_once <= 4);
}

/* A kept connection that was closed meanwhile harms nobody. */
static void a_closed_connection(void **state)
{
    struct rig *r = *state;

    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(error_of(r, "/last", 0, 0), 0);
    assert_int_equal(http_peer_count(r->peer).requests, 5);
}

/* It sets out when it is told to, and not before. */
/* One that was idle for too long is not used again. */
static void an_idle_connection(void **state)
{
    struct http_options o = {.connections_max = 4, .idle_max_s = 1};
    struct rig *r = *state;
    struct http_client *plain = r->client;

    for (unsigned i = 0; i < 2; i++) {
        struct ask soon = {0}, late = {.req = {.delay_ms = 3000}};

        ask(r, &soon, "/echo", "x");
        wait_for(r, &soon);
        ask(r, &late, "/echo", "x");
        wait_for(r, &late);
        assert_body(&late, 200, "x");
        http_client_request_fini(&soon.req);
        http_client_request_fini(&late.req);
        assert_int_equal(http_peer_count(r->peer).connections, i == 0 ? 1 : 3);
        if (i == 0)
            assert_int_equal(http_client_curl_new(&o, &r->client), 0);
    }
    http_client_close(r->client);
    r->client = plain;
}

static void later(void **state)
{
    struct rig *r = *state;
    struct ask late = {.req = {.delay_ms = 150}}, later = {.req = {.delay_ms = 250}}, now = {0};
    uint64_t start = io_now_ms(r->io);

    ask(r, &later, "/echo", "later");
    ask(r, &late, "/echo", "late");
    ask(r, &now, "/echo", "now");
    wait_for(r, &now);
    wait_for(r, &late);
    wait_for(r, &later);
    assert_true(late.done_ms >= start + 150 && later.done_ms >= start + 250);
    http_client_request_fini(&now.req);
    http_client_request_fini(&late.req);
    http_client_request_fini(&later.req);
}

/* 5: who waits for a connection is late, too. */
static void waiting_counts(void **state)
{
    struct rig *r = *state;
    struct ask hang[4], a = {.req = {.timeout_ms = 300}};

    memset(hang, 0, sizeof(hang));
    for (unsigned i = 0; i < 4; i++) {
        hang[i].req.timeout_ms = 5000;
        ask(r, &hang[i], "/hang", NULL);
    }
    while (http_peer_count(r->peer).requests < 4)
        io_wait(r->io, io_now_ms(r->io) + 10);
    ask(r, &a, "/echo", "x");
    wait_for(r, &a);
    assert_int_equal(a.req.ret_error, -ETIMEDOUT);
    http_client_request_fini(&a.req);
    for (unsigned i = 0; i < 4; i++) {
        wait_for(r, &hang[i]);
        http_client_request_fini(&hang[i].req);
    }
}

/* 1, 2: closing completes what is under way, and what was to set out. */
static void closing(void **state)
{
    struct rig *r = *state;
    struct ask hang = {0}, late = {.req = {.delay_ms = PATIENCE_MS}};

    ask(r, &hang, "/hang", NULL);
    ask(r, &late, "/echo", NULL);
    while (http_peer_count(r->peer).requests == 0)
        io_wait(r->io, io_now_ms(r->io) + 10);
    http_client_close(r->client);
    r->client = NULL;
    wait_for(r, &hang);
    wait_for(r, &late);
    assert_int_equal(hang.req.ret_error, -ECANCELED);
    assert_int_equal(late.req.ret_error, -ECANCELED);
    http_client_request_fini(&hang.req);
    http_client_request_fini(&late.req);
}

/* 3: not by the environment either. */
static void no_proxy_of_the_environment(void **state)
{
    static const char *const names[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"};
    struct rig *r = *state;

    for (size_t i = 0; i < COUNTOF(names); i++)
        assert_int_equal(setenv(names[i], "http://127.0.0.1:1", 1), 0);
    assert_int_equal(error_of(r, "/echo", 0, 0), 0);
    for (size_t i = 0; i < COUNTOF(names); i++)
        assert_int_equal(unsetenv(names[i]), 0);
}

/* What comes of asking a peer by TLS, under this name, trusting these. */
static int secure_error(struct rig *r, struct http_peer *peer, const char *name,
                        const char *ca_file)
{
    struct http_client *plain = r->client;
    struct ask a = {.rig = r,
                    .req = {.home = r->io,
                            .done = done,
                            .method = "GET",
                            .url = a.url,
                            .timeout_ms = PATIENCE_MS,
                            .response_max = 100}};
    int error;

    (void)snprintf(a.url, sizeof(a.url), "https://%s:%u/503", name, http_peer_port(peer));
    assert_int_equal(http_client_curl_new(&(struct http_options){.ca_file = ca_file}, &r->client),
                     0);
    http_client_submit(r->client, &a.req);
    wait_for(r, &a);
    error = a.req.ret_error;
    if (error == 0)
        assert_body(&a, 503, "not now");
    http_client_request_fini(&a.req);
    http_client_close(r->client);
    r->client = plain;
    return error;
}

static int error_trusting(struct rig *r, struct http_peer *peer, const char *ca_file)
{
    struct ask a = {.rig = r,
                    .req = {.home = r->io,
                            .done = done,
                            .method = "GET",
                            .url = a.url,
                            .ca_file = ca_file,
                            .timeout_ms = PATIENCE_MS,
                            .response_max = 100}};

    (void)snprintf(a.url, sizeof(a.url), "https://localhost:%u/last", http_peer_port(peer));
    http_client_submit(r->client, &a.req);
    wait_for(r, &a);
    http_client_request_fini(&a.req);
    return a.req.ret_error;
}

static void copy_file(const char *from, const char *to)
{
    struct buf text CLEANUP(buf_fini);

    buf_init(&text, 64 * 1024);
    assert_int_equal(file_read(from, &text), 0);
    assert_int_equal(file_replace(to, buf_peek(&text)), 0);
}

/* A request may trust others than the client does; and what is in the file counts, not
 * what was. */
static void trust_by_request(struct rig *r, struct http_peer *peer, const struct certs *certs,
                             const struct certs *strange)
{
    assert_int_equal(error_trusting(r, peer, certs->cert), 0);
    assert_int_equal(error_trusting(r, peer, NULL), -EKEYREJECTED);
    assert_int_equal(error_trusting(r, peer, "/nowhere.pem"), -EKEYREJECTED);
    assert_int_equal(error_trusting(r, peer, strange->cert), -EKEYREJECTED);
    copy_file(certs->cert, strange->cert);
    assert_int_equal(error_trusting(r, peer, strange->cert), 0);
}

/* 2: who answers by TLS must be who was asked, as somebody trusted says. */
static void tls_is_verified(void **state)
{
    char why[TLS_CONTEXT_ERROR_MAX] = "";
    struct rig *r = *state;
    struct certs certs, strange;
    struct tls_context *ctx;
    struct http_peer *peer;
    struct io *tls;

    certs_make(&certs, "localhost");
    certs_make(&strange, "localhost");
    if (tls_context_new(&(struct tls_options){.cert_file = certs.cert, .key_file = certs.key}, &ctx,
                        why) != 0)
        fail_msg("%s", why);
    assert_int_equal(io_tls_new(r->io, ctx, 0, &tls), 0);
    peer = http_peer_new(tls);
    assert_int_equal(secure_error(r, peer, "localhost", certs.cert), 0);
    assert_int_equal(secure_error(r, peer, "127.0.0.1", certs.cert), -EKEYREJECTED);
    assert_int_equal(secure_error(r, peer, "localhost", strange.cert), -EKEYREJECTED);
    assert_int_equal(secure_error(r, peer, "localhost", NULL), -EKEYREJECTED);
    trust_by_request(r, peer, &certs, &strange);
    http_peer_free(peer);
    io_free(tls);
    tls_context_free(ctx);
    certs_remove(&certs);
    certs_remove(&strange);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

CHECK_MAIN(CASE(answers), CASE(failures), CASE(pieces_of_a_body), CASE(nothing_of_its_own),
           CASE(connections_are_kept), CASE(a_closed_connection), CASE(an_idle_connection),
           CASE(later), CASE(waiting_counts), CASE(closing), CASE(no_proxy_of_the_environment),
           CASE(tls_is_verified))
