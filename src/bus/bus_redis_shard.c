#include "bus/bus_redis_impl.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ASK_MS = 10000,     /* for the slots, where all is well */
    ASK_SOON_MS = 200,  /* where it is not */
    ASK_AGAIN_MS = 500, /* at the earliest */
    PROBE_MS = 1000,
    IN_VAIN_MAX = 5,
    CALL_ALL_MAX = 64, /* primaries that are called before they are needed */
};

static void shard_init(struct bus_redis *b, struct redis_shard *s)
{
    bus_redis_link_init(&s->publishes, b, s, LINK_PUBLISHES);
    bus_redis_link_init(&s->subscribes, b, s, LINK_SUBSCRIBES);
    list_init(&s->rooms);
    list_init(&s->asked);
    list_push(&b->shards, &s->all);
}

static void shard_fini(struct redis_shard *s)
{
    assert(list_empty(&s->rooms) && list_empty(&s->asked));
    bus_redis_link_fini(&s->publishes);
    bus_redis_link_fini(&s->subscribes);
    explicit_bzero(s->target.password, sizeof(s->target.password));
    list_remove(&s->all);
}

static struct redis_shard *shard_from(struct list *node)
{
    return CONTAINER_OF(node, struct redis_shard, all);
}

static void want(struct redis_shard *s, bool wanted)
{
    bus_redis_link_want(&s->publishes, wanted);
    bus_redis_link_want(&s->subscribes, wanted);
}

struct redis_shard *bus_redis_shard_of(struct bus_redis *b, uint16_t slot)
{
    struct redis_cluster *c = &b->cluster;
    struct redis_shard *s = c->on ? NULL : &b->plain;

    if (c->on && c->slots != NULL && c->slots->of[slot] > 0)
        s = c->places[c->slots->of[slot] - 1];
    if (s != NULL)
        want(s, true);
    return s;
}

/* What the scout calls in turn: what the URL says, and what the cluster said. */
static const struct redis_target *scout_target(struct bus_redis *b)
{
    struct redis_cluster *c = &b->cluster;
    unsigned known = c->slots != NULL ? c->slots->nodes_n : 0;
    unsigned at = c->scout_at++ % (b->targets_n + known);

    c->scouted = at < b->targets_n ? b->targets[at] : c->places[at - b->targets_n]->target;
    return &c->scouted;
}

const struct redis_target *bus_redis_shard_target(struct redis_link *l)
{
    if (l->role == LINK_SCOUTS)
        return scout_target(l->bus);
    return l->shard == &l->bus->plain ? &l->bus->targets[l->bus->target] : &l->shard->target;
}

/* Finding out what it is. */

/* Those without slots are freed once their links are down. */
static void let_go(struct bus_redis *b)
{
    for (struct list *n = b->shards.next; n != &b->shards; n = n->next)
        if (shard_from(n) != &b->plain && !shard_from(n)->served)
            want(shard_from(n), false);
}

static void forget_slots(struct bus_redis *b)
{
    free(b->cluster.slots);
    b->cluster.slots = NULL;
    for (struct list *n = b->shards.next; n != &b->shards; n = n->next)
        shard_from(n)->served = false;
}

void bus_redis_shard_found(struct redis_link *l, bool cluster)
{
    struct bus_redis *b = l->bus;

    if (b->cluster.on == cluster || b->ending || !l->wanted)
        return;
    if (l->role != LINK_SCOUTS && l->shard != &b->plain) {
        bus_redis_link_fail(l, "it is of no cluster any more");
        return;
    }
    b->cluster.on = cluster;
    b->cluster.refuses = b->cluster.asking = false;
    forget_slots(b);
    bus_redis_room_place_all(b);
    let_go(b);
    if (cluster)
        want(&b->plain, false);
    bus_redis_link_want(&b->cluster.scout, cluster);
    bus_redis_changed(b);
}

/* The slots. */

static void write_target(struct redis_target *t, const struct redis_target *scouted,
                         const struct slots_node *node)
{
    const char *host = node->host[0] != '\0' ? node->host : scouted->name;
    bool is_ip6 = strchr(host, ':') != NULL;

    *t = *scouted;
    (void)snprintf(t->name, sizeof(t->name), "%s", host);
    (void)snprintf(t->host, sizeof(t->host), "%s%.240s%s:%u", is_ip6 ? "[" : "", t->name,
                   is_ip6 ? "]" : "", node->port);
}

static struct redis_shard *shard_at(struct bus_redis *b, const struct redis_target *t)
{
    struct redis_shard *s;

