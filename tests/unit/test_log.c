#include "base/str.h"
#include "lib/check.h"
#include "server/node/log.h"

/* A clock by hand; the rest of io is not asked for. */
static uint64_t now;

static uint64_t clock_ms(struct io *io)
{
    (void)io;
    return now;
}

static const struct io_ops clock_ops = {.now_ms = clock_ms, .wall_ms = clock_ms};

struct rig {
    struct io io;
    struct io_host *host;
    struct log_sink *sink;
    struct log *log;
    FILE *out;
    char *text;
    size_t n;
};

static void begin(struct rig *r, bool json, enum log_level level)
{
    memset(r, 0, sizeof(*r));
    now = 1763673000123;
    r->io.ops = &clock_ops;
    r->out = open_memstream(&r->text, &r->n);
    assert_non_null(r->out);
    assert_int_equal(host_epoll_new(&r->host), 0);
    assert_int_equal(log_sink_new(r->host, r->out, json, &r->sink), 0);
    r->log = log_new(r->sink, &r->io, level, -1);
}

/* What was logged; the caller frees it. */
static char *end(struct rig *r)
{
    log_end(r->log);
    log_free(r->log);
    log_sink_close(r->sink);
    host_free(r->host);
    fclose(r->out);
    return r->text;
}

static void json_lines(void **state)
{
    struct rig r;
    char *text;

    (void)state;
    begin(&r, true, LOG_LEVEL_INFO);
    log_info(r.log, "started");
    log_debug(r.log, "unseen", LOG_U64("n", 1));
    log_error(r.log, "failed", LOG_STR("path", STR("a\"\n\x1b\xff")), LOG_TEXT("none", NULL),
              LOG_I64("result", -5), LOG_U64("n", UINT64_MAX), LOG_BOOL("fatal", true));
    text = end(&r);
    assert_string_equal(
        text, "{\"ts\":\"2025-11-20T21:10:00.123Z\",\"level\":\"info\",\"event\":\"started\"}\n"
              "{\"ts\":\"2025-11-20T21:10:00.123Z\",\"level\":\"error\",\"event\":\"failed\","
              "\"path\":\"a\\\"\\n\\u001b?\",\"none\":\"\",\"result\":-5,"
              "\"n\":18446744073709551615,\"fatal\":true}\n");
    free(text);
}

static void text_lines(void **state)
{
    struct rig r;
    char *text;

    (void)state;
    begin(&r, false, LOG_LEVEL_DEBUG);
    now = 951782399999; /* the end of 28 February of a leap year */
    log_warn(r.log, "odd", LOG_TEXT("addr", "unix:/a"), LOG_TEXT("name", "x\nlevel=error y=1"),
             LOG_TEXT("empty", ""), LOG_TEXT("utf8", "\xc3\xa9"));
    now = 951782400000;
    log_debug(r.log, "next", LOG_I64("i", -1), LOG_BOOL("b", false), LOG_U64("u", 2));
    text = end(&r);
    assert_string_equal(text, "2000-02-28T23:59:59.999Z warn  odd addr=unix:/a "
                              "name=\"x\\nlevel=error y=1\" empty=\"\" utf8=\"\xc3\xa9\"\n"
                              "2000-02-29T00:00:00.000Z debug next i=-1 b=false u=2\n");
    free(text);
}

static void values_and_lines_are_bounded(void **state)
{
    struct rig r;
    char big[4000], *text;
    struct str s = {(const uint8_t *)big, sizeof(big)};

    (void)state;
    begin(&r, true, LOG_LEVEL_INFO);
    memset(big, 'x', sizeof(big));
    log_info(r.log, "long", LOG_STR("v", s));
    memset(big, 1, sizeof(big));
    log_info(r.log, "longer", LOG_STR("a", s), LOG_STR("b", s));
    text = end(&r);
    assert_non_null(strstr(text, "\"event\":\"long\",\"v\":\"xxx"));
    assert_non_null(strstr(text, "\"event\":\"longer\",\"cut\":true}\n"));
    assert_true(strlen(text) < LOG_VALUE_MAX + 200);
    free(text);
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

static void a_flood_is_suppressed(void **state)
{
    struct rig r;
    char *text;

    (void)state;
    begin(&r, false, LOG_LEVEL_INFO);
    for (int i = 0; i < 1000; i++)
        log_info(r.log, "flood");
    log_info(r.log, "other");
    log_tick(r.log);
    now += 1000;
    log_tick(r.log);
    log_info(r.log, "flood");
    text = end(&r);
    assert_int_equal(count(text, "info  flood\n"), LOG_PER_SECOND + 1);
    assert_int_equal(count(text, "info  other\n"), 1);
    assert_int_equal(count(text, "suppressed of=flood lines=900\n"), 1);
    free(text);
}

/* A write that waits for the lock, which is the cookie. */
static ssize_t slow_write(void *cookie, const char *bytes, size_t n)
{
    struct host_lock *lock = cookie;

    (void)bytes;
    host_lock_take(lock);
    host_lock_drop(lock);
    return (ssize_t)n;
}

static void a_stuck_disk_loses_lines_not_memory(void **state)
{
    struct rig r;
    struct host_lock *lock = host_lock_new();
    FILE *slow = fopencookie(lock, "w", (cookie_io_functions_t){.write = slow_write});
    struct log_sink *sink;
    struct log *l;
    uint64_t dropped;

    (void)state;
    begin(&r, true, LOG_LEVEL_INFO);
    assert_int_equal(log_sink_new(r.host, slow, true, &sink), 0);
    l = log_new(sink, &r.io, LOG_LEVEL_INFO, 3);
    host_lock_take(lock);
    for (int i = 0; i < 2 * LOG_QUEUE_MAX; i++) {
        now += 20;
        log_info(l, "line");
    }
    dropped = log_dropped(sink);
    host_lock_drop(lock);
    assert_in_range(dropped, 1, LOG_QUEUE_MAX);
    log_free(l);
    log_sink_close(sink);
    fclose(slow);
    host_lock_free(lock);
    free(end(&r));
}

CHECK_MAIN(cmocka_unit_test(json_lines), cmocka_unit_test(text_lines),
           cmocka_unit_test(values_and_lines_are_bounded), cmocka_unit_test(a_flood_is_suppressed),
           cmocka_unit_test(a_stuck_disk_loses_lines_not_memory))
