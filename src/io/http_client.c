#include "io/http_client.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

#define HEADERS_MAX (64 * 1024)

void http_client_submit(struct http_client *c, struct http_request *req)
{
    assert(req->home != NULL && req->timeout_ms > 0);
    http_client_request_fini(req);
    req->ret_error = 0;
    req->ret_status = 0;
    buf_init(&req->ret_headers, HEADERS_MAX);
    buf_init(&req->ret_body, req->response_max);
    c->ops->submit(c, req);
}

struct str http_client_header(const struct http_request *req, const char *name)
{
    struct str lines = buf_peek(&req->ret_headers);

    while (lines.n > 0) {
        struct str value = str_cut(&lines, '\n');
        struct str key = str_cut(&value, ':');

        if (str_eq(key, str_of(name)))
            return str_trim(value);
    }
    return (struct str){0};
}

const char *http_client_error(const struct http_request *req)
{
    if (req->ret_error == -EKEYREJECTED)
        return "nobody trusted vouches for its certificate";
    if (req->ret_error == -EPROTO)
        return "it does not speak TLS or HTTP as it should";
    return strerror(-req->ret_error);
}

void http_client_request_fini(struct http_request *req)
{
    buf_fini(&req->ret_headers);
    buf_fini(&req->ret_body);
}
