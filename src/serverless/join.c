#include "serverless/join.h"

#include "base/entry.h"
#include "base/str.h"

#define PAGE 256
#define PAGE_BYTES (256 * 1024)

static const uint16_t moves[] = {
    [JOIN_CONN] = 1 << JOIN_SHARD | 1 << JOIN_FOLLOW | 1 << JOIN_LOG | 1 << JOIN_OVER,
    [JOIN_SHARD] = 1 << JOIN_OPEN | 1 << JOIN_LIST | 1 << JOIN_OVER,
    [JOIN_OPEN] = 1 << JOIN_SHARD | 1 << JOIN_LIST | 1 << JOIN_OVER,
    [JOIN_LIST] = 1 << JOIN_CONN | 1 << JOIN_FOLLOW | 1 << JOIN_LOG | 1 << JOIN_OVER,
    [JOIN_FOLLOW] = 1 << JOIN_LOG | 1 << JOIN_OVER,
    [JOIN_LOG] = 1 << JOIN_READ | 1 << JOIN_FOLLOW | 1 << JOIN_OVER,
    [JOIN_READ] = 1 << JOIN_FOLLOW | 1 << JOIN_OVER,
};

static void join_move(struct join *j, enum join_state state)
{
    assert(j->state < JOIN_OVER && (moves[j->state] & 1 << state) != 0);
    j->state = state;
}

static struct join *join_of(struct store_req *req)
{
    return CONTAINER_OF(req, struct join, q.req);
}

static void join_over(struct join *j, enum join_result result)
{
    join_move(j, JOIN_OVER);
    frame_unref(j->row);
    j->row = NULL;
    buf_fini(&j->text);
    j->ret_result = result;
    j->done(j);
}

static void ask_get(struct join *j, store_done_f *done, struct str pk, struct str sk)
{
    j->q.get = (struct store_get){.req = {.home = j->home, .done = done}, .pk = pk, .sk = sk};
    store_get(j->store, &j->q.get);
}

static void ask_log(struct join *j, store_done_f *done)
{
    j->q.log = (struct store_log){.req = {.home = j->home, .done = done}, .room = j->room};
    store_log(j->store, &j->q.log);
}

/* A value of a row that never vanishes; of one that does, expires_ms is set behind this. */
static struct store_put *prepare_put(struct join *j, store_done_f *done, struct str body,
                                     uint64_t expect)
{
    j->q.put =
        (struct store_put){.req = {.home = j->home, .done = done}, .body = body, .expect = expect};
    return &j->q.put;
}

/* The log, behind the cursor. */

static void follow(struct join *j);

static void log_over(struct join *j)
{
    if (j->mistake == JOIN_READS_FIRST)
        follow(j);
    else
        join_over(j, JOIN_OK);
}

static void read_next(struct join *j);

static void doubt(struct join *j, const struct store_item *item)
{
    struct entry e;

    if (item->key > j->since && entry_decode(item->body, &e) == ENTRY_OK &&
        (e.kind == ENTRY_MEMBER || e.kind == ENTRY_ACT) && e.user_id == j->conn.user)
        j->ret_doubt = true;
}

static void entries_read(struct store_req *req)
{
    struct join *j = join_of(req);
    struct store_item item;
    uint64_t before = j->after;
    size_t at = 0;

    if (req->result != STORE_OK) {
        join_over(j, JOIN_FAILED);
        return;
    }
    while (store_block_next(j->q.read.ret_block, &at, &item)) {
        doubt(j, &item);
        j->after = item.key;
    }
    if (j->after > before)
        j->page(j, j->q.read.ret_block);
    frame_unref(j->q.read.ret_block);
    if (j->after < j->ret_head && j->after == before) {
        join_over(j, JOIN_FAILED);
        return;
    }
    j->ret_head = MAX(j->ret_head, j->after);
    if (j->after < j->ret_head)
        read_next(j);
    else
        log_over(j);
}

static void read_next(struct join *j)
{
    j->q.read = (struct store_read){.req = {.home = j->home, .done = entries_read},
                                    .room = j->room,
                                    .from = j->after + 1,
                                    .count_max = PAGE,
                                    .bytes_max = PAGE_BYTES};
    store_read(j->store, &j->q.read);
}

