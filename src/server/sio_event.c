#include "server/sio_event.h"

#include "base/json.h"
#include "base/str.h"
#include "wire/socketio.h"

/* Who joins by a room's name alone is shown that many of the newest messages. */
#define JOIN_LAST 50

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
        put_members(o, first);
    } else if (name != NULL && first.n > 0) {
        json_out_key(o, name);
        json_out_raw(o, first);
    } else if (id == COMMAND_join) {
        json_out_field_u64(o, "last", JOIN_LAST);
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
        put_members(&o, first);
    else
        put_args(&o, id, args, room);
    if (more != NULL)
        json_out_field_bool(&o, more, false);
    json_out_object_end(&o);
    return id;
}
