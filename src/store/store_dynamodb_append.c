#include "base/mem.h"
#include "base/str.h"
#include "base/varint.h"
#include "store/store_dynamodb_impl.h"

#include <stdio.h>
#include <stdlib.h>

/* Bytes of entries in one item: what the service allows less its key and numbers. */
#define ITEM_BYTES (DYNAMO_ITEM_MAX - 2048)
#define TRANSACTION_BYTES (DYNAMO_TRANSACTION_MAX - 256 * 1024)
#define REBUILDS_MAX 16

/* One of our own items. */
struct batch_item {
    unsigned from, to; /* of the request's entries */
};

/* An item in which entries are redacted. */
struct rewrite {
    uint64_t first, n, rev;
    struct buf entries;
};

struct append_work {
    struct batch_item items[DYNAMO_REASONS_MAX];
    unsigned items_n;
    struct rewrite rewrites[STORE_AMENDS_MAX];
    unsigned rewrites_n;
    unsigned states[STORE_AMENDS_MAX]; /* of the amends, those that count */
    unsigned states_n;
    bool lost[STORE_AMENDS_MAX]; /* of the amends, those whose target the log has lost */
    unsigned rebuilds;
    size_t bytes;
};

static void redact_next(struct chain *c);

static struct store_append *append_of(const struct chain *c)
{
    return CONTAINER_OF(c->req, struct store_append, req);
}

static void work_clear(struct append_work *w)
{
    for (unsigned i = 0; i < w->rewrites_n; i++)
        buf_fini(&w->rewrites[i].entries);
    w->rewrites_n = 0;
}

static void work_free(struct chain *c)
{
    work_clear(c->append);
    free(c->append);
}

/* What takes the place of the entry at seq: the last amend that says so, or itself. */
static struct str redacted(const struct store_append *req, uint64_t seq, struct str entry)
{
    for (unsigned i = req->amends_n; i > 0; i--)
        if (req->amends[i - 1].target == seq && req->amends[i - 1].redacted.p != NULL)
            return req->amends[i - 1].redacted;
    return entry;
}

static struct str own_entry(const struct store_append *req, unsigned i)
{
    return redacted(req, req->head + 1 + i, req->entries[i]);
}

static void pack(struct buf *b, struct str entry)
{
    buf_append_varint(b, entry.n);
    buf_append(b, entry);
}

/* Divides the entries among items; false if they do not fit one transaction. */
static bool divide(const struct store_append *req, struct append_work *w)
{
    size_t bytes = SIZE_MAX;

    for (unsigned i = 0; i < req->entries_n; i++) {
        size_t n = own_entry(req, i).n + VARINT_N_MAX;

        if (n > ITEM_BYTES)
            return false;
        if (bytes > ITEM_BYTES - n) {
            if (w->items_n == COUNTOF(w->items))
                return false;
            w->items[w->items_n++].from = i;
            bytes = 0;
        }
        w->items[w->items_n - 1].to = i + 1;
        bytes += n;
        w->bytes += n;
    }
    return w->bytes <= TRANSACTION_BYTES;
}

/* Which states are written: the last one of each target. */
static bool choose_states(const struct store_append *req, struct append_work *w)
{
    for (unsigned i = 0; i < req->amends_n; i++) {
        const struct store_amend *a = &req->amends[i];
        bool later = false;

        for (unsigned k = i + 1; k < req->amends_n; k++)
            later |= req->amends[k].target == a->target && req->amends[k].state.p != NULL;
        if (a->state.p == NULL || later || a->target == 0)
            continue;
        if (a->state.n > ITEM_BYTES)
            return false;
        w->states[w->states_n++] = i;
        w->bytes += a->state.n;
    }
    return w->bytes <= TRANSACTION_BYTES;
}

/* The conflict's end: where the log is now. */

