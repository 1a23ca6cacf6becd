/* What TLS adds to the contract of io.h: who is trusted, versions, reload,
 * resuming, limits. */
#include "io/io_tls.h"

#include "base/str.h"
#include "io/addr.h"
#include "io/file.h"
#include "lib/tls_rig.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* OpenSSL's own client, blocking, on a thread: connects, sends "ping", waits for
 * an answer and then for the end. */
struct peer {
    const struct tls_rig *server;
    int version_max;      /* 0: any */
    const char *ciphers;  /* of TLS 1.2; NULL: any */
    const char *alpn;     /* in wire form; NULL: none */
    const char *raw;      /* sent instead of TLS */
    SSL_SESSION *session; /* to resume; afterwards the one to resume next */
    bool opened, resumed, goodbye;
    int version;
    char chosen[16], answer[16];
    pthread_t thread;
    atomic_bool over;
};

static int remember(SSL *ssl, SSL_SESSION *session)
{
    struct peer *p = SSL_get_app_data(ssl);

    SSL_SESSION_free(p->session);
    p->session = session;
    return 1;
}

static void talk(struct peer *p, SSL *ssl)
{
    const unsigned char *chosen;
    unsigned chosen_n;
    int r;

    p->opened = SSL_connect(ssl) == 1;
    if (!p->opened)
        return;
    p->version = SSL_version(ssl);
    p->resumed = SSL_session_reused(ssl) == 1;
    if (p->version == TLS1_2_VERSION) /* there a resumed session's new ticket is not told */
        (void)remember(ssl, SSL_get1_session(ssl));
    SSL_get0_alpn_selected(ssl, &chosen, &chosen_n);
    if (chosen_n > 0)
        memcpy(p->chosen, chosen, MIN(chosen_n, sizeof(p->chosen) - 1));
    if (SSL_write(ssl, "ping", 4) != 4)
        return;
    r = SSL_read(ssl, p->answer, sizeof(p->answer) - 1);
    if (r <= 0)
        return;
    r = SSL_read(ssl, p->answer + r, 1);
    p->goodbye = SSL_get_error(ssl, r) == SSL_ERROR_ZERO_RETURN;
    (void)SSL_shutdown(ssl); /* else the session is held to be spoilt */
}

static int dial(const struct io_addr *addr)
{
    struct sockaddr_storage ss = {0};
    struct timeval limit = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint16_t port = (uint16_t)(addr->port << 8 | addr->port >> 8);

    ss.ss_family = AF_INET;
    memcpy((uint8_t *)&ss + 2, &port, 2);
    memcpy((uint8_t *)&ss + 4, addr->ip, 4);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    return fd >= 0 && connect(fd, (struct sockaddr *)&ss, 16) == 0 ? fd : -1;
}

static void *peer_run(void *arg)
{
    struct peer *p = arg;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl;
    int fd = dial(&p->server->addr);

    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, remember);
    ssl = SSL_new(ctx);
    SSL_set_app_data(ssl, p);
    SSL_set_fd(ssl, fd);
    if (p->version_max != 0)
        SSL_set_max_proto_version(ssl, p->version_max);
    if (p->ciphers != NULL)
        SSL_set_cipher_list(ssl, p->ciphers);
    if (p->alpn != NULL)
        SSL_set_alpn_protos(ssl, (const unsigned char *)p->alpn, (unsigned)strlen(p->alpn));
    if (p->session != NULL)
        SSL_set_session(ssl, p->session);
    if (p->raw != NULL)
        (void)!write(fd, p->raw, strlen(p->raw));
    else
        talk(p, ssl);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    (void)close(fd);
    atomic_store(&p->over, true);
    return NULL;
}

