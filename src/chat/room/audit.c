#include "chat/room/audit.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/act.h"
#include "chat/room/note.h"
#include "chat/room/order.h"

#include <stdio.h>
#include <stdlib.h>

/* Acts copied at once; more are the next one's. */
#define ACTS_MAX 4096
#define ACTS_MIN 8
#define ACT_BYTES_MAX (64 * 1024)

/* A call that waits for the acts. */
struct audit_wait {
    struct audit_wait *next;
    struct call *call;
    call_handler_f *then;
};

/* One run over the acts that are not in the log of moderators yet. */
struct audit {
    struct room *room;
    struct audit_wait *waits; /* for this run */
    struct call call;         /* of nobody: its requests to the store */
    struct call ask;          /* at the log of moderators */
    uint64_t known;           /* up to where that has the acts */
    uint64_t *acts;           /* newest first */
    unsigned n, cap;
    uint64_t *people; /* who have a role, as the log begins with */
    unsigned people_n, people_at;
    struct note note;
    struct frame *block; /* of the act that is being noted */
    struct entry act;    /* what note tells */
    char cid[KEYS_ROOM_MAX + 32];
};

static struct str audit_name(struct str room, char to[static KEYS_ROOM_MAX])
{
    int n = snprintf(to, KEYS_ROOM_MAX, "audit:%.*s", STR_ARGS(room));

    assert(n > 0 && n < KEYS_ROOM_MAX);
    return (struct str){(const uint8_t *)to, (size_t)n};
}

static void audit_begin(struct room *r);

static void audit_free(struct audit *a)
{
    frame_unref(a->block);
    free(a->acts);
    free(a->people);
    a->call.room = NULL;
    call_fini(&a->call);
    free(a);
}

/* The calls that waited go on, or fail; those that came meanwhile have the next run. */
static void audit_end(struct audit *a, enum error_code e)
{
    struct room *r = a->room;
    struct audit_wait *wait = a->waits, *next;

    assert(r->audit == a);
    r->audit = NULL;
    audit_free(a);
    if (r->audit_waits != NULL)
        audit_begin(r);
    for (; wait != NULL; wait = next) {
        struct call *call = wait->call;
        call_handler_f *then = wait->then;

        next = wait->next;
        free(wait);
        if (e == ERROR_NONE)
            then(r, call);
        else
            call_fail(call, ERROR_store_failed); /* the act is there: no other error is true */
    }
    room_release(r);
}

static void audit_next(struct audit *a);

static void audit_noted(struct note *n)
{
    struct audit *a = CONTAINER_OF(n, struct audit, note);

    if (n->ret_error != ERROR_NONE) {
        audit_end(a, n->ret_error);
        return;
    }
    a->known = a->act.act_seq;
    a->room->audited = MAX(a->room->audited, a->known);
    frame_unref(a->block);
    a->block = NULL;
    audit_next(a);
}

static void audit_send(struct audit *a, note_done_f *done, struct str room)
{
    a->act.cid = str_of(a->cid);
    a->note = (struct note){.done = done};
    note_send(&a->note, a->room->owner, room, &a->act);
}

static void audit_note(struct audit *a)
{
    char name[KEYS_ROOM_MAX];

    audit_send(a, audit_noted, audit_name(room_id(a->room), name));
}

/* Whose log fails again may never have one that can be read: moderators and everybody else have
 * theirs all the same. */
static void audit_told(struct note *n)
{
    struct audit *a = CONTAINER_OF(n, struct audit, note);
    struct room *r = a->room;

    if (n->ret_error != ERROR_NONE && r->untold != a->act.act_seq) {
        r->untold = a->act.act_seq;
        audit_end(a, n->ret_error);
        return;
    }
    audit_note(a);
}

