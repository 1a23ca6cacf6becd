#include "aws/ecs.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTECT "{\"ProtectionEnabled\":true,\"ExpiresInMinutes\":60}"
#define RELEASE "{\"ProtectionEnabled\":false}"

enum {
    POLL_MS = 5000,
    RENEW_MS = 30 * 60 * 1000,
    TIMEOUT_MS = 4000,
    DOUBLINGS_MAX = 4, /* of the time between two tries */
    URL_MAX = 512,
    TASK_MAX = 1024 * 1024,
    STATE_MAX = 16 * 1024,
    DEPTH_MAX = 16,
};

struct ecs {
    struct ecs_options o;
    struct wheel_timer timer;
    bool ended;
    /* The task. */
    struct http_request task;
    char task_url[URL_MAX];
    bool task_asked, task_fails, stopping;
    /* Its protection. */
    struct http_request state;
    char state_url[URL_MAX];
    bool state_asked, state_fails, wanted, is_protected;
    unsigned failures;
    uint64_t again_ms, renew_ms; /* not before; or it would end */
};

static const char *const headers[] = {"Content-Type: application/json", NULL};

/* Answers. */

bool ecs_read_task(uint8_t *p, size_t n, bool *ret_stopping)
{
    bool said = false, stopping = false;
    enum json_token t;
    struct json j;

    json_init(&j, p, n, DEPTH_MAX);
    if (json_next(&j) != JSON_OBJECT)
        return false;
    while ((t = json_next(&j)) != JSON_OBJECT_END) {
        if (t == JSON_STRING && str_eq(j.key, STR("DesiredStatus"))) {
            said = true;
            stopping = str_eq(j.str, STR("STOPPED"));
        } else if (!json_skip(&j, t)) {
            return false;
        }
    }
    if (!said || json_next(&j) != JSON_END)
        return false;
    *ret_stopping = stopping;
    return true;
}

/* Within "protection". */
static bool read_protection(struct json *j, bool *said, bool *on)
{
    enum json_token t;

    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if ((t == JSON_TRUE || t == JSON_FALSE) && str_eq(j->key, STR("ProtectionEnabled"))) {
            *said = true;
            *on = t == JSON_TRUE;
        } else if (!json_skip(j, t)) {
            return false;
        }
    }
    return true;
}

bool ecs_read_state(uint8_t *p, size_t n, bool *ret_protected)
{
    bool said = false, on = false;
    enum json_token t;
    struct json j;

    json_init(&j, p, n, DEPTH_MAX);
    if (json_next(&j) != JSON_OBJECT)
        return false;
    while ((t = json_next(&j)) != JSON_OBJECT_END) {
        if (t == JSON_OBJECT && str_eq(j.key, STR("protection"))) {
            if (!read_protection(&j, &said, &on))
                return false;
        } else if (!json_skip(&j, t)) {
            return false;
        }
    }
    if (!said || json_next(&j) != JSON_END)
        return false;
    *ret_protected = on;
    return true;
}

/* Why an answer is of no use. */
static void describe(const struct http_request *r, char why[static 96])
{
    if (r->ret_error != 0)
        (void)snprintf(why, 96, "no answer: %s", http_client_error(r));
    else
        (void)snprintf(why, 96, "status %u, not understood", r->ret_status);
}

/* Is it a whole answer, and does read understand it? */
static bool is_good(struct http_request *r, bool (*read)(uint8_t *bytes, size_t n, bool *ret_on),
                    bool *ret_on)
{
    size_t n = buf_len(&r->ret_body);

    return r->ret_error == 0 && r->ret_status == 200 && n > 0 &&
           read(r->ret_body.bytes + r->ret_body.rpos, n, ret_on);
}

/* r has been asked before, or is empty: its buffers are used again. */
static void ecs_submit(struct ecs *e, struct http_request *r, const struct http_request *how)
{
    struct http_request was = *r;

    *r = *how;
    r->home = e->o.io;
    r->timeout_ms = TIMEOUT_MS;
    r->ret_headers = was.ret_headers;
    r->ret_body = was.ret_body;
    http_client_submit(e->o.http, r);
}

/* The task. */

static void task_answered(struct http_request *r)
{
    struct ecs *e = CONTAINER_OF(r, struct ecs, task);
    bool stopping = false, good;
    char why[96];

    e->task_asked = false;
    if (e->ended)
        return;
    good = is_good(r, ecs_read_task, &stopping);
    if (!good && !e->task_fails) {
        describe(r, why);
        e->task_fails = true;
        e->o.told(e->o.ctx, ECS_UNKNOWN, why);
    } else if (good) {
        e->task_fails = false;
        e->stopping = stopping;
        if (stopping)
            e->o.told(e->o.ctx, ECS_STOPPING, NULL);
    }
}

