#include "bench/line.h"

#include "base/base64.h"
#include "base/str.h"
#include "wire/http1.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEAD_MAX = 8192, QUEUED_MAX = 8 * 1024 * 1024, NONCE_N = 16 };

static void mark(struct list *list, struct list *node)
{
    if (list_empty(node))
        list_push(list, node);
}

/* --- Ending. --- */

void line_end(struct line *l)
{
    struct bench_crowd *c = l->crowd;

    if (!line_is_open(l))
        return;
    l->state = LINE_CLOSING;
    list_remove(&l->said_node);
    io_cancel(c->io, &l->in);
    io_cancel(c->io, &l->out);
    mark(&c->closing, &l->closing_node);
}

bool line_closed(struct line *l)
{
    if (l->in.in_flight || l->out.in_flight)
        return false;
    if (l->out.fd >= 0)
        io_close(l->crowd->io, l->out.fd);
    l->in.fd = l->out.fd = -1;
    ws_decoder_fini(&l->ws);
    buf_fini(&l->head);
    buf_fini(&l->queued);
    buf_fini(&l->sending);
    free(l->shown);
    l->shown = NULL;
    l->asked_n = 0;
    l->paused = false;
    l->state = LINE_DOWN;
    return true;
}

/* --- Saying. --- */

void line_say_raw(struct line *l, struct str bytes)
{
    if (!line_is_open(l))
        return;
    buf_append(&l->queued, bytes);
    if (l->queued.failed)
        l->ops->lost(l, "too_much_unsent");
    else
        mark(&l->crowd->said, &l->said_node);
}

static void make_mask(struct line *l, uint8_t mask[static WS_MASK_LEN])
{
    uint64_t r = rng_u64(&l->crowd->rng);

    memcpy(mask, &r, WS_MASK_LEN);
}

void line_say(struct line *l, uint8_t *text, size_t n)
{
    uint8_t head[WS_HEADER_MAX], mask[WS_MASK_LEN];
    size_t head_n;

    make_mask(l, mask);
    head_n = ws_encode_header(head, WS_OP_TEXT, WS_FIN, n, mask);
    ws_mask(text, n, mask, 0);
    line_say_raw(l, (struct str){head, head_n});
    line_say_raw(l, (struct str){text, n});
}

static void say_pong(struct line *l, struct str payload)
{
    uint8_t bytes[WS_CONTROL_MAX], mask[WS_MASK_LEN];

    make_mask(l, mask);
    line_say_raw(l, (struct str){bytes, ws_encode_control(bytes, WS_OP_PONG, payload, mask)});
}

void line_leave(struct line *l)
{
    uint8_t bytes[WS_CONTROL_MAX], mask[WS_MASK_LEN];

    make_mask(l, mask);
    line_say_raw(
        l, (struct str){bytes, ws_encode_close(bytes, WS_CLOSE_NORMAL, (struct str){0}, mask)});
    l->state = LINE_LEAVING;
}

void line_flush(struct line *l)
{
    if (l->out.in_flight || !line_is_open(l) || l->state == LINE_CONNECTING)
        return;
    l->part = buf_turn(&l->sending, &l->queued);
    if (l->part.n > 0)
        io_send(l->crowd->io, &l->out, &l->part, 1);
}

/* --- Opening. --- */

static void say_upgrade(struct line *l)
{
    struct bench_crowd *c = l->crowd;
    const struct plan *plan = c->plan;
    uint8_t nonce[NONCE_N];
    char key[WS_KEY_LEN + 4], target[PLAN_HOST_N + 8];
    struct str path;
    uint64_t r[2] = {rng_u64(&c->rng), rng_u64(&c->rng)};
    struct buf head;

    memcpy(nonce, r, sizeof(nonce));
    struct http1_header extra[] = {
        {STR("Connection"), STR("Upgrade")},
        {STR("Upgrade"), STR("websocket")},
        {STR("Sec-WebSocket-Version"), STR("13")},
        {STR("Sec-WebSocket-Protocol"), STR("polylog.v1")},
        {STR("Sec-WebSocket-Key"),
         {(const uint8_t *)key, base64_encode(BASE64_STANDARD, (struct str){nonce, NONCE_N}, key)}},
        {STR("Authorization"), {0}},
    };
    char bearer[2048];

    (void)snprintf(bearer, sizeof(bearer), "Bearer %s", c->tokens[l->person]);
    extra[COUNTOF(extra) - 1].value = str_of(bearer);
    ws_accept((struct str){(const uint8_t *)key, WS_KEY_LEN}, l->accept);
    (void)snprintf(target, sizeof(target), "%s/ws", plan->base);
    path = str_of(target);
    buf_init(&head, HEAD_MAX);
    if (http1_write_request(&head, STR("GET"), path, str_of(plan->host), extra, COUNTOF(extra)))
        line_say_raw(l, buf_peek(&head));
    else
        l->ops->lost(l, "bad_host_or_token");
    buf_fini(&head);
}

static void connected(struct line *l)
{
    l->in.fd = l->out.fd;
    if (l->crowd->plan->floor) {
        l->state = LINE_JOINING;
        l->ops->open(l);
    } else {
        l->state = LINE_UPGRADING;
        say_upgrade(l);
    }
    if (line_is_open(l))
        io_recv(l->crowd->io, &l->in);
}

static void line_refuse(struct line *l, const struct http1_response *r)
{
    char why[TALLY_CODE_N];

    (void)snprintf(why, sizeof(why), "upgrade_refused_%d", r->status);
    l->ops->lost(l, why);
}

