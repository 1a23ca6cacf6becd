/* Any bytes as a doorbell: what is read can be taken apart, and writes the same
 * bytes again. */
#include "base/str.h"
#include "chat/model/doorbell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ENTRIES_MAX = 10000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct str entries[ENTRIES_MAX];
    struct buf b CLEANUP(buf_fini);
    struct doorbell d;
    unsigned entries_n;

    if (!doorbell_read((struct str){data, n}, &d))
        return 0;
    assert(d.n <= ENTRIES_MAX);
    entries_n = (unsigned)d.n;
    for (unsigned i = 0; i < entries_n; i++)
        entries[i] = doorbell_next(&d);
    assert(d.rest.n == 0);
    buf_init(&b, 1 << 20);
    doorbell_write(&b, d.epoch, entries, entries_n);
    assert(str_eq(buf_peek(&b), (struct str){data, n}));
    return 0;
}
