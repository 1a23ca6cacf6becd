/* credentials.h: whose requests to AWS these are. Found where every program of AWS
 * looks, in this order, and looked for again ahead of their end:
 *
 *   1. environment   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *   2. files         ~/.aws/credentials and ~/.aws/config, AWS_PROFILE
 *   3. web identity  AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, by STS
 *   4. container     AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI
 *   5. instance      IMDSv2, unless AWS_EC2_METADATA_DISABLED or 4 is there
 *
 *   loop: look --> [ current ] --> sleep until 15 min before the end --> look ...
 *                      ^ any thread: a counted reference, or its own one is still it
 *
 * What was found stays in use while looking again fails, even past its end: AWS says
 * then whether it is still good.
 *
 * It runs on one loop, on which it reads small files: not a worker's. A snapshot does
 * not change; the last reference to it wipes it. No secret is in any text here. */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include "aws/aws_env.h"
#include "base/wheel.h"
#include "io/http_client.h"
#include "wire/sigv4.h"

enum { CREDENTIALS_WHY_MAX = 256 };

/* Immutable, counted. keys borrow from it. */
struct credentials_snapshot {
    struct sigv4_credentials keys;
    const char *region; /* "" if nothing says it */
    const char *source; /* "environment", "files", ... */
    uint64_t version;   /* of the credentials: counts up from 1 */
    int64_t expires_s;  /* Unix time; 0: they do not */
    _Atomic unsigned refs;
};

/* What its user is told, on its loop. why: a sentence for a person, or NULL if
 * snapshot is new. The snapshot is lent. */
typedef void credentials_told_f(void *ctx, const struct credentials_snapshot *snapshot,
                                const char *why);

struct credentials_options {
    struct io *io;
    struct wheel *wheel; /* of io's loop */
    struct http_client *http;
    const struct aws_env *env;
    credentials_told_f *told; /* or NULL */
    void *ctx;
    /* 0: 15 minutes before their end; 1 s, doubled up to a minute, after a failure;
     * 10 s between two looks that credentials_stale asked for; 2 s for an answer. */
    unsigned ahead_ms, retry_ms, stale_ms, timeout_ms;
    /* NULL: http://169.254.170.2, http://169.254.169.254 */
    const char *container_url, *instance_url;
};

struct credentials;

/* Begins to look, on io's loop. The options are copied; what they point to stays. */
struct credentials *credentials_new(const struct credentials_options *o) MUST_CHECK;

/* On its loop, or when that has ended: asks for nothing any more. */
void credentials_stop(struct credentials *c);

/* Has it a request under way, or mail? It must not be freed then. */
bool credentials_is_busy(const struct credentials *c);

/* On its loop: the last look failed, and there is nobody who could be asked: what is set
 * is wrong, or nothing is. */
bool credentials_is_hopeless(const struct credentials *c) MUST_CHECK;

/* Stopped, and not busy. NULL is fine. Snapshots live on. */
void credentials_free(struct credentials *c);

/* Any thread, without waiting: makes *snapshot, which is the caller's reference or NULL,
 * the current one. False if there is none yet. */
bool credentials_get(struct credentials *c, struct credentials_snapshot **snapshot);

/* Any thread: AWS refused the snapshot of that version as unknown or expired. They are
 * looked for again soon, unless there are newer ones. */
void credentials_stale(struct credentials *c, uint64_t version);

/* Any thread. NULL is fine. */
void credentials_unref(struct credentials_snapshot *s);

#endif
