#include "chat/people/people_upsert.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "chat/model/keys.h"
#include "chat/model/text.h"
#include "chat/people/people_login_impl.h"
#include "chat/people/people_number.h"
#include "chat/people/people_profile.h"

#define TRIES_MAX 16
#define PROFILE_MAX 4096
#define DISPLAY_BYTES_MAX 512

/* call->state. login has the one at hand. */
struct upserting {
    struct login login; /* first: people_login_of */
    struct str rest;    /* of the lines */
    struct str name, display;
    bool has_display, made, off;
    unsigned profile_tries;
    char off_ms[24];
    uint8_t profile[PROFILE_MAX];
};

static struct upserting *upserting_of(struct call *call)
{
    assert(call->state != NULL);
    return call->state;
}

static struct owner *upsert_owner(struct call *call)
{
    return people_login_of(call)->people->owner;
}

static void upsert_next(struct call *call);
static void upsert_find(struct call *call);

/* True: the store has failed, and the call has ended. */
static bool upsert_failed(struct call *call, enum store_result result)
{
    if (result == STORE_OK)
        return false;
    call_fail_store(call, result);
    return true;
}

/* The answer for the one at hand. */
static void upsert_put(struct call *call, enum error_code e)
{
    struct upserting *u = upserting_of(call);
    struct json_out *o = &call->out;

    json_out_object(o);
    json_out_field_str(o, "name", e == ERROR_NONE ? people_login_name(&u->login) : u->name);
    if (e == ERROR_NONE) {
        json_out_field_u64(o, "id", u->login.user);
        json_out_field_bool(o, "made", u->made);
        json_out_field_bool(o, "active", !u->off);
    } else {
        json_out_field_str(o, "error", str_of(command_error_name(e)));
    }
    json_out_object_end(o);
}

static void upsert_answer(struct call *call, enum error_code e)
{
    upsert_put(call, e);
    upsert_next(call);
}

/* Whether they are active. */

static void upsert_sessions_ended(struct people_end *e, enum store_result result)
{
    struct call *call = CONTAINER_OF(e, struct login, end)->call;

    if (!upsert_failed(call, result))
        upsert_answer(call, ERROR_NONE);
}

static void upsert_keys_ended(struct people_end *e, enum store_result result)
{
    struct login *l = CONTAINER_OF(e, struct login, end);

    if (upsert_failed(l->call, result))
        return;
    l->end =
        (struct people_end){.people = l->people, .user = l->user, .done = upsert_sessions_ended};
    people_end_all(&l->end, 0);
}

static void upsert_off_put(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    if (upsert_failed(call, req->result == STORE_CONFLICT ? STORE_OK : req->result))
        return;
    upserting_of(call)->off = !call->cmd.active;
    if (call->cmd.active) {
        upsert_answer(call, ERROR_NONE);
        return;
    }
    l->end = (struct people_end){
        .people = l->people, .user = l->user, .keys = true, .done = upsert_keys_ended};
    people_end_all(&l->end, 0);
}

static void upsert_off_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct upserting *u = upserting_of(call);
    const struct command *c = &call->cmd;
    struct owner *o = upsert_owner(call);
    size_t n;

    if (upsert_failed(call, req->result))
        return;
    u->off = call->q.get.ret_body != NULL;
    frame_unref(call->q.get.ret_body);
    if (!command_has(c, PARAM_active) || (c->active && !u->off)) {
        upsert_answer(call, ERROR_NONE);
        return;
    }
    n = str_from_u64(owner_wall_ms(o), u->off_ms);
    (void)call_request(call, o, upsert_off_put);
    call->q.put.pk = keys_of_user(u->login.user, call->key);
    call->q.put.sk = KEYS_OFF;
    call->q.put.body = (struct str){(const uint8_t *)u->off_ms, n};
    call->q.put.expect = STORE_REV_ANY;
    call->q.put.remove = c->active;
    store_put(o->store, &call->q.put);
}

