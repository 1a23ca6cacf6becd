/* Each cell of the table of moves, beside the drawing in server/node/lifecycle.h. */
#include "server/node/lifecycle.h"

#include "lib/check.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* A row is where it stands, a column where it goes: STARTING OPENING SERVING MOVING LEAVING
 * CLOSING SAVING SETTLED PARTING ENDED. */
static const char *const drawn[LIFECYCLE_N][LIFE_N] = {
    [LIFECYCLE_NODE] =
        {
            [LIFE_STARTING] = ".x...x....",
            [LIFE_OPENING] = "..x..x....",
            [LIFE_SERVING] = "...xxx....",
            [LIFE_MOVING] = "..x.x.....",
            [LIFE_LEAVING] = ".....x....",
            [LIFE_CLOSING] = ".......x..",
            [LIFE_SAVING] = "..........",
            [LIFE_SETTLED] = "........x.",
            [LIFE_PARTING] = ".........x",
            [LIFE_ENDED] = "..........",
        },
    [LIFECYCLE_WORKER] =
        {
            [LIFE_STARTING] = "..........",
            [LIFE_OPENING] = "..........",
            [LIFE_SERVING] = "...x.x....",
            [LIFE_MOVING] = "..x..x....",
            [LIFE_LEAVING] = "..........",
            [LIFE_CLOSING] = "......x...",
            [LIFE_SAVING] = ".......x..",
            [LIFE_SETTLED] = ".....x...x",
            [LIFE_PARTING] = "..........",
            [LIFE_ENDED] = "..........",
        },
};

/* Goes there in a process of its own. Returns whether that survived. */
static bool survives(enum lifecycle_of of, enum lifecycle_phase from, enum lifecycle_phase to)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        struct lifecycle l;

        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        lifecycle_init(&l, of);
        atomic_store(&l.phase, (int)from);
        lifecycle_go(&l, to);
        _exit(lifecycle_at(&l) == to ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void each_move_is_as_drawn(void **state)
{
    (void)state;
    for (unsigned of = 0; of < LIFECYCLE_N; of++)
        for (unsigned from = 0; from < LIFE_N; from++)
            for (unsigned to = 0; to < LIFE_N; to++) {
                bool may = drawn[of][from][to] == 'x';

                assert_int_equal(lifecycle_may(of, from, to), may);
                assert_int_equal(survives(of, from, to), may);
            }
}

static void a_node_starts_and_a_worker_serves(void **state)
{
    struct lifecycle node, worker;

    (void)state;
    lifecycle_init(&node, LIFECYCLE_NODE);
    lifecycle_init(&worker, LIFECYCLE_WORKER);
    assert_int_equal(lifecycle_at(&node), LIFE_STARTING);
    assert_int_equal(lifecycle_at(&worker), LIFE_SERVING);
}

/* What balancers and people read of each phase. */
static void ready_says_where_it_stands(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LIFE_N; i++)
        assert_string_equal(lifecycle_text(i), i < LIFE_SERVING    ? "starting"
                                               : i == LIFE_SERVING ? "ready"
                                                                   : "draining");
}

CHECK_MAIN(cmocka_unit_test(each_move_is_as_drawn),
           cmocka_unit_test(a_node_starts_and_a_worker_serves),
           cmocka_unit_test(ready_says_where_it_stands))
