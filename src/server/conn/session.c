#include "server/conn/session.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/command/dispatch.h"
#include "chat/model/event.h"
#include "chat/model/scope.h"
#include "chat/people/people_signup.h"
#include "io/addr.h"
#include "server/conn/audience.h"
#include "server/conn/conn.h"
#include "server/conn/exchange.h"
#include "server/conn/identify.h"
#include "server/conn/limits.h"
#include "server/conn/origin.h"
#include "server/conn/person.h"
#include "server/conn/refusal.h"
#include "server/conn/request.h"
#include "server/conn/request_trace.h"
#include "server/conn/seen.h"
#include "server/conn/work.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdlib.h>

#define HELD_MAX 64
#define EXPIRING_MS 60000
#define EVENT_MAX 4096
#define LOOK_AGAIN_MS 60000

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
                           .scopes = c->scopes,
                           .super = c->super};
}

void session_share(struct conn *c, const struct conn *other)
{
    assert(c->worker == other->worker && other->person != NULL);
    if (c->person == NULL)
        conn_take_person(c, other->person);
    c->session = other->session;
    c->expires_s = other->expires_s;
    c->super = other->super;
    c->scopes = other->scopes;
    c->told = false;
}

enum error_code session_begin(struct conn *c, const struct caller *who)
{
    struct worker *w = c->worker;

    assert(c->state == CONN_OPEN && who->user != 0);
    if (c->person != NULL && c->person->id != who->user)
        return ERROR_already_authenticated;
    if (c->person == NULL)
        conn_take_person(c, person_get(w, who));
    c->session = who->session;
    c->super = who->super;
    c->scopes = (uint8_t)(who->scopes & SCOPE_ALL) & 15u;
    c->expires_s = (uint32_t)MIN(who->expires_ms / 1000, (uint64_t)UINT32_MAX);
    c->told = false;
    seen_conn(c, who);
    if (c->door->renewed != NULL)
        c->door->renewed(c);
    return ERROR_NONE;
}

enum error_code session_enter(struct conn *c, const struct caller *who)
{
    bool first = c->person == NULL;
    enum error_code e = session_begin(c, who);
    struct io_addr from;

    if (!first || e != ERROR_NONE || c->worker->server->conf->connects_per_address == 0)
        return e;
    from = conn_peer(c);
    limits_give_back(c->worker, &from);
    return ERROR_NONE;
}

static uint64_t expires_ms(const struct conn *c)
{
    return (uint64_t)c->expires_s * 1000;
}

static uint64_t login_due_ms(const struct conn *c)
{
    uint64_t max = c->worker->server->conf->auth_timeout_ms;

    return max > 0 ? (c->opened_s + (max + 999) / 1000 + 1) * 1000 : UINT64_MAX;
}

uint64_t session_due_ms(const struct conn *c)
{
    uint64_t now = worker_now_ms(c->worker), wall = worker_wall_ms(c->worker);
    uint64_t due = expires_ms(c) - (c->told ? 0 : MIN(expires_ms(c), (uint64_t)EXPIRING_MS));

    if (c->person == NULL)
        return login_due_ms(c);
    return now + (due > wall ? due - wall : 0);
}

enum session_end session_look(struct conn *c, struct buf *event)
{
    uint64_t wall = worker_wall_ms(c->worker);

    assert(c->person != NULL);
    if (expires_ms(c) <= wall)
        return SESSION_EXPIRED;
    if (c->told || expires_ms(c) > wall + EXPIRING_MS)
        return SESSION_LASTS;
    c->told = true;
    event_expiring(event, expires_ms(c));
    return SESSION_EXPIRES;
}

void session_mind(struct conn *c)
{
    struct buf b CLEANUP(buf_fini);
    enum session_end end;

    assert(c->state == CONN_OPEN && c->door->event != NULL);
    if (session_due_ms(c) > worker_now_ms(c->worker))
        return;
    if (c->person == NULL) {
        conn_end(c, CONN_END_TOO_LATE, STR("log in first"), METRIC_close_unauthenticated);
        return;
    }
    buf_init(&b, EVENT_MAX);
    end = session_look(c, &b);
    if (end == SESSION_EXPIRED)
        conn_end(c, CONN_END_EXPIRED, STR("expired"), METRIC_close_revoked);
    else if (end == SESSION_EXPIRES)
        c->door->event(c, buf_peek(&b));
}

