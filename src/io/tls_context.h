/* tls_context.h: the certificate, key and rules of TLS, for the connections of
 * one loop. Every loop has its own context, so that no lock is shared.
 *
 * TLS 1.2 (forward secret, authenticated ciphers only) and 1.3; no renegotiation
 * and no compression; ALPN http/1.1; sessions are resumed by tickets, which all
 * contexts with the same ticket key accept. */
#ifndef IO_TLS_CONTEXT_H
#define IO_TLS_CONTEXT_H

#include "base/base.h"

struct tls_context;
struct ssl_st;

enum { TLS_CONTEXT_ERROR_MAX = 256, TLS_CONTEXT_TICKET_KEY = 80 };

/* The strings are copied. */
struct tls_options {
    const char *cert_file, *key_file; /* PEM, the chain's leaf first; NULL: a client without */
    const char *ca_file;              /* whom a client trusts; NULL: the system's list */
    const char *server_name;   /* whom a client calls: a name or an IP address. NULL: any that is
                                  trusted */
    bool trust_anybody;        /* a client does not check who answers */
    const uint8_t *ticket_key; /* TLS_CONTEXT_TICKET_KEY secret bytes; NULL: this context's own */
};

/* 0; -EINVAL if the files do not hold what they should; or -errno of reading them.
 * ret_error then says which file and what is wrong with it. Blocks. */
int tls_context_new(const struct tls_options *o, struct tls_context **ret_ctx,
                    char ret_error[static TLS_CONTEXT_ERROR_MAX]) MUST_CHECK;

/* Reads the files again, for connections to come; those that live keep what they
 * have. As tls_context_new; on failure everything stays as it was. On the thread
 * of the loop whose context it is, which it keeps waiting for the files. */
int tls_context_reload(struct tls_context *ctx,
                       char ret_error[static TLS_CONTEXT_ERROR_MAX]) MUST_CHECK;

/* Whom connections that a client opens from now on call, instead of server_name. On the
 * thread of the loop whose context it is. */
void tls_context_call(struct tls_context *ctx, const char *server_name);

/* The connections that live do not need it. NULL is fine. */
void tls_context_free(struct tls_context *ctx);

/* When the certificate ends, in Unix seconds; 0 without a certificate. */
uint64_t tls_context_expires_s(const struct tls_context *ctx);

/* For io_tls.c: a new session (SSL_free), its role set; NULL when memory is out. */
struct ssl_st *tls_context_open(struct tls_context *ctx, bool client);

#endif
