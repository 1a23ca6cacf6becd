#include "io/tls_pipe.h"

#include <string.h>

/* SSL reads what was kept, then what is lent. */
static int bio_read(BIO *bio, char *to, int n)
{
    struct tls_pipe *p = BIO_get_data(bio);
    struct str from = buf_len(&p->kept) > 0 ? buf_peek(&p->kept) : p->lent;
    size_t some = MIN(from.n, (size_t)MAX(n, 0));

    BIO_clear_retry_flags(bio);
    if (some == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(to, from.p, some);
    if (buf_len(&p->kept) > 0)
        buf_consume(&p->kept, some);
    else
        p->lent = (struct str){from.p + some, from.n - some};
    return (int)some;
}

static int bio_write(BIO *bio, const char *from, int n)
{
    struct tls_pipe *p = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    buf_append(&p->next, (struct str){(const uint8_t *)from, (size_t)MAX(n, 0)});
    return p->next.failed ? -1 : n;
}

static long bio_ctrl(BIO *bio, int command, long n, void *arg)
{
    (void)bio;
    (void)n;
    (void)arg;
    return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *tls_pipe_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "polylog");

    if (m != NULL && BIO_meth_set_read(m, bio_read) == 1 && BIO_meth_set_write(m, bio_write) == 1 &&
        BIO_meth_set_ctrl(m, bio_ctrl) == 1 && BIO_meth_set_create(m, bio_create) == 1)
        return m;
    BIO_meth_free(m);
    return NULL;
}

bool tls_pipe_init(struct tls_pipe *p, BIO_METHOD *method, SSL *ssl)
{
    BIO *bio = BIO_new(method);

    if (bio == NULL)
        return false;
    p->lent = (struct str){NULL, 0};
    buf_init(&p->kept, TLS_PIPE_MAX);
    buf_init(&p->next, TLS_PIPE_MAX);
    BIO_set_data(bio, p);
    SSL_set_bio(ssl, bio, bio);
    return true;
}

void tls_pipe_fini(struct tls_pipe *p)
{
    buf_fini(&p->kept);
    buf_fini(&p->next);
}

void tls_pipe_keep(struct tls_pipe *p)
{
    if (p->lent.n > 0)
        buf_append(&p->kept, p->lent);
    assert(!p->kept.failed); /* below is asked for more only when it is empty */
    p->lent = (struct str){NULL, 0};
    if (buf_len(&p->kept) == 0)
        buf_fini(&p->kept);
}

void tls_pipe_drop(struct tls_pipe *p)
{
    p->lent = (struct str){NULL, 0};
    buf_fini(&p->kept);
}
