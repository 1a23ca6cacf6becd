#include "lib/sim_story.h"

#include "base/str.h"
#include "io/addr.h"
#include "lib/bus_model.h"
#include "lib/check.h"
#include "lib/sim_act.h"
#include "lib/sim_audit.h"
#include "lib/sim_client.h"
#include "lib/sim_holes.h"
#include "lib/sim_limits.h"
#include "lib/sim_node.h"
#include "lib/sim_poller.h"
#include "lib/sim_swap.h"
#include "lib/sim_woes.h"
#include "lib/vfs_lossy.h"
#include "server/node/alarms.h"

#include <stdio.h>
#include <string.h>

enum {
    ACTIONS = 250,
    CLIENTS = 8,
    HOLES_ACTIONS = 60, /* over logs with holes */
    HOLES_SEEDS = 10,   /* in so many stories some are shown */
    LOOK_MS = 3000,
    PEOPLE_MAX = 6,
    GONE_MAX = 32,
    PORT = 7000,
    CALM_MS = 60000,
    POLLED_CALM_MS = 80000, /* a GET that was lost between nodes is given up */
    QUIET_MS = 1000,        /* invitations follow what they were sent for */
    STOP_MS = 60000,
    STEPS_MAX = 4000000,
    CHECK_EVERY = 16,
    OUTAGE_MS = 15000,
    REDIS_OUTAGE_MS = 12000,
    REDIS_QUIET_MS = 20000, /* until it is noticed that all is well again */
    LISTED_MS = 5000,       /* a session that ended is found within */
    I8_SLACK_MS = 5000,
    GONE_MS = 4000, /* a node that died is missed later than that */
    LIES = 30,      /* of 1000 messages between nodes a liar adds so many */
};

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
    struct sim_limits limits;
    struct sim_crowd crowd;
    struct sim_client clients[SIM_STORY_CLIENTS_MAX];
    struct sim_poller pollers[SIM_STORY_POLLERS_MAX];
    unsigned clients_n, people_n, pollers_n;
    struct io_host *host; /* of the clients */
    struct sim_disk disk;
    struct sim_swap swap;
    struct vfs_lossy *vfs; /* NULL: another disk than SQLite's */
    char dir[SIM_DISK_DIR];
    struct bus_model *buses; /* or redis; both NULL: there is one node */
    unsigned gone_ms;        /* when they miss one that died */
    struct redis_model *redis;
    struct place places[SIM_STORY_NODES_MAX];
    unsigned places_n;
    struct sim_node *gone[GONE_MAX]; /* crashed ones that are not freed yet */
    unsigned gone_n;
    unsigned actions, workers;
    uint64_t act_ms, until_ms, full_until_ms, apart_until_ms, outage_until_ms, redis_until_ms;
    bool over;
    struct sim_act act;
    struct sim_woes woes;
    bool served; /* a node was up: all that the first start writes is written */
    bool trace;
};

static char last_violation[500];
static uint64_t lost_told_n; /* in all stories so far */

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
    for (unsigned i = 0; i < s->pollers_n; i++) {
        (void)snprintf(name, sizeof(name), "q%u", i);
        sim_poller_init(&s->pollers[i], &s->crowd, name, sim_act_rooms[0]);
        s->pollers[i].rude = s->o->rude;
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
        if (s->pollers_n > 0 && chance(s, 300))
            sim_poller_send(&s->pollers[below(s, s->pollers_n)]);
        s->actions--;
        s->act_ms += below(s, sim_woes_slow(&s->woes) || chance(s, 50) ? 800 : 25);
    }
    for (unsigned i = 0; i < s->clients_n; i++)
        next = MIN(next, sim_client_turn(&s->clients[i]));
    for (unsigned i = 0; i < s->pollers_n; i++)
        next = MIN(next, sim_poller_turn(&s->pollers[i]));
    s->until_ms = s->actions > 0 ? MIN(next, s->act_ms) : next;
    return !s->over;
}

/* The clients look at what they have been asked for. */
static void nudge(struct story *s)
{
    s->until_ms = 0;
    io_wait(s->crowd.io, 0);
}

/* Nodes. */

