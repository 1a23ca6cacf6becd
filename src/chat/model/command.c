#include "chat/model/command.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "chat/model/access.h"
#include "chat/model/filter.h"
#include "chat/model/keys.h"
#include "chat/model/text.h"

#include <stdlib.h>

#define TITLE_OF_ID 40 /* characters of a title, in an id that is made of it */
#define CHANCE_OF_ID 6
#define NAME_MAX_CHARS 32
#define TEXT_MAX_BYTES 400000
#define SHORT_MAX_CHARS 128
#define LINES_MAX_BYTES MAX(FILTER_WORDS_BYTES_MAX, FILTER_HOSTS_BYTES_MAX)
#define SECRET_MAX_BYTES 2048
#define TOKEN_MAX_BYTES 4096
#define COUNT_MAX 500
#define DEPTH_MAX 4
#define REPLY_MAX_BYTES 64
#define ROOM_MAX_BYTES 64
/* Members of a command, known or not; and values in all, besides those of rooms. */
#define MEMBERS_MAX 64
#define VALUES_MAX 256
#define VALUES_PER_ROOM 4

/* A parameter's type: what its value must be. */
enum type {
    ROOM,
    TEXT,
    CID,
    SEQ,
    U64,
    COUNT,
    BOOL,
    NAME,
    SHORT,
    SECRET,
    TITLE,
    LONG,
    LINES,
    TOKEN,
    EMOJI,
    ICON,
    WHO,
    VIEW,
    ROOM_KIND,
    ROLE,
    EPOCH,
    CURSORS
};
enum need { OPTIONAL, REQUIRED };
enum who { ANYONE, USER };

struct param {
    uint8_t command, slot, type, need;
};

#define ANSWER(command, what)
#define COMMAND(name, who, cost, what)
#define PARAM(command, name, type, need, what) {COMMAND_##command, PARAM_##name, type, need},
static const struct param params[] = {
#include "chat/model/commands.tbl"
};
#undef COMMAND
#undef PARAM

#define PARAM(command, name, type, need, what)
#define COMMAND(name, who, cost, what) {#name, who, cost},
static const struct {
    const char *name;
    enum who who;
    unsigned cost;
} commands[COMMAND_N] = {
    {"", ANYONE, 0},
#include "chat/model/commands.tbl"
};
#undef COMMAND
#undef PARAM

_Static_assert(PARAM_N <= 128, "struct command's `has` has a bit for each");

/* params[param_first[id]] is the first of a command's: they stand together. */
enum {
#define COMMAND(name, who, cost, what) FIRST_##name, LAST_##name = FIRST_##name - 1,
#define PARAM(command, name, type, need, what) AT_##command##_##name,
#include "chat/model/commands.tbl"
#undef COMMAND
#undef PARAM
    FIRST_end,
};
#define PARAM(command, name, type, need, what)
#define COMMAND(name, who, cost, what) FIRST_##name,
static const uint8_t param_first[COMMAND_N + 1] = {
    0,
#include "chat/model/commands.tbl"
    FIRST_end,
};
#undef COMMAND
#undef PARAM

/* The usual tutorial's {"action":"sendmessage","message":"..."}. */
static const struct str tutorial = {(const uint8_t *)"sendmessage", 11};

static const struct {
    const char *name;
    int status;
    const char *text;
} errors[ERROR_N] = {
    {"", 200, ""},
#define ERROR(code, status, text) {#code, status, text},
#include "chat/model/errors.tbl"
};

static const struct str param_names[PARAM_N] = {
#define P(name, type) {(const uint8_t *)#name, sizeof(#name) - 1},
#include "chat/model/params.tbl"
#undef P
};

static const uint16_t param_offsets[PARAM_N] = {
#define P(name, type) offsetof(struct command, name),
#include "chat/model/params.tbl"
#undef P
};

static void *slot_of(struct command *c, unsigned slot)
{
    return (uint8_t *)c + param_offsets[slot];
}

static bool is_digits(struct str s)
{
    uint64_t v;

    return s.n > 0 && s.p[0] != '0' && str_to_u64(s, &v);
}

