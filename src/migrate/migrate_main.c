#include "migrate/migrate_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "io/process.h"
#include "io/signals.h"
#include "migrate/migrate.h"
#include "migrate/migrate_older.h"

#define SHOW_TERMINAL_MS 200
#define SHOW_LINES_MS 5000
#define WAIT_MS 100
#define US_PER_S 1e6
#define STDERR_FD 2

enum { EXIT_DIFFERENT = 2 };

/* One run of the command. */
struct migrate_command {
    const struct conf *conf;
    struct io *io;
    struct store *from, *to;
    struct store *tables; /* an older system's are read with it */
    struct migrate_older source;
    struct migrate *migrate; /* while there is one */
    bool terminal, caught;   /* caught: somebody wants an end */
    uint64_t shown_ms;
};

static int migrate_main_failed(const char *code, const char *why, int exit_code)
{
    (void)fprintf(stderr, "polylog migrate: %s: %s\n", code, why);
    return exit_code;
}

/* How far the step is, and how long it may still take. */
static void describe_step(struct migrate_command *c, size_t n, char line[])
{
    const struct migrate_progress *p = migrate_progress(c->migrate);
    double s = (double)(io_clock_us(c->io) - p->began_us) / US_PER_S;
    double rate = s > 0 ? (double)p->done / s : 0;
    char done[STR_GROUPED_N], all[STR_GROUPED_N], per_s[STR_GROUPED_N], rooms[STR_GROUPED_N];
    unsigned left_s =
        rate > 0 && p->all > p->done ? (unsigned)((double)(p->all - p->done) / rate) : 0;

    if (p->all == 0)
        (void)snprintf(line, n, "%s: %s rooms, %s entries, %s records", p->step,
                       str_grouped(p->rooms, rooms), str_grouped(p->entries, done),
                       str_grouped(p->records, all));
    else
        (void)snprintf(line, n, "%s: %s of %s entries and records (%u %%), %s/s, %u:%02u left",
                       p->step, str_grouped(p->done, done), str_grouped(p->all, all),
                       (unsigned)(MIN(p->done, p->all) * 100 / p->all),
                       str_grouped((uint64_t)rate, per_s), left_s / 60, left_s % 60);
}

static void show(struct migrate_command *c)
{
    char line[300];

    if (c->source.older != NULL && !older_ended(c->source.older))
        migrate_older_show(&c->source, sizeof(line), line);
    else
        describe_step(c, sizeof(line), line);
    (void)fprintf(stderr, c->terminal ? "\r\033[K%s" : "polylog migrate: %s\n", line);
    (void)fflush(stderr);
}

static void turn(struct migrate_command *c)
{
    uint64_t now_ms = io_now_ms(c->io);

    if (now_ms - c->shown_ms >= (c->terminal ? SHOW_TERMINAL_MS : SHOW_LINES_MS)) {
        c->shown_ms = now_ms;
        show(c);
    }
    io_wait(c->io, now_ms + WAIT_MS);
}

static void say_result(const struct migrate_command *c)
{
    const struct migrate_progress *p = migrate_progress(c->migrate);
    char a[STR_GROUPED_N], b[STR_GROUPED_N], d[STR_GROUPED_N];

    if (c->source.older != NULL)
        migrate_older_say(&c->source, c->conf);
    (void)printf("%s has %s rooms, %s entries, %s records\n", c->conf->from,
                 str_grouped(p->rooms, a), str_grouped(p->entries, b), str_grouped(p->records, d));
    if (c->conf->dry_run) {
        (void)printf("%s has nothing else; nothing was written\n", c->conf->to);
        return;
    }
    (void)printf("%s: copied %s entries of %s rooms", c->conf->to,
                 str_grouped(p->entries_copied, a), str_grouped(p->rooms_copied, b));
    (void)printf(" and %s records; %s rooms", str_grouped(p->records_copied, a),
                 str_grouped(p->rooms_kept, b));
    (void)printf(" and %s records were there\n", str_grouped(p->records_kept, a));
    if (c->conf->verify)
        (void)printf("verified: heads, identities and contents of %s rooms are the same, all "
                     "records too; counters are not behind\n",
                     str_grouped(p->rooms_verified, a));
}

static void clear_line(const struct migrate_command *c)
{
    if (c->terminal)
        (void)fputs("\r\033[K", stderr);
}

static int result(const struct migrate_command *c)
{
    const char *why;
    enum migrate_code code = migrate_result(c->migrate, &why);

    clear_line(c);
    if (code == MIGRATE_OK)
        return EXIT_SUCCESS;
    return migrate_main_failed(
        migrate_code_text(code), why,
        code == MIGRATE_TARGET_OTHER || code == MIGRATE_DIFFERS ? EXIT_DIFFERENT : EXIT_FAILURE);
}

static void migrate_main_caught(void *ctx, int signal, int value)
{
    struct migrate_command *c = ctx;

    (void)value;
    (void)signal;
    c->caught = true;
    if (c->source.older != NULL)
        older_stop(c->source.older);
    if (c->migrate != NULL)
        migrate_stop(c->migrate);
}

