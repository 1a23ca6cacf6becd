#include "chat/people/directory.h"

#include "base/mem.h"
#include "base/siphash.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/model/listed.h"
#include "chat/model/text.h"
#include "chat/room/listing.h"

#include <stdlib.h>

/* More are not kept: the first by their ids are. */
#define ROOMS_MAX 200000
#define PAGE 500
#define ROOMS_TOLD 50
/* What is stored may be seen so much later than its minute says: clocks, and slow writes. */
#define LATE_MS 10000
#define KEPT_MS (LISTING_KEPT_MS / 3)

struct directory_room {
    struct map_node node;
    struct str id, key, title, topic, icon; /* in bytes */
    uint64_t at, messages, active_ms;
    bool gone;
    uint8_t bytes[];
};

/* What a call reads: call->state. */
struct sync {
    struct directory *d;
    bool all;
    uint64_t began_ms, minute, last;
    char after[KEYS_MAX];
    size_t after_n;
};

static bool directory_eq(const struct map_node *node, const void *key)
{
    return str_eq(CONTAINER_OF((struct map_node *)(uintptr_t)node, struct directory_room, node)->id,
                  *(const struct str *)key);
}

static struct directory_room *room_get(const struct directory *d, struct str id)
{
    struct map_node *n = map_find(&d->rooms, siphash(d->owner->hash_key, id), directory_eq, &id);

    return n != NULL ? CONTAINER_OF(n, struct directory_room, node) : NULL;
}

static int key_cmp(const struct directory_room *a, const struct directory_room *b)
{
    int c = str_order(a->key, b->key);

    return c != 0 ? c : str_order(a->id, b->id);
}

static int order_cmp(const void *a, const void *b)
{
    return key_cmp(*(struct directory_room *const *)a, *(struct directory_room *const *)b);
}

