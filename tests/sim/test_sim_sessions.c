/* Sessions that end at one node while another is cut off, stands still, or has a wrong
 * clock: how long they live on there, and what the others notice. */
#include "base/str.h"
#include "lib/check.h"
#include "lib/sim_scene.h"
#include "server/node/alarms.h"

#include <stdio.h>
#include <string.h>

enum { ANA, BEN, CAT };

#define SECOND UINT64_C(1000)
#define MINUTE UINT64_C(60000)
#define HOUR (INT64_C(3600) * 1000)

static uint64_t closed_n(const struct sim_node *n)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < n->o.workers; i++) {
        const struct metrics *m = n->server->workers[i].metrics;

        sum += metrics_sum(&m, 1, METRIC_close_revoked);
    }
    return sum;
}

static uint64_t cursor_of(struct sim_scene *s, unsigned client)
{
    struct sim_client *c = &s->clients[client];

    return c->rooms[sim_client_room(c, "general")].follow.cursor;
}

/* Ana and ben are at node 1, cat at node 0 with ben's session, on which the bus of node 1
 * goes deaf. */
static void begin(struct sim_scene *s, const char *const *args, uint64_t seed)
{
    const struct sim_client *ben = &s->clients[BEN];
    struct sim_client *cat = &s->clients[CAT];

    sim_scene_begin(s, 2, seed, (struct sim_faults){0});
    sim_scene_start(s, args, 2);
    sim_scene_start(s, args, 3);
    sim_scene_enter(s, ANA, 1, "general");
    sim_scene_enter(s, BEN, 1, "general");
    sim_scene_settle(s, 5 * SECOND);
    memcpy(cat->token, ben->token, sizeof(cat->token));
    cat->user = ben->user;
    for (unsigned i = 0; i < SIM_CLIENT_ROOMS; i++)
        cat->rooms[i].follow.user = ben->user;
    sim_scene_enter(s, CAT, 0, "general");
    sim_scene_settle(s, 5 * SECOND);
    bus_model_set(s->buses, (struct bus_model_faults){.lost = 1000, .look_ms = 600000});
}

/* Cat ends the session that ben has too; neither comes again. */
static void end_session(struct sim_scene *s)
{
    (void)sim_client_ask(&s->clients[CAT], SIM_OP_LOGOUT, 0);
    s->clients[BEN].stays_down = s->clients[CAT].stays_down = true;
    sim_scene_pass(s, SECOND);
    assert_int_equal(s->clients[CAT].link.state, SIM_LINK_DOWN);
    assert_int_equal(s->clients[CAT].link.close_code, 4401);
    assert_int_equal(closed_n(s->nodes[1]), 0);
}

/* Node 1 reaches the store, or not. */
static void cut(struct sim_scene *s, bool on)
{
    store_fault_set(s->nodes[1]->faults, (struct store_fault_options){.fail = on ? 1000 : 0});
}

static bool is_raised(const struct sim_scene *s, enum alarm id)
{
    return alarms_is(s->nodes[1]->server->alarms, id);
}

/* Ben is closed within 5 s from now on, as one whose session has ended; ana stays. */
static void expect_end(struct sim_scene *s)
{
    sim_scene_pass(s, 5 * SECOND);
    assert_int_equal(closed_n(s->nodes[1]), 1);
    assert_int_equal(s->clients[BEN].link.close_code, 4401);
    assert_true(s->clients[ANA].authed);
    assert_false(is_raised(s, ALARM_sessions));
}

/* Only the minutes about the present were listed. */
static void ended_while_a_node_was_cut_off(void **state)
{
    static const uint64_t long_ms[] = {30 * SECOND, 150 * SECOND, 8 * MINUTE, 30 * MINUTE,
                                       3 * 60 * MINUTE};

    (void)state;
    for (unsigned i = 0; i < COUNTOF(long_ms); i++) {
        struct sim_scene s;

        begin(&s, NULL, 1);
        cut(&s, true);
        sim_scene_pass(&s, SECOND);
        end_session(&s);
        assert_false(is_raised(&s, ALARM_sessions));
        sim_scene_pass(&s, long_ms[i]);
        assert_true(is_raised(&s, ALARM_sessions));
        cut(&s, false);
        expect_end(&s);
        sim_scene_end(&s);
    }
}