static void start_node(struct story *s, unsigned i)
{
    struct sim_node_options o = {.sim = s->sim,
                                 .rng = &s->rng,
                                 .disk = s->disk,
                                 .buses = s->buses,
                                 .redis = s->redis,
                                 .way = i,
                                 .port = (uint16_t)(PORT + i),
                                 .workers = s->workers,
                                 .batch_max = s->o->tiny ? s->limits.batch_max : 0,
                                 .away_until_ms = &s->outage_until_ms,
                                 .trace = s->trace};
    const char *const *args = sim_limits_usual(s->o->small);
    unsigned n = 0;

    while (args[n] != NULL && !(s->o->tiny && n >= SIM_LIMITS_KEPT)) {
        o.args[n] = args[n];
        n++;
    }
    for (unsigned k = 0; k < SIM_LIMITS_N && s->o->tiny; k++)
        o.args[n++] = s->limits.args[k];
    for (unsigned k = 0; k < n && s->trace; k++)
        printf("%s ", o.args[k]);
    if (s->places_n > 1)
        sim_woes_clock(&s->woes, &o);
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

static struct place *any_place(struct story *s)
{
    return &s->places[below(s, s->places_n)];
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
    struct place *p = any_place(s);

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
    struct sim_node *a = any_place(s)->node;
    struct sim_node *b = any_place(s)->node;

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
        struct store_fault_options o;
        bool fails = s->o->store_fails && !last && n != NULL && n->serving;
        bool full = !last && now < s->full_until_ms && n != NULL && (n->serving || s->served);

        s->served = s->served || (n != NULL && n->serving);
        if (n == NULL)
            continue;
        o = (struct store_fault_options){.full = full,
                                         .fail = fails ? 10 : 0,
                                         .lose = fails ? 20 : 0,
                                         .delay = fails ? 100 : 0,
                                         .turns_max = 20};
        if (!last && !s->places[i].stopping)
            sim_woes_store(&s->woes, n, &o);
        store_fault_set(n->faults, o);
    }
}

/* Periods in which next to nothing comes through to DynamoDB. */
static void mind_service(struct story *s)
{
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
    dynamo_model_set_faults(s->disk.dynamo, sim_woes_outage(&s->woes));
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
    what = sim_woes_redis(&s->woes, s->redis, s->o->redis_faults, s->places_n);
    s->redis_until_ms = now + 1 + below(s, REDIS_OUTAGE_MS);
    if (s->trace)
        printf("%8llu Redis: %s\n", (unsigned long long)now, what);
}

/* At some time a copy of the store is made, where several nodes are on it. */
static void mind_copy(struct story *s)
{
    if (s->disk.dir == NULL && s->places_n > 1 && s->actions > 0 && s->served && chance(s, 2))
        sim_swap_copy(&s->swap);
}

