#include "lib/bus_model.h"

#include "base/list.h"
#include "base/str.h"
#include "bus/bus_seal.h"
#include "io/io.h"

#include <stdlib.h>

enum { ROOM_MAX = 80, TOLD_MAX = 32 };

/* A loop of a node, and the rooms that it follows. */
struct ear {
    struct list node; /* of the bus */
    struct io *home;
    bus_heard_f *heard;
    void *ctx;
    struct list rooms;
};

struct followed {
    struct list node;
    size_t n;
    uint8_t id[ROOM_MAX];
};

struct end {
    struct bus bus;
    struct bus_model *model;
    struct list node; /* of the model */
    struct list ears;
    uint64_t id, due_ms; /* when it hears what was rung last */
    struct bus_stats stats;
    unsigned posted; /* letters in mailboxes */
    bool silent, closed;
    uint64_t nodes_ms; /* when the last word on nodes arrives */
};

/* Something to be heard by one ear. */
struct letter {
    struct io_mail mail;
    struct list node; /* of the model, until it is posted */
    struct end *end;
    struct ear *ear;
    uint64_t due_ms;
    struct bus_event event; /* its strings are in bytes */
    uint8_t bytes[];        /* the room, then the event's */
};

/* A message that was sent, as it is on the wire. */
struct told {
    char room[ROOM_MAX];
    size_t room_n, n;
    uint8_t *bytes;
};

struct bus_model {
    struct sim *sim;
    struct bus_seal seal;
    struct told told[TOLD_MAX]; /* that the liar has heard */
    uint64_t told_n;
    struct bus_model_lies lied;
    struct rng *rng;
    struct bus_model_faults faults;
    struct list ends, letters;
    uint64_t ids;
    uint64_t apart[2]; /* ids; 0: nobody */
    uint64_t deaf;     /* likewise */
    struct io_host *host;
    struct io *clock; /* whose turns keep time from passing what is due */
    uint64_t next_ms;
    uint64_t gone_ms; /* when all is looked at, since one is gone */
    bool over;
};

static void *make(size_t n)
{
    void *p = calloc(1, n);

    if (p == NULL)
        abort();
    return p;
}

static struct end *end_of(struct bus *b)
{
    return CONTAINER_OF(b, struct end, bus);
}

static struct ear *ear_at(struct list *node)
{
    return CONTAINER_OF(node, struct ear, node);
}

static struct followed *find(struct ear *ear, struct str room)
{
    for (struct list *l = ear->rooms.next; l != &ear->rooms; l = l->next) {
        struct followed *f = CONTAINER_OF(l, struct followed, node);

        if (str_eq((struct str){f->id, f->n}, room))
            return f;
    }
    return NULL;
}

static void end_free(struct end *e)
{
    struct list *node;

    if (!e->closed || e->posted > 0)
        return;
    while ((node = list_pop(&e->ears)) != NULL) {
        struct ear *ear = ear_at(node);

        while ((node = list_pop(&ear->rooms)) != NULL)
            free(CONTAINER_OF(node, struct followed, node));
        free(ear);
    }
    list_remove(&e->node);
    free(e);
}

static void deliver(struct io_mail *mail)
{
    struct letter *l = CONTAINER_OF(mail, struct letter, mail);
    struct end *e = l->end;

    e->posted--;
    if (!e->silent)
        l->ear->heard(l->ear->ctx, &l->event);
    free(l);
    end_free(e);
}

static void hold(struct end *e, struct ear *ear, const struct bus_event *event, unsigned ms)
{
    struct bus_model *m = e->model;
    struct letter *l = make(sizeof(*l) + event->room.n + event->bytes.n);

    l->mail.deliver = deliver;
    l->end = e;
    l->ear = ear;
    l->due_ms = sim_now_ms(m->sim) + (ms > 0 ? rng_below(m->rng, ms + 1) : 0);
    if (m->faults.in_order)
        l->due_ms = e->due_ms = MAX(l->due_ms, e->due_ms);
    if (event->kind == BUS_NODE_UP || event->kind == BUS_NODE_DOWN)
        l->due_ms = e->nodes_ms = MAX(l->due_ms, e->nodes_ms); /* the last word is the last */
    l->event = *event;
    if (event->room.n > 0)
        memcpy(l->bytes, event->room.p, event->room.n);
    if (event->bytes.n > 0)
        memcpy(l->bytes + event->room.n, event->bytes.p, event->bytes.n);
    l->event.room.p = l->bytes;
    l->event.bytes.p = l->bytes + event->room.n;
    list_push(&m->letters, &l->node);
}

