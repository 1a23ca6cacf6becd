/* Any bytes as client data, as an attestation object, as authenticator data, as a public key and as
 * a signature. What is right is right again, and lies within what was read. */
#include "base/str.h"
#include "wire/cbor.h"
#include "wire/webauthn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_within(struct str part, const uint8_t *p, size_t n)
{
    assert(part.p >= p && part.p + part.n <= p + n);
}

static void check_client(struct str s)
{
    uint8_t scratch[WEBAUTHN_CLIENT_MAX];
    struct webauthn_client c;

    for (unsigned made = 0; made < 2; made++) {
        if (webauthn_client(s, made != 0, scratch, &c) != WEBAUTHN_OK)
            continue;
        check_within(c.challenge, scratch, sizeof(scratch));
        check_within(c.origin, scratch, sizeof(scratch));
        assert(c.challenge.n > 0 && c.origin.n > 0);
    }
}

static void check_made(struct str s)
{
    struct webauthn_made m;
    uint32_t count;

    if (webauthn_made(s, STR("localhost"), &m) != WEBAUTHN_OK)
        return;
    check_within(m.id, s.p, s.n);
    check_within(m.key, s.p, s.n);
    assert(m.id.n > 0 && m.id.n <= WEBAUTHN_ID_MAX && m.key.n <= WEBAUTHN_KEY_MAX);
    (void)!webauthn_proven(s, s, s, STR("localhost"), m.key, &count);
}

/* Parted by the first two lines' ends: authenticator data, key, signature. */
static void check_proven(struct str s)
{
    struct str authenticator = str_cut(&s, '\n'), key = str_cut(&s, '\n');
    uint32_t count;

    (void)!webauthn_proven(authenticator, STR("{}"), s, STR("localhost"), key, &count);
}

static void check_items(struct str s)
{
    struct cbor_item item;
    struct str rest = s, whole = s;
    bool skipped = cbor_skip(&whole);

    if (!cbor_next(&rest, &item)) {
        assert(!skipped);
        return;
    }
    check_within(rest, s.p, s.n);
    if (skipped)
        assert(whole.p >= rest.p && whole.n <= rest.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str s = {data, n};

    check_items(s);
    check_client(s);
    check_made(s);
    check_proven(s);
    return 0;
}
