/* older_form.h: which tables an older system has, and which of their attributes mean what.
 *
 *   ec2          people, and conversations of two: alex-users, alex-messages
 *   ecs-ec2      rooms, by RoomID and Timestamp
 *   serverless   one room, whose people are connections: MessageHistory
 *   blue-green   messages, connections, user-counter
 *
 * What such a system calls an attribute is not fixed: a field has several names, of which an
 * item's first counts. Pure. */
#ifndef OLDER_OLDER_FORM_H
#define OLDER_OLDER_FORM_H

#include "base/base.h"

enum {
    OLDER_FORM_NAME_MAX = 256, /* of a table, of an attribute */
    OLDER_FORM_NAMES_MAX = 12, /* of all of a table's attributes that are looked at */
};

/* In the order in which they are read. */
enum older_table {
    OLDER_CONNECTIONS, /* who a connection is of */
    OLDER_USERS,
    OLDER_COUNTER, /* how many numbers were given to users */
    OLDER_MESSAGES,
    OLDER_TABLES_N,
};

enum older_field {
    OLDER_ROOM, /* of a message: its room; with direct, its conversation */
    OLDER_TIME,
    OLDER_ID,
    OLDER_FROM, /* also of a connection */
    OLDER_TO,
    OLDER_CONNECTION, /* also the key of a connection */
    OLDER_TEXT,
    OLDER_NAME,  /* of a user */
    OLDER_COUNT, /* of the counter */
    OLDER_FIELDS_N,
};

struct older_form {
    const char *name; /* "ec2" */
    bool direct;      /* each message is one person's to another */
    /* "": it has no such table. */
    char tables[OLDER_TABLES_N][OLDER_FORM_NAME_MAX];
    /* By field, the best first; the first "": it has no such field. */
    char fields[OLDER_FIELDS_N][OLDER_FORM_NAMES_MAX][OLDER_FORM_NAME_MAX];
};

/* Whether spec, as in --from, is of an older system: "ec2", "ec2:users,messages". */
bool older_form_is(const char *spec);

/* spec may name the tables, in the order of older_form_tables; one that is left empty is not read.
 * fields: "from=sender|author,text=body": other names of fields. False: ret_why is a sentence. */
bool older_form_parse(const char *spec, const char *fields, struct older_form *ret_form,
                      char ret_why[static 256]) MUST_CHECK;

/* The names that are looked at in a table: each once. Valid as long as the form. */
unsigned older_form_names(const struct older_form *f, enum older_table table,
                          const char *ret_names[static OLDER_FORM_NAMES_MAX]);

#endif
