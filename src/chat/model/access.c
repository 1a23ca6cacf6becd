#include "chat/model/access.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

static const char *const role_names[] = {"none", "member", "moderator", "owner", "muted", "banned"};
static const char *const kind_names[] = {"public", "private", "direct", "self"};

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

void access_init(struct access *a, struct str room)
{
    *a = (struct access){.kind = ACCESS_PUBLIC, .open = str_eq(room, STR("general"))};
    map_init(&a->members);
    if (access_direct_peers(room, &a->low, &a->high))
        a->kind = ACCESS_DIRECT;
    else if (room.n > 1 && room.p[0] == '@' && str_to_u64(str_skip(room, 1), &a->low))
        a->kind = ACCESS_SELF;
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

bool access_apply(struct access *a, const struct entry *e)
{
    if (e->kind == ENTRY_ROOM) {
        bool created = e->room_kind.n > 0;

        if (created && a->kind <= ACCESS_PRIVATE && !a->open)
            a->kind = str_eq(e->room_kind, STR("private")) ? ACCESS_PRIVATE : ACCESS_PUBLIC;
        set_title(a, e->title);
        if (created && a->kind <= ACCESS_PRIVATE && e->from_id > 0 && !a->open)
            set_member(a, &(struct access_member){.user = e->from_id, .role = ACCESS_OWNER},
                       e->from_name);
        return true;
    }
    if (e->kind == ENTRY_MEMBER) {
        enum access_role role = access_role_find(e->role);

        if (role != ACCESS_UNKNOWN)
            set_member(
                a,
                &(struct access_member){.user = e->user_id, .until_ms = e->until_ms, .role = role},
                e->user_name);
        return true;
    }
    return false;
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

enum error_code access_read(const struct access *a, uint64_t user, bool super, uint64_t now_ms)
{
    enum access_role role;

    if (a->kind == ACCESS_DIRECT)
        return user == a->low || user == a->high ? ERROR_NONE : ERROR_not_member;
    if (a->kind == ACCESS_SELF)
        return user == a->low ? ERROR_NONE : ERROR_not_member;
    role = access_role(a, user, now_ms);
    if (super)
        return ERROR_NONE;
    if (role == ACCESS_BANNED)
        return ERROR_banned;
    return a->kind == ACCESS_PUBLIC || role != ACCESS_NONE ? ERROR_NONE : ERROR_not_member;
}

enum error_code access_write(const struct access *a, uint64_t user, bool super, uint64_t now_ms,
                             uint64_t *ret_until_ms)
{
    enum error_code e = access_read(a, user, super, now_ms);

    *ret_until_ms = 0;
    if (e != ERROR_NONE)
        return e;
    if (a->kind == ACCESS_SELF)
        return ERROR_forbidden; /* the server alone writes there */
    if (access_role(a, user, now_ms) == ACCESS_MUTED && !super) {
        *ret_until_ms = access_get(a, user)->until_ms;
        return ERROR_muted;
    }
    return ERROR_NONE;
}

bool access_moderates(const struct access *a, uint64_t user, bool super, uint64_t now_ms)
{
    enum access_role role = access_role(a, user, now_ms);

    if (a->kind == ACCESS_DIRECT || a->kind == ACCESS_SELF)
        return false;
    return super || role == ACCESS_OWNER || role == ACCESS_MODERATOR;
}

enum error_code access_grant(const struct access *a, uint64_t by, bool super, uint64_t user,
                             enum access_role role, uint64_t now_ms)
{
    enum access_role mine = super ? ACCESS_OWNER : access_role(a, by, now_ms);
    enum access_role theirs = access_role(a, user, now_ms);

    if (a->kind == ACCESS_DIRECT || a->kind == ACCESS_SELF)
        return ERROR_forbidden;
    if (by == user && role == ACCESS_NONE && theirs != ACCESS_BANNED && theirs != ACCESS_MUTED)
        return ERROR_NONE; /* to leave for good */
    if (mine == ACCESS_OWNER)
        return ERROR_NONE;
    if (mine == ACCESS_MODERATOR && theirs != ACCESS_OWNER && theirs != ACCESS_MODERATOR &&
        role != ACCESS_OWNER && role != ACCESS_MODERATOR)
        return ERROR_NONE;
    return ERROR_forbidden;
}

void access_encode(const struct access *a, const struct gone *g, uint64_t at, struct buf *out)
{
    struct json_out o;
    struct map_iter it;

    json_out_init(&o, out);
    json_out_object(&o);
    json_out_field_u64(&o, "at", at);
    json_out_field_str(&o, "kind", str_of(access_kind_name(a->kind)));
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

static bool decode(struct access *a, struct gone *g, struct json *j, uint64_t *ret_at)
{
    enum json_token t;

    if (json_next(j) != JSON_OBJECT)
        return false;
    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if (t == JSON_INT && str_eq(j->key, STR("at")))
            *ret_at = (uint64_t)j->i64;
        else if (t == JSON_STRING && str_eq(j->key, STR("kind")) && a->kind <= ACCESS_PRIVATE &&
                 !a->open)
            a->kind = str_eq(j->str, STR("private")) ? ACCESS_PRIVATE : ACCESS_PUBLIC;
        else if (t == JSON_STRING && str_eq(j->key, STR("title")))
            set_title(a, j->str);
        else if (t == JSON_ARRAY && str_eq(j->key, STR("members"))) {
            if (!decode_members(a, j))
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
