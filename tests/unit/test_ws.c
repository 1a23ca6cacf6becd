#include "base/buf.h"
#include "base/str.h"
#include "lib/check.h"
#include "wire/deflate.h"
#include "wire/ws.h"

#include <stdio.h>
#include <string.h>

static const struct ws_rules plain = {.message_max = 1000, .fragments_max = 10};

/* Appends what one event says, in one line, to log. */
static void put_event(struct buf *log, enum ws_event event, const struct ws_message *m)
{
    static const char *const names[] = {
        [WS_MORE] = "more", [WS_MESSAGE] = "message", [WS_PING] = "ping",
        [WS_PONG] = "pong", [WS_CLOSED] = "closed",   [WS_BAD] = "bad",
    };

    if (event == WS_CLOSED || event == WS_BAD)
        buf_printf(log, "%s %d", names[event], m->close_code);
    else
        buf_printf(log, "%s%s", m->opcode == WS_OP_BINARY ? "binary " : "", names[event]);
    if (event != WS_BAD)
        buf_printf(log, " [%.*s]", STR_ARGS(m->payload));
    buf_append(log, STR(" "));
}

/* Feeds a copy of bytes in pieces of the given size. */
static void feed(struct ws_decoder *d, const struct ws_rules *rules, struct str bytes, size_t piece,
                 struct buf *log)
{
    for (size_t at = 0; at < bytes.n; at += piece) {
        size_t n = MIN(piece, bytes.n - at), used = 0;
        uint8_t *copy = malloc(n), *p = copy;
        struct ws_message m = {0};
        enum ws_event event;

        assert_non_null(copy);
        memcpy(copy, bytes.p + at, n);
        do {
            event = ws_decode(d, rules, p, n, &used, &m);
            assert_true(used <= n);
            if (event != WS_MORE)
                put_event(log, event, &m);
            p += used;
            n -= used;
        } while (event != WS_MORE);
        assert_int_equal(n, 0);
        free(copy);
    }
}

/* The same events must come out however the bytes are cut. */
static void expect(const struct ws_rules *rules, enum ws_role role, bool deflate, struct str bytes,
                   const char *want)
{
    for (size_t piece = 1; piece <= bytes.n; piece++) {
        struct buf log CLEANUP(buf_fini);
        struct ws_decoder d;

        buf_init(&log, 1 << 20);
        ws_decoder_init(&d, role, deflate);
        feed(&d, rules, bytes, piece, &log);
        buf_append_byte(&log, '\0');
        if (strcmp((const char *)buf_peek(&log).p, want) != 0)
            fail_msg("in pieces of %zu: got %s\nwant %s", piece, (const char *)buf_peek(&log).p,
                     want);
        ws_decoder_fini(&d);
    }
}

/* A frame as a client sends it. */
static void put_frame(struct buf *b, enum ws_opcode opcode, uint32_t flags, struct str payload)
{
    static const uint8_t mask[WS_MASK_LEN] = {0x37, 0xfa, 0x21, 0x3d};
    uint8_t header[WS_HEADER_MAX], *to;

    buf_append(b, (struct str){header, ws_encode_header(header, opcode, flags, payload.n, mask)});
    if (payload.n == 0)
        return;
    to = buf_reserve(b, payload.n);
    assert_non_null(to);
    memcpy(to, payload.p, payload.n);
    ws_mask(to, payload.n, mask, 0);
    buf_commit(b, payload.n);
}

