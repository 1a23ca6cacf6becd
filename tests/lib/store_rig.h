/* store_rig.h: one engine of store.h under test, and requests that are waited
 * for. */
#ifndef LIB_STORE_RIG_H
#define LIB_STORE_RIG_H

#include "io/io_sim.h"
#include "lib/check.h"
#include "lib/dynamo_model.h"
#include "lib/vfs_lossy.h"
#include "store/store.h"
#include "store/store_mem.h"
#include "store/store_sqlite.h"

#define STORE_RIG_DEADLINE_MS 60000 /* of requests to dynamo */

struct store_rig {
    struct sim *sim; /* NULL: the real machine */
    struct io_host *host;
    struct io *io;
    struct store *store;
    struct store *model; /* the test's, closed by teardown if it is not NULL */
    bool sqlite;
    struct dynamo_model *dynamo;         /* the service; NULL: another engine */
    bool remote;                         /* what is canceled may still be done */
    char prefix[32];                     /* of the tables, live */
    bool gaps;                           /* counters may leave numbers out */
    struct store_mem_disk *disk;         /* mem */
    char dir[64];                        /* sqlite */
    struct store_sqlite_options options; /* change, then store_rig_reopen */
    struct vfs_lossy *vfs;               /* sqlite_lossy: what the data is on */
    uint64_t wake_ms;                    /* of the simulated loop */
};

/* Setups for cmocka: *state is a struct store_rig with an open, empty store.
 * SQLite's data is in a directory of its own below $TMPDIR, and folded early. */
int store_rig_mem(void **state);
int store_rig_sqlite(void **state);
int store_rig_mem_sim(void **state);
int store_rig_sqlite_sim(void **state);
int store_rig_sqlite_lossy(void **state); /* simulated, on a vfs_lossy */
int store_rig_dynamo_sim(void **state);
int store_rig_dynamo_faults(void **state); /* some calls fail, are lost, come late */
/* Signed and over the network, on the emulator at the URL $DYNAMODB, in tables that the
 * engine makes itself. */
int store_rig_dynamo_live(void **state);
int store_rig_teardown(void **state);

void store_rig_close(struct store_rig *r);
void store_rig_open(struct store_rig *r);
void store_rig_reopen(struct store_rig *r);

/* Something happens; fails the test when nothing can any more. */
void store_rig_turn(struct store_rig *r);
void store_rig_sleep(struct store_rig *r, uint64_t ms);

/* What is set in each request: home, and a done that only sets req->done to
 * NULL. */
struct store_req store_rig_req(struct store_rig *r);

/* Turns until req is done; its result. */
enum store_result store_rig_wait(struct store_rig *r, struct store_req *req);

/* One entry, text, behind head; ret_head may be NULL. */
enum store_result store_rig_append(struct store_rig *r, struct str room, uint64_t head,
                                   struct str text, uint64_t *ret_head);

/* Appends n entries "room/seq" one batch each, from the log's head on. */
void store_rig_fill(struct store_rig *r, struct str room, unsigned n);

/* Checks that the log of room is exactly "room/1" .. "room/n", read in steps. */
void store_rig_check_filled(struct store_rig *r, struct str room, unsigned n, unsigned step);

/* What holds the entry seq, of a log made by store_rig_fill, is gone from the store: an
 * item, a page. In it were *ret_n entries from *ret_first on. SQLite's data is folded
 * before, and the store reopened. */
void store_rig_lose(struct store_rig *r, struct str room, uint64_t seq, uint64_t *ret_first,
                    uint64_t *ret_n);

uint64_t store_rig_head(struct store_rig *r, struct str room);

/* The whole of one read, as "seq=text seq=text ...", valid until the next. */
const char *store_rig_read(struct store_rig *r, struct str room, uint64_t from, unsigned count_max,
                           size_t bytes_max);

enum store_result store_rig_put(struct store_rig *r, struct str sk, struct str body,
                                uint64_t expect, uint64_t *ret_rev);

/* The record's body under pk "p", "-" if there is none; valid until the next. */
const char *store_rig_get(struct store_rig *r, struct str sk, uint64_t *ret_rev);

/* "sk=body sk=body ..." of pk "p"; valid until the next. */
const char *store_rig_list(struct store_rig *r, struct str prefix, struct str after,
                           unsigned limit);

/* "target=state ..." */
const char *store_rig_amends(struct store_rig *r, struct str room, uint64_t from, uint64_t to);

#endif
