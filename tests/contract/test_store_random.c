/* Random requests to an engine and to the model, store_mem: the same answers,
 * also after reopening, with several requests in flight at once. */
#include "base/rng.h"
#include "base/str.h"
#include "lib/store_rig.h"

#include <stdio.h>
#include <string.h>

#define SLOTS 6
#define ROUNDS 400
#define BATCH_MAX 70
#define AMENDS_MAX 3
#define BODY_MAX 9000

/* One request, to either store. */
union any_req {
    struct store_req req;
    struct store_log log;
    struct store_append append;
    struct store_read read;
    struct store_amends amends;
    struct store_get get;
    struct store_put put;
    struct store_list list;
    struct store_next next;
    struct store_walk walk;
};

/* Each slot has a room, a pk and a counter of its own, so that the outcome does
 * not depend on the order of what is in flight. */
struct slot {
    char name[8];
    uint64_t head;
    uint64_t revs[2]; /* of record "k", in the engine and in the model */
    struct str entries[BATCH_MAX];
    struct store_amend amends[AMENDS_MAX];
    union any_req reqs[2];
};

struct story {
    struct store_rig *r;
    struct rng rng;
    struct slot slots[SLOTS];
    char noise[2 * BODY_MAX];
};

/* Mostly short. */
static struct str some_bytes(struct story *t)
{
    size_t max = rng_chance(&t->rng, 950) ? 300 : BODY_MAX;

    return (struct str){(const uint8_t *)t->noise + rng_below(&t->rng, BODY_MAX),
                        rng_below(&t->rng, max)};
}

static void make_append(struct story *t, struct slot *s, union any_req *req)
{
    unsigned n = rng_chance(&t->rng, 800) ? 1 : 1 + (unsigned)rng_below(&t->rng, BATCH_MAX);

    for (unsigned i = 0; i < n; i++)
        s->entries[i] = some_bytes(t);
    req->append = (struct store_append){
        .room = str_of(s->name),
        .epoch = 9,
        .head = s->head,
        .entries = s->entries,
        .entries_n = n,
        .amends = s->amends,
        .amends_n = rng_chance(&t->rng, 300) ? 1 + (unsigned)rng_below(&t->rng, AMENDS_MAX) : 0,
    };
    if (rng_chance(&t->rng, 100))
        req->append.head = rng_below(&t->rng, s->head + 3);
    for (unsigned i = 0; i < AMENDS_MAX; i++) {
        s->amends[i] = (struct store_amend){.target = rng_below(&t->rng, s->head + 3)};
        if (rng_chance(&t->rng, 700))
            s->amends[i].state = some_bytes(t);
        if (rng_chance(&t->rng, 500))
            s->amends[i].redacted = some_bytes(t);
    }
}

static void make_read(struct story *t, struct slot *s, union any_req *req)
{
    req->read = (struct store_read){
        .room = str_of(s->name),
        .from = rng_below(&t->rng, s->head + 3),
        .count_max = (unsigned)rng_below(&t->rng, 150),
        .bytes_max = rng_below(&t->rng, 40000),
    };
}

static void make_put(struct story *t, struct slot *s, union any_req *req)
{
    bool k = rng_chance(&t->rng, 500);
    static const char names[] = "abcdefgh";

    req->put = (struct store_put){
        .pk = str_of(s->name),
        .sk = k ? STR("k") : (struct str){(const uint8_t *)names + rng_below(&t->rng, 6), 2},
        .body = some_bytes(t),
        .expect = k                          ? 1
                  : rng_chance(&t->rng, 500) ? STORE_REV_ANY
                                             : 0,
        .remove = rng_chance(&t->rng, 200),
    };
}

static void make_list(struct story *t, struct slot *s, union any_req *req)
{
    static const struct str prefixes[] = {STR(""), STR("a"), STR("c"), STR("k")};
    static const struct str afters[] = {STR(""), STR("ab"), STR("c"), STR("z")};

    req->list = (struct store_list){
        .pk = str_of(s->name),
        .prefix = prefixes[rng_below(&t->rng, 4)],
        .after = afters[rng_below(&t->rng, 4)],
        .limit = (unsigned)rng_below(&t->rng, 6),
    };
}

