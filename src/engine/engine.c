#include "engine/engine.h"

#include "aws/signer.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "io/http_client.h"
#include "io/process.h"
#include "store/store_dynamodb.h"
#include "store/store_mem.h"
#include "store/store_sqlite.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So long a start waits for a process before it to let go of the data. */
#define PREDECESSOR_MS 10000

/* What a store in DynamoDB has besides: ends with it. */
struct cloud {
    struct aws_env env;
    struct engine_listener listener;
    struct signer *signer;
};

static void told(const struct cloud *c, const char *what, const char *why)
{
    if (c->listener.told != NULL)
        c->listener.told(c->listener.ctx, what, why);
}

static void store_told(void *ctx, const char *why)
{
    told(ctx, "store", why);
}

static void credentials_told(void *ctx, const char *why)
{
    told(ctx, "credentials", why);
}

static bool sign(void *ctx, const struct sigv4_request *r, struct buf *out)
{
    return signer_sign(((struct cloud *)ctx)->signer, r, out);
}

static void refresh(void *ctx)
{
    signer_refresh(((struct cloud *)ctx)->signer);
}

static void cloud_close(void *ctx)
{
    struct cloud *c = ctx;

    signer_close(c->signer);
    free(c);
}

/* What is said of a store that is opened, and lent. */
struct engine_texts {
    char place[PLACE_MAX], why[ENGINE_WHY_MAX];
    struct engine_lent lent;
};

static const char *region_of(const struct conf *c, const struct cloud *cloud)
{
    const char *named = aws_env_region(&cloud->env);

    if (c->aws_region[0] != '\0')
        return c->aws_region;
    return named != NULL ? named : signer_region(cloud->signer);
}

