#include "base/rng.h"
#include "chat/room/tail.h"
#include "lib/check.h"

#define ENTRIES 40000
#define PEOPLE 5
#define CIDS 50

static struct tail_slot slots[ENTRIES + 1];

/* What tail_find has to say, by looking at everything. */
static uint64_t find_slowly(const struct tail *t, uint64_t after, uint64_t from, uint64_t cid)
{
    for (uint64_t seq = t->last; seq > after && seq >= t->first; seq--)
        if (slots[seq].from == from && slots[seq].cid == cid)
            return seq;
    return 0;
}

static void fill_and_ask(uint64_t seed, uint64_t step_ms)
{
    const struct tail_slot *found;
    struct rng r;
    struct tail t;
    uint64_t now = 1000;

    rng_init(&r, seed);
    tail_init(&t, 0);
    assert_int_equal(tail_find(&t, 0, 1, 1, &found), 0);
    for (uint64_t seq = 1; seq <= ENTRIES; seq++, now += step_ms) {
        uint64_t from = 1 + rng_below(&r, PEOPLE), cid = 1 + rng_below(&r, CIDS);
        uint64_t after = rng_below(&r, seq), expected, got;

        slots[seq] = (struct tail_slot){.ts_ms = now, .count = seq, .content = seq * 3};
        if (rng_chance(&r, 900)) {
            slots[seq].from = 1 + rng_below(&r, PEOPLE);
            slots[seq].cid = 1 + rng_below(&r, CIDS);
        }
        tail_push(&t, &slots[seq]);
        assert_int_equal(t.last, seq);
        expected = find_slowly(&t, after, from, cid);
        got = tail_find(&t, after, from, cid, &found);
        assert_int_equal(got, expected);
        if (got > 0) {
            assert_int_equal(found->count, got);
            assert_int_equal(found->content, got * 3);
        }
    }
    assert_true(t.cap <= TAIL_MAX);
    tail_fini(&t);
}

static void tail_finds_what_a_scan_finds(void **state)
{
    (void)state;
    fill_and_ask(check_seed(1), 1);
    fill_and_ask(check_seed(2), 500);
}

/* A quiet room keeps little, a fast one what its rate asks for. */
static void tail_grows_with_the_rate(void **state)
{
    struct tail quiet, fast;

    (void)state;
    tail_init(&quiet, 7);
    tail_init(&fast, 7);
    for (uint64_t i = 1; i <= ENTRIES; i++) {
        tail_push(&quiet, &(struct tail_slot){.from = 1, .cid = i, .ts_ms = i * 1000});
        tail_push(&fast, &(struct tail_slot){.from = 1, .cid = i, .ts_ms = i / 10});
    }
    assert_int_equal(quiet.cap, 64);
    assert_int_equal(fast.cap, TAIL_MAX);
    assert_int_equal(fast.last - fast.first + 1, TAIL_MAX);
    tail_fini(&quiet);
    tail_fini(&fast);
}

CHECK_MAIN(cmocka_unit_test(tail_finds_what_a_scan_finds),
           cmocka_unit_test(tail_grows_with_the_rate))
