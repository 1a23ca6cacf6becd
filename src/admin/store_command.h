/* store_command.h: `polylog store init`, `check`, and `adopt` (admin/store_adopt.h). */
#ifndef ADMIN_STORE_COMMAND_H
#define ADMIN_STORE_COMMAND_H

#include "conf/conf.h"
#include "store/store.h"

/* Opens the store of that name. 0, or -errno with a sentence in ret_why. */
typedef int store_command_open_f(const struct conf *c, struct io_host *host, const char *name,
                                 bool must_exist, struct store **ret_store,
                                 char ret_why[static 256]);

/* Says line by line what is there and what it does. Returns the exit code: 0: all is as
 * serve needs it; 1: it is not; 64: the settings are wrong. */
int store_command(const struct conf *c, store_command_open_f *open);

#endif