static void conflict_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    struct store_append *req = append_of(c);
    struct log_item item;

    if (v != DYNAMO_FINE || (a->items_n > 0 && !store_dynamodb_log_item(&a->items[0], &item))) {
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    req->ret_head = a->items_n > 0 ? item.first + item.n - 1 : 0;
    store_dynamodb_note_end(c, req->room, req->ret_head);
    store_dynamodb_call_finish(c, req->ret_head > req->head ? STORE_CONFLICT : STORE_BEHIND);
}

static void ask_where(struct chain *c)
{
    store_dynamodb_log_query(c, ">", 0, 1, true, conflict_answered);
}

static void appended(struct chain *c)
{
    struct store_append *req = append_of(c);
    struct store_dynamodb *d = c->d;

    d->appends++;
    d->entries += req->entries_n;
    for (unsigned i = 0; i < req->entries_n; i++)
        d->entry_bytes += req->entries[i].n;
    if (req->entries_n > d->batch_max)
        d->batch_max = req->entries_n;
    req->ret_head = req->head + req->entries_n;
    store_dynamodb_note_end(c, req->room, req->ret_head);
    store_dynamodb_call_finish(c, STORE_OK);
}

/* What has our place: an item of another, or of an earlier try of ours. */

static bool is_ours(const struct chain *c, const struct dynamo_item *item)
{
    uint64_t nonce;

    return dynamo_get_u64(item, "nonce", &nonce) && nonce == c->nonce;
}

static void place_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    if (v != DYNAMO_FINE)
        store_dynamodb_call_finish(c, STORE_FAILED);
    else if (a->items_n > 0 && is_ours(c, &a->items[0]))
        appended(c);
    else
        ask_where(c);
}

static void place_taken(struct chain *c, const struct dynamo_item *item)
{
    if (item->n == 0) /* an emulator that does not say */
        store_dynamodb_log_query(c, "=", append_of(c)->head + 1, 1, true, place_answered);
    else if (is_ours(c, item))
        appended(c);
    else
        ask_where(c);
}

static void put_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    if (v == DYNAMO_WRONG)
        store_dynamodb_call_finish(c, STORE_FAILED);
    else if (v == DYNAMO_FINE)
        appended(c);
    else
        place_taken(c, &a->item);
}

