#include "server/sio/eio_sid.h"

#include "base/base64.h"

#include <string.h>

#define SID_BYTES (8 + 1 + EIO_ID_LEN)

void eio_sid_write(const struct eio_sid *sid, char ret_text[static EIO_SID_LEN])
{
    uint8_t bytes[SID_BYTES];

    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(sid->node >> (8 * i));
    bytes[8] = (uint8_t)sid->worker;
    memcpy(bytes + 9, sid->id, EIO_ID_LEN);
    (void)base64_encode(BASE64_URL, (struct str){bytes, sizeof(bytes)}, ret_text);
}

bool eio_sid_parse(struct str text, struct eio_sid *ret)
{
    uint8_t bytes[BASE64_DECODED_MAX(EIO_SID_LEN)];
    struct eio_sid sid = {0};
    size_t n;

    if (text.n != EIO_SID_LEN || !base64_decode(BASE64_URL, text, bytes, &n))
        return false;
    for (unsigned i = 0; i < 8; i++)
        sid.node |= (uint64_t)bytes[i] << (8 * i);
    sid.worker = bytes[8];
    memcpy(sid.id, bytes + 9, EIO_ID_LEN);
    *ret = sid;
    return true;
}
