/* What holds when the store under running nodes becomes another: an empty one, an older
 * copy, one of another identity. */
#include "base/str.h"
#include "lib/check.h"
#include "lib/dynamo_table.h"
#include "lib/sim_scene.h"
#include "lib/sim_swap.h"
#include "server/health/guard.h"

#include <stdlib.h>

static void put_done(struct store_req *req)
{
    req->done = NULL;
}

/* Of a loop that only waits for one request: until it is done. */
static bool put_turn(void *arg)
{
    struct store_put *put = arg;

    io_wait(put->req.home, IO_FOREVER);
    return put->req.done != NULL;
}

/* A node notices by its next beat; a call of the service takes up to this. */
enum { NOTICED_MS = 5000, SEEDS = 20 };

static struct dynamo_tables *tables_of(struct sim_scene *s)
{
    return dynamo_model_tables(s->disk.dynamo);
}

/* Two nodes, and ana and ben at them, who have said a few things. */
static void begin(struct sim_scene *s, uint64_t seed)
{
    sim_scene_begin(s, 2, seed, (struct sim_faults){0});
    sim_scene_dynamo(s, seed);
    dynamo_model_set_faults(s->disk.dynamo, (struct dynamo_model_faults){.latency_ms = 20});
    sim_scene_start(s, NULL, 2);
    sim_scene_start(s, NULL, 2);
    for (unsigned i = 0; i < 2; i++)
        sim_scene_enter(s, i, i, "general");
    sim_scene_settle(s, 10000);
    for (unsigned i = 0; i < 2; i++)
        sim_scene_send(s, i, "general", 2, 20);
    sim_scene_settle(s, 10000);
}

/* Nothing is acknowledged or written by anybody from now on. */
static void check_shut(struct sim_scene *s)
{
    struct dynamo_tables *before = dynamo_tables_copy(tables_of(s));
    uint64_t acked = s->crowd.acked_n;

    for (unsigned i = 0; i < 2; i++)
        assert_true(sim_swap_is_noticed(s->nodes[i]));
    for (unsigned i = 0; i < 2; i++)
        sim_scene_send(s, i, "general", 3, 20);
    sim_scene_pass(s, 20000);
    assert_int_equal(s->crowd.acked_n, acked);
    assert_true(dynamo_tables_equal(tables_of(s), before));
    dynamo_tables_free(before);
}

/* Everybody is silent while it happens: nothing at all is acknowledged afterwards. */
static void swap_in_silence(struct sim_scene *s, const struct dynamo_tables *other)
{
    uint64_t acked = s->crowd.acked_n;

    sim_scene_pass(s, 10000); /* what logs end at was read long ago */
    s->swapped = true;
    dynamo_tables_put_back(tables_of(s), other);
    for (unsigned i = 0; i < 2; i++)
        sim_scene_send(s, i, "general", 1, 20);
    sim_scene_pass(s, NOTICED_MS);
    assert_int_equal(s->crowd.acked_n, acked);
    check_shut(s);
}

static void an_older_copy_is_noticed(void **state)
{
    (void)state;
    CHECK_EACH_SEED (seed, SEEDS) {
        struct dynamo_tables *copy;
        struct sim_scene s;

        begin(&s, seed);
        copy = dynamo_tables_copy(tables_of(&s));
        sim_scene_pass(&s, 3000);
        sim_scene_send(&s, 0, "general", 4, 20);
        sim_scene_settle(&s, 10000);
        swap_in_silence(&s, copy);
        dynamo_tables_free(copy);
        sim_scene_end(&s);
    }
}

static void an_empty_store_is_noticed(void **state)
{
    struct dynamo_tables *empty;
    struct sim_scene s;

    (void)state;
    sim_scene_begin(&s, 2, 1, (struct sim_faults){0});
    sim_scene_dynamo(&s, 1);
    empty = dynamo_tables_copy(tables_of(&s));
    sim_scene_end(&s);
    CHECK_EACH_SEED (seed, SEEDS) {
        begin(&s, seed);
        swap_in_silence(&s, empty);
        sim_scene_end(&s);
    }
    dynamo_tables_free(empty);
}

/* People write all the time, and calls fail: what is acknowledged is so within NOTICED_MS
 * of the swap, and what is not noticed by then is not believed. */
