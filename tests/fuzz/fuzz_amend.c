/* Any bytes as an amend: what decodes encodes to the same bytes; a reaction
 * that is set and taken away again leaves a list as good. */
#include "base/amend.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void react(const struct amend *old, bool on, struct buf *out)
{
    struct buf b CLEANUP(buf_fini);
    struct amend changed = *old, got;
    enum amend_result result;

    if (!amend_react(old, STR("x"), 7, on, AMEND_LIMITS, out))
        return;
    changed.reactions = buf_peek(out);
    buf_init(&b, 1 << 20);
    amend_encode(&changed, &b);
    result = amend_decode(buf_peek(&b), &got);
    assert(result == AMEND_OK && str_eq(got.reactions, changed.reactions));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf b CLEANUP(buf_fini), on CLEANUP(buf_fini), off CLEANUP(buf_fini);
    struct amend a;

    buf_init(&b, 1 << 20);
    buf_init(&on, 1 << 20);
    buf_init(&off, 1 << 20);
    if (amend_decode((struct str){data, n}, &a) != AMEND_OK)
        return 0;
    amend_encode(&a, &b);
    assert(str_eq(buf_peek(&b), (struct str){data, n}));
    react(&a, true, &on);
    react(&a, false, &off);
    return 0;
}
