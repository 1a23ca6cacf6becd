#include "bus/bus_redis_publish.h"

#include "base/mem.h"
#include "base/siphash.h"

#include <stdlib.h>

enum {
    SENT_MAX = 100000,
    MISSED_MS = 1000,
    AGAIN_MS = 2 * BUS_LEASE_MS, /* for what is older, whoever did not hear us has looked */
};

/* A channel that was published to. */
struct redis_sent {
    struct map_node node;
    struct list missed; /* a doorbell that could not be sent, or was not taken */
    unsigned unanswered;
    uint64_t count, seq, rang_ms;
    struct bus_seal_channel seal;
    size_t id_n;
    uint8_t id[];
};

/* What was sent to whom. */

static bool sent_eq(const struct map_node *node, const void *key)
{
    const struct redis_sent *s =
        CONTAINER_OF((struct map_node *)(uintptr_t)node, struct redis_sent, node);

    return str_eq((struct str){s->id, s->id_n}, *(const struct str *)key);
}

static void sent_forget(struct redis_publisher *b, struct redis_sent *s)
{
    assert(s->unanswered == 0);
    map_remove(&b->sent, &s->node);
    list_remove(&s->missed);
    free(s);
}

/* Those that nothing is to be sent to; if that is none, those as well. What is under way
 * is bounded by the queues. */
static void make_room(struct redis_publisher *b)
{
    struct map_iter it;

    for (unsigned pass = 0; pass < 2 && map_n(&b->sent) >= SENT_MAX; pass++)
        for (struct map_node *n = map_first(&b->sent, &it); n != NULL; n = map_next(&it)) {
            struct redis_sent *s = CONTAINER_OF(n, struct redis_sent, node);

            if (s->unanswered == 0 && (pass > 0 || list_empty(&s->missed)))
                sent_forget(b, s);
        }
}

/* Counts begin at the time, so that a count that was forgotten goes on further up: whoever
 * hears takes none that is not above the last. */
static struct redis_sent *sent_get(struct redis_publisher *b, struct str id)
{
    uint64_t hash = siphash(b->core->hash_key, id);
    struct map_node *n = map_find(&b->sent, hash, sent_eq, &id);
    char name[NAME_MAX];
    struct redis_sent *s;

    assert(id.n > 0);
    if (n != NULL)
        return CONTAINER_OF(n, struct redis_sent, node);
    make_room(b);
    s = mem_zeroed(1, sizeof(*s) + id.n);
    list_init(&s->missed);
    s->count = bus_redis_now(b->core) << 12;
    bus_seal_channel(&b->core->seal, bus_redis_channel_room(b->core, id, name), &s->seal);
    s->id_n = id.n;
    memcpy(s->id, id.p, id.n);
    map_add(&b->sent, &s->node, hash);
    return s;
}

static void sent_miss(struct redis_publisher *b, struct redis_sent *s)
{
    list_remove(&s->missed);
    list_push(&b->missed, &s->missed);
}

void bus_redis_publish_answered(struct redis_publisher *b, struct redis_sent *s, bool taken)
{
    assert(s->unanswered > 0);
    s->unanswered--;
    if (!taken)
        sent_miss(b, s);
}

void bus_redis_publish_again(struct redis_publisher *b)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&b->sent, &it); n != NULL; n = map_next(&it)) {
        struct redis_sent *s = CONTAINER_OF(n, struct redis_sent, node);

        if (s->seq > 0 && s->rang_ms + AGAIN_MS >= bus_redis_now(b->core))
            sent_miss(b, s);
    }
}

void bus_redis_publish_init(struct redis_publisher *b, struct redis_shards *shards)
{
    assert(shards->core != NULL);
    b->core = shards->core;
    b->shards = shards;
    map_init(&b->sent);
    list_init(&b->missed);
}

void bus_redis_publish_fini(struct redis_publisher *b)
{
    struct map_iter it;

    assert(b->core->ending);
    for (struct map_node *n = map_first(&b->sent, &it); n != NULL; n = map_next(&it))
        free(CONTAINER_OF(n, struct redis_sent, node));
    map_fini(&b->sent);
}

/* Sending. */

/* The link to the shard of a channel, or NULL: it takes nothing now. */
static struct redis_link *link_to(struct redis_publisher *b, struct str channel)
{
    struct redis_shard *s = bus_redis_shard_of(b->shards, slots_of(channel));

    return s != NULL && s->publishes.state == LINK_UP && buf_len(&s->publishes.queued) < UNSENT_MAX
               ? &s->publishes
               : NULL;
}

/* The same; NULL: what was to be sent is dropped. */
static struct redis_link *link_for(struct redis_publisher *b, struct str channel)
{
    struct redis_link *l = link_to(b, channel);

    if (l == NULL)
        bus_redis_add(&b->core->stats.dropped, 1);
    return l;
}

/* What is sent: the topic's length and name stand before a cast to every node. */
struct publish_out {
    struct str channel;
    const struct bus_seal_channel *seal;
    struct bus_head head;
    struct str before, bytes;
};

static void append_sealed(struct redis_core *b, struct buf *out, struct publish_out *o)
{
    size_t n = BUS_SEAL_N + o->before.n + o->bytes.n;
    uint8_t *to = buf_reserve(out, n);

    assert(o->seal != NULL && o->head.count > 0);
    if (to == NULL)
        return;
    if (o->before.n > 0)
        memcpy(to + BUS_SEAL_N, o->before.p, o->before.n);
    if (o->bytes.n > 0)
        memcpy(to + BUS_SEAL_N + o->before.n, o->bytes.p, o->bytes.n);
    o->head.node = b->self;
    o->head.at_ms = bus_redis_now(b);
    bus_seal_write(&b->seal, o->seal, &o->head, to, n);
    buf_commit(out, n);
}

