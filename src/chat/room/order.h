/* order.h: the commands of one connection to one room take effect in the order in which they came,
 * though some ask the store before they can be put, and others do not.
 *
 *   command --asks the store--> PREPARING --append_propose, or its end--> out
 *   the connection's later ones --> behind it, and run then
 *
 *   queued proposal --looks something up--> PARKED --append_propose, or its end--> out
 *   the connection's later ones in the queue --> passed over until then
 *
 * A call without a source is in no order. Everything runs on the loop of the room's owner. */
#ifndef CHAT_ROOM_ORDER_H
#define CHAT_ROOM_ORDER_H

#include "chat/room/room.h"

void order_init(struct order *o);
void order_fini(struct order *o);

/* A command arrived: does it wait behind an earlier one? Then it runs when that has been put. */
bool order_holds(struct room *r, struct call *call) MUST_CHECK;

/* The command begins to prepare what it will propose; whole: what comes behind it rests
 * on its end. */
void order_prepares(struct room *r, struct call *call, bool whole);

/* The proposal, whose turn had come, goes off to be proposed again. */
void order_parks(struct room *r, struct call *call);

/* Returns true if the queued proposal is to be passed over for now. */
bool order_passes_over(const struct room *r, const struct call *call) MUST_CHECK;

/* The call is put, or ends: its place is free. Returns the calls that waited, for order_run once
 * the call is out of the caller's hands. */
struct call *order_leave(struct room *r, struct call *call) MUST_CHECK;
void order_run(struct room *r, struct call *first);

#endif
