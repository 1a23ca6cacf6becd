/* worker.h: one loop and everything that lives on it: connections, the rooms
 * that it owns, the feeds of the rooms that its connections follow.
 *
 * A turn: completions and mail -> commands are checked and routed -> what was
 * proposed goes to the stores -> mail to other workers leaves, chained, in one post
 * each -> every connection with something to send gets one gathered send -> what
 * mail that made leaves too.
 *
 *   conn --command--> owner_run (same worker)  or  mail -> owner's owner_run
 *   owner --news, casts, answers--> mail -> feeds, connections
 *
 * Only mail, immutable frames and the server's configuration are shared. */
#ifndef SERVER_NODE_WORKER_H
#define SERVER_NODE_WORKER_H

#include "base/pool.h"
#include "chat/feed/feed.h"
#include "chat/people/people.h"
#include "chat/room/room.h"
#include "io/tls_context.h"
#include "server/node/flight.h"
#include "server/node/lifecycle.h"
#include "server/node/log.h"
#include "server/node/metrics.h"
#include "wire/deflate.h"
#include "wire/ws.h"

#define WORKERS_MAX 64
/* So long after ERROR_sessions_unproven (worker_is_unproven) a client is told to wait. */
#define WORKER_UNPROVEN_AGAIN_MS 2000

struct conn;
struct conn_watch;
struct exchange_taker;
struct drain;
struct far;
struct gw;
struct move;
struct presence_person;
struct checker;
struct refusals;
struct server;
struct tracer;

struct worker {
    struct owner owner;
    struct people people;
    struct feed_set feeds;
    struct server *server;
    const struct exchange_taker *taker; /* answers what comes over HTTP; set before it serves */
    struct io *io;
    struct io *tls; /* above io; NULL: no TLS */
    struct tls_context *tls_context;
    struct log *log;
    struct metrics *metrics;
    struct tracer *tracer;   /* NULL: nothing is traced */
    struct checker *checker; /* NULL: nobody is asked about messages */
    unsigned index;
    struct wheel wheel;
    struct list conns; /* all, with conns_n */
    unsigned conns_n;
    struct list requests; /* in hand */
    struct list dirty;    /* connections with something to send */
    struct list dead;     /* to be freed at the end of the turn */
    const struct conn_watch *watch;
    struct map persons;
    struct map sessions;  /* of Engine.IO, as long as HTTP may name them */
    struct map addresses; /* server/conn/limits.h */
    struct far *far;      /* sessions of other workers that are asked for */
    struct gw *gw;        /* connections behind API Gateway (server/gw); NULL: there can be none */
    struct worker_storm {
        uint64_t since_ms;
        unsigned n, before_n; /* followers that came since then, and in the second before */
    } storm;
    struct list owns; /* server/conn/own.h */
    struct pool conn_pool, follower_pool, person_pool;
    struct flights flights;
    uint64_t kept;       /* bytes in the buffers of the connections */
    unsigned relieved_n; /* dropped since the log said so, because that was too much */
    struct buf *fed;     /* what conn_feed tells a door of just now; NULL: nothing */
    struct io_mail *out_first[WORKERS_MAX], *out_last[WORKERS_MAX];
    struct deflate_codec *codec;
    struct ws_rules rules, sio_rules;
    struct ws_rules first_rules; /* before login */
    struct buf scratch;          /* for decoding, within one call */
    struct wheel_timer second;   /* log, presence, statistics: once a second */
    _Atomic uint64_t turned_ms;  /* when a turn last ended: is the loop alive? */
    struct refusals *refusals;
    struct move *move;
    struct drain *drain;
    uint64_t unproven_ms; /* when worker_is_unproven begins; UINT64_MAX: never */
    struct lifecycle life;
};

/* The worker of that index, of the same node. */
struct worker *worker_at(const struct worker *w, unsigned i);

/* Chains mail for another worker; it leaves at the end of the turn. To itself
 * too: then it arrives in the next turn. */
void worker_mail(struct worker *w, unsigned to, struct io_mail *mail);

/* Calls run on another worker's loop, or later on its own, behind the mail before it. arg is n
 * bytes; run gets a copy of them. */
typedef void worker_run_f(struct worker *to, const void *arg);
void worker_run(struct worker *w, unsigned to, worker_run_f *run, const void *arg, size_t n);

/* Posts what is chained. */
void worker_post(struct worker *w);

/* Which worker owns the room. */
unsigned worker_of_room(const struct worker *w, struct str room);

/* Connections of those who chat, by whichever door. Any thread. */
uint64_t worker_sockets(const struct server *s);

/* Runs the call at the room's owner; call->returned runs here when it ended. */
void worker_route(struct worker *w, struct call *call, struct str room);

/* Tells the room's owner that nobody here follows it any more. */
void worker_unfollowed(struct worker *w, struct str room);

/* Tells the room's owner who is in it, of those here: n people, listed unless people is NULL,
 * which is taken over: one block with their names. */
void worker_present(struct worker *w, struct str room, struct presence_person *people, unsigned n);

static inline uint64_t worker_now_ms(struct worker *w)
{
    return io_now_ms(w->io);
}

/* Returns true if it has not been known for too long which sessions have ended. Then nothing is
 * taken of who has one, and nothing shown to them (server/conn/revoked.h). */
static inline bool worker_is_unproven(const struct worker *w)
{
    return io_now_ms(w->io) >= w->unproven_ms;
}

/* Unix time, of the store's clock: of all that other nodes, clients and tokens are to agree on. */
static inline uint64_t worker_wall_ms(struct worker *w)
{
    return store_wall_ms(w->owner.store, w->io);
}

#endif
