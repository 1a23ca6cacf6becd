#include "bus/bus_redis_impl.h"

#include "io/addr.h"
#include "io/io_tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    UP_WITHIN_MS = 3000,
    ASK_MS = 1000,
    DEAD_MS = 3000,
    CALL_WITHIN_MS = 15000,
    RETRY_MS = 50,
    RETRY_MAX_MS = 5000,
    RETRY_DOUBLINGS = 7,
    STEADY_MS = 3000, /* up for so long, it did not fail in a row */
    ASKED_MIN = 16,
    PASSWORD_MS = 5000, /* of a cluster's nodes it is not asked for again within this */
};

/* What a helper finds out before a connection is made, since it may block: where Redis is,
 * and the password. Outlives its link. */
struct calling {
    struct io_job job;
    struct redis_link *link;
    char host[256], user[128];
    struct io_addr addr;
    struct buf password;
    uint64_t now_ms;
    bool may_reuse; /* the last password */
    bool found;
    char why[BUS_REDIS_WHY_MAX];
};

static void wipe(struct buf *b)
{
    if (b->bytes != NULL)
        explicit_bzero(b->bytes, b->cap);
    buf_fini(b);
}

static void say(struct redis_link *l, const char *word)
{
    bus_redis_link_say(l, (struct str[]){str_of(word)}, 1);
}

/* Answers to come. */

void bus_redis_link_ask(struct redis_link *l, enum asked_kind kind, struct redis_sent *sent)
{
    assert(l->role != LINK_SUBSCRIBES);
    if (l->asked_n == l->asked_cap) {
        size_t cap = MAX(2 * l->asked_cap, (size_t)ASKED_MIN);
        struct redis_asked *asked = calloc(cap, sizeof(*asked));

        if (asked == NULL)
            abort();
        for (size_t i = 0; i < l->asked_n; i++)
            asked[i] = l->asked[(l->asked_at + i) % l->asked_cap];
        free(l->asked);
        l->asked = asked;
        l->asked_at = 0;
        l->asked_cap = cap;
    }
    l->asked[(l->asked_at + l->asked_n++) % l->asked_cap] = (struct redis_asked){kind, sent};
}

static struct redis_asked next_asked(struct redis_link *l)
{
    struct redis_asked a = l->asked[l->asked_at];

    assert(l->asked_n > 0);
    l->asked_at = (l->asked_at + 1) % l->asked_cap;
    l->asked_n--;
    return a;
}

/* Nobody will know whether they were taken. */
static void forget_asked(struct redis_link *l)
{
    while (l->asked_n > 0) {
        struct redis_asked a = next_asked(l);

        if (a.sent != NULL)
            bus_redis_publish_answered(l->bus, a.sent, false);
    }
    free(l->asked);
    l->asked = NULL;
    l->asked_at = l->asked_cap = 0;
}

/* Ending. */

static void open_link(struct redis_link *l);

static void try_again(struct wheel_timer *t)
{
    open_link(CONTAINER_OF(t, struct redis_link, timer));
}

/* Down, once nothing is in flight. */
static void now_down(struct redis_link *l)
{
    struct bus_redis *b = l->bus;
    uint64_t span = (uint64_t)RETRY_MS << MIN(l->failures, (unsigned)RETRY_DOUBLINGS);

    if (l->in.in_flight || l->out.in_flight)
        return;
    if (l->out.fd >= 0)
        io_close(l->io, l->out.fd);
    l->in.fd = l->out.fd = -1;
    l->state = LINK_DOWN;
    buf_clear(&l->queued);
    buf_clear(&l->sending);
    wipe(&l->password);
    resp_reader_free(l->reader);
    l->reader = NULL;
    forget_asked(l);
    if (b->ending || !l->wanted)
        return;
    l->failures++;
    if (l->target == &b->targets[b->target]) /* the other link has not gone on already */
        b->target = (b->target + 1) % b->targets_n;
    l->timer.fire = try_again;
    wheel_set(&b->wheel, &l->timer,
              bus_redis_now(b) + 1 + rng_below(&b->rng, MIN(span, (uint64_t)RETRY_MAX_MS)));
}

static void shut(struct redis_link *l)
{
    struct bus_redis *b = l->bus;
    bool calls = l->state == LINK_CALLING;

    if (l->state == LINK_DOWN || l->state == LINK_CLOSING)
        return;
    if (l->state == LINK_UP && l->role == LINK_PUBLISHES && !b->ending)
        bus_redis_publish_again(b);
    wheel_cancel(&b->wheel, &l->timer);
    l->state = LINK_CLOSING;
    if (!calls) { /* else the helper's answer finds it closing */
        io_cancel(l->io, &l->in);
        io_cancel(l->io, &l->out);
        now_down(l);
    }
    bus_redis_changed(b);
}

