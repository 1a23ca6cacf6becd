/* Any bytes as a polling body: what is read of it, written anew, reads the same. */
#include "base/str.h"
#include "wire/engineio.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* All packets, written as records; false if the body is bad. */
static bool rewrite(const uint8_t *data, size_t n, struct buf *out)
{
    uint8_t *copy = malloc(n + 1);
    struct engineio_packet p;
    enum engineio_next next;
    size_t at = 0;

    assert(copy != NULL);
    if (n > 0)
        memcpy(copy, data, n);
    buf_init(out, 1 << 20);
    while ((next = engineio_next(copy, n, &at, &p)) == ENGINEIO_PACKET) {
        assert(!p.binary || p.type == ENGINEIO_MESSAGE);
        engineio_append_record(out, &p);
    }
    free(copy);
    assert(!out->failed && buf_len(out) <= n);
    return next == ENGINEIO_END;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf once CLEANUP(buf_fini), twice CLEANUP(buf_fini);
    struct engineio_packet p;
    bool ok;

    if (rewrite(data, n, &once)) {
        ok = rewrite(buf_peek(&once).p, buf_len(&once), &twice);
        assert(ok && str_eq(buf_peek(&once), buf_peek(&twice)));
        assert(str_eq(buf_peek(&once), (struct str){data, n}));
    } else {
        buf_init(&twice, 1);
    }
    ok = engineio_decode((struct str){data, n}, false, &p);
    assert(!ok || p.data.n + 1 == n);
    return 0;
}
