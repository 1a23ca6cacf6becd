/* tls_pipe.h: the ciphertext of one connection, on both sides of its SSL, as a BIO.
 *
 *     below's recv --lent--> [ kept ] --SSL_read--> plain
 *     plain --SSL_write--> [ next ] --> below's send
 *
 * A pipe is embedded in its connection, on one thread. */
#ifndef IO_TLS_PIPE_H
#define IO_TLS_PIPE_H

#include "base/buf.h"

#include <openssl/ssl.h>

/* Ciphertext held in either direction; more is no TLS that anybody speaks. */
#define TLS_PIPE_MAX (256 * 1024)

struct tls_pipe {
    struct str lent; /* what came, while below's callback runs */
    struct buf kept; /* what came and was not decrypted yet */
    struct buf next; /* what SSL made and was not sent yet */
};

/* What SSL_set_bio needs; to be freed with BIO_meth_free. NULL: there is no memory. */
BIO_METHOD *tls_pipe_method(void) MUST_CHECK;

/* Gives ssl the pipe as its two ends. False: there is no memory, ssl is unchanged. */
bool tls_pipe_init(struct tls_pipe *p, BIO_METHOD *method, SSL *ssl) MUST_CHECK;
void tls_pipe_fini(struct tls_pipe *p);

/* Keeps what SSL did not take of the lent bytes; an empty store is released. */
void tls_pipe_keep(struct tls_pipe *p);

/* Throws away what came. */
void tls_pipe_drop(struct tls_pipe *p);

#endif
