#include "bench/peer.h"

#include "base/mem.h"
#include "base/str.h"
#include "bench/talk.h"

#include <stdio.h>
#include <stdlib.h>

enum { AGAIN_MS = 100, AGAIN_MAX_MS = 5000 };
/* Between attempts to move. */
enum { MOVE_MS = 500, MOVE_MAX_MS = 5000, MOVE_MIN_MS = 250, MOVE_SOON_MS = 20 };

static void mark(struct list *list, struct list *node)
{
    if (list_empty(node))
        list_push(list, node);
}

static uint64_t peer_now_ms(const struct peer *p)
{
    return io_now_ms(p->crowd->io);
}

/* --- Ending. --- */

/* The line that it uses goes. */
static void end_line(struct peer *p)
{
    struct bench_crowd *c = p->crowd;

    if (p->line->state == LINE_LIVE)
        c->live_n--;
    else if (line_is_opening(p->line))
        c->opening_n--;
    wheel_cancel(&c->wheel, &p->read_timer);
    wheel_cancel(&c->wheel, &p->retry_timer);
    list_remove(&p->ready_node);
    line_end(p->line);
}

void peer_cut(struct peer *p, bool again)
{
    wheel_cancel(&p->crowd->wheel, &p->open_timer);
    wheel_cancel(&p->crowd->wheel, &p->move_timer);
    line_end(peer_other(p));
    if (line_is_open(p->line)) {
        p->cut_ms = peer_now_ms(p);
        p->again = again;
        p->wait_ms = 0;
        end_line(p);
    } else
        p->again = p->again && again;
}

static uint32_t backoff_ms(struct peer *p)
{
    uint32_t ms = MIN((uint32_t)AGAIN_MAX_MS, (uint32_t)AGAIN_MS << MIN(p->tries, 6));

    p->tries = (uint8_t)MIN(p->tries + 1, 100);
    return ms / 2 + (uint32_t)rng_below(&p->crowd->rng, ms);
}

/* Tries again to move, while there is time: the more often the less there is. */
static void move_again(struct peer *p)
{
    uint64_t now = peer_now_ms(p), left = p->move_until_ms - MIN(now, p->move_until_ms);
    uint64_t most = MIN((uint64_t)MOVE_MAX_MS, (uint64_t)MOVE_MS << MIN(p->move_tries, 5));
    uint64_t at;

    most = MAX(MIN(most, left / 4), (uint64_t)MOVE_MIN_MS);
    at = now + most / 10 + rng_below(&p->crowd->rng, most);

    p->move_tries = (uint8_t)MIN(p->move_tries + 1, 100);
    p->crowd->tally.counts.move_retries++;
    if (at < p->move_until_ms)
        wheel_set(&p->crowd->wheel, &p->move_timer, at);
}

/* The other line, which was coming or going, is lost. */
static void other_lost(struct line *l)
{
    struct peer *p = l->peer;
    bool going = l->state == LINE_LIVE || l->state == LINE_LEAVING;

    line_end(l);
    if (going)
        talk_lost(l);
    else
        move_again(p);
}

/* The line is of no use: why is counted as an error, and it is opened anew after a
 * while. One that was leaving, or came up beside another, is not missed. */
static void peer_lost(struct line *l, const char *why)
{
    struct peer *p = l->peer;
    struct bench_crowd *c = p->crowd;
    struct line *other = peer_other(p);

    if (!line_is_open(l))
        return;
    if (l != p->line) {
        other_lost(l);
        return;
    }
    if (line_is_opening(l)) {
        c->refused_n++;
        (void)snprintf(c->refusal, sizeof(c->refusal), "%s", why);
    } else
        c->tally.counts.drops++;
    tally_error(&c->tally, str_of(why));
    if (l->state == LINE_LIVE)
        p->cut_ms = peer_now_ms(p);
    wheel_cancel(&c->wheel, &p->move_timer);
    end_line(p);
    if (line_is_opening(other)) { /* it is on its way already */
        p->line = other;
        c->opening_n++;
        return;
    }
    p->again = true;
    p->wait_ms = backoff_ms(p);
}

void peer_line_down(struct line *l)
{
    struct peer *p = l->peer;

    if (l == p->line && p->again)
        wheel_set(&p->crowd->wheel, &p->open_timer, peer_now_ms(p) + p->wait_ms);
}

/* --- Opening and moving. --- */

void peer_open(struct peer *p)
{
    p->again = false;
    p->crowd->opening_n++;
    line_open(p->line);
}

/* The other line is up: from now on it is the one. */
static void moved(struct line *l)
{
    struct peer *p = l->peer;
    struct line *first = p->line;

    p->line = l;
    p->crowd->tally.counts.moves++;
    hist_add(&p->crowd->tally.move, peer_now_ms(p) - p->told_ms, 1);
    if (first->asked_n == 0)
        line_leave(first);
    if (plan_publishes(p->crowd->plan, p->index))
        peer_ready(p);
}

