#include "base/buf.h"
#include "base/str.h"
#include "lib/check.h"
#include "wire/deflate.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

static void deflate_negotiates(void **state)
{
    static const char base[] =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    static const struct {
        const char *offers;
        int bits; /* 0: declined */
        const char *more;
    } cases[] = {
        {"permessage-deflate", 15, ""},
        {"permessage-deflate; client_max_window_bits", 15, ""},
        {"Permessage-Deflate;client_max_window_bits=10 ; server_no_context_takeover", 15, ""},
        {"permessage-deflate; server_max_window_bits=10", 10, "; server_max_window_bits=10"},
        {"permessage-deflate; server_max_window_bits=\"9\"", 9, "; server_max_window_bits=9"},
        {"permessage-deflate; server_max_window_bits=15", 15, "; server_max_window_bits=15"},
        {"x-webkit-deflate-frame, permessage-deflate", 15, ""},
        {"permessage-deflate; server_max_window_bits=8", 8, "; server_max_window_bits=8"},
        {"permessage-deflate; server_max_window_bits=7, permessage-deflate", 15, ""},
        {"permessage-deflate; surprise, permessage-deflate; server_max_window_bits=12", 12,
         "; server_max_window_bits=12"},
        {"", 0, ""},
        {"foo", 0, ""},
        {"permessage-deflate; server_max_window_bits", 0, ""},
        {"permessage-deflate; server_max_window_bits=16", 0, ""},
        {"permessage-deflate; server_max_window_bits=7", 0, ""},
        {"permessage-deflate; server_max_window_bits=010", 0, ""},
        {"permessage-deflate; server_max_window_bits=1 0", 0, ""},
        {"permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", 0, ""},
        {"permessage-deflate; client_max_window_bits=7", 0, ""},
        {"permessage-deflate; client_max_window_bits; client_max_window_bits", 0, ""},
        {"permessage-deflate; client_no_context_takeover=1", 0, ""},
        {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", 0, ""},
        {"permessage-deflate; server_max_window_bits=\"10", 0, ""},
        {"permessage-deflate; unknown=\"a, permessage-deflate; b\"", 0, ""},
        {"permessage-deflate=1", 0, ""},
        {"permessage-deflate; ; client_no_context_takeover", 0, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct deflate_params params = {0};
        char out[DEFLATE_ANSWER_MAX], want[DEFLATE_ANSWER_MAX];
        bool ok = deflate_negotiate(str_of(cases[i].offers), &params);
        size_t n;

        if (ok != (cases[i].bits != 0))
            fail_msg("%s: %d", cases[i].offers, ok);
        if (!ok)
            continue;
        assert_int_equal(params.window_bits, cases[i].bits);
        n = deflate_answer(&params, out);
        (void)snprintf(want, sizeof(want), "%s%s", base, cases[i].more);
        assert_true(str_eq((struct str){(uint8_t *)out, n}, str_of(want)));
    }
}

static uint8_t *noise(size_t n, uint64_t seed, uint64_t alphabet)
{
    uint8_t *p = malloc(n + 1);

    assert_non_null(p);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)((seed >> 33) % alphabet);
    }
    return p;
}

static void deflate_returns_what_it_took(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 100, 4096, 65536, 262144, 1000003};
    struct deflate_codec *c = deflate_new(6);
    struct buf z CLEANUP(buf_fini);

    (void)state;
    buf_init(&z, 10 << 20);
    for (size_t i = 0; i < COUNTOF(sizes); i++)
        for (uint64_t alphabet = 1; alphabet <= 256; alphabet *= 16) {
            struct str in = {noise(sizes[i], check_seed(7), alphabet), sizes[i]}, out = {0};
            uint8_t bits = (uint8_t)(8 + i % 8);

            buf_clear(&z);
            buf_append(&z, deflate_compress(c, bits, in));
            assert_true(buf_len(&z) > 0);
            assert_int_equal(deflate_inflate(c, buf_peek(&z), in.n, &out), DEFLATE_OK);
            assert_true(str_eq(in, out));
            if (in.n > 1)
                assert_int_equal(deflate_inflate(c, buf_peek(&z), in.n - 1, &out), DEFLATE_TOO_BIG);
            assert_int_equal(deflate_inflate(c, buf_peek(&z), 0, &out), DEFLATE_OK);
            assert_int_equal(out.n, in.n);
            free((void *)(uintptr_t)in.p);
        }
    deflate_free(c);
}

