/* What the bus relies on of Redis, over redis-server and over the simulator's model: both
 * are told the same, and answer alike. Skipped, visibly, where there is no redis-server. */
#include "base/str.h"
#include "io/io_sim.h"
#include "lib/check.h"
#include "lib/redis_model.h"
#include "lib/redis_rig.h"
#include "wire/resp.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEERS = 3, PATIENCE_MS = 60000, TEXT_MAX = 600 };

struct rig;

/* Who asks. */
struct peer {
    struct rig *rig;
    struct io_op in, out;
    struct resp_reader *reader;
    struct buf queued;
    struct str part;
    bool connected, ended;
};

struct rig {
    struct sim *sim; /* NULL: real time */
    struct io_host *host;
    struct io *io;
    struct redis_model *model;
    struct redis_rig redis;
    struct peer peers[PEERS];
    char text[TEXT_MAX];
    bool over;
};

#define NEEDS(r)                                     \
    do {                                             \
        if ((r)->sim == NULL && (r)->redis.pid == 0) \
            skip();                                  \
    } while (0)

static bool turn(void *arg)
{
    struct rig *r = arg;

    io_wait(r->io, io_now_ms(r->io) + 5);
    return !r->over;
}

static void step(struct rig *r)
{
    if (r->sim != NULL)
        assert_true(sim_step(r->sim));
    else
        io_wait(r->io, io_now_ms(r->io) + 5);
}

static void received(struct io_op *op, int result, uint8_t *data)
{
    struct peer *p = CONTAINER_OF(op, struct peer, in);

    p->ended = result <= 0;
    if (p->ended)
        return;
    resp_feed(p->reader, (struct str){data, (size_t)result});
    io_recv(p->rig->io, op);
}

static void done(struct io_op *op, int result, uint8_t *data)
{
    struct peer *p = CONTAINER_OF(op, struct peer, out);

    (void)data;
    if (p->connected && result > 0) {
        buf_consume(&p->queued, (size_t)result);
    } else if (result == 0 && !p->connected) {
        p->connected = true;
        p->in = (struct io_op){.done = received, .fd = op->fd};
        io_recv(p->rig->io, &p->in);
    } else {
        p->ended = true;
    }
}

static void hang_up(struct peer *p)
{
    io_cancel(p->rig->io, &p->in);
    io_cancel(p->rig->io, &p->out);
    while (p->in.in_flight || p->out.in_flight)
        step(p->rig);
    if (p->out.fd >= 0)
        io_close(p->rig->io, p->out.fd);
    p->out.fd = p->in.fd = -1;
    p->connected = false;
    resp_reader_free(p->reader);
    p->reader = NULL;
    buf_fini(&p->queued);
}

static bool try_call(struct peer *p, const struct io_addr *a)
{
    p->out.done = done;
    p->ended = false;
    p->reader = resp_reader_new();
    buf_init(&p->queued, TEXT_MAX);
    io_connect(p->rig->io, &p->out, a);
    while (!p->connected && !p->ended)
        step(p->rig);
    if (!p->connected)
        hang_up(p);
    return p->connected;
}

/* It may be starting. */
static struct peer *call(struct rig *r, unsigned i)
{
    struct io_addr a = {.family = IO_ADDR_IP4, .ip = {127, 0, 0, 1}};
    struct peer *p = &r->peers[i];
    unsigned times = 0;

    a.port = r->model != NULL ? redis_model_port(r->model, 0, i) : r->redis.port;
    while (!try_call(p, &a)) {
        assert_true(times++ < 1000);
        step(r);
    }
    return p;
}

/* Words are parted by a space. */
static void ask(struct peer *p, const char *command)
{
    struct str rest = str_of(command), words[8];
    unsigned n = 0;

    while (rest.n > 0)
        words[n++] = str_cut(&rest, ' ');
    assert_int_equal(buf_len(&p->queued), 0);
    resp_command(&p->queued, words, n);
    p->part = buf_peek(&p->queued);
    io_send(p->rig->io, &p->out, &p->part, 1);
    while (buf_len(&p->queued) > 0 && !p->ended)
        step(p->rig);
}

static void put_one(struct buf *b, const struct resp_reply *r)
{
    switch (r->type) {
    case RESP_ERROR:
        buf_append(b, STR("-"));
        buf_append(b, r->str);
        break;
    case RESP_STRING:
        buf_append(b, r->str);
        break;
    case RESP_INT:
        buf_printf(b, ":%lld", (long long)r->i64);
        break;
    case RESP_NIL:
        buf_append(b, STR("nil"));
        break;
    case RESP_ARRAY:
        buf_append(b, STR("[]"));
        break;
    }
}

