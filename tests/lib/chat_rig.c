#include "lib/chat_rig.h"
#include "chat/room/owner.h"

#include "base/str.h"
#include "chat/command/dispatch.h"

#include <stdio.h>

#define SEED 7

static const struct command_limits limits = {.text_max = 4000, .rooms_max = 100};

static struct chat_rig *rig_of(struct owner *o)
{
    return CONTAINER_OF(o, struct chat_rig, owner);
}

static void quote(char *to, size_t max, struct str s)
{
    assert_true(s.n < max);
    memcpy(to, s.p, s.n);
    to[s.n] = '\0';
    for (size_t i = 0; i < s.n; i++)
        if (to[i] == '"')
            to[i] = '\'';
}

static void publish(struct owner *o, uint64_t workers, const struct news *news)
{
    struct chat_rig *r = rig_of(o);

    for (unsigned i = 0; i < news->n; i++) {
        const struct news_entry *e = &news->entries[i];
        struct chat_rig_news *n = &r->news[r->news_n++];

        assert_true(r->news_n <= CHAT_RIG_NEWS);
        *n = (struct chat_rig_news){.seq = news->first + i,
                                    .workers = workers,
                                    .lost = e->lost,
                                    .bytes = frame_ref(e->entry)};
        assert_int_equal(entry_decode(frame_str(n->bytes), &n->entry), ENTRY_OK);
        assert_int_equal(n->entry.kind, e->kind);
        memcpy(n->room, news->room.p, news->room.n);
    }
}

static void cast(struct owner *o, uint64_t workers, struct str room, struct str event,
                 uint64_t not_user)
{
    struct chat_rig *r = rig_of(o);

    (void)workers;
    quote(r->cast_to, sizeof(r->cast_to), room);
    quote(r->cast, sizeof(r->cast), event);
    r->cast_not_user = not_user;
    r->casts_n++;
}

static void route(struct owner *o, struct call *call, struct str room)
{
    call->done = call->returned;
    owner_run(o, room, call);
}

static uint64_t wall_ms(struct owner *o)
{
    return io_wall_ms(o->home);
}

static uint64_t some_random(struct owner *o)
{
    return ++rig_of(o)->random << 12;
}

static void revoke(struct owner *o, uint64_t session, uint64_t expires_ms)
{
    struct chat_rig *r = rig_of(o);

    r->revoked = session;
    people_revoke(&r->people, session, expires_ms);
}

static void raise_alarm(struct owner *o, enum alarm id, struct str detail)
{
    struct chat_rig *r = rig_of(o);

    r->alarms_n[id]++;
    quote(r->alarm, sizeof(r->alarm), detail);
}

static void behind(struct owner *o, struct str room, uint64_t known, uint64_t found)
{
    (void)room;
    assert_in_range(found, 0, known - 1);
    rig_of(o)->behind_n++;
}

static const struct owner_ops ops = {
    .publish = publish,
    .cast = cast,
    .route = route,
    .wall_ms = wall_ms,
    .random = some_random,
    .revoke = revoke,
    .alarm = raise_alarm,
    .behind = behind,
};

static bool turn(void *arg)
{
    struct chat_rig *r = arg;

    io_wait(r->io, list_empty(&r->owner.dirty) ? wheel_next_ms(&r->wheel) : 0);
    wheel_advance(&r->wheel, io_now_ms(r->io));
    owner_flush(&r->owner);
    return true;
}

