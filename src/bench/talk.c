#include "bench/talk.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "bench/stamp.h"
#include "io/floor.h"

#include <stdio.h>
#include <stdlib.h>

/* A request's id says what it was: (number << 2 | ask). */
enum ask { ASK_SEND, ASK_JOIN, ASK_RESUME, ASK_HISTORY };

enum { FLIGHTS_MAX = 4096, PAGE_MAX = 500, RETRY_MS = 500, REQUEST_EXTRA = 100, CID_N = 48 };
/* Below what a server answers at once. */
enum { JOINS_MAX = 32 };

static uint64_t ask_id(uint64_t number, enum ask ask)
{
    return (number + 1) << 2 | (uint64_t)ask;
}

static void talk_begin(struct peer *p, struct json_out *o, const char *action, uint64_t id)
{
    struct buf *b = &p->crowd->text;

    buf_clear(b);
    json_out_init(o, b);
    json_out_object(o);
    json_out_field_str(o, "action", str_of(action));
    json_out_field_u64(o, "id", id);
}

static void talk_end(struct line *l, struct json_out *o)
{
    struct buf *b = &l->peer->crowd->text;

    json_out_object_end(o);
    assert(!b->failed);
    l->asked_n++;
    line_say(l, b->bytes + b->rpos, buf_len(b));
}

static void room_field(struct peer *p, struct json_out *o, uint32_t slot)
{
    char room[PLAN_NAME_N];

    plan_room_name(p->crowd->plan, plan_room(p->crowd->plan, p->index, slot), room);
    json_out_field_str(o, "room", str_of(room));
}

/* --- What it says. --- */

static void say_join(struct line *l, uint32_t slot)
{
    struct peer *p = l->peer;
    struct json_out o;

    talk_begin(p, &o, "join", ask_id(slot, ASK_JOIN));
    room_field(p, &o, slot);
    talk_end(l, &o);
}

/* Asks for the rooms that the line does not follow. */
static void say_resume(struct line *l)
{
    struct peer *p = l->peer;
    const struct plan *plan = p->crowd->plan;
    char room[PLAN_NAME_N];
    struct json_out o;

    talk_begin(p, &o, "resume", ask_id(0, ASK_RESUME));
    json_out_key(&o, "rooms");
    json_out_object(&o);
    for (uint32_t slot = 0; slot < plan->rooms_each; slot++) {
        if (p->tracks[slot].joined)
            continue;
        plan_room_name(plan, plan_room(plan, p->index, slot), room);
        json_out_key(&o, room);
        json_out_array(&o);
        json_out_u64(&o, p->tracks[slot].epoch);
        json_out_u64(&o, p->tracks[slot].cursor);
        json_out_array_end(&o);
        if (l->shown != NULL)
            l->shown[slot] = p->tracks[slot].cursor;
    }
    json_out_object_end(&o);
    talk_end(l, &o);
}

/* To the floor: which room the connection is in. */
static void say_hello(struct line *l)
{
    struct peer *p = l->peer;
    uint8_t *bytes = mem_zeroed(1, talk_request_n(p->crowd->plan));
    uint32_t room = plan_room(p->crowd->plan, p->index, 0);

    memcpy(bytes, &room, sizeof(room));
    line_say_raw(l, (struct str){bytes, talk_request_n(p->crowd->plan)});
    free(bytes);
}

static void say_history(struct peer *p)
{
    const struct peer_hole *h = &p->holes[0];
    struct json_out o;

    p->page_asked = true;
    talk_begin(p, &o, "history", ask_id(0, ASK_HISTORY));
    room_field(p, &o, h->slot);
    json_out_field_u64(&o, "after", h->hole.next);
    json_out_field_u64(&o, "limit", MIN(h->hole.to - h->hole.next, (uint64_t)PAGE_MAX));
    json_out_field_str(&o, "view", STR("log"));
    talk_end(p->line, &o);
}

static void fill_text(struct buf *b, size_t n, uint64_t due_us, uint32_t publisher)
{
    uint8_t *text = buf_reserve(b, n);

    if (text == NULL)
        abort();
    stamp_write(text, due_us, publisher);
    memset(text + STAMP_N, 'x', n - STAMP_N);
    buf_commit(b, n);
}

