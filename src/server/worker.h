/* worker.h: one loop and everything that lives on it: connections, the rooms
 * that it owns, the feeds of the rooms that its connections follow.
 *
 * A turn: completions and mail -> commands are checked and routed -> what was
 * proposed goes to the stores -> mail to other workers leaves, chained, in one post
 * each -> every connection with something to send gets one gathered send -> what
 * mail that made leaves too.
 *
 *   conn --command--> room_run (same worker)  or  mail -> owner's room_run
 *   owner --news, casts, answers--> mail -> feeds, connections
 *
 * Only mail, immutable frames and the server's configuration are shared. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "base/pool.h"
#include "chat/feed.h"
#include "chat/people.h"
#include "chat/room.h"
#include "io/tls_context.h"
#include "server/drain.h"
#include "server/far.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/move.h"
#include "wire/deflate.h"
#include "wire/ws.h"

#define WORKERS_MAX 64

struct conn;
struct flight;
struct server;

struct worker {
    struct owner owner;
    struct people people;
    struct feed_set feeds;
    struct server *server;
    struct io *io;
    struct io *tls; /* above io; NULL: no TLS */
    struct tls_context *tls_context;
    struct log *log;
    struct metrics *metrics;
    unsigned index;
    struct wheel wheel;
    struct list conns; /* all, with conns_n */
    unsigned conns_n;
    struct list dirty; /* connections with something to send */
    struct list dead;  /* to be freed at the end of the turn */
    struct map persons;
    struct map sessions; /* of Engine.IO, as long as HTTP may name them */
    struct far far;      /* those of other workers that are asked for */
    struct limits limits;
    struct list owns; /* server/own.h */
    struct pool conn_pool, follower_pool;
    struct flight *flights; /* unused ones */
    unsigned flights_n;
    struct io_mail *out_first[WORKERS_MAX], *out_last[WORKERS_MAX];
    struct deflate_codec *codec;
    struct ws_rules rules, sio_rules;
    struct buf scratch;         /* for decoding, within one call */
    struct wheel_timer second;  /* log, presence, statistics: once a second */
    _Atomic uint64_t turned_ms; /* when a turn last ended: is the loop alive? */
    struct move move;
    struct drain drain;
    bool draining, ended;
};

/* 0 or -errno; the server's fields are set before. */
int worker_init(struct worker *w, struct server *server, unsigned index) MUST_CHECK;

/* TLS by the configured certificate. 0, or -errno and a sentence in ret_why. */
int worker_tls(struct worker *w, const struct tls_tickets *tickets,
               char ret_why[static TLS_CONTEXT_ERROR_MAX]) MUST_CHECK;
void worker_fini(struct worker *w);

/* One turn: what host_start runs. False when the worker has ended. */
bool worker_turn(void *arg);

/* Chains mail for another worker; it leaves at the end of the turn. To itself
 * too: then it arrives in the next turn. */
void worker_mail(struct worker *w, unsigned to, struct io_mail *mail);

/* Which worker owns the room. */
unsigned worker_of_room(const struct worker *w, struct str room);

/* Runs the call at the room's owner; call->returned runs here when it ended. */
void worker_route(struct worker *w, struct call *call, struct str room);

/* The last follower of the room here is gone: its owner is told. */
void worker_unfollowed(struct worker *w, struct str room);

/* Who is in the room, of those here, changed: its owner is told, soon when
 * somebody came, after the presence's delay when somebody went. */
void worker_presence(struct worker *w, struct feed *feed, bool came);

static inline uint64_t worker_now_ms(struct worker *w)
{
    return io_now_ms(w->io);
}

#endif
