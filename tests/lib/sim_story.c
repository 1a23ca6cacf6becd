#include "lib/sim_story.h"

#include "base/str.h"
#include "io/addr.h"
#include "lib/bus_model.h"
#include "lib/check.h"
#include "lib/sim_act.h"
#include "lib/sim_audit.h"
#include "lib/sim_client.h"
#include "lib/sim_node.h"
#include "lib/vfs_lossy.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
    ACTIONS = 250,
    CLIENTS = 8,
    CLIENTS_MAX = 12,
    PEOPLE_MAX = 6,
    NODES_MAX = 3,
    GONE_MAX = 32,
    PORT = 7000,
    CALM_MS = 60000,
    QUIET_MS = 1000, /* invitations follow what they were sent for */
    STOP_MS = 60000,
    STEPS_MAX = 4000000,
    CHECK_EVERY = 16,
    OUTAGE_MS = 15000,
    CLOCK_MS = 5000,
    REDIS_OUTAGE_MS = 12000,
    REDIS_QUIET_MS = 20000, /* until it is noticed that all is well again */
    LATE_MS = 3000,         /* so late DynamoDB may do what nobody waits for any more */
    GONE_MS = 4000,         /* a node that died is missed later than that */
};

#define VFS "story"

struct place {
    struct sim_node *node;
    uint64_t start_ms; /* when it comes up again */
    bool stopping;
};

struct story {
    const struct sim_story *o;
    struct sim_story drawn; /* what o points to, if it is drawn */
    struct sim *sim;
    struct rng rng;
    struct sim_check *check;
    struct sim_crowd crowd;
    struct sim_client clients[CLIENTS_MAX];
    unsigned clients_n, people_n;
    struct io_host *host; /* of the clients */
    struct sim_disk disk;
    struct vfs_lossy *vfs; /* NULL: another disk than SQLite's */
    char dir[64];
    struct bus_model *buses; /* or redis; both NULL: there is one node */
    unsigned gone_ms;        /* when they miss one that died */
    struct redis_model *redis;
    struct place places[NODES_MAX];
    unsigned places_n;
    struct sim_node *gone[GONE_MAX]; /* crashed ones that are not freed yet */
    unsigned gone_n;
    unsigned actions, workers;
    uint64_t act_ms, until_ms, full_until_ms, apart_until_ms, outage_until_ms, redis_until_ms;
    bool over;
    struct sim_act act;
    bool served; /* a node was up: all that the first start writes is written */
    bool trace;
};

static char last_violation[500];

static bool chance(struct story *s, unsigned per_mille)
{
    return rng_chance(&s->rng, per_mille);
}

static uint64_t below(struct story *s, uint64_t n)
{
    return rng_below(&s->rng, n);
}

/* Who they are, and which rooms they want from the beginning. */
static void begin_clients(struct story *s)
{
    char name[32];

    for (unsigned i = 0; i < s->clients_n; i++) {
        struct sim_client *c = &s->clients[i];

        (void)snprintf(name, sizeof(name), "p%u/%u", i % s->people_n, i);
        sim_client_init(c, &s->crowd, name);
        sim_client_want(c, sim_client_room(c, sim_act_rooms[0]));
        sim_client_want(c, sim_client_room(c, sim_act_rooms[1]));
        c->rooms[0].known = chance(s, 500); /* asks for its own log, too */
        if (c->rooms[0].known)
            c->rooms[0].state = SIM_ROOM_WANTED;
    }
    for (unsigned i = 1; i < SIM_ACT_ROOMS; i++) {
        struct sim_client *c = &s->clients[0];
        struct sim_op *op = sim_client_ask(c, SIM_OP_CREATE, sim_client_room(c, sim_act_rooms[i]));

        op->word = i >= SIM_ACT_PRIVATE ? "private" : "public";
    }
}

static bool crowd_turn(void *arg)
{
    struct story *s = arg;
    uint64_t next = IO_FOREVER;

    io_wait(s->crowd.io, s->until_ms);
    while (s->actions > 0 && s->act_ms <= io_now_ms(s->crowd.io)) {
        sim_act_once(&s->act);
        s->actions--;
        s->act_ms += below(s, chance(s, 50) ? 800 : 25);
    }
    for (unsigned i = 0; i < s->clients_n; i++)
        next = MIN(next, sim_client_turn(&s->clients[i]));
    s->until_ms = s->actions > 0 ? MIN(next, s->act_ms) : next;
    return !s->over;
}