    for (struct list *n = b->shards.next; n != &b->shards; n = n->next)
        if (shard_from(n) != &b->plain && strcmp(shard_from(n)->target.host, t->host) == 0)
            return shard_from(n);
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        abort();
    s->target = *t;
    shard_init(b, s);
    return s;
}

static void take_slots(struct bus_redis *b, struct slots *slots)
{
    struct redis_cluster *c = &b->cluster;
    struct redis_target t;

    forget_slots(b);
    c->slots = slots;
    for (unsigned i = 0; i < slots->nodes_n; i++) {
        write_target(&t, &c->scouted, &slots->nodes[i]);
        c->places[i] = shard_at(b, &t);
        c->places[i]->served = true;
        if (slots->nodes_n <= CALL_ALL_MAX)
            want(c->places[i], true);
    }
    explicit_bzero(&t, sizeof(t));
}

/* Whether the answer was worth asking. */
static void judge(struct bus_redis *b, bool is_new)
{
    struct redis_cluster *c = &b->cluster;

    c->in_vain_n = is_new || !c->wanted ? 0 : c->in_vain_n + 1;
    c->wanted = false;
    if (c->in_vain_n <= IN_VAIN_MAX)
        return;
    c->in_vain_n = 0; /* another may know more */
    bus_redis_link_want(&c->scout, false);
    bus_redis_link_want(&c->scout, true);
}

void bus_redis_shard_slots(struct redis_link *scout, const struct resp_reply *answer)
{
    struct bus_redis *b = scout->bus;
    struct redis_cluster *c = &b->cluster;
    struct slots *slots = calloc(1, sizeof(*slots));
    bool is_new;

    if (slots == NULL)
        abort();
    c->asking = false;
    if (!slots_read(slots, answer)) {
        free(slots);
        bus_redis_link_fail(scout, "its slots cannot be read");
        return;
    }
    is_new =
        slots->served_n > 0 && (c->slots == NULL || memcmp(slots, c->slots, sizeof(*slots)) != 0);
    if (is_new)
        take_slots(b, slots);
    else
        free(slots);
    if (is_new || c->wanted)
        bus_redis_room_place_all(b);
    let_go(b);
    b->missed_ms = 0;
    judge(b, is_new);
    bus_redis_changed(b);
}

void bus_redis_shard_refuses(struct bus_redis *b, bool refuses)
{
    if (b->cluster.refuses == refuses)
        return;
    b->cluster.refuses = refuses;
    b->missed_ms = 0;
    if (refuses) {
        (void)snprintf(b->why, sizeof(b->why), "the cluster of %.200s is down",
                       b->cluster.scouted.host);
        bus_redis_room_look_all(b, NULL, ASK_AGAIN_MS);
    }
    bus_redis_changed(b);
}

void bus_redis_shard_amiss(struct bus_redis *b)
{
    struct redis_cluster *c = &b->cluster;
    uint64_t soon = bus_redis_now(b) + 1 + rng_below(&b->rng, ASK_SOON_MS);

    c->wanted = true;
    c->ask_ms = MIN(c->ask_ms, MAX(soon, c->asked_ms + ASK_AGAIN_MS));
}

static bool base_is_up(const struct bus_redis *b, const struct redis_shard *s)
{
    for (unsigned i = 0; i < BASE_N; i++)
        if (s == NULL ? b->base[i].at == NULL : b->base[i].at == s && !b->base[i].confirmed)
            return false;
    return true;
}

static void note_up(struct bus_redis *b, struct redis_shard *s)
{
    bool up = s->publishes.state == LINK_UP && s->subscribes.state == LINK_UP && base_is_up(b, s);

    if (up == s->up)
        return;
    s->up = up;
    if (!up && !b->ending)
        bus_redis_room_look_all(b, s, ASK_AGAIN_MS);
    if (up)
        b->missed_ms = 0;
    if (up && s == b->base[BASE_ALL].at)
        b->hello_ms = 0;
}

bool bus_redis_shard_all_up(struct bus_redis *b)
{
    bool all = base_is_up(b, NULL) && !b->cluster.refuses && b->nowhere_n == 0;
    uint64_t up_n = 0, down_n = 0;

    for (struct list *n = b->shards.next; n != &b->shards; n = n->next) {
        struct redis_shard *s = shard_from(n);
        bool is_wanted = s->publishes.wanted;

        note_up(b, s);
        up_n += is_wanted && s->up;
        down_n += is_wanted && !s->up;
    }
    __atomic_store_n(&b->stats.shards, up_n, __ATOMIC_RELAXED);
    __atomic_store_n(&b->stats.shards_down, down_n, __ATOMIC_RELAXED);
    return all && down_n == 0;
}

