#include "lib/sim_audit.h"

#include "base/str.h"
#include "io/io_sim.h"
#include "lib/check.h"

enum { CHUNK = 200 };

struct audit {
    struct sim_check *check;
    struct sim *sim;
    struct io *io;
    struct store *store;
};

static bool turn(void *arg)
{
    struct audit *a = arg;

    io_wait(a->io, IO_FOREVER);
    return true;
}

static void finished(struct store_req *req)
{
    req->done = NULL;
}

static struct store_req request(struct audit *a)
{
    return (struct store_req){.home = a->io, .done = finished};
}

static void wait_for(struct audit *a, struct store_req *req)
{
    while (req->done != NULL)
        assert_true(sim_step(a->sim));
    assert_int_equal(req->result, STORE_OK);
}

static uint64_t read_some(struct audit *a, struct sim_log *log, struct str room, uint64_t from)
{
    struct store_read q = {
        .req = request(a), .room = room, .from = from, .count_max = CHUNK, .bytes_max = SIZE_MAX};
    struct store_item item;
    struct entry e;
    size_t at = 0;

    store_read(a->store, &q);
    wait_for(a, &q.req);
    assert_true(q.ret_n > 0);
    while (store_block_next(q.ret_block, &at, &item)) {
        if (item.key != from++ || entry_decode(item.body, &e) != ENTRY_OK)
            sim_check_violate(a->check, "I2: %.*s: the disk's log is broken before %llu",
                              STR_ARGS(room), (unsigned long long)from);
        else
            sim_check_disk_entry(a->check, log, item.key, &e);
    }
    frame_unref(q.ret_block);
    return from;
}

static void audit_log(void *ctx, struct sim_log *log, struct str room)
{
    struct audit *a = ctx;
    struct store_log q = {.req = request(a), .room = room};

    store_log(a->store, &q);
    wait_for(a, &q.req);
    frame_unref(q.ret_last);
    sim_check_disk_begin(a->check, log, q.ret_epoch, q.ret_head);
    for (uint64_t seq = 1; seq <= q.ret_head;)
        seq = read_some(a, log, room, seq);
    sim_check_disk_end(a->check, log);
}

void sim_audit_run(struct sim_check *check, const struct sim_disk *disk)
{
    struct audit a = {.check = check, .sim = sim_new(1, (struct sim_faults){0})};
    struct io_host *host = sim_host_new(a.sim);
    struct http_client *client = NULL;
    struct sim_disk here = *disk;

    assert_int_equal(host_io_new(host, &a.io), 0);
    assert_int_equal(host_start(host, a.io, turn, &a), 0);
    if (disk->dynamo != NULL) {
        here.dynamo = dynamo_model_share(disk->dynamo, a.sim);
        client = dynamo_model_client(here.dynamo);
    }
    a.store = sim_disk_open(&here, host, client);
    sim_check_each(check, audit_log, &a);
    store_close(a.store);
    io_free(a.io);
    host_free(host);
    if (disk->dynamo != NULL)
        dynamo_model_free(here.dynamo);
    sim_free(a.sim);
}
