#include "admin/tail_command.h"

#include "admin/bearer.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/file.h"
#include "io/host.h"
#include "io/http_client.h"
#include "io/process.h"
#include "io/signals.h"
#include "wire/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OUT_FD = 1,
    TEXT_MAX = 16 * 1024,
    LINE_MAX_BYTES = 4 * 1024 * 1024,
    STATE_MAX = 512,
    DEPTH_MAX = 16,
    KEEP_EVERY_US = 100000,
    SILENCE_MS = 120000, /* four times the longest usual --ping-interval */
    CONNECT_MS = 10000,
    WAIT_MIN_MS = 250,
    WAIT_MAX_MS = 10000,
};

/* Belongs to the client's thread while a request is under way, else to the caller's. */
struct tail_client {
    const struct conf *conf;
    struct io_host *host;
    struct io *io;
    struct http_client *client;
    struct http_request request;
    bool ended, stopped;
    struct buf line;     /* of which the end has not come yet */
    struct buf out;      /* complete lines, to be written in one piece */
    bool known;          /* epoch and seq are */
    uint64_t epoch, seq; /* of the last entry that was printed */
    bool begun;          /* of this answer the cursor was read */
    bool heard;          /* this answer brought an entry */
    bool reset;          /* the log is another one */
    uint64_t other_epoch;
    bool kept;    /* the state is that of what was printed */
    bool is_file; /* standard output */
    uint64_t kept_us;
    char why[TEXT_MAX]; /* what cannot be gone on from; empty: nothing */
};

static void tail_say(const char *what, const char *why)
{
    (void)fprintf(stderr, "polylog tail: %s: %s\n", what, why);
}

static void tail_give_up(struct tail_client *t, const char *what, int error)
{
    if (t->why[0] == '\0')
        (void)snprintf(t->why, sizeof(t->why), "%s: %s", what, strerror(-error));
}

/* The state. */

bool tail_command_read(struct str text, struct tail_command_state *ret)
{
    struct str line = text;
    struct str rest = str_cut(&line, '\n');

    *ret = (struct tail_command_state){.room = str_cut(&rest, ' ')};
    return ret->room.n > 0 && str_to_u64(str_cut(&rest, ' '), &ret->epoch) &&
           str_to_u64(str_cut(&rest, ' '), &ret->seq) &&
           str_to_u64(str_cut(&rest, ' '), &ret->device) &&
           str_to_u64(str_cut(&rest, ' '), &ret->inode) && str_to_u64(rest, &ret->size);
}

/* What was printed is on the disk before the state says so. */
static void keep(struct tail_client *t)
{
    struct file_place at = {0};
    char text[STATE_MAX];
    int n, r;

    if (!t->known || t->kept || t->conf->state[0] == '\0')
        return;
    r = t->is_file ? file_sync(OUT_FD) : 0;
    if (r == 0 && t->is_file)
        r = file_place(OUT_FD, &at);
    if (r < 0) {
        tail_give_up(t, "standard output", r);
        return;
    }
    n = snprintf(text, sizeof(text), "%s %llu %llu %llu %llu %llu\n", t->conf->tail_room,
                 (unsigned long long)t->epoch, (unsigned long long)t->seq,
                 (unsigned long long)at.device, (unsigned long long)at.inode,
                 (unsigned long long)at.size);
    r = n < (int)sizeof(text)
            ? file_replace(t->conf->state, (struct str){(const uint8_t *)text, (size_t)n})
            : -ENAMETOOLONG;
    if (r < 0)
        tail_give_up(t, t->conf->state, r);
    t->kept = true;
    t->kept_us = process_clock_us();
}

/* Takes back what standard output has behind the state. */
static int take_back(const struct tail_command_state *s)
{
    struct file_place at;
    int r = file_place(OUT_FD, &at);

    if (r == -ESPIPE || (r == 0 && (at.device != s->device || at.inode != s->inode)))
        return 0;
    if (r == 0 && at.size > s->size)
        r = file_cut(OUT_FD, s->size);
    return r;
}

