#include "store/store_dynamodb_tables.h"

#include "base/str.h"
#include "store/store_dynamodb_impl.h"

#include <stdarg.h>
#include <stdio.h>

#define LOOK_MS 1000
#define NO_TTL "expiry is not known here (an emulator?)"

/* Of each table: its keys and their types. */
static const struct {
    const char *hash, *hash_type, *range, *range_type;
    bool expires; /* by the attribute "ttl" */
} shapes[] = {
    {"room", "S", "seq", "N", false},
    {"pk", "S", "sk", "B", true},
};

static void look(struct chain *c, unsigned delay_ms);
static void look_at_ttl(struct chain *c);
static void look_at_recovery(struct chain *c);

static struct store_dynamodb_tables *tables_of(const struct chain *c)
{
    return CONTAINER_OF(c->req, struct store_dynamodb_tables, req);
}

static const char *name_of(const struct chain *c)
{
    return tables_of(c)->index == 0 ? c->d->logs : c->d->records;
}

static bool has_time(const struct chain *c)
{
    return io_now_ms(c->req->home) + LOOK_MS < c->deadline_ms;
}

static void say(const struct chain *c, const char *what)
{
    char line[STORE_DYNAMODB_NAME_MAX + 128];

    (void)snprintf(line, sizeof(line), "%s: %s", name_of(c), what);
    tables_of(c)->said(tables_of(c)->ctx, line);
}

static void fail(struct chain *c, const char *what)
{
    struct store_dynamodb_tables *t = tables_of(c);

    (void)snprintf(t->ret_why, sizeof(t->ret_why), "%.*s: %.300s", STORE_DYNAMODB_NAME_MAX,
                   name_of(c), what);
    store_dynamodb_call_finish(c, STORE_FAILED);
}

static void fail_as(struct chain *c, const struct dynamo_answer *a)
{
    char what[STORE_DYNAMODB_WHY_MAX];

    if (a->error.n > 0)
        (void)snprintf(what, sizeof(what), "%s: %.*s: %.*s", strchr(c->target, '.') + 1,
                       STR_ARGS(a->error), STR_ARGS(a->message));
    else
        (void)snprintf(what, sizeof(what), "%s: %s", strchr(c->target, '.') + 1,
                       c->http.ret_error < 0 ? strerror(-c->http.ret_error)
                                             : "an answer that is none of DynamoDB's");
    fail(c, what);
}

/* What an emulator does not know of is no reason to stop. */
static bool is_unknown(const struct dynamo_answer *a)
{
    return str_eq(a->error, STR("UnknownOperationException"));
}

static void next_table(struct chain *c)
{
    struct store_dynamodb_tables *t = tables_of(c);

    if (++t->index < COUNTOF(shapes)) {
        look(c, 0);
        return;
    }
    if (t->missed)
        (void)snprintf(t->ret_why, sizeof(t->ret_why),
                       "not all is as it must be: `polylog store init` makes what is missing");
    store_dynamodb_call_finish(c, t->missed ? STORE_FAILED : STORE_OK);
}

static void begin(struct chain *c, const char *operation, struct json_out *ret_out)
{
    store_dynamodb_call_begin(c, operation, ret_out);
    json_out_field_str(ret_out, "TableName", str_of(name_of(c)));
}

/* Recovery. */

static void set_recovery(struct chain *c, unsigned delay_ms);

/* A table that was made just now may not have any backups to set up. */
static void recovery_set(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    if (v == DYNAMO_FINE) {
        say(c, "point-in-time recovery is on now");
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

    begin(c, "UpdateContinuousBackups", &o);
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
        say(c, "point-in-time recovery is not known here (an emulator?)");
        next_table(c);
    } else if (v != DYNAMO_FINE) {
        fail_as(c, a);
    } else if (str_eq(a->table.recovery, STR("ENABLED"))) {
        say(c, "point-in-time recovery is on");
        next_table(c);
    } else if (t->make) {
        set_recovery(c, 0);
    } else {
        say(c, "point-in-time recovery is off");
        t->missed = true;
        next_table(c);
    }
}

