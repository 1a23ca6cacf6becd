#include "bus/bus_redis_impl.h"

#include "base/siphash.h"

#include <stdlib.h>

enum {
    SENT_MAX = 100000,
    MISSED_MS = 1000,
    AGAIN_MS = 2 * BUS_LEASE_MS, /* for what is older, whoever did not hear us has looked */
};

static void put_u64(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* What was sent to whom. */

static bool sent_eq(const struct map_node *node, const void *key)
{
    const struct redis_sent *s =
        CONTAINER_OF((struct map_node *)(uintptr_t)node, struct redis_sent, node);

    return str_eq((struct str){s->id, s->id_n}, *(const struct str *)key);
}

static void forget(struct bus_redis *b, struct redis_sent *s)
{
    map_remove(&b->sent, &s->node);
    list_remove(&s->missed);
    free(s);
}

/* Those that nothing is to be sent to; if that is none, those as well. What is under way
 * is bounded by the queues. */
static void make_room(struct bus_redis *b)
{
    struct map_iter it;

    for (unsigned pass = 0; pass < 2 && map_n(&b->sent) >= SENT_MAX; pass++)
        for (struct map_node *n = map_first(&b->sent, &it); n != NULL; n = map_next(&it)) {
            struct redis_sent *s = CONTAINER_OF(n, struct redis_sent, node);

            if (s->unanswered == 0 && (pass > 0 || list_empty(&s->missed)))
                forget(b, s);
        }
}

/* Counts begin at the time, so that a count that was forgotten goes on further up. */
static struct redis_sent *sent_get(struct bus_redis *b, struct str id)
{
    uint64_t hash = siphash(b->hash_key, id);
    struct map_node *n = map_find(&b->sent, hash, sent_eq, &id);
    struct redis_sent *s;

    if (n != NULL)
        return CONTAINER_OF(n, struct redis_sent, node);
    make_room(b);
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

static void miss(struct bus_redis *b, struct redis_sent *s)
{
    list_remove(&s->missed);
    list_push(&b->missed, &s->missed);
}

void bus_redis_publish_answered(struct bus_redis *b, struct redis_sent *s, bool taken)
{
    s->unanswered--;
    if (!taken)
        miss(b, s);
}

void bus_redis_publish_again(struct bus_redis *b)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&b->sent, &it); n != NULL; n = map_next(&it)) {
        struct redis_sent *s = CONTAINER_OF(n, struct redis_sent, node);

        if (s->seq > 0 && s->rang_ms + AGAIN_MS >= bus_redis_now(b))
            miss(b, s);
    }
}

void bus_redis_publish_fini(struct bus_redis *b)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&b->sent, &it); n != NULL; n = map_next(&it))
        free(CONTAINER_OF(n, struct redis_sent, node));
    map_fini(&b->sent);
}

/* Sending. */

/* The link to the shard of a channel, or NULL: what was to be sent is dropped. */
static struct redis_link *link_for(struct bus_redis *b, struct str channel)
{
    struct redis_shard *s = bus_redis_shard_of(b, slots_of(channel));

    if (s != NULL && s->publishes.state == LINK_UP && buf_len(&s->publishes.queued) < UNSENT_MAX)
        return &s->publishes;
    bus_redis_add(&b->stats.dropped, 1);
    return NULL;
}

/* sent: the room whose doorbell it is, or NULL. before: the topic's length and name, of a
 * cast to every node. */
static void publish(struct redis_link *l, struct str channel, struct redis_head h,
                    struct redis_sent *sent, struct str before, struct str bytes)
{
    bool sharded = l->bus->cluster.on;
    struct buf *out = &l->queued;
    uint8_t head[HEAD_N];

    head[0] = h.kind;
    put_u64(head + 1, l->bus->self);
    put_u64(head + 9, h.count);
    put_u64(head + 17, h.seq);
    buf_printf(out, "*3\r\n$%d\r\n%s\r\n$%zu\r\n", sharded ? 8 : 7,
               sharded ? "SPUBLISH" : "PUBLISH", channel.n);
    buf_append(out, channel);
    buf_printf(out, "\r\n$%zu\r\n", HEAD_N + before.n + bytes.n);
    buf_append(out, (struct str){head, HEAD_N});
    buf_append(out, before);
    buf_append(out, bytes);
    buf_append(out, STR("\r\n"));
    if (sent != NULL)
        sent->unanswered++;
    bus_redis_link_ask(l, ASKED_PUBLISH, sent);
}

