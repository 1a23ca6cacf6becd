#include "lib/redis_model.h"

#include "base/list.h"
#include "base/rng.h"
#include "base/str.h"
#include "lib/check.h"
#include "wire/resp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT = 6400, QUEUE_MAX = 64 * 1024 * 1024, WORDS_MAX = 1024, TOLD_MAX = 64 };

struct server;

/* A port that is listened at. */
struct door {
    struct io_op op;
    struct server *server;
    unsigned way;
    bool listens;
};

struct server {
    struct redis_model *model;
    struct door doors[REDIS_MODEL_WAYS];
    struct list clients, subscriptions;
    bool runs, paused, replica;
};

struct client {
    struct list node; /* of the server's clients */
    struct server *server;
    unsigned way;
    struct io_op in, out;
    struct resp_reader *reader;
    struct buf queued, sending;
    struct str part;
    struct list subscriptions;
    unsigned subscriptions_n;
    uint64_t due_ms; /* when what it asked for is looked at */
    bool authed, closing;
};

struct subscription {
    struct list of_server, of_client;
    struct client *client;
    size_t n;
    uint8_t channel[];
};

/* A message on its way to a replica. */
struct passing {
    struct list node;
    struct server *to;
    uint64_t due_ms;
    size_t channel_n, n;
    uint8_t bytes[];
};

/* What was published once. */
struct told {
    struct buf channel, bytes;
};

struct redis_model {
    unsigned offset; /* of its ports: two of other seeds fit one world */
    struct sim *sim;
    struct told told[TOLD_MAX]; /* some of all, each as likely as any other */
    uint64_t told_n;
    unsigned lies; /* to 1000 of those */
    struct io_host *host;
    struct io *io;
    struct rng rng;
    struct server servers[REDIS_MODEL_SERVERS];
    struct redis_model_faults faults;
    struct redis_model_counts counts;
    const char *password;
    bool parted[REDIS_MODEL_WAYS], over;
    struct list passing;
    uint64_t next_ms;
};

/* Answers. */

static void say_bulk(struct client *c, struct str s)
{
    buf_printf(&c->queued, "$%zu\r\n", s.n);
    buf_append(&c->queued, s);
    buf_append(&c->queued, STR("\r\n"));
}

static void say_error(struct client *c, const char *what)
{
    buf_printf(&c->queued, "-%s\r\n", what);
}

static void say_subscribed(struct client *c, const char *what, struct str channel)
{
    buf_append(&c->queued, STR("*3\r\n"));
    say_bulk(c, str_of(what));
    say_bulk(c, channel);
    buf_printf(&c->queued, ":%u\r\n", c->subscriptions_n);
}

/* Subscriptions. */

static struct subscription *subscription_find(struct client *c, struct str channel)
{
    for (struct list *at = c->subscriptions.next; at != &c->subscriptions; at = at->next) {
        struct subscription *s = CONTAINER_OF(at, struct subscription, of_client);

        if (str_eq((struct str){s->channel, s->n}, channel))
            return s;
    }
    return NULL;
}

static void subscription_free(struct subscription *s)
{
    s->client->subscriptions_n--;
    list_remove(&s->of_server);
    list_remove(&s->of_client);
    free(s);
}

static void subscribe(struct client *c, struct str channel)
{
    struct subscription *s = subscription_find(c, channel);

    if (s == NULL) {
        s = malloc(sizeof(*s) + channel.n);
        if (s == NULL)
            abort();
        s->client = c;
        s->n = channel.n;
        memcpy(s->channel, channel.p, channel.n);
        list_push(&c->server->subscriptions, &s->of_server);
        list_push(&c->subscriptions, &s->of_client);
        c->subscriptions_n++;
    }
    say_subscribed(c, "subscribe", channel);
}

static void unsubscribe(struct client *c, struct str channel)
{
    struct subscription *s = subscription_find(c, channel);

    if (s != NULL)
        subscription_free(s);
    say_subscribed(c, "unsubscribe", channel);
}

/* Publishing. */

