#include "lib/sim_client.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BACKOFF_MS = 300,
    RETRY_MS = 100,
    UNANSWERED_MS = 45000,
    CLOSE_REVOKED = 4401,
    REFUSED_MS = 2000,
    PAGE_MAX = 120,
    REQUEST_MAX = 64 * 1024,
};

#define U(v) ((unsigned long long)(v))

static void trace(const struct sim_client *c, const char *what, struct str text)
{
    if (c->crowd->trace)
        printf("%8llu %s %s %.*s\n", U(io_now_ms(c->crowd->io)), c->name, what,
               (int)MIN(text.n, (size_t)300), (const char *)text.p);
}

static uint64_t now_ms(const struct sim_client *c)
{
    return io_now_ms(c->crowd->io);
}

/* Requests. */

struct sim_op *sim_client_ask(struct sim_client *c, enum sim_op_kind kind, unsigned room)
{
    for (unsigned i = 0; i < SIM_CLIENT_OPS; i++) {
        struct sim_op *op = &c->ops[i];

        if (op->kind != SIM_OP_NONE)
            continue;
        *op = (struct sim_op){.kind = kind, .room = room};
        c->ops_n++;
        if (kind == SIM_OP_SEND) {
            (void)snprintf(op->cid, sizeof(op->cid), "%s-%llu", c->name, U(++c->cids));
            op->seen = c->rooms[room].seen;
        }
        return op;
    }
    return NULL;
}

static void drop(struct sim_client *c, struct sim_op *op)
{
    op->kind = SIM_OP_NONE;
    c->ops_n--;
}

static bool has_op(const struct sim_client *c, enum sim_op_kind kind, unsigned room)
{
    for (unsigned i = 0; i < SIM_CLIENT_OPS; i++)
        if (c->ops[i].kind == kind && c->ops[i].room == room)
            return true;
    return false;
}

static void say(struct sim_client *c, struct sim_op *op)
{
    struct buf b CLEANUP(buf_fini);

    op->id = ++c->ids;
    op->sent_ms = now_ms(c);
    buf_init(&b, REQUEST_MAX);
    sim_request_write(&b, c, op);
    assert(!b.failed);
    trace(c, "->", buf_peek(&b));
    sim_link_text(&c->link, buf_peek(&b));
}

/* Rooms. */

unsigned sim_client_room(struct sim_client *c, const char *id)
{
    for (unsigned i = 0; i < SIM_CLIENT_ROOMS; i++) {
        struct sim_room *r = &c->rooms[i];

        if (r->id[0] == '\0' && i > 0) {
            (void)snprintf(r->id, sizeof(r->id), "%s", id);
            r->follow.log = sim_check_log(c->crowd->check, str_of(id));
            r->follow.user = c->user;
        }
        if (strcmp(r->id, id) == 0)
            return i;
    }
    return SIM_CLIENT_ROOMS;
}

static struct sim_room *room_get(struct sim_client *c, struct str id)
{
    for (unsigned i = 0; i < SIM_CLIENT_ROOMS; i++)
        if (c->rooms[i].id[0] != '\0' && str_eq(str_of(c->rooms[i].id), id))
            return &c->rooms[i];
    return NULL;
}

void sim_client_want(struct sim_client *c, unsigned room)
{
    if (room < SIM_CLIENT_ROOMS && c->rooms[room].state == SIM_ROOM_UNWANTED)
        c->rooms[room].state = SIM_ROOM_WANTED;
}

static void ask_for(struct sim_client *c, unsigned room, bool resumes)
{
    struct sim_room *r = &c->rooms[room];

    r->state = SIM_ROOM_ASKED;
    r->resumes = resumes;
    r->asked_after = r->follow.cursor;
    r->asked_last = rng_chance(&c->crowd->rng, 300) ? 1 + rng_below(&c->crowd->rng, 30) : 0;
}

/* Asks for the rooms that it wants: by one resume for those with a cursor, if
 * it has just come back, and by joins. */
static void follow_rooms(struct sim_client *c, bool back)
{
    bool resume = back && !rng_chance(&c->crowd->rng, 200), some = false;
    uint64_t now = now_ms(c);

    for (unsigned i = 0; i < SIM_CLIENT_ROOMS; i++) {
        struct sim_room *r = &c->rooms[i];

        if (r->state != SIM_ROOM_WANTED || r->due_ms > now || has_op(c, SIM_OP_LEAVE, i))
            continue;
        if (resume && r->known && r->epoch > 0) {
            ask_for(c, i, true);
            some = true;
        } else if (sim_client_ask(c, SIM_OP_JOIN, i) != NULL) {
            ask_for(c, i, false);
        }
    }
    if (some && sim_client_ask(c, SIM_OP_RESUME, 0) == NULL)
        sim_client_cut(c, 0);
}

