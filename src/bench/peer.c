#include "bench/peer.h"

#include "base/base64.h"
#include "base/str.h"
#include "bench/talk.h"
#include "wire/http1.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEAD_MAX = 8192, QUEUED_MAX = 8 * 1024 * 1024, NONCE_N = 16 };
enum { AGAIN_MS = 100, AGAIN_MAX_MS = 5000 };

static bool is_open(const struct peer *p)
{
    return p->state != PEER_DOWN && p->state != PEER_CLOSING;
}

static bool is_opening(const struct peer *p)
{
    return p->state == PEER_CONNECTING || p->state == PEER_UPGRADING || p->state == PEER_JOINING;
}

static void mark(struct list *list, struct list *node)
{
    if (list_empty(node))
        list_push(list, node);
}

/* --- Ending. --- */

static void begin_close(struct peer *p)
{
    struct crowd *c = p->crowd;

    if (p->state == PEER_LIVE)
        c->live_n--;
    else if (is_opening(p))
        c->opening_n--;
    p->state = PEER_CLOSING;
    wheel_cancel(&c->wheel, &p->read_timer);
    wheel_cancel(&c->wheel, &p->retry_timer);
    list_remove(&p->ready_node);
    list_remove(&p->said_node);
    io_cancel(c->io, &p->in);
    io_cancel(c->io, &p->out);
    mark(&c->closing, &p->closing_node);
}

void peer_cut(struct peer *p, bool again)
{
    wheel_cancel(&p->crowd->wheel, &p->open_timer);
    if (is_open(p)) {
        p->cut_ms = io_now_ms(p->crowd->io);
        p->again = again;
        p->wait_ms = 0;
        begin_close(p);
    } else
        p->again = p->again && again;
}

static uint32_t backoff_ms(struct peer *p)
{
    uint32_t ms = MIN((uint32_t)AGAIN_MAX_MS, (uint32_t)AGAIN_MS << MIN(p->tries, 6));

    p->tries = (uint8_t)MIN(p->tries + 1, 100);
    return ms / 2 + (uint32_t)rng_below(&p->crowd->rng, ms);
}

void peer_lost(struct peer *p, const char *why)
{
    struct crowd *c = p->crowd;

    if (!is_open(p))
        return;
    if (is_opening(p)) {
        c->refused_n++;
        (void)snprintf(c->refusal, sizeof(c->refusal), "%s", why);
    } else
        c->tally.counts.drops++;
    tally_error(&c->tally, str_of(why));
    if (p->state == PEER_LIVE)
        p->cut_ms = io_now_ms(c->io);
    p->again = true;
    p->wait_ms += backoff_ms(p);
    begin_close(p);
}

bool peer_closed(struct peer *p)
{
    struct crowd *c = p->crowd;

    if (p->in.in_flight || p->out.in_flight)
        return false;
    if (p->out.fd >= 0)
        io_close(c->io, p->out.fd);
    p->in.fd = p->out.fd = -1;
    ws_decoder_fini(&p->ws);
    buf_fini(&p->head);
    buf_fini(&p->queued);
    buf_fini(&p->sending);
    p->paused = false;
    p->state = PEER_DOWN;
    if (p->again)
        wheel_set(&c->wheel, &p->open_timer, io_now_ms(c->io) + p->wait_ms);
    p->wait_ms = 0;
    return true;
}

/* --- Saying. --- */

void peer_say_raw(struct peer *p, struct str bytes)
{
    if (!is_open(p))
        return;
    buf_append(&p->queued, bytes);
    if (p->queued.failed)
        peer_lost(p, "too_much_unsent");
    else
        mark(&p->crowd->said, &p->said_node);
}

static void make_mask(struct peer *p, uint8_t mask[static WS_MASK_LEN])
{
    uint64_t r = rng_u64(&p->crowd->rng);

    memcpy(mask, &r, WS_MASK_LEN);
}

void peer_say(struct peer *p, uint8_t *text, size_t n)
{
    uint8_t head[WS_HEADER_MAX], mask[WS_MASK_LEN];
    size_t head_n;

    make_mask(p, mask);
    head_n = ws_encode_header(head, WS_OP_TEXT, WS_FIN, n, mask);
    ws_mask(text, n, mask, 0);
    peer_say_raw(p, (struct str){head, head_n});
    peer_say_raw(p, (struct str){text, n});
}

static void say_pong(struct peer *p, struct str payload)
{
    uint8_t bytes[WS_CONTROL_MAX], mask[WS_MASK_LEN];

    make_mask(p, mask);
    peer_say_raw(p, (struct str){bytes, ws_encode_control(bytes, WS_OP_PONG, payload, mask)});
}