static void say_message(struct peer *p, struct peer_flight *f)
{
    const struct plan *plan = p->crowd->plan;
    uint64_t slot = (uint64_t)(f - p->flights);
    struct buf *b = &p->crowd->text;
    char cid[CID_N];
    struct json_out o;

    (void)snprintf(cid, sizeof(cid), "b%06xi%xn%llx", plan->run, p->index,
                   (unsigned long long)f->number);
    talk_begin(p, &o, "send", ask_id(slot, ASK_SEND));
    room_field(p, &o, 0);
    buf_append(b, STR(",\"text\":\""));
    fill_text(b, plan->payload, f->due_us, p->index);
    buf_append_byte(b, '"');
    json_out_field_str(&o, "cid", str_of(cid));
    if (plan->seen)
        json_out_field_u64(&o, "seen", f->seen);
    f->line = p->line;
    talk_end(p->line, &o);
}

static void say_request(struct peer *p, uint64_t due_us)
{
    size_t n = talk_request_n(p->crowd->plan);
    struct buf *b = &p->crowd->text;
    uint32_t room = plan_room(p->crowd->plan, p->index, 0);
    uint8_t *bytes;

    buf_clear(b);
    bytes = buf_reserve(b, n);
    if (bytes == NULL)
        abort();
    memset(bytes, 'x', n);
    memcpy(bytes, &room, sizeof(room));
    stamp_write(bytes + FLOOR_STAMP_AT, due_us, p->index);
    line_say_raw(p->line, (struct str){bytes, n});
}

size_t talk_request_n(const struct plan *plan)
{
    return FLOOR_STAMP_AT + plan->payload + REQUEST_EXTRA;
}

/* Joins what is not joined yet, a few rooms at once. */
static void ask_joins(struct line *l)
{
    struct peer *p = l->peer;

    while (p->joins_flying < JOINS_MAX && p->joins_next < p->crowd->plan->rooms_each) {
        uint32_t slot = p->joins_next++;

        if (p->tracks[slot].joined)
            continue;
        p->joins_flying++;
        say_join(l, slot);
    }
}

static bool resumes(const struct line *l)
{
    const struct peer *p = l->peer;

    return l != p->line || (p->opened && p->crowd->plan->resume);
}

void talk_open(struct line *l)
{
    struct peer *p = l->peer;
    const struct plan *plan = p->crowd->plan;

    if (l == p->line)
        p->page_asked = false;
    p->joins_left = 1;
    if (plan->floor) {
        say_hello(l);
        return;
    }
    for (uint32_t slot = 0; slot < plan->rooms_each; slot++)
        p->tracks[slot].joined = false;
    if (resumes(l))
        say_resume(l);
    else {
        p->joins_left = plan->rooms_each;
        p->joins_next = p->joins_flying = 0;
        ask_joins(l);
    }
}

/* What went on that line, or on any, and was not answered. */
static void say_again(struct peer *p, const struct line *carried)
{
    for (uint32_t i = 0; i < p->flights_cap; i++) {
        struct peer_flight *f = &p->flights[i];

        if (!f->used || (carried != NULL && f->line != carried))
            continue;
        p->crowd->tally.counts.resends++;
        say_message(p, f);
    }
    if (p->holes_n > 0 && !p->page_asked)
        say_history(p);
}

void talk_live(struct line *l)
{
    struct peer *p = l->peer;

    say_again(p, NULL);
    if (plan_publishes(p->crowd->plan, p->index))
        peer_ready(p);
}

void talk_lost(const struct line *l)
{
    struct peer *p = l->peer;

    if (l->asked_n > 0)
        p->page_asked = false; /* perhaps it was there */
    if (peer_is_live(p))
        say_again(p, l);
}

