#include "chat/room/room.h"

#include "base/mem.h"
#include "base/siphash.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "chat/model/lost.h"

#include <stdlib.h>

void room_free(struct room *r)
{
    struct owner *o = r->owner;

    assert(r->waiting == NULL && r->looking == NULL && r->changing == NULL && r->load == NULL);
    assert(r->uses == 0 && r->batch == NULL && r->queue == NULL);
    list_remove(&r->idle_node);
    list_remove(&r->dirty_node);
    map_remove(&o->rooms, &r->node);
    o->engine->fini(r);
    access_fini(&r->access);
    gone_fini(&r->gone);
    tail_fini(&r->tail);
    o->stats.rooms--;
    free(r);
}

static bool room_eq(const struct map_node *node, const void *key)
{
    const struct room *r = CONTAINER_OF((struct map_node *)(uintptr_t)node, struct room, node);

    return str_eq(room_id(r), *(const struct str *)key);
}

struct room *room_find(struct owner *o, struct str id)
{
    struct map_node *n = map_find(&o->rooms, siphash(o->hash_key, id), room_eq, &id);

    return n != NULL ? CONTAINER_OF(n, struct room, node) : NULL;
}

static void init_queues(struct room *r)
{
    r->waiting_end = &r->waiting;
    r->queue_end = &r->queue;
    r->hooked_end = &r->hooked;
    r->changing_end = &r->changing;
}

struct room *room_new(struct owner *o, struct str id)
{
    struct room *r = mem_zeroed(1, sizeof(*r) + id.n);

    assert(id.n > 0 && id.n <= UINT8_MAX);
    r->owner = o;
    r->id_n = (uint8_t)id.n;
    memcpy(r->id, id.p, id.n);
    list_init(&r->idle_node);
    list_init(&r->dirty_node);
    init_queues(r);
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

        assert(node != NULL);
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

bool room_writable(struct room *r, struct call *call)
{
    uint64_t now = owner_wall_ms(r->owner), until_ms;
    enum error_code e = access_write(&r->access, call->who.user, call->who.super, now, &until_ms);

    if (e == ERROR_NONE && !room_exists(r))
        e = ERROR_no_such_room;
    if (e != ERROR_NONE)
        call_fail_until(call, e, until_ms > now ? until_ms - now : 0);
    return e == ERROR_NONE;
}

uint64_t room_hash(const struct room *r, struct str s)
{
    return siphash(r->owner->hash_key, s) | 1;
}

uint64_t room_hash_content(const struct room *r, const struct entry *e)
{
    uint64_t hash = siphash(r->owner->hash_key, e->text) + e->reply_to;

    if (e->text.n == 0 || e->changed)
        return 0; /* what was sent is not there any more */
    return hash != 0 ? hash : 1;
}

void room_note(struct room *r, const struct entry *e)
{
    if (e->kind != ENTRY_LOST)
        r->count = e->count;
    r->ts_ms = MAX(r->ts_ms, e->ts_ms);
}

void room_first(struct room *r)
{
    struct settings *s = r->access.settings;

    if (s == NULL)
        return;
    s->first = MIN(s->first, r->head + 1); /* else all that is yet to be said would be gone */
    r->first = MAX(r->first, s->first);
}

void room_lost(struct room *r, const struct lost *lost)
{
    char text[LOST_TEXT_MAX];

    if (lost->first > 0)
        r->owner->ops->alarm(r->owner, ALARM_hole, lost_text(lost, room_id(r), text));
}

void room_apply(struct room *r, struct str bytes, const struct entry *e, uint64_t cid,
                uint64_t content, struct news_entry *ret_news)
{
    struct tail_slot slot = {0};

    assert(r->state == ROOM_READY);
    r->head++;
    room_note(r, e);
    slot.ts_ms = r->ts_ms;
    slot.count = r->count;
    if (cid != 0) {
        slot.from = e->from_id;
        slot.cid = cid;
        slot.content = content;
    }
    tail_push(&r->tail, &slot);
    access_apply(&r->access, e);
    access_note(&r->access, r->head, e);
    gone_apply(&r->gone, e);
    room_first(r);
    if (e->kind == ENTRY_PURGE)
        r->foreign++; /* what a change was prepared from may be gone */
    r->owner->engine->took(r, e);
    *ret_news = (struct news_entry){.entry = frame_copy(bytes), .kind = e->kind};
    if (e->kind == ENTRY_ROOM)
        ret_news->lost = access_settings(&r->access)->deleted;
    else
        ret_news->lost = access_ends(&r->access, e, owner_wall_ms(r->owner));
}

void room_publish(struct room *r, const struct news *news)
{
    if (news->n > 0)
        r->owner->ops->publish(r->owner, r->followers, news);
    for (unsigned i = 0; i < news->n; i++)
        frame_unref(news->entries[i].entry);
}

void room_looks(struct room *r)
{
    assert(r->looking == NULL);
    r->looking = r->waiting;
    r->waiting = NULL;
    r->waiting_end = &r->waiting;
}

void room_mark(struct room *r)
{
    list_remove(&r->dirty_node);
    list_push(&r->owner->dirty, &r->dirty_node);
}

uint64_t room_unread(const struct room *r, uint64_t seq, uint64_t count)
{
    const struct settings *s = access_settings(&r->access);
    uint64_t from = MAX(count, s->first_count);
    uint64_t n = r->count > from ? r->count - from : 0;

    return n - MIN(n, gone_after(&r->gone, MAX(seq + 1, r->first) - 1));
}

void room_describe(const struct room *r, struct json_out *o)
{
    json_out_key(o, "room");
    json_out_object(o);
    room_describe_members(r, true, o);
    json_out_object_end(o);
}

/* "people": whose direct room it is. */
static void describe_people(const struct room *r, struct json_out *o)
{
    uint64_t ids[GROUP_MAX];
    unsigned n = access_people(&r->access, ids);

    json_out_key(o, "people");
    json_out_array(o);
    for (unsigned i = 0; i < n; i++) {
        const struct access_member *m = access_get(&r->access, ids[i]);

        event_user(o, NULL, ids[i], (struct str){(const uint8_t *)m->name, m->name_n});
    }
    json_out_array_end(o);
}

void room_describe_members(const struct room *r, bool whole, struct json_out *o)
{
    const struct settings *settings = access_settings(&r->access);

    json_out_field_str(o, "id", room_id(r));
    json_out_field_str(o, "kind", str_of(access_kind_name(r->access.kind)));
    json_out_field_str(o, "title", str_of(r->access.title != NULL ? r->access.title : ""));
    if (!settings_are_default(settings))
        settings_put(settings, whole, o);
    if (r->access.kind == ACCESS_GROUP)
        describe_people(r, o);
    json_out_field_u64(o, "epoch", r->epoch);
    room_describe_head(r, o);
}

void room_describe_head(const struct room *r, struct json_out *o)
{
    event_position(o, "head", r->head, r->count);
}
