/* scale_sim.c: what many nodes cost each other, counted in the simulator: the real
 * program, several nodes on one store and one bus, with virtual time.
 *
 *     scale_sim [celebrity | hot | storm | many [SEED]]     (nothing: all of them)
 *
 * Counts, not speeds: puts, reads, doorbells and deliveries for each message, and
 * in virtual time how long things take when the store needs 0 to STORE_MS for a
 * request and the net 0 to NET_MS for a packet. docs/scale.md builds on them. */
#include "base/str.h"
#include "io/addr.h"
#include "lib/bus_model.h"
#include "lib/check.h"
#include "lib/sim_frame.h"
#include "lib/sim_link.h"
#include "lib/sim_node.h"
#include "store/store_mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NODES_MAX = 12,
    PORT = 7000,
    STORE_MS = 10,
    NET_MS = 2,
    BUS_MS = 2,
    SCAN_MS = 20, /* how often clients are looked at */
    PEOPLE = 50,  /* who all the clients are */
    SETTLE_MS = 3000,
    PATIENCE_MS = 120000,
    BACKOFF_MS = 1000,
};

struct scale;

struct client {
    struct sim_link link;
    struct scale *scale;
    unsigned room, node;
    char name[16], token[600];
    bool joined, live;
    uint64_t due_ms, lost_ms;
    uint64_t epoch, seq, shown;
    uint64_t sent, acked, next_ms; /* of a publisher */
};

struct plan {
    const char *what;
    unsigned nodes, clients, rooms, publishers;
    unsigned every_ms; /* between a publisher's sends; 0: behind its own acknowledgement */
    unsigned run_ms;
    bool together; /* all publishers are at one node */
    bool kill;     /* a node, in the middle */
};

struct totals {
    uint64_t appends, entries, bytes, conflicts, reads, records, puts;
    uint64_t rings, heard, deliveries, shown, acked;
    uint64_t acked_at[NODES_MAX]; /* by clients of each node */
};

struct scale {
    const struct plan *plan;
    struct sim *sim;
    struct rng rng;
    struct io_host *host;
    struct io *io;
    struct store_mem_disk *disk;
    struct bus_model *buses;
    struct sim_node *nodes[NODES_MAX];
    bool killed[NODES_MAX];
    struct client *clients;
    uint64_t until_ms, scan_ms;
    unsigned live_n;
    uint64_t opened_n, pages_n, worst_ms;
    bool sends, over;
    struct sim_frame frame;
};

static uint64_t now_ms(const struct scale *s)
{
    return io_now_ms(s->io);
}

/* Clients. */

static struct client *client_of(struct sim_link *l)
{
    return CONTAINER_OF(l, struct client, link);
}

static void say(struct client *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct client *c, const char *fmt, ...)
{
    char text[512];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    sim_link_text(&c->link, (struct str){(const uint8_t *)text, (size_t)n});
}

static void opened(struct sim_link *l)
{
    struct client *c = client_of(l);
    char body[64];

    if (c->token[0] != '\0') {
        sim_link_upgrade(l, str_of(c->token));
        return;
    }
    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\"}", c->name);
    sim_link_post(l, "/api/v1/login", str_of(body));
}

static void answered(struct sim_link *l, int status, struct str body)
{
    struct client *c = client_of(l);
    struct sim_frame *f = &c->scale->frame;
    char *copy;

    if (status == 101) {
        c->scale->opened_n++;
        if (c->joined)
            say(c, "{\"action\":\"resume\",\"id\":1,\"rooms\":{\"r%u\":[%llu,%llu]}}", c->room,
                (unsigned long long)c->epoch, (unsigned long long)c->seq);
        else
            say(c, "{\"action\":\"join\",\"id\":1,\"room\":\"r%u\",\"last\":0}", c->room);
        return;
    }
    copy = str_dup(body);
    if (status == 200 && sim_frame_read(f, (uint8_t *)copy, body.n) && f->token.n > 0 &&
        f->token.n < sizeof(c->token))
        memcpy(c->token, f->token.p, f->token.n);
    free(copy);
    c->due_ms = now_ms(c->scale);
    sim_link_cut(l);
}

static void now_live(struct client *c, const struct sim_frame *f)
{
    struct scale *s = c->scale;

    if (f->rooms_n == 1 && !c->joined) {
        c->epoch = f->rooms[0].epoch;
        c->seq = f->rooms[0].head;
        c->joined = true;
    }
    if (c->live)
        return;
    c->live = true;
    s->live_n++;
    if (c->lost_ms > 0)
        s->worst_ms = MAX(s->worst_ms, now_ms(s) - c->lost_ms);
}

