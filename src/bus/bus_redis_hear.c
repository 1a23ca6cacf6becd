#include "bus/bus_redis_impl.h"

#include <stdlib.h>

enum { COUNTS_MAX = 256 /* nodes that are remembered for a room */ };

static uint64_t get_u64(const uint8_t *p)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static bool take_head(struct str *s, struct redis_head *ret)
{
    if (s->n < HEAD_N)
        return false;
    *ret = (struct redis_head){s->p[0], get_u64(s->p + 1), get_u64(s->p + 9), get_u64(s->p + 17)};
    *s = str_skip(*s, HEAD_N);
    return true;
}

/* What is behind the id in a channel's name: "$", "@..." or "{hash}:room". */
static bool take_channel(const struct bus_redis *b, struct str name, struct str *ret_rest)
{
    size_t n = strlen(b->id);

    if (!str_starts(name, str_of(b->id)) || name.n <= n + 1 || name.p[n] != ':')
        return false;
    *ret_rest = str_skip(name, n + 1);
    return true;
}

/* Was one of the node's messages missed? */
static bool count_jumps(struct redis_room *r, const struct redis_head *h)
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

static void hear_room(struct bus_redis *b, struct str id, const struct redis_head *h,
                      struct str bytes)
{
    struct redis_room *r = bus_redis_room_find(b, id);

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
        bus_redis_room_look(b, r);
    }
}

static void hear_all(struct bus_redis *b, const struct redis_head *h, struct str bytes)
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
    struct redis_head h;

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

/* In a cluster all begin with an s. */
bool bus_redis_hear(struct bus_redis *b, struct redis_shard *s, const struct resp_reply *reply)
{
    struct resp_reply *const *e = reply->elements;
    struct str what, rest;

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
    if (b->cluster.on && str_starts(what, STR("s")) && !str_eq(what, STR("subscribe")))
        what = str_skip(what, 1);
    if (str_eq(what, STR("message")) && e[1]->type == RESP_STRING && e[2]->type == RESP_STRING)
        hear_message(b, e[1]->str, e[2]->str);
    else if (!str_eq(what, STR("subscribe")) && !str_eq(what, STR("unsubscribe")))
        return false;
    else if (e[1]->type == RESP_STRING && take_channel(b, e[1]->str, &rest))
        bus_redis_room_subscribed(b, s, rest, what.p[0] == 's');
    return true;
}
