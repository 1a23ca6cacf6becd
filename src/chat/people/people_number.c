#include "chat/people/people_number.h"

#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/room/room.h"

enum { BLOCK = 16 };

#define JUMP_FROM_MS 1672531200000u /* 2023 */
#define JUMP_CHANCE 0xfffff

uint64_t people_number(struct people *p)
{
    if (p->numbers_n == 0)
        return 0;
    p->numbers_n--;
    return p->number++;
}

void people_number_ask(struct people *p, struct call *call, store_done_f *done)
{
    (void)call_request(call, p->owner, done);
    call->q.next.counter = KEYS_USERS;
    call->q.next.n = BLOCK;
    store_next(p->owner->store, &call->q.next);
}

bool people_number_jump(struct people *p, struct call *call, store_done_f *done)
{
    uint64_t now = owner_wall_ms(p->owner), first = call->q.next.ret_first, to;

    if (!p->keys->restarted || p->jumped || call->q.next.n > BLOCK)
        return false;
    to = now > JUMP_FROM_MS ? now - JUMP_FROM_MS : 0;
    to = MAX(to, first) + 1; /* a copy of the store may be ahead of the clock, too */
    to += p->owner->ops->random(p->owner) & JUMP_CHANCE;
    (void)call_request(call, p->owner, done);
    call->q.next.counter = KEYS_USERS;
    call->q.next.n = to - first + BLOCK;
    store_next(p->owner->store, &call->q.next);
    return true;
}

/* A jump's block lies at its end. Two that ask at once both get a block; what is left of the first
 * is not given. */
uint64_t people_number_take(struct people *p, const struct call *call)
{
    uint64_t first = call->q.next.ret_first + call->q.next.n - BLOCK;

    assert(call->q.next.n >= BLOCK);
    p->jumped = p->jumped || call->q.next.n > BLOCK;
    p->number = first + 1;
    p->numbers_n = BLOCK - 1;
    return first;
}
