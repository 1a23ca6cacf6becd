#include "chat/people/people_bot.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/room/room.h"

#include <stdlib.h>

/* Who gives `send` by a key. While the store is asked, the calls wait, in their order. */
struct known_bot {
    struct map_node node;
    struct list recent;
    uint64_t user;
    bool asking, is_bot;
    struct people_bots *bots;
    struct call *waiting, **waiting_end;
    people_bot_next_f *next;
    struct store_get get;
    char pk[KEYS_MAX];
};

static bool bot_eq(const struct map_node *node, const void *key)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct known_bot, node)->user ==
           *(const uint64_t *)key;
}

static struct known_bot *bot_of(struct list *node)
{
    return CONTAINER_OF(node, struct known_bot, recent);
}

static void bot_forget(struct people_bots *b, struct known_bot *k)
{
    assert(!k->asking && k->waiting == NULL);
    map_remove(&b->known, &k->node);
    list_remove(&k->recent);
    free(k);
}

void people_bot_init(struct people_bots *b, struct owner *owner)
{
    b->owner = owner;
    map_init(&b->known);
    list_init(&b->recent);
}

void people_bot_fini(struct people_bots *b)
{
    while (!list_empty(&b->recent))
        bot_forget(b, bot_of(b->recent.next));
    assert(map_n(&b->known) == 0);
    map_fini(&b->known);
}

static struct known_bot *bot_find(struct people_bots *b, uint64_t user)
{
    struct map_node *n = map_find(&b->known, user, bot_eq, &user);

    return n != NULL ? CONTAINER_OF(n, struct known_bot, node) : NULL;
}

/* One more, which is in no list yet. */
static struct known_bot *bot_new(struct people_bots *b, uint64_t user)
{
    struct known_bot *k = mem_zeroed(1, sizeof(*k));

    assert(user != 0 && bot_find(b, user) == NULL);
    if (map_n(&b->known) >= PEOPLE_BOTS_KNOWN_MAX && !list_empty(&b->recent))
        bot_forget(b, bot_of(b->recent.next));
    k->user = user;
    k->waiting_end = &k->waiting;
    map_add(&b->known, &k->node, user);
    list_init(&k->recent);
    return k;
}

void people_bot_learn(struct people_bots *b, uint64_t user, bool is_bot)
{
    struct known_bot *k;

    if (bot_find(b, user) != NULL)
        return;
    k = bot_new(b, user);
    k->is_bot = is_bot;
    list_push(&b->recent, &k->recent);
}

/* send */

static bool guise_given(const struct command *c)
{
    return command_has(c, PARAM_as) || command_has(c, PARAM_picture);
}

static void bot_found(struct people_bots *b, struct call *call, bool is_bot,
                      people_bot_next_f *next)
{
    if (!is_bot && guise_given(&call->cmd)) {
        call->param = command_has(&call->cmd, PARAM_as) ? "as" : "picture";
        call_fail(call, ERROR_bots_only);
        return;
    }
    call->bot = is_bot;
    next(b, call);
}

static void bot_read(struct store_req *req)
{
    struct known_bot *k = CONTAINER_OF(req, struct known_bot, get.req);
    struct frame *body = k->get.ret_body;
    struct people_bots *b = k->bots;
    people_bot_next_f *go_on = k->next;
    struct call *call = k->waiting, *next;
    enum store_result result = req->result;
    bool is_bot;

    k->asking = false;
    k->waiting = NULL;
    k->is_bot = is_bot = result == STORE_OK && body != NULL && body->n > 0 && body->bytes[0] == 'b';
    list_push(&b->recent, &k->recent);
    if (result != STORE_OK)
        bot_forget(b, k);
    else
        frame_unref(body);
    for (; call != NULL; call = next) {
        next = call->next;
        call->next = NULL;
        if (result == STORE_OK)
            bot_found(b, call, is_bot, go_on);
        else
            call_fail_store(call, result);
    }
}

static void bot_ask(struct people_bots *b, struct known_bot *k)
{
    assert(!k->asking);
    k->asking = true;
    k->bots = b;
    k->get = (struct store_get){.req = {.home = b->owner->home, .done = bot_read},
                                .pk = keys_of_user(k->user, k->pk),
                                .sk = KEYS_USER};
    store_get(b->owner->store, &k->get);
}

void people_bot_look(struct people_bots *b, struct call *call, people_bot_next_f *next)
{
    struct known_bot *k;

    if (call->who.scopes == 0) {
        bot_found(b, call, false, next);
        return;
    }
    k = bot_find(b, call->who.user);
    if (k != NULL && !k->asking) {
        bot_found(b, call, k->is_bot, next);
        return;
    }
    if (k == NULL) {
        k = bot_new(b, call->who.user);
        k->next = next;
        bot_ask(b, k);
    }
    assert(k->next == next);
    *k->waiting_end = call;
    k->waiting_end = &call->next;
}

/* Whose a bot is. */

void people_bot_ask(struct owner *o, struct call *call, uint64_t bot, store_done_f *done)
{
    (void)call_request(call, o, done);
    call->q.get.pk = keys_of_user(bot, call->key);
    call->q.get.sk = KEYS_BOT;
    store_get(o->store, &call->q.get);
}

bool people_bot_owner(struct call *call, uint64_t *ret_owner)
{
    struct frame *body = call->q.get.ret_body;
    struct str rest;

    if (call->q.req.result != STORE_OK) {
        call_fail_store(call, call->q.req.result);
        return false;
    }
    rest = body != NULL ? frame_str(body) : (struct str){0};
    if (!str_to_u64(str_cut(&rest, ' '), ret_owner))
        *ret_owner = 0;
    frame_unref(body);
    return true;
}
