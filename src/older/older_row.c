#include "older/older_row.h"

#include "base/hex.h"
#include "base/str.h"
#include "chat/model/command.h"
#include "chat/model/keys.h"
#include "chat/model/text.h"
#include "older/older_time.h"

#include <openssl/sha.h>
#include <stdio.h>

#define TEXT_MAX_BYTES 400000
#define NAME_MAX_BYTES 200
#define GUEST_HEX 12

static const struct {
    const char *code, *what;
} reasons[] = {
#define REASON(constant, code, what) [constant] = {code, what},
#include "older/reasons.tbl"
#undef REASON
};

/* The first of the field's attributes that the item has, as text; a number as it is written. */
static struct str value_of(const struct older_form *f, enum older_field field,
                           const struct dynamo_item *item)
{
    struct str v = {0};

    for (unsigned i = 0; i < OLDER_FORM_NAMES_MAX && f->fields[field][i][0] != '\0'; i++) {
        const char *name = f->fields[field][i];

        if ((dynamo_get(item, name, DYNAMO_S, &v) || dynamo_get(item, name, DYNAMO_N, &v)) &&
            v.n > 0)
            return v;
    }
    return (struct str){0};
}

static bool is_separator(uint8_t c)
{
    return c != '\0' && strchr("#_|:-+&@. ", c) != NULL;
}

/* Of "ana#bob" what is not "ana": one or more of the same separator lie between. */
static struct str other_of(struct str conversation, struct str one)
{
    struct str rest;

    if (conversation.n < one.n + 2)
        return (struct str){0};
    rest = str_skip(conversation, one.n);
    if (str_starts(conversation, one) && is_separator(rest.p[0])) {
        uint8_t c = rest.p[0];

        while (rest.n > 0 && rest.p[0] == c)
            rest = str_skip(rest, 1);
        return rest;
    }
    rest = (struct str){conversation.p, conversation.n - one.n};
    if (str_eq(str_skip(conversation, rest.n), one) && is_separator(rest.p[rest.n - 1])) {
        uint8_t c = rest.p[rest.n - 1];

        while (rest.n > 0 && rest.p[rest.n - 1] == c)
            rest.n--;
        return rest;
    }
    return (struct str){0};
}

static enum older_reason put_user(struct older_shelf *s, const struct older_form *f,
                                  const struct dynamo_item *item)
{
    struct str name = str_trim(value_of(f, OLDER_NAME, item));

    if (name.n == 0)
        return OLDER_NO_NAME;
    if (name.n > NAME_MAX_BYTES)
        return OLDER_NAME_LONG;
    older_shelf_put_person(s, name);
    return OLDER_FITS;
}

/* Most connections of such tables are of nobody by now: that is no fault. */
static enum older_reason put_connection(struct older_shelf *s, const struct older_form *f,
                                        const struct dynamo_item *item)
{
    struct str id = value_of(f, OLDER_CONNECTION, item);
    struct str name = str_trim(value_of(f, OLDER_FROM, item));

    if (name.n > NAME_MAX_BYTES)
        return OLDER_NAME_LONG;
    if (id.n > 0 && name.n > 0)
        older_shelf_put_connection(s, id, name);
    return OLDER_FITS;
}

static enum older_reason put_count(struct older_shelf *s, const struct older_form *f,
                                   const struct dynamo_item *item)
{
    uint64_t n;

    if (!str_to_u64(value_of(f, OLDER_COUNT, item), &n) || n > (uint64_t)JSON_INT_MAX)
        return OLDER_NO_COUNT;
    older_shelf_put_counter(s, n);
    return OLDER_FITS;
}

/* Who a connection was of; of one that nobody knows a name is made, the same each time. */
static struct str sender_of(struct older_shelf *s, const struct older_form *f,
                            const struct dynamo_item *item, char name[static NAME_MAX_BYTES])
{
    struct str from = str_trim(value_of(f, OLDER_FROM, item));
    struct str connection = value_of(f, OLDER_CONNECTION, item);
    uint8_t hash[SHA256_DIGEST_LENGTH];
    size_t n;

    if (from.n > 0 || connection.n == 0)
        return from;
    if (older_shelf_connection(s, connection, NAME_MAX_BYTES, name, &n))
        return (struct str){(const uint8_t *)name, n};
    (void)SHA256(connection.p, connection.n, hash);
    memcpy(name, "guest-", 6);
    (void)hex_write(name + 6, hash, GUEST_HEX / 2);
    return (struct str){(const uint8_t *)name, 6 + GUEST_HEX};
}

