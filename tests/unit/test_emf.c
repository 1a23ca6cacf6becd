#include "server/node/emf.h"

#include "base/json.h"
#include "base/str.h"
#include "lib/check.h"

struct rig {
    struct metrics *a, *b;
    const struct metrics *sets[2];
    struct store_stats store;
    struct bus_stats bus;
    struct emf_now now;
    struct emf *emf;
};

static void begin(struct rig *r)
{
    *r = (struct rig){.a = metrics_new(), .b = metrics_new(), .emf = emf_new()};
    r->sets[0] = r->a;
    r->sets[1] = r->b;
    r->now = (struct emf_now){
        .about = {.wall_ms = 1763673000123,
                  .name_space = STR("Polylog"),
                  .service = STR("chat \"one\""),
                  .node = STR("node-1"),
                  .version = STR("1.2.3")},
        .sets = r->sets,
        .sets_n = 2,
        .store = &r->store,
        .bus = &r->bus,
    };
}

static void end(struct rig *r)
{
    emf_free(r->emf);
    metrics_free(r->a);
    metrics_free(r->b);
}

/* The caller frees it. */
static char *next(struct rig *r)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, EMF_LINE_MAX);
    emf_render(r->emf, &r->now, &b);
    assert_false(b.failed);
    return str_dup(buf_peek(&b));
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("there is no %s in %s", part, text);
}

static void has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("there is %s in %s", part, text);
}

static void it_is_one_line_of_json(void **state)
{
    struct rig r;
    struct json j;
    char *text;

    (void)state;
    begin(&r);
    text = next(&r);
    assert_null(strchr(text, '\n'));
    has(text,
        "{\"_aws\":{\"Timestamp\":1763673000123,\"CloudWatchMetrics\":[{\"Namespace\":\"Polylog\","
        "\"Dimensions\":[[\"Service\"]],\"Metrics\":[{\"Name\":\"connections_open\","
        "\"Unit\":\"Count\"},");
    has(text, "\"Service\":\"chat \\\"one\\\"\",\"node\":\"node-1\",\"version\":\"1.2.3\",");
    json_init(&j, (uint8_t *)text, strlen(text), 8);
    assert_int_equal(json_next(&j), JSON_OBJECT);
    assert_true(json_skip(&j, JSON_OBJECT));
    assert_int_equal(json_next(&j), JSON_END);
    free(text);
    end(&r);
}

static void levels_stay_and_changes_begin_anew(void **state)
{
    struct rig r;
    char *text;

    (void)state;
    begin(&r);
    metrics_add(r.a, METRIC_open_ws, 3);
    metrics_add(r.b, METRIC_open_gw, 2);
    metrics_add(r.a, METRIC_entries_appended, 7);
    metrics_add(r.b, (enum metric)METRIC_COMMANDS, 1);
    metrics_add(r.b, METRIC_command_ping, 1);
    metrics_add(r.a, METRIC_error_bad_json, 1);
    metrics_add(r.a, METRIC_error_internal, 4);
    r.store.failures = 5;
    r.store.unfolded = 6;
    r.bus.gaps = 8;
    text = next(&r);
    has(text, "\"connections_open\":5,");
    has(text, "\"entries_appended\":7,");
    has(text, "\"commands\":2,");
    has(text, "\"errors\":5,");
    has(text, "\"errors_internal\":4,");
    has(text, "\"store_failures\":5,");
    has(text, "\"store_unfolded_entries\":6,");
    has(text, "\"bus_gaps\":8,");
    free(text);
    metrics_add(r.b, METRIC_entries_appended, 2);
    r.store.failures = 6;
    text = next(&r);
    has(text, "\"connections_open\":5,");
    has(text, "\"entries_appended\":2,");
    has(text, "\"commands\":0,");
    has(text, "\"store_failures\":1,");
    has(text, "\"store_unfolded_entries\":6,");
    has(text, "\"bus_gaps\":0,");
    free(text);
    end(&r);
}

static void what_has_not_happened_has_no_duration(void **state)
{
    struct rig r;
    char *text;

    (void)state;
    begin(&r);
    for (int i = 0; i < 98; i++)
        metrics_observe(r.a, METRIC_HIST_append, 900);
    metrics_observe(r.b, METRIC_HIST_append, 2000);
    metrics_observe(r.b, METRIC_HIST_append, 9000000);
    text = next(&r);
    has(text, "\"append_count\":100,\"append_p50\":0.755,\"append_p99\":2.5,");
    has(text, "\"turn_count\":0,");
    has_not(text, "turn_p99");
    free(text);
    text = next(&r);
    has(text, "\"append_count\":0,");
    has_not(text, "append_p50");
    metrics_observe(r.b, METRIC_HIST_append, 9000000);
    free(text);
    text = next(&r);
    has(text, "\"append_count\":1,\"append_p50\":5000,\"append_p99\":5000,");
    free(text);
    end(&r);
}

static void alarms_are_told_by_name(void **state)
{
    struct rig r;
    char *text;

    (void)state;
    begin(&r);
    metrics_set(r.a, METRIC_alarm_hole, 1);
    r.now.degraded = r.now.draining = true;
    text = next(&r);
    has(text, "\"degraded\":1,\"store_failing\":0,\"draining\":1,");
    has(text, "\"alarm_hole\":1");
    has(text, "\"alarm_bus\":0");
    free(text);
    end(&r);
}

/* A connection that changes workers may be seen at neither. */
static void a_level_below_zero_is_none(void **state)
{
    struct rig r;
    char *text;

    (void)state;
    begin(&r);
    metrics_sub(r.a, METRIC_tail_bytes, 10);
    text = next(&r);
    has(text, "\"tail_bytes\":0,");
    free(text);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_one_line_of_json),
        cmocka_unit_test(levels_stay_and_changes_begin_anew),
        cmocka_unit_test(what_has_not_happened_has_no_duration),
        cmocka_unit_test(alarms_are_told_by_name),
        cmocka_unit_test(a_level_below_zero_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
