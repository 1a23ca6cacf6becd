#include "base/trace.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* What is taken is written as it came, but for the version, other flags and what is behind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char text[TRACE_PARENT_N + 1];
    struct trace t, again;

    if (!trace_parse((struct str){data, n}, &t))
        return 0;
    require(n >= TRACE_PARENT_N);
    trace_format(&t, text);
    require(strlen(text) == TRACE_PARENT_N && memcmp(text + 2, data + 2, 51) == 0);
    require(trace_parse((struct str){(const uint8_t *)text, TRACE_PARENT_N}, &again));
    require(again.sampled == t.sampled && memcmp(again.id, t.id, TRACE_ID_N) == 0 &&
            memcmp(again.span, t.span, TRACE_SPAN_N) == 0);
    return 0;
}
