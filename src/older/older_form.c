#include "older/older_form.h"

#include "base/str.h"

#include <stdio.h>

struct shape {
    const char *name;
    bool direct;
    /* In the order in which --from names them; ended by NULL. */
    struct {
        enum older_table table;
        const char *name;
    } tables[OLDER_TABLES_N];
    const char *fields[OLDER_FIELDS_N];
};

static const struct shape shapes[] = {
    {
        .name = "ec2",
        .direct = true,
        .tables = {{OLDER_USERS, "alex-users"}, {OLDER_MESSAGES, "alex-messages"}},
        .fields =
            {
                [OLDER_ROOM] = "conversation_id",
                [OLDER_TIME] = "timestamp",
                [OLDER_ID] = "message_id",
                [OLDER_FROM] = "sender|from|username",
                [OLDER_TO] = "recipient|receiver|to",
                [OLDER_TEXT] = "message|content|text",
                [OLDER_NAME] = "username",
            },
    },
    {
        .name = "ecs-ec2",
        .tables = {{OLDER_MESSAGES, "ChatMessages"}},
        .fields =
            {
                [OLDER_ROOM] = "RoomID",
                [OLDER_TIME] = "Timestamp",
                [OLDER_ID] = "MessageID",
                [OLDER_FROM] = "Username|UserName|Sender|username|sender",
                [OLDER_TEXT] = "Message|Text|message|text",
            },
    },
    {
        .name = "serverless",
        .tables = {{OLDER_MESSAGES, "MessageHistory"}, {OLDER_CONNECTIONS, ""}},
        .fields =
            {
                [OLDER_ROOM] = "room",
                [OLDER_TIME] = "timestamp",
                [OLDER_ID] = "messageId",
                [OLDER_FROM] = "username|user|sender",
                [OLDER_CONNECTION] = "connectionId",
                [OLDER_TEXT] = "message|text|content",
            },
    },
    {
        .name = "blue-green",
        .tables = {{OLDER_MESSAGES, "messages"},
                   {OLDER_CONNECTIONS, "connections"},
                   {OLDER_COUNTER, "user-counter"}},
        .fields =
            {
                [OLDER_ROOM] = "room|roomId",
                [OLDER_TIME] = "timestamp|createdAt",
                [OLDER_ID] = "messageId|id",
                [OLDER_FROM] = "username|userId|user",
                [OLDER_CONNECTION] = "connectionId",
                [OLDER_TEXT] = "message|text",
                [OLDER_COUNT] = "n|count|value",
            },
    },
};

static const char *const field_names[OLDER_FIELDS_N] = {
    "room", "time", "id", "from", "to", "connection", "text", "name", "count",
};

/* Of which fields each table's items are. */
static const unsigned table_fields[OLDER_TABLES_N] = {
    [OLDER_CONNECTIONS] = 1u << OLDER_CONNECTION | 1u << OLDER_FROM,
    [OLDER_USERS] = 1u << OLDER_NAME,
    [OLDER_COUNTER] = 1u << OLDER_COUNT,
    [OLDER_MESSAGES] = 1u << OLDER_ROOM | 1u << OLDER_TIME | 1u << OLDER_ID | 1u << OLDER_FROM |
                       1u << OLDER_TO | 1u << OLDER_CONNECTION | 1u << OLDER_TEXT,
};

/* The shape that spec begins with; *ret_rest is what stands behind its ':', if anything. */
static const struct shape *shape_of(const char *spec, struct str *ret_rest)
{
    struct str rest = str_of(spec), name = str_cut(&rest, ':');

    *ret_rest = rest;
    for (size_t i = 0; i < COUNTOF(shapes); i++)
        if (str_eq(name, str_of(shapes[i].name)))
            return &shapes[i];
    return NULL;
}

bool older_form_is(const char *spec)
{
    struct str rest;

    return shape_of(spec, &rest) != NULL;
}

static bool put_name(struct str name, char to[static OLDER_FORM_NAME_MAX])
{
    if (name.n >= OLDER_FORM_NAME_MAX)
        return false;
    (void)snprintf(to, OLDER_FORM_NAME_MAX, "%.*s", STR_ARGS(name));
    return true;
}

