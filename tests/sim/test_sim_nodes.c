/* What holds between nodes, as scenes: each failed before there was what it is
 * about. */
#include "base/str.h"
#include "lib/check.h"
#include "lib/sim_scene.h"
#include "server/health/peers.h"

#include <string.h>

static uint64_t read_by(const struct sim_node *n)
{
    struct store_stats stats;

    store_stats(store_fault_store(n->faults), &stats);
    return stats.records_read;
}

static uint64_t cursor_of(struct sim_scene *s, unsigned client, const char *room)
{
    struct sim_client *c = &s->clients[client];

    return c->rooms[sim_client_room(c, room)].follow.cursor;
}

/* What doorbells bring is not read from the store, however many one batch takes; an
 * entry that is too long for one, is. */
static void a_doorbell_brings_the_entries(void **state)
{
    static const char *const args[] = {"--text-max=8000", NULL};
    struct sim_scene s;
    uint64_t before;

    (void)state;
    sim_scene_begin(&s, 2, 1, (struct sim_faults){0});
    sim_scene_start(&s, args, 2);
    sim_scene_start(&s, args, 2);
    sim_scene_enter(&s, 0, 0, "general");
    sim_scene_enter(&s, 1, 1, "general");
    sim_scene_settle(&s, 5000);
    sim_scene_pass(&s, 5000); /* a look, once it follows */
    peers_stop(s.nodes[1]->server->peers);
    before = read_by(s.nodes[1]);
    for (unsigned i = 0; i < 10; i++) {
        sim_scene_send(&s, 0, "general", 1 + i % 3, 20);
        sim_scene_pass(&s, 100);
    }
    assert_int_equal(cursor_of(&s, 1, "general"), cursor_of(&s, 0, "general"));
    sim_scene_send(&s, 0, "general", 20, 3900);
    sim_scene_pass(&s, 100);
    assert_int_equal(cursor_of(&s, 1, "general"), cursor_of(&s, 0, "general"));
    assert_int_equal(read_by(s.nodes[1]), before);
    sim_scene_send(&s, 0, "general", 3, 5000);
    sim_scene_pass(&s, 100);
    assert_int_equal(cursor_of(&s, 1, "general"), cursor_of(&s, 0, "general"));
    assert_in_range(read_by(s.nodes[1]), before + 1, before + 3);
    sim_scene_end(&s);
}

/* Two nodes between which no doorbell rings; all three have come. */
static void begin_deaf(struct sim_scene *s)
{
    sim_scene_begin(s, 2, 1, (struct sim_faults){0});
    sim_scene_start(s, NULL, 2);
    sim_scene_start(s, NULL, 2);
    for (unsigned i = 0; i < SIM_SCENE_CLIENTS; i++)
        sim_scene_enter(s, i, i > 0, "general");
    sim_scene_settle(s, 5000);
    sim_scene_pass(s, 5000);
    bus_model_set(s->buses, (struct bus_model_faults){.lost = 1000, .look_ms = 600000});
}

static void take_in(struct sim_scene *s, unsigned client, const char *room)
{
    struct sim_client *ana = &s->clients[0];
    struct sim_op *op = sim_client_ask(ana, SIM_OP_MEMBER, sim_client_room(ana, room));

    op->target = s->clients[client].user;
    op->word = "member";
    sim_scene_nudge(s);
    sim_scene_pass(s, 3000);
}

/* A node that has not heard yet refused who had just been let in. */
static void refused_by_who_had_not_heard(void **state)
{
    struct sim_scene s;
    struct sim_client *ana = &s.clients[0];

    (void)state;
    begin_deaf(&s);
    sim_client_ask(ana, SIM_OP_CREATE, sim_client_room(ana, "cellar"))->word = "private";
    sim_scene_pass(&s, 3000);
    take_in(&s, 1, "cellar");
    sim_scene_enter(&s, 1, 1, "cellar"); /* its node follows from now on */
    sim_scene_pass(&s, 3000);
    assert_int_equal(s.clients[1].rooms[sim_client_room(&s.clients[1], "cellar")].state,
                     SIM_ROOM_FOLLOWED);
    take_in(&s, 2, "cellar");
    sim_scene_enter(&s, 2, 1, "cellar");
    sim_scene_pass(&s, 3000);
    assert_int_equal(s.clients[2].rooms[sim_client_room(&s.clients[2], "cellar")].state,
                     SIM_ROOM_FOLLOWED);
    sim_scene_end(&s);
}

/* It called a message that its client had been told of unknown, and ended its
 * history before it. */
