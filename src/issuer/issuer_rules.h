/* issuer_rules.h: the settings of an outside issuer as the rules by which its tokens are judged
 * (wire/jwt.h). */
#ifndef ISSUER_ISSUER_RULES_H
#define ISSUER_ISSUER_RULES_H

#include "conf/conf.h"
#include "wire/jwt.h"

/* Zero is fine for issuer_rules_fini. */
struct issuer_rules {
    struct jwt_rules jwt;
    /* Private. */
    struct str *audiences, *names;
};

/* Borrows the texts of c, which stays. */
void issuer_rules_init(struct issuer_rules *r, const struct conf *c);
void issuer_rules_fini(struct issuer_rules *r);

#endif
