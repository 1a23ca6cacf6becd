#include "chat/room/owner.h"

#include "base/str.h"
#include "chat/room/again.h"
#include "chat/room/append.h"
#include "chat/room/change.h"
#include "chat/room/commands.h"
#include "chat/room/crowd.h"
#include "chat/room/direct.h"
#include "chat/room/load.h"
#include "chat/room/order.h"
#include "chat/room/presence.h"
#include "chat/room/purge.h"
#include "chat/room/reads.h"
#include "chat/room/retain.h"
#include "chat/room/screen.h"
#include "chat/room/slow.h"
#include "chat/room/turn.h"
#include "chat/room/wipe.h"

/* Doorbells keep a room current that somebody follows. */
static bool is_current(const struct room *r)
{
    return r->followers != 0 || bus_is_alone(r->owner->bus);
}

/* Looks what other nodes have appended, then runs the call's handler (again). */
static void owner_look(struct room *r, struct call *call)
{
    assert(call->room == r);
    call->next = NULL;
    *r->waiting_end = call;
    r->waiting_end = &call->next;
    if (r->state == ROOM_READY)
        load_catch_up(r);
    else
        load_room(r);
}

static bool may_look(const struct room *r, const struct call *call)
{
    return !call->looked && !bus_is_alone(r->owner->bus);
}

static void look_for(struct room *r, struct call *call)
{
    call->looked = true;
    owner_look(r, call);
}

/* What follows from the state of the room, which is behind that of another node
 * for as long as a doorbell takes. */
static bool is_of_state(enum error_code code)
{
    return code == ERROR_not_member || code == ERROR_banned || code == ERROR_muted ||
           code == ERROR_no_such_invite || code == ERROR_announcement || code == ERROR_archived ||
           code == ERROR_slow_mode || code == ERROR_word_refused || code == ERROR_link_refused ||
           code == ERROR_forbidden || code == ERROR_no_such_room || code == ERROR_no_such_message;
}

/* A node that knows more might answer otherwise: then it looks, once for each call. */
static bool owner_doubts(struct call *call, enum error_code code)
{
    struct room *r = call->room;

    assert(r != NULL);
    if (!is_of_state(code) || !may_look(r, call))
        return false;
    /* Another change of the same connection would wait for this one in its order, and this
     * one for that to end. */
    call->keeps = call->keeps || call->changes;
    call_again(call);
    if (call->propose != NULL)
        order_parks(r, call);
    look_for(r, call);
    return true;
}

/* The call leaves the room's hands, and then ours. */
static void owner_end(struct call *call)
{
    struct room *r = call->room;
    bool changed = call->changes || call->keeps;
    struct call *behind = order_leave(r, call);

    assert(r->uses > 0);
    call->room = NULL;
    call->keeper = NULL;
    call->keeps = false;
    call_forget(call);
    call->done(call);
    if (changed)
        change_next(r);
    order_run(r, behind);
    room_release(r);
}

static const struct call_keeper keeper = {.doubts = owner_doubts, .end = owner_end};

static void run_or_fail(struct room *r, struct call *call, enum store_result result)
{
    while (call != NULL) {
        struct call *next = call->next;

        if (result == STORE_OK)
            commands_handle(r, call);
        else
            call_fail_store(call, result);
        call = next;
    }
}

/* Who came while it was under way may know of more than it saw, if there are other
 * nodes: they wait for the next. */
static void owner_looked(struct room *r, enum store_result result)
{
    struct call *first = r->looking, *late = NULL;

    r->looking = NULL;
    if (result != STORE_OK || bus_is_alone(r->owner->bus)) {
        late = r->waiting;
        r->waiting = NULL;
        r->waiting_end = &r->waiting;
    }
    run_or_fail(r, first, result);
    run_or_fail(r, late, result);
}

/* What is long begins when the room is loaded and after appends of our own: after those of another
 * node that one goes on, and two would only do the same step twice. */
static void owner_goes_on(struct room *r)
{
    assert(r->state == ROOM_READY);
    if (r->owner->settles)
        again_settled(r);
    if (again_waits(r))
        return;
    wipe_on(r);
    purge_on(r);
    retain_on(r);
}

static void owner_loaded(struct room *r, enum store_result result)
{
    assert(r->state == ROOM_LOADING);
    r->state = result == STORE_OK ? ROOM_READY : ROOM_LOADING;
    if (result == STORE_OK)
        owner_goes_on(r);
    owner_looked(r, result);
    load_on(r);
    if (result == STORE_OK && r->queue_n > 0)
        room_mark(r);
}

static void owner_freed(struct room *r)
{
    struct wheel *wheel = r->owner->wheel;

    wheel_cancel(wheel, &r->reads_timer);
    wheel_cancel(wheel, &r->look_timer);
    again_fini(r);
    turn_fini(r);
    reads_fini(r);
    slow_fini(r);
    screen_fini(r);
    presence_free(r->presence);
}

static void owner_took(struct room *r, const struct entry *e)
{
    assert(r->head > 0);
    slow_note(r, e);
    screen_note(r, e);
}

static const struct room_engine engine = {
    .run = commands_handle,
    .looked = owner_looked,
    .loaded = owner_loaded,
    .fail_queue = append_fail_all,
    .go_on = owner_goes_on,
    .took = owner_took,
    .fini = owner_freed,
};

