#include "lib/dynamo_table.h"

#include "base/str.h"
#include "lib/dynamo_expr.h"

#include <stdio.h>
#include <stdlib.h>

#define TABLES_MAX 4
#define ITEM_MAX (400 * 1024)
#define PAGE_MAX (1024 * 1024)
#define TRANSACTION_MAX (4 * 1024 * 1024)
#define ACTIONS_MAX 100
#define TOKENS_MAX 64
#define PK_MAX 2048
#define SK_MAX 1024

struct table {
    char name[64], pk[16], sk[16], sk_type;
    struct dynamo_values *items; /* in order */
    size_t n, cap;
};

struct dynamo_tables {
    struct table tables[TABLES_MAX];
    unsigned n;
    char tokens[TOKENS_MAX][40]; /* of transactions that were done */
    unsigned tokens_n;
};

/* One request, or one action of a transaction. */
struct act {
    struct dynamo_tables *all;
    const struct dynamo_node *at;
    struct buf *out;
    struct table *table;
    struct dynamo_values key, values, old; /* old: a copy of what was there */
    struct dynamo_values item;             /* what is there afterwards */
    struct dynamo_values changed;
    bool exists;
    size_t place;
    const char *error, *why;
};

struct dynamo_tables *dynamo_tables_new(void)
{
    struct dynamo_tables *t = calloc(1, sizeof(*t));

    if (t == NULL)
        abort();
    return t;
}

static void clear(struct dynamo_tables *t)
{
    for (unsigned i = 0; i < t->n; i++) {
        for (size_t k = 0; k < t->tables[i].n; k++)
            dynamo_values_fini(&t->tables[i].items[k]);
        free(t->tables[i].items);
    }
}

void dynamo_tables_free(struct dynamo_tables *t)
{
    if (t == NULL)
        return;
    clear(t);
    free(t);
}

static void copy_items(struct table *to)
{
    const struct dynamo_values *from = to->items;

    to->items = calloc(to->cap + 1, sizeof(*to->items));
    if (to->items == NULL)
        abort();
    for (size_t i = 0; i < to->n; i++)
        dynamo_values_copy(&to->items[i], &from[i]);
}

void dynamo_tables_put_back(struct dynamo_tables *t, const struct dynamo_tables *from)
{
    clear(t);
    *t = *from;
    for (unsigned i = 0; i < t->n; i++)
        copy_items(&t->tables[i]);
}

struct dynamo_tables *dynamo_tables_copy(const struct dynamo_tables *t)
{
    struct dynamo_tables *copy = dynamo_tables_new();

    dynamo_tables_put_back(copy, t);
    return copy;
}

static bool same_values(const struct dynamo_values *a, const struct dynamo_values *b)
{
    bool same = a->n == b->n;

    for (size_t i = 0; same && i < a->n; i++) {
        const struct dynamo_value *other = dynamo_values_get(b, str_of(a->v[i].name));

        same = other != NULL && other->n == a->v[i].n && memcmp(other->p, a->v[i].p, other->n) == 0;
    }
    return same;
}

bool dynamo_tables_equal(const struct dynamo_tables *a, const struct dynamo_tables *b)
{
    bool same = a->n == b->n;

    for (unsigned i = 0; same && i < a->n; i++) {
        same = a->tables[i].n == b->tables[i].n;
        for (size_t k = 0; same && k < a->tables[i].n; k++)
            same = same_values(&a->tables[i].items[k], &b->tables[i].items[k]);
    }
    return same;
}

void dynamo_tables_add(struct dynamo_tables *t, const char *name, const char *pk, const char *sk,
                       char sk_type)
{
    struct table *to = &t->tables[t->n++];

    assert(t->n <= TABLES_MAX);
    (void)snprintf(to->name, sizeof(to->name), "%s", name);
    (void)snprintf(to->pk, sizeof(to->pk), "%s", pk);
    (void)snprintf(to->sk, sizeof(to->sk), "%s", sk);
    to->sk_type = sk_type;
}

size_t dynamo_tables_items(const struct dynamo_tables *t)
{
    size_t n = 0;

    for (unsigned i = 0; i < t->n; i++)
        n += t->tables[i].n;
    return n;
}

