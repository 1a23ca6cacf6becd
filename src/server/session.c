#include "server/session.h"

#include "base/str.h"
#include "chat/commands.h"
#include "chat/event.h"
#include "server/conn.h"
#include "server/door_ws.h"
#include "server/identify.h"
#include "server/own.h"
#include "server/request.h"
#include "server/server.h"
#include "server/sio_space.h"
#include "server/worker.h"

#include <stdlib.h>

#define HELD_MAX 64

struct command_limits session_limits(const struct worker *w)
{
    const struct conf *c = w->server->conf;

    return (struct command_limits){.text_max = c->text_max,
                                   .rooms_max = (unsigned)c->rooms_per_connection};
}

struct caller session_who(const struct conn *c)
{
    if (c->person == NULL)
        return (struct caller){0};
    return (struct caller){.user = c->person->id,
                           .name = person_name(c->person),
                           .session = c->session,
                           .expires_ms = (uint64_t)c->expires_s * 1000,
                           .super = c->super};
}

void session_share(struct conn *c, const struct conn *other)
{
    if (c->person == NULL) {
        person_add(other->person, c);
        own_came(c->worker, c->person);
    }
    c->session = other->session;
    c->expires_s = other->expires_s;
    c->super = other->super;
    c->told = false;
}

enum error_code session_begin(struct conn *c, const struct caller *who)
{
    struct worker *w = c->worker;

    if (c->person != NULL && c->person->id != who->user)
        return ERROR_already_authenticated;
    if (c->person == NULL) {
        person_add(person_get(w, who), c);
        own_came(w, c->person);
    }
    c->session = who->session;
    c->super = who->super;
    c->expires_s = (uint32_t)MIN(who->expires_ms / 1000, (uint64_t)UINT32_MAX);
    c->told = false;
    if (door_ws_is(c))
        conn_timer(c, worker_now_ms(w)); /* its deadlines are others now */
    sio_space_renewed(c);
    return ERROR_NONE;
}

void session_fail(struct request *r, struct command_problem problem)
{
    r->call.error = problem.code;
    r->call.param = problem.param;
    request_end(r);
}

static void fail(struct request *r, enum error_code code)
{
    session_fail(r, (struct command_problem){.code = code});
}

void session_put_who(struct json_out *o, const struct caller *who)
{
    json_out_key(o, "user");
    json_out_object(o);
    json_out_field_u64(o, "id", who->user);
    json_out_field_str(o, "name", who->name);
    if (who->super)
        json_out_field_bool(o, "owner", true);
    json_out_object_end(o);
    json_out_key(o, "session");
    buf_append_byte(o->buf, '"');
    buf_append_u64(o->buf, who->session);
    buf_append_byte(o->buf, '"');
    o->comma = true;
    json_out_field_u64(o, "expires", who->expires_ms);
}

/* Commands that came behind an auth, while the store was asked who it is. */
struct held {
    const struct request *auth;
    struct call *first, *last;
    unsigned n;
};

static void hold_back(struct request *r)
{
    struct held *h = r->conn->held;

    if (h->n == HELD_MAX) {
        fail(r, ERROR_too_many_commands);
        return;
    }
    h->n++;
    r->call.next = NULL;
    if (h->last == NULL)
        h->first = &r->call;
    else
        h->last->next = &r->call;
    h->last = &r->call;
}

static void run_held(struct conn *c)
{
    struct held *h = c->held;
    struct call *next;

    c->held = NULL;
    for (struct call *call = h->first; call != NULL; call = next) {
        struct request *r = request_of(call);
        struct caller who = session_who(c);

        next = call->next;
        request_who(r, &who);
        if (c->state == CONN_OPEN)
            session_run(r, true);
        else
            request_end(r);
    }
    free(h);
}

