#include "chat/command.h"

#include "base/str.h"
#include "base/utf8.h"
#include "chat/access.h"

#include <stdlib.h>

#define NAME_MAX_CHARS 32
#define TEXT_MAX_BYTES 400000
#define SHORT_MAX_CHARS 128
#define CID_MAX_BYTES 64
#define EMOJI_MAX_BYTES 64
#define TOKEN_MAX_BYTES 4096
#define COUNT_MAX 500
#define DEPTH_MAX 4
#define REPLY_MAX_BYTES 64
#define ROOM_MAX_BYTES 64

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
    TOKEN,
    EMOJI,
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
#include "chat/commands.tbl"
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
#include "chat/commands.tbl"
};
#undef COMMAND
#undef PARAM

_Static_assert(PARAM_N <= 32, "struct command's `has` has a bit for each");

/* params[param_first[id]] is the first of a command's: they stand together. */
enum {
#define COMMAND(name, who, cost, what) FIRST_##name, LAST_##name = FIRST_##name - 1,
#define PARAM(command, name, type, need, what) AT_##command##_##name,
#include "chat/commands.tbl"
#undef COMMAND
#undef PARAM
    FIRST_end,
};
#define PARAM(command, name, type, need, what)
#define COMMAND(name, who, cost, what) FIRST_##name,
static const uint8_t param_first[COMMAND_N + 1] = {
    0,
#include "chat/commands.tbl"
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
#include "chat/errors.tbl"
};

static const char *const param_names[PARAM_N] = {
#define P(name, type) #name,
#include "chat/params.tbl"
#undef P
};

static const uint16_t param_offsets[PARAM_N] = {
#define P(name, type) offsetof(struct command, name),
#include "chat/params.tbl"
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

/* dm:<lower id>:<higher id>, @<id>. */
static bool is_reserved_room(struct str s)
{
    uint64_t low, high;

    if (s.n > 1 && s.p[0] == '@')
        return is_digits(str_skip(s, 1));
    return access_direct_peers(s, &low, &high);
}

bool command_fold_room(struct str *room)
{
    struct str s = str_trim(*room);
    uint8_t *p = (uint8_t *)(uintptr_t)s.p;

    if (s.n == 0 || s.n > ROOM_MAX_BYTES)
        return false;
    *room = s;
    for (size_t i = 0; i < s.n; i++) {
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] |= 0x20;
        else if (p[i] == ' ')
            p[i] = '-';
    }
    if (is_reserved_room(s))
        return true;
    for (size_t i = 0; i < s.n; i++) {
        bool ok = (p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9') || p[i] == '_' ||
                  p[i] == '-';

        if (!ok)
            return false;
    }
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

static enum error_code check_str(enum type type, struct str *s, const struct command_limits *l)
{
    switch (type) {
    case ROOM:
        return command_fold_room(s) ? ERROR_NONE : ERROR_bad_room;
    case TEXT:
        return s->n == 0               ? ERROR_empty
               : s->n > TEXT_MAX_BYTES ? ERROR_too_long
                                       : check_text(*s, l->text_max);
    case NAME:
        return s->n == 0 ? ERROR_bad_name : check_text(*s, NAME_MAX_CHARS);
    case SHORT:
        return check_text(*s, SHORT_MAX_CHARS);
    case CID:
        return check_bytes(*s, CID_MAX_BYTES);
    case EMOJI:
        return check_bytes(*s, EMOJI_MAX_BYTES);
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

        c->rooms.at = realloc(c->rooms.at, cap * sizeof(*cursor));
        if (c->rooms.at == NULL)
            abort();
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

static enum error_code json_error_code(const struct json *j)
{
    return j->error == JSON_BAD_UTF8   ? ERROR_bad_utf8
           : j->error == JSON_TOO_DEEP ? ERROR_too_deep
                                       : ERROR_bad_json;
}

/* PARAM_N if no command has such a parameter. */
static unsigned slot_find(struct str name)
{
    for (unsigned i = 0; i < PARAM_N; i++)
        if (str_eq(name, str_of(param_names[i])))
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
    return false;
}

/* Reads the members of the object that was just opened, to the end of all. */
static bool read_members(struct command *c, struct raw *raw, struct json *j,
                         const struct command_limits *l)
{
    enum json_token t;

    while ((t = json_next(j)) != JSON_OBJECT_END) {
        unsigned slot = PARAM_N;

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
        e = check_str(type, &raw->str[p->slot], l);
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
            c->has |= 1u << p->slot;
        } else if (p->need == OPTIONAL) {
            continue;
        }
        if (e != ERROR_NONE)
            return problem(ret, e, param_names[p->slot]);
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
    if (json_next(&j) != JSON_OBJECT || !read_members(ret_command, &raw, &j, limits))
        return problem(ret_problem, json_error_code(&j), NULL);
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
        if (json_next(&j) != JSON_OBJECT || !read_members(ret_command, &raw, &j, limits))
            return problem(ret_problem, json_error_code(&j), NULL);
    }
    ret_command->id = id;
    return take_params(ret_command, &raw, limits, ret_problem);
}

/* The parameter of c->id with that name. */
static const struct param *param_find(enum command_id id, struct str name)
{
    for (unsigned i = param_first[id]; i < param_first[id + 1]; i++)
        if (str_eq(str_of(param_names[params[i].slot]), name))
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
    raw.t[p->slot] = JSON_STRING;
    raw.str[p->slot] = value;
    if (is_int_type((enum type)p->type)) {
        uint64_t v;

        if (!str_to_u64(value, &v) || v > (uint64_t)JSON_INT_MAX)
            return problem(ret_problem, ERROR_bad_type, param_names[p->slot]);
        raw.t[p->slot] = JSON_INT;
        raw.i64[p->slot] = (int64_t)v;
    } else if (p->type == BOOL) {
        raw.t[p->slot] = str_eq(value, STR("true"))    ? JSON_TRUE
                         : str_eq(value, STR("false")) ? JSON_FALSE
                                                       : JSON_STRING;
    }
    e = set_value(c, p, &raw, limits);
    c->has |= 1u << p->slot;
    return problem(ret_problem, e, param_names[p->slot]);
}

bool command_complete(const struct command *c, struct command_problem *ret_problem)
{
    for (unsigned i = param_first[c->id]; i < param_first[c->id + 1]; i++)
        if (params[i].need == REQUIRED && !command_has(c, (enum command_param)params[i].slot))
            return problem(ret_problem, ERROR_missing_parameter, param_names[params[i].slot]);
    return true;
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
    return commands[id].cost;
}

bool command_is_public(enum command_id id)
{
    return commands[id].who == ANYONE;
}

const char *command_error_name(enum error_code code)
{
    return errors[code].name;
}

const char *command_error_text(enum error_code code)
{
    return errors[code].text;
}

int command_error_status(enum error_code code)
{
    return errors[code].status;
}
