/* What serverless/deliver.h, join.h and leave.h promise, one by one. What they promise together,
 * whatever befalls them: tests/sim/test_sim_deliver.c. */
#include "lib/deliver_rig.h"

#include "base/entry.h"
#include "base/str.h"
#include "chat/model/keys.h"

#include <stdio.h>

static const char *shard_row(struct deliver_rig *r, uint32_t shard)
{
    char pk[KEYS_MAX];

    return deliver_rig_row(r, keys_of_shard(str_of(r->room), shard, pk), KEYS_SHARD);
}

static void set_shard_row(struct deliver_rig *r, uint32_t shard, const char *value)
{
    char pk[KEYS_MAX];

    deliver_rig_put(r, keys_of_shard(str_of(r->room), shard, pk), KEYS_SHARD, value);
}

static bool follows(struct deliver_rig *r, const char *id, uint32_t shard)
{
    char pk[KEYS_MAX];

    return strcmp(deliver_rig_row(r, keys_of_followers(str_of(r->room), shard, pk), str_of(id)),
                  "-") != 0;
}

static bool connected(struct deliver_rig *r, const char *id)
{
    char pk[KEYS_MAX];

    return strcmp(deliver_rig_row(r, keys_of_conn(str_of(id), pk), KEYS_CONN), "-") != 0;
}

/* Ana has arrays, ben has not; both follow from the log's head on. */
static void two_follow(struct deliver_rig *r, uint64_t head)
{
    deliver_rig_connect(r, "ana=", 1, ROWS_ARRAYS);
    deliver_rig_connect(r, "ben=", 2, 0);
    assert_string_equal(deliver_rig_join(r, "ana=", head, head, NULL), "");
    assert_string_equal(deliver_rig_join(r, "ben=", head, head, NULL), "");
}

static void sends_what_is_new_in_order(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};

    assert_int_equal(deliver_rig_run(r, &d), DELIVER_NOBODY);
    two_follow(r, deliver_rig_say(r, 2, 10));
    assert_string_equal(shard_row(r, 0), "1 2 2 2 0 1 0 0");
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_string_equal(r->sent, "");
    (void)deliver_rig_say(r, 3, 10);
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_string_equal(r->sent, "ana==3,4,5 ben==3 ben==4 ben==5");
    assert_string_equal(shard_row(r, 0), "1 5 5 2 2 1 0 0");
    assert_true(d.ret_head == 5 && d.ret_shards == 1 && d.ret_counts.sent == 6);
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_string_equal(r->sent, "");
}

/* A sender that knows its own entry: the figures of the design. */
static void costs_no_more_than_it_must(void **state)
{
    struct deliver_rig *r = *state;
    struct entry e = {.kind = ENTRY_MESSAGE, .from_id = 1, .text = STR("hi")};
    struct deliver d = {0};
    uint64_t *seen = r->gate.seen;
    struct buf b;

    two_follow(r, deliver_rig_say(r, 1, 10));
    d.head = deliver_rig_append(r, &e);
    buf_init(&b, 1024);
    entry_encode(&e, &b);
    d.last = frame_copy(buf_peek(&b));
    buf_fini(&b);
    memset(r->gate.seen, 0, sizeof(r->gate.seen));
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    frame_unref(d.last);
    assert_string_equal(r->sent, "ana==2 ben==2");
    assert_true(seen[STORE_GET] == 1 && seen[STORE_LIST] == 1 && seen[STORE_PUT] == 2);
    assert_true(seen[STORE_LOG] == 1 && seen[STORE_READ] == 0);
}

static void frames_are_bounded(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};

    two_follow(r, 0);
    (void)deliver_rig_say(r, 10, 10000);
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_non_null(strstr(r->sent, "ana==1,2,3 "));
    assert_non_null(strstr(r->sent, "ana==10"));
    assert_true(r->body_max > 30000 && r->body_max <= FAN_FRAME_MAX);
}

static void many_are_sent_to_at_once(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};
    char id[16];

    for (unsigned i = 0; i < 200; i++) {
        (void)snprintf(id, sizeof(id), "c%u=", i);
        deliver_rig_connect(r, id, i + 1, ROWS_ARRAYS);
        (void)deliver_rig_join(r, id, 0, 0, NULL);
    }
    (void)deliver_rig_say(r, 600, 1);
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_int_equal(d.ret_counts.sent, 200 * 600);
    assert_int_equal(r->flying_max, FAN_SLOTS);
}

