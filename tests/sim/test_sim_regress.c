/* What stories found, as scenes of their own: each failed before it was mended. */
#include "base/str.h"
#include "lib/check.h"
#include "lib/sim_scene.h"
#include "server/sio/eio_sid.h"

#include <stdio.h>
#include <string.h>

/* The store's answers to the start came after the worker had ended. */
static void stopped_while_it_starts(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 120; n++) {
        struct sim_scene s;

        sim_scene_begin(&s, 1, n, (struct sim_faults){.job_ms = 3});
        sim_scene_start(&s, NULL, 1 + n % 3);
        for (unsigned i = 0; i < n; i++)
            sim_scene_step(&s);
        sim_scene_end(&s);
    }
}

/* A worker that had settled was given an invitation by another. */
static void stopped_with_an_invitation_on_its_way(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 150; n++) {
        struct sim_client *ana;
        struct sim_op *op;
        struct sim_scene s;

        sim_scene_begin(&s, 1, n, (struct sim_faults){.job_ms = 20});
        sim_scene_start(&s, NULL, 3);
        sim_scene_enter(&s, 0, 0, "general");
        sim_scene_enter(&s, 1, 0, "general");
        sim_scene_settle(&s, 5000);
        ana = &s.clients[0];
        sim_client_ask(ana, SIM_OP_CREATE, sim_client_room(ana, "cellar"))->word = "private";
        sim_scene_settle(&s, 5000);
        op = sim_client_ask(ana, SIM_OP_MEMBER, sim_client_room(ana, "cellar"));
        op->target = s.clients[1].user;
        op->word = "member";
        sim_scene_pass(&s, 1 + n % 20);
        for (unsigned i = 0; i < 2; i++) {
            s.clients[i].stays_down = true;
            sim_client_cut(&s.clients[i], 0);
        }
        sim_scene_end(&s);
    }
}

/* An entry that had landed though the store said that it failed was shown to
 * nobody until the next; a page held it, beyond the head that it named. */
static void shown_though_said_to_fail(void **state)
{
    (void)state;
    for (unsigned nodes = 1; nodes <= 2; nodes++) {
        struct sim_client *ben;
        struct sim_op *op;
        struct sim_scene s;

        sim_scene_begin(&s, nodes, nodes, (struct sim_faults){0});
        for (unsigned i = 0; i < nodes; i++)
            sim_scene_start(&s, NULL, 2);
        sim_scene_enter(&s, 0, 0, "general");
        sim_scene_enter(&s, 1, nodes - 1, "general");
        sim_scene_settle(&s, 5000);
        sim_scene_send(&s, 0, "general", 1, 5);
        sim_scene_settle(&s, 5000);
        store_fault_set(s.nodes[0]->faults,
                        (struct store_fault_options){.lose = 1000, .turns_max = 1});
        sim_scene_send(&s, 0, "general", 1, 5);
        while (store_fault_count(s.nodes[0]->faults).lost == 0)
            sim_scene_step(&s);
        store_fault_set(s.nodes[0]->faults, (struct store_fault_options){0});
        s.clients[0].stays_down = true; /* so that it is not repeated */
        sim_client_cut(&s.clients[0], 0);
        ben = &s.clients[1];
        op = sim_client_ask(ben, SIM_OP_MESSAGES, sim_client_room(ben, "general"));
        op->on = true; /* all behind 0 */
        op->text_n = 50;
        sim_scene_pass(&s, 2000);
        assert_int_equal(ben->rooms[sim_client_room(ben, "general")].follow.cursor, 3);
        sim_scene_end(&s);
    }
}

/* What a reader who comes back needs is larger than what may be kept: it was
 * read from the store again and again, and never given. */
