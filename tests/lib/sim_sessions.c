#include "lib/sim_sessions.h"

#include "base/siphash.h"
#include "base/str.h"

static uint64_t name_of(const char *token)
{
    static const uint8_t key[16];

    return siphash(key, str_of(token));
}

void sim_sessions_end(struct sim_sessions *s, const char *token, uint64_t now_ms)
{
    if (s->n == SIM_SESSIONS_MAX || token[0] == '\0')
        return;
    s->ended[s->n].token = name_of(token);
    s->ended[s->n++].ms = now_ms;
}

uint64_t sim_sessions_over_ms(const struct sim_sessions *s, const char *token, uint64_t now_ms)
{
    uint64_t name = name_of(token);

    for (unsigned i = 0; i < s->n; i++)
        if (s->ended[i].token == name)
            return MAX(now_ms - s->ended[i].ms, UINT64_C(1));
    return 0;
}
