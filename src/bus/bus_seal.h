/* bus_seal.h: what stands before each message of the bus, and who may have written it:
 * whoever has the token secret of this system, and nobody else (decision 0018).
 *
 *   version  key's name   tag    | kind   node   count   seq   at   bytes ...
 *      1         4         16    |   1      8      8      8     8
 *
 * The tag is SipHash-2-4 of 128 bits over all behind it, by a key that is made of the token
 * secret, the system's name and the channel: a message is none of another channel. The key's
 * name tells a message under another secret from one that was forged or damaged. `at` is the
 * sender's monotonic time in ms. Numbers are little-endian. Pure. */
#ifndef BUS_BUS_SEAL_H
#define BUS_BUS_SEAL_H

#include "base/base.h"

enum {
    BUS_SEAL_VERSION = 2,
    BUS_SEAL_N = 54, /* before what a message carries */
    BUS_SEAL_KEY_N = 16,
    BUS_SEAL_NAME_N = 4,
};

struct bus_seal {
    uint8_t key[BUS_SEAL_KEY_N], name[BUS_SEAL_NAME_N];
};

/* Of one channel. */
struct bus_seal_channel {
    uint8_t key[BUS_SEAL_KEY_N];
};

struct bus_head {
    uint8_t kind;
    uint64_t node, count, seq, at_ms;
};

enum bus_seal_result {
    BUS_SEAL_GOOD,
    BUS_SEAL_FORGED, /* by somebody without the secret, or damaged */
    BUS_SEAL_OTHER,  /* under another secret, or of another version */
    BUS_SEAL_RESULT_N,
};

/* The keys of a system: its token secret, and its name on the bus. */
void bus_seal_init(struct bus_seal *s, struct str secret, struct str system);

void bus_seal_channel(const struct bus_seal *s, struct str channel, struct bus_seal_channel *ret);

/* Writes what stands before the message, whose n bytes begin with BUS_SEAL_N free ones. */
void bus_seal_write(const struct bus_seal *s, const struct bus_seal_channel *c,
                    const struct bus_head *h, uint8_t *message, size_t n);

/* The node that a message says it is of, unproven; 0: it is too short. */
uint64_t bus_seal_node(struct str message);

/* What stands before the message, and what it carries. */
enum bus_seal_result bus_seal_read(const struct bus_seal *s, const struct bus_seal_channel *c,
                                   struct str message, struct bus_head *ret_head,
                                   struct str *ret_bytes) MUST_CHECK;

#endif
