/* sim_client.h: a simulated client that behaves as the real one does: it keeps
 * a cursor for each room, comes back with all of them, repeats what was not
 * acknowledged under the same cid and seen, and fetches what `behind` left out.
 * Everything that it is told goes to the checker.
 *
 *   DOWN --login over HTTP--> token --WebSocket--> auth --> resume, joins --> LIVE
 *    ^                                                                         |
 *    +------------- cut, closed, moved: again after a while --------------------+ */
#ifndef LIB_SIM_CLIENT_H
#define LIB_SIM_CLIENT_H

#include "lib/sim_check.h"
#include "lib/sim_frame.h"
#include "lib/sim_link.h"
#include "lib/sim_sessions.h"

enum {
    SIM_CLIENT_ROOMS = 12, /* the first is the person's own log */
    SIM_CLIENT_OPS = 64,
    SIM_CLIENT_RANGES = 8,
    SIM_CLIENT_SENT = 16,
    SIM_CLIENT_ID = 80,
    SIM_CLIENT_CID = 40,
};

/* What all clients of a story share. */
struct sim_crowd {
    struct io *io;
    struct rng rng;
    struct sim_check *check;
    struct io_addr addrs[4]; /* of the nodes */
    unsigned addrs_n;
    bool calm;  /* nobody is cut any more: what is asked must be answered */
    bool ends;  /* the nodes stop: no further room is wanted */
    bool trace; /* says everything on standard output */
    uint64_t acked_n, shown_n, duplicates_n, behinds_n, refused_n, opened_n, pages_n;
    uint64_t lost_n[4]; /* how often each node said that an entry is lost */
    struct sim_sessions sessions;
    struct sim_frame frame; /* the one being read */
};

enum sim_op_kind {
    SIM_OP_NONE,
    SIM_OP_AUTH,
    SIM_OP_RESUME,
    SIM_OP_JOIN,
    SIM_OP_LEAVE,
    SIM_OP_CREATE,
    SIM_OP_SEND,
    SIM_OP_AGAIN, /* a send that was acknowledged, repeated */
    SIM_OP_FALSE, /* another text under the cid of one */
    SIM_OP_EDIT,
    SIM_OP_DELETE,
    SIM_OP_REACT,
    SIM_OP_MEMBER,
    SIM_OP_KICK,
    SIM_OP_LOG,      /* history that behind left out */
    SIM_OP_MESSAGES, /* history as it is shown to people */
    SIM_OP_DM,
    SIM_OP_TYPING,
    SIM_OP_READ,
    SIM_OP_PING,
    SIM_OP_LOGOUT,
    SIM_OP_PRESENCE, /* rooms[].present is what it says */
};

/* A request, until it is answered for good. */
struct sim_op {
    enum sim_op_kind kind; /* SIM_OP_NONE: unused */
    uint64_t id;           /* of the attempt under way; 0: none is */
    uint64_t due_ms, sent_ms;
    unsigned room;
    bool unknown; /* an attempt was not answered: it may have landed */
    bool on;
    char cid[SIM_CLIENT_CID];
    uint64_t seen, seq;     /* seq: what an earlier attempt was answered */
    uint64_t target, until; /* target: a seq, or a person */
    uint64_t text_seed;
    unsigned text_n;
    const char *word; /* a role, an emoji, or a room's kind */
};

struct sim_range {
    uint64_t from, to; /* entries from + 1 .. to are missing */
};

/* A send that was acknowledged. */
struct sim_sent {
    unsigned room, text_n;
    char cid[SIM_CLIENT_CID];
    uint64_t seen, seq, text_seed, target;
};

enum sim_room_state { SIM_ROOM_UNWANTED, SIM_ROOM_WANTED, SIM_ROOM_ASKED, SIM_ROOM_FOLLOWED };

struct sim_room {
    char id[SIM_CLIENT_ID]; /* empty: unused */
    enum sim_room_state state;
    struct sim_follow follow;
    uint64_t epoch, seen; /* seen: the largest head it was told of */
    uint64_t asked_after; /* of the join or resume under way */
    uint64_t asked_last;
    bool known;      /* has a cursor */
    bool resumes;    /* asked by resume */
    uint64_t due_ms; /* may ask to join again */
    struct sim_range missing[SIM_CLIENT_RANGES];
    unsigned missing_n;
    uint64_t present; /* as it was told last */
    uint64_t reads_n; /* times that it was told how far somebody has read */
};

struct sim_client {
    struct sim_link link;
    struct sim_crowd *crowd;
    char name[16], token[1000];
    uint64_t user;
    unsigned node; /* which it connects to; drawn each time unless it is pinned */
    bool pinned;
    bool authed;
    bool told;         /* to move to another node */
    bool moves;        /* it is seen to that it does: it is not cut then */
    bool slept;        /* did not read for a while, on this connection */
    bool stays_down;   /* until the story says otherwise */
    uint64_t due_ms;   /* when to connect */
    uint64_t pause_ms; /* until when it does not read */
    uint64_t live_ms;  /* since when it reads */
    uint64_t cut_ms;   /* when to cut the connection; 0: not */
    uint64_t ids, cids;
    struct sim_room rooms[SIM_CLIENT_ROOMS];
    struct sim_op ops[SIM_CLIENT_OPS];
    unsigned ops_n;
    struct sim_sent sent[SIM_CLIENT_SENT]; /* the newest; a ring */
    unsigned sent_n;
};

void sim_client_init(struct sim_client *c, struct sim_crowd *crowd, const char *name);

/* Does what is due; returns when it wants to be called next. */
uint64_t sim_client_turn(struct sim_client *c);

/* The room of that id, added if need be; SIM_CLIENT_ROOMS if there is no place. */
unsigned sim_client_room(struct sim_client *c, const char *id);

/* Wants to follow the room, from now on. */
void sim_client_want(struct sim_client *c, unsigned room);

/* A request of its own; NULL if too many wait. The caller fills in what the kind
 * needs; a send is given a cid. */
struct sim_op *sim_client_ask(struct sim_client *c, enum sim_op_kind kind, unsigned room);

/* Sends what is under way once more, without waiting, as impatient clients do. */
void sim_client_hurry(struct sim_client *c);

/* Sends n frames that the server does not understand, and reads no answers for
 * so long: what an attacker would do. */
void sim_client_flood(struct sim_client *c, unsigned n, uint64_t ms);

void sim_client_cut(struct sim_client *c, uint64_t down_ms);
void sim_client_pause(struct sim_client *c, uint64_t ms);

/* Live, nothing unanswered, nothing missing, each room followed up to what
 * anybody was told of. If not, why, and perhaps of which room. */
bool sim_client_is_quiet(const struct sim_client *c, const char **ret_why, const char **ret_room);

/* The request as a frame (sim_request.c); the text of a send. */
void sim_request_write(struct buf *b, const struct sim_client *c, const struct sim_op *op);
void sim_request_text(struct buf *b, uint64_t seed, unsigned n);

#endif
