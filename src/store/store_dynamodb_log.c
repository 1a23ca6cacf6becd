#include "base/str.h"
#include "base/varint.h"
#include "store/store_dynamodb_impl.h"

#include <stdlib.h>
#include <string.h>

/* Items of one page: a page is read whole, whatever is then taken of it. */
#define PAGE_ITEMS 100
#define ENTRY_BYTES 128 /* of a usual one, to guess how many items are enough */
/* How often what is missing is looked for again; between the looks but the first. */
#define DOUBTS_MAX 3
#define DOUBT_MS 200

static struct store_read *read_of(const struct chain *c)
{
    return CONTAINER_OF(c->req, struct store_read, req);
}

bool store_dynamodb_log_item(const struct dynamo_item *from, struct log_item *ret)
{
    ret->epoch = 0;
    (void)!dynamo_get_u64(from, "epoch", &ret->epoch); /* the first item has it */
    return dynamo_get_u64(from, "seq", &ret->first) && dynamo_get_u64(from, "n", &ret->n) &&
           dynamo_get_u64(from, "nonce", &ret->nonce) && dynamo_get_u64(from, "rev", &ret->rev) &&
           dynamo_get(from, "entries", DYNAMO_B, &ret->entries) && ret->n > 0;
}

static struct str room_of(const struct chain *c)
{
    if (c->req->op == STORE_LOG)
        return CONTAINER_OF(c->req, struct store_log, req)->room;
    if (c->req->op == STORE_APPEND)
        return CONTAINER_OF(c->req, struct store_append, req)->room;
    if (c->req->op == STORE_FILL)
        return CONTAINER_OF(c->req, struct store_fill, req)->room;
    return read_of(c)->room;
}

/* What every Query begins with. */
static void query(struct chain *c, struct json_out *o, const char *condition)
{
    store_dynamodb_call_begin(c, "Query", o);
    json_out_field_str(o, "TableName", str_of(c->d->logs));
    json_out_field_bool(o, "ConsistentRead", true);
    json_out_field_str(o, "KeyConditionExpression", str_of(condition));
}

void store_dynamodb_log_query(struct chain *c, const char *op, uint64_t seq, unsigned limit,
                              bool descending, chain_f *answered)
{
    char condition[40] = "room = :r AND seq ";
    struct json_out o;

    buf_clear(&c->key);
    dynamo_escape(&c->key, room_of(c));
    (void)strncat(condition, op, 4);
    (void)strncat(condition, " :s", 4);
    query(c, &o, condition);
    json_out_key(&o, "ExpressionAttributeValues");
    json_out_object(&o);
    dynamo_put_s(&o, ":r", buf_peek(&c->key));
    dynamo_put_u64(&o, ":s", seq);
    json_out_object_end(&o);
    json_out_field_u64(&o, "Limit", limit);
    json_out_field_bool(&o, "ScanIndexForward", !descending);
    store_dynamodb_call_send_in(c, &o, c->pause_ms, answered);
    c->pause_ms = 0;
}

/* The head. */

/* What was found before the request failed, or was canceled. */
static void drop_last(struct chain *c)
{
    struct store_log *req = CONTAINER_OF(c->req, struct store_log, req);

    if (req->req.result != STORE_OK)
        frame_unref(req->ret_last);
}

static void epoch_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    struct store_log *req = CONTAINER_OF(c->req, struct store_log, req);

    if (v != DYNAMO_FINE) {
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    if (!dynamo_get_u64(&a->item, "epoch", &req->ret_epoch))
        req->ret_epoch = STORE_EPOCH_LOST;
    store_dynamodb_call_finish(c, STORE_OK);
}

static void ask_epoch(struct chain *c)
{
    struct json_out o;

    store_dynamodb_call_begin(c, "GetItem", &o);
    json_out_field_str(&o, "TableName", str_of(c->d->logs));
    json_out_key(&o, "Key");
    json_out_object(&o);
    dynamo_put_s(&o, "room", buf_peek(&c->key));
    dynamo_put_u64(&o, "seq", 1);
    json_out_object_end(&o);
    json_out_field_bool(&o, "ConsistentRead", true);
    json_out_field_str(&o, "ProjectionExpression", STR("epoch"));
    store_dynamodb_call_send(c, &o, epoch_answered);
}

