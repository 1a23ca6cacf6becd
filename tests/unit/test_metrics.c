#include "base/str.h"
#include "chat/model/command.h"
#include "lib/check.h"
#include "server/node/metrics.h"

static char *render(const struct metrics *const *sets, size_t n, const struct store_stats *store)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, 1 << 20);
    metrics_render(&b, sets, n, store, &(struct bus_stats){.gaps = 41});
    assert_false(b.failed);
    return str_dup(buf_peek(&b));
}

static void has(const char *text, const char *line)
{
    if (strstr(text, line) == NULL)
        fail_msg("there is no line \"%s\"", line);
}

static void workers_are_added_up(void **state)
{
    struct metrics *a = metrics_new(), *b = metrics_new();
    const struct metrics *sets[] = {a, b};
    struct store_stats store = {.commits = 4, .commit_us = 2500000, .unfolded = 9};
    char *text;

    (void)state;
    metrics_add(a, METRIC_bytes_in, 5);
    metrics_add(b, METRIC_bytes_in, 7);
    metrics_add(a, METRIC_open_ws, 1);
    metrics_sub(b, METRIC_open_ws, 1);
    metrics_set(b, METRIC_rooms_loaded, 3);
    metrics_add(a, (enum metric)(METRIC_COMMANDS + COMMAND_auth - 1), 2);
    metrics_add(a, METRIC_error_muted, 1);
    assert_int_equal(metrics_sum(sets, 2, METRIC_bytes_in), 12);
    text = render(sets, 2, &store);
    has(text, "# HELP polylog_received_bytes_total Bytes received.\n"
              "# TYPE polylog_received_bytes_total counter\n"
              "polylog_received_bytes_total 12\n");
    has(text, "# TYPE polylog_connections_open gauge\n"
              "polylog_connections_open{door=\"http\"} 0\n"
              "polylog_connections_open{door=\"ws\"} 0\n");
    has(text, "\npolylog_rooms_loaded 3\n");
    has(text, "\npolylog_commands_total{command=\"auth\"} 2\n");
    has(text, "\npolylog_errors_total{code=\"muted\"} 1\n");
    has(text, "\npolylog_store_commits_total 4\n");
    has(text, "\npolylog_bus_gaps_total 41\n");
    has(text, "\npolylog_store_commit_seconds_total 2.500000\n");
    has(text, "# TYPE polylog_store_unfolded_entries gauge\npolylog_store_unfolded_entries 9\n");
    free(text);
    metrics_free(a);
    metrics_free(b);
}

static void histograms_are_cumulative(void **state)
{
    struct metrics *a = metrics_new(), *b = metrics_new();
    const struct metrics *sets[] = {a, b};
    struct store_stats store = {0};
    char *text;

    (void)state;
    metrics_observe(a, METRIC_HIST_turn, 50);
    metrics_observe(b, METRIC_HIST_turn, 51);
    metrics_observe(a, METRIC_HIST_turn, 9000000);
    metrics_observe(a, METRIC_HIST_joined, 1);
    metrics_observe(a, METRIC_HIST_joined, 16384);
    metrics_observe(a, METRIC_HIST_joined, 16385);
    text = render(sets, 2, &store);
    has(text, "# TYPE polylog_turn_seconds histogram\n"
              "polylog_turn_seconds_bucket{le=\"0.000050\"} 1\n"
              "polylog_turn_seconds_bucket{le=\"0.000100\"} 2\n");
    has(text, "polylog_turn_seconds_bucket{le=\"5.000000\"} 2\n"
              "polylog_turn_seconds_bucket{le=\"+Inf\"} 3\n"
              "polylog_turn_seconds_sum 9.000101\n"
              "polylog_turn_seconds_count 3\n");
    has(text, "polylog_send_deliveries_bucket{le=\"8192\"} 1\n"
              "polylog_send_deliveries_bucket{le=\"16384\"} 2\n"
              "polylog_send_deliveries_bucket{le=\"+Inf\"} 3\n"
              "polylog_send_deliveries_sum 32770\n");
    free(text);
    metrics_free(a);
    metrics_free(b);
}

/* Each line is a comment or `name{label="value"} number`, each family is begun
 * once and before its numbers, and no series comes twice. */
static void the_format_is_prometheus_own(void **state)
{
    struct metrics *a = metrics_new();
    const struct metrics *const set = a;
    struct store_stats store = {0};
    char *text = render(&set, 1, &store), *lines[2000];
    size_t n = 0, families = 0;

    (void)state;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_true(n < COUNTOF(lines));
        lines[n++] = line;
    }
    for (size_t i = 0; i < n; i++) {
        char *space = strchr(lines[i], ' ');

        assert_non_null(space);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(lines[j], lines[i]);
            if (strncmp(lines[j], lines[i], (size_t)(space - lines[i]) + 1) == 0)
                assert_true(lines[i][0] == '#');
        }
        if (strncmp(lines[i], "# TYPE ", 7) == 0) {
            families++;
            continue;
        }
        if (strncmp(lines[i], "# HELP ", 7) == 0)
            continue;
        assert_int_equal(strncmp(lines[i], "polylog_", 8), 0);
        assert_int_equal(strspn(space + 1, "0123456789."), strlen(space + 1));
        assert_true(families > 0);
    }
    assert_true(families > 40);
    free(text);
    metrics_free(a);
}

CHECK_MAIN(cmocka_unit_test(workers_are_added_up), cmocka_unit_test(histograms_are_cumulative),
           cmocka_unit_test(the_format_is_prometheus_own))
