#include "server/sio/sio_cursors.h"

#include "base/str.h"
#include "lib/check.h"
#include "server/conn/conn.h"

#include <string.h>

static void parse_is(const char *text, unsigned rooms_max, const char *want)
{
    struct buf said CLEANUP(buf_fini);
    struct command cmd = {0};
    char bytes[256];
    size_t n = strlen(text);

    memcpy(bytes, text, n + 1);
    buf_init(&said, 4096);
    if (!sio_cursors_parse((struct str){(const uint8_t *)bytes, n}, rooms_max, &cmd)) {
        if (want != NULL)
            fail_msg("%s: refused", text);
        assert_null(cmd.rooms.at);
        return;
    }
    for (unsigned i = 0; i < cmd.rooms.n; i++)
        buf_printf(&said, "%.*s %llu %llu;", STR_ARGS(cmd.rooms.at[i].room),
                   (unsigned long long)cmd.rooms.at[i].epoch,
                   (unsigned long long)cmd.rooms.at[i].seq);
    if (want == NULL || !str_eq(buf_peek(&said), str_of(want)))
        fail_msg("%s: %.*s", text, STR_ARGS(buf_peek(&said)));
    command_fini(&cmd);
}

static void they_are_read(void **state)
{
    (void)state;
    parse_is("", 10, "");
    parse_is("general.81.124", 10, "general 81 124;");
    parse_is("a.1.2~dm:3:7.4503599627370496.0~@7.0.9", 3,
             "a 1 2;dm:3:7 4503599627370496 0;@7 0 9;");
    parse_is("a.1.2~b.1.2", 1, NULL);
    parse_is("-", 10, NULL);
    parse_is("a", 10, NULL);
    parse_is("a.1", 10, NULL);
    parse_is("a.1.", 10, NULL);
    parse_is("a.1.2.3", 10, NULL);
    parse_is("a.1.-2", 10, NULL);
    parse_is(".1.2", 10, NULL);
    parse_is("a b!.1.2", 10, NULL);
    parse_is("a.1.2~~b.1.2", 10, NULL);
    parse_is("a.99999999999999999999.1", 10, NULL);
    parse_is("a.9007199254740993.1", 10, NULL);
}

#define ROOMS 100

/* What is written of a connection is read back; beyond the limit it is said so. */
static void they_are_written(void **state)
{
    static _Alignas(struct feed) uint8_t feeds[ROOMS][sizeof(struct feed) + 64];
    struct conn_follower followers[ROOMS];
    struct buf b CLEANUP(buf_fini);
    struct conn c = {0};

    (void)state;
    memset(feeds, 0, sizeof(feeds));
    memset(followers, 0, sizeof(followers));
    buf_init(&b, 1 << 16);
    sio_cursors_all(&c, &b);
    assert_int_equal(buf_len(&b), 0);
    for (unsigned i = 0; i < ROOMS; i++) {
        struct feed *f = (struct feed *)(void *)feeds[i];

        memset(f->id, 'a' + (int)(i % 26), 50);
        f->id_n = 50;
        f->epoch = 7;
        followers[i] = (struct conn_follower){.f = {.feed = f, .cursor = i}, .next = c.followers};
        c.followers = &followers[i];
        if (i == 1) {
            ((struct feed *)(void *)feeds[0])->id_n = 2;
            ((struct feed *)(void *)feeds[1])->id_n = 2;
            sio_cursors_all(&c, &b);
            assert_true(str_eq(buf_peek(&b), STR("bb.7.1~aa.7.0")));
            buf_clear(&b);
            sio_cursors_others(&c, &followers[1].f, &b);
            assert_true(str_eq(buf_peek(&b), STR("aa.7.0")));
            buf_clear(&b);
            sio_cursors_put(&b, followers[1].f.feed, 9);
            assert_true(str_eq(buf_peek(&b), STR("bb.7.9")));
            buf_clear(&b);
        }
    }
    sio_cursors_all(&c, &b);
    assert_true(str_eq(buf_peek(&b), STR("-")));
}

CHECK_MAIN(cmocka_unit_test(they_are_read), cmocka_unit_test(they_are_written))
