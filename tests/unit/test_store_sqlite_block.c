#include "base/rng.h"
#include "base/str.h"
#include "lib/check.h"
#include "store/store_sqlite_block.h"

static void block_gives_back_what_it_was_made_of(void **state)
{
    const struct str entries[] = {STR("one"), STR(""), STR("three")};
    struct frame *f = store_sqlite_block_make(entries, 3);
    struct store_sqlite_block b;
    struct str e;

    (void)state;
    assert_true(store_sqlite_block_open(frame_str(f), &b));
    assert_int_equal(b.n, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(store_sqlite_block_next(&b, &e));
        assert_true(str_eq(e, entries[i]));
    }
    assert_false(store_sqlite_block_next(&b, &e));
    frame_unref(f);
}

static void block_replaces(void **state)
{
    const struct str entries[] = {STR("two"), STR("three"), STR("4")};
    const struct str wanted[] = {STR("two"), STR("something longer"), STR("4")};
    struct frame *block = store_sqlite_block_make(entries, 3);
    struct frame *replaced, *expected = store_sqlite_block_make(wanted, 3);
    struct store_sqlite_block b;

    (void)state;
    assert_true(store_sqlite_block_open(frame_str(block), &b));
    replaced = store_sqlite_block_replace(b, 1, STR("something longer"));
    assert_true(str_eq(frame_str(replaced), frame_str(expected)));
    frame_unref(block);
    frame_unref(replaced);
    frame_unref(expected);
}

/* Every cut, and every byte added, is noticed; every changed byte is either
 * noticed or leaves a block that can be walked. */
static void block_notices_damage(void **state)
{
    const struct str entries[] = {STR("one"), STR("22"), STR("three and a bit")};
    struct frame *f = store_sqlite_block_make(entries, 3);
    struct store_sqlite_block b;
    struct str e;
    struct rng rng;

    (void)state;
    for (uint32_t n = 0; n < f->n; n++)
        assert_false(store_sqlite_block_open((struct str){f->bytes, n}, &b));
    rng_init(&rng, check_seed(1));
    for (unsigned i = 0; i < 20000; i++) {
        struct frame *g = frame_copy(frame_str(f));
        unsigned n = 0;

        g->bytes[rng_below(&rng, g->n)] = (uint8_t)rng_u64(&rng);
        if (store_sqlite_block_open(frame_str(g), &b)) {
            unsigned all = b.n;

            while (store_sqlite_block_next(&b, &e))
                n++;
            assert_int_equal(n, all);
            assert_int_equal(b.rest.n, 0);
        }
        frame_unref(g);
    }
    frame_unref(f);
}

CHECK_MAIN(cmocka_unit_test(block_gives_back_what_it_was_made_of), cmocka_unit_test(block_replaces),
           cmocka_unit_test(block_notices_damage))
