#include "lib/issued_token.h"

#include "base/base64.h"
#include "base/str.h"
#include "lib/check.h"
#include "lib/jwk_samples.h"
#include "wire/jws.h"

struct buf issued_token(const char *kid, const char *claims)
{
    struct jws_key *key = jws_key_pem(STR(JWK_SAMPLES_OKP_PEM));
    uint8_t signature[JWS_SIGNATURE_MAX];
    char text[1024];
    struct buf b;
    size_t n;

    assert_non_null(key);
    buf_init(&b, 8192);
    (void)snprintf(text, sizeof(text), "{\"alg\":\"EdDSA\",\"kid\":\"%s\"}", kid);
    base64_append(&b, BASE64_URL, str_of(text));
    (void)snprintf(text, sizeof(text), "%s", claims);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    buf_append_byte(&b, '.');
    base64_append(&b, BASE64_URL, str_of(text));
    n = jws_sign(key, buf_peek(&b), signature);
    buf_append_byte(&b, '.');
    base64_append(&b, BASE64_URL, (struct str){signature, n});
    jws_key_free(key);
    return b;
}