static void heard(struct sim_link *l, uint8_t *p, size_t n)
{
    struct client *c = client_of(l);
    struct sim_frame *f = &c->scale->frame;

    if (!sim_frame_read(f, p, n))
        fail_msg("a frame is not understood");
    if (f->event.name.n == 0) {
        if (f->code.n > 0 && !c->joined)
            sim_link_cut(l); /* two made the room at once: again */
        else if (f->code.n > 0)
            fail_msg("%s: %.*s", c->name, STR_ARGS(f->code));
        else if (f->id == 1)
            now_live(c, f);
        else
            c->acked++;
    } else if (str_eq(f->event.name, STR("behind"))) {
        c->scale->pages_n++;
        c->seq = f->event.to;
    } else if (f->event.seq > 0 && f->event.room.p[0] == 'r') {
        if (c->joined && f->event.seq != c->seq + 1)
            fail_msg("%s was shown %llu behind %llu", c->name, (unsigned long long)f->event.seq,
                     (unsigned long long)c->seq);
        c->seq = f->event.seq;
        c->shown++;
    }
}

static const struct sim_link_ops link_ops = {
    .opened = opened,
    .answered = answered,
    .heard = heard,
};

static void connect_somewhere(struct client *c)
{
    struct scale *s = c->scale;
    struct io_addr addr;

    while (s->killed[c->node])
        c->node = (unsigned)rng_below(&s->rng, s->plan->nodes);
    if (addr_parse(STR("127.0.0.1:1"), &addr) != 0)
        abort();
    addr.port = (uint16_t)(PORT + c->node);
    sim_link_open(&c->link, &addr);
}

static void lost(struct client *c)
{
    struct scale *s = c->scale;

    if (c->live) {
        c->live = false;
        s->live_n--;
        c->lost_ms = now_ms(s);
        c->due_ms = now_ms(s) + rng_below(&s->rng, BACKOFF_MS);
    } else if (c->token[0] != '\0' && c->due_ms == 0) {
        c->due_ms = now_ms(s) + rng_below(&s->rng, BACKOFF_MS);
    }
}

static void look_at(struct client *c)
{
    struct scale *s = c->scale;

    if (sim_link_end(&c->link))
        lost(c);
    if (c->link.state == SIM_LINK_DOWN && c->due_ms <= now_ms(s) && !s->over) {
        c->due_ms = 0;
        connect_somewhere(c);
    }
}

/* Behind its acknowledgement, or at its moments. */
static void publish(struct client *c)
{
    static const char text[] = "a hundred characters of what people say to each other in a room, "
                               "about the weather and the rest.";
    struct scale *s = c->scale;
    unsigned every = s->plan->every_ms;

    if (!c->live || !s->sends || (every > 0 ? c->next_ms > now_ms(s) : c->acked < c->sent))
        return;
    c->next_ms = MAX(c->next_ms, now_ms(s)) + every;
    c->sent++;
    say(c,
        "{\"action\":\"send\",\"id\":%llu,\"room\":\"r%u\",\"cid\":\"%td-%llu\",\"seen\":%llu,"
        "\"text\":\"%s\"}",
        (unsigned long long)c->sent + 1, c->room, c - s->clients, (unsigned long long)c->sent,
        (unsigned long long)c->seq, text);
}

static bool crowd_turn(void *arg)
{
    struct scale *s = arg;
    unsigned publishers = s->plan->publishers * s->plan->rooms;

    io_wait(s->io, s->until_ms);
    for (unsigned i = 0; i < publishers; i++)
        publish(&s->clients[i]);
    s->until_ms = now_ms(s) + (s->sends ? 1 : SCAN_MS);
    if (s->scan_ms > now_ms(s))
        return !s->over;
    s->scan_ms = now_ms(s) + SCAN_MS;
    for (unsigned i = 0; i < s->plan->clients; i++)
        look_at(&s->clients[i]);
    return !s->over;
}

/* The world. */

static void step(struct scale *s)
{
    if (!sim_step(s->sim))
        fail_msg("nothing can happen any more");
    bus_model_turn(s->buses);
}

static void run_for(struct scale *s, uint64_t ms)
{
    uint64_t end = sim_now_ms(s->sim) + ms;

    while (sim_now_ms(s->sim) < end)
        step(s);
}

