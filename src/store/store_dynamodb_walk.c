#include "base/str.h"
#include "store/store_dynamodb_impl.h"

/* The cursor is the key behind which the service goes on: of a log's item the room and
 * a letter before its seq, 'a' for amends; of a counter no name. */

#define COUNTERS "#next"
#define AMENDS "#a"

static struct store_walk *walk_of(const struct chain *c)
{
    return CONTAINER_OF(c->req, struct store_walk, req);
}

/* The name that was escaped to key, in c->key; false if it is none. */
static bool dynamodb_walk_name_of(struct chain *c, struct str key)
{
    buf_clear(&c->key);
    return dynamo_unescape(&c->key, key);
}

static bool make_cursor(struct chain *c, const struct dynamo_item *last, struct frame **ret)
{
    bool logs = walk_of(c)->kind == STORE_WALK_ROOMS, amends = false;
    struct str pk, sk;
    char seq[24] = "e";

    if (!dynamo_get(last, logs ? "room" : "pk", DYNAMO_S, &pk) ||
        !dynamo_get(last, logs ? "seq" : "sk", logs ? DYNAMO_N : DYNAMO_B, &sk))
        return false;
    if (str_eq(pk, STR(COUNTERS))) {
        *ret = store_cursor_make(STR(""), sk);
        return true;
    }
    if (logs && pk.n > 2 && str_eq(str_skip(pk, pk.n - 2), STR(AMENDS))) {
        amends = true;
        pk.n -= 2;
    }
    if (!dynamodb_walk_name_of(c, pk) || (logs && sk.n > sizeof(seq) - 2))
        return false;
    if (logs) {
        seq[0] = amends ? 'a' : 'e';
        memcpy(seq + 1, sk.p, sk.n);
        sk = (struct str){(const uint8_t *)seq, sk.n + 1};
    }
    *ret = store_cursor_make(buf_peek(&c->key), sk);
    return true;
}

static void put_cursor(struct chain *c, struct json_out *o)
{
    const struct store_walk *req = walk_of(c);
    struct str name, sk;
    uint64_t seq;

    if (req->cursor.n == 0)
        return;
    store_cursor_open(req->cursor, &name, &sk);
    buf_clear(&c->key);
    if (name.n > 0)
        dynamo_escape(&c->key, name);
    else
        buf_append(&c->key, STR(COUNTERS));
    json_out_key(o, "ExclusiveStartKey");
    json_out_object(o);
    if (req->kind == STORE_WALK_ROOMS) {
        if (sk.n > 0 && sk.p[0] == 'a')
            buf_append(&c->key, STR(AMENDS));
        dynamo_put_s(o, "room", buf_peek(&c->key));
        if (sk.n > 0 && str_to_u64(str_skip(sk, 1), &seq))
            dynamo_put_u64(o, "seq", seq);
    } else {
        dynamo_put_s(o, "pk", buf_peek(&c->key));
        dynamo_put_b(o, "sk", sk);
    }
    json_out_object_end(o);
}

/* What is kept of the item, if anything is. False if it is not one of ours. */
static bool dynamodb_walk_take(struct chain *c, const struct dynamo_item *item)
{
    struct store_walk *req = walk_of(c);
    struct store_kept kept = {0};
    struct str pk;
    uint64_t rev;

    if (!dynamo_get(item, req->kind == STORE_WALK_ROOMS ? "room" : "pk", DYNAMO_S, &pk))
        return false;
    if (req->kind != STORE_WALK_ROOMS && !dynamo_get(item, "sk", DYNAMO_B, &kept.sk))
        return false;
    if (req->kind == STORE_WALK_COUNTERS) {
        kept.name = kept.sk;
        kept.sk = (struct str){0};
        if (!dynamo_get_u64(item, "given", &kept.number))
            return false;
        kept.number++;
    } else {
        if (str_eq(pk, STR(COUNTERS)))
            return true;
        if (!dynamodb_walk_name_of(c, pk))
            return false;
        kept.name = buf_peek(&c->key);
    }
    if (req->kind == STORE_WALK_RECORDS) {
        (void)!dynamo_get_u64(item, "expires", &kept.number);
        if (kept.number != 0 && kept.number <= req->req.now_ms)
            return true;
        if (!dynamo_get_u64(item, "rev", &rev))
            return false;
        (void)!dynamo_get(item, "body", DYNAMO_B, &kept.body);
    }
    store_walk_add(&c->block, &kept);
    req->ret_n++;
    return true;
}

static void dynamodb_walk_answered(struct chain *c, enum dynamo_verdict v,
                                   const struct dynamo_answer *a)
{
    struct store_walk *req = walk_of(c);
    bool whole = v == DYNAMO_FINE;

    for (size_t i = 0; whole && i < a->items_n; i++)
        whole = dynamodb_walk_take(c, &a->items[i]);
    if (!whole || c->block.failed ||
        (a->last.n > 0 && !make_cursor(c, &a->last, &req->ret_cursor))) {
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    c->d->reads++;
    c->d->records_read += a->items_n;
    req->ret_block = frame_copy(buf_peek(&c->block));
    store_dynamodb_call_finish(c, STORE_OK);
}

void store_dynamodb_walk(struct chain *c)
{
    struct store_walk *req = walk_of(c);
    bool logs = req->kind == STORE_WALK_ROOMS, counters = req->kind == STORE_WALK_COUNTERS;
    struct json_out o;

    req->ret_n = 0;
    req->ret_cursor = NULL;
    store_dynamodb_call_begin(c, counters ? "Query" : "Scan", &o);
    json_out_field_str(&o, "TableName", str_of(logs ? c->d->logs : c->d->records));
    json_out_field_bool(&o, "ConsistentRead", true);
    json_out_field_u64(&o, "Limit", req->limit);
    if (logs) { /* the first item of a log, and no other, has its epoch */
        json_out_field_str(&o, "FilterExpression", STR("attribute_exists(epoch)"));
        json_out_field_str(&o, "ProjectionExpression", STR("room, seq"));
    }
    if (counters) {
        json_out_field_str(&o, "KeyConditionExpression", STR("pk = :p"));
        json_out_key(&o, "ExpressionAttributeValues");
        json_out_object(&o);
        dynamo_put_s(&o, ":p", STR(COUNTERS));
        json_out_object_end(&o);
    }
    put_cursor(c, &o);
    store_dynamodb_call_send(c, &o, dynamodb_walk_answered);
}
