/* function_rig.h: two instances of the function on one store, for tests that ask them one event
 * after another: the world of lib/sim_function.h, in which nothing goes wrong. */
#ifndef LIB_FUNCTION_RIG_H
#define LIB_FUNCTION_RIG_H

#include "lib/http_rig.h"
#include "lib/sim_function.h"

enum { FUNCTION_RIG_N = 2 };

struct function_rig {
    struct conf conf;
    struct http_rig http; /* its world; what the instances fetch, they fetch there */
    struct wheel_timer timer;
    struct store_mem_disk *disk;
    struct gateway_model *gateway;
    struct sim_function *functions[FUNCTION_RIG_N];
    bool answered;
    char answer[4096];
};

/* env: settings as the environment says them, ended by NULL. */
void function_rig_init(struct function_rig *r, char *const *env);
void function_rig_fini(struct function_rig *r);

uint64_t function_rig_wall_ms(struct function_rig *r);

/* The answer of the instance, until the next. */
const char *function_rig_ask(struct function_rig *r, unsigned i, struct sim_function_event *event);

/* A message of the connection; principal: what the authorizer says, or "". */
const char *function_rig_say(struct function_rig *r, unsigned i, const char *id,
                             const char *principal, const char *command);

/* Time passes. */
void function_rig_pass(struct function_rig *r, uint64_t ms);

/* Fails the test if part is not in text. */
void function_rig_has(const char *text, const char *part);

#endif