static void audit_act_read(struct store_req *req)
{
    struct audit *a = CONTAINER_OF(call_of(req), struct audit, call);
    struct store_item item;
    struct entry e;
    char own[KEYS_ROOM_MAX];
    size_t at = 0;

    if (req->result != STORE_OK) {
        audit_end(a, ERROR_store_failed);
        return;
    }
    a->block = a->call.q.read.ret_block;
    if (!store_block_next(a->block, &at, &item) || item.key != a->acts[a->n] ||
        entry_decode(item.body, &e) != ENTRY_OK) {
        audit_end(a, ERROR_internal);
        return;
    }
    a->act = act_entry(room_id(a->room), item.key, &e);
    (void)snprintf(a->cid, sizeof(a->cid), "act:%.*s:%llu", STR_ARGS(room_id(a->room)),
                   (unsigned long long)item.key);
    if (!act_is_told(&a->act)) {
        audit_note(a);
        return;
    }
    (void)snprintf(own, sizeof(own), "@%llu", (unsigned long long)a->act.user_id);
    audit_send(a, audit_told, str_of(own));
}

static void audit_read(struct audit *a, uint64_t seq, store_done_f *done)
{
    struct owner *o = a->room->owner;

    (void)call_request(&a->call, o, done);
    a->call.q.read.room = room_id(a->room);
    a->call.q.read.from = seq;
    a->call.q.read.count_max = 1;
    a->call.q.read.bytes_max = 1;
    store_read(o->store, &a->call.q.read);
}

/* The oldest act that is not there yet; after the last, the end. */
static void audit_next(struct audit *a)
{
    if (a->n == 0) {
        audit_end(a, ERROR_NONE);
        return;
    }
    a->n--;
    audit_read(a, a->acts[a->n], audit_act_read);
}

/* The log begins with who has a role that lets them read it. Until it has an act, nobody knows
 * whether all of them are there: each is noted again, and there once. */

static void audit_person(struct audit *a);

static void audit_person_noted(struct note *n)
{
    struct audit *a = CONTAINER_OF(n, struct audit, note);

    if (n->ret_error != ERROR_NONE)
        audit_end(a, n->ret_error);
    else
        audit_person(a);
}

static void audit_person(struct audit *a)
{
    struct room *r = a->room;
    const struct access_member *m = NULL;
    char name[KEYS_ROOM_MAX];

    while (m == NULL && a->people_at < a->people_n)
        m = access_get(&r->access, a->people[a->people_at++]);
    if (m == NULL) {
        audit_next(a);
        return;
    }
    a->act = (struct entry){.kind = ENTRY_ACT,
                            .user_id = m->user,
                            .user_name = {(const uint8_t *)m->name, m->name_n},
                            .role = str_of(access_role_name(m->role)),
                            .act = STR("role"),
                            .room = room_id(r)};
    (void)snprintf(a->cid, sizeof(a->cid), "was:%llu", (unsigned long long)m->user);
    audit_send(a, audit_person_noted, audit_name(room_id(r), name));
}

static void audit_people(struct audit *a)
{
    const struct access *access = &a->room->access;
    struct map_iter it;

    a->people = mem_zeroed((size_t)map_n(&access->members) + 1, sizeof(*a->people));
    for (struct map_node *n = map_first(&access->members, &it); n != NULL; n = map_next(&it)) {
        const struct access_member *m = CONTAINER_OF(n, struct access_member, node);

        if (m->role == ACCESS_OWNER || m->role == ACCESS_MODERATOR)
            a->people[a->people_n++] = m->user;
    }
    audit_person(a);
}

/* From the newest act back to the last that is there. */

static void audit_back(struct audit *a, uint64_t seq);

static void audit_chain_read(struct store_req *req)
{
    struct audit *a = CONTAINER_OF(call_of(req), struct audit, call);
    struct frame *block = a->call.q.read.ret_block;
    uint64_t seq = a->call.q.read.from, before = 0;
    struct store_item item;
    struct entry e;
    bool made = false;
    size_t at = 0;

    if (req->result != STORE_OK) {
        audit_end(a, ERROR_store_failed);
        return;
    }
    if (store_block_next(block, &at, &item) && item.key == seq &&
        entry_decode(item.body, &e) == ENTRY_OK && e.act.n > 0) {
        if (a->n == a->cap) {
            a->cap = MAX(2 * a->cap, (unsigned)ACTS_MIN);
            a->acts = mem_resize(a->acts, a->cap * sizeof(*a->acts));
        }
        a->acts[a->n++] = seq;
        before = e.act_before < seq ? e.act_before : 0;
        made = str_eq(e.act, STR("create"));
    }
    frame_unref(block);
    if (before < a->room->kept && !made && a->known == 0)
        audit_people(a);
    else
        audit_back(a, before);
}

