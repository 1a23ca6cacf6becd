#include "server/conn/limits.h"

#include "chat/people/hasher.h"

#include "base/mem.h"
#include "base/siphash.h"
#include "base/str.h"
#include "base/varint.h"
#include "io/addr.h"
#include "server/conn/person.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdlib.h>

/* Connections that are accepted, for each that may come without a token. */
#define ACCEPTS 10

enum { VERSION = 1, ENTRY_MAX = 2 + 16 + 2 * VARINT_N_MAX };

/* How fast one address connects. */
struct address {
    struct map_node node;
    uint8_t family, ip[16];
    struct bucket bucket;
    struct bucket accepts; /* of this worker alone */
};

/* The same bytes for every worker of this node. */
struct mail_limits {
    struct io_mail mail;
    struct worker *to;
    struct frame *told;
};

/* What is told, as bytes. */

void limits_begin(struct buf *b)
{
    assert(buf_len(b) == 0);
    buf_append_byte(b, VERSION);
}

void limits_write(struct buf *b, const struct limits_entry *e)
{
    if (e->user != 0) {
        buf_append_byte(b, 'p');
        buf_append_varint(b, e->user);
    } else {
        buf_append_byte(b, 'a');
        buf_append_byte(b, e->family);
        buf_append(b, (struct str){e->ip, sizeof(e->ip)});
    }
    buf_append_varint(b, e->spent);
}

bool limits_read_begin(struct str *rest)
{
    if (rest->n == 0 || rest->p[0] != VERSION)
        return false;
    *rest = str_skip(*rest, 1);
    return true;
}

bool limits_read(struct str *rest, struct limits_entry *ret)
{
    struct limits_entry e = {0};
    struct str at = *rest;

    if (at.n >= 1 && at.p[0] == 'p') {
        at = str_skip(at, 1);
        if (!varint_get(&at, &e.user) || e.user == 0)
            return false;
    } else if (at.n >= 2 + sizeof(e.ip) && at.p[0] == 'a') {
        e.family = at.p[1];
        memcpy(e.ip, at.p + 2, sizeof(e.ip));
        at = str_skip(at, 2 + sizeof(e.ip));
    } else {
        return false;
    }
    if (!varint_get(&at, &e.spent))
        return false;
    *rest = at;
    *ret = e;
    return true;
}

/* Addresses. */

static struct bucket_rate connect_rate(const struct worker *w)
{
    const struct conf *c = w->server->conf;

    return (struct bucket_rate){c->connects_per_address, c->connects_burst};
}

static struct bucket_rate accept_rate(const struct worker *w)
{
    struct bucket_rate r = connect_rate(w);

    return (struct bucket_rate){r.rate * ACCEPTS, r.burst * ACCEPTS};
}

/* What stands for the address: of IPv6 its network. */
static void network_of(uint8_t family, const uint8_t ip[16], uint8_t ret_ip[16])
{
    memcpy(ret_ip, ip, 16);
    if (family == IO_ADDR_IP6)
        memset(ret_ip + 8, 0, 8);
}

uint64_t limits_place(const struct io_addr *addr)
{
    uint8_t place[17] = {(uint8_t)addr->family};

    network_of((uint8_t)addr->family, addr->ip, place + 1);
    return hasher_mark((struct str){place, sizeof(place)});
}

static uint64_t limits_hash_of(const struct worker *w, const uint8_t ip[16])
{
    return siphash(w->server->hash_key, (struct str){ip, 16});
}

struct limits_key {
    uint8_t family;
    const uint8_t *ip;
};

static bool address_eq(const struct map_node *node, const void *key)
{
    const struct address *a =
        CONTAINER_OF((struct map_node *)(uintptr_t)node, struct address, node);
    const struct limits_key *k = key;

    return a->family == k->family && memcmp(a->ip, k->ip, sizeof(a->ip)) == 0;
}

static struct address *address_find(const struct worker *w, uint8_t family, const uint8_t ip[16])
{
    uint8_t network[16];
    struct limits_key key = {family, network};
    struct map_node *n;

    network_of(family, ip, network);
    n = map_find(&w->addresses, limits_hash_of(w, network), address_eq, &key);

    return n != NULL ? CONTAINER_OF(n, struct address, node) : NULL;
}

static struct address *address_get(struct worker *w, const struct io_addr *addr)
{
    uint8_t family = (uint8_t)addr->family;
    struct address *a = address_find(w, family, addr->ip);

    assert(family != IO_ADDR_NONE && family != IO_ADDR_UNIX);
    if (a != NULL)
        return a;
    a = calloc(1, sizeof(*a));
    if (a == NULL)
        return NULL;
    a->family = family;
    network_of(family, addr->ip, a->ip);
    bucket_init(&a->bucket, connect_rate(w), worker_now_ms(w));
    bucket_init(&a->accepts, accept_rate(w), worker_now_ms(w));
    map_add(&w->addresses, &a->node, limits_hash_of(w, a->ip));
    return a;
}

bool limits_is_trusted(const struct conf *c, const struct io_addr *addr)
{
    for (size_t i = 0; i < c->trusted_proxies.n; i++)
        if (addr_matches(addr, str_of(c->trusted_proxies.items[i])))
            return true;
    return false;
}

static bool is_limited(const struct conf *c, const struct io_addr *addr)
{
    return c->connects_per_address > 0 && addr->family != IO_ADDR_UNIX &&
           addr->family != IO_ADDR_NONE && !limits_is_trusted(c, addr);
}

