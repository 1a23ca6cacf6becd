/* log.h: what happened, one line each: JSON for machines, text for people.
 *
 *     log_info(l, "listening", LOG_TEXT("addr", addr), LOG_U64("port", port));
 *
 *   worker: struct log --one line--> helper (struct log_sink) --> standard error
 *
 * A line is formatted on the worker and written by a helper thread, so that a slow disk or terminal
 * blocks nobody; what waits is bounded, and what does not fit is counted and said. An event comes
 * at most LOG_PER_SECOND times a second from one worker; then it is "suppressed". Bytes of a peer
 * are escaped: no value can begin a line or a field. Secrets and tokens are never to be passed. */
#ifndef SERVER_NODE_LOG_H
#define SERVER_NODE_LOG_H

#include "base/base.h"
#include "conf/conf.h"
#include "io/host.h"

#include <stdio.h>

enum log_level {
    LOG_LEVEL_DEBUG = CONF_LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO = CONF_LOG_LEVEL_INFO,
    LOG_LEVEL_WARN = CONF_LOG_LEVEL_WARN,
    LOG_LEVEL_ERROR = CONF_LOG_LEVEL_ERROR,
};

enum {
    LOG_LINE_MAX = 4096,  /* a longer line loses its fields */
    LOG_VALUE_MAX = 512,  /* bytes of a string that are shown */
    LOG_PER_SECOND = 100, /* lines of one event from one worker */
    LOG_QUEUE_MAX = 8192, /* lines that wait to be written */
};

/* Writes one line at once, without a sink or a loop: what ends a start, or comes before
 * one. As text the line is "polylog: " and why. Blocks while out does: not for workers. */
void log_alone(FILE *out, bool json, enum log_level level, const char *event, const char *why);

/* The process's end of the log. */
struct log_sink;

/* A worker's end; used on its thread only. */
struct log;

/* Lines go to out, which must outlive the sink. 0 or -errno. */
int log_sink_new(struct io_host *host, FILE *out, bool json, struct log_sink **ret_sink) MUST_CHECK;

/* Writes a line, without its end, as it is: what is no log. Any thread; it is copied, and
 * counted as dropped if too many wait. */
void log_sink_line(struct log_sink *sink, struct str line);

/* Writes what waits. Every struct log of it must be gone. NULL is fine. */
void log_sink_close(struct log_sink *sink);

/* Time comes from io. worker is shown in each line; negative: it is not. */
struct log *log_new(struct log_sink *sink, struct io *io, enum log_level level,
                    int worker) MUST_CHECK;

/* Says what was suppressed; before io is freed, which may still deliver mail that logs. */
void log_end(struct log *l);

/* NULL is fine; io may be gone. */
void log_free(struct log *l);

/* Says what was suppressed. To be called about once a second. */
void log_tick(struct log *l);

struct log_field {
    const char *name;
    enum { LOG_FIELD_STR, LOG_FIELD_U64, LOG_FIELD_I64, LOG_FIELD_BOOL } type;
    struct str str;
    uint64_t u64;
    int64_t i64;
};

/* A struct str; a NUL-terminated string; numbers; a bool. */
#define LOG_STR(key, v) ((struct log_field){.name = (key), .type = LOG_FIELD_STR, .str = (v)})
#define LOG_TEXT(key, v) LOG_STR(key, log_str_of(v))
#define LOG_U64(key, v) ((struct log_field){.name = (key), .type = LOG_FIELD_U64, .u64 = (v)})
#define LOG_I64(key, v) ((struct log_field){.name = (key), .type = LOG_FIELD_I64, .i64 = (v)})
#define LOG_BOOL(key, v) ((struct log_field){.name = (key), .type = LOG_FIELD_BOOL, .u64 = (v)})

/* event is a string literal: its address tells events apart. Fields are
 * evaluated only if the level is logged. */
#define log_debug(l, ...) LOG_AT_(l, LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(l, ...) LOG_AT_(l, LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(l, ...) LOG_AT_(l, LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(l, ...) LOG_AT_(l, LOG_LEVEL_ERROR, __VA_ARGS__)

#define LOG_AT_(l, level, event, ...)                                                  \
    do {                                                                               \
        if (log_wants((l), (level)))                                                   \
            log_write((l), (level), "" event, (const struct log_field[]){__VA_ARGS__}, \
                      COUNTOF(((const struct log_field[]){__VA_ARGS__})));             \
    } while (0)

bool log_wants(const struct log *l, enum log_level level);
void log_write(struct log *l, enum log_level level, const char *event,
               const struct log_field *fields, size_t fields_n);

/* "" for NULL. */
struct str log_str_of(const char *z);

/* Lines that were not written because too many waited. Any thread. */
uint64_t log_dropped(const struct log_sink *sink);

#endif
