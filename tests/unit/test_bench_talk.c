/* One simulated client against a server that is this test: what it says is read from the
 * connection, and what it hears is put there by hand. */
#include "bench/peer.h"

#include "base/str.h"
#include "bench/crowd.h"
#include "lib/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SENT_N = 65536, FD = 7 };

struct wire {
    struct io io;
    uint64_t ms;
    struct io_op *in, *out;
    int out_result;
    bool open, cancelled;
    uint8_t sent[SENT_N];
    size_t sent_n;
};

static struct wire *wire_of(struct io *io)
{
    return CONTAINER_OF(io, struct wire, io);
}

static uint64_t wire_ms(struct io *io)
{
    return wire_of(io)->ms;
}

static uint64_t wire_us(struct io *io)
{
    return wire_of(io)->ms * 1000;
}

static void wire_random(struct io *io, uint8_t *p, size_t n)
{
    (void)io;
    memset(p, 7, n);
}

static void wire_connect(struct io *io, struct io_op *op, const struct io_addr *addr)
{
    assert_int_equal(addr->port, 9);
    assert_false(wire_of(io)->open);
    op->in_flight = wire_of(io)->open = true;
    op->fd = FD;
    wire_of(io)->out = op;
    wire_of(io)->out_result = 0;
}

static void wire_recv(struct io *io, struct io_op *op)
{
    op->in_flight = true;
    wire_of(io)->in = op;
}

static void wire_send(struct io *io, struct io_op *op)
{
    struct wire *w = wire_of(io);

    op->in_flight = true;
    assert_true(w->sent_n + op->parts[0].n <= SENT_N);
    memcpy(w->sent + w->sent_n, op->parts[0].p, op->parts[0].n);
    w->sent_n += op->parts[0].n;
    w->out = op;
    w->out_result = (int)op->parts[0].n;
}

static void wire_cancel(struct io *io, struct io_op *op)
{
    assert_true(op == wire_of(io)->in || op == wire_of(io)->out);
    wire_of(io)->cancelled = true;
}

static void wire_close(struct io *io, int fd)
{
    assert_int_equal(fd, FD);
    wire_of(io)->open = false;
}

static void complete(struct io_op **at, int result, uint8_t *data)
{
    struct io_op *op = *at;

    if (op == NULL)
        return;
    *at = NULL;
    op->in_flight = false;
    op->done(op, result, data);
}

static const struct io_ops wire_ops = {
    .name = "test",
    .now_ms = wire_ms,
    .clock_us = wire_us,
    .random = wire_random,
    .connect = wire_connect,
    .recv = wire_recv,
    .send = wire_send,
    .cancel = wire_cancel,
    .close = wire_close,
};

static struct conf conf;
static struct plan plan;
static struct bench_crowd crowd;
static struct wire w;

/* Sends complete, cancelled receives too, until nothing more happens. */
static void turns(uint64_t ms)
{
    w.ms += ms;
    for (int i = 0; i < 4; i++) {
        complete(&w.out, w.out_result, NULL);
        if (w.cancelled)
            complete(&w.in, -ECANCELED, NULL);
        w.cancelled = false;
        crowd_turn(&crowd);
    }
}

static void hear_bytes(struct str bytes)
{
    uint8_t copy[4096];

    memcpy(copy, bytes.p, bytes.n);
    complete(&w.in, (int)bytes.n, copy);
    turns(0);
}

static void hear(const char *text)
{
    uint8_t bytes[4096];
    size_t n = ws_encode_header(bytes, WS_OP_TEXT, WS_FIN, strlen(text), NULL);

    memcpy(bytes + n, text, strlen(text));
    hear_bytes((struct str){bytes, n + strlen(text)});
}

/* Everything that was said since the last call: the frames' texts, each on a line. */
static const char *said(void)
{
    static char text[SENT_N];
    struct ws_rules rules = {.message_max = SENT_N};
    struct ws_decoder d;
    struct ws_message m;
    size_t used, at = 0, n = 0;

    ws_decoder_init(&d, WS_SERVER, false);
    while (at < w.sent_n) {
        enum ws_event e = ws_decode(&d, &rules, w.sent + at, w.sent_n - at, &used, &m);

        at += used;
        assert_int_equal(e, WS_MESSAGE);
        memcpy(text + n, m.payload.p, m.payload.n);
        n += m.payload.n;
        text[n++] = '\n';
    }
    text[n] = '\0';
    w.sent_n = 0;
    ws_decoder_fini(&d);
    return text;
}

