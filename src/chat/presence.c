#include "chat/presence.h"

#include "base/str.h"
#include "chat/commands.h"
#include "chat/crowd.h"
#include "chat/event.h"
#include "chat/room.h"

#include <stdlib.h>

#define SPREAD_MAX_MS 2000u
#define CAST_MAX (4 * 1024 * 1024)
#define PARTS_MAX 512
/* After what makes others tell of theirs, so that not all of them do at once. */
#define ANSWER_MS 300
/* That nobody is here any more is told again for this long: there is no later word
 * from which others could learn that they missed it. */
#define GOODBYE_MS (PRESENCE_TOLD_MS * 2)
/* Who asks for a moment only waits so long for what they say; and in all, if the
 * bus is down. */
#define FETCH_MS 500
#define FETCH_MAX_MS 2000

/* The people of one worker here or of another node, or only their number. */
struct part {
    uint64_t node; /* 0: here */
    unsigned worker;
    unsigned n;
    bool listed;
    uint64_t gone_ms; /* they have gone, and are told of until then; 0: no */
    uint8_t *people;  /* n records, close together: user (8 bytes), length (1), name */
    size_t bytes_n;   /* of them all */
};

struct presence {
    struct room *room;
    struct wheel_timer timer; /* telling followers */
    uint64_t sent_ms;
    bool changed;             /* since they were told last */
    struct wheel_timer share; /* telling other nodes */
    uint64_t shared_ms;
    uint32_t every_ms;        /* until they are told again; 0: of something new */
    bool asked;               /* the other nodes, for theirs */
    struct call *fetching;    /* calls that wait for what they say */
    struct wheel_timer fetch; /* until when */
    unsigned parts_n;         /* of workers that ever had followers, and of nodes */
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

static bool listed_before(const struct presence *p, unsigned part, uint64_t user, bool own)
{
    struct presence_person person;

    for (unsigned i = 0; i < part; i++) {
        const uint8_t *at = p->parts[i].people;

        for (unsigned k = 0; k < p->parts[i].n && !(own && p->parts[i].node != 0); k++) {
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
            if (listed_before(p, i, person.user, false))
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

bool presence_is_many(const struct room *r)
{
    bool listed = true;

    return r->presence != NULL &&
           (total(r->presence, &listed) > r->owner->limits.roster_max || !listed);
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
    *part = (struct part){.node = part->node, .worker = part->worker};
}

/* Other nodes are told: of those here who are not told of elsewhere. */

static void share_at(struct presence *p, uint64_t at)
{
    struct owner *o = p->room->owner;

    if (bus_is_alone(o->bus) || room_id(p->room).p[0] == '@')
        return;
    if (!wheel_armed(&p->share) || p->share.at_ms > at)
        wheel_set(o->wheel, &p->share, at);
}

/* What is new here: not more often than followers are told. */
static void share_soon(struct presence *p)
{
    p->every_ms = 0;
    share_at(p, MAX(owner_now_ms(p->room->owner),
                    p->shared_ms + p->room->owner->limits.presence_list_ms));
}

/* As others ask: those who ask at once are answered by one. */
static void share_answer(struct presence *p)
{
    struct owner *o = p->room->owner;

    share_at(p, owner_now_ms(o) + ANSWER_MS / 4 + rng_below(&o->rng, ANSWER_MS * 3 / 4));
}

/* The people here, listed: how many. At first only counts. */
static unsigned list_own(const struct presence *p, struct buf *b)
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->parts_n; i++) {
        const uint8_t *at = p->parts[i].people;

        for (unsigned k = 0; p->parts[i].node == 0 && k < p->parts[i].n; k++) {
            struct presence_person person;

            at = read_record(at, &person);
            if (listed_before(p, i, person.user, true))
                continue;
            if (b != NULL)
                crowd_add(b, &person);
            n++;
        }
    }
    return n;
}

static void share(struct wheel_timer *t)
{
    struct presence *p = CONTAINER_OF(t, struct presence, share);
    struct room *r = p->room;
    struct owner *o = r->owner;
    struct buf b CLEANUP(buf_fini);
    bool listed = true;
    unsigned n = 0;

    for (unsigned i = 0; i < p->parts_n; i++) {
        if (p->parts[i].node != 0)
            continue;
        n += p->parts[i].n;
        listed = listed && (p->parts[i].n == 0 || p->parts[i].listed);
    }
    listed = listed && n <= o->limits.roster_max;
    buf_init(&b, BUS_CAST_MAX);
    crowd_begin(&b, listed ? list_own(p, NULL) : n, listed, !p->asked);
    if (listed)
        (void)list_own(p, &b);
    if (b.failed) { /* they are few, and their names too long */
        buf_clear(&b);
        crowd_begin(&b, n, false, !p->asked);
    }
    bus_cast(o->bus, room_id(r), buf_peek(&b));
    p->asked = true;
    p->shared_ms = owner_now_ms(o);
    p->every_ms = p->every_ms > 0 ? MIN(p->every_ms * 2, (uint32_t)PRESENCE_TOLD_MAX_MS)
                                  : (uint32_t)PRESENCE_TOLD_MS;
    if (r->followers != 0 || p->fetching != NULL || p->every_ms <= GOODBYE_MS)
        wheel_set(o->wheel, t, p->shared_ms + p->every_ms - rng_below(&o->rng, p->every_ms / 4));
}

/* Those whose time has come are no longer told of; when the next one's comes. */
static uint64_t drop_gone(struct presence *p)
{
    uint64_t now = owner_now_ms(p->room->owner), next = UINT64_MAX;

    for (unsigned i = 0; i < p->parts_n; i++) {
        struct part *part = &p->parts[i];

        if (part->gone_ms > now)
            next = MIN(next, part->gone_ms);
        if (part->gone_ms == 0 || part->gone_ms > now)
            continue;
        p->changed = true;
        part_clear(part);
        if (part->node == 0)
            share_soon(p);
        else
            p->parts[i--] = p->parts[--p->parts_n];
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
    if (!p->changed)
        return;
    p->changed = false;
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
        r->presence->share.fire = share;
    }
    return r->presence;
}

static struct part *part_find(const struct presence *p, uint64_t node, unsigned worker)
{
    for (unsigned i = 0; p != NULL && i < p->parts_n; i++)
        if (p->parts[i].node == node && p->parts[i].worker == worker)
            return &p->parts[i];
    return NULL;
}

/* The part, made if there is none. NULL if there are too many. */
static struct part *part_of(struct room *r, uint64_t node, unsigned worker)
{
    struct presence *p = presence_of(r);
    struct part *part = part_find(p, node, worker);

    if (part != NULL || p->parts_n == PARTS_MAX)
        return part;
    p->parts = realloc(p->parts, (p->parts_n + 1) * sizeof(*p->parts));
    if (p->parts == NULL)
        abort();
    part = &p->parts[p->parts_n++];
    *part = (struct part){.node = node, .worker = worker};
    return part;
}

static uint8_t *pack(unsigned n, const struct presence_person *people, size_t *ret_n)
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
    *ret_n = bytes;
    return packed;
}

static void schedule(struct room *r)
{
    struct presence *p = r->presence;
    struct owner *o = r->owner;
    bool listed;
    uint64_t every = presence_is_many(r) ? o->limits.presence_count_ms : o->limits.presence_list_ms;

    /* Spread, the more the larger the room, so that many rooms at once are no peak. */
    uint64_t spread = 1 + rng_below(&o->rng, MIN(total(p, &listed) * 5 + 1, SPREAD_MAX_MS));
    uint64_t at = MAX(owner_now_ms(o), p->sent_ms + every) + spread;

    p->changed = true;
    if (!wheel_armed(&p->timer) || p->timer.at_ms > at)
        wheel_set(o->wheel, &p->timer, at);
}

void presence_here(struct room *r, unsigned worker, unsigned n,
                   const struct presence_person *people)
{
    struct part *part = part_of(r, 0, worker);

    if (part == NULL)
        return;
    part_clear(part);
    part->n = n;
    part->listed = people != NULL;
    if (n > 0 && people != NULL)
        part->people = pack(n, people, &part->bytes_n);
    schedule(r);
    share_soon(r->presence);
}

/* They are told of until then, unless they are heard of again. */
static void gone_at(struct presence *p, struct part *part, uint64_t at)
{
    if (part->n == 0 || (part->gone_ms > 0 && part->gone_ms <= at))
        return;
    part->gone_ms = at;
    if (!wheel_armed(&p->timer) || p->timer.at_ms > at)
        wheel_set(p->room->owner->wheel, &p->timer, at);
}

/* They may be back in a moment. */
static void leave(struct presence *p, struct part *part)
{
    struct owner *o = p->room->owner;

    gone_at(p, part, owner_now_ms(o) + o->limits.presence_leave_ms);
}

static void forget(struct presence *p)
{
    for (unsigned i = 0; i < p->parts_n; i++)
        part_clear(&p->parts[i]);
    p->parts_n = 0;
    wheel_cancel(p->room->owner->wheel, &p->share);
}

/* There is nobody to tell any more, and nothing is heard of other nodes. */
static void nobody_here(struct presence *p)
{
    bool told = wheel_armed(&p->share);

    forget(p);
    p->every_ms = 0;
    if (told)
        share(&p->share);
}

void presence_gone(struct room *r, unsigned worker)
{
    struct presence *p = r->presence;
    struct part *part = part_find(p, 0, worker);

    if (p != NULL && r->followers == 0)
        nobody_here(p);
    else if (part != NULL)
        leave(p, part);
}

static bool hears(const struct room *r)
{
    return r->followers != 0 || (r->presence != NULL && r->presence->fetching != NULL);
}

/* The part as the crowd says it; false if it was so before. */
static bool part_take(struct part *part, struct crowd *crowd)
{
    struct presence_person *people = NULL;
    struct part was = *part;
    bool same;

    part->people = NULL;
    part_clear(part);
    part->n = (unsigned)crowd->n;
    part->listed = crowd->listed;
    part->gone_ms = 0;
    if (crowd->listed && crowd->n > 0) {
        people = malloc((size_t)crowd->n * sizeof(*people));
        if (people == NULL)
            abort();
        for (unsigned i = 0; i < part->n; i++)
            people[i] = crowd_next(crowd);
        part->people = pack(part->n, people, &part->bytes_n);
    }
    same = was.n == part->n && was.listed == part->listed && was.bytes_n == part->bytes_n &&
           (part->bytes_n == 0 || memcmp(was.people, part->people, part->bytes_n) == 0);
    free(people);
    free(was.people);
    return !same;
}

void presence_heard(struct room *r, uint64_t node, struct crowd *crowd)
{
    struct owner *o = r->owner;
    struct part *part = part_find(r->presence, node, 0);
    bool is_new = part == NULL && crowd->n > 0;

    if (!hears(r) || (crowd->listed && crowd->n > o->limits.roster_max))
        return;
    if (is_new || crowd->asks)
        share_answer(presence_of(r));
    if (crowd->n == 0) {
        if (part != NULL)
            leave(r->presence, part);
        return;
    }
    if (part == NULL)
        part = part_of(r, node, 0);
    if (part == NULL)
        return;
    if (part_take(part, crowd))
        schedule(r);
    part->gone_ms = owner_now_ms(o) + PRESENCE_LEASE_MS;
    if (!wheel_armed(&r->presence->timer))
        wheel_set(o->wheel, &r->presence->timer, part->gone_ms);
}

void presence_node_down(struct room *r, uint64_t node)
{
    struct part *part = part_find(r->presence, node, 0);

    if (part != NULL)
        leave(r->presence, part);
}

void presence_ask(struct room *r)
{
    struct owner *o = r->owner;
    struct presence *p;

    if (bus_is_alone(o->bus) || !hears(r) || room_id(r).p[0] == '@')
        return;
    p = presence_of(r);
    p->asked = false;
    share_at(p, owner_now_ms(o));
    for (unsigned i = 0; i < p->parts_n; i++)
        if (p->parts[i].node != 0)
            gone_at(p, &p->parts[i], owner_now_ms(o) + PRESENCE_ANSWER_MS);
    if (p->fetching != NULL)
        wheel_set(o->wheel, &p->fetch, owner_now_ms(o) + FETCH_MS);
}

static void fetched(struct wheel_timer *t)
{
    struct presence *p = CONTAINER_OF(t, struct presence, fetch);
    struct room *r = p->room;
    struct call *call = p->fetching, *next;

    room_hold(r);
    p->fetching = NULL;
    for (; call != NULL; call = next) {
        next = call->next;
        commands_handle(r, call);
    }
    if (!hears(r)) {
        forget(p);
        bus_follow(r->owner->bus, r->owner->home, room_id(r), false);
    }
    room_release(r);
}

bool presence_fetch(struct room *r, struct call *call)
{
    struct owner *o = r->owner;
    struct presence *p;

    if (r->followers != 0 || call->looked || bus_is_alone(o->bus) || room_id(r).p[0] == '@')
        return false;
    p = presence_of(r);
    if (p->fetching == NULL) {
        bus_follow(o->bus, o->home, room_id(r), true);
        p->fetch.fire = fetched;
        wheel_set(o->wheel, &p->fetch, owner_now_ms(o) + FETCH_MAX_MS);
    }
    call->looked = true;
    call->next = p->fetching;
    p->fetching = call;
    return true;
}

void presence_free(struct presence *p)
{
    if (p == NULL)
        return;
    wheel_cancel(p->room->owner->wheel, &p->timer);
    wheel_cancel(p->room->owner->wheel, &p->share);
    assert(p->fetching == NULL);
    for (unsigned i = 0; i < p->parts_n; i++)
        free(p->parts[i].people);
    free(p->parts);
    free(p);
}
