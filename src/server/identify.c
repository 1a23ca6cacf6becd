#include "server/identify.h"

#include "chat/subject.h"
#include "server/door_http.h"
#include "server/door_ws.h"
#include "server/request.h"
#include "server/sio_space.h"
#include "server/worker.h"

#include <stdlib.h>

/* So long after a refusal for want of keys it may be tried again. */
#define AGAIN_MS 2000
/* So many tokens may be refused on a connection. */
#define REFUSED_MAX 16

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

/* Looking at a token costs more than sending one: only so many are looked at, of all
 * namespaces together. */
static void refused(struct request *r, identify_done_f *done)
{
    struct conn *c = sio_space_socket(r->conn);
    bool last = ++c->refused >= REFUSED_MAX;

    if (last && c->http != NULL)
        c->http->close = true;
    done(r);
    if (last && c->door->event != NULL)
        door_ws_close(c, DOOR_WS_CLOSE_AUTH, STR("too many tokens"), METRIC_close_unauthenticated);
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
    if (e == ERROR_NONE) {
        request_who(r, &who);
        done(r);
        return;
    }
    if (e == ERROR_issuer_unavailable)
        r->call.retry_after_ms = AGAIN_MS;
    refused(r, done);
}
