/* Passkeys that a browser's authenticator has made, and what is refused of them. */
#include "wire/webauthn.h"

#include "base/base64.h"
#include "base/str.h"
#include "lib/check.h"
#include "lib/passkey_samples.h"

#include <string.h>

#define RP STR(PASSKEY_SAMPLES_RP)

struct bytes {
    uint8_t at[2048];
    size_t n;
};

struct proof {
    const char *client, *data, *signature;
};

static const struct sample {
    const char *name, *id, *made;
    struct proof proofs[2];
} samples[] = {
#define PROOF(alg, n)                                                         \
    {                                                                         \
        PASSKEY_SAMPLES_##alg##_CLIENT_##n, PASSKEY_SAMPLES_##alg##_DATA_##n, \
            PASSKEY_SAMPLES_##alg##_SIGNATURE_##n                             \
    }
#define SAMPLE(alg)                                                     \
    {                                                                   \
#alg, PASSKEY_SAMPLES_##alg##_ID, PASSKEY_SAMPLES_##alg##_MADE, \
        {                                                               \
            PROOF(alg, 1), PROOF(alg, 2)                                \
        }                                                               \
    }
    SAMPLE(ES256),
    SAMPLE(EDDSA),
    SAMPLE(RS256),
};

static struct bytes decoded(const char *text)
{
    struct bytes b;

    assert_true(base64_decode(BASE64_URL, str_of(text), b.at, &b.n));
    return b;
}

static struct str of(const struct bytes *b)
{
    return (struct str){b->at, b->n};
}

static enum webauthn_result prove(const struct bytes part[static 3], struct str rp, struct str key)
{
    uint32_t count;

    return webauthn_proven(of(&part[0]), of(&part[1]), of(&part[2]), rp, key, &count);
}

static void what_a_browser_said_is_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(samples); i++) {
        struct bytes attestation = decoded(samples[i].made), id = decoded(samples[i].id);
        struct webauthn_made made;

        assert_int_equal(webauthn_made(of(&attestation), RP, &made), WEBAUTHN_OK);
        assert_true(str_eq(made.id, of(&id)) && made.count == 1 && made.verified && !made.synced);
        for (size_t j = 0; j < COUNTOF(samples[i].proofs); j++) {
            const struct proof *p = &samples[i].proofs[j];
            struct bytes data = decoded(p->data), client = decoded(p->client),
                         signature = decoded(p->signature);
            uint32_t count = 0;

            assert_int_equal(
                webauthn_proven(of(&data), of(&client), of(&signature), RP, made.key, &count),
                WEBAUTHN_OK);
            assert_int_equal(count, 2 + j);
        }
    }
}

static void client_data_are_read(void **state)
{
    uint8_t scratch[WEBAUTHN_CLIENT_MAX];
    struct bytes made = decoded(PASSKEY_SAMPLES_CREATE), more = decoded(PASSKEY_SAMPLES_GET_MORE);
    struct webauthn_client c;

    (void)state;
    assert_int_equal(webauthn_client(of(&made), true, scratch, &c), WEBAUTHN_OK);
    assert_true(str_eq(c.origin, STR(PASSKEY_SAMPLES_ORIGIN)) && c.challenge.n == 32);
    assert_true(c.challenge.p[0] == 1 && c.challenge.p[31] == 32);
    assert_int_equal(webauthn_client(of(&made), false, scratch, &c), WEBAUTHN_TYPE);
    assert_int_equal(webauthn_client(of(&more), false, scratch, &c), WEBAUTHN_OK);
    assert_int_equal(webauthn_client(of(&more), true, scratch, &c), WEBAUTHN_TYPE);
}

static enum webauthn_result client(const char *text)
{
    uint8_t scratch[WEBAUTHN_CLIENT_MAX];
    struct webauthn_client c;

    return webauthn_client(str_of(text), false, scratch, &c);
}