void peer_live(struct line *l)
{
    struct peer *p = l->peer;
    struct bench_crowd *c = p->crowd;

    assert(l->state == LINE_JOINING);
    l->state = LINE_LIVE;
    if (l != p->line) {
        moved(l);
        return;
    }
    c->opening_n--;
    c->live_n++;
    p->tries = 0;
    if (p->opened)
        hist_add(&c->tally.back, peer_now_ms(p) - p->cut_ms, 1);
    p->opened = true;
    talk_live(l);
}

void peer_answered(struct line *l)
{
    l->asked_n -= l->asked_n > 0;
    if (l != l->peer->line && l->state == LINE_LIVE && l->asked_n == 0)
        line_leave(l);
}

void peer_move(struct line *l, uint64_t delay_ms, uint64_t within_ms)
{
    struct peer *p = l->peer;

    if (l != p->line) { /* it has come to a node that is going, too */
        if (line_is_opening(l))
            other_lost(l);
        return;
    }
    p->told_ms = peer_now_ms(p);
    p->move_until_ms = peer_now_ms(p) + within_ms;
    p->move_tries = 0;
    if (!line_is_opening(peer_other(p)))
        wheel_set(&p->crowd->wheel, &p->move_timer, peer_now_ms(p) + delay_ms);
}

/* What the line has brought is told apart from now on. */
static void part(struct peer *p, struct line *l)
{
    if (l->shown != NULL)
        return;
    l->shown = mem_zeroed(p->crowd->plan->rooms_each, sizeof(*l->shown));
    for (uint32_t slot = 0; slot < p->crowd->plan->rooms_each; slot++)
        l->shown[slot] = p->tracks[slot].cursor;
}

static void move_due(struct wheel_timer *t)
{
    struct peer *p = CONTAINER_OF(t, struct peer, move_timer);
    struct line *other = peer_other(p);

    if (p->line->state != LINE_LIVE || other->state != LINE_DOWN) {
        wheel_set(&p->crowd->wheel, t, peer_now_ms(p) + MOVE_SOON_MS);
        return;
    }
    part(p, p->line);
    part(p, other);
    line_open(other);
}

void peer_pause(struct peer *p, uint64_t ms)
{
    line_pause(p->line, true);
    if (p->line->paused)
        wheel_set(&p->crowd->wheel, &p->read_timer, peer_now_ms(p) + ms);
}

static void read_again(struct wheel_timer *t)
{
    struct peer *p = CONTAINER_OF(t, struct peer, read_timer);

    for (unsigned i = 0; i < COUNTOF(p->lines); i++)
        if (p->lines[i].paused)
            line_pause(&p->lines[i], false);
}

static void open_again(struct wheel_timer *t)
{
    peer_open(CONTAINER_OF(t, struct peer, open_timer));
}

static void ask_again(struct wheel_timer *t)
{
    talk_retry(CONTAINER_OF(t, struct peer, retry_timer));
}

void peer_ready(struct peer *p)
{
    mark(&p->crowd->ready, &p->ready_node);
}

void peer_shown(struct bench_crowd *c, uint32_t publisher, bool own)
{
    struct peer *p;

    if (publisher >= c->plan->connections || c->plan->window_on == CONF_WINDOW_ON_ACK)
        return;
    p = &c->peers[publisher];
    if (p->outstanding > 0 && (own || c->plan->window_on == CONF_WINDOW_ON_ALL)) {
        p->outstanding--;
        peer_ready(p);
    }
}

/* A slow reader rests after what it has read. */
static bool peer_rests(struct line *l)
{
    struct peer *p = l->peer;
    const struct plan *plan = p->crowd->plan;

    if (!p->slow || plan->conf->slow_for_ms > 0)
        return false;
    peer_pause(p, plan->conf->read_delay_ms);
    return true;
}

static const struct line_ops line_ops = {
    .open = talk_open,
    .hear = talk_hear,
    .lost = peer_lost,
    .rests = peer_rests,
};

void peer_init(struct peer *p, struct bench_crowd *c, uint32_t index)
{
    *p = (struct peer){.crowd = c, .index = index};
    for (unsigned i = 0; i < COUNTOF(p->lines); i++)
        line_init(&p->lines[i], &line_ops, p, c, plan_person(c->plan, index));
    p->line = &p->lines[0];
    p->open_timer.fire = open_again;
    p->read_timer.fire = read_again;
    p->retry_timer.fire = ask_again;
    p->move_timer.fire = move_due;
    list_init(&p->ready_node);
    p->tracks = mem_zeroed(c->plan->rooms_each, sizeof(*p->tracks));
}

void peer_fini(struct peer *p)
{
    assert(peer_is_down(p));
    wheel_cancel(&p->crowd->wheel, &p->open_timer);
    wheel_cancel(&p->crowd->wheel, &p->move_timer);
    free(p->tracks);
    free(p->holes);
    free(p->flights);
}