static void begin(struct chat_rig *r)
{
    memset(&r->owner, 0, sizeof(r->owner));
    wheel_init(&r->wheel, io_now_ms(r->io));
    r->owner.ops = &ops;
    r->owner.store = &r->gate->store;
    r->owner.bus = r->bus;
    r->owner.home = r->io;
    r->owner.wheel = &r->wheel;
    r->owner.limits = (struct owner_limits){.history_max = 64 * 1024,
                                            .search_max = 10000,
                                            .read_every_ms = 2000,
                                            .read_told_ms = 2000,
                                            .roster_max = 200,
                                            .presence_list_ms = 1000,
                                            .presence_count_ms = 5000,
                                            .presence_leave_ms = 15000,
                                            .idle_max = 8};
    owner_init(&r->owner, 3);
    people_init(&r->people, &r->owner, &r->keys, 3600 * 1000, r->issuer);
    if (r->hasher != NULL)
        r->people.ways = (struct people_ways){.hasher = r->hasher, .signup = PEOPLE_SIGNUP_OPEN};
}

int chat_rig_setup(void **state)
{
    struct chat_rig *r = calloc(1, sizeof(*r));
    struct jws_key *key;

    assert_non_null(r);
    r->sim = sim_new(check_seed(SEED), (struct sim_faults){0});
    r->host = sim_host_new(r->sim);
    assert_int_equal(host_io_new(r->host, &r->io), 0);
    assert_int_equal(host_start(r->host, r->io, turn, r), 0);
    r->disk = store_mem_disk_new();
    assert_int_equal(store_mem_open(r->host, r->disk, &r->mem), 0);
    r->gate = calloc(1, sizeof(*r->gate));
    assert_non_null(r->gate);
    store_gate_init(r->gate, r->mem);
    r->bus = bus_local_new();
    r->keys.all = jwks_new();
    key = jws_key_secret(STR("a secret of thirty-two bytes....."));
    jwks_add_take(r->keys.all, (struct str){0}, key);
    r->keys.signer = key;
    begin(r);
    *state = r;
    return 0;
}

static void finish(struct chat_rig *r)
{
    store_gate_open(r->gate);
    chat_rig_rest(r, 100);
    people_fini(&r->people);
    owner_fini(&r->owner);
    for (unsigned i = 0; i < r->news_n; i++)
        frame_unref(r->news[i].bytes);
    r->news_n = 0;
}

void chat_rig_restart(struct chat_rig *r)
{
    finish(r);
    begin(r);
}

int chat_rig_teardown(void **state)
{
    struct chat_rig *r = *state;

    finish(r);
    hasher_stop(r->hasher);
    hasher_free(r->hasher);
    jwks_unref(r->keys.all);
    store_close(r->mem);
    free(r->gate);
    bus_close(r->bus);
    store_mem_disk_free(r->disk);
    io_free(r->io);
    host_free(r->host);
    sim_free(r->sim);
    free(r);
    return 0;
}

void chat_rig_passwords(struct chat_rig *r, const struct hasher_options *o)
{
    assert_null(r->hasher);
    assert_int_equal(hasher_new(r->host, o, &r->hasher), 0);
    r->people.ways = (struct people_ways){.hasher = r->hasher, .signup = PEOPLE_SIGNUP_OPEN};
}

bool chat_rig_turn(struct chat_rig *r)
{
    return sim_step(r->sim);
}

struct nap {
    struct wheel_timer timer;
    bool over;
};

static void woken(struct wheel_timer *t)
{
    CONTAINER_OF(t, struct nap, timer)->over = true;
}

void chat_rig_rest(struct chat_rig *r, uint64_t ms)
{
    struct nap nap = {.timer.fire = woken};

    wheel_set(&r->wheel, &nap.timer, io_now_ms(r->io) + ms);
    while (!nap.over)
        assert_true(chat_rig_turn(r));
}

static void ended(struct call *call)
{
    struct chat_rig_call *c = CONTAINER_OF(call, struct chat_rig_call, call);
    struct buf b CLEANUP(buf_fini);

    assert_false(c->ended);
    c->ended = true;
    c->order = ++c->rig->ended_n;
    buf_init(&b, CHAT_RIG_TEXT);
    call_answer(call, &b);
    quote(c->answer, sizeof(c->answer), buf_peek(&b));
}

