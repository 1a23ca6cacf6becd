#include "base/entry.h"
#include "base/rng.h"
#include "base/str.h"
#include "lib/feed_rig.h"

#include <stdio.h>

static struct feed_rig rig;
static struct feed_rig_follower a, b, c;

static void begin(size_t ring_budget, size_t chunk_budget)
{
    feed_rig_init(&rig, ring_budget, chunk_budget);
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    memset(&c, 0, sizeof(c));
    a.user = 1;
    b.user = 2;
    c.user = 3;
}

static void entries_come_in_order(void **state)
{
    (void)state;
    begin(0, 0);
    feed_rig_follow(&rig, &a, 0);
    assert_false(a.woken);
    assert_int_equal(feed_rig_take(&a, 0, 1000), FEED_NOTHING);
    feed_rig_append(&rig, 1, true);
    assert_true(a.woken);
    assert_int_equal(feed_rig_take(&a, 0, 1000), FEED_RUN);
    assert_int_equal(a.shown, 1);
    assert_int_equal(feed_rig_take(&a, 0, 1000), FEED_NOTHING);
    feed_rig_append(&rig, 40, true);
    feed_rig_drain(&a);
    assert_int_equal(a.shown, 41);
    assert_true(a.texts[1] && a.texts[41]);
    assert_int_equal(rig.reads_all, 0);
    assert_true(feed_rig_unfollow(&a));
    feed_rig_fini(&rig);
}

static void a_run_keeps_to_its_bytes_and_takes_one_at_least(void **state)
{
    (void)state;
    begin(0, 0);
    feed_rig_follow(&rig, &a, 0);
    feed_rig_append(&rig, 10, true);
    assert_int_equal(feed_rig_take(&a, 0, 1), FEED_RUN);
    assert_int_equal(a.shown, 1);
    assert_int_equal(feed_rig_take(&a, 0, 300), FEED_RUN);
    assert_in_range(a.shown, 2, 4);
    assert_true(feed_rig_unfollow(&a));
    feed_rig_fini(&rig);
}

/* One by one: the frame of each is the same for all, and access ends where it does. */
static void entries_are_taken_one_by_one(void **state)
{
    struct frame *of_a, *of_b;

    (void)state;
    begin(0, 0);
    feed_rig_follow(&rig, &a, 0);
    feed_rig_follow(&rig, &b, 0);
    feed_rig_append(&rig, 5, true);
    feed_rig_remove(&rig, 2);
    for (uint64_t seq = 1; seq <= 6; seq++) {
        assert_int_equal(feed_take(&a.f, 2, 0, &of_a), FEED_RUN);
        assert_int_equal(a.f.cursor, seq);
        assert_int_equal(feed_take(&b.f, 2, 0, &of_b), FEED_RUN);
        assert_ptr_equal(of_a, of_b);
        frame_unref(of_a);
        frame_unref(of_b);
    }
    assert_int_equal(rig.encoded, 6);
    feed_rig_append(&rig, 1, true);
    assert_int_equal(feed_take(&a.f, 2, 0, &of_a), FEED_RUN);
    frame_unref(of_a);
    assert_int_equal(feed_take(&a.f, 2, 0, &of_a), FEED_NOTHING);
    assert_int_equal(feed_take(&b.f, 2, 0, &of_b), FEED_END);
    assert_false(feed_rig_unfollow(&b));
    assert_true(feed_rig_unfollow(&a));
    feed_rig_fini(&rig);
}

/* An entry is encoded once, a run of them joined once a turn. */
static void followers_share_what_is_made(void **state)
{
    struct frame *of_a, *of_b;

    (void)state;
    begin(0, 0);
    feed_rig_follow(&rig, &a, 0);
    feed_rig_follow(&rig, &b, 0);
    feed_rig_follow(&rig, &c, 0);
    feed_rig_append(&rig, 10, true);
    assert_int_equal(rig.encoded, 0); /* nobody has asked */
    assert_int_equal(feed_take(&a.f, 0, 10000, &of_a), FEED_RUN);
    assert_int_equal(feed_take(&b.f, 0, 10000, &of_b), FEED_RUN);
    assert_ptr_equal(of_a, of_b);
    frame_unref(of_a);
    frame_unref(of_b);
    assert_int_equal(rig.encoded, 10);
    assert_int_equal(feed_rig_take(&c, 1, 100000), FEED_RUN);
    assert_int_equal(c.shown, 10);
    assert_int_equal(rig.encoded, 20);
    feed_end_turn(&rig.set);
    assert_false(feed_rig_unfollow(&a));
    assert_false(feed_rig_unfollow(&b));
    assert_true(feed_rig_unfollow(&c));
    feed_rig_fini(&rig);
}

