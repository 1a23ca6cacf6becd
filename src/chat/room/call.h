/* call.h: one command on its way: from the door that parsed it to the worker
 * that owns the room, through the store, and back with an answer.
 *
 * A call is on one loop at a time and belongs to whoever works on it. call_ok or
 * call_fail ends a call, exactly once; `done` takes it back then, on the loop where
 * it ended. A call that was routed to a room's owner (owner_ops.route) comes
 * back: `returned`, set by whoever made it, runs where it set out. What cmd
 * borrows from lives as long as the call. */
#ifndef CHAT_ROOM_CALL_H
#define CHAT_ROOM_CALL_H

#include "base/entry.h"
#include "base/frame.h"
#include "base/json.h"
#include "base/map.h"
#include "base/trace.h"
#include "chat/model/command.h"
#include "chat/model/keys.h"
#include "store/store.h"

struct call;
struct owner;
struct people;
struct room;

/* The caller. */
struct caller {
    uint64_t user; /* 0: nobody yet */
    struct str name;
    uint64_t session;
    uint64_t expires_ms;
    uint8_t scopes; /* of the API key (chat/model/scope.h); 0: they came by none */
    bool super;     /* the server's owner */
};

/* A command's work at the room's owner; the room is loaded. */
typedef void call_handler_f(struct room *room, struct call *call);

/* What a proposal to append comes to when its turn has come (chat/room/append.h). */
enum call_proposal {
    CALL_APPEND,   /* call->entry is to be appended */
    CALL_ANSWERED, /* it ended; nothing to append */
    CALL_LATER,    /* the batch before it must land first */
    CALL_PARKED,   /* it went to look something up and comes back */
};
typedef enum call_proposal call_propose_f(struct room *room, struct call *call);

/* What the follower's side needs to know of a successful join. */
struct call_follow {
    bool on;
    bool unlisted; /* the room does not come onto the caller's list */
    bool reset;    /* the caller's cursor belongs to another log, or to what is gone */
    uint64_t epoch, first, head, count; /* first: what is before it is gone (chat/room/retain.h) */
    uint64_t cursor;                    /* entries after it follow */
};

/* What a login or an auth came to, for the program; the answer tells the client. */
struct call_ret {
    struct caller who; /* the session's; the name is lent by the call */
    struct frame *token;
    uint64_t lifetime_ms; /* auth: the connection is cut then at the latest; 0: no end is known */
};

/* Of a call in the order of its connection's (chat/room/order.h). */
struct order_place {
    struct map_node node;
    struct call *behind, **behind_end; /* while it prepares: those that wait for it */
    enum { ORDER_OUT, ORDER_PREPARING, ORDER_PARKED } state;
    bool whole; /* preparing lasts until the call ends */
};

/* What keeps a call in hand: the owner of its room (chat/room/owner.h). */
struct call_keeper {
    /* The call would fail with code. True: it is run again instead. NULL: it never is. */
    bool (*doubts)(struct call *call, enum error_code code);
    /* Lets go of the call and ends it: call->done. */
    void (*end)(struct call *call);
};

/* Requests to the store that a command makes, one at a time. */
union call_request {
    struct store_req req;
    struct store_log log;
    struct store_read read;
    struct store_amends amends;
    struct store_get get;
    struct store_put put;
    struct store_list list;
    struct store_next next;
};

/* A request of a traced command, which is under way. */
struct call_asking {
    struct owner *owner;
    store_done_f *done;
    uint64_t began_us;
};

struct call {
    struct io_mail mail;                 /* for the trip between loops; the router's */
    struct call *next;                   /* in the queue that it waits in */
    void (*done)(struct call *call);     /* on the loop where it ended */
    void (*returned)(struct call *call); /* if it was routed: back where it came from */
    void *router;                        /* whoever routes it */
    struct str routed_to;                /* the room, in route */
    call_handler_f *handler;             /* NULL: by cmd.id */
    struct command cmd;
    struct caller who;
    bool bot;           /* send: the caller is a bot (chat/people/people_bot.h) */
    uint64_t place;     /* where a login comes from (chat/people/guesses.h); 0: not known */
    const void *source; /* the connection, to tell it from others; NULL: none */
    unsigned worker;    /* whose follower it is */
    struct trace trace; /* the command's span; not sampled: nothing is told of it */

