#include "gateway/gateway_command.h"

#include "base/str.h"
#include "gateway/certificate.h"
#include "gateway/client.h"
#include "gateway/front.h"
#include "gateway/functions.h"
#include "gateway/gateway_options.h"
#include "gateway/gateway_read.h"
#include "gateway/tables.h"
#include "io/addr.h"
#include "io/http_client.h"
#include "io/io_tls.h"
#include "io/process.h"
#include "io/signals.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRONTS_MAX = 9, /* those of --listen, and the one for functions */
    LISTENS_MAX = FRONTS_MAX - 1,
    CONNECTIONS_MAX = 256,
    REPORT_MAX = 4096,
    END_S = 35,
    REST_MS = 3000
};

/* What one run is made of. */
struct run {
    struct gateway g;
    struct api *api;
    struct io_host *host;
    struct signals *signals;
    struct acceptor fronts[FRONTS_MAX];
    size_t fronts_n;
    bool domain_is_given;
    struct certificate certificate;
    struct tls_context *tls_context;
    struct io *tls;
    char invoke_url[IO_ADDR_TEXT_MAX + 16];
};

static int failed(const char *why)
{
    (void)fprintf(stderr, "polylog gateway: %s\n", why);
    return EXIT_FAILURE;
}

static void caught(void *ctx, int signal, int value)
{
    struct run *r = ctx;

    (void)value;
    (void)signal; /* whichever it is: somebody wants an end */
    r->g.ended = true;
}

static void gateway_turn(struct gateway *g, uint64_t until_ms)
{
    io_wait(g->io, MIN(until_ms, wheel_next_ms(&g->wheel)));
    wheel_advance(&g->wheel, io_now_ms(g->io));
    inlet_bury(&g->inlets);
    (void)functions_bury(g->functions);
}

/* Listening. */

/* The stage's part of the path. */
static const char *stage_segment(const struct run *r)
{
    return strcmp(r->g.about.stage, "$default") == 0 ? "" : r->g.about.stage;
}

static bool open_front(struct run *r, const char *text, char why[static API_WHY_MAX])
{
    struct io_addr addr, got;
    char name[IO_ADDR_TEXT_MAX];
    int e = addr_parse(str_of(text), &addr);

    assert(r->fronts_n < LISTENS_MAX);
    if (e == 0)
        e = front_open(&r->g, r->g.io, &addr, &r->fronts[r->fronts_n], &got);
    if (e < 0) {
        (void)snprintf(why, API_WHY_MAX, "cannot listen on %s: %s", text, strerrordesc_np(-e));
        return false;
    }
    r->fronts_n++;
    (void)addr_format(&got, name);
    if (r->invoke_url[0] == '\0')
        (void)snprintf(r->invoke_url, sizeof(r->invoke_url), "http://%s", name);
    if (r->g.domain[0] == '\0')
        (void)snprintf(r->g.domain, sizeof(r->g.domain), "%s", name);
    printf("polylog gateway: ws://%s/%s\n", name, stage_segment(r));
    return true;
}

static void say_routes(const struct gateway *g)
{
    static const char *const types[] = {"MOCK", "HTTP", "HTTP_PROXY", "AWS_PROXY"};

    for (size_t i = 0; i < g->api->routes_n; i++) {
        const struct api_route *r = &g->api->routes[i];
        const struct api_integration *in =
            r->integration != API_NONE ? &g->api->integrations[r->integration] : NULL;

        gateway_say(g, "  %-20s %s %s", r->key, in != NULL ? types[in->type] : "nothing",
                    in == NULL             ? ""
                    : in->uri != NULL      ? in->uri
                    : in->function != NULL ? in->function
                                           : "");
    }
}

/* Functions. */

/* They call https://DOMAIN/STAGE, so that is where the gateway listens too. */
static bool open_tls(struct run *r, char why[static API_WHY_MAX])
{
    struct io_addr addr = {.family = IO_ADDR_IP4, .ip = {127, 0, 0, 1}}, got;
    char error[TLS_CONTEXT_ERROR_MAX] = "";
    struct tls_options o = {0};
    int e = certificate_make(&r->certificate);

    o.cert_file = r->certificate.cert;
    o.key_file = r->certificate.key;
    if (e == 0)
        e = tls_context_new(&o, &r->tls_context, error);
    if (e == 0)
        e = io_tls_new(r->g.io, r->tls_context, 0, &r->tls);
    if (e == 0)
        e = front_open(&r->g, r->tls, &addr, &r->fronts[r->fronts_n], &got);
    if (e < 0) {
        (void)snprintf(why, API_WHY_MAX, "cannot listen for functions: %s %s", strerrordesc_np(-e),
                       error);
        return false;
    }
    r->fronts_n++;
    if (r->domain_is_given)
        return true;
    (void)addr_format(&got, r->g.domain);
    printf("polylog gateway: https://%s/%s for functions, whose certificate is %s\n", r->g.domain,
           stage_segment(r), r->certificate.cert);
    return true;
}

