#include "server/sio/sio_event.h"

#include "base/json.h"
#include "base/str.h"
#include "wire/socketio.h"

static const struct {
    const char *name;
    enum command_id id;
    const char *more; /* what it says besides */
} tutorials[] = {
    {"join room", COMMAND_join, NULL},     {"joinRoom", COMMAND_join, NULL},
    {"join_room", COMMAND_join, NULL},     {"join-room", COMMAND_join, NULL},
    {"leave room", COMMAND_leave, NULL},   {"leaveRoom", COMMAND_leave, NULL},
    {"leave_room", COMMAND_leave, NULL},   {"leave-room", COMMAND_leave, NULL},
    {"chat message", COMMAND_send, NULL},  {"chatMessage", COMMAND_send, NULL},
    {"chat_message", COMMAND_send, NULL},  {"chat-message", COMMAND_send, NULL},
    {"send message", COMMAND_send, NULL},  {"sendMessage", COMMAND_send, NULL},
    {"send_message", COMMAND_send, NULL},  {"send-message", COMMAND_send, NULL},
    {"new message", COMMAND_send, NULL},   {"message", COMMAND_send, NULL},
    {"stop typing", COMMAND_typing, "on"}, {"stopTyping", COMMAND_typing, "on"},
    {"stop_typing", COMMAND_typing, "on"}, {"stop-typing", COMMAND_typing, "on"},
};

static bool is_object(struct str arg)
{
    return arg.n > 0 && arg.p[0] == '{';
}

static bool is_string(struct str arg)
{
    return arg.n > 0 && arg.p[0] == '"';
}

/* The members of an object, without its braces. */
static void put_members(struct json_out *o, struct str object)
{
    struct str inside = {object.p + 1, object.n - 2};

    while (inside.n > 0 && inside.p[0] <= ' ')
        inside = str_skip(inside, 1);
    if (inside.n == 0)
        return;
    if (o->comma)
        buf_append_byte(o->buf, ',');
    buf_append(o->buf, inside);
    o->comma = true;
}

/* Which parameter a lone argument is, beside the room. */
static const char *lone(enum command_id id)
{
    return id == COMMAND_send    ? "text"
           : id == COMMAND_users ? "query"
           : id == COMMAND_dm    ? "user"
           : id == COMMAND_auth  ? "token"
                                 : NULL;
}

static bool has_room(enum command_id id)
{
    return id == COMMAND_join || id == COMMAND_leave || id == COMMAND_send ||
           id == COMMAND_typing || id == COMMAND_history || id == COMMAND_presence ||
           id == COMMAND_members;
}

/* What other servers' clients call a parameter. */
static const struct {
    const char *name, *is;
} aliases[] = {
    {"msg", "text"},       {"data", "text"},    {"content", "text"},  {"body", "text"},
    {"roomId", "room"},    {"room_id", "room"}, {"roomName", "room"}, {"channel", "room"},
    {"username", "query"}, {"name", "query"},
};

/* The value of a member, "name": value, if it has that name. */
static bool member_is(struct str member, const char *name, struct str *ret_value)
{
    size_t n = strlen(name);
    struct str rest;

    if (member.n < n + 3 || member.p[0] != '"' || memcmp(member.p + 1, name, n) != 0 ||
        member.p[n + 1] != '"')
        return false;
    rest = str_skip(member, n + 2);
    while (rest.n > 0 && (rest.p[0] <= ' ' || rest.p[0] == ':'))
        rest = str_skip(rest, 1);
    *ret_value = rest;
    return true;
}

/* The member of an object's inside with that name. */
static bool member_get(struct str inside, const char *name, struct str *ret_value)
{
    struct str member;

    while (socketio_arg_next(&inside, &member))
        if (member_is(member, name, ret_value))
            return true;
    return false;
}

/* Writes what is, a string, unless the object has it already, under the first other name that
 * the object has for it. False if it has none. */
static bool put_alias(struct json_out *o, struct str inside, const char *is)
{
    struct str value;

    if (member_get(inside, is, &value))
        return true;
    for (size_t i = 0; i < COUNTOF(aliases); i++) {
        if (!str_eq(str_of(aliases[i].is), str_of(is)) ||
            !member_get(inside, aliases[i].name, &value) || !is_string(value))
            continue;
        json_out_key(o, is);
        json_out_raw(o, value);
        return true;
    }
    return false;
}

/* The members of an object, and what it leaves out. room: the one that is meant then; no
 * string: it was given already. */
static void put_object(struct json_out *o, enum command_id id, struct str object, struct str room)
{
    struct str inside = {object.p + 1, object.n - 2}, value;

    assert(is_object(object) && object.n >= 2);
    put_members(o, object);
    if (has_room(id) && room.p != NULL && !put_alias(o, inside, "room"))
        json_out_field_str(o, "room", room);
    if ((id == COMMAND_send || id == COMMAND_edit) && !member_get(inside, "message", &value))
        (void)put_alias(o, inside, "text");
    if (id == COMMAND_users)
        (void)put_alias(o, inside, "query");
}

/* Arguments one by one: the room, what there is to say, an object of the rest. */
static void put_args(struct json_out *o, enum command_id id, struct str args, struct str room)
{
    struct str first = {0}, second = {0};
    const char *name = lone(id);

    (void)socketio_arg_next(&args, &first);
    (void)socketio_arg_next(&args, &second);
    if (!has_room(id)) {
        if (name != NULL && first.n > 0) {
            json_out_key(o, name);
            json_out_raw(o, first);
        }
        return;
    }
    json_out_key(o, "room");
    if (is_string(first) && (name == NULL || second.n > 0)) {
        json_out_raw(o, first);
        first = second;
    } else {
        json_out_str(o, room);
    }
    if (is_object(first)) {
        put_object(o, id, first, (struct str){0});
    } else if (name != NULL && first.n > 0) {
        json_out_key(o, name);
        json_out_raw(o, first);
    }
}

enum command_id sio_event_command(struct str name, struct str args, struct str room,
                                  struct buf *out)
{
    enum command_id id = command_find(name);
    struct str rest = args, first;
    const char *more = NULL;
    struct json_out o;

    for (size_t i = 0; id == COMMAND_NONE && i < COUNTOF(tutorials); i++) {
        if (!str_eq(name, str_of(tutorials[i].name)))
            continue;
        id = tutorials[i].id;
        more = tutorials[i].more;
    }
    json_out_init(&o, out);
    json_out_object(&o);
    if (socketio_arg_next(&rest, &first) && is_object(first))
        put_object(&o, id, first, room);
    else
        put_args(&o, id, args, room);
    if (more != NULL)
        json_out_field_bool(&o, more, false);
    json_out_object_end(&o);
    return id;
}
