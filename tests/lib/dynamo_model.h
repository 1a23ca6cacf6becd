/* dynamo_model.h: DynamoDB in memory, behind the seam of http_client.h, in the
 * simulator: tables that outlive every client, and everything that can go wrong on
 * the way to them.
 *
 * It lives on a simulated host of its own, so that a node's crash is not its own;
 * what such a node had sent may still be done. */
#ifndef LIB_DYNAMO_MODEL_H
#define LIB_DYNAMO_MODEL_H

#include "io/http_client.h"
#include "io/io_sim.h"

#define DYNAMO_MODEL_PREFIX "t"

/* Chances are out of 1000. */
struct dynamo_model_faults {
    unsigned throttle;   /* refused; nothing was done */
    unsigned fail;       /* 500, or the connection is reset; nothing was done */
    unsigned fail_done;  /* the same, but it was done */
    unsigned lost;       /* no answer; done up to late_ms later */
    unsigned bad_crc;    /* done, and the answer is damaged */
    unsigned clock;      /* refused: our clock is said to be wrong */
    unsigned latency_ms; /* up to so much each way */
    unsigned late_ms;
};

/* What was seen of requests, and what was done to them. */
struct dynamo_model_counts {
    unsigned requests, refused_bad, throttled, failed, lost;
};

struct dynamo_model;
struct dynamo_tables;

/* With the two tables of DYNAMO_MODEL_PREFIX. */
struct dynamo_model *dynamo_model_new(struct sim *sim, uint64_t seed) MUST_CHECK;

/* The same tables, in another world in which nothing fails: to look at them while
 * the first stands still. Freed before the first. */
struct dynamo_model *dynamo_model_share(struct dynamo_model *m, struct sim *sim) MUST_CHECK;

/* The tables, to be copied and put back: as they were at another time. */
struct dynamo_tables *dynamo_model_tables(struct dynamo_model *m) MUST_CHECK;

/* Its clients must be closed. NULL is fine. */
void dynamo_model_free(struct dynamo_model *m);

void dynamo_model_set_faults(struct dynamo_model *m, struct dynamo_model_faults faults);
struct dynamo_model_counts dynamo_model_count(const struct dynamo_model *m);

/* How many entries the item of a log has that begins at seq; 0: none begins there. */
uint64_t dynamo_model_item(struct dynamo_model *m, struct str room, uint64_t seq) MUST_CHECK;

/* That item is gone. */
void dynamo_model_lose(struct dynamo_model *m, struct str room, uint64_t seq);

/* A client, which reaches nothing but the model. */
struct http_client *dynamo_model_client(struct dynamo_model *m) MUST_CHECK;

/* The client's node was killed: it hears no more, and asks for nothing more. What it
 * had asked for may still be done. */
void dynamo_model_cut(struct http_client *client);

#endif