/* Serves one peer: answers "pong" and closes. Returns what its first recv got. */
static int serve(struct tls_rig *s, struct peer *p)
{
    struct probe reading, sending;
    uint8_t in[64];
    int fd;

    p->server = s;
    atomic_store(&p->over, false);
    assert_int_equal(pthread_create(&p->thread, NULL, peer_run, p), 0);
    fd = tls_rig_accept(s);
    io_rig_probe(&reading, fd);
    io_rig_probe(&sending, fd);
    reading.bytes = in;
    reading.size = sizeof(in);
    io_recv(s->rig.io, &reading.op);
    UNTIL(&s->rig, reading.done_n == 1);
    if (reading.result > 0) {
        assert_int_equal(reading.result, 4);
        assert_memory_equal(in, "ping", 4);
        io_rig_send_all(&s->rig, &sending, STR("pong"));
    }
    io_close(s->rig.io, fd);
    UNTIL(&s->rig, atomic_load(&p->over));
    assert_int_equal(pthread_join(p->thread, NULL), 0);
    return reading.result;
}

static void a_client_of_another_make_is_served(void **state)
{
    struct peer p = {.alpn = "\x02h2\x08http/1.1"};
    struct io_tls_stats stats;
    struct tls_rig s;

    (void)state;
    tls_rig_init(&s, NULL, 0);
    assert_int_equal(serve(&s, &p), 4);
    assert_true(p.opened && p.goodbye);
    assert_int_equal(p.version, TLS1_3_VERSION);
    assert_string_equal(p.chosen, "http/1.1");
    assert_string_equal(p.answer, "pong");
    UNTIL(&s.rig, (io_tls_stats(s.rig.io, &stats), stats.open == 0));
    assert_int_equal(stats.handshakes, 1);
    assert_int_equal(stats.failures, 0);
    SSL_SESSION_free(p.session);
    tls_rig_fini(&s);
}

