#include "wire/webhook.h"

#include "base/str.h"
#include "lib/check.h"

/* The example of the specification's own libraries. */
static void a_request_is_signed_as_the_libraries_of_standard_webhooks_sign(void **state)
{
    struct hmac key = {0};
    char signature[WEBHOOK_SIGNATURE_N];

    (void)state;
    assert_true(webhook_secret(STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), &key));
    webhook_sign(&key, STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                 STR("{\"test\": 2432232314}"), signature);
    assert_memory_equal(signature,
                        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", WEBHOOK_SIGNATURE_N);
    hmac_fini(&key);
}

/* 24 bytes in base64. */
#define LONG "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void a_secret_is_of_24_to_64_bytes(void **state)
{
    static const char *const bad[] = {
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!",
        "whsec_AAAA",
        "whsec_" LONG LONG LONG "AAAA",
    };
    struct hmac key = {0};

    (void)state;
    for (unsigned i = 0; i < COUNTOF(bad); i++)
        if (webhook_secret(str_of(bad[i]), &key))
            fail_msg("%s", bad[i]);
}

CHECK_MAIN(cmocka_unit_test(a_request_is_signed_as_the_libraries_of_standard_webhooks_sign),
           cmocka_unit_test(a_secret_is_of_24_to_64_bytes))