void peer_flush(struct peer *p)
{
    struct buf empty;

    if (p->out.in_flight || !is_open(p) || p->state == PEER_CONNECTING)
        return;
    if (buf_len(&p->sending) == 0) {
        empty = p->sending;
        p->sending = p->queued;
        p->queued = empty;
        buf_clear(&p->queued);
    }
    p->part = buf_peek(&p->sending);
    if (p->part.n > 0)
        io_send(p->crowd->io, &p->out, &p->part, 1);
}

/* --- Opening. --- */

static void say_upgrade(struct peer *p)
{
    const struct plan *plan = p->crowd->plan;
    uint8_t nonce[NONCE_N];
    char key[WS_KEY_LEN + 4], target[PLAN_HOST_N + 8];
    struct str path;
    uint64_t r[2] = {rng_u64(&p->crowd->rng), rng_u64(&p->crowd->rng)};
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

    (void)snprintf(bearer, sizeof(bearer), "Bearer %s",
                   p->crowd->tokens[plan_person(plan, p->index)]);
    extra[COUNTOF(extra) - 1].value = str_of(bearer);
    ws_accept((struct str){(const uint8_t *)key, WS_KEY_LEN}, p->accept);
    (void)snprintf(target, sizeof(target), "%s/ws", plan->base);
    path = str_of(target);
    buf_init(&head, HEAD_MAX);
    if (http1_write_request(&head, STR("GET"), path, str_of(plan->host), extra, COUNTOF(extra)))
        peer_say_raw(p, buf_peek(&head));
    else
        peer_lost(p, "bad_host_or_token");
    buf_fini(&head);
}

static void connected(struct peer *p)
{
    p->in.fd = p->out.fd;
    if (p->crowd->plan->floor) {
        p->state = PEER_JOINING;
        talk_open(p);
    } else {
        p->state = PEER_UPGRADING;
        say_upgrade(p);
    }
    if (is_open(p))
        io_recv(p->crowd->io, &p->in);
}

static void refuse(struct peer *p, const struct http1_response *r)
{
    char why[TALLY_CODE_N];

    (void)snprintf(why, sizeof(why), "upgrade_refused_%d", r->status);
    peer_lost(p, why);
}

/* The answer to the upgrade. Returns how many of the n bytes belong to it. */
static size_t hear_upgrade(struct peer *p, const uint8_t *bytes, size_t n)
{
    struct http1_limits limits = HTTP1_LIMITS_DEFAULT;
    struct http1_response r;
    size_t before = buf_len(&p->head), used = 0;
    struct str value;

    buf_append(&p->head, (struct str){bytes, n});
    switch (http1_parse_response(buf_peek(&p->head), &limits, false, &r, &used)) {
    case HTTP1_MORE:
        if (p->head.failed)
            peer_lost(p, "upgrade_bad_answer");
        return n;
    case HTTP1_BAD:
        peer_lost(p, "upgrade_bad_answer");
        return n;
    case HTTP1_OK:
        break;
    }
    if (r.status != 101)
        refuse(p, &r);
    else if (!http1_get(&r.headers, STR("Sec-WebSocket-Accept"), &value) ||
             !str_eq(value, (struct str){(const uint8_t *)p->accept, WS_ACCEPT_LEN}))
        peer_lost(p, "upgrade_wrong_accept");
    else {
        p->state = PEER_JOINING;
        talk_open(p);
    }
    buf_fini(&p->head);
    return used - before;
}

void peer_live(struct peer *p)
{
    struct crowd *c = p->crowd;

    assert(p->state == PEER_JOINING);
    p->state = PEER_LIVE;
    c->opening_n--;
    c->live_n++;
    p->tries = 0;
    if (p->opened)
        hist_add(&c->tally.back, io_now_ms(c->io) - p->cut_ms, 1);
    p->opened = true;
    talk_live(p);
}

/* --- Hearing. --- */

static void hear_closed(struct peer *p, const char *what, uint16_t code)
{
    char why[TALLY_CODE_N];

    (void)snprintf(why, sizeof(why), "%s_%u", what, code);
    peer_lost(p, why);
}

/* A whole text frame at the start of the bytes, without the general decoder; its length, else 0.
 * RFC 6455 5.2. */
static size_t hear_plain(struct peer *p, uint8_t *b, size_t n)
{
    size_t head = 2, len;

    if (n < 4 || b[0] != (WS_FIN | WS_OP_TEXT) || !ws_idle(&p->ws) || b[1] > 126)
        return 0;
    len = b[1];
    if (len == 126) {
        head = 4;
        len = (size_t)b[2] << 8 | b[3];
    }
    if (n < head + len)
        return 0;
    talk_hear(p, b + head, len);
    return head + len;
}

