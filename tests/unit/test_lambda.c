/* What lambda/lambda.h promises: events answered without a process between them; and what each
 * costs, in requests to the store and POSTs. Two instances on one store. */
#include "lambda/lambda.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "io/io_sim.h"
#include "lib/check.h"
#include "lib/store_gate.h"
#include "lib/stream_records.h"
#include "serverless/rows.h"
#include "store/store_mem.h"

#include <stdio.h>

enum { SEED = 7, TURNS_MAX = 200000, INSTANCES = 2, TEXT_MAX = 256 * 1024, EVENT_MS = 20000 };

struct instance {
    struct rig *rig;
    struct store_gate gate;
    struct poster poster;
    struct lambda *lambda;
    bool done, failed;
    char answer[TEXT_MAX]; /* with ' for \" */
    char event[TEXT_MAX];
};

struct rig {
    struct conf conf;
    struct sim *sim;
    struct io_host *host;
    struct io *io;
    struct store *mem;
    struct wheel wheel;
    struct instance at[INSTANCES];
    unsigned posts_n, ends_n;
    char sent[TEXT_MAX]; /* "id body\n" of each POST, with ' for " */
    char told[256];
    unsigned status; /* that POSTs are answered */
    struct invoker invoker;
    char asked[4096]; /* payloads, a line each */
    bool invokes_not; /* no other instance can be had */
    unsigned shard_max;
};

struct flying {
    struct io_mail mail;
    struct rig *rig;
    struct poster_req *req;
};

static void quote(char *to, struct str s)
{
    assert_true(s.n < TEXT_MAX);
    memcpy(to, s.p, s.n);
    to[s.n] = '\0';
    for (char *c = to; *c != '\0'; c++)
        if (*c == '"')
            *c = '\'';
}

static void landed(struct io_mail *mail)
{
    struct flying *f = CONTAINER_OF(mail, struct flying, mail);
    struct rig *r = f->rig;
    struct poster_req *req = f->req;
    size_t n = strlen(r->sent);

    free(f);
    req->ret_status = r->status;
    r->posts_n += !req->ends;
    r->ends_n += req->ends;
    n += (size_t)snprintf(r->sent + n, sizeof(r->sent) - n, "%.*s ", STR_ARGS(req->id));
    if (req->ends)
        (void)snprintf(r->sent + n, sizeof(r->sent) - n, "ends\n");
    else
        quote(r->sent + n, req->body);
    strcat(r->sent, "\n");
    req->done(req);
}

static void rig_post(struct poster *p, struct poster_req *req)
{
    struct rig *r = CONTAINER_OF(p, struct instance, poster)->rig;
    struct flying *f = mem_zeroed(1, sizeof(*f));

    assert_true(str_eq(req->base, STR("https://api.test/prod")));
    f->rig = r;
    f->req = req;
    f->mail.deliver = landed;
    io_post(r->io, &f->mail, &f->mail);
}

static const struct poster_ops poster_ops = {.post = rig_post};

struct asking {
    struct io_mail mail;
    struct rig *rig;
    invoker_done_f *done;
    void *ctx;
};

static void asked(struct io_mail *mail)
{
    struct asking *a = CONTAINER_OF(mail, struct asking, mail);
    struct asking copy = *a;

    free(a);
    copy.done(copy.ctx, !copy.rig->invokes_not);
}

static void rig_ask(struct invoker *i, struct str payload, invoker_done_f *done, void *ctx)
{
    struct rig *r = CONTAINER_OF(i, struct rig, invoker);
    struct asking *a = mem_zeroed(1, sizeof(*a));
    size_t n = strlen(r->asked);

    (void)snprintf(r->asked + n, sizeof(r->asked) - n, "%.*s\n", STR_ARGS(payload));
    a->rig = r;
    a->done = done;
    a->ctx = ctx;
    a->mail.deliver = asked;
    io_post(r->io, &a->mail, &a->mail);
}

static const struct invoker_ops invoker_ops = {.ask = rig_ask};