struct chat_rig_call *chat_rig_start_as(struct chat_rig *r, struct caller who, const char *text)
{
    struct chat_rig_call *c = calloc(1, sizeof(*c));
    size_t n = strlen(text);
    struct command_problem problem;

    assert_non_null(c);
    c->rig = r;
    c->bytes = malloc(n + 1);
    assert_non_null(c->bytes);
    memcpy(c->bytes, text, n + 1);
    for (size_t i = 0; i < n; i++)
        if (c->bytes[i] == '\'')
            c->bytes[i] = '"';
    call_init(&c->call, CHAT_RIG_TEXT - 1024);
    if (!command_parse(&c->call.cmd, c->bytes, n, &limits, &problem))
        fail_msg("%s: %s", command_error_name(problem.code), text);
    (void)snprintf(c->name, sizeof(c->name), "u%llu", (unsigned long long)who.user);
    who.name = str_of(c->name);
    c->call.who = who;
    c->call.source = &r->sources[who.user % COUNTOF(r->sources)];
    c->call.done = c->call.returned = ended;
    c->call.place = r->place;
    if (dispatch_enters(c->call.cmd.id))
        dispatch_enter(&r->people, &c->call);
    else
        dispatch_run(&r->people, &c->call);
    return c;
}

struct chat_rig_call *chat_rig_start(struct chat_rig *r, uint64_t user, const char *fmt, ...)
{
    static char text[16 * 1024];
    va_list args;

    va_start(args, fmt);
    assert_true(vsnprintf(text, sizeof(text), fmt, args) < (int)sizeof(text));
    va_end(args);
    return chat_rig_start_as(r, (struct caller){.user = user, .session = user + 1000}, text);
}

struct chat_rig_call *chat_rig_start_super(struct chat_rig *r, uint64_t user, const char *text)
{
    return chat_rig_start_as(
        r, (struct caller){.user = user, .session = user + 1000, .super = true}, text);
}

const char *chat_rig_wait(struct chat_rig_call *c)
{
    for (int i = 0; !c->ended; i++) {
        if (i > 100000)
            fail_msg("no answer");
        assert_true(chat_rig_turn(c->rig));
    }
    return c->answer;
}

void chat_rig_free(struct chat_rig_call *c)
{
    (void)chat_rig_wait(c);
    call_fini(&c->call);
    free(c->bytes);
    free(c);
}

const char *chat_rig_do(struct chat_rig *r, uint64_t user, const char *fmt, ...)
{
    static char text[16 * 1024], answer[CHAT_RIG_TEXT];
    struct chat_rig_call *c;
    va_list args;

    va_start(args, fmt);
    assert_true(vsnprintf(text, sizeof(text), fmt, args) < (int)sizeof(text));
    va_end(args);
    c = chat_rig_start_as(r, (struct caller){.user = user, .session = user + 1000}, text);
    (void)strcpy(answer, chat_rig_wait(c));
    chat_rig_free(c);
    return answer;
}

void chat_rig_has(const char *answer, const char *text)
{
    if (strstr(answer, text) == NULL)
        fail_msg("no %s in %s", text, answer);
}

void chat_rig_has_not(const char *answer, const char *text)
{
    if (strstr(answer, text) != NULL)
        fail_msg("%s in %s", text, answer);
}

const char *chat_rig_text(const char *answer, const char *key, char buf[static 4096])
{
    char name[32];
    const char *at;

    (void)snprintf(name, sizeof(name), "'%s':'", key);
    at = strstr(answer, name);
    if (at == NULL)
        fail_msg("no %s in %s", key, answer);
    at += strlen(name);
    (void)snprintf(buf, 4096, "%.*s", (int)strcspn(at, "'"), at);
    return buf;
}

enum error_code chat_rig_verify(struct chat_rig *r, const char *answer, struct caller *ret_who)
{
    static uint8_t scratch[PEOPLE_SCRATCH];
    struct identity_stranger stranger;
    char token[4096];

    return people_verify(&r->people, str_of(chat_rig_text(answer, "token", token)), scratch,
                         ret_who, &stranger);
}

