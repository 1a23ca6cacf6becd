/* store_bench.c: what the SQLite store alone reaches, without sockets.
 *
 *     store_bench DIR [n=N] [rooms=N] [window=N] [size=BYTES] [readers=N]
 *
 * Appends n entries, `window` in flight over `rooms` rooms, to the store in DIR
 * (made if missing), then the same number of record puts; then opens it again
 * and reads pages of 50 at random places, alone and beside appends. Prints one
 * line for each. */
#include "base/hist.h"
#include "base/rng.h"
#include "base/str.h"
#include "store/store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct settings {
    uint64_t n, rooms, window, size, readers;
};

struct slot {
    struct store_append append;
    struct store_put put;
    struct store_read read;
    struct bench *bench;
    bool reads_beside;
    char name[32];
    uint64_t began_us;
};

struct bench {
    struct settings set;
    struct io_host *host;
    struct io *io;
    struct store *store;
    const char *dir;
    uint64_t begun, ended;
    uint64_t *heads, *queue; /* heads of rooms; rooms without an append in flight */
    uint64_t queue_at, queue_n;
    struct str entry;
    struct rng rng;
    struct hist us, beside_us;
    struct slot *slots; /* the last reads beside the others */
};

static double cpu_s(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "store_bench: %s\n", what);
    exit(1);
}

static void open_store(struct bench *b)
{
    struct store_sqlite_options o = {.dir = b->dir, .readers = (unsigned)b->set.readers};
    uint64_t began_us = io_clock_us(b->io);
    char why[256] = "";

    must(store_sqlite_open(b->host, &o, &b->store, why) == 0, why);
    (void)printf("open: %.2f ms\n", (double)(io_clock_us(b->io) - began_us) / 1e3);
}

static void name_room(struct slot *s, uint64_t room)
{
    (void)snprintf(s->name, sizeof(s->name), "room-%llu", (unsigned long long)room);
}

static void append_done(struct store_req *req);

static void append_next(struct slot *s)
{
    struct bench *b = s->bench;
    uint64_t room = b->queue[b->queue_at++ % b->set.rooms];

    b->begun++;
    name_room(s, room);
    s->append = (struct store_append){
        .req = {.home = b->io, .done = append_done},
        .room = str_of(s->name),
        .epoch = room + 1,
        .head = b->heads[room],
        .entries = &b->entry,
        .entries_n = 1,
    };
    s->began_us = io_clock_us(b->io);
    store_append(b->store, &s->append);
}

static void append_done(struct store_req *req)
{
    struct slot *s = CONTAINER_OF(req, struct slot, append.req);
    struct bench *b = s->bench;
    uint64_t room = strtoull(s->name + strlen("room-"), NULL, 10);

    b->heads[room] = s->append.ret_head;
    b->queue[b->queue_n++ % b->set.rooms] = room;
    if (req->result == STORE_CONFLICT) {
        b->begun--;
    } else {
        must(req->result == STORE_OK, "an append failed");
        hist_add(&b->us, io_clock_us(b->io) - s->began_us, 1);
        b->ended++;
    }
    if (b->begun < b->set.n)
        append_next(s);
}

static void put_done(struct store_req *req);

static void put_next(struct slot *s)
{
    struct bench *b = s->bench;

    b->begun++;
    name_room(s, rng_below(&b->rng, b->set.rooms));
    s->put = (struct store_put){
        .req = {.home = b->io, .done = put_done},
        .pk = str_of(s->name),
        .sk = STR("read/12345"),
        .body = STR("0123456789abcdef"),
        .expect = STORE_REV_ANY,
    };
    s->began_us = io_clock_us(b->io);
    store_put(b->store, &s->put);
}

static void put_done(struct store_req *req)
{
    struct slot *s = CONTAINER_OF(req, struct slot, put.req);
    struct bench *b = s->bench;

    must(req->result == STORE_OK, "a put failed");
    hist_add(&b->us, io_clock_us(b->io) - s->began_us, 1);
    b->ended++;
    if (b->begun < b->set.n)
        put_next(s);
}

static void read_done(struct store_req *req);

static void read_page(struct slot *s)
{
    struct bench *b = s->bench;
    uint64_t room = rng_below(&b->rng, b->set.rooms);

    name_room(s, room);
    s->read = (struct store_read){
        .req = {.home = b->io, .done = read_done},
        .room = str_of(s->name),
        .from = 1 + rng_below(&b->rng, MAX(b->heads[room], 1)),
        .count_max = 50,
        .bytes_max = 65536,
    };
    s->began_us = io_clock_us(b->io);
    store_read(b->store, &s->read);
}

static void read_next(struct slot *s)
{
    s->bench->begun++;
    read_page(s);
}

static void read_done(struct store_req *req)
{
    struct slot *s = CONTAINER_OF(req, struct slot, read.req);
    struct bench *b = s->bench;

    must(req->result == STORE_OK, "a read failed");
    frame_unref(s->read.ret_block);
    if (s->reads_beside) {
        hist_add(&b->beside_us, io_clock_us(b->io) - s->began_us, 1);
        s->reads_beside = b->begun < b->set.n;
        if (s->reads_beside)
            read_page(s);
        return;
    }
    hist_add(&b->us, io_clock_us(b->io) - s->began_us, 1);
    b->ended++;
    if (b->begun < b->set.n)
        read_next(s);
}

