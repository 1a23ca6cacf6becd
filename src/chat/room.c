#include "chat/room.h"

#include "base/siphash.h"
#include "base/str.h"
#include "chat/append.h"
#include "chat/commands.h"
#include "chat/crowd.h"
#include "chat/event.h"
#include "chat/load.h"
#include "chat/presence.h"
#include "chat/reads.h"

#include <stdlib.h>

#define RECORD_MAX (1024 * 1024)
/* The record is written again when this many entries are not in it. */
#define SAVE_EVERY 512

void room_owner_init(struct owner *o, uint64_t seed)
{
    map_init(&o->rooms);
    list_init(&o->idle);
    list_init(&o->dirty);
    reads_owner_init(o);
    rng_init(&o->rng, seed);
}

static void room_free(struct room *r)
{
    struct owner *o = r->owner;

    assert(r->uses == 0 && r->batch == NULL && r->queue == NULL);
    list_remove(&r->idle_node);
    list_remove(&r->dirty_node);
    map_remove(&o->rooms, &r->node);
    wheel_cancel(o->wheel, &r->reads_timer);
    wheel_cancel(o->wheel, &r->look_timer);
    turn_fini(r);
    reads_fini(r);
    presence_free(r->presence);
    access_fini(&r->access);
    tail_fini(&r->tail);
    o->stats.rooms--;
    free(r);
}

void room_owner_fini(struct owner *o)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&o->rooms, &it); n != NULL; n = map_next(&it))
        room_free(CONTAINER_OF(n, struct room, node));
    map_fini(&o->rooms);
    pool_fini(&o->positions);
}

static bool room_eq(const struct map_node *node, const void *key)
{
    const struct room *r = CONTAINER_OF((struct map_node *)(uintptr_t)node, struct room, node);

    return str_eq(room_id(r), *(const struct str *)key);
}

static struct room *room_find(struct owner *o, struct str id)
{
    struct map_node *n = map_find(&o->rooms, siphash(o->hash_key, id), room_eq, &id);

    return n != NULL ? CONTAINER_OF(n, struct room, node) : NULL;
}

static void init_queues(struct room *r)
{
    r->waiting_end = &r->waiting;
    r->queue_end = &r->queue;
    r->changing_end = &r->changing;
}

static struct room *room_new(struct owner *o, struct str id)
{
    struct room *r = calloc(1, sizeof(*r) + id.n);

    if (r == NULL)
        abort();
    r->owner = o;
    r->id_n = (uint8_t)id.n;
    memcpy(r->id, id.p, id.n);
    list_init(&r->idle_node);
    list_init(&r->dirty_node);
    init_queues(r);
    turn_init(r);
    reads_init(r);
    access_init(&r->access, room_id(r));
    map_add(&o->rooms, &r->node, siphash(o->hash_key, id));
    o->stats.rooms++;
    return r;
}

void room_hold(struct room *r)
{
    if (r->uses++ == 0 && r->followers == 0) {
        if (r->idle_node.next != &r->idle_node)
            r->owner->idle_n--;
        list_remove(&r->idle_node);
    }
}

static bool is_idle(const struct room *r)
{
    return r->uses == 0 && r->followers == 0 && map_n(&r->reads) == 0;
}

/* Frees the rooms that were idle longest, while there are too many. */
static void trim_idle(struct owner *o)
{
    while (o->idle_n > o->limits.idle_max) {
        struct list *node = list_pop(&o->idle);

        o->idle_n--;
        room_free(CONTAINER_OF(node, struct room, idle_node));
    }
}

static void maybe_idle(struct room *r)
{
    if (!is_idle(r) || r->idle_node.next != &r->idle_node)
        return;
    list_push(&r->owner->idle, &r->idle_node);
    r->owner->idle_n++;
    trim_idle(r->owner);
}

void room_release(struct room *r)
{
    assert(r->uses > 0);
    r->uses--;
    maybe_idle(r);
}

