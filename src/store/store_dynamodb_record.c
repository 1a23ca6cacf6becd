#include "base/str.h"
#include "store/store_dynamodb_impl.h"

#define PAGE_ITEMS 1000
#define PUT_OVERHEAD 1024 /* of an item, besides its body: names, keys, numbers */

/* AND binds tighter than OR. */
#define ABSENT "attribute_not_exists(rev)" /* each item has one */
#define SAME "rev = :rev"
#define PRESENT "rev = :rev AND attribute_not_exists(expires) OR rev = :rev AND expires > :now"
#define TTL_REMOVED_S 3600

static struct store_put *put_of(const struct chain *c)
{
    return CONTAINER_OF(c->req, struct store_put, req);
}

static struct store_list *list_of(const struct chain *c)
{
    return CONTAINER_OF(c->req, struct store_list, req);
}

/* Whether the record is in the table of its kind. */
static bool is_apart(const struct chain *c, struct str pk, struct str sk)
{
    const struct store_dynamodb_apart *a = &c->d->apart;

    return a->table[0] != '\0' && pk.n > a->prefix.n && str_starts(pk, a->prefix) &&
           str_eq(sk, a->sk);
}

static struct str table_of(const struct chain *c, struct str pk, struct str sk)
{
    return str_of(is_apart(c, pk, sk) ? c->d->apart.table : c->d->records);
}

static void put_key(struct chain *c, struct json_out *o, struct str pk, struct str sk)
{
    buf_clear(&c->key);
    if (is_apart(c, pk, sk)) {
        dynamo_escape(&c->key, str_skip(pk, c->d->apart.prefix.n));
        dynamo_put_s(o, c->d->apart.key, buf_peek(&c->key));
        return;
    }
    dynamo_escape(&c->key, pk);
    dynamo_put_s(o, "pk", buf_peek(&c->key));
    dynamo_put_b(o, "sk", sk);
}

/* The revision of what is there and has not expired; 0: nothing. */
static uint64_t present_rev(const struct chain *c, const struct dynamo_item *item)
{
    uint64_t rev, expires;

    if (!dynamo_get_u64(item, "rev", &rev))
        return 0;
    if (dynamo_get_u64(item, "expires", &expires) && expires <= c->req->now_ms)
        return 0;
    return rev;
}

static struct str body_of(const struct dynamo_item *item)
{
    struct str body = {0};

    (void)!dynamo_get(item, "body", DYNAMO_B, &body);
    return body;
}

/* Getting. */

static void get_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    struct store_get *req = CONTAINER_OF(c->req, struct store_get, req);

    if (v != DYNAMO_FINE) {
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    c->d->reads++;
    req->ret_rev = present_rev(c, &a->item);
    req->ret_body = req->ret_rev != 0 ? frame_copy(body_of(&a->item)) : NULL;
    c->d->records_read += req->ret_rev != 0;
    store_dynamodb_call_finish(c, STORE_OK);
}

static void ask_record(struct chain *c, struct str pk, struct str sk, chain_f *answered)
{
    struct json_out o;

    store_dynamodb_call_begin(c, "GetItem", &o);
    json_out_field_str(&o, "TableName", table_of(c, pk, sk));
    json_out_field_bool(&o, "ConsistentRead", true);
    json_out_key(&o, "Key");
    json_out_object(&o);
    put_key(c, &o, pk, sk);
    json_out_object_end(&o);
    store_dynamodb_call_send(c, &o, answered);
}

void store_dynamodb_record_get(struct chain *c)
{
    const struct store_get *req = CONTAINER_OF(c->req, struct store_get, req);

    ask_record(c, req->pk, req->sk, get_answered);
}

/* Putting. Every put is on the condition that what is there is what was seen there:
 * nothing, or one revision. Revisions are drawn by us and never come again, and what is
 * removed stays for an hour, as a record that has expired: so a try that is done late,
 * when we have long heard of another, changes nothing; and what was put by an earlier
 * try is known by its revision. */

static void put_done(struct chain *c)
{
    struct store_put *req = put_of(c);

    c->d->puts++;
    req->ret_rev = req->remove ? 0 : c->nonce;
    store_dynamodb_call_finish(c, STORE_OK);
}

