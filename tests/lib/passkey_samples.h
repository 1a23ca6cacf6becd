/* passkey_samples.h: passkeys as Chromium's authenticator made and proved them, recorded: by page
 * http://localhost:18999, with the challenge 1, 2, ... 32. Of each algorithm: the attestation
 * object, then twice what was proven, the counter one more. In base64url. */
#ifndef LIB_PASSKEY_SAMPLES_H
#define LIB_PASSKEY_SAMPLES_H

#define PASSKEY_SAMPLES_ORIGIN "http://localhost:18999"
#define PASSKEY_SAMPLES_RP "localhost"

#define PASSKEY_SAMPLES_CREATE                                                 \
    "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoiQVFJREJBVUdCd2dKQ2dz" \
    "TURRNFBFQkVTRXhRVkZoY1lHUm9iSEIwZUh5QSIsIm9yaWdpbiI6Imh0dHA6Ly9sb2NhbGhv" \
    "c3Q6MTg5OTkiLCJjcm9zc09yaWdpbiI6ZmFsc2V9"

#define PASSKEY_SAMPLES_ES256_ID "PMEoCRyhjxA5zOuW7leFFxMH8IthxYz6MHZhhukZpj8"
#define PASSKEY_SAMPLES_ES256_MADE                                             \
    "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVikSZYN5YgOjGh0NBcPZHZgW4_krrmihjLH" \
    "mVzzuoMdl2NFAAAAAQECAwQFBgcIAQIDBAUGBwgAIDzBKAkcoY8QOczrlu5XhRcTB_CLYcWM" \
    "-jB2YYbpGaY_pQECAyYgASFYIIV_zp-2hIEuRm1beYbkrrJJ7xQbh11tyA36hcY3GdlOIlgg" \
    "tRFCHCzaa6-H3xigG29iC36LKXpwexp5I88d9OE1rcs"
#define PASSKEY_SAMPLES_ES256_CLIENT_1 PASSKEY_SAMPLES_GET
#define PASSKEY_SAMPLES_ES256_DATA_1 "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAg"
#define PASSKEY_SAMPLES_ES256_SIGNATURE_1                                      \
    "MEUCIQDXWtdG-H3X8cVf-ekLEzzBLLcXfFatvRzBjXok-Ug4uAIgDzlRwSERvbshBfUmluiz" \
    "BZzt1JuhzZsbLFiHc0VMeJ4"
#define PASSKEY_SAMPLES_ES256_CLIENT_2 PASSKEY_SAMPLES_GET_MORE
#define PASSKEY_SAMPLES_ES256_DATA_2 "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAw"
#define PASSKEY_SAMPLES_ES256_SIGNATURE_2                                      \
    "MEYCIQDizocZB-T4vphCL8rKMXJkBcQ6IU7oPclOVGjHGG1yvQIhALWwtEGRZxDAtYHPNSVZ" \
    "xlifkRLnJ0_PsOl9jlev0eHw"

#define PASSKEY_SAMPLES_EDDSA_ID "TrE939OwdMrsaXcqB_vbsGCZAUldc_0pX2K21mR5MVM"
#define PASSKEY_SAMPLES_EDDSA_MADE                                             \
    "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YViBSZYN5YgOjGh0NBcPZHZgW4_krrmihjLH" \
    "mVzzuoMdl2NFAAAAAQECAwQFBgcIAQIDBAUGBwgAIE6xPd_TsHTK7Gl3Kgf727BgmQFJXXP9" \
    "KV9ittZkeTFTpAEBAycgBiFYIASr__AEyw3dNAhgkwJ11mg1immFnS3CTqE1eryn1ALz"
#define PASSKEY_SAMPLES_EDDSA_CLIENT_1 PASSKEY_SAMPLES_GET_MORE
#define PASSKEY_SAMPLES_EDDSA_DATA_1 "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAg"
#define PASSKEY_SAMPLES_EDDSA_SIGNATURE_1                                      \
    "gBKdqsQT9A17qIoHflaFX4wcDcyPQ_jDuUxYButWBB_Dgy4_zEQEgEf_yu3cX8QbCIvIRlL4" \
    "D3DqEmYnMbUsBA"
#define PASSKEY_SAMPLES_EDDSA_CLIENT_2 PASSKEY_SAMPLES_GET
#define PASSKEY_SAMPLES_EDDSA_DATA_2 "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAw"
#define PASSKEY_SAMPLES_EDDSA_SIGNATURE_2                                      \
    "NCl0YCoetyw9oDCmKv2oVtpIy0SPh7qPxim7j8r963oD0gLejJ0dJtdafqVUcglpRPyEXnsX" \
    "9z6MoZFdjOeXCg"