static void log_read(struct store_req *req)
{
    struct join *j = join_of(req);

    if (req->result != STORE_OK) {
        join_over(j, JOIN_FAILED);
        return;
    }
    frame_unref(j->q.log.ret_last);
    j->ret_epoch = j->q.log.ret_epoch;
    j->ret_head = j->q.log.ret_head;
    j->ret_reset = (j->epoch != 0 && j->epoch != j->ret_epoch) || j->after > j->ret_head;
    j->ret_behind = !j->ret_reset && j->ret_head - j->after > JOIN_ENTRIES_MAX;
    /* What is not read may say anything. */
    j->ret_doubt = (j->ret_reset || j->ret_behind || j->after > j->since) && j->ret_head > j->since;
    if (j->ret_reset || j->ret_behind || j->after == j->ret_head) {
        log_over(j);
        return;
    }
    join_move(j, JOIN_READ);
    read_next(j);
}

static void look(struct join *j)
{
    join_move(j, JOIN_LOG);
    ask_log(j, log_read);
}

/* The follower. */

static void followed(struct store_req *req)
{
    struct join *j = join_of(req);

    j->ret_rev = j->q.put.ret_rev;
    if (req->result != STORE_OK)
        join_over(j, JOIN_FAILED);
    else if (j->mistake == JOIN_READS_FIRST)
        join_over(j, JOIN_OK);
    else
        look(j);
}

static void follow(struct join *j)
{
    const struct rows_follower f = {.user = j->conn.user,
                                    .since = j->since,
                                    .connected_ms = j->conn.connected_ms,
                                    .flags = j->conn.flags,
                                    .base = j->conn.base};
    struct store_put *put;

    join_move(j, JOIN_FOLLOW);
    put = prepare_put(j, followed, rows_follower_encode(&f, j->body), STORE_REV_ANY);
    put->pk = keys_of_followers(j->room, j->shard, j->pk);
    put->sk = j->id;
    put->expires_ms = j->conn.connected_ms + ROWS_LIFE_MS;
    store_put(j->store, put);
}

static void placed(struct join *j)
{
    if (j->mistake == JOIN_READS_FIRST)
        look(j);
    else
        follow(j);
}

static void ask_conn(struct join *j);

static void room_listed(struct store_req *req)
{
    struct join *j = join_of(req);

    if (req->result == STORE_CONFLICT) {
        join_move(j, JOIN_CONN);
        ask_conn(j);
    } else if (req->result != STORE_OK) {
        join_over(j, JOIN_FAILED);
    } else {
        placed(j);
    }
}

static void list_room(struct join *j)
{
    struct store_put *put;

    join_move(j, JOIN_LIST);
    buf_clear(&j->text);
    rows_conn_encode(&j->conn, &j->text);
    buf_printf(&j->text, "%.*s %u\n", STR_ARGS(j->room), j->shard);
    if (j->text.failed) {
        join_over(j, JOIN_FAILED);
        return;
    }
    put = prepare_put(j, room_listed, buf_peek(&j->text), j->conn_rev);
    put->pk = keys_of_conn(j->id, j->pk);
    put->sk = KEYS_CONN;
    put->expires_ms = j->conn.connected_ms + ROWS_LIFE_MS;
    store_put(j->store, put);
}

/* A new shard. */

static void ask_shard(struct join *j, uint32_t shard);

static void shard_counted(struct store_req *req)
{
    struct join *j = join_of(req);

    if (req->result == STORE_OK) {
        list_room(j);
    } else if (req->result == STORE_CONFLICT) {
        join_move(j, JOIN_SHARD);
        ask_shard(j, 0);
    } else {
        join_over(j, JOIN_FAILED);
    }
}

static void put_shard(struct join *j, store_done_f *done, uint32_t shard,
                      const struct rows_shard *row, uint64_t expect)
{
    struct store_put *put = prepare_put(j, done, rows_shard_encode(row, j->body), expect);

    put->pk = keys_of_shard(j->room, shard, j->pk);
    put->sk = KEYS_SHARD;
    store_put(j->store, put);
}

