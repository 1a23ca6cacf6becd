/* sim_function.h: an instance of the function behind API Gateway in the simulator: src/lambda as
 * it is, on a host of its own, with a store and @connections of which much can go wrong.
 *
 *   event ──▶ [JSON, as API Gateway or the function itself makes it] ──▶ lambda_invoke ──▶ answer
 *
 * The instance may be killed at any step. */
#ifndef LIB_SIM_FUNCTION_H
#define LIB_SIM_FUNCTION_H

#include "io/io_sim.h"
#include "lambda/lambda.h"
#include "lib/gateway_model.h"
#include "lib/store_fault.h"
#include "store/store_mem.h"

#define SIM_FUNCTION_ROOM "cellar"

enum { SIM_FUNCTION_ID = 16, SIM_FUNCTION_TEXT = 640 };

enum sim_function_kind { SIM_CONNECT, SIM_MESSAGE, SIM_LEAVE, SIM_DELIVER };

/* What is asked for. */
struct sim_function_event {
    enum sim_function_kind kind;
    unsigned client;              /* of the story */
    unsigned asked;               /* which of its questions a CONNECT is */
    char id[SIM_FUNCTION_ID];     /* of its connection */
    uint64_t connected_ms;        /* Unix time */
    char source[40];              /* the client's address; or nothing */
    char principal[48];           /* what the authorizer says, but for a DELIVER; or nothing */
    char text[SIM_FUNCTION_TEXT]; /* CONNECT: the token, or nothing; MESSAGE: the frame; DELIVER:
                                     the function's own event, as it is */
};

struct sim_function;

struct sim_function_options {
    struct sim *sim;
    const struct conf *conf;
    struct store_mem_disk *disk;
    struct gateway_model *gateway;
    struct http_client *http; /* or NULL */
    uint64_t seed;
    struct store_fault_options faults;
    enum deliver_mistake deliver_mistake;
    enum join_mistake join_mistake;
    unsigned shard_max;
    /* The event was answered, or has failed: f->failed; f->answer is the function's. */
    void (*answered)(void *ctx, struct sim_function *f);
    /* The function invokes itself: an event of the kind DELIVER. */
    void (*invoked)(void *ctx, struct str payload);
    void *ctx;
};

struct sim_function {
    struct sim_function_options o;
    struct io_host *host;
    struct io *io;
    struct wheel wheel;
    struct store_fault *faults;
    struct store *store;
    struct poster *poster;
    struct invoker invoker;
    struct lambda *lambda;
    bool busy, crashed, failed;
    struct sim_function_event event;
    struct str answer;
    struct io_mail mail;
    struct buf text; /* the event, as the function is given it */
};

struct sim_function *sim_function_new(const struct sim_function_options *o) MUST_CHECK;

/* True if it is not busy, and has left nothing behind that is under way. */
bool sim_function_is_idle(struct sim_function *f) MUST_CHECK;

/* It is idle. */
void sim_function_free(struct sim_function *f);

/* Any loop: it is not busy. */
void sim_function_ask(struct sim_function *f, const struct sim_function_event *event);

/* As kill -9 does; it still answers, when nothing is under way any more, for nobody. */
void sim_function_crash(struct sim_function *f);

#endif
