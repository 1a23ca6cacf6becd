#include "server/sio/eio_probe.h"

#include "base/mem.h"
#include "base/str.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/sio/eio.h"
#include "server/ws/door_ws.h"

#include <stdlib.h>

#define PROBE_MS 10000

struct eio_probe {
    struct conn *session; /* NULL: it is gone */
    struct buf rest;      /* what came behind the upgrade */
    bool upgrades;
};

static void answer_probe(struct conn *probe)
{
    struct eio_probe *p = probe->own;
    struct buf *out = conn_out(probe);

    assert(p->session != NULL && !p->upgrades);
    eio_append_frame(out, &(struct engineio_packet){.type = ENGINEIO_PONG, .data = STR("probe")});
    conn_sent(probe);
    eio_probed(p->session, true);
}

/* The probe's last bytes leave first; from now on no request is the session's. */
static void begin_upgrade(struct eio_probe *p)
{
    assert(p->session != NULL && !p->upgrades);
    p->upgrades = true;
    eio_stop_polling(p->session);
}

static void detach(struct conn *probe)
{
    struct eio_probe *p = probe->own;
    struct conn *c = p->session;

    p->session = NULL;
    if (c != NULL)
        eio_left(c, p->upgrades);
}

static void probe_fail(struct conn *probe, enum metric why)
{
    detach(probe);
    conn_finish(probe, why);
}

static void probe_message(struct conn *probe, const struct ws_message *m)
{
    struct eio_probe *p = probe->own;
    struct engineio_packet packet;

    assert(!p->upgrades);
    if (p->session == NULL || !engineio_decode(m->payload, m->opcode == WS_OP_BINARY, &packet))
        probe_fail(probe, METRIC_close_protocol);
    else if (packet.type == ENGINEIO_PING && str_eq(packet.data, STR("probe")))
        answer_probe(probe);
    else if (packet.type == ENGINEIO_UPGRADE && eio_is_probed(p->session))
        begin_upgrade(p);
    else
        probe_fail(probe, METRIC_close_protocol);
}

/* Frames are read one by one: the bytes behind the upgrade are the session's. */
static void eio_probe_received(struct conn *probe, uint8_t *bytes, size_t n)
{
    struct eio_probe *p = probe->own;
    struct ws_message m;
    enum ws_event event = WS_PONG;
    size_t used;

    while (event != WS_MORE && !p->upgrades && probe->state == CONN_OPEN) {
        event = ws_decode(&probe->ws, &probe->worker->sio_rules, bytes, n, &used, &m);
        bytes += used;
        n -= used;
        if (event == WS_MESSAGE)
            probe_message(probe, &m);
        else if (event == WS_CLOSED || event == WS_BAD)
            probe_fail(probe, METRIC_close_protocol);
    }
    if (!p->upgrades || probe->state != CONN_OPEN)
        return;
    buf_append(&p->rest, (struct str){bytes, n});
    if (!probe->settling)
        conn_settle(probe); /* the probe's last bytes leave; then `settled` goes on */
}

/* The session takes the probe's socket. */
static void settled(struct conn *probe)
{
    struct eio_probe *p = probe->own;
    struct buf rest CLEANUP(buf_fini) = p->rest;
    struct conn *c = p->session;

    assert(p->upgrades && c != NULL);
    buf_init(&p->rest, 0);
    p->session = NULL;
    eio_upgrade(c, probe, buf_peek(&rest));
}

static void eio_probe_timeout(struct conn *probe)
{
    probe_fail(probe, METRIC_close_dead);
}

static void eio_probe_closed(struct conn *probe)
{
    struct eio_probe *p = probe->own;

    detach(probe);
    buf_fini(&p->rest);
    free(p);
    probe->own = NULL;
    ws_decoder_fini(&probe->ws);
}

static const struct door door_probe = {
    .name = "eio-probe",
    .received = eio_probe_received,
    .settled = settled,
    .timeout = eio_probe_timeout,
    .closed = eio_probe_closed,
};

static void probe_adopt(struct conn *c, struct conn *session)
{
    struct eio_probe *p = mem_zeroed(1, sizeof(*p));

    assert(c->own == NULL && c->person == NULL);
    p->session = session;
    buf_init(&p->rest, 2 * (size_t)IO_RECV_MAX); /* one receive may have been under way */
    c->own = p;
    c->door = &door_probe;
    ws_decoder_init(&c->ws, WS_SERVER, false);
    conn_timer(c, worker_now_ms(c->worker) + PROBE_MS);
}

void eio_probe_begin(struct conn *c, struct conn *session)
{
    probe_adopt(c, session);
    eio_probing(session, c);
}

void eio_probe_turn_away(struct conn *c)
{
    probe_adopt(c, NULL);
    eio_close_websocket(c, METRIC_close_protocol);
}

void eio_probe_close(struct conn *probe)
{
    assert(probe->own != NULL);
    ((struct eio_probe *)probe->own)->session = NULL;
    conn_finish(probe, METRIC_close_client);
}
