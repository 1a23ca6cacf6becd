/* The account that an access key's id names. */
#include "aws/account.h"
#include "base/str.h"
#include "lib/check.h"

static void ids(void **state)
{
    char account[AWS_ACCOUNT_MAX];

    (void)state;
    assert_true(account_of_key(STR("ASIAQNZGKIQY56JQ7WML"), account));
    assert_string_equal(account, "029608264753");
    assert_false(account_of_key(STR("AKIAIOSFODNN7EXAMPLE"), account)); /* an older one */
    assert_false(account_of_key(STR("ASIAQNZGKIQY56JQ7WM"), account));
    assert_false(account_of_key(STR("ASIAQNZgKIQY56JQ7WML"), account));
    assert_false(account_of_key(STR("local"), account));
    assert_false(account_of_key(STR(""), account));
}

CHECK_MAIN(cmocka_unit_test(ids))
