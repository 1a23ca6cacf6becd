/* mem.h: memory that the program cannot go on without: where there is none it ends
 * (abort), since no caller could do better. Freed with free. Any thread. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/base.h"

#include <stdlib.h>

/* n times size bytes, zeroed. */
void *mem_zeroed(size_t n, size_t size) MUST_CHECK;

/* n bytes; 0 is fine. */
void *mem_bytes(size_t n) MUST_CHECK;

/* p, or NULL, with room for n bytes, or for n times size; the old pointer is gone. */
void *mem_resize(void *p, size_t n) MUST_CHECK;
void *mem_resize_array(void *p, size_t n, size_t size) MUST_CHECK;

#endif
