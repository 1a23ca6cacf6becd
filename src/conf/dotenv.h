/* dotenv.h: reads the text of a .env file, one assignment at a time.
 *
 *     # a comment
 *     NAME=value                 up to the end of the line, or to " #"
 *     export NAME='as it is'     nothing is special within single quotes
 *     NAME="a \"b\"\n"           \n \t \" \\ \$ within double quotes
 *
 * No value spans lines and nothing is substituted. */
#ifndef CONF_DOTENV_H
#define CONF_DOTENV_H

#include "base/base.h"

enum { DOTENV_VALUE_MAX = 4096 };

struct dotenv {
    struct str rest;
    unsigned line;     /* of what was read last, from 1 */
    const char *error; /* what is wrong with it, or NULL */
    char value[DOTENV_VALUE_MAX + 1];
};

/* text must outlive d. */
void dotenv_init(struct dotenv *d, struct str text);

/* The next assignment: its name, and its value NUL-terminated in d->value. False
 * at the end, and at the first malformed line, when d->error is set. */
bool dotenv_next(struct dotenv *d, struct str *ret_name) MUST_CHECK;

#endif