/* Nodes. */

static void start_node(struct story *s, unsigned i)
{
    static const char *const plenty[] = {
        "--open", "--messages-per-user=0", "--connects-per-address=0", "--drain-ms=500", NULL,
    };
    static const char *const little[] = {
        "--open",
        "--messages-per-user=50",
        "--connects-per-address=0",
        "--drain-ms=2000",
        "--tail-budget=64k",
        "--chunk-cache=64k",
        "--unsent-replies-max=4k",
        "--history-max=4k",
        "--flush-turn-max=4k",
        "--behind-max=40",
        "--commands-in-flight=16",
        "--read-every=100ms",
        NULL,
    };
    struct sim_node_options o = {.sim = s->sim,
                                 .rng = &s->rng,
                                 .disk = s->disk,
                                 .buses = s->buses,
                                 .redis = s->redis,
                                 .way = i,
                                 .port = (uint16_t)(PORT + i),
                                 .workers = s->workers,
                                 .trace = s->trace};
    const char *const *args = s->o->small ? little : plenty;

    for (unsigned k = 0; args[k] != NULL; k++)
        o.args[k] = args[k];
    if (s->o->clocks)
        o.clock_ms = (int)below(s, 2 * CLOCK_MS) - CLOCK_MS;
    if (s->trace)
        printf("%8llu node %u starts\n", (unsigned long long)sim_now_ms(s->sim), i);
    s->places[i] = (struct place){.node = sim_node_start(&o)};
}

static bool none_runs(const struct story *s)
{
    for (unsigned i = 0; i < s->places_n; i++)
        if (s->places[i].node != NULL)
            return false;
    return true;
}

static void audit(struct story *s)
{
    if (none_runs(s))
        sim_audit_run(s->check, &s->disk);
}

static void crash_node(struct story *s, struct place *p)
{
    if (s->trace)
        printf("%8llu node crashes\n", (unsigned long long)sim_now_ms(s->sim));
    if (s->vfs != NULL)
        vfs_lossy_cut_after(s->vfs, 1);
    sim_node_crash(p->node);
    if (s->vfs != NULL) {
        sim_node_free(p->node);
        vfs_lossy_restore(s->vfs);
    } else {
        assert(s->gone_n < GONE_MAX);
        s->gone[s->gone_n++] = p->node;
    }
    p->node = NULL;
    p->start_ms = sim_now_ms(s->sim) + below(s, 2000);
    audit(s);
}

static void free_gone(struct story *s)
{
    while (s->gone_n > 0)
        sim_node_free(s->gone[--s->gone_n]);
}

static void mind_node(struct story *s, unsigned i)
{
    struct place *p = &s->places[i];
    bool last = s->actions == 0;
    uint64_t now = sim_now_ms(s->sim);

    if (p->node == NULL) {
        if (p->start_ms <= now || last)
            start_node(s, i);
        return;
    }
    if (p->node->failed[0] != '\0' && now < s->outage_until_ms + SIM_DISK_DEADLINE_MS)
        p->stopping = true; /* it ends by itself, and is started again */
    else if (p->node->failed[0] != '\0' && !p->stopping)
        sim_check_violate(s->check, "I7: a node cannot start: %s", p->node->failed);
    if (p->stopping && sim_node_ended(p->node)) {
        sim_node_free(p->node);
        *p = (struct place){.start_ms = sim_now_ms(s->sim) + below(s, 2000)};
        audit(s);
    }
}

static void mind_fate(struct story *s)
{
    struct place *p = &s->places[below(s, s->places_n)];

    if (s->act.fate == SIM_FATE_WELL || p->node == NULL || p->stopping || s->gone_n == GONE_MAX)
        return;
    if (s->act.fate == SIM_FATE_CRASH) {
        crash_node(s, p);
    } else {
        p->stopping = true;
        sim_node_stop(p->node);
    }
    s->act.fate = SIM_FATE_WELL;
}

