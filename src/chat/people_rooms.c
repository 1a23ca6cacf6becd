/* rooms: a person's rooms, each described by its owner, a few at a time. */
#include "chat/people.h"

#include "base/str.h"
#include "chat/access.h"
#include "chat/people_user.h"
#include "chat/reads.h"

#include <stdlib.h>

#define ROOMS_MAX 1000
#define AT_ONCE 16

struct gather;

/* The question to one room's owner. */
struct question {
    struct call call;
    struct gather *gather;
    char id[ROOM_KEY_MAX];
    size_t id_n;
};

struct gather {
    struct call *call;
    struct people *people;
    unsigned n, asked, answered;
    bool asking;
    struct question **questions;
};

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
    room_describe_members(r, o);
    json_out_key(o, "read");
    json_out_object(o);
    json_out_field_u64(o, "seq", seq);
    json_out_field_u64(o, "count", count);
    json_out_object_end(o);
    json_out_field_u64(o, "unread", r->count > count ? r->count - count : 0);
    if (role != ACCESS_NONE)
        json_out_field_str(o, "role", str_of(access_role_name(role)));
    if (peer.n > 0) {
        json_out_key(o, "peer");
        json_out_object(o);
        json_out_field_u64(o, "id", call->cmd.user);
        json_out_field_str(o, "name", peer);
        json_out_object_end(o);
    }
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

/* At the room's owner. */
static void describe_run(struct room *r, struct call *call)
{
    enum error_code e = room_readable(r, &call->who);

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

static void finish(struct gather *g)
{
    struct call *call = g->call;

    json_out_key(&call->out, "rooms");
    json_out_array(&call->out);
    for (unsigned i = 0; i < g->n; i++) {
        if (g->questions[i]->call.error == ERROR_NONE)
            json_out_raw(&call->out, buf_peek(&g->questions[i]->call.ok));
        question_free(g->questions[i]);
    }
    json_out_array_end(&call->out);
    free(g->questions);
    free(g);
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
        finish(g);
}

static void answered(struct call *call)
{
    struct gather *g = CONTAINER_OF(call, struct question, call)->gather;

    g->answered++;
    ask_more(g);
}

static struct question *question_new(struct gather *g, struct str id, struct str position)
{
    struct question *q = calloc(1, sizeof(*q));

    if (q == NULL)
        abort();
    q->gather = g;
    q->id_n = MIN(id.n, sizeof(q->id));
    memcpy(q->id, id.p, q->id_n);
    call_init(&q->call, 4096);
    q->call.handler = describe_run;
    q->call.returned = answered;
    q->call.who = g->call->who;
    if (!reads_decode(position, &q->call.cmd.seq, &q->call.cmd.count))
        q->call.cmd.seq = q->call.cmd.count = 0;
    return q;
}

static bool is_asked(const struct gather *g, struct str id)
{
    for (unsigned i = 0; i < g->n; i++)
        if (str_eq((struct str){(const uint8_t *)g->questions[i]->id, g->questions[i]->id_n}, id))
            return true;
    return false;
}

static void add_followed(struct gather *g)
{
    const struct command_cursors *rooms = &g->call->cmd.rooms;

    for (unsigned i = 0; i < rooms->n; i++)
        if (!is_asked(g, rooms->at[i].room))
            g->questions[g->n++] = question_new(g, rooms->at[i].room, STR("0 0"));
}

static void listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct frame *block = call->q.list.ret_block;
    struct gather *g;
    struct store_item item;
    size_t at = 0;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    g = calloc(1, sizeof(*g));
    if (g == NULL)
        abort();
    g->call = call;
    g->people = call->people;
    g->questions =
        calloc((size_t)call->q.list.ret_n + call->cmd.rooms.n + 1, sizeof(struct question *));
    if (g->questions == NULL)
        abort();
    while (store_block_next(block, &at, &item))
        g->questions[g->n++] = question_new(g, str_skip(item.name, sizeof("room:") - 1), item.body);
    frame_unref(block);
    add_followed(g);
    ask_more(g);
}

void people_rooms(struct people *p, struct call *call)
{
    (void)call_request(call, p->owner->home, listed);
    call->people = p;
    call->q.list.pk = reads_pk(call->who.user, call->key);
    call->q.list.prefix = STR("room:");
    call->q.list.limit = ROOMS_MAX;
    store_list(p->owner->store, &call->q.list);
}