static unsigned times(const char *text, const char *what)
{
    unsigned n = 0;

    for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
        n++;
    return n;
}

/* The server's side of the upgrade. */
static void upgrade(void)
{
    char accept[WS_ACCEPT_LEN], answer[256];
    const char *key;

    complete(&w.out, 0, NULL);
    turns(0);
    w.sent[w.sent_n] = '\0';
    assert_non_null(strstr((char *)w.sent, "Authorization: Bearer secret\r\n"));
    key = strstr((char *)w.sent, "Sec-WebSocket-Key: ");
    assert_non_null(key);
    ws_accept((struct str){(const uint8_t *)key + 19, WS_KEY_LEN}, accept);
    (void)snprintf(
        answer, sizeof(answer),
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Accept: %.*s\r\n\r\n",
        WS_ACCEPT_LEN, accept);
    w.sent_n = 0;
    hear_bytes(str_of(answer));
}

/* A client that has joined the room t-00000 at seq 10 of epoch 5. */
static int setup(void **state)
{
    char args[4][24] = {"--connections=1", "--window=2", "--name-prefix=t", "ws://127.0.0.1:9/ws"};
    char *argv[] = {args[0], args[1], args[2], args[3]};
    struct conf_input in = {.command = "bench", .argc = COUNTOF(argv), .argv = argv};
    char why[PLAN_WHY_N];

    (void)state;
    memset(&w, 0, sizeof(w));
    w.io.ops = &wire_ops;
    w.ms = 1000;
    assert_int_equal(conf_load(&conf, &in, why), CONF_OK);
    assert_true(plan_init(&plan, &conf, 1, why));
    crowd_init(&crowd, &plan, &w.io);
    crowd.tokens[0] = str_dup(STR("secret"));
    crowd_open(&crowd);
    upgrade();
    assert_string_equal(said(), "{\"action\":\"join\",\"id\":5,\"room\":\"t-00000\"}\n");
    hear("{\"id\":5,\"ok\":{\"room\":{\"id\":\"t-00000\",\"epoch\":5,\"head\":{\"seq\":10,"
         "\"count\":10}},\"read\":{\"seq\":0,\"count\":0}}}");
    assert_int_equal(crowd.live_n, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    crowd_publish(&crowd, false);
    for (int i = 0; !crowd_close(&crowd); i++) {
        assert_in_range(i, 0, 10);
        turns(1);
    }
    crowd_fini(&crowd);
    conf_fini(&conf);
    return 0;
}

static void entry(unsigned seq)
{
    char text[128];

    (void)snprintf(text, sizeof(text),
                   "{\"event\":\"message\",\"room\":\"t-00000\",\"seq\":%u,\"text\":\"hi\"}", seq);
    hear(text);
}

static void gaps_and_repeats_are_counted(void **state)
{
    const struct tally_counts *n = &crowd.tally.counts;

    (void)state;
    entry(11);
    entry(12);
    entry(12);
    entry(15);
    hear("{\"event\":\"invite\",\"room\":\"@1\",\"seq\":1,\"to\":\"x\"}");
    assert_int_equal(n->deliveries, 3);
    assert_int_equal(n->repeats, 1);
    assert_int_equal(n->gaps, 2);
    assert_int_equal(n->foreign, 1);
    assert_int_equal(crowd_missing(&crowd), 0);
}

static void what_was_left_out_is_fetched(void **state)
{
    const char *text;

    (void)state;
    hear("{\"event\":\"behind\",\"room\":\"t-00000\",\"from\":10,\"to\":13}");
    text = said();
    assert_non_null(strstr(text, "\"action\":\"history\""));
    assert_non_null(strstr(text, "\"after\":10,\"limit\":3,\"view\":\"log\""));
    assert_int_equal(crowd_missing(&crowd), 3);
    entry(14);
    hear("{\"id\":7,\"ok\":{\"entries\":[{\"seq\":11},{\"seq\":12}],\"more\":true}}");
    assert_non_null(strstr(said(), "\"after\":12,\"limit\":1,"));
    hear("{\"id\":7,\"ok\":{\"entries\":[{\"seq\":13}],\"more\":true}}");
    assert_string_equal(said(), "");
    assert_int_equal(crowd.tally.counts.paged, 3);
    assert_int_equal(crowd.tally.counts.gaps, 0);
    assert_int_equal(crowd_missing(&crowd), 0);
}

static void a_window_is_kept(void **state)
{
    const char *text;

    (void)state;
    crowd_publish(&crowd, true);
    turns(0);
    text = said();
    assert_int_equal(times(text, "\"action\":\"send\""), 2);
    assert_int_equal(times(text, "\"seen\":10"), 2);
    turns(1);
    assert_string_equal(said(), "");
    hear("{\"id\":4,\"ok\":{\"seq\":11,\"ts\":1,\"count\":11}}");
    assert_int_equal(times(said(), "\"action\":\"send\""), 1);
    assert_int_equal(crowd.tally.counts.acks, 1);
    assert_int_equal(crowd_missing(&crowd), 1);
}

static void who_is_too_fast_waits(void **state)
{
    (void)state;
    crowd_publish(&crowd, true);
    turns(0);
    (void)said();
    hear(
        "{\"id\":4,\"error\":{\"code\":\"rate_limited\",\"message\":\"\",\"retry_after_ms\":500}}");
    turns(499);
    assert_string_equal(said(), "");
    turns(1);
    assert_int_equal(times(said(), "\"action\":\"send\""), 1);
    assert_string_equal(crowd.tally.errors[0].code, "rate_limited");
}

static void what_was_on_its_way_is_sent_again_as_it_was(void **state)
{
    char before[SENT_N];

    (void)state;
    entry(11);
    crowd_publish(&crowd, true);
    turns(0);
    (void)snprintf(before, sizeof(before), "%s", said());
    assert_int_equal(times(before, "\"seen\":11"), 2);
    entry(12);
    complete(&w.in, 0, NULL); /* the end of the stream */
    turns(0);
    assert_int_equal(crowd.live_n, 0);
    assert_false(w.open);
    turns(1000);
    upgrade();
    assert_string_equal(said(),
                        "{\"action\":\"resume\",\"id\":6,\"rooms\":{\"t-00000\":[5,12]}}\n");
    hear("{\"id\":6,\"ok\":{\"rooms\":{}}}");
    assert_int_equal(crowd.live_n, 1);
    assert_string_equal(said(), before);
    hear("{\"id\":4,\"ok\":{\"seq\":12,\"ts\":1,\"count\":12,\"duplicate\":true}}");
    assert_int_equal(crowd.tally.counts.resends, 2);
    assert_int_equal(crowd.tally.counts.duplicates, 1);
    assert_int_equal(crowd.tally.counts.drops, 1);
}

/* It counted as up, and was shown nothing. */
static void what_resume_refuses_is_asked_for_again(void **state)
{
    static const char resume[] =
        "{\"action\":\"resume\",\"id\":6,\"rooms\":{\"t-00000\":[5,10]}}\n";

    (void)state;
    complete(&w.in, 0, NULL);
    turns(0);
    turns(1000);
    upgrade();
    assert_string_equal(said(), resume);
    hear("{\"id\":6,\"ok\":{\"rooms\":{\"t-00000\":{\"error\":{\"code\":\"store_failed\","
         "\"message\":\"\"}}}}}");
    assert_int_equal(crowd.live_n, 0);
    turns(499);
    assert_string_equal(said(), "");
    turns(1);
    assert_string_equal(said(), resume);
    hear("{\"id\":6,\"ok\":{\"rooms\":{}}}");
    assert_int_equal(crowd.live_n, 1);
    assert_string_equal(crowd.tally.errors[1].code, "resume_refused");
}

static void a_reset_starts_anew(void **state)
{
    (void)state;
    hear("{\"event\":\"reset\",\"room\":\"t-00000\",\"epoch\":6,\"head\":{\"seq\":3,\"count\":3}}");
    entry(4);
    assert_int_equal(crowd.tally.counts.resets, 1);
    assert_int_equal(crowd.tally.counts.deliveries, 1);
    assert_int_equal(crowd.tally.counts.repeats + crowd.tally.counts.gaps, 0);
}

static void pings_are_answered(void **state)
{
    static const uint8_t ping[] = {0x89, 2, 'h', 'i'};

    (void)state;
    hear_bytes((struct str){ping, sizeof(ping)});
    assert_int_equal(w.sent_n, 2 + WS_MASK_LEN + 2);
    assert_int_equal(w.sent[0], 0x8a);
    w.sent_n = 0;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

CHECK_MAIN(STORY(gaps_and_repeats_are_counted), STORY(what_was_left_out_is_fetched),
           STORY(a_window_is_kept), STORY(who_is_too_fast_waits),
           STORY(what_was_on_its_way_is_sent_again_as_it_was),
           STORY(what_resume_refuses_is_asked_for_again), STORY(a_reset_starts_anew),
           STORY(pings_are_answered))
