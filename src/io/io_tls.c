#include "io/io_tls.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "io/op_queue.h"
#include "io/tls_pipe.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

/* Plain bytes that one send encrypts at most. */
#define SEND_MAX (64 * 1024)

/*   CONNECTING --> HANDSHAKE --> OPEN
 *        |             |           |
 *        +-------------+-----------+--> FAILED      close: from any */
enum tls_state { CONNECTING, HANDSHAKE, OPEN, FAILED };

struct tls_conn {
    struct io_tls *tls;
    SSL *ssl;
    struct io_op below_in, below_out;
    struct io_op *in, *out; /* the caller's, while they wait */
    struct list node;       /* in tls->handshakes or tls->pumps, or in none */
    struct tls_pipe pipe;   /* ciphertext that came, and that was made meanwhile */
    struct buf going;       /* ciphertext that below is sending */
    struct str going_part;
    int fd;
    int end;       /* what a recv gets once `ended`, and all ops in FAILED */
    int plain_n;   /* bytes of out that are in going */
    uint8_t state; /* enum tls_state */
    bool ended;    /* no more bytes will come */
    bool more;     /* SSL holds decrypted bytes */
    bool half;     /* SSL must read the rest of a handshake message before it writes */
    bool shutting; /* below's stream ends once it has sent everything */
    bool closing;
};

struct io_tls {
    struct io io;
    struct io *below;
    struct tls_context *ctx;
    BIO_METHOD *bio;
    unsigned per_turn;
    struct io_tls_stats stats;
    unsigned closing_n;  /* conns that below has still to let go */
    struct io_mail work; /* to itself: below's turn has to run what follows */
    bool work_posted;
    struct op_queue done;
    struct list handshakes;  /* conns with a step to take */
    struct list pumps;       /* conns with bytes for a recv that came later */
    struct tls_conn **conns; /* indexed by descriptor */
    int conns_n;
    uint8_t plain[IO_RECV_MAX]; /* lent to a recv's callback */
    uint8_t gather[SEND_MAX];
};

static struct io_tls *io_tls_self(struct io *io)
{
    return CONTAINER_OF(io, struct io_tls, io);
}

static struct tls_conn *conn_at(struct list *node)
{
    return CONTAINER_OF(node, struct tls_conn, node);
}

/* NULL: a listener, or somebody else's. */
static struct tls_conn *conn_of(const struct io_tls *t, int fd)
{
    return fd >= 0 && fd < t->conns_n ? t->conns[fd] : NULL;
}

/* Has below call run_work in this turn or the next. */
static void post_work(struct io_tls *t)
{
    if (t->work_posted)
        return;
    t->work_posted = true;
    io_post(t->below, &t->work, &t->work);
}

static void finish_op(struct io_tls *t, struct io_op *op, int result)
{
    op_queue_push(&t->done, op, result);
    post_work(t);
}

/* Adds c to a list of what there is to do. */
static void enlist(struct io_tls *t, struct list *l, struct list *node)
{
    list_remove(node);
    list_push(l, node);
    post_work(t);
}

static void table_set(struct io_tls *t, int fd, struct tls_conn *c)
{
    if (fd >= t->conns_n) {
        int n = MAX(64, MAX(fd + 1, t->conns_n * 2));

        t->conns = mem_resize(t->conns, (size_t)n * sizeof(struct tls_conn *));
        memset(t->conns + t->conns_n, 0, (size_t)(n - t->conns_n) * sizeof(struct tls_conn *));
        t->conns_n = n;
    }
    assert(c == NULL || t->conns[fd] == NULL);
    t->conns[fd] = c;
}

static void below_received(struct io_op *op, int result, uint8_t *data);
static void below_sent(struct io_op *op, int result, uint8_t *data);

static struct tls_conn *conn_new(struct io_tls *t, bool client)
{
    struct tls_conn *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->ssl = tls_context_open(t->ctx, client);
    if (c->ssl == NULL || !tls_pipe_init(&c->pipe, t->bio, c->ssl))
        goto fail;
    c->tls = t;
    c->state = client ? CONNECTING : HANDSHAKE;
    c->below_in.done = below_received;
    c->below_out.done = below_sent;
    list_init(&c->node);
    buf_init(&c->going, TLS_PIPE_MAX);
    t->stats.open++;
    return c;
fail:
    ERR_clear_error();
    SSL_free(c->ssl);
    free(c);
    return NULL;
}