static void answered(void *ctx, struct str answer)
{
    struct instance *i = ctx;
    size_t n = 0;

    assert_false(i->done);
    i->done = true;
    i->failed = false;
    for (size_t k = 0; k < answer.n && n < TEXT_MAX - 1; k++) /* \" within the body: ' */
        if (answer.p[k] == '\\' && k + 1 < answer.n && answer.p[k + 1] == '"')
            i->answer[n++] = '\'', k++;
        else
            i->answer[n++] = (char)answer.p[k];
    i->answer[n] = '\0';
}

static void failed(void *ctx, const char *type, const char *why)
{
    struct instance *i = ctx;

    assert_false(i->done);
    i->done = i->failed = true;
    (void)snprintf(i->answer, TEXT_MAX, "%s: %s", type, why);
}

static void told(void *ctx, const char *event, const char *why)
{
    struct instance *i = ctx;

    (void)why;
    (void)snprintf(i->rig->told, sizeof(i->rig->told), "%s", event);
}

static bool turn(void *arg)
{
    struct rig *r = arg;
    bool hurries = false;

    for (unsigned i = 0; i < INSTANCES; i++)
        hurries = hurries || lambda_hurries(r->at[i].lambda);
    io_wait(r->io, hurries ? 0 : wheel_next_ms(&r->wheel));
    wheel_advance(&r->wheel, io_now_ms(r->io));
    for (unsigned i = 0; i < INSTANCES; i++)
        lambda_turn(r->at[i].lambda);
    return true;
}

static void start(struct rig *r, unsigned i)
{
    struct instance *at = &r->at[i];
    struct lambda_options o = {.conf = &r->conf,
                               .io = r->io,
                               .wheel = &r->wheel,
                               .store = &at->gate.store,
                               .poster = &at->poster,
                               .invoker = &r->invoker,
                               .shard_max = r->shard_max,
                               .answered = answered,
                               .failed = failed,
                               .told = told,
                               .ctx = at};

    at->rig = r;
    store_gate_init(&at->gate, r->mem);
    at->poster.ops = &poster_ops;
    at->lambda = lambda_new(&o);
}

static int setup_with(void **state, unsigned shard_max, char *set)
{
    struct rig *r = mem_zeroed(1, sizeof(*r));
    char open[] = "POLYLOG_OPEN=true", login[] = "POLYLOG_LOGIN=name";
    char *const env[] = {open, login, set, NULL};
    char why[256];

    assert_int_equal(
        conf_load(&r->conf, &(struct conf_input){.command = "lambda", .env = env}, why), CONF_OK);
    r->sim = sim_new(check_seed(SEED), (struct sim_faults){0});
    r->host = sim_host_new(r->sim);
    assert_int_equal(host_io_new(r->host, &r->io), 0);
    wheel_init(&r->wheel, io_now_ms(r->io));
    assert_int_equal(host_start(r->host, r->io, turn, r), 0);
    assert_int_equal(store_mem_open(r->host, NULL, &r->mem), 0);
    r->status = 200;
    r->invoker.ops = &invoker_ops;
    r->shard_max = shard_max;
    for (unsigned i = 0; i < INSTANCES; i++)
        start(r, i);
    *state = r;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, 0, NULL);
}

static int setup_shards(void **state)
{
    return setup_with(state, 2, NULL);
}

static int setup_stream(void **state)
{
    char set[] = "POLYLOG_FANOUT=stream";

    return setup_with(state, 0, set);
}

static int setup_posts(void **state)
{
    char set[] = "POLYLOG_ANSWERS_BY_POST=true";

    return setup_with(state, 0, set);
}

static int teardown(void **state)
{
    struct rig *r = *state;

    for (unsigned i = 0; i < INSTANCES; i++)
        if (!r->at[i].done && r->at[i].event[0] != '\0')
            return 0; /* the test has failed in the midst of an event */
    for (unsigned i = 0; i < INSTANCES; i++)
        lambda_free(r->at[i].lambda);
    store_close(r->mem);
    io_free(r->io);
    host_free(r->host);
    sim_free(r->sim);
    conf_fini(&r->conf);
    free(r);
    return 0;
}