/* From time to time. */

static void probe(struct bus_redis *b)
{
    struct redis_link *l = &b->cluster.scout;
    char name[NAME_MAX];

    l->asked_ms = bus_redis_now(b);
    bus_redis_link_ask(l, ASKED_PROBE, NULL);
    bus_redis_link_say(
        l, (struct str[]){STR("SPUBLISH"), bus_redis_channel_base(b, BASE_ALL, name), STR("")}, 3);
}

static void ask_slots(struct bus_redis *b)
{
    struct redis_cluster *c = &b->cluster;
    uint64_t now = bus_redis_now(b);

    c->asking = true;
    c->asked_ms = now;
    c->ask_ms = now + ASK_MS / 2 + rng_below(&b->rng, ASK_MS);
    bus_redis_add(&b->stats.slot_maps, 1);
    bus_redis_link_ask(&c->scout, ASKED_SLOTS, NULL);
    bus_redis_link_say(&c->scout, (struct str[]){STR("CLUSTER"), STR("SLOTS")}, 2);
}

static void mind_cluster(struct bus_redis *b)
{
    struct redis_cluster *c = &b->cluster;
    uint64_t now = bus_redis_now(b);

    if (c->on && c->slots != NULL && !b->up && !c->wanted)
        bus_redis_shard_amiss(b);
    bus_redis_link_mind(&c->scout);
    if (c->scout.state != LINK_UP) {
        c->asking = false;
        return;
    }
    if (!c->asking && (c->slots == NULL || now >= c->ask_ms))
        ask_slots(b);
    if (now >= c->scout.asked_ms + PROBE_MS)
        probe(b);
}

/* Without slots, and closed. */
static bool has_gone(const struct bus_redis *b, const struct redis_shard *s)
{
    return s != &b->plain && !s->served && s->publishes.state == LINK_DOWN &&
           s->subscribes.state == LINK_DOWN;
}

void bus_redis_shard_mind(struct bus_redis *b)
{
    for (struct list *n = b->shards.next, *next; n != &b->shards; n = next) {
        struct redis_shard *s = shard_from(n);

        next = n->next;
        bus_redis_link_mind(&s->publishes);
        bus_redis_link_mind(&s->subscribes);
        if (has_gone(b, s)) {
            shard_fini(s);
            free(s);
        }
    }
    mind_cluster(b);
}

void bus_redis_shard_flush(struct bus_redis *b)
{
    for (struct list *n = b->shards.next; n != &b->shards; n = n->next) {
        struct redis_shard *s = shard_from(n);

        if (s->publishes.state == LINK_DOWN && s->subscribes.state == LINK_DOWN)
            continue;
        bus_redis_room_subscribe(b, s);
        bus_redis_link_flush(&s->publishes);
        bus_redis_link_flush(&s->subscribes);
    }
    bus_redis_link_flush(&b->cluster.scout);
}

/* Beginning and ending. */

void bus_redis_shard_init(struct bus_redis *b)
{
    list_init(&b->shards);
    shard_init(b, &b->plain);
    bus_redis_link_init(&b->cluster.scout, b, NULL, LINK_SCOUTS);
}

/* Does goodbye still leave? */
static bool is_sending(const struct redis_link *l)
{
    return l->state == LINK_UP &&
           (l->out.in_flight || buf_len(&l->queued) > 0 || buf_len(&l->sending) > 0);
}

bool bus_redis_shard_close(struct bus_redis *b)
{
    bool closed = true;

    for (struct list *n = b->shards.next; n != &b->shards; n = n->next)
        if (bus_redis_now(b) < b->end_ms && is_sending(&shard_from(n)->publishes))
            return false;
    bus_redis_link_want(&b->cluster.scout, false);
    for (struct list *n = b->shards.next; n != &b->shards; n = n->next) {
        struct redis_shard *s = shard_from(n);

        want(s, false);
        closed = closed && s->publishes.state == LINK_DOWN && s->subscribes.state == LINK_DOWN;
    }
    return closed && b->cluster.scout.state == LINK_DOWN;
}

void bus_redis_shard_fini(struct bus_redis *b)
{
    for (struct list *n = b->shards.next, *next; n != &b->shards; n = next) {
        struct redis_shard *s = shard_from(n);

        next = n->next;
        shard_fini(s);
        if (s != &b->plain)
            free(s);
    }
    bus_redis_link_fini(&b->cluster.scout);
    free(b->cluster.slots);
}