void bus_redis_link_fail(struct redis_link *l, const char *why)
{
    struct bus_redis *b = l->bus;
    bool published = l->state == LINK_UP && l->shard == &b->plain && l->role == LINK_PUBLISHES;

    if (l->state == LINK_DOWN || l->state == LINK_CLOSING)
        return;
    if (l->state == LINK_UP && l->role != LINK_SCOUTS)
        bus_redis_add(&b->stats.reconnects, 1);
    if (l->role != LINK_SCOUTS || b->cluster.slots == NULL)
        (void)snprintf(b->why, sizeof(b->why), "%.127s: %.120s", l->target->host, why);
    shut(l);
    bus_redis_failed(b);
    if (published) /* another Redis may be the primary now */
        bus_redis_link_fail(&b->plain.subscribes, why);
}

void bus_redis_link_want(struct redis_link *l, bool wanted)
{
    if (l->wanted == wanted)
        return;
    l->wanted = wanted;
    if (wanted) {
        l->failures = 0;
        if (l->state == LINK_DOWN)
            open_link(l);
    } else {
        wheel_cancel(&l->bus->wheel, &l->timer);
        shut(l);
    }
}

static void fail_errno(struct redis_link *l, const char *what, int r)
{
    struct io_tls_stats tls = {0};
    char why[128];

    if (r == -EPROTO)
        io_tls_stats(l->io, &tls);
    (void)snprintf(why, sizeof(why), "%s: %s%s", what, r == -EPROTO ? "TLS: " : "",
                   tls.refusal != NULL ? tls.refusal : strerror(-r));
    bus_redis_link_fail(l, why);
}

/* Sending. */

void bus_redis_link_flush(struct redis_link *l)
{
    struct buf empty;

    if (l->out.in_flight || (l->state != LINK_UP && l->state != LINK_GREETING))
        return;
    if (buf_len(&l->sending) == 0) {
        empty = l->sending;
        l->sending = l->queued;
        l->queued = empty;
        buf_clear(&l->queued);
    }
    l->part = buf_peek(&l->sending);
    if (l->part.n > 0)
        io_send(l->io, &l->out, &l->part, 1);
}

static void sent(struct io_op *op, int result, uint8_t *data)
{
    struct redis_link *l = CONTAINER_OF(op, struct redis_link, out);

    (void)data;
    if (l->state == LINK_CLOSING) {
        now_down(l);
        return;
    }
    if (result < 0) {
        fail_errno(l, "sending", result);
        return;
    }
    buf_consume(&l->sending, (size_t)result);
    bus_redis_link_flush(l);
}

void bus_redis_link_say(struct redis_link *l, const struct str *words, unsigned n)
{
    resp_command(&l->queued, words, n);
}

/* Receiving. */

/* Not all at once. */
static uint64_t login_ends_ms(struct bus_redis *b)
{
    uint64_t all = b->o.login_ms;

    return all == 0 ? 0 : bus_redis_now(b) + all - rng_below(&b->rng, all / 8 + 1);
}

/* Where one publishes, the primary, the other is to subscribe: a replica hears of what it
 * is told later, or not at all. */
static bool are_apart(struct bus_redis *b)
{
    const struct redis_link *to = &b->plain.publishes, *from = &b->plain.subscribes;

    if (to->state != LINK_UP || from->state != LINK_UP || to->target == from->target)
        return false;
    b->target = (unsigned)(to->target - b->targets);
    return true;
}

static void came_up(struct redis_link *l)
{
    wheel_cancel(&l->bus->wheel, &l->timer);
    l->state = LINK_UP;
    l->up_ms = bus_redis_now(l->bus);
    l->until_ms = login_ends_ms(l->bus);
    if (l->role == LINK_SUBSCRIBES)
        bus_redis_room_subscribe_all(l->bus, l->shard);
    if (are_apart(l->bus))
        bus_redis_link_fail(&l->bus->plain.subscribes, "another Redis is the primary");
    bus_redis_changed(l->bus);
}

static void greeted(struct redis_link *l)
{
    if (l->state == LINK_GREETING && --l->greetings == 0)
        came_up(l);
}

static void refused(struct redis_link *l, const struct resp_reply *reply)
{
    char why[128];

    (void)snprintf(why, sizeof(why), "%.*s", (int)MIN(reply->str.n, (size_t)100),
                   (const char *)reply->str.p);
    bus_redis_link_fail(l, why);
}

