#include "chat/turn.h"

#include "base/str.h"
#include "base/varint.h"
#include "chat/room.h"

enum { MARK = 2, VERSION = 1, HEAD_N = 2 };

/* Losses in a row before a node asks. */
#define PATIENCE 2
/* What is needed: to hear of the last append, read it, and append, each as long as the
 * lost append took at most; and some. */
#define NEED_TIMES 3
#define NEED_MORE_MS 5
#define WISH_MAX 32

static void put(struct buf *b, uint64_t v)
{
    uint8_t *p = buf_reserve(b, VARINT_N_MAX);

    if (p != NULL)
        buf_commit(b, (size_t)(varint_put(p, v) - p));
}

bool turn_is(struct str cast)
{
    return cast.n > 0 && cast.p[0] == MARK;
}

void turn_write(struct buf *b, const struct turn_wish *wish)
{
    buf_append_byte(b, MARK);
    buf_append_byte(b, VERSION);
    put(b, wish->losses);
    put(b, wish->ms);
}

bool turn_read(struct str cast, struct turn_wish *ret)
{
    struct turn_wish wish;
    struct str rest;

    if (cast.n < HEAD_N || cast.p[0] != MARK || cast.p[1] != VERSION)
        return false;
    rest = str_skip(cast, HEAD_N);
    if (!varint_get(&rest, &wish.losses) || !varint_get(&rest, &wish.ms) || rest.n > 0)
        return false;
    *ret = wish;
    return true;
}

static void over(struct wheel_timer *t)
{
    struct turn *turn = CONTAINER_OF(t, struct turn, timer);
    struct room *r = CONTAINER_OF(turn, struct room, turn);

    if (r->queue_n > 0)
        room_mark(r);
}

void turn_init(struct room *r)
{
    r->turn = (struct turn){.timer.fire = over};
}

void turn_fini(struct room *r)
{
    wheel_cancel(r->owner->wheel, &r->turn.timer);
}

bool turn_is_anothers(const struct room *r)
{
    return wheel_armed(&r->turn.timer);
}

void turn_submitted(struct room *r)
{
    r->turn.submitted_ms = owner_now_ms(r->owner);
}

void turn_won(struct room *r)
{
    r->turn.losses = 0;
    r->turn.given = false;
}

void turn_lost(struct room *r)
{
    struct owner *o = r->owner;
    struct buf b CLEANUP(buf_fini);
    struct turn_wish wish;

    if (++r->turn.losses < PATIENCE)
        return;
    wish = (struct turn_wish){
        .losses = r->turn.losses,
        .ms = NEED_TIMES * (owner_now_ms(o) - r->turn.submitted_ms) + NEED_MORE_MS,
    };
    buf_init(&b, WISH_MAX);
    turn_write(&b, &wish);
    bus_cast(o->bus, room_id(r), buf_peek(&b));
}

void turn_rung(struct room *r, uint64_t node)
{
    if (!turn_is_anothers(r) || r->turn.node != node)
        return;
    wheel_cancel(r->owner->wheel, &r->turn.timer);
    over(&r->turn.timer);
}

void turn_heard(struct room *r, const struct bus_event *event)
{
    struct owner *o = r->owner;
    struct turn_wish wish;

    if (!turn_read(event->bytes, &wish) || r->turn.given)
        return;
    if (r->turn.losses > wish.losses)
        return;
    if (r->turn.losses == wish.losses && bus_self(o->bus) < event->node)
        return;
    r->turn.given = true;
    r->turn.node = event->node;
    wheel_set(o->wheel, &r->turn.timer, owner_now_ms(o) + MIN(wish.ms, (uint64_t)TURN_MAX_MS));
}
