#include "base/str.h"
#include "conf/conf.h"
#include "conf/setting.h"
#include "lib/check.h"

#define ARGS(...) ((const char *[]){__VA_ARGS__, NULL})

static const char *no_args[] = {NULL};

struct given {
    const char *command;
    const char **args, **env;
    const char *dotenv;
};

static char why[256];

static enum conf_result load(struct conf *c, struct given g)
{
    struct conf_input in = {
        .command = g.command != NULL ? g.command : "serve",
        .argv = (char **)(uintptr_t)(g.args != NULL ? g.args : no_args),
        .env = (char **)(uintptr_t)g.env,
        .dotenv = str_of(g.dotenv != NULL ? g.dotenv : ""),
    };

    while (in.argv[in.argc] != NULL)
        in.argc++;
    why[0] = '\0';
    return conf_load(c, &in, why);
}

/* The result is CONF_BAD and the reason has each of the words. */
static void refuses(struct given g, const char *a, const char *b)
{
    struct conf c;

    assert_int_equal(load(&c, g), CONF_BAD);
    if (strstr(why, a) == NULL || strstr(why, b) == NULL)
        fail_msg("\"%s\" should have \"%s\" and \"%s\"", why, a, b);
}

static char *text_of(void (*print)(FILE *, const void *), const void *arg)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    assert_non_null(f);
    print(f, arg);
    fclose(f);
    return text;
}

static void print_help(FILE *f, const void *command)
{
    conf_help(f, command);
}

static void print_man(FILE *f, const void *arg)
{
    (void)arg;
    conf_man(f);
}

static void print_dump(FILE *f, const void *c)
{
    conf_dump(c, f);
}

static void needs_nothing(void **state)
{
    struct conf c;

    (void)state;
    assert_int_equal(load(&c, (struct given){0}), CONF_OK);
    assert_int_equal(c.listen.n, 1);
    assert_string_equal(c.listen.items[0], "127.0.0.1:8080");
    assert_string_equal(c.data, "./data");
    assert_int_equal(c.store, CONF_STORE_SQLITE);
    assert_int_equal(c.log_format, CONF_LOG_FORMAT_AUTO);
    assert_false(c.open);
    assert_int_equal(c.frame_max, 65536);
    assert_int_equal(c.tail_budget, 64 << 20);
    assert_int_equal(c.auth_timeout_ms, 10000);
    assert_int_equal(c.flush_ms, 2);
    assert_true(c.token_ttl_ms == 30ull * 24 * 3600 * 1000);
    assert_string_equal(c.token_secret, "");
    conf_fini(&c);
}

static void sources_have_an_order(void **state)
{
    struct conf c;
    char where[80];

    (void)state;
    assert_int_equal(load(&c, (struct given){.args = ARGS("--text-max", "1"),
                                             .env = ARGS("POLYLOG_TEXT_MAX=2", "POLYLOG_DATA=/e",
                                                         "POLYLOG_STORE="),
                                             .dotenv = "POLYLOG_TEXT_MAX=3\nPOLYLOG_DATA=/d\n"
                                                       "POLYLOG_STORE=mem\nPOLYLOG_USER=u\n"}),
                     CONF_OK);
    assert_int_equal(c.text_max, 1);
    assert_string_equal(c.data, "/e");
    assert_int_equal(c.store, CONF_STORE_MEM);
    assert_string_equal(conf_where(&c, CONF_ID_text_max, where), "--text-max");
    assert_string_equal(conf_where(&c, CONF_ID_data, where), "POLYLOG_DATA");
    assert_string_equal(conf_where(&c, CONF_ID_store, where), "POLYLOG_STORE in .env");
    assert_string_equal(conf_where(&c, CONF_ID_listen, where), "the default of listen");
    assert_true(conf_is_given(&c, CONF_ID_text_max));
    assert_true(conf_is_given(&c, CONF_ID_store));
    assert_false(conf_is_given(&c, CONF_ID_listen));
    conf_fini(&c);
}