static bool is_plain_room(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t b = s.p[i];
        bool ok = (b >= 'a' && b <= 'z') || (b >= '0' && b <= '9') || b == '_' || b == '-';

        if (!ok)
            return false;
    }
    return true;
}

/* dm:<lower id>:<higher id>, dm:g<hash>, @<id>, audit:<room>, audit:@server. */
static bool is_reserved_room(struct str s)
{
    uint64_t low, high;
    struct str of;

    if (access_audit_of(s, &of))
        return of.n == 0 || (of.n <= ROOM_MAX_BYTES && is_plain_room(of));
    if (s.n > 1 && s.p[0] == '@')
        return is_digits(str_skip(s, 1));
    return access_direct_peers(s, &low, &high) || group_is_room(s);
}

static bool is_room(struct str s)
{
    return is_reserved_room(s) || (s.n <= ROOM_MAX_BYTES && is_plain_room(s));
}

bool command_fold_room(struct str *room)
{
    struct str s = str_trim(*room);
    uint8_t folded[KEYS_ROOM_MAX];

    if (s.n == 0 || s.n > sizeof(folded))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool upper = s.p[i] >= 'A' && s.p[i] <= 'Z';

        folded[i] = upper ? s.p[i] | 0x20 : s.p[i] == ' ' ? '-' : s.p[i];
    }
    if (!is_room((struct str){folded, s.n}))
        return false;
    memcpy((uint8_t *)(uintptr_t)s.p, folded, s.n);
    *room = s;
    return true;
}

/* Not empty, valid UTF-8, at most chars_max characters (0: any number). */
static enum error_code check_text(struct str s, uint64_t chars_max)
{
    if (!utf8_valid(s))
        return ERROR_bad_utf8;
    if (chars_max > 0 && s.n > chars_max && utf8_count(s) > chars_max)
        return ERROR_too_long;
    return ERROR_NONE;
}

static enum error_code check_bytes(struct str s, size_t max)
{
    if (!utf8_valid(s))
        return ERROR_bad_utf8;
    return s.n == 0 ? ERROR_empty : s.n > max ? ERROR_too_long : ERROR_NONE;
}

/* An id, or a name that stands for one: then it is the room's title, if one is made. */
static enum error_code check_room(struct command *c, struct str *s)
{
    struct str name = *s;
    size_t n;

    if (command_fold_room(s))
        return ERROR_NONE;
    if (!text_room(name, c->room_id, &n))
        return ERROR_bad_room;
    *s = (struct str){(const uint8_t *)c->room_id, n};
    if ((c->id == COMMAND_join || c->id == COMMAND_room_create) && text_title(&name) == ERROR_NONE)
        c->title = name;
    return ERROR_NONE;
}

static enum error_code check_message(struct str s, const struct command_limits *l)
{
    enum error_code e = s.n == 0               ? ERROR_empty
                        : s.n > TEXT_MAX_BYTES ? ERROR_too_long
                                               : check_text(s, l->text_max);

    return e != ERROR_NONE ? e : text_message(s);
}

static enum error_code check_title(struct str *s)
{
    enum error_code e = check_text(*s, SHORT_MAX_CHARS);

    return e != ERROR_NONE ? e : text_title(s);
}

static enum error_code check_long(struct str s)
{
    enum error_code e = check_text(s, SETTINGS_TEXT_MAX);

    return e != ERROR_NONE || s.n == 0 ? e : text_message(s);
}

static enum error_code check_lines(struct str s)
{
    enum error_code e = s.n > LINES_MAX_BYTES ? ERROR_too_long : check_text(s, 0);

    return e != ERROR_NONE || s.n == 0 ? e : text_message(s);
}

/* What was taken for one earlier can still be taken back. */
static enum error_code check_emoji(struct command *c, struct str *s, bool taken_back)
{
    size_t n;
    enum error_code e = text_emoji(*s, c->spelling, &n);

