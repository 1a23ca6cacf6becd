#include "gateway/authorizer.h"

#include "base/mem.h"
#include "base/str.h"
#include "gateway/event.h"
#include "gateway/json_path.h"
#include "gateway/mapping.h"
#include "gateway/signature.h"

#include <stdlib.h>

enum { EVENT_MAX = 1024 * 1024, TEXT_MAX = 16 * 1024 };

struct authorizer {
    struct gateway *g;
    authorizer_done_f *done;
    void *ctx;
    struct buf arn;
    uint64_t began_ms;
    enum authorizer_verdict verdict; /* that is told by the timer */
    struct wheel_timer timer;
};

static void authorizer_end(struct authorizer *a, enum authorizer_verdict verdict,
                           struct str members)
{
    a->done(a->ctx, verdict, members);
    wheel_cancel(&a->g->wheel, &a->timer);
    buf_fini(&a->arn);
    free(a);
}

static void authorizer_fired(struct wheel_timer *t)
{
    struct authorizer *a = CONTAINER_OF(t, struct authorizer, timer);

    authorizer_end(a, a->verdict, (struct str){0});
}

static void answered(void *ctx, enum invocation_result result, struct str answer)
{
    struct authorizer *a = ctx;
    struct buf members CLEANUP(buf_fini), message CLEANUP(buf_fini);
    enum authorizer_verdict verdict = AUTHORIZER_FAILED;

    buf_init(&members, TEXT_MAX);
    buf_init(&message, TEXT_MAX);
    if (result == INVOCATION_ERROR && json_path_text(answer, STR("errorMessage"), &message) &&
        str_eq(buf_peek(&message), STR("Unauthorized")))
        verdict = AUTHORIZER_UNKNOWN;
    else if (result == INVOCATION_OK)
        switch (event_read_verdict(answer, buf_peek(&a->arn), &members)) {
        case EVENT_ALLOW:
            verdict = AUTHORIZER_ALLOWS;
            break;
        case EVENT_DENY:
            verdict = AUTHORIZER_DENIES;
            break;
        case EVENT_BROKEN:
            break;
        }
    if (verdict == AUTHORIZER_FAILED)
        gateway_say(a->g, "the authorizer failed: %.*s", STR_ARGS(answer));
    buf_printf(&members, ",\"integrationLatency\":%llu",
               (unsigned long long)(io_now_ms(a->g->io) - a->began_ms));
    authorizer_end(a, members.failed ? AUTHORIZER_FAILED : verdict, buf_peek(&members));
}

/* AWS asks nobody if an identity source is missing. */
static bool has_sources(const struct authorizer *a, const struct api_authorizer *who,
                        const struct occasion *o)
{
    struct buf value CLEANUP(buf_fini);

    buf_init(&value, TEXT_MAX);
    for (size_t i = 0; i < who->sources_n; i++) {
        buf_clear(&value);
        if (!mapping_source(o, a->g->api, str_of(who->sources[i]), &value) || buf_len(&value) == 0)
            return false;
    }
    return true;
}

static void ask_function(struct authorizer *a, const struct api_authorizer *who,
                         const struct occasion *o)
{
    struct buf event CLEANUP(buf_fini), name CLEANUP(buf_fini);

    buf_init(&event, EVENT_MAX);
    buf_init(&name, TEXT_MAX);
    if (!has_sources(a, who, o)) {
        a->verdict = AUTHORIZER_UNKNOWN;
        wheel_set(&a->g->wheel, &a->timer, 0);
        return;
    }
    event_method_arn(o, &a->arn);
    event_write_authorizer(o, a->g->api, &event);
    api_expand(a->g->api, who->function, &name);
    (void)functions_invoke(a->g->functions, buf_peek(&name), buf_peek(&event), answered, a);
}

struct authorizer *authorizer_ask(struct gateway *g, const struct api_route *r,
                                  const struct occasion *o, authorizer_done_f *done, void *ctx)
{
    struct authorizer *a;

    if (r->authorization == API_AUTH_NONE ||
        (r->authorization == API_AUTH_CUSTOM && r->authorizer == API_NONE))
        return NULL;
    a = mem_zeroed(1, sizeof(*a));
    a->g = g;
    a->done = done;
    a->ctx = ctx;
    a->timer.fire = authorizer_fired;
    a->began_ms = io_now_ms(g->io);
    buf_init(&a->arn, TEXT_MAX);
    if (r->authorization == API_AUTH_CUSTOM) {
        ask_function(a, &g->api->authorizers[r->authorizer], o);
    } else {
        a->verdict = signature_is_good(g, o->link->request) ? AUTHORIZER_ALLOWS : AUTHORIZER_DENIES;
        wheel_set(&g->wheel, &a->timer, 0);
    }
    return a;
}
