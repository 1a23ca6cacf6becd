/* older_shelf.h: where what was read of an older system is put in order: a database in a
 * temporary file that nobody else sees ($TMPDIR), gone with the process.
 *
 *     put, in any order -> arrange: people get numbers, rooms their logs -> read, as a store
 *
 * The same rows give the same logs, numbers and records, in whatever order they were put: so a
 * migration that begins again finds in the target what it brought before.
 *
 * What fails here (the disk is full) is kept, and looked at once: older_shelf_failed. One thread.
 */
#ifndef OLDER_OLDER_SHELF_H
#define OLDER_OLDER_SHELF_H

#include "store/store.h"

struct older_shelf;

struct older_message {
    struct str room;  /* an id; empty: the direct room of from and to */
    struct str title; /* of the room, if it is a named one */
    uint64_t at_ns;   /* since 1970: by this, then by id, a room's messages are ordered */
    struct str id;    /* or empty */
    struct str from, to;
    struct str text;
};

/* 0 or -errno. */
int older_shelf_new(struct older_shelf **ret_shelf) MUST_CHECK;
void older_shelf_free(struct older_shelf *s);

/* Why it cannot go on, or NULL. */
const char *older_shelf_failed(const struct older_shelf *s);

/* Who a connection was of; the first name in bytewise order counts. */
void older_shelf_put_connection(struct older_shelf *s, struct str id, struct str name);
/* The name is copied to ret_name, of max bytes. False if nothing is known. */
bool older_shelf_connection(struct older_shelf *s, struct str id, size_t max, char ret_name[],
                            size_t *ret_n) MUST_CHECK;

/* A person, as the older system writes their name; known already is fine. */
void older_shelf_put_person(struct older_shelf *s, struct str name);

/* The conversation is of these two; false: it was of others before. */
bool older_shelf_put_pair(struct older_shelf *s, struct str conversation, struct str a,
                          struct str b) MUST_CHECK;

/* Its people become known. */
void older_shelf_put_message(struct older_shelf *s, const struct older_message *m);

/* Numbers up to n were given to users: they are not given again. */
void older_shelf_put_counter(struct older_shelf *s, uint64_t n);

/* Told of a name that nobody can log in by, or that another has but for case. */
typedef void older_unfit_f(void *ctx, struct str name, const char *code);

/* Gives people their numbers. make_names: those whose names do not fit get one that is like it;
 * else each is told to unfit, and the result is how many there are. */
uint64_t older_shelf_arrange_people(struct older_shelf *s, bool make_names, older_unfit_f *unfit,
                                    void *ctx);

/* Puts some thousand messages into their logs; false when all are. After
 * older_shelf_arrange_people. */
bool older_shelf_arrange_messages(struct older_shelf *s) MUST_CHECK;

struct older_shelf_counts {
    uint64_t people, messages, rooms, arranged;
};
struct older_shelf_counts older_shelf_counts(const struct older_shelf *s);

/* What is arranged, to be read; the shelf stays the caller's and outlives it. */
struct store *older_shelf_read(struct older_shelf *s) MUST_CHECK;

#endif
