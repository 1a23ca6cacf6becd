/* gw_conn.h: what is kept of a connection behind API Gateway, at its home. server/gw/door_gw.h has
 * the picture. */
#ifndef SERVER_GW_GW_CONN_H
#define SERVER_GW_GW_CONN_H

#include "base/map.h"
#include "chat/model/keys.h"
#include "server/conn/conn.h"
#include "server/gw/gw_list.h"
#include "server/sio/far.h"
#include "serverless/poster.h"
#include "store/store.h"

/* API Gateway ends a connection after two hours, and after ten minutes of silence. */
#define GW_LIFE_MS (2ull * 3600 * 1000)
#define GW_IDLE_MS (10ull * 60 * 1000)
/* What is stored of it may vanish so long after it was written: the connection has ended. */
#define GW_ROW_LIFE_MS (GW_LIFE_MS + 10ull * 60 * 1000)
/* In a frame for a client that takes arrays: API Gateway counts messages by 32 KB. */
#define GW_FRAME_MAX ((size_t)32 * 1024)

/* Of a worker. */
struct gw {
    struct map conns; /* by id */
    struct map seeks; /* server/gw/gw_seek.h */
    struct map ways;  /* which node is home of others' */
    struct poster *poster;
    bool listed;       /* homes has this node */
    unsigned giving_n; /* connections that are being given away just now */
    /* The connection of that id was given away, or stays: its events go on. */
    void (*given)(struct worker *w, struct str id);
};

/* What becomes of the row of a connection that is closed. */
enum gw_keep_ending { GW_KEEP_NOT, GW_KEEP_REMOVE, GW_KEEP_GIVE };

/* A connection's row: server/gw/gw_keep.h. */
struct gw_keep {
    struct gw_listing listing;
    struct store_put put;
    struct buf body;
    char pk[KEYS_MAX];
    uint64_t rev;    /* of the row as it was left; 0: there is none yet */
    uint64_t due_ms; /* it is to be written then; monotonic; UINT64_MAX: it is as it should be */
    uint64_t kept_ms;
    bool asking;
    enum gw_keep_ending ending;
    void (*begun)(struct conn *c, bool ok);
};

struct gw_conn {
    struct map_node node; /* of the worker's, while its connection is not closed */
    struct conn *conn;
    struct poster_req post;
    struct buf frame;   /* what is posted: events, each with a line's end */
    struct buf body;    /* as it is posted */
    unsigned events_n;  /* in frame */
    unsigned part_n;    /* of them, in body; after 413 less than all */
    unsigned tries;     /* that failed in a row */
    uint64_t again_ms;  /* no POST before then; monotonic */
    uint64_t posted_ms; /* when one last succeeded; monotonic */
    uint64_t since_ms;  /* when the client's connection began; monotonic */
    uint64_t began_ms;  /* when it came here; monotonic */
    struct io_addr peer;
    bool posting, deleting;
    bool array;             /* the client takes several events in a frame */
    bool vouched;           /* its $connect says "<principal>\n<title>" and no token */
    bool parting;           /* is to be deleted once all is sent */
    struct call *waits;     /* commands that wait until the connection takes more; */
    struct call *waits_end; /* the last of them */
    unsigned waits_n;
    uint64_t waits_ms;  /* since when the first of them waits; monotonic */
    uint64_t next_n;    /* of frames that are counted, the next; 0: not known yet */
    uint64_t most_n;    /* of those that came while it was not known */
    struct call *early; /* frames that came ahead of others, by their numbers */
    unsigned early_n;
    uint64_t early_ms; /* since when the first of them waits; monotonic */
    struct gw_keep keep;
    struct far_ask give;     /* asks another node to be its home */
    bool giving;             /* nothing is taken or sent meanwhile */
    uint64_t give_ms;        /* not before then; monotonic */
    struct request *opening; /* its $connect, until the row is kept */
    char *restore;           /* cursors that it is to follow again; NULL: it does */
    char *base, *source;
    uint8_t id_n;
    char id[KEYS_CONN_MAX];
};

static inline struct gw_conn *gw_conn_of(const struct conn *c)
{
    return c->own;
}

/* Frees it once its connection is closed and nothing of it is under way. */
void gw_conn_free(struct gw_conn *g);

/* Has the client been shown everything up to the cursors? */
bool gw_conn_is_exact(const struct conn *c) MUST_CHECK;

#endif