static enum store_op make(struct story *t, struct slot *s, union any_req *req)
{
    uint64_t kind = rng_below(&t->rng, 100);

    if (kind < 45)
        make_append(t, s, req);
    else if (kind < 60)
        make_read(t, s, req);
    else if (kind < 65)
        req->amends = (struct store_amends){.room = str_of(s->name),
                                            .from = rng_below(&t->rng, s->head + 3),
                                            .to = rng_below(&t->rng, s->head + 3)};
    else if (kind < 70)
        req->log = (struct store_log){.room = str_of(s->name)};
    else if (kind < 85)
        make_put(t, s, req);
    else if (kind < 90)
        make_list(t, s, req);
    else if (kind < 95)
        req->get = (struct store_get){.pk = str_of(s->name), .sk = STR("k")};
    else if (kind < 97)
        req->walk = (struct store_walk){.kind = (enum store_walk_kind)(s->head % 3),
                                        .limit = 1 + (unsigned)rng_below(&t->rng, 9)};
    else
        req->next = (struct store_next){.counter = str_of(s->name), .n = 1 + (unsigned)kind % 3};
    return kind < 45   ? STORE_APPEND
           : kind < 60 ? STORE_READ
           : kind < 65 ? STORE_AMENDS
           : kind < 70 ? STORE_LOG
           : kind < 85 ? STORE_PUT
           : kind < 90 ? STORE_LIST
           : kind < 95 ? STORE_GET
           : kind < 97 ? STORE_WALK
                       : STORE_NEXT;
}

static void submit(struct store *store, union any_req *req, enum store_op op)
{
    switch (op) {
    case STORE_LOG:
        store_log(store, &req->log);
        break;
    case STORE_APPEND:
        store_append(store, &req->append);
        break;
    case STORE_READ:
        store_read(store, &req->read);
        break;
    case STORE_AMENDS:
        store_amends(store, &req->amends);
        break;
    case STORE_GET:
        store_get(store, &req->get);
        break;
    case STORE_PUT:
        store_put(store, &req->put);
        break;
    case STORE_LIST:
        store_list(store, &req->list);
        break;
    case STORE_NEXT:
        store_next(store, &req->next);
        break;
    case STORE_FILL: /* nothing is lost */
    case STORE_WALK:
        store_walk(store, &req->walk);
        break;
    }
}

/* A present revision differs from store to store. */
static void submit_both(struct story *t, struct slot *s)
{
    union any_req req;
    enum store_op op = make(t, s, &req);

    for (int i = 0; i < 2; i++) {
        s->reqs[i] = req;
        s->reqs[i].req = store_rig_req(t->r);
        if (op == STORE_PUT && req.put.expect == 1)
            s->reqs[i].put.expect = s->revs[i];
        submit(i == 0 ? t->r->store : t->r->model, &s->reqs[i], op);
    }
}

static void same_frames(struct frame *a, struct frame *b)
{
    assert_true((a == NULL) == (b == NULL));
    if (a != NULL)
        assert_true(str_eq(frame_str(a), frame_str(b)));
    frame_unref(a);
    frame_unref(b);
}

static void same_lists(const struct store_list *a, const struct store_list *b)
{
    struct store_item x, y;
    size_t at_x = 0, at_y = 0;

    assert_int_equal(a->ret_n, b->ret_n);
    while (store_block_next(a->ret_block, &at_x, &x)) {
        assert_true(store_block_next(b->ret_block, &at_y, &y));
        assert_true(str_eq(x.name, y.name) && str_eq(x.body, y.body));
    }
    assert_false(store_block_next(b->ret_block, &at_y, &y));
    frame_unref(a->ret_block);
    frame_unref(b->ret_block);
}

static void drop_walk(struct store_walk *req)
{
    struct store_kept kept;
    size_t at = 0;
    unsigned n = 0;

    while (store_walk_next(req->ret_block, &at, &kept))
        n++;
    assert_int_equal(n, req->ret_n);
    frame_unref(req->ret_block);
    frame_unref(req->ret_cursor);
}

static void check_append(struct slot *s, const struct store_append *a, const struct store_append *b)
{
    assert_int_equal(a->ret_head, b->ret_head);
    s->head = a->ret_head;
}

