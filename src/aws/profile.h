/* profile.h: the files that AWS's tools share: ~/.aws/credentials and ~/.aws/config.
 *
 *   credentials          config
 *     [default]            [default]
 *     [name]               [profile name]
 *     key = value          key = value
 *
 * Lines that begin with a space belong to nested settings and are not looked at; nor is
 * what begins with # or ;. Pure. */
#ifndef AWS_PROFILE_H
#define AWS_PROFILE_H

#include "base/base.h"

enum profile_file { PROFILE_CREDENTIALS, PROFILE_CONFIG };

/* Borrowed from the files; of n 0 where they say nothing. */
struct profile {
    bool found;
    bool elsewhere; /* says to get credentials by a role, a command or a sign-on */
    struct str access_key, secret_key, token, region;
};

/* Takes what the file says of the profile. Of two that say a thing the first holds:
 * what *p has is not replaced. */
void profile_read(struct str file, enum profile_file kind, struct str name, struct profile *p);

#endif
