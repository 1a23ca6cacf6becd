/* A command that runs beside this process: what it says is received, it stands still, it is
 * ended. */
#include "io/spawn.h"

#include "base/buf.h"
#include "base/str.h"
#include "io/host.h"
#include "lib/check.h"

#include <errno.h>

struct heard {
    struct io *io;
    struct io_op op;
    struct buf text;
    bool ended;
};

static void received(struct io_op *op, int result, uint8_t *data)
{
    struct heard *h = CONTAINER_OF(op, struct heard, op);

    if (result <= 0) {
        h->ended = true;
        return;
    }
    buf_append(&h->text, (struct str){data, (size_t)result});
    io_recv(h->io, &h->op);
}

static int start(struct heard *h, const char *command, int *ret_pid)
{
    const char *argv[] = {"sh", "-c", command, NULL}, *env[] = {"WORD=secret", NULL};
    int r = spawn_start(&(struct spawn_options){.argv = (char *const *)(uintptr_t)argv,
                                                .env = (char *const *)(uintptr_t)env,
                                                .dir = "/"},
                        ret_pid, &h->op.fd);

    if (r < 0)
        return r;
    h->op.done = received;
    buf_init(&h->text, 1000);
    assert_int_equal(io_adopt(h->io, h->op.fd), 0);
    io_recv(h->io, &h->op);
    return 0;
}

static void finish(struct heard *h)
{
    while (!h->ended)
        io_wait(h->io, IO_FOREVER);
    io_close(h->io, h->op.fd);
    buf_fini(&h->text);
    *h = (struct heard){.io = h->io};
}

static void spawn_hears_and_ends(void **state)
{
    struct heard h = {0};
    struct io_host *host;
    int pid;

    (void)state;
    assert_int_equal(host_epoll_new(&host), 0);
    assert_int_equal(host_io_new(host, &h.io), 0);
    assert_int_equal(start(&h, "echo $WORD; pwd; echo x >&2; cat", &pid), 0);
    while (!h.ended)
        io_wait(h.io, IO_FOREVER);
    assert_true(str_eq(buf_peek(&h.text), STR("secret\n/\nx\n")));
    assert_int_equal(spawn_end(pid), 0);
    finish(&h);
    assert_int_equal(start(&h, "kill -STOP $$; echo went on; sleep 1000 & exec sleep 1000", &pid),
                     0);
    while (buf_len(&h.text) == 0) {
        spawn_pause(pid, false);
        io_wait(h.io, io_now_ms(h.io) + 10);
    }
    spawn_pause(pid, true);
    assert_int_equal(spawn_end(pid), 128 + 9);
    finish(&h); /* its own children are gone too, else the end would not come */
    io_free(h.io);
    host_free(host);
}

static void spawn_says_what_cannot_be_started(void **state)
{
    const char *argv[] = {"/no/such/program", NULL}, *env[] = {NULL};
    struct spawn_options o = {.argv = (char *const *)(uintptr_t)argv,
                              .env = (char *const *)(uintptr_t)env};
    int pid, fd;

    (void)state;
    if (getenv("RUNNER") != NULL)
        skip(); /* qemu forks where vfork is asked for, and an error of exec does not come back */
    assert_int_equal(spawn_start(&o, &pid, &fd), -ENOENT);
    argv[0] = "/bin/true";
    o.dir = "/no/such/directory";
    assert_int_equal(spawn_start(&o, &pid, &fd), -ENOENT);
}

CHECK_MAIN(cmocka_unit_test(spawn_hears_and_ends),
           cmocka_unit_test(spawn_says_what_cannot_be_started))
