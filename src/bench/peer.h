/* peer.h: one simulated client: a connection that is opened, lost, cut and
 * opened again, and the bytes on it. What it says is talk.h's.
 *
 *   down -- connecting -- upgrading -- joining -- live
 *     ^         |             |           |        |
 *     +---------+-- closing --+-----------+--------+
 *
 * To the floor (io/floor.h) it speaks without the upgrade. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "base/buf.h"
#include "base/wheel.h"
#include "bench/crowd.h"
#include "bench/track.h"
#include "io/io.h"
#include "wire/ws.h"

enum peer_state {
    PEER_DOWN,
    PEER_CONNECTING,
    PEER_UPGRADING,
    PEER_JOINING,
    PEER_LIVE,
    PEER_CLOSING,
};

/* A message on its way to its acknowledgement. */
struct peer_flight {
    uint64_t number; /* of this publisher's messages; names the cid */
    uint64_t due_us;
    uint64_t seen;
    bool used;
};

struct peer_hole {
    uint32_t slot;
    struct track_hole hole;
};

struct peer {
    struct crowd *crowd;
    uint32_t index;
    enum peer_state state;
    bool again;  /* when closed: open anew */
    bool opened; /* it was live before */
    bool slow, paused;
    bool page_asked;
    uint8_t tries;
    uint32_t joins_left, joins_next, joins_flying;
    uint32_t wait_ms; /* before opening anew, as the server asked */
    struct io_op in, out;
    struct str part;
    struct ws_decoder ws;
    char accept[WS_ACCEPT_LEN]; /* what the answer to its upgrade must say */
    struct buf head, queued, sending;
    struct wheel_timer open_timer, read_timer, retry_timer;
    struct list ready_node, said_node, closing_node;
    uint64_t cut_ms;
    struct track *tracks; /* by slot */
    struct peer_hole *holes;
    uint32_t holes_n, holes_cap;
    /* Publishers. */
    struct peer_flight *flights;
    uint32_t flights_n, flights_cap;
    bool held;            /* told to wait before the next message */
    uint64_t outstanding; /* showings that the window waits for */
    uint64_t numbers;
};

void peer_init(struct peer *p, struct crowd *c, uint32_t index);

/* It must be down. */
void peer_fini(struct peer *p);

/* Connects; it must be down. */
void peer_open(struct peer *p);

/* Cuts the connection without a word; again: opens it anew at once. */
void peer_cut(struct peer *p, bool again);

/* The connection is of no use: why is counted as an error, and it is opened anew
 * after a while. */
void peer_lost(struct peer *p, const char *why);

/* It has all that it asked for when it was opened. */
void peer_live(struct peer *p);

/* Queues a text frame, masked as a client's are; text is changed by that. */
void peer_say(struct peer *p, uint8_t *text, size_t n);

/* Queues bytes as they are. */
void peer_say_raw(struct peer *p, struct str bytes);

/* Sends what is queued, if nothing is being sent. */
void peer_flush(struct peer *p);

/* Finishes closing if nothing is in flight any more; true if it is down then. */
bool peer_closed(struct peer *p);

/* Reads nothing for ms. */
void peer_pause(struct peer *p, uint64_t ms);

/* Its window may have room. */
void peer_ready(struct peer *p);

#endif