/* RFC 6455 5.7, byte for byte. */
static void ws_rfc_examples(void **state)
{
    (void)state;
    expect(&plain, WS_CLIENT, false, STR("\x81\x05\x48\x65\x6c\x6c\x6f"), "message [Hello] ");
    expect(&plain, WS_SERVER, false, STR("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
           "message [Hello] ");
    expect(&plain, WS_CLIENT, false, STR("\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f"),
           "message [Hello] ");
    expect(&plain, WS_CLIENT, false, STR("\x89\x05\x48\x65\x6c\x6c\x6f"), "ping [Hello] ");
    expect(&plain, WS_SERVER, false, STR("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
           "pong [Hello] ");
}

static void ws_control_frames_between_fragments(void **state)
{
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 10000);
    put_frame(&b, WS_OP_TEXT, 0, STR("\xe2"));
    put_frame(&b, WS_OP_PING, WS_FIN, STR("in"));
    put_frame(&b, WS_OP_CONTINUATION, 0, STR("\x82"));
    put_frame(&b, WS_OP_CONTINUATION, 0, STR(""));
    put_frame(&b, WS_OP_PONG, WS_FIN, STR(""));
    put_frame(&b, WS_OP_CONTINUATION, WS_FIN, STR("\xac"));
    put_frame(&b, WS_OP_TEXT, WS_FIN, STR(""));
    put_frame(&b, WS_OP_BINARY, 0, STR("\xff"));
    put_frame(&b, WS_OP_CONTINUATION, WS_FIN, STR(""));
    put_frame(&b, WS_OP_CLOSE, WS_FIN,
              STR("\x03\xe8"
                  "bye"));
    put_frame(&b, WS_OP_TEXT, WS_FIN, STR("after the close nothing counts"));
    expect(&plain, WS_SERVER, false, buf_peek(&b),
           "ping [in] pong [] message [\xe2\x82\xac] message [] binary message [\xff] "
           "closed 1000 [bye] ");
}

static void ws_refuses(void **state)
{
    static const struct {
        const char *why;
        struct str bytes;
        int code;
    } cases[] = {
        {"not masked", STR("\x81\x02"), 1002},
        {"rsv1 without deflate", STR("\xc1"), 1002},
        {"rsv2", STR("\xa1"), 1002},
        {"rsv3", STR("\x91"), 1002},
        {"opcode 3", STR("\x83"), 1002},
        {"opcode 7", STR("\x87"), 1002},
        {"opcode 11", STR("\x8b"), 1002},
        {"opcode 15", STR("\x8f"), 1002},
        {"fragmented ping", STR("\x09"), 1002},
        {"long ping", STR("\x89\xfe"), 1002},
        {"continuation of nothing", STR("\x80"), 1002},
        {"second text in a message", STR("\x01\x81\0\0\0\0a\x81"), 1002},
        {"16 bits for 125", STR("\x81\xfe\x00\x7d"), 1002},
        {"64 bits for 65535", STR("\x81\xff\0\0\0\0\0\0\xff\xff"), 1002},
        {"length of 64 bits", STR("\x82\xff\x80\0\0\0\0\0\0\0"), 1002},
        {"one byte over the limit", STR("\x82\xfe\x03\xe9\0\0\0\0"), 1009},
        {"fragments over the limit", STR("\x02\x81\0\0\0\0a\x80\xfe\x03\xe8\0\0\0\0"), 1009},
        {"close code cut short", STR("\x88\x81\0\0\0\0\x03"), 1002},
        {"close code 1005", STR("\x88\x82\0\0\0\0\x03\xed"), 1002},
        {"close reason", STR("\x88\x83\0\0\0\0\x03\xe8\xff"), 1007},
        {"text", STR("\x81\x81\0\0\0\0\xff"), 1007},
        {"text that ends early", STR("\x81\x81\0\0\0\0\xe2"), 1007},
        {"fragments that end early", STR("\x01\x81\0\0\0\0\xe2\x80\x80\0\0\0\0"), 1007},
        {"bad byte within a frame",
         STR("\x81\x9e\0\0\0\0"
             "abc\xff"),
         1007},
        {"surrogate within a frame", STR("\x81\x9e\0\0\0\0\xed\xa0"), 1007},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct buf log CLEANUP(buf_fini);
        struct ws_decoder d;
        char want[32];

        buf_init(&log, 1000);
        (void)snprintf(want, sizeof(want), "bad %d ", cases[i].code);
        expect(&plain, WS_SERVER, false, cases[i].bytes, want);
        /* Seen at the last of these bytes, not before. */
        ws_decoder_init(&d, WS_SERVER, false);
        feed(&d, &plain, (struct str){cases[i].bytes.p, cases[i].bytes.n - 1}, 100, &log);
        if (buf_len(&log) != 0)
            fail_msg("too early: %s", cases[i].why);
        ws_decoder_fini(&d);
    }
    expect(&plain, WS_CLIENT, false, STR("\x81\x82"), "bad 1002 ");
    expect(&plain, WS_SERVER, true, STR("\xc9"), "bad 1002 ");
    expect(&plain, WS_SERVER, true, STR("\x01\x80\0\0\0\0\xc0"), "bad 1002 ");
}

static void ws_limits_fragments(void **state)
{
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 10000);
    put_frame(&b, WS_OP_TEXT, 0, STR("a"));
    for (int i = 0; i < 8; i++)
        put_frame(&b, WS_OP_CONTINUATION, 0, STR("b"));
    put_frame(&b, WS_OP_CONTINUATION, WS_FIN, STR("c"));
    put_frame(&b, WS_OP_TEXT, 0, STR("a"));
    for (int i = 0; i < 10; i++)
        put_frame(&b, WS_OP_CONTINUATION, 0, STR(""));
    expect(&plain, WS_SERVER, false, buf_peek(&b), "message [abbbbbbbbc] bad 1009 ");
}