#define PASSKEY_SAMPLES_RS256_ID "s-fVhNaNcXRD7Q_HqzRy_ObQ3qDBY8TxhKHE-0CfWnM"
#define PASSKEY_SAMPLES_RS256_MADE                                             \
    "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVkBZ0mWDeWIDoxodDQXD2R2YFuP5K65ooYy" \
    "x5lc87qDHZdjRQAAAAEBAgMEBQYHCAECAwQFBgcIACCz59WE1o1xdEPtD8erNHL85tDeoMFj" \
    "xPGEocT7QJ9ac6QBAwM5AQAgWQEAsi7fe6I-cl2sOfrit5WhCx5UXyja1VmTV5ImqEliGGxu" \
    "xsNSnMuOS9ER7HolnARer-Jg-4wlAmvUCtII5J_l6456GTpqQ0CKgbtSf2In8q0Ed_wX_RIf" \
    "PZ6tCQ6UPmhjwPbM0uNUO7107a0sWcVtz7PGyhHee85uZC8OXmoiYrcJxSzU2NUhV4VtuQFk" \
    "MQME_dmaSzUO-M401Z4WiabvV1JRkmzoCKkpupJuMfEUxFhfD83icw_dOBBWEsv3XOqvY_Zv" \
    "WLf4KrTkFJ_4mJebyG7xGvwys6Y3iOXMnZyG6pdgtdafxwh9hZRY7CcXXpxpFNmL3rWkawIH" \
    "zOuJ-UW2PSFDAQAB"
#define PASSKEY_SAMPLES_RS256_CLIENT_1 PASSKEY_SAMPLES_GET_MORE
#define PASSKEY_SAMPLES_RS256_DATA_1 "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAg"
#define PASSKEY_SAMPLES_RS256_SIGNATURE_1                                      \
    "Kg7OSgnur2st0XLA8QvjIpQW0-hC__sxIstBWIAZmQAOqkJU6gIlPr82XYfb9kZfgMLKGZk8" \
    "7mwpQ09ziC6kq96Jx-wITZNhXBlySbZau8xg6Kbpu1-pEarCU6oE8pYkvW6rDLZ7K468tFQZ" \
    "Fr0ItU6_lBoVqTNHA2LDuqNK80Ju_t3XhkwU9PlvhTvcleWZBrNT84gl8A3i_-0Isc-lAJkJ" \
    "wcWJcxGz-7_RaevXODCeYidZs8sPV71HvE71gzG76-avgqDIADNfcArCRV9KKAw9Ql2-MQ2k" \
    "N11NQgTI1eKS5P1K0dXPhQs6cA-UPLnN_E4JzJyrvfZmDWc_8PD0mg"
#define PASSKEY_SAMPLES_RS256_CLIENT_2 PASSKEY_SAMPLES_GET
#define PASSKEY_SAMPLES_RS256_DATA_2 "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAw"
#define PASSKEY_SAMPLES_RS256_SIGNATURE_2                                      \
    "F4odYJXxlGzCTI7C5YOZY0meB6tYZuW-AWPj6lbKO002d9wr58qaV6U1UkkDQKsmT3iqxC1h" \
    "HDayiXTHvvuqeJB7Jv-pCVA4TsxApeUVbkfB4Oh3M1z74NzF468I87EZzKRCQWiTaUZh45gj" \
    "N5ksnCS1Oj_AdgCqD_Ij7fd_rE0GfZzrqB3uLnFqZRrLRV6P537CH8m9LdnEaT2c7CDM0ra3" \
    "PbRxUQl6VwldUNBMXIQiwVPkuEGU7dsEHg8pt-ajD_n5SIOvrqjZh6Fx70lXuXAQl7Uvd7BL" \
    "3FFIwWwbFhsFlh2EXm67NUtsbazGQo6a4Q79_-KFhQry_ituOaOmLQ"

#define PASSKEY_SAMPLES_GET                                                    \
    "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiQVFJREJBVUdCd2dKQ2dzTURR" \
    "NFBFQkVTRXhRVkZoY1lHUm9iSEIwZUh5QSIsIm9yaWdpbiI6Imh0dHA6Ly9sb2NhbGhvc3Q6" \
    "MTg5OTkiLCJjcm9zc09yaWdpbiI6ZmFsc2V9"
#define PASSKEY_SAMPLES_GET_MORE                                               \
    "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiQVFJREJBVUdCd2dKQ2dzTURR" \
    "NFBFQkVTRXhRVkZoY1lHUm9iSEIwZUh5QSIsIm9yaWdpbiI6Imh0dHA6Ly9sb2NhbGhvc3Q6" \
    "MTg5OTkiLCJjcm9zc09yaWdpbiI6ZmFsc2UsIm90aGVyX2tleXNfY2FuX2JlX2FkZGVkX2hl" \
    "cmUiOiJkbyBub3QgY29tcGFyZSBjbGllbnREYXRhSlNPTiBhZ2FpbnN0IGEgdGVtcGxhdGUu" \
    "IFNlZSBodHRwczovL2dvby5nbC95YWJQZXgifQ"

#endif
