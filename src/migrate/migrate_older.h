/* migrate_older.h: of the command `polylog migrate`: an older system as the source. What it says
 * of its rows goes to standard error as they are read, the first MIGRATE_OLDER_SAID of them. */
#ifndef MIGRATE_MIGRATE_OLDER_H
#define MIGRATE_MIGRATE_OLDER_H

#include "conf/conf.h"
#include "older/older.h"

#define MIGRATE_OLDER_SAID 20

struct migrate_older {
    struct older *older;
    uint64_t told; /* how many rows and names were not fit */
};

/* Begins to read what c->from names, with tables. False: ret_why is a sentence. */
bool migrate_older_begin(struct migrate_older *m, const struct conf *c, struct io *io,
                         struct store *tables, char ret_why[static 256]) MUST_CHECK;

/* Writes how far it is; n bytes at most. */
void migrate_older_show(const struct migrate_older *m, size_t n, char ret_line[]);

/* To standard output: what each table had, and what became of it. */
void migrate_older_say(const struct migrate_older *m, const struct conf *c);

#endif
