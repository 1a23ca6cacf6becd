#include "chat/room/retain.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/room/again.h"
#include "chat/room/append.h"
#include "chat/room/blank.h"

#include <stdlib.h>

#define SCAN 256
#define SCAN_BYTES (1024 * 1024)
/* Reads before `first` moves: more go on behind it. */
#define SCANS_MAX 16
/* What is too old is looked for again after so long, or later. */
#define LOOK_LEAST_MS 60000
#define LOOK_MOST_MS 3600000
#define SETTINGS_BYTES_MAX 65536

struct retain {
    struct call call; /* of nobody */
    struct blank blank;
    struct room *room;
    struct buf settings;
    char *title;           /* a copy: the room's own goes when the entry is taken in */
    uint64_t to, count;    /* entries up to `to` need not be kept; messages up to there */
    uint64_t age_ms, most; /* by these */
    unsigned scans;
};

static void retain_next(struct retain *t);

static uint64_t shorter(uint64_t a, uint64_t b)
{
    return a == 0 ? b : b == 0 ? a : MIN(a, b);
}

static uint64_t retain_age_ms(const struct room *r)
{
    return shorter(access_settings(&r->access)->retain_s * 1000, r->owner->limits.retain_age_ms);
}

static uint64_t retain_count(const struct room *r)
{
    return shorter(access_settings(&r->access)->retain_n, r->owner->limits.retain_count);
}

static void retain_end(struct retain *t)
{
    struct room *r = t->room;

    assert(r->retaining && t->call.state == NULL);
    r->retaining = false;
    t->call.room = NULL;
    t->call.keeper = NULL;
    blank_fini(&t->blank);
    buf_fini(&t->settings);
    free(t->title);
    call_fini(&t->call);
    free(t);
    room_release(r);
}

/* The store failed, or the log has no more, though it should. */
static void retain_fail(struct retain *t)
{
    t->room->retain_ms = 0; /* what is too old is looked for anew */
    again_later(t->room);
    retain_end(t);
}

/* What is before first and has its content. */
static bool is_unblanked(const struct room *r)
{
    const struct settings *s = access_settings(&r->access);

    return s->blanked + 1 < s->first;
}

static bool is_due(const struct room *r)
{
    const struct settings *s = access_settings(&r->access);
    uint64_t n = r->count > s->first_count ? r->count - s->first_count : 0;
    uint64_t most = retain_count(r);

    if (r->access.kind == ACCESS_SELF || r->access.kind == ACCESS_AUDIT || s->deleted || n == 0)
        return false;
    if (most > 0 && n >= most + BLANK_STEP)
        return true;
    return retain_age_ms(r) > 0 &&
           (owner_now_ms(r->owner) >= r->retain_ms || r->retain_age_ms != retain_age_ms(r));
}

/* The entry: the settings as they are, but for what this step comes to. */
static void retain_propose_entry(struct retain *t, const struct settings *s)
{
    struct room *r = t->room;

    free(t->title);
    t->title = str_dup(str_of(r->access.title != NULL ? r->access.title : ""));
    buf_clear(&t->settings);
    settings_encode(s, &t->settings);
    t->call.entry = (struct entry){
        .kind = ENTRY_ROOM, .title = str_of(t->title), .settings = buf_peek(&t->settings)};
}

static void retain_appended(struct room *r, struct call *call)
{
    struct retain *t = CONTAINER_OF(call, struct retain, call);

    assert(t->room == r && r->retaining);
    call->amends = NULL;
    call->amends_n = 0;
    again_worked(r);
    retain_next(t);
}

static void retain_propose(struct retain *t, call_propose_f *propose)
{
    t->call.alone = true;
    t->call.propose = propose;
    t->call.appended = retain_appended;
    append_propose(t->room, &t->call);
}

/* The content of what is before first. */

static bool blank_takes(struct blank *b, uint64_t seq, struct entry *kept, bool *ret_stays)
{
    bool said = kept->kind == ENTRY_MESSAGE || kept->kind == ENTRY_EDIT ||
                kept->kind == ENTRY_DELETE || kept->kind == ENTRY_REACT;

    if (seq >= access_settings(&b->room->access)->first)
        return false;
    *ret_stays = *ret_stays || !said;
    if (said) {
        entry_redact(kept);
        kept->cid = kept->emoji = kept->unknown = (struct str){0};
    }
    return true;
}

static enum call_proposal blank_propose(struct room *r, struct call *call)
{
    struct retain *t = CONTAINER_OF(call, struct retain, call);
    struct settings s = *access_settings(&r->access);

    assert(t->room == r && r->retaining);
    if (append_next_seq(r) != r->head + 1)
        return CALL_LATER; /* it goes alone: its amends are its batch's */
    if (s.deleted || t->blank.from != MAX(s.blanked + 1, r->kept)) {
        retain_next(t); /* another node has done it */
        return CALL_PARKED;
    }
    s.blanked = t->blank.to;
    retain_propose_entry(t, &s);
    call->amends_n = blank_amends(&t->blank);
    call->amends = t->blank.amends;
    return CALL_APPEND;
}

static void blank_ready(struct blank *b, bool ok)
{
    struct retain *t = CONTAINER_OF(b, struct retain, blank);

    if (!ok || b->to < b->from)
        retain_fail(t);
    else
        retain_propose(t, blank_propose);
}

