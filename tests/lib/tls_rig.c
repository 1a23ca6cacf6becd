#include "lib/tls_rig.h"

#include "base/str.h"
#include "io/addr.h"
#include "io/io_tls.h"

static struct tls_context *context(const struct certs *certs, const struct tls_tickets *tickets)
{
    struct tls_options o = {.cert_file = certs->cert, .key_file = certs->key, .tickets = tickets};
    char error[TLS_CONTEXT_ERROR_MAX];
    struct tls_context *ctx;

    assert_int_equal(tls_context_new(&o, &ctx, error), 0);
    return ctx;
}

void tls_rig_init(struct tls_rig *s, const struct tls_tickets *tickets, unsigned per_turn)
{
    struct io_addr any;

    *s = (struct tls_rig){0};
    certs_make(&s->certs, "localhost");
    assert_int_equal(host_epoll_new(&s->rig.host), 0);
    assert_int_equal(host_io_new(s->rig.host, &s->rig.below), 0);
    s->rig.tls = context(&s->certs, tickets);
    assert_int_equal(io_tls_new(s->rig.below, s->rig.tls, per_turn, &s->rig.io), 0);
    assert_int_equal(addr_parse(STR("127.0.0.1:0"), &any), 0);
    assert_int_equal(io_listen(s->rig.io, &any, &s->listener), 0);
    io_local(s->rig.io, s->listener, &s->addr);
}

void tls_rig_fini(struct tls_rig *s)
{
    io_close(s->rig.io, s->listener);
    io_free(s->rig.io);
    io_free(s->rig.below);
    host_free(s->rig.host);
    tls_context_free(s->rig.tls);
    certs_remove(&s->certs);
}

int tls_rig_take(struct tls_rig *s)
{
    struct probe accepting;

    io_rig_probe(&accepting, s->listener);
    io_accept(s->rig.io, &accepting.op);
    UNTIL(&s->rig, accepting.done_n == 1);
    assert_true(accepting.result >= 0);
    return accepting.result;
}

int tls_rig_accept(struct tls_rig *s)
{
    int fd = tls_rig_take(s);

    assert_int_equal(io_adopt(s->rig.io, fd), 0);
    return fd;
}

void tls_rig_say(struct rig *r, struct tls_rig_puppet *p, size_t at_most)
{
    uint8_t out[128 * 1024];
    int n = BIO_read(SSL_get_wbio(p->ssl), out, (int)MIN(at_most, sizeof(out)));

    if (n > 0)
        io_rig_send_all(r, &p->sending, (struct str){out, (size_t)n});
}

void tls_rig_hear(struct rig *r, struct tls_rig_puppet *p)
{
    int done_n = p->reading.done_n;

    p->reading.bytes = p->in;
    p->reading.size = sizeof(p->in);
    p->reading.at = 0;
    io_recv(r->io, &p->reading.op);
    UNTIL(r, p->reading.done_n > done_n);
    assert_true(p->reading.result > 0);
    assert_int_equal(BIO_write(SSL_get_rbio(p->ssl), p->in, (int)p->reading.at),
                     (int)p->reading.at);
}

void tls_rig_shake_hands(struct rig *r, struct tls_rig_puppet *p)
{
    p->ctx = SSL_CTX_new(TLS_client_method());
    p->ssl = SSL_new(p->ctx);
    SSL_set_bio(p->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    while (SSL_connect(p->ssl) != 1) {
        tls_rig_say(r, p, SIZE_MAX);
        tls_rig_hear(r, p);
    }
    tls_rig_say(r, p, SIZE_MAX);
}
