/* history: a page of a room's log. The log view is a range of entries as they
 * were appended; the message view is a range of messages with what has become of
 * them. Reads from the store until the page is full. */
#include "base/mem.h"
#include "chat/model/event.h"
#include "chat/model/lost.h"
#include "chat/room/commands.h"
#include "chat/room/owner.h"

#include "base/str.h"

#include <limits.h>
#include <stdlib.h>

#define LIMIT_DEFAULT 50
#define BLOCKS_MAX 32
#define CHUNK_MIN 64
#define CHUNK_BYTES (32u * 1024 * 1024)   /* the whole range, however long its texts are */
#define PAGE_BYTES_MAX (8u * 1024 * 1024) /* where no limit is set */

/* One entry of the page; bytes lie in one of the blocks. */
struct history_line {
    uint64_t seq;
    struct str bytes;
};

struct history_page {
    struct call *call;
    bool backwards; /* the newest before `low`; else the oldest after `high` */
    bool log;
    uint64_t low, high; /* read so far: low .. high */
    uint64_t head;      /* when access was checked: nothing beyond it is shown */
    unsigned step;      /* how many entries one read asks for at most */
    unsigned limit, lines_n, lines_cap;
    struct history_line *lines;
    size_t bytes, bytes_max; /* of the entries so far; more are not read */
    struct frame *blocks[BLOCKS_MAX + 1];
    unsigned blocks_n;
    struct frame *amends;
    struct lost lost; /* of what was read */
};

static void page_free(struct history_page *p)
{
    for (unsigned i = 0; i < p->blocks_n; i++)
        frame_unref(p->blocks[i]);
    frame_unref(p->amends);
    free(p->lines);
    free(p);
}

static void page_fail(struct history_page *p, enum store_result result)
{
    struct call *call = p->call;

    assert(call->state == p && result != STORE_OK);
    call->state = NULL;
    page_free(p);
    call_fail_store(call, result);
}

static void page_read(struct store_req *req);

static void read_range(struct history_page *p, uint64_t from, unsigned n)
{
    struct call *call = p->call;
    struct room *r = call->room;

    assert(n > 0 && from > 0);
    (void)call_request(call, r->owner, page_read);
    call->q.read.room = room_id(r);
    call->q.read.from = from;
    call->q.read.count_max = n;
    call->q.read.bytes_max = CHUNK_BYTES;
    store_read(r->owner->store, &call->q.read);
}

/* What is lost may have been a message. */
static bool wanted(struct history_page *p, const struct store_item *item)
{
    struct entry e;

    if (entry_decode(item->body, &e) != ENTRY_OK)
        return false;
    lost_note(&p->lost, item->key, &e);
    return p->log || e.kind == ENTRY_MESSAGE || e.kind == ENTRY_LOST;
}

static void lines_reserve(struct history_page *p, unsigned n)
{
    assert(p->lines_n <= p->lines_cap);
    if (p->lines_n + n <= p->lines_cap)
        return;
    p->lines_cap = p->lines_n + n;
    p->lines = mem_resize(p->lines, p->lines_cap * sizeof(*p->lines));
}

/* Takes the block's entries up to seq `to` in; lines stay in order of seq. */
static void take_block(struct history_page *p, struct frame *block, unsigned n, uint64_t to)
{
    struct store_item item;
    unsigned taken = 0, before = p->lines_n;
    size_t at = 0;

    assert(p->blocks_n < BLOCKS_MAX);
    p->blocks[p->blocks_n++] = block;
    lines_reserve(p, n);
    while (store_block_next(block, &at, &item) && item.key <= to) {
        if (wanted(p, &item)) {
            p->lines[before + taken] = (struct history_line){item.key, item.body};
            p->bytes += item.body.n;
            taken++;
        }
        if (!p->backwards)
            p->high = item.key;
    }
    p->lines_n += taken;
    if (p->backwards && before > 0 && taken > 0) { /* older ones go in front */
        struct history_line *older = mem_bytes(taken * sizeof(*older));

        memcpy(older, p->lines + before, taken * sizeof(*older));
        memmove(p->lines + taken, p->lines, before * sizeof(*older));
        memcpy(p->lines, older, taken * sizeof(*older));
        free(older);
    }
}

