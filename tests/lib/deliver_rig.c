#include "lib/deliver_rig.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"

#include <stdio.h>

#define SEED 7
#define TURNS_MAX 2000000

/* A POST under way. */
struct flying {
    struct io_mail mail;
    struct deliver_rig *rig;
    struct poster_req *req;
};

static char text[64 * 1024];

/* The seqs of a frame, "1,2,3". */
static void note(struct deliver_rig *r, struct str id, struct str body)
{
    size_t n = strlen(r->sent);
    static const char key[] = "\"seq\":";
    const char *sep = "=";

    n += (size_t)snprintf(r->sent + n, sizeof(r->sent) - n, "%s%.*s", n > 0 ? " " : "",
                          STR_ARGS(id));
    for (size_t i = 0; i + sizeof(key) < body.n; i++) {
        if (memcmp(body.p + i, key, sizeof(key) - 1) != 0)
            continue;
        n += (size_t)snprintf(r->sent + n, sizeof(r->sent) - n, "%s%llu", sep,
                              strtoull((const char *)body.p + i + sizeof(key) - 1, NULL, 10));
        sep = ",";
    }
    assert_true(n + 100 < sizeof(r->sent));
}

static void landed(struct io_mail *mail)
{
    struct flying *f = CONTAINER_OF(mail, struct flying, mail);
    struct deliver_rig *r = f->rig;
    struct poster_req *req = f->req;

    free(f);
    r->flying_n--;
    req->ret_status = r->answer != NULL ? r->answer(r, req->id, req->body, r->posts_n++) : 200;
    if (req->ret_status == 200)
        note(r, req->id, req->body);
    req->done(req);
}

static void rig_post(struct poster *p, struct poster_req *req)
{
    struct deliver_rig *r = CONTAINER_OF(p, struct deliver_rig, poster);
    struct flying *f = mem_zeroed(1, sizeof(*f));

    assert_true(str_eq(req->base, STR(DELIVER_RIG_BASE)));
    f->rig = r;
    f->req = req;
    f->mail.deliver = landed;
    r->flying_n++;
    r->flying_max = MAX(r->flying_max, r->flying_n);
    r->body_max = MAX(r->body_max, req->body.n);
    io_post(r->io, &f->mail, &f->mail);
}

static const struct poster_ops poster_ops = {.post = rig_post};

static bool turn(void *arg)
{
    struct deliver_rig *r = arg;

    io_wait(r->io, wheel_next_ms(&r->wheel));
    wheel_advance(&r->wheel, io_now_ms(r->io));
    return true;
}

int deliver_rig_setup(void **state)
{
    struct deliver_rig *r = mem_zeroed(1, sizeof(*r));

    *state = r;
    r->sim = sim_new(check_seed(SEED), (struct sim_faults){0});
    r->host = sim_host_new(r->sim);
    assert_int_equal(host_io_new(r->host, &r->io), 0);
    wheel_init(&r->wheel, io_now_ms(r->io));
    assert_int_equal(host_start(r->host, r->io, turn, r), 0);
    assert_int_equal(store_mem_open(r->host, NULL, &r->mem), 0);
    store_gate_init(&r->gate, r->mem);
    r->poster.ops = &poster_ops;
    r->room = DELIVER_RIG_ROOM;
    return 0;
}

int deliver_rig_teardown(void **state)
{
    struct deliver_rig *r = *state;

    store_close(r->mem);
    io_free(r->io);
    host_free(r->host);
    sim_free(r->sim);
    free(r);
    return 0;
}

void deliver_rig_turn(struct deliver_rig *r)
{
    if (!sim_step(r->sim))
        fail_msg("nothing can happen any more");
}

static void woken(struct wheel_timer *t)
{
    t->fire = NULL;
}

void deliver_rig_sleep(struct deliver_rig *r, uint64_t ms)
{
    struct wheel_timer t = {.fire = woken};

    wheel_set(&r->wheel, &t, io_now_ms(r->io) + ms);
    while (t.fire != NULL)
        deliver_rig_turn(r);
}

static void finished(struct store_req *req)
{
    req->done = NULL;
}

static enum store_result rig_wait(struct deliver_rig *r, struct store_req *req)
{
    for (int turns = 0; req->done != NULL; turns++) {
        if (turns > TURNS_MAX)
            fail_msg("a request is never done");
        deliver_rig_turn(r);
    }
    return req->result;
}

uint64_t deliver_rig_append(struct deliver_rig *r, const struct entry *e)
{
    struct store_log log = {.req = {.home = r->io, .done = finished}, .room = str_of(r->room)};
    struct store_append append = {.req = log.req, .room = log.room, .epoch = 77};
    struct str bytes;
    struct buf b;

    store_log(r->mem, &log);
    assert_int_equal(rig_wait(r, &log.req), STORE_OK);
    frame_unref(log.ret_last);
    buf_init(&b, 64 * 1024);
    entry_encode(e, &b);
    bytes = buf_peek(&b);
    append.head = log.ret_head;
    append.entries = &bytes;
    append.entries_n = 1;
    store_append(r->mem, &append);
    assert_int_equal(rig_wait(r, &append.req), STORE_OK);
    buf_fini(&b);
    return append.ret_head;
}

