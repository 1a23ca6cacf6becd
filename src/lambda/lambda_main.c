#include "lambda/lambda_main.h"

#include "aws/signer.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"
#include "chat/people/hasher.h"
#include "engine/engine.h"
#include "io/addr.h"
#include "io/host.h"
#include "io/http_client.h"
#include "io/signals.h"
#include "issuer/issuer_keys.h"
#include "lambda/lambda.h"
#include "lambda/measure.h"
#include "serverless/connections.h"
#include "serverless/runtime.h"
#include "trace/trace_outlet.h"
#include "trace/tracer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    POST_MS = 10000,
    RESERVE_MS = 2000, /* of an invocation's time, for its answer */
    MOST_MS = 26000,   /* API Gateway waits for 29 s */
    LINE_MAX_N = 4096,
    END_MS = 2000,
};

/* What one instance is made of. */
struct instance {
    const struct conf *conf;
    const struct aws_env *env;
    struct io_host *host;
    struct io *io;
    struct wheel wheel;
    struct signals *signals;
    struct store *store;
    struct engine_lent lent; /* the store's */
    struct poster *poster;
    struct hasher *hasher; /* NULL: nobody logs in by a password, or a passkey */
    struct invoker *invoker;
    struct trace_outlet *traces; /* NULL: nothing is traced, */
    struct tracer *tracer;       /* likewise */
    struct measure *measure;     /* NULL: CloudWatch is told nothing */
    const char *version;
    uint64_t began_us; /* the event */
    struct lambda *lambda;
    struct runtime runtime;
    bool over, broken;
};

static struct instance *instance_of(struct runtime *rt)
{
    return CONTAINER_OF(rt, struct instance, runtime);
}

/* One object a line, as logs of functions are read. Any thread. */
static void instance_say(const char *event, const char *why)
{
    struct buf b CLEANUP(buf_fini);
    struct json_out o;

    buf_init(&b, LINE_MAX_N);
    json_out_init(&o, &b);
    json_out_object(&o);
    json_out_field_str(&o, "event", str_of(event));
    json_out_field_str(&o, "why", str_of(why));
    json_out_object_end(&o);
    (void)fprintf(stderr, "%.*s\n", STR_ARGS(buf_peek(&b)));
}

static void instance_told(void *ctx, const char *event, const char *why)
{
    (void)ctx;
    instance_say(event, why);
}

static void engine_told(void *ctx, const char *what, const char *why)
{
    (void)ctx;
    if (why != NULL)
        instance_say(what, why);
}

/* Invocations. */

static void invoked(struct runtime *rt, const struct runtime_invocation *v)
{
    struct instance *i = instance_of(rt);
    uint64_t wall = io_wall_ms(i->io);
    uint64_t left = v->deadline_ms > wall + RESERVE_MS ? v->deadline_ms - wall - RESERVE_MS : 0;

    i->began_us = io_clock_us(i->io);
    lambda_invoke(i->lambda, v->body, v->body_n, io_now_ms(i->io) + MIN(left, (uint64_t)MOST_MS),
                  v->trace);
}

/* Which instance it is: the name of its log's stream. */
static struct str instance_name(const struct instance *i)
{
    const char *name = aws_env_get(i->env, "AWS_LAMBDA_LOG_STREAM_NAME");

    return name != NULL && utf8_valid(str_of(name)) ? str_of(name) : STR("");
}

static void instance_write(struct instance *i)
{
    struct tracer_stats spans = {0};
    struct measure_now now = {.about = {.wall_ms = io_wall_ms(i->io),
                                        .name_space = str_of(i->conf->metrics_namespace),
                                        .service = str_of(i->conf->metrics_service),
                                        .node = instance_name(i),
                                        .version = str_of(i->version)},
                              .lambda = lambda_stats(i->lambda),
                              .posts = connections_stats(i->poster)};
    struct buf line CLEANUP(buf_fini);

    if (i->tracer != NULL)
        spans = tracer_stats(i->tracer);
    now.spans_dropped = spans.dropped + spans.lost;
    store_stats(i->store, &now.store);
    buf_init(&line, EMF_LINE_MAX);
    measure_write(i->measure, &now, io_now_ms(i->io), &line);
    buf_append_byte(&line, '\n');
    if (line.failed)
        return;
    (void)fwrite(buf_peek(&line).p, 1, buf_len(&line), stdout);
    (void)fflush(stdout);
}

/* Before the answer: behind it nothing runs. */
static void instance_measure(struct instance *i)
{
    uint64_t us = io_clock_us(i->io) - i->began_us;

    if (i->measure != NULL && measure_event(i->measure, us, io_now_ms(i->io)))
        instance_write(i);
}

static void instance_answered(void *ctx, struct str answer)
{
    struct instance *i = ctx;

    instance_measure(i);
    runtime_answer(&i->runtime, answer);
}

