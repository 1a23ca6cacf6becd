/* What holds between nodes, as scenes: each failed before there was what it is
 * about. */
#include "base/str.h"
#include "lib/check.h"
#include "lib/sim_scene.h"

static uint64_t reads_of(const struct sim_node *n)
{
    struct store_stats stats;

    store_stats(store_fault_store(n->faults), &stats);
    return stats.reads;
}

static uint64_t cursor_of(struct sim_scene *s, unsigned client, const char *room)
{
    struct sim_client *c = &s->clients[client];

    return c->rooms[sim_client_room(c, room)].follow.cursor;
}

/* What a doorbell brings is not read from the store; what is too long for one, is. */
static void a_doorbell_brings_the_entries(void **state)
{
    struct sim_scene s;
    uint64_t before;

    (void)state;
    sim_scene_begin(&s, 2, 1, (struct sim_faults){0});
    sim_scene_start(&s, NULL, 2);
    sim_scene_start(&s, NULL, 2);
    sim_scene_enter(&s, 0, 0, "general");
    sim_scene_enter(&s, 1, 1, "general");
    sim_scene_settle(&s, 5000);
    sim_scene_pass(&s, 5000); /* a look, once it follows */
    before = reads_of(s.nodes[1]);
    for (unsigned i = 0; i < 10; i++) {
        sim_scene_send(&s, 0, "general", 1 + i % 3, 20);
        sim_scene_pass(&s, 100);
    }
    assert_int_equal(cursor_of(&s, 1, "general"), cursor_of(&s, 0, "general"));
    assert_int_equal(reads_of(s.nodes[1]), before);
    sim_scene_send(&s, 0, "general", 2, 3900);
    sim_scene_pass(&s, 100);
    assert_int_equal(cursor_of(&s, 1, "general"), cursor_of(&s, 0, "general"));
    assert_int_equal(reads_of(s.nodes[1]), before + 1);
    sim_scene_end(&s);
}

CHECK_MAIN(cmocka_unit_test(a_doorbell_brings_the_entries))
