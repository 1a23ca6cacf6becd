/* admin_command.h: `polylog admin`: what the server's owner may, for who has the store, or the
 * owner's token: a link for a lost password, an API key. Without --at it opens the store itself,
 * which a server that keeps it in a directory must not have open at that time; in DynamoDB servers
 * go on. With --at it asks a server that runs, by the commands of its API. */
#ifndef ADMIN_ADMIN_COMMAND_H
#define ADMIN_ADMIN_COMMAND_H

#include "admin/store_command.h"

/* Prints the link, or the key, alone on standard output. Returns the exit code: 0; 1: it failed,
 * and standard error says why; 64: the settings are wrong. */
int admin_command(const struct conf *c, store_command_open_f *open);

#endif
