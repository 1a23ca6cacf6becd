/* siphash.h: the keyed hash for tables whose keys a peer chooses: SipHash-2-4
 * (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012), libsodium's. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/base.h"

/* The key comes from the system's randomness, once per process; it is the
 * same wherever two hashes are compared. Any thread. */
uint64_t siphash(const uint8_t key[static 16], struct str s);

#endif
