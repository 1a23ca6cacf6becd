#include "bus/bus_redis_link.h"

#include "base/mem.h"
#include "io/addr.h"
#include "io/host.h"
#include "io/io_tls.h"
#include "io/tls_context.h"

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
    PASSWORD_MAX = 16 * 1024,
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

/* From each state, those that may follow. */
static const uint8_t link_moves[LINK_STATE_N] = {
    [LINK_DOWN] = 1 << LINK_CALLING,
    [LINK_CALLING] = 1 << LINK_CONNECTING | 1 << LINK_CLOSING,
    [LINK_CONNECTING] = 1 << LINK_GREETING | 1 << LINK_CLOSING,
    [LINK_GREETING] = 1 << LINK_UP | 1 << LINK_CLOSING,
    [LINK_UP] = 1 << LINK_CLOSING,
    [LINK_CLOSING] = 1 << LINK_DOWN,
};

static void link_move(struct redis_link *l, enum link_state to)
{
    assert((link_moves[l->state] & 1 << to) != 0);
    l->state = to;
}

static void wipe(struct buf *b)
{
    if (b->bytes != NULL)
        explicit_bzero(b->bytes, b->cap);
    buf_fini(b);
}

static void link_say(struct redis_link *l, const char *word)
{
    bus_redis_link_say(l, (struct str[]){str_of(word)}, 1);
}

/* Answers to come. */

