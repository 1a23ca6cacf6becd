/* ports.h: ports for servers that have to be told theirs, and come back to it. As those of
 * tests/integration/lib/ports.mjs they are below the ports that the kernel gives to outgoing
 * connections, and in a block that this process has for itself: tests side by side with it have
 * others. */
#ifndef LIB_PORTS_H
#define LIB_PORTS_H

#include <stdint.h>

/* A port of 127.0.0.1 that nobody listens on, and that was not given before, unless all were. */
uint16_t ports_free(void);

#endif
