/* sim_audit.h: reads what a disk holds while no node runs, in a world of its own
 * in which nothing fails, and gives it to the checker. */
#ifndef LIB_SIM_AUDIT_H
#define LIB_SIM_AUDIT_H

#include "lib/sim_check.h"
#include "lib/sim_disk.h"

/* Looks at the logs that the checker has heard of. */
void sim_audit_run(struct sim_check *check, const struct sim_disk *disk);

#endif
