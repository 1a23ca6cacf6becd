#include "server/conn/identify.h"

#include "chat/people/people_key_find.h"
#include "chat/people/subject.h"
#include "server/conn/conn.h"
#include "server/conn/exchange.h"
#include "server/conn/request.h"
#include "server/node/worker.h"

#include <stdlib.h>

/* So long after a refusal for want of keys it may be tried again. */
#define AGAIN_MS 2000
/* So many tokens may be refused on a connection. */
#define REFUSED_MAX 16

static void identify_found(struct call *call)
{
    struct request *r = request_of(call);
    struct caller who = call->who;

    assert(r->identified != NULL);
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
static void identify_refused(struct request *r, request_f *done)
{
    struct conn *c = r->conn != NULL ? conn_socket(r->conn) : NULL;
    bool last = c != NULL && ++c->refused >= REFUSED_MAX;

    if (last && r->exchange != NULL)
        r->exchange->close = true;
    done(r);
    if (last && c->door->event != NULL)
        conn_end(c, CONN_END_REFUSED, STR("too many tokens"), METRIC_close_unauthenticated);
}

static bool identify_waits(struct request *r, request_f *done)
{
    if (!worker_is_unproven(r->worker))
        return false;
    r->call.error = ERROR_sessions_unproven;
    r->call.retry_after_ms = WORKER_UNPROVEN_AGAIN_MS;
    done(r);
    return true;
}

void identify_vouched(struct request *r, const struct identity_voucher *v, request_f *done)
{
    struct people *people = &r->worker->people;
    struct identity_stranger stranger;
    struct caller who;

    if (identify_waits(r, done))
        return;
    identity_vouched(&people->identity, v, &who, &stranger);
    r->identified = done;
    r->call.done = identify_found;
    if (who.user == 0) {
        subject_find(people, &r->call, &stranger);
        return;
    }
    r->call.who = who;
    identify_found(&r->call);
}

static void identify_key_found(struct call *call)
{
    struct request *r = request_of(call);

    if (call->error == ERROR_bad_token || call->error == ERROR_expired ||
        call->error == ERROR_revoked) {
        free(call->state);
        call->state = NULL;
        identify_refused(r, r->identified);
    } else {
        identify_found(call);
    }
}

static void identify_key(struct request *r, const struct people_key_claim *key, request_f *done)
{
    struct people *people = &r->worker->people;
    struct caller who;

    assert(key->user != 0 && key->id != 0);
    r->identified = done;
    r->call.done = identify_key_found;
    if (people_key_known(&people->keyring, key, worker_wall_ms(r->worker), &who)) {
        r->call.who = who;
        identify_found(&r->call);
    } else {
        people_key_find(people, &r->call, key);
    }
}

void identify(struct request *r, struct str token, request_f *done)
{
    struct people *people = &r->worker->people;
    uint8_t scratch[PEOPLE_SCRATCH];
    struct identity_stranger stranger;
    struct people_key_claim key;
    struct caller who;
    enum error_code e;

    if (identify_waits(r, done))
        return;
    if (people_key_read(token, &key)) {
        identify_key(r, &key, done);
        return;
    }
    e = people_verify(people, token, scratch, &who, &stranger);
    if (e == ERROR_NONE && stranger.own) {
        r->identified = done;
        r->call.done = identify_found;
        people_session_find(people, &r->call, &who);
        return;
    }
    if (e == ERROR_NONE && who.user == 0) {
        r->identified = done;
        r->call.done = identify_found;
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
    identify_refused(r, done);
}
