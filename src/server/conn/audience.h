/* audience.h: who follows a room on one worker, as the room's owner is told of it. */
#ifndef SERVER_CONN_AUDIENCE_H
#define SERVER_CONN_AUDIENCE_H

#include "base/base.h"
#include "base/str.h"

struct feed;
struct news;
struct worker;

/* Somebody came or went: the owner is told who is here, soon when somebody came, after the
 * presence's delay when somebody went. */
void audience_changed(struct worker *w, struct feed *feed, bool came);

/* News: who may read the room no more is not in it, whatever they are still sent. */
void audience_news(struct worker *w, const struct news *news);

/* The last follower here is gone: the owner is told, but of a personal log only when its
 * person has no connection here. */
void audience_gone(struct worker *w, struct str room);

#endif
