#include "base/amend.h"
#include "base/record.h"
#include "base/str.h"
#include "base/varint.h"

#include <string.h>

static const struct record_field fields[] = {
    {RECORD_U64, offsetof(struct amend, rev)},
    {RECORD_U64, offsetof(struct amend, target)},
    {RECORD_BOOL, offsetof(struct amend, deleted)},
    {RECORD_BOOL, offsetof(struct amend, edited)},
    {RECORD_U64, offsetof(struct amend, edited_ts_ms)},
    {RECORD_STR, offsetof(struct amend, text)},
    {RECORD_STR, offsetof(struct amend, reactions)},
    {RECORD_STR, offsetof(struct amend, edits)},
};

static const struct record_table table = {
    .fields = fields, .n = COUNTOF(fields), .unknown_offset = offsetof(struct amend, unknown)};

/* Whether s has the form that the header gives, but for double entries. */
static bool reactions_valid(struct str s)
{
    while (s.n > 0) {
        struct amend_reaction r;
        uint64_t id, n = 0;

        if (!amend_reaction_next(&s, &r))
            return false;
        while (amend_user_next(&r.users, &id))
            n++;
        if (r.users.n > 0 || n == 0 || n != r.users_n)
            return false;
    }
    return true;
}

void amend_encode(const struct amend *a, struct buf *b)
{
    buf_append_byte(b, a->version > 0 ? a->version : AMEND_VERSION);
    record_encode(&table, a, b);
}

enum amend_result amend_decode(struct str bytes, struct amend *ret)
{
    struct amend a = {0};

    if (bytes.n < 1 || bytes.p[0] == 0)
        return AMEND_BAD;
    a.version = bytes.p[0];
    if (!record_decode(&table, str_skip(bytes, 1), &a) || !reactions_valid(a.reactions))
        return AMEND_BAD;
    *ret = a;
    return AMEND_OK;
}

bool amend_reaction_next(struct str *rest, struct amend_reaction *ret)
{
    struct str s = *rest;
    struct amend_reaction r;

    if (!varint_take(&s, &r.emoji) || r.emoji.n == 0 || !varint_get(&s, &r.users_n) ||
        !varint_take(&s, &r.users))
        return false;
    *ret = r;
    *rest = s;
    return true;
}

bool amend_user_next(struct str *rest, uint64_t *ret_user_id)
{
    return varint_get(rest, ret_user_id);
}

/* Cuts users at user_id: *ret_before and *ret_after are the others. Whether it
 * was there. */
static bool cut_user(struct str users, uint64_t user_id, struct str *ret_before,
                     struct str *ret_after)
{
    struct str rest = users;
    size_t at = 0;
    uint64_t id;

    while (amend_user_next(&rest, &id)) {
        if (id == user_id) {
            *ret_before = (struct str){users.p, at};
            *ret_after = rest;
            return true;
        }
        at = users.n - rest.n;
    }
    *ret_before = users;
    *ret_after = (struct str){0};
    return false;
}

/* Are they the same emoji? Older entries may spell it with or without U+FE0F. */
static bool is_same_emoji(struct str a, struct str b)
{
    static const uint8_t variation[] = {0xef, 0xb8, 0x8f};

    for (;;) {
        while (a.n >= sizeof(variation) && memcmp(a.p, variation, sizeof(variation)) == 0)
            a = str_skip(a, sizeof(variation));
        while (b.n >= sizeof(variation) && memcmp(b.p, variation, sizeof(variation)) == 0)
            b = str_skip(b, sizeof(variation));
        if (a.n == 0 || b.n == 0)
            return a.n == b.n;
        if (a.p[0] != b.p[0])
            return false;
        a = str_skip(a, 1);
        b = str_skip(b, 1);
    }
}

/* Finds emoji in a list: *ret_before and *ret_after are the other reactions.
 * Without it, *ret_r is one that nobody is in. Returns how many others. */
static unsigned cut_emoji(struct str list, struct str emoji, struct amend_reaction *ret_r,
                          struct str *ret_before, struct str *ret_after)
{
    struct str rest = list;
    struct amend_reaction r;
    unsigned others = 0;
    size_t at = 0;

    *ret_r = (struct amend_reaction){.emoji = emoji};
    *ret_before = list;
    *ret_after = (struct str){0};
    while (amend_reaction_next(&rest, &r)) {
        if (r.users_n > 0 && ret_r->users_n == 0 && is_same_emoji(r.emoji, emoji)) {
            *ret_r = r;
            *ret_before = (struct str){list.p, at};
            *ret_after = rest;
        } else {
            others++;
        }
        at = list.n - rest.n;
    }
    return others;
}

bool amend_react(const struct amend *old, struct str emoji, uint64_t user_id, bool on,
                 struct amend_limits limits, struct buf *out)
{
    struct str before, after, users_before, users_after;
    struct amend_reaction r;
    unsigned others;
    bool was;
    uint64_t users_n;
    struct str list = old != NULL ? old->reactions : (struct str){0};

    if (emoji.n == 0)
        return false;
    others = cut_emoji(list, emoji, &r, &before, &after);
    was = cut_user(r.users, user_id, &users_before, &users_after);
    if (was == on) {
        buf_append(out, list);
        return true;
    }
    if (on && ((r.users_n == 0 && others >= limits.emojis_max) || r.users_n >= limits.users_max))
        return false;

    users_n = on ? r.users_n + 1 : r.users_n - 1;
    buf_append(out, before);
    if (users_n > 0) {
        buf_append_varint(out, emoji.n);
        buf_append(out, emoji);
        buf_append_varint(out, users_n);
        buf_append_varint(out, users_before.n + users_after.n + (on ? varint_size(user_id) : 0));
        buf_append(out, users_before);
        buf_append(out, users_after);
        if (on)
            buf_append_varint(out, user_id);
    }
    buf_append(out, after);
    return true;
}
