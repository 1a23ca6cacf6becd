#include "chat/model/access.h"

#include "base/hex.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "chat/model/act.h"

#include <stdlib.h>

/* More than all settings come to. */
#define SETTINGS_BYTES_MAX 65536

static const char *const role_names[] = {"none", "member", "moderator", "owner", "muted", "banned"};
static const char *const kind_names[] = {"public", "private", "audit", "direct", "self", "group"};

static bool member_eq(const struct map_node *node, const void *key)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct access_member, node)->user ==
           *(const uint64_t *)key;
}

bool access_direct_peers(struct str room, uint64_t *ret_low, uint64_t *ret_high)
{
    struct str rest;

    if (!str_starts(room, STR("dm:")))
        return false;
    rest = str_skip(room, 3);
    struct str low = str_cut(&rest, ':');
    return low.n > 0 && rest.n > 0 && low.p[0] != '0' && rest.p[0] != '0' &&
           str_to_u64(low, ret_low) && str_to_u64(rest, ret_high) && *ret_low < *ret_high;
}

bool access_audit_of(struct str room, struct str *ret_room)
{
    if (!str_starts(room, STR("audit:")) || room.n == 6)
        return false;
    *ret_room = str_skip(room, 6);
    if (str_eq(*ret_room, STR("@server")))
        ret_room->n = 0;
    return true;
}

void access_init(struct access *a, struct str room)
{
    struct str of;

    *a = (struct access){.kind = ACCESS_PUBLIC, .open = str_eq(room, STR("general"))};
    map_init(&a->members);
    if (access_audit_of(room, &of))
        a->kind = ACCESS_AUDIT;
    else if (access_direct_peers(room, &a->low, &a->high))
        a->kind = ACCESS_DIRECT;
    else if (room.n > 1 && room.p[0] == '@' && str_to_u64(str_skip(room, 1), &a->low))
        a->kind = ACCESS_SELF;
    else if (group_is_room(room))
        a->kind = ACCESS_GROUP;
    assert(a->kind != ACCESS_DIRECT || a->low < a->high);
}

void access_fini(struct access *a)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&a->members, &it); n != NULL; n = map_next(&it))
        free(CONTAINER_OF(n, struct access_member, node));
    map_fini(&a->members);
    free(a->title);
    a->title = NULL;
    free(a->settings);
    a->settings = NULL;
}

const struct access_member *access_get(const struct access *a, uint64_t user)
{
    struct map_node *n = map_find(&a->members, map_hash_id(user), member_eq, &user);

    return n != NULL ? CONTAINER_OF(n, struct access_member, node) : NULL;
}

static void set_member(struct access *a, const struct access_member *m, struct str name)
{
    struct map_node *old = map_find(&a->members, map_hash_id(m->user), member_eq, &m->user);
    struct access_member *copy;
    size_t n = MIN(name.n, (size_t)UINT8_MAX);

    assert(m->role < ACCESS_UNKNOWN);
    if (old != NULL) {
        map_remove(&a->members, old);
        free(CONTAINER_OF(old, struct access_member, node));
    }
    if (m->role == ACCESS_NONE)
        return;
    copy = mem_bytes(sizeof(*copy) + n);
    *copy = *m;
    copy->name_n = (uint8_t)n;
    if (n > 0)
        memcpy(copy->name, name.p, n);
    map_add(&a->members, &copy->node, map_hash_id(m->user));
}

static void set_title(struct access *a, struct str title)
{
    free(a->title);
    a->title = title.n > 0 ? str_dup(title) : NULL;
}

/* False, and nothing changes, if the bytes are no settings. */
static bool set_settings(struct access *a, struct str bytes)
{
    struct settings *s = mem_bytes(sizeof(*s) + bytes.n);

    if (bytes.n > 0)
        memcpy(s + 1, bytes.p, bytes.n);
    if (!settings_decode((struct str){(const uint8_t *)(s + 1), bytes.n}, s)) {
        free(s);
        return false;
    }
    free(a->settings);
    a->settings = s;
    return true;
}

/* Whose room it is, as it was made: nothing later changes that. */
static void set_people(struct access *a, struct str people)
{
    struct access_member m = {.role = ACCESS_MEMBER};
    struct str name;

    if (map_n(&a->members) > 0)
        return;
    while (map_n(&a->members) < GROUP_MAX && group_next(&people, &m.user, &name))
        set_member(a, &m, name);
}