/* at->event, of n bytes. */
static void invoke(struct rig *r, struct instance *at, int n)
{
    at->done = false;
    lambda_invoke(at->lambda, (uint8_t *)at->event, (size_t)n, io_now_ms(r->io) + EVENT_MS,
                  (struct str){0});
}

static void begin(struct rig *r, unsigned i, const char *kind, const char *id, const char *more)
{
    struct instance *at = &r->at[i];
    int n =
        snprintf(at->event, TEXT_MAX,
                 "{\"requestContext\":{\"eventType\":\"%s\",\"connectionId\":\"%s\",\"routeKey\":"
                 "\"$default\",\"domainName\":\"api.test\",\"stage\":\"prod\",\"connectedAt\":%llu"
                 "}%s,\"isBase64Encoded\":false}",
                 kind, id, (unsigned long long)store_wall_ms(r->mem, r->io), more);

    invoke(r, at, n);
}

static const char *end(struct rig *r, unsigned i)
{
    for (int turns = 0; !r->at[i].done; turns++) {
        if (turns > TURNS_MAX)
            fail_msg("no answer");
        assert_true(sim_step(r->sim));
    }
    return r->at[i].answer;
}

/* The event, as it is. */
static const char *give(struct rig *r, unsigned i, const char *event)
{
    struct instance *at = &r->at[i];

    invoke(r, at, snprintf(at->event, TEXT_MAX, "%s", event));
    return end(r, i);
}

/* A message, in which ' stands for ", of the connection, to an instance. */
static void say(struct rig *r, unsigned i, const char *id, const char *command)
{
    char more[8192];
    size_t n = (size_t)snprintf(more, sizeof(more), ",\"body\":\"");

    for (const char *c = command; *c != '\0'; c++)
        n += (size_t)snprintf(more + n, sizeof(more) - n, *c == '\'' ? "\\\"" : "%c", *c);
    (void)snprintf(more + n, sizeof(more) - n, "\"");
    begin(r, i, "MESSAGE", id, more);
}

static const char *ask(struct rig *r, unsigned i, const char *id, const char *command)
{
    say(r, i, id, command);
    return end(r, i);
}

/* Until a request of the first instance waits at its gate. */
static void held(struct rig *r)
{
    for (int turns = 0; r->at[0].gate.held_n == 0; turns++)
        assert_true(turns < TURNS_MAX && sim_step(r->sim));
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no %s in %s", part, text);
}

static void enter(struct rig *r, unsigned i, const char *id, const char *name)
{
    char command[256];

    (void)snprintf(command, sizeof(command), "{'action':'login','id':1,'name':'%s'}", name);
    has(ask(r, i, id, command), "'ok':{'token':");
    has(ask(r, i, id, "{'action':'join','id':2,'room':'general'}"), "'id':'general'");
}

static void forget(struct rig *r)
{
    memset(r->at[0].gate.seen, 0, sizeof(r->at[0].gate.seen));
    r->sent[0] = '\0';
    r->posts_n = r->ends_n = 0;
}

static void woken(struct wheel_timer *t)
{
    t->fire = NULL;
}

static void rest(struct rig *r, uint64_t ms)
{
    struct wheel_timer t = {.fire = woken};

    wheel_set(&r->wheel, &t, io_now_ms(r->io) + ms);
    while (t.fire != NULL)
        assert_true(sim_step(r->sim));
}