/* It was its own clock by which a node listed the minutes. */
static void ended_while_a_clock_was_wrong(void **state)
{
    static const int64_t wrong_ms[] = {-180 * 1000, 180 * 1000, -HOUR, HOUR, -48 * HOUR, 48 * HOUR};

    (void)state;
    for (unsigned i = 0; i < COUNTOF(wrong_ms) * 2; i++) {
        struct sim_scene s;

        begin(&s, NULL, 1);
        sim_host_clock(s.nodes[1]->host, wrong_ms[i / 2], 0);
        if (i % 2 == 1)
            sim_host_clock(s.nodes[0]->host, -wrong_ms[i / 2], 0);
        sim_scene_pass(&s, 10 * SECOND);
        end_session(&s);
        expect_end(&s);
        sim_scene_end(&s);
    }
}

/* Worker 0 had heard of it, and did not tell the others when it was listed. */
static void heard_by_some_workers_only(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 20; n++) {
        struct sim_scene s;

        begin(&s, NULL, n);
        bus_model_set(s.buses, (struct bus_model_faults){.lost = 500, .look_ms = 600000});
        (void)sim_client_ask(&s.clients[CAT], SIM_OP_LOGOUT, 0);
        s.clients[BEN].stays_down = s.clients[CAT].stays_down = true;
        expect_end(&s);
        sim_scene_end(&s);
    }
}

struct record {
    struct store_put put;
    char sk[24];
    unsigned *left;
};

static void put_done(struct store_req *req)
{
    struct record *r = CONTAINER_OF(req, struct record, put.req);

    assert_int_equal(req->result, STORE_OK);
    --*r->left;
    free(r);
}

/* So many others have ended their sessions. */
static void end_others(struct sim_scene *s, unsigned n)
{
    unsigned left = n;

    for (unsigned i = 0; i < n; i++) {
        struct record *r = calloc(1, sizeof(*r));

        assert_non_null(r);
        r->left = &left;
        (void)snprintf(r->sk, sizeof(r->sk), "0%u", i + 1); /* before all true ones */
        r->put = (struct store_put){.req = {.home = s->crowd.io, .done = put_done},
                                    .pk = STR("revoked"),
                                    .sk = str_of(r->sk),
                                    .body = STR("1800000000000"),
                                    .expect = STORE_REV_ANY};
        store_put(store_fault_store(s->nodes[0]->faults), &r->put);
    }
    while (left > 0)
        sim_scene_step(s);
}

/* Of a list of many pages some fail: it is read on from there. */
static void a_long_list_is_read_whole(void **state)
{
    unsigned pages = 12;
    struct sim_scene s;

    (void)state;
    begin(&s, NULL, 1);
    end_others(&s, pages * 1000);
    cut(&s, true);
    sim_scene_pass(&s, SECOND);
    end_session(&s);
    sim_scene_pass(&s, 20 * MINUTE);
    store_fault_set(s.nodes[1]->faults, (struct store_fault_options){.fail = 500});
    sim_scene_pass(&s, pages * 12 * SECOND);
    assert_int_equal(closed_n(s.nodes[1]), 1);
    cut(&s, false);
    expect_end(&s);
    sim_scene_end(&s);
}

/* Ben says something every half second for a while; when he was acknowledged last, from now
 * on, or 0. */
static uint64_t talk(struct sim_scene *s, uint64_t ms)
{
    uint64_t from = sim_now_ms(s->sim), last = 0;
    unsigned sent = s->clients[BEN].sent_n;

    while (sim_now_ms(s->sim) < from + ms) {
        if (s->clients[BEN].ops_n == 0)
            sim_scene_send(s, BEN, "general", 1, 5);
        sim_scene_pass(s, 500);
        if (s->clients[BEN].sent_n != sent)
            last = sim_now_ms(s->sim) - from;
        sent = s->clients[BEN].sent_n;
    }
    return last;
}

