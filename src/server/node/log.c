#include "server/node/log.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utc.h"
#include "base/utf8.h"
#include "io/process.h"

#include <errno.h>
#include <stdlib.h>

enum { EVENTS = 64, STAMP_N = sizeof("0000-00-00T00:00:00.000Z") };

struct log_line {
    struct io_job job;
    size_t n;
    char bytes[];
};

struct log_sink {
    struct io_helper *helper;
    FILE *out;
    bool json;
    uint64_t waiting; /* relaxed atomics: both ends */
    uint64_t dropped;
    uint64_t dropped_said; /* helper only */
};

/* How often an event came in the present second. */
struct event {
    const char *name;
    uint64_t second;
    uint64_t n, suppressed;
};

struct log {
    struct log_sink *sink;
    struct io *io;
    enum log_level level;
    int worker;
    uint64_t wall_ms; /* without io: when the line is made */
    struct buf buf;
    struct event events[EVENTS];
};

static const char *level_name(enum log_level level)
{
    if (level == LOG_LEVEL_ERROR)
        return "error";
    if (level == LOG_LEVEL_WARN)
        return "warn";
    return level == LOG_LEVEL_INFO ? "info" : "debug";
}

/* RFC 3339 §5.6, UTC. */
static void stamp(uint64_t ms, char text[static STAMP_N])
{
    struct utc u = utc_of((int64_t)MIN(ms / 1000, (uint64_t)UTC_YEAR_9999_END_S));

    memcpy(text, "0000-00-00T00:00:00.000Z", STAMP_N);
    (void)utc_digits(text, u.year, 4);
    (void)utc_digits(text + 5, u.month, 2);
    (void)utc_digits(text + 8, u.day, 2);
    (void)utc_digits(text + 11, u.hour, 2);
    (void)utc_digits(text + 14, u.minute, 2);
    (void)utc_digits(text + 17, u.second, 2);
    (void)utc_digits(text + 20, (int64_t)(ms % 1000), 3);
}

/* What is shown of v: not too much of it, and valid UTF-8. */
static struct str shown(struct str v, uint8_t bytes[static LOG_VALUE_MAX])
{
    struct str cut = {v.p, MIN(v.n, (size_t)LOG_VALUE_MAX)};

    if (utf8_valid(v))
        return utf8_prefix(v, LOG_VALUE_MAX);
    for (size_t i = 0; i < cut.n; i++)
        bytes[i] = cut.p[i] < 0x80 ? cut.p[i] : '?';
    return (struct str){bytes, cut.n};
}

static void json_field(struct json_out *o, const struct log_field *f)
{
    uint8_t bytes[LOG_VALUE_MAX];

    json_out_key(o, f->name);
    switch (f->type) {
    case LOG_FIELD_STR:
        json_out_str(o, shown(f->str, bytes));
        break;
    case LOG_FIELD_U64:
        json_out_u64(o, f->u64);
        break;
    case LOG_FIELD_I64:
        json_out_i64(o, f->i64);
        break;
    case LOG_FIELD_BOOL:
        json_out_bool(o, f->u64 != 0);
        break;
    }
}

static void json_line(struct log *l, enum log_level level, const char *event,
                      const struct log_field *fields, size_t fields_n)
{
    struct json_out o;
    char ts[STAMP_N];

    stamp(l->io != NULL ? io_wall_ms(l->io) : l->wall_ms, ts);
    json_out_init(&o, &l->buf);
    json_out_object(&o);
    json_out_field_str(&o, "ts", str_of(ts));
    json_out_field_str(&o, "level", str_of(level_name(level)));
    json_out_field_str(&o, "event", str_of(event));
    if (l->worker >= 0)
        json_out_field_u64(&o, "worker", (uint64_t)l->worker);
    for (size_t i = 0; i < fields_n; i++)
        json_field(&o, &fields[i]);
    json_out_object_end(&o);
}

