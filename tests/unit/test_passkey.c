/* Passkeys as they are kept, and their challenges. */
#include "chat/people/passkey.h"

#include "base/str.h"
#include "chat/people/passkey_challenge.h"
#include "lib/check.h"
#include "lib/jwk_samples.h"

#include <string.h>

static const struct passkey one = {.used_ms = 5,
                                   .count = 7,
                                   .flags = PASSKEY_SYNCED,
                                   .rp = {(const uint8_t *)"example.org", 11},
                                   .id = {(const uint8_t *)"AQID", 4},
                                   .key = {(const uint8_t *)"BAUG", 4},
                                   .title = {(const uint8_t *)"my phone, blue", 14}};

static struct passkeys again(const struct passkeys *p, struct buf *b)
{
    struct passkeys got = {0};

    buf_clear(b);
    passkey_encode(p, b);
    assert_false(b->failed);
    assert_true(passkey_decode(buf_peek(b), &got));
    assert_int_equal(got.n, p->n);
    assert_true(got.salt == p->salt);
    return got;
}

static void a_record_is_what_was_put_in(void **state)
{
    struct buf b CLEANUP(buf_fini);
    struct passkeys p = {.salt = UINT64_MAX}, got;
    const struct passkey *k;

    (void)state;
    buf_init(&b, PASSKEY_BODY_MAX);
    (void)again(&p, &b);
    for (unsigned i = 0; i < PASSKEYS_MAX; i++) {
        struct passkey more = one;

        if (i == 1)
            more.title = (struct str){0};
        if (i > 0)
            more.id = (struct str){(const uint8_t *)"abcdefghijklmnopqrstuvwxyz" + i, 3};
        assert_true(passkey_add(&p, &more, 1000)->created_ms == 1000 + i);
    }
    got = again(&p, &b);
    k = passkey_find(&got, STR("AQID"));
    assert_ptr_equal(k, passkey_named(&got, 1000));
    assert_true(k->used_ms == 5 && k->count == 7 && k->flags == PASSKEY_SYNCED);
    assert_true(str_eq(k->rp, one.rp) && str_eq(k->key, one.key) && str_eq(k->title, one.title));
    assert_int_equal(got.at[1].title.n, 0);
    assert_null(passkey_find(&got, STR("AQI")));
    assert_null(passkey_named(&got, 999));
    passkey_remove(&got, passkey_named(&got, 1000));
    assert_int_equal(got.n, PASSKEYS_MAX - 1);
    assert_null(passkey_find(&got, STR("AQID")));
    assert_true(str_eq(got.at[0].id, STR("bcd")));
    passkey_remove(&got, &got.at[got.n - 1]);
    assert_non_null(passkey_named(&got, 1001));
}

static void what_is_no_record_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "1",
        "x\n",
        "1\n\n",
        "1\n1 2 3 4 rp id\n",
        "1\n1 2 3 4 rp id key t",
        "1\nx 2 3 4 rp id key t\n",
        "1\n1 2 3 4  id key t\n",
    };
    struct passkeys p;
    char many[2048] = "1\n";

    (void)state;
    for (size_t i = 0; i < COUNTOF(bad); i++)
        assert_false(passkey_decode(str_of(bad[i]), &p));
    for (unsigned i = 0; i < PASSKEYS_MAX; i++)
        strcat(many, "1 2 3 4 rp id key a title\n");
    assert_true(passkey_decode(str_of(many), &p));
    strcat(many, "1 2 3 4 rp id key a title\n");
    assert_false(passkey_decode(str_of(many), &p));
}

static void a_counter_goes_on(void **state)
{
    struct passkey k = {.count = 0};

    (void)state;
    assert_true(passkey_counts_on(&k, 0) && passkey_counts_on(&k, 1));
    k.count = 5;
    assert_false(passkey_counts_on(&k, 0) || passkey_counts_on(&k, 4) || passkey_counts_on(&k, 5));
    assert_true(passkey_counts_on(&k, 6));
}

static void a_handle_is_a_persons(void **state)
{
    uint8_t bytes[PASSKEY_HANDLE_N];
    uint64_t user, salt;

    (void)state;
    passkey_handle_write(258, UINT64_MAX - 1, bytes);
    assert_true(passkey_handle_read((struct str){bytes, sizeof(bytes)}, &user, &salt));
    assert_true(user == 258 && salt == UINT64_MAX - 1);
    assert_false(passkey_handle_read((struct str){bytes, sizeof(bytes) - 1}, &user, &salt));
    passkey_handle_write(0, 1, bytes);
    assert_false(passkey_handle_read((struct str){bytes, sizeof(bytes)}, &user, &salt));
}

static const struct passkey_challenge asked = {.purpose = PASSKEY_ADD,
                                               .expires_ms = 1000 + PASSKEY_CHALLENGE_MS,
                                               .context = UINT64_MAX,
                                               .nonce = {1, 2, 3},
                                               .user = 7,
                                               .salt = 8};

/* keys.all is the set with the signer; the kid is only of a key that has one. */
static struct people_keys keys_with(struct jws_key *key, struct str kid)
{
    struct people_keys k = {.all = jwks_new(), .signer = key, .kid = kid};

    assert_non_null(key);
    jwks_add_take(k.all, kid, key);
    return k;
}

static void check_challenge(const struct people_keys *keys, const struct people_keys *others)
{
    uint8_t bytes[PASSKEY_CHALLENGE_MAX];
    struct str s = {bytes, passkey_challenge_write(keys, &asked, bytes)};
    struct passkey_challenge got;

    assert_true(passkey_challenge_read(keys, s, 1000, &got));
    assert_memory_equal(&got, &asked, sizeof(got));
    assert_true(passkey_challenge_read(keys, s, asked.expires_ms - 1, &got));
    assert_false(passkey_challenge_read(keys, s, asked.expires_ms, &got));
    assert_false(passkey_challenge_read(others, s, 1000, &got));
    for (size_t bit = 0; bit < s.n * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(passkey_challenge_read(keys, s, 1000, &got));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < s.n; n++)
        assert_false(passkey_challenge_read(keys, (struct str){bytes, n}, 1000, &got));
    assert_true(passkey_challenge_read(keys, s, 1000, &got));
}

static void a_challenge_is_who_signed_its(void **state)
{
    struct people_keys secret =
        keys_with(jws_key_secret(STR("0123456789abcdef0123456789abcdef")), (struct str){0});
    struct people_keys other =
        keys_with(jws_key_secret(STR("another9abcdef0123456789abcdef012")), (struct str){0});
    struct people_keys ed = keys_with(jws_key_pem(STR(JWK_SAMPLES_OKP_PEM)),
                                      STR("0123456789012345678901234567890123456789012"));

    (void)state;
    check_challenge(&secret, &other);
    check_challenge(&ed, &secret);
    jwks_unref(secret.all);
    jwks_unref(other.all);
    jwks_unref(ed.all);
}

CHECK_MAIN(cmocka_unit_test(a_record_is_what_was_put_in),
           cmocka_unit_test(what_is_no_record_is_refused), cmocka_unit_test(a_counter_goes_on),
           cmocka_unit_test(a_handle_is_a_persons), cmocka_unit_test(a_challenge_is_who_signed_its))
