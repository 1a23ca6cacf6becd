#include "chat/people/subject.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/model/names.h"
#include "chat/people/people_name.h"
#include "chat/people/people_number.h"
#include "chat/people/people_off.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Names that are tried: as it is, then numbered, then with the user's id, which whoever
 * likes can have taken before; then with numbers that nobody can foresee. */
#define NUMBERED_MAX 9
#define TRIES_MAX (NUMBERED_MAX + 1 + 4)

struct subject_finding {
    struct people_name claim;
    struct people *people;
    struct identity_stranger s;
    uint64_t user;
    uint64_t rev;      /* of the subject's record, as it was read */
    uint64_t user_rev; /* of the user's, which has no name yet */
    unsigned tries;
    size_t name_n, key_n;
    char name[IDENTITY_NAME_MAX];
    char key[NAMES_KEY_MAX];
    char body[IDENTITY_NAME_MAX + 64];
};

static void read_subject(struct call *call);
static void read_user(struct call *call);
static void try_name(struct call *call);

static struct subject_finding *finding_of(struct call *call)
{
    assert(call->state != NULL);
    return call->state;
}

static struct str subject_name_of(const struct subject_finding *f)
{
    return (struct str){(const uint8_t *)f->name, f->name_n};
}

static struct owner *owner_of(struct call *call)
{
    return finding_of(call)->people->owner;
}

static bool subject_failed(struct call *call)
{
    if (call->q.req.result == STORE_OK)
        return false;
    call_fail_store(call, call->q.req.result);
    return true;
}

/* The body of what is put next. */
static struct str print(struct subject_finding *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
static struct str print(struct subject_finding *f, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(f->body, sizeof(f->body), fmt, ap);
    va_end(ap);
    assert(n > 0 && (size_t)n < sizeof(f->body));
    return (struct str){(const uint8_t *)f->body, (size_t)n};
}

static void keep_name(struct subject_finding *f, struct str name)
{
    f->name_n = MIN(name.n, sizeof(f->name));
    memcpy(f->name, name.p, f->name_n);
}

/* The session. */

static void subject_off_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct subject_finding *f = finding_of(call);

    if (!people_off_passes(call))
        return;
    identity_learn(&f->people->identity, &f->s, f->user, subject_name_of(f));
    call->who = (struct caller){.user = f->user,
                                .name = subject_name_of(f),
                                .session = f->s.session,
                                .expires_ms = f->s.expires_ms};
    call_ok(call);
}

static void session_put(struct store_req *req)
{
    struct call *call = call_of(req);

    if (!subject_failed(call)) /* behind the session: see chat/people/people_off.h */
        people_off_ask(finding_of(call)->people, call, finding_of(call)->user, subject_off_read);
}

static void put_session(struct call *call)
{
    struct subject_finding *f = finding_of(call);

    (void)call_request(call, owner_of(call), session_put);
    call->q.put.pk = keys_of_user(f->user, call->key);
    call->q.put.sk = keys_session(f->s.session, call->key2);
    static_assert(sizeof(f->body) >= PEOPLE_SESSION_BODY_MAX, "");
    call->q.put.body =
        people_session_encode(&(struct people_session){f->s.issued_ms, f->s.expires_ms,
                                                       f->people->keys->generation, f->s.lasting},
                              f->body);
    call->q.put.expect = STORE_REV_ANY;
    call->q.put.expires_ms = f->s.expires_ms;
    store_put(owner_of(call)->store, &call->q.put);
}

/* The user's name: what is put into their record first, it is for good. */

static void subject_named(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result == STORE_CONFLICT)
        read_subject(call); /* another node was faster, with the same name */
    else if (!subject_failed(call))
        put_session(call);
}

static void name_subject(struct call *call)
{
    struct subject_finding *f = finding_of(call);

    (void)call_request(call, owner_of(call), subject_named);
    call->q.put.pk = keys_of_subject(f->s.subject, call->key);
    call->q.put.sk = KEYS_USER;
    call->q.put.body =
        print(f, "%llu %.*s", (unsigned long long)f->user, STR_ARGS(subject_name_of(f)));
    call->q.put.expect = f->rev;
    store_put(owner_of(call)->store, &call->q.put);
}

static void put_user(struct call *call, uint64_t expect, store_done_f *done)
{
    struct subject_finding *f = finding_of(call);

    (void)call_request(call, owner_of(call), done);
    call->q.put.pk = keys_of_user(f->user, call->key);
    call->q.put.sk = KEYS_USER;
    call->q.put.body = print(f, "x%.*s", STR_ARGS(subject_name_of(f)));
    call->q.put.expect = expect;
    store_put(owner_of(call)->store, &call->q.put);
}

static void user_named(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result == STORE_CONFLICT)
        read_user(call); /* another node has named them */
    else if (!subject_failed(call))
        name_subject(call);
}

static void name_user(struct call *call)
{
    put_user(call, finding_of(call)->user_rev, user_named);
}

/* A free name. */