void log_alone(FILE *out, bool json, enum log_level level, const char *event, const char *why)
{
    struct log l = {.worker = -1, .wall_ms = process_wall_ms()};
    const struct log_field field = LOG_TEXT("why", why);
    struct str line;

    if (!json) {
        fprintf(out, "polylog: %s\n", why);
        return;
    }
    buf_init(&l.buf, LOG_LINE_MAX);
    json_line(&l, level, event, &field, 1);
    line = buf_peek(&l.buf);
    fprintf(out, "%.*s\n", STR_ARGS(line));
    buf_fini(&l.buf);
}

static bool is_plain(struct str v)
{
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] <= ' ' || v.p[i] == '"' || v.p[i] == '=' || v.p[i] == '\\' || v.p[i] >= 0x7f)
            return false;
    return v.n > 0;
}

/* A word as it is; anything else in quotes, with JSON's escapes. */
static void text_field(struct buf *b, const struct log_field *f)
{
    struct json_out o;
    uint8_t bytes[LOG_VALUE_MAX];
    struct str v;

    buf_printf(b, " %s=", f->name);
    switch (f->type) {
    case LOG_FIELD_STR:
        v = shown(f->str, bytes);
        json_out_init(&o, b);
        if (is_plain(v))
            buf_append(b, v);
        else
            json_out_str(&o, v);
        break;
    case LOG_FIELD_U64:
        buf_append_u64(b, f->u64);
        break;
    case LOG_FIELD_I64:
        buf_printf(b, "%lld", (long long)f->i64);
        break;
    case LOG_FIELD_BOOL:
        buf_printf(b, "%s", f->u64 != 0 ? "true" : "false");
        break;
    }
}

static void text_line(struct log *l, enum log_level level, const char *event,
                      const struct log_field *fields, size_t fields_n)
{
    char ts[STAMP_N];

    stamp(io_wall_ms(l->io), ts);
    buf_printf(&l->buf, "%s %-5s %s", ts, level_name(level), event);
    for (size_t i = 0; i < fields_n; i++)
        text_field(&l->buf, &fields[i]);
    if (l->worker >= 0)
        buf_printf(&l->buf, " worker=%d", l->worker);
}

static void free_line(struct io_mail *mail)
{
    free(CONTAINER_OF(mail, struct log_line, job.mail));
}

void log_sink_line(struct log_sink *sink, struct str text)
{
    struct log_line *line = NULL;

    if (__atomic_load_n(&sink->waiting, __ATOMIC_RELAXED) < LOG_QUEUE_MAX)
        line = malloc(sizeof(*line) + text.n + 1);
    if (line == NULL) {
        __atomic_add_fetch(&sink->dropped, 1, __ATOMIC_RELAXED);
        return;
    }
    __atomic_add_fetch(&sink->waiting, 1, __ATOMIC_RELAXED);
    line->job = (struct io_job){.mail = {.deliver = free_line}};
    line->n = text.n + 1;
    memcpy(line->bytes, text.p, text.n);
    line->bytes[text.n] = '\n';
    host_submit(sink->helper, &line->job);
}

static void write_line(struct log *l, enum log_level level, const char *event,
                       const struct log_field *fields, size_t fields_n)
{
    const struct log_field cut = LOG_BOOL("cut", true);
    void (*format)(struct log *, enum log_level, const char *, const struct log_field *, size_t) =
        l->sink->json ? json_line : text_line;

    buf_clear(&l->buf);
    format(l, level, event, fields, fields_n);
    if (l->buf.failed) {
        buf_clear(&l->buf);
        format(l, level, event, &cut, 1);
    }
    if (!l->buf.failed)
        log_sink_line(l->sink, buf_peek(&l->buf));
}

static void say_suppressed(struct log *l, struct event *e)
{
    const struct log_field fields[] = {LOG_TEXT("of", e->name), LOG_U64("lines", e->suppressed)};

    if (e->suppressed == 0)
        return;
    write_line(l, LOG_LEVEL_WARN, "suppressed", fields, COUNTOF(fields));
    e->suppressed = 0;
}

