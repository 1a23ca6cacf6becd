/* What stories found, as scenes of their own: each failed before it was mended. */
#include "base/str.h"
#include "lib/bus_model.h"
#include "lib/check.h"
#include "lib/sim_audit.h"
#include "lib/sim_client.h"
#include "lib/sim_node.h"
#include "store/store_mem.h"

#include <stdio.h>
#include <string.h>

enum { PORT = 7000, NODES = 2, CLIENTS = 3, STEPS_MAX = 3000000 };

/* Up to two nodes on one disk, and ana, ben and cat, who are told what to do. */
struct scene {
    struct sim *sim;
    struct rng rng;
    struct store_mem_disk *disk;
    struct bus_model *buses;
    struct sim_node *nodes[NODES];
    unsigned nodes_n;
    struct io_host *host;
    struct sim_crowd crowd;
    struct sim_client clients[CLIENTS];
    uint64_t until_ms;
    bool over;
};

static bool crowd_turn(void *arg)
{
    struct scene *s = arg;
    uint64_t next = IO_FOREVER;

    io_wait(s->crowd.io, s->until_ms);
    for (unsigned i = 0; i < CLIENTS; i++)
        next = MIN(next, sim_client_turn(&s->clients[i]));
    s->until_ms = next;
    return !s->over;
}

static void step(struct scene *s)
{
    assert_true(sim_step(s->sim));
    if (s->buses != NULL)
        bus_model_turn(s->buses);
    if (sim_check_violation(s->crowd.check) != NULL)
        fail_msg("%s", sim_check_violation(s->crowd.check));
}

static void nudge(struct scene *s)
{
    s->until_ms = 0;
    io_wait(s->crowd.io, 0);
}

static void pass(struct scene *s, uint64_t ms)
{
    uint64_t until = sim_now_ms(s->sim) + ms;

    nudge(s);
    while (sim_now_ms(s->sim) < until)
        step(s);
}

static void start_node(struct scene *s, const char *const *args, unsigned workers)
{
    struct sim_node_options o = {
        .sim = s->sim,
        .rng = &s->rng,
        .disk = s->disk,
        .buses = s->buses,
        .args = {"--open", "--messages-per-user=0", "--drain-ms=500", "--connects-per-address=0"},
        .port = (uint16_t)(PORT + s->nodes_n),
        .workers = workers,
        .trace = s->crowd.trace};
    struct io_addr *a = &s->crowd.addrs[s->crowd.addrs_n++];

    for (unsigned i = 0; args != NULL && args[i] != NULL; i++)
        o.args[4 + i] = args[i];
    *a = (struct io_addr){.family = IO_ADDR_IP4, .port = o.port};
    memcpy(a->ip, (uint8_t[]){127, 0, 0, 1}, 4);
    s->nodes[s->nodes_n++] = sim_node_start(&o);
}

static void begin(struct scene *s, unsigned nodes, uint64_t seed, struct sim_faults faults)
{
    static const char *const names[CLIENTS] = {"ana", "ben", "cat"};

    *s = (struct scene){.sim = sim_new(seed, faults), .disk = store_mem_disk_new()};
    rng_init(&s->rng, seed);
    rng_init(&s->crowd.rng, seed + 1);
    s->crowd.trace = getenv("TRACE") != NULL;
    s->crowd.check = sim_check_new();
    if (nodes > 1)
        s->buses = bus_model_new(s->sim, &s->rng);
    s->host = sim_host_new(s->sim);
    assert_int_equal(host_io_new(s->host, &s->crowd.io), 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        sim_client_init(&s->clients[i], &s->crowd, names[i]);
        s->clients[i].pinned = true;
        s->clients[i].stays_down = true;
    }
    assert_int_equal(host_start(s->host, s->crowd.io, crowd_turn, s), 0);
}

/* The client comes, to that node, and follows the room. */
static void enter(struct scene *s, unsigned client, unsigned node, const char *room)
{
    struct sim_client *c = &s->clients[client];

    c->node = node;
    c->stays_down = false;
    sim_client_want(c, sim_client_room(c, room));
}

static bool all_quiet(const struct scene *s, const char **ret_who, const char **ret_why)
{
    const char *room;

    for (unsigned i = 0; i < CLIENTS; i++) {
        *ret_who = s->clients[i].name;
        if (!s->clients[i].stays_down && !sim_client_is_quiet(&s->clients[i], ret_why, &room))
            return false;
    }
    return true;
}

