#include "chat/model/settings.h"

#include "base/record.h"

enum { VERSION = 1 };

#define U64(member)                                   \
    {                                                 \
        RECORD_U64, offsetof(struct settings, member) \
    }
#define FLAG(member)                                   \
    {                                                  \
        RECORD_BOOL, offsetof(struct settings, member) \
    }
#define BYTES(member)                                 \
    {                                                 \
        RECORD_STR, offsetof(struct settings, member) \
    }

static const struct record_field fields[] = {
    BYTES(topic),   BYTES(description),   BYTES(icon),          FLAG(announcement),
    U64(slow_s),    FLAG(members_invite), FLAG(moderators_pin), FLAG(moderators_mention),
    FLAG(archived), FLAG(deleted),        U64(wiped),           BYTES(filter),
    U64(first),     U64(first_count),     U64(blanked),         U64(retain_s),
    U64(retain_n),
};

static const struct record_table table = {
    .fields = fields, .n = COUNTOF(fields), .unknown_offset = offsetof(struct settings, unknown)};

void settings_encode(const struct settings *s, struct buf *b)
{
    buf_append_byte(b, VERSION);
    record_encode(&table, s, b);
}

bool settings_decode(struct str bytes, struct settings *ret)
{
    struct settings s = {0};

    if (bytes.n == 0 || bytes.p[0] == 0 ||
        !record_decode(&table, (struct str){bytes.p + 1, bytes.n - 1}, &s))
        return false;
    *ret = s;
    return true;
}

bool settings_are_default(const struct settings *s)
{
    return record_size(&table, s) == 0;
}

static void put_flag(struct json_out *o, const char *key, bool on)
{
    if (on)
        json_out_field_bool(o, key, true);
}

static void settings_number(struct json_out *o, const char *key, uint64_t n)
{
    if (n > 0)
        json_out_field_u64(o, key, n);
}

static void put_text(struct json_out *o, const char *key, struct str s)
{
    if (s.n > 0)
        json_out_field_str(o, key, s);
}

void settings_put(const struct settings *s, bool whole, struct json_out *o)
{
    json_out_key(o, "settings");
    json_out_object(o);
    put_text(o, "topic", s->topic);
    if (whole)
        put_text(o, "description", s->description);
    put_text(o, "icon", s->icon);
    put_flag(o, "announcement", s->announcement);
    settings_number(o, "slow", s->slow_s);
    if (s->members_invite)
        json_out_field_str(o, "invite", STR("members"));
    if (s->moderators_pin)
        json_out_field_str(o, "pin", STR("moderators"));
    if (s->moderators_mention)
        json_out_field_str(o, "mention", STR("moderators"));
    put_flag(o, "archived", s->archived);
    put_flag(o, "deleted", s->deleted);
    settings_number(o, "retain_age", s->retain_s);
    settings_number(o, "retain_count", s->retain_n);
    settings_number(o, "first", s->first);
    json_out_object_end(o);
}
