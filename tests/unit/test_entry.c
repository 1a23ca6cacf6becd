#include "base/entry.h"
#include "base/rng.h"
#include "base/str.h"
#include "lib/check.h"

static const struct entry message = {
    .kind = ENTRY_MESSAGE,
    .count = 98,
    .ts_ms = 1763673000123,
    .from_id = 7,
    .from_name = {(const uint8_t *)"ana", 3},
    .cid = {(const uint8_t *)"k3v9", 4},
    .text = {(const uint8_t *)"hi", 2},
};

static const struct entry full = {
    .version = 9,
    .kind = 200,
    .on = true,
    .count = UINT64_MAX,
    .ts_ms = 2,
    .from_id = 300,
    .from_name = {(const uint8_t *)"from", 4},
    .cid = {(const uint8_t *)"\0\xff", 2},
    .text = {(const uint8_t *)"text", 4},
    .target = 1,
    .reply_to = 128,
    .emoji = {(const uint8_t *)"\xf0\x9f\x91\x8d", 4},
    .user_id = 8,
    .user_name = {(const uint8_t *)"bob", 3},
    .role = {(const uint8_t *)"admin", 5},
    .title = {(const uint8_t *)"A room", 6},
    .room_kind = {(const uint8_t *)"private", 7},
    .room = {(const uint8_t *)"general", 7},
    .until_ms = 5,
    .redacts = {(const uint8_t *)"\x07\x80\x01", 3},
    .data = {(const uint8_t *)"{}", 2},
    .thread = 130,
    .mentions = {(const uint8_t *)"\x08", 1},
    .append = 6,
    .salt = {(const uint8_t *)"sa", 2},
    .text_hash = {(const uint8_t *)"h\x00", 2},
    .trace = {(const uint8_t *)"tr", 2},
    .settings = {(const uint8_t *)"se", 2},
    .people = {(const uint8_t *)"pe", 2},
    .changed = true,
    .act = {(const uint8_t *)"ac", 2},
    .act_before = 11,
    .act_seq = 12,
    .bot = {(const uint8_t *)"n\np", 3},
    .unknown = {(const uint8_t *)"\x42\x05\x45\x02xy\xfe\x00", 8},
};

static void check_same(const struct entry *a, const struct entry *b)
{
    assert_true(a->kind == b->kind && a->on == b->on && a->count == b->count);
    assert_true(a->ts_ms == b->ts_ms && a->from_id == b->from_id && a->target == b->target);
    assert_true(a->reply_to == b->reply_to && a->user_id == b->user_id);
    assert_true(a->until_ms == b->until_ms);
    assert_true(str_eq(a->from_name, b->from_name) && str_eq(a->cid, b->cid));
    assert_true(str_eq(a->text, b->text) && str_eq(a->emoji, b->emoji));
    assert_true(str_eq(a->user_name, b->user_name) && str_eq(a->role, b->role));
    assert_true(str_eq(a->title, b->title) && str_eq(a->room_kind, b->room_kind));
    assert_true(str_eq(a->redacts, b->redacts));
    assert_true(str_eq(a->data, b->data) && a->thread == b->thread && a->append == b->append);
    assert_true(str_eq(a->mentions, b->mentions));
    assert_true(str_eq(a->salt, b->salt) && str_eq(a->text_hash, b->text_hash));
    assert_true(str_eq(a->room, b->room) && str_eq(a->unknown, b->unknown));
    assert_true(str_eq(a->trace, b->trace) && str_eq(a->settings, b->settings));
    assert_true(str_eq(a->people, b->people) && a->changed == b->changed);
    assert_true(str_eq(a->act, b->act) && a->act_before == b->act_before);
    assert_true(a->act_seq == b->act_seq);
    assert_true(str_eq(a->bot, b->bot));
}

static void check_round_trip(const struct entry *e, uint8_t version)
{
    struct buf b CLEANUP(buf_fini), again CLEANUP(buf_fini);
    struct entry got;

    buf_init(&b, 1000);
    buf_init(&again, 1000);
    entry_encode(e, &b);
    assert_int_equal(buf_len(&b), entry_size(e));
    assert_int_equal(entry_decode(buf_peek(&b), &got), ENTRY_OK);
    assert_int_equal(got.version, version);
    check_same(&got, e);
    entry_encode(&got, &again);
    assert_true(str_eq(buf_peek(&again), buf_peek(&b)));
}

static void entry_round_trips(void **state)
{
    (void)state;
    check_round_trip(&message, ENTRY_VERSION);
    check_round_trip(&full, 9);
    check_round_trip(&(struct entry){.kind = ENTRY_DELETE}, ENTRY_VERSION);
    check_round_trip(&(struct entry){0}, ENTRY_VERSION);
}

static void entry_says_which_span_appended_it(void **state)
{
    struct entry e = message;
    struct trace t;

    (void)state;
    assert_false(entry_trace(&e, &t));
    e.trace = STR("0123456789abcdef01234567");
    assert_true(entry_trace(&e, &t) && t.sampled);
    assert_memory_equal(t.id, "0123456789abcdef", TRACE_ID_N);
    assert_memory_equal(t.span, "01234567", TRACE_SPAN_N);
    e.trace.n--;
    assert_false(entry_trace(&e, &t));
}