static void followed(struct sim_client *c, struct sim_room *r, const struct sim_joined *j)
{
    if (j->reset)
        sim_check_reset(c->crowd->check, &r->follow);
    if (r->known)
        r->follow.cursor = r->asked_after;
    else
        r->follow.cursor = r->asked_last > 0 ? j->head - MIN(j->head, r->asked_last) : j->head;
    r->known = true;
    r->epoch = j->epoch;
    r->seen = MAX(r->seen, j->head);
    r->state = SIM_ROOM_FOLLOWED;
    sim_check_kind(r->follow.log, j->kind);
    sim_check_joined(c->crowd->check, &r->follow, j->epoch, j->head);
}

static bool is_passing(struct str code)
{
    return str_eq(code, STR("rate_limited")) || str_eq(code, STR("too_many_commands")) ||
           str_eq(code, STR("store_full")) || str_eq(code, STR("store_failed")) ||
           str_eq(code, STR("store_behind")) || str_eq(code, STR("sessions_unproven"));
}

static void not_followed(struct sim_client *c, struct sim_room *r, struct str code)
{
    r->state = is_passing(code) ? SIM_ROOM_WANTED : SIM_ROOM_UNWANTED;
    r->due_ms = now_ms(c) + RETRY_MS + rng_below(&c->crowd->rng, RETRY_MS);
    if (r->state == SIM_ROOM_UNWANTED)
        r->missing_n = 0;
}

static void resumed(struct sim_client *c, const struct sim_frame *f)
{
    for (unsigned i = 0; i < SIM_CLIENT_ROOMS; i++) {
        struct sim_room *r = &c->rooms[i];
        struct sim_joined same = {.epoch = r->epoch, .head = r->asked_after};
        const struct sim_joined *j = &same;

        if (r->state != SIM_ROOM_ASKED || !r->resumes)
            continue;
        for (unsigned k = 0; k < f->rooms_n; k++)
            if (str_eq(f->rooms[k].room, str_of(r->id)))
                j = &f->rooms[k];
        if (f->code.n > 0)
            not_followed(c, r, f->code);
        else if (j->refused.n > 0)
            not_followed(c, r, j->refused);
        else
            followed(c, r, j);
    }
}

static void add_missing(struct sim_room *r, uint64_t from, uint64_t to)
{
    if (r->missing_n < SIM_CLIENT_RANGES)
        r->missing[r->missing_n++] = (struct sim_range){from, to};
}

/* It was let do, or shown, something. What has waited while it did not read is of before. */
static void let(struct sim_client *c, const char *what)
{
    const struct sim_sessions *s = &c->crowd->sessions;
    uint64_t over_ms = sim_sessions_over_ms(s, c->token, now_ms(c));

    if (s->bound_ms > 0 && over_ms > s->bound_ms && !c->slept)
        sim_check_violate(c->crowd->check, "I8: %s: a session that ended %llu ms ago %s", c->name,
                          U(over_ms), what);
}

/* Events. */

static void begin_own(struct sim_client *c, struct sim_room *r, uint64_t seq)
{
    if (r->follow.on)
        return;
    if (seq <= r->follow.cursor && c->crowd->addrs_n == 1) /* else it may be new to this node */
        sim_check_violate(c->crowd->check, "I1: %s: %llu is shown again after %llu", r->id, U(seq),
                          U(r->follow.cursor));
    r->follow.cursor = seq - 1;
    sim_check_joined(c->crowd->check, &r->follow, 0, seq);
}

