#include "lib/sim_frame.h"

#include "base/json.h"
#include "base/str.h"

enum { DEPTH = 12 };

static const char *const names[] = {
    [ENTRY_MESSAGE] = "message", [ENTRY_EDIT] = "edit",       [ENTRY_DELETE] = "delete",
    [ENTRY_REACT] = "react",     [ENTRY_ROOM] = "room",       [ENTRY_MEMBER] = "member",
    [ENTRY_INVITE] = "invite",   [ENTRY_LOST] = "lost",       [ENTRY_PREF] = "pref",
    [ENTRY_BLOCK] = "block",     [ENTRY_PROFILE] = "profile", [ENTRY_ACT] = "act",
    [ENTRY_PURGE] = "purge",
};

static uint8_t kind_of(struct str name)
{
    for (uint8_t i = 1; i < COUNTOF(names); i++)
        if (str_eq(name, str_of(names[i])))
            return i;
    return 0;
}

/* {"id":7,"name":"ana"} */
static bool read_user(struct json *j, uint64_t *ret_id, struct str *ret_name)
{
    enum json_token t;

    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if (t == JSON_INT && str_eq(j->key, STR("id")))
            *ret_id = (uint64_t)j->i64;
        else if (t == JSON_STRING && str_eq(j->key, STR("name")))
            *ret_name = j->str;
        else if (!json_skip(j, t))
            return false;
    }
    return true;
}

/* {"seq":7,"count":5} */
static bool read_head(struct json *j, uint64_t *ret_seq)
{
    enum json_token t;

    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if (t == JSON_INT && str_eq(j->key, STR("seq")))
            *ret_seq = (uint64_t)j->i64;
        else if (!json_skip(j, t))
            return false;
    }
    return true;
}

static bool event_number(struct sim_event *v, struct str key, uint64_t n)
{
    struct {
        struct str key;
        uint64_t *to;
    } const fields[] = {
        {STR("seq"), &v->seq},
        {STR("rev"), &v->rev},
        {STR("count"), &v->entry.count},
        {STR("ts"), &v->entry.ts_ms},
        {STR("target"), &v->entry.target},
        {STR("reply_to"), &v->entry.reply_to},
        {STR("until"), &v->entry.until_ms},
        {STR("from"), &v->from},
        {STR("to"), &v->to},
        {STR("epoch"), &v->epoch},
        {STR("delay_ms"), &v->delay_ms},
    };

    for (size_t i = 0; i < COUNTOF(fields); i++)
        if (str_eq(key, fields[i].key))
            *fields[i].to = n;
    if (str_eq(key, STR("edited")))
        v->edited = true;
    return true;
}

static bool event_string(struct sim_event *v, struct str key, struct str s)
{
    struct {
        struct str key;
        struct str *to;
    } const fields[] = {
        {STR("event"), &v->name},           {STR("room"), &v->room},
        {STR("text"), &v->entry.text},      {STR("cid"), &v->entry.cid},
        {STR("emoji"), &v->entry.emoji},    {STR("title"), &v->entry.title},
        {STR("kind"), &v->entry.room_kind}, {STR("role"), &v->entry.role},
        {STR("to"), &v->entry.room},
    };

    for (size_t i = 0; i < COUNTOF(fields); i++)
        if (str_eq(key, fields[i].key))
            *fields[i].to = s;
    return true;
}

static bool event_object(struct sim_event *v, struct json *j)
{
    if (str_eq(j->key, STR("from")))
        return read_user(j, &v->entry.from_id, &v->entry.from_name);
    if (str_eq(j->key, STR("user")))
        return read_user(j, &v->entry.user_id, &v->entry.user_name);
    if (str_eq(j->key, STR("head")))
        return read_head(j, &v->head);
    return json_skip(j, JSON_OBJECT);
}

static bool event_member(struct sim_event *v, struct json *j, enum json_token t)
{
    if (t == JSON_INT)
        return event_number(v, j->key, (uint64_t)j->i64);
    if (t == JSON_STRING)
        return event_string(v, j->key, j->str);
    if (t == JSON_OBJECT)
        return event_object(v, j);
    if (t == JSON_TRUE && str_eq(j->key, STR("on")))
        v->entry.on = true;
    else if (t == JSON_TRUE && str_eq(j->key, STR("kick")))
        v->entry.act = STR("kick");
    else if (t == JSON_TRUE && str_eq(j->key, STR("deleted")))
        v->deleted = true;
    else
        return json_skip(j, t);
    return true;
}

static bool read_line(struct sim_event *v, struct json *j)
{
    enum json_token t;

    *v = (struct sim_event){0};
    while ((t = json_next(j)) != JSON_OBJECT_END)
        if (!event_member(v, j, t))
            return false;
    v->entry.kind = kind_of(v->name);
    return true;
}

static bool read_lines(struct sim_frame *f, struct json *j)
{
    enum json_token t;

    while ((t = json_next(j)) != JSON_ARRAY_END)
        if (t != JSON_OBJECT || f->lines_n == SIM_FRAME_LINES_MAX ||
            !read_line(&f->lines[f->lines_n++], j))
            return false;
    return true;
}