static bool starts(const struct resp_reply *reply, const char *s)
{
    return str_starts(reply->str, str_of(s));
}

/* Not allowed to this user, or unknown to this server. */
static bool is_harmless(const struct resp_reply *reply)
{
    return starts(reply, "ERR unknown command") || starts(reply, "NOPERM");
}

/* What a node of a cluster says that does not serve the slot, or not now. */
static bool is_elsewhere(const struct redis_link *l, const struct resp_reply *reply)
{
    static const char *const words[] = {"MOVED ", "ASK ", "TRYAGAIN", "CLUSTERDOWN"};

    for (size_t i = 0; l->bus->cluster.on && i < COUNTOF(words); i++)
        if (starts(reply, words[i]))
            return true;
    return false;
}

/* ROLE says: [master offset replicas], or [slave ...], which does not pass on what it is
 * told. */
static bool is_replica(const struct resp_reply *reply)
{
    return reply->type == RESP_ARRAY && reply->n > 0 && reply->elements[0] != NULL &&
           resp_is(reply->elements[0], "slave");
}

/* HELLO says: [server redis ... mode cluster ...]. */
static bool is_cluster(const struct resp_reply *reply)
{
    for (unsigned i = 0; reply->type == RESP_ARRAY && i + 1 < reply->n; i += 2)
        if (reply->elements[i] != NULL && reply->elements[i + 1] != NULL &&
            resp_is(reply->elements[i], "mode"))
            return resp_is(reply->elements[i + 1], "cluster");
    return false;
}

static void take_published(struct redis_link *l, struct redis_sent *sent,
                           const struct resp_reply *reply)
{
    bool bad = reply->type == RESP_ERROR;

    if (sent != NULL)
        bus_redis_publish_answered(l->bus, sent, !bad);
    if (!bad)
        return;
    if (!is_elsewhere(l, reply)) {
        refused(l, reply);
        return;
    }
    if (starts(reply, "CLUSTERDOWN"))
        bus_redis_shard_refuses(l->bus, true);
    bus_redis_shard_amiss(l->bus);
}

static void take_answer(struct redis_link *l, const struct resp_reply *reply)
{
    bool bad = reply->type == RESP_ERROR, elsewhere = bad && is_elsewhere(l, reply);
    struct redis_asked a;

    if (l->asked_n == 0) {
        bus_redis_link_fail(l, "it answers what was not asked");
        return;
    }
    a = next_asked(l);
    if (a.kind == ASKED_PUBLISH)
        take_published(l, a.sent, reply);
    else if (a.kind == ASKED_PROBE && (elsewhere || !bad))
        bus_redis_shard_refuses(l->bus, elsewhere && starts(reply, "CLUSTERDOWN"));
    else if (bad && !((a.kind == ASKED_ROLE || a.kind == ASKED_HELLO) && is_harmless(reply)))
        refused(l, reply);
    else if (a.kind == ASKED_ROLE && is_replica(reply))
        bus_redis_link_fail(l, "it is a replica");
    else if (a.kind == ASKED_HELLO)
        bus_redis_shard_found(l, is_cluster(reply));
    else if (a.kind == ASKED_SLOTS)
        bus_redis_shard_slots(l, reply);
    greeted(l);
}

static void take_heard(struct redis_link *l, const struct resp_reply *reply)
{
    if (reply->type == RESP_ERROR && is_elsewhere(l, reply))
        bus_redis_shard_amiss(l->bus);
    else if (reply->type == RESP_ERROR)
        refused(l, reply);
    else if (l->state == LINK_GREETING)
        greeted(l);
    else if (!bus_redis_hear(l->bus, l->shard, reply))
        bus_redis_link_fail(l, "it answers what was not asked");
}

static void take(struct redis_link *l, const struct resp_reply *reply)
{
    if (l->role == LINK_SUBSCRIBES)
        take_heard(l, reply);
    else
        take_answer(l, reply);
}

static void take_all(struct redis_link *l)
{
    struct resp_reply *reply;
    enum resp_result r;

    while ((l->state == LINK_UP || l->state == LINK_GREETING) &&
           (r = resp_next(l->reader, &reply)) != RESP_MORE) {
        if (r == RESP_BAD) {
            bus_redis_link_fail(l, "it does not speak the protocol of Redis");
            return;
        }
        take(l, reply);
        resp_reply_free(reply);
    }
}

