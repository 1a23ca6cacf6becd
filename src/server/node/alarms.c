#include "server/node/alarms.h"

#include "base/mem.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { SAY_MS = 10000 };

static const struct {
    const char *name, *text, *remedy;
    uint64_t hold_ms;
} rows[] = {
#define ALARM(id, hold_s, text, remedy) {#id, text, remedy, (uint64_t)(hold_s)*1000},
#include "chat/model/alarms.tbl"
#undef ALARM
};

/* Worker 0's, but for on. */
struct raised {
    _Atomic bool on;
    uint64_t raised_ms, said_ms;
    char detail[ALARM_DETAIL_MAX + 1]; /* that was said last */
};

struct alarms {
    struct server *server;
    struct raised raised[ALARMS_N];
};

struct mail_alarm {
    struct io_mail mail;
    struct alarms *alarms;
    enum alarm id;
    bool on;
    size_t detail_n;
    uint8_t detail[];
};

const char *alarms_name(enum alarm id)
{
    assert(id < ALARMS_N);
    return rows[id].name;
}

const char *alarms_text(enum alarm id)
{
    assert(id < ALARMS_N);
    return rows[id].text;
}

const char *alarms_remedy(enum alarm id)
{
    assert(id < ALARMS_N);
    return rows[id].remedy;
}

static struct worker *alarms_home(const struct alarms *a)
{
    return server_first(a->server);
}

static void alarms_say(struct alarms *a, enum alarm id, struct str detail)
{
    struct raised *r = &a->raised[id];

    assert(detail.n <= ALARM_DETAIL_MAX);
    r->said_ms = worker_now_ms(alarms_home(a));
    memcpy(r->detail, detail.p, detail.n);
    r->detail[detail.n] = '\0';
    log_warn(alarms_home(a)->log, "alarm", LOG_TEXT("reason", alarms_name(id)),
             LOG_TEXT("what", alarms_text(id)), LOG_STR("detail", detail),
             LOG_TEXT("do", alarms_remedy(id)));
}

static void alarms_begin(struct alarms *a, enum alarm id, struct str detail)
{
    struct raised *r = &a->raised[id];
    uint64_t now = worker_now_ms(alarms_home(a));
    bool first = !atomic_load(&r->on);

    assert(id < ALARMS_N);
    metrics_add(alarms_home(a)->metrics, (enum metric)(METRIC_ALARMS + (int)id), 1);
    atomic_store(&r->on, true);
    r->raised_ms = now;
    if (first || (now >= r->said_ms + SAY_MS && !str_eq(detail, str_of(r->detail))))
        alarms_say(a, id, detail);
}

static void alarms_end(struct alarms *a, enum alarm id)
{
    if (!atomic_exchange(&a->raised[id].on, false))
        return;
    log_info(alarms_home(a)->log, "alarm_over", LOG_TEXT("reason", alarms_name(id)));
}

static void alarms_deliver(struct io_mail *mail)
{
    struct mail_alarm *m = CONTAINER_OF(mail, struct mail_alarm, mail);

    if (m->on)
        alarms_begin(m->alarms, m->id, (struct str){m->detail, m->detail_n});
    else
        alarms_end(m->alarms, m->id);
    free(m);
}

static void post(struct alarms *a, enum alarm id, bool on, struct str detail)
{
    size_t n = MIN(detail.n, (size_t)ALARM_DETAIL_MAX);
    struct mail_alarm *m = mem_bytes(sizeof(*m) + n);

    assert(id < ALARMS_N);
    *m = (struct mail_alarm){
        .mail.deliver = alarms_deliver, .alarms = a, .id = id, .on = on, .detail_n = n};
    if (n > 0)
        memcpy(m->detail, detail.p, n);
    io_post(alarms_home(a)->io, &m->mail, &m->mail);
}

void alarms_raise(struct alarms *a, enum alarm id, struct str detail)
{
    post(a, id, true, detail);
}

void alarms_clear(struct alarms *a, enum alarm id)
{
    assert(id < ALARMS_N);
    if (atomic_load(&a->raised[id].on))
        post(a, id, false, (struct str){0});
}

bool alarms_is(const struct alarms *a, enum alarm id)
{
    assert(id < ALARMS_N);
    return atomic_load(&a->raised[id].on);
}

void alarms_follow(struct alarms *a, enum alarm id, bool on)
{
    assert(id < ALARMS_N);
    if (atomic_exchange(&a->raised[id].on, on) != on && on)
        metrics_add(alarms_home(a)->metrics, (enum metric)(METRIC_ALARMS + (int)id), 1);
}

void alarms_second(struct alarms *a)
{
    uint64_t now = worker_now_ms(alarms_home(a));

    for (unsigned i = 0; i < ALARMS_N; i++) {
        enum alarm id = (enum alarm)i;
        const struct raised *r = &a->raised[i];

        if (atomic_load(&r->on) && rows[i].hold_ms > 0 && now >= r->raised_ms + rows[i].hold_ms)
            alarms_end(a, id);
        metrics_set(alarms_home(a)->metrics, (enum metric)(METRIC_ALARM + (int)i),
                    atomic_load(&r->on));
    }
}

struct alarms *alarms_new(struct server *s)
{
    struct alarms *a = mem_zeroed(1, sizeof(*a));

    a->server = s;
    return a;
}

void alarms_free(struct alarms *a)
{
    free(a);
}
