/* FOLLOW: join, resume, leave, and $disconnect: the connection's rows. The chat has said by now
 * that the person may read the room, up to which entry; and is asked again if there is doubt. */
#include "base/str.h"
#include "chat/model/event.h"
#include "chat/room/commands.h"
#include "chat/room/owner.h"
#include "lambda/lambda_impl.h"

#define DOUBTS_MAX 3
#define LEAVES_MAX 3
#define EVENT_MAX 4096

static void lambda_follow_room(struct lambda *l, struct call *call);
static void lambda_room_over(struct lambda *l);

/* The call that asks for the room: resume's child, or the command. */
static struct call *lambda_joins(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    return v->call.cmd.id == COMMAND_resume ? &v->child : &v->call;
}

/* Events. */

static void lambda_add_event(struct lambda *l, struct buf *b)
{
    struct lambda_visit *v = &l->visit;

    if (b->failed || !reply_add(&l->reply, buf_peek(b)))
        v->join.ret_behind = true; /* there is more than can be sent at once */
}

static void lambda_page(struct join *j, const struct frame *block)
{
    struct lambda *l = CONTAINER_OF(j, struct lambda, visit.join);
    struct buf b CLEANUP(buf_fini);
    struct store_item item;
    struct entry e;
    size_t at = 0;

    buf_init(&b, REPLY_ONE_MAX);
    while (store_block_next(block, &at, &item)) {
        if (entry_decode(item.body, &e) != ENTRY_OK)
            continue; /* the client sees the gap */
        buf_clear(&b);
        event_encode(&b, j->room, item.key, &e, NULL);
        lambda_add_event(l, &b);
    }
}

/* Instead of the room's events. */
static void lambda_say_behind(struct lambda *l, const struct call *call, uint64_t to)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, EVENT_MAX);
    reply_cut(&l->reply, l->visit.mark);
    event_behind(&b, call->cmd.room, call->follow.cursor, to);
    (void)!reply_add(&l->reply, buf_peek(&b));
}

static void lambda_say_reset(struct lambda *l, const struct call *call)
{
    const struct call_follow *f = &call->follow;
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, EVENT_MAX);
    event_reset(&b, call->cmd.room, f->epoch, f->first, f->head, f->count);
    (void)!reply_add(&l->reply, buf_peek(&b));
}

/* One room. */

static bool lambda_is_behind(const struct lambda *l, const struct call *call)
{
    const struct call_follow *f = &call->follow;
    uint64_t max = l->o.conf->behind_max;

    return !f->reset && max > 0 && f->head - f->cursor > max &&
           !command_has(&call->cmd, PARAM_last);
}

/* Not among the person's connections any more. */

static void lambda_unlisted(struct store_req *req)
{
    lambda_next(lambda_of(req)); /* what is left behind goes by its age */
}

static void lambda_unlist(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    lambda_request(l, lambda_unlisted);
    v->q.put.pk = keys_of_user(v->who.user, v->pk);
    v->q.put.sk = keys_conn(v->event.connection, v->sk);
    v->q.put.expect = STORE_REV_ANY;
    v->q.put.remove = true;
    store_put(l->o.store, &v->q.put);
}

static void lambda_left(struct leave *leave)
{
    struct lambda *l = CONTAINER_OF(leave, struct lambda, visit.leave);
    struct lambda_visit *v = &l->visit;

    if (leave->ret_result != STORE_OK && ++v->tries < LEAVES_MAX) {
        leave_start(leave);
        return;
    }
    if (leave->ret_result != STORE_OK)
        lambda_fail(l, ERROR_store_failed);
    if (lambda_is(l, GATEWAY_EVENT_DISCONNECT) && v->who.user != 0)
        lambda_unlist(l);
    else
        lambda_room_over(l);
}

static void lambda_leave_room(struct lambda *l, struct str room, uint64_t only_rev)
{
    struct lambda_visit *v = &l->visit;

    v->tries = 0;
    v->leave = (struct leave){.store = l->o.store,
                              .home = l->o.io,
                              .id = v->event.connection,
                              .room = room,
                              .only_rev = only_rev,
                              .done = lambda_left};
    leave_start(&v->leave);
}

/* The right to read may have been lost since: the chat looks again. */

static void lambda_looked_again(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    struct call *call = lambda_joins(l);

    if (call->error == ERROR_NONE)
        lambda_follow_room(l, call);
    else
        lambda_leave_room(l, call->cmd.room, v->join.ret_rev);
}

/* The chat's join again: its answer takes the place of the one before. */
static void lambda_ask_again(struct lambda *l, void (*done)(struct call *call))
{
    struct call *call = lambda_joins(l);

    buf_clear(&call->ok);
    json_out_init(&call->out, &call->ok);
    call->looked = false;
    call->router = l;
    call->done = call->returned = done;
    owner_run(&l->owner, call->cmd.room, call);
}

static void lambda_joined_again(struct call *call)
{
    lambda_later(call->router, lambda_looked_again);
}

static void lambda_doubt(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    struct call *call = lambda_joins(l);

    if (++v->doubts > DOUBTS_MAX) {
        call->error = ERROR_store_failed;
        lambda_leave_room(l, call->cmd.room, v->join.ret_rev);
        return;
    }
    reply_cut(&l->reply, v->mark);
    lambda_ask_again(l, lambda_joined_again);
}

/* Entries that have come since the chat was asked follow the answer, which must tell of them by its
 * head: a client that is not given them, since the function is killed between two frames, asks for
 * them then. So the chat answers anew. The follower's row is there: it is delivered what the log
 * has beyond the entries that were read. */