    if (e == ERROR_NONE)
        *s = (struct str){(const uint8_t *)c->spelling, n};
    return e == ERROR_bad_emoji && taken_back ? ERROR_NONE : e;
}

static enum error_code check_icon(struct command *c, struct str *s)
{
    return s->n == 0 ? ERROR_NONE : check_emoji(c, s, false);
}

static enum error_code check_str(enum type type, struct str *s, const struct command_limits *l)
{
    switch (type) {
    case TEXT:
        return check_message(*s, l);
    case TITLE:
        return check_title(s);
    case LONG:
        return check_long(*s);
    case LINES:
        return check_lines(*s);
    case WHO:
        return str_eq(*s, STR("members")) || str_eq(*s, STR("moderators")) ? ERROR_NONE
                                                                           : ERROR_bad_value;
    case NAME:
        return s->n == 0 ? ERROR_bad_name : check_text(*s, NAME_MAX_CHARS);
    case SHORT:
        return check_text(*s, SHORT_MAX_CHARS);
    case SECRET:
        return s->n == 0 ? ERROR_NONE : check_bytes(*s, SECRET_MAX_BYTES);
    case CID:
        return check_bytes(*s, COMMAND_CID_MAX);
    case TOKEN:
        return check_bytes(*s, TOKEN_MAX_BYTES);
    case VIEW:
        return str_eq(*s, STR("messages")) || str_eq(*s, STR("log")) ? ERROR_NONE : ERROR_bad_value;
    case ROOM_KIND:
        return str_eq(*s, STR("public")) || str_eq(*s, STR("private")) ? ERROR_NONE
                                                                       : ERROR_bad_value;
    case ROLE:
        return access_role_find(*s) != ACCESS_UNKNOWN ? ERROR_NONE : ERROR_bad_value;
    case SEQ:
    case U64:
    case COUNT:
    case BOOL:
    case EPOCH:
    case CURSORS:
    case ROOM:
    case EMOJI:
    case ICON:
        break;
    }
    return ERROR_bad_type;
}

static bool is_str_type(enum type type)
{
    return type != SEQ && type != U64 && type != COUNT && type != BOOL && type != EPOCH &&
           type != CURSORS;
}

static bool is_int_type(enum type type)
{
    return type == SEQ || type == U64 || type == COUNT || type == EPOCH;
}

/* One [epoch, seq] of a resume. */
static bool parse_cursor(struct json *j, struct command_cursor *cursor)
{
    if (json_next(j) != JSON_INT || j->i64 < 0)
        return false;
    cursor->epoch = (uint64_t)j->i64;
    if (json_next(j) != JSON_INT || j->i64 < 0)
        return false;
    cursor->seq = (uint64_t)j->i64;
    return json_next(j) == JSON_ARRAY_END;
}

static void add_cursor(struct command *c, const struct command_cursor *cursor)
{
    if ((c->rooms.n & (c->rooms.n - 1)) == 0) { /* double at powers of two */
        size_t cap = c->rooms.n == 0 ? 1 : (size_t)c->rooms.n * 2;

        c->rooms.at = mem_resize(c->rooms.at, cap * sizeof(*cursor));
    }
    c->rooms.at[c->rooms.n++] = *cursor;
}

static enum error_code set_cursor(struct command *c, struct json *j, enum json_token t,
                                  const struct command_limits *l)
{
    struct command_cursor cursor = {.room = j->key};

    if (t != JSON_ARRAY || !parse_cursor(j, &cursor))
        return ERROR_bad_type;
    if (!command_fold_room(&cursor.room))
        return ERROR_bad_room;
    if (l->rooms_max > 0 && c->rooms.n >= l->rooms_max)
        return ERROR_too_many_rooms;
    add_cursor(c, &cursor);
    return ERROR_NONE;
}