static bool read_error(struct sim_frame *f, struct json *j, struct str *ret_code)
{
    enum json_token t;

    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if (t == JSON_STRING && str_eq(j->key, STR("code")))
            *ret_code = j->str;
        else if (t == JSON_INT && str_eq(j->key, STR("retry_after_ms")))
            f->retry_after_ms = (uint64_t)j->i64;
        else if (!json_skip(j, t))
            return false;
    }
    return true;
}

static bool read_joined(struct sim_frame *f, struct sim_joined *r, struct json *j)
{
    enum json_token t;

    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if (t == JSON_INT && str_eq(j->key, STR("epoch"))) {
            r->epoch = (uint64_t)j->i64;
        } else if (t == JSON_STRING && str_eq(j->key, STR("id"))) {
            r->room = j->str;
        } else if (t == JSON_STRING && str_eq(j->key, STR("kind"))) {
            r->kind = j->str;
        } else if (t == JSON_TRUE && str_eq(j->key, STR("reset"))) {
            r->reset = true;
        } else if (t == JSON_OBJECT && str_eq(j->key, STR("head"))) {
            if (!read_head(j, &r->head))
                return false;
        } else if (t == JSON_OBJECT && str_eq(j->key, STR("error"))) {
            if (!read_error(f, j, &r->refused))
                return false;
        } else if (!json_skip(j, t)) {
            return false;
        }
    }
    return true;
}

static struct sim_joined *add_room(struct sim_frame *f, struct str room)
{
    struct sim_joined *r = &f->rooms[f->rooms_n++];

    *r = (struct sim_joined){.room = room};
    return r;
}

/* resume: {"general": {...}, ...} */
static bool read_rooms(struct sim_frame *f, struct json *j)
{
    enum json_token t;

    while ((t = json_next(j)) != JSON_OBJECT_END)
        if (t != JSON_OBJECT || f->rooms_n == SIM_FRAME_ROOMS_MAX ||
            !read_joined(f, add_room(f, j->key), j))
            return false;
    return true;
}

static bool ok_member(struct sim_frame *f, struct json *j, enum json_token t)
{
    struct str name;

    if (t == JSON_INT && str_eq(j->key, STR("seq")))
        f->seq = (uint64_t)j->i64;
    else if (t == JSON_INT && str_eq(j->key, STR("epoch")))
        f->epoch = (uint64_t)j->i64;
    else if (t == JSON_STRING && str_eq(j->key, STR("token")))
        f->token = j->str;
    else if (t == JSON_INT && str_eq(j->key, STR("count")))
        f->count = (uint64_t)j->i64;
    else if (t == JSON_TRUE && str_eq(j->key, STR("duplicate")))
        f->duplicate = true;
    else if (t == JSON_TRUE && str_eq(j->key, STR("more")))
        f->more = true;
    else if (t == JSON_TRUE && str_eq(j->key, STR("reset")) && f->rooms_n == 1)
        f->rooms[0].reset = true;
    else if (t == JSON_OBJECT && str_eq(j->key, STR("room")))
        return f->rooms_n == 0 && read_joined(f, add_room(f, (struct str){0}), j);
    else if (t == JSON_OBJECT && str_eq(j->key, STR("rooms")))
        return read_rooms(f, j);
    else if (t == JSON_OBJECT && str_eq(j->key, STR("user")))
        return read_user(j, &f->user, &name);
    else if (t == JSON_OBJECT && str_eq(j->key, STR("head")))
        return read_head(j, &f->head);
    else if (t == JSON_ARRAY && str_eq(j->key, STR("entries")))
        return read_lines(f, j);
    else
        return json_skip(j, t);
    return true;
}

static bool read_ok(struct sim_frame *f, struct json *j)
{
    enum json_token t;

    while ((t = json_next(j)) != JSON_OBJECT_END)
        if (!ok_member(f, j, t))
            return false;
    return true;
}

static bool top_member(struct sim_frame *f, struct json *j, enum json_token t)
{
    if (t == JSON_INT && str_eq(j->key, STR("id")))
        f->id = (uint64_t)j->i64;
    else if (t == JSON_OBJECT && str_eq(j->key, STR("ok")))
        return read_ok(f, j);
    else if (t == JSON_OBJECT && str_eq(j->key, STR("error")))
        return read_error(f, j, &f->code);
    else if (t == JSON_STRING && str_eq(j->key, STR("token")))
        f->token = j->str;
    else if (t == JSON_OBJECT && str_eq(j->key, STR("user")))
        return read_user(j, &f->user, &f->event.entry.user_name) &&
               (f->event.entry.user_id = f->user, true);
    else
        return event_member(&f->event, j, t);
    return true;
}

bool sim_frame_read(struct sim_frame *f, uint8_t *p, size_t n)
{
    enum json_token t;
    struct json j;

    memset(f, 0, offsetof(struct sim_frame, rooms));
    json_init(&j, p, n, DEPTH);
    if (json_next(&j) != JSON_OBJECT)
        return false;
    while ((t = json_next(&j)) != JSON_OBJECT_END)
        if (t == JSON_ERROR || !top_member(f, &j, t))
            return false;
    f->event.entry.kind = kind_of(f->event.name);
    return json_next(&j) == JSON_END;
}