static void mind_woes(struct story *s)
{
    struct sim_node *n = any_place(s)->node;

    if (s->places_n > 1 && s->actions > 0 && n != NULL && n->serving)
        sim_woes_mind(&s->woes, n);
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
    sim_check_now(s->check, SIM_WALL_MS + sim_now_ms(s->sim));
    if (s->buses != NULL)
        bus_model_turn(s->buses);
    if (s->buses != NULL && n % CHECK_EVERY == 0)
        mind_bus(s);
    if (n % CHECK_EVERY == 0) {
        mind_stores(s);
        mind_service(s);
        mind_redis(s);
        mind_copy(s);
        mind_woes(s);
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
    for (unsigned i = 0; i < s->pollers_n; i++)
        if (sim_poller_unquiet(&s->pollers[i]) != NULL)
            return false;
    return true;
}

static void say_unquiet(struct story *s)
{
    const char *why, *room;

    for (unsigned i = 0; i < s->clients_n; i++)
        if (!sim_client_is_quiet(&s->clients[i], &why, &room))
            sim_check_violate(s->check, "I6: %s %s %s", s->clients[i].name, why, room);
    for (unsigned i = 0; i < s->pollers_n; i++)
        if (sim_poller_unquiet(&s->pollers[i]) != NULL)
            sim_check_violate(s->check, "I6: %s %s", s->pollers[i].name,
                              sim_poller_unquiet(&s->pollers[i]));
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
        quiet_for_ms += 2 * SIM_WOES_LATE_MS; /* what comes late is looked for ever more seldom */
    if (s->redis != NULL)
        quiet_for_ms += REDIS_QUIET_MS;
    if (s->pollers_n > 0)
        deadline += POLLED_CALM_MS;

    sim_set_faults(s->sim, (struct sim_faults){0});
    if (s->buses != NULL) {
        bus_model_set(s->buses, (struct bus_model_faults){.gone_ms = s->gone_ms});
        bus_model_join(s->buses);
        bus_model_deafen(s->buses, 0);
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

/* What may fail does, from now on. */
static void begin_trouble(struct story *s)
{
    struct bus_model_faults f = s->o->bus;

    f.lies = LIES;
    f.gone_ms = s->gone_ms;
    if (s->buses != NULL)
        bus_model_set(s->buses, f);
    if (s->redis != NULL)
        redis_model_set(s->redis, s->o->redis_faults);
    sim_set_faults(s->sim, s->o->faults);
    s->crowd.calm = false;
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

    s->crowd.ends = true;
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

static bool run_for(struct story *s, uint64_t ms)
{
    uint64_t until = sim_now_ms(s->sim) + ms;

    for (unsigned n = 0; sim_now_ms(s->sim) < until; n++)
        if (!step(s, n))
            return false;
    return true;
}

/* In stories of several nodes: entries are lost in the middle of logs, a node begins anew that
 * has to read them, and the story goes on for a while. Who shows afterwards that something is
 * lost has said so. */
static bool run_holes(struct story *s)
{
    uint64_t n;

    if (s->places_n == 1)
        return true;
    n = sim_holes_make(s->check, &s->disk, &s->rng);
    if (s->trace)
        printf("%8llu %llu entries are lost\n", (unsigned long long)sim_now_ms(s->sim),
               (unsigned long long)n);
    begin_trouble(s);
    s->act.fate = SIM_FATE_DRAIN;
    s->actions = HOLES_ACTIONS;
    s->act_ms = sim_now_ms(s->sim);
    nudge(s);
    if (!run_actions(s) || !run_calm(s))
        return false;
    memset(s->crowd.lost_n, 0, sizeof(s->crowd.lost_n));
    for (unsigned i = 0; i < s->clients_n; i++)
        sim_holes_look(&s->clients[i]);
    nudge(s);
    if (!run_for(s, LOOK_MS))
        return false;
    for (unsigned i = 0; i < s->places_n; i++) {
        lost_told_n += s->crowd.lost_n[i];
        if (s->crowd.lost_n[i] > 0 && !alarms_is(s->places[i].node->server->alarms, ALARM_hole))
            sim_check_violate(s->check, "I6: node %u shows what is lost, and does not say so", i);
    }
    return sim_check_violation(s->check) == NULL;
}

/* All could be read for a while: who has an ended session is not there any more. */
static bool run_sessions(struct story *s)
{
    if (s->places_n > 1 && !run_for(s, LISTED_MS))
        return false;
    for (unsigned i = 0; i < s->clients_n; i++) {
        const struct sim_client *c = &s->clients[i];

        if (c->authed && sim_sessions_over_ms(&s->crowd.sessions, c->token, sim_now_ms(s->sim)) > 0)
            sim_check_violate(s->check, "I8: %s has a session that ended", c->name);
    }
    return sim_check_violation(s->check) == NULL;
}

/* In stories in which a copy was made: the store becomes what it was then, and later again
 * what it was last. */
static bool run_swap(struct story *s)
{
    uint64_t acked;

    if (!sim_swap_begin(&s->swap))
        return true;
    if (s->trace)
        printf("%8llu the store is an older copy\n", (unsigned long long)sim_now_ms(s->sim));
    if (!run_for(s, SIM_SWAP_NOTICED_MS))
        return false;
    sim_swap_watch(&s->swap);
    acked = s->crowd.acked_n;
    for (unsigned i = 0; i < s->clients_n; i++)
        (void)sim_client_ask(&s->clients[i], SIM_OP_SEND, 0);
    nudge(s);
    if (!run_for(s, SIM_SWAP_NOTICED_MS))
        return false;
    if (s->crowd.acked_n != acked)
        sim_check_violate(s->check, "I9: sends are acknowledged of another store");
    for (unsigned i = 0; i < s->places_n; i++)
        if (!sim_swap_is_noticed(s->places[i].node))
            sim_check_violate(s->check, "I9: node %u has not noticed that its store is another", i);
    if (!sim_swap_end(&s->swap))
        sim_check_violate(s->check, "I9: another store was written to");
    return sim_check_violation(s->check) == NULL;
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
    for (unsigned i = 0; i < s->pollers_n; i++) {
        s->pollers[i].stays_down = true;
        sim_poller_cut(&s->pollers[i]);
    }
    s->until_ms = 0;
    for (unsigned n = 0; open; n++) {
        open = false;
        for (unsigned i = 0; i < s->clients_n; i++)
            open = open || s->clients[i].link.state != SIM_LINK_DOWN;
        for (unsigned i = 0; i < s->pollers_n; i++)
            open = open || !sim_poller_is_down(&s->pollers[i]);
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
    if (!run_actions(s) || !run_calm(s) || !run_holes(s) || !run_sessions(s) || !run_swap(s) ||
        !run_stop(s))
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

static void set_up(struct story *s, const struct sim_story *o, uint64_t seed)
{
    *s = (struct story){.o = o};
    rng_init(&s->rng, seed);
    if (o->drawn) {
        sim_story_draw(&s->drawn, &s->rng);
        o = s->o = &s->drawn;
    }
    s->trace = getenv("TRACE") != NULL;
    s->sim = sim_new(seed, s->o->faults);
    s->check = sim_check_new();
    if (o->sqlite)
        s->vfs = sim_disk_sqlite(&s->disk, s->dir, seed);
    else if (o->dynamo)
        s->disk.dynamo = dynamo_model_new(s->sim, seed);
    else
        s->disk.mem = store_mem_disk_new();
    s->swap.disk = &s->disk;
    s->places_n = MAX(o->nodes, 1u);
    if (o->redis) {
        s->redis = redis_model_new(s->sim, seed);
        redis_model_lie(s->redis, LIES);
    } else if (o->nodes > 1) {
        s->gone_ms = o->dynamo ? GONE_MS : 0;
        s->buses = bus_model_new(s->sim, &s->rng);
    }
    begin_trouble(s);
    if (s->o->tiny)
        sim_limits_draw(&s->limits, &s->rng);
    s->workers = 1 + (unsigned)below(s, 3);
    s->clients_n = 2 + (unsigned)below(s, (o->clients > 0 ? o->clients : CLIENTS) - 1);
    s->pollers_n = MIN(o->pollers, (unsigned)SIM_STORY_POLLERS_MAX);
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
    s->woes =
        (struct sim_woes){.sim = s->sim, .rng = &s->rng, .buses = s->buses, .trace = s->trace};
    if (o->slow)
        sim_set_pipe_max(s->sim, (size_t)1024 << below(s, 7));
    s->host = sim_host_new(s->sim);
    s->crowd.check = s->check;
    s->crowd.sessions.bound_ms = SIM_WOES_UNPROVEN_MS + I8_SLACK_MS;
    s->crowd.trace = s->trace;
    rng_init(&s->crowd.rng, seed ^ 0x5bd1e995);
    assert_int_equal(host_io_new(s->host, &s->crowd.io), 0);
    for (unsigned i = 0; i < s->places_n; i++)
        s->crowd.addrs[s->crowd.addrs_n++] = sim_node_addr(PORT + i);
}

const char *sim_story_run(const struct sim_story *o, uint64_t seed)
{
    struct story *s = malloc(sizeof(*s));
    const char *why;

    assert_non_null(s);
    set_up(s, o, seed);
    run(s);
    why = sim_check_violation(s->check);
    for (unsigned i = 0; i < s->pollers_n && s->trace; i++)
        printf("%s: %llu sessions, %llu shown, %llu acknowledged, %llu WebSockets, %llu refused\n",
               s->pollers[i].name, (unsigned long long)s->pollers[i].opened_n,
               (unsigned long long)s->pollers[i].shown_n, (unsigned long long)s->pollers[i].acked_n,
               (unsigned long long)s->pollers[i].upgraded_n,
               (unsigned long long)s->pollers[i].refused_n);
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
    for (unsigned i = 0; i < s->pollers_n; i++)
        sim_poller_fini(&s->pollers[i]);
    io_free(s->crowd.io);
    host_free(s->host);
    bus_model_free(s->buses);
    redis_model_free(s->redis);
    sim_swap_free(&s->swap);
    dynamo_model_free(s->disk.dynamo);
    sim_free(s->sim);
    store_mem_disk_free(s->disk.mem);
    vfs_lossy_free(s->vfs);
    if (s->o->sqlite)
        sim_disk_remove(s->dir);
    sim_check_free(s->check);
    free(s);
    return NULL;
}

void sim_story_test(const struct sim_story *o, uint64_t seeds)
{
    uint64_t told_n = lost_told_n, first = check_seed(0), seed = first,
             n = check_seeds(getenv("SEED") != NULL ? 1 : seeds);

    for (; seed < first + n && check_try(seed, first); seed++) {
        const char *why = sim_story_run(o, seed);

        if (why != NULL)
            fail_msg("%s", why);
    }
    if (o->nodes > 1 && seed - first >= HOLES_SEEDS && lost_told_n == told_n)
        fail_msg("nobody was shown that something is lost");
}
