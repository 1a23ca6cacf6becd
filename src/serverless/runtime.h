/* runtime.h: a Lambda function's side of the runtime API (2018-06-01): one invocation at a time.
 *
 *   ASKS ──GET …/invocation/next──▶ RUNS ──runtime_answer, runtime_fail──▶ TELLS ──POST──▶ ASKS
 *     │ │                                                                    │ │
 *     └─┘ the connection is lost: a new one, RUNTIME_TRIES_MAX in a row      └─┘
 *     └──▶ ENDED: 500 (the container is broken), or no connection comes to be
 *
 * GET …/next has no end but an event: a function stands still between two of them, for minutes.
 * What was told once and not confirmed is told again; that the API knows the answer already is as
 * well. Plain HTTP/1.1 over one connection that is kept. On one loop, whose wheel the caller
 * advances. */
#ifndef SERVERLESS_RUNTIME_H
#define SERVERLESS_RUNTIME_H

#include "base/buf.h"
#include "base/wheel.h"
#include "io/io.h"
#include "wire/chunked.h"

enum {
    RUNTIME_TRIES_MAX = 3,
    RUNTIME_BODY_MAX = 6 * 1024 * 1024, /* of an event, and of an answer */
    RUNTIME_TEXT_MAX = 512,             /* of an id, an ARN, a trace */
};

struct runtime;

/* What is to be done; lent until it is answered. The body may be changed. */
struct runtime_invocation {
    struct str id, function, trace;
    uint64_t deadline_ms; /* Unix time */
    uint8_t *body;
    size_t body_n;
};

struct runtime_ops {
    /* An invocation: runtime_answer or runtime_fail follows, within this call or later. */
    void (*invoked)(struct runtime *rt, const struct runtime_invocation *invocation);
    /* It is over: the process should end. */
    void (*ended)(struct runtime *rt, const char *why);
};

enum runtime_state { RUNTIME_ASKS, RUNTIME_RUNS, RUNTIME_TELLS, RUNTIME_REFUSES, RUNTIME_ENDED };
enum runtime_link { RUNTIME_CLOSED, RUNTIME_OPENS, RUNTIME_OPEN, RUNTIME_CLOSES };

/* The caller sets what stands before `state`; zeroed otherwise. */
struct runtime {
    const struct runtime_ops *ops;
    struct io *io;
    struct wheel *wheel;
    struct io_addr addr; /* $AWS_LAMBDA_RUNTIME_API */
    struct str host;     /* the same as text */

    enum runtime_state state;
    enum runtime_link link;
    unsigned tries;
    uint64_t invocations, lost; /* links */
    struct io_op recv, send;    /* send connects, too */
    struct wheel_timer again;
    struct buf out, head, body;
    struct str rest; /* of out: what was not sent yet */
    bool whole;      /* the answer was read */
    bool headed;     /* its head was; from which: */
    bool keeps, is_chunked;
    int status;
    uint64_t length;
    struct chunked chunked;
    struct runtime_invocation invocation;
    char id[RUNTIME_TEXT_MAX], function[RUNTIME_TEXT_MAX], trace[RUNTIME_TEXT_MAX];
};

/* Asks for the first invocation. */
void runtime_start(struct runtime *rt);

/* Answers the invocation: JSON, copied. More than RUNTIME_BODY_MAX is answered as an error. */
void runtime_answer(struct runtime *rt, struct str body);

/* Ends the invocation with an error, "Category.Reason" and a text. */
void runtime_fail(struct runtime *rt, const char *type, const char *message);

/* In place of runtime_start: says that the function cannot start; then ended. */
void runtime_refuse(struct runtime *rt, const char *type, const char *message);

/* No more is asked or told; nothing is called any more. runtime_fini when it is closed. */
void runtime_stop(struct runtime *rt);
bool runtime_is_closed(const struct runtime *rt) MUST_CHECK;
void runtime_fini(struct runtime *rt);

#endif
