#include "base/buf.h"
#include "base/str.h"
#include "wire/deflate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Never over the limit; what fits a limit comes out alike under a wider one. */
static void inflates_within(struct deflate_codec *c, struct str in, size_t max)
{
    enum deflate_result narrow, wide;
    struct str out = {0};
    struct buf first;

    buf_init(&first, SIZE_MAX / 2);
    narrow = deflate_inflate(c, in, max, &out);
    if (narrow == DEFLATE_OK) {
        require(out.n <= max);
        buf_append(&first, out);
    }
    wide = deflate_inflate(c, in, max * 4, &out);
    if (narrow == DEFLATE_OK)
        require(wide == DEFLATE_OK && str_eq(out, buf_peek(&first)));
    else if (wide == DEFLATE_OK)
        require(narrow == DEFLATE_TOO_BIG && out.n > max);
    buf_fini(&first);
}

static void returns_what_it_took(struct deflate_codec *c, struct str in, uint8_t bits)
{
    struct str out = {0};
    struct buf z;

    buf_init(&z, SIZE_MAX / 2);
    buf_append(&z, deflate_compress(c, bits, in));
    require(deflate_inflate(c, buf_peek(&z), in.n, &out) == DEFLATE_OK && str_eq(in, out));
    buf_fini(&z);
}

/* Our answer to whatever is offered is within bounds. */
static void negotiates(struct str offers)
{
    struct deflate_params params = {0};
    char answer[DEFLATE_ANSWER_MAX];

    if (!deflate_negotiate(offers, &params))
        return;
    require(params.window_bits >= 8 && params.window_bits <= 15);
    require(deflate_answer(&params, answer) <= sizeof(answer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct deflate_codec *codec;
    struct str in;

    if (n < 1)
        return 0;
    if (codec == NULL)
        codec = deflate_new(1);
    in = (struct str){data + 1, n - 1};
    if (data[0] % 3 == 0)
        inflates_within(codec, in, 1 + (size_t)data[0] * 50);
    else if (data[0] % 3 == 1)
        returns_what_it_took(codec, in, (uint8_t)(8 + data[0] / 3 % 8));
    else
        negotiates(in);
    return 0;
}
