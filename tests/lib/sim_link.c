#include "lib/sim_link.h"

#include "base/base64.h"
#include "base/str.h"
#include "wire/http1.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUEUE_MAX = 32 * 1024 * 1024, NONCE_N = 16, TARGET_MAX = 1200 };

static const struct ws_rules rules = {.message_max = 8 * 1024 * 1024};

static bool is_open(const struct sim_link *l)
{
    return l->state != SIM_LINK_DOWN && l->state != SIM_LINK_CLOSING;
}

void sim_link_cut(struct sim_link *l)
{
    if (!is_open(l))
        return;
    l->state = SIM_LINK_CLOSING;
    io_cancel(l->io, &l->in);
    io_cancel(l->io, &l->out);
}

bool sim_link_end(struct sim_link *l)
{
    if (l->state != SIM_LINK_CLOSING || l->in.in_flight || l->out.in_flight)
        return false;
    if (l->out.fd >= 0)
        io_close(l->io, l->out.fd);
    l->in.fd = l->out.fd = -1;
    ws_decoder_fini(&l->ws);
    buf_fini(&l->head);
    buf_fini(&l->queued);
    buf_fini(&l->sending);
    l->state = SIM_LINK_DOWN;
    return true;
}

/* Saying. */

static void flush(struct sim_link *l)
{
    struct buf empty;

    if (l->out.in_flight || !is_open(l) || l->state == SIM_LINK_CONNECTING)
        return;
    if (buf_len(&l->sending) == 0) {
        empty = l->sending;
        l->sending = l->queued;
        l->queued = empty;
        buf_clear(&l->queued);
    }
    l->part = buf_peek(&l->sending);
    if (l->part.n > 0)
        io_send(l->io, &l->out, &l->part, 1);
}

void sim_link_say(struct sim_link *l, struct str bytes)
{
    if (!is_open(l))
        return;
    buf_append(&l->queued, bytes);
    assert(!l->queued.failed);
    flush(l);
}

static void make_mask(struct sim_link *l, uint8_t mask[static WS_MASK_LEN])
{
    uint64_t r = rng_u64(l->rng);

    memcpy(mask, &r, WS_MASK_LEN);
}

void sim_link_text(struct sim_link *l, struct str text)
{
    uint8_t head[WS_HEADER_MAX], mask[WS_MASK_LEN];
    struct buf b CLEANUP(buf_fini);

    make_mask(l, mask);
    buf_init(&b, QUEUE_MAX);
    buf_append(&b, (struct str){head, ws_encode_header(head, WS_OP_TEXT, WS_FIN, text.n, mask)});
    buf_append(&b, text);
    ws_mask(b.bytes + b.wpos - text.n, text.n, mask, 0);
    sim_link_say(l, buf_peek(&b));
}

static void say_control(struct sim_link *l, enum ws_opcode op, struct str payload)
{
    uint8_t bytes[WS_CONTROL_MAX], mask[WS_MASK_LEN];

    make_mask(l, mask);
    sim_link_say(l, (struct str){bytes, ws_encode_control(bytes, op, payload, mask)});
}

void sim_link_bye(struct sim_link *l)
{
    uint8_t bytes[WS_CONTROL_MAX], mask[WS_MASK_LEN];

    if (l->state != SIM_LINK_WS)
        return;
    make_mask(l, mask);
    sim_link_say(l,
                 (struct str){bytes, ws_encode_close(bytes, WS_CLOSE_NORMAL, STR("done"), mask)});
}

static void say_request(struct sim_link *l, const char *method, const char *target,
                        const struct http1_header *extra, size_t extra_n)
{
    struct buf head CLEANUP(buf_fini);
    bool ok;

    buf_init(&head, QUEUE_MAX);
    ok = http1_write_request(&head, str_of(method), str_of(target), STR("localhost"), extra,
                             extra_n);
    assert(ok);
    sim_link_say(l, buf_peek(&head));
}

void sim_link_post(struct sim_link *l, const char *path, struct str body)
{
    char length[24];
    struct http1_header extra = {STR("Content-Length"), {0}};

    (void)snprintf(length, sizeof(length), "%zu", body.n);
    extra.value = str_of(length);
    say_request(l, "POST", path, &extra, 1);
    sim_link_say(l, body);
}

void sim_link_upgrade_at(struct sim_link *l, const char *target)
{
    uint64_t r[2] = {rng_u64(l->rng), rng_u64(l->rng)};
    char key[WS_KEY_LEN + 4];
    uint8_t nonce[NONCE_N];
    struct http1_header extra[] = {
        {STR("Connection"), STR("Upgrade")},
        {STR("Upgrade"), STR("websocket")},
        {STR("Sec-WebSocket-Version"), STR("13")},
        {STR("Sec-WebSocket-Key"), {0}},
    };

    memcpy(nonce, r, sizeof(nonce));
    extra[3].value =
        (struct str){(const uint8_t *)key,
                     base64_encode(BASE64_STANDARD, (struct str){nonce, sizeof(nonce)}, key)};
    say_request(l, "GET", target, extra, COUNTOF(extra));
}