/* One step of the general decoder; how many bytes it took. */
static size_t hear_decoded(struct peer *p, uint8_t *b, size_t n)
{
    struct ws_message m;
    struct buf copy;
    size_t used = 0;

    switch (ws_decode(&p->ws, &p->crowd->rules, b, n, &used, &m)) {
    case WS_MESSAGE:
        buf_init(&copy, m.payload.n + 1);
        buf_append(&copy, m.payload);
        talk_hear(p, copy.bytes, buf_len(&copy));
        buf_fini(&copy);
        break;
    case WS_PING:
        say_pong(p, m.payload);
        break;
    case WS_CLOSED:
        hear_closed(p, "closed", m.close_code);
        break;
    case WS_BAD:
        hear_closed(p, "bad_frame", m.close_code);
        break;
    case WS_MORE:
    case WS_PONG:
        break;
    }
    return used;
}

static void hear(struct peer *p, uint8_t *b, size_t n)
{
    p->crowd->tally.counts.bytes += n;
    if (p->state == PEER_UPGRADING) {
        size_t used = hear_upgrade(p, b, n);

        b += used;
        n -= used;
    }
    while (n > 0 && is_open(p)) {
        size_t used = hear_plain(p, b, n);

        if (used == 0)
            used = hear_decoded(p, b, n);
        b += used;
        n -= used;
    }
}

static void in_done(struct io_op *op, int result, uint8_t *data)
{
    struct peer *p = CONTAINER_OF(op, struct peer, in);

    if (p->state == PEER_CLOSING || result == -ECANCELED)
        return;
    if (result <= 0) {
        peer_lost(p, result == 0 ? "connection_ended" : strerrorname_np(-result));
        return;
    }
    hear(p, data, (size_t)result);
    if (!is_open(p))
        return;
    if (p->slow && p->crowd->plan->conf->slow_for_ms == 0)
        peer_pause(p, p->crowd->plan->conf->read_delay_ms);
    else if (!p->paused)
        io_recv(p->crowd->io, &p->in);
}

static void out_done(struct io_op *op, int result, uint8_t *data)
{
    struct peer *p = CONTAINER_OF(op, struct peer, out);

    (void)data;
    if (p->state == PEER_CLOSING || result == -ECANCELED)
        return;
    if (result < 0)
        peer_lost(p, strerrorname_np(-result));
    else if (p->state == PEER_CONNECTING)
        connected(p);
    else {
        buf_consume(&p->sending, (size_t)result);
        peer_flush(p);
    }
}

void peer_pause(struct peer *p, uint64_t ms)
{
    if (!is_open(p) || p->state == PEER_CONNECTING)
        return;
    p->paused = true;
    io_cancel(p->crowd->io, &p->in);
    wheel_set(&p->crowd->wheel, &p->read_timer, io_now_ms(p->crowd->io) + ms);
}

static void read_again(struct wheel_timer *t)
{
    struct peer *p = CONTAINER_OF(t, struct peer, read_timer);

    p->paused = false;
    if (is_open(p) && !p->in.in_flight)
        io_recv(p->crowd->io, &p->in);
}

static void open_again(struct wheel_timer *t)
{
    peer_open(CONTAINER_OF(t, struct peer, open_timer));
}

static void ask_again(struct wheel_timer *t)
{
    talk_retry(CONTAINER_OF(t, struct peer, retry_timer));
}

void peer_ready(struct peer *p)
{
    mark(&p->crowd->ready, &p->ready_node);
}

void peer_open(struct peer *p)
{
    struct crowd *c = p->crowd;

    assert(p->state == PEER_DOWN);
    p->again = false;
    p->state = PEER_CONNECTING;
    c->opening_n++;
    ws_decoder_init(&p->ws, WS_CLIENT, false);
    buf_init(&p->head, HEAD_MAX);
    buf_init(&p->queued, QUEUED_MAX);
    buf_init(&p->sending, QUEUED_MAX);
    io_connect(c->io, &p->out, &c->plan->addr);
}

void peer_init(struct peer *p, struct crowd *c, uint32_t index)
{
    *p = (struct peer){.crowd = c, .index = index, .in.fd = -1, .out.fd = -1};
    p->in.done = in_done;
    p->out.done = out_done;
    p->open_timer.fire = open_again;
    p->read_timer.fire = read_again;
    p->retry_timer.fire = ask_again;
    list_init(&p->ready_node);
    list_init(&p->said_node);
    list_init(&p->closing_node);
    p->tracks = calloc(c->plan->rooms_each, sizeof(*p->tracks));
    if (p->tracks == NULL)
        abort();
}

void peer_fini(struct peer *p)
{
    assert(p->state == PEER_DOWN);
    wheel_cancel(&p->crowd->wheel, &p->open_timer);
    free(p->tracks);
    free(p->holes);
    free(p->flights);
}