/* Reads the object to its end, whatever is in it; the first thing that is wrong. */
static enum error_code set_cursors(struct command *c, struct json *j,
                                   const struct command_limits *l)
{
    enum error_code first = ERROR_NONE;
    unsigned depth = j->depth;
    enum json_token t;

    while ((t = json_next(j)) != JSON_OBJECT_END && t != JSON_ERROR) {
        enum error_code e = set_cursor(c, j, t, l);

        if (first == ERROR_NONE)
            first = e;
        while (j->depth > depth) /* what is left of a value that is no cursor */
            if (json_next(j) == JSON_ERROR)
                break;
    }
    return first;
}

/* A member's value as it was read, before it is known whose parameter it is. */
struct raw {
    enum json_token t[PARAM_N];
    struct str str[PARAM_N];
    int64_t i64[PARAM_N];
    enum error_code cursors_error;
    struct str action;
    bool has_action;
};

static bool problem(struct command_problem *ret, enum error_code code, const char *param)
{
    *ret = (struct command_problem){code, param};
    return code == ERROR_NONE;
}

static const char *param_name(unsigned slot)
{
    return (const char *)param_names[slot].p;
}

/* Values that a frame may have: parsing it costs that much at most. */
static uint32_t values_max(const struct command_limits *l)
{
    return l->rooms_max == 0 ? 0 : VALUES_MAX + VALUES_PER_ROOM * l->rooms_max;
}

/* PARAM_N if no command has such a parameter. */
static unsigned slot_find(struct str name)
{
    for (unsigned i = 0; i < PARAM_N; i++)
        if (str_eq(name, param_names[i]))
            return i;
    return str_eq(name, STR("message")) ? PARAM_text : PARAM_N;
}

/* The members that concern the frame and no parameter. */
static bool read_envelope(struct command *c, struct raw *raw, const struct json *j,
                          enum json_token t)
{
    if (str_eq(j->key, STR("action"))) {
        raw->has_action = t == JSON_STRING;
        raw->action = j->str;
        return t == JSON_STRING;
    }
    if (str_eq(j->key, STR("id")) && (t == JSON_INT || t == JSON_STRING) &&
        j->str.n <= REPLY_MAX_BYTES) {
        c->reply = j->str;
        c->reply_kind = t == JSON_INT ? COMMAND_REPLY_NUMBER : COMMAND_REPLY_STRING;
        return true;
    }
    if (str_eq(j->key, STR("traceparent")) && t == JSON_STRING) {
        c->traceparent = j->str;
        return true;
    }
    if (str_eq(j->key, STR("n")) && t == JSON_INT && j->i64 > 0) {
        c->n = (uint64_t)j->i64;
        return true;
    }
    return false;
}

/* Reads the members of the object that was just opened, to the end of all. */
static bool read_members(struct command *c, struct raw *raw, struct json *j,
                         const struct command_limits *l)
{
    enum json_token t;
    unsigned n = 0;

    while ((t = json_next(j)) != JSON_OBJECT_END) {
        unsigned slot = PARAM_N;

        if (++n > MEMBERS_MAX && t != JSON_ERROR) {
            j->error = JSON_TOO_MANY;
            return false;
        }
        if (t != JSON_ERROR && read_envelope(c, raw, j, t))
            continue;
        if (t != JSON_ERROR)
            slot = slot_find(j->key);
        if (slot == PARAM_rooms && t == JSON_OBJECT && raw->t[slot] == JSON_END) {
            raw->t[slot] = t;
            raw->cursors_error = set_cursors(c, j, l);
            continue;
        }
        if (slot == PARAM_rooms && t != JSON_NULL)
            raw->cursors_error = ERROR_bad_value; /* twice */
        if (slot < PARAM_N && t != JSON_NULL && t != JSON_OBJECT && t != JSON_ARRAY) {
            raw->t[slot] = t;
            raw->str[slot] = j->str;
            raw->i64[slot] = j->i64;
            continue;
        }
        if (slot < PARAM_N && t != JSON_NULL)
            raw->t[slot] = t;
        if (!json_skip(j, t))
            return false;
    }
    return json_next(j) == JSON_END;
}