static void stored_read(struct store_req *req)
{
    req->done = NULL;
}

static void stored_wait(struct chat_rig *r, struct store_req *req)
{
    while (req->done != NULL)
        assert_true(chat_rig_turn(r));
    assert_int_equal(req->result, STORE_OK);
}

static bool stored_holds(struct str body, const char *text)
{
    return text != NULL && memmem(body.p, body.n, text, strlen(text)) != NULL;
}

/* The block is freed. */
static unsigned stored_count(struct frame *block, uint64_t below, const char *text,
                             const char *or_text)
{
    struct store_item item;
    unsigned n = 0;

    for (size_t at = 0; store_block_next(block, &at, &item);)
        n +=
            item.key < below && (stored_holds(item.body, text) || stored_holds(item.body, or_text));
    frame_unref(block);
    return n;
}

unsigned chat_rig_stored(struct chat_rig *r, const char *room, uint64_t below, const char *text,
                         const char *or_text, unsigned *ret_entries_n)
{
    struct store_read read = {.req = {.home = r->io, .done = stored_read},
                              .room = str_of(room),
                              .from = 1,
                              .count_max = 10000,
                              .bytes_max = 10000000};
    struct store_amends amends = {.req = {.home = r->io, .done = stored_read},
                                  .room = str_of(room),
                                  .from = 1,
                                  .to = below - 1};

    store_read(r->mem, &read);
    stored_wait(r, &read.req);
    store_amends(r->mem, &amends);
    stored_wait(r, &amends.req);
    if (ret_entries_n != NULL)
        *ret_entries_n = read.ret_n;
    return stored_count(read.ret_block, below, text, or_text) +
           stored_count(amends.ret_block, below, text, or_text);
}

uint64_t chat_rig_number(const char *answer, const char *key)
{
    char name[64];
    const char *at;

    (void)snprintf(name, sizeof(name), "'%s':", key);
    at = strstr(answer, name);
    if (at == NULL)
        fail_msg("no %s in %s", key, answer);
    return strtoull(at + strlen(name), NULL, 10);
}

static void put_or_got(struct store_req *req)
{
    req->done = NULL;
}

static void wait_for(struct chat_rig *r, const struct store_req *req)
{
    while (req->done != NULL)
        assert_true(chat_rig_turn(r));
    assert_int_equal(req->result, STORE_OK);
}

const char *chat_rig_record(struct chat_rig *r, const char *pk, const char *sk)
{
    static char text[4096];
    struct store_get get = {
        .req = {.home = r->io, .done = put_or_got}, .pk = str_of(pk), .sk = str_of(sk)};

    store_get(r->mem, &get);
    wait_for(r, &get.req);
    if (get.ret_body == NULL)
        return "-";
    quote(text, sizeof(text), frame_str(get.ret_body));
    frame_unref(get.ret_body);
    return text;
}

void chat_rig_put(struct chat_rig *r, const char *pk, const char *sk, const char *body)
{
    struct store_put put = {.req = {.home = r->io, .done = put_or_got},
                            .pk = str_of(pk),
                            .sk = str_of(sk),
                            .body = str_of(body != NULL ? body : ""),
                            .remove = body == NULL,
                            .expect = STORE_REV_ANY};

    store_put(r->mem, &put);
    wait_for(r, &put.req);
}

struct room *chat_rig_room(struct chat_rig *r, const char *id)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&r->owner.rooms, &it); n != NULL; n = map_next(&it)) {
        struct room *room = CONTAINER_OF(n, struct room, node);

        if (str_eq(room_id(room), str_of(id)))
            return room;
    }
    return NULL;
}

void chat_rig_follow(struct chat_rig *r, const char *room, unsigned worker)
{
    struct room *at = chat_rig_room(r, room);

    assert_non_null(at);
    room_hold(at);
    owner_follow(at, worker);
    room_release(at);
}