/* Periods in which two nodes are apart. */
static void mind_bus(struct story *s)
{
    uint64_t now = sim_now_ms(s->sim);
    struct sim_node *a = s->places[below(s, s->places_n)].node;
    struct sim_node *b = s->places[below(s, s->places_n)].node;

    if (s->apart_until_ms > 0 && s->apart_until_ms <= now) {
        bus_model_join(s->buses);
        s->apart_until_ms = 0;
    }
    if (!s->o->partitions || s->apart_until_ms > 0 || !chance(s, 2) || s->actions == 0 ||
        a == NULL || b == NULL || a == b)
        return;
    bus_model_part(s->buses, bus_self(a->bus), bus_self(b->bus));
    s->apart_until_ms = now + below(s, 5000);
}

/* Periods in which the store is full or fails. */
static void mind_stores(struct story *s)
{
    uint64_t now = sim_now_ms(s->sim);
    bool last = s->actions == 0;

    if (s->o->full && s->full_until_ms <= now && chance(s, 1))
        s->full_until_ms = now + below(s, 500);
    for (unsigned i = 0; i < s->places_n; i++) {
        struct sim_node *n = s->places[i].node;
        bool fails = s->o->store_fails && !last && n != NULL && n->serving;
        bool full = !last && now < s->full_until_ms && n != NULL && (n->serving || s->served);

        s->served = s->served || (n != NULL && n->serving);
        if (n != NULL)
            store_fault_set(n->faults, (struct store_fault_options){
                                           .full = full,
                                           .fail = fails ? 10 : 0,
                                           .lose = fails ? 20 : 0,
                                           .delay = fails ? 100 : 0,
                                           .turns_max = 20,
                                       });
    }
}

/* Periods in which next to nothing comes through to DynamoDB. */
static void mind_service(struct story *s)
{
    static const struct dynamo_model_faults outages[] = {
        {.throttle = 900},
        {.fail = 900},
        {.fail_done = 900},
        {.lost = 900, .late_ms = LATE_MS},
        {.fail = 500, .fail_done = 500},
        {.latency_ms = 2000},
    };
    uint64_t now = sim_now_ms(s->sim);

    if (s->disk.dynamo == NULL)
        return;
    if (s->actions == 0)
        dynamo_model_set_faults(s->disk.dynamo, (struct dynamo_model_faults){0});
    if (s->actions == 0 || now < s->outage_until_ms)
        return;
    dynamo_model_set_faults(s->disk.dynamo, s->o->service);
    if (!s->o->outages || !chance(s, 3))
        return;
    s->outage_until_ms = now + below(s, OUTAGE_MS);
    dynamo_model_set_faults(s->disk.dynamo, outages[below(s, COUNTOF(outages))]);
}

/* Something befalls Redis; what. */
static const char *trouble_redis(struct story *s)
{
    unsigned one = (unsigned)below(s, REDIS_MODEL_SERVERS);
    struct redis_model_faults f = s->o->redis_faults;

    switch (below(s, 8)) {
    case 0:
        redis_model_kill(s->redis, one);
        return "a server is killed";
    case 1:
        for (unsigned i = 0; i < REDIS_MODEL_SERVERS; i++)
            redis_model_kill(s->redis, i);
        return "all servers are killed";
    case 2:
        redis_model_pause(s->redis, one, true);
        return "a server is paused";
    case 3:
        redis_model_promote(s->redis, one, false);
        return "a server takes over";
    case 4:
        redis_model_promote(s->redis, one, true);
        return "two take themselves for the primary";
    case 5:
        redis_model_part(s->redis, (unsigned)below(s, s->places_n), true);
        return "a node is cut off";
    case 6:
        f.slow_ms = 1 + (unsigned)below(s, 2000);
        redis_model_set(s->redis, f);
        return "it is slow";
    default:
        f.refuse = "LOADING Redis is loading the dataset in memory";
        redis_model_set(s->redis, f);
        return "it refuses";
    }
}

/* Periods in which it is in trouble. */
static void mind_redis(struct story *s)
{
    uint64_t now = sim_now_ms(s->sim);
    bool last = s->actions == 0;
    const char *what;

    if (s->redis == NULL || (now < s->redis_until_ms && !last))
        return;
    if (s->redis_until_ms > 0) {
        redis_model_heal(s->redis);
        redis_model_set(s->redis, last ? (struct redis_model_faults){0} : s->o->redis_faults);
        s->redis_until_ms = 0;
        if (s->trace)
            printf("%8llu Redis: all is well\n", (unsigned long long)now);
    }
    if (last || !s->o->redis_fails || !chance(s, 3))
        return;
    what = trouble_redis(s);
    s->redis_until_ms = now + 1 + below(s, REDIS_OUTAGE_MS);
    if (s->trace)
        printf("%8llu Redis: %s\n", (unsigned long long)now, what);
}

