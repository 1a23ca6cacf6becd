#include "serverless/deliver.h"

#include "base/entry.h"
#include "base/mem.h"
#include "base/str.h"
#include "chat/model/act.h"
#include "chat/model/event.h"
#include "chat/model/keys.h"
#include "serverless/lease.h"
#include "serverless/loss.h"

#include <stdlib.h>

#define TRIES_MAX 5
#define AGAIN_MS 50 /* doubled with each try */
#define PAGE 1000

enum state { LOOK, HEAD, TAKE, LIST, READ, ACCESS, SEND, GIVE, AGAIN, OVER };

static const uint16_t moves[] = {
    [LOOK] = 1 << HEAD | 1 << TAKE | 1 << OVER,
    [HEAD] = 1 << TAKE | 1 << OVER,
    [TAKE] = 1 << LIST | 1 << OVER,
    [LIST] = 1 << READ | 1 << GIVE | 1 << OVER,
    [READ] = 1 << ACCESS | 1 << SEND | 1 << OVER,
    [ACCESS] = 1 << SEND | 1 << OVER,
    [SEND] = 1 << READ | 1 << GIVE | 1 << OVER,
    [GIVE] = 1 << AGAIN | 1 << OVER,
    [AGAIN] = 1 << TAKE | 1 << OVER,
};

struct deliver_run {
    struct deliver *d;
    enum state state;
    unsigned tries;
    enum deliver_result result;
    struct lease lease;
    bool stolen;
    struct wheel_timer renew, again;
    uint64_t head, run_to, sent;
    struct frame *last; /* the entry at last_seq, or NULL */
    uint64_t last_seq;
    char followers_pk[KEYS_MAX];
    struct frame **pages; /* of followers: what fan.to borrows from */
    unsigned pages_n, to_cap;
    uint64_t followers_n;
    uint64_t access; /* as the row has it, and what was sent since */
    bool doubts;     /* a follower's row is older than that */
    struct fan fan;
    struct buf text;
    struct fan_entry entries[DELIVER_ENTRIES_MAX];
    struct loss loss; /* who may read no more behind which of the entries */
    union {
        struct store_req req;
        struct store_log log;
        struct store_list list;
        struct store_read read;
    } q;
};

static void deliver_move(struct deliver_run *r, enum state state)
{
    assert(r->state < OVER && (moves[r->state] & 1 << state) != 0);
    r->state = state;
    r->tries = 0;
}

static struct deliver_run *run_of(struct store_req *req)
{
    return CONTAINER_OF(req, struct deliver_run, q.req);
}

static uint64_t now_ms(const struct deliver_run *r)
{
    return io_now_ms(r->d->home);
}

/* The end. */

static void drop_entries(struct deliver_run *r)
{
    for (unsigned i = 0; i < r->fan.entries_n; i++)
        frame_unref(r->entries[i].array);
    r->fan.entries_n = 0;
    loss_clear(&r->loss);
    buf_clear(&r->text);
}

static void drop_followers(struct deliver_run *r)
{
    for (unsigned i = 0; i < r->pages_n; i++)
        frame_unref(r->pages[i]);
    r->pages_n = 0;
    r->fan.to_n = 0;
}

/* What is under way of the lease ends first (lease_done). */
static void deliver_over(struct deliver_run *r, enum deliver_result result)
{
    struct deliver *d = r->d;
    uint64_t wall = store_wall_ms(d->store, d->home);

    r->result = result;
    if (r->state != OVER)
        deliver_move(r, OVER);
    wheel_cancel(d->wheel, &r->renew);
    wheel_cancel(d->wheel, &r->again);
    if (r->lease.ask != LEASE_IDLE)
        return;
    d->ret_result = result;
    d->ret_head = MAX(r->lease.row.fanned, r->sent);
    d->ret_run_to = MAX(r->run_to, r->head);
    d->ret_shards = (uint32_t)r->lease.row.shards;
    d->ret_lease_ms = r->lease.row.until_ms - MIN(r->lease.row.until_ms, wall);
    d->ret_counts = r->fan.counts;
    d->run = NULL;
    drop_entries(r);
    drop_followers(r);
    lease_fini(&r->lease);
    fan_fini(&r->fan);
    buf_fini(&r->text);
    frame_unref(r->last);
    free(r->pages);
    free(r->fan.to);
    free(r);
    d->done(d);
}

