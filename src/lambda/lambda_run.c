/* RUN: the command, as every door runs it (server/conn/session.c); without a connection. */
#include "base/str.h"
#include "chat/command/dispatch.h"
#include "chat/model/scope.h"
#include "chat/people/hasher.h"
#include "chat/people/people_signup.h"
#include "lambda/lambda_impl.h"

#define ROOMS_MAX 1000 /* of one resume */

static bool lambda_appends(enum command_id id)
{
    return id == COMMAND_send || id == COMMAND_edit || id == COMMAND_delete ||
           id == COMMAND_react || id == COMMAND_room_set || id == COMMAND_room_delete ||
           id == COMMAND_member_set;
}

/* What was to append and did not, a repeat or refused, may be of somebody whose function was killed
 * in the midst of delivering: others have left to that one what they have appended. */
static void lambda_ran(struct call *call)
{
    struct lambda *l = lambda_of_call(call);
    bool repeats = lambda_appends(call->cmd.id) && !bells_has(&l->bells, call->cmd.room);
    struct room *r = repeats ? room_find(&l->owner, call->cmd.room) : NULL;

    if (r != NULL && r->head > 0)
        bells_repeat(&l->bells, call->cmd.room, r->head);
    lambda_next(l);
}

/* Until API Gateway cuts the connection, whose clock may be ahead. */
static uint64_t lambda_lifetime_ms(const struct lambda *l)
{
    uint64_t end_ms = l->visit.event.connected_ms + ROWS_GATEWAY_MS;
    uint64_t now_ms = store_wall_ms(l->o.store, l->o.io);

    return end_ms > now_ms ? MIN(end_ms - now_ms, ROWS_GATEWAY_MS) : 1;
}

static void lambda_auth_entered(struct lambda *l)
{
    struct call *call = &l->visit.call;

    call->ret.who = l->visit.who;
    call->ret.lifetime_ms = lambda_lifetime_ms(l);
    if (call->error == ERROR_NONE)
        call_put_session(&call->out, &call->ret);
    lambda_next(l);
}

static void lambda_auth_identified(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    if (v->call.error != ERROR_NONE) {
        lambda_next(l);
        return;
    }
    if (command_has(&v->call.cmd, PARAM_array))
        v->flags = (v->flags & ~(unsigned)ROWS_ARRAYS) | (v->call.cmd.array ? ROWS_ARRAYS : 0);
    lambda_enter(l, lambda_auth_entered);
}

static void lambda_logged_in(struct call *call)
{
    struct lambda *l = lambda_of_call(call);

    if (call->error != ERROR_NONE) {
        lambda_next(l);
        return;
    }
    lambda_enter_keep(l, &call->ret.who);
    lambda_enter(l, lambda_next);
}

/* By a name alone people log in where everybody may (--open), since nobody is on this machine. */
static void lambda_login_allowed(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    if (v->call.error != ERROR_NONE) {
        lambda_next(l);
        return;
    }
    if (dispatch_enters(v->call.cmd.id)) {
        v->call.done = lambda_logged_in;
        dispatch_enter(&l->people, &v->call);
    } else {
        dispatch_run(&l->people, &v->call);
    }
}

static void lambda_login(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    if (v->who.user != 0) {
        lambda_fail(l, ERROR_already_authenticated);
        lambda_next(l);
        return;
    }
    if (dispatch_names_alone(&v->call.cmd) && l->people.ways.name && !l->o.conf->open) {
        lambda_fail(l, ERROR_login_closed);
        lambda_next(l);
        return;
    }
    lambda_limit_stranger(l, lambda_login_allowed);
}

static void lambda_dispatch(struct lambda *l)
{
    struct call *call = &l->visit.call;

    if (call->error != ERROR_NONE) {
        lambda_next(l);
        return;
    }
    if (call->who.user != 0 && !scope_allows(call->who.scopes, call->cmd.id)) {
        lambda_fail(l, ERROR_beyond_scope);
        lambda_next(l);
        return;
    }
    call->done = call->returned = lambda_ran;
    switch ((unsigned)call->cmd.id) {
    case COMMAND_ping:
        json_out_field_u64(&call->out, "now", store_wall_ms(l->o.store, l->o.io));
        lambda_next(l);
        break;
    case COMMAND_ways:
        people_signup_ways(&l->people, call, l->o.conf->open);
        break;
    case COMMAND_auth:
        lambda_enter_identify(l, call->cmd.token, lambda_auth_identified);
        break;
    case COMMAND_login:
    case COMMAND_signup:
    case COMMAND_reset:
    case COMMAND_passkey_begin:
    case COMMAND_passkey_login:
    case COMMAND_passkey_signup:
        lambda_login(l);
        break;
    case COMMAND_resume: /* FOLLOW does it */
        lambda_next(l);
        break;
    case COMMAND_presence:
        call->handler = lambda_presence;
        dispatch_run(&l->people, call);
        break;
    default:
        dispatch_run(&l->people, call);
        break;
    }
}

static void lambda_parse(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    struct command_limits limits = {.text_max = l->o.conf->text_max, .rooms_max = ROOMS_MAX};
    struct command_problem problem = {0};

    buf_clear(&v->frame);
    buf_append(&v->frame, v->event.body);
    if (v->frame.failed) {
        lambda_fail(l, ERROR_too_long);
    } else if (!command_parse(&v->call.cmd, v->frame.bytes + v->frame.rpos, buf_len(&v->frame),
                              &limits, &problem)) {
        lambda_fail(l, problem.code);
        v->call.param = problem.param;
    }
}

void lambda_run(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    if (!lambda_is(l, GATEWAY_EVENT_MESSAGE)) {
        lambda_next(l);
        return;
    }
    lambda_parse(l);
    if (v->call.error == ERROR_NONE)
        lambda_trace_begin(l);
    if (v->call.error == ERROR_NONE && v->who.user == 0 && !command_is_public(v->call.cmd.id))
        lambda_fail(l, ERROR_unauthenticated);
    if (v->call.error != ERROR_NONE) {
        lambda_next(l);
        return;
    }
    v->call.who = v->who;
    v->call.source = l;
    v->call.people = &l->people;
    v->call.place = v->event.source_ip.n > 0 ? hasher_mark(v->event.source_ip) : 0;
    lambda_limit_person(l, lambda_dispatch);
}