/* Memory follows what arrived, not what was announced, and goes with the message. */
static void ws_holds_only_what_arrived(void **state)
{
    static const struct ws_rules unlimited = {0};
    struct str head = STR("\x82\xff\0\0\0\1\0\0\0\0\0\0\0\0xyz");
    struct buf b CLEANUP(buf_fini), log CLEANUP(buf_fini);
    struct ws_decoder d;

    (void)state;
    buf_init(&b, 100000);
    buf_init(&log, 1000);
    assert_true(sizeof(d) <= 16);
    ws_decoder_init(&d, WS_SERVER, false);
    assert_true(ws_idle(&d));
    feed(&d, &unlimited, head, 5, &log);
    assert_false(ws_idle(&d));
    assert_true(ws_held(&d) > 0 && ws_held(&d) < 1024);
    ws_decoder_fini(&d);
    assert_int_equal(ws_held(&d), 0);

    ws_decoder_init(&d, WS_SERVER, false);
    put_frame(&b, WS_OP_TEXT, 0, STR("ab"));
    put_frame(&b, WS_OP_CONTINUATION, WS_FIN, STR("cd"));
    put_frame(&b, WS_OP_PING, WS_FIN, STR("!"));
    feed(&d, &plain, buf_peek(&b), 1, &log);
    assert_true(ws_idle(&d));
    assert_int_equal(ws_held(&d), 0);
    assert_true(str_eq(buf_peek(&log), STR("message [abcd] ping [!] ")));
}

/* A whole frame is lent from where it lies. */
static void ws_copies_no_whole_message(void **state)
{
    uint8_t bytes[] = "\x82\x83\1\1\1\1abc\x82\x80\1\1\1";
    struct ws_message m = {0};
    struct ws_decoder d;
    size_t used = 0;

    (void)state;
    ws_decoder_init(&d, WS_SERVER, false);
    assert_int_equal(ws_decode(&d, &plain, bytes, sizeof(bytes) - 1, &used, &m), WS_MESSAGE);
    assert_ptr_equal(m.payload.p, bytes + 6);
    assert_int_equal(used, 9);
    assert_true(str_eq(m.payload, STR("`cb")));
    assert_int_equal(ws_decode(&d, &plain, bytes + 9, 5, &used, &m), WS_MORE);
    assert_int_equal(used, 5);
    assert_false(ws_idle(&d));
    ws_decoder_fini(&d);
}

