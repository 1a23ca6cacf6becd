/* Any bytes as the cursors that a client hands back, and as an event with its
 * arguments: what is accepted is in order, and params are JSON. */
#include "base/json.h"
#include "base/str.h"
#include "server/sio/sio_cursors.h"
#include "server/sio/sio_event.h"
#include "wire/socketio.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void read_cursors(uint8_t *bytes, size_t n)
{
    struct command cmd = {0};

    if (!sio_cursors_parse((struct str){bytes, n}, 8, &cmd))
        return;
    assert(cmd.rooms.n <= 8);
    for (unsigned i = 0; i < cmd.rooms.n; i++)
        assert(cmd.rooms.at[i].room.n > 0 && cmd.rooms.at[i].seq <= JSON_INT_MAX);
    command_fini(&cmd);
}

static void read_event(struct str text)
{
    struct buf scratch CLEANUP(buf_fini), params CLEANUP(buf_fini);
    struct command_limits limits = {.text_max = 4000, .rooms_max = 8};
    struct command_problem problem;
    struct socketio_packet p;
    enum command_id id;
    struct command cmd;
    bool ok;

    buf_init(&scratch, 1 << 20);
    buf_init(&params, 1 << 20);
    if (!socketio_decode(text, &scratch, &p) || p.type != SOCKETIO_EVENT || p.name.n < 2)
        return;
    id = sio_event_command((struct str){p.name.p + 1, p.name.n - 2}, p.args, STR("room"), &params);
    if (id == COMMAND_NONE)
        return;
    ok = command_parse_params(&cmd, id, params.bytes + params.rpos, buf_len(&params), &limits,
                              &problem);
    assert(ok || problem.code != ERROR_bad_json);
    command_fini(&cmd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n + 1);

    assert(copy != NULL);
    if (n > 0)
        memcpy(copy, data, n);
    read_cursors(copy, n);
    free(copy);
    read_event((struct str){data, n});
    return 0;
}
