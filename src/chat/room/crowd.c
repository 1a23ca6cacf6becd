#include "chat/room/crowd.h"

#include "base/str.h"
#include "base/varint.h"

enum { MARK = 1, VERSION = 1, LISTED = 1, ASKS = 2, HEAD_N = 3 };

bool crowd_is(struct str cast)
{
    return cast.n > 0 && cast.p[0] == MARK;
}

void crowd_begin(struct buf *b, uint64_t n, bool listed, bool asks)
{
    buf_append_byte(b, MARK);
    buf_append_byte(b, VERSION);
    buf_append_byte(b, (uint8_t)((listed ? LISTED : 0) | (asks ? ASKS : 0)));
    buf_append_varint(b, n);
}

void crowd_add(struct buf *b, const struct presence_person *person)
{
    struct str name = {person->name.p, MIN(person->name.n, (size_t)UINT8_MAX)};

    buf_append_varint(b, person->user);
    buf_append_varint(b, name.n);
    buf_append(b, name);
}

static bool take_person(struct str *rest, struct presence_person *ret)
{
    return varint_get(rest, &ret->user) && varint_take(rest, &ret->name) &&
           ret->name.n <= UINT8_MAX;
}

bool crowd_read(struct str cast, struct crowd *ret)
{
    struct crowd c = {0};
    struct presence_person person;
    struct str at;

    if (cast.n < HEAD_N || cast.p[0] != MARK || cast.p[1] != VERSION ||
        (cast.p[2] & ~(LISTED | ASKS)) != 0)
        return false;
    c.listed = (cast.p[2] & LISTED) != 0;
    c.asks = (cast.p[2] & ASKS) != 0;
    c.rest = str_skip(cast, HEAD_N);
    if (!varint_get(&c.rest, &c.n) || c.n > UINT32_MAX)
        return false;
    at = c.rest;
    for (uint64_t i = 0; c.listed && i < c.n; i++)
        if (!take_person(&at, &person))
            return false;
    if (at.n > 0)
        return false;
    *ret = c;
    return true;
}

struct presence_person crowd_next(struct crowd *c)
{
    struct presence_person person;
    bool whole = take_person(&c->rest, &person);

    assert(whole); /* crowd_read has seen to it */
    return person;
}
