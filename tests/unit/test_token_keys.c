#include "server/node/token_keys.h"

#include "base/str.h"
#include "io/file.h"
#include "lib/check.h"
#include "lib/jwk_samples.h"

#include <stdio.h>
#include <unistd.h>

#define SECRET STR("0123456789abcdef0123456789abcdef")
#define PUBLIC                                                       \
    "-----BEGIN PUBLIC KEY-----\n"                                   \
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n" \
    "-----END PUBLIC KEY-----\n"
#define OTHER                                                            \
    "-----BEGIN PRIVATE KEY-----\n"                                      \
    "MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n" \
    "-----END PRIVATE KEY-----\n"

static char dir[] = "/tmp/polylog-keys-XXXXXX";
static char private_file[64], public_file[64], other_file[64], no_file[64];

static void put(char path[static 64], const char *name, const char *text)
{
    (void)snprintf(path, 64, "%s/%s", dir, name);
    if (text != NULL)
        assert_int_equal(file_replace(path, str_of(text)), 0);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    put(private_file, "private", JWK_SAMPLES_OKP_PEM);
    put(public_file, "public", PUBLIC);
    put(other_file, "other", OTHER);
    put(no_file, "none", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(private_file);
    (void)unlink(public_file);
    (void)unlink(other_file);
    return rmdir(dir);
}

static const char *opened(struct token_keys *k, const char *key, char *old, const char *secret)
{
    struct conf c = {
        .token_key = key, .token_key_old = {&old, old != NULL ? 1 : 0}, .token_secret = secret};

    *k = (struct token_keys){0};
    return token_keys_open(k, &c, SECRET);
}

static void a_secret_signs_unless_there_is_a_key(void **state)
{
    struct token_keys k;
    bool known;

    (void)state;
    assert_null(opened(&k, "", NULL, ""));
    assert_int_equal(jws_key_alg(k.keys.signer), JWS_HS256);
    assert_int_equal(k.keys.kid.n, 0);
    token_keys_close(&k);

    assert_null(opened(&k, private_file, NULL, ""));
    assert_int_equal(jws_key_alg(k.keys.signer), JWS_EDDSA);
    assert_true(str_eq(k.keys.kid, STR("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")));
    assert_ptr_equal(jwks_find(k.keys.all, k.keys.kid, JWS_EDDSA, &known), k.keys.signer);
    assert_null(jwks_find(k.keys.all, (struct str){0}, JWS_HS256, &known));
    token_keys_close(&k);

    assert_null(opened(&k, private_file, NULL, "given")); /* while it is being replaced */
    assert_int_equal(jws_key_alg(k.keys.signer), JWS_EDDSA);
    assert_non_null(jwks_find(k.keys.all, (struct str){0}, JWS_HS256, &known));
    token_keys_close(&k);
}

static void old_keys_verify(void **state)
{
    struct token_keys k;
    bool known;

    (void)state;
    assert_null(opened(&k, other_file, public_file, ""));
    assert_int_equal(jwks_count(k.keys.all), 2);
    assert_non_null(jwks_find(k.keys.all, STR("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
                              JWS_EDDSA, &known));
    token_keys_close(&k);
    assert_null(opened(&k, private_file, private_file, "")); /* the same: once is enough */
    assert_int_equal(jwks_count(k.keys.all), 1);
    token_keys_close(&k);
}

static void what_is_wrong_is_said(void **state)
{
    struct token_keys k;

    (void)state;
    assert_non_null(strstr(opened(&k, no_file, NULL, ""), "No such file"));
    token_keys_close(&k);
    assert_non_null(strstr(opened(&k, public_file, NULL, ""), "private key"));
    token_keys_close(&k);
    assert_non_null(strstr(opened(&k, private_file, no_file, ""), no_file));
    token_keys_close(&k);
}

#define EACH(test) cmocka_unit_test(test)

int main(void)
{
    const struct CMUnitTest tests[] = {EACH(a_secret_signs_unless_there_is_a_key),
                                       EACH(old_keys_verify), EACH(what_is_wrong_is_said)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