static void who_goes_on_writing_is_not_answered(void **state)
{
    (void)state;
    CHECK_EACH_SEED (seed, SEEDS) {
        struct dynamo_tables *copy;
        struct sim_scene s;
        uint64_t acked, until;

        begin(&s, seed);
        copy = dynamo_tables_copy(tables_of(&s));
        dynamo_model_set_faults(s.disk.dynamo, (struct dynamo_model_faults){.throttle = 100,
                                                                            .fail = 50,
                                                                            .fail_done = 50,
                                                                            .lost = 100,
                                                                            .latency_ms = 50,
                                                                            .late_ms = 3000});
        for (unsigned i = 0; i < 20 + seed % 20; i++) {
            sim_scene_send(&s, i % 2, "general", 1, 20);
            sim_scene_pass(&s, 300);
        }
        for (unsigned i = 0; i < 2; i++)
            assert_false(sim_swap_is_noticed(s.nodes[i]));
        s.swapped = true;
        dynamo_tables_put_back(tables_of(&s), copy);
        dynamo_tables_free(copy);
        for (until = sim_now_ms(s.sim) + NOTICED_MS; sim_now_ms(s.sim) < until;) {
            sim_scene_send(&s, 0, "general", 1, 20);
            sim_scene_pass(&s, 200);
        }
        acked = s.crowd.acked_n;
        sim_scene_send(&s, 1, "general", 1, 20);
        sim_scene_pass(&s, 20000);
        assert_int_equal(s.crowd.acked_n, acked);
        dynamo_model_set_faults(s.disk.dynamo, (struct dynamo_model_faults){0});
        sim_scene_pass(&s, 10000);
        check_shut(&s);
        sim_scene_end(&s);
    }
}

/* The service does next to nothing for a while: a beat and a send have the same chance. */
static const struct dynamo_model_faults outages[] = {
    {.latency_ms = 20},
    {.throttle = 800},
    {.fail = 400, .fail_done = 400},
    {.lost = 600, .late_ms = 3000},
    {.latency_ms = 1500},
    {.lost = 300, .late_ms = 8000, .latency_ms = 500},
};

/* Three nodes, in trouble of a seed's own, and four who write; then the store is another. */
static void begin_trouble(struct sim_scene *s, struct rng *rng, uint64_t seed)
{
    struct sim_faults network = {.short_send = 100,
                                 .split_recv = 300,
                                 .latency_ms = (unsigned)rng_below(rng, 100),
                                 .job_ms = (unsigned)rng_below(rng, 50)};

    sim_scene_begin(s, 3, seed, network);
    sim_scene_dynamo(s, seed);
    for (unsigned i = 0; i < 3; i++)
        sim_scene_start(s, NULL, 1 + (unsigned)rng_below(rng, 3));
    for (unsigned i = 0; i < SIM_SCENE_CLIENTS; i++)
        sim_scene_enter(s, i, i, "general");
    sim_scene_settle(s, 20000);
    bus_model_set(s->buses, (struct bus_model_faults){.lost = (unsigned)rng_below(rng, 500),
                                                      .twice = (unsigned)rng_below(rng, 200),
                                                      .held_ms = (unsigned)rng_below(rng, 500),
                                                      .look_ms = 3000});
}

/* They write for about so long. */
static void write_for(struct sim_scene *s, struct rng *rng, uint64_t ms)
{
    for (uint64_t until = sim_now_ms(s->sim) + ms; sim_now_ms(s->sim) < until;) {
        unsigned who = (unsigned)rng_below(rng, SIM_SCENE_CLIENTS);

        if (s->clients[who].ops_n < SIM_CLIENT_OPS / 2)
            sim_scene_send(s, who, "general", 1, 20);
        sim_scene_pass(s, 50 + rng_below(rng, 400));
    }
}

static const char *run_trouble(uint64_t seed)
{
    struct sim_scene s;
    struct dynamo_tables *copy;
    const char *why = NULL;
    struct rng rng;
    uint64_t acked;

    rng_init(&rng, seed);
    begin_trouble(&s, &rng, seed);
    copy = dynamo_tables_copy(tables_of(&s));
    write_for(&s, &rng, 3000 + rng_below(&rng, 8000));
    if (rng_chance(&rng, 500)) { /* it has befallen the service by then */
        dynamo_model_set_faults(s.disk.dynamo, outages[rng_below(&rng, COUNTOF(outages))]);
        write_for(&s, &rng, rng_below(&rng, 8000));
    }
    for (unsigned i = 0; i < 3 && why == NULL; i++)
        why = sim_swap_is_noticed(s.nodes[i]) ? "a store that was the same was shut" : NULL;
    s.swapped = true;
    dynamo_tables_put_back(tables_of(&s), copy);
    dynamo_tables_free(copy);
    dynamo_model_set_faults(s.disk.dynamo, outages[rng_below(&rng, COUNTOF(outages))]);
    write_for(&s, &rng, NOTICED_MS + 700); /* and what was answered is under way */
    acked = s.crowd.acked_n;
    write_for(&s, &rng, 15000);
    if (why == NULL && s.crowd.acked_n != acked)
        why = "something was acknowledged long after the swap";
    dynamo_model_set_faults(s.disk.dynamo, (struct dynamo_model_faults){0});
    sim_scene_pass(&s, 15000);
    for (unsigned i = 0; i < 3 && why == NULL; i++)
        why = sim_swap_is_noticed(s.nodes[i]) ? NULL : "a node has not noticed";
    if (why == NULL)
        check_shut(&s);
    sim_scene_end(&s);
    return why;
}

