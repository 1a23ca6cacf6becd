/* command.h: what clients may ask: commands.tbl and errors.tbl as C, and the
 * parser made from them. Pure; borrowed strings point into the parsed frame. */
#ifndef CHAT_MODEL_COMMAND_H
#define CHAT_MODEL_COMMAND_H

#include "base/base.h"
#include "base/json.h"
#include "chat/model/errors.h"

/* A cid's bytes at most. */
#define COMMAND_CID_MAX 64

enum command_id {
    COMMAND_NONE,
#define COMMAND(name, who, cost, what) COMMAND_##name,
#define PARAM(command, name, type, need, what)
#define ANSWER(command, what)
#include "chat/model/commands.tbl"
#undef COMMAND
#undef PARAM
    COMMAND_N,
};

/* What one room was left at. */
struct command_cursor {
    struct str room;
    uint64_t epoch, seq;
};

struct command_cursors {
    struct command_cursor *at; /* freed by command_fini */
    unsigned n;
};

enum command_param {
#define P(name, type) PARAM_##name,
#include "chat/model/params.tbl"
#undef P
    PARAM_N,
};

/* A command's strings may point into it: it is not copied. */
struct command {
    enum command_id id;
    uint64_t has[2];  /* bit PARAM_x: x was given; command_has, command_give */
    struct str reply; /* the request's id, for the answer */
    enum { COMMAND_REPLY_NONE, COMMAND_REPLY_NUMBER, COMMAND_REPLY_STRING } reply_kind;
    struct str traceparent; /* as the frame has it; empty: without */
    uint64_t n; /* the frame's place among its connection's, from 1; 0: it was not said */
#define P(name, type) type name;
#include "chat/model/params.tbl"
#undef P
    char room_id[64];  /* where `room` lies if it was given by a name that is no id */
    char spelling[64]; /* where `emoji` lies */
};

static inline bool command_has(const struct command *c, enum command_param p)
{
    return (c->has[p / 64] >> p % 64 & 1) != 0;
}

/* Marks a parameter as given, by whoever sets it in a client's place. */
static inline void command_give(struct command *c, enum command_param p)
{
    c->has[p / 64] |= UINT64_C(1) << p % 64;
}

/* Gives `room` an id in a client's place, where none was given: letters and digits of the title,
 * and some by chance. */
void command_name_room(struct command *c, uint64_t random);

/* Limits of parameters; 0: none. */
struct command_limits {
    uint64_t text_max;  /* characters */
    unsigned rooms_max; /* of one resume */
};

/* What is wrong with which parameter; name is NULL if it is no parameter's. */
struct command_problem {
    enum error_code code;
    const char *param;
};

/* Parses {"action": name, "id": ..., parameters}, changing the n bytes at p in place. Parameters
 * that a command does not know are ignored. On failure too ret_command is set as far as `reply` and
 * `id` were understood. True, or false and *ret_problem. */
bool command_parse(struct command *ret_command, uint8_t *p, size_t n,
                   const struct command_limits *limits,
                   struct command_problem *ret_problem) MUST_CHECK;

/* As command_parse for a known command: an object of parameters, as HTTP has it.
 * No bytes at all are an empty object. */
bool command_parse_params(struct command *ret_command, enum command_id id, uint8_t *p, size_t n,
                          const struct command_limits *limits,
                          struct command_problem *ret_problem) MUST_CHECK;

/* Sets a parameter from text, as a query string has it; value is changed in
 * place where its type wants it. Unknown names are ignored. */
bool command_set(struct command *c, struct str name, struct str value,
                 const struct command_limits *limits,
                 struct command_problem *ret_problem) MUST_CHECK;

/* Returns true if all parameters are there that c->id must have. */
bool command_complete(const struct command *c, struct command_problem *ret_problem) MUST_CHECK;

/* Frees what parsing allocated. */
void command_fini(struct command *c);

/* COMMAND_NONE if there is none. "sendmessage" is "send", with `message` for
 * `text` and room general by default: the usual tutorial's frame. */
enum command_id command_find(struct str name);

unsigned command_cost(enum command_id id);  /* in tenths of a message */
bool command_is_public(enum command_id id); /* may be called before authentication */

/* What reading JSON failed with, as an error that a client can see. */
enum error_code command_json_error(enum json_error error);

const char *command_error_name(enum error_code code);
const char *command_error_text(enum error_code code);
int command_error_status(enum error_code code);

/* Folds a room's id in place: lower case, spaces to '-'. False, and nothing is changed, if
 * it is not 1 to 64 of a-z, 0-9, '_', '-' then, nor dm:<a>:<b> with a < b, dm:g<hash> or @<id>. */
bool command_fold_room(struct str *room) MUST_CHECK;

#endif