static void put_line(struct history_page *p, const struct history_line *l, size_t *amends_at,
                     struct store_item *amend_item, struct buf *out)
{
    struct room *r = p->call->room;
    const struct access_purge *purge;
    struct amend amend;
    struct entry e;
    bool amended = false;

    if (entry_decode(l->bytes, &e) != ENTRY_OK)
        return;
    while (p->amends != NULL && amend_item->key < l->seq)
        if (!store_block_next(p->amends, amends_at, amend_item))
            amend_item->key = UINT64_MAX;
    if (p->amends != NULL && amend_item->key == l->seq)
        amended = amend_decode(amend_item->body, &amend) == AMEND_OK;
    purge = e.kind == ENTRY_MESSAGE || e.kind == ENTRY_EDIT
                ? access_purged(&r->access, e.from_id, l->seq)
                : NULL;
    if (purge != NULL) { /* its text is on its way out of the store */
        entry_redact(&e);
        amend = (struct amend){
            .deleted = true, .target = l->seq, .rev = MAX(amended ? amend.rev : 0, purge->seq)};
        amended = !p->log;
    }
    event_encode(out, room_id(r), l->seq, &e, amended ? &amend : NULL);
}

/* Which of the lines fit the limits: first .. first+n-1. offsets are those of
 * their texts. */
static void choose(const struct history_page *p, const size_t *offsets, unsigned *ret_first,
                   unsigned *ret_n)
{
    size_t used = 0;
    unsigned n = 0;

    while (n < p->lines_n && n < p->limit) {
        unsigned i = p->backwards ? p->lines_n - 1 - n : n;
        size_t size = offsets[i + 1] - offsets[i] + 1;

        if (n > 0 && used + size > p->bytes_max)
            break;
        used += size;
        n++;
    }
    assert(n <= p->lines_n);
    *ret_n = n;
    *ret_first = p->backwards ? p->lines_n - n : 0;
}

static void cmd_history_finish(struct history_page *p)
{
    struct call *call = p->call;
    struct room *r = call->room;
    struct json_out *o = &call->out;
    struct buf text CLEANUP(buf_fini);
    size_t *offsets = mem_zeroed((size_t)p->lines_n + 1, sizeof(*offsets)), at = 0;
    struct store_item amend_item = {0};
    unsigned first, n;
    bool more;

    assert(call->state == p);
    room_lost(r, &p->lost);
    buf_init(&text, SIZE_MAX / 2); /* the lines are few, and their texts limited */
    for (unsigned i = 0; i < p->lines_n; i++) {
        put_line(p, &p->lines[i], &at, &amend_item, &text);
        offsets[i + 1] = buf_len(&text);
    }
    choose(p, offsets, &first, &n);
    json_out_key(o, "entries");
    json_out_array(o);
    for (unsigned i = first; i < first + n; i++)
        json_out_raw(o, (struct str){buf_peek(&text).p + offsets[i], offsets[i + 1] - offsets[i]});
    json_out_array_end(o);
    more = n < p->lines_n || (p->backwards ? p->low > r->first : p->high < r->head);
    json_out_field_bool(o, "more", more);
    room_describe_head(r, o);
    json_out_field_u64(o, "epoch", r->epoch);
    free(offsets);
    call->state = NULL;
    page_free(p);
    call_ok(call);
}

/* Reading took a while: what was read may go out only to who may still read. */
static void cmd_history_end(struct history_page *p)
{
    struct call *call = p->call;
    struct room *r = call->room;
    enum error_code e =
        access_read(&r->access, call->who.user, call->who.super, owner_wall_ms(r->owner));

    assert(call->state == p);
    if (e == ERROR_NONE) {
        cmd_history_finish(p);
        return;
    }
    call->state = NULL;
    page_free(p);
    call_fail(call, e);
}

static void amends_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct history_page *p = call->state;

    assert(p->call == call);
    if (req->result != STORE_OK) {
        page_fail(p, req->result);
        return;
    }
    p->amends = call->q.amends.ret_block;
    cmd_history_end(p);
}

static void read_amends(struct history_page *p)
{
    struct call *call = p->call;
    struct room *r = call->room;

    assert(call->state == p);
    if (p->log || p->lines_n == 0) {
        cmd_history_end(p);
        return;
    }
    (void)call_request(call, r->owner, amends_read);
    call->q.amends.room = room_id(r);
    call->q.amends.from = p->lines[0].seq;
    call->q.amends.to = p->lines[p->lines_n - 1].seq;
    store_amends(r->owner->store, &call->q.amends);
}

