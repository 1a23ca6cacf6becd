#include "io/dir.h"
#include "io/file.h"

#include "base/str.h"
#include "lib/check.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/polylog-file-XXXXXX");
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(dir); /* fails if a test left something */
}

static const char *in_dir(char path[static 128], const char *name)
{
    (void)snprintf(path, 128, "%s/%s", dir, name);
    return path;
}

static void what_is_replaced_is_read(void **state)
{
    struct buf b CLEANUP(buf_fini);
    char path[128];
    struct stat st;

    (void)state;
    in_dir(path, "f");
    buf_init(&b, 8);
    assert_int_equal(file_read(path, &b), -ENOENT);
    assert_int_equal(file_replace(path, STR("first")), 0);
    assert_int_equal(file_replace(path, STR("second")), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(file_read(path, &b), 0);
    assert_true(str_eq(buf_peek(&b), STR("second")));
    assert_int_equal(unlink(path), 0);
}

static void a_file_that_is_too_large_is_refused(void **state)
{
    struct buf b CLEANUP(buf_fini);
    char path[128];

    (void)state;
    in_dir(path, "f");
    buf_init(&b, 8);
    assert_int_equal(file_replace(path, STR("123456789")), 0);
    assert_int_equal(file_read(path, &b), -EFBIG);
    assert_int_equal(unlink(path), 0);
}

/* Nothing is left behind where the file cannot be put. */
static void a_failed_replacement_leaves_nothing(void **state)
{
    char path[128], below[256];

    (void)state;
    in_dir(path, "d");
    assert_int_equal(dir_make(path), 0);
    assert_int_equal(file_replace(path, STR("x")), -EISDIR);
    (void)snprintf(below, sizeof(below), "%s/no/f", path);
    assert_int_equal(file_replace(below, STR("x")), -ENOENT);
    assert_int_equal(rmdir(path), 0);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

CHECK_MAIN(IN_DIR(what_is_replaced_is_read), IN_DIR(a_file_that_is_too_large_is_refused),
           IN_DIR(a_failed_replacement_leaves_nothing))
