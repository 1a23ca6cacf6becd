/* io_rig.h: one implementation of io.h under test, and what its contract tests
 * share: turns, connected pairs, ops that remember their result. */
#ifndef LIB_IO_RIG_H
#define LIB_IO_RIG_H

#include "io/host.h"
#include "io/io_sim.h"
#include "io/tls_context.h"
#include "lib/check.h"

struct rig {
    struct sim *sim; /* NULL: the real machine */
    struct io_host *host;
    struct io *io;
    struct io *below; /* io is TLS above it; NULL: io is what the host made */
    struct tls_context *tls;
    bool over;
    bool records; /* on sockets as over TLS */
};

/* An op with its outcome. */
struct probe {
    struct io_op op;
    int done_n, result;
    uint8_t *bytes; /* copies what a recv gets, if not NULL */
    size_t at, size;
};

/* Two connected descriptors of rig->io. */
struct pair {
    int listener, a, b; /* a connected, b was accepted */
};

/* Setups for cmocka: *state is a struct rig. */
int io_rig_epoll(void **state);
int io_rig_sim(void **state);     /* no faults */
int io_rig_faults(void **state);  /* the simulator with every fault but resets */
int io_rig_records(void **state); /* the simulator with connections as over TLS */
int io_rig_tls(void **state);     /* TLS over the real machine */
int io_rig_tls_sim(void **state); /* TLS over the simulator with faults */
int io_rig_teardown(void **state);

/* One turn of the loop; fails the test when nothing can happen any more. */
void io_rig_turn(struct rig *r);

/* Turns until condition holds, but not for ever. */
#define UNTIL(r, condition)                                 \
    for (int turns_ = 0;; turns_++) {                       \
        if (condition)                                      \
            break;                                          \
        if (turns_ > 200000)                                \
            fail_msg("this never happens: %s", #condition); \
        io_rig_turn(r);                                     \
    }

void io_rig_probe(struct probe *p, int fd);

/* Listens on a free port of the loopback. */
int io_rig_listen(struct rig *r, struct io_addr *ret_addr);

void io_rig_pair(struct rig *r, struct pair *ret_pair);
void io_rig_unpair(struct rig *r, struct pair *pair);

/* Cancels p if it is in flight and waits until it is done. */
void io_rig_settle(struct rig *r, struct probe *p);

/* Receives into p until n bytes have come in all. */
void io_rig_recv_all(struct rig *r, struct probe *p, size_t n);

/* Sends all of s over p's descriptor. */
void io_rig_send_all(struct rig *r, struct probe *p, struct str s);

#endif
