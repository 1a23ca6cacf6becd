/* Events of a stream: whatever they are, rooms stay within the limits and the answer is JSON. */
#include "base/str.h"
#include "chat/model/keys.h"
#include "serverless/stream_event.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct stream_event e;
    uint8_t *copy = malloc(n + 1);
    struct buf out CLEANUP(buf_fini);

    if (copy == NULL)
        abort();
    if (n > 0)
        memcpy(copy, data, n);
    buf_init(&out, 4096);
    (void)stream_event_is((struct str){copy, n});
    if (stream_event_read(copy, n, &e)) {
        assert(e.rooms_n <= STREAM_EVENT_ROOMS_MAX && e.passed_over <= e.records);
        for (unsigned i = 0; i < e.rooms_n; i++) {
            assert(e.rooms[i].room.n > 0 && e.rooms[i].room.n <= KEYS_ROOM_MAX);
            stream_event_answer(e.rooms[i].number, &out);
        }
        stream_event_answer(e.rest, &out);
    }
    free(copy);
    return 0;
}
