#include "bench/bench.h"

#include "base/mem.h"
#include "bench/bare.h"
#include "bench/run.h"
#include "bench/secure.h"
#include "io/host.h"
#include "io/signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_BROKEN = 2, JSON_MAX = 1024 * 1024 };

struct bench {
    struct io *io;
    struct bench_crowd *crowd; /* while there is one */
};

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

static int bench_failed(const char *why)
{
    (void)fprintf(stderr, "polylog bench: %s\n", why);
    return EXIT_FAILURE;
}

static int bench_run(struct bench *b, const struct plan *plan, struct io *io)
{
    struct bench_crowd *c = mem_bytes(sizeof(*c));
    char why[PLAN_WHY_N] = "";
    struct report report;
    int code;

    crowd_init(c, plan, io);
    b->crowd = c;
    code = run_all(c, &report, why) ? results(&report) : bench_failed(why);
    b->crowd = NULL;
    crowd_fini(c);
    free(c);
    return code;
}

static int run_over_tls(struct bench *b, const struct plan *plan)
{
    char why[PLAN_WHY_N] = "";
    struct secure secure = {0};
    int code =
        secure_open(&secure, plan, b->io, why) ? bench_run(b, plan, secure.io) : bench_failed(why);

    secure_close(&secure);
    return code;
}

static void bench_caught(void *ctx, int signal, int value)
{
    struct bench *b = ctx;

    (void)value;
    (void)signal; /* whichever it is: somebody wants an end */
    if (b->crowd != NULL)
        b->crowd->interrupted = true;
}

static int run_planned(struct bench *b, const struct conf *conf)
{
    char why[PLAN_WHY_N] = "";
    struct floor floor = {0};
    struct signals *signals = NULL;
    struct plan plan;
    uint32_t seed;
    int code, r;

    io_random(b->io, (uint8_t *)&seed, sizeof(seed));
    if (!plan_init(&plan, conf, seed, why)) {
        (void)bench_failed(why);
        return CONF_EXIT_USAGE;
    }
    r = plan.floor ? bare_start(&plan, &floor) : 0;
    if (r == 0)
        r = signals_start(b->io, bench_caught, b, &signals);
    if (r < 0)
        code = bench_failed(strerrordesc_np(-r));
    else
        code = plan.tls ? run_over_tls(b, &plan) : bench_run(b, &plan, b->io);
    signals_stop(signals);
    floor_stop(&floor);
    return code;
}

int bench_main(const struct conf *c)
{
    struct bench b = {0};
    struct io_host *host;
    int code, r = host_epoll_new(&host);

    if (r < 0)
        return bench_failed(strerrordesc_np(-r));
    r = host_io_new(host, &b.io);
    if (r < 0)
        code = bench_failed(strerrordesc_np(-r));
    else {
        code = run_planned(&b, c);
        io_free(b.io);
    }
    host_free(host);
    return code;
}
