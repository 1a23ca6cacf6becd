#include "io/addr.h"

#include "base/str.h"
#include "lib/check.h"

#include <errno.h>
#include <string.h>

static void text_and_addresses_agree(void **state)
{
    static const char *const texts[] = {
        "127.0.0.1:8080", "0.0.0.0:0",      "[::1]:8080",   "[2001:db8::7]:65535",
        "[::]:80",        "unix:/tmp/sock", "unix:@hidden",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(texts); i++) {
        char text[IO_ADDR_TEXT_MAX];
        struct io_addr addr;

        assert_int_equal(addr_parse(str_of(texts[i]), &addr), 0);
        assert_int_equal(addr_format(&addr, text), strlen(texts[i]));
        assert_string_equal(text, texts[i]);
    }
}

static void short_forms(void **state)
{
    char text[IO_ADDR_TEXT_MAX];
    struct io_addr addr;

    (void)state;
    assert_int_equal(addr_parse(STR(":8080"), &addr), 0);
    addr_format(&addr, text);
    assert_string_equal(text, "[::]:8080");
    assert_int_equal(addr_parse(STR("LocalHost:1"), &addr), 0);
    addr_format(&addr, text);
    assert_string_equal(text, "127.0.0.1:1");
}

static void bad_addresses_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        ":",
        "8080",
        "127.0.0.1",
        "127.0.0.1:",
        "1.2.3.4:x",
        "1.2.3.4:-1",
        "1.2.3:80",
        "::1:80",
        "[::1]",
        "[::1]:",
        "[1.2.3.4]:1",
        "[]:1",
        "[localhost]:1",
        "example.org:80",
        "1.2.3.4:65536",
        "unix:",
        " 1.2.3.4:80",
        "1.2.3.4:80 ",
        "[::1%lo]:1",
    };
    uint8_t path[200];
    struct io_addr addr;

    (void)state;
    for (size_t i = 0; i < COUNTOF(texts); i++)
        assert_int_equal(addr_parse(str_of(texts[i]), &addr), -EINVAL);
    memset(path, 'p', sizeof(path));
    memcpy(path, "unix:/", 6);
    assert_int_equal(addr_parse((struct str){path, 5 + 107}, &addr), 0);
    assert_int_equal(addr_parse((struct str){path, 5 + 108}, &addr), -EINVAL);
    path[8] = '\0';
    assert_int_equal(addr_parse((struct str){path, 20}, &addr), -EINVAL);
    assert_int_equal(addr_parse((struct str){NULL, 0}, &addr), -EINVAL);
}

static void an_ip_alone_is_nothing_else(void **state)
{
    const char *bad[] = {"",      "localhost", "1.2.3.4:80", "[::1]",
                         "1.2.3", "1.2.3.4 ",  "::1%lo",     "a"};
    struct io_addr addr;

    (void)state;
    assert_true(addr_parse_ip(STR("10.1.2.3"), &addr));
    assert_int_equal(addr.family, IO_ADDR_IP4);
    assert_int_equal(addr.ip[3], 3);
    assert_true(addr_parse_ip(STR("2001:db8::1"), &addr));
    assert_int_equal(addr.family, IO_ADDR_IP6);
    assert_int_equal(addr.port, 0);
    for (size_t i = 0; i < COUNTOF(bad); i++)
        assert_false(addr_parse_ip(str_of(bad[i]), &addr));
}

static void names_are_resolved(void **state)
{
    struct io_addr addr;

    (void)state;
    assert_int_equal(addr_resolve(STR("localhost:99"), &addr), 0);
    assert_true(addr_is_loopback(&addr));
    assert_int_equal(addr.port, 99);
    assert_int_equal(addr_resolve(STR("[::1]:99"), &addr), 0);
    assert_int_equal(addr_resolve(STR("no.such.host.invalid:99"), &addr), -ENOENT);
    assert_int_equal(addr_resolve(STR("nocolon"), &addr), -EINVAL);
}

static struct io_addr of(const char *text)
{
    struct io_addr addr;

    assert_int_equal(addr_parse(str_of(text), &addr), 0);
    return addr;
}

static void format_ip_drops_port_and_mapping(void **state)
{
    static const char *const cases[][2] = {
        {"10.1.2.3:80", "10.1.2.3"},
        {"[::ffff:10.1.2.3]:80", "10.1.2.3"},
        {"[::1]:80", "::1"},
        {"unix:/x", "unix"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct io_addr addr = of(cases[i][0]);
        char text[IO_ADDR_TEXT_MAX];

        assert_int_equal(addr_format_ip(&addr, text), strlen(cases[i][1]));
        assert_string_equal(text, cases[i][1]);
    }
}

static void loopback(void **state)
{
    struct io_addr none = {.family = IO_ADDR_NONE};

    (void)state;
    assert_true(addr_is_loopback(&(struct io_addr){.family = IO_ADDR_UNIX}));
    assert_true(addr_is_loopback(&(struct io_addr){.family = IO_ADDR_IP4, .ip = {127, 9}}));
    assert_false(addr_is_loopback(&(struct io_addr){.family = IO_ADDR_IP4, .ip = {128}}));
    assert_false(addr_is_loopback(&(struct io_addr){.family = IO_ADDR_IP6}));
    assert_true(addr_is_loopback(&(struct io_addr){.family = IO_ADDR_IP6, .ip = {[15] = 1}}));
    assert_false(addr_is_loopback(&none));
}

static void patterns_match(void **state)
{
    static const struct {
        const char *addr, *pattern;
        bool matches;
    } cases[] = {
        {"10.1.2.3:1", "10.0.0.0/8", true},
        {"11.1.2.3:1", "10.0.0.0/8", false},
        {"10.1.2.3:1", "10.1.2.3", true},
        {"10.1.2.3:1", "10.1.2.4", false},
        {"10.1.2.3:1", "0.0.0.0/0", true},
        {"10.1.2.3:1", "10.1.2.2/31", true},
        {"10.1.2.3:1", "10.1.2.0/31", false},
        {"10.1.2.3:1", "10.1.2.3/33", false},
        {"10.1.2.3:1", "10.1.2.3/", false},
        {"10.1.2.3:1", "10.1.2.3/x", false},
        {"10.1.2.3:1", "::/0", false},
        {"10.1.2.3:1", "", false},
        {"[::ffff:10.1.2.3]:1", "10.0.0.0/8", true},
        {"[2001:db8:8000::1]:1", "2001:db8:8000::/33", true},
        {"[2001:db8:7000::1]:1", "2001:db8:8000::/33", false},
        {"[::1]:1", "::1", true},
        {"unix:/x", "unix", true},
        {"unix:/x", "unix/8", false},
        {"10.1.2.3:1", "unix", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct io_addr addr = of(cases[i].addr);

        assert_int_equal(addr_matches(&addr, str_of(cases[i].pattern)), cases[i].matches);
    }
}

CHECK_MAIN(cmocka_unit_test(text_and_addresses_agree), cmocka_unit_test(short_forms),
           cmocka_unit_test(bad_addresses_are_refused),
           cmocka_unit_test(an_ip_alone_is_nothing_else), cmocka_unit_test(names_are_resolved),
           cmocka_unit_test(format_ip_drops_port_and_mapping), cmocka_unit_test(loopback),
           cmocka_unit_test(patterns_match))
