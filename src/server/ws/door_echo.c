#include "server/ws/door_echo.h"

#include "server/node/worker.h"
#include "server/ws/door_ws.h"

static void send_back(struct conn *c, const struct ws_message *m)
{
    uint8_t header[WS_HEADER_MAX];
    struct str payload = m->payload;
    uint32_t flags = WS_FIN;
    struct buf *out = conn_out(c);
    struct buf copy CLEANUP(buf_fini);

    assert(out != NULL);
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

static void door_echo_received(struct conn *c, uint8_t *p, size_t n)
{
    door_ws_read(c, &c->worker->rules, p, n, send_back);
}

static void door_echo_timeout(struct conn *c)
{
    (void)c; /* it may be silent for as long as it likes */
}

static void door_echo_closed(struct conn *c)
{
    ws_decoder_fini(&c->ws);
    metrics_sub(c->worker->metrics, METRIC_open_ws, 1);
}

static const struct door door_echo = {
    .name = "echo",
    .received = door_echo_received,
    .timeout = door_echo_timeout,
    .closed = door_echo_closed,
};

void door_echo_begin(struct conn *c, uint8_t window_bits)
{
    c->door = &door_echo;
    c->window_bits = window_bits;
    ws_decoder_init(&c->ws, WS_SERVER, window_bits > 0);
    metrics_add(c->worker->metrics, METRIC_open_ws, 1);
    wheel_cancel(&c->worker->wheel, &c->timer);
}
