#include "bus/bus_redis_shard.h"

#include "lib/check.h"

static const struct redis_shards_ops none;

/* A link may be up again before anybody has seen that it was down: what it was asked goes
 * unanswered, and the slots are asked for anew. */
static void slots_are_asked_for_again(void **state)
{
    static struct redis_core core;
    static struct redis_shards shards = {.caller.core = &core, .targets.n = 1};
    struct redis_link *scout = &shards.cluster.scout;

    (void)state;
    bus_redis_shard_init(&shards, &none);
    shards.cluster.asking = true;
    scout->ops->answered(scout, (struct redis_asked){.kind = ASKED_PROBE}, NULL);
    assert_true(shards.cluster.asking);
    scout->ops->answered(scout, (struct redis_asked){.kind = ASKED_SLOTS}, NULL);
    assert_false(shards.cluster.asking);
    core.ending = true;
    bus_redis_shard_fini(&shards);
}

CHECK_MAIN(cmocka_unit_test(slots_are_asked_for_again))