/* Asking the store; what fails is asked again. */

static void ask_head(struct deliver_run *r);
static void ask_followers(struct deliver_run *r);
static void ask_entries(struct deliver_run *r);
static void ask_losses(struct deliver_run *r);
static void deliver_take(struct deliver_run *r);

static void ask_failed(struct deliver_run *r, enum store_result result)
{
    if (result == STORE_CANCELED || ++r->tries >= TRIES_MAX) {
        deliver_over(r, DELIVER_FAILED);
        return;
    }
    wheel_set(r->d->wheel, &r->again, now_ms(r) + ((uint64_t)AGAIN_MS << r->tries));
}

static void ask_again(struct wheel_timer *t)
{
    struct deliver_run *r = CONTAINER_OF(t, struct deliver_run, again);

    if (r->state == LIST)
        ask_followers(r);
    else if (r->state == READ)
        ask_entries(r);
    else if (r->state == ACCESS)
        ask_losses(r);
    else
        ask_head(r);
}

static void know_last(struct deliver_run *r, struct frame *last, uint64_t seq)
{
    frame_unref(r->last);
    r->last = last;
    r->last_seq = seq;
}

/* GIVE, and what is behind it. */

/* 5. What others have committed while the lease was ours they left to us. */
static void look_again(struct deliver_run *r, bool moved)
{
    if (!moved && r->sent >= r->run_to)
        deliver_over(r, DELIVER_OK);
    else if (now_ms(r) >= r->d->until_ms || (r->sent < r->run_to && !r->stolen))
        deliver_over(r, DELIVER_MORE);
    else
        deliver_take(r);
}

static void head_read(struct store_req *req)
{
    struct deliver_run *r = run_of(req);

    if (req->result != STORE_OK) {
        ask_failed(r, req->result);
        return;
    }
    know_last(r, r->q.log.ret_last, r->q.log.ret_head);
    r->head = MAX(r->q.log.ret_head, r->head);
    if (r->state == GIVE) /* a mistake that was planted */
        lease_give(&r->lease, r->sent, r->access, r->followers_n);
    else if (r->state == AGAIN)
        look_again(r, r->head > r->run_to);
    else if (r->head <= r->lease.row.fanned)
        deliver_over(r, DELIVER_OK);
    else
        deliver_take(r);
}

static void ask_head(struct deliver_run *r)
{
    r->q.log =
        (struct store_log){.req = {.home = r->d->home, .done = head_read}, .room = r->d->room};
    store_log(r->d->store, &r->q.log);
}

/* 4. */
static void deliver_give(struct deliver_run *r)
{
    if (r->state != GIVE)
        deliver_move(r, GIVE);
    wheel_cancel(r->d->wheel, &r->renew);
    if (r->lease.ask != LEASE_IDLE)
        return; /* lease_done comes back */
    if (r->d->mistake == DELIVER_LOOKS_FIRST)
        ask_head(r);
    else
        lease_give(&r->lease, r->sent, r->access, r->followers_n);
}

static void deliver_gave(struct deliver_run *r, enum lease_result result)
{
    r->stolen = result != LEASE_OK;
    if (result == LEASE_FAILED) {
        deliver_over(r, DELIVER_FAILED);
    } else if (r->result == DELIVER_FORBIDDEN) {
        deliver_over(r, DELIVER_FORBIDDEN);
    } else if (r->stolen && r->lease.tries == 0) {
        deliver_over(r, DELIVER_TAKEN); /* the thief looks at the head, too */
    } else {
        deliver_move(r, AGAIN);
        if (r->d->mistake == DELIVER_LOOKS_FIRST)
            look_again(r, r->head > r->run_to);
        else
            ask_head(r);
    }
}