static void old_and_weak_clients_are_refused(void **state)
{
    static const struct {
        struct peer peer;
        bool served;
    } cases[] = {
        {{.version_max = TLS1_2_VERSION}, true},
        {{.version_max = TLS1_1_VERSION}, false},
        {{.version_max = TLS1_2_VERSION, .ciphers = "ECDHE+AESGCM"}, true},
        {{.version_max = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-SHA"}, false},
        {{.alpn = "\x02h2"}, false},
        {{.raw = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"}, false},
    };
    struct io_tls_stats stats;
    unsigned failures = 0;
    struct tls_rig s;

    (void)state;
    tls_rig_init(&s, NULL, 0);
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct peer p = cases[i].peer;

        assert_int_equal(serve(&s, &p), cases[i].served ? 4 : -EPROTO);
        io_tls_stats(s.rig.io, &stats);
        assert_false(stats.untrusted);
        assert_int_equal(stats.refusal != NULL, failures > 0 || !cases[i].served);
        assert_int_equal(p.opened, cases[i].served);
        failures += !cases[i].served;
        io_tls_stats(s.rig.io, &stats);
        assert_int_equal(stats.failures, failures);
        SSL_SESSION_free(p.session);
    }
    tls_rig_fini(&s);
}

static int reload(struct tls_rig *s)
{
    char error[TLS_CONTEXT_ERROR_MAX];
    struct ssl_ctx_st *fresh;
    int r = tls_context_read(s->rig.tls, &fresh, error);

    if (r == 0)
        tls_context_take(s->rig.tls, fresh);
    return r;
}

#define PERIOD_S 3600
#define NOW_S 1800000000

static bool resumes(struct tls_rig *s, struct peer *p)
{
    assert_int_equal(serve(s, p), 4);
    assert_non_null(p->session);
    return p->resumed;
}

/* A ticket is good on every loop with the same keys, and after a reload. */
static void a_session_is_resumed_elsewhere_and_later(void **state)
{
    struct tls_tickets tickets;
    struct peer p = {0};
    struct io_tls_stats stats;
    struct tls_rig a, b, other;

    (void)state;
    tls_tickets_init(&tickets, PERIOD_S, NOW_S);
    tls_rig_init(&a, &tickets, 0);
    tls_rig_init(&b, &tickets, 0);
    tls_tickets_init(&tickets, PERIOD_S, NOW_S);
    tls_rig_init(&other, &tickets, 0);
    assert_false(resumes(&a, &p));
    assert_true(resumes(&b, &p));
    assert_int_equal(reload(&b), 0);
    assert_true(resumes(&b, &p));
    io_tls_stats(b.rig.io, &stats);
    assert_int_equal(stats.resumed, 2);
    assert_false(resumes(&other, &p));
    SSL_SESSION_free(p.session);
    tls_rig_fini(&a);
    tls_rig_fini(&b);
    tls_rig_fini(&other);
}

/* The ticket of a session lives in the client; which key it is under shows in its name. */
static void keys_of_tickets_change(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct tls_tickets tickets;

    (void)state;
    for (size_t i = 0; i < COUNTOF(versions); i++) {
        struct peer p = {.version_max = versions[i]};
        uint64_t now_s = NOW_S;
        SSL_SESSION *old;
        struct tls_rig s;

        tls_tickets_init(&tickets, PERIOD_S, now_s);
        tls_rig_init(&s, &tickets, 0);
        assert_false(resumes(&s, &p));
        assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(p.session), PERIOD_S);
        old = SSL_SESSION_dup(p.session);
        for (unsigned n = 0; n < 3; n++) { /* who comes each time gets a new ticket */
            now_s += PERIOD_S;
            tls_context_turn(s.rig.tls, now_s);
            assert_true(resumes(&s, &p));
        }
        SSL_SESSION_free(p.session);
        p.session = old; /* three periods old */
        assert_false(resumes(&s, &p));
        tls_context_turn(s.rig.tls, now_s + 2 * PERIOD_S);
        assert_false(resumes(&s, &p));
        assert_true(resumes(&s, &p));
        SSL_SESSION_free(p.session);
        tls_rig_fini(&s);
    }
}

/* By 1.3 no two connections show the same ticket. */
static void a_ticket_is_used_once(void **state)
{
    struct tls_tickets tickets;
    struct peer p = {0};
    const uint8_t *ticket;
    uint8_t before[TLS_TICKETS_NAME + 16];
    struct tls_rig s;
    size_t n;

    (void)state;
    tls_tickets_init(&tickets, PERIOD_S, NOW_S);
    tls_rig_init(&s, &tickets, 0);
    (void)resumes(&s, &p);
    for (unsigned i = 0; i < 3; i++) {
        SSL_SESSION_get0_ticket(p.session, &ticket, &n);
        assert_true(n > sizeof(before));
        assert_memory_equal(ticket, tickets.now.name, TLS_TICKETS_NAME);
        memcpy(before, ticket, sizeof(before));
        assert_true(resumes(&s, &p));
        SSL_SESSION_get0_ticket(p.session, &ticket, &n);
        assert_memory_not_equal(ticket + TLS_TICKETS_NAME, before + TLS_TICKETS_NAME, 16);
    }
    SSL_SESSION_free(p.session);
    tls_rig_fini(&s);
}

/* One client of ours that connects to s with these options; both ends' results, and
 * what the client's end has counted. */
static struct io_tls_stats met;

static void meet(struct tls_rig *s, struct tls_options o, int *ret_client, int *ret_server)
{
    struct probe connecting, accepting, reading;
    char error[TLS_CONTEXT_ERROR_MAX];
    struct tls_context *ctx;
    struct io *client;

    assert_int_equal(tls_context_new(&o, &ctx, error), 0);
    assert_int_equal(io_tls_new(s->rig.below, ctx, 0, &client), 0);
    io_rig_probe(&connecting, -1);
    io_rig_probe(&accepting, s->listener);
    io_accept(s->rig.io, &accepting.op);
    io_connect(client, &connecting.op, &s->addr);
    UNTIL(&s->rig, accepting.done_n == 1);
    assert_int_equal(io_adopt(s->rig.io, accepting.result), 0);
    io_rig_probe(&reading, accepting.result);
    io_recv(s->rig.io, &reading.op);
    UNTIL(&s->rig, connecting.done_n == 1); /* two contexts on one loop */
    *ret_client = connecting.result;
    io_tls_stats(client, &met);
    io_close(client, connecting.op.fd);
    io_free(client);
    UNTIL(&s->rig, reading.done_n == 1);
    *ret_server = reading.result;
    io_close(s->rig.io, accepting.result);
    tls_context_free(ctx);
}

static void a_client_checks_who_answers(void **state)
{
    struct tls_rig s;
    struct certs strange;
    int client, server;

    (void)state;
    tls_rig_init(&s, NULL, 0);
    certs_make(&strange, "localhost");
    meet(&s, (struct tls_options){.ca_file = s.certs.cert, .server_name = "localhost"}, &client,
         &server);
    assert_int_equal(client, 0);
    assert_null(met.refusal);
    meet(&s, (struct tls_options){.ca_file = s.certs.cert, .server_name = "example.org"}, &client,
         &server);
    assert_int_equal(client, -EPROTO);
    assert_true(met.untrusted);
    assert_non_null(strstr(met.refusal, "mismatch"));
    meet(&s, (struct tls_options){.ca_file = s.certs.cert, .server_name = "127.0.0.1"}, &client,
         &server);
    assert_int_equal(client, -EPROTO);
    meet(&s, (struct tls_options){.ca_file = strange.cert, .server_name = "localhost"}, &client,
         &server);
    assert_int_equal(client, -EPROTO);
    meet(&s, (struct tls_options){.server_name = "localhost"}, &client, &server);
    assert_int_equal(client, -EPROTO);
    meet(&s, (struct tls_options){.server_name = "example.org", .trust_anybody = true}, &client,
         &server);
    assert_int_equal(client, 0);
    certs_remove(&strange);
    tls_rig_fini(&s);
}

static void copy_file(const char *from, const char *to)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, 65536);
    assert_int_equal(file_read(from, &b), 0);
    assert_int_equal(file_replace(to, buf_peek(&b)), 0);
}

