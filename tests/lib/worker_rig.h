/* worker_rig.h: a worker (server/worker.h) without a loop, sockets or rooms: what
 * requests and persons need of it. Time is the test's. */
#ifndef LIB_WORKER_RIG_H
#define LIB_WORKER_RIG_H

#include "conf/conf.h"
#include "lib/check.h"
#include "server/conn.h"
#include "server/server.h"
#include "server/worker.h"

struct worker_rig {
    struct conf conf;
    struct server server;
    struct worker worker;
    struct io io;
    uint64_t now_ms;
};

void worker_rig_init(struct worker_rig *r);
void worker_rig_fini(struct worker_rig *r);

/* A connection that is only a struct: open, with nothing in flight. */
void worker_rig_conn(struct worker_rig *r, struct conn *c);

/* What a metric of the worker stands at. */
uint64_t worker_rig_metric(const struct worker_rig *r, enum metric id);

#endif