static void flags_have_many_forms(void **state)
{
    struct conf c;

    (void)state;
    assert_int_equal(load(&c, (struct given){.args = ARGS("--open", "--listen", "a:1, b:2",
                                                          "--listen=unix:/x", "--drain-ms", "250",
                                                          "--frame-max=1M", "--connections-max=0"),
                                             .env = ARGS("POLYLOG_LISTEN=gone:9")}),
                     CONF_OK);
    assert_true(c.open);
    assert_int_equal(c.listen.n, 3);
    assert_string_equal(c.listen.items[1], "b:2");
    assert_string_equal(c.listen.items[2], "unix:/x");
    assert_int_equal(c.drain_ms, 250);
    assert_int_equal(c.frame_max, 1 << 20);
    conf_fini(&c);
    assert_int_equal(
        load(&c, (struct given){.args = ARGS("--no-open"), .env = ARGS("POLYLOG_OPEN=yes")}),
        CONF_OK);
    assert_false(c.open);
    conf_fini(&c);
    assert_int_equal(load(&c, (struct given){.command = "bench",
                                             .args = ARGS("ws://h/ws", "--duration", "1500ms")}),
                     CONF_OK);
    assert_string_equal(c.url, "ws://h/ws");
    assert_int_equal(c.duration_ms, 1500);
    conf_fini(&c);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    refuses((struct given){.args = ARGS("--listn", "x")}, "--listn", "did you mean --listen?");
    refuses((struct given){.args = ARGS("--zzzzzzzz")}, "--zzzzzzzz", "polylog serve --help");
    refuses((struct given){.args = ARGS("--payload", "9")}, "--payload", "not a setting of");
    refuses((struct given){.args = ARGS("--store", "mysql")}, "--store", "sqlite, mem");
    refuses((struct given){.env = ARGS("POLYLOG_WORKERS=many")}, "POLYLOG_WORKERS: \"many\"",
            "0 to 256");
    refuses((struct given){.dotenv = "POLYLOG_FRAME_MAX=12q"}, "POLYLOG_FRAME_MAX in .env",
            "or 0: no limit");
    refuses((struct given){.args = ARGS("--workers", "257")}, "too large", "0 to 256");
    refuses((struct given){.args = ARGS("--text-max", "18446744073709551616")}, "too large", "1");
    refuses((struct given){.args = ARGS("--tail-budget", "18446744073709551615g")}, "too large",
            "64g");
    refuses((struct given){.args = ARGS("--frame-max", "1")}, "too small", "1k to 16m");
    refuses((struct given){.args = ARGS("--auth-timeout", "10")}, "needs a unit", "100ms to 1h");
    refuses((struct given){.args = ARGS("--auth-timeout", "-10s")}, "not a time", "100ms");
    refuses((struct given){.args = ARGS("--open=maybe")}, "--open", "true or false");
    refuses((struct given){.args = ARGS("--data")}, "--data needs a value", "DIR");
    refuses((struct given){.args = ARGS("--data", "--open")}, "--data needs a value", "DIR");
    refuses((struct given){.args = ARGS("--data=")}, "--data", "must not be empty");
    refuses((struct given){.args = ARGS("here")}, "polylog serve", "\"here\"");
    refuses((struct given){.args = ARGS("--no-data")}, "--no-data", "");
    refuses((struct given){.command = "brew"}, "\"brew\"", "polylog --help");
}

static void settings_that_belong_together(void **state)
{
    (void)state;
    refuses((struct given){.args = ARGS("--tls-cert", "c")}, "tls-cert", "tls-key");
    refuses((struct given){.args = ARGS("--tls-listen", ":1")}, "tls-listen", "tls-cert");
    refuses((struct given){.args = ARGS("--tls-cert", "c", "--tls-key", "k")}, "tls-listen", "");
    refuses((struct given){.args = ARGS("--listen=")}, "listen", "nowhere");
    refuses((struct given){.args = ARGS("--dead-after", "20s")}, "dead-after", "ping-interval");
    refuses((struct given){.args = ARGS("--token-secret", "short")}, "token-secret", "32");
}

static void dotenv_is_read_as_written(void **state)
{
    struct conf c;

    (void)state;
    assert_int_equal(
        load(&c,
             (struct given){.dotenv = "\xef\xbb\xbf# first\r\n\r\nexport POLYLOG_DATA=/a b # c\r\n"
                                      "OTHER=`x`\n POLYLOG_USER = 'a\\n#b' # d\n"
                                      "POLYLOG_PID_FILE=\"a\\\"\\n\\$\"\nPOLYLOG_RATE=bad\n"
                                      "POLYLOG_ORIGINS=#none"}),
        CONF_OK);
    assert_string_equal(c.data, "/a b");
    assert_string_equal(c.user, "a\\n#b");
    assert_string_equal(c.pid_file, "a\"\n$");
    assert_int_equal(c.origins.n, 0);
    conf_fini(&c);
    refuses((struct given){.dotenv = "A=1\nnonsense\n"}, ".env line 2", "NAME=value");
    refuses((struct given){.dotenv = "A='x"}, ".env line 1", "not closed");
    refuses((struct given){.dotenv = "A=\"x\\\""}, ".env line 1", "not closed");
    refuses((struct given){.dotenv = "A='x' y"}, ".env line 1", "follows");
    refuses((struct given){.dotenv = "\n\n9A=1"}, ".env line 3", "name");
    refuses((struct given){.dotenv = "POLYLOG_METRICS_SERVICE=\xc3\xa4"}, "metrics-service",
            "ASCII");
    refuses((struct given){.args = ARGS("--metrics-namespace=")}, "metrics-namespace", "1 to 250");
    refuses((struct given){.dotenv = "POLYLOG_LISTN=1"}, ".env line 1", "POLYLOG_LISTN");
}

