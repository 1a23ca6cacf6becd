/* Signatures that others made: of a signer that passes AWS's own test suite, of that suite
 * (post-vanilla-query and the like), and of the API reference's examples. */
#include "base/str.h"
#include "lib/check.h"
#include "wire/sigv4.h"

#include <string.h>

#define KEY "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define AT_2015 1440938160 /* 2015-08-30 12:36:00 */

static const struct sigv4_credentials example = {
    .access_key = {(const uint8_t *)"AKIDEXAMPLE", 11},
    .secret_key = {(const uint8_t *)KEY, sizeof(KEY) - 1},
};

/* The last of the headers, which is Authorization; "" if there is none. */
static const char *authorization(struct sigv4_key *k, const struct sigv4_credentials *c,
                                 struct sigv4_request r, char *to, size_t max)
{
    struct buf b CLEANUP(buf_fini);
    struct str all;
    size_t at;

    buf_init(&b, 8192);
    r.now_s = r.now_s > 0 ? r.now_s : AT_2015;
    r.region = r.region.n > 0 ? r.region : STR("us-east-1");
    if (!sigv4_headers(k, c, &r, &b))
        return "";
    all = buf_peek(&b);
    assert_int_equal(all.p[all.n - 1], '\0');
    for (at = all.n - 1; at > 0 && all.p[at - 1] != '\0';)
        at--;
    assert_true(all.n - at <= max);
    memcpy(to, all.p + at, all.n - at);
    return to;
}

static void a_dynamodb_request(void **state)
{
    const struct str headers[] = {STR("X-Amz-Target: DynamoDB_20120810.GetItem"),
                                  STR("Content-Type:  application/x-amz-json-1.0 ")};
    struct sigv4_request r = {
        .method = STR("POST"),
        .host = STR("dynamodb.us-east-1.amazonaws.com"),
        .headers = headers,
        .headers_n = 2,
        .body = STR("{\"TableName\":\"Pets\",\"Key\":{\"AnimalType\":{\"S\":\"Dog\"},"
                    "\"Name\":{\"S\":\"Fido\"}}}"),
        .service = STR("dynamodb"),
    };
    struct sigv4_key k = {0};
    char text[1024];

    (void)state;
    for (unsigned i = 0; i < 2; i++) /* the second time with the key that was kept */
        assert_string_equal(
            authorization(&k, &example, r, text, sizeof(text)),
            "Authorization: AWS4-HMAC-SHA256 "
            "Credential=AKIDEXAMPLE/20150830/us-east-1/dynamodb/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
            "Signature=705a28e4b5e8175894c6a4521f03169f4713393c68962b19f55be28f1d50c2ad");
    sigv4_key_fini(&k);
    assert_int_equal(k.day, 0);
}

/* A path that is percent-encoded is encoded again. */
static void a_path_is_encoded_twice(void **state)
{
    struct sigv4_request r = {
        .method = STR("POST"),
        .host = STR("aabbccddee.execute-api.us-east-1.amazonaws.com"),
        .path = STR("/prod/%40connections/R0oXAdfD0kwCH6w%3D"),
        .body = STR("hello world"),
        .service = STR("execute-api"),
    };
    struct sigv4_key k = {0};
    char text[1024];

    (void)state;
    assert_string_equal(
        authorization(&k, &example, r, text, sizeof(text)),
        "Authorization: AWS4-HMAC-SHA256 "
        "Credential=AKIDEXAMPLE/20150830/us-east-1/execute-api/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=0ab0e232ab0d9feb78783c5b519b19ff064374b004426b6d59a84dd64688b323");
}

static void check_suite(struct sigv4_request r, const char *signature)
{
    struct sigv4_key k = {0};
    char text[1024];
    const char *got;

    r.host = STR("example.amazonaws.com");
    r.service = STR("service");
    got = strstr(authorization(&k, &example, r, text, sizeof(text)), "Signature=");
    assert_non_null(got);
    assert_string_equal(got + strlen("Signature="), signature);
}