static void look(struct end *e, struct ear *ear, struct str room)
{
    e->stats.looks++;
    hold(e, ear, &(struct bus_event){.kind = BUS_LOOK, .room = room}, e->model->faults.look_ms);
}

static struct end *end_find(struct bus_model *m, uint64_t id)
{
    for (struct list *l = m->ends.next; l != &m->ends; l = l->next) {
        struct end *e = CONTAINER_OF(l, struct end, node);

        if (e->id == id && !e->silent)
            return e;
    }
    return NULL;
}

static bool are_apart(const struct bus_model *m, uint64_t a, uint64_t b)
{
    return (m->apart[0] == a && m->apart[1] == b) || (m->apart[0] == b && m->apart[1] == a);
}

/* It arrives, or does not; and but for what is for one node alone, perhaps twice. */
static void carry(struct end *to, struct ear *ear, const struct bus_event *event)
{
    struct bus_model *m = to->model;

    if (are_apart(m, to->id, event->node))
        return;
    if (m->deaf == to->id || rng_chance(m->rng, m->faults.lost)) {
        if (event->kind == BUS_RING)
            look(to, ear, event->room);
        return;
    }
    to->stats.heard++;
    hold(to, ear, event, m->faults.held_ms);
    if (event->kind != BUS_DIRECT && rng_chance(m->rng, m->faults.twice))
        hold(to, ear, event, m->faults.held_ms);
}

/* To all who are to hear it. */
static void spread(struct bus_model *m, const struct end *from, const struct bus_event *event)
{
    bool all = event->room.p[0] == '$';

    for (struct list *l = m->ends.next; l != &m->ends; l = l->next) {
        struct end *e = CONTAINER_OF(l, struct end, node);

        for (struct list *k = e->ears.next; e != from && !e->silent && k != &e->ears; k = k->next)
            if (all || find(ear_at(k), event->room) != NULL)
                carry(e, ear_at(k), event);
    }
}

/* The liar. */

/* Some of all that was ever told, each as likely as any other. */
static void remember(struct bus_model *m, const struct bus_event *event, const uint8_t *bytes,
                     size_t n)
{
    uint64_t at = m->told_n < TOLD_MAX ? m->told_n : rng_below(m->rng, m->told_n + 1);
    struct told *t = &m->told[at % TOLD_MAX];

    m->told_n++;
    if (at >= TOLD_MAX || event->room.n > sizeof(t->room))
        return;
    t->bytes = realloc(t->bytes, n);
    if (t->bytes == NULL)
        abort();
    memcpy(t->bytes, bytes, n);
    t->n = n;
    t->room_n = event->room.n;
    memcpy(t->room, event->room.p, event->room.n);
}

/* What bus_redis does with it, but that it is heard twice if it is new. */
static void say_again(struct bus_model *m, const struct told *t, const uint8_t *bytes)
{
    struct bus_event event = {.room = {(const uint8_t *)t->room, t->room_n}};
    struct bus_seal_channel c;
    struct bus_head h;

    bus_seal_channel(&m->seal, event.room, &c);
    if (bus_seal_read(&m->seal, &c, (struct str){bytes, t->n}, &h, &event.bytes) != BUS_SEAL_GOOD ||
        h.at_ms + BUS_LEASE_MS < sim_now_ms(m->sim)) {
        m->lied.dropped++;
        return;
    }
    m->lied.again++;
    event.kind = (enum bus_kind)h.kind;
    event.node = h.node;
    event.seq = h.seq;
    spread(m, end_find(m, h.node), &event);
}

