#include "lib/sim_check.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ID_MAX = 80, CID_MAX = 40, ROLE_MAX = 12, PEOPLE_MAX = 64, EDITS_MAX = 64 };

/* A node knows the store's clock to a second and the way of an answer. */
#define AHEAD_MS 4000

/* One entry, as far as it is known. */
struct line {
    uint8_t kind; /* 0: not known */
    bool on, kick, disk, disk_text;
    bool lost;         /* the test took it from the disk */
    uint64_t deletion; /* seq of the entry that deleted it; known before the entry itself, maybe */
    uint64_t count, ts_ms, from, target, reply_to, user, until_ms;
    uint64_t text, emoji, title, room_kind; /* hashes; 0: empty */
    char cid[CID_MAX], role[ROLE_MAX];
};

/* What was said of an append; seq 0: that it was refused. */
struct claim {
    uint64_t user, seq, target, text;
    uint8_t kind;
    char cid[CID_MAX];
};

/* Somebody was let read, when the log's head was one of low .. high. */
struct grant {
    uint64_t user, low, high;
    bool right;
};

/* A message was shown as of rev. */
struct state {
    uint64_t seq, rev, text;
};

struct sim_log {
    struct sim_log *next;
    char id[ID_MAX];
    uint64_t epoch, head; /* head: the largest seq anybody was told of */
    uint64_t disk_head;
    bool is_private; /* as joins were told */
    struct line *lines;
    size_t lines_cap;
    struct claim *claims;
    size_t claims_n, claims_cap;
    struct grant *grants;
    size_t grants_n, grants_cap;
    struct state *states;
    size_t states_n, states_cap;
};

struct sim_check {
    struct sim_log *logs;
    uint64_t wall_ms; /* 0: not known */
    char violation[400];
};

struct role {
    uint64_t user, until_ms;
    const char *name;
};

/* Who may do what, up to some entry. */
struct access {
    bool is_private;
    uint64_t low, high; /* a direct room's two; a person's own log: low */
    struct role roles[PEOPLE_MAX];
    size_t roles_n;
};

struct sim_check *sim_check_new(void)
{
    struct sim_check *c = calloc(1, sizeof(*c));

    if (c == NULL)
        abort();
    return c;
}

void sim_check_free(struct sim_check *c)
{
    while (c->logs != NULL) {
        struct sim_log *l = c->logs;

        c->logs = l->next;
        free(l->lines);
        free(l->claims);
        free(l->grants);
        free(l->states);
        free(l);
    }
    free(c);
}

void sim_check_now(struct sim_check *c, uint64_t wall_ms)
{
    c->wall_ms = wall_ms;
}

const char *sim_check_violation(const struct sim_check *c)
{
    return c->violation[0] != '\0' ? c->violation : NULL;
}

void sim_check_violate(struct sim_check *c, const char *fmt, ...)
{
    va_list ap;

    if (c->violation[0] != '\0')
        return;
    va_start(ap, fmt);
    (void)vsnprintf(c->violation, sizeof(c->violation), fmt, ap);
    va_end(ap);
}

#define U(v) ((unsigned long long)(v))

/* One more element behind the n of an array. */
static void *grow(void *p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return p;
    *cap = *cap == 0 ? 32 : *cap * 2;
    p = realloc(p, *cap * size);
    if (p == NULL)
        abort();
    return p;
}

/* FNV-1a; 0 for the empty string only. */
static uint64_t hash(struct str s)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ s.p[i]) * 0x100000001b3u;
    return s.n == 0 ? 0 : h | 1;
}

static void copy(char *to, size_t max, struct str s)
{
    size_t n = MIN(s.n, max - 1);

    if (n > 0)
        memcpy(to, s.p, n);
    to[n] = '\0';
}

struct sim_log *sim_check_log(struct sim_check *c, struct str room)
{
    struct sim_log *l = c->logs;