/* False: said on standard error. */
static bool load(struct tail_client *t)
{
    struct buf text CLEANUP(buf_fini);
    struct tail_command_state s;
    struct file_place at;
    int r;

    t->is_file = file_place(OUT_FD, &at) == 0;
    if (t->conf->state[0] == '\0')
        return true;
    buf_init(&text, STATE_MAX);
    r = file_read(t->conf->state, &text);
    if (r == -ENOENT)
        return true;
    if (r < 0) {
        tail_say(t->conf->state, strerror(-r));
        return false;
    }
    if (!tail_command_read(buf_peek(&text), &s)) {
        tail_say(t->conf->state, "it is not a state of polylog tail");
        return false;
    }
    if (!str_eq(s.room, str_of(t->conf->tail_room))) {
        tail_say(t->conf->state, "it is of another room");
        return false;
    }
    r = take_back(&s);
    if (r < 0) {
        tail_say("standard output", strerror(-r));
        return false;
    }
    t->known = t->kept = true;
    t->epoch = s.epoch;
    t->seq = s.seq;
    return true;
}

/* The answer. */

enum tail_command_line tail_command_look(struct str line, uint64_t *ret_number)
{
    struct buf copy CLEANUP(buf_fini);
    struct str event = {0};
    uint64_t seq = 0, epoch = 0;
    enum json_token token;
    struct json j;

    buf_init(&copy, LINE_MAX_BYTES);
    buf_append(&copy, line);
    if (copy.failed)
        return TAIL_COMMAND_BAD;
    json_init(&j, copy.bytes + copy.rpos, buf_len(&copy), DEPTH_MAX);
    while ((token = json_next(&j)) != JSON_END && token != JSON_ERROR) {
        if (j.depth != 1)
            continue;
        if (token == JSON_STRING && str_eq(j.key, STR("event")))
            event = j.str;
        else if (token == JSON_INT && j.i64 > 0 && str_eq(j.key, STR("seq")))
            seq = (uint64_t)j.i64;
        else if (token == JSON_INT && j.i64 > 0 && str_eq(j.key, STR("epoch")))
            epoch = (uint64_t)j.i64;
    }
    if (token == JSON_ERROR || event.n == 0)
        return TAIL_COMMAND_BAD;
    *ret_number = str_eq(event, STR("reset")) ? epoch : seq;
    return str_eq(event, STR("reset")) ? TAIL_COMMAND_RESET
           : seq > 0                   ? TAIL_COMMAND_ENTRY
                                       : TAIL_COMMAND_OTHER;
}

/* False: the answer is to end. */
static bool take_line(struct tail_client *t, struct str line)
{
    uint64_t number;

    if (line.n == 0)
        return true; /* nothing comes, and the server is alive */
    switch (tail_command_look(line, &number)) {
    case TAIL_COMMAND_RESET:
        t->reset = true;
        t->other_epoch = number;
        return false;
    case TAIL_COMMAND_ENTRY:
        if (number <= t->seq)
            return true;
        t->seq = number;
        t->heard = true;
        t->kept = false;
        buf_append(&t->out, line);
        buf_append_byte(&t->out, '\n');
        return true;
    case TAIL_COMMAND_OTHER:
        return true;
    case TAIL_COMMAND_BAD:
        break;
    }
    (void)snprintf(t->why, sizeof(t->why), "%s: its answer is not a Polylog server's", t->conf->at);
    return false;
}

static bool write_out(struct tail_client *t)
{
    int r = file_append(OUT_FD, buf_peek(&t->out));

    buf_clear(&t->out);
    if (r < 0)
        tail_give_up(t, "standard output", r);
    return r == 0;
}

/* Where the answer begins: entries behind that are all that comes. */
static bool read_cursor(struct tail_client *t)
{
    struct str cursor = http_client_header(&t->request, "polylog-cursor");
    uint64_t epoch, seq;

    t->begun = true;
    if (!str_to_u64(str_cut(&cursor, ':'), &epoch) || !str_to_u64(cursor, &seq)) {
        (void)snprintf(t->why, sizeof(t->why), "%s: its answer is not a Polylog server's",
                       t->conf->at);
        return false;
    }
    if (!t->known) {
        t->known = true;
        t->epoch = epoch;
        t->seq = seq;
        t->kept = false;
        keep(t); /* where a start begins that finds nothing printed */
    }
    return t->why[0] == '\0';
}

