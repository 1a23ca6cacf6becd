/* sim_node.h: a node of the real program above io, on a simulated host: workers,
 * their store on a disk that outlives it, a bus; started, stopped, crashed. */
#ifndef LIB_SIM_NODE_H
#define LIB_SIM_NODE_H

#include "base/rng.h"
#include "io/io_sim.h"
#include "lib/sim_disk.h"
#include "lib/store_fault.h"
#include "server/run/server.h"

#include <stdio.h>

struct bus_model;
struct gw_outlet;
struct redis_model;

struct sim_node_options {
    struct sim *sim;
    struct rng *rng;
    struct sim_disk disk;
    struct bus_model *buses;   /* or */
    struct redis_model *redis; /* by way of its own; both NULL: it is the only node */
    unsigned way;
    int64_t clock_ms;         /* its wall clock is wrong by so much, */
    int clock_ppm;            /* and gains this */
    struct gw_outlet *outlet; /* to API Gateway; or NULL */
    const char *args[32];     /* flags of `polylog serve`; ended by NULL */
    uint16_t port;
    unsigned workers;
    unsigned search_max, batch_max; /* 0: the program's own */
    /* Until then nothing may come of its store, though it has not crashed; NULL: something does. */
    const uint64_t *away_until_ms;
    bool trace;
    FILE *log_to; /* where its log goes, borrowed; NULL: nowhere, or with the trace */
};

struct sim_node {
    struct sim_node_options o;
    struct io_host *host;
    struct conf conf;
    FILE *log_to;
    struct log_sink *log;
    struct http_client *dynamo; /* NULL: its data is elsewhere */
    struct store_fault *faults; /* its store, which may go wrong */
    struct bus *bus;
    struct server *server;
    bool serving, crashed;
    char failed[200]; /* why it could not start; empty: it could */
};

/* Returns where a node with that port listens. */
struct io_addr sim_node_addr(unsigned port);

/* Starts it; ends the test if it cannot even be made. */
struct sim_node *sim_node_start(const struct sim_node_options *o) MUST_CHECK;

/* As SIGTERM does; sim_node_ended says when it is over. */
void sim_node_stop(struct sim_node *n);

/* As kill -9 does. What is left is to be freed once sim_node_ended. */
void sim_node_crash(struct sim_node *n);

bool sim_node_ended(const struct sim_node *n);
void sim_node_free(struct sim_node *n);

/* What is over its limits (design: I5), or NULL. */
const char *sim_node_excess(const struct sim_node *n);

#endif
