#include "lib/io_rig.h"

#include "io/addr.h"
#include "io/io_tls.h"
#include "lib/certs.h"

#include <stdio.h>
#include <string.h>

#define WAIT_MS 2

static struct rig *rig_new(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    *state = r;
    return r;
}

int io_rig_epoll(void **state)
{
    struct rig *r = rig_new(state);

    assert_int_equal(host_epoll_new(&r->host), 0);
    assert_int_equal(host_io_new(r->host, &r->io), 0);
    return 0;
}

static bool sim_turn(void *arg)
{
    struct rig *r = arg;

    io_wait(r->io, io_now_ms(r->io) + WAIT_MS);
    return !r->over;
}

static int rig_on_sim(void **state, struct sim_faults faults)
{
    struct rig *r = rig_new(state);
    uint64_t seed = check_seed(1);

    r->sim = sim_new(seed, faults);
    r->host = sim_host_new(r->sim);
    assert_int_equal(host_io_new(r->host, &r->io), 0);
    assert_int_equal(host_start(r->host, r->io, sim_turn, r), 0);
    return 0;
}

int io_rig_sim(void **state)
{
    return rig_on_sim(state, (struct sim_faults){0});
}

int io_rig_faults(void **state)
{
    return rig_on_sim(
        state,
        (struct sim_faults){
            .short_send = 300, .split_recv = 300, .blocked = 100, .latency_ms = 20, .job_ms = 10});
}

int io_rig_records(void **state)
{
    struct sim_faults faults = {
        .short_send = 300, .split_recv = 300, .latency_ms = 20, .job_ms = 10, .records = 1000};
    int r = rig_on_sim(state, faults);

    ((struct rig *)*state)->records = true;
    return r;
}

/* The client of the tests trusts the server's own certificate. */
static void add_tls(struct rig *r)
{
    struct certs certs;
    struct tls_options o = {.cert_file = certs.cert,
                            .key_file = certs.key,
                            .ca_file = certs.cert,
                            .server_name = "localhost"};
    char error[TLS_CONTEXT_ERROR_MAX];

    certs_make(&certs, "localhost");
    assert_int_equal(tls_context_new(&o, &r->tls, error), 0);
    certs_remove(&certs);
    r->below = r->io;
    assert_int_equal(io_tls_new(r->below, r->tls, 8, &r->io), 0);
}

int io_rig_tls(void **state)
{
    (void)io_rig_epoll(state);
    add_tls(*state);
    return 0;
}

int io_rig_tls_sim(void **state)
{
    (void)io_rig_faults(state);
    add_tls(*state);
    return 0;
}

int io_rig_teardown(void **state)
{
    struct rig *r = *state;

    r->over = true;
    if (r->sim != NULL)
        host_join(r->host);
    io_free(r->io);
    io_free(r->below);
    tls_context_free(r->tls);
    host_free(r->host);
    sim_free(r->sim);
    free(r);
    return 0;
}

void io_rig_turn(struct rig *r)
{
    if (r->sim != NULL)
        assert_true(sim_step(r->sim));
    else
        io_wait(r->io, io_now_ms(r->io) + WAIT_MS);
}

static void probe_done(struct io_op *op, int result, uint8_t *data)
{
    struct probe *p = CONTAINER_OF(op, struct probe, op);

    assert_false(op->in_flight);
    p->done_n++;
    p->result = result;
    assert_true((data != NULL) == (op->kind == 0 && result > 0));
    if (data != NULL && p->bytes != NULL) {
        assert_true(p->at + (size_t)result <= p->size);
        memcpy(p->bytes + p->at, data, (size_t)result);
        p->at += (size_t)result;
    }
}

void io_rig_probe(struct probe *p, int fd)
{
    *p = (struct probe){.op = {.done = probe_done, .fd = fd}};
}

int io_rig_listen(struct rig *r, struct io_addr *ret_addr)
{
    struct io_addr addr;
    int fd;

    assert_int_equal(addr_parse(STR("127.0.0.1:0"), &addr), 0);
    assert_int_equal(io_listen(r->io, &addr, &fd), 0);
    io_local(r->io, fd, ret_addr);
    assert_int_not_equal(ret_addr->port, 0);
    return fd;
}

void io_rig_unpair(struct rig *r, struct pair *pair)
{
    if (pair->a >= 0)
        io_close(r->io, pair->a);
    if (pair->b >= 0)
        io_close(r->io, pair->b);
    io_close(r->io, pair->listener);
}

void io_rig_settle(struct rig *r, struct probe *p)
{
    int done_n = p->done_n;

    if (!p->op.in_flight)
        return;
    io_cancel(r->io, &p->op);
    UNTIL(r, !p->op.in_flight);
    assert_int_equal(p->done_n, done_n + 1);
}

void io_rig_recv_all(struct rig *r, struct probe *p, size_t n)
{
    while (p->at < n) {
        int done_n = p->done_n;

        io_recv(r->io, &p->op);
        UNTIL(r, p->done_n > done_n);
        assert_true(p->result > 0);
    }
}

void io_rig_send_all(struct rig *r, struct probe *p, struct str s)
{
    while (s.n > 0) {
        int done_n = p->done_n;

        io_send(r->io, &p->op, &s, 1);
        UNTIL(r, p->done_n > done_n);
        assert_true(p->result > 0 && (size_t)p->result <= s.n);
        s = (struct str){s.p + p->result, s.n - (size_t)p->result};
    }
}

/* A server of TLS speaks first, of resuming; with that unread, a close would be
 * a reset. */
static void read_tickets(struct rig *r, struct pair *pair)
{
    struct probe sending, reading;
    uint8_t in[1];

    io_rig_probe(&sending, pair->b);
    io_rig_probe(&reading, pair->a);
    reading.bytes = in;
    reading.size = sizeof(in);
    io_rig_send_all(r, &sending, STR("x"));
    io_rig_recv_all(r, &reading, 1);
}

void io_rig_pair(struct rig *r, struct pair *ret_pair)
{
    struct io_addr addr;
    struct probe accepting, connecting;

    ret_pair->listener = io_rig_listen(r, &addr);
    io_rig_probe(&accepting, ret_pair->listener);
    io_rig_probe(&connecting, -1);
    io_accept(r->io, &accepting.op);
    io_connect(r->io, &connecting.op, &addr);
    UNTIL(r, accepting.done_n > 0);
    assert_true(accepting.result >= 0);
    ret_pair->b = accepting.result;
    assert_int_equal(io_adopt(r->io, ret_pair->b), 0);
    UNTIL(r, connecting.done_n > 0);
    assert_int_equal(connecting.result, 0);
    ret_pair->a = connecting.op.fd;
    if (r->tls != NULL)
        read_tickets(r, ret_pair);
}
