#include "io/tls_context.h"

#include "base/str.h"
#include "io/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HOST_MAX 256
#define CIPHERS_TLS12 "ECDHE+AESGCM:ECDHE+CHACHA20"

struct tls_context {
    SSL_CTX *ssl_ctx;
    char *cert_file, *key_file, *ca_file, *server_name;
    bool trust_anybody;
    bool has_tickets;
    struct tls_tickets tickets;
};

static char *tls_context_copy(const char *z)
{
    return z == NULL ? NULL : str_dup(str_of(z));
}

/* Says what OpenSSL found wrong with the file. */
static int tls_context_refuse(const char *file, char ret_error[static TLS_CONTEXT_ERROR_MAX])
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    (void)snprintf(ret_error, TLS_CONTEXT_ERROR_MAX, "%s: %s", file,
                   reason != NULL ? reason : "not understood");
    ERR_clear_error();
    return -EINVAL;
}

static int check_readable(const char *file, char ret_error[static TLS_CONTEXT_ERROR_MAX])
{
    if (access(file, R_OK) == 0)
        return 0;
    int r = -errno;
    (void)snprintf(ret_error, TLS_CONTEXT_ERROR_MAX, "%s: %s", file, strerror(-r));
    return r;
}

/* A key that needs a passphrase is refused: nobody is there to type one. */
static int no_passphrase(char *bytes, int size, int for_writing, void *arg)
{
    (void)bytes;
    (void)size;
    (void)for_writing;
    (void)arg;
    return -1;
}

/* http/1.1, or, if the client offers others only, an alert (RFC 7301, 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **ret_chosen, unsigned char *ret_n,
                           const unsigned char *offered, unsigned offered_n, void *arg)
{
    static const unsigned char http11[] = "\x08http/1.1";
    unsigned char *chosen;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, ret_n, http11, sizeof(http11) - 1, offered, offered_n) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_chosen = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int set_mac(EVP_MAC_CTX *mac, const struct tls_ticket_key *key)
{
    uint8_t bytes[sizeof(key->mac)];
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, bytes, sizeof(bytes)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    int r;

    memcpy(bytes, key->mac, sizeof(bytes));
    r = EVP_MAC_CTX_set_params(mac, params);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return r;
}

/* A ticket is made, or read. 0: it is none of ours; 1: fine; 2: fine, and the client is to
 * get another one: by 1.3 always, so that nobody can link connections by theirs (RFC 8446,
 * C.4); by 1.2, which shows them in the clear anyway, when its key is about to go. */
static int ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                      EVP_MAC_CTX *mac, int makes)
{
    const struct tls_context *ctx = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const struct tls_tickets *t = &ctx->tickets;
    const struct tls_ticket_key *key = makes ? &t->now : tls_tickets_find(t, name);

    if (key == NULL)
        return 0;
    if (makes) {
        memcpy(name, key->name, sizeof(key->name));
        process_random(iv, (size_t)EVP_CIPHER_get_iv_length(EVP_aes_256_cbc()));
    }
    if (EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, makes) != 1 ||
        set_mac(mac, key) != 1)
        return -1;
    return makes || (key == &t->now && SSL_version(ssl) < TLS1_3_VERSION) ? 1 : 2;
}

static void set_tickets(const struct tls_context *ctx, SSL_CTX *s)
{
    static const unsigned char id[] = "polylog";

    if (SSL_CTX_set_session_id_context(s, id, sizeof(id) - 1) != 1)
        abort();
    SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(s, 1);
    if (!ctx->has_tickets)
        return;
    SSL_CTX_set_app_data(s, (void *)(uintptr_t)ctx);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(s, ticket_key);
    SSL_CTX_set_timeout(s, (long)ctx->tickets.period_s);
}

