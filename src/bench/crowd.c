#include "bench/crowd.h"

#include "base/mem.h"
#include "bench/peer.h"
#include "bench/talk.h"

#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 16 * 1024 * 1024, TEXT_MAX = 1024 * 1024, CUT_TRIES = 16 };

void crowd_init(struct bench_crowd *c, const struct plan *plan, struct io *io)
{
    uint64_t seed;

    memset(c, 0, sizeof(*c));
    c->plan = plan;
    c->io = io;
    wheel_init(&c->wheel, io_now_ms(io));
    io_random(io, (uint8_t *)&seed, sizeof(seed));
    rng_init(&c->rng, seed);
    tally_init(&c->tally);
    c->rules = (struct ws_rules){.message_max = MESSAGE_MAX};
    buf_init(&c->text, TEXT_MAX);
    list_init(&c->ready);
    list_init(&c->said);
    list_init(&c->closing);
    c->tokens = mem_zeroed(plan->people, sizeof(*c->tokens));
    c->heads = mem_zeroed(plan->rooms, sizeof(*c->heads));
    c->followers = mem_zeroed(plan->rooms, sizeof(*c->followers));
    c->peers = mem_zeroed(plan->connections, sizeof(*c->peers));
    for (uint32_t i = 0; i < plan->rooms; i++)
        c->followers[i] = plan_followers(plan, i);
    for (uint32_t i = 0; i < plan->connections; i++)
        peer_init(&c->peers[i], c, i);
}

void crowd_fini(struct bench_crowd *c)
{
    for (uint32_t i = 0; i < c->plan->connections; i++)
        peer_fini(&c->peers[i]);
    for (uint32_t i = 0; i < c->plan->people; i++)
        free(c->tokens[i]);
    free(c->tokens);
    free(c->heads);
    free(c->followers);
    free(c->peers);
    buf_fini(&c->text);
}

void crowd_open(struct bench_crowd *c)
{
    while (c->opened_n < c->plan->connections && c->opening_n < c->plan->conf->opening)
        peer_open(&c->peers[c->opened_n++]);
}

void crowd_publish(struct bench_crowd *c, bool on)
{
    uint64_t now = io_clock_us(c->io);

    c->publishing = on;
    pace_init(&c->sends, now, on ? c->plan->rate : 0);
    pace_init(&c->cuts, now, on ? c->plan->reconnects : 0);
    for (uint32_t i = 0; on && i < c->plan->rooms * c->plan->publishers; i++)
        peer_ready(&c->peers[i]);
}

void crowd_slow(struct bench_crowd *c)
{
    for (uint32_t i = 0; i < c->plan->connections; i++) {
        if (!plan_slow(c->plan, i))
            continue;
        c->peers[i].slow = true;
        if (c->plan->conf->slow_for_ms > 0)
            peer_pause(&c->peers[i], c->plan->conf->slow_for_ms);
    }
}

/* --- A turn. --- */

static void send_windows(struct bench_crowd *c, uint64_t now_us)
{
    struct list *node;

    while ((node = list_pop(&c->ready)) != NULL) {
        struct peer *p = CONTAINER_OF(node, struct peer, ready_node);

        while (talk_may_send(p) && talk_send(p, now_us))
            ;
    }
}

/* The next publisher in turn that can take one more message; NULL: none. */
static struct peer *some_publisher(struct bench_crowd *c)
{
    uint32_t n = c->plan->rooms * c->plan->publishers;

    for (uint32_t i = 0; i < n; i++) {
        struct peer *p = &c->peers[c->next_publisher];

        c->next_publisher = (c->next_publisher + 1) % n;
        if (peer_is_live(p))
            return p;
    }
    return NULL;
}

static void send_due(struct bench_crowd *c, uint64_t now_us)
{
    uint64_t due;

    while (pace_next_us(&c->sends) <= now_us) {
        struct peer *p = some_publisher(c);

        if (p == NULL || !talk_send(p, pace_next_us(&c->sends)))
            break; /* what is due stays due */
        if (!pace_take(&c->sends, now_us, &due))
            break;
    }
}

static void cut_due(struct bench_crowd *c, uint64_t now_us)
{
    uint64_t due;

    while (pace_take(&c->cuts, now_us, &due)) {
        for (unsigned i = 0; i < CUT_TRIES; i++) {
            struct peer *p = &c->peers[rng_below(&c->rng, c->plan->connections)];

            if (!peer_is_live(p) || plan_slow(c->plan, p->index))
                continue;
            c->tally.counts.reconnects++;
            peer_cut(p, true);
            break;
        }
    }
}

static void close_what_is_done(struct bench_crowd *c)
{
    struct list later, *node;

    list_init(&later);
    while ((node = list_pop(&c->closing)) != NULL) {
        struct line *l = CONTAINER_OF(node, struct line, closing_node);

        if (line_closed(l))
            peer_line_down(l);
        else
            list_push(&later, node);
    }
    list_splice(&c->closing, &later);
}

void crowd_turn(struct bench_crowd *c)
{
    uint64_t now_us = io_clock_us(c->io);
    struct list *node;

    wheel_advance(&c->wheel, io_now_ms(c->io));
    if (c->publishing && c->plan->rate == 0)
        send_windows(c, now_us);
    else if (c->publishing)
        send_due(c, now_us);
    cut_due(c, now_us);
    while ((node = list_pop(&c->said)) != NULL)
        line_flush(CONTAINER_OF(node, struct line, said_node));
    close_what_is_done(c);
}

uint64_t crowd_next_ms(const struct bench_crowd *c)
{
    uint64_t now_ms = io_now_ms(c->io);
    uint64_t next_us = MIN(pace_next_us(&c->sends), pace_next_us(&c->cuts));
    uint64_t next_ms = next_us == UINT64_MAX ? UINT64_MAX : next_us / 1000;

    bool windows = c->publishing && c->plan->rate == 0 && !list_empty(&c->ready);

    if (windows || !list_empty(&c->closing) || !list_empty(&c->said))
        return now_ms;
    return MIN(wheel_next_ms(&c->wheel), next_ms);
}

bool crowd_close(struct bench_crowd *c)
{
    bool down = true;

    for (uint32_t i = 0; i < c->plan->connections; i++) {
        struct peer *p = &c->peers[i];

        peer_cut(p, false);
        down = down && peer_is_down(p);
    }
    return down;
}

uint64_t crowd_missing(const struct bench_crowd *c)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < c->opened_n; i++) {
        const struct peer *p = &c->peers[i];

        for (uint32_t slot = 0; slot < c->plan->rooms_each; slot++) {
            uint64_t head = c->heads[plan_room(c->plan, i, slot)];

            n += head > p->tracks[slot].cursor ? head - p->tracks[slot].cursor : 0;
        }
        for (uint32_t h = 0; h < p->holes_n; h++)
            n += p->holes[h].hole.to - p->holes[h].hole.next;
    }
    return n;
}

uint64_t crowd_waiting(const struct bench_crowd *c)
{
    uint64_t n = crowd_missing(c);

    for (uint32_t i = 0; i < c->opened_n; i++) {
        n += c->peers[i].flights_n;
        if (c->plan->window_on != CONF_WINDOW_ON_ACK)
            n += c->peers[i].outstanding;
    }
    return n;
}
