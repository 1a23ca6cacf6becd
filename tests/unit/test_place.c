/* Nodes on one store are at one place, and nodes on a copy are not. */
#include "base/str.h"
#include "engine/place.h"
#include "lib/check.h"

#include <string.h>

#define KEY STR("ASIAQNZGKIQY56JQ7WML")
#define OTHER_KEY STR("ASIAQBZGKIQY56JQ7WML")

static const char *place(const char *endpoint, const char *region, const char *prefix,
                         struct str key)
{
    static char texts[2][PLACE_MAX];
    static unsigned at;

    at = !at;
    place_of_tables(endpoint, region, prefix, key, texts[at]);
    return texts[at];
}

static void tables(void **state)
{
    const char *aws = "https://dynamodb.eu-west-1.amazonaws.com";

    (void)state;
    assert_string_equal(place(aws, "eu-west-1", "chat", KEY),
                        "dynamodb aws eu-west-1 chat-log chat-record 029608264753");
    assert_string_equal(place(aws, "eu-west-1", "chat", KEY),
                        place("https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com:443",
                              "eu-west-1", "chat", KEY));
    assert_string_not_equal(place(aws, "eu-west-1", "chat", KEY),
                            place(aws, "eu-west-1", "staging", KEY));
    assert_string_not_equal(place(aws, "eu-west-1", "chat", KEY),
                            place(aws, "eu-west-2", "chat", KEY));
    assert_string_not_equal(place(aws, "eu-west-1", "chat", KEY),
                            place(aws, "eu-west-1", "chat", OTHER_KEY));
}

static void emulators(void **state)
{
    (void)state;
    assert_string_equal(place("http://127.0.0.1:8000", "local", "chat", STR("key")),
                        "dynamodb localhost local chat-log chat-record ");
    assert_string_equal(place("http://127.0.0.1:8000", "local", "chat", STR("key")),
                        place("http://[::1]:8001/", "local", "chat", KEY));
    assert_string_equal(place("http://127.0.0.1:8000", "local", "chat", STR("key")),
                        place("http://localhost:8002", "local", "chat", STR("")));
    assert_string_not_equal(place("http://127.0.0.1:8000", "local", "chat", STR("key")),
                            place("http://dynamo:8000", "local", "chat", STR("key")));
    assert_string_not_equal(place("http://evilamazonaws.com", "local", "chat", KEY),
                            place("https://dynamodb.amazonaws.com", "local", "chat", KEY));
}

static void directories(void **state)
{
    char one[PLACE_MAX], other[PLACE_MAX];

    (void)state;
    place_of_directory("host", "/data", one);
    place_of_directory("host", "/copy", other);
    assert_string_not_equal(one, other);
}

CHECK_MAIN(cmocka_unit_test(tables), cmocka_unit_test(emulators), cmocka_unit_test(directories))
