/* check.h: cmocka with the includes it wants, one main per test program, and
 * the seeds of a run. */
#ifndef LIB_CHECK_H
#define LIB_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

/* Whether this is compiled with a sanitizer that makes it many times slower. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHECK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CHECK_SANITIZED 1
#endif
#endif
#ifndef CHECK_SANITIZED
#define CHECK_SANITIZED 0
#endif

/* main: runs the listed cmocka tests; with $CASE (a pattern), those of that name. */
#define CHECK_MAIN(...)                                   \
    int main(void)                                        \
    {                                                     \
        const struct CMUnitTest tests[] = {__VA_ARGS__};  \
        cmocka_set_test_filter(getenv("CASE"));           \
        return cmocka_run_group_tests(tests, NULL, NULL); \
    }

static inline uint64_t check_env_(const char *name, uint64_t otherwise)
{
    const char *s = getenv(name);

    return s != NULL && *s != '\0' ? strtoull(s, NULL, 10) : otherwise;
}

/* $SEED, or otherwise. A failing simulation prints the seed that repeats it. */
static inline uint64_t check_seed(uint64_t otherwise)
{
    return check_env_("SEED", otherwise);
}

/* How many seeds a simulation tries: $SEEDS, or otherwise. make check sets a few
 * under sanitizers. */
static inline uint64_t check_seeds(uint64_t otherwise)
{
    return check_env_("SEEDS", otherwise);
}

/* Repeats what follows for each seed from $SEED or 1 on: $SEEDS of them, or `otherwise` (3
 * under sanitizers). Each seed is printed first, so that the log of a failing assert ends
 * with the seed that repeats it. */
#define CHECK_EACH_SEED(seed, otherwise)                                              \
    for (uint64_t seed = check_seed(1), seed##_first = seed,                          \
                  seed##_end = seed + check_seeds(CHECK_SANITIZED ? 3 : (otherwise)); \
         seed < seed##_end && check_try(seed, seed##_first); seed++)

/* For loops of other forms, which begin with the seed `first`: prints the seed that is tried next;
 * or prints how many were tried, and is false, once the loop has had $SEEDS_S seconds: a slow
 * machine searches less. The first is always tried. */
static inline bool check_try(uint64_t seed, uint64_t first)
{
    static time_t begun;
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (seed == first)
        begun = now.tv_sec;
    if (seed != first && (uint64_t)(now.tv_sec - begun) >= check_env_("SEEDS_S", UINT64_MAX)) {
        (void)printf("# only %llu seeds\n", (unsigned long long)(seed - first));
        return false;
    }
    (void)printf("# SEED=%llu SEEDS=1\n", (unsigned long long)seed);
    (void)fflush(stdout);
    return true;
}

#endif