static void transaction_answered(struct chain *c, enum dynamo_verdict v,
                                 const struct dynamo_answer *a)
{
    struct append_work *w = c->append;

    if (v == DYNAMO_FINE) {
        appended(c);
        return;
    }
    if (v == DYNAMO_WRONG) {
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    for (unsigned i = 0; i < w->items_n && i < a->reasons_n; i++) {
        if (!str_eq(a->reasons[i].code, STR("ConditionalCheckFailed")))
            continue;
        place_taken(c, &a->reasons[i].item);
        return;
    }
    /* An item to be rewritten was rewritten by somebody else meanwhile. */
    if (++w->rebuilds > REBUILDS_MAX || io_now_ms(c->req->home) >= c->deadline_ms) {
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    for (unsigned i = 0; i < w->rewrites_n; i++)
        w->bytes -= buf_len(&w->rewrites[i].entries);
    work_clear(w);
    redact_next(c);
}

/* Writing. */

/* "TableName", "Item" and the condition of one of our items. */
static void put_item(struct chain *c, struct json_out *o, const struct batch_item *item)
{
    const struct store_append *req = append_of(c);
    struct buf packed CLEANUP(buf_fini);

    buf_init(&packed, DYNAMO_ITEM_MAX);
    for (unsigned i = item->from; i < item->to; i++)
        pack(&packed, own_entry(req, i));
    assert(!packed.failed);
    json_out_field_str(o, "TableName", str_of(c->d->logs));
    json_out_key(o, "Item");
    json_out_object(o);
    dynamo_put_s(o, "room", buf_peek(&c->key));
    dynamo_put_u64(o, "seq", req->head + 1 + item->from);
    dynamo_put_u64(o, "n", item->to - item->from);
    dynamo_put_u64(o, "nonce", c->nonce);
    dynamo_put_u64(o, "rev", 1);
    if (req->head == 0 && item->from == 0)
        dynamo_put_u64(o, "epoch", req->epoch);
    dynamo_put_b(o, "entries", buf_peek(&packed));
    json_out_object_end(o);
    json_out_field_str(o, "ConditionExpression", STR("attribute_not_exists(room)"));
    json_out_field_str(o, "ReturnValuesOnConditionCheckFailure", STR("ALL_OLD"));
}

static void put_state(struct chain *c, struct json_out *o, const struct store_amend *amend)
{
    struct buf key CLEANUP(buf_fini);

    buf_init(&key, c->key.max + 2);
    buf_append(&key, buf_peek(&c->key));
    buf_append(&key, STR("#a"));
    json_out_field_str(o, "TableName", str_of(c->d->logs));
    json_out_key(o, "Item");
    json_out_object(o);
    dynamo_put_s(o, "room", buf_peek(&key));
    dynamo_put_u64(o, "seq", amend->target);
    if (amend->state.n > 0)
        dynamo_put_b(o, "state", amend->state);
    json_out_object_end(o);
}

static void put_rewrite(struct chain *c, struct json_out *o, const struct rewrite *w)
{
    json_out_field_str(o, "TableName", str_of(c->d->logs));
    json_out_key(o, "Key");
    json_out_object(o);
    dynamo_put_s(o, "room", buf_peek(&c->key));
    dynamo_put_u64(o, "seq", w->first);
    json_out_object_end(o);
    json_out_field_str(o, "UpdateExpression", STR("SET entries = :e, rev = :new"));
    json_out_field_str(o, "ConditionExpression", STR("rev = :old"));
    json_out_key(o, "ExpressionAttributeValues");
    json_out_object(o);
    dynamo_put_b(o, ":e", buf_peek(&w->entries));
    dynamo_put_u64(o, ":new", w->rev + 1);
    dynamo_put_u64(o, ":old", w->rev);
    json_out_object_end(o);
}

static void action(struct json_out *o, const char *name)
{
    json_out_object(o);
    json_out_key(o, name);
    json_out_object(o);
}

static void action_end(struct json_out *o)
{
    json_out_object_end(o);
    json_out_object_end(o);
}

static void send_transaction(struct chain *c)
{
    const struct append_work *w = c->append;
    struct json_out o;
    char token[32];

    (void)snprintf(token, sizeof(token), "%016llx-%u", (unsigned long long)c->nonce, w->rebuilds);
    store_dynamodb_call_begin(c, "TransactWriteItems", &o);
    json_out_field_str(&o, "ClientRequestToken", str_of(token));
    json_out_key(&o, "TransactItems");
    json_out_array(&o);
    for (unsigned i = 0; i < w->items_n; i++) {
        action(&o, "Put");
        put_item(c, &o, &w->items[i]);
        action_end(&o);
    }
    for (unsigned i = 0; i < w->states_n; i++) {
        action(&o, "Put");
        put_state(c, &o, &append_of(c)->amends[w->states[i]]);
        action_end(&o);
    }
    for (unsigned i = 0; i < w->rewrites_n; i++) {
        action(&o, "Update");
        put_rewrite(c, &o, &w->rewrites[i]);
        action_end(&o);
    }
    json_out_array_end(&o);
    store_dynamodb_call_send(c, &o, transaction_answered);
}

static void write_all(struct chain *c)
{
    const struct append_work *w = c->append;
    struct json_out o;

    buf_clear(&c->key);
    dynamo_escape(&c->key, append_of(c)->room);
    if (w->items_n + w->states_n + w->rewrites_n > 1) {
        send_transaction(c);
        return;
    }
    store_dynamodb_call_begin(c, "PutItem", &o);
    put_item(c, &o, &w->items[0]);
    store_dynamodb_call_send(c, &o, put_answered);
}

/* Redactions. */

/* Adds the item, as it is to be; false if it is not one, or too much in all. */
static bool add_rewrite(struct chain *c, const struct log_item *item)
{
    struct append_work *w = c->append;
    struct rewrite *to = &w->rewrites[w->rewrites_n];
    struct str rest = item->entries, entry;

    *to = (struct rewrite){.first = item->first, .n = item->n, .rev = item->rev};
    buf_init(&to->entries, ITEM_BYTES + VARINT_N_MAX);
    w->rewrites_n++;
    for (uint64_t i = 0; i < item->n; i++) {
        if (!varint_take(&rest, &entry))
            return false;
        pack(&to->entries, redacted(append_of(c), item->first + i, entry));
    }
    w->bytes += buf_len(&to->entries);
    return !to->entries.failed && w->bytes <= TRANSACTION_BYTES &&
           w->items_n + w->states_n + w->rewrites_n <= DYNAMO_REASONS_MAX;
}

/* The item with the target is gone: there is nothing to be redacted. */
static void leave_lost(struct chain *c)
{
    const struct store_append *req = append_of(c);

    for (unsigned i = 0; i < req->amends_n; i++)
        c->append->lost[i] = c->append->lost[i] || req->amends[i].target == c->next;
    redact_next(c);
}

static void redact_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    struct log_item item;

    if (v != DYNAMO_FINE || (a->items_n > 0 && !store_dynamodb_log_item(&a->items[0], &item)))
        store_dynamodb_call_finish(c, STORE_FAILED);
    else if (a->items_n == 0 || item.first + item.n <= c->next)
        leave_lost(c);
    else if (!add_rewrite(c, &item))
        store_dynamodb_call_finish(c, STORE_FULL);
    else
        redact_next(c);
}

static bool is_rewritten(const struct append_work *w, uint64_t seq)
{
    for (unsigned i = 0; i < w->rewrites_n; i++)
        if (seq >= w->rewrites[i].first && seq - w->rewrites[i].first < w->rewrites[i].n)
            return true;
    return false;
}

/* Reads the next item in which something is redacted; when there is none, writes. */
static void redact_next(struct chain *c)
{
    const struct store_append *req = append_of(c);

    for (unsigned i = 0; i < req->amends_n; i++) {
        uint64_t target = req->amends[i].target;

        if (req->amends[i].redacted.p == NULL || target == 0 || target > req->head ||
            c->append->lost[i] || is_rewritten(c->append, target))
            continue;
        c->next = target;
        store_dynamodb_log_query(c, "<=", target, 1, true, redact_answered);
        return;
    }
    write_all(c);
}

/* A head in the middle of an item, or behind a log's end, would not collide with anything: it
 * must be known that an item ends there, and still does. */
static void head_answered(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    struct store_append *req = append_of(c);
    struct log_item item = {0};

    if (v != DYNAMO_FINE || (a->items_n > 0 && !store_dynamodb_log_item(&a->items[0], &item))) {
        store_dynamodb_call_finish(c, STORE_FAILED);
        return;
    }
    req->ret_head = a->items_n > 0 ? item.first + item.n - 1 : 0;
    store_dynamodb_note_end(c, req->room, req->ret_head);
    if (req->ret_head == req->head)
        redact_next(c);
    else
        store_dynamodb_call_finish(c, req->ret_head > req->head ? STORE_CONFLICT : STORE_BEHIND);
}

void store_dynamodb_append(struct chain *c)
{
    struct store_append *req = append_of(c);
    struct append_work *w = mem_zeroed(1, sizeof(*w));

    c->append = w;
    c->release = work_free;
    c->nonce = store_dynamodb_call_random(c);
    if (!divide(req, w) || !choose_states(req, w) || w->items_n + w->states_n > DYNAMO_REASONS_MAX)
        store_dynamodb_call_settle(c, STORE_FULL);
    else if (!store_dynamodb_ended_lately(c->d, req->room, req->head, c->started_us))
        store_dynamodb_log_query(c, ">", 0, 1, true, head_answered);
    else
        redact_next(c);
}