    while (l != NULL && !str_eq(str_of(l->id), room))
        l = l->next;
    if (l != NULL)
        return l;
    l = calloc(1, sizeof(*l));
    if (l == NULL)
        abort();
    copy(l->id, sizeof(l->id), room);
    l->next = c->logs;
    c->logs = l;
    return l;
}

uint64_t sim_check_head(const struct sim_log *log)
{
    return log->head;
}

void sim_check_kind(struct sim_log *log, struct str kind)
{
    log->is_private = log->is_private || str_eq(kind, STR("private"));
}

void sim_check_each(struct sim_check *c,
                    void (*fn)(void *ctx, struct sim_log *log, struct str room), void *ctx)
{
    for (struct sim_log *l = c->logs; l != NULL; l = l->next)
        fn(ctx, l, str_of(l->id));
}

/* The log, entry by entry. */

static struct line *line_at(struct sim_log *log, uint64_t seq)
{
    size_t cap = log->lines_cap;

    if (seq >= cap) {
        cap = MAX((size_t)seq + 64, cap * 2);
        log->lines = realloc(log->lines, cap * sizeof(struct line));
        if (log->lines == NULL)
            abort();
        memset(log->lines + log->lines_cap, 0, (cap - log->lines_cap) * sizeof(struct line));
        log->lines_cap = cap;
    }
    return &log->lines[seq];
}

static struct line line_of(const struct entry *e)
{
    struct line l = {
        .kind = e->kind,
        .on = e->kind == ENTRY_REACT && e->on,
        .kick = e->kind == ENTRY_MEMBER && str_eq(e->act, STR("kick")),
        .count = e->count,
        .ts_ms = e->ts_ms,
        .from = e->from_id,
        .target = e->target,
        .reply_to = e->reply_to,
        .user = e->user_id,
        .until_ms = e->until_ms,
        .text = hash(e->text),
        .emoji = hash(e->emoji),
        .title = hash(e->title),
        .room_kind = hash(e->room_kind),
    };

    if (e->kind == ENTRY_MESSAGE) /* of others, clients are not told */
        copy(l.cid, sizeof(l.cid), e->cid);
    if (e->kind == ENTRY_MEMBER || e->kind == ENTRY_DELETE ||
        e->kind == ENTRY_ACT) /* why is for moderators alone */
        l.text = 0;
    if (e->kind == ENTRY_DELETE)
        l.user = 0;
    copy(l.role, sizeof(l.role), e->role);
    return l;
}

/* What a deletion blanks: the message, and its edits. */
static bool has_text(const struct line *l)
{
    return l->kind == ENTRY_MESSAGE || l->kind == ENTRY_EDIT;
}

static bool same(const struct line *a, const struct line *b)
{
    bool text =
        a->text == b->text || (has_text(a) && (a->text == 0 || b->text == 0)); /* deleted since */

    return text && a->kind == b->kind && a->on == b->on && a->kick == b->kick &&
           a->count == b->count && a->ts_ms == b->ts_ms && a->from == b->from &&
           a->target == b->target && a->reply_to == b->reply_to && a->user == b->user &&
           a->until_ms == b->until_ms && a->emoji == b->emoji && a->title == b->title &&
           a->room_kind == b->room_kind && strcmp(a->cid, b->cid) == 0 &&
           strcmp(a->role, b->role) == 0;
}

/* The deletion of the message at seq, or of that which the edit there changes; 0
 * if none is known. */
static uint64_t deletion_of(const struct sim_log *log, uint64_t seq)
{
    const struct line *l = &log->lines[seq];

    return l->kind == ENTRY_EDIT ? log->lines[l->target].deletion : l->deletion;
}

static void check_unique(struct sim_check *c, const struct sim_log *log, uint64_t seq)
{
    const struct line *l = &log->lines[seq];

    if (l->kind != ENTRY_MESSAGE || l->cid[0] == '\0')
        return;
    for (uint64_t s = 1; s < log->lines_cap; s++)
        if (s != seq && !log->lines[s].lost && log->lines[s].from == l->from &&
            strcmp(log->lines[s].cid, l->cid) == 0)
            sim_check_violate(c, "I3: %s: cid %s of user %llu is at %llu and at %llu", log->id,
                              l->cid, U(l->from), U(s), U(seq));
}

