/* rooms: a person's rooms, each described by its owner, a few at a time. */
#include "chat/people/people.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/access.h"
#include "chat/model/event.h"
#include "chat/model/keys.h"
#include "chat/model/pref.h"
#include "chat/people/people_user.h"
#include "chat/room/reads.h"

#include <stdlib.h>

#define ROOMS_MAX 1000
#define AT_ONCE 16
#define ROOM_ID_MAX 64
#define PREFS_PAGE 500

struct gather;

/* The question to one room's owner. */
struct question {
    struct call call;
    struct gather *gather;
    struct pref pref;
    char id[KEYS_ROOM_MAX];
    size_t id_n;
};

struct gather {
    struct call *call;
    struct people *people;
    unsigned n, limit, asked, answered;
    bool asking;
    bool direct;      /* lists direct rooms now, or what is chosen of them */
    unsigned own_n;   /* questions about rooms that are not direct: they come first */
    struct str after; /* of the part that it lists */
    size_t next_n;    /* where the next page begins; 0: there is none */
    char next[KEYS_ROOM_MAX];
    char chosen[KEYS_ROOM_MAX]; /* the last room of a page of what is chosen */
    struct question **questions;
};

/* A direct room is hidden until something new is said in it. */
static void describe_pref(const struct room *r, struct pref pref, struct json_out *o)
{
    if (r->access.kind >= ACCESS_DIRECT && r->count > pref.count)
        pref.hidden = false;
    pref_put(&pref, o);
}

static void describe(struct room *r, struct call *call, struct str peer)
{
    struct json_out *o = &call->out;
    enum access_role role = access_role(&r->access, call->who.user, owner_wall_ms(r->owner));
    uint64_t seq, count;

    if (!reads_get(r, call->who.user, &seq, &count))
        seq = count = 0;
    seq = MAX(seq, call->cmd.seq); /* as it is stored */
    count = MAX(count, call->cmd.count);
    json_out_object(o);
    room_describe_members(r, false, o);
    event_position(o, "read", seq, count);
    json_out_field_u64(o, "unread", room_unread(r, seq, count));
    if (role != ACCESS_NONE)
        json_out_field_str(o, "role", str_of(access_role_name(role)));
    describe_pref(r, CONTAINER_OF(call, struct question, call)->pref, o);
    if (peer.n > 0)
        event_user(o, "peer", call->cmd.user, peer);
    json_out_object_end(o);
    call_ok(call);
}

static void peer_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct frame *body = call->q.get.ret_body;
    struct str name = STR("?");

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    if (body != NULL && !people_decode(frame_str(body), &name, NULL))
        name = STR("?");
    describe(call->room, call, name);
    frame_unref(body);
}

static void rooms_unlisted(struct store_req *req)
{
    call_fail(call_of(req), ERROR_no_such_room);
}

/* A room that was deleted comes off the lists that it is found on. */
static void unlist(struct room *r, struct call *call)
{
    reads_drop(r, call->who.user);
    (void)call_request(call, r->owner, rooms_unlisted);
    call->q.put.pk = keys_of_user(call->who.user, call->key);
    call->q.put.sk = keys_listed(room_id(r), call->key2);
    call->q.put.expect = STORE_REV_ANY;
    call->q.put.remove = true;
    store_put(r->owner->store, &call->q.put);
}

/* At the room's owner. */
static void describe_run(struct room *r, struct call *call)
{
    enum error_code e = room_readable(r, &call->who);

    if (access_settings(&r->access)->deleted) {
        unlist(r, call);
        return;
    }
    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    if (r->access.kind != ACCESS_DIRECT) {
        describe(r, call, (struct str){0});
        return;
    }
    call->cmd.user = r->access.low == call->who.user ? r->access.high : r->access.low;
    people_user_ask(r, call, call->cmd.user, peer_read);
}

static void question_free(struct question *q)
{
    call_fini(&q->call);
    free(q);
}

static void gather_free(struct gather *g)
{
    assert(g->call->state == g && g->answered == g->asked);
    g->call->state = NULL;
    for (unsigned i = 0; i < g->n; i++)
        question_free(g->questions[i]);
    free(g->questions);
    free(g);
}

