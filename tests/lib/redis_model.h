/* redis_model.h: Redis in the simulator: servers that speak its protocol to whoever
 * connects, pass on what is published, and that all sorts of things befall.
 *
 *   node 0 --way 0--\                 /--way 0-- ...
 *   node 1 --way 1--- [ server 0 ] ==passes on==> [ server 1 ]
 *   node 2 --way 2--/    primary                    replica
 *
 * A way is a port of its own at each server, so that a node can be cut off alone. The
 * first server is the primary until another takes over. What is published at the primary
 * is passed on to the replica a while later, if that is then still its primary; a
 * replica's own publishers reach only those who subscribe there.
 *
 * A liar has heard all that was published, and says it again, now or much later, as it was,
 * damaged, with another seq or channel, or makes something up.
 *
 * It knows AUTH, SELECT, PING, ROLE, HELLO, SUBSCRIBE, UNSUBSCRIBE and PUBLISH, as
 * redis-server 7 answers them in version 2 of the protocol (tests/contract/test_redis.c
 * runs over both), and refuses all else. */
#ifndef LIB_REDIS_MODEL_H
#define LIB_REDIS_MODEL_H

#include "io/io_sim.h"

enum { REDIS_MODEL_SERVERS = 2, REDIS_MODEL_WAYS = 4, REDIS_MODEL_URL = 128 };

struct redis_model_faults {
    unsigned slow_ms;   /* what is asked is answered up to so much later */
    unsigned lag_ms;    /* passed on to the replica up to so much later */
    size_t unsent_max;  /* a subscriber that has so much to take is cut off; 0: none */
    const char *refuse; /* every command is answered so ("LOADING ..."); NULL: none */
};

struct redis_model;

struct redis_model *redis_model_new(struct sim *sim, uint64_t seed) MUST_CHECK;

/* Ends it. Whoever was connected is cut off. NULL is fine. */
void redis_model_free(struct redis_model *m);

/* All its servers by one way, for --bus. */
void redis_model_url(const struct redis_model *m, unsigned way, char to[static REDIS_MODEL_URL]);

/* The port of a server by a way. */
uint16_t redis_model_port(const struct redis_model *m, unsigned server, unsigned way);

void redis_model_set(struct redis_model *m, struct redis_model_faults faults);

/* From now on a liar adds so many to 1000 messages. */
void redis_model_lie(struct redis_model *m, unsigned lies);

/* From now on it wants this password; NULL: none. Borrowed. */
void redis_model_password(struct redis_model *m, const char *password);

/* kill -9, and a start with nothing in memory; SIGSTOP and SIGCONT. */
void redis_model_kill(struct redis_model *m, unsigned server);
void redis_model_start(struct redis_model *m, unsigned server);
void redis_model_pause(struct redis_model *m, unsigned server, bool on);

/* Nothing goes by that way, and nobody is told; afterwards all that was sent arrives. */
void redis_model_part(struct redis_model *m, unsigned way, bool on);

/* The server takes over; what the primary had not passed on is lost. The primary follows
 * it from now on; or, apart, takes itself for one as well until the next call. */
void redis_model_promote(struct redis_model *m, unsigned server, bool apart);

/* Everything runs, nothing is paused, parted or apart; faults stay. */
void redis_model_heal(struct redis_model *m);

struct redis_model_counts {
    uint64_t commands, published, passed_on, lost, cut, connections, lies;
};
struct redis_model_counts redis_model_count(const struct redis_model *m);

#endif