static void more_than_the_cache_holds(void **state)
{
    static const char *const args[] = {"--tail-budget=64k", "--chunk-cache=64k", NULL};
    struct sim_room *r;
    struct sim_scene s;

    (void)state;
    sim_scene_begin(&s, 1, 1, (struct sim_faults){0});
    sim_scene_start(&s, args, 3);
    sim_scene_enter(&s, 0, 0, "general");
    sim_scene_settle(&s, 5000);
    for (unsigned i = 0; i < 3; i++) {
        sim_scene_send(&s, 0, "general", 40, 3900);
        sim_scene_settle(&s, 20000);
    }
    r = &s.clients[1].rooms[sim_client_room(&s.clients[1], "general")];
    r->known = true; /* from the beginning */
    sim_scene_enter(&s, 1, 0, "general");
    sim_scene_settle(&s, 20000);
    assert_int_equal(r->follow.cursor, 121);
    sim_scene_end(&s);
}

/* Each node kept the epoch that it had drawn. */
static void made_on_two_nodes_at_once(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 40; n++) {
        struct sim_scene s;

        sim_scene_begin(&s, 2, n, (struct sim_faults){.job_ms = 20});
        sim_scene_start(&s, NULL, 2);
        sim_scene_start(&s, NULL, 2);
        sim_scene_enter(&s, 0, 0, "lobby");
        sim_scene_enter(&s, 1, 1, "lobby");
        sim_scene_settle(&s, 5000);
        for (unsigned i = 0; i < 2; i++) {
            struct sim_client *c = &s.clients[i];

            sim_client_want(c, sim_client_room(c, "fresh"));
        }
        sim_scene_settle(&s, 5000);
        sim_client_cut(&s.clients[0], 0);
        s.clients[0].node = 1;
        sim_scene_send(&s, 1, "fresh", 3, 5);
        sim_scene_settle(&s, 5000);
        sim_scene_end(&s);
    }
}

/* A ring that came while the room was being read, or written, was dropped. */
static void rung_while_it_reads(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 40; n++) {
        struct sim_scene s;

        sim_scene_begin(&s, 2, n, (struct sim_faults){.job_ms = 10, .latency_ms = 20});
        bus_model_set(s.buses, (struct bus_model_faults){.held_ms = 10});
        sim_scene_start(&s, NULL, 2);
        sim_scene_start(&s, NULL, 2);
        sim_scene_enter(&s, 0, 0, "general");
        sim_scene_enter(&s, 1, 1, "general");
        sim_scene_enter(&s, 2, 1, "general");
        sim_scene_settle(&s, 5000);
        store_fault_set(s.nodes[1]->faults,
                        (struct store_fault_options){.delay = 800, .turns_max = 1000});
        for (unsigned i = 0; i < 5; i++) {
            sim_scene_send(&s, 0, "general", 1, 5);
            sim_scene_pass(&s, 20 + rng_below(&s.rng, 30));
            sim_scene_send(&s, i % 3, "general", 1, 5);
            sim_scene_settle(&s, 1000);
        }
        sim_scene_end(&s);
    }
}

/* A client that knew more than the node it came to was told reset. */
static void from_a_node_that_knows_more(void **state)
{
    struct sim_scene s;

    (void)state;
    sim_scene_begin(&s, 2, 1, (struct sim_faults){0});
    bus_model_set(s.buses, (struct bus_model_faults){.lost = 1000, .look_ms = 60000});
    sim_scene_start(&s, NULL, 1);
    sim_scene_start(&s, NULL, 1);
    sim_scene_enter(&s, 0, 0, "general");
    sim_scene_enter(&s, 1, 1, "general");
    sim_scene_settle(&s, 5000);
    bus_model_turn(s.buses);
    s.clients[1].stays_down = true; /* what it is shown does not matter */
    sim_scene_send(&s, 0, "general", 5, 5);
    sim_scene_pass(&s, 1000);
    s.clients[0].node = 1;
    sim_client_cut(&s.clients[0], 0);
    sim_scene_settle(&s, 5000);
    sim_scene_end(&s);
}

/* While the room looked in vain, a change that failed made room for one that had
 * doubts: it began a second look within the first's end. */
