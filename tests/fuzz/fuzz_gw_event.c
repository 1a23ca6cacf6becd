/* Any bytes as an event of API Gateway that another node relays: what is read writes the same
 * bytes again; and as an answer to one. */
#include "base/str.h"
#include "server/gw/gw_event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str bytes = {data, n};
    struct buf b CLEANUP(buf_fini);
    struct gw_answer a;
    struct gw_event e;

    buf_init(&b, 2 * n + 64);
    if (gw_event_decode(bytes, &e)) {
        gw_event_encode(&e, &b);
        assert(str_eq(buf_peek(&b), bytes));
    }
    buf_clear(&b);
    if (gw_event_answer_decode(bytes, &a)) {
        gw_event_answer_encode(&a, &b);
        assert(gw_event_answer_decode(buf_peek(&b), &a));
    }
    return 0;
}
