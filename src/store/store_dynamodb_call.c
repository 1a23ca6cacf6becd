#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/utc.h"
#include "store/store_dynamodb_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX (8 * 1024 * 1024)
#define RESPONSE_MAX (8 * 1024 * 1024) /* a page is 1 MB as the service counts */
#define SIGNATURE_MAX 8192
#define WAIT_MS 25 /* the first; then twice as long each time */
#define WAIT_THROTTLED_MS 200
#define WAIT_MAX_MS 20000
#define QUOTA_MAX 500
#define TOLD_MS 1000
#define COST 14
#define CONTENT_TYPE "Content-Type: application/x-amz-json-1.0"
#define COST_THROTTLED 5

static void attempt(struct chain *c, unsigned delay_ms);

struct chain *store_dynamodb_call_chain(struct store_dynamodb *d, struct store_req *req)
{
    struct chain *c = mem_zeroed(1, sizeof(*c));

    c->d = d;
    c->req = req;
    c->deadline_ms = io_now_ms(req->home) + d->deadline_ms;
    c->started_us = io_clock_us(req->home);
    buf_init(&c->body, BODY_MAX);
    buf_init(&c->signature, SIGNATURE_MAX);
    buf_init(&c->key, STORE_KEY_MAX * 4);
    buf_init(&c->block, UINT32_MAX);
    atomic_fetch_add(&d->refs, 1);
    return c;
}

static void chain_free(struct chain *c)
{
    if (c->release != NULL)
        c->release(c);
    http_client_request_fini(&c->http);
    buf_fini(&c->body);
    buf_fini(&c->signature);
    buf_fini(&c->key);
    buf_fini(&c->block);
    store_dynamodb_unref(c->d);
    free(c);
}

/* Counts, and frees all but the request. */
static struct store_req *dynamodb_call_ended(struct chain *c, enum store_result result)
{
    struct store_req *req = c->req;
    uint64_t us = io_clock_us(req->home) - c->started_us;

    req->result = result;
    if (result == STORE_FAILED)
        c->d->failures++;
    if (result == STORE_CONFLICT)
        c->d->conflicts++;
    if (result == STORE_OK && (req->op == STORE_APPEND || req->op == STORE_PUT)) {
        c->d->commits++;
        c->d->commit_us += us;
        if (us > c->d->commit_max_us)
            c->d->commit_max_us = us;
    }
    chain_free(c);
    return req;
}

void store_dynamodb_call_finish(struct chain *c, enum store_result result)
{
    struct store_req *req = dynamodb_call_ended(c, result);

    req->done(req);
}

void store_dynamodb_call_settle(struct chain *c, enum store_result result)
{
    struct store_req *req = dynamodb_call_ended(c, result);

    io_post(req->home, &req->job.mail, &req->job.mail);
}

uint64_t store_dynamodb_call_random(const struct chain *c)
{
    uint64_t v;

    do
        io_random(c->req->home, (uint8_t *)&v, sizeof(v));
    while (v == 0 || v == STORE_REV_ANY);
    return v;
}

void store_dynamodb_call_begin(struct chain *c, const char *operation, struct json_out *ret_out)
{
    (void)snprintf(c->target, sizeof(c->target), "X-Amz-Target: DynamoDB_20120810.%s", operation);
    c->tries = 0;
    c->cost = 0;
    c->refreshed = false;
    buf_clear(&c->body);
    json_out_init(ret_out, &c->body);
    json_out_object(ret_out);
}

/* Month names are in English whatever the language here: RFC 9110, section 5.6.7. */
static bool date_ms(struct str s, int64_t *ret_ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    unsigned day, year, h, m, sec;
    char text[40], month[4];
    const char *at;
    struct utc u;

    if (s.n == 0 || s.n >= sizeof(text))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (sscanf(text, "%*3s, %2u %3s %4u %2u:%2u:%2u GMT", &day, month, &year, &h, &m, &sec) != 6)
        return false;
    at = strstr(months, month);
    if (at == NULL || (at - months) % 3 != 0 || strlen(month) != 3)
        return false;
    u = (struct utc){year, (at - months) / 3 + 1, day, h, m, sec};
    if (!utc_exists(&u))
        return false;
    *ret_ms = utc_seconds(&u) * 1000;
    return true;
}

