#include "chat/presence.h"

#include "base/str.h"
#include "chat/event.h"
#include "chat/room.h"

#include <stdlib.h>

#define SPREAD_MAX_MS 2000u
#define CAST_MAX (4 * 1024 * 1024)

/* One worker's people, or only their number. */
struct part {
    unsigned n;
    bool listed;
    uint64_t gone_ms; /* they have gone, and are told of until then; 0: no */
    uint8_t *people;  /* n records, close together: user (8 bytes), length (1), name */
};

struct presence {
    struct room *room;
    struct wheel_timer timer;
    uint64_t sent_ms;
    unsigned parts_n; /* as many as the workers that ever had followers */
    struct part *parts;
};

#define RECORD_HEAD (sizeof(uint64_t) + 1)

/* Reads the record at `at`; returns where the next one is. */
static const uint8_t *read_record(const uint8_t *at, struct presence_person *ret)
{
    memcpy(&ret->user, at, sizeof(ret->user));
    ret->name = (struct str){at + RECORD_HEAD, at[sizeof(ret->user)]};
    return ret->name.p + ret->name.n;
}

static unsigned total(const struct presence *p, bool *ret_listed)
{
    unsigned n = 0;

    *ret_listed = true;
    for (unsigned i = 0; i < p->parts_n; i++) {
        n += p->parts[i].n;
        *ret_listed = *ret_listed && (p->parts[i].n == 0 || p->parts[i].listed);
    }
    return n;
}

static bool listed_before(const struct presence *p, unsigned part, uint64_t user)
{
    struct presence_person person;

    for (unsigned i = 0; i < part; i++) {
        const uint8_t *at = p->parts[i].people;

        for (unsigned k = 0; k < p->parts[i].n; k++) {
            at = read_record(at, &person);
            if (person.user == user)
                return true;
        }
    }
    return false;
}

/* How many there are: somebody may be on several workers. */
static unsigned put_users(const struct presence *p, struct json_out *o)
{
    unsigned n = 0;

    json_out_key(o, "users");
    json_out_array(o);
    for (unsigned i = 0; i < p->parts_n; i++) {
        const uint8_t *at = p->parts[i].people;

        for (unsigned k = 0; k < p->parts[i].n; k++) {
            struct presence_person person;

            at = read_record(at, &person);
            if (listed_before(p, i, person.user))
                continue;
            json_out_object(o);
            json_out_field_u64(o, "id", person.user);
            json_out_field_str(o, "name", person.name);
            json_out_object_end(o);
            n++;
        }
    }
    json_out_array_end(o);
    return n;
}

void presence_describe(const struct room *r, struct json_out *o)
{
    const struct presence *p = r->presence;
    bool listed = true;
    unsigned n = p != NULL ? total(p, &listed) : 0;

    if (p != NULL && listed && n <= r->owner->limits.roster_max)
        n = put_users(p, o);
    json_out_field_u64(o, "count", n);
}

static void part_clear(struct part *part)
{
    free(part->people);
    *part = (struct part){0};
}

/* Those whose time has come are no longer told of; when the next one's comes. */
static uint64_t drop_gone(struct presence *p)
{
    uint64_t now = owner_now_ms(p->room->owner), next = UINT64_MAX;

    for (unsigned i = 0; i < p->parts_n; i++) {
        struct part *part = &p->parts[i];

        if (part->gone_ms > 0 && part->gone_ms <= now)
            part_clear(part);
        else if (part->gone_ms > 0)
            next = MIN(next, part->gone_ms);
    }
    return next;
}

