/* LIMIT: how fast persons are, and addresses. What somebody may still do stands in the store: the
 * time at which their bucket will be full again (a bucket that leaks, GCRA), moved on by
 * compare-and-set before anything is done for it. So nobody gets more by asking many instances.
 *
 *   l:u<user>, l:a<address>   limit   "1 <full at: Unix time, ns>"
 *
 * A person's is moved on for several messages at once, which this instance may then spend: a write
 * for each LIMIT_BLOCK messages, and a read for who is new here. What is not spent within
 * LIMIT_KEPT_MS is lost to them. */
#include "base/siphash.h"
#include "base/str.h"
#include "io/addr.h"
#include "lambda/lambda_impl.h"

#include <stdio.h>

/* Thousandths of a message. */
enum { LIMIT_ONE = 1000, LIMIT_BLOCK = 5 * LIMIT_ONE };

#define LIMIT_KEPT_MS 10000
/* A full bucket's record says no more than none, but the next write finds it as it was. */
#define LIMIT_STAYS_MS (60 * 60 * 1000u)
#define TRIES_MAX 4
#define NS_PER_MS UINT64_C(1000000)

static struct lambda_held *lambda_limit_held(struct lambda *l)
{
    return &l->held[l->visit.limit.hash % COUNTOF(l->held)];
}

static uint64_t lambda_limit_now_ns(struct lambda *l)
{
    return store_wall_ms(l->o.store, l->o.io) * NS_PER_MS;
}

static void lambda_limit_end(struct lambda *l, enum error_code code, uint64_t wait_ns)
{
    struct lambda_visit *v = &l->visit;

    if (code != ERROR_NONE)
        lambda_fail(l, code);
    if (code == ERROR_rate_limited)
        v->call.retry_after_ms = wait_ns / NS_PER_MS + 1;
    v->limit.done(l);
}

/* How long the rate takes for so much. */
static uint64_t lambda_limit_ns(const struct lambda *l, uint64_t thousandths)
{
    return thousandths * NS_PER_MS / l->visit.limit.rate;
}

static void lambda_limit_written(struct store_req *req);

/* Moves the time on for a block, or for what is needed, if there is room in the bucket. */
static void lambda_limit_take(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    struct lambda_held *h = lambda_limit_held(l);
    uint64_t now = lambda_limit_now_ns(l), full = MAX(h->full_ns, now);
    uint64_t room = lambda_limit_ns(l, v->limit.burst * LIMIT_ONE);

    v->limit.n = MAX(v->limit.need, v->limit.block);
    if (full + lambda_limit_ns(l, v->limit.n) > now + room)
        v->limit.n = v->limit.need;
    v->limit.full_ns = full + lambda_limit_ns(l, v->limit.n);
    if (v->limit.full_ns > now + room) {
        lambda_limit_end(l, ERROR_rate_limited, v->limit.full_ns - now - room);
        return;
    }
    buf_clear(&v->body);
    buf_printf(&v->body, "1 %llu", (unsigned long long)v->limit.full_ns);
    lambda_request(l, lambda_limit_written);
    v->q.put.pk = keys_of_limit(v->limit.who, v->pk);
    v->q.put.sk = KEYS_LIMIT;
    v->q.put.body = buf_peek(&v->body);
    v->q.put.expect = h->rev;
    v->q.put.expires_ms = v->limit.full_ns / NS_PER_MS + LIMIT_STAYS_MS;
    store_put(l->o.store, &v->q.put);
}

static void lambda_limit_read(struct store_req *req)
{
    struct lambda *l = lambda_of(req);
    struct lambda_held *h = lambda_limit_held(l);
    struct frame *body = l->visit.q.get.ret_body;
    struct str rest = {0};

    if (req->result != STORE_OK) {
        lambda_limit_end(l, ERROR_store_failed, 0);
        return;
    }
    *h = (struct lambda_held){.hash = l->visit.limit.hash, .rev = l->visit.q.get.ret_rev};
    if (body != NULL)
        rest = frame_str(body);
    if (str_eq(str_cut(&rest, ' '), STR("1")))
        (void)!str_to_u64(rest, &h->full_ns);
    frame_unref(body);
    lambda_limit_take(l);
}