static void shown(struct sim_client *c, const struct sim_event *v)
{
    struct sim_room *r = room_get(c, v->room);

    if (r == NULL) {
        sim_check_violate(c->crowd->check, "I4: %s was shown %.*s, which it never asked for",
                          c->name, STR_ARGS(v->room));
        return;
    }
    let(c, "is shown an entry");
    if (r == &c->rooms[0])
        begin_own(c, r, v->seq);
    sim_check_shown(c->crowd->check, &r->follow, v->seq, &v->entry);
    c->crowd->lost_n[c->node] += v->entry.kind == ENTRY_LOST;
    c->crowd->shown_n++;
    r->seen = MAX(r->seen, v->seq);
    if (r->follow.ended) {
        r->state = SIM_ROOM_UNWANTED;
        r->missing_n = 0;
    }
    if (v->entry.kind == ENTRY_INVITE && v->entry.room.n < SIM_CLIENT_ID && !c->crowd->ends) {
        char id[SIM_CLIENT_ID];

        (void)snprintf(id, sizeof(id), "%.*s", STR_ARGS(v->entry.room));
        sim_client_want(c, sim_client_room(c, id));
    }
}

static void hear_event(struct sim_client *c, const struct sim_event *v)
{
    struct sim_room *r = room_get(c, v->room);

    if (v->entry.kind != 0) {
        shown(c, v);
    } else if (str_eq(v->name, STR("behind")) && r != NULL) {
        sim_check_behind(c->crowd->check, &r->follow, v->from, v->to);
        add_missing(r, v->from, v->to);
        r->seen = MAX(r->seen, v->to);
        c->crowd->behinds_n++;
    } else if (str_eq(v->name, STR("reset")) && r != NULL) {
        sim_check_reset(c->crowd->check, &r->follow);
    } else if (str_eq(v->name, STR("presence")) && r != NULL) {
        r->present = v->entry.count;
    } else if (str_eq(v->name, STR("read")) && r != NULL) {
        r->reads_n++;
    } else if (str_eq(v->name, STR("move"))) {
        c->told = true;
        c->cut_ms = c->moves ? c->cut_ms : now_ms(c) + 1 + v->delay_ms;
    }
}

/* Answers. */

static void remember(struct sim_client *c, const struct sim_op *op, uint64_t seq)
{
    struct sim_sent *s = &c->sent[c->sent_n++ % SIM_CLIENT_SENT];

    *s = (struct sim_sent){.room = op->room,
                           .text_n = op->text_n,
                           .seen = op->seen,
                           .seq = seq,
                           .text_seed = op->text_seed,
                           .target = op->target};
    memcpy(s->cid, op->cid, sizeof(s->cid));
}

static void sent_ok(struct sim_client *c, const struct sim_op *op, const struct sim_frame *f)
{
    struct sim_room *r = &c->rooms[op->room];
    struct buf text CLEANUP(buf_fini);
    bool lost = sim_check_is_lost(r->follow.log, op->seq); /* then another text is as good */

    buf_init(&text, REQUEST_MAX);
    sim_request_text(&text, op->text_seed, op->text_n);
    if (op->kind != SIM_OP_SEND && (!f->duplicate || f->seq != op->seq) && !lost)
        sim_check_violate(c->crowd->check, "I3: %s: a repeat of %s, at %llu, was answered %llu",
                          r->id, op->cid, U(op->seq), U(f->seq));
    if (f->duplicate && !op->unknown && op->kind == SIM_OP_SEND)
        sim_check_violate(c->crowd->check, "I3: %s: the first %s is called a duplicate", r->id,
                          op->cid);
    if (op->kind != SIM_OP_FALSE || !lost)
        sim_check_acked(c->crowd->check, &(struct sim_ack){.log = r->follow.log,
                                                           .user = c->user,
                                                           .seq = f->seq,
                                                           .kind = ENTRY_MESSAGE,
                                                           .cid = str_of(op->cid),
                                                           .text = buf_peek(&text)});
    r->seen = MAX(r->seen, f->seq);
    c->crowd->acked_n++;
    c->crowd->duplicates_n += f->duplicate;
    if (op->kind == SIM_OP_SEND)
        remember(c, op, f->seq);
}

static void changed_ok(struct sim_client *c, const struct sim_op *op, const struct sim_frame *f)
{
    struct sim_room *r = &c->rooms[op->room];
    uint8_t kind = op->kind == SIM_OP_EDIT     ? ENTRY_EDIT
                   : op->kind == SIM_OP_DELETE ? ENTRY_DELETE
                   : op->kind == SIM_OP_REACT  ? ENTRY_REACT
                                               : ENTRY_MEMBER;

    r->seen = MAX(r->seen, f->seq);
    c->crowd->acked_n++;
    sim_check_acked(c->crowd->check, &(struct sim_ack){.log = r->follow.log,
                                                       .user = c->user,
                                                       .seq = f->seq,
                                                       .kind = kind,
                                                       .target = op->target});
}

