#include "chat/people/people_password.h"

#include "base/hex.h"
#include "base/str.h"

#include <stdio.h>

struct str people_password_encode(const struct people_password *p,
                                  char buf[static PEOPLE_PASSWORD_BODY_MAX])
{
    const size_t max = PEOPLE_PASSWORD_BODY_MAX;
    size_t n = (size_t)snprintf(buf, max, "%s", p->hash[0] != '\0' ? p->hash : "-");

    assert(p->places_n <= PEOPLE_PLACES_MAX);
    if (p->recovery[0] != '\0')
        n += (size_t)snprintf(buf + n, max - n, " r%s:%llu", p->recovery,
                              (unsigned long long)p->recovery_ms);
    for (unsigned i = 0; i < p->places_n; i++)
        n += (size_t)snprintf(buf + n, max - n, " p%llx", (unsigned long long)p->places[i]);
    assert(n < max);
    return (struct str){(const uint8_t *)buf, n};
}

static bool put_hash(struct people_password *p, struct str hash)
{
    if (str_eq(hash, STR("-")))
        return true;
    if (hash.n == 0 || hash.n >= sizeof(p->hash) || memchr(hash.p, 0, hash.n) != NULL)
        return false;
    memcpy(p->hash, hash.p, hash.n);
    return true;
}

static bool put_word(struct people_password *p, struct str word)
{
    struct str rest = str_skip(word, 1), code;

    if (word.p[0] == 'p')
        return p->places_n < PEOPLE_PLACES_MAX && rest.n > 0 && rest.n <= 16 &&
               hex_number(rest, &p->places[p->places_n++]);
    if (word.p[0] != 'r')
        return true; /* of a later version */
    code = str_cut(&rest, ':');
    if (code.n != PEOPLE_RECOVERY_N || memchr(code.p, 0, code.n) != NULL ||
        !str_to_u64(rest, &p->recovery_ms))
        return false;
    memcpy(p->recovery, code.p, code.n);
    return true;
}

bool people_password_decode(struct str body, struct people_password *ret_p)
{
    struct people_password p = {0};

    if (!put_hash(&p, str_cut(&body, ' ')))
        return false;
    while (body.n > 0) {
        struct str word = str_cut(&body, ' ');

        if (word.n == 0 || !put_word(&p, word))
            return false;
    }
    *ret_p = p;
    return true;
}

bool people_password_knows(const struct people_password *p, uint64_t place)
{
    for (unsigned i = 0; i < p->places_n && place != 0; i++)
        if (p->places[i] == place)
            return true;
    return false;
}

void people_password_learn(struct people_password *p, uint64_t place)
{
    unsigned at = 0;

    assert(p->places_n <= PEOPLE_PLACES_MAX);
    if (place == 0)
        return;
    while (at < p->places_n && p->places[at] != place)
        at++;
    if (at == PEOPLE_PLACES_MAX)
        at = 0;
    else if (at == p->places_n)
        p->places_n++;
    memmove(&p->places[at], &p->places[at + 1], (p->places_n - at - 1) * sizeof(p->places[0]));
    p->places[p->places_n - 1] = place;
}
