/* tls_context.h: the certificate, key and rules of TLS, for the connections of
 * one loop. Every loop has its own context, so that no lock is shared.
 *
 * TLS 1.2 (forward secret, authenticated ciphers only) and 1.3; no renegotiation
 * and no compression; ALPN http/1.1; sessions are resumed by tickets, which all
 * contexts with the same keys of tickets accept.
 *
 * The files are read once, and again when somebody asks: on a thread that may wait
 * (tls_context_read), which makes what the loop then takes (tls_context_take). */
#ifndef IO_TLS_CONTEXT_H
#define IO_TLS_CONTEXT_H

#include "io/tls_tickets.h"

struct tls_context;
struct ssl_ctx_st;
struct ssl_st;

enum { TLS_CONTEXT_ERROR_MAX = 256 };

/* The strings are copied. */
struct tls_options {
    const char *cert_file, *key_file; /* PEM, the chain's leaf first; NULL: a client without */
    const char *ca_file;              /* whom a client trusts; NULL: the system's list */
    const char *server_name; /* whom a client calls: a name or an IP address. NULL: any that is
                                trusted */
    bool trust_anybody;      /* a client does not check who answers */
    const struct tls_tickets *tickets; /* copied; NULL: one key, this context's own, until the
                                          files are read again */
};

/* 0; -EINVAL if the files do not hold what they should; or -errno of reading them.
 * ret_error then says which file and what is wrong with it. Blocks. */
int tls_context_new(const struct tls_options *o, struct tls_context **ret_ctx,
                    char ret_error[static TLS_CONTEXT_ERROR_MAX]) MUST_CHECK;

/* What ctx is to take: its files, read again. As tls_context_new; on failure everything
 * stays as it is. Any thread, while ctx lives; blocks. */
int tls_context_read(const struct tls_context *ctx, struct ssl_ctx_st **ret_fresh,
                     char ret_error[static TLS_CONTEXT_ERROR_MAX]) MUST_CHECK;

/* For connections to come; those that live keep what they have. On the thread of the
 * loop whose context it is. */
void tls_context_take(struct tls_context *ctx, struct ssl_ctx_st *fresh);

/* Instead of taking it. NULL is fine. */
void tls_context_drop(struct ssl_ctx_st *fresh);

/* Time has passed: the keys of tickets change (io/tls_tickets.h). On the loop's thread. */
void tls_context_turn(struct tls_context *ctx, uint64_t wall_s);

/* Whom connections that a client opens from now on call, instead of server_name. On the
 * thread of the loop whose context it is. */
void tls_context_call(struct tls_context *ctx, const char *server_name);

/* No connection of a server may be left; those that a client opened do not need it. NULL
 * is fine. */
void tls_context_free(struct tls_context *ctx);

/* Is the certificate for this name or address? False without a certificate. On the thread
 * of the loop whose context it is. */
bool tls_context_is_for(const struct tls_context *ctx, struct str name) MUST_CHECK;

/* When the certificate ends, in Unix seconds; 0 without a certificate. */
uint64_t tls_context_expires_s(const struct tls_context *ctx);

/* For io_tls.c: a new session (SSL_free), its role set; NULL when memory is out. */
struct ssl_st *tls_context_open(struct tls_context *ctx, bool client);

#endif
