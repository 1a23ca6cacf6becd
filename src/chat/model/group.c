#include "chat/model/group.h"

#include "base/hex.h"
#include "base/str.h"
#include "base/varint.h"

#include <openssl/sha.h>
#include <stdio.h>

#define PREFIX STR("dm:g")
#define HASH_BYTES 20
#define DIGITS 20 /* of an id, at most */

static void group_number(struct buf *b, uint64_t v)
{
    uint8_t bytes[VARINT_N_MAX];

    buf_append(b, (struct str){bytes, (size_t)(varint_put(bytes, v) - bytes)});
}

bool group_add(struct group *g, uint64_t id)
{
    unsigned at = 0;

    assert(g->n <= GROUP_MAX);
    while (at < g->n && g->ids[at] < id)
        at++;
    if (at < g->n && g->ids[at] == id)
        return true;
    if (id == 0 || g->n == GROUP_MAX)
        return false;
    memmove(g->ids + at + 1, g->ids + at, (g->n - at) * sizeof(g->ids[0]));
    g->ids[at] = id;
    g->n++;
    return true;
}

bool group_parse(struct str ids, uint64_t self, struct group *ret)
{
    struct group g = {0};

    if (!group_add(&g, self))
        return false;
    while (ids.n > 0) {
        struct str first = str_cut(&ids, ',');
        uint64_t id;

        if (!str_to_u64(first, &id) || !group_add(&g, id))
            return false;
    }
    if (g.n < 2)
        return false;
    *ret = g;
    return true;
}

struct str group_room(const struct group *g, char buf[static KEYS_ROOM_MAX])
{
    char ids[GROUP_MAX * (DIGITS + 1)];
    uint8_t hash[SHA256_DIGEST_LENGTH];
    size_t n = 0;

    assert(g->n >= 2 && g->n <= GROUP_MAX);
    if (g->n == 2) {
        int len = snprintf(buf, KEYS_ROOM_MAX, "dm:%llu:%llu", (unsigned long long)g->ids[0],
                           (unsigned long long)g->ids[1]);

        return (struct str){(const uint8_t *)buf, (size_t)len};
    }
    for (unsigned i = 0; i < g->n; i++) {
        n += str_from_u64(g->ids[i], ids + n);
        ids[n++] = ',';
    }
    (void)SHA256((const uint8_t *)ids, n, hash);
    memcpy(buf, PREFIX.p, PREFIX.n);
    n = (size_t)(hex_write(buf + PREFIX.n, hash, HASH_BYTES) - buf);
    return (struct str){(const uint8_t *)buf, n};
}

bool group_is_room(struct str room)
{
    if (!str_starts(room, PREFIX) || room.n != PREFIX.n + 2 * HASH_BYTES)
        return false;
    for (size_t i = PREFIX.n; i < room.n; i++)
        if (!(room.p[i] >= '0' && room.p[i] <= '9') && !(room.p[i] >= 'a' && room.p[i] <= 'f'))
            return false;
    return true;
}

void group_put(struct buf *b, uint64_t id, struct str name)
{
    assert(id > 0);
    group_number(b, id);
    group_number(b, name.n);
    buf_append(b, name);
}

bool group_next(struct str *rest, uint64_t *ret_id, struct str *ret_name)
{
    return varint_get(rest, ret_id) && *ret_id > 0 && varint_take(rest, ret_name);
}