static void received(struct io_op *op, int result, uint8_t *data)
{
    struct redis_link *l = CONTAINER_OF(op, struct redis_link, in);

    if (l->state == LINK_CLOSING) {
        now_down(l);
        return;
    }
    if (result <= 0) {
        fail_errno(l, "receiving", result < 0 ? result : -ECONNRESET);
        return;
    }
    l->heard_ms = bus_redis_now(l->bus);
    resp_feed(l->reader, (struct str){data, (size_t)result});
    take_all(l);
    if (l->state == LINK_UP || l->state == LINK_GREETING)
        io_recv(l->io, op);
    else if (l->state == LINK_CLOSING)
        now_down(l);
}

/* Connecting. */

static void greeting(struct redis_link *l, enum asked_kind kind, const struct str *words,
                     unsigned n)
{
    if (l->role != LINK_SUBSCRIBES)
        bus_redis_link_ask(l, kind, NULL);
    bus_redis_link_say(l, words, n);
    l->greetings++;
}

/* The passwords are copied once more; the queue's memory is this process' alone. */
static void log_in(struct redis_link *l, const struct redis_target *t)
{
    struct str password = l->bus->o.password != NULL ? buf_peek(&l->password) : str_of(t->password);

    if (t->user[0] != '\0')
        greeting(l, ASKED_LOGIN, (struct str[]){STR("AUTH"), str_of(t->user), password}, 3);
    else if (password.n > 0)
        greeting(l, ASKED_LOGIN, (struct str[]){STR("AUTH"), password}, 2);
}

static void greet(struct redis_link *l)
{
    const struct redis_target *t = l->target;
    char db[16], name[NAME_MAX];
    struct str probe[3] = {l->bus->cluster.on ? STR("SPUBLISH") : STR("PUBLISH"),
                           bus_redis_channel_base(l->bus, BASE_ALL, name), STR("")};

    l->greetings = 0;
    log_in(l, t);
    wipe(&l->password);
    if (t->db > 0) {
        (void)snprintf(db, sizeof(db), "%u", t->db);
        greeting(l, ASKED_LOGIN, (struct str[]){STR("SELECT"), str_of(db)}, 2);
    }
    if (l->role == LINK_SUBSCRIBES) {
        greeting(l, ASKED_LOGIN, (struct str[]){STR("PING")}, 1);
        return;
    }
    greeting(l, ASKED_HELLO, (struct str[]){STR("HELLO"), STR("2")}, 2);
    if (l->role == LINK_SCOUTS)
        return;
    greeting(l, ASKED_ROLE, (struct str[]){STR("ROLE")}, 1);
    greeting(l, ASKED_PROBE, probe, 3);
}

static void connected(struct io_op *op, int result, uint8_t *data)
{
    struct redis_link *l = CONTAINER_OF(op, struct redis_link, out);

    (void)data;
    if (l->state == LINK_CLOSING) {
        now_down(l);
        return;
    }
    if (result < 0) {
        fail_errno(l, "connecting", result);
        return;
    }
    l->state = LINK_GREETING;
    l->heard_ms = l->asked_ms = bus_redis_now(l->bus);
    l->reader = resp_reader_new();
    l->in = (struct io_op){.done = received, .fd = op->fd};
    l->out.done = sent;
    io_recv(l->io, &l->in);
    greet(l);
    bus_redis_link_flush(l);
}

static void late(struct wheel_timer *t)
{
    struct redis_link *l = CONTAINER_OF(t, struct redis_link, timer);

    bus_redis_link_fail(l, "it does not answer");
}

static void call(struct redis_link *l, struct calling *c)
{
    struct bus_redis *b = l->bus;

    l->state = LINK_CONNECTING;
    if (!c->found) { /* nothing is in flight */
        bus_redis_link_fail(l, c->why);
        return;
    }
    wipe(&l->password);
    l->password = c->password;
    buf_init(&c->password, PASSWORD_MAX);
    l->out.done = connected;
    if (l->io == b->tls)
        tls_context_call(b->tls_context, l->target->name);
    wheel_set(&b->wheel, &l->timer, bus_redis_now(b) + UP_WITHIN_MS);
    io_connect(l->io, &l->out, &c->addr);
}

static void prepared(struct io_mail *mail)
{
    struct io_job *job = CONTAINER_OF(mail, struct io_job, mail);
    struct calling *c = CONTAINER_OF(job, struct calling, job);

    if (c->link->state == LINK_CLOSING)
        now_down(c->link);
    else
        call(c->link, c);
    wipe(&c->password);
    free(c);
}

