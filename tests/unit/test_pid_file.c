#include "io/pid_file.h"

#include "lib/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char path[64], target[80];

static int begin(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/polylog-pid-%ld", (long)getpid());
    (void)snprintf(target, sizeof(target), "%s.target", path);
    (void)unlink(path);
    return 0;
}

static int end(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(target);
    return 0;
}

static void put(const char *at, const char *text)
{
    FILE *f = fopen(at, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void assert_holds(const char *text)
{
    char got[64] = "";
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    assert_true(fread(got, 1, sizeof(got) - 1, f) > 0);
    assert_int_equal(fclose(f), 0);
    assert_string_equal(got, text);
}

static void a_pid_file_has_one_process_at_a_time(void **state)
{
    struct pid_file first = {-1}, second = {-1};
    char own[16];
    int other = -1;

    (void)state;
    (void)snprintf(own, sizeof(own), "%ld\n", (long)getpid());
    assert_int_equal(pid_file_take(&first, path, 0, &other), 0);
    assert_int_equal(pid_file_take(&second, path, 0, &other), -EEXIST);
    assert_int_equal(other, 0); /* it does not say yet */
    assert_int_equal(pid_file_write(&first), 0);
    assert_holds(own);
    assert_int_equal(pid_file_take(&second, path, 0, &other), -EEXIST);
    assert_int_equal(other, getpid());
    assert_int_equal(second.fd, -1);
    pid_file_release(&first);
    assert_int_equal(pid_file_take(&second, path, 0, &other), 0);
    pid_file_release(&second);
    pid_file_release(&second);
}

static void what_was_left_is_taken_over(void **state)
{
    struct pid_file f = {-1};
    char own[16];
    int other;

    (void)state;
    put(path, "1234567890123\nand more");
    assert_int_equal(pid_file_take(&f, path, 0, &other), 0);
    assert_holds("1234567890123\nand more");
    assert_int_equal(pid_file_write(&f), 0);
    (void)snprintf(own, sizeof(own), "%ld\n", (long)getpid());
    assert_holds(own);
    pid_file_release(&f);
}

static void a_file_in_its_place_is_another(void **state)
{
    struct pid_file first = {-1}, second = {-1};
    int other;

    (void)state;
    assert_int_equal(pid_file_take(&first, path, 0, &other), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(pid_file_take(&second, path, 0, &other), 0);
    pid_file_release(&first);
    pid_file_release(&second);
}

static void links_are_refused(void **state)
{
    struct pid_file f = {-1};
    int other;

    (void)state;
    put(target, "precious");
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(pid_file_take(&f, path, 0, &other), -ELOOP);
    assert_int_equal(f.fd, -1);
    assert_int_equal(pid_file_take(&f, "/nonexistent/pid", 0, &other), -ENOENT);
}

CHECK_MAIN(cmocka_unit_test_setup_teardown(a_pid_file_has_one_process_at_a_time, begin, end),
           cmocka_unit_test_setup_teardown(what_was_left_is_taken_over, begin, end),
           cmocka_unit_test_setup_teardown(a_file_in_its_place_is_another, begin, end),
           cmocka_unit_test_setup_teardown(links_are_refused, begin, end))