/* To those who subscribe here; how many they are. */
static unsigned deliver(struct server *to, struct str channel, struct str bytes)
{
    size_t most = to->model->faults.unsent_max;
    unsigned n = 0;

    for (struct list *at = to->subscriptions.next; at != &to->subscriptions; at = at->next) {
        struct subscription *s = CONTAINER_OF(at, struct subscription, of_server);
        struct client *c = s->client;

        if (!str_eq((struct str){s->channel, s->n}, channel))
            continue;
        buf_append(&c->queued, STR("*3\r\n"));
        say_bulk(c, STR("message"));
        say_bulk(c, channel);
        say_bulk(c, bytes);
        if (most > 0 && !c->closing && buf_len(&c->queued) > most) {
            c->closing = true;
            to->model->counts.cut++;
        }
        n++;
    }
    return n;
}

static void pass_on(struct server *to, struct str channel, struct str bytes)
{
    struct redis_model *m = to->model;
    struct passing *p;

    p = malloc(sizeof(*p) + channel.n + bytes.n);
    if (p == NULL)
        abort();
    p->to = to;
    p->due_ms = sim_now_ms(m->sim) + rng_below(&m->rng, m->faults.lag_ms + 1);
    p->channel_n = channel.n;
    p->n = bytes.n;
    memcpy(p->bytes, channel.p, channel.n);
    memcpy(p->bytes + channel.n, bytes.p, bytes.n);
    list_push(&m->passing, &p->node);
}

static void remember(struct redis_model *m, struct str channel, struct str bytes)
{
    uint64_t at = m->told_n < TOLD_MAX ? m->told_n : rng_below(&m->rng, m->told_n + 1);

    m->told_n++;
    if (at >= TOLD_MAX)
        return;
    buf_clear(&m->told[at].channel);
    buf_clear(&m->told[at].bytes);
    buf_append(&m->told[at].channel, channel);
    buf_append(&m->told[at].bytes, bytes);
}

static const struct told *any_told(struct redis_model *m)
{
    return &m->told[rng_below(&m->rng, MIN(m->told_n, (uint64_t)TOLD_MAX))];
}

static void lie(struct server *from)
{
    struct redis_model *m = from->model;
    struct str said = buf_peek(&any_told(m)->bytes);
    struct str channel = buf_peek(&any_told(m)->channel);
    struct buf b CLEANUP(buf_fini);
    uint8_t *at;

    if (said.n == 0)
        return;
    buf_init(&b, said.n);
    buf_append(&b, said);
    at = b.bytes + b.rpos;
    switch (rng_below(&m->rng, 5)) {
    case 0: /* in another channel, most often */
        break;
    case 1:
        at[rng_below(&m->rng, said.n)] ^= (uint8_t)(1 + rng_below(&m->rng, 255));
        break;
    case 2:
        for (size_t i = 0; i < MIN(said.n, (size_t)64); i++)
            at[i] = (uint8_t)rng_below(&m->rng, 256);
        break;
    default: /* as it was */
        for (unsigned i = 0; i < TOLD_MAX; i++)
            if (m->told[i].bytes.bytes == said.p)
                channel = buf_peek(&m->told[i].channel);
    }
    m->counts.lies++;
    (void)deliver(from, channel, buf_peek(&b));
}

static void publish(struct client *c, struct str channel, struct str bytes)
{
    struct server *from = c->server;
    struct redis_model *m = from->model;

    m->counts.published++;
    if (m->lies > 0)
        remember(m, channel, bytes);
    buf_printf(&c->queued, ":%u\r\n", deliver(from, channel, bytes));
    for (unsigned i = 0; i < REDIS_MODEL_SERVERS && !from->replica; i++)
        if (m->servers[i].replica && m->servers[i].runs)
            pass_on(&m->servers[i], channel, bytes);
    if (rng_chance(&m->rng, m->lies))
        lie(from);
}

/* In order. */
static uint64_t pass_what_is_due(struct redis_model *m)
{
    uint64_t now = sim_now_ms(m->sim);

    while (!list_empty(&m->passing)) {
        struct passing *p = CONTAINER_OF(m->passing.next, struct passing, node);

        if (p->due_ms > now)
            return p->due_ms;
        (void)deliver(p->to, (struct str){p->bytes, p->channel_n},
                      (struct str){p->bytes + p->channel_n, p->n});
        m->counts.passed_on++;
        list_remove(&p->node);
        free(p);
    }
    return IO_FOREVER;
}