static void look(struct story *s)
{
    for (unsigned i = 0; i < s->places_n; i++) {
        const struct sim_node *n = s->places[i].node;
        const char *what = n != NULL ? sim_node_excess(n) : NULL;

        if (what != NULL)
            sim_check_violate(s->check, "I5: %s is beyond its limit", what);
    }
}

/* One step of the world. False when something is violated. */
static bool step(struct story *s, unsigned n)
{
    if (!sim_step(s->sim))
        sim_check_violate(s->check, "I7: nothing can happen any more");
    if (s->buses != NULL)
        bus_model_turn(s->buses);
    if (s->buses != NULL && n % CHECK_EVERY == 0)
        mind_bus(s);
    if (n % CHECK_EVERY == 0) {
        mind_stores(s);
        mind_service(s);
        mind_redis(s);
        look(s);
    }
    return sim_check_violation(s->check) == NULL;
}

static bool all_quiet(struct story *s)
{
    const char *why, *room;

    for (unsigned i = 0; i < s->places_n; i++)
        if (s->places[i].node == NULL || s->places[i].stopping || !s->places[i].node->serving)
            return false;
    for (unsigned i = 0; i < s->clients_n; i++)
        if (!sim_client_is_quiet(&s->clients[i], &why, &room))
            return false;
    return true;
}

static void say_unquiet(struct story *s)
{
    const char *why, *room;

    for (unsigned i = 0; i < s->clients_n; i++)
        if (!sim_client_is_quiet(&s->clients[i], &why, &room))
            sim_check_violate(s->check, "I6: %s %s %s", s->clients[i].name, why, room);
    sim_check_violate(s->check, "I6: a node does not serve");
}

static bool run_actions(struct story *s)
{
    for (unsigned n = 0; s->actions > 0; n++) {
        if (!step(s, n))
            return false;
        mind_fate(s);
        for (unsigned i = 0; i < s->places_n; i++)
            mind_node(s, i);
        if (n > STEPS_MAX)
            sim_check_violate(s->check, "I7: it goes on without end");
    }
    return true;
}

static bool run_calm(struct story *s)
{
    uint64_t deadline = sim_now_ms(s->sim) + CALM_MS, quiet_ms = 0;
    unsigned quiet_for_ms = QUIET_MS + s->o->bus.look_ms + s->o->bus.held_ms;

    if (s->disk.dynamo != NULL)
        quiet_for_ms += 2 * LATE_MS; /* what comes late is looked for ever more seldom */
    if (s->redis != NULL)
        quiet_for_ms += REDIS_QUIET_MS;

    sim_set_faults(s->sim, (struct sim_faults){0});
    if (s->buses != NULL) {
        bus_model_set(s->buses, (struct bus_model_faults){.gone_ms = s->gone_ms});
        bus_model_join(s->buses);
    }
    mind_stores(s);
    mind_service(s);
    mind_redis(s);
    s->crowd.calm = true;
    for (unsigned i = 0; i < s->clients_n; i++)
        s->clients[i].pause_ms = 0;
    s->until_ms = 0;
    for (unsigned n = 0; quiet_ms == 0 || sim_now_ms(s->sim) < quiet_ms + quiet_for_ms; n++) {
        if (!step(s, n))
            return false;
        if (!all_quiet(s))
            quiet_ms = 0;
        else if (quiet_ms == 0)
            quiet_ms = sim_now_ms(s->sim);
        for (unsigned i = 0; i < s->places_n; i++)
            mind_node(s, i);
        if (sim_now_ms(s->sim) > deadline + quiet_for_ms || n > STEPS_MAX)
            say_unquiet(s);
    }
    return true;
}

static bool all_ended(const struct story *s)
{
    for (unsigned i = 0; i < s->places_n; i++)
        if (!sim_node_ended(s->places[i].node))
            return false;
    return true;
}