static void instance_failed(void *ctx, const char *type, const char *why)
{
    struct instance *i = ctx;

    instance_say(type, why);
    instance_measure(i);
    runtime_fail(&i->runtime, type, why);
}

static void instance_ended(struct runtime *rt, const char *why)
{
    struct instance *i = instance_of(rt);

    instance_say("ended", why);
    i->over = i->broken = true;
}

static const struct runtime_ops runtime_ops = {.invoked = invoked, .ended = instance_ended};

static void instance_turn(struct instance *i, uint64_t until_ms)
{
    bool hurries = i->lambda != NULL && lambda_hurries(i->lambda);

    io_wait(i->io, hurries ? 0 : MIN(wheel_next_ms(&i->wheel), until_ms));
    wheel_advance(&i->wheel, io_now_ms(i->io));
    if (i->lambda != NULL)
        lambda_turn(i->lambda);
}

/* Starting. */

static void caught(void *ctx, int signal, int value)
{
    struct instance *i = ctx;

    (void)value;
    (void)signal;
    i->over = true; /* nothing depends on it: what is kept is in the store */
}

/* Where the certificates of authorities are: not where the library was built to look. */
static void find_authorities(const struct aws_env *env)
{
    static const char *const files[] = {"/etc/pki/tls/certs/ca-bundle.crt",
                                        "/etc/ssl/certs/ca-certificates.crt"};

    if (aws_env_get(env, "AWS_CA_BUNDLE") != NULL)
        return;
    for (size_t i = 0; i < COUNTOF(files); i++) {
        FILE *f = fopen(files[i], "re");

        if (f == NULL)
            continue;
        (void)fclose(f);
        (void)setenv("AWS_CA_BUNDLE", files[i], 1);
        return;
    }
}

static bool open_store(struct instance *i, char why[static ENGINE_WHY_MAX])
{
    struct engine_listener listener = {.told = engine_told};
    struct engine_named named = {.name = "dynamodb", .listener = &listener, .ret_lent = &i->lent};

    return engine_open_named(i->conf, i->host, &named, &i->store, why) == 0;
}

/* Without it all shards are delivered here. */
static void open_invoker(struct instance *i, const char *region)
{
    struct invoker_options o = {.home = i->io,
                                .client = i->lent.client,
                                .endpoint = aws_env_endpoint(i->env, "LAMBDA"),
                                .region = region,
                                .name = aws_env_get(i->env, "AWS_LAMBDA_FUNCTION_NAME"),
                                .timeout_ms = POST_MS,
                                .sign = signer_sign,
                                .ctx = i->lent.signer};

    if (o.name != NULL)
        i->invoker = invoker_new(&o);
}

/* @connections and the invoke API are asked as DynamoDB is: by one client, one signer. */
static void open_poster(struct instance *i)
{
    struct connections_options o = {.home = i->io,
                                    .client = i->lent.client,
                                    .timeout_ms = POST_MS,
                                    .region = i->conf->aws_region,
                                    .sign = signer_sign,
                                    .refresh = signer_refresh,
                                    .ctx = i->lent.signer};

    if (o.region[0] == '\0')
        o.region =
            aws_env_region(i->env) != NULL ? aws_env_region(i->env) : signer_region(i->lent.signer);
    i->poster = connections_new(&o);
    open_invoker(i, o.region);
}

/* Its keys are fetched by the client of the others. */
static bool issuer_is_right(const struct conf *c, char why[static ENGINE_WHY_MAX])
{
    const char *wrong = c->issuer[0] != '\0' ? issuer_keys_wrong(c->issuer, c->jwks) : NULL;

    if (c->check_url[0] != '\0')
        wrong = "check-url is not for a function: nobody would ask the service; let polylog serve "
                "do it";
    if (wrong == NULL && c->jwks[0] != '\0' && !issuer_keys_is_url(c->jwks))
        wrong = "jwks must be an address: a function reads no file of keys";
    if (wrong != NULL)
        (void)snprintf(why, ENGINE_WHY_MAX, "%s", wrong);
    return wrong == NULL;
}

/* Where it tells of itself. */
static bool open_telling(struct instance *i, char why[static ENGINE_WHY_MAX])
{
    struct otlp_resource from = {str_of(i->conf->metrics_service), str_of(i->version),
                                 instance_name(i)};

    static_assert((int)TRACE_OUTLET_WHY_MAX <= (int)ENGINE_WHY_MAX, "it is written there");
    if (i->conf->metrics == CONF_METRICS_EMF)
        i->measure = measure_new(i->conf->metrics_every_ms);
    if (trace_outlet_open(i->conf, i->env, &i->traces, why) < 0)
        return false;
    if (i->traces != NULL)
        i->tracer = tracer_new(i->io, i->traces, &from);
    return true;
}

