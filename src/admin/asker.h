/* asker.h: how a command asks a server over HTTP and waits for the answer: a loop and a client of
 * its own. On the command's thread. */
#ifndef ADMIN_ASKER_H
#define ADMIN_ASKER_H

#include "io/host.h"
#include "io/http_client.h"

struct asker {
    struct io_host *host;
    struct io *io;
    struct http_client *client;
    /* Private. */
    bool waits;
    struct http_request request;
};

/* Fills *ret; a negative errno says what could not be made. asker_close follows in either case. */
int asker_open(const struct http_options *o, struct asker *ret) MUST_CHECK;
void asker_close(struct asker *a);

/* Sends the request, whose home and done the asker sets, and returns it when it is over: the caller
 * ends it with http_client_request_fini before the next one. */
struct http_request *asker_ask(struct asker *a, const struct http_request *request) MUST_CHECK;

#endif
