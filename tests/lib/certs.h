/* certs.h: certificates for tests of TLS: made new, signed by themselves, in
 * files of a directory of their own. */
#ifndef LIB_CERTS_H
#define LIB_CERTS_H

struct certs {
    char dir[64], cert[80], key[80];
};

/* For the DNS name, valid from a day ago for a year. */
void certs_make(struct certs *c, const char *name);

/* Replaces the files by those of a new key. */
void certs_renew(struct certs *c, const char *name);

void certs_remove(struct certs *c);

#endif
