#include "base/map.h"
#include "base/rng.h"
#include "lib/check.h"

#include <string.h>

struct item {
    struct map_node node;
    uint64_t key;
    bool in;
    unsigned visits;
};

enum { ITEMS = 3000 };

static struct item items[ITEMS];

static struct item *item_of(const struct map_node *node)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct item, node);
}

static bool item_eq(const struct map_node *node, const void *key)
{
    return item_of(node)->key == *(const uint64_t *)key;
}

/* Many keys share a hash, to have chains. */
static uint64_t hash_of(uint64_t key)
{
    return key % 1000 * UINT64_C(0x9e3779b97f4a7c15);
}

static void items_reset(void)
{
    for (size_t i = 0; i < ITEMS; i++)
        items[i] = (struct item){.key = i};
}

static void check_all(const struct map *m)
{
    size_t in = 0;

    for (size_t i = 0; i < ITEMS; i++) {
        struct map_node *found = map_find(m, hash_of(items[i].key), item_eq, &items[i].key);

        assert_ptr_equal(found, items[i].in ? &items[i].node : NULL);
        in += items[i].in;
    }
    assert_int_equal(map_n(m), in);
}

static void map_agrees_with_a_model(void **state)
{
    struct map m;
    struct rng r;
    unsigned add_share = 800;

    (void)state;
    items_reset();
    rng_init(&r, check_seed(5));
    map_init(&m);
    check_all(&m);
    for (int step = 0; step < 60000; step++) {
        struct item *item = &items[rng_below(&r, ITEMS)];
        bool add = rng_chance(&r, add_share);

        if (add && !item->in)
            map_add(&m, &item->node, hash_of(item->key));
        else if (!add && item->in)
            map_remove(&m, &item->node);
        item->in = add;
        if (step % 10000 == 9999) {
            check_all(&m);
            add_share = 1000 - add_share;
        }
    }
    map_fini(&m);
    assert_int_equal(map_n(&m), 0);
}

static void map_grows_shrinks_and_holds_nothing_empty(void **state)
{
    struct map m;
    size_t full;

    (void)state;
    items_reset();
    map_init(&m);
    assert_null(m.buckets);
    for (size_t i = 0; i < ITEMS; i++)
        map_add(&m, &items[i].node, i);
    full = m.cap;
    assert_int_equal(full, 4096);
    for (size_t i = 1; i < ITEMS; i++)
        map_remove(&m, &items[i].node);
    map_add(&m, &items[1].node, 1);
    assert_int_equal(m.cap, 8);
    assert_non_null(map_find(&m, 0, item_eq, &items[0].key));
    map_remove(&m, &items[0].node);
    map_remove(&m, &items[1].node);
    assert_null(m.buckets);
    assert_null(map_find(&m, 1, item_eq, &items[1].key));
}

static void map_iterates_while_removing(void **state)
{
    struct map m;
    struct map_iter it;

    (void)state;
    items_reset();
    map_init(&m);
    assert_null(map_first(&m, &it));
    for (size_t i = 0; i < ITEMS; i++)
        map_add(&m, &items[i].node, hash_of(i));
    for (int pass = 0; pass < 2; pass++)
        for (struct map_node *n = map_first(&m, &it); n != NULL; n = map_next(&it)) {
            item_of(n)->visits++;
            if (pass == 1 || item_of(n)->key % 3 == 0) {
                map_remove(&m, n);
                memset(n, 0xa5, sizeof(*n));
            }
        }
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(items[i].visits, i % 3 == 0 ? 1 : 2);
    assert_int_equal(map_n(&m), 0);
    assert_null(m.buckets);
}

CHECK_MAIN(cmocka_unit_test(map_agrees_with_a_model),
           cmocka_unit_test(map_grows_shrinks_and_holds_nothing_empty),
           cmocka_unit_test(map_iterates_while_removing))
