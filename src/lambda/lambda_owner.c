/* What rooms ask of the function around them (chat/room/room.h). */
#include "chat/room/owner.h"
#include "lambda/lambda_impl.h"

static struct lambda *lambda_of_owner(struct owner *o)
{
    return CONTAINER_OF(o, struct lambda, owner);
}

/* Nobody follows a room here: rows do. */
static void lambda_publish(struct owner *o, uint64_t workers, const struct news *news)
{
    (void)o;
    (void)workers;
    (void)news;
}

static void lambda_owner_cast(struct owner *o, uint64_t workers, struct str room, struct str event,
                              uint64_t not_user)
{
    (void)workers;
    lambda_cast_add(lambda_of_owner(o), room, event, not_user);
}

static void lambda_route(struct owner *o, struct call *call, struct str room)
{
    call->done = call->returned;
    owner_run(o, room, call);
}

static uint64_t lambda_wall_ms(struct owner *o)
{
    return store_wall_ms(o->store, o->home);
}

static uint64_t lambda_random(struct owner *o)
{
    uint64_t r;

    io_random(o->home, (uint8_t *)&r, sizeof(r));
    return r;
}

static void lambda_revoke(struct owner *o, uint64_t session, uint64_t expires_ms)
{
    struct lambda *l = lambda_of_owner(o);

    people_revoke(&l->people, session, expires_ms);
    if (l->visit.busy) {
        l->visit.ended = session;
        l->visit.ends = true; /* its answer is sent before it is closed */
    }
}

static void lambda_alarm(struct owner *o, enum alarm id, struct str detail)
{
    static const char *const names[] = {
#define ALARM(id, hold_s, text, remedy) [ALARM_##id] = #id,
#include "chat/model/alarms.tbl"
#undef ALARM
    };
    struct lambda *l = lambda_of_owner(o);

    (void)detail;
    l->stats.alarms++;
    l->o.told(l->o.ctx, "alarm", names[id]);
}

static void lambda_behind(struct owner *o, struct str room, uint64_t known, uint64_t found)
{
    struct lambda *l = lambda_of_owner(o);

    (void)room;
    (void)known;
    (void)found;
    l->o.told(l->o.ctx, "store_behind", "a room's log ends before what was written to it");
}

const struct owner_ops lambda_owner = {
    .publish = lambda_publish,
    .cast = lambda_owner_cast,
    .route = lambda_route,
    .wall_ms = lambda_wall_ms,
    .random = lambda_random,
    .revoke = lambda_revoke,
    .alarm = lambda_alarm,
    .span = lambda_trace_span,
    .behind = lambda_behind,
};
