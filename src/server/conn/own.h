/* own.h: a person's own log, @<id>: every connection of theirs follows it unasked.
 * What the owner tells of it goes to all workers of its node. Where there are other
 * nodes, the owner follows it too, by the doorbells, while the person is connected
 * to any worker here: it then costs the room in memory, half a KiB, for each such
 * person. */
#ifndef SERVER_CONN_OWN_H
#define SERVER_CONN_OWN_H

#include "base/base.h"

struct conn;
struct news;
struct person;
struct worker;

/* The person's first connection to the worker has come; the last has gone. */
void own_came(struct worker *w, const struct person *p);
void own_gone(struct worker *w, const struct person *p);

/* News: of a person's own log all of their connections follow it, by a feed that is made for
 * it. */
void own_news(struct worker *w, const struct news *news);

/* Returns true if room is the own log of somebody who is connected to the worker, which is to be
 * followed whoever asks for it, as there are other nodes. */
bool own_is_here(struct worker *w, struct str room) MUST_CHECK;

/* Returns whose own log the room is, if they were seen here; else NULL. */
struct person *own_person(struct worker *w, struct str room);

/* Ends those that wait to ask again. */
void own_fini(struct worker *w);

#endif