static void conn_set_fd(struct tls_conn *c, int fd)
{
    c->fd = c->below_in.fd = c->below_out.fd = fd;
    if (fd >= 0)
        table_set(c->tls, fd, c);
}

static void conn_free(struct tls_conn *c)
{
    list_remove(&c->node);
    SSL_free(c->ssl);
    tls_pipe_fini(&c->pipe);
    buf_fini(&c->going);
    c->tls->stats.open--;
    free(c);
}

/* A closing connection goes when below has nothing of it any more. */
static void close_if_idle(struct tls_conn *c)
{
    struct io_tls *t = c->tls;
    int fd = c->fd;

    if (c->below_in.in_flight || c->below_out.in_flight)
        return;
    table_set(t, fd, NULL);
    conn_free(c);
    t->closing_n--;
    io_close(t->below, fd);
}

/* The op's done is called in a turn, not here. */
static void io_tls_finish(struct tls_conn *c, struct io_op **at, int result)
{
    struct io_op *op = *at;

    *at = NULL;
    if (op != NULL)
        finish_op(c->tls, op, result);
}

static void io_tls_fail(struct tls_conn *c, int error)
{
    if (c->state == HANDSHAKE)
        c->tls->stats.failures++;
    c->state = FAILED;
    c->ended = true;
    c->end = error;
    c->plain_n = 0;
    list_remove(&c->node);
    io_tls_finish(c, &c->in, error);
    io_tls_finish(c, &c->out, error);
}

static void start_recv(struct tls_conn *c)
{
    if (!c->below_in.in_flight && !c->ended)
        io_recv(c->tls->below, &c->below_in);
}

static void send_going(struct tls_conn *c)
{
    c->going_part = buf_peek(&c->going);
    io_send(c->tls->below, &c->below_out, &c->going_part, 1);
}

/* Gives below what SSL has made, unless it is still busy. */
static void flush(struct tls_conn *c)
{
    if (c->below_out.in_flight || buf_len(&c->pipe.next) == 0)
        return;
    buf_fini(&c->going);
    c->going = c->pipe.next;
    buf_init(&c->pipe.next, TLS_PIPE_MAX);
    send_going(c);
}

/* What op sends next, at most SEND_MAX bytes of it, in one piece. */
static struct str piece_of(struct io_tls *t, const struct io_op *op)
{
    size_t n = 0;

    if (op->parts_n == 1)
        return (struct str){op->parts[0].p, MIN(op->parts[0].n, (size_t)SEND_MAX)};
    for (unsigned i = 0; i < op->parts_n; i++) {
        size_t some = MIN(op->parts[i].n, SEND_MAX - n);

        if (some > 0)
            memcpy(t->gather + n, op->parts[i].p, some);
        n += some;
    }
    return (struct str){t->gather, n};
}

static void encrypt(struct tls_conn *c)
{
    struct str piece = piece_of(c->tls, c->out);
    int r;

    if (piece.n == 0) {
        io_tls_finish(c, &c->out, 0);
        return;
    }
    ERR_clear_error();
    r = SSL_write(c->ssl, piece.p, (int)piece.n);
    if (r == (int)piece.n) {
        c->half = false;
        c->plain_n = r;
        flush(c);
        return;
    }
    c->half = SSL_get_error(c->ssl, r) == SSL_ERROR_WANT_READ && !c->ended;
    ERR_clear_error();
    if (!c->half)
        io_tls_fail(c, -EPROTO);
    else
        start_recv(c); /* the caller may not be receiving */
}

/* The caller's send, if it can go now. */
static void resume_out(struct tls_conn *c)
{
    if (c->out != NULL && c->out->kind == OP_SEND && c->plain_n == 0 && c->state == OPEN &&
        !c->below_out.in_flight)
        encrypt(c);
}

/* A send that waits for the rest of a handshake message tries again. */
static void resume_half(struct tls_conn *c)
{
    if (c->half)
        resume_out(c);
}

/* The caller's recv: bytes that are here already, the end, or more from below. */
static void resume_in(struct tls_conn *c)
{
    if (c->in == NULL || c->state == CONNECTING || c->state == HANDSHAKE)
        return;
    if (c->state == OPEN && (c->more || buf_len(&c->pipe.kept) > 0)) {
        enlist(c->tls, &c->tls->pumps, &c->node);
    } else if (c->ended) {
        io_tls_finish(c, &c->in, c->end);
    } else {
        start_recv(c);
    }
}

