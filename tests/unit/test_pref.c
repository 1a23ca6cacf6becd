#include "chat/model/pref.h"

#include "base/str.h"
#include "lib/check.h"

static void what_is_written_reads_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 24; i++) {
        struct pref p = {.favourite = i & 1, .muted = i & 2, .hidden = i & 4}, got;
        char buf[PREF_BYTES_MAX];

        p.notify = (enum pref_notify)(i / 8);
        p.count = p.hidden ? UINT64_MAX : 0;
        got = pref_decode(pref_encode(&p, buf));
        assert_true(got.favourite == p.favourite && got.muted == p.muted);
        assert_true(got.hidden == p.hidden && got.notify == p.notify && got.count == p.count);
    }
}

static void nothing_chosen_is_nothing(void **state)
{
    char buf[PREF_BYTES_MAX];

    (void)state;
    assert_int_equal(pref_encode(&(struct pref){0}, buf).n, 0);
}

static void other_words_are_passed_over(void **state)
{
    struct pref p = pref_decode(STR("loud  muted hidden:x colour:red none"));

    (void)state;
    assert_true(p.muted && !p.hidden && !p.favourite && p.notify == PREF_NOTHING);
    assert_int_equal(pref_notify_find(STR("loud")), PREF_UNKNOWN);
}

CHECK_MAIN(cmocka_unit_test(what_is_written_reads_back),
           cmocka_unit_test(nothing_chosen_is_nothing),
           cmocka_unit_test(other_words_are_passed_over))
