/* The tables of a store: what emulators do not have (recovery, keys, protection, tables
 * that take their time) is asked of a service that answers as AWS' reference says. */
#include "store/store_dynamodb_tables.h"

#include "base/str.h"
#include "lib/check.h"
#include "store/store_dynamodb.h"

#include <stdio.h>

/* What the service has of each table, and how it behaves. */
struct service {
    struct http_client client;
    struct {
        bool there, ttl, recovery;
        const char *hash;  /* NULL: as it must be */
        unsigned creating; /* looks until it is ready */
    } tables[3];           /* the third: of a kind of records that has its own */
    unsigned unavailable;  /* tries until recovery can be set */
    const char *refuses;   /* the operation that it refuses, as forbidden */
    bool raced;            /* another makes each table at the same moment */
    unsigned writes;
    char calls[2048], created[1024], created_apart[1024];
};

struct rig {
    struct io_host *host;
    struct io *io;
    struct service service;
    struct store *store;
    struct store_dynamodb_tables t;
    bool done;
    char said[4096];
};

static bool has(struct str body, const char *text)
{
    return body.n > 0 && memmem(body.p, body.n, text, strlen(text)) != NULL;
}

static unsigned error(struct buf *out, const char *type)
{
    buf_printf(out, "{\"__type\":\"com.amazonaws.dynamodb.v20120810#%s\",\"message\":\"no\"}",
               type);
    return 400;
}

static void describe(struct buf *out, const char *outer, unsigned i, const char *hash,
                     const char *status)
{
    const char *range = i == 0 ? "seq" : "sk", *type = i == 0 ? "N" : "B";

    if (i == 2 && strcmp(hash, "connectionId") == 0) {
        buf_printf(out,
                   "{\"%s\":{\"TableStatus\":\"%s\",\"AttributeDefinitions\":["
                   "{\"AttributeName\":\"connectionId\",\"AttributeType\":\"S\"}],\"KeySchema\":["
                   "{\"AttributeName\":\"connectionId\",\"KeyType\":\"HASH\"}]}}",
                   outer, status);
        return;
    }
    buf_printf(out,
               "{\"%s\":{\"TableStatus\":\"%s\",\"AttributeDefinitions\":["
               "{\"AttributeName\":\"%s\",\"AttributeType\":\"S\"},"
               "{\"AttributeName\":\"%s\",\"AttributeType\":\"%s\"}],\"KeySchema\":["
               "{\"AttributeName\":\"%s\",\"KeyType\":\"HASH\"},"
               "{\"AttributeName\":\"%s\",\"KeyType\":\"RANGE\"}]}}",
               outer, status, hash, range, type, hash, range);
}

static const char *const hashes[] = {"room", "pk", "connectionId"};

static unsigned create(struct service *s, unsigned i, struct str body, struct buf *out)
{
    s->writes++;
    s->tables[i].there = true;
    if (i == 0)
        (void)snprintf(s->created, sizeof(s->created), "%.*s", STR_ARGS(body));
    if (i == 2)
        (void)snprintf(s->created_apart, sizeof(s->created_apart), "%.*s", STR_ARGS(body));
    if (s->raced)
        return error(out, "ResourceInUseException");
    describe(out, "TableDescription", i, hashes[i], "CREATING");
    return 200;
}

static unsigned set_recovery(struct service *s, unsigned i, struct buf *out)
{
    s->writes++;
    if (s->unavailable > 0) {
        s->unavailable--;
        return error(out, "ContinuousBackupsUnavailableException");
    }
    s->tables[i].recovery = true;
    buf_printf(out, "{}");
    return 200;
}

static unsigned answer(struct service *s, const char *operation, struct str body, struct buf *out)
{
    unsigned i = has(body, "\"t-log\"") ? 0 : has(body, "\"conns\"") ? 2 : 1;
    const char *hash = hashes[i];

    if (s->refuses != NULL && strcmp(operation, s->refuses) == 0)
        return error(out, "AccessDeniedException");
    if (strcmp(operation, "CreateTable") == 0)
        return create(s, i, body, out);
    if (!s->tables[i].there)
        return error(out, "ResourceNotFoundException");
    if (strcmp(operation, "DescribeTable") == 0) {
        bool creating = s->tables[i].creating > 0;

        s->tables[i].creating -= creating;
        describe(out, "Table", i, s->tables[i].hash != NULL ? s->tables[i].hash : hash,
                 creating ? "CREATING" : "ACTIVE");
    } else if (strcmp(operation, "DescribeTimeToLive") == 0) {
        buf_printf(out, "{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":\"%s\"}}",
                   s->tables[i].ttl ? "ENABLED" : "DISABLED");
    } else if (strcmp(operation, "UpdateTimeToLive") == 0) {
        s->writes++;
        s->tables[i].ttl = has(body, "\"AttributeName\":\"ttl\"");
        buf_printf(out, "{}");
    } else if (strcmp(operation, "DescribeContinuousBackups") == 0) {
        buf_printf(out,
                   "{\"ContinuousBackupsDescription\":{\"ContinuousBackupsStatus\":\"ENABLED\","
                   "\"PointInTimeRecoveryDescription\":{\"PointInTimeRecoveryStatus\":\"%s\"}}}",
                   s->tables[i].recovery ? "ENABLED" : "DISABLED");
    } else if (strcmp(operation, "UpdateContinuousBackups") == 0) {
        return set_recovery(s, i, out);
    } else {
        fail_msg("%s", operation);
    }
    return 200;
}