/* Acts stay, and lead to each other, though the room need not keep what is before `first`. */
static void audit_back(struct audit *a, uint64_t seq)
{
    if (seq <= a->known || seq < a->room->kept || a->n == ACTS_MAX)
        audit_next(a);
    else
        audit_read(a, seq, audit_chain_read);
}

/* Up to where the log of moderators has the acts. */

static void audit_asked(struct call *call)
{
    struct audit *a = CONTAINER_OF(call, struct audit, ask);
    struct room *r = a->room;
    enum error_code e = call->error;

    assert(r->owner->errands_n > 0);
    r->owner->errands_n--;
    a->known = call->cmd.seq;
    call_fini(call);
    r->audited = MAX(r->audited, a->known);
    if (e != ERROR_NONE)
        audit_end(a, e);
    else if (r->access.act < r->kept && a->known == 0)
        audit_people(a);
    else
        audit_back(a, r->access.act);
}

static void audit_ask_run(struct room *r, struct call *call)
{
    assert(r->access.kind == ACCESS_AUDIT);
    call->cmd.seq = r->access.act;
    call_ok(call);
}

static void audit_begin(struct room *r)
{
    struct audit *a = mem_zeroed(1, sizeof(*a));
    char name[KEYS_ROOM_MAX];

    assert(r->audit == NULL && r->audit_waits != NULL);
    a->room = r;
    a->waits = r->audit_waits;
    r->audit_waits = NULL;
    r->audit = a;
    room_hold(r);
    call_init(&a->call, 1);
    call_init(&a->ask, 1);
    a->ask.handler = audit_ask_run;
    a->ask.returned = audit_asked;
    r->owner->errands_n++;
    r->owner->ops->route(r->owner, &a->ask, audit_name(room_id(r), name));
}

void audit_then(struct room *r, struct call *call, call_handler_f *then)
{
    struct audit_wait *wait = mem_zeroed(1, sizeof(*wait)), **end = &r->audit_waits;

    assert(call->room == r && r->access.kind <= ACCESS_PRIVATE);
    wait->call = call;
    wait->then = then;
    while (*end != NULL)
        end = &(*end)->next;
    *end = wait;
    if (r->audit == NULL)
        audit_begin(r);
}

void audit_mark(const struct room *r, struct call *call, const char *name)
{
    assert(call->room == r && name[0] != '\0');
    call->entry.act = str_of(name);
    call->entry.act_before = r->access.act;
}

/* Reading it. */

struct audit_errand {
    struct call call;
    struct call *asker;
    call_handler_f *then;
};

static void audit_opened(struct call *call)
{
    struct audit_errand *e = CONTAINER_OF(call, struct audit_errand, call);
    struct call *asker = e->asker;
    struct owner *o = asker->room->owner;
    call_handler_f *then = e->then;
    enum error_code error = call->error;

    assert(o->errands_n > 0);
    o->errands_n--;
    call_fini(call);
    free(e);
    if (error != ERROR_NONE)
        call_fail(asker, error);
    else
        then(asker->room, asker);
}

static void audit_open_done(struct room *r, struct call *call)
{
    (void)r;
    call_ok(call);
}

static void audit_open_run(struct room *r, struct call *call)
{
    if (room_exists(r) && r->access.kind <= ACCESS_PRIVATE)
        audit_then(r, call, audit_open_done);
    else
        call_ok(call);
}

bool audit_opens(const struct room *r, const struct call *call)
{
    struct str of;

    return r->access.kind == ACCESS_AUDIT && call->handler == NULL &&
           (call->cmd.id == COMMAND_join || call->cmd.id == COMMAND_history) &&
           access_audit_of(room_id(r), &of) && of.n > 0;
}

