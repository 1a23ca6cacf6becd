#include "chat/people/guesses.h"

#include "base/mem.h"

#include <stdlib.h>

#define FORGOTTEN_MS 3600000
#define FIRST_MS 1000
#define LAST_MS 900000
#define LAST_KNOWN_MS 60000
#define WRONG_MAX 1000

enum bucket_kind { BUCKET_NAME, BUCKET_PLACE, BUCKET_KNOWN };

static const struct {
    unsigned free;
    uint64_t max_ms;
} rules[] = {
    [BUCKET_NAME] = {10, LAST_MS},
    [BUCKET_PLACE] = {20, LAST_MS},
    [BUCKET_KNOWN] = {5, LAST_KNOWN_MS},
};

struct guesses_key {
    enum bucket_kind kind;
    uint64_t name, place;
};

struct guesses_bucket {
    struct map_node node;
    struct list recent;
    struct guesses_key key;
    unsigned wrong;
    uint64_t last_ms, until_ms;
};

static bool bucket_eq(const struct map_node *node, const void *key)
{
    const struct guesses_key *k = key, *own = &CONTAINER_OF((struct map_node *)(uintptr_t)node,
                                                            struct guesses_bucket, node)
                                                   ->key;

    return own->kind == k->kind && own->name == k->name && own->place == k->place;
}

static uint64_t hash_of(const struct guesses_key *k)
{
    return k->name ^ (k->place * 0x9e3779b97f4a7c15u) ^ (uint64_t)k->kind;
}

/* The buckets that the guess counts in; returns how many. */
static unsigned keys_for(const struct guess *guess, struct guesses_key keys[static 2])
{
    if (guess->known) {
        keys[0] = (struct guesses_key){BUCKET_KNOWN, guess->name, guess->place};
        return 1;
    }
    keys[0] = (struct guesses_key){BUCKET_NAME, guess->name, 0};
    keys[1] = (struct guesses_key){BUCKET_PLACE, 0, guess->place};
    return 2;
}

static struct guesses_bucket *guesses_find(const struct guesses *g, const struct guesses_key *k)
{
    struct map_node *n = map_find(&g->buckets, hash_of(k), bucket_eq, k);

    return n == NULL ? NULL : CONTAINER_OF(n, struct guesses_bucket, node);
}

static void guesses_forget(struct guesses *g, struct guesses_bucket *b)
{
    map_remove(&g->buckets, &b->node);
    list_remove(&b->recent);
    free(b);
}

static struct guesses_bucket *guesses_make(struct guesses *g, const struct guesses_key *k)
{
    struct guesses_bucket *b = guesses_find(g, k);

    if (b != NULL) {
        list_remove(&b->recent);
        list_push(&g->recent, &b->recent);
        return b;
    }
    if (map_n(&g->buckets) >= GUESSES_MAX)
        guesses_forget(g, CONTAINER_OF(g->recent.next, struct guesses_bucket, recent));
    b = mem_zeroed(1, sizeof(*b));
    b->key = *k;
    assert(map_n(&g->buckets) < GUESSES_MAX);
    map_add(&g->buckets, &b->node, hash_of(k));
    list_init(&b->recent);
    list_push(&g->recent, &b->recent);
    return b;
}

/* How long the guess behind so many wrong ones waits. */
static uint64_t wait_of(enum bucket_kind kind, unsigned wrong)
{
    unsigned free_n = rules[kind].free, over = wrong > free_n ? wrong - free_n : 0;

    if (wrong < free_n)
        return 0;
    return over >= 20 ? rules[kind].max_ms : MIN((uint64_t)FIRST_MS << over, rules[kind].max_ms);
}

void guesses_init(struct guesses *g)
{
    map_init(&g->buckets);
    list_init(&g->recent);
}

void guesses_fini(struct guesses *g)
{
    while (!list_empty(&g->recent))
        guesses_forget(g, CONTAINER_OF(g->recent.next, struct guesses_bucket, recent));
    map_fini(&g->buckets);
}

void guesses_note(struct guesses *g, const struct guess *guess, uint64_t now_ms)
{
    struct guesses_key keys[2];
    unsigned n = keys_for(guess, keys);

    for (unsigned i = 0; i < n; i++) {
        struct guesses_bucket *b = guesses_make(g, &keys[i]);

        if (now_ms >= b->last_ms + FORGOTTEN_MS)
            b->wrong = 0;
        assert(b->wrong <= WRONG_MAX);
        b->last_ms = MAX(b->last_ms, now_ms);
        b->wrong = MIN(b->wrong + 1, WRONG_MAX);
        b->until_ms = MAX(b->until_ms, now_ms + wait_of(keys[i].kind, b->wrong));
    }
}

uint64_t guesses_take(struct guesses *g, const struct guess *guess, uint64_t now_ms)
{
    struct guesses_key keys[2];
    unsigned n = keys_for(guess, keys);
    uint64_t until_ms = now_ms;

    for (unsigned i = 0; i < n; i++) {
        const struct guesses_bucket *b = guesses_find(g, &keys[i]);

        if (b != NULL)
            until_ms = MAX(until_ms, b->until_ms);
    }
    if (until_ms > now_ms)
        return until_ms - now_ms;
    guesses_note(g, guess, now_ms);
    return 0;
}

void guesses_give_back(struct guesses *g, const struct guess *guess)
{
    struct guesses_key keys[2];
    unsigned n = keys_for(guess, keys);

    for (unsigned i = 0; i < n; i++) {
        struct guesses_bucket *b = guesses_find(g, &keys[i]);

        if (b == NULL || b->wrong == 0)
            continue;
        b->wrong--;
        b->until_ms = 0;
    }
}

void guesses_right(struct guesses *g, const struct guess *guess)
{
    struct guesses_key known = {BUCKET_KNOWN, guess->name, guess->place};
    struct guesses_bucket *b = guesses_find(g, &known);

    if (b != NULL)
        guesses_forget(g, b);
    if (!guess->known)
        guesses_give_back(g, guess);
}
