#include "lib/sim_scene.h"

#include "base/str.h"
#include "lib/check.h"
#include "lib/sim_audit.h"

#include <string.h>

enum { PORT = 7000, STEPS_MAX = 3000000 };

static bool crowd_turn(void *arg)
{
    struct sim_scene *s = arg;
    uint64_t next = IO_FOREVER;

    io_wait(s->crowd.io, s->until_ms);
    for (unsigned i = 0; i < SIM_SCENE_CLIENTS; i++)
        next = MIN(next, sim_client_turn(&s->clients[i]));
    for (unsigned i = 0; i < SIM_SCENE_CLIENTS && s->moves; i++) {
        next = MIN(next, sim_client_turn(&s->seconds[i]));
        next = MIN(next, sim_mover_turn(&s->movers[i]));
    }
    for (unsigned i = 0; i < s->pipes_n; i++)
        next = MIN(next, sim_pipe_turn(&s->pipes[i]));
    s->until_ms = next;
    return !s->over;
}

void sim_scene_step(struct sim_scene *s)
{
    assert_true(sim_step(s->sim));
    sim_check_now(s->crowd.check, SIM_WALL_MS + sim_now_ms(s->sim));
    if (s->buses != NULL)
        bus_model_turn(s->buses);
    if (sim_check_violation(s->crowd.check) != NULL && !s->swapped)
        fail_msg("%s", sim_check_violation(s->crowd.check));
}

void sim_scene_nudge(struct sim_scene *s)
{
    s->until_ms = 0;
    io_wait(s->crowd.io, 0);
}

void sim_scene_pass(struct sim_scene *s, uint64_t ms)
{
    uint64_t until = sim_now_ms(s->sim) + ms;

    sim_scene_nudge(s);
    while (sim_now_ms(s->sim) < until)
        sim_scene_step(s);
}

void sim_scene_start(struct sim_scene *s, const char *const *args, unsigned workers)
{
    struct sim_node_options o = {
        .sim = s->sim,
        .rng = &s->rng,
        .disk = s->disk,
        .buses = s->buses,
        .redis = s->redis,
        .way = s->nodes_n,
        .args = {"--open", "--messages-per-user=0", "--drain-ms=500", "--connects-per-address=0"},
        .port = (uint16_t)(PORT + s->nodes_n),
        .workers = workers,
        .outlet = s->outlet,
        .trace = s->crowd.trace,
        .log_to = s->log_to};

    for (unsigned i = 0; args != NULL && args[i] != NULL; i++)
        o.args[4 + i] = args[i];
    s->crowd.addrs[s->crowd.addrs_n++] = sim_node_addr(o.port);
    s->nodes[s->nodes_n++] = sim_node_start(&o);
}

void sim_scene_begin(struct sim_scene *s, unsigned nodes, uint64_t seed, struct sim_faults faults)
{
    static const char *const names[SIM_SCENE_CLIENTS] = {"ana", "ben", "cat"};

    *s = (struct sim_scene){.sim = sim_new(seed, faults)};
    s->disk.mem = store_mem_disk_new();
    rng_init(&s->rng, seed);
    rng_init(&s->crowd.rng, seed + 1);
    s->crowd.trace = getenv("TRACE") != NULL;
    s->crowd.check = sim_check_new();
    if (nodes > 1)
        s->buses = bus_model_new(s->sim, &s->rng);
    s->host = sim_host_new(s->sim);
    assert_int_equal(host_io_new(s->host, &s->crowd.io), 0);
    for (unsigned i = 0; i < SIM_SCENE_CLIENTS; i++) {
        sim_client_init(&s->clients[i], &s->crowd, names[i]);
        s->clients[i].pinned = true;
        s->clients[i].stays_down = true;
    }
    assert_int_equal(host_start(s->host, s->crowd.io, crowd_turn, s), 0);
}

void sim_scene_dynamo(struct sim_scene *s, uint64_t seed)
{
    store_mem_disk_free(s->disk.mem);
    s->disk = (struct sim_disk){.dynamo = dynamo_model_new(s->sim, seed)};
}

void sim_scene_redis(struct sim_scene *s, uint64_t seed)
{
    bus_model_free(s->buses);
    s->buses = NULL;
    s->other_redis = s->redis;
    s->redis = redis_model_new(s->sim, seed);
}

void sim_scene_moves(struct sim_scene *s)
{
    char name[SIM_CLIENT_ID];

    s->moves = true;
    for (unsigned i = 0; i < SIM_SCENE_CLIENTS; i++) {
        (void)snprintf(name, sizeof(name), "%s/2", s->clients[i].name);
        sim_client_init(&s->seconds[i], &s->crowd, name);
        s->seconds[i].pinned = s->seconds[i].stays_down = true;
        sim_mover_init(&s->movers[i], &s->clients[i], &s->seconds[i]);
    }
}