static void doubts_when_a_look_fails(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 100; n++) {
        struct sim_client *ana;
        struct sim_scene s;
        unsigned general;

        sim_scene_begin(&s, 2, n, (struct sim_faults){.job_ms = 5});
        sim_scene_start(&s, NULL, 1);
        sim_scene_start(&s, NULL, 1);
        sim_scene_enter(&s, 0, 0, "general");
        sim_scene_enter(&s, 1, 1, "general");
        sim_scene_settle(&s, 5000);
        sim_scene_send(&s, 0, "general", 1, 5);
        sim_scene_settle(&s, 5000);
        ana = &s.clients[0];
        general = sim_client_room(ana, "general");
        bus_model_set(s.buses, (struct bus_model_faults){.lost = 1000, .look_ms = 3000});
        sim_scene_send(&s, 1, "general", 1, 5); /* what ana's node writes now is in conflict */
        sim_scene_pass(&s, 500);
        sim_host_far(s.nodes[0]->host, 10);
        store_fault_set(s.nodes[0]->faults, (struct store_fault_options){.fail = 300});
        for (unsigned i = 0; i < 4; i++) {
            struct sim_op *op = sim_client_ask(ana, SIM_OP_REACT, general);

            op->target = ana->rooms[general].follow.cursor + (i > 0 ? 5 : 0);
            op->word = "x";
            op->on = true;
        }
        sim_scene_nudge(&s);
        sim_scene_pass(&s, 20 + n % 30);
        sim_client_ask(ana, SIM_OP_READ, general)->target = ana->rooms[general].seen + 9;
        sim_scene_nudge(&s);
        sim_scene_pass(&s, 300);
        store_fault_set(s.nodes[0]->faults, (struct store_fault_options){0});
        sim_scene_settle(&s, 20000);
        sim_scene_end(&s);
    }
}

/* The store gave up on a write, which was done when the room had looked for it once:
 * nobody was shown it until the next. */
static void done_after_it_was_looked_for(void **state)
{
    unsigned late = 0;

    (void)state;
    for (unsigned n = 0; n < 20; n++) {
        const struct sim_follow *ben, *cat;
        struct sim_scene s;

        sim_scene_begin(&s, 2, n, (struct sim_faults){0});
        sim_scene_dynamo(&s, n);
        sim_scene_start(&s, NULL, 2);
        sim_scene_start(&s, NULL, 2);
        sim_scene_enter(&s, 0, 0, "general");
        sim_scene_enter(&s, 1, n % 2, "general");
        sim_scene_settle(&s, 5000);
        sim_scene_send(&s, 0, "general", 1, 5);
        sim_scene_settle(&s, 5000);
        ben = &s.clients[1].rooms[sim_client_room(&s.clients[1], "general")].follow;
        dynamo_model_set_faults(s.disk.dynamo, (struct dynamo_model_faults){.fail = 1000});
        sim_scene_send(&s, 0, "general", 1, 5);
        sim_scene_pass(&s, SIM_DISK_DEADLINE_MS * 3 / 4);
        s.clients[0].stays_down = true; /* so that it is not repeated */
        sim_client_cut(&s.clients[0], 0);
        dynamo_model_set_faults(s.disk.dynamo,
                                (struct dynamo_model_faults){.lost = 1000, .late_ms = 6000});
        sim_scene_pass(&s, SIM_DISK_DEADLINE_MS / 4);
        dynamo_model_set_faults(s.disk.dynamo, (struct dynamo_model_faults){0});
        sim_scene_pass(&s, 1000);
        late += ben->cursor == 2;
        sim_scene_pass(&s, 20000);
        sim_scene_enter(&s, 2, 0, "general");
        sim_scene_settle(&s, 5000);
        sim_scene_pass(&s, 1000);
        cat = &s.clients[2].rooms[sim_client_room(&s.clients[2], "general")].follow;
        assert_int_equal(ben->cursor, cat->cursor);
        sim_scene_end(&s);
    }
    assert_true(late > 0);
}