void talk_retry(struct peer *p)
{
    struct line *l = peer_other(p)->state == LINE_JOINING ? peer_other(p) : p->line;

    if (l->state == LINE_JOINING && resumes(l))
        say_resume(l);
    else if (l->state == LINE_JOINING) {
        p->joins_next = 0;
        ask_joins(l);
    } else if (l->state == LINE_LIVE && p->holes_n > 0 && !p->page_asked)
        say_history(p);
    p->held = false;
    if (plan_publishes(p->crowd->plan, p->index))
        peer_ready(p);
}

bool talk_may_send(const struct peer *p)
{
    const struct plan *plan = p->crowd->plan;
    uint64_t all = p->crowd->followers[plan_room(plan, p->index, 0)];

    if (!peer_is_live(p) || p->held)
        return false;
    switch ((int)plan->window_on) {
    case CONF_WINDOW_ON_OWN:
        return p->outstanding < plan->window && p->flights_n < FLIGHTS_MAX;
    case CONF_WINDOW_ON_ALL:
        return p->outstanding + all <= plan->window * all && p->flights_n < FLIGHTS_MAX;
    default:
        return p->flights_n < plan->window;
    }
}

/* A free place for a message on its way. */
static struct peer_flight *flight_new(struct peer *p)
{
    uint32_t i = 0;

    if (p->flights_n == p->flights_cap) {
        uint32_t cap = p->flights_cap == 0 ? 4 : p->flights_cap * 2;
        struct peer_flight *more = mem_resize(p->flights, cap * sizeof(*more));

        memset(more + p->flights_cap, 0, (cap - p->flights_cap) * sizeof(*more));
        i = p->flights_cap;
        p->flights = more;
        p->flights_cap = cap;
    }
    while (p->flights[i].used)
        i++;
    p->flights_n++;
    return &p->flights[i];
}

bool talk_send(struct peer *p, uint64_t due_us)
{
    const struct plan *plan = p->crowd->plan;
    struct peer_flight *f;

    if (p->flights_n >= FLIGHTS_MAX)
        return false;
    p->crowd->tally.counts.sends++;
    p->outstanding += plan->window_on == CONF_WINDOW_ON_ALL
                          ? p->crowd->followers[plan_room(plan, p->index, 0)]
                          : 1;
    p->numbers++;
    if (plan->floor) {
        say_request(p, due_us);
        return true;
    }
    f = flight_new(p);
    *f = (struct peer_flight){
        .number = p->numbers, .due_us = due_us, .seen = p->tracks[0].cursor, .used = true};
    say_message(p, f);
    return true;
}

/* --- What it hears. --- */

static void head_seen(struct peer *p, uint32_t slot, uint64_t seq)
{
    uint64_t *head = &p->crowd->heads[plan_room(p->crowd->plan, p->index, slot)];

    *head = MAX(*head, seq);
}

/* Does the line keep its promise? */
static enum track_outcome check_entry(struct line *l, uint32_t slot, uint64_t seq,
                                      uint64_t *ret_missed)
{
    struct track own;
    enum track_outcome outcome;

    if (l->shown == NULL)
        return track_entry(&l->peer->tracks[slot], seq, ret_missed);
    own = (struct track){.cursor = l->shown[slot]};
    outcome = track_entry(&own, seq, ret_missed);
    l->shown[slot] = own.cursor;
    return outcome;
}

/* Is it new to the client, who perhaps was shown it on its other line? */
static bool is_new(struct line *l, uint32_t slot, uint64_t seq)
{
    struct track *t = &l->peer->tracks[slot];

    if (l->shown == NULL)
        return true;
    if (seq <= t->cursor) {
        l->peer->crowd->tally.counts.twins++;
        return false;
    }
    t->cursor = seq;
    return true;
}

static void hear_entry(struct line *l, const struct scan *s)
{
    struct peer *p = l->peer;
    struct tally *t = &p->crowd->tally;
    uint64_t missed = 0;
    uint32_t slot;

    if (!plan_slot(p->crowd->plan, p->index, s->room, &slot)) {
        t->counts.foreign++;
        return;
    }
    switch (check_entry(l, slot, s->seq, &missed)) {
    case TRACK_REPEAT:
        t->counts.repeats++;
        return;
    case TRACK_GAP:
        t->counts.gaps += missed;
        break;
    case TRACK_NEXT:
        break;
    }
    if (!is_new(l, slot, s->seq))
        return;
    t->counts.deliveries++;
    head_seen(p, slot, s->seq);
    if (!s->stamped)
        return;
    tally_delivery(t, io_clock_us(p->crowd->io) - s->sent_us, p->slow);
    peer_shown(p->crowd, s->publisher, s->publisher == p->index);
}