static void deliver(struct io_mail *mail)
{
    struct http_request *req = CONTAINER_OF(mail, struct http_request, mail);

    req->done(req);
}

/* Answers at once, whenever it was to set out. */
static void submit(struct http_client *client, struct http_request *req)
{
    struct service *s = CONTAINER_OF(client, struct service, client);
    const char *operation = strchr(req->headers[0], '.') + 1;
    size_t n = strlen(s->calls);

    (void)snprintf(s->calls + n, sizeof(s->calls) - n, "%s ", operation);
    buf_init(&req->ret_body, 8192);
    req->ret_status = answer(s, operation, req->body, &req->ret_body);
    req->ret_error = 0;
    req->mail.deliver = deliver;
    io_post(req->home, &req->mail, &req->mail);
}

static void close_service(struct http_client *client)
{
    (void)client;
}

static void said(void *ctx, const char *line)
{
    struct rig *r = ctx;
    size_t n = strlen(r->said);

    (void)snprintf(r->said + n, sizeof(r->said) - n, "%s\n", line);
}

static void done(struct store_req *req)
{
    CONTAINER_OF(req, struct rig, t.req)->done = true;
}

static int set_up(void **state, const char *apart)
{
    static const struct http_client_ops ops = {"fake", submit, close_service};
    struct rig *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    r->service.client.ops = &ops;
    assert_int_equal(host_epoll_new(&r->host), 0);
    assert_int_equal(host_io_new(r->host, &r->io), 0);
    assert_int_equal(
        store_dynamodb_open(r->host,
                            &(struct store_dynamodb_options){
                                .client = &r->service.client,
                                .endpoint = "http://127.0.0.1:1",
                                .region = "eu-central-1",
                                .prefix = "t",
                                .apart = {apart, STR("c:"), STR("connection"), "connectionId"},
                                .deadline_ms = 10000,
                                .try_ms = 1000,
                            },
                            &r->store),
        0);
    r->t = (struct store_dynamodb_tables){
        .req = {.home = r->io, .done = done},
        .make = true,
        .recovery = true,
        .protection = true,
        .key = "",
        .patience_ms = 60000,
        .said = said,
        .ctx = r,
    };
    *state = r;
    return 0;
}

static int setup(void **state)
{
    return set_up(state, NULL);
}

static int setup_apart(void **state)
{
    return set_up(state, "conns");
}

static int teardown(void **state)
{
    struct rig *r = *state;

    store_close(r->store);
    io_free(r->io);
    host_free(r->host);
    free(r);
    return 0;
}

static enum store_result run(struct rig *r)
{
    r->done = false;
    r->said[0] = r->service.calls[0] = '\0';
    store_dynamodb_tables(r->store, &r->t);
    while (!r->done)
        io_wait(r->io, IO_FOREVER);
    return r->t.req.result;
}

static void have_all(struct rig *r)
{
    for (unsigned i = 0; i < 2; i++)
        r->service.tables[i].there = r->service.tables[i].ttl = r->service.tables[i].recovery =
            true;
}

static void what_is_missing_is_made(void **state)
{
    struct rig *r = *state;

    r->service.tables[0].creating = 3;
    r->service.unavailable = 2;
    assert_int_equal(run(r), STORE_OK);
    assert_string_equal(r->said, "t-log: is being made\n"
                                 "t-log: is there\n"
                                 "t-log: point-in-time recovery is on now\n"
                                 "t-record: is being made\n"
                                 "t-record: is there\n"
                                 "t-record: items expire by \"ttl\" now\n"
                                 "t-record: point-in-time recovery is on now\n");
    assert_true(r->service.tables[0].recovery && r->service.tables[1].recovery);
    assert_true(r->service.tables[1].ttl && !r->service.tables[0].ttl);
    assert_non_null(strstr(r->service.created, "\"BillingMode\":\"PAY_PER_REQUEST\""));
    assert_non_null(strstr(r->service.created, "\"DeletionProtectionEnabled\":true"));
    assert_null(strstr(r->service.created, "SSESpecification")); /* the service's own key */

    r->service.writes = 0;
    assert_int_equal(run(r), STORE_OK);
    assert_int_equal(r->service.writes, 0);
}

