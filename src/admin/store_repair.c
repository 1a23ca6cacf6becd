#include "admin/store_repair.h"

#include "base/entry.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

#define PAGE 500
#define READ_ENTRIES 1000
#define READ_BYTES (4 * 1024 * 1024)
#define FILL_ENTRIES 64 /* what SQLite has in a page */
#define ENTRY_MAX 32    /* one that says that it is lost */
#define SAY_MS 5000

/* One log, as it is read. */
struct pass {
    struct store_repair *r;
    struct str room;
    uint64_t next;         /* seq */
    uint64_t first, last;  /* what is lost, up to here; first 0: nothing */
    uint64_t count, ts_ms; /* of the last entry that is there */
    uint64_t *said_ms;     /* progress */
};

static void done(struct store_req *req)
{
    req->done = NULL;
}

static enum store_result wait(const struct store_repair *r, struct store_req *req)
{
    while (req->done != NULL)
        io_wait(r->io, IO_FOREVER);
    return req->result;
}

static struct store_req repair_request(const struct store_repair *r)
{
    return (struct store_req){.home = r->io, .done = done};
}

PRINTF_LIKE(2, 3)
static void repair_say(const struct store_repair *r, const char *format, ...)
{
    char line[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    for (char *p = line; *p != '\0'; p++) /* a room's name is a peer's */
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    r->said(r->ctx, line);
}

static void say_progress(const struct store_repair *r, uint64_t *said_ms)
{
    uint64_t now = io_now_ms(r->io);

    if (now < *said_ms + SAY_MS)
        return;
    *said_ms = now;
    repair_say(r, "... %llu rooms and %llu entries read", (unsigned long long)r->ret_rooms,
               (unsigned long long)r->ret_entries);
}

/* Entries from .. from + n - 1 that say that they are lost, as of the entry before them. */
static enum store_result repair_fill(const struct pass *p, uint64_t from, unsigned n,
                                     uint64_t ts_ms)
{
    struct entry e = {.kind = ENTRY_LOST, .count = p->count, .ts_ms = ts_ms};
    struct str entries[FILL_ENTRIES];
    struct store_fill req = {.req = repair_request(p->r),
                             .room = p->room,
                             .from = from,
                             .entries = entries,
                             .entries_n = n};
    struct buf bytes CLEANUP(buf_fini);

    buf_init(&bytes, ENTRY_MAX);
    entry_encode(&e, &bytes);
    assert(!bytes.failed && n <= FILL_ENTRIES);
    for (unsigned i = 0; i < n; i++)
        entries[i] = buf_peek(&bytes);
    store_fill(p->r->store, &req);
    return wait(p->r, &req.req);
}

/* What is lost ends before an entry that is there, of next_ms. */
static void mend(struct pass *p, uint64_t next_ms)
{
    struct store_repair *r = p->r;
    uint64_t ts_ms = p->ts_ms > 0 ? p->ts_ms : MAX(next_ms, (uint64_t)1);
    enum store_result result = STORE_OK;

    r->ret_lost += p->last - p->first + 1;
    for (uint64_t at = p->first; !r->dry_run && at <= p->last && result == STORE_OK;) {
        unsigned n = (unsigned)MIN(p->last - at + 1, (uint64_t)FILL_ENTRIES);

        result = repair_fill(p, at, n, ts_ms);
        r->ret_filled += result == STORE_OK ? n : 0;
        at += n;
    }
    repair_say(r, "room %.*s: entries %llu to %llu are lost%s", STR_ARGS(p->room),
               (unsigned long long)p->first, (unsigned long long)p->last,
               r->dry_run                 ? ""
               : result == STORE_OK       ? ": they say so now"
               : result == STORE_CONFLICT ? ", and somebody else has put entries there"
                                          : ", and the store did not take others in their place");
    p->first = 0;
}

/* Takes one page in. False: it is not what should come. */
static bool repair_take(struct pass *p, const struct frame *block, uint64_t head)
{
    struct store_item item;
    struct entry e;
    size_t at = 0;

    while (p->next <= head && store_block_next(block, &at, &item)) {
        if (item.key != p->next || entry_decode(item.body, &e) != ENTRY_OK)
            return false;
        if (e.kind == ENTRY_LOST && e.ts_ms == 0) {
            p->first = p->first > 0 ? p->first : item.key;
            p->last = item.key;
        } else {
            if (p->first > 0)
                mend(p, e.ts_ms);
            p->count = e.kind == ENTRY_LOST ? p->count : e.count;
            p->ts_ms = MAX(p->ts_ms, e.ts_ms);
        }
        p->next++;
        p->r->ret_entries++;
    }
    return true;
}

/* Can its changes be read? They are not mended: what a message was changed to is lost. */
static bool reads_amends(const struct pass *p, uint64_t from, uint64_t to)
{
    struct store_amends req = {
        .req = repair_request(p->r), .room = p->room, .from = from, .to = to};

    store_amends(p->r->store, &req);
    if (wait(p->r, &req.req) != STORE_OK)
        return false;
    frame_unref(req.ret_block);
    return true;
}

/* NULL, or why the log cannot be read to its end. */
static const char *read_room(struct pass *p)
{
    struct store_log log = {.req = repair_request(p->r), .room = p->room};

    store_log(p->r->store, &log);
    if (wait(p->r, &log.req) != STORE_OK)
        return "its end is damaged: only a backup has it";
    frame_unref(log.ret_last);
    p->next = MAX(log.ret_first, (uint64_t)1);
    while (p->next <= log.ret_head) {
        uint64_t from = p->next;
        struct store_read read = {.req = repair_request(p->r),
                                  .room = p->room,
                                  .from = from,
                                  .count_max = READ_ENTRIES,
                                  .bytes_max = READ_BYTES};
        bool whole;

        store_read(p->r->store, &read);
        if (wait(p->r, &read.req) != STORE_OK)
            return "it cannot be read from there on";
        whole = repair_take(p, read.ret_block, log.ret_head) && p->next > from;
        frame_unref(read.ret_block);
        if (!whole)
            return "what is there is no entry";
        if (!reads_amends(p, from, p->next - 1))
            return "changes of its messages are damaged: only a backup has them";
        say_progress(p->r, p->said_ms);
    }
    return NULL;
}

static void repair_room(struct store_repair *r, struct str room, uint64_t *said_ms)
{
    struct pass p = {.r = r, .room = room, .said_ms = said_ms};
    const char *why = read_room(&p);

    r->ret_rooms++;
    if (why == NULL)
        return;
    r->ret_failed++;
    repair_say(r, "room %.*s, before entry %llu: %s", STR_ARGS(room), (unsigned long long)p.next,
               why);
}

static void say_end(const struct store_repair *r)
{
    repair_say(
        r, "%llu rooms, %llu entries read: %llu lost, %llu say so now, %llu rooms cannot be read",
        (unsigned long long)r->ret_rooms, (unsigned long long)r->ret_entries,
        (unsigned long long)r->ret_lost, (unsigned long long)r->ret_filled,
        (unsigned long long)r->ret_failed);
    if (r->dry_run && r->ret_lost > 0)
        repair_say(r,
                   "nothing was changed: without --dry-run, entries take their place that say so");
    if (r->ret_lost > 0)
        repair_say(
            r, "who was invited or removed there is forgotten: look at the members of these rooms");
}

int store_repair(struct store_repair *r, char ret_why[static STORE_REPAIR_WHY_MAX])
{
    struct frame *cursor = NULL;
    uint64_t said_ms = io_now_ms(r->io);

    do {
        struct store_walk walk = {.req = repair_request(r),
                                  .kind = STORE_WALK_ROOMS,
                                  .limit = PAGE,
                                  .cursor = cursor != NULL ? frame_str(cursor) : STR("")};
        struct store_kept kept;
        size_t at = 0;

        store_walk(r->store, &walk);
        if (wait(r, &walk.req) != STORE_OK) {
            frame_unref(cursor);
            (void)snprintf(ret_why, STORE_REPAIR_WHY_MAX, "the store's rooms cannot be listed");
            return -1;
        }
        while (store_walk_next(walk.ret_block, &at, &kept))
            repair_room(r, kept.name, &said_ms);
        frame_unref(walk.ret_block);
        frame_unref(cursor);
        cursor = walk.ret_cursor;
    } while (cursor != NULL);
    say_end(r);
    return 0;
}
