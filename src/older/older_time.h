/* older_time.h: the moments that older systems write. Pure. */
#ifndef OLDER_OLDER_TIME_H
#define OLDER_OLDER_TIME_H

#include "base/base.h"

/* Reads a number of seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by
 * how large it is, perhaps with a fraction; or a date: 2025-01-31T12:00:00.5Z, with an offset, with
 * a space for the T, without a zone (UTC), perhaps with '#' and anything behind it. False if it is
 * neither, or before 1970 or after 2262. */
bool older_time_read(struct str s, uint64_t *ret_ns) MUST_CHECK;

#endif
