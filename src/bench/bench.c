#include "bench/bench.h"

#include "bench/bare.h"
#include "bench/run.h"
#include "io/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_BROKEN = 2, JSON_MAX = 1024 * 1024 };

static bool json_write(const struct report *r, const char *path)
{
    struct buf b CLEANUP(buf_fini);
    bool to_stdout = strcmp(path, "-") == 0;
    FILE *f = to_stdout ? stdout : fopen(path, "we");
    bool ok;

    buf_init(&b, JSON_MAX);
    report_json(r, &b);
    if (f == NULL)
        return false;
    ok = !b.failed && fwrite(buf_peek(&b).p, 1, buf_len(&b), f) == buf_len(&b);
    return (to_stdout ? fflush(f) == 0 : fclose(f) == 0) && ok;
}

/* The result goes to standard output, unless the JSON does. */
static int results(const struct report *r)
{
    const char *json = r->plan->conf->json;

    report_print(r, strcmp(json, "-") == 0 ? stderr : stdout);
    if (*json != '\0' && !json_write(r, json)) {
        (void)fprintf(stderr, "polylog bench: json: %s cannot be written\n", json);
        return EXIT_FAILURE;
    }
    return report_broken(r) ? EXIT_BROKEN : EXIT_SUCCESS;
}

static int failed(const char *why)
{
    (void)fprintf(stderr, "polylog bench: %s\n", why);
    return EXIT_FAILURE;
}

static int run(const struct plan *plan, struct io *io)
{
    struct crowd *c = malloc(sizeof(*c));
    char why[PLAN_WHY_N] = "";
    struct report report;
    int code;

    if (c == NULL)
        abort();
    crowd_init(c, plan, io);
    code = run_all(c, &report, why) ? results(&report) : failed(why);
    crowd_fini(c);
    free(c);
    return code;
}

static int run_planned(const struct conf *conf, struct io *io)
{
    char why[PLAN_WHY_N] = "";
    struct floor floor = {0};
    struct plan plan;
    uint32_t seed;
    int code, r;

    io_random(io, (uint8_t *)&seed, sizeof(seed));
    if (!plan_init(&plan, conf, seed, why)) {
        (void)failed(why);
        return CONF_EXIT_USAGE;
    }
    r = plan.floor ? bare_start(&plan, &floor) : 0;
    code = r < 0 ? failed(strerrordesc_np(-r)) : run(&plan, io);
    floor_stop(&floor);
    return code;
}

int bench_main(const struct conf *c)
{
    struct io_host *host;
    struct io *io;
    int code, r = host_epoll_new(&host);

    if (r < 0)
        return failed(strerrordesc_np(-r));
    r = host_io_new(host, &io);
    if (r < 0)
        code = failed(strerrordesc_np(-r));
    else {
        code = run_planned(c, io);
        io_free(io);
    }
    host_free(host);
    return code;
}
