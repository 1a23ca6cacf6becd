#include "lib/store_rig.h"

#include "base/buf.h"
#include "base/str.h"
#include "store/store_dynamodb.h"
#include "store/store_dynamodb_tables.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#define WAIT_MS 20
#define TURNS_MAX 2000000
#define SEED 7
#define FOLD_N 60

static char text[1 << 20];

static void finished(struct store_req *req)
{
    assert_non_null(req->done);
    req->done = NULL;
}

struct store_req store_rig_req(struct store_rig *r)
{
    return (struct store_req){.home = r->io, .done = finished};
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void open_dynamo(struct store_rig *r)
{
    struct store_dynamodb_options o = {
        .client = dynamo_model_client(r->dynamo),
        .endpoint = "http://dynamodb.local",
        .region = "eu-west-1",
        .prefix = DYNAMO_MODEL_PREFIX,
        .deadline_ms = STORE_RIG_DEADLINE_MS,
        .try_ms = 1000,
    };

    assert_int_equal(store_dynamodb_open(r->host, &o, &r->store), 0);
}

/* The engine signs on the loop's thread only. */
static bool sign_live(void *ctx, const struct sigv4_request *r, struct buf *out)
{
    static const struct sigv4_credentials keys = {
        .access_key = {(const uint8_t *)"test", 4},
        .secret_key = {(const uint8_t *)"test", 4},
    };

    return sigv4_headers(ctx, &keys, r, out);
}

static void tell_live(void *ctx, const char *why)
{
    (void)ctx;
    print_message("%s\n", why);
}

static void open_live(struct store_rig *r)
{
    static struct sigv4_key key;
    struct store_dynamodb_options o = {
        .endpoint = getenv("DYNAMODB"),
        .region = "us-east-1",
        .prefix = r->prefix,
        .deadline_ms = STORE_RIG_DEADLINE_MS,
        .try_ms = 30000,
        .signer = {.sign = sign_live, .ctx = &key},
        .told = tell_live,
    };

    assert_int_equal(http_client_curl_new(&(struct http_options){0}, &o.client), 0);
    assert_int_equal(store_dynamodb_open(r->host, &o, &r->store), 0);
}

void store_rig_open(struct store_rig *r)
{
    char why[256] = "";

    if (r->dynamo != NULL) {
        open_dynamo(r);
    } else if (r->prefix[0] != '\0') {
        open_live(r);
    } else if (!r->sqlite) {
        assert_int_equal(store_mem_open(r->host, r->disk, &r->store), 0);
    } else if (store_sqlite_open(r->host, &r->options, &r->store, why) != 0) {
        fail_msg("%s", why);
    }
}

void store_rig_close(struct store_rig *r)
{
    store_close(r->store);
    r->store = NULL;
}

void store_rig_reopen(struct store_rig *r)
{
    store_rig_close(r);
    store_rig_open(r);
}

static bool sim_turn(void *arg)
{
    struct store_rig *r = arg;

    io_wait(r->io, r->wake_ms);
    return true;
}

static void said(void *ctx, const char *line)
{
    (void)ctx;
    (void)line;
}

static void make_tables(struct store_rig *r)
{
    struct store_dynamodb_tables t = {
        .req = store_rig_req(r), .make = true, .key = "", .patience_ms = 30000, .said = said};

    store_dynamodb_tables(r->store, &t);
    if (store_rig_wait(r, &t.req) != STORE_OK)
        fail_msg("%s", t.ret_why);
}

enum engine { MEM, SQLITE, DYNAMO, LIVE };

static int setup(void **state, enum engine engine, bool sim)
{
    struct store_rig *r = calloc(1, sizeof(*r));
    const char *tmp = getenv("TMPDIR");

    assert_non_null(r);
    *state = r;
    r->sqlite = engine == SQLITE;
    r->wake_ms = IO_FOREVER;
    if (sim) {
        r->sim = sim_new(check_seed(SEED), (struct sim_faults){0});
        r->host = sim_host_new(r->sim);
    } else {
        assert_int_equal(host_epoll_new(&r->host), 0);
    }
    assert_int_equal(host_io_new(r->host, &r->io), 0);
    if (sim)
        assert_int_equal(host_start(r->host, r->io, sim_turn, r), 0);
    if (engine == DYNAMO) {
        r->dynamo = dynamo_model_new(r->sim, check_seed(SEED));
        r->remote = true;
    } else if (engine == LIVE) {
        static unsigned serial;

        (void)snprintf(r->prefix, sizeof(r->prefix), "test-%d-%u", (int)getpid(), ++serial);
        r->remote = true;
    } else if (engine == SQLITE) {
        r->options.fold_n = FOLD_N;
        (void)snprintf(r->dir, sizeof(r->dir),
                       "%.40s/polylog-"
                       "XX"
                       "XX"
                       "XX",
                       tmp != NULL ? tmp : "/tmp");
        assert_non_null(mkdtemp(r->dir));
        r->options.dir = r->dir;
    } else {
        r->disk = store_mem_disk_new();
    }
    store_rig_open(r);
    if (engine == LIVE)
        make_tables(r);
    return 0;
}

int store_rig_mem(void **state)
{
    return setup(state, MEM, false);
}

int store_rig_sqlite(void **state)
{
    return setup(state, SQLITE, false);
}

int store_rig_mem_sim(void **state)
{
    return setup(state, MEM, true);
}

int store_rig_sqlite_sim(void **state)
{
    return setup(state, SQLITE, true);
}

int store_rig_dynamo_sim(void **state)
{
    return setup(state, DYNAMO, true);
}

int store_rig_dynamo_live(void **state)
{
    return setup(state, LIVE, false);
}

int store_rig_dynamo_faults(void **state)
{
    struct store_rig *r;

    (void)setup(state, DYNAMO, true);
    r = *state;
    r->gaps = true;
    dynamo_model_set_faults(r->dynamo, (struct dynamo_model_faults){
                                           .throttle = 30,
                                           .fail = 20,
                                           .fail_done = 20,
                                           .lost = 10,
                                           .bad_crc = 20,
                                           .latency_ms = 10,
                                           .late_ms = 3000,
                                       });
    return 0;
}

int store_rig_sqlite_lossy(void **state)
{
    struct store_rig *r;

    (void)setup(state, SQLITE, true);
    r = *state;
    store_rig_close(r);
    r->vfs = vfs_lossy_new("lossy", check_seed(SEED));
    r->options.vfs = "lossy";
    store_rig_open(r);
    return 0;
}

int store_rig_teardown(void **state)
{
    struct store_rig *r = *state;

    store_rig_close(r);
    store_close(r->model);
    store_mem_disk_free(r->disk);
    if (r->sqlite)
        (void)nftw(r->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    io_free(r->io);
    host_free(r->host);
    dynamo_model_free(r->dynamo);
    sim_free(r->sim);
    vfs_lossy_free(r->vfs);
    free(r);
    return 0;
}

void store_rig_turn(struct store_rig *r)
{
    if (r->sim == NULL)
        io_wait(r->io, MIN(r->wake_ms, io_now_ms(r->io) + WAIT_MS));
    else if (!sim_step(r->sim))
        fail_msg("nothing can happen any more");
}

void store_rig_sleep(struct store_rig *r, uint64_t ms)
{
    r->wake_ms = io_now_ms(r->io) + ms;
    if (r->sim != NULL)
        io_wait(r->io, r->wake_ms); /* its sleep is shorter from now on */
    while (io_now_ms(r->io) < r->wake_ms)
        store_rig_turn(r);
    r->wake_ms = IO_FOREVER;
}

enum store_result store_rig_wait(struct store_rig *r, struct store_req *req)
{
    for (int turns = 0; req->done != NULL; turns++) {
        if (turns > TURNS_MAX)
            fail_msg("a request is never done");
        store_rig_turn(r);
    }
    return req->result;
}

enum store_result store_rig_append(struct store_rig *r, struct str room, uint64_t head,
                                   struct str entry, uint64_t *ret_head)
{
    struct store_append req = {
        .req = store_rig_req(r),
        .room = room,
        .epoch = 77,
        .head = head,
        .entries = &entry,
        .entries_n = 1,
    };
    enum store_result result;

    store_append(r->store, &req);
    result = store_rig_wait(r, &req.req);
    if (ret_head != NULL)
        *ret_head = req.ret_head;
    return result;
}

/* Pages, as the engine makes them: from first on, of n entries. */
static void lose_page(struct store_rig *r, struct str room, uint64_t seq, uint64_t *ret_first,
                      uint64_t *ret_n)
{
    static const char sql[] = "DELETE FROM page WHERE id = (SELECT max(page.id) FROM page, room"
                              " WHERE room.name = ?1 AND page.id >> 35 = room.id AND"
                              " page.id & 0x7ffffffff <= ?2) RETURNING id & 0x7ffffffff";
    static const char next[] = "SELECT min(page.id) & 0x7ffffffff FROM page, room WHERE"
                               " room.name = ?1 AND page.id >> 35 = room.id AND"
                               " page.id & 0x7ffffffff > ?2";
    unsigned fold_n = r->options.fold_n;
    sqlite3_stmt *stmt;
    char path[128];
    sqlite3 *db;

    r->options.fold_n = 1;
    store_rig_reopen(r);
    assert_int_equal(store_rig_put(r, STR("any"), STR("v"), STORE_REV_ANY, NULL), STORE_OK);
    store_rig_sleep(r, 200);
    store_rig_close(r);
    r->options.fold_n = fold_n;
    (void)snprintf(path, sizeof(path), "%s/polylog.db", r->dir);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(sqlite3_prepare_v2(db, i == 0 ? sql : next, -1, &stmt, NULL), SQLITE_OK);
        (void)sqlite3_bind_blob(stmt, 1, room.p, (int)room.n, SQLITE_STATIC);
        (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)seq);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        if (i == 0)
            *ret_first = (uint64_t)sqlite3_column_int64(stmt, 0);
        else
            *ret_n = (uint64_t)sqlite3_column_int64(stmt, 0) - *ret_first;
        (void)sqlite3_step(stmt);
        assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    store_rig_open(r);
}

void store_rig_lose(struct store_rig *r, struct str room, uint64_t seq, uint64_t *ret_first,
                    uint64_t *ret_n)
{
    *ret_first = seq;
    *ret_n = 1;
    if (r->dynamo != NULL)
        dynamo_model_lose(r->dynamo, room, seq);
    else if (r->sqlite)
        lose_page(r, room, seq, ret_first, ret_n);
    else
        store_mem_disk_lose(r->disk, room, seq, 1);
}

uint64_t store_rig_head(struct store_rig *r, struct str room)
{
    struct store_log req = {.req = store_rig_req(r), .room = room};

    store_log(r->store, &req);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
    frame_unref(req.ret_last);
    return req.ret_head;
}

void store_rig_fill(struct store_rig *r, struct str room, unsigned n)
{
    uint64_t head = store_rig_head(r, room);
    char entry[320];

    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(entry, sizeof(entry), "%.*s/%u", STR_ARGS(room), (unsigned)head + 1);
        assert_int_equal(store_rig_append(r, room, head, str_of(entry), &head), STORE_OK);
    }
}

