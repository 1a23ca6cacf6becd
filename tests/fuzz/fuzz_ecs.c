/* Any bytes as an agent's answers: an answer is whole JSON, of one meaning. */
#include "aws/ecs.h"
#include "base/str.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str s = {data, n};
    char *task = str_dup(s), *state = str_dup(s);
    bool stopping = false, on = false;

    if (ecs_read_task((uint8_t *)task, n, &stopping) && stopping)
        assert(n >= sizeof("{\"DesiredStatus\":\"STOPPED\"}") - 1);
    if (ecs_read_state((uint8_t *)state, n, &on))
        assert(n >= sizeof("{\"protection\":{\"ProtectionEnabled\":true}}") - 1);
    free(task);
    free(state);
    return 0;
}