bool access_apply(struct access *a, const struct entry *e)
{
    if (e->kind == ENTRY_ROOM) {
        bool created = e->room_kind.n > 0;

        if (created && a->kind <= ACCESS_PRIVATE && !a->open)
            a->kind = str_eq(e->room_kind, STR("private")) ? ACCESS_PRIVATE : ACCESS_PUBLIC;
        set_title(a, e->title);
        if (a->kind == ACCESS_GROUP)
            set_people(a, e->people);
        if (e->settings.n > 0 && a->kind != ACCESS_SELF && a->kind != ACCESS_AUDIT)
            (void)set_settings(a, e->settings);
        if (created && a->kind <= ACCESS_PRIVATE && e->from_id > 0 && !a->open)
            set_member(a, &(struct access_member){.user = e->from_id, .role = ACCESS_OWNER},
                       e->from_name);
        return true;
    }
    if (e->kind == ENTRY_MEMBER || (e->kind == ENTRY_ACT && a->kind == ACCESS_AUDIT)) {
        enum access_role role = access_role_find(e->role);

        if (role != ACCESS_UNKNOWN && a->kind != ACCESS_GROUP)
            set_member(
                a,
                &(struct access_member){.user = e->user_id, .until_ms = e->until_ms, .role = role},
                e->user_name);
        return true;
    }
    return false;
}

const struct access_purge *access_purged(const struct access *a, uint64_t user, uint64_t seq)
{
    for (unsigned i = 0; i < a->purges_n; i++)
        if (a->purges[i].user == user && seq <= a->purges[i].upto)
            return &a->purges[i];
    return NULL;
}

static void note_purge(struct access *a, uint64_t seq, const struct entry *e)
{
    unsigned i = 0;

    if (e->act.n > 0) {
        if (a->purges_n < ACCESS_PURGES_MAX)
            a->purges[a->purges_n++] =
                (struct access_purge){.user = e->user_id, .upto = e->target, .seq = seq};
        return;
    }
    while (i < a->purges_n && a->purges[i].user != e->user_id)
        i++;
    if (i == a->purges_n)
        return;
    a->purges[i].done = MAX(a->purges[i].done, e->target);
    if (a->purges[i].done < a->purges[i].upto)
        return;
    a->purges_n--;
    memmove(a->purges + i, a->purges + i + 1, (a->purges_n - i) * sizeof(a->purges[0]));
}

void access_note(struct access *a, uint64_t seq, const struct entry *e)
{
    if (e->kind == ENTRY_PURGE)
        note_purge(a, seq, e);
    if (a->kind == ACCESS_AUDIT)
        a->act = MAX(a->act, e->act_seq);
    else if (e->act.n > 0 && a->kind <= ACCESS_PRIVATE)
        a->act = seq;
}

bool access_ends(const struct access *a, const struct entry *e, uint64_t now_ms)
{
    bool concerns = e->kind == ENTRY_MEMBER || (e->kind == ENTRY_ACT && a->kind == ACCESS_AUDIT);

    if (!concerns || e->user_id == 0)
        return false;
    return act_is_kick(e) || access_read(a, e->user_id, false, now_ms) != ERROR_NONE;
}

uint64_t access_until_ms(const struct access *a, uint64_t user)
{
    const struct access_member *m = access_get(a, user);

    return m != NULL ? m->until_ms : 0;
}

const struct settings *access_settings(const struct access *a)
{
    static const struct settings none = {0};

    return a->settings != NULL ? a->settings : &none;
}

enum access_role access_role(const struct access *a, uint64_t user, uint64_t now_ms)
{
    const struct access_member *m = access_get(a, user);

    if (m == NULL)
        return ACCESS_NONE;
    if (m->until_ms > 0 && m->until_ms <= now_ms) {
        if (m->role == ACCESS_MUTED)
            return ACCESS_MEMBER;
        if (m->role == ACCESS_BANNED)
            return ACCESS_NONE;
    }
    return m->role;
}

/* The table, as C. */

enum { PLACES = ACCESS_UNKNOWN + 1 }; /* the roles, and the server's owner behind them */

#define ERROR_yes ERROR_NONE
#define RIGHT(name, what)
#define STOP(setting, right, code)
#define HOLD(setting, right, code)

