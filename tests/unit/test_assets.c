#include "base/str.h"
#include "lib/check.h"
#include "server/http/assets.h"

#include <string.h>
#include <zlib.h>

static bool contains(struct str s, const char *needle)
{
    return memmem(s.p, s.n, needle, strlen(needle)) != NULL;
}

static void assets_find_every_path_and_no_other(void **state)
{
    size_t n = 0;

    (void)state;
    for (; assets_at(n) != NULL; n++)
        assert_ptr_equal(assets_find(str_of(assets_at(n)->path)), assets_at(n));
    assert_in_range(n, 4, 100);
    assert_null(assets_find(STR("")));
    assert_null(assets_find(STR("//")));
    assert_null(assets_find(STR("/index.html")));
    assert_null(assets_find(STR("/nothing.js")));
}

/* Whether a script that the page names loads the file on demand. */
static bool is_loaded_later(const struct asset *page, const char *name)
{
    for (size_t i = 0; assets_at(i) != NULL; i++) {
        const struct asset *a = assets_at(i);

        if (contains(page->plain, a->path + 1) && contains(a->plain, name))
            return true;
    }
    return false;
}

static void assets_page_names_files_that_are_there(void **state)
{
    const struct asset *page = assets_find(STR("/"));
    unsigned named = 0;

    (void)state;
    assert_non_null(page);
    assert_string_equal(page->type, "text/html; charset=utf-8");
    assert_false(page->immutable);
    for (size_t i = 0; assets_at(i) != NULL; i++) {
        const struct asset *a = assets_at(i);

        if (!a->immutable)
            continue;
        if (contains(page->plain, a->path + 1))
            named++;
        else
            assert_true(is_loaded_later(page, a->path + 1));
    }
    assert_int_equal(named, 4); /* style, application in two parts, theme */
}

static void assets_page_runs_nothing_inline(void **state)
{
    const struct asset *page = assets_find(STR("/"));

    (void)state;
    assert_false(contains(page->plain, "<style"));
    assert_false(contains(page->plain, " style="));
    assert_false(contains(page->plain, "<script>"));
    assert_false(contains(page->plain, "://"));
}

static void assets_gzip_inflates_to_plain(void **state)
{
    unsigned compressed = 0;

    (void)state;
    for (size_t i = 0; assets_at(i) != NULL; i++) {
        const struct asset *a = assets_at(i);
        uint8_t *out = malloc(a->plain.n + 1);
        z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)a->gzip.p,
                      .avail_in = (uInt)a->gzip.n,
                      .next_out = out,
                      .avail_out = (uInt)a->plain.n + 1};

        assert_non_null(out);
        if (a->gzip.n > 0) {
            assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
            assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
            assert_true(str_eq((struct str){out, z.total_out}, a->plain));
            assert_int_equal(inflateEnd(&z), Z_OK);
            compressed++;
        }
        assert_true(a->gzip.n < a->plain.n);
        assert_true(a->brotli.n < a->plain.n);
        free(out);
    }
    assert_in_range(compressed, 2, 100);
}

static void assets_etags_are_weak_and_different(void **state)
{
    (void)state;
    for (size_t i = 0; assets_at(i) != NULL; i++) {
        assert_memory_equal(assets_at(i)->etag, "W/\"", 3);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(assets_at(i)->etag, assets_at(k)->etag);
    }
}

CHECK_MAIN(cmocka_unit_test(assets_find_every_path_and_no_other),
           cmocka_unit_test(assets_page_names_files_that_are_there),
           cmocka_unit_test(assets_page_runs_nothing_inline),
           cmocka_unit_test(assets_gzip_inflates_to_plain),
           cmocka_unit_test(assets_etags_are_weak_and_different))
