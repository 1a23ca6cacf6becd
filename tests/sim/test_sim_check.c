/* The checker sees what is wrong: histories that must not be, and one that may. */
#include "base/str.h"
#include "lib/check.h"
#include "lib/sim_check.h"

#include <string.h>

#define ROOM STR("cellar")
enum { OWNER = 1, ANA = 2, BEN = 3 };

struct stage {
    struct sim_check *check;
    struct sim_log *log;
    struct sim_follow ana, ben;
    struct entry log_is[16]; /* by seq */
    uint64_t n;
};

static int begin(void **state)
{
    struct stage *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    s->check = sim_check_new();
    s->log = sim_check_log(s->check, ROOM);
    s->ana = (struct sim_follow){.log = s->log, .user = ANA};
    s->ben = (struct sim_follow){.log = s->log, .user = BEN};
    sim_check_kind(s->log, STR("private"));
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct stage *s = *state;

    sim_check_free(s->check);
    free(s);
    return 0;
}

/* The next entry of the log as it is. */
static uint64_t put(struct stage *s, struct entry e)
{
    uint64_t before = s->n > 0 ? s->log_is[s->n].count : 0;

    e.count = before + (e.kind == ENTRY_MESSAGE);
    e.ts_ms = 1000 + s->n;
    s->log_is[++s->n] = e;
    return s->n;
}

static uint64_t message(struct stage *s, uint64_t from, const char *cid)
{
    return put(
        s, (struct entry){
               .kind = ENTRY_MESSAGE, .from_id = from, .cid = str_of(cid), .text = STR("hello")});
}

static uint64_t member(struct stage *s, uint64_t user, const char *role)
{
    return put(s,
               (struct entry){
                   .kind = ENTRY_MEMBER, .from_id = OWNER, .user_id = user, .role = str_of(role)});
}

/* A private room with ana and ben. */
static void furnish(struct stage *s)
{
    put(s, (struct entry){.kind = ENTRY_ROOM, .from_id = OWNER, .room_kind = STR("private")});
    member(s, ANA, "member");
    member(s, BEN, "member");
    sim_check_joined(s->check, &s->ana, 77, 0);
    s->ben.cursor = 3;
    sim_check_joined(s->check, &s->ben, 77, 3);
    s->ana.head = 3;
}

static void show(struct stage *s, struct sim_follow *f, uint64_t seq)
{
    sim_check_shown(s->check, f, seq, &s->log_is[seq]);
}

static void ack(struct stage *s, uint64_t seq)
{
    const struct entry *e = &s->log_is[seq];

    sim_check_acked(s->check, &(struct sim_ack){.log = s->log,
                                                .user = e->from_id,
                                                .seq = seq,
                                                .kind = e->kind,
                                                .target = e->target,
                                                .cid = e->cid,
                                                .text = e->text});
}

/* The disk has the log's first n entries. */
static void audit(struct stage *s, uint64_t n)
{
    sim_check_disk_begin(s->check, s->log, 77, n);
    for (uint64_t seq = 1; seq <= n; seq++)
        sim_check_disk_entry(s->check, s->log, seq, &s->log_is[seq]);
    sim_check_disk_end(s->check, s->log);
}

static void expect(const struct stage *s, const char *what)
{
    const char *is = sim_check_violation(s->check);

    if (what == NULL && is == NULL)
        return;
    if (what == NULL || is == NULL || strncmp(is, what, strlen(what)) != 0)
        fail_msg("%s, not %s", is == NULL ? "nothing" : is, what == NULL ? "nothing" : what);
}

