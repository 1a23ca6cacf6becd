#include "chat/room/screen.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/filter.h"

#include <stdlib.h>

#define REFRESH_MS 2000
/* Of a text that is masked: it is no longer than the text. */
#define MASKED_BYTES_MAX (32 * 1024 * 1024)

/* A room that waits for the server's list. */
struct screen_wait {
    struct screen_wait *next;
    struct room *room;
};

/* The server's list, of an owner. */
struct screen {
    struct owner *owner;
    struct call call; /* reads it; it is nobody's */
    struct filter *filter;
    bool known, reading;
    bool other;       /* it became another since the read began */
    uint64_t read_ms; /* Unix time, which goes on while a function stands still */
    struct screen_wait *waiting;
};

static struct screen *screen_of(struct owner *o)
{
    if (o->screen == NULL) {
        o->screen = mem_zeroed(1, sizeof(*o->screen));
        o->screen->owner = o;
    }
    return o->screen;
}

static bool is_younger(const struct screen *s, uint64_t ms)
{
    uint64_t now = owner_wall_ms(s->owner);

    return s->known && now >= s->read_ms && now - s->read_ms < ms;
}

static void let_go(struct screen *s, enum store_result result)
{
    struct screen_wait *w;

    while ((w = s->waiting) != NULL) {
        struct room *r = w->room;

        assert(r->screening && r->owner == s->owner);
        s->waiting = w->next;
        free(w);
        r->screening = false;
        if (!s->known)
            r->owner->engine->fail_queue(r, result);
        if (r->queue_n > 0)
            room_mark(r);
        room_release(r);
    }
}

/* A list that is damaged, or of a later version, filters nothing; a store that gives none leaves
 * the one that was known. */
static void screen_read(struct store_req *req)
{
    struct screen *s = CONTAINER_OF(call_of(req), struct screen, call);
    struct frame *body = s->call.q.get.ret_body;
    struct filter_list list;

    assert(s->reading && s->owner->errands_n > 0);
    s->reading = false;
    s->owner->errands_n--;
    if (req->result == STORE_OK) {
        filter_free(s->filter);
        s->filter = NULL;
        if (body != NULL && filter_list_decode(frame_str(body), &list))
            s->filter = filter_new(&list);
        s->known = true;
        frame_unref(body);
    }
    s->read_ms = s->other ? 0 : owner_wall_ms(s->owner);
    call_fini(&s->call);
    let_go(s, req->result);
}

static void read_list(struct screen *s)
{
    assert(!s->reading);
    s->call = (struct call){0};
    call_init(&s->call, 1);
    s->reading = true;
    s->other = false;
    s->owner->errands_n++;
    (void)call_request(&s->call, s->owner, screen_read);
    s->call.q.get.pk = KEYS_SERVER;
    s->call.q.get.sk = KEYS_FILTER;
    store_get(s->owner->store, &s->call.q.get);
}

static void wait_for(struct screen *s, struct room *r)
{
    struct screen_wait *w = mem_bytes(sizeof(*w));

    assert(s->reading && !r->screening);
    *w = (struct screen_wait){s->waiting, r};
    s->waiting = w;
    r->screening = true;
    room_hold(r);
}

/* Returns false if the room has to wait for it. */
static bool is_known(struct screen *s, struct room *r)
{
    assert(s->owner == r->owner);
    if (!is_younger(s, REFRESH_MS) && !s->reading)
        read_list(s);
    if (is_younger(s, SCREEN_STALE_MS))
        return true;
    wait_for(s, r);
    return false;
}

static const struct filter *filter_of(struct room *r)
{
    struct filter_list list;

    if (!r->screened) {
        assert(r->filter == NULL);
        r->screened = true;
        if (filter_list_decode(access_settings(&r->access)->filter, &list))
            r->filter = filter_new(&list);
    }
    return r->filter;
}

/* The call owns what is in b from now on. */
static struct str screen_keep(uint8_t **to, struct str bytes)
{
    uint8_t *copy = mem_bytes(bytes.n);

    assert(bytes.n > 0);
    memcpy(copy, bytes.p, bytes.n);
    free(*to);
    *to = copy;
    return (struct str){copy, bytes.n};
}

static void refuse(struct call *call, enum filter_result result, const struct filter_found *found)
{
    assert(result == FILTER_WORD || result == FILTER_LINK);
    call_detail(call, (struct str){(const uint8_t *)found->text, found->n});
    call_fail(call, result == FILTER_WORD ? ERROR_word_refused : ERROR_link_refused);
}

/* Returns false if the call has failed. */
static bool screen_by(struct call *call, const struct filter *f)
{
    struct buf masked CLEANUP(buf_fini);
    struct filter_found found;
    enum filter_result result;

    assert(call->entry.text.n > 0);
    if (f == NULL)
        return true;
    buf_init(&masked, MASKED_BYTES_MAX);
    result = filter_check(f, call->entry.text, &masked, &found);
    if (result == FILTER_MASKED) {
        call->entry.text = screen_keep(&call->text, buf_peek(&masked));
        call->entry.changed = true;
    } else if (result != FILTER_CLEAN) {
        refuse(call, result, &found);
        return false;
    }
    return true;
}

enum call_proposal screen_propose(struct room *r, struct call *call)
{
    struct screen *s = screen_of(r->owner);
    bool spared =
        access_moderates(&r->access, call->who.user, call->who.super, owner_wall_ms(r->owner));

    assert(call->room == r);
    call->entry.text = call->cmd.text;
    call->entry.changed = call->said != NULL;
    if (call->who.super)
        return CALL_APPEND;
    if (!is_known(s, r))
        return CALL_LATER;
    if (!screen_by(call, s->filter) || (!spared && !screen_by(call, filter_of(r))))
        return CALL_ANSWERED;
    return CALL_APPEND;
}

bool screen_is_looking(const struct room *r)
{
    return r->screening;
}

void screen_note(struct room *r, const struct entry *e)
{
    if (e->kind != ENTRY_ROOM)
        return;
    filter_free(r->filter);
    r->filter = NULL;
    r->screened = false;
}

void screen_forget(struct owner *o)
{
    struct screen *s = screen_of(o);

    assert(s->owner == o);
    s->read_ms = 0;
    s->other = true;
}

void screen_fini(struct room *r)
{
    assert(!r->screening);
    filter_free(r->filter);
    r->filter = NULL;
}

void screen_owner_fini(struct owner *o)
{
    if (o->screen == NULL)
        return;
    assert(!o->screen->reading && o->screen->waiting == NULL);
    filter_free(o->screen->filter);
    free(o->screen);
    o->screen = NULL;
}
