#include "base/buf.h"
#include "base/str.h"
#include "wire/chunked.h"

#include <stdlib.h>
#include <string.h>

#define BODY_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool holds)
{
    if (!holds)
        abort();
}

struct outcome {
    struct buf body;
    enum chunked_event event;
    size_t used;
    int status;
};

static void run(struct str in, size_t piece, struct outcome *ret)
{
    struct chunked c = {.body_max = BODY_MAX};

    *ret = (struct outcome){.event = CHUNKED_MORE};
    buf_init(&ret->body, BODY_MAX);
    while (ret->used < in.n && (ret->event == CHUNKED_MORE || ret->event == CHUNKED_DATA)) {
        struct str data = {0}, part = {in.p + ret->used, MIN(piece, in.n - ret->used)};
        size_t used;

        ret->event = chunked_decode(&c, part, &used, &data, &ret->status);
        require(used <= part.n);
        require(ret->event != CHUNKED_MORE || used == part.n);
        if (ret->event == CHUNKED_DATA) {
            require(data.n > 0 && data.p >= part.p && data.p + data.n <= part.p + part.n);
            buf_append(&ret->body, data);
        }
        ret->used += used;
    }
    if (ret->event == CHUNKED_DATA)
        ret->event = CHUNKED_MORE;
    require(!ret->body.failed);
}

/* However the bytes are cut, the body and its end are the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct outcome whole, cut;
    struct str in;

    if (n < 1)
        return 0;
    in = (struct str){data + 1, n - 1};
    run(in, in.n + 1, &whole);
    run(in, 1 + data[0] % 16, &cut);
    require(whole.event == cut.event && whole.used == cut.used && whole.status == cut.status);
    require(str_eq(buf_peek(&whole.body), buf_peek(&cut.body)));
    buf_fini(&whole.body);
    buf_fini(&cut.body);
    return 0;
}
