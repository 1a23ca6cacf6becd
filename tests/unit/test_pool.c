#include "base/pool.h"
#include "base/rng.h"
#include "lib/check.h"

#include <string.h>

#define OBJECTS 5000

struct thing {
    uint64_t number, pad[5];
};

/* Random gets and puts: objects are zeroed, distinct and keep what is written. */
static void pool_gives_and_takes(void **state)
{
    static struct thing *things[OBJECTS];
    struct pool p;
    struct rng r;
    size_t n = 0;

    (void)state;
    pool_init(&p, sizeof(struct thing));
    rng_init(&r, check_seed(1));
    for (uint64_t i = 1; i < 200000; i++) {
        size_t at = rng_below(&r, OBJECTS);

        if (things[at] == NULL) {
            things[at] = pool_get(&p);
            assert_int_equal(things[at]->number, 0);
            assert_int_equal(things[at]->pad[4], 0);
            things[at]->number = at + 1;
            things[at]->pad[4] = i;
            n++;
        } else {
            assert_int_equal(things[at]->number, at + 1);
            pool_put(&p, things[at]);
            things[at] = NULL;
            n--;
        }
        assert_int_equal(p.used, n);
    }
    for (size_t i = 0; i < OBJECTS; i++)
        if (things[i] != NULL)
            pool_put(&p, things[i]);
    assert_int_equal(p.used, 0);
    assert_true(p.slabs <= 1);
    pool_fini(&p);
}

CHECK_MAIN(cmocka_unit_test(pool_gives_and_takes))