static void far_behind_only_the_newest_are_sent(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};

    two_follow(r, 0);
    (void)deliver_rig_say(r, DELIVER_BEHIND_MAX + 5, 1);
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_true(str_starts(str_of(r->sent), STR("ana==6,7,")) ||
                str_starts(str_of(r->sent), STR("ben==6 ")));
    assert_int_equal(d.ret_counts.sent, 2 * DELIVER_BEHIND_MAX);
    assert_string_equal(shard_row(r, 0), "1 1005 1005 5 2 1 0 0");
}

static void leaves_a_lease_that_is_anothers(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};
    char row[128];

    two_follow(r, 0);
    (void)deliver_rig_say(r, 1, 1);
    (void)snprintf(row, sizeof(row), "1 1 0 0 2 3 99 %llu",
                   (unsigned long long)io_wall_ms(r->io) + 10000);
    set_shard_row(r, 0, row);
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_TAKEN);
    assert_string_equal(shard_row(r, 0), row);
    assert_int_equal(d.ret_shards, 3);
    assert_string_equal(r->sent, "");
    deliver_rig_sleep(r, 11000); /* whoever had it has died */
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_string_equal(r->sent, "ana==1 ben==1");
    assert_string_equal(shard_row(r, 0), "1 1 1 0 2 3 0 0");
}

static unsigned never(struct deliver_rig *r, struct str id, struct str body, unsigned n)
{
    (void)r;
    (void)id;
    (void)body;
    return n < 40 ? 429 : 200;
}

/* Waiting for more than 10 s, it keeps the lease; others leave. */
static void renews_its_lease(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {.until_ms = IO_FOREVER}, other = {0};

    two_follow(r, 0);
    (void)deliver_rig_say(r, 1, 1);
    r->answer = never;
    deliver_rig_start(r, &d);
    deliver_rig_sleep(r, 25000);
    assert_non_null(d.done);
    assert_int_equal(deliver_rig_run(r, &other), DELIVER_TAKEN);
    r->answer = NULL;
    assert_int_equal(deliver_rig_wait(r, &d), DELIVER_OK);
    assert_true(d.ret_counts.throttled > 2 && d.ret_counts.sent == 2 && d.ret_counts.gaps == 0);
}

/* What came while the lease was ours, others have left to us. */
static void looks_again_behind_giving_back(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};

    two_follow(r, 0);
    (void)deliver_rig_say(r, 1, 1);
    r->gate.closed[STORE_PUT] = true;
    deliver_rig_start(r, &d);
    for (unsigned puts = 0; puts < 2; puts++) { /* taking, giving */
        while (r->gate.held_n == 0)
            deliver_rig_turn(r);
        if (puts == 1)
            (void)deliver_rig_say(r, 1, 1);
        store_gate_let(&r->gate, 0);
    }
    store_gate_open(&r->gate);
    assert_int_equal(deliver_rig_wait(r, &d), DELIVER_OK);
    assert_non_null(strstr(r->sent, "ana==2"));
    assert_non_null(strstr(r->sent, "ben==2"));
    assert_string_equal(shard_row(r, 0), "1 2 2 0 2 1 0 0");
}

static void a_stolen_lease_is_the_thiefs(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};

    two_follow(r, 0);
    (void)deliver_rig_say(r, 1, 1);
    r->gate.closed[STORE_LIST] = true;
    deliver_rig_start(r, &d);
    while (r->gate.held_n == 0)
        deliver_rig_turn(r);
    set_shard_row(r, 0, "1 1 0 0 2 1 99 99999999999999");
    store_gate_open(&r->gate);
    assert_int_equal(deliver_rig_wait(r, &d), DELIVER_TAKEN); /* and is sent again */
    assert_string_equal(r->sent, "ana==1 ben==1");
    assert_string_equal(shard_row(r, 0), "1 1 0 0 2 1 99 99999999999999");
}