/* Our own clock's answer, until the service has given one. */
static int64_t clock_of(int64_t known, struct io *io)
{
    return known != STORE_DYNAMODB_NO_CLOCK ? known
                                            : (int64_t)io_wall_ms(io) - (int64_t)io_now_ms(io);
}

uint64_t store_dynamodb_call_wall_ms(const struct store_dynamodb *d, struct io *io)
{
    return (uint64_t)((int64_t)io_now_ms(io) + clock_of(d->clock_ms, io));
}

/* The service's clock is the one that counts. Its date is a whole second, told at some
 * moment between the request and the answer, which bounds its clock from both sides: what
 * is within the bounds stays as it is, so that many answers come closer than one can. */
static void take_clock(struct chain *c)
{
    struct io *io = c->req->home;
    int64_t known = c->d->clock_ms, date, least, most, next;

    if (!date_ms(http_client_header(&c->http, "date"), &date))
        return;
    least = date - (int64_t)io_now_ms(io);
    most = date + 999 - (int64_t)c->sent_ms;
    if (least > most)
        return;
    do {
        next = clock_of(known, io);
        next = next < least ? least : MIN(next, most);
    } while (next != known && !atomic_compare_exchange_weak(&c->d->clock_ms, &known, next));
}

static bool sign(struct chain *c)
{
    struct store_dynamodb *d = c->d;
    const struct str headers[] = {str_of(c->target), STR(CONTENT_TYPE)};
    struct sigv4_request r = {
        .method = STR("POST"),
        .host = str_of(d->host),
        .path = STR("/"),
        .headers = headers,
        .headers_n = COUNTOF(headers),
        .body = buf_peek(&c->body),
        .region = str_of(d->region),
        .service = STR("dynamodb"),
        .now_s = store_dynamodb_call_wall_ms(d, c->req->home) / 1000,
    };
    unsigned n = 0;

    c->headers[n++] = c->target;
    c->headers[n++] = CONTENT_TYPE;
    c->headers[n++] = "Accept-Encoding: identity";
    buf_clear(&c->signature);
    if (d->signer.sign != NULL &&
        (!d->signer.sign(d->signer.ctx, &r, &c->signature) || c->signature.failed))
        return false;
    sigv4_lines(buf_peek(&c->signature), c->headers, n, COUNTOF(c->headers));
    return true;
}

static bool take_quota(struct chain *c, unsigned cost)
{
    int left = c->d->quota;

    do
        if (left < (int)cost)
            return false;
    while (!atomic_compare_exchange_weak(&c->d->quota, &left, left - (int)cost));
    c->cost = cost;
    return true;
}

/* A success gives back what the last try cost, or a little. */
static void give_quota(struct chain *c)
{
    int left = c->d->quota, more;

    do
        more = MIN(QUOTA_MAX, left + (int)MAX(c->cost, 1u));
    while (!atomic_compare_exchange_weak(&c->d->quota, &left, more));
}

void store_dynamodb_call_why(const struct chain *c, const struct dynamo_answer *a, size_t n,
                             char ret_why[])
{
    const char *operation = strchr(c->target, '.') + 1;
    int error = c->http.ret_error;

    if (a->error.n > 0)
        (void)snprintf(ret_why, n, "%s: %.*s: %.*s", operation, STR_ARGS(a->error),
                       STR_ARGS(a->message));
    else
        (void)snprintf(ret_why, n, "%s: %s", operation,
                       error < 0 ? strerror(-error) : "an answer that is none of DynamoDB's");
}

/* At most once a second somebody is told why requests fail. */
static void dynamodb_call_tell(struct chain *c, const struct dynamo_answer *a)
{
    struct store_dynamodb *d = c->d;
    uint64_t now = io_now_ms(c->req->home), last = d->told_ms;
    char why[STORE_DYNAMODB_WHY_MAX];
    size_t n;

    if (d->told == NULL || (last != 0 && now < last + TOLD_MS) ||
        !atomic_compare_exchange_strong(&d->told_ms, &last, now))
        return;
    store_dynamodb_call_why(c, a, sizeof(why), why);
    n = strlen(why);
    if (str_eq(a->error, STR("ResourceNotFoundException")))
        (void)snprintf(why + n, sizeof(why) - n, " (`polylog store init` makes the tables)");
    d->told(d->told_ctx, why);
}

static void dynamodb_call_give_up(struct chain *c, const struct dynamo_answer *a)
{
    if (!c->quiet)
        dynamodb_call_tell(c, a);
    c->answered(c, DYNAMO_WRONG, a);
}