static void a_send_costs(void **state)
{
    struct rig *r = *state;
    const uint64_t *seen = r->at[0].gate.seen;
    char id[8], name[8];

    for (int i = 0; i < 10; i++) {
        (void)snprintf(id, sizeof(id), "c%d=", i);
        (void)snprintf(name, sizeof(name), "u%d", i);
        enter(r, 0, id, name);
    }
    has(ask(r, 0, "c0=", "{'action':'send','id':3,'room':'general','text':'one'}"), "'seq':");
    for (int i = 0; i < 3; i++) {
        forget(r);
        has(ask(r, 0, "c0=", "{'action':'send','id':4,'room':'general','text':'two'}"), "'seq':");
        assert_int_equal(r->posts_n, 10);
        assert_in_range(seen[STORE_READ] + seen[STORE_LOG], 1, 2); /* of the head */
        assert_int_equal(seen[STORE_APPEND], 1);
        assert_int_equal(seen[STORE_LIST], 1); /* the followers */
        assert_int_equal(seen[STORE_PUT], 2);  /* the lease */
        assert_int_equal(seen[STORE_GET], 1);  /* the lease, as it is */
        assert_int_equal(seen[STORE_AMENDS] + seen[STORE_NEXT], 0);
    }
}

static void an_instance_sees_what_others_wrote(void **state)
{
    struct rig *r = *state;

    enter(r, 0, "ana=", "ana");
    enter(r, 1, "ben=", "ben");
    forget(r);
    has(ask(r, 1, "ben=", "{'action':'send','id':3,'room':'general','text':'from ben'}"),
        "'seq':2");
    has(r->sent, "ana= {'event':'message','room':'general','seq':2");
    has(ask(r, 0, "ana=", "{'action':'history','id':4,'room':'general'}"), "'text':'from ben'");
    has(ask(r, 0, "ana=", "{'action':'send','id':5,'room':'general','text':'from ana'}"),
        "'seq':3");
    /* Ana is known to the other instance by her rows. */
    has(ask(r, 1, "ana=", "{'action':'send','id':6,'room':'general','text':'again'}"), "'seq':4");
    has(r->sent, "'from':{'id':1,'name':'ana'},'text':'again'");
}

static void a_repeat_delivers_what_a_crash_left(void **state)
{
    static const char *const send =
        "{'action':'send','id':3,'room':'general','text':'x','cid':'c1','seen':1}";
    struct rig *r = *state;
    uint64_t before;

    enter(r, 0, "ana=", "ana");
    enter(r, 1, "ben=", "ben");
    forget(r);
    r->at[0].gate.closed[STORE_LIST] = true; /* with the lease in hand, ... */
    say(r, 0, "ana=", send);
    held(r);
    r->at[0].gate.closed[STORE_PUT] = true; /* ... the instance stands still */
    before = io_now_ms(r->io);
    has(ask(r, 1, "ana=", send), "'duplicate':true");
    assert_true(io_now_ms(r->io) - before >= 9000); /* the lease's end was waited for */
    has(r->sent, "ben= {'event':'message','room':'general','seq':2");
    store_gate_open(&r->at[0].gate);
    has(end(r, 0), "'seq':2");
}

/* The others leave what they append to it, and it fails with the lease in hand. */
static void a_delivery_that_fails_is_repeated_for_all(void **state)
{
    struct rig *r = *state;

    enter(r, 0, "ana=", "ana");
    enter(r, 1, "ben=", "ben");
    forget(r);
    r->at[0].gate.closed[STORE_LIST] = true;
    say(r, 0, "ana=", "{'action':'send','id':3,'room':'general','text':'x'}");
    for (int fails = 0; fails < 5; fails++) {
        held(r);
        if (fails == 0)
            has(ask(r, 1, "ben=", "{'action':'send','id':3,'room':'general','text':'y'}"),
                "'seq':3");
        r->at[0].gate.closed[STORE_LIST] = fails < 4;
        store_gate_fail(&r->at[0].gate, 0, STORE_FAILED);
    }
    assert_int_equal(r->posts_n, 0);
    has(end(r, 0), "'seq':2");
    has(r->sent, "ben= {'event':'message','room':'general','seq':2");
    has(r->sent, "ben= {'event':'message','room':'general','seq':3");
}