/* Who has seen by a renewal that it is stolen must not give back the thief's. */
static void a_stolen_lease_is_not_given_back(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};

    two_follow(r, 0);
    (void)deliver_rig_say(r, 1, 1);
    r->gate.closed[STORE_LIST] = true;
    deliver_rig_start(r, &d);
    while (r->gate.held_n == 0)
        deliver_rig_turn(r);
    set_shard_row(r, 0, "1 1 0 0 2 1 99 99999999999999");
    deliver_rig_sleep(r, 5000);
    store_gate_open(&r->gate);
    assert_int_equal(deliver_rig_wait(r, &d), DELIVER_TAKEN);
    assert_string_equal(shard_row(r, 0), "1 1 0 0 2 1 99 99999999999999");
}

/* Writes whose end nobody knows. */
static void writes_that_fail_are_looked_up(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};

    two_follow(r, 0);
    (void)deliver_rig_say(r, 1, 1);
    for (unsigned i = 0; i < 2; i++) {
        r->gate.closed[STORE_PUT] = true;
        if (i == 0)
            deliver_rig_start(r, &d);
        while (r->gate.held_n == 0)
            deliver_rig_turn(r);
        store_gate_fail(&r->gate, 0, STORE_FAILED);
        memset(r->gate.closed, 0, sizeof(r->gate.closed));
        deliver_rig_sleep(r, i == 0 ? 0 : 500);
    }
    assert_int_equal(deliver_rig_wait(r, &d), DELIVER_OK);
    assert_string_equal(r->sent, "ana==1 ben==1");
    assert_string_equal(shard_row(r, 0), "1 1 1 0 2 1 0 0");
    (void)deliver_rig_say(r, 1, 1);
    r->gate.closed[STORE_LIST] = true;
    deliver_rig_start(r, &d);
    for (unsigned i = 0; i < 5; i++) {
        while (r->gate.held_n == 0)
            deliver_rig_turn(r);
        store_gate_fail(&r->gate, 0, STORE_FAILED);
    }
    assert_int_equal(deliver_rig_wait(r, &d), DELIVER_FAILED);
    store_gate_open(&r->gate);
}

/* Answers of @connections. */

static unsigned gone(struct deliver_rig *r, struct str id, struct str body, unsigned n)
{
    (void)r;
    (void)body;
    (void)n;
    return str_eq(id, STR("ben=")) ? 410 : 200;
}

static void gone_connections_are_forgotten(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};

    two_follow(r, 0);
    (void)deliver_rig_say(r, 2, 1);
    r->answer = gone;
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_string_equal(r->sent, "ana==1,2");
    assert_true(follows(r, "ana=", 0) && connected(r, "ana="));
    assert_false(follows(r, "ben=", 0) || connected(r, "ben="));
    assert_int_equal(d.ret_counts.gone, 1);
}

/* A 410 that is about an earlier time. */
static void who_has_joined_again_stays(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};

    two_follow(r, 0);
    (void)deliver_rig_say(r, 1, 1);
    r->answer = gone;
    r->gate.closed[STORE_PUT] = true;
    deliver_rig_start(r, &d);
    for (unsigned puts = 0; puts < 2; puts++) {
        while (r->gate.held_n == 0)
            deliver_rig_turn(r);
        if (puts == 1) { /* removing the row */
            memset(r->gate.closed, 0, sizeof(r->gate.closed));
            assert_string_equal(deliver_rig_join(r, "ben=", 0, 1, NULL), "1");
        }
        store_gate_let(&r->gate, 0);
    }
    assert_int_equal(deliver_rig_wait(r, &d), DELIVER_OK);
    assert_true(follows(r, "ben=", 0) && connected(r, "ben="));
}

static unsigned throttled(struct deliver_rig *r, struct str id, struct str body, unsigned n)
{
    (void)r;
    (void)id;
    (void)body;
    return n < 6 ? 429 : 200;
}

static void throttling_is_waited_for(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};

    two_follow(r, 0);
    (void)deliver_rig_say(r, 2, 1);
    r->answer = throttled;
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_true(d.ret_counts.throttled == 6 && d.ret_counts.sent == 4);
    assert_true(follows(r, "ana=", 0) && follows(r, "ben=", 0));
}