/* A run is not given to whose access ends within it. */
static void a_shared_run_ends_where_access_does(void **state)
{
    (void)state;
    begin(0, 0);
    feed_rig_follow(&rig, &a, 0);
    feed_rig_follow(&rig, &b, 0);
    feed_rig_append(&rig, 3, true);
    feed_rig_remove(&rig, 2);
    feed_rig_append(&rig, 3, true);
    assert_int_equal(feed_rig_take(&a, 0, 10000), FEED_RUN);
    assert_int_equal(a.shown, 7);
    assert_int_equal(feed_rig_take(&b, 0, 10000), FEED_RUN);
    assert_int_equal(b.shown, 4);
    assert_int_equal(feed_rig_take(&b, 0, 10000), FEED_END);
    feed_rig_append(&rig, 1, true);
    assert_int_equal(feed_rig_take(&b, 0, 10000), FEED_END);
    assert_false(feed_rig_unfollow(&b));
    assert_true(feed_rig_unfollow(&a));
    feed_rig_fini(&rig);
}

static void old_entries_are_read_once_for_all(void **state)
{
    (void)state;
    begin(0, 0);
    feed_rig_append(&rig, 150, false);
    feed_rig_follow(&rig, &a, 0);
    feed_rig_follow(&rig, &b, 10);
    feed_rig_follow(&rig, &c, 100);
    assert_true(a.woken && b.woken && c.woken);
    assert_int_equal(feed_rig_take(&a, 0, 100000), FEED_WAIT);
    assert_int_equal(feed_rig_take(&b, 0, 100000), FEED_WAIT);
    assert_int_equal(feed_rig_take(&c, 0, 100000), FEED_WAIT);
    assert_int_equal(rig.reads_n, 2);
    feed_rig_answer(&rig, 0, STORE_OK);
    assert_true(a.woken && b.woken && !c.woken);
    feed_rig_drain(&b);
    feed_rig_drain(&a);
    feed_rig_drain(&c);
    assert_int_equal(a.shown, 150);
    assert_int_equal(b.shown, 150);
    assert_int_equal(c.shown, 150);
    assert_int_equal(rig.reads_all, 3);
    assert_false(feed_rig_unfollow(&a));
    assert_false(feed_rig_unfollow(&b));
    assert_true(feed_rig_unfollow(&c));
    feed_rig_fini(&rig);
}

/* A chunk that was not full when it was read is read again for what came since. */
static void a_chunk_grows(void **state)
{
    (void)state;
    begin(1, 0); /* nothing stays in the ring */
    feed_rig_append(&rig, 10, false);
    feed_rig_follow(&rig, &a, 0);
    feed_rig_drain(&a);
    feed_rig_append(&rig, 10, true);
    assert_int_equal(rig.set.ring_bytes, 0);
    assert_int_equal(feed_rig_take(&a, 0, 10000), FEED_WAIT);
    feed_rig_drain(&a);
    assert_int_equal(a.shown, 20);
    assert_int_equal(rig.reads_all, 2);
    assert_true(feed_rig_unfollow(&a));
    feed_rig_fini(&rig);
}

