/* Requests that a signer of others signed: those of AWS' SDKs to @connections. */
#include "base/str.h"
#include "lib/check.h"
#include "wire/sigv4_verify.h"

#define KEY "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define AT_2015 1440938160 /* 2015-08-30 12:36:00 */
#define HOST "abcdef1234.execute-api.us-east-1.amazonaws.com"
#define AUTHORIZATION                                                                       \
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/execute-api/aws4_request, " \
    "SignedHeaders=host;x-amz-date, "                                                       \
    "Signature=c92a8b65e3bf491fbe1250404db2b48f7873ca0d02466e1165ef93b4b1166819"

static struct sigv4_key derived;

static struct str secret(void *ctx, struct str access_key, struct sigv4_key **ret_key)
{
    (void)ctx;
    *ret_key = &derived;
    return str_eq(access_key, STR("AKIDEXAMPLE")) ? STR(KEY) : (struct str){0};
}

static enum sigv4_verdict judge(const char *target, const char *headers, const char *body,
                                uint64_t now_s, const char *region)
{
    struct sigv4_verifier v = {.secret = secret,
                               .region = str_of(region),
                               .service = STR("execute-api"),
                               .now_s = now_s,
                               .window_s = 300};
    struct http1_limits limits = HTTP1_LIMITS_DEFAULT;
    struct http1_request r;
    struct str key;
    char head[2048];
    size_t used;
    int status;

    (void)snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: " HOST "\r\n%s\r\n", target,
                   headers);
    assert_int_equal(http1_parse_request(str_of(head), &limits, &r, &used, &status), HTTP1_OK);
    return sigv4_verify(&v, &r, str_of(body), &key);
}

static void sigv4_verify_decides(void **state)
{
#define DATE "X-Amz-Date: 20150830T123600Z\r\n"
#define PATH "/prod/@connections/L0SM9cOFvHcCIhw%3D"
    static const char signed_by[] = DATE "Authorization: " AUTHORIZATION "\r\n";
    static const struct {
        const char *target, *headers, *body;
        int late_s;
        const char *region;
        enum sigv4_verdict verdict;
    } cases[] = {
        {PATH, signed_by, "hello world", 0, "us-east-1", SIGV4_GOOD},
        {PATH, signed_by, "hello world", 300, "us-east-1", SIGV4_GOOD},
        {PATH, signed_by, "hello world", 301, "us-east-1", SIGV4_LATE},
        {PATH, signed_by, "hello world", -301, "us-east-1", SIGV4_LATE},
        {PATH, signed_by, "hello World", 0, "us-east-1", SIGV4_WRONG},
        {PATH "?a=1", signed_by, "hello world", 0, "us-east-1", SIGV4_WRONG},
        {"/prod/%40connections/L0SM9cOFvHcCIhw%3D", signed_by, "hello world", 0, "us-east-1",
         SIGV4_WRONG},
        {PATH, signed_by, "hello world", 0, "eu-west-1", SIGV4_SCOPE},
        {PATH, DATE, "hello world", 0, "us-east-1", SIGV4_NONE},
        {PATH, DATE "Authorization: Bearer x\r\n", "", 0, "us-east-1", SIGV4_BROKEN},
        {PATH, "Authorization: " AUTHORIZATION "\r\n", "", 0, "us-east-1", SIGV4_BROKEN},
        {PATH, "X-Amz-Date: 20159930T123600Z\r\nAuthorization: " AUTHORIZATION "\r\n", "", 0,
         "us-east-1", SIGV4_BROKEN},
        {PATH,
         DATE "Authorization: AWS4-HMAC-SHA256 Credential=OTHER/20150830/us-east-1/execute-api/"
              "aws4_request, SignedHeaders=host;x-amz-date, Signature=00\r\n",
         "", 0, "us-east-1", SIGV4_UNKNOWN},
        {PATH,
         DATE "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/"
              "execute-api/aws4_request, SignedHeaders=x-amz-date, Signature=00\r\n",
         "", 0, "us-east-1", SIGV4_BROKEN},
        {PATH,
         DATE "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150831/us-east-1/"
              "execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=00\r\n",
         "", 0, "us-east-1", SIGV4_SCOPE},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        enum sigv4_verdict v = judge(cases[i].target, cases[i].headers, cases[i].body,
                                     (uint64_t)(AT_2015 + cases[i].late_s), cases[i].region);

        if (v != cases[i].verdict)
            fail_msg("case %zu: %d", i, (int)v);
    }
}

/* A key that is derived once is used again: one that was spoilt fits nothing. */
static void sigv4_verify_keeps_the_key(void **state)
{
    const char *signed_by = DATE "Authorization: " AUTHORIZATION "\r\n";

    (void)state;
    sigv4_key_fini(&derived);
    assert_int_equal(judge(PATH, signed_by, "hello world", AT_2015, "us-east-1"), SIGV4_GOOD);
    derived.key[0] ^= 1;
    assert_int_equal(judge(PATH, signed_by, "hello world", AT_2015, "us-east-1"), SIGV4_WRONG);
    derived.day++;
    assert_int_equal(judge(PATH, signed_by, "hello world", AT_2015, "us-east-1"), SIGV4_GOOD);
}

CHECK_MAIN(cmocka_unit_test(sigv4_verify_decides), cmocka_unit_test(sigv4_verify_keeps_the_key))
