/* migrate_main.h: `polylog migrate`: the command. */
#ifndef MIGRATE_MIGRATE_MAIN_H
#define MIGRATE_MIGRATE_MAIN_H

#include "conf/conf.h"
#include "store/store.h"

/* Opens the store that spec names ("sqlite:DIR"); one that is read from must be
 * there. 0, or -errno with a sentence in ret_why. */
typedef int migrate_open_f(const struct conf *c, struct io_host *host, const char *spec,
                           bool must_exist, struct store **ret_store, char ret_why[static 256]);

/* Runs as c says: progress to standard error, the result to standard output.
 * Returns the exit code: 0; 1 it could not be done, or was interrupted; 2 the
 * target has other data, or is not what the source is; 64 the settings are wrong.
 * Ctrl-C ends it; the same command goes on from there. */
int migrate_main(const struct conf *c, migrate_open_f *open);

#endif
