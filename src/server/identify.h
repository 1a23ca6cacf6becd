/* identify.h: whose token it is. An own one, and one of an issuer whose person was met
 * lately, says so itself; of another the store is asked first. */
#ifndef SERVER_IDENTIFY_H
#define SERVER_IDENTIFY_H

#include "base/base.h"

struct request;

typedef void identify_done_f(struct request *r);

/* done is told, perhaps before this returns: r->call.who is set, or r->call.error. It
 * then goes on with r, whose connection may have closed meanwhile. */
void identify(struct request *r, struct str token, identify_done_f *done);

#endif
