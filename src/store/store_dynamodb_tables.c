#include "store/store_dynamodb_tables.h"

#include "base/str.h"
#include "store/store_dynamodb_impl.h"

#include <stdarg.h>
#include <stdio.h>

#define LOOK_MS 1000
#define NO_TTL "expiry is not known here (an emulator?)"

/* Of each table: its keys and their types; range NULL: it has one key. */
static const struct {
    const char *hash, *hash_type, *range, *range_type;
    bool expires; /* by the attribute "ttl" */
    bool passing; /* what is in it is worth no backup */
} shapes[] = {
    {"room", "S", "seq", "N", false, false},
    {"pk", "S", "sk", "B", true, false},
    {NULL, "S", NULL, NULL, true, true}, /* store_dynamodb_apart; its key is its own */
};

static void dynamodb_tables_look(struct chain *c, unsigned delay_ms);
static void look_at_ttl(struct chain *c);
static void look_at_recovery(struct chain *c);

static struct store_dynamodb_tables *tables_of(const struct chain *c)
{
    return CONTAINER_OF(c->req, struct store_dynamodb_tables, req);
}

static const char *dynamodb_tables_name_of(const struct chain *c)
{
    unsigned i = tables_of(c)->index;

    return i == 0 ? c->d->logs : i == 1 ? c->d->records : c->d->apart.table;
}

static const char *hash_of(const struct chain *c)
{
    const char *hash = shapes[tables_of(c)->index].hash;

    return hash != NULL ? hash : c->d->apart.key;
}

static bool has_time(const struct chain *c)
{
    return io_now_ms(c->req->home) + LOOK_MS < c->deadline_ms;
}

static void dynamodb_tables_say(const struct chain *c, const char *what)
{
    char line[STORE_DYNAMODB_NAME_MAX + 128];

    (void)snprintf(line, sizeof(line), "%s: %s", dynamodb_tables_name_of(c), what);
    tables_of(c)->said(tables_of(c)->ctx, line);
}

static void dynamodb_tables_fail(struct chain *c, const char *what)
{
    struct store_dynamodb_tables *t = tables_of(c);

    (void)snprintf(t->ret_why, sizeof(t->ret_why), "%.*s: %.300s", STORE_DYNAMODB_NAME_MAX,
                   dynamodb_tables_name_of(c), what);
    store_dynamodb_call_finish(c, STORE_FAILED);
}

static void fail_as(struct chain *c, const struct dynamo_answer *a)
{
    char what[STORE_DYNAMODB_WHY_MAX];

    store_dynamodb_call_why(c, a, sizeof(what), what);
    dynamodb_tables_fail(c, what);
}

/* What an emulator does not know of is no reason to stop. */
static bool is_unknown(const struct dynamo_answer *a)
{
    return str_eq(a->error, STR("UnknownOperationException"));
}

static void next_table(struct chain *c)
{
    struct store_dynamodb_tables *t = tables_of(c);

    if (++t->index < COUNTOF(shapes) - (c->d->apart.table[0] == '\0')) {
        dynamodb_tables_look(c, 0);
        return;
    }
    if (t->missed)
        (void)snprintf(t->ret_why, sizeof(t->ret_why),
                       "not all is as it must be: `polylog store init` makes what is missing");
    store_dynamodb_call_finish(c, t->missed ? STORE_FAILED : STORE_OK);
}

static void dynamodb_tables_begin(struct chain *c, const char *operation, struct json_out *ret_out)
{
    store_dynamodb_call_begin(c, operation, ret_out);
    json_out_field_str(ret_out, "TableName", str_of(dynamodb_tables_name_of(c)));
}

/* Recovery. */

static void set_recovery(struct chain *c, unsigned delay_ms);

/* A table that was made just now may not have any backups to set up. */
static void recovery_set(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    if (v == DYNAMO_FINE) {
        dynamodb_tables_say(c, "point-in-time recovery is on now");
        next_table(c);
    } else if (str_eq(a->error, STR("ContinuousBackupsUnavailableException")) && has_time(c)) {
        set_recovery(c, LOOK_MS);
    } else {
        fail_as(c, a);
    }
}