/* "a|b" */
static bool put_names(struct older_form *f, enum older_field field, struct str names)
{
    memset(f->fields[field], 0, sizeof(f->fields[field]));
    for (unsigned i = 0; names.n > 0; i++) {
        struct str name = str_trim(str_cut(&names, '|'));

        if (i == OLDER_FORM_NAMES_MAX || name.n == 0 || !put_name(name, f->fields[field][i]))
            return false;
    }
    return true;
}

static bool put_tables(struct older_form *f, const struct shape *shape, struct str names)
{
    for (unsigned i = 0; i < OLDER_TABLES_N && shape->tables[i].name != NULL; i++)
        if (!put_name(str_trim(str_cut(&names, ',')), f->tables[shape->tables[i].table]))
            return false;
    return names.n == 0;
}

/* "from=a|b,text=c" */
static bool put_fields(struct older_form *f, struct str fields)
{
    while (fields.n > 0) {
        struct str names = str_cut(&fields, ','), name = str_trim(str_cut(&names, '='));
        unsigned i = 0;

        while (i < OLDER_FIELDS_N && !str_eq(name, str_of(field_names[i])))
            i++;
        if (i == OLDER_FIELDS_N || !put_names(f, (enum older_field)i, names))
            return false;
    }
    return true;
}

static bool is_in(struct str name, const char *const *names, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}

/* How many there are; the first OLDER_FORM_NAMES_MAX are given. */
static unsigned names_of(const struct older_form *f, enum older_table table,
                         const char *ret_names[static OLDER_FORM_NAMES_MAX])
{
    unsigned n = 0;

    for (unsigned i = 0; i < OLDER_FIELDS_N * OLDER_FORM_NAMES_MAX; i++) {
        unsigned field = i / OLDER_FORM_NAMES_MAX, given = MIN(n, (unsigned)OLDER_FORM_NAMES_MAX);
        const char *name = f->fields[field][i % OLDER_FORM_NAMES_MAX];

        if ((table_fields[table] & 1u << field) == 0 || name[0] == '\0' ||
            is_in(str_of(name), ret_names, given))
            continue;
        if (n < OLDER_FORM_NAMES_MAX)
            ret_names[n] = name;
        n++;
    }
    return n;
}

bool older_form_parse(const char *spec, const char *fields, struct older_form *ret_form,
                      char ret_why[static 256])
{
    const char *names[OLDER_FORM_NAMES_MAX];
    struct str tables;
    const struct shape *shape = shape_of(spec, &tables);

    if (shape == NULL) {
        (void)snprintf(ret_why, 256, "it must be ec2, ecs-ec2, serverless or blue-green");
        return false;
    }
    *ret_form = (struct older_form){.name = shape->name, .direct = shape->direct};
    for (unsigned i = 0; i < OLDER_TABLES_N && shape->tables[i].name != NULL; i++)
        (void)put_name(str_of(shape->tables[i].name), ret_form->tables[shape->tables[i].table]);
    for (unsigned i = 0; i < OLDER_FIELDS_N; i++)
        if (shape->fields[i] != NULL)
            (void)put_names(ret_form, (enum older_field)i, str_of(shape->fields[i]));
    if (strchr(spec, ':') != NULL && !put_tables(ret_form, shape, tables)) {
        (void)snprintf(ret_why, 256, "its tables are not so many, or a name is too long");
        return false;
    }
    if (ret_form->tables[OLDER_MESSAGES][0] == '\0') {
        (void)snprintf(ret_why, 256, "the table of messages has no name");
        return false;
    }
    if (!put_fields(ret_form, str_of(fields))) {
        (void)snprintf(ret_why, 256,
                       "--older-fields must be like from=sender|author,text=body; the fields are "
                       "room, time, id, from, to, connection, text, name, count");
        return false;
    }
    for (unsigned i = 0; i < OLDER_TABLES_N; i++)
        if (names_of(ret_form, (enum older_table)i, names) > OLDER_FORM_NAMES_MAX) {
            (void)snprintf(ret_why, 256, "--older-fields: a table's fields have %d names at most",
                           OLDER_FORM_NAMES_MAX);
            return false;
        }
    return true;
}

unsigned older_form_names(const struct older_form *f, enum older_table table,
                          const char *ret_names[static OLDER_FORM_NAMES_MAX])
{
    return MIN(names_of(f, table, ret_names), (unsigned)OLDER_FORM_NAMES_MAX);
}