static void bad_client_data_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"AQ\"}",
        "{\"type\":\"webauthn.get\",\"origin\":\"https://a\"}",
        "{\"challenge\":\"AQ\",\"origin\":\"https://a\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"AQ\",\"origin\":\"https://a\"",
        "{\"type\":\"webauthn.get\",\"challenge\":\"AQ\",\"origin\":\"https://a\"}x",
        "{\"type\":\"webauthn.get\",\"challenge\":\"A=\",\"origin\":\"https://a\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":1,\"origin\":\"https://a\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"AQ\",\"origin\":\"https://a\","
        "\"origin\":\"https://b\"}",
        "{\"type\":\"webauthn.get\",\"type\":\"webauthn.get\",\"challenge\":\"AQ\","
        "\"origin\":\"https://a\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"AQ\",\"challenge\":\"AQ\","
        "\"origin\":\"https://a\"}",
    };
    char text[WEBAUTHN_CLIENT_MAX + 2];

    (void)state;
    for (size_t i = 0; i < COUNTOF(bad); i++)
        assert_int_equal(client(bad[i]), WEBAUTHN_BAD_CLIENT);
    assert_int_equal(
        client("{\"type\":\"webauthn.get\",\"challenge\":\"AQ\",\"origin\":\"https://a\"}"),
        WEBAUTHN_OK);
    assert_int_equal(client("{\"type\":\"payment.get\",\"challenge\":\"AQ\",\"origin\":"
                            "\"https://a\"}"),
                     WEBAUTHN_TYPE);
    assert_int_equal(client("{\"type\":\"webauthn.get\",\"challenge\":\"AQ\",\"origin\":"
                            "\"https://a\",\"crossOrigin\":true,\"topOrigin\":\"https://b\"}"),
                     WEBAUTHN_CROSS);
    memset(text, ' ', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    memcpy(text, "{}", 2);
    assert_int_equal(client(text), WEBAUTHN_BAD_CLIENT);
}

/* Whatever bit is another: of the data, of what the browser said, of the signature, of the key. */
static void no_bit_may_be_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(samples); i++) {
        const struct proof *p = &samples[i].proofs[0];
        struct bytes attestation = decoded(samples[i].made), key;
        struct bytes part[3] = {decoded(p->data), decoded(p->client), decoded(p->signature)};
        struct webauthn_made made;

        assert_int_equal(webauthn_made(of(&attestation), RP, &made), WEBAUTHN_OK);
        key.n = made.key.n;
        memcpy(key.at, made.key.p, key.n);
        assert_int_equal(prove(part, RP, of(&key)), WEBAUTHN_OK);
        for (unsigned j = 0; j < COUNTOF(part); j++)
            for (size_t bit = 0; bit < part[j].n * 8; bit++) {
                part[j].at[bit / 8] ^= (uint8_t)(1u << bit % 8);
                assert_int_not_equal(prove(part, RP, of(&key)), WEBAUTHN_OK);
                part[j].at[bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
        for (size_t bit = 0; bit < key.n * 8; bit += 3) {
            key.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(prove(part, RP, of(&key)), WEBAUTHN_OK);
            key.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (unsigned j = 0; j < COUNTOF(part); j++)
            while (part[j].n > 0) {
                part[j].n--;
                assert_int_not_equal(prove(part, RP, of(&key)), WEBAUTHN_OK);
                if (part[j].n == 0)
                    part[j] = decoded(j == 0 ? p->data : j == 1 ? p->client : p->signature);
                else
                    continue;
                break;
            }
        assert_int_equal(prove(part, RP, of(&key)), WEBAUTHN_OK);
        assert_int_equal(prove(part, STR("example.org"), of(&key)), WEBAUTHN_RP);
    }
}

/* Another's key, of the same kind or of another. */
static void a_key_proves_what_it_signed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTOF(samples); i++)
        for (size_t j = 0; j < COUNTOF(samples); j++) {
            const struct proof *p = &samples[j].proofs[0];
            struct bytes part[3] = {decoded(p->data), decoded(p->client), decoded(p->signature)};
            struct bytes attestation = decoded(samples[i].made);
            struct webauthn_made made;

            assert_int_equal(webauthn_made(of(&attestation), RP, &made), WEBAUTHN_OK);
            assert_int_equal(prove(part, RP, made.key), i == j ? WEBAUTHN_OK : WEBAUTHN_SIGNATURE);
        }
}

