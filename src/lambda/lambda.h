/* lambda.h: the chat as a function behind an API Gateway WebSocket API: what comes is an event,
 * what is kept is in the store, and nothing else is: an instance may be frozen, killed, or one of
 * hundreds. One event at a time.
 *
 *   event ─▶ BOOT ─▶ KNOW ─▶ RUN ─▶ FOLLOW ─▶ ROUND ─▶ CAST ─▶ REST ─▶ SAY ─▶ CLOSE ─▶ TRACE
 *                                                                             answer ◀─────┘
 *
 *   BOOT    what the store says of itself: once; who was logged out since
 *   KNOW    whose connection it is: by a token, by its row, or remembered
 *   RUN     the command (chat/command), on a room that is looked at in the store first; what it
 *           costs of the person's limit is taken before, in the store
 *   FOLLOW  join, resume, leave: the connection's rows (serverless/join.h, leave.h)
 *   ROUND   rooms that were appended to are delivered (serverless/deliver.h)
 *   CAST    typing and read positions, to few and seldom
 *   REST    what the room still writes is waited for: behind the answer the process stands still
 *   SAY     the answer, and events of rooms that were joined (lambda/reply.h)
 *   CLOSE   connections of a session that has ended
 *   TRACE   spans of a command that is traced, for LAMBDA_TRACE_MS at most
 *
 * Besides messages and what API Gateway says of connections, an event is the function's own: to
 * deliver one shard; or records of the table's stream: to deliver rooms.
 *
 * Each event passes all stages; one that it does not need does nothing. On one loop, whose turns
 * are lambda_turn's. */
#ifndef LAMBDA_LAMBDA_H
#define LAMBDA_LAMBDA_H

#include "base/wheel.h"
#include "conf/conf.h"
#include "io/http_client.h"
#include "lambda/invoker.h"
#include "serverless/deliver.h"
#include "serverless/join.h"
#include "store/store.h"

struct lambda;
struct tracer;

enum { LAMBDA_WHY_MAX = 256, LAMBDA_TRACE_MS = 500 };

/* What became of events, since the start. */
struct lambda_stats {
    uint64_t events, failed; /* those that ended; as an error */
    uint64_t commands, errors, errors_internal;
    uint64_t entries, conflicts;
    uint64_t alarms;
};

struct lambda_options {
    const struct conf *conf; /* outlives it, as do all others */
    struct io *io;
    struct wheel *wheel;
    struct store *store;
    struct poster *poster;
    struct http_client *http; /* for an issuer's keys; NULL: they cannot be had */
    struct invoker *invoker;  /* NULL: all shards are delivered here, one after another */
    struct hasher *hasher;    /* of passwords; NULL: nobody logs in by one, or by a passkey */
    struct tracer *tracer;    /* NULL: nothing is traced */
    unsigned shard_max;       /* followers of a shard, about; 0: ROWS_SHARD_MAX */
    enum deliver_mistake deliver_mistake; /* that a test plants */
    enum join_mistake join_mistake;
    /* The event is over: an answer for API Gateway, or why there is none: a type,
     * "Event.not_json", and a sentence. Within lambda_turn; that it was no event at all, within
     * lambda_invoke. */
    void (*answered)(void *ctx, struct str answer);
    void (*failed)(void *ctx, const char *type, const char *why);
    /* Something that an operator should know of. */
    void (*told)(void *ctx, const char *event, const char *why);
    void *ctx;
};

struct lambda *lambda_new(const struct lambda_options *o) MUST_CHECK;

/* True if no event is under way, and nothing that one has left behind. */
bool lambda_is_idle(struct lambda *l) MUST_CHECK;

/* It is idle. NULL is fine. */
void lambda_free(struct lambda *l);

/* An event: n bytes at p, which are changed and stay until it is over. It may take until
 * until_ms of the loop's clock. amzn: the invocation's X-Amzn-Trace-Id, or empty. */
void lambda_invoke(struct lambda *l, uint8_t *p, size_t n, uint64_t until_ms, struct str amzn);

/* Once a turn, behind io_wait and wheel_advance. */
void lambda_turn(struct lambda *l);

struct lambda_stats lambda_stats(const struct lambda *l);

/* True if lambda_turn has something to do at once: io_wait must not wait. */
bool lambda_hurries(const struct lambda *l) MUST_CHECK;

#endif
