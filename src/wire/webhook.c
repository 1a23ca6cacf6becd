#include "wire/webhook.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/str.h"

#include <openssl/crypto.h>

#define PREFIX "whsec_"
#define VERSION "v1,"

bool webhook_secret(struct str written, struct hmac *h)
{
    uint8_t key[BASE64_DECODED_MAX(BASE64_ENCODED_MAX(WEBHOOK_SECRET_MAX))];
    struct str coded;
    size_t n = 0;
    bool ok;

    if (!str_starts(written, STR(PREFIX)))
        return false;
    coded = str_skip(written, sizeof(PREFIX) - 1);
    ok = coded.n <= BASE64_ENCODED_MAX(WEBHOOK_SECRET_MAX) &&
         base64_decode(BASE64_STANDARD, coded, key, &n) && n >= WEBHOOK_SECRET_MIN &&
         n <= WEBHOOK_SECRET_MAX;
    if (ok)
        hmac_init(h, (struct str){key, n});
    OPENSSL_cleanse(key, sizeof(key));
    return ok;
}

void webhook_sign(const struct hmac *h, struct str id, uint64_t unix_s, struct str body,
                  char ret_signature[static WEBHOOK_SIGNATURE_N])
{
    struct buf b CLEANUP(buf_fini);
    uint8_t mac[HMAC_N];

    buf_init(&b, id.n + body.n + 32);
    buf_append(&b, id);
    buf_append_byte(&b, '.');
    buf_append_u64(&b, unix_s);
    buf_append_byte(&b, '.');
    buf_append(&b, body);
    hmac_make(h, buf_peek(&b), mac);
    static_assert(sizeof(VERSION) - 1 + BASE64_ENCODED_MAX(HMAC_N) == WEBHOOK_SIGNATURE_N, "");
    memcpy(ret_signature, VERSION, sizeof(VERSION) - 1);
    (void)base64_encode(BASE64_STANDARD, (struct str){mac, sizeof(mac)},
                        ret_signature + sizeof(VERSION) - 1);
}
