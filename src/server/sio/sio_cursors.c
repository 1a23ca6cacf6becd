#include "server/sio/sio_cursors.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/conn/conn.h"

#include <stdlib.h>

void sio_cursors_put(struct buf *out, const struct feed *feed, uint64_t seq)
{
    buf_append(out, feed_room(feed));
    buf_append_byte(out, '.');
    buf_append_u64(out, feed->epoch);
    buf_append_byte(out, '.');
    buf_append_u64(out, seq);
}

void sio_cursors_others(const struct conn *c, const struct follower *except, struct buf *out)
{
    for (const struct conn_follower *cf = c->followers; cf != NULL; cf = cf->next) {
        if (&cf->f == except)
            continue;
        if (buf_len(out) > 0)
            buf_append_byte(out, '~');
        sio_cursors_put(out, cf->f.feed, cf->f.cursor);
        if (buf_len(out) > SIO_CURSORS_MAX)
            return;
    }
}

void sio_cursors_all(const struct conn *c, struct buf *out)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, 2 * SIO_CURSORS_MAX);
    sio_cursors_others(c, NULL, &b);
    if (buf_len(&b) > SIO_CURSORS_MAX)
        buf_append_byte(out, '-');
    else
        buf_append(out, buf_peek(&b));
}

static bool parse_one(struct str one, struct command_cursor *ret)
{
    struct str rest = one;

    ret->room = str_cut(&rest, '.');
    return str_to_u64(str_cut(&rest, '.'), &ret->epoch) && str_to_u64(rest, &ret->seq) &&
           ret->epoch <= JSON_INT_MAX && ret->seq <= JSON_INT_MAX && command_fold_room(&ret->room);
}

bool sio_cursors_parse(struct str text, unsigned rooms_max, struct command *ret_cmd)
{
    struct command_cursors *rooms = &ret_cmd->rooms;
    unsigned n = 0;

    *rooms = (struct command_cursors){0};
    if (text.n == 0)
        return true;
    if (text.n > 2 * SIO_CURSORS_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '~';
    n++;
    if (rooms_max > 0 && n > rooms_max)
        return false;
    rooms->at = mem_zeroed(n, sizeof(*rooms->at));
    while (text.n > 0) {
        assert(rooms->n < n);
        if (!parse_one(str_cut(&text, '~'), &rooms->at[rooms->n])) {
            command_fini(ret_cmd);
            return false;
        }
        rooms->n++;
    }
    return true;
}