static enum error_code set_value(struct command *c, const struct param *p, struct raw *raw,
                                 const struct command_limits *l)
{
    enum type type = (enum type)p->type;
    enum json_token t = raw->t[p->slot];
    enum error_code e;

    if (t == JSON_STRING && is_str_type(type)) {
        e = type == ROOM    ? check_room(c, &raw->str[p->slot])
            : type == ICON  ? check_icon(c, &raw->str[p->slot])
            : type == EMOJI ? check_emoji(c, &raw->str[p->slot], raw->t[PARAM_on] == JSON_FALSE)
                            : check_str(type, &raw->str[p->slot], l);
        *(struct str *)slot_of(c, p->slot) = raw->str[p->slot];
        return e;
    }
    if (t == JSON_INT && is_int_type(type)) {
        if (raw->i64[p->slot] < 0 || (type == COUNT && raw->i64[p->slot] > COUNT_MAX))
            return ERROR_bad_value;
        *(uint64_t *)slot_of(c, p->slot) = (uint64_t)raw->i64[p->slot];
        return ERROR_NONE;
    }
    if ((t == JSON_TRUE || t == JSON_FALSE) && type == BOOL) {
        *(bool *)slot_of(c, p->slot) = t == JSON_TRUE;
        return ERROR_NONE;
    }
    if (t == JSON_OBJECT && type == CURSORS)
        return raw->cursors_error;
    return ERROR_bad_type;
}

/* Checks and keeps what was read, for the command c->id. */
static bool take_params(struct command *c, struct raw *raw, const struct command_limits *l,
                        struct command_problem *ret)
{
    for (unsigned i = param_first[c->id]; i < param_first[c->id + 1]; i++) {
        const struct param *p = &params[i];
        enum error_code e = ERROR_missing_parameter;

        if (raw->t[p->slot] != JSON_END) {
            e = set_value(c, p, raw, l);
            command_give(c, (enum command_param)p->slot);
        } else if (p->need == OPTIONAL) {
            continue;
        }
        if (e != ERROR_NONE)
            return problem(ret, e, param_name(p->slot));
    }
    if (!command_has(c, PARAM_rooms))
        command_fini(c); /* another command's */
    return true;
}

bool command_parse(struct command *ret_command, uint8_t *p, size_t n,
                   const struct command_limits *limits, struct command_problem *ret_problem)
{
    static uint8_t general[] = "general";
    struct raw raw;
    struct json j;

    *ret_command = (struct command){0};
    memset(&raw.t, 0, sizeof(raw.t));
    raw.has_action = false;
    raw.cursors_error = ERROR_NONE;
    json_init(&j, p, n, DEPTH_MAX);
    json_limit(&j, values_max(limits));
    if (json_next(&j) != JSON_OBJECT || !read_members(ret_command, &raw, &j, limits))
        return problem(ret_problem, command_json_error(j.error), NULL);
    if (!raw.has_action)
        return problem(ret_problem, ERROR_missing_parameter, "action");
    ret_command->id = command_find(raw.action);
    if (ret_command->id == COMMAND_NONE)
        return problem(ret_problem, ERROR_unknown_command, NULL);
    if (str_eq(raw.action, tutorial) && raw.t[PARAM_room] == JSON_END) {
        raw.t[PARAM_room] = JSON_STRING;
        raw.str[PARAM_room] = (struct str){general, sizeof(general) - 1};
    }
    return take_params(ret_command, &raw, limits, ret_problem);
}

bool command_parse_params(struct command *ret_command, enum command_id id, uint8_t *p, size_t n,
                          const struct command_limits *limits, struct command_problem *ret_problem)
{
    struct raw raw;
    struct json j;

    *ret_command = (struct command){.id = id};
    memset(&raw.t, 0, sizeof(raw.t));
    raw.cursors_error = ERROR_NONE;
    if (n > 0) {
        json_init(&j, p, n, DEPTH_MAX);
        json_limit(&j, values_max(limits));
        if (json_next(&j) != JSON_OBJECT || !read_members(ret_command, &raw, &j, limits))
            return problem(ret_problem, command_json_error(j.error), NULL);
    }
    ret_command->id = id;
    return take_params(ret_command, &raw, limits, ret_problem);
}