static void unknown_to_who_had_not_heard(void **state)
{
    struct sim_scene s;
    struct sim_client *ben = &s.clients[1];
    struct sim_op *op;
    uint64_t refused, pages;

    (void)state;
    begin_deaf(&s);
    sim_scene_send(&s, 0, "general", 3, 5);
    sim_scene_pass(&s, 3000);
    assert_int_equal(cursor_of(&s, 1, "general") + 3, cursor_of(&s, 0, "general"));
    refused = s.crowd.refused_n;
    pages = s.crowd.pages_n;
    op = sim_client_ask(ben, SIM_OP_REACT, sim_client_room(ben, "general"));
    op->target = cursor_of(&s, 0, "general");
    op->word = "\U0001f44d";
    op->on = true;
    sim_scene_nudge(&s);
    sim_scene_pass(&s, 3000);
    assert_int_equal(s.crowd.refused_n, refused);
    assert_int_equal(cursor_of(&s, 1, "general"), cursor_of(&s, 0, "general") + 1);
    sim_scene_send(&s, 0, "general", 3, 5);
    sim_scene_pass(&s, 3000);
    op = sim_client_ask(ben, SIM_OP_LOG, sim_client_room(ben, "general"));
    op->target = cursor_of(&s, 0, "general") - 1;
    op->text_n = 10;
    sim_scene_nudge(&s);
    sim_scene_pass(&s, 3000);
    assert_int_equal(s.crowd.pages_n, pages + 1);
    assert_int_equal(cursor_of(&s, 1, "general"), cursor_of(&s, 0, "general"));
    sim_scene_end(&s);
}

/* Who had not asked for their own log was not told, on another node, of what came
 * into it. */
static void told_on_another_node(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 20; n++) {
        struct sim_scene s;
        struct sim_op *op;

        sim_scene_begin(&s, 2, n, (struct sim_faults){.job_ms = 10});
        sim_scene_start(&s, NULL, 1 + n % 3);
        sim_scene_start(&s, NULL, 1 + n / 3 % 3);
        sim_scene_enter(&s, 0, 0, "general");
        sim_scene_enter(&s, 1, 1, "general");
        sim_scene_settle(&s, 5000);
        sim_client_cut(&s.clients[1], 100); /* and comes again */
        sim_scene_pass(&s, 2000);
        op = sim_client_ask(&s.clients[0], SIM_OP_DM, 0);
        op->target = s.clients[1].user;
        sim_scene_nudge(&s);
        sim_scene_pass(&s, 2000);
        assert_int_equal(s.clients[1].rooms[0].follow.cursor, 1);
        sim_scene_end(&s);
    }
}

static uint64_t revoked_n(const struct sim_node *n)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < n->o.workers; i++) {
        const struct metrics *m = n->server->workers[i].metrics;

        sum += metrics_sum(&m, 1, METRIC_close_revoked);
    }
    return sum;
}

/* Cat uses ben's session, on the other node. */
static void use_session_of_ben(struct sim_scene *s)
{
    const struct sim_client *ben = &s->clients[1];
    struct sim_client *cat = &s->clients[2];

    memcpy(cat->token, ben->token, sizeof(cat->token));
    cat->user = ben->user;
    for (unsigned i = 0; i < SIM_CLIENT_ROOMS; i++)
        cat->rooms[i].follow.user = ben->user;
    (void)sim_client_room(cat, "general");
    cat->node = 0;
    cat->stays_down = false;
    sim_scene_pass(s, 2000);
}

/* And ends it there. */
static void end_session(struct sim_scene *s)
{
    use_session_of_ben(s);
    (void)sim_client_ask(&s->clients[2], SIM_OP_LOGOUT, 0);
    sim_scene_nudge(s);
}

/* A session that was ended on one node lived on in others, or in one that drains and
 * has not yet asked its clients to go. */
static void ended_on_every_node(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 3; n++) {
        bool deaf = n > 0, drains = n > 1;
        struct sim_scene s;

        sim_scene_begin(&s, 2, 1, (struct sim_faults){0});
        bus_model_set(s.buses, (struct bus_model_faults){.lost = deaf ? 1000 : 0});
        sim_scene_start(&s, NULL, 2);
        sim_scene_start(&s, NULL, 3);
        sim_scene_enter(&s, 1, 1, "general");
        sim_scene_settle(&s, 5000);
        if (drains) {
            s.nodes[1]->conf.drain_ms = 600000;
            server_drain(s.nodes[1]->server);
        }
        end_session(&s);
        s.clients[1].stays_down = s.clients[2].stays_down = true; /* once they are closed */
        sim_scene_pass(&s, deaf ? 4500 : 10);
        assert_int_equal(revoked_n(s.nodes[1]), 1);
        sim_scene_end(&s);
    }
}

/* In a room of many, of what ben has read his device at the other node is told, and ana,
 * who is there too, is not. */
