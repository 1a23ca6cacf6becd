/* signer.h: signs requests to AWS from any thread, with credentials that it finds and
 * renews (aws/credentials.h) on a loop, a thread and an HTTP client of its own. */
#ifndef AWS_SIGNER_H
#define AWS_SIGNER_H

#include "aws/credentials.h"

struct signer;

struct signer_options {
    const struct aws_env *env; /* stays */
    const char *ca_file;       /* NULL: the system's */
    unsigned patience_ms;      /* how long signer_open waits; 0: 10 s */
    /* Told on its own thread, from signer_open's return on: why credentials could not be
     * renewed, or NULL when they were again; or NULL. */
    void (*told)(void *ctx, const char *why);
    void *ctx;
    /* For tests: as in credentials_options. */
    const char *container_url, *instance_url;
    unsigned retry_ms, stale_ms;
};

/* Blocks until there are credentials: for the start of the program. 0, or -errno and a
 * sentence for a person: -ENOENT if there were none in that time, or nobody can be asked. */
int signer_open(const struct signer_options *o, struct signer **ret_signer,
                char ret_why[static CREDENTIALS_WHY_MAX]) MUST_CHECK;

/* What the environment, the profile or the machine says; "" if they do not. */
const char *signer_region(const struct signer *s);

/* Where the credentials came from: "environment", "container", ... */
const char *signer_source(const struct signer *s);

/* Any thread, without waiting: as sigv4_headers, with the current credentials. ctx is the
 * signer. */
bool signer_sign(void *ctx, const struct sigv4_request *r, struct buf *out) MUST_CHECK;

/* Any thread: as signer_sign, for what is made of the credentials in another way. The
 * snapshot is the caller's to drop (credentials_unref). */
struct credentials_snapshot *signer_snapshot(struct signer *s) MUST_CHECK;

/* Any thread: AWS refused the current credentials as unknown or expired. */
void signer_refresh(void *ctx);

/* Ends, within the time that a request may take. Nobody signs any more. NULL is fine. */
void signer_close(struct signer *s);

#endif