static void auth_identified(struct request *r)
{
    struct conn *c = r->conn;
    struct caller who = r->call.who;
    bool held = c->held != NULL && r->follows && c->held->auth == r;
    bool super = c->super;

    if (r->call.error == ERROR_NONE && r->follows && c->state == CONN_OPEN) {
        r->call.error = session_begin(c, &who);
        who = session_who(c);
        request_who(r, &who);
    }
    if (r->call.error == ERROR_NONE)
        session_put_who(&r->call.out, &r->call.who);
    request_end(r);
    if (super && !c->super) /* it may follow what the person may not read */
        door_ws_close(c, WS_CLOSE_SERVICE_RESTART, STR("rights"), METRIC_close_rights);
    if (held)
        run_held(c);
}

static void run_auth(struct request *r, bool follows)
{
    struct conn *c = r->conn;

    r->follows = follows;
    if (follows && c->person == NULL) {
        c->held = calloc(1, sizeof(*c->held));
        if (c->held == NULL)
            abort();
        c->held->auth = r;
    }
    identify(r, r->call.cmd.token, auth_identified);
}

/* Following. */

static void drop_hold(struct request *r)
{
    struct feed *feed = r->held;
    char id[ROOM_KEY_MAX];
    struct str room = {(const uint8_t *)id, 0};

    if (feed == NULL)
        return;
    r->held = NULL;
    r->conn->joining_n--;
    room.n = feed->id_n;
    memcpy(id, feed->id, feed->id_n);
    if (feed_release(feed))
        worker_unfollowed(r->worker, room);
}

static void tell(struct conn *c, void (*write)(struct buf *b, const void *arg), const void *arg)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, 4096);
    write(&b, arg);
    if (!b.failed && c->door->event != NULL)
        c->door->event(c, buf_peek(&b));
}

struct range {
    struct str room;
    uint64_t from, to, epoch, count;
};

static void write_behind(struct buf *b, const void *arg)
{
    const struct range *x = arg;

    event_behind(b, x->room, x->from, x->to);
}

static void write_reset(struct buf *b, const void *arg)
{
    const struct range *x = arg;

    event_reset(b, x->room, x->epoch, x->to, x->count);
}

static bool is_behind(const struct request *r)
{
    const struct call_follow *f = &r->call.follow;
    uint64_t max = r->worker->server->conf->behind_max;

    return !r->whole && !f->reset && max > 0 && f->head - f->cursor > max &&
           !command_has(&r->call.cmd, PARAM_last);
}

/* The cursor is set as soon as the owner has answered: what it tells from then on
 * is for this follower too, above all that access ends. */
static void place(struct request *r)
{
    struct feed *feed = r->held;
    struct call_follow *f = &r->call.follow;
    struct conn_follower *cf;

    if (r->call.error != ERROR_NONE || r->conn->state != CONN_OPEN || feed == NULL)
        return;
    feed_start(feed, f->epoch, f->head);
    cf = conn_follower(r->conn, feed);
    if (cf != NULL && !command_has(&r->call.cmd, PARAM_after) &&
        !command_has(&r->call.cmd, PARAM_last))
        return; /* it goes on where it is */
    if (cf != NULL)
        conn_unfollow(r->conn, cf); /* the feed is held */
    cf = conn_follow(r->conn, feed, is_behind(r) ? f->head : f->cursor);
    feed_shut(&cf->f);
}

/* Once the client has its answer: it is told what it misses, and then the rest. */
static void start(struct request *r)
{
    struct conn *c = r->conn;
    struct call_follow *f = &r->call.follow;
    struct range range;
    struct conn_follower *cf;

    if (r->call.error != ERROR_NONE || c->state != CONN_OPEN || r->held == NULL)
        return;
    range = (struct range){feed_room(r->held), f->cursor, f->head, f->epoch, f->count};
    if (f->reset) {
        metrics_add(r->worker->metrics, METRIC_resets, 1);
        tell(c, write_reset, &range);
    } else if (is_behind(r)) {
        metrics_add(r->worker->metrics, METRIC_behinds, 1);
        tell(c, write_behind, &range);
    }
    cf = conn_follower(c, r->held);
    if (cf != NULL)
        feed_open(&cf->f);
}

