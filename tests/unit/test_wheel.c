#include "base/rng.h"
#include "base/wheel.h"
#include "lib/check.h"

enum { TIMERS = 200 };

/* A wheel beside a naive model of it. */
struct model {
    struct wheel wheel;
    struct wheel_timer timers[TIMERS];
    bool armed[TIMERS];
    bool late[TIMERS];      /* set in this advance for its now or before: not yet due */
    uint64_t at_ms[TIMERS]; /* what was asked, but not before the now of asking */
    uint64_t now_ms, last_fired_ms;
    bool advancing;
    unsigned fired;
    struct rng rng;
};

static struct model model;

/* A time near, far or past, with weight on the edges of slots. */
static uint64_t some_time(struct model *m)
{
    uint64_t span = UINT64_C(1) << rng_below(&m->rng, rng_chance(&m->rng, 20) ? 63 : 20);
    uint64_t at_ms = m->now_ms + rng_below(&m->rng, span);

    if (rng_chance(&m->rng, 100))
        return m->now_ms - rng_below(&m->rng, 100);
    if (rng_chance(&m->rng, 300))
        at_ms &= ~UINT64_C(63);
    if (rng_chance(&m->rng, 100))
        at_ms |= 4095;
    return at_ms;
}

static void change_one(struct model *m)
{
    size_t i = rng_below(&m->rng, TIMERS);
    uint64_t at_ms = some_time(m);

    m->armed[i] = rng_chance(&m->rng, 700);
    if (m->armed[i]) {
        m->at_ms[i] = MAX(at_ms, m->now_ms);
        m->late[i] = m->advancing && at_ms <= m->now_ms;
        wheel_set(&m->wheel, &m->timers[i], at_ms);
    } else {
        wheel_cancel(&m->wheel, &m->timers[i]);
    }
    assert_int_equal(wheel_armed(&m->timers[i]), m->armed[i]);
}

static void fire(struct wheel_timer *t)
{
    struct model *m = &model;
    size_t i = (size_t)(t - m->timers);

    assert_true(m->advancing && m->armed[i] && !m->late[i]);
    assert_false(wheel_armed(t));
    assert_true(m->at_ms[i] <= m->now_ms && m->at_ms[i] >= m->last_fired_ms);
    m->last_fired_ms = m->at_ms[i];
    m->armed[i] = false;
    m->fired++;
    if (rng_chance(&m->rng, 500))
        change_one(m);
}

/* Moves both on; afterwards nothing is armed that was due. */
static void advance(struct model *m, uint64_t now_ms)
{
    m->now_ms = now_ms;
    m->last_fired_ms = 0;
    m->advancing = true;
    wheel_advance(&m->wheel, now_ms);
    m->advancing = false;
    for (size_t i = 0; i < TIMERS; i++) {
        assert_int_equal(wheel_armed(&m->timers[i]), m->armed[i]);
        assert_true(!m->armed[i] || m->late[i] || m->at_ms[i] > now_ms);
        m->late[i] = false;
    }
}

/* wheel_next_ms is not after the earliest timer, and exact within 64 ms. */
static uint64_t check_next(const struct model *m)
{
    uint64_t first_ms = UINT64_MAX, next_ms = wheel_next_ms(&m->wheel);

    for (size_t i = 0; i < TIMERS; i++)
        if (m->armed[i])
            first_ms = MIN(first_ms, m->at_ms[i]);
    assert_true(next_ms <= first_ms && next_ms >= m->now_ms);
    if (first_ms == UINT64_MAX || first_ms / 64 == m->now_ms / 64)
        assert_true(next_ms == first_ms);
    return next_ms;
}

static void model_init(struct model *m, uint64_t seed, uint64_t now_ms)
{
    *m = (struct model){.now_ms = now_ms};
    rng_init(&m->rng, seed);
    wheel_init(&m->wheel, now_ms);
    for (size_t i = 0; i < TIMERS; i++)
        m->timers[i].fire = fire;
}

static void wheel_agrees_with_a_model(void **state)
{
    struct model *m = &model;

    (void)state;
    model_init(m, check_seed(11), 1763673000123);
    for (int step = 0; step < 20000; step++) {
        uint64_t next_ms;

        for (uint64_t n = rng_below(&m->rng, 6); n > 0; n--)
            change_one(m);
        next_ms = check_next(m);
        if (rng_chance(&m->rng, 500) && next_ms != UINT64_MAX)
            advance(m, next_ms);
        else
            advance(m, m->now_ms + rng_below(&m->rng, UINT64_C(1) << rng_below(&m->rng, 16)));
    }
    assert_true(m->fired > 10000);
}

/* From any time, sleeping until wheel_next_ms again and again reaches each
 * timer at its very millisecond, in few steps. */
static void wheel_next_leads_to_each_timer(void **state)
{
    struct model *m = &model;

    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        unsigned steps = 0;

        model_init(m, seed, rng_below(&(struct rng){{seed, 1, 2, 3}}, UINT64_C(1) << 40));
        for (int n = 0; n < 100; n++)
            change_one(m);
        for (uint64_t next_ms; (next_ms = check_next(m)) != UINT64_MAX && steps < 100000; steps++)
            advance(m, next_ms);
        assert_true(steps < 100000);
    }
}

static void wheel_never_goes_back(void **state)
{
    struct model *m = &model;

    (void)state;
    model_init(m, 1, 5000);
    wheel_set(&m->wheel, &m->timers[0], 4999);
    assert_true(wheel_next_ms(&m->wheel) == 5000);
    wheel_cancel(&m->wheel, &m->timers[0]);
    wheel_cancel(&m->wheel, &m->timers[0]);
    assert_true(wheel_next_ms(&m->wheel) == UINT64_MAX);
    wheel_set(&m->wheel, &m->timers[0], UINT64_MAX);
    wheel_advance(&m->wheel, 4000);
    assert_true(m->wheel.now_ms == 5000 && wheel_armed(&m->timers[0]));
    wheel_set(&m->wheel, &m->timers[0], 5001);
    assert_true(wheel_next_ms(&m->wheel) == 5001);
}

CHECK_MAIN(cmocka_unit_test(wheel_agrees_with_a_model),
           cmocka_unit_test(wheel_next_leads_to_each_timer),
           cmocka_unit_test(wheel_never_goes_back))
