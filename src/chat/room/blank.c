#include "chat/room/blank.h"

#include "base/amend.h"
#include "base/str.h"

#define STEP_BYTES (1024 * 1024)
#define BYTES_MAX (32 * 1024 * 1024)

_Static_assert(BLANK_STEP <= STORE_AMENDS_MAX, "what a step takes is one append");

/* Whose step it is: a call of nobody has its blank as its state. */
static struct blank *blank_of(struct store_req *req)
{
    struct call *call = call_of(req);

    assert(call->state != NULL);
    return call->state;
}

static void blank_end(struct blank *b, bool ok)
{
    b->call->state = NULL;
    b->ready(b, ok && !b->entries.failed && !b->states.failed);
}

static void blank_add(struct blank *b, uint64_t seq, const struct entry *kept)
{
    assert(b->n < BLANK_STEP);
    entry_encode(kept, &b->entries);
    b->at[b->n++] = (struct blank_entry){
        .seq = seq, .entry_end = buf_len(&b->entries), .state_end = buf_len(&b->states)};
}

static void blank_states_read(struct store_req *req)
{
    struct blank *b = blank_of(req);
    struct frame *block = b->call->q.amends.ret_block;
    struct store_item item;
    size_t at = 0;
    bool more;

    if (req->result != STORE_OK) {
        blank_end(b, false);
        return;
    }
    more = store_block_next(block, &at, &item);
    for (unsigned i = 0; i < b->n; i++) {
        struct amend amend = {.deleted = true, .target = b->at[i].seq, .rev = b->to};

        while (more && item.key < b->at[i].seq)
            more = store_block_next(block, &at, &item);
        b->at[i].has_state = more && item.key == b->at[i].seq;
        if (b->at[i].has_state)
            amend_encode(&amend, &b->states);
        b->at[i].state_end = buf_len(&b->states);
    }
    frame_unref(block);
    blank_end(b, true);
}

/* Takes in what was read, up to the first entry that is not to be taken. */
static void take_entries(struct blank *b, const struct frame *block)
{
    struct store_item item;
    struct entry e;
    size_t at = 0;

    while (b->to + 1 - b->from < BLANK_STEP && store_block_next(block, &at, &item) &&
           item.key == b->to + 1) {
        bool stays = entry_decode(item.body, &e) != ENTRY_OK || e.kind == ENTRY_LOST;

        if (stays)
            e = (struct entry){.kind = ENTRY_LOST};
        if (!b->takes(b, item.key, &e, &stays))
            return;
        b->to = item.key;
        if (!stays)
            blank_add(b, item.key, &e);
    }
    b->all = b->to + 1 - b->from == BLANK_STEP;
}

static void blank_entries_read(struct store_req *req)
{
    struct blank *b = blank_of(req);
    struct call *call = b->call;

    if (req->result != STORE_OK) {
        blank_end(b, false);
        return;
    }
    take_entries(b, call->q.read.ret_block);
    frame_unref(call->q.read.ret_block);
    if (b->n == 0) {
        blank_end(b, true);
        return;
    }
    (void)call_request(call, b->room->owner, blank_states_read);
    call->q.amends.room = room_id(b->room);
    call->q.amends.from = b->from;
    call->q.amends.to = b->to;
    store_amends(b->room->owner->store, &call->q.amends);
}

void blank_init(struct blank *b, struct room *r, struct call *call)
{
    assert(r->state == ROOM_READY && call->state == NULL);
    b->room = r;
    b->call = call;
    buf_init(&b->entries, BYTES_MAX);
    buf_init(&b->states, BYTES_MAX);
}

void blank_fini(struct blank *b)
{
    buf_fini(&b->entries);
    buf_fini(&b->states);
}

void blank_read(struct blank *b, uint64_t from)
{
    struct call *call = b->call;

    assert(from > 0 && call->state == NULL);
    call->state = b;
    b->n = 0;
    b->all = false;
    buf_clear(&b->entries);
    buf_clear(&b->states);
    b->from = from;
    b->to = from - 1;
    (void)call_request(call, b->room->owner, blank_entries_read);
    call->q.read.room = room_id(b->room);
    call->q.read.from = from;
    call->q.read.count_max = BLANK_STEP;
    call->q.read.bytes_max = STEP_BYTES;
    store_read(b->room->owner->store, &call->q.read);
}

static struct str blank_part(const struct buf *b, size_t from, size_t to)
{
    return (struct str){buf_peek(b).p + from, to - from};
}

unsigned blank_amends(struct blank *b)
{
    assert(b->n <= BLANK_STEP);
    for (unsigned i = 0; i < b->n; i++) {
        size_t entry = i > 0 ? b->at[i - 1].entry_end : 0;
        size_t state = i > 0 ? b->at[i - 1].state_end : 0;

        b->amends[i] = (struct store_amend){
            .target = b->at[i].seq, .redacted = blank_part(&b->entries, entry, b->at[i].entry_end)};
        if (b->at[i].has_state)
            b->amends[i].state = blank_part(&b->states, state, b->at[i].state_end);
    }
    return b->n;
}