static void the_environment_may_hold_others(void **state)
{
    struct conf c;

    (void)state;
    assert_int_equal(load(&c, (struct given){.env = ARGS("POLYLOG_PORT=tcp://10.0.0.1:80", "X",
                                                         "POLYLOG_RATE=not for serve")}),
                     CONF_OK);
    conf_fini(&c);
}

static void secrets_are_not_shown(void **state)
{
    struct conf c;
    char *text;

    (void)state;
    assert_int_equal(
        load(&c,
             (struct given){.env = ARGS("POLYLOG_TOKEN_SECRET=hush-hush-hush-hush-hush-hush-12"),
                            .args = ARGS("--open", "--drain-ms", "1500")}),
        CONF_OK);
    text = text_of(print_dump, &c);
    assert_null(strstr(text, "hush"));
    assert_non_null(strstr(text, "bus = (set)  (the default of bus)\n"));
    assert_non_null(strstr(text, "token-secret = (set)  (POLYLOG_TOKEN_SECRET)\n"));
    assert_non_null(strstr(text, "open = true  (--open)\n"));
    assert_non_null(strstr(text, "drain-ms = 1500ms  (--drain-ms)\n"));
    assert_non_null(strstr(text, "frame-max = 64k  (the default of frame-max)\n"));
    assert_null(strstr(text, "floor-join"));
    free(text);
    conf_fini(&c);
}

static void help_tells_everything(void **state)
{
    struct conf c;
    char *text, *man = text_of(print_man, NULL);

    (void)state;
    assert_int_equal(load(&c, (struct given){.args = ARGS("--listn", "--help")}), CONF_HELP);
    for (const struct setting_command *k = setting_commands; k->name != NULL; k++) {
        text = text_of(print_help, k->name);
        for (size_t i = 0; i < CONF_N; i++) {
            char flag[80];
            bool known = (setting_all[i].commands & k->command) != 0;

            snprintf(flag, sizeof(flag), "\n  %s%s%c", setting_all[i].argument ? "" : "--",
                     setting_all[i].name, setting_all[i].kind == SETTING_BOOL ? ',' : ' ');
            assert_true((strstr(text, flag) != NULL) == known);
            assert_non_null(strstr(man, setting_env_name(&setting_all[i], flag)));
        }
        for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
            assert_true(strlen(line) < 80);
        free(text);
    }
    text = text_of(print_help, NULL);
    assert_non_null(strstr(text, "polylog serve"));
    free(text);
    free(man);
}

static void print_setting(FILE *f, const void *arg)
{
    const struct setting *const *s = arg;
    struct conf c;

    assert_int_equal(load(&c, (struct given){0}), CONF_OK);
    setting_print(*s, &c, f);
    conf_fini(&c);
}

/* What is printed of a value is read back as that value. */
static void values_survive_being_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONF_N; i++) {
        const struct setting *s = &setting_all[i];
        struct conf c = {0}, again = {0};
        char *text = text_of(print_setting, &s), reason[160];

        assert_true(setting_parse(s, &c, s->value, reason));
        assert_true(setting_parse(s, &again, text, reason));
        if (s->kind == SETTING_STRING || s->kind == SETTING_PATH)
            assert_string_equal(text, s->value);
        else if (s->kind != SETTING_SECRET && s->kind != SETTING_LIST)
            assert_memory_equal(&c, &again, sizeof(c));
        setting_fini(s, &c);
        setting_fini(s, &again);
        free(text);
    }
}

CHECK_MAIN(cmocka_unit_test(needs_nothing), cmocka_unit_test(sources_have_an_order),
           cmocka_unit_test(flags_have_many_forms), cmocka_unit_test(mistakes_are_named),
           cmocka_unit_test(settings_that_belong_together),
           cmocka_unit_test(dotenv_is_read_as_written),
           cmocka_unit_test(the_environment_may_hold_others),
           cmocka_unit_test(secrets_are_not_shown), cmocka_unit_test(help_tells_everything),
           cmocka_unit_test(values_survive_being_printed))
