/* sim_link.h: one connection of a simulated client: HTTP first, a WebSocket
 * after a 101. It reads as the story says: not at all for a while, or is cut.
 *
 *   DOWN --open--> CONNECTING --> HTTP --101--> WS
 *     ^                |            |           |
 *     +----- end ------+-- cut, reset, closed --+--> CLOSING */
#ifndef LIB_SIM_LINK_H
#define LIB_SIM_LINK_H

#include "base/buf.h"
#include "base/rng.h"
#include "io/io.h"
#include "wire/ws.h"

struct sim_link;

struct sim_link_ops {
    void (*opened)(struct sim_link *l);
    /* An answer to a request. With status 101 frames follow. */
    void (*answered)(struct sim_link *l, int status, struct str body);
    /* A text frame, whose bytes may be changed. */
    void (*heard)(struct sim_link *l, uint8_t *p, size_t n);
};

enum sim_link_state {
    SIM_LINK_DOWN,
    SIM_LINK_CONNECTING,
    SIM_LINK_HTTP,
    SIM_LINK_WS,
    SIM_LINK_CLOSING
};

struct sim_link {
    const struct sim_link_ops *ops;
    struct io *io;
    struct rng *rng;
    struct io_op in, out;
    enum sim_link_state state;
    bool paused;
    struct buf head, queued, sending; /* head: of an HTTP answer */
    struct str part;
    struct ws_decoder ws;
    uint16_t close_code; /* that the server gave; 0: none */
};

void sim_link_init(struct sim_link *l, const struct sim_link_ops *ops, struct io *io,
                   struct rng *rng);

/* It must be down. */
void sim_link_open(struct sim_link *l, const struct io_addr *addr);

/* Sends bytes; or a text frame. Nothing if it is not open. */
void sim_link_say(struct sim_link *l, struct str bytes);
void sim_link_text(struct sim_link *l, struct str text);

/* POST with a body; or the request for a WebSocket. token may be empty. */
void sim_link_post(struct sim_link *l, const char *path, struct str body);
void sim_link_upgrade(struct sim_link *l, struct str token);
void sim_link_upgrade_at(struct sim_link *l, const char *target);

/* Says a close frame; the server closes. */
void sim_link_bye(struct sim_link *l);

/* Cuts it. */
void sim_link_cut(struct sim_link *l);

/* Stops reading, or goes on. */
void sim_link_pause(struct sim_link *l, bool on);

/* Once a turn: true when a closing one has become down. */
bool sim_link_end(struct sim_link *l) MUST_CHECK;

static inline bool sim_link_is_ws(const struct sim_link *l)
{
    return l->state == SIM_LINK_WS;
}

#endif
