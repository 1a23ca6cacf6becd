/* A store that has lost entries in the middle of a log: items that somebody deleted. The
 * room goes on: who comes back, pages through it, or comes to a node that begins anew is
 * shown what there is, in order, and that the rest is lost; and the nodes say so. */
#include "base/str.h"
#include "lib/check.h"
#include "lib/sim_scene.h"
#include "server/node/alarms.h"

#include <string.h>

enum { SEEDS = 20, SAID = 40 };

static uint64_t cursor_of(struct sim_scene *s, unsigned client)
{
    struct sim_client *c = &s->clients[client];

    return c->rooms[sim_client_room(c, "general")].follow.cursor;
}

/* One entry each time: an item of its own. */
static void say(struct sim_scene *s, unsigned client, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t before = cursor_of(s, client);

        sim_scene_send(s, client, "general", 1, 20);
        while (cursor_of(s, client) == before)
            sim_scene_step(s);
    }
}

static void lose(struct sim_scene *s, uint64_t from, uint64_t n)
{
    struct sim_client *ana = &s->clients[0];

    sim_check_lost(ana->rooms[sim_client_room(ana, "general")].follow.log, from, n);
    if (s->disk.dynamo == NULL)
        store_mem_disk_lose(s->disk.mem, STR("general"), from, n);
    for (uint64_t seq = from; s->disk.dynamo != NULL && seq < from + n; seq++)
        dynamo_model_lose(s->disk.dynamo, STR("general"), seq);
}

static void look_back(struct sim_scene *s, unsigned client, enum sim_op_kind kind, uint64_t target)
{
    struct sim_client *c = &s->clients[client];
    uint64_t before = s->crowd.pages_n;
    struct sim_op *op = sim_client_ask(c, kind, sim_client_room(c, "general"));

    assert_non_null(op);
    op->target = target;
    op->text_n = 50;
    sim_scene_nudge(s);
    sim_scene_pass(s, 3000);
    assert_true(s->crowd.pages_n > before);
}

/* Ana says all of it; ben goes away in the midst, and comes back behind the hole. */
static void tell(uint64_t seed, bool dynamo)
{
    struct sim_scene s;
    uint64_t from, n;

    sim_scene_begin(&s, 3, seed, (struct sim_faults){.job_ms = 5});
    if (dynamo)
        sim_scene_dynamo(&s, seed);
    sim_scene_start(&s, NULL, 1 + (unsigned)seed % 2);
    sim_scene_start(&s, NULL, 2);
    sim_scene_enter(&s, 0, 0, "general");
    sim_scene_enter(&s, 1, 1, "general");
    sim_scene_settle(&s, 20000);
    say(&s, 0, 5);
    sim_scene_settle(&s, 20000);
    s.clients[1].stays_down = true;
    sim_client_cut(&s.clients[1], 0);
    say(&s, 0, SAID);
    from = 3 + rng_below(&s.rng, SAID - 10);
    n = 1 + rng_below(&s.rng, SAID - from);
    lose(&s, from, n);
    sim_scene_start(&s, NULL, 2);
    sim_scene_enter(&s, 2, 2, "general"); /* a node that has to read it all */
    s.clients[1].stays_down = false;
    sim_scene_settle(&s, 20000);
    say(&s, 2, 3);
    sim_scene_settle(&s, 20000);
    assert_int_equal(cursor_of(&s, 1), cursor_of(&s, 0));
    for (unsigned i = 0; i < 3; i++) {
        look_back(&s, i, SIM_OP_LOG, 0);
        look_back(&s, i, SIM_OP_LOG, from);
        look_back(&s, i, SIM_OP_MESSAGES, cursor_of(&s, 0));
        assert_true(alarms_is(s.nodes[i]->server->alarms, ALARM_hole));
    }
    sim_scene_pass(&s, 700000); /* when nobody has read there for long, it is over */
    assert_false(alarms_is(s.nodes[0]->server->alarms, ALARM_hole));
    sim_scene_end(&s);
}

static void items_are_lost(void **state)
{
    (void)state;
    CHECK_EACH_SEED (seed, SEEDS)
        tell(seed, seed % 2 == 0);
}

CHECK_MAIN(cmocka_unit_test(items_are_lost))