/* Whether an event may come once more in this second. */
static bool may_come(struct log *l, const char *event)
{
    struct event *e = &l->events[((uintptr_t)event >> 3) * 0x9e3779b1u % EVENTS];
    uint64_t second = io_now_ms(l->io) / 1000;

    if (e->name != event || e->second != second) {
        say_suppressed(l, e);
        *e = (struct event){.name = event, .second = second};
    }
    if (e->n < LOG_PER_SECOND) {
        e->n++;
        return true;
    }
    e->suppressed++;
    return false;
}

bool log_wants(const struct log *l, enum log_level level)
{
    return level >= l->level;
}

void log_write(struct log *l, enum log_level level, const char *event,
               const struct log_field *fields, size_t fields_n)
{
    if (log_wants(l, level) && may_come(l, event))
        write_line(l, level, event, fields, fields_n);
}

struct str log_str_of(const char *z)
{
    return z != NULL ? str_of(z) : STR("");
}

void log_tick(struct log *l)
{
    uint64_t second = io_now_ms(l->io) / 1000;

    for (size_t i = 0; i < EVENTS; i++)
        if (l->events[i].second != second)
            say_suppressed(l, &l->events[i]);
}

struct log *log_new(struct log_sink *sink, struct io *io, enum log_level level, int worker)
{
    struct log *l = mem_zeroed(1, sizeof(*l));

    l->sink = sink;
    l->io = io;
    l->level = level;
    l->worker = worker;
    buf_init(&l->buf, LOG_LINE_MAX);
    return l;
}

void log_end(struct log *l)
{
    for (size_t i = 0; i < EVENTS; i++)
        say_suppressed(l, &l->events[i]);
}

void log_free(struct log *l)
{
    if (l == NULL)
        return;
    buf_fini(&l->buf);
    free(l);
}

static void say_dropped(struct log_sink *sink)
{
    uint64_t dropped = log_dropped(sink);

    assert(dropped >= sink->dropped_said);
    if (dropped == sink->dropped_said)
        return;
    fprintf(sink->out,
            sink->json ? "{\"level\":\"warn\",\"event\":\"log_dropped\",\"lines\":%llu}\n"
                       : "warn  log_dropped lines=%llu\n",
            (unsigned long long)(dropped - sink->dropped_said));
    sink->dropped_said = dropped;
}

/* io_run_f: on the helper's thread. */
static uint64_t write_chain(void *ctx, struct io_job *chain)
{
    struct log_sink *sink = ctx;

    while (chain != NULL) {
        struct io_mail *next = chain->mail.next;
        struct log_line *line = CONTAINER_OF(chain, struct log_line, job);

        fwrite(line->bytes, 1, line->n, sink->out);
        free(line);
        __atomic_sub_fetch(&sink->waiting, 1, __ATOMIC_RELAXED);
        chain = next != NULL ? CONTAINER_OF(next, struct io_job, mail) : NULL;
    }
    say_dropped(sink);
    fflush(sink->out);
    return IO_FOREVER;
}

int log_sink_new(struct io_host *host, FILE *out, bool json, struct log_sink **ret_sink)
{
    struct log_sink *sink = calloc(1, sizeof(*sink));
    struct io_helper_options o = {.name = "log", .threads = 1, .run = write_chain, .ctx = sink};
    int r;

    if (sink == NULL)
        return -ENOMEM;
    sink->out = out;
    sink->json = json;
    r = host_helper_new(host, &o, &sink->helper);
    if (r < 0)
        free(sink);
    else
        *ret_sink = sink;
    return r;
}

void log_sink_close(struct log_sink *sink)
{
    if (sink == NULL)
        return;
    host_helper_close(sink->helper);
    free(sink);
}

uint64_t log_dropped(const struct log_sink *sink)
{
    return __atomic_load_n(&sink->dropped, __ATOMIC_RELAXED);
}
