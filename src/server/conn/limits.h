/* limits.h: how fast persons are, and addresses, over all workers of all nodes. Each worker has a
 * bucket (server/node/bucket.h) of its own for each; once a second it tells what was taken from
 * them, to the other workers by mail, to other nodes by the topic LIMITS_TOPIC. So nobody waits,
 * and of W workers in all one gets in t seconds at most rate * t + W * (burst + rate): the burst of
 * each, and what comes in until the others have told. What the bus loses is not taken there.
 *
 *   version   'p' user spent   'a' family ip (16 bytes) spent   ...
 *
 * Logins of an address, and the connections and sessions that it opens without a valid token, share
 * its bucket: who shows a token is counted as a person. All that it connects, whoever it is, has a
 * second bucket, ten times as large, where it is accepted. Of IPv6 the first 64 bits are the
 * address: one household has them all. */
#ifndef SERVER_CONN_LIMITS_H
#define SERVER_CONN_LIMITS_H

#include "base/base.h"
#include "io/io.h"

struct conf;
struct worker;

#define LIMITS_TOPIC STR("$limits")

void limits_init(struct worker *w);
void limits_fini(struct worker *w);

/* True if the address is one of --trusted-proxies: what it forwards is believed, and it is
 * no client itself. */
bool limits_is_trusted(const struct conf *c, const struct io_addr *addr) MUST_CHECK;

/* Returns what stands for the address where passwords are guessed (chat/people/guesses.h). */
uint64_t limits_place(const struct io_addr *addr) MUST_CHECK;

/* Asks to accept a connection from there: returns 0, or after how many ms it may be accepted. */
uint64_t limits_accept(struct worker *w, const struct io_addr *addr);

/* Asks for a login, or a connection without a valid token, from there: returns 0, or after how many
 * ms there may be one. */
uint64_t limits_connect(struct worker *w, const struct io_addr *addr);

/* A connection that came without a token has shown a valid one. */
void limits_give_back(struct worker *w, const struct io_addr *addr);

/* Once a second: tells, and forgets the buckets that are full. */
void limits_second(struct worker *w);

/* What another worker, or node, says. */
void limits_heard(struct worker *w, struct str bytes);

/* A bucket of what is told. Strings and all are copied. */
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