static void endpoint_of(const struct conf *c, const struct cloud *cloud, const char *region,
                        size_t n, char ret_text[])
{
    const char *named = aws_env_endpoint(&cloud->env, "DYNAMODB");

    if (c->dynamodb_endpoint[0] != '\0')
        named = c->dynamodb_endpoint;
    if (named != NULL)
        (void)snprintf(ret_text, n, "%s", named);
    else
        (void)snprintf(ret_text, n, "https://dynamodb.%s.amazonaws.com%s", region,
                       strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
}

/* cloud is the store's then, or closed. */
static int open_tables(const struct conf *c, struct io_host *host, const char *prefix,
                       struct cloud *cloud, struct store **ret_store, struct engine_texts *texts)
{
    char endpoint[512], *why = texts->why;
    struct credentials_snapshot *snapshot;
    struct store_dynamodb_options o = {
        .endpoint = endpoint,
        .region = region_of(c, cloud),
        .prefix = prefix,
        .apart = {c->connections_table, KEYS_OF_CONNS, KEYS_CONN, KEYS_CONN_ID},
        .deadline_ms = (unsigned)c->dynamodb_deadline_ms,
        .try_ms = (unsigned)c->dynamodb_try_ms,
        .signer = {.sign = sign, .refresh = refresh, .close = cloud_close, .ctx = cloud},
        .told = store_told,
        .told_ctx = cloud,
    };
    struct http_options http = {
        .connections_max = (unsigned)c->dynamodb_connections,
        .ca_file = aws_env_get(&cloud->env, "AWS_CA_BUNDLE"),
        .idle_max_s = c->command == CONF_LAMBDA ? HTTP_IDLE_FUNCTION_S : 0,
    };
    int r;

    if (o.region[0] == '\0') {
        (void)snprintf(why, ENGINE_WHY_MAX, "no region is known: set AWS_REGION");
        cloud_close(cloud);
        return -EINVAL;
    }
    endpoint_of(c, cloud, o.region, sizeof(endpoint), endpoint);
    r = http_client_curl_new(&http, &o.client);
    if (r < 0) {
        (void)snprintf(why, ENGINE_WHY_MAX, "the client for it cannot start");
        cloud_close(cloud);
        return r;
    }
    snapshot = signer_snapshot(cloud->signer);
    place_of_tables(endpoint, o.region, prefix, snapshot->keys.access_key, texts->place);
    credentials_unref(snapshot);
    texts->lent = (struct engine_lent){.signer = cloud->signer, .client = o.client};
    r = store_dynamodb_open(host, &o, ret_store);
    if (r < 0)
        (void)snprintf(why, ENGINE_WHY_MAX, "%.100s with tables %.100s-log cannot be: %s", endpoint,
                       prefix, strerror(-r));
    return r;
}

static int open_dynamodb(const struct conf *c, struct io_host *host, const char *prefix,
                         const struct engine_listener *l, struct store **ret_store,
                         struct engine_texts *texts)
{
    extern char **environ;
    struct cloud *cloud = calloc(1, sizeof(*cloud));
    struct signer_options o;
    int r;

    if (cloud == NULL)
        return -ENOMEM;
    cloud->env = aws_env_of(environ);
    if (l != NULL)
        cloud->listener = *l;
    o = (struct signer_options){
        .env = &cloud->env,
        .ca_file = aws_env_get(&cloud->env, "AWS_CA_BUNDLE"),
        .told = credentials_told,
        .ctx = cloud,
    };
    r = signer_open(&o, &cloud->signer, texts->why);
    if (r < 0) {
        free(cloud);
        return r;
    }
    return open_tables(c, host, prefix, cloud, ret_store, texts);
}

static void sqlite_told(void *ctx, const char *why)
{
    const struct engine_listener *l = ctx;

    if (l != NULL)
        l->told(l->ctx, "store", why);
}

static int open_sqlite(const struct conf *c, struct io_host *host, const struct engine_listener *l,
                       struct store **ret_store, struct engine_texts *texts)
{
    char machine[PROCESS_HOSTNAME_MAX], path[PATH_MAX];
    struct engine_listener listener = l != NULL ? *l : (struct engine_listener){0};
    struct store_sqlite_options o = {
        .dir = c->data,
        .wait_ms = (unsigned)MIN(c->patience_ms, (uint64_t)PREDECESSOR_MS),
        .told = l != NULL ? sqlite_told : NULL,
        .ctx = &listener,
    };
    int r = store_sqlite_open(host, &o, ret_store, texts->why);

    process_hostname(machine);
    place_of_directory(machine, realpath(c->data, path) != NULL ? path : c->data, texts->place);
    return r;
}

int engine_open(const struct conf *c, struct io_host *host, const struct engine_listener *l,
                struct store **ret_store, char ret_place[static PLACE_MAX],
                char ret_why[static ENGINE_WHY_MAX])
{
    struct engine_texts texts = {.place = "mem", .why = "memory is out"};
    int r;

    if (c->store == CONF_STORE_MEM)
        r = store_mem_open(host, NULL, ret_store);
    else if (c->store == CONF_STORE_DYNAMODB)
        r = open_dynamodb(c, host, c->dynamodb_prefix, l, ret_store, &texts);
    else
        r = open_sqlite(c, host, l, ret_store, &texts);
    if (r < 0 && c->store == CONF_STORE_SQLITE)
        (void)snprintf(ret_why, ENGINE_WHY_MAX,
                       "the data in %.80s: %.120s; choose another with --data", c->data, texts.why);
    else if (r < 0)
        (void)snprintf(ret_why, ENGINE_WHY_MAX, "the store: %.230s", texts.why);
    (void)strcpy(ret_place, texts.place);
    return r;
}

int engine_open_named(const struct conf *c, struct io_host *host, const struct engine_named *n,
                      struct store **ret_store, char ret_why[static ENGINE_WHY_MAX])
{
    const char *name = n->name;
    struct engine_texts texts = {.why = ""};
    char path[4096];
    int r;

    if (strcmp(name, "dynamodb") == 0 || strncmp(name, "dynamodb:", 9) == 0) {
        r = open_dynamodb(c, host, name[8] == ':' ? name + 9 : c->dynamodb_prefix, n->listener,
                          ret_store, &texts);
        if (r == 0 && n->ret_lent != NULL)
            *n->ret_lent = texts.lent;
        (void)strcpy(ret_why, texts.why);
        return r;
    }
    if (strncmp(name, "sqlite:", 7) != 0 || name[7] == '\0') {
        (void)snprintf(ret_why, ENGINE_WHY_MAX, "it must be sqlite:DIR or dynamodb[:PREFIX]");
        return -EINVAL;
    }
    (void)snprintf(path, sizeof(path), "%s/polylog.db", name + 7);
    if (n->must_exist && access(path, R_OK) != 0) {
        (void)snprintf(ret_why, ENGINE_WHY_MAX, "there is no database: %s", strerror(errno));
        return -errno;
    }
    return store_sqlite_open(host, &(struct store_sqlite_options){.dir = name + 7}, ret_store,
                             ret_why);
}