/* NULL: *wait_ms is the answer, for nothing counts here or there is no memory. */
static struct address *address_counted(struct worker *w, const struct io_addr *addr,
                                       uint64_t *wait_ms)
{
    struct address *a;

    *wait_ms = 0;
    if (!is_limited(w->server->conf, addr))
        return NULL;
    a = address_get(w, addr);
    if (a == NULL)
        *wait_ms = 1000;
    return a;
}

uint64_t limits_accept(struct worker *w, const struct io_addr *addr)
{
    uint64_t wait_ms;
    struct address *a = address_counted(w, addr, &wait_ms);

    return a == NULL ? wait_ms : bucket_take(&a->accepts, accept_rate(w), worker_now_ms(w), 1000);
}

uint64_t limits_connect(struct worker *w, const struct io_addr *addr)
{
    uint64_t wait_ms;
    struct address *a = address_counted(w, addr, &wait_ms);

    return a == NULL ? wait_ms : bucket_take(&a->bucket, connect_rate(w), worker_now_ms(w), 1000);
}

void limits_give_back(struct worker *w, const struct io_addr *addr)
{
    struct address *a = NULL;

    if (is_limited(w->server->conf, addr))
        a = address_find(w, (uint8_t)addr->family, addr->ip);
    if (a != NULL)
        bucket_give_back(&a->bucket, connect_rate(w), worker_now_ms(w), 1000);
}

void limits_init(struct worker *w)
{
    map_init(&w->addresses);
}

void limits_fini(struct worker *w)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&w->addresses, &it); n != NULL; n = map_next(&it))
        free(CONTAINER_OF(n, struct address, node));
    map_fini(&w->addresses);
}

/* Telling. */

static bool has_room(const struct buf *b)
{
    return buf_len(b) + ENTRY_MAX <= BUS_CAST_MAX;
}

static void tell_persons(struct worker *w, struct buf *b)
{
    struct bucket_rate rate = person_rate(w);
    struct map_iter it;
    struct map_node *n;

    for (n = map_first(&w->persons, &it); n != NULL && has_room(b); n = map_next(&it)) {
        struct person *p = CONTAINER_OF(n, struct person, node);
        struct limits_entry e = {.user = p->id};

        e.spent = bucket_tell(&p->bucket, rate, p->conns == NULL);

        if (e.spent > 0)
            limits_write(b, &e);
    }
}

static void tell_addresses(struct worker *w, struct buf *b)
{
    struct bucket_rate rate = connect_rate(w);
    struct map_iter it;

    for (struct map_node *n = map_first(&w->addresses, &it); n != NULL; n = map_next(&it)) {
        struct address *a = CONTAINER_OF(n, struct address, node);
        struct limits_entry e = {.family = a->family};

        e.spent = has_room(b) ? bucket_tell(&a->bucket, rate, false) : 0;
        memcpy(e.ip, a->ip, sizeof(e.ip));
        if (e.spent > 0)
            limits_write(b, &e);
        if (!bucket_is_full(&a->bucket, rate, worker_now_ms(w)) ||
            !bucket_is_full(&a->accepts, accept_rate(w), worker_now_ms(w)))
            continue;
        map_remove(&w->addresses, n);
        free(a);
    }
}

static void limits_arrived(struct io_mail *mail)
{
    struct mail_limits *m = CONTAINER_OF(mail, struct mail_limits, mail);

    limits_heard(m->to, frame_str(m->told));
    frame_unref(m->told);
    free(m);
}

static void limits_tell(struct worker *w, struct str bytes)
{
    struct frame *told = frame_copy(bytes);

    assert(bytes.n <= BUS_CAST_MAX);
    for (unsigned i = 0; i < w->server->workers_n; i++) {
        struct mail_limits *m;

        if (i == w->index)
            continue;
        m = mem_bytes(sizeof(*m));
        *m = (struct mail_limits){
            .mail.deliver = limits_arrived, .to = &w->server->workers[i], .told = frame_ref(told)};
        worker_mail(w, i, &m->mail);
    }
    frame_unref(told);
    bus_cast(w->owner.bus, LIMITS_TOPIC, bytes);
}

void limits_second(struct worker *w)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, BUS_CAST_MAX);
    limits_begin(&b);
    if (w->server->conf->messages_per_user > 0)
        tell_persons(w, &b);
    if (w->server->conf->connects_per_address > 0)
        tell_addresses(w, &b);
    if (buf_len(&b) > 1 && lifecycle_at(&w->life) < LIFE_CLOSING && !b.failed)
        limits_tell(w, buf_peek(&b));
}

static void limits_take(struct worker *w, const struct limits_entry *e)
{
    const struct conf *c = w->server->conf;
    struct person *p = e->user != 0 ? person_find(w, e->user) : NULL;
    struct address *a = e->user == 0 ? address_find(w, e->family, e->ip) : NULL;

    if (p != NULL && c->messages_per_user > 0)
        bucket_taken(&p->bucket, person_rate(w), worker_now_ms(w), e->spent);
    if (a != NULL && c->connects_per_address > 0)
        bucket_taken(&a->bucket, connect_rate(w), worker_now_ms(w), e->spent);
}

void limits_heard(struct worker *w, struct str bytes)
{
    struct limits_entry e;

    if (!limits_read_begin(&bytes))
        return;
    while (limits_read(&bytes, &e))
        limits_take(w, &e);
}