static void head_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    struct store_log *req = CONTAINER_OF(c->req, struct store_log, req);
    struct log_item item;
    struct str rest, last = {0};

    if (v != DYNAMO_FINE || (a->items_n > 0 && !store_dynamodb_log_item(&a->items[0], &item))) {
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    c->d->reads++;
    req->ret_epoch = req->ret_head = 0;
    req->ret_first = 1;
    req->ret_last = NULL;
    if (a->items_n == 0) {
        store_dynamodb_call_finish(c, STORE_OK);
        return;
    }
    for (rest = item.entries; rest.n > 0;)
        if (!varint_take(&rest, &last))
            break;
    if (rest.n > 0) {
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    req->ret_head = item.first + item.n - 1;
    req->ret_last = frame_copy(last);
    c->release = drop_last;
    store_dynamodb_note_end(c, req->room, req->ret_head);
    req->ret_epoch = item.epoch;
    if (item.first == 1)
        store_dynamodb_call_finish(c, STORE_OK);
    else
        ask_epoch(c);
}

void store_dynamodb_log_head(struct chain *c)
{
    store_dynamodb_log_query(c, ">", 0, 1, true, head_answered);
}

/* Reading. */

static void block_done(struct chain *c, struct frame **ret_block)
{
    if (c->block.failed)
        abort(); /* bounded by what the caller asks for */
    *ret_block = frame_copy(buf_peek(&c->block));
    c->d->reads++;
    store_dynamodb_call_finish(c, STORE_OK);
}

/* Is there no room for one more entry of n bytes? */
static bool is_enough(struct chain *c, size_t n)
{
    const struct store_read *req = read_of(c);

    c->bytes += n;
    return req->ret_n == req->count_max || (req->ret_n > 0 && c->bytes > req->bytes_max);
}

/* What is missing before first, which is there. */
static void take_lost(struct chain *c, uint64_t first, bool *ret_enough)
{
    struct store_read *req = read_of(c);

    for (; c->next < first; c->next++) {
        *ret_enough = is_enough(c, STORE_LOST.n);
        if (*ret_enough)
            return;
        store_block_add(&c->block, &(struct store_item){.key = c->next, .body = STORE_LOST});
        req->ret_n++;
    }
}

/* What of the item is wanted; false if it is damaged. ret_enough: no more fits. */
static bool take_item(struct chain *c, const struct dynamo_item *from, bool *ret_enough)
{
    struct store_read *req = read_of(c);
    struct log_item item;
    struct str rest, entry;
    uint64_t seq;

    if (!store_dynamodb_log_item(from, &item))
        return false;
    take_lost(c, item.first, ret_enough);
    if (*ret_enough)
        return true;
    rest = item.entries;
    for (seq = item.first; seq < item.first + item.n; seq++) {
        if (!varint_take(&rest, &entry))
            return false;
        if (seq < c->next)
            continue;
        *ret_enough = is_enough(c, entry.n);
        if (*ret_enough)
            return true;
        store_block_add(&c->block, &(struct store_item){.key = seq, .body = entry});
        req->ret_n++;
        c->next = seq + 1;
    }
    store_dynamodb_note_end(c, req->room, item.first + item.n - 1);
    return rest.n == 0;
}

static void read_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a);

static void read_on(struct chain *c)
{
    const struct store_read *req = read_of(c);
    unsigned left = req->count_max - req->ret_n;
    size_t few = (req->bytes_max - MIN(c->bytes, req->bytes_max)) / ENTRY_BYTES + 1;

    left = (unsigned)MIN((size_t)MIN(left, (unsigned)PAGE_ITEMS), few);
    store_dynamodb_log_query(c, ">=", c->next, left, false, read_answered);
}

/* A Query sees one item after the other: one that is written meanwhile, or in a transaction
 * that is not yet seen whole, may be missing before another that is there. What is missing
 * is looked for again, later each time, before that is believed. */