static bool took(struct http_request *req, struct str bytes)
{
    struct tail_client *t = CONTAINER_OF(req, struct tail_client, request);
    bool more = t->begun || read_cursor(t);

    while (more && bytes.n > 0) {
        const uint8_t *end = memchr(bytes.p, '\n', bytes.n);
        size_t n = end != NULL ? (size_t)(end - bytes.p) : bytes.n;

        buf_append(&t->line, (struct str){bytes.p, n});
        if (t->line.failed)
            tail_give_up(t, t->conf->at, -EMSGSIZE);
        if (end == NULL)
            break;
        more = take_line(t, buf_peek(&t->line));
        buf_clear(&t->line);
        bytes = str_skip(bytes, n + 1);
    }
    more = write_out(t) && more;
    if (process_clock_us() - t->kept_us >= KEEP_EVERY_US)
        keep(t);
    return more && t->why[0] == '\0';
}

/* Asking. */

static void tail_answered(struct http_request *req)
{
    CONTAINER_OF(req, struct tail_client, request)->ended = true;
}

static void tail_caught(void *arg, int signal, int value)
{
    struct tail_client *t = arg;

    (void)value;
    (void)signal;
    t->stopped = true;
}

/* The server's own message, or what that status means. */
static void tail_refused(struct tail_client *t)
{
    struct buf *body = &t->request.ret_body;
    struct str message = {0};
    enum json_token token;
    struct json j;

    json_init(&j, body->bytes + body->rpos, buf_len(body), DEPTH_MAX);
    while ((token = json_next(&j)) != JSON_END && token != JSON_ERROR)
        if (token == JSON_STRING && str_eq(j.key, STR("message")))
            message = j.str;
    if (token == JSON_END && message.n > 0)
        (void)snprintf(t->why, sizeof(t->why), "%s: %.*s", t->conf->at, STR_ARGS(message));
    else
        (void)snprintf(t->why, sizeof(t->why), "%s: it answers with status %u", t->conf->at,
                       t->request.ret_status);
}

/* May the same be asked again later? RFC 9110 15.5.9, 15.6; RFC 6585 4. */
static bool is_passing(unsigned status)
{
    return status == 408 || status == 429 || status >= 500;
}

/* Ends with NUL. */
static void put_url(const struct tail_client *t, struct buf *url)
{
    const char *since = t->conf->since;

    buf_printf(url, "%s/api/v1/rooms/", t->conf->at);
    url_encode(url, str_of(t->conf->tail_room));
    buf_append(url, STR("/tail"));
    if (t->known)
        buf_printf(url, "?epoch=%llu&after=%llu", (unsigned long long)t->epoch,
                   (unsigned long long)t->seq);
    else if (since[0] != '\0')
        buf_printf(url, "?after=%s", since);
    buf_append_byte(url, '\0');
}

/* One answer, to its end. False if there is nothing to come back for. */
static bool read_answer(struct tail_client *t, const char *const *headers)
{
    struct buf url CLEANUP(buf_fini);

    buf_init(&url, TEXT_MAX);
    put_url(t, &url);
    t->ended = t->begun = t->heard = t->reset = false;
    t->request = (struct http_request){.home = t->io,
                                       .done = tail_answered,
                                       .piece = took,
                                       .method = "GET",
                                       .url = (const char *)buf_peek(&url).p,
                                       .headers = headers,
                                       .timeout_ms = SILENCE_MS,
                                       .connect_timeout_ms = CONNECT_MS,
                                       .response_max = TEXT_MAX};
    http_client_submit(t->client, &t->request);
    while (!t->ended && !t->stopped)
        io_wait(t->io, IO_FOREVER);
    if (!t->ended) {
        http_client_close(t->client);
        t->client = NULL;
        while (!t->ended)
            io_wait(t->io, IO_FOREVER);
    }
    buf_fini(&t->line);
    buf_init(&t->line, LINE_MAX_BYTES);
    keep(t);
    if (t->request.ret_error == 0 && t->request.ret_status != 200 &&
        !is_passing(t->request.ret_status))
        tail_refused(t);
    return !t->stopped && t->why[0] == '\0';
}

