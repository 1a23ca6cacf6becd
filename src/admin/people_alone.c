#include "admin/people_alone.h"

#include "base/str.h"
#include "chat/command/dispatch.h"
#include "chat/model/names.h"
#include "chat/room/owner.h"

#include <stdio.h>
#include <string.h>

/* Nothing is hashed by a command that is run here, but people who have passwords need a hasher. */
#define HASH_MEMORY (8u << 10)
#define TOKEN_TTL_MS 86400000u
#define ALONE_HISTORY_MAX 65536
#define ALONE_SEARCH_MAX 10000
/* Who has the store is no user of it. */
#define ALONE_NAME STR("polylog admin")
#define ALONE_NOBODY ((uint64_t)JSON_INT_MAX)

static int alone_failed(char why[static PEOPLE_ALONE_WHY_MAX], const char *what)
{
    (void)snprintf(why, PEOPLE_ALONE_WHY_MAX, "%s", what);
    return -1;
}

/* What the owner asks: nobody follows anything here. */

static void alone_publish(struct owner *o, uint64_t workers, const struct news *news)
{
    (void)o;
    (void)workers;
    (void)news;
}

static void alone_cast(struct owner *o, uint64_t workers, struct str room, struct str event,
                       uint64_t not_user)
{
    (void)o;
    (void)workers;
    (void)room;
    (void)event;
    (void)not_user;
}

static void alone_route(struct owner *o, struct call *call, struct str room)
{
    call->done = call->returned;
    owner_run(o, room, call);
}

static uint64_t alone_wall_ms(struct owner *o)
{
    return store_wall_ms(o->store, o->home);
}

static uint64_t alone_random(struct owner *o)
{
    uint64_t r;

    io_random(o->home, (uint8_t *)&r, sizeof(r));
    return r;
}

static void alone_revoke(struct owner *o, uint64_t session, uint64_t expires_ms)
{
    (void)o;
    (void)session;
    (void)expires_ms;
}

static void alone_alarm(struct owner *o, enum alarm id, struct str detail)
{
    (void)o;
    (void)id;
    (void)detail;
}

static void alone_behind(struct owner *o, struct str room, uint64_t known, uint64_t found)
{
    (void)o;
    (void)room;
    (void)known;
    (void)found;
}

static const struct owner_ops alone_ops = {
    .publish = alone_publish,
    .cast = alone_cast,
    .route = alone_route,
    .wall_ms = alone_wall_ms,
    .random = alone_random,
    .revoke = alone_revoke,
    .alarm = alone_alarm,
    .behind = alone_behind,
};

/* What the server's owner may is noted in a room of its own: that is written here, too. */
static void alone_turn(struct people_alone *a)
{
    io_wait(a->io, list_empty(&a->owner.dirty) ? wheel_next_ms(&a->wheel) : 0);
    wheel_advance(&a->wheel, io_now_ms(a->io));
    owner_flush(&a->owner);
}

static void alone_done(struct store_req *req)
{
    req->done = NULL;
}

/* The record's body, to be unreferenced; NULL if there is none. False: the store failed. */
static bool alone_get(struct people_alone *a, struct str pk, struct str sk, struct frame **ret_body)
{
    struct store_get get = {.req = {.home = a->io, .done = alone_done}, .pk = pk, .sk = sk};

    store_get(a->store, &get);
    while (get.req.done != NULL)
        io_wait(a->io, IO_FOREVER);
    if (get.req.result != STORE_OK)
        return false;
    *ret_body = get.ret_body;
    return true;
}

/* How often the store was adopted: of keys of another count none is good. */
static int read_generation(struct people_alone *a, char why[static PEOPLE_ALONE_WHY_MAX])
{
    struct frame *body;
    struct str rest = {0};
    bool whole;

    if (!alone_get(a, KEYS_SERVER, KEYS_ADOPTED, &body))
        return alone_failed(why, "the store cannot be read");
    if (body != NULL) {
        rest = frame_str(body);
        (void)!str_to_u64(str_cut(&rest, ' '), &a->keys.generation);
        (void)!str_to_u64(str_cut(&rest, ' '), &a->owner.epoch_shift);
    }
    whole = rest.n == 0;
    frame_unref(body);
    return whole ? 0
                 : alone_failed(why, "`polylog store adopt` has begun on this store and has not "
                                     "ended: run it again");
}