static void check_neighbours(struct sim_check *c, const struct sim_log *log, uint64_t seq)
{
    const struct line *before = &log->lines[seq - 1], *l = &log->lines[seq];
    uint64_t count = (seq == 1 ? 0 : before->count) + (l->kind == ENTRY_MESSAGE);

    if (seq > 1 && before->kind == 0)
        return;
    if (l->count != count)
        sim_check_violate(c, "I1: %s: count %llu at %llu, not %llu", log->id, U(l->count), U(seq),
                          U(count));
    if (l->ts_ms < before->ts_ms)
        sim_check_violate(c, "I1: %s: time runs back at %llu", log->id, U(seq));
    if (c->wall_ms > 0 && l->ts_ms > c->wall_ms + AHEAD_MS)
        sim_check_violate(c, "I1: %s: %llu is %llu ms ahead of its time", log->id, U(seq),
                          U(l->ts_ms - c->wall_ms));
}

static struct line *note(struct sim_check *c, struct sim_log *log, uint64_t seq,
                         const struct entry *e)
{
    struct line *l = line_at(log, seq), new = line_of(e);

    log->head = MAX(log->head, seq);
    if (e->kind == ENTRY_LOST) {
        if (!l->lost)
            sim_check_violate(c, "I2: %s: %llu is said to be lost", log->id, U(seq));
        return l;
    }
    if (e->kind == ENTRY_DELETE && e->target > 0 && e->target < seq)
        log->lines[e->target].deletion = seq;
    if (l->kind == 0) {
        new.deletion = l->deletion;
        *l = new;
        check_unique(c, log, seq);
        check_neighbours(c, log, seq);
        return l;
    }
    if (!same(l, &new))
        sim_check_violate(c, "I1: %s: two different entries are at %llu", log->id, U(seq));
    if (l->text == 0)
        l->text = new.text;
    return l;
}

/* Streams. */

static void note_epoch(struct sim_check *c, struct sim_log *log, uint64_t epoch)
{
    if (log->epoch == 0)
        log->epoch = epoch;
    if (epoch != 0 && epoch != log->epoch)
        sim_check_violate(c, "I1: %s: its epoch was %llu and is %llu", log->id, U(log->epoch),
                          U(epoch));
}

static void grant(struct sim_log *log, uint64_t user, uint64_t low, uint64_t high)
{
    log->grants = grow(log->grants, log->grants_n, &log->grants_cap, sizeof(*log->grants));
    log->grants[log->grants_n++] = (struct grant){user, low, high, false};
}

void sim_check_joined(struct sim_check *c, struct sim_follow *f, uint64_t epoch, uint64_t head)
{
    note_epoch(c, f->log, epoch);
    f->log->head = MAX(f->log->head, head);
    f->head = head;
    f->on = true;
    f->ended = false;
    if (f->cursor > head)
        sim_check_violate(c, "I1: %s: followed from %llu, beyond its head %llu", f->log->id,
                          U(f->cursor), U(head));
    grant(f->log, f->user, head, head);
}

void sim_check_left(struct sim_follow *f)
{
    f->on = false;
}

static bool takes_away(const struct sim_log *log, const struct entry *e)
{
    return str_eq(e->act, STR("kick")) || str_eq(e->role, STR("banned")) ||
           (log->is_private && str_eq(e->role, STR("none")));
}

