/* rows.h: what the store keeps of connections behind API Gateway, which no process holds: the
 * values under the keys of chat/model/keys.h.
 *
 *   c:<id>             connection   "1 <user> <session> <connected> <flags> <base>", then, a line
 *                                   each, "<room> <shard>": what it follows, and where
 *   f:<room>#<shard>   <id>         "1 <user> <since> <connected> <flags> <base>": a follower
 *   s:<room>#<shard>   shard        "1 <run_to> <fanned> <access> <followers> <shards> <lease>
 *                                   <until>"
 *
 * The followers of a shard share one cursor, `fanned`: a delivery writes nothing for a single
 * follower. A room has one more shard for each ROWS_SHARD_MAX followers; how many there are
 * stands in shard 0. Times are Unix milliseconds of the store (store_wall_ms). The first word is
 * the format's version; further words behind the known ones are ignored. Pure. */
#ifndef SERVERLESS_ROWS_H
#define SERVERLESS_ROWS_H

#include "base/base.h"
#include "base/buf.h"

/* A shard with so many followers takes no more of them, about. */
#define ROWS_SHARD_MAX 1000
/* API Gateway ends a connection after 2 h; its rows may vanish 10 min later. */
#define ROWS_GATEWAY_MS (120ull * 60 * 1000)
#define ROWS_LIFE_MS (ROWS_GATEWAY_MS + 10ull * 60 * 1000)
/* The address that POSTs go to, "https://<host>/<stage>", is at most so long. */
#define ROWS_BASE_MAX 512
/* Room for the value of a follower or of a shard. */
#define ROWS_VALUE_MAX (ROWS_BASE_MAX + 128)

/* What a client can do, and may. */
enum rows_flag {
    ROWS_ARRAYS = 1, /* takes several events in one frame, as an array */
    ROWS_SUPER = 2,  /* the server's owner: reads every room */
    ROWS_SCOPES = 2, /* the first bit of the scopes of its API key (chat/model/scope.h) */
};

/* A connection. base and rooms are borrowed. */
struct rows_conn {
    uint64_t user, session, connected_ms;
    unsigned flags; /* of enum rows_flag */
    struct str base;
    struct str rooms; /* lines, for rows_conn_next */
};

/* A follower. base is borrowed. */
struct rows_follower {
    uint64_t user;
    uint64_t since; /* the log's head when access was checked */
    uint64_t connected_ms;
    unsigned flags;
    struct str base;
};

/* A shard. */
struct rows_shard {
    uint64_t run_to;    /* whoever has the lease sends up to here */
    uint64_t fanned;    /* all up to here was sent to the followers that there were */
    uint64_t access;    /* the newest entry up to fanned that may have ended somebody's access */
    uint64_t followers; /* how many the last delivery found */
    uint64_t shards;    /* of shard 0: how many the room has */
    uint64_t lease;     /* who has it, a random number; 0: nobody */
    uint64_t until_ms;  /* when it ends */
};

/* Appends a connection's value, with c->rooms as they are. */
void rows_conn_encode(const struct rows_conn *c, struct buf *out);
bool rows_conn_decode(struct str body, struct rows_conn *ret_c) MUST_CHECK;

/* Takes the next room from *rest, which begins as c->rooms. False at the end, and if the rest
 * is broken. */
bool rows_conn_next(struct str *rest, struct str *ret_room, uint32_t *ret_shard);

/* The shard in which the connection follows the room. False if it does not follow it. */
bool rows_conn_find(const struct rows_conn *c, struct str room, uint32_t *ret_shard) MUST_CHECK;

/* Written to to; what is returned is borrowed from there. */
struct str rows_follower_encode(const struct rows_follower *f, char to[static ROWS_VALUE_MAX]);
struct str rows_shard_encode(const struct rows_shard *s, char to[static ROWS_VALUE_MAX]);

/* False if it is none of a version that is known. */
bool rows_follower_decode(struct str body, struct rows_follower *ret_f) MUST_CHECK;
bool rows_shard_decode(struct str body, struct rows_shard *ret_s) MUST_CHECK;

/* May base stand in a row: 1 to ROWS_BASE_MAX printable characters without a space? */
bool rows_is_base(struct str base) MUST_CHECK;

#endif
