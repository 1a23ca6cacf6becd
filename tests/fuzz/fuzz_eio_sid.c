/* Any text as the id of a session: what is read is written the same again. */
#include "base/str.h"
#include "server/sio/eio_sid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char text[EIO_SID_LEN];
    struct eio_sid sid;

    if (!eio_sid_parse((struct str){data, n}, &sid))
        return 0;
    eio_sid_write(&sid, text);
    assert(n == sizeof(text) && memcmp(text, data, n) == 0);
    return 0;
}