/* Somebody who follows a room by HTTP (server/http/door_tail.h). */
struct tailer {
    struct io *io;
    struct io_op in, out;
    struct str part;
    size_t n;
    char request[2048], heard[64 * 1024];
};

static void tailer_heard(struct io_op *op, int result, uint8_t *data)
{
    struct tailer *t = CONTAINER_OF(op, struct tailer, in);

    if (result <= 0)
        return;
    assert_true(t->n + (size_t)result < sizeof(t->heard));
    memcpy(t->heard + t->n, data, (size_t)result);
    t->n += (size_t)result;
    io_recv(t->io, op);
}

static void tailer_said(struct io_op *op, int result, uint8_t *data)
{
    struct tailer *t = CONTAINER_OF(op, struct tailer, out);

    (void)data;
    assert_true(result >= 0);
    t->part = str_skip(t->part, (size_t)result); /* nothing, once it is connected */
    if (t->part.n > 0)
        io_send(t->io, op, &t->part, 1);
}

static struct tailer *tail(struct sim_scene *s, unsigned node, const char *token)
{
    struct tailer *t = calloc(1, sizeof(*t));

    assert_non_null(t);
    t->io = s->crowd.io;
    t->out.done = tailer_said;
    t->in.done = tailer_heard;
    (void)snprintf(t->request, sizeof(t->request),
                   "GET /api/v1/rooms/general/tail?after=0 HTTP/1.1\r\nHost: localhost\r\n"
                   "Authorization: Bearer %s\r\n\r\n",
                   token);
    t->part = str_of(t->request);
    io_connect(t->io, &t->out, &s->crowd.addrs[node]);
    while (t->part.n > 0 || t->out.in_flight)
        sim_scene_step(s);
    t->in.fd = t->out.fd;
    io_recv(t->io, &t->in);
    sim_scene_pass(s, SECOND);
    assert_non_null(strstr(t->heard, " 200 OK\r\n"));
    return t;
}

static unsigned messages_n(const struct tailer *t)
{
    unsigned n = 0;

    for (const char *at = t->heard; (at = strstr(at, "\"event\":\"message\"")) != NULL; at++)
        n++;
    return n;
}

static void tail_end(struct sim_scene *s, struct tailer *t)
{
    io_cancel(t->io, &t->in);
    while (t->in.in_flight)
        sim_scene_step(s);
    io_close(t->io, t->out.fd);
    free(t);
}

/* A node that appended and read, but could not list who had gone, took what they sent for
 * ever, and showed them what others said. */
static void what_cannot_be_proven_is_held(void **state)
{
    struct sim_scene s;
    uint64_t last, held, shown;
    struct tailer *t;
    unsigned tailed;

    (void)state;
    begin(&s, NULL, 1);
    t = tail(&s, 1, s.clients[ANA].token);
    store_fault_set(s.nodes[1]->faults, (struct store_fault_options){.lists = true});
    end_session(&s);
    last = talk(&s, 2 * MINUTE);
    assert_in_range(last, 50 * SECOND, 61 * SECOND);
    assert_true(is_raised(&s, ALARM_sessions));
    assert_int_equal(closed_n(s.nodes[1]), 0); /* nobody is sent away for it */
    held = cursor_of(&s, BEN);
    shown = cursor_of(&s, ANA);
    tailed = messages_n(t);
    assert_true(tailed > 0);
    sim_scene_send(&s, ANA, "general", 3, 5); /* hers are refused as well, for now */
    sim_scene_pass(&s, 10 * SECOND);
    assert_int_equal(s.clients[ANA].ops_n, 3);
    bus_model_set(s.buses, (struct bus_model_faults){0}); /* what was lost stays so */
    s.clients[CAT].token[0] = '\0'; /* a session of his own, at the other node */
    memcpy(s.clients[CAT].name, "dan", 4);
    s.clients[CAT].user = 0;
    sim_scene_enter(&s, CAT, 0, "general");
    sim_scene_pass(&s, 5 * SECOND);
    sim_scene_send(&s, CAT, "general", 2, 5);
    sim_scene_pass(&s, 10 * SECOND);
    assert_int_equal(cursor_of(&s, BEN), held);
    assert_int_equal(cursor_of(&s, ANA), shown);
    assert_int_equal(messages_n(t), tailed);
    store_fault_set(s.nodes[1]->faults, (struct store_fault_options){0});
    expect_end(&s);
    assert_int_equal(cursor_of(&s, BEN), held); /* nothing more before the end */
    sim_scene_settle(&s, 20 * SECOND);
    assert_true(cursor_of(&s, ANA) >= shown + 5);
    assert_true(messages_n(t) >= tailed + 5);
    tail_end(&s, t);
    sim_scene_end(&s);
}