static bool doubts(struct chain *c, const struct dynamo_item *from)
{
    struct log_item item;

    if (!store_dynamodb_log_item(from, &item) || item.first <= c->next)
        return false;
    if (c->doubted != c->next)
        c->doubts_n = 0;
    c->doubted = c->next;
    if (c->doubts_n++ >= DOUBTS_MAX)
        return false;
    c->pause_ms = c->doubts_n > 1 ? DOUBT_MS : 0;
    read_on(c);
    return true;
}

static void read_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    struct store_read *req = read_of(c);
    bool enough = false;

    if (v != DYNAMO_FINE) {
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    for (size_t i = 0; i < a->items_n && !enough && req->ret_n < req->count_max; i++) {
        if (doubts(c, &a->items[i]))
            return;
        if (take_item(c, &a->items[i], &enough))
            continue;
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    c->d->records_read += a->items_n;
    if (enough || a->last.n == 0 || req->ret_n == req->count_max)
        block_done(c, &req->ret_block);
    else
        read_on(c);
}

/* The item that from is in, if the log goes that far. */
static void middle_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    struct store_read *req = read_of(c);
    struct log_item item;
    bool enough = false;

    if (v != DYNAMO_FINE || (a->items_n > 0 && !store_dynamodb_log_item(&a->items[0], &item))) {
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    if (a->items_n > 0 && item.first + item.n - 1 < c->next)
        store_dynamodb_note_end(c, req->room, item.first + item.n - 1);
    if (a->items_n == 0 || item.first + item.n - 1 < c->next) {
        read_on(c); /* the log ends before it, or what it is in is lost */
        return;
    }
    if (!take_item(c, &a->items[0], &enough))
        store_dynamodb_call_finish(c, STORE_FAILED);
    else if (enough || req->ret_n == req->count_max)
        block_done(c, &req->ret_block);
    else
        read_on(c);
}

void store_dynamodb_log_read(struct chain *c)
{
    struct store_read *req = read_of(c);

    req->ret_n = 0;
    c->next = MAX(req->from, 1);
    if (req->count_max == 0) {
        req->ret_block = frame_copy((struct str){0});
        store_dynamodb_call_settle(c, STORE_OK);
    } else if (store_dynamodb_ends_at(c->d, req->room, c->next - 1)) {
        read_on(c);
    } else {
        store_dynamodb_log_query(c, "<=", c->next, 1, true, middle_answered);
    }
}

/* Amends. */

static void amends_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a);

static void ask_amends(struct chain *c)
{
    const struct store_amends *req = CONTAINER_OF(c->req, struct store_amends, req);
    struct json_out o;

    buf_clear(&c->key);
    dynamo_escape(&c->key, req->room);
    buf_append(&c->key, STR("#a"));
    query(c, &o, "room = :r AND seq BETWEEN :s AND :t");
    json_out_key(&o, "ExpressionAttributeValues");
    json_out_object(&o);
    dynamo_put_s(&o, ":r", buf_peek(&c->key));
    dynamo_put_u64(&o, ":s", c->next);
    dynamo_put_u64(&o, ":t", req->to);
    json_out_object_end(&o);
    store_dynamodb_call_send(c, &o, amends_answered);
}

static void amends_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    struct store_amends *req = CONTAINER_OF(c->req, struct store_amends, req);
    bool whole = v == DYNAMO_FINE;

    for (size_t i = 0; whole && i < a->items_n; i++) {
        struct store_item item = {0};

        whole = dynamo_get_u64(&a->items[i], "seq", &item.key);
        (void)!dynamo_get(&a->items[i], "state", DYNAMO_B, &item.body);
        store_block_add(&c->block, &item);
        req->ret_n++;
        c->next = item.key + 1;
    }
    if (!whole) {
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    c->d->records_read += a->items_n;
    if (a->last.n > 0 && c->next <= req->to)
        ask_amends(c);
    else
        block_done(c, &req->ret_block);
}

void store_dynamodb_log_amends(struct chain *c)
{
    struct store_amends *req = CONTAINER_OF(c->req, struct store_amends, req);

    req->ret_n = 0;
    c->next = req->from;
    if (req->from > req->to) {
        req->ret_block = frame_copy((struct str){0});
        store_dynamodb_call_settle(c, STORE_OK);
    } else {
        ask_amends(c);
    }
}
