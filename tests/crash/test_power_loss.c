/* Power fails at a random operation of the disk, again and again: what was
 * acknowledged is there, once and whole; what was not is there whole or not at
 * all. */
#include "base/rng.h"
#include "base/str.h"
#include "lib/store_rig.h"

#include <stdio.h>

#define SEEDS 60
#define CUTS 12
#define ROOMS 6
#define OPS_MAX 400
#define SEQ_MAX 20000
#define BATCH_MAX 40
#define TEXT_MAX 64

/* What the log of a room must be. */
struct room {
    struct story *story;
    char name[16];
    uint64_t head;                     /* acknowledged */
    uint32_t amended_by[SEQ_MAX + 1];  /* seq of the last amending entry; 0: none */
    uint32_t redacted_by[SEQ_MAX + 1]; /* likewise */
    uint64_t value, given;             /* of its record and its counter, acknowledged */

    struct store_append append;
    struct store_put put;
    struct store_next next;
    struct store_amend amend;
    struct str entries[BATCH_MAX];
    char texts[BATCH_MAX][TEXT_MAX], state[TEXT_MAX], body[TEXT_MAX], gone[TEXT_MAX];
};

struct story {
    struct store_rig *r;
    struct rng rng;
    struct room rooms[ROOMS];
    uint64_t acked;
};

static void entry_text(const struct room *m, uint64_t seq, char ret_text[static TEXT_MAX])
{
    if (m->redacted_by[seq] != 0)
        (void)snprintf(ret_text, TEXT_MAX, "gone/%u", m->redacted_by[seq]);
    else
        (void)snprintf(ret_text, TEXT_MAX, "%s/%u/%0*d", m->name, (unsigned)seq,
                       (int)(seq * 7 % 40), 0);
}

static void take_append(struct room *m)
{
    m->head += m->append.entries_n;
    if (m->append.amends_n == 0)
        return;
    m->amended_by[m->amend.target] = (uint32_t)m->head;
    if (m->amend.redacted.p != NULL)
        m->redacted_by[m->amend.target] = (uint32_t)m->head;
}

static void append_done(struct store_req *req)
{
    struct room *m = CONTAINER_OF(req, struct room, append.req);

    req->done = NULL;
    if (vfs_lossy_is_cut(m->story->r->vfs))
        return;
    assert_int_equal(req->result, STORE_OK);
    take_append(m);
    assert_int_equal(m->append.ret_head, m->head);
    m->append.entries_n = 0;
    m->story->acked++;
}

static void append(struct room *m)
{
    struct story *t = m->story;
    unsigned n = rng_chance(&t->rng, 700) ? 1 : 1 + (unsigned)rng_below(&t->rng, BATCH_MAX);

    if (m->head + n > SEQ_MAX)
        return;
    for (unsigned i = 0; i < n; i++) {
        entry_text(m, m->head + 1 + i, m->texts[i]);
        m->entries[i] = str_of(m->texts[i]);
    }
    m->append = (struct store_append){
        .req = {.home = t->r->io, .done = append_done},
        .room = str_of(m->name),
        .epoch = 5,
        .head = m->head,
        .entries = m->entries,
        .entries_n = n,
        .amends = &m->amend,
    };
    if (m->head > 0 && rng_chance(&t->rng, 300)) {
        (void)snprintf(m->state, sizeof(m->state), "by/%u", (unsigned)(m->head + n));
        (void)snprintf(m->gone, sizeof(m->gone), "gone/%u", (unsigned)(m->head + n));
        m->amend = (struct store_amend){1 + rng_below(&t->rng, m->head), str_of(m->state), {0}};
        if (rng_chance(&t->rng, 500))
            m->amend.redacted = str_of(m->gone);
        m->append.amends_n = 1;
    }
    store_append(t->r->store, &m->append);
}

static void put_done(struct store_req *req)
{
    struct room *m = CONTAINER_OF(req, struct room, put.req);

    req->done = NULL;
    if (vfs_lossy_is_cut(m->story->r->vfs))
        return;
    assert_int_equal(req->result, STORE_OK);
    m->value++;
    m->story->acked++;
}

static void put(struct room *m)
{
    (void)snprintf(m->body, sizeof(m->body), "%u", (unsigned)m->value + 1);
    m->put = (struct store_put){
        .req = {.home = m->story->r->io, .done = put_done},
        .pk = STR("p"),
        .sk = str_of(m->name),
        .body = str_of(m->body),
        .expect = STORE_REV_ANY,
    };
    store_put(m->story->r->store, &m->put);
}

static void next_done(struct store_req *req)
{
    struct room *m = CONTAINER_OF(req, struct room, next.req);

    req->done = NULL;
    if (vfs_lossy_is_cut(m->story->r->vfs))
        return;
    assert_int_equal(req->result, STORE_OK);
    assert_true(m->next.ret_first > m->given);
    m->given = m->next.ret_first;
}

static void next(struct room *m)
{
    m->next = (struct store_next){
        .req = {.home = m->story->r->io, .done = next_done},
        .counter = str_of(m->name),
        .n = 1,
    };
    store_next(m->story->r->store, &m->next);
}

