/* Any bytes as a frame, as parameters, and as a query's values: what is accepted
 * keeps the promises of commands.tbl. */
#include "base/str.h"
#include "base/utf8.h"
#include "chat/model/command.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct command_limits limits = {.text_max = 100, .rooms_max = 5};

static void check_room(struct str room)
{
    struct str again = room;

    assert(room.n > 0 && room.n <= 64);
    assert(command_fold_room(&again) && str_eq(again, room));
}

static void check(const struct command *c)
{
    struct command_problem problem;

    assert(command_complete(c, &problem));
    assert(c->reply.n <= 64 && utf8_valid(c->reply));
    assert(c->rooms.n <= limits.rooms_max);
    for (unsigned i = 0; i < c->rooms.n; i++)
        check_room(c->rooms.at[i].room);
    if (command_has(c, PARAM_room))
        check_room(c->room);
    if (command_has(c, PARAM_text))
        assert(c->text.n > 0 && utf8_valid(c->text) && utf8_count(c->text) <= 100);
    if (command_has(c, PARAM_cid))
        assert(c->cid.n > 0 && c->cid.n <= 64);
    if (command_has(c, PARAM_limit))
        assert(c->limit <= 500);
}

static void parse(const uint8_t *data, size_t n, enum command_id id)
{
    uint8_t *copy = malloc(n + 1);
    struct command_problem problem = {0};
    struct command c;
    bool ok;

    assert(copy != NULL);
    memcpy(copy, data, n);
    ok = id == COMMAND_NONE ? command_parse(&c, copy, n, &limits, &problem)
                            : command_parse_params(&c, id, copy, n, &limits, &problem);
    assert(ok == (problem.code == ERROR_NONE));
    if (ok)
        check(&c);
    else
        assert(problem.code < ERROR_N);
    command_fini(&c);
    free(copy);
}

/* name=value, with the value changed in place. */
static void set(const uint8_t *data, size_t n, enum command_id id)
{
    struct command_problem problem;
    struct command c = {.id = id};
    uint8_t *copy = malloc(n + 1);
    struct str value = {copy, n}, name;

    assert(copy != NULL);
    memcpy(copy, data, n);
    name = str_cut(&value, '=');
    if (command_set(&c, name, value, &limits, &problem) && command_has(&c, PARAM_room))
        check_room(c.room);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    enum command_id id;

    if (n == 0)
        return 0;
    id = (enum command_id)(data[0] % COMMAND_N);
    parse(data, n, COMMAND_NONE);
    if (id != COMMAND_NONE) {
        parse(data + 1, n - 1, id);
        set(data + 1, n - 1, id);
    }
    return 0;
}
