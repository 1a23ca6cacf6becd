#include "aws/account.h"

#include <stdio.h>
#include <string.h>

#define PREFIX_N 4
#define KEY_ID_N 20
/* Of the 80 bits behind the prefix the first says that the next 40 are the account. */
#define HOLDS_BITS 48
#define ACCOUNT_SHIFT 7

bool account_of_key(struct str key_id, char ret_account[static AWS_ACCOUNT_MAX])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint64_t bits = 0;

    if (key_id.n != KEY_ID_N)
        return false;
    for (size_t i = PREFIX_N; i < PREFIX_N + HOLDS_BITS / 5 + 1; i++) {
        const char *at = memchr(digits, key_id.p[i], sizeof(digits) - 1);

        if (at == NULL)
            return false;
        bits = bits << 5 | (uint64_t)(at - digits);
    }
    bits >>= 2; /* ten digits are 50 bits */
    if (bits >> (HOLDS_BITS - 1) == 0)
        return false;
    bits = (bits & ~((uint64_t)1 << (HOLDS_BITS - 1))) >> ACCOUNT_SHIFT;
    if (bits > 999999999999)
        return false;
    (void)snprintf(ret_account, AWS_ACCOUNT_MAX, "%012llu", (unsigned long long)bits);
    return true;
}
