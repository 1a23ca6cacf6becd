#include "chat/room/hooked.h"

#include "base/mem.h"
#include "chat/model/hook.h"
#include "chat/room/order.h"

#include <stdlib.h>

/* When to come again with what could not be checked. */
#define AGAIN_MS 1000

/* A message in the line. */
struct hooked {
    struct hook_ask ask;
    struct call *call; /* in hand until it is run again */
    struct hooked *next;
    uint64_t since_ms;
    enum { HOOKED_WAITS, HOOKED_ASKED, HOOKED_ANSWERED } state;
};

static void hooked_go_on(struct room *r);

/* What the service said comes into the call's hands. */
static void take(struct hooked *h, enum hook_verdict verdict, struct str text)
{
    struct call *call = h->call;

    assert(h->state != HOOKED_ANSWERED && !call->hooked);
    h->state = HOOKED_ANSWERED;
    h->ask.ret_verdict = verdict;
    if (verdict == HOOK_CHANGED) {
        call->said = mem_bytes(text.n);
        memcpy(call->said, text.p, text.n);
        call->cmd.text = (struct str){call->said, text.n};
    } else if (verdict == HOOK_REFUSED) {
        call_detail(call, text);
    }
}

static void answered(struct hook_ask *ask)
{
    struct hooked *h = CONTAINER_OF(ask, struct hooked, ask);
    struct room *r = h->call->room;

    assert(h->state == HOOKED_ASKED && r->asked_n > 0);
    r->asked_n--;
    take(h, ask->ret_verdict, ask->ret_text);
    hooked_go_on(r);
}

static void hooked_ask(struct room *r, struct hooked *h)
{
    struct owner *o = r->owner;
    const struct call *call = h->call;
    struct hook_message m = {
        .edit = call->cmd.id == COMMAND_edit,
        .room = room_id(r),
        .name = call->who.name,
        .text = call->cmd.text,
        .cid = call->cmd.cid,
        .user = call->who.user,
        .target = call->cmd.target,
        .reply_to = call->cmd.reply_to,
        .ts_ms = owner_wall_ms(o),
    };

    assert(h->state == HOOKED_WAITS);
    if (o->settles) { /* the node that it is sent to again asks */
        take(h, HOOK_FAILED, (struct str){0});
        return;
    }
    h->ask = (struct hook_ask){
        .message = &m, .random = {o->ops->random(o), o->ops->random(o)}, .done = answered};
    if (owner_now_ms(o) - h->since_ms >= o->hook->timeout_ms || !o->hook->ask(o->hook, &h->ask)) {
        o->hook->missed(o->hook);
        take(h, HOOK_FAILED, (struct str){0});
        return;
    }
    h->state = HOOKED_ASKED;
    r->asked_n++;
}

/* Asks for those in front. */
static void ask_more(struct room *r)
{
    for (struct hooked *h = r->hooked; h != NULL && r->asked_n < HOOKED_ASKED_MAX; h = h->next)
        if (h->state == HOOKED_WAITS)
            hooked_ask(r, h);
}

/* The call goes on, or fails. */
static void release(struct room *r, struct hooked *h)
{
    struct call *call = h->call;
    enum hook_verdict verdict = h->ask.ret_verdict;

    assert(h->state == HOOKED_ANSWERED && call->room == r);
    free(h);
    call->hooked = true;
    if (verdict == HOOK_REFUSED)
        call_fail(call, ERROR_refused);
    else if (verdict == HOOK_FAILED && (!r->owner->hook->open || r->owner->settles))
        call_fail_until(call, ERROR_check_failed, AGAIN_MS);
    else
        r->owner->engine->run(r, call);
}

static void hooked_go_on(struct room *r)
{
    struct hooked *h;

    if (r->releasing)
        return;
    r->releasing = true;
    room_hold(r);
    ask_more(r);
    while ((h = r->hooked) != NULL && h->state == HOOKED_ANSWERED) {
        r->hooked = h->next;
        if (r->hooked == NULL)
            r->hooked_end = &r->hooked;
        assert(r->line_n > 0);
        r->line_n--;
        release(r, h);
        ask_more(r);
    }
    r->releasing = false;
    room_release(r);
}

bool hooked_asks(struct room *r, struct call *call)
{
    struct hooked *h;

    assert(call->room == r);
    if (r->owner->hook == NULL || call->hooked)
        return false;
    if (!room_writable(r, call))
        return true;
    if (r->line_n >= HOOKED_LINE_MAX) {
        r->owner->hook->missed(r->owner->hook);
        if (r->owner->hook->open)
            return false;
        call_fail_until(call, ERROR_check_failed, AGAIN_MS);
        return true;
    }
    order_prepares(r, call, false);
    h = mem_zeroed(1, sizeof(*h));
    h->call = call;
    h->since_ms = owner_now_ms(r->owner);
    *r->hooked_end = h;
    r->hooked_end = &h->next;
    r->line_n++;
    hooked_go_on(r);
    return true;
}