static unsigned short_frames(struct deliver_rig *r, struct str id, struct str body, unsigned n)
{
    (void)r;
    (void)id;
    (void)n;
    return body.n > 500 ? 413 : 200;
}

static void too_long_frames_are_split(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};

    two_follow(r, 0);
    (void)deliver_rig_say(r, 4, 100);
    (void)deliver_rig_say(r, 1, 1000);
    (void)deliver_rig_say(r, 1, 100);
    r->answer = short_frames;
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_null(strstr(r->sent, "5"));
    assert_non_null(strstr(r->sent, "ben==6"));
    assert_true(d.ret_counts.too_big == 2 && d.ret_counts.split > 0);
    assert_int_equal(d.ret_counts.sent, 10);
}

static unsigned forbidden(struct deliver_rig *r, struct str id, struct str body, unsigned n)
{
    (void)r;
    (void)id;
    (void)body;
    (void)n;
    return 403;
}

static void forbidden_ends_it_and_moves_nothing(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};

    two_follow(r, 0);
    (void)deliver_rig_say(r, 1, 1);
    r->answer = forbidden;
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_FORBIDDEN);
    assert_string_equal(shard_row(r, 0), "1 1 0 0 2 1 0 0");
    assert_true(follows(r, "ana=", 0) && follows(r, "ben=", 0));
}

static unsigned silent(struct deliver_rig *r, struct str id, struct str body, unsigned n)
{
    (void)r;
    (void)body;
    (void)n;
    return str_eq(id, STR("ben=")) ? 0 : 200;
}

static void no_answer_is_a_gap_in_the_end(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};

    two_follow(r, 0);
    (void)deliver_rig_say(r, 1, 1);
    r->answer = silent;
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_string_equal(r->sent, "ana==1");
    assert_true(d.ret_counts.unanswered == FAN_TRIES_MAX && d.ret_counts.gaps == 1);
    assert_string_equal(shard_row(r, 0), "1 1 1 0 2 1 0 0");
    assert_true(follows(r, "ben=", 0));
}

static void ends_in_time_and_says_that_there_is_more(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {.until_ms = io_now_ms(r->io) + 2000};

    two_follow(r, 0);
    (void)deliver_rig_say(r, 1, 1);
    r->answer = never;
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_MORE);
    assert_true(io_now_ms(r->io) <= d.until_ms);
    assert_string_equal(shard_row(r, 0), "1 1 0 0 2 1 0 0");
    r->answer = NULL;
    d.until_ms = 0;
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_string_equal(r->sent, "ana==1 ben==1");
}

/* Access. */

static void who_may_read_no_more_is_sent_no_more(void **state)
{
    struct deliver_rig *r = *state;
    const struct entry e = {.kind = ENTRY_ROOM,
                            .from_id = 1,
                            .from_name = STR("ana"),
                            .title = STR("Cellar"),
                            .room_kind = STR("private")};
    struct deliver d = {0};

    r->room = "cellar";
    (void)deliver_rig_append(r, &e);
    (void)deliver_rig_member(r, 2, "member");
    two_follow(r, 2);
    (void)deliver_rig_say(r, 1, 1);
    (void)deliver_rig_member(r, 2, "none");
    (void)deliver_rig_say(r, 2, 1);
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_string_equal(r->sent, "ana==3,4,5,6 ben==3 ben==4");
    assert_false(follows(r, "ben=", 0));
    assert_true(connected(r, "ben="));
    assert_string_equal(shard_row(r, 0), "1 6 6 4 2 1 0 0");
    /* Taken back, and joined again: what was before does not count. */
    (void)deliver_rig_member(r, 2, "member");
    (void)deliver_rig_join(r, "ben=", 4, 7, NULL);
    set_shard_row(r, 0, "1 2 2 0 2 1 0 0"); /* as if it had crashed */
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_true(follows(r, "ben=", 0));
}

/* Ben's access ends while his row is being put: the delivery that sent that entry on did not know
 * of him. Found by the simulator. */