static void run(struct bench *b, const char *what, void (*next)(struct slot *s), uint64_t window)
{
    double cpu = cpu_s();
    uint64_t began_us = io_clock_us(b->io);
    struct store_stats before, after;
    double s;

    hist_init(&b->us);
    b->begun = b->ended = 0;
    store_stats(b->store, &before);
    for (uint64_t i = 0; i < window && b->begun < b->set.n; i++)
        next(&b->slots[i]);
    while (b->ended < b->begun || b->slots[b->set.window].reads_beside)
        io_wait(b->io, IO_FOREVER);
    s = (double)(io_clock_us(b->io) - began_us) / 1e6;
    store_stats(b->store, &after);
    (void)printf(
        "%s: %llu in %.2f s: %.0f/s, %.2f us of CPU each; us p50 %llu p99 %llu max %llu; "
        "commits %llu, fold %.2f s, checkpoints %llu in %.2f s\n",
        what, (unsigned long long)b->ended, s, (double)b->ended / s,
        (cpu_s() - cpu) * 1e6 / (double)b->ended, (unsigned long long)hist_quantile(&b->us, 0.5),
        (unsigned long long)hist_quantile(&b->us, 0.99), (unsigned long long)hist_max(&b->us),
        (unsigned long long)(after.commits - before.commits),
        (double)(after.fold_us - before.fold_us) / 1e6,
        (unsigned long long)(after.checkpoints - before.checkpoints),
        (double)(after.checkpoint_us - before.checkpoint_us) / 1e6);
}

static void run_beside(struct bench *b)
{
    struct slot *reader = &b->slots[b->set.window];

    hist_init(&b->beside_us);
    b->begun = 0;
    reader->reads_beside = true;
    read_page(reader);
    run(b, "append again", append_next, b->set.window);
    (void)printf("pages of 50 beside it, one at a time: %llu; us p50 %llu p99 %llu max %llu\n",
                 (unsigned long long)b->beside_us.n,
                 (unsigned long long)hist_quantile(&b->beside_us, 0.5),
                 (unsigned long long)hist_quantile(&b->beside_us, 0.99),
                 (unsigned long long)hist_max(&b->beside_us));
}

static void parse(struct settings *set, const char *arg)
{
    static const struct {
        const char *name;
        size_t at;
    } known[] = {
        {"n=", offsetof(struct settings, n)},
        {"rooms=", offsetof(struct settings, rooms)},
        {"window=", offsetof(struct settings, window)},
        {"size=", offsetof(struct settings, size)},
        {"readers=", offsetof(struct settings, readers)},
    };

    for (size_t i = 0; i < COUNTOF(known); i++) {
        uint64_t v;

        if (!str_starts(str_of(arg), str_of(known[i].name)))
            continue;
        must(str_to_u64(str_of(arg + strlen(known[i].name)), &v) && v > 0, arg);
        memcpy((char *)set + known[i].at, &v, sizeof(v));
        return;
    }
    must(false, arg);
}

int main(int argc, char **argv)
{
    static struct bench b = {.set = {200000, 1000, 400, 150, 1}};
    char *bytes;

    must(argc > 1, "give a directory");
    b.dir = argv[1];
    for (int i = 2; i < argc; i++)
        parse(&b.set, argv[i]);
    b.set.window = MIN(b.set.window, b.set.rooms);
    bytes = calloc(1, b.set.size);
    b.slots = calloc(b.set.window + 1, sizeof(*b.slots));
    b.heads = calloc(b.set.rooms, sizeof(*b.heads));
    b.queue = calloc(b.set.rooms, sizeof(*b.queue));
    must(bytes != NULL && b.slots != NULL && b.heads != NULL && b.queue != NULL, "no memory");
    rng_init(&b.rng, 1);
    for (uint64_t i = 0; i < b.set.size; i++)
        bytes[i] = (char)('a' + rng_below(&b.rng, 26));
    b.entry = (struct str){(uint8_t *)bytes, b.set.size};
    for (uint64_t i = 0; i < b.set.rooms; i++)
        b.queue[i] = i;
    b.queue_n = b.set.rooms;
    for (uint64_t i = 0; i <= b.set.window; i++)
        b.slots[i].bench = &b;
    must(host_epoll_new(&b.host) == 0 && host_io_new(b.host, &b.io) == 0, "no loop");
    open_store(&b);
    run(&b, "append", append_next, b.set.window);
    run(&b, "put", put_next, b.set.window);
    store_close(b.store);
    open_store(&b);
    run_beside(&b);
    b.set.n = MIN(b.set.n, (uint64_t)50000);
    run(&b, "page of 50, one at a time", read_next, 1);
    run(&b, "page of 50, many at once", read_next, b.set.window);
    store_close(b.store);
    io_free(b.io);
    host_free(b.host);
    free(bytes);
    free(b.slots);
    free(b.heads);
    free(b.queue);
    return 0;
}