/* A process that stood still believed what it had known before. */
static void a_node_stood_still(void **state)
{
    static const char *const args[] = {"--dead-after=1h", NULL};

    (void)state;
    for (unsigned n = 0; n < 8; n++) {
        struct sim_scene s;
        unsigned before;

        begin(&s, args, n);
        before = s.clients[BEN].sent_n;
        sim_host_freeze(s.nodes[1]->host, 150 * SECOND);
        sim_scene_pass(&s, SECOND + n);
        end_session(&s);
        sim_scene_pass(&s, 140 * SECOND);
        sim_scene_send(&s, BEN, "general", 5, 5);
        sim_scene_pass(&s, 20 * SECOND);
        assert_int_equal(s.clients[BEN].sent_n, before);
        assert_int_equal(closed_n(s.nodes[1]), 1);
        sim_scene_end(&s);
    }
}

/* Alone, a node has ended all that was ended: nothing is unproven, whatever the store does. */
static void one_node_knows_by_itself(void **state)
{
    struct sim_scene s;

    (void)state;
    sim_scene_begin(&s, 1, 1, (struct sim_faults){0});
    sim_scene_start(&s, NULL, 2);
    sim_scene_enter(&s, BEN, 0, "general");
    sim_scene_settle(&s, 5 * SECOND);
    store_fault_set(s.nodes[0]->faults, (struct store_fault_options){.lists = true});
    assert_in_range(talk(&s, 5 * MINUTE), 299 * SECOND, 301 * SECOND);
    assert_false(alarms_is(s.nodes[0]->server->alarms, ALARM_sessions));
    sim_scene_end(&s);
}

/* Nobody was told of a clock that was an hour ahead. */
static void a_wrong_clock_is_said(void **state)
{
    struct sim_scene s;
    const struct metrics *m;

    (void)state;
    begin(&s, NULL, 1);
    m = s.nodes[1]->server->workers[0].metrics;
    sim_scene_pass(&s, 2 * SECOND);
    assert_false(is_raised(&s, ALARM_clock));
    sim_host_clock(s.nodes[1]->host, -HOUR, 0);
    sim_scene_pass(&s, 2 * SECOND);
    assert_true(is_raised(&s, ALARM_clock));
    assert_int_equal(metrics_sum(&m, 1, METRIC_clock_offset), 3600);
    sim_host_clock(s.nodes[1]->host, 29000, 0);
    sim_scene_pass(&s, 2 * SECOND);
    assert_false(is_raised(&s, ALARM_clock));
    sim_scene_end(&s);
}

CHECK_MAIN(cmocka_unit_test(ended_while_a_node_was_cut_off),
           cmocka_unit_test(ended_while_a_clock_was_wrong),
           cmocka_unit_test(heard_by_some_workers_only),
           cmocka_unit_test(a_long_list_is_read_whole),
           cmocka_unit_test(what_cannot_be_proven_is_held), cmocka_unit_test(a_node_stood_still),
           cmocka_unit_test(one_node_knows_by_itself), cmocka_unit_test(a_wrong_clock_is_said))