int people_alone_open(struct people_alone *a, char why[static PEOPLE_ALONE_WHY_MAX])
{
    static const struct hasher_options o = {
        .memory = HASH_MEMORY, .passes = 1, .threads = 1, .queue_max = 1};
    uint64_t seed;

    a->bus = bus_local_new();
    io_random(a->io, (uint8_t *)&seed, sizeof(seed));
    wheel_init(&a->wheel, io_now_ms(a->io));
    a->owner = (struct owner){
        .ops = &alone_ops,
        .store = a->store,
        .bus = a->bus,
        .home = a->io,
        .wheel = &a->wheel,
        .limits = {.history_max = ALONE_HISTORY_MAX, .search_max = ALONE_SEARCH_MAX}};
    io_random(a->io, a->owner.hash_key, sizeof(a->owner.hash_key));
    owner_init(&a->owner, seed);
    people_init(&a->people, &a->owner, &a->keys, TOKEN_TTL_MS, NULL);
    if (hasher_new(a->host, &o, &a->hasher) < 0)
        return alone_failed(why, "memory is out");
    a->people.ways = (struct people_ways){.hasher = a->hasher};
    return read_generation(a, why);
}

void people_alone_close(struct people_alone *a)
{
    owner_settle(&a->owner);
    while (owner_busy(&a->owner))
        alone_turn(a);
    hasher_stop(a->hasher);
    hasher_free(a->hasher);
    people_fini(&a->people);
    owner_fini(&a->owner);
    bus_close(a->bus);
}

static int read_user(struct people_alone *a, struct people_alone_user *user,
                     char why[static PEOPLE_ALONE_WHY_MAX])
{
    char key[KEYS_MAX];
    struct frame *body;
    struct str name;
    bool there;

    if (!alone_get(a, keys_of_user(user->id, key), KEYS_USER, &body))
        return alone_failed(why, "the store cannot be read");
    there =
        body != NULL && people_decode(frame_str(body), &name, NULL) && name.n < sizeof(user->name);
    if (there) {
        user->kind = (char)frame_str(body).p[0];
        memcpy(user->name, name.p, name.n);
        user->name[name.n] = '\0';
    }
    frame_unref(body);
    return there ? 0 : alone_failed(why, command_error_text(ERROR_no_such_user));
}

int people_alone_find(struct people_alone *a, const char *name, struct people_alone_user *ret,
                      char why[static PEOPLE_ALONE_WHY_MAX])
{
    struct people_alone_user user = {0};
    char key[NAMES_KEY_MAX];
    struct frame *body;
    struct str number;
    size_t n;

    if (!names_fold(str_of(name), key, &n))
        return alone_failed(why, command_error_text(ERROR_bad_name));
    if (!alone_get(a, KEYS_NAMES, (struct str){(const uint8_t *)key, n}, &body))
        return alone_failed(why, "the store cannot be read");
    number = body != NULL ? frame_str(body) : (struct str){0};
    if (!str_to_u64(str_cut(&number, ' '), &user.id))
        user.id = 0;
    frame_unref(body);
    if (user.id == 0)
        return alone_failed(why, command_error_text(ERROR_no_such_user));
    if (read_user(a, &user, why) < 0)
        return -1;
    *ret = user;
    return 0;
}

struct alone_call {
    struct call call;
    bool ended;
};

static void alone_ended(struct call *call)
{
    CONTAINER_OF(call, struct alone_call, call)->ended = true;
}

int people_alone_run(struct people_alone *a, uint64_t user, enum command_id id, struct buf *params,
                     struct buf *ok, char why[static PEOPLE_ALONE_WHY_MAX])
{
    static const struct command_limits limits = {.text_max = 4000, .rooms_max = 1};
    struct alone_call c = {.ended = false};
    struct command_problem problem = {ERROR_NONE, NULL};
    enum error_code error;

    assert(!dispatch_enters(id));
    call_init(&c.call, PEOPLE_ALONE_TEXT_MAX);
    if (command_parse_params(&c.call.cmd, id, params->bytes + params->rpos, buf_len(params),
                             &limits, &problem)) {
        c.call.who = (struct caller){.user = user != 0 ? user : ALONE_NOBODY,
                                     .name = ALONE_NAME,
                                     .session = 1,
                                     .super = true};
        c.call.done = c.call.returned = alone_ended;
        dispatch_run(&a->people, &c.call);
        while (!c.ended)
            alone_turn(a);
        problem = (struct command_problem){c.call.error, c.call.param};
    }
    error = problem.code;
    if (error == ERROR_NONE)
        buf_printf(ok, "{%.*s}", STR_ARGS(buf_peek(&c.call.ok)));
    else if (problem.param != NULL)
        (void)snprintf(why, PEOPLE_ALONE_WHY_MAX, "%s: %s", problem.param,
                       command_error_text(error));
    else
        (void)alone_failed(why, command_error_text(error));
    call_fini(&c.call);
    return error == ERROR_NONE && !ok->failed ? 0 : -1;
}
