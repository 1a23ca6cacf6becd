/* lambda_impl.h: what the files of lambda.h share: an instance, the event that it is at, and the
 * stages. A stage ends with lambda_next, once, within its call or later. */
#ifndef LAMBDA_LAMBDA_IMPL_H
#define LAMBDA_LAMBDA_IMPL_H

#include "chat/people/people.h"
#include "issuer/issuer_keys.h"
#include "issuer/issuer_rules.h"
#include "lambda/bells.h"
#include "lambda/guests.h"
#include "lambda/lambda.h"
#include "lambda/reply.h"
#include "serverless/gateway_event.h"
#include "serverless/leave.h"
#include "serverless/stream_event.h"
#include "wire/jws.h"

#define LAMBDA_SECRET_MAX 256
#define LAMBDA_NAME_MAX 256
#define LAMBDA_RUN_N 16

/* Close codes, as those of server/conn/conn.h: docs/protocol.md has them. */
enum { LAMBDA_CLOSE_REVOKED = 4401, LAMBDA_CLOSE_EXPIRED = 4440 };

enum { LAMBDA_CASTS_MAX = 4, LAMBDA_CAST_TO_MAX = 20, LAMBDA_CLOSES_MAX = 32 };

/* A cast that is to go out. */
struct lambda_cast {
    char room[KEYS_ROOM_MAX];
    uint8_t room_n;
    uint64_t not_user;
    struct frame *json;
};

/* One POST of a cast, or the end of a connection. */
struct lambda_post {
    struct lambda *lambda;
    struct poster_req req;
    bool closes; /* once that was sent, the connection is closed */
    char id[KEYS_CONN_MAX], base[ROWS_BASE_MAX];
};

/* Requests to the store that a stage makes, one at a time. */
union lambda_request {
    struct store_req req;
    struct store_get get;
    struct store_put put;
    struct store_list list;
};

typedef void lambda_done_f(struct lambda *l);

/* What is being taken of somebody's limit, in thousandths of a message. */
struct lambda_taking {
    struct str who; /* in text */
    char text[40];
    uint64_t rate, burst; /* messages a second, and at once */
    uint64_t need, block, n;
    uint64_t hash, full_ns;
    unsigned tries;
    lambda_done_f *done;
};

/* What this instance knows of somebody's limit. */
struct lambda_held {
    uint64_t hash; /* of who it is; 0: nothing is known */
    uint64_t rev, full_ns;
    uint64_t left, until_ms; /* what was taken and not spent, and is good until then */
};

/* The event that is under way. */
struct lambda_visit {
    bool busy;
    unsigned stage;
    uint64_t until_ms;
    struct gateway_event event;
    struct str base;             /* of @connections, in texts */
    struct buf texts;            /* what the event says, put together */
    struct buf frame;            /* the message, as it is parsed in place */
    struct trace came;           /* what the invocation belongs to, if it is told of; else zero */
    uint64_t began_us, round_us; /* the command, if it is traced; its delivery */
    struct call call;            /* MESSAGE: its command; CONNECT: who comes */
    unsigned code;               /* with which another door would close it, */
    struct str closing;          /* and why; n 0: it is not closed */
    bool ends;                   /* the connection is closed once it was answered */
    struct str protocol;         /* CONNECT: what the client is answered */
    char name[LAMBDA_NAME_MAX];
    struct caller who; /* whose row is read, or is to be written */
    unsigned flags;    /* of the connection */
    uint64_t ended;    /* the session that has ended; 0: none */
    unsigned tries;
    struct str token; /* whose it is is being found out */
    lambda_done_f *identified, *entered, *posted;
    struct frame *row; /* the connection's */
    union lambda_request q;
    char pk[KEYS_MAX], sk[KEYS_MAX];
    struct buf body;

    struct lambda_taking limit;

    /* FOLLOW. */
    struct call child; /* of resume: a join of one room */
    unsigned child_n;
    size_t mark; /* of the reply, before the room's events */
    unsigned doubts;
    struct join join;
    struct leave leave;
    /* ROUND. */
    struct deliver deliver;
    struct bell *bell; /* whose deliveries are under way */
    unsigned rounds;
    uint32_t shard, shards_n;
    struct wheel_timer again;
    struct buf payload;
    bool streams; /* the event is of the table's stream, */
    struct stream_event stream;
    /* CAST, CLOSE. */
    unsigned casts_n, cast;
    struct lambda_cast casts[LAMBDA_CASTS_MAX];
    unsigned posts_n, posts_busy;
    struct lambda_post posts[LAMBDA_CLOSES_MAX];
};

/* The outside issuer; zero: there is none. */
struct lambda_issuer {
    struct identity_options options;
    struct issuer_rules rules;
    struct jwks *keys;                     /* the newest that could be had */
    uint64_t fetched_ms, old_ms, tried_ms; /* Unix times: the last success, when those keys are
                                              not new any more, the last attempt */
    bool wanted;                           /* a token needs newer ones */
    struct issuer_keys fetch;
    lambda_done_f *fetched;
};

