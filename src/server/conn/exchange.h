/* exchange.h: a request in hand, and where its answer goes. A door makes exchanges of what
 * comes (server/http/door_http.h), and so does the cluster's far side (server/sio/far_there.h);
 * routes and Engine.IO take them. An exchange need not have a connection.
 *
 *   OPEN --exchange_answer--------------------------------> OVER --> freed
 *    |---exchange_give: its connection is another door's ----^
 *    '---nobody waits for the answer: the maker tells wait->gone
 *
 * The maker owns an exchange, and frees it once it is over and nobody holds it. Everything
 * happens on the worker's loop. A taker is called with an exchange that the maker holds. What
 * answers may free one that nobody holds, and frees nothing else: a connection that is to end
 * ends later (server/conn/conn.h).
 *
 * A taker that does not answer before it returns does one of two things, or both:
 *   - it waits (exchange_wait_begin): it is told when nobody waits for the answer any more,
 *     and does not look at the exchange after that, or after its own answer;
 *   - it holds the exchange, as a request does (server/conn/request.h): then that stays, with its
 *     request, until exchange_release. exchange_is_open tells whether anybody still waits.
 * An answer to an exchange that is over goes nowhere.
 *
 * The request and its strings stay until the taker has returned and nobody holds the exchange;
 * the body stays until the answer, or is the taker's if it has taken it. */
#ifndef SERVER_CONN_EXCHANGE_H
#define SERVER_CONN_EXCHANGE_H

#include "base/buf.h"
#include "chat/model/command.h"
#include "io/io.h"
#include "wire/http1.h"

#define EXCHANGE_ADDRESS_MAX 64
#define EXCHANGE_ORIGIN_MAX 256

struct call;
struct conn;
struct eio_answer;
struct exchange;
struct worker;

/* The body is copied. extra: more header fields. */
struct exchange_answer {
    int status;
    struct str type;
    struct str body;
    const struct http1_header *extra;
    size_t extra_n;
    bool no_length; /* 204, 304: no body, no length */
    bool endless;   /* exchange_give: the body comes piece by piece, and ends the connection */
};

/* What the maker does. */
struct exchange_ops {
    const char *name;
    /* Returns true if anybody waits for the answer. */
    bool (*is_open)(const struct exchange *x);
    /* Sends the answer. */
    void (*answer)(struct exchange *x, const struct exchange_answer *a);
    /* The answer may take long: from now on the maker notices if nobody waits for it. */
    void (*watch)(struct exchange *x);
    /* Nobody holds it any more. */
    void (*released)(struct exchange *x);
    /* exchange_give and exchange_move: of exchanges with a connection alone. */
    struct conn *(*give)(struct exchange *x, const struct exchange_answer *a);
    bool (*move)(struct exchange *x, unsigned worker);
};

/* What the taker is told while it waits. */
struct exchange_wait {
    /* Nobody waits for the answer any more. */
    void (*gone)(struct exchange *x);
    /* The answer is wanted soon: the node drains. */
    void (*hurry)(struct exchange *x);
    /* The exchange could not move. */
    void (*stayed)(struct exchange *x);
};

/* A taker answers what a door takes. */
struct exchange_taker {
    /* How long the body of a request for that path may be. */
    uint64_t (*body_max)(const struct worker *w, struct str path);
    /* The head of a request has come, and a body is to follow: is it wanted? If so, x->body_max
     * may be less now; if not, the exchange is answered, or moves before its body is read. */
    bool (*admit)(struct exchange *x);
    /* Answers the complete request, now or later, or makes its connection another door's, or
     * moves it. */
    void (*run)(struct exchange *x);
};

struct exchange {
    const struct exchange_ops *ops;
    struct worker *worker;
    struct conn *conn;                   /* which it came by; NULL: none */
    const struct http1_request *request; /* NULL: there is none, or no more */
    struct buf body;
    uint64_t body_max; /* no more is read of a body whose length is not known */
    /* The sender (server/conn/origin.h). */
    struct io_addr peer;                /* the other end */
    char address[EXCHANGE_ADDRESS_MAX]; /* the client's, by X-Forwarded-For if trusted */
    char origin[EXCHANGE_ORIGIN_MAX];   /* allowed by CORS for this request; else empty */
    bool local;                         /* from this machine, with no mark of a proxy */
    bool proxied;                       /* a trusted proxy sent it */
    bool secure;                        /* it speaks TLS, to us or to a trusted proxy */
    bool strict;                        /* the name is to be called over TLS alone (RFC 6797) */
    /* The taker's. */
    bool close;        /* nothing more is taken from who sends it, once it is answered */
    const char *allow; /* methods, for a 405 */
    const struct exchange_wait *wait;
    void *waits_for;
    void (*answer_eio)(struct exchange *x, const struct eio_answer *a); /* eio_answer.h */
    unsigned holds;
};

static inline bool exchange_is_open(const struct exchange *x)
{
    return x->ops->is_open(x);
}

static inline void exchange_hold(struct exchange *x)
{
    x->holds++;
}

/* The exchange may be freed by it, and the connection may be told of what came behind the
 * request. */
void exchange_release(struct exchange *x);

/* The taker waits, for whatever it likes; or does so no more. */
void exchange_wait_begin(struct exchange *x, const struct exchange_wait *wait, void *waits_for);
void exchange_wait_end(struct exchange *x);

/* An op of exchange_wait that does nothing. */
void exchange_ignore(struct exchange *x);

void exchange_answer(struct exchange *x, const struct exchange_answer *a);

/* Answers with a text that no cache keeps. */
void exchange_text(struct exchange *x, int status, const char *type, struct str body);

/* Answers with {"error":{...}} of errors.tbl, or as the call ended. */
void exchange_fail(struct exchange *x, enum error_code code, uint64_t retry_after_ms);
void exchange_fail_call(struct exchange *x, const struct call *call);

/* Sends the head of an answer: 101, or of an endless one. Returns the connection, which the
 * caller makes another door's before it returns; NULL if the exchange has none, or is over. */
struct conn *exchange_give(struct exchange *x, const struct exchange_answer *a) MUST_CHECK;

/* Brings the exchange, with its connection, to another worker of the node, where it is asked
 * anew; until then the taker waits. False if it cannot move; if that shows later, wait->stayed
 * is told. */
bool exchange_move(struct exchange *x, unsigned worker) MUST_CHECK;

/* Answers the handshake of a WebSocket with that key; fields: more of them. exchange_give's
 * result. */
struct conn *exchange_upgrade(struct exchange *x, struct str key, const struct http1_header *fields,
                              size_t n) MUST_CHECK;

/* Return true if that is the request's method; if it is GET, or HEAD, which is a GET too. */
bool exchange_is_method(const struct exchange *x, const char *method) MUST_CHECK;
bool exchange_is_get(const struct exchange *x) MUST_CHECK;

#endif