static void child_joined(struct request *child);

static void joined(struct call *call)
{
    struct request *r = request_of(call);

    place(r);
    if (r->parent != NULL) {
        child_joined(r);
        return;
    }
    /* The answer first, then what it makes possible. */
    if (call->error == ERROR_NONE && r->conn->state == CONN_OPEN && r->held != NULL) {
        r->answer(r);
        r->answer = request_answered;
        start(r);
    }
    drop_hold(r);
    request_end(r);
}

/* False if the connection follows too many rooms already. */
static bool hold(struct request *r, struct str room)
{
    uint64_t max = r->worker->server->conf->rooms_per_connection;
    struct feed *feed = feed_get(&r->worker->feeds, room);

    if (max > 0 && (uint64_t)r->conn->followers_n + r->conn->joining_n >= max &&
        (feed == NULL || conn_follower(r->conn, feed) == NULL))
        return false;
    r->held = feed_make(&r->worker->feeds, room);
    feed_hold(r->held);
    r->conn->joining_n++;
    r->call.follow.on = true;
    return true;
}

static void run_join(struct request *r, bool follows)
{
    if (follows && !hold(r, r->call.cmd.room)) {
        fail(r, ERROR_too_many_rooms);
        return;
    }
    r->call.returned = joined;
    worker_route(r->worker, &r->call, r->call.cmd.room);
}

/* Resume: a join for each room; one answer. */

static void describe_child(struct request *parent, const struct request *child)
{
    struct json_out *o = &parent->call.out;
    const struct call_follow *f = &child->call.follow;

    if (child->call.error == ERROR_NONE && !f->reset && f->head == child->call.cmd.after)
        return; /* it did not move */
    json_out_key_str(o, child->call.cmd.room);
    json_out_object(o);
    if (child->call.error != ERROR_NONE) {
        json_out_key(o, "error");
        call_error_body(&child->call, o);
    } else {
        if (f->reset)
            json_out_field_bool(o, "reset", true);
        json_out_field_u64(o, "epoch", f->epoch);
        json_out_key(o, "head");
        json_out_object(o);
        json_out_field_u64(o, "seq", f->head);
        json_out_field_u64(o, "count", f->count);
        json_out_object_end(o);
    }
    json_out_object_end(o);
}

/* All children are back: they are in r->call.state, in order. */
static void resume_finish(struct request *r)
{
    struct request **children = r->call.state;
    struct conn *c = r->conn;
    unsigned n = r->call.cmd.rooms.n;

    json_out_key(&r->call.out, "rooms");
    json_out_object(&r->call.out);
    for (unsigned i = 0; i < n; i++)
        describe_child(r, children[i]);
    json_out_object_end(&r->call.out);
    if (r->call.ok.failed)
        r->call.error = ERROR_internal;
    if (c->state == CONN_OPEN)
        r->answer(r);
    r->answer = request_answered;
    for (unsigned i = 0; i < n; i++) {
        start(children[i]);
        drop_hold(children[i]);
        request_end(children[i]);
    }
    request_end(r);
}

static void child_joined(struct request *child)
{
    struct request *r = child->parent;

    r->children--;
    if (r->children == 0)
        resume_finish(r);
}

static struct request *child_new(struct request *r, const struct command_cursor *at)
{
    struct request *child = request_new(r->conn, at->room, request_answered);
    struct command *cmd = &child->call.cmd;

