#include "io/http_client.h"

#include "base/list.h"
#include "base/mem.h"
#include "io/mailbox.h"
#include "io/thread.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECTIONS_MAX 64
#define POLL_MAX_MS 1000
#define IDLE_EASY_MAX 64 /* handles kept for the next request */

/* A request on the client's thread. */
struct transfer {
    struct list node; /* among the waiting, or unused ones */
    struct http_client_curl *client;
    struct http_request *req;
    CURL *easy;
    struct curl_slist *headers;
    uint64_t start_ms;
    bool too_long, refused; /* by piece */
};

struct http_client_curl {
    struct http_client client;
    struct mailbox inbox;
    CURLM *multi;
    pthread_t thread;
    atomic_bool closing;
    struct list waiting; /* delayed ones, soonest first */
    struct list running;
    struct list unused;
    unsigned unused_n;
    char *ca_file, *proxy;
    unsigned idle_max_s;
    /* What this round completed, one chain for each loop. */
    struct http_request **done;
    size_t done_n, done_cap;
};

static struct http_client_curl *curl_of(struct http_client *c)
{
    return CONTAINER_OF(c, struct http_client_curl, client);
}

static uint64_t http_client_curl_now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Completing. */

static void http_client_curl_deliver(struct io_mail *mail)
{
    struct http_request *req = CONTAINER_OF(mail, struct http_request, mail);

    req->done(req);
}

static void complete(struct http_client_curl *c, struct http_request *req, int error)
{
    req->ret_error = error;
    if (c->done_n == c->done_cap) {
        c->done_cap = c->done_cap > 0 ? c->done_cap * 2 : 64;
        c->done = mem_resize(c->done, c->done_cap * sizeof(*c->done));
    }
    c->done[c->done_n++] = req;
}

/* To each loop at once what is for it, in the order of completion. */
static void post_done(struct http_client_curl *c)
{
    for (size_t i = 0; i < c->done_n; i++) {
        struct http_request *first = c->done[i], *last = first;

        if (first == NULL)
            continue;
        first->mail.deliver = http_client_curl_deliver;
        for (size_t k = i + 1; k < c->done_n; k++) {
            struct http_request *other = c->done[k];

            if (other == NULL || other->home != first->home)
                continue;
            other->mail.deliver = http_client_curl_deliver;
            last->mail.next = &other->mail;
            last = other;
            c->done[k] = NULL;
        }
        io_post(first->home, &first->mail, &last->mail);
    }
    c->done_n = 0;
}

/* One transfer. */

static bool is_ok(struct transfer *t)
{
    long status = 0;

    if (curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
        return false;
    t->req->ret_status = (unsigned)status;
    return status == 200;
}

static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    struct http_request *req = t->req;

    n *= size;
    if (req->piece != NULL && is_ok(t)) {
        t->refused = !req->piece(req, (struct str){(const uint8_t *)p, n});
        return t->refused ? CURL_WRITEFUNC_ERROR : n;
    }
    if (n > req->response_max - MIN(buf_len(&req->ret_body), req->response_max)) {
        t->too_long = true;
        return CURL_WRITEFUNC_ERROR;
    }
    buf_append(&req->ret_body, (struct str){(const uint8_t *)p, n});
    return n;
}

/* A header line; a status line begins anew, as behind 100 Continue. */
static size_t take_header(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    struct buf *b = &t->req->ret_headers;
    size_t kept = n * size;
    bool name = true;

    n = kept;
    if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
        buf_clear(b);
        return n;
    }
    while (kept > 0 && (p[kept - 1] == '\r' || p[kept - 1] == '\n'))
        kept--;
    if (kept == 0)
        return n;
    for (size_t i = 0; i < kept; i++) {
        name = name && p[i] != ':';
        buf_append_byte(b, (uint8_t)(name && p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]));
    }
    buf_append_byte(b, '\n');
    if (b->failed)
        t->too_long = true;
    return b->failed ? CURL_WRITEFUNC_ERROR : n;
}

static int error_of(CURLcode code, const struct transfer *t)
{
    if (t->too_long)
        return -EMSGSIZE;
    if (t->refused)
        return -ECANCELED;
    if (code == CURLE_OK)
        return 0;
    if (code == CURLE_OPERATION_TIMEDOUT)
        return -ETIMEDOUT;
    if (code == CURLE_COULDNT_CONNECT)
        return -ECONNREFUSED;
    if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY)
        return -EHOSTUNREACH;
    if (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING ||
        code == CURLE_PARTIAL_FILE)
        return -ECONNRESET;
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return -EKEYREJECTED;
    return -EPROTO;
}