static void reads_in_flight_are_few(void **state)
{
    static struct feed_rig_follower many[10];

    (void)state;
    begin(0, 0);
    feed_rig_append(&rig, 640, false);
    for (unsigned i = 0; i < COUNTOF(many); i++) {
        feed_rig_follow(&rig, &many[i], i * 64);
        assert_int_equal(feed_rig_take(&many[i], 0, 10000), FEED_WAIT);
    }
    assert_int_equal(rig.reads_n, 4);
    for (unsigned i = 0; i < COUNTOF(many); i++)
        feed_rig_answer(&rig, 0, STORE_OK);
    assert_int_equal(rig.reads_n, 0);
    assert_int_equal(rig.reads_all, 10);
    for (unsigned i = 0; i < COUNTOF(many); i++) {
        assert_true(many[i].woken);
        (void)feed_rig_unfollow(&many[i]);
    }
    feed_rig_fini(&rig);
}

/* The store fails: the read is tried again, after a while. */
static void a_failed_read_is_repeated_later(void **state)
{
    (void)state;
    begin(0, 0);
    feed_rig_append(&rig, 5, false);
    feed_rig_follow(&rig, &a, 0);
    assert_int_equal(feed_rig_take(&a, 0, 1000), FEED_WAIT);
    a.woken = false;
    feed_rig_answer(&rig, 0, STORE_FAILED);
    assert_int_equal(rig.reads_n, 0);
    assert_false(a.woken);
    wheel_advance(&rig.wheel, rig.wheel.now_ms + 400);
    assert_int_equal(rig.reads_n, 0);
    wheel_advance(&rig.wheel, rig.wheel.now_ms + 200);
    assert_int_equal(rig.reads_n, 1);
    feed_rig_answer(&rig, 0, STORE_OK);
    assert_true(a.woken);
    feed_rig_drain(&a);
    assert_int_equal(a.shown, 5);
    assert_true(feed_rig_unfollow(&a));
    feed_rig_fini(&rig);
}

/* Entries that the store cannot show make no busy loop. */
static void a_hole_in_the_log_is_not_read_in_a_loop(void **state)
{
    uint64_t head;

    (void)state;
    begin(0, 0);
    feed_rig_append(&rig, 5, false);
    feed_rig_follow(&rig, &a, 0);
    head = rig.head;
    rig.head = 0;
    assert_int_equal(feed_rig_take(&a, 0, 1000), FEED_WAIT);
    a.woken = false;
    feed_rig_answer(&rig, 0, STORE_OK);
    assert_false(a.woken);
    assert_int_equal(rig.reads_n, 0);
    rig.head = head;
    wheel_advance(&rig.wheel, rig.wheel.now_ms + 1000);
    feed_rig_answer(&rig, 0, STORE_OK);
    feed_rig_drain(&a);
    assert_int_equal(a.shown, 5);
    assert_true(feed_rig_unfollow(&a));
    feed_rig_fini(&rig);
}

/* However small the cache, who waited for a chunk gets to read it. */
static void a_small_cache_does_not_stop_anybody(void **state)
{
    (void)state;
    begin(1, 1);
    feed_rig_append(&rig, 300, false);
    feed_rig_follow(&rig, &a, 0);
    feed_rig_follow(&rig, &b, 128);
    for (int turn = 0; turn < 100 && (a.shown < 300 || b.shown < 300); turn++) {
        (void)feed_rig_take(&a, 0, 1000000);
        (void)feed_rig_take(&b, 0, 1000000);
        feed_end_turn(&rig.set);
        assert_int_equal(rig.set.chunk_bytes, 0);
        while (rig.reads_n > 0)
            feed_rig_answer(&rig, 0, STORE_OK);
    }
    assert_int_equal(a.shown, 300);
    assert_int_equal(b.shown, 300);
    assert_false(feed_rig_unfollow(&a));
    assert_true(feed_rig_unfollow(&b));
    feed_rig_fini(&rig);
}

/* The feed goes while a read of it is under way: what the read names is still
 * there, and its end harms nobody. */