static void good_history(void **state)
{
    struct stage *s = *state;

    furnish(s);
    for (uint64_t seq = 1; seq <= 3; seq++)
        show(s, &s->ana, seq);
    message(s, ANA, "a");
    ack(s, 4);
    ack(s, 4);
    show(s, &s->ana, 4);
    put(s, (struct entry){.kind = ENTRY_DELETE, .from_id = ANA, .target = 4});
    member(s, BEN, "none");
    sim_check_state(s->check, s->log, 4, 4, STR("hello"));
    sim_check_state(s->check, s->log, 4, 5, STR(""));
    sim_check_behind(s->check, &s->ana, 4, 6);
    sim_check_page(s->check, s->log, ANA, 6, 6);
    sim_check_page(s->check, s->log, BEN, 4, 6);
    s->log_is[4].text = STR("");
    show(s, &s->ben, 4);
    show(s, &s->ben, 5);
    show(s, &s->ben, 6);
    audit(s, 6);
    expect(s, NULL);
}

static void repeat(void **state)
{
    struct stage *s = *state;

    furnish(s);
    message(s, ANA, "a");
    show(s, &s->ben, 4);
    show(s, &s->ben, 4);
    expect(s, "I1");
}

static void gap(void **state)
{
    struct stage *s = *state;

    furnish(s);
    message(s, ANA, "a");
    message(s, ANA, "b");
    show(s, &s->ben, 5);
    expect(s, "I1");
}

static void not_followed(void **state)
{
    struct stage *s = *state;

    furnish(s);
    sim_check_left(&s->ben);
    message(s, ANA, "a");
    show(s, &s->ben, 4);
    expect(s, "I1");
}

static void false_behind(void **state)
{
    struct stage *s = *state;

    furnish(s);
    sim_check_behind(s->check, &s->ben, 2, 9);
    expect(s, "I1");
}

static void two_truths(void **state)
{
    struct stage *s = *state;

    furnish(s);
    message(s, ANA, "a");
    sim_check_left(&s->ana);
    s->ana.cursor = 3;
    sim_check_joined(s->check, &s->ana, 77, 3);
    show(s, &s->ana, 4);
    s->log_is[4].text = STR("hullo");
    show(s, &s->ben, 4);
    expect(s, "I1");
}

static void wrong_count(void **state)
{
    struct stage *s = *state;

    furnish(s);
    message(s, ANA, "a");
    message(s, ANA, "b");
    s->log_is[5].count = 1;
    show(s, &s->ben, 4);
    show(s, &s->ben, 5);
    expect(s, "I1");
}

static void other_epoch(void **state)
{
    struct stage *s = *state;

    furnish(s);
    sim_check_joined(s->check, &s->ben, 78, 3);
    expect(s, "I1");
}

static void needless_reset(void **state)
{
    struct stage *s = *state;

    furnish(s);
    sim_check_reset(s->check, &s->ben);
    expect(s, "I1");
}

static void false_state(void **state)
{
    struct stage *s = *state;

    furnish(s);
    message(s, ANA, "a");
    put(s,
        (struct entry){.kind = ENTRY_EDIT, .from_id = ANA, .target = 4, .text = STR("hello you")});
    sim_check_state(s->check, s->log, 4, 5, STR("hello"));
    audit(s, 5);
    expect(s, "I1");
}

static void ack_is_lost(void **state)
{
    struct stage *s = *state;

    furnish(s);
    message(s, ANA, "a");
    ack(s, 4);
    audit(s, 3);
    expect(s, "I2");
}

static void shown_is_lost(void **state)
{
    struct stage *s = *state;

    furnish(s);
    message(s, ANA, "a");
    show(s, &s->ben, 4);
    audit(s, 3);
    expect(s, "I2");
}

static void ack_of_another(void **state)
{
    struct stage *s = *state;

    furnish(s);
    message(s, ANA, "a");
    ack(s, 4);
    s->log_is[4].from_id = BEN;
    audit(s, 4);
    expect(s, "I2");
}

static void blank_without_reason(void **state)
{
    struct stage *s = *state;

    furnish(s);
    message(s, ANA, "a");
    show(s, &s->ben, 4);
    s->log_is[4].text = STR("");
    audit(s, 4);
    expect(s, "I2");
}

