#include "lib/dynamo_model.h"

#include "base/list.h"
#include "base/rng.h"
#include "base/str.h"
#include "lib/dynamo_table.h"
#include "wire/dynamo.h"
#include "wire/field.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#define ANSWER_MAX (16 * 1024 * 1024)
#define TARGET "X-Amz-Target: DynamoDB_20120810."

struct dynamo_model {
    struct sim *sim;
    struct io_host *host;
    struct io_helper *helper;
    struct rng rng;
    struct dynamo_tables *tables;
    bool borrowed; /* the tables */
    struct dynamo_model_faults faults;
    struct dynamo_model_counts counts;
    struct list exchanges, clients;
};

struct model_client {
    struct http_client client;
    struct dynamo_model *model;
    struct list node;
    bool closed, cut;
};

enum fate { FINE, THROTTLED, CLOCK, FAILED, FAILED_DONE, LOST, BAD_CRC };

/* A request under way. It may outlive its asker, and its asker it. */
struct exchange {
    struct io_job job;
    struct list node;
    struct model_client *from;
    struct http_request *req; /* NULL: nobody waits any more */
    char operation[40];
    struct buf body, answer;
    unsigned timeout_ms, status;
    bool waiting; /* in exchanges */
    bool begun;   /* no more on its way to the helper */
    bool done;    /* what was asked was done, or never will be */
    bool reset;
    enum fate fate;
    uint64_t start_ms, done_ms, answer_ms;
};

static void deliver(struct io_mail *mail)
{
    struct http_request *req = CONTAINER_OF(mail, struct http_request, mail);

    req->done(req);
}

static void tell(struct http_request *req, int error)
{
    req->ret_error = error;
    req->mail.deliver = deliver;
    io_post(req->home, &req->mail, &req->mail);
}

static void complete(struct exchange *x, int error)
{
    struct http_request *req = x->req;

    x->req = NULL;
    tell(req, error);
}

static void exchange_free(struct exchange *x)
{
    if (x->waiting)
        list_remove(&x->node);
    buf_fini(&x->body);
    buf_fini(&x->answer);
    free(x);
}

static bool chance(struct dynamo_model *m, unsigned per_mille)
{
    return per_mille > 0 && rng_chance(&m->rng, per_mille);
}

static uint64_t latency(struct dynamo_model *m)
{
    return m->faults.latency_ms > 0 ? rng_below(&m->rng, m->faults.latency_ms + 1) : 0;
}

static enum fate draw(struct dynamo_model *m)
{
    if (chance(m, m->faults.throttle))
        return THROTTLED;
    if (chance(m, m->faults.clock))
        return CLOCK;
    if (chance(m, m->faults.fail))
        return FAILED;
    if (chance(m, m->faults.fail_done))
        return FAILED_DONE;
    if (chance(m, m->faults.lost))
        return LOST;
    return chance(m, m->faults.bad_crc) ? BAD_CRC : FINE;
}

static void begin(struct dynamo_model *m, struct exchange *x)
{
    uint64_t start_ms = MAX(x->start_ms, sim_now_ms(m->sim));

    m->counts.requests++;
    x->begun = true;
    x->fate = draw(m);
    x->reset = chance(m, 500);
    x->done_ms = start_ms + latency(m);
    x->answer_ms = x->done_ms + latency(m);
    if (x->fate == LOST && m->faults.late_ms > 0)
        x->done_ms = start_ms + rng_below(&m->rng, m->faults.late_ms);
    if (x->fate == LOST || x->answer_ms >= start_ms + x->timeout_ms) {
        x->answer_ms = start_ms + x->timeout_ms;
        x->fate = LOST;
    }
    m->counts.throttled += x->fate == THROTTLED;
    m->counts.failed += x->fate == FAILED || x->fate == FAILED_DONE;
    m->counts.lost += x->fate == LOST;
    x->waiting = true;
    list_push(&m->exchanges, &x->node);
}

static void say(struct exchange *x, unsigned status, const char *type)
{
    buf_clear(&x->answer);
    buf_printf(&x->answer, "{\"__type\":\"com.amazonaws.dynamodb.v20120810#%s\",\"message\":\"\"}",
               type);
    x->status = status;
}

