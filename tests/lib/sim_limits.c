#include "lib/sim_limits.h"

#include "lib/sim_woes.h"

#include <stdio.h>

enum { CHOICES_MAX = 4 };

static const struct {
    const char *name, *choices[CHOICES_MAX];
    unsigned n;
} limits[SIM_LIMITS_N] = {
    {"tail-budget", {"64k", "1m", "64m"}, 3},
    {"chunk-cache", {"64k", "256k", "16m"}, 3},
    {"unsent-replies-max", {"4k", "16k", "64k"}, 3},
    {"history-max", {"4k", "16k", "64k"}, 3},
    {"flush-turn-max", {"4k", "16k", "64k"}, 3},
    {"flush-ms", {"1ms", "2ms", "1s"}, 3},
    {"behind-max", {"1", "3", "40", "1000"}, 4},
    {"commands-in-flight", {"1", "2", "16", "64"}, 4},
    {"sio-max-payload", {"2k", "16k", "1000000"}, 3},
    {"head-max", {"1k", "8k"}, 2},
    {"fragments-max", {"1", "16384"}, 2},
    {"presence-roster", {"1", "3", "200"}, 3},
    {"presence-leave", {"0", "100ms", "15s"}, 3},
    {"presence-count", {"100ms", "5s"}, 2},
    {"read-every", {"0", "100ms", "2s"}, 3},
    {"read-told-every", {"0", "100ms", "2s"}, 3},
};

void sim_limits_draw(struct sim_limits *l, struct rng *rng)
{
    static const unsigned batches[] = {1, 2, 16, 0};

    for (unsigned i = 0; i < SIM_LIMITS_N; i++) {
        uint64_t choice = rng_chance(rng, 400) ? 0 : rng_below(rng, limits[i].n);

        (void)snprintf(l->args[i], SIM_LIMITS_TEXT, "--%s=%s", limits[i].name,
                       limits[i].choices[choice]);
    }
    l->batch_max = batches[rng_below(rng, COUNTOF(batches))];
}

const char *const *sim_limits_usual(bool small)
{
    static const char *const plenty[] = {
        "--open",
        "--messages-per-user=0",
        "--connects-per-address=0",
        "--drain-ms=500",
        "--unproven-after=" SIM_WOES_UNPROVEN,
        NULL,
    };
    static const char *const little[] = {
        "--open",
        "--messages-per-user=50",
        "--connects-per-address=0",
        "--drain-ms=2000",
        "--unproven-after=" SIM_WOES_UNPROVEN,
        "--tail-budget=64k",
        "--chunk-cache=64k",
        "--unsent-replies-max=4k",
        "--history-max=4k",
        "--flush-turn-max=4k",
        "--behind-max=40",
        "--commands-in-flight=16",
        "--read-every=100ms",
        "--read-told-every=100ms",
        NULL,
    };

    return small ? little : plenty;
}
