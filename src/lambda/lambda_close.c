/* CLOSE: connections whose session has ended, and one that has just been told so. */
#include "base/str.h"
#include "chat/model/event.h"
#include "lambda/lambda_impl.h"

#define CLOSES_PAGE LAMBDA_CLOSES_MAX

static void lambda_close_list(struct lambda *l, struct str after);

static void lambda_close_more(struct lambda *l)
{
    lambda_close_list(l, buf_peek(&l->visit.body));
}

/* "<session> <base>" */
static void lambda_close_listed(struct store_req *req)
{
    struct lambda *l = lambda_of(req);
    struct lambda_visit *v = &l->visit;
    bool more = req->result == STORE_OK && v->q.list.ret_n == CLOSES_PAGE;
    struct store_item item;
    size_t at = 0;

    while (req->result == STORE_OK && store_block_next(v->q.list.ret_block, &at, &item)) {
        struct str base = item.body, session = str_cut(&base, ' ');
        struct str id = str_skip(item.name, KEYS_CONNS.n);
        struct lambda_post *p;
        uint64_t number;

        buf_clear(&v->body);
        buf_append(&v->body, item.name);
        if (!str_to_u64(session, &number) || number != v->ended)
            continue;
        guests_drop(&l->guests, id);
        p = lambda_post_add(l, id, base);
        if (p == NULL)
            continue;
        p->closes = true;
        p->req.body = buf_peek(&v->payload);
    }
    if (req->result == STORE_OK)
        frame_unref(v->q.list.ret_block);
    lambda_post_all(l, more ? lambda_close_more : lambda_next);
}

static void lambda_close_list(struct lambda *l, struct str after)
{
    struct lambda_visit *v = &l->visit;

    lambda_request(l, lambda_close_listed);
    v->q.list.pk = keys_of_user(v->who.user, v->pk);
    v->q.list.prefix = KEYS_CONNS;
    v->q.list.after = after;
    v->q.list.limit = CLOSES_PAGE;
    store_list(l->o.store, &v->q.list);
}

void lambda_close(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    struct lambda_post *p;

    if (v->ended != 0) {
        buf_clear(&v->payload);
        event_closing(&v->payload, LAMBDA_CLOSE_REVOKED, STR("revoked"));
        lambda_close_list(l, (struct str){0});
        return;
    }
    p = v->ends ? lambda_post_add(l, v->event.connection, v->base) : NULL;
    if (p != NULL)
        p->req.ends = true;
    lambda_post_all(l, lambda_next);
}
