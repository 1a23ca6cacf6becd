#include "bus/bus_redis_shard.h"

#include "base/mem.h"

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

static const struct redis_link_ops link_ops;

static void shard_link(struct redis_link *l, struct redis_shards *b, struct redis_shard *s,
                       enum link_role role)
{
    *l = (struct redis_link){
        .ops = &link_ops, .all = b, .shard = s, .role = role, .reuses = s != &b->plain};
    bus_redis_link_init(l, &b->caller);
}

static void shard_init(struct redis_shards *b, struct redis_shard *s)
{
    shard_link(&s->publishes, b, s, LINK_PUBLISHES);
    shard_link(&s->subscribes, b, s, LINK_SUBSCRIBES);
    list_init(&s->rooms);
    list_init(&s->asked);
    list_push(&b->list, &s->all);
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

static void shard_want(struct redis_shard *s, bool wanted)
{
    bus_redis_link_want(&s->publishes, wanted);
    bus_redis_link_want(&s->subscribes, wanted);
}

struct redis_shard *bus_redis_shard_of(struct redis_shards *b, uint16_t slot)
{
    struct redis_cluster *c = &b->cluster;
    struct redis_shard *s = c->on ? NULL : &b->plain;

    if (c->on && c->slots != NULL && c->slots->of[slot] > 0)
        s = c->places[c->slots->of[slot] - 1];
    if (s != NULL)
        shard_want(s, true);
    return s;
}

bool bus_redis_shard_serves(const struct redis_shards *b, const struct redis_shard *s)
{
    return s != NULL && s->up && !b->cluster.refuses;
}

/* What the scout calls in turn: what the URL says, and what the cluster said. */
static const struct redis_target *scout_target(struct redis_shards *b)
{
    struct redis_cluster *c = &b->cluster;
    unsigned known = c->slots != NULL ? c->slots->nodes_n : 0;
    unsigned at = c->scout_at++ % (b->targets.n + known);

    assert(b->targets.n > 0 && known <= SLOTS_NODES_MAX);
    c->scouted = at < b->targets.n ? b->targets.list[at] : c->places[at - b->targets.n]->target;
    return &c->scouted;
}

static const struct redis_target *link_target(struct redis_link *l)
{
    assert(l->state == LINK_DOWN && l->wanted);
    if (l->role == LINK_SCOUTS)
        return scout_target(l->all);
    return l->shard == &l->all->plain ? &l->all->targets.list[l->all->target] : &l->shard->target;
}

void bus_redis_shard_amiss(struct redis_shards *b)
{
    struct redis_cluster *c = &b->cluster;
    uint64_t soon = bus_redis_now(b->core) + 1 + rng_below(&b->core->rng, ASK_SOON_MS);

    c->wanted = true;
    c->ask_ms = MIN(c->ask_ms, MAX(soon, c->asked_ms + ASK_AGAIN_MS));
}

/* Whether all is up. */

static bool base_is_up(const struct redis_shards *b, const struct redis_shard *s)
{
    for (unsigned i = 0; i < BASE_N; i++)
        if (s == NULL ? b->base[i].at == NULL : b->base[i].at == s && !b->base[i].confirmed)
            return false;
    return true;
}

static void note_up(struct redis_shards *b, struct redis_shard *s)
{
    bool up = s->publishes.state == LINK_UP && s->subscribes.state == LINK_UP && base_is_up(b, s);

    if (up == s->up)
        return;
    s->up = up;
    if (!up && !b->core->ending)
        b->ops->unheard(b, s, ASK_AGAIN_MS);
    if (up)
        b->ops->sends(b, s == b->base[BASE_ALL].at);
}

static bool all_up(struct redis_shards *b)
{
    bool all = base_is_up(b, NULL) && !b->cluster.refuses && b->nowhere_n == 0;
    uint64_t up_n = 0, down_n = 0;

    for (struct list *n = b->list.next; n != &b->list; n = n->next) {
        struct redis_shard *s = shard_from(n);
        bool is_wanted = s->publishes.wanted;

        note_up(b, s);
        up_n += is_wanted && s->up;
        down_n += is_wanted && !s->up;
    }
    __atomic_store_n(&b->core->stats.shards, up_n, __ATOMIC_RELAXED);
    __atomic_store_n(&b->core->stats.shards_down, down_n, __ATOMIC_RELAXED);
    return all && down_n == 0;
}

void bus_redis_shard_changed(struct redis_shards *b)
{
    bus_redis_core_changed(b->core, all_up(b));
}

/* Finding out what it is. */

/* Those without slots are freed once their links are down. */
static void let_go(struct redis_shards *b)
{
    assert(!list_empty(&b->list));
    for (struct list *n = b->list.next; n != &b->list; n = n->next)
        if (shard_from(n) != &b->plain && !shard_from(n)->served)
            shard_want(shard_from(n), false);
}

static void forget_slots(struct redis_shards *b)
{
    free(b->cluster.slots);
    b->cluster.slots = NULL;
    b->cluster.scout.spare = false;
    for (struct list *n = b->list.next; n != &b->list; n = n->next)
        shard_from(n)->served = false;
}

static void found_cluster(struct redis_link *l, bool cluster)
{
    struct redis_shards *b = l->all;

    assert(l->role != LINK_SUBSCRIBES);
    if (b->cluster.on == cluster || b->core->ending || !l->wanted)
        return;
    if (l->role != LINK_SCOUTS && l->shard != &b->plain) {
        bus_redis_link_fail(l, "it is of no cluster any more");
        return;
    }
    b->cluster.on = cluster;
    b->cluster.refuses = b->cluster.asking = false;
    forget_slots(b);
    b->ops->moved(b);
    let_go(b);
    if (cluster)
        shard_want(&b->plain, false);
    bus_redis_link_want(&b->cluster.scout, cluster);
    bus_redis_shard_changed(b);
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

static struct redis_shard *shard_at(struct redis_shards *b, const struct redis_target *t)
{
    struct redis_shard *s;

    for (struct list *n = b->list.next; n != &b->list; n = n->next)
        if (shard_from(n) != &b->plain && strcmp(shard_from(n)->target.host, t->host) == 0)
            return shard_from(n);
    s = mem_zeroed(1, sizeof(*s));
    s->target = *t;
    shard_init(b, s);
    return s;
}

static void use_slots(struct redis_shards *b, struct slots *slots)
{
    struct redis_cluster *c = &b->cluster;
    struct redis_target t;

    assert(slots->nodes_n <= SLOTS_NODES_MAX);
    forget_slots(b);
    c->slots = slots;
    c->scout.spare = true;
    for (unsigned i = 0; i < slots->nodes_n; i++) {
        write_target(&t, &c->scouted, &slots->nodes[i]);
        c->places[i] = shard_at(b, &t);
        c->places[i]->served = true;
        if (slots->nodes_n <= CALL_ALL_MAX)
            shard_want(c->places[i], true);
    }
    explicit_bzero(&t, sizeof(t));
}

/* Whether the answer was worth asking. */
static void judge_slots(struct redis_shards *b, bool is_new)
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

static void take_slots(struct redis_link *scout, const struct resp_reply *answer)
{
    struct redis_shards *b = scout->all;
    struct redis_cluster *c = &b->cluster;
    struct slots *slots = mem_zeroed(1, sizeof(*slots));
    bool is_new;

    assert(scout == &c->scout);
    c->asking = false;
    if (!slots_read(slots, answer)) {
        free(slots);
        bus_redis_link_fail(scout, "its slots cannot be read");
        return;
    }
    is_new =
        slots->served_n > 0 && (c->slots == NULL || memcmp(slots, c->slots, sizeof(*slots)) != 0);
    if (is_new)
        use_slots(b, slots);
    else
        free(slots);
    if (is_new || c->wanted)
        b->ops->moved(b);
    let_go(b);
    b->ops->sends(b, false);
    judge_slots(b, is_new);
    bus_redis_shard_changed(b);
}

static void set_refuses(struct redis_shards *b, bool refuses)
{
    assert(!refuses || b->cluster.on);
    if (b->cluster.refuses == refuses)
        return;
    b->cluster.refuses = refuses;
    b->ops->sends(b, false);
    if (refuses) {
        (void)snprintf(b->core->why, sizeof(b->core->why), "the cluster of %.200s is down",
                       b->cluster.scouted.host);
        b->ops->unheard(b, NULL, ASK_AGAIN_MS);
    }
    bus_redis_shard_changed(b);
}

/* What is answered. */

static bool starts(const struct resp_reply *reply, const char *s)
{
    return str_starts(reply->str, str_of(s));
}

/* Not allowed to this user, or unknown to this server. */
static bool is_harmless(const struct resp_reply *reply)
{
    return starts(reply, "ERR unknown command") || starts(reply, "NOPERM");
}

/* What a node of a cluster says that does not serve the slot, or not now. */
static bool is_elsewhere(const struct redis_link *l, const struct resp_reply *reply)
{
    static const char *const words[] = {"MOVED ", "ASK ", "TRYAGAIN", "CLUSTERDOWN"};

    for (size_t i = 0; l->all->cluster.on && i < COUNTOF(words); i++)
        if (starts(reply, words[i]))
            return true;
    return false;
}

/* ROLE says: [master offset replicas], or [slave ...], which does not pass on what it is
 * told. */
static bool is_replica(const struct resp_reply *reply)
{
    return reply->type == RESP_ARRAY && reply->n > 0 && reply->elements[0] != NULL &&
           resp_is(reply->elements[0], "slave");
}

/* HELLO says: [server redis ... mode cluster ...]. */
static bool is_cluster(const struct resp_reply *reply)
{
    for (unsigned i = 0; reply->type == RESP_ARRAY && i + 1 < reply->n; i += 2)
        if (reply->elements[i] != NULL && reply->elements[i + 1] != NULL &&
            resp_is(reply->elements[i], "mode"))
            return resp_is(reply->elements[i + 1], "cluster");
    return false;
}

static void take_published(struct redis_link *l, struct redis_sent *sent,
                           const struct resp_reply *reply)
{
    bool bad = reply->type == RESP_ERROR;

    assert(l->role == LINK_PUBLISHES);
    if (sent != NULL)
        l->all->ops->answered(l->all, sent, !bad);
    if (!bad)
        return;
    if (!is_elsewhere(l, reply)) {
        bus_redis_link_refused(l, reply);
        return;
    }
    if (starts(reply, "CLUSTERDOWN"))
        set_refuses(l->all, true);
    bus_redis_shard_amiss(l->all);
}

static void take_heard(struct redis_link *l, const struct resp_reply *reply)
{
    assert(l->role == LINK_SUBSCRIBES && l->shard != NULL);
    if (reply->type == RESP_ERROR && is_elsewhere(l, reply))
        bus_redis_shard_amiss(l->all);
    else if (reply->type == RESP_ERROR)
        bus_redis_link_refused(l, reply);
    else if (l->state == LINK_UP && !l->all->ops->heard(l->all, l->shard, reply))
        bus_redis_link_fail(l, "it answers what was not asked");
}

static void take_answer(struct redis_link *l, enum asked_kind kind, const struct resp_reply *reply)
{
    bool bad = reply->type == RESP_ERROR, elsewhere = bad && is_elsewhere(l, reply);

    assert(l->role != LINK_SUBSCRIBES);
    if (kind == ASKED_PROBE && (elsewhere || !bad))
        set_refuses(l->all, elsewhere && starts(reply, "CLUSTERDOWN"));
    else if (bad && !((kind == ASKED_ROLE || kind == ASKED_HELLO) && is_harmless(reply)))
        bus_redis_link_refused(l, reply);
    else if (kind == ASKED_ROLE && is_replica(reply))
        bus_redis_link_fail(l, "it is a replica");
    else if (kind == ASKED_HELLO)
        found_cluster(l, is_cluster(reply));
    else if (kind == ASKED_SLOTS)
        take_slots(l, reply);
}

static void link_answered(struct redis_link *l, struct redis_asked asked,
                          const struct resp_reply *reply)
{
    assert(asked.sent == NULL || asked.kind == ASKED_PUBLISH);
    if (reply == NULL && asked.kind == ASKED_SLOTS)
        l->all->cluster.asking = false;
    if (reply == NULL && asked.sent != NULL)
        l->all->ops->answered(l->all, asked.sent, false);
    if (reply == NULL)
        return;
    if (l->role == LINK_SUBSCRIBES)
        take_heard(l, reply);
    else if (asked.kind == ASKED_PUBLISH)
        take_published(l, asked.sent, reply);
    else
        take_answer(l, asked.kind, reply);
}

/* What links tell. */

static void link_greet(struct redis_link *l)
{
    char name[NAME_MAX];
    struct str probe[3] = {l->all->cluster.on ? STR("SPUBLISH") : STR("PUBLISH"),
                           bus_redis_channel_base(l->core, BASE_ALL, name), STR("")};

    assert(l->state == LINK_GREETING);
    if (l->role == LINK_SUBSCRIBES) {
        bus_redis_link_greet(l, ASKED_LOGIN, (struct str[]){STR("PING")}, 1);
        return;
    }
    bus_redis_link_greet(l, ASKED_HELLO, (struct str[]){STR("HELLO"), STR("2")}, 2);
    if (l->role == LINK_SCOUTS)
        return;
    bus_redis_link_greet(l, ASKED_ROLE, (struct str[]){STR("ROLE")}, 1);
    bus_redis_link_greet(l, ASKED_PROBE, probe, 3);
}

/* Where one publishes, the primary, the other is to subscribe: a replica hears of what it
 * is told later, or not at all. */
static bool are_apart(struct redis_shards *b)
{
    const struct redis_link *to = &b->plain.publishes, *from = &b->plain.subscribes;

    if (to->state != LINK_UP || from->state != LINK_UP || to->target == from->target)
        return false;
    b->target = (unsigned)(to->target - b->targets.list);
    return true;
}

static void link_up(struct redis_link *l)
{
    struct redis_shards *b = l->all;

    assert(l->state == LINK_UP);
    if (l->role == LINK_SUBSCRIBES)
        b->ops->subscribes(b, l->shard, true);
    if (are_apart(b))
        bus_redis_link_fail(&b->plain.subscribes, "another Redis is the primary");
    bus_redis_shard_changed(b);
}

static void link_shut(struct redis_link *l, enum link_state was)
{
    assert(l->state == LINK_CLOSING);
    if (was == LINK_UP && l->role == LINK_PUBLISHES && !l->core->ending)
        l->all->ops->forgot(l->all);
    bus_redis_shard_changed(l->all);
}

/* Where the one that publishes failed, another Redis may be the primary now. */
static void link_failed(struct redis_link *l, enum link_state was, const char *why)
{
    struct redis_shard *plain = &l->all->plain;

    assert(l->state == LINK_CLOSING || l->state == LINK_DOWN);
    if (was == LINK_UP && l == &plain->publishes)
        bus_redis_link_fail(&plain->subscribes, why);
}

static void link_down(struct redis_link *l)
{
    struct redis_shards *b = l->all;

    assert(l->state == LINK_DOWN && l->wanted);
    if (l->target == &b->targets.list[b->target]) /* the other has not gone on already */
        b->target = (b->target + 1) % b->targets.n;
}

static const struct redis_link_ops link_ops = {
    .target = link_target,
    .greet = link_greet,
    .up = link_up,
    .shut = link_shut,
    .failed = link_failed,
    .down = link_down,
    .answered = link_answered,
};

/* From time to time. */

static void probe_cluster(struct redis_shards *b)
{
    struct redis_link *l = &b->cluster.scout;
    char name[NAME_MAX];

    assert(l->state == LINK_UP);
    l->asked_ms = bus_redis_now(b->core);
    bus_redis_link_ask(l, ASKED_PROBE, NULL);
    bus_redis_link_say(
        l,
        (struct str[]){STR("SPUBLISH"), bus_redis_channel_base(b->core, BASE_ALL, name), STR("")},
        3);
}

static void ask_slots(struct redis_shards *b)
{
    struct redis_cluster *c = &b->cluster;
    uint64_t now = bus_redis_now(b->core);

    assert(c->on && !c->asking && c->scout.state == LINK_UP);
    c->asking = true;
    c->asked_ms = now;
    c->ask_ms = now + ASK_MS / 2 + rng_below(&b->core->rng, ASK_MS);
    bus_redis_add(&b->core->stats.slot_maps, 1);
    bus_redis_link_ask(&c->scout, ASKED_SLOTS, NULL);
    bus_redis_link_say(&c->scout, (struct str[]){STR("CLUSTER"), STR("SLOTS")}, 2);
}

static void mind_cluster(struct redis_shards *b)
{
    struct redis_cluster *c = &b->cluster;
    uint64_t now = bus_redis_now(b->core);

    if (c->on && c->slots != NULL && !b->core->up && !c->wanted)
        bus_redis_shard_amiss(b);
    bus_redis_link_mind(&c->scout);
    if (c->scout.state != LINK_UP) {
        c->asking = false;
        return;
    }
    if (!c->asking && (c->slots == NULL || now >= c->ask_ms))
        ask_slots(b);
    if (now >= c->scout.asked_ms + PROBE_MS)
        probe_cluster(b);
}

/* Without slots, and closed. */
static bool has_gone(const struct redis_shards *b, const struct redis_shard *s)
{
    return s != &b->plain && !s->served && s->publishes.state == LINK_DOWN &&
           s->subscribes.state == LINK_DOWN;
}

void bus_redis_shard_mind(struct redis_shards *b)
{
    for (struct list *n = b->list.next, *next; n != &b->list; n = next) {
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

void bus_redis_shard_flush(struct redis_shards *b)
{
    for (struct list *n = b->list.next; n != &b->list; n = n->next) {
        struct redis_shard *s = shard_from(n);

        if (s->publishes.state == LINK_DOWN && s->subscribes.state == LINK_DOWN)
            continue;
        b->ops->subscribes(b, s, false);
        bus_redis_link_flush(&s->publishes);
        bus_redis_link_flush(&s->subscribes);
    }
    bus_redis_link_flush(&b->cluster.scout);
}

/* Beginning and ending. */

void bus_redis_shard_init(struct redis_shards *b, const struct redis_shards_ops *ops)
{
    assert(b->targets.n > 0);
    b->ops = ops;
    b->core = b->caller.core;
    list_init(&b->list);
    shard_init(b, &b->plain);
    shard_link(&b->cluster.scout, b, NULL, LINK_SCOUTS);
}

/* Is goodbye still on its way? Until Redis has answered: a connection that is closed with
 * answers unread takes what it sent last along. */
static bool is_sending(const struct redis_link *l)
{
    return l->state == LINK_UP && (l->asked_n > 0 || l->out.in_flight || buf_len(&l->queued) > 0 ||
                                   buf_len(&l->sending) > 0);
}

bool bus_redis_shard_close(struct redis_shards *b, uint64_t end_ms)
{
    bool closed = true;

    assert(b->core->ending);
    for (struct list *n = b->list.next; n != &b->list; n = n->next)
        if (bus_redis_now(b->core) < end_ms && is_sending(&shard_from(n)->publishes))
            return false;
    bus_redis_link_want(&b->cluster.scout, false);
    for (struct list *n = b->list.next; n != &b->list; n = n->next) {
        struct redis_shard *s = shard_from(n);

        shard_want(s, false);
        closed = closed && s->publishes.state == LINK_DOWN && s->subscribes.state == LINK_DOWN;
    }
    return closed && b->cluster.scout.state == LINK_DOWN;
}

void bus_redis_shard_fini(struct redis_shards *b)
{
    assert(b->core->ending);
    for (struct list *n = b->list.next, *next; n != &b->list; n = next) {
        struct redis_shard *s = shard_from(n);

        next = n->next;
        shard_fini(s);
        if (s != &b->plain)
            free(s);
    }
    bus_redis_link_fini(&b->cluster.scout);
    free(b->cluster.slots);
}
