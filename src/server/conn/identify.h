/* identify.h: whose token it is. An own one, and one of an issuer whose person was met
 * lately, says so itself; of another the store is asked first. */
#ifndef SERVER_CONN_IDENTIFY_H
#define SERVER_CONN_IDENTIFY_H

#include "server/conn/request.h"

/* Tells done, perhaps before this returns: r->call.who is set, or r->call.error. done then goes on
 * with r, whose connection may have closed meanwhile. */
void identify(struct request *r, struct str token, request_f *done);

/* The same, of somebody for whom a gateway in front vouches (chat/people/identity.h). */
struct identity_voucher;
void identify_vouched(struct request *r, const struct identity_voucher *v, request_f *done);

#endif
