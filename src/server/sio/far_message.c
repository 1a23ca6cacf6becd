#include "server/sio/far_message.h"

#include "base/str.h"
#include "base/varint.h"

enum { VERSION = 1, FIXED_N = 6 };

void far_message_write(struct buf *out, const struct far_message *m)
{
    const uint8_t fixed[FIXED_N] = {
        VERSION,          (uint8_t)m->type,        (uint8_t)m->worker,
        (uint8_t)m->last, (uint8_t)m->answer.kind, (uint8_t)m->answer.error};

    assert(m->worker <= UINT8_MAX);
    buf_append(out, (struct str){fixed, sizeof(fixed)});
    buf_append(out, (struct str){m->session, sizeof(m->session)});
    buf_append_varint(out, m->id);
    buf_append_varint(out, m->piece);
    buf_append(out, m->bytes);
}

bool far_message_read(struct str bytes, struct far_message *ret)
{
    struct far_message m = {0};
    const uint8_t *p = bytes.p;
    uint64_t piece;

    if (bytes.n < FIXED_N + EIO_ID_LEN || p[0] != VERSION || p[1] > FAR_HOME || p[3] > 1 ||
        p[4] > EIO_REFUSED || p[5] > ENGINEIO_UNSUPPORTED_VERSION)
        return false;
    m.type = (enum far_type)p[1];
    m.worker = p[2];
    m.last = p[3] == 1;
    m.answer.kind = (enum eio_answer_kind)p[4];
    m.answer.error = (enum engineio_error)p[5];
    memcpy(m.session, p + FIXED_N, sizeof(m.session));
    m.bytes = str_skip(bytes, FIXED_N + EIO_ID_LEN);
    if (!varint_get(&m.bytes, &m.id) || !varint_get(&m.bytes, &piece) || piece > UINT32_MAX)
        return false;
    m.piece = (uint32_t)piece;
    *ret = m;
    return true;
}
