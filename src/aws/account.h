/* account.h: whose account an access key is of. Pure. */
#ifndef AWS_ACCOUNT_H
#define AWS_ACCOUNT_H

#include "base/base.h"

enum { AWS_ACCOUNT_MAX = 13 };

/* The account's 12 digits, from the key's id alone ("AKIA...", "ASIA..."): ids given since
 * 2019 hold it. False if this one does not, or is none of AWS'. */
bool account_of_key(struct str key_id, char ret_account[static AWS_ACCOUNT_MAX]) MUST_CHECK;

#endif