static void joins_answer_with_what_was_missed(void **state)
{
    struct rig *r = *state;
    const char *answer;

    enter(r, 0, "ana=", "ana");
    for (int i = 0; i < 3; i++)
        (void)ask(r, 0, "ana=", "{'action':'send','id':3,'room':'general','text':'x'}");
    has(ask(r, 0, "ben=", "{'action':'login','id':1,'name':'ben'}"), "'ok'");
    forget(r);
    answer = ask(r, 0, "ben=", "{'action':'join','id':2,'room':'general','after':1}");
    has(r->sent, "ben= {'id':2,'ok':{'room':{'id':'general'"); /* the answer comes first */
    has(r->sent, "ben= {'event':'message','room':'general','seq':3");
    has(answer, "{'event':'message','room':'general','seq':4");
    assert_int_equal(r->posts_n, 3);
    forget(r);
    answer = ask(r, 0, "ben=", "{'action':'join','id':2,'room':'general','after':77}");
    has(answer, "{'event':'reset','room':'general'");
    has(r->sent, "'reset':true");
}

/* Else whoever is not given the entries, as the function is killed between the two frames, would
 * not know of them. */
static void a_join_tells_of_all_that_follows_it(void **state)
{
    static const char *const asks[] = {
        "{'action':'join','id':5,'room':'general','after':1}",
        "{'action':'resume','id':5,'rooms':{'general':[0,0]}}",
        "{'action':'join','id':5,'room':'general'}",
        "{'action':'join','id':5,'room':'general','after':77}", /* which is a reset */
        "{'action':'join','id':5,'room':'general','after':77}", /* in a busy room */
    };
    struct rig *r = *state;
    unsigned seq = 1;
    char head[64];

    enter(r, 1, "ana=", "ana");
    enter(r, 0, "ben=", "ben");
    for (unsigned i = 0; i < COUNTOF(asks); i++) {
        r->at[0].gate.closed[STORE_PUT] = true; /* of the follower: the chat has answered */
        say(r, 0, "ben=", asks[i]);
        for (int looks = 0; looks < (i < 4 ? 1 : 4); looks++, seq++) {
            held(r);
            has(ask(r, 1, "ana=", "{'action':'send','id':3,'room':'general','text':'x'}"), "'ok'");
            store_gate_let(&r->at[0].gate, 0);
        }
        forget(r);
        store_gate_open(&r->at[0].gate);
        (void)snprintf(head, sizeof(head), "'seq':%u,", seq);
        has(end(r, 0), head); /* the entry, or the reset */
        (void)snprintf(head, sizeof(head), "'head':{'seq':%u,'count':%u}", seq, seq - 1);
        has(r->sent, head);
    }
}

static void a_logout_ends_connections(void **state)
{
    struct rig *r = *state;
    char token[1024], more[2048], *at;

    has(ask(r, 0, "ana=", "{'action':'login','id':1,'name':'ana'}"), "'token':'");
    at = strstr(r->at[0].answer, "'token':'") + 9;
    (void)snprintf(token, sizeof(token), "%.*s", (int)strcspn(at, "'"), at);
    (void)snprintf(more, sizeof(more),
                   ",\"headers\":{},\"queryStringParameters\":{\"token\":\"%s\"}", token);
    begin(r, 1, "CONNECT", "two=", more);
    has(end(r, 1), "\"statusCode\":200");
    forget(r);
    has(ask(r, 0, "ana=", "{'action':'logout','id':2}"), "\"statusCode\":200");
    has(r->sent, "ana= {'id':2,'ok':{'session':");
    has(r->sent, "ana= {'event':'closing','code':4401");
    has(r->sent, "ana= ends");
    has(r->sent, "two= {'event':'closing','code':4401");
    has(r->sent, "two= ends");
    assert_int_equal(r->ends_n, 2);
    begin(r, 0, "CONNECT", "three=", more);
    has(end(r, 0), "\"statusCode\":401");
    /* The other instance, which remembers the connection, hears of it by what the store lists. */
    rest(r, 5000);
    forget(r);
    has(ask(r, 1, "two=", "{'action':'rooms','id':3}"), "\"statusCode\":200");
    has(r->sent, "two= {'id':3,'error':{'code':'revoked'");
    has(r->sent, "two= {'event':'closing','code':4401,'reason':'revoked'}\ntwo= ends");
    has(r->sent, "two= ends");
}

