#include "io/usage.h"

#include "lib/check.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void what_a_process_uses_is_seen(void **state)
{
    enum { BYTES = 32 * 1024 * 1024 };
    struct usage before, after, named;
    uint64_t again = 0;

    (void)state;
    assert_int_equal(usage_read(0, &before), 0);
    char *p = malloc(BYTES);
    assert_non_null(p);
    for (int round = 0; round < 20; round++)
        memset(p, round + 1, BYTES);
    __asm__ volatile("" : : "r"(p) : "memory");
    assert_int_equal(usage_read(0, &after), 0);
    assert_true(after.cpu_ns > before.cpu_ns + 1000000);
    assert_true(after.resident_bytes >= before.resident_bytes + BYTES / 2);
    assert_true(after.private_bytes >= before.private_bytes + BYTES / 2);
    free(p);
    assert_int_equal(usage_read((int)getpid(), &named), 0);
    assert_true(named.cpu_ns >= after.cpu_ns);
    assert_int_equal(usage_cpu_ns((int)getpid(), &again), 0);
    assert_true(again >= named.cpu_ns);
}

static void a_process_that_is_not_there(void **state)
{
    struct usage u;

    (void)state;
    assert_int_equal(usage_read(0x7ffffff0, &u), -ESRCH);
    assert_int_equal(usage_pin(0x7ffffff0, 0), -ESRCH);
    assert_int_equal(usage_pin(0, 1000000), -EINVAL);
}

static void descriptors_are_raised(void **state)
{
    uint64_t n = usage_descriptors();

    (void)state;
    assert_true(n >= 256);
    assert_int_equal(usage_descriptors(), n);
}

CHECK_MAIN(cmocka_unit_test(what_a_process_uses_is_seen),
           cmocka_unit_test(a_process_that_is_not_there), cmocka_unit_test(descriptors_are_raised))
