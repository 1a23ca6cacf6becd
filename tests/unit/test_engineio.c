#include "base/str.h"
#include "lib/check.h"
#include "wire/engineio.h"

#include <string.h>

/* "<type>:<data>" of each packet, "B" before the data of binary ones, "!" if bad. */
static void payload_is(const char *body, size_t n, const char *want)
{
    uint8_t bytes[128];
    struct buf said CLEANUP(buf_fini);
    struct engineio_packet p;
    enum engineio_next next;
    size_t at = 0;

    memcpy(bytes, body, n);
    buf_init(&said, 1024);
    while ((next = engineio_next(n > 0 ? bytes : NULL, n, &at, &p)) == ENGINEIO_PACKET) {
        buf_printf(&said, "%d:%s", p.type, p.binary ? "B" : "");
        buf_append(&said, p.data);
        buf_append_byte(&said, ' ');
    }
    if (next == ENGINEIO_BAD)
        buf_append_byte(&said, '!');
    if (!str_eq(buf_peek(&said), str_of(want)))
        fail_msg("%.*s: %.*s", (int)n, body, STR_ARGS(buf_peek(&said)));
}

#define PAYLOAD(body, want) payload_is(body, sizeof(body) - 1, want)

static void payloads_are_read(void **state)
{
    (void)state;
    PAYLOAD("4hello", "4:hello ");
    PAYLOAD("1", "1: ");
    PAYLOAD("4a\x1e"
            "4b\x1e"
            "6",
            "4:a 4:b 6: ");
    PAYLOAD("4hello\x1e"
            "bQUJD",
            "4:hello 4:BABC ");
    PAYLOAD("b\x1e"
            "2probe",
            "4:B 2:probe ");
    PAYLOAD("4\xc3\xa9", "4:\xc3\xa9 ");
    PAYLOAD("", "!");
    PAYLOAD("abc", "!");
    PAYLOAD("7", "!");
    PAYLOAD("4a\x1e", "4:a !");
    PAYLOAD("\x1e"
            "4a",
            "!");
    PAYLOAD("4\xff", "!");
    PAYLOAD("bQUJ", "!");
    PAYLOAD("bQQ==\x1e"
            "bQR==",
            "4:BA !"); /* bits left over */
}

static void messages_of_websocket_are_read(void **state)
{
    struct engineio_packet p;

    (void)state;
    assert_true(engineio_decode(STR("2probe"), false, &p));
    assert_true(p.type == ENGINEIO_PING && !p.binary && str_eq(p.data, STR("probe")));
    assert_true(engineio_decode(STR("2probe"), true, &p));
    assert_true(p.type == ENGINEIO_MESSAGE && p.binary && str_eq(p.data, STR("2probe")));
    assert_true(engineio_decode(STR(""), true, &p));
    assert_false(engineio_decode(STR(""), false, &p));
    assert_false(engineio_decode(STR("abc"), false, &p));
    assert_false(engineio_decode(STR("b"), false, &p));
}

static void records_are_written(void **state)
{
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 1024);
    engineio_append_record(&b, &(struct engineio_packet){.type = ENGINEIO_NOOP});
    engineio_append_record(
        &b, &(struct engineio_packet){.type = ENGINEIO_MESSAGE, .data = STR("hello")});
    engineio_append_record(&b, &(struct engineio_packet){.type = ENGINEIO_MESSAGE,
                                                         .binary = true,
                                                         .data = STR("\x01\x02\x03\x04")});
    assert_true(str_eq(buf_peek(&b), STR("6\x1e"
                                         "4hello\x1e"
                                         "bAQIDBA==")));
}

static void the_handshake_and_errors_are_json(void **state)
{
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 1024);
    engineio_append_open(&b, &(struct engineio_open){.sid = STR("s1"),
                                                     .upgrades = true,
                                                     .ping_interval_ms = 300,
                                                     .ping_timeout_ms = 200,
                                                     .max_payload = 1000000});
    assert_true(str_eq(buf_peek(&b),
                       STR("{\"sid\":\"s1\",\"upgrades\":[\"websocket\"],\"pingInterval\":300,"
                           "\"pingTimeout\":200,\"maxPayload\":1000000}")));
    buf_clear(&b);
    engineio_append_error(&b, ENGINEIO_UNKNOWN_SID);
    assert_true(str_eq(buf_peek(&b), STR("{\"code\":1,\"message\":\"Session ID unknown\"}")));
    assert_int_equal(engineio_error_status(ENGINEIO_UNKNOWN_SID), 400);
    assert_int_equal(engineio_error_status(ENGINEIO_FORBIDDEN), 403);
}

CHECK_MAIN(cmocka_unit_test(payloads_are_read), cmocka_unit_test(messages_of_websocket_are_read),
           cmocka_unit_test(records_are_written),
           cmocka_unit_test(the_handshake_and_errors_are_json))
