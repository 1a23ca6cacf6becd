#include "gateway/environment.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "gateway/launch.h"
#include "io/spawn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ANSWER_MAX = 6 * 1024 * 1024 + 100,
    LINE_MAX_BYTES = 8 * 1024,
    TEXT_MAX = 4096,
};

#define API "/2018-06-01/runtime/"

static void environment_request(struct inlet *l, const struct http1_request *r, struct str body);
static void environment_hung_up(struct inlet *l);

static const struct inlet_ops runtime_ops = {.request = environment_request,
                                             .closed = environment_hung_up};

/* {"errorMessage":…,"errorType":…} */
static void append_why(struct buf *out, const char *message, const char *type)
{
    struct json_out o;

    json_out_init(&o, out);
    json_out_object(&o);
    json_out_field_str(&o, "errorMessage", str_of(message));
    json_out_field_str(&o, "errorType", str_of(type));
    json_out_object_end(&o);
}

/* The end. */

static void place_answered(struct environment_place *p, enum invocation_result result,
                           struct str answer)
{
    struct environment *e = p->e;
    uint64_t ran_ms = io_now_ms(e->g->io) - p->began_ms;
    char request_id[sizeof(p->request_id)];

    assert(p->busy);
    p->busy = false;
    memcpy(request_id, p->request_id, sizeof(request_id));
    wheel_cancel(&e->g->wheel, &p->timer);
    e->g->meter.function_ms += ran_ms;
    e->g->meter.function_mb_ms += ran_ms * e->f->memory_mb;
    e->ops->answered(e, request_id, result, answer);
}

void environment_end(struct environment *e, enum invocation_result result, struct str why)
{
    if (e->state == ENVIRONMENT_ENDED)
        return;
    e->state = ENVIRONMENT_ENDED;
    wheel_cancel(&e->g->wheel, &e->init);
    (void)spawn_end(e->pid);
    io_cancel(e->g->io, &e->log);
    acceptor_close(&e->acceptor);
    for (size_t i = 0; i < e->places_n; i++)
        e->places[i].waiting = NULL;
    inlet_drop_of(&e->g->inlets, e);
    for (size_t i = 0; i < e->places_n; i++)
        if (e->places[i].busy)
            place_answered(&e->places[i], result, why);
    e->ops->ended(e, why);
}

static void environment_fail(struct environment *e, enum invocation_result result,
                             const char *message, const char *type)
{
    struct buf why CLEANUP(buf_fini);

    buf_init(&why, TEXT_MAX);
    append_why(&why, message, type);
    environment_end(e, result, buf_peek(&why));
}

bool environment_free(struct environment *e)
{
    if (e->log.in_flight || !acceptor_fini(&e->acceptor))
        return false;
    list_remove(&e->node);
    io_close(e->g->io, e->log.fd);
    buf_fini(&e->line);
    free(e->places);
    free(e);
    return true;
}

/* Its log. */

static void say_line(struct environment *e)
{
    (void)fprintf(stderr, "[%s] %.*s\n", e->f->name, STR_ARGS(buf_peek(&e->line)));
    buf_clear(&e->line);
}

static void log_received(struct io_op *op, int result, uint8_t *data)
{
    struct environment *e = CONTAINER_OF(op, struct environment, log);

    for (int i = 0; i < result; i++) {
        if (data[i] == '\n' || buf_len(&e->line) == LINE_MAX_BYTES)
            say_line(e);
        if (data[i] != '\n')
            buf_append_byte(&e->line, data[i]);
    }
    if (result > 0 && e->state != ENVIRONMENT_ENDED) {
        io_recv(e->g->io, &e->log);
        return;
    }
    if (buf_len(&e->line) > 0)
        say_line(e);
    if (e->state != ENVIRONMENT_ENDED)
        environment_fail(e, INVOCATION_ERROR, "Runtime exited without providing a reason",
                         "Runtime.ExitError");
}

/* Time. */

static void init_fired(struct wheel_timer *t)
{
    environment_fail(CONTAINER_OF(t, struct environment, init), INVOCATION_BROKEN,
                     "The function did not ask for work in time", "Sandbox.Timedout");
}