/* 3. */

static void deliver_sent(struct fan *f)
{
    struct deliver_run *r = CONTAINER_OF(f, struct deliver_run, fan);

    assert(r->state == SEND && f->entries_n > 0);
    if (f->whole)
        r->sent = f->entries[f->entries_n - 1].seq;
    drop_entries(r);
    if (f->canceled) {
        deliver_over(r, DELIVER_FAILED);
        return;
    }
    if (f->forbidden)
        r->result = DELIVER_FORBIDDEN;
    if (!f->whole || r->sent >= r->run_to) {
        deliver_give(r);
        return;
    }
    deliver_move(r, READ);
    ask_entries(r);
}

static uint64_t last_seq(const struct deliver_run *r)
{
    assert(r->fan.entries_n > 0);
    return r->entries[r->fan.entries_n - 1].seq;
}

/* Who was sent nothing of what came before is sent what ends that, or takes it back, and sees the
 * gap. */
static void set_range(struct deliver_run *r, struct fan_to *to)
{
    struct loss_range range = loss_find(&r->loss, to->row.user, to->row.since, last_seq(r));

    if (to->stays) { /* it has come to its end */
        to->from = UINT64_MAX;
        to->end = 0;
    }
    if (range.end > 0) {
        to->from = to->from > 0 ? range.end : range.from;
        to->end = range.end;
    } else if (range.told) {
        to->from = 0;
    }
    to->stays = range.unsure;
}

static void send_entries(struct deliver_run *r)
{
    deliver_move(r, SEND);
    for (unsigned i = 0; i < r->fan.to_n; i++) {
        struct fan_to *to = &r->fan.to[i];

        if ((to->row.flags & ROWS_SUPER) == 0 && (to->end == 0 || to->end > r->sent || to->stays))
            set_range(r, to);
    }
    r->fan.text = buf_peek(&r->text);
    fan_start(&r->fan);
}

/* What is known may be newer than base: of who has lost it nobody can tell whether that was before.
 * They are told the entry that says so, and no more; if it is yet to come, nothing. */
static void end_one(struct deliver_run *r, struct fan_to *to)
{
    struct loss_range range = loss_find(&r->loss, to->row.user, r->sent, last_seq(r));

    if (range.end > 0)
        to->from = range.end; /* and set_range finds the rest */
    else if (loss_known(&r->loss) > last_seq(r))
        to->from = UINT64_MAX;
    else
        to->end = r->sent;
}

/* Those whose row was put while their access ended. */
static void end_lost(struct loss *loss)
{
    struct deliver_run *r = CONTAINER_OF(loss, struct deliver_run, loss);

    for (unsigned i = 0; i < r->fan.to_n && r->doubts; i++) {
        struct fan_to *to = &r->fan.to[i];

        if ((to->row.flags & ROWS_SUPER) == 0 && to->row.since < r->lease.row.access &&
            !loss_reads(loss, to->row.user))
            end_one(r, to);
    }
}

static void losses_known(struct loss *loss)
{
    struct deliver_run *r = CONTAINER_OF(loss, struct deliver_run, loss);

    assert(r->state == ACCESS);
    if (loss->ret_result != STORE_OK) {
        ask_failed(r, loss->ret_result);
        return;
    }
    r->doubts = false;
    send_entries(r);
}

static void ask_losses(struct deliver_run *r)
{
    loss_start(&r->loss, r->sent);
}

static void add_entry(struct deliver_run *r, uint64_t seq, struct str bytes)
{
    struct fan_entry *to = &r->entries[r->fan.entries_n];
    struct entry e;

    if (entry_decode(bytes, &e) != ENTRY_OK)
        return; /* clients see the gap */
    *to = (struct fan_entry){.seq = seq, .at = buf_len(&r->text)};
    event_encode(&r->text, r->d->room, seq, &e, NULL);
    to->n = buf_len(&r->text) - to->at;
    buf_append_byte(&r->text, ',');
    assert(!r->text.failed);
    r->fan.entries_n++;
    if (e.user_id == 0 || (e.kind != ENTRY_MEMBER && e.kind != ENTRY_ACT))
        return;
    loss_add(&r->loss, e.user_id, seq, act_is_kick(&e));
    r->access = MAX(r->access, seq);
}

