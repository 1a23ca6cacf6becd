#include "chat/people/people_session.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/people/people.h"

#include <stdio.h>
#include <stdlib.h>

struct known {
    struct map_node node;
    struct list recent;
    uint64_t session, user;
};

/* A look-up under way. */
struct finding {
    struct people *people;
    struct caller who;
    char sk[KEYS_MAX];
    char name[];
};

struct str people_session_encode(const struct people_session *s,
                                 char buf[static PEOPLE_SESSION_BODY_MAX])
{
    int n = snprintf(buf, PEOPLE_SESSION_BODY_MAX, "%llu %llu%s", (unsigned long long)s->created_ms,
                     (unsigned long long)s->expires_ms, s->lasting ? " lasting" : "");

    if (s->generation > 0)
        n += snprintf(buf + n, PEOPLE_SESSION_BODY_MAX - (size_t)n, " g%llu",
                      (unsigned long long)s->generation);
    return (struct str){(const uint8_t *)buf, (size_t)n};
}

bool people_session_decode(struct str body, struct people_session *ret_s)
{
    struct people_session s = {0};
    struct str word;

    if (!str_to_u64(str_cut(&body, ' '), &s.created_ms) ||
        !str_to_u64(str_cut(&body, ' '), &s.expires_ms))
        return false;
    while (body.n > 0) {
        word = str_cut(&body, ' ');
        if (str_eq(word, STR("lasting")))
            s.lasting = true;
        else if (!str_starts(word, STR("g")) || !str_to_u64(str_skip(word, 1), &s.generation))
            return false;
    }
    *ret_s = s;
    return true;
}

static bool known_eq(const struct map_node *node, const void *key)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct known, node)->session ==
           *(const uint64_t *)key;
}

static struct known *known_of(struct list *node)
{
    return CONTAINER_OF(node, struct known, recent);
}

void people_session_init(struct people_sessions *s)
{
    map_init(&s->known);
    list_init(&s->recent);
}

static void people_session_forget(struct people_sessions *s, struct known *k)
{
    map_remove(&s->known, &k->node);
    list_remove(&k->recent);
    free(k);
}

void people_session_fini(struct people_sessions *s)
{
    while (!list_empty(&s->recent))
        people_session_forget(s, known_of(s->recent.next));
    map_fini(&s->known);
}

/* Sessions' numbers are random, and ours. */
static struct known *find(struct people_sessions *s, uint64_t session)
{
    struct map_node *n = map_find(&s->known, session, known_eq, &session);

    return n != NULL ? CONTAINER_OF(n, struct known, node) : NULL;
}

bool people_session_known(struct people_sessions *s, uint64_t session, uint64_t user)
{
    struct known *k = find(s, session);

    if (k == NULL || k->user != user)
        return false;
    list_remove(&k->recent);
    list_push(&s->recent, &k->recent);
    return true;
}

static void learn(struct people_sessions *s, uint64_t session, uint64_t user)
{
    struct known *k = find(s, session);

    if (k != NULL) { /* two connections asked at once */
        k->user = user;
        return;
    }
    if (map_n(&s->known) >= PEOPLE_SESSION_MAX)
        people_session_forget(s, known_of(s->recent.next));
    assert(map_n(&s->known) < PEOPLE_SESSION_MAX);
    k = mem_zeroed(1, sizeof(*k));
    k->session = session;
    k->user = user;
    map_add(&s->known, &k->node, session);
    list_init(&k->recent);
    list_push(&s->recent, &k->recent);
}

static void session_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct finding *f = call->state;
    struct people_session s;
    bool there;

    assert(f->people != NULL);
    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    there = call->q.get.ret_body != NULL &&
            people_session_decode(frame_str(call->q.get.ret_body), &s) &&
            s.generation == f->people->keys->generation;
    frame_unref(call->q.get.ret_body);
    if (!there) {
        call_fail(call, ERROR_revoked);
        return;
    }
    learn(&f->people->sessions, f->who.session, f->who.user);
    call->who = f->who;
    call_ok(call);
}

void people_session_find(struct people *p, struct call *call, const struct caller *who)
{
    struct finding *f = mem_zeroed(1, sizeof(*f) + who->name.n);

    f->people = p;
    f->who = *who;
    if (who->name.n > 0)
        memcpy(f->name, who->name.p, who->name.n);
    f->who.name.p = (const uint8_t *)f->name;
    call->state = f;
    (void)call_request(call, p->owner, session_read);
    call->q.get.pk = keys_of_user(who->user, call->key);
    call->q.get.sk = keys_session(who->session, f->sk);
    store_get(p->owner->store, &call->q.get);
}
