/* Any bytes as a node's word of who is in a room: what is read can be taken apart,
 * and writes the same bytes again. */
#include "base/str.h"
#include "chat/room/crowd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf b CLEANUP(buf_fini);
    struct crowd c;

    if (!crowd_read((struct str){data, n}, &c))
        return 0;
    assert(crowd_is((struct str){data, n}));
    buf_init(&b, 1 << 20);
    crowd_begin(&b, c.n, c.listed, c.asks);
    for (uint64_t i = 0; c.listed && i < c.n; i++) {
        struct presence_person person = crowd_next(&c);

        crowd_add(&b, &person);
    }
    assert(c.rest.n == 0);
    assert(str_eq(buf_peek(&b), (struct str){data, n}));
    return 0;
}
