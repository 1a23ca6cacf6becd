#include "serverless/fan.h"

#include "base/frame.h"
#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"

#include <stdlib.h>

#define WAIT_MS 100 /* before a try again; doubled with each, up to */
#define WAIT_MAX_MS 3200

enum slot_state {
    SLOT_IDLE,
    SLOT_STARTS,
    SLOT_POSTS,
    SLOT_WAITS,   /* for its timer, then posts again */
    SLOT_REMOVES, /* the follower's row */
    SLOT_FORGETS, /* the connection's */
};

/* Works on one follower at a time. */
struct fan_slot {
    struct fan *fan;
    struct fan_to *to;
    enum slot_state state;
    unsigned at, end;       /* the entries that it is yet to be sent */
    unsigned n, most;       /* how many are in the frame under way; at most */
    unsigned tries, waited; /* in a row */
    struct frame *array;
    struct poster_req post;
    struct store_put put;
    struct wheel_timer timer;
    struct io_mail mail;
    char pk[KEYS_MAX];
};

static void slot_next(struct fan_slot *s);
static void slot_post(struct fan_slot *s);

/* The slot has nothing to do any more. */
static void slot_end(struct fan_slot *s)
{
    struct fan *f = s->fan;

    assert(s->state != SLOT_IDLE && f->busy_n > 0);
    s->state = SLOT_IDLE;
    if (--f->busy_n == 0)
        f->done(f);
}

void fan_stop(struct fan *f)
{
    if (f->busy_n == 0 || f->stopped)
        return;
    f->stopped = true;
    f->whole = false;
    for (unsigned i = 0; i < FAN_SLOTS; i++) /* their timers end them, at once */
        if (f->slots[i].state == SLOT_WAITS)
            wheel_set(f->wheel, &f->slots[i].timer, 0);
}

/* Removing rows. */

static void row_gone(struct store_req *req);

static void remove_row(struct fan_slot *s, enum slot_state state)
{
    struct fan *f = s->fan;

    s->state = state;
    s->put =
        (struct store_put){.req = {.home = f->home, .done = row_gone}, .pk = f->pk, .remove = true};
    s->put.sk = s->to->id;
    s->put.expect = s->to->rev;
    if (state == SLOT_FORGETS) {
        s->put.pk = keys_of_conn(s->to->id, s->pk);
        s->put.sk = KEYS_CONN;
        s->put.expect = STORE_REV_ANY;
    }
    store_put(f->store, &s->put);
}

static void row_gone(struct store_req *req)
{
    struct fan_slot *s = CONTAINER_OF(req, struct fan_slot, put.req);
    struct fan *f = s->fan;
    enum store_result result = req->result;
    bool known = result == STORE_OK || result == STORE_CONFLICT;

    if (result == STORE_CANCELED) {
        f->canceled = true;
        fan_stop(f);
    }
    if (!known && result != STORE_CANCELED && ++s->tries < FAN_TRIES_MAX) {
        remove_row(s, s->state);
        return;
    }
    if (!known && s->state == SLOT_REMOVES && s->to->end > 0)
        fan_stop(f); /* it would be sent what it may not read */
    if (s->state == SLOT_REMOVES) {
        s->to->gone = known;
        /* A connection that has joined again meanwhile lives. */
        if (result == STORE_OK && s->to->end == 0 && !f->stopped) {
            s->tries = 0;
            remove_row(s, SLOT_FORGETS);
            return;
        }
    }
    slot_next(s);
}

/* Sending. */

/* A frame of the entries from s->at on, an array or a single event. */
static struct str slot_frame(struct fan_slot *s)
{
    const struct fan *f = s->fan;
    struct fan_entry *first = &f->entries[s->at], *last = first;
    size_t n = first->n;
    struct frame *array;

    s->n = 1;
    frame_unref(s->array);
    s->array = NULL;
    if ((s->to->row.flags & ROWS_ARRAYS) == 0)
        return (struct str){f->text.p + first->at, first->n};
    while (s->n < s->most && s->at + s->n < s->end &&
           n + 1 + last[1].n + 2 <= (size_t)FAN_FRAME_MAX) {
        last++;
        n += 1 + last->n;
        s->n++;
    }
    if (s->n == 1)
        return (struct str){f->text.p + first->at, first->n};
    if (first->array != NULL && first->array_n == s->n) {
        s->array = frame_ref(first->array);
        return frame_str(s->array);
    }
    array = frame_new(n + 2);
    array->bytes[0] = '[';
    memcpy(array->bytes + 1, f->text.p + first->at, n);
    array->bytes[n + 1] = ']';
    frame_unref(first->array);
    first->array = frame_ref(array);
    first->array_n = s->n;
    s->array = array;
    return frame_str(array);
}

/* Later, unless the time is up. */
static void slot_wait(struct fan_slot *s)
{
    struct fan *f = s->fan;
    uint64_t now = io_now_ms(f->home),
             ms = MIN((uint64_t)WAIT_MS << MIN(s->waited, 5u), WAIT_MAX_MS);
    uint8_t jitter;

    io_random(f->home, &jitter, 1);
    ms += ms * jitter / 512;
    s->waited++;
    if (now + ms >= f->until_ms)
        fan_stop(f);
    if (f->stopped) {
        slot_end(s);
        return;
    }
    s->state = SLOT_WAITS;
    wheel_set(f->wheel, &s->timer, now + ms);
}

