/* tls_rig.h: TLS above a loop of the real machine, listening, and OpenSSL without a
 * socket at the other end, whose bytes the test carries. */
#ifndef LIB_TLS_RIG_H
#define LIB_TLS_RIG_H

#include "lib/certs.h"
#include "lib/io_rig.h"

#include <openssl/ssl.h>

struct tls_rig {
    struct rig rig; /* io is TLS */
    struct certs certs;
    struct io_addr addr;
    int listener;
};

/* At most per_turn handshakes in a turn (0: any number). */
void tls_rig_init(struct tls_rig *s, const struct tls_tickets *tickets, unsigned per_turn);
void tls_rig_fini(struct tls_rig *s);

/* Accepts a connection, which nobody has adopted yet; one that is adopted. */
int tls_rig_take(struct tls_rig *s);
int tls_rig_accept(struct tls_rig *s);

struct tls_rig_puppet {
    SSL_CTX *ctx;
    SSL *ssl;
    struct probe sending, reading;
    uint8_t in[16384];
};

/* Sends what OpenSSL has made, at most so many bytes of it. */
void tls_rig_say(struct rig *r, struct tls_rig_puppet *p, size_t at_most);

/* Receives something and gives it to OpenSSL. */
void tls_rig_hear(struct rig *r, struct tls_rig_puppet *p);

/* Makes the puppet a client, and shakes hands. */
void tls_rig_shake_hands(struct rig *r, struct tls_rig_puppet *p);

#endif