enum error_code room_readable(struct room *r, const struct caller *who)
{
    enum error_code e = access_read(&r->access, who->user, who->super, owner_wall_ms(r->owner));

    return e == ERROR_NONE && !room_exists(r) ? ERROR_no_such_room : e;
}

uint64_t room_hash(const struct room *r, struct str s)
{
    return siphash(r->owner->hash_key, s) | 1;
}

uint64_t room_hash_content(const struct room *r, const struct entry *e)
{
    uint64_t hash = siphash(r->owner->hash_key, e->text) + e->reply_to;

    if (e->text.n == 0)
        return 0; /* it was deleted */
    return hash != 0 ? hash : 1;
}

void room_apply(struct room *r, const struct entry *e, uint64_t cid, uint64_t content,
                struct news_entry *ret_news)
{
    struct tail_slot slot = {.ts_ms = e->ts_ms, .count = e->count};

    r->head++;
    r->count = e->count;
    r->ts_ms = e->ts_ms > r->ts_ms ? e->ts_ms : r->ts_ms;
    if (e->kind == ENTRY_MESSAGE && cid != 0) {
        slot.from = e->from_id;
        slot.cid = cid;
        slot.content = content;
    }
    tail_push(&r->tail, &slot);
    access_apply(&r->access, e);
    *ret_news = (struct news_entry){.kind = e->kind, .target = e->target};
    if (e->redacts.n > 0)
        ret_news->redacts = frame_copy(e->redacts);
    if (e->kind == ENTRY_MEMBER) {
        ret_news->target = e->user_id;
        ret_news->lost =
            access_read(&r->access, e->user_id, false, owner_wall_ms(r->owner)) != ERROR_NONE;
    }
    ret_news->event = event_frame(room_id(r), r->head, e);
}

/* Doorbells keep a room current that somebody follows. */
static bool is_current(const struct room *r)
{
    return r->followers != 0 || bus_is_alone(r->owner->bus);
}

void room_run(struct owner *o, struct str id, struct call *call)
{
    struct room *r = room_find(o, id);

    if (r == NULL)
        r = room_new(o, id);
    room_hold(r);
    call->room = r;
    if (r->state == ROOM_READY && r->looking == NULL && r->waiting == NULL && is_current(r))
        commands_handle(r, call);
    else
        room_look(r, call);
}

void room_look(struct room *r, struct call *call)
{
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
    room_look(r, call);
}

bool room_is_ahead(struct room *r, struct call *call, uint64_t seq)
{
    if (seq <= r->head || !may_look(r, call))
        return false;
    look_for(r, call);
    return true;
}

/* What follows from the state of the room, which is behind that of another node
 * for as long as a doorbell takes. */
static bool is_of_state(enum error_code code)
{
    return code == ERROR_not_member || code == ERROR_banned || code == ERROR_muted ||
           code == ERROR_forbidden || code == ERROR_no_such_room || code == ERROR_no_such_message;
}

bool room_doubts(struct room *r, struct call *call, enum error_code code)
{
    if (!is_of_state(code) || !may_look(r, call))
        return false;
    call_again(call);
    look_for(r, call);
    return true;
}

void room_looks(struct room *r)
{
    assert(r->looking == NULL);
    r->looking = r->waiting;
    r->waiting = NULL;
    r->waiting_end = &r->waiting;
}

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
void room_looked(struct room *r, enum store_result result)
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

void room_loaded(struct room *r, enum store_result result)
{
    r->state = result == STORE_OK ? ROOM_READY : ROOM_LOADING;
    room_looked(r, result);
    load_on(r);
    if (result == STORE_OK && r->queue_n > 0)
        room_mark(r);
}

void room_mark(struct room *r)
{
    list_remove(&r->dirty_node);
    list_push(&r->owner->dirty, &r->dirty_node);
}

