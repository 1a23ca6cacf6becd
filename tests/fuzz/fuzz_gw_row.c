/* Any bytes as the row of a connection behind API Gateway, and as a home that is given away: a row
 * that is read reads the same once it is written. */
#include "base/str.h"
#include "server/gw/gw_give.h"
#include "server/gw/gw_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf b CLEANUP(buf_fini);
    struct gw_row r, again;
    struct str id, row;
    uint64_t rev;

    buf_init(&b, n + 256);
    if (gw_give_read((struct str){data, n}, &rev, &id, &row))
        assert(id.n > 0 && id.n + row.n < n);
    if (!gw_row_decode((struct str){data, n}, &r))
        return 0;
    gw_row_encode(&r, &b);
    assert(!b.failed && gw_row_decode(buf_peek(&b), &again));
    assert(str_eq(r.cursors, again.cursors) && str_eq(r.name, again.name));
    assert(r.user == again.user && r.bus_id == again.bus_id && r.array == again.array);
    return 0;
}