    child->parent = r;
    child->whole = r->whole;
    r->conn->children_n++;
    request_who(child, &r->call.who);
    cmd->id = COMMAND_join;
    cmd->room = (struct str){child->bytes, at->room.n};
    cmd->after = at->seq;
    cmd->epoch = at->epoch;
    cmd->has = 1u << PARAM_room | 1u << PARAM_after | 1u << PARAM_create;
    if (at->epoch > 0 || !r->whole) /* a person's own log may be followed without its epoch */
        cmd->has |= 1u << PARAM_epoch;
    child->call.returned = joined;
    return child;
}

static void run_resume(struct request *r, bool follows)
{
    uint64_t max = r->worker->server->conf->rooms_per_connection;
    unsigned n = r->call.cmd.rooms.n;
    struct request **children;

    if (!follows) {
        fail(r, ERROR_method_not_allowed);
        return;
    }
    if (max > 0 && r->conn->children_n + (uint64_t)n > max) { /* one after another */
        fail(r, ERROR_too_many_rooms);
        return;
    }
    children = calloc((size_t)n + 1, sizeof(*children));
    if (children == NULL)
        abort();
    r->call.state = children;
    r->children = n + 1; /* this function's own, so that none ends it early */
    for (unsigned i = 0; i < n; i++) {
        children[i] = child_new(r, &r->call.cmd.rooms.at[i]);
        if (!hold(children[i], children[i]->call.cmd.room)) {
            children[i]->call.error = ERROR_too_many_rooms;
            r->children--;
            continue;
        }
        worker_route(r->worker, &children[i]->call, children[i]->call.cmd.room);
    }
    if (--r->children == 0)
        resume_finish(r);
}

/* Everything else. */

static void finished(struct call *call)
{
    request_end(request_of(call));
}

static void run_login(struct request *r)
{
    struct io_addr peer = conn_peer(r->conn);

    r->call.retry_after_ms = limits_connect(r->worker, &peer);
    if (r->call.retry_after_ms > 0)
        fail(r, ERROR_rate_limited);
    else
        people_login(&r->worker->people, &r->call);
}

static void run_leave(struct request *r)
{
    struct feed *feed = feed_get(&r->worker->feeds, r->call.cmd.room);
    struct conn_follower *cf = feed != NULL ? conn_follower(r->conn, feed) : NULL;

    if (cf != NULL)
        conn_unfollow(r->conn, cf);
    worker_route(r->worker, &r->call, r->call.cmd.room);
}

static void run_ping(struct request *r)
{
    json_out_field_u64(&r->call.out, "now", io_wall_ms(r->worker->io));
    request_end(r);
}

/* room_create without an id: one from the title, or at random. */
static void name_room(struct request *r)
{
    struct command *cmd = &r->call.cmd;
    struct str title = cmd->title;
    size_t n = 0;
    uint64_t id;

    if (command_has(cmd, PARAM_room))
        return;
    for (size_t i = 0; i < title.n && n < 40; i++) {
        uint8_t ch = title.p[i] >= 'A' && title.p[i] <= 'Z' ? title.p[i] | 0x20 : title.p[i];
        bool ok = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9');

        if (ok)
            r->call.key2[n++] = (char)ch;
        else if (n > 0 && r->call.key2[n - 1] != '-')
            r->call.key2[n++] = '-';
    }
    if (n > 0 && r->call.key2[n - 1] != '-')
        r->call.key2[n++] = '-';
    io_random(r->worker->io, (uint8_t *)&id, sizeof(id));
    for (unsigned i = 0; i < 6; i++, id /= 36)
        r->call.key2[n++] = "0123456789abcdefghijklmnopqrstuvwxyz"[id % 36];
    memcpy(r->room, r->call.key2, n);
    cmd->room = (struct str){(const uint8_t *)r->room, n};
    cmd->has |= 1u << PARAM_room;
}

