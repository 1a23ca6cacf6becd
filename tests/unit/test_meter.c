#include "base/buf.h"
#include "base/str.h"
#include "gateway/meter.h"
#include "lib/check.h"

static void meter_charges_by_32_kb(void **state)
{
    struct meter m = {0};
    struct meter_cost c;
    struct buf b;

    (void)state;
    meter_message(&m, 0);
    meter_message(&m, 1);
    meter_message(&m, 32768);
    meter_message(&m, 32769);
    meter_message(&m, 131072);
    assert_int_equal(m.metered, 1 + 1 + 1 + 2 + 4);
    m.metered = 1000000;
    m.invocations = 1000000;
    m.function_mb_ms = (uint64_t)1024 * 1000 * 1000;
    c = meter_cost(&m, (uint64_t)60000 * 1000000);
    assert_float_equal(c.messages, 1.0, 1e-9);
    assert_float_equal(c.minutes, 0.25, 1e-9);
    assert_float_equal(c.invocations, 0.2, 1e-9);
    assert_float_equal(c.compute, 0.0166667, 1e-9);
    assert_float_equal(c.all, 1.4666667, 1e-7);
    buf_init(&b, 100000);
    meter_write(&m, 0, 3, &b);
    buf_append_byte(&b, 0);
    assert_non_null(strstr((const char *)b.bytes, "\ngateway_connections 3\n"));
    assert_non_null(strstr((const char *)b.bytes, "# TYPE gateway_messages_in_total counter\n"));
    buf_fini(&b);
}

CHECK_MAIN(cmocka_unit_test(meter_charges_by_32_kb))