/* RFC 7692 7.2.3: one message, spelt in all the ways that the RFC shows. */
static void deflate_inflates_the_rfc_examples(void **state)
{
    static const struct str cases[] = {
        STR("\xf2\x48\xcd\xc9\xc9\x07\x00"),                         /* 7.2.3.1 */
        STR("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"),         /* 7.2.3.3 */
        STR("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),                     /* 7.2.3.4 */
        STR("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), /* 7.2.3.5 */
    };
    struct deflate_codec *c = deflate_new(6);
    struct str out = {0};

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        assert_int_equal(deflate_inflate(c, cases[i], 5, &out), DEFLATE_OK);
        assert_true(str_eq(out, STR("Hello")));
        assert_int_equal(deflate_inflate(c, cases[i], 4, &out), DEFLATE_TOO_BIG);
    }
    assert_int_equal(deflate_inflate(c, STR("\x00"), 10, &out), DEFLATE_OK);
    assert_int_equal(out.n, 0);
    assert_true(str_eq(deflate_compress(c, 15, STR("")), STR("\x00")));
    deflate_free(c);
}

static void deflate_refuses_corruption(void **state)
{
    struct deflate_codec *c = deflate_new(6);
    struct buf b CLEANUP(buf_fini);
    struct str out = {0};

    (void)state;
    buf_init(&b, 10000);
    assert_int_equal(deflate_inflate(c, STR("\xff\xff\xff"), 100, &out), DEFLATE_CORRUPT);
    /* Refers to a byte of the message before: there is no context. */
    assert_int_equal(deflate_inflate(c, STR("\xf2\x48\xcd\xc9\xc9\x07\x00"), 5, &out), DEFLATE_OK);
    assert_int_equal(deflate_inflate(c, STR("\xf2\x00\x11\x00\x00"), 5, &out), DEFLATE_CORRUPT);
    /* A flood of final blocks, which cost more than they carry. */
    for (int i = 0; i < 4000; i++)
        buf_append(&b, STR("\x03\x00"));
    assert_int_equal(deflate_inflate(c, buf_peek(&b), 5, &out), DEFLATE_CORRUPT);
    assert_int_equal(deflate_inflate(c, (struct str){buf_peek(&b).p, 20}, 5, &out), DEFLATE_OK);
    assert_int_equal(deflate_inflate(c, (struct str){buf_peek(&b).p, 80}, 5, &out),
                     DEFLATE_CORRUPT);
    deflate_free(c);
}

/* A window of 9 bits must suffice to read what was compressed for it. */
static void deflate_keeps_to_the_window(void **state)
{
    struct deflate_codec *c = deflate_new(9);
    struct str in = {noise(5000, 3, 256), 5000};
    uint8_t *twice = malloc(10000);
    struct str narrow, wide;
    size_t narrow_n;

    (void)state;
    assert_non_null(twice);
    memcpy(twice, in.p, 5000);
    memcpy(twice + 5000, in.p, 5000);
    narrow = deflate_compress(c, 9, (struct str){twice, 10000});
    narrow_n = narrow.n;
    wide = deflate_compress(c, 15, (struct str){twice, 10000});
    /* Only the wide one can refer back by 5,000 bytes. */
    assert_true(narrow_n > 9000);
    assert_true(wide.n < 6000);
    free(twice);
    free((void *)(uintptr_t)in.p);
    deflate_free(c);
}

/* Inflates as a peer does that keeps 2^bits bytes and no more: each byte goes out by
 * itself, so that zlib may look back into its window only. */
static bool inflates_in_window(int bits, struct str packed, struct str want)
{
    uint8_t end[] = {0x00, 0x00, 0xff, 0xff}, byte;
    struct str in[] = {packed, {end, sizeof(end)}};
    z_stream z = {0};
    bool same = true;
    size_t n = 0;

    assert_int_equal(inflateInit2(&z, -bits), Z_OK);
    for (size_t i = 0; i < COUNTOF(in) && same; i++) {
        z.next_in = (z_const Bytef *)(uintptr_t)in[i].p;
        z.avail_in = (uInt)in[i].n;
        do {
            z.next_out = &byte;
            z.avail_out = 1;
            if (inflate(&z, Z_SYNC_FLUSH) < 0 && z.avail_out > 0)
                break;
            same = z.avail_out > 0 || (n < want.n && byte == want.p[n++]);
        } while (z.avail_out == 0 && same);
    }
    (void)inflateEnd(&z);
    return same && n == want.n;
}

/* Nor may the smallest one be left, which zlib's compressor does not know. */
static void deflate_keeps_to_the_smallest_window(void **state)
{
    struct deflate_codec *c = deflate_new(6);
    struct buf text CLEANUP(buf_fini);
    struct str packed;

    (void)state;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 3000; i++)
        buf_printf(&text, "%d%.*s", i % 97, i % 300, "............................");
    packed = deflate_compress(c, 8, buf_peek(&text));
    assert_true(packed.n < buf_len(&text) / 2);
    assert_true(inflates_in_window(8, packed, buf_peek(&text)));
    packed = deflate_compress(c, 15, buf_peek(&text));
    assert_false(inflates_in_window(8, packed, buf_peek(&text)));
    deflate_free(c);
}

CHECK_MAIN(cmocka_unit_test(deflate_negotiates), cmocka_unit_test(deflate_returns_what_it_took),
           cmocka_unit_test(deflate_inflates_the_rfc_examples),
           cmocka_unit_test(deflate_refuses_corruption),
           cmocka_unit_test(deflate_keeps_to_the_window),
           cmocka_unit_test(deflate_keeps_to_the_smallest_window))
