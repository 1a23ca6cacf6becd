/* Messages of the bus are of who has the secret, and of one channel. */
#include "base/str.h"
#include "bus/bus_seal.h"
#include "lib/check.h"

#include <string.h>

#define SECRET STR("a secret of thirty-two bytes.....")

static const struct bus_head head = {
    .kind = 'r', .node = 0x1122334455667788, .count = 7, .seq = UINT64_MAX, .at_ms = 12345};

static struct str write_one(const struct bus_seal *s, struct str channel, struct str text,
                            uint8_t to[static BUS_SEAL_N + 64])
{
    struct bus_seal_channel c;

    assert_true(text.n <= 64);
    memcpy(to + BUS_SEAL_N, text.p, text.n);
    bus_seal_channel(s, channel, &c);
    bus_seal_write(s, &c, &head, to, BUS_SEAL_N + text.n);
    return (struct str){to, BUS_SEAL_N + text.n};
}

static enum bus_seal_result read_one(const struct bus_seal *s, struct str channel,
                                     struct str message)
{
    struct bus_seal_channel c;
    struct bus_head h;
    struct str bytes;
    enum bus_seal_result r;

    bus_seal_channel(s, channel, &c);
    r = bus_seal_read(s, &c, message, &h, &bytes);
    if (r == BUS_SEAL_GOOD) {
        assert_int_equal(h.kind, head.kind);
        assert_int_equal(h.node, head.node);
        assert_int_equal(h.count, head.count);
        assert_int_equal(h.seq, head.seq);
        assert_int_equal(h.at_ms, head.at_ms);
        assert_true(str_eq(bytes, STR("the entries")));
    }
    return r;
}

static void what_was_written_is_read(void **state)
{
    uint8_t to[BUS_SEAL_N + 64];
    struct bus_seal a, b;
    struct str m;

    (void)state;
    bus_seal_init(&a, SECRET, STR("system"));
    bus_seal_init(&b, SECRET, STR("system"));
    m = write_one(&a, STR("room"), STR("the entries"), to);
    assert_int_equal(read_one(&b, STR("room"), m), BUS_SEAL_GOOD);
    assert_int_equal(bus_seal_node(m), head.node);
}

static void no_bit_may_differ(void **state)
{
    uint8_t to[BUS_SEAL_N + 64];
    struct bus_seal s;
    struct str m;

    (void)state;
    bus_seal_init(&s, SECRET, STR("system"));
    m = write_one(&s, STR("room"), STR("the entries"), to);
    for (size_t bit = 0; bit < m.n * 8; bit++) {
        to[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(read_one(&s, STR("room"), m), BUS_SEAL_GOOD);
        to[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < m.n; n++)
        assert_int_not_equal(read_one(&s, STR("room"), (struct str){m.p, n}), BUS_SEAL_GOOD);
}

static void of_another_channel_or_system(void **state)
{
    uint8_t to[BUS_SEAL_N + 64];
    struct bus_seal s, other, elsewhere;
    struct str m;

    (void)state;
    bus_seal_init(&s, SECRET, STR("system"));
    bus_seal_init(&other, STR("another secret of thirty-two bytes"), STR("system"));
    bus_seal_init(&elsewhere, SECRET, STR("staging"));
    m = write_one(&s, STR("room"), STR("the entries"), to);
    assert_int_equal(read_one(&s, STR("moor"), m), BUS_SEAL_FORGED);
    assert_int_equal(read_one(&other, STR("room"), m), BUS_SEAL_OTHER);
    assert_int_equal(read_one(&elsewhere, STR("room"), m), BUS_SEAL_OTHER);
    assert_int_equal(read_one(&s, STR("room"), STR("")), BUS_SEAL_FORGED);
    assert_int_equal(bus_seal_node(STR("short")), 0);
}

CHECK_MAIN(cmocka_unit_test(what_was_written_is_read), cmocka_unit_test(no_bit_may_differ),
           cmocka_unit_test(of_another_channel_or_system))
