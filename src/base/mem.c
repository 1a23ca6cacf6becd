#include "base/mem.h"

static void *there(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

void *mem_zeroed(size_t n, size_t size)
{
    return there(calloc(n, size));
}

void *mem_bytes(size_t n)
{
    return there(malloc(n > 0 ? n : 1));
}

void *mem_resize(void *p, size_t n)
{
    return there(realloc(p, n > 0 ? n : 1));
}

void *mem_resize_array(void *p, size_t n, size_t size)
{
    return there(reallocarray(p, n, size));
}
