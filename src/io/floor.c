#include "io/floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENTS_MAX = 1024, BACKLOG = 4096 };

struct floor_room {
    uint8_t *frames; /* join copies of the frame, one after the other */
    int *fds;
    unsigned fds_n, fds_cap;
    unsigned waiting; /* requests since the last send */
};

struct link {
    int fd;
    bool entered;
    uint32_t room;
    size_t have;
    uint8_t bytes[];
};

struct floor_loop {
    const struct floor_options *o;
    struct floor_room *rooms;
    int epfd, listener;
    size_t in_max;
};

/* What the parent sees of a failure is the exit status. */
static void *must(void *p)
{
    if (p == NULL)
        _exit(2);
    return p;
}

static void put_digits(uint8_t *p, unsigned digits, uint64_t v)
{
    while (digits-- > 0) {
        p[digits] = (uint8_t)('0' + v % 10);
        v /= 10;
    }
}

static void bump_digits(uint8_t *p, unsigned digits, unsigned by)
{
    unsigned carry = by;

    while (digits-- > 0 && carry > 0) {
        unsigned d = (unsigned)(p[digits] - '0') + carry;

        p[digits] = (uint8_t)('0' + d % 10);
        carry = d / 10;
    }
}

static void rooms_make(struct floor_loop *l)
{
    const struct floor_options *o = l->o;

    l->rooms = must(calloc(o->rooms, sizeof(*l->rooms)));
    for (unsigned i = 0; i < o->rooms; i++) {
        struct floor_room *room = &l->rooms[i];

        room->frames = must(malloc(o->join * o->frame.n));
        for (unsigned k = 0; k < o->join; k++) {
            uint8_t *frame = room->frames + k * o->frame.n;

            memcpy(frame, o->frame.p, o->frame.n);
            put_digits(frame + o->room_at, FLOOR_ROOM_DIGITS, i);
            put_digits(frame + o->seq_at, FLOOR_SEQ_DIGITS, 1000000001 + k);
        }
    }
}

static void link_new(struct floor_loop *l)
{
    int fd = accept4(l->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int on = 1;

    if (fd < 0)
        return;
    struct link *link = must(calloc(1, sizeof(*link) + l->in_max));
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = link};

    link->fd = fd;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) < 0)
        _exit(2);
}

static void link_free(struct floor_loop *l, struct link *link)
{
    struct floor_room *room = &l->rooms[link->room];

    for (unsigned i = 0; link->entered && i < room->fds_n; i++) {
        if (room->fds[i] == link->fd) {
            room->fds[i] = room->fds[--room->fds_n];
            break;
        }
    }
    (void)close(link->fd);
    free(link);
}

static void send_all(int fd, const uint8_t *p, size_t n)
{
    ssize_t sent = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

    /* A gone reader is found by its recv; one that cannot take a message at a
     * window of one is a run that measures nothing. */
    if (sent >= 0 ? (size_t)sent != n : errno == EAGAIN)
        _exit(3);
}

static void link_enter(struct floor_loop *l, struct link *link, uint32_t number)
{
    uint8_t hello[1024];

    if (number >= l->o->rooms || l->o->hello.n > sizeof(hello))
        _exit(2);
    struct floor_room *room = &l->rooms[number];

    if (room->fds_n == room->fds_cap) {
        room->fds_cap = room->fds_cap == 0 ? 2 : room->fds_cap * 2;
        room->fds = must(realloc(room->fds, room->fds_cap * sizeof(*room->fds)));
    }
    room->fds[room->fds_n++] = link->fd;
    link->room = number;
    link->entered = true;
    memcpy(hello, l->o->hello.p, l->o->hello.n);
    put_digits(hello + l->o->hello_room_at, FLOOR_ROOM_DIGITS, number);
    send_all(link->fd, hello, l->o->hello.n);
}

static void room_deliver(struct floor_loop *l, struct floor_room *room, const uint8_t *request)
{
    const struct floor_options *o = l->o;
    size_t n = o->join * o->frame.n;

    memcpy(room->frames + room->waiting * o->frame.n + o->stamp_at, request + FLOOR_STAMP_AT,
           o->stamp_n);
    if (++room->waiting < o->join)
        return;
    room->waiting = 0;
    for (unsigned i = 0; i < room->fds_n; i++)
        send_all(room->fds[i], room->frames, n);
    for (unsigned k = 0; k < o->join; k++)
        bump_digits(room->frames + k * o->frame.n + o->seq_at, FLOOR_SEQ_DIGITS, o->join);
}

static void link_read(struct floor_loop *l, struct link *link)
{
    size_t one = l->o->request_n, at = 0;
    ssize_t n = recv(link->fd, link->bytes + link->have, l->in_max - link->have, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        link_free(l, link);
        return;
    }
    for (link->have += (size_t)n; link->have - at >= one; at += one) {
        uint32_t number;

        memcpy(&number, link->bytes + at, sizeof(number));
        if (link->entered)
            room_deliver(l, &l->rooms[link->room], link->bytes + at);
        else
            link_enter(l, link, number);
    }
    link->have -= at;
    if (link->have > 0 && at > 0)
        memmove(link->bytes, link->bytes + at, link->have);
}

static void loop_run(struct floor_loop *l)
{
    struct epoll_event events[EVENTS_MAX];
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};

    rooms_make(l);
    l->in_max = l->o->request_n * FLOOR_JOIN_MAX;
    l->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epfd < 0 || epoll_ctl(l->epfd, EPOLL_CTL_ADD, l->listener, &ev) < 0)
        _exit(2);
    for (;;) {
        int n = epoll_wait(l->epfd, events, EVENTS_MAX, -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                link_new(l);
            else
                link_read(l, events[i].data.ptr);
        }
    }
}

static int listen_any(uint16_t *ret_port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&sa, &n) < 0) {
        int err = -errno;

        (void)close(fd);
        return err;
    }
    *ret_port = ntohs(sa.sin_port);
    return fd;
}

/* Never returns. */
static void child(const struct floor_options *o, int listener)
{
    struct floor_loop l = {.o = o, .listener = listener};
    struct rlimit files;
    cpu_set_t set;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGINT, SIG_IGN); /* a terminal tells the whole group; the parent decides */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    if (o->cpu >= 0) {
        CPU_ZERO(&set);
        CPU_SET((size_t)o->cpu, &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
    }
    loop_run(&l);
    _exit(0);
}

int floor_start(const struct floor_options *o, struct floor *ret_floor)
{
    uint16_t port = 0;
    int listener = listen_any(&port);

    assert(o->join >= 1 && o->join <= FLOOR_JOIN_MAX);
    assert(o->request_n >= FLOOR_STAMP_AT + o->stamp_n);
    if (listener < 0)
        return listener;
    pid_t pid = fork();
    int err = -errno;

    if (pid == 0)
        child(o, listener);
    (void)close(listener);
    if (pid < 0)
        return err;
    *ret_floor = (struct floor){.pid = (int)pid, .port = port};
    return 0;
}

void floor_stop(struct floor *f)
{
    if (f->pid > 0) {
        (void)kill(f->pid, SIGKILL);
        (void)waitpid(f->pid, NULL, 0);
    }
    f->pid = 0;
}
