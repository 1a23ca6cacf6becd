/* Any bytes as an entry: what decodes encodes to the same bytes, and decodes
 * again. */
#include "base/entry.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf b CLEANUP(buf_fini);
    struct entry e;

    buf_init(&b, 1 << 20);
    if (entry_decode((struct str){data, n}, &e) != ENTRY_OK)
        return 0;
    assert(entry_size(&e) == n);
    entry_encode(&e, &b);
    assert(str_eq(buf_peek(&b), (struct str){data, n}));
    return 0;
}