/* Decrypts until the buffer is full or nothing is left. Returns how much. */
static int decrypt(struct tls_conn *c)
{
    int n = 0, r;

    ERR_clear_error();
    do {
        r = SSL_read(c->ssl, c->tls->plain + n, IO_RECV_MAX - n);
        n += MAX(r, 0);
    } while (r > 0 && n < IO_RECV_MAX);
    c->more = r > 0;
    if (r <= 0) {
        int error = SSL_get_error(c->ssl, r);

        if (error != SSL_ERROR_WANT_READ) {
            c->ended = true;
            c->end = error == SSL_ERROR_ZERO_RETURN ? 0 : -EPROTO;
            tls_pipe_drop(&c->pipe); /* nothing behind the end is anybody's */
        }
        ERR_clear_error();
    }
    return n;
}

/* Completes the caller's recv if there are bytes for it. The last thing that is
 * done with c: its callback may close it. */
static void pump(struct tls_conn *c)
{
    struct io_op *op = c->in;
    int n = decrypt(c);

    tls_pipe_keep(&c->pipe);
    flush(c);
    resume_half(c);
    if (c->state == FAILED)
        return; /* the recv has its result */
    if (n == 0) {
        resume_in(c);
        return;
    }
    c->in = NULL;
    op->in_flight = false;
    op->done(op, n, c->tls->plain);
}

static void below_ended(struct tls_conn *c, int result)
{
    if (c->state == HANDSHAKE) {
        io_tls_fail(c, result == 0 ? -ECONNRESET : result);
        return;
    }
    c->ended = true;
    c->end = result;
    resume_half(c);
    resume_in(c);
}

static void below_received(struct io_op *op, int result, uint8_t *data)
{
    struct tls_conn *c = CONTAINER_OF(op, struct tls_conn, below_in);

    if (c->closing) {
        close_if_idle(c);
        return;
    }
    if (c->state == FAILED || c->ended)
        return;
    if (result <= 0) {
        below_ended(c, result);
        return;
    }
    c->pipe.lent = (struct str){data, (size_t)result};
    if (c->state == OPEN && c->in != NULL) {
        pump(c);
        return;
    }
    tls_pipe_keep(&c->pipe);
    resume_half(c);
    if (c->state == HANDSHAKE)
        enlist(c->tls, &c->tls->handshakes, &c->node);
}

static void connected(struct tls_conn *c, int result)
{
    if (c->fd < 0) { /* there was not even a descriptor */
        io_tls_finish(c, &c->out, result);
        conn_free(c);
    } else if (result < 0) {
        io_tls_fail(c, result);
    } else {
        c->state = HANDSHAKE;
        enlist(c->tls, &c->tls->handshakes, &c->node);
    }
}

static void shut_below(struct tls_conn *c)
{
    if (!c->shutting || c->below_out.in_flight)
        return;
    c->shutting = false;
    io_shutdown(c->tls->below, c->fd);
}

static void below_sent(struct io_op *op, int result, uint8_t *data)
{
    struct tls_conn *c = CONTAINER_OF(op, struct tls_conn, below_out);

    (void)data;
    if (c->closing) {
        close_if_idle(c);
        return;
    }
    if (c->state == CONNECTING) {
        connected(c, result);
        return;
    }
    if (result < 0) {
        io_tls_fail(c, result);
        return;
    }
    buf_consume(&c->going, (size_t)result);
    if (buf_len(&c->going) > 0) {
        send_going(c);
        return;
    }
    buf_fini(&c->going);
    flush(c);
    if (c->below_out.in_flight)
        return;
    if (c->plain_n > 0 && c->out != NULL)
        io_tls_finish(c, &c->out, c->plain_n);
    c->plain_n = 0;
    resume_out(c);
    shut_below(c);
}

static void opened(struct tls_conn *c)
{
    c->state = OPEN;
    c->tls->stats.handshakes++;
    c->tls->stats.resumed += SSL_session_reused(c->ssl) == 1;
    if (c->out != NULL && c->out->kind == OP_CONNECT)
        io_tls_finish(c, &c->out, 0);
    resume_out(c);
    resume_in(c);
}

