#include "server/task.h"

#include "aws/ecs.h"
#include "server/server.h"

#include <stdatomic.h>
#include <stdlib.h>

struct task {
    struct server *server;
    struct ecs *ecs;
};

/* Who may stay does not count: a task whose people never leave would be protected for
 * ever, and neither scaling in nor a deployment would come to an end. */
static uint64_t leaving(void *ctx)
{
    struct task *t = ctx;

    return atomic_load(&t->server->phase) == SERVER_MOVING ? server_sockets(t->server) : 0;
}

static void told(void *ctx, enum ecs_news news, const char *why)
{
    struct task *t = ctx;
    struct log *log = t->server->workers[0].log;

    switch (news) {
    case ECS_STOPPING:
        log_info(log, "ecs_stopping", LOG_U64("connections", server_sockets(t->server)));
        server_drain(t->server);
        break;
    case ECS_UNKNOWN:
        log_warn(log, "ecs_task", LOG_TEXT("error", why));
        break;
    case ECS_PROTECTED:
    case ECS_OPEN:
        log_info(log, "ecs_protection", LOG_BOOL("on", news == ECS_PROTECTED));
        break;
    case ECS_NOT_SET:
        log_warn(log, "ecs_protection", LOG_TEXT("error", why));
        break;
    }
}

struct task *task_start(struct server *s)
{
    struct ecs_options o = {
        .io = s->workers[0].io,
        .wheel = &s->workers[0].wheel,
        .http = s->o.http,
        .env = s->o.aws,
        .told = told,
        .leaving = leaving,
    };
    struct task *t;

    if (s->o.aws == NULL || !ecs_is_there(s->o.aws))
        return NULL;
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        abort();
    t->server = s;
    o.ctx = t;
    t->ecs = ecs_new(&o);
    return t;
}

void task_stop(struct task *t)
{
    if (t != NULL)
        ecs_stop(t->ecs);
}

void task_free(struct task *t)
{
    if (t != NULL)
        ecs_free(t->ecs);
    free(t);
}