static void cast(struct wheel_timer *t)
{
    struct presence *p = CONTAINER_OF(t, struct presence, timer);
    struct room *r = p->room;
    struct buf b CLEANUP(buf_fini);
    struct json_out o;
    uint64_t next = drop_gone(p);

    if (next != UINT64_MAX)
        wheel_set(r->owner->wheel, t, next);
    buf_init(&b, CAST_MAX);
    json_out_init(&o, &b);
    json_out_object(&o);
    json_out_field_str(&o, "event", STR("presence"));
    json_out_field_str(&o, "room", room_id(r));
    presence_describe(r, &o);
    json_out_object_end(&o);
    p->sent_ms = owner_now_ms(r->owner);
    if (!b.failed)
        r->owner->ops->cast(r->owner, r->followers, room_id(r), buf_peek(&b), 0);
}

static struct presence *presence_of(struct room *r)
{
    if (r->presence == NULL) {
        r->presence = calloc(1, sizeof(*r->presence));
        if (r->presence == NULL)
            abort();
        r->presence->room = r;
        r->presence->timer.fire = cast;
    }
    return r->presence;
}

static struct part *part_of(struct room *r, unsigned worker)
{
    struct presence *p = presence_of(r);

    if (worker >= p->parts_n) {
        p->parts = realloc(p->parts, (worker + 1) * sizeof(*p->parts));
        if (p->parts == NULL)
            abort();
        memset(p->parts + p->parts_n, 0, (worker + 1 - p->parts_n) * sizeof(*p->parts));
        p->parts_n = worker + 1;
    }
    return &p->parts[worker];
}

static uint8_t *pack(unsigned n, const struct presence_person *people)
{
    size_t bytes = n * RECORD_HEAD;
    uint8_t *packed, *at;

    for (unsigned i = 0; i < n; i++)
        bytes += MIN(people[i].name.n, (size_t)UINT8_MAX);
    packed = at = malloc(bytes);
    if (packed == NULL)
        abort();
    for (unsigned i = 0; i < n; i++) {
        uint8_t name_n = (uint8_t)MIN(people[i].name.n, (size_t)UINT8_MAX);

        memcpy(at, &people[i].user, sizeof(people[i].user));
        at[sizeof(people[i].user)] = name_n;
        if (name_n > 0)
            memcpy(at + RECORD_HEAD, people[i].name.p, name_n);
        at += RECORD_HEAD + name_n;
    }
    return packed;
}

static void schedule(struct room *r)
{
    struct presence *p = r->presence;
    struct owner *o = r->owner;
    bool listed;
    bool many = total(p, &listed) > o->limits.roster_max || !listed;
    uint64_t every = many ? o->limits.presence_count_ms : o->limits.presence_list_ms;

    /* Spread, the more the larger the room, so that many rooms at once are no peak. */
    uint64_t spread = 1 + rng_below(&o->rng, MIN(total(p, &listed) * 5 + 1, SPREAD_MAX_MS));
    uint64_t at = MAX(owner_now_ms(o), p->sent_ms + every) + spread;

    if (!wheel_armed(&p->timer) || p->timer.at_ms > at)
        wheel_set(o->wheel, &p->timer, at);
}

void presence_here(struct room *r, unsigned worker, unsigned n,
                   const struct presence_person *people)
{
    struct part *part = part_of(r, worker);

    part_clear(part);
    *part = (struct part){.n = n, .listed = people != NULL};
    if (n > 0 && people != NULL)
        part->people = pack(n, people);
    schedule(r);
}

void presence_gone(struct room *r, unsigned worker)
{
    struct presence *p = r->presence;
    struct owner *o = r->owner;
    uint64_t at = owner_now_ms(o) + o->limits.presence_leave_ms;

    if (p == NULL || worker >= p->parts_n || p->parts[worker].n == 0)
        return;
    p->parts[worker].gone_ms = at;
    if (r->followers == 0) /* nobody to tell */
        part_clear(&p->parts[worker]);
    else if (!wheel_armed(&p->timer))
        wheel_set(o->wheel, &p->timer, at);
}

void presence_free(struct presence *p)
{
    if (p == NULL)
        return;
    wheel_cancel(p->room->owner->wheel, &p->timer);
    for (unsigned i = 0; i < p->parts_n; i++)
        free(p->parts[i].people);
    free(p->parts);
    free(p);
}