/* As text; of an array its elements with commas between. */
static const char *text_of(struct rig *r, const struct resp_reply *reply)
{
    struct buf b;

    buf_init(&b, TEXT_MAX - 1);
    if (reply->type != RESP_ARRAY)
        put_one(&b, reply);
    for (unsigned i = 0; reply->type == RESP_ARRAY && i < reply->n; i++) {
        buf_append(&b, i > 0 ? STR(",") : STR("["));
        put_one(&b, reply->elements[i]);
    }
    if (reply->type == RESP_ARRAY)
        buf_append(&b, STR("]"));
    (void)snprintf(r->text, sizeof(r->text), "%.*s", STR_ARGS(buf_peek(&b)));
    buf_fini(&b);
    return r->text;
}

/* The next answer. */
static const char *hear(struct peer *p)
{
    uint64_t until = io_now_ms(p->rig->io) + PATIENCE_MS;
    struct resp_reply *reply;
    enum resp_result result;

    while ((result = resp_next(p->reader, &reply)) == RESP_MORE) {
        if (p->ended)
            return "ended";
        step(p->rig);
        if (io_now_ms(p->rig->io) > until)
            return "silence";
    }
    assert_int_equal(result, RESP_OK);
    (void)text_of(p->rig, reply);
    resp_reply_free(reply);
    return p->rig->text;
}

static const char *say(struct peer *p, const char *command)
{
    ask(p, command);
    return hear(p);
}

static int rig_new(void **state, bool sim)
{
    struct rig *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    *state = r;
    for (unsigned i = 0; i < PEERS; i++)
        r->peers[i] = (struct peer){.rig = r, .out.fd = -1};
    if (sim) {
        r->sim = sim_new(check_seed(1), (struct sim_faults){.split_recv = 300, .latency_ms = 3});
        r->host = sim_host_new(r->sim);
        r->model = redis_model_new(r->sim, check_seed(1));
    } else if (!redis_rig_is_there()) {
        return 0;
    } else {
        redis_rig_start(&r->redis, NULL);
        assert_int_equal(host_epoll_new(&r->host), 0);
    }
    assert_int_equal(host_io_new(r->host, &r->io), 0);
    if (sim)
        assert_int_equal(host_start(r->host, r->io, turn, r), 0);
    return 0;
}

static int on_redis(void **state)
{
    return rig_new(state, false);
}

static int on_model(void **state)
{
    return rig_new(state, true);
}

static int teardown(void **state)
{
    struct rig *r = *state;

    for (unsigned i = 0; i < PEERS; i++)
        if (r->peers[i].reader != NULL)
            hang_up(&r->peers[i]);
    r->over = true;
    if (r->sim != NULL)
        host_join(r->host);
    io_free(r->io);
    host_free(r->host);
    redis_model_free(r->model);
    sim_free(r->sim);
    redis_rig_stop(&r->redis);
    free(r);
    return 0;
}

static void simple_commands(void **state)
{
    struct rig *r = *state;
    struct peer *p;

    NEEDS(r);
    p = call(r, 0);
    assert_string_equal(say(p, "PING"), "PONG");
    assert_string_equal(say(p, "ping hello"), "hello");
    assert_string_equal(say(p, "ROLE"), "[master,:0,[]]");
    assert_string_equal(say(p, "SELECT 3"), "OK");
    assert_string_equal(say(p, "SELECT 99"), "-ERR DB index is out of range");
    assert_string_equal(say(p, "PUBLISH nobody hears"), ":0");
    assert_string_equal(say(p, "PUBLISH nobody"),
                        "-ERR wrong number of arguments for 'publish' command");
    assert_memory_equal(say(p, "NOSUCH thing"), "-ERR unknown command", 20);
    assert_memory_equal(say(p, "AUTH secret"), "-ERR AUTH <password> called without any", 39);
    assert_string_equal(say(p, "AUTH default secret"), "OK");
    assert_memory_equal(say(p, "HELLO 2"), "[server,redis,version,", 22);
    assert_memory_equal(say(p, "HELLO 9"), "-NOPROTO", 8);
}

static void subscriptions(void **state)
{
    struct rig *r = *state;
    struct peer *a, *b, *c;

    NEEDS(r);
    a = call(r, 0);
    b = call(r, 1);
    c = call(r, 2);
    assert_string_equal(say(a, "SUBSCRIBE x y"), "[subscribe,x,:1]");
    assert_string_equal(hear(a), "[subscribe,y,:2]");
    assert_string_equal(say(a, "SUBSCRIBE x"), "[subscribe,x,:2]");
    assert_string_equal(say(b, "SUBSCRIBE x"), "[subscribe,x,:1]");
    assert_string_equal(say(c, "PUBLISH x one"), ":2");
    assert_string_equal(hear(a), "[message,x,one]");
    assert_string_equal(hear(b), "[message,x,one]");
    assert_string_equal(say(c, "PUBLISH y two"), ":1");
    assert_string_equal(say(c, "PUBLISH z three"), ":0");
    assert_string_equal(hear(a), "[message,y,two]");
    assert_string_equal(say(a, "PING"), "[pong,]");
    assert_string_equal(say(a, "PING hi"), "[pong,hi]");
    assert_memory_equal(say(a, "PUBLISH x no"), "-ERR Can't execute 'publish': only", 34);
    assert_string_equal(say(a, "UNSUBSCRIBE x"), "[unsubscribe,x,:1]");
    assert_string_equal(say(a, "UNSUBSCRIBE never"), "[unsubscribe,never,:1]");
    assert_string_equal(say(c, "PUBLISH x four"), ":1");
    assert_string_equal(say(a, "UNSUBSCRIBE"), "[unsubscribe,y,:0]");
    assert_string_equal(say(a, "UNSUBSCRIBE"), "[unsubscribe,nil,:0]");
    assert_string_equal(say(a, "PUBLISH x five"), ":1");
    assert_string_equal(hear(b), "[message,x,four]");
    assert_string_equal(hear(b), "[message,x,five]");
    hang_up(b);
    while (strcmp(say(c, "PUBLISH x six"), ":0") != 0)
        step(r); /* it has not seen yet that b is gone */
}