/* To whom: said, or what the conversation's name has besides. */
static enum older_reason set_pair(struct older_shelf *s, const struct older_form *f,
                                  const struct dynamo_item *item, struct older_message *m)
{
    struct str conversation = value_of(f, OLDER_ROOM, item);

    m->to = str_trim(value_of(f, OLDER_TO, item));
    if (m->to.n == 0)
        m->to = str_trim(other_of(conversation, m->from));
    if (m->to.n == 0)
        return OLDER_NO_TO;
    if (m->to.n > NAME_MAX_BYTES)
        return OLDER_NAME_LONG;
    if (str_eq(m->to, m->from))
        return OLDER_TO_SELF;
    if (conversation.n > 0 && !older_shelf_put_pair(s, conversation, m->from, m->to))
        return OLDER_OTHER_PAIR;
    return OLDER_FITS;
}

/* As join does with a room's name. id is what m->room borrows from. */
static enum older_reason set_room(const struct older_form *f, const struct dynamo_item *item,
                                  const char *room, struct older_message *m,
                                  char id[static KEYS_ROOM_MAX])
{
    struct str name = str_trim(value_of(f, OLDER_ROOM, item)), title;
    size_t n;

    if (name.n == 0)
        name = str_of(room);
    if (name.n == 0)
        return OLDER_NO_ROOM;
    title = name;
    if (name.n <= TEXT_ROOM_MAX) {
        memcpy(id, name.p, name.n);
        m->room = (struct str){(const uint8_t *)id, name.n};
        if (command_fold_room(&m->room))
            return id[0] == '@' || str_starts(m->room, STR("dm:")) ? OLDER_BAD_ROOM : OLDER_FITS;
    }
    if (!text_room(name, id, &n))
        return OLDER_BAD_ROOM;
    m->room = (struct str){(const uint8_t *)id, n};
    if (text_title(&title) == ERROR_NONE)
        m->title = title;
    return OLDER_FITS;
}

static enum older_reason put_message(struct older_shelf *s, const struct older_form *f,
                                     const struct dynamo_item *item, const char *room)
{
    char id[KEYS_ROOM_MAX], name[NAME_MAX_BYTES];
    struct older_message m = {.id = value_of(f, OLDER_ID, item),
                              .text = value_of(f, OLDER_TEXT, item)};
    enum older_reason r;

    m.from = sender_of(s, f, item, name);
    if (!older_time_read(value_of(f, OLDER_TIME, item), &m.at_ns))
        return OLDER_NO_TIME;
    if (m.from.n == 0)
        return OLDER_NO_FROM;
    if (m.from.n > NAME_MAX_BYTES)
        return OLDER_NAME_LONG;
    if (m.text.n == 0)
        return OLDER_NO_TEXT;
    if (m.text.n > TEXT_MAX_BYTES)
        return OLDER_TOO_LONG;
    if (text_message(m.text) != ERROR_NONE)
        return OLDER_BAD_TEXT;
    r = f->direct ? set_pair(s, f, item, &m) : set_room(f, item, room, &m, id);
    if (r == OLDER_FITS)
        older_shelf_put_message(s, &m);
    return r;
}

enum older_reason older_row_put(struct older_shelf *s, const struct older_form *f,
                                enum older_table table, const struct dynamo_item *item,
                                const char *room)
{
    switch (table) {
    case OLDER_CONNECTIONS:
        return put_connection(s, f, item);
    case OLDER_USERS:
        return put_user(s, f, item);
    case OLDER_COUNTER:
        return put_count(s, f, item);
    case OLDER_MESSAGES:
    case OLDER_TABLES_N:
        break;
    }
    return put_message(s, f, item, room);
}

const char *older_row_code(enum older_reason r)
{
    return reasons[r].code;
}

const char *older_row_what(enum older_reason r)
{
    return reasons[r].what;
}

void older_row_label(const struct older_form *f, const struct dynamo_item *item, size_t max,
                     char ret_text[])
{
    static const enum older_field labels[] = {OLDER_ID, OLDER_ROOM, OLDER_TIME, OLDER_NAME,
                                              OLDER_CONNECTION};
    size_t n = 0;

    ret_text[0] = '\0';
    for (size_t i = 0; i < COUNTOF(labels); i++) {
        struct str v = value_of(f, labels[i], item);
        int more;

        if (v.n == 0 || n + 1 >= max)
            continue;
        more = snprintf(ret_text + n, max - n, "%s%s %.*s", n > 0 ? ", " : "",
                        f->fields[labels[i]][0], (int)MIN(v.n, (size_t)60), (const char *)v.p);
        n = MIN(n + (size_t)more, max - 1);
    }
}