/* That somebody else has opened it is as well. */
static void shard_opened(struct store_req *req)
{
    struct join *j = join_of(req);

    if (req->result != STORE_OK && req->result != STORE_CONFLICT) {
        join_over(j, JOIN_FAILED);
    } else if (j->shard == 0) {
        join_move(j, JOIN_SHARD);
        ask_shard(j, 0);
    } else {
        j->first.shards = (uint64_t)j->shard + 1;
        put_shard(j, shard_counted, 0, &j->first, j->shards_rev);
    }
}

static void opening_head_read(struct store_req *req)
{
    struct join *j = join_of(req);
    struct rows_shard row = {.shards = j->shard == 0};

    if (req->result != STORE_OK) {
        join_over(j, JOIN_FAILED);
        return;
    }
    frame_unref(j->q.log.ret_last);
    row.run_to = row.fanned = row.access = j->q.log.ret_head;
    put_shard(j, shard_opened, j->shard, &row, 0);
}

static void open_shard(struct join *j, uint32_t shard)
{
    join_move(j, JOIN_OPEN);
    j->shard = shard;
    ask_log(j, opening_head_read);
}

/* Which shard: a random one, else the last, else a new one. */

static void shard_read(struct store_req *req)
{
    struct join *j = join_of(req);
    struct frame *body = j->q.get.ret_body;
    struct rows_shard row = {0};
    bool there = req->result == STORE_OK && body != NULL;
    bool whole = there && rows_shard_decode(frame_str(body), &row);
    uint32_t random = 0;

    if (req->result == STORE_OK)
        frame_unref(body);
    if (req->result != STORE_OK || (there && !whole) || (!there && j->looked > 0)) {
        join_over(j, JOIN_FAILED);
        return;
    }
    if (!there) {
        open_shard(j, 0);
        return;
    }
    if (j->looked == 0) {
        j->first = row;
        j->shards_rev = j->q.get.ret_rev;
        j->shards_n = (uint32_t)MAX(row.shards, (uint64_t)1);
        io_random(j->home, (uint8_t *)&random, sizeof(random));
        if (j->shards_n > 1 && random % j->shards_n > 0) {
            ask_shard(j, random % j->shards_n);
            return;
        }
    }
    j->shard = j->looked;
    if (row.followers < (j->shard_max > 0 ? j->shard_max : ROWS_SHARD_MAX))
        list_room(j);
    else if (j->looked + 1 < j->shards_n)
        ask_shard(j, j->shards_n - 1);
    else
        open_shard(j, j->shards_n);
}

static void ask_shard(struct join *j, uint32_t shard)
{
    j->looked = shard;
    ask_get(j, shard_read, keys_of_shard(j->room, shard, j->pk), KEYS_SHARD);
}

static void conn_read(struct store_req *req)
{
    struct join *j = join_of(req);

    if (req->result != STORE_OK) {
        join_over(j, JOIN_FAILED);
        return;
    }
    frame_unref(j->row);
    j->row = j->q.get.ret_body;
    j->conn_rev = j->q.get.ret_rev;
    if (j->row == NULL || !rows_conn_decode(frame_str(j->row), &j->conn)) {
        join_over(j, JOIN_UNKNOWN);
    } else if (rows_conn_find(&j->conn, j->room, &j->shard)) {
        placed(j);
    } else {
        join_move(j, JOIN_SHARD);
        ask_shard(j, 0);
    }
}

static void ask_conn(struct join *j)
{
    ask_get(j, conn_read, keys_of_conn(j->id, j->pk), KEYS_CONN);
}

void join_start(struct join *j)
{
    assert(j->page != NULL && j->done != NULL && j->room.n > 0 && j->room.n <= KEYS_ROOM_MAX);
    j->state = JOIN_CONN;
    j->ret_reset = j->ret_behind = j->ret_doubt = false;
    j->ret_epoch = j->ret_head = 0;
    j->row = NULL;
    buf_init(&j->text, 300 * 1024);
    ask_conn(j);
}
