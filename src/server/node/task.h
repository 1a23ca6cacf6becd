/* task.h: a node that is a task of Amazon ECS (aws/ecs.h): when the service wants to end
 * it, its clients are asked to move; it is protected while it has any. Worker 0's. */
#ifndef SERVER_NODE_TASK_H
#define SERVER_NODE_TASK_H

struct server;
struct task;

/* Begins; NULL if the environment says that this is none. The server has a client for
 * requests then. */
struct task *task_start(struct server *s);

/* Nothing is asked for any more; an answer may still come. NULL is fine. */
void task_stop(struct task *t);

/* The http client must be closed and every loop ended. NULL is fine. */
void task_free(struct task *t);

#endif