static uint64_t last_line(const struct sim_frame *f)
{
    uint64_t last = 0;

    for (unsigned i = 0; i < f->lines_n; i++)
        last = MAX(last, f->lines[i].seq);
    return last;
}

static void log_ok(struct sim_client *c, const struct sim_op *op, const struct sim_frame *f)
{
    struct sim_room *r = &c->rooms[op->room];
    struct sim_range *m = &r->missing[0];
    uint64_t next = op->target + 1;

    sim_check_page(c->crowd->check, r->follow.log, c->user, last_line(f), f->head);
    c->crowd->pages_n++;
    if (f->lines_n == 0 && f->head >= next)
        sim_check_violate(c->crowd->check, "I1: %s: the page behind %llu of %llu is empty", r->id,
                          U(op->target), U(f->head));
    for (unsigned i = 0; i < f->lines_n; i++, next++) {
        if (f->lines[i].seq != next)
            sim_check_violate(c->crowd->check, "I1: %s: a page of the log has %llu, not %llu",
                              r->id, U(f->lines[i].seq), U(next));
        sim_check_line(c->crowd->check, r->follow.log, f->lines[i].seq, &f->lines[i].entry);
        c->crowd->lost_n[c->node] += f->lines[i].entry.kind == ENTRY_LOST;
    }
    if (r->missing_n == 0 || m->from != op->target)
        return;
    m->from = MIN(next - 1, m->to);
    if (m->from < m->to)
        return;
    r->missing_n--;
    memmove(m, m + 1, r->missing_n * sizeof(*m));
}

static void messages_ok(struct sim_client *c, const struct sim_op *op, const struct sim_frame *f)
{
    struct sim_log *log = c->rooms[op->room].follow.log;
    uint64_t before = 0;

    sim_check_page(c->crowd->check, log, c->user, last_line(f), f->head);
    c->crowd->pages_n++;
    for (unsigned i = 0; i < f->lines_n; i++) {
        const struct sim_event *v = &f->lines[i];

        if (v->seq <= before || (v->entry.kind != ENTRY_MESSAGE && v->entry.kind != ENTRY_LOST))
            sim_check_violate(c->crowd->check, "I1: a page has %llu", U(v->seq));
        if (v->entry.kind == ENTRY_MESSAGE)
            sim_check_state(c->crowd->check, log, v->seq, v->rev, v->entry.text);
        before = v->seq;
    }
}

static void made_room(struct sim_client *c, const struct sim_frame *f)
{
    char id[SIM_CLIENT_ID];

    if (f->rooms_n != 1 || f->rooms[0].room.n >= sizeof(id))
        return;
    (void)snprintf(id, sizeof(id), "%.*s", STR_ARGS(f->rooms[0].room));
    sim_client_want(c, sim_client_room(c, id));
}

static void authed(struct sim_client *c)
{
    c->authed = true;
    follow_rooms(c, true);
}

static void answered_ok(struct sim_client *c, const struct sim_op *op, const struct sim_frame *f)
{
    struct sim_room *r = &c->rooms[op->room];

    if (op->kind != SIM_OP_PING && op->kind != SIM_OP_LOGOUT)
        let(c, "is answered");
    switch (op->kind) {
    case SIM_OP_AUTH:
        authed(c);
        break;
    case SIM_OP_RESUME:
        resumed(c, f);
        break;
    case SIM_OP_JOIN:
        if (f->rooms_n == 1)
            followed(c, r, &f->rooms[0]);
        else
            sim_check_violate(c->crowd->check, "I1: a join is answered without a room");
        break;
    case SIM_OP_LEAVE:
        sim_check_left(&r->follow);
        r->state = SIM_ROOM_UNWANTED;
        break;
    case SIM_OP_CREATE:
    case SIM_OP_DM:
        made_room(c, f);
        break;
    case SIM_OP_SEND:
    case SIM_OP_AGAIN:
    case SIM_OP_FALSE:
        sent_ok(c, op, f);
        break;
    case SIM_OP_EDIT:
    case SIM_OP_DELETE:
    case SIM_OP_REACT:
    case SIM_OP_MEMBER:
    case SIM_OP_KICK:
        changed_ok(c, op, f);
        break;
    case SIM_OP_LOG:
        log_ok(c, op, f);
        break;
    case SIM_OP_PRESENCE:
        r->present = f->count;
        break;
    case SIM_OP_MESSAGES:
        messages_ok(c, op, f);
        break;
    case SIM_OP_NONE:
    case SIM_OP_TYPING:
    case SIM_OP_READ:
    case SIM_OP_PING:
        break;
    case SIM_OP_LOGOUT:
        sim_sessions_end(&c->crowd->sessions, c->token, now_ms(c));
        break;
    }
}

