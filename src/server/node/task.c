#include "server/node/task.h"

#include "aws/ecs.h"
#include "base/mem.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdlib.h>

struct task {
    struct server *server;
    struct ecs *ecs;
};

/* Who may stay does not count: a task whose people never leave would be protected for
 * ever, and neither scaling in nor a deployment would come to an end. */
static uint64_t leaving(void *ctx)
{
    const struct task *t = ctx;
    enum lifecycle_phase at = lifecycle_at(&t->server->life);

    return at == LIFE_MOVING || at == LIFE_LEAVING ? worker_sockets(t->server) : 0;
}

static void told(void *ctx, enum ecs_news news, const char *why)
{
    struct task *t = ctx;
    struct log *log = server_first(t->server)->log;

    switch (news) {
    case ECS_STOPPING:
        log_info(log, "ecs_stopping", LOG_U64("connections", worker_sockets(t->server)));
        t->server->ops->drain(t->server);
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
    struct task *t;

    assert(s->task == NULL && s->workers_n > 0);
    if (s->o.aws == NULL || !ecs_is_there(s->o.aws))
        return NULL;
    t = mem_zeroed(1, sizeof(*t));
    t->server = s;
    t->ecs = ecs_new(&(struct ecs_options){.io = server_first(s)->io,
                                           .wheel = &server_first(s)->wheel,
                                           .http = s->o.http,
                                           .env = s->o.aws,
                                           .told = told,
                                           .leaving = leaving,
                                           .ctx = t});
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
