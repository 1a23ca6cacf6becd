#include "migrate/migrate_impl.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_N 256

struct migrate_step {
    const char *name;
    enum migrate_side walked;
    enum store_walk_kind kind;
    migrate_lane_f *run;
    enum { ALWAYS, WRITES, VERIFIES } when;
};

static const struct migrate_step steps[] = {
    {"counting", MIGRATE_FROM, STORE_WALK_ROOMS, migrate_room_count, ALWAYS},
    {"counting", MIGRATE_FROM, STORE_WALK_RECORDS, migrate_record_count, ALWAYS},
    {"looking at the target", MIGRATE_TO, STORE_WALK_ROOMS, migrate_room_check, ALWAYS},
    {"looking at the target", MIGRATE_TO, STORE_WALK_RECORDS, migrate_record_check, ALWAYS},
    {"copying", MIGRATE_FROM, STORE_WALK_ROOMS, migrate_room_copy, WRITES},
    {"copying", MIGRATE_FROM, STORE_WALK_RECORDS, migrate_record_copy, WRITES},
    {"copying", MIGRATE_FROM, STORE_WALK_COUNTERS, migrate_record_raise, WRITES},
    {"verifying", MIGRATE_FROM, STORE_WALK_ROOMS, migrate_room_verify, VERIFIES},
    {"verifying", MIGRATE_FROM, STORE_WALK_RECORDS, migrate_record_verify, VERIFIES},
    {"verifying", MIGRATE_FROM, STORE_WALK_COUNTERS, migrate_record_verify_counter, VERIFIES},
    {"verifying", MIGRATE_TO, STORE_WALK_ROOMS, migrate_room_check, VERIFIES},
    {"verifying", MIGRATE_TO, STORE_WALK_RECORDS, migrate_record_check, VERIFIES},
};

static const char *const code_texts[] = {
#define CODE(constant, text) [constant] = text,
#include "migrate/codes.tbl"
#undef CODE
};

static void feed(struct migrate *m);

struct migrate_lane *migrate_lane_of(struct store_req *req)
{
    return CONTAINER_OF(req, struct migrate_lane, q.req);
}

struct store *migrate_store(const struct migrate_lane *l, enum migrate_side side)
{
    return side == MIGRATE_FROM ? l->m->o.from : l->m->o.to;
}

void migrate_ask(struct migrate_lane *l, store_done_f *done)
{
    memset(&l->q, 0, sizeof(l->q));
    l->q.req.home = l->m->o.io;
    l->q.req.done = done;
}