static void upsert_active(struct call *call)
{
    (void)call_request(call, upsert_owner(call), upsert_off_read);
    call->q.get.pk = keys_of_user(people_login_of(call)->user, call->key);
    call->q.get.sk = KEYS_OFF;
    store_get(upsert_owner(call)->store, &call->q.get);
}

/* The name to show. */

static void upsert_display(struct call *call);

static void upsert_profile_put(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result == STORE_CONFLICT && upserting_of(call)->profile_tries++ < TRIES_MAX)
        upsert_display(call);
    else if (!upsert_failed(call, req->result))
        upsert_active(call);
}

static void upsert_profile_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct upserting *u = upserting_of(call);
    struct people_profile profile = {0};
    struct frame *body = call->q.get.ret_body;
    uint64_t rev = call->q.get.ret_rev;
    struct buf b CLEANUP(buf_fini) = {0};
    bool same;

    if (upsert_failed(call, req->result))
        return;
    if (body != NULL && !people_profile_decode(frame_str(body), &profile))
        profile = (struct people_profile){0};
    same = str_eq(profile.display, u->display);
    profile.display = u->display;
    buf_init(&b, PROFILE_MAX);
    people_profile_encode(&profile, &b);
    frame_unref(body);
    if (same || b.failed) { /* a record that is larger than any that is written stays */
        upsert_active(call);
        return;
    }
    memcpy(u->profile, buf_peek(&b).p, buf_len(&b));
    (void)call_request(call, upsert_owner(call), upsert_profile_put);
    call->q.put.pk = keys_of_user(u->login.user, call->key);
    call->q.put.sk = KEYS_PROFILE;
    call->q.put.body = (struct str){u->profile, buf_len(&b)};
    call->q.put.expect = rev;
    store_put(upsert_owner(call)->store, &call->q.put);
}

static void upsert_display(struct call *call)
{
    if (!upserting_of(call)->has_display) {
        upsert_active(call);
        return;
    }
    (void)call_request(call, upsert_owner(call), upsert_profile_read);
    call->q.get.pk = keys_of_user(people_login_of(call)->user, call->key);
    call->q.get.sk = KEYS_PROFILE;
    store_get(upsert_owner(call)->store, &call->q.get);
}

/* Somebody new. */

static void upsert_gone(struct store_req *req)
{
    struct call *call = call_of(req); /* what stays is of a number that nobody has */
    struct login *l = people_login_of(call);

    if (upsert_failed(call, req->result))
        return;
    if (l->alike || l->retried) {
        upsert_answer(call, l->alike ? ERROR_name_alike : ERROR_name_taken);
        return;
    }
    l->retried = true; /* the same call at another node, perhaps, was faster */
    upsert_find(call);
}

static void upsert_user(struct call *call, bool remove, store_done_f *done)
{
    struct login *l = people_login_of(call);

    l->body[0] = 'u';
    memcpy(l->body + 1, l->name, l->name_n);
    (void)call_request(call, upsert_owner(call), done);
    call->q.put.pk = keys_of_user(l->user, call->key);
    call->q.put.sk = KEYS_USER;
    call->q.put.body = (struct str){(const uint8_t *)l->body, l->name_n + 1};
    call->q.put.expect = remove ? STORE_REV_ANY : 0;
    call->q.put.remove = remove;
    store_put(upsert_owner(call)->store, &call->q.put);
}

static void upsert_claimed(struct call *call, enum people_name_result result)
{
    if (result == PEOPLE_NAME_CLAIMED) {
        upserting_of(call)->made = true;
        upsert_display(call);
        return;
    }
    people_login_of(call)->alike = result == PEOPLE_NAME_ALIKE;
    upsert_user(call, true, upsert_gone);
}

static void upsert_recorded(struct store_req *req)
{
    if (!upsert_failed(call_of(req), req->result))
        people_login_claim(call_of(req), upsert_claimed);
}

static void upsert_numbered(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    if (upsert_failed(call, req->result) || people_number_jump(l->people, call, upsert_numbered))
        return;
    l->user = people_number_take(l->people, call);
    upsert_user(call, false, upsert_recorded);
}

