/* Any bytes as a packet: what is read of it, put together again, reads the same. */
#include "base/str.h"
#include "wire/socketio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void put_together(const struct socketio_packet *p, struct buf *out)
{
    struct str args = p->args, arg;
    bool comma = p->name.n > 0;

    socketio_append_head(out, p);
    if (p->type < SOCKETIO_EVENT || p->type == SOCKETIO_CONNECT_ERROR) {
        buf_append(out, p->data);
        return;
    }
    buf_append_byte(out, '[');
    buf_append(out, p->name);
    while (socketio_arg_next(&args, &arg)) {
        assert(arg.n > 0);
        if (comma)
            buf_append_byte(out, ',');
        comma = true;
        buf_append(out, arg);
    }
    buf_append_byte(out, ']');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf scratch CLEANUP(buf_fini), once CLEANUP(buf_fini), twice CLEANUP(buf_fini);
    struct socketio_packet p, q;
    bool ok;

    buf_init(&scratch, 1 << 20);
    buf_init(&once, 1 << 20);
    buf_init(&twice, 1 << 20);
    if (!socketio_decode((struct str){data, n}, &scratch, &p))
        return 0;
    assert(p.nsp.n > 0 && p.nsp.n <= SOCKETIO_NAMESPACE_MAX);
    if (p.problem != JSON_OK) { /* nothing is lent of what cannot be taken */
        assert(p.problem != JSON_BAD_SYNTAX && p.name.n == 0 && p.args.n == 0);
        return 0;
    }
    assert(p.attachments <= SOCKETIO_ATTACHMENTS_MAX);
    put_together(&p, &once);
    ok = socketio_decode(buf_peek(&once), &scratch, &q);
    assert(ok && q.type == p.type && q.id == p.id && str_eq(q.nsp, p.nsp));
    put_together(&q, &twice);
    assert(str_eq(buf_peek(&once), buf_peek(&twice)));
    return 0;
}