static void drop_passing(struct redis_model *m)
{
    struct list *at;

    while ((at = list_pop(&m->passing)) != NULL) {
        m->counts.lost++;
        free(CONTAINER_OF(at, struct passing, node));
    }
}

/* Commands. */

static void do_auth(struct client *c, const struct str *words, unsigned n)
{
    const char *password = c->server->model->password;

    if (password == NULL && n == 2)
        say_error(c, "ERR AUTH <password> called without any password configured for the default "
                     "user. Are you sure your configuration is correct?");
    else if (n > 3)
        say_error(c, "ERR syntax error");
    else if (password != NULL && (!str_eq(words[n - 1], str_of(password)) ||
                                  (n == 3 && !str_eq(words[1], STR("default")))))
        say_error(c, "WRONGPASS invalid username-password pair or user is disabled.");
    else
        c->authed = true;
    if (c->authed || (password == NULL && n == 3))
        buf_append(&c->queued, STR("+OK\r\n"));
}

static void do_ping(struct client *c, const struct str *words, unsigned n)
{
    struct str text = n > 1 ? words[1] : (struct str){0};

    if (c->subscriptions_n > 0) {
        buf_append(&c->queued, STR("*2\r\n$4\r\npong\r\n"));
        say_bulk(c, text);
    } else if (n > 1) {
        say_bulk(c, text);
    } else {
        buf_append(&c->queued, STR("+PONG\r\n"));
    }
}

static void do_role(struct client *c, const struct str *words, unsigned n)
{
    (void)words;
    (void)n;
    if (c->server->replica)
        buf_append(&c->queued, STR("*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:6379\r\n"
                                   "$9\r\nconnected\r\n:0\r\n"));
    else
        buf_append(&c->queued, STR("*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"));
}

static void do_hello(struct client *c, const struct str *words, unsigned n)
{
    if (n > 1 && !str_eq(words[1], STR("2"))) {
        say_error(c, "NOPROTO unsupported protocol version");
        return;
    }
    buf_append(&c->queued, STR("*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n"
                               "$5\r\n7.0.0\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:1\r\n"
                               "$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n"));
    say_bulk(c, c->server->replica ? STR("replica") : STR("master"));
    buf_append(&c->queued, STR("$7\r\nmodules\r\n*0\r\n"));
}

static void do_select(struct client *c, const struct str *words, unsigned n)
{
    uint64_t db;

    (void)n;
    if (!str_to_u64(words[1], &db))
        say_error(c, "ERR value is not an integer or out of range");
    else if (db > 15)
        say_error(c, "ERR DB index is out of range");
    else
        buf_append(&c->queued, STR("+OK\r\n"));
}

static void do_subscribe(struct client *c, const struct str *words, unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        subscribe(c, words[i]);
}

static void do_unsubscribe(struct client *c, const struct str *words, unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        unsubscribe(c, words[i]);
    if (n == 1 && c->subscriptions_n == 0)
        buf_append(&c->queued, STR("*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"));
    while (n == 1 && c->subscriptions_n > 0) {
        struct list *at = c->subscriptions.next;
        struct subscription *s = CONTAINER_OF(at, struct subscription, of_client);
        uint8_t channel[512];
        struct str name = {channel, MIN(s->n, sizeof(channel))};

        memcpy(channel, s->channel, name.n);
        subscription_free(s);
        say_subscribed(c, "unsubscribe", name);
    }
}

static void do_publish(struct client *c, const struct str *words, unsigned n)
{
    (void)n;
    publish(c, words[1], words[2]);
}

static const struct command {
    const char *name;
    unsigned least, most; /* words; most 0: any number */
    bool greets;          /* before it is known who asks */
    bool always;          /* also while something is subscribed to */
    void (*run)(struct client *c, const struct str *words, unsigned n);
} commands[] = {
    {"AUTH", 2, 0, true, false, do_auth},
    {"HELLO", 1, 0, false, false, do_hello},
    {"PING", 1, 2, false, true, do_ping},
    {"PUBLISH", 3, 3, false, false, do_publish},
    {"ROLE", 1, 1, false, false, do_role},
    {"SELECT", 2, 2, false, false, do_select},
    {"SUBSCRIBE", 2, 0, false, true, do_subscribe},
    {"UNSUBSCRIBE", 1, 0, false, true, do_unsubscribe},
};

