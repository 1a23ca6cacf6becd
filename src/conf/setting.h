/* setting.h: conf.tbl as data, and the one parser of values that flags, the
 * environment, .env and the defaults all go through. */
#ifndef CONF_SETTING_H
#define CONF_SETTING_H

#include "conf/conf.h"

#include <stdio.h>

enum setting_kind {
    SETTING_STRING,
    SETTING_PATH,
    SETTING_SECRET,
    SETTING_LIST,
    SETTING_BOOL,
    SETTING_COUNT,
    SETTING_SIZE,
    SETTING_TIME,
    SETTING_CHOICE,
};

struct setting {
    const char *name;
    enum setting_kind kind;
    unsigned commands; /* enum conf_command, ored */
    size_t offset;     /* of the field in struct conf */
    const char *value; /* the default */
    const char *allowed;
    const char *what;
    bool argument; /* given without a flag */
};

struct setting_option {
    size_t offset; /* of the setting it belongs to */
    enum conf_option value;
    const char *text;
    const char *what;
};

/* The table in its order: the title of a group, or a setting of the group. */
struct setting_item {
    const char *group; /* NULL: it is a setting */
    enum conf_id id;
};

struct setting_command {
    const char *name;
    enum conf_command command;
    const char *usage;
    const char *what;
};

/* By enum conf_id, CONF_N of them. */
extern const struct setting setting_all[CONF_N];
/* By enum conf_option, CONF_OPTIONS_N of them. */
extern const struct setting_option setting_options[CONF_OPTIONS_N];
/* In the table's order. */
extern const struct setting_item setting_items[];
extern const size_t setting_items_n;
/* Ended by a NULL name. */
extern const struct setting_command setting_commands[];

enum { SETTING_NAME_MAX = 64 };

/* The command of that name, or NULL; name may be NULL. */
const struct setting_command *setting_command(const char *name);

/* POLYLOG_FRAME_MAX for frame-max. */
const char *setting_env_name(const struct setting *s, char text[static SETTING_NAME_MAX]);

/* Sets s's field of c to what text says; a list is replaced. False with a
 * reason without s's name, c unchanged, if text is not allowed. */
bool setting_parse(const struct setting *s, struct conf *c, const char *text,
                   char why[static 160]) MUST_CHECK;

/* As setting_parse of a LIST, but adds to what the list has. */
bool setting_parse_more(const struct setting *s, struct conf *c, const char *text,
                        char why[static 160]) MUST_CHECK;

/* Frees what s's field of c holds; a secret is wiped. */
void setting_fini(const struct setting *s, struct conf *c);

/* The field's value as setting_parse would read it; "(set)" for a secret. */
void setting_print(const struct setting *s, const struct conf *c, FILE *f);

/* What takes the value's place in a usage line: "SIZE", "sqlite|mem"; "" for BOOL. */
/* The default for a command, as a person would write it. */
const char *setting_default(const struct setting *s, enum conf_command command);
const char *setting_placeholder(const struct setting *s, char text[static 160]);

/* What is allowed, as a person would say it: "1k..16m, or 0: no limit"; "" if
 * there is nothing to say. */
const char *setting_allowed(const struct setting *s, char text[static 160]);

#endif
