/* logout: ends a session of one's own, or all but the one that asks. */
#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/people/people.h"
#include "chat/people/people_end.h"

struct logout {
    struct people_end end;
    struct call *call;
    uint64_t session;
};

static void logged_out(struct people_end *e, enum store_result result)
{
    struct logout *l = CONTAINER_OF(e, struct logout, end);
    struct call *call = l->call;

    if (result != STORE_OK) {
        call_fail_store(call, result);
    } else if (command_has(&call->cmd, PARAM_others) && call->cmd.others) {
        json_out_field_u64(&call->out, "ended", e->ended_n);
        call_ok(call);
    } else if (e->ended_n == 0) {
        call_fail(call, ERROR_no_such_session);
    } else {
        json_out_key(&call->out, "session");
        json_out_str(&call->out, keys_ended(l->session, call->key2));
        call_ok(call);
    }
}

void people_logout(struct people *p, struct call *call)
{
    struct logout *l = mem_zeroed(1, sizeof(*l));

    l->end = (struct people_end){.people = p, .user = call->who.user, .done = logged_out};
    l->call = call;
    l->session = call->who.session;
    call->state = l;
    if (command_has(&call->cmd, PARAM_others) && call->cmd.others) {
        if (command_has(&call->cmd, PARAM_session)) {
            call->param = "others"; /* one, or all others */
            call_fail(call, ERROR_bad_value);
        } else {
            people_end_all(&l->end, l->session);
        }
        return;
    }
    if (command_has(&call->cmd, PARAM_session) && !str_to_u64(call->cmd.session, &l->session)) {
        call->param = "session";
        call_fail(call, ERROR_bad_value);
        return;
    }
    people_end_one(&l->end, l->session);
}