static void place_fired(struct wheel_timer *t)
{
    struct environment_place *p = CONTAINER_OF(t, struct environment_place, timer);
    struct environment *e = p->e;
    struct buf why CLEANUP(buf_fini);
    char text[160];

    (void)snprintf(text, sizeof(text), "%s Task timed out after %u.%02u seconds", p->request_id,
                   e->f->timeout_ms / 1000, e->f->timeout_ms % 1000 / 10);
    buf_init(&why, TEXT_MAX);
    append_why(&why, text, "Sandbox.Timedout");
    place_answered(p, INVOCATION_TIMEOUT, buf_peek(&why));
    environment_fail(e, INVOCATION_ERROR, "The process was ended: another invocation timed out",
                     "Runtime.ExitError");
}

/* The runtime API. */

static void runtime_answer(struct inlet *l, int status, struct str body)
{
    inlet_answer(
        l, &(struct http1_reply){.status = status, .content_type = STR("application/json")}, body);
}

static void runtime_refuse(struct inlet *l, int status, const char *message, const char *type)
{
    struct buf why CLEANUP(buf_fini);

    buf_init(&why, TEXT_MAX);
    append_why(&why, message, type);
    runtime_answer(l, status, buf_peek(&why));
}

static struct environment_place *find_place(const struct environment *e, bool waits)
{
    for (size_t i = 0; i < e->places_n; i++)
        if (!e->places[i].busy && (e->places[i].waiting != NULL) == waits)
            return &e->places[i];
    return NULL;
}

bool environment_is_idle(const struct environment *e)
{
    return e->state == ENVIRONMENT_SERVING && find_place(e, true) != NULL;
}

/* It asks for more work instead of answering: that invocation has failed. */
static void end_unanswered(struct environment *e)
{
    struct buf why CLEANUP(buf_fini);

    buf_init(&why, TEXT_MAX);
    append_why(&why, "The function asked for more work instead of answering", "Runtime.NoResponse");
    place_answered(&e->places[0], INVOCATION_ERROR, buf_peek(&why));
}

/* It asks for work. */
static void run_next(struct environment *e, struct inlet *l)
{
    struct environment_place *p;

    if (e->places_n == 1 && e->places[0].busy)
        end_unanswered(e);
    p = find_place(e, false);
    if (e->state == ENVIRONMENT_ENDED)
        return;
    if (p == NULL) {
        runtime_refuse(l, 403, "There are as many requests for work as there may be",
                       "InvalidStateTransition");
        return;
    }
    wheel_cancel(&e->g->wheel, &e->init);
    p->waiting = l;
    e->state = ENVIRONMENT_SERVING;
    if (e->o->freezes && e->places_n == 1)
        spawn_pause(e->pid, true);
    e->ops->idle(e);
}

/* The invocation with the id between "invocation/" and the verb, if it is under way. */
static struct environment_place *find_busy(const struct environment *e, struct str id)
{
    for (size_t i = 0; i < e->places_n; i++)
        if (e->places[i].busy && str_eq(id, str_of(e->places[i].request_id)))
            return &e->places[i];
    return NULL;
}

static void run_answer(struct environment *e, struct inlet *l, struct str path, struct str body)
{
    struct environment_place *p = find_busy(e, str_cut(&path, '/'));
    bool error = str_eq(path, STR("error"));

    if (p == NULL || (!error && !str_eq(path, STR("response")))) {
        runtime_refuse(l, 400, "Invalid request ID", "InvalidRequestID");
        return;
    }
    runtime_answer(l, 202, STR("{\"status\":\"OK\"}\n"));
    place_answered(p, error ? INVOCATION_ERROR : INVOCATION_OK, body);
}

static void environment_request(struct inlet *l, const struct http1_request *r, struct str body)
{
    struct environment *e = l->owner;
    struct str path = r->path;
    bool post = str_eq(r->method, STR("POST"));

    if (str_eq(path, STR(API "invocation/next")) && !post) {
        run_next(e, l);
    } else if (str_starts(path, STR(API "invocation/")) && post) {
        run_answer(e, l, str_skip(path, sizeof(API "invocation/") - 1), body);
    } else if (str_eq(path, STR(API "init/error")) && post) {
        struct buf why CLEANUP(buf_fini);

        buf_init(&why, ANSWER_MAX);
        buf_append(&why, body);
        runtime_answer(l, 202, STR("{\"status\":\"OK\"}\n"));
        environment_end(e, INVOCATION_BROKEN, buf_peek(&why));
    } else {
        runtime_refuse(l, 404, "There is no such operation", "InvalidRequest");
    }
}

