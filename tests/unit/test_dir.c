#include "io/dir.h"
#include "lib/check.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void dir_is_made_with_what_is_above(void **state)
{
    char top[64], path[80], file[96];
    struct stat st;
    FILE *f;

    (void)state;
    (void)snprintf(top, sizeof(top), "/tmp/polylog-dir-%ld", (long)getpid());
    (void)snprintf(path, sizeof(path), "%s/a/b", top);
    assert_int_equal(dir_make(path), 0);
    assert_int_equal(dir_make(path), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    (void)snprintf(file, sizeof(file), "%s/file", path);
    f = fopen(file, "w");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(dir_make(file), -ENOTDIR);
    assert_int_equal(dir_make(""), -ENAMETOOLONG);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(path), 0);
    (void)snprintf(path, sizeof(path), "%s/a", top);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(top), 0);
}

static void dir_has_one_owner_at_a_time(void **state)
{
    char path[64], file[96];
    int fd = -1, other = -1;

    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/polylog-lock-%ld", (long)getpid());
    assert_int_equal(dir_lock(path, &fd), -ENOENT);
    assert_int_equal(dir_make(path), 0);
    assert_int_equal(dir_lock(path, &fd), 0);
    assert_int_equal(dir_lock(path, &other), -EEXIST);
    assert_int_equal(other, -1);
    dir_unlock(other);
    dir_unlock(fd);
    assert_int_equal(dir_lock(path, &other), 0);
    dir_unlock(other);
    (void)snprintf(file, sizeof(file), "%s/lock", path);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(path), 0);
}

CHECK_MAIN(cmocka_unit_test(dir_is_made_with_what_is_above),
           cmocka_unit_test(dir_has_one_owner_at_a_time))
