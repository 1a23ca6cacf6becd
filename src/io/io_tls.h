/* io_tls.h: TLS as a struct io above another one: the same ops, the same
 * descriptors, the same contract.
 *
 *     worker --io_recv--> [ io_tls: plain | SSL | ciphertext ] --io_recv--> below
 *
 * A connection that is adopted here is a TLS server, one that is connected here a
 * client. The handshake happens inside: a server's first recv and send complete
 * after it, a client's connect does; if it fails, with -EPROTO. Its time limit is
 * the caller's matter, who knows when the connection began.
 *
 * It and what is below, and others above the same, are used side by side on one
 * thread, each for its own descriptors; io_wait may be called and mail posted on
 * any of them. A descriptor that was accepted on either is adopted by the one
 * that shall speak.
 *
 * A send is encrypted up to 64 KiB at a time and completes when below has taken
 * all of it; cancelled halfway, it completes with its bytes: they are on their
 * way. io_close says goodbye (close_notify) if below takes it at once. An idle
 * connection holds OpenSSL's state and no buffer. */
#ifndef IO_IO_TLS_H
#define IO_IO_TLS_H

#include "io/io.h"
#include "io/tls_context.h"

struct io_tls_stats {
    uint64_t handshakes, resumed, failures; /* ever; resumed ones count as handshakes too */
    unsigned open;                          /* connections now, closing ones too */
    const char *refusal; /* what OpenSSL found wrong in the last handshake that failed by itself,
                            not by the connection's end; NULL: there was none. Static */
    bool untrusted;      /* it was the other end's certificate */
};

/* Takes on at most handshakes_per_turn steps of handshakes in one io_wait (0: any
 * number). 0 or -errno. Freed with io_free, before below and ctx, which stay the
 * caller's. */
int io_tls_new(struct io *below, struct tls_context *ctx, unsigned handshakes_per_turn,
               struct io **ret_io) MUST_CHECK;

/* io must be one of io_tls_new. */
void io_tls_stats(const struct io *io, struct io_tls_stats *ret_stats);

#endif
