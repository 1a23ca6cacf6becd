#include "bench/tally.h"

#include "base/str.h"

void tally_init(struct tally *t)
{
    memset(t, 0, sizeof(*t));
    hist_init(&t->back);
    hist_init(&t->move);
    hist_init(&t->second);
    tally_begin(t);
}

void tally_begin(struct tally *t)
{
    hist_init(&t->latency);
    hist_init(&t->ack);
}

/* The counter of a code; a new one as long as there is room, the last is for all others. */
static struct tally_error *error_of(struct tally *t, struct str code)
{
    struct tally_error *e;

    for (size_t i = 0; i < t->errors_n; i++) {
        if (str_eq(str_of(t->errors[i].code), code))
            return &t->errors[i];
    }
    if (t->errors_n == TALLY_ERRORS_MAX)
        return &t->errors[TALLY_ERRORS_MAX - 1];
    e = &t->errors[t->errors_n++];
    if (t->errors_n == TALLY_ERRORS_MAX)
        code = STR("other");
    memcpy(e->code, code.p, code.n);
    e->code[code.n] = '\0';
    return e;
}

void tally_error(struct tally *t, struct str code)
{
    code.n = MIN(code.n, (size_t)TALLY_CODE_N - 1);
    t->counts.errors++;
    error_of(t, code)->n++;
}

void tally_delivery(struct tally *t, uint64_t latency_us, bool late)
{
    if (late)
        return;
    hist_add(&t->latency, latency_us, 1);
    hist_add(&t->second, latency_us, 1);
}