/* Somebody who is there: not a bot, which is its owner's; not who asks. */
static void upsert_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str name;
    bool there, is_bot;

    if (upsert_failed(call, req->result))
        return;
    there = body != NULL && people_decode(frame_str(body), &name, NULL);
    is_bot = there && frame_str(body).p[0] == 'b';
    if (there)
        people_login_keep_name(l, name);
    frame_unref(body);
    if (is_bot)
        upsert_answer(call, ERROR_name_taken);
    else if (l->user == call->who.user && command_has(&call->cmd, PARAM_active) &&
             !call->cmd.active)
        upsert_answer(call, ERROR_forbidden);
    else if (there)
        upsert_display(call);
    else
        upsert_user(call, false, upsert_recorded); /* a crash left a name without a record */
}

static void upsert_found(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str rest;
    uint64_t user = 0;

    if (upsert_failed(call, req->result))
        return;
    rest = body != NULL ? frame_str(body) : (struct str){0};
    if (!str_to_u64(str_cut(&rest, ' '), &user))
        user = 0;
    frame_unref(body);
    l->user = user;
    if (user != 0) {
        (void)call_request(call, upsert_owner(call), upsert_read);
        call->q.get.pk = keys_of_user(user, call->key);
        call->q.get.sk = KEYS_USER;
        store_get(upsert_owner(call)->store, &call->q.get);
    } else if (!people_login_is_new(l)) {
        upsert_answer(call, ERROR_bad_name);
    } else if ((l->user = people_number(l->people)) != 0) {
        upsert_user(call, false, upsert_recorded);
    } else {
        people_number_ask(l->people, call, upsert_numbered);
    }
}

static void upsert_find(struct call *call)
{
    struct login *l = people_login_of(call);

    assert(l->key_n > 0);
    (void)call_request(call, upsert_owner(call), upsert_found);
    call->q.get.pk = KEYS_NAMES;
    call->q.get.sk = (struct str){(const uint8_t *)l->key, l->key_n};
    store_get(upsert_owner(call)->store, &call->q.get);
}

/* Reads a line into the state: what is wrong with it. */
static enum error_code upsert_line(struct upserting *u)
{
    struct login *l = &u->login;
    struct str line = str_cut(&u->rest, '\n');
    bool has_display = memchr(line.p, ',', line.n) != NULL;

    *l = (struct login){.people = l->people, .call = l->call};
    u->made = u->off = false;
    u->profile_tries = 0;
    u->name = str_trim(str_cut(&line, ','));
    u->display = str_trim(line);
    u->has_display = has_display;
    if (!names_fold(u->name, l->key, &l->key_n) || u->name.n > sizeof(l->name))
        return ERROR_bad_name;
    people_login_keep_name(l, u->name);
    return u->display.n > DISPLAY_BYTES_MAX ? ERROR_too_long : text_title(&u->display);
}

static void upsert_next(struct call *call)
{
    struct upserting *u = upserting_of(call);

    while (u->rest.n > 0) {
        enum error_code e = upsert_line(u);

        if (e == ERROR_NONE) {
            upsert_find(call);
            return;
        }
        upsert_put(call, e);
    }
    json_out_array_end(&call->out);
    call_ok(call);
}

static unsigned lines_of(struct str text)
{
    unsigned n = text.n > 0;

    for (size_t i = 0; i + 1 < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

void people_upsert(struct people *p, struct call *call)
{
    unsigned n = lines_of(call->cmd.people);
    struct upserting *u;

    if (!call->who.super) {
        call_fail(call, ERROR_forbidden);
        return;
    }
    if (n == 0 || n > PEOPLE_UPSERT_MAX) {
        call->param = "people";
        call_fail(call, n == 0 ? ERROR_empty : ERROR_too_long);
        return;
    }
    u = mem_zeroed(1, sizeof(*u));
    u->login.people = p;
    u->login.call = call;
    u->rest = call->cmd.people;
    call->state = u;
    json_out_key(&call->out, "people");
    json_out_array(&call->out);
    upsert_next(call);
}
