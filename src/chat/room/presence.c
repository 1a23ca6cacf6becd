#include "chat/room/presence.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/varint.h"
#include "chat/model/event.h"
#include "chat/room/crowd.h"
#include "chat/room/room.h"

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
    uint8_t *people;  /* n records, close together: user, length (varints), name */
    size_t bytes_n;   /* of them all */
};

/* What is between this node and others, of one room. */
struct others {
    struct presence *presence;
    struct wheel_timer share; /* telling them */
    uint64_t shared_ms;
    uint32_t every_ms;        /* until they are told again; 0: of something new */
    bool asked;               /* for theirs */
    struct call *fetching;    /* calls that wait for what they say */
    struct wheel_timer fetch; /* until when */
};

struct presence {
    struct room *room;
    struct wheel_timer timer; /* telling followers */
    uint64_t sent_ms;
    bool changed;          /* since they were told last */
    unsigned parts_n;      /* of workers that ever had followers, and of nodes */
    struct others *others; /* NULL: nothing was ever said to other nodes */
    struct part *parts;
};

/* Reads the record at `at`; returns where the next one is. */
static const uint8_t *read_record(const uint8_t *at, struct presence_person *ret)
{
    struct str rest = {at, 2 * VARINT_N_MAX}; /* as pack wrote it: the numbers are whole */
    uint64_t n = 0;
    bool ok = varint_get(&rest, &ret->user) && varint_get(&rest, &n);

    assert(ok);
    ret->name = (struct str){rest.p, (size_t)n};
    return rest.p + n;
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
            event_user(o, NULL, person.user, person.name);
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

    assert(p == NULL || p->room == r);
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

static void share(struct wheel_timer *t);
static void fetched(struct wheel_timer *t);

static struct others *others_of(struct presence *p)
{
    assert(p->others == NULL || p->others->presence == p);
    if (p->others != NULL)
        return p->others;
    p->others = mem_zeroed(1, sizeof(*p->others));
    p->others->presence = p;
    p->others->share.fire = share;
    p->others->fetch.fire = fetched;
    return p->others;
}

static bool is_shared(const struct presence *p)
{
    return !bus_is_alone(p->room->owner->bus) && room_id(p->room).p[0] != '@';
}

static void share_at(struct presence *p, uint64_t at)
{
    struct others *others;

    if (!is_shared(p))
        return;
    others = others_of(p);
    if (!wheel_armed(&others->share) || others->share.at_ms > at)
        wheel_set(p->room->owner->wheel, &others->share, at);
}

/* What is new here: not more often than followers are told. */
static void share_soon(struct presence *p)
{
    struct owner *o = p->room->owner;
    struct others *others;

    if (p->others != NULL)
        p->others->every_ms = 0;
    if (!is_shared(p))
        return;
    others = others_of(p);
    share_at(p, MAX(owner_now_ms(o), others->shared_ms + o->limits.presence_list_ms));
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
    struct others *others = CONTAINER_OF(t, struct others, share);
    struct presence *p = others->presence;
    struct room *r = p->room;
    struct owner *o = r->owner;
    struct buf b CLEANUP(buf_fini);
    bool listed = true;
    unsigned n = 0;

    assert(p->others == others);
    for (unsigned i = 0; i < p->parts_n; i++) {
        if (p->parts[i].node != 0)
            continue;
        n += p->parts[i].n;
        listed = listed && (p->parts[i].n == 0 || p->parts[i].listed);
    }
    listed = listed && n <= o->limits.roster_max;
    buf_init(&b, BUS_CAST_MAX);
    crowd_begin(&b, listed ? list_own(p, NULL) : n, listed, !others->asked);
    if (listed)
        (void)list_own(p, &b);
    if (b.failed) { /* they are few, and their names too long */
        buf_clear(&b);
        crowd_begin(&b, n, false, !others->asked);
    }
    bus_cast(o->bus, room_id(r), buf_peek(&b));
    others->asked = true;
    others->shared_ms = owner_now_ms(o);
    others->every_ms = others->every_ms > 0
                           ? MIN(others->every_ms * 2, (uint32_t)PRESENCE_TOLD_MAX_MS)
                           : (uint32_t)PRESENCE_TOLD_MS;
    if (r->followers != 0 || others->fetching != NULL || others->every_ms <= GOODBYE_MS)
        wheel_set(o->wheel, t,
                  others->shared_ms + others->every_ms - rng_below(&o->rng, others->every_ms / 4));
}

/* Those whose time has come are no longer told of; when the next one's comes. */
static uint64_t drop_gone(struct presence *p)
{
    uint64_t now = owner_now_ms(p->room->owner), next = UINT64_MAX;

    assert(p->parts_n <= PARTS_MAX);
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

static void presence_cast(struct wheel_timer *t)
{
    struct presence *p = CONTAINER_OF(t, struct presence, timer);
    struct room *r = p->room;
    struct buf b CLEANUP(buf_fini);
    struct json_out o;
    uint64_t next = drop_gone(p);

    assert(r->presence == p);
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
        r->presence = mem_zeroed(1, sizeof(*r->presence));
        r->presence->room = r;
        r->presence->timer.fire = presence_cast;
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

    assert(p->parts_n <= PARTS_MAX);
    if (part != NULL || p->parts_n == PARTS_MAX)
        return part;
    p->parts = mem_resize(p->parts, (p->parts_n + 1) * sizeof(*p->parts));
    part = &p->parts[p->parts_n++];
    *part = (struct part){.node = node, .worker = worker};
    return part;
}

static uint8_t *pack(unsigned n, const struct presence_person *people, size_t *ret_n)
{
    size_t bytes = 0;
    uint8_t *packed, *at;

    assert(n > 0);
    for (unsigned i = 0; i < n; i++)
        bytes += varint_size(people[i].user) + varint_size(people[i].name.n) + people[i].name.n;
    packed = at = malloc(bytes);
    if (packed == NULL)
        abort();
    for (unsigned i = 0; i < n; i++) {
        size_t name_n = people[i].name.n;

        at = varint_put(varint_put(at, people[i].user), name_n);
        if (name_n > 0)
            memcpy(at, people[i].name.p, name_n);
        at += name_n;
    }
    assert(at == packed + bytes);
    *ret_n = bytes;
    return packed;
}

static void schedule(struct room *r)
{
    struct presence *p = r->presence;
    struct owner *o = r->owner;
    bool listed;
    uint64_t every = presence_is_many(r) ? o->limits.presence_count_ms : o->limits.presence_list_ms;

    assert(p != NULL);
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
    assert(at > 0);
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

static void presence_forget(struct presence *p)
{
    for (unsigned i = 0; i < p->parts_n; i++)
        part_clear(&p->parts[i]);
    p->parts_n = 0;
    if (p->others != NULL)
        wheel_cancel(p->room->owner->wheel, &p->others->share);
}

/* There is nobody to tell any more, and nothing is heard of other nodes. */
static void nobody_here(struct presence *p)
{
    bool told = p->others != NULL && wheel_armed(&p->others->share);

    assert(p->room->followers == 0);
    presence_forget(p);
    if (p->others != NULL)
        p->others->every_ms = 0;
    if (told)
        share(&p->others->share);
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
    const struct others *others = r->presence != NULL ? r->presence->others : NULL;

    return r->followers != 0 || (others != NULL && others->fetching != NULL);
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
        people = mem_bytes((size_t)crowd->n * sizeof(*people));
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
    others_of(p)->asked = false;
    share_at(p, owner_now_ms(o));
    for (unsigned i = 0; i < p->parts_n; i++)
        if (p->parts[i].node != 0)
            gone_at(p, &p->parts[i], owner_now_ms(o) + PRESENCE_ANSWER_MS);
    if (p->others->fetching != NULL)
        wheel_set(o->wheel, &p->others->fetch, owner_now_ms(o) + FETCH_MS);
}

static void fetched(struct wheel_timer *t)
{
    struct others *others = CONTAINER_OF(t, struct others, fetch);
    struct presence *p = others->presence;
    struct room *r = p->room;
    struct call *call = others->fetching, *next;

    assert(call != NULL && p->others == others);
    room_hold(r);
    others->fetching = NULL;
    for (; call != NULL; call = next) {
        next = call->next;
        r->owner->engine->run(r, call);
    }
    if (!hears(r)) {
        presence_forget(p);
        bus_follow(r->owner->bus, r->owner->home, room_id(r), false);
    }
    room_release(r);
}

bool presence_fetch(struct room *r, struct call *call)
{
    struct owner *o = r->owner;
    struct others *others;

    assert(call->room == r);
    if (r->followers != 0 || call->looked || bus_is_alone(o->bus) || room_id(r).p[0] == '@')
        return false;
    others = others_of(presence_of(r));
    if (others->fetching == NULL) {
        bus_follow(o->bus, o->home, room_id(r), true);
        wheel_set(o->wheel, &others->fetch, owner_now_ms(o) + FETCH_MAX_MS);
    }
    call->looked = true;
    call->next = others->fetching;
    others->fetching = call;
    return true;
}

void presence_free(struct presence *p)
{
    if (p == NULL)
        return;
    wheel_cancel(p->room->owner->wheel, &p->timer);
    if (p->others != NULL) {
        wheel_cancel(p->room->owner->wheel, &p->others->share);
        assert(p->others->fetching == NULL);
    }
    free(p->others);
    for (unsigned i = 0; i < p->parts_n; i++)
        free(p->parts[i].people);
    free(p->parts);
    free(p);
}
