#include "base/pool.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct slab {
    struct list node; /* in pool.open while there is a free object */
    void *free;       /* objects that were put back, linked */
    size_t fresh;     /* behind the last object that was ever given out */
    size_t used;
};

#define HEADER ((sizeof(struct slab) + 15) / 16 * 16)

#if defined(__SANITIZE_ADDRESS__)
#define POOL_PLAIN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_PLAIN 1
#endif
#endif

void pool_init(struct pool *p, size_t size)
{
    *p = (struct pool){.size = MAX(size, sizeof(void *))};
    p->size = (p->size + 7) / 8 * 8;
    assert(p->size <= POOL_SLAB / 4);
    list_init(&p->open);
}

void pool_fini(struct pool *p)
{
    assert(p->used == 0);
    while (!list_empty(&p->open))
        free(CONTAINER_OF(list_pop(&p->open), struct slab, node));
    p->slabs = 0;
}

#ifdef POOL_PLAIN

void *pool_get(struct pool *p)
{
    void *object = mem_zeroed(1, p->size);

    p->used++;
    return object;
}

void pool_put(struct pool *p, void *object)
{
    p->used--;
    free(object);
}

#else

static struct slab *slab_new(struct pool *p)
{
    struct slab *s = aligned_alloc(POOL_SLAB, POOL_SLAB);

    if (s == NULL)
        abort();
    *s = (struct slab){.fresh = HEADER};
    list_push(&p->open, &s->node);
    p->slabs++;
    return s;
}

static bool is_full(const struct pool *p, const struct slab *s)
{
    return s->free == NULL && s->fresh + p->size > POOL_SLAB;
}

void *pool_get(struct pool *p)
{
    struct slab *s =
        list_empty(&p->open) ? slab_new(p) : CONTAINER_OF(p->open.next, struct slab, node);
    void *object = s->free;

    if (object != NULL) {
        memcpy(&s->free, object, sizeof(s->free));
    } else {
        object = (uint8_t *)s + s->fresh;
        s->fresh += p->size;
    }
    if (is_full(p, s))
        list_remove(&s->node);
    s->used++;
    p->used++;
    memset(object, 0, p->size);
    return object;
}

void pool_put(struct pool *p, void *object)
{
    struct slab *s = (void *)((uintptr_t)object & ~(uintptr_t)(POOL_SLAB - 1));

    if (is_full(p, s))
        list_push(&p->open, &s->node);
    memcpy(object, &s->free, sizeof(s->free));
    s->free = object;
    s->used--;
    p->used--;
    if (s->used == 0 && p->open.next != p->open.prev) {
        list_remove(&s->node);
        free(s);
        p->slabs--;
    }
}

#endif