static void a_feed_may_go_while_it_is_read(void **state)
{
    (void)state;
    begin(0, 0);
    feed_rig_append(&rig, 5, false);
    feed_rig_follow(&rig, &a, 0);
    assert_int_equal(feed_rig_take(&a, 0, 1000), FEED_WAIT);
    assert_true(feed_rig_unfollow(&a));
    assert_null(feed_get(&rig.set, STR("room")));
    assert_int_equal(rig.reads_n, 1);
    feed_rig_follow(&rig, &b, 0);
    assert_int_equal(feed_rig_take(&b, 0, 1000), FEED_WAIT);
    assert_int_equal(rig.reads_n, 2);
    feed_rig_answer(&rig, 0, STORE_OK);
    feed_rig_drain(&b);
    assert_int_equal(b.shown, 5);
    assert_true(feed_rig_unfollow(&b));
    feed_rig_fini(&rig);
}

static void who_unfollows_while_waiting_is_not_woken(void **state)
{
    (void)state;
    begin(0, 0);
    feed_rig_append(&rig, 5, false);
    feed_rig_follow(&rig, &a, 0);
    feed_rig_follow(&rig, &b, 0);
    (void)feed_rig_take(&a, 0, 1000);
    (void)feed_rig_take(&b, 0, 1000);
    assert_false(feed_rig_unfollow(&a));
    feed_rig_answer(&rig, 0, STORE_OK);
    assert_false(a.woken);
    assert_true(b.woken);
    assert_true(feed_rig_unfollow(&b));
    feed_rig_fini(&rig);
}

/* Both wait for a chunk before it is read, so that it is kept for others too. */
static void read_side_by_side(unsigned to)
{
    for (int turn = 0; turn < 100 && (a.shown < to || b.shown < to); turn++) {
        (void)feed_rig_take(&a, 0, 1000000);
        (void)feed_rig_take(&b, 0, 1000000);
        while (rig.reads_n > 0)
            feed_rig_answer(&rig, 0, STORE_OK);
    }
    assert_int_equal(a.shown, to);
    assert_int_equal(b.shown, to);
}

static void what_one_alone_reads_is_not_kept(void **state)
{
    (void)state;
    begin(0, 0);
    feed_rig_append(&rig, 600, false);
    feed_rig_follow(&rig, &a, 0);
    feed_rig_drain(&a);
    assert_int_equal(a.shown, 600);
    assert_in_range(rig.set.chunk_bytes, 1, 20000);
    assert_true(feed_rig_unfollow(&a));
    feed_rig_fini(&rig);
}

static void budgets_are_kept(void **state)
{
    (void)state;
    begin(20000, 20000);
    feed_rig_append(&rig, 600, false);
    feed_rig_follow(&rig, &a, 0);
    feed_rig_follow(&rig, &b, 0);
    read_side_by_side(600);
    feed_rig_append(&rig, 60, true);
    feed_rig_drain(&b);
    feed_rig_drain(&a);
    assert_true(rig.set.ring_bytes > 0 && rig.set.chunk_bytes > 20000);
    feed_end_turn(&rig.set);
    assert_in_range(rig.set.chunk_bytes, 1, 20000);
    for (int i = 0; i < 20; i++) {
        feed_rig_append(&rig, 50, true);
        assert_in_range(rig.set.ring_bytes, 0, 20000);
        feed_rig_drain(&b);
        feed_end_turn(&rig.set);
        assert_in_range(rig.set.ring_bytes, 0, 20000);
    }
    feed_rig_drain(&a);
    assert_int_equal(a.shown, rig.head);
    assert_false(feed_rig_unfollow(&a));
    assert_true(feed_rig_unfollow(&b));
    feed_rig_fini(&rig);
}

/* A deleted text is in no ring, no chunk and no read that was under way. */
static void a_deleted_text_is_forgotten(void **state)
{
    (void)state;
    begin(0, 0);
    feed_rig_append(&rig, 100, false);
    feed_rig_follow(&rig, &a, 0);
    feed_rig_drain(&a); /* chunks */
    feed_rig_append(&rig, 10, true);
    feed_rig_drain(&a); /* ring, encoded */
    feed_end_turn(&rig.set);
    feed_rig_delete(&rig, 20);
    feed_rig_delete(&rig, 105);
    feed_rig_follow(&rig, &b, 0);
    feed_rig_drain(&b);
    assert_int_equal(b.shown, 112);
    assert_true(b.texts[19] && b.texts[104] && b.texts[110]);
    assert_false(b.texts[20] || b.texts[105]);
    assert_false(feed_rig_unfollow(&b));

    assert_true(feed_rig_unfollow(&a));
    feed_rig_follow(&rig, &c, 60);
    assert_int_equal(feed_rig_take(&c, 0, 100), FEED_WAIT);
    feed_rig_delete(&rig, 62); /* the block was made before */
    feed_rig_drain(&c);
    assert_int_equal(c.shown, 113);
    assert_false(c.texts[62]);
    assert_true(feed_rig_unfollow(&c));
    feed_rig_fini(&rig);
}

