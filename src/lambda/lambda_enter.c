/* KNOW: whose connection it is. And how one becomes somebody's: its rows. */
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/model/scope.h"
#include "chat/people/people_key_find.h"
#include "chat/people/subject.h"
#include "lambda/lambda_impl.h"
#include "wire/field.h"

#include <stdlib.h>

#define PROTOCOL STR("polylog.v1")
#define PROTOCOL_TOKEN STR("token.")
#define TRIES_MAX 3
#define ISSUER_AGAIN_MS 2000

void lambda_enter_keep(struct lambda *l, const struct caller *who)
{
    struct lambda_visit *v = &l->visit;

    assert(who->user != 0);
    v->who = *who;
    v->who.name.n = MIN(who->name.n, sizeof(v->name));
    if (v->who.name.n > 0)
        memcpy(v->name, who->name.p, v->who.name.n);
    v->who.name.p = (const uint8_t *)v->name;
}

/* By a token. */

static void lambda_session_found(struct call *call)
{
    struct lambda *l = lambda_of_call(call);
    struct caller who = call->who;

    call->who = (struct caller){0};
    if (call->error == ERROR_NONE && people_is_revoked(&l->people, who.session))
        call->error = ERROR_revoked;
    if (call->error == ERROR_NONE)
        lambda_enter_keep(l, &who);
    free(call->state); /* the name was in it */
    call->state = NULL;
    l->visit.identified(l);
}

/* The store knows more: the session of an own token, or whose subject of an issuer's that is. */
static void lambda_ask_store(struct lambda *l, struct caller *who,
                             const struct identity_stranger *stranger)
{
    struct lambda_visit *v = &l->visit;

    v->call.done = lambda_session_found;
    if (stranger->own)
        people_session_find(&l->people, &v->call, who);
    else
        subject_find(&l->people, &v->call, stranger);
}

static void lambda_identify(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    uint8_t scratch[PEOPLE_SCRATCH];
    struct identity_stranger stranger;
    struct people_key_claim key;
    struct caller who;
    enum error_code e;

    if (people_key_read(v->token, &key)) {
        v->call.done = lambda_session_found;
        people_key_find(&l->people, &v->call, &key);
        return;
    }
    e = people_verify(&l->people, v->token, scratch, &who, &stranger);

    if (lambda_issuer_fetch(l, lambda_identify))
        return; /* and looks again */
    if (e == ERROR_NONE && (stranger.own || who.user == 0)) {
        lambda_ask_store(l, &who, &stranger);
        return;
    }
    if (e == ERROR_NONE)
        lambda_enter_keep(l, &who);
    else
        lambda_fail(l, e);
    if (e == ERROR_issuer_unavailable)
        v->call.retry_after_ms = ISSUER_AGAIN_MS;
    v->identified(l);
}

void lambda_enter_identify(struct lambda *l, struct str token, lambda_done_f *done)
{
    l->visit.token = token;
    l->visit.identified = done;
    lambda_issuer_mind(l);
    lambda_identify(l);
}

/* By what the gateway's authorizer says. False: it says nothing, or is not believed. */
static bool lambda_enter_vouched(struct lambda *l, lambda_done_f *done)
{
    struct identity_stranger stranger;
    struct caller who;

    if (!lambda_issuer_vouched(l, &who, &stranger))
        return false;
    l->visit.identified = done;
    if (who.user == 0) {
        lambda_ask_store(l, &who, &stranger);
    } else {
        if (people_is_revoked(&l->people, who.session))
            lambda_fail(l, ERROR_revoked);
        else
            lambda_enter_keep(l, &who);
        done(l);
    }
    return true;
}

/* Rows. */

static void lambda_enter_read(struct lambda *l);

static void lambda_entered(struct lambda *l, enum store_result result)
{
    struct lambda_visit *v = &l->visit;

    if (result != STORE_OK)
        lambda_fail(l, ERROR_store_failed);
    else
        (void)guests_put(&l->guests, v->event.connection, &v->who, v->flags);
    v->entered(l);
}

static void lambda_listed(struct store_req *req)
{
    lambda_entered(lambda_of(req), req->result);
}

/* Puts v->body, which goes when the connection has. */
static void lambda_put(struct lambda *l, struct str pk, struct str sk, uint64_t expect,
                       store_done_f *done)
{
    struct lambda_visit *v = &l->visit;

    lambda_request(l, done);
    v->q.put.pk = pk;
    v->q.put.sk = sk;
    v->q.put.body = buf_peek(&v->body);
    v->q.put.expect = expect;
    v->q.put.expires_ms = v->event.connected_ms + ROWS_LIFE_MS;
    store_put(l->o.store, &v->q.put);
}

/* Among the person's connections, for the end of the session. */
static void lambda_list_conn(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    buf_clear(&v->body);
    buf_printf(&v->body, "%llu %.*s", (unsigned long long)v->who.session, STR_ARGS(v->base));
    lambda_put(l, keys_of_user(v->who.user, v->pk), keys_conn(v->event.connection, v->sk),
               STORE_REV_ANY, lambda_listed);
}

