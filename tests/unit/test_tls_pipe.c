/* Ciphertext that OpenSSL does not take as it comes: behind the end, or half of what it
 * needs before it goes on. */
#include "io/tls_pipe.h"

#include "base/str.h"
#include "io/io_tls.h"
#include "lib/tls_rig.h"

#include <errno.h>
#include <string.h>

/* A pair of which the test is the client: what it encrypts, and what it spoils. */
struct stranger {
    struct tls_rig s;
    struct rig below;
    struct tls_rig_puppet p;
    struct probe connecting, reading;
    uint8_t in[64];
};

static void stranger_init(struct stranger *t)
{
    *t = (struct stranger){0};
    tls_rig_init(&t->s, NULL, 0);
    t->below = (struct rig){.io = t->s.rig.below};
    io_rig_probe(&t->connecting, -1);
    io_connect(t->below.io, &t->connecting.op, &t->s.addr);
    io_rig_probe(&t->reading, tls_rig_accept(&t->s));
    t->reading.bytes = t->in;
    t->reading.size = sizeof(t->in);
    UNTIL(&t->below, t->connecting.done_n == 1);
    io_rig_probe(&t->p.sending, t->connecting.op.fd);
    io_rig_probe(&t->p.reading, t->connecting.op.fd);
    tls_rig_shake_hands(&t->below, &t->p);
}

static void stranger_fini(struct stranger *t)
{
    SSL_free(t->p.ssl);
    SSL_CTX_free(t->p.ctx);
    io_close(t->below.io, t->connecting.op.fd);
    io_close(t->s.rig.io, t->reading.op.fd);
    tls_rig_fini(&t->s);
}

/* What comes behind the end of the stream, or behind a record that is refused, is
 * thrown away: a recv is told the end instead of waiting for it at the loop's expense. */
static void nothing_is_done_with_what_comes_behind_an_end(void **state)
{
    (void)state;
    for (int spoilt = 0; spoilt < 2; spoilt++) {
        static uint8_t out[128 * 1024];
        struct stranger t;
        int n = 0;

        stranger_init(&t);
        assert_int_equal(SSL_write(t.p.ssl, "ping", 4), 4);
        n += BIO_read(SSL_get_wbio(t.p.ssl), out, sizeof(out));
        if (spoilt) {
            assert_int_equal(SSL_write(t.p.ssl, "ping", 4), 4);
            n += BIO_read(SSL_get_wbio(t.p.ssl), out + n, (int)sizeof(out) - n);
            out[n - 1] ^= 1;
        } else {
            assert_int_equal(SSL_shutdown(t.p.ssl), 0);
            n += BIO_read(SSL_get_wbio(t.p.ssl), out + n, (int)sizeof(out) - n);
        }
        memset(out + n, 'x', 5000);
        n += 5000;
        io_rig_send_all(&t.below, &t.p.sending, (struct str){out, (size_t)n});
        for (int end = -1; end != (spoilt ? -EPROTO : 0); end = t.reading.result) {
            int done_n = t.reading.done_n;

            io_recv(t.s.rig.io, &t.reading.op);
            UNTIL(&t.s.rig, t.reading.done_n > done_n);
        }
        assert_int_equal(t.reading.at, 4);
        stranger_fini(&t);
    }
}

static int long_ticket(SSL *ssl, void *arg)
{
    static const uint8_t data[2000] = {1};

    (void)arg;
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), data, sizeof(data));
}

/* OpenSSL's server without a socket, whose tickets are longer than its records. */
static void puppet_serve(struct tls_rig_puppet *p, const struct certs *certs)
{
    p->ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_session_ticket_cb(p->ctx, long_ticket, NULL, NULL);
    assert_int_equal(SSL_CTX_use_certificate_file(p->ctx, certs->cert, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(p->ctx, certs->key, SSL_FILETYPE_PEM), 1);
    p->ssl = SSL_new(p->ctx);
    SSL_set_max_send_fragment(p->ssl, 512);
    SSL_set_bio(p->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(p->ssl);
}

/* Half of a ticket has come when bytes are to be sent: they go out behind the other
 * half, whether the caller receives or not. */
static void a_send_waits_for_the_rest_of_a_ticket(void **state)
{
    (void)state;
    for (int receives = 0; receives < 2; receives++) {
        struct tls_options o = {.server_name = "localhost", .trust_anybody = true};
        struct probe connecting, accepting, sending, reading;
        struct str ping = STR("ping");
        char error[TLS_CONTEXT_ERROR_MAX], in[8];
        struct tls_rig_puppet p = {0};
        struct tls_context *ctx;
        struct tls_rig s;
        struct rig below, client = {0};

        tls_rig_init(&s, NULL, 0);
        below = (struct rig){.io = s.rig.below};
        puppet_serve(&p, &s.certs);
        assert_int_equal(tls_context_new(&o, &ctx, error), 0);
        assert_int_equal(io_tls_new(below.io, ctx, 0, &client.io), 0);
        io_rig_probe(&connecting, -1);
        io_rig_probe(&accepting, s.listener);
        io_accept(below.io, &accepting.op);
        io_connect(client.io, &connecting.op, &s.addr);
        UNTIL(&below, accepting.done_n == 1);
        assert_int_equal(io_adopt(below.io, accepting.result), 0);
        io_rig_probe(&p.sending, accepting.result);
        io_rig_probe(&p.reading, accepting.result);
        tls_rig_hear(&below, &p);
        assert_int_not_equal(SSL_do_handshake(p.ssl), 1);
        tls_rig_say(&below, &p, SIZE_MAX);
        tls_rig_hear(&below, &p);
        assert_int_equal(SSL_do_handshake(p.ssl), 1);
        UNTIL(&below, connecting.done_n == 1);
        assert_int_equal(connecting.result, 0);
        io_rig_probe(&reading, connecting.op.fd);
        io_rig_probe(&sending, connecting.op.fd);
        io_recv(client.io, &reading.op);
        tls_rig_say(&below, &p, 1000); /* one record, and a part of the next */
        for (int i = 0; i < 20; i++)
            io_rig_turn(&below);
        if (!receives)
            io_rig_settle(&client, &reading);
        io_send(client.io, &sending.op, &ping, 1);
        for (int i = 0; i < 20; i++)
            io_rig_turn(&below);
        assert_int_equal(sending.done_n, 0);
        tls_rig_say(&below, &p, SIZE_MAX);
        UNTIL(&below, sending.done_n == 1);
        assert_int_equal(sending.result, 4);
        tls_rig_hear(&below, &p);
        assert_int_equal(SSL_read(p.ssl, in, sizeof(in)), 4);
        if (receives)
            io_rig_settle(&client, &reading);
        io_close(client.io, connecting.op.fd);
        io_close(below.io, accepting.result);
        io_free(client.io);
        tls_context_free(ctx);
        SSL_free(p.ssl);
        SSL_CTX_free(p.ctx);
        tls_rig_fini(&s);
    }
}

CHECK_MAIN(cmocka_unit_test(nothing_is_done_with_what_comes_behind_an_end),
           cmocka_unit_test(a_send_waits_for_the_rest_of_a_ticket))
