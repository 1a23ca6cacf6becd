/* Any bytes as an answer: what is read lies within them, and a verdict follows. */
#include "base/str.h"
#include "wire/dynamo.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void within(const uint8_t *p, size_t n, struct str s)
{
    assert(s.n == 0 || (s.p >= p && s.p + s.n <= p + n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct dynamo_answer a;
    uint8_t *p = malloc(n + 1);
    uint64_t v;

    if (p == NULL)
        abort();
    memcpy(p, data, n);
    if (dynamo_answer_parse(p, n, &a)) {
        assert(a.reasons_n <= DYNAMO_REASONS_MAX && a.item.n <= DYNAMO_ATTRS_MAX);
        within(p, n, a.error);
        within(p, n, a.message);
        for (size_t i = 0; i < a.items_n; i++)
            for (unsigned k = 0; k < a.items[i].n; k++)
                within(p, n, a.items[i].attrs[k].value);
        (void)!dynamo_get_u64(&a.item, "seq", &v);
        assert(dynamo_judge(200, &a) == DYNAMO_FINE);
        assert(dynamo_judge(400, &a) <= DYNAMO_WRONG);
    }
    dynamo_answer_fini(&a);
    free(p);
    return 0;
}