static void own_reading_on_another_node(void **state)
{
    static const char *const args[] = {"--presence-roster=1", NULL};
    struct sim_scene s;
    struct sim_client *ben = &s.clients[1], *cat = &s.clients[2];
    struct sim_op *op;

    (void)state;
    sim_scene_begin(&s, 2, 1, (struct sim_faults){0});
    sim_scene_start(&s, args, 2);
    sim_scene_start(&s, args, 2);
    sim_scene_enter(&s, 0, 0, "general");
    sim_scene_enter(&s, 1, 1, "general");
    sim_scene_settle(&s, 5000);
    use_session_of_ben(&s);
    sim_scene_pass(&s, 10000);
    sim_scene_send(&s, 0, "general", 3, 5);
    sim_scene_pass(&s, 3000);
    op = sim_client_ask(ben, SIM_OP_READ, sim_client_room(ben, "general"));
    op->target = cursor_of(&s, 0, "general");
    sim_scene_nudge(&s);
    sim_scene_pass(&s, 3000);
    assert_int_equal(cat->rooms[sim_client_room(cat, "general")].reads_n, 1);
    assert_int_equal(s.clients[0].rooms[sim_client_room(&s.clients[0], "general")].reads_n, 0);
    sim_scene_end(&s);
}

static uint64_t present(struct sim_scene *s, unsigned client)
{
    struct sim_client *c = &s->clients[client];

    return c->rooms[sim_client_room(c, "general")].present;
}

/* Each node told only of its own people. */
static void present_on_other_nodes(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 10; n++) {
        unsigned lost = n % 2 * 100;
        struct sim_scene s;

        sim_scene_begin(&s, 3, n, (struct sim_faults){0});
        bus_model_set(s.buses, (struct bus_model_faults){
                                   .lost = lost, .twice = lost, .held_ms = 20, .look_ms = 50});
        for (unsigned i = 0; i < 3; i++)
            sim_scene_start(&s, NULL, 1 + (n + i) % 3);
        for (unsigned i = 0; i < 3; i++) {
            sim_scene_enter(&s, i, i, "general");
            sim_scene_pass(&s, 100);
        }
        sim_scene_settle(&s, 5000);
        sim_scene_pass(&s, lost > 0 ? 60000 : 5000);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(present(&s, i), 3);
        s.clients[2].stays_down = true; /* leaves; its node lives */
        sim_client_cut(&s.clients[2], 0);
        sim_scene_pass(&s, 10000);
        assert_int_equal(present(&s, 0), 3); /* it may come back */
        sim_scene_pass(&s, lost > 0 ? 80000 : 30000);
        assert_int_equal(present(&s, 0), 2);
        bus_model_silence(s.nodes[1]->bus); /* this one dies */
        sim_scene_pass(&s, 30000);
        assert_int_equal(present(&s, 0), 1);
        s.clients[1].stays_down = true;
        sim_scene_end(&s);
    }
}

static uint64_t casts_of(struct sim_scene *s)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < s->nodes_n; i++) {
        struct bus_stats stats;

        bus_stats(s->nodes[i]->bus, &stats);
        sum += stats.casts;
    }
    return sum;
}

/* Nodes that said of every room every 20 s what all knew had little else to say. What
 * is new, and was lost unnoticed, is told of as soon as before. */
static void what_is_known_is_told_rarely(void **state)
{
    struct sim_scene s;
    uint64_t before;

    (void)state;
    sim_scene_begin(&s, 2, 1, (struct sim_faults){0});
    sim_scene_start(&s, NULL, 1);
    sim_scene_start(&s, NULL, 1);
    sim_scene_enter(&s, 0, 0, "general");
    sim_scene_enter(&s, 1, 1, "general");
    sim_scene_settle(&s, 5000);
    before = casts_of(&s);
    sim_scene_pass(&s, 1200000);
    assert_in_range(casts_of(&s) - before, 2 * 1200 / 160, 2 * (3 + 1200 / 120));
    assert_int_equal(present(&s, 0), 2);
    bus_model_set(s.buses, (struct bus_model_faults){.lost = 1000, .look_ms = 6000000});
    sim_scene_enter(&s, 2, 1, "general");
    sim_scene_pass(&s, 5000);
    assert_int_equal(present(&s, 0), 2);
    bus_model_set(s.buses, (struct bus_model_faults){.lost = 0, .look_ms = 6000000});
    sim_scene_pass(&s, 20000);
    assert_int_equal(present(&s, 0), 3);
    sim_scene_end(&s);
}

