/* The whole load generator against the floor, over loopback. */
#include "bench/bench.h"

#include "base/json.h"
#include "base/str.h"
#include "lib/check.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_N = 16384, ARGS_MAX = 16 };

static int bench(const char *line)
{
    char text[512], *argv[ARGS_MAX], why[256];
    struct conf_input in = {.command = "bench", .argv = argv};
    struct conf c;
    int code;

    (void)snprintf(text, sizeof(text), "%s", line);
    for (char *at = text; at != NULL; in.argc++) {
        argv[in.argc] = at;
        at = strchr(at, ' ');
        if (at != NULL)
            *at++ = '\0';
    }
    assert_int_equal(conf_load(&c, &in, why), CONF_OK);
    code = bench_main(&c);
    conf_fini(&c);
    return code;
}

/* The member of the result's object, or of an object within it. */
static int64_t figure(char *text, size_t n, struct str object, struct str key)
{
    struct str open[8] = {0};
    int64_t found = -1;
    unsigned depth = 0;
    enum json_token t;
    struct json j;

    json_init(&j, (uint8_t *)text, n, COUNTOF(open));
    while ((t = json_next(&j)) != JSON_END) {
        assert_int_not_equal(t, JSON_ERROR);
        if (t == JSON_OBJECT)
            open[depth++] = j.key;
        else if (t == JSON_OBJECT_END)
            depth--;
        else if (t == JSON_INT && str_eq(j.key, key) && str_eq(open[depth - 1], object))
            found = j.i64;
    }
    return found;
}

static void floor_run(const char *shape, int64_t each)
{
    static char text[TEXT_N];
    char line[512];
    FILE *f = tmpfile();
    int64_t sends, shown;
    size_t n;

    assert_non_null(f);
    (void)snprintf(line, sizeof(line),
                   "--floor --duration=300ms --warmup=50ms --json=/proc/self/fd/%d %s", fileno(f),
                   shape);
    assert_int_equal(bench(line), 0);
    n = fread(text, 1, sizeof(text), f);
    (void)fclose(f);
    assert_true(n > 0);
    sends = figure(text, n, STR("total"), STR("sends"));
    shown = figure(text, n, STR("total"), STR("deliveries"));
    assert_true(sends > 0);
    assert_in_range(shown, (sends - 16) * each, sends * each);
    assert_int_equal(figure(text, n, STR("total"), STR("gaps")), 0);
    assert_int_equal(figure(text, n, STR("total"), STR("repeats")), 0);
    assert_int_equal(figure(text, n, STR("total"), STR("errors")), 0);
    assert_true(figure(text, n, STR("latency"), STR("n")) > 0);
}

static void a_room(void **state)
{
    (void)state;
    floor_run("--connections=20", 20);
}

static void a_room_joined(void **state)
{
    (void)state;
    floor_run("--connections=20 --window=16 --floor-join=16", 20);
}

static void pairs(void **state)
{
    (void)state;
    floor_run("--connections=20 --pairs", 2);
}

static void nobody_there(void **state)
{
    (void)state;
    assert_int_equal(bench("--connections=2 ws://127.0.0.1:1/ws"), 1);
    assert_int_equal(bench("--connections=2 --rooms=3"), CONF_EXIT_USAGE);
    assert_int_equal(bench("--connections=2 --floor --json=/nonexistent/x --duration=100ms "
                           "--warmup=0"),
                     1);
}

CHECK_MAIN(cmocka_unit_test(a_room), cmocka_unit_test(a_room_joined), cmocka_unit_test(pairs),
           cmocka_unit_test(nobody_there))