static bool open_functions(struct run *r, const struct conf *c, char why[static API_WHY_MAX])
{
    extern char **environ;

    if (r->api->functions_n == 0)
        return true;
    if (!open_tls(r, why))
        return false;
    r->g.functions =
        functions_new(&r->g, &(struct functions_options){.environ = environ,
                                                         .invoke_url = r->invoke_url,
                                                         .ca_file = r->certificate.cert,
                                                         .ca_bundle = r->certificate.bundle,
                                                         .most = (unsigned)c->gateway_concurrency,
                                                         .init_ms = c->gateway_init_ms,
                                                         .freezes = c->gateway_freeze});
    return true;
}

/* The end. */

static bool all_closed(struct run *r)
{
    bool closed = true;

    for (size_t i = 0; i < r->fronts_n; i++)
        if (!acceptor_fini(&r->fronts[i]))
            closed = false;
    return closed && functions_bury(r->g.functions) && list_empty(&r->g.inlets.dead) &&
           list_empty(&r->g.inlets.open);
}

/* $disconnect of those that are closed now is under way when this begins. */
static void run_out(struct run *r)
{
    uint64_t until_ms = io_now_ms(r->g.io) + REST_MS;

    for (size_t i = 0; i < r->fronts_n; i++)
        acceptor_close(&r->fronts[i]);
    client_close_all(&r->g);
    while (map_n(&r->g.clients) + r->g.flying > 0 && io_now_ms(r->g.io) < until_ms)
        gateway_turn(&r->g, io_now_ms(r->g.io) + 100);
    if (r->g.functions != NULL)
        functions_close(r->g.functions);
    inlet_drop_all(&r->g.inlets);
    while (!all_closed(r))
        gateway_turn(&r->g, io_now_ms(r->g.io) + 100);
}

static void report(struct gateway *g)
{
    struct buf text CLEANUP(buf_fini);

    buf_init(&text, REPORT_MAX);
    meter_report(&g->meter, gateway_connected_ms(g), &text);
    printf("%.*s", STR_ARGS(buf_peek(&text)));
}

static int serve(struct run *r, const struct conf *c, const char *dynamodb)
{
    char why[API_WHY_MAX];

    if (c->listen.n > LISTENS_MAX) {
        (void)snprintf(why, sizeof(why), "--listen: %zu addresses; there may be at most %d",
                       c->listen.n, LISTENS_MAX);
        (void)failed(why);
        return CONF_EXIT_USAGE;
    }
    for (size_t i = 0; i < c->listen.n; i++)
        if (!open_front(r, c->listen.items[i], why))
            return failed(why);
    if (!open_functions(r, c, why))
        return failed(why);
    say_routes(&r->g);
    if (c->gateway_tables && dynamodb != NULL)
        tables_make(&r->g, dynamodb);
    (void)fflush(stdout);
    while (!r->g.ended)
        gateway_turn(&r->g, IO_FOREVER);
    process_end_within(END_S, "polylog gateway: ended while something hangs\n");
    run_out(r);
    report(&r->g);
    return EXIT_SUCCESS;
}

static int gateway_start(struct run *r, const struct conf *c, const struct aws_env *env)
{
    struct gateway *g = &r->g;
    uint64_t seed = c->gateway_seed;
    int e;

    if (seed == 0)
        io_random(g->io, (uint8_t *)&seed, sizeof(seed));
    rng_init(&g->rng, seed);
    wheel_init(&g->wheel, io_now_ms(g->io));
    inlet_set_init(&g->inlets, &g->wheel);
    map_init(&g->clients);
    list_init(&g->open);
    g->started_ms = io_now_ms(g->io);
    g->started_wall_ms = io_wall_ms(g->io);
    (void)snprintf(g->domain, sizeof(g->domain), "%s", c->gateway_domain);
    r->domain_is_given = g->domain[0] != '\0';
    e = http_client_curl_new(&(struct http_options){.connections_max = CONNECTIONS_MAX}, &g->http);
    if (e == 0)
        e = signals_start(g->io, caught, r, &r->signals);
    return e < 0 ? failed(strerrordesc_np(-e)) : serve(r, c, aws_env_endpoint(env, "DYNAMODB"));
}

static int configure(struct run *r, const struct conf *c, const struct aws_env *env)
{
    char why[API_WHY_MAX] = "";

    r->api = c->gateway_file[0] != '\0' ? gateway_read(c, env) : api_new();
    if (r->api == NULL)
        return EXIT_FAILURE; /* why is said */
    if (!gateway_options_api(c, r->api, why)) {
        (void)failed(why);
        return CONF_EXIT_USAGE;
    }
    r->g.api = r->api;
    if (!gateway_options_fill(c, env, &r->g, why)) {
        (void)failed(why);
        return CONF_EXIT_USAGE;
    }
    return gateway_start(r, c, env);
}

int gateway_command(const struct conf *c, const struct aws_env *env)
{
    struct run r = {0};
    int code, e;

    if (c->gateway_check)
        return gateway_read_check(c, env);
    e = host_epoll_new(&r.host);
    if (e == 0)
        e = host_io_new(r.host, &r.g.io);
    if (e < 0)
        return failed(strerrordesc_np(-e));
    code = configure(&r, c, env);
    signals_stop(r.signals);
    http_client_close(r.g.http);
    functions_free(r.g.functions);
    io_free(r.tls);
    io_free(r.g.io);
    tls_context_free(r.tls_context);
    certificate_remove(&r.certificate);
    client_fini(&r.g);
    gateway_options_fini(&r.g);
    api_free(r.api);
    host_free(r.host);
    return code;
}