void sim_check_shown(struct sim_check *c, struct sim_follow *f, uint64_t seq, const struct entry *e)
{
    const struct line *l;

    if (f->ended)
        sim_check_violate(c, "I4: %s: user %llu was shown %llu after losing access at %llu",
                          f->log->id, U(f->user), U(seq), U(f->cursor));
    else if (!f->on)
        sim_check_violate(c, "I1: %s: user %llu was shown %llu without following", f->log->id,
                          U(f->user), U(seq));
    else if (seq != f->cursor + 1)
        sim_check_violate(c, "I1: %s: user %llu was shown %llu after %llu", f->log->id, U(f->user),
                          U(seq), U(f->cursor));
    l = note(c, f->log, seq, e);
    if (has_text(l) && e->text.n > 0 && deletion_of(f->log, seq) - 1 < f->head)
        sim_check_violate(c, "I4: %s: user %llu was shown the text at %llu, deleted at %llu",
                          f->log->id, U(f->user), U(seq), U(deletion_of(f->log, seq)));
    f->cursor = seq;
    if (e->kind == ENTRY_MEMBER && e->user_id == f->user && seq > f->head && takes_away(f->log, e))
        f->ended = true;
}

void sim_check_behind(struct sim_check *c, struct sim_follow *f, uint64_t from, uint64_t to)
{
    if (!f->on || f->ended || from != f->cursor || to <= from)
        sim_check_violate(c, "I1: %s: user %llu at %llu is told behind %llu .. %llu", f->log->id,
                          U(f->user), U(f->cursor), U(from), U(to));
    f->cursor = to;
    f->log->head = MAX(f->log->head, to);
}

/* No log in these stories is ever replaced by another, or cut. */
void sim_check_reset(struct sim_check *c, struct sim_follow *f)
{
    sim_check_violate(c, "I1: %s: user %llu at %llu is told reset, but it is the same log",
                      f->log->id, U(f->user), U(f->cursor));
}

/* Pages. */

void sim_check_page(struct sim_check *c, struct sim_log *log, uint64_t user, uint64_t last,
                    uint64_t head)
{
    if (last > head)
        sim_check_violate(c, "I1: %s: a page ends at %llu, beyond its head %llu", log->id, U(last),
                          U(head));
    log->head = MAX(log->head, head);
    grant(log, user, last, head);
}

void sim_check_line(struct sim_check *c, struct sim_log *log, uint64_t seq, const struct entry *e)
{
    (void)note(c, log, seq, e);
}

void sim_check_state(struct sim_check *c, struct sim_log *log, uint64_t seq, uint64_t rev,
                     struct str text)
{
    (void)c;
    log->head = MAX(log->head, MAX(seq, rev));
    log->states = grow(log->states, log->states_n, &log->states_cap, sizeof(*log->states));
    log->states[log->states_n++] = (struct state){seq, rev, hash(text)};
}

/* Acknowledgements. */

static struct claim *claim_get(struct sim_log *log, uint64_t user, const char *cid)
{
    for (size_t i = 0; cid[0] != '\0' && i < log->claims_n; i++)
        if (log->claims[i].user == user && strcmp(log->claims[i].cid, cid) == 0)
            return &log->claims[i];
    return NULL;
}

static struct claim *claim_add(struct sim_log *log, const struct claim *claim)
{
    log->claims = grow(log->claims, log->claims_n, &log->claims_cap, sizeof(*log->claims));
    log->claims[log->claims_n] = *claim;
    return &log->claims[log->claims_n++];
}

static void check_claim(struct sim_check *c, const struct sim_log *log, const struct claim *k)
{
    const struct line *l = &log->lines[k->seq];
    uint64_t target = l->kind == ENTRY_MEMBER ? l->user : l->target;
    bool text = k->kind != ENTRY_MESSAGE || l->text == k->text || l->text == 0;

    if (l->kind != k->kind || l->from != k->user || strcmp(l->cid, k->cid) != 0 || !text ||
        target != k->target)
        sim_check_violate(c, "I2: %s: at %llu is not what user %llu was told (cid %s)", log->id,
                          U(k->seq), U(k->user), k->cid);
}

