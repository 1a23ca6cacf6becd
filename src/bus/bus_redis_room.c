#include "bus/bus_redis_impl.h"

#include "base/siphash.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    GROUPS = 1024,
    SUBSCRIBE_AT_ONCE = 200,
    COUNTS_MAX = 256, /* nodes that are remembered for a room */
    SENT_MAX = 100000,
    LOOKS_PER_TICK = 50,
    ROOMS_PER_TICK = 5000,
    LOOK_MS = 500,
    LOOK_MAX_MS = 15000,
};

/* A message: kind, node, count, seq, and what it carries. */
struct head {
    uint8_t kind;
    uint64_t node, count, seq;
};

static void put_u64(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_u64(const uint8_t *p)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static bool take_head(struct str *s, struct head *ret)
{
    if (s->n < HEAD_N)
        return false;
    *ret = (struct head){s->p[0], get_u64(s->p + 1), get_u64(s->p + 9), get_u64(s->p + 17)};
    *s = str_skip(*s, HEAD_N);
    return true;
}

/* Channels: <id>:{<hash>}:<room>, <id>:$, <id>:@<node>. */

static struct str channel_of(const struct bus_redis *b, struct str room, char to[static NAME_MAX])
{
    static const uint8_t key[16] = "every node's own"; /* the same on all */
    int n = snprintf(to, NAME_MAX, "%s:{%u}:%.*s", b->id, (unsigned)(siphash(key, room) % GROUPS),
                     STR_ARGS(room));

    return (struct str){(const uint8_t *)to, (size_t)MIN(n, NAME_MAX - 1)};
}

static struct str channel_all(const struct bus_redis *b, char to[static NAME_MAX])
{
    int n = snprintf(to, NAME_MAX, "%s:$", b->id);

    return (struct str){(const uint8_t *)to, (size_t)n};
}

static struct str channel_node(const struct bus_redis *b, uint64_t node, char to[static NAME_MAX])
{
    int n = snprintf(to, NAME_MAX, "%s:@%016llx", b->id, (unsigned long long)node);

    return (struct str){(const uint8_t *)to, (size_t)n};
}

/* What is behind the id in a channel's name: "$", "@..." or a room. */
static bool take_channel(const struct bus_redis *b, struct str name, struct str *ret_rest)
{
    size_t n = strlen(b->id);

    if (!str_starts(name, str_of(b->id)) || name.n <= n + 1 || name.p[n] != ':')
        return false;
    *ret_rest = str_skip(name, n + 1);
    return true;
}

static bool room_eq(const struct map_node *node, const void *key)
{
    const struct redis_room *r =
        CONTAINER_OF((struct map_node *)(uintptr_t)node, struct redis_room, node);

    return str_eq((struct str){r->id, r->id_n}, *(const struct str *)key);
}

static struct redis_room *room_find(struct bus_redis *b, struct str id)
{
    struct map_node *n = map_find(&b->rooms, siphash(b->hash_key, id), room_eq, &id);

    return n != NULL ? CONTAINER_OF(n, struct redis_room, node) : NULL;
}

static struct str room_str(const struct redis_room *r)
{
    return (struct str){r->id, r->id_n};
}

/* Following. */

static void subscription(struct bus_redis *b, const char *what, struct str channel)
{
    bus_redis_link_say(&b->subscribes, (struct str[]){str_of(what), channel}, 2);
}

void bus_redis_room_subscribe(struct bus_redis *b)
{
    struct str words[SUBSCRIBE_AT_ONCE + 1];

    while (b->subscribes.state == LINK_UP && !list_empty(&b->asked)) {
        char names[SUBSCRIBE_AT_ONCE][NAME_MAX];
        unsigned n = 0;
        struct list *node;

        words[0] = STR("SUBSCRIBE");
        while (n < SUBSCRIBE_AT_ONCE && (node = list_pop(&b->asked)) != NULL) {
            struct redis_room *r = CONTAINER_OF(node, struct redis_room, asked);

            words[n + 1] = channel_of(b, room_str(r), names[n]);
            n++;
        }
        bus_redis_link_say(&b->subscribes, words, n + 1);
    }
}

void bus_redis_room_subscribe_all(struct bus_redis *b)
{
    char name[NAME_MAX];
    struct map_iter it;

    b->base_confirmed = 0;
    subscription(b, "SUBSCRIBE", channel_all(b, name));
    subscription(b, "SUBSCRIBE", channel_node(b, b->self, name));
    for (struct map_node *n = map_first(&b->rooms, &it); n != NULL; n = map_next(&it)) {
        struct redis_room *r = CONTAINER_OF(n, struct redis_room, node);

        r->confirmed = false;
        list_remove(&r->asked);
        list_push(&b->asked, &r->asked);
    }
}

static void look_at(struct bus_redis *b, struct redis_room *r, uint64_t at_ms)
{
    if (r->look_ms == 0)
        b->due_n++;
    if (r->look_ms == 0 || at_ms < r->look_ms)
        r->look_ms = at_ms;
}

static void room_free(struct bus_redis *b, struct redis_room *r)
{
    if (r->look_ms != 0)
        b->due_n--;
    list_remove(&r->asked);
    map_remove(&b->rooms, &r->node);
    b->looking = (struct map_iter){0};
    free(r->counts);
    free(r);
}

void bus_redis_room_follow(struct bus_redis *b, unsigned ear, struct str id, bool on)
{
    struct redis_room *r = room_find(b, id);
    char name[NAME_MAX];

    if (!on && r != NULL) {
        if (b->subscribes.state == LINK_UP)
            subscription(b, "UNSUBSCRIBE", channel_of(b, id, name));
        room_free(b, r);
    } else if (on && r == NULL) {
        r = calloc(1, sizeof(*r) + id.n);
        if (r == NULL)
            abort();
        r->ear = ear;
        r->every_ms = LOOK_MS;
        r->id_n = id.n;
        memcpy(r->id, id.p, id.n);
        list_init(&r->asked);
        list_push(&b->asked, &r->asked);
        map_add(&b->rooms, &r->node, siphash(b->hash_key, id));
        b->looking = (struct map_iter){0};
        if (!b->up)
            look_at(b, r, bus_redis_now(b));
    } else if (on) {
        r->ear = ear;
    }
    __atomic_store_n(&b->stats.channels, map_n(&b->rooms), __ATOMIC_RELAXED);
}

/* Looking. */

static void say_look(struct bus_redis *b, struct redis_room *r)
{
    bus_redis_add(&b->stats.looks, 1);
    bus_redis_tell(b, r->ear, &(struct bus_event){.kind = BUS_LOOK, .room = room_str(r)});
}

void bus_redis_room_look_all(struct bus_redis *b, unsigned within_ms)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&b->rooms, &it); n != NULL; n = map_next(&it)) {
        struct redis_room *r = CONTAINER_OF(n, struct redis_room, node);

        r->every_ms = LOOK_MS;
        look_at(b, r, bus_redis_now(b) + 1 + rng_below(&b->rng, within_ms));
    }
}