struct lambda {
    struct lambda_options o;
    struct owner owner;
    struct people people;
    struct people_keys keys;
    struct lambda_issuer issuer;
    struct bells bells;
    struct guests guests;
    struct reply reply;
    struct lambda_held held[1024];
    bool booted;
    uint64_t revoked_ms, revoked_minute; /* when ended sessions were listed last */
    char secret[LAMBDA_SECRET_MAX];
    size_t secret_n;
    char run[LAMBDA_RUN_N];
    void (*later)(struct lambda *l); /* at the end of this turn */
    struct lambda_said {             /* who was cast last, and when: seldom enough? */
        uint64_t what, at_ms;
        bool ended; /* it was told since then that they have stopped typing */
    } said[64];
    struct lambda_stats stats;
    struct lambda_visit visit;
};

typedef void lambda_stage_f(struct lambda *l);

/* The stages, in order. */
lambda_stage_f lambda_boot, lambda_enter_know, lambda_run, lambda_follow, lambda_round, lambda_cast,
    lambda_rest, lambda_say, lambda_close, lambda_trace;

/* The stage is over: the next begins at the end of this turn. */
void lambda_next(struct lambda *l);

/* f runs at the end of this turn, outside of whatever calls now. */
void lambda_later(struct lambda *l, void (*f)(struct lambda *l));

/* The command fails, if it has not yet. */
void lambda_fail(struct lambda *l, enum error_code code);

/* Tells that @connections has said 403. */
void lambda_tell_forbidden(const struct lambda *l);

/* Tracing, if the function does: what the invocation belongs to; the command, which was parsed; its
 * delivery, from its begin until it is over. */
void lambda_trace_came(struct lambda *l, struct str amzn);
void lambda_trace_begin(struct lambda *l);
void lambda_trace_round(struct lambda *l);
void lambda_trace_delivered(struct lambda *l);
void lambda_trace_span(struct owner *o, const struct trace *parent, struct trace_span *span);

/* Is that what the event is? */
static inline bool lambda_is(const struct lambda *l, enum gateway_event_kind kind)
{
    return l->visit.event.kind == kind;
}

/* A request of the stage's, whose answer comes to done. The caller sets its members in v->q, and
 * starts it. lambda_get starts one: what is under (pk, sk). */
void lambda_request(struct lambda *l, store_done_f *done);
void lambda_get(struct lambda *l, struct str pk, struct str sk, store_done_f *done);
static inline struct lambda *lambda_of(struct store_req *req)
{
    return CONTAINER_OF(req, struct lambda, visit.q.req);
}
static inline struct lambda *lambda_of_call(struct call *call)
{
    return CONTAINER_OF(call, struct lambda, visit.call);
}

/* The connection is who's: v->who is, with a copy of the name. */
void lambda_enter_keep(struct lambda *l, const struct caller *who);

/* Finds who has the token, as v->who; then done, with v->call.error. */
void lambda_enter_identify(struct lambda *l, struct str token, lambda_done_f *done);

/* What people_init is told of the issuer; NULL: there is none. */
const struct identity_options *lambda_issuer_init(struct lambda *l) MUST_CHECK;
void lambda_issuer_fini(struct lambda *l);

/* Before a token is looked at: keys that are too old, or not new any more, are put aside. */
void lambda_issuer_mind(struct lambda *l);

/* The token that was looked at cannot be judged without newer keys: fetches them, then done.
 * Returns false if it can, or they were asked for a moment ago. */
bool lambda_issuer_fetch(struct lambda *l, lambda_done_f *done) MUST_CHECK;

/* Returns true if the gateway's authorizer says who it is, and is to be believed:
 * ret_who->user 0: subject_find can tell, of *ret. */
bool lambda_issuer_vouched(struct lambda *l, struct caller *ret_who,
                           struct identity_stranger *ret) MUST_CHECK;

/* Takes what the command costs of the person's limit, or one of the address's; then done, with
 * v->call.error. */
void lambda_limit_person(struct lambda *l, lambda_done_f *done);
void lambda_limit_stranger(struct lambda *l, lambda_done_f *done);

/* The connection is v->who's from now on: its rows are written; then done, with v->call.error. */
void lambda_enter(struct lambda *l, lambda_done_f *done);

/* Adds a POST, whose body the caller sets, or closes, or req.ends; NULL: there are too many. Then
 * sends those that were added; then done. */
struct lambda_post *lambda_post_add(struct lambda *l, struct str id, struct str base);
void lambda_post_all(struct lambda *l, lambda_done_f *done);

/* Remembers a cast for the stage CAST. */
void lambda_cast_add(struct lambda *l, struct str room, struct str json, uint64_t not_user);

/* The command presence. */
call_handler_f lambda_presence;

/* The owner's ways to the outside. */
extern const struct owner_ops lambda_owner;

#endif