/* A node of ours is mistaken. */
static void mistake(struct bus_model *m, const struct bus_event *event)
{
    struct bus_event too_high = {.kind = BUS_RING, .node = event->node, .room = event->room};

    if (event->kind != BUS_RING)
        return;
    m->lied.mistaken++;
    too_high.seq = event->seq + 1 + rng_below(m->rng, rng_chance(m->rng, 500) ? 3 : UINT32_MAX);
    spread(m, end_find(m, event->node), &too_high);
}

static void lie(struct bus_model *m, const struct bus_event *event)
{
    const struct told *t = &m->told[rng_below(m->rng, MIN(m->told_n, (uint64_t)TOLD_MAX))];
    uint8_t *bytes;

    if (rng_chance(m->rng, 250)) {
        mistake(m, event);
        return;
    }
    if (t->n == 0)
        return;
    bytes = make(t->n);
    memcpy(bytes, t->bytes, t->n);
    switch (rng_below(m->rng, 4)) {
    case 0:
        break;
    case 1:
        bytes[rng_below(m->rng, t->n)] ^= (uint8_t)(1 + rng_below(m->rng, 255));
        break;
    case 2:
        bytes[BUS_SEAL_N - 14] ^= (uint8_t)(1 + rng_below(m->rng, 255)); /* in its seq */
        break;
    default:
        for (size_t i = 0; i < BUS_SEAL_N; i++)
            bytes[i] = (uint8_t)rng_below(m->rng, 256);
    }
    say_again(m, t, bytes);
    free(bytes);
}

/* As it is on the wire, for the liar. */
static void overhear(struct bus_model *m, const struct bus_event *event)
{
    struct bus_head h = {.kind = (uint8_t)event->kind,
                         .node = event->node,
                         .seq = event->seq,
                         .at_ms = sim_now_ms(m->sim)};
    struct bus_seal_channel c;
    size_t n = BUS_SEAL_N + event->bytes.n;
    uint8_t *bytes = make(n);

    if (event->bytes.n > 0)
        memcpy(bytes + BUS_SEAL_N, event->bytes.p, event->bytes.n);
    bus_seal_channel(&m->seal, event->room, &c);
    bus_seal_write(&m->seal, &c, &h, bytes, n);
    remember(m, event, bytes, n);
    free(bytes);
}

static void tell(struct end *from, struct bus_event *event)
{
    struct bus_model *m = from->model;

    event->node = from->id;
    if (from->silent)
        return;
    spread(m, from, event);
    if (m->faults.lies == 0)
        return;
    overhear(m, event);
    if (rng_chance(m->rng, m->faults.lies))
        lie(m, event);
}

/* Of whom there is, every loop hears in the end. */
static void tell_node(struct end *to, struct ear *ear, const struct end *of, enum bus_kind kind)
{
    hold(to, ear, &(struct bus_event){.kind = kind, .node = of->id}, to->model->faults.look_ms);
}

static void tell_nodes(const struct end *of, enum bus_kind kind)
{
    for (struct list *l = of->model->ends.next; l != &of->model->ends; l = l->next) {
        struct end *e = CONTAINER_OF(l, struct end, node);

        for (struct list *k = e->ears.next; e != of && !e->silent && k != &e->ears; k = k->next)
            tell_node(e, ear_at(k), of, kind);
    }
}

static void model_attach(struct bus *b, struct io *home, bus_heard_f *heard, void *ctx)
{
    struct ear *ear = make(sizeof(*ear));
    struct end *e = end_of(b);

    ear->home = home;
    ear->heard = heard;
    ear->ctx = ctx;
    list_init(&ear->rooms);
    list_push(&e->ears, &ear->node);
    for (struct list *l = e->model->ends.next; l != &e->model->ends; l = l->next) {
        const struct end *other = CONTAINER_OF(l, struct end, node);

        if (other != e && !other->silent)
            tell_node(e, ear, other, BUS_NODE_UP);
    }
}

static uint64_t model_self(struct bus *b)
{
    return end_of(b)->id;
}