/* The rooms that the person's connections here follow, for `rooms`. */
static void note_followed(struct request *r)
{
    const struct person *p = person_find(r->worker, r->call.who.user);
    struct command_cursors *rooms = &r->call.cmd.rooms;
    unsigned n = 0, i = 0;
    char *names;

    for (struct conn *c = p != NULL ? p->conns : NULL; c != NULL; c = c->next_of_person)
        n += c->followers_n;
    if (n == 0 || rooms->n > 0)
        return;
    rooms->at = calloc(n, sizeof(*rooms->at) + ROOM_KEY_MAX);
    if (rooms->at == NULL)
        abort();
    names = (char *)(rooms->at + n);
    for (struct conn *c = p->conns; c != NULL; c = c->next_of_person) {
        for (struct conn_follower *cf = c->followers; cf != NULL; cf = cf->next) {
            struct str id = feed_room(cf->f.feed);

            if (id.p[0] == '@')
                continue;
            memcpy(names + (size_t)i * ROOM_KEY_MAX, id.p, id.n);
            rooms->at[i].room =
                (struct str){(const uint8_t *)names + (size_t)i * ROOM_KEY_MAX, id.n};
            i++;
        }
    }
    rooms->n = i;
}

static void dispatch(struct request *r, bool follows)
{
    struct call *call = &r->call;
    struct people *people = &r->worker->people;
    char buf[ROOM_KEY_MAX];

    call->returned = finished;
    call->done = finished;
    switch (call->cmd.id) {
    case COMMAND_ping:
        run_ping(r);
        break;
    case COMMAND_auth:
        run_auth(r, follows);
        break;
    case COMMAND_login:
        if (follows)
            fail(r, ERROR_method_not_allowed);
        else
            run_login(r);
        break;
    case COMMAND_logout:
        people_logout(people, call);
        break;
    case COMMAND_sessions:
        people_sessions(people, call);
        break;
    case COMMAND_users:
        people_users(people, call);
        break;
    case COMMAND_rooms:
        note_followed(r);
        people_rooms(people, call);
        break;
    case COMMAND_resume:
        run_resume(r, follows);
        break;
    case COMMAND_join:
        run_join(r, follows);
        break;
    case COMMAND_leave:
        run_leave(r);
        break;
    case COMMAND_room_create:
        name_room(r);
        worker_route(r->worker, call, call->cmd.room);
        break;
    case COMMAND_send:
    case COMMAND_edit:
    case COMMAND_delete:
    case COMMAND_react:
    case COMMAND_history:
    case COMMAND_typing:
    case COMMAND_read:
    case COMMAND_presence:
    case COMMAND_room_set:
    case COMMAND_member_set:
    case COMMAND_members:
    case COMMAND_dm:
        worker_route(r->worker, call, commands_room(call, buf));
        break;
    case COMMAND_NONE:
    case COMMAND_N:
        fail(r, ERROR_unknown_command);
        break;
    }
}

void session_run(struct request *r, bool follows)
{
    struct worker *w = r->worker;
    struct call *call = &r->call;
    uint64_t wait_ms;

    if (follows && r->conn->held != NULL) {
        hold_back(r);
        return;
    }
    metrics_add(w->metrics, (enum metric)(METRIC_COMMANDS + (unsigned)call->cmd.id - 1), 1);
    if (call->who.user == 0 && !command_is_public(call->cmd.id)) {
        fail(r, ERROR_unauthenticated);
        return;
    }
    if (call->who.user != 0) {
        wait_ms = person_spend(w, person_get(w, &call->who), command_cost(call->cmd.id));
        if (wait_ms > 0) {
            call->retry_after_ms = wait_ms;
            fail(r, ERROR_rate_limited);
            return;
        }
    }
    dispatch(r, follows);
}

void session_revoked(struct worker *w, uint64_t session)
{
    for (struct list *n = w->conns.next, *next; n != &w->conns; n = next) {
        struct conn *c = CONTAINER_OF(n, struct conn, node);

        next = n->next;
        if (c->person != NULL && c->session == session)
            door_ws_close(c, DOOR_WS_CLOSE_AUTH, STR("revoked"), METRIC_close_revoked);
    }
}
