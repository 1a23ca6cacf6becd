/* frame.h: an immutable, refcounted run of bytes, shared between threads: a
 * message is encoded once and sent to thousands.
 *
 * Written between frame_new and the first frame_ref or hand-over, never after.
 * Counting is atomic; any thread may hold and drop references. */
#ifndef BASE_FRAME_H
#define BASE_FRAME_H

#include "base/base.h"

struct frame {
    _Atomic uint32_t refs;
    uint32_t n;
    uint8_t bytes[];
};

/* n uninitialised bytes and one reference. Aborts when memory is out. */
struct frame *frame_new(size_t n) MUST_CHECK;

/* A frame that holds a copy of s. */
struct frame *frame_copy(struct str s) MUST_CHECK;

/* One more reference; returns f. */
struct frame *frame_ref(struct frame *f);

/* Drops a reference; the last one frees. NULL is fine. */
void frame_unref(struct frame *f);

static inline struct str frame_str(const struct frame *f)
{
    return (struct str){f->bytes, f->n};
}

#endif
