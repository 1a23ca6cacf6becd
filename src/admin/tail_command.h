/* tail_command.h: `polylog tail ROOM`: a room's entries on standard output, a line of JSON
 * each, as they come. It comes back by itself when the connection ends, behind the last
 * entry that it printed.
 *
 * With --state it also goes on there when it is started again. Where standard output is a
 * file, what was written behind the last state that was kept is taken back first: the file
 * is the log, without a gap or a repeat, whenever either end was killed. Into a pipe what
 * was printed within the last 100 ms may come twice. */
#ifndef ADMIN_TAIL_COMMAND_H
#define ADMIN_TAIL_COMMAND_H

#include "conf/conf.h"

/* The exit code: EXIT_SUCCESS after SIGINT or SIGTERM; EXIT_FAILURE if the server refuses or
 * something cannot be written; CONF_EXIT_USAGE. Errors are said on standard error. */
int tail_command(const struct conf *c);

/* What is kept: "<room> <epoch> <seq> <device> <inode> <size>", the last three of standard
 * output, 0 where it is no file. */
struct tail_command_state {
    struct str room; /* borrows the text */
    uint64_t epoch, seq;
    uint64_t device, inode, size;
};
bool tail_command_read(struct str text, struct tail_command_state *ret) MUST_CHECK;

/* A line of the answer: an entry to print, with its seq; a reset, with the epoch; or
 * neither. */
enum tail_command_line {
    TAIL_COMMAND_ENTRY,
    TAIL_COMMAND_RESET,
    TAIL_COMMAND_OTHER,
    TAIL_COMMAND_BAD
};
enum tail_command_line tail_command_look(struct str line, uint64_t *ret_number) MUST_CHECK;

#endif