static const struct command *command_find(struct str name)
{
    for (size_t i = 0; i < COUNTOF(commands); i++)
        if (str_eq_nocase(name, str_of(commands[i].name)))
            return &commands[i];
    return NULL;
}

static void command_run(struct client *c, const struct str *words, unsigned n)
{
    const struct command *k = command_find(words[0]);
    struct redis_model *m = c->server->model;
    char lower[32];

    m->counts.commands++;
    for (size_t i = 0; i < sizeof(lower) - 1; i++)
        lower[i] = (char)(i < words[0].n ? words[0].p[i] | 0x20 : 0);
    if (k == NULL)
        buf_printf(&c->queued, "-ERR unknown command '%.*s', with args beginning with: \r\n",
                   STR_ARGS(words[0]));
    else if (n < k->least || (k->most > 0 && n > k->most))
        buf_printf(&c->queued, "-ERR wrong number of arguments for '%s' command\r\n", lower);
    else if (m->password != NULL && !c->authed && !k->greets)
        say_error(c, "NOAUTH Authentication required.");
    else if (m->faults.refuse != NULL && !k->greets)
        say_error(c, m->faults.refuse);
    else if (c->subscriptions_n > 0 && !k->always)
        buf_printf(&c->queued,
                   "-ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / "
                   "QUIT / RESET are allowed in this context\r\n",
                   lower);
    else
        k->run(c, words, n);
}

/* Clients. */

static bool is_stuck(const struct client *c)
{
    return c->server->paused || c->server->model->parted[c->way];
}

static void take_all(struct client *c)
{
    struct str words[WORDS_MAX];
    struct resp_reply *asked;
    enum resp_result r;

    while (!c->closing && (r = resp_next(c->reader, &asked)) != RESP_MORE) {
        assert_true(r == RESP_OK && asked->type == RESP_ARRAY);
        assert_in_range(asked->n, 1, WORDS_MAX);
        for (unsigned i = 0; i < asked->n; i++)
            words[i] = asked->elements[i]->str;
        command_run(c, words, asked->n);
        resp_reply_free(asked);
    }
}

static void flush(struct client *c)
{
    struct buf empty;

    if (c->out.in_flight || c->closing || is_stuck(c))
        return;
    if (buf_len(&c->sending) == 0) {
        empty = c->sending;
        c->sending = c->queued;
        c->queued = empty;
    }
    assert_false(c->sending.failed);
    c->part = buf_peek(&c->sending);
    if (c->part.n > 0)
        io_send(c->server->model->io, &c->out, &c->part, 1);
}

static void sent(struct io_op *op, int result, uint8_t *data)
{
    struct client *c = CONTAINER_OF(op, struct client, out);

    (void)data;
    if (result < 0)
        c->closing = true;
    else
        buf_consume(&c->sending, (size_t)result);
}

static void received(struct io_op *op, int result, uint8_t *data)
{
    struct client *c = CONTAINER_OF(op, struct client, in);
    struct redis_model *m = c->server->model;
    unsigned slow = m->faults.slow_ms;

    if (result <= 0 || c->closing) {
        c->closing = true;
        return;
    }
    resp_feed(c->reader, (struct str){data, (size_t)result});
    if (c->due_ms == 0 && slow > 0)
        c->due_ms = sim_now_ms(m->sim) + rng_below(&m->rng, slow + 1);
    io_recv(m->io, op);
}

/* When it is to be looked at again. */
static uint64_t client_mind(struct client *c)
{
    if (is_stuck(c))
        return IO_FOREVER;
    if (c->due_ms > sim_now_ms(c->server->model->sim))
        return c->due_ms;
    c->due_ms = 0;
    take_all(c);
    return IO_FOREVER;
}