static void they_are_made_as_one_wants(void **state)
{
    struct rig *r = *state;

    r->t.recovery = r->t.protection = false;
    r->t.key = "alias/chat";
    assert_int_equal(run(r), STORE_OK);
    assert_non_null(strstr(r->service.created,
                           "\"SSESpecification\":{\"Enabled\":true,\"SSEType\":\"KMS\","
                           "\"KMSMasterKeyId\":\"alias/chat\"}"));
    assert_null(strstr(r->service.created, "DeletionProtectionEnabled"));
    assert_null(strstr(r->service.calls, "Backups"));
}

/* Looking changes nothing, and says all that is wrong. */
static void a_look_only_looks(void **state)
{
    struct rig *r = *state;

    r->t.make = false;
    assert_int_equal(run(r), STORE_FAILED);
    assert_string_equal(r->said, "t-log: is not there\nt-record: is not there\n");
    have_all(r);
    r->service.tables[0].recovery = r->service.tables[1].ttl = false;
    assert_int_equal(run(r), STORE_FAILED);
    assert_string_equal(r->said, "t-log: is there\n"
                                 "t-log: point-in-time recovery is off\n"
                                 "t-record: is there\n"
                                 "t-record: items do not expire\n"
                                 "t-record: point-in-time recovery is on\n");
    assert_string_equal(r->t.ret_why,
                        "not all is as it must be: `polylog store init` makes what is missing");
    have_all(r);
    assert_int_equal(run(r), STORE_OK);
    assert_int_equal(r->service.writes, 0);
}

static void anothers_table_is_left_alone(void **state)
{
    struct rig *r = *state;

    have_all(r);
    r->service.tables[1].hash = "id";
    assert_int_equal(run(r), STORE_FAILED);
    assert_string_equal(r->t.ret_why, "t-record: is another's: its keys are not those of Polylog; "
                                      "choose another name");
    assert_int_equal(r->service.writes, 0);
}

static void a_kind_of_records_may_have_a_table_of_one_key(void **state)
{
    struct rig *r = *state;

    have_all(r);
    assert_int_equal(run(r), STORE_OK);
    assert_non_null(strstr(r->said, "conns: is being made\n"));
    assert_non_null(strstr(r->said, "conns: items expire by \"ttl\" now\n"));
    assert_non_null(strstr(r->service.created_apart, "connectionId"));
    assert_null(strstr(r->service.created_apart, "RANGE"));
    assert_false(r->service.tables[2].recovery);
    r->t.make = false;
    assert_int_equal(run(r), STORE_OK);
    r->service.tables[2].hash = "id"; /* and a range */
    assert_int_equal(run(r), STORE_FAILED);
    assert_non_null(strstr(r->t.ret_why, "conns: is another's"));
}

static void two_may_make_them_at_once(void **state)
{
    struct rig *r = *state;

    r->service.raced = true;
    assert_int_equal(run(r), STORE_OK);
    assert_null(strstr(r->said, "being made"));
}

static void patience_ends(void **state)
{
    struct rig *r = *state;

    r->t.patience_ms = 1;
    r->service.tables[0].creating = 1000;
    assert_int_equal(run(r), STORE_FAILED);
    assert_string_equal(r->t.ret_why, "t-log: did not get ready in time");
}

static void who_may_not_is_told_so(void **state)
{
    static const char *const operations[] = {"DescribeTable", "CreateTable", "UpdateTimeToLive",
                                             "DescribeContinuousBackups",
                                             "UpdateContinuousBackups"};
    struct rig *r = *state;

    for (size_t i = 0; i < COUNTOF(operations); i++) {
        memset(r->service.tables, 0, sizeof(r->service.tables));
        r->service.refuses = operations[i];
        assert_int_equal(run(r), STORE_FAILED);
        assert_non_null(strstr(r->t.ret_why, "AccessDeniedException"));
        assert_non_null(strstr(r->t.ret_why, operations[i]));
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

CHECK_MAIN(TEST(what_is_missing_is_made), TEST(they_are_made_as_one_wants), TEST(a_look_only_looks),
           TEST(anothers_table_is_left_alone), TEST(two_may_make_them_at_once), TEST(patience_ends),
           TEST(who_may_not_is_told_so),
           cmocka_unit_test_setup_teardown(a_kind_of_records_may_have_a_table_of_one_key,
                                           setup_apart, teardown))