void sim_check_acked(struct sim_check *c, const struct sim_ack *a)
{
    struct sim_log *log = a->log;
    struct claim claim = {.user = a->user, .seq = a->seq, .kind = a->kind, .target = a->target};
    struct claim *old;

    copy(claim.cid, sizeof(claim.cid), a->cid);
    claim.text = hash(a->text);
    if (a->seq == 0)
        sim_check_violate(c, "I2: %s: an acknowledgement without a seq", log->id);
    old = claim_get(log, a->user, claim.cid);
    if (old != NULL && sim_check_is_lost(log, old->seq))
        *old = claim;
    if (old != NULL && old->seq != a->seq && !sim_check_is_lost(log, a->seq))
        sim_check_violate(c, "I3: %s: cid %s of user %llu was at %llu and now at %llu", log->id,
                          claim.cid, U(a->user), U(old->seq), U(a->seq));
    if (old == NULL)
        old = claim_add(log, &claim);
    log->head = MAX(log->head, a->seq);
    if (line_at(log, a->seq)->kind != 0)
        check_claim(c, log, old);
}

void sim_check_refused(struct sim_check *c, struct sim_log *log, uint64_t user, struct str cid)
{
    struct claim claim = {.user = user};
    const struct claim *old;

    copy(claim.cid, sizeof(claim.cid), cid);
    old = claim_get(log, user, claim.cid);
    if (old == NULL)
        (void)claim_add(log, &claim);
    else if (old->seq != 0 && !sim_check_is_lost(log, old->seq))
        sim_check_violate(c, "I3: %s: cid %s of user %llu is at %llu, and was refused", log->id,
                          claim.cid, U(user), U(old->seq));
}

/* Who may. */

static void access_begin(struct access *a, const struct sim_log *log)
{
    struct str rest = str_of(log->id);

    *a = (struct access){0};
    if (str_starts(rest, STR("dm:"))) {
        struct str low;

        rest = str_skip(rest, 3);
        low = str_cut(&rest, ':');
        if (!str_to_u64(low, &a->low) || !str_to_u64(rest, &a->high))
            abort();
    } else if (rest.n > 1 && rest.p[0] == '@' && !str_to_u64(str_skip(rest, 1), &a->low)) {
        abort();
    }
}

static struct role *role_get(struct access *a, uint64_t user)
{
    for (size_t i = 0; i < a->roles_n; i++)
        if (a->roles[i].user == user)
            return &a->roles[i];
    assert(a->roles_n < PEOPLE_MAX);
    a->roles[a->roles_n] = (struct role){user, 0, "none"};
    return &a->roles[a->roles_n++];
}

static void access_take(struct access *a, const struct line *l)
{
    if (l->kind == ENTRY_ROOM && l->room_kind != 0) {
        a->is_private = l->room_kind == hash(STR("private"));
        role_get(a, l->from)->name = "owner";
    } else if (l->kind == ENTRY_MEMBER) {
        *role_get(a, l->user) = (struct role){l->user, l->until_ms, l->role};
    }
}

static bool is_role(const struct role *r, const char *name)
{
    return strcmp(r->name, name) == 0;
}

/* An end that is not known to have come may have. */
static bool may_read(struct access *a, uint64_t user, uint64_t now_ms)
{
    const struct role *r = role_get(a, user);
    bool over = r->until_ms > 0 && r->until_ms <= now_ms;

    if (a->low > 0)
        return user == a->low || user == a->high;
    if (is_role(r, "banned") && !over)
        return false;
    return !a->is_private || !(is_role(r, "none") || is_role(r, "banned"));
}

static bool may_write(struct access *a, uint64_t user, uint64_t now_ms)
{
    const struct role *r = role_get(a, user);
    bool over = r->until_ms > 0 && r->until_ms <= now_ms;

    return may_read(a, user, now_ms) && (!is_role(r, "muted") || over);
}

static bool may_moderate(struct access *a, uint64_t user)
{
    const struct role *r = role_get(a, user);

    return is_role(r, "owner") || is_role(r, "moderator");
}