static void open_link(struct redis_link *l)
{
    struct bus_redis *b = l->bus;
    struct calling *c = calloc(1, sizeof(*c));

    if (c == NULL)
        abort();
    assert(l->state == LINK_DOWN && l->wanted);
    l->target = bus_redis_shard_target(l);
    c->link = l;
    c->job.home = b->io;
    c->job.mail.deliver = prepared;
    buf_init(&c->password, PASSWORD_MAX);
    (void)snprintf(c->host, sizeof(c->host), "%s", l->target->host);
    (void)snprintf(c->user, sizeof(c->user), "%s", l->target->user);
    c->now_ms = bus_redis_now(b);
    c->may_reuse = l->shard != &b->plain;
    l->state = LINK_CALLING;
    l->io = l->target->tls ? b->tls : b->io;
    l->timer.fire = late;
    wheel_set(&b->wheel, &l->timer, bus_redis_now(b) + CALL_WITHIN_MS);
    host_submit(b->caller, &c->job);
}

/* The helper's. */

/* A cluster has many nodes, which are called at once, and a command may take its time. */
static bool find_password(struct bus_redis *b, struct calling *c)
{
    struct redis_password *last = &b->last_password;

    if (b->o.password == NULL)
        return true;
    if (c->may_reuse && buf_len(&last->text) > 0 && c->now_ms < last->at_ms + PASSWORD_MS &&
        strcmp(last->user, c->user) == 0) {
        buf_append(&c->password, buf_peek(&last->text));
        return true;
    }
    if (!b->o.password(b->o.password_ctx, str_of(c->user), &c->password, c->why))
        return false;
    wipe(&last->text);
    buf_init(&last->text, PASSWORD_MAX);
    buf_append(&last->text, buf_peek(&c->password));
    (void)snprintf(last->user, sizeof(last->user), "%s", c->user);
    last->at_ms = c->now_ms;
    return true;
}

static void prepare(struct bus_redis *b, struct calling *c)
{
    c->found = find_password(b, c);
    if (c->found && addr_resolve(str_of(c->host), &c->addr) < 0) {
        c->found = false;
        (void)snprintf(c->why, sizeof(c->why), "there is no such host");
    }
}

static uint64_t prepare_all(void *ctx, struct io_job *chain)
{
    while (chain != NULL) {
        struct calling *c = CONTAINER_OF(chain, struct calling, job);
        struct io_mail *next = chain->mail.next;

        prepare(ctx, c);
        chain = next != NULL ? CONTAINER_OF(next, struct io_job, mail) : NULL;
    }
    return IO_FOREVER;
}

int bus_redis_link_caller(struct bus_redis *b)
{
    struct io_helper_options o = {
        .name = "bus-call", .threads = 1, .chain_max = 1, .run = prepare_all, .ctx = b};

    buf_init(&b->last_password.text, PASSWORD_MAX);
    return host_helper_new(b->host, &o, &b->caller);
}

void bus_redis_link_no_caller(struct bus_redis *b)
{
    host_helper_close(b->caller);
    wipe(&b->last_password.text);
}

void bus_redis_link_mind(struct redis_link *l)
{
    uint64_t now = bus_redis_now(l->bus);

    if (l->state != LINK_UP)
        return;
    if (now >= l->up_ms + STEADY_MS)
        l->failures = 0;
    if (l->asked_ms > l->heard_ms && now > l->heard_ms + DEAD_MS) {
        bus_redis_link_fail(l, "it does not answer any more");
    } else if (l->until_ms > 0 && now >= l->until_ms) {
        bus_redis_link_fail(l, "it is time to log in anew");
    } else if (l->role != LINK_SCOUTS && now >= l->asked_ms + ASK_MS) {
        l->asked_ms = now;
        if (l->role == LINK_PUBLISHES)
            bus_redis_link_ask(l, ASKED_ROLE, NULL);
        say(l, l->role == LINK_SUBSCRIBES ? "PING" : "ROLE");
    }
}

void bus_redis_link_init(struct redis_link *l, struct bus_redis *b, struct redis_shard *shard,
                         enum link_role role)
{
    *l = (struct redis_link){.bus = b, .shard = shard, .role = role, .io = b->io};
    l->in.fd = l->out.fd = -1;
    buf_init(&l->queued, QUEUE_MAX);
    buf_init(&l->sending, QUEUE_MAX);
    buf_init(&l->password, PASSWORD_MAX);
}

void bus_redis_link_fini(struct redis_link *l)
{
    assert(l->state == LINK_DOWN);
    buf_fini(&l->queued);
    buf_fini(&l->sending);
}
