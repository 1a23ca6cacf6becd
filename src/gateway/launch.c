#include "gateway/launch.h"

#include "base/mem.h"
#include "base/str.h"
#include "gateway/launch_node.h"
#include "gateway/launch_python.h"
#include "io/spawn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { VALUE_MAX = 1024 * 1024, INLINE_MAX = 100 * 1024, ARGS_MAX = 6 };

void launch_localise(const struct gateway *g, struct str text, struct buf *out)
{
    char name[256];
    struct str at_aws;

    (void)snprintf(name, sizeof(name), "%s.execute-api.%s.amazonaws.com", g->about.id,
                   g->about.region);
    at_aws = str_of(name);
    while (text.n > 0) {
        bool found = str_starts(text, at_aws);

        if (found)
            buf_append(out, str_of(g->domain));
        else
            buf_append(out, (struct str){text.p, 1});
        text = str_skip(text, found ? at_aws.n : 1);
    }
}

/* Environment variables. */

static void launch_set(struct api_pairs *env, const char *name, const char *value)
{
    for (size_t i = 0; i < env->n; i++)
        if (strcmp(env->at[i].name, name) == 0) {
            free(env->at[i].value);
            env->at[i].value = str_dup(str_of(value));
            return;
        }
    api_pairs_add(env, str_of(name), str_of(value));
}

static void set_number(struct api_pairs *env, const char *name, unsigned value)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%u", value);
    launch_set(env, name, text);
}

static void set_inherited(struct api_pairs *env, char *const *environ)
{
    for (char *const *at = environ; at != NULL && *at != NULL; at++) {
        struct str value = str_of(*at), name = str_cut(&value, '=');

        api_pairs_add(env, name, value);
    }
}

static void set_usual(struct api_pairs *env, const struct gateway *g, const struct api_function *f,
                      const struct functions_options *o, uint16_t port)
{
    char text[256], *root;

    (void)snprintf(text, sizeof(text), "127.0.0.1:%u", port);
    launch_set(env, "AWS_LAMBDA_RUNTIME_API", text);
    launch_set(env, "AWS_LAMBDA_FUNCTION_NAME", f->name);
    launch_set(env, "AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
    launch_set(env, "AWS_LAMBDA_INITIALIZATION_TYPE",
               f->per_environment > 1 ? "lambda-managed-instances" : "on-demand");
    if (f->per_environment > 1)
        set_number(env, "AWS_LAMBDA_MAX_CONCURRENCY", f->per_environment);
    set_number(env, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", f->memory_mb);
    (void)snprintf(text, sizeof(text), "/aws/lambda/%s", f->name);
    launch_set(env, "AWS_LAMBDA_LOG_GROUP_NAME", text);
    launch_set(env, "AWS_LAMBDA_LOG_STREAM_NAME", "polylog-gateway");
    root = realpath(f->code_dir != NULL ? f->code_dir : ".", NULL);
    launch_set(env, "LAMBDA_TASK_ROOT", root != NULL ? root : ".");
    free(root);
    launch_set(env, "_HANDLER", f->handler != NULL ? f->handler : "index.handler");
    launch_set(env, "AWS_REGION", g->about.region);
    launch_set(env, "AWS_DEFAULT_REGION", g->about.region);
    launch_set(env, "AWS_ACCESS_KEY_ID", g->keys[0].id);
    launch_set(env, "AWS_SECRET_ACCESS_KEY", g->keys[0].secret);
    launch_set(env, "AWS_ENDPOINT_URL_LAMBDA", o->invoke_url);
    if (o->ca_file != NULL) {
        launch_set(env, "NODE_EXTRA_CA_CERTS", o->ca_file);
        launch_set(env, "AWS_CA_BUNDLE", o->ca_bundle);
        launch_set(env, "SSL_CERT_FILE", o->ca_bundle);
    }
    if (f->code_inline != NULL)
        launch_set(env, "_POLYLOG_CODE", f->code_inline);
}

static void set_own(struct api_pairs *env, const struct gateway *g, const struct api_function *f)
{
    struct buf value CLEANUP(buf_fini);

    buf_init(&value, VALUE_MAX);
    for (size_t i = 0; i < f->environment.n; i++) {
        buf_clear(&value);
        launch_localise(g, str_of(f->environment.at[i].value), &value);
        buf_append_byte(&value, 0);
        if (!value.failed)
            launch_set(env, f->environment.at[i].name, (const char *)value.bytes);
    }
}

static char **lines_of(const struct api_pairs *env)
{
    char **lines = mem_zeroed(env->n + 1, sizeof(*lines));

    for (size_t i = 0; i < env->n; i++) {
        size_t n = strlen(env->at[i].name) + strlen(env->at[i].value) + 2;

        lines[i] = mem_bytes(n);
        (void)snprintf(lines[i], n, "%s=%s", env->at[i].name, env->at[i].value);
    }
    return lines;
}

static void free_all(struct api_pairs *env, char **lines)
{
    for (size_t i = 0; i < env->n; i++)
        free(lines[i]);
    free(lines);
    api_pairs_fini(env);
}

/* The command. */

/* False: there is no client for it. */
static bool command_of(const struct api_function *f, const char *argv[static ARGS_MAX],
                       char why[static API_WHY_MAX])
{
    struct str runtime = str_of(f->runtime != NULL ? f->runtime : "provided");
    size_t n = 0;

    if (f->command != NULL) {
        argv[n++] = "/bin/sh";
        argv[n++] = "-c";
        argv[n++] = f->command;
    } else if (str_starts(runtime, STR("nodejs"))) {
        argv[n++] = "node";
        argv[n++] = "-e";
        argv[n++] = launch_node_client;
    } else if (str_starts(runtime, STR("python"))) {
        argv[n++] = "python3";
        argv[n++] = "-c";
        argv[n++] = launch_python_client;
    } else if (str_starts(runtime, STR("provided"))) {
        argv[n++] = "./bootstrap";
    } else {
        (void)snprintf(why, API_WHY_MAX,
                       "%s: there is no client for the runtime %s here; give the function a "
                       "command in the short file",
                       f->name, f->runtime);
        return false;
    }
    argv[n] = NULL;
    return true;
}

bool launch_start(struct gateway *g, const struct api_function *f,
                  const struct functions_options *o, uint16_t port, int *ret_pid, int *ret_log,
                  char why[static API_WHY_MAX])
{
    const char *argv[ARGS_MAX];
    struct api_pairs env = {0};
    char **lines;
    int r;

    if (f->code_inline != NULL && strlen(f->code_inline) > INLINE_MAX) {
        (void)snprintf(why, API_WHY_MAX, "%s: its inline code is longer than 100 KB", f->name);
        return false;
    }
    if (!command_of(f, argv, why))
        return false;
    set_inherited(&env, o->environ);
    set_usual(&env, g, f, o, port);
    set_own(&env, g, f);
    lines = lines_of(&env);
    r = spawn_start(&(struct spawn_options){.argv = (char *const *)(uintptr_t)argv,
                                            .env = lines,
                                            .dir = f->code_dir},
                    ret_pid, ret_log);
    free_all(&env, lines);
    if (r < 0)
        (void)snprintf(why, API_WHY_MAX, "%s: cannot start %s in %s: %s", f->name, argv[0],
                       f->code_dir != NULL ? f->code_dir : ".", strerrordesc_np(-r));
    return r == 0;
}
