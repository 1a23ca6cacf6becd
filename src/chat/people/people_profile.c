#include "chat/people/people_profile.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "chat/model/keys.h"
#include "chat/room/own.h"

#define BODY_MAX 2048
#define NAME_MAX_BYTES 256
#define FIELDS 6
#define TRIES_MAX 16
#define ZONE_MAX 64

void people_profile_encode(const struct people_profile *p, struct buf *out)
{
    buf_append(out, p->display);
    buf_append_byte(out, '\n');
    buf_append(out, p->status);
    buf_append_byte(out, '\n');
    buf_append_u64(out, p->status_until);
    buf_append_byte(out, '\n');
    buf_append(out, p->zone);
    buf_append_byte(out, '\n');
    buf_append(out, p->state);
    buf_append_byte(out, '\n');
    buf_append_u64(out, p->state_until);
    buf_append_byte(out, '\n');
}

bool people_profile_decode(struct str body, struct people_profile *ret_p)
{
    struct str fields[FIELDS];
    struct people_profile p = {0};

    assert(ret_p != NULL);
    for (unsigned i = 0; i < FIELDS; i++) {
        const uint8_t *end = body.n > 0 ? memchr(body.p, '\n', body.n) : NULL;

        if (end == NULL)
            return false;
        fields[i] = str_cut(&body, '\n');
    }
    p.display = fields[0];
    p.status = fields[1];
    p.zone = fields[3];
    p.state = fields[4];
    if (!str_to_u64(fields[2], &p.status_until) || !str_to_u64(fields[5], &p.state_until))
        return false;
    *ret_p = p;
    return true;
}

static bool is_over(uint64_t until_ms, uint64_t now_ms)
{
    return until_ms != 0 && until_ms <= now_ms;
}

static void put_said(const char *key, struct str value, const char *until_key, uint64_t until_ms,
                     struct json_out *o)
{
    assert(until_ms == 0 || until_key != NULL);
    if (value.n == 0)
        return;
    json_out_field_str(o, key, value);
    if (until_ms != 0)
        json_out_field_u64(o, until_key, until_ms);
}

void people_profile_describe(const struct people_profile *p, uint64_t now_ms, struct json_out *o)
{
    put_said("display", p->display, NULL, 0, o);
    if (!is_over(p->status_until, now_ms))
        put_said("status", p->status, "status_until", p->status_until, o);
    put_said("zone", p->zone, NULL, 0, o);
    if (!is_over(p->state_until, now_ms))
        put_said("state", p->state, "state_until", p->state_until, o);
}

static bool profile_failed(struct call *call)
{
    if (call->q.req.result == STORE_OK)
        return false;
    call_fail_store(call, call->q.req.result);
    return true;
}

/* profile_set: what is given changes, what is not stays. */

struct profile_setting {
    struct people *people;
    unsigned tries;
    size_t body_n;
    uint8_t body[BODY_MAX];
};

static struct profile_setting *setting_of(struct call *call)
{
    assert(call->state != NULL);
    return call->state;
}

static void read_own(struct call *call);

static void profile_told(struct call *call)
{
    struct profile_setting *s = setting_of(call);
    struct people_profile profile;

    if (!people_profile_decode((struct str){s->body, s->body_n}, &profile)) {
        call_fail(call, ERROR_internal);
        return;
    }
    json_out_key(&call->out, "profile");
    json_out_object(&call->out);
    json_out_field_u64(&call->out, "id", call->who.user);
    json_out_field_str(&call->out, "name", call->who.name);
    people_profile_describe(&profile, owner_wall_ms(s->people->owner), &call->out);
    json_out_object_end(&call->out);
    call_ok(call);
}

static void profile_put(struct store_req *req)
{
    struct call *call = call_of(req);
    struct profile_setting *s = setting_of(call);
    struct entry e = {.kind = ENTRY_PROFILE};

    if (req->result == STORE_CONFLICT && s->tries++ < TRIES_MAX) {
        read_own(call);
        return;
    }
    if (!profile_failed(call))
        own_tell(s->people->owner, call, &e, profile_told);
}

/* An end without what it is the end of says nothing. */
static void change(struct people_profile *p, const struct command *c)
{
    if (command_has(c, PARAM_display))
        p->display = c->display;
    if (command_has(c, PARAM_status)) {
        p->status = c->status;
        p->status_until = command_has(c, PARAM_status_until) ? c->status_until : 0;
    }
    if (command_has(c, PARAM_zone))
        p->zone = c->zone;
    if (command_has(c, PARAM_state)) {
        p->state = str_eq(c->state, STR("here")) ? (struct str){0} : c->state;
        p->state_until = command_has(c, PARAM_state_until) ? c->state_until : 0;
    }
}

static void own_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct profile_setting *s = setting_of(call);
    struct frame *body = call->q.get.ret_body;
    uint64_t rev = call->q.get.ret_rev;
    struct people_profile profile = {0};
    struct buf b CLEANUP(buf_fini) = {0};

    if (profile_failed(call))
        return;
    if (body != NULL && !people_profile_decode(frame_str(body), &profile))
        profile = (struct people_profile){0};
    change(&profile, &call->cmd);
    buf_init(&b, BODY_MAX);
    people_profile_encode(&profile, &b);
    frame_unref(body);
    if (b.failed) { /* its parts are bounded */
        call_fail(call, ERROR_internal);
        return;
    }
    s->body_n = buf_len(&b);
    assert(s->body_n >= FIELDS && s->body_n <= sizeof(s->body));
    memcpy(s->body, buf_peek(&b).p, s->body_n);
    (void)call_request(call, s->people->owner, profile_put);
    call->q.put.pk = keys_of_user(call->who.user, call->key);
    call->q.put.sk = KEYS_PROFILE;
    call->q.put.body = (struct str){s->body, s->body_n};
    call->q.put.expect = rev;
    store_put(s->people->owner->store, &call->q.put);
}