static void a_row_put_meanwhile_is_found(void **state)
{
    struct deliver_rig *r = *state;
    const struct entry e = {.kind = ENTRY_ROOM, .from_id = 1, .room_kind = STR("private")};
    struct deliver d = {0};
    struct join j = {0};

    r->room = "cellar";
    (void)deliver_rig_append(r, &e);
    (void)deliver_rig_member(r, 1, "owner");
    (void)deliver_rig_member(r, 2, "member");
    deliver_rig_connect(r, "ana=", 1, ROWS_ARRAYS);
    deliver_rig_connect(r, "ben=", 2, ROWS_ARRAYS);
    (void)deliver_rig_join(r, "ana=", 3, 3, NULL);
    (void)deliver_rig_member(r, 2, "none");
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    (void)deliver_rig_join(r, "ben=", 3, 3, &j);
    assert_true(j.ret_doubt);
    (void)deliver_rig_say(r, 2, 1);
    memset(r->gate.seen, 0, sizeof(r->gate.seen));
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_string_equal(r->sent, "ana==5,6");
    assert_false(follows(r, "ben=", 0));
    assert_true(follows(r, "ana=", 0));
    assert_int_equal(r->gate.seen[STORE_GET], 3); /* both kinds of record are missing here */
    /* Once those who follow have come back, access costs nothing any more. */
    (void)deliver_rig_join(r, "ana=", 6, 6, NULL);
    (void)deliver_rig_say(r, 1, 1);
    memset(r->gate.seen, 0, sizeof(r->gate.seen));
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_string_equal(r->sent, "ana==7");
    assert_int_equal(r->gate.seen[STORE_GET], 1);
}

/* Joining, leaving. */

static void joining_answers_with_the_log(void **state)
{
    struct deliver_rig *r = *state;
    struct join j = {0};

    (void)deliver_rig_say(r, 5, 1);
    assert_string_equal(deliver_rig_join(r, "ana=", 3, 5, &j), "");
    assert_int_equal(j.ret_result, JOIN_UNKNOWN);
    deliver_rig_connect(r, "ana=", 1, ROWS_ARRAYS);
    assert_string_equal(deliver_rig_join(r, "ana=", 3, 4, &j), "4 5");
    assert_true(j.ret_result == JOIN_OK && j.ret_head == 5 && j.ret_epoch == 77);
    assert_false(j.ret_reset || j.ret_behind || j.ret_doubt);
    j.epoch = 78;
    assert_string_equal(deliver_rig_join(r, "ana=", 3, 5, &j), "");
    assert_true(j.ret_reset && j.ret_head == 5);
    j.epoch = 77;
    assert_string_equal(deliver_rig_join(r, "ana=", 6, 5, &j), "");
    assert_true(j.ret_reset);
    (void)deliver_rig_say(r, JOIN_ENTRIES_MAX, 1);
    assert_string_equal(deliver_rig_join(r, "ana=", 4, 5, &j), "");
    assert_true(j.ret_behind && j.ret_doubt && !j.ret_reset);
    (void)deliver_rig_member(r, 1, "banned");
    (void)deliver_rig_join(r, "ana=", 1005, 1005, &j);
    assert_true(j.ret_doubt);
    (void)deliver_rig_join(r, "ana=", 1005, 1006, &j);
    assert_false(j.ret_doubt);
}

static void a_full_shard_has_a_sequel(void **state)
{
    struct deliver_rig *r = *state;
    struct deliver d = {0};
    char id[16];

    (void)deliver_rig_say(r, 2, 1);
    deliver_rig_connect(r, "ana=", 1, ROWS_ARRAYS);
    (void)deliver_rig_join(r, "ana=", 2, 2, NULL);
    set_shard_row(r, 0, "1 2 2 0 1000 1 0 0");
    (void)deliver_rig_say(r, 1, 1);
    deliver_rig_connect(r, "ben=", 2, 0);
    (void)deliver_rig_join(r, "ben=", 3, 3, NULL);
    assert_string_equal(shard_row(r, 1), "1 3 3 3 0 0 0 0");
    assert_string_equal(shard_row(r, 0), "1 2 2 0 1000 2 0 0");
    assert_true(follows(r, "ben=", 1) && !follows(r, "ben=", 0));
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_string_equal(r->sent, "ana==3");
    assert_int_equal(d.ret_shards, 2);
    d.shard = 1;
    (void)deliver_rig_say(r, 1, 1);
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_string_equal(r->sent, "ben==4");
    /* Who comes back stays; others fill what has room. */
    set_shard_row(r, 0, "1 4 4 0 1 2 0 0");
    (void)deliver_rig_join(r, "ben=", 4, 4, NULL);
    assert_true(follows(r, "ben=", 1) && !follows(r, "ben=", 0));
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(id, sizeof(id), "c%u=", i);
        deliver_rig_connect(r, id, i + 10, 0);
        (void)deliver_rig_join(r, id, 4, 4, NULL);
    }
    d.shard = 0;
    (void)deliver_rig_say(r, 1, 1);
    assert_int_equal(deliver_rig_run(r, &d), DELIVER_OK);
    assert_in_range(d.ret_counts.sent, 2, 20);
}