static void send_put(struct chain *c);

/* Refused, and this is what is there: what has expired counts as absent. */
static void put_refused(struct chain *c, const struct dynamo_item *item)
{
    struct store_put *req = put_of(c);
    uint64_t rev = 0, present = present_rev(c, item);

    (void)!dynamo_get_u64(item, "rev", &rev);
    if (rev == c->nonce) {
        put_done(c); /* by an earlier try */
    } else if (req->expect == STORE_REV_ANY || (req->expect == 0 && present == 0)) {
        c->next = rev;
        send_put(c);
    } else {
        req->ret_rev = present;
        store_dynamodb_call_finish(c, STORE_CONFLICT);
    }
}

static void looked(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    if (v == DYNAMO_FINE)
        put_refused(c, &a->item);
    else
        store_dynamodb_call_finish(c, STORE_FAILED);
}

/* Emulators may not say what is there; nor does the service if there is nothing. */
static void put_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    if (v == DYNAMO_WRONG)
        store_dynamodb_call_finish(c, STORE_FAILED);
    else if (v == DYNAMO_FINE)
        put_done(c);
    else if (a->item.n > 0)
        put_refused(c, &a->item);
    else
        ask_record(c, put_of(c)->pk, put_of(c)->sk, looked);
}

static void put_condition(struct chain *c, struct json_out *o)
{
    const struct store_put *req = put_of(c);
    bool given = req->expect != 0 && req->expect != STORE_REV_ANY;

    json_out_field_str(o, "ReturnValuesOnConditionCheckFailure", STR("ALL_OLD"));
    json_out_field_str(o, "ConditionExpression",
                       given          ? STR(PRESENT)
                       : c->next != 0 ? STR(SAME)
                                      : STR(ABSENT));
    if (c->next == 0)
        return;
    json_out_key(o, "ExpressionAttributeValues");
    json_out_object(o);
    dynamo_put_u64(o, ":rev", c->next);
    if (given)
        dynamo_put_u64(o, ":now", c->req->now_ms);
    json_out_object_end(o);
}

static void send_put(struct chain *c)
{
    const struct store_put *req = put_of(c);
    struct json_out o;

    if (io_now_ms(c->req->home) >= c->deadline_ms) {
        store_dynamodb_call_finish(c, STORE_FAILED); /* others always came first */
        return;
    }
    store_dynamodb_call_begin(c, "PutItem", &o);
    json_out_field_str(&o, "TableName", table_of(c, req->pk, req->sk));
    json_out_key(&o, "Item");
    json_out_object(&o);
    put_key(c, &o, req->pk, req->sk);
    dynamo_put_u64(&o, "rev", c->nonce);
    if (req->body.n > 0 && !req->remove)
        dynamo_put_b(&o, "body", req->body);
    if (req->remove) {
        dynamo_put_u64(&o, "expires", 1);
        dynamo_put_u64(&o, "ttl", req->req.now_ms / 1000 + TTL_REMOVED_S);
    } else if (req->expires_ms != 0) {
        dynamo_put_u64(&o, "expires", req->expires_ms);
        dynamo_put_u64(&o, "ttl", req->expires_ms / 1000 + 1);
    }
    json_out_object_end(&o);
    put_condition(c, &o);
    store_dynamodb_call_send(c, &o, put_answered);
}

void store_dynamodb_record_put(struct chain *c)
{
    const struct store_put *req = put_of(c);

    if (req->body.n + PUT_OVERHEAD > DYNAMO_ITEM_MAX) {
        store_dynamodb_call_settle(c, STORE_FULL);
        return;
    }
    c->nonce = store_dynamodb_call_random(c);
    c->next = req->expect != STORE_REV_ANY ? req->expect : 0;
    send_put(c);
}

/* Listing. */

static void list_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a);

/* Key conditions have no "greater than, and begins with": where to go on is the key
 * of the item before, which need not exist. */