struct sim_pipe *sim_scene_pipe(struct sim_scene *s, unsigned node, const struct sim_pipe_ops *ops,
                                void *ctx)
{
    struct sim_pipe *p = &s->pipes[s->pipes_n];

    assert_true(s->pipes_n < SIM_SCENE_PIPES);
    while (!s->nodes[node]->serving)
        sim_scene_step(s);
    sim_pipe_init(p, ops, s->crowd.io, &s->crowd.rng);
    p->ctx = ctx;
    s->pipes_n++;
    sim_pipe_open(p, &s->crowd.addrs[node]);
    while (p->link.state != SIM_LINK_HTTP)
        sim_scene_step(s);
    return p;
}

/* What the client uses. */
static struct sim_client *line_of(struct sim_scene *s, unsigned client)
{
    return s->moves ? s->movers[client].line : &s->clients[client];
}

void sim_scene_enter(struct sim_scene *s, unsigned client, unsigned node, const char *room)
{
    struct sim_client *c = &s->clients[client];

    c->node = node;
    c->stays_down = false;
    sim_client_want(c, sim_client_room(c, room));
}

static bool all_quiet(struct sim_scene *s, const char **ret_who, const char **ret_why)
{
    const char *room;

    for (unsigned i = 0; i < SIM_SCENE_CLIENTS; i++) {
        const struct sim_client *c = line_of(s, i);

        *ret_who = c->name;
        if (!c->stays_down && !sim_client_is_quiet(c, ret_why, &room))
            return false;
    }
    return true;
}

void sim_scene_settle(struct sim_scene *s, uint64_t ms)
{
    uint64_t until = sim_now_ms(s->sim) + ms;
    const char *who, *why;

    sim_scene_nudge(s);
    while (!all_quiet(s, &who, &why)) {
        sim_scene_step(s);
        if (sim_now_ms(s->sim) > until)
            fail_msg("%s %s", who, why);
    }
}

void sim_scene_send(struct sim_scene *s, unsigned client, const char *room, unsigned n,
                    unsigned length)
{
    struct sim_client *c = line_of(s, client);

    for (unsigned i = 0; i < n; i++) {
        struct sim_op *op = sim_client_ask(c, SIM_OP_SEND, sim_client_room(c, room));

        assert_non_null(op);
        op->text_seed = i;
        op->text_n = length;
    }
    sim_scene_nudge(s);
}

static void stop_nodes(struct sim_scene *s)
{
    for (unsigned i = 0; i < s->nodes_n; i++)
        sim_node_stop(s->nodes[i]);
    for (unsigned i = 0; i < s->nodes_n; i++) {
        for (unsigned n = 0; !sim_node_ended(s->nodes[i]); n++) {
            sim_scene_step(s);
            assert_true(n < STEPS_MAX);
        }
    }
    for (unsigned i = 0; i < s->nodes_n; i++)
        sim_node_free(s->nodes[i]);
    s->nodes_n = 0;
}

void sim_scene_end(struct sim_scene *s)
{
    bool open = true;

    stop_nodes(s);
    if (!s->swapped)
        sim_audit_run(s->crowd.check, &s->disk);
    for (unsigned i = 0; i < SIM_SCENE_CLIENTS; i++) {
        s->clients[i].stays_down = s->seconds[i].stays_down = true;
        sim_link_cut(&s->clients[i].link);
        if (s->moves)
            sim_link_cut(&s->seconds[i].link);
    }
    for (unsigned i = 0; i < s->pipes_n; i++)
        sim_link_cut(&s->pipes[i].link);
    sim_scene_nudge(s);
    while (open) {
        sim_scene_step(s);
        open = false;
        for (unsigned i = 0; i < s->pipes_n; i++)
            open = open || s->pipes[i].link.state != SIM_LINK_DOWN || s->pipes[i].n > 0;
        for (unsigned i = 0; i < SIM_SCENE_CLIENTS; i++)
            open = open || s->clients[i].link.state != SIM_LINK_DOWN ||
                   s->seconds[i].link.state != SIM_LINK_DOWN;
    }
    s->over = true;
    sim_scene_nudge(s);
    host_join(s->host);
    for (unsigned i = 0; i < s->pipes_n; i++)
        sim_pipe_fini(&s->pipes[i]);
    io_free(s->crowd.io);
    host_free(s->host);
    bus_model_free(s->buses);
    redis_model_free(s->redis);
    redis_model_free(s->other_redis);
    dynamo_model_free(s->disk.dynamo);
    sim_free(s->sim);
    store_mem_disk_free(s->disk.mem);
    if (!s->swapped)
        assert_null(sim_check_violation(s->crowd.check));
    sim_check_free(s->crowd.check);
}