/* What was answered on the pipes of a scene, in order. */
struct answers {
    int status[8];
    unsigned n, lost_n;
    char sid[64];  /* of a session that was opened */
    char last[64]; /* the last body, as much as fits */
};

static void pipe_answered(struct sim_pipe *p, unsigned tag, int status, struct str body)
{
    struct answers *a = p->ctx;
    const char *sid = memmem(body.p, body.n, "\"sid\":\"", 7);

    (void)tag;
    a->status[a->n++ % COUNTOF(a->status)] = status;
    (void)snprintf(a->last, sizeof(a->last), "%.*s", (int)MIN(body.n, sizeof(a->last)), body.p);
    if (sid != NULL)
        (void)snprintf(a->sid, sizeof(a->sid), "%.34s", sid + 7);
}

static void pipe_lost(struct sim_pipe *p, unsigned tag)
{
    struct answers *a = p->ctx;

    (void)tag;
    a->lost_n++;
}

static const struct sim_pipe_ops pipe_ops = {.answered = pipe_answered, .lost = pipe_lost};

#define POLL "/socket.io/?EIO=4&transport=polling"

static void until_answered(struct sim_scene *s, struct answers *a, unsigned n)
{
    sim_scene_nudge(s);
    while (a->n + a->lost_n < n)
        sim_scene_step(s);
}

/* A polled session, perhaps of another worker than the pipe's. */
static void open_session(struct sim_scene *s, struct answers *a, char target[static 120])
{
    struct sim_pipe *p = sim_scene_pipe(s, 0, &pipe_ops, a);

    assert_true(sim_pipe_ask(p, 0, POLL, NULL, SIM_PIPE_PLAIN));
    until_answered(s, a, 1);
    assert_int_equal(a->status[0], 200);
    (void)snprintf(target, 120, POLL "&sid=%s", a->sid);
}

/* A request for a session of another worker, behind one whose answer was just sent:
 * the socket moved with a receive in flight. */
static void a_session_elsewhere_behind_another_request(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 40; n++) {
        struct answers first = {0}, second = {0};
        char target[120];
        struct sim_pipe *p;
        struct sim_scene s;

        sim_scene_begin(&s, 1, n, (struct sim_faults){.records = n % 3 == 2 ? 1000 : 0});
        sim_scene_start(&s, NULL, 2);
        open_session(&s, &first, target);
        p = sim_scene_pipe(&s, 0, &pipe_ops, &second);
        assert_true(sim_pipe_ask(p, 0, "/api/v1/none", NULL, SIM_PIPE_PLAIN));
        assert_true(sim_pipe_ask(p, 0, target, NULL, SIM_PIPE_PLAIN));
        until_answered(&s, &second, 2); /* the ping */
        assert_int_equal(second.lost_n, 0);
        assert_int_equal(second.status[0], 404);
        assert_int_equal(second.status[1], 200);
        sim_scene_end(&s);
    }
}

/* A session that had ended forgot its last words after a second: who polled later, over a slow
 * network or from a page in the background, was told that there was no such session. */
static void last_words_of_a_session(void **state)
{
    static const char *const args[] = {"--auth-timeout", "2s", NULL};
    static const struct {
        uint64_t after_ms;
        int status;
        const char *body;
    } asked[] = {{5000, 200, "1"},
                 {20000, 200, "1"}, /* the time that a pong has is not over */
                 {40000, 400, "{\"code\":1,\"message\":\"Session ID unknown\"}"}};

    (void)state;
    for (unsigned n = 0; n < 4 * COUNTOF(asked); n++) {
        struct answers first = {0}, second = {0};
        char target[120];
        struct sim_pipe *p;
        struct sim_scene s;

        sim_scene_begin(&s, 1, n, (struct sim_faults){0});
        sim_scene_start(&s, args, 2);
        open_session(&s, &first, target);
        sim_scene_pass(&s, asked[n / 4].after_ms); /* it did not log in */
        p = sim_scene_pipe(&s, 0, &pipe_ops, &second);
        assert_true(sim_pipe_ask(p, 0, target, NULL, SIM_PIPE_PLAIN));
        until_answered(&s, &second, 1);
        assert_int_equal(second.status[0], asked[n / 4].status);
        assert_string_equal(second.last, asked[n / 4].body);
        sim_scene_end(&s);
    }
}