static void read_own(struct call *call)
{
    struct owner *o = setting_of(call)->people->owner;

    assert(call->who.user != 0);
    (void)call_request(call, o, own_read);
    call->q.get.pk = keys_of_user(call->who.user, call->key);
    call->q.get.sk = KEYS_PROFILE;
    store_get(o->store, &call->q.get);
}

/* As the IANA has them: Europe/Berlin, Etc/GMT+1. Whether there is such a zone only clients know.
 */
static bool is_zone(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t b = s.p[i];
        bool word = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9');

        if (!word && memchr("/_+-", b, 4) == NULL)
            return false;
    }
    return s.n <= ZONE_MAX;
}

static bool is_state(struct str s)
{
    return str_eq(s, STR("here")) || str_eq(s, STR("away")) || str_eq(s, STR("dnd"));
}

/* The first parameter that is wrong; NULL: none. */
static const char *wrong_param(const struct command *c, uint64_t now_ms)
{
    if (command_has(c, PARAM_zone) && !is_zone(c->zone))
        return "zone";
    if (command_has(c, PARAM_state) && !is_state(c->state))
        return "state";
    if (command_has(c, PARAM_status_until) &&
        (!command_has(c, PARAM_status) || c->status.n == 0 || c->status_until <= now_ms))
        return "status_until";
    if (command_has(c, PARAM_state_until) &&
        (!command_has(c, PARAM_state) || str_eq(c->state, STR("here")) || c->state_until <= now_ms))
        return "state_until";
    return NULL;
}

void people_profile_set(struct people *p, struct call *call)
{
    struct profile_setting *s;

    call->param = wrong_param(&call->cmd, owner_wall_ms(p->owner));
    if (call->param != NULL) {
        call_fail(call, ERROR_bad_value);
        return;
    }
    s = mem_zeroed(1, sizeof(*s));
    s->people = p;
    call->state = s;
    read_own(call);
}

/* profiles: one person after another, their name and what they said. */

struct profile_asking {
    struct people *people;
    uint64_t users[PEOPLE_PROFILE_USERS_MAX];
    unsigned users_n, at;
    size_t name_n;
    uint8_t name[NAME_MAX_BYTES]; /* of the one at */
};

static struct profile_asking *profile_asking_of(struct call *call)
{
    assert(call->state != NULL);
    return call->state;
}

static void next_profile(struct call *call);

static void put_profile(struct call *call, struct str body)
{
    struct profile_asking *a = profile_asking_of(call);
    struct people_profile profile;

    assert(a->at < a->users_n);
    json_out_object(&call->out);
    json_out_field_u64(&call->out, "id", a->users[a->at]);
    json_out_field_str(&call->out, "name", (struct str){a->name, a->name_n});
    if (body.n > 0 && people_profile_decode(body, &profile))
        people_profile_describe(&profile, owner_wall_ms(a->people->owner), &call->out);
    json_out_object_end(&call->out);
}

static void profile_get(struct call *call, struct str sk, store_done_f *done)
{
    struct profile_asking *a = profile_asking_of(call);

    assert(a->at < a->users_n);
    (void)call_request(call, a->people->owner, done);
    call->q.get.pk = keys_of_user(a->users[a->at], call->key);
    call->q.get.sk = sk;
    store_get(a->people->owner->store, &call->q.get);
}

static void profile_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct frame *body = call->q.get.ret_body;

    if (profile_failed(call))
        return;
    put_profile(call, body != NULL ? frame_str(body) : (struct str){0});
    frame_unref(body);
    profile_asking_of(call)->at++;
    next_profile(call);
}

static void person_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct profile_asking *a = profile_asking_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str name;
    bool there;

    if (profile_failed(call))
        return;
    there = body != NULL && people_decode(frame_str(body), &name, NULL);
    if (there) {
        a->name_n = MIN(name.n, sizeof(a->name));
        memcpy(a->name, name.p, a->name_n);
    }
    frame_unref(body);
    if (there) {
        profile_get(call, KEYS_PROFILE, profile_read);
        return;
    }
    a->at++; /* there is no such user */
    next_profile(call);
}

static void next_profile(struct call *call)
{
    struct profile_asking *a = profile_asking_of(call);

    assert(a->at <= a->users_n);
    if (a->at < a->users_n) {
        profile_get(call, KEYS_USER, person_read);
        return;
    }
    json_out_array_end(&call->out);
    call_ok(call);
}

/* "7,9,12"; false if it is nothing of the kind, or more than so many. */
static bool read_users(struct str text, struct profile_asking *a)
{
    while (text.n > 0) {
        struct str first = str_cut(&text, ',');

        if (a->users_n == PEOPLE_PROFILE_USERS_MAX || !str_to_u64(first, &a->users[a->users_n++]))
            return false;
    }
    return a->users_n > 0;
}

void people_profile_list(struct people *p, struct call *call)
{
    struct profile_asking *a = mem_zeroed(1, sizeof(*a));

    assert(call->state == NULL);
    a->people = p;
    call->state = a;
    if (!read_users(call->cmd.users, a)) {
        call->param = "users";
        call_fail(call, ERROR_bad_value);
        return;
    }
    json_out_key(&call->out, "profiles");
    json_out_array(&call->out);
    next_profile(call);
}
