#include "serverless/lease.h"

#include "base/str.h"

#define TRIES_MAX 5
#define AGAIN_MS 50 /* doubled with each try */

static void lease_end(struct lease *l, enum lease_result result)
{
    enum lease_ask ask = l->ask;

    assert(ask != LEASE_IDLE);
    l->ask = LEASE_IDLE;
    l->done(l, ask, result);
}

static uint64_t wall_ms(const struct lease *l)
{
    return store_wall_ms(l->store, l->home);
}

bool lease_is_anothers(const struct lease *l)
{
    return l->row.lease != 0 && l->row.lease != l->number && l->row.until_ms > wall_ms(l);
}

static void row_read(struct store_req *req);
static void row_written(struct store_req *req);

static void ask_row(struct lease *l)
{
    l->q.get = (struct store_get){.req = {.home = l->home, .done = row_read},
                                  .pk = keys_of_shard(l->room, l->shard, l->pk),
                                  .sk = KEYS_SHARD};
    store_get(l->store, &l->q.get);
}

/* What the write under way makes of the row that was seen last. */
static void write_row(struct lease *l)
{
    struct rows_shard s = l->row;

    if (l->ask == LEASE_TAKE)
        s.run_to = MAX(l->value, s.fanned);
    if (l->ask == LEASE_GIVE) {
        s.fanned = MAX(l->value, s.fanned);
        s.access = MAX(l->access, s.access);
        s.followers = l->followers;
    }
    s.lease = l->ask == LEASE_GIVE ? 0 : l->number;
    s.until_ms = l->ask == LEASE_GIVE ? 0 : wall_ms(l) + LEASE_MS;
    l->next = s;
    l->q.put = (struct store_put){.req = {.home = l->home, .done = row_written},
                                  .pk = keys_of_shard(l->room, l->shard, l->pk),
                                  .sk = KEYS_SHARD,
                                  .body = rows_shard_encode(&s, l->body),
                                  .expect = l->rev};
    store_put(l->store, &l->q.put);
}

static void lease_failed(struct lease *l, enum store_result result)
{
    if (result == STORE_CANCELED || result == STORE_BEHIND || ++l->tries >= TRIES_MAX) {
        lease_end(l, LEASE_FAILED);
        return;
    }
    wheel_set(l->wheel, &l->timer, io_now_ms(l->home) + ((uint64_t)AGAIN_MS << l->tries));
}

static void row_read(struct store_req *req)
{
    struct lease *l = CONTAINER_OF(req, struct lease, q.req);
    struct frame *body = l->q.get.ret_body;
    bool whole;

    if (req->result != STORE_OK) {
        lease_failed(l, req->result);
        return;
    }
    l->rev = l->q.get.ret_rev;
    if (body == NULL) {
        lease_end(l, LEASE_ABSENT);
        return;
    }
    whole = rows_shard_decode(frame_str(body), &l->row);
    frame_unref(body);
    if (!whole)
        lease_end(l, LEASE_FAILED);
    else if (l->ask == LEASE_LOOK)
        lease_end(l, LEASE_OK);
    else if (l->ask == LEASE_TAKE ? lease_is_anothers(l) : l->row.lease != l->number)
        lease_end(l, LEASE_TAKEN);
    else
        write_row(l);
}

static void row_written(struct store_req *req)
{
    struct lease *l = CONTAINER_OF(req, struct lease, q.req);

    if (req->result == STORE_OK) {
        l->row = l->next;
        l->rev = l->q.put.ret_rev;
        lease_end(l, LEASE_OK);
    } else if (req->result == STORE_CONFLICT) {
        ask_row(l);
    } else {
        lease_failed(l, req->result); /* and perhaps it was done */
    }
}

static void lease_again(struct wheel_timer *t)
{
    ask_row(CONTAINER_OF(t, struct lease, timer));
}

static void lease_begin(struct lease *l, enum lease_ask ask)
{
    assert(l->ask == LEASE_IDLE && l->number != 0);
    l->ask = ask;
    l->tries = 0;
}

void lease_init(struct lease *l)
{
    assert(l->store != NULL && l->home != NULL && l->wheel != NULL && l->done != NULL);
    do {
        io_random(l->home, (uint8_t *)&l->number, sizeof(l->number));
    } while (l->number == 0);
    l->timer.fire = lease_again;
}

void lease_fini(struct lease *l)
{
    assert(l->ask == LEASE_IDLE);
    wheel_cancel(l->wheel, &l->timer);
}

void lease_look(struct lease *l)
{
    lease_begin(l, LEASE_LOOK);
    ask_row(l);
}

void lease_take(struct lease *l, uint64_t run_to)
{
    lease_begin(l, LEASE_TAKE);
    l->value = run_to;
    if (l->rev == 0 || lease_is_anothers(l))
        ask_row(l);
    else
        write_row(l);
}

/* Of ours, unless the row that was seen last says that it was stolen: the one there now is the
 * thief's. */
static void write_ours(struct lease *l)
{
    if (l->row.lease == l->number)
        write_row(l);
    else
        ask_row(l);
}

void lease_renew(struct lease *l)
{
    lease_begin(l, LEASE_RENEW);
    write_ours(l);
}

void lease_give(struct lease *l, uint64_t fanned, uint64_t access, uint64_t followers)
{
    lease_begin(l, LEASE_GIVE);
    l->value = fanned;
    l->access = access;
    l->followers = followers;
    write_ours(l);
}