static void check_put(struct slot *s, const struct store_put *a, const struct store_put *b)
{
    assert_int_equal(a->ret_rev == 0, b->ret_rev == 0);
    if (!str_eq(a->sk, STR("k")))
        return;
    s->revs[0] = a->ret_rev;
    s->revs[1] = b->ret_rev;
}

static void check_both(struct story *t, struct slot *s)
{
    union any_req *a = &s->reqs[0], *b = &s->reqs[1];

    assert_int_equal(a->req.result, b->req.result);
    switch (a->req.op) {
    case STORE_LOG:
        assert_int_equal(a->log.ret_head, b->log.ret_head);
        assert_int_equal(a->log.ret_epoch, b->log.ret_epoch);
        assert_int_equal(a->log.ret_first, b->log.ret_first);
        same_frames(a->log.ret_last, b->log.ret_last);
        break;
    case STORE_APPEND:
        check_append(s, &a->append, &b->append);
        break;
    case STORE_READ:
        assert_int_equal(a->read.ret_n, b->read.ret_n);
        same_frames(a->read.ret_block, b->read.ret_block);
        break;
    case STORE_AMENDS:
        assert_int_equal(a->amends.ret_n, b->amends.ret_n);
        same_frames(a->amends.ret_block, b->amends.ret_block);
        break;
    case STORE_GET:
        assert_int_equal(a->get.ret_rev, s->revs[0]);
        assert_int_equal(b->get.ret_rev, s->revs[1]);
        same_frames(a->get.ret_body, b->get.ret_body);
        break;
    case STORE_PUT:
        check_put(s, &a->put, &b->put);
        break;
    case STORE_LIST:
        same_lists(&a->list, &b->list);
        break;
    case STORE_NEXT:
        assert_true(a->next.ret_first == b->next.ret_first ||
                    (t->r->gaps && a->next.ret_first > b->next.ret_first));
        break;
    case STORE_FILL: /* nothing is lost */
    case STORE_WALK: /* each has its own order, and sees other things that change */
        drop_walk(&a->walk);
        drop_walk(&b->walk);
        break;
    }
}

static void engine_answers_as_the_model(void **state)
{
    struct story *t = calloc(1, sizeof(*t));

    assert_non_null(t);
    t->r = *state;
    assert_int_equal(store_mem_open(t->r->host, NULL, &t->r->model), 0);
    rng_init(&t->rng, check_seed(3));
    for (size_t i = 0; i < sizeof(t->noise); i++)
        t->noise[i] = (char)('a' + rng_below(&t->rng, 26));
    for (unsigned i = 0; i < SLOTS; i++)
        (void)snprintf(t->slots[i].name, sizeof(t->slots[i].name), "n%u", i);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < SLOTS; i++)
            submit_both(t, &t->slots[i]);
        for (unsigned i = 0; i < SLOTS; i++) {
            (void)store_rig_wait(t->r, &t->slots[i].reqs[0].req);
            (void)store_rig_wait(t->r, &t->slots[i].reqs[1].req);
            check_both(t, &t->slots[i]);
        }
        if (rng_chance(&t->rng, 50))
            store_rig_sleep(t->r, rng_below(&t->rng, 100));
        if (rng_chance(&t->rng, 20))
            store_rig_reopen(t->r);
    }
    free(t);
}

#define ON(setup)                                                                  \
    {                                                                              \
        .name = "engine_answers_as_the_model_on_" #setup,                          \
        .test_func = engine_answers_as_the_model, .setup_func = store_rig_##setup, \
        .teardown_func = store_rig_teardown,                                       \
    }

/* With $DYNAMODB, the URL of an emulator: on that, and nothing else. */
int main(void)
{
    const struct CMUnitTest here[] = {ON(mem),          ON(mem_sim),      ON(sqlite),
                                      ON(sqlite_sim),   ON(sqlite_lossy), ON(dynamo_sim),
                                      ON(dynamo_faults)};
    const struct CMUnitTest live[] = {ON(dynamo_live)};

    if (getenv("DYNAMODB") != NULL)
        return cmocka_run_group_tests(live, NULL, NULL);
    return cmocka_run_group_tests(here, NULL, NULL);
}