static void ask_task(struct ecs *e)
{
    if (e->task_url[0] == '\0' || e->task_asked || e->stopping)
        return;
    e->task_asked = true;
    ecs_submit(
        e, &e->task,
        &(struct http_request){
            .done = task_answered, .method = "GET", .url = e->task_url, .response_max = TASK_MAX});
}

/* Its protection. */

static void state_set(struct ecs *e)
{
    bool news = e->is_protected != e->wanted;

    e->is_protected = e->wanted;
    e->state_fails = false;
    e->failures = 0;
    e->again_ms = 0;
    e->renew_ms = io_now_ms(e->o.io) + e->o.renew_ms;
    if (news)
        e->o.told(e->o.ctx, e->is_protected ? ECS_PROTECTED : ECS_OPEN, NULL);
}

static void state_answered(struct http_request *r)
{
    struct ecs *e = CONTAINER_OF(r, struct ecs, state);
    bool on = false;
    char why[96];

    e->state_asked = false;
    if (e->ended)
        return;
    if (is_good(r, ecs_read_state, &on) && on == e->wanted) {
        state_set(e);
        return;
    }
    e->again_ms =
        io_now_ms(e->o.io) + ((uint64_t)e->o.poll_ms << MIN(e->failures, (unsigned)DOUBLINGS_MAX));
    e->failures++;
    if (!e->state_fails) {
        e->state_fails = true;
        describe(r, why);
        e->o.told(e->o.ctx, ECS_NOT_SET, why);
    }
}

static void ask_state(struct ecs *e)
{
    uint64_t now = io_now_ms(e->o.io);
    bool wanted = e->state_url[0] != '\0' && e->o.leaving(e->o.ctx) > 0;

    if (e->state_url[0] == '\0' || e->state_asked || now < e->again_ms)
        return;
    if (wanted == e->is_protected && !(wanted && now >= e->renew_ms))
        return;
    e->wanted = wanted;
    e->state_asked = true;
    ecs_submit(e, &e->state,
               &(struct http_request){.done = state_answered,
                                      .method = "PUT",
                                      .url = e->state_url,
                                      .headers = headers,
                                      .body = wanted ? STR(PROTECT) : STR(RELEASE),
                                      .response_max = STATE_MAX});
}

static void ecs_due(struct wheel_timer *t)
{
    struct ecs *e = CONTAINER_OF(t, struct ecs, timer);

    wheel_set(e->o.wheel, t, io_now_ms(e->o.io) + e->o.poll_ms);
    ask_task(e);
    ask_state(e);
}

/* The endpoint that a variable names, with a path; empty if it names none. */
static void set_url(const struct aws_env *env, const char *name, const char *path,
                    char url[static URL_MAX])
{
    const char *base = aws_env_get(env, name);
    int n;

    url[0] = '\0';
    if (base == NULL || (strncmp(base, "http://", 7) != 0 && strncmp(base, "https://", 8) != 0))
        return;
    n = snprintf(url, URL_MAX, "%s%s", base, path);
    if (n >= URL_MAX)
        url[0] = '\0';
}

bool ecs_is_there(const struct aws_env *env)
{
    return aws_env_get(env, "ECS_CONTAINER_METADATA_URI_V4") != NULL ||
           aws_env_get(env, "ECS_AGENT_URI") != NULL;
}

struct ecs *ecs_new(const struct ecs_options *o)
{
    struct ecs *e = mem_zeroed(1, sizeof(*e));

    e->o = *o;
    e->o.poll_ms = o->poll_ms > 0 ? o->poll_ms : POLL_MS;
    e->o.renew_ms = o->renew_ms > 0 ? o->renew_ms : RENEW_MS;
    set_url(o->env, "ECS_CONTAINER_METADATA_URI_V4", "/task", e->task_url);
    set_url(o->env, "ECS_AGENT_URI", "/task-protection/v1/state", e->state_url);
    if (e->task_url[0] == '\0' && e->state_url[0] == '\0') {
        free(e);
        return NULL;
    }
    e->timer.fire = ecs_due;
    wheel_set(o->wheel, &e->timer, io_now_ms(o->io));
    return e;
}

void ecs_stop(struct ecs *e)
{
    if (e == NULL)
        return;
    e->ended = true;
    wheel_cancel(e->o.wheel, &e->timer);
}

bool ecs_is_busy(const struct ecs *e)
{
    return e->task_asked || e->state_asked;
}

void ecs_free(struct ecs *e)
{
    if (e == NULL)
        return;
    http_client_request_fini(&e->task);
    http_client_request_fini(&e->state);
    free(e);
}
