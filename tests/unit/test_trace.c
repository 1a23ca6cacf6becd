#include "base/trace.h"

#include "base/str.h"
#include "lib/check.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define GOOD "00-" ID "-" SPAN "-01"

static bool takes(const char *text, struct trace *ret)
{
    return trace_parse(str_of(text), ret);
}

/* W3C Trace Context §3.2.2. */
static void what_is_a_traceparent(void **state)
{
    struct trace t, before;
    char text[TRACE_PARENT_N + 1];

    (void)state;
    assert_true(takes(GOOD, &t));
    assert_true(t.sampled);
    assert_int_equal(t.id[0], 0x4b);
    assert_int_equal(t.id[15], 0x36);
    assert_int_equal(t.span[7], 0xb7);
    trace_format(&t, text);
    assert_string_equal(text, GOOD);
    assert_true(takes("00-" ID "-" SPAN "-00", &t) && !t.sampled);
    trace_format(&t, text);
    assert_string_equal(text, "00-" ID "-" SPAN "-00");
    assert_true(takes("00-" ID "-" SPAN "-fe", &t) && !t.sampled);
    assert_true(takes("cc-" ID "-" SPAN "-01-what-the-future-will-be-like", &t) && t.sampled);
    assert_true(takes("cc-" ID "-" SPAN "-01", &t));
    before = t;
    assert_false(takes("", &t));
    assert_false(takes("00-" ID "-" SPAN "-0", &t));
    assert_false(takes("00-" ID "-" SPAN "-01-", &t));
    assert_false(takes("cc-" ID "-" SPAN "-01.what", &t));
    assert_false(takes("ff-" ID "-" SPAN "-01", &t));
    assert_false(takes("00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", &t));
    assert_false(takes("00-" ID "-" SPAN "-0x", &t));
    assert_false(takes("00-00000000000000000000000000000000-" SPAN "-01", &t));
    assert_false(takes("00-" ID "-0000000000000000-01", &t));
    assert_false(takes("00_" ID "-" SPAN "-01", &t));
    assert_false(takes("00-" ID "_" SPAN "-01", &t));
    assert_false(takes("00-" ID "-" SPAN "_01", &t));
    assert_memory_equal(&before, &t, sizeof(t));
}

#define ROOT "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736"

static void what_a_balancer_of_aws_says(void **state)
{
    struct trace t, before, w3c;

    (void)state;
    assert_true(takes(GOOD, &w3c) && !w3c.undecided);
    assert_true(trace_parse_amzn(STR(ROOT), &t));
    assert_memory_equal(t.id, w3c.id, TRACE_ID_N);
    assert_true(t.undecided && !t.sampled && t.span[7] == 0);
    assert_true(trace_parse_amzn(STR("Self=1-67891234-x;" ROOT "; Sampled=1;Parent=" SPAN), &t));
    assert_memory_equal(t.span, w3c.span, TRACE_SPAN_N);
    assert_true(t.sampled && !t.undecided);
    assert_true(trace_parse_amzn(STR(ROOT ";Sampled=0;Lineage=a:1"), &t));
    assert_true(!t.sampled && !t.undecided);
    assert_true(trace_parse_amzn(STR(ROOT ";Sampled=?"), &t) && t.undecided);
    before = t;
    assert_false(trace_parse_amzn(STR(""), &t));
    assert_false(trace_parse_amzn(STR(";;;="), &t));
    assert_false(trace_parse_amzn(STR("Self=1-4bf92f35-77b34da6a3ce929d0e0e4736"), &t));
    assert_false(trace_parse_amzn(STR(ROOT "0"), &t));
    assert_false(trace_parse_amzn(STR(ROOT ";" ROOT), &t));
    assert_false(trace_parse_amzn(STR("Root=2-4bf92f35-77b34da6a3ce929d0e0e4736"), &t));
    assert_false(trace_parse_amzn(STR("Root=1-4bf92f35x77b34da6a3ce929d0e0e4736"), &t));
    assert_false(trace_parse_amzn(STR("Root=1-00000000-77b34da6a3ce929d0e0e4736"), &t));
    assert_false(trace_parse_amzn(STR("Root=1-4bf92f35-77B34DA6A3CE929D0E0E4736"), &t));
    assert_false(trace_parse_amzn(STR(ROOT ";Parent=00f0"), &t));
    assert_false(trace_parse_amzn(STR(ROOT ";Parent=0000000000000000"), &t));
    assert_memory_equal(&before, &t, sizeof(t));
}

static void whose_log_it_is_stays_unsaid(void **state)
{
    struct trace_span span = {0};

    (void)state;
    trace_room(&span, STR("@7"));
    trace_room(&span, STR("dm:1:2"));
    trace_room(&span, STR(""));
    assert_int_equal(span.room_n, 0);
    trace_room(&span, STR("general"));
    assert_int_equal(span.room_n, 7);
    assert_memory_equal(span.room, "general", 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_a_traceparent),
        cmocka_unit_test(what_a_balancer_of_aws_says),
        cmocka_unit_test(whose_log_it_is_stays_unsaid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