void sim_link_upgrade(struct sim_link *l, struct str token)
{
    char target[TARGET_MAX] = "/ws";

    if (token.n > 0)
        (void)snprintf(target, sizeof(target), "/ws?token=%.*s", STR_ARGS(token));
    sim_link_upgrade_at(l, target);
}

/* Hearing. */

static void hear_message(struct sim_link *l, struct str payload)
{
    struct buf copy CLEANUP(buf_fini);

    buf_init(&copy, payload.n + 1);
    buf_append(&copy, payload);
    buf_append_byte(&copy, 0);
    l->ops->heard(l, copy.bytes, payload.n);
}

static void hear_frames(struct sim_link *l, uint8_t *p, size_t n)
{
    struct ws_message m;
    enum ws_event event;
    size_t used;

    do {
        event = ws_decode(&l->ws, &rules, p, n, &used, &m);
        p += used;
        n -= used;
        if (event == WS_MESSAGE) {
            hear_message(l, m.payload);
        } else if (event == WS_PING) {
            say_control(l, WS_OP_PONG, m.payload);
        } else if (event == WS_CLOSED || event == WS_BAD) {
            assert(event != WS_BAD);
            l->close_code = m.close_code;
            sim_link_cut(l);
        }
    } while (event != WS_MORE && l->state == SIM_LINK_WS);
}

/* Takes one answer from the head's buffer. False if it is not complete. */
static bool take_answer(struct sim_link *l)
{
    struct http1_limits limits = HTTP1_LIMITS_DEFAULT;
    struct http1_response r;
    struct str in = buf_peek(&l->head);
    enum http1_result result;
    size_t used;

    limits.body_max = QUEUE_MAX;
    result = http1_parse_response(in, &limits, false, &r, &used);
    assert(result != HTTP1_BAD);
    if (result == HTTP1_MORE)
        return false;
    if (r.status == 100) {
        buf_consume(&l->head, used);
        return true;
    }
    if (r.status == 101) {
        l->state = SIM_LINK_WS;
        buf_consume(&l->head, used);
        l->ops->answered(l, r.status, (struct str){0});
        return true;
    }
    if (in.n - used < r.content_length)
        return false;
    in = (struct str){in.p + used, (size_t)r.content_length};
    buf_consume(&l->head, used + in.n);
    l->ops->answered(l, r.status, in);
    return true;
}

static void hear(struct sim_link *l, uint8_t *p, size_t n)
{
    if (l->state == SIM_LINK_WS) {
        hear_frames(l, p, n);
        return;
    }
    buf_append(&l->head, (struct str){p, n});
    while (l->state == SIM_LINK_HTTP && take_answer(l))
        ;
    if (l->state == SIM_LINK_WS && buf_len(&l->head) > 0)
        hear_frames(l, l->head.bytes + l->head.rpos, buf_len(&l->head));
}

static void in_done(struct io_op *op, int result, uint8_t *data)
{
    struct sim_link *l = CONTAINER_OF(op, struct sim_link, in);

    if (!is_open(l))
        return;
    if (result == 0 || (result < 0 && result != -ECANCELED)) {
        sim_link_cut(l);
        return;
    }
    if (result > 0)
        hear(l, data, (size_t)result);
    if (is_open(l) && !l->paused && !op->in_flight)
        io_recv(l->io, op);
}

static void out_done(struct io_op *op, int result, uint8_t *data)
{
    struct sim_link *l = CONTAINER_OF(op, struct sim_link, out);

    (void)data;
    if (!is_open(l))
        return;
    if (result < 0) {
        sim_link_cut(l);
        return;
    }
    if (l->state == SIM_LINK_CONNECTING) {
        l->state = SIM_LINK_HTTP;
        l->in.fd = l->out.fd;
        l->ops->opened(l);
        if (is_open(l))
            io_recv(l->io, &l->in);
    } else {
        buf_consume(&l->sending, (size_t)result);
        flush(l);
    }
}

void sim_link_pause(struct sim_link *l, bool on)
{
    l->paused = on;
    if (l->state != SIM_LINK_HTTP && l->state != SIM_LINK_WS)
        return;
    if (on)
        io_cancel(l->io, &l->in);
    else if (!l->in.in_flight)
        io_recv(l->io, &l->in);
}

void sim_link_open(struct sim_link *l, const struct io_addr *addr)
{
    assert(l->state == SIM_LINK_DOWN);
    l->state = SIM_LINK_CONNECTING;
    l->paused = false;
    l->close_code = 0;
    ws_decoder_init(&l->ws, WS_CLIENT, false);
    buf_init(&l->head, QUEUE_MAX);
    buf_init(&l->queued, QUEUE_MAX);
    buf_init(&l->sending, QUEUE_MAX);
    io_connect(l->io, &l->out, addr);
}

void sim_link_init(struct sim_link *l, const struct sim_link_ops *ops, struct io *io,
                   struct rng *rng)
{
    *l = (struct sim_link){.ops = ops, .io = io, .rng = rng};
    l->in = (struct io_op){.done = in_done, .fd = -1};
    l->out = (struct io_op){.done = out_done, .fd = -1};
}
