/* at_once.h: tests that mostly wait for real time, several at once, each in a process of
 * its own. They share nothing; what one prints is shown in one piece, in the list's order. */
#ifndef LIB_AT_ONCE_H
#define LIB_AT_ONCE_H

#include "base/base.h"
#include "lib/check.h"

/* Runs them; the number of those that failed. */
int at_once_run(const struct CMUnitTest *tests, size_t n);

/* As CHECK_MAIN. With $CASE one after the other. */
#define AT_ONCE_MAIN(...)                                 \
    int main(void)                                        \
    {                                                     \
        const struct CMUnitTest tests[] = {__VA_ARGS__};  \
        if (getenv("CASE") == NULL)                       \
            return at_once_run(tests, COUNTOF(tests));    \
        cmocka_set_test_filter(getenv("CASE"));           \
        return cmocka_run_group_tests(tests, NULL, NULL); \
    }

#endif