static void name_claimed(struct call *call, enum people_name_result result)
{
    if (result == PEOPLE_NAME_CLAIMED)
        name_user(call); /* or it was claimed for them before, here or on another node */
    else
        try_name(call);
}

static uint64_t number_of(const struct subject_finding *f)
{
    uint32_t n;

    assert(f->tries > 1 && f->tries <= TRIES_MAX);
    if (f->tries <= NUMBERED_MAX)
        return f->tries;
    if (f->tries == NUMBERED_MAX + 1)
        return f->user;
    memcpy(&n, f->s.subject + (f->tries - NUMBERED_MAX - 2) * sizeof(n), sizeof(n));
    return 1000000000 + (uint64_t)n;
}

static void try_name(struct call *call)
{
    struct subject_finding *f = finding_of(call);
    struct str wanted = {(const uint8_t *)f->s.name, f->s.name_n};
    bool legal;

    assert(f->tries <= TRIES_MAX);
    f->tries++;
    keep_name(f, wanted);
    if (f->tries > TRIES_MAX) {
        call_fail(call, ERROR_internal);
        return;
    }
    if (f->tries > 1)
        f->name_n = names_number(wanted, number_of(f), f->name, sizeof(f->name));
    legal = names_new(subject_name_of(f), f->key, &f->key_n);
    if (!legal) {
        call_fail(call, ERROR_internal);
        return;
    }
    people_name_claim(f->people, call, f->user, subject_name_of(f),
                      (struct str){(const uint8_t *)f->key, f->key_n}, name_claimed);
}

static void user_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct subject_finding *f = finding_of(call);
    struct frame *body = call->q.get.ret_body;
    bool right;

    if (subject_failed(call))
        return;
    right = body != NULL && body->n > 0 && body->bytes[0] == 'x';
    f->user_rev = call->q.get.ret_rev;
    if (right)
        keep_name(f, str_skip(frame_str(body), 1));
    frame_unref(body);
    if (!right)
        call_fail(call, ERROR_internal);
    else if (f->name_n > 0)
        name_subject(call);
    else
        try_name(call);
}

static void read_user(struct call *call)
{
    (void)call_request(call, owner_of(call), user_read);
    call->q.get.pk = keys_of_user(finding_of(call)->user, call->key);
    call->q.get.sk = KEYS_USER;
    store_get(owner_of(call)->store, &call->q.get);
}

static void user_put(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result == STORE_CONFLICT) {
        read_user(call); /* it is there: another node's, or from before a crash */
    } else if (!subject_failed(call)) {
        finding_of(call)->user_rev = call->q.put.ret_rev;
        try_name(call);
    }
}

/* The subject. */

static void subject_put(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result == STORE_CONFLICT || !subject_failed(call))
        read_subject(call); /* ours, or that of a node that was faster */
}

static void put_subject(struct call *call, uint64_t id)
{
    struct subject_finding *f = finding_of(call);

    (void)call_request(call, owner_of(call), subject_put);
    call->q.put.pk = keys_of_subject(f->s.subject, call->key);
    call->q.put.sk = KEYS_USER;
    call->q.put.body = print(f, "%llu", (unsigned long long)id);
    store_put(owner_of(call)->store, &call->q.put);
}

static void numbered(struct store_req *req)
{
    struct call *call = call_of(req);
    struct people *p = finding_of(call)->people;

    if (!subject_failed(call) && !people_number_jump(p, call, numbered))
        put_subject(call, people_number_take(p, call));
}

static void number_them(struct call *call)
{
    struct people *p = finding_of(call)->people;
    uint64_t id = people_number(p);

    if (id != 0)
        put_subject(call, id);
    else
        people_number_ask(p, call, numbered);
}

static void subject_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct subject_finding *f = finding_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str rest, number;
    bool right;

    if (subject_failed(call))
        return;
    if (body == NULL) {
        number_them(call);
        return;
    }
    f->rev = call->q.get.ret_rev;
    rest = frame_str(body);
    number = str_cut(&rest, ' ');
    right = str_to_u64(number, &f->user);
    keep_name(f, rest);
    frame_unref(body);
    if (!right) {
        call_fail(call, ERROR_internal);
    } else if (f->name_n > 0) {
        put_session(call);
    } else {
        put_user(call, 0, user_put); /* without a name: nobody can log in by any of theirs */
    }
}

static void read_subject(struct call *call)
{
    struct subject_finding *f = finding_of(call);

    (void)call_request(call, owner_of(call), subject_read);
    call->q.get.pk = keys_of_subject(f->s.subject, call->key);
    call->q.get.sk = KEYS_USER;
    store_get(owner_of(call)->store, &call->q.get);
}

void subject_find(struct people *p, struct call *call, const struct identity_stranger *s)
{
    struct subject_finding *f = mem_zeroed(1, sizeof(*f));

    call->state = f;
    f->people = p;
    f->s = *s;
    f->user = s->user;
    if (s->user == 0) {
        read_subject(call);
        return;
    }
    keep_name(f, (struct str){(const uint8_t *)s->name, s->name_n});
    put_session(call);
}
