/* peers.h: the other nodes of the store, as their heartbeats (server/health/guard.h) tell of them:
 * which of them live though the bus does not hear them, and what does not fit this node: no
 * bus between them, another token secret, this node's own id. Each is an alarm; the bus is
 * told which nodes live, so that followed rooms are polled for those that it does not hear.
 *
 *   nodes/<run>   "<n> <wall ms> <mark> <bus id> <bus> <secret> <host>", the last five by
 *                 peers_text: hex, its name, a fingerprint of the token secret
 *
 * A node lives while its n goes forward, by this node's own clock. Worker 0's; nothing where
 * the store is this process' alone. */
#ifndef SERVER_HEALTH_PEERS_H
#define SERVER_HEALTH_PEERS_H

#include "base/base.h"
#include "base/str.h"

enum { PEERS_TEXT_MAX = 128, PEERS_HOST_MAX = 64 };

struct peers;
struct server;

/* What a heartbeat says of this node. */
struct str peers_text(const struct server *s, char to[static PEERS_TEXT_MAX]);

/* What one says of another. */
struct peers_word {
    uint64_t n, bus_id;
    struct str bus, secret, host; /* borrowed */
};

/* The body of a heartbeat. False if it says less: of a node of before, or of a later one. */
bool peers_read(struct str body, struct peers_word *ret) MUST_CHECK;

struct peers *peers_start(struct server *s) MUST_CHECK;

/* Asks no more. */
void peers_stop(struct peers *p);

/* Returns true while a request is under way. */
bool peers_is_asking(const struct peers *p) MUST_CHECK;

/* Returns true if the node of that run may live: it beats, or it is too early to tell. Where the
 * store is this process' alone (p NULL) no other does. */
bool peers_may_live(const struct peers *p, struct str run) MUST_CHECK;

/* NULL is fine, for each of them. */
void peers_free(struct peers *p);

#endif
