/* conf.h: the configuration: one table (conf.tbl), read from four places.
 *
 *     flags  >  environment  >  .env  >  default
 *
 * Pure: the caller passes the arguments, the environment and the text of .env,
 * and a struct conf is never changed once it is loaded. An empty value in the
 * environment or in .env counts as not set. */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/base.h"

#include <stdio.h>

enum conf_command {
    CONF_SERVE = 1,
    CONF_ECHO = 2,
    CONF_BENCH = 4,
    CONF_DRAIN = 8,
    CONF_MIGRATE = 16,
    CONF_STORE = 32,
    CONF_TOKEN = 64,
    CONF_TAIL = 128,
    CONF_GATEWAY = 256,
    CONF_LAMBDA = 512,
    CONF_HEALTH = 1024,
    CONF_ADMIN = 2048,
};

/* The exit code for CONF_BAD (EX_USAGE of sysexits.h). */
enum { CONF_EXIT_USAGE = 64 };

enum conf_result {
    CONF_OK,
    CONF_HELP, /* --help or -h was given */
    CONF_BAD,
};

/* Every value of every CHOICE; those of one setting follow each other. */
enum conf_option {
#define GROUP(title)
#define SETTING(kind, field, name, commands, value, allowed, what)
#define OPTION(field, constant, text, what) constant,
#define ARGUMENT(field, name, commands, value, what)
#include "conf/conf.tbl"
#undef SETTING
#undef OPTION
#undef ARGUMENT
    CONF_OPTIONS_N
};

/* CONF_ID_listen, ...: which setting, for conf_where. */
enum conf_id {
#define SETTING(kind, field, name, commands, value, allowed, what) CONF_ID_##field,
#define OPTION(field, constant, text, what)
#define ARGUMENT(field, name, commands, value, what) CONF_ID_##field,
#include "conf/conf.tbl"
#undef SETTING
#undef ARGUMENT
    CONF_N
};

/* items[0..n-1] are NUL-terminated, trimmed and not empty. */
struct conf_list {
    char **items;
    size_t n;
};

#define CONF_TYPE_STRING const char *
#define CONF_TYPE_PATH const char *
#define CONF_TYPE_SECRET const char *
#define CONF_TYPE_LIST struct conf_list
#define CONF_TYPE_BOOL bool
#define CONF_TYPE_COUNT uint64_t
#define CONF_TYPE_SIZE uint64_t
#define CONF_TYPE_TIME uint64_t
#define CONF_TYPE_CHOICE enum conf_option

/* A field for each setting, of every command; those that the command does not
 * know have their default. Strings are never NULL. A limit of 0 is none. */
struct conf {
#define SETTING(kind, field, name, commands, value, allowed, what) CONF_TYPE_##kind field;
#define ARGUMENT(field, name, commands, value, what) const char *field;
#include "conf/conf.tbl"
#undef GROUP
#undef SETTING
#undef OPTION
#undef ARGUMENT
    uint8_t source[CONF_N]; /* private: see conf_where */
    enum conf_command command;
    char unknown[64]; /* a POLYLOG_ variable of the environment that is no setting; or empty */
};

struct conf_input {
    const char *command; /* "serve", "echo", ... */
    int argc;            /* the arguments after the command */
    char *const *argv;
    char *const *env;  /* NAME=value, ended by NULL; NULL: none */
    struct str dotenv; /* what .env holds; may be empty */
};

/* Fills c, which conf_fini must be called on if and only if the result is
 * CONF_OK. Else why tells a person what is wrong: which setting, where it was
 * set and what is allowed. For an unknown command too. */
enum conf_result conf_load(struct conf *c, const struct conf_input *in, char why[static 256]);

/* Frees what c holds; secrets are wiped first. */
void conf_fini(struct conf *c);

/* Returns true if `way` is one of login: "password", "name". */
bool conf_logs_in(const struct conf *c, const char *way) MUST_CHECK;

/* Whether a setting was set anywhere, even to its default. */
bool conf_is_given(const struct conf *c, enum conf_id id);

/* Where a setting's value comes from, as a person would name it: "--listen",
 * "POLYLOG_LISTEN", "POLYLOG_LISTEN in .env" or "the default of listen"; written to
 * text, which is returned. */
const char *conf_where(const struct conf *c, enum conf_id id, char text[static 80]);

/* Help for one command, every setting of it; NULL or an unknown name: the
 * overview of the program. */
void conf_help(FILE *f, const char *command);

/* Appends "name=value" of each setting that is given, with spaces between; of a secret, only
 * that it is set. */
struct buf;
void conf_given(const struct conf *c, struct buf *b);

/* The man page, in man(7) format. */
void conf_man(FILE *f);

/* `name = value` for each setting that c's command knows, and where it comes
 * from; of a secret, only whether it is set. */
void conf_dump(const struct conf *c, FILE *f);

#endif