/* For good. */
static void answered_no(struct sim_client *c, const struct sim_op *op, const struct sim_frame *f)
{
    struct sim_room *r = &c->rooms[op->room];

    c->crowd->refused_n++;
    if (op->kind == SIM_OP_AUTH && str_eq(f->code, STR("revoked")))
        c->token[0] = '\0';
    if (op->kind == SIM_OP_AUTH)
        sim_link_cut(&c->link);
    else if (op->kind == SIM_OP_CREATE && str_eq(f->code, STR("room_exists")))
        sim_client_want(c, op->room);
    else if (op->kind == SIM_OP_LOG)
        r->missing_n = 0;
    else if (op->kind == SIM_OP_SEND && !op->unknown)
        sim_check_refused(c->crowd->check, r->follow.log, c->user, str_of(op->cid));
    if (op->kind != SIM_OP_FALSE && str_eq(f->code, STR("cid_conflict")) &&
        !sim_check_is_lost(r->follow.log, op->seq))
        sim_check_violate(c->crowd->check, "I3: %s: the repeat of %s is a cid_conflict", r->id,
                          op->cid);
}

static void failed(struct sim_client *c, struct sim_op *op, const struct sim_frame *f)
{
    struct sim_room *r = &c->rooms[op->room];

    if (op->kind == SIM_OP_JOIN) {
        not_followed(c, r, f->code);
        drop(c, op);
    } else if (op->kind == SIM_OP_RESUME) {
        resumed(c, f);
        drop(c, op);
    } else if (is_passing(f->code)) {
        op->unknown |= str_eq(f->code, STR("store_failed")) || str_eq(f->code, STR("store_behind"));
        op->id = 0;
        op->due_ms = now_ms(c) + f->retry_after_ms + 1 + rng_below(&c->crowd->rng, RETRY_MS);
    } else {
        answered_no(c, op, f);
        drop(c, op);
    }
}

static void hear_answer(struct sim_client *c, const struct sim_frame *f)
{
    struct sim_op *op = NULL, copy;

    if (f->id == 0 && str_eq(f->code, STR("unknown_command")))
        return; /* part of a flood */
    for (unsigned i = 0; i < SIM_CLIENT_OPS && f->id > 0; i++)
        if (c->ops[i].kind != SIM_OP_NONE && c->ops[i].id == f->id)
            op = &c->ops[i];
    if (op == NULL) {
        sim_check_violate(c->crowd->check, "I7: %s: an answer to %llu, which was answered (%.*s)",
                          c->name, U(f->id), STR_ARGS(f->code));
        return;
    }
    if (f->code.n > 0) {
        failed(c, op, f);
        return;
    }
    copy = *op;
    drop(c, op);
    answered_ok(c, &copy, f);
}

/* The connection. */

static struct sim_client *client_of(struct sim_link *l)
{
    return CONTAINER_OF(l, struct sim_client, link);
}

static void opened(struct sim_link *l)
{
    struct sim_client *c = client_of(l);
    char body[64];

    if (c->token[0] == '\0') {
        (void)snprintf(body, sizeof(body), "{\"name\":\"%.*s\"}", (int)strcspn(c->name, "/"),
                       c->name);
        sim_link_post(l, "/api/v1/login", str_of(body));
    } else if (rng_chance(&c->crowd->rng, 500)) {
        sim_link_upgrade(l, str_of(c->token));
        c->authed = true;
    } else {
        sim_link_upgrade(l, (struct str){0});
    }
}

