/* Replies of Redis, whole and in pieces: the same replies come of both. */
#include "base/base.h"
#include "wire/resp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned count(const uint8_t *data, size_t size, size_t step, enum resp_result *ret)
{
    struct resp_reader *r = resp_reader_new();
    struct resp_reply *reply;
    unsigned n = 0;

    *ret = RESP_MORE;
    for (size_t at = 0; at < size && *ret == RESP_MORE; at += step) {
        resp_feed(r, (struct str){data + at, MIN(step, size - at)});
        while ((*ret = resp_next(r, &reply)) == RESP_OK) {
            if (reply->type == RESP_ARRAY && reply->n > RESP_ELEMENTS_MAX)
                abort();
            resp_reply_free(reply);
            n++;
        }
    }
    resp_reader_free(r);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum resp_result whole, pieces;

    if (count(data, size, size, &whole) != count(data, size, 1, &pieces) || whole != pieces)
        abort();
    return 0;
}
