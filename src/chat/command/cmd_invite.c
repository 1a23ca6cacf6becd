/* invite_create, invites, invite_revoke, invite_use: links that let somebody into a room, or sign
 * up (chat/people/invite_link.h). */
#include "chat/command/cmd_invite.h"

#include "base/hex.h"
#include "base/mem.h"
#include "base/str.h"
#include "chat/people/invite_link.h"
#include "chat/room/append.h"
#include "chat/room/audit.h"
#include "chat/room/commands.h"
#include "chat/room/order.h"
#include "chat/room/reads.h"

#include <stdio.h>
#include <stdlib.h>

/* Of a room, and of the server. */
#define LINKS_MAX 100
#define LASTS_MS ((uint64_t)7 * 24 * 3600 * 1000)

/* What a call works on: call->state. */
struct work {
    struct invite_link link;
    bool all; /* not the caller's own alone */
    char code[INVITE_LINK_CODE], hash[INVITE_LINK_HASH];
    char body[KEYS_ROOM_MAX + 160];
    unsigned n, at; /* of hashes */
    char hashes[LINKS_MAX][INVITE_LINK_HASH];
    struct call *call; /* of use */
    struct invite_link_use use;
};

static struct owner *invite_owner(const struct call *call)
{
    return call->room != NULL ? call->room->owner : call->people->owner;
}

static struct str digits(const char *p, size_t n)
{
    return (struct str){(const uint8_t *)p, n};
}

/* Where the links are listed. */
static struct str list_pk(struct call *call)
{
    return call->room != NULL ? keys_of_room(room_id(call->room), call->key) : KEYS_LINKS;
}

static struct work *work_begin(struct call *call)
{
    struct work *w = mem_zeroed(1, sizeof(*w));

    assert(call->state == NULL);
    call->state = w;
    w->call = call;
    return w;
}

/* Returns ERROR_NONE if the caller may have to do with links, and whether with all of them. */
static enum error_code invite_allowed(const struct call *call, bool *ret_all)
{
    const struct caller *who = &call->who;
    struct room *r = call->room;
    enum error_code e;

    *ret_all = who->super;
    if (r == NULL)
        return who->super ? ERROR_NONE : ERROR_forbidden;
    e = room_readable(r, who);
    if (e != ERROR_NONE)
        return e;
    *ret_all = access_may(&r->access, who->user, who->super, ACCESS_TO_hold,
                          owner_wall_ms(r->owner)) == ERROR_NONE;
    if (*ret_all && call->cmd.id != COMMAND_invite_create)
        return ERROR_NONE; /* of an archived room, too */
    return access_may(&r->access, who->user, who->super, ACCESS_TO_invite, owner_wall_ms(r->owner));
}

static void put_link(struct json_out *o, struct str hash, const struct invite_link *l)
{
    json_out_object(o);
    json_out_field_str(o, "id", digits((const char *)hash.p, INVITE_LINK_ID));
    if (l->room_n > 0)
        json_out_field_str(o, "room", digits(l->room, l->room_n));
    json_out_field_u64(o, "by", l->by);
    json_out_field_u64(o, "created", l->created_ms);
    if (l->expires_ms > 0)
        json_out_field_u64(o, "expires", l->expires_ms);
    if (l->uses > 0)
        json_out_field_u64(o, "uses", l->uses);
    json_out_field_u64(o, "used", l->used);
    json_out_object_end(o);
}

/* invite_create: counts those there are, stores the link, then lists it. */

static void listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct work *w = call->state;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    json_out_field_str(&call->out, "code", digits(w->code, sizeof(w->code)));
    json_out_key(&call->out, "invite");
    put_link(&call->out, digits(w->hash, sizeof(w->hash)), &w->link);
    call_ok(call);
}

static void link_put(struct store_req *req)
{
    struct call *call = call_of(req);
    struct work *w = call->state;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result == STORE_CONFLICT ? STORE_FAILED : req->result);
        return;
    }
    (void)call_request(call, invite_owner(call), listed);
    call->q.put.pk = list_pk(call);
    call->q.put.sk = keys_link(digits(w->hash, INVITE_LINK_ID), call->key2);
    call->q.put.body = digits(w->hash, sizeof(w->hash));
    call->q.put.expires_ms = w->link.expires_ms;
    store_put(invite_owner(call)->store, &call->q.put);
}