/* Until everybody has been shown everything. */
static void settle(struct scene *s, uint64_t ms)
{
    uint64_t until = sim_now_ms(s->sim) + ms;
    const char *who, *why;

    nudge(s);
    while (!all_quiet(s, &who, &why)) {
        step(s);
        if (sim_now_ms(s->sim) > until)
            fail_msg("%s %s", who, why);
    }
}

static void send_some(struct scene *s, unsigned client, const char *room, unsigned n,
                      unsigned length)
{
    struct sim_client *c = &s->clients[client];

    for (unsigned i = 0; i < n; i++) {
        struct sim_op *op = sim_client_ask(c, SIM_OP_SEND, sim_client_room(c, room));

        assert_non_null(op);
        op->text_seed = i;
        op->text_n = length;
    }
    nudge(s);
}

static void stop_nodes(struct scene *s)
{
    for (unsigned i = 0; i < s->nodes_n; i++)
        sim_node_stop(s->nodes[i]);
    for (unsigned i = 0; i < s->nodes_n; i++) {
        for (unsigned n = 0; !sim_node_ended(s->nodes[i]); n++) {
            step(s);
            assert_true(n < STEPS_MAX);
        }
    }
    for (unsigned i = 0; i < s->nodes_n; i++)
        sim_node_free(s->nodes[i]);
    s->nodes_n = 0;
}

/* Everything ends; the disk is looked at. */
static void end(struct scene *s)
{
    bool open = true;

    stop_nodes(s);
    sim_audit_run(s->crowd.check, s->disk, NULL, NULL);
    for (unsigned i = 0; i < CLIENTS; i++) {
        s->clients[i].stays_down = true;
        sim_link_cut(&s->clients[i].link);
    }
    nudge(s);
    while (open) {
        step(s);
        open = false;
        for (unsigned i = 0; i < CLIENTS; i++)
            open = open || s->clients[i].link.state != SIM_LINK_DOWN;
    }
    s->over = true;
    nudge(s);
    host_join(s->host);
    io_free(s->crowd.io);
    host_free(s->host);
    sim_free(s->sim);
    bus_model_free(s->buses);
    store_mem_disk_free(s->disk);
    assert_null(sim_check_violation(s->crowd.check));
    sim_check_free(s->crowd.check);
}

/* The store's answers to the start came after the worker had ended. */
static void stopped_while_it_starts(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 120; n++) {
        struct scene s;

        begin(&s, 1, n, (struct sim_faults){.job_ms = 3});
        start_node(&s, NULL, 1 + n % 3);
        for (unsigned i = 0; i < n; i++)
            step(&s);
        end(&s);
    }
}

/* A worker that had settled was given an invitation by another. */
static void stopped_with_an_invitation_on_its_way(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 150; n++) {
        struct sim_client *ana;
        struct sim_op *op;
        struct scene s;

        begin(&s, 1, n, (struct sim_faults){.job_ms = 20});
        start_node(&s, NULL, 3);
        enter(&s, 0, 0, "general");
        enter(&s, 1, 0, "general");
        settle(&s, 5000);
        ana = &s.clients[0];
        sim_client_ask(ana, SIM_OP_CREATE, sim_client_room(ana, "cellar"))->word = "private";
        settle(&s, 5000);
        op = sim_client_ask(ana, SIM_OP_MEMBER, sim_client_room(ana, "cellar"));
        op->target = s.clients[1].user;
        op->word = "member";
        pass(&s, 1 + n % 20);
        for (unsigned i = 0; i < 2; i++) {
            s.clients[i].stays_down = true;
            sim_client_cut(&s.clients[i], 0);
        }
        end(&s);
    }
}

/* An entry that had landed though the store said that it failed was shown to
 * nobody until the next; a page held it, beyond the head that it named. */
static void shown_though_said_to_fail(void **state)
{
    (void)state;
    for (unsigned nodes = 1; nodes <= NODES; nodes++) {
        struct sim_client *ben;
        struct sim_op *op;
        struct scene s;

        begin(&s, nodes, nodes, (struct sim_faults){0});
        for (unsigned i = 0; i < nodes; i++)
            start_node(&s, NULL, 2);
        enter(&s, 0, 0, "general");
        enter(&s, 1, nodes - 1, "general");
        settle(&s, 5000);
        send_some(&s, 0, "general", 1, 5);
        settle(&s, 5000);
        store_fault_set(s.nodes[0]->faults,
                        (struct store_fault_options){.lose = 1000, .turns_max = 1});
        send_some(&s, 0, "general", 1, 5);
        while (store_fault_count(s.nodes[0]->faults).lost == 0)
            step(&s);
        store_fault_set(s.nodes[0]->faults, (struct store_fault_options){0});
        s.clients[0].stays_down = true; /* so that it is not repeated */
        sim_client_cut(&s.clients[0], 0);
        ben = &s.clients[1];
        op = sim_client_ask(ben, SIM_OP_MESSAGES, sim_client_room(ben, "general"));
        op->on = true; /* all behind 0 */
        op->text_n = 50;
        pass(&s, 2000);
        assert_int_equal(ben->rooms[sim_client_room(ben, "general")].follow.cursor, 3);
        end(&s);
    }
}

