#include "chat/tail.h"

#include "base/rng.h"
#include "lib/check.h"

static void an_empty_tail_has_nothing(void **state)
{
    const struct tail_slot *slot;
    struct tail t;

    (void)state;
    tail_init(&t, 41);
    assert_int_equal(t.first, 42);
    assert_int_equal(t.last, 41);
    assert_int_equal(tail_find(&t, 0, 1, 2, &slot), 0);
    tail_fini(&t);
}

static void push(struct tail *t, uint64_t from, uint64_t cid)
{
    tail_push(t, &(struct tail_slot){.from = from, .cid = cid, .content = t->last + 1});
}

static void the_newest_is_found(void **state)
{
    const struct tail_slot *slot;
    struct tail t;

    (void)state;
    tail_init(&t, 10);
    push(&t, 1, 5);
    push(&t, 2, 5);
    push(&t, 1, 5);
    push(&t, 0, 0);
    assert_int_equal(tail_find(&t, 0, 1, 5, &slot), 13);
    assert_int_equal(slot->content, 13);
    assert_int_equal(tail_find(&t, 12, 1, 5, &slot), 13);
    assert_int_equal(tail_find(&t, 13, 1, 5, &slot), 0);
    assert_int_equal(tail_find(&t, 0, 2, 5, &slot), 12);
    assert_int_equal(tail_find(&t, 12, 2, 5, &slot), 0);
    assert_int_equal(tail_find(&t, 0, 1, 6, &slot), 0);
    assert_int_equal(tail_find(&t, 0, 3, 5, &slot), 0);
    assert_int_equal(tail_find(&t, UINT64_MAX - 1, 1, 5, &slot), 0);
    tail_fini(&t);
}

static void it_keeps_the_newest(void **state)
{
    const struct tail_slot *slot;
    struct tail t;

    (void)state;
    tail_init(&t, 0);
    for (uint64_t seq = 1; seq <= 3 * TAIL_MAX + 5; seq++) {
        push(&t, 1, seq);
        assert_int_equal(t.last, seq);
        assert_int_equal(t.first, seq > TAIL_MAX ? seq - TAIL_MAX + 1 : 1);
        assert_int_equal(tail_find(&t, 0, 1, t.first, &slot), t.first);
        assert_int_equal(tail_find(&t, 0, 1, t.first - 1, &slot), 0);
    }
    tail_fini(&t);
}

/* Random pushes and questions against an array. */
static void it_agrees_with_a_model(void **state)
{
    static struct tail_slot model[8000];
    const struct tail_slot *slot;
    struct rng rng;

    (void)state;
    rng_init(&rng, check_seed(3));
    for (int round = 0; round < 30; round++) {
        uint64_t head = rng_below(&rng, 5000), first = head + 1, last = head;
        struct tail t;

        tail_init(&t, head);
        for (unsigned n = 1 + (unsigned)rng_below(&rng, 2500); n > 0; n--) {
            struct tail_slot s = {.from = rng_below(&rng, 3), .cid = rng_below(&rng, 40)};
            uint64_t after = rng_below(&rng, last + 2), want = last + 1;

            s.content = model[++last].content + 1;
            model[last] = s;
            tail_push(&t, &s);
            first = MAX(first, last >= TAIL_MAX ? last - TAIL_MAX + 1 : 1);
            s = (struct tail_slot){.from = rng_below(&rng, 3), .cid = rng_below(&rng, 40)};
            for (want = last; want > after && want >= first; want--)
                if (model[want].from == s.from && model[want].cid == s.cid)
                    break;
            if (want <= after || want < first)
                want = 0;
            assert_int_equal(t.first, first);
            assert_int_equal(tail_find(&t, after, s.from, s.cid, &slot), want);
            if (want > 0)
                assert_int_equal(slot->content, model[want].content);
        }
        tail_fini(&t);
    }
}

CHECK_MAIN(cmocka_unit_test(an_empty_tail_has_nothing), cmocka_unit_test(the_newest_is_found),
           cmocka_unit_test(it_keeps_the_newest), cmocka_unit_test(it_agrees_with_a_model))