static void people_rooms_finish(struct gather *g)
{
    struct call *call = g->call;

    assert(g->answered == g->n);
    json_out_key(&call->out, "rooms");
    json_out_array(&call->out);
    for (unsigned i = 0; i < g->n; i++)
        if (g->questions[i]->call.error == ERROR_NONE)
            json_out_raw(&call->out, buf_peek(&g->questions[i]->call.ok));
    json_out_array_end(&call->out);
    if (g->next_n > 0)
        json_out_field_str(&call->out, "next", (struct str){(const uint8_t *)g->next, g->next_n});
    gather_free(g);
    call_ok(call);
}

/* An owner on this worker may answer within route. */
static void ask_more(struct gather *g)
{
    struct owner *o = g->people->owner;

    if (g->asking)
        return;
    g->asking = true;
    while (g->asked < g->n && g->asked - g->answered < AT_ONCE) {
        struct question *q = g->questions[g->asked++];

        o->ops->route(o, &q->call, (struct str){(const uint8_t *)q->id, q->id_n});
    }
    g->asking = false;
    if (g->answered == g->n)
        people_rooms_finish(g);
}

static void people_rooms_answered(struct call *call)
{
    struct gather *g = CONTAINER_OF(call, struct question, call)->gather;

    assert(g->answered < g->asked);
    g->answered++;
    ask_more(g);
}

static struct question *question_new(struct gather *g, struct str id, struct str position)
{
    struct question *q = mem_zeroed(1, sizeof(*q));

    q->gather = g;
    if (id.n == 0) /* of a damaged store, as one that is too long: no room has either */
        id = STR("!");
    q->id_n = MIN(id.n, (size_t)ROOM_ID_MAX);
    memcpy(q->id, id.p, q->id_n);
    call_init(&q->call, 4096);
    q->call.handler = describe_run;
    q->call.returned = people_rooms_answered;
    q->call.who = g->call->who;
    if (!reads_decode(position, &q->call.cmd.seq, &q->call.cmd.count))
        q->call.cmd.seq = q->call.cmd.count = 0;
    return q;
}

/* Own rooms first, then direct ones: strangers open those. */

static bool is_direct(struct str id)
{
    return str_starts(id, KEYS_DIRECT);
}

static void list_more(struct gather *g);

/* What is chosen of the rooms, of each part by itself. */

static struct str question_id(const struct question *q)
{
    return (struct str){(const uint8_t *)q->id, q->id_n};
}

/* In the order of the store. */
static int order_of(struct str a, struct str b)
{
    int order = memcmp(a.p, b.p, MIN(a.n, b.n));

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* The last room of the part that is looked at; NULL: it has none. */
static const struct question *part_last(const struct gather *g)
{
    unsigned n = g->direct ? g->n : g->own_n;

    return n > (g->direct ? g->own_n : 0) ? g->questions[n - 1] : NULL;
}

/* The first question from *at on that is not before the room; NULL: there is none, or it is of
 * another room. */
static struct question *question_find(struct gather *g, unsigned *at, struct str room)
{
    unsigned end = g->direct ? g->n : g->own_n;

    while (*at < end && order_of(question_id(g->questions[*at]), room) < 0)
        (*at)++;
    return *at < end && str_eq(question_id(g->questions[*at]), room) ? g->questions[*at] : NULL;
}

static void prefs_more(struct gather *g);

/* Takes one page. False if there is nothing behind it that concerns the part. */
static bool take_prefs(struct gather *g, const struct frame *block, unsigned n)
{
    const struct question *last = part_last(g);
    unsigned place = g->direct ? g->own_n : 0;
    struct store_item item;
    size_t at = 0;

    while (store_block_next(block, &at, &item)) {
        struct str id = str_skip(item.name, KEYS_PREFS.n);
        struct question *q = question_find(g, &place, id);

        if (q != NULL)
            q->pref = pref_decode(item.body);
        if (id.n > sizeof(g->chosen) || order_of(id, question_id(last)) >= 0)
            return false;
        memcpy(g->chosen, id.p, id.n);
        g->after = (struct str){(const uint8_t *)g->chosen, id.n};
    }
    return n == PREFS_PAGE;
}

static void prefs_listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct gather *g = call->state;
    bool more;

    if (req->result != STORE_OK) {
        gather_free(g);
        call_fail_store(call, req->result);
        return;
    }
    more = take_prefs(g, call->q.list.ret_block, call->q.list.ret_n);
    frame_unref(call->q.list.ret_block);
    if (!more && !g->direct) {
        g->direct = true;
        g->after = is_direct(call->cmd.next) ? call->cmd.next : KEYS_DIRECT;
    } else if (!more) {
        ask_more(g);
        return;
    }
    prefs_more(g);
}

