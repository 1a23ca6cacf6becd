#include "server/conn/refusal.h"

#include "base/str.h"
#include "server/node/log.h"
#include "server/node/worker.h"

#define EVERY_MS 10000

static void write_line(struct log *l, enum refusal what, struct str detail, uint64_t more)
{
    switch (what) {
    case REFUSAL_HOST:
        log_warn(l, "host_refused", LOG_STR("host", detail),
                 LOG_TEXT("allow", "add the name to --hosts"), LOG_U64("more", more));
        break;
    case REFUSAL_ORIGIN:
        log_warn(l, "origin_refused", LOG_STR("origin", detail),
                 LOG_TEXT("allow", "add the origin to --origins"), LOG_U64("more", more));
        break;
    case REFUSAL_LOGIN:
        log_warn(l, "login_refused", LOG_STR("address", detail),
                 LOG_TEXT("allow", "--open lets people log in from other machines"),
                 LOG_U64("more", more));
        break;
    case REFUSAL_GUESS:
        log_warn(l, "password_refused", LOG_STR("address", detail), LOG_U64("more", more));
        break;
    case REFUSAL_COPY:
        log_warn(l, "passkey_copied", LOG_STR("address", detail), LOG_U64("more", more));
        break;
    case REFUSAL_RATE:
        log_warn(l, "rate_refused", LOG_STR("address", detail),
                 LOG_TEXT("allow", "raise --connects-per-address or --connects-burst; behind a "
                                   "proxy, set --trusted-proxies"),
                 LOG_U64("more", more));
        break;
    case REFUSAL_GATEWAY:
        log_warn(l, "gateway_refused", LOG_STR("address", detail),
                 LOG_TEXT("allow", "the integration must send --gateway-secret as X-Ws-Secret"),
                 LOG_U64("more", more));
        break;
    case REFUSAL_N:
        break;
    }
}

void refusal_say(struct worker *w, enum refusal what, struct str detail)
{
    struct refusals *r = w->refusals;
    uint64_t now = worker_now_ms(w);

    assert(what < REFUSAL_N);
    if (now < r->next_ms[what]) {
        r->more[what]++;
        return;
    }
    write_line(w->log, what, detail, r->more[what]);
    r->more[what] = 0;
    r->next_ms[what] = now + EVERY_MS;
}