static void hear_behind(struct line *l, const struct scan *s)
{
    struct peer *p = l->peer;
    struct track *t;
    uint32_t slot;

    p->crowd->tally.counts.behinds++;
    if (!plan_slot(p->crowd->plan, p->index, s->room, &slot))
        return;
    t = &p->tracks[slot];
    if (l->shown != NULL)
        l->shown[slot] = MAX(l->shown[slot], s->to);
    if (s->from > t->cursor)
        p->crowd->tally.counts.gaps += s->from - t->cursor;
    if (s->to <= t->cursor)
        return;
    if (p->holes_n == p->holes_cap) {
        p->holes_cap = p->holes_cap == 0 ? 2 : p->holes_cap * 2;
        p->holes = mem_resize(p->holes, p->holes_cap * sizeof(*p->holes));
    }
    p->holes[p->holes_n++] =
        (struct peer_hole){.slot = slot, .hole = {.next = MAX(s->from, t->cursor), .to = s->to}};
    t->cursor = s->to;
    head_seen(p, slot, s->to);
    if (!p->page_asked && peer_is_live(p))
        say_history(p);
}

static void hear_page(struct peer *p, const struct scan *s)
{
    struct tally_counts *n = &p->crowd->tally.counts;
    struct track_hole *h;

    p->page_asked = false;
    if (p->holes_n == 0)
        return;
    h = &p->holes[0].hole;
    n->gaps += track_page(h, s->page_first, s->page_last, s->page_n, s->page_missed);
    n->paged += s->page_n;
    if (h->next >= h->to)
        memmove(p->holes, p->holes + 1, --p->holes_n * sizeof(*p->holes));
    if (p->holes_n > 0)
        say_history(p);
}

static void restart(struct line *l, uint32_t slot, uint64_t epoch, uint64_t head)
{
    struct peer *p = l->peer;

    p->crowd->tally.counts.resets++;
    p->tracks[slot].epoch = epoch;
    p->tracks[slot].cursor = head;
    if (l->shown != NULL)
        l->shown[slot] = head;
}

static void hear_reset(struct line *l, const struct scan *s)
{
    struct peer *p = l->peer;
    uint32_t slot;

    if (plan_slot(p->crowd->plan, p->index, s->room, &slot))
        restart(l, slot, s->epoch, s->head);
}

static void joined(struct line *l)
{
    struct peer *p = l->peer;

    if (l->state == LINE_JOINING && p->joins_left > 0 && --p->joins_left == 0)
        peer_live(l);
}

static void hear_join(struct line *l, const struct scan *s, uint64_t slot)
{
    struct peer *p = l->peer;
    struct track *t;

    if (slot >= p->crowd->plan->rooms_each || s->rooms_n != 1)
        return;
    p->joins_flying -= p->joins_flying > 0;
    t = &p->tracks[slot];
    if (t->joined)
        return; /* asked twice because of a retry */
    *t = (struct track){.joined = true, .epoch = s->rooms[0].epoch, .cursor = s->rooms[0].head};
    head_seen(p, (uint32_t)slot, t->cursor);
    joined(l);
    ask_joins(l);
}

/* What was refused is asked for again: the line is not up without it. */
static void hear_resume(struct line *l, const struct scan *s)
{
    struct peer *p = l->peer;
    bool refused = false;

    for (uint32_t slot = 0; slot < p->crowd->plan->rooms_each; slot++)
        p->tracks[slot].joined = true;
    for (size_t i = 0; i < s->rooms_n; i++) {
        const struct scan_room *r = &s->rooms[i];
        uint32_t slot;

        if (!plan_slot(p->crowd->plan, p->index, r->id, &slot))
            continue;
        if (r->refused) {
            tally_error(&p->crowd->tally, STR("resume_refused"));
            p->tracks[slot].joined = false;
            refused = true;
        } else if (r->reset)
            restart(l, slot, r->epoch, r->head);
        else
            head_seen(p, slot, r->head);
    }
    if (refused)
        wheel_set(&p->crowd->wheel, &p->retry_timer, io_now_ms(p->crowd->io) + RETRY_MS);
    else
        joined(l);
}