void room_owner_flush(struct owner *o)
{
    struct list now;
    struct list *node;

    list_init(&now);
    list_splice(&now, &o->dirty); /* what is marked meanwhile is the next turn's */
    while ((node = list_pop(&now)) != NULL)
        append_pump(CONTAINER_OF(node, struct room, dirty_node));
}

void room_owner_settle(struct owner *o)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&o->rooms, &it); n != NULL; n = map_next(&it)) {
        struct room *r = CONTAINER_OF(n, struct room, node);

        reads_flush(r);
        wheel_cancel(o->wheel, &r->look_timer);
        if (r->state == ROOM_READY)
            room_save(r, true);
    }
}

bool room_owner_busy(const struct owner *o)
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

void room_unfollow(struct owner *o, struct str id, unsigned worker)
{
    struct room *r = room_find(o, id);

    if (r == NULL)
        return;
    r->followers &= ~((uint64_t)1 << worker);
    presence_gone(r, worker);
    if (r->followers == 0)
        bus_follow(o->bus, o->home, id, false);
    room_hold(r);
    room_release(r);
}

void room_present(struct owner *o, struct str id, unsigned worker, unsigned n,
                  const struct presence_person *people)
{
    struct room *r = room_find(o, id);

    if (r != NULL && (r->followers >> worker & 1) != 0)
        presence_here(r, worker, n, people);
}

void room_follow(struct room *r, unsigned worker)
{
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

void room_heard(struct owner *o, const struct bus_event *event)
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
    case BUS_DIRECT:
    case BUS_NODE_UP:
    case BUS_NODE_DOWN:
        break;
    }
}

void room_describe(const struct room *r, struct json_out *o)
{
    json_out_key(o, "room");
    json_out_object(o);
    room_describe_members(r, o);
    json_out_object_end(o);
}

void room_describe_members(const struct room *r, struct json_out *o)
{
    json_out_field_str(o, "id", room_id(r));
    json_out_field_str(o, "kind", str_of(access_kind_name(r->access.kind)));
    json_out_field_str(o, "title", str_of(r->access.title != NULL ? r->access.title : ""));
    json_out_field_u64(o, "epoch", r->epoch);
    room_describe_head(r, o);
}

void room_describe_head(const struct room *r, struct json_out *o)
{
    json_out_key(o, "head");
    json_out_object(o);
    json_out_field_u64(o, "seq", r->head);
    json_out_field_u64(o, "count", r->count);
    json_out_object_end(o);
}

/* The derived record on its way to the store. Nobody waits for it: a lost one is
 * made up for by replaying more entries. */
struct save {
    struct store_put put;
    struct room *room;
    struct buf body;
    char key[ROOM_KEY_MAX];
};

static void save_done(struct store_req *req)
{
    struct save *s = CONTAINER_OF(req, struct save, put.req);

    s->room->saving = false;
    room_release(s->room);
    buf_fini(&s->body);
    free(s);
}

void room_save(struct room *r, bool force)
{
    struct save *s;

    if (r->saving || r->access.kind > ACCESS_PRIVATE || r->head == r->at ||
        (!force && r->head - r->at < SAVE_EVERY))
        return;
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        abort();
    buf_init(&s->body, RECORD_MAX);
    access_encode(&r->access, r->head, &s->body);
    if (s->body.failed) { /* too many people for a record: the log has them */
        buf_fini(&s->body);
        free(s);
        return;
    }
    s->room = r;
    s->put = (struct store_put){.req = {.home = r->owner->home, .done = save_done},
                                .pk = room_key(r, s->key),
                                .sk = STR("access"),
                                .body = buf_peek(&s->body),
                                .expect = STORE_REV_ANY};
    r->saving = true;
    r->at = r->head;
    room_hold(r);
    store_put(r->owner->store, &s->put);
}

struct str room_key(const struct room *r, char buf[static ROOM_KEY_MAX])
{
    memcpy(buf, "r:", 2);
    memcpy(buf + 2, r->id, r->id_n);
    return (struct str){(const uint8_t *)buf, (size_t)r->id_n + 2};
}
