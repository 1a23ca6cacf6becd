#include "server/conn/revoked.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "server/conn/conn.h"
#include "server/node/alarms.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdlib.h>

/* With the time that a list takes, a session ends within 5 s at every node that reaches
 * the store. */
#define EVERY_MS 4000
#define PAGE 1000
#define MINUTE_MS 60000
/* How many minutes back a list of minutes may begin: well before they expire. */
#define BACK_MINUTES 7
/* So long after the last round that succeeded it is said that none does. */
#define LATE_MS 10000

enum knowledge { KNOWN, UNKNOWN, UNPROVEN };

struct revoked {
    struct server *server;
    enum knowledge is; /* as it was said last */
    struct wheel_timer timer;
    struct store_list list;
    bool asking;
    bool whole;                      /* the whole list is read, or was not read to its end yet */
    uint64_t whole_minute;           /* when that began */
    uint64_t read_minute;            /* what ended before the minute before this one is known */
    uint64_t known_ms;               /* what had ended then is known; of worker 0's time */
    uint64_t round_minute, round_ms; /* when the round under way began */
    uint64_t minute;                 /* which it lists */
    char pk[KEYS_MAX];
    char after[32];
    size_t after_n;
};

static struct worker *revoked_home(const struct revoked *r)
{
    return server_first(r->server);
}

/* What the workers are told: behind the sessions that the round has found. */

static void known_arrived(struct worker *w, const void *until_ms)
{
    bool was = worker_is_unproven(w);

    w->unproven_ms = *(const uint64_t *)until_ms;
    if (was)
        conn_mark_all(w);
}

static void tell_workers(const struct revoked *r)
{
    uint64_t bound = r->server->conf->unproven_after_ms;
    uint64_t until_ms = bound > 0 ? r->known_ms + bound : UINT64_MAX;

    for (unsigned i = 0; i < r->server->workers_n; i++)
        worker_run(revoked_home(r), i, known_arrived, &until_ms, sizeof(until_ms));
}

/* How it stands: said when it is not known for long, and when it is known again. */
static void revoked_look(struct revoked *r)
{
    uint64_t now = worker_now_ms(revoked_home(r)), bound = r->server->conf->unproven_after_ms;
    uint64_t age = now > r->known_ms ? now - r->known_ms : 0;
    struct alarms *a = r->server->alarms;
    enum knowledge now_is = bound > 0 && age >= bound ? UNPROVEN : age > LATE_MS ? UNKNOWN : KNOWN;

    metrics_set(revoked_home(r)->metrics, METRIC_sessions_age, age / 1000);
    if (now_is == r->is)
        return;
    r->is = now_is;
    if (now_is == KNOWN)
        alarms_clear(a, ALARM_sessions);
    else if (now_is == UNKNOWN)
        alarms_raise(a, ALARM_sessions, STR("they are asked for every 4 s"));
    else
        alarms_raise(a, ALARM_sessions, STR("too long: nothing is taken or shown"));
}

/* Listing. */

static void revoked_ask(struct revoked *r);

static void revoked_take(struct revoked *r, const struct store_item *item)
{
    struct worker *w = revoked_home(r);
    uint64_t session, expires_ms;

    r->after_n = MIN(item->name.n, sizeof(r->after));
    memcpy(r->after, item->name.p, r->after_n);
    if (str_to_u64(item->name, &session) && str_to_u64(item->body, &expires_ms) &&
        !people_is_revoked(&w->people, session))
        w->owner.ops->revoke(&w->owner, session, expires_ms);
}

static void begin_round(struct revoked *r)
{
    assert(!r->asking);
    r->round_ms = worker_now_ms(revoked_home(r));
    r->round_minute = worker_wall_ms(revoked_home(r)) / MINUTE_MS;
    /* Who ends a session may be late to write it, or take the minute for the next. */
    r->minute = MIN(r->read_minute, r->round_minute) - 1;
    r->after_n = 0;
}

/* The last page of a list was read. True if another is to be read. */
static bool turn_page(struct revoked *r)
{
    assert(!r->asking);
    r->after_n = 0;
    if (r->whole) {
        r->whole = false;
        r->read_minute = r->whole_minute;
        begin_round(r);
        return true;
    }
    if (r->minute <= r->round_minute) {
        r->minute++;
        return true;
    }
    r->read_minute = r->round_minute;
    r->known_ms = r->round_ms;
    tell_workers(r);
    revoked_look(r);
    return false;
}

static void revoked_listed(struct store_req *req)
{
    struct revoked *r = CONTAINER_OF(req, struct revoked, list.req);
    struct store_item item;
    size_t at = 0;

    assert(r->asking);
    r->asking = false;
    if (req->result != STORE_OK)
        return; /* the next time */
    while (store_block_next(r->list.ret_block, &at, &item))
        revoked_take(r, &item);
    frame_unref(r->list.ret_block);
    if (r->list.ret_n < PAGE && !turn_page(r))
        return;
    if (lifecycle_at(&r->server->life) < LIFE_CLOSING)
        revoked_ask(r);
}

static void revoked_ask(struct revoked *r)
{
    assert(!r->asking && r->after_n <= sizeof(r->after));
    r->asking = true;
    r->list = (struct store_list){
        .req = {.home = revoked_home(r)->io, .done = revoked_listed},
        .pk = r->whole ? KEYS_REVOKED : keys_of_minute(r->minute, r->pk),
        .after = {(const uint8_t *)r->after, r->after_n},
        .limit = PAGE,
    };
    store_list(r->server->o.store, &r->list);
}

/* Are minutes between `from` and now no more there, or is `from` to come? */
static bool is_far(const struct revoked *r, uint64_t from)
{
    uint64_t now = worker_wall_ms(revoked_home(r)) / MINUTE_MS;

    return now > from + BACK_MINUTES || from > now + 1;
}

static void revoked_due(struct wheel_timer *t)
{
    struct revoked *r = CONTAINER_OF(t, struct revoked, timer);

    wheel_set(&revoked_home(r)->wheel, t, worker_now_ms(revoked_home(r)) + EVERY_MS);
    revoked_look(r);
    if (r->asking)
        return;
    if (r->whole && !is_far(r, r->whole_minute)) {
        revoked_ask(r); /* the page that failed */
        return;
    }
    r->whole = is_far(r, r->read_minute);
    if (r->whole) {
        r->whole_minute = worker_wall_ms(revoked_home(r)) / MINUTE_MS;
        r->after_n = 0;
    } else {
        begin_round(r);
    }
    revoked_ask(r);
}

struct revoked *revoked_start(struct server *s)
{
    struct revoked *r;

    assert(s->revoked == NULL);
    if (bus_is_alone(s->o.bus))
        return NULL;
    r = mem_zeroed(1, sizeof(*r));
    r->server = s;
    r->timer.fire = revoked_due;
    r->known_ms = s->revoked_ms;
    r->read_minute = s->revoked_minute;
    tell_workers(r);
    revoked_due(&r->timer);
    return r;
}

void revoked_stop(struct revoked *r)
{
    if (r != NULL)
        wheel_cancel(&revoked_home(r)->wheel, &r->timer);
}

bool revoked_is_asking(const struct revoked *r)
{
    return r != NULL && r->asking;
}

void revoked_free(struct revoked *r)
{
    free(r);
}