static void model_follow(struct bus *b, struct io *home, struct str room, bool on)
{
    struct end *e = end_of(b);

    for (struct list *l = e->ears.next; l != &e->ears; l = l->next) {
        struct ear *ear = ear_at(l);
        struct followed *f = find(ear, room);

        if (ear->home != home)
            continue;
        if (f != NULL && !on) {
            list_remove(&f->node);
            free(f);
        } else if (f == NULL && on) {
            f = make(sizeof(*f));
            f->n = room.n;
            memcpy(f->id, room.p, room.n);
            list_push(&ear->rooms, &f->node);
            look(e, ear, room);
        }
    }
}

static void model_found(struct bus *b, struct str room)
{
    (void)b;
    (void)room;
}

static void model_alive(struct bus *b, uint64_t node, bool alive)
{
    (void)b;
    (void)node;
    (void)alive;
}

static void model_ring(struct bus *b, struct str room, uint64_t seq, struct str bytes)
{
    struct bus_event event = {.kind = BUS_RING, .room = room, .seq = seq};

    if (bytes.n <= BUS_BYTES_MAX)
        event.bytes = bytes;
    end_of(b)->stats.rings++;
    tell(end_of(b), &event);
}

static void model_cast(struct bus *b, struct str topic, struct str bytes)
{
    end_of(b)->stats.casts++;
    if (bytes.n <= BUS_CAST_MAX)
        tell(end_of(b), &(struct bus_event){.kind = BUS_CAST, .room = topic, .bytes = bytes});
}

/* That loop, or the first; NULL: it has none. */
static struct ear *ear_numbered(struct end *e, unsigned loop)
{
    unsigned i = 0;

    for (struct list *k = e->ears.next; k != &e->ears; k = k->next)
        if (i++ == loop)
            return ear_at(k);
    return list_empty(&e->ears) ? NULL : ear_at(e->ears.next);
}

static void model_direct(struct bus *b, uint64_t node, unsigned loop, struct str bytes)
{
    struct end *from = end_of(b);
    struct bus_event event = {.kind = BUS_DIRECT, .node = from->id, .bytes = bytes};

    from->stats.directs++;
    for (struct list *l = from->model->ends.next; l != &from->model->ends && !from->silent;
         l = l->next) {
        struct end *e = CONTAINER_OF(l, struct end, node);
        struct ear *ear = ear_numbered(e, loop);

        if (e->id == node && !e->silent && ear != NULL)
            carry(e, ear, &event);
    }
}

static bool model_degraded(struct bus *b)
{
    (void)b;
    return false;
}

static void model_stats(struct bus *b, struct bus_stats *ret_stats)
{
    *ret_stats = end_of(b)->stats;
}

static void model_close(struct bus *b)
{
    struct end *e = end_of(b);

    bus_model_silence(b);
    e->closed = true;
    end_free(e);
}

static const struct bus_ops model_ops = {
    .name = "model",
    .attach = model_attach,
    .self = model_self,
    .follow = model_follow,
    .found = model_found,
    .alive = model_alive,
    .ring = model_ring,
    .cast = model_cast,
    .direct = model_direct,
    .degraded = model_degraded,
    .stats = model_stats,
    .stop = bus_model_silence,
    .close = model_close,
};

struct bus *bus_model_bus(struct bus_model *m)
{
    struct end *e = make(sizeof(*e));

    e->bus.ops = &model_ops;
    e->model = m;
    e->id = ++m->ids;
    list_init(&e->ears);
    list_push(&m->ends, &e->node);
    tell_nodes(e, BUS_NODE_UP);
    return &e->bus;
}

static void look_at_all(struct end *e)
{
    for (struct list *k = e->ears.next; !e->silent && k != &e->ears; k = k->next)
        for (struct list *r = ear_at(k)->rooms.next; r != &ear_at(k)->rooms; r = r->next) {
            const struct followed *f = CONTAINER_OF(r, struct followed, node);

            look(e, ear_at(k), (struct str){f->id, f->n});
        }
}

/* The others look at all that they follow. */
static void look_for_gone(struct bus_model *m)
{
    m->gone_ms = IO_FOREVER;
    for (struct list *l = m->ends.next; l != &m->ends; l = l->next)
        look_at_all(CONTAINER_OF(l, struct end, node));
}

