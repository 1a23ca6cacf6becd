/* presence: who follows the room, by their rows: of a room with several shards those of the
 * first, so that the answer is one of about a thousand people at most. Who lost the connection
 * is there until a POST finds out. */
#include "base/mem.h"
#include "chat/model/event.h"
#include "lambda/lambda_impl.h"

#include <stdlib.h>

#define ROWS_MAX 1000
#define NAMED_MAX 20

struct lambda_crowd {
    unsigned n, at;
    uint64_t users[ROWS_MAX];
};

static int lambda_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void lambda_presence_next(struct call *call);

static void lambda_named(struct store_req *req)
{
    struct call *call = call_of(req);
    struct lambda_crowd *crowd = call->state;
    struct frame *body = call->q.get.ret_body;
    struct str name;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    if (body != NULL && people_decode(frame_str(body), &name, NULL))
        event_user(&call->out, NULL, crowd->users[crowd->at], name);
    frame_unref(body);
    crowd->at++;
    lambda_presence_next(call);
}

static void lambda_presence_next(struct call *call)
{
    struct lambda_crowd *crowd = call->state;

    if (crowd->at == crowd->n) {
        json_out_array_end(&call->out);
        call_ok(call);
        return;
    }
    (void)call_request(call, call->room->owner, lambda_named);
    call->q.get.pk = keys_of_user(crowd->users[crowd->at], call->key);
    call->q.get.sk = KEYS_USER;
    store_get(call->room->owner->store, &call->q.get);
}

/* Each person once. */
static void lambda_count(struct lambda_crowd *crowd)
{
    unsigned n = 0;

    qsort(crowd->users, crowd->n, sizeof(*crowd->users), lambda_compare);
    for (unsigned i = 0; i < crowd->n; i++)
        if (n == 0 || crowd->users[n - 1] != crowd->users[i])
            crowd->users[n++] = crowd->users[i];
    crowd->n = n;
}

static void lambda_listed_rows(struct store_req *req)
{
    struct call *call = call_of(req);
    struct lambda_crowd *crowd;
    struct rows_follower row;
    struct store_item item;
    size_t at = 0;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    crowd = mem_zeroed(1, sizeof(*crowd));
    call->state = crowd;
    while (crowd->n < ROWS_MAX && store_block_next(call->q.list.ret_block, &at, &item))
        if (rows_follower_decode(item.body, &row))
            crowd->users[crowd->n++] = row.user;
    frame_unref(call->q.list.ret_block);
    lambda_count(crowd);
    json_out_field_u64(&call->out, "count", crowd->n);
    if (crowd->n > NAMED_MAX) {
        call_ok(call);
        return;
    }
    json_out_key(&call->out, "users");
    json_out_array(&call->out);
    lambda_presence_next(call);
}

void lambda_presence(struct room *r, struct call *call)
{
    enum error_code e = room_readable(r, &call->who);

    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    (void)call_request(call, r->owner, lambda_listed_rows);
    call->q.list.pk = keys_of_followers(room_id(r), 0, call->key2);
    call->q.list.limit = ROWS_MAX;
    store_list(r->owner->store, &call->q.list);
}