void audit_open(struct room *r, struct call *call, call_handler_f *then)
{
    struct audit_errand *e = mem_zeroed(1, sizeof(*e));
    struct str of;

    order_prepares(r, call, true);
    e->asker = call;
    e->then = then;
    call_init(&e->call, 1);
    e->call.handler = audit_open_run;
    e->call.returned = audit_opened;
    r->owner->errands_n++;
    if (!access_audit_of(room_id(r), &of))
        assert(false);
    r->owner->ops->route(r->owner, &e->call, of);
}

/* Acts that are no entry of a room's log. */

struct audit_saying {
    struct note note;
    struct call *call;
    call_handler_f *then; /* of a room's */
    struct people *people;
    audit_server_f *then_people; /* of the server's */
    struct frame *act;           /* until the log is up to date */
    struct call begins;          /* that brings it up to date */
};

static void audit_said(struct note *n)
{
    struct audit_saying *s = CONTAINER_OF(n, struct audit_saying, note);
    struct audit_saying was = *s;
    enum error_code e = n->ret_error;

    assert(was.call->room == NULL || was.then != NULL);
    free(s);
    if (e != ERROR_NONE)
        call_fail(was.call, e);
    else if (was.call->room != NULL)
        was.then(was.call->room, was.call);
    else
        was.then_people(was.people, was.call);
}

static void audit_say_now(struct audit_saying *s, struct owner *o, struct str room,
                          const struct entry *act)
{
    struct entry e = *act;
    char cid[32];

    (void)snprintf(cid, sizeof(cid), "said:%llx", (unsigned long long)o->ops->random(o));
    e.kind = ENTRY_ACT;
    e.cid = str_of(cid);
    e.from_id = s->call->who.user;
    e.from_name = s->call->who.name;
    s->note = (struct note){.done = audit_said};
    note_send(&s->note, o, room, &e);
}

/* The log is up to date, and has begun with who may read it. */
static void audit_say_begun(struct call *begins)
{
    struct audit_saying *s = CONTAINER_OF(begins, struct audit_saying, begins);
    struct room *r = s->call->room;
    struct frame *bytes = s->act;
    enum error_code e = begins->error;
    enum entry_result read;
    char name[KEYS_ROOM_MAX];
    struct entry act;

    assert(r != NULL && r->owner->errands_n > 0);
    r->owner->errands_n--;
    call_fini(begins);
    if (e != ERROR_NONE) {
        struct call *call = s->call;

        frame_unref(bytes);
        free(s);
        call_fail(call, e);
        return;
    }
    read = entry_decode(frame_str(bytes), &act);
    assert(read == ENTRY_OK);
    audit_say_now(s, r->owner,
                  r->access.kind <= ACCESS_PRIVATE ? audit_name(room_id(r), name)
                                                   : STR("audit:@server"),
                  &act);
    frame_unref(bytes);
}

void audit_say(struct room *r, struct call *call, const struct entry *act, call_handler_f *then)
{
    struct audit_saying *s = mem_zeroed(1, sizeof(*s));
    struct buf bytes CLEANUP(buf_fini);

    assert(call->room == r);
    buf_init(&bytes, ACT_BYTES_MAX);
    entry_encode(act, &bytes);
    assert(!bytes.failed);
    s->call = call;
    s->then = then;
    s->act = frame_copy(buf_peek(&bytes));
    call_init(&s->begins, 1);
    s->begins.handler = audit_open_run;
    s->begins.returned = audit_say_begun;
    r->owner->errands_n++;
    r->owner->ops->route(r->owner, &s->begins, room_id(r));
}

void audit_server(struct people *p, struct owner *o, struct call *call, const struct entry *act,
                  audit_server_f *then)
{
    struct audit_saying *s = mem_zeroed(1, sizeof(*s));

    assert(call->room == NULL);
    s->call = call;
    s->people = p;
    s->then_people = then;
    audit_say_now(s, o, STR("audit:@server"), act);
}
