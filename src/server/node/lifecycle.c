#include "server/node/lifecycle.h"

#define TO(phase) (1u << LIFE_##phase)

static const struct {
    unsigned moves[LIFECYCLE_N];
    const char *text;
} phases[LIFE_N] = {
    [LIFE_STARTING] = {{TO(OPENING) | TO(CLOSING), 0}, "starting"},
    [LIFE_OPENING] = {{TO(SERVING) | TO(CLOSING), 0}, "starting"},
    [LIFE_SERVING] = {{TO(MOVING) | TO(LEAVING) | TO(CLOSING), TO(MOVING) | TO(CLOSING)}, "ready"},
    [LIFE_MOVING] = {{TO(SERVING) | TO(LEAVING), TO(SERVING) | TO(CLOSING)}, "draining"},
    [LIFE_LEAVING] = {{TO(CLOSING), 0}, "draining"},
    [LIFE_CLOSING] = {{TO(SETTLED), TO(SAVING)}, "draining"},
    [LIFE_SAVING] = {{0, TO(SETTLED)}, "draining"},
    [LIFE_SETTLED] = {{TO(PARTING), TO(CLOSING) | TO(ENDED)}, "draining"},
    [LIFE_PARTING] = {{TO(ENDED), 0}, "draining"},
    [LIFE_ENDED] = {{0, 0}, "draining"},
};

void lifecycle_init(struct lifecycle *l, enum lifecycle_of of)
{
    l->of = of;
    atomic_init(&l->phase, of == LIFECYCLE_NODE ? LIFE_STARTING : LIFE_SERVING);
}

bool lifecycle_may(enum lifecycle_of of, enum lifecycle_phase from, enum lifecycle_phase to)
{
    assert(of < LIFECYCLE_N && from < LIFE_N && to < LIFE_N);
    return (phases[from].moves[of] >> to & 1) != 0;
}

void lifecycle_go(struct lifecycle *l, enum lifecycle_phase to)
{
    assert(lifecycle_may(l->of, lifecycle_at(l), to));
    atomic_store(&l->phase, (int)to);
}

const char *lifecycle_text(enum lifecycle_phase phase)
{
    assert(phase < LIFE_N);
    return phases[phase].text;
}