uint64_t deliver_rig_say(struct deliver_rig *r, unsigned n, size_t length)
{
    struct entry e = {.kind = ENTRY_MESSAGE, .from_id = 1, .from_name = STR("ana")};
    uint64_t head = 0;

    assert_true(length < sizeof(text));
    memset(text, 'x', length);
    e.text = (struct str){(uint8_t *)text, length};
    for (unsigned i = 0; i < n; i++)
        head = deliver_rig_append(r, &e);
    return head;
}

uint64_t deliver_rig_member(struct deliver_rig *r, uint64_t user, const char *role)
{
    const struct entry e = {.kind = ENTRY_MEMBER,
                            .from_id = 1,
                            .from_name = STR("ana"),
                            .user_id = user,
                            .user_name = STR("ben"),
                            .role = str_of(role)};

    return deliver_rig_append(r, &e);
}

void deliver_rig_put(struct deliver_rig *r, struct str pk, struct str sk, const char *value)
{
    struct store_put put = {.req = {.home = r->io, .done = finished},
                            .pk = pk,
                            .sk = sk,
                            .body = str_of(value),
                            .expect = STORE_REV_ANY};

    store_put(r->mem, &put);
    assert_int_equal(rig_wait(r, &put.req), STORE_OK);
}

const char *deliver_rig_row(struct deliver_rig *r, struct str pk, struct str sk)
{
    struct store_get get = {.req = {.home = r->io, .done = finished}, .pk = pk, .sk = sk};

    store_get(r->mem, &get);
    assert_int_equal(rig_wait(r, &get.req), STORE_OK);
    if (get.ret_body == NULL)
        return "-";
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARGS(frame_str(get.ret_body)));
    frame_unref(get.ret_body);
    return text;
}

void deliver_rig_connect(struct deliver_rig *r, const char *id, uint64_t user, unsigned flags)
{
    const struct rows_conn c = {.user = user,
                                .session = 1,
                                .connected_ms = io_wall_ms(r->io),
                                .flags = flags,
                                .base = STR(DELIVER_RIG_BASE)};
    char pk[KEYS_MAX], value[ROWS_VALUE_MAX];
    struct buf b;

    buf_init(&b, sizeof(value));
    rows_conn_encode(&c, &b);
    (void)snprintf(value, sizeof(value), "%.*s", STR_ARGS(buf_peek(&b)));
    buf_fini(&b);
    deliver_rig_put(r, keys_of_conn(str_of(id), pk), KEYS_CONN, value);
}

static void paged(struct join *j, const struct frame *block)
{
    struct store_item item;
    size_t at = 0, n = strlen(text);

    (void)j;
    while (store_block_next(block, &at, &item))
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%llu", n > 0 ? " " : "",
                              (unsigned long long)item.key);
}

static void joined(struct join *j)
{
    j->done = NULL;
}

const char *deliver_rig_join(struct deliver_rig *r, const char *id, uint64_t after, uint64_t since,
                             struct join *ret_join)
{
    struct join own = {0}, *j = ret_join != NULL ? ret_join : &own;

    j->store = &r->gate.store;
    j->home = r->io;
    j->id = str_of(id);
    j->room = str_of(r->room);
    j->after = after;
    j->since = since;
    j->page = paged;
    j->done = joined;
    text[0] = '\0';
    join_start(j);
    assert_non_null(j->done);
    while (j->done != NULL)
        deliver_rig_turn(r);
    return text;
}

static void delivered(struct deliver *d)
{
    d->done = NULL;
}

void deliver_rig_start(struct deliver_rig *r, struct deliver *d)
{
    d->store = &r->gate.store;
    d->home = r->io;
    d->wheel = &r->wheel;
    d->poster = &r->poster;
    d->room = str_of(r->room);
    d->until_ms = d->until_ms > 0 ? d->until_ms : io_now_ms(r->io) + 25000;
    d->done = delivered;
    r->sent[0] = '\0';
    r->posts_n = 0;
    deliver_start(d);
    assert_non_null(d->done);
}

enum deliver_result deliver_rig_wait(struct deliver_rig *r, struct deliver *d)
{
    for (int turns = 0; d->done != NULL; turns++) {
        if (turns > TURNS_MAX)
            fail_msg("a delivery is never done");
        deliver_rig_turn(r);
    }
    assert_int_equal(r->flying_n, 0);
    return d->ret_result;
}

enum deliver_result deliver_rig_run(struct deliver_rig *r, struct deliver *d)
{
    deliver_rig_start(r, d);
    return deliver_rig_wait(r, d);
}