static void left(struct leave *l)
{
    l->done = NULL;
}

static void leave(struct deliver_rig *r, struct str room)
{
    struct leave l = {
        .store = r->mem, .home = r->io, .id = STR("ana="), .room = room, .done = left};

    leave_start(&l);
    assert_non_null(l.done);
    while (l.done != NULL)
        deliver_rig_turn(r);
    assert_int_equal(l.ret_result, STORE_OK);
}

static void leaving_takes_the_rows_away(void **state)
{
    struct deliver_rig *r = *state;
    const char *const rooms[] = {"general", "cellar", "attic"};
    bool followed[3];

    deliver_rig_connect(r, "ana=", 1, ROWS_ARRAYS);
    for (unsigned round = 0; round < 4; round++) {
        if (round > 0)
            leave(r, round == 1 ? STR("cellar") : (struct str){0}); /* the last is nobody's */
        for (unsigned i = 0; i < 3; i++) {
            r->room = rooms[i];
            if (round == 0)
                (void)deliver_rig_join(r, "ana=", 0, 0, NULL);
            followed[i] = follows(r, "ana=", 0);
        }
        assert_true(followed[0] == (round < 2) && followed[2] == (round < 2));
        assert_true(followed[1] == (round == 0));
        assert_true(connected(r, "ana=") == (round < 2));
    }
}

/* What an earlier join had to take back, a later one has put again. */
static void leaving_spares_a_later_join(void **state)
{
    struct deliver_rig *r = *state;
    struct join first = {0}, second = {0};
    struct leave l = {
        .store = r->mem, .home = r->io, .id = STR("ana="), .room = STR(DELIVER_RIG_ROOM)};

    deliver_rig_connect(r, "ana=", 1, ROWS_ARRAYS);
    (void)deliver_rig_join(r, "ana=", 0, 0, &first);
    (void)deliver_rig_join(r, "ana=", 0, 0, &second);
    for (unsigned i = 0; i < 2; i++) {
        l.only_rev = i == 0 ? first.ret_rev : second.ret_rev;
        l.done = left;
        leave_start(&l);
        while (l.done != NULL)
            deliver_rig_turn(r);
        assert_int_equal(l.ret_result, STORE_OK);
        assert_true(follows(r, "ana=", 0) == (i == 0));
        assert_true(connected(r, "ana="));
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, deliver_rig_setup, deliver_rig_teardown)

CHECK_MAIN(CASE(sends_what_is_new_in_order), CASE(costs_no_more_than_it_must),
           CASE(frames_are_bounded), CASE(many_are_sent_to_at_once),
           CASE(far_behind_only_the_newest_are_sent), CASE(leaves_a_lease_that_is_anothers),
           CASE(renews_its_lease), CASE(looks_again_behind_giving_back),
           CASE(a_stolen_lease_is_the_thiefs), CASE(a_stolen_lease_is_not_given_back),
           CASE(writes_that_fail_are_looked_up), CASE(gone_connections_are_forgotten),
           CASE(who_has_joined_again_stays), CASE(throttling_is_waited_for),
           CASE(too_long_frames_are_split), CASE(forbidden_ends_it_and_moves_nothing),
           CASE(no_answer_is_a_gap_in_the_end), CASE(ends_in_time_and_says_that_there_is_more),
           CASE(who_may_read_no_more_is_sent_no_more), CASE(a_row_put_meanwhile_is_found),
           CASE(joining_answers_with_the_log), CASE(a_full_shard_has_a_sequel),
           CASE(leaving_takes_the_rows_away), CASE(leaving_spares_a_later_join))