static void run_until_live(struct scale *s)
{
    uint64_t end = sim_now_ms(s->sim) + PATIENCE_MS;

    while (s->live_n < s->plan->clients) {
        step(s);
        if (sim_now_ms(s->sim) > end)
            fail_msg("%u of %u clients are live", s->live_n, s->plan->clients);
    }
}

static void start_node(struct scale *s, unsigned i)
{
    struct sim_node_options o = {
        .sim = s->sim,
        .rng = &s->rng,
        .disk = {.mem = s->disk},
        .buses = s->buses,
        .args = {"--open", "--messages-per-user=0", "--connects-per-address=0",
                 "--commands-in-flight=0", "--drain-ms=100", NULL},
        .port = (uint16_t)(PORT + i),
        .workers = 1,
    };

    s->nodes[i] = sim_node_start(&o);
    while (!s->nodes[i]->serving)
        step(s);
}

static void make_clients(struct scale *s)
{
    const struct plan *p = s->plan;

    s->clients = calloc(p->clients, sizeof(*s->clients));
    if (s->clients == NULL)
        abort();
    for (unsigned i = 0; i < p->clients; i++) {
        struct client *c = &s->clients[i];

        c->scale = s;
        c->room = i % p->rooms;
        c->node = p->together && i < p->publishers * p->rooms ? 0 : i / p->rooms % p->nodes;
        (void)snprintf(c->name, sizeof(c->name), "p%u", i % PEOPLE);
        sim_link_init(&c->link, &link_ops, s->io, &s->rng);
        c->due_ms = rng_below(&s->rng, 1 + p->clients / 2);
    }
}

static struct totals count(const struct scale *s)
{
    struct totals t = {0};

    for (unsigned i = 0; i < s->plan->nodes; i++) {
        const struct metrics *m = s->nodes[i]->server->workers[0].metrics;
        struct store_stats store;
        struct bus_stats bus;

        store_stats(s->nodes[i]->server->o.store, &store);
        bus_stats(s->nodes[i]->bus, &bus);
        t.appends += store.appends;
        t.entries += store.entries;
        t.bytes += store.entry_bytes;
        t.conflicts += store.conflicts;
        t.reads += store.reads;
        t.records += store.records_read;
        t.puts += store.puts;
        t.rings += bus.rings;
        t.heard += bus.heard;
        t.deliveries += metrics_sum(&m, 1, METRIC_deliveries);
    }
    for (unsigned i = 0; i < s->plan->clients; i++) {
        t.shown += s->clients[i].shown;
        t.acked += s->clients[i].acked;
        t.acked_at[s->clients[i].node] += s->clients[i].acked;
    }
    return t;
}

static void report(const struct scale *s, const struct totals *a, const struct totals *b)
{
    double n = (double)(b->acked - a->acked), seconds = s->plan->run_ms / 1000.0;
    double puts = (double)(b->appends - a->appends);

    printf("%-34s %5u %7u %8.0f %7.2f %6.0f %6.2f %6.2f %6.2f %8.1f %6llu\n", s->plan->what,
           s->plan->nodes, s->plan->clients, n / seconds, puts / n,
           (double)(b->bytes - a->bytes) / (double)(b->entries - a->entries),
           (double)(b->reads - a->reads) / n, (double)(b->rings - a->rings) / n,
           (double)(b->heard - a->heard) / n, (double)(b->shown - a->shown) / n,
           (unsigned long long)(b->conflicts - a->conflicts));
    if (s->plan->every_ms == 0 && s->plan->nodes > 1) {
        printf("    acknowledged at each node:");
        for (unsigned i = 0; i < s->plan->nodes; i++)
            printf(" %llu", (unsigned long long)(b->acked_at[i] - a->acked_at[i]));
        printf("\n");
    }
    if (s->plan->kill)
        printf("    a node killed: %llu came back, the last after %llu ms; %llu reads of logs, "
               "%llu of records\n",
               (unsigned long long)(s->opened_n - s->plan->clients),
               (unsigned long long)s->worst_ms, (unsigned long long)(b->reads - a->reads),
               (unsigned long long)(b->records - a->records));
}

static void end(struct scale *s)
{
    s->over = true;
    for (unsigned i = 0; i < s->plan->clients; i++)
        sim_link_cut(&s->clients[i].link);
    for (unsigned i = 0; i < s->plan->nodes; i++) {
        if (!s->killed[i])
            sim_node_stop(s->nodes[i]);
        while (!sim_node_ended(s->nodes[i]))
            step(s);
    }
}