static void another_store_under_trouble(void **state)
{
    (void)state;
    CHECK_EACH_SEED (seed, SEEDS) {
        const char *why = run_trouble(seed);

        if (why != NULL)
            fail_msg("%s", why);
    }
}

/* `polylog store adopt` has begun on it, and not ended. */
static void a_node_does_not_start_on_half_a_copy(void **state)
{
    struct sim_scene s;
    struct store *store;
    struct store_put put;
    struct io *io;

    (void)state;
    sim_scene_begin(&s, 1, 1, (struct sim_faults){0});
    assert_int_equal(host_io_new(s.host, &io), 0);
    store = sim_disk_open(&s.disk, s.host, NULL);
    put = (struct store_put){.req = {.home = io, .done = put_done},
                             .pk = STR("server"),
                             .sk = STR("adopted"),
                             .body = STR("1 77 unfinished")};
    assert_int_equal(host_start(s.host, io, put_turn, &put), 0);
    store_put(store, &put);
    while (put.req.done != NULL)
        sim_scene_step(&s);
    store_close(store);
    io_free(io);
    sim_scene_start(&s, NULL, 1);
    while (s.nodes[0]->failed[0] == '\0')
        sim_scene_step(&s);
    assert_false(s.nodes[0]->serving);
    assert_non_null(strstr(s.nodes[0]->failed, "polylog store adopt"));
    sim_scene_end(&s);
}

/* A store that is full can be read: a node starts on it. */
static void a_node_starts_on_a_full_store(void **state)
{
    struct sim_scene s;
    uint64_t until;

    (void)state;
    sim_scene_begin(&s, 2, 1, (struct sim_faults){0});
    sim_scene_start(&s, NULL, 1);
    sim_scene_enter(&s, 0, 0, "general");
    sim_scene_settle(&s, 5000);
    sim_scene_start(&s, NULL, 1);
    store_fault_set(s.nodes[1]->faults, (struct store_fault_options){.full = true});
    for (until = sim_now_ms(s.sim) + 10000; sim_now_ms(s.sim) < until;)
        sim_scene_step(&s);
    assert_true(s.nodes[1]->serving);
    store_fault_set(s.nodes[1]->faults, (struct store_fault_options){0});
    sim_scene_enter(&s, 1, 1, "general");
    sim_scene_settle(&s, 10000);
    sim_scene_send(&s, 1, "general", 1, 20);
    sim_scene_settle(&s, 10000);
    sim_scene_end(&s);
}

/* What a node says of how the one before ended, which began a while ago and was gone for so
 * long: as many warnings. */
static unsigned said_of_the_end(bool crashes, uint64_t gone_ms)
{
    struct sim_scene s;
    char *log = NULL, *at;
    size_t log_n = 0;
    unsigned n = 0;

    sim_scene_begin(&s, 2, 1, (struct sim_faults){0});
    sim_scene_start(&s, NULL, 1);
    sim_scene_enter(&s, 0, 0, "general"); /* tries to come back all the time */
    sim_scene_pass(&s, 20000);
    if (crashes)
        sim_node_crash(s.nodes[0]);
    else
        sim_node_stop(s.nodes[0]);
    sim_scene_pass(&s, gone_ms);
    assert_true(crashes || sim_node_ended(s.nodes[0]));
    s.log_to = open_memstream(&log, &log_n);
    assert_non_null(s.log_to);
    sim_scene_start(&s, NULL, 1);
    while (!s.nodes[1]->serving)
        sim_scene_step(&s);
    sim_scene_end(&s);
    assert_int_equal(fclose(s.log_to), 0);
    assert_true(log_n > 0);
    for (at = log; (at = strstr(at, "store_left")) != NULL; at++)
        n++;
    free(log);
    return n;
}

/* A copy whose last node has not ended, long ago, may be a backup that was not adopted. */
static void a_copy_of_before_is_said(void **state)
{
    (void)state;
    assert_int_equal(said_of_the_end(true, 120000), 1);
    assert_int_equal(said_of_the_end(true, 30000), 0); /* a crash, and a start */
    assert_int_equal(said_of_the_end(false, 120000), 0);
}

CHECK_MAIN(cmocka_unit_test(a_node_starts_on_a_full_store),
           cmocka_unit_test(a_node_does_not_start_on_half_a_copy),
           cmocka_unit_test(a_copy_of_before_is_said),
           cmocka_unit_test(another_store_under_trouble),
           cmocka_unit_test(an_older_copy_is_noticed), cmocka_unit_test(an_empty_store_is_noticed),
           cmocka_unit_test(who_goes_on_writing_is_not_answered))
