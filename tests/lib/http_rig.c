#include "lib/http_rig.h"

#include "base/str.h"
#include "lib/check.h"

#include <stdio.h>
#include <string.h>

static void http_rig_deliver(struct io_mail *mail)
{
    struct http_request *req = CONTAINER_OF(mail, struct http_request, mail);

    req->done(req);
}

static void http_rig_submit(struct http_client *c, struct http_request *req)
{
    struct http_rig *r = CONTAINER_OF(c, struct http_rig, client);
    size_t n = 0;

    r->asked_n++;
    (void)snprintf(r->method, sizeof(r->method), "%s", req->method);
    (void)snprintf(r->url, sizeof(r->url), "%s", req->url);
    (void)snprintf(r->body, sizeof(r->body), "%.*s", STR_ARGS(req->body));
    r->headers[0] = '\0';
    for (unsigned i = 0; req->headers[i] != NULL; i++)
        n += (size_t)snprintf(r->headers + n, sizeof(r->headers) - n, "%s\n", req->headers[i]);
    req->ret_error = r->error;
    req->ret_status = r->status;
    if (r->answer_headers != NULL)
        buf_append(&req->ret_headers, str_of(r->answer_headers));
    if (r->answer_body != NULL)
        buf_append(&req->ret_body, str_of(r->answer_body));
    req->mail.deliver = http_rig_deliver;
    io_post(req->home, &req->mail, &req->mail);
}

static const struct http_client_ops http_rig_ops = {.name = "rig", .submit = http_rig_submit};

static bool http_rig_turn(void *arg)
{
    struct http_rig *r = arg;

    io_wait(r->io, wheel_next_ms(&r->wheel));
    wheel_advance(&r->wheel, io_now_ms(r->io));
    return true;
}

void http_rig_init(struct http_rig *r, unsigned status)
{
    memset(r, 0, sizeof(*r));
    r->sim = sim_new(1, (struct sim_faults){0});
    r->host = sim_host_new(r->sim);
    assert_int_equal(host_io_new(r->host, &r->io), 0);
    wheel_init(&r->wheel, io_now_ms(r->io));
    assert_int_equal(host_start(r->host, r->io, http_rig_turn, r), 0);
    r->client.ops = &http_rig_ops;
    r->status = status;
}

void http_rig_fini(struct http_rig *r)
{
    io_free(r->io);
    host_free(r->host);
    sim_free(r->sim);
}

void http_rig_step(struct http_rig *r)
{
    if (!sim_step(r->sim))
        fail_msg("nothing can happen any more");
}
