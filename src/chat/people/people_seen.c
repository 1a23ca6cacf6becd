#include "chat/people/people_seen.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/room/room.h"

#include <stdio.h>
#include <stdlib.h>

#define BODY_MAX 160

struct seen {
    struct map_node node;
    struct list recent;
    uint64_t session, ms;
};

/* A write under way. */
struct seen_put {
    struct people_seen *seen;
    struct store_put put;
    char pk[KEYS_MAX], sk[KEYS_MAX], body[BODY_MAX];
};

static bool seen_eq(const struct map_node *node, const void *key)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct seen, node)->session ==
           *(const uint64_t *)key;
}

static struct seen *seen_of(struct list *node)
{
    return CONTAINER_OF(node, struct seen, recent);
}

void people_seen_init(struct people_seen *s)
{
    *s = (struct people_seen){0};
    map_init(&s->known);
    list_init(&s->recent);
}

static void seen_forget(struct people_seen *s, struct seen *k)
{
    map_remove(&s->known, &k->node);
    list_remove(&k->recent);
    free(k);
}

void people_seen_fini(struct people_seen *s)
{
    while (!list_empty(&s->recent))
        seen_forget(s, seen_of(s->recent.next));
    map_fini(&s->known);
}

static bool is_recent(const struct seen *k, uint64_t now_ms)
{
    return now_ms - k->ms < PEOPLE_SEEN_MS;
}

/* Returns true if the session is to be written now; it counts as written then. */
static bool seen_due(struct people_seen *s, uint64_t session, uint64_t now_ms)
{
    struct map_node *n = map_find(&s->known, session, seen_eq, &session);
    struct seen *k = n != NULL ? CONTAINER_OF(n, struct seen, node) : NULL;

    if (k != NULL && is_recent(k, now_ms))
        return false;
    if (k == NULL && map_n(&s->known) >= PEOPLE_SEEN_MAX) {
        if (is_recent(seen_of(s->recent.next), now_ms))
            return false;
        seen_forget(s, seen_of(s->recent.next));
    }
    if (k == NULL) {
        k = mem_zeroed(1, sizeof(*k));
        k->session = session;
        map_add(&s->known, &k->node, session);
    } else {
        list_remove(&k->recent);
    }
    k->ms = now_ms;
    list_init(&k->recent);
    list_push(&s->recent, &k->recent);
    return true;
}

static void seen_written(struct store_req *req)
{
    struct seen_put *w = CONTAINER_OF(req, struct seen_put, put.req);

    assert(w->seen->writing_n > 0);
    w->seen->writing_n--;
    free(w);
}

static struct str word(struct str text)
{
    return text.n > 0 && memchr(text.p, ' ', text.n) == NULL ? text : STR("-");
}

void people_seen_note(struct people_seen *s, struct owner *o, const struct caller *who,
                      const struct people_from *from, bool begins)
{
    uint64_t now = owner_wall_ms(o);
    struct seen_put *w;
    int n;

    assert(who->user != 0);
    if (who->session == 0 || who->scopes != 0 || from->place.n > PEOPLE_SEEN_PLACE_MAX ||
        (!seen_due(s, who->session, now) && !begins))
        return;
    w = mem_zeroed(1, sizeof(*w));
    w->seen = s;
    n = snprintf(w->body, sizeof(w->body), "%llu %.*s %.*s %.*s", (unsigned long long)now,
                 STR_ARGS(word(from->place)), STR_ARGS(word(from->program)),
                 STR_ARGS(word(from->system)));
    assert(n > 0 && (size_t)n < sizeof(w->body));
    w->put = (struct store_put){
        .req = {.home = o->home, .done = seen_written},
        .pk = keys_of_user(who->user, w->pk),
        .sk = keys_seen(who->session, w->sk),
        .body = {(const uint8_t *)w->body, (size_t)n},
        .expect = STORE_REV_ANY,
        .expires_ms = MAX(who->expires_ms, now + PEOPLE_SEEN_MS),
    };
    s->writing_n++;
    store_put(o->store, &w->put);
}

static void put_word(struct json_out *o, const char *name, struct str text)
{
    if (text.n > 0 && !str_eq(text, STR("-")))
        json_out_field_str(o, name, text);
}

/* -1, 0 or 1, as the store orders names. */
static int order(struct str a, struct str b)
{
    int c = memcmp(a.p, b.p, MIN(a.n, b.n));

    return c != 0 ? c : a.n < b.n ? -1 : a.n > b.n;
}

void people_seen_put(struct json_out *o, const struct frame *block, size_t *at,
                     struct store_item *item, struct str session)
{
    struct str body, name = str_skip(item->name, MIN(item->name.n, KEYS_SEEN.n));
    uint64_t ms;

    while (item->name.n == 0 || order(name, session) < 0) {
        if (!store_block_next(block, at, item))
            return;
        name = str_skip(item->name, KEYS_SEEN.n);
    }
    body = item->body;
    if (!str_eq(name, session) || !str_to_u64(str_cut(&body, ' '), &ms))
        return;
    json_out_field_u64(o, "seen", ms);
    put_word(o, "place", str_cut(&body, ' '));
    put_word(o, "program", str_cut(&body, ' '));
    put_word(o, "system", str_cut(&body, ' '));
}
