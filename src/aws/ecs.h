/* ecs.h: what a task of Amazon ECS learns from the agent beside it, and asks of it.
 *
 *   every 5 s: GET $ECS_CONTAINER_METADATA_URI_V4/task
 *              DesiredStatus is STOPPED: the service wants to end it. The balancer
 *              drains then, long before SIGTERM: the time to move clients.
 *   while connections are to leave: PUT $ECS_AGENT_URI/task-protection/v1/state, renewed
 *              halfway to its end: neither scaling in nor a deployment takes it away.
 *
 * On one loop. What fails is told once, and tried again. */
#ifndef AWS_ECS_H
#define AWS_ECS_H

#include "aws/aws_env.h"
#include "base/wheel.h"
#include "io/http_client.h"

enum ecs_news {
    ECS_STOPPING,  /* the task is to end: once */
    ECS_UNKNOWN,   /* whether it is, cannot be asked: why */
    ECS_PROTECTED, /* from now on */
    ECS_OPEN,      /* it may be taken away again */
    ECS_NOT_SET,   /* the protection could not be set: why */
};

typedef void ecs_told_f(void *ctx, enum ecs_news news, const char *why);

struct ecs_options {
    struct io *io;
    struct wheel *wheel; /* of io's loop */
    struct http_client *http;
    const struct aws_env *env;
    ecs_told_f *told;
    uint64_t (*leaving)(void *ctx); /* how many connections it is to live for, now */
    void *ctx;
    unsigned poll_ms, renew_ms; /* 0: 5 s, 30 min */
};

struct ecs;

/* Is this a task of ECS, by its environment? */
bool ecs_is_there(const struct aws_env *env);

/* Begins, on io's loop. The options are copied; what they point to stays. NULL if this is
 * no task, or an endpoint of its environment is none. */
struct ecs *ecs_new(const struct ecs_options *o) MUST_CHECK;

/* On its loop: asks for nothing any more, and tells nothing. NULL is fine. */
void ecs_stop(struct ecs *e);

/* The http client must be closed and the loop freed, or nothing under way. NULL is fine. */
void ecs_free(struct ecs *e);
bool ecs_is_busy(const struct ecs *e);

/* The answers; for tests too. False if that is not what it is. */
bool ecs_read_task(uint8_t *p, size_t n, bool *ret_stopping) MUST_CHECK;
bool ecs_read_state(uint8_t *p, size_t n, bool *ret_protected) MUST_CHECK;

#endif