static bool run_stop(struct story *s)
{
    uint64_t deadline = sim_now_ms(s->sim) + STOP_MS;

    for (unsigned i = 0; i < s->places_n; i++)
        sim_node_stop(s->places[i].node);
    for (unsigned n = 0; !all_ended(s); n++) {
        if (!step(s, n))
            return false;
        if (sim_now_ms(s->sim) > deadline || n > STEPS_MAX)
            sim_check_violate(s->check, "I7: a node does not end");
    }
    return true;
}

/* Everybody was shown all that the disk holds. */
static void check_cursors(struct story *s)
{
    for (unsigned i = 0; i < s->clients_n; i++) {
        for (unsigned k = 0; k < SIM_CLIENT_ROOMS; k++) {
            const struct sim_room *r = &s->clients[i].rooms[k];

            if (r->state != SIM_ROOM_UNWANTED && r->follow.cursor != sim_check_head(r->follow.log))
                sim_check_violate(s->check,
                                  "I6: %s: %s was shown all up to %llu, and its head is %llu",
                                  r->id, s->clients[i].name, (unsigned long long)r->follow.cursor,
                                  (unsigned long long)sim_check_head(r->follow.log));
        }
    }
}

static void end_clients(struct story *s)
{
    bool open = true;

    for (unsigned i = 0; i < s->clients_n; i++) {
        s->clients[i].stays_down = true;
        sim_link_cut(&s->clients[i].link);
    }
    s->until_ms = 0;
    for (unsigned n = 0; open; n++) {
        open = false;
        for (unsigned i = 0; i < s->clients_n; i++)
            open = open || s->clients[i].link.state != SIM_LINK_DOWN;
        assert_true(n < STEPS_MAX);
        if (open)
            assert_true(sim_step(s->sim));
    }
    s->over = true;
    io_wait(s->crowd.io, 0);
    host_join(s->host);
}

static void run(struct story *s)
{
    for (unsigned i = 0; i < s->places_n; i++)
        start_node(s, i);
    begin_clients(s);
    s->act_ms = sim_now_ms(s->sim) + below(s, 500);
    assert_int_equal(host_start(s->host, s->crowd.io, crowd_turn, s), 0);
    if (!run_actions(s) || !run_calm(s) || !run_stop(s))
        return;
    for (unsigned i = 0; i < s->places_n; i++) {
        sim_node_free(s->places[i].node);
        s->places[i].node = NULL;
    }
    end_clients(s);
    free_gone(s);
    audit(s);
    check_cursors(s);
}