    /* The answer. */
    enum error_code error;
    uint64_t retry_after_ms;
    struct str unknown;  /* the event of Socket.IO that is no command; lent */
    struct str detail;   /* what of the request it is about, in words: call_detail */
    const char *param;   /* which parameter is wrong; NULL: none in particular */
    struct json_out out; /* writes the members of ok */
    struct buf ok;
    struct call_follow follow;
    struct call_ret ret;

    /* In the owner's hands. */
    const struct call_keeper *keeper; /* NULL while no room has it */
    call_propose_f *propose;
    void (*appended)(struct room *room, struct call *call);
    struct entry entry;
    uint64_t seq;      /* once appended */
    uint64_t searched; /* the log was looked through for the cid up to here */
    uint64_t cid_hash, content_hash;
    struct order_place order;
    bool hooked;                      /* the hook has said that it may go on, if there is one */
    bool looked;                      /* the room was brought up to date for it */
    bool alone;                       /* ends its batch: what follows must be checked against it */
    bool changes;                     /* an edit, deletion or reaction: amends go with its entry */
    bool keeps;                       /* no other change starts before it has run again */
    const struct store_amend *amends; /* they borrow from state */
    unsigned amends_n;
    struct room *room;
    union call_request q;
    struct call_asking asking;
    struct people *people;             /* of the worker where it came in */
    uint8_t *said;                     /* what a hook made of cmd.text; freed with it */
    uint8_t *text;                     /* the entry's, if it is not the client's; freed with it */
    void *state;                       /* the command's own; what is left is freed with the call */
    void (*forget)(struct call *call); /* frees state and what it holds; NULL: call_fini does */
    char key[STORE_KEY_MAX];           /* for keys of records */
    char key2[KEYS_MAX];
    char route[80];
    char list[48]; /* a record's value: seq and count */
};

/* Prepares the answer; everything that it does not set must be zero. */
void call_init(struct call *call, size_t ok_max);

/* Frees what the call holds, not the call. */
void call_fini(struct call *call);

/* Ends the call. ok: the members written to call->out are the answer. */
void call_ok(struct call *call);
void call_fail(struct call *call, enum error_code code);
void call_fail_store(struct call *call, enum store_result result);
void call_fail_until(struct call *call, enum error_code code, uint64_t retry_after_ms);

/* Says what of the request the error is about, which is copied: the error's text goes on with it.
 */
void call_detail(struct call *call, struct str detail);

/* Frees what call->forget is for. */
void call_forget(struct call *call);

/* As if its handler had not run yet. */
void call_again(struct call *call);

/* Prepares call->q for a request whose answer comes to done on the owner's loop. Of a command that
 * is traced the request becomes a span, from here until it is answered. */
struct store_req *call_request(struct call *call, struct owner *o, store_done_f *done);

/* Returns what a span says of a result of the store: static; NULL for STORE_OK. */
const char *call_store_error(enum store_result result);

/* The call whose q holds the request. */
static inline struct call *call_of(struct store_req *req)
{
    return CONTAINER_OF(req, struct call, q.req);
}

/* Appends the answer as a frame of the native protocol: {"id":..,"ok":{..}} or
 * {"id":..,"error":{..}}. */
void call_answer(const struct call *call, struct buf *out);

/* Appends the traceparent of a command that is traced: a member of its answer's frame. */
void call_put_trace(const struct call *call, struct json_out *o);

/* Appends the members of the answer to auth. */
void call_put_session(struct json_out *o, const struct call_ret *ret);

/* The value of "error" alone. */
void call_error_body(const struct call *call, struct json_out *o);

/* Appends the member of resume's answer that tells of the room of one join: nothing if it stands
 * where the client said. */
void call_put_resumed(struct json_out *o, const struct call *join);

#endif