static void set_request(struct transfer *t)
{
    const struct http_request *req = t->req;
    CURL *e = t->easy;

    for (const char *const *h = req->headers; h != NULL && *h != NULL; h++)
        t->headers = curl_slist_append(t->headers, *h);
    t->headers = curl_slist_append(t->headers, "Expect:");
    t->headers = curl_slist_append(t->headers, "Accept:");
    if (req->body.p != NULL) { /* what it would say of the body by itself, unless we do */
        (void)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.n);
        (void)curl_easy_setopt(e, CURLOPT_POSTFIELDS, req->body.p);
    }
    (void)curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, req->method);
    (void)curl_easy_setopt(e, CURLOPT_URL, req->url);
    (void)curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
    if (req->piece != NULL) {
        (void)curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
        (void)curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)(req->timeout_ms + 999) / 1000);
    } else {
        (void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
    }
    (void)curl_easy_setopt(
        e, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(req->connect_timeout_ms > 0 ? req->connect_timeout_ms : req->timeout_ms));
}

/* A file is all that is trusted: not beside it the directory that libcurl was built
 * with; and it is read for each connection, so that what is written to it counts. */
static void set_trusted(struct transfer *t)
{
    const char *file = t->req->ca_file != NULL ? t->req->ca_file : t->client->ca_file;

    if (file == NULL)
        return;
    (void)curl_easy_setopt(t->easy, CURLOPT_CAINFO, file);
    (void)curl_easy_setopt(t->easy, CURLOPT_CAPATH, NULL);
    (void)curl_easy_setopt(t->easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
}

static void set_client(struct transfer *t)
{
    const struct http_client_curl *c = t->client;
    CURL *e = t->easy;

    (void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
    if (c->idle_max_s > 0)
        (void)curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, (long)c->idle_max_s);
    (void)curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L);
    (void)curl_easy_setopt(e, CURLOPT_PROXY, c->proxy != NULL ? c->proxy : "");
    (void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    (void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
    (void)curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    (void)curl_easy_setopt(e, CURLOPT_PRIVATE, t);
}

static struct transfer *transfer_new(struct http_client_curl *c)
{
    struct list *node = list_pop(&c->unused);
    struct transfer *t;

    if (node != NULL) {
        c->unused_n--;
        return CONTAINER_OF(node, struct transfer, node);
    }
    t = calloc(1, sizeof(*t));
    if (t == NULL || (t->easy = curl_easy_init()) == NULL)
        abort();
    t->client = c;
    return t;
}

static void transfer_free(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    free(t);
}

static void transfer_end(struct transfer *t, int error)
{
    struct http_client_curl *c = t->client;
    long status = 0;

    if (error == 0 && curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
        t->req->ret_status = (unsigned)status;
    complete(c, t->req, error);
    list_remove(&t->node);
    curl_slist_free_all(t->headers);
    curl_easy_reset(t->easy);
    t->headers = NULL;
    t->too_long = t->refused = false;
    if (c->unused_n == IDLE_EASY_MAX) {
        transfer_free(t);
        return;
    }
    c->unused_n++;
    list_push(&c->unused, &t->node);
}

static void transfer_start(struct transfer *t)
{
    set_client(t);
    set_trusted(t);
    set_request(t);
    list_push(&t->client->running, &t->node);
    if (curl_multi_add_handle(t->client->multi, t->easy) != CURLM_OK)
        transfer_end(t, -EPROTO);
}

/* The thread. */

static void http_client_curl_arrived(struct io_mail *mail)
{
    struct http_request *req = CONTAINER_OF(mail, struct http_request, mail);
    struct http_client_curl *c = req->impl;
    struct transfer *t = transfer_new(c);
    struct list *at = c->waiting.prev;

    t->req = req;
    list_init(&t->node);
    if (req->delay_ms == 0) {
        transfer_start(t);
        return;
    }
    t->start_ms = http_client_curl_now_ms() + req->delay_ms;
    while (at != &c->waiting && CONTAINER_OF(at, struct transfer, node)->start_ms > t->start_ms)
        at = at->prev;
    list_push(at->next, &t->node); /* before the next one */
}

static void start_due(struct http_client_curl *c)
{
    uint64_t now = http_client_curl_now_ms();

    while (!list_empty(&c->waiting)) {
        struct transfer *t = CONTAINER_OF(c->waiting.next, struct transfer, node);

        if (t->start_ms > now)
            return;
        list_remove(&t->node);
        transfer_start(t);
    }
}

static void take_results(struct http_client_curl *c)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
        CURLcode code = m->data.result;
        CURL *easy = m->easy_handle;
        struct transfer *t;

        if (m->msg != CURLMSG_DONE || curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t) != CURLE_OK)
            continue;
        (void)curl_multi_remove_handle(c->multi, easy);
        transfer_end(t, error_of(code, t));
    }
}