static int migrate_main_run(struct migrate_command *c)
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

    c->migrate = migrate_new(&o);
    if (c->caught)
        migrate_stop(c->migrate);
    while (!migrate_ended(c->migrate))
        turn(c);
    code = result(c);
    return code;
}

/* What was begun of the older system, to its end. */
static int wait_for_source(struct migrate_command *c)
{
    const char *why;
    enum older_code code;

    while (!older_ended(c->source.older)) {
        older_turn(c->source.older);
        if (!older_ended(c->source.older))
            turn(c);
    }
    clear_line(c);
    code = older_result(c->source.older, &why);
    if (code == OLDER_OK)
        return EXIT_SUCCESS;
    return migrate_main_failed(older_code_text(code), why,
                               code == OLDER_ROWS_UNFIT || code == OLDER_NAMES_UNFIT ||
                                       code == OLDER_SOURCE_MOVED
                                   ? EXIT_DIFFERENT
                                   : EXIT_FAILURE);
}

static int open_older(struct migrate_command *c, struct io_host *host, migrate_open_f *open)
{
    char why[256] = "memory is out", what[600];
    struct older_form form;
    int code;

    if (!older_form_parse(c->conf->from, c->conf->older_fields, &form, why)) {
        (void)snprintf(what, sizeof(what), "--from %.200s: %s", c->conf->from, why);
        return migrate_main_failed("usage", what, CONF_EXIT_USAGE);
    }
    if (open(c->conf, host, "dynamodb", true, &c->tables, why) < 0 ||
        !migrate_older_begin(&c->source, c->conf, c->io, c->tables, why)) {
        (void)snprintf(what, sizeof(what), "--from %.200s: %s", c->conf->from, why);
        return migrate_main_failed("source_failed", what, EXIT_FAILURE);
    }
    code = wait_for_source(c);
    if (code == EXIT_SUCCESS)
        c->from = older_store(c->source.older);
    return code;
}

static int open_from(struct migrate_command *c, struct io_host *host, migrate_open_f *open)
{
    char why[256] = "memory is out", what[600];

    if (older_form_is(c->conf->from))
        return open_older(c, host, open);
    if (open(c->conf, host, c->conf->from, true, &c->from, why) == 0)
        return EXIT_SUCCESS;
    (void)snprintf(what, sizeof(what), "--from %.200s: %s", c->conf->from, why);
    return migrate_main_failed("source_failed", what, EXIT_FAILURE);
}

static int open_to(struct migrate_command *c, struct io_host *host, migrate_open_f *open)
{
    char why[256] = "memory is out", what[600];

    if (open(c->conf, host, c->conf->to, false, &c->to, why) == 0)
        return EXIT_SUCCESS;
    (void)snprintf(what, sizeof(what), "--to %.200s: %s", c->conf->to, why);
    return migrate_main_failed("target_failed", what, EXIT_FAILURE);
}

/* The older system's tables once more: did anybody write to them meanwhile? */
static int recheck(struct migrate_command *c)
{
    if (c->source.older == NULL || c->conf->dry_run || !c->conf->verify)
        return EXIT_SUCCESS;
    older_recheck(c->source.older);
    return wait_for_source(c);
}

static int open_and_run(struct migrate_command *c, struct io_host *host, migrate_open_f *open)
{
    int code;

    c->terminal = process_is_terminal(STDERR_FD);
    c->shown_ms = io_now_ms(c->io);
    code = open_from(c, host, open);
    if (code == EXIT_SUCCESS)
        code = open_to(c, host, open);
    if (code == EXIT_SUCCESS)
        code = migrate_main_run(c);
    if (code == EXIT_SUCCESS)
        code = recheck(c);
    if (code == EXIT_SUCCESS)
        say_result(c);
    migrate_free(c->migrate);
    c->migrate = NULL;
    store_close(c->to);
    store_close(c->from);
    older_free(c->source.older);
    c->source.older = NULL;
    store_close(c->tables);
    return code;
}

int migrate_main(const struct conf *conf, migrate_open_f *open)
{
    struct migrate_command c = {.conf = conf};
    struct signals *signals = NULL;
    struct io_host *host;
    int code, r;

    if (conf->from[0] == '\0' || conf->to[0] == '\0')
        return migrate_main_failed("usage", "say --from STORE and --to STORE", CONF_EXIT_USAGE);
    r = host_epoll_new(&host);
    if (r < 0)
        return migrate_main_failed("source_failed", strerrordesc_np(-r), EXIT_FAILURE);
    r = host_io_new(host, &c.io);
    if (r == 0)
        r = signals_start(c.io, migrate_main_caught, &c, &signals);
    code = r < 0 ? migrate_main_failed("source_failed", strerrordesc_np(-r), EXIT_FAILURE)
                 : open_and_run(&c, host, open);
    signals_stop(signals);
    io_free(c.io);
    host_free(host);
    return code;
}
