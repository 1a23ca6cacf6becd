#include "server/identify.h"

#include "chat/subject.h"
#include "server/request.h"
#include "server/worker.h"

#include <stdlib.h>

/* So long after a refusal for want of keys it may be tried again. */
#define AGAIN_MS 2000

static void found(struct call *call)
{
    struct request *r = request_of(call);
    struct caller who = call->who;

    if (call->error == ERROR_NONE && people_is_revoked(&r->worker->people, who.session))
        call->error = ERROR_revoked; /* while the store was asked */
    if (call->error == ERROR_NONE)
        request_who(r, &who);
    free(call->state);
    call->state = NULL;
    r->identified(r);
}

void identify(struct request *r, struct str token, identify_done_f *done)
{
    struct people *people = &r->worker->people;
    uint8_t scratch[PEOPLE_SCRATCH];
    struct identity_stranger stranger;
    struct caller who;
    enum error_code e = people_verify(people, token, scratch, &who, &stranger);

    if (e == ERROR_NONE && who.user == 0) {
        r->identified = done;
        r->call.done = found;
        subject_find(people, &r->call, &stranger);
        return;
    }
    r->call.error = e;
    if (e == ERROR_NONE)
        request_who(r, &who);
    else if (e == ERROR_issuer_unavailable)
        r->call.retry_after_ms = AGAIN_MS;
    done(r);
}