static void perform(struct dynamo_model *m, struct exchange *x)
{
    x->done = true;
    if (x->fate == THROTTLED) {
        say(x, 400, x->reset ? "ProvisionedThroughputExceededException" : "ThrottlingException");
        return;
    }
    if (x->fate == CLOCK) {
        say(x, 400, "InvalidSignatureException");
        return;
    }
    if (x->fate != FAILED) {
        x->status =
            dynamo_tables_run(m->tables, str_of(x->operation), buf_peek(&x->body), &x->answer);
        if (x->status == 400 &&
            str_starts(buf_peek(&x->answer), STR("{\"__type\":\"com.amazonaws.dynamodb."
                                                 "v20120810#Validation")))
            m->counts.refused_bad++;
    }
    if (x->fate == FAILED || x->fate == FAILED_DONE)
        say(x, x->reset ? 500 : 503, "InternalServerError");
}

static void answer(struct dynamo_model *m, struct exchange *x)
{
    struct http_request *req = x->req;
    struct str body = buf_peek(&x->answer);
    unsigned long crc = crc32_z(0, body.p, body.n);
    char date[FIELD_DATE_LEN + 1] = {0};

    if (x->fate == LOST || ((x->fate == FAILED || x->fate == FAILED_DONE) && x->reset)) {
        complete(x, x->fate == LOST ? -ETIMEDOUT : -ECONNRESET);
        return;
    }
    assert(!x->answer.failed);
    req->ret_status = x->status;
    buf_append(&req->ret_body, body);
    if (x->fate == BAD_CRC)
        crc ^= 1u << rng_below(&m->rng, 32);
    buf_printf(&req->ret_headers, "x-amz-crc32: %lu\n", crc);
    field_date_format((int64_t)((SIM_WALL_MS + MIN(x->done_ms, sim_now_ms(m->sim))) / 1000), date);
    buf_printf(&req->ret_headers, "date: %s\n", date);
    complete(x, req->ret_body.failed ? -EMSGSIZE : 0);
}

/* Everything that is due; when to be called again. */
static uint64_t work(struct dynamo_model *m)
{
    uint64_t now = sim_now_ms(m->sim), next = IO_FOREVER;

    for (struct list *at = m->exchanges.next, *then; at != &m->exchanges; at = then) {
        struct exchange *x = CONTAINER_OF(at, struct exchange, node);

        then = at->next;
        if (!x->begun)
            continue;
        if (!x->done && now >= x->done_ms)
            perform(m, x);
        if (x->req != NULL && now >= x->answer_ms)
            answer(m, x);
        if (!x->done)
            next = MIN(next, x->done_ms - now);
        if (x->req != NULL)
            next = MIN(next, x->answer_ms - now);
        if (x->done && x->req == NULL)
            exchange_free(x);
    }
    return next;
}

static uint64_t run(void *ctx, struct io_job *chain)
{
    struct dynamo_model *m = ctx;

    while (chain != NULL) {
        struct exchange *x = CONTAINER_OF(chain, struct exchange, job);

        chain =
            chain->mail.next == NULL ? NULL : CONTAINER_OF(chain->mail.next, struct io_job, mail);
        list_remove(&x->node); /* from those on their way */
        begin(m, x);
    }
    return work(m);
}

static void client_submit(struct http_client *client, struct http_request *req)
{
    struct model_client *c = CONTAINER_OF(client, struct model_client, client);
    struct exchange *x;
    struct str target;

    assert(!c->closed && strcmp(req->method, "POST") == 0);
    if (c->cut) {
        tell(req, -ECANCELED);
        return;
    }
    x = calloc(1, sizeof(*x));
    if (x == NULL)
        abort();
    target = str_of(req->headers[0]);
    assert(str_starts(target, STR(TARGET)));
    target = str_skip(target, sizeof(TARGET) - 1);
    x->from = c;
    x->req = req;
    x->start_ms = sim_now_ms(c->model->sim) + req->delay_ms;
    x->timeout_ms = req->timeout_ms;
    (void)snprintf(x->operation, sizeof(x->operation), "%.*s", STR_ARGS(target));
    buf_init(&x->body, ANSWER_MAX);
    buf_init(&x->answer, ANSWER_MAX);
    buf_append(&x->body, req->body);
    x->waiting = true;
    list_push(&c->model->exchanges, &x->node);
    x->done_ms = x->answer_ms = IO_FOREVER;
    host_submit(c->model->helper, &x->job);
}

/* What was sent may still be done; its askers hear no more of it. */
static void cancel(struct model_client *c)
{
    uint64_t now = sim_now_ms(c->model->sim);
    struct list *all = &c->model->exchanges;

    for (struct list *at = all->next; at != all; at = at->next) {
        struct exchange *x = CONTAINER_OF(at, struct exchange, node);

        if (x->from != c)
            continue;
        x->done = x->done || now < x->start_ms;
        if (x->req != NULL)
            complete(x, -ECANCELED);
    }
}

