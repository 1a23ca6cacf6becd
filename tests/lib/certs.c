#include "lib/certs.h"

#include "lib/check.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#define DAY_S 86400L

static void add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(ext);
    assert_int_equal(X509_add_ext(cert, ext, -1), 1);
    X509_EXTENSION_free(ext);
}

static X509 *self_signed(EVP_PKEY *key, const char *name)
{
    X509 *cert = X509_new();
    X509_NAME *subject;
    char alternatives[128];

    assert_non_null(cert);
    (void)snprintf(alternatives, sizeof(alternatives), "DNS:%s", name);
    (void)X509_set_version(cert, X509_VERSION_3);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), 365 * DAY_S);
    subject = X509_get_subject_name(cert);
    (void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                     -1, 0);
    (void)X509_set_issuer_name(cert, subject);
    (void)X509_set_pubkey(cert, key);
    add_extension(cert, NID_subject_alt_name, alternatives);
    add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

void certs_renew(struct certs *c, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert;
    FILE *f;

    assert_non_null(key);
    cert = self_signed(key, name);
    f = fopen(c->cert, "we");
    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, cert), 1);
    assert_int_equal(fclose(f), 0);
    f = fopen(c->key, "we");
    assert_non_null(f);
    assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(f), 0);
    X509_free(cert);
    EVP_PKEY_free(key);
}

void certs_make(struct certs *c, const char *name)
{
    (void)snprintf(c->dir, sizeof(c->dir), "/tmp/polylog-certs-XXXXXX");
    assert_non_null(mkdtemp(c->dir));
    (void)snprintf(c->cert, sizeof(c->cert), "%s/cert.pem", c->dir);
    (void)snprintf(c->key, sizeof(c->key), "%s/key.pem", c->dir);
    certs_renew(c, name);
}

void certs_remove(struct certs *c)
{
    (void)unlink(c->cert);
    (void)unlink(c->key);
    assert_int_equal(rmdir(c->dir), 0);
}
