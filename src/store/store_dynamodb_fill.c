#include "base/str.h"
#include "store/store_dynamodb_impl.h"

/* Puts entries where an item is gone (store.h, store_fill): one item in its place. */

static struct store_fill *fill_of(const struct chain *c)
{
    return CONTAINER_OF(c->req, struct store_fill, req);
}

static bool is_ours(const struct chain *c, const struct dynamo_item *item)
{
    uint64_t nonce;

    return dynamo_get_u64(item, "nonce", &nonce) && nonce == c->nonce;
}

static void put_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    enum store_result result = STORE_CONFLICT;

    if (v == DYNAMO_WRONG)
        result = STORE_FAILED;
    else if (v == DYNAMO_FINE || is_ours(c, &a->item)) /* perhaps an earlier try */
        result = STORE_OK;
    store_dynamodb_call_finish(c, result);
}

static bool pack_all(const struct store_fill *req, struct buf *to)
{
    for (unsigned i = 0; i < req->entries_n; i++) {
        buf_append_varint(to, req->entries[i].n);
        buf_append(to, req->entries[i]);
    }
    return !to->failed;
}

static void dynamodb_fill_put(struct chain *c)
{
    const struct store_fill *req = fill_of(c);
    struct buf packed CLEANUP(buf_fini);
    struct json_out o;

    buf_init(&packed, DYNAMO_ITEM_MAX - 2048);
    if (!pack_all(req, &packed)) {
        store_dynamodb_call_finish(c, STORE_FULL);
        return;
    }
    buf_clear(&c->key);
    dynamo_escape(&c->key, req->room);
    store_dynamodb_call_begin(c, "PutItem", &o);
    json_out_field_str(&o, "TableName", str_of(c->d->logs));
    json_out_key(&o, "Item");
    json_out_object(&o);
    dynamo_put_s(&o, "room", buf_peek(&c->key));
    dynamo_put_u64(&o, "seq", req->from);
    dynamo_put_u64(&o, "n", req->entries_n);
    dynamo_put_u64(&o, "nonce", c->nonce);
    dynamo_put_u64(&o, "rev", 1);
    if (req->from == 1)
        dynamo_put_u64(&o, "epoch", STORE_EPOCH_LOST);
    dynamo_put_b(&o, "entries", buf_peek(&packed));
    json_out_object_end(&o);
    json_out_field_str(&o, "ConditionExpression", STR("attribute_not_exists(room)"));
    json_out_field_str(&o, "ReturnValuesOnConditionCheckFailure", STR("ALL_OLD"));
    store_dynamodb_call_send(c, &o, put_answered);
}

/* The last item that begins at or before the last of the entries must end before the
 * first of them. */
static void before_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    const struct store_fill *req = fill_of(c);
    struct log_item item;

    if (v != DYNAMO_FINE || (a->items_n > 0 && !store_dynamodb_log_item(&a->items[0], &item)))
        store_dynamodb_call_finish(c, STORE_FAILED);
    else if (a->items_n > 0 && item.first + item.n > req->from)
        store_dynamodb_call_finish(c, STORE_CONFLICT);
    else
        dynamodb_fill_put(c);
}

/* Behind the entries there must be one: else they would be appended. */
static void behind_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    const struct store_fill *req = fill_of(c);

    if (v != DYNAMO_FINE)
        store_dynamodb_call_finish(c, STORE_FAILED);
    else if (a->items_n == 0)
        store_dynamodb_call_finish(c, STORE_CONFLICT);
    else
        store_dynamodb_log_query(c, "<=", req->from + req->entries_n - 1, 1, true, before_answered);
}

void store_dynamodb_fill(struct chain *c)
{
    const struct store_fill *req = fill_of(c);

    c->nonce = store_dynamodb_call_random(c);
    store_dynamodb_log_query(c, ">", req->from + req->entries_n - 1, 1, false, behind_answered);
}
