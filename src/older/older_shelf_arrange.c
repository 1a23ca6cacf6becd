#include "older/older_shelf_impl.h"

#include "base/entry.h"
#include "base/str.h"
#include "chat/model/command.h"
#include "chat/model/keys.h"
#include "chat/model/names.h"

#include <stdlib.h>

#define SLICE 5000
#define NS_PER_MS 1000000

/* --- People. --- */

/* False if another has the name, but for case. */
static bool take_key(struct older_shelf *s, struct str key, uint64_t id)
{
    sqlite3_stmt *stmt = older_shelf_stmt(s, OLDER_TAKE_KEY);

    older_shelf_bind(stmt, 1, key);
    older_shelf_bind_u64(stmt, 2, id);
    older_shelf_run(s, stmt);
    return sqlite3_changes(s->db) > 0;
}

static void number_person(struct older_shelf *s, struct str name, struct str shown, uint64_t id)
{
    sqlite3_stmt *stmt = older_shelf_stmt(s, OLDER_NUMBER);

    older_shelf_bind(stmt, 1, name);
    older_shelf_bind_u64(stmt, 2, id);
    older_shelf_bind(stmt, 3, shown);
    older_shelf_run(s, stmt);
}

/* A name like theirs that nobody has. */
static void make_name(struct older_shelf *s, struct str name, uint64_t id)
{
    char shown[512], like[256], key[NAMES_KEY_MAX];
    size_t key_n = 0, n, like_n = names_make(name, like, sizeof(like));
    struct str of = {(const uint8_t *)like, like_n};

    memcpy(shown, like, like_n);
    n = like_n;
    for (uint64_t number = id;; number += s->counts.people) {
        if (names_had((struct str){(const uint8_t *)shown, n}, key, &key_n) &&
            take_key(s, (struct str){(const uint8_t *)key, key_n}, id))
            break;
        if (older_shelf_failed(s) != NULL)
            return;
        n = names_number(of, number, shown, sizeof(shown));
    }
    number_person(s, name, (struct str){(const uint8_t *)shown, n}, id);
}

/* A copy: the row is changed before the next is looked at. NULL: that was all. */
static struct frame *next_person(struct older_shelf *s, sqlite3_stmt *stmt)
{
    return older_shelf_step(s, stmt) ? frame_copy(older_shelf_bytes(stmt, 0)) : NULL;
}

/* One pass over those that have no number yet; make: by names that are made. */
static uint64_t number_all(struct older_shelf *s, uint64_t *next, bool make, older_unfit_f *unfit,
                           void *ctx)
{
    sqlite3_stmt *stmt = older_shelf_stmt(s, OLDER_PEOPLE);
    uint64_t unfit_n = 0;
    struct frame *f;

    while ((f = next_person(s, stmt)) != NULL) {
        struct str name = frame_str(f);
        char key[NAMES_KEY_MAX];
        size_t key_n;
        bool fits = names_had(name, key, &key_n);

        if (make) {
            make_name(s, name, (*next)++);
        } else if (fits && take_key(s, (struct str){(const uint8_t *)key, key_n}, *next)) {
            number_person(s, name, name, (*next)++);
        } else {
            unfit_n++;
            if (unfit != NULL)
                unfit(ctx, name, fits ? "name_twice" : "bad_name");
        }
        frame_unref(f);
    }
    (void)sqlite3_reset(stmt);
    return unfit_n;
}

uint64_t older_shelf_arrange_people(struct older_shelf *s, bool make_names, older_unfit_f *unfit,
                                    void *ctx)
{
    uint64_t next = 1, n = number_all(s, &next, false, make_names ? NULL : unfit, ctx);

    if (make_names)
        n = number_all(s, &next, true, NULL, NULL);
    if (n > 0)
        return n;
    s->numbers = MAX(s->numbers, next - 1);
    older_shelf_run(s, older_shelf_stmt(s, OLDER_PUT_NAMES));
    older_shelf_run(s, older_shelf_stmt(s, OLDER_PUT_USERS));
    return 0;
}

/* --- Rooms. --- */

static struct str writing_room(const struct older_shelf *s)
{
    return (struct str){s->room, s->room_n};
}