/* What is on disk today: these bytes must never come to mean anything else. */
static void entry_has_the_bytes_of_its_header(void **state)
{
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 1000);
    entry_encode(&message, &b);
    assert_true(str_eq(buf_peek(&b), STR("\x01\x01"
                                         "\x02\x62"
                                         "\x04\xbb\x91\xe9\x98\xaa\x33"
                                         "\x06\x07"
                                         "\x09\x03"
                                         "ana"
                                         "\x0b\x04k3v9"
                                         "\x0d\x02hi")));
    buf_clear(&b);
    entry_encode(&full, &b);
    assert_true(str_eq(
        buf_peek(&b),
        STR("\x09\xc8\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x04\x02\x06\xac\x02\x09\x04"
            "from\x0b\x02\x00\xff\x0d\x04text\x0e\x01\x10\x80\x01\x13\x04\xf0\x9f\x91\x8d"
            "\x14\x01\x16\x08\x19\x03"
            "bob\x1b\x05"
            "admin\x1d\x06"
            "A room\x1f\x07private\x21\x07general\x22\x05"
            "\x25\x03\x07\x80\x01\x27\x02{}\x28\x82\x01\x2b\x01\x08\x2c\x06\x2f\x02sa\x31\x02h\x00"
            "\x33\x02tr\x35\x02se\x37\x02pe\x38\x01\x3b\x02"
            "ac\x3c\x0b\x3e\x0c\x41\x03n\np\x42\x05\x45\x02xy\xfe\x00")));
}

static void entry_refuses_what_it_cannot_keep(void **state)
{
    static const struct str bad[] = {
        {(const uint8_t *)"", 0},                     /* no head */
        {(const uint8_t *)"\x01", 1},                 /* no kind */
        {(const uint8_t *)"\x00\x01", 2},             /* version 0 */
        {(const uint8_t *)"\x01\x01\x00\x01", 4},     /* number 0 */
        {(const uint8_t *)"\x01\x01\x02", 3},         /* no value */
        {(const uint8_t *)"\x01\x01\x02\x00", 4},     /* an empty number */
        {(const uint8_t *)"\x01\x01\x0d\x00", 4},     /* an empty string */
        {(const uint8_t *)"\x01\x01\x02\x81\x00", 5}, /* a long spelling */
        {(const uint8_t *)"\x01\x01\x03\x01x", 5},    /* count as a string */
        {(const uint8_t *)"\x01\x01\x0c\x01", 4},     /* text as a number */
        {(const uint8_t *)"\x01\x01\x14\x02", 4},     /* on = 2 */
        {(const uint8_t *)"\x01\x01\x0d\x02x", 5},    /* beyond the end */
        {(const uint8_t *)"\x01\x01\x0d\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x", 14},
        {(const uint8_t *)"\x01\x01\x02\x01\x02\x01", 6}, /* twice */
        {(const uint8_t *)"\x01\x01\x04\x01\x02\x01", 6}, /* not in order */
        {(const uint8_t *)"\x01\x01\x34\x01\x32\x01", 6}, /* later ones not in order */
        {(const uint8_t *)"\x01\x01\x32\x01\x02\x01", 6}, /* known behind a later one */
        {(const uint8_t *)"\x01\x01\x33\x05x", 5},        /* a later one beyond the end */
    };
    struct entry e = {.ts_ms = 77};

    (void)state;
    for (size_t i = 0; i < COUNTOF(bad); i++)
        if (entry_decode(bad[i], &e) != ENTRY_BAD)
            fail_msg("%zu was accepted", i);
    assert_true(e.ts_ms == 77);
}

static void entry_is_redacted(void **state)
{
    struct entry wanted = full, e = full;

    (void)state;
    wanted.text = wanted.data = wanted.mentions = wanted.salt = (struct str){0};
    wanted.bot = STR("\n");
    entry_redact(&e);
    check_same(&e, &wanted);
    check_round_trip(&e, 9);
}

/* Whatever is decoded encodes to the same bytes, however it came about. */
static void entry_keeps_every_byte(void **state)
{
    struct buf b CLEANUP(buf_fini), again CLEANUP(buf_fini);
    unsigned accepted = 0;
    struct rng r;

    (void)state;
    rng_init(&r, check_seed(1));
    buf_init(&b, 1000);
    buf_init(&again, 1000);
    for (int i = 0; i < 20000; i++) {
        struct entry e;

        buf_clear(&b);
        buf_clear(&again);
        entry_encode(i % 2 ? &full : &message, &b);
        b.bytes[rng_below(&r, buf_len(&b))] = (uint8_t)rng_below(&r, 256);
        if (entry_decode(buf_peek(&b), &e) != ENTRY_OK)
            continue;
        accepted++;
        entry_encode(&e, &again);
        assert_true(str_eq(buf_peek(&again), buf_peek(&b)));
    }
    assert_true(accepted > 1000);
}

CHECK_MAIN(cmocka_unit_test(entry_round_trips), cmocka_unit_test(entry_says_which_span_appended_it),
           cmocka_unit_test(entry_has_the_bytes_of_its_header),
           cmocka_unit_test(entry_refuses_what_it_cannot_keep), cmocka_unit_test(entry_is_redacted),
           cmocka_unit_test(entry_keeps_every_byte))
