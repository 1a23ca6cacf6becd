#include "server/gw/gw_row.h"

#include "base/hex.h"
#include "base/str.h"
#include "server/gw/gw_event.h"

enum { ARRAY = 1, SUPER = 2, SCOPES_SHIFT = 2, FLAGS_MAX = 63, WORKERS = 256 };

void gw_row_encode(const struct gw_row *r, struct buf *out)
{
    unsigned flags = (r->array ? (unsigned)ARRAY : 0) | (r->super ? (unsigned)SUPER : 0) |
                     r->scopes << SCOPES_SHIFT;

    assert(r->run.n <= GW_ROW_RUN_MAX && r->base.n <= GW_BASE_MAX);
    buf_append(out, STR("2 "));
    buf_append(out, r->run.n > 0 ? r->run : STR("-"));
    buf_printf(out, " %016llx %u %llu %u %llu %llu %llu %llu\n", (unsigned long long)r->bus_id,
               r->worker, (unsigned long long)r->connected_ms, flags, (unsigned long long)r->user,
               (unsigned long long)r->session, (unsigned long long)r->expires_ms,
               (unsigned long long)r->next_n);
    buf_append(out, r->base);
    buf_append_byte(out, '\n');
    buf_append(out, r->source);
    buf_append_byte(out, '\n');
    buf_append(out, r->name);
    buf_append_byte(out, '\n');
    buf_append(out, r->cursors);
}

static bool read_numbers(struct str line, struct gw_row *r)
{
    struct str bus_id = str_cut(&line, ' ');
    uint64_t worker, flags;

    if (bus_id.n != 16 || !hex_number(bus_id, &r->bus_id) ||
        !str_to_u64(str_cut(&line, ' '), &worker) ||
        !str_to_u64(str_cut(&line, ' '), &r->connected_ms) ||
        !str_to_u64(str_cut(&line, ' '), &flags) || !str_to_u64(str_cut(&line, ' '), &r->user) ||
        !str_to_u64(str_cut(&line, ' '), &r->session) ||
        !str_to_u64(str_cut(&line, ' '), &r->expires_ms) || !str_to_u64(line, &r->next_n) ||
        worker >= WORKERS || flags > FLAGS_MAX)
        return false;
    r->worker = (unsigned)worker;
    r->array = (flags & ARRAY) != 0;
    r->super = (flags & SUPER) != 0;
    r->scopes = (unsigned)flags >> SCOPES_SHIFT;
    return true;
}

bool gw_row_decode(struct str body, struct gw_row *ret_row)
{
    struct str line = str_cut(&body, '\n');
    struct gw_row r = {0};

    if (!str_eq(str_cut(&line, ' '), STR("2")))
        return false;
    r.run = str_cut(&line, ' ');
    if (r.run.n == 0 || r.run.n > GW_ROW_RUN_MAX || !read_numbers(line, &r))
        return false;
    if (str_eq(r.run, STR("-")))
        r.run = (struct str){0};
    r.base = str_cut(&body, '\n');
    r.source = str_cut(&body, '\n');
    r.name = str_cut(&body, '\n');
    r.cursors = body;
    if (r.base.n == 0 || r.base.n > GW_BASE_MAX || r.source.n >= GW_SOURCE_MAX ||
        r.name.n > GW_ROW_NAME_MAX)
        return false;
    *ret_row = r;
    return true;
}
