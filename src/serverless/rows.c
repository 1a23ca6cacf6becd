#include "serverless/rows.h"

#include "base/str.h"
#include "chat/model/keys.h"

#include <stdio.h>

#define VERSION "1"

static bool number(struct str *rest, uint64_t *ret_v)
{
    return str_to_u64(str_cut(rest, ' '), ret_v);
}

static bool is_version(struct str *rest)
{
    return str_eq(str_cut(rest, ' '), STR(VERSION));
}

/* A letter for each bit: arrays, super, then the scopes read, write, rooms and admin. */
static const char flag_letters[] = "asrwod";
enum { FLAGS_TEXT_MAX = sizeof(flag_letters) };

static const char *flags_text(unsigned flags, char buf[static FLAGS_TEXT_MAX])
{
    size_t n = 0;

    for (unsigned i = 0; flag_letters[i] != '\0'; i++)
        if ((flags & 1u << i) != 0)
            buf[n++] = flag_letters[i];
    buf[n] = '\0';
    return n > 0 ? buf : "-";
}

/* Letters that are not known yet are ignored. */
static unsigned flags_of(struct str text)
{
    unsigned flags = 0;

    for (size_t i = 0; i < text.n; i++) {
        const char *at = text.p[i] != '\0' ? strchr(flag_letters, text.p[i]) : NULL;

        flags |= at != NULL ? 1u << (at - flag_letters) : 0;
    }
    return flags;
}

bool rows_is_base(struct str base)
{
    for (size_t i = 0; i < base.n; i++)
        if (base.p[i] <= ' ' || base.p[i] > '~')
            return false;
    return base.n > 0 && base.n <= ROWS_BASE_MAX;
}

void rows_conn_encode(const struct rows_conn *c, struct buf *out)
{
    char flags[FLAGS_TEXT_MAX];

    assert(rows_is_base(c->base));
    buf_printf(out, VERSION " %llu %llu %llu %s %.*s\n", (unsigned long long)c->user,
               (unsigned long long)c->session, (unsigned long long)c->connected_ms,
               flags_text(c->flags, flags), STR_ARGS(c->base));
    buf_append(out, c->rooms);
}

bool rows_conn_decode(struct str body, struct rows_conn *ret_c)
{
    struct str line = str_cut(&body, '\n');
    struct rows_conn c = {.rooms = body};

    if (!is_version(&line) || !number(&line, &c.user) || !number(&line, &c.session) ||
        !number(&line, &c.connected_ms))
        return false;
    c.flags = flags_of(str_cut(&line, ' '));
    c.base = str_cut(&line, ' ');
    if (!rows_is_base(c.base))
        return false;
    *ret_c = c;
    return true;
}

bool rows_conn_next(struct str *rest, struct str *ret_room, uint32_t *ret_shard)
{
    struct str line = str_cut(rest, '\n'), room = str_cut(&line, ' ');
    uint64_t shard;

    if (room.n == 0 || room.n > KEYS_ROOM_MAX || !number(&line, &shard) || shard > UINT32_MAX)
        return false;
    *ret_room = room;
    *ret_shard = (uint32_t)shard;
    return true;
}

bool rows_conn_find(const struct rows_conn *c, struct str room, uint32_t *ret_shard)
{
    struct str rest = c->rooms, name;
    uint32_t shard;

    while (rows_conn_next(&rest, &name, &shard)) {
        if (str_eq(name, room)) {
            *ret_shard = shard;
            return true;
        }
    }
    return false;
}

struct str rows_follower_encode(const struct rows_follower *f, char to[static ROWS_VALUE_MAX])
{
    char flags[FLAGS_TEXT_MAX];
    int n;

    assert(rows_is_base(f->base));
    n = snprintf(to, ROWS_VALUE_MAX, VERSION " %llu %llu %llu %s %.*s", (unsigned long long)f->user,
                 (unsigned long long)f->since, (unsigned long long)f->connected_ms,
                 flags_text(f->flags, flags), STR_ARGS(f->base));
    return (struct str){(const uint8_t *)to, (size_t)n};
}

bool rows_follower_decode(struct str body, struct rows_follower *ret_f)
{
    struct rows_follower f = {0};

    if (!is_version(&body) || !number(&body, &f.user) || !number(&body, &f.since) ||
        !number(&body, &f.connected_ms))
        return false;
    f.flags = flags_of(str_cut(&body, ' '));
    f.base = str_cut(&body, ' ');
    if (!rows_is_base(f.base))
        return false;
    *ret_f = f;
    return true;
}

struct str rows_shard_encode(const struct rows_shard *s, char to[static ROWS_VALUE_MAX])
{
    int n = snprintf(to, ROWS_VALUE_MAX, VERSION " %llu %llu %llu %llu %llu %llu %llu",
                     (unsigned long long)s->run_to, (unsigned long long)s->fanned,
                     (unsigned long long)s->access, (unsigned long long)s->followers,
                     (unsigned long long)s->shards, (unsigned long long)s->lease,
                     (unsigned long long)s->until_ms);

    return (struct str){(const uint8_t *)to, (size_t)n};
}

bool rows_shard_decode(struct str body, struct rows_shard *ret_s)
{
    struct rows_shard s;

    if (!is_version(&body) || !number(&body, &s.run_to) || !number(&body, &s.fanned) ||
        !number(&body, &s.access) || !number(&body, &s.followers) || !number(&body, &s.shards) ||
        !number(&body, &s.lease) || !number(&body, &s.until_ms))
        return false;
    *ret_s = s;
    return true;
}
