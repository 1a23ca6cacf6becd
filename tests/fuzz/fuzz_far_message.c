/* Any bytes as a message about a session: what is read writes the same bytes again. */
#include "base/str.h"
#include "server/sio/far_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf b CLEANUP(buf_fini);
    struct far_message m;

    if (!far_message_read((struct str){data, n}, &m))
        return 0;
    buf_init(&b, n);
    far_message_write(&b, &m);
    assert(str_eq(buf_peek(&b), (struct str){data, n}));
    return 0;
}
