/* seen.h: where a session is used from, and by what, as connections and exchanges know it, for the
 * record that its person is shown (chat/people/people_seen.h). */
#ifndef SERVER_CONN_SEEN_H
#define SERVER_CONN_SEEN_H

#include <stdbool.h>

struct caller;
struct conn;
struct exchange;
struct request;

/* The connection comes from where the exchange does. */
void seen_come(struct conn *c, const struct exchange *x);

/* The session is used by the request, or by the connection. begins: it was made just now. */
void seen_request(const struct request *r, const struct caller *who, bool begins);
void seen_conn(struct conn *c, const struct caller *who);

#endif