static void entries_added(struct deliver_run *r)
{
    if (r->fan.entries_n == 0) { /* the log is not what its head said */
        deliver_over(r, DELIVER_FAILED);
    } else if (r->loss.members_n > 0 || r->doubts) {
        deliver_move(r, ACCESS);
        ask_losses(r);
    } else {
        send_entries(r);
    }
}

static void entries_read(struct store_req *req)
{
    struct deliver_run *r = run_of(req);
    struct store_item item;
    size_t at = 0;

    if (req->result != STORE_OK) {
        ask_failed(r, req->result);
        return;
    }
    while (store_block_next(r->q.read.ret_block, &at, &item))
        if (item.key <= r->run_to)
            add_entry(r, item.key, item.body);
    frame_unref(r->q.read.ret_block);
    entries_added(r);
}

static void ask_entries(struct deliver_run *r)
{
    if (r->last != NULL && r->sent + 1 == r->run_to && r->last_seq == r->run_to) {
        add_entry(r, r->run_to, frame_str(r->last));
        entries_added(r);
        return;
    }
    r->q.read = (struct store_read){.req = {.home = r->d->home, .done = entries_read},
                                    .room = r->d->room,
                                    .from = r->sent + 1,
                                    .count_max = DELIVER_ENTRIES_MAX,
                                    .bytes_max = DELIVER_BYTES_MAX};
    store_read(r->d->store, &r->q.read);
}

/* 2. */

static void add_follower(struct deliver_run *r, const struct store_item *item)
{
    struct fan_to to = {.id = item->name, .rev = item->key};

    if (item->name.n == 0 || item->name.n > KEYS_CONN_MAX ||
        !rows_follower_decode(item->body, &to.row))
        return;
    if (r->fan.to_n == r->to_cap) {
        r->to_cap = MAX(r->to_cap * 2, 16u);
        r->fan.to = mem_resize_array(r->fan.to, r->to_cap, sizeof(*r->fan.to));
    }
    r->fan.to[r->fan.to_n++] = to;
    if (to.row.since < r->lease.row.access)
        r->doubts = true;
}

static void followers_listed(struct store_req *req)
{
    struct deliver_run *r = run_of(req);
    struct store_item item;
    size_t at = 0;

    if (req->result != STORE_OK) {
        ask_failed(r, req->result);
        return;
    }
    r->pages = mem_resize_array(r->pages, r->pages_n + 1, sizeof(*r->pages));
    r->pages[r->pages_n++] = r->q.list.ret_block;
    while (store_block_next(r->q.list.ret_block, &at, &item))
        add_follower(r, &item);
    if (r->q.list.ret_n >= PAGE) {
        r->tries = 0;
        ask_followers(r);
        return;
    }
    r->followers_n = r->fan.to_n;
    if (r->fan.to_n == 0) {
        r->sent = r->access = r->run_to; /* nobody has looked at what is there */
        deliver_give(r);
    } else {
        deliver_move(r, READ);
        ask_entries(r);
    }
}

static struct str last_id(const struct deliver_run *r)
{
    struct store_item item = {0};
    size_t at = 0;

    if (r->pages_n > 0)
        while (store_block_next(r->pages[r->pages_n - 1], &at, &item))
            continue;
    return item.name;
}

static void ask_followers(struct deliver_run *r)
{
    r->q.list = (struct store_list){.req = {.home = r->d->home, .done = followers_listed},
                                    .pk = r->fan.pk,
                                    .after = last_id(r),
                                    .limit = PAGE};
    store_list(r->d->store, &r->q.list);
}

/* 1. */

static void set_renewal(struct deliver_run *r)
{
    wheel_set(r->d->wheel, &r->renew, now_ms(r) + LEASE_RENEW_MS);
}

