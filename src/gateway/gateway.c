#include "gateway/gateway.h"

#include <stdarg.h>
#include <stdio.h>

enum { ID_BYTES = 11 };

uint64_t gateway_wall_ms(struct gateway *g)
{
    return g->started_wall_ms + (io_now_ms(g->io) - g->started_ms) * g->speed;
}

void gateway_after(struct gateway *g, struct wheel_timer *t, uint64_t ms)
{
    wheel_set(&g->wheel, t, io_now_ms(g->io) + MAX(ms / g->speed, 1));
}

void gateway_make_id(struct gateway *g, char ret_id[static OCCASION_ID_N])
{
    uint8_t bytes[ID_BYTES];

    io_random(g->io, bytes, sizeof(bytes));
    occasion_make_id(bytes, ret_id);
}

bool gateway_take(struct gateway *g, struct gateway_bucket *b)
{
    uint64_t now_us = io_now_ms(g->io) * 1000, each_us, room_us;

    if (b->rate == 0)
        return true;
    each_us = MAX((uint64_t)1000000 / b->rate / g->speed, 1);
    room_us = each_us * MAX(b->burst, 1);
    if (b->full_at_us < now_us)
        b->full_at_us = now_us;
    if (b->full_at_us + each_us > now_us + room_us)
        return false;
    b->full_at_us += each_us;
    return true;
}

bool gateway_take_route(struct gateway *g, const struct api_route *r)
{
    return gateway_take(g, &g->routes[r - g->api->routes]);
}

uint64_t gateway_connected_ms(struct gateway *g)
{
    return g->meter.connected_ms + g->open_n * gateway_wall_ms(g) - g->opened_sum_ms;
}

void gateway_say(const struct gateway *g, const char *format, ...)
{
    va_list args;

    if (!g->loud)
        return;
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
}