static void set_recovery(struct chain *c, unsigned delay_ms)
{
    struct json_out o;

    dynamodb_tables_begin(c, "UpdateContinuousBackups", &o);
    json_out_key(&o, "PointInTimeRecoverySpecification");
    json_out_object(&o);
    json_out_field_bool(&o, "PointInTimeRecoveryEnabled", true);
    json_out_object_end(&o);
    store_dynamodb_call_send_in(c, &o, delay_ms, recovery_set);
}

static void recovery_seen(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    struct store_dynamodb_tables *t = tables_of(c);

    if (v != DYNAMO_FINE && is_unknown(a)) {
        dynamodb_tables_say(c, "point-in-time recovery is not known here (an emulator?)");
        next_table(c);
    } else if (v != DYNAMO_FINE) {
        fail_as(c, a);
    } else if (str_eq(a->table.recovery, STR("ENABLED"))) {
        dynamodb_tables_say(c, "point-in-time recovery is on");
        next_table(c);
    } else if (t->make) {
        set_recovery(c, 0);
    } else {
        dynamodb_tables_say(c, "point-in-time recovery is off");
        t->missed = true;
        next_table(c);
    }
}

static void look_at_recovery(struct chain *c)
{
    struct json_out o;

    if (!tables_of(c)->recovery || shapes[tables_of(c)->index].passing) {
        next_table(c);
        return;
    }
    dynamodb_tables_begin(c, "DescribeContinuousBackups", &o);
    store_dynamodb_call_send(c, &o, recovery_seen);
}

/* Expiry. */

static void ttl_set(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    if (v != DYNAMO_FINE && !is_unknown(a)) {
        fail_as(c, a);
        return;
    }
    dynamodb_tables_say(c, v == DYNAMO_FINE ? "items expire by \"ttl\" now" : NO_TTL);
    look_at_recovery(c);
}

static void set_ttl(struct chain *c)
{
    struct json_out o;

    dynamodb_tables_begin(c, "UpdateTimeToLive", &o);
    json_out_key(&o, "TimeToLiveSpecification");
    json_out_object(&o);
    json_out_field_str(&o, "AttributeName", STR("ttl"));
    json_out_field_bool(&o, "Enabled", true);
    json_out_object_end(&o);
    store_dynamodb_call_send(c, &o, ttl_set);
}

static void ttl_seen(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    struct store_dynamodb_tables *t = tables_of(c);

    if (v != DYNAMO_FINE && is_unknown(a)) {
        dynamodb_tables_say(c, NO_TTL);
        look_at_recovery(c);
    } else if (v != DYNAMO_FINE) {
        fail_as(c, a);
    } else if (str_starts(a->table.ttl, STR("ENABL"))) { /* ENABLED, ENABLING */
        dynamodb_tables_say(c, "items expire by \"ttl\"");
        look_at_recovery(c);
    } else if (t->make) {
        set_ttl(c);
    } else {
        dynamodb_tables_say(c, "items do not expire");
        t->missed = true;
        look_at_recovery(c);
    }
}

static void look_at_ttl(struct chain *c)
{
    struct json_out o;

    if (!shapes[tables_of(c)->index].expires) {
        look_at_recovery(c);
        return;
    }
    dynamodb_tables_begin(c, "DescribeTimeToLive", &o);
    store_dynamodb_call_send(c, &o, ttl_seen);
}

/* The table. */

static void made(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    if (v == DYNAMO_FINE)
        dynamodb_tables_say(c, "is being made");
    else if (!str_eq(a->error, STR("ResourceInUseException"))) { /* else by another */
        fail_as(c, a);
        return;
    }
    dynamodb_tables_look(c, LOOK_MS / 4);
}

static void put_attribute(struct json_out *o, const char *name, const char *role, const char *value)
{
    json_out_object(o);
    json_out_field_str(o, "AttributeName", str_of(name));
    json_out_field_str(o, role, str_of(value));
    json_out_object_end(o);
}