static void prefs_more(struct gather *g)
{
    struct call *call = g->call;

    if (part_last(g) == NULL && !g->direct) {
        g->direct = true;
        g->after = is_direct(call->cmd.next) ? call->cmd.next : KEYS_DIRECT;
    }
    if (part_last(g) == NULL) {
        ask_more(g);
        return;
    }
    (void)call_request(call, g->people->owner, prefs_listed);
    call->q.list.pk = keys_of_user(call->who.user, call->key);
    call->q.list.prefix = KEYS_PREFS;
    if (g->after.n > 0)
        call->q.list.after = keys_pref(g->after, call->key2);
    call->q.list.limit = PREFS_PAGE;
    store_list(g->people->owner->store, &call->q.list);
}

/* All of this page are known: next is the last, if there may be more. */
static void gathered(struct gather *g, bool more)
{
    if (more && g->n > 0) {
        const struct question *last = g->questions[g->n - 1];

        memcpy(g->next, last->id, last->id_n);
        g->next_n = last->id_n;
    }
    while (g->own_n < g->n && !is_direct(question_id(g->questions[g->own_n])))
        g->own_n++;
    g->direct = false;
    g->after = is_direct(g->call->cmd.next) ? (struct str){0} : g->call->cmd.next;
    prefs_more(g);
}

/* Takes what fits of the block. True if there is nothing behind it in its part. */
static bool take_block(struct gather *g, const struct frame *block, unsigned n)
{
    bool ended = n < g->limit;
    struct store_item item;
    struct question *q;
    size_t at = 0;

    while (g->n < g->limit && store_block_next(block, &at, &item)) {
        struct str id = str_skip(item.name, KEYS_ROOMS.n);

        if (!g->direct && is_direct(id)) { /* go on behind them */
            g->after = STR("dm;");
            return false;
        }
        q = g->questions[g->n++] = question_new(g, id, item.body);
        g->after = (struct str){(const uint8_t *)q->id, q->id_n};
    }
    return ended && g->n < g->limit;
}

static void people_rooms_listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct gather *g = call->state;
    bool ended;

    if (req->result != STORE_OK) {
        gather_free(g);
        call_fail_store(call, req->result);
        return;
    }
    ended = take_block(g, call->q.list.ret_block, call->q.list.ret_n);
    frame_unref(call->q.list.ret_block);
    if (g->n == g->limit || (ended && g->direct)) {
        gathered(g, g->n == g->limit);
        return;
    }
    if (ended) {
        g->direct = true;
        g->after = (struct str){0};
    }
    list_more(g);
}

static void list_more(struct gather *g)
{
    struct call *call = g->call;

    (void)call_request(call, g->people->owner, people_rooms_listed);
    call->q.list.pk = keys_of_user(call->who.user, call->key);
    call->q.list.prefix = g->direct ? KEYS_DIRECT_ROOMS : KEYS_ROOMS;
    if (g->after.n > 0)
        call->q.list.after = keys_listed(g->after, call->key2);
    call->q.list.limit = g->limit;
    store_list(g->people->owner->store, &call->q.list);
}

void people_rooms(struct people *p, struct call *call)
{
    struct command *cmd = &call->cmd;
    struct gather *g = mem_zeroed(1, sizeof(*g));
    bool limited = command_has(cmd, PARAM_limit) && cmd->limit > 0;

    if (cmd->next.n > ROOM_ID_MAX) {
        free(g);
        call->param = "next";
        call_fail(call, ERROR_bad_value);
        return;
    }
    g->call = call;
    g->people = p;
    g->limit = limited ? (unsigned)MIN(cmd->limit, (uint64_t)ROOMS_MAX) : ROOMS_MAX;
    g->direct = is_direct(cmd->next);
    g->after = cmd->next;
    g->questions = mem_zeroed(g->limit, sizeof(struct question *));
    call->state = g;
    list_more(g);
}