static void typing_is_seldom_and_to_few(void **state)
{
    struct rig *r = *state;
    char id[8], name[8];

    for (int i = 0; i < 20; i++) {
        (void)snprintf(id, sizeof(id), "c%d=", i);
        (void)snprintf(name, sizeof(name), "u%d", i);
        enter(r, 0, id, name);
    }
    forget(r);
    for (int i = 0; i < 3; i++)
        (void)ask(r, 0, "c0=", "{'action':'typing','id':1,'room':'general'}");
    assert_int_equal(r->posts_n, 19); /* once, to all but the one who types */
    forget(r);
    for (int i = 0; i < 3; i++)
        (void)ask(r, 0, "c0=", "{'action':'typing','id':2,'room':'general','on':false}");
    assert_int_equal(r->posts_n, 19); /* that they have stopped is told at once, and once */
    forget(r);
    (void)ask(r, 0, "c0=", "{'action':'typing','id':3,'room':'general'}");
    assert_int_equal(r->posts_n, 0); /* but that they go on, when it is time */
    rest(r, 3000);
    (void)ask(r, 0, "c0=", "{'action':'typing','id':4,'room':'general'}");
    assert_int_equal(r->posts_n, 19);
    enter(r, 0, "more=", "more");
    forget(r);
    (void)ask(r, 0, "c1=", "{'action':'typing','id':1,'room':'general'}");
    assert_int_equal(r->posts_n, 0);
}

static void a_store_that_fails_is_told_of(void **state)
{
    struct rig *r = *state;

    enter(r, 0, "ana=", "ana");
    r->at[0].gate.closed[STORE_READ] = true;
    say(r, 0, "ana=", "{'action':'history','id':3,'room':'general'}");
    held(r);
    r->at[0].gate.closed[STORE_READ] = false;
    store_gate_fail(&r->at[0].gate, 0, STORE_FAILED);
    has(end(r, 0), "'error':{'code':'store_failed'");
    has(ask(r, 0, "ana=", "{'action':'history','id':4,'room':'general'}"), "'entries':[]");
}

static void a_connection_that_left_is_not_followed(void **state)
{
    struct rig *r = *state;

    enter(r, 0, "ana=", "ana");
    enter(r, 0, "ben=", "ben");
    begin(r, 1, "DISCONNECT", "ben=", "");
    has(end(r, 1), "\"statusCode\":200");
    forget(r);
    (void)ask(r, 0, "ana=", "{'action':'send','id':3,'room':'general','text':'x'}");
    assert_int_equal(r->posts_n, 1);
    has(r->sent, "ana= ");
    /* Its row is gone: it is nobody at an instance that has not met it. */
    has(ask(r, 1, "ben=", "{'action':'rooms','id':4}"), "'error':{'code':'unauthenticated'");
    has(ask(r, 0, "ben=", "{'action':'join','id':4,'room':'general'}"),
        "'error':{'code':'unauthenticated'");
    has(ask(r, 0, "ben=", "{'action':'rooms','id':5}"), "'error':{'code':'unauthenticated'");
}

static void a_delivery_alone_is_an_event(void **state)
{
    struct rig *r = *state;

    enter(r, 0, "ana=", "ana");
    r->status = 429; /* none arrives, and the time runs out */
    say(r, 0, "ana=", "{'action':'send','id':3,'room':'general','text':'x'}");
    has(end(r, 0), "'seq':2");
    r->status = 200;
    forget(r);
    (void)give(r, 1, "{\"deliver\":{\"room\":\"general\",\"shard\":0}}");
    assert_false(r->at[1].failed);
    has(r->sent, "ana= {'event':'message','room':'general','seq':2");
}