static void ws_inflates(void **state)
{
    struct deflate_codec *codec = deflate_new(6);
    struct ws_rules rules = {.message_max = 1000, .codec = codec};
    struct buf b CLEANUP(buf_fini), z CLEANUP(buf_fini), text CLEANUP(buf_fini);
    uint8_t zeros[1001] = {0};

    (void)state;
    buf_init(&b, 10000);
    buf_init(&z, 10000);
    buf_init(&text, 10000);
    /* RFC 7692 7.2.3.1 and 7.2.3.2 */
    expect(&rules, WS_CLIENT, true, STR("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"),
           "message [Hello] ");
    expect(&rules, WS_CLIENT, true, STR("\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00"),
           "message [Hello] ");
    expect(&rules, WS_CLIENT, true, STR("\xc1\x03\xf2\x48\xff"), "bad 1007 ");

    buf_append(&z, deflate_compress(codec, 15, STR("compressed, in pieces")));
    put_frame(&b, WS_OP_TEXT, WS_RSV1, (struct str){buf_peek(&z).p, 3});
    put_frame(&b, WS_OP_PING, WS_FIN, STR("p"));
    put_frame(&b, WS_OP_CONTINUATION, WS_FIN, str_skip(buf_peek(&z), 3));
    put_frame(&b, WS_OP_TEXT, WS_FIN, STR("not compressed"));
    buf_clear(&z);
    buf_append(&z, deflate_compress(codec, 15, STR("text\xff")));
    put_frame(&b, WS_OP_BINARY, WS_FIN | WS_RSV1, buf_peek(&z));
    put_frame(&b, WS_OP_TEXT, WS_FIN | WS_RSV1, buf_peek(&z));
    expect(&rules, WS_SERVER, true, buf_peek(&b),
           "ping [p] message [compressed, in pieces] message [not compressed] "
           "binary message [text\xff] bad 1007 ");

    /* Inflated, one byte over the limit. */
    buf_clear(&b);
    buf_clear(&z);
    buf_append(&z, deflate_compress(codec, 15, (struct str){zeros, sizeof(zeros)}));
    put_frame(&b, WS_OP_BINARY, WS_FIN | WS_RSV1, buf_peek(&z));
    expect(&rules, WS_SERVER, true, buf_peek(&b), "bad 1009 ");
    deflate_free(codec);
}

static void ws_headers_at_every_boundary(void **state)
{
    static const struct {
        uint64_t n;
        size_t header;
    } cases[] = {{0, 2}, {125, 2}, {126, 4}, {127, 4}, {65535, 4}, {65536, 10}, {200000, 10}};
    static const uint8_t mask[WS_MASK_LEN] = {1, 2, 3, 4};
    static const struct ws_rules unlimited = {0};

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++)
        for (int masked = 0; masked < 2; masked++) {
            size_t n = (size_t)cases[i].n, used = 0, header;
            uint8_t *p = calloc(1, n + WS_HEADER_MAX);
            struct ws_message m = {0};
            struct ws_decoder d;

            assert_non_null(p);
            header = ws_encode_header(p, WS_OP_BINARY, WS_FIN, n, masked ? mask : NULL);
            assert_int_equal(header, cases[i].header + (masked ? 4 : 0));
            ws_decoder_init(&d, masked ? WS_SERVER : WS_CLIENT, false);
            assert_int_equal(ws_decode(&d, &unlimited, p, header + n, &used, &m), WS_MESSAGE);
            assert_int_equal(m.payload.n, n);
            assert_int_equal(used, header + n);
            ws_decoder_fini(&d);
            free(p);
        }
}

static void ws_masks_from_any_place(void **state)
{
    static const uint8_t mask[WS_MASK_LEN] = {0x11, 0x22, 0x44, 0x88};
    uint8_t whole[67] = {0}, pieces[67] = {0};

    (void)state;
    ws_mask(whole, sizeof(whole), mask, 0);
    for (size_t i = 0; i < sizeof(whole); i++)
        assert_int_equal(whole[i], mask[i % 4]);
    for (size_t at = 0, n = 1; at < sizeof(pieces); at += n, n += 3)
        ws_mask(pieces + at, MIN(n, sizeof(pieces) - at), mask, at);
    assert_memory_equal(whole, pieces, sizeof(whole));
}