/* The answer to the upgrade. Returns how many of the n bytes belong to it. */
static size_t hear_upgrade(struct line *l, const uint8_t *bytes, size_t n)
{
    struct http1_limits limits = HTTP1_LIMITS_DEFAULT;
    struct http1_response r;
    size_t before = buf_len(&l->head), used = 0;
    struct str value;

    buf_append(&l->head, (struct str){bytes, n});
    switch (http1_parse_response(buf_peek(&l->head), &limits, false, &r, &used)) {
    case HTTP1_MORE:
        if (l->head.failed)
            l->ops->lost(l, "upgrade_bad_answer");
        return n;
    case HTTP1_BAD:
        l->ops->lost(l, "upgrade_bad_answer");
        return n;
    case HTTP1_OK:
        break;
    }
    if (r.status != 101)
        line_refuse(l, &r);
    else if (!http1_get(&r.headers, STR("Sec-WebSocket-Accept"), &value) ||
             !str_eq(value, (struct str){(const uint8_t *)l->accept, WS_ACCEPT_LEN}))
        l->ops->lost(l, "upgrade_wrong_accept");
    else {
        l->state = LINE_JOINING;
        l->ops->open(l);
    }
    buf_fini(&l->head);
    return used - before;
}

/* --- Hearing. --- */

static void hear_closed(struct line *l, const char *what, uint16_t code)
{
    char why[TALLY_CODE_N];

    (void)snprintf(why, sizeof(why), "%s_%u", what, code);
    l->ops->lost(l, why);
}

/* A whole text frame at the start of the bytes, without the general decoder; its length, else 0.
 * RFC 6455 5.2. */
static size_t hear_plain(struct line *l, uint8_t *b, size_t n)
{
    size_t head = 2, len;

    if (n < 4 || b[0] != (WS_FIN | WS_OP_TEXT) || !ws_idle(&l->ws) || b[1] > 126)
        return 0;
    len = b[1];
    if (len == 126) {
        head = 4;
        len = (size_t)b[2] << 8 | b[3];
    }
    if (n < head + len)
        return 0;
    l->ops->hear(l, b + head, len);
    return head + len;
}

/* One step of the general decoder; how many bytes it took. */
static size_t hear_decoded(struct line *l, uint8_t *b, size_t n)
{
    struct ws_message m;
    struct buf copy;
    size_t used = 0;

    switch (ws_decode(&l->ws, &l->crowd->rules, b, n, &used, &m)) {
    case WS_MESSAGE:
        buf_init(&copy, m.payload.n + 1);
        buf_append(&copy, m.payload);
        l->ops->hear(l, copy.bytes, buf_len(&copy));
        buf_fini(&copy);
        break;
    case WS_PING:
        say_pong(l, m.payload);
        break;
    case WS_CLOSED:
        hear_closed(l, "closed", m.close_code);
        break;
    case WS_BAD:
        hear_closed(l, "bad_frame", m.close_code);
        break;
    case WS_MORE:
    case WS_PONG:
        break;
    }
    return used;
}

static void hear(struct line *l, uint8_t *b, size_t n)
{
    l->crowd->tally.counts.bytes += n;
    if (l->state == LINE_UPGRADING) {
        size_t used = hear_upgrade(l, b, n);

        b += used;
        n -= used;
    }
    while (n > 0 && line_is_open(l)) {
        size_t used = hear_plain(l, b, n);

        if (used == 0)
            used = hear_decoded(l, b, n);
        b += used;
        n -= used;
    }
}

static void in_done(struct io_op *op, int result, uint8_t *data)
{
    struct line *l = CONTAINER_OF(op, struct line, in);

    if (l->state == LINE_CLOSING || result == -ECANCELED)
        return;
    if (result <= 0) {
        l->ops->lost(l, result == 0 ? "connection_ended" : strerrorname_np(-result));
        return;
    }
    hear(l, data, (size_t)result);
    if (!line_is_open(l))
        return;
    if (!l->ops->rests(l) && !l->paused)
        io_recv(l->crowd->io, &l->in);
}

static void out_done(struct io_op *op, int result, uint8_t *data)
{
    struct line *l = CONTAINER_OF(op, struct line, out);

    (void)data;
    if (l->state == LINE_CLOSING || result == -ECANCELED)
        return;
    if (result < 0)
        l->ops->lost(l, strerrorname_np(-result));
    else if (l->state == LINE_CONNECTING)
        connected(l);
    else {
        buf_consume(&l->sending, (size_t)result);
        line_flush(l);
    }
}

void line_pause(struct line *l, bool on)
{
    if (on && (!line_is_open(l) || l->state == LINE_CONNECTING))
        return;
    l->paused = on;
    if (on)
        io_cancel(l->crowd->io, &l->in);
    else if (line_is_open(l) && l->state != LINE_CONNECTING && !l->in.in_flight)
        io_recv(l->crowd->io, &l->in);
}

void line_open(struct line *l)
{
    struct bench_crowd *c = l->crowd;

    assert(l->state == LINE_DOWN);
    l->state = LINE_CONNECTING;
    ws_decoder_init(&l->ws, WS_CLIENT, false);
    buf_init(&l->head, HEAD_MAX);
    buf_init(&l->queued, QUEUED_MAX);
    buf_init(&l->sending, QUEUED_MAX);
    io_connect(c->io, &l->out, &c->plan->addr);
}

void line_init(struct line *l, const struct line_ops *ops, struct peer *p, struct bench_crowd *c,
               uint32_t person)
{
    *l = (struct line){
        .ops = ops, .peer = p, .crowd = c, .person = person, .in.fd = -1, .out.fd = -1};
    l->in.done = in_done;
    l->out.done = out_done;
    list_init(&l->said_node);
    list_init(&l->closing_node);
}