static void logged_in(struct sim_client *c, struct str body)
{
    struct sim_frame *f = &c->crowd->frame;
    char *copy = str_dup(body);

    if (!sim_frame_read(f, (uint8_t *)copy, body.n) || f->token.n == 0 ||
        f->token.n >= sizeof(c->token) || f->user == 0 || (c->user != 0 && c->user != f->user))
        sim_check_violate(c->crowd->check, "I2: %s: its login is answered wrongly: %.*s", c->name,
                          STR_ARGS(body));
    memcpy(c->token, f->token.p, f->token.n);
    c->token[f->token.n] = '\0';
    c->user = f->user;
    for (unsigned i = 0; i < SIM_CLIENT_ROOMS; i++)
        c->rooms[i].follow.user = c->user;
    if (c->rooms[0].id[0] == '\0') {
        (void)snprintf(c->rooms[0].id, sizeof(c->rooms[0].id), "@%llu", U(c->user));
        c->rooms[0].follow.log = sim_check_log(c->crowd->check, str_of(c->rooms[0].id));
    }
    free(copy);
}

static void answered(struct sim_link *l, int status, struct str body)
{
    struct sim_client *c = client_of(l);

    trace(c, status == 101 ? "<- websocket" : "<- http", body);
    if (status == 101) {
        c->live_ms = now_ms(c);
        c->crowd->opened_n++;
        if (c->authed)
            authed(c);
        else if (sim_client_ask(c, SIM_OP_AUTH, 0) == NULL)
            sim_link_cut(l);
        return;
    }
    if (status == 200 && c->token[0] == '\0')
        logged_in(c, body);
    if (status == 401)
        c->token[0] = '\0';
    sim_link_cut(l); /* the next connection is for the WebSocket, or tries again */
}

static void heard(struct sim_link *l, uint8_t *p, size_t n)
{
    struct sim_client *c = client_of(l);
    struct sim_frame *f = &c->crowd->frame;

    trace(c, "<-", (struct str){p, n});
    if (!sim_frame_read(f, p, n))
        sim_check_violate(c->crowd->check, "I1: %s: a frame of %zu bytes is not understood",
                          c->name, n);
    else if (f->event.name.n > 0)
        hear_event(c, &f->event);
    else
        hear_answer(c, f);
}

static const struct sim_link_ops link_ops = {
    .opened = opened,
    .answered = answered,
    .heard = heard,
};

/* What was asked on a connection that is gone: sends are repeated; of changes
 * some are, as people do. */
static void lost(struct sim_client *c, struct sim_op *op)
{
    bool change = op->kind >= SIM_OP_EDIT && op->kind <= SIM_OP_KICK;
    bool send = op->kind >= SIM_OP_SEND && op->kind <= SIM_OP_FALSE;

    if (op->kind == SIM_OP_NONE || (op->id == 0 && op->kind > SIM_OP_LEAVE))
        return;
    op->unknown |= op->id != 0;
    op->id = 0;
    if (send || op->kind == SIM_OP_CREATE || (change && rng_chance(&c->crowd->rng, 500)))
        return;
    drop(c, op);
}

static void closed(struct sim_client *c)
{
    trace(c, "closed", (struct str){0});
    for (unsigned i = 0; i < SIM_CLIENT_ROOMS; i++) {
        struct sim_room *r = &c->rooms[i];

        sim_check_left(&r->follow);
        if (r->state != SIM_ROOM_UNWANTED)
            r->state = SIM_ROOM_WANTED;
        r->due_ms = 0;
    }
    for (unsigned i = 0; i < SIM_CLIENT_OPS; i++)
        lost(c, &c->ops[i]);
    if (c->link.close_code == CLOSE_REVOKED && !c->pinned)
        c->token[0] = '\0';
    c->authed = c->told = c->slept = false;
    c->cut_ms = c->pause_ms = 0;
    c->due_ms = MAX(c->due_ms, now_ms(c) + 1 + rng_below(&c->crowd->rng, BACKOFF_MS));
}

void sim_client_cut(struct sim_client *c, uint64_t down_ms)
{
    c->due_ms = now_ms(c) + down_ms;
    sim_link_cut(&c->link);
}

void sim_client_pause(struct sim_client *c, uint64_t ms)
{
    if (!c->authed || !sim_link_is_ws(&c->link))
        return;
    c->pause_ms = now_ms(c) + ms;
    sim_link_pause(&c->link, true);
}

void sim_client_hurry(struct sim_client *c)
{
    for (unsigned i = 0; i < SIM_CLIENT_OPS; i++) {
        struct sim_op *op = &c->ops[i], *twin;

        if (op->kind != SIM_OP_SEND || op->id == 0)
            continue;
        op->unknown = true; /* the twin may be the first */
        twin = sim_client_ask(c, SIM_OP_PING, op->room);
        if (twin == NULL)
            return;
        *twin = *op;
        twin->id = 0;
        return;
    }
}

