/* store_sqlite_tail.h: what is in memory: rooms lately used, and a copy of the
 * journal, always exactly that of the last commit.
 *
 * The writer's thread alone changes it, and reads it freely; readers take the
 * lock, and the writer does while it changes. Blocks are frames, so that a
 * reader takes references under the lock and reads them without. */
#ifndef STORE_STORE_SQLITE_TAIL_H
#define STORE_STORE_SQLITE_TAIL_H

#include "base/list.h"
#include "base/map.h"
#include "store/store.h"

struct host_lock;

/* One journal row. */
struct store_sqlite_batch {
    uint64_t id, first;
    unsigned n;
    struct frame *block;
};

/* batches: batch[at] .. batch[at + n - 1], in order, without gaps. */
struct store_sqlite_room {
    struct map_node node; /* first */
    struct list idle;     /* in tail.idle while there are no batches */
    uint64_t id;
    uint64_t head;   /* of the last commit; 0: not written yet */
    uint64_t staged; /* with the transaction under way; the writer's own */
    uint64_t marked; /* by folding; the writer's own */
    bool damaged;    /* part of its journal is lost: it is neither read nor written */
    struct store_sqlite_batch *batch;
    size_t at, n, cap;
    struct str name;
};

/* A journal row's place: rows of all rooms in order of id. */
struct store_sqlite_row {
    struct store_sqlite_room *room;
    uint64_t id;
};

struct store_sqlite_tail {
    struct host_lock *lock;
    struct map rooms;
    uint8_t key[16];
    struct list idle; /* least recently used first */
    size_t idle_n;
    struct store_sqlite_row *row;
    size_t at, n, cap;
    size_t entries, bytes; /* in all batches */
};

/* key: 16 unpredictable bytes. */
void store_sqlite_tail_init(struct store_sqlite_tail *t, const uint8_t key[static 16]);
void store_sqlite_tail_fini(struct store_sqlite_tail *t);

/* The room of that name, or NULL. Readers: with the lock. */
struct store_sqlite_room *store_sqlite_tail_get(const struct store_sqlite_tail *t, struct str name);

/* The batch that holds seq, or NULL. Readers: with the lock. */
struct store_sqlite_batch *store_sqlite_tail_find(const struct store_sqlite_room *r, uint64_t seq);

/* The first seq in memory; head + 1 if there is none. Readers: with the lock. */
uint64_t store_sqlite_tail_first(const struct store_sqlite_room *r);

/* All below: the writer only. */

/* A new room, its head as given. Takes the lock. */
struct store_sqlite_room *store_sqlite_tail_add(struct store_sqlite_tail *t, struct str name,
                                                uint64_t id, uint64_t head);

/* The room is damaged, and stays in memory. Before readers run. */
void store_sqlite_tail_spoil(struct store_sqlite_tail *t, struct store_sqlite_room *r);

/* Frees a room without batches. Takes the lock. */
void store_sqlite_tail_remove(struct store_sqlite_tail *t, struct store_sqlite_room *r);

/* Marks a room without batches as just used. */
void store_sqlite_tail_use(struct store_sqlite_tail *t, struct store_sqlite_room *r);

/* With the lock: a batch that was committed (its block's reference moves). */
void store_sqlite_tail_push(struct store_sqlite_tail *t, struct store_sqlite_room *r,
                            struct store_sqlite_batch batch);

/* With the lock: another block for the batch that holds seq; the reference
 * moves. If no batch does, block is dropped. */
void store_sqlite_tail_replace(struct store_sqlite_tail *t, struct store_sqlite_room *r,
                               uint64_t seq, struct frame *block);

/* With the lock: drops the batches of journal rows up to id. */
void store_sqlite_tail_cut(struct store_sqlite_tail *t, uint64_t id);

/* Forgets rooms without batches beyond max of them. Takes the lock. */
void store_sqlite_tail_trim(struct store_sqlite_tail *t, size_t max);

#endif