/* More packets in one body than what answers them may hold: the session was freed
 * under those who answered. */
static void more_packets_than_answers_may_hold(void **state)
{
    enum { PACKETS = 94000 };

    (void)state;
    for (unsigned n = 0; n < 4; n++) {
        struct answers first = {0}, second = {0};
        struct buf body CLEANUP(buf_fini);
        struct str said;
        char target[120];
        struct sim_pipe *p;
        struct sim_scene s;

        buf_init(&body, 3 * PACKETS);
        for (unsigned i = 0; i < PACKETS; i++)
            buf_append(&body, i == 0 ? STR("40")
                                     : STR("\x1e"
                                           "40"));
        said = buf_peek(&body);
        sim_scene_begin(&s, 1, n, (struct sim_faults){0});
        sim_scene_start(&s, NULL, 2);
        open_session(&s, &first, target);
        p = sim_scene_pipe(&s, 0, &pipe_ops, &second);
        assert_true(sim_pipe_ask(p, 0, target, &said, n % SIM_PIPE_FORMS));
        until_answered(&s, &second, 1);
        assert_int_equal(second.n, 1);
        sim_scene_end(&s);
    }
}

/* A session id that names a worker which its node does not have, asked for at another
 * node: the request waited for its deadline, because nobody heard it. */
static void a_session_of_a_worker_that_is_not_there(void **state)
{
    enum { SOON_MS = 2000 };

    (void)state;
    for (unsigned n = 0; n < 12; n++) {
        struct answers first = {0}, second = {0};
        struct eio_sid sid;
        struct str said = STR("40");
        char target[120];
        struct sim_pipe *p;
        struct sim_scene s;
        uint64_t asked_ms;

        sim_scene_begin(&s, 2, n, (struct sim_faults){0});
        sim_scene_start(&s, NULL, 2);
        sim_scene_start(&s, NULL, 2);
        sim_scene_pass(&s, 1000); /* the nodes know each other */
        open_session(&s, &first, target);
        assert_true(eio_sid_parse(str_of(first.sid), &sid));
        sid.worker = n % 2 == 0 ? 2 : 255;
        sid.id[0] ^= 1; /* it is nobody's: the first worker would know its own */
        eio_sid_write(&sid, target + strlen(POLL "&sid="));
        p = sim_scene_pipe(&s, 1, &pipe_ops, &second);
        asked_ms = sim_now_ms(s.sim);
        assert_true(sim_pipe_ask(p, 0, target, n % 3 == 0 ? &said : NULL, SIM_PIPE_PLAIN));
        until_answered(&s, &second, 1);
        assert_int_equal(second.status[0], 400);
        assert_in_range(sim_now_ms(s.sim) - asked_ms, 0, SOON_MS);
        sim_scene_end(&s);
    }
}

CHECK_MAIN(cmocka_unit_test(a_session_elsewhere_behind_another_request),
           cmocka_unit_test(a_session_of_a_worker_that_is_not_there),
           cmocka_unit_test(last_words_of_a_session),
           cmocka_unit_test(more_packets_than_answers_may_hold),
           cmocka_unit_test(stopped_while_it_starts),
           cmocka_unit_test(stopped_with_an_invitation_on_its_way),
           cmocka_unit_test(shown_though_said_to_fail), cmocka_unit_test(more_than_the_cache_holds),
           cmocka_unit_test(made_on_two_nodes_at_once), cmocka_unit_test(rung_while_it_reads),
           cmocka_unit_test(from_a_node_that_knows_more),
           cmocka_unit_test(doubts_when_a_look_fails),
           cmocka_unit_test(done_after_it_was_looked_for))
