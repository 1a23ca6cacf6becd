/* Where `polylog health` asks, and what it takes for an answer. */
#include "admin/health_command.h"

#include "base/str.h"
#include "lib/check.h"

static struct conf loaded(char *const *args, int n, char *const *env)
{
    char why[256];
    struct conf c;

    assert_int_equal(
        conf_load(&c,
                  &(struct conf_input){.command = "health", .argv = args, .argc = n, .env = env},
                  why),
        CONF_OK);
    return c;
}

static void it_asks_where_the_server_listens(void **state)
{
    static const struct {
        const char *listen, *url;
    } cases[] = {
        {"POLYLOG_LISTEN=", "http://127.0.0.1:8080/health"},
        {"POLYLOG_LISTEN=:8080", "http://127.0.0.1:8080/health"},
        {"POLYLOG_LISTEN=0.0.0.0:81", "http://127.0.0.1:81/health"},
        {"POLYLOG_LISTEN=[::]:81", "http://127.0.0.1:81/health"},
        {"POLYLOG_LISTEN=[::1]:81", "http://[::1]:81/health"},
        {"POLYLOG_LISTEN=unix:/run/x,10.0.0.5:9000,:1", "http://10.0.0.5:9000/health"},
        {"POLYLOG_LISTEN=fd:3", NULL},
        {"POLYLOG_LISTEN=unix:/run/x", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        char listen[80];
        char *env[] = {listen, NULL};
        struct buf url CLEANUP(buf_fini);
        struct conf c;

        (void)snprintf(listen, sizeof(listen), "%s", cases[i].listen);
        c = loaded(NULL, 0, env);
        buf_init(&url, 600);
        assert_true(health_command_url(&c, &url) == (cases[i].url != NULL));
        if (cases[i].url != NULL)
            assert_string_equal((const char *)buf_peek(&url).p, cases[i].url);
        conf_fini(&c);
    }
}

static void at_and_ready_are_followed(void **state)
{
    char at[] = "--at=https://h:1", ready[] = "--ready", listen[] = "POLYLOG_LISTEN=fd:3";
    char *args[] = {at, ready}, *env[] = {listen, NULL};
    struct conf c = loaded(args, 2, env);
    struct buf url CLEANUP(buf_fini);

    (void)state;
    buf_init(&url, 600);
    assert_true(health_command_url(&c, &url));
    assert_string_equal((const char *)buf_peek(&url).p, "https://h:1/ready");
    conf_fini(&c);
}

static void what_is_no_server_s_is_refused(void **state)
{
    static const struct {
        bool ready;
        unsigned status;
        const char *body;
        bool is;
    } cases[] = {
        {false, 200, "{\"status\":\"ok\",\"degraded\":false}\n", true},
        {false, 503, "{\"status\":\"stuck\"}", true},
        {false, 404, "{\"status\":\"ok\"}", false},
        {false, 301, "{\"status\":\"ok\"}", false},
        {false, 200, "{\"a\":{\"status\":\"ok\"}}", false},
        {false, 200, "{\"status\":1}", false},
        {false, 200, "{\"status\":\"ok\"", false},
        {false, 200, "ok\n", false},
        {false, 200, "", false},
        {true, 200, "ready\n", true},
        {true, 200, "ready\nx", false},
        {true, 200, "<html>\n", false},
        {true, 503, "starting: the store is read\n", true},
        {true, 503, "\x1b[2J\n", false},
        {true, 503, "", false},
        {true, 404, "ready\n", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct buf body CLEANUP(buf_fini);

        buf_init(&body, 1024);
        buf_append(&body, str_of(cases[i].body));
        assert_true(health_command_is_answer(cases[i].ready, cases[i].status, &body) ==
                    cases[i].is);
    }
}

CHECK_MAIN(cmocka_unit_test(it_asks_where_the_server_listens),
           cmocka_unit_test(at_and_ready_are_followed),
           cmocka_unit_test(what_is_no_server_s_is_refused))
