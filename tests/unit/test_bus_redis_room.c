#include "bus/bus_redis_room.h"

#include "lib/check.h"

#include <stdlib.h>

#define ROOMS 420000
#define ID_N 64

/* A bus with a link that is up, and sends what the test takes. */
struct room_rig {
    struct redis_core core;
    struct redis_shards shards;
    struct redis_rooms rooms;
};

static struct room_rig *room_rig_new(void)
{
    struct room_rig *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    r->shards.core = &r->core;
    bus_redis_room_init(&r->rooms, &r->shards);
    list_init(&r->shards.plain.rooms);
    list_init(&r->shards.plain.asked);
    r->shards.plain.subscribes.state = LINK_UP;
    buf_init(&r->shards.plain.subscribes.queued, QUEUE_MAX);
    return r;
}

static uint64_t names_in(struct str commands)
{
    uint64_t n = 0;

    for (size_t i = 0; i < commands.n; i++)
        n += commands.p[i] == 'x' && (i == 0 || commands.p[i - 1] == ':');
    return n;
}

/* However many rooms there are when Redis is back, what is said of them keeps within the
 * queue: the rest follows as the link sends. */
static void all_rooms_are_subscribed_to_within_the_queue(void **state)
{
    struct room_rig *b = room_rig_new();
    struct redis_shard *plain = &b->shards.plain;
    struct buf *queued = &plain->subscribes.queued;
    struct redis_room *rooms = calloc(ROOMS, sizeof(*rooms) + ID_N);
    uint64_t subscribed = 0;

    (void)state;
    assert_non_null(rooms);
    for (size_t i = 0; i < ROOMS; i++) {
        struct redis_room *r =
            (struct redis_room *)(void *)((uint8_t *)rooms + i * (sizeof(*rooms) + ID_N));

        r->id_n = ID_N;
        memset(r->id, 'y', ID_N);
        r->id[0] = 'x';
        r->at = plain;
        list_init(&r->here);
        list_init(&r->asked);
        list_push(&plain->rooms, &r->here);
    }
    bus_redis_room_subscribe_all(&b->rooms, plain);
    while (!list_empty(&plain->asked)) {
        bus_redis_room_subscribe(&b->rooms, plain);
        assert_false(queued->failed);
        subscribed += names_in(buf_peek(queued));
        buf_clear(queued);
    }
    assert_int_equal(subscribed, ROOMS);
    buf_fini(queued);
    free(rooms);
    free(b);
}

CHECK_MAIN(cmocka_unit_test(all_rooms_are_subscribed_to_within_the_queue))
