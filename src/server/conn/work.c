#include "server/conn/work.h"

#include "server/conn/conn.h"
#include "server/node/node.h"
#include "server/node/worker.h"

/* A connection counts in parts of the limit, so that both fit in four bytes of it. */
#define PARTS 16384
#define PARTS_A_SECOND (PARTS / 4)
#define REFUSED_BYTES 1024

/* What the limit is; 0: none. A message that may come in may also be unpacked. */
static uint64_t most(const struct conn *c)
{
    const struct conf *conf = c->worker->server->conf;

    return conf->work_max == 0 || c->worker->server->o.echo
               ? 0
               : MAX(conf->work_max, 2 * conf->frame_max);
}

/* What has come back since. */
static void drain(struct conn *c)
{
    uint16_t now_s = (uint16_t)(worker_now_ms(c->worker) / 1000);
    uint32_t back = (uint32_t)(uint16_t)(now_s - c->work_s) * PARTS_A_SECOND;

    c->work = (uint16_t)(c->work - MIN(back, (uint32_t)c->work));
    c->work_s = now_s;
}

static void spend(struct conn *c, uint64_t n)
{
    uint64_t max = most(c), part = MAX(max / PARTS, UINT64_C(1));

    if (max == 0)
        return;
    drain(c);
    c->work = (uint16_t)MIN(c->work + (n + part - 1) / part, (uint64_t)UINT16_MAX);
}

void work_unpacked(struct conn *c, size_t n)
{
    metrics_add(c->worker->metrics, METRIC_bytes_unpacked, n);
    io_count(c->worker->io, n);
    spend(c, n);
}

void work_paid(struct conn *c, size_t n)
{
    uint64_t part = MAX(most(c) / PARTS, UINT64_C(1));

    c->work = (uint16_t)(c->work - MIN((n + part - 1) / part, (uint64_t)c->work));
}

void work_refused(struct conn *c)
{
    spend(conn_socket(c), REFUSED_BYTES);
}

bool work_is_over(struct conn *c)
{
    uint64_t max = most(c), first = c->worker->server->conf->work_before_login;

    if (max == 0 || c->work == 0)
        return false;
    drain(c);
    if (c->person == NULL && first > 0 && c->work > first * PARTS / max)
        return true;
    return c->work > PARTS;
}