/* One person, on a connection to each node, got the rate of each. */
static void one_rate_on_all_nodes(void **state)
{
    static const char *const args[] = {"--messages-per-user=10", "--messages-burst=20", NULL};
    unsigned loops = 3 * 2;
    struct sim_scene s;
    uint64_t until;

    (void)state;
    sim_scene_begin(&s, 3, 1, (struct sim_faults){0});
    for (unsigned i = 0; i < 3; i++) {
        sim_scene_start(&s, args, 2);
        memcpy(s.clients[i].name, "ana/0", 6);
        s.clients[i].name[4] = (char)('0' + i);
        sim_scene_enter(&s, i, i, "general");
    }
    sim_scene_settle(&s, 20000);
    until = sim_now_ms(s.sim) + 60000;
    while (sim_now_ms(s.sim) < until) {
        for (unsigned i = 0; i < 3; i++)
            if (s.clients[i].ops_n < 10)
                sim_scene_send(&s, i, "general", 5, 3);
        sim_scene_step(&s);
    }
    assert_in_range(s.crowd.acked_n, 60 * 10 / 2, 60 * 10 + loops * (20 + 10));
    sim_scene_settle(&s, 60000);
    sim_scene_end(&s);
}

/* Ana and ben send without pause for a while, each to a node; ret_worst_ms: how long
 * each waited for the next acknowledgement at most. */
static void send_without_pause(struct sim_scene *s, uint64_t ms, uint64_t ret_worst_ms[2])
{
    uint64_t until = sim_now_ms(s->sim) + ms, since[2] = {0};
    unsigned sent[2] = {0};

    while (sim_now_ms(s->sim) < until) {
        uint64_t now = sim_now_ms(s->sim);

        for (unsigned i = 0; i < 2; i++) {
            const struct sim_client *c = &s->clients[i];

            if (c->sent_n != sent[i] || since[i] == 0)
                since[i] = now;
            sent[i] = c->sent_n;
            ret_worst_ms[i] = MAX(ret_worst_ms[i], now - since[i]);
            if (c->ops_n < 5)
                sim_scene_send(s, i, "general", 5, 3);
        }
        sim_scene_step(s);
    }
}

/* A node that is farther from the store than another never got to append. */
static void writers_take_turns(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 6; n++) {
        unsigned far_ms = n / 2 * 10, held_ms = n % 2 * 3;
        uint64_t worst_ms[2] = {0};
        struct sim_scene s;

        sim_scene_begin(&s, 2, n, (struct sim_faults){.job_ms = 5});
        bus_model_set(s.buses, (struct bus_model_faults){.held_ms = held_ms});
        for (unsigned i = 0; i < 2; i++) {
            sim_scene_start(&s, NULL, 2);
            sim_scene_enter(&s, i, i, "general");
        }
        sim_scene_settle(&s, 20000);
        sim_host_far(s.nodes[1]->host, far_ms);
        send_without_pause(&s, CHECK_SANITIZED ? 1500 : 10000, worst_ms);
        assert_in_range(worst_ms[0], 0, 50 + 5 * far_ms);
        assert_in_range(worst_ms[1], 0, 50 + 10 * far_ms);
        sim_scene_settle(&s, 60000);
        sim_scene_end(&s);
    }
}

/* Where nobody followed the room it was said to be empty. */
static void who_is_there_is_asked(void **state)
{
    (void)state;
    for (unsigned held_ms = 0; held_ms < 40; held_ms += 10) {
        struct sim_scene s;
        struct sim_client *cat = &s.clients[2];

        sim_scene_begin(&s, 3, held_ms, (struct sim_faults){0});
        bus_model_set(s.buses, (struct bus_model_faults){.held_ms = held_ms, .look_ms = held_ms});
        for (unsigned i = 0; i < 3; i++)
            sim_scene_start(&s, NULL, 2);
        sim_scene_enter(&s, 0, 0, "general");
        sim_scene_enter(&s, 1, 1, "general");
        sim_scene_enter(&s, 2, 2, "lobby");
        sim_scene_settle(&s, 5000);
        sim_scene_pass(&s, 5000);
        for (unsigned i = 0; i < 3; i++) {
            cat->rooms[sim_client_room(cat, "general")].present = 0;
            sim_client_ask(cat, SIM_OP_PRESENCE, sim_client_room(cat, "general"));
            sim_scene_nudge(&s);
            sim_scene_pass(&s, 1000);
            assert_int_equal(present(&s, 2), 2);
        }
        sim_scene_end(&s);
    }
}

CHECK_MAIN(cmocka_unit_test(who_is_there_is_asked), cmocka_unit_test(writers_take_turns),
           cmocka_unit_test(one_rate_on_all_nodes), cmocka_unit_test(present_on_other_nodes),
           cmocka_unit_test(what_is_known_is_told_rarely),
           cmocka_unit_test(own_reading_on_another_node), cmocka_unit_test(ended_on_every_node),
           cmocka_unit_test(told_on_another_node), cmocka_unit_test(a_doorbell_brings_the_entries),
           cmocka_unit_test(refused_by_who_had_not_heard),
           cmocka_unit_test(unknown_to_who_had_not_heard))
