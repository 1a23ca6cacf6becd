/* line.h: one connection of a simulated client, from opening to closing, and the
 * bytes on it. A client (peer.h) has one; while it moves to another node, two.
 *
 *   down -- connecting -- upgrading -- joining -- live -- leaving
 *     ^         |             |           |        |         |
 *     +---------+-- closing --+-----------+--------+---------+
 *
 * Leaving: it has said that it closes, and hears what still comes. To the floor
 * (io/floor.h) it speaks without the upgrade. What is said is told by ops. */
#ifndef BENCH_LINE_H
#define BENCH_LINE_H

#include "bench/crowd_state.h"
#include "io/io.h"

struct peer;

enum line_state {
    LINE_DOWN,
    LINE_CONNECTING,
    LINE_UPGRADING,
    LINE_JOINING,
    LINE_LIVE,
    LINE_LEAVING,
    LINE_CLOSING,
};

struct line;

struct line_ops {
    /* It can carry frames. */
    void (*open)(struct line *l);
    /* One text frame, whose bytes it may change. */
    void (*hear)(struct line *l, uint8_t *bytes, size_t n);
    /* It is of no use: to be ended. */
    void (*lost)(struct line *l, const char *why);
    /* Whether it reads nothing for now, after what it has just heard. */
    bool (*rests)(struct line *l);
};

struct line {
    const struct line_ops *ops;
    struct peer *peer; /* whose it is: for ops */
    struct bench_crowd *crowd;
    uint32_t person; /* as whom it opens */
    enum line_state state;
    bool paused;
    uint32_t asked_n; /* requests that are not answered */
    uint64_t *shown;  /* by slot: what this line has brought; NULL: as the tracks */
    struct io_op in, out;
    struct str part;
    struct ws_decoder ws;
    char accept[WS_ACCEPT_LEN]; /* what the answer to its upgrade must say */
    struct buf head, queued, sending;
    struct list said_node, closing_node;
};

void line_init(struct line *l, const struct line_ops *ops, struct peer *p, struct bench_crowd *c,
               uint32_t person);

/* Connects; it must be down. */
void line_open(struct line *l);

static inline bool line_is_open(const struct line *l)
{
    return l->state != LINE_DOWN && l->state != LINE_CLOSING;
}

static inline bool line_is_opening(const struct line *l)
{
    return l->state == LINE_CONNECTING || l->state == LINE_UPGRADING || l->state == LINE_JOINING;
}

/* Queues a text frame, masked as a client's are; text is changed by that. */
void line_say(struct line *l, uint8_t *text, size_t n);

/* Queues bytes as they are. */
void line_say_raw(struct line *l, struct str bytes);

/* Sends what is queued, if nothing is being sent. */
void line_flush(struct line *l);

/* Reads nothing, or goes on. */
void line_pause(struct line *l, bool on);

/* Says that it closes; the server does. */
void line_leave(struct line *l);

/* Closes without a word. */
void line_end(struct line *l);

/* Finishes closing if nothing is in flight any more; true if it is down then. */
bool line_closed(struct line *l);

#endif