void bus_redis_room_found(struct bus_redis *b, struct str id)
{
    struct redis_room *r = room_find(b, id);

    if (r == NULL || b->up)
        return;
    r->every_ms = LOOK_MS;
    look_at(b, r, bus_redis_now(b) + LOOK_MS);
}

static bool look_if_due(struct bus_redis *b, struct redis_room *r)
{
    uint64_t now = bus_redis_now(b);

    if (r->look_ms == 0 || r->look_ms > now)
        return false;
    r->look_ms = 0;
    b->due_n--;
    say_look(b, r);
    if (!b->up) {
        look_at(b, r, now + r->every_ms / 2 + rng_below(&b->rng, r->every_ms));
        r->every_ms = MIN(r->every_ms * 2, (unsigned)LOOK_MAX_MS);
    }
    return true;
}

/* From where the last tick ended, so that all come in turn. */
void bus_redis_room_looks(struct bus_redis *b)
{
    unsigned looks = 0;

    for (unsigned i = 0; b->due_n > 0 && i < ROOMS_PER_TICK && looks < LOOKS_PER_TICK; i++) {
        struct map_node *n =
            b->looking.map != NULL ? map_next(&b->looking) : map_first(&b->rooms, &b->looking);

        if (n == NULL) {
            b->looking = (struct map_iter){0};
            if (i >= map_n(&b->rooms))
                return;
            continue;
        }
        looks += look_if_due(b, CONTAINER_OF(n, struct redis_room, node));
    }
}

/* Publishing. */

static bool sent_eq(const struct map_node *node, const void *key)
{
    const struct redis_sent *s =
        CONTAINER_OF((struct map_node *)(uintptr_t)node, struct redis_sent, node);

    return str_eq((struct str){s->id, s->id_n}, *(const struct str *)key);
}

static void sent_fini(struct bus_redis *b)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&b->sent, &it); n != NULL; n = map_next(&it))
        free(CONTAINER_OF(n, struct redis_sent, node));
    map_fini(&b->sent);
    list_init(&b->missed);
}

