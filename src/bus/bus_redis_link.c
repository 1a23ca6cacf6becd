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
};

/* What a helper finds out before a connection is made, since it may block: where Redis is,
 * and the password. Outlives its link. */
struct calling {
    struct io_job job;
    struct redis_link *link;
    char host[256], user[128];
    struct io_addr addr;
    struct buf password;
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

/* Ending. */

static void try_again(struct wheel_timer *t)
{
    struct redis_link *l = CONTAINER_OF(t, struct redis_link, timer);

    bus_redis_link_open(l);
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
    if (b->ending)
        return;
    l->failures++;
    if (b->target == l->target) /* the other link has not gone on already */
        b->target = (b->target + 1) % b->targets_n;
    l->timer.fire = try_again;
    wheel_set(&b->wheel, &l->timer,
              bus_redis_now(b) + 1 + rng_below(&b->rng, MIN(span, (uint64_t)RETRY_MAX_MS)));
}

void bus_redis_link_fail(struct redis_link *l, const char *why)
{
    struct bus_redis *b = l->bus;

    if (l->state == LINK_DOWN || l->state == LINK_CLOSING)
        return;
    if (l->state == LINK_UP)
        bus_redis_add(&b->stats.reconnects, 1);
    (void)snprintf(l->why, sizeof(l->why), "%s: %s", b->targets[l->target].host, why);
    wheel_cancel(&b->wheel, &l->timer);
    if (l->state == LINK_CALLING) { /* the helper's answer finds it closing */
        l->state = LINK_CLOSING;
    } else {
        l->state = LINK_CLOSING;
        io_cancel(l->io, &l->in);
        io_cancel(l->io, &l->out);
        now_down(l);
    }
    bus_redis_link_changed(b);
    bus_redis_link_failed(b, l);
}

void bus_redis_link_close(struct redis_link *l)
{
    wheel_cancel(&l->bus->wheel, &l->timer);
    bus_redis_link_fail(l, "closed");
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

static void came_up(struct redis_link *l)
{
    wheel_cancel(&l->bus->wheel, &l->timer);
    l->state = LINK_UP;
    l->failures = 0;
    l->until_ms = login_ends_ms(l->bus);
    if (l->subscribes)
        bus_redis_room_subscribe_all(l->bus);
    bus_redis_link_changed(l->bus);
}

/* ROLE says: [master offset replicas], or [slave ...], which does not pass on what it is
 * told. Where ROLE is not allowed, its error is no matter. */
static bool is_replica(const struct resp_reply *reply)
{
    return reply->type == RESP_ARRAY && reply->n > 0 && reply->elements[0] != NULL &&
           resp_is(reply->elements[0], "slave");
}

static bool is_harmless(const struct resp_reply *reply)
{
    return str_starts(reply->str, STR("ERR unknown command")) ||
           str_starts(reply->str, STR("NOPERM"));
}

static void take(struct redis_link *l, const struct resp_reply *reply)
{
    char why[128];

    if (reply->type == RESP_ERROR && !is_harmless(reply)) {
        (void)snprintf(why, sizeof(why), "%.*s", (int)MIN(reply->str.n, (size_t)100),
                       (const char *)reply->str.p);
        bus_redis_link_fail(l, why);
    } else if (!l->subscribes && is_replica(reply)) {
        bus_redis_link_fail(l, "it is a replica");
    } else if (l->state == LINK_GREETING) {
        if (--l->greetings == 0)
            came_up(l);
    } else if (l->subscribes && !bus_redis_room_hear(l->bus, reply)) {
        bus_redis_link_fail(l, "it answers what was not asked");
    }
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

/* The passwords are copied once more; the queue's memory is this process' alone. */
static void log_in(struct redis_link *l, const struct redis_target *t)
{
    struct str password = l->bus->o.password != NULL ? buf_peek(&l->password) : str_of(t->password);

    if (t->user[0] != '\0')
        bus_redis_link_say(l, (struct str[]){STR("AUTH"), str_of(t->user), password}, 3);
    else if (password.n > 0)
        bus_redis_link_say(l, (struct str[]){STR("AUTH"), password}, 2);
    else
        return;
    l->greetings++;
}

static void greet(struct redis_link *l)
{
    const struct redis_target *t = &l->bus->targets[l->target];
    char db[16];

    l->greetings = 0;
    log_in(l, t);
    wipe(&l->password);
    if (t->db > 0) {
        (void)snprintf(db, sizeof(db), "%u", t->db);
        bus_redis_link_say(l, (struct str[]){STR("SELECT"), str_of(db)}, 2);
        l->greetings++;
    }
    say(l, l->subscribes ? "PING" : "ROLE");
    l->greetings++;
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
        tls_context_call(b->tls_context, b->targets[l->target].name);
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

void bus_redis_link_open(struct redis_link *l)
{
    struct bus_redis *b = l->bus;
    struct calling *c = calloc(1, sizeof(*c));
    const struct redis_target *t = &b->targets[b->target];

    if (c == NULL)
        abort();
    assert(l->state == LINK_DOWN);
    l->target = b->target;
    c->link = l;
    c->job.home = b->io;
    c->job.mail.deliver = prepared;
    buf_init(&c->password, PASSWORD_MAX);
    (void)snprintf(c->host, sizeof(c->host), "%s", t->host);
    (void)snprintf(c->user, sizeof(c->user), "%s", t->user);
    l->state = LINK_CALLING;
    l->io = t->tls ? b->tls : b->io;
    l->timer.fire = late;
    wheel_set(&b->wheel, &l->timer, bus_redis_now(b) + CALL_WITHIN_MS);
    host_submit(b->caller, &c->job);
}

/* The helper's. */

static void prepare(const struct bus_redis *b, struct calling *c)
{
    c->found = b->o.password == NULL ||
               b->o.password(b->o.password_ctx, str_of(c->user), &c->password, c->why);
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

    return host_helper_new(b->host, &o, &b->caller);
}

void bus_redis_link_mind(struct redis_link *l)
{
    uint64_t now = bus_redis_now(l->bus);

    if (l->state != LINK_UP)
        return;
    if (l->asked_ms > l->heard_ms && now > l->heard_ms + DEAD_MS) {
        bus_redis_link_fail(l, "it does not answer any more");
    } else if (l->until_ms > 0 && now >= l->until_ms) {
        bus_redis_link_fail(l, "it is time to log in anew");
    } else if (now >= l->asked_ms + ASK_MS) {
        l->asked_ms = now;
        say(l, l->subscribes ? "PING" : "ROLE");
    }
}

void bus_redis_link_init(struct redis_link *l, struct bus_redis *b, bool subscribes)
{
    *l = (struct redis_link){.bus = b, .subscribes = subscribes, .io = b->io};
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
