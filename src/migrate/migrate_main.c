#include "migrate/migrate_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/process.h"
#include "io/signals.h"
#include "migrate/migrate.h"

#define SHOW_TERMINAL_MS 200
#define SHOW_LINES_MS 5000
#define WAIT_MS 100
#define US_PER_S 1e6
#define STDERR_FD 2

enum { EXIT_DIFFERENT = 2, NUMBER_N = 32 };

/* One run of the command. */
struct command {
    const struct conf *conf;
    struct io *io;
    struct store *from, *to;
    struct migrate *migrate; /* while there is one */
    bool terminal;
    uint64_t shown_ms;
};

/* 1234567 as 1,234,567. */
static const char *grouped(uint64_t v, char text[static NUMBER_N])
{
    char *p = text + NUMBER_N - 1;

    *p = '\0';
    for (unsigned digits = 0; digits == 0 || v > 0; digits++, v /= 10) {
        if (digits > 0 && digits % 3 == 0)
            *--p = ',';
        *--p = (char)('0' + v % 10);
    }
    return p;
}

static int failed(const char *code, const char *why, int exit_code)
{
    (void)fprintf(stderr, "polylog migrate: %s: %s\n", code, why);
    return exit_code;
}

/* How far the step is, and how long it may still take. */
static void show(struct command *c)
{
    const struct migrate_progress *p = migrate_progress(c->migrate);
    double s = (double)(io_clock_us(c->io) - p->began_us) / US_PER_S;
    double rate = s > 0 ? (double)p->done / s : 0;
    char line[200], done[NUMBER_N], all[NUMBER_N], per_s[NUMBER_N], rooms[NUMBER_N];
    unsigned left_s =
        rate > 0 && p->all > p->done ? (unsigned)((double)(p->all - p->done) / rate) : 0;

    if (p->all == 0)
        (void)snprintf(line, sizeof(line), "%s: %s rooms, %s entries, %s records", p->step,
                       grouped(p->rooms, rooms), grouped(p->entries, done),
                       grouped(p->records, all));
    else
        (void)snprintf(line, sizeof(line),
                       "%s: %s of %s entries and records (%u %%), %s/s, %u:%02u left", p->step,
                       grouped(p->done, done), grouped(p->all, all),
                       (unsigned)(MIN(p->done, p->all) * 100 / p->all),
                       grouped((uint64_t)rate, per_s), left_s / 60, left_s % 60);
    (void)fprintf(stderr, c->terminal ? "\r\033[K%s" : "polylog migrate: %s\n", line);
    (void)fflush(stderr);
}

static void turn(struct command *c)
{
    uint64_t now_ms = io_now_ms(c->io);

    if (now_ms - c->shown_ms >= (c->terminal ? SHOW_TERMINAL_MS : SHOW_LINES_MS)) {
        c->shown_ms = now_ms;
        show(c);
    }
    io_wait(c->io, now_ms + WAIT_MS);
}

static void say_result(const struct command *c)
{
    const struct migrate_progress *p = migrate_progress(c->migrate);
    char a[NUMBER_N], b[NUMBER_N], d[NUMBER_N];

    (void)printf("%s has %s rooms, %s entries, %s records\n", c->conf->from, grouped(p->rooms, a),
                 grouped(p->entries, b), grouped(p->records, d));
    if (c->conf->dry_run) {
        (void)printf("%s has nothing else; nothing was written\n", c->conf->to);
        return;
    }
    (void)printf("%s: copied %s entries of %s rooms", c->conf->to, grouped(p->entries_copied, a),
                 grouped(p->rooms_copied, b));
    (void)printf(" and %s records; %s rooms", grouped(p->records_copied, a),
                 grouped(p->rooms_kept, b));
    (void)printf(" and %s records were there\n", grouped(p->records_kept, a));
    if (c->conf->verify)
        (void)printf("verified: heads, identities and contents of %s rooms are the same, all "
                     "records too; counters are not behind\n",
                     grouped(p->rooms_verified, a));
}

static int result(const struct command *c)
{
    const char *why;
    enum migrate_code code = migrate_result(c->migrate, &why);

    if (c->terminal)
        (void)fputs("\r\033[K", stderr);
    if (code == MIGRATE_OK) {
        say_result(c);
        return EXIT_SUCCESS;
    }
    return failed(migrate_code_text(code), why,
                  code == MIGRATE_TARGET_OTHER || code == MIGRATE_DIFFERS ? EXIT_DIFFERENT
                                                                          : EXIT_FAILURE);
}

static void caught(void *ctx, int signal)
{
    struct command *c = ctx;

    (void)signal; /* whichever it is: somebody wants an end */
    if (c->migrate != NULL)
        migrate_stop(c->migrate);
}

static int run(struct command *c)
{
    struct migrate_options o = {
        .io = c->io,
        .from = c->from,
        .to = c->to,
        .lanes = (unsigned)c->conf->parallel,
        .dry_run = c->conf->dry_run,
        .verify = c->conf->verify,
    };
    int code;

    c->terminal = process_is_terminal(STDERR_FD);
    c->shown_ms = io_now_ms(c->io);
    c->migrate = migrate_new(&o);
    while (!migrate_ended(c->migrate))
        turn(c);
    code = result(c);
    migrate_free(c->migrate);
    c->migrate = NULL;
    return code;
}

static int open_and_run(struct command *c, struct io_host *host, migrate_open_f *open)
{
    char why[256] = "memory is out", what[600];
    int code;

    if (open(c->conf, host, c->conf->from, true, &c->from, why) < 0) {
        (void)snprintf(what, sizeof(what), "--from %.200s: %s", c->conf->from, why);
        return failed("source_failed", what, EXIT_FAILURE);
    }
    if (open(c->conf, host, c->conf->to, false, &c->to, why) < 0) {
        (void)snprintf(what, sizeof(what), "--to %.200s: %s", c->conf->to, why);
        code = failed("target_failed", what, EXIT_FAILURE);
    } else {
        code = run(c);
    }
    store_close(c->to);
    store_close(c->from);
    return code;
}

int migrate_main(const struct conf *conf, migrate_open_f *open)
{
    struct command c = {.conf = conf};
    struct signals *signals = NULL;
    struct io_host *host;
    int code, r;

    if (conf->from[0] == '\0' || conf->to[0] == '\0')
        return failed("usage", "say --from STORE and --to STORE", CONF_EXIT_USAGE);
    r = host_epoll_new(&host);
    if (r < 0)
        return failed("source_failed", strerrordesc_np(-r), EXIT_FAILURE);
    r = host_io_new(host, &c.io);
    if (r == 0)
        r = signals_start(c.io, caught, &c, &signals);
    code = r < 0 ? failed("source_failed", strerrordesc_np(-r), EXIT_FAILURE)
                 : open_and_run(&c, host, open);
    signals_stop(signals);
    io_free(c.io);
    host_free(host);
    return code;
}