static void environment_hung_up(struct inlet *l)
{
    struct environment *e = l->owner;

    for (size_t i = 0; i < e->places_n; i++)
        if (e->places[i].waiting == l)
            e->places[i].waiting = NULL;
}

void environment_run(struct environment *e, const char *request_id, struct str payload)
{
    uint64_t deadline_ms = io_wall_ms(e->g->io) + e->f->timeout_ms;
    char deadline[24], arn[256], trace[80];
    struct http1_header extra[] = {{STR("Lambda-Runtime-Aws-Request-Id"), {0}},
                                   {STR("Lambda-Runtime-Deadline-Ms"), {0}},
                                   {STR("Lambda-Runtime-Invoked-Function-Arn"), {0}},
                                   {STR("Lambda-Runtime-Trace-Id"), {0}}};
    struct environment_place *p = find_place(e, true);
    struct inlet *asks;

    assert(e->state == ENVIRONMENT_SERVING && p != NULL);
    asks = p->waiting;
    p->waiting = NULL;
    p->busy = e->worked = true;
    p->began_ms = io_now_ms(e->g->io);
    (void)snprintf(p->request_id, sizeof(p->request_id), "%s", request_id);
    (void)snprintf(deadline, sizeof(deadline), "%llu", (unsigned long long)deadline_ms);
    (void)snprintf(arn, sizeof(arn), "arn:aws:lambda:%s:%s:function:%s", e->g->about.region,
                   e->g->about.account, e->f->name);
    (void)snprintf(trace, sizeof(trace), "Root=1-%08x-%.8s%.4s%.12s;Sampled=0",
                   (unsigned)(deadline_ms / 1000), request_id, request_id + 9, request_id + 24);
    extra[0].value = str_of(p->request_id);
    extra[1].value = str_of(deadline);
    extra[2].value = str_of(arn);
    extra[3].value = str_of(trace);
    wheel_set(&e->g->wheel, &p->timer, io_now_ms(e->g->io) + e->f->timeout_ms);
    spawn_pause(e->pid, false);
    inlet_answer(asks,
                 &(struct http1_reply){.status = 200,
                                       .content_type = STR("application/json"),
                                       .extra = extra,
                                       .extra_n = COUNTOF(extra)},
                 payload);
}

/* The start. */

struct environment *environment_start(struct gateway *g, const struct api_function *f,
                                      const struct functions_options *o,
                                      const struct environment_ops *ops, void *owner,
                                      char why[static API_WHY_MAX])
{
    struct io_addr addr = {.family = IO_ADDR_IP4, .ip = {127, 0, 0, 1}}, got;
    struct environment *e = mem_zeroed(1, sizeof(*e));
    struct acceptor_options runtime = {.set = &g->inlets,
                                       .io = g->io,
                                       .above = g->io,
                                       .ops = &runtime_ops,
                                       .owner = e,
                                       .body_max = ANSWER_MAX};
    int log = -1, r = acceptor_open(&e->acceptor, &runtime, &addr, &got);

    if (r < 0)
        (void)snprintf(why, API_WHY_MAX, "no port for %s: %s", f->name, strerrordesc_np(-r));
    if (r < 0 || !launch_start(g, f, o, got.port, &e->pid, &log, why)) {
        acceptor_close(&e->acceptor);
        (void)!acceptor_fini(&e->acceptor); /* nothing of it is in flight */
        free(e);
        return NULL;
    }
    e->g = g;
    e->f = f;
    e->o = o;
    e->ops = ops;
    e->owner = owner;
    e->init.fire = init_fired;
    e->places_n = f->per_environment;
    e->places = mem_zeroed(e->places_n, sizeof(*e->places));
    for (size_t i = 0; i < e->places_n; i++) {
        e->places[i].e = e;
        e->places[i].timer.fire = place_fired;
    }
    buf_init(&e->line, LINE_MAX_BYTES);
    e->log = (struct io_op){.done = log_received, .fd = log};
    r = io_adopt(g->io, log);
    assert(r == 0);
    io_recv(g->io, &e->log);
    acceptor_start(&e->acceptor);
    wheel_set(&g->wheel, &e->init, io_now_ms(g->io) + o->init_ms);
    g->meter.cold_starts++;
    return e;
}