static void client_free(struct client *c)
{
    io_close(c->server->model->io, c->in.fd);
    while (c->subscriptions_n > 0)
        subscription_free(CONTAINER_OF(c->subscriptions.next, struct subscription, of_client));
    list_remove(&c->node);
    resp_reader_free(c->reader);
    buf_fini(&c->queued);
    buf_fini(&c->sending);
    free(c);
}

static bool client_has_ended(struct client *c)
{
    struct io *io = c->server->model->io;

    if (!c->closing)
        return false;
    io_cancel(io, &c->in);
    io_cancel(io, &c->out);
    return !c->in.in_flight && !c->out.in_flight;
}

static void accepted(struct io_op *op, int result, uint8_t *data)
{
    struct door *d = CONTAINER_OF(op, struct door, op);
    struct redis_model *m = d->server->model;
    struct client *c;

    (void)data;
    if (result < 0)
        return;
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        abort();
    c->server = d->server;
    c->way = d->way;
    c->in = (struct io_op){.done = received, .fd = result};
    c->out = (struct io_op){.done = sent, .fd = result};
    c->reader = resp_reader_new();
    buf_init(&c->queued, QUEUE_MAX);
    buf_init(&c->sending, QUEUE_MAX);
    list_init(&c->subscriptions);
    list_push(&d->server->clients, &c->node);
    assert_int_equal(io_adopt(m->io, result), 0);
    m->counts.connections++;
    io_recv(m->io, &c->in);
}

/* Servers. */

static void door_mind(struct door *d)
{
    struct redis_model *m = d->server->model;
    struct io_addr addr = {.family = IO_ADDR_IP4, .ip = {127, 0, 0, 1}};

    if (d->server->runs && !d->listens) {
        addr.port = redis_model_port(m, (unsigned)(d->server - m->servers), d->way);
        d->op = (struct io_op){.done = accepted};
        assert_int_equal(io_listen(m->io, &addr, &d->op.fd), 0);
        d->listens = true;
    }
    if (d->server->runs && !d->op.in_flight)
        io_accept(m->io, &d->op);
    if (!d->server->runs && d->op.in_flight)
        io_cancel(m->io, &d->op);
    if (!d->server->runs && d->listens && !d->op.in_flight) {
        io_close(m->io, d->op.fd);
        d->listens = false;
    }
}

/* Takes what clients ask for; when to do so again. */
static uint64_t server_mind(struct server *s)
{
    uint64_t next = IO_FOREVER;

    for (unsigned i = 0; i < REDIS_MODEL_WAYS; i++)
        door_mind(&s->doors[i]);
    for (struct list *at = s->clients.next; at != &s->clients; at = at->next) {
        struct client *c = CONTAINER_OF(at, struct client, node);

        c->closing = c->closing || !s->runs;
        next = MIN(next, client_mind(c));
    }
    return next;
}

/* Then gives them what there is. True if nobody is left. */
static bool server_flush(struct server *s)
{
    bool quiet = true;

    for (struct list *at = s->clients.next, *then; at != &s->clients; at = then) {
        struct client *c = CONTAINER_OF(at, struct client, node);

        then = at->next;
        flush(c);
        if (client_has_ended(c))
            client_free(c);
    }
    for (unsigned i = 0; i < REDIS_MODEL_WAYS; i++)
        quiet = quiet && !s->doors[i].listens;
    return quiet && list_empty(&s->clients);
}

static bool turn(void *arg)
{
    struct redis_model *m = arg;
    bool quiet = true;

    io_wait(m->io, m->next_ms);
    m->next_ms = IO_FOREVER;
    for (unsigned i = 0; i < REDIS_MODEL_SERVERS; i++)
        m->next_ms = MIN(m->next_ms, server_mind(&m->servers[i]));
    m->next_ms = MIN(m->next_ms, pass_what_is_due(m));
    for (unsigned i = 0; i < REDIS_MODEL_SERVERS; i++)
        quiet = server_flush(&m->servers[i]) && quiet;
    return !m->over || !quiet;
}

/* Something has changed: it is seen in the next turn. */
static void nudge(struct redis_model *m)
{
    m->next_ms = 0;
    io_wait(m->io, 0);
}

struct redis_model *redis_model_new(struct sim *sim, uint64_t seed)
{
    struct redis_model *m = calloc(1, sizeof(*m));