static void a_reload_reaches_new_connections_only(void **state)
{
    struct tls_rig s;
    struct certs old;
    struct peer p = {0};
    struct probe reading, sending;
    uint64_t expires_s;
    uint8_t in[8];
    int client, server, fd;

    (void)state;
    tls_rig_init(&s, NULL, 0);
    certs_make(&old, "localhost");
    copy_file(s.certs.cert, old.cert);
    expires_s = tls_context_expires_s(s.rig.tls);
    assert_true(expires_s > 1700000000);
    p.server = &s;
    assert_int_equal(pthread_create(&p.thread, NULL, peer_run, &p), 0);
    fd = tls_rig_accept(&s);
    io_rig_probe(&reading, fd);
    io_rig_probe(&sending, fd);
    reading.bytes = in;
    reading.size = sizeof(in);
    io_rig_recv_all(&s.rig, &reading, 4); /* a live connection */
    certs_renew(&s.certs, "localhost");
    assert_int_equal(reload(&s), 0);
    meet(&s, (struct tls_options){.ca_file = old.cert, .server_name = "localhost"}, &client,
         &server);
    assert_int_equal(client, -EPROTO);
    meet(&s, (struct tls_options){.ca_file = s.certs.cert, .server_name = "localhost"}, &client,
         &server);
    assert_int_equal(client, 0);
    assert_int_equal(unlink(s.certs.key), 0);
    assert_int_equal(reload(&s), -ENOENT); /* all stays as it was */
    meet(&s, (struct tls_options){.ca_file = s.certs.cert, .server_name = "localhost"}, &client,
         &server);
    assert_int_equal(client, 0);
    io_rig_send_all(&s.rig, &sending, STR("pong"));
    io_close(s.rig.io, fd);
    UNTIL(&s.rig, atomic_load(&p.over));
    assert_int_equal(pthread_join(p.thread, NULL), 0);
    assert_true(p.goodbye);
    assert_string_equal(p.answer, "pong");
    SSL_SESSION_free(p.session);
    certs_remove(&old);
    tls_rig_fini(&s);
}