static void put_entry(struct older_shelf *s, const struct entry *e)
{
    sqlite3_stmt *stmt = older_shelf_stmt(s, OLDER_PUT_ENTRY);

    buf_clear(&s->body);
    entry_encode(e, &s->body);
    (void)access_apply(&s->access, e);
    older_shelf_bind(stmt, 1, writing_room(s));
    older_shelf_bind_u64(stmt, 2, ++s->seq);
    older_shelf_bind(stmt, 3, buf_peek(&s->body));
    older_shelf_run(s, stmt);
}

static void put_listed(struct older_shelf *s, uint64_t user)
{
    sqlite3_stmt *stmt = older_shelf_stmt(s, OLDER_PUT_LISTED);

    older_shelf_bind_u64(stmt, 1, user);
    older_shelf_bind(stmt, 2, writing_room(s));
    older_shelf_run(s, stmt);
}

/* The record that a server derives from a log, so that it does not read all of it. */
static void put_access(struct older_shelf *s)
{
    sqlite3_stmt *stmt = older_shelf_stmt(s, OLDER_PUT_RECORD);
    struct gone gone;
    char pk[KEYS_MAX];

    gone_init(&gone);
    buf_clear(&s->body);
    access_encode(&s->access, &gone, s->seq, &s->body);
    gone_fini(&gone);
    older_shelf_bind(stmt, 1, keys_of_room(writing_room(s), pk));
    older_shelf_bind(stmt, 2, KEYS_ACCESS);
    older_shelf_bind(stmt, 3, buf_peek(&s->body));
    older_shelf_run(s, stmt);
}

static void end_room(struct older_shelf *s)
{
    sqlite3_stmt *stmt;

    if (!s->writing)
        return;
    stmt = older_shelf_stmt(s, OLDER_PUT_ROOM);
    older_shelf_bind(stmt, 1, writing_room(s));
    older_shelf_bind_u64(stmt, 2, s->seq);
    older_shelf_run(s, stmt);
    put_access(s);
    access_fini(&s->access);
    s->writing = false;
    s->counts.rooms++;
}

/* As the command join or dm makes a room, by whoever says the first thing in it. */
static void begin_room(struct older_shelf *s, sqlite3_stmt *row, struct str room)
{
    struct entry e = {.kind = ENTRY_ROOM, .ts_ms = older_shelf_u64(row, 1) / NS_PER_MS};

    end_room(s);
    assert(room.n > 0 && room.n <= sizeof(s->room));
    memcpy(s->room, room.p, room.n);
    s->room_n = room.n;
    s->seq = 0;
    s->writing = true;
    access_init(&s->access, writing_room(s));
    e.room_kind = s->access.kind == ACCESS_DIRECT ? STR("direct") : STR("public");
    if (s->access.kind != ACCESS_DIRECT)
        e.title = older_shelf_bytes(row, 7);
    if (!s->access.open) {
        e.from_id = older_shelf_u64(row, 3);
        e.from_name = older_shelf_bytes(row, 4);
    }
    put_entry(s, &e);
}

static void put_row(struct older_shelf *s, sqlite3_stmt *row)
{
    struct str room = older_shelf_bytes(row, 0), id = older_shelf_bytes(row, 2);
    uint64_t other = older_shelf_u64(row, 6);

    if (!s->writing || !str_eq(room, writing_room(s)))
        begin_room(s, row, room);
    put_entry(s, &(struct entry){.kind = ENTRY_MESSAGE,
                                 .count = s->seq,
                                 .ts_ms = older_shelf_u64(row, 1) / NS_PER_MS,
                                 .from_id = older_shelf_u64(row, 3),
                                 .from_name = older_shelf_bytes(row, 4),
                                 .cid = id.n <= COMMAND_CID_MAX ? id : (struct str){0},
                                 .text = older_shelf_bytes(row, 5)});
    put_listed(s, older_shelf_u64(row, 3));
    if (other != 0)
        put_listed(s, other);
    s->counts.arranged++;
}

bool older_shelf_arrange_messages(struct older_shelf *s)
{
    /* It is stepped from call to call. */
    sqlite3_stmt *row = s->stmts[OLDER_SORTED];

    if (row == NULL)
        row = older_shelf_stmt(s, OLDER_SORTED);
    for (unsigned i = 0; i < SLICE; i++) {
        if (!older_shelf_step(s, row)) {
            end_room(s);
            older_shelf_run(s, older_shelf_stmt(s, OLDER_PUT_LISTS));
            return false;
        }
        put_row(s, row);
    }
    return true;
}