void store_rig_check_filled(struct store_rig *r, struct str room, unsigned n, unsigned step)
{
    uint64_t seq = 1;
    char entry[320];

    for (;;) {
        struct store_read req = {
            .req = store_rig_req(r),
            .room = room,
            .from = seq,
            .count_max = step,
            .bytes_max = SIZE_MAX,
        };
        struct store_item item;
        size_t at = 0;

        store_read(r->store, &req);
        assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
        assert_int_equal(req.ret_n, MIN(step, n + 1 - seq));
        while (store_block_next(req.ret_block, &at, &item)) {
            assert_int_equal(item.key, seq);
            (void)snprintf(entry, sizeof(entry), "%.*s/%u", STR_ARGS(room), (unsigned)seq);
            assert_true(str_eq(item.body, str_of(entry)));
            seq++;
        }
        frame_unref(req.ret_block);
        if (req.ret_n == 0)
            break;
    }
    assert_int_equal(seq, n + 1);
}

/* Items as text; by their names, or by their keys if they have none. */
static const char *block_text(struct frame *block, unsigned n)
{
    struct store_item item;
    size_t at = 0;
    struct buf b;

    buf_init(&b, sizeof(text) - 1);
    for (; store_block_next(block, &at, &item); n--) {
        if (buf_len(&b) > 0)
            buf_append_byte(&b, ' ');
        if (item.name.n > 0)
            buf_append(&b, item.name);
        else
            buf_append_u64(&b, item.key);
        buf_append_byte(&b, '=');
        buf_append(&b, item.body);
    }
    assert_int_equal(n, 0);
    assert_false(b.failed);
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARGS(buf_peek(&b)));
    buf_fini(&b);
    frame_unref(block);
    return text;
}

