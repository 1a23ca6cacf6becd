/* What hands out credentials, as it writes them: files, JSON, XML; and where a container
 * may be told to ask. */
#include "aws/answer.h"
#include "aws/metadata_url.h"
#include "aws/profile.h"
#include "base/str.h"
#include "lib/check.h"

#include <stdio.h>

static const char credentials_file[] = "# comment\n"
                                       "[default]\n"
                                       "aws_access_key_id = AKDEFAULT\n"
                                       "aws_secret_access_key=secret/default # mine\r\n"
                                       "aws_access_key_id = SECOND\n"
                                       "[ other ]\n"
                                       "AWS_ACCESS_KEY_ID=AKOTHER\n"
                                       "aws_secret_access_key =  s#x;y\n"
                                       "aws_session_token = token==\n"
                                       "; region = nowhere\n";
static const char config_file[] = "[default]\nregion = eu-central-1\n"
                                  "s3 =\n  region = nested\n"
                                  "[other]\nregion = not-a-profile\n"
                                  "[profile other]\nregion=us-west-2\n"
                                  "[profile \"with space\"]\nrole_arn = arn:aws:iam::1:role/x\n";

static struct profile read(const char *name)
{
    struct profile p = {0};

    profile_read(str_of(credentials_file), PROFILE_CREDENTIALS, str_of(name), &p);
    profile_read(str_of(config_file), PROFILE_CONFIG, str_of(name), &p);
    return p;
}

static void reads_profiles(void **state)
{
    struct profile p = read("default");

    (void)state;
    assert_true(p.found && !p.elsewhere);
    assert_true(str_eq(p.access_key, STR("AKDEFAULT")));
    assert_true(str_eq(p.secret_key, STR("secret/default")));
    assert_true(str_eq(p.region, STR("eu-central-1")));
    assert_int_equal(p.token.n, 0);
    p = read("other");
    assert_true(str_eq(p.access_key, STR("AKOTHER")));
    assert_true(str_eq(p.secret_key, STR("s#x;y")));
    assert_true(str_eq(p.token, STR("token==")));
    assert_true(str_eq(p.region, STR("us-west-2")));
    p = read("with space");
    assert_true(p.found && p.elsewhere && p.access_key.n == 0);
    assert_false(read("none").found);
}

static bool json(struct answer *a, const char *text)
{
    char copy[512];
    int n = snprintf(copy, sizeof(copy), "%s", text);

    return answer_json(a, (uint8_t *)copy, (size_t)n);
}

#define END "\"Expiration\":\"2015-08-30T12:36:00Z\""

static void reads_json(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "null",
        "{\"AccessKeyId\":\"a\"}",
        "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\"}x",
        "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":1}",
        "{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"b\"}",
        "{\"AccessKeyId\":\"a b\",\"SecretAccessKey\":\"b\"}",
        "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Token\":\"x\\r\\nHost: y\"}",
        "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Token\":\"\\u0000\"}",
        "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Expiration\":\"tomorrow\"}",
        "{\"Code\":\"Failed\",\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\"}",
    };
    struct answer a;

    (void)state;
    assert_true(json(&a, "{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"AK\","
                         "\"SecretAccessKey\":\"s\\/k\",\"Token\":\"t==\",\"More\":[{}]," END "}"));
    assert_string_equal(a.access_key, "AK");
    assert_string_equal(a.secret_key, "s/k");
    assert_string_equal(a.token, "t==");
    assert_int_equal(a.expires_s, 1440938160);
    for (size_t i = 0; i < COUNTOF(bad); i++)
        if (json(&a, bad[i]))
            fail_msg("%s", bad[i]);
    assert_false(json(&a, "{\"code\":\"Access\\nDenied\",\"message\":\"no\"}"));
    assert_string_equal(a.code, "AccessDenied");
    answer_wipe(&a);
    assert_string_equal(a.code, "");
}

static void reads_xml(void **state)
{
    static const char good[] =
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
        "<AssumeRoleWithWebIdentityResult><Audience>x</Audience><AssumedRoleUser><Arn>a</Arn>"
        "</AssumedRoleUser><Credentials><SessionToken>t/=</SessionToken>"
        "<SecretAccessKey>sk</SecretAccessKey><Expiration>2015-08-30T12:36:00Z</Expiration>"
        "<AccessKeyId>ASIA</AccessKeyId></Credentials></AssumeRoleWithWebIdentityResult>"
        "</AssumeRoleWithWebIdentityResponse>";
    struct answer a;

    (void)state;
    assert_true(answer_sts(&a, str_of(good)));
    assert_string_equal(a.access_key, "ASIA");
    assert_string_equal(a.secret_key, "sk");
    assert_string_equal(a.token, "t/=");
    assert_int_equal(a.expires_s, 1440938160);
    assert_false(answer_sts(&a, STR("<ErrorResponse><Error><Code>ExpiredTokenException</Code>"
                                    "<Message>x</Message></Error></ErrorResponse>")));
    assert_string_equal(a.code, "ExpiredTokenException");
    /* Any beginning of it is none. */
    for (size_t n = 0; n + 1 < sizeof(good) - 100; n++)
        if (answer_sts(&a, (struct str){(const uint8_t *)good, n}) &&
            strcmp(a.access_key, "ASIA") != 0)
            fail_msg("%zu bytes are enough", n);
}

static void allows_hosts(void **state)
{
    static const char *const good[] = {
        "https://any.example/path",      "http://127.0.0.1/x",   "http://127.1.2.3:80/x",
        "http://localhost:8080/",        "http://[::1]:9/x",     "http://169.254.170.2/v2",
        "http://169.254.170.23/v1/cred", "http://[fd00:ec2::23]"};
    static const char *const bad[] = {"",
                                      "ftp://127.0.0.1/",
                                      "https://",
                                      "http://",
                                      "http://example.com/",
                                      "http://169.254.169.254/",
                                      "http://127.0.0.1@example.com/",
                                      "http://127.0.0.1.example.com/",
                                      "http://127.0.0/",
                                      "http://127.0.0.0.1/",
                                      "http://127.0.0.256/",
                                      "http://[::1",
                                      "http://[::1]x/",
                                      "http://[::2]/",
                                      "http://localhost\\@example.com/",
                                      "http://127.0.0.1\r\nX: y/"};

    (void)state;
    for (size_t i = 0; i < COUNTOF(good); i++)
        if (!metadata_url_is_allowed(str_of(good[i])))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < COUNTOF(bad); i++)
        if (metadata_url_is_allowed(str_of(bad[i])))
            fail_msg("%s", bad[i]);
}

CHECK_MAIN(cmocka_unit_test(reads_profiles), cmocka_unit_test(reads_json),
           cmocka_unit_test(reads_xml), cmocka_unit_test(allows_hosts))
