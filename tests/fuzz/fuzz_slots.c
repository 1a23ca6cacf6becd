/* Any answer to CLUSTER SLOTS: what is read of it lies within its bounds. */
#include "base/str.h"
#include "wire/slots.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct slots *s)
{
    unsigned served = 0;

    assert(s->nodes_n <= SLOTS_NODES_MAX);
    for (unsigned i = 0; i < SLOTS_N; i++) {
        assert(s->of[i] <= s->nodes_n);
        served += s->of[i] > 0;
    }
    assert(served == s->served_n);
    for (unsigned i = 0; i < s->nodes_n; i++)
        assert(s->nodes[i].port > 0 && strlen(s->nodes[i].host) < SLOTS_HOST_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct resp_reader *reader = resp_reader_new();
    struct slots *s = malloc(sizeof(*s));
    struct resp_reply *reply;

    if (s == NULL)
        abort();
    resp_feed(reader, (struct str){data, size});
    while (resp_next(reader, &reply) == RESP_OK) {
        if (slots_read(s, reply))
            check(s);
        if (reply->type == RESP_STRING)
            assert(slots_of(reply->str) < SLOTS_N);
        resp_reply_free(reply);
    }
    resp_reader_free(reader);
    free(s);
    return 0;
}