static void finish(struct scale *s)
{
    for (unsigned i = 0; i < s->plan->clients; i++)
        while (s->clients[i].link.state != SIM_LINK_DOWN && !sim_link_end(&s->clients[i].link))
            io_wait(s->io, 0);
    for (unsigned i = 0; i < s->plan->nodes; i++)
        sim_node_free(s->nodes[i]);
    io_free(s->io);
    host_free(s->host);
    bus_model_free(s->buses);
    store_mem_disk_free(s->disk);
    sim_free(s->sim);
    free(s->clients);
}

static void run(const struct plan *plan, uint64_t seed)
{
    struct scale *s = calloc(1, sizeof(*s));
    struct totals before, after;

    if (s == NULL)
        abort();
    s->plan = plan;
    rng_init(&s->rng, seed);
    s->sim = sim_new(seed, (struct sim_faults){.latency_ms = NET_MS, .job_ms = STORE_MS});
    s->disk = store_mem_disk_new();
    s->buses = bus_model_new(s->sim, &s->rng);
    bus_model_set(s->buses, (struct bus_model_faults){.held_ms = BUS_MS, .in_order = true});
    for (unsigned i = 0; i < plan->nodes; i++)
        start_node(s, i);
    s->host = sim_host_new(s->sim);
    assert_int_equal(host_io_new(s->host, &s->io), 0);
    make_clients(s);
    assert_int_equal(host_start(s->host, s->io, crowd_turn, s), 0);
    run_until_live(s);
    run_for(s, SETTLE_MS);
    before = count(s);
    s->sends = true;
    run_for(s, plan->run_ms / 2);
    if (plan->kill) {
        s->killed[0] = true;
        sim_node_crash(s->nodes[0]);
    }
    run_for(s, plan->run_ms / 2);
    s->sends = false;
    run_for(s, SETTLE_MS);
    run_until_live(s);
    after = count(s);
    report(s, &before, &after);
    end(s);
    finish(s);
    free(s);
}

static const struct plan plans[] = {
    {.what = "celebrity, 2 nodes",
     .nodes = 2,
     .clients = 200,
     .rooms = 1,
     .publishers = 1,
     .every_ms = 50,
     .run_ms = 4000},
    {.what = "celebrity, 4 nodes",
     .nodes = 4,
     .clients = 200,
     .rooms = 1,
     .publishers = 1,
     .every_ms = 50,
     .run_ms = 4000},
    {.what = "celebrity, 12 nodes",
     .nodes = 12,
     .clients = 240,
     .rooms = 1,
     .publishers = 1,
     .every_ms = 50,
     .run_ms = 4000},
    {.what = "hot room, one node's 30 writers",
     .nodes = 1,
     .clients = 30,
     .rooms = 1,
     .publishers = 30,
     .run_ms = 4000},
    {.what = "hot room, 3 nodes' 30 writers",
     .nodes = 3,
     .clients = 30,
     .rooms = 1,
     .publishers = 30,
     .run_ms = 4000},
    {.what = "hot room, 3 nodes' 150 writers",
     .nodes = 3,
     .clients = 150,
     .rooms = 1,
     .publishers = 150,
     .run_ms = 4000},
    {.what = "hot room, one of 4 nodes' 150",
     .nodes = 4,
     .clients = 250,
     .rooms = 1,
     .publishers = 150,
     .run_ms = 4000,
     .together = true},
    {.what = "many rooms of 10, 3 nodes",
     .nodes = 3,
     .clients = 240,
     .rooms = 24,
     .publishers = 1,
     .every_ms = 1000,
     .run_ms = 4000},
    {.what = "many rooms of 10, 12 nodes",
     .nodes = 12,
     .clients = 240,
     .rooms = 24,
     .publishers = 1,
     .every_ms = 1000,
     .run_ms = 4000},
    {.what = "storm, one of 3 nodes is killed",
     .nodes = 3,
     .clients = 300,
     .rooms = 30,
     .publishers = 1,
     .every_ms = 500,
     .run_ms = 4000,
     .kill = true},
};

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "";

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    printf("%-34s %5s %7s %8s %7s %6s %6s %6s %6s %8s %6s\n", "what", "nodes", "clients", "sends/s",
           "puts", "bytes", "reads", "rings", "heard", "shown", "lost");
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
        if (strncmp(plans[i].what, wanted, strlen(wanted)) == 0)
            run(&plans[i], argc > 2 ? strtoull(argv[2], NULL, 10) : 1);
    return 0;
}