const char *store_rig_read(struct store_rig *r, struct str room, uint64_t from, unsigned count_max,
                           size_t bytes_max)
{
    struct store_read req = {
        .req = store_rig_req(r),
        .room = room,
        .from = from,
        .count_max = count_max,
        .bytes_max = bytes_max,
    };

    store_read(r->store, &req);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
    return block_text(req.ret_block, req.ret_n);
}

const char *store_rig_amends(struct store_rig *r, struct str room, uint64_t from, uint64_t to)
{
    struct store_amends req = {.req = store_rig_req(r), .room = room, .from = from, .to = to};

    store_amends(r->store, &req);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
    return block_text(req.ret_block, req.ret_n);
}

enum store_result store_rig_put(struct store_rig *r, struct str sk, struct str body,
                                uint64_t expect, uint64_t *ret_rev)
{
    struct store_put req = {
        .req = store_rig_req(r),
        .pk = STR("p"),
        .sk = sk,
        .body = body,
        .expect = expect,
    };
    enum store_result result;

    store_put(r->store, &req);
    result = store_rig_wait(r, &req.req);
    if (ret_rev != NULL)
        *ret_rev = req.ret_rev;
    return result;
}

const char *store_rig_get(struct store_rig *r, struct str sk, uint64_t *ret_rev)
{
    struct store_get req = {.req = store_rig_req(r), .pk = STR("p"), .sk = sk};

    store_get(r->store, &req);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
    assert_true((req.ret_rev == 0) == (req.ret_body == NULL));
    if (ret_rev != NULL)
        *ret_rev = req.ret_rev;
    if (req.ret_body == NULL)
        return "-";
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARGS(frame_str(req.ret_body)));
    frame_unref(req.ret_body);
    return text;
}

const char *store_rig_list(struct store_rig *r, struct str prefix, struct str after, unsigned limit)
{
    struct store_list req = {
        .req = store_rig_req(r),
        .pk = STR("p"),
        .prefix = prefix,
        .after = after,
        .limit = limit,
    };

    store_list(r->store, &req);
    assert_int_equal(store_rig_wait(r, &req.req), STORE_OK);
    return block_text(req.ret_block, req.ret_n);
}