/* Before OpenSSL forgets it. */
static void note_refusal(struct tls_conn *c)
{
    struct io_tls_stats *s = &c->tls->stats;
    unsigned long error = ERR_peek_error();

    s->untrusted = ERR_GET_LIB(error) == ERR_LIB_SSL &&
                   ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    s->refusal = s->untrusted ? X509_verify_cert_error_string(SSL_get_verify_result(c->ssl))
                              : ERR_reason_error_string(error);
}

/* One step; what it sends goes out also if it fails: an alert says why. */
static void step_handshake(struct tls_conn *c)
{
    int r;

    ERR_clear_error();
    r = SSL_do_handshake(c->ssl);
    tls_pipe_keep(&c->pipe);
    flush(c);
    if (r == 1)
        opened(c);
    else if (SSL_get_error(c->ssl, r) == SSL_ERROR_WANT_READ)
        start_recv(c);
    else {
        note_refusal(c);
        io_tls_fail(c, -EPROTO);
    }
    ERR_clear_error();
}

static uint64_t tls_now_ms(struct io *io)
{
    return io_now_ms(io_tls_self(io)->below);
}

static uint64_t tls_wall_ms(struct io *io)
{
    return io_wall_ms(io_tls_self(io)->below);
}

static uint64_t tls_clock_us(struct io *io)
{
    return io_clock_us(io_tls_self(io)->below);
}

static void tls_random(struct io *io, uint8_t *p, size_t n)
{
    io_random(io_tls_self(io)->below, p, n);
}

static int tls_listen(struct io *io, const struct io_addr *addr, int *ret_fd)
{
    return io_listen(io_tls_self(io)->below, addr, ret_fd);
}

static int tls_adopt(struct io *io, int fd)
{
    struct io_tls *t = io_tls_self(io);
    struct tls_conn *c = conn_new(t, false);
    int r;

    if (c == NULL)
        return -ENOMEM;
    r = io_adopt(t->below, fd);
    if (r < 0) {
        conn_free(c);
        return r;
    }
    conn_set_fd(c, fd);
    start_recv(c);
    return 0;
}

/* What is encrypted by now, and what is to be decrypted, stays with this loop. */
static int tls_release(struct io *io, int fd)
{
    struct io_tls *t = io_tls_self(io);

    return conn_of(t, fd) != NULL ? -ENOTSUP : io_release(t->below, fd);
}

static void tls_accept(struct io *io, struct io_op *op)
{
    io_accept(io_tls_self(io)->below, op);
}

static void tls_connect(struct io *io, struct io_op *op, const struct io_addr *addr)
{
    struct io_tls *t = io_tls_self(io);
    struct tls_conn *c = conn_new(t, true);

    op->in_flight = true;
    op->kind = OP_CONNECT;
    op->fd = -1;
    if (c == NULL) {
        finish_op(t, op, -ENOMEM);
        return;
    }
    c->out = op;
    io_connect(t->below, &c->below_out, addr);
    conn_set_fd(c, c->below_out.fd);
    op->fd = c->fd;
}

static void tls_recv(struct io *io, struct io_op *op)
{
    struct tls_conn *c = conn_of(io_tls_self(io), op->fd);

    assert(c != NULL && c->in == NULL && !c->closing);
    op->in_flight = true;
    op->kind = OP_RECV;
    c->in = op;
    resume_in(c);
}

static void tls_send(struct io *io, struct io_op *op)
{
    struct tls_conn *c = conn_of(io_tls_self(io), op->fd);

    assert(c != NULL && c->out == NULL && !c->closing);
    op->in_flight = true;
    op->kind = OP_SEND;
    c->out = op;
    if (c->state == FAILED)
        io_tls_finish(c, &c->out, c->end == 0 ? -EPIPE : c->end);
    else
        resume_out(c);
}

static void tls_cancel(struct io *io, struct io_op *op)
{
    struct io_tls *t = io_tls_self(io);
    struct tls_conn *c = conn_of(t, op->fd);

    if (op->fd < 0)
        return; /* a connect that failed at once */
    if (c == NULL) {
        io_cancel(t->below, op);
    } else if (c->in == op) {
        io_tls_finish(c, &c->in, -ECANCELED);
    } else if (c->out == op) {
        io_tls_finish(c, &c->out, c->plain_n > 0 ? c->plain_n : -ECANCELED);
        c->plain_n = 0;
    }
}