static void lambda_answered_again(struct lambda *l)
{
    struct call *call = lambda_joins(l);

    if (call->error == ERROR_NONE)
        lambda_room_over(l);
    else
        lambda_leave_room(l, call->cmd.room, l->visit.join.ret_rev);
}

static void lambda_told_more(struct call *call)
{
    lambda_later(call->router, lambda_answered_again);
}

static void lambda_not_joined(struct lambda *l, bool unknown)
{
    if (unknown)
        guests_drop(&l->guests, l->visit.event.connection);
    lambda_joins(l)->error = unknown ? ERROR_unauthenticated : ERROR_store_failed;
    lambda_room_over(l);
}

static void lambda_joined(struct join *j)
{
    struct lambda *l = CONTAINER_OF(j, struct lambda, visit.join);
    struct call *call = lambda_joins(l);
    bool more = j->ret_head > call->follow.head;
    /* The reset tells of them, too; but a room in which much is said is joined for all that. */
    bool anew = more && call->follow.reset && l->visit.doubts < DOUBTS_MAX;

    if (j->ret_result != JOIN_OK || j->ret_reset) {
        lambda_not_joined(l, j->ret_result == JOIN_UNKNOWN);
        return;
    }
    if (j->ret_doubt || anew) {
        lambda_doubt(l);
        return;
    }
    if (j->ret_behind)
        lambda_say_behind(l, call, j->ret_head);
    if (more)
        lambda_ask_again(l, lambda_told_more);
    else
        lambda_room_over(l);
}

static void lambda_follow_room(struct lambda *l, struct call *call)
{
    struct lambda_visit *v = &l->visit;
    const struct call_follow *f = &call->follow;
    bool behind = lambda_is_behind(l, call);

    assert(call->error == ERROR_NONE);
    v->mark = reply_mark(&l->reply);
    if (f->reset)
        lambda_say_reset(l, call);
    else if (behind)
        lambda_say_behind(l, call, f->head);
    v->join = (struct join){.store = l->o.store,
                            .home = l->o.io,
                            .id = v->event.connection,
                            .room = call->cmd.room,
                            .since = f->head,
                            .epoch = room_epoch_kept(&l->owner, f->epoch),
                            .after = f->reset || behind ? f->head : f->cursor,
                            .shard_max = l->o.shard_max,
                            .mistake = l->o.join_mistake,
                            .page = lambda_page,
                            .done = lambda_joined};
    join_start(&v->join);
}

/* Resume: a join for each room; one answer. */

static void lambda_child_next(struct lambda *l);

static void lambda_child_looked(struct lambda *l)
{
    if (l->visit.child.error == ERROR_NONE)
        lambda_follow_room(l, &l->visit.child);
    else
        lambda_room_over(l);
}

static void lambda_child_ran(struct call *call)
{
    lambda_later(call->router, lambda_child_looked);
}

static void lambda_child_start(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    const struct command_cursor *at = &v->call.cmd.rooms.at[v->child_n];
    struct call *child = &v->child;

    memset(child, 0, sizeof(*child));
    call_init(child, EVENT_MAX);
    child->who = v->who;
    child->source = l;
    child->router = l;
    child->done = child->returned = lambda_child_ran;
    child->cmd.id = COMMAND_join;
    child->cmd.room = at->room;
    child->cmd.after = at->seq;
    child->cmd.epoch = at->epoch;
    command_give(&child->cmd, PARAM_room);
    command_give(&child->cmd, PARAM_after);
    command_give(&child->cmd, PARAM_create);
    command_give(&child->cmd, PARAM_epoch);
    v->doubts = 0;
    v->mark = reply_mark(&l->reply);
    owner_run(&l->owner, at->room, child);
}

static void lambda_child_next(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    if (v->child_n < v->call.cmd.rooms.n) {
        lambda_child_start(l);
        return;
    }
    json_out_object_end(&v->call.out);
    if (v->call.ok.failed)
        lambda_fail(l, ERROR_internal);
    lambda_next(l);
}

static void lambda_room_over(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    if (v->call.cmd.id != COMMAND_resume) {
        if (v->call.error != ERROR_NONE)
            reply_clear(&l->reply);
        lambda_next(l);
        return;
    }
    if (v->child.error != ERROR_NONE)
        reply_cut(&l->reply, v->mark);
    call_put_resumed(&v->call.out, &v->child);
    call_fini(&v->child);
    v->child_n++;
    lambda_later(l, lambda_child_next);
}

static void lambda_resume(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    json_out_key(&v->call.out, "rooms");
    json_out_object(&v->call.out);
    v->child_n = 0;
    lambda_child_next(l);
}

void lambda_follow(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    if (lambda_is(l, GATEWAY_EVENT_DISCONNECT)) {
        guests_drop(&l->guests, v->event.connection);
        lambda_leave_room(l, (struct str){0}, 0);
    } else if (!lambda_is(l, GATEWAY_EVENT_MESSAGE) || v->call.error != ERROR_NONE) {
        lambda_next(l);
    } else if (v->call.cmd.id == COMMAND_join) {
        lambda_follow_room(l, &v->call);
    } else if (v->call.cmd.id == COMMAND_resume) {
        lambda_resume(l);
    } else if (v->call.cmd.id == COMMAND_leave) {
        lambda_leave_room(l, v->call.cmd.room, 0);
    } else {
        lambda_next(l);
    }
}