static void client_close(struct http_client *client)
{
    struct model_client *c = CONTAINER_OF(client, struct model_client, client);

    c->closed = true;
    cancel(c);
}

void dynamo_model_cut(struct http_client *client)
{
    struct model_client *c = CONTAINER_OF(client, struct model_client, client);

    c->cut = true;
    cancel(c);
}

static const struct http_client_ops model_ops = {
    .name = "dynamo_model",
    .submit = client_submit,
    .close = client_close,
};

struct http_client *dynamo_model_client(struct dynamo_model *m)
{
    struct model_client *c = calloc(1, sizeof(*c));

    if (c == NULL)
        abort();
    c->client.ops = &model_ops;
    c->model = m;
    list_push(&m->clients, &c->node);
    return &c->client;
}

static struct dynamo_model *model_new(struct sim *sim, uint64_t seed)
{
    struct dynamo_model *m = calloc(1, sizeof(*m));
    struct io_helper_options o = {.name = "dynamodb", .threads = 1, .run = run, .ctx = m};

    if (m == NULL)
        abort();
    m->sim = sim;
    rng_init(&m->rng, seed);
    list_init(&m->exchanges);
    list_init(&m->clients);
    m->host = sim_host_new(sim);
    if (host_helper_new(m->host, &o, &m->helper) < 0)
        abort();
    return m;
}

struct dynamo_model *dynamo_model_new(struct sim *sim, uint64_t seed)
{
    struct dynamo_model *m = model_new(sim, seed);

    m->tables = dynamo_tables_new();
    dynamo_tables_add(m->tables, DYNAMO_MODEL_PREFIX "-log", "room", "seq", 'N');
    dynamo_tables_add(m->tables, DYNAMO_MODEL_PREFIX "-record", "pk", "sk", 'B');
    return m;
}

struct dynamo_model *dynamo_model_share(struct dynamo_model *from, struct sim *sim)
{
    struct dynamo_model *m = model_new(sim, 1);

    m->tables = from->tables;
    m->borrowed = true;
    return m;
}

struct dynamo_tables *dynamo_model_tables(struct dynamo_model *m)
{
    return m->tables;
}

void dynamo_model_free(struct dynamo_model *m)
{
    struct list *at;

    if (m == NULL)
        return;
    host_helper_close(m->helper);
    while (!list_empty(&m->exchanges))
        exchange_free(CONTAINER_OF(m->exchanges.next, struct exchange, node));
    while ((at = list_pop(&m->clients)) != NULL)
        free(CONTAINER_OF(at, struct model_client, node));
    host_free(m->host);
    if (!m->borrowed)
        dynamo_tables_free(m->tables);
    free(m);
}

void dynamo_model_set_faults(struct dynamo_model *m, struct dynamo_model_faults faults)
{
    m->faults = faults;
}

/* Does that to the item of a log that begins at seq. */
static void run_on_item(struct dynamo_model *m, struct str operation, struct str room, uint64_t seq,
                        struct buf *out)
{
    struct buf body CLEANUP(buf_fini);
    unsigned status;

    buf_init(&body, 1024);
    buf_printf(&body, "{\"TableName\":\"" DYNAMO_MODEL_PREFIX "-log\",\"Key\":{\"room\":{\"S\":\"");
    dynamo_escape(&body, room);
    buf_printf(&body, "\"},\"seq\":{\"N\":\"%llu\"}}}", (unsigned long long)seq);
    status = dynamo_tables_run(m->tables, operation, buf_peek(&body), out);
    assert(status == 200);
}

uint64_t dynamo_model_item(struct dynamo_model *m, struct str room, uint64_t seq)
{
    struct buf out CLEANUP(buf_fini);
    struct dynamo_answer a;
    uint64_t n = 0;
    bool whole;

    buf_init(&out, UINT32_MAX);
    run_on_item(m, STR("GetItem"), room, seq, &out);
    whole = dynamo_answer_parse(out.bytes + out.rpos, buf_peek(&out).n, &a);
    assert(whole);
    if (!dynamo_get_u64(&a.item, "n", &n))
        n = 0;
    dynamo_answer_fini(&a);
    return n;
}

void dynamo_model_lose(struct dynamo_model *m, struct str room, uint64_t seq)
{
    struct buf out CLEANUP(buf_fini);
    size_t before = dynamo_tables_items(m->tables);

    buf_init(&out, 4096);
    run_on_item(m, STR("DeleteItem"), room, seq, &out);
    assert(dynamo_tables_items(m->tables) == before - 1);
}

struct dynamo_model_counts dynamo_model_count(const struct dynamo_model *m)
{
    return m->counts;
}