/* Nor is it in the event that was made of it in the same turn, for another encoding. */
static void a_deleted_text_is_not_encoded_again(void **state)
{
    (void)state;
    begin(0, 0);
    feed_rig_append(&rig, 2, false);
    feed_rig_follow(&rig, &a, 0);
    feed_rig_append(&rig, 1, true);
    feed_rig_follow(&rig, &b, 2);
    assert_int_equal(feed_rig_take(&b, 0, 0), FEED_RUN);
    assert_true(b.texts[3]);
    feed_rig_delete(&rig, 3);
    feed_rig_follow(&rig, &c, 2);
    while (feed_rig_take(&c, 1, 0) == FEED_WAIT)
        feed_rig_answer(&rig, 0, STORE_OK);
    assert_int_equal(c.shown, 3);
    assert_false(c.texts[3]);
    assert_false(feed_rig_unfollow(&a) || feed_rig_unfollow(&b));
    assert_true(feed_rig_unfollow(&c));
    feed_rig_fini(&rig);
}

/* So are its edits, old and new. */
static void edits_of_a_deleted_text_are_forgotten(void **state)
{
    (void)state;
    begin(0, 0);
    feed_rig_append(&rig, 3, false);
    feed_rig_edit(&rig, 2);
    feed_rig_append(&rig, 100, false);
    feed_rig_follow(&rig, &a, 0);
    feed_rig_drain(&a);
    assert_true(a.texts[2] && a.texts[4]);
    feed_rig_edit(&rig, 2);
    feed_rig_edit(&rig, 3);
    feed_rig_delete(&rig, 2);
    assert_int_equal(rig.head, 107);
    feed_end_turn(&rig.set);
    feed_rig_follow(&rig, &b, 0);
    feed_rig_drain(&b);
    assert_false(b.texts[2] || b.texts[4] || b.texts[105]);
    assert_true(b.texts[3] && b.texts[106]);
    assert_false(feed_rig_unfollow(&a));
    assert_true(feed_rig_unfollow(&b));
    feed_rig_fini(&rig);
}

/* A follower whose client does not know of it yet keeps its place, and its end. */
static void a_shut_follower_waits(void **state)
{
    (void)state;
    begin(0, 0);
    feed_rig_append(&rig, 3, false);
    feed_rig_follow(&rig, &a, 0);
    feed_shut(&a.f);
    feed_rig_append(&rig, 2, true);
    assert_int_equal(feed_rig_take(&a, 0, 1000), FEED_NOTHING);
    feed_rig_remove(&rig, 1);
    feed_rig_append(&rig, 2, true);
    assert_int_equal(feed_rig_take(&a, 0, 1000), FEED_NOTHING);
    feed_open(&a.f);
    assert_true(a.woken);
    feed_rig_drain(&a);
    assert_int_equal(a.shown, 6);
    assert_true(a.ended);
    assert_true(feed_rig_unfollow(&a));
    feed_rig_fini(&rig);
}

/* What was not told is read. */
static void a_gap_in_the_news_is_filled(void **state)
{
    (void)state;
    begin(0, 0);
    feed_rig_follow(&rig, &a, 0);
    feed_rig_append(&rig, 3, true);
    feed_rig_append(&rig, 3, false);
    feed_rig_append(&rig, 3, true);
    feed_rig_drain(&a);
    assert_int_equal(a.shown, 9);
    assert_true(feed_rig_unfollow(&a));
    feed_rig_fini(&rig);
}