static void make_code(struct owner *o, struct work *w)
{
    uint64_t chance[INVITE_LINK_CODE / 16];

    for (unsigned i = 0; i < COUNTOF(chance); i++)
        chance[i] = o->ops->random(o);
    (void)hex_write(w->code, (const uint8_t *)chance, sizeof(chance));
    invite_link_hash(digits(w->code, sizeof(w->code)), w->hash);
}

static void links_counted(struct store_req *req)
{
    struct call *call = call_of(req);
    struct owner *o = invite_owner(call);
    struct work *w = call->state;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    frame_unref(call->q.list.ret_block);
    if (call->q.list.ret_n >= LINKS_MAX) {
        call_fail(call, ERROR_too_many_invites);
        return;
    }
    make_code(o, w);
    (void)call_request(call, o, link_put);
    call->q.put.pk = keys_of_link(digits(w->hash, sizeof(w->hash)), call->key);
    call->q.put.sk = KEYS_LINK;
    call->q.put.body = invite_link_encode(&w->link, w->body, sizeof(w->body));
    call->q.put.expires_ms = w->link.expires_ms;
    store_put(o->store, &call->q.put);
}

static void list_links(struct call *call, store_done_f *done)
{
    (void)call_request(call, invite_owner(call), done);
    call->q.list.pk = list_pk(call);
    call->q.list.prefix = KEYS_OF_LINKS;
    call->q.list.limit = LINKS_MAX;
    store_list(invite_owner(call)->store, &call->q.list);
}

static void invite_create(struct call *call, struct work *w)
{
    const struct command *c = &call->cmd;
    uint64_t now = owner_wall_ms(invite_owner(call));
    struct invite_link *l = &w->link;

    *l = (struct invite_link){.by = call->who.user, .super = call->who.super, .created_ms = now};
    l->expires_ms = command_has(c, PARAM_expires) ? c->expires : now + LASTS_MS;
    l->uses = c->uses;
    if (l->expires_ms > 0 && l->expires_ms <= now) {
        call->param = "expires";
        call_fail(call, ERROR_bad_value);
        return;
    }
    if (call->room != NULL) {
        l->room_n = room_id(call->room).n;
        memcpy(l->room, call->room->id, l->room_n);
    }
    list_links(call, links_counted);
}

/* invites: reads one after the other. */

static void read_link(struct call *call);

static void link_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct work *w = call->state;
    struct frame *body = call->q.get.ret_body;
    struct invite_link l;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    if (body != NULL && invite_link_decode(frame_str(body), &l) &&
        (w->all || l.by == call->who.user) &&
        (l.expires_ms == 0 || l.expires_ms > owner_wall_ms(invite_owner(call))))
        put_link(&call->out, digits(w->hashes[w->at], INVITE_LINK_HASH), &l);
    frame_unref(body);
    w->at++;
    read_link(call);
}

static void read_link(struct call *call)
{
    struct work *w = call->state;

    assert(w->at <= w->n && w->n <= LINKS_MAX);
    if (w->at == w->n) {
        json_out_array_end(&call->out);
        call_ok(call);
        return;
    }
    (void)call_request(call, invite_owner(call), link_read);
    call->q.get.pk = keys_of_link(digits(w->hashes[w->at], INVITE_LINK_HASH), call->key);
    call->q.get.sk = KEYS_LINK;
    store_get(invite_owner(call)->store, &call->q.get);
}

static void links_listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct work *w = call->state;
    struct store_item item;
    size_t at = 0;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    while (w->n < LINKS_MAX && store_block_next(call->q.list.ret_block, &at, &item))
        if (item.body.n == INVITE_LINK_HASH)
            memcpy(w->hashes[w->n++], item.body.p, INVITE_LINK_HASH);
    frame_unref(call->q.list.ret_block);
    json_out_key(&call->out, "invites");
    json_out_array(&call->out);
    read_link(call);
}