/* Counts begin at the time, so that a count that was forgotten goes on further up. */
static struct redis_sent *sent_get(struct bus_redis *b, struct str id)
{
    uint64_t hash = siphash(b->hash_key, id);
    struct map_node *n = map_find(&b->sent, hash, sent_eq, &id);
    struct redis_sent *s;

    if (n != NULL)
        return CONTAINER_OF(n, struct redis_sent, node);
    if (map_n(&b->sent) >= SENT_MAX)
        sent_fini(b);
    s = calloc(1, sizeof(*s) + id.n);
    if (s == NULL)
        abort();
    list_init(&s->missed);
    s->count = io_wall_ms(b->io) << 12;
    s->id_n = id.n;
    memcpy(s->id, id.p, id.n);
    map_add(&b->sent, &s->node, hash);
    return s;
}

static bool can_publish(struct bus_redis *b)
{
    if (b->publishes.state == LINK_UP && buf_len(&b->publishes.queued) < UNSENT_MAX)
        return true;
    bus_redis_add(&b->stats.dropped, 1);
    return false;
}

/* before: the topic's length and name, of a cast to every node. */
static void publish(struct bus_redis *b, struct str channel, struct head h, struct str before,
                    struct str bytes)
{
    struct buf *out = &b->publishes.queued;
    uint8_t head[HEAD_N];

    head[0] = h.kind;
    put_u64(head + 1, b->self);
    put_u64(head + 9, h.count);
    put_u64(head + 17, h.seq);
    buf_printf(out, "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n", channel.n);
    buf_append(out, channel);
    buf_printf(out, "\r\n$%zu\r\n", HEAD_N + before.n + bytes.n);
    buf_append(out, (struct str){head, HEAD_N});
    buf_append(out, before);
    buf_append(out, bytes);
    buf_append(out, STR("\r\n"));
}

/* A cast to every node: its topic is in the message. */
static void publish_all(struct bus_redis *b, struct str topic, struct str bytes)
{
    uint8_t before[1 + UINT8_MAX];
    char name[NAME_MAX];

    if (topic.n > UINT8_MAX || !can_publish(b))
        return;
    before[0] = (uint8_t)topic.n;
    memcpy(before + 1, topic.p, topic.n);
    publish(b, channel_all(b, name), (struct head){.kind = MESSAGE_CAST},
            (struct str){before, 1 + topic.n}, bytes);
}

void bus_redis_room_publish(struct bus_redis *b, enum bus_kind kind, struct str topic, uint64_t seq,
                            struct str bytes)
{
    char name[NAME_MAX];
    struct redis_sent *s;
    struct redis_room *r;
    struct head h = {.kind = kind == BUS_RING ? MESSAGE_RING : MESSAGE_CAST, .seq = seq};

    if (topic.p[0] == '$') {
        publish_all(b, topic, bytes);
        return;
    }
    s = sent_get(b, topic);
    h.count = ++s->count;
    r = room_find(b, topic);
    if (r != NULL)
        r->every_ms = LOOK_MS;
    if (kind == BUS_RING)
        s->seq = MAX(s->seq, seq);
    if (can_publish(b)) {
        publish(b, channel_of(b, topic, name), h, (struct str){0}, bytes);
    } else if (kind == BUS_RING) {
        list_remove(&s->missed);
        list_push(&b->missed, &s->missed);
    }
}

void bus_redis_room_ring_missed(struct bus_redis *b)
{
    struct list *node;
    char name[NAME_MAX];

    while ((node = list_pop(&b->missed)) != NULL) {
        struct redis_sent *s = CONTAINER_OF(node, struct redis_sent, missed);
        struct head h = {.kind = MESSAGE_RING, .count = ++s->count, .seq = s->seq};

        publish(b, channel_of(b, (struct str){s->id, s->id_n}, name), h, (struct str){0},
                (struct str){0});
    }
}

void bus_redis_room_direct(struct bus_redis *b, uint64_t node, unsigned loop, struct str bytes)
{
    char name[NAME_MAX];

    if (can_publish(b))
        publish(b, channel_node(b, node, name), (struct head){.kind = MESSAGE_DIRECT, .seq = loop},
                (struct str){0}, bytes);
}

void bus_redis_room_say(struct bus_redis *b, char kind, struct str bytes)
{
    char name[NAME_MAX];

    if (b->publishes.state == LINK_UP)
        publish(b, channel_all(b, name), (struct head){.kind = (uint8_t)kind}, (struct str){0},
                bytes);
}