/* One is gone: they notice, now or later. */
static void tell_gone(struct bus_model *m)
{
    if (m->faults.gone_ms == 0)
        look_for_gone(m);
    else
        m->gone_ms = sim_now_ms(m->sim) + m->faults.gone_ms;
}

/* What each of those apart, if they both live, is told of the other. */
static void tell_apart(struct bus_model *m, enum bus_kind kind)
{
    struct end *a = end_find(m, m->apart[0]), *b = end_find(m, m->apart[1]);

    if (a == NULL || b == NULL)
        return;
    for (struct list *k = a->ears.next; k != &a->ears; k = k->next)
        tell_node(a, ear_at(k), b, kind);
    for (struct list *k = b->ears.next; k != &b->ears; k = k->next)
        tell_node(b, ear_at(k), a, kind);
    if (kind == BUS_NODE_UP) {
        look_at_all(a);
        look_at_all(b);
    }
}

void bus_model_part(struct bus_model *m, uint64_t a, uint64_t b)
{
    bus_model_join(m);
    m->apart[0] = a;
    m->apart[1] = b;
    tell_apart(m, BUS_NODE_DOWN);
}

void bus_model_deafen(struct bus_model *m, uint64_t id)
{
    m->deaf = id;
}

void bus_model_join(struct bus_model *m)
{
    tell_apart(m, BUS_NODE_UP);
    m->apart[0] = m->apart[1] = 0;
}

void bus_model_silence(struct bus *b)
{
    struct end *e = end_of(b);
    struct bus_model *m = e->model;

    if (e->silent)
        return;
    e->silent = true;
    tell_gone(m);
    tell_nodes(e, BUS_NODE_DOWN);
    for (struct list *l = m->letters.next, *next; l != &m->letters; l = next) {
        struct letter *letter = CONTAINER_OF(l, struct letter, node);

        next = l->next;
        if (letter->end != e)
            continue;
        list_remove(l);
        free(letter);
    }
}

void bus_model_turn(struct bus_model *m)
{
    uint64_t now = sim_now_ms(m->sim), next_ms;

    if (m->gone_ms <= now)
        look_for_gone(m);
    next_ms = m->gone_ms;
    for (struct list *l = m->letters.next, *next; l != &m->letters; l = next) {
        struct letter *letter = CONTAINER_OF(l, struct letter, node);

        next = l->next;
        if (letter->due_ms > now) {
            next_ms = MIN(next_ms, letter->due_ms);
            continue;
        }
        list_remove(l);
        letter->end->posted++;
        io_post(letter->ear->home, &letter->mail, &letter->mail);
    }
    if (next_ms != m->next_ms)
        io_wait(m->clock, next_ms);
    m->next_ms = next_ms;
}

static bool tick(void *arg)
{
    struct bus_model *m = arg;

    io_wait(m->clock, m->next_ms <= sim_now_ms(m->sim) ? IO_FOREVER : m->next_ms);
    return !m->over;
}

struct bus_model *bus_model_new(struct sim *sim, struct rng *rng)
{
    struct bus_model *m = make(sizeof(*m));

    m->sim = sim;
    m->rng = rng;
    bus_seal_init(&m->seal, STR("a secret of thirty-two bytes....."), STR("model"));
    m->next_ms = m->gone_ms = IO_FOREVER;
    m->host = sim_host_new(sim);
    if (host_io_new(m->host, &m->clock) != 0 || host_start(m->host, m->clock, tick, m) != 0)
        abort();
    list_init(&m->ends);
    list_init(&m->letters);
    return m;
}

void bus_model_set(struct bus_model *m, struct bus_model_faults faults)
{
    m->faults = faults;
}

struct bus_model_lies bus_model_lied(const struct bus_model *m)
{
    return m->lied;
}

void bus_model_free(struct bus_model *m)
{
    if (m == NULL)
        return;
    assert(list_empty(&m->ends) && list_empty(&m->letters));
    m->over = true;
    io_wait(m->clock, 0);
    host_join(m->host);
    io_free(m->clock);
    host_free(m->host);
    for (unsigned i = 0; i < TOLD_MAX; i++)
        free(m->told[i].bytes);
    free(m);
}
