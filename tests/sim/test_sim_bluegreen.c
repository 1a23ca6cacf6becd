/* Blue and green behind a balancer, with the crowd of `polylog bench` talking all the
 * while: a message lost, shown twice, or a connection closed before its successor
 * was up fails it. $CLIENTS, a multiple of ten, says how many they are. */
#include "base/str.h"
#include "bench/crowd.h"
#include "bench/login.h"
#include "bench/peer.h"
#include "lib/bus_model.h"
#include "lib/check.h"
#include "lib/sim_node.h"
#include "store/store_mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { NODES = 2, PORT = 7000, DRAIN_MS = 8000 };

enum phase { LOGIN, OPEN, TALK, CLOSE, OVER };

struct scene {
    unsigned clients_n;
    struct sim *sim;
    struct rng rng;
    struct store_mem_disk *disk;
    struct bus_model *buses;
    struct sim_node *nodes[NODES];
    struct io_host *host;
    struct io *io;
    struct conf conf;
    struct plan plan;
    struct bench_crowd crowd;
    struct bench_login *login;
    enum phase phase;
    unsigned green; /* of 100 new connections, how many the balancer sends there */
};

static unsigned clients(void)
{
    const char *n = getenv("CLIENTS");

    return n != NULL ? (unsigned)strtoul(n, NULL, 10) : CHECK_SANITIZED ? 200 : 2000;
}

/* Each turn the balancer chooses anew. */
static void balance(struct scene *s)
{
    s->plan.addr.port = (uint16_t)(PORT + (rng_below(&s->rng, 100) < s->green));
}

static bool turn(void *arg)
{
    struct scene *s = arg;
    uint64_t soon = io_now_ms(s->io) + 1;

    io_wait(s->io, s->phase == TALK ? MIN(soon, crowd_next_ms(&s->crowd)) : soon);
    balance(s);
    crowd_turn(&s->crowd);
    if (s->phase == LOGIN && login_turn(s->login))
        s->phase = OPEN;
    else if (s->phase == OPEN)
        crowd_open(&s->crowd);
    else if (s->phase == CLOSE && crowd_close(&s->crowd))
        s->phase = OVER;
    return s->phase != OVER;
}

static void step(struct scene *s)
{
    assert_true(sim_step(s->sim));
    bus_model_turn(s->buses);
}

static void pass(struct scene *s, uint64_t ms)
{
    uint64_t until = sim_now_ms(s->sim) + ms;

    while (sim_now_ms(s->sim) < until)
        step(s);
}

static void start_nodes(struct scene *s)
{
    for (unsigned i = 0; i < NODES; i++) {
        struct sim_node_options o = {.sim = s->sim,
                                     .rng = &s->rng,
                                     .disk = {.mem = s->disk},
                                     .buses = s->buses,
                                     .args = {"--open", "--messages-per-user=0",
                                              "--connects-per-address=0", "--drain-ms=8s"},
                                     .port = (uint16_t)(PORT + i),
                                     .workers = 2,
                                     .trace = getenv("TRACE") != NULL};

        s->nodes[i] = sim_node_start(&o);
    }
}

static void begin(struct scene *s)
{
    char args[][40] = {"", "--rooms=10", "--publishers=2", "--rate=40", "ws://127.0.0.1:7000/ws"};
    char *argv[] = {args[0], args[1], args[2], args[3], args[4]};
    struct conf_input in = {.command = "bench", .argc = COUNTOF(argv), .argv = argv};
    char why[PLAN_WHY_N];

    *s = (struct scene){.clients_n = clients(),
                        .sim = sim_new(1, (struct sim_faults){0}),
                        .disk = store_mem_disk_new()};
    (void)snprintf(args[0], sizeof(args[0]), "--connections=%u", s->clients_n);
    rng_init(&s->rng, 1);
    s->buses = bus_model_new(s->sim, &s->rng);
    start_nodes(s);
    s->host = sim_host_new(s->sim);
    assert_int_equal(host_io_new(s->host, &s->io), 0);
    assert_int_equal(conf_load(&s->conf, &in, why), CONF_OK);
    assert_true(plan_init(&s->plan, &s->conf, 1, why));
    crowd_init(&s->crowd, &s->plan, s->io);
    pass(s, 100);
    s->login = login_new(&s->crowd);
    assert_int_equal(host_start(s->host, s->io, turn, s), 0);
    while (s->phase == LOGIN)
        step(s);
    assert_null(login_failure(s->login));
    while (s->crowd.live_n < s->clients_n)
        step(s);
    s->phase = TALK;
}

static void end(struct scene *s)
{
    s->phase = CLOSE;
    while (s->phase != OVER)
        step(s);
    host_join(s->host);
    for (unsigned i = 0; i < NODES; i++)
        sim_node_stop(s->nodes[i]);
    for (unsigned i = 0; i < NODES; i++) {
        while (!sim_node_ended(s->nodes[i]))
            step(s);
        sim_node_free(s->nodes[i]);
    }
    login_free(s->login);
    crowd_fini(&s->crowd);
    conf_fini(&s->conf);
    io_free(s->io);
    host_free(s->host);
    bus_model_free(s->buses);
    sim_free(s->sim);
    store_mem_disk_free(s->disk);
}

static uint64_t sockets(const struct scene *s, unsigned node)
{
    return worker_sockets(s->nodes[node]->server);
}

/* The node drains, while the balancer still sends some to it. */
static void drain(struct scene *s, unsigned node, unsigned green)
{
    uint64_t there = sockets(s, node), moves = s->crowd.tally.counts.moves;

    assert_int_equal(sockets(s, 0) + sockets(s, 1), s->clients_n);
    s->green = green;
    server_drain(s->nodes[node]->server);
    pass(s, DRAIN_MS + 500);
    assert_int_equal(sockets(s, node), 0);
    assert_int_equal(sockets(s, 1 - node), s->clients_n);
    assert_int_equal(s->crowd.tally.counts.moves - moves, there);
    server_undrain(s->nodes[node]->server);
    pass(s, 500);
}

static void blue_green_and_back(void **state)
{
    static struct scene s;
    const struct tally_counts *n = &s.crowd.tally.counts;

    (void)state;
    begin(&s);
    bus_model_set(
        s.buses, (struct bus_model_faults){.lost = 20, .twice = 20, .held_ms = 10, .look_ms = 500});
    crowd_publish(&s.crowd, true);
    pass(&s, 1000);
    drain(&s, 0, 70); /* of those who move 30 in 100 come to the same node at first */
    drain(&s, 1, 10);
    crowd_publish(&s.crowd, false);
    for (unsigned i = 0; i < 100 && crowd_waiting(&s.crowd) > 0; i++)
        pass(&s, 100);
    assert_int_equal(n->gaps + crowd_missing(&s.crowd), 0);
    assert_int_equal(n->repeats, 0);
    assert_int_equal(n->drops, 0);
    assert_int_equal(n->errors, 0);
    assert_int_equal(n->resends, 0);
    assert_int_equal(n->acks, n->sends);
    assert_int_equal(n->moves, 2 * s.clients_n);
    assert_true(n->move_retries > s.clients_n / 10 && n->twins > 0);
    assert_int_equal(n->deliveries, n->sends * s.clients_n / 10);
    end(&s);
}

CHECK_MAIN(cmocka_unit_test(blue_green_and_back))