static void make_dir(struct story *s, uint64_t seed)
{
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(s->dir, sizeof(s->dir), "%.40s/polylog-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(s->dir));
    s->vfs = vfs_lossy_new(VFS, seed);
    s->disk.dir = s->dir;
    s->disk.vfs = VFS;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

/* A number from 0 to max, often 0. */
static unsigned some(struct story *s, unsigned max)
{
    return chance(s, 400) ? 0 : (unsigned)below(s, max + 1);
}

static void draw(struct story *s)
{
    s->drawn = (struct sim_story){
        .actions = 50 + (unsigned)below(s, 500),
        .nodes = 1 + (unsigned)below(s, NODES_MAX),
        .clients = 3 + (unsigned)below(s, CLIENTS_MAX - 2),
        .faults = {.short_send = some(s, 500),
                   .split_recv = some(s, 700),
                   .reset = some(s, 5),
                   .blocked = some(s, 100),
                   .latency_ms = some(s, 300),
                   .job_ms = some(s, 100)},
        .bus = {.lost = some(s, 1000),
                .twice = some(s, 300),
                .held_ms = some(s, 500),
                .look_ms = some(s, 5000)},
        .cuts = chance(s, 700),
        .slow = chance(s, 700),
        .members = chance(s, 700),
        .crashes = chance(s, 400),
        .drains = chance(s, 400),
        .partitions = chance(s, 500),
        .full = chance(s, 200),
        .store_fails = chance(s, 300),
        .small = chance(s, 600),
    };
    s->drawn.sqlite = s->drawn.nodes == 1 && !s->drawn.store_fails && chance(s, 200);
    s->o = &s->drawn;
}

static void set_up(struct story *s, const struct sim_story *o, uint64_t seed)
{
    *s = (struct story){.o = o};
    rng_init(&s->rng, seed);
    if (o->drawn)
        draw(s);
    o = s->o;
    s->trace = getenv("TRACE") != NULL;
    s->sim = sim_new(seed, s->o->faults);
    s->check = sim_check_new();
    if (o->sqlite)
        make_dir(s, seed);
    else if (o->dynamo)
        s->disk.dynamo = dynamo_model_new(s->sim, seed);
    else
        s->disk.mem = store_mem_disk_new();
    s->places_n = MAX(o->nodes, 1u);
    if (o->redis) {
        s->redis = redis_model_new(s->sim, seed);
        redis_model_set(s->redis, o->redis_faults);
    } else if (o->nodes > 1) {
        struct bus_model_faults f = o->bus;

        f.gone_ms = s->gone_ms = o->dynamo ? GONE_MS : 0;
        s->buses = bus_model_new(s->sim, &s->rng);
        bus_model_set(s->buses, f);
    }
    s->workers = 1 + (unsigned)below(s, 3);
    s->clients_n = 2 + (unsigned)below(s, (o->clients > 0 ? o->clients : CLIENTS) - 1);
    s->people_n = 2 + (unsigned)below(s, MIN(s->clients_n, (unsigned)PEOPLE_MAX) - 1);
    s->actions = o->actions > 0 ? o->actions : ACTIONS;
    s->act = (struct sim_act){.sim = s->sim,
                              .rng = &s->rng,
                              .clients = s->clients,
                              .clients_n = s->clients_n,
                              .cuts = o->cuts,
                              .slow = o->slow,
                              .members = o->members,
                              .crashes = o->crashes,
                              .drains = o->drains};
    if (o->slow)
        sim_set_pipe_max(s->sim, (size_t)1024 << below(s, 7));
    s->host = sim_host_new(s->sim);
    s->crowd.check = s->check;
    s->crowd.trace = s->trace;
    rng_init(&s->crowd.rng, seed ^ 0x5bd1e995);
    assert_int_equal(host_io_new(s->host, &s->crowd.io), 0);
    for (unsigned i = 0; i < s->places_n; i++) {
        struct io_addr *a = &s->crowd.addrs[s->crowd.addrs_n++];

        *a = (struct io_addr){.family = IO_ADDR_IP4, .port = (uint16_t)(PORT + i)};
        memcpy(a->ip, (uint8_t[]){127, 0, 0, 1}, 4);
    }
}

const char *sim_story_run(const struct sim_story *o, uint64_t seed)
{
    struct story *s = malloc(sizeof(*s));
    const char *why;

    assert_non_null(s);
    set_up(s, o, seed);
    run(s);
    why = sim_check_violation(s->check);
    if (s->trace)
        printf("%llu acknowledged, %llu shown, %llu repeats, %llu behind, %llu pages, "
               "%llu refused, %llu connections\n",
               (unsigned long long)s->crowd.acked_n, (unsigned long long)s->crowd.shown_n,
               (unsigned long long)s->crowd.duplicates_n, (unsigned long long)s->crowd.behinds_n,
               (unsigned long long)s->crowd.pages_n, (unsigned long long)s->crowd.refused_n,
               (unsigned long long)s->crowd.opened_n);
    if (why != NULL) { /* the test fails: what is left in the middle of it is left */
        (void)snprintf(last_violation, sizeof(last_violation), "%s", why);
        return last_violation;
    }
    io_free(s->crowd.io);
    host_free(s->host);
    bus_model_free(s->buses);
    redis_model_free(s->redis);
    dynamo_model_free(s->disk.dynamo);
    sim_free(s->sim);
    store_mem_disk_free(s->disk.mem);
    vfs_lossy_free(s->vfs);
    if (s->o->sqlite)
        (void)nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    sim_check_free(s->check);
    free(s);
    return NULL;
}

/* An assertion in the program names no seed. */
static uint64_t seed_now;

static void aborted(int signal)
{
    (void)signal;
    fprintf(stderr, "SEED=%llu\n", (unsigned long long)seed_now);
}

void sim_story_test(const struct sim_story *o, uint64_t seeds)
{
    uint64_t only = check_seed(UINT64_MAX), n = only != UINT64_MAX ? 1 : check_seeds(seeds);

    (void)signal(SIGABRT, aborted);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t seed = seed_now = only != UINT64_MAX ? only : i;
        const char *why = sim_story_run(o, seed);

        if (why != NULL)
            fail_msg("SEED=%llu: %s", (unsigned long long)seed, why);
    }
}