/* Cases of AWS's test suite. */
static void the_suite(void **state)
{
    (void)state;
    check_suite((struct sigv4_request){.method = STR("GET"), .path = STR("/")},
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    check_suite((struct sigv4_request){.method = STR("GET"),
                                       .path = STR("/"),
                                       .query = STR("Param2=value2&Param1=value1")},
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    check_suite((struct sigv4_request){.method = STR("POST"), .path = STR("/")},
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

/* Passwords of ElastiCache are presigned URLs without their scheme. */
static void a_query(void **state)
{
    struct sigv4_request r = {
        .method = STR("GET"),
        .host = STR("my-cache"),
        .path = STR("/"),
        .query = STR("Action=connect&User=chat-app"),
        .region = STR("us-east-1"),
        .service = STR("elasticache"),
        .now_s = AT_2015,
        .expires_s = 900,
    };
    struct sigv4_key k = {0};
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 4096);
    assert_true(sigv4_query(&k, &example, &r, &b));
    assert_true(
        str_eq(buf_peek(&b),
               STR("Action=connect&User=chat-app&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
                   "AKIDEXAMPLE%2F20150830%2Fus-east-1%2Felasticache%2Faws4_request&X-Amz-Date="
                   "20150830T123600Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature="
                   "e518e7ddd67f160395486fefd73350aef5bbbf007980908741158a0008324c7a")));
    buf_clear(&b);
    r.query = STR("Action=connect&User=chat-app&ResourceType=ServerlessCache");
    assert_true(sigv4_query(&k, &example, &r, &b));
    assert_true(str_eq(
        buf_peek(&b),
        STR("Action=connect&ResourceType=ServerlessCache&User=chat-app&X-Amz-Algorithm="
            "AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Felasticache"
            "%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=900&"
            "X-Amz-SignedHeaders=host&X-Amz-Signature="
            "ec3fa80f12d8f3fa4ed3baff0bf138511a927dd9a6d7dca485ca2834a077d807")));
}

/* The key that was kept is of one day, region, service and secret only. */
static void the_kept_key(void **state)
{
    struct sigv4_request r = {.method = STR("GET"), .host = STR("h"), .service = STR("s")};
    struct sigv4_credentials other = example;
    struct sigv4_key kept = {0};
    char before[1024], fresh[1024], after[1024];

    (void)state;
    (void)authorization(&kept, &example, r, before, sizeof(before));
    for (unsigned what = 0; what < 4; what++) {
        struct sigv4_request changed = r;
        struct sigv4_key none = {0};

        changed.now_s = what == 0 ? AT_2015 + 86400 : AT_2015;
        changed.region = what == 1 ? STR("eu-west-1") : STR("us-east-1");
        changed.service = what == 2 ? STR("t") : r.service;
        other.secret_key = what == 3 ? STR("another") : example.secret_key;
        (void)authorization(&none, &other, changed, fresh, sizeof(fresh));
        assert_string_equal(authorization(&kept, &other, changed, after, sizeof(after)), fresh);
        assert_string_not_equal(after, before);
    }
}

static void temporary_credentials(void **state)
{
    struct sigv4_credentials c = example;
    struct sigv4_request r = {.method = STR("GET"),
                              .host = STR("h"),
                              .region = STR("us-east-1"),
                              .service = STR("s"),
                              .now_s = 951868799}; /* 2000-02-29 23:59:59 */
    struct sigv4_key k = {0};
    struct buf b CLEANUP(buf_fini);
    const char *at;

    (void)state;
    c.token = STR("the/token");
    buf_init(&b, 4096);
    assert_true(sigv4_headers(&k, &c, &r, &b));
    at = (const char *)buf_peek(&b).p;
    assert_string_equal(at, "X-Amz-Date: 20000229T235959Z");
    at += strlen(at) + 1;
    assert_string_equal(at, "X-Amz-Security-Token: the/token");
    at += strlen(at) + 1;
    assert_non_null(strstr(at, "SignedHeaders=host;x-amz-date;x-amz-security-token, "));
}

static void too_much(void **state)
{
    struct str headers[SIGV4_HEADERS_MAX];
    struct sigv4_request r = {.method = STR("GET"), .host = STR("h"), .service = STR("s")};
    struct sigv4_key k = {0};
    char name[SIGV4_NAME_MAX + 1], text[1024];

    (void)state;
    for (unsigned i = 0; i < SIGV4_HEADERS_MAX; i++)
        headers[i] = STR("A: b");
    r.headers = headers;
    r.headers_n = SIGV4_HEADERS_MAX;
    assert_string_equal(authorization(&k, &example, r, text, sizeof(text)), "");
    r.headers_n = 1;
    memset(name, 'x', sizeof(name));
    r.region = (struct str){(const uint8_t *)name, SIGV4_NAME_MAX};
    assert_string_equal(authorization(&k, &example, r, text, sizeof(text)), "");
}

static void the_lines_of_a_signature(void **state)
{
    static const char signature[] = "A: 1\0B: 2\0C: 3";
    struct str text = {(const uint8_t *)signature, sizeof(signature)};
    const char *list[8] = {"first"};

    (void)state;
    sigv4_lines(text, list, 1, COUNTOF(list));
    assert_string_equal(list[0], "first");
    assert_string_equal(list[1], "A: 1");
    assert_string_equal(list[3], "C: 3");
    assert_null(list[4]);
    list[3] = "after it";
    sigv4_lines(text, list, 0, 3);
    assert_string_equal(list[1], "B: 2");
    assert_null(list[2]);
    assert_string_equal(list[3], "after it");
    sigv4_lines((struct str){0}, list, 1, 2);
    assert_null(list[1]);
}

CHECK_MAIN(cmocka_unit_test(a_dynamodb_request), cmocka_unit_test(a_path_is_encoded_twice),
           cmocka_unit_test(the_suite), cmocka_unit_test(a_query), cmocka_unit_test(the_kept_key),
           cmocka_unit_test(temporary_credentials), cmocka_unit_test(too_much),
           cmocka_unit_test(the_lines_of_a_signature))