static void passwords(void **state)
{
    struct rig *r = *state;
    struct peer *p;

    NEEDS(r);
    if (r->model != NULL)
        redis_model_password(r->model, "secret");
    else
        assert_string_equal(redis_rig_say(&r->redis, "CONFIG SET requirepass secret"), "+OK");
    p = call(r, 0);
    assert_string_equal(say(p, "PING"), "-NOAUTH Authentication required.");
    assert_string_equal(say(p, "SUBSCRIBE x"), "-NOAUTH Authentication required.");
    assert_memory_equal(say(p, "AUTH wrong"), "-WRONGPASS", 10);
    assert_memory_equal(say(p, "AUTH somebody secret"), "-WRONGPASS", 10);
    assert_string_equal(say(p, "AUTH default secret"), "OK");
    assert_string_equal(say(p, "PING"), "PONG");
    p = call(r, 1);
    assert_string_equal(say(p, "AUTH secret"), "OK");
    assert_string_equal(say(p, "ROLE"), "[master,:0,[]]");
}

/* It ends, and is back with nothing in memory. */
static void killed(void **state)
{
    struct rig *r = *state;
    struct peer *a, *b;

    NEEDS(r);
    a = call(r, 0);
    assert_string_equal(say(a, "SUBSCRIBE x"), "[subscribe,x,:1]");
    if (r->model != NULL)
        redis_model_kill(r->model, 0);
    else
        redis_rig_signal(&r->redis, SIGKILL);
    assert_string_equal(hear(a), "ended");
    if (r->model != NULL)
        redis_model_start(r->model, 0);
    else
        redis_rig_start(&r->redis, NULL);
    b = call(r, 1);
    assert_string_equal(say(b, "PUBLISH x gone"), ":0");
}

/* It says nothing, then everything. */
static void paused(void **state)
{
    struct rig *r = *state;
    struct peer *a, *b;

    NEEDS(r);
    a = call(r, 0);
    b = call(r, 1);
    assert_string_equal(say(a, "SUBSCRIBE x"), "[subscribe,x,:1]");
    if (r->model != NULL)
        redis_model_pause(r->model, 0, true);
    else
        redis_rig_signal(&r->redis, SIGSTOP);
    ask(b, "PUBLISH x late");
    for (unsigned i = 0; i < 20; i++)
        step(r);
    if (r->model != NULL)
        redis_model_pause(r->model, 0, false);
    else
        redis_rig_signal(&r->redis, SIGCONT);
    assert_string_equal(hear(b), ":1");
    assert_string_equal(hear(a), "[message,x,late]");
}

/* The model alone: a replica is given what is published at its primary, and takes over. */
static void a_replica_takes_over(void **state)
{
    struct rig *r = *state;
    struct peer *a, *b;

    a = call(r, 0);
    redis_model_promote(r->model, 1, false);
    assert_string_equal(say(a, "ROLE"), "[slave,127.0.0.1,:6379,connected,:0]");
    assert_string_equal(say(a, "SUBSCRIBE x"), "[subscribe,x,:1]");
    redis_model_promote(r->model, 0, true); /* both take themselves for one */
    redis_model_promote(r->model, 1, true);
    b = call(r, 1);
    assert_string_equal(say(b, "ROLE"), "[master,:0,[]]");
    assert_string_equal(say(b, "PUBLISH x here"), ":1");
    assert_string_equal(hear(a), "[message,x,here]");
    redis_model_part(r->model, 0, true);
    assert_string_equal(say(b, "PUBLISH x later"), ":1");
    for (unsigned i = 0; i < 500; i++)
        step(r);
    assert_int_equal(resp_next(a->reader, &(struct resp_reply *){NULL}), RESP_MORE);
    redis_model_heal(r->model);
    assert_string_equal(hear(a), "[message,x,later]");
}

#define ON(test, setup) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define CASES(setup)                                                                               \
    ON(simple_commands, setup), ON(subscriptions, setup), ON(passwords, setup), ON(killed, setup), \
        ON(paused, setup)

CHECK_MAIN(CASES(on_model), CASES(on_redis), ON(a_replica_takes_over, on_model))