static void appended_twice(void **state)
{
    struct stage *s = *state;

    furnish(s);
    message(s, ANA, "a");
    message(s, BEN, "a");
    message(s, ANA, "a");
    audit(s, 6);
    expect(s, "I3");
}

static void two_answers(void **state)
{
    struct stage *s = *state;

    furnish(s);
    message(s, ANA, "a");
    message(s, ANA, "a");
    ack(s, 4);
    ack(s, 5);
    expect(s, "I3");
}

static void refused_but_there(void **state)
{
    struct stage *s = *state;

    furnish(s);
    message(s, ANA, "a");
    sim_check_refused(s->check, s->log, ANA, STR("a"));
    audit(s, 4);
    expect(s, "I3");
}

static void shown_after_removal(void **state)
{
    struct stage *s = *state;

    furnish(s);
    member(s, BEN, "none");
    message(s, ANA, "a");
    show(s, &s->ben, 4);
    expect(s, NULL);
    show(s, &s->ben, 5);
    expect(s, "I4");
}

static void joined_after_removal(void **state)
{
    struct stage *s = *state;

    furnish(s);
    member(s, BEN, "banned");
    s->ben.cursor = 4;
    sim_check_joined(s->check, &s->ben, 77, 4);
    audit(s, 4);
    expect(s, "I4");
}

static void page_after_removal(void **state)
{
    struct stage *s = *state;

    furnish(s);
    member(s, BEN, "none");
    message(s, ANA, "a");
    sim_check_page(s->check, s->log, BEN, 5, 5);
    audit(s, 5);
    expect(s, "I4");
}

static void deleted_but_shown(void **state)
{
    struct stage *s = *state;

    furnish(s);
    message(s, ANA, "a");
    put(s, (struct entry){.kind = ENTRY_DELETE, .from_id = ANA, .target = 4});
    show(s, &s->ben, 4);
    show(s, &s->ben, 5);
    expect(s, NULL);
    s->ana.cursor = 3;
    sim_check_joined(s->check, &s->ana, 77, 5);
    show(s, &s->ana, 4);
    expect(s, "I4");
}

static void written_after_removal(void **state)
{
    struct stage *s = *state;

    furnish(s);
    member(s, BEN, "none");
    message(s, BEN, "b");
    audit(s, 5);
    expect(s, "I4");
}

static void written_while_muted(void **state)
{
    struct stage *s = *state;

    furnish(s);
    member(s, BEN, "muted");
    message(s, BEN, "b");
    audit(s, 5);
    expect(s, "I4");
}

static void changed_by_another(void **state)
{
    struct stage *s = *state;

    furnish(s);
    message(s, ANA, "a");
    put(s, (struct entry){.kind = ENTRY_DELETE, .from_id = BEN, .target = 4});
    audit(s, 5);
    expect(s, "I4");
}

static void ahead_of_its_time(void **state)
{
    struct stage *s = *state;

    sim_check_now(s->check, 1000);
    furnish(s);
    s->log_is[message(s, ANA, "a")].ts_ms = 3601000;
    audit(s, 5);
    expect(s, "I1");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

CHECK_MAIN(CASE(good_history), CASE(repeat), CASE(gap), CASE(not_followed), CASE(false_behind),
           CASE(two_truths), CASE(wrong_count), CASE(other_epoch), CASE(needless_reset),
           CASE(false_state), CASE(ack_is_lost), CASE(shown_is_lost), CASE(ack_of_another),
           CASE(blank_without_reason), CASE(appended_twice), CASE(two_answers),
           CASE(refused_but_there), CASE(shown_after_removal), CASE(joined_after_removal),
           CASE(page_after_removal), CASE(deleted_but_shown), CASE(written_after_removal),
           CASE(written_while_muted), CASE(changed_by_another), CASE(ahead_of_its_time))
