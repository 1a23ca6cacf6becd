/* place.h: where a store is, as every node on it says, and no node on a copy of it: what
 * tells apart two systems on one bus when one's store is a copy of the other's. Pure. */
#ifndef ENGINE_PLACE_H
#define ENGINE_PLACE_H

#include "base/base.h"

enum { PLACE_MAX = 1024 };

/* Of tables: their names and the region; of AWS' own endpoints, all of which lead to the same
 * tables, the account as far as the access key names it; of others the host, whatever its port,
 * because nodes may go through proxies of their own, and all of this machine alike. */
void place_of_tables(const char *endpoint, const char *region, const char *prefix,
                     struct str access_key, char ret_place[static PLACE_MAX]);

/* Of a directory: the machine and the path. */
void place_of_directory(const char *machine, const char *path, char ret_place[static PLACE_MAX]);

#endif