static int poll_ms(const struct http_client_curl *c)
{
    uint64_t now = http_client_curl_now_ms(), start;

    if (list_empty(&c->waiting))
        return POLL_MAX_MS;
    start = CONTAINER_OF(c->waiting.next, struct transfer, node)->start_ms;
    return start <= now ? 0 : (int)MIN(start - now, (uint64_t)POLL_MAX_MS);
}

static void end_all(struct http_client_curl *c, struct list *transfers)
{
    while (!list_empty(transfers)) {
        struct transfer *t = CONTAINER_OF(transfers->next, struct transfer, node);

        if (transfers == &c->running)
            (void)curl_multi_remove_handle(c->multi, t->easy);
        transfer_end(t, -ECANCELED);
    }
}

static void *client_run(void *arg)
{
    struct http_client_curl *c = arg;
    int running;

    while (!atomic_load(&c->closing)) {
        (void)mailbox_deliver(&c->inbox);
        start_due(c);
        (void)curl_multi_perform(c->multi, &running);
        take_results(c);
        post_done(c);
        if (mailbox_may_sleep(&c->inbox))
            (void)curl_multi_poll(c->multi, NULL, 0, poll_ms(c), NULL);
        mailbox_woke(&c->inbox);
    }
    (void)mailbox_deliver(&c->inbox);
    end_all(c, &c->running);
    end_all(c, &c->waiting);
    post_done(c);
    return NULL;
}

static void curl_submit(struct http_client *client, struct http_request *req)
{
    struct http_client_curl *c = curl_of(client);

    req->impl = c;
    req->mail.deliver = http_client_curl_arrived;
    if (mailbox_post(&c->inbox, &req->mail, &req->mail))
        (void)curl_multi_wakeup(c->multi);
}

static void client_free(struct http_client_curl *c)
{
    struct list *node;

    while ((node = list_pop(&c->unused)) != NULL)
        transfer_free(CONTAINER_OF(node, struct transfer, node));
    (void)curl_multi_cleanup(c->multi);
    free(c->done);
    free(c->ca_file);
    free(c->proxy);
    free(c);
}

static void curl_close(struct http_client *client)
{
    struct http_client_curl *c = curl_of(client);

    atomic_store(&c->closing, true);
    (void)curl_multi_wakeup(c->multi);
    (void)pthread_join(c->thread, NULL);
    client_free(c);
}

static const struct http_client_ops curl_ops = {
    .name = "curl",
    .submit = curl_submit,
    .close = curl_close,
};

static char *http_client_curl_copy(const char *z)
{
    char *p = z != NULL ? strdup(z) : NULL;

    if (z != NULL && p == NULL)
        abort();
    return p;
}

int http_client_curl_new(const struct http_options *o, struct http_client **ret_client)
{
    struct http_client_curl *c;
    long most = o->connections_max > 0 ? (long)o->connections_max : CONNECTIONS_MAX;
    int r;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -ENOMEM;
    c = aligned_alloc(64, (sizeof(*c) + 63) / 64 * 64);
    if (c == NULL)
        return -ENOMEM;
    memset(c, 0, sizeof(*c));
    c->client.ops = &curl_ops;
    c->multi = curl_multi_init();
    if (c->multi == NULL)
        abort();
    list_init(&c->waiting);
    list_init(&c->running);
    list_init(&c->unused);
    c->ca_file = http_client_curl_copy(o->ca_file);
    c->idle_max_s = o->idle_max_s;
    c->proxy = http_client_curl_copy(o->proxy);
    (void)curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, most);
    (void)curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, most * 4);
    r = thread_start(&c->thread, "http", client_run, c);
    if (r < 0) {
        client_free(c);
        return r;
    }
    *ret_client = &c->client;
    return 0;
}