static unsigned lines(const char *text)
{
    unsigned n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

/* The instance is given what one has asked for. */
static void give_asked(struct rig *r, unsigned i)
{
    char asked[sizeof(r->asked)], event[256];

    memcpy(asked, r->asked, sizeof(asked));
    r->asked[0] = '\0';
    for (char *line = asked; *line != '\0'; line = strchr(line, '\n') + 1) {
        (void)snprintf(event, sizeof(event), "%.*s", (int)strcspn(line, "\n"), line);
        (void)give(r, i, event);
    }
}

/* Deliveries of two, so that shards fill up, each known to its last delivery. */
static void crowd(struct rig *r, int n)
{
    char id[8], name[8];

    for (int i = 0; i < n; i++) {
        (void)snprintf(id, sizeof(id), "c%d=", i);
        (void)snprintf(name, sizeof(name), "u%d", i);
        enter(r, 0, id, name);
        (void)ask(r, 0, id, "{'action':'send','id':1,'room':'general','text':'x'}");
        give_asked(r, 1);
    }
}

static void many_followers_are_many_events(void **state)
{
    struct rig *r = *state;
    unsigned shards;

    crowd(r, 6);
    forget(r);
    has(ask(r, 0, "c0=", "{'action':'send','id':3,'room':'general','text':'to all'}"), "'seq':");
    shards = 1 + lines(r->asked);
    assert_in_range(shards, 2, 6);
    assert_in_range(r->posts_n, 1, 5);
    has(r->asked, "{\"deliver\":{\"room\":\"general\",\"shard\":1}}\n");
    give_asked(r, 1);
    assert_int_equal(r->posts_n, 6);
    /* If none can be had, this one does it all. */
    r->invokes_not = true;
    forget(r);
    has(ask(r, 0, "c0=", "{'action':'send','id':4,'room':'general','text':'to all'}"), "'seq':");
    assert_int_equal(r->posts_n, 6);
}

static void stored(struct store_req *req)
{
    assert_int_equal(req->result, STORE_OK);
    req->done = NULL;
}

/* The append lands, and the instance hears that it failed. When it looks whether that is so, its
 * event is over. */
static void land_late(struct rig *r, const char *command)
{
    struct instance *at = &r->at[0];
    struct store_append append;

    at->gate.closed[STORE_APPEND] = true;
    say(r, 0, "c0=", command);
    held(r);
    at->gate.closed[STORE_APPEND] = false;
    append = *CONTAINER_OF(at->gate.held[0], struct store_append, req);
    append.req.done = stored;
    store_append(r->mem, &append);
    while (append.req.done != NULL)
        assert_true(sim_step(r->sim));
    store_gate_fail(&at->gate, 0, STORE_FAILED);
    has(end(r, 0), "'code':'store_failed'");
    rest(r, 2000);
}

/* The event's own shard was looked for in the other room, and that one alone delivered. */
static void what_landed_late_is_delivered_beside_an_event(void **state)
{
    struct rig *r = *state;
    char id[8];

    crowd(r, 6);
    for (int i = 0; i < 6; i++) {
        (void)snprintf(id, sizeof(id), "c%d=", i);
        has(ask(r, 0, id, "{'action':'join','id':2,'room':'cellar'}"), "'id':'cellar'");
        (void)ask(r, 0, id, "{'action':'send','id':1,'room':'cellar','text':'x'}");
        give_asked(r, 1);
    }
    forget(r);
    land_late(r, "{'action':'send','id':3,'room':'cellar','text':'z','cid':'c1','seen':1}");
    assert_int_equal(r->posts_n, 0);
    has(ask(r, 1, "c1=", "{'action':'send','id':4,'room':'general','text':'x'}"), "'seq':");
    give_asked(r, 0);
    give_asked(r, 1);
    assert_int_equal(r->posts_n, 6 + 6);
}

#define CELLAR_AND_GENERAL \
    STREAM_RECORDS(STREAM_RECORD("cellar", "13") "," STREAM_RECORD("general", "14"))

static void the_stream_delivers(void **state)
{
    struct rig *r = *state;

    enter(r, 0, "ana=", "ana");
    forget(r);
    has(ask(r, 0, "ana=", "{'action':'send','id':3,'room':'general','text':'x'}"), "'seq':2");
    assert_int_equal(r->posts_n, 0); /* that is the stream's */
    assert_string_equal(
        give(r, 1,
             STREAM_RECORDS(STREAM_RECORD("general", "10") "," STREAM_RECORD("cellar", "11"))),
        STREAM_DONE);
    assert_int_equal(r->posts_n, 1);
    /* A record that nobody understands does not hold up the others. */
    forget(r);
    (void)ask(r, 0, "ana=", "{'action':'send','id':4,'room':'general','text':'y'}");
    assert_string_equal(
        give(r, 1,
             STREAM_RECORDS("{\"dynamodb\":{\"Keys\":{\"pk\":{\"S\":\"x\"}}}},7," STREAM_RECORD(
                 "general", "12"))),
        STREAM_DONE);
    assert_string_equal(r->told, "records_passed_over");
    assert_int_equal(r->posts_n, 1);
    /* One whose room cannot be delivered comes again, with all behind it. */
    (void)ask(r, 0, "ana=", "{'action':'send','id':5,'room':'general','text':'z'}");
    r->status = 429;
    assert_string_equal(give(r, 1, CELLAR_AND_GENERAL), STREAM_AGAIN("14"));
    r->status = 200;
    forget(r);
    assert_string_equal(give(r, 1, STREAM_RECORDS(STREAM_RECORD("general", "14"))), STREAM_DONE);
    assert_int_equal(r->posts_n, 1);
    (void)give(r, 1, "{\"Records\":[7");
    assert_true(r->at[1].failed);
}

/* What landed late came to be the first of the records' rooms. */
static void what_landed_late_is_no_record(void **state)
{
    struct rig *r = *state;

    enter(r, 0, "c0=", "ana");
    has(ask(r, 0, "c0=", "{'action':'join','id':2,'room':'dock'}"), "'id':'dock'");
    (void)ask(r, 0, "c0=", "{'action':'send','id':3,'room':'general','text':'x'}");
    land_late(r, "{'action':'send','id':3,'room':'dock','text':'z','cid':'c1','seen':1}");
    r->status = 429;
    assert_string_equal(give(r, 0, CELLAR_AND_GENERAL), STREAM_AGAIN("14"));
}

/* Where routes have no response, which would drop the answer. */
static void answers_are_posted(void **state)
{
    struct rig *r = *state;

    forget(r);
    assert_string_equal(ask(r, 0, "ana=", "{'action':'ping','id':7}"), "{\"statusCode\":200}");
    has(r->sent, "ana= {'id':7,'ok':{'now':");
    assert_int_equal(r->posts_n, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

CHECK_MAIN(TEST(a_send_costs), TEST(an_instance_sees_what_others_wrote),
           TEST(a_repeat_delivers_what_a_crash_left), TEST(joins_answer_with_what_was_missed),
           TEST(a_delivery_that_fails_is_repeated_for_all),
           TEST(a_join_tells_of_all_that_follows_it), TEST(a_logout_ends_connections),
           TEST(typing_is_seldom_and_to_few), TEST(a_store_that_fails_is_told_of),
           TEST(a_connection_that_left_is_not_followed), TEST(a_delivery_alone_is_an_event),
           cmocka_unit_test_setup_teardown(many_followers_are_many_events, setup_shards, teardown),
           cmocka_unit_test_setup_teardown(what_landed_late_is_delivered_beside_an_event,
                                           setup_shards, teardown),
           cmocka_unit_test_setup_teardown(the_stream_delivers, setup_stream, teardown),
           cmocka_unit_test_setup_teardown(what_landed_late_is_no_record, setup_stream, teardown),
           cmocka_unit_test_setup_teardown(answers_are_posted, setup_posts, teardown))