    if (m == NULL)
        abort();
    m->sim = sim;
    m->offset = (unsigned)(seed % 10) * 10;
    rng_init(&m->rng, seed);
    for (unsigned i = 0; i < TOLD_MAX; i++) {
        buf_init(&m->told[i].channel, QUEUE_MAX);
        buf_init(&m->told[i].bytes, QUEUE_MAX);
    }
    list_init(&m->passing);
    m->host = sim_host_new(sim);
    assert_int_equal(host_io_new(m->host, &m->io), 0);
    for (unsigned i = 0; i < REDIS_MODEL_SERVERS; i++) {
        struct server *s = &m->servers[i];

        s->model = m;
        s->runs = true;
        s->replica = i > 0;
        list_init(&s->clients);
        list_init(&s->subscriptions);
        for (unsigned k = 0; k < REDIS_MODEL_WAYS; k++)
            s->doors[k] = (struct door){.server = s, .way = k};
    }
    assert_int_equal(host_start(m->host, m->io, turn, m), 0);
    return m;
}

void redis_model_free(struct redis_model *m)
{
    if (m == NULL)
        return;
    m->over = true;
    redis_model_heal(m);
    for (unsigned i = 0; i < REDIS_MODEL_SERVERS; i++)
        m->servers[i].runs = false;
    nudge(m);
    host_join(m->host);
    drop_passing(m);
    for (unsigned i = 0; i < TOLD_MAX; i++) {
        buf_fini(&m->told[i].channel);
        buf_fini(&m->told[i].bytes);
    }
    io_free(m->io);
    host_free(m->host);
    free(m);
}

uint16_t redis_model_port(const struct redis_model *m, unsigned server, unsigned way)
{
    assert_true(server < REDIS_MODEL_SERVERS && way < REDIS_MODEL_WAYS);
    return (uint16_t)(PORT + m->offset + server * 100 + way);
}

void redis_model_url(const struct redis_model *m, unsigned way, char to[static REDIS_MODEL_URL])
{
    int n = 0;

    for (unsigned i = 0; i < REDIS_MODEL_SERVERS; i++)
        n += snprintf(to + n, REDIS_MODEL_URL - (size_t)n, "%sredis://127.0.0.1:%u",
                      i > 0 ? "," : "", redis_model_port(m, i, way));
}

void redis_model_set(struct redis_model *m, struct redis_model_faults faults)
{
    m->faults = faults;
}

void redis_model_lie(struct redis_model *m, unsigned lies)
{
    m->lies = lies;
}

void redis_model_password(struct redis_model *m, const char *password)
{
    m->password = password;
}

void redis_model_kill(struct redis_model *m, unsigned server)
{
    m->servers[server].runs = false;
    m->servers[server].paused = false;
    nudge(m);
}

void redis_model_start(struct redis_model *m, unsigned server)
{
    m->servers[server].runs = true;
    nudge(m);
}

void redis_model_pause(struct redis_model *m, unsigned server, bool on)
{
    m->servers[server].paused = on;
    nudge(m);
}

void redis_model_part(struct redis_model *m, unsigned way, bool on)
{
    m->parted[way] = on;
    nudge(m);
}

void redis_model_promote(struct redis_model *m, unsigned server, bool apart)
{
    drop_passing(m);
    for (unsigned i = 0; i < REDIS_MODEL_SERVERS; i++)
        m->servers[i].replica = i != server && (!apart || m->servers[i].replica);
    nudge(m);
}

void redis_model_heal(struct redis_model *m)
{
    unsigned primary = REDIS_MODEL_SERVERS;

    for (unsigned i = 0; i < REDIS_MODEL_SERVERS; i++) {
        m->servers[i].runs = true;
        m->servers[i].paused = false;
        if (!m->servers[i].replica)
            primary = i;
    }
    assert_true(primary < REDIS_MODEL_SERVERS);
    for (unsigned i = 0; i < REDIS_MODEL_SERVERS; i++)
        m->servers[i].replica = i != primary;
    memset(m->parted, 0, sizeof(m->parted));
    nudge(m);
}

struct redis_model_counts redis_model_count(const struct redis_model *m)
{
    return m->counts;
}