/* Hearing. */

/* Was one of the node's messages missed? */
static bool count_jumps(struct redis_room *r, const struct head *h)
{
    for (unsigned i = 0; i < r->counts_n; i++) {
        struct redis_count *c = &r->counts[i];
        bool jumps = h->count > c->count + 1;

        if (c->node != h->node)
            continue;
        c->count = MAX(c->count, h->count);
        return jumps;
    }
    if (r->counts_n == COUNTS_MAX)
        r->counts_n = 0; /* nodes come and go */
    r->counts = reallocarray(r->counts, r->counts_n + 1, sizeof(*r->counts));
    if (r->counts == NULL)
        abort();
    r->counts[r->counts_n++] = (struct redis_count){h->node, h->count};
    return false;
}

static void hear_room(struct bus_redis *b, struct str id, const struct head *h, struct str bytes)
{
    struct redis_room *r = room_find(b, id);

    if (r == NULL)
        return; /* it was followed a moment ago */
    bus_redis_tell(b, r->ear,
                   &(struct bus_event){
                       .kind = h->kind == MESSAGE_RING ? BUS_RING : BUS_CAST,
                       .node = h->node,
                       .room = id,
                       .seq = h->seq,
                       .bytes = bytes,
                   });
    if (count_jumps(r, h)) {
        bus_redis_add(&b->stats.gaps, 1);
        say_look(b, r);
    }
}

static void hear_all(struct bus_redis *b, const struct head *h, struct str bytes)
{
    struct bus_event event = {.kind = BUS_CAST, .node = h->node};

    if (h->kind != MESSAGE_CAST) {
        bus_redis_node_heard(b, h->node, (char)h->kind, bytes);
        return;
    }
    if (bytes.n < 1 || bytes.n < 1u + bytes.p[0])
        return;
    event.room = (struct str){bytes.p + 1, bytes.p[0]};
    event.bytes = str_skip(bytes, 1u + bytes.p[0]);
    bus_redis_tell_all(b, &event);
}

static void hear_message(struct bus_redis *b, struct str channel, struct str payload)
{
    struct str rest;
    struct head h;

    if (!take_channel(b, channel, &rest) || !take_head(&payload, &h) || h.node == b->self)
        return;
    if (rest.p[0] == '$') {
        hear_all(b, &h, payload);
    } else if (rest.p[0] == '@' && h.kind == MESSAGE_DIRECT && h.seq < b->ears_n) {
        bus_redis_tell(b, (unsigned)h.seq,
                       &(struct bus_event){.kind = BUS_DIRECT, .node = h.node, .bytes = payload});
    } else if (rest.p[0] == '{' && (h.kind == MESSAGE_RING || h.kind == MESSAGE_CAST)) {
        (void)str_cut(&rest, ':');
        hear_room(b, rest, &h, payload);
    }
}

static void confirmed(struct bus_redis *b, struct str channel)
{
    struct str rest;
    struct redis_room *r;

    if (!take_channel(b, channel, &rest))
        return;
    if (rest.p[0] != '{') {
        b->base_confirmed++;
        bus_redis_link_changed(b);
        return;
    }
    (void)str_cut(&rest, ':');
    r = room_find(b, rest);
    if (r == NULL || r->confirmed)
        return;
    r->confirmed = true;
    look_at(b, r, bus_redis_now(b));
}

bool bus_redis_room_hear(struct bus_redis *b, const struct resp_reply *reply)
{
    struct resp_reply *const *e = reply->elements;

    if (reply->type != RESP_ARRAY)
        return resp_is(reply, "PONG"); /* of before anything was subscribed to */
    for (unsigned i = 0; i < reply->n; i++)
        if (e[i] == NULL)
            return false;
    if (reply->n == 2)
        return resp_is(e[0], "pong");
    if (reply->n != 3 || e[1]->type > RESP_ERROR)
        return reply->n == 3 && resp_is(e[0], "unsubscribe");
    if (resp_is(e[0], "message") && e[2]->type == RESP_STRING)
        hear_message(b, e[1]->str, e[2]->str);
    else if (resp_is(e[0], "subscribe"))
        confirmed(b, e[1]->str);
    else
        return resp_is(e[0], "unsubscribe");
    return true;
}

void bus_redis_room_fini(struct bus_redis *b)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&b->rooms, &it); n != NULL; n = map_next(&it)) {
        struct redis_room *r = CONTAINER_OF(n, struct redis_room, node);

        free(r->counts);
        free(r);
    }
    map_fini(&b->rooms);
    sent_fini(b);
}