/* News of before the answer to the join, of other rooms, twice: no harm. */
static void news_that_is_not_wanted_is_dropped(void **state)
{
    struct feed *f;

    (void)state;
    begin(0, 0);
    feed_rig_append(&rig, 2, true); /* nobody follows */
    f = feed_make(&rig.set, STR("room"));
    feed_hold(f);
    feed_rig_append(&rig, 2, true); /* not known yet where it begins */
    feed_rig_follow(&rig, &a, 4);
    rig.head = 3;
    feed_rig_append(&rig, 1, true); /* 4 again */
    assert_int_equal(feed_rig_take(&a, 0, 1000), FEED_NOTHING);
    feed_rig_append(&rig, 1, true);
    feed_rig_drain(&a);
    assert_int_equal(a.shown, 5);
    assert_false(feed_rig_unfollow(&a));
    assert_true(feed_release(f));
    feed_rig_fini(&rig);
}

/* Random: every follower sees every entry once and in order, whatever happens,
 * and no text that was deleted in an earlier turn. */

#define CROWD 8

struct play {
    struct rng rng;
    struct feed_rig_follower crowd[CROWD];
    bool on[CROWD];
    bool gone[FEED_RIG_LOG + 1]; /* deleted before this turn */
};

static struct play play;

static void play_take(unsigned i)
{
    struct feed_rig_follower *f = &play.crowd[i];
    uint64_t before = f->shown;
    enum feed_taken t;

    if (!play.on[i])
        return;
    t = feed_rig_take(f, (unsigned)rng_below(&play.rng, 2), 1 + rng_below(&play.rng, 4000));
    for (uint64_t seq = before + 1; seq <= f->shown; seq++)
        assert_false(play.gone[seq] && f->texts[seq]);
    if (t == FEED_END) {
        (void)feed_rig_unfollow(f);
        play.on[i] = false;
    }
}

static void play_follow(unsigned i)
{
    struct feed_rig_follower *f = &play.crowd[i];

    if (play.on[i]) {
        play.on[i] = false;
        (void)feed_rig_unfollow(f);
        return;
    }
    f->user = 1 + i % 4;
    feed_rig_follow(&rig, f, rng_below(&play.rng, rig.head + 1));
    play.on[i] = true;
    if (rng_chance(&play.rng, 200))
        feed_shut(&f->f);
}

static void play_end_turn(void)
{
    for (uint64_t seq = 1; seq <= rig.head; seq++)
        play.gone[seq] = rig.log[seq].blank;
    feed_end_turn(&rig.set);
    assert_true(rig.set.ring_bytes <= rig.set.ring_budget);
    assert_true(rig.set.chunk_bytes <= rig.set.chunk_budget);
    wheel_advance(&rig.wheel, rig.wheel.now_ms + 50);
}

static void play_step(void)
{
    unsigned i = (unsigned)rng_below(&play.rng, CROWD);
    uint64_t what = rng_below(&play.rng, 100), target;

    if (what < 50) {
        play_take(i);
    } else if (what < 62 && rig.reads_n > 0) {
        feed_rig_answer(&rig, (unsigned)rng_below(&play.rng, rig.reads_n),
                        rng_chance(&play.rng, 100) ? STORE_FAILED : STORE_OK);
    } else if (what < 75) {
        feed_rig_append(&rig, 1 + (unsigned)rng_below(&play.rng, 12), true);
    } else if (what < 80) {
        play_follow(i);
    } else if (what < 83 && rig.head > 0) {
        target = 1 + rng_below(&play.rng, rig.head);
        if (rig.log[target].kind == ENTRY_MESSAGE)
            feed_rig_delete(&rig, target);
    } else if (what < 85 && rig.head > 0) {
        target = 1 + rng_below(&play.rng, rig.head);
        if (rig.log[target].kind == ENTRY_MESSAGE && !rig.log[target].blank)
            feed_rig_edit(&rig, target);
    } else if (what < 86) {
        feed_rig_remove(&rig, 1 + rng_below(&play.rng, 4));
    } else if (what < 89 && play.on[i]) {
        feed_open(&play.crowd[i].f);
    } else {
        play_end_turn();
    }
}