/* invite_revoke: the link goes before it goes off the list. */

static void unlisted(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result == STORE_OK || req->result == STORE_CONFLICT)
        call_ok(call);
    else
        call_fail_store(call, req->result);
}

static void link_removed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct work *w = call->state;

    if (req->result != STORE_OK && req->result != STORE_CONFLICT) {
        call_fail_store(call, req->result);
        return;
    }
    (void)call_request(call, invite_owner(call), unlisted);
    call->q.put.pk = list_pk(call);
    call->q.put.sk = keys_link(digits(w->hash, INVITE_LINK_ID), call->key2);
    call->q.put.expect = STORE_REV_ANY;
    call->q.put.remove = true;
    store_put(invite_owner(call)->store, &call->q.put);
}

static void invite_remove(struct room *r, struct call *call)
{
    struct work *w = call->state;

    (void)r;
    (void)call_request(call, invite_owner(call), link_removed);
    call->q.put.pk = keys_of_link(digits(w->hash, sizeof(w->hash)), call->key);
    call->q.put.sk = KEYS_LINK;
    call->q.put.expect = STORE_REV_ANY;
    call->q.put.remove = true;
    store_put(invite_owner(call)->store, &call->q.put);
}

static void revoked_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct work *w = call->state;
    struct frame *body = call->q.get.ret_body;
    struct invite_link l;
    bool own;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    own = body != NULL && invite_link_decode(frame_str(body), &l) && l.by == call->who.user;
    frame_unref(body);
    if (!w->all && !own)
        call_fail(call, ERROR_no_such_invite);
    else if (call->room != NULL && !own)
        audit_say(call->room, call,
                  &(struct entry){.act = STR("invite_revoke"), .room = room_id(call->room)},
                  invite_remove);
    else
        invite_remove(call->room, call);
}

static void hash_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct work *w = call->state;
    struct frame *body = call->q.get.ret_body;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    if (body == NULL || frame_str(body).n != sizeof(w->hash)) {
        frame_unref(body);
        call_fail(call, ERROR_no_such_invite);
        return;
    }
    memcpy(w->hash, frame_str(body).p, sizeof(w->hash));
    frame_unref(body);
    (void)call_request(call, invite_owner(call), revoked_read);
    call->q.get.pk = keys_of_link(digits(w->hash, sizeof(w->hash)), call->key);
    call->q.get.sk = KEYS_LINK;
    store_get(invite_owner(call)->store, &call->q.get);
}

static void invite_revoke(struct call *call)
{
    if (call->cmd.invite.n != INVITE_LINK_ID) {
        call_fail(call, ERROR_no_such_invite);
        return;
    }
    (void)call_request(call, invite_owner(call), hash_read);
    call->q.get.pk = list_pk(call);
    call->q.get.sk = keys_link(call->cmd.invite, call->key2);
    store_get(invite_owner(call)->store, &call->q.get);
}

static void invite_run(struct call *call)
{
    bool all;
    enum error_code e = invite_allowed(call, &all);
    struct work *w;

    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    w = work_begin(call);
    w->all = all;
    if (call->cmd.id == COMMAND_invite_create)
        invite_create(call, w);
    else if (call->cmd.id == COMMAND_invites)
        list_links(call, links_listed);
    else
        invite_revoke(call);
}

void cmd_invite_run(struct room *r, struct call *call)
{
    assert(call->room == r);
    (void)r;
    invite_run(call);
}

void cmd_invite_server(struct people *p, struct call *call)
{
    call->people = p;
    invite_run(call);
}

/* invite_use: the link says which room; there it is used, and then the person is a member. */

static void cmd_invite_answer(struct room *r, struct call *call)
{
    room_describe(r, &call->out);
    call_ok(call);
}

static void room_listed(struct store_req *req)
{
    struct call *call = call_of(req);

    if (reads_listed(call))
        cmd_invite_answer(call->room, call);
}

static void entered(struct room *r, struct call *call)
{
    assert(call->room == r && call->seq > 0);
    room_save(r, true);
    reads_list(r, call, call->who.user, call->seq, call->entry.count, room_listed);
}

