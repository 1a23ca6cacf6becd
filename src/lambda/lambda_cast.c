/* CAST: typing and read positions, which no log has. Each is paid for, so a round of POSTs comes
 * at most every CAST_EVERY_MS for a person, a room and a kind, from this instance, and only to
 * rooms that at most LAMBDA_CAST_TO_MAX connections follow. What is lost is lost. */
#include "base/siphash.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "lambda/lambda_impl.h"

#define CAST_EVERY_MS 3000

void lambda_cast_add(struct lambda *l, struct str room, struct str json, uint64_t not_user)
{
    struct lambda_visit *v = &l->visit;
    struct lambda_cast *c;

    if (!v->busy || !lambda_is(l, GATEWAY_EVENT_MESSAGE) || v->casts_n == LAMBDA_CASTS_MAX)
        return;
    c = &v->casts[v->casts_n++];
    *c = (struct lambda_cast){
        .room_n = (uint8_t)room.n, .not_user = not_user, .json = frame_copy(json)};
    memcpy(c->room, room.p, room.n);
}

/* Not so soon after one of the kind. That somebody has stopped is told at once. */
static bool lambda_is_often(struct lambda *l, const struct lambda_cast *c)
{
    struct str name = event_name_of(frame_str(c->json));
    uint8_t what[KEYS_ROOM_MAX + 32];
    size_t n = c->room_n;
    uint64_t hash, now = io_now_ms(l->o.io);
    struct lambda_said *said;

    memcpy(what, c->room, n);
    what[n++] = name.n > 0 ? name.p[0] : 0;
    memcpy(what + n, &l->visit.who.user, sizeof(uint64_t));
    n += sizeof(uint64_t);
    hash = siphash(l->owner.hash_key, (struct str){what, n}) | 1;
    said = &l->said[hash % COUNTOF(l->said)];
    if (said->what == hash && now - said->at_ms < CAST_EVERY_MS) {
        if (said->ended || !event_ends_typing(frame_str(c->json)))
            return true;
        said->ended = true;
        return false;
    }
    *said = (struct lambda_said){.what = hash, .at_ms = now};
    return false;
}

static void lambda_cast_next(struct lambda *l);

static void lambda_cast_listed(struct store_req *req)
{
    struct lambda *l = lambda_of(req);
    struct lambda_visit *v = &l->visit;
    const struct lambda_cast *c = &v->casts[v->cast - 1];
    struct rows_follower row;
    struct lambda_post *p;
    struct store_item item;
    size_t at = 0;

    if (req->result != STORE_OK) {
        lambda_later(l, lambda_cast_next);
        return;
    }
    while (v->q.list.ret_n <= LAMBDA_CAST_TO_MAX &&
           store_block_next(v->q.list.ret_block, &at, &item)) {
        if (!rows_follower_decode(item.body, &row) || row.user == c->not_user)
            continue;
        p = lambda_post_add(l, item.name, row.base);
        if (p != NULL)
            p->req.body = frame_str(c->json);
    }
    frame_unref(v->q.list.ret_block);
    lambda_post_all(l, lambda_cast_next);
}

static void lambda_cast_next(struct lambda *l)
{
    struct lambda_visit *v = &l->visit;
    const struct lambda_cast *c = NULL;

    while (c == NULL && v->cast < v->casts_n) {
        c = &v->casts[v->cast++];
        if (lambda_is_often(l, c))
            c = NULL;
    }
    if (c == NULL) {
        lambda_next(l);
        return;
    }
    lambda_request(l, lambda_cast_listed);
    v->q.list.pk = keys_of_followers((struct str){(const uint8_t *)c->room, c->room_n}, 0, v->pk);
    v->q.list.limit = LAMBDA_CAST_TO_MAX + 1;
    store_list(l->o.store, &v->q.list);
}

void lambda_cast(struct lambda *l)
{
    lambda_cast_next(l);
}