static void ask_list(struct chain *c, struct str after)
{
    const struct store_list *req = list_of(c);
    struct json_out o;

    buf_clear(&c->key);
    dynamo_escape(&c->key, req->pk);
    store_dynamodb_call_begin(c, "Query", &o);
    json_out_field_str(&o, "TableName", str_of(c->d->records));
    json_out_field_bool(&o, "ConsistentRead", true);
    json_out_field_str(&o, "KeyConditionExpression",
                       req->prefix.n > 0 ? STR("pk = :p AND begins_with(sk, :s)") : STR("pk = :p"));
    json_out_key(&o, "ExpressionAttributeValues");
    json_out_object(&o);
    dynamo_put_s(&o, ":p", buf_peek(&c->key));
    if (req->prefix.n > 0)
        dynamo_put_b(&o, ":s", req->prefix);
    json_out_object_end(&o);
    json_out_field_u64(&o, "Limit", MIN(req->limit - req->ret_n, (unsigned)PAGE_ITEMS));
    if (after.n > 0) {
        json_out_key(&o, "ExclusiveStartKey");
        json_out_object(&o);
        dynamo_put_s(&o, "pk", buf_peek(&c->key));
        dynamo_put_b(&o, "sk", after);
        json_out_object_end(&o);
    }
    store_dynamodb_call_send(c, &o, list_answered);
}

static void list_done(struct chain *c)
{
    list_of(c)->ret_block = frame_copy(buf_peek(&c->block));
    c->d->reads++;
    store_dynamodb_call_finish(c, STORE_OK);
}

/* The names are looked at again: in DynamoDB Local before 1.13.3 "B" begins with "b". */
static void list_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    struct store_list *req = list_of(c);
    struct str last;

    if (v != DYNAMO_FINE) {
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    for (size_t i = 0; i < a->items_n && req->ret_n < req->limit; i++) {
        struct store_item item = {.key = present_rev(c, &a->items[i]),
                                  .body = body_of(&a->items[i])};

        if (item.key == 0 || !dynamo_get(&a->items[i], "sk", DYNAMO_B, &item.name) ||
            !str_starts(item.name, req->prefix))
            continue;
        store_block_add(&c->block, &item);
        req->ret_n++;
    }
    c->d->records_read += a->items_n;
    if (req->ret_n < req->limit && dynamo_get(&a->last, "sk", DYNAMO_B, &last))
        ask_list(c, last);
    else
        list_done(c);
}

void store_dynamodb_record_list(struct chain *c)
{
    struct store_list *req = list_of(c);
    bool within = req->after.n > 0 && str_starts(req->after, req->prefix);

    req->ret_n = 0;
    if (req->limit == 0 || (!within && req->after.n > 0 && req->prefix.n > 0 &&
                            str_order(req->prefix, req->after) < 0)) {
        req->ret_block = frame_copy((struct str){0});
        store_dynamodb_call_settle(c, STORE_OK);
    } else {
        ask_list(c, within ? req->after : (struct str){0});
    }
}

/* Counting. A try that was done although it seemed not to leaves a gap. */

static void next_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    struct store_next *req = CONTAINER_OF(c->req, struct store_next, req);
    uint64_t last;

    if (v != DYNAMO_FINE || !dynamo_get_u64(&a->item, "given", &last) || last < req->n) {
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    req->ret_first = last - req->n + 1;
    store_dynamodb_call_finish(c, STORE_OK);
}

void store_dynamodb_record_next(struct chain *c)
{
    const struct store_next *req = CONTAINER_OF(c->req, struct store_next, req);
    struct json_out o;

    store_dynamodb_call_begin(c, "UpdateItem", &o);
    json_out_field_str(&o, "TableName", str_of(c->d->records));
    json_out_key(&o, "Key");
    json_out_object(&o);
    dynamo_put_s(&o, "pk", STR("#next"));
    dynamo_put_b(&o, "sk", req->counter);
    json_out_object_end(&o);
    json_out_field_str(&o, "UpdateExpression", STR("ADD given :n"));
    json_out_key(&o, "ExpressionAttributeValues");
    json_out_object(&o);
    dynamo_put_u64(&o, ":n", req->n);
    json_out_object_end(&o);
    json_out_field_str(&o, "ReturnValues", STR("UPDATED_NEW"));
    store_dynamodb_call_send(c, &o, next_answered);
}
