#include "gateway/functions.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "gateway/environment.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 8 * 1024 * 1024, UUID_BYTES = 16 };

/* A function and its environments. */
struct function {
    struct functions *all;
    const struct api_function *f;
    struct list environments, dead;
    struct list queue;   /* invocations that wait */
    size_t n, waiting_n; /* environments that live; invocations in the queue */
};

struct functions {
    struct gateway *g;
    struct functions_options o;
    struct function *at;
    size_t n;
    struct list failed; /* invocations whose failure is told by the timer */
    struct wheel_timer timer;
    bool closing;
};

struct invocation {
    struct list node;
    bool given; /* to an environment; else it waits */
    struct buf payload, answer;
    enum invocation_result result;
    invocation_done_f *done; /* NULL: nobody waits */
    void *ctx;
    char id[40];
};

static void functions_pump(struct function *fn);

static void make_uuid(struct gateway *g, char ret_id[static 40])
{
    uint8_t b[UUID_BYTES];

    io_random(g->io, b, sizeof(b));
    b[6] = (uint8_t)(0x40 | (b[6] & 0x0f));
    b[8] = (uint8_t)(0x80 | (b[8] & 0x3f));
    (void)snprintf(ret_id, 40,
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                   b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
                   b[14], b[15]);
}

/* Ends. */

static void invocation_end(struct invocation *i, enum invocation_result result, struct str answer)
{
    list_remove(&i->node);
    if (i->done != NULL)
        i->done(i->ctx, result, answer);
    buf_fini(&i->payload);
    buf_fini(&i->answer);
    free(i);
}

/* Told by the timer: never inside functions_invoke. */
static void invocation_fail(struct functions *fs, struct invocation *i,
                            enum invocation_result result, struct str why)
{
    list_remove(&i->node);
    i->result = result;
    buf_append(&i->answer, why);
    list_push(&fs->failed, &i->node);
    wheel_set(&fs->g->wheel, &fs->timer, 0);
}

static void functions_fired(struct wheel_timer *t)
{
    struct functions *fs = CONTAINER_OF(t, struct functions, timer);
    struct list *n;

    while ((n = list_pop(&fs->failed)) != NULL) {
        struct invocation *i = CONTAINER_OF(n, struct invocation, node);

        invocation_end(i, i->result, buf_peek(&i->answer));
    }
}

static void fail_sentence(struct functions *fs, struct invocation *i, enum invocation_result result,
                          const char *message)
{
    struct buf why CLEANUP(buf_fini);
    struct json_out o;

    buf_init(&why, TEXT_MAX);
    json_out_init(&o, &why);
    json_out_object(&o);
    json_out_field_str(&o, "errorMessage", str_of(message));
    json_out_object_end(&o);
    invocation_fail(fs, i, result, buf_peek(&why));
}

/* Of an environment. */

static struct invocation *find_invocation(const struct function *fn, const char *id)
{
    for (struct list *n = fn->queue.next; n != &fn->queue; n = n->next) {
        struct invocation *i = CONTAINER_OF(n, struct invocation, node);

        if (strcmp(i->id, id) == 0)
            return i;
    }
    return NULL;
}

static void environment_idle(struct environment *e)
{
    functions_pump(e->owner);
}

static void environment_answered(struct environment *e, const char *request_id,
                                 enum invocation_result result, struct str answer)
{
    struct invocation *i = find_invocation(e->owner, request_id);

    assert(i != NULL && i->given);
    invocation_end(i, result, answer);
}

static void environment_ended(struct environment *e, struct str why)
{
    struct function *fn = e->owner;

    list_remove(&e->node);
    list_push(&fn->dead, &e->node);
    fn->n--;
    /* Who waits would wait for another that does not start either. */
    for (struct list *n = fn->queue.next; !e->worked && n != &fn->queue; n = n->next) {
        struct invocation *i = CONTAINER_OF(n, struct invocation, node);

        if (i->given)
            continue;
        fn->waiting_n--;
        invocation_fail(fn->all, i, INVOCATION_BROKEN, why);
        break;
    }
    if (!fn->all->closing)
        functions_pump(fn);
}

static const struct environment_ops environment_of_function = {
    .idle = environment_idle, .answered = environment_answered, .ended = environment_ended};

/* The queue. */

static struct invocation *next_waiting(const struct function *fn)
{
    for (struct list *n = fn->queue.next; n != &fn->queue; n = n->next) {
        struct invocation *i = CONTAINER_OF(n, struct invocation, node);

        if (!i->given)
            return i;
    }
    return NULL;
}

static size_t count_starting(const struct function *fn)
{
    size_t n = 0;

    for (struct list *at = fn->environments.next; at != &fn->environments; at = at->next)
        n += CONTAINER_OF(at, struct environment, node)->state == ENVIRONMENT_STARTING;
    return n;
}