/* Up to where nothing need be kept. */

static enum call_proposal first_propose(struct room *r, struct call *call)
{
    struct retain *t = CONTAINER_OF(call, struct retain, call);
    struct settings s = *access_settings(&r->access);

    assert(t->room == r && r->retaining);
    if (t->age_ms != retain_age_ms(r) || t->most != retain_count(r)) {
        r->retain_ms = 0; /* more is to be kept, or less: looked for anew */
        retain_next(t);
        return CALL_PARKED;
    }
    if (s.deleted || s.first > t->to) {
        retain_next(t); /* another node has done it */
        return CALL_PARKED;
    }
    s.first = t->to + 1;
    s.first_count = t->count;
    retain_propose_entry(t, &s);
    return CALL_APPEND;
}

/* What stays will be too old later. */
static void look_later(struct room *r, uint64_t ts_ms)
{
    uint64_t end = ts_ms + retain_age_ms(r), now = owner_wall_ms(r->owner);
    uint64_t wait = end > now ? end - now : 0;

    r->retain_age_ms = retain_age_ms(r);
    r->retain_ms =
        owner_now_ms(r->owner) + MIN(MAX(wait, (uint64_t)LOOK_LEAST_MS), (uint64_t)LOOK_MOST_MS);
}

static bool is_doomed(const struct room *r, const struct entry *e)
{
    uint64_t age_ms = retain_age_ms(r), most = retain_count(r);

    return (most > 0 && e->count + most <= r->count) ||
           (age_ms > 0 && e->ts_ms + age_ms <= owner_wall_ms(r->owner));
}

/* Takes in what need not be kept. False at the first entry that stays. */
static bool scan_block(struct retain *t, const struct frame *block)
{
    struct store_item item;
    struct entry e;
    size_t at = 0;

    while (store_block_next(block, &at, &item) && item.key == t->to + 1 &&
           item.key <= t->room->head) {
        bool lost = entry_decode(item.body, &e) != ENTRY_OK || e.kind == ENTRY_LOST;

        if (!lost && !is_doomed(t->room, &e)) {
            look_later(t->room, e.ts_ms);
            return false;
        }
        t->to = item.key;
        if (!lost)
            t->count = e.count;
    }
    return true;
}

static void scan_read(struct store_req *req);

static void scan_more(struct retain *t)
{
    struct room *r = t->room;

    assert(r->retaining && t->to + 1 >= r->first);
    t->scans++;
    (void)call_request(&t->call, r->owner, scan_read);
    t->call.q.read.room = room_id(r);
    t->call.q.read.from = t->to + 1;
    t->call.q.read.count_max = SCAN;
    t->call.q.read.bytes_max = SCAN_BYTES;
    store_read(r->owner->store, &t->call.q.read);
}

static void scan_read(struct store_req *req)
{
    struct retain *t = CONTAINER_OF(call_of(req), struct retain, call);
    struct room *r = t->room;
    bool more;

    if (req->result != STORE_OK) {
        retain_fail(t);
        return;
    }
    more = scan_block(t, t->call.q.read.ret_block) && t->call.q.read.ret_n > 0;
    frame_unref(t->call.q.read.ret_block);
    if (more && t->to < r->head && t->scans < SCANS_MAX) {
        scan_more(t);
        return;
    }
    if (t->to >= r->head)
        look_later(r, owner_wall_ms(r->owner));
    if (t->to >= r->first &&
        (t->count > access_settings(&r->access)->first_count || t->scans == SCANS_MAX))
        retain_propose(t, first_propose);
    else
        retain_end(t);
}

static void retain_next(struct retain *t)
{
    struct room *r = t->room;

    assert(r->retaining && r->state == ROOM_READY);
    if (r->owner->settles) {
        again_settled(r);
        retain_end(t);
    } else if (is_unblanked(r)) {
        blank_read(&t->blank, MAX(access_settings(&r->access)->blanked + 1, r->kept));
    } else if (is_due(r)) {
        t->scans = 0;
        t->to = r->first - 1;
        t->count = access_settings(&r->access)->first_count;
        t->age_ms = retain_age_ms(r);
        t->most = retain_count(r);
        scan_more(t);
    } else {
        room_save(r, true);
        retain_end(t);
    }
}

/* The store failed while it was queued. */
static void retain_keeper_end(struct call *call)
{
    retain_fail(CONTAINER_OF(call, struct retain, call));
}

static const struct call_keeper retain_keeper = {.end = retain_keeper_end};

void retain_on(struct room *r)
{
    struct retain *t;

    if (r->retaining || r->owner->settles || r->state != ROOM_READY || !room_exists(r) ||
        access_settings(&r->access)->deleted || (!is_unblanked(r) && !is_due(r)))
        return;
    t = mem_zeroed(1, sizeof(*t));
    call_init(&t->call, 1);
    blank_init(&t->blank, r, &t->call);
    t->blank.takes = blank_takes;
    t->blank.ready = blank_ready;
    buf_init(&t->settings, SETTINGS_BYTES_MAX);
    t->room = r;
    t->call.room = r;
    t->call.keeper = &retain_keeper;
    r->retaining = true;
    room_hold(r);
    retain_next(t);
}