void bus_redis_link_ask(struct redis_link *l, enum asked_kind kind, struct redis_sent *sent)
{
    assert(l->role != LINK_SUBSCRIBES);
    if (l->asked_n == l->asked_cap) {
        size_t cap = MAX(2 * l->asked_cap, (size_t)ASKED_MIN);
        struct redis_asked *asked = mem_zeroed(cap, sizeof(*asked));

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
    struct redis_asked a;

    assert(l->asked_n > 0);
    a = l->asked[l->asked_at];
    l->asked_at = (l->asked_at + 1) % l->asked_cap;
    l->asked_n--;
    return a;
}

/* Nobody will know whether they were taken. */
static void forget_asked(struct redis_link *l)
{
    assert(l->state == LINK_DOWN);
    while (l->asked_n > 0) {
        struct redis_asked a = next_asked(l);

        if (a.sent != NULL)
            l->ops->answered(l, a, NULL);
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
    struct redis_core *b = l->core;
    uint64_t span = (uint64_t)RETRY_MS << MIN(l->failures, (unsigned)RETRY_DOUBLINGS);

    assert(l->state == LINK_CLOSING);
    if (l->in.in_flight || l->out.in_flight)
        return;
    if (l->out.fd >= 0)
        io_close(l->io, l->out.fd);
    l->in.fd = l->out.fd = -1;
    link_move(l, LINK_DOWN);
    buf_clear(&l->queued);
    buf_clear(&l->sending);
    wipe(&l->password);
    resp_reader_free(l->reader);
    l->reader = NULL;
    forget_asked(l);
    if (b->ending || !l->wanted)
        return;
    l->failures++;
    l->ops->down(l);
    l->timer.fire = try_again;
    wheel_set(&b->wheel, &l->timer,
              bus_redis_now(b) + 1 + rng_below(&b->rng, MIN(span, (uint64_t)RETRY_MAX_MS)));
}

static void link_shut(struct redis_link *l)
{
    enum link_state was = l->state;

    if (was == LINK_DOWN || was == LINK_CLOSING)
        return;
    wheel_cancel(&l->core->wheel, &l->timer);
    link_move(l, LINK_CLOSING);
    l->ops->shut(l, was);
    if (was == LINK_CALLING)
        return; /* the helper's answer finds it closing */
    io_cancel(l->io, &l->in);
    io_cancel(l->io, &l->out);
    now_down(l);
}

void bus_redis_link_fail(struct redis_link *l, const char *why)
{
    struct redis_core *b = l->core;
    enum link_state was = l->state;

    if (was == LINK_DOWN || was == LINK_CLOSING)
        return;
    if (was == LINK_UP && l->role != LINK_SCOUTS)
        bus_redis_add(&b->stats.reconnects, 1);
    if (!l->spare)
        (void)snprintf(b->why, sizeof(b->why), "%.127s: %.120s", l->target->host, why);
    link_shut(l);
    bus_redis_core_failed(b);
    l->ops->failed(l, was, why);
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
        wheel_cancel(&l->core->wheel, &l->timer);
        link_shut(l);
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
    if (l->state != LINK_UP && l->state != LINK_GREETING)
        return;
    if (l->queued.failed) { /* half a command: nothing behind it would be understood */
        bus_redis_link_fail(l, "more was to be said than the queue holds");
        return;
    }
    if (l->out.in_flight)
        return;
    l->part = buf_turn(&l->sending, &l->queued);
    if (l->part.n > 0)
        io_send(l->io, &l->out, &l->part, 1);
}

static void link_sent(struct io_op *op, int result, uint8_t *data)
{
    struct redis_link *l = CONTAINER_OF(op, struct redis_link, out);

    assert(l->state >= LINK_GREETING);
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
    assert((l->state == LINK_UP || l->state == LINK_GREETING) && n > 0);
    resp_command(&l->queued, words, n);
}

/* Receiving. */

/* Not all at once. */
static uint64_t login_ends_ms(struct redis_core *b)
{
    uint64_t all = b->o.login_ms;

    return all == 0 ? 0 : bus_redis_now(b) + all - rng_below(&b->rng, all / 8 + 1);
}

static void came_up(struct redis_link *l)
{
    assert(l->greetings == 0);
    wheel_cancel(&l->core->wheel, &l->timer);
    link_move(l, LINK_UP);
    l->up_ms = bus_redis_now(l->core);
    l->until_ms = login_ends_ms(l->core);
    l->ops->up(l);
}

static void greeted(struct redis_link *l)
{
    if (l->state != LINK_GREETING)
        return;
    assert(l->greetings > 0);
    if (--l->greetings == 0)
        came_up(l);
}

void bus_redis_link_refused(struct redis_link *l, const struct resp_reply *reply)
{
    char why[128];

    (void)snprintf(why, sizeof(why), "%.*s", (int)MIN(reply->str.n, (size_t)100),
                   (const char *)reply->str.p);
    bus_redis_link_fail(l, why);
}

static void link_take(struct redis_link *l, const struct resp_reply *reply)
{
    struct redis_asked a = {0};

    if (l->role != LINK_SUBSCRIBES && l->asked_n == 0) {
        bus_redis_link_fail(l, "it answers what was not asked");
        return;
    }
    if (l->role != LINK_SUBSCRIBES)
        a = next_asked(l);
    l->ops->answered(l, a, reply);
    if (l->role != LINK_SUBSCRIBES || reply->type != RESP_ERROR)
        greeted(l);
}

static void take_all(struct redis_link *l)
{
    struct resp_reply *reply;
    enum resp_result r;

    assert(l->reader != NULL);
    while ((l->state == LINK_UP || l->state == LINK_GREETING) &&
           (r = resp_next(l->reader, &reply)) != RESP_MORE) {
        if (r == RESP_BAD) {
            bus_redis_link_fail(l, "it does not speak the protocol of Redis");
            return;
        }
        link_take(l, reply);
        resp_reply_free(reply);
    }
}

static void link_received(struct io_op *op, int result, uint8_t *data)
{
    struct redis_link *l = CONTAINER_OF(op, struct redis_link, in);

    assert(l->state >= LINK_GREETING);
    if (l->state == LINK_CLOSING) {
        now_down(l);
        return;
    }
    if (result <= 0) {
        fail_errno(l, "receiving", result < 0 ? result : -ECONNRESET);
        return;
    }
    l->heard_ms = bus_redis_now(l->core);
    resp_feed(l->reader, (struct str){data, (size_t)result});
    take_all(l);
    if (l->state == LINK_UP || l->state == LINK_GREETING)
        io_recv(l->io, op);
    else if (l->state == LINK_CLOSING)
        now_down(l);
}

/* Connecting. */

void bus_redis_link_greet(struct redis_link *l, enum asked_kind kind, const struct str *words,
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
    struct str password =
        l->core->o.password != NULL ? buf_peek(&l->password) : str_of(t->password);

    assert(t == l->target && l->greetings == 0);
    if (t->user[0] != '\0')
        bus_redis_link_greet(l, ASKED_LOGIN, (struct str[]){STR("AUTH"), str_of(t->user), password},
                             3);
    else if (password.n > 0)
        bus_redis_link_greet(l, ASKED_LOGIN, (struct str[]){STR("AUTH"), password}, 2);
}

static void begin_greeting(struct redis_link *l)
{
    const struct redis_target *t = l->target;
    char db[16];

    assert(l->state == LINK_GREETING);
    l->greetings = 0;
    log_in(l, t);
    wipe(&l->password);
    if (t->db > 0) {
        (void)snprintf(db, sizeof(db), "%u", t->db);
        bus_redis_link_greet(l, ASKED_LOGIN, (struct str[]){STR("SELECT"), str_of(db)}, 2);
    }
    l->ops->greet(l);
    assert(l->greetings > 0);
}

static void link_connected(struct io_op *op, int result, uint8_t *data)
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
    link_move(l, LINK_GREETING);
    l->heard_ms = l->asked_ms = bus_redis_now(l->core);
    l->reader = resp_reader_new();
    l->in = (struct io_op){.done = link_received, .fd = op->fd};
    l->out.done = link_sent;
    io_recv(l->io, &l->in);
    begin_greeting(l);
    bus_redis_link_flush(l);
}

static void link_late(struct wheel_timer *t)
{
    struct redis_link *l = CONTAINER_OF(t, struct redis_link, timer);

    assert(l->state >= LINK_CALLING && l->state <= LINK_GREETING);
    bus_redis_link_fail(l, "it does not answer");
}

static void link_call(struct redis_link *l, struct calling *c)
{
    struct redis_core *b = l->core;

    link_move(l, LINK_CONNECTING);
    if (!c->found) { /* nothing is in flight */
        bus_redis_link_fail(l, c->why);
        return;
    }
    wipe(&l->password);
    l->password = c->password;
    buf_init(&c->password, PASSWORD_MAX);
    l->out.done = link_connected;
    if (l->io == b->tls)
        tls_context_call(b->tls_context, l->target->name);
    wheel_set(&b->wheel, &l->timer, bus_redis_now(b) + UP_WITHIN_MS);
    io_connect(l->io, &l->out, &c->addr);
}

static void link_prepared(struct io_mail *mail)
{
    struct io_job *job = CONTAINER_OF(mail, struct io_job, mail);
    struct calling *c = CONTAINER_OF(job, struct calling, job);

    if (c->link->state == LINK_CLOSING)
        now_down(c->link);
    else
        link_call(c->link, c);
    wipe(&c->password);
    free(c);
}

static void open_link(struct redis_link *l)
{
    struct redis_core *b = l->core;
    struct calling *c = mem_zeroed(1, sizeof(*c));

    assert(l->state == LINK_DOWN && l->wanted);
    l->target = l->ops->target(l);
    c->link = l;
    c->job.home = b->io;
    c->job.mail.deliver = link_prepared;
    buf_init(&c->password, PASSWORD_MAX);
    (void)snprintf(c->host, sizeof(c->host), "%s", l->target->host);
    (void)snprintf(c->user, sizeof(c->user), "%s", l->target->user);
    c->now_ms = bus_redis_now(b);
    c->may_reuse = l->reuses;
    link_move(l, LINK_CALLING);
    l->io = l->target->tls ? b->tls : b->io;
    l->timer.fire = link_late;
    wheel_set(&b->wheel, &l->timer, bus_redis_now(b) + CALL_WITHIN_MS);
    host_submit(l->caller->helper, &c->job);
}

/* The helper's. */

/* A cluster has many nodes, which are called at once, and a command may take its time. */
static bool find_password(struct redis_caller *last, struct calling *c)
{
    const struct bus_redis_options *o = &last->core->o;

    if (o->password == NULL)
        return true;
    if (c->may_reuse && buf_len(&last->text) > 0 && c->now_ms < last->at_ms + PASSWORD_MS &&
        strcmp(last->user, c->user) == 0) {
        buf_append(&c->password, buf_peek(&last->text));
        return true;
    }
    if (!o->password(o->password_ctx, str_of(c->user), &c->password, c->why))
        return false;
    wipe(&last->text);
    buf_init(&last->text, PASSWORD_MAX);
    buf_append(&last->text, buf_peek(&c->password));
    (void)snprintf(last->user, sizeof(last->user), "%s", c->user);
    last->at_ms = c->now_ms;
    return true;
}

static void link_prepare(struct redis_caller *b, struct calling *c)
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

        link_prepare(ctx, c);
        chain = next != NULL ? CONTAINER_OF(next, struct io_job, mail) : NULL;
    }
    return IO_FOREVER;
}