static void play_seed(uint64_t seed)
{
    memset(&play, 0, sizeof(play));
    rng_init(&play.rng, seed);
    feed_rig_init(&rig, 1 + rng_below(&play.rng, 30000), 1 + rng_below(&play.rng, 60000));
    feed_rig_append(&rig, (unsigned)rng_below(&play.rng, 300), false);
    while (rig.head < FEED_RIG_LOG - 100)
        play_step();
    for (unsigned i = 0; i < CROWD; i++) {
        if (!play.on[i])
            continue;
        feed_open(&play.crowd[i].f);
        feed_rig_drain(&play.crowd[i]);
        assert_int_equal(play.crowd[i].shown, play.crowd[i].ended ? play.crowd[i].f.end : rig.head);
        (void)feed_rig_unfollow(&play.crowd[i]);
    }
    assert_null(feed_get(&rig.set, STR("room")));
    feed_rig_fini(&rig);
}

static void everybody_sees_every_entry_once(void **state)
{
    (void)state;
    CHECK_EACH_SEED (seed, 20)
        play_seed(seed);
}

/* Entries so long that one read gives a part of a chunk: followers at its beginning,
 * its middle and its end reach the head all the same, and none keeps another waiting. */
static void a_chunk_that_one_read_does_not_fill_is_caught_up_with(void **state)
{
    struct feed_rig_follower *all[] = {&a, &b, &c};

    (void)state;
    for (unsigned fit = 1; fit <= FEED_CHUNK; fit += 21) {
        uint64_t most = 3 * (150 / fit + 1);
        unsigned rounds = 0;

        begin(0, 0);
        rig.fit = fit;
        feed_rig_append(&rig, 150, false);
        feed_rig_follow(&rig, &a, 0);
        feed_rig_follow(&rig, &b, 30);
        feed_rig_follow(&rig, &c, 63);
        while (a.shown < 150 || b.shown < 150 || c.shown < 150) {
            for (unsigned i = 0; i < COUNTOF(all); i++)
                while (feed_rig_take(all[i], 0, 300) == FEED_RUN)
                    ;
            assert_true(rig.reads_all <= most && rounds++ < 1000);
            if (rig.reads_n > 0)
                feed_rig_answer(&rig, 0, STORE_OK);
            feed_end_turn(&rig.set);
        }
        assert_false(feed_rig_unfollow(&a));
        assert_false(feed_rig_unfollow(&b));
        assert_true(feed_rig_unfollow(&c));
        feed_rig_fini(&rig);
    }
}

CHECK_MAIN(cmocka_unit_test(a_chunk_that_one_read_does_not_fill_is_caught_up_with),
           cmocka_unit_test(entries_come_in_order),
           cmocka_unit_test(a_run_keeps_to_its_bytes_and_takes_one_at_least),
           cmocka_unit_test(entries_are_taken_one_by_one),
           cmocka_unit_test(followers_share_what_is_made),
           cmocka_unit_test(a_shared_run_ends_where_access_does),
           cmocka_unit_test(old_entries_are_read_once_for_all), cmocka_unit_test(a_chunk_grows),
           cmocka_unit_test(reads_in_flight_are_few),
           cmocka_unit_test(a_failed_read_is_repeated_later),
           cmocka_unit_test(a_hole_in_the_log_is_not_read_in_a_loop),
           cmocka_unit_test(a_small_cache_does_not_stop_anybody),
           cmocka_unit_test(a_feed_may_go_while_it_is_read),
           cmocka_unit_test(who_unfollows_while_waiting_is_not_woken),
           cmocka_unit_test(what_one_alone_reads_is_not_kept), cmocka_unit_test(budgets_are_kept),
           cmocka_unit_test(a_deleted_text_is_forgotten),
           cmocka_unit_test(a_deleted_text_is_not_encoded_again),
           cmocka_unit_test(edits_of_a_deleted_text_are_forgotten),
           cmocka_unit_test(a_shut_follower_waits), cmocka_unit_test(a_gap_in_the_news_is_filled),
           cmocka_unit_test(news_that_is_not_wanted_is_dropped),
           cmocka_unit_test(everybody_sees_every_entry_once))