/* The place of the room, or where it would be. */
static unsigned directory_place(const struct directory *d, const struct directory_room *room)
{
    unsigned low = 0, high = d->n;

    while (low < high) {
        unsigned mid = low + (high - low) / 2;

        if (key_cmp(d->order[mid], room) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void directory_init(struct directory *d, struct owner *owner)
{
    *d = (struct directory){.owner = owner};
    map_init(&d->rooms);
    d->waiting_end = &d->waiting;
}

void directory_fini(struct directory *d)
{
    for (unsigned i = 0; i < d->n; i++)
        free(d->order[i]);
    free(d->order);
    map_fini(&d->rooms);
    *d = (struct directory){.owner = d->owner};
}

static struct str directory_keep(uint8_t **to, struct str s)
{
    struct str kept = {*to, s.n};

    if (s.n > 0)
        memcpy(*to, s.p, s.n);
    *to += s.n;
    return kept;
}

/* The folded title, or the id where there is none, then the id: by these a room is found. */
static struct directory_room *room_make(struct str id, const struct listed *l)
{
    size_t folded_n = 0;
    uint8_t *folded = text_fold(l->title, &folded_n);
    struct str key = folded != NULL ? (struct str){folded, folded_n} : id;
    struct directory_room *room =
        mem_zeroed(1, sizeof(*room) + 2 * id.n + 1 + key.n + l->title.n + l->topic.n + l->icon.n);
    uint8_t *to = room->bytes;

    room->key = directory_keep(&to, key);
    (void)directory_keep(&to, STR(" "));
    room->id = directory_keep(&to, id);
    room->key.n += 1 + id.n;
    room->title = directory_keep(&to, l->title);
    room->topic = directory_keep(&to, l->topic);
    room->icon = directory_keep(&to, l->icon);
    room->at = l->at;
    room->messages = l->messages;
    room->active_ms = l->active_ms;
    room->gone = l->gone;
    free(folded);
    return room;
}

static void directory_remove(struct directory *d, struct directory_room *room)
{
    unsigned at = 0;

    if (d->unordered)
        while (d->order[at] != room)
            at++;
    else
        at = directory_place(d, room);
    assert(at < d->n && d->order[at] == room);
    memmove(d->order + at, d->order + at + 1, (d->n - at - 1) * sizeof(struct directory_room *));
    d->n--;
    map_remove(&d->rooms, &room->node);
    free(room);
}

static void directory_add(struct directory *d, struct directory_room *room)
{
    unsigned at = d->unordered ? d->n : directory_place(d, room);

    if (d->n == d->cap) {
        d->cap = MAX(2 * d->cap, 64u);
        d->order = mem_resize(d->order, d->cap * sizeof(struct directory_room *));
    }
    memmove(d->order + at + 1, d->order + at, (d->n - at) * sizeof(struct directory_room *));
    d->order[at] = room;
    d->n++;
    map_add(&d->rooms, &room->node, siphash(d->owner->hash_key, room->id));
}

static void directory_take(struct directory *d, struct str id, struct str body)
{
    struct directory_room *old = room_get(d, id);
    struct listed l;

    if (id.n == 0 || id.n > KEYS_ROOM_MAX || !listed_decode(body, &l) ||
        (old != NULL && old->at > l.at))
        return;
    if (old != NULL)
        directory_remove(d, old);
    if (d->n < ROOMS_MAX)
        directory_add(d, room_make(id, &l));
}

/* The answer. */

static bool has(struct str s, struct str part)
{
    return part.n == 0 || memmem(s.p, s.n, part.p, part.n) != NULL;
}

static void put_room(struct json_out *o, const struct directory_room *room)
{
    json_out_object(o);
    json_out_field_str(o, "id", room->id);
    json_out_field_str(o, "title", room->title);
    if (room->topic.n > 0)
        json_out_field_str(o, "topic", room->topic);
    if (room->icon.n > 0)
        json_out_field_str(o, "icon", room->icon);
    json_out_field_u64(o, "messages", room->messages);
    json_out_field_u64(o, "active", room->active_ms);
    json_out_object_end(o);
}

static void directory_answer(struct directory *d, struct call *call)
{
    const struct command *c = &call->cmd;
    unsigned limit = command_has(c, PARAM_limit) && c->limit > 0 ? (unsigned)c->limit : ROOMS_TOLD;
    const struct directory_room *from = NULL, *last = NULL;
    struct str query = {0};
    uint8_t *folded = NULL;
    unsigned n = 0, i = 0;

    if (command_has(c, PARAM_next)) {
        from = room_get(d, c->next);
        if (from == NULL) {
            call->param = "next";
            call_fail(call, ERROR_bad_value);
            return;
        }
        i = directory_place(d, from) + 1;
    }
    if (c->query.n > 0)
        folded = text_fold(c->query, &query.n);
    query.p = folded;
    json_out_key(&call->out, "rooms");
    json_out_array(&call->out);
    for (; i < d->n && n <= limit; i++) {
        if (d->order[i]->gone || !has(d->order[i]->key, query))
            continue;
        if (n++ < limit) {
            last = d->order[i];
            put_room(&call->out, last);
        }
    }
    json_out_array_end(&call->out);
    if (n > limit)
        json_out_field_str(&call->out, "next", last->id);
    free(folded);
    call_ok(call);
}

/* Reading. */

static void sync_list(struct call *call);
static void sync_begin(struct directory *d, struct call *call);

/* All are read, or could not be. */
static void directory_read(struct directory *d, enum store_result result)
{
    struct call *call = d->waiting, *next;

    assert(d->reading);
    d->waiting = NULL;
    d->waiting_end = &d->waiting;
    d->reading = false;
    for (; call != NULL; call = next) {
        next = call->next;
        if (result != STORE_OK)
            call_fail_store(call, result);
        else
            sync_begin(d, call);
    }
}

static void sync_end(struct call *call, enum store_result result)
{
    struct sync s = *(struct sync *)call->state;
    struct directory *d = s.d;

    assert(s.all == d->unordered || !s.all);
    free(call->state);
    call->state = NULL;
    if (s.all && d->n > 0)
        qsort(d->order, d->n, sizeof(struct directory_room *), order_cmp);
    if (s.all)
        d->unordered = false;
    if (result == STORE_OK)
        d->synced_ms = MAX(d->synced_ms, s.began_ms);
    if (result != STORE_OK)
        call_fail_store(call, result);
    else if (d->reading && !s.all)
        sync_begin(d, call); /* all is being read anew meanwhile */
    else
        directory_answer(d, call);
    if (s.all)
        directory_read(d, result);
}

static void sync_listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct sync *s = call->state;
    struct store_item item;
    size_t at = 0;
    bool more = false;

    if (req->result != STORE_OK) {
        sync_end(call, req->result);
        return;
    }
    while (store_block_next(call->q.list.ret_block, &at, &item)) {
        struct str id = item.name;

        if (!s->all)
            id = str_skip(id, MIN(id.n, (size_t)KEYS_CHANGED_N));
        directory_take(s->d, id, item.body);
        s->after_n = MIN(item.name.n, sizeof(s->after));
        memcpy(s->after, item.name.p, s->after_n);
        more = call->q.list.ret_n == PAGE;
    }
    frame_unref(call->q.list.ret_block);
    if (!more) {
        s->after_n = 0;
        s->minute++;
    }
    if (!more && (s->all || s->minute > s->last))
        sync_end(call, STORE_OK);
    else
        sync_list(call);
}

static void sync_list(struct call *call)
{
    struct sync *s = call->state;

    assert(s != NULL && s->after_n <= sizeof(s->after));
    (void)call_request(call, s->d->owner, sync_listed);
    call->q.list.pk = s->all ? KEYS_DIRECTORY : keys_of_directory(s->minute, call->key);
    call->q.list.after = (struct str){(const uint8_t *)s->after, s->after_n};
    call->q.list.limit = PAGE;
    store_list(s->d->owner->store, &call->q.list);
}

/* Reads all, or what is new. */
static void sync_begin(struct directory *d, struct call *call)
{
    uint64_t now = owner_wall_ms(d->owner);
    struct sync *s;

    if (d->reading) {
        call->next = NULL;
        *d->waiting_end = call;
        d->waiting_end = &call->next;
        return;
    }
    s = mem_zeroed(1, sizeof(*s));
    call->state = s;
    s->d = d;
    s->began_ms = now;
    s->all = d->synced_ms == 0 || now > d->synced_ms + KEPT_MS;
    if (s->all) {
        directory_fini(d);
        d->waiting_end = &d->waiting;
        d->reading = d->unordered = true;
    } else {
        uint64_t since = d->synced_ms - MIN(d->synced_ms, (uint64_t)LATE_MS);

        s->minute = since / 60000;
        s->after_n = keys_changed(since, (struct str){0}, s->after).n;
        s->last = MAX(now, d->synced_ms) / 60000;
    }
    sync_list(call);
}

void directory_run(struct directory *d, struct call *call)
{
    assert(call->room == NULL && call->state == NULL);
    sync_begin(d, call);
}
