#include "chat/room/turn.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/varint.h"

#include <stdlib.h>

enum { MARK = 2, VERSION = 1, HEAD_N = 2 };

/* Losses in a row before a node asks. */
#define PATIENCE 2
/* What is needed: to hear of the last append, read it, and append, each as long as the
 * lost append took at most; and some. */
#define NEED_TIMES 3
#define NEED_MORE_MS 5
#define WISH_MAX 32

bool turn_is(struct str cast)
{
    return cast.n > 0 && cast.p[0] == MARK;
}

void turn_write(struct buf *b, const struct turn_wish *wish)
{
    buf_append_byte(b, MARK);
    buf_append_byte(b, VERSION);
    buf_append_varint(b, wish->losses);
    buf_append_varint(b, wish->ms);
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

static void turn_over(struct wheel_timer *t)
{
    struct room *r = CONTAINER_OF(t, struct turn, timer)->room;

    assert(r->turn != NULL);
    if (r->queue_n > 0)
        room_mark(r);
}

/* Made when it is first needed. */
static struct turn *turn_of(struct room *r)
{
    if (r->turn != NULL)
        return r->turn;
    r->turn = mem_zeroed(1, sizeof(*r->turn));
    r->turn->room = r;
    r->turn->timer.fire = turn_over;
    r->turn->submitted_ms = owner_now_ms(r->owner);
    return r->turn;
}

void turn_fini(struct room *r)
{
    if (r->turn != NULL)
        wheel_cancel(r->owner->wheel, &r->turn->timer);
    free(r->turn);
    r->turn = NULL;
}

bool turn_is_anothers(const struct room *r)
{
    return r->turn != NULL && wheel_armed(&r->turn->timer);
}

void turn_submitted(struct room *r)
{
    if (r->turn != NULL || !bus_is_alone(r->owner->bus))
        turn_of(r)->submitted_ms = owner_now_ms(r->owner);
}

void turn_won(struct room *r)
{
    if (r->turn == NULL)
        return;
    r->turn->losses = 0;
    r->turn->given = false;
}

void turn_lost(struct room *r)
{
    struct owner *o = r->owner;
    struct buf b CLEANUP(buf_fini);
    struct turn *turn = turn_of(r);
    struct turn_wish wish;

    if (++turn->losses < PATIENCE)
        return;
    wish = (struct turn_wish){
        .losses = turn->losses,
        .ms = NEED_TIMES * (owner_now_ms(o) - turn->submitted_ms) + NEED_MORE_MS,
    };
    buf_init(&b, WISH_MAX);
    turn_write(&b, &wish);
    bus_cast(o->bus, room_id(r), buf_peek(&b));
}

void turn_rung(struct room *r, uint64_t node)
{
    if (!turn_is_anothers(r) || r->turn->node != node)
        return;
    assert(r->turn->room == r);
    wheel_cancel(r->owner->wheel, &r->turn->timer);
    turn_over(&r->turn->timer);
}

void turn_heard(struct room *r, const struct bus_event *event)
{
    struct owner *o = r->owner;
    struct turn_wish wish;
    struct turn *turn;

    if (!turn_read(event->bytes, &wish))
        return;
    turn = turn_of(r);
    if (turn->given)
        return;
    if (turn->losses > wish.losses)
        return;
    if (turn->losses == wish.losses && bus_self(o->bus) < event->node)
        return;
    turn->given = true;
    turn->node = event->node;
    wheel_set(o->wheel, &turn->timer, owner_now_ms(o) + MIN(wish.ms, (uint64_t)TURN_MAX_MS));
}
