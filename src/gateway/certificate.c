#include "gateway/certificate.h"

#include "base/buf.h"
#include "base/str.h"
#include "io/dir.h"
#include "io/file.h"
#include "io/process.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

enum { DAY_S = 86400, VALID_S = 30 * DAY_S, BUNDLE_MAX = 16 * 1024 * 1024 };

static const char system_bundle[] = "/etc/ssl/certs/ca-certificates.crt";

static bool add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    bool ok = e != NULL && X509_add_ext(x, e, -1) == 1;

    X509_EXTENSION_free(e);
    return ok;
}

static bool fill(X509 *x, EVP_PKEY *key, uint64_t serial)
{
    X509_NAME *name = X509_get_subject_name(x);

    return X509_set_version(x, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(x), -DAY_S) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(x), VALID_S) != NULL &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                      (const unsigned char *)"polylog gateway", -1, -1, 0) == 1 &&
           X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 &&
           add_extension(x, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(x, NID_subject_alt_name, "IP:127.0.0.1,IP:::1,DNS:localhost") &&
           X509_sign(x, key, EVP_sha256()) > 0;
}

static int write_bio(BIO *b, const char *path)
{
    char *p = NULL;
    long n = BIO_get_mem_data(b, &p);

    return n > 0 ? file_replace(path, (struct str){(const uint8_t *)p, (size_t)n}) : -ENOMEM;
}

static int write_bundle(BIO *cert, const char *path)
{
    struct buf all CLEANUP(buf_fini);
    char *p = NULL;
    long n = BIO_get_mem_data(cert, &p);

    buf_init(&all, BUNDLE_MAX);
    if (file_read(system_bundle, &all) < 0)
        buf_clear(&all); /* there is none */
    buf_append(&all, (struct str){(const uint8_t *)p, (size_t)n});
    return all.failed ? -EFBIG : file_replace(path, buf_peek(&all));
}

static int write_files(const struct certificate *c, X509 *x, EVP_PKEY *key)
{
    BIO *cert = BIO_new(BIO_s_mem()), *private = BIO_new(BIO_s_mem());
    int r = -ENOMEM;

    if (cert != NULL && private != NULL && PEM_write_bio_X509(cert, x) == 1 &&
        PEM_write_bio_PrivateKey(private, key, NULL, NULL, 0, NULL, NULL) == 1)
        r = write_bio(cert, c->cert);
    if (r == 0)
        r = write_bio(private, c->key);
    if (r == 0)
        r = write_bundle(cert, c->bundle);
    BIO_free(cert);
    BIO_free(private);
    return r;
}

int certificate_make(struct certificate *ret)
{
    struct certificate c = {0};
    EVP_PKEY *key;
    X509 *x;
    uint64_t serial;
    int r = dir_make_temporary("polylog-gateway-", c.dir, sizeof(c.dir));

    if (r < 0)
        return r;
    (void)snprintf(c.cert, sizeof(c.cert), "%s/cert.pem", c.dir);
    (void)snprintf(c.key, sizeof(c.key), "%s/key.pem", c.dir);
    (void)snprintf(c.bundle, sizeof(c.bundle), "%s/bundle.pem", c.dir);
    process_random((uint8_t *)&serial, sizeof(serial));
    key = EVP_EC_gen("P-256");
    x = X509_new();
    r = key != NULL && x != NULL && fill(x, key, serial >> 1) ? write_files(&c, x, key) : -ENOMEM;
    X509_free(x);
    EVP_PKEY_free(key);
    if (r < 0)
        certificate_remove(&c);
    else
        *ret = c;
    return r;
}

void certificate_remove(struct certificate *c)
{
    if (c->dir[0] == '\0')
        return;
    (void)remove(c->cert);
    (void)remove(c->key);
    (void)remove(c->bundle);
    (void)remove(c->dir);
    *c = (struct certificate){0};
}