static void slot_due(struct wheel_timer *t)
{
    struct fan_slot *s = CONTAINER_OF(t, struct fan_slot, timer);

    assert(s->state == SLOT_WAITS);
    s->state = SLOT_POSTS;
    slot_post(s);
}

/* The follower was sent all that it is to be sent, or is gone. */
static void slot_over(struct fan_slot *s, bool gone)
{
    bool ends = s->to->end > 0 && !s->to->stays;

    s->tries = 0;
    if (!gone && ends)
        s->fan->counts.ended++;
    if (gone || ends)
        remove_row(s, SLOT_REMOVES);
    else
        slot_next(s);
}

/* n entries are done with: sent, or given up. */
static void slot_on(struct fan_slot *s, unsigned n)
{
    s->at += n;
    s->tries = s->waited = 0;
    s->most = UINT32_MAX;
    if (s->at < s->end)
        slot_post(s);
    else
        slot_over(s, false);
}

static void posted(struct poster_req *req)
{
    struct fan_slot *s = CONTAINER_OF(req, struct fan_slot, post);
    struct fan *f = s->fan;
    unsigned status = req->ret_status;

    assert(s->state == SLOT_POSTS);
    if (status >= 200 && status < 300) {
        f->counts.sent += s->n;
        slot_on(s, s->n);
    } else if (status == 410 || status == 400) {
        f->counts.gone++;
        s->to->end = 0;
        slot_over(s, true);
    } else if (status == 429) {
        f->counts.throttled++;
        slot_wait(s);
    } else if (status == 413 && s->n > 1) {
        f->counts.split++;
        s->most = s->n / 2;
        slot_post(s);
    } else if (status == 413) {
        f->counts.too_big++;
        slot_on(s, 1);
    } else if (status == 403) {
        f->forbidden = true;
        fan_stop(f);
        slot_end(s);
    } else if (++s->tries < FAN_TRIES_MAX) {
        f->counts.unanswered++;
        slot_wait(s);
    } else {
        f->counts.unanswered++;
        f->counts.gaps++;
        slot_on(s, s->n);
    }
}

static void slot_post(struct fan_slot *s)
{
    struct fan *f = s->fan;

    if (io_now_ms(f->home) >= f->until_ms)
        fan_stop(f);
    if (f->stopped) {
        slot_end(s);
        return;
    }
    s->state = SLOT_POSTS;
    f->counts.posts++;
    s->post = (struct poster_req){
        .base = s->to->row.base, .id = s->to->id, .body = slot_frame(s), .done = posted};
    poster_post(f->poster, &s->post);
}

/* Which of the entries the follower is sent: from `from` up to `end`. Its row's `since` says
 * nothing about what the client has: the answer of the join that wrote it may be lost, or come
 * second. */
static void slot_range(struct fan_slot *s)
{
    const struct fan *f = s->fan;

    s->at = 0;
    s->end = f->entries_n;
    while (s->to->end > 0 && s->end > s->at && f->entries[s->end - 1].seq > s->to->end)
        s->end--;
    while (s->at < s->end && f->entries[s->at].seq < s->to->from)
        s->at++;
}

/* The next follower that has something to be done, or the end. */
static void slot_next(struct fan_slot *s)
{
    struct fan *f = s->fan;
    uint64_t wall = store_wall_ms(f->store, f->home);

    while (!f->stopped && f->next < f->to_n) {
        s->to = &f->to[f->next++];
        if (s->to->gone)
            continue;
        s->tries = s->waited = 0;
        s->most = UINT32_MAX;
        slot_range(s);
        if (s->to->row.connected_ms + ROWS_LIFE_MS < wall) {
            f->counts.expired++;
            s->to->end = 0;
            slot_over(s, true);
            return;
        }
        if (s->at < s->end) {
            slot_post(s);
            return;
        }
        if (s->to->end > 0 && !s->to->stays) {
            slot_over(s, false);
            return;
        }
    }
    slot_end(s);
}

static void slot_started(struct io_mail *mail)
{
    slot_next(CONTAINER_OF(mail, struct fan_slot, mail));
}

void fan_init(struct fan *f)
{
    f->slots = mem_zeroed(FAN_SLOTS, sizeof(*f->slots));
    for (unsigned i = 0; i < FAN_SLOTS; i++) {
        f->slots[i].fan = f;
        f->slots[i].timer.fire = slot_due;
        f->slots[i].mail.deliver = slot_started;
    }
}

void fan_fini(struct fan *f)
{
    assert(f->busy_n == 0);
    for (unsigned i = 0; f->slots != NULL && i < FAN_SLOTS; i++)
        frame_unref(f->slots[i].array);
    free(f->slots);
    f->slots = NULL;
}

void fan_start(struct fan *f)
{
    assert(f->busy_n == 0 && f->entries_n > 0);
    f->stopped = f->forbidden = false;
    f->whole = true;
    f->next = 0;
    f->busy_n = MAX(1u, MIN(f->to_n, (unsigned)FAN_SLOTS));
    for (unsigned i = 0; i < f->busy_n; i++) {
        f->slots[i].state = SLOT_STARTS;
        io_post(f->home, &f->slots[i].mail, &f->slots[i].mail);
    }
}