static void lambda_row_put(struct store_req *req)
{
    struct lambda *l = lambda_of(req);

    if (req->result == STORE_CONFLICT && ++l->visit.tries < TRIES_MAX)
        lambda_enter_read(l);
    else if (req->result != STORE_OK)
        lambda_entered(l, STORE_FAILED);
    else
        lambda_list_conn(l);
}

static void lambda_put_row(struct lambda *l, struct str rooms, uint64_t rev)
{
    struct lambda_visit *v = &l->visit;
    struct rows_conn row = {.user = v->who.user,
                            .session = v->who.session,
                            .connected_ms = v->event.connected_ms,
                            .flags = v->flags,
                            .base = v->base,
                            .rooms = rooms};

    buf_clear(&v->body);
    rows_conn_encode(&row, &v->body);
    if (v->body.failed) {
        lambda_entered(l, STORE_FAILED);
        return;
    }
    lambda_put(l, keys_of_conn(v->event.connection, v->pk), KEYS_CONN, rev, lambda_row_put);
}

static void lambda_enter_row(struct store_req *req)
{
    struct lambda *l = lambda_of(req);
    struct lambda_visit *v = &l->visit;
    struct rows_conn row = {0};
    bool there;

    if (req->result != STORE_OK) {
        lambda_entered(l, req->result);
        return;
    }
    frame_unref(v->row);
    v->row = v->q.get.ret_body;
    there = v->row != NULL && rows_conn_decode(frame_str(v->row), &row);
    if (there && row.user != v->who.user) {
        lambda_fail(l, ERROR_already_authenticated);
        v->entered(l);
        return;
    }
    lambda_put_row(l, row.rooms, v->q.get.ret_rev);
}

static void lambda_enter_read(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;

    lambda_get(l, keys_of_conn(v->event.connection, v->pk), KEYS_CONN, lambda_enter_row);
}

void lambda_enter(struct lambda *l, lambda_done_f *done)
{
    struct lambda_visit *v = &l->visit;

    assert(v->who.user != 0);
    v->entered = done;
    v->tries = 0;
    v->flags = (v->flags & ROWS_ARRAYS) | (v->who.super ? ROWS_SUPER : 0) |
               (unsigned)v->who.scopes << ROWS_SCOPES;
    if (v->event.connected_ms == 0)
        v->event.connected_ms = store_wall_ms(l->o.store, l->o.io);
    lambda_enter_read(l);
}

static void lambda_come(struct lambda *l)
{
    if (l->visit.call.error != ERROR_NONE)
        lambda_next(l);
    else
        lambda_enter(l, lambda_next);
}

/* By its row: the connection's, then the session's and the user's. */

static void lambda_known(struct lambda *l, enum store_result result)
{
    struct lambda_visit *v = &l->visit;

    if (result != STORE_OK) {
        lambda_fail(l, ERROR_store_failed);
    } else if (v->who.user != 0 && people_is_revoked(&l->people, v->who.session)) {
        lambda_fail(l, ERROR_revoked);
    } else if (v->who.user != 0 && v->who.expires_ms <= store_wall_ms(l->o.store, l->o.io)) {
        lambda_fail(l, ERROR_expired);
    }
    if (v->call.error == ERROR_revoked || v->call.error == ERROR_expired) {
        v->ends = true;
        v->code = v->call.error == ERROR_revoked ? LAMBDA_CLOSE_REVOKED : LAMBDA_CLOSE_EXPIRED;
        v->closing = str_of(command_error_name(v->call.error));
        guests_drop(&l->guests, v->event.connection);
    }
    lambda_next(l);
}

static void lambda_user_read(struct store_req *req)
{
    struct lambda *l = lambda_of(req);
    struct lambda_visit *v = &l->visit;
    struct frame *body = v->q.get.ret_body;
    struct caller who = v->who;
    bool there =
        req->result == STORE_OK && body != NULL && people_decode(frame_str(body), &who.name, NULL);

    if (there) {
        lambda_enter_keep(l, &who);
        (void)guests_put(&l->guests, v->event.connection, &v->who, v->flags);
    } else {
        v->who = (struct caller){0};
    }
    if (req->result == STORE_OK)
        frame_unref(body);
    lambda_known(l, req->result);
}

/* The record of the session, or of the API key: when it ends. */
static bool lambda_session_good(struct lambda *l, struct str record)
{
    struct lambda_visit *v = &l->visit;
    struct people_session s = {0};
    struct people_key k = {0};

    if (v->who.scopes == 0 ? !people_session_decode(record, &s) : !people_key_decode(record, &k))
        return false;
    v->who.expires_ms = v->who.scopes == 0 ? s.expires_ms : k.expires_ms;
    return (v->who.scopes == 0 ? s.generation : k.generation) == l->keys.generation;
}

