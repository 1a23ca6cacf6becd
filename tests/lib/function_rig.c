#include "lib/function_rig.h"

#include "base/str.h"
#include "lib/check.h"

#include <string.h>

static void rig_arrived(void *ctx, struct str id, struct str body)
{
    (void)ctx;
    (void)id;
    (void)body;
}

static void rig_answered(void *ctx, struct sim_function *f)
{
    struct function_rig *r = ctx;

    (void)snprintf(r->answer, sizeof(r->answer), "%.*s", STR_ARGS(f->answer));
    r->answered = true;
}

static void rig_invoked(void *ctx, struct str payload)
{
    (void)ctx;
    (void)payload;
}

void function_rig_init(struct function_rig *r, char *const *env)
{
    char why[256];

    memset(r, 0, sizeof(*r));
    assert_int_equal(
        conf_load(&r->conf, &(struct conf_input){.command = "lambda", .env = env}, why), CONF_OK);
    http_rig_init(&r->http, 200);
    r->disk = store_mem_disk_new();
    r->gateway = gateway_model_new(r->http.io, &r->http.wheel, 1, rig_arrived, r);
    for (unsigned i = 0; i < FUNCTION_RIG_N; i++)
        r->functions[i] = sim_function_new(&(struct sim_function_options){.sim = r->http.sim,
                                                                          .conf = &r->conf,
                                                                          .disk = r->disk,
                                                                          .gateway = r->gateway,
                                                                          .http = &r->http.client,
                                                                          .seed = i + 1,
                                                                          .answered = rig_answered,
                                                                          .invoked = rig_invoked,
                                                                          .ctx = r});
}

void function_rig_fini(struct function_rig *r)
{
    for (unsigned i = 0; i < FUNCTION_RIG_N; i++)
        sim_function_free(r->functions[i]);
    gateway_model_free(r->gateway);
    store_mem_disk_free(r->disk);
    http_rig_fini(&r->http);
    conf_fini(&r->conf);
}

uint64_t function_rig_wall_ms(struct function_rig *r)
{
    return SIM_WALL_MS + sim_now_ms(r->http.sim);
}

const char *function_rig_ask(struct function_rig *r, unsigned i, struct sim_function_event *event)
{
    assert_true(i < FUNCTION_RIG_N);
    event->connected_ms = function_rig_wall_ms(r);
    r->answered = false;
    sim_function_ask(r->functions[i], event);
    while (!r->answered || !sim_function_is_idle(r->functions[i]))
        http_rig_step(&r->http);
    return r->answer;
}

const char *function_rig_say(struct function_rig *r, unsigned i, const char *id,
                             const char *principal, const char *command)
{
    struct sim_function_event event = {.kind = SIM_MESSAGE};

    if (!gateway_model_is_open(r->gateway, str_of(id)))
        gateway_model_open(r->gateway, str_of(id));
    (void)snprintf(event.id, sizeof(event.id), "%s", id);
    (void)snprintf(event.principal, sizeof(event.principal), "%s", principal);
    (void)snprintf(event.text, sizeof(event.text), "%s", command);
    return function_rig_ask(r, i, &event);
}

static void rig_woken(struct wheel_timer *t)
{
    t->fire = NULL;
}

void function_rig_pass(struct function_rig *r, uint64_t ms)
{
    r->timer.fire = rig_woken;
    wheel_set(&r->functions[0]->wheel, &r->timer, io_now_ms(r->functions[0]->io) + ms);
    while (r->timer.fire != NULL)
        http_rig_step(&r->http);
}

void function_rig_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no %s in %s", part, text);
}