/* Was the message at target written by the person, and not deleted before? */
static bool may_change(const struct sim_log *log, uint64_t seq, bool moderator)
{
    const struct line *l = &log->lines[seq];
    const struct line *target = l->target > 0 && l->target < seq ? &log->lines[l->target] : NULL;

    if (target == NULL || target->kind != ENTRY_MESSAGE)
        return false;
    for (uint64_t s = l->target + 1; s < seq; s++)
        if (log->lines[s].kind == ENTRY_DELETE && log->lines[s].target == l->target)
            return false;
    return l->kind == ENTRY_REACT || l->from == target->from ||
           (l->kind == ENTRY_DELETE && moderator);
}

static bool is_allowed(const struct sim_log *log, struct access *a, uint64_t seq)
{
    const struct line *l = &log->lines[seq];

    switch (l->kind) {
    case ENTRY_MESSAGE:
        return may_write(a, l->from, l->ts_ms);
    case ENTRY_EDIT:
    case ENTRY_DELETE:
    case ENTRY_REACT:
        return may_write(a, l->from, l->ts_ms) && may_change(log, seq, may_moderate(a, l->from));
    case ENTRY_MEMBER:
        return may_moderate(a, l->from) || l->from == l->user;
    case ENTRY_ROOM:
        return seq == 1 || (l->room_kind == 0 && may_moderate(a, l->from));
    default:
        return true;
    }
}

static void check_access(struct sim_check *c, struct sim_log *log, uint64_t head)
{
    struct access a;

    access_begin(&a, log);
    for (uint64_t seq = 0; seq <= head; seq++) {
        if (seq > 0 && !is_allowed(log, &a, seq))
            sim_check_violate(c, "I4: %s: at %llu is what user %llu might not write", log->id,
                              U(seq), U(log->lines[seq].from));
        if (seq > 0)
            access_take(&a, &log->lines[seq]);
        for (size_t i = 0; i < log->grants_n; i++) {
            struct grant *g = &log->grants[i];

            if (g->low <= seq && seq <= g->high && !g->right)
                g->right = may_read(&a, g->user, UINT64_MAX);
        }
    }
    for (size_t i = 0; i < log->grants_n; i++)
        if (!log->grants[i].right && log->grants[i].low <= head)
            sim_check_violate(c, "I4: %s: user %llu was let read at %llu .. %llu", log->id,
                              U(log->grants[i].user), U(log->grants[i].low),
                              U(log->grants[i].high));
    log->grants_n = 0;
}

/* The disk. */

bool sim_check_may_lose(const struct sim_log *log, uint64_t seq)
{
    static const bool kinds[] = {
        [ENTRY_MESSAGE] = true, [ENTRY_EDIT] = true, [ENTRY_DELETE] = true, [ENTRY_REACT] = true};
    uint8_t kind = seq < log->lines_cap ? log->lines[seq].kind : 0;

    return seq > 1 && seq < log->head && kind < COUNTOF(kinds) && kinds[kind];
}

bool sim_check_is_lost(const struct sim_log *log, uint64_t seq)
{
    return seq < log->lines_cap && log->lines[seq].lost;
}

uint64_t sim_check_first_lost(const struct sim_log *log)
{
    for (uint64_t seq = 1; seq < log->lines_cap; seq++)
        if (log->lines[seq].lost)
            return seq;
    return 0;
}

void sim_check_lost(struct sim_log *log, uint64_t from, uint64_t n)
{
    for (uint64_t seq = from; seq < from + n; seq++)
        line_at(log, seq)->lost = true;
}