/* Reads on, or goes on to the amends when there is enough or no more. */
static void read_more(struct history_page *p)
{
    const struct room *r = p->call->room;
    unsigned missing = p->limit > p->lines_n ? p->limit - p->lines_n : 0;
    unsigned n = MIN(MAX(missing, (unsigned)CHUNK_MIN), p->step);

    if (missing == 0 || p->blocks_n >= BLOCKS_MAX || p->bytes > p->bytes_max) {
        read_amends(p);
    } else if (p->backwards) {
        uint64_t left = p->low > r->first ? p->low - r->first : 0; /* it may have moved */

        if (left == 0) {
            read_amends(p);
            return;
        }
        n = (unsigned)MIN((uint64_t)n, left);
        p->low -= n;
        read_range(p, p->low, n);
    } else if (p->high >= p->head) {
        read_amends(p);
    } else {
        read_range(p, p->high + 1, n);
    }
}

/* The newest of the range are missing, because they are too long for one read: asks
 * for fewer of them, newest first. False: not even one is there. */
static bool read_fewer(struct history_page *p, unsigned asked, unsigned got)
{
    assert(p->backwards && got < asked);
    if (got == 0)
        return false;
    p->low += asked;
    p->step = MAX(MIN(asked / 2, got), 1u);
    read_more(p);
    return true;
}

static void page_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct history_page *p = call->state;
    uint64_t to = p->backwards ? p->low + call->q.read.count_max - 1 : p->head;
    unsigned n = call->q.read.ret_n;

    assert(p->call == call);
    if (req->result != STORE_OK) {
        page_fail(p, req->result);
        return;
    }
    if (p->backwards && n < call->q.read.count_max) {
        frame_unref(call->q.read.ret_block);
        if (!read_fewer(p, call->q.read.count_max, n))
            page_fail(p, STORE_FAILED); /* a hole */
        return;
    }
    take_block(p, call->q.read.ret_block, n, to);
    if (n == 0)
        read_amends(p);
    else
        read_more(p);
}

static struct history_page *page_new(struct room *r, struct call *call)
{
    const struct command *c = &call->cmd;
    size_t limit = r->owner->limits.history_max;
    struct history_page *p = mem_zeroed(1, sizeof(*p));

    p->call = call;
    p->step = UINT_MAX;
    p->head = r->head;
    p->bytes_max = limit > 0 ? limit : PAGE_BYTES_MAX;
    p->log = str_eq(c->view, STR("log"));
    p->limit = c->limit > 0 ? (unsigned)c->limit : LIMIT_DEFAULT;
    p->backwards = !command_has(c, PARAM_after) && !command_has(c, PARAM_around);
    if (p->backwards) {
        p->high =
            command_has(c, PARAM_before) && c->before > 0 ? MIN(c->before - 1, r->head) : r->head;
        p->low = MAX(p->high + 1, r->first);
    } else {
        uint64_t after = c->after;

        if (command_has(c, PARAM_around))
            after = c->around > p->limit / 2 + 1 ? c->around - p->limit / 2 - 1 : 0;
        p->high = MAX(after, r->first - 1);
        p->low = p->high + 1;
    }
    return p;
}

/* The largest seq that the caller must have been told of; 0: none. */
static uint64_t known_seq(const struct command *c)
{
    if (command_has(c, PARAM_after))
        return c->after;
    if (command_has(c, PARAM_around))
        return c->around;
    return command_has(c, PARAM_before) && c->before > 0 ? c->before - 1 : 0;
}

void cmd_history_run(struct room *r, struct call *call)
{
    enum error_code e =
        access_read(&r->access, call->who.user, call->who.super, owner_wall_ms(r->owner));

    if (e == ERROR_NONE && !room_exists(r) && r->access.kind != ACCESS_SELF &&
        r->access.kind != ACCESS_AUDIT)
        e = ERROR_no_such_room;
    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    if (owner_is_ahead(r, call, known_seq(&call->cmd)))
        return;
    call->state = page_new(r, call);
    read_more(call->state);
}
