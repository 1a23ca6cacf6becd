/* POSTs to some connections, all at once; or the end of some. */
#include "base/str.h"
#include "lambda/lambda_impl.h"

static void lambda_post_done(struct poster_req *req)
{
    struct lambda_post *p = CONTAINER_OF(req, struct lambda_post, req);
    struct lambda *l = p->lambda;
    struct lambda_visit *v = &l->visit;

    assert(v->posts_busy > 0);
    if (p->closes && !req->ends) {
        req->ends = true;
        poster_post(l->o.poster, req);
        return;
    }
    if (--v->posts_busy == 0)
        lambda_later(l, v->posted);
}

struct lambda_post *lambda_post_add(struct lambda *l, struct str id, struct str base)
{
    struct lambda_visit *v = &l->visit;
    struct lambda_post *p;

    if (v->posts_n == COUNTOF(v->posts) || id.n == 0 || id.n > KEYS_CONN_MAX ||
        base.n > ROWS_BASE_MAX)
        return NULL;
    p = &v->posts[v->posts_n++];
    *p = (struct lambda_post){.lambda = l, .req = {.done = lambda_post_done}};
    memcpy(p->id, id.p, id.n);
    memcpy(p->base, base.p, base.n);
    p->req.id = (struct str){(const uint8_t *)p->id, id.n};
    p->req.base = (struct str){(const uint8_t *)p->base, base.n};
    return p;
}

void lambda_post_all(struct lambda *l, lambda_done_f *done)
{
    struct lambda_visit *v = &l->visit;
    unsigned n = v->posts_n;

    v->posted = done;
    v->posts_n = 0;
    v->posts_busy = n;
    for (unsigned i = 0; i < n; i++)
        poster_post(l->o.poster, &v->posts[i].req);
    if (n == 0)
        done(l);
}