static void submit_some(struct story *t)
{
    for (unsigned i = 0; i < ROOMS; i++) {
        struct room *m = &t->rooms[i];

        if (m->append.req.done == NULL && rng_chance(&t->rng, 300))
            append(m);
        if (m->put.req.done == NULL && rng_chance(&t->rng, 50))
            put(m);
        if (m->next.req.done == NULL && rng_chance(&t->rng, 20))
            next(m);
    }
}

static void check_entries(struct room *m, uint64_t n)
{
    uint64_t seq = 1;

    while (seq <= n) {
        struct store_read req = {
            .req = store_rig_req(m->story->r),
            .room = str_of(m->name),
            .from = seq,
            .count_max = 1000,
            .bytes_max = 100000,
        };
        struct store_item item;
        size_t at = 0;

        store_read(m->story->r->store, &req);
        assert_int_equal(store_rig_wait(m->story->r, &req.req), STORE_OK);
        assert_true(req.ret_n > 0);
        for (; store_block_next(req.ret_block, &at, &item); seq++) {
            char text[TEXT_MAX];

            entry_text(m, seq, text);
            assert_int_equal(item.key, seq);
            if (!str_eq(item.body, str_of(text)))
                fail_msg("%s has %.*s in the place of %s", m->name, STR_ARGS(item.body), text);
        }
        frame_unref(req.ret_block);
    }
    assert_string_equal(store_rig_read(m->story->r, str_of(m->name), n + 1, 9, 99), "");
}

static void check_amends(struct room *m)
{
    struct store_amends req = {.req = store_rig_req(m->story->r), .room = str_of(m->name)};
    struct store_item item;
    uint64_t target = 0;
    size_t at = 0;

    req.to = SEQ_MAX;
    store_amends(m->story->r->store, &req);
    assert_int_equal(store_rig_wait(m->story->r, &req.req), STORE_OK);
    for (; store_block_next(req.ret_block, &at, &item); target = item.key) {
        char text[TEXT_MAX];

        for (uint64_t i = target + 1; i < item.key; i++)
            assert_int_equal(m->amended_by[i], 0);
        (void)snprintf(text, sizeof(text), "by/%u", m->amended_by[item.key]);
        assert_true(str_eq(item.body, str_of(text)));
    }
    for (uint64_t i = target + 1; i <= m->head; i++)
        assert_int_equal(m->amended_by[i], 0);
    frame_unref(req.ret_block);
}

/* After the power came back: either of the two states that each request in
 * flight allows, which is then the one to go on from. */
static void check_room(struct room *m)
{
    struct store_rig *r = m->story->r;
    uint64_t head = store_rig_head(r, str_of(m->name)), value;

    if (head != m->head) {
        assert_int_equal(head, m->head + m->append.entries_n);
        take_append(m);
    }
    m->append.entries_n = 0;
    check_entries(m, m->head);
    check_amends(m);
    value = strtoull(store_rig_get(r, str_of(m->name), NULL), NULL, 10);
    assert_true(value == m->value || value == m->value + 1);
    m->value = value;
}

static void lose_power(struct story *t)
{
    struct store_rig *r = t->r;

    vfs_lossy_cut_after(r->vfs, 1 + rng_below(&t->rng, OPS_MAX));
    while (!vfs_lossy_is_cut(r->vfs)) {
        submit_some(t);
        if (rng_chance(&t->rng, 5))
            store_rig_sleep(r, rng_below(&t->rng, 150));
        else if (!sim_step(r->sim))
            submit_some(t);
    }
    store_rig_close(r);
    for (unsigned i = 0; i < ROOMS; i++) {
        struct room *m = &t->rooms[i];

        while (m->append.req.done != NULL || m->put.req.done != NULL || m->next.req.done != NULL)
            store_rig_turn(r);
    }
    vfs_lossy_restore(r->vfs);
    store_rig_open(r);
}

static void run_story(uint64_t seed)
{
    struct story *t = calloc(1, sizeof(*t));
    void *state;

    assert_non_null(t);
    assert_int_equal(store_rig_sqlite_lossy(&state), 0);
    t->r = state;
    rng_init(&t->rng, seed);
    for (unsigned i = 0; i < ROOMS; i++) {
        t->rooms[i].story = t;
        (void)snprintf(t->rooms[i].name, sizeof(t->rooms[i].name), "room%u", i);
    }
    for (unsigned cut = 0; cut < CUTS; cut++) {
        lose_power(t);
        for (unsigned i = 0; i < ROOMS; i++)
            check_room(&t->rooms[i]);
    }
    assert_true(t->acked > 0);
    assert_int_equal(store_rig_teardown(&state), 0);
    free(t);
}

static void what_was_acknowledged_survives(void **state)
{
    (void)state;
    CHECK_EACH_SEED (seed, SEEDS) {
        char text[32];

        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)seed);
        (void)setenv("SEED", text, 1);
        run_story(seed);
    }
}

CHECK_MAIN(cmocka_unit_test(what_was_acknowledged_survives))