static void make(struct chain *c)
{
    const struct store_dynamodb_tables *t = tables_of(c);
    struct json_out o;

    dynamodb_tables_begin(c, "CreateTable", &o);
    json_out_field_str(&o, "BillingMode", STR("PAY_PER_REQUEST"));
    json_out_key(&o, "AttributeDefinitions");
    json_out_array(&o);
    put_attribute(&o, hash_of(c), "AttributeType", shapes[t->index].hash_type);
    if (shapes[t->index].range != NULL)
        put_attribute(&o, shapes[t->index].range, "AttributeType", shapes[t->index].range_type);
    json_out_array_end(&o);
    json_out_key(&o, "KeySchema");
    json_out_array(&o);
    put_attribute(&o, hash_of(c), "KeyType", "HASH");
    if (shapes[t->index].range != NULL)
        put_attribute(&o, shapes[t->index].range, "KeyType", "RANGE");
    json_out_array_end(&o);
    if (t->protection)
        json_out_field_bool(&o, "DeletionProtectionEnabled", true);
    if (t->key[0] != '\0') {
        json_out_key(&o, "SSESpecification");
        json_out_object(&o);
        json_out_field_bool(&o, "Enabled", true);
        json_out_field_str(&o, "SSEType", STR("KMS"));
        json_out_field_str(&o, "KMSMasterKeyId", str_of(t->key));
        json_out_object_end(&o);
    }
    store_dynamodb_call_send(c, &o, made);
}

static bool has_range(const struct dynamo_table *table)
{
    for (unsigned i = 0; i < table->roles_n; i++)
        if (str_eq(table->roles[i].role, STR("RANGE")))
            return true;
    return false;
}

static bool has_shape(const struct chain *c, const struct dynamo_table *table)
{
    unsigned i = tables_of(c)->index;

    if (!dynamo_table_has(table, hash_of(c), "HASH") ||
        !dynamo_table_has(table, hash_of(c), shapes[i].hash_type))
        return false;
    if (shapes[i].range == NULL)
        return !has_range(table);
    return dynamo_table_has(table, shapes[i].range, "RANGE") &&
           dynamo_table_has(table, shapes[i].range, shapes[i].range_type);
}

static void missing(struct chain *c)
{
    struct store_dynamodb_tables *t = tables_of(c);

    if (t->make) {
        make(c);
        return;
    }
    dynamodb_tables_say(c, "is not there");
    t->missed = true;
    next_table(c);
}

static void seen(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    if (v != DYNAMO_FINE && str_eq(a->error, STR("ResourceNotFoundException"))) {
        missing(c);
    } else if (v != DYNAMO_FINE) {
        fail_as(c, a);
    } else if (!has_shape(c, &a->table)) {
        dynamodb_tables_fail(
            c, "is another's: its keys are not those of Polylog; choose another name");
    } else if (!str_eq(a->table.status, STR("ACTIVE")) &&
               !str_eq(a->table.status, STR("UPDATING"))) {
        if (has_time(c))
            dynamodb_tables_look(c, LOOK_MS);
        else
            dynamodb_tables_fail(c, "did not get ready in time");
    } else {
        dynamodb_tables_say(c, "is there");
        look_at_ttl(c);
    }
}

static void dynamodb_tables_look(struct chain *c, unsigned delay_ms)
{
    struct json_out o;

    dynamodb_tables_begin(c, "DescribeTable", &o);
    store_dynamodb_call_send_in(c, &o, delay_ms, seen);
}

static void dynamodb_tables_deliver(struct io_mail *mail)
{
    struct io_job *job = CONTAINER_OF(mail, struct io_job, mail);
    struct store_dynamodb_tables *t = CONTAINER_OF(job, struct store_dynamodb_tables, req.job);

    t->req.done(&t->req);
}

void store_dynamodb_tables(struct store *store, struct store_dynamodb_tables *t)
{
    struct store_dynamodb *d = CONTAINER_OF(store, struct store_dynamodb, store);
    struct chain *c = store_dynamodb_call_chain(d, &t->req);

    t->req.op = STORE_GET; /* it counts as no write */
    t->req.job.mail.deliver = dynamodb_tables_deliver;
    (void)snprintf(t->ret_why, sizeof(t->ret_why), "there are no credentials");
    t->index = 0;
    t->missed = false;
    c->quiet = true;
    c->deadline_ms = io_now_ms(t->req.home) + t->patience_ms;
    dynamodb_tables_look(c, 0);
}