/* sent: the room whose doorbell it is, or NULL. */
static void publish_on(struct redis_link *l, struct publish_out o, struct redis_sent *sent)
{
    bool sharded = l->all->cluster.on;
    struct buf *out = &l->queued;

    assert(l->role == LINK_PUBLISHES && l->state == LINK_UP);
    buf_printf(out, "*3\r\n$%d\r\n%s\r\n$%zu\r\n", sharded ? 8 : 7,
               sharded ? "SPUBLISH" : "PUBLISH", o.channel.n);
    buf_append(out, o.channel);
    buf_printf(out, "\r\n$%zu\r\n", BUS_SEAL_N + o.before.n + o.bytes.n);
    append_sealed(l->core, out, &o);
    buf_append(out, STR("\r\n"));
    if (sent != NULL)
        sent->unanswered++;
    bus_redis_link_ask(l, ASKED_PUBLISH, sent);
}

/* A cast to every node: its topic is in the message. */
static void publish_all(struct redis_publisher *b, struct str topic, struct str bytes)
{
    uint8_t before[1 + UINT8_MAX];
    char name[NAME_MAX];
    struct str channel = bus_redis_channel_base(b->core, BASE_ALL, name);
    struct redis_link *l = topic.n <= UINT8_MAX ? link_for(b, channel) : NULL;

    assert(topic.p[0] == '$');
    if (l == NULL)
        return;
    before[0] = (uint8_t)topic.n;
    memcpy(before + 1, topic.p, topic.n);
    publish_on(l,
               (struct publish_out){
                   .channel = channel,
                   .seal = &b->shards->base[BASE_ALL].seal,
                   .head = {.kind = MESSAGE_CAST, .count = ++b->shards->base[BASE_ALL].count},
                   .before = {before, 1 + topic.n},
                   .bytes = bytes},
               NULL);
}

void bus_redis_publish(struct redis_publisher *b, enum bus_kind kind, struct str topic,
                       uint64_t seq, struct str bytes)
{
    struct bus_head h = {.kind = kind == BUS_RING ? MESSAGE_RING : MESSAGE_CAST, .seq = seq};
    char name[NAME_MAX];
    struct str channel;
    struct redis_sent *s;
    struct redis_link *l;

    assert((kind == BUS_RING || kind == BUS_CAST) && topic.n > 0);
    if (topic.p[0] == '$') {
        publish_all(b, topic, bytes);
        return;
    }
    s = sent_get(b, topic);
    h.count = ++s->count;
    if (kind == BUS_RING) {
        s->seq = MAX(s->seq, seq);
        s->rang_ms = bus_redis_now(b->core);
    }
    channel = bus_redis_channel_room(b->core, topic, name);
    l = link_for(b, channel);
    if (l != NULL)
        publish_on(
            l,
            (struct publish_out){.channel = channel, .seal = &s->seal, .head = h, .bytes = bytes},
            kind == BUS_RING ? s : NULL);
    else if (kind == BUS_RING)
        sent_miss(b, s);
}

void bus_redis_publish_missed(struct redis_publisher *b)
{
    char name[NAME_MAX];
    struct list todo, *node;

    if (list_empty(&b->missed) || bus_redis_now(b->core) < b->missed_ms)
        return;
    b->missed_ms = bus_redis_now(b->core) + MISSED_MS;
    list_init(&todo);
    list_splice(&todo, &b->missed);
    while ((node = list_pop(&todo)) != NULL) {
        struct redis_sent *s = CONTAINER_OF(node, struct redis_sent, missed);
        struct bus_head h = {.kind = MESSAGE_RING, .count = s->count + 1, .seq = s->seq};
        struct str channel = bus_redis_channel_room(b->core, (struct str){s->id, s->id_n}, name);
        struct redis_link *l = link_to(b, channel);

        if (l == NULL) {
            sent_miss(b, s);
            continue;
        }
        s->count = h.count;
        publish_on(l, (struct publish_out){.channel = channel, .seal = &s->seal, .head = h}, s);
    }
}

void bus_redis_publish_direct(struct redis_publisher *b, uint8_t kind, uint64_t node,
                              uint64_t number, struct str bytes)
{
    char name[NAME_MAX];
    struct str channel = bus_redis_channel_node(b->core, node, name);
    struct redis_link *l = link_for(b, channel);
    struct bus_seal_channel seal;

    assert(kind == MESSAGE_DIRECT || kind == MESSAGE_ASK || kind == MESSAGE_PROOF);
    if (l == NULL)
        return;
    bus_seal_channel(&b->core->seal, channel, &seal);
    publish_on(
        l,
        (struct publish_out){
            .channel = channel,
            .seal = &seal,
            .head = {.kind = kind, .count = ++b->shards->base[BASE_SELF].count, .seq = number},
            .bytes = bytes},
        NULL);
}

void bus_redis_publish_say(struct redis_publisher *b, uint8_t kind, struct str bytes)
{
    struct redis_base *base = &b->shards->base[BASE_ALL];
    char name[NAME_MAX];

    assert(kind == MESSAGE_HELLO || kind == MESSAGE_BYE);
    if (base->at != NULL && base->at->publishes.state == LINK_UP)
        publish_on(&base->at->publishes,
                   (struct publish_out){.channel = bus_redis_channel_base(b->core, BASE_ALL, name),
                                        .seal = &base->seal,
                                        .head = {.kind = kind, .count = ++base->count},
                                        .bytes = bytes},
                   NULL);
}
