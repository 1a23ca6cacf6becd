/* sim_check.h: what must hold whatever happens (design: section 7), checked from
 * what clients are told and from what the disk holds. Pure: knows neither the
 * server nor its code.
 *
 *   client's streams --joined, shown, behind, left--+
 *   acknowledgements, pages of history -------------+--> one model of each log
 *   the disk, when no node runs --begin, entry, end-+
 *
 * The first violation is kept; later ones follow from it. */
#ifndef LIB_SIM_CHECK_H
#define LIB_SIM_CHECK_H

#include "base/base.h"
#include "base/entry.h"

struct sim_check;
struct sim_log; /* what is known of one room's log */

/* One follower: a room on one connection, from joining it to leaving it. */
struct sim_follow {
    struct sim_log *log;
    uint64_t user, cursor;
    uint64_t head; /* the log as it was when access was decided */
    bool on;
    bool ended; /* was shown that its person lost access */
};

struct sim_check *sim_check_new(void) MUST_CHECK;
void sim_check_free(struct sim_check *c);

/* The first violation, "I1: ...", or NULL. */
const char *sim_check_violation(const struct sim_check *c);
void sim_check_violate(struct sim_check *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The Unix time in the world: no entry that is told of bears a later one, but for what a
 * node may not know of the store's clock. */
void sim_check_now(struct sim_check *c, uint64_t wall_ms);

struct sim_log *sim_check_log(struct sim_check *c, struct str room);

/* The kind of the room, as a join was told; empty: not said. */
void sim_check_kind(struct sim_log *log, struct str kind);

/* The largest seq that anybody was told of. */
uint64_t sim_check_head(const struct sim_log *log);

/* A stream begins behind cursor; the server gave the log's epoch and head. */
void sim_check_joined(struct sim_check *c, struct sim_follow *f, uint64_t epoch, uint64_t head);
void sim_check_left(struct sim_follow *f);

/* What the stream brings. */
void sim_check_shown(struct sim_check *c, struct sim_follow *f, uint64_t seq,
                     const struct entry *e);
void sim_check_behind(struct sim_check *c, struct sim_follow *f, uint64_t from, uint64_t to);
void sim_check_reset(struct sim_check *c, struct sim_follow *f);

/* A page of history for a person, answered when the log had that head. */
void sim_check_page(struct sim_check *c, struct sim_log *log, uint64_t user, uint64_t last,
                    uint64_t head);
/* One of its entries: as it was appended, or a message as of rev. */
void sim_check_line(struct sim_check *c, struct sim_log *log, uint64_t seq, const struct entry *e);
void sim_check_state(struct sim_check *c, struct sim_log *log, uint64_t seq, uint64_t rev,
                     struct str text);

/* An append was acknowledged: of a message with cid and text, or another entry
 * of that kind and target (of ENTRY_MEMBER: the person). */
struct sim_ack {
    struct sim_log *log;
    uint64_t user, seq;
    uint8_t kind;
    uint64_t target;
    struct str cid, text;
};
void sim_check_acked(struct sim_check *c, const struct sim_ack *a);

/* A message that the server refused each time it was tried, for good. */
void sim_check_refused(struct sim_check *c, struct sim_log *log, uint64_t user, struct str cid);

/* May the test take the entry from the disk? It was shown, is in the middle, and is a message
 * or changes one: nobody's rights go by it. */
bool sim_check_may_lose(const struct sim_log *log, uint64_t seq);

/* The test has taken these entries, which were shown, from the disk: they may be shown as
 * lost from now on, and a repeat of what is lost may be taken for new. */
void sim_check_lost(struct sim_log *log, uint64_t from, uint64_t n);

/* Is the entry lost? The first that is; 0: none. */
bool sim_check_is_lost(const struct sim_log *log, uint64_t seq);
uint64_t sim_check_first_lost(const struct sim_log *log);

/* What the disk holds, while nothing writes: all that was shown or acknowledged
 * must be there, once, by people who might. */
void sim_check_disk_begin(struct sim_check *c, struct sim_log *log, uint64_t epoch, uint64_t head);
void sim_check_disk_entry(struct sim_check *c, struct sim_log *log, uint64_t seq,
                          const struct entry *e);
void sim_check_disk_end(struct sim_check *c, struct sim_log *log);

/* Calls fn for each log. */
void sim_check_each(struct sim_check *c,
                    void (*fn)(void *ctx, struct sim_log *log, struct str room), void *ctx);

#endif
