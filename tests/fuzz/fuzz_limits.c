/* Any bytes as what a worker tells of limits: what is read writes the same bytes
 * again. */
#include "base/buf.h"
#include "base/str.h"
#include "server/conn/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf b CLEANUP(buf_fini);
    struct str rest = {data, n};
    struct limits_entry e;

    if (!limits_read_begin(&rest))
        return 0;
    buf_init(&b, 1 << 20);
    limits_begin(&b);
    while (limits_read(&rest, &e))
        limits_write(&b, &e);
    assert(str_eq(buf_peek(&b), (struct str){data, n - rest.n}));
    return 0;
}
