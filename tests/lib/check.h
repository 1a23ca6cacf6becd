/* check.h: cmocka with the includes it wants, one main per test program, and
 * the seed of a run. */
#ifndef LIB_CHECK_H
#define LIB_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* main: runs the listed cmocka tests. */
#define CHECK_MAIN(...)                                   \
    int main(void)                                        \
    {                                                     \
        const struct CMUnitTest tests[] = {__VA_ARGS__};  \
        return cmocka_run_group_tests(tests, NULL, NULL); \
    }

/* $SEED, or otherwise. A failing simulation prints the seed that repeats it. */
static inline uint64_t check_seed(uint64_t otherwise)
{
    const char *s = getenv("SEED");

    return s != NULL && *s != '\0' ? strtoull(s, NULL, 10) : otherwise;
}

#endif