/* Waits, full jitter, and tries again while there is time and quota. */
static void again(struct chain *c, bool throttled, const struct dynamo_answer *a)
{
    uint64_t most = throttled ? WAIT_THROTTLED_MS : WAIT_MS, now = io_now_ms(c->req->home), wait;

    most = MIN(most << MIN(c->tries - 1, 10u), (uint64_t)WAIT_MAX_MS);
    wait = store_dynamodb_call_random(c) % (most + 1);
    if (throttled)
        c->d->throttles++;
    else
        c->d->retries++;
    if (now + wait >= c->deadline_ms || !take_quota(c, throttled ? COST_THROTTLED : COST))
        dynamodb_call_give_up(c, a);
    else
        attempt(c, (unsigned)wait);
}

static void judge(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a)
{
    switch (v) {
    case DYNAMO_FINE:
    case DYNAMO_REFUSED:
        take_clock(c);
        give_quota(c);
        c->answered(c, v, a);
        return;
    case DYNAMO_AGAIN:
        again(c, false, a);
        return;
    case DYNAMO_THROTTLED:
        again(c, true, a);
        return;
    case DYNAMO_CLOCK:
    case DYNAMO_CREDENTIALS:
        if (c->refreshed) {
            dynamodb_call_give_up(c, a);
            return;
        }
        c->refreshed = true;
        if (v == DYNAMO_CLOCK)
            take_clock(c);
        else if (c->d->signer.refresh != NULL)
            c->d->signer.refresh(c->d->signer.ctx);
        again(c, false, a);
        return;
    case DYNAMO_WRONG:
        dynamodb_call_give_up(c, a);
        return;
    }
}

static void dynamodb_call_arrived(struct http_request *http)
{
    struct chain *c = CONTAINER_OF(http, struct chain, http);
    struct buf taken = http->ret_body; /* read while the next call is sent */
    struct str body = buf_peek(&taken);
    struct dynamo_answer a = {0};
    enum dynamo_verdict v = DYNAMO_AGAIN;

    http->ret_body = (struct buf){0};
    if (http->ret_error == -ECANCELED || c->d->closed) {
        buf_fini(&taken);
        store_dynamodb_call_finish(c, STORE_CANCELED);
        return;
    }
    if (http->ret_error == -EMSGSIZE)
        v = DYNAMO_WRONG;
    else if (http->ret_error == 0 && dynamo_crc_is(body, http_client_header(http, "x-amz-crc32"))) {
        bool whole = dynamo_answer_parse((uint8_t *)(uintptr_t)body.p, body.n, &a);

        if (whole || http->ret_status != 200)
            v = dynamo_judge(http->ret_status, &a);
    }
    judge(c, v, &a);
    dynamo_answer_fini(&a);
    buf_fini(&taken);
}

static void attempt(struct chain *c, unsigned delay_ms)
{
    uint64_t now = io_now_ms(c->req->home);
    uint64_t left = c->deadline_ms > now + delay_ms ? c->deadline_ms - now - delay_ms : 1;

    if (c->d->closed || !sign(c)) {
        /* Not from here: the caller may be submitting. */
        store_dynamodb_call_settle(c, c->d->closed ? STORE_CANCELED : STORE_FAILED);
        return;
    }
    c->tries++;
    c->sent_ms = now + delay_ms;
    c->http.home = c->req->home;
    c->http.done = dynamodb_call_arrived;
    c->http.method = "POST";
    c->http.url = c->d->url;
    c->http.headers = c->headers;
    c->http.body = buf_peek(&c->body);
    c->http.delay_ms = delay_ms;
    c->http.timeout_ms = (unsigned)MIN(left, (uint64_t)c->d->try_ms);
    c->http.response_max = RESPONSE_MAX;
    http_client_submit(c->d->client, &c->http);
}

void store_dynamodb_call_send_in(struct chain *c, struct json_out *o, unsigned delay_ms,
                                 chain_f *answered)
{
    json_out_object_end(o);
    c->answered = answered;
    if (c->body.failed) /* longer than any that the service takes */
        store_dynamodb_call_settle(c, STORE_FULL);
    else
        attempt(c, delay_ms);
}

void store_dynamodb_call_send(struct chain *c, struct json_out *o, chain_f *answered)
{
    store_dynamodb_call_send_in(c, o, 0, answered);
}
