/* Any bytes as a wish for a turn: what is read writes the same bytes again. */
#include "base/str.h"
#include "chat/room/turn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf b CLEANUP(buf_fini);
    struct turn_wish wish;

    if (!turn_read((struct str){data, n}, &wish))
        return 0;
    assert(turn_is((struct str){data, n}));
    buf_init(&b, 100);
    turn_write(&b, &wish);
    assert(str_eq(buf_peek(&b), (struct str){data, n}));
    return 0;
}