static void ws_encodes_control_frames(void **state)
{
    static const uint8_t mask[WS_MASK_LEN] = {9, 8, 7, 6};
    uint8_t out[WS_CONTROL_MAX];
    char reason[128 + 1];
    size_t n;

    (void)state;
    memset(reason, 'x', sizeof(reason));
    memcpy(reason + 121, "\xe2\x82\xac", 3);
    n = ws_encode_control(out, WS_OP_PONG, STR("abc"), NULL);
    assert_true(str_eq((struct str){out, n}, STR("\x8a\x03"
                                                 "abc")));
    n = ws_encode_close(out, 1001, STR("off"), mask);
    expect(&plain, WS_SERVER, false, (struct str){out, n}, "closed 1001 [off] ");
    n = ws_encode_close(out, 0, STR("ignored"), NULL);
    expect(&plain, WS_CLIENT, false, (struct str){out, n}, "closed 1005 [] ");
    /* Cut before the euro sign, which would end at 124. */
    n = ws_encode_close(out, 4000, (struct str){(uint8_t *)reason, 128}, mask);
    assert_int_equal(n, 2 + 4 + 2 + 121);
}

static void ws_knows_close_codes(void **state)
{
    static const uint16_t good[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                                    1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
    static const uint16_t wrong[] = {0,    999,  1004, 1005, 1006, 1015,
                                     1016, 1100, 2000, 2999, 5000, 65535};

    (void)state;
    for (size_t i = 0; i < COUNTOF(good); i++)
        assert_true(ws_close_code_valid(good[i]));
    for (size_t i = 0; i < COUNTOF(wrong); i++)
        assert_false(ws_close_code_valid(wrong[i]));
}

/* RFC 6455 1.3. */
static void ws_handshake_keys(void **state)
{
    char out[WS_ACCEPT_LEN];

    (void)state;
    assert_true(ws_key_valid(STR("dGhlIHNhbXBsZSBub25jZQ==")));
    assert_false(ws_key_valid(STR("dGhlIHNhbXBsZSBub25jZR==")));
    assert_false(ws_key_valid(STR("dGhlIHNhbXBsZSBub25j")));
    assert_false(ws_key_valid(STR("dGhlIHNhbXBsZSBub25jZXNz")));
    assert_false(ws_key_valid(STR("")));
    ws_accept(STR("dGhlIHNhbXBsZSBub25jZQ=="), out);
    assert_memory_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", WS_ACCEPT_LEN);
}

static void ws_limits_one_frame(void **state)
{
    static const struct ws_rules rules = {.message_max = 10, .frame_max = 3};

    (void)state;
    expect(&rules, WS_CLIENT, false,
           STR("\x01\x03"
               "abc"
               "\x80\x03"
               "def"),
           "message [abcdef] ");
    expect(&rules, WS_CLIENT, false,
           STR("\x81\x04"
               "abcd"),
           "bad 1009 ");
    expect(&rules, WS_CLIENT, false,
           STR("\x89\x04"
               "abcd"),
           "ping [abcd] ");
}

CHECK_MAIN(cmocka_unit_test(ws_rfc_examples), cmocka_unit_test(ws_limits_one_frame),
           cmocka_unit_test(ws_control_frames_between_fragments), cmocka_unit_test(ws_refuses),
           cmocka_unit_test(ws_limits_fragments), cmocka_unit_test(ws_holds_only_what_arrived),
           cmocka_unit_test(ws_copies_no_whole_message), cmocka_unit_test(ws_inflates),
           cmocka_unit_test(ws_headers_at_every_boundary),
           cmocka_unit_test(ws_masks_from_any_place), cmocka_unit_test(ws_encodes_control_frames),
           cmocka_unit_test(ws_knows_close_codes), cmocka_unit_test(ws_handshake_keys))