static void flight_end(struct peer *p, uint64_t i)
{
    if (i >= p->flights_cap || !p->flights[i].used)
        return;
    p->flights[i].used = false;
    p->flights_n--;
    peer_ready(p);
}

static void hear_ack(struct peer *p, const struct scan *s, uint64_t i)
{
    struct tally *t = &p->crowd->tally;

    if (i >= p->flights_cap || !p->flights[i].used)
        return;
    t->counts.acks++;
    t->counts.duplicates += s->duplicate;
    hist_add(&t->ack, io_clock_us(p->crowd->io) - p->flights[i].due_us, 1);
    head_seen(p, 0, s->seq);
    flight_end(p, i);
}

static void hear_ok(struct line *l, const struct scan *s)
{
    struct peer *p = l->peer;
    uint64_t number = (s->id >> 2) - 1;

    switch ((enum ask)(s->id & 3)) {
    case ASK_SEND:
        hear_ack(p, s, number);
        break;
    case ASK_JOIN:
        hear_join(l, s, number);
        break;
    case ASK_RESUME:
        hear_resume(l, s);
        break;
    case ASK_HISTORY:
        hear_page(p, s);
        break;
    }
    peer_answered(l);
}

/* A message that was refused takes nothing of the window any more. */
static void talk_refused(struct peer *p, uint64_t i)
{
    const struct plan *plan = p->crowd->plan;
    uint64_t n = plan->window_on == CONF_WINDOW_ON_ALL
                     ? p->crowd->followers[plan_room(plan, p->index, 0)]
                     : 1;

    p->outstanding -= MIN(n, p->outstanding);
    flight_end(p, i);
}

static void hear_failed(struct line *l, const struct scan *s)
{
    struct peer *p = l->peer;
    struct bench_crowd *c = p->crowd;
    uint64_t wait_ms = s->retry_after_ms > 0 ? s->retry_after_ms : RETRY_MS;

    tally_error(&c->tally, s->code);
    peer_answered(l);
    switch (s->id == 0 ? ASK_JOIN : (enum ask)(s->id & 3)) {
    case ASK_SEND:
        talk_refused(p, (s->id >> 2) - 1);
        p->held = s->retry_after_ms > 0;
        if (!p->held)
            return;
        break;
    case ASK_HISTORY:
        p->page_asked = false;
        break;
    case ASK_JOIN:
    case ASK_RESUME:
        if (l->state == LINE_JOINING) {
            p->joins_flying -= p->joins_flying > 0;
            c->refused_n++;
            (void)snprintf(c->refusal, sizeof(c->refusal), "a join was refused: %.*s",
                           STR_ARGS(s->code));
        }
        break;
    }
    wheel_set(&c->wheel, &p->retry_timer, io_now_ms(c->io) + wait_ms);
}

void talk_hear(struct line *l, uint8_t *bytes, size_t n)
{
    struct scan *s = &l->peer->crowd->scan;

    if (l->state == LINE_LEAVING)
        return; /* the server had not heard yet */

    scan_frame(s, bytes, n);
    switch (s->kind) {
    case SCAN_ENTRY:
        hear_entry(l, s);
        break;
    case SCAN_OK:
        hear_ok(l, s);
        break;
    case SCAN_FAILED:
        hear_failed(l, s);
        break;
    case SCAN_BEHIND:
        hear_behind(l, s);
        break;
    case SCAN_RESET:
        hear_reset(l, s);
        break;
    case SCAN_MOVE:
        peer_move(l, s->delay_ms, s->within_ms);
        break;
    case SCAN_CAST:
        l->peer->crowd->tally.counts.casts++;
        break;
    case SCAN_BAD:
        tally_error(&l->peer->crowd->tally, STR("bad_frame"));
        break;
    }
}
