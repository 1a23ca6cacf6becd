/* What is long and of nobody (chat/room/retain.h) delays no answer of the function: it does a step
 * or so of it, and the rest with later events. */
#include "base/str.h"
#include "chat/room/room.h"
#include "lambda/lambda_impl.h"
#include "lib/check.h"
#include "lib/function_rig.h"

enum { MESSAGES = 1000, KEPT = 10, STEPS_MAX = 8 };

static int setup(void **state)
{
    static struct function_rig rig;
    char open[] = "POLYLOG_OPEN=true", login[] = "POLYLOG_LOGIN=name";

    function_rig_init(&rig, (char *const[]){open, login, NULL});
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    function_rig_fini(*state);
    return 0;
}

static void say(struct function_rig *r, unsigned i)
{
    function_rig_has(function_rig_say(r, i, "ana=", "",
                                      "{\"id\":2,\"action\":\"send\",\"room\":\"general\","
                                      "\"text\":\"x\"}"),
                     "seq");
}

/* The instance begins anew, by settings as they are now. */
static void begin_anew(struct function_rig *r, unsigned i)
{
    struct sim_function_options o = r->functions[i]->o;

    sim_function_free(r->functions[i]);
    r->functions[i] = sim_function_new(&o);
}

/* All that need not be kept is gone. */
static bool is_done(struct function_rig *r, unsigned i)
{
    struct room *room = room_find(&r->functions[i]->lambda->owner, STR("general"));
    const struct settings *s;

    assert_non_null(room);
    s = access_settings(&room->access);
    return s->first > MESSAGES && s->blanked + 1 >= s->first;
}

static void what_is_long_delays_no_answer(void **state)
{
    struct function_rig *r = *state;
    unsigned events = 0;

    function_rig_has(
        function_rig_say(r, 0, "ana=", "", "{\"id\":1,\"action\":\"login\",\"name\":\"ana\"}"),
        "token");
    function_rig_has(
        function_rig_say(r, 0, "ana=", "", "{\"id\":2,\"action\":\"join\",\"room\":\"general\"}"),
        "epoch");
    for (unsigned i = 0; i < MESSAGES + 20; i++)
        say(r, 0);
    r->conf.retain_count = KEPT;
    begin_anew(r, 1);
    while (events == 0 || !is_done(r, 1)) {
        uint64_t before = lambda_stats(r->functions[1]->lambda).entries;

        assert_in_range(++events, 1, MESSAGES);
        function_rig_has(function_rig_say(r, 1, "ana=", "",
                                          "{\"id\":3,\"action\":\"history\",\"room\":\"general\","
                                          "\"limit\":1}"),
                         "entries");
        assert_in_range(lambda_stats(r->functions[1]->lambda).entries - before, 0, STEPS_MAX);
    }
    assert_true(events > 2);
}

CHECK_MAIN(cmocka_unit_test_setup_teardown(what_is_long_delays_no_answer, setup, teardown))
