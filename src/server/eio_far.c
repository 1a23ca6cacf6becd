#include "server/eio_far.h"

#include "base/str.h"
#include "server/door_http.h"
#include "server/server.h"
#include "server/worker.h"

#include <stdlib.h>

static const struct door door_far;

struct eio_far {
    struct io_mail mail, lost_mail;
    struct worker *from, *to;
    struct eio_sid sid;
    bool post;
    char origin[256];
    struct buf body, answer;
    /* On from's loop. */
    struct conn *h;
    bool answered, lost, lost_is_back;
    /* On to's loop. */
    struct conn *there; /* NULL: it is not there yet, or it has been answered */
};

static void maybe_free(struct eio_far *f)
{
    if (!f->answered || f->lost != f->lost_is_back)
        return;
    buf_fini(&f->body);
    buf_fini(&f->answer);
    free(f);
}

/* Back on from's loop. */
static void come_back(struct io_mail *mail)
{
    struct eio_far *f = CONTAINER_OF(mail, struct eio_far, mail);
    struct conn *h = f->h;

    f->answered = true;
    if (h->http != NULL)
        h->http->far = NULL;
    if (h->state == CONN_OPEN)
        door_http_answered(h, buf_peek(&f->answer));
    conn_release(h);
    maybe_free(f);
}

/* On to's loop: what was answered goes back. */
static void send_back(struct conn *there)
{
    struct eio_far *f = there->own;

    there->own = NULL;
    f->there = NULL;
    f->mail.deliver = come_back;
    worker_mail(f->to, f->from->index, &f->mail);
}

static void flush(struct conn *there)
{
    struct eio_far *f = there->own;

    if (f == NULL || there->out == NULL || buf_len(there->out) == 0)
        return;
    buf_append(&f->answer, buf_peek(there->out));
    send_back(there);
    conn_drop(there, METRIC_close_client);
}

static void closed(struct conn *there)
{
    if (there->http->session != NULL)
        eio_poll_lost(there);
    if (there->own != NULL)
        send_back(there); /* without an answer: h is closed, or about to be */
    buf_fini(&there->http->in);
    buf_fini(&there->http->body);
    free(there->http);
    there->http = NULL;
}

static struct conn *make_there(struct eio_far *f)
{
    struct conn *there = conn_make(f->to, &door_far);

    there->own = f;
    f->there = there;
    there->http = calloc(1, sizeof(*there->http));
    if (there->http == NULL)
        abort();
    there->http->state = HTTP_BUSY;
    there->http->body = f->body;
    buf_init(&f->body, 0);
    memcpy(there->http->origin, f->origin, sizeof(f->origin));
    return there;
}

static void arrive(struct io_mail *mail)
{
    struct eio_far *f = CONTAINER_OF(mail, struct eio_far, mail);
    struct conn *there = make_there(f), *session = eio_find(f->to, f->sid.id);

    if (session == NULL)
        eio_refuse(there, ENGINEIO_UNKNOWN_SID);
    else if (f->post)
        eio_post(session, there);
    else
        eio_poll(session, there);
}

void eio_far_send(struct conn *h, const struct eio_sid *sid, bool post)
{
    struct eio_far *f = calloc(1, sizeof(*f));

    if (f == NULL)
        abort();
    f->from = h->worker;
    f->to = &h->worker->server->workers[sid->worker];
    f->sid = *sid;
    f->post = post;
    f->h = h;
    memcpy(f->origin, h->http->origin, sizeof(f->origin));
    f->body = h->http->body;
    buf_init(&h->http->body, f->body.max);
    buf_init(&f->answer, SIZE_MAX / 2);
    h->http->far = f;
    h->calls_n++;
    f->mail.deliver = arrive;
    worker_mail(h->worker, sid->worker, &f->mail);
    h->paused = true;
    conn_resume(h); /* so that its end is noticed */
}

static void lost_back(struct io_mail *mail)
{
    struct eio_far *f = CONTAINER_OF(mail, struct eio_far, lost_mail);

    f->lost_is_back = true;
    maybe_free(f);
}

static void lost_arrived(struct io_mail *mail)
{
    struct eio_far *f = CONTAINER_OF(mail, struct eio_far, lost_mail);

    if (f->there != NULL)
        conn_drop(f->there, METRIC_close_gone);
    f->lost_mail.deliver = lost_back;
    worker_mail(f->to, f->from->index, &f->lost_mail);
}

void eio_far_lost(struct conn *h)
{
    struct eio_far *f = h->http->far;

    h->http->far = NULL;
    f->lost = true;
    f->lost_mail.deliver = lost_arrived;
    worker_mail(f->from, f->to->index, &f->lost_mail);
}

static void received(struct conn *there, uint8_t *p, size_t n)
{
    (void)there;
    (void)p;
    (void)n;
}

static void timeout(struct conn *there)
{
    (void)there; /* h has its own */
}

static const struct door door_far = {
    .name = "eio-far",
    .received = received,
    .timeout = timeout,
    .closed = closed,
    .flush = flush,
};
