#include "base/str.h"
#include "gateway/gateway_read.h"
#include "lib/check.h"

/* A list's values are cut at commas before they come here. */
static void values_may_have_commas(void **state)
{
    char names[] = "Names=a", more[] = "b", color[] = "Color=", url[] = "Url=http://x/?a=b";
    char *items[] = {names, more, color, url};
    struct conf_list list = {items, COUNTOF(items)};
    struct api_pairs p = {0};

    (void)state;
    assert_true(gateway_read_pairs(&list, &p));
    assert_int_equal(p.n, 3);
    assert_string_equal(api_pairs_get(&p, STR("Names")), "a,b");
    assert_string_equal(api_pairs_get(&p, STR("Color")), "");
    assert_string_equal(api_pairs_get(&p, STR("Url")), "http://x/?a=b");
    api_pairs_fini(&p);
}

static void the_first_needs_a_name(void **state)
{
    char red[] = "red", no_name[] = "=red";
    char *items[] = {red}, *nameless[] = {no_name};
    struct api_pairs p = {0};

    (void)state;
    assert_false(gateway_read_pairs(&(struct conf_list){items, 1}, &p));
    assert_false(gateway_read_pairs(&(struct conf_list){nameless, 1}, &p));
    assert_true(gateway_read_pairs(&(struct conf_list){NULL, 0}, &p));
    assert_int_equal(p.n, 0);
}

CHECK_MAIN(cmocka_unit_test(values_may_have_commas), cmocka_unit_test(the_first_needs_a_name))
