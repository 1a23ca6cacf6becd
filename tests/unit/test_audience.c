/* When a worker tells who came to a room. */
#include "base/str.h"
#include "chat/feed/feed.h"
#include "lib/worker_rig.h"
#include "server/conn/audience.h"

#include <stdio.h>

enum { ROOMS = 1000, QUIET_MS = 250, STORM_MS = 1000 };

static struct worker_rig rig;

static int begin(void **state)
{
    (void)state;
    worker_rig_init(&rig);
    wheel_init(&rig.worker.wheel, rig.now_ms);
    rig.worker.feeds.wheel = &rig.worker.wheel;
    feed_set_init(&rig.worker.feeds);
    return 0;
}

static int end(void **state)
{
    (void)state;
    feed_set_fini(&rig.worker.feeds);
    worker_rig_fini(&rig);
    return 0;
}

/* Somebody comes to that room: after how many ms its presence is due. */
static uint64_t come(unsigned number)
{
    char id[16];
    int n = snprintf(id, sizeof(id), "room-%u", number);
    struct feed *feed = feed_make(&rig.worker.feeds, (struct str){(const uint8_t *)id, (size_t)n});

    audience_changed(&rig.worker, feed, true);
    return feed->timer.at_ms - rig.now_ms;
}

/* To each of many rooms somebody comes every now and then: what is quiet for one room
 * is none for the worker, whose rooms would all be told of each who comes. */
static void a_storm_over_many_rooms_is_waited_for(void **state)
{
    (void)state;
    assert_int_equal(come(0), QUIET_MS);
    for (unsigned i = 1; i < ROOMS; i++)
        (void)come(i);
    assert_int_equal(come(0), STORM_MS);
    rig.now_ms += 1000; /* it goes on */
    assert_int_equal(come(1), STORM_MS);
    rig.now_ms += 1000; /* it is over */
    assert_int_equal(come(2), QUIET_MS);
}

CHECK_MAIN(cmocka_unit_test_setup_teardown(a_storm_over_many_rooms_is_waited_for, begin, end))