void owner_init(struct owner *o, uint64_t seed)
{
    assert(o->ops != NULL && o->store != NULL && o->home != NULL);
    map_init(&o->rooms);
    list_init(&o->idle);
    list_init(&o->dirty);
    order_init(&o->order);
    reads_owner_init(o);
    o->engine = &engine;
    rng_init(&o->rng, seed);
    o->doubt_ms = io_now_ms(o->home) + LOAD_DOUBT_MS;
}

void owner_fini(struct owner *o)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&o->rooms, &it); n != NULL; n = map_next(&it))
        room_free(CONTAINER_OF(n, struct room, node));
    map_fini(&o->rooms);
    screen_owner_fini(o);
    order_fini(&o->order);
    pool_fini(&o->positions);
}

void owner_run(struct owner *o, struct str id, struct call *call)
{
    struct room *r = room_find(o, id);

    assert(call->room == NULL);
    if (r == NULL) {
        r = room_new(o, id);
        reads_init(r);
    }
    room_hold(r);
    call->room = r;
    call->keeper = &keeper;
    if (again_takes(r))
        owner_goes_on(r);
    if (r->state == ROOM_READY && r->looking == NULL && r->waiting == NULL && is_current(r))
        commands_handle(r, call);
    else
        owner_look(r, call);
}

bool owner_is_ahead(struct room *r, struct call *call, uint64_t seq)
{
    if (seq <= r->head || !may_look(r, call))
        return false;
    look_for(r, call);
    return true;
}

void owner_flush(struct owner *o)
{
    struct list now;
    struct list *node;

    list_init(&now);
    list_splice(&now, &o->dirty); /* what is marked meanwhile is the next turn's */
    while ((node = list_pop(&now)) != NULL)
        append_pump(CONTAINER_OF(node, struct room, dirty_node));
}

void owner_settle(struct owner *o)
{
    struct map_iter it;

    o->settles = true;
    for (struct map_node *n = map_first(&o->rooms, &it); n != NULL; n = map_next(&it)) {
        struct room *r = CONTAINER_OF(n, struct room, node);

        reads_flush(r);
        wheel_cancel(o->wheel, &r->look_timer);
        if (r->state == ROOM_READY)
            room_save_last(r);
    }
}

bool owner_busy(const struct owner *o)
{
    struct map_iter it;

    if (o->errands_n > 0)
        return true;
    for (struct map_node *n = map_first(&o->rooms, &it); n != NULL; n = map_next(&it)) {
        const struct room *r = CONTAINER_OF(n, struct room, node);

        if (r->uses > 0 || r->queue_n > 0 || map_n(&r->reads) > 0)
            return true;
    }
    return false;
}

void owner_unfollow(struct owner *o, struct str id, unsigned worker)
{
    struct room *r = room_find(o, id);

    assert(worker < 64);
    if (r == NULL)
        return;
    r->followers &= ~((uint64_t)1 << worker);
    presence_gone(r, worker);
    if (r->followers == 0)
        bus_follow(o->bus, o->home, id, false);
    room_hold(r);
    room_release(r);
}

void owner_present(struct owner *o, struct str id, unsigned worker, unsigned n,
                   const struct presence_person *people)
{
    struct room *r = room_find(o, id);

    assert(worker < 64);
    if (r != NULL && (r->followers >> worker & 1) != 0)
        presence_here(r, worker, n, people);
}

void owner_follow(struct room *r, unsigned worker)
{
    assert(worker < 64);
    if (r->followers == 0)
        bus_follow(r->owner->bus, r->owner->home, room_id(r), true);
    r->followers |= (uint64_t)1 << worker;
    if (r->look_ms > 0)
        load_unsure(r);
}

static void heard_cast(struct room *r, const struct bus_event *event)
{
    struct owner *o = r->owner;
    struct crowd crowd;

    if (str_starts(event->bytes, STR("{")))
        o->ops->cast(o, r->followers, event->room, event->bytes, 0);
    else if (str_eq(event->bytes, DIRECT_LEFT))
        direct_left(r);
    else if (turn_is(event->bytes))
        turn_heard(r, event);
    else if (crowd_is(event->bytes) && crowd_read(event->bytes, &crowd))
        presence_heard(r, event->node, &crowd);
}

static void node_down(struct owner *o, uint64_t node)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&o->rooms, &it); n != NULL; n = map_next(&it))
        presence_node_down(CONTAINER_OF(n, struct room, node), node);
}

void owner_heard(struct owner *o, const struct bus_event *event)
{
    struct room *r = event->room.n > 0 ? room_find(o, event->room) : NULL;

    if (event->kind == BUS_NODE_DOWN)
        node_down(o, event->node);
    if (r == NULL || r->state != ROOM_READY)
        return;
    switch (event->kind) {
    case BUS_CAST:
        heard_cast(r, event);
        break;
    case BUS_RING:
        load_rung(r, event->seq, event->bytes);
        turn_rung(r, event->node);
        break;
    case BUS_LOOK:
        presence_ask(r);
        load_catch_up(r);
        break;
    case BUS_POLL:
        load_catch_up(r);
        break;
    case BUS_DIRECT:
    case BUS_NODE_UP:
    case BUS_NODE_DOWN:
        break;
    }
}
