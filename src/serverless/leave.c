#include "serverless/leave.h"

#include "base/str.h"

static struct leave *leave_of(struct store_req *req)
{
    return CONTAINER_OF(req, struct leave, q.req);
}

static void leave_over(struct leave *l, enum store_result result)
{
    frame_unref(l->row);
    l->row = NULL;
    buf_fini(&l->text);
    l->ret_result = result;
    l->done(l);
}

static void ask_conn(struct leave *l);

static void conn_written(struct store_req *req)
{
    struct leave *l = leave_of(req);

    if (req->result == STORE_CONFLICT) /* a room was joined or left meanwhile */
        ask_conn(l);
    else
        leave_over(l, req->result);
}

/* The connection's row without the room; or removes it. */
static void write_conn(struct leave *l)
{
    struct rows_conn c = l->conn;
    struct str rest = l->conn.rooms, room;
    uint32_t shard;

    l->q.put = (struct store_put){.req = {.home = l->home, .done = conn_written},
                                  .pk = keys_of_conn(l->id, l->pk),
                                  .sk = KEYS_CONN,
                                  .expect = l->rev,
                                  .remove = l->room.n == 0,
                                  .expires_ms = c.connected_ms + ROWS_LIFE_MS};
    buf_clear(&l->text);
    c.rooms.n = 0;
    rows_conn_encode(&c, &l->text);
    while (rows_conn_next(&rest, &room, &shard))
        if (!str_eq(room, l->room))
            buf_printf(&l->text, "%.*s %u\n", STR_ARGS(room), shard);
    assert(!l->text.failed);
    l->q.put.body = l->q.put.remove ? (struct str){0} : buf_peek(&l->text);
    store_put(l->store, &l->q.put);
}

static void remove_next(struct leave *l);

static void follower_removed(struct store_req *req)
{
    struct leave *l = leave_of(req);

    if (req->result == STORE_CONFLICT && l->only_rev > 0 && l->q.put.ret_rev > 0)
        leave_over(l, STORE_OK); /* of a later join, which stays */
    else if (req->result != STORE_OK && req->result != STORE_CONFLICT)
        leave_over(l, req->result);
    else
        remove_next(l);
}

static void remove_next(struct leave *l)
{
    struct str room;
    uint32_t shard;

    while (rows_conn_next(&l->rest, &room, &shard)) {
        if (l->room.n > 0 && !str_eq(room, l->room))
            continue;
        l->q.put = (struct store_put){.req = {.home = l->home, .done = follower_removed},
                                      .pk = keys_of_followers(room, shard, l->pk),
                                      .sk = l->id,
                                      .expect = l->only_rev > 0 ? l->only_rev : STORE_REV_ANY,
                                      .remove = true};
        store_put(l->store, &l->q.put);
        return;
    }
    write_conn(l);
}

static void conn_read(struct store_req *req)
{
    struct leave *l = leave_of(req);

    if (req->result != STORE_OK) {
        leave_over(l, req->result);
        return;
    }
    frame_unref(l->row);
    l->row = l->q.get.ret_body;
    l->rev = l->q.get.ret_rev;
    if (l->row == NULL || !rows_conn_decode(frame_str(l->row), &l->conn)) {
        leave_over(l, STORE_OK);
        return;
    }
    l->rest = l->conn.rooms;
    remove_next(l);
}

static void ask_conn(struct leave *l)
{
    l->q.get = (struct store_get){.req = {.home = l->home, .done = conn_read},
                                  .pk = keys_of_conn(l->id, l->pk),
                                  .sk = KEYS_CONN};
    store_get(l->store, &l->q.get);
}

void leave_start(struct leave *l)
{
    assert(l->done != NULL);
    l->row = NULL;
    buf_init(&l->text, 300 * 1024);
    ask_conn(l);
}