static void bad_files_are_named(void **state)
{
    struct certs a, b;
    char error[TLS_CONTEXT_ERROR_MAX];
    struct tls_context *ctx;

    (void)state;
    certs_make(&a, "localhost");
    certs_make(&b, "localhost");
    assert_int_equal(
        tls_context_new(&(struct tls_options){.cert_file = "/no/such/cert", .key_file = a.key},
                        &ctx, error),
        -ENOENT);
    assert_string_equal(error, "/no/such/cert: No such file or directory");
    assert_int_equal(
        tls_context_new(&(struct tls_options){.cert_file = a.cert, .key_file = b.key}, &ctx, error),
        -EINVAL);
    assert_true(str_starts(str_of(error), str_of(b.key)));
    assert_non_null(strstr(error, "mismatch"));
    assert_int_equal(
        tls_context_new(&(struct tls_options){.cert_file = a.key, .key_file = a.key}, &ctx, error),
        -EINVAL);
    assert_true(str_starts(str_of(error), str_of(a.key)));
    assert_int_equal(tls_context_new(&(struct tls_options){.ca_file = a.key}, &ctx, error),
                     -EINVAL);
    certs_remove(&a);
    certs_remove(&b);
}

#define CROWD 12

static void a_turn_takes_on_a_few_handshakes(void **state)
{
    struct peer peers[CROWD] = {0};
    struct probe reading[CROWD];
    struct io_tls_stats before, after;
    unsigned most = 0;
    struct tls_rig s;

    (void)state;
    tls_rig_init(&s, NULL, 2);
    for (int i = 0; i < CROWD; i++) {
        peers[i].server = &s;
        assert_int_equal(pthread_create(&peers[i].thread, NULL, peer_run, &peers[i]), 0);
        io_rig_probe(&reading[i], tls_rig_take(&s));
    }
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(io_adopt(s.rig.io, reading[i].op.fd), 0);
        io_recv(s.rig.io, &reading[i].op);
    }
    do {
        usleep(20000); /* all that can speak has spoken */
        io_tls_stats(s.rig.io, &before);
        io_rig_turn(&s.rig);
        io_tls_stats(s.rig.io, &after);
        most = MAX(most, (unsigned)(after.handshakes - before.handshakes));
    } while (after.handshakes < CROWD);
    assert_in_range(most, 1, 2);
    for (int i = 0; i < CROWD; i++) {
        UNTIL(&s.rig, reading[i].done_n == 1);
        io_close(s.rig.io, reading[i].op.fd);
        UNTIL(&s.rig, atomic_load(&peers[i].over));
        assert_int_equal(pthread_join(peers[i].thread, NULL), 0);
        SSL_SESSION_free(peers[i].session);
    }
    tls_rig_fini(&s);
}

/* Plain and secure connections live side by side on one loop, and a descriptor
 * that was accepted on either is spoken to by the one that adopts it. */
static void plain_and_secure_share_a_loop(void **state)
{
    struct rig *r = *state;
    struct probe connecting, accepting, sending, reading;
    struct str s = STR("in the clear");
    struct pair secret;
    struct io_addr addr;
    uint8_t in[16];
    int listener;

    io_rig_pair(r, &secret);
    listener = io_rig_listen(r, &addr);
    io_rig_probe(&connecting, -1);
    io_rig_probe(&accepting, listener);
    io_accept(r->io, &accepting.op);
    io_connect(r->below, &connecting.op, &addr);
    UNTIL(r, accepting.done_n == 1 && connecting.done_n == 1);
    assert_int_equal(io_adopt(r->below, accepting.result), 0);
    io_rig_probe(&sending, connecting.op.fd);
    io_rig_probe(&reading, accepting.result);
    reading.bytes = in;
    reading.size = sizeof(in);
    io_send(r->below, &sending.op, &s, 1);
    io_recv(r->below, &reading.op);
    UNTIL(r, reading.at >= s.n && sending.done_n == 1);
    assert_memory_equal(in, s.p, s.n);
    io_close(r->below, accepting.result);
    io_close(r->below, connecting.op.fd);
    io_close(r->io, listener);
    io_rig_unpair(r, &secret);
}

/* Whenever a connection breaks, also in the middle of its handshake, both ends
 * hear of it, and nothing is left. */
