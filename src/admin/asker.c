#include "admin/asker.h"

int asker_open(const struct http_options *o, struct asker *ret)
{
    int r;

    *ret = (struct asker){0};
    r = host_epoll_new(&ret->host);
    if (r == 0)
        r = host_io_new(ret->host, &ret->io);
    if (r == 0)
        r = http_client_curl_new(o, &ret->client);
    return r;
}

void asker_close(struct asker *a)
{
    http_client_close(a->client);
    if (a->io != NULL)
        io_free(a->io);
    host_free(a->host);
}

static void asker_answered(struct http_request *req)
{
    CONTAINER_OF(req, struct asker, request)->waits = false;
}

struct http_request *asker_ask(struct asker *a, const struct http_request *request)
{
    assert(!a->waits && a->client != NULL);
    a->request = *request;
    a->request.home = a->io;
    a->request.done = asker_answered;
    a->waits = true;
    http_client_submit(a->client, &a->request);
    while (a->waits)
        io_wait(a->io, IO_FOREVER);
    return &a->request;
}