static void say_goodbye(struct tls_conn *c)
{
    ERR_clear_error();
    (void)SSL_shutdown(c->ssl);
    ERR_clear_error();
    flush(c);
}

static void tls_shutdown(struct io *io, int fd)
{
    struct tls_conn *c = conn_of(io_tls_self(io), fd);

    assert(c != NULL && c->out == NULL && !c->closing);
    if (c->state == OPEN)
        say_goodbye(c);
    c->shutting = true;
    shut_below(c);
}

static void tls_close(struct io *io, int fd)
{
    struct io_tls *t = io_tls_self(io);
    struct tls_conn *c = conn_of(t, fd);

    if (c == NULL) {
        io_close(t->below, fd);
        return;
    }
    assert(c->in == NULL && c->out == NULL && !c->closing);
    if (c->state == OPEN && !c->below_out.in_flight)
        say_goodbye(c);
    c->closing = true;
    t->closing_n++;
    list_remove(&c->node);
    io_cancel(t->below, &c->below_in);
    io_cancel(t->below, &c->below_out); /* no effect on a goodbye that is said */
    close_if_idle(c);
}

static void tls_peer(struct io *io, int fd, struct io_addr *ret_addr)
{
    io_peer(io_tls_self(io)->below, fd, ret_addr);
}

static void tls_local(struct io *io, int fd, struct io_addr *ret_addr)
{
    io_local(io_tls_self(io)->below, fd, ret_addr);
}

static void run_pumps(struct io_tls *t)
{
    struct list now, *node;

    list_init(&now);
    list_splice(&now, &t->pumps);
    while ((node = list_pop(&now)) != NULL)
        if (conn_at(node)->in != NULL)
            pump(conn_at(node));
}

static void run_handshakes(struct io_tls *t)
{
    unsigned left = t->per_turn == 0 ? UINT_MAX : t->per_turn;
    struct list *node;

    while (left-- > 0 && (node = list_pop(&t->handshakes)) != NULL)
        step_handshake(conn_at(node));
}

static void run_work(struct io_mail *mail)
{
    struct io_tls *t = CONTAINER_OF(mail, struct io_tls, work);

    t->work_posted = false;
    op_queue_run(&t->done);
    run_pumps(t);
    run_handshakes(t);
    if (!list_empty(&t->handshakes))
        post_work(t);
}

static void tls_wait(struct io *io, uint64_t until_ms)
{
    io_wait(io_tls_self(io)->below, until_ms);
}

static void tls_post(struct io *io, struct io_mail *first, struct io_mail *last)
{
    io_post(io_tls_self(io)->below, first, last);
}

static void tls_free(struct io *io)
{
    struct io_tls *t = io_tls_self(io);

    while (t->closing_n > 0 || t->work_posted)
        io_wait(t->below, 0);
    assert(t->done.n == 0 && t->stats.open == 0);
    op_queue_fini(&t->done);
    BIO_meth_free(t->bio);
    free(t->conns);
    free(t);
}

static const struct io_ops tls_ops = {
    .name = "tls",
    .now_ms = tls_now_ms,
    .wall_ms = tls_wall_ms,
    .clock_us = tls_clock_us,
    .random = tls_random,
    .listen = tls_listen,
    .adopt = tls_adopt,
    .release = tls_release,
    .accept = tls_accept,
    .connect = tls_connect,
    .recv = tls_recv,
    .send = tls_send,
    .cancel = tls_cancel,
    .shutdown = tls_shutdown,
    .close = tls_close,
    .peer = tls_peer,
    .local = tls_local,
    .wait = tls_wait,
    .post = tls_post,
    .free = tls_free,
};

int io_tls_new(struct io *below, struct tls_context *ctx, unsigned handshakes_per_turn,
               struct io **ret_io)
{
    struct io_tls *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return -ENOMEM;
    t->io.ops = &tls_ops;
    t->below = below;
    t->ctx = ctx;
    t->per_turn = handshakes_per_turn;
    t->work.deliver = run_work;
    list_init(&t->handshakes);
    list_init(&t->pumps);
    t->bio = tls_pipe_method();
    if (t->bio == NULL) {
        free(t);
        return -ENOMEM;
    }
    *ret_io = &t->io;
    return 0;
}

void io_tls_stats(const struct io *io, struct io_tls_stats *ret_stats)
{
    *ret_stats = ((const struct io_tls *)(const void *)io)->stats;
}