/* The parameter of c->id with that name. */
static const struct param *param_find(enum command_id id, struct str name)
{
    for (unsigned i = param_first[id]; i < param_first[id + 1]; i++)
        if (str_eq(param_names[params[i].slot], name))
            return &params[i];
    return NULL;
}

bool command_set(struct command *c, struct str name, struct str value,
                 const struct command_limits *limits, struct command_problem *ret_problem)
{
    const struct param *p = param_find(c->id, name);
    struct raw raw;
    enum error_code e;

    if (p == NULL)
        return true;
    memset(&raw.t, 0, sizeof(raw.t));
    raw.t[p->slot] = JSON_STRING;
    raw.str[p->slot] = value;
    if (is_int_type((enum type)p->type)) {
        uint64_t v;

        if (!str_to_u64(value, &v) || v > (uint64_t)JSON_INT_MAX)
            return problem(ret_problem, ERROR_bad_type, param_name(p->slot));
        raw.t[p->slot] = JSON_INT;
        raw.i64[p->slot] = (int64_t)v;
    } else if (p->type == BOOL) {
        raw.t[p->slot] = str_eq(value, STR("true"))    ? JSON_TRUE
                         : str_eq(value, STR("false")) ? JSON_FALSE
                                                       : JSON_STRING;
    }
    e = set_value(c, p, &raw, limits);
    command_give(c, (enum command_param)p->slot);
    return problem(ret_problem, e, param_name(p->slot));
}

bool command_complete(const struct command *c, struct command_problem *ret_problem)
{
    for (unsigned i = param_first[c->id]; i < param_first[c->id + 1]; i++)
        if (params[i].need == REQUIRED && !command_has(c, (enum command_param)params[i].slot))
            return problem(ret_problem, ERROR_missing_parameter, param_name(params[i].slot));
    return true;
}

void command_name_room(struct command *c, uint64_t random)
{
    char *id = c->room_id;
    size_t n = 0;

    if (command_has(c, PARAM_room))
        return;
    for (size_t i = 0; i < c->title.n && n < TITLE_OF_ID; i++) {
        uint8_t ch = c->title.p[i];

        if (ch >= 'A' && ch <= 'Z')
            ch |= 0x20;
        if ((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9'))
            id[n++] = (char)ch;
        else if (n > 0 && id[n - 1] != '-')
            id[n++] = '-';
    }
    if (n > 0 && id[n - 1] != '-')
        id[n++] = '-';
    for (unsigned i = 0; i < CHANCE_OF_ID; i++, random /= 36)
        id[n++] = "0123456789abcdefghijklmnopqrstuvwxyz"[random % 36];
    c->room = (struct str){(const uint8_t *)id, n};
    command_give(c, PARAM_room);
}

void command_fini(struct command *c)
{
    free(c->rooms.at);
    c->rooms = (struct command_cursors){0};
}

enum command_id command_find(struct str name)
{
    for (unsigned i = 1; i < COMMAND_N; i++)
        if (str_eq(name, str_of(commands[i].name)))
            return (enum command_id)i;
    return str_eq(name, tutorial) ? COMMAND_send : COMMAND_NONE;
}

unsigned command_cost(enum command_id id)
{
    assert(id < COMMAND_N);
    return commands[id].cost;
}

bool command_is_public(enum command_id id)
{
    assert(id < COMMAND_N);
    return commands[id].who == ANYONE;
}

enum error_code command_json_error(enum json_error error)
{
    return error == JSON_BAD_UTF8   ? ERROR_bad_utf8
           : error == JSON_TOO_DEEP ? ERROR_too_deep
           : error == JSON_TOO_MANY ? ERROR_too_many_values
                                    : ERROR_bad_json;
}

const char *command_error_name(enum error_code code)
{
    assert(code < ERROR_N);
    return errors[code].name;
}

const char *command_error_text(enum error_code code)
{
    assert(code < ERROR_N);
    return errors[code].text;
}

int command_error_status(enum error_code code)
{
    assert(code < ERROR_N);
    return errors[code].status;
}