static bool wrong(struct act *a, const char *error, const char *why)
{
    a->error = error;
    a->why = why;
    return false;
}

static bool invalid(struct act *a, const char *why)
{
    return wrong(a, "ValidationException", why);
}

static void act_fini(struct act *a)
{
    dynamo_values_fini(&a->key);
    dynamo_values_fini(&a->values);
    dynamo_values_fini(&a->old);
    dynamo_values_fini(&a->item);
    dynamo_values_fini(&a->changed);
}

static int order(const struct table *t, const struct dynamo_values *a,
                 const struct dynamo_values *b)
{
    int c = dynamo_value_order(dynamo_values_get(a, str_of(t->pk)),
                               dynamo_values_get(b, str_of(t->pk)));

    return c != 0 ? c
                  : dynamo_value_order(dynamo_values_get(a, str_of(t->sk)),
                                       dynamo_values_get(b, str_of(t->sk)));
}

/* The place of the key among the items, or where it would be. */
static size_t place_of(const struct table *t, const struct dynamo_values *key)
{
    size_t from = 0, to = t->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (order(t, &t->items[mid], key) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static bool find_table(struct act *a)
{
    struct str name = dynamo_tree_text(a->at, "TableName");

    for (unsigned i = 0; i < a->all->n; i++)
        if (str_eq(name, str_of(a->all->tables[i].name)))
            a->table = &a->all->tables[i];
    return a->table != NULL || wrong(a, "ResourceNotFoundException", "there is no such table");
}

/* The key attributes must be there and right; others only if `more`. */
static bool check_key(struct act *a, const struct dynamo_values *v, bool more)
{
    const struct dynamo_value *pk = dynamo_values_get(v, str_of(a->table->pk));
    const struct dynamo_value *sk = dynamo_values_get(v, str_of(a->table->sk));

    if (pk == NULL || sk == NULL || pk->type != 'S' || sk->type != a->table->sk_type)
        return invalid(a, "a key is missing or of the wrong type");
    if (pk->n == 0 || pk->n > PK_MAX || sk->n == 0 || sk->n > SK_MAX)
        return invalid(a, "a key is empty or too long");
    return more || v->n == 2 || invalid(a, "a key has more than its attributes");
}

/* Every expression is right, and every value occurs in one. */
static bool check_expressions(struct act *a)
{
    static const char *const names[] = {"ConditionExpression", "UpdateExpression",
                                        "KeyConditionExpression", "FilterExpression"};
    const char *why =
        dynamo_values_read(&a->values, dynamo_tree_get(a->at, "ExpressionAttributeValues"));
    char all[1024] = " ";
    size_t n = 1;

    if (why != NULL)
        return invalid(a, why);
    for (size_t i = 0; i < COUNTOF(names); i++) {
        struct str e = dynamo_tree_text(a->at, names[i]);

        why = dynamo_expr_check(e, &a->values);
        if (why != NULL)
            return invalid(a, why);
        assert(n + e.n + 2 < sizeof(all));
        n += (size_t)snprintf(all + n, sizeof(all) - n, "%.*s ", STR_ARGS(e));
    }
    for (unsigned i = 0; i < a->values.n; i++)
        if (strstr(all, a->values.v[i].name) == NULL)
            return invalid(a, "a value is used in no expression");
    return true;
}

/* Finds what is there, and whether the condition holds for it. */
static bool look(struct act *a, const struct dynamo_values *key)
{
    struct str condition = dynamo_tree_text(a->at, "ConditionExpression");

    a->place = place_of(a->table, key);
    a->exists = a->place < a->table->n && order(a->table, &a->table->items[a->place], key) == 0;
    if (a->exists)
        dynamo_values_copy(&a->old, &a->table->items[a->place]);
    if (condition.n > 0 && !dynamo_expr_holds(condition, &a->old, &a->values))
        return wrong(a, "ConditionalCheckFailedException", "The conditional request failed");
    return true;
}

static bool prepare_put(struct act *a)
{
    const char *why;

    if (!dynamo_tree_only(a->at, "TableName Item ConditionExpression ExpressionAttributeValues "
                                 "ReturnValuesOnConditionCheckFailure"))
        return invalid(a, "an unknown field");
    why = dynamo_values_read(&a->item, dynamo_tree_get(a->at, "Item"));
    if (why != NULL)
        return invalid(a, why);
    if (!find_table(a) || !check_expressions(a) || !check_key(a, &a->item, true))
        return false;
    if (dynamo_values_bytes(&a->item) > ITEM_MAX)
        return invalid(a, "Item size has exceeded the maximum allowed size");
    return look(a, &a->item);
}

static bool read_key(struct act *a)
{
    const char *why = dynamo_values_read(&a->key, dynamo_tree_get(a->at, "Key"));

    if (why != NULL)
        return invalid(a, why);
    return find_table(a) && check_expressions(a) && check_key(a, &a->key, false);
}

static bool prepare_update(struct act *a)
{
    const char *why;

    if (!dynamo_tree_only(a->at, "TableName Key ConditionExpression ExpressionAttributeValues "
                                 "UpdateExpression ReturnValues "
                                 "ReturnValuesOnConditionCheckFailure"))
        return invalid(a, "an unknown field");
    if (!read_key(a) || !look(a, &a->key))
        return false;
    dynamo_values_copy(&a->item, a->exists ? &a->old : &a->key);
    why = dynamo_expr_update(dynamo_tree_text(a->at, "UpdateExpression"), &a->item, &a->values,
                             &a->changed);
    if (why != NULL)
        return invalid(a, why);
    if (dynamo_values_bytes(&a->item) > ITEM_MAX)
        return invalid(a, "Item size to update has exceeded the maximum allowed size");
    return true;
}

/* Makes it so. What is at another place may have moved since it was prepared. */
static void commit(struct act *a)
{
    struct table *t = a->table;
    size_t at = place_of(t, &a->item);

    if (a->exists)
        dynamo_values_fini(&t->items[at]);
    if (!a->exists) {
        if (t->n == t->cap) {
            t->cap = MAX(t->cap * 2, (size_t)64);
            t->items = reallocarray(t->items, t->cap, sizeof(*t->items));
            if (t->items == NULL)
                abort();
        }
        memmove(t->items + at + 1, t->items + at, (t->n - at) * sizeof(*t->items));
        t->n++;
    }
    dynamo_values_copy(&t->items[at], &a->item);
}

static unsigned say_error(struct act *a)
{
    struct json_out o;
    char type[96];

    (void)snprintf(type, sizeof(type), "com.amazonaws.dynamodb.v20120810#%s", a->error);
    json_out_init(&o, a->out);
    json_out_object(&o);
    json_out_field_str(&o, "__type", str_of(type));
    json_out_field_str(&o, "message", str_of(a->why));
    if (a->old.n > 0 && strcmp(a->error, "ConditionalCheckFailedException") == 0 &&
        dynamo_tree_get(a->at, "ReturnValuesOnConditionCheckFailure") != NULL) {
        json_out_key(&o, "Item");
        dynamo_values_write(&a->old, &o);
    }
    json_out_object_end(&o);
    return 400;
}

static unsigned run_write(struct act *a, bool prepared)
{
    struct json_out o;

    if (!prepared)
        return say_error(a);
    commit(a);
    json_out_init(&o, a->out);
    json_out_object(&o);
    if (str_eq(dynamo_tree_text(a->at, "ReturnValues"), STR("UPDATED_NEW"))) {
        json_out_key(&o, "Attributes");
        dynamo_values_write(&a->changed, &o);
    }
    json_out_object_end(&o);
    return 200;
}

static unsigned run_get(struct act *a)
{
    struct str only = dynamo_tree_text(a->at, "ProjectionExpression");
    struct json_out o;

    if (!dynamo_tree_only(a->at, "TableName Key ConsistentRead ProjectionExpression"))
        (void)invalid(a, "an unknown field");
    if (a->error != NULL || !read_key(a) || !look(a, &a->key))
        return say_error(a);
    json_out_init(&o, a->out);
    json_out_object(&o);
    if (a->exists) {
        const struct dynamo_value *one = only.n > 0 ? dynamo_values_get(&a->old, only) : NULL;
        struct dynamo_values some = {.n = one != NULL};

        if (one != NULL)
            some.v[0] = *one;
        json_out_key(&o, "Item");
        dynamo_values_write(only.n > 0 ? &some : &a->old, &o);
    }
    json_out_object_end(&o);
    return 200;
}

/* For tests that lose something: the engine deletes nothing. */
static unsigned run_delete(struct act *a)
{
    if (!dynamo_tree_only(a->at, "TableName Key"))
        (void)invalid(a, "an unknown field");
    if (a->error != NULL || !read_key(a) || !look(a, &a->key))
        return say_error(a);
    if (a->exists) {
        dynamo_values_fini(&a->table->items[a->place]);
        a->table->n--;
        memmove(&a->table->items[a->place], &a->table->items[a->place + 1],
                (a->table->n - a->place) * sizeof(a->table->items[0]));
    }
    buf_append(a->out, STR("{}"));
    return 200;
}

/* Queries. */

static void write_last(const struct table *t, const struct dynamo_values *item, struct json_out *o)
{
    struct dynamo_values key = {.n = 2};

    key.v[0] = *dynamo_values_get(item, str_of(t->pk));
    key.v[1] = *dynamo_values_get(item, str_of(t->sk));
    json_out_key(o, "LastEvaluatedKey");
    dynamo_values_write(&key, o);
}

/* The value in "pk = :value ...". */
static const struct dynamo_value *partition_of(const struct act *a, struct str e)
{
    (void)str_cut(&e, ' ');
    (void)str_cut(&e, ' ');
    return dynamo_values_get(&a->values, str_cut(&e, ' '));
}

static bool prepare_query(struct act *a)
{
    struct str e = dynamo_tree_text(a->at, "KeyConditionExpression");
    const char *why = dynamo_values_read(&a->key, dynamo_tree_get(a->at, "ExclusiveStartKey"));

    if (why != NULL)
        return invalid(a, why);
    if (!dynamo_tree_only(a->at, "TableName ConsistentRead KeyConditionExpression "
                                 "ExpressionAttributeValues Limit ScanIndexForward "
                                 "ExclusiveStartKey"))
        return invalid(a, "an unknown field");
    if (!find_table(a) || !check_expressions(a))
        return false;
    if (!str_starts(e, str_of(a->table->pk)) || partition_of(a, e) == NULL)
        return invalid(a, "a query is of one partition");
    if (a->key.n == 0)
        return true;
    return check_key(a, &a->key, false) &&
           (dynamo_expr_holds(e, &a->key, &a->values) ||
            invalid(a, "The provided starting key is outside query boundaries"));
}

static bool is_after(const struct act *a, const struct dynamo_values *item, bool down)
{
    int c = a->key.n > 0 ? order(a->table, item, &a->key) : 0;

    return a->key.n == 0 || (down ? c < 0 : c > 0);
}

/* The first item whose partition key is not before the value, or is behind it. */
static size_t edge(const struct table *t, const struct dynamo_value *pk, bool behind)
{
    size_t from = 0, to = t->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int c = dynamo_value_order(dynamo_values_get(&t->items[mid], str_of(t->pk)), pk);

        if (c < 0 || (behind && c == 0))
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static unsigned run_query(struct act *a)
{
    const struct dynamo_node *forward = dynamo_tree_get(a->at, "ScanIndexForward");
    struct str e = dynamo_tree_text(a->at, "KeyConditionExpression");
    bool down = forward != NULL && forward->kind == JSON_FALSE, more = false;
    uint64_t limit = UINT64_MAX, n = 0;
    const struct dynamo_values *last = NULL;
    size_t bytes = 0, first, end;
    struct json_out o;

    if (dynamo_tree_get(a->at, "Limit") != NULL &&
        (!str_to_u64(dynamo_tree_text(a->at, "Limit"), &limit) || limit == 0))
        (void)invalid(a, "Limit is no number above 0");
    if (a->error != NULL || !prepare_query(a))
        return say_error(a);
    json_out_init(&o, a->out);
    json_out_object(&o);
    json_out_key(&o, "Items");
    json_out_array(&o);
    first = edge(a->table, partition_of(a, e), false);
    end = edge(a->table, partition_of(a, e), true);
    for (size_t i = 0; first + i < end && !more; i++) {
        const struct dynamo_values *item = &a->table->items[down ? end - 1 - i : first + i];

        if (!dynamo_expr_holds(e, item, &a->values) || !is_after(a, item, down))
            continue;
        dynamo_values_write(item, &o);
        bytes += dynamo_values_bytes(item);
        last = item;
        more = ++n == limit || bytes >= PAGE_MAX;
    }
    json_out_array_end(&o);
    json_out_field_u64(&o, "Count", n);
    json_out_field_u64(&o, "ScannedCount", n);
    if (more)
        write_last(a->table, last, &o);
    json_out_object_end(&o);
    return 200;
}

/* All items of a table, in pages. A projection is not made. */

static bool prepare_scan(struct act *a)
{
    const char *why = dynamo_values_read(&a->key, dynamo_tree_get(a->at, "ExclusiveStartKey"));

    if (why != NULL)
        return invalid(a, why);
    if (!dynamo_tree_only(a->at, "TableName ConsistentRead Limit FilterExpression "
                                 "ProjectionExpression ExclusiveStartKey"))
        return invalid(a, "an unknown field");
    return find_table(a) && check_expressions(a) && (a->key.n == 0 || check_key(a, &a->key, false));
}

static unsigned run_scan(struct act *a)
{
    struct str filter = dynamo_tree_text(a->at, "FilterExpression");
    uint64_t limit = UINT64_MAX, looked = 0;
    const struct dynamo_values *last = NULL;
    struct json_out o;
    size_t i = 0;

    if (dynamo_tree_get(a->at, "Limit") != NULL &&
        (!str_to_u64(dynamo_tree_text(a->at, "Limit"), &limit) || limit == 0))
        (void)invalid(a, "Limit is no number above 0");
    if (a->error != NULL || !prepare_scan(a))
        return say_error(a);
    json_out_init(&o, a->out);
    json_out_object(&o);
    json_out_key(&o, "Items");
    json_out_array(&o);
    while (i < a->table->n && !is_after(a, &a->table->items[i], false))
        i++;
    for (; i < a->table->n && looked < limit; i++) {
        last = &a->table->items[i];
        looked++;
        if (filter.n == 0 || dynamo_expr_holds(filter, last, &a->values))
            dynamo_values_write(last, &o);
    }
    json_out_array_end(&o);
    if (looked == limit)
        write_last(a->table, last, &o);
    json_out_object_end(&o);
    return 200;
}

/* Transactions. */

static bool prepare(struct act *a, const struct dynamo_node *action)
{
    const struct dynamo_node *one = action->first;

    if (action->kind != JSON_OBJECT || one == NULL || one->next != NULL)
        return invalid(a, "an action is not one");
    a->at = one;
    if (str_eq(one->key, STR("Put")))
        return prepare_put(a);
    if (str_eq(one->key, STR("Update")))
        return prepare_update(a);
    return invalid(a, "an action of another kind");
}

static void say_reasons(struct act *acts, size_t n, struct buf *out)
{
    struct json_out o;

    json_out_init(&o, out);
    json_out_object(&o);
    json_out_field_str(&o, "__type",
                       STR("com.amazonaws.dynamodb.v20120810#TransactionCanceledException"));
    json_out_field_str(&o, "Message", STR("Transaction cancelled"));
    json_out_key(&o, "CancellationReasons");
    json_out_array(&o);
    for (size_t i = 0; i < n; i++) {
        bool failed = acts[i].error != NULL;

        json_out_object(&o);
        json_out_field_str(&o, "Code", failed ? STR("ConditionalCheckFailed") : STR("None"));
        if (failed && acts[i].old.n > 0 &&
            dynamo_tree_get(acts[i].at, "ReturnValuesOnConditionCheckFailure") != NULL) {
            json_out_key(&o, "Item");
            dynamo_values_write(&acts[i].old, &o);
        }
        json_out_object_end(&o);
    }
    json_out_array_end(&o);
    json_out_object_end(&o);
}

static bool same_item(const struct act *a, const struct act *b)
{
    return a->table == b->table && a->table != NULL && order(a->table, &a->item, &b->item) == 0;
}

/* What is wrong with them together, or NULL. */
static const char *check_acts(const struct act *acts, size_t n)
{
    size_t bytes = 0;

    for (size_t i = 0; i < n; i++) {
        bytes += dynamo_values_bytes(&acts[i].item);
        for (size_t k = 0; k < i && acts[i].error == NULL; k++)
            if (acts[k].error == NULL && same_item(&acts[i], &acts[k]))
                return "Transaction request cannot include multiple operations on one item";
    }
    return bytes > TRANSACTION_MAX ? "a transaction is larger than 4 MB" : NULL;
}

static bool was_done(struct dynamo_tables *t, struct str token)
{
    for (unsigned i = 0; i < MIN(t->tokens_n, TOKENS_MAX); i++)
        if (str_eq(token, str_of(t->tokens[i])))
            return true;
    return false;
}

static unsigned run_acts(struct act *whole, struct act *acts)
{
    struct str token = dynamo_tree_text(whole->at, "ClientRequestToken");
    bool refused = false;
    size_t n = 0;

    for (const struct dynamo_node *at = dynamo_tree_get(whole->at, "TransactItems")->first;
         at != NULL; at = at->next, n++) {
        if (n == ACTIONS_MAX) {
            (void)invalid(whole, "a transaction has at most 100 actions");
            return say_error(whole);
        }
        acts[n].all = whole->all;
        if (prepare(&acts[n], at))
            continue;
        if (strcmp(acts[n].error, "ConditionalCheckFailedException") != 0) {
            (void)wrong(whole, acts[n].error, acts[n].why);
            return say_error(whole);
        }
        refused = true;
    }
    whole->why = check_acts(acts, n);
    if (whole->why != NULL) {
        whole->error = "ValidationException";
        return say_error(whole);
    }
    if (refused) {
        say_reasons(acts, n, whole->out);
        return 400;
    }
    for (size_t i = 0; i < n; i++)
        commit(&acts[i]);
    (void)snprintf(whole->all->tokens[whole->all->tokens_n++ % TOKENS_MAX], 40, "%.*s",
                   STR_ARGS(token));
    buf_append(whole->out, STR("{}"));
    return 200;
}

static unsigned run_transaction(struct act *a)
{
    struct str token = dynamo_tree_text(a->at, "ClientRequestToken");
    struct act *acts;
    unsigned status;

    if (!dynamo_tree_only(a->at, "ClientRequestToken TransactItems") || token.n == 0 ||
        token.n > 36 || dynamo_tree_get(a->at, "TransactItems") == NULL) {
        (void)invalid(a, "a transaction needs its token and items, nothing else");
        return say_error(a);
    }
    if (was_done(a->all, token)) {
        buf_append(a->out, STR("{}"));
        return 200;
    }
    acts = calloc(ACTIONS_MAX, sizeof(*acts));
    if (acts == NULL)
        abort();
    status = run_acts(a, acts);
    for (size_t i = 0; i < ACTIONS_MAX; i++)
        act_fini(&acts[i]);
    free(acts);
    return status;
}

static unsigned run(struct act *a, struct str operation)
{
    if (str_eq(operation, STR("PutItem")))
        return run_write(a, prepare_put(a));
    if (str_eq(operation, STR("UpdateItem")))
        return run_write(a, prepare_update(a));
    if (str_eq(operation, STR("GetItem")))
        return run_get(a);
    if (str_eq(operation, STR("DeleteItem")))
        return run_delete(a);
    if (str_eq(operation, STR("Query")))
        return run_query(a);
    if (str_eq(operation, STR("Scan")))
        return run_scan(a);
    if (str_eq(operation, STR("TransactWriteItems")))
        return run_transaction(a);
    (void)wrong(a, "UnknownOperationException", "");
    return say_error(a);
}

unsigned dynamo_tables_run(struct dynamo_tables *t, struct str operation, struct str body,
                           struct buf *out)
{
    struct act a = {.all = t, .out = out};
    struct dynamo_tree tree;
    unsigned status;

    if (dynamo_tree_parse(&tree, body)) {
        a.at = tree.nodes;
        status = run(&a, operation);
    } else {
        (void)wrong(&a, "SerializationException", "not JSON");
        status = say_error(&a);
    }
    if (a.error != NULL && strcmp(a.error, "ConditionalCheckFailedException") != 0)
        fprintf(stderr, "dynamo_tables: %.*s: %s: %s\n", STR_ARGS(operation), a.error, a.why);
    act_fini(&a);
    dynamo_tree_fini(&tree);
    return status;
}
