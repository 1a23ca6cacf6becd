/* gw_home.h: what an event of API Gateway does at the worker that keeps its connection: its home.
 *
 *   connect     makes the connection; a token that came with it says whose it is
 *   message     a command; the answer is the exchange's: API Gateway sends it on as the route's
 *               response
 *   disconnect  ends it
 *
 * An event may come twice, late, or never. Which worker is home: server/gw/gw_seek.h. */
#ifndef SERVER_GW_GW_HOME_H
#define SERVER_GW_GW_HOME_H

#include "server/conn/exchange.h"
#include "server/gw/gw_event.h"

/* Answers the exchange, now or later. The event's strings are lent for the call. */
void gw_home_take(struct exchange *x, const struct gw_event *e);

/* Answers an exchange that came over HTTP; or from another worker, as bytes. */
void gw_home_answer(struct exchange *x, const struct gw_answer *a);

/* The same with an error, as {"error":{...}}; of a message as its command is answered, with its
 * id. */
void gw_home_fail(struct exchange *x, enum error_code code);
void gw_home_refuse(struct exchange *x, const struct gw_event *e, enum error_code code);

#endif