/* A cast to every node: its topic is in the message. */
static void publish_all(struct bus_redis *b, struct str topic, struct str bytes)
{
    uint8_t before[1 + UINT8_MAX];
    char name[NAME_MAX];
    struct str channel = bus_redis_channel_base(b, BASE_ALL, name);
    struct redis_link *l = topic.n <= UINT8_MAX ? link_for(b, channel) : NULL;

    if (l == NULL)
        return;
    before[0] = (uint8_t)topic.n;
    memcpy(before + 1, topic.p, topic.n);
    publish(l, channel, (struct redis_head){.kind = MESSAGE_CAST}, NULL,
            (struct str){before, 1 + topic.n}, bytes);
}

void bus_redis_publish(struct bus_redis *b, enum bus_kind kind, struct str topic, uint64_t seq,
                       struct str bytes)
{
    struct redis_head h = {.kind = kind == BUS_RING ? MESSAGE_RING : MESSAGE_CAST, .seq = seq};
    char name[NAME_MAX];
    struct str channel;
    struct redis_sent *s;
    struct redis_link *l;

    if (topic.p[0] == '$') {
        publish_all(b, topic, bytes);
        return;
    }
    s = sent_get(b, topic);
    h.count = ++s->count;
    bus_redis_room_busy(b, topic);
    if (kind == BUS_RING) {
        s->seq = MAX(s->seq, seq);
        s->rang_ms = bus_redis_now(b);
    }
    channel = bus_redis_channel_room(b, topic, name);
    l = link_for(b, channel);
    if (l != NULL)
        publish(l, channel, h, kind == BUS_RING ? s : NULL, (struct str){0}, bytes);
    else if (kind == BUS_RING)
        miss(b, s);
}

void bus_redis_publish_missed(struct bus_redis *b)
{
    char name[NAME_MAX];
    struct list todo, *node;

    if (list_empty(&b->missed) || bus_redis_now(b) < b->missed_ms)
        return;
    b->missed_ms = bus_redis_now(b) + MISSED_MS;
    list_init(&todo);
    list_splice(&todo, &b->missed);
    while ((node = list_pop(&todo)) != NULL) {
        struct redis_sent *s = CONTAINER_OF(node, struct redis_sent, missed);
        struct redis_head h = {.kind = MESSAGE_RING, .count = s->count + 1, .seq = s->seq};
        struct str channel = bus_redis_channel_room(b, (struct str){s->id, s->id_n}, name);
        struct redis_shard *shard = bus_redis_shard_of(b, slots_of(channel));

        if (shard == NULL || shard->publishes.state != LINK_UP ||
            buf_len(&shard->publishes.queued) >= UNSENT_MAX) {
            miss(b, s);
            continue;
        }
        s->count = h.count;
        publish(&shard->publishes, channel, h, s, (struct str){0}, (struct str){0});
    }
}

void bus_redis_publish_direct(struct bus_redis *b, uint64_t node, unsigned loop, struct str bytes)
{
    char name[NAME_MAX];
    struct str channel = bus_redis_channel_node(b, node, name);
    struct redis_link *l = link_for(b, channel);

    if (l != NULL)
        publish(l, channel, (struct redis_head){.kind = MESSAGE_DIRECT, .seq = loop}, NULL,
                (struct str){0}, bytes);
}

void bus_redis_publish_say(struct bus_redis *b, char kind, struct str bytes)
{
    struct redis_shard *s = b->base[BASE_ALL].at;
    char name[NAME_MAX];

    if (s != NULL && s->publishes.state == LINK_UP)
        publish(&s->publishes, bus_redis_channel_base(b, BASE_ALL, name),
                (struct redis_head){.kind = (uint8_t)kind}, NULL, (struct str){0}, bytes);
}
