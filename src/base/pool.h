/* pool.h: many objects of one size, close together: no header per object, and
 * what lives long is not strewn over the heap among what lives shortly.
 *
 *   slab, aligned to its size:   [ header | object | object | ... ]
 *
 * An object that was put back links to the slab's next free one; an empty slab
 * goes back to the heap, except the last. One thread. Under AddressSanitizer
 * every object is a block of its own, so that misuse is seen. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/base.h"
#include "base/list.h"

/* Large, so that the heap maps each by itself; pages that no object was ever on
 * are not touched. */
#define POOL_SLAB ((size_t)256 * 1024)

struct pool {
    size_t size;
    struct list open; /* slabs with a free object */
    size_t slabs, used;
};

/* For objects of size bytes, at most a quarter of a slab. */
void pool_init(struct pool *p, size_t size);

/* Every object must have been put back. */
void pool_fini(struct pool *p);

/* Zeroed. Aborts when memory is out. */
void *pool_get(struct pool *p) MUST_CHECK;
void pool_put(struct pool *p, void *object);

#endif