static void lambda_session_read(struct store_req *req)
{
    struct lambda *l = lambda_of(req);
    struct lambda_visit *v = &l->visit;
    struct frame *body = v->q.get.ret_body;
    bool good = req->result == STORE_OK && body != NULL && lambda_session_good(l, frame_str(body));

    if (req->result == STORE_OK)
        frame_unref(body);
    if (req->result == STORE_OK && !good)
        lambda_fail(l, ERROR_revoked);
    if (!good) {
        v->who = (struct caller){0};
        lambda_known(l, req->result);
        return;
    }
    lambda_get(l, keys_of_user(v->who.user, v->pk), KEYS_USER, lambda_user_read);
}

static void lambda_row_read(struct store_req *req)
{
    struct lambda *l = lambda_of(req);
    struct lambda_visit *v = &l->visit;
    struct rows_conn row;

    if (req->result != STORE_OK) {
        lambda_known(l, req->result);
        return;
    }
    assert(v->row == NULL);
    v->row = v->q.get.ret_body;
    if (v->row == NULL || !rows_conn_decode(frame_str(v->row), &row)) {
        if (lambda_is(l, GATEWAY_EVENT_DISCONNECT) || !lambda_enter_vouched(l, lambda_come))
            lambda_known(l, STORE_OK); /* nobody yet */
        return;
    }
    v->flags = row.flags;
    if (lambda_is(l, GATEWAY_EVENT_DISCONNECT)) {
        v->who.user = row.user;
        lambda_next(l);
        return;
    }
    v->who = (struct caller){.user = row.user,
                             .session = row.session,
                             .scopes = row.flags >> ROWS_SCOPES & SCOPE_ALL,
                             .super = (row.flags & ROWS_SUPER) != 0};
    lambda_get(l, keys_of_user(row.user, v->pk),
               v->who.scopes == 0 ? keys_session(row.session, v->sk)
                                  : keys_api_key(row.session, v->sk),
               lambda_session_read);
}

static void lambda_know_sender(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    const struct guest *g = guests_find(&l->guests, v->event.connection);

    if (g != NULL && lambda_is(l, GATEWAY_EVENT_DISCONNECT)) {
        v->who.user = g->who.user;
        lambda_next(l);
        return;
    }
    if (g != NULL) {
        v->flags = g->flags;
        lambda_enter_keep(l, &g->who);
        lambda_known(l, STORE_OK);
        return;
    }
    lambda_get(l, keys_of_conn(v->event.connection, v->pk), KEYS_CONN, lambda_row_read);
}

/* $connect: a token in the query, in the header Authorization, in the cookie, or among the
 * subprotocols, as "token.<token>". */

static struct str lambda_cookie(struct str cookies, struct str name)
{
    while (cookies.n > 0) {
        struct str value = str_trim(str_cut(&cookies, ';')), key = str_cut(&value, '=');

        if (str_eq(key, name))
            return value;
    }
    return (struct str){0};
}

/* The token, if there is one; and what is answered: the first that is none. */
static struct str lambda_protocols(struct lambda *l, struct str offered)
{
    struct str token = {0}, one;

    while (offered.n > 0) {
        one = str_trim(str_cut(&offered, ','));
        if (str_starts(one, PROTOCOL_TOKEN))
            token = str_skip(one, PROTOCOL_TOKEN.n);
        else if (l->visit.protocol.n == 0 || str_eq(one, PROTOCOL))
            l->visit.protocol = one;
    }
    return token;
}

static struct str lambda_find_token(struct lambda *l)
{
    const struct gateway_event *e = &l->visit.event;
    struct str in_protocol =
        lambda_protocols(l, gateway_event_find(&e->headers, STR("sec-websocket-protocol")));
    struct str header = gateway_event_find(&e->headers, STR("authorization"));
    struct str query = gateway_event_find(&e->query, STR("token")), token;

    if (header.n > 7 && str_eq_nocase((struct str){header.p, 7}, STR("bearer ")))
        return str_trim(str_skip(header, 7));
    if (query.n > 0)
        return query;
    if (in_protocol.n > 0)
        return in_protocol;
    token = lambda_cookie(gateway_event_find(&e->headers, STR("cookie")), FIELD_TOKEN_HOST);
    if (token.n > 0)
        return token;
    return lambda_cookie(gateway_event_find(&e->headers, STR("cookie")), FIELD_TOKEN);
}

static void lambda_know_comer(struct lambda *l)
{
    struct str token = lambda_find_token(l);

    if (lambda_enter_vouched(l, lambda_come))
        return;
    if (token.n == 0)
        lambda_limit_stranger(l, lambda_next); /* it says who it is by a command */
    else
        lambda_enter_identify(l, token, lambda_come);
}

void lambda_enter_know(struct lambda *l)
{
    if (l->visit.call.error != ERROR_NONE || lambda_is(l, GATEWAY_EVENT_DELIVER))
        lambda_next(l);
    else if (lambda_is(l, GATEWAY_EVENT_CONNECT))
        lambda_know_comer(l);
    else
        lambda_know_sender(l);
}
