#include "bus/bus_redis_hear.h"

#include "base/mem.h"

#include <stdlib.h>

enum {
    COUNTS_MAX = 256, /* nodes that are remembered for a room */
    REFUSED_MS = 1000,
};

/* What is behind the id in a channel's name: "$", "@..." or "{hash}:room". */
static bool take_channel(const struct redis_hearing *b, struct str name, struct str *ret_rest)
{
    size_t n = strlen(b->core->id);

    assert(b->core->id[0] != '\0');
    if (!str_starts(name, str_of(b->core->id)) || name.n <= n + 1 || name.p[n] != ':')
        return false;
    *ret_rest = str_skip(name, n + 1);
    return true;
}

/* How far the node has counted in the room's channel. */
static struct redis_count *count_of(struct redis_room *r, const struct bus_head *h)
{
    assert(r->counts_n <= COUNTS_MAX);
    for (unsigned i = 0; i < r->counts_n; i++)
        if (r->counts[i].node == h->node)
            return &r->counts[i];
    if (r->counts_n == COUNTS_MAX)
        r->counts_n = 0; /* nodes come and go */
    r->counts = mem_resize_array(r->counts, r->counts_n + 1, sizeof(*r->counts));
    r->counts[r->counts_n] = (struct redis_count){.node = h->node};
    return &r->counts[r->counts_n++];
}

/* A doorbell that may be of long ago tells of nothing, but that one may have been missed. */
static void hear_room(struct redis_hearing *b, struct redis_room *r, const struct bus_head *h,
                      struct str bytes)
{
    struct redis_count *c;
    uint64_t before;

    assert(h->kind == MESSAGE_RING || h->kind == MESSAGE_CAST);
    if (bus_redis_node_now(b->nodes, h) == NULL) {
        if (h->kind == MESSAGE_RING)
            bus_redis_room_doubt(b->nodes->rooms, r);
        return;
    }
    c = count_of(r, h);
    before = c->count;
    if (!bus_redis_node_counts(b->nodes, &c->count, h))
        return;
    bus_redis_core_tell(b->core, r->ear,
                        &(struct bus_event){
                            .kind = h->kind == MESSAGE_RING ? BUS_RING : BUS_CAST,
                            .node = h->node,
                            .room = {r->id, r->id_n},
                            .seq = h->seq,
                            .bytes = bytes,
                        });
    if (before > 0 && h->count > before + 1) {
        bus_redis_add(&b->core->stats.gaps, 1);
        bus_redis_room_look(b->nodes->rooms, r);
    }
}

static void hear_all(struct redis_hearing *b, const struct bus_head *h, struct str bytes)
{
    struct bus_event event = {.kind = BUS_CAST, .node = h->node};
    struct redis_node *n;

    if (h->kind != MESSAGE_CAST) {
        bus_redis_node_heard(b->nodes, h, bytes);
        return;
    }
    n = bus_redis_node_now(b->nodes, h);
    if (n == NULL || !bus_redis_node_counts(b->nodes, &n->count_all, h))
        return;
    if (bytes.n < 1 || bytes.n < 1u + bytes.p[0])
        return;
    event.room = (struct str){bytes.p + 1, bytes.p[0]};
    event.bytes = str_skip(bytes, 1u + bytes.p[0]);
    bus_redis_core_tell_all(b->core, &event);
}

static void hear_self(struct redis_hearing *b, const struct bus_head *h, struct str bytes)
{
    struct redis_node *n;

    if (h->kind != MESSAGE_DIRECT) {
        bus_redis_node_asked(b->nodes, h, bytes);
        return;
    }
    n = bus_redis_node_now(b->nodes, h);
    if (n == NULL || !bus_redis_node_counts(b->nodes, &n->count_self, h) || b->core->ears_n == 0)
        return;
    bus_redis_core_tell(b->core, h->seq < b->core->ears_n ? (unsigned)h->seq : 0,
                        &(struct bus_event){.kind = BUS_DIRECT, .node = h->node, .bytes = bytes});
}

/* What nobody of this system wrote is counted, and told now and then. */
static void hear_refused(struct redis_hearing *b, enum bus_seal_result why)
{
    uint64_t now = bus_redis_now(b->core);

    assert(why != BUS_SEAL_GOOD && why < BUS_SEAL_RESULT_N);
    if (why == BUS_SEAL_OTHER)
        bus_redis_add(&b->core->stats.other_keys, 1);
    else
        bus_redis_add(&b->core->stats.forged, 1);
    if (b->refused_ms[why] > 0 && now < b->refused_ms[why] + REFUSED_MS)
        return;
    b->refused_ms[why] = now;
    if (b->core->o.refused != NULL)
        b->core->o.refused(b->core->o.ctx, why);
}

static void hear_message(struct redis_hearing *b, struct str channel, struct str message)
{
    struct redis_room *r = NULL;
    const struct bus_seal_channel *seal;
    enum bus_seal_result is;
    struct bus_head h;
    struct str rest, bytes;

    if (!take_channel(b, channel, &rest) || bus_seal_node(message) == b->core->self)
        return;
    if (message.n == 0)
        return; /* a node has tried whether it may publish */
    if (rest.p[0] == '{') {
        (void)str_cut(&rest, ':');
        r = bus_redis_room_find(b->nodes->rooms, rest);
        if (r == NULL)
            return; /* it was followed a moment ago */
    }
    seal = r != NULL ? &r->seal
                     : &b->nodes->rooms->shards->base[rest.p[0] == '$' ? BASE_ALL : BASE_SELF].seal;
    is = bus_seal_read(&b->core->seal, seal, message, &h, &bytes);
    if (is != BUS_SEAL_GOOD)
        hear_refused(b, is);
    else if (r == NULL && rest.p[0] == '$')
        hear_all(b, &h, bytes);
    else if (r == NULL)
        hear_self(b, &h, bytes);
    else if (h.kind == MESSAGE_RING || h.kind == MESSAGE_CAST)
        hear_room(b, r, &h, bytes);
}

/* In a cluster all begin with an s. */
bool bus_redis_hear(struct redis_hearing *b, struct redis_shard *s, const struct resp_reply *reply)
{
    struct resp_reply *const *e = reply->elements;
    struct str what, rest;

    assert(s->subscribes.state == LINK_UP);
    if (reply->type != RESP_ARRAY)
        return resp_is(reply, "PONG"); /* of before anything was subscribed to */
    for (unsigned i = 0; i < reply->n; i++)
        if (e[i] == NULL)
            return false;
    if (reply->n == 2)
        return resp_is(e[0], "pong");
    if (reply->n != 3 || e[0]->type != RESP_STRING)
        return false;
    what = e[0]->str;
    if (b->nodes->rooms->shards->cluster.on && str_starts(what, STR("s")) &&
        !str_eq(what, STR("subscribe")))
        what = str_skip(what, 1);
    if (str_eq(what, STR("message")) && e[1]->type == RESP_STRING && e[2]->type == RESP_STRING)
        hear_message(b, e[1]->str, e[2]->str);
    else if (!str_eq(what, STR("subscribe")) && !str_eq(what, STR("unsubscribe")))
        return false;
    else if (e[1]->type == RESP_STRING && take_channel(b, e[1]->str, &rest))
        bus_redis_room_subscribed(b->nodes->rooms, s, rest, what.p[0] == 's');
    return true;
}