static void deliver_renew(struct wheel_timer *t)
{
    lease_renew(&CONTAINER_OF(t, struct deliver_run, renew)->lease);
}

static void deliver_took(struct deliver_run *r, enum lease_result result)
{
    if (result != LEASE_OK) {
        deliver_over(r, result == LEASE_TAKEN    ? DELIVER_TAKEN
                        : result == LEASE_ABSENT ? DELIVER_NOBODY
                                                 : DELIVER_FAILED);
        return;
    }
    r->run_to = r->lease.row.run_to;
    r->sent = r->lease.row.fanned;
    r->access = r->lease.row.access;
    r->doubts = false;
    if (r->run_to > r->sent + DELIVER_BEHIND_MAX) {
        r->sent = r->run_to - DELIVER_BEHIND_MAX;
        r->access = r->lease.row.access = r->sent;
    }
    r->followers_n = r->lease.row.followers;
    set_renewal(r);
    drop_followers(r);
    deliver_move(r, LIST);
    if (r->sent < r->run_to) {
        ask_followers(r);
    } else {
        deliver_give(r);
    }
}

static void deliver_take(struct deliver_run *r)
{
    if (now_ms(r) >= r->d->until_ms) {
        deliver_over(r, DELIVER_MORE);
        return;
    }
    deliver_move(r, TAKE);
    r->stolen = false;
    lease_take(&r->lease, r->head);
}

static void deliver_looked(struct deliver_run *r, enum lease_result result)
{
    if (result == LEASE_ABSENT) {
        deliver_over(r, DELIVER_NOBODY);
    } else if (result != LEASE_OK) {
        deliver_over(r, DELIVER_FAILED);
    } else if (lease_is_anothers(&r->lease)) {
        deliver_over(r, DELIVER_TAKEN);
    } else if (r->head == 0) {
        deliver_move(r, HEAD);
        ask_head(r);
    } else if (r->head <= r->lease.row.fanned) {
        deliver_over(r, DELIVER_OK);
    } else {
        deliver_take(r);
    }
}

static void lease_done(struct lease *l, enum lease_ask ask, enum lease_result result)
{
    struct deliver_run *r = CONTAINER_OF(l, struct deliver_run, lease);

    if (r->state == OVER) {
        deliver_over(r, r->result);
    } else if (ask == LEASE_LOOK) {
        deliver_looked(r, result);
    } else if (ask == LEASE_TAKE) {
        deliver_took(r, result);
    } else if (ask == LEASE_GIVE) {
        deliver_gave(r, result);
    } else if (r->state == GIVE) {
        deliver_give(r);
    } else if (result == LEASE_OK) {
        set_renewal(r);
    } else { /* it is another's to send; giving it back will tell */
        fan_stop(&r->fan);
    }
}

void deliver_start(struct deliver *d)
{
    struct deliver_run *r = mem_zeroed(1, sizeof(*r));

    assert(d->done != NULL && d->room.n > 0 && d->room.n <= KEYS_ROOM_MAX);
    d->run = r;
    r->d = d;
    r->head = d->head;
    if (d->last != NULL)
        know_last(r, frame_ref(d->last), d->head);
    r->renew.fire = deliver_renew;
    r->again.fire = ask_again;
    buf_init(&r->text, SIZE_MAX / 2);
    r->lease = (struct lease){.store = d->store,
                              .home = d->home,
                              .wheel = d->wheel,
                              .room = d->room,
                              .shard = d->shard,
                              .done = lease_done};
    lease_init(&r->lease);
    r->fan = (struct fan){.store = d->store,
                          .home = d->home,
                          .wheel = d->wheel,
                          .poster = d->poster,
                          .pk = keys_of_followers(d->room, d->shard, r->followers_pk),
                          .until_ms = d->until_ms,
                          .entries = r->entries,
                          .done = deliver_sent};
    fan_init(&r->fan);
    r->loss = (struct loss){.store = d->store,
                            .home = d->home,
                            .room = d->room,
                            .reached = end_lost,
                            .done = losses_known};
    lease_look(&r->lease);
}