static void start_more(struct function *fn)
{
    char why[API_WHY_MAX] = "";
    struct invocation *i;

    while (fn->waiting_n > count_starting(fn) * fn->f->per_environment) {
        size_t most = fn->f->concurrency > 0 ? fn->f->concurrency : fn->all->o.most;
        struct environment *e;

        if (fn->n >= most)
            return;
        e = environment_start(fn->all->g, fn->f, &fn->all->o, &environment_of_function, fn, why);
        if (e == NULL) {
            (void)fprintf(stderr, "polylog gateway: %s\n", why);
            i = next_waiting(fn);
            fn->waiting_n--;
            fail_sentence(fn->all, i, INVOCATION_BROKEN, why);
            continue;
        }
        fn->n++;
        list_push(&fn->environments, &e->node);
    }
}

static void functions_pump(struct function *fn)
{
    struct list *n = fn->environments.next;

    while (n != &fn->environments && fn->waiting_n > 0) {
        struct environment *e = CONTAINER_OF(n, struct environment, node);
        struct invocation *i;

        n = n->next;
        while (fn->waiting_n > 0 && environment_is_idle(e)) {
            i = next_waiting(fn);
            i->given = true;
            fn->waiting_n--;
            environment_run(e, i->id, buf_peek(&i->payload));
        }
    }
    start_more(fn);
}

/* Has a function with a limit of its own nothing free? Then AWS throttles. */
static bool is_throttled(const struct function *fn)
{
    size_t taken = 0;

    if (fn->f->concurrency == 0)
        return false;
    for (struct list *n = fn->queue.next; n != &fn->queue; n = n->next)
        taken++;
    return taken >= (size_t)fn->f->concurrency * fn->f->per_environment;
}

static struct function *functions_find(struct functions *fs, struct str name)
{
    static const struct str part = {(const uint8_t *)":function:", 10};

    for (size_t i = 0; i + part.n < name.n; i++)
        if (str_starts(str_skip(name, i), part)) {
            name = str_skip(name, i + part.n);
            break;
        }
    name = str_cut(&name, ':');
    for (size_t i = 0; i < fs->n; i++)
        if (str_eq(str_of(fs->at[i].f->name), name))
            return &fs->at[i];
    return NULL;
}

struct invocation *functions_invoke(struct functions *fs, struct str name, struct str payload,
                                    invocation_done_f *done, void *ctx)
{
    struct function *fn = functions_find(fs, name);
    struct invocation *i = mem_zeroed(1, sizeof(*i));

    i->done = done;
    i->ctx = ctx;
    list_init(&i->node);
    buf_init(&i->payload, TEXT_MAX);
    buf_init(&i->answer, TEXT_MAX);
    buf_append(&i->payload, payload);
    make_uuid(fs->g, i->id);
    if (fn == NULL || fs->closing) {
        fail_sentence(fs, i, INVOCATION_UNKNOWN, "Function not found");
        return i;
    }
    if (is_throttled(fn)) {
        fail_sentence(fs, i, INVOCATION_THROTTLED, "Rate Exceeded.");
        return i;
    }
    fs->g->meter.invocations++;
    list_push(&fn->queue, &i->node);
    fn->waiting_n++;
    functions_pump(fn);
    return i;
}

void functions_abandon(struct invocation *i)
{
    i->done = NULL;
}

struct functions *functions_new(struct gateway *g, const struct functions_options *o)
{
    struct functions *fs = mem_zeroed(1, sizeof(*fs));

    fs->g = g;
    fs->o = *o;
    fs->timer.fire = functions_fired;
    list_init(&fs->failed);
    fs->n = g->api->functions_n;
    fs->at = mem_zeroed(fs->n, sizeof(*fs->at));
    for (size_t i = 0; i < fs->n; i++) {
        fs->at[i] = (struct function){.all = fs, .f = &g->api->functions[i]};
        list_init(&fs->at[i].environments);
        list_init(&fs->at[i].dead);
        list_init(&fs->at[i].queue);
    }
    return fs;
}

static void close_one(struct function *fn)
{
    struct invocation *i;

    while (!list_empty(&fn->environments))
        environment_end(CONTAINER_OF(fn->environments.next, struct environment, node),
                        INVOCATION_BROKEN, STR("{\"errorMessage\":\"The gateway ends\"}"));
    while ((i = next_waiting(fn)) != NULL) {
        fn->waiting_n--;
        invocation_end(i, INVOCATION_BROKEN, STR("{\"errorMessage\":\"The gateway ends\"}"));
    }
}

void functions_close(struct functions *fs)
{
    fs->closing = true;
    for (size_t i = 0; i < fs->n; i++)
        close_one(&fs->at[i]);
}

bool functions_bury(struct functions *fs)
{
    bool left = false;

    for (size_t i = 0; fs != NULL && i < fs->n; i++) {
        struct list *dead = &fs->at[i].dead;

        for (struct list *n = dead->next, *next; n != dead; n = next) {
            next = n->next;
            if (!environment_free(CONTAINER_OF(n, struct environment, node)))
                left = true;
        }
    }
    return !left;
}

void functions_free(struct functions *fs)
{
    if (fs == NULL)
        return;
    assert(fs->closing && functions_bury(fs));
    functions_fired(&fs->timer);
    wheel_cancel(&fs->g->wheel, &fs->timer);
    free(fs->at);
    free(fs);
}
