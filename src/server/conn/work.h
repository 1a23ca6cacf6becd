/* work.h: what was done for a connection that the number of its bytes does not show: bytes
 * that were unpacked, commands that were refused. A connection that makes the server do too
 * much of it is closed; work-max says how much, work-before-login for those who are nobody
 * yet. What is unpacked counts in the loop's turn as if it had been received.
 *
 *   spent --work_unpacked, work_refused--> more      --a second--> a quarter of work-max less
 *
 * The doors that keep connections ask work_is_over before each message. */
#ifndef SERVER_CONN_WORK_H
#define SERVER_CONN_WORK_H

#include "base/base.h"

struct conn;

/* A message of the connection unpacked to n bytes. */
void work_unpacked(struct conn *c, size_t n);

/* What unpacked to n bytes is a command that the person's limit has paid for: that limit
 * bounds it, and it does not count here. */
void work_paid(struct conn *c, size_t n);

/* A command of the connection, or of a namespace of its session, was refused. */
void work_refused(struct conn *c);

/* Returns true if the connection has made the server do too much: close it, with why. */
bool work_is_over(struct conn *c) MUST_CHECK;

#define WORK_CLOSE_WHY STR("too much to unpack or to refuse")

#endif