void sim_check_disk_begin(struct sim_check *c, struct sim_log *log, uint64_t epoch, uint64_t head)
{
    note_epoch(c, log, epoch);
    for (uint64_t seq = 1; seq < log->lines_cap; seq++) {
        if (log->lines[seq].kind != 0 && seq > head)
            sim_check_violate(c, "I2: %s: %llu was shown, and the disk's head is %llu", log->id,
                              U(seq), U(head));
        log->lines[seq].disk = false;
    }
    if (log->head > head)
        sim_check_violate(c, "I2: %s: %llu was told of, and the disk's head is %llu", log->id,
                          U(log->head), U(head));
    log->disk_head = log->head = head;
}

void sim_check_disk_entry(struct sim_check *c, struct sim_log *log, uint64_t seq,
                          const struct entry *e)
{
    struct line *l = note(c, log, seq, e);

    l->disk = true;
    l->disk_text = e->text.n > 0;
    if (e->kind == ENTRY_LOST)
        return;
    if (has_text(l) && e->text.n == 0 && l->text != 0 && deletion_of(log, seq) == 0)
        l->text = 0; /* is it deleted? known when all is read */
}

static void check_state(struct sim_check *c, const struct sim_log *log, const struct state *s)
{
    const struct line *message = &log->lines[s->seq];
    uint64_t text = message->text, rev = s->seq;
    bool known = text != 0;

    for (uint64_t seq = s->seq + 1; seq <= s->rev; seq++) {
        const struct line *l = &log->lines[seq];

        if (l->target != s->seq || l->kind < ENTRY_EDIT || l->kind > ENTRY_REACT)
            continue;
        rev = seq;
        if (l->kind == ENTRY_REACT)
            continue;
        text = l->text;
        known = text != 0 || l->kind == ENTRY_DELETE;
    }
    if (message->kind != ENTRY_MESSAGE || rev != s->rev || (known && text != s->text))
        sim_check_violate(c, "I1: %s: the message at %llu is not like that as of %llu", log->id,
                          U(s->seq), U(s->rev));
}

/* An edit loses its text when EDITS_MAX (CHANGE_EDITS_MAX) later ones of the message are there. */
static bool has_outlived(const struct sim_log *log, uint64_t seq)
{
    unsigned later = 0;

    for (uint64_t s = seq + 1; s <= log->disk_head; s++)
        later += log->lines[s].kind == ENTRY_EDIT && log->lines[s].target == log->lines[seq].target;
    return log->lines[seq].kind == ENTRY_EDIT && later >= EDITS_MAX;
}

static void check_line(struct sim_check *c, const struct sim_log *log, uint64_t seq)
{
    const struct line *l = &log->lines[seq];

    if (!l->disk)
        sim_check_violate(c, "I2: %s: the disk has no %llu", log->id, U(seq));
    if (has_text(l) && l->text == 0 && deletion_of(log, seq) == 0 && !has_outlived(log, seq))
        sim_check_violate(c, "I2: %s: the message at %llu is blank, and nobody deleted it", log->id,
                          U(seq));
    if (has_text(l) && l->disk_text && deletion_of(log, seq) != 0)
        sim_check_violate(c, "I4: %s: what was deleted is still on the disk at %llu", log->id,
                          U(seq));
}

void sim_check_disk_end(struct sim_check *c, struct sim_log *log)
{
    (void)line_at(log, log->disk_head);
    for (uint64_t seq = 1; seq <= log->disk_head; seq++)
        check_line(c, log, seq);
    for (size_t i = 0; i < log->claims_n; i++) {
        const struct claim *k = &log->claims[i];

        if (k->seq > 0)
            check_claim(c, log, k);
        for (uint64_t seq = 1; k->seq == 0 && seq <= log->disk_head; seq++)
            if (!log->lines[seq].lost && log->lines[seq].from == k->user &&
                strcmp(log->lines[seq].cid, k->cid) == 0)
                sim_check_violate(c, "I3: %s: cid %s of user %llu was refused and is at %llu",
                                  log->id, k->cid, U(k->user), U(seq));
    }
    for (size_t i = 0; i < log->states_n; i++)
        check_state(c, log, &log->states[i]);
    check_access(c, log, log->disk_head);
}