/* At most a minute ahead: the wall clock may have been set. */
void session_timer(struct conn *c)
{
    conn_timer(c, MIN(session_due_ms(c), worker_now_ms(c->worker) + LOOK_AGAIN_MS));
}

void session_timeout(struct conn *c)
{
    session_mind(c);
    if (c->state == CONN_OPEN)
        session_timer(c);
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

/* Commands that came behind an auth, while the store was asked who it is. */
struct held {
    const struct request *auth;
    struct call *first, *last;
    unsigned n;
};

static void hold_back(struct request *r)
{
    struct held *h = r->conn->held;

    assert(h != NULL && h->auth != r && h->n <= HELD_MAX);
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

static void auth_told(struct request *r)
{
    struct call *call = &r->call;

    if (call->error == ERROR_NONE) {
        call->ret.who = call->who;
        call_put_session(&call->out, &call->ret);
    }
    request_end(r);
}

static void auth_identified(struct request *r)
{
    struct conn *c = r->conn;
    struct caller who = r->call.who;
    bool held = c->held != NULL && c->held->auth == r;
    bool super = c->super, had = c->person != NULL, less;
    unsigned scopes = c->scopes;

    if (r->call.error == ERROR_NONE && c->state == CONN_OPEN) {
        r->call.error = session_enter(c, &who);
        who = session_who(c);
        request_who(r, &who);
        if (c->door->lifetime_ms != NULL)
            r->call.ret.lifetime_ms = c->door->lifetime_ms(c);
    }
    auth_told(r);
    less = c->scopes != 0 && (scopes == 0 || (scopes & ~(unsigned)c->scopes) != 0);
    if ((super && !c->super) || (had && less)) /* it may follow what it may not read now */
        conn_end(c, WS_CLOSE_SERVICE_RESTART, STR("rights"), METRIC_close_rights);
    if (held)
        run_held(c);
}

static void run_auth(struct request *r, bool follows)
{
    struct conn *c = r->conn;

    if (follows && c->person == NULL) {
        assert(c->held == NULL); /* else the auth is held back, too */
        c->held = mem_zeroed(1, sizeof(*c->held));
        c->held->auth = r;
    }
    identify(r, r->call.cmd.token, follows ? auth_identified : auth_told);
}

/* Following. */

static void drop_hold(struct request *r)
{
    struct feed *feed = r->held;
    char id[KEYS_ROOM_MAX];
    struct str room = {(const uint8_t *)id, 0};

    if (feed == NULL)
        return;
    assert(r->conn->joining_n > 0);
    r->held = NULL;
    r->conn->joining_n--;
    room.n = feed->id_n;
    memcpy(id, feed->id, feed->id_n);
    if (feed_release(feed))
        audience_gone(r->worker, room);
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

    if (r->call.error != ERROR_NONE || feed == NULL || r->conn->state != CONN_OPEN)
        return;
    feed_start(feed, f->epoch, f->head);
    cf = conn_follower(r->conn, feed);
    if (cf != NULL && !command_has(&r->call.cmd, PARAM_after) &&
        (!command_has(&r->call.cmd, PARAM_last) || r->newest))
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
    struct buf b CLEANUP(buf_fini);
    struct conn_follower *cf;

    if (r->call.error != ERROR_NONE || r->held == NULL || c->state != CONN_OPEN)
        return;
    buf_init(&b, EVENT_MAX);
    if (f->reset) {
        metrics_add(r->worker->metrics, METRIC_resets, 1);
        event_reset(&b, feed_room(r->held), f->epoch, f->first, f->head, f->count);
    } else if (is_behind(r)) {
        metrics_add(r->worker->metrics, METRIC_behinds, 1);
        event_behind(&b, feed_room(r->held), f->cursor, f->head);
    }
    if (buf_len(&b) > 0 && c->door->event != NULL)
        c->door->event(c, buf_peek(&b));
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
    if (call->error == ERROR_NONE && r->held != NULL && r->conn->state == CONN_OPEN) {
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

    assert(r->held == NULL && !r->call.follow.on);
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

/* All children are back: they are in r->call.state, in order. */
static void resume_finish(struct request *r)
{
    struct request **children = r->call.state;
    struct conn *c = r->conn;
    unsigned n = r->call.cmd.rooms.n;

    assert(r->children == 0 && children != NULL);
    json_out_key(&r->call.out, "rooms");
    json_out_object(&r->call.out);
    for (unsigned i = 0; i < n; i++)
        call_put_resumed(&r->call.out, &children[i]->call);
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

    assert(r->children > 0);
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
    command_give(cmd, PARAM_room);
    command_give(cmd, PARAM_after);
    command_give(cmd, PARAM_create);
    if (at->epoch > 0 || !r->whole) /* a person's own log may be followed without its epoch */
        command_give(cmd, PARAM_epoch);
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
    children = mem_zeroed((size_t)n + 1, sizeof(*children));
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

static struct io_addr came_from(const struct request *r)
{
    return r->exchange != NULL ? origin_client(r->exchange) : conn_peer(r->conn);
}

/* May a name alone do? */
static bool may_name(const struct request *r)
{
    const struct exchange *x = r->exchange;

    return r->worker->server->conf->open || (x != NULL ? x->local : r->local);
}

static void say_login(struct request *r, enum refusal what)
{
    struct io_addr from = came_from(r);
    char text[IO_ADDR_TEXT_MAX];

    if (r->exchange != NULL)
        refusal_say(r->worker, what, str_of(r->exchange->address));
    else
        refusal_say(r->worker, what,
                    (struct str){(const uint8_t *)text, addr_format_ip(&from, text)});
}

static void logged_in(struct call *call)
{
    struct request *r = request_of(call);
    struct conn *c = r->conn;

    if (call->error == ERROR_bad_login || call->error == ERROR_bad_passkey ||
        call->error == ERROR_rate_limited)
        say_login(r, REFUSAL_GUESS);
    if (call->error == ERROR_passkey_copied)
        say_login(r, REFUSAL_COPY);
    if (r->enters && call->error == ERROR_NONE && c->state == CONN_OPEN) {
        call->error = worker_is_unproven(r->worker) ? ERROR_sessions_unproven
                      : c->person != NULL           ? ERROR_already_authenticated
                                                    : session_enter(c, &call->ret.who);
        if (call->error == ERROR_sessions_unproven)
            call->retry_after_ms = WORKER_UNPROVEN_AGAIN_MS;
    }
    if (call->error == ERROR_NONE && call->ret.who.user != 0)
        seen_request(r, &call->ret.who, true);
    request_end(r);
}

/* Is that much not too much for somebody who has no session? Else the request has ended. */
static bool may_ask(struct request *r)
{
    struct io_addr from = came_from(r);

    r->call.place = limits_place(&from);
    r->call.retry_after_ms =
        r->exchange != NULL ? origin_wait_ms(r->exchange) : limits_connect(r->worker, &from);
    if (r->call.retry_after_ms == 0)
        return true;
    fail(r, ERROR_rate_limited);
    return false;
}

/* Whoever gets a session here. By a name alone people do from this machine, or with --open. */
static void run_login(struct request *r)
{
    if (dispatch_names_alone(&r->call.cmd) && r->worker->people.ways.name && !may_name(r)) {
        say_login(r, REFUSAL_LOGIN);
        fail(r, ERROR_login_closed);
        return;
    }
    r->call.done = logged_in;
    if (may_ask(r))
        dispatch_enter(&r->worker->people, &r->call);
}

static void password_set(struct call *call)
{
    if (call->error == ERROR_bad_login || call->error == ERROR_rate_limited)
        say_login(request_of(call), REFUSAL_GUESS);
    finished(call);
}

/* The password so far may be guessed here, too. */
static void run_password(struct request *r)
{
    struct io_addr from = came_from(r);

    r->call.done = r->call.returned = password_set;
    r->call.place = limits_place(&from);
    dispatch_run(&r->worker->people, &r->call);
}

/* Behind the joins that came before it, ahead of those that come after. */
static void left(struct call *call)
{
    struct request *r = request_of(call);
    struct feed *feed = feed_get(&r->worker->feeds, call->cmd.room);
    struct conn *c = r->conn;
    struct conn_follower *cf = feed != NULL && c != NULL ? conn_follower(c, feed) : NULL;

    if (cf != NULL)
        conn_unfollow(c, cf);
    request_end(r);
}

static void run_leave(struct request *r)
{
    r->call.returned = left;
    worker_route(r->worker, &r->call, r->call.cmd.room);
}

static void run_ping(struct request *r)
{
    json_out_field_u64(&r->call.out, "now", worker_wall_ms(r->worker));
    request_end(r);
}

static void dispatch(struct request *r, bool follows)
{
    struct call *call = &r->call;

    call->returned = finished;
    call->done = finished;
    switch ((unsigned)call->cmd.id) {
    case COMMAND_ping:
        run_ping(r);
        break;
    case COMMAND_auth:
        run_auth(r, follows);
        break;
    case COMMAND_login:
    case COMMAND_signup:
    case COMMAND_reset:
    case COMMAND_passkey_begin:
    case COMMAND_passkey_login:
    case COMMAND_passkey_signup:
        if (follows && !r->enters)
            fail(r, ERROR_method_not_allowed);
        else if (dispatch_enters(call->cmd.id))
            run_login(r);
        else if (may_ask(r))
            dispatch_run(&r->worker->people, call);
        break;
    case COMMAND_ways:
        people_signup_ways(&r->worker->people, call, may_name(r));
        break;
    case COMMAND_password:
        run_password(r);
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
    default:
        dispatch_run(&r->worker->people, call);
        break;
    }
}

/* May the answer be so long that a few of them are too much to keep? */
static bool is_large(enum command_id id)
{
    return id == COMMAND_history || id == COMMAND_rooms || id == COMMAND_resume ||
           id == COMMAND_users || id == COMMAND_profiles || id == COMMAND_blocks ||
           id == COMMAND_members || id == COMMAND_sessions || id == COMMAND_invites ||
           id == COMMAND_directory || id == COMMAND_reports;
}

void session_run(struct request *r, bool follows)
{
    struct worker *w = r->worker;
    struct call *call = &r->call;
    uint64_t wait_ms;

    if (follows && is_large(call->cmd.id))
        request_large(r);
    if (follows && r->conn->held != NULL) {
        hold_back(r);
        return;
    }
    metrics_add(w->metrics, (enum metric)(METRIC_COMMANDS + (unsigned)call->cmd.id - 1), 1);
    if (w->tracer != NULL)
        request_trace_begin(r);
    if (call->who.user == 0 && !command_is_public(call->cmd.id)) {
        fail(r, ERROR_unauthenticated);
        return;
    }
    if (!command_is_public(call->cmd.id) && worker_is_unproven(w)) {
        call->retry_after_ms = WORKER_UNPROVEN_AGAIN_MS;
        fail(r, ERROR_sessions_unproven);
        return;
    }
    if (call->who.user != 0 && !scope_allows(call->who.scopes, call->cmd.id)) {
        fail(r, ERROR_beyond_scope);
        return;
    }
    if (call->who.user != 0) {
        wait_ms = person_spend(w, person_get(w, &call->who), command_cost(call->cmd.id));
        if (wait_ms > 0) {
            call->retry_after_ms = wait_ms;
            fail(r, ERROR_rate_limited);
            return;
        }
        seen_request(r, &call->who, false);
        if (r->unpacked && command_cost(call->cmd.id) > 0)
            work_paid(r->conn, r->n);
    }
    dispatch(r, follows);
}

void session_message(struct request *r)
{
    const struct conn *c = r->conn;
    uint64_t max = r->worker->server->conf->commands_in_flight;
    struct caller who = session_who(c);

    r->command = true;
    if (max > 0 && c->calls_n - c->children_n > max) {
        fail(r, ERROR_too_many_commands);
        return;
    }
    request_who(r, &who);
    session_run(r, true);
}

void session_revoked(struct worker *w, uint64_t session)
{
    for (struct list *n = w->conns.next, *next; n != &w->conns; n = next) {
        struct conn *c = CONTAINER_OF(n, struct conn, node);

        next = n->next;
        if (c->person != NULL && c->session == session)
            conn_end(c, CONN_END_REVOKED, STR("revoked"), METRIC_close_revoked);
    }
}