/* name is a person's, perhaps: what a terminal would act upon is left out. */
static void migrate_give_up(struct migrate *m, enum migrate_code code, const char *what,
                            struct str name, struct str sk)
{
    if (m->code != MIGRATE_OK)
        return;
    m->code = code;
    m->stopped = true;
    (void)snprintf(m->why, sizeof(m->why), "%s%.*s%s%.*s%s%s", name.n > 0 ? "'" : "",
                   (int)MIN(name.n, (size_t)100), (const char *)name.p, sk.n > 0 ? "' '" : "",
                   (int)MIN(sk.n, (size_t)100), (const char *)sk.p, name.n > 0 ? "': " : "", what);
    for (char *p = m->why; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
}

void migrate_fail(struct migrate_lane *l, enum migrate_code code, const char *what)
{
    migrate_give_up(l->m, code, what, l->kept.name, l->kept.sk);
}

static void fail_by(struct migrate *m, enum migrate_side side, enum store_result result,
                    struct str name, struct str sk)
{
    if (side == MIGRATE_FROM)
        migrate_give_up(m, MIGRATE_SOURCE_FAILED, "the source cannot be read", name, sk);
    else if (result == STORE_FULL)
        migrate_give_up(m, MIGRATE_TARGET_FULL, "the target is full", name, sk);
    else
        migrate_give_up(m, MIGRATE_TARGET_FAILED, "the target does not take or give it", name, sk);
}

bool migrate_answered(struct migrate_lane *l, enum migrate_side side)
{
    if (l->q.req.result == STORE_OK)
        return true;
    fail_by(l->m, side, l->q.req.result, l->kept.name, l->kept.sk);
    migrate_end(l);
    return false;
}

void migrate_end(struct migrate_lane *l)
{
    for (int side = MIGRATE_FROM; side <= MIGRATE_TO; side++)
        frame_unref(l->logs[side].last);
    memset(l->logs, 0, sizeof(l->logs));
    migrate_sum_fini(l);
    frame_unref(l->block);
    frame_unref(l->states);
    frame_unref(l->page);
    l->block = l->states = l->page = NULL;
    l->busy = false;
    l->m->busy--;
    feed(l->m);
}

static bool applies(const struct migrate *m, const struct migrate_step *step)
{
    if (step->when == WRITES)
        return !m->o.dry_run;
    return step->when == ALWAYS || (m->o.verify && !m->o.dry_run);
}

/* A step's name and work are those of all steps of that name. */
static void begin_step(struct migrate *m)
{
    struct migrate_progress *p = &m->progress;
    const char *name = steps[m->step].name;

    m->walked = false;
    if (p->step != NULL && strcmp(p->step, name) == 0)
        return;
    p->step = name;
    p->done = 0;
    p->all = steps[m->step].when == ALWAYS ? 0 : p->entries + p->records;
    p->began_us = io_clock_us(m->o.io);
}

static void page_read(struct store_req *req)
{
    struct migrate *m = CONTAINER_OF(req, struct migrate, walk.req);

    m->walking = false;
    frame_unref(m->cursor);
    m->cursor = NULL;
    if (req->result == STORE_OK) {
        m->page = m->walk.ret_block;
        m->at = 0;
        m->cursor = m->walk.ret_cursor;
        m->walked = m->cursor == NULL;
    } else {
        fail_by(m, steps[m->step].walked, req->result, STR(""), STR(""));
    }
    feed(m);
}

static void read_page(struct migrate *m)
{
    const struct migrate_step *step = &steps[m->step];

    frame_unref(m->page);
    m->page = NULL;
    m->walking = true;
    m->walk = (struct store_walk){
        .req = {.home = m->o.io, .done = page_read},
        .kind = step->kind,
        .limit = PAGE_N,
        .cursor = m->cursor != NULL ? frame_str(m->cursor) : STR(""),
    };
    store_walk(step->walked == MIGRATE_FROM ? m->o.from : m->o.to, &m->walk);
}

static struct migrate_lane *idle_lane(struct migrate *m)
{
    for (unsigned i = 0; i < m->o.lanes; i++)
        if (!m->lanes[i].busy)
            return &m->lanes[i];
    return NULL;
}

/* Begins what can be begun; a lane that ends at once calls it again, and finds
 * that it is being done. */
static bool feed_one(struct migrate *m)
{
    struct migrate_lane *l = idle_lane(m);
    struct store_kept kept;

    if (l == NULL || m->walking)
        return false;
    if (m->stopped) {
        m->ended = m->busy == 0;
        return false;
    }
    if (m->page != NULL && store_walk_next(m->page, &m->at, &kept)) {
        l->kept = kept;
        l->page = frame_ref(m->page);
        l->busy = true;
        m->busy++;
        steps[m->step].run(l);
        return true;
    }
    if (!m->walked) {
        read_page(m);
        return false;
    }
    if (m->busy > 0)
        return false;
    do
        m->step++;
    while (m->step < COUNTOF(steps) && !applies(m, &steps[m->step]));
    m->ended = m->step == COUNTOF(steps);
    if (!m->ended)
        begin_step(m);
    return !m->ended;
}

static void feed(struct migrate *m)
{
    if (m->feeding)
        return;
    m->feeding = true;
    while (!m->ended && feed_one(m))
        continue;
    m->feeding = false;
}

struct migrate *migrate_new(const struct migrate_options *o)
{
    struct migrate *m = mem_zeroed(1, sizeof(*m));

    assert(o->lanes > 0 && o->lanes <= MIGRATE_LANES_MAX);
    m->o = *o;
    m->lanes = mem_zeroed(o->lanes, sizeof(*m->lanes));
    for (unsigned i = 0; i < o->lanes; i++)
        m->lanes[i].m = m;
    begin_step(m);
    feed(m);
    return m;
}

bool migrate_ended(const struct migrate *m)
{
    return m->ended;
}

void migrate_stop(struct migrate *m)
{
    if (m->ended)
        return;
    migrate_give_up(m, MIGRATE_INTERRUPTED, "the same command goes on where it was", STR(""),
                    STR(""));
    feed(m);
}

const struct migrate_progress *migrate_progress(const struct migrate *m)
{
    return &m->progress;
}

enum migrate_code migrate_result(const struct migrate *m, const char **ret_why)
{
    *ret_why = m->why;
    return m->code;
}

const char *migrate_code_text(enum migrate_code code)
{
    return code_texts[code];
}

void migrate_free(struct migrate *m)
{
    if (m == NULL)
        return;
    assert(m->ended);
    frame_unref(m->page);
    frame_unref(m->cursor);
    free(m->lanes);
    free(m);
}