static void lambda_limit_look(struct lambda *l)
{
    lambda_get(l, keys_of_limit(l->visit.limit.who, l->visit.pk), KEYS_LIMIT, lambda_limit_read);
}

/* Of a write whose end is not known it is found out whether it was done, and the time is moved on
 * once more: the person pays twice. */
static void lambda_limit_written(struct store_req *req)
{
    struct lambda *l = lambda_of(req);
    struct lambda_visit *v = &l->visit;
    struct lambda_held *h = lambda_limit_held(l);

    if (req->result == STORE_OK) {
        *h = (struct lambda_held){.hash = v->limit.hash,
                                  .rev = v->q.put.ret_rev,
                                  .full_ns = v->limit.full_ns,
                                  .left = v->limit.n - v->limit.need,
                                  .until_ms = io_wall_ms(l->o.io) + LIMIT_KEPT_MS};
        lambda_limit_end(l, ERROR_NONE, 0);
    } else if (req->result == STORE_CANCELED || ++v->limit.tries >= TRIES_MAX) {
        h->hash = 0;
        lambda_limit_end(l, ERROR_store_failed, 0);
    } else {
        lambda_limit_look(l);
    }
}

/* n thousandths, of who is in v->limit. */
static void lambda_limit_spend(struct lambda *l, uint64_t n, lambda_done_f *done)
{
    struct lambda_visit *v = &l->visit;
    struct lambda_held *h;

    v->limit.need = n;
    v->limit.done = done;
    v->limit.tries = 0;
    v->limit.hash = siphash(l->guests.key, v->limit.who) | 1;
    h = lambda_limit_held(l);
    if (h->hash != v->limit.hash) {
        lambda_limit_look(l);
    } else if (h->left >= n && io_wall_ms(l->o.io) < h->until_ms) {
        h->left -= n;
        done(l);
    } else {
        lambda_limit_take(l);
    }
}

/* The two limits. */

void lambda_limit_person(struct lambda *l, lambda_done_f *done)
{
    struct lambda_visit *v = &l->visit;
    const struct conf *c = l->o.conf;
    uint64_t n = (uint64_t)command_cost(v->call.cmd.id) * (LIMIT_ONE / 10);
    int len;

    if (!conf_is_given(c, CONF_ID_messages_per_user) || c->messages_per_user == 0 ||
        c->messages_burst == 0 || n == 0 || v->who.user == 0) {
        done(l);
        return;
    }
    len = snprintf(v->limit.text, sizeof(v->limit.text), "u%llu", (unsigned long long)v->who.user);
    v->limit.who = (struct str){(const uint8_t *)v->limit.text, (size_t)len};
    v->limit.rate = c->messages_per_user;
    v->limit.burst = MAX(c->messages_burst, 2u);
    v->limit.block = MIN((uint64_t)LIMIT_BLOCK, v->limit.burst * LIMIT_ONE / 4);
    lambda_limit_spend(l, n, done);
}

/* Of IPv6 the first 64 bits: one household has them all. */
static bool lambda_limit_address(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    struct io_addr addr;
    bool six;
    int n;

    if (!addr_parse_ip(v->event.source_ip, &addr))
        return false;
    six = addr.family == IO_ADDR_IP6;
    n = snprintf(v->limit.text, sizeof(v->limit.text), "a%c", six ? '6' : '4');
    for (int i = 0; i < (six ? 8 : 4); i++)
        n += snprintf(v->limit.text + n, sizeof(v->limit.text) - (size_t)n, "%02x", addr.ip[i]);
    v->limit.who = (struct str){(const uint8_t *)v->limit.text, (size_t)n};
    return true;
}

void lambda_limit_stranger(struct lambda *l, lambda_done_f *done)
{
    struct lambda_visit *v = &l->visit;
    const struct conf *c = l->o.conf;

    if (!conf_is_given(c, CONF_ID_connects_per_address) || c->connects_per_address == 0 ||
        c->connects_burst == 0 || !lambda_limit_address(l)) {
        done(l);
        return;
    }
    v->limit.rate = c->connects_per_address;
    v->limit.burst = c->connects_burst;
    v->limit.block = 0;
    lambda_limit_spend(l, LIMIT_ONE, done);
}