static const enum error_code by_role[ACCESS_TO_any][ACCESS_DIRECT][PLACES] = {
#define PEOPLE(right, kind, others, theirs)
#define ROOM(right, kind, none, member, moderator, owner, muted, banned, super)             \
    [ACCESS_TO_##right][ACCESS_##kind] = {ERROR_##none,  ERROR_##member, ERROR_##moderator, \
                                          ERROR_##owner, ERROR_##muted,  ERROR_##banned,    \
                                          ERROR_##super},
#include "chat/model/access.tbl"
#undef ROOM
#undef PEOPLE
};

/* Of direct rooms and own logs: for others, for those whose room it is. */
static const enum error_code by_id[ACCESS_TO_any][ACCESS_GROUP + 1 - ACCESS_DIRECT][2] = {
#define ROOM(right, kind, none, member, moderator, owner, muted, banned, super)
#define PEOPLE(right, kind, others, theirs) \
    [ACCESS_TO_##right][ACCESS_##kind - ACCESS_DIRECT] = {ERROR_##others, ERROR_##theirs},
#include "chat/model/access.tbl"
#undef PEOPLE
};
#undef STOP
#undef HOLD
#define PEOPLE(right, kind, others, theirs)

enum chosen {
    CHOSEN_deleted,
    CHOSEN_archived,
    CHOSEN_announcement,
    CHOSEN_moderators_invite,
    CHOSEN_moderators_pin,
    CHOSEN_moderators_mention,
};

static const struct {
    uint8_t setting, right, code;
    bool spares;
} by_setting[] = {
#define STOP(setting, right, code) {CHOSEN_##setting, ACCESS_TO_##right, ERROR_##code, false},
#define HOLD(setting, right, code) {CHOSEN_##setting, ACCESS_TO_##right, ERROR_##code, true},
#include "chat/model/access.tbl"
#undef STOP
#undef HOLD
#undef ROOM
#undef PEOPLE
#undef RIGHT
};

_Static_assert(ERROR_N <= UINT8_MAX, "by_setting holds an error");

static bool is_chosen(const struct settings *s, enum chosen what)
{
    switch (what) {
    case CHOSEN_deleted:
        return s->deleted;
    case CHOSEN_archived:
        return s->archived;
    case CHOSEN_announcement:
        return s->announcement;
    case CHOSEN_moderators_invite:
        return !s->members_invite;
    case CHOSEN_moderators_pin:
        return s->moderators_pin;
    case CHOSEN_moderators_mention:
        return s->moderators_mention;
    }
    return false;
}

static enum error_code access_chosen(const struct access *a, enum access_right right, bool spared)
{
    const struct settings *s = access_settings(a);

    for (unsigned i = 0; i < COUNTOF(by_setting); i++) {
        if (by_setting[i].right != right && by_setting[i].right != ACCESS_TO_any)
            continue;
        if (is_chosen(s, (enum chosen)by_setting[i].setting) && !(spared && by_setting[i].spares))
            return (enum error_code)by_setting[i].code;
    }
    return ERROR_NONE;
}

static bool is_theirs(const struct access *a, uint64_t user)
{
    if (a->kind == ACCESS_GROUP)
        return access_get(a, user) != NULL;
    return user == a->low || (a->kind == ACCESS_DIRECT && user == a->high);
}

enum error_code access_may(const struct access *a, uint64_t user, bool super,
                           enum access_right right, uint64_t now_ms)
{
    enum access_role role;
    enum error_code e;
    bool spared;

    assert(right < ACCESS_TO_any);
    if (a->kind >= ACCESS_DIRECT)
        return by_id[right][a->kind - ACCESS_DIRECT][is_theirs(a, user)];
    role = access_role(a, user, now_ms);
    spared = super || role == ACCESS_OWNER || role == ACCESS_MODERATOR;
    e = by_role[right][a->kind][super ? PLACES - 1 : (unsigned)role];
    return e != ERROR_NONE ? e : access_chosen(a, right, spared);
}

enum error_code access_read(const struct access *a, uint64_t user, bool super, uint64_t now_ms)
{
    return access_may(a, user, super, ACCESS_TO_read, now_ms);
}

enum error_code access_write(const struct access *a, uint64_t user, bool super, uint64_t now_ms,
                             uint64_t *ret_until_ms)
{
    enum error_code e = access_may(a, user, super, ACCESS_TO_write, now_ms);

    *ret_until_ms = e == ERROR_muted ? access_until_ms(a, user) : 0;
    return e;
}

bool access_moderates(const struct access *a, uint64_t user, bool super, uint64_t now_ms)
{
    return access_may(a, user, super, ACCESS_TO_moderate, now_ms) == ERROR_NONE;
}

static bool is_high(enum access_role role)
{
    return role == ACCESS_OWNER || role == ACCESS_MODERATOR;
}

static bool is_held(enum access_role role)
{
    return role == ACCESS_MUTED || role == ACCESS_BANNED;
}

/* Which right it takes to give the role to somebody who has another. */
static enum access_right right_to_give(enum access_role role, enum access_role theirs)
{
    if (is_high(role) || is_high(theirs))
        return ACCESS_TO_appoint;
    return role == ACCESS_MEMBER && !is_held(theirs) ? ACCESS_TO_invite : ACCESS_TO_hold;
}

enum error_code access_grant(const struct access *a, uint64_t by, bool super, uint64_t user,
                             enum access_role role, uint64_t now_ms)
{
    enum access_role theirs = access_role(a, user, now_ms);
    enum access_right right = right_to_give(role, theirs);

    if (by == user && role == ACCESS_NONE && !is_held(theirs))
        right = ACCESS_TO_leave;
    return access_may(a, by, super, right, now_ms);
}

static void encode_settings(const struct settings *s, struct json_out *o)
{
    struct buf bytes CLEANUP(buf_fini), hex CLEANUP(buf_fini);

    buf_init(&bytes, SETTINGS_BYTES_MAX);
    buf_init(&hex, 2 * SETTINGS_BYTES_MAX);
    settings_encode(s, &bytes);
    for (size_t i = 0; i < buf_len(&bytes); i++) {
        char two[2];

        (void)hex_write(two, buf_peek(&bytes).p + i, 1);
        buf_append(&hex, (struct str){(const uint8_t *)two, 2});
    }
    json_out_field_str(o, "settings", buf_peek(&hex));
}

static void encode_purges(const struct access *a, struct json_out *o)
{
    json_out_key(o, "purges");
    json_out_array(o);
    for (unsigned i = 0; i < a->purges_n; i++) {
        json_out_u64(o, a->purges[i].user);
        json_out_u64(o, a->purges[i].upto);
        json_out_u64(o, a->purges[i].done);
        json_out_u64(o, a->purges[i].seq);
    }
    json_out_array_end(o);
}

void access_encode(const struct access *a, const struct gone *g, uint64_t at, struct buf *out)
{
    struct json_out o;
    struct map_iter it;

    json_out_init(&o, out);
    json_out_object(&o);
    json_out_field_u64(&o, "at", at);
    /* Of a node that knows no groups the room's people are its members, and nobody else's. */
    json_out_field_str(
        &o, "kind", str_of(access_kind_name(a->kind == ACCESS_GROUP ? ACCESS_PRIVATE : a->kind)));
    if (a->act > 0)
        json_out_field_u64(&o, "act", a->act);
    json_out_field_str(&o, "title", str_of(a->title != NULL ? a->title : ""));
    json_out_key(&o, "members");
    json_out_array(&o);
    for (struct map_node *n = map_first(&a->members, &it); n != NULL; n = map_next(&it)) {
        const struct access_member *m = CONTAINER_OF(n, struct access_member, node);

        json_out_array(&o);
        json_out_u64(&o, m->user);
        json_out_str(&o, str_of(access_role_name(m->role)));
        json_out_u64(&o, m->until_ms);
        json_out_str(&o, (struct str){(const uint8_t *)m->name, m->name_n});
        json_out_array_end(&o);
    }
    json_out_array_end(&o);
    if (a->settings != NULL)
        encode_settings(a->settings, &o);
    if (a->purges_n > 0)
        encode_purges(a, &o);
    if (g->n > 0) {
        json_out_key(&o, "deleted");
        gone_encode(g, &o);
    }
    json_out_object_end(&o);
}

static bool decode_member(struct access *a, struct json *j)
{
    struct access_member m = {0};

    if (json_next(j) != JSON_INT || j->i64 <= 0)
        return false;
    m.user = (uint64_t)j->i64;
    if (json_next(j) != JSON_STRING)
        return false;
    m.role = access_role_find(j->str);
    if (m.role == ACCESS_UNKNOWN || json_next(j) != JSON_INT || j->i64 < 0)
        return false;
    m.until_ms = (uint64_t)j->i64;
    if (json_next(j) != JSON_STRING)
        return false;
    set_member(a, &m, j->str);
    return json_next(j) == JSON_ARRAY_END;
}

static bool decode_members(struct access *a, struct json *j)
{
    enum json_token t;

    while ((t = json_next(j)) != JSON_ARRAY_END)
        if (t != JSON_ARRAY || !decode_member(a, j))
            return false;
    return true;
}

static bool decode_purges(struct access *a, struct json *j)
{
    uint64_t n[4];
    unsigned at = 0;
    enum json_token t;

    while ((t = json_next(j)) != JSON_ARRAY_END) {
        if (t != JSON_INT || j->i64 < 0 || a->purges_n == ACCESS_PURGES_MAX)
            return false;
        n[at++] = (uint64_t)j->i64;
        if (at < COUNTOF(n))
            continue;
        a->purges[a->purges_n++] = (struct access_purge){n[0], n[1], n[2], n[3]};
        at = 0;
    }
    return at == 0;
}

static bool decode_settings(struct access *a, struct str hex)
{
    uint8_t *bytes = mem_bytes(hex.n / 2 + 1);
    bool ok = hex.n % 2 == 0;

    for (size_t i = 0; ok && i < hex.n; i += 2) {
        uint64_t byte = 0;

        ok = hex_number((struct str){hex.p + i, 2}, &byte);
        bytes[i / 2] = (uint8_t)byte;
    }
    ok = ok && set_settings(a, (struct str){bytes, hex.n / 2});
    free(bytes);
    return ok;
}

static bool decode(struct access *a, struct gone *g, struct json *j, uint64_t *ret_at)
{
    enum json_token t;

    if (json_next(j) != JSON_OBJECT)
        return false;
    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if (t == JSON_INT && str_eq(j->key, STR("at")))
            *ret_at = (uint64_t)j->i64;
        else if (t == JSON_INT && str_eq(j->key, STR("act")))
            a->act = (uint64_t)j->i64;
        else if (t == JSON_STRING && str_eq(j->key, STR("kind")) && a->kind <= ACCESS_PRIVATE &&
                 !a->open)
            a->kind = str_eq(j->str, STR("private")) ? ACCESS_PRIVATE : ACCESS_PUBLIC;
        else if (t == JSON_STRING && str_eq(j->key, STR("title")))
            set_title(a, j->str);
        else if (t == JSON_STRING && str_eq(j->key, STR("settings"))) {
            if (!decode_settings(a, j->str))
                return false;
        } else if (t == JSON_ARRAY && str_eq(j->key, STR("members"))) {
            if (!decode_members(a, j))
                return false;
        } else if (t == JSON_ARRAY && str_eq(j->key, STR("purges"))) {
            if (!decode_purges(a, j))
                return false;
        } else if (t == JSON_ARRAY && str_eq(j->key, STR("deleted"))) {
            if (!gone_decode(g, j))
                return false;
        } else if (!json_skip(j, t))
            return false;
    }
    return json_next(j) == JSON_END;
}

bool access_decode(struct access *a, struct gone *g, struct str record, uint64_t *ret_at)
{
    uint8_t *copy = (uint8_t *)str_dup(record); /* reading unescapes in place */
    struct json j;
    bool ok;

    json_init(&j, copy, record.n, 4);
    ok = decode(a, g, &j, ret_at);
    free(copy);
    return ok;
}

unsigned access_people(const struct access *a, uint64_t ret_ids[static GROUP_MAX])
{
    struct group g = {0};
    struct map_iter it;
    bool added = a->kind == ACCESS_GROUP || (group_add(&g, a->low) && group_add(&g, a->high));

    assert(a->kind == ACCESS_DIRECT || a->kind == ACCESS_GROUP);
    for (struct map_node *n = map_first(&a->members, &it);
         added && a->kind == ACCESS_GROUP && n != NULL; n = map_next(&it))
        added = group_add(&g, CONTAINER_OF(n, struct access_member, node)->user);
    memcpy(ret_ids, g.ids, g.n * sizeof(g.ids[0]));
    return g.n;
}

const char *access_role_name(enum access_role r)
{
    assert(r < COUNTOF(role_names));
    return role_names[r];
}

const char *access_kind_name(enum access_kind k)
{
    assert(k < COUNTOF(kind_names));
    return kind_names[k];
}

enum access_role access_role_find(struct str name)
{
    for (unsigned i = 0; i < COUNTOF(role_names); i++)
        if (str_eq(name, str_of(role_names[i])))
            return (enum access_role)i;
    return ACCESS_UNKNOWN;
}
