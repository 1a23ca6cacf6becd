/* worker_rig.h: a worker (server/node/worker.h) without a loop, sockets or rooms: what
 * requests and persons need of it. Time is the test's. */
#ifndef LIB_WORKER_RIG_H
#define LIB_WORKER_RIG_H

#include "conf/conf.h"
#include "lib/check.h"
#include "server/conn/conn.h"
#include "server/conn/limits.h"
#include "server/conn/person.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/run/drain.h"

struct worker_rig {
    struct conf conf;
    struct server server;
    struct worker worker;
    struct drain drain;
    struct io io;
    struct store store; /* its clock is io's; it takes no requests */
    uint64_t now_ms;
    unsigned came_n, gone_n; /* what its watch was told of persons */
};

void worker_rig_init(struct worker_rig *r);
void worker_rig_fini(struct worker_rig *r);

/* A connection that is only a struct: open, with nothing in flight. */
void worker_rig_conn(struct worker_rig *r, struct conn *c);

/* What a metric of the worker stands at. */
uint64_t worker_rig_metric(const struct worker_rig *r, enum metric id);

#endif
