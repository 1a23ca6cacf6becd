/* limits.h: how fast persons are, and addresses, over all workers of all nodes. Each
 * worker has a bucket (server/bucket.h) of its own for each; once a second it tells
 * what was taken from them, to the other workers by mail, to other nodes by the
 * topic LIMITS_TOPIC. So nobody waits, and of W workers in all one gets in t seconds
 * at most rate * t + W * (burst + rate): the burst of each, and what comes in until
 * the others have told. What the bus loses is not taken there.
 *
 *   version   'p' user spent   'a' family ip (16 bytes) spent   ...
 *
 * Connections and logins of an address share its bucket. */
#ifndef SERVER_LIMITS_H
#define SERVER_LIMITS_H

#include "base/base.h"
#include "base/map.h"
#include "io/io.h"

struct worker;

/* The buckets of persons are in struct person. */
struct limits {
    struct map addresses;
};

#define LIMITS_TOPIC STR("$limits")

void limits_init(struct worker *w);
void limits_fini(struct worker *w);

/* One more connection, or login, from there: 0, or after how many ms there may be. */
uint64_t limits_connect(struct worker *w, const struct io_addr *addr);

/* Once a second: tells, and forgets the buckets that are full. */
void limits_second(struct worker *w);

/* What another worker, or node, says. */
void limits_heard(struct worker *w, struct str bytes);

/* One bucket of what is told. Strings and all are copied. */
struct limits_entry {
    uint64_t user; /* 0: it is an address's */
    uint64_t spent;
    uint8_t family, ip[16];
};

/* Appends the version, then entries. */
struct buf;
void limits_begin(struct buf *b);
void limits_write(struct buf *b, const struct limits_entry *e);

/* True if the version is known, which is taken; then each entry until false: the
 * end, or what is not understood. */
bool limits_read_begin(struct str *rest) MUST_CHECK;
bool limits_read(struct str *rest, struct limits_entry *ret) MUST_CHECK;

#endif