static void a_break_at_any_point_is_told(void **state)
{
    uint64_t base = check_seed(1);
    unsigned opened = 0;
    char text[16];

    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct sim_faults f = {.short_send = 300, .split_recv = 300, .reset = 60};
        struct probe accepting, connecting, reading;
        struct io_addr addr;
        struct rig *r;
        void *made;
        int listener;

        (void)snprintf(text, sizeof(text), "%u", (unsigned)(base + seed));
        (void)setenv("SEED", text, 1);
        (void)io_rig_tls_sim(&made);
        r = made;
        sim_set_faults(r->sim, f);
        listener = io_rig_listen(r, &addr);
        io_rig_probe(&accepting, listener);
        io_rig_probe(&connecting, -1);
        io_accept(r->io, &accepting.op);
        io_connect(r->io, &connecting.op, &addr);
        UNTIL(r, accepting.done_n == 1);
        assert_int_equal(io_adopt(r->io, accepting.result), 0);
        io_rig_probe(&reading, accepting.result);
        io_recv(r->io, &reading.op);
        UNTIL(r, connecting.done_n == 1);
        opened += connecting.result == 0;
        assert_true(connecting.result == 0 || connecting.result == -ECONNRESET);
        io_close(r->io, connecting.op.fd);
        UNTIL(r, reading.done_n == 1);
        assert_true(reading.result == 0 || reading.result == -ECONNRESET);
        io_close(r->io, accepting.result);
        io_close(r->io, listener);
        (void)io_rig_teardown(&made);
    }
    (void)unsetenv("SEED");
    assert_in_range(opened, 1, 99);
}

#define RECORD 16000
#define RECORDS 5

/* Half a record, then more than a recv may deliver: what SSL has decrypted beyond
 * that comes with the next recv, though the socket has nothing more to say. */
static void what_ssl_still_holds_is_delivered(void **state)
{
    static uint8_t out[RECORD], in[RECORDS * RECORD];
    struct tls_rig_puppet p = {0};
    struct probe connecting, reading;
    struct tls_rig s;
    struct rig below;

    (void)state;
    tls_rig_init(&s, NULL, 0);
    below = (struct rig){.io = s.rig.below};
    io_rig_probe(&connecting, -1);
    io_connect(below.io, &connecting.op, &s.addr);
    io_rig_probe(&reading, tls_rig_accept(&s));
    reading.bytes = in;
    reading.size = sizeof(in);
    UNTIL(&below, connecting.done_n == 1);
    io_rig_probe(&p.sending, connecting.op.fd);
    io_rig_probe(&p.reading, connecting.op.fd);
    tls_rig_shake_hands(&below, &p);
    io_recv(s.rig.io, &reading.op);
    for (int i = 0; i < RECORDS; i++)
        assert_int_equal(SSL_write(p.ssl, out, RECORD), RECORD);
    tls_rig_say(&below, &p, RECORD);
    for (int i = 0; i < 10; i++)
        io_rig_turn(&s.rig);
    assert_int_equal(reading.done_n, 0);
    tls_rig_say(&below, &p, SIZE_MAX);
    UNTIL(&s.rig, reading.done_n == 1);
    assert_int_equal(reading.result, IO_RECV_MAX);
    io_recv(s.rig.io, &reading.op);
    UNTIL(&s.rig, reading.done_n == 2);
    assert_int_equal(reading.at, RECORDS * RECORD);
    SSL_free(p.ssl);
    SSL_CTX_free(p.ctx);
    io_close(below.io, connecting.op.fd);
    io_close(s.rig.io, reading.op.fd);
    tls_rig_fini(&s);
}

CHECK_MAIN(cmocka_unit_test(a_client_of_another_make_is_served),
           cmocka_unit_test(old_and_weak_clients_are_refused),
           cmocka_unit_test(a_session_is_resumed_elsewhere_and_later),
           cmocka_unit_test(keys_of_tickets_change), cmocka_unit_test(a_ticket_is_used_once),
           cmocka_unit_test(a_client_checks_who_answers),
           cmocka_unit_test(a_reload_reaches_new_connections_only),
           cmocka_unit_test(bad_files_are_named),
           cmocka_unit_test(a_turn_takes_on_a_few_handshakes),
           cmocka_unit_test(what_ssl_still_holds_is_delivered),
           cmocka_unit_test_setup_teardown(plain_and_secure_share_a_loop, io_rig_tls,
                                           io_rig_teardown),
           cmocka_unit_test(a_break_at_any_point_is_told))