enum { DATA_AT = 30, FLAGS_AT = DATA_AT + 32, ID_N_AT = DATA_AT + 53, KEY_AT = ID_N_AT + 2 + 32 };

/* Of the attestation object of ES256, whose parts stand at known places. */
static enum webauthn_result made_with(size_t at, uint8_t byte)
{
    struct bytes b = decoded(PASSKEY_SAMPLES_ES256_MADE);
    struct webauthn_made made;

    b.at[at] = byte;
    return webauthn_made(of(&b), RP, &made);
}

static void what_is_made_badly_is_refused(void **state)
{
    struct bytes b = decoded(PASSKEY_SAMPLES_ES256_MADE);
    struct webauthn_made made;

    (void)state;
    assert_int_equal(made_with(0, 0xa3), WEBAUTHN_OK);
    assert_int_equal(webauthn_made(of(&b), STR("example.org"), &made), WEBAUTHN_RP);
    assert_int_equal(made_with(DATA_AT, 0), WEBAUTHN_RP);
    assert_int_equal(made_with(FLAGS_AT, 0x44), WEBAUTHN_ABSENT);
    assert_int_equal(made_with(FLAGS_AT, 0x05), WEBAUTHN_BAD_DATA); /* no credential */
    assert_int_equal(made_with(FLAGS_AT, 0xc5), WEBAUTHN_BAD_DATA); /* no extensions */
    assert_int_equal(made_with(FLAGS_AT, 0x55), WEBAUTHN_BAD_DATA); /* synced, and may not be */
    assert_int_equal(made_with(FLAGS_AT, 0x5d), WEBAUTHN_OK);
    assert_int_equal(made_with(ID_N_AT + 1, 0), WEBAUTHN_BAD_DATA);
    assert_int_equal(made_with(ID_N_AT + 1, 255), WEBAUTHN_BAD_DATA);
    assert_int_equal(made_with(ID_N_AT, 1), WEBAUTHN_BAD_DATA);
    assert_int_equal(b.at[KEY_AT], 0xa5);
    assert_int_equal(made_with(KEY_AT + 2, 1), WEBAUTHN_BAD_KEY);    /* of another type */
    assert_int_equal(made_with(KEY_AT + 4, 0x27), WEBAUTHN_BAD_KEY); /* of another algorithm */
    assert_int_equal(made_with(KEY_AT + 6, 2), WEBAUTHN_BAD_KEY);    /* of another curve */
    assert_int_equal(made_with(KEY_AT + 12, (uint8_t)~b.at[KEY_AT + 12]), WEBAUTHN_BAD_KEY);
    for (size_t n = 0; n < b.n; n++)
        assert_int_not_equal(webauthn_made((struct str){b.at, n}, RP, &made), WEBAUTHN_OK);
    b.at[b.n++] = 0;
    assert_int_equal(webauthn_made(of(&b), RP, &made), WEBAUTHN_BAD_DATA);
    for (enum webauthn_result r = WEBAUTHN_OK; r <= WEBAUTHN_SIGNATURE; r++)
        assert_true(strlen(webauthn_why(r)) > 0);
}

CHECK_MAIN(cmocka_unit_test(what_a_browser_said_is_right), cmocka_unit_test(client_data_are_read),
           cmocka_unit_test(bad_client_data_are_refused), cmocka_unit_test(no_bit_may_be_another),
           cmocka_unit_test(a_key_proves_what_it_signed),
           cmocka_unit_test(what_is_made_badly_is_refused))
