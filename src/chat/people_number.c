#include "chat/people_number.h"

#include "base/str.h"
#include "chat/room.h"

enum { BLOCK = 16 };

uint64_t people_number(struct people *p)
{
    if (p->numbers_n == 0)
        return 0;
    p->numbers_n--;
    return p->number++;
}

void people_number_ask(struct people *p, struct call *call, store_done_f *done)
{
    (void)call_request(call, p->owner->home, done);
    call->q.next.counter = STR("users");
    call->q.next.n = BLOCK;
    store_next(p->owner->store, &call->q.next);
}

/* Two that ask at once both get a block; what is left of the first is not given. */
uint64_t people_number_take(struct people *p, const struct call *call)
{
    p->number = call->q.next.ret_first + 1;
    p->numbers_n = BLOCK - 1;
    return call->q.next.ret_first;
}
