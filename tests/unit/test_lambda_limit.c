/* How fast somebody may be who asks several instances of the function (lambda/lambda_limit.c). */
#include "lib/check.h"
#include "lib/function_rig.h"

#include <string.h>

static int setup(void **state)
{
    static struct function_rig rig;
    char open[] = "POLYLOG_OPEN=true", rate[] = "POLYLOG_MESSAGES_PER_USER=2";
    char burst[] = "POLYLOG_MESSAGES_BURST=8", connects[] = "POLYLOG_CONNECTS_PER_ADDRESS=1";
    char at_once[] = "POLYLOG_CONNECTS_BURST=6", login[] = "POLYLOG_LOGIN=name";

    function_rig_init(&rig, (char *const[]){open, login, rate, burst, connects, at_once, NULL});
    *state = &rig;
    return 0;
}

static int setup_none(void **state)
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

static void enter(struct function_rig *r, const char *id, const char *name)
{
    char command[128];

    (void)snprintf(command, sizeof(command), "{\"id\":1,\"action\":\"login\",\"name\":\"%s\"}",
                   name);
    function_rig_has(function_rig_say(r, 0, id, "", command), "token");
    function_rig_has(
        function_rig_say(r, 0, id, "", "{\"id\":2,\"action\":\"join\",\"room\":\"general\"}"),
        "epoch");
}

/* Sends n messages, by one instance after the other; how many were taken. */
static unsigned send(struct function_rig *r, const char *id, unsigned n)
{
    unsigned taken = 0;

    for (unsigned i = 0; i < n; i++) {
        const char *answer =
            function_rig_say(r, i % FUNCTION_RIG_N, id, "",
                             "{\"id\":2,\"action\":\"send\",\"room\":\"general\",\"text\":\"x\"}");
        bool ok = strstr(answer, "seq") != NULL;

        if (!ok)
            function_rig_has(answer, "rate_limited");
        taken += ok;
    }
    return taken;
}

/* How many may be taken in so long of a full bucket, by two instances; each may hold a message that
 * the other cannot spend. */
static unsigned most(struct function_rig *r, uint64_t since_ms, unsigned full)
{
    return full + (unsigned)(2 * (function_rig_wall_ms(r) - since_ms) / 1000) + FUNCTION_RIG_N;
}

static void a_person_is_as_fast_by_many_instances(void **state)
{
    struct function_rig *r = *state;
    uint64_t since;
    unsigned n;

    enter(r, "ana=", "ana");
    enter(r, "ben=", "ben");
    since = function_rig_wall_ms(r);
    n = send(r, "ana=", 30);
    assert_in_range(n, 6, most(r, since, 8));
    since = function_rig_wall_ms(r);
    assert_in_range(send(r, "ana=", 6), 0, most(r, since, 0));
    since = function_rig_wall_ms(r);
    n = send(r, "ben=", 30); /* another person's is another */
    assert_in_range(n, 6, most(r, since, 8));
    (void)send(r, "ana=", 30);
    since = function_rig_wall_ms(r);
    function_rig_pass(r, 2000);
    n = send(r, "ana=", 30);
    assert_in_range(n, 2, most(r, since, 0));
    function_rig_has(function_rig_say(r, 0, "ana=", "",
                                      "{\"id\":2,\"action\":\"send\",\"room\":\"general\","
                                      "\"text\":\"x\"}"),
                     "retry_after_ms");
}

static const char *connect(struct function_rig *r, unsigned i, const char *source)
{
    struct sim_function_event event = {.kind = SIM_CONNECT};

    (void)snprintf(event.id, sizeof(event.id), "c%u=", i);
    (void)snprintf(event.source, sizeof(event.source), "%s", source);
    return function_rig_ask(r, i % FUNCTION_RIG_N, &event);
}

static unsigned connects(struct function_rig *r, const char *source, unsigned n)
{
    unsigned taken = 0;

    for (unsigned i = 0; i < n; i++) {
        const char *answer = connect(r, i, source);

        if (strstr(answer, "200") == NULL)
            function_rig_has(answer, "\"statusCode\":429");
        taken += strstr(answer, "200") != NULL;
    }
    return taken;
}

static void an_address_is_as_fast_by_many_instances(void **state)
{
    struct function_rig *r = *state;

    assert_in_range(connects(r, "10.0.0.1", 20), 6, 7);
    assert_in_range(connects(r, "10.0.0.2", 20), 6, 7);
    assert_in_range(connects(r, "2001:db8:1:2::1", 20), 6, 7);
    assert_int_equal(connects(r, "2001:db8:1:2::2", 5), 0); /* the same household */
    assert_in_range(connects(r, "2001:db8:1:3::1", 20), 6, 7);
}

static void without_a_limit_nothing_is_counted(void **state)
{
    struct function_rig *r = *state;

    enter(r, "ana=", "ana");
    assert_int_equal(send(r, "ana=", 60), 60);
    assert_int_equal(connects(r, "10.0.0.1", 60), 60);
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

CHECK_MAIN(TEST(a_person_is_as_fast_by_many_instances, setup),
           TEST(an_address_is_as_fast_by_many_instances, setup),
           TEST(without_a_limit_nothing_is_counted, setup_none))