int bus_redis_link_caller(struct redis_caller *c, struct redis_core *core, struct io_host *host)
{
    struct io_helper_options o = {
        .name = "bus-call", .threads = 1, .chain_max = 1, .run = prepare_all, .ctx = c};

    assert(c->helper == NULL);
    c->core = core;
    buf_init(&c->text, PASSWORD_MAX);
    return host_helper_new(host, &o, &c->helper);
}

void bus_redis_link_no_caller(struct redis_caller *c)
{
    assert(c->core != NULL);
    host_helper_close(c->helper);
    wipe(&c->text);
}

void bus_redis_link_mind(struct redis_link *l)
{
    uint64_t now = bus_redis_now(l->core);

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
        link_say(l, l->role == LINK_SUBSCRIBES ? "PING" : "ROLE");
    }
}

void bus_redis_link_init(struct redis_link *l, struct redis_caller *caller)
{
    assert(l->state == LINK_DOWN && (l->shard != NULL) == (l->role != LINK_SCOUTS));
    l->core = caller->core;
    l->caller = caller;
    l->io = l->core->io;
    l->in.fd = l->out.fd = -1;
    buf_init(&l->queued, QUEUE_MAX);
    buf_init(&l->sending, QUEUE_MAX);
    buf_init(&l->password, PASSWORD_MAX);
}

void bus_redis_link_fini(struct redis_link *l)
{
    assert(l->state == LINK_DOWN && l->asked_n == 0);
    buf_fini(&l->queued);
    buf_fini(&l->sending);
}
