#include "chat/people/people_end.h"

#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/people/people.h"

#include <stdio.h>

enum { PAGE = 100 };

#define RECENT_KEPT_MS 600000

static void people_end_next(struct people_end *e);

static struct people_end *end_of(struct store_req *req)
{
    return CONTAINER_OF(req, struct people_end, q.req);
}

static struct str prefix_of(const struct people_end *e)
{
    return e->keys ? KEYS_API_KEYS : KEYS_SESSIONS;
}

static struct str sk_of(const struct people_end *e, char buf[static KEYS_MAX])
{
    return e->keys ? keys_api_key(e->session, buf) : keys_session(e->session, buf);
}

static void end_request(struct people_end *e, store_done_f *done)
{
    e->q = (union call_request){.req = {.home = e->people->owner->home, .done = done}};
}

static void people_end_over(struct people_end *e, enum store_result result)
{
    frame_unref(e->block);
    e->block = NULL;
    e->done(e, result);
}

static void end_told(struct people_end *e)
{
    struct owner *o = e->people->owner;
    char text[64];
    int n = snprintf(text, sizeof(text), "%llu %llu", (unsigned long long)e->session,
                     (unsigned long long)e->expires_ms);

    o->ops->revoke(o, e->session, e->expires_ms);
    bus_cast(o->bus, PEOPLE_REVOKED, (struct str){(const uint8_t *)text, (size_t)n});
    e->ended_n++;
}

static void end_remove(struct people_end *e, struct str sk, store_done_f *done)
{
    end_request(e, done);
    e->q.put.pk = keys_of_user(e->user, e->pk);
    e->q.put.sk = sk;
    e->q.put.expect = STORE_REV_ANY;
    e->q.put.remove = true;
    store_put(e->people->owner->store, &e->q.put);
}

static void end_removed(struct store_req *req)
{
    struct people_end *e = end_of(req);

    end_told(e); /* it is remembered as ended, whether its record went or not */
    if (req->result != STORE_OK)
        people_end_over(e, req->result);
    else
        people_end_next(e);
}

static void end_unseen(struct store_req *req)
{
    struct people_end *e = end_of(req);

    if (req->result != STORE_OK)
        people_end_over(e, req->result);
    else
        end_remove(e, sk_of(e, e->sk), end_removed);
}

static void end_noted(struct store_req *req)
{
    struct people_end *e = end_of(req);

    if (req->result != STORE_OK) {
        people_end_over(e, req->result);
        return;
    }
    if (e->keys)
        end_unseen(req); /* a key is not seen anywhere */
    else
        end_remove(e, keys_seen(e->session, e->sk), end_unseen);
}

static void end_note(struct people_end *e, struct str pk, uint64_t kept_ms, store_done_f *done)
{
    end_request(e, done);
    e->q.put.pk = pk;
    e->q.put.sk = keys_ended(e->session, e->sk);
    e->q.put.body =
        (struct str){(const uint8_t *)e->expires, str_from_u64(e->expires_ms, e->expires)};
    e->q.put.expect = STORE_REV_ANY;
    e->q.put.expires_ms = kept_ms;
    store_put(e->people->owner->store, &e->q.put);
}

static void end_kept(struct store_req *req)
{
    struct people_end *e = end_of(req);
    struct owner *o = e->people->owner;
    uint64_t now = owner_wall_ms(o);

    if (req->result != STORE_OK)
        people_end_over(e, req->result);
    else if (bus_is_alone(o->bus))
        end_noted(req);
    else
        end_note(e, keys_of_minute(now / 60000, e->minute), now + RECENT_KEPT_MS, end_noted);
}

/* When nothing can come of it any more. Of a session that outlives its token new tokens may still
 * come; of a key nothing does once no worker remembers it. */
static uint64_t end_of_all(const struct people_end *e, struct str record)
{
    struct people_session s = {.lasting = true};
    uint64_t now = owner_wall_ms(e->people->owner);

    if (e->keys)
        return now + 2 * PEOPLE_KEY_KNOWN_MS;
    (void)!people_session_decode(record, &s);
    return s.lasting ? now + e->people->token_ttl_ms : s.expires_ms;
}

static void people_end_this(struct people_end *e, uint64_t session, struct str record)
{
    e->session = session;
    e->expires_ms = end_of_all(e, record);
    end_note(e, KEYS_REVOKED, e->expires_ms + PEOPLE_LATE_MS, end_kept);
}

static void end_listed(struct store_req *req)
{
    struct people_end *e = end_of(req);

    if (req->result != STORE_OK) {
        people_end_over(e, req->result);
        return;
    }
    assert(e->block == NULL);
    e->block = e->q.list.ret_block;
    e->at = 0;
    e->last = e->q.list.ret_n < PAGE;
    people_end_next(e);
}

static void people_end_list(struct people_end *e)
{
    end_request(e, end_listed);
    e->q.list.pk = keys_of_user(e->user, e->pk);
    e->q.list.prefix = prefix_of(e);
    if (e->session != 0)
        e->q.list.after = sk_of(e, e->after);
    e->q.list.limit = PAGE;
    store_list(e->people->owner->store, &e->q.list);
}

static void people_end_next(struct people_end *e)
{
    struct store_item item;
    uint64_t session;

    if (e->one) {
        people_end_over(e, STORE_OK);
        return;
    }
    while (store_block_next(e->block, &e->at, &item)) {
        if (!str_to_u64(str_skip(item.name, prefix_of(e).n), &session))
            continue;
        e->session = session;
        if (session == e->except)
            continue;
        people_end_this(e, session, item.body);
        return;
    }
    frame_unref(e->block);
    e->block = NULL;
    if (e->last)
        people_end_over(e, STORE_OK);
    else
        people_end_list(e);
}

void people_end_all(struct people_end *e, uint64_t except)
{
    assert(e->user != 0 && e->done != NULL);
    e->except = except;
    people_end_list(e);
}

static void end_read(struct store_req *req)
{
    struct people_end *e = end_of(req);
    struct frame *body = e->q.get.ret_body;

    if (req->result != STORE_OK || body == NULL) {
        people_end_over(e, req->result);
        return;
    }
    people_end_this(e, e->session, frame_str(body));
    frame_unref(body);
}

void people_end_one(struct people_end *e, uint64_t session)
{
    assert(e->user != 0 && e->done != NULL);
    e->one = true;
    e->session = session;
    end_request(e, end_read);
    e->q.get.pk = keys_of_user(e->user, e->pk);
    e->q.get.sk = sk_of(e, e->sk);
    store_get(e->people->owner->store, &e->q.get);
}