/* An instance has one event at a time, and so one password. */
static bool open_hasher(struct instance *i, char why[static ENGINE_WHY_MAX])
{
    struct hasher_options o = {.memory = i->conf->password_memory,
                               .passes = i->conf->password_passes,
                               .threads = 1,
                               .queue_max = 1};

    bool wants = conf_logs_in(i->conf, "password") || conf_logs_in(i->conf, "passkey");

    if (!wants || hasher_new(i->host, &o, &i->hasher) == 0)
        return true;
    (void)snprintf(why, ENGINE_WHY_MAX, "the thread that hashes passwords cannot be started");
    return false;
}

static bool open_instance(struct instance *i, char why[static ENGINE_WHY_MAX])
{
    struct lambda_options o = {.conf = i->conf,
                               .io = i->io,
                               .wheel = &i->wheel,
                               .answered = instance_answered,
                               .failed = instance_failed,
                               .told = instance_told,
                               .ctx = i};

    if (!issuer_is_right(i->conf, why))
        return false;
    if (signals_start(i->io, caught, i, &i->signals) < 0) {
        (void)snprintf(why, ENGINE_WHY_MAX, "the signals' thread cannot be started");
        return false;
    }
    if (!open_store(i, why) || !open_telling(i, why))
        return false;
    open_poster(i);
    o.store = i->store;
    o.poster = i->poster;
    o.http = i->lent.client;
    o.invoker = i->invoker;
    o.tracer = i->tracer;
    if (!open_hasher(i, why))
        return false;
    o.hasher = i->hasher;
    i->lambda = lambda_new(&o);
    return true;
}

/* Completions of what is under way still come to the loop, which runs for them. */
static void close_instance(struct instance *i)
{
    uint64_t until_ms = io_now_ms(i->io) + END_MS;

    runtime_stop(&i->runtime);
    while (!runtime_is_closed(&i->runtime) && io_now_ms(i->io) < until_ms)
        instance_turn(i, until_ms);
}

static int instance_run(struct instance *i, const char *api)
{
    char why[ENGINE_WHY_MAX] = "";
    bool opened;

    i->runtime =
        (struct runtime){.ops = &runtime_ops, .io = i->io, .wheel = &i->wheel, .host = str_of(api)};
    if (addr_resolve(str_of(api), &i->runtime.addr) < 0) {
        instance_say("start_failed", "AWS_LAMBDA_RUNTIME_API is not an address");
        return EXIT_FAILURE;
    }
    opened = open_instance(i, why);
    if (opened) {
        runtime_start(&i->runtime);
    } else {
        instance_say("start_failed", why);
        runtime_refuse(&i->runtime, "Init.Failed", why);
    }
    while (!i->over)
        instance_turn(i, IO_FOREVER);
    close_instance(i);
    return i->broken || !opened ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int say_where(void)
{
    (void)fputs(
        "polylog lambda: this is the chat as an AWS Lambda function, behind an API Gateway\n"
        "WebSocket API; AWS starts it. To try it on this machine, write chat.yaml:\n"
        "\n"
        "  functions:\n"
        "    chat: {command: exec polylog lambda, timeout_s: 30}\n"
        "  routes:\n"
        "    $connect: {lambda: chat}\n"
        "    $disconnect: {lambda: chat}\n"
        "    $default: {lambda: chat, answers: true}\n"
        "\n"
        "and, with a DynamoDB emulator on port 8000:\n"
        "\n"
        "  export AWS_ENDPOINT_URL_DYNAMODB=http://localhost:8000 AWS_REGION=us-east-1\n"
        "  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test POLYLOG_OPEN=true\n"
        "  polylog store init --store dynamodb\n"
        "  polylog gateway chat.yaml\n",
        stderr);
    return CONF_EXIT_USAGE;
}

int lambda_main(const struct conf *c, const struct aws_env *env, const char *version)
{
    extern char **environ;
    const char *api = aws_env_get(env, "AWS_LAMBDA_RUNTIME_API");
    struct aws_env own;
    struct instance i = {.conf = c, .env = &own, .version = version};
    int code, e;

    if (api == NULL)
        return say_where();
    find_authorities(env);
    own = aws_env_of(environ);
    e = host_epoll_new(&i.host);
    if (e == 0)
        e = host_io_new(i.host, &i.io);
    if (e < 0) {
        instance_say("start_failed", strerror(-e));
        return EXIT_FAILURE;
    }
    wheel_init(&i.wheel, io_now_ms(i.io));
    code = instance_run(&i, api);
    /* What is under way ends with the process: the instance may have been told to end at any
     * moment, and whatever it was at will be made up for by whoever repeats it. */
    (void)fflush(stderr);
    _Exit(code);
}