static void given_back(struct invite_link_use *u)
{
    struct work *w = CONTAINER_OF(u, struct work, use);

    call_fail(w->call, w->call->error);
}

/* Why the person cannot come in by a link of its maker, as things are. */
static enum error_code enter_check(struct room *r, const struct call *call,
                                   const struct invite_link *l)
{
    uint64_t now = owner_wall_ms(r->owner);
    enum access_role role = access_role(&r->access, call->who.user, now);
    enum error_code e;

    if (!room_exists(r) || access_settings(&r->access)->deleted)
        return ERROR_no_such_invite;
    if (role == ACCESS_BANNED)
        return ERROR_banned;
    e = access_may(&r->access, l->by, l->super, ACCESS_TO_invite, now);
    return e == ERROR_NONE || e == ERROR_archived ? e : ERROR_no_such_invite;
}

static bool is_member(struct room *r, const struct call *call)
{
    enum access_role role = access_role(&r->access, call->who.user, owner_wall_ms(r->owner));

    return role != ACCESS_NONE && role != ACCESS_BANNED;
}

static enum call_proposal enter_propose(struct room *r, struct call *call)
{
    struct work *w = call->state;
    enum error_code e = enter_check(r, call, &w->use.ret_link);

    assert(call->room == r && w->call == call);
    if (e == ERROR_NONE && !is_member(r, call))
        return CALL_APPEND;
    if (e == ERROR_NONE) {
        reads_list(r, call, call->who.user, r->head, r->count, room_listed);
        return CALL_PARKED; /* somebody else made them a member meanwhile */
    }
    call->error = e;
    w->use.done = given_back;
    invite_link_give_back(&w->use);
    return CALL_PARKED;
}

static void taken(struct invite_link_use *u)
{
    struct work *w = CONTAINER_OF(u, struct work, use);
    struct call *call = w->call;

    if (u->ret_error != ERROR_NONE) {
        call_fail(call, u->ret_error);
        return;
    }
    call->entry = (struct entry){.kind = ENTRY_MEMBER,
                                 .from_id = call->who.user,
                                 .from_name = call->who.name,
                                 .user_id = call->who.user,
                                 .user_name = call->who.name,
                                 .role = STR("member")};
    call->alone = true;
    call->propose = enter_propose;
    call->appended = entered;
    append_propose(call->room, call);
}

static void cmd_invite_looked(struct invite_link_use *u)
{
    struct work *w = CONTAINER_OF(u, struct work, use);
    struct call *call = w->call;
    struct room *r = call->room;
    enum error_code e = u->ret_error;

    if (e == ERROR_NONE)
        e = enter_check(r, call, &u->ret_link);
    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    if (is_member(r, call)) {
        reads_list(r, call, call->who.user, r->head, r->count, room_listed);
        return;
    }
    u->done = taken;
    invite_link_take(u, call->cmd.code);
}

void cmd_invite_use(struct room *r, struct call *call)
{
    struct work *w;

    order_prepares(r, call, true);
    w = work_begin(call);
    w->use.owner = r->owner;
    w->use.done = cmd_invite_looked;
    invite_link_look(&w->use, call->cmd.code);
}

static void room_found(struct invite_link_use *u)
{
    struct work *w = CONTAINER_OF(u, struct work, use);
    struct call *call = w->call;
    struct command *c = &call->cmd;
    struct owner *o = u->owner;

    assert(call->room == NULL && call->state == w);
    if (u->ret_error != ERROR_NONE || u->ret_link.room_n > sizeof(c->room_id)) {
        call_fail(call, u->ret_error != ERROR_NONE ? u->ret_error : ERROR_no_such_invite);
        return;
    }
    memcpy(c->room_id, u->ret_link.room, u->ret_link.room_n);
    c->room = digits(c->room_id, u->ret_link.room_n);
    free(w);
    call->state = NULL;
    o->ops->route(o, call, c->room);
}

void cmd_invite_enter(struct people *p, struct call *call)
{
    struct work *w = work_begin(call);

    w->use.owner = p->owner;
    w->use.done = room_found;
    invite_link_look(&w->use, call->cmd.code);
}
