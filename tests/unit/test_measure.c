/* What lambda/measure.h promises of its documents. */
#include "lambda/measure.h"

#include "base/str.h"
#include "lib/check.h"

#include <stdlib.h>
#include <string.h>

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("there is no %s in %s", part, text);
}

/* The caller frees it. */
static char *next(struct measure *m, const struct measure_now *now, uint64_t now_ms)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, EMF_LINE_MAX);
    measure_write(m, now, now_ms, &b);
    assert_false(b.failed);
    return str_dup(buf_peek(&b));
}

static struct measure_now of(uint64_t commands)
{
    return (struct measure_now){.about = {.wall_ms = 1763673000123,
                                          .name_space = STR("Polylog"),
                                          .service = STR("chat"),
                                          .node = STR("a"),
                                          .version = STR("1.2.3")},
                                .lambda = {.events = 2 * commands, .commands = commands},
                                .posts = {.ok = 3},
                                .spans_dropped = 1};
}

static void a_document_has_what_there_was_since_the_one_before(void **state)
{
    struct measure *m = measure_new(60000);
    struct measure_now now = of(2);
    char *text;

    (void)state;
    assert_true(measure_event(m, 1500, 100));
    text = next(m, &now, 100);
    has(text, "{\"_aws\":{\"Timestamp\":1763673000123,\"CloudWatchMetrics\":[{\"Namespace\":"
              "\"Polylog\",\"Dimensions\":[[\"Service\"]],\"Metrics\":["
              "{\"Name\":\"starts\",\"Unit\":\"Count\"},"
              "{\"Name\":\"invocation\",\"Unit\":\"Milliseconds\"},");
    has(text, "\"Service\":\"chat\",\"node\":\"a\",\"version\":\"1.2.3\"");
    has(text, "\"starts\":1,\"invocation\":[1.5],\"invocations\":4,\"invocations_failed\":0,"
              "\"commands\":2,");
    has(text, "\"gateway_posts_ok\":3,");
    has(text, "\"spans_dropped\":1}");
    free(text);
    now = of(7);
    assert_false(measure_event(m, 1000, 101));
    assert_false(measure_event(m, 2000, 60099));
    assert_true(measure_event(m, 3000, 60100));
    text = next(m, &now, 60100);
    has(text, "\"starts\":0,\"invocation\":[1,2,3],\"invocations\":10,");
    has(text, "\"commands\":5,");
    has(text, "\"gateway_posts_ok\":0,");
    free(text);
    measure_free(m);
}

static void of_many_events_the_newest_are_said(void **state)
{
    struct measure *m = measure_new(60000);
    struct measure_now now = of(1);
    const char *from;
    size_t n = 0;
    char *text;

    (void)state;
    for (uint64_t i = 1; i <= EMF_VALUES_MAX + 1; i++)
        assert_true(measure_event(m, i * 1000, 100));
    text = next(m, &now, 100);
    has(text, "\"invocation\":[101,2,3,");
    from = strstr(text, "\"invocation\":[");
    for (const char *c = from; *c != ']'; c++)
        n += *c == ',';
    assert_int_equal(n + 1, EMF_VALUES_MAX);
    free(text);
    measure_free(m);
}

CHECK_MAIN(cmocka_unit_test(a_document_has_what_there_was_since_the_one_before),
           cmocka_unit_test(of_many_events_the_newest_are_said))