static void look_at_recovery(struct chain *c)
{
    struct json_out o;

    if (!tables_of(c)->recovery) {
        next_table(c);
        return;
    }
    begin(c, "DescribeContinuousBackups", &o);
    store_dynamodb_call_send(c, &o, recovery_seen);
}

/* Expiry. */

static void ttl_set(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    if (v != DYNAMO_FINE && !is_unknown(a)) {
        fail_as(c, a);
        return;
    }
    say(c, v == DYNAMO_FINE ? "items expire by \"ttl\" now" : NO_TTL);
    look_at_recovery(c);
}

static void set_ttl(struct chain *c)
{
    struct json_out o;

    begin(c, "UpdateTimeToLive", &o);
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
        say(c, NO_TTL);
        look_at_recovery(c);
    } else if (v != DYNAMO_FINE) {
        fail_as(c, a);
    } else if (str_starts(a->table.ttl, STR("ENABL"))) { /* ENABLED, ENABLING */
        say(c, "items expire by \"ttl\"");
        look_at_recovery(c);
    } else if (t->make) {
        set_ttl(c);
    } else {
        say(c, "items do not expire");
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
    begin(c, "DescribeTimeToLive", &o);
    store_dynamodb_call_send(c, &o, ttl_seen);
}

/* The table. */

static void made(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    if (v == DYNAMO_FINE)
        say(c, "is being made");
    else if (!str_eq(a->error, STR("ResourceInUseException"))) { /* else by another */
        fail_as(c, a);
        return;
    }
    look(c, LOOK_MS / 4);
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

    begin(c, "CreateTable", &o);
    json_out_field_str(&o, "BillingMode", STR("PAY_PER_REQUEST"));
    json_out_key(&o, "AttributeDefinitions");
    json_out_array(&o);
    put_attribute(&o, shapes[t->index].hash, "AttributeType", shapes[t->index].hash_type);
    put_attribute(&o, shapes[t->index].range, "AttributeType", shapes[t->index].range_type);
    json_out_array_end(&o);
    json_out_key(&o, "KeySchema");
    json_out_array(&o);
    put_attribute(&o, shapes[t->index].hash, "KeyType", "HASH");
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

static bool has_shape(const struct chain *c, const struct dynamo_table *table)
{
    unsigned i = tables_of(c)->index;

    return dynamo_table_has(table, shapes[i].hash, "HASH") &&
           dynamo_table_has(table, shapes[i].hash, shapes[i].hash_type) &&
           dynamo_table_has(table, shapes[i].range, "RANGE") &&
           dynamo_table_has(table, shapes[i].range, shapes[i].range_type);
}

static void missing(struct chain *c)
{
    struct store_dynamodb_tables *t = tables_of(c);

    if (t->make) {
        make(c);
        return;
    }
    say(c, "is not there");
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
        fail(c, "is another's: its keys are not those of Polylog; choose another prefix");
    } else if (!str_eq(a->table.status, STR("ACTIVE")) &&
               !str_eq(a->table.status, STR("UPDATING"))) {
        if (has_time(c))
            look(c, LOOK_MS);
        else
            fail(c, "did not get ready in time");
    } else {
        say(c, "is there");
        look_at_ttl(c);
    }
}

static void look(struct chain *c, unsigned delay_ms)
{
    struct json_out o;

    begin(c, "DescribeTable", &o);
    store_dynamodb_call_send_in(c, &o, delay_ms, seen);
}

static void deliver(struct io_mail *mail)
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
    t->req.job.mail.deliver = deliver;
    (void)snprintf(t->ret_why, sizeof(t->ret_why), "there are no credentials");
    t->index = 0;
    t->missed = false;
    c->quiet = true;
    c->deadline_ms = io_now_ms(t->req.home) + t->patience_ms;
    look(c, 0);
}