/* What a reader who comes back needs is larger than what may be kept: it was
 * read from the store again and again, and never given. */
static void more_than_the_cache_holds(void **state)
{
    static const char *const args[] = {"--tail-budget=64k", "--chunk-cache=64k", NULL};
    struct sim_room *r;
    struct scene s;

    (void)state;
    begin(&s, 1, 1, (struct sim_faults){0});
    start_node(&s, args, 3);
    enter(&s, 0, 0, "general");
    settle(&s, 5000);
    for (unsigned i = 0; i < 3; i++) {
        send_some(&s, 0, "general", 40, 3900);
        settle(&s, 20000);
    }
    r = &s.clients[1].rooms[sim_client_room(&s.clients[1], "general")];
    r->known = true; /* from the beginning */
    enter(&s, 1, 0, "general");
    settle(&s, 20000);
    assert_int_equal(r->follow.cursor, 121);
    end(&s);
}

/* Each node kept the epoch that it had drawn. */
static void made_on_two_nodes_at_once(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 40; n++) {
        struct scene s;

        begin(&s, 2, n, (struct sim_faults){.job_ms = 20});
        start_node(&s, NULL, 2);
        start_node(&s, NULL, 2);
        enter(&s, 0, 0, "lobby");
        enter(&s, 1, 1, "lobby");
        settle(&s, 5000);
        for (unsigned i = 0; i < 2; i++) {
            struct sim_client *c = &s.clients[i];

            sim_client_want(c, sim_client_room(c, "fresh"));
        }
        settle(&s, 5000);
        sim_client_cut(&s.clients[0], 0);
        s.clients[0].node = 1;
        send_some(&s, 1, "fresh", 3, 5);
        settle(&s, 5000);
        end(&s);
    }
}

/* A ring that came while the room was being read, or written, was dropped. */
static void rung_while_it_reads(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 40; n++) {
        struct scene s;

        begin(&s, 2, n, (struct sim_faults){.job_ms = 10, .latency_ms = 20});
        bus_model_set(s.buses, (struct bus_model_faults){.held_ms = 10});
        start_node(&s, NULL, 2);
        start_node(&s, NULL, 2);
        enter(&s, 0, 0, "general");
        enter(&s, 1, 1, "general");
        enter(&s, 2, 1, "general");
        settle(&s, 5000);
        store_fault_set(s.nodes[1]->faults,
                        (struct store_fault_options){.delay = 800, .turns_max = 1000});
        for (unsigned i = 0; i < 5; i++) {
            send_some(&s, 0, "general", 1, 5);
            pass(&s, 20 + rng_below(&s.rng, 30));
            send_some(&s, i % 3, "general", 1, 5);
            settle(&s, 1000);
        }
        end(&s);
    }
}

/* A client that knew more than the node it came to was told reset. */
static void from_a_node_that_knows_more(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, 2, 1, (struct sim_faults){0});
    bus_model_set(s.buses, (struct bus_model_faults){.lost = 1000, .look_ms = 60000});
    start_node(&s, NULL, 1);
    start_node(&s, NULL, 1);
    enter(&s, 0, 0, "general");
    enter(&s, 1, 1, "general");
    settle(&s, 5000);
    bus_model_turn(s.buses);
    s.clients[1].stays_down = true; /* what it is shown does not matter */
    send_some(&s, 0, "general", 5, 5);
    pass(&s, 1000);
    s.clients[0].node = 1;
    sim_client_cut(&s.clients[0], 0);
    settle(&s, 5000);
    end(&s);
}

CHECK_MAIN(cmocka_unit_test(stopped_while_it_starts),
           cmocka_unit_test(stopped_with_an_invitation_on_its_way),
           cmocka_unit_test(shown_though_said_to_fail), cmocka_unit_test(more_than_the_cache_holds),
           cmocka_unit_test(made_on_two_nodes_at_once), cmocka_unit_test(rung_while_it_reads),
           cmocka_unit_test(from_a_node_that_knows_more))
