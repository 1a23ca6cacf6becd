/* bus_deaf.h: the operations of a bus over which nothing is heard and nobody is reached: it has
 * no other end. An implementation has them by BUS_DEAF_OPS, and adds name, alone, self, ring and
 * close. They do nothing, and say that nothing is wrong and nothing was counted. */
#ifndef BUS_BUS_DEAF_H
#define BUS_BUS_DEAF_H

#include "bus/bus.h"

void bus_deaf_attach(struct bus *b, struct io *home, bus_heard_f *heard, void *ctx);
void bus_deaf_follow(struct bus *b, struct io *home, struct str room, bool on);
void bus_deaf_found(struct bus *b, struct str room);
void bus_deaf_alive(struct bus *b, uint64_t node, bool alive);
void bus_deaf_cast(struct bus *b, struct str topic, struct str bytes);
void bus_deaf_direct(struct bus *b, uint64_t node, unsigned loop, struct str bytes);
bool bus_deaf_degraded(struct bus *b);
void bus_deaf_stats(struct bus *b, struct bus_stats *ret_stats);
void bus_deaf_stop(struct bus *b);

#define BUS_DEAF_OPS                                                               \
    .attach = bus_deaf_attach, .follow = bus_deaf_follow, .found = bus_deaf_found, \
    .alive = bus_deaf_alive, .cast = bus_deaf_cast, .direct = bus_deaf_direct,     \
    .degraded = bus_deaf_degraded, .stats = bus_deaf_stats, .stop = bus_deaf_stop

#endif