/* The log begins anew: a copy of the store was put in its place, say. */
static void begin_anew(struct tail_client *t)
{
    if (t->other_epoch == t->epoch)
        (void)fprintf(stderr,
                      "polylog tail: %s: what came next is gone, since the room does not keep it; "
                      "it follows from the first entry that there is\n",
                      t->conf->tail_room);
    else
        (void)fprintf(
            stderr,
            "polylog tail: %s: the log is another one (epoch %llu, it was %llu); it follows "
            "from its beginning\n",
            t->conf->tail_room, (unsigned long long)t->other_epoch, (unsigned long long)t->epoch);
    t->epoch = t->other_epoch;
    t->seq = 0;
    t->kept = false;
    keep(t);
}

static void rest(struct tail_client *t, uint64_t ms)
{
    uint64_t until = io_now_ms(t->io) + ms;

    while (!t->stopped && io_now_ms(t->io) < until)
        io_wait(t->io, until);
}

/* Between half of ms and all of it, so that many do not come at once. */
static uint64_t spread(struct tail_client *t, uint64_t ms)
{
    uint32_t r;

    io_random(t->io, (uint8_t *)&r, sizeof(r));
    return ms / 2 + r % (ms / 2 + 1);
}

static void tail_follow(struct tail_client *t, const char *const *headers)
{
    uint64_t wait_ms = WAIT_MIN_MS;
    bool lost = false;

    while (read_answer(t, headers)) {
        bool orderly = t->request.ret_error == 0 && t->request.ret_status == 200;
        bool said = lost;

        if (t->begun)
            wait_ms = WAIT_MIN_MS;
        lost = !orderly && !t->reset;
        if (t->reset)
            begin_anew(t);
        else if (lost && !said)
            tail_say(t->conf->at, t->request.ret_error < 0 ? http_client_error(&t->request)
                                                           : "it has no time now; tries again");
        http_client_request_fini(&t->request);
        rest(t, spread(t, wait_ms));
        wait_ms = MIN(wait_ms * 2, (uint64_t)WAIT_MAX_MS);
    }
    http_client_request_fini(&t->request);
}

static int tail_run(struct tail_client *t, const struct buf *bearer)
{
    const char *headers[] = {(const char *)buf_peek(bearer).p, "Accept: application/x-ndjson",
                             NULL};

    buf_init(&t->line, LINE_MAX_BYTES);
    buf_init(&t->out, LINE_MAX_BYTES);
    if (!load(t))
        return EXIT_FAILURE;
    tail_follow(t, headers);
    buf_fini(&t->line);
    buf_fini(&t->out);
    if (t->why[0] != '\0')
        (void)fprintf(stderr, "polylog tail: %s\n", t->why);
    return t->why[0] != '\0' ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int misused(const char *what, const char *why)
{
    tail_say(what, why);
    return CONF_EXIT_USAGE;
}

int tail_command(const struct conf *c)
{
    struct tail_client *t = mem_zeroed(1, sizeof(*t));
    struct buf bearer CLEANUP(bearer_wipe);
    struct signals *signals = NULL;
    uint64_t since;
    int code, r;

    t->conf = c;
    buf_init(&bearer, 0);
    if (c->tail_room[0] == '\0')
        code = misused("ROOM", "say which: polylog tail general");
    else if (!bearer_header(c->token, &bearer))
        code = misused("token", "whose reads it? POLYLOG_TOKEN; docs/bots.md says how to get one");
    else if (c->since[0] != '\0' && !str_to_u64(str_of(c->since), &since))
        code = misused("since", "a seq is a number; 0 is all");
    else {
        r = host_epoll_new(&t->host);
        if (r == 0)
            r = host_io_new(t->host, &t->io);
        if (r == 0)
            r = signals_start(t->io, tail_caught, t, &signals);
        if (r == 0)
            r = http_client_curl_new(&(struct http_options){0}, &t->client);
        if (r < 0)
            tail_say("cannot ask", strerror(-r));
        code = r == 0 ? tail_run(t, &bearer) : EXIT_FAILURE;
        http_client_close(t->client);
        signals_stop(signals);
        if (t->io != NULL)
            io_free(t->io);
        host_free(t->host);
    }
    free(t);
    return code;
}