void sim_client_flood(struct sim_client *c, unsigned n, uint64_t ms)
{
    if (!sim_link_is_ws(&c->link))
        return;
    sim_client_pause(c, ms);
    trace(c, "-> flood", (struct str){0});
    for (unsigned i = 0; i < n; i++)
        sim_link_text(&c->link, STR("{\"action\":\"no\"}"));
}

/* Sends what may go; false if an answer is overdue. */
static bool pump(struct sim_client *c, uint64_t now)
{
    for (unsigned i = 0; i < SIM_CLIENT_OPS; i++) {
        struct sim_op *op = &c->ops[i];

        if (op->kind == SIM_OP_NONE)
            continue;
        if (op->id == 0 && op->due_ms <= now && (c->authed || op->kind == SIM_OP_AUTH))
            say(c, op);
        else if (op->id != 0 && now > MAX(op->sent_ms, c->live_ms) + UNANSWERED_MS)
            return false;
    }
    return true;
}

static void fetch_missing(struct sim_client *c)
{
    for (unsigned i = 0; i < SIM_CLIENT_ROOMS; i++) {
        struct sim_room *r = &c->rooms[i];
        struct sim_op *op;

        if (r->missing_n == 0 || has_op(c, SIM_OP_LOG, i))
            continue;
        op = sim_client_ask(c, SIM_OP_LOG, i);
        if (op == NULL)
            return;
        op->target = r->missing[0].from;
        op->text_n = 1 + (unsigned)rng_below(&c->crowd->rng, PAGE_MAX);
    }
}

static void live_turn(struct sim_client *c, uint64_t now)
{
    if (c->link.paused) {
        if (c->pause_ms > now)
            return;
        c->live_ms = now;
        c->slept = true;
        sim_link_pause(&c->link, false);
    }
    if (c->authed) {
        follow_rooms(c, false);
        fetch_missing(c);
    }
    if (pump(c, now))
        return;
    if (c->crowd->calm)
        sim_check_violate(c->crowd->check, "I7: %s: a command is not answered", c->name);
    sim_link_cut(&c->link);
}

/* When there is something to do: retries, rooms that may be asked for again. */
static uint64_t next_ms(const struct sim_client *c, uint64_t now)
{
    uint64_t next = c->cut_ms > 0 ? c->cut_ms : IO_FOREVER;

    if (c->link.state == SIM_LINK_DOWN)
        return c->stays_down ? IO_FOREVER : MAX(c->due_ms, now);
    if (!sim_link_is_ws(&c->link))
        return next;
    if (c->link.paused)
        return MIN(next, c->pause_ms);
    for (unsigned i = 0; i < SIM_CLIENT_OPS; i++) {
        const struct sim_op *op = &c->ops[i];

        if (op->kind != SIM_OP_NONE && op->id == 0 && c->authed)
            next = MIN(next, op->due_ms);
        else if (op->kind != SIM_OP_NONE)
            next = MIN(next, MAX(op->sent_ms, c->live_ms) + UNANSWERED_MS + 1);
    }
    for (unsigned i = 0; i < SIM_CLIENT_ROOMS && c->authed; i++)
        if (c->rooms[i].state == SIM_ROOM_WANTED && !has_op(c, SIM_OP_LEAVE, i))
            next = MIN(next, c->rooms[i].due_ms);
    return next;
}

uint64_t sim_client_turn(struct sim_client *c)
{
    uint64_t now = now_ms(c);

    if (sim_link_end(&c->link))
        closed(c);
    if (c->link.state == SIM_LINK_DOWN && !c->stays_down && c->due_ms <= now) {
        if (!c->pinned)
            c->node = (unsigned)rng_below(&c->crowd->rng, c->crowd->addrs_n);
        sim_link_open(&c->link, &c->crowd->addrs[c->node]);
    }
    if (c->cut_ms > 0 && c->cut_ms <= now) {
        c->cut_ms = 0;
        sim_link_cut(&c->link);
    }
    if (sim_link_is_ws(&c->link))
        live_turn(c, now);
    return next_ms(c, now);
}

void sim_client_init(struct sim_client *c, struct sim_crowd *crowd, const char *name)
{
    *c = (struct sim_client){.crowd = crowd};
    (void)snprintf(c->name, sizeof(c->name), "%s", name);
    sim_link_init(&c->link, &link_ops, crowd->io, &crowd->rng);
}
