/* peer.h: one simulated client: it opens its connection (line.h), loses it, is cut,
 * and opens it again; asked to move to another node it opens the second before it
 * closes the first. What it says is talk.h's.
 *
 *   told to move --> the other line opens --live--> becomes the line; the first
 *                     ^    | lost, or told to move:  leaves when all is answered
 *                     +----+ the same node */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "base/wheel.h"
#include "bench/crowd_state.h"
#include "bench/line.h"
#include "bench/track.h"

/* A message on its way to its acknowledgement. */
struct peer_flight {
    uint64_t number; /* of this publisher's messages; names the cid */
    uint64_t due_us;
    uint64_t seen;
    const struct line *line; /* that carried it */
    bool used;
};

struct peer_hole {
    uint32_t slot;
    struct track_hole hole;
};

struct peer {
    struct bench_crowd *crowd;
    uint32_t index;
    struct line lines[2];
    struct line *line; /* the one that it uses */
    bool again;        /* when closed: open anew */
    bool opened;       /* it was live before */
    bool slow;
    bool page_asked;
    uint8_t tries, move_tries;
    uint32_t joins_left, joins_next, joins_flying;
    uint32_t wait_ms; /* before opening anew */
    struct wheel_timer open_timer, read_timer, retry_timer, move_timer;
    struct list ready_node;
    uint64_t cut_ms, told_ms, move_until_ms;
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

void peer_init(struct peer *p, struct bench_crowd *c, uint32_t index);

/* It must be down. */
void peer_fini(struct peer *p);

static inline bool peer_is_live(const struct peer *p)
{
    return p->line->state == LINE_LIVE;
}

static inline bool peer_is_down(const struct peer *p)
{
    return p->lines[0].state == LINE_DOWN && p->lines[1].state == LINE_DOWN;
}

/* The line that comes, or goes, while the client moves. */
static inline struct line *peer_other(struct peer *p)
{
    return &p->lines[p->line == &p->lines[0]];
}

/* Connects; its line must be down. */
void peer_open(struct peer *p);

/* Cuts the connection without a word; again: opens it anew at once. */
void peer_cut(struct peer *p, bool again);

/* A line has closed: what comes then. */
void peer_line_down(struct line *l);

/* The line has all that it asked for when it was opened. */
void peer_live(struct line *l);

/* The server asks to move. */
void peer_move(struct line *l, uint64_t delay_ms, uint64_t within_ms);

/* The line was answered something. */
void peer_answered(struct line *l);

/* Reads nothing for ms. */
void peer_pause(struct peer *p, uint64_t ms);

/* Its window may have room. */
void peer_ready(struct peer *p);

/* A message of publisher was shown to somebody, or to itself (own). */
void peer_shown(struct bench_crowd *c, uint32_t publisher, bool own);

#endif
