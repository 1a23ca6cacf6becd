#include "server/door_echo.h"

#include "base/str.h"
#include "server/worker.h"

static void send_back(struct conn *c, const struct ws_message *m)
{
    uint8_t header[WS_HEADER_MAX];
    struct str payload = m->payload;
    uint32_t flags = WS_FIN;
    struct buf *out = conn_out(c);
    struct buf copy CLEANUP(buf_fini);

    buf_init(&copy, SIZE_MAX / 2);
    if (c->window_bits > 0) {
        buf_append(&copy, payload); /* it may lie in the codec */
        payload = deflate_compress(c->worker->codec, c->window_bits, buf_peek(&copy));
        flags |= WS_RSV1;
    }
    buf_append(out,
               (struct str){header, ws_encode_header(header, m->opcode, flags, payload.n, NULL)});
    buf_append(out, payload);
    conn_sent(c);
}

static void control(struct conn *c, enum ws_opcode opcode, struct str payload)
{
    uint8_t frame[WS_CONTROL_MAX];

    (void)conn_send(c, (struct str){frame, ws_encode_control(frame, opcode, payload, NULL)});
}

static void finish(struct conn *c, uint16_t code, struct str reason, enum metric why)
{
    uint8_t frame[WS_CONTROL_MAX];

    if (conn_send(c, (struct str){frame, ws_encode_close(frame, code, reason, NULL)}))
        conn_finish(c, why);
}

static void handle(struct conn *c, enum ws_event event, const struct ws_message *m)
{
    switch (event) {
    case WS_MESSAGE:
        send_back(c, m);
        break;
    case WS_PING:
        control(c, WS_OP_PONG, m->payload);
        break;
    case WS_CLOSED:
        finish(c, m->close_code, (struct str){0}, METRIC_close_client);
        break;
    case WS_BAD:
        finish(c, m->close_code, m->payload, METRIC_close_protocol);
        break;
    case WS_PONG:
    case WS_MORE:
        break;
    }
}

static void received(struct conn *c, uint8_t *p, size_t n)
{
    struct ws_message m;
    enum ws_event event;
    size_t used;

    do {
        event = ws_decode(&c->ws, &c->worker->rules, p, n, &used, &m);
        handle(c, event, &m);
        p += used;
        n -= used;
    } while (event != WS_MORE && c->state == CONN_OPEN);
}

static void timeout(struct conn *c)
{
    (void)c; /* it may be silent for as long as it likes */
}

static void closed(struct conn *c)
{
    ws_decoder_fini(&c->ws);
    metrics_sub(c->worker->metrics, METRIC_open_ws, 1);
}

static const struct door door_echo = {
    .name = "echo",
    .received = received,
    .timeout = timeout,
    .closed = closed,
};

void door_echo_begin(struct conn *c, uint8_t window_bits)
{
    c->door = &door_echo;
    c->window_bits = window_bits;
    ws_decoder_init(&c->ws, WS_SERVER, window_bits > 0);
    metrics_add(c->worker->metrics, METRIC_open_ws, 1);
    wheel_cancel(&c->worker->wheel, &c->timer);
}