static void set_rules(const struct tls_context *ctx, SSL_CTX *s)
{
    if (SSL_CTX_set_min_proto_version(s, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(s, CIPHERS_TLS12) != 1)
        abort();
    SSL_CTX_set_options(s, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(s, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_default_passwd_cb(s, no_passphrase);
    SSL_CTX_set_alpn_select_cb(s, choose_protocol, NULL);
    set_tickets(ctx, s);
}

static int load_own(const struct tls_context *ctx, SSL_CTX *s,
                    char ret_error[static TLS_CONTEXT_ERROR_MAX])
{
    int r;

    if (ctx->cert_file == NULL || ctx->key_file == NULL)
        return 0;
    r = check_readable(ctx->cert_file, ret_error);
    if (r == 0)
        r = check_readable(ctx->key_file, ret_error);
    if (r < 0)
        return r;
    if (SSL_CTX_use_certificate_chain_file(s, ctx->cert_file) != 1)
        return tls_context_refuse(ctx->cert_file, ret_error);
    if (SSL_CTX_use_PrivateKey_file(s, ctx->key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(s) != 1)
        return tls_context_refuse(ctx->key_file, ret_error);
    return 0;
}

static int load_trusted(const struct tls_context *ctx, SSL_CTX *s,
                        char ret_error[static TLS_CONTEXT_ERROR_MAX])
{
    int r;

    if (ctx->ca_file == NULL) {
        if (!ctx->trust_anybody)
            (void)SSL_CTX_set_default_verify_paths(s); /* none there: nobody is trusted */
        return 0;
    }
    r = check_readable(ctx->ca_file, ret_error);
    if (r < 0)
        return r;
    return SSL_CTX_load_verify_locations(s, ctx->ca_file, NULL) == 1
               ? 0
               : tls_context_refuse(ctx->ca_file, ret_error);
}

int tls_context_read(const struct tls_context *ctx, SSL_CTX **ret_fresh,
                     char ret_error[static TLS_CONTEXT_ERROR_MAX])
{
    SSL_CTX *s = SSL_CTX_new(TLS_method());
    int r;

    ret_error[0] = '\0';
    if (s == NULL)
        return -ENOMEM;
    ERR_clear_error();
    set_rules(ctx, s);
    r = load_own(ctx, s, ret_error);
    if (r == 0)
        r = load_trusted(ctx, s, ret_error);
    if (r < 0) {
        SSL_CTX_free(s);
        return r;
    }
    *ret_fresh = s;
    return 0;
}

void tls_context_take(struct tls_context *ctx, SSL_CTX *fresh)
{
    SSL_CTX_free(ctx->ssl_ctx); /* sessions that live hold references */
    ctx->ssl_ctx = fresh;
}

void tls_context_drop(SSL_CTX *fresh)
{
    SSL_CTX_free(fresh);
}

void tls_context_turn(struct tls_context *ctx, uint64_t wall_s)
{
    if (ctx->has_tickets)
        tls_tickets_turn(&ctx->tickets, wall_s);
}

int tls_context_new(const struct tls_options *o, struct tls_context **ret_ctx,
                    char ret_error[static TLS_CONTEXT_ERROR_MAX])
{
    struct tls_context *ctx = calloc(1, sizeof(*ctx));
    int r;

    ret_error[0] = '\0';
    if (ctx == NULL)
        return -ENOMEM;
    ctx->cert_file = tls_context_copy(o->cert_file);
    ctx->key_file = tls_context_copy(o->key_file);
    ctx->ca_file = tls_context_copy(o->ca_file);
    ctx->server_name = tls_context_copy(o->server_name);
    ctx->trust_anybody = o->trust_anybody;
    ctx->has_tickets = o->tickets != NULL;
    if (ctx->has_tickets)
        ctx->tickets = *o->tickets;
    r = tls_context_read(ctx, &ctx->ssl_ctx, ret_error);
    if (r < 0) {
        tls_context_free(ctx);
        return r;
    }
    *ret_ctx = ctx;
    return 0;
}

void tls_context_call(struct tls_context *ctx, const char *server_name)
{
    free(ctx->server_name);
    ctx->server_name = tls_context_copy(server_name);
}

void tls_context_free(struct tls_context *ctx)
{
    if (ctx == NULL)
        return;
    SSL_CTX_free(ctx->ssl_ctx);
    tls_tickets_fini(&ctx->tickets);
    free(ctx->cert_file);
    free(ctx->key_file);
    free(ctx->ca_file);
    free(ctx->server_name);
    free(ctx);
}

uint64_t tls_context_expires_s(const struct tls_context *ctx)
{
    const X509 *cert = SSL_CTX_get0_certificate(ctx->ssl_ctx);
    struct tm tm;

    if (cert == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
        return 0;
    return (uint64_t)MAX(timegm(&tm), (time_t)0);
}

bool tls_context_is_for(const struct tls_context *ctx, struct str name)
{
    X509 *cert = SSL_CTX_get0_certificate(ctx->ssl_ctx);
    char z[HOST_MAX];

    if (cert == NULL || name.n == 0 || name.n >= sizeof(z) || memchr(name.p, '\0', name.n) != NULL)
        return false;
    memcpy(z, name.p, name.n);
    z[name.n] = '\0';
    return X509_check_host(cert, z, name.n, 0, NULL) == 1 || X509_check_ip_asc(cert, z, 0) == 1;
}

/* A client asks for the name, and wants to see it in the certificate. */
static bool set_server_name(SSL *ssl, char *name)
{
    uint8_t ip[16];

    if (inet_pton(AF_INET, name, ip) == 1 || inet_pton(AF_INET6, name, ip) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) == 1 &&
           SSL_set1_host(ssl, name) == 1;
}

SSL *tls_context_open(struct tls_context *ctx, bool client)
{
    SSL *ssl = SSL_new(ctx->ssl_ctx);

    if (ssl == NULL)
        return NULL;
    if (!client) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL_set_connect_state(ssl);
    SSL_set_verify(ssl, ctx->trust_anybody ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (ctx->server_name != NULL && !set_server_name(ssl, ctx->server_name)) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}
