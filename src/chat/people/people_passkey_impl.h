/* people_passkey_impl.h: what the commands of passkeys share: those that begin
 * (people_passkey_begin.c), those by which somebody comes in (people_passkey_login.c), and those
 * about one's own (people_passkey_own.c). */
#ifndef CHAT_PEOPLE_PEOPLE_PASSKEY_IMPL_H
#define CHAT_PEOPLE_PEOPLE_PASSKEY_IMPL_H

#include "base/base64.h"
#include "chat/people/passkey_challenge.h"
#include "chat/people/people_login_impl.h"
#include "chat/people/people_passkey.h"
#include "wire/webauthn.h"

struct passkey_call;

/* The passkeys as they are stored: changes them. Returns true if they are to be put; false if the
 * call has ended. It may be asked again, of what another has put meanwhile. */
typedef bool passkey_change_f(struct passkey_call *k, struct passkeys *keys);

/* The state of such a call. */
struct passkey_call {
    struct login l; /* first */
    struct people *people;
    struct call *call;
    uint64_t salt;                      /* of the handle that was shown */
    struct passkey_challenge challenge; /* that was signed */
    struct str rp;                      /* of the page */
    struct webauthn_made made;
    bool spends, spent; /* the challenge is to be spent; it is */
    unsigned tries;
    uint64_t number; /* of the passkey that was added */
    passkey_change_f *change;
    void (*changed)(struct passkey_call *k);
    void (*refused)(
        struct passkey_call *k); /* set by change: once the challenge is spent, instead */
    struct buf out;              /* the record, on its way to the store */
    uint8_t scratch[WEBAUTHN_CLIENT_MAX];
    char id[BASE64_ENCODED_MAX(WEBAUTHN_ID_MAX)];
    char key[BASE64_ENCODED_MAX(WEBAUTHN_KEY_MAX)];
};

/* Makes the state; a call that names nobody has an empty name. NULL: the call has ended. */
struct passkey_call *people_passkey_call_new(struct people *p, struct call *call,
                                             struct str name) MUST_CHECK;

struct passkey_call *people_passkey_of(struct call *call);

/* Ends the call: this parameter is not right. */
void people_passkey_bad(struct call *call, enum error_code code, const char *param);

/* Decodes a parameter in place. */
bool people_passkey_decode(struct str *base64) MUST_CHECK;

/* Reads what the browser says: its challenge, for that purpose, and the origin; sets k->challenge
 * and k->rp. False: the call has ended. */
bool people_passkey_page(struct passkey_call *k, enum passkey_purpose purpose) MUST_CHECK;

/* Reads the passkey that was made, of that page. False: the call has ended. */
bool people_passkey_made(struct passkey_call *k) MUST_CHECK;

/* Adds what was made. False: the call has ended, there are too many. */
bool people_passkey_put_in(struct passkey_call *k, struct passkeys *keys) MUST_CHECK;

/* Takes the user's record that was read, of whose passkeys something is to change. To the server's
 * owner a passkey brings the rights: so it is for a session that has them. False: the call has
 * ended. */
bool people_passkey_take_user(struct call *call) MUST_CHECK;

/* Reads the passkeys of k->l.user, changes and puts them, the challenge spent before if k->spends;
 * then k->changed. */
void people_passkey_change(struct passkey_call *k, passkey_change_f *change,
                           void (*changed)(struct passkey_call *k));

/* The mark of a name in a challenge. */
uint64_t people_passkey_mark(const struct passkey_call *k) MUST_CHECK;

#endif
