#include "base/frame.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct frame *frame_new(size_t n)
{
    struct frame *f = mem_bytes(sizeof(*f) + n);

    assert(n <= UINT32_MAX);
    atomic_init(&f->refs, 1);
    f->n = (uint32_t)n;
    return f;
}

struct frame *frame_copy(struct str s)
{
    struct frame *f = frame_new(s.n);

    if (s.n > 0)
        memcpy(f->bytes, s.p, s.n);
    return f;
}

struct frame *frame_ref(struct frame *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void frame_unref(struct frame *f)
{
    if (f != NULL && atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1)
        free(f);
}
